// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proxy Mobility Agent: the state table of protocol/procedures.md s2, one
 * machine per device.
 *
 * No device can make us send more than one RRQ a second (RFC 5944 s3.6), and
 * one that was refused waits longer and longer; only DHCP and the operator may
 * ask again sooner, for somebody waits there for an answer.
 */
#include <arpa/inet.h>
#include <string.h>

#include "core/reg.h"

#define CONFIRM_US	(5 * SECOND)	/* ask host once more if it didn't say */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

void pma_arm(struct core *core, struct reg *reg)
{
	const struct pma_reg *pma = &reg->pma;
	uint64_t when = 0;

	switch (reg->pub.state) {
	case CORE_IDLE:
		/* A repeated failure is to be recognised as one. */
		when = pma->hold_until_us + (pma->backoff_s ? BACKOFF_MAX_S * SECOND : 0);
		if (reg->left && reg->left->until_us > when)
			when = reg->left->until_us;
		if (!when)
			when = pma_lost_until(reg);
		break;
	case CORE_WAIT_REG:
	case CORE_DEREG:
		when = pma->tx_us;
		break;
	case CORE_BOUND:
		when = earlier(pma->refresh_us, reg->pub.expires_us);
		break;
	case CORE_REFRESH:
		when = earlier(pma->tx_us, reg->pub.expires_us);
		break;
	case CORE_AWAY:
		when = earlier(pma->away_us, reg->pub.expires_us);
		break;
	default:
		break;
	}
	timer_set(core, &reg->timer, when);
}

/* ---- what host is told ---- */

void pma_tell(struct core *core, const struct reg *reg, enum core_action_type type, const char *text)
{
	const struct core_record *rec = &reg->pub.rec;
	struct core_action action = { .type = type };

	action.device.port = rec->port;
	memcpy(action.device.mac, rec->mac, sizeof(rec->mac));
	action.device.home = rec->home;
	action.device.gateway = reg->net->gateway;
	action.device.ha = rec->ha;
	action.device.plen = reg->net->plen;
	action.device.lifetime = rec->lifetime;
	action.device.network = reg->net->name;
	if (type == CORE_ACT_ATTACHED)
		action.device.host = pma_told(core, reg->net);
	action.device.code = type == CORE_ACT_REFUSED ? reg->pub.last_code : 0;
	text_copy(action.device.text, sizeof(action.device.text), text);
	core->act(core->arg, &action);
}

/* ---- ends ---- */

/* Nothing is registered any more; what limits the device's next try stays. */
void pma_to_idle(struct core *core, struct reg *reg)
{
	struct pma_reg *pma = &reg->pma;
	struct core_record *rec = &reg->pub.rec;

	if (reg->pub.state == CORE_WAIT_REG)
		act_let_go(core, reg);
	revoke_cancel_all(core, reg);
	reg_set_key_in(core, reg, 0);
	rec->home = pma->want = (struct in_addr){ 0 };
	rec->tombstone = false;
	rec->lifetime = 0;
	rec->peer_revsup = 0;
	reg->pub.expires_us = 0;
	reg->committing = false;
	pma->attached = pma->awaiting = pma->cancelled = pma->confirming = pma->moved = pma->gone = false;
	pma->move_port = 0;
	pma->ask_again = false;
	pma->tx_us = 0;
	if (pma->sent_us && pma->hold_until_us < pma->sent_us + SECOND)
		pma->hold_until_us = pma->sent_us + SECOND;
	reg->pub.state = CORE_IDLE;
	if (pma->hold_until_us <= core->now->mono_us && !pma->backoff_s && !may_be_in_kernel(reg) &&
	    pma_lost_until(reg) <= core->now->mono_us)
		reg_free(core, reg);
	else
		pma_arm(core, reg);
}

/* A word to the device, and longer and longer rest. */
void pma_note_refusal(struct core *core, struct reg *reg, uint8_t code, const char *text)
{
	struct pma_reg *pma = &reg->pma;

	reg->pub.last_code = code;
	pma->backoff_s = pma->backoff_s ? pma->backoff_s * 2 : 1;
	if (pma->backoff_s > BACKOFF_MAX_S)
		pma->backoff_s = BACKOFF_MAX_S;
	pma->hold_until_us = core->now->mono_us + pma->backoff_s * SECOND;
	pma_tell(core, reg, CORE_ACT_REFUSED, text);
	act_log(core, CORE_LOG_INFO, "%s: not registered: %s", reg->pub.rec.nai, text);
}

