// SPDX-License-Identifier: GPL-2.0-only
/* kill -9 and up again: RESTORE, ADOPT, START. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

static int setup(void **state)
{
	*state = world_new(5);
	return 0;
}

static void on_pma1(struct world *w)
{
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_true(P1->dev[DEV].attached);
	run(w, 2 * SEC);
}

static void test_ha(void **state)
{
	struct world *w = *state;
	struct core_binding kernel;
	struct core_record row;
	struct wire_msg msg;
	struct rrq r;
	char nai[64];

	on_pma1(w);
	kernel = HA_NODE->kernel[0];
	row = HA_NODE->row[0];
	node_restart(HA_NODE);
	assert_memory_equal(&HA_NODE->kernel[0], &kernel, sizeof(kernel));	/* untouched */
	assert_memory_equal(&HA_NODE->row[0], &row, sizeof(row));
	assert_int_equal(find(HA_NODE, nai_of(DEV, nai))->state, CORE_BOUND);

	/* Duplicates and replays are known as before. */
	r = rrq_from(w, PMA1, nai);
	r.f.id = row.last_id;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(msg.rrp.home.s_addr, row.home.s_addr);
	assert_int_equal(core_counters(HA_NODE->core)->duplicate_rrq, 1);
	r.f.id--;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	/* Its address is taken, its key too. */
	r = rrq_from(w, PMA1, "new@red.example");
	r.f.home = row.home;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ADMIN_PROHIBITED);

	/* The next handover is like any, revocation included. */
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, SEC);
	assert_true(P2->dev[DEV].attached);
	assert_int_equal(P2->dev[DEV].home.s_addr, row.home.s_addr);
	assert_int_equal(P1->dev[DEV].n_gone, 1);
	assert_int_equal(HA_NODE->kernel[0].leg[0].key_in, row.key_in);

	/* It ends when it would have ended: time passed while we were away. */
	core_free(P2->core);
	P2->core = NULL;
	run(w, 300 * SEC);
	node_restart(HA_NODE);
	run(w, 298 * SEC);
	assert_int_equal(HA_NODE->n_kernel, 1);
	run(w, 3 * SEC);
	assert_int_equal(HA_NODE->n_kernel + HA_NODE->n_row, 0);
}

/* Whatever differs in the kernel from the row is as in the row afterwards, and the binding stays the same one. */
static void expect_repaired(struct world *w, struct node *n)
{
	enum { PEER, LOCAL, KEY_IN, KEY_OUT, KEYED, IPIP, GATEWAY, PLEN, PORT, MAC, TOO_LONG, ENDLESS, SHORT, KINDS };

	n->cfg.handover_grace_ms = 0;	/* or the tunnel that is wrong would be left only then */
	for (int kind = 0; kind < KINDS; kind++) {
		struct core_binding before = n->kernel[0], *k = n->kernel;
		uint64_t end = n->kernel_end[0].binding;

		switch (kind) {
		case PEER: k->leg[0].peer.s_addr++; break;
		case LOCAL: k->leg[0].local.s_addr++; break;
		case KEY_IN: k->leg[0].key_in++; break;
		case KEY_OUT: k->leg[0].key_out++; break;
		case KEYED: k->leg[0].keyed = false; break;
		case IPIP: k->leg[0].gre = k->leg[0].keyed = false; break;
		case GATEWAY: k->gateway.s_addr++; break;
		case PLEN: k->plen++; break;
		case PORT: k->port++; break;
		case MAC: k->mac[5]++; break;
		case TOO_LONG: n->kernel_end[0].binding = w->now + 5000 * SEC; break;
		case ENDLESS: n->kernel_end[0].binding = 0; break;
		case SHORT: n->kernel_end[0].binding = w->now + 100 * SEC; break;
		}
		node_restart(n);
		assert_int_equal(n->n_kernel, 1);
		k->lifetime = before.lifetime;	/* what was left by then */
		k->exists = before.exists;
		assert_memory_equal(k, &before, sizeof(before));
		/* A PMA refreshes instead: where both are right, the row may be one that nobody has granted. */
		if (kind == SHORT && n->index != HA)
			run(w, 4 * SEC);
		assert_in_range(n->kernel_end[0].binding, end - SEC, w->now + 600 * SEC);
	}
}

