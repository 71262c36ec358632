// SPDX-License-Identifier: GPL-2.0-only
/* RFC 5563 s11.1: handovers that count, or are undone, only when it is known where the device is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define NAI		"d@red.example"
#define COUNT(field)	(core_counters(HA_NODE->core)->field)
#define LATE		(2100 * MSEC)	/* no refresh that was under way comes so late */
#define C1		"198.51.100.1"
#define C2		"198.51.100.2"
#define C3		"198.51.100.3"	/* with the second one's key */

/* A device that was at the first agent and has asked by the second one. */
static int setup(void **state)
{
	struct world *w = world_new(12);

	HA_NODE->net[RED].tentative_ms = 5000;
	HA_NODE->peer[2] = HA_NODE->peer[1];
	HA_NODE->peer[2].addr = ip(C3);
	HA_NODE->cfg.n_peers = 3;
	node_start(HA_NODE);
	*state = w;
	return 0;
}

static struct rrq rrq_by(struct world *w, const char *coa)
{
	struct rrq r = rrq_from(w, !strcmp(coa, C1) ? PMA1 : PMA2, NAI);

	r.src = coa;
	r.f.coa = ip(coa);
	return r;
}

static uint8_t join(struct world *w, const char *coa)
{
	struct rrq r = rrq_by(w, coa);

	return reply_code(w, &r);
}

static uint8_t leave(struct world *w, const char *coa)
{
	struct rrq r = rrq_by(w, coa);

	r.f.lifetime = 0;
	return reply_code(w, &r);
}

static const struct core_reg *reg(struct world *w)
{
	return find(HA_NODE, NAI);
}

static void try_second(struct world *w)
{
	assert_int_equal(join(w, C1), 0);
	run(w, SEC);
	assert_int_equal(join(w, C2), 0);
}

/* The agent that is sent to, and what is taken besides, for how long: 0 = until it is decided, and some more. */
static void check_legs(struct world *w, const char *active, const char *other, uint32_t ms)
{
	const struct core_binding *b = &HA_NODE->kernel[0];

	assert_int_equal(HA_NODE->n_kernel, 1);
	assert_int_equal(b->leg[0].state, CORE_LEG_ACTIVE);
	assert_int_equal(b->leg[0].peer.s_addr, ip(active).s_addr);
	assert_int_equal(b->leg[0].key_out, 0x1000 + (strcmp(active, C1) ? PMA2 : PMA1));
	for (unsigned int i = 1; i < b->n_legs; i++) {
		if (b->leg[i].peer.s_addr != ip(other).s_addr)
			continue;
		assert_int_equal(b->leg[i].state, CORE_LEG_RECEIVE_ONLY);
		if (ms)
			assert_int_equal(b->leg[i].ms, ms);
		else
			assert_in_range(b->leg[i].ms, 10001, 10000 + HA_NODE->net[RED].tentative_ms);
		return;
	}
	fail_msg("no leg from %s", other);
}

static void check_tentative(struct world *w)
{
	assert_int_equal(reg(w)->state, CORE_TENTATIVE);
	check_legs(w, C1, C2, 0);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 0);
	assert_int_equal(COUNT(tentative_done) + COUNT(tentative_undone), 0);
}

static void check_row(struct world *w, const char *coa)
{
	assert_int_equal(HA_NODE->n_row, 1);
	assert_int_equal(HA_NODE->row[0].coa.s_addr, ip(coa).s_addr);
	assert_int_equal(reg(w)->rec.coa.s_addr, ip(coa).s_addr);
}

/* Whoever was left last hears it, if it may. */
static void check_decided(struct world *w, const char *at, const char *left, bool done)
{
	check_legs(w, at, left, 2000);
	check_row(w, at);
	assert_int_not_equal(reg(w)->state, CORE_TENTATIVE);
	assert_int_equal(COUNT(tentative_done), done);
	assert_int_equal(COUNT(tentative_undone), !done);
}

static void check_done(struct world *w)
{
	check_decided(w, C2, C1, true);
}

