// SPDX-License-Identifier: GPL-2.0-only
/*
 * Home Agent. Checks stand in the order of protocol/security.md s5; a request
 * that passes them is decided at once, told to kernel and store together, and
 * answered when both have it. What arrives for the same device meanwhile waits
 * its turn: one decision per device at a time, so no completion can meet a
 * state that isn't the one it was asked in.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/reg.h"

#define LEFT_US		(2 * SECOND)	/* protocol/procedures.md s3: hold-down after a handover, at least */
#define ANY_HOME	INADDR_BROADCAST	/* 3GPP2: all ones ask for an address, RFC 5563 s11 */

static bool is_any(struct in_addr addr)
{
	return addr.s_addr == INADDR_ANY || addr.s_addr == htonl(ANY_HOME);
}

/* ---- replies ---- */

/* What a reply says beyond its code. */
struct said {
	const char *text;		/* NULL: nothing */
	struct in_addr redirect;	/* 0: nowhere */
	const struct wire_host_config *host;	/* NULL: nothing */
};

/*
 * An RRP in the order of protocol/extensions.md s2. Leaves from where the
 * request went to, to where it came from (RFC 5944 s3.8.3.1).
 */
static void send_reply(struct core *core, const struct request *req, const struct wire_rrp *rrp,
		       const struct ha_reply *reply, const struct said *said)
{
	struct wire_out out = { .len = 0 };

	wire_put_rrp(&out, rrp);
	if (req->echo_nai)
		wire_put_nai(&out, req->nai);		/* RFC 2794 s3 */
	if (req->per_node)				/* RFC 5563 s5.1: in both directions */
		wire_put_pmip_method(&out, req->peer->ipsec ? WIRE_PMIP_IPSEC : WIRE_PMIP_FHA);
	if (said && said->text)
		wire_put_text(&out, WIRE_TEXT_HA, said->text);		/* RFC 4917 s5 */
	if (said && said->redirect.s_addr)
		wire_put_dynamic_ha(&out, WIRE_HA_REDIRECTED, said->redirect);
	if (said && said->host)
		wire_put_host_config(&out, said->host);
	if (req->mn_sa)
		wire_put_auth(&out, WIRE_EXT_MHAE, req->mn_sa);
	if (req->challenge_len)
		wire_put_ext(&out, WIRE_EXT_CHALLENGE, 0, req->challenge, req->challenge_len);
	if (reply && reply->key)
		peer_put_key(&out, req->peer, reply->key);
	if (reply && reply->revsup_time)
		wire_put_revsup(&out, reply->inform ? WIRE_REVSUP_I : 0, reply->revsup_time);
	/* Whoever signed a deregistration without need waits for the same. */
	if (req->fha || auth_wants_fha(core->cfg, req->peer, req->per_node, req->rrq.lifetime))
		auth_sign(&out, req->peer);
	act_send_by(core, home_link_of(req), &out, req->dst, req->src, req->sport);
}

static void count_denial(struct core *core, uint8_t code)
{
	core->count.denied++;
	switch (code) {
#define DENIAL_CASE(count, n) case n: (count)->denied_##n++; break;
	CORE_DENIALS(DENIAL_CASE, &core->count)
	}
}

static bool is_our_address(const struct core *core, struct in_addr addr)
{
	for (unsigned int i = 0; i < core->cfg->n_networks; i++) {
		if (core->cfg->networks[i].ha.s_addr == addr.s_addr)
			return true;
	}
	return false;
}

/* @text: why, for who reads it there; may be NULL. */
static void deny(struct core *core, const struct request *req, const struct core_network *net, uint8_t code,
		 const char *text)
{
	struct said said = { .text = text };
	struct wire_rrp rrp = {
		.code = code,
		.home = req->rrq.home,
		.ha = req->rrq.ha,
		.id = replay_reply_id(core, req),
	};
	char src[INET_ADDRSTRLEN];

	if (code == WIRE_CODE_REDIRECT_HA)	/* RFC 4433 s3.4.2 */
		said.redirect = redirect_of(core, net);
	/* RFC 5944 s3.8.3.2: only an address of ours is copied. */
	if (code == WIRE_CODE_HA_UNKNOWN_HA || !is_our_address(core, rrp.ha))
		rrp.ha = net ? net->ha : req->dst;
	if (code == WIRE_CODE_HA_ID_MISMATCH)
		rrp.id = replay_refused_id(core, req);
	count_denial(core, code);
	act_log(core, CORE_LOG_INFO, "%s: request from %s denied: %u %s%s%s", req->nai[0] ? req->nai : "(no NAI)",
		addr_text(req->src, src), code, wire_code_name(code), text ? ": " : "", text ? text : "");
	send_reply(core, req, &rrp, NULL, &said);
}

void ha_deny(struct core *core, const struct request *req, const struct core_network *net, uint8_t code)
{
	deny(core, req, net, code, NULL);
}

/* The reply to the last accepted request, from what was kept of it. */
static void send_accept(struct core *core, const struct reg *reg, const struct request *req)
{
	const struct ha_reply *reply = &reg->ha.reply;
	const struct said said = { .host = req->asks_host && reply->lifetime ? &reg->net->host : NULL };
	struct wire_rrp rrp = {
		.code = reply->code,
		.lifetime = reply->lifetime,
		.home = reply->home,
		.ha = reg->pub.rec.ha,
		.id = replay_reply_id(core, req),
	};

	send_reply(core, req, &rrp, reply, &said);
}

/* ---- the record's life ---- */

void ha_show_state(struct reg *reg)
{
	if (reg->committing)
		reg->pub.state = CORE_BINDING;
	else if (reg->pub.rec.tombstone)
		reg->pub.state = CORE_IDLE;
	else
		reg->pub.state = reg->ha.tentative ? CORE_TENTATIVE :
				 reg->revocations ? CORE_REVOKING : CORE_BOUND;
}

