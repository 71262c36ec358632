// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which home agent: one that is asked for, one that sends elsewhere (RFC 4433),
 * and how a device that is served moves from one to the other.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define COUNT(field)	(core_counters(PMA_NODE->core)->field)
#define NAI_A		"a@red.example"

static int setup(void **state)
{
	*state = world_new(4);
	two_home_agents(*state);
	return 0;
}

static uint8_t code_of(struct world *w, const struct rrq *r)
{
	struct wire_msg msg;

	assert_true(ask(w, r, &msg));
	return msg.rrp.code;
}

static void rrq_back(struct world *w, unsigned int back, struct wire_msg *msg, struct in_addr *to)
{
	const struct sent *s = sent_by(w, PMA1, WIRE_RRQ, back);

	assert_non_null(s);
	*to = s->dst;
	assert_int_equal(wire_parse(s->data, s->len, msg), WIRE_OK);
}

static bool is_from(const struct core_leg *leg, enum core_leg_state state, const char *ha)
{
	return leg->state == state && leg->peer.s_addr == ip(ha).s_addr;
}

/* ---- the home agent's side ---- */

static void test_requested(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct wire_msg msg;

	/* [4433-5.3-1] */
	r.f.ha = ip("0.0.0.0");
	r.requested = "192.0.2.2";
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_UNKNOWN_HA);
	assert_int_equal(msg.rrp.ha.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(core_counters(HA_NODE->core)->denied_136, 1);
	r.requested = "0.0.0.0";
	assert_int_equal(code_of(w, &r), WIRE_CODE_HA_UNKNOWN_HA);
	r.f.ha = ip("192.0.2.1");	/* whatever the field says */
	r.requested = "192.0.2.2";
	assert_int_equal(code_of(w, &r), WIRE_CODE_HA_UNKNOWN_HA);
	assert_int_equal(HA_NODE->n_kernel, 0);

	r.requested = "192.0.2.1";
	assert_int_equal(code_of(w, &r), 0);
	r.f.id++;
	r.f.ha = ip("255.255.255.255");
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(msg.rrp.ha.s_addr, ip("192.0.2.1").s_addr);
}

static void test_redirects(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A), other = rrq_from(w, PMA1, "b@red.example");
	struct in_addr to;
	struct wire_msg msg;

	assert_int_equal(code_of(w, &r), 0);
	HA_NODE->net[RED].redirect = ip("192.0.2.2");
	other.f.ha = ip("0.0.0.0");
	assert_true(ask(w, &other, &msg));
	/* [4433-3.4.2-1] */
	assert_int_equal(msg.rrp.code, WIRE_CODE_REDIRECT_HA);
	assert_int_equal(msg.rrp.lifetime, 0);
	assert_int_equal(msg.rrp.ha.s_addr, ip("192.0.2.1").s_addr);
	assert_true(wire_get_dynamic_ha(&msg, WIRE_HA_REDIRECTED, &to));
	assert_int_equal(to.s_addr, ip("192.0.2.2").s_addr);
	/* What isn't covered could be anybody's. */
	assert_true(wire_find(&msg, WIRE_EXT_DYNAMIC_HA, WIRE_HA_REDIRECTED) < wire_find(&msg, WIRE_EXT_FHAE, 0));
	assert_int_equal(core_counters(HA_NODE->core)->denied_143, 1);
	assert_int_equal(HA_NODE->n_kernel, 1);

	/* Who is here stays; who was sent away can't be brought back by a copy of its request. */
	r.f.id++;
	r.f.ha = ip("0.0.0.0");
	assert_int_equal(code_of(w, &r), 0);
	HA_NODE->net[RED].redirect = ip("0.0.0.0");
	assert_int_equal(code_of(w, &other), WIRE_CODE_HA_ID_MISMATCH);
	assert_int_equal(HA_NODE->n_kernel, 1);
}

