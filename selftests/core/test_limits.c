// SPDX-License-Identifier: GPL-2.0-only
/* What others may cost, and what is said of it: devices without a registration, sources of messages, full houses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define COUNT(field)	(core_counters(w->node[PMA1].core)->field)

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

#define HA_COUNT(field)	(core_counters(w->node[HA].core)->field)

/* One request, whatever comes of it. */
static void say(struct world *w, int pma, const char *nai, const struct wire_sa *sa)
{
	struct rrq r = rrq_from(w, pma, nai);
	struct wire_out out;

	r.sa = sa;
	rrq_build(&out, &r);
	inject(&w->node[HA], r.src, r.dst, out.buf, out.len);
}

/* Ten a second: five of what is new are looked at, five more of what is served, and other sources don't feel it. */
static void test_source_rate(void **state)
{
	struct world *w = *state;
	struct wire_sa wrong = *sa_of(PMA1);
	char nai[32];

	wrong.key[0] ^= 1;
	w->node[HA].cfg.source_rate = 10;
	node_start(&w->node[HA]);
	say(w, PMA1, "old@red.example", sa_of(PMA1));
	assert_int_equal(HA_COUNT(accepted), 1);
	run(w, 2 * SEC);

	for (int i = 0; i < 8; i++) {
		snprintf(nai, sizeof(nai), "n%d@red.example", i);
		say(w, PMA1, nai, i < 4 ? &wrong : sa_of(PMA1));
	}
	assert_int_equal(HA_COUNT(drop_bad_authenticator), 4);
	assert_int_equal(HA_COUNT(accepted), 2);
	assert_int_equal(HA_COUNT(drop_source_rate_new), 3);
	assert_non_null(strstr(w->node[HA].log, "198.51.100.1 sends more than source-rate = 10"));

	for (int i = 0; i < 7; i++) {
		say(w, PMA1, "old@red.example", sa_of(PMA1));
		run(w, MSEC);
	}
	assert_int_equal(HA_COUNT(accepted), 7);
	assert_int_equal(HA_COUNT(drop_source_rate), 2);
	assert_int_equal(HA_COUNT(drop_bad_authenticator), 4);

	say(w, PMA2, "other@red.example", sa_of(PMA2));
	assert_int_equal(HA_COUNT(accepted), 8);
	run(w, SEC);
	say(w, PMA1, "n7@red.example", sa_of(PMA1));
	assert_int_equal(HA_COUNT(accepted), 9);
}

/* A device that moves is no new one, whoever asks; one that says that it leaves makes room. */
static void test_source_rate_moves(void **state)
{
	struct world *w = *state;
	struct rrq r;
	struct wire_msg msg;

	w->node[HA].cfg.source_rate = 2;
	node_start(&w->node[HA]);
	say(w, PMA2, "old@red.example", sa_of(PMA2));
	say(w, PMA1, "new@red.example", sa_of(PMA1));
	say(w, PMA1, "new2@red.example", sa_of(PMA1));
	assert_int_equal(HA_COUNT(accepted), 2);
	assert_int_equal(HA_COUNT(drop_source_rate_new), 1);
	run(w, MSEC);
	say(w, PMA1, "old@red.example", sa_of(PMA1));
	assert_int_equal(HA_COUNT(handovers), 1);
	run(w, 500 * MSEC);
	r = rrq_from(w, PMA1, "nobody@red.example");
	r.f.lifetime = 0;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
}

/* So is a revocation, which is authenticated as well. */
static void test_source_rate_revocations(void **state)
{
	struct wire_revoke revoke = { .home = ip("10.0.0.10"), .ha = ip("192.0.2.1"), .coa = ip("198.51.100.1") };
	struct world *w = *state;
	struct wire_out out;

	w->node[HA].cfg.source_rate = 2;
	node_start(&w->node[HA]);
	wire_put_revoke(&out, &revoke);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	for (int i = 0; i < 5; i++)
		inject(&w->node[HA], "198.51.100.1", "192.0.2.1", out.buf, out.len);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE_ACK), 2);
	assert_int_equal(HA_COUNT(drop_source_rate), 3);
}

/* Of all sources together: a new one has no share of its own. */
static void test_total_rate(void **state)
{
	struct world *w = *state;
	char nai[32];

	w->node[HA].cfg.total_rate = 10;
	w->node[HA].cfg.source_rate = 100;
	node_start(&w->node[HA]);
	say(w, PMA1, "old@red.example", sa_of(PMA1));
	run(w, 2 * SEC);
	for (int i = 0; i < 8; i++) {
		snprintf(nai, sizeof(nai), "n%d@red.example", i);
		say(w, PMA1 + i % 2, nai, sa_of(PMA1 + i % 2));
	}
	assert_int_equal(HA_COUNT(accepted), 1 + 5);
	assert_int_equal(HA_COUNT(drop_total_rate_new), 3);
	assert_int_equal(HA_COUNT(drop_source_rate_new), 0);
	assert_non_null(strstr(w->node[HA].log, "more than total-rate = 10"));
	for (int i = 0; i < 7; i++) {
		say(w, PMA1 + i % 2, "old@red.example", sa_of(PMA1 + i % 2));
		run(w, MSEC);
	}
	assert_int_equal(HA_COUNT(accepted), 1 + 5 + 5);
	assert_int_equal(HA_COUNT(handovers), 4);
	assert_int_equal(HA_COUNT(drop_total_rate), 2);
	run(w, SEC);
	say(w, PMA2, "n7@red.example", sa_of(PMA2));
	assert_int_equal(HA_COUNT(accepted), 12);
}

