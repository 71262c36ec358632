// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a PMA asks of a home agent: requests, and the exchanges that they belong to.
 */
#include <string.h>

#include "core/reg.h"

#define RETRY_MAX_US	(32 * SECOND)

uint8_t pma_method(const struct core_peer *peer)
{
	return peer->ipsec ? WIRE_PMIP_IPSEC : WIRE_PMIP_FHA;
}

uint8_t pma_flags(const struct peer *peer)
{
	return WIRE_RRQ_T | (peer->cfg->gre_key ? WIRE_RRQ_G : 0);
}

/* The cookbook of protocol/extensions.md s2. */
void pma_put_rrq(struct core *core, const struct pma_rrq *r)
{
	const struct core_peer *peer = r->peer;
	struct wire_out out = { .len = 0 };

	wire_put_rrq(&out, &r->f);
	wire_put_nai(&out, r->nai);
	if (*r->service)	/* RFC 5446 s4.1: in each */
		wire_put_service(&out, r->service);
	if (r->ask_host)
		wire_put_host_request(&out);
	if (r->dynamic)
		wire_put_dynamic_ha(&out, WIRE_HA_REQUESTED, r->to);
	if (!r->mn)
		wire_put_pmip_method(&out, pma_method(peer));
	wire_put_device_mac(&out, r->mac);
	if (core->cfg->access)
		wire_put_access_tech(&out, core->cfg->access);
	if (r->mn)
		wire_put_auth(&out, WIRE_EXT_MHAE, &r->mn->cfg->sa[0]);
	if (peer->gre_key)
		peer_put_key(&out, peer, r->key_in);
	if (peer->revocation && r->f.lifetime && auth_shared(peer))
		wire_put_revsup(&out, 0, r->f.id >> 32);
	if (auth_wants_fha(core->cfg, peer, !r->mn, r->f.lifetime))
		auth_sign(&out, peer);
	act_send(core, &out, r->f.coa, r->to, WIRE_PORT);
}

void pma_send_rrq(struct core *core, struct reg *reg)
{
	struct core_record *rec = &reg->pub.rec;
	struct pma_rrq rrq = {
		.f = {
			.flags = pma_flags(reg->pma.peer),
			.lifetime = reg->pub.state == CORE_DEREG ? 0 : reg->net->lifetime,
			.home = reg->pma.want,
			.ha = rec->ha,
			.coa = rec->coa,
			.id = clock_next_id(core, reg->pma.peer, rec->last_id),
		},
		.to = rec->ha,
		.peer = reg->pma.peer->cfg,
		.mn = reg->pma.mn,
		.nai = rec->nai,
		.service = reg->net->service,
		.dynamic = reg->pma.any_ha,
		.ask_host = reg->net->ask_host && reg->pub.state != CORE_DEREG,
	};
	uint64_t wait = reg->pma.tries < PMA_RRQ_TRIES ? FIRST_RETRY_US << reg->pma.tries : RETRY_MAX_US;

	/* RFC 4433 s5.1: until one has accepted. Who is served brings its address along, and names whom it goes to. */
	if (reg->pma.any_ha && !reg->pma.leaving)
		rrq.f.ha.s_addr = reg->net->ask == CORE_ASK_ONES ? INADDR_BROADCAST : INADDR_ANY;
	rec->last_id = rrq.f.id;
	if (rrq.peer->gre_key && !rec->key_in)
		reg_set_key_in(core, reg, reg_choose_key(core, rec->coa));
	rrq.key_in = rec->key_in;
	memcpy(rrq.mac, rec->mac, sizeof(rrq.mac));
	pma_put_rrq(core, &rrq);

	if (reg->pma.tries)
		core->count.retransmitted++;
	reg->pma.tries++;
	reg->pma.unconfirmed++;
	reg->pma.sent_us = core->now->mono_us;
	reg->pma.tx_us = core->now->mono_us + wait;
	reg->pma.awaiting = true;
	if (reg->pub.state == CORE_WAIT_REG)
		reg->pub.timeline.rrq_us = core->now->mono_us;
	pma_arm(core, reg);
}

void pma_send_in_time(struct core *core, struct reg *reg)
{
	reg->pma.tx_us = reg->pma.sent_us + SECOND;
	if (reg->pma.tx_us <= core->now->mono_us)
		pma_send_rrq(core, reg);
	else
		pma_arm(core, reg);
}

