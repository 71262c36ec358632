// SPDX-License-Identifier: GPL-2.0-only
/* Addresses beside the home address: longest match, change, what is refused. */
#include "../../kernel/prefix.h"
#include "kunit.h"

#define V4(a, b, c, d, bits) { .family = AF_INET, .plen = (bits), \
			       .ip = MIP4_KT_IP(a, b, c, d) }

/* Has @b that address by longest match? */
static bool owns(struct mip4_binding *b, __be32 addr)
{
	bool is;

	rcu_read_lock();
	is = mip4_binding_is(b, addr);
	rcu_read_unlock();
	return is;
}

static struct mip4_binding *find(struct mip4_kt *k, u32 realm, __be32 addr)
{
	struct mip4_binding *b;

	rcu_read_lock();
	b = mip4_binding_find(k->mip, realm, addr);
	rcu_read_unlock();
	return b;
}

static void add_prefix(struct mip4_kt *k, struct mip4_binding_config *cfg,
		       const struct mip4_prefix_key *key)
{
	cfg->prefixes[cfg->n_prefixes++] = (struct mip4_prefix_config) {
		.key = *key,
		.attr = &k->attr[MIP4_KT_A_HOME],
	};
}

/* As BINDING_SET replaces the addresses of a binding, with that result. */
static void set_prefixes(struct mip4_kt *k, struct mip4_binding *b,
			 const struct mip4_binding_config *cfg, int want)
{
	struct mip4_prefixes *old;

	memset(&k->extack, 0, sizeof(k->extack));
	mutex_lock(&k->mip->lock);
	old = mip4_prefixes_replace(b, cfg, &k->extack);
	if (!IS_ERR(old))
		mip4_prefixes_release(b, old);
	mutex_unlock(&k->mip->lock);
	KUNIT_EXPECT_EQ(k->test, PTR_ERR_OR_ZERO(old), want);
	if (want)
		KUNIT_EXPECT_NOT_NULL(k->test, k->extack._msg);
}

struct mask_case {
	const char *desc;
	struct mip4_prefix_key key;
	struct mip4_prefix_key want;
};

static const struct mask_case mask_cases[] = {
	{ "IPv4 32", V4(10, 1, 2, 3, 32), V4(10, 1, 2, 3, 32) },
	{ "IPv4 31", V4(10, 1, 2, 3, 31), V4(10, 1, 2, 2, 31) },
	{ "IPv4 24", V4(10, 1, 2, 3, 24), V4(10, 1, 2, 0, 24) },
	{ "IPv4 1", V4(255, 1, 2, 3, 1), V4(128, 0, 0, 0, 1) },
};

MIP4_KT_PARAMS(mask, mask_cases)

static void prefix_test_mask(struct kunit *test)
{
	const struct mask_case *c = test->param_value;
	struct mip4_prefix_key key = c->key;

	mip4_prefix_mask(&key);
	KUNIT_EXPECT_TRUE(test, mip4_prefix_equal(&key, &c->want));
	KUNIT_EXPECT_TRUE(test, mip4_prefix_covers(&c->want, &c->key));
	KUNIT_EXPECT_EQ(test, c->key.plen == 32,
			mip4_prefix_covers(&c->key, &c->want));
}

struct match_case {
	const char *desc;
	__be32 addr;
	int owner;		/* 1 to 3, 0: nobody */
};

/* See match_setup(). */
static const struct match_case match_cases[] = {
	{ "home address", MIP4_KT_HOME(1), 1 },
	{ "home address within another's", MIP4_KT_IP(10, 1, 2, 9), 3 },
	{ "its neighbour", MIP4_KT_IP(10, 1, 2, 8), 2 },
	{ "/8", MIP4_KT_IP(10, 2, 0, 1), 1 },
	{ "/8, its last", MIP4_KT_IP(10, 255, 255, 255), 1 },
	{ "/16 within /8", MIP4_KT_IP(10, 1, 3, 1), 2 },
	{ "/24 within /16", MIP4_KT_IP(10, 1, 4, 200), 1 },
	{ "/32 within all", MIP4_KT_IP(10, 1, 4, 7), 2 },
	{ "beyond", MIP4_KT_IP(11, 0, 0, 0), 0 },
	{ "before", MIP4_KT_IP(9, 255, 255, 255), 0 },
};

MIP4_KT_PARAMS(match, match_cases)

static const struct mip4_prefix_key match_one[] = {
	V4(10, 0, 0, 0, 8), V4(10, 1, 4, 0, 24),
};

