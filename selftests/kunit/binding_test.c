// SPDX-License-Identifier: GPL-2.0-only
/* The tables of bindings: who is found, who is refused, who goes. */
#include "kunit.h"

static struct mip4_binding *find_addr(struct mip4_kt *k, u32 realm, __be32 addr)
{
	struct mip4_binding *b;

	rcu_read_lock();
	b = mip4_binding_by_addr(k->mip, realm, addr);
	rcu_read_unlock();
	return b;
}

static struct mip4_binding *find_mac(struct mip4_kt *k, int port, u8 n)
{
	struct mip4_binding *b;
	u8 mac[ETH_ALEN];

	mip4_kt_mac(mac, n);
	rcu_read_lock();
	b = mip4_binding_by_mac(k->mip, k->port[port]->ifindex, mac);
	rcu_read_unlock();
	return b;
}

static struct mip4_binding *find_routed(struct mip4_kt *k, __be32 addr)
{
	struct mip4_binding *b;

	rcu_read_lock();
	b = mip4_binding_routed(k->mip, addr);
	rcu_read_unlock();
	return b;
}

static void binding_test_routed(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_routed(k, 5);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);

	KUNIT_EXPECT_PTR_EQ(test, find_addr(k, 0, MIP4_KT_HOME(5)), b);
	KUNIT_EXPECT_PTR_EQ(test, find_routed(k, MIP4_KT_HOME(5)), b);
	KUNIT_EXPECT_NULL(test, find_addr(k, 0, MIP4_KT_HOME(4)));
	KUNIT_EXPECT_NULL(test, find_addr(k, 0, MIP4_KT_HOME(6)));
	KUNIT_EXPECT_NULL(test, find_addr(k, 1, MIP4_KT_HOME(5)));
	KUNIT_EXPECT_FALSE(test, mip4_binding_served(b));
	KUNIT_EXPECT_PTR_EQ(test, xa_load(&k->mip->ids, b->id), (void *)b);
	KUNIT_EXPECT_EQ(test, k->mip->count, 1);
	KUNIT_EXPECT_EQ(test, b->cookie, 5);
}

static void binding_test_served(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);

	KUNIT_EXPECT_PTR_EQ(test, find_mac(k, 0, 5), b);
	KUNIT_EXPECT_NULL(test, find_mac(k, 0, 6));
	KUNIT_EXPECT_NULL(test, find_mac(k, 1, 5));
	KUNIT_EXPECT_PTR_EQ(test, find_addr(k, 0, MIP4_KT_HOME(5)), b);
	/* the stack must not route to it */
	KUNIT_EXPECT_NULL(test, find_routed(k, MIP4_KT_HOME(5)));
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 0)->bindings, 1);
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 1)->bindings, 0);
}

static void binding_test_realms(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_binding *one, *two;

	one = mip4_kt_add(k, &cfg);
	cfg = mip4_kt_served(k, 6);
	cfg.home = MIP4_KT_HOME(5);
	cfg.realm = 7;
	two = mip4_kt_add(k, &cfg);
	KUNIT_EXPECT_PTR_EQ(test, find_addr(k, 0, MIP4_KT_HOME(5)), one);
	KUNIT_EXPECT_PTR_EQ(test, find_addr(k, 7, MIP4_KT_HOME(5)), two);
	KUNIT_EXPECT_NE(test, one->id, two->id);
}

static void binding_test_routed_realm(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_routed(k, 5);

	k->mip->realm = 7;
	mip4_kt_refused(k, &cfg, -EINVAL, MIP4_KT_A_BINDING);
	cfg.realm = 7;
	KUNIT_EXPECT_PTR_EQ(test, mip4_kt_add(k, &cfg),
			    find_routed(k, MIP4_KT_HOME(5)));
}

static void binding_test_duplicate_home(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);

	mip4_kt_add(k, &cfg);
	cfg = mip4_kt_served(k, 6);
	cfg.home = MIP4_KT_HOME(5);
	mip4_kt_refused(k, &cfg, -EEXIST, MIP4_KT_A_HOME);
	KUNIT_EXPECT_NOT_NULL(test, strstr(k->extack._msg, "home address"));
	KUNIT_EXPECT_NULL(test, find_mac(k, 0, 6));
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 0)->bindings, 1);
}

