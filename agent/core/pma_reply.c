// SPDX-License-Identifier: GPL-2.0-only
/* What a home agent answers to a PMA. */
#include <stdio.h>

#include "core/reg.h"

#define HA_HOLD_US	(300 * SECOND)	/* RFC 5563 s8.1: SHOULD NOT retry */

/* Why an acceptance can't be used; NULL if it can. */
static const char *unusable(const struct reg *reg, const struct wire_msg *msg)
{
	const struct core_record *rec = &reg->pub.rec;
	bool keyed = reg->pma.peer->cfg->gre_key;
	uint32_t key = 0;

	if (!msg->rrp.lifetime)
		return "granted for 0 s";
	if (!network_has_host(reg->net, msg->rrp.home))
		return "home address outside of the network's prefix";
	if (rec->home.s_addr && rec->home.s_addr != msg->rrp.home.s_addr)
		return "refreshed with another home address";
	if (msg->rrp.ha.s_addr != rec->ha.s_addr)
		return "reply names another home agent";
	if (wire_find(msg, WIRE_EXT_FA_ERROR, 0))	/* RFC 4636 s5 */
		return "a foreign agent in between has refused what the home agent accepted";
	if (wire_find_unknown_cvse(msg))	/* RFC 3115 s2.1: as if refused */
		return "reply with an unknown vendor extension";
	if (keyed && (!wire_get_gre_key(msg, &key) || !key))
		return "no GRE key in the reply";
	if (wire_count_gre_keys(msg) > 1)
		return "more than one GRE key in the reply";
	if (!keyed && wire_count_gre_keys(msg))
		return "GRE key in the reply but none was asked for";
	return NULL;
}

static void accepted(struct core *core, struct reg *reg, const struct wire_msg *msg)
{
	const struct core_peer *peer = reg->pma.peer->cfg;
	struct core_record *rec = &reg->pub.rec;
	uint32_t revsup_time = 0, key = 0;
	const char *why = unusable(reg, msg);
	uint16_t flags, lifetime;

	core->count.accepted++;
	reg->pub.last_code = msg->rrp.code;
	reg->pma.accepted_id = rec->last_id;
	reg->pma.peer->hold_until_us = 0;
	if (why && reg->pma.leaving) {
		pma_stay(core, reg, why);
		return;
	}
	if (why && rec->home.s_addr) {	/* RFC 4636 s6: we don't serve it that way */
		pma_withdraw(core, reg, why);
		return;
	}
	if (why) {
		if (!reg->pma.cancelled)
			pma_note_refusal(core, reg, msg->rrp.code, why);
		rec->home = msg->rrp.home;
		if (rec->home.s_addr && msg->rrp.lifetime)
			pma_deregister(core, reg);
		else
			pma_to_idle(core, reg);
		return;
	}
	rec->home = msg->rrp.home;
	if (reg->pma.cancelled) {
		pma_deregister(core, reg);
		return;
	}
	pma_be_told(core, reg->net, msg);
	wire_get_gre_key(msg, &key);
	rec->gre = rec->keyed = peer->gre_key;
	rec->key_out = key;
	rec->peer_revsup = 0;
	if (wire_get_revsup(msg, &flags, &revsup_time)) {
		clock_bound(core, reg->pma.peer, reg->pma.sent_us, revsup_time);
		if (peer->revocation && auth_shared(peer))	/* 0 is our word for none */
			rec->peer_revsup = revsup_time ? revsup_time : 1;
	}
	lifetime = msg->rrp.lifetime;
	if (lifetime > reg->net->lifetime)	/* RFC 5944 s3.4: as if it were ours */
		lifetime = reg->net->lifetime;
	/* RFC 5944 s3.6.2.2: counted from when the request left. */
	reg_arm_expiry(core, reg, lifetime, reg->pma.sent_us);
	pma_plan_refresh(core, reg);
	if (reg->pub.state == CORE_WAIT_REG)
		reg->pub.timeline.rrp_us = core->now->mono_us;
	/* Who was only sent there speaks for itself: the one that sent it still has those it had. */
	if ((reg->pub.state == CORE_WAIT_REG && !reg->pma.visited) || reg->pma.leaving)
		pma_ha_accepted(core, reg);
	if (reg->pma.leaving)
		pma_moved(core, reg);
	reg->pma.tx_us = 0;
	reg->pma.confirming = reg->pma.any_ha = false;
	reg->pub.state = CORE_BINDING;
	commit(core, reg, true);
}

