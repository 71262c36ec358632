// SPDX-License-Identifier: GPL-2.0-only
/*
 * A home agent that is relieved by another one, and the notifications by which
 * its proxy agents hear of it (RFC 6098).
 */
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
	*state = world_new(5);
	two_home_agents(*state);
	return 0;
}

static void drain(struct world *w, int ha, bool stop)
{
	struct core_event ev = { .type = CORE_EV_DRAIN };

	ev.drain.network = &w->node[ha].net[RED];
	ev.drain.stop = stop;
	event(&w->node[ha], &ev);
}

static struct core_drain_state drain_state(struct world *w)
{
	struct core_drain_state state;

	core_drain_state(HA_NODE->core, &HA_NODE->net[RED], &state);
	return state;
}

static void attach_some(struct world *w, int n)
{
	for (int i = 0; i < n; i++) {
		attach(&w->node[PMA1 + i % 2], DEV + i, 3 + i, CORE_TRIGGER_DHCP, NULL);
		run(w, 50 * MSEC);
	}
}

static const struct core_binding *binding(const struct node *n, struct in_addr home)
{
	for (size_t i = 0; i < n->n_kernel; i++) {
		if (n->kernel[i].home.s_addr == home.s_addr)
			return &n->kernel[i];
	}
	return NULL;
}

/* By whose tunnel its packets leave. */
static struct in_addr ha_of(struct world *w, int dev)
{
	for (int i = PMA1; i <= PMA2; i++) {
		const struct core_reg *reg = device(&w->node[i], dev);
		const struct core_binding *b = reg ? binding(&w->node[i], reg->rec.home) : NULL;

		if (b && b->leg[0].state == CORE_LEG_ACTIVE)
			return b->leg[0].peer;
	}
	return (struct in_addr){ 0 };
}

static unsigned int n_at(struct world *w, const char *ha, int n)
{
	unsigned int at = 0;

	for (int i = 0; i < n; i++)
		at += ha_of(w, DEV + i).s_addr == ip(ha).s_addr;
	return at;
}

/* What one end sends by an active leg, the other end takes. */
static bool takes(const struct core_leg *sends, const struct core_binding *b)
{
	for (unsigned int i = 0; b && i < b->n_legs; i++) {
		if (b->leg[i].peer.s_addr == sends->local.s_addr && b->leg[i].local.s_addr == sends->peer.s_addr &&
		    b->leg[i].key_in == sends->key_out)
			return true;
	}
	return false;
}

/* No packet of a device that is served is lost, in either direction and by whichever home agent. */
static void no_gap(struct world *w)
{
	for (int i = PMA1; i <= PMA2; i++) {
		for (size_t j = 0; j < w->node[i].n_kernel; j++) {
			const struct core_binding *k = &w->node[i].kernel[j];
			struct node *ha = k->leg[0].peer.s_addr == ip("192.0.2.1").s_addr ? HA_NODE : HA2_NODE;

			assert_int_equal(k->leg[0].state, CORE_LEG_ACTIVE);
			assert_true(takes(&k->leg[0], binding(ha, k->home)));
			for (int h = 0; h < 2; h++) {
				const struct core_binding *b = binding(h ? HA2_NODE : HA_NODE, k->home);

				assert_true(!b || takes(&b->leg[0], k));
			}
		}
	}
}

static void run_watched(struct world *w, uint64_t us)
{
	for (; us >= MSEC; us -= MSEC) {
		run(w, MSEC);
		no_gap(w);
	}
}

/* ---- the whole ---- */

