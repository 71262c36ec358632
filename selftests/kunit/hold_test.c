// SPDX-License-Identifier: GPL-2.0-only
/* Frames of devices without binding: what is held, for whom, how long. */
#include <linux/if_arp.h>
#include <net/ip.h>

#include "kunit.h"

/* A frame of a device, told apart by its inner destination. */
static struct sk_buff *hold_packet(struct mip4_kt *k, u8 n, u8 number)
{
	const struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_HOME(n),
		.daddr = MIP4_KT_IP(198, 19, 2, number),
		.len = 10,
		.protocol = IPPROTO_UDP,
	};

	return mip4_kt_ip(k, &ip);
}

static void hold_frame(struct mip4_kt *k, u8 n, u8 number)
{
	mip4_kt_frame(k, 0, hold_packet(k, n, number), n, ETH_P_IP);
}

/* Likewise of one of many devices: MAC 02:00:00:01:hi:lo. */
static void hold_frame_of(struct mip4_kt *k, u16 who)
{
	struct sk_buff *skb = hold_packet(k, 5, 0);
	struct ethhdr *eth = skb_push(skb, ETH_HLEN);

	ether_addr_copy(eth->h_dest, k->port[0]->dev_addr);
	eth->h_source[0] = 2;
	eth->h_source[1] = 0;
	eth->h_source[2] = 0;
	eth->h_source[3] = 1;
	eth->h_source[4] = who >> 8;
	eth->h_source[5] = who;
	eth->h_proto = htons(ETH_P_IP);
	skb->protocol = eth_type_trans(skb, k->port[0]);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
}

static void hold_expect(struct mip4_kt *k, u32 held, u64 full)
{
	KUNIT_EXPECT_EQ(k->test, mip4_kt_port(k, 0)->hold.frames, held);
	KUNIT_EXPECT_EQ(k->test, mip4_kt_drops(k, MIP4_DROP_HOLD_FULL), full);
}

static void hold_test_per_mac(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	int i;

	for (i = 0; i < MIP4_HOLD_PER_MAC - 1; i++)
		hold_frame(k, 5, i);
	hold_expect(k, MIP4_HOLD_PER_MAC - 1, 0);
	hold_frame(k, 5, i);
	hold_expect(k, MIP4_HOLD_PER_MAC, 0);
	hold_frame(k, 5, i);
	hold_expect(k, MIP4_HOLD_PER_MAC, 1);
	/* which is nothing to another */
	hold_frame(k, 6, 0);
	hold_expect(k, MIP4_HOLD_PER_MAC + 1, 1);
}

static void hold_test_frames(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	int i, n;

	for (n = 0; n < MIP4_HOLD_FRAMES / MIP4_HOLD_PER_MAC; n++) {
		for (i = 0; i < MIP4_HOLD_PER_MAC; i++)
			hold_frame_of(k, n);
	}
	hold_expect(k, MIP4_HOLD_FRAMES, 0);
	hold_frame_of(k, n);
	hold_expect(k, MIP4_HOLD_FRAMES, 1);
}

/* One frame for each MAC that there is room for, none of which makes room. */
static void hold_test_macs(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct list_head *pos;
	int n, idle = 0;

	for (n = 0; n < MIP4_HOLD_FRAMES; n++)
		hold_frame_of(k, n);
	hold_expect(k, MIP4_HOLD_FRAMES, 0);
	hold_frame_of(k, n);
	hold_expect(k, MIP4_HOLD_FRAMES, 1);
	/* strangers leave that to bindings */
	list_for_each(pos, &mip4_kt_port(k, 0)->hold.idle)
		idle++;
	KUNIT_EXPECT_EQ(test, idle, MIP4_HOLD_BINDINGS);
}

/* MACs that hold nothing make room, however many there were. */
static void hold_test_idle_macs(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	int n;

	mip4_kt_port(k, 0)->unknown = MIP4_UNKNOWN_DROP;
	for (n = 0; n < 3 * MIP4_HOLD_MACS; n++)
		hold_frame_of(k, n);
	hold_expect(k, 0, 0);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_UNKNOWN_DEVICE), n);
	mip4_kt_port(k, 0)->unknown = MIP4_UNKNOWN_HOLD;
	hold_frame_of(k, n);
	hold_expect(k, 1, 0);
	KUNIT_EXPECT_EQ(test,
			atomic64_read(&mip4_kt_port(k, 0)->unknown_frames),
			n + 1);
}

