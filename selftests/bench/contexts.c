// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many bindings or gtp contexts, as fast as the kernel takes them.
 *
 *   contexts mip4 DEV COUNT HOME PEER { - | IKEY OKEY } [PORT MAC]
 *            [peers N] [ports N] [lifetime S]
 *   contexts gtp DEV COUNT ADDRESS PEER TEID
 *   contexts del DEV COUNT HOME
 *   contexts dump DEV COUNT HOME
 *
 * The first has these values, each further one greater ones by one; with peers
 * or ports that begins anew after N, ports being such by their index. They go
 * into as few system calls as they can: bindings 500 to a message, which is
 * what an agent does, contexts 500 messages to a buffer, for a message of
 * theirs holds one. Prints the nanoseconds that all took.
 *
 * dump fails if one dump hasn't each of these addresses once, or any other
 * twice; it also prints how many others there were.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/gtp.h>
#include <linux/mip4.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH	500

static struct mnl_socket *nl;
static char buf[BATCH * 256];
static uint16_t family;

static void die(const char *what)
{
	fprintf(stderr, "contexts: %s: %s\n", what, errno ? strerror(errno) : "what is that?");
	exit(1);
}

static uint32_t address(const char *text)
{
	struct in_addr addr;

	if (inet_pton(AF_INET, text, &addr) != 1)
		die(text);
	return ntohl(addr.s_addr);
}

static uint32_t number(const char *text)
{
	return strtoul(text, NULL, 0);
}

static uint32_t interface(const char *name)
{
	uint32_t index = if_nametoindex(name);

	if (!index)
		die(name);
	return index;
}

static struct nlmsghdr *message(void *at, uint16_t type, uint8_t cmd, uint8_t version, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	genl->cmd = cmd;
	genl->version = version;
	return nlh;
}

static int set_family(const struct nlattr *attr, void *data)
{
	(void)data;
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		family = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int reply(const struct nlmsghdr *nlh, void *data)
{
	return mnl_attr_parse(nlh, sizeof(struct genlmsghdr), set_family, data);
}

/* Until the one answer that was asked for; an error comes unasked. */
static void talk(size_t length)
{
	char in[MNL_SOCKET_BUFFER_SIZE];
	int rc = MNL_CB_OK;

	if (mnl_socket_sendto(nl, buf, length) < 0)
		die("send");
	while (rc > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(nl, in, sizeof(in));

		rc = n < 0 ? -1 : mnl_cb_run(in, n, 0, 0, reply, NULL);
	}
	if (rc < 0)
		die("the kernel");
}

static void find_family(const char *name)
{
	struct nlmsghdr *nlh = message(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, NLM_F_ACK);

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, name);
	talk(nlh->nlmsg_len);
	if (!family)
		die(name);
}

struct values {
	uint32_t dev, home, peer, ikey, okey, port, peers, ports, lifetime;
	bool keyed;
	struct ether_addr mac;
};

static void put_home(struct nlmsghdr *nlh, uint32_t home)
{
	struct nlattr *list = mnl_attr_nest_start(nlh, MIP4_BINDING_A_ADDRS);
	struct nlattr *item = mnl_attr_nest_start(nlh, MIP4_BINDING_A_ADDR);

	mnl_attr_put_u32(nlh, MIP4_ADDR_A_ADDRESS, htonl(home));
	mnl_attr_nest_end(nlh, item);
	mnl_attr_nest_end(nlh, list);
}

