// SPDX-License-Identifier: GPL-2.0-only
/* Clauses of RFC 5944 s3.4 to s3.8 and s5.7 that no row of a state table stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define NAI_A	"a@red.example"

static int setup(void **state)
{
	*state = world_new(8);
	return 0;
}

static const struct sent *last_rrq(struct world *w, struct wire_msg *msg)
{
	const struct sent *s = sent_by(w, PMA1, WIRE_RRQ, 0);

	assert_non_null(s);
	assert_int_equal(wire_parse(s->data, s->len, msg), WIRE_OK);
	return s;
}

/* To PMA1's last RRQ, signed @times. */
static void say(struct world *w, uint8_t code, uint16_t lifetime, unsigned int times)
{
	struct wire_out out = { .len = 0 };
	struct wire_rrp rrp;
	struct wire_msg msg;
	char nai[WIRE_NAI_MAX + 1];

	last_rrq(w, &msg);
	assert_true(wire_get_nai(&msg, nai));
	rrp = (struct wire_rrp){ .code = code, .lifetime = lifetime, .home = ip("10.0.0.42"), .ha = ip("192.0.2.1"),
				 .id = msg.rrq.id };
	wire_put_rrp(&out, &rrp);
	wire_put_nai(&out, nai);
	wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	wire_put_gre_key(&out, 0xabcd);
	while (times--)
		wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	assert_false(out.failed);
	inject(PMA_NODE, "192.0.2.1", "198.51.100.1", out.buf, out.len);
}

static void test_shorter_grant(void **state)
{
	struct world *w = *state;
	const struct core_reg *reg;
	uint64_t rrq_us;

	w->loss = 1000;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	rrq_us = device(PMA_NODE, DEV)->timeline.rrq_us;
	run(w, 700 * MSEC);
	say(w, WIRE_CODE_ACCEPTED, 100, 1);
	reg = device(PMA_NODE, DEV);
	assert_int_equal(reg->state, CORE_BOUND);
	/* [5944-3.4-4] [5944-3.6.2.2-4] [5944-3.7.3.2-2] */
	assert_int_equal(reg->rec.lifetime, 100);
	/* Counted from when the request left: [5944-3.6.2.2-5] */
	assert_int_equal(reg->expires_us, rrq_us + 100 * SEC);
	run(w, 99 * SEC + 300 * MSEC - 1);
	assert_true(PMA_NODE->dev[DEV].attached);
	run(w, 1);
	assert_false(PMA_NODE->dev[DEV].attached);
}

static void test_two_authenticators(void **state)
{
	struct world *w = *state;

	w->loss = 1000;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	say(w, WIRE_CODE_ACCEPTED, 600, 2);
	/* [5944-3.7.3.1-7] [5944-3.7.3.1-9] */
	assert_false(PMA_NODE->dev[DEV].attached);
	assert_int_equal(core_counters(PMA_NODE->core)->drop_bad_authenticator, 1);
	say(w, WIRE_CODE_ACCEPTED, 600, 1);
	assert_true(PMA_NODE->dev[DEV].attached);
}

static void test_denial_logged(void **state)
{
	struct world *w = *state;
	unsigned int n_log;

	w->loss = 1000;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	n_log = PMA_NODE->n_log;
	say(w, WIRE_CODE_HA_NO_RESOURCES, 0, 1);
	/* [5944-3.6.2.3-1] */
	assert_int_equal(PMA_NODE->n_log, n_log + 1);
	assert_non_null(strstr(PMA_NODE->log, wire_code_name(WIRE_CODE_HA_NO_RESOURCES)));
}

/* With the shortest lifetime that can be configured, before an answer and for a refresh. */
static void test_waits(void **state)
{
	struct world *w = *state;
	unsigned int n = 0;

	PMA_NODE->net[RED].lifetime = 30;
	node_start(PMA_NODE);
	w->loss = 1000;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 60 * SEC);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	say(w, WIRE_CODE_ACCEPTED, 30, 1);
	assert_true(PMA_NODE->dev[DEV].attached);
	run(w, 30 * SEC);
	assert_false(PMA_NODE->dev[DEV].attached);
	for (const struct sent *s, *t; (s = sent_by(w, PMA1, WIRE_RRQ, n + 1)); n++) {
		t = sent_by(w, PMA1, WIRE_RRQ, n);
		/* [5944-3.6.3-1] (but for the minute in which nothing was asked) */
		assert_true(t->at - s->at <= 30 * SEC || t->at == 60 * SEC);
	}
	assert_true(n > 6);
}

