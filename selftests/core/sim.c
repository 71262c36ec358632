// SPDX-License-Identifier: GPL-2.0-only
/* See sim.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define NTP_BASE	0xe8000000ULL		/* s: some day in 2023 */
#define MONO_BASE	(1000 * SEC)
#define SYNC_US		(5 * MSEC)		/* as long as a disk may take for a group */
#define GRACE_US	(30 * SEC)		/* a kernel's, beyond a binding's lifetime (design.md s4.4) */

struct event {
	unsigned int life;
	struct core_event ev;
	uint8_t *data;				/* of a datagram: ours */
};

/* What comes next in a world is at the top of a binary heap of these. */
struct due {
	uint64_t at, seq;
	enum { AGE, EVENT, CALL } what;		/* at one time in this order, timers behind the first */
	int node;
	union {
		struct event *event;
		uint64_t cookie;		/* AGE: of the binding of which something ends */
		uint64_t arg;			/* CALL: for the hook */
	};
};

static const char *const addr[NODES] = { "192.0.2.1", "198.51.100.1", "198.51.100.2", "192.0.2.2" };

/* Two PMAs with different keys and SPIs. */
static const struct wire_sa sas[NODES] = {
	[PMA1] = { .spi = 0x200, .alg = WIRE_ALG_HMAC_MD5, .key_len = 16, .key = "one one one one " },
	[PMA2] = { .spi = 0x300, .alg = WIRE_ALG_HMAC_SHA256, .key_len = 16, .key = "two two two two " },
};

static bool is_ha(const struct node *n)
{
	return n->cfg.ha;
}

const struct wire_sa *sa_of(int pma)
{
	return &sas[pma];
}

struct in_addr ip(const char *text)
{
	struct in_addr a = { 0 };

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return a;
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

uint64_t sim_random(struct world *w, uint64_t below)
{
	const uint64_t x = mix(w->seed_state += 0x9e3779b97f4a7c15ULL);

	return below ? x % below : x;
}

static struct core_now now_of(struct node *n)
{
	struct core_now now = { .mono_us = MONO_BASE + n->w->now, .ntp = ntp_of(n) };

	for (size_t i = 0; i < sizeof(now.random); i++)
		now.random[i] = sim_random(n->w, 256);
	return now;
}

uint64_t ntp_of(const struct node *n)
{
	uint64_t us = NTP_BASE * SEC + MONO_BASE + n->w->now + n->skew_us;

	return ((us / SEC) << 32) + ((us % SEC) << 32) / SEC;
}

/* ---- positions in a table, by hash; a table may be emptied behind its map's back ---- */

static void map_put(struct map *m, uint64_t hash, size_t pos)
{
	size_t i = hash & (m->size - 1);

	while (m->slot[i].used)
		i = (i + 1) & (m->size - 1);
	m->slot[i] = (struct map_slot){ hash, pos, true };
}

void map_add(struct map *m, uint64_t hash, size_t pos)
{
	struct map old = *m;

	if (2 * m->n >= m->size) {
		m->size = m->size ? 2 * m->size : 64;
		m->slot = calloc(m->size, sizeof(*m->slot));
		assert_non_null(m->slot);
		for (size_t i = 0; i < old.size; i++) {
			if (old.slot[i].used)
				map_put(m, old.slot[i].hash, old.slot[i].pos);
		}
		free(old.slot);
	}
	map_put(m, hash, pos);
	m->n++;
}

/* The next one from *@at, which begins with the hash; false: there is none. */
bool map_next(const struct map *m, uint64_t hash, size_t *at, size_t *pos)
{
	for (; m->size && m->slot[*at & (m->size - 1)].used; ++*at) {
		const struct map_slot *slot = &m->slot[*at & (m->size - 1)];

		if (slot->hash != hash)
			continue;
		*pos = slot->pos;
		++*at;
		return true;
	}
	return false;
}

void map_del(struct map *m, uint64_t hash, size_t pos)
{
	size_t i = hash & (m->size - 1), hole, home;

	while (m->size && m->slot[i].used && (m->slot[i].hash != hash || m->slot[i].pos != pos))
		i = (i + 1) & (m->size - 1);
	if (!m->size || !m->slot[i].used)
		return;
	/* Who stands behind and would have stood here moves up. */
	for (hole = i, i = (i + 1) & (m->size - 1); m->slot[i].used; i = (i + 1) & (m->size - 1)) {
		home = m->slot[i].hash & (m->size - 1);
		if (((i - home) & (m->size - 1)) < ((i - hole) & (m->size - 1)))
			continue;
		m->slot[hole] = m->slot[i];
		hole = i;
	}
	m->slot[hole].used = false;
	m->n--;
}

/* ---- the queue ---- */

static bool before(const struct due *a, const struct due *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	if ((a->what == AGE) != (b->what == AGE))
		return a->what == AGE;
	return a->seq < b->seq;
}

static void put_due(struct world *w, const struct due *due)
{
	size_t i = w->n_queue++;

	if (i == w->room_queue) {
		w->room_queue = i ? i * 2 : 64;
		w->queue = realloc(w->queue, w->room_queue * sizeof(*w->queue));
		assert_non_null(w->queue);
	}
	for (; i && before(due, &w->queue[(i - 1) / 2]); i = (i - 1) / 2)
		w->queue[i] = w->queue[(i - 1) / 2];
	w->queue[i] = *due;
}

static struct due take_due(struct world *w)
{
	struct due top = w->queue[0], last = w->queue[--w->n_queue];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < w->n_queue) {
		if (child + 1 < w->n_queue && before(&w->queue[child + 1], &w->queue[child]))
			child++;
		if (!before(&w->queue[child], &last))
			break;
		w->queue[i] = w->queue[child];
		i = child;
	}
	if (w->n_queue)
		w->queue[i] = last;
	return top;
}

