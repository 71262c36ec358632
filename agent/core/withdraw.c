// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of many registrations at once, because the operator says so: an HA ends
 * bindings, a PMA stops to serve. Whoever is at the other end is told by revocations
 * (revoke.c), so many a second; and no more registrations end than can be told of
 * within about a second, so that whoever is served meanwhile is served well, and
 * neither store nor kernel has to do all at once. Nothing is remembered of each
 * but what it has anyway: what is to end is what began before the command.
 */
#include <stdlib.h>

#include "core/reg.h"

#define TICK_US		(SECOND / 10)
#define BUCKETS		65536	/* of the table of cookies: looked at in a tick */
#define ENDS_MIN	100	/* in a tick, at least */

struct withdrawal {
	struct timer timer;
	uint64_t *network_us;	/* one per network: what began before is to end; 0 = nothing */
	size_t bucket;		/* looked at up to here */
	bool left;		/* there were some since the pass began */
	uint64_t ended;
};

bool withdrawal_init(struct core *core)
{
	core->withdrawal = calloc(1, sizeof(*core->withdrawal));
	if (!core->withdrawal)
		return false;
	core->withdrawal->network_us = calloc(core->cfg->n_networks + 1, sizeof(uint64_t));
	return core->withdrawal->network_us;
}

void withdrawal_exit(struct core *core)
{
	if (core->withdrawal)
		free(core->withdrawal->network_us);
	free(core->withdrawal);
}

static struct peer *peer_of(const struct core *core, const struct reg *reg)
{
	return is_ha(reg) ? peer_find(core, reg->pub.rec.coa) : reg->pma.peer;
}

/*
 * Agents that serve the device besides, since *@since_us: of a handover that may be undone the
 * one before, of simultaneous bindings the others', also those to which a request that is being
 * decided may have to go back. NULL: there is no @i-th, or it is no peer.
 */
static struct peer *peer_besides(const struct core *core, const struct reg *reg, unsigned int i, uint64_t *since_us)
{
	const struct ha_op *op = is_ha(reg) ? reg->ha.op : NULL;
	const struct others *others[] = { is_ha(reg) ? reg->ha.others : NULL, op ? op->others : NULL };

	*since_us = 0;
	if (is_ha(reg) && reg->ha.tentative && !i--)
		return peer_find(core, reg->ha.tentative->rec.coa);
	for (unsigned int j = 0; j < 2; j++) {
		const unsigned int n = others[j] ? others[j]->n : 0;

		if (i < n) {
			*since_us = others[j]->at[i].since_us;
			return peer_find(core, others[j]->at[i].rec.coa);
		}
		i -= n;
	}
	return NULL;
}

#define BESIDES_MAX	(2 * CORE_LEGS_MAX)

/* Is there anything to end? */
static bool is_registered(const struct reg *reg)
{
	if (is_ha(reg))
		return !reg->pub.rec.tombstone;
	return reg->pub.state != CORE_IDLE && reg->pub.state != CORE_DEREG && reg->pub.state != CORE_REVOKING &&
	       !(reg->pub.state == CORE_WAIT_REG && reg->pma.cancelled);
}

/* With that one, since before it was to be ended with it? */
static bool is_meant_with(const struct peer *peer, const struct reg *reg, uint64_t peer_since_us)
{
	return peer && peer->withdraw_us && reg->since_us <= peer->withdraw_us && peer_since_us <= peer->withdraw_us;
}

static bool is_meant_besides(const struct core *core, const struct reg *reg)
{
	uint64_t since_us;

	for (unsigned int i = 0; i < BESIDES_MAX; i++) {
		const struct peer *peer = peer_besides(core, reg, i, &since_us);

		if (is_meant_with(peer, reg, since_us))
			return true;
	}
	return false;
}

static bool is_meant(const struct core *core, const struct reg *reg)
{
	const uint64_t *network_us = &core->withdrawal->network_us[network_index(core, reg->net)];
	const struct ha_op *op = is_ha(reg) ? reg->ha.op : NULL;

	return is_registered(reg) &&
	       (reg->withdraw || (*network_us && reg->since_us <= *network_us) ||
		is_meant_besides(core, reg) ||
		is_meant_with(peer_of(core, reg), reg, reg->peer_since_us) ||
		/* it may have to go back there: looked at again when that is known */
		(op && op->had_prev &&
		 is_meant_with(peer_find(core, op->prev.coa), reg, op->prev_peer_since_us)));
}