static void test_all_move(void **state)
{
	struct world *w = *state;
	struct in_addr home[8];
	char nai[64];

	attach_some(w, 8);
	run(w, SEC);
	assert_int_equal(HA_NODE->n_kernel, 8);
	for (int i = 0; i < 8; i++)
		home[i] = find(HA_NODE, nai_of(DEV + i, nai))->rec.home;
	drain(w, HA, false);
	assert_int_equal(drain_state(w).to.s_addr, ip("192.0.2.2").s_addr);
	run_watched(w, 5 * SEC);
	assert_int_equal(n_at(w, "192.0.2.2", 8), 8);
	assert_int_equal(HA_NODE->n_kernel, 0);
	assert_int_equal(HA2_NODE->n_kernel, 8);
	assert_int_equal(n_sent(w, HA, WIRE_NOTIFY), 8);
	assert_int_equal(drain_state(w).left, 0);
	assert_string_equal(HA_NODE->log, "network red: nobody is registered here any more");
	for (int i = 0; i < 8; i++) {
		assert_int_equal(find(HA2_NODE, nai_of(DEV + i, nai))->rec.home.s_addr, home[i].s_addr);
		assert_int_equal(w->node[PMA1 + i % 2].dev[DEV + i].n_gone, 0);
		assert_int_equal(w->node[PMA1 + i % 2].dev[DEV + i].n_attached, 1);
	}

	/* And back, with the addresses of the first one's pool. */
	drain(w, HA, true);
	drain(w, HA2, false);
	run_watched(w, 5 * SEC);
	assert_int_equal(n_at(w, "192.0.2.1", 8), 8);
	assert_int_equal(HA2_NODE->n_kernel, 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(find(HA_NODE, nai_of(DEV + i, nai))->rec.home.s_addr, home[i].s_addr);
}

static void test_paced(void **state)
{
	struct world *w = *state;

	HA_NODE->cfg.drain_rate = 4;
	attach_some(w, 20);
	run(w, SEC);
	drain(w, HA, false);
	for (unsigned int s = 1; s < 5; s++) {
		run(w, SEC);
		assert_in_range(n_sent(w, HA, WIRE_NOTIFY), 4 * s, 4 * s + 1);
	}
	run(w, 4 * SEC);
	assert_int_equal(n_at(w, "192.0.2.2", 20), 20);
	assert_int_equal(n_sent(w, HA, WIRE_NOTIFY), 20);
}

static void test_stop(void **state)
{
	struct world *w = *state;
	unsigned int n;

	HA_NODE->cfg.drain_rate = 2;
	attach_some(w, 10);
	run(w, SEC);
	drain(w, HA, false);
	run(w, 2 * SEC);
	drain(w, HA, true);
	run(w, SEC);
	n = n_at(w, "192.0.2.2", 10);
	assert_in_range(n, 3, 5);
	run(w, 60 * SEC);
	assert_int_equal(n_at(w, "192.0.2.2", 10), n);
	assert_in_range(n_sent(w, HA, WIRE_NOTIFY), n, n + 1);	/* one may have asked when it was over */
	assert_int_equal(HA_NODE->n_kernel, 10 - n);
}

/* Who is new goes there at once, who changes its PMA keeps its address and follows. */
static void test_meanwhile(void **state)
{
	struct world *w = *state;
	struct in_addr home;
	char nai[64];

	attach_some(w, 3);
	run(w, SEC);
	home = find(HA_NODE, nai_of(DEV, nai))->rec.home;
	w->cut = WIRE_NOTIFY;
	drain(w, HA, false);
	attach(PMA_NODE, DEV + 10, 4, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	assert_int_equal(ha_of(w, DEV + 10).s_addr, ip("192.0.2.2").s_addr);

	/* It asks without saying its address, so that the HA alone knows it. */
	attach(&w->node[PMA2], DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 2 * SEC);
	assert_int_equal(device(&w->node[PMA2], DEV)->rec.ha.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(device(&w->node[PMA2], DEV)->rec.home.s_addr, home.s_addr);
	w->cut = 0;
	run(w, 40 * SEC);
	assert_int_equal(device(&w->node[PMA2], DEV)->rec.ha.s_addr, ip("192.0.2.2").s_addr);
	assert_int_equal(device(&w->node[PMA2], DEV)->rec.home.s_addr, home.s_addr);
	assert_int_equal(HA_NODE->n_kernel, 0);
}

/* The other one can't: nobody loses anything, refreshes are granted here. */
static void test_other_silent(void **state)
{
	struct world *w = *state;

	attach_some(w, 4);
	run(w, SEC);
	w->deaf = 1 << HA2;
	drain(w, HA, false);
	for (int i = 0; i < 1500; i++) {
		run(w, SEC);
		no_gap(w);
	}
	assert_int_equal(n_at(w, "192.0.2.1", 4), 4);
	assert_int_equal(HA_NODE->n_kernel, 4);
	assert_int_equal(drain_state(w).left, 4);
	w->deaf = 0;
	run(w, 80 * SEC);
	assert_int_equal(n_at(w, "192.0.2.2", 4), 4);
	assert_int_equal(HA_NODE->n_kernel, 0);
}

/* A PMA that was told of no other home agent follows nowhere. */
static void test_not_allowed(void **state)
{
	struct world *w = *state;

	for (int i = PMA1; i <= PMA2; i++)
		w->node[i].net[RED].n_other_ha = 0;
	attach_some(w, 2);
	run(w, SEC);
	drain(w, HA, false);
	run(w, 900 * SEC);
	assert_int_equal(n_at(w, "192.0.2.1", 2), 2);
	assert_int_equal(HA_NODE->n_kernel, 2);
	assert_true(COUNT(PMA1, redirects_refused) > 0);
	assert_int_equal(COUNT(PMA1, redirects_followed), 0);
}

static void test_refused(void **state)
{
	struct world *w = *state;
	const struct core_network *red = &HA_NODE->net[RED];

	assert_null(core_drain_refused(&HA_NODE->cfg, red, ip("0.0.0.0")));
	assert_null(core_drain_refused(&HA_NODE->cfg, red, ip("192.0.2.2")));
	assert_non_null(core_drain_refused(&HA_NODE->cfg, red, ip("192.0.2.1")));
	assert_non_null(core_drain_refused(&HA_NODE->cfg, &HA_NODE->net[BLUE], ip("0.0.0.0")));
	assert_non_null(core_drain_refused(&PMA_NODE->cfg, &PMA_NODE->net[RED], ip("192.0.2.2")));
	event(HA_NODE, &(struct core_event){ .type = CORE_EV_DRAIN, .drain.network = &HA_NODE->net[BLUE] });
	attach(PMA_NODE, 256 + 1, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_true(PMA_NODE->dev[1].attached);
}

/* Lossy worlds: when the faults are over, all are there. */
static void test_lossy(void **state)
{
	const char *seeds = getenv("SEEDS");
	int n = seeds && atoi(seeds) < 40 ? atoi(seeds) : 40;

	(void)state;
	for (int seed = 0; seed < n; seed++) {
		struct world *w = world_new(1000 + seed);

		two_home_agents(w);
		attach_some(w, 12);
		w->loss = 250;
		w->dup = 200;
		w->jitter = 100 * MSEC;
		run(w, 5 * SEC);
		drain(w, HA, false);
		run(w, sim_random(w, 20) * SEC);
		node_restart(&w->node[PMA1 + sim_random(w, 2)]);
		run(w, sim_random(w, 20) * SEC);
		w->loss = w->dup = 0;
		run(w, 700 * SEC);
		if (n_at(w, "192.0.2.2", 12) != 12 || HA_NODE->n_kernel || HA2_NODE->n_kernel != 12)
			fail_msg("seed %d: %u moved, %zu here, %zu there", 1000 + seed, n_at(w, "192.0.2.2", 12),
				 HA_NODE->n_kernel, HA2_NODE->n_kernel);
		no_gap(w);
		world_free(w);
	}
}

/* ---- one that is on its way ---- */

/*
 * A device of PMA1 has been sent to the other one, which is asked and hasn't
 * answered. The time stamp of the old one's last ext. 137.
 */
static uint32_t on_its_way(struct world *w)
{
	uint32_t revsup;

	attach_some(w, 1);
	run(w, SEC);
	revsup = device(PMA_NODE, DEV)->rec.peer_revsup;
	drain(w, HA, false);
	while (device(PMA_NODE, DEV)->rec.ha.s_addr != ip("192.0.2.2").s_addr)
		run(w, MSEC);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_REFRESH);
	assert_int_equal(HA_NODE->n_kernel, 1);
	return revsup;
}

/* What the PMA answers: one acknowledgement more, or none. */
static unsigned int revoke_by(struct world *w, const char *ha, uint32_t id)
{
	unsigned int before = n_sent(w, PMA1, WIRE_REVOKE_ACK);
	struct wire_revoke revoke = {
		.flags = WIRE_REVOKE_A, .home = device(PMA_NODE, DEV)->rec.home, .ha = ip(ha),
		.coa = ip("198.51.100.1"), .id = id,
	};
	struct wire_out out = { .len = 0 };
	char nai[64];

	wire_put_revoke(&out, &revoke);
	wire_put_nai(&out, nai_of(DEV, nai));
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	inject(PMA_NODE, ha, "198.51.100.1", out.buf, out.len);
	return n_sent(w, PMA1, WIRE_REVOKE_ACK) - before;
}

/* The new one revokes it as soon as it has accepted: the old one hears that the device has left, too. */
static void test_revoked_by_the_new_one(void **state)
{
	struct world *w = *state;

	on_its_way(w);
	PMA_NODE->hold = true;
	run(w, RTT);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BINDING);
	assert_int_equal(revoke_by(w, "192.0.2.2", device(PMA_NODE, DEV)->rec.peer_revsup + 1), 1);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 1);
	release(PMA_NODE);
	run(w, 5 * SEC);
	assert_int_equal(HA_NODE->n_kernel, 0);
	/* And nothing of it is left when it comes back. */
	drain(w, HA, true);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 60 * SEC);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
	assert_int_equal(HA_NODE->n_kernel + HA2_NODE->n_kernel, 1);
	no_gap(w);
}

