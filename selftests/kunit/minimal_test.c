// SPDX-License-Identifier: GPL-2.0-only
/* RFC 2004: bytes both ways, what it can't carry, and what isn't right. */
#include <linux/icmp.h>
#include <linux/tcp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/protocol.h>
#include <net/route.h>

#include "../../kernel/encap.h"
#include "../../kernel/minimal.h"
#include "../../kernel/outer_icmp.h"
#include "kunit.h"

#define LONG 12
#define SHORT 8

static struct mip4_binding *minimal_binding(struct mip4_kt *k, bool served)
{
	struct mip4_binding_config cfg = served ? mip4_kt_served(k, 5) :
						  mip4_kt_routed(k, 5);

	cfg.leg.encap = MIP4_ENCAP_MINIMAL;
	cfg.leg.keyed = false;
	cfg.leg.ikey = 0;
	cfg.leg.okey = 0;
	return mip4_kt_add(k, &cfg);
}

static u64 fallbacks(struct mip4_binding *b)
{
	return atomic64_read(&b->first.peer->fallbacks);
}

/*
 * Two packets before and after, their bytes worked out from RFC 2004 section 3
 * apart from this module. The original: TOS 0xba, id 0x1234, DF, TTL 33, UDP
 * with four bytes.
 */
struct golden_case {
	const char *desc;
	u8 inner[32];
	u8 outer[44];
	u8 len;			/* of .outer */
};

static const struct golden_case golden_cases[] = {
	/* 198.19.0.9 to 198.19.1.5, by 198.18.0.1 to 198.18.0.2 */
	{ "source present",
	  { 0x45, 0xba, 0x00, 0x20, 0x12, 0x34, 0x40, 0x00,
	    0x21, 0x11, 0xb9, 0xaa, 0xc6, 0x13, 0x00, 0x09,
	    0xc6, 0x13, 0x01, 0x05, 0x03, 0xe8, 0x07, 0xd0,
	    0x00, 0x0c, 0x00, 0x00, 0x6d, 0x69, 0x70, 0x34 },
	  { 0x45, 0xba, 0x00, 0x2c, 0x12, 0x34, 0x40, 0x00,
	    0x21, 0x37, 0xba, 0x85, 0xc6, 0x12, 0x00, 0x01,
	    0xc6, 0x12, 0x00, 0x02, 0x11, 0x80, 0x61, 0x4a,
	    0xc6, 0x13, 0x01, 0x05, 0xc6, 0x13, 0x00, 0x09,
	    0x03, 0xe8, 0x07, 0xd0, 0x00, 0x0c, 0x00, 0x00,
	    0x6d, 0x69, 0x70, 0x34 }, 44 },
	/* the encapsulator's own: 198.18.0.1 to 198.19.1.5 */
	{ "source absent",
	  { 0x45, 0xba, 0x00, 0x20, 0x12, 0x34, 0x40, 0x00,
	    0x21, 0x11, 0xb9, 0xb3, 0xc6, 0x12, 0x00, 0x01,
	    0xc6, 0x13, 0x01, 0x05, 0x03, 0xe8, 0x07, 0xd0,
	    0x00, 0x0c, 0x00, 0x00, 0x6d, 0x69, 0x70, 0x34 },
	  { 0x45, 0xba, 0x00, 0x28, 0x12, 0x34, 0x40, 0x00,
	    0x21, 0x37, 0xba, 0x89, 0xc6, 0x12, 0x00, 0x01,
	    0xc6, 0x12, 0x00, 0x02, 0x11, 0x00, 0x27, 0xe7,
	    0xc6, 0x13, 0x01, 0x05, 0x03, 0xe8, 0x07, 0xd0,
	    0x00, 0x0c, 0x00, 0x00, 0x6d, 0x69, 0x70, 0x34 }, 40 },
};

MIP4_KT_PARAMS(golden, golden_cases)

