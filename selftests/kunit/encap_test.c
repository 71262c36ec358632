// SPDX-License-Identifier: GPL-2.0-only
/* Bytes on the wire: outer headers of every encapsulation. */
#include <linux/tcp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>

#include "../../kernel/encap.h"
#include "kunit.h"

struct encap_case {
	const char *desc;
	u8 encap;
	bool keyed;
	u8 tunnel[8];		/* what lies between the two IPv4 headers */
	u8 len;
};

static const struct encap_case encap_cases[] = {
	{ "IPIP", MIP4_ENCAP_IPIP },
	{ "GRE", MIP4_ENCAP_GRE, false, { 0, 0, 8, 0 }, 4 },
	{ "GRE with key", MIP4_ENCAP_GRE, true,
	  { 0x20, 0, 8, 0, 0, 0, 0x20, 5 }, 8 },
};

MIP4_KT_PARAMS(encap, encap_cases)

static struct mip4_binding *encap_binding(struct mip4_kt *k,
					  const struct encap_case *c)
{
	struct mip4_binding_config cfg = mip4_kt_routed(k, 5);

	cfg.leg.encap = c->encap;
	cfg.leg.keyed = c->keyed;
	return mip4_kt_add(k, &cfg);
}

static const struct mip4_kt_ip encap_inner = {
	.saddr = MIP4_KT_FAR,
	.daddr = MIP4_KT_HOME(5),
	.len = 100,
	.frag_off = htons(IP_DF),
	.protocol = IPPROTO_UDP,
	.ttl = 33,
	.tos = 0x10,
};

/* The whole packet, byte by byte. */
static void encap_test_bytes(struct kunit *test)
{
	const struct encap_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct sk_buff *skb = mip4_kt_ip(k, &encap_inner), *out;
	const unsigned int len = skb->len;
	u8 *inner = kunit_kmalloc(test, len, GFP_KERNEL);
	const struct iphdr *iph;

	KUNIT_ASSERT_NOT_NULL(test, inner);
	memcpy(inner, skb->data, len);
	mip4_kt_encap(k, encap_binding(k, c), skb);
	out = mip4_kt_sent(k, k->under);
	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 0);
	KUNIT_ASSERT_EQ(test, skb_linearize(out), 0);
	KUNIT_ASSERT_EQ(test, out->len, sizeof(*iph) + c->len + len);

	iph = (const struct iphdr *)out->data;
	KUNIT_EXPECT_EQ(test, out->data[0], 0x45);
	KUNIT_EXPECT_EQ(test, iph->tos, 0x10);
	KUNIT_EXPECT_EQ(test, ntohs(iph->tot_len), out->len);
	KUNIT_EXPECT_EQ(test, ntohs(iph->frag_off), IP_DF);
	KUNIT_EXPECT_EQ(test, iph->ttl, 64);
	KUNIT_EXPECT_EQ(test, iph->protocol,
			c->encap == MIP4_ENCAP_IPIP ? 4 : 47);
	/* [3024-4.2.2-3] [3024-5.1.2-1] */
	KUNIT_EXPECT_EQ(test, iph->saddr, MIP4_KT_LOCAL);
	KUNIT_EXPECT_EQ(test, iph->daddr, MIP4_KT_PEER);
	KUNIT_EXPECT_EQ(test, ip_fast_csum(iph, iph->ihl), 0);
	KUNIT_EXPECT_MEMEQ(test, out->data + sizeof(*iph), c->tunnel, c->len);
	/* RFC 2003 section 3.1: the inner one stays as it is */
	KUNIT_EXPECT_MEMEQ(test, out->data + sizeof(*iph) + c->len, inner, len);
	KUNIT_EXPECT_PTR_EQ(test, out->dev, k->under);
}

static const struct iphdr *encap_outer(struct mip4_kt *k,
				       const struct encap_case *c,
				       const struct mip4_kt_ip *inner)
{
	struct sk_buff *out;

	mip4_kt_encap(k, encap_binding(k, c), mip4_kt_ip(k, inner));
	out = mip4_kt_sent(k, k->under);
	KUNIT_ASSERT_NOT_NULL(k->test, out);
	return (const struct iphdr *)out->data;
}

/* DF is the inner packet's: RFC 2003 section 3.1. */
static void encap_test_no_df(struct kunit *test)
{
	struct mip4_kt_ip inner = encap_inner;

	inner.frag_off = 0;
	KUNIT_EXPECT_EQ(test, encap_outer(mip4_kt(test), test->param_value,
					  &inner)->frag_off & htons(IP_DF), 0);
}

