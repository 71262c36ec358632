// SPDX-License-Identifier: GPL-2.0-only
/* Handover without loss (design s6): which legs the kernels get, and when. */
#include <arpa/inet.h>
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
	*state = world_new(6);
	return 0;
}

static void on_pma1(struct world *w)
{
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_true(P1->dev[DEV].attached);
	run(w, 5 * SEC);
}

/* The legs of a node's only binding, the first one first: "a1 r2", with the PMAs they lead to or come from. */
static const char *legs(struct world *w, int node)
{
	static const char letter[] = { 'a', 'c', 'r', 'p', 'b' };	/* b: back; by enum core_leg_state */
	const struct core_binding *b = w->node[node].kernel;
	static char text[64];

	run(w, 0);
	text[0] = '\0';
	for (unsigned int i = 0; w->node[node].n_kernel && i < b->n_legs; i++) {
		struct in_addr pma = node == HA ? b->leg[i].peer : b->leg[i].local;

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%c%d", i ? " " : "",
			 letter[b->leg[i].state], pma.s_addr == ip("198.51.100.1").s_addr ? 1 : 2);
	}
	return text;
}

/* The old leg only receives, until its grace is over. */
static void test_ha_grace(void **state)
{
	struct world *w = *state;
	struct core_leg old;

	on_pma1(w);
	assert_string_equal(legs(w, HA), "a1");
	old = HA_NODE->kernel[0].leg[0];
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 10 * MSEC);
	assert_string_equal(legs(w, HA), "a2 r1");
	assert_int_equal(HA_NODE->kernel[0].leg[1].ms, 2000);
	assert_int_equal(HA_NODE->kernel[0].leg[1].key_in, old.key_in);
	assert_int_equal(HA_NODE->kernel[0].leg[1].key_out, old.key_out);
	run(w, 1990 * MSEC);
	assert_string_equal(legs(w, HA), "a2 r1");
	run(w, 20 * MSEC);
	assert_string_equal(legs(w, HA), "a2");

	/* A refresh within the grace leaves the rest of it, one after it makes nothing new. */
	run(w, 5 * SEC);
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 1500 * MSEC);
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);	/* a second one from the start: refreshes */
	run(w, 20 * MSEC);
	assert_string_equal(legs(w, HA), "a1 r2");
	assert_in_range(HA_NODE->kernel[0].leg[1].ms, 400, 600);
	run(w, 600 * MSEC);
	assert_string_equal(legs(w, HA), "a1");
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 2 * SEC);
	assert_string_equal(legs(w, HA), "a1");
}

/* There and back within the grace: the leg that only received is active again, with its new key. */
static void test_ha_ping_pong(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 2 * RTT);
	for (int i = 0; i < 4; i++) {
		int to = i % 2 ? PMA2 : PMA1;

		run(w, SEC);
		attach(&w->node[to], DEV, 3, CORE_TRIGGER_ARP, NULL);
		run(w, RTT);
		assert_true(w->node[to].dev[DEV].attached);
		assert_string_equal(legs(w, HA), i % 2 ? "a2 r1" : "a1 r2");
		run(w, RTT);
		assert_int_equal(HA_NODE->kernel[0].leg[0].key_out, w->node[to].kernel[0].leg[0].key_in);
	}
	assert_int_equal(HA_NODE->n_clash, 0);
}

/* No more legs than there is room for, however many PMAs: the oldest gives way. */
static void test_ha_many(void **state)
{
	enum { PMAS = 6 };
	struct world *w = *state;
	struct wire_msg msg;
	char src[32], nai[64];
	struct rrq r;

	for (int i = 2; i < PMAS; i++) {
		HA_NODE->peer[i] = HA_NODE->peer[1];
		HA_NODE->peer[i].addr.s_addr = htonl(ntohl(HA_NODE->peer[0].addr.s_addr) + i);
	}
	HA_NODE->cfg.n_peers = PMAS;
	node_start(HA_NODE);
	for (int i = 0; i < PMAS; i++) {
		snprintf(src, sizeof(src), "198.51.100.%d", 1 + i);
		r = rrq_from(w, i ? PMA2 : PMA1, nai_of(DEV, nai));
		r.src = src;
		r.f.coa = ip(src);
		r.f.id = ntp_of(HA_NODE) + i;
		assert_true(ask(w, &r, &msg));
		assert_int_equal(msg.rrp.code, 0);
	}
	assert_int_equal(HA_NODE->kernel[0].n_legs, CORE_LEGS_MAX);
	for (int i = 0; i < CORE_LEGS_MAX; i++)
		assert_int_equal(ntohl(HA_NODE->kernel[0].leg[i].peer.s_addr) & 255, PMAS - i);
	run(w, 2 * SEC);
	assert_int_equal(HA_NODE->kernel[0].n_legs, 1);
}

