// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simultaneous bindings (RFC 5944 s3.6.1.2): a node that sets S keeps the
 * registrations that it has, at other care-of addresses. The last one is the
 * record, the kernel sends copies to the others and takes packets from all.
 *
 * The store has a row for the last one only. After a restart of the agent the
 * others are what the kernel says; after one of the machine they are gone.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "core/reg.h"

void others_free(struct reg *reg)
{
	free(reg->ha.others);
	reg->ha.others = NULL;
}

static int index_of(const struct others *others, struct in_addr coa)
{
	for (unsigned int i = 0; others && i < others->n; i++) {
		if (others->at[i].rec.coa.s_addr == coa.s_addr)
			return i;
	}
	return -1;
}

bool is_other(const struct others *others, struct in_addr coa)
{
	return index_of(others, coa) >= 0;
}

const struct core_record *other_at(const struct reg *reg, struct in_addr coa)
{
	int i = is_ha(reg) ? index_of(reg->ha.others, coa) : -1;

	return i < 0 ? NULL : &reg->ha.others->at[i].rec;
}

unsigned int core_others(const struct core_reg *pub, struct in_addr coa[CORE_LEGS_MAX - 1])
{
	const struct reg *reg = (const struct reg *)pub;
	const struct others *others = is_ha(reg) ? reg->ha.others : NULL;

	for (unsigned int i = 0; others && i < others->n; i++)
		coa[i] = others->at[i].rec.coa;
	return others ? others->n : 0;
}

bool others_wanted(const struct request *req, const struct core_network *net, const struct reg *reg)
{
	/*
	 * By the node's own word: RFC 5563 doesn't have S, and by it an agent would get copies of a
	 * device's packets unnoticed by the one that serves it. One key is for all of them.
	 */
	return req->rrq.flags & WIRE_RRQ_S && !req->per_node && net->simultaneous > 1 &&
	       !(reg && (reg->ha.tentative || (!reg->pub.rec.tombstone && reg->pub.rec.keyed != req->keyed)));
}

/* Beside the last one. */
static bool has_room(const struct core_network *net, const struct others *others)
{
	return (others ? others->n : 0) + 1 < net->simultaneous;
}

bool others_full(const struct core_network *net, const struct reg *reg, struct in_addr coa)
{
	return reg->pub.rec.coa.s_addr != coa.s_addr && !is_other(reg->ha.others, coa) &&
	       !has_room(net, reg->ha.others);
}

static struct others *copy_of(const struct others *from)
{
	struct others *to = calloc(1, sizeof(*to));

	if (to && from)
		*to = *from;
	return to;
}

static void take_out(struct others *others, unsigned int i)
{
	others->n--;
	for (; i < others->n; i++)
		others->at[i] = others->at[i + 1];
}

static void put_first(struct others *others, const struct other *other)
{
	for (unsigned int i = others->n++; i; i--)
		others->at[i] = others->at[i - 1];
	others->at[0] = *other;
}

bool others_keep(struct reg *reg, const struct others *before, const struct other *last)
{
	struct others *others = copy_of(before);
	int i = index_of(others, reg->pub.rec.coa);

	if (!others)
		return false;
	if (i >= 0)
		take_out(others, i);
	if (last)
		put_first(others, last);
	reg->ha.others = others;
	return true;
}

void others_leave(struct core *core, struct reg *reg, const struct others *before)
{
	const struct core_leg now = leg_of(reg);

	for (unsigned int i = 0; before && i < before->n; i++) {
		const struct core_leg leg = leg_of_record(&before->at[i].rec);

		if (!same_tunnel(&leg, &now))
			left_add(core, reg, &leg, core->cfg->handover_grace_ms);
	}
}

void others_tell(struct core *core, struct reg *reg, const struct others *before, uint32_t after_ms)
{
	const struct in_addr now = reg->pub.rec.coa;

	for (unsigned int i = 0; before && i < before->n; i++) {
		const struct core_record *rec = &before->at[i].rec;

		if (rec->peer_revsup && rec->coa.s_addr != now.s_addr && !is_other(reg->ha.others, rec->coa))
			revoke_start(core, reg, rec->coa, before->at[i].expires_us, after_ms, false);
	}
}