static void minimal_test_golden_out(struct kunit *test)
{
	const struct golden_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = minimal_binding(k, false);
	struct sk_buff *out;

	/* the link's are for headers of its own making */
	k->mip->ttl = 7;
	k->mip->tos = 0x20;
	mip4_kt_encap(k, b, mip4_kt_bytes(k, c->inner, sizeof(c->inner)));
	out = mip4_kt_sent(k, k->under);
	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_ASSERT_EQ(test, skb_linearize(out), 0);
	KUNIT_ASSERT_EQ(test, out->len, c->len);
	KUNIT_EXPECT_MEMEQ(test, out->data, c->outer, c->len);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 0);
	KUNIT_EXPECT_EQ(test, fallbacks(b), 0);
}

/* The same bytes the other way: what came out is what went in. */
static void minimal_test_golden_in(struct kunit *test)
{
	const struct golden_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct sk_buff *skb = mip4_kt_bytes(k, c->outer, c->len), *out, *clone;
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_binding *b;

	cfg.leg.encap = MIP4_ENCAP_MINIMAL;
	cfg.leg.keyed = false;
	cfg.leg.ikey = 0;
	cfg.leg.local = MIP4_KT_PEER;
	cfg.leg.peer = MIP4_KT_LOCAL;
	b = mip4_kt_add(k, &cfg);
	/* a tap looks at the same bytes */
	clone = skb_clone(skb, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, clone);
	mip4_kt_own(k, clone);
	mip4_kt_protocol_in(k, skb);
	out = mip4_kt_sent(k, k->port[0]);
	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_ASSERT_EQ(test, out->len, ETH_HLEN + sizeof(c->inner));
	KUNIT_EXPECT_MEMEQ(test, out->data + ETH_HLEN, c->inner,
			   sizeof(c->inner));
	KUNIT_EXPECT_MEMEQ(test, clone->data, c->outer, c->len);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->down_packets), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->down_bytes), sizeof(c->inner));
}

static const struct mip4_kt_ip minimal_inner = {
	.saddr = MIP4_KT_FAR,
	.daddr = MIP4_KT_HOME(5),
	.len = 100,
	.frag_off = htons(IP_DF),
	.protocol = IPPROTO_UDP,
	.ttl = 33,
	.tos = 0x10,
};

struct fallback_case {
	const char *desc;
	__be16 frag_off;
	u16 len;		/* of the whole packet; 0: 120 */
	bool options;
	bool falls;
	u8 more;		/* pieces behind the first */
};

#define FITS (ETH_DATA_LEN - LONG)

/* RFC 2004 section 3: no fragments; what else is our choice, see minimal.h */
static const struct fallback_case fallback_cases[] = {
	{ "no DF", 0 },
	{ "first fragment", htons(IP_MF), .falls = true },
	{ "middle fragment", htons(IP_MF | 8), .falls = true },
	{ "last fragment", htons(8), .falls = true },
	{ "fragment with DF", htons(IP_DF | IP_MF), .falls = true },
	{ "options", htons(IP_DF), .options = true, .falls = true },
	{ "just fits", htons(IP_DF), FITS },
	{ "just fits, no DF", 0, FITS },
	{ "one more, no DF", 0, FITS + 1, .falls = true, .more = 1 },
};

MIP4_KT_PARAMS(fallback, fallback_cases)