static void enqueue(struct world *w, uint64_t delay, int node, const struct core_event *ev, uint8_t *data)
{
	struct event *event = malloc(sizeof(*event));

	assert_non_null(event);
	*event = (struct event){ .life = w->node[node].life, .ev = *ev, .data = data };
	put_due(w, &(struct due){ .at = w->now + delay, .seq = w->seq++, .what = EVENT, .node = node,
				  .event = event });
}

void call_at(struct world *w, uint64_t at, uint64_t arg)
{
	put_due(w, &(struct due){ .at = at, .seq = w->seq++, .what = CALL, .arg = arg });
}

static void kernel_age(struct node *n, uint64_t cookie);
static void sync_rows(struct node *n);

void sim_deliver(struct node *n, const struct core_event *ev)
{
	const struct hooks *hooks = n->w->hooks;
	struct core_now now = now_of(n);

	if (!n->core)
		return;
	n->w->count.events++;
	if (hooks)
		hooks->before(n, ev);
	core_event(n->core, &now, ev);
	n->next = core_next(n->core);
	if (hooks)
		hooks->after(n, ev);
}

void event(struct node *n, const struct core_event *ev)
{
	sim_deliver(n, ev);
	run(n->w, 0);
}

static bool is_held(const struct world *w, const struct due *due)
{
	return due->what == EVENT && w->node[due->node].hold &&
	       (due->event->ev.type == CORE_EV_BOUND || due->event->ev.type == CORE_EV_STORED);
}

/* What is held waits beside the queue. */
static void set_aside(struct world *w, uint64_t until)
{
	while (w->n_queue && w->queue[0].at <= until && is_held(w, &w->queue[0])) {
		w->held = realloc(w->held, (w->n_held + 1) * sizeof(*w->held));
		assert_non_null(w->held);
		w->held[w->n_held++] = take_due(w);
	}
}

static void take_up(struct world *w)
{
	for (size_t i = w->n_held; i-- > 0;) {
		struct due due = w->held[i];

		if (is_held(w, &due))
			continue;
		w->held[i] = w->held[--w->n_held];
		put_due(w, &due);
	}
}

static void happen(struct world *w, const struct due *due)
{
	struct node *n = &w->node[due->node];
	struct event *e = due->event;

	if (due->what == AGE) {
		kernel_age(n, due->cookie);
		return;
	}
	if (due->what == CALL) {
		w->hooks->call(w, due->arg);
		return;
	}
	if (e->ev.type == CORE_EV_STORED && !e->ev.done.cookie) {
		if (e->life == n->life)
			sync_rows(n);
	} else if (e->life == n->life || e->data) {
		if (e->data)
			e->ev.datagram.data = e->data;
		sim_deliver(n, &e->ev);
	}
	free(e->data);
	free(e);
}

/* The node whose timer is the first up to @at, which becomes its time; -1: there is none. */
static int next_timer(struct world *w, uint64_t *at)
{
	int timer = -1;

	for (int i = 0; i < w->n_node; i++) {
		uint64_t next = w->node[i].core ? w->node[i].next : 0;

		if (next && next <= MONO_BASE + *at && (timer < 0 || next < w->node[timer].next)) {
			timer = i;
			*at = next > MONO_BASE + w->now ? next - MONO_BASE : w->now;
		}
	}
	return timer;
}

void run(struct world *w, uint64_t us)
{
	uint64_t until = w->now + us;
	unsigned int guard = 0;

	take_up(w);
	for (;;) {
		uint64_t at = until;
		bool any;
		int timer;

		set_aside(w, until);
		any = w->n_queue && w->queue[0].at <= until;
		if (any)
			at = w->queue[0].at;
		timer = next_timer(w, &at);
		if (!any && timer < 0)
			break;
		guard = at > w->now ? 0 : guard + 1;
		assert_true(guard < 100000);	/* a timer that is due for ever */
		if (at > w->now)
			w->now = at;
		if (timer >= 0 && !(any && w->queue[0].what == AGE && w->queue[0].at <= at)) {
			sim_deliver(&w->node[timer], &(struct core_event){ .type = CORE_EV_TIMEOUT });
		} else {
			struct due due = take_due(w);

			happen(w, &due);
		}
	}
	w->now = until;
}

void release(struct node *n)
{
	n->hold = false;
	run(n->w, 0);
}

/* ---- network ---- */

int node_by_addr(const struct world *w, struct in_addr a)
{
	size_t at = mix(a.s_addr), node;

	while (map_next(&w->by_addr, mix(a.s_addr), &at, &node)) {
		if (w->node[node].addr[0].s_addr == a.s_addr || w->node[node].addr[1].s_addr == a.s_addr)
			return node;
	}
	return -1;
}