struct bytes_case {
	const char *desc;
	int more;		/* bytes above what is left */
	bool held;
};

static const struct bytes_case bytes_cases[] = {
	{ "one less than there is room for", -1, true },
	{ "just what there is room for", 0, true },
	{ "one more", 1, false },
};

MIP4_KT_PARAMS(bytes, bytes_cases)

static void hold_test_bytes(struct kunit *test)
{
	const struct bytes_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct sk_buff *skb;
	u32 first;

	hold_frame(k, 5, 0);
	first = mip4_kt_port(k, 0)->hold.bytes;
	KUNIT_EXPECT_GT(test, first, 0);
	skb = hold_packet(k, 6, 0);
	skb->truesize = MIP4_HOLD_BYTES - first + c->more;
	mip4_kt_frame(k, 0, skb, 6, ETH_P_IP);
	hold_expect(k, 1 + c->held, !c->held);
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 0)->hold.bytes,
			c->held ? MIP4_HOLD_BYTES + c->more : first);
}

struct what_case {
	const char *desc;
	u16 ethertype;
	__be32 daddr;		/* 0: unicast */
	u16 dport;		/* UDP from 68 to there */
	u8 unknown;
	bool held;
	int drop;		/* -1: none */
};

static const struct what_case what_cases[] = {
	{ "IPv4", ETH_P_IP, .held = true, .drop = -1 },
	{ "IPv4 multicast", ETH_P_IP, MIP4_KT_IP(224, 0, 0, 251),
	  .drop = MIP4_DROP_UNKNOWN_DEVICE },
	{ "IPv4 broadcast", ETH_P_IP, htonl(INADDR_BROADCAST), .drop = MIP4_DROP_UNKNOWN_DEVICE },
	{ "DHCP", ETH_P_IP, .dport = 67, .drop = -1 },
	{ "IPv6", ETH_P_IPV6, .drop = MIP4_DROP_UNKNOWN_DEVICE },
	{ "ARP that isn't", ETH_P_ARP, .drop = MIP4_DROP_UNKNOWN_DEVICE },
	{ "IPv4, not wanted", ETH_P_IP, .unknown = MIP4_UNKNOWN_DROP,
	  .drop = MIP4_DROP_UNKNOWN_DEVICE },
	{ "IPv4, passed", ETH_P_IP, .unknown = MIP4_UNKNOWN_PASS, .drop = -1 },
};

MIP4_KT_PARAMS(what, what_cases)

static void hold_test_what(struct kunit *test)
{
	const struct what_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	const struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_HOME(5),
		.daddr = c->daddr ?: MIP4_KT_FAR,
		.len = 20,
		.protocol = IPPROTO_UDP,
	};
	struct sk_buff *skb = mip4_kt_ip(k, &ip);
	int i;

	put_unaligned_be16(c->dport ? 68 : 1000, skb->data + 20);
	put_unaligned_be16(c->dport ?: 2000, skb->data + 22);
	mip4_kt_port(k, 0)->unknown = c->unknown;
	mip4_kt_frame(k, 0, skb, 5, c->ethertype);
	hold_expect(k, c->held, 0);
	for (i = 0; i < __MIP4_DROP_MAX; i++)
		KUNIT_EXPECT_EQ_MSG(test, mip4_kt_drops(k, i), i == c->drop,
				    "reason %d", i);
}

/* What waited leaves in order, before what comes after, and only its own. */
static void hold_test_replay(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	const struct iphdr *iph;
	struct mip4_binding *b;
	struct sk_buff *out;
	int i;

	for (i = 0; i < MIP4_HOLD_PER_MAC; i++) {
		hold_frame(k, 5, i);
		hold_frame(k, 6, 100 + i);
	}
	b = mip4_kt_add(k, &cfg);
	hold_frame(k, 5, i);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), MIP4_HOLD_PER_MAC + 1);
	for (i = 0; i <= MIP4_HOLD_PER_MAC; i++) {
		out = mip4_kt_sent(k, k->under);
		KUNIT_ASSERT_NOT_NULL(test, out);
		iph = (const struct iphdr *)(out->data + 28);
		KUNIT_EXPECT_EQ(test, iph->daddr, MIP4_KT_IP(198, 19, 2, i));
	}
	hold_expect(k, MIP4_HOLD_PER_MAC, 0);
	KUNIT_EXPECT_FALSE(test, b->replay);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->up_packets),
			MIP4_HOLD_PER_MAC + 1);
}

