// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic notifications (RFC 6098) between the two agents. All that one may
 * carry is a text for people, so what it makes a PMA do is to ask its home
 * agent once more, leaving open who that is: whoever is to go elsewhere is told
 * by the answer (RFC 4433). A home agent takes those of PMAs for its log, and for
 * the word of one that a device has left it, while that is open (tentative.c).
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "core/reg.h"

#define NOTIFY_TRIES	5

struct notice {
	LIST_ENTRY(notice) list;
	struct timer timer;
	struct reg *reg;
	struct in_addr coa;
	unsigned int tries;
	int32_t offset_s;		/* its agent's clock minus ours, as it refused one: a range has many agents */
	uint32_t low[NOTIFY_TRIES];	/* of the Identifications used */
	char text[96];
};

/* ---- sending ---- */

void notice_end(struct core *core, struct reg *reg)
{
	struct notice *notice = reg->ha.notice;

	if (!notice)
		return;
	LIST_REMOVE(notice, list);
	core->n_notices--;
	timer_set(core, &notice->timer, 0);
	free(notice);
	reg->ha.notice = NULL;
}

/* RFC 6098 s7.1.1: later than all before it, by the clock of who gets it. */
static uint64_t next_id(struct core *core, const struct notice *notice)
{
	if (!core->notify_sent || (int64_t)(core->now->ntp - core->notify_sent) > 0)
		core->notify_sent = core->now->ntp;
	else
		core->notify_sent++;	/* two at one time */
	return core->notify_sent + ((uint64_t)(uint32_t)notice->offset_s << 32);
}

static void notice_send(struct core *core, struct notice *notice)
{
	const struct core_record *rec = &notice->reg->pub.rec;
	struct peer *peer = peer_find(core, notice->coa);
	struct wire_out out;
	struct wire_notify notify = {
		.direction = WIRE_HA_TO_FA,
		.flags = WIRE_NOTIFY_A,
		.home = rec->home,
		.ha = rec->ha,
		.coa = notice->coa,
		.id = next_id(core, notice),
	};

	notice->low[notice->tries] = notify.id;
	wire_put_notify(&out, &notify);
	wire_put_text(&out, WIRE_TEXT_HA, notice->text);
	auth_sign(&out, peer->cfg);
	/* s4.1: as its replies went */
	act_send(core, &out, rec->ha, notice->coa, notice->reg->ha.sport ? notice->reg->ha.sport : WIRE_PORT);
	/* s4.3: at least 1 s, then doubled */
	timer_set(core, &notice->timer, core->now->mono_us + (FIRST_RETRY_US << notice->tries++));
}

static void notice_fire(struct core *core, struct timer *timer)
{
	struct notice *notice = container_of(timer, struct notice, timer);
	struct reg *reg = notice->reg;
	char coa[INET_ADDRSTRLEN];

	if (notice->tries < NOTIFY_TRIES) {
		core->count.retransmitted++;
		notice_send(core, notice);
		return;
	}
	core->count.timed_out++;
	act_log(core, CORE_LOG_INFO, "%s: %s did not acknowledge the notification", reg->pub.rec.nai,
		addr_text(notice->coa, coa));
	reg->ha.told_us = core->now->mono_us;
	notice_end(core, reg);
}

bool notice_start(struct core *core, struct reg *reg, const char *text)
{
	struct peer *peer = peer_find(core, reg->pub.rec.coa);
	struct notice *notice;

	notice_end(core, reg);
	if (!peer || !auth_shared(peer->cfg) || !timers_reserve(core, 1))
		return false;
	notice = calloc(1, sizeof(*notice));
	if (!notice)
		return false;
	notice->reg = reg;
	notice->coa = reg->pub.rec.coa;
	text_copy(notice->text, sizeof(notice->text), text);
	notice->timer.fire = notice_fire;
	LIST_INSERT_HEAD(&core->notices, notice, list);
	core->n_notices++;
	reg->ha.notice = notice;
	notice_send(core, notice);
	return true;
}

/* ---- what comes in ---- */

static void invalid(struct core *core)
{
	core->count.drop_notification_invalid++;
}

/* RFC 6098 s7.1.1; @last: the latest accepted, 0 = none. */
static bool is_fresh(const struct core *core, uint64_t id, uint64_t last)
{
	int64_t ahead = id - core->now->ntp, window = (int64_t)core->cfg->replay_window << 32;

	return ahead <= window && ahead >= -window && (!last || (int64_t)(id - last) > 0);
}

static void stale(struct core *core, const struct core_event *ev)
{
	char src[INET_ADDRSTRLEN];

	core->count.id_mismatch++;
	act_log(core, CORE_LOG_INFO, "%s notifies with an Identification that isn't later, or too far from our time",
		addr_text(ev->datagram.src, src));
}

static void log_text(struct core *core, const struct core_event *ev, const struct wire_msg *msg)
{
	char text[WIRE_TEXT_MAX], src[INET_ADDRSTRLEN], home[INET_ADDRSTRLEN];

	if (!wire_get_text(msg, msg->notify.direction == WIRE_HA_TO_FA ? WIRE_TEXT_HA : WIRE_TEXT_FA, text))
		strcpy(text, "(without a text)");
	act_log(core, CORE_LOG_INFO, "%s notifies, of home address %s: %s", addr_text(ev->datagram.src, src),
		addr_text(msg->notify.home, home), text);
}

