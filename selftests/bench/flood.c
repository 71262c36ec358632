// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets as fast as they go, and how long they took.
 *
 *   flood DEV SMAC DMAC SRC DST COUNT [tcp] [spread N FIELDS]
 *         [{ gre | ipip | gtp } OUTER-SRC OUTER-DST [KEY]]
 *                  UDP, or TCP, in frames of 64 bytes, by a packet socket; or
 *                  these IPv4 packets in a tunnel. Prints the ticks of
 *                  the time stamp counter that COUNT of them took, after a
 *                  tenth of that as warm-up; and what they would have taken,
 *                  had all been as fast as the fastest quarter of PARTS: that
 *                  is, had nobody else used the CPU. With spread, a random
 *                  number below N is added to each of FIELDS: m(ac of the
 *                  source), s(rc), d(st), k(ey).
 *   flood loop     prints the ticks of LOOP instructions that do nothing
 *   flood now      prints the time stamp counter
 *   flood rate     prints its ticks per nanosecond
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <x86intrin.h>

#define FRAME	64
#define LOOP	2000000ul
#define PARTS	200
#define GRE_KEY	0x2000
#define GTP_PORT 2152

struct gre {
	uint16_t flags;
	uint16_t protocol;
	uint32_t key;
} __attribute__((packed));

struct gtp {
	struct udphdr udp;
	uint8_t flags;
	uint8_t type;
	uint16_t length;
	uint32_t teid;
} __attribute__((packed));

/* What goes out again and again, and where in it lies what differs. */
static struct {
	uint8_t bytes[FRAME + sizeof(struct iphdr) + sizeof(struct gtp)];
	size_t length;
	struct iphdr *ip;
	void *key;
	uint32_t smac, saddr, daddr, okey;	/* as they began */
} frame;

static void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, errno ? strerror(errno) : "what is that?");
	exit(1);
}

static struct in_addr address(const char *text)
{
	struct in_addr addr;

	if (inet_pton(AF_INET, text, &addr) != 1)
		die(text);
	return addr;
}

static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += bytes[i] << 8 | bytes[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return htons(~(sum + (sum >> 16)));
}

/* Returns what follows the header. */
static uint8_t *put_ip(uint8_t *at, const char *src, const char *dst, uint8_t protocol, size_t payload)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.frag_off = htons(IP_DF),
		.ttl = 64,
		.protocol = protocol,
		.tot_len = htons(sizeof(ip) + payload),
		.saddr = address(src).s_addr,
		.daddr = address(dst).s_addr,
	};

	ip.check = checksum(&ip, sizeof(ip));
	memcpy(at, &ip, sizeof(ip));
	return at + sizeof(ip);
}

static uint64_t loop(void)
{
	uint64_t start = __rdtsc();
	unsigned long left = LOOP / 2;

	asm volatile("1: dec %0; jnz 1b" : "+r"(left));
	return __rdtsc() - start;
}

