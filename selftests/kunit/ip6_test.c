// SPDX-License-Identifier: GPL-2.0-only
/* IPv6 inside: headers on the wire, what is received, neighbour discovery. */
#include <linux/icmpv6.h>
#include <linux/ipv6.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <net/ndisc.h>

#include "../../kernel/encap.h"
#include "../../kernel/icmp6.h"
#include "../../kernel/ip6.h"
#include "kunit.h"

#define V6(last) { .s6_addr = { 0x20, 1, 0xd, 0xb8, [15] = (last) } }
#define LINK_LOCAL(last) { .s6_addr = { 0xfe, 0x80, [15] = (last) } }

static const struct in6_addr device6 = V6(5);
static const struct in6_addr far6 = { .s6_addr = { 0x20, 1, 0xd, 0xb9, [15] = 9 } };

struct packet6 {
	struct in6_addr saddr;
	struct in6_addr daddr;
	u16 len;
	u8 nexthdr;
	u8 hops;		/* 0: 64 */
	u8 tclass;
};

static const struct packet6 to_device6 = {
	.saddr = { .s6_addr = { 0x20, 1, 0xd, 0xb9, [15] = 9 } },
	.daddr = V6(5),
	.len = 100,
	.nexthdr = IPPROTO_UDP,
	.hops = 33,
	.tclass = 0x10,
};

static struct sk_buff *packet6(struct mip4_kt *k, const struct packet6 *p)
{
	struct ipv6hdr ip6h = {
		.payload_len = htons(p->len),
		.nexthdr = p->nexthdr,
		.hop_limit = p->hops ?: 64,
		.saddr = p->saddr,
		.daddr = p->daddr,
	};
	struct sk_buff *skb;

	ip6_flow_hdr(&ip6h, p->tclass, 0);
	skb = mip4_kt_bytes(k, &ip6h, sizeof(ip6h));
	KUNIT_ASSERT_EQ(k->test, 0, pskb_expand_head(skb, 0, p->len, GFP_KERNEL));
	skb_reset_network_header(skb);
	memset(skb_put(skb, p->len), 0x55, p->len);
	skb_set_transport_header(skb, sizeof(ip6h));
	skb->protocol = htons(ETH_P_IPV6);
	return skb;
}

static void with_prefix(struct mip4_kt *k, struct mip4_binding_config *cfg,
			const struct in6_addr *addr, u8 plen)
{
	struct mip4_prefix_config *pc = &cfg->prefixes[cfg->n_prefixes++];

	*pc = (struct mip4_prefix_config) {
		.key = { .family = AF_INET6, .plen = plen, .ip6 = *addr },
		.attr = &k->attr[MIP4_KT_A_HOME],
	};
	mip4_prefix_mask(&pc->key);
}

struct encap6_case {
	const char *desc;
	u8 encap;
	bool keyed;
	u8 protocol;
	u8 tunnel[8];		/* what lies between IPv4 and IPv6 header */
	u8 len;
};

static const struct encap6_case encap6_cases[] = {
	{ "IPIP", MIP4_ENCAP_IPIP, false, 41 },
	{ "minimal", MIP4_ENCAP_MINIMAL, false, 41 },
	{ "GRE", MIP4_ENCAP_GRE, false, 47, { 0, 0, 0x86, 0xdd }, 4 },
	{ "GRE with key", MIP4_ENCAP_GRE, true, 47,
	  { 0x20, 0, 0x86, 0xdd, 0, 0, 0x20, 5 }, 8 },
};

MIP4_KT_PARAMS(encap6, encap6_cases)

static struct mip4_binding *binding6(struct mip4_kt *k, bool served,
				     const struct encap6_case *c)
{
	struct mip4_binding_config cfg = served ? mip4_kt_served(k, 5) :
						  mip4_kt_routed(k, 5);

	cfg.leg.encap = c->encap;
	cfg.leg.keyed = c->keyed;
	with_prefix(k, &cfg, &device6, 64);
	return mip4_kt_add(k, &cfg);
}

