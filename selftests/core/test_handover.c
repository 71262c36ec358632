// SPDX-License-Identifier: GPL-2.0-only
/* Handover and revocation (RFC 3543), HA and PMAs together. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define COUNT(n, field)	(core_counters(w->node[n].core)->field)

static int setup(void **state)
{
	*state = world_new(4);
	return 0;
}

static void on_pma1(struct world *w)
{
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_true(P1->dev[DEV].attached);
	run(w, 5 * SEC);
}

static void to_pma2(struct world *w)
{
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, RTT);
	assert_true(P2->dev[DEV].attached);
}

static void test_handover(void **state)
{
	struct world *w = *state;
	const struct sent *rrp, *rev;
	struct in_addr home;
	struct wire_msg msg;
	char nai[64], got[WIRE_NAI_MAX + 1];
	uint32_t given;
	uint64_t cookie;

	on_pma1(w);
	home = P1->dev[DEV].home;
	given = P1->row[0].peer_revsup;
	cookie = HA_NODE->kernel[0].cookie;
	to_pma2(w);

	/* The address stays, the same binding points elsewhere, with the new PMA's key. */
	assert_int_equal(P2->dev[DEV].home.s_addr, home.s_addr);
	assert_int_equal(HA_NODE->n_kernel, 1);
	assert_true(HA_NODE->kernel[0].exists);
	assert_true(HA_NODE->kernel[0].cookie == cookie);
	/* [5944-2.4.2-1] [5944-3.6-3] */
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.2").s_addr);
	assert_int_equal(HA_NODE->kernel[0].leg[0].key_out, P2->kernel[0].leg[0].key_in);
	assert_int_equal(HA_NODE->kernel[0].leg[0].key_in, P2->kernel[0].leg[0].key_out);

	/* Reply first, then the revocation, to where the device was. */
	rrp = sent_by(w, HA, WIRE_RRP, 0);
	rev = sent_by(w, HA, WIRE_REVOKE, 0);
	assert_true(rrp < rev);
	/* [3543-4.2.2.1-1] */
	assert_int_equal(rev->dst.s_addr, ip("198.51.100.1").s_addr);
	assert_int_equal(rev->src.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(rev->dport, WIRE_PORT);
	assert_int_equal(wire_parse(rev->data, rev->len, &msg), WIRE_OK);
	/* [3543-3.3-2] [3543-4.2.2.1-2] */
	assert_int_equal(msg.revoke.flags, WIRE_REVOKE_A);	/* I = 0: nobody needs to know */
	assert_int_equal(msg.revoke.home.s_addr, home.s_addr);
	assert_int_equal(msg.revoke.ha.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(msg.revoke.coa.s_addr, ip("198.51.100.1").s_addr);
	assert_true((int32_t)(msg.revoke.id - given) > 0);
	/* [3543-3.3-6] [3543-4.2.2.1-5] */
	assert_in_range(msg.revoke.id - (ntp_of(HA_NODE) >> 32), 0, 1);		/* its clock's time */
	assert_int_equal(msg.n_ext, 2);
	assert_true(wire_get_nai(&msg, got));
	assert_string_equal(got, nai_of(DEV, nai));
	assert_int_equal(msg.ext[1].type, WIRE_EXT_FHAE);
	/* [3543-3.3-7] [3543-4.2.2.1-6] [3543-6.2-1] */
	assert_true(wire_auth_ok(&msg, &msg.ext[1], sa_of(PMA1)));

	run(w, RTT);
	assert_int_equal(n_served(P1) + P1->n_row, 0);
	assert_int_equal(P1->dev[DEV].n_gone, 1);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 1);
	assert_int_equal(n_sent(w, PMA1, WIRE_REVOKE_ACK), 1);
	/* [3543-4.2.2.2-5] */
	assert_int_equal(ha_reg(w)->state, CORE_BOUND);
	assert_int_equal(COUNT(HA, handovers), 1);
	run(w, 300 * SEC);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 1);

	/* And back; the old PMA's deregistration comes late and harms nothing. */
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 15 * MSEC);
	detach(P2, DEV, 3, CORE_DETACH_PORT);
	run(w, SEC);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.1").s_addr);
	assert_int_equal(n_served(P2) + P2->n_row, 0);
	assert_true(P1->dev[DEV].attached);

	/* The device leaves for good: everything is empty. */
	run(w, SEC);
	detach(P1, DEV, 3, CORE_DETACH_RELEASE);
	run(w, 20 * SEC);
	for (int i = 0; i < NODES; i++)
		assert_int_equal(w->node[i].n_kernel + w->node[i].n_row + n_regs(&w->node[i]), 0);
}

