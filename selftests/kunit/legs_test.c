// SPDX-License-Identifier: GPL-2.0-only
/* Several legs of a binding: what each is for, their change, and handover. */
#include <net/ip.h>

#include "../../kernel/xmit.h"
#include "kunit.h"

#define GRE_HLEN 8

/* Leg @n of a binding: 1 ends at the usual peer, 2 at the second one. */
static struct mip4_leg_config legs_leg(struct mip4_kt *k, u8 n,
				       enum mip4_leg_state state)
{
	return (struct mip4_leg_config) {
		.local = MIP4_KT_LOCAL,
		.peer = n == 1 ? MIP4_KT_PEER : MIP4_KT_PEER2,
		.encap = MIP4_ENCAP_GRE,
		.keyed = true,
		.ikey = MIP4_KT_IKEY(n),
		.okey = MIP4_KT_OKEY(n),
		.state = state,
		.attr = &k->attr[MIP4_KT_A_LEG],
	};
}

/* Replace its legs by leg 1 and, unless @two is -1, leg 2. */
static void legs_set(struct mip4_kt *k, struct mip4_binding *b, int one,
		     int two)
{
	struct mip4_binding_config cfg = { .n_legs = 1 + (two >= 0) };

	cfg.legs[0] = legs_leg(k, 1, one);
	cfg.legs[1] = legs_leg(k, 2, two);
	if (two == MIP4_LEG_ACTIVE)
		swap(cfg.legs[0], cfg.legs[1]);
	mip4_kt_set_legs(k, b, &cfg, 0);
}

static struct mip4_binding *legs_binding(struct mip4_kt *k, bool served)
{
	struct mip4_binding_config cfg = served ? mip4_kt_served(k, 5) :
						  mip4_kt_routed(k, 5);

	cfg.leg = legs_leg(k, 1, MIP4_LEG_ACTIVE);
	return mip4_kt_add(k, &cfg);
}

static struct mip4_leg *legs_active(struct mip4_binding *b)
{
	struct mip4_leg *leg;

	rcu_read_lock();
	leg = mip4_legs_active(b);
	rcu_read_unlock();
	return leg;
}

/* Packet @number for device 5, from far away. */
static struct sk_buff *legs_down(struct mip4_kt *k, u8 number, u8 ttl)
{
	const struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_IP(198, 19, 2, number),
		.daddr = MIP4_KT_HOME(5),
		.len = 10,
		.protocol = IPPROTO_UDP,
		.ttl = ttl,
	};

	return mip4_kt_ip(k, &ip);
}

/* Let it arrive by leg @n. Return: was it left to others? */
static bool legs_in(struct mip4_kt *k, u8 n, struct sk_buff *skb)
{
	const u16 len = skb->len + GRE_HLEN + sizeof(struct iphdr);
	struct iphdr *iph;

	put_unaligned_be32(0x1000 + n, skb_push(skb, 4));
	put_unaligned_be32(0x20000800, skb_push(skb, 4));
	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	memset(iph, 0, sizeof(*iph));
	iph->version = 4;
	iph->ihl = 5;
	iph->tot_len = htons(len);
	iph->ttl = 64;
	iph->protocol = IPPROTO_GRE;
	iph->saddr = n == 1 ? MIP4_KT_PEER : MIP4_KT_PEER2;
	iph->daddr = MIP4_KT_LOCAL;
	ip_send_check(iph);
	return mip4_kt_gre_in(k, skb);
}

static void legs_xmit(struct mip4_kt *k, struct sk_buff *skb)
{
	skb->dev = k->mip->dev;
	local_bh_disable();
	mip4_xmit(skb, k->mip->dev);
	local_bh_enable();
}

/* Device 5 sends packet @number. */
static void legs_up(struct mip4_kt *k, u8 number)
{
	const struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_HOME(5),
		.daddr = MIP4_KT_IP(198, 19, 2, number),
		.len = 10,
		.protocol = IPPROTO_UDP,
	};

	mip4_kt_frame(k, 0, mip4_kt_ip(k, &ip), 5, ETH_P_IP);
}

/* The next packet on the underlay is @number, by leg @n, with that inner TTL. */
static void legs_expect(struct mip4_kt *k, u8 n, u8 number, bool up, u8 ttl)
{
	struct sk_buff *out = mip4_kt_sent(k, k->under);
	const struct iphdr *iph;

	KUNIT_ASSERT_NOT_NULL(k->test, out);
	iph = (const struct iphdr *)out->data;
	KUNIT_EXPECT_EQ(k->test, iph->daddr,
			n == 1 ? MIP4_KT_PEER : MIP4_KT_PEER2);
	KUNIT_EXPECT_EQ(k->test, get_unaligned_be32(out->data + 24),
			0x2000 + n);
	iph = (const struct iphdr *)(out->data + 28);
	KUNIT_EXPECT_EQ(k->test, up ? iph->daddr : iph->saddr,
			MIP4_KT_IP(198, 19, 2, number));
	KUNIT_EXPECT_EQ(k->test, iph->ttl, ttl);
	KUNIT_EXPECT_EQ(k->test, ip_fast_csum(iph, iph->ihl), 0);
}

