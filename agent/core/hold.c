// SPDX-License-Identifier: GPL-2.0-only
/*
 * Home addresses that their devices have given back, by deregistration or by
 * silence, and that nobody else gets for a while as long as there are others:
 * what the world still sends there reaches no stranger, and a device that was off finds its address again.
 * They stay taken in the pools. One per NAI and network, or a device that asks
 * for one address after the other would take them all. They end with the core.
 */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/reg.h"

struct held {
	struct link by_home, by_nai;
	TAILQ_ENTRY(held) entry;	/* of its network's, the first one ends first */
	const struct core_network *net;
	struct in_addr home;
	uint64_t until_us;
	char nai[];
};

/* Networks of one realm share an address space. */
static uint64_t home_hash(const struct core_network *net, struct in_addr home)
{
	return hash_mix((uint64_t)net->realm << 32 | home.s_addr);
}

static struct held_list *list_of(const struct core *core, const struct core_network *net)
{
	return &core->held[network_index(core, net)];
}

static void held_free(struct core *core, struct held *held)
{
	pool_set(core, held->net, held->home, false);
	table_del(&core->held_homes, &held->by_home);
	table_del(&core->held_nais, &held->by_nai);
	TAILQ_REMOVE(list_of(core, held->net), held, entry);
	free(held);
}

static struct held *held_by_home(const struct core *core, const struct core_network *net, struct in_addr home)
{
	struct link *link = NULL;

	while ((link = table_next(&core->held_homes, link, home_hash(net, home)))) {
		struct held *held = container_of(link, struct held, by_home);

		if (held->home.s_addr == home.s_addr && held->net->realm == net->realm)
			return held;
	}
	return NULL;
}

static struct held *held_by_nai(const struct core *core, const struct core_network *net, const char *nai)
{
	struct link *link = NULL;

	while ((link = table_next(&core->held_nais, link, nai_hash(nai, core->seed)))) {
		struct held *held = container_of(link, struct held, by_nai);

		if (held->net == net && nai_equal(held->nai, nai))
			return held;
	}
	return NULL;
}

bool holds_init(struct core *core)
{
	core->held = calloc(core->cfg->n_networks + 1, sizeof(*core->held));
	if (!core->held || !table_init(&core->held_homes) || !table_init(&core->held_nais))
		return false;
	for (unsigned int i = 0; i < core->cfg->n_networks; i++)
		TAILQ_INIT(&core->held[i]);
	return true;
}

void holds_exit(struct core *core)
{
	struct link *link;

	while (core->held_homes.bucket && (link = table_walk(&core->held_homes, NULL)))
		held_free(core, container_of(link, struct held, by_home));
	table_exit(&core->held_homes);
	table_exit(&core->held_nais);
	free(core->held);
}

void holds_expire(struct core *core, const struct core_network *net)
{
	struct held *held;

	while ((held = TAILQ_FIRST(list_of(core, net))) && held->until_us <= core->now->mono_us)
		held_free(core, held);
}

void hold_add(struct core *core, const struct core_network *net, struct in_addr home, const char *nai)
{
	struct held *held = held_by_nai(core, net, nai);

	if (held)
		held_free(core, held);
	held = net->address_hold_s && *nai ? malloc(sizeof(*held) + strlen(nai) + 1) : NULL;
	if (!held)
		return;
	held->net = net;
	held->home = home;
	held->until_us = core->now->mono_us + net->address_hold_s * SECOND;
	strcpy(held->nai, nai);
	TAILQ_INSERT_TAIL(list_of(core, net), held, entry);
	table_add(&core->held_homes, &held->by_home, home_hash(net, home));
	table_add(&core->held_nais, &held->by_nai, nai_hash(nai, core->seed));
	pool_set(core, net, home, true);
}

void hold_end(struct core *core, const struct core_network *net, struct in_addr home)
{
	struct held *held = held_by_home(core, net, home);

	if (held)
		held_free(core, held);
}

bool hold_is_for(const struct core *core, const struct core_network *net, struct in_addr home, const char *nai)
{
	const struct held *held = held_by_home(core, net, home);

	return held && nai_equal(held->nai, nai);
}

struct in_addr hold_home(const struct core *core, const struct core_network *net, const char *nai)
{
	const struct held *held = held_by_nai(core, net, nai);

	return held ? held->home : (struct in_addr){ 0 };
}

struct in_addr hold_oldest(const struct core *core, const struct core_network *net)
{
	const struct held *held = TAILQ_FIRST(list_of(core, net));

	return held ? held->home : (struct in_addr){ 0 };
}