/* The whole packet, byte by byte. */
static void ip6_test_encap(struct kunit *test)
{
	const struct encap6_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct sk_buff *skb = packet6(k, &to_device6), *out;
	const unsigned int len = skb->len;
	u8 *inner = kunit_kmalloc(test, len, GFP_KERNEL);
	const struct iphdr *iph;

	KUNIT_ASSERT_NOT_NULL(test, inner);
	memcpy(inner, skb->data, len);
	mip4_kt_encap(k, binding6(k, false, c), skb);
	out = mip4_kt_sent(k, k->under);
	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_ASSERT_EQ(test, skb_linearize(out), 0);
	KUNIT_ASSERT_EQ(test, out->len, sizeof(*iph) + c->len + len);
	iph = (const struct iphdr *)out->data;
	KUNIT_EXPECT_EQ(test, out->data[0], 0x45);
	KUNIT_EXPECT_EQ(test, iph->tos, 0x10);
	KUNIT_EXPECT_EQ(test, ntohs(iph->frag_off), IP_DF);
	KUNIT_EXPECT_EQ(test, iph->ttl, 64);
	KUNIT_EXPECT_EQ(test, iph->protocol, c->protocol);
	KUNIT_EXPECT_EQ(test, iph->saddr, MIP4_KT_LOCAL);
	KUNIT_EXPECT_EQ(test, iph->daddr, MIP4_KT_PEER);
	KUNIT_EXPECT_MEMEQ(test, out->data + sizeof(*iph), c->tunnel, c->len);
	KUNIT_EXPECT_MEMEQ(test, out->data + sizeof(*iph) + c->len, inner, len);
}

/* And back, at an access router: to the device's MAC as IPv6. */
static void ip6_test_receive(struct kunit *test)
{
	const struct encap6_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct sk_buff *skb = packet6(k, &to_device6), *out;
	const unsigned int len = skb->len;
	u8 *inner = kunit_kmalloc(test, len, GFP_KERNEL);
	struct iphdr *iph;
	u8 mac[ETH_ALEN];

	KUNIT_ASSERT_NOT_NULL(test, inner);
	memcpy(inner, skb->data, len);
	binding6(k, true, c);
	memcpy(skb_push(skb, c->len), c->tunnel, c->len);
	if (c->keyed)
		skb->data[6] = 0x10;
	iph = skb_push(skb, sizeof(*iph));
	*iph = (struct iphdr) {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(skb->len),
		.ttl = 64,
		.protocol = c->protocol,
		.saddr = MIP4_KT_PEER,
		.daddr = MIP4_KT_LOCAL,
	};
	ip_send_check(iph);
	skb_reset_network_header(skb);
	skb->protocol = htons(ETH_P_IP);
	if (c->protocol == IPPROTO_GRE)
		KUNIT_ASSERT_FALSE(test, mip4_kt_gre_in(k, skb));
	else
		mip4_kt_protocol_in(k, skb);
	out = mip4_kt_sent(k, k->port[0]);
	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_ASSERT_EQ(test, out->len, ETH_HLEN + len);
	mip4_kt_mac(mac, 5);
	KUNIT_EXPECT_TRUE(test, ether_addr_equal(out->data, mac));
	KUNIT_EXPECT_EQ(test, get_unaligned_be16(out->data + 12), ETH_P_IPV6);
	KUNIT_EXPECT_MEMEQ(test, out->data + ETH_HLEN, inner, len);
}

struct mask6_case {
	const char *desc;
	u8 plen;
	u8 want[16];
};

static const struct mask6_case mask6_cases[] = {
	{ "128", 128, { [0 ... 15] = 255 } },
	{ "127", 127, { [0 ... 14] = 255, 254 } },
	{ "65", 65, { [0 ... 7] = 255, 128 } },
	{ "64", 64, { [0 ... 7] = 255 } },
	{ "1", 1, { 128 } },
};

MIP4_KT_PARAMS(mask6, mask6_cases)

static void ip6_test_mask(struct kunit *test)
{
	const struct mask6_case *c = test->param_value;
	struct mip4_prefix_key key = {
		.family = AF_INET6,
		.plen = c->plen,
	};

	memset(&key.ip6, 0xff, sizeof(key.ip6));
	mip4_prefix_mask(&key);
	KUNIT_EXPECT_MEMEQ(test, &key.ip6, c->want, 16);
}

static struct mip4_binding *find6(struct mip4_kt *k, u32 realm, u8 last)
{
	const struct in6_addr addr = V6(last);
	struct mip4_binding *b;

	rcu_read_lock();
	b = mip4_ip6_find(k->mip, realm, &addr);
	rcu_read_unlock();
	return b;
}

