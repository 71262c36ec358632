// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registration Revocation (RFC 3543), both directions. The HA tells the PMA
 * that a device has left; a PMA may tell the HA that it stopped serving one.
 *
 * Revocation Identifier and the time stamp of ext. 137 are NTP seconds, which
 * the RFC leaves open. A device has one clock for both that never stands still
 * between two uses that must differ, so a revocation is always later than the
 * registration it ends, and a late copy of it older than the next one.
 */
#include <stdlib.h>

#include "core/reg.h"

#define REVOKE_TRIES	7
#define REVOKE_PENDING	4	/* of one device at once: the oldest gives way */

/* Time stamp for ext. 137. */
uint32_t revoke_clock(struct core *core, struct reg *reg)
{
	uint32_t now = ntp_seconds(core);

	if ((int32_t)(now - reg->ha.rev_clock) > 0 || !reg->ha.rev_clock)
		reg->ha.rev_clock = now;
	return reg->ha.rev_clock;
}

/* Revocation Identifier: later than all before it. */
static uint32_t revoke_tick(struct core *core, struct reg *reg)
{
	uint32_t before = reg->ha.rev_clock;

	if (revoke_clock(core, reg) == before)
		reg->ha.rev_clock++;
	return reg->ha.rev_clock;
}

static void revoke_end(struct core *core, struct revocation *rev)
{
	struct revocation **p = &rev->reg->ha.revocations;

	while (*p != rev)
		p = &(*p)->next;
	*p = rev->next;
	LIST_REMOVE(rev, all);
	core->n_revocations--;
	timer_set(core, &rev->timer, 0);
	ha_show_state(rev->reg);
	free(rev);
}

/* I = 0: the device needs to hear nothing, RFC 5563 s4.1.3. */
static void revoke_send(struct core *core, struct revocation *rev)
{
	const struct core_record *rec = &rev->reg->pub.rec;
	struct peer *peer = peer_find(core, rev->coa);
	struct wire_out out = { .len = 0 };
	struct wire_revoke revoke = {
		.flags = WIRE_REVOKE_A,
		.home = rev->home,
		.ha = rec->ha,
		.coa = rev->coa,
		.id = revoke_tick(core, rev->reg),
	};

	if (!rev->tries++)
		rev->first_id = revoke.id;
	rev->last_id = revoke.id;
	wire_put_revoke(&out, &revoke);
	wire_put_nai(&out, rec->nai);	/* home addresses may be equal in two realms */
	auth_sign(&out, peer->cfg);
	act_send(core, &out, rec->ha, rev->coa, WIRE_PORT);
	/* RFC 3543 s4.2.2.1: at least 1 s, backing off. */
	timer_set(core, &rev->timer, core->now->mono_us + (FIRST_RETRY_US << (rev->tries - 1)));
}

static void revoke_fire(struct core *core, struct timer *timer)
{
	struct revocation *rev = container_of(timer, struct revocation, timer);
	char coa[INET_ADDRSTRLEN];

	/* RFC 3543 s3.3: never beyond the registration's own end. */
	if (rev->tries >= REVOKE_TRIES || (rev->until_us && rev->until_us <= core->now->mono_us)) {
		core->count.timed_out++;
		act_log(core, CORE_LOG_INFO, "%s: %s did not acknowledge the revocation",
			rev->reg->pub.rec.nai, addr_text(rev->coa, coa));
		revoke_end(core, rev);
		return;
	}
	if (rev->tries)
		core->count.retransmitted++;
	revoke_send(core, rev);
}

void revoke_start(struct core *core, struct reg *reg, struct in_addr coa, uint64_t until_us, uint32_t after_ms)
{
	struct revocation *rev, **tail = &reg->ha.revocations;
	struct peer *peer = peer_find(core, coa);
	unsigned int n = 0;

	if (!peer || !auth_shared(peer->cfg) || (until_us && until_us <= core->now->mono_us))
		return;
	revoke_cancel(core, reg, coa);
	for (; *tail; tail = &(*tail)->next)
		n++;
	if (n >= REVOKE_PENDING) {
		revoke_end(core, reg->ha.revocations);
		for (tail = &reg->ha.revocations; *tail; tail = &(*tail)->next)
			;
	}
	if (!timers_reserve(core, 1))
		return;		/* its lifetime will end it */
	rev = calloc(1, sizeof(*rev));
	if (!rev)
		return;
	rev->reg = reg;
	rev->home = reg->pub.rec.home;
	rev->coa = coa;
	rev->until_us = until_us;
	rev->timer.fire = revoke_fire;
	*tail = rev;
	LIST_INSERT_HEAD(&core->revocations, rev, all);
	core->n_revocations++;
	if (after_ms)
		timer_set(core, &rev->timer, core->now->mono_us + after_ms * MSEC);
	else
		revoke_send(core, rev);
}

void revoke_cancel(struct core *core, struct reg *reg, struct in_addr coa)
{
	for (struct revocation *rev = reg->ha.revocations; rev; rev = rev->next) {
		if (rev->coa.s_addr == coa.s_addr) {
			revoke_end(core, rev);
			return;
		}
	}
}

void revoke_cancel_all(struct core *core, struct reg *reg)
{
	while (reg->ha.revocations)
		revoke_end(core, reg->ha.revocations);
}

/* ---- what comes in ---- */

/* RFC 3543 s3.4: back to where it came from, Home Address and Identifier copied. */
void revoke_send_ack(struct core *core, const struct request *req, const struct wire_revoke_ack *ack)
{
	struct wire_out out = { .len = 0 };

	wire_put_revoke_ack(&out, ack);
	if (req->nai[0])
		wire_put_nai(&out, req->nai);
	auth_sign(&out, req->peer);
	act_send(core, &out, req->dst, req->src, req->sport);
}