static void minimal_test_fallback(struct kunit *test)
{
	const struct fallback_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = minimal_binding(k, false);
	struct mip4_kt_ip inner = minimal_inner;
	const struct iphdr *iph;
	struct sk_buff *skb, *out, *want;
	int more;

	inner.frag_off = c->frag_off;
	if (c->len)
		inner.len = c->len - sizeof(*iph);
	skb = mip4_kt_ip(k, &inner);
	if (c->options) {
		ip_hdr(skb)->ihl = 6;
		memset(skb->data + 20, IPOPT_NOP, 4);
		ip_send_check(ip_hdr(skb));
	}
	want = skb_copy(skb, GFP_KERNEL);
	mip4_kt_own(k, want);
	mip4_kt_encap(k, b, skb);
	out = mip4_kt_sent(k, k->under);
	KUNIT_ASSERT_NOT_NULL(test, out);
	more = mip4_kt_count(k->under);
	KUNIT_EXPECT_EQ(test, more, c->more);
	KUNIT_ASSERT_EQ(test, skb_linearize(out), 0);
	iph = (const struct iphdr *)out->data;
	KUNIT_EXPECT_EQ(test, iph->protocol, c->falls ? 4 : 55);
	KUNIT_EXPECT_EQ(test, ip_fast_csum(iph, 5), 0);
	KUNIT_EXPECT_EQ(test, fallbacks(b), c->falls);
	if (!c->falls) {
		KUNIT_EXPECT_EQ(test, iph->frag_off, c->frag_off);
		KUNIT_EXPECT_EQ(test, out->len, want->len + LONG);
		KUNIT_EXPECT_MEMEQ(test, out->data + 20 + LONG, want->data + 20,
				   want->len - 20);
		return;
	}
	KUNIT_EXPECT_EQ(test, iph->frag_off & htons(IP_DF),
			c->frag_off & htons(IP_DF));
	/* an identification of its own, unlike any of the devices' */
	if (more) {
		KUNIT_EXPECT_NE(test, ntohs(iph->id), 0x1234);
		return;
	}
	KUNIT_ASSERT_EQ(test, out->len, want->len + 20);
	KUNIT_EXPECT_MEMEQ(test, out->data + 20, want->data, want->len);
}

/* What goes by IP-in-IP and mustn't be cut has 8 bytes less. */
static void minimal_test_mtu(struct kunit *test)
{
	const struct fallback_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = minimal_binding(k, false);
	struct mip4_kt_ip inner = minimal_inner;
	struct sk_buff *skb;
	struct rtable *rt;

	inner.frag_off = c->frag_off;
	skb = mip4_kt_ip(k, &inner);
	mip4_kt_own(k, skb);
	if (c->options)
		ip_hdr(skb)->ihl = 6;
	local_bh_disable();
	rcu_read_lock();
	rt = mip4_peer_route(b->first.peer);
	if (!IS_ERR(rt)) {
		KUNIT_EXPECT_EQ(test, mip4_encap_mtu(skb, &b->first, rt),
				c->falls && !c->more ? ETH_DATA_LEN - 20 :
						       ETH_DATA_LEN - LONG);
		ip_rt_put(rt);
	}
	rcu_read_unlock();
	local_bh_enable();
	KUNIT_EXPECT_FALSE(test, IS_ERR(rt));
}

/* A fragment that fell back arrives at the same leg. */
static void minimal_test_fallback_in(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_kt_ip ip = minimal_inner, outer = {
		.saddr = MIP4_KT_PEER,
		.daddr = MIP4_KT_LOCAL,
		.protocol = IPPROTO_IPIP,
	};
	struct sk_buff *inner, *skb, *out;

	minimal_binding(k, true);
	ip.frag_off = htons(IP_MF | 8);
	inner = mip4_kt_ip(k, &ip);
	mip4_kt_own(k, inner);
	outer.len = inner->len;
	skb = mip4_kt_ip(k, &outer);
	memcpy(skb->data + 20, inner->data, inner->len);
	KUNIT_EXPECT_FALSE(test, mip4_kt_ipip_in(k, skb));
	out = mip4_kt_sent(k, k->port[0]);
	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_ASSERT_EQ(test, out->len, ETH_HLEN + inner->len);
	KUNIT_EXPECT_MEMEQ(test, out->data + ETH_HLEN, inner->data, inner->len);
}

static void minimal_test_ttl_zero(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = minimal_binding(k, false);
	struct sk_buff *skb = mip4_kt_ip(k, &minimal_inner);

	ip_hdr(skb)->ttl = 0;
	ip_send_check(ip_hdr(skb));
	mip4_kt_encap(k, b, skb);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 0);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_TTL), 1);
}

/* Without room in front, and with somebody else who has the same bytes. */
static void minimal_test_room(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct sk_buff *skb = mip4_kt_ip(k, &minimal_inner), *tight, *clone;
	struct sk_buff *out;

	mip4_kt_own(k, skb);
	tight = skb_copy_expand(skb, 0, 0, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, tight);
	clone = skb_clone(tight, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, clone);
	mip4_kt_own(k, tight);
	mip4_kt_encap(k, minimal_binding(k, false), clone);
	out = mip4_kt_sent(k, k->under);
	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_ASSERT_EQ(test, out->len, skb->len + LONG);
	KUNIT_EXPECT_MEMEQ(test, out->data + 20 + LONG, skb->data + 20,
			   skb->len - 20);
	KUNIT_EXPECT_MEMEQ(test, tight->data, skb->data, skb->len);
}