static void ip6_test_longest(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_routed(k, 1);
	struct in6_addr addr = V6(0);
	struct mip4_binding *wide, *narrow;

	with_prefix(k, &cfg, &addr, 64);
	wide = mip4_kt_add(k, &cfg);
	cfg = mip4_kt_routed(k, 2);
	addr.s6_addr[15] = 0x10;
	with_prefix(k, &cfg, &addr, 124);
	addr.s6_addr[15] = 0x42;
	with_prefix(k, &cfg, &addr, 128);
	narrow = mip4_kt_add(k, &cfg);
	KUNIT_EXPECT_PTR_EQ(test, find6(k, 0, 0x0f), wide);
	KUNIT_EXPECT_PTR_EQ(test, find6(k, 0, 0x10), narrow);
	KUNIT_EXPECT_PTR_EQ(test, find6(k, 0, 0x1f), narrow);
	KUNIT_EXPECT_PTR_EQ(test, find6(k, 0, 0x20), wide);
	KUNIT_EXPECT_PTR_EQ(test, find6(k, 0, 0x42), narrow);
	KUNIT_EXPECT_PTR_EQ(test, find6(k, 0, 0x43), wide);
	KUNIT_EXPECT_NULL(test, find6(k, 1, 0x42));
	/* IPv4 tables know nothing of it */
	KUNIT_EXPECT_FALSE(test, test_bit(124, k->mip->plens[0].used));
	KUNIT_EXPECT_TRUE(test, test_bit(124, k->mip->plens[1].used));
}

struct bad6_case {
	const char *desc;
	int at;			/* byte that is changed, -1: none */
	u8 to;
	unsigned int cut;	/* bytes missing at the end */
	bool ok;
	bool gso;
};

static const struct bad6_case bad6_cases[] = {
	{ "right", -1, 0, 0, true },
	{ "version 4", 0, 0x45, 0, false },
	{ "a byte missing", -1, 0, 1, false },
	{ "header only, of 140 bytes", -1, 0, 100, false },
	{ "half a header", -1, 0, 120, false },
	{ "nothing", -1, 0, 140, false },
	{ "longer than it says", 5, 60, 0, true },
	{ "no payload at all", 5, 0, 0, true },
	{ "no payload in segments", 5, 0, 0, false, true },
};

MIP4_KT_PARAMS(bad6, bad6_cases)

static void ip6_test_header(struct kunit *test)
{
	const struct bad6_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct sk_buff *skb = packet6(k, &to_device6);

	mip4_kt_own(k, skb);
	if (c->at >= 0)
		skb->data[c->at] = c->to;
	skb_trim(skb, skb->len - c->cut);
	if (c->gso)
		skb_shinfo(skb)->gso_size = 60;
	KUNIT_EXPECT_EQ(test, mip4_ip6_header(skb), c->ok);
	if (c->ok)
		KUNIT_EXPECT_EQ(test, skb->len, 40 + (c->at == 5 ? c->to : 100));
}

static bool sum_ok(const struct sk_buff *skb, unsigned int off)
{
	const struct ipv6hdr *ip6h = (const void *)(skb->data + off);
	const unsigned int len = ntohs(ip6h->payload_len);

	return !csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_ICMPV6,
				skb_checksum(skb, off + 40, len, 0));
}

/* RFC 4443 section 2.4 (c): not more than 1280 bytes. */
static void ip6_test_error(struct kunit *test)
{
	struct packet6 p = to_device6;
	struct mip4_kt *k = mip4_kt(test);
	struct sk_buff *about, *error;

	p.len = 1460;
	about = packet6(k, &p);
	mip4_kt_own(k, about);
	error = mip4_icmp6_build(k->mip, &k->mip->icmp, about, &device6,
				 ICMPV6_PKT_TOOBIG, 0, 1400);
	KUNIT_ASSERT_NOT_NULL(test, error);
	mip4_kt_own(k, error);
	KUNIT_ASSERT_EQ(test, error->len, 1280);
	KUNIT_EXPECT_EQ(test, error->data[40], ICMPV6_PKT_TOOBIG);
	KUNIT_EXPECT_EQ(test, get_unaligned_be32(error->data + 44), 1400);
	KUNIT_EXPECT_MEMEQ(test, error->data + 8, &device6, 16);
	KUNIT_EXPECT_MEMEQ(test, error->data + 24, &far6, 16);
	KUNIT_EXPECT_MEMEQ(test, error->data + 48, about->data, 1280 - 48);
	KUNIT_EXPECT_TRUE(test, sum_ok(error, 0));
}

struct about6_case {
	const char *desc;
	u8 nexthdr;
	u8 type;		/* first byte of the payload */
	struct in6_addr saddr;
	bool told;
};