static uint8_t code_of(struct world *w, int pma, const char *nai, uint16_t lifetime, const char *why)
{
	char text[WIRE_TEXT_MAX] = "";
	struct rrq r = rrq_from(w, pma, nai);
	struct wire_msg msg;

	r.f.lifetime = lifetime;
	assert_true(ask(w, &r, &msg));
	wire_get_text(&msg, WIRE_TEXT_HA, text);
	assert_string_equal(text, why);
	run(w, MSEC);
	return msg.rrp.code;
}

#define BUSY	"the home agent is busy with devices that it serves"

/* Who is served goes on and takes the room of who isn't, that is told so and comes in when there is some again. */
static void test_registration_rate(void **state)
{
	struct world *w = *state;

	w->node[HA].cfg.registration_rate = 4;
	node_start(&w->node[HA]);
	assert_int_equal(code_of(w, PMA1, "a@red.example", 600, ""), 0);
	assert_int_equal(code_of(w, PMA2, "b@red.example", 600, ""), 0);
	assert_int_equal(code_of(w, PMA1, "c@red.example", 600, BUSY), WIRE_CODE_HA_NO_RESOURCES);
	assert_int_equal(HA_COUNT(busy_new_device), 1);
	assert_int_equal(HA_COUNT(denied_130), 1);
	assert_int_equal(n_regs(HA_NODE), 2);
	/* Far more renewals, handovers and ends than it may have: none is refused. */
	for (int i = 0; i < 10; i++) {
		assert_int_equal(code_of(w, PMA1, "a@red.example", 600, ""), 0);
		assert_int_equal(code_of(w, PMA1 + i % 2, "b@red.example", 600, ""), 0);
	}
	assert_int_equal(code_of(w, PMA2, "b@red.example", 0, ""), 0);
	assert_int_equal(HA_COUNT(denied), 1);
	/* They have left nothing, and no debt either. */
	assert_int_equal(code_of(w, PMA1, "c@red.example", 600, BUSY), WIRE_CODE_HA_NO_RESOURCES);
	run(w, 700 * MSEC);
	assert_int_equal(code_of(w, PMA1, "c@red.example", 600, BUSY), WIRE_CODE_HA_NO_RESOURCES);
	run(w, 100 * MSEC);
	assert_int_equal(code_of(w, PMA1, "c@red.example", 600, ""), 0);
	assert_int_equal(code_of(w, PMA1, "b@red.example", 600, BUSY), WIRE_CODE_HA_NO_RESOURCES);
	/* As many renewals as there is room for: nobody comes in. */
	for (int i = 0; i < 20; i++) {
		run(w, 250 * MSEC);
		assert_int_equal(code_of(w, PMA1, "a@red.example", 600, ""), 0);
		assert_int_equal(code_of(w, PMA1, "b@red.example", 600, BUSY), WIRE_CODE_HA_NO_RESOURCES);
	}
}

static void check_full(struct world *w, uint8_t code, const char *why)
{
	char text[WIRE_TEXT_MAX] = "";
	struct wire_msg msg;
	struct rrq r;

	run(w, MSEC);
	r = rrq_from(w, PMA1, "late@red.example");
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, code);
	assert_int_equal(wire_get_text(&msg, WIRE_TEXT_HA, text), *why != 0);
	assert_string_equal(text, why);
}

/* Denied for want of something, it says of what, and the PMA passes it on. */
static void test_full_says_why(void **state)
{
	struct world *w = *state;
	struct node *ha = &w->node[HA];

	ha->net[RED].pool[0].last = ha->net[RED].pool[0].first;
	node_start(ha);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	assert_true(PMA_NODE->dev[DEV].attached);
	check_full(w, WIRE_CODE_HA_NO_RESOURCES, "no home address is free");
	attach(PMA_NODE, DEV + 1, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	assert_int_equal(PMA_NODE->dev[DEV + 1].code, WIRE_CODE_HA_NO_RESOURCES);
	assert_string_equal(PMA_NODE->dev[DEV + 1].text, "insufficient resources: no home address is free");
	ha->cfg.max_registrations = 1;
	check_full(w, WIRE_CODE_HA_NO_RESOURCES, "the home agent has as many devices as it takes");
	ha->cfg.registration_rate = 1;
	assert_int_equal(code_of(w, PMA1, device(PMA_NODE, DEV)->rec.nai, 600, ""), 0);
	check_full(w, WIRE_CODE_HA_NO_RESOURCES, BUSY);
	ha->peer[0].proxy = false;
	check_full(w, WIRE_CODE_PMIP_DISALLOWED, "");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, end_world)
#define DEAF(name) cmocka_unit_test_setup_teardown(test_##name, setup_deaf, end_world)
	const struct CMUnitTest tests[] = { T(no_identity), DEAF(mac_flood), T(shunned), T(source_rate),
					   T(source_rate_moves), T(source_rate_revocations), T(total_rate),
					   T(registration_rate), T(full_says_why) };

	return cmocka_run_group_tests_name("core: limits", tests, NULL, NULL);
}
