// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registration Revocation (RFC 3543), both directions. The HA tells the PMA
 * that a device has left, or that it no longer has it; a PMA tells the HA that
 * it has stopped serving one.
 *
 * Revocation Identifier and the time stamp of ext. 137 are NTP seconds, which
 * the RFC leaves open. An HA has one clock per device for both that never stands
 * still between two uses that must differ, so a revocation is always later than
 * the registration it ends, and a late copy of it older than the next one. A PMA's
 * are by its home agent's clock, as its Identifications, and a second apart.
 *
 * Whoever ends thousands of registrations at once would flood who has to hear of
 * them, and lose most of it: to each peer there go so many a second, in the order
 * in which they were due, and what is sent again waits its turn like the rest.
 * That order is a list through the revocations themselves, which takes no memory.
 */
#include <stdlib.h>

#include "core/reg.h"

#define REVOKE_TRIES	7
#define REVOKE_PENDING	4	/* of one device at once: the oldest gives way */
#define AT_ONCE_US	(SECOND / 10)	/* what may be sent in that time may be so at once */

/* ---- time stamps ---- */

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

/*
 * Of a PMA, whose ext. 137 has the seconds of the Identification: later than the
 * last one, also if its idea of the home agent's clock has changed since. What
 * registers the device anew is later than that.
 */
static uint32_t pma_tick(struct core *core, struct reg *reg)
{
	uint32_t id = clock_id(core, reg->pma.peer) >> 32, last = reg->pub.rec.last_id >> 32;

	if ((int32_t)(id - last) <= 0)
		id = last + 1;
	reg->pub.rec.last_id = ((uint64_t)id << 32) | UINT32_MAX;
	return id;
}

/* ---- turns ---- */

void revoke_turns_init(struct peer *peer)
{
	TAILQ_INIT(&peer->waiting);
}

static bool has_turn(const struct core *core, const struct peer *peer)
{
	return !core->cfg->revocation_rate || peer->paced_us <= core->now->mono_us + AT_ONCE_US;
}

static void take_turn(struct core *core, struct peer *peer)
{
	const uint64_t now = core->now->mono_us;

	if (core->cfg->revocation_rate)
		peer->paced_us = (peer->paced_us > now ? peer->paced_us : now) + SECOND / core->cfg->revocation_rate;
}

static void stop_waiting(struct core *core, struct revocation *rev)
{
	if (!rev->waits)
		return;
	TAILQ_REMOVE(&rev->peer->waiting, rev, waiting);
	rev->waits = false;
	if (!--rev->peer->n_waiting)
		timer_set(core, &rev->peer->turn, 0);
}

/* ---- their life ---- */

static void revoke_end(struct core *core, struct revocation *rev)
{
	struct revocation **p = &rev->reg->revocations;

	while (*p != rev)
		p = &(*p)->next;
	*p = rev->next;
	LIST_REMOVE(rev, all);
	core->n_revocations--;
	timer_set(core, &rev->timer, 0);
	stop_waiting(core, rev);
	if (is_ha(rev->reg))
		ha_show_state(rev->reg);
	free(rev);
}

/* It was answered, or never will be; may free its registration. */
static void revoke_over(struct core *core, struct revocation *rev)
{
	struct reg *reg = rev->reg;

	revoke_end(core, rev);
	if (!is_ha(reg))
		pma_withdrawn(core, reg);
	else if (reg->pub.rec.tombstone && !reg->committing && !reg->revocations)
		ha_settle(core, reg);
}