/* protocol/security.md s4: NTP's era 0 ends in 2036, and a second later has a smaller number. */
static void test_era_ends(void **state)
{
	struct world *w = *state;
	const int64_t left = (1LL << 32) - (ntp_of(HA_NODE) >> 32);

	for (int i = 0; i < NODES; i++)
		w->node[i].skew_us = (left - 3) * SEC;
	on_pma1(w);
	assert_in_range(ntp_of(HA_NODE) >> 32, 0, 60);
	to_pma2(w);
	run(w, RTT);
	assert_int_equal(COUNT(HA, handovers), 1);
	assert_int_equal(COUNT(HA, id_mismatch), 0);
	assert_int_equal(n_served(P1), 0);
	assert_int_equal(n_sent(w, PMA1, WIRE_REVOKE_ACK), 1);
}

/* RFC 3543 s4.2.2.1: again with a new Identifier, backing off, not for ever. */
static void test_unacknowledged(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	uint32_t last = 0;
	uint64_t first;

	on_pma1(w);
	core_free(P1->core);
	P1->core = NULL;
	to_pma2(w);
	assert_int_equal(ha_reg(w)->state, CORE_REVOKING);
	first = sent_by(w, HA, WIRE_REVOKE, 0)->at;
	run(w, 200 * SEC);
	/* [3543-4.2.2.1-7] */
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 7);
	for (int i = 6; i >= 0; i--) {
		const struct sent *s = sent_by(w, HA, WIRE_REVOKE, i);

		/* [3543-3.3-10] [3543-4.2.2.1-9] [3543-4.2.2.1-10] */
		assert_int_equal(s->at, first + ((1ULL << (6 - i)) - 1) * SEC);
		assert_int_equal(wire_parse(s->data, s->len, &msg), WIRE_OK);
		/* [3543-4.2.2.1-8] */
		assert_true(!last || (int32_t)(msg.revoke.id - last) > 0);
		last = msg.revoke.id;
	}
	assert_int_equal(ha_reg(w)->state, CORE_BOUND);
	assert_int_equal(COUNT(HA, timed_out), 1);
}

/* s3.3: not beyond what was granted; and not at all when it wasn't agreed on. */
static void test_not_revoked(void **state)
{
	struct world *w = *state;

	P1->net[RED].lifetime = 8;
	P1->absent = true;		/* no refresh */
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	core_free(P1->core);
	P1->core = NULL;
	run(w, 2 * SEC);
	to_pma2(w);
	run(w, 60 * SEC);
	/* [3543-3.3-9] [3543-4.2.2.1-11] */
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 3);	/* at 0, 1, 3 s */

	HA_NODE->peer[1].revocation = false;
	run(w, 600 * SEC);			/* a refresh without 137 in the reply */
	node_restart(P1);
	P1->absent = false;
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	assert_true(P1->dev[DEV].attached);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.1").s_addr);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 3);
}

/* The registration that the new PMA's replaces ends before the store has that. */
static void test_expired_meanwhile(void **state)
{
	struct world *w = *state;

	P1->net[RED].lifetime = 8;
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_true(P1->dev[DEV].attached);
	core_free(P1->core);
	P1->core = NULL;
	run(w, 7 * SEC);
	HA_NODE->hold = true;
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 2 * SEC);
	release(HA_NODE);
	run(w, 2 * SEC);
	assert_true(P2->dev[DEV].attached);
	assert_int_equal(COUNT(HA, handovers), 1);
	/* [3543-3.3-9] */
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 0);
}

static void revoke_by_hand(struct world *w, struct node *to, const struct wire_revoke *revoke,
			   const char *nai, const struct wire_sa *sa, const char *src)
{
	struct wire_out out = { .len = 0 };

	wire_put_revoke(&out, revoke);
	if (nai)
		wire_put_nai(&out, nai);
	if (sa)
		wire_put_auth(&out, WIRE_EXT_FHAE, sa);
	inject(to, src, to == &w->node[HA] ? "192.0.2.1" : "198.51.100.1", out.buf, out.len);
}

/* Of who was lost at once after a restart, with nothing on its way, the memory ends as well. */
static void test_lost_after_restart(void **state)
{
	struct world *w = *state;
	struct wire_revoke r;
	char nai[64];

	on_pma1(w);
	P1->cfg.handover_grace_ms = 0;
	P1->n_kernel = 0;
	node_restart(P1);
	run(w, SEC);
	r = (struct wire_revoke){
		.flags = WIRE_REVOKE_A, .home = P1->dev[DEV].home, .ha = ip("192.0.2.1"),
		.coa = ip("198.51.100.1"), .id = P1->row[0].peer_revsup + 1,
	};
	revoke_by_hand(w, P1, &r, nai_of(DEV, nai), sa_of(PMA1), "192.0.2.1");
	assert_int_equal(n_regs(P1), 1);
	run(w, 60 * SEC);
	assert_int_equal(n_regs(P1), 0);
}

