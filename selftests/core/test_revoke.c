// SPDX-License-Identifier: GPL-2.0-only
/* Revocations that aren't about a handover (RFC 3543): a PMA's, an HA's, the I bit, and many at once. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define COUNT(n, field)	(core_counters(w->node[n].core)->field)
#define NAI_A		"a@red.example"

static int setup(void **state)
{
	*state = world_new(11);
	return 0;
}

static void on_pma1(struct world *w)
{
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_true(P1->dev[DEV].attached);
}

static void parse(const struct sent *s, struct wire_msg *msg)
{
	assert_non_null(s);
	assert_int_equal(wire_parse(s->data, s->len, msg), WIRE_OK);
}

static uint32_t seconds(const struct node *n)
{
	return ntp_of(n) >> 32;
}

static void nothing_is_left(struct world *w)
{
	for (int i = 0; i < NODES; i++)
		assert_int_equal(w->node[i].n_kernel + w->node[i].n_row + n_regs(&w->node[i]), 0);
}

static void test_pma_revokes(void **state)
{
	struct world *w = *state;
	const struct sent *rev;
	struct wire_msg msg;
	uint32_t registered;
	uint16_t flags;
	char nai[64], got[WIRE_NAI_MAX + 1];

	on_pma1(w);
	parse(sent_by(w, PMA1, WIRE_RRQ, 0), &msg);
	assert_true(wire_get_revsup(&msg, &flags, &registered));
	/* Nothing of ours can tell a device that knows nothing of mobility: [3543-3.2-9] */
	assert_int_equal(flags, 0);
	run(w, 5 * SEC);
	detach(P1, DEV, 3, CORE_DETACH_ADMIN);
	assert_int_equal(P1->n_kernel, 0);
	assert_int_equal(device(P1, DEV)->state, CORE_REVOKING);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 1);

	rev = sent_by(w, PMA1, WIRE_REVOKE, 0);
	parse(rev, &msg);
	assert_int_equal(rev->src.s_addr, ip("198.51.100.1").s_addr);
	assert_int_equal(rev->dst.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(rev->dport, WIRE_PORT);
	/* A and I: [3543-4.2.3.1-4] [3543-4.2.3.1-3] */
	assert_int_equal(msg.revoke.flags, 0);
	assert_int_equal(msg.revoke.home.s_addr, ha_reg(w)->rec.home.s_addr);
	assert_int_equal(msg.revoke.ha.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(msg.revoke.coa.s_addr, ip("198.51.100.1").s_addr);
	/* By the clock of its ext. 137: [3543-4.2.3.1-5] */
	assert_int_equal(msg.revoke.id, seconds(P1));
	assert_int_equal(msg.revoke.id - registered, 5);
	assert_true(wire_get_nai(&msg, got));
	assert_string_equal(got, nai_of(DEV, nai));
	/* [3543-4.2.3.1-6] */
	assert_true(wire_auth_ok(&msg, wire_find(&msg, WIRE_EXT_FHAE, 0), sa_of(PMA1)));

	run(w, RTT);
	assert_null(ha_reg(w));
	assert_int_equal(HA_NODE->n_kernel, 0);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE_ACK), 1);
	run(w, 20 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_REVOKE), 1);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 1);
	nothing_is_left(w);
}

/* Nobody hears it. */
static void test_unheard(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	uint32_t last = 0;
	uint64_t first;

	on_pma1(w);
	run(w, 5 * SEC);
	w->cut = WIRE_REVOKE;
	detach(P1, DEV, 3, CORE_DETACH_PORT);
	assert_int_equal(P1->dev[DEV].n_gone, 1);
	first = sent_by(w, PMA1, WIRE_REVOKE, 0)->at;
	run(w, 100 * SEC);
	/* [3543-4.2.3.1-7] */
	assert_int_equal(n_sent(w, PMA1, WIRE_REVOKE), 5);
	for (int i = 4; i >= 0; i--) {
		const struct sent *s = sent_by(w, PMA1, WIRE_REVOKE, i);

		/* [3543-3.3-10] [3543-4.2.3.1-9] [3543-4.2.3.1-10] */
		assert_int_equal(s->at, first + ((1ULL << (4 - i)) - 1) * SEC);
		parse(s, &msg);
		/* [3543-4.2.3.1-8] */
		assert_true(!last || msg.revoke.id - last == 1U << (3 - i));
		last = msg.revoke.id;
		assert_true(wire_auth_ok(&msg, wire_find(&msg, WIRE_EXT_FHAE, 0), sa_of(PMA1)));
	}
	assert_null(device(P1, DEV));
	assert_int_equal(P1->n_row, 0);
	assert_non_null(ha_reg(w));	/* its lifetime ends it there */
	run(w, 620 * SEC);
	nothing_is_left(w);
}