static void check_undone(struct world *w)
{
	check_decided(w, C1, C2, false);
}

static void check_revoked(struct world *w, const char *coa)
{
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 1);
	assert_int_equal(sent_by(w, HA, WIRE_REVOKE, 0)->dst.s_addr, ip(coa).s_addr);
}

/* Steps 2 and 3: accepted, and yet the one before is sent to; then it counts. */
static void test_counts_in_time(void **state)
{
	struct world *w = *state;

	try_second(w);
	check_tentative(w);
	run(w, 4900 * MSEC);
	check_tentative(w);
	run(w, 200 * MSEC);
	check_done(w);
	check_revoked(w, C1);
	run(w, 590 * SEC);
	assert_int_equal(n_regs(HA_NODE), 1);
	run(w, 10 * SEC);
	assert_int_equal(n_regs(HA_NODE) + HA_NODE->n_kernel, 0);
}

static void test_undone_in_time(void **state)
{
	struct world *w = *state;
	struct rrq r;

	HA_NODE->net[RED].tentative_back = true;
	assert_int_equal(join(w, C1), 0);
	run(w, SEC);
	r = rrq_by(w, C2);
	assert_int_equal(reply_code(w, &r), 0);
	check_tentative(w);
	run(w, 5 * SEC);
	check_undone(w);
	check_revoked(w, C2);
	/* What was accepted isn't again, and what was under way comes late. */
	assert_int_equal(reply_code(w, &r), WIRE_CODE_HA_ID_MISMATCH);
	r = rrq_by(w, C2);
	r.f.home = reg(w)->rec.home;
	assert_int_equal(reply_code(w, &r), WIRE_CODE_HA_ADMIN_PROHIBITED);
	/* The first one's lifetime goes on, as it was. */
	run(w, 593 * SEC);
	assert_int_equal(n_regs(HA_NODE), 1);
	run(w, 2 * SEC);
	assert_int_equal(n_regs(HA_NODE) + HA_NODE->n_kernel, 0);
}

static void test_second_renews(void **state)
{
	struct world *w = *state;

	try_second(w);
	run(w, SEC);
	assert_int_equal(join(w, C2), 0);
	check_done(w);
	check_revoked(w, C1);
	run(w, 5 * SEC);
	assert_int_equal(COUNT(tentative_done), 1);
}

static void test_first_leaves(void **state)
{
	struct world *w = *state;

	try_second(w);
	assert_int_equal(leave(w, C1), 0);
	check_done(w);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 0);	/* it knows */
}

/* s11.1, step 4: the notification of movement, in which the text says no more than a text. */
static void test_first_notifies(void **state)
{
	struct wire_notify notify = { .direction = WIRE_FA_TO_HA, .flags = WIRE_NOTIFY_A, .ha = ip("192.0.2.1"),
				      .coa = ip(C1) };
	struct world *w = *state;
	struct wire_msg msg;
	struct wire_out out;

	try_second(w);
	notify.home = reg(w)->rec.home;
	notify.id = ntp_of(HA_NODE);
	wire_put_notify(&out, &notify);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA2));	/* another one's word */
	inject(HA_NODE, C1, "192.0.2.1", out.buf, out.len);
	check_tentative(w);
	wire_put_notify(&out, &notify);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	inject(HA_NODE, C1, "192.0.2.1", out.buf, out.len);
	check_done(w);
	assert_int_equal(wire_parse(sent_by(w, HA, WIRE_NOTIFY_ACK, 0)->data,
				    sent_by(w, HA, WIRE_NOTIFY_ACK, 0)->len, &msg), WIRE_OK);
	assert_int_equal(msg.notify_ack.code, WIRE_NOTIFY_OK);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 0);	/* step 3 */
}