static void test_revoked(void **state)
{
	struct world *w = *state;
	struct wire_sa wrong = *sa_of(PMA1);
	struct wire_revoke r;
	struct wire_msg msg;
	char nai[64];

	on_pma1(w);
	nai_of(DEV, nai);
	wrong.key[5] ^= 1;
	r = (struct wire_revoke){
		.flags = WIRE_REVOKE_A, .home = P1->dev[DEV].home, .ha = ip("192.0.2.1"),
		.coa = ip("198.51.100.1"), .id = P1->row[0].peer_revsup + 1,
	};
	/*
	 * Nothing of this is one: wrong key, none, replayed from afar, from no
	 * home domain (RFC 3543 app. B), reflected, not later than the registration.
	 */
	revoke_by_hand(w, P1, &r, nai, &wrong, "192.0.2.1");
	revoke_by_hand(w, P1, &r, nai, NULL, "192.0.2.1");
	revoke_by_hand(w, P1, &r, nai, sa_of(PMA1), "203.0.113.5");
	revoke_by_hand(w, P1, &r, nai, sa_of(PMA1), "192.0.2.9");
	r.ha.s_addr = 0;
	revoke_by_hand(w, P1, &r, nai, sa_of(PMA1), "192.0.2.1");
	r.ha = ip("192.0.2.1");
	r.flags = 0;
	revoke_by_hand(w, P1, &r, nai, sa_of(PMA1), "192.0.2.1");
	r.flags = WIRE_REVOKE_A;
	r.id--;
	revoke_by_hand(w, P1, &r, nai, sa_of(PMA1), "192.0.2.1");
	/* [3543-3.3-8] [3543-4.2.2.2-1] [3543-6.2-1] */
	assert_int_equal(COUNT(PMA1, drop_bad_authenticator), 1);
	assert_int_equal(COUNT(PMA1, drop_no_authentication), 1);
	assert_int_equal(COUNT(PMA1, drop_unknown_peer), 1);
	/* 192.0.2.9 is a peer with the same key, but not the address the message speaks for. */
	/* [3543-3.5-2] [3543-3.5-3] [3543-4.2.2.2-3] [3543-B-1] */
	assert_int_equal(COUNT(PMA1, drop_revocation_invalid), 4);
	assert_int_equal(n_served(P1), 1);
	/* [3543-3.5-4] */
	assert_null(sent_by(w, PMA1, WIRE_REVOKE_ACK, 0));

	/* For another registration: acknowledged, for that one isn't there. */
	r.id++;
	r.home = ip("10.0.0.250");
	revoke_by_hand(w, P1, &r, nai, sa_of(PMA1), "192.0.2.1");
	r.home = P1->dev[DEV].home;
	revoke_by_hand(w, P1, &r, "else@red.example", sa_of(PMA1), "192.0.2.1");
	/* [3543-4.2.2.2-2] */
	assert_int_equal(n_sent(w, PMA1, WIRE_REVOKE_ACK), 2);
	assert_int_equal(n_served(P1), 1);

	/* Right, from an HA that sends no NAI. */
	revoke_by_hand(w, P1, &r, NULL, sa_of(PMA1), "192.0.2.1");
	/* [3543-4.2.2.2-4] */
	assert_int_equal(n_served(P1) + P1->n_row, 0);
	assert_int_equal(P1->dev[DEV].n_gone, 1);
	/* [3543-3.4-5] */
	assert_int_equal(n_sent(w, PMA1, WIRE_REVOKE_ACK), 3);
	assert_int_equal(wire_parse(sent_by(w, PMA1, WIRE_REVOKE_ACK, 0)->data,
				    sent_by(w, PMA1, WIRE_REVOKE_ACK, 0)->len, &msg), WIRE_OK);
	/* [3543-3.4-2] [3543-4.2.2.2-8] */
	assert_int_equal(msg.ack.flags, 0);
	/* [3543-4.2.2.2-9] */
	assert_int_equal(msg.ack.id, r.id);
	assert_int_equal(msg.ack.home.s_addr, r.home.s_addr);
	/* [3543-3.4-6] */
	assert_true(wire_auth_ok(&msg, wire_find(&msg, WIRE_EXT_FHAE, 0), sa_of(PMA1)));
	/* Its Ack was lost: once more. */
	revoke_by_hand(w, P1, &r, NULL, sa_of(PMA1), "192.0.2.1");
	assert_int_equal(n_sent(w, PMA1, WIRE_REVOKE_ACK), 4);
	/* The device is there all the same, it seems: its next frame registers it again. */
	attach(P1, DEV, 3, CORE_TRIGGER_PACKET, NULL);
	run(w, SEC);
	assert_true(P1->dev[DEV].attached);

	/* While a deregistration is out it is the answer. */
	detach(P1, DEV, 3, CORE_DETACH_RELEASE);
	r.id = P1->row[0].peer_revsup + 1;
	revoke_by_hand(w, P1, &r, nai, sa_of(PMA1), "192.0.2.1");
	assert_int_equal(P1->n_row, 0);
	assert_int_equal(P1->dev[DEV].n_gone, 1);

	/* While kernel and store are at it, it undoes that. */
	run(w, 20 * SEC);
	P1->hold = true;
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	assert_int_equal(device(P1, DEV)->state, CORE_BINDING);
	r.id = P1->row[0].peer_revsup + 1;
	revoke_by_hand(w, P1, &r, nai, sa_of(PMA1), "192.0.2.1");
	assert_int_equal(n_served(P1) + P1->n_row, 0);
	release(P1);
	assert_int_equal(n_served(P1) + P1->n_row, 0);
	assert_int_equal(P1->dev[DEV].n_gone, 2);
}