static void test_ha_differs(void **state)
{
	struct world *w = *state;
	struct core_event ev = { .type = CORE_EV_ADOPT };
	char nai[64];

	/* Record without a binding (a reboot): made again. */
	on_pma1(w);
	HA_NODE->n_kernel = 0;
	node_restart(HA_NODE);
	assert_int_equal(HA_NODE->n_kernel, 1);
	assert_false(HA_NODE->kernel[0].exists);
	assert_int_equal(HA_NODE->kernel[0].lifetime, 598);
	assert_int_equal(find(HA_NODE, nai_of(DEV, nai))->state, CORE_BOUND);

	/* It can't be made: not kept on paper. */
	HA_NODE->n_kernel = 0;
	HA_NODE->fail_bind = ENODEV;
	node_restart(HA_NODE);
	assert_null(find(HA_NODE, nai));
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, NULL);
	detach(P1, DEV, 3, CORE_DETACH_RELEASE);
	run(w, 20 * SEC);
	assert_int_equal(HA_NODE->n_row, 0);

	/* Kernel and record disagree about the peer: the record is right. */
	on_pma1(w);
	HA_NODE->kernel[0].leg[0].peer = ip("198.51.100.2");
	node_restart(HA_NODE);
	assert_int_equal(HA_NODE->n_kernel, 1);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.1").s_addr);
	assert_true(HA_NODE->kernel[0].exists);

	/* And about anything else. */
	expect_repaired(w, HA_NODE);

	/* Binding without a record: swept; one made by hand (no cookie): not ours. */
	HA_NODE->n_row = 0;
	node_restart(HA_NODE);
	assert_int_equal(HA_NODE->n_kernel, 0);
	strcpy(ev.adopt.device, "mip-red");
	event(HA_NODE, &ev);

	/* A record that the configuration no longer covers goes, and its binding with it. */
	run(w, 20 * SEC);
	detach(P1, DEV, 3, CORE_DETACH_ADMIN);
	run(w, 20 * SEC);
	on_pma1(w);
	assert_int_equal(HA_NODE->n_kernel, 1);
	HA_NODE->net[RED].realm = 99;
	node_restart(HA_NODE);
	assert_int_equal(HA_NODE->n_kernel + HA_NODE->n_row, 0);
}

/* A row that today's configuration would not have made, or that contradicts another, goes; its binding too. */
static void test_not_restored(void **state)
{
	enum { NETWORK, ROLE, PEER, NAI_TWICE, HOME_TWICE, CARE_OF, MAC_TWICE, WAYS };

	for (int way = 0; way < WAYS; way++) {
		struct world *w = *state;
		struct node *n = way < CARE_OF ? HA_NODE : P1;
		bool twice = way == NAI_TWICE || way == HOME_TWICE || way == MAC_TWICE;

		on_pma1(w);
		if (twice) {
			attach(P1, DEV + 1, 3, CORE_TRIGGER_DHCP, NULL);
			run(w, RTT);
			assert_int_equal(n->n_row, 2);
		}
		switch (way) {
		case NETWORK: strcpy(n->row[0].network, "gone"); break;
		case ROLE: n->cfg.ha = false; break;
		case PEER: n->cfg.n_peers = 0; break;
		case NAI_TWICE: strcpy(n->row[1].nai, n->row[0].nai); break;
		case HOME_TWICE: n->row[1].home = n->row[0].home; break;
		case CARE_OF: n->cfg.care_of.s_addr++; break;
		case MAC_TWICE: memcpy(n->row[1].mac, n->row[0].mac, 6); break;
		}
		node_restart(n);
		assert_int_equal(n->n_row, twice);
		assert_int_equal(n->n_kernel, twice);
		assert_int_equal(n_regs(n), twice);
		world_free(w);
		*state = world_new(5);
	}
}

/* Its time ended while nobody was there to see. */
static void test_ha_expired(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	core_free(HA_NODE->core);
	HA_NODE->core = NULL;
	core_free(P1->core);
	P1->core = NULL;
	run(w, 599 * SEC);
	assert_int_equal(HA_NODE->n_kernel + HA_NODE->n_row, 2);	/* the kernel's grace */
	node_restart(HA_NODE);
	run(w, SEC);
	assert_int_equal(HA_NODE->n_kernel, 0);
	run(w, 10 * SEC);
	assert_int_equal(HA_NODE->n_row, 0);
}

static void test_ha_tombstone(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	struct rrq r;
	char nai[64];

	on_pma1(w);
	r = rrq_from(w, PMA1, nai_of(DEV, nai));
	r.f.id = HA_NODE->row[0].last_id;
	detach(P1, DEV, 3, CORE_DETACH_RELEASE);
	run(w, RTT);
	assert_int_equal(HA_NODE->n_row, 1);
	node_restart(HA_NODE);
	assert_null(find(HA_NODE, nai));
	/* What registered it, once more: refused, although its time would pass. */
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	/* And the last one that was accepted, if that wasn't what ended it (expired, revoked). */
	r.f.id = HA_NODE->row[0].last_id;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	assert_int_equal(HA_NODE->n_kernel, 0);
	run(w, 10 * SEC);
	assert_int_equal(HA_NODE->n_row, 0);
}

