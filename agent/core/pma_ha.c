// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which home agent a PMA registers a device with. An HA may send it to another
 * one of the home network (RFC 4433); a device that is served moves there
 * without a gap: the tunnel to the old one carries it until the new one has
 * accepted, and only then the old one is told.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "core/reg.h"

#define SILENT_US	(31 * SECOND)	/* as long as a device asks */

/* The registration that stands while another home agent is asked. */
struct pma_leaving {
	struct peer *peer;
	struct core_leg leg;
	uint64_t last_id, accepted_id;
	uint64_t expires_us, expires_unix;
	uint32_t peer_revsup;
	uint16_t lifetime;
	uint64_t since_us;
};

/* A deregistration at a home agent that its device has left; the device is served by another one. */
struct farewell {
	LIST_ENTRY(farewell) list;
	struct timer timer;
	struct peer *peer;
	struct pma_rrq rrq;
	uint64_t sent_us;
	char nai[WIRE_NAI_MAX + 1];
	unsigned int tries;
};

/* Where @ha stands in the list that begins with the network's own; -1 if it isn't there. */
static int place_of(const struct core_network *net, struct in_addr ha)
{
	if (net->ha.s_addr == ha.s_addr)
		return 0;
	for (unsigned int i = 0; i < net->n_other_ha; i++) {
		if (net->other_ha[i].s_addr == ha.s_addr)
			return i + 1;
	}
	return -1;
}

bool network_has_ha(const struct core_network *net, struct in_addr ha)
{
	return place_of(net, ha) >= 0;
}

struct in_addr pma_ha_now(const struct core *core, const struct core_network *net)
{
	return core->ha_now[network_index(core, net)];
}

const struct wire_host_config *pma_told(const struct core *core, const struct core_network *net)
{
	const struct told *told = &core->told[network_index(core, net)];

	return told->known ? &told->host : NULL;
}

bool pma_is_untold(const struct core *core, const struct core_network *net)
{
	return net->ask_host && !core->told[network_index(core, net)].answered;
}

/* Devices see the gateway and the prefix of our configuration: with those of another network they'd be cut off. */
static void warn_of_difference(struct core *core, const struct core_network *net, struct told *told,
			       const struct wire_host_config *host)
{
	const struct in_addr gateway = host->gateway.s_addr ? host->gateway : net->gateway;
	const uint8_t plen = host->plen ? host->plen : net->plen;
	char theirs[INET_ADDRSTRLEN], ours[INET_ADDRSTRLEN];

	if ((gateway.s_addr == net->gateway.s_addr && plen == net->plen) ||
	    !may_warn(core, &told->warned_us, WARN_GAP_US))	/* home agents that differ take turns */
		return;
	act_log(core, CORE_LOG_WARNING, "network %s: its home agent says that the gateway is %s/%u, here it is %s/%u",
		net->name, addr_text(gateway, theirs), plen, addr_text(net->gateway, ours), net->plen);
}

void pma_be_told(struct core *core, const struct core_network *net, const struct wire_msg *msg)
{
	struct told *told = &core->told[network_index(core, net)];
	struct wire_host_config host;

	told->answered = true;
	if (!net->ask_host || !wire_get_host_config(msg, &host))
		return;
	if (host.plen != told->host.plen || host.gateway.s_addr != told->host.gateway.s_addr)
		warn_of_difference(core, net, told, &host);
	told->known = true;
	told->host = host;
}

void pma_ha_accepted(struct core *core, const struct reg *reg)
{
	core->ha_now[network_index(core, reg->net)] = reg->pub.rec.ha;
}

static bool can_be_asked(const struct core *core, const struct reg *reg, const struct peer *peer)
{
	return peer && pma_can_sign(core, peer, reg->pub.rec.nai) && peer->hold_until_us <= core->now->mono_us;
}

void pma_ha_silent(struct core *core, const struct reg *reg)
{
	struct in_addr *now = &core->ha_now[network_index(core, reg->net)], next;
	const uint64_t replied_us = reg->pma.peer->replied_us;
	const struct core_network *net = reg->net;
	unsigned int place;

	if (now->s_addr != reg->pub.rec.ha.s_addr || (replied_us && core->now->mono_us - replied_us < SILENT_US))
		return;
	for (unsigned int i = 1; i <= net->n_other_ha; i++) {
		place = (place_of(net, *now) + i) % (net->n_other_ha + 1);
		next = place ? net->other_ha[place - 1] : net->ha;
		if (can_be_asked(core, reg, peer_find(core, next))) {
			*now = next;
			return;
		}
	}
}