bool code_says_nothing(uint8_t code)
{
	return code == WIRE_CODE_HA_UNSPECIFIED || code == WIRE_CODE_HA_NO_RESOURCES;
}

/* Has anything authenticated a reply that pma_authenticate() took? A deregistration may go without. */
static bool is_covered(const struct reg *reg, const struct wire_msg *msg)
{
	return reg->pma.mn || reg->pma.peer->cfg->ipsec || wire_find(msg, WIRE_EXT_FHAE, 0);
}

/* RFC 4433 s5.1.1, RFC 5944 s3.6.2.3. True: another one is asked, or the same in another way. */
static bool asks_elsewhere(struct core *core, struct reg *reg, const struct wire_msg *msg)
{
	const bool itself = msg->rrp.ha.s_addr == reg->pub.rec.ha.s_addr;
	const bool redirect = msg->rrp.code == WIRE_CODE_REDIRECT_HA;
	struct in_addr to = msg->rrp.ha;

	if (!redirect && msg->rrp.code != WIRE_CODE_HA_UNKNOWN_HA)
		return false;
	/* Authenticated by the address in that field: who redirects has to be in it. */
	if (redirect && (!itself || !wire_get_dynamic_ha(msg, WIRE_HA_REDIRECTED, &to)))
		return false;
	if ((redirect || !itself) && pma_redirected(core, reg, to))
		return true;
	if (!reg->pma.any_ha || reg->pma.leaving || reg->pma.cancelled || reg->pma.gone ||
	    !(reg->pub.state == CORE_REFRESH || (itself && !redirect)))
		return false;
	/* It wants to be named, or it goes on with the one that it has. Counts as the next transmission. */
	reg->pma.any_ha = false;
	pma_send_in_time(core, reg);
	return true;
}

/* Why, in the HA's words if it found some. */
static const char *reason(const struct wire_msg *msg, char text[static CORE_TEXT_MAX])
{
	char said[WIRE_TEXT_MAX];
	const char *name = wire_code_name(msg->rrp.code);

	if (!wire_get_text(msg, WIRE_TEXT_HA, said))
		return name;
	snprintf(text, CORE_TEXT_MAX, "%s: %s", name, said);
	return text;
}

/* RFC 5563 s8.1: no new device is registered there; those that are have what was granted, and ask on. */
static bool is_unwanted(uint8_t code)
{
	return code == WIRE_CODE_PMIP_UNSUPPORTED || code == WIRE_CODE_PMIP_DISALLOWED;
}

/* Of a home agent's, 65 is what RFC 5563 s8.1 has for 129. */
static bool is_prohibited(uint8_t code)
{
	return code == WIRE_CODE_HA_ADMIN_PROHIBITED || code == WIRE_CODE_FA_ADMIN_PROHIBITED;
}