/* Addresses of the other home agent's pool are for those whose agent brings them along: it names us in both places. */
static void test_other_pool(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct wire_msg msg;

	r.f.home = ip("10.0.0.150");
	assert_int_equal(code_of(w, &r), WIRE_CODE_HA_ADMIN_PROHIBITED);	/* may be in use there */
	r.f.id++;
	r.requested = "192.0.2.1";
	r.f.ha = ip("0.0.0.0");		/* new, and sent here */
	assert_int_equal(code_of(w, &r), WIRE_CODE_HA_ADMIN_PROHIBITED);
	r.f.id++;
	r.f.ha = ip("192.0.2.1");
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(msg.rrp.home.s_addr, ip("10.0.0.150").s_addr);
	r.nai = "b@red.example";
	assert_int_equal(code_of(w, &r), WIRE_CODE_HA_ADMIN_PROHIBITED);	/* taken */
	r.nai = "c@red.example";
	r.f.home = ip("10.0.0.210");	/* in neither */
	assert_int_equal(code_of(w, &r), WIRE_CODE_HA_ADMIN_PROHIBITED);
	for (int i = 0; i < 100; i++) {
		char nai[32];

		snprintf(nai, sizeof(nai), "n%d@red.example", i);
		r.nai = nai;
		r.key = 0x2000 + i;
		r.f.home = ip("0.0.0.0");
		assert_true(ask(w, &r, &msg));
		assert_int_equal(msg.rrp.code, 0);
		assert_true(ntohl(msg.rrp.home.s_addr) <= ntohl(ip("10.0.0.109").s_addr));
	}
	r.nai = "d@red.example";
	assert_int_equal(code_of(w, &r), WIRE_CODE_HA_NO_RESOURCES);

	/* A restart keeps it, and knows that it is taken. */
	node_restart(HA_NODE);
	assert_non_null(find(HA_NODE, NAI_A));
	r.f.home = ip("10.0.0.150");
	assert_int_equal(code_of(w, &r), WIRE_CODE_HA_ADMIN_PROHIBITED);
}

/* ---- a PMA's side ---- */

