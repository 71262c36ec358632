// SPDX-License-Identifier: GPL-2.0-only
/* Registrations and what holds them: tables, timers, random numbers. */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/reg.h"

#define TABLE_MIN	64

/* ---- tables ---- */

bool table_init(struct table *t)
{
	t->n = 0;
	t->size = TABLE_MIN;
	t->bucket = calloc(t->size, sizeof(*t->bucket));
	return t->bucket;
}

void table_exit(struct table *t)
{
	free(t->bucket);
	t->bucket = NULL;
}

static void table_grow(struct table *t)
{
	size_t size = t->size * 2;
	struct link **bucket = calloc(size, sizeof(*bucket));
	struct link *link, *next;

	if (!bucket)
		return;
	for (size_t i = 0; i < t->size; i++) {
		for (link = t->bucket[i]; link; link = next) {
			next = link->next;
			link->next = bucket[link->hash & (size - 1)];
			bucket[link->hash & (size - 1)] = link;
		}
	}
	free(t->bucket);
	t->bucket = bucket;
	t->size = size;
}

void table_add(struct table *t, struct link *link, uint64_t hash)
{
	struct link **bucket;

	if (t->n >= t->size)
		table_grow(t);
	bucket = &t->bucket[hash & (t->size - 1)];
	link->hash = hash;
	link->next = *bucket;
	*bucket = link;
	t->n++;
}

void table_del(struct table *t, struct link *link)
{
	struct link **p = &t->bucket[link->hash & (t->size - 1)];

	while (*p != link)
		p = &(*p)->next;
	*p = link->next;
	t->n--;
}

struct link *table_next(const struct table *t, struct link *link, uint64_t hash)
{
	link = link ? link->next : t->bucket[hash & (t->size - 1)];
	while (link && link->hash != hash)
		link = link->next;
	return link;
}

struct link *table_walk(const struct table *t, const struct link *link)
{
	size_t i = 0;

	if (link && link->next)
		return link->next;
	if (link)
		i = (link->hash & (t->size - 1)) + 1;
	while (i < t->size && !t->bucket[i])
		i++;
	return i < t->size ? t->bucket[i] : NULL;
}

/* ---- timers ---- */

static void heap_put(struct heap *heap, size_t pos, struct timer *timer)
{
	heap->slot[pos] = timer;
	timer->pos = pos;
}

/* Find the place for @timer, whose old place @pos is a hole. */
static void heap_sift(struct heap *heap, size_t pos, struct timer *timer)
{
	while (pos > 1 && heap->slot[pos / 2]->when_us > timer->when_us) {
		heap_put(heap, pos, heap->slot[pos / 2]);
		pos /= 2;
	}
	for (;;) {
		size_t child = pos * 2;

		if (child > heap->n)
			break;
		if (child < heap->n && heap->slot[child + 1]->when_us < heap->slot[child]->when_us)
			child++;
		if (heap->slot[child]->when_us >= timer->when_us)
			break;
		heap_put(heap, pos, heap->slot[child]);
		pos = child;
	}
	heap_put(heap, pos, timer);
}

bool timers_reserve(struct core *core, size_t more)
{
	size_t total = core->cookies.n + core->n_revocations + core->n_farewells + core->n_notices +
		       2 * core->cfg->n_peers + core->cfg->n_networks + 1 + more;
	struct heap *heap = &core->timers;
	size_t room = heap->room ? heap->room : TABLE_MIN;
	struct timer **slot;

	while (room <= total)
		room *= 2;
	if (room == heap->room)
		return true;
	slot = realloc(heap->slot, room * sizeof(*slot));
	if (!slot)
		return false;
	heap->slot = slot;
	heap->room = room;
	return true;
}

void timer_set(struct core *core, struct timer *timer, uint64_t when_us)
{
	struct heap *heap = &core->timers;
	size_t pos = timer->pos;
	struct timer *last;

	timer->when_us = when_us;
	if (when_us) {
		heap_sift(heap, pos ? pos : ++heap->n, timer);
	} else if (pos) {
		timer->pos = 0;
		last = heap->slot[heap->n--];
		if (last != timer)
			heap_sift(heap, pos, last);
	}
}