/* Every length of a revocation short of the whole does nothing. */
static void test_truncated(void **state)
{
	struct world *w = *state;
	const struct sent *rev;
	struct sent copy;

	on_pma1(w);
	to_pma2(w);
	rev = sent_by(w, HA, WIRE_REVOKE, 0);
	copy = *rev;
	run(w, SEC);
	on_pma1(w);		/* a live registration again; the revocation is of the past */
	for (size_t len = 0; len < copy.len; len++)
		inject(P1, "192.0.2.1", "198.51.100.1", copy.data, len);
	assert_int_equal(n_served(P1), 1);
	inject(P1, "192.0.2.1", "198.51.100.1", copy.data, copy.len);
	/* [3543-3.5-1] [3543-3.5-4] */
	assert_int_equal(COUNT(PMA1, drop_revocation_invalid), 1);
	assert_int_equal(n_served(P1), 1);
}

/* Left and back before the first revocation was acknowledged: it must not hit the new registration. */
static void test_back_at_once(void **state)
{
	struct world *w = *state;
	struct sent copy;

	on_pma1(w);
	w->loss = 0;
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 10 * MSEC + 1);		/* the HA has switched */
	copy = *sent_by(w, HA, WIRE_REVOKE, 0);
	w->delay = MSEC;
	node_restart(P1);		/* (it serves on) */
	detach(P1, DEV, 3, CORE_DETACH_PORT);
	run(w, MSEC / 2);
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 3 * SEC);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.1").s_addr);
	assert_true(P1->dev[DEV].attached);
	inject(P1, "192.0.2.1", "198.51.100.1", copy.data, copy.len);
	assert_int_equal(n_served(P1), 1);
	run(w, 100 * SEC);
	assert_int_equal(n_served(P1), 1);
	assert_int_equal(n_served(P2), 0);
	assert_int_equal(ha_reg(w)->state, CORE_BOUND);
}

/* The revocation was lost, and so is PMA1's memory; the device comes back before the next try. */
static void test_back_before_retry(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 9 * MSEC);
	w->loss = 1000;
	run(w, 3 * MSEC);
	w->loss = 0;
	assert_int_equal(ha_reg(w)->state, CORE_REVOKING);
	detach(P2, DEV, 3, CORE_DETACH_PORT);
	P1->n_kernel = P1->n_row = 0;
	node_start(P1);
	P1->dev[DEV].n_gone = 0;
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 10 * SEC);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.1").s_addr);
	assert_int_equal(n_served(P1), 1);
	assert_int_equal(P1->dev[DEV].n_gone, 0);
}

/* Twice in one second: the revocation is later than the registration all the same. */
static void test_within_a_second(void **state)
{
	struct world *w = *state;

	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	to_pma2(w);
	run(w, RTT);
	assert_int_equal(P1->dev[DEV].n_gone, 1);
	assert_int_equal(n_served(P1), 0);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 1);
	assert_int_equal(ha_reg(w)->state, CORE_BOUND);
}