static const struct mip4_prefix_key match_two[] = {
	V4(10, 1, 0, 0, 16), V4(10, 1, 4, 7, 32),
};

static void match_setup(struct mip4_kt *k, struct mip4_binding **b, bool keyed)
{
	struct mip4_binding_config cfg;
	int n, i;

	for (n = 1; n <= 3; n++) {
		cfg = mip4_kt_routed(k, n);
		if (n == 3)
			cfg.home = MIP4_KT_IP(10, 1, 2, 9);
		if (!keyed) {
			cfg.leg.keyed = false;
			cfg.leg.encap = MIP4_ENCAP_IPIP;
		}
		for (i = 0; n < 3 && i < 2; i++)
			add_prefix(k, &cfg, n == 1 ? &match_one[i] :
						     &match_two[i]);
		b[n] = mip4_kt_add(k, &cfg);
	}
}

static void prefix_test_match(struct kunit *test)
{
	const struct match_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b[4] = {};
	int n;

	match_setup(k, b, true);
	KUNIT_EXPECT_PTR_EQ(test, find(k, 0, c->addr), b[c->owner]);
	KUNIT_EXPECT_NULL(test, find(k, 1, c->addr));
	for (n = 1; n <= 3; n++)
		KUNIT_EXPECT_EQ(test, owns(b[n], c->addr), n == c->owner);
}

/* Whose is what comes from there without a key? */
static struct mip4_leg *demux_by(struct mip4_kt *k, u8 encap, __be32 peer,
				 __be32 saddr, __be32 daddr)
{
	const struct iphdr inner = { .saddr = saddr, .daddr = daddr };
	struct mip4_demux_key key = {
		.local = MIP4_KT_LOCAL,
		.peer = peer,
		.encap = encap,
	};
	struct mip4_leg *leg, *other;

	rcu_read_lock();
	leg = mip4_leg_demux(k->mip->mn, &key, &inner, &other);
	rcu_read_unlock();
	return leg;
}

static struct mip4_leg *demux(struct mip4_kt *k, __be32 peer, __be32 saddr,
			      __be32 daddr)
{
	return demux_by(k, MIP4_ENCAP_IPIP, peer, saddr, daddr);
}

static struct mip4_leg *demux_gre(struct mip4_kt *k, __be32 saddr)
{
	return demux_by(k, MIP4_ENCAP_GRE, MIP4_KT_PEER, saddr, MIP4_KT_FAR);
}

static void prefix_test_demux(struct kunit *test)
{
	const struct match_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b[4] = {};
	struct mip4_leg *want = NULL;

	match_setup(k, b, false);
	if (c->owner)
		want = &b[c->owner]->first;
	KUNIT_EXPECT_PTR_EQ(test, demux(k, MIP4_KT_PEER, c->addr, MIP4_KT_FAR),
			    want);
	KUNIT_EXPECT_NULL(test, demux(k, MIP4_KT_PEER2, c->addr, MIP4_KT_FAR));
	KUNIT_EXPECT_NULL(test, demux(k, MIP4_KT_PEER, MIP4_KT_FAR, c->addr));
}

/* Prefixes are looked through for who has legs without a key only. */
static void prefix_test_keyless(struct kunit *test)
{
	const struct mip4_prefix_key lan = V4(10, 1, 0, 0, 16);
	const __be32 host = MIP4_KT_IP(10, 1, 3, 1);
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_routed(k, 2);
	struct mip4_binding *b, *keyed;
	struct mip4_peer *peer;

	cfg.leg.encap = MIP4_ENCAP_GRE;
	keyed = mip4_kt_add(k, &cfg);
	peer = keyed->first.peer;
	KUNIT_EXPECT_EQ(test, peer->keyless, 0);
	cfg = mip4_kt_routed(k, 1);
	cfg.leg.encap = MIP4_ENCAP_GRE;
	cfg.leg.keyed = false;
	add_prefix(k, &cfg, &lan);
	b = mip4_kt_add(k, &cfg);
	KUNIT_EXPECT_PTR_EQ(test, b->first.peer, peer);
	KUNIT_EXPECT_EQ(test, peer->keyless, 1);
	KUNIT_EXPECT_PTR_EQ(test, demux_gre(k, host), &b->first);
	peer->keyless = 0;
	KUNIT_EXPECT_NULL(test, demux_gre(k, host));
	peer->keyless = 1;
	mip4_kt_del(k, b);
	KUNIT_EXPECT_EQ(test, peer->keyless, 0);
}