void timers_run(struct core *core)
{
	struct heap *heap = &core->timers;

	while (heap->n && heap->slot[1]->when_us <= core->now->mono_us) {
		struct timer *timer = heap->slot[1];

		timer_set(core, timer, 0);
		timer->fire(core, timer);
	}
}

/* ---- random numbers: xoshiro256++, stirred with fresh bytes at every event ---- */

static uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

uint64_t core_random(struct core *core)
{
	uint64_t *s = core->rng;
	uint64_t result = rotl(s[0] + s[3], 23) + s[0], t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

/* ---- registrations ---- */

static uint64_t key_hash(const struct core *core, struct in_addr local, uint32_t key)
{
	return hash_mix(((uint64_t)local.s_addr << 32 | key) ^ core->seed);
}

static uint64_t role_hash(const struct core *core, enum core_role role, const char *nai)
{
	return nai_hash(nai, core->seed) + role;
}

static struct in_addr reg_local(const struct reg *reg)
{
	return is_ha(reg) ? reg->pub.rec.ha : reg->pub.rec.coa;
}

struct reg *reg_next(const struct core *core, const struct reg *reg)
{
	struct link *link = table_walk(&core->cookies, reg ? &reg->by_cookie : NULL);

	return link ? container_of(link, struct reg, by_cookie) : NULL;
}

struct reg *reg_by_cookie(const struct core *core, uint64_t cookie)
{
	struct link *link = NULL;

	while ((link = table_next(&core->cookies, link, hash_mix(cookie)))) {
		struct reg *reg = container_of(link, struct reg, by_cookie);

		if (reg->pub.rec.cookie == cookie)
			return reg;
	}
	return NULL;
}

struct reg *reg_next_by_nai(const struct core *core, enum core_role role, const char *nai, const struct reg *reg)
{
	uint64_t hash = role_hash(core, role, nai);
	struct link *link = reg ? (struct link *)&reg->by_nai : NULL;

	while ((link = table_next(&core->nais, link, hash))) {
		struct reg *next = container_of(link, struct reg, by_nai);

		if (next->pub.rec.role == role && nai_equal(next->pub.rec.nai, nai))
			return next;
	}
	return NULL;
}

struct reg *reg_by_nai(const struct core *core, enum core_role role, const char *nai, uint8_t access)
{
	struct reg *reg = NULL;

	while ((reg = reg_next_by_nai(core, role, nai, reg)) && reg->pub.rec.access != access)
		;
	return reg;
}

struct reg *reg_by_mac(const struct core *core, const uint8_t mac[6])
{
	struct link *link = NULL;

	while ((link = table_next(&core->macs, link, hash_mac(mac, core->seed)))) {
		struct reg *reg = container_of(link, struct reg, by_mac);

		if (!memcmp(reg->pub.rec.mac, mac, 6))
			return reg;
	}
	return NULL;
}

unsigned int mac_set(const struct core *core, const uint8_t mac[6])
{
	return hash_mac(mac, core->seed) % SHUN_SETS;
}

struct reg *reg_by_home(const struct core *core, enum core_role role, struct in_addr home,
			struct in_addr ha, struct in_addr coa, unsigned int *n)
{
	struct reg *found = NULL;

	*n = 0;
	for (struct reg *reg = reg_next(core, NULL); reg; reg = reg_next(core, reg)) {
		const struct core_record *rec = &reg->pub.rec;

		if (rec->role == role && !(role == CORE_HA && rec->tombstone) &&
		    rec->home.s_addr == home.s_addr && rec->ha.s_addr == ha.s_addr &&
		    (rec->coa.s_addr == coa.s_addr || other_at(reg, coa))) {
			found = reg;
			++*n;
		}
	}
	return *n == 1 ? found : NULL;
}

void reg_set_nai(struct core *core, struct reg *reg, const char *nai)
{
	struct core_record *rec = &reg->pub.rec;

	if (rec->nai[0])
		table_del(&core->nais, &reg->by_nai);
	memmove(rec->nai, nai, strlen(nai) + 1);
	table_add(&core->nais, &reg->by_nai, role_hash(core, rec->role, rec->nai));
}

void reg_set_mac(struct core *core, struct reg *reg, const uint8_t mac[6])
{
	memcpy(reg->pub.rec.mac, mac, 6);
	table_add(&core->macs, &reg->by_mac, hash_mac(mac, core->seed));
}

static bool key_taken(const struct core *core, struct in_addr local, uint32_t key)
{
	uint64_t hash = key_hash(core, local, key);
	struct link *link = NULL;

	while ((link = table_next(&core->keys, link, hash))) {
		struct reg *reg = container_of(link, struct reg, by_key);

		if (reg->pub.rec.key_in == key && reg_local(reg).s_addr == local.s_addr)
			return true;
	}
	return false;
}

uint32_t reg_choose_key(struct core *core, struct in_addr local)
{
	uint32_t key;

	do {
		key = core_random(core) >> 32;
	} while (!key || key_taken(core, local, key));
	return key;
}

void reg_set_key_in(struct core *core, struct reg *reg, uint32_t key)
{
	if (reg->has_key)
		table_del(&core->keys, &reg->by_key);
	reg->pub.rec.key_in = key;
	reg->has_key = key;
	if (key)
		table_add(&core->keys, &reg->by_key, key_hash(core, reg_local(reg), key));
}

bool reg_full(const struct core *core)
{
	return core->cfg->max_registrations && core->n_regs >= core->cfg->max_registrations;
}

static void reg_fire(struct core *core, struct timer *timer)
{
	struct reg *reg = container_of(timer, struct reg, timer);
	bool ha = is_ha(reg);

	if (reg->restored)
		(ha ? ha_resume : pma_resume)(core, reg);
	else
		(ha ? ha_timeout : pma_timeout)(core, reg);
}

struct reg *reg_new(struct core *core, enum core_role role, const char *nai,
		    const struct core_network *net, uint64_t cookie)
{
	struct core_record *rec;
	struct reg *reg;

	if (!timers_reserve(core, 1))
		return NULL;
	reg = calloc(1, sizeof(*reg));
	if (!reg)
		return NULL;
	reg->timer.fire = reg_fire;
	reg->net = net;
	reg->since_us = core->now->mono_us;
	rec = &reg->pub.rec;
	while (!cookie || reg_by_cookie(core, cookie))
		cookie = core_random(core);
	rec->cookie = cookie;
	rec->role = role;
	rec->realm = net->realm;
	rec->ha = net->ha;
	memcpy(rec->network, net->name, sizeof(rec->network));
	table_add(&core->cookies, &reg->by_cookie, hash_mix(cookie));
	reg_set_nai(core, reg, nai);
	core->n_regs++;
	return reg;
}

void reg_free(struct core *core, struct reg *reg)
{
	struct core_record *rec = &reg->pub.rec;

	timer_set(core, &reg->timer, 0);
	left_free(reg);
	revoke_cancel_all(core, reg);
	reg_set_key_in(core, reg, 0);
	table_del(&core->cookies, &reg->by_cookie);
	table_del(&core->nais, &reg->by_nai);
	if (rec->role == CORE_PMA) {
		table_del(&core->macs, &reg->by_mac);
		free(reg->pma.leaving);
	} else {
		notice_end(core, reg);
		if (reg->has_home)
			pool_set(core, reg->net, rec->home, false);
		tentative_drop(reg);
		others_free(reg);
		ha_op_free(reg->ha.op);
		free(reg->ha.queued);
	}
	if (rec->role == CORE_PMA || !rec->tombstone)
		core->n_regs--;
	free(reg);
}
