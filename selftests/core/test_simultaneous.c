// SPDX-License-Identifier: GPL-2.0-only
/* RFC 5944 s3.6.1.2: a node at several care-of addresses at once, because it sets the S bit. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define NAI		"d@red.example"
#define COUNT(field)	(core_counters(HA_NODE->core)->field)
#define S		WIRE_RRQ_S
#define C1		"198.51.100.1"
#define C2		"198.51.100.2"
#define C3		"198.51.100.3"	/* with the second one's key */
#define C4		"198.51.100.4"	/* likewise */
#define HOME		"10.0.0.50"

static const struct wire_sa key = {
	.spi = 0x400, .alg = WIRE_ALG_HMAC_SHA256, .key_len = 16, .key = "d's own key, yes",
};

static int setup(void **state)
{
	struct world *w = world_new(12);

	HA_NODE->net[RED].simultaneous = 3;
	for (int i = 2; i < 4; i++)
		HA_NODE->peer[i] = HA_NODE->peer[1];
	for (int i = 0; i < 4; i++)
		HA_NODE->peer[i].per_mn = true;
	HA_NODE->peer[2].addr = ip(C3);
	HA_NODE->peer[3].addr = ip(C4);
	HA_NODE->peer[4] = (struct core_peer){ .addr = ip("10.0.0.0"), .host_bits = 8, .per_mn = true };
	HA_NODE->cfg.n_peers = 5;
	strcpy(HA_NODE->mn[0].nai, NAI);
	HA_NODE->mn[0].sa[0] = key;
	HA_NODE->mn[0].n_sa = 1;
	HA_NODE->cfg.n_mns = 1;
	node_start(HA_NODE);
	*state = w;
	return 0;
}

/* A node's own request, by the agent there. */
static struct rrq rrq_by(struct world *w, const char *coa, uint8_t flags, uint16_t lifetime)
{
	struct rrq r = rrq_from(w, !strcmp(coa, C1) ? PMA1 : PMA2, NAI);

	r.method = -1;
	r.proxied = false;
	r.mn = &key;
	r.src = coa;
	r.f.coa = ip(coa);
	r.f.flags |= flags;
	r.f.lifetime = lifetime;
	return r;
}

static uint8_t join(struct world *w, const char *coa, uint8_t flags)
{
	struct rrq r = rrq_by(w, coa, flags, 600);

	return reply_code(w, &r);
}

static void join_two(struct world *w)
{
	assert_int_equal(join(w, C1, S), 0);
	run(w, SEC);
	assert_int_equal(join(w, C2, S), 0);
	run(w, SEC);
}

static void join_three(struct world *w)
{
	join_two(w);
	assert_int_equal(join(w, C3, S), 0);
	run(w, SEC);
}

static uint8_t leave(struct world *w, const char *coa)
{
	struct rrq r = rrq_by(w, coa, 0, 0);

	return reply_code(w, &r);
}

static const struct core_reg *reg(struct world *w)
{
	return find(HA_NODE, NAI);
}

/* Where the node is: the first as the record, the others by copies, and nowhere else but where it @left. */
static void check_at(struct world *w, const char *first, const char *second, const char *third, unsigned int n_left)
{
	const char *at[3] = { first, second, third };
	const struct core_binding *b = &HA_NODE->kernel[0];
	struct in_addr coa[CORE_LEGS_MAX - 1];
	unsigned int n = 1 + !!second + !!third;

	assert_int_equal(HA_NODE->n_kernel, 1);
	assert_int_equal(HA_NODE->n_row, 1);
	assert_int_equal(reg(w)->rec.coa.s_addr, ip(first).s_addr);
	assert_int_equal(HA_NODE->row[0].coa.s_addr, ip(first).s_addr);
	assert_int_equal(core_others(reg(w), coa), n - 1);
	assert_int_equal(b->n_legs, n + n_left);
	for (unsigned int i = 0; i < b->n_legs; i++) {
		if (i >= n) {
			assert_int_equal(b->leg[i].state, CORE_LEG_RECEIVE_ONLY);
			continue;
		}
		assert_int_equal(b->leg[i].peer.s_addr, ip(at[i]).s_addr);
		assert_int_equal(b->leg[i].state, i ? CORE_LEG_COPY : CORE_LEG_ACTIVE);
		assert_int_equal(b->leg[i].key_in, b->leg[0].key_in);
		assert_int_equal(b->leg[i].key_out, 0x1000 + (strcmp(at[i], C1) ? PMA2 : PMA1));
		if (i)
			assert_int_equal(coa[i - 1].s_addr, ip(at[i]).s_addr);
	}
}

