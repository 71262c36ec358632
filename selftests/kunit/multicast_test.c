// SPDX-License-Identifier: GPL-2.0-only
/* Multicast and broadcast, by the policy of a link. */
#include <linux/unaligned.h>

#include "../../kernel/subnet.h"
#include "kunit.h"

#define MDNS	MIP4_KT_IP(224, 0, 0, 251)
#define SSDP	MIP4_KT_IP(239, 255, 255, 250)
#define ALL	((__force __be32)~0)
#define LAST	MIP4_KT_HOME(255)

static void multicast_policy(struct mip4_kt *k, u8 policy, int want)
{
	int err;

	mutex_lock(&k->mip->lock);
	err = mip4_subnet_policy(k->mip, policy);
	mutex_unlock(&k->mip->lock);
	KUNIT_ASSERT_EQ(k->test, err, want);
}

static struct sk_buff *multicast_packet(struct mip4_kt *k, __be32 saddr,
					__be32 daddr, u8 ttl)
{
	const struct mip4_kt_ip ip = {
		.saddr = saddr,
		.daddr = daddr,
		.ttl = ttl,
		.len = 64,
		.protocol = IPPROTO_UDP,
	};

	return mip4_kt_ip(k, &ip);
}

/* Out of the tunnel with a key. Return: was it left to others? */
static bool multicast_in(struct mip4_kt *k, u32 key, __be32 saddr, __be32 daddr)
{
	struct sk_buff *inner = multicast_packet(k, saddr, daddr, 1);
	const struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_PEER,
		.daddr = MIP4_KT_LOCAL,
		.protocol = IPPROTO_GRE,
		.len = 8 + inner->len,
	};
	struct sk_buff *skb = mip4_kt_ip(k, &ip);

	mip4_kt_own(k, inner);
	put_unaligned_be32(0x20000800, skb->data + sizeof(struct iphdr));
	put_unaligned_be32(key, skb->data + sizeof(struct iphdr) + 4);
	memcpy(skb->data + sizeof(struct iphdr) + 8, inner->data, inner->len);
	return mip4_kt_gre_in(k, skb);
}

struct up_case {
	const char *desc;
	u8 policy;
	__be32 daddr;
	u8 ttl;
	bool tunnelled;
};

static const struct up_case up_cases[] = {
	{ "drop", MIP4_MULTICAST_DROP, MDNS, 255 },
	{ "drop, to all", MIP4_MULTICAST_DROP, ALL, 64 },
	{ "tunnel", MIP4_MULTICAST_TUNNEL, MDNS, 255, true },
	{ "tunnel, TTL 1", MIP4_MULTICAST_TUNNEL, SSDP, 1, true },
	{ "tunnel, to all", MIP4_MULTICAST_TUNNEL, ALL, 64, true },
	{ "tunnel, to all of the link", MIP4_MULTICAST_TUNNEL, LAST, 1, true },
	{ "replicate", MIP4_MULTICAST_REPLICATE, MDNS, 255, true },
};

MIP4_KT_PARAMS(up, up_cases)

static void multicast_test_up(struct kunit *test)
{
	const struct up_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	const struct iphdr *iph;
	struct sk_buff *out;

	cfg.home_plen = 24;
	mip4_kt_add(k, &cfg);
	multicast_policy(k, c->policy, 0);
	mip4_kt_frame(k, 0, multicast_packet(k, cfg.home, c->daddr, c->ttl), 5,
		      ETH_P_IP);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_MULTICAST),
			!c->tunnelled);
	KUNIT_ASSERT_EQ(test, mip4_kt_count(k->under), c->tunnelled);
	if (!c->tunnelled)
		return;
	out = mip4_kt_sent(k, k->under);
	iph = (const struct iphdr *)(out->data + 28);
	KUNIT_EXPECT_EQ(test, iph->daddr, c->daddr);
	KUNIT_EXPECT_EQ(test, iph->ttl, c->ttl);
}

struct down_case {
	const char *desc;
	u8 policy;
	__be32 daddr;
	bool shared;		/* another device has the same key */
	bool delivered;
	u8 reason;
};

static const struct down_case down_cases[] = {
	{ "drop", MIP4_MULTICAST_DROP, MDNS, .reason = MIP4_DROP_MULTICAST },
	{ "drop, to all of the link", MIP4_MULTICAST_DROP, LAST,
	  .reason = MIP4_DROP_MULTICAST },
	{ "tunnel", MIP4_MULTICAST_TUNNEL, MDNS, .delivered = true },
	{ "to all", MIP4_MULTICAST_TUNNEL, ALL, .delivered = true },
	{ "to all of the link", MIP4_MULTICAST_TUNNEL, LAST, .delivered = true },
	{ "to a neighbour", MIP4_MULTICAST_TUNNEL, MIP4_KT_HOME(77),
	  .reason = MIP4_DROP_INNER_ADDRESS },
	{ "of a shared key", MIP4_MULTICAST_TUNNEL, MDNS, .shared = true,
	  .reason = MIP4_DROP_INNER_ADDRESS },
};