/* Until what is held has gone, what comes from its device stands behind it. */
static void hold_test_behind(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);
	const struct iphdr *iph;
	struct sk_buff *out;
	int i;

	WRITE_ONCE(b->replay, true);
	hold_frame(k, 5, 0);
	hold_frame(k, 5, 1);
	hold_expect(k, 2, 0);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 0);
	mutex_lock(&k->mip->lock);
	mip4_binding_live(b);
	mutex_unlock(&k->mip->lock);
	hold_expect(k, 0, 0);
	hold_frame(k, 5, 2);
	for (i = 0; i < 3; i++) {
		out = mip4_kt_sent(k, k->under);
		KUNIT_ASSERT_NOT_NULL(test, out);
		iph = (const struct iphdr *)(out->data + 28);
		KUNIT_EXPECT_EQ(test, iph->daddr, MIP4_KT_IP(198, 19, 2, i));
	}
}

struct age_case {
	const char *desc;
	unsigned long age;	/* jiffies */
	bool dropped;
};

static const struct age_case age_cases[] = {
	{ "new", 0, false },
	{ "half its time", MIP4_HOLD_TIME / 2, false },
	{ "just its time", MIP4_HOLD_TIME, true },
	{ "more", MIP4_HOLD_TIME + 1, true },
	{ "much more", 1000 * MIP4_HOLD_TIME, true },
};

MIP4_KT_PARAMS(age, age_cases)

/* Two of one device, and a new one of another. */
static void hold_test_age(struct kunit *test)
{
	const struct age_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_hold *hold = &mip4_kt_port(k, 0)->hold;
	struct sk_buff *skb = hold_packet(k, 5, 0);

	mip4_kt_frame(k, 0, skb, 5, ETH_P_IP);
	KUNIT_ASSERT_EQ(test, hold->frames, 1);
	hold_frame(k, 5, 1);
	hold_frame(k, 6, 0);
	/* struct mip4_hold_cb */
	spin_lock_bh(&hold->lock);
	*(unsigned long *)skb->cb -= c->age;
	spin_unlock_bh(&hold->lock);
	mod_delayed_work(mip4_wq, &hold->work, 0);
	flush_delayed_work(&hold->work);
	KUNIT_EXPECT_EQ(test, hold->frames, 3 - c->dropped);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_HOLD_EXPIRED),
			c->dropped);
	/* it comes back for the rest, in time */
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&hold->work));
	KUNIT_EXPECT_LE(test, hold->work.timer.expires - jiffies,
			MIP4_HOLD_TIME);
}

static void hold_test_stop(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);

	hold_frame(k, 5, 0);
	hold_frame(k, 6, 0);
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, mip4_port_del(k->mip->dev, k->port[0]), 0);
	rtnl_unlock();
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_HOLD_EXPIRED), 2);
}

static struct kunit_case hold_tests[] = {
	KUNIT_CASE(hold_test_per_mac),
	KUNIT_CASE(hold_test_frames),
	KUNIT_CASE(hold_test_macs),
	KUNIT_CASE(hold_test_idle_macs),
	MIP4_KT_CASES(hold_test_bytes, bytes),
	MIP4_KT_CASES(hold_test_what, what),
	KUNIT_CASE(hold_test_replay),
	KUNIT_CASE(hold_test_behind),
	MIP4_KT_CASES(hold_test_age, age),
	KUNIT_CASE(hold_test_stop),
	{}
};

static struct kunit_suite hold_suite = {
	.name		= "mip4-hold",
	.init		= mip4_kt_init,
	.exit		= mip4_kt_exit,
	.test_cases	= hold_tests,
};

kunit_test_suite(hold_suite);
