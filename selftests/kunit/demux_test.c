// SPDX-License-Identifier: GPL-2.0-only
/* Whose is a packet out of a tunnel, and which tunnels exclude each other? */
#include "kunit.h"

enum demux_kind {
	KEYED,
	KEYLESS,
	IPIP,
	MINIMAL,
};

static const u8 demux_encap[] = {
	[KEYED]		= MIP4_ENCAP_GRE,
	[KEYLESS]	= MIP4_ENCAP_GRE,
	[IPIP]		= MIP4_ENCAP_IPIP,
	[MINIMAL]	= MIP4_ENCAP_MINIMAL,
};

static struct mip4_binding_config demux_cfg(struct mip4_kt *k, u8 n,
					    enum demux_kind kind, bool served)
{
	struct mip4_binding_config cfg = served ? mip4_kt_served(k, n) :
						  mip4_kt_routed(k, n);

	if (kind != KEYED) {
		cfg.leg.keyed = false;
		cfg.leg.ikey = 0;
		cfg.leg.okey = 0;
	}
	cfg.leg.encap = demux_encap[kind];
	return cfg;
}

struct demux_packet {
	enum demux_kind kind;
	__be32 peer;
	__be32 key;
	__be32 saddr;
	__be32 daddr;
};

static struct mip4_binding *demux(struct mip4_kt *k,
				  const struct demux_packet *p, bool *ours)
{
	struct mip4_demux_key key = {
		.local = MIP4_KT_LOCAL,
		.peer = p->peer ?: MIP4_KT_PEER,
		.encap = demux_encap[p->kind],
	};
	const struct iphdr inner = { .saddr = p->saddr, .daddr = p->daddr };
	struct mip4_leg *leg, *other;
	struct mip4_binding *b;

	if (p->kind == KEYED) {
		key.key = p->key;
		key.flags = MIP4_DEMUX_KEYED;
	}
	rcu_read_lock();
	leg = mip4_leg_demux(k->mip->mn, &key, &inner, &other);
	b = leg ? leg->binding : NULL;
	*ours = leg || other;
	rcu_read_unlock();
	return b;
}

static void expect_demux(struct mip4_kt *k, struct demux_packet p,
			 struct mip4_binding *b, bool want_ours)
{
	bool ours;

	KUNIT_EXPECT_PTR_EQ(k->test, demux(k, &p, &ours), b);
	KUNIT_EXPECT_EQ(k->test, ours, want_ours);
}

struct demux_case {
	const char *desc;
	enum demux_kind kind;
};

static const struct demux_case demux_cases[] = {
	{ "GRE with key", KEYED },
	{ "GRE", KEYLESS },
	{ "IPIP", IPIP },
	{ "minimal", MINIMAL },
};

MIP4_KT_PARAMS(demux, demux_cases)

static enum demux_kind demux_kind(struct kunit *test)
{
	const struct demux_case *c = test->param_value;

	return c->kind;
}

/* On an access router the inner destination tells, on a home agent the source. */
static void demux_test_to_device(struct kunit *test)
{
	const enum demux_kind kind = demux_kind(test);
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = demux_cfg(k, 5, kind, true);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);
	struct demux_packet p = {
		.kind = kind,
		.key = cfg.leg.ikey,
		.saddr = MIP4_KT_FAR,
		.daddr = MIP4_KT_HOME(5),
	};

	expect_demux(k, p, b, true);
	swap(p.saddr, p.daddr);
	expect_demux(k, p, NULL, kind == KEYED);
}

static void demux_test_from_device(struct kunit *test)
{
	const enum demux_kind kind = demux_kind(test);
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = demux_cfg(k, 5, kind, false);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);
	struct demux_packet p = {
		.kind = kind,
		.key = cfg.leg.ikey,
		.saddr = MIP4_KT_HOME(5),
		.daddr = MIP4_KT_FAR,
	};

	expect_demux(k, p, b, true);
	/* what comes back: see legs_test.c for the rest */
	swap(p.saddr, p.daddr);
	expect_demux(k, p, kind == KEYED ? b : NULL, kind == KEYED);
	p.saddr = MIP4_KT_HOME(6);
	p.daddr = MIP4_KT_HOME(7);
	expect_demux(k, p, NULL, kind == KEYED);
}