/* Only what would end the registration ends the move. */
static void test_revoked_by_the_old_one(void **state)
{
	struct world *w = *state;
	uint32_t revsup = on_its_way(w);
	struct in_addr home = device(PMA_NODE, DEV)->rec.home;

	/* [3543-3.3-8] */
	assert_int_equal(revoke_by(w, "192.0.2.1", revsup), 0);		/* a copy of an old one */
	assert_int_equal(COUNT(PMA1, drop_revocation_invalid), 1);
	assert_int_equal(device(PMA_NODE, DEV)->rec.ha.s_addr, ip("192.0.2.2").s_addr);
	run(w, RTT);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
	assert_int_equal(device(PMA_NODE, DEV)->rec.ha.s_addr, ip("192.0.2.2").s_addr);
	assert_int_equal(device(PMA_NODE, DEV)->rec.home.s_addr, home.s_addr);
}

static void test_revoked_for_good(void **state)
{
	struct world *w = *state;
	uint32_t revsup = on_its_way(w);

	assert_int_equal(revoke_by(w, "192.0.2.1", revsup + 1), 1);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 1);
	run(w, 5 * SEC);
	assert_int_equal(HA2_NODE->n_kernel, 0);
}

/* ---- notifications ---- */

static void test_sent(void **state)
{
	struct world *w = *state;
	const struct sent *s;
	struct wire_msg msg;
	char text[WIRE_TEXT_MAX];
	uint64_t id = 0;

	attach_some(w, 1);
	run(w, SEC);
	w->loss = 1000;
	drain(w, HA, false);
	for (unsigned int try = 0; try < 5; try++) {
		s = sent_by(w, HA, WIRE_NOTIFY, 0);
		assert_int_equal(n_sent(w, HA, WIRE_NOTIFY), try + 1);
		assert_int_equal(wire_parse(s->data, s->len, &msg), WIRE_OK);
		assert_int_equal(s->dst.s_addr, ip("198.51.100.1").s_addr);
		assert_int_equal(s->src.s_addr, ip("192.0.2.1").s_addr);
		assert_int_equal(msg.notify.direction, WIRE_HA_TO_FA);
		/* [6098-4.1-4] */
		assert_int_equal(msg.notify.flags, WIRE_NOTIFY_A);
		assert_int_equal(msg.notify.home.s_addr, device(PMA_NODE, DEV)->rec.home.s_addr);
		assert_int_equal(msg.notify.ha.s_addr, s->src.s_addr);
		assert_int_equal(msg.notify.coa.s_addr, s->dst.s_addr);
		assert_int_equal(msg.n_ext, 2);
		assert_true(wire_get_text(&msg, WIRE_TEXT_HA, text));
		assert_string_equal(text, "this home agent is being relieved by 192.0.2.2");
		/* [6098-7-3] [6098-7-4] */
		assert_true(wire_auth_ok(&msg, &msg.ext[1], sa_of(PMA1)));
		/* [6098-7.1-6] [6098-7.1-7] [6098-7.1.1-3] */
		assert_true(!try || (int64_t)(msg.notify.id - id) > 0);
		id = msg.notify.id;
		/* [6098-4.1-5] [6098-7.1-1] [6098-7.1.1-2] */
		assert_int_equal(id >> 32, ntp_of(HA_NODE) >> 32);
		run(w, (SEC << try) - 1);
		/* [6098-4.3-1] [6098-4.3-4] [6098-4.3-5] */
		assert_int_equal(n_sent(w, HA, WIRE_NOTIFY), try + 1);
		run(w, 1);
	}
	run(w, SEC);
	assert_int_equal(n_sent(w, HA, WIRE_NOTIFY), 5);
	assert_int_equal(drain_state(w).told, 1);
	/* It is still served, and told again. */
	w->loss = 0;
	run(w, 40 * SEC);
	assert_int_equal(n_at(w, "192.0.2.2", 1), 1);
}