static void test_kept(void **state)
{
	struct world *w = *state;

	assert_int_equal(join(w, C1, S), 0);
	check_at(w, C1, NULL, NULL, 0);
	run(w, SEC);
	assert_int_equal(join(w, C2, S), 0);
	check_at(w, C2, C1, NULL, 0);
	run(w, SEC);
	assert_int_equal(join(w, C3, S), 0);
	check_at(w, C3, C2, C1, 0);
	run(w, SEC);
	/* A renewal, of the last one and of the first: none comes or goes. */
	assert_int_equal(join(w, C3, S), 0);
	check_at(w, C3, C2, C1, 0);
	run(w, SEC);
	assert_int_equal(join(w, C1, S), 0);
	check_at(w, C1, C3, C2, 0);
	assert_int_equal(COUNT(handovers), 0);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 0);
}

static void test_cap(void **state)
{
	struct world *w = *state;

	join_three(w);
	assert_int_equal(join(w, C4, S), WIRE_CODE_HA_TOO_MANY_BINDINGS);
	check_at(w, C3, C2, C1, 0);
	assert_int_equal(COUNT(denied_135), 1);
	/* Without S it isn't one more. */
	run(w, SEC);
	assert_int_equal(join(w, C4, 0), 0);
	check_at(w, C4, NULL, NULL, 3);
}

/* Without S, and where the home agent has none: code 1 tells the one from the other. */
static void test_replaced(void **state)
{
	struct world *w = *state;

	join_two(w);
	assert_int_equal(join(w, C2, 0), 0);
	check_at(w, C2, NULL, NULL, 1);
	/* Its agent is told, and takes it for one that has moved. */
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 1);
	assert_int_equal(sent_by(w, HA, WIRE_REVOKE, 0)->dst.s_addr, ip(C1).s_addr);
	run(w, 10 * SEC);
	assert_int_equal(join(w, C1, S), 0);
	run(w, SEC);
	HA_NODE->net[RED].simultaneous = 1;
	assert_int_equal(join(w, C3, S), WIRE_CODE_ACCEPTED_NO_SIMULTANEOUS);
	check_at(w, C3, NULL, NULL, 2);
}

static void test_left(void **state)
{
	struct world *w = *state;
	struct rrq r;

	join_three(w);
	/* RFC 5944 s3.8.2.2: only that one. */
	assert_int_equal(leave(w, C2), 0);
	check_at(w, C3, C1, NULL, 0);
	run(w, SEC);
	assert_int_equal(leave(w, C3), 0);
	check_at(w, C1, NULL, NULL, 0);
	run(w, SEC);
	assert_int_equal(leave(w, C1), 0);
	assert_int_equal(HA_NODE->n_kernel, 0);
	assert_null(reg(w));

	/* Who is at home leaves them all. */
	run(w, SEC);
	r = rrq_by(w, C1, S, 600);
	r.f.home = ip(HOME);
	assert_int_equal(reply_code(w, &r), 0);
	run(w, SEC);
	assert_int_equal(join(w, C2, S), 0);
	run(w, SEC);
	r = rrq_by(w, HOME, 0, 0);
	r.f.flags = 0;
	r.f.home = ip(HOME);
	r.keyed = r.revsup = false;
	r.sa = NULL;
	assert_int_equal(reply_code(w, &r), 0);
	assert_int_equal(HA_NODE->n_kernel, 0);
	assert_null(reg(w));
}

