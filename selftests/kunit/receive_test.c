// SPDX-License-Identifier: GPL-2.0-only
/* What comes out of a tunnel, what is dropped and what is left to others. */
#include <linux/icmp.h>
#include <linux/if_arp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>

#include "kunit.h"

#define GRE_C 0x8000
#define GRE_R 0x4000
#define GRE_K 0x2000
#define GRE_S 0x1000

/* An outer packet to be, and what is wrong with it. */
struct outer {
	u16 flags;
	u16 proto;		/* 0: IPv4 */
	u32 key;
	u8 tos;
	bool ipip;
	bool bad_csum;		/* with GRE_C */
	int cut;		/* keep so many bytes behind the outer header; 0: all */
	int pad;		/* append so many */
	bool complete;		/* CHECKSUM_COMPLETE by the underlay's device */
	struct mip4_kt_ip inner;
	int inner_len;		/* added to the inner total length */
	u8 inner_first;		/* version and header length, 0: 0x45 */
	bool inner_bad_csum;
};

static struct sk_buff *outer_build(struct mip4_kt *k, const struct outer *o)
{
	struct sk_buff *inner = mip4_kt_ip(k, &o->inner), *skb;
	struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_PEER,
		.daddr = MIP4_KT_LOCAL,
		.protocol = o->ipip ? IPPROTO_IPIP : IPPROTO_GRE,
		.tos = o->tos,
	};
	struct iphdr *iph = ip_hdr(inner);
	__be16 *gre, *csum = NULL;
	int hlen = 0;

	mip4_kt_own(k, inner);
	if (o->inner_first)
		*(u8 *)iph = o->inner_first;
	iph->tot_len = htons(ntohs(iph->tot_len) + o->inner_len);
	ip_send_check(iph);
	if (o->inner_bad_csum)
		iph->check = ~iph->check;
	if (!o->ipip)
		hlen = 4 + 4 * hweight16(o->flags & (GRE_C | GRE_K | GRE_S));
	ip.len = hlen + inner->len + o->pad;
	skb = mip4_kt_ip(k, &ip);
	gre = (__be16 *)(skb->data + sizeof(struct iphdr));
	memcpy((u8 *)gre + hlen, inner->data, inner->len);
	if (hlen) {
		__be16 *word = gre;

		*word++ = htons(o->flags);
		*word++ = htons(o->proto ?: ETH_P_IP);
		if (o->flags & GRE_C) {
			csum = word;
			*word++ = 0;
			*word++ = 0;
		}
		if (o->flags & GRE_K) {
			put_unaligned_be32(o->key, word);
			word += 2;
		}
		if (o->flags & GRE_S)
			put_unaligned_be32(77, word);
		if (csum)
			*csum = (__force __be16)ip_compute_csum(gre, ip.len) ^
				htons(o->bad_csum);
	}
	if (o->cut)
		skb_trim(skb, sizeof(struct iphdr) + o->cut);
	if (o->complete) {
		skb->ip_summed = CHECKSUM_COMPLETE;
		skb->csum = skb_checksum(skb, 0, skb->len, 0);
	}
	return skb;
}

static bool outer_in(struct mip4_kt *k, const struct outer *o)
{
	struct sk_buff *skb = outer_build(k, o);

	return o->ipip ? mip4_kt_ipip_in(k, skb) : mip4_kt_gre_in(k, skb);
}

/* To a device on port 0, that is to an access router. */
static const struct mip4_kt_ip to_device = {
	.saddr = MIP4_KT_FAR,
	.daddr = MIP4_KT_HOME(5),
	.len = 64,
	.protocol = IPPROTO_UDP,
	.ttl = 33,
};

struct receive_case {
	const char *desc;
	struct outer outer;
};