static void post(struct node *n, const struct core_action *a)
{
	struct core_event ev = { .type = CORE_EV_DATAGRAM };
	struct world *w = n->w;
	int to = node_by_addr(w, a->send.dst);
	uint64_t delay;
	uint8_t *data;

	if (to < 0 || a->send.data[0] == w->cut || w->deaf & 1U << to % 32 || sim_random(w, 1000) < w->loss) {
		w->count.lost++;
		return;
	}
	if (w->hooks && w->hooks->parted(n, &w->node[to])) {
		w->count.parted++;
		return;
	}
	data = malloc(a->send.len);
	assert_non_null(data);
	memcpy(data, a->send.data, a->send.len);
	ev.datagram.src = a->send.src;
	ev.datagram.dst = a->send.dst;
	ev.datagram.sport = WIRE_PORT;
	ev.datagram.len = a->send.len;
	delay = w->delay + (w->jitter ? sim_random(w, w->jitter) : 0);
	w->count.overtook += w->now + delay < w->node[to].last_at;
	if (w->now + delay > w->node[to].last_at)
		w->node[to].last_at = w->now + delay;
	enqueue(w, delay, to, &ev, data);
}

static void act_send(struct node *n, const struct core_action *a)
{
	struct world *w = n->w;
	struct sent *s = &w->sent[w->n_sent++ % SENT_MAX];

	*s = (struct sent){ .from = n->index, .at = w->now, .src = a->send.src, .dst = a->send.dst,
			    .dport = a->send.dport, .link = a->send.link, .len = a->send.len };
	memcpy(s->data, a->send.data, a->send.len);
	post(n, a);
	if (sim_random(w, 1000) < w->dup) {
		w->count.doubled++;
		post(n, a);
	}
}

static void inject_by(struct node *n, uint32_t link, const char *src, const char *dst, const void *data, size_t len)
{
	struct core_event ev = { .type = CORE_EV_DATAGRAM };
	uint8_t *copy = malloc(len ? len : 1);	/* its own block: ASan sees a read past the end */

	assert_non_null(copy);
	memcpy(copy, data, len);
	ev.datagram.src = ip(src);
	ev.datagram.dst = ip(dst);
	ev.datagram.sport = INJECT_PORT;
	ev.datagram.link = link;
	ev.datagram.data = copy;
	ev.datagram.len = len;
	sim_deliver(n, &ev);
	free(copy);
	run(n->w, 0);
}

void inject(struct node *n, const char *src, const char *dst, const void *data, size_t len)
{
	inject_by(n, 0, src, dst, data, len);
}

/* ---- kernel and store ---- */

static uint64_t hash_at(uint32_t realm, struct in_addr home)
{
	return mix((uint64_t)realm << 32 ^ home.s_addr ^ 1ULL << 63);
}

/* As kernels tell tunnels apart. */
static uint64_t hash_leg(const struct core_binding *b, const struct core_leg *leg)
{
	return mix(mix((uint64_t)leg->local.s_addr << 32 | leg->peer.s_addr) +
		   (leg->keyed ? leg->key_in : b->home.s_addr));
}

/* All that kernel[@pos] is found by, there or no longer there. */
static void kernel_index(struct node *n, size_t pos, void (*how)(struct map *m, uint64_t hash, size_t pos))
{
	const struct core_binding *k = &n->kernel[pos];

	how(&n->by_kernel, mix(k->cookie), pos);
	how(&n->by_kernel, hash_at(k->realm, k->home), pos);
	for (unsigned int i = 0; i < k->n_legs; i++)
		how(&n->by_kernel, hash_leg(k, &k->leg[i]), pos);
}

struct core_binding *kernel_find(const struct node *n, uint64_t cookie)
{
	size_t at = mix(cookie), pos;

	while (map_next(&n->by_kernel, mix(cookie), &at, &pos)) {
		if (pos < n->n_kernel && n->kernel[pos].cookie == cookie)
			return &n->kernel[pos];
	}
	return NULL;
}

static void kernel_drop(struct node *n, struct core_binding *k)
{
	size_t pos = k - n->kernel, last = n->n_kernel - 1;

	kernel_index(n, pos, map_del);
	if (pos != last) {
		kernel_index(n, last, map_del);
		n->kernel[pos] = n->kernel[last];
		n->kernel_end[pos] = n->kernel_end[last];
		kernel_index(n, pos, map_add);
	}
	n->n_kernel--;
}

/* Legs end by themselves, a binding with the last of them, or some time after its lifetime. */
static void kernel_age(struct node *n, uint64_t cookie)
{
	struct core_binding *k = kernel_find(n, cookie);
	struct kernel_end *end = k ? &n->kernel_end[k - n->kernel] : NULL;
	unsigned int left = 0;

	if (!k)
		return;
	kernel_index(n, k - n->kernel, map_del);
	for (unsigned int j = 0; j < k->n_legs; j++) {
		if (end->leg[j] && end->leg[j] <= n->w->now)
			continue;
		k->leg[left] = k->leg[j];
		end->leg[left++] = end->leg[j];
	}
	k->n_legs = left;
	kernel_index(n, k - n->kernel, map_add);
	if (!left || (end->binding && end->binding + GRACE_US <= n->w->now))
		kernel_drop(n, k);
}

/* The only way that SET finds one. */
static struct core_binding *kernel_at(struct node *n, const struct core_binding *b)
{
	const uint64_t hash = hash_at(b->realm, b->home);
	size_t at = hash, pos;

	while (map_next(&n->by_kernel, hash, &at, &pos)) {
		struct core_binding *k = &n->kernel[pos];

		if (pos < n->n_kernel && k->realm == b->realm && k->home.s_addr == b->home.s_addr &&
		    !strcmp(k->device, b->device))
			return k;
	}
	return NULL;
}