static void legs_expect_none(struct mip4_kt *k)
{
	KUNIT_EXPECT_EQ(k->test, mip4_kt_count(k->under), 0);
}

struct check_case {
	const char *desc;
	int state[4];		/* plus one; 0: no more legs */
	bool fresh;
	bool served;
	bool ok;
};

#define A	(MIP4_LEG_ACTIVE + 1)
#define C	(MIP4_LEG_COPY + 1)
#define R	(MIP4_LEG_RECEIVE_ONLY + 1)
#define P	(MIP4_LEG_PENDING + 1)
#define B	(MIP4_LEG_RETURN + 1)

static const struct check_case check_cases[] = {
	{ "active", { A }, .ok = true },
	{ "active and all others", { A, C, R, P }, .ok = true },
	{ "active and copies", { A, C, C, C }, .ok = true },
	{ "two active", { A, R, A } },
	{ "copy alone", { C } },
	{ "copy without active", { R, C } },
	{ "receive-only", { R }, .ok = true },
	{ "pending", { P }, .fresh = true, .ok = true },
	{ "two pending", { P, P }, .ok = true },
	{ "return", { B }, .served = true, .ok = true },
	{ "return by two", { B, B }, .served = true, .ok = true },
	{ "return, routed", { B } },
	{ "return, new", { B }, .fresh = true, .served = true },
	{ "return and active", { A, B }, .served = true },
	{ "return and receive-only", { B, R }, .served = true },
};

MIP4_KT_PARAMS(check, check_cases)

static void legs_test_check(struct kunit *test)
{
	const struct check_case *c = test->param_value;
	struct mip4_binding_config cfg = {};
	struct mip4_kt *k = mip4_kt(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(c->state) && c->state[i]; i++) {
		cfg.legs[i] = legs_leg(k, 1, c->state[i] - 1);
		cfg.legs[i].ikey = htonl(i);
		cfg.n_legs++;
	}
	memset(&k->extack, 0, sizeof(k->extack));
	KUNIT_EXPECT_EQ(test,
			mip4_legs_check(&cfg, c->fresh, c->served, &k->extack),
			c->ok ? 0 : -EINVAL);
	KUNIT_EXPECT_EQ(test, !k->extack._msg, c->ok);
	KUNIT_EXPECT_PTR_EQ(test, k->extack.bad_attr,
			    c->ok ? NULL : &k->attr[MIP4_KT_A_LEG]);
}

static void legs_test_check_rest(struct kunit *test)
{
	struct mip4_binding_config cfg = { .n_legs = 1 };
	struct mip4_kt *k = mip4_kt(test);

	cfg.legs[0] = legs_leg(k, 1, MIP4_LEG_ACTIVE);
	cfg.legs[0].lifetime_ms = 1;
	KUNIT_EXPECT_EQ(test, mip4_legs_check(&cfg, false, true, &k->extack),
			-EINVAL);
	cfg.legs[0].lifetime_ms = 0;
	/* what is sent doesn't make it another tunnel, what is received does */
	cfg.n_legs = 2;
	cfg.legs[1] = legs_leg(k, 1, MIP4_LEG_RECEIVE_ONLY);
	cfg.legs[1].okey = 0;
	KUNIT_EXPECT_EQ(test, mip4_legs_check(&cfg, false, true, &k->extack),
			-EINVAL);
	cfg.legs[1].ikey = 0;
	KUNIT_EXPECT_EQ(test, mip4_legs_check(&cfg, false, true, &k->extack),
			0);
}

/* A lone active leg needs no set, whatever there was before. */
static void legs_test_plain(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, false);

	kunit_info(test, "bytes: binding %zu, leg %zu, set of two %zu",
		   sizeof(struct mip4_binding), sizeof(struct mip4_leg),
		   sizeof(struct mip4_legs) + 2 * sizeof(struct mip4_legs_entry));
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(b->legs));
	legs_set(k, b, MIP4_LEG_ACTIVE, MIP4_LEG_RECEIVE_ONLY);
	KUNIT_EXPECT_NOT_NULL(test, rcu_access_pointer(b->legs));
	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(b->leg), &b->first);
	legs_set(k, b, MIP4_LEG_ACTIVE, MIP4_LEG_COPY);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(b->leg));
	legs_set(k, b, MIP4_LEG_ACTIVE, -1);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(b->legs));
	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(b->leg), &b->first);
}