static void put_binding(struct nlmsghdr *nlh, const struct values *v, uint32_t i)
{
	struct nlattr *binding = mnl_attr_nest_start(nlh, MIP4_A_BINDING), *list, *item;
	struct ether_addr mac = v->mac;
	uint32_t low;

	put_home(nlh, v->home + i);
	if (v->lifetime)
		mnl_attr_put_u32(nlh, MIP4_BINDING_A_LIFETIME, v->lifetime);
	if (v->port) {
		memcpy(&low, mac.ether_addr_octet + 2, sizeof(low));
		low = htonl(ntohl(low) + i);
		memcpy(mac.ether_addr_octet + 2, &low, sizeof(low));
		mnl_attr_put_u32(nlh, MIP4_BINDING_A_PORT, v->port + i % v->ports);
		mnl_attr_put(nlh, MIP4_BINDING_A_MAC, sizeof(mac), &mac);
	}
	list = mnl_attr_nest_start(nlh, MIP4_BINDING_A_LEGS);
	item = mnl_attr_nest_start(nlh, MIP4_BINDING_A_LEG);
	mnl_attr_put_u32(nlh, MIP4_LEG_A_PEER, htonl(v->peer + i % v->peers));
	mnl_attr_put_u8(nlh, MIP4_LEG_A_ENCAP, v->keyed ? MIP4_ENCAP_GRE : MIP4_ENCAP_IPIP);
	if (v->keyed) {
		mnl_attr_put_u32(nlh, MIP4_LEG_A_IKEY, htonl(v->ikey + i));
		mnl_attr_put_u32(nlh, MIP4_LEG_A_OKEY, htonl(v->okey + i));
	}
	mnl_attr_nest_end(nlh, item);
	mnl_attr_nest_end(nlh, list);
	mnl_attr_nest_end(nlh, binding);
}

static void bindings(const struct values *v, uint32_t first, uint32_t count)
{
	struct nlmsghdr *nlh = message(buf, family, MIP4_CMD_BINDING_NEW, MIP4_GENL_VERSION, NLM_F_ACK);

	mnl_attr_put_u32(nlh, MIP4_A_IFINDEX, v->dev);
	for (uint32_t i = first; i < first + count; i++)
		put_binding(nlh, v, i);
	talk(nlh->nlmsg_len);
}

static void deletions(const struct values *v, uint32_t first, uint32_t count)
{
	struct nlmsghdr *nlh = message(buf, family, MIP4_CMD_BINDING_DEL, MIP4_GENL_VERSION, NLM_F_ACK);

	mnl_attr_put_u32(nlh, MIP4_A_IFINDEX, v->dev);
	for (uint32_t i = first; i < first + count; i++) {
		struct nlattr *binding = mnl_attr_nest_start(nlh, MIP4_A_BINDING);

		put_home(nlh, v->home + i);
		mnl_attr_nest_end(nlh, binding);
	}
	talk(nlh->nlmsg_len);
}

/* Which addresses of 2^24 from the first one on a dump has shown; of the rest only how many. */
static struct {
	uint8_t seen[1 << 21];
	uint32_t home, all, twice;
} shown;

static int show(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr, *binding, *item;

	(void)data;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != MIP4_A_BINDING)
			continue;
		mnl_attr_for_each_nested(binding, attr) {
			if (mnl_attr_get_type(binding) != MIP4_BINDING_A_ADDRS)
				continue;
			item = mnl_attr_get_payload(mnl_attr_get_payload(binding));
			/* ADDRESS comes last */
			while (mnl_attr_get_type(item) != MIP4_ADDR_A_ADDRESS)
				item = mnl_attr_next(item);
			uint32_t i = ntohl(mnl_attr_get_u32(item)) - shown.home;

			shown.all++;
			if (i >= sizeof(shown.seen) * 8)
				continue;
			shown.twice += shown.seen[i / 8] >> i % 8 & 1;
			shown.seen[i / 8] |= 1 << i % 8;
		}
	}
	return MNL_CB_OK;
}