static void dynamic(struct world *w, enum core_ask how, const char *field)
{
	struct in_addr to, requested;
	struct wire_msg msg;
	char nai[WIRE_NAI_MAX + 1];

	PMA_NODE->net[RED].ask = how;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	rrq_back(w, 0, &msg, &to);
	/* [4433-5.1-2] [4433-5.1.1-1] */
	assert_int_equal(msg.rrq.ha.s_addr, ip(field).s_addr);
	/* [4433-6-1] */
	assert_int_equal(to.s_addr, ip("192.0.2.1").s_addr);
	/* [4433-1-1] [4433-3.3-1] [4433-5.1-1] */
	assert_true(wire_get_nai(&msg, nai) && !msg.rrq.home.s_addr);
	/* [4433-3.4.1-1] [4433-5.1.1-5] */
	assert_true(wire_get_dynamic_ha(&msg, WIRE_HA_REQUESTED, &requested));
	assert_int_equal(requested.s_addr, ip("192.0.2.1").s_addr);
	assert_true(wire_find(&msg, WIRE_EXT_DYNAMIC_HA, WIRE_HA_REQUESTED) < wire_find(&msg, WIRE_EXT_FHAE, 0));
	run(w, RTT);
	assert_int_equal(device(PMA_NODE, DEV)->rec.ha.s_addr, ip("192.0.2.1").s_addr);

	/* What follows goes to that one, by name. */
	run(w, 400 * SEC);
	rrq_back(w, 0, &msg, &to);
	/* [4433-5.1-4] */
	assert_int_equal(msg.rrq.ha.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(to.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(wire_count(&msg, WIRE_EXT_DYNAMIC_HA), 0);
	detach(PMA_NODE, DEV, 3, CORE_DETACH_RELEASE);
	run(w, 2 * SEC);
	rrq_back(w, 0, &msg, &to);
	assert_int_equal(msg.rrq.lifetime, 0);
	assert_int_equal(msg.rrq.ha.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(HA_NODE->n_kernel, 0);
}

static void test_zeros(void **state)
{
	dynamic(*state, CORE_ASK_ZEROS, "0.0.0.0");
}

static void test_ones(void **state)
{
	dynamic(*state, CORE_ASK_ONES, "255.255.255.255");
}

static void test_sent_elsewhere(void **state)
{
	struct world *w = *state;
	struct in_addr to, requested;
	struct wire_msg msg;

	HA_NODE->net[RED].redirect = ip("192.0.2.2");
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, "10.0.0.150");
	run(w, 2 * RTT);	/* no second passes in between */
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 2);
	rrq_back(w, 1, &msg, &to);
	assert_int_equal(to.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(wire_count(&msg, WIRE_EXT_DYNAMIC_HA), 0);	/* old ones would misread it */
	rrq_back(w, 0, &msg, &to);
	/* [4433-5.1.1-3] */
	assert_int_equal(to.s_addr, ip("192.0.2.2").s_addr);
	assert_int_equal(msg.rrq.ha.s_addr, 0);
	/* [4433-5.1.1-4] */
	assert_true(wire_get_dynamic_ha(&msg, WIRE_HA_REQUESTED, &requested));
	assert_int_equal(requested.s_addr, to.s_addr);

	assert_true(PMA_NODE->dev[DEV].attached);
	assert_int_equal(PMA_NODE->dev[DEV].home.s_addr, ip("10.0.0.150").s_addr);
	assert_int_equal(device(PMA_NODE, DEV)->rec.ha.s_addr, ip("192.0.2.2").s_addr);
	assert_int_equal(PMA_NODE->kernel[0].n_legs, 1);
	assert_true(is_from(&PMA_NODE->kernel[0].leg[0], CORE_LEG_ACTIVE, "192.0.2.2"));
	assert_int_equal(PMA_NODE->kernel[0].leg[0].key_in, HA2_NODE->kernel[0].leg[0].key_out);
	assert_int_equal(HA_NODE->n_kernel, 0);
	assert_int_equal(COUNT(redirects_followed), 1);

	/* The next one is sent there as well; a restart takes up what is there. */
	attach(PMA_NODE, DEV + 1, 3, CORE_TRIGGER_DHCP, NULL);
	rrq_back(w, 0, &msg, &to);
	assert_int_equal(to.s_addr, ip("192.0.2.1").s_addr);
	run(w, 2 * RTT);
	node_restart(PMA_NODE);
	assert_int_equal(n_regs(PMA_NODE), 2);
	run(w, 400 * SEC);
	rrq_back(w, 0, &msg, &to);
	assert_int_equal(to.s_addr, ip("192.0.2.2").s_addr);
	assert_int_equal(HA2_NODE->n_kernel, 2);
}

/* Who is sent elsewhere says nothing of those who are still where they were. */
static void test_sent_elsewhere_alone(void **state)
{
	struct world *w = *state;
	struct in_addr home;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	home = device(PMA_NODE, DEV)->rec.home;
	HA_NODE->net[RED].redirect = ip("192.0.2.2");
	attach(&w->node[PMA2], DEV + 1, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	assert_int_equal(device(&w->node[PMA2], DEV + 1)->rec.ha.s_addr, ip("192.0.2.2").s_addr);
	attach(&w->node[PMA2], DEV, 4, CORE_TRIGGER_DHCP, NULL);
	run(w, 3 * SEC);
	assert_int_equal(device(&w->node[PMA2], DEV)->rec.home.s_addr, home.s_addr);
	assert_int_equal(device(&w->node[PMA2], DEV)->rec.ha.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 1);
	assert_int_equal(HA2_NODE->n_kernel, 1);
}

/* Nor is it told to whom the address belongs that it claims: the other home agent can't know whether it is in use. */
static void test_sent_elsewhere_with_anothers(void **state)
{
	struct world *w = *state;
	struct in_addr home;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	home = device(PMA_NODE, DEV)->rec.home;
	assert_int_equal(home.s_addr, ip("10.0.0.20").s_addr);
	HA_NODE->net[RED].redirect = ip("192.0.2.2");
	attach(&w->node[PMA2], DEV + 1, 3, CORE_TRIGGER_ARP, "10.0.0.20");
	run(w, 3 * SEC);
	assert_int_equal(device(&w->node[PMA2], DEV + 1)->rec.ha.s_addr, ip("192.0.2.2").s_addr);
	assert_int_not_equal(device(&w->node[PMA2], DEV + 1)->rec.home.s_addr, home.s_addr);
	assert_int_not_equal(HA2_NODE->kernel[0].home.s_addr, home.s_addr);
}

/* A reply to the last RRQ from whom it went to, that sends the device to @to. */
static void redirect_by_hand(struct world *w, const char *field, const char *to, const struct wire_sa *sa)
{
	struct wire_out out;
	struct wire_rrp rrp = { .code = WIRE_CODE_REDIRECT_HA, .ha = ip(field) };
	char nai[WIRE_NAI_MAX + 1];
	struct in_addr asked;
	struct wire_msg msg;

	rrq_back(w, 0, &msg, &asked);
	assert_true(wire_get_nai(&msg, nai));
	rrp.id = msg.rrq.id;
	wire_put_rrp(&out, &rrp);
	wire_put_nai(&out, nai);
	if (to)
		wire_put_dynamic_ha(&out, WIRE_HA_REDIRECTED, ip(to));
	wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa);
	assert_false(out.failed);
	inject(PMA_NODE, "192.0.2.1", "198.51.100.1", out.buf, out.len);
}

static void test_not_followed(void **state)
{
	struct world *w = *state;
	struct wire_sa wrong = *sa_of(PMA1);

	w->loss = 1000;
	wrong.key[0] ^= 1;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	redirect_by_hand(w, "192.0.2.1", "192.0.2.2", &wrong);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 1);
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 0);
	/* Who says it is in the field by which it is authenticated: RFC 4433 s5.1.1. */
	redirect_by_hand(w, "192.0.2.9", "192.0.2.2", sa_of(PMA1));
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 1);
	assert_int_equal(PMA_NODE->dev[DEV].code, WIRE_CODE_REDIRECT_HA);

	attach(PMA_NODE, DEV + 1, 3, CORE_TRIGGER_DHCP, NULL);
	redirect_by_hand(w, "192.0.2.1", "192.0.2.9", sa_of(PMA1));	/* a peer, but not of red */
	assert_int_equal(PMA_NODE->dev[DEV + 1].code, WIRE_CODE_REDIRECT_HA);
	assert_int_equal(COUNT(redirects_refused), 1);
	attach(PMA_NODE, DEV + 2, 3, CORE_TRIGGER_DHCP, NULL);
	redirect_by_hand(w, "192.0.2.1", NULL, sa_of(PMA1));
	assert_int_equal(PMA_NODE->dev[DEV + 2].code, WIRE_CODE_REDIRECT_HA);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 3);
}