static const struct receive_case accepted_cases[] = {
	{ "IPIP", { .ipip = true } },
	{ "GRE", { 0 } },
	{ "GRE with key", { GRE_K, .key = 0x1005 } },
	{ "GRE with sequence number", { GRE_S } },
	{ "GRE with checksum", { GRE_C } },
	{ "GRE with checksum and key", { GRE_C | GRE_K, .key = 0x1005 } },
	{ "GRE with all", { GRE_C | GRE_K | GRE_S, .key = 0x1005 } },
	/* RFC 2784 section 2.3: bits 6 to 12 are ignored */
	{ "GRE, ignored bits", { 0x03f8 } },
	{ "checksum complete", { GRE_K, .key = 0x1005, .complete = true } },
	{ "IPIP, padded by Ethernet", { .ipip = true, .pad = 7 } },
	{ "GRE, padded by Ethernet", { .pad = 7 } },
	{ "GRE, shortest", { GRE_K, .key = 0x1005 } },
};

MIP4_KT_PARAMS(accepted, accepted_cases)

static struct mip4_binding *receive_binding(struct mip4_kt *k,
					    const struct outer *o, bool served)
{
	struct mip4_binding_config cfg = served ? mip4_kt_served(k, 5) :
						  mip4_kt_routed(k, 5);

	cfg.leg.encap = o->ipip ? MIP4_ENCAP_IPIP : MIP4_ENCAP_GRE;
	cfg.leg.keyed = o->flags & GRE_K;
	if (!cfg.leg.keyed)
		cfg.leg.ikey = 0;
	return mip4_kt_add(k, &cfg);
}

/* The inner packet leaves the port as it was, to the device's MAC. */
static void receive_test_accepted(struct kunit *test)
{
	const struct receive_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct outer o = c->outer;
	struct sk_buff *want, *out;
	struct mip4_binding *b;
	u8 mac[ETH_ALEN];

	o.inner = to_device;
	if (strstr(c->desc, "shortest"))
		o.inner.len = 0;
	b = receive_binding(k, &o, true);
	want = mip4_kt_ip(k, &o.inner);
	mip4_kt_own(k, want);
	KUNIT_EXPECT_FALSE(test, outer_in(k, &o));
	out = mip4_kt_sent(k, k->port[0]);
	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_ASSERT_EQ(test, out->len, ETH_HLEN + want->len);
	mip4_kt_mac(mac, 5);
	KUNIT_EXPECT_MEMEQ(test, eth_hdr(out)->h_dest, mac, ETH_ALEN);
	KUNIT_EXPECT_MEMEQ(test, eth_hdr(out)->h_source,
			   k->port[0]->dev_addr, ETH_ALEN);
	KUNIT_EXPECT_EQ(test, ntohs(eth_hdr(out)->h_proto), ETH_P_IP);
	KUNIT_EXPECT_MEMEQ(test, out->data + ETH_HLEN, want->data, want->len);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->down_packets), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->down_bytes), want->len);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[1]), 0);
}

/* Nobody's: another tunnel between the same routers may want it. */
static const struct receive_case passed_cases[] = {
	{ "routing bit", { GRE_R | GRE_K, .key = 0x1005 } },
	{ "bit 4", { 0x0800 | GRE_K, .key = 0x1005 } },
	{ "bit 5", { 0x0400 | GRE_K, .key = 0x1005 } },
	{ "version 1", { 1 | GRE_K, .key = 0x1005 } },
	{ "version 4", { 4 | GRE_K, .key = 0x1005 } },
	{ "Ethernet inside", { GRE_K, ETH_P_TEB, 0x1005 } },
	{ "key below", { GRE_K, .key = 0x1004 } },
	{ "key above", { GRE_K, .key = 0x1006 } },
	{ "no key", { 0 } },
	{ "IPIP", { .ipip = true } },
	{ "GRE header cut", { GRE_K, .key = 0x1005, .cut = 3 } },
	{ "GRE key cut", { GRE_K, .key = 0x1005, .cut = 7 } },
	{ "nothing behind the outer header", { GRE_K, .key = 0x1005, .cut = 1 } },
};

MIP4_KT_PARAMS(passed, passed_cases)

