// SPDX-License-Identifier: GPL-2.0-only
/* What fits: overhead, MTU of a leg, packets too big, MSS. */
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/route.h>
#include <net/tcp.h>

#include "../../kernel/encap.h"
#include "../../kernel/mss.h"
#include "kunit.h"

struct leg_case {
	const char *desc;
	u8 encap;
	bool keyed;
	u16 path;		/* MTU of the route */
	u16 overhead;
	u16 mtu;		/* of the leg */
};

/* RFC 791: 68 bytes pass everywhere, so a leg never offers less. */
static const struct leg_case leg_cases[] = {
	{ "IPIP 1500", MIP4_ENCAP_IPIP, false, 1500, 20, 1480 },
	{ "GRE 1500", MIP4_ENCAP_GRE, false, 1500, 24, 1476 },
	{ "GRE with key 1500", MIP4_ENCAP_GRE, true, 1500, 28, 1472 },
	{ "minimal 1500", MIP4_ENCAP_MINIMAL, false, 1500, 12, 1488 },
	{ "UDP 1500", MIP4_ENCAP_UDP, false, 1500, 32, 1468 },
	{ "IPIP 9000", MIP4_ENCAP_IPIP, false, 9000, 20, 8980 },
	{ "GRE with key 65535", MIP4_ENCAP_GRE, true, 65535, 28, 65507 },
	{ "IPIP 89", MIP4_ENCAP_IPIP, false, 89, 20, 69 },
	{ "IPIP 88", MIP4_ENCAP_IPIP, false, 88, 20, 68 },
	{ "IPIP 87", MIP4_ENCAP_IPIP, false, 87, 20, 68 },
	{ "minimal 81", MIP4_ENCAP_MINIMAL, false, 81, 12, 69 },
	{ "minimal 80", MIP4_ENCAP_MINIMAL, false, 80, 12, 68 },
	{ "minimal 79", MIP4_ENCAP_MINIMAL, false, 79, 12, 68 },
	{ "GRE 93", MIP4_ENCAP_GRE, false, 93, 24, 69 },
	{ "GRE 92", MIP4_ENCAP_GRE, false, 92, 24, 68 },
	{ "GRE 91", MIP4_ENCAP_GRE, false, 91, 24, 68 },
	{ "GRE with key 97", MIP4_ENCAP_GRE, true, 97, 28, 69 },
	{ "GRE with key 96", MIP4_ENCAP_GRE, true, 96, 28, 68 },
	{ "GRE with key 95", MIP4_ENCAP_GRE, true, 95, 28, 68 },
	{ "UDP 101", MIP4_ENCAP_UDP, false, 101, 32, 69 },
	{ "UDP 100", MIP4_ENCAP_UDP, false, 100, 32, 68 },
	{ "GRE with key 68", MIP4_ENCAP_GRE, true, 68, 28, 68 },
};

MIP4_KT_PARAMS(leg, leg_cases)

static void mtu_test_leg(struct kunit *test)
{
	const struct leg_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	const struct mip4_leg l = {
		.key.encap = c->encap,
		.key.flags = c->keyed ? MIP4_DEMUX_KEYED : 0,
	};
	struct rtable *rt;
	unsigned int mtu;

	/* a route without metrics has the MTU of its device */
	WRITE_ONCE(k->under->mtu, c->path);
	rt = rt_dst_alloc(k->under, 0, RTN_UNICAST, false);
	KUNIT_ASSERT_NOT_NULL(test, rt);
	rcu_read_lock();
	mtu = mip4_leg_mtu(&l, rt);
	rcu_read_unlock();
	ip_rt_put(rt);
	KUNIT_EXPECT_EQ(test, mip4_leg_overhead(&l), c->overhead);
	KUNIT_EXPECT_EQ(test, mtu, c->mtu);
}

struct big_case {
	const char *desc;
	int more;		/* bytes above the MTU */
	bool df;
	bool big;
};

static const struct big_case big_cases[] = {
	{ "one less", -1, true, false },
	{ "just fits", 0, true, false },
	{ "one more", 1, true, true },
	{ "one more without DF", 1, false, false },
	{ "much more", 1000, true, true },
	{ "much more without DF", 1000, false, false },
};

