// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel shall have of a registration: its binding, with the tunnel
 * that is registered and those that were until a moment ago. What is still on
 * its way through these is taken for a grace time, at a PMA that no longer
 * serves the device it is returned. The kernel ends them by itself, so that a
 * handover takes one BIND and none to clean up; here they are kept because
 * every BIND names all legs.
 */
#include <stdlib.h>
#include <string.h>

#include "core/reg.h"

/* ---- tunnels that were left ---- */

bool same_tunnel(const struct core_leg *a, const struct core_leg *b)
{
	return a->local.s_addr == b->local.s_addr && a->peer.s_addr == b->peer.s_addr &&
	       a->gre == b->gre && a->keyed == b->keyed && (!a->keyed || a->key_in == b->key_in);
}

struct core_leg leg_of_record(const struct core_record *rec)
{
	bool ha = rec->role == CORE_HA;

	return (struct core_leg){
		.local = ha ? rec->ha : rec->coa,
		.peer = ha ? rec->coa : rec->ha,
		.gre = rec->gre,
		.keyed = rec->keyed,
		.key_in = rec->key_in,
		.key_out = rec->key_out,
	};
}

struct core_leg leg_of(const struct reg *reg)
{
	return leg_of_record(&reg->pub.rec);
}

void left_free(struct reg *reg)
{
	struct left *left;

	while ((left = reg->left)) {
		reg->left = left->next;
		free(left);
	}
}

/* Without those that are over or, as far as one more needs room, the oldest. */
static void left_prune(struct core *core, struct reg *reg, const struct core_leg *more)
{
	unsigned int n = 0, room = CORE_LEGS_MAX - 1 - !!more;
	struct left **p = &reg->left, *left;

	while ((left = *p)) {
		if (left->until_us > core->now->mono_us && n < room && (!more || !same_tunnel(&left->leg, more))) {
			p = &left->next;
			n++;
		} else {
			*p = left->next;
			free(left);
		}
	}
}

void left_add(struct core *core, struct reg *reg, const struct core_leg *leg, uint32_t ms)
{
	struct left *left;

	left_prune(core, reg, leg);
	left = ms ? malloc(sizeof(*left)) : NULL;
	if (!left)
		return;		/* what is on its way is lost then */
	left->leg = *leg;
	left->until_us = core->now->mono_us + ms * MSEC;
	left->next = reg->left;
	reg->left = left;
}

/* ---- the binding ---- */

#define DECIDED_MS	10000	/* a tentative handover is, so long after its time at the latest */

static uint32_t ms_until(const struct core *core, uint64_t when_us)
{
	return when_us > core->now->mono_us ? (when_us - core->now->mono_us + MSEC - 1) / MSEC : 1;
}

static void put_leg(struct core_binding *b, const struct core_leg *leg, enum core_leg_state state, uint32_t ms)
{
	struct core_leg *to = &b->leg[b->n_legs++];

	*to = *leg;
	to->state = state;
	to->ms = ms;
}

static bool has_leg(const struct core_binding *b, const struct core_leg *leg)
{
	for (unsigned int i = 0; i < b->n_legs; i++) {
		if (same_tunnel(&b->leg[i], leg))
			return true;
	}
	return false;
}