/* By hand: from the HA of a device that is served, with what a test changes. */
struct gnm {
	struct wire_notify f;
	const char *text, *src;
	enum wire_text whose;
	const struct wire_sa *sa;
	bool twice;		/* signed so */
	bool nai;		/* which isn't permitted */
};

static struct gnm gnm_to(struct world *w, int dev)
{
	return (struct gnm){
		.f = { .direction = WIRE_HA_TO_FA, .flags = WIRE_NOTIFY_A,
		       .home = device(PMA_NODE, dev)->rec.home, .ha = ip("192.0.2.1"),
		       .coa = ip("198.51.100.1"), .id = ntp_of(PMA_NODE) },
		.text = "hear, hear", .whose = WIRE_TEXT_HA, .src = "192.0.2.1", .sa = sa_of(PMA1),
	};
}

/* Code of the acknowledgement, -1 without one. */
static int say(struct world *w, const struct gnm *g, struct node *to, const char *dst, struct wire_msg *msg)
{
	unsigned int before = n_sent(w, to->index, WIRE_NOTIFY_ACK);
	struct wire_out out;
	const struct sent *s;

	wire_put_notify(&out, &g->f);
	if (g->text)
		wire_put_text(&out, g->whose, g->text);
	if (g->nai) {
		memcpy(out.buf + out.len, "\x83\x03n@x", 5);
		out.len += 5;
	}
	for (int i = 0; g->sa && i <= g->twice; i++)
		wire_put_auth(&out, WIRE_EXT_FHAE, g->sa);
	assert_false(out.failed);
	inject(to, g->src, dst, out.buf, out.len);
	if (n_sent(w, to->index, WIRE_NOTIFY_ACK) == before)
		return -1;
	s = sent_by(w, to->index, WIRE_NOTIFY_ACK, 0);
	assert_int_equal(wire_parse(s->data, s->len, msg), WIRE_OK);
	assert_int_equal(s->dst.s_addr, ip(g->src).s_addr);
	assert_int_equal(s->src.s_addr, ip(dst).s_addr);
	assert_int_equal(msg->notify_ack.home.s_addr, g->f.home.s_addr);
	assert_int_equal(msg->notify_ack.ha.s_addr, g->f.ha.s_addr);
	assert_int_equal(msg->notify_ack.coa.s_addr, g->f.coa.s_addr);
	assert_int_equal((uint32_t)msg->notify_ack.id, (uint32_t)g->f.id);
	assert_int_equal(wire_count(msg, WIRE_EXT_FHAE), 1);
	assert_true(wire_auth_ok(msg, wire_find(msg, WIRE_EXT_FHAE, 0), sa_of(PMA1)));
	return msg->notify_ack.code;
}