static void say_revoked(struct world *w, const char *coa, uint32_t ahead)
{
	struct wire_revoke revoke = { .home = reg(w)->rec.home, .ha = ip("192.0.2.1"), .coa = ip(coa),
				      .id = (ntp_of(HA_NODE) >> 32) + ahead };
	struct wire_out out;

	wire_put_revoke(&out, &revoke);
	wire_put_nai(&out, NAI);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(strcmp(coa, C1) ? PMA2 : PMA1));
	inject(HA_NODE, coa, "192.0.2.1", out.buf, out.len);
	run(w, MSEC);
}

static void test_first_revokes(void **state)
{
	struct world *w = *state;

	try_second(w);
	say_revoked(w, C1, -1);			/* from before it registered the device */
	assert_int_equal(COUNT(drop_revocation_invalid), 1);
	check_tentative(w);
	say_revoked(w, C1, 1);
	check_done(w);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE_ACK), 1);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 0);
	assert_int_equal(reg(w)->state, CORE_BOUND);
}

static void test_second_leaves(void **state)
{
	struct world *w = *state;

	try_second(w);
	assert_int_equal(leave(w, C2), 0);
	check_undone(w);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 0);
	assert_int_equal(leave(w, C1), 0);
	assert_int_equal(n_regs(HA_NODE) + HA_NODE->n_kernel, 0);
}

static void test_second_revokes(void **state)
{
	struct world *w = *state;

	try_second(w);
	say_revoked(w, C2, 1);
	check_undone(w);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE_ACK), 1);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 0);
}

/* It is where it was: what the first agent had under way when it left says nothing, a later request does. */
static void test_first_renews(void **state)
{
	struct world *w = *state;
	struct rrq r;

	try_second(w);
	r = rrq_by(w, C1);
	r.f.home = reg(w)->rec.home;
	assert_int_equal(reply_code(w, &r), WIRE_CODE_HA_ADMIN_PROHIBITED);
	check_tentative(w);
	run(w, LATE);
	check_tentative(w);
	HA_NODE->fail_bind = ENOMEM;
	assert_int_equal(join(w, C1), WIRE_CODE_HA_NO_RESOURCES);
	check_tentative(w);
	assert_int_equal(join(w, C1), 0);
	check_legs(w, C1, C2, 2000);
	check_row(w, C1);
	check_revoked(w, C2);
	assert_int_not_equal(reg(w)->state, CORE_TENTATIVE);
	run(w, 10 * SEC);
	assert_int_equal(HA_NODE->kernel[0].n_legs, 1);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip(C1).s_addr);
}

/* It goes on to a third one before the second is known to have it. */
static void test_third(void **state)
{
	struct world *w = *state;

	try_second(w);
	run(w, 4 * SEC);
	assert_int_equal(join(w, C3), 0);
	check_legs(w, C1, C3, 0);
	check_legs(w, C1, C2, 2000);
	check_revoked(w, C2);
	run(w, 4 * SEC);
	assert_int_equal(reg(w)->state, CORE_TENTATIVE);
	run(w, SEC);
	check_legs(w, C3, C1, 2000);
	check_row(w, C3);
	assert_int_equal(COUNT(tentative_done), 1);
	assert_int_equal(COUNT(handovers), 2);
}

static void test_fails(void **state)
{
	struct world *w = *state;

	assert_int_equal(join(w, C1), 0);
	run(w, SEC);
	HA_NODE->fail_store = ENOSPC;
	assert_int_equal(join(w, C2), WIRE_CODE_HA_NO_RESOURCES);
	check_row(w, C1);
	assert_int_equal(reg(w)->state, CORE_BOUND);
	assert_int_equal(HA_NODE->kernel[0].n_legs, 1);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip(C1).s_addr);
}

/* The next life knows the row only. */
static void test_restart(void **state)
{
	struct world *w = *state;

	try_second(w);
	check_tentative(w);
	node_restart(HA_NODE);
	run(w, SEC);
	check_row(w, C2);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip(C2).s_addr);
	assert_int_not_equal(reg(w)->state, CORE_TENTATIVE);
}