/* The acceptance was lost and the device is elsewhere: the revocation ends our asking. */
static void test_revoked_waiting(void **state)
{
	struct world *w = *state;

	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	w->loss = 1000;
	run(w, 11 * MSEC);
	w->loss = 0;
	assert_int_equal(HA_NODE->n_kernel, 1);
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 10 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 1);
	assert_int_equal(n_sent(w, PMA1, WIRE_REVOKE_ACK), 1);
	assert_int_equal(P1->dev[DEV].n_refused, 1);
	assert_null(device(P1, DEV));
	assert_true(P2->dev[DEV].attached);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.2").s_addr);
	assert_int_equal(COUNT(HA, handovers), 1);
}

/* So many PMAs left one after the other, none of which acknowledges: the oldest isn't told again. */
static void test_many_left(void **state)
{
	enum { PMAS = 6, PENDING = 4 };
	struct world *w = *state;
	unsigned int before, told[PMAS] = { 0 };
	struct rrq r;
	char src[32], nai[64];

	for (int i = 2; i < PMAS; i++) {
		HA_NODE->peer[i] = HA_NODE->peer[1];
		HA_NODE->peer[i].addr.s_addr = htonl(ntohl(HA_NODE->peer[0].addr.s_addr) + i);
	}
	HA_NODE->cfg.n_peers = PMAS;
	node_start(HA_NODE);
	w->cut = WIRE_REVOKE_ACK;
	for (int i = 0; i < PMAS; i++) {
		struct wire_msg msg;

		snprintf(src, sizeof(src), "198.51.100.%d", 1 + i);
		r = rrq_from(w, i ? PMA2 : PMA1, nai_of(DEV, nai));
		r.src = src;
		r.f.coa = ip(src);
		r.f.id = ntp_of(HA_NODE) + i;
		r.revsup = true;
		assert_true(ask(w, &r, &msg));
		assert_int_equal(msg.rrp.code, 0);
	}
	before = n_sent(w, HA, WIRE_REVOKE);
	run(w, 2 * SEC);
	for (unsigned int i = n_sent(w, HA, WIRE_REVOKE) - before; i-- > 0;)
		told[ntohl(sent_by(w, HA, WIRE_REVOKE, i)->dst.s_addr) - ntohl(ip("198.51.100.1").s_addr)]++;
	for (int i = 0; i < PMAS; i++)
		assert_int_equal(told[i] > 0, i > 0 && i <= PENDING);
}

/* A refresh that crosses the handover doesn't take the device back; one that came back is served at once. */
static void test_late_refresh(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	char nai[64], home[INET_ADDRSTRLEN];
	struct rrq r;

	on_pma1(w);
	r = rrq_from(w, PMA1, nai_of(DEV, nai));
	r.f.home = P1->dev[DEV].home;
	r.key = P1->kernel[0].leg[0].key_in;
	to_pma2(w);
	run(w, SEC);
	r.f.id = ntp_of(HA_NODE);
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ADMIN_PROHIBITED);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.2").s_addr);

	/* It keeps its address, so its ARP asks for it. */
	inet_ntop(AF_INET, &r.f.home, home, sizeof(home));
	run(w, 100 * MSEC);
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, home);
	run(w, RTT);
	assert_true(P1->dev[DEV].attached);

	/* Later than that it is no crossing any more: the PMA has seen the device. */
	run(w, SEC);
	r.key = P1->kernel[0].leg[0].key_in;
	to_pma2(w);
	run(w, 2 * SEC);
	r.f.id = ntp_of(HA_NODE);
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
}