/* Of whom it is about nobody wants to hear any longer than its registration lasts. */
static void test_sent_no_longer(void **state)
{
	struct world *w = *state;

	HA_NODE->net[RED].lifetime = 10;
	node_start(HA_NODE);
	attach_some(w, 1);
	w->loss = 1000;
	drain(w, HA, false);
	/* At 0, 1, 3 and 7 s; not at 15. [6098-4.3-2] */
	run(w, 9 * SEC);
	assert_int_equal(n_sent(w, HA, WIRE_NOTIFY), 4);
	run(w, 60 * SEC);
	assert_int_equal(n_sent(w, HA, WIRE_NOTIFY), 4);
}

static void said(struct world *w, const struct node *n, const char *from, int dev)
{
	const uint8_t *home = (const uint8_t *)&device(PMA_NODE, dev)->rec.home;
	char text[128];

	snprintf(text, sizeof(text), "%s notifies, of home address %u.%u.%u.%u: hear, hear", from, home[0], home[1],
		 home[2], home[3]);
	assert_string_equal(n->log, text);
}

static int say_to_pma(struct world *w, const struct gnm *g)
{
	struct wire_msg msg;
	int code = say(w, g, PMA_NODE, "198.51.100.1", &msg);

	if (code >= 0)
		assert_int_equal(msg.notify_ack.direction, WIRE_FA_TO_HA);
	if (code == 0)
		assert_true(msg.notify_ack.id == g->f.id);
	if (code == WIRE_NOTIFY_FA_ID)
		assert_int_equal(msg.notify_ack.id >> 32, ntp_of(PMA_NODE) >> 32);
	return code;
}

static void test_pma_takes(void **state)
{
	struct world *w = *state;
	struct wire_sa wrong = *sa_of(PMA1);
	struct gnm good, g;
	unsigned int rrqs, n_log;

	attach_some(w, 1);
	run(w, 5 * SEC);
	rrqs = n_sent(w, PMA1, WIRE_RRQ);
	good = gnm_to(w, DEV);

	/* [6098-4.6.1-7] [6098-4.6.1-8] [6098-4.6.1-9] [6098-7-4] */
	g = good;	/* nobody's, or somebody else's */
	g.sa = NULL;
	assert_int_equal(say_to_pma(w, &g), -1);
	/* [6098-4.6.1-11] */
	assert_non_null(strstr(PMA_NODE->log, "without authenticator"));
	run(w, 60 * SEC);
	good.f.id = ntp_of(PMA_NODE);
	g = good;
	wrong.key[0] ^= 1;
	g.sa = &wrong;
	assert_int_equal(say_to_pma(w, &g), -1);
	g = good;
	g.twice = true;
	assert_int_equal(say_to_pma(w, &g), -1);
	g = good;
	g.src = "192.0.2.2";	/* knows the key, but speaks for another */
	assert_int_equal(say_to_pma(w, &g), -1);
	g = good;
	g.f.direction = WIRE_FA_TO_HA;	/* our own, sent back */
	g.f.coa = ip("192.0.2.1");
	assert_int_equal(say_to_pma(w, &g), -1);
	g = good;
	g.f.direction = WIRE_HA_TO_MN;
	assert_int_equal(say_to_pma(w, &g), -1);
	g = good;
	g.nai = true;
	/* [6098-4.6.1-16] [6098-4.6.1-17] */
	assert_int_equal(say_to_pma(w, &g), -1);
	/* [6098-4.6.1-19] */
	assert_non_null(strstr(PMA_NODE->log, "discarded a message"));
	assert_int_equal(COUNT(PMA1, drop_unknown_extension), 1);
	assert_int_equal(COUNT(PMA1, drop_no_authentication), 1);
	assert_int_equal(COUNT(PMA1, drop_bad_authenticator), 2);
	assert_int_equal(COUNT(PMA1, drop_notification_invalid), 3);
	g = good;
	g.f.id -= 9ULL << 32;
	n_log = PMA_NODE->n_log;
	/* [6098-4.6.1-12] [6098-4.6.1-13] [6098-7.1-2] [6098-7.1.1-4] [6098-7.1.1-5] [6098-7.1.1-7] */
	assert_int_equal(say_to_pma(w, &g), WIRE_NOTIFY_FA_ID);
	/* [6098-4.6.1-15] */
	assert_int_equal(PMA_NODE->n_log, n_log + 1);
	assert_non_null(strstr(PMA_NODE->log, "Identification"));
	g.f.id = good.f.id + (9ULL << 32);
	assert_int_equal(say_to_pma(w, &g), WIRE_NOTIFY_FA_ID);
	g = good;
	g.f.home = ip("10.0.0.99");	/* not here */
	assert_int_equal(say_to_pma(w, &g), WIRE_NOTIFY_FA_UNSPECIFIED);
	run(w, 5 * SEC);
	/* [6098-4.6.1-10] [6098-4.6.1-14] [6098-4.6.1-18] */
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), rrqs);

	good.f.id = ntp_of(PMA_NODE);
	/* say() has compared the low half: [6098-4.1-2] [6098-4.1-3] [6098-4.2-1] [6098-4.6.2-1] [6098-7.1-4] */
	assert_int_equal(say_to_pma(w, &good), 0);
	said(w, PMA_NODE, "192.0.2.1", DEV);
	run(w, 5 * SEC);	/* it has a look, and asks: whose it is stays as it was */
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), rrqs + 1);
	assert_int_equal(PMA_NODE->n_confirm, 1);
	assert_int_equal(n_at(w, "192.0.2.1", 1), 1);
	/* Once more, and without want of an answer. */
	/* [6098-7-5] [6098-7.1.1-6] */
	assert_int_equal(say_to_pma(w, &good), WIRE_NOTIFY_FA_ID);
	good.f.id += 1ULL << 32;
	good.f.flags = (uint16_t)~WIRE_NOTIFY_A;
	/* [6098-4.1-2] [6098-4.1-4] */
	assert_int_equal(say_to_pma(w, &good), -1);
	run(w, 5 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), rrqs + 2);
}