static bool same_tunnel(const struct core_leg *a, const struct core_leg *b)
{
	return a->local.s_addr == b->local.s_addr && a->peer.s_addr == b->peer.s_addr &&
	       a->gre == b->gre && a->keyed == b->keyed && (!a->keyed || a->key_in == b->key_in);
}

/* design.md s4.3: {local, peer, key or none, inner address when there is no key}. */
static bool clash(const struct core_binding *a, const struct core_binding *b)
{
	for (unsigned int i = 0; i < a->n_legs; i++) {
		for (unsigned int j = 0; j < b->n_legs; j++) {
			if (same_tunnel(&a->leg[i], &b->leg[j]) &&
			    (a->leg[i].keyed || a->home.s_addr == b->home.s_addr))
				return true;
		}
	}
	return false;
}

/* Does another one than @k have one of its tunnels? */
static bool clashes(const struct node *n, const struct core_binding *b, const struct core_binding *k)
{
	for (unsigned int i = 0; i < b->n_legs; i++) {
		const uint64_t hash = hash_leg(b, &b->leg[i]);
		size_t at = hash, pos;

		while (map_next(&n->by_kernel, hash, &at, &pos)) {
			if (pos < n->n_kernel && &n->kernel[pos] != k && clash(&n->kernel[pos], b))
				return true;
		}
	}
	return false;
}

/* Nothing may be asked for that a kernel would have to refuse. */
static void check_bind(const struct node *n, const struct core_binding *b)
{
	bool returns = b->leg[0].state == CORE_LEG_RETURN;

	assert_true(b->home.s_addr && b->device[0] && b->n_legs > 0 && b->n_legs <= CORE_LEGS_MAX);
	assert_int_equal(!b->port, is_ha(n) || returns);
	for (unsigned int i = 0; i < b->n_legs; i++) {
		const struct core_leg *leg = &b->leg[i];

		assert_true(leg->peer.s_addr && leg->local.s_addr);
		assert_true(!leg->keyed || (leg->gre && leg->key_in));
		assert_true(!leg->keyed || leg->key_out || leg->state == CORE_LEG_PENDING);
		/* a simultaneous binding may be without end */
		if (leg->ms || leg->state != CORE_LEG_COPY)
			assert_int_equal(!leg->ms, leg->state == CORE_LEG_ACTIVE);
		assert_int_equal(leg->state == CORE_LEG_RETURN, returns);
		assert_false(i && leg->state == CORE_LEG_ACTIVE);
		assert_false(leg->state == CORE_LEG_COPY && b->leg[0].state != CORE_LEG_ACTIVE);
		for (unsigned int j = 0; j < i; j++)
			assert_false(same_tunnel(leg, &b->leg[j]));
	}
}

/* As host/datapath.c. */
static bool gives_way(const struct core_binding *k, const struct core_binding *b)
{
	if (b->leg[0].state == CORE_LEG_PENDING)
		return k->leg[0].state == CORE_LEG_RETURN && !memcmp(k->mac, b->mac, sizeof(b->mac));
	return k->leg[0].state == CORE_LEG_RETURN || k->leg[0].state == CORE_LEG_PENDING;
}

static void ages_at(struct node *n, uint64_t at, uint64_t cookie)
{
	put_due(n->w, &(struct due){ .at = at, .seq = n->w->seq++, .what = AGE, .node = n->index,
				     .cookie = cookie });
}

static int kernel_bind(struct node *n, const struct core_binding *b)
{
	bool returns = b->leg[0].state == CORE_LEG_RETURN;
	struct core_binding *k;
	struct kernel_end *end;

	check_bind(n, b);
	if (n->fail_bind) {
		int error = n->fail_bind;

		n->fail_bind = 0;
		return error;
	}
	k = kernel_at(n, b);
	if (b->exists && !(k && k->cookie == b->cookie))
		n->n_missing++;
	if (returns && !(k && k->cookie == b->cookie))
		return ENOENT;
	if (k && k->cookie == b->cookie && !b->exists)
		return EEXIST;
	if (k && k->cookie != b->cookie && !(b->exists && is_ha(n))) {
		if (!gives_way(k, b)) {
			n->n_clash++;
			n->n_taken++;
			return EEXIST;
		}
		kernel_drop(n, k);
		k = NULL;
	}
	if (clashes(n, b, k)) {
		n->n_clash++;
		return EEXIST;
	}
	if (k) {
		kernel_index(n, k - n->kernel, map_del);
	} else {
		n->kernel = realloc(n->kernel, (n->n_kernel + 1) * sizeof(*n->kernel));
		n->kernel_end = realloc(n->kernel_end, (n->n_kernel + 1) * sizeof(*n->kernel_end));
		assert_true(n->kernel && n->kernel_end);
		k = &n->kernel[n->n_kernel++];
	}
	*k = *b;
	kernel_index(n, k - n->kernel, map_add);
	end = &n->kernel_end[k - n->kernel];
	*end = (struct kernel_end){ .binding = b->lifetime ? n->w->now + b->lifetime * SEC : 0 };
	if (end->binding)
		ages_at(n, end->binding + GRACE_US, b->cookie);
	for (unsigned int i = 0; i < b->n_legs; i++) {
		end->leg[i] = b->leg[i].ms ? n->w->now + b->leg[i].ms * MSEC : 0;
		if (end->leg[i])
			ages_at(n, end->leg[i], b->cookie);
	}
	return 0;
}