static void test_circle(void **state)
{
	struct world *w = *state;

	HA_NODE->net[RED].redirect = ip("192.0.2.2");
	HA2_NODE->net[RED].redirect = ip("192.0.2.1");
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 20 * SEC);
	/* RFC 4433 s4.2: it stops, and says so. */
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 2);
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 1);
	assert_int_equal(PMA_NODE->dev[DEV].code, WIRE_CODE_REDIRECT_HA);
	assert_int_equal(COUNT(redirects_refused), 1);
	assert_int_equal(PMA_NODE->n_kernel, 0);
}

static void unknown_ha(struct world *w, const char *real)
{
	struct wire_out out;
	struct wire_rrp rrp = { .code = WIRE_CODE_HA_UNKNOWN_HA, .ha = ip(real) };
	char nai[WIRE_NAI_MAX + 1];
	struct in_addr asked;
	struct wire_msg msg;

	rrq_back(w, 0, &msg, &asked);
	assert_true(wire_get_nai(&msg, nai));
	rrp.id = msg.rrq.id;
	wire_put_rrp(&out, &rrp);
	wire_put_nai(&out, nai);
	wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	inject(PMA_NODE, "192.0.2.1", "198.51.100.1", out.buf, out.len);
}

/* One that knows nothing of RFC 4433 wants to be named; one that isn't it names who is. */
static void test_unknown_ha(void **state)
{
	struct world *w = *state;
	struct wire_msg msg, next;
	struct in_addr to;

	w->loss = 1000;
	PMA_NODE->net[RED].ask = CORE_ASK_ZEROS;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	rrq_back(w, 0, &msg, &to);
	unknown_ha(w, "192.0.2.1");
	run(w, SEC);
	rrq_back(w, 0, &next, &to);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 2);
	assert_int_equal(next.rrq.ha.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(wire_count(&next, WIRE_EXT_DYNAMIC_HA), 0);
	/* [5944-3.6.2.3-4] */
	assert_true((int64_t)(next.rrq.id - msg.rrq.id) > 0);
	unknown_ha(w, "192.0.2.2");
	rrq_back(w, 0, &msg, &to);
	assert_int_equal(to.s_addr, ip("192.0.2.2").s_addr);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 3);

	/* Named already, and still not it: no more of that. */
	attach(PMA_NODE, DEV + 1, 3, CORE_TRIGGER_DHCP, NULL);
	unknown_ha(w, "192.0.2.1");
	run(w, SEC);
	unknown_ha(w, "192.0.2.1");
	assert_int_equal(PMA_NODE->dev[DEV + 1].code, WIRE_CODE_HA_UNKNOWN_HA);
}

/* Silence: who tries next asks the next one. */
static void test_silent(void **state)
{
	struct world *w = *state;

	w->deaf = 1 << HA;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 32 * SEC);
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 1);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 2 * SEC);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
	assert_int_equal(device(PMA_NODE, DEV)->rec.ha.s_addr, ip("192.0.2.2").s_addr);
	/* And back. */
	w->deaf = 1 << HA2;
	attach(PMA_NODE, DEV + 1, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 32 * SEC);
	attach(PMA_NODE, DEV + 1, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 2 * SEC);
	assert_int_equal(device(PMA_NODE, DEV + 1)->rec.ha.s_addr, ip("192.0.2.1").s_addr);
}

static void only_waits(struct world *w, int dev)
{
	attach(PMA_NODE, dev, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 32 * SEC);
	assert_int_equal(PMA_NODE->dev[dev].attached, 0);
	w->deaf = 0;
	attach(PMA_NODE, dev, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 3 * SEC);
}

/* No way to ask the next one: it is this one or none. */
static void test_silent_alone(void **state)
{
	struct world *w = *state;

	PMA_NODE->cfg.n_peers = 2;
	node_start(PMA_NODE);
	w->deaf = 1 << HA;
	only_waits(w, DEV);
	assert_true(PMA_NODE->dev[DEV].attached);
	assert_int_equal(device(PMA_NODE, DEV)->rec.ha.s_addr, ip("192.0.2.1").s_addr);
}