/* The longest match is by another tunnel: then it is nobody's. */
static void prefix_test_demux_elsewhere(struct kunit *test)
{
	const struct mip4_prefix_key wide = V4(10, 1, 0, 0, 16);
	const struct mip4_prefix_key narrow = V4(10, 1, 4, 0, 24);
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_routed(k, 1);
	struct mip4_binding *b;

	cfg.leg.keyed = false;
	cfg.leg.encap = MIP4_ENCAP_IPIP;
	add_prefix(k, &cfg, &wide);
	b = mip4_kt_add(k, &cfg);
	cfg = mip4_kt_routed(k, 2);
	cfg.leg.peer = MIP4_KT_PEER2;
	add_prefix(k, &cfg, &narrow);
	mip4_kt_add(k, &cfg);
	KUNIT_EXPECT_PTR_EQ(test, demux(k, MIP4_KT_PEER,
					MIP4_KT_IP(10, 1, 3, 1), MIP4_KT_FAR),
			    &b->first);
	KUNIT_EXPECT_NULL(test, demux(k, MIP4_KT_PEER, MIP4_KT_IP(10, 1, 4, 1),
				      MIP4_KT_FAR));
}

static void prefix_test_realms(struct kunit *test)
{
	const struct mip4_prefix_key lan = V4(10, 1, 0, 0, 16);
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_binding *one, *two;

	add_prefix(k, &cfg, &lan);
	one = mip4_kt_add(k, &cfg);
	cfg = mip4_kt_served(k, 6);
	cfg.realm = 7;
	cfg.leg.keyed = false;
	cfg.leg.encap = MIP4_ENCAP_IPIP;
	add_prefix(k, &cfg, &lan);
	two = mip4_kt_add(k, &cfg);
	KUNIT_EXPECT_PTR_EQ(test, find(k, 0, MIP4_KT_IP(10, 1, 0, 1)), one);
	KUNIT_EXPECT_PTR_EQ(test, find(k, 7, MIP4_KT_IP(10, 1, 0, 1)), two);
	/* what tells no realm finds the one with that tunnel */
	KUNIT_EXPECT_PTR_EQ(test, demux(k, MIP4_KT_PEER, MIP4_KT_FAR,
					MIP4_KT_IP(10, 1, 0, 1)), &two->first);
	KUNIT_EXPECT_NULL(test, demux(k, MIP4_KT_PEER, MIP4_KT_IP(10, 1, 0, 1),
				      MIP4_KT_FAR));
}

/* Let binding 2 have it. */
static noinline_for_stack void prefix_taken(struct mip4_kt *k,
					    const struct mip4_prefix_key *key)
{
	struct mip4_binding_config cfg = mip4_kt_routed(k, 2);

	add_prefix(k, &cfg, key);
	mip4_kt_add(k, &cfg);
}

static void prefix_test_replace(struct kunit *test)
{
	const struct mip4_prefix_key a = V4(10, 1, 0, 0, 16);
	const struct mip4_prefix_key c = V4(10, 2, 0, 0, 16);
	const struct mip4_prefix_key d = V4(10, 3, 0, 0, 24);
	const struct mip4_prefix_key e = V4(10, 4, 0, 0, 16);
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_routed(k, 1);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);
	struct mip4_prefix *kept;

	add_prefix(k, &cfg, &a);
	add_prefix(k, &cfg, &c);
	set_prefixes(k, b, &cfg, 0);
	KUNIT_EXPECT_TRUE(test, owns(b, MIP4_KT_IP(10, 1, 0, 1)));
	KUNIT_EXPECT_EQ(test, k->mip->plens[0].count[16], 2);
	rcu_read_lock();
	kept = rcu_dereference(b->prefixes)->prefix[1];
	rcu_read_unlock();

	cfg.n_prefixes = 0;
	add_prefix(k, &cfg, &d);
	add_prefix(k, &cfg, &c);
	set_prefixes(k, b, &cfg, 0);
	KUNIT_EXPECT_FALSE(test, owns(b, MIP4_KT_IP(10, 1, 0, 1)));
	KUNIT_EXPECT_TRUE(test, owns(b, MIP4_KT_IP(10, 2, 0, 1)));
	KUNIT_EXPECT_TRUE(test, owns(b, MIP4_KT_IP(10, 3, 0, 1)));
	rcu_read_lock();
	KUNIT_EXPECT_PTR_EQ(test, rcu_dereference(b->prefixes)->prefix[1], kept);
	rcu_read_unlock();

	/* the last of three can't be had: nothing changes */
	prefix_taken(k, &a);
	cfg.n_prefixes = 1;
	add_prefix(k, &cfg, &e);
	add_prefix(k, &cfg, &a);
	set_prefixes(k, b, &cfg, -EEXIST);
	KUNIT_EXPECT_FALSE(test, owns(b, MIP4_KT_IP(10, 4, 0, 1)));
	KUNIT_EXPECT_TRUE(test, owns(b, MIP4_KT_IP(10, 2, 0, 1)));
	KUNIT_EXPECT_TRUE(test, owns(b, MIP4_KT_IP(10, 3, 0, 1)));

	cfg.n_prefixes = 0;
	set_prefixes(k, b, &cfg, 0);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(b->prefixes));
	KUNIT_EXPECT_EQ(test, k->mip->plens[0].count[24], 0);
	KUNIT_EXPECT_FALSE(test, test_bit(24, k->mip->plens[0].used));
	KUNIT_EXPECT_TRUE(test, test_bit(16, k->mip->plens[0].used));
}

