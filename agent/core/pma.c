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

#define RRQ_TRIES	5		/* 1, 2, 4, 8, 16 s: outlasts the replay window of a clock ahead of ours */
#define RETRY_MAX_US	(32 * SECOND)
#define HA_HOLD_US	(300 * SECOND)	/* RFC 5563 s8.1: SHOULD NOT retry */
#define CONFIRM_US	(5 * SECOND)	/* ask host once more if it didn't say */
#define CONFIRM_TRIES	3		/* RRQs of a refresh until it is asked again */
#define RENEW_MS	10000		/* longer than so many RRQs take */

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
	action.device.code = type == CORE_ACT_REFUSED ? reg->pub.last_code : 0;
	text_copy(action.device.text, sizeof(action.device.text), text);
	core->act(core->arg, &action);
}

/* ---- sending ---- */

/*
 * Identification: our clock as the HA sees it, strictly later than the last
 * (RFC 5944 s5.7.1). Bits below the clock's grain are random.
 */
static uint64_t next_id(struct core *core, const struct reg *reg)
{
	uint64_t id = clock_id(core, reg->pma.peer);
	uint64_t last = reg->pub.rec.last_id;

	id = (id & ~0x3ffULL) | (core_random(core) & 0x3ff);
	return last && (int64_t)(id - last) <= 0 ? last + 1 : id;
}

static uint8_t per_node_method(const struct reg *reg)
{
	return reg->pma.peer->cfg->ipsec ? WIRE_PMIP_IPSEC : WIRE_PMIP_FHA;
}

/* The cookbook of protocol/extensions.md s2. */
static void send_rrq(struct core *core, struct reg *reg)
{
	const struct core_peer *peer = reg->pma.peer->cfg;
	const struct mn *mn = reg->pma.mn;
	struct core_record *rec = &reg->pub.rec;
	struct wire_out out = { .len = 0 };
	struct wire_rrq rrq = {
		.flags = WIRE_RRQ_T | (peer->gre_key ? WIRE_RRQ_G : 0),
		.lifetime = reg->pub.state == CORE_DEREG ? 0 : reg->net->lifetime,
		.home = reg->pma.want,
		.ha = rec->ha,
		.coa = rec->coa,
		.id = next_id(core, reg),
	};
	uint64_t wait = reg->pma.tries < RRQ_TRIES ? FIRST_RETRY_US << reg->pma.tries : RETRY_MAX_US;

	rec->last_id = rrq.id;
	wire_put_rrq(&out, &rrq);
	wire_put_nai(&out, rec->nai);
	if (!mn)
		wire_put_pmip_method(&out, per_node_method(reg));
	wire_put_device_mac(&out, rec->mac);
	wire_put_access_tech(&out, WIRE_ACCESS_8023);
	if (mn)
		wire_put_auth(&out, WIRE_EXT_MHAE, &mn->cfg->sa[0]);
	if (peer->gre_key) {
		if (!rec->key_in)
			reg_set_key_in(core, reg, reg_choose_key(core, rec->coa));
		wire_put_gre_key(&out, rec->key_in);
	}
	if (peer->revocation && rrq.lifetime && auth_shared(peer))
		wire_put_revsup(&out, 0, rrq.id >> 32);
	if (auth_wants_fha(core->cfg, peer, !mn, rrq.lifetime))
		auth_sign(&out, peer);
	act_send(core, &out, rec->coa, rec->ha, WIRE_PORT);

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

/* Begin an exchange in the state just entered, one second after the last RRQ at the soonest. */
static void exchange(struct core *core, struct reg *reg, enum core_state state)
{
	struct pma_reg *pma = &reg->pma;
	uint64_t soonest = pma->sent_us ? pma->sent_us + SECOND : 0;

	if (state == CORE_WAIT_REG && soonest < pma->peer->hold_rrqs_until_us)
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
		send_rrq(core, reg);
	}
}

/* The HA's time is known: what has waited for it goes. */
void pma_go_on(struct core *core, const struct peer *peer)
{
	for (size_t i = 0; i < core->cookies.size; i++) {
		for (struct link *link = core->cookies.bucket[i]; link; link = link->next) {
			struct reg *reg = container_of(link, struct reg, by_cookie);

			if (reg->pub.rec.role == CORE_PMA && reg->pma.peer == peer &&
			    reg->pub.state == CORE_WAIT_REG && !reg->pma.tries && reg->pma.tx_us &&
			    (!reg->pma.sent_us || reg->pma.sent_us + SECOND <= core->now->mono_us))
				send_rrq(core, reg);
		}
	}
}

/* ---- ends ---- */