/* What fails changes nothing; no grace, no leg; and its end ends all of them. */
static void test_ha_otherwise(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	HA_NODE->fail_bind = ENOMEM;
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, RTT);
	assert_false(P2->dev[DEV].attached);
	assert_string_equal(legs(w, HA), "a1");
	run(w, 5 * SEC);
	attach(P2, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_string_equal(legs(w, HA), "a2 r1");
	detach(P2, DEV, 3, CORE_DETACH_RELEASE);
	run(w, SEC);
	assert_int_equal(HA_NODE->n_kernel, 0);

	run(w, 20 * SEC);
	HA_NODE->cfg.handover_grace_ms = 0;
	on_pma1(w);
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, RTT);
	assert_string_equal(legs(w, HA), "a2");
}

/* A new life of the agent changes nothing, and the next BIND of it names what the kernel has. */
static void test_ha_restart(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, SEC);
	node_restart(HA_NODE);
	assert_string_equal(legs(w, HA), "a2 r1");
	attach(P2, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 500 * MSEC);
	assert_string_equal(legs(w, HA), "a2 r1");
	assert_in_range(HA_NODE->kernel[0].leg[1].ms, 900, 1000);
	run(w, 600 * MSEC);
	assert_string_equal(legs(w, HA), "a2");

	/* Killed when it was stored that it moved, before the kernel knew. */
	run(w, 5 * SEC);
	HA_NODE->last_effects = 1;
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, RTT);
	assert_string_equal(legs(w, HA), "a2");
	node_restart(HA_NODE);
	assert_string_equal(legs(w, HA), "a1 r2");
}

/* Copies instead: then the old PMA serves on, and is told when they end. */
static void test_ha_bicast(void **state)
{
	struct world *w = *state;

	HA_NODE->net[RED].bicast = true;
	on_pma1(w);
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, RTT);
	assert_string_equal(legs(w, HA), "a2 c1");
	run(w, 1900 * MSEC);
	assert_string_equal(legs(w, PMA1), "a1");
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 0);
	run(w, 200 * MSEC);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 1);
	assert_int_equal(core_counters(HA_NODE->core)->retransmitted, 0);
	assert_string_equal(legs(w, HA), "a2");
	assert_string_equal(legs(w, PMA1), "b1");
}

/* The old PMA isn't told as long as copies are sent: its refresh doesn't take the device back. */
static void test_ha_bicast_refresh(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	char nai[64];
	struct rrq r;

	HA_NODE->net[RED].bicast = true;
	HA_NODE->cfg.handover_grace_ms = 5000;
	on_pma1(w);
	r = rrq_from(w, PMA1, nai_of(DEV, nai));
	r.key = P1->kernel[0].leg[0].key_in;
	r.f.home = P1->dev[DEV].home;
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 4900 * MSEC);
	r.f.id = ntp_of(HA_NODE);
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ADMIN_PROHIBITED);
	assert_string_equal(legs(w, HA), "a2 c1");
}