static void take_home(struct core *core, struct reg *reg, struct in_addr home)
{
	reg->pub.rec.home = home;
	reg->has_home = true;
	hold_end(core, reg->net, home);
	pool_set(core, reg->net, home, true);
}

/* Nobody has had it. */
static void give_back(struct core *core, struct reg *reg)
{
	if (reg->has_home)
		pool_set(core, reg->net, reg->pub.rec.home, false);
	reg->has_home = false;
}

static void drop_home(struct core *core, struct reg *reg)
{
	const struct core_record *rec = &reg->pub.rec;

	if (!reg->has_home)
		return;
	reg->has_home = false;
	pool_set(core, reg->net, rec->home, false);
	/* only another home agent knows what becomes of its own; what is configured is kept anyway */
	if (pool_is_ours(core, reg->net, rec->home) && mn_home(core, rec->nai).s_addr != rec->home.s_addr)
		hold_add(core, reg->net, rec->home, rec->nai);
}

/*
 * The device is no longer served: what is left remembers the last
 * Identification. The caller stores that and then takes the binding away.
 */
static void to_tombstone(struct core *core, struct reg *reg)
{
	notice_end(core, reg);
	drop_home(core, reg);
	reg_set_key_in(core, reg, 0);
	left_free(reg);
	tentative_drop(reg);
	others_free(reg);
	reg->withdraw = false;
	if (!reg->pub.rec.tombstone)
		core->n_regs--;
	reg->pub.rec.tombstone = true;
	reg->pub.rec.key_out = 0;
	reg->pub.rec.lifetime = 0;
	reg->pub.rec.peer_revsup = 0;
	reg->pub.expires_us = 0;
}

/* A withdrawn one, of which its agent has been told, or can't be: see ha_withdraw(). */
static void release(struct core *core, struct reg *reg)
{
	drop_home(core, reg);
	reg->pub.rec.lifetime = 0;
	reg->pub.rec.peer_revsup = 0;
	if (replay_until(core, reg->pub.rec.last_id))
		act_store(core, reg);
}

/*
 * What was withdrawn is so again, or still. Its address may have been given to another
 * device meanwhile, if this one was to get another: two must not have it. @by: of the
 * request that failed, which has cancelled the revocation at its own agent; NULL: none,
 * after a restart.
 */
static void still_withdrawn(struct core *core, struct reg *reg, const struct request *by)
{
	struct core_record *rec = &reg->pub.rec;

	if (!by || by->rrq.coa.s_addr == rec->coa.s_addr)
		revoke_start(core, reg, rec->coa, reg->pub.expires_us, 0, false);
	if (pool_is_taken(core, reg->net, rec->home, rec->nai))
		rec->lifetime = rec->peer_revsup = 0;
	else
		take_home(core, reg, rec->home);
}

/*
 * As long as something that was sent before the revocation may be accepted: its
 * Identification is @replay_window ahead of us at most, and is good for as long
 * again. By our clock, and not by the PMA's time stamps: what those count is left
 * open by RFC 3543. The row says it by a field that it doesn't need any more.
 */
static void keep_revoked(struct core *core, struct reg *reg)
{
	reg_arm_expiry(core, reg, revoked_s(core), core->now->mono_us);
	reg->pub.rec.lifetime = 0;
}

/* When nothing is left that a tombstone is to remember; 0 = that is so. */
static uint64_t remembers_until(const struct core *core, const struct reg *reg)
{
	uint64_t until = replay_until(core, reg->pub.rec.last_id), revoked = 0;

	if (was_revoked(&reg->pub.rec) && reg->pub.expires_us > core->now->mono_us)
		revoked = reg->pub.expires_us;
	return until > revoked ? until : revoked;
}

void ha_settle(struct core *core, struct reg *reg)
{
	uint64_t until;

	ha_show_state(reg);
	if (!reg->pub.rec.tombstone) {
		until = first_end(reg->pub.expires_us, others_expire_us(reg));
		if (reg->ha.tentative)
			until = first_end(until, reg->ha.tentative->until_us);
		timer_set(core, &reg->timer, until);
		return;
	}
	if (!reg->revocations && reg->has_home)
		release(core, reg);
	until = remembers_until(core, reg);
	if (until || reg->revocations) {
		timer_set(core, &reg->timer, until);	/* 0: revoke_over() goes on */
	} else {
		act_forget(core, reg);
		reg_free(core, reg);
	}
}

static void unbind(struct core *core, struct reg *reg)
{
	act_unbind(core, reg);
	home_end(core, reg);
}

void ha_bury(struct core *core, struct reg *reg)
{
	bool forget = !replay_until(core, reg->pub.rec.last_id) && !reg->revocations;

	reg->ha.reply.coa.s_addr = INADDR_ANY;	/* no longer true */
	to_tombstone(core, reg);
	if (!forget)
		act_store(core, reg);
	unbind(core, reg);
	ha_settle(core, reg);
}

void ha_timeout(struct core *core, struct reg *reg)
{
	if (tentative_timeout(core, reg) || others_timeout(core, reg))
		return;
	if (!reg->pub.rec.tombstone) {
		/* RFC 5944 s3.8: without a word to anybody. */
		core->count.expired++;
		act_log(core, CORE_LOG_INFO, "%s: registration expired", reg->pub.rec.nai);
		ha_bury(core, reg);
	} else {
		ha_settle(core, reg);
	}
}

/* After a restart: go on where the kernel has the binding, put it there otherwise. */
void ha_resume(struct core *core, struct reg *reg)
{
	reg->restored = false;
	reg->ha.proxied = reg->net->home_link && reg->in_kernel;
	if (!reg->pub.rec.tombstone && is_past(core, reg->pub.expires_us)) {
		ha_timeout(core, reg);
		return;
	}
	if (!reg->pub.rec.tombstone && !reg->adopted) {
		commit(core, reg, true);
		ha_show_state(reg);
		return;
	}
	if (reg->pub.rec.tombstone && reg->pub.rec.lifetime)
		still_withdrawn(core, reg, NULL);
	ha_settle(core, reg);
}

/* ---- decisions ---- */

