// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many devices that move all the time between two PMAs, over a network that
 * loses, repeats and reorders, with clocks that differ and agents that are
 * killed: whatever the seed, when it gets quiet everything must be where the
 * device is, and when all have left nothing must be anywhere.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define MOVERS	50
#define BLUE0	30		/* movers from here on are blue, with the addresses of the red */

struct mover {
	int dev;
	int at;			/* node, 0 = nowhere */
	uint32_t port;
	uint64_t next;		/* moves */
};

static unsigned long long seed;
static unsigned int handovers, killed, moves, graces, put_off, tentative;

#define check(cond) do { \
	if (!(cond)) \
		fail_msg("seed %llu, at %llu us: %s", seed, (unsigned long long)w->now, #cond); \
} while (0)

static struct served *served(struct world *w, int node, int dev)
{
	return &w->node[node].dev[dev & 255];
}

/* As the kernel and host do: a frame of a device without binding is a trigger. */
static void frame(struct world *w, const struct mover *m)
{
	static const enum core_trigger any[] = { CORE_TRIGGER_DHCP, CORE_TRIGGER_ARP,
						 CORE_TRIGGER_PACKET, CORE_TRIGGER_LINK };
	struct node *n = &w->node[m->at];
	const struct core_reg *reg = device(n, m->dev);

	if (reg && reg->rec.port == m->port && served(w, m->at, m->dev)->attached)
		return;
	attach(n, m->dev, m->port, any[sim_random(w, 4)], NULL);
}

static void move(struct world *w, struct mover *m)
{
	int left = m->at;
	uint32_t port = m->port;

	moves++;
	m->next = w->now + 500 * MSEC + sim_random(w, 12 * SEC);
	m->at = sim_random(w, 8) ? PMA1 + sim_random(w, 2) : 0;
	m->port = 3 + sim_random(w, 2);
	if (left && left != m->at) {
		served(w, left, m->dev)->away = true;
		if (sim_random(w, 2))		/* the link told, or its port has gone */
			detach(&w->node[left], m->dev, port, sim_random(w, 4) ? CORE_DETACH_LINK : CORE_DETACH_PORT);
	}
	if (m->at) {
		served(w, m->at, m->dev)->away = false;
		/* Where it is still believed to be, only DHCP from the start tells; without, the next refresh does. */
		if (sim_random(w, 2))
			attach(&w->node[m->at], m->dev, m->port, CORE_TRIGGER_DHCP, NULL);
		frame(w, m);
	}
}

/*
 * Only to the PMA of the last accepted registration, or the one before as long as it may be undone; from those
 * before it, it takes packets for the grace.
 */
static void check_sends(struct world *w, const struct core_binding *b, const struct kernel_end *end)
{
	const struct node *ha = &w->node[HA];
	uint32_t grace_ms = ha->cfg.handover_grace_ms;
	unsigned int last = 0;

	if (ha->net[RED].tentative_ms) {
		grace_ms = ha->net[RED].tentative_ms + 10000;
		last = b->n_legs > 1;
	}
	for (size_t i = 0; !ha->n_change && i < ha->n_row; i++) {
		if (ha->row[i].cookie == b->cookie)
			check(b->leg[0].peer.s_addr == ha->row[i].coa.s_addr ||
			      b->leg[last].peer.s_addr == ha->row[i].coa.s_addr);
	}
	check(b->leg[0].state == CORE_LEG_ACTIVE);
	for (unsigned int i = 1; i < b->n_legs; i++) {
		check(b->leg[i].state == CORE_LEG_RECEIVE_ONLY);
		check(end->leg[i] && end->leg[i] <= w->now + grace_ms * MSEC);
		graces++;
	}
}

/* True at any moment. */
static void check_ha(struct world *w)
{
	const struct node *ha = &w->node[HA];

	check(!ha->n_clash);
	for (size_t i = 0; i < ha->n_kernel; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct core_binding *a = &ha->kernel[i], *b = &ha->kernel[j];

			check(a->realm != b->realm || a->home.s_addr != b->home.s_addr);
			check(a->leg[0].local.s_addr != b->leg[0].local.s_addr || a->leg[0].key_in != b->leg[0].key_in);
		}
		check_sends(w, &ha->kernel[i], &ha->kernel_end[i]);
	}
}

