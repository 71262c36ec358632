// SPDX-License-Identifier: GPL-2.0-only
/* Devices without a registration: what they may cost, by MAC and by port, and what is said of them. */
#include <string.h>

#include "core/reg.h"

#define NEW_BURST	64		/* devices at once on a port */
#define NEW_GAP_US	(SECOND / 32)	/* and one more each time this has passed */

/*
 * Frames of a device that nothing is known of come on and on: said once, then
 * after longer and longer rest, as with those that the HA refuses.
 */
static bool shun(struct core *core, const uint8_t mac[6])
{
	struct shunned *set = core->shunned[mac_set(core, mac)], *s = set;
	uint64_t now = core->now->mono_us;

	for (int i = 0; i < SHUN_WAYS; i++) {
		if (set[i].backoff_s && !memcmp(set[i].mac, mac, sizeof(set[i].mac))) {
			s = &set[i];
			break;
		}
		if (set[i].until_us < s->until_us)
			s = &set[i];
	}
	if (memcmp(s->mac, mac, sizeof(s->mac)) || s->until_us + BACKOFF_MAX_S * SECOND < now)
		s->backoff_s = 0;
	else if (s->until_us > now)
		return true;
	memcpy(s->mac, mac, sizeof(s->mac));
	s->backoff_s = s->backoff_s ? s->backoff_s * 2 : 1;
	if (s->backoff_s > BACKOFF_MAX_S)
		s->backoff_s = BACKOFF_MAX_S;
	s->until_us = now + s->backoff_s * SECOND;
	return false;
}

/* Somebody waits for an answer; frames come by themselves. */
bool was_asked(const struct core_event *ev)
{
	return ev->attach.trigger == CORE_TRIGGER_DHCP || ev->attach.trigger == CORE_TRIGGER_API;
}

/* No registration exists or comes of it. */
void refuse_attach(struct core *core, const struct core_event *ev,
		   const struct core_network *net, uint8_t code, const char *text)
{
	struct core_action action = { .type = CORE_ACT_REFUSED };

	if (!was_asked(ev) && shun(core, ev->attach.mac))
		return;
	action.device.port = ev->attach.port;
	memcpy(action.device.mac, ev->attach.mac, sizeof(action.device.mac));
	if (net) {
		action.device.gateway = net->gateway;
		action.device.ha = net->ha;
		action.device.plen = net->plen;
		action.device.network = net->name;
	}
	action.device.code = code;
	text_copy(action.device.text, sizeof(action.device.text), text);
	core->act(core->arg, &action);
	act_log(core, was_asked(ev) ? CORE_LOG_INFO : CORE_LOG_DEBUG,
		"%02x:%02x:%02x:%02x:%02x:%02x refused: %s", ev->attach.mac[0], ev->attach.mac[1],
		ev->attach.mac[2], ev->attach.mac[3], ev->attach.mac[4], ev->attach.mac[5], text);
}

/*
 * A MAC is quickly made up, and with a rule that takes all of them each costs
 * an RRQ, and an address of the HA's pool until its lifetime ends.
 */
bool new_device_ok(struct core *core, uint32_t port)
{
	struct port_rate *set = core->port_rates[port % RATE_SETS], *r = set;
	uint64_t now = core->now->mono_us;

	for (int i = 0; i < RATE_WAYS; i++) {
		if (set[i].port == port) {
			r = &set[i];
			break;
		}
		if (set[i].full_us < r->full_us)
			r = &set[i];
	}
	if (r->port != port || r->full_us < now)
		r->full_us = now;
	r->port = port;
	if (r->full_us > now + (NEW_BURST - 1) * NEW_GAP_US)
		return false;
	r->full_us += NEW_GAP_US;
	return true;
}