/* One device's requests get lost, or are too many: others are answered meanwhile. */
static void test_silent_to_one(void **state)
{
	struct world *w = *state;
	struct core_event ev = { .type = CORE_EV_ATTACH };

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 60 * SEC);
	w->deaf = 1 << HA;
	attach(PMA_NODE, DEV + 1, 4, CORE_TRIGGER_DHCP, NULL);
	run(w, 20 * SEC);
	w->deaf = 0;
	mac_of(DEV, ev.attach.mac);
	ev.attach.port = 3;
	ev.attach.port_name = "lan3";
	ev.attach.trigger = CORE_TRIGGER_DHCP;
	ev.attach.init = true;
	event(PMA_NODE, &ev);
	run(w, RTT);
	w->deaf = 1 << HA;
	run(w, 12 * SEC);
	assert_int_equal(PMA_NODE->dev[DEV + 1].n_refused, 1);
	w->deaf = 0;
	attach(PMA_NODE, DEV + 1, 4, CORE_TRIGGER_DHCP, NULL);
	run(w, 3 * SEC);
	assert_int_equal(device(PMA_NODE, DEV + 1)->rec.ha.s_addr, ip("192.0.2.1").s_addr);
}

/* The next one has no room: back to the one that is configured. */
static void test_silent_and_full(void **state)
{
	struct world *w = *state;

	HA2_NODE->cfg.max_registrations = 1;
	w->deaf = 1 << HA;
	only_waits(w, DEV);
	assert_int_equal(device(PMA_NODE, DEV)->rec.ha.s_addr, ip("192.0.2.2").s_addr);
	attach(PMA_NODE, DEV + 1, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 3 * SEC);
	assert_int_equal(PMA_NODE->dev[DEV + 1].code, WIRE_CODE_HA_NO_RESOURCES);
	attach(PMA_NODE, DEV + 1, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 3 * SEC);
	assert_int_equal(device(PMA_NODE, DEV + 1)->state, CORE_BOUND);
	assert_int_equal(device(PMA_NODE, DEV + 1)->rec.ha.s_addr, ip("192.0.2.1").s_addr);
}

/* One that doesn't take this PMA's word isn't asked for each device: RFC 5563 s8.1. */
static void test_sent_to_who_declines(void **state)
{
	struct world *w = *state;

	HA_NODE->net[RED].redirect = ip("192.0.2.2");
	HA2_NODE->peer[0].proxy = HA2_NODE->peer[1].proxy = false;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 3 * SEC);
	assert_int_equal(PMA_NODE->dev[DEV].code, WIRE_CODE_PMIP_DISALLOWED);
	assert_int_equal(COUNT(redirects_followed), 1);
	attach(PMA_NODE, DEV + 1, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 3 * SEC);
	assert_int_equal(PMA_NODE->dev[DEV + 1].code, WIRE_CODE_REDIRECT_HA);
	assert_int_equal(COUNT(redirects_followed), 1);
	assert_int_equal(COUNT(redirects_refused), 1);
}

/* What one home agent's clock says is nothing to the other one. */
static void test_silent_and_early(void **state)
{
	struct world *w = *state;
	struct in_addr to;
	struct wire_msg msg;

	HA_NODE->skew_us = 3600 * (int64_t)SEC;
	attach(PMA_NODE, DEV + 1, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 60 * SEC);
	w->deaf = 1 << HA;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 32 * SEC);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	rrq_back(w, 0, &msg, &to);
	assert_int_equal(to.s_addr, ip("192.0.2.2").s_addr);
	assert_int_equal(msg.rrq.id >> 32, ntp_of(PMA_NODE) >> 32);
}

/* ---- a device that is served moves ---- */

/* Its home agent has lost what it knew, and its refresh is sent to the other one: asked, not yet answered. */
static struct in_addr begin_move(struct world *w)
{
	struct in_addr to, home;
	struct wire_msg msg;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
	home = device(PMA_NODE, DEV)->rec.home;
	HA_NODE->net[RED].redirect = ip("192.0.2.2");
	HA_NODE->n_row = 0;
	node_start(HA_NODE);
	do {
		run(w, 5 * MSEC);
		rrq_back(w, 0, &msg, &to);
	} while (to.s_addr != ip("192.0.2.2").s_addr);
	return home;
}