/* A PMA that is left returns what still comes, for the grace time; nothing of it is left then. */
static void test_return(void **state)
{
	struct world *w = *state;
	struct core_leg leg;
	uint64_t cookie;

	on_pma1(w);
	leg = P1->kernel[0].leg[0];
	cookie = P1->kernel[0].cookie;
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, RTT);
	assert_string_equal(legs(w, PMA1), "b1");
	assert_int_equal(P1->kernel[0].port, 0);
	assert_int_equal(P1->kernel[0].leg[0].ms, 2000);
	assert_int_equal(P1->kernel[0].leg[0].key_in, leg.key_in);
	assert_int_equal(P1->kernel[0].leg[0].key_out, leg.key_out);
	assert_true(P1->kernel[0].cookie == cookie);
	/* Neither store nor client know of it any more. */
	assert_int_equal(P1->n_row, 0);
	assert_int_equal(P1->dev[DEV].n_gone, 1);
	assert_int_equal(device(P1, DEV)->state, CORE_IDLE);
	run(w, 1900 * MSEC);
	assert_string_equal(legs(w, PMA1), "b1");
	run(w, 200 * MSEC);
	assert_int_equal(P1->n_kernel, 0);
	assert_null(device(P1, DEV));
	assert_int_equal(P1->n_missing + P1->n_clash, 0);

	/* Without a grace it goes at once. */
	run(w, 5 * SEC);
	P2->cfg.handover_grace_ms = 0;
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 2 * RTT);
	assert_int_equal(P2->n_kernel, 0);
}

/* Back within the grace: the same binding, the new leg pending; what comes by the old one is the device's again. */
static void test_return_and_back(void **state)
{
	struct world *w = *state;
	uint64_t cookie;
	uint32_t key;

	on_pma1(w);
	key = P1->kernel[0].leg[0].key_in;
	cookie = P1->kernel[0].cookie;
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, SEC);
	assert_string_equal(legs(w, PMA1), "b1");
	attach(P1, DEV, 4, CORE_TRIGGER_ARP, NULL);
	/* The home address is the one that it had, though the device hasn't named any. */
	assert_string_equal(legs(w, PMA1), "p1 r1");
	assert_int_equal(P1->kernel[0].port, 4);
	assert_int_equal(P1->kernel[0].leg[1].key_in, key);
	assert_int_not_equal(P1->kernel[0].leg[0].key_in, key);
	run(w, RTT);
	assert_string_equal(legs(w, PMA1), "a1 r1");
	assert_true(P1->kernel[0].cookie == cookie);
	assert_string_equal(legs(w, HA), "a1 r2");
	run(w, 3 * SEC);
	assert_string_equal(legs(w, PMA1), "a1");
	assert_int_equal(P1->n_missing + P1->n_clash, 0);
	assert_int_equal(P2->n_kernel, 0);
}

/* @dev has its address, as it was registered. */
static void check_other(struct world *w, int dev)
{
	const struct core_binding *b = NULL;

	for (size_t i = 0; i < P1->n_kernel; i++) {
		if (P1->kernel[i].home.s_addr == P1->dev[dev].home.s_addr)
			b = &P1->kernel[i];
	}
	assert_non_null(b);
	assert_true(b->cookie == device(P1, dev)->rec.cookie);
	assert_int_equal(b->leg[0].state, CORE_LEG_ACTIVE);
}

/* Another device has the address by now: what only returned gives way. */
static void test_return_gives_way(void **state)
{
	struct world *w = *state;
	char home[INET_ADDRSTRLEN];

	on_pma1(w);
	inet_ntop(AF_INET, &P1->dev[DEV].home, home, sizeof(home));
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, RTT);
	detach(P2, DEV, 3, CORE_DETACH_RELEASE);
	run(w, SEC + RTT);
	assert_string_equal(legs(w, PMA1), "b1");
	attach(P1, DEV + 1, 3, CORE_TRIGGER_DHCP, home);
	run(w, RTT);
	assert_string_equal(legs(w, PMA1), "a1");
	assert_true(P1->dev[DEV + 1].attached);

	/* Its registration doesn't know, and is back: it has that address no more. */
	attach(P1, DEV, 4, CORE_TRIGGER_ARP, NULL);
	run(w, 0);
	check_other(w, DEV + 1);
	run(w, 5 * SEC);
	check_other(w, DEV + 1);
	assert_true(P1->dev[DEV].attached);
	assert_int_not_equal(P1->dev[DEV].home.s_addr, P1->dev[DEV + 1].home.s_addr);
}