/* A fragment is carried like any other packet: nothing of it shows outside. */
static void encap_test_fragment(struct kunit *test)
{
	struct mip4_kt_ip inner = encap_inner;

	inner.frag_off = htons(IP_MF | 0x100);
	KUNIT_EXPECT_EQ(test, encap_outer(mip4_kt(test), test->param_value,
					  &inner)->frag_off, 0);
}

static void encap_test_ttl(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);

	k->mip->ttl = 7;
	KUNIT_EXPECT_EQ(test, encap_outer(k, test->param_value,
					  &encap_inner)->ttl, 7);
}

static void encap_test_ttl_of_route(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);

	k->mip->ttl = 0;
	KUNIT_EXPECT_EQ(test, encap_outer(k, test->param_value,
					  &encap_inner)->ttl,
			READ_ONCE(init_net.ipv4.sysctl_ip_default_ttl));
}

struct tos_case {
	const char *desc;
	u8 link;		/* IFLA_MIP4_TOS */
	u8 inner;
	u8 outer;
};

/* RFC 6040 section 4.1, normal mode: ECN is copied, whatever the DSCP. */
static const struct tos_case tos_cases[] = {
	{ "inherited", 1, 0xb8, 0xb8 },
	{ "inherited, ECT(0)", 1, 0xb8 | INET_ECN_ECT_0, 0xb8 | INET_ECN_ECT_0 },
	{ "inherited, ECT(1)", 1, INET_ECN_ECT_1, INET_ECN_ECT_1 },
	{ "none", 0, 0xb8, 0 },
	{ "none, ECT(0)", 0, 0xb8 | INET_ECN_ECT_0, INET_ECN_ECT_0 },
	{ "fixed", 0x20, 0xb8, 0x20 },
	{ "fixed, ECT(1)", 0x20, 0xb8 | INET_ECN_ECT_1, 0x20 | INET_ECN_ECT_1 },
};

MIP4_KT_PARAMS(tos, tos_cases)

static void encap_test_tos(struct kunit *test)
{
	const struct tos_case *c = test->param_value;
	struct mip4_kt_ip inner = encap_inner;
	struct mip4_kt *k = mip4_kt(test);

	k->mip->tos = c->link;
	inner.tos = c->inner;
	KUNIT_EXPECT_EQ(test, encap_outer(k, &encap_cases[2], &inner)->tos,
			c->outer);
}

/* What exceeds the path and may be cut is cut outside: both parts arrive. */
static void encap_test_outer_fragments(struct kunit *test)
{
	const struct encap_case *c = test->param_value;
	struct mip4_kt_ip inner = encap_inner;
	struct mip4_kt *k = mip4_kt(test);
	const struct iphdr *one, *two;
	struct sk_buff *skb;
	unsigned int sum;

	inner.frag_off = 0;
	inner.len = ETH_DATA_LEN - sizeof(struct iphdr);
	one = encap_outer(k, c, &inner);
	skb = mip4_kt_sent(k, k->under);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	two = (const struct iphdr *)skb->data;
	KUNIT_EXPECT_EQ(test, ntohs(one->frag_off), IP_MF);
	KUNIT_EXPECT_EQ(test, one->id, two->id);
	KUNIT_EXPECT_EQ(test, ntohs(two->frag_off) * 8 + 20,
			ntohs(one->tot_len));
	KUNIT_EXPECT_LE(test, ntohs(one->tot_len), ETH_DATA_LEN);
	sum = ntohs(one->tot_len) + ntohs(two->tot_len);
	KUNIT_EXPECT_EQ(test, sum, 2 * 20 + c->len + ETH_DATA_LEN);
}

/* Exactly what fits isn't cut. */
static void encap_test_fits(struct kunit *test)
{
	const struct encap_case *c = test->param_value;
	struct mip4_kt_ip inner = encap_inner;
	struct mip4_kt *k = mip4_kt(test);
	const struct iphdr *iph;

	inner.frag_off = 0;
	inner.len = ETH_DATA_LEN - 2 * sizeof(struct iphdr) - c->len;
	iph = encap_outer(k, c, &inner);
	KUNIT_EXPECT_EQ(test, ntohs(iph->tot_len), ETH_DATA_LEN);
	KUNIT_EXPECT_EQ(test, iph->frag_off, 0);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 0);
}

/* A packet without room in front gets it. */
static void encap_test_no_headroom(struct kunit *test)
{
	const struct encap_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct sk_buff *skb = mip4_kt_ip(k, &encap_inner), *tight, *out;

	tight = skb_copy_expand(skb, 0, 0, GFP_KERNEL);
	mip4_kt_own(k, skb);
	KUNIT_ASSERT_NOT_NULL(test, tight);
	KUNIT_ASSERT_EQ(test, skb_headroom(tight), 0);
	mip4_kt_encap(k, encap_binding(k, c), tight);
	out = mip4_kt_sent(k, k->under);
	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_EXPECT_MEMEQ(test, out->data + 20 + c->len, skb->data, skb->len);
}

