// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a device leaves a PMA: by itself, with its port or its link, or because
 * the HA has given it to another PMA; and what becomes of packets that are on
 * their way to it then.
 */
#include "core/reg.h"

#define CANCEL_WAIT_US	(7 * SECOND)	/* RFC 5944 s3.7.1: a pending request is worth no more */

/* It is gone from here, and the kernel and the store shall know; may free @reg. */
void pma_end(struct core *core, struct reg *reg, const char *text)
{
	pma_stay(core, reg, text);
	act_forget(core, reg);
	act_unbind(core, reg);
	pma_tell(core, reg, CORE_ACT_GONE, text);
	act_log(core, CORE_LOG_INFO, "%s: %s", reg->pub.rec.nai, text);
	pma_to_idle(core, reg);
}

void pma_leave(struct core *core, struct reg *reg, const char *text)
{
	pma_tell(core, reg, CORE_ACT_GONE, text);
	act_log(core, CORE_LOG_INFO, "%s: %s", reg->pub.rec.nai, text);
	pma_deregister(core, reg);
}

void pma_withdrawn(struct core *core, struct reg *reg)
{
	act_forget(core, reg);
	pma_to_idle(core, reg);
}

/*
 * What it would be deregistered with isn't known yet. Take the reply if it
 * comes, but ask no more: a later RRQ of ours could take the device from the
 * PMA where it is by then.
 */
static void cancel(struct core *core, struct reg *reg)
{
	act_unbind(core, reg);
	reg->pma.cancelled = true;
	reg->pma.tx_us = reg->pma.sent_us + CANCEL_WAIT_US;
	if (reg->pma.tx_us <= core->now->mono_us)
		reg->pma.tx_us = core->now->mono_us + SECOND;
	pma_arm(core, reg);
}

/*
 * Before any reply: the HA has accepted a request of ours and given the device
 * to another PMA since. Only what is later than our last request says so.
 */
void pma_revoked_waiting(struct core *core, struct reg *reg, uint32_t id)
{
	if (reg->pub.state != CORE_WAIT_REG || !reg->pma.awaiting || reg->pma.cancelled ||
	    (int32_t)(id - (uint32_t)(reg->pub.rec.last_id >> 32)) <= 0)
		return;
	pma_tell(core, reg, CORE_ACT_REFUSED, "revoked by its home agent");
	act_log(core, CORE_LOG_INFO, "%s: revoked by its home agent before it was registered",
		reg->pub.rec.nai);
	cancel(core, reg);
}

/*
 * The HA sends elsewhere by now. What was on its way here goes back to it, and
 * from there to the device.
 */
static void give_back(struct core *core, struct reg *reg)
{
	const struct core_leg leg = leg_of(reg);

	if (may_be_in_kernel(reg))
		left_add(core, reg, &leg, core->cfg->handover_grace_ms);
	act_let_go(core, reg);
}

void pma_revoked(struct core *core, struct reg *reg)
{
	if (pma_leaving_leg(reg))	/* BINDING: who revokes had accepted it, and the one before is to know */
		pma_left(core, reg);
	act_forget(core, reg);
	if (reg->pub.state != CORE_DEREG && reg->pub.state != CORE_REVOKING) {	/* as good as a reply */
		pma_tell(core, reg, CORE_ACT_GONE, "revoked by its home agent");
		act_log(core, CORE_LOG_INFO, "%s: revoked by its home agent", reg->pub.rec.nai);
		pma_lost(core, reg);
		give_back(core, reg);
	}
	pma_to_idle(core, reg);
}

/*
 * Without a link it can't be served, but it may be back in a moment, or be
 * elsewhere by now: its HA is told nothing, and gets back what comes, to send
 * it by whatever PMA registers the device next, or to hold it until one does.
 */
void pma_away(struct core *core, struct reg *reg)
{
	struct pma_reg *pma = &reg->pma;

	if (!core->cfg->away_ms) {
		pma_leave(core, reg, "its link went down");
		return;
	}
	pma_stay(core, reg, "its link went down");
	pma->away_us = core->now->mono_us + core->cfg->away_ms * MSEC;
	pma->attached = pma->awaiting = pma->confirming = pma->moved = pma->gone = false;
	pma->move_port = 0;
	reg->pub.state = CORE_AWAY;
	act_log(core, CORE_LOG_INFO, "%s: the link of port %s went down", reg->pub.rec.nai, reg->pub.rec.port_name);
	act_bind(core, reg);
	pma_arm(core, reg);
}

