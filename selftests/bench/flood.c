// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets as fast as they go, and how long they took.
 *
 *   flood DEV SMAC DMAC SRC DST COUNT [KEY OUTER-SRC OUTER-DST]
 *                  UDP in frames of 64 bytes, by a packet socket; with KEY
 *                  these IPv4 packets come in keyed GRE. Prints the ticks
 *                  of the time stamp counter that COUNT of them took, after
 *                  a tenth of that as warm-up.
 *   flood loop     prints the ticks of LOOP instructions that do nothing
 *   flood now      prints the time stamp counter
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <x86intrin.h>

#define FRAME	64
#define LOOP	2000000ul
#define GRE_KEY	0x2000

struct gre {
	uint16_t flags;
	uint16_t protocol;
	uint32_t key;
} __attribute__((packed));

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

int main(int argc, char **argv)
{
	const size_t inner = FRAME - sizeof(struct ether_header), udp_len = inner - sizeof(struct iphdr);
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	struct udphdr udp = { .source = htons(4000), .dest = htons(4001), .len = htons(udp_len) };
	uint8_t frame[FRAME + sizeof(struct iphdr) + sizeof(struct gre)] = { 0 }, *at = frame;
	struct ether_header *eth = (struct ether_header *)frame;
	struct ether_addr smac, dmac;
	uint64_t start = 0;
	size_t len;
	long count;
	int fd;

	if (argc == 2 && !strcmp(argv[1], "loop")) {
		printf("%ju\n", (uintmax_t)loop());
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "now")) {
		printf("%ju\n", (uintmax_t)__rdtsc());
		return 0;
	}
	if ((argc != 7 && argc != 10) || !ether_aton_r(argv[2], &smac) || !ether_aton_r(argv[3], &dmac) ||
	    (count = atol(argv[6])) <= 0)
		die("arguments");
	memcpy(eth->ether_shost, &smac, ETH_ALEN);
	memcpy(eth->ether_dhost, &dmac, ETH_ALEN);
	eth->ether_type = htons(ETHERTYPE_IP);
	at += sizeof(*eth);
	if (argc == 10) {
		struct gre gre = { htons(GRE_KEY), htons(ETHERTYPE_IP), htonl(strtoul(argv[7], NULL, 0)) };

		at = put_ip(at, argv[8], argv[9], IPPROTO_GRE, sizeof(gre) + inner);
		memcpy(at, &gre, sizeof(gre));
		at += sizeof(gre);
	}
	at = put_ip(at, argv[4], argv[5], IPPROTO_UDP, udp_len);
	memcpy(at, &udp, sizeof(udp));
	len = at + udp_len - frame;

	fd = socket(AF_PACKET, SOCK_RAW, 0);
	to.sll_ifindex = if_nametoindex(argv[1]);
	if (fd < 0 || !to.sll_ifindex || bind(fd, (struct sockaddr *)&to, sizeof(to)))
		die(argv[1]);
	for (long i = -count / 10; i < count; i++) {
		if (i == 0)
			start = __rdtsc();
		if (send(fd, frame, len, 0) != (ssize_t)len)
			die("send");
	}
	printf("%ju\n", (uintmax_t)(__rdtsc() - start));
	return 0;
}