static bool live(const struct reg *reg)
{
	const struct core_record *rec = &reg->pub.rec;

	if (rec->role == CORE_HA)
		return !rec->tombstone;
	return reg->pub.state != CORE_IDLE && reg->pub.state != CORE_WAIT_REG;
}

/* RFC 3543 s4.2.2.2; @revsup: time stamp of the last ext. 137 of who revokes, 0 = there was none. */
static bool is_later(uint32_t id, uint32_t revsup)
{
	return revsup && (int32_t)(id - revsup) > 0;
}

/* Of the bindings of a NAI, one per access, the one with that home address; at a PMA there is one. */
static struct reg *reg_revoked(const struct core *core, enum core_role role, const char *nai, struct in_addr home)
{
	struct reg *reg = NULL;

	while ((reg = reg_next_by_nai(core, role, nai, reg))) {
		if (role == CORE_PMA || reg->pub.rec.home.s_addr == home.s_addr)
			break;
	}
	return reg;
}

/*
 * A revocation must be authentic, come from the end of the registration that
 * it speaks for, and be later than what that end said when registering (RFC
 * 3543 s4.2.2.2, s4.2.3.2). One for a registration that isn't there is
 * acknowledged all the same: the RFC is silent, but after a lost Ack only that
 * ends the sender's repeating, and it says nothing that isn't true.
 */
void revoke_message(struct core *core, const struct core_event *ev, struct wire_msg *msg)
{
	const struct wire_revoke *revoke = &msg->revoke;
	bool from_ha = revoke->flags & WIRE_REVOKE_A;
	enum core_role role = from_ha ? CORE_PMA : CORE_HA;
	struct wire_revoke_ack ack = { .home = revoke->home, .id = revoke->id };
	struct in_addr sender = from_ha ? revoke->ha : revoke->coa;
	const struct core_record *rec;
	unsigned int n = 1;
	struct request req;
	uint32_t revsup;
	struct reg *reg;

	if (!peer_authentic(core, ev, msg, &req))
		return;
	/* The A bit tells a reflected copy of what we sent (s3.3). */
	if (sender.s_addr != req.src.s_addr || !(from_ha ? core->cfg->pma : core->cfg->ha)) {
		core->count.drop_revocation_invalid++;
		return;
	}
	if (req.nai[0])
		reg = reg_revoked(core, role, req.nai, revoke->home);
	else
		reg = reg_by_home(core, role, revoke->home, revoke->ha, revoke->coa, &n);
	if (n > 1) {		/* whose it is can't be told */
		core->count.drop_revocation_invalid++;
		return;
	}
	rec = reg ? &reg->pub.rec : NULL;
	if (reg && from_ha && pma_leaves(reg, revoke->ha, &revsup) && rec->home.s_addr == revoke->home.s_addr &&
	    rec->coa.s_addr == revoke->coa.s_addr) {
		if (!is_later(revoke->id, revsup)) {
			core->count.drop_revocation_invalid++;
			return;
		}
		pma_stay(core, reg, "revoked by its home agent");
	}
	if (reg && !from_ha && tentative_by(reg, revoke->coa) && rec->home.s_addr == revoke->home.s_addr &&
	    rec->ha.s_addr == revoke->ha.s_addr) {
		if (!is_later(revoke->id, reg->ha.tentative->rec.peer_revsup)) {
			core->count.drop_revocation_invalid++;
			return;
		}
		if (reg->committing)
			return;		/* it will ask again */
		tentative_commit(core, reg, false);
	}
	if (reg && from_ha && rec->ha.s_addr == revoke->ha.s_addr && rec->coa.s_addr == revoke->coa.s_addr)
		pma_revoked_waiting(core, reg, revoke->id);
	if (!reg || !live(reg) || rec->home.s_addr != revoke->home.s_addr ||
	    rec->ha.s_addr != revoke->ha.s_addr || rec->coa.s_addr != revoke->coa.s_addr) {
		revoke_send_ack(core, &req, &ack);
		return;
	}
	if (!is_later(revoke->id, rec->peer_revsup)) {
		core->count.drop_revocation_invalid++;
		return;
	}
	if (!from_ha) {
		ha_revoked(core, reg, &req, &ack);
		return;
	}
	pma_revoked(core, reg);
	revoke_send_ack(core, &req, &ack);
}

static bool answers(const struct revocation *rev, const struct wire_revoke_ack *ack,
		    const struct request *req)
{
	/* An Ack of an earlier try ends it as well: the path may be longer than a second. */
	return rev->coa.s_addr == req->src.s_addr &&
	       rev->home.s_addr == ack->home.s_addr &&
	       ack->id - rev->first_id <= rev->last_id - rev->first_id;
}

void revoke_ack_message(struct core *core, const struct core_event *ev, struct wire_msg *msg)
{
	struct revocation *rev = NULL, *each;
	struct reg *reg = NULL;
	unsigned int n = 1;
	struct request req;

	if (!peer_authentic(core, ev, msg, &req))
		return;
	if (req.nai[0]) {
		while (!rev && (reg = reg_next_by_nai(core, CORE_HA, req.nai, reg))) {
			rev = reg->ha.revocations;
			while (rev && !answers(rev, &msg->ack, &req))
				rev = rev->next;
		}
	} else {
		n = 0;
		LIST_FOREACH(each, &core->revocations, all)
			if (answers(each, &msg->ack, &req)) {
				rev = each;
				n++;
			}
	}
	if (!rev || n > 1) {
		core->count.drop_revocation_invalid++;
		return;
	}
	revoke_end(core, rev);
}