static void prefix_test_del(struct kunit *test)
{
	const struct mip4_prefix_key lan = V4(10, 1, 0, 0, 16);
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);

	add_prefix(k, &cfg, &lan);
	mip4_kt_del(k, mip4_kt_add(k, &cfg));
	KUNIT_EXPECT_NULL(test, find(k, 0, MIP4_KT_IP(10, 1, 0, 1)));
	KUNIT_EXPECT_EQ(test, k->mip->plens[0].count[16], 0);
	KUNIT_EXPECT_EQ(test, k->mip->mn->plens[0].count[16], 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&k->mip->prefixes.nelems), 0);
	mip4_kt_add(k, &cfg);
}

static void prefix_test_refused(struct kunit *test)
{
	const struct mip4_prefix_key lan = V4(10, 1, 0, 0, 16);
	const struct mip4_prefix_key host = V4(10, 0, 0, 7, 32);
	const struct mip4_prefix_key end = V4(198, 18, 0, 0, 24);
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);

	add_prefix(k, &cfg, &host);
	add_prefix(k, &cfg, &lan);
	mip4_kt_add(k, &cfg);
	cfg = mip4_kt_served(k, 6);
	cfg.home = host.ip;
	mip4_kt_refused(k, &cfg, -EEXIST, MIP4_KT_A_HOME);
	cfg = mip4_kt_served(k, 6);
	add_prefix(k, &cfg, &lan);
	mip4_kt_refused(k, &cfg, -EEXIST, MIP4_KT_A_HOME);
	cfg.prefixes[0].key = end;
	mip4_kt_refused(k, &cfg, -EINVAL, MIP4_KT_A_HOME);
	/* in another realm, but with the same key */
	cfg.realm = 7;
	cfg.prefixes[0].key = lan;
	cfg.leg.ikey = MIP4_KT_IKEY(5);
	mip4_kt_refused(k, &cfg, -EEXIST, MIP4_KT_A_HOME);
	KUNIT_EXPECT_NOT_NULL(test, strstr(k->extack._msg, "tunnel and address"));
	KUNIT_EXPECT_NULL(test, find(k, 7, MIP4_KT_HOME(6)));
	KUNIT_EXPECT_NULL(test, find(k, 7, MIP4_KT_IP(10, 1, 0, 1)));
	cfg.leg.ikey = MIP4_KT_IKEY(6);
	mip4_kt_add(k, &cfg);
}

/* One tunnel and one address, of whatever kind, mean one binding. */
struct clash_case {
	const char *desc;
	bool first_second;	/* is it a further address of the first? */
	bool second_second;
	bool keyed;
	bool served;
	u8 encap[2];
};

static const struct clash_case clash_cases[] = {
	{ "home and home", false, false, false, false, { MIP4_ENCAP_GRE, MIP4_ENCAP_GRE } },
	{ "home and further", false, true, false, false, { MIP4_ENCAP_GRE, MIP4_ENCAP_GRE } },
	{ "further and home", true, false, false, true, { MIP4_ENCAP_IPIP, MIP4_ENCAP_IPIP } },
	{ "further and further", true, true, false, true,
	  { MIP4_ENCAP_IPIP, MIP4_ENCAP_MINIMAL } },
	{ "minimal and IP-in-IP", true, true, false, false,
	  { MIP4_ENCAP_MINIMAL, MIP4_ENCAP_IPIP } },
	{ "key: home and further", false, true, true, true, { MIP4_ENCAP_GRE, MIP4_ENCAP_GRE } },
	{ "key: further and home", true, false, true, true, { MIP4_ENCAP_GRE, MIP4_ENCAP_GRE } },
	{ "key: further and further", true, true, true, true,
	  { MIP4_ENCAP_GRE, MIP4_ENCAP_GRE } },
};