static const struct about6_case about6_cases[] = {
	{ "UDP", IPPROTO_UDP, 0, V6(5), true },
	{ "echo request", IPPROTO_ICMPV6, ICMPV6_ECHO_REQUEST, V6(5), true },
	{ "an error", IPPROTO_ICMPV6, ICMPV6_DEST_UNREACH, V6(5), false },
	{ "redirect", IPPROTO_ICMPV6, NDISC_REDIRECT, V6(5), false },
	{ "nobody", IPPROTO_UDP, 0, { .s6_addr = { 0 } }, false },
	{ "a group", IPPROTO_UDP, 0, { .s6_addr = { 0xff, 2 } }, false },
};

MIP4_KT_PARAMS(about6, about6_cases)

static void ip6_test_error_about(struct kunit *test)
{
	const struct about6_case *c = test->param_value;
	struct packet6 p = {
		.saddr = c->saddr,
		.daddr = far6,
		.nexthdr = c->nexthdr,
		.len = 20,
	};
	struct mip4_kt *k = mip4_kt(test);
	struct sk_buff *about = packet6(k, &p), *error;

	mip4_kt_own(k, about);
	about->data[40] = c->type;
	error = mip4_icmp6_build(k->mip, &k->mip->icmp, about, &device6,
				 ICMPV6_TIME_EXCEED, 0, 0);
	KUNIT_EXPECT_EQ(test, !!error, c->told);
	kfree_skb(error);
}

/* What a device says to its link, and what it gets. */
struct nd_case {
	const char *desc;
	struct in6_addr saddr;
	struct in6_addr target;
	u8 arp;
	u8 hops;
	bool wrong_sum;
	bool answered;
	enum mip4_drop reason;
};

static const struct nd_case nd_cases[] = {
	{ "gateway", LINK_LOCAL(5), LINK_LOCAL(1), MIP4_ARP_ALL, 255, false, true },
	{ "from its address", V6(5), LINK_LOCAL(1), MIP4_ARP_ALL, 255, false, true },
	{ "a neighbour", V6(5), { .s6_addr = { 0x20, 1, 0xd, 0xb9, [15] = 7 } },
	  MIP4_ARP_ALL, 255, false, true },
	{ "its own address", LINK_LOCAL(5), V6(6), MIP4_ARP_ALL, 255, false, false, MIP4_DROP_ND },
	{ "itself", LINK_LOCAL(5), LINK_LOCAL(5), MIP4_ARP_ALL, 255, false, false, MIP4_DROP_ND },
	{ "duplicate address detection", { .s6_addr = { 0 } }, LINK_LOCAL(5),
	  MIP4_ARP_ALL, 255, false, false, MIP4_DROP_ND },
	{ "from elsewhere", LINK_LOCAL(5), LINK_LOCAL(1), MIP4_ARP_ALL,
	  254, false, false, MIP4_DROP_ND },
	{ "wrong checksum", LINK_LOCAL(5), LINK_LOCAL(1), MIP4_ARP_ALL,
	  255, true, false, MIP4_DROP_ND },
	{ "off", LINK_LOCAL(5), LINK_LOCAL(1), MIP4_ARP_OFF, 255, false, false, MIP4_DROP_ND },
	{ "gateway mode: another", LINK_LOCAL(5), LINK_LOCAL(1), MIP4_ARP_GATEWAY,
	  255, false, false, MIP4_DROP_ND },
	{ "spoofed", { .s6_addr = { 0x20, 1, 0xd, 0xb9, [15] = 8 } }, LINK_LOCAL(1),
	  MIP4_ARP_ALL, 255, false, false, MIP4_DROP_SPOOFED_SOURCE },
};

MIP4_KT_PARAMS(nd, nd_cases)

