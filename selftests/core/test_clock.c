// SPDX-License-Identifier: GPL-2.0-only
/* What a PMA learns of its home agents' clocks, before devices come and from what they register. */
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
	struct world *w = world_new(7);

	PMA_NODE->cfg.clock_probe = true;
	*state = w;
	return 0;
}

static void note_peer(void *arg, const struct core_peer_state *state)
{
	struct core_peer_state *found = arg;

	if (state->cfg->addr.s_addr == ip("192.0.2.1").s_addr)
		*found = *state;
}

static struct core_peer_state peer_state(struct world *w)
{
	struct core_peer_state state = { 0 };

	core_walk_peers(PMA_NODE->core, note_peer, &state);
	assert_non_null(state.cfg);
	return state;
}

static void rrq(struct world *w, unsigned int back, struct wire_msg *msg)
{
	const struct sent *s = sent_by(w, PMA1, WIRE_RRQ, back);

	assert_non_null(s);
	assert_int_equal(wire_parse(s->data, s->len, msg), WIRE_OK);
}

/* To the last RRQ but @back. */
static void say(struct world *w, unsigned int back, uint8_t code, uint32_t seconds, const struct wire_sa *sa)
{
	struct wire_out out = { .len = 0 };
	struct wire_rrp rrp;
	struct wire_msg msg;
	char nai[WIRE_NAI_MAX + 1];

	rrq(w, back, &msg);
	rrp = (struct wire_rrp){ .code = code, .ha = ip("192.0.2.1"),
				 .id = (uint64_t)seconds << 32 | (uint32_t)msg.rrq.id };
	wire_put_rrp(&out, &rrp);
	assert_true(wire_get_nai(&msg, nai));
	wire_put_nai(&out, nai);
	wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa);
	inject(PMA_NODE, "192.0.2.1", "198.51.100.1", out.buf, out.len);
}

static void test_before_devices(void **state)
{
	struct world *w = *state;
	struct core_peer_state peer;
	unsigned int n, n_home;
	struct wire_msg msg;
	uint64_t start;

	for (int dir = -1; dir <= 1; dir += 2) {
		PMA_NODE->skew_us = dir * 3600 * (int64_t)SEC;
		n = n_sent(w, PMA1, WIRE_RRQ);
		n_home = w->node[HA].n_kernel;
		node_start(PMA_NODE);
		start = w->now;
		/* One question to each HA of the networks. */
		assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), n + 2);
		rrq(w, 0, &msg);
		assert_int_equal(msg.rrq.lifetime, 0);
		assert_true(wire_auth_ok(&msg, wire_find(&msg, WIRE_EXT_FHAE, 0), sa_of(PMA1)));
		/* A device waits for its answer, and needs no second try. */
		attach(PMA_NODE, DEV + dir, 3, CORE_TRIGGER_DHCP, NULL);
		assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), n + 2);
		run(w, 2 * RTT);
		/* [5944-5.7-1] */
		assert_true(PMA_NODE->dev[DEV + dir].attached);
		assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), n + 3);
		assert_true(w->now - start < 100 * MSEC);
		assert_int_equal(COUNT(id_mismatch), 0);
		assert_int_equal(w->node[HA].n_kernel, n_home + 1);

		/* Some more questions, at the right moments, and it is known to the hundredth of a second. */
		run(w, 20 * SEC);
		assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), n + 13);
		peer = peer_state(w);
		assert_true(peer.clock_known);
		assert_in_range(peer.ahead_us + dir * 3600 * (int64_t)SEC + peer.error_us, 0, 2 * peer.error_us);
		assert_in_range(peer.error_us, 0, 45 * MSEC);
		assert_int_equal(peer.offset_s * dir < 0, 1);
	}
	assert_int_equal(n_regs(&w->node[HA]), 2);
}