static bool is_with(const struct core *core, const struct peer *peer, const struct reg *reg)
{
	uint64_t since_us;

	for (unsigned int i = 0; i < BESIDES_MAX; i++) {
		if (peer == peer_besides(core, reg, i, &since_us))
			return true;
	}
	return peer == peer_of(core, reg);
}

/* @peer: of @which */
static bool agrees(const struct core *core, const struct core_which *which, const struct peer *peer,
		   const struct reg *reg)
{
	return is_registered(reg) &&
	       (which->all || (which->network && reg->net == which->network) ||
		(peer && is_with(core, peer, reg)) ||
		(which->nai && nai_equal(reg->pub.rec.nai, which->nai)));
}

size_t core_revocable(const struct core *core, const struct core_which *which)
{
	const struct peer *peer = which->peer.s_addr ? peer_find(core, which->peer) : NULL;
	size_t n = 0;

	for (struct reg *reg = reg_next(core, NULL); reg; reg = reg_next(core, reg))
		n += agrees(core, which, peer, reg);
	return n;
}

/* False: not now, for kernel and store are at it. May free @reg. */
static bool withdraw(struct core *core, struct reg *reg)
{
	if (!is_ha(reg)) {
		reg->withdraw = false;
		pma_withdraw(core, reg, "withdrawn by the operator");
		return true;
	}
	return ha_withdraw(core, reg);
}

/* @left: ends that there may still be in this tick. False: there are more here, for the next one. */
static bool look_at_bucket(struct core *core, struct withdrawal *w, unsigned int *left)
{
	const uint32_t rate = core->cfg->revocation_rate;
	struct link *link, *next;

	for (link = core->cookies.bucket[w->bucket]; link; link = next) {
		struct reg *reg = container_of(link, struct reg, by_cookie);
		const struct peer *peer = peer_of(core, reg);

		next = link->next;
		if (!is_meant(core, reg))
			continue;
		if (rate && told_by_revocation(reg, peer) && peer->n_waiting + peer->n_ending >= rate) {
			w->left = true;
			continue;
		}
		if (!*left)
			return false;
		if (withdraw(core, reg)) {
			--*left;
			w->ended++;
		} else {
			w->left = true;
		}
	}
	return true;
}

static void withdraw_fire(struct core *core, struct timer *timer)
{
	struct withdrawal *w = core->withdrawal;
	/* Kernel and store have as much to do as with the registrations of half the devices that may come. */
	unsigned int left = core->cfg->registration_rate / 20;

	if (left < ENDS_MIN)
		left = ENDS_MIN;
	/* The table may grow meanwhile, and be in another order: the next pass sees who was passed by. */
	for (unsigned int i = 0; i < BUCKETS && w->bucket < core->cookies.size; i++, w->bucket++) {
		if (!look_at_bucket(core, w, &left))
			break;
	}
	if (w->bucket >= core->cookies.size && !w->left) {
		act_log(core, CORE_LOG_INFO, "%llu registrations were withdrawn", (unsigned long long)w->ended);
		for (unsigned int i = 0; i < core->cfg->n_networks; i++)
			w->network_us[i] = 0;
		for (unsigned int i = 0; i < core->cfg->n_peers; i++)
			core->peers[i].withdraw_us = 0;
		w->ended = 0;
		timer_set(core, timer, 0);
		return;
	}
	if (w->bucket >= core->cookies.size) {
		w->bucket = 0;
		w->left = false;
	}
	timer_set(core, timer, core->now->mono_us + TICK_US);
}

/* What is set of @which isn't combined, but adds up; an empty one is nothing, never everything. */
void withdraw_event(struct core *core, const struct core_event *ev)
{
	const struct core_which *which = &ev->revoke;
	struct withdrawal *w = core->withdrawal;
	struct peer *peer;

	for (unsigned int i = 0; i < 2 && which->nai; i++) {
		struct reg *reg = NULL;

		while ((reg = reg_next_by_nai(core, i ? CORE_PMA : CORE_HA, which->nai, reg)))
			reg->withdraw = is_registered(reg);
	}
	if (which->peer.s_addr) {
		peer = peer_find(core, which->peer);
		if (!peer)
			return;
		peer->withdraw_us = core->now->mono_us;
	}
	for (unsigned int i = 0; i < core->cfg->n_networks; i++) {
		if (which->all || which->network == &core->cfg->networks[i])
			w->network_us[i] = core->now->mono_us;
	}
	w->bucket = 0;
	w->left = false;
	w->timer.fire = withdraw_fire;
	withdraw_fire(core, &w->timer);
}