static size_t row_of(const struct node *n, uint64_t cookie)
{
	size_t at = mix(cookie), pos;

	while (map_next(&n->by_row, mix(cookie), &at, &pos)) {
		if (pos < n->n_row && n->row[pos].cookie == cookie)
			return pos;
	}
	return n->n_row;
}

static int store_put(struct node *n, const struct core_record *rec)
{
	size_t i;

	if (n->fail_store) {
		int error = n->fail_store;

		n->fail_store = 0;
		return error;
	}
	i = row_of(n, rec->cookie);
	if (i == n->n_row) {
		n->row = realloc(n->row, (n->n_row + 1) * sizeof(*n->row));
		assert_non_null(n->row);
		n->n_row++;
		map_add(&n->by_row, mix(rec->cookie), i);
	}
	n->row[i] = *rec;
	return 0;
}

static void done(struct node *n, enum core_event_type type, uint64_t cookie, int error)
{
	struct core_event ev = { .type = type };

	ev.done.cookie = cookie;
	ev.done.error = error;
	ev.done.text = error ? "made to fail" : NULL;
	enqueue(n->w, 0, n->index, &ev, NULL);
}

static void forget(struct node *n, uint64_t cookie)
{
	size_t i = row_of(n, cookie);

	if (i == n->n_row)
		return;
	map_del(&n->by_row, mix(cookie), i);
	n->n_row--;
	if (i == n->n_row)
		return;
	map_del(&n->by_row, mix(n->row[n->n_row].cookie), n->n_row);
	n->row[i] = n->row[n->n_row];
	map_add(&n->by_row, mix(n->row[i].cookie), i);
}

/* Tells the queue by a completion of nobody that a group is due. */
static void change_row(struct node *n, const struct core_record *rec, bool gone)
{
	if (!n->disk) {
		if (gone)
			forget(n, rec->cookie);
		else
			done(n, CORE_EV_STORED, rec->cookie, store_put(n, rec));
		return;
	}
	if (!n->n_change)
		enqueue(n->w, SYNC_US, n->index, &(struct core_event){ .type = CORE_EV_STORED }, NULL);
	n->change = realloc(n->change, (n->n_change + 1) * sizeof(*n->change));
	assert_non_null(n->change);
	n->change[n->n_change++] = (struct row_change){ *rec, gone };
}

/* As host/store.c: all of a group, or none. */
static void sync_rows(struct node *n)
{
	int error = n->fail_store;

	n->fail_store = 0;
	for (size_t i = 0; !n->dead && i < n->n_change; i++) {
		const struct core_record *rec = &n->change[i].rec;

		if (error)
			n->n_lost += n->change[i].gone;
		else if (n->change[i].gone)
			forget(n, rec->cookie);
		else
			store_put(n, rec);
		if (!n->change[i].gone)
			done(n, CORE_EV_STORED, rec->cookie, error);
	}
	n->n_change = 0;
}

static int device_of(const uint8_t mac[6])
{
	return mac[5] < DEVICES ? mac[5] : 0;
}

static void told(struct node *n, const struct core_action *a)
{
	struct served *d = &n->dev[device_of(a->device.mac)];

	if (n->w->hooks)	/* counts for itself */
		return;
	switch (a->type) {
	case CORE_ACT_ATTACHED:
		d->attached = true;
		d->attached_at = n->w->now;
		d->n_attached++;
		d->told = a->device.host;
		if (d->told)
			d->host = *a->device.host;
		break;
	case CORE_ACT_REFUSED:
		d->attached = false;
		d->n_refused++;
		break;
	default:
		d->attached = false;
		d->n_gone++;
	}
	d->home = a->device.home;
	d->code = a->device.code;
	memcpy(d->text, a->device.text, sizeof(d->text));
}

static void note_order(struct node *n, char letter)
{
	size_t len = strlen(n->order);

	if (len + 1 < sizeof(n->order))
		n->order[len] = letter;
}

static void act(void *arg, const struct core_action *a)
{
	struct core_event ev = { 0 };
	struct core_binding *k;
	struct node *n = arg;

	if (n->dead)
		return;
	if (a->type == CORE_ACT_BIND || a->type == CORE_ACT_UNBIND || a->type == CORE_ACT_STORE ||
	    a->type == CORE_ACT_FORGET)
		n->dead = n->last_effects && !--n->last_effects;
	switch (a->type) {
	case CORE_ACT_SEND:
		note_order(n, 'S');
		act_send(n, a);
		break;
	case CORE_ACT_BIND:
		note_order(n, 'B');
		done(n, CORE_EV_BOUND, a->bind.cookie, kernel_bind(n, &a->bind));
		break;
	case CORE_ACT_UNBIND:
		note_order(n, 'U');
		k = kernel_find(n, a->bind.cookie);
		if (!k)
			break;
		assert_int_equal(k->realm, a->bind.realm);
		assert_int_equal(k->home.s_addr, a->bind.home.s_addr);
		kernel_drop(n, k);
		break;
	case CORE_ACT_STORE:
	case CORE_ACT_FORGET:
		change_row(n, &a->store, a->type == CORE_ACT_FORGET);
		break;
	case CORE_ACT_CONFIRM:
		n->n_confirm++;
		ev.type = CORE_EV_PRESENT;
		ev.present.cookie = a->confirm.cookie;
		ev.present.present = !n->absent && !n->dev[device_of(a->confirm.mac)].away;
		if (n->w->hooks)
			ev.present.present = n->w->hooks->present(n, a->confirm.mac);
		enqueue(n->w, MSEC, n->index, &ev, NULL);
		break;
	case CORE_ACT_PROXY:
	case CORE_ACT_UNPROXY:
		note_order(n, a->type == CORE_ACT_PROXY ? 'P' : 'Q');
		assert_string_equal(a->proxy.device, "mip-red");
		n->proxied = a->proxy.home;
		break;
	case CORE_ACT_LOG:
		n->n_log++;
		memcpy(n->log, a->log.text, sizeof(n->log));
		break;
	default:
		told(n, a);
	}
	if (n->w->hooks)
		n->w->hooks->acted(n, a);
}