MIP4_KT_PARAMS(big, big_cases)

#define BIG_MTU 600

static void mtu_test_too_big(struct kunit *test)
{
	const struct big_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	const struct mip4_kt_ip ip = {
		.len = BIG_MTU - sizeof(struct iphdr) + c->more,
		.frag_off = c->df ? htons(IP_DF) : 0,
		.protocol = IPPROTO_UDP,
	};
	struct sk_buff *skb = mip4_kt_ip(k, &ip);

	mip4_kt_own(k, skb);
	KUNIT_EXPECT_EQ(test, mip4_too_big(skb, BIG_MTU), c->big);
}

/* What counts of a GSO packet is the length of its segments. */
static void mtu_test_too_big_gso(struct kunit *test)
{
	const struct big_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	const struct mip4_kt_ip ip = {
		.len = 4000,
		.frag_off = c->df ? htons(IP_DF) : 0,
		.protocol = IPPROTO_TCP,
	};
	struct sk_buff *skb = mip4_kt_ip(k, &ip);

	mip4_kt_own(k, skb);
	tcp_hdr(skb)->doff = 5;
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	skb_shinfo(skb)->gso_size = BIG_MTU - 40 + c->more;
	skb_shinfo(skb)->gso_segs = 8;
	KUNIT_EXPECT_EQ(test, mip4_too_big(skb, BIG_MTU), c->big);
}

struct mss_case {
	const char *desc;
	u16 mtu;
	u8 opt[8];		/* 8 bytes of options */
	u8 want[8];
	u8 flags;		/* 0: SYN */
	u8 protocol;		/* 0: TCP */
	__be16 frag_off;
	u8 doff;		/* 0: 7 words */
	u8 cut;			/* bytes missing at the end */
};

#define MSS(hi, lo) 2, 4, hi, lo
#define FLAG_SYN 2
#define FLAG_ACK 16

/* 1472 leaves 1432, 0x0598 */
static const struct mss_case mss_cases[] = {
	{ "one less", 1472, { MSS(5, 0x97) }, { MSS(5, 0x97) } },
	{ "equal", 1472, { MSS(5, 0x98) }, { MSS(5, 0x98) } },
	{ "one more", 1472, { MSS(5, 0x99) }, { MSS(5, 0x98) } },
	{ "1460", 1472, { MSS(5, 0xb4) }, { MSS(5, 0x98) } },
	{ "65535", 1472, { MSS(255, 255) }, { MSS(5, 0x98) } },
	{ "SYN ACK", 1472, { MSS(5, 0xb4) }, { MSS(5, 0x98) },
	  .flags = FLAG_SYN | FLAG_ACK },
	{ "no SYN", 1472, { MSS(5, 0xb4) }, { MSS(5, 0xb4) }, .flags = FLAG_ACK },
	{ "not TCP", 1472, { MSS(5, 0xb4) }, { MSS(5, 0xb4) },
	  .protocol = IPPROTO_UDP },
	{ "second fragment", 1472, { MSS(5, 0xb4) }, { MSS(5, 0xb4) },
	  .frag_off = htons(1) },
	{ "first fragment", 1472, { MSS(5, 0xb4) }, { MSS(5, 0x98) },
	  .frag_off = htons(IP_MF) },
	{ "after one NOP", 1472, { 1, MSS(5, 0xb4) }, { 1, MSS(5, 0x98) } },
	{ "after two NOPs", 1472, { 1, 1, MSS(5, 0xb4) }, { 1, 1, MSS(5, 0x98) } },
	{ "after three NOPs", 1472, { 1, 1, 1, MSS(5, 0xb4) },
	  { 1, 1, 1, MSS(5, 0x98) } },
	{ "at the end", 1472, { 1, 1, 4, 2, MSS(5, 0xb4) },
	  { 1, 1, 4, 2, MSS(5, 0x98) } },
	{ "after the end of options", 1472, { 0, MSS(5, 0xb4) },
	  { 0, MSS(5, 0xb4) } },
	{ "beyond the header", 1472, { 1, 1, 1, 1, MSS(5, 0xb4) },
	  { 1, 1, 1, 1, MSS(5, 0xb4) }, .doff = 6 },
	{ "half beyond the header", 1472, { 1, 1, MSS(5, 0xb4) },
	  { 1, 1, MSS(5, 0xb4) }, .doff = 6 },
	{ "no options", 1472, { MSS(5, 0xb4) }, { MSS(5, 0xb4) }, .doff = 5 },
	{ "header below its least", 1472, { MSS(5, 0xb4) }, { MSS(5, 0xb4) },
	  .doff = 4 },
	{ "header beyond the packet", 1472, { MSS(5, 0xb4) }, { MSS(5, 0xb4) },
	  .cut = 1 },
	{ "option of length 0", 1472, { 8, 0, MSS(5, 0xb4) },
	  { 8, 0, MSS(5, 0xb4) } },
	{ "option of length 1", 1472, { 8, 1, MSS(5, 0xb4) },
	  { 8, 1, MSS(5, 0xb4) } },
	{ "option without length", 1472, { 1, 1, 1, 1, 1, 1, 1, 2 },
	  { 1, 1, 1, 1, 1, 1, 1, 2 } },
	{ "MSS of length 3", 1472, { 2, 3, 5, MSS(5, 0xb4) },
	  { 2, 3, 5, MSS(5, 0x98) } },
	{ "only the first", 1472, { MSS(5, 0xb4), MSS(5, 0xb4) },
	  { MSS(5, 0x98), MSS(5, 0xb4) } },
	{ "MTU 41", 41, { MSS(5, 0xb4) }, { MSS(0, 1) } },
	{ "MTU 40", 40, { MSS(5, 0xb4) }, { MSS(0, 0) } },
	{ "MTU 39", 39, { MSS(5, 0xb4) }, { MSS(0, 0) } },
	{ "MTU 0", 0, { MSS(5, 0xb4) }, { MSS(0, 0) } },
};