static struct ha_op *op_new(enum ha_job job, const struct request *req, const struct reg *reg)
{
	struct ha_op *op = calloc(1, sizeof(*op));

	if (!op)
		return NULL;
	op->job = job;
	if (req)
		op->req = *req;
	if (reg) {
		op->had_prev = true;
		op->prev = reg->pub.rec;
		op->prev_expires_us = reg->pub.expires_us;
		op->prev_peer_since_us = reg->peer_since_us;
	}
	return op;
}

void ha_op_free(struct ha_op *op)
{
	if (!op)
		return;
	free(op->ended);
	free(op->others);
	free(op);
}

/* What was refused for what was so at the time can't be replayed when it no longer is. */
static void refused_id(struct reg *reg, const struct request *req)
{
	replay_note(reg, req);
	reg->ha.reply.coa.s_addr = INADDR_ANY;
}

static void op_start(struct core *core, struct reg *reg, struct ha_op *op, bool bind)
{
	note_work(core);
	reg->ha.op = op;
	commit(core, reg, bind);
	ha_show_state(reg);
}

/*
 * Lifetime 0 (RFC 5944 s3.8.2.2). Only the binding of that care-of address
 * goes: a PMA that was left may say so late and must not touch what its
 * successor has.
 */
static void deregister(struct core *core, const struct request *req,
		       const struct core_network *net, struct reg *reg)
{
	struct core_record *rec = &reg->pub.rec;
	bool gone, back = false;
	struct ha_op *op;

	if (!rec->tombstone && !is_any(req->rrq.home) && req->rrq.home.s_addr != rec->home.s_addr) {
		refused_id(reg, req);
		ha_deny(core, req, net, WIRE_CODE_HA_ADMIN_PROHIBITED);
		return;
	}
	op = op_new(HA_DEREGISTER, req, reg);
	if (!op) {
		ha_deny(core, req, net, WIRE_CODE_HA_NO_RESOURCES);
		return;
	}
	replay_note(reg, req);
	op->key = req->keyed ? rec->key_in : 0;	/* RFC 6245 s4.2: in every reply */
	/* RFC 5944 s3.8.2.2: a node that is at its home address wants all of them gone; a PMA is never. */
	gone = !rec->tombstone && (rec->coa.s_addr == req->rrq.coa.s_addr ||
				   (!req->pmip && req->rrq.coa.s_addr == rec->home.s_addr));
	if (!rec->tombstone && other_at(reg, req->rrq.coa)) {
		other_end(core, reg, req->rrq.coa);
		back = true;
	} else if (gone && reg->ha.tentative && rec->coa.s_addr == req->rrq.coa.s_addr) {
		tentative_back(core, reg);
		back = true;
		gone = false;
	} else if (gone && rec->coa.s_addr == req->rrq.coa.s_addr && others_promote(core, reg)) {
		back = true;
		gone = false;
	} else if (gone) {
		to_tombstone(core, reg);
		act_log(core, CORE_LOG_INFO, "%s: deregistered", rec->nai);
	}
	op_start(core, reg, op, back);
	if (gone)
		unbind(core, reg);
}

/*
 * Of an address in another home agent's pool only that one knows whether it is
 * in use. But an agent that moves a device from there, and brings its address
 * along, names us in the Home Agent field and by ext. 139; one that brings a new
 * device may name us in one of them, RFC 4433 s5.1.1. And what is configured for
 * a node, @own, is nobody else's.
 */
static bool may_be_anothers(const struct request *req, const struct core_network *net, struct in_addr own)
{
	return (req->requests_ha && req->rrq.ha.s_addr == net->ha.s_addr) ||
	       own.s_addr == req->rrq.home.s_addr;
}

struct reg *ha_reg_of(const struct core *core, const struct request *req)
{
	struct reg *reg = req->nai[0] ? reg_by_nai(core, CORE_HA, req->nai, req->access) : NULL;

	if (reg || !req->nai[0] || !req->access)
		return reg;
	/* One from before accesses were told apart, or told: it is that of its agent. */
	reg = reg_by_nai(core, CORE_HA, req->nai, 0);
	return reg && reg->pub.rec.coa.s_addr == req->rrq.coa.s_addr ? reg : NULL;
}

static struct reg *reg_for(struct core *core, const struct request *req, const struct core_network *net)
{
	struct reg *reg = reg_new(core, CORE_HA, req->nai, net, 0);

	if (reg)
		reg->pub.rec.access = req->access;
	return reg;
}

/* RFC 5563 s5.5: has the device bindings by as many other accesses as it may have? */
static bool has_all_accesses(const struct core *core, const struct request *req)
{
	struct reg *reg = NULL;
	unsigned int n = 0;

	while ((reg = reg_next_by_nai(core, CORE_HA, req->nai, reg)))
		n += !reg->pub.rec.tombstone;
	return n && n >= core->cfg->access_bindings;
}

/* The address for a request; 0.0.0.0 and *code, maybe with *why, if there is none. */
static struct in_addr choose_home(const struct core *core, const struct request *req,
				  const struct core_network *net, const struct reg *reg,
				  uint8_t *code, const char **why)
{
	struct in_addr home = req->rrq.home, own, held, none = { 0 };
	bool has_own;

	if (reg && !reg->pub.rec.tombstone) {
		/* One device, one address: RFC 5563 s4.1.3. */
		if (is_any(home) || home.s_addr == reg->pub.rec.home.s_addr)
			return reg->pub.rec.home;
		*code = WIRE_CODE_HA_ADMIN_PROHIBITED;
		return none;
	}
	if (reg_full(core)) {
		*code = WIRE_CODE_HA_NO_RESOURCES;
		*why = "the home agent has as many devices as it takes";
		return none;
	}
	if (reg && reg->has_home && (is_any(home) || home.s_addr == reg->pub.rec.home.s_addr))
		return reg->pub.rec.home;	/* kept, see ha_withdraw() */
	own = mn_home(core, req->nai);
	has_own = own.s_addr && pool_is_free(core, net, own, req->nai, true);
	if (!is_any(home)) {
		*code = WIRE_CODE_HA_ADMIN_PROHIBITED;
		/* A PMA then asks for any. */
		if (has_own && own.s_addr != home.s_addr)
			return none;
		return pool_is_free(core, net, home, req->nai, may_be_anothers(req, net, own)) ? home : none;
	}
	if (has_own)
		return own;
	if (reg && pool_is_free(core, net, reg->pub.rec.home, req->nai, true))
		return reg->pub.rec.home;
	held = hold_home(core, net, req->nai);
	if (held.s_addr && pool_is_free(core, net, held, req->nai, false))
		return held;
	*code = WIRE_CODE_HA_NO_RESOURCES;
	*why = "no home address is free";
	return pool_pick(core, net, req->nai);
}