static void test_move(void **state)
{
	struct world *w = *state;
	struct in_addr home = begin_move(w), to;
	const struct core_binding *k = &PMA_NODE->kernel[0];
	uint32_t key = k->leg[0].key_in;
	struct wire_msg msg;
	unsigned int n;

	rrq_back(w, 0, &msg, &to);
	assert_int_equal(msg.rrq.home.s_addr, home.s_addr);
	assert_int_equal(msg.rrq.ha.s_addr, ip("192.0.2.2").s_addr);	/* it brings its address along */
	assert_int_equal(wire_count(&msg, WIRE_EXT_DYNAMIC_HA), 1);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_REFRESH);
	/* All goes by the old one; what comes by the new one is taken. */
	assert_int_equal(PMA_NODE->n_kernel, 1);
	assert_int_equal(k->n_legs, 2);
	assert_true(is_from(&k->leg[0], CORE_LEG_ACTIVE, "192.0.2.1"));
	assert_true(is_from(&k->leg[1], CORE_LEG_PENDING, "192.0.2.2"));
	assert_int_not_equal(k->leg[1].key_in, key);

	n = n_sent(w, PMA1, WIRE_RRQ);
	run(w, RTT);
	k = &PMA_NODE->kernel[0];
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
	assert_int_equal(device(PMA_NODE, DEV)->rec.home.s_addr, home.s_addr);
	assert_int_equal(HA2_NODE->kernel[0].home.s_addr, home.s_addr);
	assert_int_equal(k->n_legs, 2);
	assert_true(is_from(&k->leg[0], CORE_LEG_ACTIVE, "192.0.2.2"));
	assert_int_equal(k->leg[0].key_out, HA2_NODE->kernel[0].leg[0].key_in);
	assert_true(is_from(&k->leg[1], CORE_LEG_RECEIVE_ONLY, "192.0.2.1"));
	assert_int_equal(k->leg[1].key_in, key);
	assert_memory_equal(&PMA_NODE->row[0], &device(PMA_NODE, DEV)->rec, sizeof(PMA_NODE->row[0]));
	/* Then the old one is told, once. */
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), n + 1);
	rrq_back(w, 0, &msg, &to);
	assert_int_equal(to.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(msg.rrq.lifetime, 0);
	assert_int_equal(msg.rrq.home.s_addr, home.s_addr);
	assert_int_equal(msg.rrq.coa.s_addr, ip("198.51.100.1").s_addr);
	run(w, 60 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), n + 1);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone + PMA_NODE->dev[DEV].n_refused, 0);
	assert_int_equal(PMA_NODE->kernel[0].n_legs, 1);
}

static void stays(struct world *w)
{
	const struct core_binding *k = &PMA_NODE->kernel[0];

	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
	assert_int_equal(device(PMA_NODE, DEV)->rec.ha.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(PMA_NODE->n_kernel, 1);
	assert_int_equal(k->n_legs, 1);
	assert_true(is_from(&k->leg[0], CORE_LEG_ACTIVE, "192.0.2.1"));
	assert_int_equal(k->leg[0].key_in, device(PMA_NODE, DEV)->rec.key_in);
	assert_int_equal(k->leg[0].key_out, device(PMA_NODE, DEV)->rec.key_out);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 0);
}

/* The new one is silent, and lifetimes are short: there is time left to be refreshed by the one that it has. */
static void test_new_one_silent_short(void **state)
{
	static const uint16_t lifetimes[] = { 30, 45, 60, 100, 150 };

	(void)state;
	for (size_t i = 0; i < sizeof(lifetimes) / sizeof(lifetimes[0]); i++) {
		struct world *w = world_new(i);
		uint64_t asked;

		two_home_agents(w);
		PMA_NODE->net[RED].lifetime = lifetimes[i];
		w->deaf = 1 << HA2;
		begin_move(w);
		asked = w->now;
		while (device(PMA_NODE, DEV) && device(PMA_NODE, DEV)->state == CORE_REFRESH)
			run(w, 100 * MSEC);
		assert_non_null(device(PMA_NODE, DEV));
		stays(w);
		assert_true(w->now - asked < 32 * SEC);
		assert_in_range(w->now - asked, 6 * SEC, lifetimes[i] / 3 * SEC);
		world_free(w);
	}
}

/* Its home agent is silent until its lifetime ends: when it asks anew, it asks the next one. */
static void test_silent_to_the_end(void **state)
{
	struct world *w = *state;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_int_equal(device(PMA_NODE, DEV)->rec.ha.s_addr, ip("192.0.2.1").s_addr);
	w->deaf = 1 << HA;
	run(w, 601 * SEC);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 1);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 2 * SEC);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
	assert_int_equal(device(PMA_NODE, DEV)->rec.ha.s_addr, ip("192.0.2.2").s_addr);
}

