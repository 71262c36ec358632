// SPDX-License-Identifier: GPL-2.0-only
/* What others may cost: devices without a registration, by MAC and by port, and who sends messages, by address. */
#include <arpa/inet.h>
#include <string.h>

#include "core/hash.h"
#include "core/reg.h"

#define NEW_BURST	64		/* devices at once on a port */
#define NEW_GAP_US	(SECOND / 32)	/* and one more each time this has passed */
#define WARN_GAP_US	(60 * SECOND)	/* of sources that are too fast: all of them */

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

/* One of @burst tokens, of which one is back each @gap_us, unless no more than @keep are there. */
static bool take_token(struct rate set[static RATE_WAYS], uint32_t key, uint64_t now, uint64_t gap_us,
		       unsigned int burst, unsigned int keep)
{
	struct rate *r = set;

	for (int i = 0; i < RATE_WAYS; i++) {
		if (set[i].key == key) {
			r = &set[i];
			break;
		}
		if (set[i].full_us < r->full_us)
			r = &set[i];
	}
	if (r->key != key || r->full_us < now)
		r->full_us = now;
	r->key = key;
	if (r->full_us + (keep + 1) * gap_us > now + burst * gap_us)
		return false;
	r->full_us += gap_us;
	return true;
}

/*
 * A MAC is quickly made up, and with a rule that takes all of them each costs
 * an RRQ, and an address of the HA's pool until its lifetime ends.
 */
bool new_device_ok(struct core *core, uint32_t port)
{
	return take_token(core->port_rates[port % RATE_SETS], port, core->now->mono_us, NEW_GAP_US, NEW_BURST, 0);
}

bool source_ok(struct core *core, struct in_addr src, bool served)
{
	struct rate *set = core->source_rates[hash_mix(src.s_addr ^ core->seed) % RATE_SETS];
	const uint32_t rate = core->cfg->source_rate;
	char addr[INET_ADDRSTRLEN];

	if (!rate || take_token(set, src.s_addr, core->now->mono_us, SECOND / rate, rate, served ? 0 : rate / 2))
		return true;
	if (served)
		core->count.drop_source_rate++;
	else
		core->count.drop_source_rate_new++;
	if (!core->rate_warned_us || core->now->mono_us - core->rate_warned_us >= WARN_GAP_US) {
		core->rate_warned_us = core->now->mono_us;
		act_log(core, CORE_LOG_WARNING, "%s sends more than source-rate = %u: the rest is dropped, "
			"new devices first", addr_text(src, addr), rate);
	}
	return false;
}