static void revoke_send(struct core *core, struct revocation *rev)
{
	const struct core_record *rec = &rev->reg->pub.rec;
	const bool ha = is_ha(rev->reg);
	struct wire_out out = { .len = 0 };
	struct wire_revoke revoke = {
		.flags = (ha ? WIRE_REVOKE_A : 0) | (rev->inform ? WIRE_REVOKE_I : 0),
		.home = rev->home,
		.ha = rec->ha,
		.coa = rev->coa,
		.id = ha ? revoke_tick(core, rev->reg) : pma_tick(core, rev->reg),
	};

	if (rev->tries)
		core->count.retransmitted++;
	if (!rev->tries++)
		rev->first_id = revoke.id;
	rev->last_id = revoke.id;
	if (!ha)	/* RFC 3543 s3.3: a registration within a second would be one message too many */
		rev->reg->pma.sent_us = core->now->mono_us;
	core->count.revoke_sent++;
	take_turn(core, rev->peer);
	wire_put_revoke(&out, &revoke);
	wire_put_nai(&out, rec->nai);	/* home addresses may be equal in two realms */
	auth_sign(&out, rev->peer->cfg);
	act_send(core, &out, rev->from, rev->to, WIRE_PORT);
	/* RFC 3543 s4.2.2.1, s4.2.3.1: at least 1 s, backing off. */
	timer_set(core, &rev->timer, core->now->mono_us + (FIRST_RETRY_US << (rev->tries - 1)));
}

/* RFC 3543 s3.3: never beyond the registration's own end. */
static bool is_over(const struct core *core, const struct revocation *rev)
{
	return rev->tries >= (is_ha(rev->reg) ? REVOKE_TRIES : PMA_RRQ_TRIES) || is_past(core, rev->until_us);
}

static void give_up(struct core *core, struct revocation *rev)
{
	char to[INET_ADDRSTRLEN];

	if (rev->tries)
		core->count.timed_out++;
	act_log(core, CORE_LOG_INFO, rev->tries ? "%s: %s did not acknowledge the revocation" :
		"%s: %s was not told of the revocation: the registration had ended before its turn",
		rev->reg->pub.rec.nai, addr_text(rev->to, to));
	revoke_over(core, rev);
}

static void turn_fire(struct core *core, struct timer *timer)
{
	struct peer *peer = container_of(timer, struct peer, turn);
	struct revocation *rev;

	while ((rev = TAILQ_FIRST(&peer->waiting)) && has_turn(core, peer)) {
		stop_waiting(core, rev);
		if (is_over(core, rev))
			give_up(core, rev);
		else
			revoke_send(core, rev);
	}
	if (rev)
		timer_set(core, &peer->turn, peer->paced_us - AT_ONCE_US);
}

static void revoke_due(struct core *core, struct revocation *rev)
{
	struct peer *peer = rev->peer;

	if (TAILQ_EMPTY(&peer->waiting) && has_turn(core, peer)) {
		revoke_send(core, rev);
		return;
	}
	TAILQ_INSERT_TAIL(&peer->waiting, rev, waiting);
	rev->waits = true;
	if (peer->n_waiting++)
		return;
	peer->turn.fire = turn_fire;
	timer_set(core, &peer->turn, peer->paced_us - AT_ONCE_US);
}

static void revoke_fire(struct core *core, struct timer *timer)
{
	struct revocation *rev = container_of(timer, struct revocation, timer);

	if (is_over(core, rev))
		give_up(core, rev);
	else
		revoke_due(core, rev);
}

/* A PMA may have been told otherwise since that was agreed on, and says it by deregistrations then. */
bool told_by_revocation(const struct reg *reg, const struct peer *peer)
{
	return reg->pub.rec.peer_revsup && peer && auth_shared(peer->cfg) &&
	       (is_ha(reg) || (peer->cfg->revocation && !peer->cfg->deregister));
}

bool revoke_start(struct core *core, struct reg *reg, struct in_addr coa, uint64_t until_us, uint32_t after_ms,
		  bool inform)
{
	struct peer *peer = is_ha(reg) ? peer_find(core, coa) : reg->pma.peer;
	struct revocation *rev, **tail = &reg->revocations;
	unsigned int n = 0;

	if (!peer || !auth_shared(peer->cfg) || is_past(core, until_us))
		return false;
	revoke_cancel(core, reg, coa);
	for (; *tail; tail = &(*tail)->next)
		n++;
	if (n >= REVOKE_PENDING) {
		revoke_end(core, reg->revocations);
		for (tail = &reg->revocations; *tail; tail = &(*tail)->next)
			;
	}
	if (!timers_reserve(core, 1))
		return false;		/* its lifetime will end it */
	rev = calloc(1, sizeof(*rev));
	if (!rev)
		return false;
	rev->reg = reg;
	rev->peer = peer;
	rev->home = reg->pub.rec.home;
	rev->coa = coa;
	rev->from = is_ha(reg) ? reg->pub.rec.ha : coa;
	rev->to = is_ha(reg) ? coa : reg->pub.rec.ha;
	rev->until_us = until_us;
	rev->inform = inform;
	rev->timer.fire = revoke_fire;
	*tail = rev;
	LIST_INSERT_HEAD(&core->revocations, rev, all);
	core->n_revocations++;
	if (after_ms)
		timer_set(core, &rev->timer, core->now->mono_us + after_ms * MSEC);
	else
		revoke_due(core, rev);
	return true;
}

