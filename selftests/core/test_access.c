// SPDX-License-Identifier: GPL-2.0-only
/* RFC 5563 s5.5: bindings per access technology at a home agent, and who tells it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define NAI		"two@red.example"
#define COUNT(field)	(core_counters(HA_NODE->core)->field)

static int setup(void **state)
{
	struct world *w = world_new(11);

	HA_NODE->cfg.access_bindings = 2;
	node_start(HA_NODE);
	*state = w;
	return 0;
}

static struct rrq rrq_by(struct world *w, int pma, uint8_t access)
{
	struct rrq r = rrq_from(w, pma, NAI);

	r.proxied = access;
	r.access = access;
	return r;
}

/* The code; *home: what it asked for, then what it got. */
static uint8_t send_rrq(struct world *w, struct rrq *r, struct in_addr *home)
{
	struct wire_msg msg;

	if (home)
		r->f.home = *home;
	assert_true(ask(w, r, &msg));
	assert_int_equal(wire_count(&msg, WIRE_EXT_PMIP_SKIP), 0);	/* the HA doesn't say it back */
	if (home && !msg.rrp.code)
		*home = msg.rrp.home;
	run(w, MSEC);
	return msg.rrp.code;
}

static uint8_t join(struct world *w, int pma, uint8_t access, struct in_addr *home)
{
	struct rrq r = rrq_by(w, pma, access);

	return send_rrq(w, &r, home);
}

static const struct core_binding *binding(struct node *n, struct in_addr home)
{
	for (size_t i = 0; i < n->n_kernel; i++) {
		if (n->kernel[i].home.s_addr == home.s_addr)
			return &n->kernel[i];
	}
	return NULL;
}

static void points_to(struct node *n, struct in_addr home, const char *coa)
{
	const struct core_binding *b = binding(n, home);

	assert_non_null(b);
	assert_int_equal(b->leg[0].peer.s_addr, ip(coa).s_addr);
}

/* One device, two interfaces: what one does leaves the other alone. */
static void test_apart(void **state)
{
	struct in_addr wired = { 0 }, wireless = { 0 }, home;
	struct world *w = *state;
	struct rrq r;

	assert_int_equal(join(w, PMA1, WIRE_ACCESS_8023, &wired), 0);
	assert_int_equal(join(w, PMA2, WIRE_ACCESS_80211, &wireless), 0);
	assert_int_not_equal(wired.s_addr, wireless.s_addr);
	points_to(HA_NODE, wired, "198.51.100.1");
	points_to(HA_NODE, wireless, "198.51.100.2");
	assert_int_equal(COUNT(handovers), 0);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 0);

	/* A handover is within one of them, with or without its address. */
	home.s_addr = 0;
	assert_int_equal(join(w, PMA1, WIRE_ACCESS_80211, &home), 0);
	assert_int_equal(home.s_addr, wireless.s_addr);
	points_to(HA_NODE, wireless, "198.51.100.1");
	points_to(HA_NODE, wired, "198.51.100.1");
	assert_int_equal(COUNT(handovers), 1);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 1);
	assert_int_equal(sent_by(w, HA, WIRE_REVOKE, 0)->dst.s_addr, ip("198.51.100.2").s_addr);
	/* The address of the one isn't to be had by the other. */
	assert_int_equal(join(w, PMA2, WIRE_ACCESS_8023, &wireless), WIRE_CODE_HA_ADMIN_PROHIBITED);

	r = rrq_by(w, PMA1, WIRE_ACCESS_8023);
	r.f.lifetime = 0;
	assert_int_equal(send_rrq(w, &r, &wired), 0);
	assert_null(binding(HA_NODE, wired));
	points_to(HA_NODE, wireless, "198.51.100.1");
}

/* RFC 5563 s4.4: Identifications count per device and access, across agents. */
static void test_replay(void **state)
{
	struct world *w = *state;
	struct rrq first = rrq_by(w, PMA1, WIRE_ACCESS_8023), second = rrq_by(w, PMA2, WIRE_ACCESS_80211);

	second.f.id = first.f.id - (1ULL << 32);
	assert_int_equal(send_rrq(w, &first, NULL), 0);
	assert_int_equal(send_rrq(w, &second, NULL), 0);
	assert_int_equal(COUNT(id_mismatch), 0);
	second.f.coa = ip("198.51.100.1");
	second.src = "198.51.100.1";
	second.sa = sa_of(PMA1);
	assert_int_equal(send_rrq(w, &second, NULL), WIRE_CODE_HA_ID_MISMATCH);
	second.f.id++;
	assert_int_equal(send_rrq(w, &second, NULL), 0);
	second.f.id = first.f.id;
	second.access = WIRE_ACCESS_8023;
	assert_int_equal(send_rrq(w, &second, NULL), 0);		/* a duplicate, word for word */
	assert_int_equal(COUNT(duplicate_rrq), 1);
	second.f.id--;
	assert_int_equal(send_rrq(w, &second, NULL), WIRE_CODE_HA_ID_MISMATCH);
}