/* Nothing is registered any more; what limits the device's next try stays. */
void pma_to_idle(struct core *core, struct reg *reg)
{
	struct pma_reg *pma = &reg->pma;
	struct core_record *rec = &reg->pub.rec;

	if (reg->pub.state == CORE_WAIT_REG)
		act_let_go(core, reg);
	reg_set_key_in(core, reg, 0);
	rec->home = pma->want = (struct in_addr){ 0 };
	rec->tombstone = false;
	rec->lifetime = 0;
	rec->peer_revsup = 0;
	reg->pub.expires_us = 0;
	reg->committing = false;
	pma->attached = pma->awaiting = pma->cancelled = pma->confirming = pma->moved = pma->gone = false;
	pma->move_port = 0;
	pma->tx_us = 0;
	if (pma->sent_us && pma->hold_until_us < pma->sent_us + SECOND)
		pma->hold_until_us = pma->sent_us + SECOND;
	reg->pub.state = CORE_IDLE;
	if (pma->hold_until_us <= core->now->mono_us && !pma->backoff_s && !may_be_in_kernel(reg))
		reg_free(core, reg);
	else
		pma_arm(core, reg);
}

/* A word to the device, and longer and longer rest. */
static void note_refusal(struct core *core, struct reg *reg, uint8_t code, const char *text)
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
static void refuse(struct core *core, struct reg *reg, uint8_t code, const char *text)
{
	if (!reg->pma.cancelled)
		note_refusal(core, reg, code, text);
	pma_to_idle(core, reg);
}

/*
 * Take it out of the kernel at once, then tell the HA, with the assigned
 * address and our own care-of address: whatever else the device has by now
 * stays (RFC 5944 s3.8.2.2).
 */
void pma_deregister(struct core *core, struct reg *reg)
{
	reg->committing = false;
	reg->pub.rec.tombstone = true;	/* a restart takes it up here */
	act_store(core, reg);
	act_unbind(core, reg);
	reg->pma.want = reg->pub.rec.home;
	reg->pma.attached = reg->pma.cancelled = reg->pma.confirming = reg->pma.moved = reg->pma.gone = false;
	reg->pma.move_port = 0;
	exchange(core, reg, CORE_DEREG);
}

/* ---- attach ---- */

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
static void move(struct core *core, struct reg *reg)
{
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
		move(core, reg);
		return;
	}
	act_log(core, CORE_LOG_INFO, "%s: back on port %s", reg->pub.rec.nai, reg->pub.rec.port_name);
	serve_again(core, reg);
}

/* The device has just been seen here: it needn't be asked whether it is. */
static void refresh(struct core *core, struct reg *reg)
{
	reg->pma.unconfirmed = 0;
	reg->pma.confirming = false;
	reg->pma.want = reg->pub.rec.home;
	exchange(core, reg, CORE_REFRESH);
}

static void attach_served(struct core *core, struct reg *reg, const struct core_event *ev)
{
	struct pma_reg *pma = &reg->pma;

	pma->gone = false;
	if (same_place(reg, ev)) {
		pma->move_port = 0;
		if (pma->attached)
			pma_tell(core, reg, CORE_ACT_ATTACHED, "");
		/* It may be back from another PMA, whose revocation we missed: the HA would send all of it there. */
		if (ev->attach.init && reg->pub.state == CORE_BOUND)
			refresh(core, reg);
		return;
	}
	pma->move_port = ev->attach.port;
	text_copy(pma->move_name, sizeof(pma->move_name), ev->attach.port_name);
	note_trigger(core, reg, ev);
	if (!reg->committing)
		move(core, reg);
}

/* Keys of the device's own go before ours: RFC 5563 s4.3. */
static void set_mode(const struct core *core, struct reg *reg)
{
	reg->pma.mn = pma_mn(core, reg->pma.peer, reg->pub.rec.nai);
	if (reg->pma.mn)
		reg->pub.auth = CORE_AUTH_MN_HA;
	else
		reg->pub.auth = reg->pma.peer->cfg->ipsec ? CORE_AUTH_IPSEC : CORE_AUTH_FA_HA;
}

static void register_device(struct core *core, struct reg *reg, const struct core_event *ev,
			    const char *nai)
{
	struct in_addr hint = ev->attach.hint;

	reg_set_nai(core, reg, nai);
	set_mode(core, reg);
	set_place(reg, ev->attach.port, ev->attach.port_name);
	note_trigger(core, reg, ev);
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
	/* Only what can be a home address there: a device brings all sorts from elsewhere. */
	reg->pma.want.s_addr = network_has_host(reg->net, hint) ? hint.s_addr : INADDR_ANY;
	reg->pub.state = CORE_WAIT_REG;
	if (binding_home(reg).s_addr)	/* what the HA sends may be here before its reply, or be held here till then */
		act_bind(core, reg);
	exchange(core, reg, CORE_WAIT_REG);
}