static void binding_test_duplicate_mac(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);

	mip4_kt_add(k, &cfg);
	cfg = mip4_kt_served(k, 6);
	mip4_kt_mac(cfg.mac, 5);
	mip4_kt_refused(k, &cfg, -EEXIST, MIP4_KT_A_MAC);
	KUNIT_EXPECT_NULL(test, find_addr(k, 0, MIP4_KT_HOME(6)));
	/* on the other port that MAC is another device */
	cfg.port = k->port[1]->ifindex;
	KUNIT_EXPECT_PTR_EQ(test, mip4_kt_add(k, &cfg), find_mac(k, 1, 5));
}

static void binding_test_duplicate_tunnel(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);

	mip4_kt_add(k, &cfg);
	cfg = mip4_kt_served(k, 6);
	cfg.home = MIP4_KT_HOME(5);
	cfg.realm = 7;
	cfg.leg.ikey = MIP4_KT_IKEY(5);
	mip4_kt_refused(k, &cfg, -EEXIST, MIP4_KT_A_LEG);
	/* undone to the last table */
	KUNIT_EXPECT_NULL(test, find_addr(k, 7, MIP4_KT_HOME(5)));
	KUNIT_EXPECT_NULL(test, find_mac(k, 0, 6));
	cfg.leg.ikey = MIP4_KT_IKEY(6);
	mip4_kt_add(k, &cfg);
}

static void binding_test_foreign_port(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);

	cfg.port = k->under->ifindex;
	mip4_kt_refused(k, &cfg, -ENODEV, MIP4_KT_A_PORT);
}

static void binding_test_dead(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_routed(k, 5);

	k->mip->dead = true;
	mip4_kt_refused(k, &cfg, -ENODEV, MIP4_KT_A_BINDING);
}

static void binding_test_limit(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg;
	struct mip4_binding *b = NULL;
	u8 n;

	k->mip->limit = 3;
	for (n = 1; n <= 3; n++) {
		cfg = mip4_kt_routed(k, n);
		b = mip4_kt_add(k, &cfg);
	}
	cfg = mip4_kt_routed(k, 4);
	mip4_kt_refused(k, &cfg, -ENOSPC, MIP4_KT_A_BINDING);
	mip4_kt_del(k, b);
	mip4_kt_add(k, &cfg);
	cfg = mip4_kt_routed(k, 3);
	mip4_kt_refused(k, &cfg, -ENOSPC, MIP4_KT_A_BINDING);
	k->mip->limit = 0;
	mip4_kt_add(k, &cfg);
}

static void binding_test_del(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);
	const u32 id = b->id;

	mip4_kt_del(k, b);
	KUNIT_EXPECT_NULL(test, find_addr(k, 0, MIP4_KT_HOME(5)));
	KUNIT_EXPECT_NULL(test, find_mac(k, 0, 5));
	KUNIT_EXPECT_NULL(test, xa_load(&k->mip->ids, id));
	KUNIT_EXPECT_EQ(test, k->mip->count, 0);
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 0)->bindings, 0);
	KUNIT_EXPECT_TRUE(test, xa_empty(&k->mip->peers));
	/* the tuple is free again, the number isn't */
	b = mip4_kt_add(k, &cfg);
	KUNIT_EXPECT_NE(test, b->id, id);
}

/*
 * Who found it before may go on with it: no grace period is over as long as
 * nothing sleeps. KASAN looks at that.
 */
static void binding_test_del_found(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);

	mutex_lock(&k->mip->lock);
	mip4_binding_del(b);
	KUNIT_EXPECT_EQ(test, b->addr.addr, MIP4_KT_HOME(5));
	mutex_unlock(&k->mip->lock);
}