#define MINIMAL_MSS 200

/*
 * No device can finish or cut these, whatever it claims: each leaves whole, its
 * TCP checksum right, which counts the addresses that went behind.
 */
static void minimal_test_offload(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = minimal_binding(k, false);
	const unsigned int len = sizeof(struct tcphdr) + MINIMAL_MSS;
	int segments, i;

	rtnl_lock();
	k->under->hw_features |= NETIF_F_HW_CSUM | NETIF_F_SG |
				 NETIF_F_GSO_SOFTWARE | NETIF_F_GSO_PARTIAL;
	k->under->wanted_features |= k->under->hw_features;
	netdev_update_features(k->under);
	rtnl_unlock();
	for (segments = 1; segments <= 3; segments += 2) {
		mip4_kt_encap(k, b, mip4_kt_tcp(k, &minimal_inner, segments,
						MINIMAL_MSS));
		KUNIT_ASSERT_EQ(test, mip4_kt_count(k->under), segments);
		for (i = 0; i < segments; i++) {
			struct sk_buff *out = mip4_kt_sent(k, k->under);
			const struct mip4_minimal_hdr *mh;
			const struct tcphdr *th;
			const struct iphdr *iph;

			KUNIT_EXPECT_TRUE(test, out->ip_summed == CHECKSUM_NONE);
			KUNIT_ASSERT_EQ(test, skb_linearize(out), 0);
			KUNIT_ASSERT_EQ(test, out->len, 20 + LONG + len);
			iph = (const struct iphdr *)out->data;
			mh = (const struct mip4_minimal_hdr *)(iph + 1);
			th = (const struct tcphdr *)(mh + 1);
			KUNIT_EXPECT_EQ(test, ntohs(iph->tot_len), out->len);
			KUNIT_EXPECT_EQ(test, ip_fast_csum(iph, 5), 0);
			KUNIT_EXPECT_EQ(test, iph->protocol, 55);
			KUNIT_EXPECT_EQ(test, ip_compute_csum(mh, LONG), 0);
			KUNIT_EXPECT_EQ(test, mh->protocol, IPPROTO_TCP);
			KUNIT_EXPECT_EQ(test, ntohl(th->seq),
					1000 + i * MINIMAL_MSS);
			KUNIT_EXPECT_EQ(test, 0, csum_tcpudp_magic
					(mh->saddr, mh->daddr, len, IPPROTO_TCP,
					 csum_partial(th, len, 0)));
		}
	}
}

/* A packet to come out of a tunnel, and what is wrong with it. */
struct in_case {
	const char *desc;
	bool absent;		/* of the source */
	u8 bits;		/* reserved */
	u8 options;		/* bytes in the outer header */
	u8 pad;			/* behind it */
	int cut;		/* keep so many bytes behind the outer header */
	u8 damage;		/* 1 + offset in the forwarding header */
	__be32 peer;
	__be32 saddr;
	__be32 daddr;
	u8 tos;
	bool complete;		/* CHECKSUM_COMPLETE by the underlay's device */
	enum mip4_drop reason;
};

static const struct in_case good_cases[] = {
	{ "source present" },
	{ "source absent", .absent = true },
	/* RFC 2004 section 3: ignored */
	{ "reserved bits", .bits = 0x7f },
	{ "reserved bits, source absent", .absent = true, .bits = 0x7f },
	{ "options", .options = 4 },
	{ "most options", .options = 40 },
	{ "most options, source absent", .absent = true, .options = 40 },
	{ "padded by Ethernet", .pad = 7 },
	{ "checksum complete", .complete = true },
	{ "checksum complete, options", .complete = true, .options = 8 },
	{ "congestion", .tos = 0x10 | INET_ECN_CE },
};