/* What the next life still has to say of a device waits for the time as well. */
static void test_before_farewells(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;

	PMA_NODE->skew_us = 5 * (int64_t)SEC;
	node_start(PMA_NODE);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 20 * SEC);
	assert_true(PMA_NODE->dev[DEV].attached);
	w->cut = WIRE_RRQ;
	detach(PMA_NODE, DEV, 3, CORE_DETACH_RELEASE);
	run(w, SEC / 2);
	w->cut = 0;
	node_restart(PMA_NODE);
	run(w, 2 * RTT);
	rrq(w, 0, &msg);
	assert_int_equal(msg.rrq.lifetime, 0);
	assert_int_equal(msg.rrq.home.s_addr, PMA_NODE->dev[DEV].home.s_addr);
	/* At the home agent's time, not five seconds later: from another PMA it is welcome. */
	assert_in_range(msg.rrq.id >> 32, (ntp_of(HA_NODE) >> 32) - 1, (ntp_of(HA_NODE) >> 32) + 1);
	assert_int_equal(n_regs(HA_NODE) + PMA_NODE->n_row, 0);
}

/* Each message twice, the copy up to a tenth of a second later. */
static void test_copies(void **state)
{
	struct world *w = *state;

	w->dup = 1000;
	w->jitter = 100 * MSEC;
	node_start(PMA_NODE);
	run(w, 20 * SEC);
	assert_in_range(n_sent(w, PMA1, WIRE_RRQ), 6, 12);
	assert_true(peer_state(w).clock_known);
	assert_in_range(peer_state(w).ahead_us + peer_state(w).error_us, 0, 2 * peer_state(w).error_us);
	assert_in_range(peer_state(w).error_us, 0, 150 * MSEC);
	assert_int_equal(peer_state(w).offset_s, 0);
}

static void test_silent(void **state)
{
	struct world *w = *state;
	unsigned int n = 0;
	struct wire_msg msg;
	uint64_t start;

	w->loss = 1000;
	node_start(PMA_NODE);
	start = w->now;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC - 1);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 2);
	run(w, 1);
	/* Then it waits no longer. */
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 5);
	for (unsigned int i = 0; i < 3; i++) {
		rrq(w, i, &msg);
		n += msg.rrq.lifetime == 600;
		assert_int_equal(sent_by(w, PMA1, WIRE_RRQ, i)->at, start + SEC);
	}
	assert_int_equal(n, 1);
	detach(PMA_NODE, DEV, 3, CORE_DETACH_RELEASE);
	run(w, 200 * SEC);
	/* Six each, the last after half a minute, and nothing is left that ticks. */
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 13);
	assert_int_equal(core_next(PMA_NODE->core), 0);
	assert_false(peer_state(w).clock_known);
}

/* What isn't authentic, isn't the answer, or answers something else sets no clock. */
static void test_wrong_answers(void **state)
{
	struct wire_sa wrong = *sa_of(PMA1);
	struct world *w = *state;
	uint32_t now = ntp_of(&w->node[HA]) >> 32;
	struct core_peer_state peer;

	w->loss = 1000;
	wrong.key[0] ^= 1;
	node_start(PMA_NODE);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	/* The question to 192.0.2.1 went first. */
	say(w, 1, WIRE_CODE_HA_ID_MISMATCH, now + 1000, &wrong);
	assert_int_equal(COUNT(drop_bad_authenticator), 1);
	say(w, 0, WIRE_CODE_HA_ID_MISMATCH, now + 1000, sa_of(PMA1));
	assert_int_equal(COUNT(drop_unmatched_reply), 1);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 2);
	/* [5944-5.7.1-9] */
	assert_false(peer_state(w).clock_known);
	assert_int_equal(peer_state(w).offset_s, 0);
	/* An HA that denies it otherwise: devices needn't wait for more. */
	say(w, 1, WIRE_CODE_PMIP_DISALLOWED, now + 1000, sa_of(PMA1));
	peer = peer_state(w);
	assert_false(peer.clock_known);
	assert_int_equal(peer.offset_s, 0);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 3);
	/* A copy of it is nothing. */
	say(w, 2, WIRE_CODE_HA_ID_MISMATCH, now + 1000, sa_of(PMA1));
	assert_int_equal(COUNT(drop_unmatched_reply), 2);
	assert_int_equal(peer_state(w).offset_s, 0);
}