/* Who is no longer there isn't asked for: its new agent has it (RFC 5563 s4.4). */
static void test_absent(void **state)
{
	struct world *w = *state;
	struct gnm g;

	attach_some(w, 1);
	run(w, 5 * SEC);
	PMA_NODE->dev[DEV].away = true;
	g = gnm_to(w, DEV);
	assert_int_equal(say_to_pma(w, &g), 0);
	run(w, 5 * SEC);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 1);
	assert_int_equal(HA_NODE->n_kernel, 0);
}

/* The old one didn't hear the last word, and still thinks that it serves it. */
static void test_farewell_again(void **state)
{
	struct world *w = *state;

	attach_some(w, 1);
	run(w, SEC);
	w->jitter = 0;
	drain(w, HA, false);
	while (HA2_NODE->n_kernel == 0)
		run(w, MSEC);
	w->cut = WIRE_RRQ;
	run(w, 32 * SEC);
	assert_int_equal(HA_NODE->n_kernel, 1);
	w->cut = 0;
	run(w, 40 * SEC);
	assert_int_equal(HA_NODE->n_kernel, 0);
	assert_int_equal(HA2_NODE->n_kernel, 1);
}

static void test_ha_takes(void **state)
{
	struct world *w = *state;
	struct wire_sa wrong = *sa_of(PMA1);
	unsigned int n_log;
	struct wire_msg msg;
	struct gnm good, g;

	attach_some(w, 1);
	run(w, 5 * SEC);
	good = gnm_to(w, DEV);
	good.f.direction = WIRE_FA_TO_HA;
	good.whose = WIRE_TEXT_FA;	/* RFC 4917 s4: a sub-type for each kind of agent */
	good.src = "198.51.100.1";
	/* [6098-4.7.4-1] [6098-4.7.4-2] [6098-7.1-4] */
	assert_int_equal(say(w, &good, HA_NODE, "192.0.2.1", &msg), 0);
	assert_int_equal(msg.notify_ack.direction, WIRE_HA_TO_FA);
	assert_true(msg.notify_ack.id == good.f.id);
	said(w, HA_NODE, "198.51.100.1", DEV);
	n_log = HA_NODE->n_log;
	/* [6098-4.7.3-6] [6098-4.7.3-7] [6098-7.1.1-6] [6098-7.1.1-7] */
	assert_int_equal(say(w, &good, HA_NODE, "192.0.2.1", &msg), WIRE_NOTIFY_HA_ID);
	assert_int_equal(msg.notify_ack.id >> 32, ntp_of(HA_NODE) >> 32);
	/* [6098-4.7.3-9] */
	assert_int_equal(HA_NODE->n_log, n_log + 1);
	assert_non_null(strstr(HA_NODE->log, "Identification"));
	good.f.id += 1ULL << 32;
	g = good;
	g.f.id += 9ULL << 32;
	/* [6098-7.1.1-5] */
	assert_int_equal(say(w, &g, HA_NODE, "192.0.2.1", &msg), WIRE_NOTIFY_HA_ID);
	g = good;
	g.f.home = ip("10.0.0.99");
	/* [6098-4.7-1] */
	assert_int_equal(say(w, &g, HA_NODE, "192.0.2.1", &msg), -1);
	g = good;
	g.f.direction = WIRE_HA_TO_FA;
	assert_int_equal(say(w, &g, HA_NODE, "192.0.2.1", &msg), -1);
	g = good;
	g.nai = true;
	n_log = HA_NODE->n_log;
	/* [6098-4.7.3-25] [6098-4.7.3-26] */
	assert_int_equal(say(w, &g, HA_NODE, "192.0.2.1", &msg), -1);
	/* [6098-4.7.3-28] */
	assert_non_null(strstr(HA_NODE->log, "discarded a message"));
	/* [6098-4.7.3-1] [6098-4.7.3-3] */
	g = good;
	g.twice = true;
	assert_int_equal(say(w, &g, HA_NODE, "192.0.2.1", &msg), -1);
	/* [6098-4.7.3-5] */
	assert_non_null(strstr(HA_NODE->log, "more than one authenticator"));
	g = good;
	g.sa = NULL;
	assert_int_equal(say(w, &g, HA_NODE, "192.0.2.1", &msg), -1);
	/* What it says isn't heard, but for two complaints: [6098-4.7.3-4] [6098-4.7.3-8] [6098-4.7.3-27] */
	assert_int_equal(HA_NODE->n_log, n_log + 2);
	wrong.key[0] ^= 1;
	g = good;
	g.sa = &wrong;
	/* [6098-4.7.3-2] */
	assert_int_equal(say(w, &g, HA_NODE, "192.0.2.1", &msg), -1);
	g.sa = sa_of(PMA2);
	assert_int_equal(say(w, &g, HA_NODE, "192.0.2.1", &msg), -1);
	assert_null(strstr(HA_NODE->log, "notifies"));
	/* Nor has any of it used up the Identification. */
	assert_int_equal(say(w, &good, HA_NODE, "192.0.2.1", &msg), 0);
}