static void receive_test_passed(struct kunit *test)
{
	const struct receive_case *c = test->param_value;
	const struct outer keyed = { GRE_K };
	struct mip4_kt *k = mip4_kt(test);
	struct outer o = c->outer;
	struct sk_buff *want, *skb;

	o.inner = to_device;
	receive_binding(k, &keyed, true);
	want = outer_build(k, &o);
	mip4_kt_own(k, want);
	KUNIT_ASSERT_TRUE(test, outer_in(k, &o));
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 0);
	/* exactly as it came */
	skb = skb_dequeue(&k->passed);
	mip4_kt_own(k, skb);
	skb_push(skb, skb->data - skb_network_header(skb));
	KUNIT_ASSERT_EQ(test, skb->len, want->len);
	KUNIT_EXPECT_MEMEQ(test, skb->data, want->data, want->len);
}

/* Ours, but wrong. */
struct dropped_case {
	const char *desc;
	struct outer outer;
	enum mip4_drop reason;
};

static const struct dropped_case dropped_cases[] = {
	{ "GRE checksum", { GRE_C | GRE_K, .key = 0x1005, .bad_csum = true },
	  MIP4_DROP_BAD_CHECKSUM },
	{ "GRE checksum, no key", { GRE_C, .bad_csum = true },
	  MIP4_DROP_BAD_CHECKSUM },
	{ "nothing inside", { GRE_K, .key = 0x1005, .cut = 8 },
	  MIP4_DROP_BAD_INNER },
	{ "inner header cut", { GRE_K, .key = 0x1005, .cut = 8 + 19 },
	  MIP4_DROP_BAD_INNER },
	{ "inner packet cut", { GRE_K, .key = 0x1005, .cut = 8 + 20 + 63 },
	  MIP4_DROP_BAD_INNER },
	{ "sequence number cut", { GRE_K | GRE_S, .key = 0x1005, .cut = 11 },
	  MIP4_DROP_BAD_INNER },
	{ "inner length one too many", { .inner_len = 1 }, MIP4_DROP_BAD_INNER },
	{ "inner length below its header", { .inner_len = -65 },
	  MIP4_DROP_BAD_INNER },
	{ "inner header length 4", { .inner_first = 0x44 }, MIP4_DROP_BAD_INNER },
	{ "inner version 6", { .inner_first = 0x65 }, MIP4_DROP_BAD_INNER },
	{ "inner checksum", { .inner_bad_csum = true }, MIP4_DROP_BAD_INNER },
	{ "IPIP: inner checksum", { .ipip = true, .inner_bad_csum = true },
	  MIP4_DROP_BAD_INNER },
	{ "IPIP: inner packet cut", { .ipip = true, .cut = 20 + 63 },
	  MIP4_DROP_BAD_INNER },
	{ "IPv6 inside, for who has none", { GRE_K, ETH_P_IPV6, 0x1005 },
	  MIP4_DROP_INNER_ADDRESS },
	{ "inner address", { GRE_K, .key = 0x1005,
	  .inner = { .daddr = MIP4_KT_HOME(6) } }, MIP4_DROP_INNER_ADDRESS },
	{ "CE outside, not-ECT inside", { .tos = INET_ECN_CE }, MIP4_DROP_ECN },
};

MIP4_KT_PARAMS(dropped, dropped_cases)

static void receive_test_dropped(struct kunit *test)
{
	const struct dropped_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct outer o = c->outer;
	struct mip4_binding *b;
	int i;

	o.inner = to_device;
	if (c->outer.inner.daddr)
		o.inner.daddr = c->outer.inner.daddr;
	b = receive_binding(k, &o, true);
	KUNIT_EXPECT_FALSE(test, outer_in(k, &o));
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 0);
	for (i = 0; i < __MIP4_DROP_MAX; i++)
		KUNIT_EXPECT_EQ_MSG(test, mip4_kt_drops(k, i), i == c->reason,
				    "reason %d", i);
	/* another device's packet isn't counted against this one */
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->drops),
			c->reason != MIP4_DROP_INNER_ADDRESS);
}

struct ecn_case {
	const char *desc;
	u8 outer;
	u8 inner;
	u8 out;
};