static void binding_test_peer_shared(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_routed(k, 1);
	struct mip4_binding *b[4];

	b[0] = mip4_kt_add(k, &cfg);
	cfg = mip4_kt_routed(k, 2);
	b[1] = mip4_kt_add(k, &cfg);
	cfg = mip4_kt_routed(k, 3);
	cfg.leg.peer = MIP4_KT_PEER2;
	b[2] = mip4_kt_add(k, &cfg);
	cfg = mip4_kt_routed(k, 4);
	cfg.leg.encap = MIP4_ENCAP_IPIP;
	cfg.leg.keyed = false;
	b[3] = mip4_kt_add(k, &cfg);
	KUNIT_EXPECT_PTR_EQ(test, b[0]->first.peer, b[1]->first.peer);
	KUNIT_EXPECT_EQ(test, b[0]->first.peer->legs, 2);
	KUNIT_EXPECT_PTR_NE(test, b[0]->first.peer, b[2]->first.peer);
	KUNIT_EXPECT_PTR_NE(test, b[0]->first.peer, b[3]->first.peer);
	mip4_kt_del(k, b[1]);
	KUNIT_EXPECT_EQ(test, b[0]->first.peer->legs, 1);
}

static int check_port(struct mip4_kt *k, struct mip4_binding *b, int port, u8 n)
{
	struct mip4_binding_config cfg = mip4_kt_served(k, n);
	int err;

	cfg.port = k->port[port]->ifindex;
	mutex_lock(&k->mip->lock);
	err = mip4_binding_check_port(b, &cfg, &k->extack);
	if (!err)
		err = mip4_binding_set_port(b, &cfg, &k->extack);
	mip4_binding_live(b);
	mutex_unlock(&k->mip->lock);
	return err;
}

static void binding_test_move_port(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);

	KUNIT_ASSERT_EQ(test, check_port(k, b, 1, 5), 0);
	KUNIT_EXPECT_NULL(test, find_mac(k, 0, 5));
	KUNIT_EXPECT_PTR_EQ(test, find_mac(k, 1, 5), b);
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 0)->bindings, 0);
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 1)->bindings, 1);
	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(b->port),
			    mip4_kt_port(k, 1));
	KUNIT_EXPECT_FALSE(test, b->replay);
}

static void binding_test_move_mac(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);

	KUNIT_ASSERT_EQ(test, check_port(k, b, 0, 6), 0);
	KUNIT_EXPECT_NULL(test, find_mac(k, 0, 5));
	KUNIT_EXPECT_PTR_EQ(test, find_mac(k, 0, 6), b);
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 0)->bindings, 1);
}

static void binding_test_move_nowhere(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);

	KUNIT_EXPECT_EQ(test, check_port(k, b, 0, 5), 0);
	KUNIT_EXPECT_PTR_EQ(test, find_mac(k, 0, 5), b);
	KUNIT_EXPECT_EQ(test, mip4_kt_port(k, 0)->bindings, 1);
}

static void binding_test_move_taken(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_binding *b = mip4_kt_add(k, &cfg), *other;

	cfg = mip4_kt_served(k, 6);
	other = mip4_kt_add(k, &cfg);
	KUNIT_EXPECT_EQ(test, check_port(k, b, 0, 6), -EEXIST);
	KUNIT_EXPECT_PTR_EQ(test, k->extack.bad_attr,
			    (const struct nlattr *)&k->attr[MIP4_KT_A_MAC]);
	KUNIT_EXPECT_PTR_EQ(test, find_mac(k, 0, 5), b);
	KUNIT_EXPECT_PTR_EQ(test, find_mac(k, 0, 6), other);
}

static void binding_test_move_routed(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_routed(k, 5);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);

	KUNIT_EXPECT_EQ(test, check_port(k, b, 0, 5), -EOPNOTSUPP);
	KUNIT_EXPECT_PTR_EQ(test, k->extack.bad_attr,
			    (const struct nlattr *)&k->attr[MIP4_KT_A_PORT]);
}