static double rate(void)
{
	uint64_t ns = 0, start = __rdtsc();
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	while (ns < 200000000) {
		clock_gettime(CLOCK_MONOTONIC, &to);
		ns = (to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec;
	}
	return (double)(__rdtsc() - start) / ns;
}

/* Returns what follows the header, behind which SIZE bytes come. */
static uint8_t *put_tunnel(uint8_t *at, size_t size, const char *kind, const char *src, const char *dst,
			   const char *key)
{
	struct gre gre = { htons(GRE_KEY), htons(ETHERTYPE_IP), 0 };
	struct gtp gtp = {
		.udp = {
			.source = htons(GTP_PORT),
			.dest = htons(GTP_PORT),
			.len = htons(sizeof(gtp) + size),
		},
		.flags = 0x30,
		.type = 255,
		.length = htons(size),
	};

	frame.okey = key ? strtoul(key, NULL, 0) : 0;
	if (!strcmp(kind, "ipip"))
		return put_ip(at, src, dst, IPPROTO_IPIP, size);
	if (!strcmp(kind, "gre") && key) {
		at = put_ip(at, src, dst, IPPROTO_GRE, sizeof(gre) + size);
		memcpy(at, &gre, sizeof(gre));
		frame.key = at + offsetof(struct gre, key);
		return at + sizeof(gre);
	}
	if (!strcmp(kind, "gtp") && key) {
		at = put_ip(at, src, dst, IPPROTO_UDP, sizeof(gtp) + size);
		memcpy(at, &gtp, sizeof(gtp));
		frame.key = at + offsetof(struct gtp, teid);
		return at + sizeof(gtp);
	}
	die(kind);
	return NULL;
}

static void put_u32(void *at, uint32_t value)
{
	value = htonl(value);
	memcpy(at, &value, sizeof(value));
}

/* Sets the fields that the letters name to their Nth value. */
static void vary(const char *fields, uint32_t n)
{
	struct iphdr *ip = frame.ip;

	for (; *fields; fields++) {
		switch (*fields) {
		case 'm':
			put_u32(frame.bytes + 2 * ETH_ALEN - 4, frame.smac + n);
			break;
		case 's':
			put_u32(&ip->saddr, frame.saddr + n);
			break;
		case 'd':
			put_u32(&ip->daddr, frame.daddr + n);
			break;
		case 'k':
			if (frame.key)
				put_u32(frame.key, frame.okey + n);
			break;
		}
	}
	ip->check = 0;
	ip->check = checksum(ip, sizeof(*ip));
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

int main(int argc, char **argv)
{
	const size_t inner = FRAME - sizeof(struct ether_header), payload = inner - sizeof(struct iphdr);
	struct udphdr udp = { .source = htons(4000), .dest = htons(4001), .len = htons(payload) };
	struct tcphdr tcp = { .source = htons(4000), .dest = htons(4001), .doff = payload / 4, .ack = 1 };
	struct ether_header *eth = (struct ether_header *)frame.bytes;
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	uint8_t *at = frame.bytes + sizeof(*eth), protocol = IPPROTO_UDP;
	uint32_t spread = 0, random = 1;
	struct ether_addr smac, dmac;
	const char *fields = "";
	uint64_t start = 0, now, part[PARTS] = { 0 };
	int fd, i = 7;
	long count;

	if (argc == 2 && !strcmp(argv[1], "loop")) {
		printf("%ju\n", (uintmax_t)loop());
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "now")) {
		printf("%ju\n", (uintmax_t)__rdtsc());
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "rate")) {
		printf("%.6f\n", rate());
		return 0;
	}
	if (argc < 7 || !ether_aton_r(argv[2], &smac) || !ether_aton_r(argv[3], &dmac) ||
	    (count = atol(argv[6])) < PARTS)
		die("arguments");
	memcpy(eth->ether_shost, &smac, ETH_ALEN);
	memcpy(eth->ether_dhost, &dmac, ETH_ALEN);
	eth->ether_type = htons(ETHERTYPE_IP);
	if (i < argc && !strcmp(argv[i], "tcp")) {
		protocol = IPPROTO_TCP;
		i++;
	}
	if (i + 2 < argc && !strcmp(argv[i], "spread")) {
		spread = strtoul(argv[i + 1], NULL, 0);
		fields = argv[i + 2];
		if (!spread || strspn(fields, "msdk") != strlen(fields))
			die(argv[i]);
		i += 3;
	}
	if (i < argc && argc - i != 3 && argc - i != 4)
		die(argv[i]);
	if (i < argc)
		at = put_tunnel(at, inner, argv[i], argv[i + 1], argv[i + 2], argv[i + 3]);
	if (strchr(fields, 'k') && !frame.key)
		die("spread k");
	frame.ip = (struct iphdr *)at;
	at = put_ip(at, argv[4], argv[5], protocol, payload);
	if (protocol == IPPROTO_TCP)
		memcpy(at, &tcp, sizeof(tcp));
	else
		memcpy(at, &udp, sizeof(udp));
	frame.length = at + payload - frame.bytes;
	memcpy(&frame.smac, eth->ether_shost + 2, sizeof(frame.smac));
	frame.smac = ntohl(frame.smac);
	frame.saddr = ntohl(frame.ip->saddr);
	frame.daddr = ntohl(frame.ip->daddr);
	vary("k", 0);

	fd = socket(AF_PACKET, SOCK_RAW, 0);
	to.sll_ifindex = if_nametoindex(argv[1]);
	if (fd < 0 || !to.sll_ifindex || bind(fd, (struct sockaddr *)&to, sizeof(to)))
		die(argv[1]);
	for (long n = -count / 10; n < count; n++) {
		if (n == 0)
			start = part[0] = __rdtsc();
		if (spread) {
			random = random * 1664525 + 1013904223;
			vary(fields, (uint64_t)random * spread >> 32);
		}
		if (send(fd, frame.bytes, frame.length, 0) != (ssize_t)frame.length)
			die("send");
		if (n > 0 && n % (count / PARTS) == 0 && n / (count / PARTS) < PARTS) {
			now = __rdtsc();
			part[n / (count / PARTS) - 1] = now - part[n / (count / PARTS) - 1];
			part[n / (count / PARTS)] = now;
		}
	}
	now = __rdtsc();
	qsort(part, PARTS - 1, sizeof(part[0]), compare);
	printf("%ju %ju\n", (uintmax_t)(now - start), (uintmax_t)(part[PARTS / 4] * PARTS));
	return 0;
}