/* Each field of the outer header must match, or the packet is nobody's. */
static void demux_test_outer(struct kunit *test)
{
	const enum demux_kind kind = demux_kind(test);
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = demux_cfg(k, 5, kind, false);
	const struct demux_packet good = {
		.kind = kind,
		.key = cfg.leg.ikey,
		.saddr = MIP4_KT_HOME(5),
		.daddr = MIP4_KT_FAR,
	};
	struct demux_packet p;
	int i;

	mip4_kt_add(k, &cfg);
	p = good;
	p.peer = MIP4_KT_PEER2;
	expect_demux(k, p, NULL, false);
	for (i = KEYED; i <= MINIMAL; i++) {
		p = good;
		p.kind = i;
		if (i != kind)
			expect_demux(k, p, NULL, false);
	}
	if (kind != KEYED)
		return;
	p = good;
	p.key = htonl(ntohl(good.key) - 1);
	expect_demux(k, p, NULL, false);
	p.key = htonl(ntohl(good.key) + 1);
	expect_demux(k, p, NULL, false);
	/* what is sent isn't what is received */
	p.key = cfg.leg.okey;
	expect_demux(k, p, NULL, false);
}

/* Key 0 is a key: RFC 2890 reserves none. */
static void demux_test_key_zero(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = demux_cfg(k, 5, KEYED, false);
	struct demux_packet p = {
		.kind = KEYED,
		.saddr = MIP4_KT_HOME(5),
		.daddr = MIP4_KT_FAR,
	};
	struct mip4_binding *keyed, *keyless;

	cfg.leg.ikey = 0;
	keyed = mip4_kt_add(k, &cfg);
	expect_demux(k, p, keyed, true);
	p.kind = KEYLESS;
	expect_demux(k, p, NULL, false);
	cfg = demux_cfg(k, 6, KEYLESS, false);
	keyless = mip4_kt_add(k, &cfg);
	p.saddr = MIP4_KT_HOME(6);
	expect_demux(k, p, keyless, true);
	p.kind = KEYED;
	expect_demux(k, p, NULL, true);
}

/* One key for all devices of a peer: the inner address tells them apart. */
static void demux_test_equal_keys(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg;
	struct demux_packet p = {
		.kind = KEYED,
		.key = MIP4_KT_IKEY(1),
		.saddr = MIP4_KT_FAR,
	};
	struct mip4_binding *b[9];
	u8 n;

	for (n = 1; n <= 8; n++) {
		cfg = demux_cfg(k, n, KEYED, true);
		cfg.leg.ikey = MIP4_KT_IKEY(1);
		b[n] = mip4_kt_add(k, &cfg);
	}
	for (n = 1; n <= 8; n++) {
		p.daddr = MIP4_KT_HOME(n);
		expect_demux(k, p, b[n], true);
	}
	p.daddr = MIP4_KT_HOME(9);
	expect_demux(k, p, NULL, true);
	/* first, last and one between go; the rest stay reachable */
	mip4_kt_del(k, b[1]);
	mip4_kt_del(k, b[4]);
	mip4_kt_del(k, b[8]);
	for (n = 1; n <= 8; n++) {
		p.daddr = MIP4_KT_HOME(n);
		expect_demux(k, p, n == 1 || n == 4 || n == 8 ? NULL : b[n],
			     true);
	}
}

/* A key belongs to a peer: another one may use the same. */
static void demux_test_key_per_peer(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = demux_cfg(k, 5, KEYED, true);
	struct demux_packet p = {
		.kind = KEYED,
		.key = MIP4_KT_IKEY(5),
		.saddr = MIP4_KT_FAR,
		.daddr = MIP4_KT_HOME(5),
	};
	struct mip4_binding *one, *two;

	one = mip4_kt_add(k, &cfg);
	cfg = demux_cfg(k, 6, KEYED, true);
	cfg.home = MIP4_KT_HOME(5);
	cfg.realm = 7;
	cfg.leg.ikey = MIP4_KT_IKEY(5);
	cfg.leg.peer = MIP4_KT_PEER2;
	two = mip4_kt_add(k, &cfg);
	expect_demux(k, p, one, true);
	p.peer = MIP4_KT_PEER2;
	expect_demux(k, p, two, true);
}

/* Home addresses may overlap between realms, as long as a header tells. */
static void demux_test_overlap(struct kunit *test)
{
	const enum demux_kind kind = demux_kind(test);
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = demux_cfg(k, 5, kind, true);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);
	struct demux_packet p = {
		.kind = kind,
		.key = MIP4_KT_IKEY(5),
		.saddr = MIP4_KT_FAR,
		.daddr = MIP4_KT_HOME(5),
	};

	cfg = demux_cfg(k, 6, kind, true);
	cfg.home = MIP4_KT_HOME(5);
	cfg.realm = 7;
	if (kind != KEYED) {
		mip4_kt_refused(k, &cfg, -EEXIST, MIP4_KT_A_LEG);
		expect_demux(k, p, b, true);
		return;
	}
	cfg.leg.ikey = MIP4_KT_IKEY(5);
	mip4_kt_refused(k, &cfg, -EEXIST, MIP4_KT_A_LEG);
	cfg.leg.ikey = MIP4_KT_IKEY(6);
	p.key = MIP4_KT_IKEY(6);
	expect_demux(k, p, mip4_kt_add(k, &cfg), true);
	p.key = MIP4_KT_IKEY(5);
	expect_demux(k, p, b, true);
}