/* One identity, one device: who comes later has it, as at the HA (protocol/procedures.md s12). */
static void take_over(struct core *core, struct reg *old, struct reg *reg)
{
	reg->pub.rec.last_id = old->pub.rec.last_id;
	reg->pma.sent_us = old->pma.sent_us;
	reg->pma.hold_until_us = old->pma.hold_until_us;
	reg->pma.backoff_s = old->pma.backoff_s;
	if (old->pub.state != CORE_IDLE) {
		if (old->pub.state != CORE_DEREG)
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
		/* Back before we had told: a later RRQ overrules the deregistration. */
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
	peer = peer_find(core, net->ha);
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
	old = reg_by_nai(core, CORE_PMA, nai);
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
	reg->pub.rec.ha = net->ha;
	reg->pub.rec.coa = core->cfg->care_of;
	memcpy(reg->pub.rec.network, net->name, sizeof(net->name));
	reg->pma.peer = peer;
	if (old && old != reg)
		take_over(core, old, reg);
	register_device(core, reg, ev, nai);
}

/* RFC 5563 s4.4: no refresh for a device that may have left; the HA would switch it back to us. */
void pma_present(struct core *core, const struct core_event *ev)
{
	struct reg *reg = reg_by_cookie(core, ev->present.cookie);

	if (!reg || reg->pub.rec.role != CORE_PMA || !reg->pma.confirming)
		return;
	reg->pma.confirming = false;
	reg->pma.unconfirmed = 0;
	if (!ev->present.present)
		pma_leave(core, reg, "no longer there at refresh");
	else if (reg->pub.state == CORE_REFRESH)
		send_rrq(core, reg);
	else
		refresh(core, reg);
}

/* ---- replies ---- */

/*
 * When 34 to 40 % of the lifetime are left, so that many devices don't refresh
 * as one. What is due already, after a restart, is spread over a few seconds.
 */
static void plan_refresh(struct core *core, struct reg *reg)
{
	uint64_t left = reg->pub.rec.lifetime * SECOND * (3400 + core_random(core) % 600) / 10000;
	uint64_t now = core->now->mono_us;

	if (!reg->pub.expires_us)
		reg->pma.refresh_us = 0;
	else if (reg->pub.expires_us > now + left)
		reg->pma.refresh_us = reg->pub.expires_us - left;
	else
		reg->pma.refresh_us = now + 1 + core_random(core) % (3 * SECOND);
}

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
	if (wire_count(msg, WIRE_EXT_CVSE))	/* RFC 3115 s2.1: as if refused */
		return "reply with an unknown vendor extension";
	if (keyed && (!wire_get_gre_key(msg, &key) || !key))
		return "no GRE key in the reply";
	if (!keyed && wire_count(msg, WIRE_EXT_GRE_KEY))
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
	if (why && rec->home.s_addr) {
		pma_leave(core, reg, why);
		return;
	}
	if (why) {
		if (!reg->pma.cancelled)
			note_refusal(core, reg, msg->rrp.code, why);
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
	plan_refresh(core, reg);
	if (reg->pub.state == CORE_WAIT_REG)
		reg->pub.timeline.rrp_us = core->now->mono_us;
	reg->pma.tx_us = 0;
	reg->pma.confirming = false;
	reg->pub.state = CORE_BINDING;
	commit(core, reg, true);
}

bool code_unauthentic(uint8_t code)
{
	return code == WIRE_CODE_HA_FA_AUTH || code == WIRE_CODE_HA_MN_AUTH || code == WIRE_CODE_HA_AAA_AUTH;
}

/* Has anything authenticated a reply that pma_authenticate() took? A deregistration may go without. */
static bool is_covered(const struct reg *reg, const struct wire_msg *msg)
{
	return reg->pma.mn || reg->pma.peer->cfg->ipsec || wire_find(msg, WIRE_EXT_FHAE, 0);
}

static void denied(struct core *core, struct reg *reg, const struct wire_msg *msg)
{
	struct peer *peer = reg->pma.peer;
	uint8_t code = msg->rrp.code;
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
	if (reg->pub.state == CORE_DEREG &&
	    (code == WIRE_CODE_HA_UNSPECIFIED || code == WIRE_CODE_HA_NO_RESOURCES ||
	     code_unauthentic(code)))
		return;		/* says nothing about the binding: ask on */
	if (reg->pub.state == CORE_DEREG) {
		act_forget(core, reg);
		pma_to_idle(core, reg);
		return;
	}
	if (reg->pub.state == CORE_REFRESH) {
		/*
		 * Forwarding stays until the lifetime ends; it may be granted
		 * until then. Maybe the device has left: first see if it is here.
		 */
		reg->pma.unconfirmed = CONFIRM_TRIES;
		act_log(core, CORE_LOG_WARNING, "%s: refresh denied: %u %s", reg->pub.rec.nai, code,
			wire_code_name(code));
		return;
	}
	if (code_unauthentic(code)) {
		reg->pma.deny_code = code;
		return;
	}
	if (code == WIRE_CODE_HA_ADMIN_PROHIBITED && reg->pma.want.s_addr && !reg->pma.cancelled) {
		/* Not that address: any, then. Counts as the next transmission. */
		reg->pma.want.s_addr = INADDR_ANY;
		act_unbind(core, reg);
		reg->pma.tx_us = reg->pma.sent_us + SECOND;
		if (reg->pma.tx_us <= core->now->mono_us)
			send_rrq(core, reg);
		else
			pma_arm(core, reg);
		return;
	}
	if (code == WIRE_CODE_PMIP_UNSUPPORTED || code == WIRE_CODE_PMIP_DISALLOWED) {
		peer->hold_until_us = core->now->mono_us + HA_HOLD_US;
		peer->hold_code = code;
	}
	refuse(core, reg, code, wire_code_name(code));
}

/* Order of protocol/security.md s5: match, authenticate, method, code. */
void pma_rrp(struct core *core, const struct core_event *ev, struct wire_msg *msg)
{
	char nai[WIRE_NAI_MAX + 1];
	struct reg *reg = NULL;
	uint8_t method;

	if (clock_reply(core, ev, msg))
		return;
	if (wire_get_nai(msg, nai))
		reg = reg_by_nai(core, CORE_PMA, nai);
	if (!reg || !reg->pma.awaiting || (uint32_t)msg->rrp.id != (uint32_t)reg->pub.rec.last_id) {
		core->count.drop_unmatched_reply++;
		return;
	}
	if (ev->datagram.src.s_addr != reg->pub.rec.ha.s_addr) {
		core->count.drop_wrong_source++;
		return;
	}
	if (!pma_authenticate(core, reg, ev->datagram.src, msg)) {
		reg->pma.unauthentic = true;
		return;
	}
	/* Covered by the authenticator or not there at all. */
	if (!wire_find(msg, WIRE_EXT_NAI, 0)) {
		core->count.drop_unmatched_reply++;
		return;
	}
	if (!reg->pma.mn && (wire_count(msg, WIRE_EXT_PMIP) != 1 || !wire_get_pmip_method(msg, &method) ||
			     method != per_node_method(reg))) {
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

/* ---- kernel and store have answered ---- */

void pma_done(struct core *core, struct reg *reg)
{
	struct core_record *rec = &reg->pub.rec;
	char home[INET_ADDRSTRLEN];

	if (reg->error && !reg->pma.attached) {
		note_refusal(core, reg, 0, reg->error_text);
		pma_deregister(core, reg);
		return;
	}
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
		move(core, reg);
		return;
	}
	if (!reg->pma.attached) {
		reg->pma.attached = true;
		pma_tell(core, reg, CORE_ACT_ATTACHED, "");
		act_log(core, CORE_LOG_INFO, "%s: %s on port %s for %u s", rec->nai,
			addr_text(rec->home, home), rec->port_name, rec->lifetime);
	}
	if (reg->pma.moved) {	/* as in attach_served(): where it was meanwhile isn't known */
		reg->pma.moved = false;
		refresh(core, reg);
		return;
	}
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
		refuse(core, reg, code, text);
	}
}

void pma_timeout(struct core *core, struct reg *reg)
{
	uint64_t now = core->now->mono_us;

	switch (reg->pub.state) {
	case CORE_IDLE:
		act_unbind(core, reg);
		reg_free(core, reg);
		return;
	case CORE_WAIT_REG:
	case CORE_DEREG:
		if (reg->pma.cancelled || reg->pma.gone || reg->pma.tries >= RRQ_TRIES)
			given_up(core, reg);
		else
			send_rrq(core, reg);
		return;
	case CORE_BOUND:
	case CORE_REFRESH:
		if (reg->pub.expires_us && reg->pub.expires_us <= now) {
			core->count.expired++;
			pma_end(core, reg, "lifetime ended without a refresh");
		} else if (reg->pub.state == CORE_REFRESH && reg->pma.unconfirmed < CONFIRM_TRIES) {
			send_rrq(core, reg);
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
	set_mode(core, reg);
	reg->pma.want = rec->home;
	if (rec->tombstone) {
		act_store(core, reg);	/* the row may not say so yet */
		exchange(core, reg, CORE_DEREG);
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
	plan_refresh(core, reg);
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