MIP4_KT_PARAMS(clash, clash_cases)

static struct mip4_binding_config clash_cfg(struct mip4_kt *k, u8 n,
					    const struct clash_case *c,
					    bool further)
{
	const struct mip4_prefix_key addr = V4(10, 9, 9, 9, 32);
	struct mip4_binding_config cfg = mip4_kt_served(k, n);

	cfg.realm = n;
	cfg.leg.keyed = c->keyed;
	cfg.leg.ikey = MIP4_KT_IKEY(1);
	cfg.leg.encap = c->encap[n - 1];
	if (further)
		add_prefix(k, &cfg, &addr);
	else
		cfg.home = addr.ip;
	return cfg;
}

static void prefix_test_clash(struct kunit *test)
{
	const struct clash_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = clash_cfg(k, 1, c, c->first_second);

	mip4_kt_add(k, &cfg);
	cfg = clash_cfg(k, 2, c, c->second_second);
	mip4_kt_refused(k, &cfg, -EEXIST, c->second_second ? MIP4_KT_A_HOME :
							     MIP4_KT_A_LEG);
	KUNIT_EXPECT_NOT_NULL(test, strstr(k->extack._msg, "tunnel and address"));
	cfg.leg.peer = MIP4_KT_PEER2;
	mip4_kt_add(k, &cfg);
}

/* So do a tunnel and addresses of two realms of which one is in the other. */
struct overlap_case {
	const char *desc;
	bool narrow_first;
	bool narrow_home;	/* the narrow one is a home address, else a /24 */
	bool keyed;
};

static const struct overlap_case overlap_cases[] = {
	{ "home within /16", false, true, false },
	{ "/16 around home", true, true, false },
	{ "/24 within /16", false, false, false },
	{ "/16 around /24", true, false, false },
	{ "key: home within /16", false, true, true },
	{ "key: /16 around home", true, true, true },
	{ "key: /24 within /16", false, false, true },
	{ "key: /16 around /24", true, false, true },
};

MIP4_KT_PARAMS(overlap, overlap_cases)

static struct mip4_binding_config overlap_cfg(struct mip4_kt *k, u8 n,
					      const struct overlap_case *c,
					      bool narrow)
{
	const struct mip4_prefix_key wide = V4(10, 9, 0, 0, 16);
	const struct mip4_prefix_key lan = V4(10, 9, 9, 0, 24);
	struct mip4_binding_config cfg = mip4_kt_served(k, n);

	cfg.realm = n;
	cfg.leg.keyed = c->keyed;
	cfg.leg.ikey = MIP4_KT_IKEY(1);
	if (narrow && c->narrow_home)
		cfg.home = MIP4_KT_IP(10, 9, 9, 9);
	else
		add_prefix(k, &cfg, narrow ? &lan : &wide);
	return cfg;
}

static void prefix_test_overlap(struct kunit *test)
{
	const struct overlap_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg;

	cfg = overlap_cfg(k, 1, c, c->narrow_first);
	mip4_kt_add(k, &cfg);
	cfg = overlap_cfg(k, 2, c, !c->narrow_first);
	mip4_kt_refused(k, &cfg, -EEXIST, cfg.n_prefixes ? MIP4_KT_A_HOME :
							   MIP4_KT_A_LEG);
	KUNIT_EXPECT_NOT_NULL(test, strstr(k->extack._msg, "tunnel and address"));
	/* within a realm the longest match tells them apart */
	cfg.realm = 1;
	mip4_kt_add(k, &cfg);
}

static struct kunit_case prefix_tests[] = {
	MIP4_KT_CASES(prefix_test_mask, mask),
	MIP4_KT_CASES(prefix_test_match, match),
	MIP4_KT_CASES(prefix_test_demux, match),
	KUNIT_CASE(prefix_test_demux_elsewhere),
	KUNIT_CASE(prefix_test_keyless),
	KUNIT_CASE(prefix_test_realms),
	KUNIT_CASE(prefix_test_replace),
	KUNIT_CASE(prefix_test_del),
	KUNIT_CASE(prefix_test_refused),
	MIP4_KT_CASES(prefix_test_clash, clash),
	MIP4_KT_CASES(prefix_test_overlap, overlap),
	{}
};

static struct kunit_suite prefix_suite = {
	.name		= "mip4-prefix",
	.init		= mip4_kt_init,
	.exit		= mip4_kt_exit,
	.test_cases	= prefix_tests,
};

kunit_test_suite(prefix_suite);
