// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a device comes to a PMA: for the first time, again, or by another port.
 */
#include <string.h>

#include "core/reg.h"

#define RENEW_MS	10000		/* longer than so many RRQs take */

static bool same_place(const struct reg *reg, const struct core_event *ev)
{
	return reg->pub.rec.port == ev->attach.port;
}

static void set_place(struct reg *reg, uint32_t port, const char *name)
{
	struct core_record *rec = &reg->pub.rec;

	rec->port = port;
	text_copy(rec->port_name, sizeof(rec->port_name), name);
}

static void note_trigger(struct core *core, struct reg *reg, const struct core_event *ev)
{
	reg->pub.timeline = (struct core_timeline){
		.trigger = ev->attach.trigger,
		.seen_us = ev->attach.seen_us,
		.identity_us = core->now->mono_us,
	};
}

/* Serve it where it is now, and ask the HA, for nobody knows where it was meanwhile. */
static void serve_again(struct core *core, struct reg *reg)
{
	reg->pma.attached = false;
	reg->pma.confirming = false;
	reg->pma.awaiting = false;	/* of a refresh: one follows */
	reg->pma.moved = true;
	reg->pub.state = CORE_BINDING;
	reg->pub.timeline.bound_us = 0;
	commit(core, reg, true);
}

/* To the port where it is by now. */
void pma_move(struct core *core, struct reg *reg)
{
	pma_stay(core, reg, "the device moves");
	set_place(reg, reg->pma.move_port, reg->pma.move_name);
	reg->pma.move_port = 0;
	core->count.handovers++;
	act_log(core, CORE_LOG_INFO, "%s: moved to port %s", reg->pub.rec.nai, reg->pub.rec.port_name);
	serve_again(core, reg);
}

/*
 * If another PMA has had it meanwhile, the HA would take a request with the
 * old key for one that was late. What it sends by that one until it knows is
 * taken as long as it is asked.
 */
static void renew_key(struct core *core, struct reg *reg)
{
	const struct core_leg old = leg_of(reg);

	if (!old.keyed)
		return;
	left_add(core, reg, &old, RENEW_MS);
	reg_set_key_in(core, reg, reg_choose_key(core, reg->pub.rec.coa));
}

/* Its link is up again, here or at another port. */
static void come_back(struct core *core, struct reg *reg, const struct core_event *ev)
{
	note_trigger(core, reg, ev);
	renew_key(core, reg);
	if (!same_place(reg, ev)) {
		reg->pma.move_port = ev->attach.port;
		text_copy(reg->pma.move_name, sizeof(reg->pma.move_name), ev->attach.port_name);
		pma_move(core, reg);
		return;
	}
	act_log(core, CORE_LOG_INFO, "%s: back on port %s", reg->pub.rec.nai, reg->pub.rec.port_name);
	serve_again(core, reg);
}

/*
 * What the HA tells is forgotten by a restart, and a renewal without it would take name servers from the device: the
 * first answer waits for a refresh. If the device asks again meanwhile it has waited long enough.
 */
static bool waits_to_be_told(const struct core *core, const struct reg *reg, const struct core_event *ev)
{
	return ev->attach.trigger == CORE_TRIGGER_DHCP && reg->pub.state == CORE_BOUND && reg->pma.attached &&
	       pma_is_untold(core, reg->net);
}

static void attach_served(struct core *core, struct reg *reg, const struct core_event *ev)
{
	struct pma_reg *pma = &reg->pma;

	pma->gone = false;
	if (same_place(reg, ev)) {
		pma->move_port = 0;
		if (waits_to_be_told(core, reg, ev)) {
			pma->answer_due = true;
			pma_refresh(core, reg);
			return;
		}
		pma->answer_due = false;
		if (pma->attached)
			pma_tell(core, reg, CORE_ACT_ATTACHED, "");
		/* It may be back from another PMA, whose revocation we missed: the HA would send all of it there. */
		if (ev->attach.init && reg->pub.state == CORE_BOUND)
			pma_refresh(core, reg);
		return;
	}
	pma->move_port = ev->attach.port;
	text_copy(pma->move_name, sizeof(pma->move_name), ev->attach.port_name);
	note_trigger(core, reg, ev);
	if (!reg->committing)
		pma_move(core, reg);
}