/* An answer that took longer than the pause before the next try is one, too. */
static void test_late_answer(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	run(w, 5 * SEC);
	w->delay = 700 * MSEC;
	detach(P1, DEV, 3, CORE_DETACH_ADMIN);
	run(w, 1500 * MSEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_REVOKE), 2);
	assert_null(ha_reg(w));
	assert_int_equal(P1->n_row, 0);
	run(w, 20 * SEC);
	/* The second copy found nothing, and was acknowledged: it is so. */
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE_ACK), 2);
	assert_int_equal(n_sent(w, PMA1, WIRE_REVOKE), 2);
	nothing_is_left(w);
}

static void test_not_beyond_its_lifetime(void **state)
{
	struct world *w = *state;
	uint64_t end;

	on_pma1(w);
	end = w->now - RTT + 600 * SEC;
	w->cut = WIRE_RRQ;
	run(w, end - 5 * SEC - w->now);
	w->cut = WIRE_REVOKE;
	detach(P1, DEV, 3, CORE_DETACH_ADMIN);
	run(w, 60 * SEC);
	/* At 0, 1 and 3 s, or a second later after a request: [3543-3.3-9] [3543-4.2.3.1-11] */
	assert_in_range(n_sent(w, PMA1, WIRE_REVOKE), 2, 3);
	assert_true(sent_by(w, PMA1, WIRE_REVOKE, 0)->at < end);
	assert_null(device(P1, DEV));
	assert_int_equal(P1->n_row, 0);
}

/* RFC 3543 s3.3 counts registrations and revocations of a binding together. */
static void test_one_a_second(void **state)
{
	struct world *w = *state;
	uint64_t asked, revoked;

	on_pma1(w);
	asked = sent_by(w, PMA1, WIRE_RRQ, 0)->at;
	detach(P1, DEV, 3, CORE_DETACH_ADMIN);
	assert_null(sent_by(w, PMA1, WIRE_REVOKE, 0));
	run(w, 2 * SEC);
	revoked = sent_by(w, PMA1, WIRE_REVOKE, 0)->at;
	/* [3543-3.3-10] [3543-3.3-11] [3543-4.2.3.1-9] */
	assert_int_equal(revoked, asked + SEC);
	assert_null(ha_reg(w));

	on_pma1(w);
	run(w, 5 * SEC);
	detach(P1, DEV, 3, CORE_DETACH_ADMIN);
	revoked = sent_by(w, PMA1, WIRE_REVOKE, 0)->at;
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 2 * SEC);
	assert_int_equal(sent_by(w, PMA1, WIRE_RRQ, 0)->at, revoked + SEC);
	assert_true(P1->dev[DEV].attached);
	assert_int_equal(n_sent(w, PMA1, WIRE_REVOKE), 2);
	assert_non_null(ha_reg(w));
	assert_int_equal(COUNT(HA, denied), 0);		/* later than what was revoked */
}

/* Back while nobody has heard that it was to leave: it is as if nothing had been said. */
static void test_back(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	run(w, 5 * SEC);
	w->cut = WIRE_REVOKE;
	detach(P1, DEV, 3, CORE_DETACH_ADMIN);
	run(w, 10 * SEC);
	attach(P1, DEV, 4, CORE_TRIGGER_DHCP, NULL);
	w->cut = 0;
	run(w, 60 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_REVOKE), 4);
	assert_int_equal(device(P1, DEV)->state, CORE_BOUND);
	assert_int_equal(HA_NODE->n_kernel, 1);
	assert_int_equal(HA_NODE->kernel[0].leg[0].key_out, P1->kernel[0].leg[0].key_in);
}