void other_end(struct core *core, struct reg *reg, struct in_addr coa)
{
	struct others *others = reg->ha.others;
	int i = index_of(others, coa);
	char text[INET_ADDRSTRLEN];

	act_log(core, CORE_LOG_INFO, "%s: no longer registered at %s too", reg->pub.rec.nai, addr_text(coa, text));
	take_out(others, i);
	if (!others->n)
		others_free(reg);
}

/* How many ended? */
static unsigned int end_overdue(struct core *core, struct reg *reg)
{
	unsigned int n = 0;

	for (unsigned int i = 0; reg->ha.others && i < reg->ha.others->n;) {
		const struct other *other = &reg->ha.others->at[i];

		if (!is_past(core, other->expires_us)) {
			i++;
			continue;
		}
		core->count.expired++;
		n++;
		other_end(core, reg, other->rec.coa);
	}
	return n;
}

bool others_promote(struct core *core, struct reg *reg)
{
	struct core_record *rec = &reg->pub.rec;
	const uint64_t last_id = rec->last_id;
	const struct other *to;
	char coa[INET_ADDRSTRLEN];

	end_overdue(core, reg);
	if (!reg->ha.others)
		return false;
	to = &reg->ha.others->at[0];
	notice_end(core, reg);		/* its agent is another one */
	*rec = to->rec;
	rec->last_id = last_id;		/* what was accepted isn't again */
	if (to->expires_us)
		rec->expires_unix = unix_seconds(core) + (to->expires_us - core->now->mono_us) / SECOND;
	reg->peer_since_us = to->since_us;
	reg->pub.expires_us = to->expires_us;
	reg->pub.auth = to->auth;
	reg->ha.sport = to->sport;
	reg->ha.reply.coa.s_addr = INADDR_ANY;	/* no longer true */
	reg->ha.informs = false;
	reg->ha.told_us = 0;
	take_out(reg->ha.others, 0);
	if (!reg->ha.others->n)
		others_free(reg);
	act_log(core, CORE_LOG_INFO, "%s: still registered at %s", rec->nai, addr_text(rec->coa, coa));
	return true;
}

uint64_t others_expire_us(const struct reg *reg)
{
	const struct others *others = reg->ha.others;
	uint64_t first = 0;

	for (unsigned int i = 0; others && i < others->n; i++)
		first = first_end(first, others->at[i].expires_us);
	return first;
}

bool others_timeout(struct core *core, struct reg *reg)
{
	const bool over = is_past(core, reg->pub.expires_us);
	bool some = end_overdue(core, reg);

	if (over && others_promote(core, reg)) {	/* RFC 5944 s4.2.3: those that aren't over stay */
		core->count.expired++;
		some = true;
		act_store(core, reg);
	} else if (over || !some) {
		return false;
	}
	act_bind(core, reg);
	ha_settle(core, reg);
	return true;
}

bool others_adopt(struct core *core, struct reg *reg, const struct peer *peer, const struct core_leg *leg, uint32_t ms)
{
	struct other other = { .rec = reg->pub.rec };

	if (!has_room(reg->net, reg->ha.others))
		return false;
	if (!reg->ha.others)
		reg->ha.others = calloc(1, sizeof(*reg->ha.others));
	if (!reg->ha.others)
		return false;
	other.rec.coa = leg->peer;
	other.rec.gre = leg->gre;
	other.rec.keyed = leg->keyed;
	other.rec.key_out = leg->key_out;
	/* What its agent said when it registered the node isn't known any more, but that was before now. */
	other.rec.peer_revsup = 0;
	if (peer->cfg->revocation && auth_shared(peer->cfg))
		other.rec.peer_revsup = ntp_seconds(core) - core->cfg->replay_window;
	other.rec.lifetime = ms ? ms / 1000 + 1 : WIRE_LIFETIME_INFINITE;
	other.rec.expires_unix = UINT64_MAX;
	other.expires_us = ms ? core->now->mono_us + ms * MSEC : 0;
	reg->ha.others->at[reg->ha.others->n++] = other;
	return true;
}