void pma_exchange(struct core *core, struct reg *reg, enum core_state state)
{
	struct pma_reg *pma = &reg->pma;
	uint64_t soonest = pma->sent_us ? pma->sent_us + SECOND : 0;

	/* By a clock that is ahead even a deregistration would bar the device's next PMA: RFC 5563 s4.4. */
	if (soonest < pma->peer->hold_rrqs_until_us)
		soonest = pma->peer->hold_rrqs_until_us;
	reg->pub.state = state;
	pma->tries = 0;
	pma->awaiting = false;
	pma->deny_code = 0;
	pma->unauthentic = false;
	if (soonest > core->now->mono_us) {
		pma->tx_us = soonest;
		pma_arm(core, reg);
	} else {
		pma_send_rrq(core, reg);
	}
}

/* The HA's time is known: what has waited for it goes. */
void pma_go_on(struct core *core, const struct peer *peer)
{
	for (struct reg *reg = reg_next(core, NULL); reg; reg = reg_next(core, reg)) {
		if (!is_ha(reg) && reg->pma.peer == peer &&
		    (reg->pub.state == CORE_WAIT_REG || reg->pub.state == CORE_REFRESH ||
		     reg->pub.state == CORE_DEREG) && !reg->pma.tries && reg->pma.tx_us &&
		    (!reg->pma.sent_us || reg->pma.sent_us + SECOND <= core->now->mono_us))
			pma_send_rrq(core, reg);
	}
}

/*
 * Take it out of the kernel at once, then tell the HA, with the assigned
 * address and our own care-of address: whatever else the device has by now
 * stays (RFC 5944 s3.8.2.2).
 */
static void stop_serving(struct core *core, struct reg *reg)
{
	pma_stay(core, reg, "the device leaves");
	reg->pma.any_ha = false;
	reg->committing = false;
	reg->pub.rec.tombstone = true;	/* a restart takes it up here */
	act_store(core, reg);
	act_unbind(core, reg);
	reg->pma.want = reg->pub.rec.home;
	reg->pma.attached = reg->pma.cancelled = reg->pma.confirming = reg->pma.moved = reg->pma.gone = false;
	reg->pma.move_port = 0;
}

void pma_deregister(struct core *core, struct reg *reg)
{
	stop_serving(core, reg);
	pma_exchange(core, reg, CORE_DEREG);
}

/*
 * RFC 3543 s4.2.3: what ends is our service, of which a device knows nothing. A
 * revocation says just that, and has no Identification which would keep the device
 * from its next PMA until that one's clock has come to it (RFC 5563 s4.4). After a
 * restart the device is deregistered: what was agreed on may no longer be so.
 */
void pma_revoke(struct core *core, struct reg *reg)
{
	uint64_t soonest;

	stop_serving(core, reg);
	soonest = reg->pma.sent_us ? reg->pma.sent_us + SECOND : 0;	/* s3.3: one message a second */
	if (soonest < reg->pma.peer->hold_rrqs_until_us)	/* by its clock */
		soonest = reg->pma.peer->hold_rrqs_until_us;
	reg->pub.state = CORE_REVOKING;
	reg->pma.awaiting = false;
	reg->pma.tx_us = 0;
	pma_arm(core, reg);
	if (!told_by_revocation(reg, reg->pma.peer) ||
	    !revoke_start(core, reg, reg->pub.rec.coa, reg->pub.expires_us,
			  soonest > core->now->mono_us ? (soonest - core->now->mono_us + MSEC - 1) / MSEC : 0, false))
		pma_exchange(core, reg, CORE_DEREG);
}

/* The device has just been seen here: it needn't be asked whether it is. */
void pma_refresh(struct core *core, struct reg *reg)
{
	reg->pma.unconfirmed = 0;
	reg->pma.confirming = false;
	/* First of all it stays registered: with the one that was assigned, RFC 4433 s5.1. */
	reg->pma.any_ha = reg->pma.ask_again && !pma_is_due(core, reg);
	if (reg->pma.any_ha)
		reg->pma.ask_again = false;
	reg->pma.visited = 0;
	reg->pma.want = reg->pub.rec.home;
	pma_exchange(core, reg, CORE_REFRESH);
}

/* Keys of the device's own go before ours: RFC 5563 s4.3. */
void pma_set_mode(const struct core *core, struct reg *reg)
{
	reg->pma.mn = pma_mn(core, reg->pma.peer, reg->pub.rec.nai);
	if (reg->pma.mn)
		reg->pub.auth = CORE_AUTH_MN_HA;
	else
		reg->pub.auth = reg->pma.peer->cfg->ipsec ? CORE_AUTH_IPSEC : CORE_AUTH_FA_HA;
}