static const struct core_binding *kernel_of(struct node *n, const struct core_reg *reg)
{
	for (size_t i = 0; reg && i < n->n_kernel; i++) {
		if (n->kernel[i].cookie == reg->rec.cookie)
			return &n->kernel[i];
	}
	return NULL;
}

/* After things have settled: the HA points where the device is, and nobody else claims it. */
static void check_settled(struct world *w, const struct mover *m)
{
	const struct core_binding *ha, *pma;
	const struct core_reg *reg;
	char nai[64];

	reg = find(&w->node[HA], nai_of(m->dev, nai));
	ha = kernel_of(&w->node[HA], reg);
	for (int i = PMA1; i <= PMA2; i++) {
		pma = kernel_of(&w->node[i], device(&w->node[i], m->dev));
		if (i != m->at) {
			check(!pma);
			continue;
		}
		check(served(w, i, m->dev)->attached);
		check(pma && ha);
		check(pma->port == m->port);
		check(ha->leg[0].peer.s_addr == pma->leg[0].local.s_addr);
		check(ha->leg[0].local.s_addr == pma->leg[0].peer.s_addr);
		check(ha->home.s_addr == pma->home.s_addr && ha->realm == pma->realm);
		check(ha->leg[0].key_in == pma->leg[0].key_out && ha->leg[0].key_out == pma->leg[0].key_in);
		check(reg->state == CORE_BOUND);
	}
	if (!m->at)
		check(!ha);
}

/* Devices with a key of their own: the red ones beside their agents', or all of them without any of those. */
static void own_keys(struct node *n, bool alone)
{
	static const struct wire_sa sa = { .spi = 0x500, .alg = WIRE_ALG_HMAC_SHA1, .key_len = 20,
					   .key = "of all such devices " };

	snprintf(n->mn[0].nai, sizeof(n->mn[0].nai), "*@red.example");
	snprintf(n->mn[1].nai, sizeof(n->mn[1].nai), "*@blue.example");
	n->mn[0].sa[0] = n->mn[1].sa[0] = sa;
	n->mn[0].n_sa = n->mn[1].n_sa = 1;
	n->cfg.n_mns = alone ? 2 : 1;
	for (int i = 0; i < 2; i++) {
		n->peer[i].per_mn = true;
		if (alone)
			n->peer[i].n_sa = 0;
	}
}

static void play(void)
{
	struct world *w = world_new(seed);
	struct mover mover[MOVERS];

	for (int i = 0; i < NODES; i++) {
		w->node[i].net[RED].lifetime = w->node[i].net[BLUE].lifetime = 60;
		w->node[i].cfg.clock_probe = seed % 2;
		w->node[i].disk = seed % 7 < 3;
		if (seed % 5 < 2)
			own_keys(&w->node[i], seed % 5);
		if (seed % 9 == 2)
			w->node[i].net[RED].tentative_ms = w->node[i].net[BLUE].tentative_ms = 1500;
		if (seed % 3 == 1) {		/* too little for all of them at once */
			w->node[i].cfg.total_rate = 40;
			w->node[i].cfg.registration_rate = 10;
		}
		if (i != HA)
			w->node[i].skew_us = (int64_t)sim_random(w, 6 * SEC) - (int64_t)(3 * SEC);
		node_start(&w->node[i]);
	}
	if (seed % 4 == 0)
		w->node[PMA2].skew_us = 3600 * (int64_t)SEC;
	for (int i = 0; i < MOVERS; i++)
		mover[i] = (struct mover){ .dev = i < BLUE0 ? i : 256 + i, .next = sim_random(w, 5 * SEC) };

	w->loss = sim_random(w, 250);
	w->dup = sim_random(w, 100);
	w->jitter = seed % 3 ? sim_random(w, 400 * MSEC) : 0;
	while (w->now < 60 * SEC) {
		run(w, 100 * MSEC);
		for (int i = 0; i < MOVERS; i++) {
			if (w->now >= mover[i].next)
				move(w, &mover[i]);
			else if (mover[i].at && !sim_random(w, 5))
				frame(w, &mover[i]);
		}
		if (!sim_random(w, 200)) {
			struct node *n = &w->node[sim_random(w, NODES)];

			if (!sim_random(w, 4))
				n->step_us = (int64_t)sim_random(w, 7200 * SEC) - (int64_t)(3600 * SEC);
			node_restart(n);
			killed++;
		}
		if (!sim_random(w, 100))
			w->cut = w->cut ? 0 : WIRE_REVOKE;
		check_ha(w);
	}

	/* They stay where they are, the network is well, and old revocations and lifetimes run out. */
	w->loss = w->dup = w->cut = 0;
	for (uint64_t end = w->now + 150 * SEC; w->now < end;) {
		run(w, SEC);
		for (int i = 0; i < MOVERS; i++) {
			if (mover[i].at)
				frame(w, &mover[i]);
		}
	}
	while (w->node[HA].n_change)		/* a renewal whose row isn't on the disk yet */
		run(w, MSEC);
	check_ha(w);
	for (int i = 0; i < MOVERS; i++)
		check_settled(w, &mover[i]);
	handovers += core_counters(w->node[HA].core)->handovers;
	tentative += core_counters(w->node[HA].core)->tentative_done;
	put_off += core_counters(w->node[HA].core)->busy_new_device;

	for (int i = 0; i < MOVERS; i++) {
		if (mover[i].at)
			detach(&w->node[mover[i].at], mover[i].dev, 0, CORE_DETACH_RELEASE);
	}
	run(w, 100 * SEC);
	for (int i = 0; i < NODES; i++) {
		check(!w->node[i].n_kernel);
		check(!w->node[i].n_row);
		check(!n_regs(&w->node[i]));
		check(!core_next(w->node[i].core));
	}
	world_free(w);
}