static void test_lifetimes(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_by(w, C1, S, 100);

	assert_int_equal(reply_code(w, &r), 0);
	run(w, SEC);
	r = rrq_by(w, C2, S, 50);
	assert_int_equal(reply_code(w, &r), 0);
	run(w, SEC);
	r = rrq_by(w, C3, S, 70);
	assert_int_equal(reply_code(w, &r), 0);
	assert_in_range(HA_NODE->kernel[0].leg[2].ms, 97 * 1000, 98 * 1000);
	run(w, 50 * SEC);
	/* The kernel takes that leg away by itself. */
	check_at(w, C3, C1, NULL, 0);
	assert_int_equal(COUNT(expired), 1);
	run(w, 20 * SEC);
	/* [5944-4.2.3-9] */
	check_at(w, C1, NULL, NULL, 0);
	assert_int_equal(COUNT(expired), 2);
	assert_in_range(HA_NODE->row[0].expires_unix - ntp_of(HA_NODE) / 4294967296 + 2208988800U, 27, 29);
	run(w, 30 * SEC);
	assert_int_equal(HA_NODE->n_kernel + n_regs(HA_NODE), 0);
	assert_int_equal(COUNT(expired), 3);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 0);
}

/* A store or kernel that refuses leaves all as it was. */
static void test_fails(void **state)
{
	struct world *w = *state;

	join_two(w);
	HA_NODE->fail_store = ENOSPC;
	assert_int_equal(join(w, C3, S), WIRE_CODE_HA_NO_RESOURCES);
	check_at(w, C2, C1, NULL, 0);
	run(w, SEC);
	HA_NODE->fail_bind = ENOMEM;
	assert_int_equal(join(w, C1, S), WIRE_CODE_HA_NO_RESOURCES);
	check_at(w, C2, C1, NULL, 0);
	run(w, SEC);
	HA_NODE->fail_bind = ENOMEM;
	assert_int_equal(join(w, C3, 0), WIRE_CODE_HA_NO_RESOURCES);
	check_at(w, C2, C1, NULL, 0);
}

/* What the kernel does goes on, and is known. */
static void test_restart(void **state)
{
	struct world *w = *state;
	struct rrq r;

	join_three(w);
	node_restart(HA_NODE);
	run(w, SEC);
	check_at(w, C3, C2, C1, 0);
	assert_int_equal(leave(w, C3), 0);
	check_at(w, C2, C1, NULL, 0);
	assert_in_range(HA_NODE->row[0].lifetime, 590, 600);

	run(w, SEC);
	r = rrq_by(w, C3, S, WIRE_LIFETIME_INFINITE);
	HA_NODE->net[RED].lifetime = WIRE_LIFETIME_INFINITE;
	assert_int_equal(reply_code(w, &r), 0);
	run(w, SEC);
	assert_int_equal(join(w, C2, S), 0);
	node_restart(HA_NODE);
	run(w, 600 * SEC);
	check_at(w, C3, NULL, NULL, 0);
	assert_int_equal(HA_NODE->row[0].lifetime, WIRE_LIFETIME_INFINITE);
}

/* What the configuration doesn't have any more ends, by a restart or a reload, which is one. */
static void test_fewer(void **state)
{
	struct world *w = *state;

	join_three(w);
	HA_NODE->net[RED].simultaneous = 2;
	node_restart(HA_NODE);
	run(w, MSEC);
	check_at(w, C3, C2, NULL, 1);
	assert_int_equal(HA_NODE->kernel[0].leg[2].ms, HA_NODE->cfg.handover_grace_ms);
	HA_NODE->peer[1].addr = ip("198.51.100.9");	/* no longer the second one */
	node_restart(HA_NODE);
	run(w, MSEC);
	check_at(w, C3, NULL, NULL, 2);
	run(w, 3 * SEC);
	check_at(w, C3, NULL, NULL, 0);
}

/* Between row and kernel, whichever comes first, a renewal has changed who is the last one. */
static void test_killed(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	struct rrq r;

	for (unsigned int i = 0; i < 4; i++) {
		join_two(w);
		HA_NODE->disk = i & 1;
		HA_NODE->last_effects = 1 + (i >> 1);
		r = rrq_by(w, C1, S, 600);
		ask(w, &r, &msg);
		run(w, SEC);
		HA_NODE->disk = false;
		node_restart(HA_NODE);
		run(w, SEC);
		assert_int_equal(join(w, C1, S), 0);
		check_at(w, C1, C2, NULL, 0);
		run(w, SEC);
		assert_int_equal(leave(w, C1), 0);
		assert_int_equal(leave(w, C2), 0);
		run(w, 30 * SEC);
		assert_int_equal(HA_NODE->n_kernel, 0);
	}
}