static void test_cap(void **state)
{
	struct in_addr wired = { 0 };
	struct world *w = *state;
	struct rrq r;

	assert_int_equal(join(w, PMA1, WIRE_ACCESS_8023, &wired), 0);
	assert_int_equal(join(w, PMA2, WIRE_ACCESS_80211, NULL), 0);
	assert_int_equal(join(w, PMA2, WIRE_ACCESS_EUTRAN, NULL), WIRE_CODE_HA_TOO_MANY_BINDINGS);
	assert_int_equal(join(w, PMA1, 0, NULL), WIRE_CODE_HA_TOO_MANY_BINDINGS);
	assert_int_equal(COUNT(denied_135), 2);
	assert_int_equal(n_regs(HA_NODE), 2);
	assert_int_equal(join(w, PMA1, WIRE_ACCESS_8023, &wired), 0);
	assert_int_equal(join(w, PMA1, WIRE_ACCESS_80211, NULL), 0);
	r = rrq_by(w, PMA1, WIRE_ACCESS_8023);
	r.f.lifetime = 0;
	assert_int_equal(send_rrq(w, &r, &wired), 0);
	assert_int_equal(join(w, PMA2, WIRE_ACCESS_EUTRAN, NULL), 0);
	assert_int_equal(n_regs(HA_NODE), 2);
}

/* Behind the authenticator anybody can write something. */
static void test_not_covered(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_by(w, PMA1, 0);
	struct wire_out out;

	rrq_build(&out, &r);
	wire_put_access_tech(&out, WIRE_ACCESS_80211);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_int_equal(COUNT(accepted), 1);
	assert_int_equal(find(HA_NODE, NAI)->rec.access, 0);
}

/* Unless it is asked for, there is one, and who comes last has it. */
static void test_off(void **state)
{
	struct in_addr wired = { 0 }, home = { 0 };
	struct world *w = *state;
	struct rrq first, second;

	HA_NODE->cfg.access_bindings = 1;
	node_start(HA_NODE);
	first = rrq_by(w, PMA1, WIRE_ACCESS_8023);
	second = rrq_by(w, PMA2, WIRE_ACCESS_80211);
	second.f.id = first.f.id - 1;
	assert_int_equal(send_rrq(w, &first, &wired), 0);
	assert_int_equal(send_rrq(w, &second, NULL), WIRE_CODE_HA_ID_MISMATCH);
	second.f.id = first.f.id + 1;
	assert_int_equal(send_rrq(w, &second, &home), 0);
	assert_int_equal(home.s_addr, wired.s_addr);
	points_to(HA_NODE, wired, "198.51.100.2");
	assert_int_equal(n_regs(HA_NODE), 1);
	assert_int_equal(COUNT(handovers), 1);
}

static void revoke(struct world *w, struct in_addr home)
{
	struct wire_revoke revoke = { .home = home, .ha = ip("192.0.2.1"), .coa = ip("198.51.100.1"),
				      .id = (ntp_of(HA_NODE) >> 32) + 1 };
	struct wire_out out = { .len = 0 };

	wire_put_revoke(&out, &revoke);
	wire_put_nai(&out, NAI);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	inject(HA_NODE, "198.51.100.1", "192.0.2.1", out.buf, out.len);
	run(w, MSEC);
}