static void test_seeds(void **state)
{
	const char *one = getenv("SEED"), *many = getenv("SEEDS");
	unsigned long long n = many && *many ? strtoull(many, NULL, 10) : 200;

	(void)state;
	if (one && *one) {
		seed = strtoull(one, NULL, 10);
		play();
		n = 1;
	} else {
		for (seed = 1; seed <= n; seed++)
			play();
	}
	print_message("# %llu worlds: %u moves, %u handovers at HAs that were never killed since, %u agents killed\n",
		      n, moves, handovers, killed);
	/* The worlds must have been busy, or they prove nothing. */
	assert_true(moves > 100 * n && handovers > 10 * n && graces > n && (n < 3 || (put_off && tentative)));
}

/* ---- packets: the kernels' legs, followed at each moment ---- */

#define FOLLOWED	12
/* What waits doesn't for ever. */
#define HELD_UP_US	(3 * SEC)
#define HELD_DOWN_US	(2 * SEC)	/* as the HA holds what is returned */

struct followed {
	int dev;
	int at, also;		/* nodes that reach it; 0 = none */
	uint64_t next, also_until, up_at, down_at;
	struct in_addr home;
};

enum fate { DELIVERED, WAITS, LOST };

static unsigned int delivered, waited, returned;

static const struct core_leg *leg_by(const struct node *n, struct in_addr peer, uint32_t key_in,
				     const struct core_binding **b)
{
	for (size_t i = 0; i < n->n_kernel; i++) {
		for (unsigned int j = 0; j < n->kernel[i].n_legs; j++) {
			const struct core_leg *leg = &n->kernel[i].leg[j];

			if (leg->peer.s_addr == peer.s_addr && leg->key_in == key_in) {
				*b = &n->kernel[i];
				return leg;
			}
		}
	}
	return NULL;
}

static const struct core_binding *binding_of(const struct node *n, struct in_addr home)
{
	for (size_t i = 0; i < n->n_kernel; i++) {
		if (n->kernel[i].home.s_addr == home.s_addr)
			return &n->kernel[i];
	}
	return NULL;
}

/* A packet that the HA sends now, if nothing changes until it is there. */
static enum fate down(struct world *w, const struct followed *f)
{
	const struct core_binding *ha = binding_of(&w->node[HA], f->home), *b;

	for (int i = PMA1; ha && i <= PMA2; i++) {
		const struct core_leg *leg = leg_by(&w->node[i], ha->leg[0].local, ha->leg[0].key_out, &b);

		if (!leg)
			continue;
		if (leg->state == CORE_LEG_RETURN)	/* the HA holds what comes back by the leg it sends by */
			return WAITS;
		return i == f->at || i == f->also ? DELIVERED : LOST;
	}
	return LOST;
}

/* A packet that the device sends now. */
static enum fate up(struct world *w, const struct followed *f)
{
	const struct core_binding *pma = binding_of(&w->node[f->at], f->home), *b;