static void fill_record(struct core *core, struct reg *reg, const struct request *req,
			struct in_addr home)
{
	struct core_record *rec = &reg->pub.rec;
	uint16_t lifetime = req->rrq.lifetime;

	if (rec->tombstone) {
		rec->tombstone = false;
		reg->since_us = core->now->mono_us;
		drop_home(core, reg);
		core->n_regs++;
	}
	if (!reg->has_home)
		take_home(core, reg, home);
	rec->access = req->access;
	if (rec->coa.s_addr != req->rrq.coa.s_addr)
		reg->peer_since_us = core->now->mono_us;
	rec->coa = req->rrq.coa;
	replay_note(reg, req);
	/* RFC 6245 s4.2: its presence means GRE, whatever G says. */
	rec->gre = req->keyed || req->rrq.flags & WIRE_RRQ_G;
	rec->keyed = req->keyed;
	if (!req->keyed)
		reg_set_key_in(core, reg, 0);
	else if (!rec->key_in)
		reg_set_key_in(core, reg, reg_choose_key(core, rec->ha));
	/* Key 0: we assign both directions, and there is room for one value: one key. */
	rec->key_out = !req->keyed ? 0 : req->key ? req->key : rec->key_in;
	rec->peer_revsup = 0;
	if (req->revsup && req->peer->revocation && auth_shared(req->peer))	/* 0 is our word for none */
		rec->peer_revsup = req->revsup_time ? req->revsup_time : 1;
	if (lifetime > reg->net->lifetime)	/* RFC 5944 s3.8.2.2: may be lowered */
		lifetime = reg->net->lifetime;
	reg_arm_expiry(core, reg, lifetime, core->now->mono_us);
}

/*
 * A refresh that was under way when the device left would switch it back (RFC
 * 5563 s4.4). A device that did come back has a new key. What was withdrawn is
 * refreshed by who hasn't heard of it, as long as that isn't acknowledged: that
 * would undo it. Without keys the one can't be told from the other.
 */
static bool is_late_refresh(const struct core *core, const struct request *req, const struct reg *reg)
{
	return !is_any(req->rrq.home) && req->keyed && req->key && req->key == reg->ha.left_key &&
	       req->rrq.coa.s_addr == reg->ha.left_coa.s_addr &&
	       (reg->pub.rec.tombstone || req->rrq.coa.s_addr != reg->pub.rec.coa.s_addr) &&
	       (core->now->mono_us < reg->ha.left_until_us || (reg->pub.rec.tombstone && reg->revocations));
}

/*
 * RFC 4433 s5.3. Who is registered here stays: elsewhere it would have another
 * address. But its agent may ask who its HA is to be while this one is drained,
 * and takes the address along.
 */
static bool is_redirected(const struct core *core, const struct request *req, const struct core_network *net,
			  const struct reg *reg)
{
	const struct core_record *rec = reg ? &reg->pub.rec : NULL;

	if (!rec || rec->tombstone)
		return redirect_of(core, net).s_addr;
	return is_draining(core, net) && is_any(req->rrq.ha) && req->rrq.coa.s_addr == rec->coa.s_addr &&
	       req->rrq.home.s_addr == rec->home.s_addr;
}

/* A request that registers nothing: as long as it, or what it has overtaken, may come again. */
static void remember(struct core *core, const struct request *req, const struct core_network *net, struct reg *reg)
{
	if (!reg) {
		reg = reg_for(core, req, net);
		if (!reg)
			return;
		to_tombstone(core, reg);
	}
	refused_id(reg, req);
	if (!req->rrq.lifetime)		/* granted, and so is a copy */
		reg->ha.reply = (struct ha_reply){ .coa = req->rrq.coa, .home = req->rrq.home };
	if (reg->pub.rec.tombstone)
		ha_settle(core, reg);
}