/* Three bindings: 1 on port 0, 2 on port 1 in realm 7, 3 routed by peer 2. */
static u32 flush(struct mip4_kt *k, const struct mip4_binding_filter *filter)
{
	struct mip4_binding_config cfg = mip4_kt_served(k, 1);
	u32 count;

	mip4_kt_add(k, &cfg);
	cfg = mip4_kt_served(k, 2);
	cfg.port = k->port[1]->ifindex;
	cfg.realm = 7;
	mip4_kt_add(k, &cfg);
	cfg = mip4_kt_routed(k, 3);
	cfg.leg.peer = MIP4_KT_PEER2;
	mip4_kt_add(k, &cfg);
	mutex_lock(&k->mip->lock);
	count = mip4_binding_flush(k->mip, filter, MIP4_DEL_FLUSH);
	mutex_unlock(&k->mip->lock);
	return count;
}

struct flush_case {
	const char *desc;
	struct mip4_binding_filter filter;
	int port;		/* index, -1: none */
	unsigned int gone;	/* bits of those that went */
};

static const struct flush_case flush_cases[] = {
	{ "all", {}, -1, 0xe },
	{ "realm 0", { .by_realm = true }, -1, 0xa },
	{ "realm 7", { .by_realm = true, .realm = 7 }, -1, 0x4 },
	{ "realm 8, empty", { .by_realm = true, .realm = 8 }, -1, 0 },
	{ "port", {}, 1, 0x4 },
	{ "peer", { .peer = MIP4_KT_PEER2 }, -1, 0x8 },
	{ "peer and port together", { .peer = MIP4_KT_PEER }, 0, 0x2 },
	{ "peer and port of different ones", { .peer = MIP4_KT_PEER2 }, 0, 0 },
	{ "no such peer", { .peer = MIP4_KT_LOCAL }, -1, 0 },
};

MIP4_KT_PARAMS(flush, flush_cases)

static void binding_test_flush(struct kunit *test)
{
	const struct flush_case *c = test->param_value;
	struct mip4_binding_filter filter = c->filter;
	struct mip4_kt *k = mip4_kt(test);
	unsigned int there = 0;

	if (c->port >= 0)
		filter.port = k->port[c->port]->ifindex;
	KUNIT_EXPECT_EQ(test, flush(k, &filter), hweight32(c->gone));
	there |= find_addr(k, 0, MIP4_KT_HOME(1)) ? BIT(1) : 0;
	there |= find_addr(k, 7, MIP4_KT_HOME(2)) ? BIT(2) : 0;
	there |= find_addr(k, 0, MIP4_KT_HOME(3)) ? BIT(3) : 0;
	KUNIT_EXPECT_EQ(test, there, 0xe & ~c->gone);
}

static void binding_test_port_gone(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 1);

	mip4_kt_add(k, &cfg);
	cfg = mip4_kt_served(k, 2);
	cfg.port = k->port[1]->ifindex;
	mip4_kt_add(k, &cfg);
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, mip4_port_del(k->mip->dev, k->port[0]), 0);
	KUNIT_EXPECT_EQ(test, mip4_port_del(k->mip->dev, k->port[0]), -EINVAL);
	rtnl_unlock();
	KUNIT_EXPECT_NULL(test, find_addr(k, 0, MIP4_KT_HOME(1)));
	KUNIT_EXPECT_NOT_NULL(test, find_addr(k, 0, MIP4_KT_HOME(2)));
}

struct on_link_case {
	const char *desc;
	__be32 saddr;
	__be32 daddr;
	u8 plen;
	bool on;
};

static const struct on_link_case on_link_cases[] = {
	{ "32: no link to emulate", MIP4_KT_HOME(5), MIP4_KT_HOME(5), 32, false },
	{ "31: neighbour", MIP4_KT_HOME(4), MIP4_KT_HOME(5), 31, true },
	{ "31: next pair", MIP4_KT_HOME(5), MIP4_KT_HOME(6), 31, false },
	{ "24: same", MIP4_KT_HOME(0), MIP4_KT_HOME(255), 24, true },
	{ "24: other", MIP4_KT_HOME(5), MIP4_KT_FAR, 24, false },
	{ "1: same half", MIP4_KT_IP(128, 0, 0, 0), htonl(INADDR_BROADCAST), 1, true },
	{ "1: other half", MIP4_KT_IP(127, 255, 255, 255),
	  MIP4_KT_IP(128, 0, 0, 0), 1, false },
};