MIP4_KT_PARAMS(down, down_cases)

static void multicast_test_down(struct kunit *test)
{
	const struct down_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_binding_config other = mip4_kt_served(k, 6);
	struct sk_buff *out;
	u8 mac[ETH_ALEN];

	cfg.home_plen = 24;
	mip4_kt_add(k, &cfg);
	if (c->shared) {
		other.leg.ikey = cfg.leg.ikey;
		mip4_kt_add(k, &other);
	}
	multicast_policy(k, c->policy, 0);
	KUNIT_EXPECT_FALSE(test, multicast_in(k, 0x1005, MIP4_KT_FAR, c->daddr));
	KUNIT_ASSERT_EQ(test, mip4_kt_count(k->port[0]), c->delivered);
	if (!c->delivered) {
		KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, c->reason), 1);
		return;
	}
	out = mip4_kt_sent(k, k->port[0]);
	mip4_kt_mac(mac, 5);
	KUNIT_EXPECT_MEMEQ(test, eth_hdr(out)->h_dest, mac, ETH_ALEN);
}

/* Copies that what 5 sends makes on the way out of a home agent. */
static int multicast_copies(struct mip4_kt *k, __be32 daddr)
{
	int n = 0;

	KUNIT_EXPECT_FALSE(k->test, multicast_in(k, 0x1005, MIP4_KT_HOME(5),
						 daddr));
	while (mip4_kt_sent(k, k->under))
		n++;
	return n;
}

static void multicast_test_replicate(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg;
	struct mip4_binding *b[5];
	int i;

	/* 5 and four more: one without key, one of another prefix */
	for (i = 0; i < ARRAY_SIZE(b); i++) {
		cfg = mip4_kt_routed(k, 5 + i);
		cfg.home_plen = i == 4 ? 25 : 24;
		cfg.leg.keyed = i != 3;
		b[i] = mip4_kt_add(k, &cfg);
	}
	multicast_policy(k, MIP4_MULTICAST_TUNNEL, 0);
	KUNIT_EXPECT_EQ(test, multicast_copies(k, MDNS), 0);
	multicast_policy(k, MIP4_MULTICAST_REPLICATE, 0);
	KUNIT_EXPECT_EQ(test, multicast_copies(k, MDNS), 2);
	KUNIT_EXPECT_EQ(test, multicast_copies(k, ALL), 2);
	KUNIT_EXPECT_EQ(test, multicast_copies(k, LAST), 2);
	KUNIT_EXPECT_EQ(test, multicast_copies(k, MIP4_KT_FAR), 0);

	mutex_lock(&k->mip->lock);
	KUNIT_EXPECT_EQ(test, mip4_binding_set_home_plen(b[4], 24), 0);
	mutex_unlock(&k->mip->lock);
	KUNIT_EXPECT_EQ(test, multicast_copies(k, MDNS), 3);
	mutex_lock(&k->mip->lock);
	KUNIT_EXPECT_EQ(test, mip4_binding_set_home_plen(b[1], 32), 0);
	mutex_unlock(&k->mip->lock);
	KUNIT_EXPECT_EQ(test, multicast_copies(k, MDNS), 2);
	mip4_kt_del(k, b[2]);
	KUNIT_EXPECT_EQ(test, multicast_copies(k, MDNS), 1);
	/* a new one joins by itself, and finds more room than there was */
	for (i = 20; i < 40; i++) {
		cfg = mip4_kt_routed(k, i);
		cfg.home_plen = 24;
		mip4_kt_add(k, &cfg);
	}
	KUNIT_EXPECT_EQ(test, multicast_copies(k, MDNS), 21);
	mip4_bucket_init(&k->mip->copies, 7, 0);
	KUNIT_EXPECT_EQ(test, multicast_copies(k, MDNS), 7);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_MULTICAST), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b[0]->drops), 1);
	multicast_policy(k, MIP4_MULTICAST_DROP, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&k->mip->subnets.nelems), 0);
}

static struct kunit_case multicast_tests[] = {
	MIP4_KT_CASES(multicast_test_up, up),
	MIP4_KT_CASES(multicast_test_down, down),
	KUNIT_CASE(multicast_test_replicate),
	{}
};

static struct kunit_suite multicast_suite = {
	.name		= "mip4-multicast",
	.init		= mip4_kt_init,
	.exit		= mip4_kt_exit,
	.test_cases	= multicast_tests,
};

kunit_test_suite(multicast_suite);