/* RFC 6040 section 4.2, figure 4, what isn't dropped. */
static const struct ecn_case ecn_cases[] = {
	{ "not-ECT, not-ECT", 0, 0, 0 },
	{ "ECT(0), not-ECT", INET_ECN_ECT_0, 0, 0 },
	{ "not-ECT, ECT(0)", 0, INET_ECN_ECT_0, INET_ECN_ECT_0 },
	{ "ECT(1), ECT(0)", INET_ECN_ECT_1, INET_ECN_ECT_0, INET_ECN_ECT_1 },
	{ "CE, ECT(0)", INET_ECN_CE, INET_ECN_ECT_0, INET_ECN_CE },
	{ "CE, ECT(1)", INET_ECN_CE, INET_ECN_ECT_1, INET_ECN_CE },
	{ "not-ECT, CE", 0, INET_ECN_CE, INET_ECN_CE },
};

MIP4_KT_PARAMS(ecn, ecn_cases)

static void receive_test_ecn(struct kunit *test)
{
	const struct ecn_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct outer o = { .tos = 0xb8 | c->outer, .inner = to_device };
	const struct iphdr *iph;
	struct sk_buff *out;

	o.inner.tos = 0x20 | c->inner;
	receive_binding(k, &o, true);
	KUNIT_EXPECT_FALSE(test, outer_in(k, &o));
	out = mip4_kt_sent(k, k->port[0]);
	KUNIT_ASSERT_NOT_NULL(test, out);
	iph = (const struct iphdr *)(out->data + ETH_HLEN);
	/* the outer DSCP stays outside */
	KUNIT_EXPECT_EQ(test, iph->tos, 0x20 | c->out);
	KUNIT_EXPECT_EQ(test, ip_fast_csum(iph, 5), 0);
}

/* Fragments of inner packets are packets like any other. */
static void receive_test_inner_fragment(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct outer o = { GRE_K, .key = 0x1005, .inner = to_device };
	const struct iphdr *iph;
	struct sk_buff *out;

	o.inner.frag_off = htons(IP_MF | 8);
	receive_binding(k, &o, true);
	KUNIT_EXPECT_FALSE(test, outer_in(k, &o));
	out = mip4_kt_sent(k, k->port[0]);
	KUNIT_ASSERT_NOT_NULL(test, out);
	iph = (const struct iphdr *)(out->data + ETH_HLEN);
	KUNIT_EXPECT_EQ(test, ntohs(iph->frag_off), IP_MF | 8);
}

static void receive_test_multicast(struct kunit *test)
{
	static const __be32 dest[] = { MIP4_KT_IP(224, 0, 0, 1), htonl(INADDR_BROADCAST) };
	struct mip4_kt *k = mip4_kt(test);
	struct outer o = { GRE_K, .key = 0x1005 };
	int i;

	receive_binding(k, &o, false);
	for (i = 0; i < ARRAY_SIZE(dest); i++) {
		o.inner = to_device;
		o.inner.saddr = MIP4_KT_HOME(5);
		o.inner.daddr = dest[i];
		KUNIT_EXPECT_FALSE(test, outer_in(k, &o));
		KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_MULTICAST),
				i + 1);
	}
}

static void receive_test_device_down(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct outer o = { GRE_K, .key = 0x1005, .inner = to_device };

	receive_binding(k, &o, true);
	rtnl_lock();
	dev_close(k->mip->dev);
	rtnl_unlock();
	KUNIT_EXPECT_FALSE(test, outer_in(k, &o));
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_PORT_DOWN), 1);
}

/* A link with an underlay device takes packets of that device only. */
static void receive_test_link(struct kunit *test)
{
	const struct receive_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct outer o = c->outer;

	o.inner = to_device;
	receive_binding(k, &o, true);
	k->mip->link = k->port[0]->ifindex;
	KUNIT_EXPECT_TRUE(test, outer_in(k, &o));
	k->mip->link = k->under->ifindex;
	KUNIT_EXPECT_FALSE(test, outer_in(k, &o));
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 1);
}

/* On a home agent the packet goes on into the stack, from the mip4 device. */
struct routed_case {
	const char *desc;
	struct outer outer;
	bool neighbour;		/* another device of the same home prefix */
	u8 ttl;
	u8 want;
};

