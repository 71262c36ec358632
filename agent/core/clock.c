// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clocks of home agents, for Identifications are times and the same for all
 * that register a device (RFC 5563 s4.4): what a PMA sends is by the HA's
 * clock. Code 133 tells its seconds, extension 137 bounds them, and before
 * devices are served a request that can't be accepted asks for them.
 *
 * Seconds are coarse. But each answer says that the HA's clock showed them at
 * some moment between question and answer; several such bounds together tell
 * it to the millisecond.
 */
#include <arpa/inet.h>
#include <string.h>

#include "core/reg.h"

#define PROBES		6		/* in all: each but the first halves what isn't known */
#define FINE_US		20000		/* known well enough */
#define STALE_S		0x20000000	/* 17 years ago: outside of any window */
#define DRIFT		10000		/* clocks part by 1/DRIFT at most: 100 ppm */
#define DOUBT_US	500000		/* protocol/security.md s4: a device may change its PMA within that */
#define CLOCK_GAP_US	(600 * SECOND)	/* between two warnings */
#define UNBOUNDED_US	(1LL << 52)
#define COARSE_US	(2 * (int64_t)SECOND)	/* bounds so far apart know no better than offset_s */

/* ---- what is known of a clock ---- */

/* How far @seconds, then 0, are ahead of our clock, us. */
static int64_t ahead_us(const struct core *core, uint32_t seconds)
{
	int64_t diff = ((uint64_t)seconds << 32) - core->now->ntp;

	return (diff >> 32) * (int64_t)SECOND + (((uint64_t)(uint32_t)diff * SECOND) >> 32);
}

bool clock_known(const struct peer *peer)
{
	return peer->heard_us && peer->ahead_min_us > -UNBOUNDED_US && peer->ahead_max_us < UNBOUNDED_US;
}

uint64_t clock_id(const struct core *core, const struct peer *peer)
{
	int64_t off = (peer->ahead_min_us + peer->ahead_max_us) / 2, fraction;

	if (!clock_known(peer) || peer->ahead_max_us - peer->ahead_min_us > COARSE_US)
		return core->now->ntp + ((uint64_t)(uint32_t)peer->offset_s << 32);
	fraction = off % (int64_t)SECOND * (1LL << 32) / (int64_t)SECOND;
	return core->now->ntp + ((uint64_t)(off / (int64_t)SECOND) << 32) + fraction;
}

uint64_t clock_next_id(struct core *core, const struct peer *peer, uint64_t last)
{
	/* Bits below the clock's grain are random. */
	uint64_t id = (clock_id(core, peer) & ~0x3ffULL) | (core_random(core) & 0x3ff);

	return last && (int64_t)(id - last) <= 0 ? last + 1 : id;
}

static void warn(struct core *core, struct peer *peer)
{
	int64_t off = (peer->ahead_min_us + peer->ahead_max_us) / 2;
	char addr[INET_ADDRSTRLEN];

	/* What is asked for will be known better. */
	if (!clock_known(peer) || peer->probe_net ||
	    (peer->ahead_min_us < DOUBT_US && peer->ahead_max_us > -DOUBT_US) ||
	    !may_warn(core, &peer->clock_warned_us, CLOCK_GAP_US))
		return;
	act_log(core, CORE_LOG_WARNING, "peer %s: its clock is %lld ms %s ours: registrations follow it, but "
		"should both have the time of day from the same source?", addr_text(peer->cfg->addr, addr),
		(long long)(off < 0 ? -off : off) / 1000, off < 0 ? "behind" : "ahead of");
}

/*
 * The HA's clock showed @seconds, or at most those if not @exact, between
 * @sent_us and now.
 */
