// SPDX-License-Identifier: GPL-2.0-only
/* Who is asked for when. */
#include "load/state.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

uint64_t load_draw(struct engine *e, uint64_t below)
{
	e->seed += 0x9e3779b97f4a7c15ULL;
	return hash_mix(e->seed) % below;
}

/* ---- who can be asked for ---- */

void load_leave_ready(struct engine *e, struct device *d)
{
	struct ready *r = d->bound ? &e->bound : &e->idle;
	uint32_t last;

	if (!d->ready)
		return;
	last = r->device[--r->n];
	r->device[d->place] = last;
	e->device[last].place = d->place;
	d->ready = false;
}

static void enter_ready(struct engine *e, struct device *d)
{
	struct ready *r = d->bound ? &e->bound : &e->idle;

	d->place = r->n;
	r->device[r->n++] = d - e->device;
	d->ready = true;
}

void load_set_bound(struct engine *e, struct device *d, bool bound)
{
	bool ready = d->ready;

	if (d->bound == bound)
		return;
	load_leave_ready(e, d);
	d->bound = bound;
	if (ready)
		enter_ready(e, d);
}

void load_wait(struct engine *e, struct device *d, unsigned int list)
{
	d->list = list;
	d->when_us = e->now->us + (LOAD_GAP_US << list);
	TAILQ_INSERT_TAIL(&e->waiting[list], d, wait);
}

void load_wait_again(struct engine *e, struct device *d)
{
	TAILQ_REMOVE(&e->waiting[d->list], d, wait);
	load_wait(e, d, 0);
}

/* ---- time ---- */

bool load_has_expired(const struct engine *e, const struct device *d)
{
	return d->bound && d->expires_us && d->expires_us <= e->now->us;
}

static void expire(struct engine *e, struct device *d)
{
	e->stats.expired++;
	load_set_bound(e, d, false);
}

static void fire(struct engine *e, struct device *d)
{
	TAILQ_REMOVE(&e->waiting[d->list], d, wait);
	if (!d->busy) {
		enter_ready(e, d);
		return;
	}
	if (d->tries >= e->cfg->tries) {
		load_unanswered(e, d);
		load_wait(e, d, 0);
		return;
	}
	if (!d->resyncs || d->list)
		e->stats.retransmitted++;
	load_send(e, d);
}

static uint64_t due_us(const struct engine *e, uint64_t n)
{
	return e->phase_us + n * SECOND / e->cfg->rate;
}

/* One that is in order for @op; NULL: there is none just now. */
static struct device *candidate(struct engine *e, enum load_op op)
{
	struct ready *r = op == LOAD_ATTACH ? &e->idle : &e->bound;

	while (r->n) {
		struct device *d = &e->device[r->device[load_draw(e, r->n)]];

		if (!load_has_expired(e, d))
			return d;
		expire(e, d);
	}
	return NULL;
}

/* By the weights of those that are possible; false: none is, and what is due waits, which counts as its time. */
static bool issue(struct engine *e)
{
	unsigned int weight[LOAD_MIX], sum = 0, at;
	struct device *d;
	int op;

	for (op = 0; op < LOAD_MIX; op++) {
		weight[op] = (op == LOAD_ATTACH ? e->idle.n : e->bound.n) ? e->cfg->mix[op] : 0;
		sum += weight[op];
	}
	if (!sum)
		return false;
	at = load_draw(e, sum);
	for (op = 0; at >= weight[op]; op++)
		at -= weight[op];
	d = candidate(e, op);
	if (d)
		load_begin(e, d, op, due_us(e, e->issued++));
	return true;
}

static void enter(struct engine *e, enum phase phase)
{
	e->phase = phase;
	e->phase_us = e->now->us;
	e->issued = 0;
	e->walk = 0;
}

/* One after the other, no faster than the rate: those that are bound. No load is measured any more. */
static void walk(struct engine *e, enum load_op op)
{
	while (e->walk < e->cfg->devices && due_us(e, e->issued) <= e->now->us) {
		struct device *d = &e->device[e->walk];

		if (load_has_expired(e, d))
			expire(e, d);
		e->blocked = d->bound && !d->ready;	/* its second isn't over */
		if (e->blocked)
			return;
		e->walk++;
		if (d->bound) {
			e->issued++;
			load_begin(e, d, op, e->now->us);
		}
	}
	if (e->walk == e->cfg->devices)
		e->phase++;
}

static int by_home(const void *a, const void *b)
{
	const struct device *const *x = a, *const *y = b;

	return (*x)->home.s_addr < (*y)->home.s_addr ? -1 : (*x)->home.s_addr > (*y)->home.s_addr;
}

/* Nothing is under way: whatever two of them have was given away twice. */
static void find_shared(struct engine *e)
{
	struct device **all = malloc(e->cfg->devices * sizeof(struct device *));
	unsigned int n = 0;

	if (!all)
		abort();	/* engine_new() had more than that */
	for (unsigned int i = 0; i < e->cfg->devices; i++)
		if (e->device[i].checked && e->device[i].bound)
			all[n++] = &e->device[i];
	qsort(all, n, sizeof(*all), by_home);
	for (unsigned int i = 1; i < n; i++)
		if (all[i]->home.s_addr == all[i - 1]->home.s_addr)
			load_lose(e, all[i], &e->stats.lost_shared, "another device has the same address");
	free(all);
}