static const struct routed_case routed_cases[] = {
	{ "IPIP", { .ipip = true }, false, 33, 33 },
	{ "GRE", { 0 }, false, 33, 33 },
	{ "GRE with key", { GRE_K, .key = 0x1005 }, false, 33, 33 },
	/* what the hardware has summed up is right for what is left */
	{ "IPIP, checksum complete", { .ipip = true, .complete = true },
	  false, 33, 33 },
	{ "GRE, checksum complete", { GRE_K, .key = 0x1005, .complete = true },
	  false, 33, 33 },
	{ "GRE, both checksums", { GRE_C, .complete = true }, false, 33, 33 },
	{ "padded, checksum complete", { .pad = 7, .complete = true },
	  false, 33, 33 },
	{ "CE, checksum complete", { .tos = INET_ECN_CE, .complete = true,
	  .inner = { .tos = INET_ECN_ECT_0 } }, false, 33, 33 },
	{ "TTL 1 to a neighbour, checksum complete", { .complete = true },
	  true, 1, 2 },
	{ "TTL 1 to elsewhere", { 0 }, false, 1, 1 },
	/* link emulation: ip_forward() must not end it */
	{ "TTL 1 to a neighbour", { 0 }, true, 1, 2 },
	{ "TTL 2 to a neighbour", { 0 }, true, 2, 2 },
};

MIP4_KT_PARAMS(routed, routed_cases)

static void receive_test_routed(struct kunit *test)
{
	const struct routed_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg;
	struct outer o = c->outer;
	struct mip4_binding *b;
	const struct iphdr *iph;
	struct sk_buff *skb;

	o.inner = to_device;
	o.inner.tos = c->outer.inner.tos;
	o.inner.saddr = MIP4_KT_HOME(5);
	o.inner.daddr = c->neighbour ? MIP4_KT_HOME(6) : MIP4_KT_FAR;
	o.inner.ttl = c->ttl;
	b = receive_binding(k, &o, false);
	cfg = mip4_kt_routed(k, 6);
	cfg.home_plen = 24;
	mip4_kt_add(k, &cfg);

	mip4_kt_catch(k);
	KUNIT_EXPECT_FALSE(test, outer_in(k, &o));
	skb = mip4_kt_caught(k);
	iph = ip_hdr(skb);
	KUNIT_EXPECT_EQ(test, skb->len, sizeof(*iph) + o.inner.len);
	KUNIT_EXPECT_PTR_EQ(test, skb->dev, k->mip->dev);
	KUNIT_EXPECT_EQ(test, iph->saddr, MIP4_KT_HOME(5));
	KUNIT_EXPECT_EQ(test, iph->ttl, c->want);
	KUNIT_EXPECT_EQ(test, ip_fast_csum(iph, 5), 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->up_packets), 1);
	KUNIT_EXPECT_NE(test, b->seen, 0);
	if (o.complete) {
		KUNIT_EXPECT_TRUE(test, skb->ip_summed == CHECKSUM_COMPLETE);
		KUNIT_EXPECT_EQ(test, csum_fold(skb->csum),
				csum_fold(skb_checksum(skb, 0, skb->len, 0)));
	}
}

static struct kunit_case receive_tests[] = {
	MIP4_KT_CASES(receive_test_accepted, accepted),
	MIP4_KT_CASES(receive_test_passed, passed),
	MIP4_KT_CASES(receive_test_dropped, dropped),
	MIP4_KT_CASES(receive_test_ecn, ecn),
	KUNIT_CASE(receive_test_inner_fragment),
	KUNIT_CASE(receive_test_multicast),
	KUNIT_CASE(receive_test_device_down),
	MIP4_KT_CASES(receive_test_link, accepted),
	MIP4_KT_CASES(receive_test_routed, routed),
	{}
};

static struct kunit_suite receive_suite = {
	.name		= "mip4-receive",
	.init		= mip4_kt_init,
	.exit		= mip4_kt_exit,
	.test_cases	= receive_tests,
};

kunit_test_suite(receive_suite);
