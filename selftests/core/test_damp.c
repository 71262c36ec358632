// SPDX-License-Identifier: GPL-2.0-only
/* A device that goes back and forth between two PMAs, and what is no such. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define COUNT(n, field)	(core_counters(w->node[n].core)->field)
#define DAMPED		(COUNT(PMA1, damped) + COUNT(PMA2, damped))

static int setup(void **state)
{
	*state = world_new(17);
	return 0;
}

/* @pma hears a frame of it, a while after the last one: requests are a second apart (RFC 5944 s3.6.3). */
static bool goes_to(struct world *w, int pma)
{
	bool served;

	attach(&w->node[pma], DEV, 3, CORE_TRIGGER_PACKET, NULL);
	run(w, RTT);
	served = w->node[pma].dev[DEV].attached;
	run(w, 500 * MSEC);
	return served;
}

/* For @us both PMAs hear each of its frames, one per @gap. How often it moves. */
static uint64_t both_hear(struct world *w, uint64_t us, uint64_t gap)
{
	const uint64_t before = COUNT(HA, handovers), until = w->now + us;

	while (w->now < until) {
		attach(P1, DEV, 3, CORE_TRIGGER_PACKET, NULL);
		attach(P2, DEV, 3, CORE_TRIGGER_PACKET, NULL);
		run(w, gap);
	}
	return COUNT(HA, handovers) - before;
}

static void test_both_hear(void **state)
{
	struct world *w = *state;

	/* Until one has lost it three times. */
	assert_in_range(both_hear(w, 8 * SEC, 50 * MSEC), 4, 6);
	/* Then it is tried every 6 s whether that is over, which moves it there and back. */
	assert_in_range(both_hear(w, 60 * SEC, 50 * MSEC), 2, 2 * 60 / 5);
	assert_true(DAMPED > 500);
	/* Rare frames don't make more of it. */
	assert_in_range(both_hear(w, 60 * SEC, 2 * SEC), 0, 2 * 60 / 5);
}

/* Who alone hears it serves it, at the latest when the penalty is over. */
static void test_one_hears(void **state)
{
	struct world *w = *state;

	both_hear(w, 20 * SEC, 50 * MSEC);
	for (uint64_t until = w->now + 8 * SEC; w->now < until;)
		goes_to(w, PMA1);
	assert_true(P1->dev[DEV].attached);
	for (uint64_t until = w->now + 8 * SEC; w->now < until;)
		goes_to(w, PMA2);
	assert_true(P2->dev[DEV].attached);
}

static void test_there_and_back(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 3; i++) {
		assert_true(goes_to(w, PMA1));
		assert_true(goes_to(w, PMA2));
	}
	assert_int_equal(DAMPED, 0);
	/* The fourth time. */
	assert_false(goes_to(w, PMA1));
	assert_int_equal(COUNT(PMA1, damped), 1);
	/* It is asked for. */
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_true(P1->dev[DEV].attached);
	/* Which was the third loss of the other one. */
	assert_false(goes_to(w, PMA2));
	run(w, 7 * SEC);
	assert_true(goes_to(w, PMA2));
	/* Nothing of it stays. */
	run(w, 16 * SEC);
	assert_null(device(P1, DEV));
}

/* It stays some seconds wherever it goes, or now and then at one place only, or its link is seen to go. */
static void test_often(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 10; i++) {
		assert_true(goes_to(w, PMA1));
		run(w, 2500 * MSEC);
		assert_true(goes_to(w, PMA2));
		run(w, 2500 * MSEC);
	}
	for (int i = 0; i < 10; i++) {
		assert_true(goes_to(w, PMA1));
		assert_true(goes_to(w, PMA2));
		run(w, 9 * SEC);
	}
	for (int i = 0; i < 10; i++) {
		detach(P2, DEV, 3, CORE_DETACH_LINK);
		run(w, 10 * MSEC);
		assert_true(goes_to(w, PMA1));
		detach(P1, DEV, 3, CORE_DETACH_LINK);
		run(w, 10 * MSEC);
		assert_true(goes_to(w, PMA2));
	}
	assert_int_equal(DAMPED, 0);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_both_hear), TEST(test_one_hears), TEST(test_there_and_back), TEST(test_often),
	};

	return cmocka_run_group_tests_name("core: damping", tests, NULL, NULL);
}