static void do_register(struct core *core, const struct request *req,
			const struct core_network *net, struct reg *reg)
{
	struct core_leg left = reg ? leg_of(reg) : (struct core_leg){ 0 };
	const bool live = reg && !reg->pub.rec.tombstone;
	bool keeps = others_wanted(req, net, reg);
	uint8_t code = WIRE_CODE_HA_ADMIN_PROHIBITED;
	const char *why = NULL;
	struct ha_op *op = NULL;
	struct in_addr home;
	bool moved;

	if (reg && is_late_refresh(core, req, reg))
		goto deny;
	code = WIRE_CODE_REDIRECT_HA;
	if (is_redirected(core, req, net, reg))
		goto deny;
	if (!live && !work_is_left(core)) {
		code = WIRE_CODE_HA_NO_RESOURCES;
		why = "the home agent is busy with devices that it serves";
		goto deny;
	}
	code = WIRE_CODE_HA_TOO_MANY_BINDINGS;
	if (!live ? has_all_accesses(core, req) : keeps && others_full(net, reg, req->rrq.coa))
		goto deny;
	holds_expire(core, net);
	home = choose_home(core, req, net, reg, &code, &why);
	if (!home.s_addr)
		goto deny;
	code = WIRE_CODE_HA_NO_RESOURCES;
	why = "the home agent has no memory";
	op = op_new(HA_REGISTER, req, reg);
	if (!op)
		goto deny;
	if (!reg)
		reg = reg_for(core, req, net);
	if (!reg)
		goto deny;
	op->held = hold_is_for(core, net, home, req->nai);
	fill_record(core, reg, req, home);
	/*
	 * It has come back to where it had left. What is sent once more from now on
	 * would be later than its registration, and end it (RFC 3543 s4.2.2.2).
	 */
	revoke_cancel(core, reg, reg->pub.rec.coa);
	moved = live && left.peer.s_addr != reg->pub.rec.coa.s_addr;
	op->others = reg->ha.others;
	reg->ha.others = NULL;
	if (keeps && (moved || op->others)) {
		const struct other last = {
			.rec = op->prev,
			.auth = reg->pub.auth,
			.sport = reg->ha.sport,
			.since_us = op->prev_peer_since_us,
			.expires_us = op->prev_expires_us,
		};

		keeps = others_keep(reg, op->others, moved ? &last : NULL);
	}
	if (keeps)
		moved = false;
	else
		others_leave(core, reg, op->others);
	if (tentative_by(reg, reg->pub.rec.coa)) {
		op->ended = reg->ha.tentative;
		reg->ha.tentative = NULL;
	} else if (moved && reg->ha.tentative) {
		tentative_extend(core, reg);
	} else if (moved && net->tentative_ms) {
		op->began = tentative_start(core, reg, &op->prev, op->prev_expires_us);
	}
	if (moved && !op->began)
		left_add(core, reg, &left, core->cfg->handover_grace_ms);
	/* RFC 5944 s3.8.3.2: accepted, but it replaces the others. */
	op->code = req->rrq.flags & WIRE_RRQ_S && !keeps ? WIRE_CODE_ACCEPTED_NO_SIMULTANEOUS : WIRE_CODE_ACCEPTED;
	op_start(core, reg, op, true);
	return;
deny:
	free(op);
	remember(core, req, net, reg);
	deny(core, req, net, code, why);
}

/* Step 9: may that agent register that way? 0 = yes. */
static uint8_t mode_code(const struct request *req)
{
	uint8_t method = req->peer->ipsec ? WIRE_PMIP_IPSEC : WIRE_PMIP_FHA;

	if (req->per_node && !req->method)
		return WIRE_CODE_PMIP_UNSUPPORTED;
	if (req->per_node)
		return req->method == method && auth_per_node(req->peer) ? 0 : WIRE_CODE_PMIP_DISALLOWED;
	if (req->peer->per_mn)
		return 0;
	/* Only who does Proxy Mobile IPv4 has heard of its codes. */
	return req->pmip ? WIRE_CODE_PMIP_DISALLOWED : WIRE_CODE_HA_ADMIN_PROHIBITED;
}

/* RFC 5446 s4.2: as far as services are told apart here. The default one is everybody's. */
static bool has_service(const struct core_network *net, const char *service)
{
	for (unsigned int i = 0; i < net->n_services; i++) {
		if (!strcmp(net->services[i], service))
			return true;
	}
	return !net->n_services || !*service;
}

/*
 * RFC 5446 s4.2: it isn't left with the service that it had. That ends something,
 * so it can't be replayed; and it may be with another agent than the one that asks.
 */
static void refuse_service(struct core *core, const struct request *req, const struct core_network *net,
			   struct reg *reg)
{
	if (!reg || reg->pub.rec.tombstone) {
		remember(core, req, net, reg);
		return;
	}
	refused_id(reg, req);
	if ((reg->pub.rec.coa.s_addr == req->rrq.coa.s_addr && !reg->ha.others && !reg->ha.tentative) ||
	    !ha_withdraw(core, reg))
		ha_bury(core, reg);
}

/* Minimal encapsulation isn't to be had. RFC 6245 s4.2: ext. 48 is GRE, whatever G says. */
static bool has_encapsulation(const struct core_network *net, const struct request *req)
{
	if (req->keyed || req->rrq.flags & WIRE_RRQ_G)
		return !net->no_gre;
	return !(req->rrq.flags & WIRE_RRQ_M);
}

/* Steps 7 to 13 of protocol/security.md s5. */
static void decide(struct core *core, const struct request *req)
{
	const struct core_network *net = req->nai[0] ? network_by_nai(core->cfg, req->nai) : NULL;
	struct reg *reg = ha_reg_of(core, req);
	uint8_t code = 0;

	/* RFC 4433 s5.1, s5.3: a request that names no HA is for the one it was sent to, and says no other. */
	if (net && (req->dst.s_addr != net->ha.s_addr ||
		    (req->requests_ha && req->requested_ha.s_addr != req->dst.s_addr) ||
		    (req->rrq.ha.s_addr != net->ha.s_addr && !is_any(req->rrq.ha))))
		code = WIRE_CODE_HA_UNKNOWN_HA;
	else if (req->nai[0] && !wire_nai_ok(req->nai))
		code = WIRE_CODE_HA_POORLY_FORMED;
	else if (req->rrq.flags & WIRE_RRQ_D && req->pmip)	/* RFC 5563 s7: never with a PMA */
		code = WIRE_CODE_HA_POORLY_FORMED;
	else if (req->rrq.lifetime && req->rrq.coa.s_addr == req->rrq.home.s_addr)	/* who is at home deregisters */
		code = WIRE_CODE_HA_POORLY_FORMED;
	else if (req->poor)
		code = WIRE_CODE_HA_POORLY_FORMED;
	else if (req->cvse)
		code = req->cvse;
	else if (mode_code(req))
		code = mode_code(req);
	/* RFC 5563 s8.1 looks bindings up by NAI: without one nobody is authorised */
	else if (!net || !auth_may_register(req->peer, net))
		code = WIRE_CODE_HA_ADMIN_PROHIBITED;
	else if (req->rrq.lifetime && !has_service(net, req->service))
		code = WIRE_CODE_SERVICE_REFUSED;
	else if (req->rrq.lifetime && net->wants_reverse && !(req->rrq.flags & WIRE_RRQ_T))
		code = WIRE_CODE_HA_REVERSE_TUNNEL_MANDATORY;
	else if (req->rrq.lifetime && !has_encapsulation(net, req))
		code = WIRE_CODE_HA_ENCAP_UNAVAILABLE;

	if (!net && req->nai[0])
		core->count.drop_no_network++;
	if (code) {
		if (code == WIRE_CODE_PMIP_DISALLOWED)
			core->count.drop_bad_method++;
		if (code == WIRE_CODE_SERVICE_REFUSED)
			refuse_service(core, req, net, reg);
		ha_deny(core, req, net, code);
	} else if (req->rrq.lifetime) {
		do_register(core, req, net, reg);
	} else if (reg && reg->pub.rec.home.s_addr) {	/* else it was never registered */
		deregister(core, req, net, reg);
	} else {
		struct wire_rrp rrp = { .home = req->rrq.home, .ha = net->ha, .id = replay_reply_id(core, req) };

		/* What is asked for is already so, and a registration that comes later than it was sent is over. */
		remember(core, req, net, reg);
		core->count.accepted++;
		send_reply(core, req, &rrp, NULL, NULL);
	}
}

