// SPDX-License-Identifier: GPL-2.0-only
/* Devices without a registration: why they get none, what they may cost, what is said of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define PMA_NODE	(&w->node[PMA1])
#define COUNT(field)	(core_counters(w->node[PMA1].core)->field)
#define DEV		7

static int setup(void **state)
{
	*state = world_new(2);
	return 0;
}

static int setup_deaf(void **state)
{
	struct world *w = world_new(3);

	w->loss = 1000;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void test_no_identity(void **state)
{
	struct core_event ev = { .type = CORE_EV_ATTACH };
	struct world *w = *state;

	attach(PMA_NODE, 512, 3, CORE_TRIGGER_DHCP, NULL);	/* no rule for its MAC */
	assert_int_equal(COUNT(no_identity), 1);
	assert_int_equal(PMA_NODE->dev[0].n_refused, 1);
	assert_string_equal(PMA_NODE->dev[0].text, "no identity rule matches this MAC");

	ev.attach.nai = "x@nowhere.example";
	ev.attach.trigger = CORE_TRIGGER_API;
	mac_of(DEV, ev.attach.mac);
	event(PMA_NODE, &ev);
	assert_string_equal(PMA_NODE->dev[DEV].text, "no network is configured for its NAI");
	ev.attach.nai = "";
	event(PMA_NODE, &ev);
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 2);

	PMA_NODE->peer[1].n_sa = 0;
	node_start(PMA_NODE);
	ev.attach.nai = "x@green.example";
	event(PMA_NODE, &ev);
	assert_string_equal(PMA_NODE->dev[DEV].text, "no security association with its home agent");

	attach(&w->node[HA], DEV, 3, CORE_TRIGGER_API, NULL);
	assert_string_equal(w->node[HA].dev[DEV].text, "this agent is no PMA");

	PMA_NODE->cfg.max_registrations = 1;
	attach(PMA_NODE, 1, 3, CORE_TRIGGER_DHCP, NULL);
	attach(PMA_NODE, 2, 3, CORE_TRIGGER_DHCP, NULL);
	assert_string_equal(PMA_NODE->dev[2].text, "too many registrations");
	assert_int_equal(n_regs(PMA_NODE), 1);
}

/* A new MAC with every frame: a burst, then a few a second; other ports and known devices feel nothing. */
static void test_mac_flood(void **state)
{
	struct world *w = *state;
	unsigned int told = 0;
	int dev = 100;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 3 * SEC);
	for (; dev < 200; dev++)
		attach(PMA_NODE, dev, 3, dev % 2 ? CORE_TRIGGER_ARP : CORE_TRIGGER_PACKET, NULL);
	assert_int_equal(n_regs(PMA_NODE), 1 + 64);
	assert_int_equal(COUNT(new_device_limit), 36);
	/* Who waits for an answer has it, and nothing is sent for it. */
	attach(PMA_NODE, dev++, 3, CORE_TRIGGER_DHCP, NULL);
	for (int i = 0; i < DEVICES; i++)
		told += !strcmp(PMA_NODE->dev[i].text, "too many new devices on its port");
	assert_int_equal(told, 1);
	assert_int_equal(n_regs(PMA_NODE), 1 + 64);

	attach(PMA_NODE, dev++, 4, CORE_TRIGGER_ARP, NULL);
	assert_int_equal(n_regs(PMA_NODE), 1 + 65);
	attach(PMA_NODE, dev++, 3, CORE_TRIGGER_API, NULL);
	assert_int_equal(n_regs(PMA_NODE), 1 + 66);
	attach(PMA_NODE, 100, 4, CORE_TRIGGER_ARP, NULL);
	assert_int_equal(device(PMA_NODE, 100)->rec.port, 4);

	run(w, 250 * MSEC);
	while (dev < 250)
		attach(PMA_NODE, dev++, 3, CORE_TRIGGER_ARP, NULL);
	assert_int_equal(n_regs(PMA_NODE), 1 + 66 + 8);
}

/* Frames of a MAC that no rule matches: host hears of it at 0, 1, 3, 7, 15, 31 s, then every 30 s. */
static void test_shunned(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 600; i++) {
		attach(PMA_NODE, 512, 3, i % 2 ? CORE_TRIGGER_PACKET : CORE_TRIGGER_ARP, NULL);
		run(w, 100 * MSEC);
	}
	assert_int_equal(PMA_NODE->dev[0].n_refused, 6);
	assert_int_equal(COUNT(no_identity), 600);
	/* Another one hears it at once; somebody who asks, always. */
	attach(PMA_NODE, 513, 3, CORE_TRIGGER_ARP, NULL);
	assert_int_equal(PMA_NODE->dev[1].n_refused, 1);
	attach(PMA_NODE, 512, 3, CORE_TRIGGER_DHCP, NULL);
	assert_int_equal(PMA_NODE->dev[0].n_refused, 7);
	/* Quiet for a while: forgotten. */
	run(w, 65 * SEC);
	attach(PMA_NODE, 512, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 1100 * MSEC);
	attach(PMA_NODE, 512, 3, CORE_TRIGGER_ARP, NULL);
	assert_int_equal(PMA_NODE->dev[0].n_refused, 9);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
#define DEAF(name) cmocka_unit_test_setup_teardown(test_##name, setup_deaf, teardown)
	const struct CMUnitTest tests[] = { T(no_identity), DEAF(mac_flood), T(shunned) };

	return cmocka_run_group_tests_name("core: limits", tests, NULL, NULL);
}
