// SPDX-License-Identifier: GPL-2.0-only
/* Percentiles, against the sorted truth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "load/hist.h"

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct hist));
	return !*state;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void test_empty(void **state)
{
	assert_int_equal(hist_at(*state, 500), 0);
	assert_int_equal(hist_at(*state, 1000), 0);
}

/* Small ones are exact. */
static void test_exact(void **state)
{
	for (uint64_t us = 1; us <= 100; us++)
		hist_add(*state, us);
	assert_int_equal(hist_at(*state, 500), 50);
	assert_int_equal(hist_at(*state, 900), 90);
	assert_int_equal(hist_at(*state, 990), 99);
	assert_int_equal(hist_at(*state, 999), 100);
	assert_int_equal(((struct hist *)*state)->max, 100);
}

static void test_wide(void **state)
{
	static const uint64_t us[] = { 127, 128, 129, 255, 256, 257, 1000, 65535, 65536, 1234567, 4000000000 };

	for (size_t i = 0; i < sizeof(us) / sizeof(us[0]); i++) {
		struct hist *hist = calloc(1, sizeof(*hist));
		uint64_t at;

		hist_add(hist, us[i]);
		hist_add(hist, us[i] * 2);	/* so that the longest isn't the answer by itself */
		at = hist_at(hist, 500);
		assert_true(at >= us[i] && at <= us[i] + us[i] / 128 + 1);
		assert_int_equal(hist_at(hist, 1000), us[i] * 2);
		free(hist);
	}
	(void)state;
}

/* One in a thousand is seen by p99.9's successor only. */
static void test_tail(void **state)
{
	for (int i = 0; i < 999; i++)
		hist_add(*state, 10);
	hist_add(*state, 5000000);
	assert_int_equal(hist_at(*state, 999), 10);
	assert_int_equal(hist_at(*state, 1000), 5000000);
}

/* Beyond the last bucket nothing is lost or written elsewhere. */
static void test_longest(void **state)
{
	hist_add(*state, UINT64_MAX);
	hist_add(*state, 1);
	assert_int_equal(hist_at(*state, 500), 1);
	assert_int_equal(((struct hist *)*state)->max, UINT64_MAX);
	assert_int_equal(((struct hist *)*state)->n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wide, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tail, setup, teardown),
		cmocka_unit_test_setup_teardown(test_longest, setup, teardown),
	};

	return cmocka_run_group_tests_name("load: percentiles", tests, NULL, NULL);
}