void pma_ha_declines(struct core *core, const struct reg *reg)
{
	struct in_addr *now = &core->ha_now[network_index(core, reg->net)];

	if (now->s_addr == reg->pub.rec.ha.s_addr)
		*now = reg->net->ha;
}

void pma_set_ha(struct core *core, struct reg *reg, struct peer *peer, struct in_addr ha)
{
	reg->pub.rec.ha = ha;
	reg->pma.peer = peer;
	reg->peer_since_us = core->now->mono_us;
	/* Each counts for itself. */
	reg->pub.rec.last_id = reg->pma.accepted_id = 0;
	pma_set_mode(core, reg);
}

/* ---- a device that is served moves ---- */

static bool leave(struct reg *reg)
{
	struct pma_leaving *leaving = malloc(sizeof(*leaving));

	if (!leaving)
		return false;
	*leaving = (struct pma_leaving){
		.peer = reg->pma.peer,
		.leg = leg_of(reg),
		.last_id = reg->pub.rec.last_id,
		.accepted_id = reg->pma.accepted_id,
		.expires_us = reg->pub.expires_us,
		.expires_unix = reg->pub.rec.expires_unix,
		.peer_revsup = reg->pub.rec.peer_revsup,
		.lifetime = reg->pub.rec.lifetime,
		.since_us = reg->peer_since_us,
	};
	reg->pma.leaving = leaving;
	return true;
}

const struct core_leg *pma_leaving_leg(const struct reg *reg)
{
	return reg->pma.leaving ? &reg->pma.leaving->leg : NULL;
}

bool pma_leaves(const struct reg *reg, struct in_addr ha, uint32_t *revsup)
{
	const struct pma_leaving *leaving = reg->pma.leaving;

	if (!leaving || leaving->leg.peer.s_addr != ha.s_addr)
		return false;
	*revsup = leaving->peer_revsup;
	return true;
}

static void use_tunnel(struct core *core, struct reg *reg, bool gre, uint32_t key_in, uint32_t key_out)
{
	reg->pub.rec.gre = reg->pub.rec.keyed = gre;
	reg->pub.rec.key_out = key_out;
	reg_set_key_in(core, reg, key_in);
}

static void ask(struct core *core, struct reg *reg, struct peer *peer, struct in_addr ha)
{
	bool gre = peer->cfg->gre_key;
	uint64_t sent_us;

	reg->pub.rec.peer_revsup = 0;
	pma_set_ha(core, reg, peer, ha);
	use_tunnel(core, reg, gre, gre ? reg_choose_key(core, reg->pub.rec.coa) : 0, 0);
	sent_us = farewell_cancel(core, reg->pub.rec.nai, ha);
	if (sent_us > reg->pma.sent_us)
		reg->pma.sent_us = sent_us;
	reg->pma.any_ha = true;
	if (reg->pma.leaving || binding_home(reg).s_addr)
		act_bind(core, reg);
	pma_exchange(core, reg, reg->pub.state);
}

void pma_stay(struct core *core, struct reg *reg, const char *why)
{
	struct pma_leaving *leaving = reg->pma.leaving;
	char there[INET_ADDRSTRLEN], here[INET_ADDRSTRLEN];
	bool stored = reg->pub.state == CORE_BINDING;

	if (!leaving)
		return;
	act_log(core, CORE_LOG_WARNING, "%s: stays with home agent %s: %s: %s", reg->pub.rec.nai,
		addr_text(leaving->leg.peer, here), addr_text(reg->pub.rec.ha, there), why);
	/* it may have accepted all the same */
	farewell_start(core, &reg->pub.rec, reg->pma.peer, reg->pma.sent_us);
	pma_set_ha(core, reg, leaving->peer, leaving->leg.peer);
	reg->peer_since_us = leaving->since_us;
	use_tunnel(core, reg, leaving->leg.gre, leaving->leg.key_in, leaving->leg.key_out);
	reg->pub.rec.last_id = leaving->last_id;
	reg->pub.rec.peer_revsup = leaving->peer_revsup;
	reg->pub.rec.lifetime = leaving->lifetime;
	reg->pub.rec.expires_unix = leaving->expires_unix;
	reg->pub.expires_us = leaving->expires_us;
	reg->pma.accepted_id = leaving->accepted_id;
	free(leaving);
	reg->pma.leaving = NULL;
	reg->pma.awaiting = reg->pma.confirming = reg->pma.any_ha = false;
	reg->pma.tx_us = 0;
	reg->pub.state = CORE_BOUND;
	if (stored)
		act_store(core, reg);
	act_bind(core, reg);
	pma_plan_refresh(core, reg);
	pma_arm(core, reg);
}