/* [trap] The device is at another PMA by now, and the old one says late that it doesn't serve it. */
static void test_late_for_the_next_pma(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	struct sent copy;

	on_pma1(w);
	run(w, 5 * SEC);
	w->cut = WIRE_REVOKE;
	detach(P1, DEV, 3, CORE_DETACH_ADMIN);
	copy = *sent_by(w, PMA1, WIRE_REVOKE, 0);
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 2 * SEC);
	w->cut = 0;
	run(w, 30 * SEC);
	parse(sent_by(w, PMA1, WIRE_REVOKE, 0), &msg);
	assert_true(n_sent(w, PMA1, WIRE_REVOKE) > 1);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE_ACK), 1);
	/* [3543-4.2.3.2-2] */
	assert_int_equal(HA_NODE->n_kernel, 1);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.2").s_addr);
	assert_int_equal(device(P2, DEV)->state, CORE_BOUND);
	assert_null(device(P1, DEV));

	/* And back: what PMA1 said then isn't about what it registers now. */
	on_pma1(w);
	inject(HA_NODE, "198.51.100.1", "192.0.2.1", copy.data, copy.len);
	/* [3543-4.2.3.2-3] [3543-3.5-4] */
	assert_int_equal(COUNT(HA, drop_revocation_invalid), 1);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.1").s_addr);
}

static void revoke_by_hand(struct world *w, const struct wire_revoke *r, struct wire_msg *ack)
{
	struct wire_out out = { .len = 0 };

	wire_put_revoke(&out, r);
	wire_put_nai(&out, NAI_A);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	inject(HA_NODE, "198.51.100.1", "192.0.2.1", out.buf, out.len);
	run(w, MSEC);
	parse(sent_by(w, HA, WIRE_REVOKE_ACK, 0), ack);
	assert_int_equal(ack->ack.id, r->id);
}