static void register_device(struct core *core, struct reg *reg, const struct core_event *ev,
			    const char *nai)
{
	struct in_addr hint = ev->attach.hint;
	uint64_t sent_us;

	reg_set_nai(core, reg, nai);
	pma_set_mode(core, reg);
	set_place(reg, ev->attach.port, ev->attach.port_name);
	note_trigger(core, reg, ev);
	reg->since_us = core->now->mono_us;
	reg->withdraw = false;	/* what was meant was before */
	reg->pub.rec.tombstone = false;
	reg->pub.rec.home.s_addr = INADDR_ANY;
	if (reg->pma.peer->cfg->gre_key)	/* a new one tells the HA that this is no refresh */
		reg_set_key_in(core, reg, reg_choose_key(core, reg->pub.rec.coa));
	reg->pub.rec.gre = reg->pub.rec.keyed = reg->pma.peer->cfg->gre_key;
	reg->pub.rec.key_out = 0;
	reg->pub.expires_us = 0;
	reg->pub.rec.dhcp = ev->attach.trigger == CORE_TRIGGER_DHCP;
	reg->pub.last_code = 0;
	reg->pma.cancelled = reg->pma.gone = false;
	reg->pma.any_ha = reg->net->ask != CORE_ASK_NAMED;
	reg->pma.visited = 0;
	sent_us = farewell_cancel(core, nai, reg->pub.rec.ha);
	if (sent_us > reg->pma.sent_us)
		reg->pma.sent_us = sent_us;
	/* Only what can be a home address there: a device brings all sorts from elsewhere. */
	reg->pma.want.s_addr = network_has_host(reg->net, hint) ? hint.s_addr : INADDR_ANY;
	reg->pub.state = CORE_WAIT_REG;
	if (binding_home(reg).s_addr)	/* what the HA sends may be here before its reply, or be held here till then */
		act_bind(core, reg);
	pma_exchange(core, reg, CORE_WAIT_REG);
}

/* One identity, one device: who comes later has it, as at the HA (protocol/procedures.md s12). */
static void take_over(struct core *core, struct reg *old, struct reg *reg)
{
	pma_stay(core, old, "another device uses its NAI");
	if (old->pub.rec.ha.s_addr == reg->pub.rec.ha.s_addr)
		reg->pub.rec.last_id = old->pub.rec.last_id;
	else if (old->pub.state != CORE_IDLE)	/* nothing replaces it there */
		farewell_start(core, &old->pub.rec, old->pma.peer, 0);
	reg->pma.sent_us = old->pma.sent_us;
	reg->pma.hold_until_us = old->pma.hold_until_us;
	reg->pma.backoff_s = old->pma.backoff_s;
	if (old->pub.state != CORE_IDLE) {
		if (old->pub.state != CORE_DEREG && old->pub.state != CORE_REVOKING)
			pma_tell(core, old, CORE_ACT_GONE, "another device uses its NAI");
		act_log(core, CORE_LOG_WARNING, "%s: used by another device", old->pub.rec.nai);
		act_forget(core, old);
	}
	act_unbind(core, old);
	reg_free(core, old);
}