/* Whichever lifetime ends first. */
static void test_lifetimes(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_by(w, C1);

	HA_NODE->net[RED].tentative_ms = 60000;
	r.f.lifetime = 30;
	assert_int_equal(reply_code(w, &r), 0);
	run(w, 20 * SEC);
	r = rrq_by(w, C2);
	r.f.lifetime = 40;
	assert_int_equal(reply_code(w, &r), 0);
	check_tentative(w);
	run(w, 10 * SEC);		/* nobody to go back to */
	check_done(w);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 0);
	r = rrq_by(w, C1);
	assert_int_equal(reply_code(w, &r), 0);
	assert_int_equal(reg(w)->state, CORE_TENTATIVE);
	run(w, LATE);
	r = rrq_by(w, C3);
	r.f.lifetime = 30;
	assert_int_equal(reply_code(w, &r), 0);
	run(w, 27 * SEC);
	assert_int_equal(reg(w)->state, CORE_TENTATIVE);
	run(w, SEC);			/* the second one's has ended: it is at the third */
	assert_int_equal(COUNT(tentative_done), 2);
	run(w, 3 * SEC);
	assert_int_equal(n_regs(HA_NODE) + HA_NODE->n_kernel, 0);
	assert_int_equal(COUNT(expired), 1);

	r = rrq_by(w, C1);
	assert_int_equal(reply_code(w, &r), 0);
	run(w, SEC);
	r = rrq_by(w, C2);
	r.f.lifetime = 30;
	assert_int_equal(reply_code(w, &r), 0);
	run(w, 30 * SEC);		/* the second one's has: it is at the first */
	assert_int_equal(COUNT(tentative_undone), 1);
	check_row(w, C1);
}

/* The operator ends it: the agent before has it as well, and is told as well. */
static void test_withdrawn(void **state)
{
	struct core_event ev = { .type = CORE_EV_REVOKE };
	unsigned int told[2] = { 0 };
	struct world *w = *state;
	struct in_addr home;
	struct wire_msg msg;
	struct rrq other;

	for (int by_peer = 0; by_peer < 2; by_peer++) {
		try_second(w);
		home = reg(w)->rec.home;
		ev.revoke = (struct core_which){ .all = !by_peer };
		if (by_peer)
			ev.revoke.peer = ip(C1);	/* which isn't the one in the record */
		assert_int_equal(core_revocable(HA_NODE->core, &ev.revoke), 1);
		w->deaf = 1U << PMA1;
		event(HA_NODE, &ev);
		assert_null(reg(w));
		run(w, 20 * SEC);
		/* The second one has heard, and the first hasn't: nobody gets what that serves. */
		other = rrq_from(w, PMA2, "e@red.example");
		other.f.home = home;
		assert_int_equal(reply_code(w, &other), WIRE_CODE_HA_ADMIN_PROHIBITED);
		w->deaf = 0;
		run(w, 200 * SEC);
		for (unsigned int i = 0; sent_by(w, HA, WIRE_REVOKE, i); i++) {
			const struct sent *s = sent_by(w, HA, WIRE_REVOKE, i);

			assert_int_equal(wire_parse(s->data, s->len, &msg), WIRE_OK);
			told[msg.revoke.coa.s_addr == ip(C1).s_addr]++;
		}
		assert_int_equal(told[0] > 0, true);
		assert_int_equal(told[1] > 4, true);
		assert_int_equal(HA_NODE->n_row, 0);
		other.f.id = ntp_of(HA_NODE);
		assert_int_equal(reply_code(w, &other), 0);
		other.f.lifetime = 0;
		other.f.id = ntp_of(HA_NODE) + 1;
		assert_int_equal(reply_code(w, &other), 0);
		run(w, 30 * SEC);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, end_world)
	const struct CMUnitTest tests[] = { T(counts_in_time), T(undone_in_time), T(second_renews), T(first_leaves),
					   T(first_notifies), T(first_revokes), T(second_leaves), T(second_revokes),
					   T(first_renews), T(third), T(fails), T(restart), T(lifetimes),
					   T(withdrawn) };

	return cmocka_run_group_tests_name("core: tentative handovers", tests, NULL, NULL);
}