/* A request that the revocation has overtaken must not register the device where it is no longer served. */
static void overtakes(struct world *w, uint64_t after)
{
	struct wire_revoke r;
	struct wire_out out;
	struct rrq before, later;
	struct wire_msg msg;

	before = rrq_from(w, PMA1, NAI_A);
	assert_true(ask(w, &before, &msg));
	r = (struct wire_revoke){ .home = msg.rrp.home, .ha = ip("192.0.2.1"), .coa = ip("198.51.100.1") };
	run(w, after);
	before = rrq_from(w, PMA1, NAI_A);	/* a refresh, on its way for long */
	run(w, SEC);
	r.id = seconds(HA_NODE);
	memset(&out, 0, sizeof(out));
	wire_put_revoke(&out, &r);
	wire_put_nai(&out, NAI_A);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	inject(HA_NODE, "198.51.100.1", "192.0.2.1", out.buf, out.len);
	run(w, MSEC);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE_ACK), 1);

	/* [3543-4.2.3.2-3], the other way round */
	assert_true(ask(w, &before, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	node_restart(HA_NODE);
	assert_true(ask(w, &before, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	assert_int_equal(HA_NODE->n_kernel, 0);

	/* What is later is another matter, and another PMA another one in any case. */
	before.f.coa = ip("198.51.100.2");
	before.src = "198.51.100.2";
	before.sa = sa_of(PMA2);
	assert_true(ask(w, &before, &msg));
	assert_int_equal(msg.rrp.code, 0);
	run(w, SEC);
	later = rrq_from(w, PMA1, NAI_A);
	assert_true(ask(w, &later, &msg));
	assert_int_equal(msg.rrp.code, 0);
}

static void test_overtakes_a_request(void **state)
{
	overtakes(*state, 2 * SEC);
}

/* The last request that was accepted is older than the replay protection has to remember. */
static void test_overtakes_a_late_refresh(void **state)
{
	struct world *w = *state;
	struct wire_revoke r = { .ha = ip("192.0.2.1"), .coa = ip("198.51.100.1") };
	struct wire_msg msg;
	struct rrq ahead;

	overtakes(w, 30 * SEC);
	run(w, 30 * SEC);

	/* By a PMA whose clock is as far ahead as may be, until the last moment. */
	r.home = find(HA_NODE, NAI_A)->rec.home;
	ahead = rrq_from(w, PMA1, NAI_A);
	ahead.f.id += 7ULL << 32;
	r.id = ahead.revsup_time + 8;
	revoke_by_hand(w, &r, &msg);
	assert_null(find(HA_NODE, NAI_A));
	for (int i = 0; i < 14; i++) {
		assert_true(ask(w, &ahead, &msg));
		assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
		if (i == 5)
			node_restart(HA_NODE);
		run(w, SEC);
	}
	run(w, 2 * SEC);
	assert_int_equal(HA_NODE->n_row, 0);
}

/* What wasn't agreed on, or isn't wanted, or is the device's own end, is a deregistration. */
static void test_deregistered(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;

	for (int i = 0; i < 4; i++) {
		HA_NODE->peer[0].revocation = i != 0;
		P1->peer[0].deregister = i == 1;
		on_pma1(w);
		run(w, 5 * SEC);
		if (i == 3)		/* RFC 3543 s4.2.4 */
			detach(P1, DEV, 3, CORE_DETACH_RELEASE);
		else
			detach(P1, DEV, 3, CORE_DETACH_ADMIN);
		run(w, 20 * SEC);
		/* [3543-4.2.1-2] */
		assert_int_equal(n_sent(w, PMA1, WIRE_REVOKE), i >= 2);
		parse(sent_by(w, PMA1, WIRE_RRQ, 0), &msg);
		assert_int_equal(msg.rrq.lifetime, i == 2 ? 600 : 0);
		nothing_is_left(w);
	}
}

/* Killed while it was at it: the next life deregisters. */
static void test_restart(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;

	on_pma1(w);
	run(w, 5 * SEC);
	w->cut = WIRE_REVOKE;
	detach(P1, DEV, 3, CORE_DETACH_ADMIN);
	run(w, SEC);
	node_restart(P1);
	run(w, 20 * SEC);
	parse(sent_by(w, PMA1, WIRE_RRQ, 0), &msg);
	assert_int_equal(msg.rrq.lifetime, 0);
	nothing_is_left(w);
}

/* ---- the HA ends it ---- */

static void withdraw(struct node *n, const char *nai, const char *peer)
{
	struct core_event ev = { .type = CORE_EV_REVOKE };

	ev.revoke.nai = nai;
	if (peer)
		ev.revoke.peer = ip(peer);
	ev.revoke.all = !nai && !peer;
	event(n, &ev);
}

/* What says nothing doesn't say that everything is meant. */
static void test_nothing_is_meant(void **state)
{
	struct core_event ev = { .type = CORE_EV_REVOKE };
	struct world *w = *state;

	on_pma1(w);
	run(w, 2 * SEC);
	assert_int_equal(core_revocable(HA_NODE->core, &ev.revoke), 0);
	event(HA_NODE, &ev);
	run(w, 2 * SEC);
	assert_non_null(ha_reg(w));
	ev.revoke.all = true;
	assert_int_equal(core_revocable(HA_NODE->core, &ev.revoke), 1);
	event(HA_NODE, &ev);
	assert_null(ha_reg(w));
}

static void test_by_ha(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	struct in_addr home;
	struct rrq r;
	char nai[64];

	on_pma1(w);
	run(w, 5 * SEC);
	withdraw(HA_NODE, nai_of(DEV, nai), NULL);
	assert_null(ha_reg(w));
	assert_int_equal(HA_NODE->n_kernel, 0);
	/* [3543-4.2.2.1-1] [3543-4.2.2.1-2] */
	parse(sent_by(w, HA, WIRE_REVOKE, 0), &msg);
	assert_int_equal(msg.revoke.flags, WIRE_REVOKE_A);
	run(w, RTT);
	assert_int_equal(n_served(P1) + P1->n_row, 0);
	assert_int_equal(P1->dev[DEV].n_gone, 1);
	run(w, 20 * SEC);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 1);
	nothing_is_left(w);

	/* Unheard, longer than the memory of Identifications: repeated, and then nothing is left either. */
	on_pma1(w);
	run(w, 30 * SEC);
	w->deaf = 1U << PMA1;
	home = ha_reg(w)->rec.home;
	withdraw(HA_NODE, nai, NULL);
	run(w, 20 * SEC);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 1 + 5);
	/* PMA1 serves it still, so nobody else gets its address. */
	r = rrq_from(w, PMA2, "b@red.example");
	r.f.home = home;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ADMIN_PROHIBITED);
	assert_int_equal(HA_NODE->n_row, 1);	/* a tombstone, should the agent be killed now */
	assert_true(HA_NODE->row[0].tombstone);
	run(w, 200 * SEC);
	/* [3543-4.2.2.1-7] */
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 1 + 7);
	assert_int_equal(HA_NODE->n_row, 0);
	r.f.id = ntp_of(HA_NODE);
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
}

/* Its own address is kept for it, and given back when it takes another. */
static void test_by_ha_and_back(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	struct in_addr home;
	struct rrq r;

	for (int i = 0; i < 2; i++) {
		r = rrq_from(w, PMA1, NAI_A);
		assert_true(ask(w, &r, &msg));
		home = msg.rrp.home;
		run(w, SEC);
		w->deaf = 1U << PMA1;
		withdraw(HA_NODE, NAI_A, NULL);
		run(w, SEC);
		w->deaf = 0;
		r = rrq_from(w, PMA2, NAI_A);
		if (i)
			r.f.home = ip("10.0.0.77");
		assert_true(ask(w, &r, &msg));
		assert_int_equal(msg.rrp.code, 0);
		assert_int_equal(msg.rrp.home.s_addr, i ? r.f.home.s_addr : home.s_addr);
		run(w, 2 * SEC);
	}
	r = rrq_from(w, PMA1, "b@red.example");
	r.f.home = home;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	r = rrq_from(w, PMA1, "c@red.example");
	r.f.home = ip("10.0.0.77");
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ADMIN_PROHIBITED);
}