/* Both at one agent: a revocation, and what acknowledges one, is for the one with that address. */
static void test_revocation(void **state)
{
	struct in_addr home[2] = { 0 };
	struct world *w = *state;

	for (int i = 0; i < 2; i++)
		assert_int_equal(join(w, PMA1, 1 + i, &home[i]), 0);
	revoke(w, home[0]);
	assert_null(binding(HA_NODE, home[0]));
	points_to(HA_NODE, home[1], "198.51.100.1");
	run(w, 2 * SEC);	/* what registers it anew is later than the revocation */
	assert_int_equal(join(w, PMA1, 1, &home[0]), 0);
	revoke(w, home[1]);
	assert_null(binding(HA_NODE, home[1]));
	points_to(HA_NODE, home[0], "198.51.100.1");
	run(w, 2 * SEC);
	assert_int_equal(join(w, PMA1, 2, &home[1]), 0);

	for (int i = 0; i < 2; i++)
		assert_int_equal(join(w, PMA2, 1 + i, &home[i]), 0);
	run(w, 3 * SEC);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 2);
	assert_int_equal(n_sent(w, PMA1, WIRE_REVOKE_ACK), 2);
	assert_int_equal(COUNT(drop_revocation_invalid), 0);
}

static void test_restart(void **state)
{
	struct in_addr home[2] = { 0 };
	struct world *w = *state;

	for (int i = 0; i < 2; i++)
		assert_int_equal(join(w, PMA1 + i, 1 + i, &home[i]), 0);
	node_restart(HA_NODE);
	run(w, SEC);
	assert_int_equal(n_regs(HA_NODE), 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(join(w, PMA1 + i, 1 + i, &home[i]), 0);
	assert_int_equal(n_regs(HA_NODE), 2);
	assert_int_equal(COUNT(handovers), 0);

	/* No longer: one of them is left, and whoever renews has it. */
	HA_NODE->cfg.access_bindings = 1;
	node_restart(HA_NODE);
	run(w, SEC);
	assert_int_equal(n_regs(HA_NODE), 1);
	assert_int_equal(HA_NODE->n_kernel, 1);
	home[0].s_addr = 0;
	assert_int_equal(join(w, PMA1, 1, &home[0]), 0);
	assert_int_equal(n_regs(HA_NODE), 1);

	/* Again: its agent renews, and so says what it is. */
	HA_NODE->cfg.access_bindings = 2;
	node_restart(HA_NODE);
	run(w, SEC);
	assert_int_equal(find(HA_NODE, NAI)->rec.access, 0);
	home[1].s_addr = 0;
	assert_int_equal(join(w, PMA2, 2, &home[1]), 0);
	assert_int_equal(n_regs(HA_NODE), 2);
	assert_int_equal(join(w, PMA1, 1, &home[0]), 0);
	assert_int_equal(n_regs(HA_NODE), 2);
	points_to(HA_NODE, home[0], "198.51.100.1");
	points_to(HA_NODE, home[1], "198.51.100.2");
	node_restart(HA_NODE);
	run(w, SEC);
	assert_int_equal(n_regs(HA_NODE), 2);
	assert_int_equal(join(w, PMA2, 1, &home[0]), 0);
	points_to(HA_NODE, home[0], "198.51.100.2");
}

/* Agents of two technologies, each with its device; and one that tells nothing. */
static void test_told(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	const struct sent *s;
	uint8_t access;

	P2->cfg.access = WIRE_ACCESS_80211;
	node_start(P2);
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	attach(P2, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 20 * SEC);
	assert_true(P1->dev[DEV].attached && P2->dev[DEV].attached);
	assert_int_equal(P1->dev[DEV].n_gone + P2->dev[DEV].n_gone, 0);
	assert_int_equal(n_regs(HA_NODE), 2);
	assert_int_equal(COUNT(handovers), 0);
	s = sent_by(w, PMA2, WIRE_RRQ, 0);
	assert_int_equal(wire_parse(s->data, s->len, &msg), WIRE_OK);
	assert_true(wire_get_access_tech(&msg, &access));
	assert_int_equal(access, WIRE_ACCESS_80211);
	detach(P2, DEV, 0, CORE_DETACH_RELEASE);
	run(w, SEC);
	assert_int_equal(n_regs(HA_NODE), 1);
	assert_int_equal(n_served(HA_NODE), 1);
	assert_true(P1->dev[DEV].attached);

	P2->cfg.access = 0;
	node_start(P2);
	attach(P2, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	s = sent_by(w, PMA2, WIRE_RRQ, 0);
	assert_int_equal(wire_parse(s->data, s->len, &msg), WIRE_OK);
	assert_false(wire_get_access_tech(&msg, &access));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, end_world)
	const struct CMUnitTest tests[] = { T(apart), T(replay), T(cap), T(not_covered), T(off), T(revocation),
					   T(restart), T(told) };

	return cmocka_run_group_tests_name("core: access technologies", tests, NULL, NULL);
}