	if (!pma || pma->leg[0].state == CORE_LEG_RETURN || pma->leg[0].state == CORE_LEG_PENDING)
		return WAITS;
	return leg_by(&w->node[HA], pma->leg[0].local, pma->leg[0].key_out, &b) && b->home.s_addr == f->home.s_addr ?
	       DELIVERED : LOST;
}

/* What a PMA that was left may still get goes back by a leg that the HA takes it from. */
static void check_returns(struct world *w, const struct followed *f)
{
	for (int i = PMA1; i <= PMA2; i++) {
		const struct core_binding *pma = binding_of(&w->node[i], f->home), *b;
		const uint64_t on_way = w->node[HA].cfg.handover_grace_ms * MSEC - 2 * w->delay - MSEC;

		if (!pma || pma->leg[0].state != CORE_LEG_RETURN ||
		    w->node[i].kernel_end[pma - w->node[i].kernel].leg[0] < w->now + on_way)
			continue;
		check(leg_by(&w->node[HA], pma->leg[0].local, pma->leg[0].key_out, &b));
		check(b->home.s_addr == f->home.s_addr);
		returned++;
	}
}

/* Either it reaches both for a while, or the link tells that it goes, and for a while it is nowhere. */
static void go(struct world *w, struct followed *f)
{
	int to = PMA1 + sim_random(w, 2);
	char hint[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &f->home, hint, sizeof(hint));
	f->next = w->now + 100 * MSEC + sim_random(w, sim_random(w, 4) ? SEC : 8 * SEC);
	if (f->at && sim_random(w, 2)) {
		detach(&w->node[f->at], f->dev, 3, CORE_DETACH_LINK);
		if (f->also)
			detach(&w->node[f->also], f->dev, 3, CORE_DETACH_LINK);
		f->at = f->also = 0;
		return;
	}
	if (f->at == to)
		return;
	if (f->at) {
		f->also = f->at;
		f->also_until = w->now + 3 * SEC;
		f->next += 3 * SEC;
	}
	f->at = to;
	attach(&w->node[to], f->dev, 3, CORE_TRIGGER_ARP, f->home.s_addr ? hint : NULL);
}

static void follow(void)
{
	struct world *w = world_new(seed);
	struct followed dev[FOLLOWED];

	for (int i = 0; i < FOLLOWED; i++)
		dev[i] = (struct followed){ .dev = i, .at = 0, .next = sim_random(w, SEC) };
	while (w->now < 40 * SEC) {
		run(w, 2 * MSEC);
		for (int i = 0; i < FOLLOWED; i++) {
			struct followed *f = &dev[i];
			enum fate fate;

			if (f->also && w->now >= f->also_until)
				f->also = 0;
			if (w->now >= f->next)
				go(w, f);
			else if (f->at && !served(w, f->at, f->dev)->attached && !sim_random(w, 20))
				attach(&w->node[f->at], f->dev, 3, CORE_TRIGGER_PACKET, NULL);
			if (!f->home.s_addr && f->at && served(w, f->at, f->dev)->attached)
				f->home = served(w, f->at, f->dev)->home;
			if (!f->home.s_addr)
				continue;
			fate = down(w, f);
			check(fate != LOST);
			delivered += fate == DELIVERED;
			waited += fate == WAITS;
			if (!f->at || fate != WAITS)
				f->down_at = w->now;
			check(w->now - f->down_at <= HELD_DOWN_US);
			fate = f->at ? up(w, f) : DELIVERED;
			check(fate != LOST);
			if (fate != WAITS)
				f->up_at = w->now;
			check(w->now - f->up_at <= HELD_UP_US);
			check_returns(w, f);
		}
	}
	world_free(w);
}

/*
 * Where every break is seen and no message lost, no packet finds nobody who
 * would take it: at each moment it is delivered, or waits for somebody.
 */
static void test_packets(void **state)
{
	const char *one = getenv("SEED"), *many = getenv("SEEDS");
	unsigned long long n = (many && *many ? strtoull(many, NULL, 10) : 200) / 10 + 1;

	(void)state;
	seed = one && *one ? strtoull(one, NULL, 10) : 1;
	for (unsigned long long end = one && *one ? seed + 1 : n + 1; seed < end; seed++)
		follow();
	print_message("# packets: %u delivered, %u wait, %u legs return what is on its way\n", delivered, waited,
		      returned);
	assert_true(delivered > 1000 && waited > 100 && returned > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_seeds), cmocka_unit_test(test_packets) };

	return cmocka_run_group_tests_name("core: simulated", tests, NULL, NULL);
}
