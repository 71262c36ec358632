// SPDX-License-Identifier: GPL-2.0-only
/* Lifetimes: when a binding goes, and when that is looked at next. */
#include <linux/delay.h>

#include "../../kernel/expire.h"
#include "kunit.h"

static bool expire_there(struct mip4_kt *k, u8 n)
{
	bool there;

	rcu_read_lock();
	there = mip4_binding_by_addr(k->mip, 0, MIP4_KT_HOME(n));
	rcu_read_unlock();
	return there;
}

static struct mip4_binding *expire_binding(struct mip4_kt *k, u8 n,
					   u32 lifetime)
{
	struct mip4_binding_config cfg = mip4_kt_routed(k, n);

	cfg.lifetime = lifetime;
	return mip4_kt_add(k, &cfg);
}

static void expire_run(struct mip4_kt *k)
{
	mip4_expire_again(k->mip);
	flush_delayed_work(&k->mip->expire);
}

struct expire_case {
	const char *desc;
	u32 grace;
	int ago;		/* s since the end of lifetime and grace */
	bool gone;
};

static const struct expire_case expire_cases[] = {
	{ "one second to go", 30, -1, false },
	{ "just over", 30, 0, true },
	{ "a second over", 30, 1, true },
	{ "in grace", 30, -30, false },
	{ "no grace, one second to go", 0, -1, false },
	{ "no grace, just over", 0, 0, true },
	/* the sum exceeds 32 bits */
	{ "longest grace", U32_MAX, -1, false },
	{ "longest grace over", U32_MAX, 0, true },
};

MIP4_KT_PARAMS(expire, expire_cases)

static void expire_test_due(struct kunit *test)
{
	const struct expire_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b;
	time64_t now;
	bool there;

	k->mip->grace = c->grace;
	expire_binding(k, 1, 0);
	/* what was decided while the second changed doesn't count, and an end
	 * at 0 would be none
	 */
	for (;;) {
		b = expire_binding(k, 5, 0);
		now = ktime_get_boottime_seconds();
		WRITE_ONCE(b->expires, now - c->ago - c->grace);
		expire_run(k);
		there = expire_there(k, 5);
		if (now != c->ago + (time64_t)c->grace &&
		    ktime_get_boottime_seconds() == now)
			break;
		if (there)
			mip4_kt_del(k, b);
		msleep(20);
	}
	KUNIT_EXPECT_EQ(test, there, !c->gone);
	/* 0 is no end */
	KUNIT_EXPECT_TRUE(test, expire_there(k, 1));
}

static void expire_test_lifetime(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	const time64_t before = ktime_get_boottime_seconds();
	struct mip4_binding *b = expire_binding(k, 5, 100);
	const time64_t after = ktime_get_boottime_seconds();

	KUNIT_EXPECT_GE(test, b->expires, before + 100);
	KUNIT_EXPECT_LE(test, b->expires, after + 100);
	b = expire_binding(k, 6, U32_MAX);
	KUNIT_EXPECT_GE(test, b->expires, before + U32_MAX);
	mutex_lock(&k->mip->lock);
	mip4_binding_set_lifetime(b, 0);
	mutex_unlock(&k->mip->lock);
	KUNIT_EXPECT_EQ(test, b->expires, 0);
}

/* Seconds until the work runs, rounded. */
static long expire_wait(struct mip4_kt *k)
{
	if (!delayed_work_pending(&k->mip->expire))
		return -1;
	return (long)(k->mip->expire.timer.expires - jiffies + HZ / 2) / HZ;
}

static void expire_at(struct mip4_kt *k, int in)
{
	mutex_lock(&k->mip->lock);
	mip4_expire_at(k->mip, ktime_get_boottime_seconds() + in);
	mutex_unlock(&k->mip->lock);
}

struct wait_case {
	const char *desc;
	u32 grace;
	int in;			/* s to the end of the lifetime */
	long wait;
};

static const struct wait_case wait_cases[] = {
	{ "lifetime and grace", 30, 100, 130 },
	{ "long ago", 30, -100, 1 },
	{ "right now", 0, 0, 1 },
	{ "in two seconds", 0, 2, 2 },
	{ "one less than an hour", 30, 3569, 3599 },
	{ "an hour", 30, 3570, 3600 },
	{ "never more than an hour", 30, 3571, 3600 },
	{ "longest grace", U32_MAX, 0, 3600 },
};