/* ---- kernel and store have answered ---- */

/* Back to what was before the request, but for its Identification; may free @reg. */
static void undo(struct core *core, struct reg *reg, struct ha_op *op)
{
	struct core_record *rec = &reg->pub.rec;
	bool live = op->had_prev && !op->prev.tombstone;

	if (!live) {
		give_back(core, reg);
		if (op->held)
			hold_add(core, reg->net, rec->home, rec->nai);
		to_tombstone(core, reg);
	}
	if (op->had_prev) {
		reg_set_key_in(core, reg, op->prev.key_in);
		*rec = op->prev;
		reg->pub.expires_us = op->prev_expires_us;
		reg->peer_since_us = op->prev_peer_since_us;
	}
	refused_id(reg, &op->req);
	if (!live && op->had_prev && rec->lifetime)
		still_withdrawn(core, reg, &op->req);
	if (op->began)
		tentative_drop(reg);
	if (op->ended) {
		reg->ha.tentative = op->ended;
		op->ended = NULL;
	}
	others_free(reg);
	reg->ha.others = op->others;
	op->others = NULL;
	act_store(core, reg);
	if (live)
		act_bind(core, reg);
	else
		unbind(core, reg);
	ha_settle(core, reg);
}

static enum core_auth auth_of(const struct request *req)
{
	if (req->per_node)
		return req->peer->ipsec ? CORE_AUTH_IPSEC : CORE_AUTH_FA_HA;
	return req->by_aaa ? CORE_AUTH_MN_AAA : CORE_AUTH_MN_HA;
}

void ha_note_left(struct core *core, struct reg *reg, const struct core_record *left, uint32_t more_ms)
{
	const uint64_t more_us = more_ms * MSEC;	/* it serves on, and refreshes */

	reg->ha.left_coa = left->coa;
	reg->ha.left_key = left->keyed ? left->key_out : 0;
	reg->ha.left_until_us = core->now->mono_us + (more_us > LEFT_US ? more_us : LEFT_US);
}

static void registered(struct core *core, struct reg *reg, struct ha_op *op)
{
	struct core_record *rec = &reg->pub.rec;
	bool live = op->had_prev && !op->prev.tombstone;
	bool added = live && is_other(reg->ha.others, op->prev.coa);
	bool moved = live && op->prev.coa.s_addr != rec->coa.s_addr && !added;
	const uint32_t untold_ms = reg->net->bicast ? core->cfg->handover_grace_ms : 0;
	char coa[INET_ADDRSTRLEN], home[INET_ADDRSTRLEN], old[INET_ADDRSTRLEN];

	reg_set_nai(core, reg, op->req.nai);
	reg->pub.auth = auth_of(&op->req);
	reg->ha.sport = op->req.sport;
	reg->ha.reply = (struct ha_reply){
		.coa = rec->coa,
		.home = rec->home,
		.code = op->code,
		.lifetime = rec->lifetime,
		.key = rec->key_in,
		.revsup_time = rec->peer_revsup ? revoke_clock(core, reg) : 0,
		/* s4.2.1: it is offered, and an HA knows better than anybody why it ends what. */
		.inform = op->req.offers_inform,
	};
	reg->ha.informs = rec->peer_revsup && op->req.offers_inform;
	/* RFC 3543 s4.2.2.1: its device has an agent, so those it has left needn't tell it anything. */
	for (struct revocation *rev = reg->revocations; rev; rev = rev->next)
		rev->inform = false;
	home_begin(core, reg);
	core->count.accepted++;
	send_accept(core, reg, &op->req);
	others_tell(core, reg, op->others, untold_ms);

	addr_text(rec->coa, coa);
	addr_text(rec->home, home);
	if (added) {
		notice_end(core, reg);	/* its agent is another one */
		reg->ha.told_us = 0;
	}
	if (moved) {
		core->count.handovers++;
		act_log(core, CORE_LOG_INFO, "%s: handover of %s from %s to %s%s", rec->nai, home,
			addr_text(op->prev.coa, old), coa, reg->ha.tentative ? ", tentatively" : "");
		notice_end(core, reg);	/* its agent is another one */
		reg->ha.told_us = 0;
		ha_note_left(core, reg, &op->prev, untold_ms);
		if (op->prev.peer_revsup && !op->began)
			revoke_start(core, reg, op->prev.coa, op->prev_expires_us, untold_ms, false);
	} else if (!live || (added && !is_other(op->others, rec->coa))) {
		act_log(core, CORE_LOG_INFO, "%s: registered %s at %s%s for %u s", rec->nai, home, coa,
			added ? " too" : "", rec->lifetime);
	} else if (reg->ha.tentative) {		/* RFC 5563 s4.4: it has seen the device */
		tentative_commit(core, reg, true);
		return;
	}
	ha_settle(core, reg);
}