/* ---- nodes ---- */

static void configure(struct node *n)
{
	static const char *const name[NETWORKS] = { "red", "blue", "green" };
	bool ha = n->index == HA || n->index == HA2;

	n->addr[0] = ip(addr[n->index]);
	if (n->index == HA)
		n->addr[1] = ip("192.0.2.9");
	for (int i = 0; i < NETWORKS; i++) {
		struct core_network *net = &n->net[i];

		snprintf(net->name, sizeof(net->name), "%s", name[i]);
		snprintf(net->nai, sizeof(net->nai), "*@%s.example", name[i]);
		snprintf(net->device, sizeof(net->device), ha ? "mip-%s" : "mip0", name[i]);
		net->realm = i + 1;
		net->ha = ip(i == GREEN ? "192.0.2.9" : "192.0.2.1");
		net->gateway = ip("10.0.0.1");
		net->plen = 24;
		net->pool[0].first = ip("10.0.0.10");
		net->pool[0].last = ip("10.0.0.109");
		net->lifetime = 600;
	}
	for (int i = PMA1; i <= PMA2; i++) {
		struct core_peer *peer = &n->peer[i - PMA1];

		*peer = (struct core_peer){ .addr = ip(addr[i]), .n_sa = 1, .proxy = true,
					    .revocation = true, .gre_key = true };
		peer->sa[0] = sas[i];
		if (ha)
			continue;
		/* Seen from a PMA, the peers are the HA's addresses. */
		peer->addr = ip(i == PMA1 ? "192.0.2.1" : "192.0.2.9");
		peer->sa[0] = sas[n->index];
	}
	snprintf(n->identity[0].nai, sizeof(n->identity[0].nai), "%%m@red.example");
	memcpy(n->identity[0].mac, "\x02\x00\x00\x00\x00\x00", 6);
	memcpy(n->identity[0].mask, "\xff\xff\xff\xff\xff\x00", 6);
	snprintf(n->identity[1].nai, sizeof(n->identity[1].nai), "%%M@blue.example");
	memcpy(n->identity[1].mac, "\x02\x00\x00\x00\x01\x00", 6);
	memcpy(n->identity[1].mask, "\xff\xff\xff\xff\xff\x00", 6);
	n->cfg = (struct core_config){
		.ha = ha, .pma = !ha, .care_of = ip(addr[n->index]),
		.networks = n->net, .n_networks = NETWORKS,
		.peers = n->peer, .n_peers = 2,
		.identities = n->identity, .n_identities = 2, .mns = n->mn,
		.replay_window = 7, .handover_grace_ms = 2000, .away_ms = 10000, .drain_rate = 100,
		.access = WIRE_ACCESS_8023,
	};
}

void two_home_agents(struct world *w)
{
	for (int i = 0; i < NODES; i++) {
		struct node *n = &w->node[i];
		struct core_network *red = &n->net[RED];

		core_free(n->core);	/* its configuration is about to change */
		n->core = NULL;
		red->other_ha[0] = ip(addr[i == HA2 ? HA : HA2]);
		red->n_other_ha = 1;
		if (i == HA2) {
			red->ha = ip(addr[HA2]);
			n->cfg.n_networks = RED + 1;
		}
		if (i == HA || i == HA2) {	/* the other's is .110 to .209 */
			red->pool[0].first = ip(i == HA ? "10.0.0.10" : "10.0.0.110");
			red->pool[0].last = ip(i == HA ? "10.0.0.109" : "10.0.0.209");
			red->other_pool[0].first = ip(i == HA ? "10.0.0.110" : "10.0.0.10");
			red->other_pool[0].last = ip(i == HA ? "10.0.0.209" : "10.0.0.109");
		} else {
			n->peer[2] = n->peer[0];
			n->peer[2].addr = ip(addr[HA2]);
			n->cfg.n_peers = 3;
		}
	}
	for (int i = 0; i < NODES; i++)
		node_start(&w->node[i]);
}

void node_start(struct node *n)
{
	core_free(n->core);
	n->life++;
	n->n_change = 0;
	n->core = core_new(&n->cfg, act, n);
	assert_non_null(n->core);
	sim_deliver(n, &(struct core_event){ .type = CORE_EV_START });
}

static void *copy(const void *from, size_t len)
{
	void *to = malloc(len + 1);

	assert_non_null(to);
	if (len)
		memcpy(to, from, len);
	return to;
}

void node_stop(struct node *n)
{
	core_free(n->core);
	n->core = NULL;
	n->life++;
}

