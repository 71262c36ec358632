// SPDX-License-Identifier: GPL-2.0-only
/*
 * Home addresses of the networks we anchor: a bit per address. Networks of one
 * realm share an address space, so an address taken in one is taken in all of
 * them that have it in their pool.
 */
#include <stdlib.h>

#include "core/reg.h"

static bool bit_get(const struct pool *pool, uint32_t i)
{
	return pool->used[i / 64] >> i % 64 & 1;
}

static uint32_t range_size(const struct core_range *range)
{
	return ntohl(range->last.s_addr) - ntohl(range->first.s_addr) + 1;
}

static bool pool_index(const struct pool *pool, struct in_addr home, uint32_t *index)
{
	uint32_t before = 0;

	for (const struct core_range *range = pool->ranges; pool->used && range->first.s_addr; range++) {
		*index = ntohl(home.s_addr) - ntohl(range->first.s_addr);
		if (*index < range_size(range)) {
			*index += before;
			return true;
		}
		before += range_size(range);
	}
	return false;
}

/* The address at @index, which is below the pool's size. */
static struct in_addr pool_address(const struct pool *pool, uint32_t index)
{
	const struct core_range *range = pool->ranges;

	while (index >= range_size(range))
		index -= range_size(range++);
	return (struct in_addr){ htonl(ntohl(range->first.s_addr) + index) };
}

static void pool_mark(struct pool *pool, struct in_addr home, bool used)
{
	uint32_t i;

	if (!pool_index(pool, home, &i) || bit_get(pool, i) == used)
		return;
	pool->used[i / 64] ^= 1ULL << i % 64;
	pool->n_used += used ? 1 : -1;
}

static bool pool_init(struct pool *pool, const struct core_network *net, const struct core_range *ranges)
{
	uint32_t mask = net->plen ? UINT32_MAX << (32 - net->plen) : 0, gw = ntohl(net->gateway.s_addr);

	pool->ranges = ranges;
	for (const struct core_range *range = ranges; range->first.s_addr; range++)
		pool->size += range_size(range);
	if (!pool->size)
		return true;	/* no pool: nothing is given out */
	pool->used = calloc((size_t)pool->size / 64 + 1, sizeof(*pool->used));
	if (!pool->used)
		return false;
	/* What no host may have is taken for good. */
	pool_mark(pool, net->gateway, true);
	if (net->plen < 31) {
		pool_mark(pool, (struct in_addr){ htonl(gw & mask) }, true);
		pool_mark(pool, (struct in_addr){ htonl(gw | ~mask) }, true);
	}
	return true;
}

bool pools_init(struct core *core)
{
	core->pools = calloc(core->cfg->n_networks + 1, sizeof(*core->pools));
	core->other_pools = calloc(core->cfg->n_networks + 1, sizeof(*core->other_pools));
	if (!core->pools || !core->other_pools)
		return false;
	for (unsigned int i = 0; core->cfg->ha && i < core->cfg->n_networks; i++) {
		const struct core_network *net = &core->cfg->networks[i];

		if (!pool_init(&core->pools[i], net, net->pool) ||
		    !pool_init(&core->other_pools[i], net, net->other_pool))
			return false;
	}
	return true;
}

void pools_exit(struct core *core)
{
	for (unsigned int i = 0; i < core->cfg->n_networks; i++) {
		if (core->pools)
			free(core->pools[i].used);
		if (core->other_pools)
			free(core->other_pools[i].used);
	}
	free(core->pools);
	free(core->other_pools);
}

static struct pool *pool_of(const struct core *core, const struct core_network *net)
{
	return &core->pools[network_index(core, net)];
}

/* The pool of the network's or of its other home agents with @home; NULL if it is in neither. */
static const struct pool *pool_with(const struct core *core, const struct core_network *net, struct in_addr home,
				    uint32_t *index)
{
	const struct pool *pool = pool_of(core, net), *other = &core->other_pools[network_index(core, net)];

	return pool_index(pool, home, index) ? pool : pool_index(other, home, index) ? other : NULL;
}

bool pool_is_free(const struct core *core, const struct core_network *net, struct in_addr home, const char *nai,
		  bool others)
{
	uint32_t i;
	const struct pool *pool = pool_with(core, net, home, &i);

	return pool && (others || pool == pool_of(core, net)) && !pool_is_taken(core, net, home, nai) &&
	       !mn_keeps(core, net, home, nai);
}

bool pool_is_taken(const struct core *core, const struct core_network *net, struct in_addr home, const char *nai)
{
	uint32_t i;
	const struct pool *pool = pool_with(core, net, home, &i);

	return pool && bit_get(pool, i) && !hold_is_for(core, net, home, nai);
}

bool pool_is_ours(const struct core *core, const struct core_network *net, struct in_addr home)
{
	uint32_t i;

	return pool_index(pool_of(core, net), home, &i);
}

/* None is free but those that are kept: a device that is here goes before one that may come again. */
static struct in_addr pick_held(const struct core *core, const struct core_network *net, const char *nai)
{
	const struct in_addr home = hold_oldest(core, net);

	return mn_keeps(core, net, home, nai) ? (struct in_addr){ 0 } : home;
}

/*
 * A free address, 0.0.0.0 if there is none. The search starts at a place that
 * only the NAI decides, so a device that comes back, even to an HA that has
 * forgotten it, most likely gets what it had.
 */
struct in_addr pool_pick(const struct core *core, const struct core_network *net, const char *nai)
{
	const struct pool *pool = pool_of(core, net);
	uint32_t i, left = pool->size;

	if (!pool->used || pool->n_used == pool->size)
		return pick_held(core, net, nai);
	i = nai_hash(nai, 0) % pool->size;
	while (bit_get(pool, i) || mn_keeps(core, net, pool_address(pool, i), nai)) {
		/* Full words at once: a nearly full pool of a /8 has 262,144 of them. */
		uint32_t step = i % 64 == 0 && pool->used[i / 64] == UINT64_MAX ? 64 : 1;

		if (step > pool->size - i)
			step = pool->size - i;
		if (step >= left)
			return pick_held(core, net, nai);
		left -= step;
		i = step < pool->size - i ? i + step : 0;
	}
	return pool_address(pool, i);
}

void pool_set(struct core *core, const struct core_network *net, struct in_addr home, bool used)
{
	for (unsigned int i = 0; i < core->cfg->n_networks; i++) {
		if (core->cfg->networks[i].realm == net->realm) {
			pool_mark(&core->pools[i], home, used);
			pool_mark(&core->other_pools[i], home, used);
		}
	}
}