static void register_failed(struct core *core, struct reg *reg, struct ha_op *op)
{
	bool scarce = reg->error == ENOMEM || reg->error == ENOSPC || reg->error == EDQUOT ||
		      reg->error == E2BIG;
	const struct core_network *net = reg->net;

	act_log(core, CORE_LOG_WARNING, "%s: not registered: %s", reg->pub.rec.nai, reg->error_text);
	undo(core, reg, op);
	ha_deny(core, &op->req, net, scarce ? WIRE_CODE_HA_NO_RESOURCES : WIRE_CODE_HA_UNSPECIFIED);
}

static void deregistered(struct core *core, struct reg *reg, struct ha_op *op)
{
	struct core_record *rec = &reg->pub.rec;

	if (reg->error)		/* the binding is gone all the same */
		act_log(core, CORE_LOG_WARNING, "%s: deregistered, but %s", rec->nai, reg->error_text);
	reg->ha.reply = (struct ha_reply){
		.coa = op->req.rrq.coa,
		.home = is_any(op->req.rrq.home) ? rec->home : op->req.rrq.home,
		.key = op->key,
	};
	core->count.accepted++;
	send_accept(core, reg, &op->req);
	if (tentative_by(reg, op->req.rrq.coa))
		tentative_commit(core, reg, false);
	else
		ha_settle(core, reg);
}

/* @what was done, with an error: the binding is gone all the same, and the row shall say so. */
static void gone_despite_error(struct core *core, struct reg *reg, const char *what)
{
	act_log(core, CORE_LOG_WARNING, "%s: %s, but %s", reg->pub.rec.nai, what, reg->error_text);
	act_store(core, reg);
}

/* That the device is to be told is the only sensible answer where that is left to us: nobody serves it. */
static void withdrawn(struct core *core, struct reg *reg, const struct ha_op *op)
{
	struct peer *peer = peer_find(core, op->prev.coa);

	if (peer)
		peer->n_ending--;
	if (reg->error)
		gone_despite_error(core, reg, "withdrawn");
	if (op->prev.peer_revsup)
		revoke_start(core, reg, op->prev.coa, op->prev_expires_us, 0, reg->ha.informs);
	others_tell(core, reg, op->others, 0);
	/* The one before has it as well; what was agreed on with that about the device isn't known any more. */
	if (op->ended && op->ended->rec.peer_revsup)
		revoke_start(core, reg, op->ended->rec.coa, op->ended->expires_us, 0, false);
	ha_settle(core, reg);
}

void ha_done(struct core *core, struct reg *reg)
{
	struct request *next = reg->ha.queued;
	struct ha_op *op = reg->ha.op;

	reg->ha.op = NULL;
	reg->ha.queued = NULL;
	if (!op) {		/* START put it into the kernel again */
		if (reg->error) {
			act_log(core, CORE_LOG_WARNING, "%s: lost at restart: %s", reg->pub.rec.nai,
				reg->error_text);
			ha_bury(core, reg);
		} else {
			home_begin(core, reg);
			ha_settle(core, reg);
		}
	} else if (op->job == HA_DEREGISTER) {
		deregistered(core, reg, op);
	} else if (op->job == HA_WITHDRAWN) {
		withdrawn(core, reg, op);
	} else if (op->job == HA_REVOKED) {
		if (reg->error)		/* it will ask again */
			gone_despite_error(core, reg, "revoked by its PMA");
		else
			revoke_send_ack(core, &op->req, &op->ack);
		ha_settle(core, reg);
	} else if (reg->error) {
		register_failed(core, reg, op);
	} else {
		registered(core, reg, op);
	}
	ha_op_free(op);
	if (next)
		decide(core, next);
	free(next);
}

/*
 * RFC 3543 s4.2.2.1. Its PMA serves it as long as it hasn't heard, so nobody else gets
 * its address meanwhile; nor does the one from which it has come, as long as that may
 * have to serve it again. The row has room for one of them, the new one if that is to
 * be told. One that isn't told serves it on, and its next refresh registers it anew.
 */
bool ha_withdraw(struct core *core, struct reg *reg)
{
	struct ha_op *op = reg->committing ? NULL : op_new(HA_WITHDRAWN, NULL, reg);
	struct peer *peer = peer_find(core, reg->pub.rec.coa);
	const struct core_record *told;
	uint64_t until_us;

	if (!op)
		return false;
	told = &op->prev;
	until_us = op->prev_expires_us;
	if (peer)
		peer->n_ending++;
	core->count.withdrawn++;
	act_log(core, CORE_LOG_INFO, "%s: its registration is withdrawn", reg->pub.rec.nai);
	reg->ha.reply.coa.s_addr = INADDR_ANY;	/* no longer true */
	op->ended = reg->ha.tentative;
	reg->ha.tentative = NULL;
	op->others = reg->ha.others;
	reg->ha.others = NULL;
	to_tombstone(core, reg);
	if (!told->peer_revsup && op->ended) {
		told = &op->ended->rec;
		until_us = op->ended->expires_us;
	}
	for (unsigned int i = 0; !told->peer_revsup && op->others && i < op->others->n; i++) {
		told = &op->others->at[i].rec;
		until_us = op->others->at[i].expires_us;
	}
	if (told->peer_revsup) {
		take_home(core, reg, op->prev.home);
		reg->pub.rec.coa = told->coa;
		reg->pub.rec.lifetime = told->lifetime;		/* the next life goes on from here */
		reg->pub.rec.expires_unix = told->expires_unix;
		reg->pub.rec.peer_revsup = told->peer_revsup;
		reg->pub.expires_us = until_us;
	}
	ha_note_left(core, reg, &op->prev, 0);
	op_start(core, reg, op, false);
	unbind(core, reg);
	return true;
}