/* Its link went down, it was registered elsewhere and left, and the word of that comes late. */
static void test_return_too_late(void **state)
{
	struct world *w = *state;
	char home[INET_ADDRSTRLEN];

	on_pma1(w);
	inet_ntop(AF_INET, &P1->dev[DEV].home, home, sizeof(home));
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	w->cut = WIRE_REVOKE;
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, RTT);
	detach(P2, DEV, 3, CORE_DETACH_RELEASE);
	run(w, SEC + RTT);
	attach(P1, DEV + 1, 3, CORE_TRIGGER_DHCP, home);
	run(w, RTT);
	check_other(w, DEV + 1);
	w->cut = 0;
	run(w, 8 * SEC);
	assert_int_equal(P1->dev[DEV].n_gone, 1);
	check_other(w, DEV + 1);
	run(w, 8 * SEC);
	check_other(w, DEV + 1);

	/* Or its link is back first. */
	run(w, 30 * SEC);
	detach(P1, DEV + 1, 3, CORE_DETACH_RELEASE);
	run(w, 30 * SEC);
	on_pma1(w);
	inet_ntop(AF_INET, &P1->dev[DEV].home, home, sizeof(home));
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	w->cut = WIRE_REVOKE;
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, RTT);
	detach(P2, DEV, 3, CORE_DETACH_RELEASE);
	run(w, SEC + RTT);
	attach(P1, DEV + 1, 3, CORE_TRIGGER_DHCP, home);
	run(w, RTT);
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 0);
	check_other(w, DEV + 1);
	run(w, 5 * SEC);
	check_other(w, DEV + 1);
}

/* Who only says that he has the address takes nothing from a device that is away. */
static void test_return_and_liar(void **state)
{
	struct world *w = *state;
	char home[INET_ADDRSTRLEN];
	uint64_t cookie;

	on_pma1(w);
	inet_ntop(AF_INET, &P1->dev[DEV].home, home, sizeof(home));
	cookie = P1->kernel[0].cookie;
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	attach(P1, DEV + 1, 3, CORE_TRIGGER_ARP, home);
	assert_string_equal(legs(w, PMA1), "b1");
	assert_true(P1->kernel[0].cookie == cookie);
	run(w, 3 * SEC);
	assert_true(P1->kernel[0].cookie == cookie);
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, RTT);
	assert_int_equal(P1->kernel[0].leg[0].state, CORE_LEG_ACTIVE);
	assert_true(P1->kernel[0].cookie == cookie);
	assert_true(P1->dev[DEV].attached && P1->dev[DEV + 1].attached);
}

/* Before the RRQ leaves, if the address is known: pending, then active without a gap. */
static void test_pending(void **state)
{
	struct world *w = *state;
	char home[INET_ADDRSTRLEN];
	uint32_t key;

	on_pma1(w);
	inet_ntop(AF_INET, &P1->dev[DEV].home, home, sizeof(home));
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, home);
	assert_string_equal(legs(w, PMA2), "p2");
	assert_int_equal(P2->kernel[0].home.s_addr, P1->dev[DEV].home.s_addr);
	assert_int_equal(P2->kernel[0].leg[0].key_out, 0);
	assert_int_equal(P2->kernel[0].lifetime, 0);
	assert_int_equal(P2->kernel[0].leg[0].ms, 40000);
	assert_int_equal(device(P2, DEV)->timeline.bound_us, 0);
	key = P2->kernel[0].leg[0].key_in;
	/* The HA sends before its reply is here: with that key. */
	run(w, 10 * MSEC);
	assert_int_equal(HA_NODE->kernel[0].leg[0].key_out, key);
	assert_string_equal(legs(w, PMA2), "p2");
	run(w, 11 * MSEC);
	assert_string_equal(legs(w, PMA2), "a2");
	assert_int_equal(P2->kernel[0].leg[0].key_in, key);
	assert_int_equal(P2->kernel[0].leg[0].key_out, HA_NODE->kernel[0].leg[0].key_in);
	assert_true(P2->kernel[0].exists);
	assert_int_equal(P2->n_missing + P2->n_clash, 0);
	assert_true(device(P2, DEV)->timeline.bound_us >= device(P2, DEV)->timeline.rrp_us);
}