void pma_attach(struct core *core, const struct core_event *ev)
{
	struct reg *reg = reg_by_mac(core, ev->attach.mac), *old;
	const struct core_network *net;
	char nai[WIRE_NAI_MAX + 1];
	struct in_addr ha;
	struct peer *peer;

	if (!core->cfg->pma) {
		refuse_attach(core, ev, NULL, 0, "this agent is no PMA");
		return;
	}
	if (ev->attach.nai) {
		if (!ev->attach.nai[0] || strlen(ev->attach.nai) > WIRE_NAI_MAX) {
			refuse_attach(core, ev, NULL, 0, "NAI must have 1 to 253 bytes");
			return;
		}
		strcpy(nai, ev->attach.nai);
	} else if (reg && reg->pub.state != CORE_IDLE) {
		strcpy(nai, reg->pub.rec.nai);
	} else if (!identity_nai(core->cfg, ev->attach.mac, nai)) {
		core->count.no_identity++;
		refuse_attach(core, ev, NULL, 0, "no identity rule matches this MAC");
		return;
	}
	if (reg && reg->pub.state != CORE_IDLE && !nai_equal(nai, reg->pub.rec.nai)) {
		refuse_attach(core, ev, NULL, 0, "registered under another NAI: detach it first");
		return;
	}
	if (reg && ev->attach.trigger == CORE_TRIGGER_DHCP)
		reg->pub.rec.dhcp = true;

	switch (reg ? reg->pub.state : CORE_IDLE) {
	case CORE_WAIT_REG:
		/* The first trigger won; but it may have left and come back, or be elsewhere. */
		reg->pma.gone = false;
		if (reg->pma.cancelled) {
			register_device(core, reg, ev, nai);
		} else if (!same_place(reg, ev)) {
			set_place(reg, ev->attach.port, ev->attach.port_name);
			if (may_be_in_kernel(reg))
				act_bind(core, reg);
		}
		return;
	case CORE_BINDING:
	case CORE_BOUND:
	case CORE_REFRESH:
		attach_served(core, reg, ev);
		return;
	case CORE_AWAY:
		come_back(core, reg, ev);
		return;
	case CORE_DEREG:
	case CORE_REVOKING:
		/* Back before we had told: a later RRQ overrules the deregistration, or revocation. */
		revoke_cancel_all(core, reg);
		act_forget(core, reg);
		register_device(core, reg, ev, nai);
		return;
	default:
		break;
	}

	net = network_by_nai(core->cfg, nai);
	if (!net) {
		core->count.drop_no_network++;
		refuse_attach(core, ev, NULL, 0, "no network is configured for its NAI");
		return;
	}
	ha = pma_ha_now(core, net);
	peer = peer_find(core, ha);
	if (!peer || !pma_can_sign(core, peer, nai)) {
		refuse_attach(core, ev, net, 0, "no security association with its home agent");
		return;
	}
	if (peer->hold_until_us > core->now->mono_us && ev->attach.trigger != CORE_TRIGGER_API) {
		refuse_attach(core, ev, net, peer->hold_code, wire_code_name(peer->hold_code));
		return;
	}
	if (reg && reg->pma.backoff_s && reg->pma.hold_until_us > core->now->mono_us &&
	    !was_asked(ev))
		return;
	if (reg && !was_asked(ev) && pma_damped(core, reg)) {
		core->count.damped++;
		return;
	}
	old = reg_by_nai(core, CORE_PMA, nai, 0);
	if (!reg) {
		if (reg_full(core) && !old) {
			refuse_attach(core, ev, net, 0, "too many registrations");
			return;
		}
		/* The operator knows what he does. */
		if (ev->attach.trigger != CORE_TRIGGER_API && !new_device_ok(core, ev->attach.port)) {
			core->count.new_device_limit++;
			if (was_asked(ev))	/* the frames of others just come again */
				refuse_attach(core, ev, net, 0, "too many new devices on its port");
			return;
		}
		reg = reg_new(core, CORE_PMA, nai, net, 0);
		if (!reg) {
			refuse_attach(core, ev, net, 0, "no memory");
			return;
		}
		reg_set_mac(core, reg, ev->attach.mac);
	}
	reg->net = net;
	reg->pub.rec.realm = net->realm;
	if (reg->pub.rec.ha.s_addr != ha.s_addr)	/* each counts for itself */
		reg->pub.rec.last_id = reg->pma.accepted_id = 0;
	reg->pub.rec.ha = ha;
	reg->pub.rec.coa = core->cfg->care_of;
	memcpy(reg->pub.rec.network, net->name, sizeof(net->name));
	reg->pma.peer = peer;
	if (old && old != reg)
		take_over(core, old, reg);
	register_device(core, reg, ev, nai);
}