/* A PMA may revoke as well: A = 0. */
static void test_by_pma(void **state)
{
	struct wire_sa wrong = *sa_of(PMA1);
	struct world *w = *state;
	const struct sent *ack;
	struct wire_revoke r;
	struct rrq again;
	struct wire_msg msg;
	char nai[64];

	on_pma1(w);
	nai_of(DEV, nai);
	r = (struct wire_revoke){ .home = P1->dev[DEV].home, .ha = ip("192.0.2.1"),
				  .coa = ip("198.51.100.1"), .id = HA_NODE->row[0].peer_revsup };
	wrong.key[5] ^= 1;
	revoke_by_hand(w, HA_NODE, &r, nai, &wrong, "198.51.100.1");
	/* [3543-3.3-8] [3543-4.2.3.2-1] */
	assert_int_equal(COUNT(HA, drop_bad_authenticator), 1);
	revoke_by_hand(w, HA_NODE, &r, nai, sa_of(PMA1), "198.51.100.1");	/* not later */
	r.coa = ip("198.51.100.2");
	r.id++;
	revoke_by_hand(w, HA_NODE, &r, nai, sa_of(PMA1), "198.51.100.1");	/* another's */
	/* [3543-4.2.3.2-2] [3543-4.2.3.2-3] */
	assert_int_equal(COUNT(HA, drop_revocation_invalid), 2);
	r.coa = ip("198.51.100.1");
	r.flags = WIRE_REVOKE_A;
	revoke_by_hand(w, HA_NODE, &r, nai, sa_of(PMA1), "198.51.100.1");	/* as home agents do */
	/* [3543-3.5-2] [3543-4.2.3.2-1] */
	assert_int_equal(COUNT(HA, drop_revocation_invalid), 3);
	r.coa = ip("198.51.100.2");
	r.flags = 0;
	revoke_by_hand(w, HA_NODE, &r, nai, sa_of(PMA2), "198.51.100.2");	/* serves it not */
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE_ACK), 1);
	assert_int_equal(HA_NODE->n_kernel, 1);

	r.coa = ip("198.51.100.1");
	HA_NODE->hold = true;
	revoke_by_hand(w, HA_NODE, &r, nai, sa_of(PMA1), "198.51.100.1");
	assert_int_equal(HA_NODE->n_kernel, 0);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE_ACK), 1);	/* when it is stored */
	release(HA_NODE);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE_ACK), 2);
	ack = sent_by(w, HA, WIRE_REVOKE_ACK, 0);
	/* [3543-3.4-5] [3543-4.2.3.2-4] */
	assert_int_equal(ack->dst.s_addr, ip("198.51.100.1").s_addr);
	assert_int_equal(ack->dport, INJECT_PORT);
	assert_int_equal(wire_parse(ack->data, ack->len, &msg), WIRE_OK);
	/* [3543-4.2.3.2-7] */
	assert_int_equal(msg.ack.id, r.id);
	assert_int_equal(msg.ack.home.s_addr, r.home.s_addr);
	assert_true(wire_auth_ok(&msg, wire_find(&msg, WIRE_EXT_FHAE, 0), sa_of(PMA1)));
	assert_null(find(HA_NODE, nai));
	/* A replay of what registered it isn't answered as a duplicate any more. */
	again = rrq_from(w, PMA1, nai);
	again.f.id = HA_NODE->row[0].last_id;
	assert_true(ask(w, &again, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
}

static void test_ack(void **state)
{
	struct world *w = *state;
	struct wire_revoke_ack ack;
	struct wire_msg msg;
	struct wire_out out;
	char nai[64];

	on_pma1(w);
	core_free(P1->core);
	P1->core = NULL;
	to_pma2(w);
	run(w, 1200 * MSEC);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 2);
	assert_int_equal(wire_parse(sent_by(w, HA, WIRE_REVOKE, 1)->data,
				    sent_by(w, HA, WIRE_REVOKE, 1)->len, &msg), WIRE_OK);
	ack = (struct wire_revoke_ack){ .home = msg.revoke.home, .id = msg.revoke.id };
	for (int i = 0; i < 6; i++) {
		struct wire_revoke_ack a = ack;

		a.id += i == 0 ? 2 : i == 1 ? -1 : 0;
		a.home = i == 2 ? ip("10.0.0.200") : a.home;
		out = (struct wire_out){ .len = 0 };
		wire_put_revoke_ack(&out, &a);
		if (i != 5)		/* the last one has no NAI, as from others */
			wire_put_nai(&out, i == 3 ? "z@red.example" : nai_of(DEV, nai));
		if (i != 4)
			wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
		inject(HA_NODE, "198.51.100.1", "192.0.2.1", out.buf, out.len);
		/* [3543-3.5-5] */
		assert_int_equal(ha_reg(w)->state, i < 5 ? CORE_REVOKING : CORE_BOUND);
	}
	run(w, 60 * SEC);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 2);
	/* [3543-3.5-6] */
	assert_int_equal(COUNT(HA, drop_revocation_invalid), 4);
	/* [3543-3.5-1] */
	assert_int_equal(COUNT(HA, drop_no_authentication), 1);
}