/* What a device says is its address may be wrong, of another network, or of another device. */
static void test_pending_wrong(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, "192.168.1.5");
	assert_int_equal(P2->n_kernel, 0);
	run(w, RTT);
	assert_true(P2->dev[DEV].attached);
	run(w, 5 * SEC);

	/* Refused by the HA: gone at once, and another one asked for. */
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, "10.0.0.99");
	assert_string_equal(legs(w, PMA1), "p1");
	run(w, RTT);
	assert_int_equal(P1->n_kernel, 0);
	run(w, SEC);
	assert_true(P1->dev[DEV].attached);
	assert_int_equal(P1->kernel[0].home.s_addr, P1->dev[DEV].home.s_addr);
	run(w, 5 * SEC);

	/* Who is served here keeps its address; who only says so doesn't. */
	attach(P1, DEV + 1, 3, CORE_TRIGGER_ARP, "10.0.0.99");
	assert_int_equal(P1->n_kernel, 2);
	attach(P1, DEV + 2, 3, CORE_TRIGGER_ARP, "10.0.0.99");
	assert_int_equal(P1->n_kernel, 2);
	run(w, 3 * SEC);
	assert_true(P1->dev[DEV + 1].attached && P1->dev[DEV + 2].attached);
	assert_int_equal(P1->n_kernel, 3);
	assert_int_not_equal(P1->dev[DEV + 1].home.s_addr, P1->dev[DEV + 2].home.s_addr);
}

/* Nothing pending stays: not without an answer, not when the device leaves, not when the agent dies. */
static void test_pending_ends(void **state)
{
	struct world *w = *state;

	w->cut = WIRE_RRP;
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, "10.0.0.50");
	assert_string_equal(legs(w, PMA1), "p1");
	run(w, 30 * SEC);
	assert_string_equal(legs(w, PMA1), "p1");
	run(w, 2 * SEC);
	assert_int_equal(P1->dev[DEV].n_refused, 1);
	assert_int_equal(P1->n_kernel, 0);

	run(w, 60 * SEC);
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, "10.0.0.50");
	run(w, 5 * MSEC);
	/* It is at another port by now. */
	attach(P1, DEV, 4, CORE_TRIGGER_ARP, "10.0.0.50");
	run(w, 0);
	assert_int_equal(P1->kernel[0].port, 4);
	detach(P1, DEV, 4, CORE_DETACH_RELEASE);
	assert_int_equal(P1->n_kernel, 0);

	run(w, 60 * SEC);
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, "10.0.0.50");
	assert_int_equal(P1->n_kernel, 1);
	node_restart(P1);
	assert_int_equal(P1->n_kernel, 0);
	w->cut = 0;
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, "10.0.0.50");
	run(w, 3 * SEC);
	assert_string_equal(legs(w, PMA1), "a1");
}

/* The link goes: what comes is returned, nobody is told; it comes back here, and the HA is asked. */
static void test_away(void **state)
{
	struct world *w = *state;
	unsigned int rrqs;

	on_pma1(w);
	rrqs = n_sent(w, PMA1, WIRE_RRQ);
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	assert_string_equal(legs(w, PMA1), "b1");
	assert_int_equal(P1->kernel[0].leg[0].ms, 10000);
	assert_int_equal(device(P1, DEV)->state, CORE_AWAY);
	run(w, 3 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), rrqs);
	assert_int_equal(P1->dev[DEV].n_gone, 0);
	assert_int_equal(P1->n_row, 1);
	for (uint32_t port = 3; port <= 4; port++) {
		attach(P1, DEV, port, CORE_TRIGGER_ARP, NULL);
		assert_string_equal(legs(w, PMA1), port == 3 ? "a1 r1" : "a1 r1 r1");
		assert_int_equal(P1->kernel[0].port, port);
		run(w, 2 * RTT);
		assert_true(P1->dev[DEV].attached);
		assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), ++rrqs);
		assert_int_equal(device(P1, DEV)->state, CORE_BOUND);
		run(w, 2 * SEC);
		detach(P1, DEV, port, CORE_DETACH_LINK);
		run(w, 2 * SEC);
	}
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 0);
	/* No successor: deregistered. */
	run(w, 7900 * MSEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), rrqs);
	assert_string_equal(legs(w, PMA1), "b1");
	run(w, 200 * MSEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), rrqs + 1);
	assert_int_equal(P1->dev[DEV].n_gone, 1);
	run(w, 20 * SEC);
	for (int i = 0; i < NODES; i++)
		assert_int_equal(w->node[i].n_kernel + w->node[i].n_row, 0);
}