/* May free @reg. */
void pma_refuse(struct core *core, struct reg *reg, uint8_t code, const char *text)
{
	if (!reg->pma.cancelled)
		pma_note_refusal(core, reg, code, text);
	pma_to_idle(core, reg);
}

/* ---- is it still there? ---- */

/* RFC 5563 s4.4: no refresh for a device that may have left; the HA would switch it back to us. */
void pma_present(struct core *core, const struct core_event *ev)
{
	struct reg *reg = reg_by_cookie(core, ev->present.cookie);

	if (!reg || is_ha(reg) || !reg->pma.confirming)
		return;
	reg->pma.confirming = false;
	reg->pma.unconfirmed = 0;
	if (!ev->present.present)
		pma_leave(core, reg, "no longer there at refresh");
	else if (reg->pub.state == CORE_REFRESH)
		pma_send_rrq(core, reg);
	else
		pma_refresh(core, reg);
}

bool pma_is_due(const struct core *core, const struct reg *reg)
{
	uint64_t left = reg->pub.rec.lifetime * SECOND * 40 / 100;

	return reg->pub.expires_us && reg->pub.expires_us <= core->now->mono_us + left;
}

/*
 * When 34 to 40 % of the lifetime are left, so that many devices don't refresh
 * as one. What is due already, after a restart, is spread over a few seconds.
 */
void pma_plan_refresh(struct core *core, struct reg *reg)
{
	uint64_t left = reg->pub.rec.lifetime * SECOND * (3400 + core_random(core) % 600) / 10000;
	uint64_t now = core->now->mono_us, soon = 3 * SECOND;

	if (!reg->pub.expires_us) {
		reg->pma.refresh_us = 0;
	} else if (reg->pub.expires_us > now + left) {
		reg->pma.refresh_us = reg->pub.expires_us - left;
	} else {
		if (reg->pub.expires_us < now + 2 * soon)
			soon = reg->pub.expires_us > now ? (reg->pub.expires_us - now) / 2 : 0;
		reg->pma.refresh_us = now + 1 + core_random(core) % (soon + 1);
	}
}

/* ---- kernel and store have answered ---- */

void pma_done(struct core *core, struct reg *reg)
{
	struct core_record *rec = &reg->pub.rec;
	char home[INET_ADDRSTRLEN];

	if (reg->error && !reg->pma.attached) {
		pma_note_refusal(core, reg, 0, reg->error_text);
		pma_deregister(core, reg);
		return;
	}
	if (reg->error)
		pma_stay(core, reg, reg->error_text);
	else if (reg->pma.leaving)
		pma_left(core, reg);
	reg->pub.state = CORE_BOUND;
	if (reg->error) {
		/* A refresh: what was there before still forwards. Try again soon. */
		act_log(core, CORE_LOG_WARNING, "%s: not refreshed: %s", rec->nai, reg->error_text);
		reg->pma.refresh_us = core->now->mono_us + CONFIRM_US;
	}
	reg->pma.backoff_s = 0;
	reg->pma.hold_until_us = 0;
	if (reg->pma.gone) {
		pma_away(core, reg);
		return;
	}
	if (reg->pma.move_port) {
		pma_move(core, reg);
		return;
	}
	if (!reg->pma.attached) {
		reg->pma.attached = true;
		pma_tell(core, reg, CORE_ACT_ATTACHED, "");
		act_log(core, CORE_LOG_INFO, "%s: %s on port %s for %u s", rec->nai,
			addr_text(rec->home, home), rec->port_name, rec->lifetime);
	} else if (reg->pma.answer_due) {
		pma_tell(core, reg, CORE_ACT_ATTACHED, "");
	}
	reg->pma.answer_due = false;
	if (reg->pma.moved) {	/* as in attach_served(): where it was meanwhile isn't known */
		reg->pma.moved = false;
		pma_refresh(core, reg);
		return;
	}
	if (reg->pma.ask_again)
		reg->pma.refresh_us = core->now->mono_us;
	pma_arm(core, reg);
}

/* ---- time ---- */