/* A leg that is named again is the same one, unless its keys differ. */
static void legs_test_identity(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, false);
	struct mip4_binding_config cfg = { .n_legs = 1 };
	struct mip4_leg *second;

	legs_set(k, b, MIP4_LEG_RECEIVE_ONLY, MIP4_LEG_ACTIVE);
	second = legs_active(b);
	KUNIT_EXPECT_PTR_NE(test, second, &b->first);
	KUNIT_EXPECT_EQ(test, second->peer->legs, 1);
	KUNIT_EXPECT_EQ(test, b->first.peer->legs, 1);
	legs_set(k, b, MIP4_LEG_ACTIVE, MIP4_LEG_RECEIVE_ONLY);
	KUNIT_EXPECT_PTR_EQ(test, legs_active(b), &b->first);
	legs_set(k, b, MIP4_LEG_RECEIVE_ONLY, MIP4_LEG_ACTIVE);
	KUNIT_EXPECT_PTR_EQ(test, legs_active(b), second);
	cfg.leg = legs_leg(k, 2, MIP4_LEG_ACTIVE);
	cfg.leg.okey = 0;
	mip4_kt_set_legs(k, b, &cfg, 0);
	KUNIT_EXPECT_PTR_NE(test, legs_active(b), second);
	KUNIT_EXPECT_EQ(test, legs_active(b)->okey, 0);
	KUNIT_EXPECT_EQ(test, legs_active(b)->peer->legs, 1);
	KUNIT_EXPECT_FALSE(test, xa_empty(&k->mip->peers));
	mip4_kt_del(k, b);
	KUNIT_EXPECT_TRUE(test, xa_empty(&k->mip->peers));
}

/* The second of two legs clashes: nothing of the first is left. */
static void legs_test_all_or_nothing(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 6);
	struct mip4_binding *b;

	cfg.home = MIP4_KT_HOME(5);
	cfg.realm = 7;
	cfg.leg.ikey = MIP4_KT_IKEY(9);
	mip4_kt_add(k, &cfg);
	b = legs_binding(k, true);
	legs_set(k, b, MIP4_LEG_ACTIVE, -1);
	cfg = (struct mip4_binding_config) { .n_legs = 3 };
	cfg.legs[0] = legs_leg(k, 2, MIP4_LEG_ACTIVE);
	cfg.legs[1] = legs_leg(k, 1, MIP4_LEG_RECEIVE_ONLY);
	cfg.legs[2] = legs_leg(k, 1, MIP4_LEG_RECEIVE_ONLY);
	cfg.legs[2].ikey = MIP4_KT_IKEY(9);
	mip4_kt_set_legs(k, b, &cfg, -EEXIST);
	KUNIT_EXPECT_PTR_EQ(test, k->extack.bad_attr,
			    (const struct nlattr *)&k->attr[MIP4_KT_A_LEG]);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(b->legs));
	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(b->leg), &b->first);
	KUNIT_EXPECT_EQ(test, b->first.peer->legs, 2);
	/* by the leg that was to be */
	KUNIT_EXPECT_TRUE(test, legs_in(k, 2, legs_down(k, 1, 64)));
	KUNIT_EXPECT_FALSE(test, legs_in(k, 1, legs_down(k, 2, 64)));
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 1);
}

/* All that is allowed fits: the active leg and seven others. */
static void legs_test_most(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = { .n_legs = MIP4_LEGS_MAX };
	struct mip4_binding *b = legs_binding(k, false);
	int i;

	for (i = 0; i < MIP4_LEGS_MAX; i++) {
		cfg.legs[i] = legs_leg(k, 1, i ? MIP4_LEG_COPY : MIP4_LEG_ACTIVE);
		cfg.legs[i].ikey = htonl(0x3000 + i);
	}
	mip4_kt_set_legs(k, b, &cfg, 0);
	KUNIT_EXPECT_EQ(test, legs_active(b)->peer->legs, MIP4_LEGS_MAX);
	legs_xmit(k, legs_down(k, 1, 64));
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), MIP4_LEGS_MAX);
	/* of others none is left */
	for (i = 0; i < MIP4_LEGS_MAX; i++)
		cfg.legs[i].ikey = htonl(0x4000 + i);
	mip4_kt_set_legs(k, b, &cfg, 0);
	KUNIT_EXPECT_EQ(test, legs_active(b)->peer->legs, MIP4_LEGS_MAX);
	mip4_kt_del(k, b);
	KUNIT_EXPECT_TRUE(test, xa_empty(&k->mip->peers));
}