/* Who hasn't heard of it refreshes: that doesn't bring it back. */
static void test_by_ha_and_refreshed(void **state)
{
	struct world *w = *state;
	struct in_addr home;
	struct wire_msg msg;
	struct rrq r;

	r = rrq_from(w, PMA1, NAI_A);
	assert_true(ask(w, &r, &msg));
	home = msg.rrp.home;
	run(w, 5 * SEC);
	w->deaf = 1U << PMA1;
	withdraw(HA_NODE, NAI_A, NULL);
	for (int i = 0; i < 2; i++) {
		run(w, MSEC);
		r = rrq_from(w, PMA1, NAI_A);
		r.f.home = home;
		assert_true(ask(w, &r, &msg));
		assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ADMIN_PROHIBITED);
		assert_null(find(HA_NODE, NAI_A));
		run(w, 10 * SEC);
	}
	assert_true(n_sent(w, HA, WIRE_REVOKE) > 3);

	/* A new attach has a new key. What is on its way to be stored isn't revoked meanwhile. */
	r = rrq_from(w, PMA1, NAI_A);
	r.key++;
	HA_NODE->hold = true;
	for (unsigned int before = n_sent(w, HA, WIRE_REVOKE), once = 1; once; once = 0) {
		struct wire_out out;

		memset(&out, 0, sizeof(out));
		rrq_build(&out, &r);
		inject(HA_NODE, r.src, r.dst, out.buf, out.len);
		run(w, 40 * SEC);
		assert_int_equal(n_sent(w, HA, WIRE_REVOKE), before);
	}
	release(HA_NODE);
	run(w, SEC);
	assert_non_null(find(HA_NODE, NAI_A));
}

/* It was to get another address, and the store fails: what it had is another's by then. */
static void test_by_ha_and_not_back(void **state)
{
	struct world *w = *state;
	struct wire_out out;
	struct in_addr home;
	struct wire_msg msg;
	struct rrq r;

	for (int taken = 0; taken < 2; taken++) {
		r = rrq_from(w, PMA1, NAI_A);
		assert_true(ask(w, &r, &msg));
		assert_int_equal(msg.rrp.code, 0);
		home = msg.rrp.home;
		run(w, SEC);
		w->deaf = 1U << PMA1;
		withdraw(HA_NODE, NAI_A, NULL);
		run(w, SEC);
		r = rrq_from(w, PMA2, NAI_A);
		r.f.home = ip("10.0.0.77");
		HA_NODE->hold = true;
		HA_NODE->fail_store = ENOSPC;
		memset(&out, 0, sizeof(out));
		rrq_build(&out, &r);
		inject(HA_NODE, r.src, r.dst, out.buf, out.len);
		run(w, MSEC);
		if (taken) {
			r = rrq_from(w, PMA2, "b@red.example");
			r.f.home = home;
			memset(&out, 0, sizeof(out));
			rrq_build(&out, &r);
			inject(HA_NODE, r.src, r.dst, out.buf, out.len);
			run(w, MSEC);
		}
		release(HA_NODE);
		run(w, SEC);
		assert_null(find(HA_NODE, NAI_A));
		if (taken) {
			assert_non_null(find(HA_NODE, "b@red.example"));
			node_restart(HA_NODE);
			assert_non_null(find(HA_NODE, "b@red.example"));
			run(w, 150 * SEC);
		}
		/* Its own PMA hasn't heard, or the other device has it. */
		r = rrq_from(w, PMA2, "c@red.example");
		r.f.home = home;
		assert_true(ask(w, &r, &msg));
		assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ADMIN_PROHIBITED);
		w->deaf = 0;
		run(w, 140 * SEC);
	}
}

/* Killed while its agent hadn't heard: the next life goes on. */
static void test_by_ha_and_killed(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	struct rrq r;
	char nai[64];

	on_pma1(w);
	run(w, 5 * SEC);
	w->deaf = 1U << PMA1;
	withdraw(HA_NODE, nai_of(DEV, nai), NULL);
	run(w, 2 * SEC);
	node_restart(HA_NODE);
	assert_null(ha_reg(w));
	assert_int_equal(HA_NODE->n_kernel, 0);
	r = rrq_from(w, PMA2, "b@red.example");
	r.f.home = P1->dev[DEV].home;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ADMIN_PROHIBITED);
	w->deaf = 0;
	run(w, 3 * SEC);
	assert_int_equal(n_served(P1) + P1->n_row, 0);
	r.f.id = ntp_of(HA_NODE);
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
}