MIP4_KT_PARAMS(wait, wait_cases)

static void expire_test_wait(struct kunit *test)
{
	const struct wait_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	long wait;

	k->mip->grace = c->grace;
	expire_at(k, c->in);
	wait = expire_wait(k);
	/* a second may pass between two looks at the clock */
	KUNIT_EXPECT_GE(test, wait, c->wait - 1);
	KUNIT_EXPECT_LE(test, wait, c->wait);
}

static void expire_test_earliest(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	time64_t due;

	k->mip->grace = 0;
	expire_at(k, 1000);
	due = k->mip->expire_due;
	expire_at(k, 2000);
	KUNIT_EXPECT_EQ(test, k->mip->expire_due, due);
	KUNIT_EXPECT_LE(test, expire_wait(k), 1000);
	expire_at(k, 500);
	KUNIT_EXPECT_LT(test, k->mip->expire_due, due);
	KUNIT_EXPECT_LE(test, expire_wait(k), 500);
}

/* A round keeps the earliest end of those that stay. */
static void expire_test_next(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b[4];
	int i;

	k->mip->grace = 30;
	for (i = 1; i < ARRAY_SIZE(b); i++)
		b[i] = expire_binding(k, i, 1000 * i);
	mutex_lock(&k->mip->lock);
	mip4_binding_set_lifetime(b[1], 3000);
	mutex_unlock(&k->mip->lock);
	expire_run(k);
	KUNIT_EXPECT_EQ(test, k->mip->expire_due, b[2]->expires);
	KUNIT_EXPECT_LE(test, expire_wait(k), 2030);
	KUNIT_EXPECT_GE(test, expire_wait(k), 2020);
	mip4_kt_del(k, b[1]);
	mip4_kt_del(k, b[2]);
	mip4_kt_del(k, b[3]);
	expire_run(k);
	KUNIT_EXPECT_EQ(test, k->mip->expire_due, 0);
	KUNIT_EXPECT_EQ(test, expire_wait(k), -1);
}

/* More than a round looks at in one go: nobody is forgotten, and none twice. */
static void expire_test_many(struct kunit *test)
{
	const u32 many = 8192 + 2;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_routed(k, 1);
	struct mip4_binding *b, *last = NULL;
	u32 i;

	k->mip->grace = 0;
	for (i = 0; i < many; i++) {
		cfg.home = htonl(0x0a000000 + i);
		cfg.leg.ikey = htonl(i);
		last = mip4_kt_add(k, &cfg);
	}
	b = last;
	cfg.home = MIP4_KT_HOME(5);
	cfg.leg.ikey = htonl(i);
	cfg.lifetime = 1000;
	last = mip4_kt_add(k, &cfg);
	/* only behind the first slice is there anything to do */
	WRITE_ONCE(b->expires, ktime_get_boottime_seconds() - 1);
	expire_run(k);
	KUNIT_EXPECT_EQ(test, k->mip->count, many);
	KUNIT_EXPECT_TRUE(test, expire_there(k, 5));
	KUNIT_EXPECT_EQ(test, k->mip->expire_next, 0);
	KUNIT_EXPECT_EQ(test, k->mip->expire_due, last->expires);
}

/* Nobody listens in this guest, so an orphaned device loses all it has. */
static void expire_test_orphans(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);

	expire_binding(k, 5, 0);
	expire_binding(k, 6, 1000);
	mip4_expire_orphans(k->mip);
	flush_delayed_work(&k->mip->expire);
	KUNIT_EXPECT_EQ(test, k->mip->count, 0);
	KUNIT_EXPECT_FALSE(test, k->mip->orphaned);
}

static struct kunit_case expire_tests[] = {
	MIP4_KT_CASES(expire_test_due, expire),
	KUNIT_CASE(expire_test_lifetime),
	MIP4_KT_CASES(expire_test_wait, wait),
	KUNIT_CASE(expire_test_earliest),
	KUNIT_CASE(expire_test_next),
	KUNIT_CASE_SLOW(expire_test_many),
	KUNIT_CASE(expire_test_orphans),
	{}
};

static struct kunit_suite expire_suite = {
	.name		= "mip4-expire",
	.init		= mip4_kt_init,
	.exit		= mip4_kt_exit,
	.test_cases	= expire_tests,
};

kunit_test_suite(expire_suite);