/* To the port that the last request came from: its agent may be behind a NAT. */
static void test_where_from(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, "a@red.example");
	const struct sent *s;
	struct wire_msg msg;

	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	drain(w, HA, false);
	s = sent_by(w, HA, WIRE_NOTIFY, 0);
	assert_non_null(s);
	/* [6098-4-1] [6098-4.1-1] */
	assert_int_equal(s->dport, INJECT_PORT);
	assert_int_equal(s->dst.s_addr, ip(r.src).s_addr);
	assert_int_equal(s->src.s_addr, ip(r.dst).s_addr);
}

/* Whatever a PMA's clock says: refused once, then by its time. */
static void test_clocks(void **state)
{
	struct world *w = *state;

	PMA_NODE->skew_us = -3600 * (int64_t)SEC;
	attach_some(w, 3);
	run(w, 5 * SEC);
	assert_int_equal(HA_NODE->n_kernel, 3);
	drain(w, HA, false);
	run(w, 5 * SEC);
	/* [6098-7.1-3] */
	assert_int_equal(n_at(w, "192.0.2.2", 3), 3);
	assert_int_equal(n_sent(w, HA, WIRE_NOTIFY), 3 + 2);	/* two devices are at PMA1 */
}

/* Nor does it matter to the others of its range. */
static void test_clocks_of_a_range(void **state)
{
	struct world *w = *state;

	HA_NODE->peer[0].addr = ip("198.51.100.0");
	HA_NODE->peer[0].host_bits = 2;
	HA_NODE->cfg.n_peers = 1;
	w->node[PMA2].peer[0].sa[0] = *sa_of(PMA1);
	node_start(HA_NODE);
	PMA_NODE->skew_us = 3600 * (int64_t)SEC;
	attach_some(w, 20);
	run(w, 5 * SEC);
	assert_int_equal(HA_NODE->n_kernel, 20);
	drain(w, HA, false);
	run(w, 20 * SEC);
	assert_int_equal(n_at(w, "192.0.2.2", 20), 20);
	assert_int_equal(n_sent(w, HA, WIRE_NOTIFY), 20 + 10);	/* each of PMA1's is refused once */
}

/* The last notification that the HA has sent. */
static struct wire_notify last_notice(struct world *w)
{
	const struct sent *s = sent_by(w, HA, WIRE_NOTIFY, 0);
	struct wire_msg msg;

	assert_non_null(s);
	assert_int_equal(wire_parse(s->data, s->len, &msg), WIRE_OK);
	return msg.notify;
}

static void acknowledge(struct node *to, const char *src, const char *dst, const struct wire_notify_ack *ack,
			const struct wire_sa *sa, bool twice)
{
	struct wire_out out;

	wire_put_notify_ack(&out, ack);
	for (int i = 0; sa && i <= twice; i++)
		wire_put_auth(&out, WIRE_EXT_FHAE, sa);
	assert_false(out.failed);
	inject(to, src, dst, out.buf, out.len);
}

static struct wire_notify_ack ack_of(const struct wire_notify *notify)
{
	return (struct wire_notify_ack){
		.direction = WIRE_FA_TO_HA, .home = notify->home, .ha = notify->ha, .coa = notify->coa,
		.id = notify->id,
	};
}