/* A PMA says that it no longer serves the device. */
bool ha_revoked(struct core *core, struct reg *reg, const struct request *req,
		const struct wire_revoke_ack *ack)
{
	struct ha_op *op;

	if (reg->committing)
		return false;	/* it will ask again */
	op = op_new(HA_REVOKED, req, reg);
	if (!op)
		return false;
	op->ack = *ack;
	if (reg->ha.tentative) {
		tentative_back(core, reg);
		op_start(core, reg, op, true);
		return true;
	}
	if (others_promote(core, reg)) {
		ha_note_left(core, reg, &op->prev, 0);
		op_start(core, reg, op, true);
		return true;
	}
	reg->ha.reply.coa.s_addr = INADDR_ANY;	/* no longer true */
	to_tombstone(core, reg);
	reg->pub.rec.peer_revsup = ack->id ? ack->id : 1;	/* see is_revoked() */
	keep_revoked(core, reg);
	act_log(core, CORE_LOG_INFO, "%s: revoked by its PMA", reg->pub.rec.nai);
	op_start(core, reg, op, false);
	unbind(core, reg);
	return true;
}

/* ---- an RRQ ---- */

/* RFC 3115 s2.4: ahead of the node's authenticator is the node's, behind it its agent's. */
static uint8_t cvse_code(const struct wire_msg *msg)
{
	const struct wire_ext *cvse = wire_find_unknown_cvse(msg), *mn = wire_find(msg, WIRE_EXT_MHAE, 0);

	if (!mn)
		mn = wire_find(msg, WIRE_EXT_GAE, WIRE_GAE_MN_AAA);
	if (!cvse)
		return 0;
	return mn && cvse < mn ? WIRE_CODE_HA_CVSE_MN : WIRE_CODE_HA_CVSE_FA;
}

/* Of two keys, or services (RFC 5446 s3), whichever we took could be the wrong one. */
static bool is_poor(const struct wire_msg *msg, const struct request *req)
{
	return !wire_in_order(msg) || wire_count_gre_keys(msg) > 1 ||
	       wire_count(msg, WIRE_EXT_SERVICE) != !!req->service[0];
}

static void read_access(const struct core *core, const struct wire_msg *msg, struct request *req)
{
	if (core->cfg->access_bindings < 2 || !wire_get_access_tech(msg, &req->access))
		req->access = 0;
}

/*
 * A request that its PMA's revocation has overtaken would register the device where
 * it is no longer served: of what one agent says the later counts, by its time
 * stamps (RFC 3543 s4.2.3.2). Where those have been set back code 133 says so, until
 * nothing that was sent before the revocation can be accepted any more.
 */
static bool is_revoked(const struct reg *reg, const struct request *req)
{
	const struct core_record *rec = reg ? &reg->pub.rec : NULL;

	return rec && was_revoked(rec) && req->revsup && req->rrq.lifetime &&
	       rec->coa.s_addr == req->rrq.coa.s_addr && (int32_t)(req->revsup_time - rec->peer_revsup) <= 0;
}

void ha_rrq(struct core *core, const struct core_event *ev, struct wire_msg *msg)
{
	struct request req = {
		.rrq = msg->rrq,
		.src = ev->datagram.src,
		.dst = ev->datagram.dst,
		.sport = ev->datagram.sport,
		.link = ev->datagram.link,
	};
	const struct core_network *home = network_by_broadcast(core->cfg, req.dst), *net;
	enum fresh fresh;
	struct reg *reg;
	uint16_t flags;

	if (home) {
		req.by_broadcast = true;
		req.dst = home->ha;
	}
	if (!wire_get_nai(msg, req.nai))
		req.nai[0] = '\0';
	read_access(core, msg, &req);
	if (!ha_authenticate(core, msg, &req))
		return;
	/* Once more, for only now they are known to be covered. */
	if (req.echo_nai && !wire_get_nai(msg, req.nai))
		req.nai[0] = '\0';
	read_access(core, msg, &req);
	req.echo_nai = req.echo_nai && req.nai[0];
	if (wire_count(msg, WIRE_EXT_PMIP) > 1 || !wire_get_pmip_method(msg, &req.method) ||
	    req.method > WIRE_PMIP_IPSEC)
		req.method = 0;
	if (!wire_get_service(msg, req.service))
		req.service[0] = '\0';
	req.poor = is_poor(msg, &req);
	req.cvse = cvse_code(msg);
	req.keyed = wire_get_gre_key(msg, &req.key);
	req.asks_host = wire_asks_host_config(msg);
	req.requests_ha = wire_get_dynamic_ha(msg, WIRE_HA_REQUESTED, &req.requested_ha);
	req.revsup = wire_get_revsup(msg, &flags, &req.revsup_time);
	req.offers_inform = req.revsup && flags & WIRE_REVSUP_I;

	reg = ha_reg_of(core, &req);
	fresh = replay_check(core, reg, &req);
	if (fresh == FRESH && is_revoked(reg, &req))
		fresh = STALE;
	/* RFC 5944 s3.8.2.1: never taken, but answered by who could be asked */
	if (req.by_broadcast && fresh != STALE) {
		net = network_by_nai(core->cfg, req.nai);
		if (net && network_is_ours(core->cfg, net) && network_broadcast(net).s_addr == ev->datagram.dst.s_addr)
			req.dst = net->ha;	/* of two networks with equal addresses */
		ha_deny(core, &req, NULL, WIRE_CODE_HA_UNKNOWN_HA);
		return;
	}
	switch (fresh) {
	case STALE:
		core->count.id_mismatch++;
		ha_deny(core, &req, reg ? reg->net : NULL, WIRE_CODE_HA_ID_MISMATCH);
		return;
	case DUPLICATE:
		/* RFC 5944 s3.8.2.2: extends nothing. The first one's answer is still to come, or said again. */
		core->count.duplicate_rrq++;
		if (!reg->committing)
			send_accept(core, reg, &req);
		return;
	case FRESH:
		break;
	}
	if (reg && reg->committing) {
		struct request *wait = malloc(sizeof(*wait));

		if (!wait)
			return;		/* as if it had been lost */
		*wait = req;
		free(reg->ha.queued);
		reg->ha.queued = wait;
		return;
	}
	decide(core, &req);
}