/* Copies first, the active leg last; not by those that only receive. */
static void legs_test_copy_down(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, false);

	legs_set(k, b, MIP4_LEG_ACTIVE, MIP4_LEG_COPY);
	legs_xmit(k, legs_down(k, 1, 64));
	legs_expect(k, 2, 1, false, 64);
	legs_expect(k, 1, 1, false, 64);
	legs_expect_none(k);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->down_packets), 1);
	legs_set(k, b, MIP4_LEG_RECEIVE_ONLY, MIP4_LEG_ACTIVE);
	legs_xmit(k, legs_down(k, 2, 64));
	legs_expect(k, 2, 2, false, 64);
	legs_expect_none(k);
}

static void legs_test_copy_up(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, true);

	legs_set(k, b, MIP4_LEG_ACTIVE, MIP4_LEG_COPY);
	legs_up(k, 1);
	legs_expect(k, 2, 1, true, 63);
	legs_expect(k, 1, 1, true, 63);
	legs_expect_none(k);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->up_packets), 1);
}

/* A copy gets a packet that it can carry, or none does. */
static void legs_test_copy_mtu(struct kunit *test)
{
	struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_HOME(5),
		.daddr = MIP4_KT_FAR,
		.frag_off = htons(IP_DF),
		.protocol = IPPROTO_UDP,
	};
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, true);

	legs_set(k, b, MIP4_LEG_ACTIVE, MIP4_LEG_COPY);
	ip.len = ETH_DATA_LEN - 28 - 20;
	mip4_kt_frame(k, 0, mip4_kt_ip(k, &ip), 5, ETH_P_IP);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 2);
	ip.len++;
	mip4_kt_frame(k, 0, mip4_kt_ip(k, &ip), 5, ETH_P_IP);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 2);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_TOO_BIG), 1);
	/* the device is told */
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 1);
}

static void legs_test_receive_only(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, true);

	legs_set(k, b, MIP4_LEG_RECEIVE_ONLY, -1);
	KUNIT_EXPECT_FALSE(test, legs_in(k, 1, legs_down(k, 1, 64)));
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 1);
	legs_up(k, 1);
	legs_expect_none(k);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_NO_LEG), 1);
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 0)->hold.frames, 0);
}

/* What was held before the binding came goes with what came after it. */
static void legs_test_pending(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_binding *b;
	int i;

	legs_up(k, 0);
	cfg.leg = legs_leg(k, 1, MIP4_LEG_PENDING);
	b = mip4_kt_add(k, &cfg);
	for (i = 1; i < MIP4_HOLD_PER_BINDING; i++)
		legs_up(k, i);
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 0)->hold.frames,
			MIP4_HOLD_PER_BINDING);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_HOLD_FULL), 0);
	legs_up(k, 0);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_HOLD_FULL), 1);
	/* it takes what comes meanwhile */
	KUNIT_EXPECT_FALSE(test, legs_in(k, 1, legs_down(k, 1, 64)));
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 1);
	legs_expect_none(k);
	legs_set(k, b, MIP4_LEG_ACTIVE, -1);
	for (i = 0; i < MIP4_HOLD_PER_BINDING; i++)
		legs_expect(k, 1, i, true, 63);
	legs_expect_none(k);
	KUNIT_EXPECT_FALSE(test, b->replay);
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 0)->hold.frames, 0);
}

/* From active to pending and back, and by the active one beside a pending. */
static void legs_test_pending_again(struct kunit *test)
{
	const struct mip4_binding_filter filter = { .peer = MIP4_KT_PEER2 };
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, true);

	legs_set(k, b, MIP4_LEG_ACTIVE, MIP4_LEG_PENDING);
	legs_up(k, 1);
	legs_expect(k, 1, 1, true, 63);
	legs_set(k, b, MIP4_LEG_RECEIVE_ONLY, MIP4_LEG_PENDING);
	legs_up(k, 2);
	legs_expect_none(k);
	legs_set(k, b, MIP4_LEG_RECEIVE_ONLY, MIP4_LEG_ACTIVE);
	legs_up(k, 3);
	legs_expect(k, 2, 2, true, 63);
	legs_expect(k, 2, 3, true, 63);
	legs_expect_none(k);
	/* when the active one is flushed the other is all there is */
	legs_set(k, b, MIP4_LEG_PENDING, MIP4_LEG_ACTIVE);
	mutex_lock(&k->mip->lock);
	mip4_binding_flush(k->mip, &filter, MIP4_DEL_FLUSH);
	mutex_unlock(&k->mip->lock);
	legs_up(k, 4);
	legs_expect_none(k);
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 0)->hold.frames, 1);
	legs_set(k, b, MIP4_LEG_ACTIVE, -1);
	legs_expect(k, 1, 4, true, 63);
}