MIP4_KT_PARAMS(on_link, on_link_cases)

static void binding_test_on_link(struct kunit *test)
{
	const struct on_link_case *c = test->param_value;
	struct mip4_binding *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, b);
	b->addr.addr = c->saddr;
	b->home_plen = c->plen;
	KUNIT_EXPECT_EQ(test, mip4_binding_on_link(b, c->saddr, c->daddr), c->on);
	KUNIT_EXPECT_EQ(test, mip4_binding_on_link(b, c->daddr, c->saddr), c->on);
	/* two others that are near each other */
	b->addr.addr = ~c->saddr;
	KUNIT_EXPECT_FALSE(test, mip4_binding_on_link(b, c->saddr, c->saddr));
}

struct counting {
	struct mip4_kt *k;
	struct mip4_binding *b;
	struct sk_buff *skb;
	unsigned long unlocked;
};

static void count(void *data)
{
	struct counting *c = data;
	int i;

	for (i = 0; i < 10000; i++) {
		mip4_binding_up(c->b, c->skb);
		mip4_binding_down(c->b, c->skb);
		mip4_count_drop(c->k->mip, c->b, MIP4_DROP_POLICY);
		WRITE_ONCE(c->unlocked, READ_ONCE(c->unlocked) + 1);
	}
}

/*
 * All CPUs count for one binding until a counter without a lock has shown that
 * they really did so at the same time, which a host may long keep them from.
 */
static void binding_test_counters(struct kunit *test)
{
	const unsigned long end = jiffies + 120 * HZ;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_routed(k, 5);
	struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_HOME(5),
		.daddr = MIP4_KT_FAR,
		.len = 80,
		.protocol = IPPROTO_UDP,
	};
	struct counting c = {
		.k = k,
		.b = mip4_kt_add(k, &cfg),
		.skb = mip4_kt_ip(k, &ip),
	};
	struct mip4_binding *b = c.b;
	u64 counted = 0;

	mip4_kt_own(k, c.skb);
	if (num_online_cpus() < 2)
		kunit_skip(test, "takes two CPUs");
	do {
		on_each_cpu(count, &c, true);
		counted += num_online_cpus() * 10000;
		cond_resched();
	} while (counted - c.unlocked < 1000 && time_before(jiffies, end));
	KUNIT_ASSERT_GE(test, counted - c.unlocked, 1000);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->up_packets), counted);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->up_bytes), 100 * counted);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->down_packets), counted);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->down_bytes), 100 * counted);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->drops), counted);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_POLICY), counted);
}

static struct kunit_case binding_tests[] = {
	KUNIT_CASE(binding_test_routed),
	KUNIT_CASE(binding_test_served),
	KUNIT_CASE(binding_test_realms),
	KUNIT_CASE(binding_test_routed_realm),
	KUNIT_CASE(binding_test_duplicate_home),
	KUNIT_CASE(binding_test_duplicate_mac),
	KUNIT_CASE(binding_test_duplicate_tunnel),
	KUNIT_CASE(binding_test_foreign_port),
	KUNIT_CASE(binding_test_dead),
	KUNIT_CASE(binding_test_limit),
	KUNIT_CASE(binding_test_del),
	KUNIT_CASE(binding_test_del_found),
	KUNIT_CASE(binding_test_peer_shared),
	KUNIT_CASE(binding_test_move_port),
	KUNIT_CASE(binding_test_move_mac),
	KUNIT_CASE(binding_test_move_nowhere),
	KUNIT_CASE(binding_test_move_taken),
	KUNIT_CASE(binding_test_move_routed),
	MIP4_KT_CASES(binding_test_flush, flush),
	KUNIT_CASE(binding_test_port_gone),
	MIP4_KT_CASES(binding_test_on_link, on_link),
	KUNIT_CASE_SLOW(binding_test_counters),
	{}
};

static struct kunit_suite binding_suite = {
	.name		= "mip4-binding",
	.init		= mip4_kt_init,
	.exit		= mip4_kt_exit,
	.test_cases	= binding_tests,
};

kunit_test_suite(binding_suite);