MIP4_KT_PARAMS(good, good_cases)

#define NONE __MIP4_DROP_MAX

static const struct in_case bad_cases[] = {
	{ "nothing behind", .cut = -1, .reason = MIP4_DROP_BAD_INNER },
	{ "7 bytes", .cut = 7, .reason = MIP4_DROP_BAD_INNER },
	{ "8 of 12 bytes", .cut = 8, .reason = MIP4_DROP_BAD_INNER },
	{ "11 bytes", .cut = 11, .reason = MIP4_DROP_BAD_INNER },
	{ "7 bytes, source absent", .absent = true, .cut = 7,
	  .reason = MIP4_DROP_BAD_INNER },
	{ "protocol", .damage = 1, .reason = MIP4_DROP_BAD_CHECKSUM },
	{ "bits", .damage = 2, .reason = MIP4_DROP_BAD_CHECKSUM },
	{ "checksum", .damage = 3, .reason = MIP4_DROP_BAD_CHECKSUM },
	{ "destination", .damage = 8, .reason = MIP4_DROP_BAD_CHECKSUM },
	{ "source", .damage = 12, .reason = MIP4_DROP_BAD_CHECKSUM },
	{ "source absent, destination", .absent = true, .damage = 8,
	  .reason = MIP4_DROP_BAD_CHECKSUM },
	{ "inner address", .daddr = MIP4_KT_HOME(6),
	  .reason = MIP4_DROP_INNER_ADDRESS },
	/* nobody's: the answer is ICMP, nothing is counted */
	{ "another peer", .peer = MIP4_KT_PEER2, .reason = NONE },
	{ "another peer, 7 bytes", .peer = MIP4_KT_PEER2, .cut = 7,
	  .reason = NONE },
};

MIP4_KT_PARAMS(bad, bad_cases)

static struct sk_buff *in_build(struct mip4_kt *k, const struct in_case *c)
{
	const unsigned int hlen = c->absent ? SHORT : LONG;
	const struct mip4_kt_ip ip = {
		.saddr = c->peer ?: MIP4_KT_PEER,
		.daddr = MIP4_KT_LOCAL,
		.len = c->options + hlen + 8 + 10,
		.protocol = 55,
		.ttl = 33,
		.tos = c->tos,
	};
	struct sk_buff *skb = mip4_kt_ip(k, &ip);
	struct mip4_minimal_hdr mh = {
		.protocol = IPPROTO_UDP,
		.flags = c->bits | (c->absent ? 0 : 0x80),
		.daddr = c->daddr ?: MIP4_KT_HOME(5),
		.saddr = c->saddr ?: MIP4_KT_FAR,
	};
	struct iphdr *iph = ip_hdr(skb);

	mh.check = ip_compute_csum(&mh, hlen);
	if (c->damage)
		((u8 *)&mh)[c->damage - 1] ^= 1;
	iph->ihl += c->options / 4;
	memset(iph + 1, IPOPT_NOP, c->options);
	memcpy((u8 *)(iph + 1) + c->options, &mh, hlen);
	if (c->cut)
		skb_trim(skb, iph->ihl * 4 + max(c->cut, 0));
	iph->tot_len = htons(skb->len);
	ip_send_check(iph);
	skb_put_zero(skb, c->pad);
	if (c->complete) {
		skb->ip_summed = CHECKSUM_COMPLETE;
		skb->csum = skb_checksum(skb, iph->ihl * 4,
					 skb->len - iph->ihl * 4, 0);
	}
	return skb;
}