/* Strangers that fill the port's hold take nothing from a pending leg. */
static void legs_test_pending_crowd(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, true);
	const struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_HOME(6),
		.daddr = MIP4_KT_FAR,
		.len = 10,
		.protocol = IPPROTO_UDP,
	};
	int i;

	for (i = 0; i <= MIP4_HOLD_FRAMES; i++)
		mip4_kt_frame(k, 0, mip4_kt_ip(k, &ip), 100 + i % 100, ETH_P_IP);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_HOLD_FULL), 1);
	legs_set(k, b, MIP4_LEG_PENDING, -1);
	legs_up(k, 1);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_HOLD_FULL), 1);
	legs_set(k, b, MIP4_LEG_ACTIVE, -1);
	legs_expect(k, 1, 1, true, 63);
}

static void legs_test_pending_routed(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, false);
	int i;

	legs_set(k, b, MIP4_LEG_PENDING, -1);
	for (i = 0; i < MIP4_HOLD_PER_BINDING; i++)
		legs_xmit(k, legs_down(k, i, 64));
	KUNIT_EXPECT_EQ(test, k->mip->hold.frames, MIP4_HOLD_PER_BINDING);
	legs_xmit(k, legs_down(k, 0, 64));
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_HOLD_FULL), 1);
	legs_expect_none(k);
	legs_set(k, b, MIP4_LEG_ACTIVE, -1);
	for (i = 0; i < MIP4_HOLD_PER_BINDING; i++)
		legs_expect(k, 1, i, false, 64);
	legs_expect_none(k);
	KUNIT_EXPECT_EQ(test, k->mip->hold.frames, 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->down_packets),
			MIP4_HOLD_PER_BINDING);
}

/* What waited is looked at as what didn't: here, it would come back. */
static void legs_test_pending_loops(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, false);
	struct sk_buff *skb = legs_down(k, 1, 64);

	legs_set(k, b, MIP4_LEG_PENDING, -1);
	ip_hdr(skb)->saddr = MIP4_KT_PEER;
	skb->skb_iif = k->under->ifindex;
	legs_xmit(k, skb);
	KUNIT_EXPECT_EQ(test, k->mip->hold.frames, 1);
	legs_set(k, b, MIP4_LEG_ACTIVE, -1);
	legs_expect_none(k);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_LOOP), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->down_packets), 0);
}

static struct mip4_binding *legs_find_mac(struct mip4_kt *k)
{
	struct mip4_binding *b;
	u8 mac[ETH_ALEN];

	mip4_kt_mac(mac, 5);
	rcu_read_lock();
	b = mip4_binding_by_mac(k->mip, k->port[0]->ifindex, mac);
	rcu_read_unlock();
	return b;
}

/* The device has left: what comes goes back, what it sends is a stranger's. */
static void legs_test_return(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, true);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);

	legs_set(k, b, MIP4_LEG_RETURN, -1);
	KUNIT_EXPECT_TRUE(test, mip4_binding_away(b));
	KUNIT_EXPECT_NULL(test, legs_find_mac(k));
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 0)->bindings, 0);
	KUNIT_EXPECT_FALSE(test, legs_in(k, 1, legs_down(k, 1, 64)));
	KUNIT_EXPECT_FALSE(test, legs_in(k, 1, legs_down(k, 2, 1)));
	legs_expect(k, 1, 1, false, 63);
	legs_expect_none(k);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_TTL), 1);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->down_packets), 0);
	legs_up(k, 3);
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 0)->hold.frames, 1);
	/* it is on no port, so its going takes nothing along */
	mutex_lock(&k->mip->lock);
	KUNIT_EXPECT_EQ(test, mip4_binding_check_port(b, &cfg, &k->extack), 0);
	KUNIT_EXPECT_EQ(test, mip4_binding_set_port(b, &cfg, &k->extack), 0);
	mutex_unlock(&k->mip->lock);
	legs_set(k, b, MIP4_LEG_ACTIVE, -1);
	KUNIT_EXPECT_FALSE(test, mip4_binding_away(b));
	KUNIT_EXPECT_PTR_EQ(test, legs_find_mac(k), b);
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 0)->bindings, 1);
	legs_expect(k, 1, 3, true, 63);
	KUNIT_EXPECT_FALSE(test, legs_in(k, 1, legs_down(k, 4, 64)));
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 1);
}