void node_restart(struct node *n)
{
	size_t n_row = n->n_row, n_kernel;
	struct core_binding *kernel;
	struct core_record *row;
	struct core_event ev;
	struct kernel_end *kernel_end;

	node_stop(n);
	n_kernel = n->n_kernel;
	n->skew_us += n->step_us;
	n->step_us = 0;
	n->dead = false;
	n->last_effects = 0;
	n->n_change = 0;
	n->core = core_new(&n->cfg, act, n);
	assert_non_null(n->core);
	/* Copies: what the core does meanwhile changes the tables. */
	row = copy(n->row, n_row * sizeof(*row));
	kernel = copy(n->kernel, n_kernel * sizeof(*kernel));
	kernel_end = copy(n->kernel_end, n_kernel * sizeof(*kernel_end));
	for (size_t i = 0; i < n_row; i++) {
		ev = (struct core_event){ .type = CORE_EV_RESTORE, .restore = row[i] };
		sim_deliver(n, &ev);
	}
	for (size_t i = 0; i < n_kernel; i++) {
		uint64_t end = kernel_end[i].binding;

		if (end && end <= n->w->now) {	/* the kernel has ended it meanwhile */
			kernel_drop(n, kernel_find(n, kernel[i].cookie));
			continue;
		}
		ev = (struct core_event){ .type = CORE_EV_ADOPT, .adopt = kernel[i] };
		ev.adopt.lifetime = end ? (end - n->w->now + SEC - 1) / SEC : 0;
		for (unsigned int j = 0; j < kernel[i].n_legs; j++) {
			end = kernel_end[i].leg[j];
			ev.adopt.leg[j].ms = end ? (end - n->w->now + MSEC - 1) / MSEC : 0;
		}
		sim_deliver(n, &ev);
	}
	free(row);
	free(kernel);
	free(kernel_end);
	event(n, &(struct core_event){ .type = CORE_EV_START });
}

struct world *world_of(uint64_t seed, int nodes, void (*configure_node)(struct node *n), const struct hooks *hooks,
		       void *driver)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->node = calloc(nodes, sizeof(*w->node));
	assert_non_null(w->node);
	w->n_node = nodes;
	w->hooks = hooks;
	w->driver = driver;
	w->seed_state = seed;
	w->delay = 10 * MSEC;
	for (int i = 0; i < nodes; i++) {
		struct node *n = &w->node[i];

		n->w = w;
		n->index = i;
		configure_node(n);
		for (int j = 0; j < 2; j++) {
			if (n->addr[j].s_addr)
				map_add(&w->by_addr, mix(n->addr[j].s_addr), i);
		}
	}
	for (int i = 0; i < nodes; i++)
		node_start(&w->node[i]);
	return w;
}

struct world *world_new(uint64_t seed)
{
	return world_of(seed, NODES, configure, NULL, NULL);
}

static void due_free(const struct due *due)
{
	if (due->what != EVENT)
		return;
	free(due->event->data);
	free(due->event);
}

void world_free(struct world *w)
{
	for (int i = 0; i < w->n_node; i++) {
		core_free(w->node[i].core);
		free(w->node[i].kernel);
		free(w->node[i].kernel_end);
		free(w->node[i].by_kernel.slot);
		free(w->node[i].row);
		free(w->node[i].by_row.slot);
		free(w->node[i].change);
	}
	for (size_t i = 0; i < w->n_queue; i++)
		due_free(&w->queue[i]);
	for (size_t i = 0; i < w->n_held; i++)
		due_free(&w->held[i]);
	free(w->queue);
	free(w->held);
	free(w->by_addr.slot);
	free(w->node);
	free(w);
}

int end_world(void **state)
{
	world_free(*state);
	return 0;
}

/* ---- devices ---- */

/* 0..DEVICES-1 are red, those plus 256 blue. */
void mac_of(int dev, uint8_t mac[6])
{
	memcpy(mac, "\x02\x00\x00\x00", 4);
	mac[4] = dev >> 8;
	mac[5] = dev;
}

const char *nai_of(int dev, char buf[64])
{
	snprintf(buf, 64, dev < 256 ? "02000000%02x%02x@red.example" : "02:00:00:00:%02x:%02x@blue.example",
		 dev >> 8, dev & 255);
	return buf;
}

void attach(struct node *n, int dev, uint32_t port, enum core_trigger trigger, const char *hint)
{
	struct core_event ev = { .type = CORE_EV_ATTACH };
	char name[16];

	snprintf(name, sizeof(name), "port%u", port);
	ev.attach.port = port;
	ev.attach.port_name = name;
	mac_of(dev, ev.attach.mac);
	ev.attach.trigger = trigger;
	ev.attach.init = trigger == CORE_TRIGGER_DHCP && !hint;		/* DISCOVER */
	ev.attach.hint = hint ? ip(hint) : (struct in_addr){ 0 };
	ev.attach.seen_us = MONO_BASE + n->w->now;
	sim_deliver(n, &ev);
}

void detach(struct node *n, int dev, uint32_t port, enum core_detach why)
{
	struct core_event ev = { .type = CORE_EV_DETACH };

	ev.detach.port = port;
	mac_of(dev, ev.detach.mac);
	ev.detach.why = why;
	sim_deliver(n, &ev);
	n->dev[device_of(ev.detach.mac)].attached = false;
}

struct search {
	const char *nai;
	const struct core_reg *found;
	unsigned int n;
};

static bool look(void *arg, const struct core_reg *reg)
{
	struct search *s = arg;

	s->n++;
	if (s->nai && !strcmp(s->nai, reg->rec.nai))
		s->found = reg;
	return true;
}

const struct core_reg *find(struct node *n, const char *nai)
{
	struct search s = { .nai = nai };

	core_walk(n->core, look, &s);
	return s.found;
}