static void ip6_test_nd(struct kunit *test)
{
	const struct nd_case *c = test->param_value;
	static const struct in6_addr group = {
		.s6_addr = { 0xff, 2, [11] = 1, 0xff, [15] = 1 },
	};
	struct packet6 p = {
		.saddr = c->saddr,
		.daddr = group,
		.nexthdr = IPPROTO_ICMPV6,
		.len = sizeof(struct nd_msg),
		.hops = c->hops,
	};
	struct mip4_kt *k = mip4_kt(test);
	struct sk_buff *skb = packet6(k, &p), *out;
	struct nd_msg *msg = (struct nd_msg *)(skb->data + 40);
	u64 before;

	binding6(k, true, &encap6_cases[3]);
	k->mip->arp = c->arp;
	memset(msg, 0, sizeof(*msg));
	msg->icmph.icmp6_type = NDISC_NEIGHBOUR_SOLICITATION;
	msg->target = c->target;
	msg->icmph.icmp6_cksum = csum_ipv6_magic(&p.saddr, &p.daddr, sizeof(*msg),
						 IPPROTO_ICMPV6,
						 csum_partial(msg, sizeof(*msg), 0));
	msg->icmph.icmp6_cksum ^= (__force __sum16)c->wrong_sum;
	before = mip4_kt_drops(k, c->reason);
	mip4_kt_frame(k, 0, skb, 5, ETH_P_IPV6);
	out = mip4_kt_sent(k, k->port[0]);
	KUNIT_ASSERT_EQ(test, !!out, c->answered);
	if (!out) {
		KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, c->reason), before + 1);
		return;
	}
	KUNIT_ASSERT_EQ(test, out->len, ETH_HLEN + 40 + 24 + 8);
	KUNIT_EXPECT_EQ(test, out->data[ETH_HLEN + 7], 255);
	KUNIT_EXPECT_MEMEQ(test, out->data + ETH_HLEN + 8, &c->target, 16);
	KUNIT_EXPECT_MEMEQ(test, out->data + ETH_HLEN + 24, &c->saddr, 16);
	KUNIT_EXPECT_EQ(test, out->data[ETH_HLEN + 40],
			NDISC_NEIGHBOUR_ADVERTISEMENT);
	/* router, solicited, override */
	KUNIT_EXPECT_EQ(test, out->data[ETH_HLEN + 44], 0xe0);
	KUNIT_EXPECT_MEMEQ(test, out->data + ETH_HLEN + 48, &c->target, 16);
	KUNIT_EXPECT_EQ(test, out->data[ETH_HLEN + 64], ND_OPT_TARGET_LL_ADDR);
	KUNIT_EXPECT_EQ(test, out->data[ETH_HLEN + 65], 1);
	KUNIT_EXPECT_MEMEQ(test, out->data + ETH_HLEN + 66,
			   k->port[0]->dev_addr, ETH_ALEN);
	KUNIT_EXPECT_TRUE(test, sum_ok(out, ETH_HLEN));
}

struct hops_case {
	const char *desc;
	u8 in;
	u8 out;			/* 0: dropped, and the device is told */
};

static const struct hops_case hops_cases[] = {
	{ "64", 64, 63 },
	{ "2", 2, 1 },
	{ "1", 1, 0 },
	{ "0", 0, 0 },
	{ "255", 255, 254 },
};

MIP4_KT_PARAMS(hops, hops_cases)

static void ip6_test_hops(struct kunit *test)
{
	const struct hops_case *c = test->param_value;
	struct packet6 p = {
		.saddr = device6,
		.daddr = far6,
		.nexthdr = IPPROTO_UDP,
		.len = 20,
	};
	struct mip4_kt *k = mip4_kt(test);
	struct sk_buff *skb = packet6(k, &p), *out;

	skb->data[7] = c->in;
	binding6(k, true, &encap6_cases[0]);
	mip4_kt_frame(k, 0, skb, 5, ETH_P_IPV6);
	out = mip4_kt_sent(k, c->out ? k->under : k->port[0]);
	KUNIT_ASSERT_NOT_NULL(test, out);
	if (c->out) {
		KUNIT_EXPECT_EQ(test, out->data[20 + 7], c->out);
		KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 0);
		return;
	}
	KUNIT_EXPECT_EQ(test, out->data[ETH_HLEN + 40], ICMPV6_TIME_EXCEED);
	KUNIT_EXPECT_TRUE(test, sum_ok(out, ETH_HLEN));
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_TTL), 1);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 0);
}

static struct kunit_case ip6_tests[] = {
	MIP4_KT_CASES(ip6_test_encap, encap6),
	MIP4_KT_CASES(ip6_test_receive, encap6),
	MIP4_KT_CASES(ip6_test_mask, mask6),
	KUNIT_CASE(ip6_test_longest),
	MIP4_KT_CASES(ip6_test_header, bad6),
	KUNIT_CASE(ip6_test_error),
	MIP4_KT_CASES(ip6_test_error_about, about6),
	MIP4_KT_CASES(ip6_test_nd, nd),
	MIP4_KT_CASES(ip6_test_hops, hops),
	{}
};

static struct kunit_suite ip6_suite = {
	.name		= "mip4-ip6",
	.init		= mip4_kt_init,
	.exit		= mip4_kt_exit,
	.test_cases	= ip6_tests,
};

kunit_test_suite(ip6_suite);