static void minimal_test_good(struct kunit *test)
{
	const struct in_case *c = test->param_value;
	const unsigned int hlen = c->absent ? SHORT : LONG;
	const unsigned int ihl = 20 + c->options;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = minimal_binding(k, true);
	struct sk_buff *skb = in_build(k, c), *out, *want;
	const struct iphdr *iph;

	want = skb_copy(skb, GFP_KERNEL);
	mip4_kt_own(k, want);
	mip4_kt_protocol_in(k, skb);
	out = mip4_kt_sent(k, k->port[0]);
	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_ASSERT_EQ(test, out->len, ETH_HLEN + want->len - hlen - c->pad);
	iph = (const struct iphdr *)(out->data + ETH_HLEN);
	KUNIT_EXPECT_EQ(test, iph->ihl * 4, ihl);
	KUNIT_EXPECT_EQ(test, ip_fast_csum(iph, iph->ihl), 0);
	KUNIT_EXPECT_EQ(test, ntohs(iph->tot_len), ihl + 18);
	KUNIT_EXPECT_EQ(test, iph->protocol, IPPROTO_UDP);
	KUNIT_EXPECT_EQ(test, iph->saddr,
			c->absent ? MIP4_KT_PEER : MIP4_KT_FAR);
	KUNIT_EXPECT_EQ(test, iph->daddr, MIP4_KT_HOME(5));
	/* all else is as it was: RFC 2004 section 3 */
	KUNIT_EXPECT_MEMEQ(test, &iph->tos, &ip_hdr(want)->tos, 1);
	KUNIT_EXPECT_MEMEQ(test, &iph->id, &ip_hdr(want)->id, 5);
	KUNIT_EXPECT_MEMEQ(test, out->data + ETH_HLEN + 20, want->data + 20,
			   c->options);
	KUNIT_EXPECT_MEMEQ(test, out->data + ETH_HLEN + ihl,
			   want->data + ihl + hlen, 18);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->down_packets), 1);
}

/* On a home agent: what the hardware has summed up is right for what is left. */
static const struct in_case routed_cases[] = {
	{ "plain", .saddr = MIP4_KT_HOME(5), .daddr = MIP4_KT_FAR },
	{ "options", .saddr = MIP4_KT_HOME(5), .daddr = MIP4_KT_FAR,
	  .options = 4 },
	{ "checksum complete", .saddr = MIP4_KT_HOME(5), .daddr = MIP4_KT_FAR,
	  .complete = true },
	{ "checksum complete, options", .saddr = MIP4_KT_HOME(5),
	  .daddr = MIP4_KT_FAR, .options = 8, .complete = true },
	{ "checksum complete, padded", .saddr = MIP4_KT_HOME(5),
	  .daddr = MIP4_KT_FAR, .pad = 6, .complete = true },
};

MIP4_KT_PARAMS(routed, routed_cases)

static void minimal_test_routed(struct kunit *test)
{
	const struct in_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = minimal_binding(k, false);
	struct sk_buff *skb = in_build(k, c);
	struct iphdr *iph;

	mip4_kt_catch(k);
	mip4_kt_protocol_in(k, skb);
	skb = mip4_kt_caught(k);
	iph = ip_hdr(skb);
	KUNIT_EXPECT_EQ(test, iph->saddr, MIP4_KT_HOME(5));
	KUNIT_EXPECT_EQ(test, iph->daddr, MIP4_KT_FAR);
	KUNIT_EXPECT_EQ(test, ip_fast_csum(iph, iph->ihl), 0);
	KUNIT_EXPECT_EQ(test, iph->ttl, 33);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->up_packets), 1);
	if (c->complete) {
		KUNIT_EXPECT_TRUE(test, skb->ip_summed == CHECKSUM_COMPLETE);
		KUNIT_EXPECT_EQ(test, csum_fold(skb->csum),
				csum_fold(skb_checksum(skb, iph->ihl * 4,
						       skb->len - iph->ihl * 4,
						       0)));
	}
}

static void minimal_test_bad(struct kunit *test)
{
	const struct in_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = minimal_binding(k, true);
	int i;

	mip4_kt_protocol_in(k, in_build(k, c));
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 0);
	for (i = 0; i < __MIP4_DROP_MAX; i++)
		KUNIT_EXPECT_EQ_MSG(test, mip4_kt_drops(k, i), i == c->reason,
				    "reason %d", i);
	/* whose it would have been isn't known */
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->drops), 0);
}

/* Somebody else has the protocol. */
static int foreign_receive(struct sk_buff *skb)
{
	kfree_skb(skb);
	return 0;
}

static const struct net_protocol foreign_protocol = {
	.handler = foreign_receive,
};