static void legs_test_return_without_port(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, true);

	legs_set(k, b, MIP4_LEG_RETURN, -1);
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, mip4_port_del(k->mip->dev, k->port[0]), 0);
	rtnl_unlock();
	KUNIT_EXPECT_EQ(test, k->mip->count, 1);
	KUNIT_EXPECT_FALSE(test, legs_in(k, 1, legs_down(k, 1, 64)));
	legs_expect(k, 1, 1, false, 63);
}

/*
 * The source is a device here whose packets leave by the same tunnel: what is
 * sent back would be taken for its own, and come again.
 */
static void legs_test_return_mistaken(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 6);
	struct mip4_binding *b = legs_binding(k, true);
	const struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_HOME(6),
		.daddr = MIP4_KT_HOME(5),
		.len = 10,
		.protocol = IPPROTO_UDP,
	};

	cfg.leg = legs_leg(k, 1, MIP4_LEG_ACTIVE);
	mip4_kt_add(k, &cfg);
	legs_set(k, b, MIP4_LEG_RETURN, MIP4_LEG_RETURN);
	legs_in(k, 1, mip4_kt_ip(k, &ip));
	legs_expect_none(k);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_LOOP), 1);
	/* not by another one */
	legs_in(k, 2, mip4_kt_ip(k, &ip));
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 1);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_LOOP), 1);
}

/* A router that a device has left sends back: on by the leg that is active. */
static void legs_test_returned(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, false);

	legs_set(k, b, MIP4_LEG_RECEIVE_ONLY, MIP4_LEG_ACTIVE);
	KUNIT_EXPECT_FALSE(test, legs_in(k, 1, legs_down(k, 1, 64)));
	legs_expect(k, 2, 1, false, 63);
	KUNIT_EXPECT_FALSE(test, legs_in(k, 1, legs_down(k, 2, 1)));
	legs_expect_none(k);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_TTL), 1);
	/* it says nothing of the device */
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->up_packets), 0);
	KUNIT_EXPECT_EQ(test, b->seen, 0);
	/* with a home link there is no hop in between */
	b->home_plen = 8;
	KUNIT_EXPECT_FALSE(test, legs_in(k, 1, legs_down(k, 3, 1)));
	legs_expect(k, 2, 3, false, 1);
}

/* Never by the leg that it came by: it waits for another, and keeps its order. */
static void legs_test_returned_by_active(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, false);
	int i;

	for (i = 0; i < MIP4_HOLD_PER_BINDING; i++)
		KUNIT_EXPECT_FALSE(test, legs_in(k, 1, legs_down(k, i, 64)));
	legs_expect_none(k);
	KUNIT_EXPECT_EQ(test, k->mip->hold.frames, MIP4_HOLD_PER_BINDING);
	KUNIT_EXPECT_FALSE(test, legs_in(k, 1, legs_down(k, 0, 64)));
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_HOLD_FULL), 1);
	/* a change that changes nothing for them */
	legs_set(k, b, MIP4_LEG_ACTIVE, MIP4_LEG_PENDING);
	legs_expect_none(k);
	/* what goes there first isn't held up */
	legs_xmit(k, legs_down(k, 7, 64));
	legs_expect(k, 1, 7, false, 64);
	legs_set(k, b, MIP4_LEG_RECEIVE_ONLY, MIP4_LEG_ACTIVE);
	for (i = 0; i < MIP4_HOLD_PER_BINDING; i++)
		legs_expect(k, 2, i, false, 63);
	legs_expect_none(k);
	KUNIT_EXPECT_EQ(test, k->mip->hold.frames, 0);
	/* back and forth: the new one has lost the device as well */
	KUNIT_EXPECT_FALSE(test, legs_in(k, 2, legs_down(k, 1, 64)));
	KUNIT_EXPECT_FALSE(test, legs_in(k, 1, legs_down(k, 2, 64)));
	legs_expect_none(k);
	KUNIT_EXPECT_EQ(test, k->mip->hold.frames, 2);
	legs_set(k, b, MIP4_LEG_ACTIVE, MIP4_LEG_RECEIVE_ONLY);
	legs_expect(k, 1, 1, false, 63);
	legs_expect_none(k);
}