/* What was due and hadn't its turn is no less late than what had. */
static void end_mix(struct engine *e)
{
	e->stats.end_us = e->now->us;
	for (; due_us(e, e->issued) < e->phase_us + e->cfg->duration_us && due_us(e, e->issued) < e->now->us;
	     e->issued++) {
		e->stats.unbegun++;
		hist_add(&e->stats.lag, e->now->us - due_us(e, e->issued));
	}
	e->phase = MIX_ENDS;
}

static void go_on(struct engine *e)
{
	enum phase before = e->phase;

	e->blocked = false;

	switch (e->phase) {
	case MIX:
		while (!e->blocked && due_us(e, e->issued) <= e->now->us &&
		       due_us(e, e->issued) < e->phase_us + e->cfg->duration_us)
			e->blocked = !issue(e);
		if (e->now->us >= e->phase_us + e->cfg->duration_us)
			end_mix(e);
		break;
	case CHECKS:
		walk(e, LOAD_CHECK);
		break;
	case LEAVES:
		walk(e, LOAD_LEAVE);
		break;
	default:
		break;
	}
	if (e->n_busy)
		return;
	if (e->phase == MIX_ENDS) {
		for (unsigned int i = 0; i < e->cfg->devices; i++)
			e->stats.bound += e->device[i].bound;
		enter(e, CHECKS);
	} else if (e->phase == CHECKS_END) {
		find_shared(e);
		enter(e, e->cfg->keep ? DONE : LEAVES);
	} else if (e->phase == LEAVES_END) {
		enter(e, DONE);
	}
	if (e->phase != before)
		go_on(e);
}

void engine_tick(struct engine *e, const struct load_now *now)
{
	e->now = now;
	for (int i = 0; i < LOAD_TRIES_MAX; i++) {
		struct device *d;

		while ((d = TAILQ_FIRST(&e->waiting[i])) && d->when_us <= now->us)
			fire(e, d);
	}
	go_on(e);
}

uint64_t engine_next(const struct engine *e)
{
	uint64_t next = UINT64_MAX;

	if (e->phase == DONE)
		return 0;
	for (int i = 0; i < LOAD_TRIES_MAX; i++) {
		const struct device *d = TAILQ_FIRST(&e->waiting[i]);

		if (d && d->when_us < next)
			next = d->when_us;
	}
	if (e->phase == MIX && e->phase_us + e->cfg->duration_us < next)
		next = e->phase_us + e->cfg->duration_us;
	if ((e->phase == MIX || e->phase == CHECKS || e->phase == LEAVES) && !e->blocked &&
	    due_us(e, e->issued) < next)
		next = due_us(e, e->issued);
	/* Nobody waits and nothing is due: the next phase. */
	return next == UINT64_MAX ? e->now->us : next;
}

void engine_stop(struct engine *e, const struct load_now *now)
{
	e->now = now;
	if (e->phase == MIX)
		end_mix(e);
	else if (e->phase == CHECKS || e->phase == LEAVES)
		e->phase++;
}

/* ---- life ---- */

struct engine *engine_new(const struct load_config *cfg, const struct load_now *now, load_send_fn send, void *arg)
{
	struct engine *e = calloc(1, sizeof(*e));
	uint32_t buckets = 1024;

	if (!e)
		return NULL;
	while (buckets < cfg->devices && buckets < 1U << 30)
		buckets *= 2;
	*e = (struct engine){ .cfg = cfg, .send = send, .arg = arg, .now = now, .seed = cfg->seed };
	e->device = calloc(cfg->devices, sizeof(*e->device));
	e->idle.device = calloc(cfg->devices, sizeof(*e->idle.device));
	e->bound.device = calloc(cfg->devices, sizeof(*e->bound.device));
	e->asked = malloc(buckets * sizeof(*e->asked));
	e->offset_s = calloc(cfg->n_pmas, sizeof(*e->offset_s));
	if (!e->device || !e->idle.device || !e->bound.device || !e->asked || !e->offset_s) {
		engine_free(e);
		return NULL;
	}
	e->asked_mask = buckets - 1;
	memset(e->asked, 0xff, buckets * sizeof(*e->asked));
	for (int i = 0; i < LOAD_TRIES_MAX; i++)
		TAILQ_INIT(&e->waiting[i]);
	for (unsigned int i = 0; i < cfg->devices; i++)
		enter_ready(e, &e->device[i]);
	e->next_key = hash_mix(cfg->seed ^ now->ntp) & 0x3fffffff;
	e->phase_us = e->stats.start_us = now->us;
	return e;
}

void engine_free(struct engine *e)
{
	free(e->device);
	free(e->idle.device);
	free(e->bound.device);
	free(e->asked);
	free(e->offset_s);
	free(e);
}

uint64_t load_lost(const struct load_stats *s)
{
	return s->lost_denied + s->lost_silent + s->lost_moved + s->lost_shared;
}

bool load_failed(const struct load_stats *s)
{
	uint64_t accepted = 0;

	for (int op = 0; op < LOAD_OP_MAX; op++)
		accepted += s->op[op].accepted;
	return load_lost(s) || s->unauthentic || !accepted;
}