/* What is under way comes to its end first; but nothing more is asked for, see cancel(). */
static void link_lost(struct core *core, struct reg *reg)
{
	switch (reg->pub.state) {
	case CORE_WAIT_REG:
		if (!reg->pma.awaiting && !reg->pma.cancelled) {
			pma_tell(core, reg, CORE_ACT_REFUSED, "its link went down before it was registered");
			pma_to_idle(core, reg);
			break;
		}
		reg->pma.gone = true;
		break;
	case CORE_BINDING:
		reg->pma.gone = true;
		break;
	case CORE_BOUND:
	case CORE_REFRESH:
		pma_away(core, reg);
		break;
	default:
		break;
	}
}

/* RFC 3543 s4.2.3, s4.2.4: the network takes its service back; a device that leaves deregisters, by us. */
static bool is_ours(enum core_detach why)
{
	return why == CORE_DETACH_ADMIN || why == CORE_DETACH_PORT;
}

/* It waits for its first reply. */
static void give_up_asking(struct core *core, struct reg *reg, const char *text)
{
	if (!reg->pma.cancelled)
		pma_tell(core, reg, CORE_ACT_REFUSED, text);
	if (reg->pma.awaiting)
		cancel(core, reg);
	else
		pma_to_idle(core, reg);
}

static void service_ends(struct core *core, struct reg *reg, const char *text)
{
	core->count.withdrawn++;
	pma_tell(core, reg, CORE_ACT_GONE, text);
	act_log(core, CORE_LOG_INFO, "%s: %s", reg->pub.rec.nai, text);
	pma_revoke(core, reg);
}

void pma_withdraw(struct core *core, struct reg *reg, const char *text)
{
	switch (reg->pub.state) {
	case CORE_WAIT_REG:
		give_up_asking(core, reg, text);
		break;
	case CORE_BINDING:
	case CORE_BOUND:
	case CORE_REFRESH:
	case CORE_AWAY:
		service_ends(core, reg, text);
		break;
	default:
		break;
	}
}

void pma_detach(struct core *core, const struct core_event *ev)
{
	struct reg *reg = reg_by_mac(core, ev->detach.mac);
	uint32_t port;

	if (!reg)
		return;
	port = reg->pub.rec.port;
	/* The link that it had goes behind its back: it is known to be at another one. */
	if (ev->detach.why == CORE_DETACH_LINK && reg->pma.move_port)
		port = reg->pma.move_port;
	if (ev->detach.port && ev->detach.port != port)
		return;
	if (ev->detach.why == CORE_DETACH_LINK) {
		link_lost(core, reg);
		return;
	}
	switch (reg->pub.state) {
	case CORE_WAIT_REG:
		give_up_asking(core, reg, "it left before it was registered");
		break;
	case CORE_BINDING:
	case CORE_BOUND:
	case CORE_REFRESH:
		reg->pma.backoff_s = 0;
		if (!reg->pma.attached && ev->detach.why != CORE_DETACH_PORT)
			pma_tell(core, reg, CORE_ACT_REFUSED, "it left before it was registered");
		if (ev->detach.why == CORE_DETACH_PORT) {
			service_ends(core, reg, "its port went down");
		} else if (ev->detach.why == CORE_DETACH_ADMIN) {
			act_log(core, CORE_LOG_INFO, "%s: detached", reg->pub.rec.nai);
			core->count.withdrawn++;
			pma_revoke(core, reg);
		} else {
			act_log(core, CORE_LOG_INFO, "%s: left", reg->pub.rec.nai);
			pma_deregister(core, reg);
		}
		break;
	case CORE_AWAY:
		if (is_ours(ev->detach.why))
			service_ends(core, reg, "no longer served while its link was down");
		else
			pma_leave(core, reg, "left while its link was down");
		break;
	default:
		break;
	}
}