static void dump(const struct values *v, uint32_t count)
{
	struct nlmsghdr *nlh = message(buf, family, MIP4_CMD_BINDING_GET, MIP4_GENL_VERSION, NLM_F_DUMP);
	uint32_t missing = 0;
	int rc = MNL_CB_OK;

	mnl_attr_put_u32(nlh, MIP4_A_IFINDEX, v->dev);
	shown.home = v->home;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		die("send");
	while (rc > MNL_CB_STOP) {
		static char in[1 << 16];
		ssize_t n = mnl_socket_recvfrom(nl, in, sizeof(in));

		rc = n < 0 ? -1 : mnl_cb_run(in, n, 0, 0, show, NULL);
	}
	if (rc < 0)
		die("the kernel");
	for (uint32_t i = 0; i < count; i++)
		missing += !(shown.seen[i / 8] >> i % 8 & 1);
	if (missing || shown.twice) {
		printf("%u missing, %u twice, %u in all\n", missing, shown.twice, shown.all);
		exit(1);
	}
}

static void contexts(const struct values *v, uint32_t first, uint32_t count)
{
	size_t length = 0;

	for (uint32_t i = first; i < first + count; i++) {
		struct nlmsghdr *nlh = message(buf + length, family, GTP_CMD_NEWPDP, 0,
					       NLM_F_EXCL | (i == first + count - 1 ? NLM_F_ACK : 0));

		mnl_attr_put_u32(nlh, GTPA_VERSION, GTP_V1);
		mnl_attr_put_u32(nlh, GTPA_LINK, v->dev);
		mnl_attr_put_u32(nlh, GTPA_PEER_ADDRESS, htonl(v->peer));
		mnl_attr_put_u32(nlh, GTPA_MS_ADDRESS, htonl(v->home + i));
		mnl_attr_put_u32(nlh, GTPA_I_TEI, v->ikey + i);
		mnl_attr_put_u32(nlh, GTPA_O_TEI, v->okey + i);
		length += nlh->nlmsg_len;
	}
	talk(length);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void parse_mip4(struct values *v, char **argv)
{
	v->keyed = strcmp(*argv, "-");
	v->ikey = number(*argv++);
	v->okey = v->ikey;
	if (v->keyed && *argv)
		v->okey = number(*argv++);
	for (; argv[0] && argv[1]; argv += 2) {
		if (!strcmp(argv[0], "peers")) {
			v->peers = number(argv[1]);
		} else if (!strcmp(argv[0], "ports")) {
			v->ports = number(argv[1]);
		} else if (!strcmp(argv[0], "lifetime")) {
			v->lifetime = number(argv[1]);
		} else {
			v->port = interface(argv[0]);
			if (!ether_aton_r(argv[1], &v->mac))
				die(argv[1]);
		}
	}
	if (argv[0])
		die(argv[0]);
}

int main(int argc, char **argv)
{
	void (*some)(const struct values *v, uint32_t first, uint32_t count) = bindings;
	struct values v = { .peers = 1, .ports = 1 };
	uint32_t count;
	uint64_t start;

	if (argc < 5)
		die("arguments");
	v.dev = interface(argv[2]);
	count = number(argv[3]);
	v.home = address(argv[4]);
	if (!strcmp(argv[1], "gtp") || !strcmp(argv[1], "mip4")) {
		if (argc < 7)
			die("arguments");
		v.peer = address(argv[5]);
	}
	if (!strcmp(argv[1], "mip4")) {
		parse_mip4(&v, argv + 6);
	} else if (!strcmp(argv[1], "gtp")) {
		some = contexts;
		v.ikey = number(argv[6]);
		v.okey = v.ikey;
	} else if (!strcmp(argv[1], "del")) {
		some = deletions;
	} else if (!strcmp(argv[1], "dump")) {
		some = NULL;
	} else {
		die(argv[1]);
	}
	nl = mnl_socket_open(NETLINK_GENERIC);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink");
	find_family(some == contexts ? "gtp" : MIP4_GENL_NAME);

	start = now();
	if (!some) {
		dump(&v, count);
		printf("%ju %u\n", (uintmax_t)(now() - start), shown.all - count);
		return 0;
	}
	for (uint32_t i = 0; i < count; i += BATCH)
		some(&v, i, count - i < BATCH ? count - i : BATCH);
	printf("%ju\n", (uintmax_t)(now() - start));
	return 0;
}