/* Somebody sends the HA a garbled copy of the question: what it says to that doesn't end it. */
static void test_provoked_answer(void **state)
{
	struct world *w = *state;

	PMA_NODE->skew_us = -3600 * (int64_t)SEC;
	w->loss = 1000;
	node_start(PMA_NODE);
	say(w, 1, WIRE_CODE_HA_FA_AUTH, 0, sa_of(PMA1));
	w->loss = 0;
	run(w, 60 * SEC);
	assert_true(peer_state(w).clock_known);
	assert_int_equal(peer_state(w).offset_s, 3600);
}

/* What a reply may have been on its way doesn't set the clock back; more than that does. */
static void test_delayed_answer(void **state)
{
	struct world *w = *state;
	uint32_t seconds;

	PMA_NODE->cfg.clock_probe = false;
	node_start(PMA_NODE);
	w->loss = 1000;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 15 * SEC + 100 * MSEC);
	seconds = ntp_of(&w->node[HA]) >> 32;
	run(w, 6 * SEC);
	say(w, 0, WIRE_CODE_HA_ID_MISMATCH, seconds, sa_of(PMA1));
	assert_int_equal(COUNT(id_mismatch), 1);
	assert_int_equal(peer_state(w).offset_s, 0);
	attach(PMA_NODE, 8, 3, CORE_TRIGGER_DHCP, NULL);
	seconds = ntp_of(&w->node[HA]) >> 32;
	say(w, 0, WIRE_CODE_HA_ID_MISMATCH, seconds - 100, sa_of(PMA1));
	assert_int_equal(peer_state(w).offset_s, -100);
}

/* However far it goes. */
static void test_any_offset(void **state)
{
	struct world *w = *state;

	PMA_NODE->cfg.clock_probe = false;
	node_start(PMA_NODE);
	w->loss = 1000;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	say(w, 0, WIRE_CODE_HA_ID_MISMATCH, (ntp_of(PMA_NODE) >> 32) + 0x60000000u, sa_of(PMA1));
	assert_int_equal(peer_state(w).offset_s, 0x60000000);
	run(w, 1100 * MSEC);
	say(w, 0, WIRE_CODE_HA_ID_MISMATCH, (ntp_of(PMA_NODE) >> 32) + 0xc0000000u, sa_of(PMA1));
	assert_int_equal(peer_state(w).offset_s, -0x40000000);
}

/* Identifications follow it by what is known, not by seconds: the next PMA's must not be late. */
static void test_identification(void **state)
{
	static const int skew_ms[] = { -1700, -700, -300, 700, 3600300 };
	struct world *w = *state;
	struct wire_msg msg;
	int64_t late;

	for (unsigned int i = 0; i < sizeof(skew_ms) / sizeof(*skew_ms); i++) {
		PMA_NODE->skew_us = skew_ms[i] * (int64_t)MSEC;
		node_start(PMA_NODE);
		run(w, 20 * SEC);
		attach(PMA_NODE, DEV + i, 3, CORE_TRIGGER_DHCP, NULL);
		rrq(w, 0, &msg);
		assert_int_equal(msg.rrq.lifetime, 600);
		late = (int64_t)(ntp_of(&w->node[HA]) - msg.rrq.id) * 1000 >> 32;
		assert_in_range(late + 50, 0, 100);
	}
}

