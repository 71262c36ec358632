// SPDX-License-Identifier: GPL-2.0-only
/*
 * Protection against replay at a home agent (RFC 5944 s5.7): timestamps, which
 * are per NAI and so across PMAs (RFC 5563 s4.4), or nonces for mobile nodes
 * that have agreed on them.
 */
#include "core/reg.h"

/* RFC 5563 s4.4: what a PMA says is timestamps, whatever its device would do. */
static bool by_nonce(const struct request *req)
{
	return req->mn && req->mn->cfg->nonce && !req->pmip;
}

/*
 * The one nonce that the node's next request may have. It goes with the agent:
 * after a restart the first request is answered by a new one, and nothing that
 * was recorded before can have that.
 */
static uint32_t nonce_of(struct core *core, struct mn *mn)
{
	while (!mn->nonce)
		mn->nonce = core_random(core) >> 32;
	return mn->nonce;
}

/* RFC 5944 s5.7.2: every reply has the next one above, the node's own half below. */
static uint64_t with_nonce(struct core *core, const struct request *req)
{
	return (uint64_t)nonce_of(core, req->mn) << 32 | (uint32_t)req->rrq.id;
}

uint64_t replay_reply_id(struct core *core, const struct request *req)
{
	return by_nonce(req) ? with_nonce(core, req) : req->rrq.id;
}

/* s5.7.1: our time above, the sender's own half below for the match. */
uint64_t replay_refused_id(struct core *core, const struct request *req)
{
	if (by_nonce(req))
		return with_nonce(core, req);
	return (uint64_t)ntp_seconds(core) << 32 | (uint32_t)req->rrq.id;
}

void replay_note(struct reg *reg, const struct request *req)
{
	if (by_nonce(req))
		reg->ha.nonce_id = req->rrq.id;
	else
		reg->pub.rec.last_id = req->rrq.id;
}

/* The newest request for @reg that is still to be decided or carried out. */
static const struct request *pending(const struct reg *reg)
{
	if (reg->ha.queued)
		return reg->ha.queued;
	return reg->ha.op && (reg->ha.op->job == HA_REGISTER || reg->ha.op->job == HA_DEREGISTER) ?
	       &reg->ha.op->req : NULL;
}

static enum fresh check_nonce(const struct reg *reg, const struct request *req)
{
	const struct request *last = reg ? pending(reg) : NULL;
	uint64_t last_id = last ? last->rrq.id : reg ? reg->ha.nonce_id : 0;
	struct in_addr coa = last ? last->rrq.coa : reg ? reg->ha.reply.coa : (struct in_addr){ 0 };

	/* s3.6.3: with nonces a request is repeated as it was. */
	if (last_id && req->rrq.id == last_id && req->rrq.coa.s_addr == coa.s_addr)
		return DUPLICATE;
	if (!req->mn->nonce || req->rrq.id >> 32 != req->mn->nonce)
		return STALE;
	req->mn->nonce = 0;	/* it was good once */
	return FRESH;
}

enum fresh replay_check(const struct core *core, const struct reg *reg, const struct request *req)
{
	int32_t skew = (uint32_t)(req->rrq.id >> 32) - ntp_seconds(core);
	int32_t window = core->cfg->replay_window;
	const struct request *last;
	uint64_t last_id;

	if (by_nonce(req))
		return check_nonce(reg, req);
	if (skew > window || skew < -window)
		return STALE;
	if (!reg)
		return FRESH;
	last = pending(reg);
	last_id = last ? last->rrq.id : reg->pub.rec.last_id;
	if (!last_id || (int64_t)(req->rrq.id - last_id) > 0)
		return FRESH;
	if (req->rrq.id == last_id && req->rrq.coa.s_addr == (last ? last->rrq.coa : reg->ha.reply.coa).s_addr)
		return DUPLICATE;
	return STALE;
}

uint64_t replay_until(const struct core *core, uint64_t last_id)
{
	int32_t left = (uint32_t)(last_id >> 32) + core->cfg->replay_window + 1 - ntp_seconds(core);

	return last_id && left > 0 ? core->now->mono_us + left * SECOND : 0;
}
