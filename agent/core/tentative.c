// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handovers that may be undone (RFC 5563 s11.1): a home agent takes a device's
 * new agent for one that it may be at, and sends on to the one before until it
 * is told, or a time has passed. It is told by that one: a notification (RFC
 * 6098, in the place of 3GPP2's own message), a deregistration or a revocation
 * says that the device has left, a later request that it hasn't; and by the new
 * one, by a renewal, before which it must have seen the device (s4.4), or the end
 * of what it had begun. What the new agent sends is taken all the while.
 *
 * After a restart of the agent the handover counts: the row is the new one's.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "core/reg.h"

bool tentative_start(struct core *core, struct reg *reg, const struct core_record *rec, uint64_t expires_us)
{
	struct tentative *t = calloc(1, sizeof(*t));

	if (!t)
		return false;
	t->rec = *rec;
	t->auth = reg->pub.auth;
	t->sport = reg->ha.sport;
	t->expires_us = expires_us;
	reg->ha.tentative = t;
	tentative_extend(core, reg);
	return true;
}

void tentative_extend(struct core *core, struct reg *reg)
{
	struct tentative *t = reg->ha.tentative;

	t->until_us = core->now->mono_us + reg->net->tentative_ms * MSEC;
	if (t->expires_us && t->expires_us < t->until_us)
		t->until_us = t->expires_us;
}

void tentative_drop(struct reg *reg)
{
	free(reg->ha.tentative);
	reg->ha.tentative = NULL;
}

bool tentative_by(const struct reg *reg, struct in_addr coa)
{
	return reg->ha.tentative && reg->ha.tentative->rec.coa.s_addr == coa.s_addr;
}

struct reg *tentative_by_home(const struct core *core, struct in_addr home, struct in_addr ha, struct in_addr coa)
{
	struct reg *found = NULL;

	for (struct reg *reg = reg_next(core, NULL); reg; reg = reg_next(core, reg)) {
		const struct core_record *rec = &reg->pub.rec;

		if (rec->role != CORE_HA || rec->home.s_addr != home.s_addr || rec->ha.s_addr != ha.s_addr ||
		    !tentative_by(reg, coa))
			continue;
		if (found)
			return NULL;
		found = reg;
	}
	return found;
}

void tentative_commit(struct core *core, struct reg *reg, bool tell)
{
	const struct core_record before = reg->ha.tentative->rec;
	const uint64_t expires_us = reg->ha.tentative->expires_us;
	const struct core_leg leg = leg_of_record(&before);
	char coa[INET_ADDRSTRLEN];

	tentative_drop(reg);
	core->count.tentative_done++;
	act_log(core, CORE_LOG_INFO, "%s: the handover to %s counts", reg->pub.rec.nai,
		addr_text(reg->pub.rec.coa, coa));
	left_add(core, reg, &leg, core->cfg->handover_grace_ms);
	act_bind(core, reg);
	if (tell && before.peer_revsup)
		revoke_start(core, reg, before.coa, expires_us, 0, false);
	ha_settle(core, reg);
}

void tentative_back(struct core *core, struct reg *reg)
{
	struct tentative *t = reg->ha.tentative;
	struct core_record *rec = &reg->pub.rec;
	const struct core_record tried = *rec;
	const struct core_leg leg = leg_of(reg);
	char coa[INET_ADDRSTRLEN];

	reg->ha.tentative = NULL;
	left_add(core, reg, &leg, core->cfg->handover_grace_ms);
	reg_set_key_in(core, reg, t->rec.key_in);
	*rec = t->rec;
	rec->last_id = tried.last_id;	/* what was accepted isn't again */
	reg->peer_since_us = 0;
	reg->pub.expires_us = t->expires_us;
	reg->pub.auth = t->auth;
	reg->ha.sport = t->sport;
	reg->ha.reply.coa.s_addr = INADDR_ANY;	/* no longer true */
	reg->ha.informs = false;
	ha_note_left(core, reg, &tried, 0);
	free(t);
	core->count.tentative_undone++;
	act_log(core, CORE_LOG_INFO, "%s: the handover is undone, it is at %s", rec->nai, addr_text(rec->coa, coa));
}

static void undo(struct core *core, struct reg *reg)
{
	const struct core_record tried = reg->pub.rec;
	const uint64_t expires_us = reg->pub.expires_us;

	tentative_back(core, reg);
	act_store(core, reg);
	act_bind(core, reg);
	if (tried.peer_revsup)
		revoke_start(core, reg, tried.coa, expires_us, 0, false);
	ha_settle(core, reg);
}

bool tentative_timeout(struct core *core, struct reg *reg)
{
	const struct tentative *t = reg->ha.tentative;
	bool over = is_past(core, reg->pub.expires_us);

	if (!t || (!over && !is_past(core, t->until_us)))
		return false;
	if (over || (reg->net->tentative_back && !is_past(core, t->expires_us)))
		undo(core, reg);
	else
		tentative_commit(core, reg, true);
	return true;
}