static void legs_test_returned_in_vain(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, false);
	struct sk_buff *skb = legs_down(k, 1, 64);

	legs_in(k, 1, skb);
	KUNIT_ASSERT_EQ(test, k->mip->hold.frames, 1);
	spin_lock_bh(&k->mip->hold.lock);
	*(unsigned long *)skb->cb -= MIP4_HOLD_TIME;
	spin_unlock_bh(&k->mip->hold.lock);
	mod_delayed_work(mip4_wq, &k->mip->hold.work, 0);
	flush_delayed_work(&k->mip->hold.work);
	KUNIT_EXPECT_EQ(test, k->mip->hold.frames, 0);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_HOLD_EXPIRED), 1);
	/* nor does its going hold up others */
	legs_set(k, b, MIP4_LEG_RECEIVE_ONLY, MIP4_LEG_ACTIVE);
	legs_in(k, 1, legs_down(k, 2, 64));
	legs_expect(k, 2, 2, false, 63);
	legs_set(k, b, MIP4_LEG_RECEIVE_ONLY, -1);
	legs_in(k, 1, legs_down(k, 3, 64));
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_NO_LEG), 1);
}

struct keyless_case {
	const char *desc;
	int state;
	bool ours;
};

static const struct keyless_case keyless_cases[] = {
	{ "active", MIP4_LEG_ACTIVE, false },
	{ "copy", MIP4_LEG_COPY, false },
	{ "receive-only", MIP4_LEG_RECEIVE_ONLY, true },
	{ "pending", MIP4_LEG_PENDING, true },
};

MIP4_KT_PARAMS(keyless, keyless_cases)

/* Another tunnel of the same routers may lead to the home address. */
static void legs_test_returned_keyless(struct kunit *test)
{
	const struct keyless_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = { .n_legs = 2 };
	struct mip4_binding *b = legs_binding(k, false);
	const struct iphdr inner = {
		.saddr = MIP4_KT_FAR,
		.daddr = MIP4_KT_HOME(5),
	};
	struct mip4_demux_key key = {
		.local = MIP4_KT_LOCAL,
		.peer = MIP4_KT_PEER,
		.encap = MIP4_ENCAP_IPIP,
	};
	struct mip4_leg *leg, *other;
	int ipip = c->state == MIP4_LEG_ACTIVE ? 0 : 1;

	cfg.legs[!ipip] = legs_leg(k, 2, ipip ? MIP4_LEG_ACTIVE :
						MIP4_LEG_RECEIVE_ONLY);
	cfg.legs[ipip] = legs_leg(k, 1, c->state);
	cfg.legs[ipip].encap = MIP4_ENCAP_IPIP;
	cfg.legs[ipip].keyed = false;
	mip4_kt_set_legs(k, b, &cfg, 0);
	rcu_read_lock();
	leg = mip4_leg_demux(k->mip->mn, &key, &inner, &other);
	KUNIT_EXPECT_EQ(test, leg && leg->binding == b, c->ours);
	KUNIT_EXPECT_EQ(test, !!(key.flags & MIP4_DEMUX_BACK), c->ours);
	KUNIT_EXPECT_NULL(test, other);
	rcu_read_unlock();
}

/* Let the legs go whose lifetime is over. */
static void legs_run(struct mip4_kt *k)
{
	mod_delayed_work(mip4_wq, &k->mip->leg_expire, 0);
	flush_delayed_work(&k->mip->leg_expire);
}

/* Three legs live for 1000 to 3000 s, which pass one after the other. */
static void legs_test_expire(struct kunit *test)
{
	/* which goes when, and how many to the usual peer are left */
	static const int order[] = { 2, 3, 1 };
	static const u32 left[] = { 3, 2, 1 };
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, false);
	struct mip4_binding_config cfg = { .n_legs = 4 };
	struct mip4_legs_entry *entry;
	struct mip4_legs *legs;
	int i;

	for (i = 0; i < 4; i++) {
		cfg.legs[i] = legs_leg(k, i == 2 ? 2 : 1,
				       i ? MIP4_LEG_RECEIVE_ONLY :
					   MIP4_LEG_ACTIVE);
		cfg.legs[i].ikey = MIP4_KT_IKEY(1 + i);
	}
	for (i = 0; i < 3; i++)
		cfg.legs[order[i]].lifetime_ms = (i + 1) * 1000 * 1000;
	mip4_kt_set_legs(k, b, &cfg, 0);
	KUNIT_EXPECT_EQ(test, b->first.peer->legs, 3);
	for (i = 0; i < 3; i++) {
		legs = rcu_access_pointer(b->legs);
		KUNIT_ASSERT_NOT_NULL(test, legs);
		entry = &legs->entry[order[i]];
		KUNIT_EXPECT_EQ(test, legs->expires, entry->expires);
		KUNIT_EXPECT_TRUE(test,
				  delayed_work_pending(&k->mip->leg_expire));
		legs_run(k);
		KUNIT_ASSERT_PTR_EQ(test, rcu_access_pointer(b->legs), legs);
		KUNIT_EXPECT_NOT_NULL(test, rcu_access_pointer(entry->leg));
		mutex_lock(&k->mip->lock);
		/* alone in the tree, so that this changes no order */
		entry->expires = get_jiffies_64();
		legs->expires = entry->expires;
		mutex_unlock(&k->mip->lock);
		legs_run(k);
		KUNIT_EXPECT_EQ(test, b->first.peer->legs, left[i]);
	}
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(b->legs));
	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(b->leg), &b->first);
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&k->mip->leg_ends.rb_root));
}