/* What ended while we weren't there says nothing about who answers. */
static void test_ended_meanwhile(void **state)
{
	struct world *w = *state;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	node_stop(PMA_NODE);
	run(w, 700 * SEC);
	node_restart(PMA_NODE);
	run(w, 2 * SEC);
	attach(PMA_NODE, DEV + 1, 4, CORE_TRIGGER_DHCP, NULL);
	run(w, 2 * SEC);
	assert_int_equal(device(PMA_NODE, DEV + 1)->rec.ha.s_addr, ip("192.0.2.1").s_addr);
}

/* A word to who was asked, and the next request to it, are a second apart. */
static void test_farewell_spaced(void **state)
{
	struct world *w = *state;
	uint64_t last = 0;
	const struct sent *s;

	w->deaf = 1 << HA2;
	begin_move(w);
	run(w, 3500 * MSEC);
	detach(PMA_NODE, DEV, 3, CORE_DETACH_RELEASE);
	run(w, 300 * MSEC);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 10 * SEC);
	for (unsigned int i = 0; (s = sent_by(w, PMA1, WIRE_RRQ, i)) && i < 20; i++) {
		if (s->dst.s_addr != ip("192.0.2.2").s_addr)
			continue;
		assert_true(!last || last - s->at >= SEC);
		last = s->at;
	}
	assert_int_not_equal(last, 0);
}

/* The last word is repeated until there is an answer, five times at most. */
static void test_farewell(void **state)
{
	struct world *w = *state;
	unsigned int n;

	begin_move(w);
	w->deaf = 1 << HA;
	n = n_sent(w, PMA1, WIRE_RRQ);
	run(w, 4 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), n + 3);
	w->deaf = 0;
	run(w, 4 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), n + 4);
	run(w, 60 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), n + 4);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
}

/* Not now, it says: that is no end of it. */
static void test_farewell_not_now(void **state)
{
	struct world *w = *state;
	struct wire_out out;
	struct wire_rrp rrp = { .code = WIRE_CODE_HA_NO_RESOURCES, .ha = ip("192.0.2.1") };
	struct in_addr to;
	struct wire_msg msg;
	uint64_t denied;
	char nai[64];
	unsigned int n;

	begin_move(w);
	w->deaf = 1 << HA;
	run(w, RTT);
	n = n_sent(w, PMA1, WIRE_RRQ);
	denied = COUNT(denied);
	rrq_back(w, 0, &msg, &to);
	assert_int_equal(to.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(msg.rrq.lifetime, 0);
	rrp.id = msg.rrq.id;
	rrp.home = msg.rrq.home;
	wire_put_rrp(&out, &rrp);
	wire_put_nai(&out, nai_of(DEV, nai));
	wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	inject(PMA_NODE, "192.0.2.1", "198.51.100.1", out.buf, out.len);
	assert_int_equal(COUNT(denied), denied + 1);
	w->deaf = 0;
	run(w, 10 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), n + 1);
}

static void test_new_one_silent(void **state)
{
	struct world *w = *state;

	w->deaf = 1 << HA2;
	begin_move(w);
	run(w, 30 * SEC);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_REFRESH);
	assert_true(is_from(&PMA_NODE->kernel[0].leg[0], CORE_LEG_ACTIVE, "192.0.2.1"));
	for (int i = 0; i < 5 && device(PMA_NODE, DEV)->state != CORE_BOUND; i++)
		run(w, SEC);
	stays(w);
	/* When that one answers it goes there, for the next refresh is sent there as well. */
	w->deaf = 0;
	run(w, 5 * SEC);
	assert_int_equal(device(PMA_NODE, DEV)->rec.ha.s_addr, ip("192.0.2.2").s_addr);
}

static void test_new_one_denies(void **state)
{
	struct world *w = *state;

	begin_move(w);
	HA2_NODE->fail_bind = ENOSPC;
	run(w, RTT);
	stays(w);
	run(w, 3 * SEC);
	assert_int_equal(HA2_NODE->n_kernel, 0);
}

/* Accepted there, but the kernel here doesn't want it. */
static void test_not_bound(void **state)
{
	struct world *w = *state;
	struct core_reg had;

	HA2_NODE->net[RED].lifetime = 100;
	begin_move(w);
	had = *device(PMA_NODE, DEV);
	PMA_NODE->fail_bind = ENOSPC;
	run(w, RTT);
	stays(w);
	assert_int_equal(PMA_NODE->row[0].ha.s_addr, ip("192.0.2.1").s_addr);
	/* And for as long as that one has granted. */
	assert_int_equal(device(PMA_NODE, DEV)->rec.lifetime, had.rec.lifetime);
	assert_int_equal(device(PMA_NODE, DEV)->rec.expires_unix, had.rec.expires_unix);
	assert_int_equal(device(PMA_NODE, DEV)->expires_us, had.expires_us);
	assert_int_equal(PMA_NODE->row[0].expires_unix, had.rec.expires_unix);
	run(w, 3 * SEC);
	assert_int_equal(HA2_NODE->n_kernel, 0);	/* told that it isn't needed */
}