/* Bits that have no meaning, yet or without agreement: 0 in what we send, nothing in what comes. */
static void test_reserved_bits(void **state)
{
	struct world *w = *state;
	const struct sent *sent;
	struct wire_revoke r;
	struct wire_msg msg;
	struct wire_out out;

	on_pma1(w);
	w->cut = WIRE_REVOKE_ACK;
	to_pma2(w);
	sent = sent_by(w, HA, WIRE_REVOKE, 0);
	/* [3543-3.3-1] [3543-3.3-5] */
	assert_int_equal(sent->data[1], 0);
	assert_int_equal(wire_parse(sent->data, sent->len, &msg), WIRE_OK);
	assert_int_equal(msg.revoke.flags, WIRE_REVOKE_A);
	wire_put_revoke_ack(&out, &(struct wire_revoke_ack){ .flags = 0xffff, .home = msg.revoke.home,
							     .id = msg.revoke.id });
	out.buf[1] = 0xff;
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	assert_int_equal(ha_reg(w)->state, CORE_REVOKING);
	inject(HA_NODE, "198.51.100.1", "192.0.2.1", out.buf, out.len);
	/* [3543-3.4-1] [3543-3.4-3] [3543-3.4-4] */
	assert_int_equal(ha_reg(w)->state, CORE_BOUND);

	r = (struct wire_revoke){ .flags = 0xffff & ~WIRE_REVOKE_I, .home = P2->dev[DEV].home,
				  .ha = ip("192.0.2.1"), .coa = ip("198.51.100.2"),
				  .id = P2->row[0].peer_revsup + 1 };
	wire_put_revoke(&out, &r);
	out.buf[1] = 0xff;
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA2));
	inject(P2, "192.0.2.1", "198.51.100.2", out.buf, out.len);
	/* [3543-3.3-1] [3543-3.3-5] */
	assert_int_equal(n_served(P2), 0);
	sent = sent_by(w, PMA2, WIRE_REVOKE_ACK, 0);
	assert_int_equal(sent->data[1], 0);
	assert_int_equal(wire_parse(sent->data, sent->len, &msg), WIRE_OK);
	/* [3543-3.4-1] [3543-3.4-4] */
	assert_int_equal(msg.ack.flags, 0);
}

/* The HA's reply had no 137: it doesn't revoke, so what says it does isn't from it. */
static void test_not_agreed(void **state)
{
	struct world *w = *state;
	struct wire_revoke r;
	char nai[64];

	HA_NODE->peer[0].revocation = false;
	on_pma1(w);
	assert_int_equal(P1->row[0].peer_revsup, 0);
	r = (struct wire_revoke){ .flags = WIRE_REVOKE_A, .home = P1->dev[DEV].home, .ha = ip("192.0.2.1"),
				  .coa = ip("198.51.100.1"), .id = (ntp_of(HA_NODE) >> 32) + 1 };
	revoke_by_hand(w, P1, &r, nai_of(DEV, nai), sa_of(PMA1), "192.0.2.1");
	r.id = 1;		/* later than 0, which is what is kept of no 137 */
	revoke_by_hand(w, P1, &r, nai_of(DEV, nai), sa_of(PMA1), "192.0.2.1");
	assert_int_equal(COUNT(PMA1, drop_revocation_invalid), 2);
	/* [3543-4.2.1-2] */
	assert_int_equal(n_served(P1), 1);
}

/* Two HAs revoke with one identifier: each means its own registration. */
static void test_same_identifier(void **state)
{
	struct core_event ev = { .type = CORE_EV_ATTACH };
	struct world *w = *state;
	struct wire_revoke r;
	char nai[64];

	on_pma1(w);
	ev.attach.nai = "x@green.example";
	ev.attach.port = 4;
	ev.attach.port_name = "port4";
	ev.attach.trigger = CORE_TRIGGER_API;
	mac_of(8, ev.attach.mac);
	event(P1, &ev);
	run(w, RTT);
	assert_int_equal(n_served(P1), 2);
	r = (struct wire_revoke){ .flags = WIRE_REVOKE_A, .home = P1->dev[DEV].home, .ha = ip("192.0.2.1"),
				  .coa = ip("198.51.100.1"), .id = (ntp_of(HA_NODE) >> 32) + 1 };
	revoke_by_hand(w, P1, &r, nai_of(DEV, nai), sa_of(PMA1), "192.0.2.1");
	assert_int_equal(n_served(P1), 1);
	r.home = P1->dev[8].home;
	r.ha = ip("192.0.2.9");
	revoke_by_hand(w, P1, &r, ev.attach.nai, sa_of(PMA1), "192.0.2.9");
	/* [3543-3.5-7] */
	assert_int_equal(n_served(P1), 0);
	assert_int_equal(n_sent(w, PMA1, WIRE_REVOKE_ACK), 2);
}