/* While kernel and store are at it: then, and not when it comes to nothing. */
static void test_by_ha_while_busy(void **state)
{
	struct world *w = *state;
	char nai[64];

	nai_of(DEV, nai);
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	HA_NODE->hold = true;
	run(w, RTT);
	assert_int_equal(ha_reg(w)->state, CORE_BINDING);
	withdraw(HA_NODE, nai, NULL);
	assert_non_null(ha_reg(w));
	release(HA_NODE);
	run(w, SEC);
	assert_null(ha_reg(w));
	assert_int_equal(n_served(P1), 0);
	/* It was about what there was. */
	run(w, 5 * SEC);
	on_pma1(w);
	run(w, 5 * SEC);
	assert_non_null(ha_reg(w));
}

/* ---- the I bit: an HA decides, if that is offered ---- */

static struct in_addr join(struct world *w, int pma, bool inform)
{
	struct rrq r = rrq_from(w, pma, NAI_A);
	struct wire_msg msg;
	uint32_t time;
	uint16_t flags;

	r.inform = inform;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_true(wire_get_revsup(&msg, &flags, &time));
	assert_int_equal(flags, inform ? WIRE_REVSUP_I : 0);
	run(w, 2 * SEC);
	return msg.rrp.home;
}

static void test_inform(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;

	for (int inform = 0; inform < 2; inform++) {
		/* Without service the device had better know: [3543-4.2.2.1-3], and not unless agreed: [3543-3.3-2] */
		join(w, PMA1, inform);
		withdraw(HA_NODE, NAI_A, NULL);
		parse(sent_by(w, HA, WIRE_REVOKE, 0), &msg);
		assert_int_equal(msg.revoke.flags, WIRE_REVOKE_A | (inform ? WIRE_REVOKE_I : 0));
		run(w, 20 * SEC);
		/* It has another agent, so it needn't: [3543-4.2.2.1-4] */
		join(w, PMA1, inform);
		join(w, PMA2, inform);
		parse(sent_by(w, HA, WIRE_REVOKE, 0), &msg);
		assert_int_equal(msg.revoke.coa.s_addr, ip("198.51.100.1").s_addr);
		assert_int_equal(msg.revoke.flags, WIRE_REVOKE_A);
		withdraw(HA_NODE, NAI_A, NULL);
		run(w, 20 * SEC);
	}
}

static void test_inform_answers(void **state)
{
	struct world *w = *state;
	struct wire_revoke r = { .ha = ip("192.0.2.1"), .coa = ip("198.51.100.1"), .flags = WIRE_REVOKE_I };
	struct wire_msg msg;

	r.home = join(w, PMA1, true);
	r.id = seconds(HA_NODE);
	for (int i = 0; i < 2; i++, r.id++) {
		/* [3543-4.2.3.2-5], once more if the answer was lost */
		revoke_by_hand(w, &r, &msg);
		assert_int_equal(msg.ack.flags, WIRE_REVOKE_ACK_I);
	}
	/* [3543-3.4-2] */
	r.flags = 0;
	revoke_by_hand(w, &r, &msg);
	assert_int_equal(msg.ack.flags, 0);

	/* It has another agent: [3543-4.2.3.2-6] */
	run(w, 20 * SEC);
	join(w, PMA1, true);
	join(w, PMA2, true);
	r.flags = WIRE_REVOKE_I;
	r.id = seconds(HA_NODE);
	revoke_by_hand(w, &r, &msg);
	assert_int_equal(msg.ack.flags, 0);
	assert_int_equal(HA_NODE->n_kernel, 1);
	withdraw(HA_NODE, NAI_A, NULL);
	run(w, 20 * SEC);

	/* Not agreed on, and asked all the same. */
	r.home = join(w, PMA1, false);
	r.id = seconds(HA_NODE);
	revoke_by_hand(w, &r, &msg);
	assert_int_equal(msg.ack.flags, 0);
	assert_int_equal(HA_NODE->n_kernel, 0);
}

/* ---- many at once ---- */

#define MANY	600
#define RATE	50