static void narrow(struct core *core, struct peer *peer, uint64_t sent_us, uint32_t seconds, bool exact)
{
	uint64_t now = core->now->mono_us;
	int64_t min = exact ? ahead_us(core, seconds) : -UNBOUNDED_US;
	int64_t max = ahead_us(core, seconds + 1) + (int64_t)(now - sent_us);

	if (peer->heard_us) {
		int64_t drift = (now - peer->heard_us) / DRIFT + 1;
		int64_t old_min = peer->ahead_min_us - drift, old_max = peer->ahead_max_us + drift;

		/* Together impossible: one of the two clocks was set. */
		if (old_min <= max && min <= old_max) {
			min = min > old_min ? min : old_min;
			max = max < old_max ? max : old_max;
		}
	}
	peer->ahead_min_us = min;
	peer->ahead_max_us = max;
	peer->heard_us = now;
	warn(core, peer);
}

/* In unsigned arithmetic: it may wrap. */
static void shift(struct peer *peer, int32_t skew)
{
	peer->offset_s = (uint32_t)peer->offset_s + skew;
}

void clock_mismatch(struct core *core, struct peer *peer, uint64_t sent_us, uint32_t ha_seconds)
{
	int32_t skew = ha_seconds - (ntp_seconds(core) + peer->offset_s);
	int32_t on_way_s = (core->now->mono_us - sent_us) / SECOND;

	/* Within a second it is not our clock, but another PMA's; what is behind may have been on its way so long. */
	if (skew > 1)
		shift(peer, skew);
	else if (skew < -1 - on_way_s)
		shift(peer, skew + on_way_s);
	narrow(core, peer, sent_us, ha_seconds, true);
}

/*
 * What ext. 137 says of the HA's clock, if that is NTP seconds as ours are.
 * It may run ahead of that clock (revoke.c) but never behind it: it tells that
 * our Identifications are too late for the next PMA, not that they are too
 * early. For those there is 133.
 */
void clock_bound(struct core *core, struct peer *peer, uint64_t sent_us, uint32_t ha_seconds)
{
	uint32_t on_way_s = (core->now->mono_us - sent_us) / SECOND;
	int32_t skew = ha_seconds - (ntp_seconds(core) - on_way_s + peer->offset_s);

	if (skew < -1 && skew >= -(int32_t)core->cfg->replay_window)
		shift(peer, skew);
	/* Somebody else's idea of a time stamp bounds nothing. */
	if (skew >= -(int32_t)core->cfg->replay_window && skew <= (int32_t)core->cfg->replay_window)
		narrow(core, peer, sent_us, ha_seconds, false);
}

/* ---- asking for it ---- */

/*
 * A deregistration of nobody, or of a network's only device, so late that the
 * HA must answer 133 whatever it thinks of the rest: the test of time comes
 * first (RFC 5944 s3.8.2.1 b).
 */
static void probe_send(struct core *core, struct peer *peer)
{
	const struct core_network *net = peer->probe_net;
	struct wire_out out = { .len = 0 };
	char nai[WIRE_NAI_MAX + 1];
	struct wire_rrq rrq = {
		.flags = WIRE_RRQ_T,
		.ha = peer->probe_ha,
		.coa = core->cfg->care_of,
		.id = (uint64_t)(ntp_seconds(core) - STALE_S) << 32 | (uint32_t)core_random(core),
	};

	peer->probes++;
	peer->probe_id = rrq.id;
	peer->probe_sent_us = core->now->mono_us;
	wire_put_rrq(&out, &rrq);
	text_copy(nai, sizeof(nai), net->nai);
	if (nai_is_pattern(nai))
		nai[0] = '-';
	wire_put_nai(&out, nai);
	wire_put_pmip_method(&out, peer->cfg->ipsec ? WIRE_PMIP_IPSEC : WIRE_PMIP_FHA);
	if (auth_wants_fha(core->cfg, peer->cfg, true, 0))
		auth_sign(&out, peer->cfg);
	act_send(core, &out, rrq.coa, rrq.ha, WIRE_PORT);
	timer_set(core, &peer->timer, core->now->mono_us + (FIRST_RETRY_US << peer->unanswered++));
}