MIP4_KT_PARAMS(mss, mss_cases)

static __sum16 mss_sum(const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);

	return csum_tcpudp_magic(iph->saddr, iph->daddr, skb->len - 20,
				 IPPROTO_TCP,
				 csum_partial(skb->data + 20, skb->len - 20, 0));
}

static void mtu_test_mss(struct kunit *test)
{
	const struct mss_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	const struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_FAR,
		.daddr = MIP4_KT_HOME(5),
		.len = sizeof(struct tcphdr) + sizeof(c->opt),
		.frag_off = c->frag_off,
		.protocol = c->protocol ?: IPPROTO_TCP,
	};
	struct sk_buff *skb = mip4_kt_ip(k, &ip), *clone;
	const unsigned int left = sizeof(c->opt) - c->cut;
	struct tcphdr *th = tcp_hdr(skb);
	u8 *before;

	mip4_kt_own(k, skb);
	memset(th, 0, sizeof(*th));
	th->doff = c->doff ?: 7;
	((u8 *)th)[13] = c->flags ?: FLAG_SYN;
	memcpy(th + 1, c->opt, sizeof(c->opt));
	skb_trim(skb, skb->len - c->cut);
	th->check = mss_sum(skb);
	before = kunit_kmalloc(test, skb->len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, before);
	memcpy(before, skb->data, skb->len);
	/* somebody else looks at the same bytes */
	clone = skb_clone(skb, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, clone);
	mip4_kt_own(k, clone);

	mip4_mss_clamp(skb, c->mtu);
	KUNIT_EXPECT_MEMEQ(test, skb->data + 40, c->want, left);
	KUNIT_EXPECT_EQ(test, mss_sum(skb), 0);
	KUNIT_EXPECT_MEMEQ(test, skb->data, before, 36);
	KUNIT_EXPECT_MEMEQ(test, clone->data, before, clone->len);
}

static struct kunit_case mtu_tests[] = {
	MIP4_KT_CASES(mtu_test_leg, leg),
	MIP4_KT_CASES(mtu_test_too_big, big),
	MIP4_KT_CASES(mtu_test_too_big_gso, big),
	MIP4_KT_CASES(mtu_test_mss, mss),
	{}
};

static struct kunit_suite mtu_suite = {
	.name		= "mip4-mtu",
	.init		= mip4_kt_init,
	.exit		= mip4_kt_exit,
	.test_cases	= mtu_tests,
};

kunit_test_suite(mtu_suite);