static void large_network(struct world *w)
{
	for (int i = 0; i < NODES; i++) {
		struct core_network *red = &w->node[i].net[RED];

		red->plen = 16;
		red->pool[0].first = ip("10.0.1.0");
		red->pool[0].last = ip("10.0.9.255");
		w->node[i].cfg.revocation_rate = RATE;
		node_restart(&w->node[i]);
	}
}

/* A device of its own for each @i, registered by @pma. */
static void register_nth(struct world *w, int i, int pma)
{
	struct wire_msg msg;
	struct rrq r;
	char nai[64];

	snprintf(nai, sizeof(nai), "%d@red.example", i);
	r = rrq_from(w, pma, nai);
	r.key = i + 1;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
}

static void test_many_by_ha(void **state)
{
	struct world *w = *state;
	struct core_which one = { .peer = ip("198.51.100.1") };
	uint64_t before, now;
	struct wire_msg msg;
	struct rrq r;

	large_network(w);
	for (int i = 0; i < MANY + 10; i++)
		register_nth(w, i, i < MANY ? PMA1 : PMA2);
	run(w, 2 * SEC);
	assert_int_equal(core_revocable(HA_NODE->core, &one), MANY);
	w->deaf = 1U << PMA1;		/* so that what is sent again counts as well */
	withdraw(HA_NODE, NULL, "198.51.100.1");
	assert_true(n_regs(HA_NODE) > MANY - 2 * RATE);		/* whoever isn't told yet is served */
	for (int tenths = 0; tenths < 400 && (n_regs(HA_NODE) > 10 || tenths < 60); tenths++) {
		before = COUNT(HA, revoke_sent);
		run(w, SEC / 10);
		now = COUNT(HA, revoke_sent);
		assert_true(now - before <= 2 * RATE / 10 + 1);
		if (tenths > 10)
			assert_true(now <= (tenths + 2U) * RATE / 10 + RATE / 10 + 1);
		if (tenths == 50)
			w->deaf = 0;
	}
	assert_true(COUNT(HA, retransmitted) > RATE);
	assert_int_equal(n_regs(HA_NODE), 10);		/* of the other PMA */
	assert_int_equal(HA_NODE->n_kernel, 10);
	assert_int_equal(COUNT(HA, withdrawn), MANY);
	run(w, 100 * SEC);
	assert_int_equal(HA_NODE->n_row, 10);		/* all were acknowledged */
	now = COUNT(HA, revoke_sent);
	run(w, 100 * SEC);
	assert_int_equal(COUNT(HA, revoke_sent), now);

	/* What comes afterwards isn't meant. */
	r = rrq_from(w, PMA1, "1@red.example");
	assert_true(ask(w, &r, &msg));
	run(w, 10 * SEC);
	assert_int_equal(n_regs(HA_NODE), 11);
}

/* Who comes to that PMA after the command isn't meant, however long it has been registered. */
static void test_handed_over_since(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	struct rrq r;

	large_network(w);
	for (int i = 0; i <= 4 * RATE; i++)
		register_nth(w, i, i ? PMA1 : PMA2);
	run(w, 3 * SEC);
	w->deaf = 1U << PMA1;
	withdraw(HA_NODE, NULL, "198.51.100.1");
	run(w, SEC);
	assert_true(n_regs(HA_NODE) > RATE);	/* it is still going on */
	r = rrq_from(w, PMA1, "0@red.example");
	r.key = 1000;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	run(w, 30 * SEC);
	assert_int_equal(n_regs(HA_NODE), 1);
	assert_non_null(find(HA_NODE, "0@red.example"));
}

/* Who wanted to go to another one meanwhile, and couldn't, is still meant. */
static void test_not_handed_over_since(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	struct rrq r;
	char nai[32];
	int i;

	large_network(w);
	for (i = 0; i <= 4 * RATE; i++)
		register_nth(w, i, PMA1);
	run(w, 3 * SEC);
	w->deaf = 1U << PMA1;
	withdraw(HA_NODE, NULL, "198.51.100.1");
	run(w, SEC);
	do
		snprintf(nai, sizeof(nai), "%d@red.example", --i);
	while (!find(HA_NODE, nai));
	r = rrq_from(w, PMA2, nai);
	r.key = 1000;
	HA_NODE->fail_bind = EIO;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_UNSPECIFIED);
	assert_non_null(find(HA_NODE, nai));
	run(w, 30 * SEC);
	assert_int_equal(n_regs(HA_NODE), 0);
}