static void probe_end(struct core *core, struct peer *peer)
{
	peer->probe_net = NULL;
	warn(core, peer);
}

static void probe_fire(struct core *core, struct timer *timer)
{
	struct peer *peer = container_of(timer, struct peer, timer);

	/* Devices wait for the first answer only; by now what they send asks as well. */
	peer->hold_rrqs_until_us = 0;
	if (peer->probes < PROBES)
		probe_send(core, peer);
	else
		probe_end(core, peer);
}

static void probe_start(struct core *core, const struct core_network *net, struct in_addr ha)
{
	struct peer *peer = peer_find(core, ha);

	if (!peer || peer->probe_net || peer->cfg->host_bits || !auth_shared(peer->cfg))
		return;
	/* Anybody could answer: what devices register is signed, and asks as well. */
	if (peer->cfg->n_sa && !auth_wants_fha(core->cfg, peer->cfg, true, 0))
		return;
	peer->probe_net = net;
	peer->probe_ha = ha;
	peer->timer.fire = probe_fire;
	peer->hold_rrqs_until_us = core->now->mono_us + SECOND;
	probe_send(core, peer);
}

void clocks_start(struct core *core)
{
	if (!core->cfg->pma || !core->cfg->clock_probe)
		return;
	for (unsigned int i = 0; i < core->cfg->n_networks; i++) {
		const struct core_network *net = &core->cfg->networks[i];

		probe_start(core, net, net->ha);
		for (unsigned int j = 0; j < net->n_other_ha; j++)
			probe_start(core, net, net->other_ha[j]);
	}
}

/*
 * A second or two from now, when the HA's clock turns to its next second if it
 * is as far ahead as can best be guessed: the answer says which half is right.
 */
static uint64_t next_probe_us(const struct core *core, const struct peer *peer)
{
	int64_t on_way_us = (core->now->mono_us - peer->probe_sent_us) / 2;
	int64_t ours_us = ((core->now->ntp & UINT32_MAX) * SECOND) >> 32;
	int64_t at_us = ours_us + on_way_us + (peer->ahead_min_us + peer->ahead_max_us) / 2;
	int64_t into_second = (at_us % (int64_t)SECOND + SECOND) % SECOND;

	return core->now->mono_us + 2 * SECOND - into_second;
}

bool clock_reply(struct core *core, const struct core_event *ev, struct wire_msg *msg)
{
	struct peer *peer = peer_find(core, ev->datagram.src);
	enum auth auth;

	if (!peer || !peer->probe_net || (uint32_t)msg->rrp.id != (uint32_t)peer->probe_id ||
	    peer->probe_ha.s_addr != ev->datagram.src.s_addr)
		return false;
	if (auth_wants_fha(core->cfg, peer->cfg, true, 0) || wire_find(msg, WIRE_EXT_FHAE, 0)) {
		auth = auth_check(peer->cfg, msg);
		auth_count(core, peer, ev->datagram.src, msg, auth);
		if (auth != AUTH_OK)
			return true;
	}
	if (wire_code_unauthentic(msg->rrp.code))
		return true;	/* it is asked again */
	peer->replied_us = core->now->mono_us;
	peer->unanswered = 0;
	peer->hold_rrqs_until_us = 0;
	timer_set(core, &peer->timer, 0);
	/* RFC 5944 s5.7.1: only what is authentic and answers us sets the clock. */
	if (msg->rrp.code == WIRE_CODE_HA_ID_MISMATCH)
		clock_mismatch(core, peer, peer->probe_sent_us, msg->rrp.id >> 32);
	if (msg->rrp.code == WIRE_CODE_HA_ID_MISMATCH && peer->probes < PROBES &&
	    peer->ahead_max_us - peer->ahead_min_us >
	    (int64_t)(2 * FINE_US + core->now->mono_us - peer->probe_sent_us))
		timer_set(core, &peer->timer, next_probe_us(core, peer));
	else
		probe_end(core, peer);
	pma_go_on(core, peer);
	return true;
}