static void minimal_test_taken(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_routed(k, 5);
	const struct net_protocol *ours;

	cfg.leg.encap = MIP4_ENCAP_MINIMAL;
	cfg.leg.keyed = false;
	/* as in a kernel where that one came first */
	mip4_minimal_exit();
	rcu_read_lock();
	ours = rcu_dereference(inet_protos[55]);
	rcu_read_unlock();
	KUNIT_ASSERT_NULL(test, ours);
	KUNIT_ASSERT_EQ(test, inet_add_protocol(&foreign_protocol, 55), 0);
	mip4_kt_refused(k, &cfg, -EBUSY, MIP4_KT_A_LEG);
	/* our end takes nothing away */
	mip4_minimal_exit();
	KUNIT_EXPECT_EQ(test, inet_del_protocol(&foreign_protocol, 55), 0);
	mip4_kt_add(k, &cfg);
}

/* ICMP about what left: by protocol 55, and by IP-in-IP in its place. */
struct error_case {
	const char *desc;
	u8 protocol;
	u8 type;
	u8 code;
	u16 mtu;
	u16 path;
};

static const struct error_case error_cases[] = {
	{ "frag needed", 55, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400, 1400 },
	{ "frag needed, IP-in-IP", 4, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400,
	  1400 },
	{ "host unreachable", 55, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0, 1500 },
	{ "time exceeded", 55, ICMP_TIME_EXCEEDED, 0, 0, 1500 },
};

MIP4_KT_PARAMS(error, error_cases)

static void minimal_test_error(struct kunit *test)
{
	const struct error_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_peer *peer = minimal_binding(k, false)->first.peer;
	const struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_PEER2,
		.daddr = MIP4_KT_LOCAL,
		.protocol = IPPROTO_ICMP,
		.len = 8 + 20 + 8,
	};
	struct sk_buff *skb = mip4_kt_ip(k, &ip);
	struct icmphdr *icmph = icmp_hdr(skb);
	struct rtable *rt;

	*icmph = (struct icmphdr) {
		.type = c->type,
		.code = c->code,
		.un.frag.mtu = htons(c->mtu),
	};
	*(struct iphdr *)(icmph + 1) = (struct iphdr) {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(1500),
		.ttl = 60,
		.protocol = c->protocol,
		.saddr = MIP4_KT_LOCAL,
		.daddr = MIP4_KT_PEER,
	};
	icmph->checksum = ip_compute_csum(icmph, ip.len);
	skb->dev = k->under;
	skb->skb_iif = k->under->ifindex;
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	mip4_kt_own(k, skb);
	local_bh_disable();
	rcu_read_lock();
	mip4_outer_icmp(skb, &init_net);
	rt = mip4_peer_route(peer);
	rcu_read_unlock();
	local_bh_enable();
	KUNIT_ASSERT_FALSE(test, IS_ERR(rt));
	ip_rt_put(rt);
	KUNIT_EXPECT_EQ(test, atomic64_read(&peer->errors), 1);
	KUNIT_EXPECT_EQ(test, peer->mtu, c->path);
}

static struct kunit_case minimal_tests[] = {
	MIP4_KT_CASES(minimal_test_golden_out, golden),
	MIP4_KT_CASES(minimal_test_golden_in, golden),
	MIP4_KT_CASES(minimal_test_fallback, fallback),
	MIP4_KT_CASES(minimal_test_mtu, fallback),
	KUNIT_CASE(minimal_test_fallback_in),
	KUNIT_CASE(minimal_test_ttl_zero),
	KUNIT_CASE(minimal_test_room),
	KUNIT_CASE(minimal_test_offload),
	MIP4_KT_CASES(minimal_test_good, good),
	MIP4_KT_CASES(minimal_test_routed, routed),
	MIP4_KT_CASES(minimal_test_bad, bad),
	KUNIT_CASE(minimal_test_taken),
	MIP4_KT_CASES(minimal_test_error, error),
	{}
};

static struct kunit_suite minimal_suite = {
	.name		= "mip4-minimal",
	.init		= mip4_kt_init,
	.exit		= mip4_kt_exit,
	.test_cases	= minimal_tests,
};

kunit_test_suite(minimal_suite);