/* ... also if that shows when all others have been withdrawn. */
static void test_not_handed_over_yet(void **state)
{
	struct world *w = *state;
	struct wire_out out;
	struct rrq r;

	large_network(w);
	for (int i = 0; i < 10; i++)
		register_nth(w, i, PMA1);
	run(w, 3 * SEC);
	r = rrq_from(w, PMA2, "0@red.example");
	r.key = 1000;
	HA_NODE->hold = true;
	HA_NODE->fail_bind = EIO;
	rrq_build(&out, &r);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	withdraw(HA_NODE, NULL, "198.51.100.1");
	run(w, 10 * SEC);
	assert_non_null(find(HA_NODE, "0@red.example"));
	release(HA_NODE);
	run(w, 10 * SEC);
	assert_int_equal(n_regs(HA_NODE), 0);
}

/* Nobody is told by a revocation, or as many as there are at once: kernel and store aren't flooded either. */
static void test_not_all_at_once(void **state)
{
	struct world *w = *state;

	large_network(w);
	HA_NODE->cfg.revocation_rate = 0;
	node_restart(HA_NODE);
	for (int i = 0; i < 250; i++)
		register_nth(w, i, PMA1);
	run(w, 3 * SEC);
	withdraw(HA_NODE, NULL, NULL);
	assert_int_equal(n_regs(HA_NODE), 150);
	run(w, SEC / 10);
	assert_int_equal(n_regs(HA_NODE), 50);
	run(w, SEC / 10);
	assert_int_equal(n_regs(HA_NODE), 0);
	run(w, 10 * SEC);
	assert_int_equal(COUNT(HA, withdrawn), 250);
}

/* One queue doesn't keep the other PMA waiting. */
static void test_each_peer_by_itself(void **state)
{
	struct world *w = *state;

	large_network(w);
	for (int i = 0; i < 4 * RATE; i++)
		register_nth(w, i, i % 2 ? PMA1 : PMA2);
	run(w, 2 * SEC);
	withdraw(HA_NODE, NULL, NULL);
	run(w, 2300 * MSEC);
	assert_int_equal(n_regs(HA_NODE), 0);
	assert_int_equal(COUNT(HA, revoke_sent), 4 * RATE);
}

static void test_many_by_pma(void **state)
{
	struct world *w = *state;
	uint64_t before;

	large_network(w);
	for (int i = 0; i < 40; i++)
		attach(P1, i, 3, CORE_TRIGGER_API, NULL);
	run(w, 5 * SEC);
	assert_int_equal(n_served(P1), 40);
	withdraw(P1, NULL, "192.0.2.1");
	for (int tenths = 0; tenths < 20; tenths++) {
		before = COUNT(PMA1, revoke_sent);
		run(w, SEC / 10);
		assert_true(COUNT(PMA1, revoke_sent) - before <= RATE / 10 + 1);
	}
	for (int i = 0; i < 40; i++)
		assert_int_equal(P1->dev[i].n_gone, 1);
	assert_int_equal(COUNT(PMA1, revoke_sent), 40);
	run(w, 20 * SEC);
	nothing_is_left(w);

	/* Waiting for its turn, and back: it isn't told of any more. */
	for (int i = 0; i < 40; i++)
		attach(P1, i, 3, CORE_TRIGGER_API, NULL);
	run(w, 5 * SEC);
	before = COUNT(PMA1, revoke_sent);
	for (int i = 0; i < 40; i++)
		detach(P1, i, 3, CORE_DETACH_PORT);
	attach(P1, 39, 3, CORE_TRIGGER_API, NULL);
	run(w, 20 * SEC);
	assert_int_equal(COUNT(PMA1, revoke_sent) - before, 39);
	assert_int_equal(n_regs(HA_NODE), 1);
	assert_int_equal(n_served(P1), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, end_world)
	const struct CMUnitTest tests[] = {
		T(pma_revokes), T(unheard), T(late_answer), T(not_beyond_its_lifetime), T(one_a_second), T(back),
		T(late_for_the_next_pma), T(overtakes_a_request), T(overtakes_a_late_refresh),
		T(deregistered), T(restart), T(by_ha),
		T(nothing_is_meant), T(by_ha_and_back), T(by_ha_and_refreshed), T(by_ha_and_not_back),
		T(by_ha_and_killed), T(by_ha_while_busy), T(inform), T(inform_answers),
		T(many_by_ha), T(handed_over_since), T(not_handed_over_since), T(not_handed_over_yet),
		T(not_all_at_once), T(each_peer_by_itself), T(many_by_pma),
	};

	return cmocka_run_group_tests_name("core: revocations by either end", tests, NULL, NULL);
}