static void check_keys(struct world *w)
{
	assert_string_equal(legs(w, HA), "a1 r2");
	assert_int_equal(HA_NODE->kernel[0].leg[0].key_out, P1->kernel[0].leg[0].key_in);
	assert_int_equal(P1->kernel[0].leg[0].key_out, HA_NODE->kernel[0].leg[0].key_in);
}

/* It was at the other PMA in between, and that revocation was lost: it is no late refresh. */
static void test_away_and_elsewhere(void **state)
{
	struct world *w = *state;
	uint32_t key;

	on_pma1(w);
	key = P1->kernel[0].leg[0].key_in;
	w->cut = WIRE_REVOKE;
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, RTT);
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, NULL);
	assert_string_equal(legs(w, PMA1), "a1 r1");
	assert_int_equal(P1->kernel[0].leg[1].key_in, key);
	run(w, RTT);
	check_keys(w);

	/* The HA doesn't know the new key when the agent is killed. */
	run(w, 5 * SEC);
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	w->cut = WIRE_RRQ;
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, SEC);
	w->cut = 0;
	node_restart(P1);
	run(w, 3 * SEC);
	assert_int_equal(HA_NODE->kernel[0].leg[0].key_out, P1->kernel[0].leg[0].key_in);
}

/* It went to the other PMA: the revocation ends it, what is on its way goes back for another grace. */
static void test_away_and_revoked(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	run(w, 500 * MSEC);
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, RTT);
	assert_string_equal(legs(w, HA), "a2 r1");
	assert_string_equal(legs(w, PMA1), "b1");
	assert_int_equal(P1->kernel[0].leg[0].ms, 2000);
	assert_int_equal(P1->dev[DEV].n_gone, 1);
	assert_int_equal(P1->n_row, 0);
	run(w, 3 * SEC);
	assert_int_equal(P1->n_kernel, 0);
	assert_null(device(P1, DEV));
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.2").s_addr);
	assert_int_equal(core_counters(HA_NODE->core)->handovers, 1);
}

/* Of two access points of one router the one that was left may say so late, and while kernel and store are busy. */
static void test_away_from_where_it_was(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	run(w, 2 * SEC);
	attach(P1, DEV, 4, CORE_TRIGGER_HOSTAPD, NULL);
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	run(w, 5 * SEC);
	assert_int_equal(device(P1, DEV)->state, CORE_BOUND);
	assert_int_equal(device(P1, DEV)->rec.port, 4);
	P1->hold = true;
	attach(P1, DEV, 3, CORE_TRIGGER_HOSTAPD, NULL);
	attach(P1, DEV, 4, CORE_TRIGGER_HOSTAPD, NULL);
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	release(P1);
	run(w, 5 * SEC);
	assert_int_equal(device(P1, DEV)->state, CORE_BOUND);
	assert_int_equal(device(P1, DEV)->rec.port, 4);
	detach(P1, DEV, 4, CORE_DETACH_LINK);
	assert_int_equal(device(P1, DEV)->state, CORE_AWAY);
}