static void warned(struct world *w, int64_t skew_us, const char *text)
{
	const char *number;
	unsigned int n_log;

	PMA_NODE->skew_us = skew_us;
	node_start(PMA_NODE);
	n_log = PMA_NODE->n_log;
	run(w, 20 * SEC);
	assert_int_equal(PMA_NODE->n_log, n_log + (text ? 2 : 0));	/* one of each home agent */
	assert_true(!text || strstr(PMA_NODE->log, text));
	if (!text)
		return;
	/* Not before all is known that was asked for. */
	number = strstr(PMA_NODE->log, "its clock is ");
	assert_non_null(number);
	assert_in_range(atoi(number + 13), 750, 850);
}

static void test_warning(void **state)
{
	struct world *w = *state;

	warned(w, 0, NULL);
	warned(w, -400 * (int64_t)MSEC, NULL);
	warned(w, 400 * (int64_t)MSEC, NULL);
	warned(w, -800 * (int64_t)MSEC, "ahead of ours");
	warned(w, 800 * (int64_t)MSEC, "behind ours");
}

/* Without questions what devices register tells: 133 at first, ext. 137 then bounds it from one side. */
static void test_by_registrations(void **state)
{
	struct world *w = *state;
	struct core_peer_state peer;
	int64_t error;

	PMA_NODE->cfg.clock_probe = false;
	PMA_NODE->skew_us = -60 * (int64_t)SEC;
	node_start(PMA_NODE);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 2 * SEC);
	assert_true(PMA_NODE->dev[DEV].attached);
	peer = peer_state(w);
	assert_true(peer.clock_known);
	assert_int_equal(peer.offset_s, 60);
	error = peer.error_us;
	for (int i = 0; i < 10; i++) {
		attach(PMA_NODE, 20 + i, 3, CORE_TRIGGER_DHCP, NULL);
		run(w, 1100 * MSEC);
	}
	peer = peer_state(w);
	assert_true(peer.error_us < error);
	assert_in_range(peer.ahead_us - 60 * (int64_t)SEC + peer.error_us, 0, 2 * peer.error_us);

	/* The HA's clock is set meanwhile, with its agent: what was known isn't any more. */
	w->node[HA].step_us = 100 * (int64_t)SEC;
	node_restart(&w->node[HA]);
	attach(PMA_NODE, 40, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 3 * SEC);
	peer = peer_state(w);
	assert_true(PMA_NODE->dev[40].attached);
	assert_in_range(peer.ahead_us - 160 * (int64_t)SEC + peer.error_us, 0, 2 * peer.error_us);
}

/* Ext. 137 isn't always NTP seconds: such a one says nothing of the clock. */
static void test_foreign_timestamps(void **state)
{
	struct world *w = *state;
	struct wire_out out = { .len = 0 };
	struct wire_rrp rrp;
	struct wire_msg msg;
	char nai[WIRE_NAI_MAX + 1];

	PMA_NODE->cfg.clock_probe = false;
	node_start(PMA_NODE);
	w->loss = 1000;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	rrq(w, 0, &msg);
	assert_true(wire_get_nai(&msg, nai));
	rrp = (struct wire_rrp){ .lifetime = 600, .home = ip("10.0.0.42"), .ha = ip("192.0.2.1"), .id = msg.rrq.id };
	wire_put_rrp(&out, &rrp);
	wire_put_nai(&out, nai);
	wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	wire_put_gre_key(&out, 5);
	wire_put_revsup(&out, 0, 12345);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	inject(PMA_NODE, "192.0.2.1", "198.51.100.1", out.buf, out.len);
	assert_true(PMA_NODE->dev[DEV].attached);
	assert_false(peer_state(w).clock_known);
	assert_int_equal(peer_state(w).offset_s, 0);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_before_devices), TEST(test_before_farewells), TEST(test_copies), TEST(test_silent),
		TEST(test_wrong_answers), TEST(test_provoked_answer), TEST(test_delayed_answer), TEST(test_any_offset),
		TEST(test_identification), TEST(test_warning), TEST(test_by_registrations),
		TEST(test_foreign_timestamps),
	};

	return cmocka_run_group_tests_name("core: clocks", tests, NULL, NULL);
}
