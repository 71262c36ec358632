// SPDX-License-Identifier: GPL-2.0-only
/* What others may cost: devices without a registration, by MAC and by port, and who sends messages, by address. */
#include <arpa/inet.h>
#include <string.h>

#include "core/hash.h"
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

/* Somebody waits for an answer, or has moved on purpose; frames come by themselves. */
bool was_asked(const struct core_event *ev)
{
	return ev->attach.trigger == CORE_TRIGGER_DHCP || ev->attach.trigger == CORE_TRIGGER_API ||
	       (ev->attach.trigger == CORE_TRIGGER_HOSTAPD && ev->attach.init);
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

/* The one of @key, full unless it is known; the fullest of the others gives way. */
static struct rate *rate_of(struct rate set[static RATE_WAYS], uint32_t key)
{
	struct rate *r = set;

	for (int i = 0; i < RATE_WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].full_us < r->full_us)
			r = &set[i];
	}
	r->key = key;
	r->full_us = 0;
	return r;
}

/* Are there more than @keep of its @burst tokens, of which one is back each @gap_us? */
static bool has_tokens(struct rate *r, uint64_t now, uint64_t gap_us, unsigned int burst, unsigned int keep)
{
	if (r->full_us < now)
		r->full_us = now;
	return r->full_us + (keep + 1) * gap_us <= now + burst * gap_us;
}

static bool take_token(struct rate *r, uint64_t now, uint64_t gap_us, unsigned int burst, unsigned int keep)
{
	if (!has_tokens(r, now, gap_us, burst, keep))
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
	struct rate *rate = rate_of(core->port_rates[port % RATE_SETS], port);

	return take_token(rate, core->now->mono_us, NEW_GAP_US, NEW_BURST, 0);
}

bool may_warn(const struct core *core, uint64_t *warned_us, uint64_t gap_us)
{
	if (*warned_us && core->now->mono_us - *warned_us < gap_us)
		return false;
	*warned_us = core->now->mono_us;
	return true;
}

static bool source_ok(struct core *core, struct in_addr src, bool served)
{
	struct rate *set = core->source_rates[hash_mix(src.s_addr ^ core->seed) % RATE_SETS];
	const uint32_t rate = core->cfg->source_rate;
	char addr[INET_ADDRSTRLEN];

	if (!rate || take_token(rate_of(set, src.s_addr), core->now->mono_us, SECOND / rate, rate,
				served ? 0 : rate / 2))
		return true;
	if (served)
		core->count.drop_source_rate++;
	else
		core->count.drop_source_rate_new++;
	if (may_warn(core, &core->source_warned_us, WARN_GAP_US))
		act_log(core, CORE_LOG_WARNING, "%s sends more than source-rate = %u: the rest is dropped, "
			"new devices first", addr_text(src, addr), rate);
	return false;
}

bool message_ok(struct core *core, struct in_addr src, bool served)
{
	const uint32_t rate = core->cfg->total_rate;

	if (!source_ok(core, src, served))
		return false;
	if (!rate || take_token(&core->total_rate, core->now->mono_us, SECOND / rate, rate, served ? 0 : rate / 2))
		return true;
	if (served)
		core->count.drop_total_rate++;
	else
		core->count.drop_total_rate_new++;
	if (may_warn(core, &core->total_warned_us, WARN_GAP_US))
		act_log(core, CORE_LOG_WARNING, "more than total-rate = %u messages a second: the rest is dropped, "
			"new devices first", rate);
	return false;
}

void note_work(struct core *core)
{
	const uint32_t rate = core->cfg->registration_rate;

	if (rate)
		take_token(&core->registration_rate, core->now->mono_us, SECOND / rate, rate, 0);
}

bool work_is_left(struct core *core)
{
	const uint32_t rate = core->cfg->registration_rate;

	if (!rate || has_tokens(&core->registration_rate, core->now->mono_us, SECOND / rate, rate, rate / 2))
		return true;
	core->count.busy_new_device++;
	if (may_warn(core, &core->busy_warned_us, WARN_GAP_US))
		act_log(core, CORE_LOG_WARNING, "more than registration-rate = %u: new devices are denied", rate);
	return false;
}