static void test_where_requests_go(void **state)
{
	struct world *w = *state;
	const struct sent *s;
	struct wire_msg msg;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	s = last_rrq(w, &msg);
	/* Its source port is always 434, see core.h: [5944-3.7.2.2-5] */
	assert_int_equal(s->dport, 434);
	assert_int_equal(s->src.s_addr, ip("198.51.100.1").s_addr);
	assert_int_equal(s->dst.s_addr, ip("192.0.2.1").s_addr);
}

/* What the clock doesn't give of an Identification is nobody's guess. */
static void test_random_bits(void **state)
{
	unsigned int low[32], equal = 0;
	struct world *w = *state;
	struct wire_msg msg;
	uint64_t high = 0;

	w->loss = 1000;
	for (int i = 0; i < 32; i++) {
		attach(PMA_NODE, i, 3, CORE_TRIGGER_DHCP, NULL);
		last_rrq(w, &msg);
		low[i] = msg.rrq.id & 0x3ff;
		assert_true(!i || msg.rrq.id >> 10 == high);
		high = msg.rrq.id >> 10;
		for (int j = 0; j < i; j++)
			equal += low[j] == low[i];
	}
	/* Of 496 pairs of random numbers below 1024 no more than a few are equal: [5944-5.7.1-3] */
	assert_true(equal < 8);
}

/* ---- home agent ---- */

static void test_asked_lifetime(void **state)
{
	static const uint16_t lifetimes[] = { 1, 100, 599, 600, 601, 0xfffe, 0xffff };
	struct world *w = *state;

	for (int i = 0; i < 7; i++) {
		struct rrq r = rrq_from(w, PMA1, NAI_A);
		struct wire_msg msg;

		r.f.lifetime = lifetimes[i];
		assert_true(ask(w, &r, &msg));
		/* [5944-3.8.3.2-2] */
		assert_int_equal(msg.rrp.lifetime, lifetimes[i] < 600 ? lifetimes[i] : 600);
		run(w, SEC);
	}
}

static void test_broadcast_flag(void **state)
{
	struct world *w = *state;
	struct core_binding with, without;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct wire_msg msg;

	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	without = HA_NODE->kernel[0];
	run(w, SEC);
	r.f.id = ntp_of(HA_NODE);
	r.f.flags |= WIRE_RRQ_B;
	assert_true(ask(w, &r, &msg));
	/* [5944-3.8.2-4] */
	assert_int_equal(msg.rrp.code, 0);
	with = HA_NODE->kernel[0];
	with.exists = without.exists;
	assert_memory_equal(&with, &without, sizeof(with));
}

static void test_late_is_logged(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	unsigned int n_log = HA_NODE->n_log;
	struct wire_msg msg;

	r.f.id -= 100ULL << 32;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	/* [5944-3.8.2.1-18] */
	assert_int_equal(HA_NODE->n_log, n_log + 1);
	assert_non_null(strstr(HA_NODE->log, "identification mismatch"));
}

/* It speaks when it is spoken to, and to nobody else. */
static void test_no_other_replies(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct wire_msg msg;

	assert_true(ask(w, &r, &msg));
	run(w, SEC);
	r = rrq_from(w, PMA2, NAI_A);
	assert_true(ask(w, &r, &msg));
	run(w, 5 * SEC);
	/* The one that was left hears of it by revocation, not by a copy: [5944-3.8.2.2-4] */
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->dst.s_addr, ip("198.51.100.2").s_addr);
	assert_int_equal(n_sent(w, HA, WIRE_RRP), 2);
	assert_true(n_sent(w, HA, WIRE_REVOKE) >= 1);
	node_restart(HA_NODE);
	run(w, 700 * SEC);
	assert_int_equal(HA_NODE->n_kernel, 0);
	/* Nor when the agent starts, nor when the lifetime ends: [5944-3.8-1] */
	assert_int_equal(n_sent(w, HA, WIRE_RRP), 2);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_shorter_grant), TEST(test_two_authenticators), TEST(test_denial_logged), TEST(test_waits),
		TEST(test_where_requests_go), TEST(test_random_bits), TEST(test_asked_lifetime),
		TEST(test_broadcast_flag), TEST(test_late_is_logged), TEST(test_no_other_replies),
	};

	return cmocka_run_group_tests_name("core: RFC 5944", tests, NULL, NULL);
}
