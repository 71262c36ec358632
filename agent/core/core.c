// SPDX-License-Identifier: GPL-2.0-only
/* The core's front: events in, actions out, counters. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/reg.h"

#define NTP_TO_UNIX	2208988800U	/* 1900 to 1970, RFC 5905 s6 */
#define ADOPT_SLACK_S	4U		/* kernel and row count in whole seconds, and the wall clock is corrected */
#define LOG_LINES	20		/* per second; what is beyond is counted and said */

/* ---- helpers of the roles ---- */

uint32_t ntp_seconds(const struct core *core)
{
	return core->now->ntp >> 32;
}

/* Right beyond NTP's era 0 as well: unsigned until 2106. */
uint64_t unix_seconds(const struct core *core)
{
	return (uint32_t)(ntp_seconds(core) - NTP_TO_UNIX);
}

const char *addr_text(struct in_addr addr, char buf[static INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, &addr, buf, INET_ADDRSTRLEN);
}

/* Everything logged may be caused by the network: bounded per level, and printable. */
void act_log(struct core *core, enum core_log level, const char *fmt, ...)
{
	uint64_t second = core->now->mono_us / SECOND;
	struct core_action action = { .type = CORE_ACT_LOG, .log.level = level };
	unsigned int lost = core->log[level].lost;
	va_list args;

	if (second != core->log[level].second) {
		core->log[level].second = second;
		core->log[level].lines = 0;
		core->log[level].lost = 0;
		if (lost)
			act_log(core, level, "%u more messages in the last busy second", lost);
	}
	if (core->log[level].lines++ >= LOG_LINES) {
		core->log[level].lost++;
		return;
	}
	va_start(args, fmt);
	vsnprintf(action.log.text, sizeof(action.log.text), fmt, args);
	va_end(args);
	for (char *p = action.log.text; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	core->act(core->arg, &action);
}

void act_send_by(struct core *core, uint32_t link, const struct wire_out *out, struct in_addr src,
		 struct in_addr dst, uint16_t dport)
{
	struct core_action action;

	if (out->failed) {
		/* Only a NAI and vendor text vary in length, and those are bounded. */
		act_log(core, CORE_LOG_WARNING, "a message did not fit and was not sent");
		return;
	}
	action.type = CORE_ACT_SEND;
	action.send.src = src;
	action.send.dst = dst;
	action.send.dport = dport;
	action.send.link = link;
	action.send.len = out->len;
	memcpy(action.send.data, out->buf, out->len);
	core->act(core->arg, &action);
}

void act_send(struct core *core, const struct wire_out *out, struct in_addr src,
	      struct in_addr dst, uint16_t dport)
{
	act_send_by(core, 0, out, src, dst, dport);
}

void act_store(struct core *core, struct reg *reg)
{
	struct core_action action = { .type = CORE_ACT_STORE, .store = reg->pub.rec };

	reg->wait_store++;
	core->act(core->arg, &action);
}

void act_forget(struct core *core, struct reg *reg)
{
	struct core_action action = { .type = CORE_ACT_FORGET };

	action.store.cookie = reg->pub.rec.cookie;
	core->act(core->arg, &action);
}

void commit(struct core *core, struct reg *reg, bool bind)
{
	reg->committing = true;
	reg->error = 0;
	timer_set(core, &reg->timer, 0);
	act_store(core, reg);
	if (bind)
		act_bind(core, reg);
}

void reg_arm_expiry(struct core *core, struct reg *reg, uint16_t lifetime, uint64_t from_us)
{
	struct core_record *rec = &reg->pub.rec;

	rec->lifetime = lifetime;
	if (lifetime == WIRE_LIFETIME_INFINITE) {
		reg->pub.expires_us = 0;
		rec->expires_unix = UINT64_MAX;
	} else {
		reg->pub.expires_us = from_us + lifetime * SECOND;
		rec->expires_unix = unix_seconds(core) + lifetime -
				    (core->now->mono_us - from_us) / SECOND;
	}
}

/* ---- events ---- */

static void count_wire_error(struct core *core, enum wire_error error)
{
	switch (error) {
	case WIRE_TRUNCATED:
		core->count.drop_truncated++;
		break;
	case WIRE_UNKNOWN_TYPE:
		core->count.drop_unknown_type++;
		break;
	case WIRE_EXT_UNKNOWN:
		core->count.drop_unknown_extension++;
		break;
	default:
		core->count.drop_malformed++;
	}
}

/* protocol/security.md s5, steps 1 and 2: what can't be read is answered by silence. */
static void datagram(struct core *core, const struct core_event *ev)
{
	enum wire_error error;
	struct wire_msg msg;

	error = wire_parse(ev->datagram.data, ev->datagram.len, &msg);
	if (error) {
		count_wire_error(core, error);
		peer_malformed(core, ev->datagram.src, error);
		return;
	}
	/* RFC 5944 s3.8.2.1: home agents are asked for that way, and for nothing else */
	if (msg.type != WIRE_RRQ && network_by_broadcast(core->cfg, ev->datagram.dst)) {
		core->count.drop_broadcast++;
		return;
	}
	switch (msg.type) {
	case WIRE_RRQ:
		if (!core->cfg->ha)
			break;
		core->count.rrq_received++;
		ha_rrq(core, ev, &msg);
		return;
	case WIRE_RRP:
		if (!core->cfg->pma)
			break;
		core->count.rrp_received++;
		pma_rrp(core, ev, &msg);
		return;
	case WIRE_REVOKE:
		core->count.revoke_received++;
		revoke_message(core, ev, &msg);
		return;
	case WIRE_REVOKE_ACK:
		core->count.revoke_ack_received++;
		revoke_ack_message(core, ev, &msg);
		return;
	case WIRE_NOTIFY:
		core->count.notify_received++;
		notify_message(core, ev, &msg);
		return;
	case WIRE_NOTIFY_ACK:
		core->count.notify_ack_received++;
		notify_ack_message(core, ev, &msg);
		return;
	}
	core->count.drop_unknown_type++;
}

static void judge(struct core *core, struct reg *reg, const struct core_event *ev, bool bind)
{
	if (bind && !ev->done.error) {
		reg->in_kernel = true;
		if (reg->committing && !reg->pub.timeline.bound_us)
			reg->pub.timeline.bound_us = core->now->mono_us;
	}
	if (ev->done.error && !reg->error) {
		reg->error = ev->done.error;
		snprintf(reg->error_text, sizeof(reg->error_text), "%s: %s",
			 bind ? "binding" : "store", ev->done.text ? ev->done.text : "failed");
	}
}

static void completed(struct core *core, const struct core_event *ev)
{
	struct reg *reg = reg_by_cookie(core, ev->done.cookie);
	bool bind = ev->type == CORE_EV_BOUND;
	unsigned int *wait;

	if (!reg)
		return;		/* it went meanwhile */
	wait = bind ? &reg->wait_bind : &reg->wait_store;
	if (!*wait)
		return;
	--*wait;
	if (bind && reg->stale_binds)
		reg->stale_binds--;	/* an UNBIND has undone it since */
	else if (!*wait)
		judge(core, reg, ev, bind);	/* the last one tells how things are; those before it are history */
	if (!reg->committing || reg->wait_bind || reg->wait_store)
		return;
	reg->committing = false;
	if (is_ha(reg))
		ha_done(core, reg);
	else
		pma_done(core, reg);
}

/* Could that device be registered now, by its agent's word or its own? */
static bool has_authority(const struct core *core, const struct peer *peer, const struct core_record *rec,
			  const struct core_network *net)
{
	if (rec->role == CORE_PMA)
		return pma_can_sign(core, peer, rec->nai);
	return auth_may_register(peer->cfg, net) &&
	       (auth_per_node(peer->cfg) || (peer->cfg->per_mn && mn_by_nai(core, rec->nai)));
}

/* Accesses are told apart today, or they aren't. */
static uint8_t access_now(const struct core *core, const struct core_record *rec)
{
	return core->cfg->access_bindings < 2 ? 0 : rec->access;
}

/* A row that today's configuration would not have produced is not taken up again. */
static const struct core_network *restorable(const struct core *core, const struct core_record *rec)
{
	const struct core_network *net = network_by_name(core->cfg, rec->network);
	bool ha = rec->role == CORE_HA;
	const struct peer *peer;

	if (!net || !rec->cookie || network_by_nai(core->cfg, rec->nai) != net ||
	    net->realm != rec->realm || (ha ? net->ha.s_addr != rec->ha.s_addr : !network_has_ha(net, rec->ha)) ||
	    !network_has_host(net, rec->home))
		return NULL;
	if (ha ? !core->cfg->ha : !core->cfg->pma || rec->coa.s_addr != core->cfg->care_of.s_addr)
		return NULL;
	peer = peer_find(core, ha ? rec->coa : rec->ha);
	if (!peer || !has_authority(core, peer, rec, net))
		return NULL;
	if (reg_by_cookie(core, rec->cookie) || reg_by_nai(core, rec->role, rec->nai, access_now(core, rec)) ||
	    (ha ? !rec->tombstone && pool_is_taken(core, net, rec->home, rec->nai) : !!reg_by_mac(core, rec->mac)))
		return NULL;
	return net;
}

static void restore(struct core *core, const struct core_record *rec)
{
	const struct core_network *net = restorable(core, rec);
	/* A tombstone that was revoked: keep_revoked() in ha.c. */
	const uint64_t most = rec->tombstone && !rec->lifetime ? revoked_s(core) : rec->lifetime;
	uint64_t now_unix = unix_seconds(core), left;
	struct reg *reg = NULL;
	int32_t ahead;

	if (net)
		reg = reg_new(core, rec->role, rec->nai, net, rec->cookie);
	if (!reg) {
		struct core_action action = { .type = CORE_ACT_FORGET };

		act_log(core, CORE_LOG_WARNING, "%s: stored registration does not fit the configuration: dropped",
			rec->nai);
		action.store.cookie = rec->cookie;
		core->act(core->arg, &action);
		return;
	}
	reg->pub.rec = *rec;
	reg->pub.rec.access = access_now(core, rec);
	reg->restored = true;
	if (rec->expires_unix != UINT64_MAX) {
		left = rec->expires_unix > now_unix ? rec->expires_unix - now_unix : 0;
		if (left > most)	/* the clock was set back */
			left = most;
		reg->pub.expires_us = core->now->mono_us + left * SECOND;
		reg->pub.rec.expires_unix = now_unix + left;
	}
	if (rec->role == CORE_PMA) {
		if (!rec->port)		/* no place to serve it at: the HA shall know */
			reg->pub.rec.tombstone = true;
		reg_set_mac(core, reg, rec->mac);
		reg->pma.peer = peer_find(core, rec->ha);
		reg->pma.accepted_id = rec->last_id;
	} else {
		/* A tombstone doesn't tell what its last reply was: 133 for a copy of the request. */
		if (!rec->tombstone)
			reg->ha.reply.coa = rec->coa;
		reg->ha.reply.home = rec->home;
		reg->ha.reply.lifetime = rec->lifetime;
		reg->ha.reply.key = rec->key_in;
		/*
		 * What we sent in an earlier life was later only after more than
		 * one handover a second. A revocation then goes unheard until its
		 * retransmissions have caught up.
		 */
		reg->ha.rev_clock = ntp_seconds(core);
		/*
		 * Our clock was set back: by what it says now the device could
		 * not be registered before that time comes again. The agent
		 * that serves it has heard our time stamps from then.
		 */
		ahead = (uint32_t)(rec->last_id >> 32) - ntp_seconds(core);
		if (rec->last_id && ahead > (int32_t)core->cfg->replay_window) {
			reg->pub.rec.last_id = 0;
			reg->ha.rev_clock += ahead + core->cfg->replay_window;
		}
		if (rec->peer_revsup)
			reg->ha.reply.revsup_time = reg->ha.rev_clock;
		if (rec->tombstone) {	/* if it was withdrawn it has an address when all others have theirs */
			core->n_regs--;
		} else {
			reg->has_home = true;
			pool_set(core, net, rec->home, true);
		}
	}
	reg_set_key_in(core, reg, rec->key_in);
}

/*
 * The kernel counts without a wall clock, which may have been set since the
 * row was written: what it says is left is right where it differs. But the row
 * comes first (commit()): with a shorter lifetime in the kernel it may be that
 * a refresh was cut off in between. An HA then takes the row's, which does no
 * harm if it was the clock; a PMA the kernel's, and refreshes the sooner.
 * False: it isn't what was granted.
 */
static bool adopt_lifetime(struct core *core, struct reg *reg, uint32_t lifetime)
{
	struct core_record *rec = &reg->pub.rec;
	int64_t longer;

	if (!reg->pub.expires_us || !lifetime || lifetime > rec->lifetime + ADOPT_SLACK_S)
		return !reg->pub.expires_us && !lifetime;
	longer = core->now->mono_us + lifetime * SECOND - reg->pub.expires_us;
	if (longer < -(int64_t)(ADOPT_SLACK_S * SECOND) && rec->role == CORE_HA)
		return false;
	if (longer < -(int64_t)(ADOPT_SLACK_S * SECOND) || longer > (int64_t)(ADOPT_SLACK_S * SECOND)) {
		reg->pub.expires_us += longer;
		rec->expires_unix = unix_seconds(core) + lifetime;
	}
	return true;
}

/* All but the lifetime and the tunnels that were left. */
static bool as_recorded(const struct reg *reg, const struct core_binding *there)
{
	const struct core_record *rec = &reg->pub.rec;
	const struct core_leg leg = leg_of(reg), *is = &there->leg[0];

	return there->n_legs && is->state == CORE_LEG_ACTIVE && is->local.s_addr == leg.local.s_addr &&
	       is->peer.s_addr == leg.peer.s_addr && is->gre == leg.gre && is->keyed == leg.keyed &&
	       is->key_in == leg.key_in && is->key_out == leg.key_out &&
	       there->gateway.s_addr == reg->net->gateway.s_addr && there->plen == reg->net->plen &&
	       there->port == rec->port && !memcmp(there->mac, rec->mac, sizeof(rec->mac));
}

/* If the configuration still has it. False: it isn't to be as it is. */
static bool adopt_other(struct core *core, struct reg *reg, const struct core_leg *leg, uint32_t ms)
{
	const struct core_record *rec = &reg->pub.rec;
	const struct peer *peer = peer_find(core, leg->peer);

	if (leg->peer.s_addr == rec->coa.s_addr)
		return false;
	if (peer && has_authority(core, peer, rec, reg->net) && others_adopt(core, reg, peer, leg, ms))
		return true;
	left_add(core, reg, leg, core->cfg->handover_grace_ms);
	return false;
}

static void adopt(struct core *core, const struct core_event *ev)
{
	struct reg *reg = reg_by_cookie(core, ev->adopt.cookie);
	const struct core_record *rec = reg ? &reg->pub.rec : NULL;
	const struct core_leg *first = ev->adopt.n_legs ? &ev->adopt.leg[0] : NULL;
	bool returns = first && first->state == CORE_LEG_RETURN, as_meant = true, swapped = false;
	struct core_leg recorded;

	if (!ev->adopt.cookie)
		return;		/* made by hand, none of ours */
	if (!rec && returns)
		return;		/* of who was revoked, and goes by itself */
	if (rec && !rec->tombstone && ev->adopt.realm == rec->realm &&
	    ev->adopt.home.s_addr == rec->home.s_addr && !strcmp(ev->adopt.device, reg->net->device)) {
		reg->in_kernel = true;
		reg->bound_home = rec->home;
		/* A pending one beside was of another home agent, that is no longer asked. */
		for (unsigned int i = ev->adopt.n_legs; i-- > 1;) {
			if (core_is_simultaneous(core->cfg, &ev->adopt.leg[i]))
				swapped |= ev->adopt.leg[i].peer.s_addr == rec->coa.s_addr;
			else if (ev->adopt.leg[i].state != CORE_LEG_PENDING)
				left_add(core, reg, &ev->adopt.leg[i], ev->adopt.leg[i].ms);
		}
		/* Killed between STORE and BIND: left only now, or not at all if the recorded one got copies. */
		recorded = leg_of(reg);
		if (first && first->state != CORE_LEG_PENDING && !same_tunnel(first, &recorded)) {
			if (swapped)
				adopt_other(core, reg, first, ev->adopt.lifetime * 1000);
			else
				left_add(core, reg, first, returns ? first->ms : core->cfg->handover_grace_ms);
		}
		for (unsigned int i = 1; i < ev->adopt.n_legs; i++) {
			if (core_is_simultaneous(core->cfg, &ev->adopt.leg[i]))
				as_meant &= adopt_other(core, reg, &ev->adopt.leg[i], ev->adopt.leg[i].ms);
		}
		if (returns && !is_ha(reg))	/* of ours no home agent's is */
			reg->pma.away_us = core->now->mono_us + ev->adopt.leg[0].ms * MSEC;
		/* As it was left: nothing to do. Otherwise START changes it. */
		reg->adopted = as_meant && as_recorded(reg, &ev->adopt) &&
			       adopt_lifetime(core, reg, ev->adopt.lifetime);
		return;
	}
	struct core_action action = { .type = CORE_ACT_UNBIND };

	memcpy(action.bind.device, ev->adopt.device, sizeof(action.bind.device));
	action.bind.cookie = ev->adopt.cookie;
	action.bind.realm = ev->adopt.realm;
	action.bind.home = ev->adopt.home;
	act_log(core, CORE_LOG_INFO, "binding in the kernel without a registration: removed");
	core->act(core->arg, &action);
	home_swept(core, &ev->adopt);
}

static void start(struct core *core)
{
	for (struct reg *reg = reg_next(core, NULL); reg; reg = reg_next(core, reg)) {
		if (reg->restored)
			timer_set(core, &reg->timer, core->now->mono_us);
	}
	clocks_start(core);
	timers_run(core);
}

void core_event(struct core *core, const struct core_now *now, const struct core_event *event)
{
	uint64_t fresh[4];

	core->now = now;
	memcpy(fresh, now->random, sizeof(fresh));
	for (int i = 0; i < 4; i++)
		core->rng[i] ^= fresh[i];
	if (!(core->rng[0] | core->rng[1] | core->rng[2] | core->rng[3]))
		core->rng[0] = 1;	/* the one state that never leaves itself */
	if (!core->seed)
		core->seed = core_random(core) | 1;

	switch (event->type) {
	case CORE_EV_DATAGRAM:
		datagram(core, event);
		break;
	case CORE_EV_ATTACH:
		pma_attach(core, event);
		break;
	case CORE_EV_DETACH:
		pma_detach(core, event);
		break;
	case CORE_EV_BOUND:
	case CORE_EV_STORED:
		completed(core, event);
		break;
	case CORE_EV_DRAIN:
		drain_event(core, event);
		break;
	case CORE_EV_REVOKE:
		withdraw_event(core, event);
		break;
	case CORE_EV_PRESENT:
		pma_present(core, event);
		break;
	case CORE_EV_RESTORE:
		restore(core, &event->restore);
		break;
	case CORE_EV_ADOPT:
		adopt(core, event);
		break;
	case CORE_EV_START:
		start(core);
		break;
	case CORE_EV_TIMEOUT:
		timers_run(core);
		break;
	}
	core->now = NULL;
}

uint64_t core_next(const struct core *core)
{
	return core->timers.n ? core->timers.slot[1]->when_us : 0;
}

/* ---- life ---- */

struct core *core_new(const struct core_config *config, core_act_fn act, void *arg)
{
	struct core *core = calloc(1, sizeof(*core));

	if (!core)
		return NULL;
	core->cfg = config;
	core->act = act;
	core->arg = arg;
	core->ha_now = calloc(config->n_networks + 1, sizeof(*core->ha_now));
	core->told = calloc(config->n_networks + 1, sizeof(*core->told));
	for (unsigned int i = 0; core->ha_now && i < config->n_networks; i++)
		core->ha_now[i] = config->networks[i].ha;
	if (!core->ha_now || !core->told || !table_init(&core->cookies) || !table_init(&core->nais) ||
	    !table_init(&core->macs) || !table_init(&core->keys) ||
	    !timers_reserve(core, 0) || !peers_init(core) || !mns_init(core) || !pools_init(core) ||
	    !holds_init(core) ||
	    !drains_init(core) || !withdrawal_init(core)) {
		core_free(core);
		return NULL;
	}
	return core;
}

void core_free(struct core *core)
{
	struct link *link, *next;

	if (!core)
		return;
	for (size_t i = 0; core->cookies.bucket && i < core->cookies.size; i++) {
		for (link = core->cookies.bucket[i]; link; link = next) {
			next = link->next;
			reg_free(core, container_of(link, struct reg, by_cookie));
		}
	}
	farewells_exit(core);
	drains_exit(core);
	withdrawal_exit(core);
	free(core->ha_now);
	free(core->told);
	holds_exit(core);
	pools_exit(core);
	table_exit(&core->cookies);
	table_exit(&core->nais);
	table_exit(&core->macs);
	table_exit(&core->keys);
	peers_exit(core);
	mns_exit(core);
	free(core->timers.slot);
	free(core);
}

/* ---- looking in ---- */

static bool shown(const struct reg *reg)
{
	return !is_ha(reg) || !reg->pub.rec.tombstone;
}

void core_walk(const struct core *core, bool (*fn)(void *arg, const struct core_reg *reg), void *arg)
{
	for (struct reg *reg = reg_next(core, NULL); reg; reg = reg_next(core, reg)) {
		if (shown(reg) && !fn(arg, &reg->pub))
			return;
	}
}

const struct core_reg *core_find_device(const struct core *core, uint32_t port, const uint8_t mac[static 6])
{
	struct reg *reg = reg_by_mac(core, mac);

	return reg && (!port || reg->pub.rec.port == port) ? &reg->pub : NULL;
}

void core_walk_peers(const struct core *core, void (*fn)(void *arg, const struct core_peer_state *state), void *arg)
{
	for (unsigned int i = 0; i < core->cfg->n_peers; i++) {
		const struct peer *peer = &core->peers[i];
		struct core_peer_state state = {
			.cfg = peer->cfg, .offset_s = peer->offset_s, .clock_known = clock_known(peer),
			.code = peer->hold_code, .hold_until_us = peer->hold_until_us,
		};

		if (state.clock_known) {
			state.ahead_us = (peer->ahead_min_us + peer->ahead_max_us) / 2;
			state.error_us = (peer->ahead_max_us - peer->ahead_min_us) / 2;
		}
		fn(arg, &state);
	}
}

const struct core_counters *core_counters(const struct core *core)
{
	return &core->count;
}