void pma_moved(struct core *core, struct reg *reg)
{
	left_add(core, reg, &reg->pma.leaving->leg, PENDING_MS);
}

void pma_left(struct core *core, struct reg *reg)
{
	struct pma_leaving *leaving = reg->pma.leaving;
	struct core_record old = reg->pub.rec;
	char there[INET_ADDRSTRLEN], here[INET_ADDRSTRLEN];

	act_log(core, CORE_LOG_INFO, "%s: moved from home agent %s to %s", reg->pub.rec.nai,
		addr_text(leaving->leg.peer, there), addr_text(reg->pub.rec.ha, here));
	old.ha = leaving->leg.peer;
	old.key_in = leaving->leg.key_in;
	old.last_id = leaving->last_id;
	farewell_start(core, &old, leaving->peer, 0);
	free(leaving);
	reg->pma.leaving = NULL;
}

bool pma_ask_again(struct core *core, struct reg *reg, struct in_addr ha, struct peer *peer)
{
	struct core_record old = reg->pub.rec;

	switch (reg->pub.state) {
	case CORE_IDLE:
	case CORE_WAIT_REG:
		return false;
	case CORE_DEREG:
	case CORE_REVOKING:
		return old.ha.s_addr == ha.s_addr;
	default:
		break;
	}
	if (reg->pma.leaving)
		return reg->pma.leaving->leg.peer.s_addr == ha.s_addr;	/* it does already */
	if (old.ha.s_addr != ha.s_addr) {
		if (!network_has_ha(reg->net, ha))
			return false;
		old.ha = ha;
		old.last_id = 0;
		farewell_start(core, &old, peer, 0);
		return true;
	}
	/* Not without a look whether it is here: RFC 5563 s4.4. */
	reg->pma.ask_again = true;
	if (reg->pub.state == CORE_BOUND) {
		reg->pma.refresh_us = core->now->mono_us;
		pma_arm(core, reg);
	}
	return true;
}

/* ---- sent elsewhere ---- */

/* Why that one isn't asked; NULL if it is. */
static const char *refused(struct core *core, struct reg *reg, struct in_addr to, struct peer **peer)
{
	int place = place_of(reg->net, to);

	*peer = place < 0 ? NULL : peer_find(core, to);
	if (place < 0)
		return "it isn't among the network's other-home-agents";
	if (reg->pma.visited & 1 << place)
		return "the home agents send it in a circle";	/* RFC 4433 s4.2 */
	if (!*peer || !pma_can_sign(core, *peer, reg->pub.rec.nai))
		return "no security association with it";
	if ((*peer)->hold_until_us > core->now->mono_us)
		return wire_code_name((*peer)->hold_code);
	return NULL;
}

bool pma_redirected(struct core *core, struct reg *reg, struct in_addr to)
{
	char there[INET_ADDRSTRLEN], here[INET_ADDRSTRLEN];
	struct peer *peer;
	const char *why;

	if (reg->pma.cancelled || reg->pma.gone ||
	    (reg->pub.state != CORE_WAIT_REG && reg->pub.state != CORE_REFRESH))
		return false;
	reg->pma.visited |= 1 << place_of(reg->net, reg->pub.rec.ha);
	why = refused(core, reg, to, &peer);
	addr_text(to, there);
	addr_text(reg->pub.rec.ha, here);
	if (!why && reg->pub.state == CORE_REFRESH && !reg->pma.leaving && !leave(reg))
		why = "no memory";
	if (why) {
		core->count.redirects_refused++;
		act_log(core, CORE_LOG_WARNING, "%s: home agent %s sends it to %s: %s", reg->pub.rec.nai, here, there,
			why);
		return false;
	}
	core->count.redirects_followed++;
	act_log(core, CORE_LOG_INFO, "%s: home agent %s sends it to %s", reg->pub.rec.nai, here, there);
	reg->pma.sent_us = 0;	/* nothing was sent there yet */
	ask(core, reg, peer, to);
	return true;
}

/* A refresh begins when a third of the lifetime is left, of which another HA may take a third, 7 to 31 s. */
unsigned int pma_patience(const struct reg *reg)
{
	const uint64_t most_us = reg->pub.rec.lifetime * SECOND / 9;
	unsigned int tries = 3;

	while (tries < PMA_RRQ_TRIES && (FIRST_RETRY_US << (tries + 1)) - FIRST_RETRY_US <= most_us)
		tries++;
	return tries;
}

/* ---- farewells ---- */