static void denied(struct core *core, struct reg *reg, const struct wire_msg *msg)
{
	struct peer *peer = reg->pma.peer;
	uint8_t code = msg->rrp.code;
	char text[CORE_TEXT_MAX];
	int32_t skew;

	core->count.denied++;
	reg->pub.last_code = code;
	if (code == WIRE_CODE_HA_ID_MISMATCH) {
		/* RFC 5944 s3.6.2.3 */
		core->count.id_mismatch++;
		reg->pma.deny_code = code;
		if (!is_covered(reg, msg))
			return;		/* RFC 5944 s5.7.1: nobody else sets our idea of its clock */
		clock_mismatch(core, peer, reg->pma.sent_us, msg->rrp.id >> 32);
		/* What was refused doesn't count; what was accepted does, unless its clock was set back since. */
		skew = (uint32_t)(reg->pma.accepted_id >> 32) - (uint32_t)(msg->rrp.id >> 32);
		if (skew > (int32_t)core->cfg->replay_window)
			reg->pma.accepted_id = 0;
		reg->pub.rec.last_id = reg->pma.accepted_id;
		return;		/* the retransmission is due in a second at the soonest */
	}
	if (asks_elsewhere(core, reg, msg))
		return;
	if (is_unwanted(code) && is_covered(reg, msg)) {
		peer->hold_until_us = core->now->mono_us + HA_HOLD_US;
		peer->hold_code = code;
		pma_ha_declines(core, reg);
	}
	if (reg->pub.state == CORE_DEREG && (code_says_nothing(code) || wire_code_unauthentic(code)))
		return;		/* ask on */
	if (reg->pub.state == CORE_DEREG) {
		act_forget(core, reg);
		pma_to_idle(core, reg);
		return;
	}
	if (reg->pma.leaving && !wire_code_unauthentic(code)) {
		pma_stay(core, reg, wire_code_name(code));
		return;
	}
	if (reg->pub.state == CORE_REFRESH && code == WIRE_CODE_SERVICE_REFUSED) {	/* RFC 5446 s4.1 */
		pma_leave(core, reg, reason(msg, text));
		return;
	}
	if (reg->pub.state == CORE_REFRESH) {
		/*
		 * Forwarding stays until the lifetime ends; it may be granted
		 * until then. Maybe the device has left: first see if it is here.
		 */
		reg->pma.unconfirmed = PMA_CONFIRM_TRIES;
		act_log(core, CORE_LOG_WARNING, "%s: refresh denied: %u %s", reg->pub.rec.nai, code,
			reason(msg, text));
		return;
	}
	if (wire_code_unauthentic(code)) {
		reg->pma.deny_code = code;
		return;
	}
	if (is_prohibited(code) && reg->pma.want.s_addr && !reg->pma.cancelled) {
		/* Not that address: any, then. Counts as the next transmission. */
		reg->pma.want.s_addr = INADDR_ANY;
		act_unbind(core, reg);
		pma_send_in_time(core, reg);
		return;
	}
	if (code_says_nothing(code))
		pma_ha_declines(core, reg);
	pma_refuse(core, reg, code, reason(msg, text));
}

/* Order of protocol/security.md s5: match, authenticate, method, code. */
void pma_rrp(struct core *core, const struct core_event *ev, struct wire_msg *msg)
{
	char nai[WIRE_NAI_MAX + 1];
	struct reg *reg = NULL;
	uint8_t method;

	if (clock_reply(core, ev, msg) || farewell_reply(core, ev, msg))
		return;
	if (wire_get_nai(msg, nai))
		reg = reg_by_nai(core, CORE_PMA, nai, 0);
	if (!reg || !reg->pma.awaiting || (uint32_t)msg->rrp.id != (uint32_t)reg->pub.rec.last_id) {
		core->count.drop_unmatched_reply++;
		return;
	}
	if (ev->datagram.src.s_addr != reg->pub.rec.ha.s_addr) {
		core->count.drop_wrong_source++;
		return;
	}
	if (!pma_authenticate(core, reg->pma.peer, reg->pma.mn, nai, reg->pub.state == CORE_DEREG ? 0 : 1,
			      ev->datagram.src, msg)) {
		reg->pma.unauthentic = true;
		return;
	}
	if (!wire_in_order(msg)) {
		core->count.drop_malformed++;
		return;
	}
	/* Covered by the authenticator or not there at all. */
	if (!wire_find(msg, WIRE_EXT_NAI, 0)) {
		core->count.drop_unmatched_reply++;
		return;
	}
	if (!reg->pma.mn && (wire_count(msg, WIRE_EXT_PMIP) != 1 || !wire_get_pmip_method(msg, &method) ||
			     method != pma_method(reg->pma.peer->cfg))) {
		core->count.drop_bad_method++;
		return;
	}
	reg->pma.awaiting = false;
	if (msg->rrp.code > WIRE_CODE_ACCEPTED_NO_SIMULTANEOUS) {
		denied(core, reg, msg);
	} else if (reg->pub.state == CORE_DEREG) {
		core->count.accepted++;
		act_forget(core, reg);
		pma_to_idle(core, reg);
	} else {
		accepted(core, reg, msg);
	}
}