/* In other states; and what else may end it meanwhile. */
static void test_away_otherwise(void **state)
{
	struct world *w = *state;
	unsigned int rrqs;

	/* On its way to be registered: registered, and away at once, for it may be a flap. */
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	run(w, RTT);
	assert_string_equal(legs(w, PMA1), "b1");
	run(w, 2 * SEC);
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_string_equal(legs(w, PMA1), "a1 r1");
	/* And that is over before the reply. */
	run(w, 2 * SEC);
	detach(P1, DEV, 3, CORE_DETACH_RELEASE);
	run(w, 5 * SEC);
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	run(w, 5 * MSEC);
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, RTT);
	assert_string_equal(legs(w, PMA1), "a1");
	run(w, 2 * SEC);

	/* It isn't asked for again while the device may be elsewhere; nor at all if it wasn't yet. */
	detach(P1, DEV, 3, CORE_DETACH_RELEASE);
	run(w, 40 * SEC);
	w->cut = WIRE_RRQ;
	rrqs = n_sent(w, PMA1, WIRE_RRQ);
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, "10.0.0.50");
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	run(w, 500 * MSEC);
	assert_string_equal(legs(w, PMA1), "p1");
	run(w, SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), rrqs + 1);
	assert_int_equal(P1->n_kernel, 0);
	run(w, 40 * SEC);
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	detach(P1, DEV, 3, CORE_DETACH_RELEASE);
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);	/* within a second of the last RRQ */
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	run(w, 40 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), rrqs + 2);
	w->cut = 0;
	on_pma1(w);

	/* The reply to a refresh that was under way doesn't bring it back. */
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	assert_int_equal(device(P1, DEV)->state, CORE_REFRESH);
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	run(w, SEC);
	assert_string_equal(legs(w, PMA1), "b1");
	/* Its lease ends: it is deregistered. */
	detach(P1, DEV, 3, CORE_DETACH_LEASE_END);
	run(w, 2 * SEC);
	assert_int_equal(P1->n_kernel + P1->n_row + HA_NODE->n_kernel, 0);

	/* Its lifetime ends first. */
	run(w, 5 * SEC);
	P1->cfg.away_ms = 3600 * 1000;
	on_pma1(w);
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	run(w, 600 * SEC);
	assert_int_equal(P1->n_kernel + P1->n_row + HA_NODE->n_kernel, 0);

	/* No time to be away in. */
	P1->cfg.away_ms = 0;
	on_pma1(w);
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	run(w, RTT);
	assert_int_equal(P1->n_kernel + P1->n_row + HA_NODE->n_kernel, 0);

	/* Nor if its link is lost while it is registered. */
	run(w, 5 * SEC);
	attach(P1, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	run(w, 10 * SEC);
	assert_int_equal(P1->n_kernel + P1->n_row + HA_NODE->n_kernel, 0);
}

/* The next life of the agent finds away what the kernel returns; what was revoked ends by itself. */
static void test_restart(void **state)
{
	struct world *w = *state;

	on_pma1(w);
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	run(w, 4 * SEC);
	node_restart(P1);
	assert_int_equal(device(P1, DEV)->state, CORE_AWAY);
	assert_string_equal(legs(w, PMA1), "b1");
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 2 * RTT);
	assert_string_equal(legs(w, PMA1), "a1 r1");
	assert_int_equal(device(P1, DEV)->state, CORE_BOUND);
	run(w, SEC);
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	run(w, 4 * SEC);
	node_restart(P1);
	run(w, 6 * SEC + RTT);
	assert_int_equal(P1->n_kernel + P1->n_row + HA_NODE->n_kernel, 0);

	/* As long as no agent was there. */
	run(w, 5 * SEC);
	on_pma1(w);
	detach(P1, DEV, 3, CORE_DETACH_LINK);
	core_free(P1->core);
	P1->core = NULL;
	run(w, 11 * SEC);
	assert_int_equal(P1->n_kernel, 0);
	node_restart(P1);
	assert_string_equal(legs(w, PMA1), "a1");
	run(w, 5 * SEC);

	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, SEC);
	assert_string_equal(legs(w, PMA1), "b1");
	node_restart(P1);
	assert_string_equal(legs(w, PMA1), "b1");
	assert_null(device(P1, DEV));
	/* It doesn't stand in the way of the device's return. */
	attach(P1, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, 2 * RTT);
	assert_string_equal(legs(w, PMA1), "a1");
	run(w, 2 * SEC);
	attach(P2, DEV, 3, CORE_TRIGGER_ARP, NULL);
	run(w, SEC);
	node_restart(P1);
	run(w, 2 * SEC);
	assert_int_equal(P1->n_kernel, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, end_world)
	const struct CMUnitTest tests[] = {
		T(ha_grace), T(ha_ping_pong), T(ha_many), T(ha_otherwise), T(ha_restart),
		T(ha_bicast), T(ha_bicast_refresh), T(return), T(return_and_back), T(return_gives_way),
		T(return_too_late), T(return_and_liar), T(pending), T(pending_wrong), T(pending_ends), T(away),
		T(away_and_revoked), T(away_and_elsewhere),
		T(away_otherwise), T(away_from_where_it_was), T(restart),
	};

	return cmocka_run_group_tests_name("core: legs", tests, NULL, NULL);
}