/* Killed between decision and completion: nobody was told, so either end is right, but only one. */
static void test_ha_between(void **state)
{
	struct world *w = *state;

	HA_NODE->hold = true;
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 500 * MSEC);
	HA_NODE->n_row = 0;		/* the store hadn't got it yet */
	HA_NODE->hold = false;
	node_restart(HA_NODE);
	assert_int_equal(HA_NODE->n_kernel, 0);
	run(w, SEC);
	assert_true(P1->dev[DEV].attached);
	assert_int_equal(HA_NODE->n_kernel, 1);
	assert_int_equal(HA_NODE->n_row, 1);
}

/* Killed between store and kernel: the row has what was meant, never what was before. */
static void test_half_done(void **state)
{
	struct world *w = *state;

	/* A handover: the new care-of address, though nobody was told yet. */
	on_pma1(w);
	HA_NODE->last_effects = 1;
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, RTT);
	assert_true(HA_NODE->dead);
	assert_false(P2->dev[DEV].attached);
	assert_int_equal(HA_NODE->row[0].coa.s_addr, ip("198.51.100.2").s_addr);
	node_restart(HA_NODE);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.2").s_addr);
	run(w, 2 * SEC);
	assert_true(P2->dev[DEV].attached);
	assert_int_equal(HA_NODE->n_kernel, 1);

	/* A deregistration at the PMA, then at the HA. */
	P2->last_effects = 1;
	detach(P2, DEV, 3, CORE_DETACH_RELEASE);
	assert_int_equal(P2->n_kernel, 1);
	node_restart(P2);
	assert_int_equal(P2->n_kernel, 0);
	assert_int_equal(device(P2, DEV)->state, CORE_DEREG);
	HA_NODE->last_effects = 1;
	run(w, SEC);
	assert_true(HA_NODE->dead);
	assert_int_equal(HA_NODE->n_kernel, 1);
	node_restart(HA_NODE);
	assert_int_equal(HA_NODE->n_kernel, 0);
	run(w, 20 * SEC);
	assert_int_equal(HA_NODE->n_row + P2->n_row, 0);

	/* A first registration at the PMA. */
	detach(P1, DEV, 0, CORE_DETACH_RELEASE);
	run(w, 20 * SEC);
	P1->last_effects = 1;
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_true(P1->dead);
	assert_int_equal(P1->n_kernel, 0);
	node_restart(P1);
	run(w, 0);
	assert_int_equal(P1->n_kernel, 1);
	assert_true(P1->dev[DEV].attached);

	/* A revocation at the PMA. */
	run(w, 5 * SEC);
	P1->last_effects = 1;
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 2 * RTT);
	assert_true(P1->dead);
	node_restart(P1);
	assert_int_equal(P1->n_kernel + P1->n_row, 0);
}

/*
 * Wall clocks are set, and the agent's next life sees it: devices stay served,
 * refresh in time, move, are revoked and leave as if nothing had been.
 */
static struct world *clock_set(int node, int64_t by_s)
{
	struct world *w = world_new(5);
	struct node *n = &w->node[node];

	on_pma1(w);
	run(w, 300 * SEC);
	n->step_us = by_s * (int64_t)SEC;
	node_restart(n);
	assert_int_equal(n->n_kernel, 1);
	assert_int_equal(P1->dev[DEV].n_gone, 0);
	return w;
}

static void test_clock_set(void **state)
{
	static const int64_t by_s[] = { 3600, -3600, 5, -5 };

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		int node = i < 4 ? HA : PMA1;
		struct world *w = clock_set(node, by_s[i % 4]);
		uint64_t ha_end = HA_NODE->kernel_end[0].binding;

		/* The refresh comes within what the HA had granted. */
		while (HA_NODE->kernel_end[0].binding == ha_end && w->now < ha_end)
			run(w, SEC);
		assert_true(w->now < ha_end);
		run(w, 1500 * SEC);
		assert_int_equal(device(P1, DEV)->state, CORE_BOUND);
		assert_int_equal(HA_NODE->n_kernel, 1);
		assert_int_equal(P1->dev[DEV].n_gone, 0);
		world_free(w);

		/* The first request may be needed to tell the PMA the time. */
		w = clock_set(node, by_s[i % 4]);
		attach(P2, DEV, 3, CORE_TRIGGER_DHCP, NULL);
		run(w, 3 * SEC);
		assert_true(P2->dev[DEV].attached);
		assert_int_equal(P1->dev[DEV].n_gone, 1);
		assert_int_equal(n_served(P1), 0);
		attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
		run(w, 3 * SEC);
		assert_true(P1->dev[DEV].attached);
		assert_int_equal(n_served(P2), 0);
		world_free(w);

		w = clock_set(node, by_s[i % 4]);
		detach(P1, DEV, 3, CORE_DETACH_RELEASE);
		run(w, 20 * SEC);
		assert_int_equal(P1->n_row + P1->n_kernel + HA_NODE->n_kernel + HA_NODE->n_row, 0);
		world_free(w);
	}
}