static void farewell_end(struct core *core, struct farewell *f)
{
	LIST_REMOVE(f, list);
	core->n_farewells--;
	timer_set(core, &f->timer, 0);
	free(f);
}

void farewells_exit(struct core *core)
{
	while (!LIST_EMPTY(&core->farewells))
		farewell_end(core, LIST_FIRST(&core->farewells));
}

static void farewell_send(struct core *core, struct farewell *f)
{
	f->rrq.f.id = clock_next_id(core, f->peer, f->rrq.f.id);
	f->sent_us = core->now->mono_us;
	pma_put_rrq(core, &f->rrq);
	timer_set(core, &f->timer, core->now->mono_us + (FIRST_RETRY_US << f->tries++));
}

static void farewell_fire(struct core *core, struct timer *timer)
{
	struct farewell *f = container_of(timer, struct farewell, timer);

	if (f->tries >= PMA_RRQ_TRIES) {
		core->count.timed_out++;
		farewell_end(core, f);	/* its lifetime ends it there */
		return;
	}
	if (f->tries)
		core->count.retransmitted++;
	farewell_send(core, f);
}

uint64_t farewell_cancel(struct core *core, const char *nai, struct in_addr ha)
{
	struct farewell *f, *next;
	uint64_t sent_us = 0;

	for (f = LIST_FIRST(&core->farewells); f; f = next) {
		next = LIST_NEXT(f, list);
		if (f->rrq.to.s_addr == ha.s_addr && nai_equal(f->nai, nai)) {
			sent_us = f->sent_us;
			farewell_end(core, f);
		}
	}
	return sent_us;
}

void farewell_start(struct core *core, const struct core_record *rec, struct peer *peer, uint64_t sent_us)
{
	const struct core_network *net = network_by_nai(core->cfg, rec->nai);
	const uint64_t before_us = farewell_cancel(core, rec->nai, rec->ha);
	struct farewell *f;

	if (sent_us < before_us)
		sent_us = before_us;
	if (!timers_reserve(core, 1))
		return;
	f = calloc(1, sizeof(*f));
	if (!f)
		return;
	memcpy(f->nai, rec->nai, sizeof(f->nai));
	f->peer = peer;
	f->sent_us = sent_us;
	f->rrq = (struct pma_rrq){
		.f = { .flags = pma_flags(f->peer), .home = rec->home, .ha = rec->ha, .coa = rec->coa,
		       .id = rec->last_id },
		.to = rec->ha,
		.peer = f->peer->cfg,
		.mn = pma_mn(core, f->peer, f->nai),
		.nai = f->nai,
		.service = net ? net->service : "",
		.key_in = rec->key_in,
	};
	memcpy(f->rrq.mac, rec->mac, sizeof(f->rrq.mac));
	f->timer.fire = farewell_fire;
	LIST_INSERT_HEAD(&core->farewells, f, list);
	core->n_farewells++;
	if (sent_us && sent_us + SECOND > core->now->mono_us)
		timer_set(core, &f->timer, sent_us + SECOND);
	else
		farewell_send(core, f);
}

bool farewell_reply(struct core *core, const struct core_event *ev, struct wire_msg *msg)
{
	char nai[WIRE_NAI_MAX + 1];
	struct farewell *f;

	if (LIST_EMPTY(&core->farewells) || !wire_get_nai(msg, nai))
		return false;
	LIST_FOREACH(f, &core->farewells, list)
		if (f->tries && (uint32_t)f->rrq.f.id == (uint32_t)msg->rrp.id &&
		    f->rrq.to.s_addr == ev->datagram.src.s_addr && nai_equal(f->nai, nai))
			break;
	if (!f)
		return false;
	if (!pma_authenticate(core, f->peer, f->rrq.mn, nai, 0, ev->datagram.src, msg) ||
	    wire_code_unauthentic(msg->rrp.code))
		return true;	/* asked again */
	if (msg->rrp.code == WIRE_CODE_HA_ID_MISMATCH) {
		/* RFC 5944 s5.7.1: nobody else sets our idea of its clock. */
		if (f->rrq.mn || f->rrq.peer->ipsec || wire_find(msg, WIRE_EXT_FHAE, 0))
			clock_mismatch(core, f->peer, f->sent_us, msg->rrp.id >> 32);
		f->rrq.f.id = 0;
		return true;
	}
	if (msg->rrp.code <= WIRE_CODE_ACCEPTED_NO_SIMULTANEOUS)
		core->count.accepted++;
	else
		core->count.denied++;
	if (!code_says_nothing(msg->rrp.code))
		farewell_end(core, f);
	return true;
}