/* s4.2, s4.6.2, s4.7.4. An Identification that isn't accepted is answered by our time. */
static void acknowledge(struct core *core, const struct request *req, const struct wire_notify *notify,
			uint8_t code)
{
	bool from_ha = notify->direction == WIRE_HA_TO_FA;
	struct wire_notify_ack ack = {
		.direction = from_ha ? WIRE_FA_TO_HA : WIRE_HA_TO_FA,
		.code = code,
		.home = notify->home,
		.ha = notify->ha,
		.coa = notify->coa,
		.id = notify->id,
	};
	bool refused_id = code == WIRE_NOTIFY_FA_ID || code == WIRE_NOTIFY_HA_ID;
	struct wire_out out;

	if (refused_id)
		ack.id = (uint64_t)ntp_seconds(core) << 32 | (uint32_t)notify->id;
	else if (!(notify->flags & WIRE_NOTIFY_A))
		return;
	wire_put_notify_ack(&out, &ack);
	auth_sign(&out, req->peer);
	act_send(core, &out, req->dst, req->src, req->sport);
}

/* True: the home address is one of ours. */
static bool heed(struct core *core, const struct wire_notify *notify, struct peer *peer)
{
	bool found = false;

	for (struct reg *reg = reg_next(core, NULL); reg; reg = reg_next(core, reg)) {
		if (!is_ha(reg) && reg->pub.rec.home.s_addr == notify->home.s_addr &&
		    reg->pub.rec.coa.s_addr == notify->coa.s_addr)
			found |= pma_ask_again(core, reg, notify->ha, peer);
	}
	return found;
}

static uint8_t from_home_agent(struct core *core, const struct core_event *ev, const struct wire_msg *msg)
{
	struct peer *peer = peer_find(core, ev->datagram.src);

	if (!is_fresh(core, msg->notify.id, peer->notify_id)) {
		stale(core, ev);
		return WIRE_NOTIFY_FA_ID;
	}
	peer->notify_id = msg->notify.id;
	log_text(core, ev, msg);
	return heed(core, &msg->notify, peer) ? WIRE_NOTIFY_OK : WIRE_NOTIFY_FA_UNSPECIFIED;
}

/* False: there is no binding (s4.7). */
static bool from_pma(struct core *core, const struct core_event *ev, const struct wire_msg *msg, uint8_t *code)
{
	const struct wire_notify *notify = &msg->notify;
	unsigned int n;
	struct reg *reg = reg_by_home(core, CORE_HA, notify->home, notify->ha, notify->coa, &n);

	if (!reg && !n)
		reg = tentative_by_home(core, notify->home, notify->ha, notify->coa);
	if (!reg)
		return false;
	*code = WIRE_NOTIFY_OK;
	if (!is_fresh(core, notify->id, reg->ha.notify_id)) {
		stale(core, ev);
		*code = WIRE_NOTIFY_HA_ID;
		return true;
	}
	if (tentative_by(reg, notify->coa) && reg->committing)
		return false;		/* it will say so again */
	reg->ha.notify_id = notify->id;
	log_text(core, ev, msg);
	if (tentative_by(reg, notify->coa))	/* RFC 5563 s11.1, step 4: it has moved */
		tentative_commit(core, reg, false);
	return true;
}

void notify_message(struct core *core, const struct core_event *ev, struct wire_msg *msg)
{
	const struct wire_notify notify = msg->notify;
	bool from_ha = notify.direction == WIRE_HA_TO_FA;
	struct in_addr sender = from_ha ? notify.ha : notify.coa;
	struct request req;
	uint8_t code;

	if (!peer_authentic(core, ev, msg, &req))
		return;
	if ((!from_ha && notify.direction != WIRE_FA_TO_HA) || sender.s_addr != req.src.s_addr ||
	    !(from_ha ? core->cfg->pma : core->cfg->ha)) {
		invalid(core);
		return;
	}
	if (from_ha) {
		code = from_home_agent(core, ev, msg);
	} else if (!from_pma(core, ev, msg, &code)) {
		invalid(core);
		return;
	}
	acknowledge(core, &req, &notify, code);
}

static bool answers(const struct notice *notice, const struct wire_notify_ack *ack, struct in_addr from)
{
	if (notice->coa.s_addr != from.s_addr || notice->reg->pub.rec.home.s_addr != ack->home.s_addr)
		return false;
	for (unsigned int i = 0; i < notice->tries; i++) {
		if (notice->low[i] == (uint32_t)ack->id)
			return true;
	}
	return false;
}

void notify_ack_message(struct core *core, const struct core_event *ev, struct wire_msg *msg)
{
	const struct wire_notify_ack ack = msg->notify_ack;
	struct notice *notice;
	struct request req;
	struct reg *reg;

	if (!peer_authentic(core, ev, msg, &req))
		return;
	LIST_FOREACH(notice, &core->notices, list)
		if (answers(notice, &ack, req.src))
			break;
	if (!notice || ack.direction != WIRE_FA_TO_HA) {
		invalid(core);
		return;
	}
	reg = notice->reg;
	if (ack.code == WIRE_NOTIFY_FA_ID) {
		/* s7.1.1. The next try, a second after this one at the soonest, is by its clock. */
		core->count.id_mismatch++;
		notice->offset_s = (uint32_t)(ack.id >> 32) - ntp_seconds(core);
		return;
	}
	if (ack.code)
		act_log(core, CORE_LOG_INFO, "%s: its agent refused a notification: %u", reg->pub.rec.nai, ack.code);
	reg->ha.told_us = core->now->mono_us;
	notice_end(core, reg);
}