/* An acknowledgement is nobody else's, and none of what wasn't sent. */
static void test_acknowledgements(void **state)
{
	struct world *w = *state;
	struct wire_sa wrong = *sa_of(PMA1);
	struct wire_notify_ack good, ack;
	struct wire_notify notify;

	attach_some(w, 1);
	run(w, SEC);
	w->loss = 1000;
	drain(w, HA, false);
	notify = last_notice(w);
	good = ack = ack_of(&notify);
	ack.id++;
	/* [6098-7.1-5] */
	acknowledge(HA_NODE, "198.51.100.1", "192.0.2.1", &ack, sa_of(PMA1), false);
	ack = good;
	ack.direction = WIRE_HA_TO_FA;
	acknowledge(HA_NODE, "198.51.100.1", "192.0.2.1", &ack, sa_of(PMA1), false);
	/* [6098-4.7.2-1] [6098-4.7.2-2] [6098-4.7.2-3] */
	acknowledge(HA_NODE, "198.51.100.1", "192.0.2.1", &good, NULL, false);
	acknowledge(HA_NODE, "198.51.100.1", "192.0.2.1", &good, sa_of(PMA1), true);
	wrong.key[0] ^= 1;
	acknowledge(HA_NODE, "198.51.100.1", "192.0.2.1", &good, &wrong, false);
	acknowledge(HA_NODE, "198.51.100.2", "192.0.2.1", &good, sa_of(PMA2), false);
	assert_int_equal(drain_state(w).told, 0);
	acknowledge(HA_NODE, "198.51.100.1", "192.0.2.1", &good, sa_of(PMA1), false);
	assert_int_equal(drain_state(w).told, 1);
	run(w, 20 * SEC);
	assert_int_equal(n_sent(w, HA, WIRE_NOTIFY), 1);
}

/* Whose low half is another's tells nothing about a clock. */
static void test_clock_of_another(void **state)
{
	struct world *w = *state;
	struct wire_notify notify;
	struct wire_notify_ack ack;

	attach_some(w, 1);
	run(w, SEC);
	w->loss = 1000;
	drain(w, HA, false);
	for (int right = 0; right < 2; right++) {
		notify = last_notice(w);
		ack = ack_of(&notify);
		ack.code = WIRE_NOTIFY_FA_ID;
		ack.id += 3600ULL << 32;
		if (!right)
			ack.id ^= 1;
		acknowledge(HA_NODE, "198.51.100.1", "192.0.2.1", &ack, sa_of(PMA1), false);
		run(w, 2 * SEC);
		/* [6098-7.1.1-8] */
		assert_true((int64_t)(last_notice(w).id - notify.id) > 0);
		assert_int_equal((last_notice(w).id - notify.id) >> 32 >= 3600, right);
	}
}

/* A PMA sends none, so nothing answers it; and what isn't authentic is nobody's. */
static void test_acknowledged_unasked(void **state)
{
	struct world *w = *state;
	struct wire_sa wrong = *sa_of(PMA1);
	struct wire_notify_ack ack;

	attach_some(w, 1);
	run(w, 5 * SEC);
	ack = (struct wire_notify_ack){
		.direction = WIRE_HA_TO_FA, .home = device(PMA_NODE, DEV)->rec.home, .ha = ip("192.0.2.1"),
		.coa = ip("198.51.100.1"), .id = ntp_of(PMA_NODE),
	};
	wrong.key[0] ^= 1;
	/* [6098-4.6.4-1] [6098-4.6.4-2] [6098-4.6.4-3] */
	acknowledge(PMA_NODE, "192.0.2.1", "198.51.100.1", &ack, NULL, false);
	assert_int_equal(COUNT(PMA1, drop_no_authentication), 1);
	acknowledge(PMA_NODE, "192.0.2.1", "198.51.100.1", &ack, &wrong, false);
	assert_int_equal(COUNT(PMA1, drop_bad_authenticator), 1);
	acknowledge(PMA_NODE, "192.0.2.1", "198.51.100.1", &ack, sa_of(PMA1), true);
	assert_int_equal(COUNT(PMA1, drop_bad_authenticator), 2);
	assert_int_equal(COUNT(PMA1, drop_notification_invalid), 0);
	acknowledge(PMA_NODE, "192.0.2.1", "198.51.100.1", &ack, sa_of(PMA1), false);
	assert_int_equal(COUNT(PMA1, drop_notification_invalid), 1);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_move), TEST(test_paced), TEST(test_stop), TEST(test_meanwhile), TEST(test_other_silent),
		TEST(test_not_allowed), TEST(test_refused), cmocka_unit_test(test_lossy),
		TEST(test_revoked_by_the_new_one), TEST(test_revoked_by_the_old_one), TEST(test_revoked_for_good),
		TEST(test_sent), TEST(test_sent_no_longer),
		TEST(test_pma_takes), TEST(test_absent), TEST(test_farewell_again), TEST(test_ha_takes),
		TEST(test_where_from), TEST(test_clocks), TEST(test_clocks_of_a_range), TEST(test_acknowledgements),
		TEST(test_clock_of_another), TEST(test_acknowledged_unasked),
	};

	return cmocka_run_group_tests_name("core: draining", tests, NULL, NULL);
}