/* What minimal encapsulation can't carry comes by IP-in-IP: whose would it be? */
static void demux_test_minimal_or_ipip(struct kunit *test)
{
	enum demux_kind one, two;

	for (one = IPIP; one <= MINIMAL; one++) {
		struct mip4_kt *k = mip4_kt(test);
		struct mip4_binding_config cfg = demux_cfg(k, 5, one, true);
		struct mip4_binding *b = mip4_kt_add(k, &cfg);

		for (two = IPIP; two <= MINIMAL; two++) {
			cfg = demux_cfg(k, 6, two, true);
			cfg.home = MIP4_KT_HOME(5);
			cfg.realm = 7;
			mip4_kt_refused(k, &cfg, -EEXIST, MIP4_KT_A_LEG);
		}
		/* with another address there is no question */
		cfg = demux_cfg(k, 6, one == IPIP ? MINIMAL : IPIP, true);
		mip4_kt_del(k, mip4_kt_add(k, &cfg));
		mip4_kt_del(k, b);
	}
}

static void set_leg(struct mip4_kt *k, struct mip4_binding *b,
		    const struct mip4_leg_config *leg, int want)
{
	const struct mip4_binding_config cfg = { .n_legs = 1, .leg = *leg };

	mip4_kt_set_legs(k, b, &cfg, want);
}

static void demux_test_replace_leg(struct kunit *test)
{
	const enum demux_kind kind = demux_kind(test);
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = demux_cfg(k, 5, kind, true);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);
	struct demux_packet p = {
		.kind = kind,
		.key = cfg.leg.ikey,
		.saddr = MIP4_KT_FAR,
		.daddr = MIP4_KT_HOME(5),
	};

	cfg.leg.peer = MIP4_KT_PEER2;
	set_leg(k, b, &cfg.leg, 0);
	expect_demux(k, p, NULL, false);
	p.peer = MIP4_KT_PEER2;
	expect_demux(k, p, b, true);
	/* for a binding its own old tuple is no clash */
	set_leg(k, b, &cfg.leg, 0);
	expect_demux(k, p, b, true);
	KUNIT_EXPECT_EQ(test, rcu_access_pointer(b->leg)->peer->legs, 1);
	cfg.leg.peer = MIP4_KT_PEER;
	set_leg(k, b, &cfg.leg, 0);
	expect_demux(k, p, NULL, false);
	p.peer = MIP4_KT_PEER;
	expect_demux(k, p, b, true);
	mip4_kt_del(k, b);
	expect_demux(k, p, NULL, false);
}

static void demux_test_replace_clash(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = demux_cfg(k, 5, KEYED, true);
	struct mip4_leg_config taken = cfg.leg;
	struct mip4_binding *b;

	mip4_kt_add(k, &cfg);
	cfg = demux_cfg(k, 6, KEYED, true);
	cfg.home = MIP4_KT_HOME(5);
	cfg.realm = 7;
	b = mip4_kt_add(k, &cfg);
	set_leg(k, b, &taken, -EEXIST);
	KUNIT_EXPECT_PTR_EQ(test, k->extack.bad_attr,
			    (const struct nlattr *)&k->attr[MIP4_KT_A_LEG]);
	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(b->leg), &b->first);
}

static struct kunit_case demux_tests[] = {
	MIP4_KT_CASES(demux_test_to_device, demux),
	MIP4_KT_CASES(demux_test_from_device, demux),
	MIP4_KT_CASES(demux_test_outer, demux),
	KUNIT_CASE(demux_test_key_zero),
	KUNIT_CASE(demux_test_equal_keys),
	KUNIT_CASE(demux_test_key_per_peer),
	MIP4_KT_CASES(demux_test_overlap, demux),
	KUNIT_CASE(demux_test_minimal_or_ipip),
	MIP4_KT_CASES(demux_test_replace_leg, demux),
	KUNIT_CASE(demux_test_replace_clash),
	{}
};

static struct kunit_suite demux_suite = {
	.name		= "mip4-demux",
	.init		= mip4_kt_init,
	.exit		= mip4_kt_exit,
	.test_cases	= demux_tests,
};

kunit_test_suite(demux_suite);