void revoke_cancel(struct core *core, struct reg *reg, struct in_addr coa)
{
	for (struct revocation *rev = reg->revocations; rev; rev = rev->next) {
		if (rev->coa.s_addr == coa.s_addr) {
			revoke_end(core, rev);
			return;
		}
	}
}

void revoke_cancel_all(struct core *core, struct reg *reg)
{
	while (reg->revocations)
		revoke_end(core, reg->revocations);
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

/* HA: has the agent that revokes done so before, and was what we told the device left to us? */
static bool is_revoked_by(const struct reg *reg, const struct wire_revoke *revoke)
{
	const struct core_record *rec = &reg->pub.rec;

	return is_ha(reg) && was_revoked(rec) && reg->ha.informs &&
	       rec->coa.s_addr == revoke->coa.s_addr && rec->home.s_addr == revoke->home.s_addr;
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

/* HA: by whom the node is served besides, or may have to be again. */
static const struct core_record *record_besides(const struct reg *reg, struct in_addr coa)
{
	return tentative_by(reg, coa) ? &reg->ha.tentative->rec : other_at(reg, coa);
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
	const bool asks = !from_ha && revoke->flags & WIRE_REVOKE_I;
	struct in_addr sender = from_ha ? revoke->ha : revoke->coa;
	const struct core_record *rec, *besides;
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
	besides = reg && !from_ha ? record_besides(reg, revoke->coa) : NULL;
	if (besides && rec->home.s_addr == revoke->home.s_addr && rec->ha.s_addr == revoke->ha.s_addr) {
		if (!is_later(revoke->id, besides->peer_revsup)) {
			core->count.drop_revocation_invalid++;
			return;
		}
		if (reg->committing)
			return;		/* it will ask again */
		if (tentative_by(reg, revoke->coa)) {
			tentative_commit(core, reg, false);
		} else {
			ha_note_left(core, reg, besides, 0);
			other_end(core, reg, revoke->coa);
			act_bind(core, reg);
			ha_settle(core, reg);
		}
	}
	if (reg && from_ha && rec->ha.s_addr == revoke->ha.s_addr && rec->coa.s_addr == revoke->coa.s_addr)
		pma_revoked_waiting(core, reg, revoke->id);
	if (!reg || !live(reg) || rec->home.s_addr != revoke->home.s_addr ||
	    rec->ha.s_addr != revoke->ha.s_addr || rec->coa.s_addr != revoke->coa.s_addr) {
		if (asks && reg && is_revoked_by(reg, revoke))	/* once more, as after a lost Ack */
			ack.flags = WIRE_REVOKE_ACK_I;
		revoke_send_ack(core, &req, &ack);
		return;
	}
	if (!is_later(revoke->id, rec->peer_revsup)) {
		core->count.drop_revocation_invalid++;
		return;
	}
	if (!from_ha) {
		/* s4.2.3.2: nobody else serves it, as far as we know, so it should hear that it isn't served. */
		if (asks && reg->ha.informs && !reg->ha.tentative && !reg->ha.others)
			ack.flags = WIRE_REVOKE_ACK_I;
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
	return rev->tries && rev->to.s_addr == req->src.s_addr &&
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
		for (unsigned int i = 0; i < 2; i++)
			while (!rev && (reg = reg_next_by_nai(core, i ? CORE_PMA : CORE_HA, req.nai, reg))) {
				rev = reg->revocations;
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
	revoke_over(core, rev);
}