/* Another device has its NAI: all that the first one had goes, wherever that was. */
static void attach_other(struct world *w)
{
	struct core_event ev = { .type = CORE_EV_ATTACH };
	char nai[64];

	mac_of(DEV + 1, ev.attach.mac);
	ev.attach.nai = nai_of(DEV, nai);
	ev.attach.port = 4;
	ev.attach.port_name = "lan4";
	ev.attach.trigger = CORE_TRIGGER_API;
	event(PMA_NODE, &ev);
}

static void test_taken_over(void **state)
{
	struct world *w = *state;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 60 * SEC);
	w->deaf = 1 << HA;
	attach(PMA_NODE, DEV + 2, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 32 * SEC);
	w->deaf = 0;
	attach_other(w);
	run(w, 3 * SEC);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 1);
	assert_int_equal(device(PMA_NODE, DEV + 1)->rec.ha.s_addr, ip("192.0.2.2").s_addr);
	assert_int_equal(HA2_NODE->n_kernel, 1);
	assert_int_equal(HA_NODE->n_kernel, 0);
}

static void test_taken_over_meanwhile(void **state)
{
	struct world *w = *state;

	begin_move(w);
	HA_NODE->net[RED].redirect = ip("0.0.0.0");
	attach_other(w);
	run(w, 3 * SEC);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 1);
	assert_int_equal(device(PMA_NODE, DEV + 1)->rec.ha.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(HA2_NODE->n_kernel, 0);
}

static void test_leaves_meanwhile(void **state)
{
	struct world *w = *state;

	begin_move(w);
	detach(PMA_NODE, DEV, 3, CORE_DETACH_RELEASE);
	run(w, 5 * SEC);
	assert_int_equal(PMA_NODE->n_kernel, 0);
	assert_int_equal(HA2_NODE->n_kernel, 0);
	assert_int_equal(PMA_NODE->n_row, 0);
}

static void test_link_lost_meanwhile(void **state)
{
	struct world *w = *state;

	begin_move(w);
	detach(PMA_NODE, DEV, 3, CORE_DETACH_LINK);
	run(w, 5 * SEC);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_AWAY);
	assert_int_equal(PMA_NODE->kernel[0].n_legs, 1);
	assert_true(is_from(&PMA_NODE->kernel[0].leg[0], CORE_LEG_RETURN, "192.0.2.1"));
	assert_int_equal(HA2_NODE->n_kernel, 0);
}

/* A PMA killed at any point of it serves the device afterwards, by one home agent. */
static void test_killed(void **state)
{
	for (unsigned int effects = 1; effects < 8; effects++) {
		struct world *w = world_new(effects);

		two_home_agents(w);
		begin_move(w);
		PMA_NODE->last_effects = effects;
		run(w, 2 * SEC);
		node_restart(PMA_NODE);
		run(w, 700 * SEC);
		assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
		assert_int_equal(device(PMA_NODE, DEV)->rec.ha.s_addr, ip("192.0.2.2").s_addr);
		assert_int_equal(PMA_NODE->n_kernel, 1);
		assert_int_equal(PMA_NODE->kernel[0].n_legs, 1);
		assert_int_equal(HA2_NODE->n_kernel, 1);
		world_free(w);
	}
	(void)state;
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_requested), TEST(test_redirects), TEST(test_other_pool), TEST(test_zeros), TEST(test_ones),
		TEST(test_sent_elsewhere), TEST(test_sent_elsewhere_alone), TEST(test_sent_elsewhere_with_anothers),
		TEST(test_not_followed), TEST(test_circle), TEST(test_unknown_ha), TEST(test_silent),
		TEST(test_silent_alone), TEST(test_silent_to_one), TEST(test_silent_and_full),
		TEST(test_sent_to_who_declines), TEST(test_silent_and_early), TEST(test_move), TEST(test_farewell),
		cmocka_unit_test(test_new_one_silent_short), TEST(test_silent_to_the_end),
		TEST(test_ended_meanwhile), TEST(test_farewell_spaced),
		TEST(test_farewell_not_now), TEST(test_new_one_silent), TEST(test_new_one_denies),
		TEST(test_not_bound), TEST(test_taken_over), TEST(test_taken_over_meanwhile),
		TEST(test_leaves_meanwhile), TEST(test_link_lost_meanwhile), cmocka_unit_test(test_killed),
	};

	return cmocka_run_group_tests_name("core: home agents", tests, NULL, NULL);
}