const struct core_reg *ha_reg(struct world *w)
{
	char nai[64];

	return find(HA_NODE, nai_of(DEV, nai));
}

const struct core_reg *device(struct node *n, int dev)
{
	uint8_t mac[6];

	mac_of(dev, mac);
	return core_find_device(n->core, 0, mac);
}

unsigned int n_regs(struct node *n)
{
	struct search s = { 0 };

	core_walk(n->core, look, &s);
	return s.n;
}

size_t n_served(const struct node *n)
{
	size_t served = 0;

	for (size_t i = 0; i < n->n_kernel; i++)
		served += n->kernel[i].leg[0].state != CORE_LEG_RETURN;
	return served;
}

/* ---- messages ---- */

const struct sent *sent_by(struct world *w, int from, uint8_t type, unsigned int back)
{
	unsigned int oldest = w->n_sent > SENT_MAX ? w->n_sent - SENT_MAX : 0;

	for (unsigned int i = w->n_sent; i-- > oldest;) {
		const struct sent *s = &w->sent[i % SENT_MAX];

		if (s->from == from && s->data[0] == type && !back--)
			return s;
	}
	return NULL;
}

unsigned int n_sent(struct world *w, int from, uint8_t type)
{
	unsigned int n = 0;

	while (sent_by(w, from, type, n))
		n++;
	return n;
}

struct rrq rrq_from(struct world *w, int pma, const char *nai)
{
	return (struct rrq){
		.f = { .flags = WIRE_RRQ_T | WIRE_RRQ_G, .lifetime = 600, .ha = ip("192.0.2.1"),
		       .coa = ip(addr[pma]), .id = ntp_of(&w->node[HA]) + sim_random(w, 1000) },
		.nai = nai, .method = WIRE_PMIP_FHA, .keyed = true, .key = 0x1000 + pma,
		.revsup = true, .revsup_time = ntp_of(&w->node[HA]) >> 32,
		.sa = &sas[pma], .src = addr[pma], .dst = "192.0.2.1",
	};
}

void rrq_build(struct wire_out *out, const struct rrq *r)
{
	memset(out, 0, sizeof(*out));
	wire_put_rrq(out, &r->f);
	if (r->nai)
		wire_put_nai(out, r->nai);
	if (r->service)
		wire_put_service(out, r->service);
	if (r->asks_host)
		wire_put_host_request(out);
	if (r->requested)
		wire_put_dynamic_ha(out, WIRE_HA_REQUESTED, ip(r->requested));
	if (r->method >= 0)
		wire_put_pmip_method(out, r->method);
	if (r->proxied)
		wire_put_access_tech(out, r->access ? r->access : WIRE_ACCESS_8023);
	if (r->mn)
		wire_put_auth(out, WIRE_EXT_MHAE, r->mn);
	if (r->challenge)
		wire_put_ext(out, WIRE_EXT_CHALLENGE, 0, r->challenge, strlen(r->challenge));
	if (r->aaa)
		wire_put_auth(out, WIRE_EXT_GAE, r->aaa);
	if (r->keyed && r->key_3gpp2)
		wire_put_gre_key_3gpp2(out, r->key);
	else if (r->keyed)
		wire_put_gre_key(out, r->key);
	if (r->revsup)
		wire_put_revsup(out, r->inform ? WIRE_REVSUP_I : 0, r->revsup_time);
	if (r->sa)
		wire_put_auth(out, WIRE_EXT_FHAE, r->sa);
	assert_false(out->failed);
}

void misplace(struct wire_out *out)
{
	out->there = out->passed = 0;
}

bool ask(struct world *w, const struct rrq *r, struct wire_msg *msg)
{
	unsigned int before = w->n_sent;
	struct wire_out out;
	const struct sent *s;

	rrq_build(&out, r);
	inject_by(&w->node[HA], r->link, r->src, r->dst, out.buf, out.len);
	if (w->n_sent == before)
		return false;
	s = sent_by(w, HA, WIRE_RRP, 0);
	assert_non_null(s);
	assert_int_equal(wire_parse(s->data, s->len, msg), WIRE_OK);
	/* Whatever it says: to the asker, from where it was asked, signed, with method and NAI. */
	assert_int_equal(s->src.s_addr, ip(strcmp(r->dst, "10.0.0.255") ? r->dst : addr[HA]).s_addr);
	assert_int_equal(s->dst.s_addr, ip(r->src).s_addr);
	assert_int_equal(s->dport, INJECT_PORT);
	assert_int_equal(wire_count(msg, WIRE_EXT_FHAE), r->sa ? 1 : 0);
	assert_true(!r->sa || wire_auth_ok(msg, wire_find(msg, WIRE_EXT_FHAE, 0),
					   &sas[ip(r->src).s_addr == ip(addr[PMA1]).s_addr ? PMA1 : PMA2]));
	assert_int_equal(wire_count(msg, WIRE_EXT_PMIP), r->method >= 0 ? 1 : 0);
	assert_int_equal(wire_count(msg, WIRE_EXT_MHAE), r->mn || r->aaa ? 1 : 0);
	assert_int_equal(wire_count(msg, WIRE_EXT_NAI), r->nai ? 1 : 0);
	assert_int_equal((uint32_t)msg->rrp.id, (uint32_t)r->f.id);
	return true;
}

uint8_t reply_code(struct world *w, const struct rrq *r)
{
	struct wire_msg msg;

	assert_true(ask(w, r, &msg));
	run(w, MSEC);
	return msg.rrp.code;
}