static void confirm(struct core *core, struct reg *reg)
{
	const struct core_record *rec = &reg->pub.rec;
	struct core_action action = { .type = CORE_ACT_CONFIRM };

	action.confirm.cookie = rec->cookie;
	memcpy(action.confirm.device, reg->net->device, sizeof(action.confirm.device));
	action.confirm.realm = rec->realm;
	action.confirm.port = rec->port;
	memcpy(action.confirm.mac, rec->mac, sizeof(rec->mac));
	action.confirm.home = rec->home;
	action.confirm.gateway = reg->net->gateway;
	reg->pma.confirming = true;
	reg->pma.refresh_us = reg->pma.tx_us = core->now->mono_us + CONFIRM_US;
	pma_arm(core, reg);
	core->act(core->arg, &action);
}

static void given_up(struct core *core, struct reg *reg)
{
	uint8_t code = reg->pma.deny_code;
	const char *text = code ? wire_code_name(code) :
			   reg->pma.unauthentic ? "the home agent's replies fail authentication (keys that differ?)" :
			   "the home agent does not answer";

	core->count.timed_out++;
	if (reg->pub.state == CORE_DEREG) {
		act_log(core, CORE_LOG_WARNING, "%s: the home agent did not answer the deregistration",
			reg->pub.rec.nai);
		act_forget(core, reg);
		pma_to_idle(core, reg);
	} else {
		if (!code && !reg->pma.unauthentic && !reg->pma.cancelled && !reg->pma.gone)
			pma_ha_silent(core, reg);
		pma_refuse(core, reg, code, text);
	}
}

static bool is_unanswered(const struct core *core, const struct reg *reg)
{
	return reg->pub.state == CORE_REFRESH && reg->pma.awaiting && !reg->pma.unauthentic &&
	       reg->pma.tries >= pma_patience(reg) && core->now->mono_us - reg->pma.sent_us >= SECOND;
}

void pma_timeout(struct core *core, struct reg *reg)
{
	uint64_t now = core->now->mono_us;

	switch (reg->pub.state) {
	case CORE_IDLE:
		act_unbind(core, reg);
		if (pma_lost_until(reg) > now)
			timer_set(core, &reg->timer, pma_lost_until(reg));
		else
			reg_free(core, reg);
		return;
	case CORE_WAIT_REG:
	case CORE_DEREG:
		if (reg->pma.cancelled || reg->pma.gone || reg->pma.tries >= PMA_RRQ_TRIES)
			given_up(core, reg);
		else
			pma_send_rrq(core, reg);
		return;
	case CORE_BOUND:
	case CORE_REFRESH:
		if (reg->pub.expires_us && reg->pub.expires_us <= now) {
			core->count.expired++;
			if (is_unanswered(core, reg))
				pma_ha_silent(core, reg);
			pma_end(core, reg, "lifetime ended without a refresh");
		} else if (reg->pma.leaving && reg->pma.tries >= pma_patience(reg)) {
			core->count.timed_out++;
			pma_stay(core, reg, "no answer");
		} else if (reg->pub.state == CORE_REFRESH && reg->pma.unconfirmed < PMA_CONFIRM_TRIES) {
			pma_send_rrq(core, reg);
		} else {
			confirm(core, reg);
		}
		return;
	case CORE_AWAY:
		if (reg->pub.expires_us && reg->pub.expires_us <= now) {
			core->count.expired++;
			pma_end(core, reg, "lifetime ended while its link was down");
		} else {
			pma_leave(core, reg, "its link went down and it did not come back");
		}
		return;
	default:
		return;
	}
}

/* After a restart: serve on, refresh when due, finish a deregistration. */
void pma_resume(struct core *core, struct reg *reg)
{
	struct core_record *rec = &reg->pub.rec;
	uint64_t now = core->now->mono_us;

	reg->restored = false;
	pma_set_mode(core, reg);
	reg->pma.want = rec->home;
	if (rec->tombstone) {
		act_store(core, reg);	/* the row may not say so yet */
		pma_exchange(core, reg, CORE_DEREG);
		return;
	}
	if (reg->pub.expires_us && reg->pub.expires_us <= now) {
		reg->pub.state = CORE_BOUND;
		pma_timeout(core, reg);
		return;
	}
	if (reg->pma.away_us) {
		reg->pub.state = CORE_AWAY;
		pma_arm(core, reg);
		return;
	}
	pma_plan_refresh(core, reg);
	if (reg->left)		/* the HA may not know the key that followed it */
		reg->pma.refresh_us = now + 1 + core_random(core) % SECOND;
	if (reg->adopted) {
		reg->pma.attached = true;
		reg->pub.state = CORE_BOUND;
		pma_arm(core, reg);
	} else {
		reg->pub.state = CORE_BINDING;
		commit(core, reg, true);
	}
}