/* A real lifetime of a lone leg: the binding goes with it. */
static void legs_test_expire_last(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	const unsigned long end = jiffies + 10 * HZ;
	bool gone = false;

	cfg.leg = legs_leg(k, 1, MIP4_LEG_PENDING);
	cfg.leg.lifetime_ms = 20;
	mip4_kt_add(k, &cfg);
	cfg = mip4_kt_served(k, 6);
	cfg.leg.state = MIP4_LEG_PENDING;
	cfg.leg.lifetime_ms = U32_MAX;
	mip4_kt_add(k, &cfg);
	while (!gone && time_before(jiffies, end)) {
		schedule_timeout_uninterruptible(1);
		gone = !legs_find_mac(k);
	}
	KUNIT_EXPECT_TRUE(test, gone);
	KUNIT_EXPECT_EQ(test, k->mip->count, 1);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&k->mip->leg_expire));
}

/* Legs to a peer are flushed; a copy takes the place of the active one. */
static void legs_test_flush_peer(struct kunit *test)
{
	const struct mip4_binding_filter one = { .peer = MIP4_KT_PEER };
	const struct mip4_binding_filter two = { .peer = MIP4_KT_PEER2 };
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = legs_binding(k, false);

	legs_set(k, b, MIP4_LEG_ACTIVE, MIP4_LEG_COPY);
	mutex_lock(&k->mip->lock);
	KUNIT_EXPECT_TRUE(test, mip4_binding_match(b, &one));
	KUNIT_EXPECT_TRUE(test, mip4_binding_match(b, &two));
	KUNIT_EXPECT_EQ(test, mip4_binding_flush(k->mip, &one, MIP4_DEL_FLUSH),
			1);
	KUNIT_EXPECT_EQ(test, mip4_binding_flush(k->mip, &one, MIP4_DEL_FLUSH),
			0);
	mutex_unlock(&k->mip->lock);
	KUNIT_EXPECT_EQ(test, k->mip->count, 1);
	legs_xmit(k, legs_down(k, 1, 64));
	legs_expect(k, 2, 1, false, 64);
	legs_expect_none(k);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(b->legs));
	mutex_lock(&k->mip->lock);
	KUNIT_EXPECT_EQ(test, mip4_binding_flush(k->mip, &two, MIP4_DEL_FLUSH),
			1);
	mutex_unlock(&k->mip->lock);
	KUNIT_EXPECT_EQ(test, k->mip->count, 0);
	KUNIT_EXPECT_TRUE(test, xa_empty(&k->mip->peers));
}

static struct kunit_case legs_tests[] = {
	MIP4_KT_CASES(legs_test_check, check),
	KUNIT_CASE(legs_test_check_rest),
	KUNIT_CASE(legs_test_plain),
	KUNIT_CASE(legs_test_identity),
	KUNIT_CASE(legs_test_all_or_nothing),
	KUNIT_CASE(legs_test_most),
	KUNIT_CASE(legs_test_copy_down),
	KUNIT_CASE(legs_test_copy_up),
	KUNIT_CASE(legs_test_copy_mtu),
	KUNIT_CASE(legs_test_receive_only),
	KUNIT_CASE(legs_test_pending),
	KUNIT_CASE(legs_test_pending_again),
	KUNIT_CASE(legs_test_pending_crowd),
	KUNIT_CASE(legs_test_pending_routed),
	KUNIT_CASE(legs_test_pending_loops),
	KUNIT_CASE(legs_test_return),
	KUNIT_CASE(legs_test_return_without_port),
	KUNIT_CASE(legs_test_return_mistaken),
	KUNIT_CASE(legs_test_returned),
	KUNIT_CASE(legs_test_returned_by_active),
	KUNIT_CASE(legs_test_returned_in_vain),
	MIP4_KT_CASES(legs_test_returned_keyless, keyless),
	KUNIT_CASE(legs_test_expire),
	KUNIT_CASE(legs_test_expire_last),
	KUNIT_CASE(legs_test_flush_peer),
	{}
};

static struct kunit_suite legs_suite = {
	.name		= "mip4-legs",
	.init		= mip4_kt_init,
	.exit		= mip4_kt_exit,
	.test_cases	= legs_tests,
};

kunit_test_suite(legs_suite);