/* A clone's data belongs to another as well: that one sees no change. */
static void encap_test_clone(struct kunit *test)
{
	const struct encap_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct sk_buff *skb = mip4_kt_ip(k, &encap_inner), *clone;
	u8 before[28 + 20];
	const u8 *front = skb->data - 28;

	mip4_kt_own(k, skb);
	memset(skb->data - 28, 0xa5, 28);
	memcpy(before, front, 28 + 20);
	clone = skb_clone(skb, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, clone);
	mip4_kt_encap(k, encap_binding(k, c), clone);
	KUNIT_EXPECT_NOT_NULL(test, mip4_kt_sent(k, k->under));
	KUNIT_EXPECT_MEMEQ(test, front, before, 28 + 20);
}

#define ENCAP_MSS 200

/* The wire here segments nothing, so each segment is complete in itself. */
static void encap_test_gso(struct kunit *test)
{
	const struct encap_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	const struct iphdr *iph, *inner;
	const struct tcphdr *th;
	struct sk_buff *out;
	int i, len;

	mip4_kt_encap(k, encap_binding(k, c),
		      mip4_kt_tcp(k, &encap_inner, 3, ENCAP_MSS));
	KUNIT_ASSERT_EQ(test, mip4_kt_count(k->under), 3);
	for (i = 0; i < 3; i++) {
		out = mip4_kt_sent(k, k->under);
		KUNIT_ASSERT_EQ(test, skb_linearize(out), 0);
		KUNIT_ASSERT_EQ(test, out->len,
				2 * 20 + c->len + sizeof(*th) + ENCAP_MSS);
		iph = (const struct iphdr *)out->data;
		KUNIT_EXPECT_EQ(test, ntohs(iph->tot_len), out->len);
		KUNIT_EXPECT_EQ(test, iph->protocol,
				c->encap == MIP4_ENCAP_IPIP ? 4 : 47);
		KUNIT_EXPECT_EQ(test, ip_fast_csum(iph, 5), 0);
		KUNIT_EXPECT_MEMEQ(test, out->data + 20, c->tunnel, c->len);
		inner = (const struct iphdr *)(out->data + 20 + c->len);
		len = sizeof(*th) + ENCAP_MSS;
		KUNIT_EXPECT_EQ(test, ntohs(inner->tot_len), 20 + len);
		KUNIT_EXPECT_EQ(test, ip_fast_csum(inner, 5), 0);
		th = (const struct tcphdr *)(inner + 1);
		KUNIT_EXPECT_EQ(test, ntohl(th->seq), 1000 + i * ENCAP_MSS);
		KUNIT_EXPECT_EQ(test, 0,
				csum_tcpudp_magic(inner->saddr, inner->daddr,
						  len, IPPROTO_TCP,
						  csum_partial(th, len, 0)));
	}
}

/* The route to the peer leads into the device itself. */
static void encap_test_loop(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = encap_binding(k, test->param_value);
	struct sk_buff *skb = mip4_kt_ip(k, &encap_inner);
	struct rtable *rt;

	rt = rt_dst_alloc(k->mip->dev, 0, RTN_UNICAST, false);
	KUNIT_ASSERT_NOT_NULL(test, rt);
	local_bh_disable();
	rcu_read_lock();
	mip4_encap(skb, rcu_dereference(b->leg), rt);
	rcu_read_unlock();
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_LOOP), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->drops), 1);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 0);
}

static struct kunit_case encap_tests[] = {
	MIP4_KT_CASES(encap_test_bytes, encap),
	MIP4_KT_CASES(encap_test_no_df, encap),
	MIP4_KT_CASES(encap_test_fragment, encap),
	MIP4_KT_CASES(encap_test_ttl, encap),
	MIP4_KT_CASES(encap_test_ttl_of_route, encap),
	MIP4_KT_CASES(encap_test_tos, tos),
	MIP4_KT_CASES(encap_test_outer_fragments, encap),
	MIP4_KT_CASES(encap_test_fits, encap),
	MIP4_KT_CASES(encap_test_no_headroom, encap),
	MIP4_KT_CASES(encap_test_clone, encap),
	MIP4_KT_CASES(encap_test_gso, encap),
	MIP4_KT_CASES(encap_test_loop, encap),
	{}
};

static struct kunit_suite encap_suite = {
	.name		= "mip4-encap",
	.init		= mip4_kt_init,
	.exit		= mip4_kt_exit,
	.test_cases	= encap_tests,
};

kunit_test_suite(encap_suite);