static void put_legs(const struct core *core, const struct reg *reg, struct core_binding *b)
{
	enum core_leg_state rest = CORE_LEG_RECEIVE_ONLY;
	const struct core_leg *leaving = is_ha(reg) ? NULL : pma_leaving_leg(reg);
	const struct others *others = is_ha(reg) ? reg->ha.others : NULL;
	const struct core_leg main = leg_of(reg);

	if (is_ha(reg)) {
		if (reg->net->bicast)
			rest = CORE_LEG_COPY;
		if (reg->ha.tentative) {
			const struct core_leg before = leg_of_record(&reg->ha.tentative->rec);

			put_leg(b, &before, CORE_LEG_ACTIVE, 0);
			put_leg(b, &main, rest, ms_until(core, reg->ha.tentative->until_us) + DECIDED_MS);
		} else {
			put_leg(b, &main, CORE_LEG_ACTIVE, 0);
		}
	} else if (reg->pub.state == CORE_IDLE) {
		rest = CORE_LEG_RETURN;
	} else if (reg->pub.state == CORE_AWAY) {
		rest = CORE_LEG_RETURN;
		put_leg(b, &main, rest, ms_until(core, reg->pma.away_us));
	} else if (reg->pub.state == CORE_WAIT_REG) {
		put_leg(b, &main, CORE_LEG_PENDING, PENDING_MS);
	} else if (reg->pub.state == CORE_REFRESH && leaving) {
		put_leg(b, leaving, CORE_LEG_ACTIVE, 0);
		put_leg(b, &main, CORE_LEG_PENDING, PENDING_MS);
	} else {
		put_leg(b, &main, CORE_LEG_ACTIVE, 0);
	}
	for (unsigned int i = 0; others && i < others->n; i++) {
		const struct core_leg leg = leg_of_record(&others->at[i].rec);

		put_leg(b, &leg, CORE_LEG_COPY,
			others->at[i].expires_us ? ms_until(core, others->at[i].expires_us) : 0);
	}
	for (const struct left *left = reg->left; left && b->n_legs < CORE_LEGS_MAX; left = left->next) {
		if (left->until_us > core->now->mono_us && !has_leg(b, &left->leg))
			put_leg(b, &left->leg, rest, ms_until(core, left->until_us));
	}
}

bool may_be_in_kernel(const struct reg *reg)
{
	return reg->in_kernel || reg->wait_bind != reg->stale_binds;
}

struct in_addr binding_home(const struct reg *reg)
{
	const struct core_record *rec = &reg->pub.rec;
	struct in_addr none = { 0 };

	if (rec->home.s_addr)
		return rec->home;
	if (rec->role == CORE_PMA && reg->pma.want.s_addr)
		return reg->pma.want;
	return may_be_in_kernel(reg) ? reg->bound_home : none;
}

static void binding_of(const struct core *core, const struct reg *reg, struct core_binding *b)
{
	const struct core_record *rec = &reg->pub.rec;

	*b = (struct core_binding){
		.cookie = rec->cookie,
		.realm = rec->realm,
		.home = binding_home(reg),
		.gateway = reg->net->gateway,
		.plen = reg->net->plen,
		.exists = may_be_in_kernel(reg),
	};
	put_legs(core, reg, b);
	if (b->n_legs && b->leg[0].state != CORE_LEG_RETURN)
		b->port = rec->port;
	memcpy(b->device, reg->net->device, sizeof(b->device));
	memcpy(b->mac, rec->mac, sizeof(b->mac));
	if (reg->pub.expires_us)
		b->lifetime = reg->pub.expires_us > core->now->mono_us ?
			      (reg->pub.expires_us - core->now->mono_us + SECOND - 1) / SECOND : 1;
}

void act_bind(struct core *core, struct reg *reg)
{
	struct core_action action = { .type = CORE_ACT_BIND };

	if (reg->bound_home.s_addr != binding_home(reg).s_addr)
		act_unbind(core, reg);
	left_prune(core, reg, NULL);
	binding_of(core, reg, &action.bind);
	reg->bound_home = action.bind.home;
	reg->wait_bind++;
	core->act(core->arg, &action);
}

/* Also while a BIND is under way: host does them in order. */
void act_unbind(struct core *core, struct reg *reg)
{
	struct core_action action = { .type = CORE_ACT_UNBIND };

	if (!may_be_in_kernel(reg))
		return;
	binding_of(core, reg, &action.bind);
	action.bind.home = reg->bound_home;
	reg->in_kernel = false;
	reg->stale_binds = reg->wait_bind;
	left_free(reg);
	core->act(core->arg, &action);
}

void act_let_go(struct core *core, struct reg *reg)
{
	left_prune(core, reg, NULL);
	reg->pub.state = CORE_IDLE;
	if (reg->left && may_be_in_kernel(reg))
		act_bind(core, reg);
	else
		act_unbind(core, reg);
}