/* RFC 5563 doesn't have S: no agent adds itself to what another one serves. */
static void test_per_node(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI);

	r.f.flags |= S;
	assert_int_equal(reply_code(w, &r), WIRE_CODE_ACCEPTED_NO_SIMULTANEOUS);
	run(w, SEC);
	r = rrq_from(w, PMA2, NAI);
	r.f.flags |= S;
	assert_int_equal(reply_code(w, &r), WIRE_CODE_ACCEPTED_NO_SIMULTANEOUS);
	check_at(w, C2, NULL, NULL, 1);
}

/* One key serves all legs, so all have one or none has. */
static void test_keys(void **state)
{
	struct world *w = *state;
	struct rrq r;

	assert_int_equal(join(w, C1, S), 0);
	run(w, SEC);
	r = rrq_by(w, C2, S, 600);
	r.keyed = false;
	assert_int_equal(reply_code(w, &r), WIRE_CODE_ACCEPTED_NO_SIMULTANEOUS);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip(C2).s_addr);
	assert_int_equal(HA_NODE->kernel[0].leg[1].state, CORE_LEG_RECEIVE_ONLY);
}

/* An agent revokes the one that it has, and no other; what it had sent before is overtaken by that. */
static void test_revoked(void **state)
{
	struct world *w = *state;
	struct wire_revoke revoke = { .ha = ip("192.0.2.1") };
	struct wire_out out;
	struct rrq late;

	for (int i = 0; i < 4; i++) {
		const bool last = i & 1;

		join_two(w);
		if (i & 2)
			node_restart(HA_NODE);
		run(w, SEC);
		late = rrq_by(w, last ? C2 : C1, 0, 600);
		late.f.home = reg(w)->rec.home;
		out = (struct wire_out){ .len = 0 };
		revoke.home = reg(w)->rec.home;
		revoke.coa = ip(last ? C2 : C1);
		revoke.id = (uint32_t)(ntp_of(HA_NODE) >> 32);
		wire_put_revoke(&out, &revoke);
		wire_put_nai(&out, NAI);
		wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(last ? PMA2 : PMA1));
		inject(HA_NODE, last ? C2 : C1, "192.0.2.1", out.buf, out.len);
		run(w, SEC);
		check_at(w, last ? C1 : C2, NULL, NULL, 0);
		assert_int_equal(n_sent(w, HA, WIRE_REVOKE_ACK), 1 + i);
		assert_int_equal(reply_code(w, &late), WIRE_CODE_HA_ADMIN_PROHIBITED);
		check_at(w, last ? C1 : C2, NULL, NULL, 0);
		assert_int_equal(leave(w, last ? C1 : C2), 0);
		run(w, 30 * SEC);
	}
}

/* The operator ends them: each agent is told, and any of them may be named. */
static void test_withdrawn(void **state)
{
	struct core_event ev = { .type = CORE_EV_REVOKE };
	bool told[2] = { false };
	struct world *w = *state;
	struct wire_msg msg;

	join_two(w);
	ev.revoke.peer = ip(C1);
	assert_int_equal(core_revocable(HA_NODE->core, &ev.revoke), 1);
	event(HA_NODE, &ev);
	assert_null(reg(w));
	assert_int_equal(HA_NODE->n_kernel, 0);
	run(w, 2 * SEC);
	for (unsigned int i = 0; sent_by(w, HA, WIRE_REVOKE, i); i++) {
		const struct sent *s = sent_by(w, HA, WIRE_REVOKE, i);

		assert_int_equal(wire_parse(s->data, s->len, &msg), WIRE_OK);
		told[msg.revoke.coa.s_addr == ip(C1).s_addr] = true;
	}
	assert_true(told[0] && told[1]);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, end_world)
	const struct CMUnitTest tests[] = { T(kept), T(cap), T(replaced), T(left), T(lifetimes), T(fails),
					   T(restart), T(fewer), T(killed), T(per_node), T(keys), T(revoked),
					   T(withdrawn) };

	return cmocka_run_group_tests_name("core: simultaneous bindings", tests, NULL, NULL);
}