/* Our clock was set back while we were away (no NTP yet): nothing lasts longer than granted. */
static void test_clock_back(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	core_free(P1->core);
	P1->core = NULL;
	HA_NODE->step_us = -86400 * (int64_t)SEC;
	node_restart(HA_NODE);
	run(w, 599 * SEC);
	assert_int_equal(HA_NODE->n_kernel, 1);
	run(w, 2 * SEC);
	assert_int_equal(HA_NODE->n_kernel, 0);
}

/* Its port is no more: deregistered, not bound to nowhere. */
static void test_no_port(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	P1->row[0].port = 0;
	w->loss = 1000;
	node_restart(P1);
	assert_int_equal(P1->n_kernel, 0);
	assert_int_equal(device(P1, DEV)->state, CORE_DEREG);
	assert_true(P1->row[0].tombstone);
	w->loss = 0;
	run(w, 20 * SEC);
	assert_int_equal(P1->n_row + HA_NODE->n_kernel, 0);
}

static void test_pma(void **state)
{
	struct world *w = *state;
	struct core_binding kernel;
	unsigned int rrqs;

	on_pma1(w);
	kernel = P1->kernel[0];
	rrqs = n_sent(w, PMA1, WIRE_RRQ);
	node_restart(P1);
	assert_memory_equal(&P1->kernel[0], &kernel, sizeof(kernel));
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), rrqs);
	assert_int_equal(device(P1, DEV)->state, CORE_BOUND);
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	assert_int_equal(P1->dev[DEV].n_attached, 2);

	/* Its refresh comes when it was due, and over a restart when it is overdue. */
	run(w, 350 * SEC);
	assert_int_equal(P1->n_confirm, 0);
	run(w, 50 * SEC);
	assert_int_equal(P1->n_confirm, 1);
	core_free(P1->core);
	P1->core = NULL;
	run(w, 500 * SEC);
	node_restart(P1);
	run(w, 4 * SEC);
	assert_int_equal(P1->n_confirm, 2);
	assert_int_equal(device(P1, DEV)->state, CORE_BOUND);
	assert_int_equal(w->node[HA].n_kernel, 1);

	/* Away for longer than the lifetime: over. */
	core_free(P1->core);
	P1->core = NULL;
	run(w, 700 * SEC);
	assert_int_equal(HA_NODE->n_kernel, 0);
	node_restart(P1);
	assert_int_equal(P1->n_kernel + P1->n_row, 0);
	assert_int_equal(P1->dev[DEV].n_gone, 1);
}

static void test_pma_differs(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	P1->n_kernel = 0;
	node_restart(P1);
	assert_int_equal(P1->n_kernel, 1);
	assert_int_equal(P1->kernel[0].port, 3);

	/* The port has another number now: host has corrected the row. */
	P1->row[0].port = 8;
	node_restart(P1);
	assert_int_equal(P1->n_kernel, 1);
	assert_int_equal(P1->kernel[0].port, 8);

	expect_repaired(w, P1);

	P1->n_row = 0;
	node_restart(P1);
	assert_int_equal(P1->n_kernel, 0);
	assert_int_equal(n_regs(P1), 0);
}

/* A deregistration under way is finished. */
static void test_pma_dereg(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	w->loss = 1000;
	detach(P1, DEV, 3, CORE_DETACH_RELEASE);
	run(w, 0);
	w->loss = 0;
	assert_true(P1->row[0].tombstone);
	node_restart(P1);
	assert_int_equal(device(P1, DEV)->state, CORE_DEREG);
	run(w, SEC);
	assert_int_equal(P1->n_row, 0);
	assert_int_equal(HA_NODE->n_kernel, 0);
}

/* What an agent may no longer do, it hasn't done. */
static void test_withdrawn(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	HA_NODE->peer[0].per_mn = true;
	node_restart(HA_NODE);
	run(w, SEC);
	assert_int_equal(HA_NODE->n_kernel, 1);
	HA_NODE->peer[0].proxy = false;
	node_restart(HA_NODE);
	run(w, SEC);
	assert_int_equal(HA_NODE->n_kernel + HA_NODE->n_row, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, end_world)
	const struct CMUnitTest tests[] = {
		T(ha), T(ha_differs), T(not_restored), T(ha_expired), T(ha_tombstone), T(ha_between), T(half_done),
		T(clock_set), T(clock_back), T(no_port), T(pma), T(pma_differs), T(pma_dereg), T(withdrawn),
	};

	return cmocka_run_group_tests_name("core: restart", tests, NULL, NULL);
}
