// SPDX-License-Identifier: GPL-2.0-only
/* What the agent takes for the time when somebody sets the wall clock. */
#include "common.h"

#include "host/clock.h"

static struct timespec mono, real;

/* In place of the C library's. */
int clock_gettime(clockid_t id, struct timespec *ts)
{
	*ts = id == CLOCK_REALTIME ? real : mono;
	return 0;
}

static void test_wall_clock_set(void **state)
{
	uint64_t ahead, before;

	(void)state;
	mono = (struct timespec){ 1000, 999999000 };
	real = (struct timespec){ 1700000000, 250000000 };
	ahead = clock_wall_ahead_us();
	before = clock_ntp(clock_mono_us() + ahead);
	/* [5944-5.7.1-2] */
	assert_int_equal(before >> 32, 1700000000 + 2208988800ULL);
	assert_int_equal((uint32_t)before, 0x40000000);

	real.tv_sec -= 86400;
	mono.tv_sec += 2;
	assert_int_equal(clock_ntp(clock_mono_us() + ahead) - before, 2ULL << 32);
	real.tv_sec += 2 * 86400;
	assert_int_equal(clock_ntp(clock_mono_us() + ahead) - before, 2ULL << 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_wall_clock_set) };

	return cmocka_run_group_tests_name("host: clock", tests, NULL, NULL);
}
