// SPDX-License-Identifier: GPL-2.0-only
/*
 * A home agent that is to be relieved: whoever is new is sent elsewhere, and
 * the agents of all that are registered are notified, so many a second, to ask
 * again. It serves who is here until the other home agent has them and their
 * agents say so.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/reg.h"

#define TICK_US		(SECOND / 10)
#define PASS_US		(2 * SECOND)	/* between two looks at all of them */
#define AGAIN_US	(30 * SECOND)	/* who is still here then is told again */

struct drain {
	struct timer timer;
	struct in_addr to;		/* 0 = it isn't drained */
	size_t bucket;			/* of the table of cookies: told up to here */
	size_t left;			/* seen since the pass began */
};

bool drains_init(struct core *core)
{
	core->drains = calloc(core->cfg->n_networks + 1, sizeof(*core->drains));
	return core->drains;
}

void drains_exit(struct core *core)
{
	free(core->drains);
}

bool is_draining(const struct core *core, const struct core_network *net)
{
	return core->drains[network_index(core, net)].to.s_addr;
}

struct in_addr redirect_of(const struct core *core, const struct core_network *net)
{
	return is_draining(core, net) ? core->drains[network_index(core, net)].to : net->redirect;
}

static bool is_left(const struct reg *reg, const struct core_network *net)
{
	return is_ha(reg) && reg->net == net && !reg->pub.rec.tombstone;
}

static bool is_due(const struct core *core, const struct reg *reg)
{
	return !reg->committing && !reg->ha.notice &&
	       (!reg->ha.told_us || core->now->mono_us - reg->ha.told_us >= AGAIN_US);
}

/* All of one bucket; false: there were more than @room. */
static bool tell_bucket(struct core *core, struct drain *drain, const struct core_network *net, unsigned int *room)
{
	char text[96], to[INET_ADDRSTRLEN];

	snprintf(text, sizeof(text), "this home agent is being relieved by %s", addr_text(drain->to, to));
	for (struct link *link = core->cookies.bucket[drain->bucket]; link; link = link->next) {
		struct reg *reg = container_of(link, struct reg, by_cookie);

		if (!is_left(reg, net) || !is_due(core, reg))
			continue;
		if (!*room)
			return false;
		--*room;
		if (!notice_start(core, reg, text))
			reg->ha.told_us = core->now->mono_us;	/* nobody is to be told: its lifetime ends it */
	}
	for (struct link *link = core->cookies.bucket[drain->bucket]; link; link = link->next)
		drain->left += is_left(container_of(link, struct reg, by_cookie), net);
	return true;
}

static void drain_fire(struct core *core, struct timer *timer)
{
	struct drain *drain = container_of(timer, struct drain, timer);
	const struct core_network *net = &core->cfg->networks[drain - core->drains];
	unsigned int rate = core->cfg->drain_rate, room = rate >= 10 ? rate / 10 : 1;

	/* The table may grow meanwhile, and be in another order: the next pass sees who was passed by. */
	while (drain->bucket < core->cookies.size && tell_bucket(core, drain, net, &room))
		drain->bucket++;
	if (drain->bucket < core->cookies.size) {
		timer_set(core, timer, core->now->mono_us + (rate >= 10 ? TICK_US : SECOND / rate));
		return;
	}
	if (drain->left) {
		drain->bucket = drain->left = 0;
		timer_set(core, timer, core->now->mono_us + PASS_US);
		return;
	}
	act_log(core, CORE_LOG_INFO, "network %s: nobody is registered here any more", net->name);
}

const char *core_drain_refused(const struct core_config *cfg, const struct core_network *net, struct in_addr to)
{
	if (!cfg->ha)
		return "this agent is no home agent";
	if (!net->n_other_ha)
		return "its network has no other-home-agents";
	if (!to.s_addr)
		return NULL;
	for (unsigned int i = 0; i < net->n_other_ha; i++) {
		if (net->other_ha[i].s_addr == to.s_addr)
			return NULL;
	}
	return "it isn't among the network's other-home-agents";
}

static void stop(struct core *core, struct drain *drain, const struct core_network *net)
{
	drain->to.s_addr = INADDR_ANY;
	timer_set(core, &drain->timer, 0);
	for (struct reg *reg = reg_next(core, NULL); reg; reg = reg_next(core, reg)) {
		if (!is_left(reg, net))
			continue;
		notice_end(core, reg);
		reg->ha.told_us = 0;
	}
}

void drain_event(struct core *core, const struct core_event *ev)
{
	const struct core_network *net = ev->drain.network;
	struct drain *drain = &core->drains[network_index(core, net)];
	char to[INET_ADDRSTRLEN];

	if (ev->drain.stop) {
		stop(core, drain, net);
		act_log(core, CORE_LOG_INFO, "network %s: registers devices again", net->name);
		return;
	}
	if (core_drain_refused(core->cfg, net, ev->drain.to) || !timers_reserve(core, 1))
		return;
	stop(core, drain, net);
	drain->to = ev->drain.to.s_addr ? ev->drain.to : net->other_ha[0];
	drain->bucket = drain->left = 0;
	drain->timer.fire = drain_fire;
	act_log(core, CORE_LOG_INFO, "network %s: its devices go to home agent %s", net->name,
		addr_text(drain->to, to));
	drain_fire(core, &drain->timer);
}

void core_drain_state(const struct core *core, const struct core_network *net, struct core_drain_state *state)
{
	*state = (struct core_drain_state){ .to = core->drains[network_index(core, net)].to };
	for (const struct reg *reg = reg_next(core, NULL); reg; reg = reg_next(core, reg)) {
		state->left += is_left(reg, net);
		state->told += is_left(reg, net) && reg->ha.told_us;
	}
}
