// SPDX-License-Identifier: GPL-2.0-only
/* The token bucket: what it starts with, and what time brings. */
#include "../../kernel/bucket.h"
#include "kunit.h"

static unsigned int bucket_drain(struct mip4_bucket *bucket)
{
	unsigned int n = 0;

	while (n < 10000 && mip4_bucket_take(bucket))
		n++;
	return n;
}

static void bucket_test_starts_full(struct kunit *test)
{
	struct mip4_bucket bucket;

	mip4_bucket_init(&bucket, 16, 0);
	KUNIT_EXPECT_EQ(test, bucket_drain(&bucket), 16);
	KUNIT_EXPECT_FALSE(test, mip4_bucket_take(&bucket));
}

static void bucket_test_no_burst(struct kunit *test)
{
	struct mip4_bucket bucket;

	mip4_bucket_init(&bucket, 0, 1000);
	bucket.stamp -= HZ;
	KUNIT_EXPECT_FALSE(test, mip4_bucket_take(&bucket));
}

struct bucket_case {
	const char *desc;
	long age;		/* jiffies since the last refill */
	u32 rate;
	unsigned int low;	/* tokens that the empty bucket of 16 then has */
	unsigned int high;	/* likewise, should some jiffies pass meanwhile */
};

static const struct bucket_case bucket_cases[] = {
	{ "nothing in no time", 0, 1, 0, 1 },
	{ "one less than a token's time", HZ / 2 - 1, 1, 0, 1 },
	{ "one token", HZ, 1, 1, 2 },
	{ "half a second of ten", HZ / 2, 10, 5, 7 },
	{ "one less than the burst", 15L * HZ, 1, 15, 16 },
	{ "the burst", 16L * HZ, 1, 16, 16 },
	{ "never more than the burst", 17L * HZ, 1000, 16, 16 },
	{ "after years", LONG_MAX, 1000, 16, 16 },
};

MIP4_KT_PARAMS(bucket, bucket_cases)

static void bucket_test_refill(struct kunit *test)
{
	const struct bucket_case *c = test->param_value;
	struct mip4_bucket bucket;
	unsigned int n;

	mip4_bucket_init(&bucket, 16, c->rate);
	bucket.tokens = 0;
	bucket.stamp = jiffies - c->age;
	n = bucket_drain(&bucket);
	KUNIT_EXPECT_GE(test, n, c->low);
	KUNIT_EXPECT_LE(test, n, c->high);
}

/* Asking often must not lose what hasn't become a whole token. */
static void bucket_test_fractions(struct kunit *test)
{
	const unsigned long stamp = jiffies - HZ / 2;
	struct mip4_bucket bucket;
	bool got;

	mip4_bucket_init(&bucket, 16, 1);
	bucket.tokens = 0;
	bucket.stamp = stamp;
	got = mip4_bucket_take(&bucket);
	if (time_before(jiffies, stamp + HZ)) {
		KUNIT_EXPECT_FALSE(test, got);
		KUNIT_EXPECT_EQ(test, bucket.stamp, stamp);
	}
	bucket.stamp -= HZ;
	KUNIT_EXPECT_TRUE(test, mip4_bucket_take(&bucket));
}

static struct kunit_case bucket_tests[] = {
	KUNIT_CASE(bucket_test_starts_full),
	KUNIT_CASE(bucket_test_no_burst),
	MIP4_KT_CASES(bucket_test_refill, bucket),
	KUNIT_CASE(bucket_test_fractions),
	{}
};

static struct kunit_suite bucket_suite = {
	.name		= "mip4-bucket",
	.test_cases	= bucket_tests,
};

kunit_test_suite(bucket_suite);