/* Two devices with one home address in two realms: the right one is revoked. */
static void test_realms(void **state)
{
	struct wire_out out = { .len = 0 };
	struct world *w = *state;
	struct wire_revoke r;
	char nai[64];

	attach(P1, 9, 3, CORE_TRIGGER_DHCP, "10.0.0.60");
	attach(P1, 256 + 10, 4, CORE_TRIGGER_DHCP, "10.0.0.60");
	run(w, RTT);
	assert_int_equal(n_served(P1), 2);
	assert_int_equal(P1->kernel[0].home.s_addr, P1->kernel[1].home.s_addr);
	assert_int_not_equal(P1->kernel[0].leg[0].key_in, P1->kernel[1].leg[0].key_in);
	assert_int_not_equal(P1->kernel[0].leg[0].key_out, P1->kernel[1].leg[0].key_out);
	run(w, 2 * SEC);
	/* Without a NAI it could be either. */
	r = (struct wire_revoke){
		.flags = WIRE_REVOKE_A, .home = ip("10.0.0.60"), .ha = ip("192.0.2.1"),
		.coa = ip("198.51.100.1"), .id = P1->row[0].peer_revsup + 5,
	};
	revoke_by_hand(w, P1, &r, NULL, sa_of(PMA1), "192.0.2.1");
	/* One that isn't covered doesn't tell: anybody on the way can append it. */
	wire_put_revoke(&out, &r);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	misplace(&out);
	wire_put_nai(&out, nai_of(9, nai));
	inject(P1, "192.0.2.1", "198.51.100.1", out.buf, out.len);
	assert_int_equal(n_served(P1), 2);
	assert_int_equal(COUNT(PMA1, drop_revocation_invalid), 2);
	assert_null(sent_by(w, PMA1, WIRE_REVOKE_ACK, 0));
	attach(P2, 256 + 10, 4, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	assert_int_equal(n_served(P1), 1);
	assert_int_equal(P1->kernel[0].realm, 1);
	assert_int_equal(P2->kernel[0].realm, 2);
	assert_int_equal(P2->kernel[0].home.s_addr, ip("10.0.0.60").s_addr);
}

/* Back where it isn't known that the device had left: its DHCP, or another port, makes the PMA ask the HA. */
static void test_missed_revocation(void **state)
{
	struct world *w = *state;
	unsigned int rrqs;

	for (uint32_t port = 3; port <= 4; port++) {
		on_pma1(w);
		w->cut = WIRE_REVOKE;
		to_pma2(w);
		run(w, 10 * SEC);
		assert_int_equal(device(P1, DEV)->state, CORE_BOUND);
		assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.2").s_addr);
		attach(P1, DEV, port, port == 3 ? CORE_TRIGGER_DHCP : CORE_TRIGGER_ARP, NULL);
		run(w, RTT);
		assert_true(P1->dev[DEV].attached);
		assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.1").s_addr);
		w->cut = 0;
		run(w, 10 * SEC);
		assert_int_equal(n_served(P2), 0);
		assert_int_equal(n_served(P1), 1);

		/* No more than one request a second comes of it, and no device is asked. */
		rrqs = n_sent(w, PMA1, WIRE_RRQ);
		for (int i = 0; i < 30; i++) {
			attach(P1, DEV, port, CORE_TRIGGER_DHCP, NULL);
			run(w, 100 * MSEC);
		}
		/* [3543-3.3-11] [5944-3.6-6] */
		assert_in_range(n_sent(w, PMA1, WIRE_RRQ) - rrqs, 2, 4);
		assert_int_equal(P1->n_confirm, 0);
		/* What renews its lease has been here all the time. */
		run(w, 5 * SEC);
		rrqs = n_sent(w, PMA1, WIRE_RRQ);
		attach(P1, DEV, port, CORE_TRIGGER_DHCP, "10.0.0.10");
		attach(P1, DEV, port, CORE_TRIGGER_ARP, NULL);
		run(w, 2 * SEC);
		assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), rrqs);
		detach(P1, DEV, port, CORE_DETACH_RELEASE);
		run(w, 20 * SEC);
	}

	/* Back so soon that the HA takes it for a late refresh: a little later, then. */
	on_pma1(w);
	w->cut = WIRE_REVOKE;
	to_pma2(w);
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.2").s_addr);
	run(w, 4 * SEC);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.1").s_addr);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, end_world)
	const struct CMUnitTest tests[] = {
		T(handover), T(era_ends), T(unacknowledged), T(not_revoked), T(expired_meanwhile),
		T(lost_after_restart), T(revoked),
		T(truncated), T(back_at_once), T(back_before_retry), T(within_a_second), T(revoked_waiting),
		T(many_left), T(late_refresh), T(by_pma), T(ack), T(reserved_bits), T(not_agreed),
		T(same_identifier), T(realms), T(missed_revocation),
	};

	return cmocka_run_group_tests_name("core: handover and revocation", tests, NULL, NULL);
}
