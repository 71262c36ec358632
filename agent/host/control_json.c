// SPDX-License-Identifier: GPL-2.0-only
#include "host/control_json.h"
#include "host/clock.h"
#include "host/dhcp.h"
#include "host/log.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

static void add_text(struct json_object *obj, const char *key, const char *text)
{
	if (*text)
		json_object_object_add(obj, key, json_object_new_string(text));
}

static void add_number(struct json_object *obj, const char *key, uint64_t value)
{
	json_object_object_add(obj, key, json_object_new_uint64(value));
}

static void add_addr(struct json_object *obj, const char *key, struct in_addr addr)
{
	if (addr.s_addr)
		add_text(obj, key, ip_text(addr).s);
}

static void add_access(struct json_object *obj, uint8_t access)
{
	const char *name = wire_access_name(access);

	if (name)
		add_text(obj, "access", name);
	else		/* what IANA has given out since */
		add_number(obj, "access", access);
}

static void add_others(struct json_object *obj, const struct core_reg *reg)
{
	struct json_object *also = json_object_new_array();
	struct in_addr coa[CORE_LEGS_MAX - 1];
	unsigned int n = core_others(reg, coa);

	for (unsigned int i = 0; i < n; i++)
		json_object_array_add(also, json_object_new_string(ip_text(coa[i]).s));
	if (n)
		json_object_object_add(obj, "also", also);
	else
		json_object_put(also);
}

struct json_object *json_registration(const struct core_reg *reg)
{
	const struct core_record *rec = &reg->rec;
	struct json_object *obj = json_object_new_object();
	uint64_t now = clock_mono_us();
	char cookie[17];

	add_text(obj, "role", rec->role == CORE_HA ? "ha" : "pma");
	add_text(obj, "nai", rec->nai);
	add_text(obj, "network", rec->network);
	add_number(obj, "realm", rec->realm);
	if (rec->access)
		add_access(obj, rec->access);
	add_text(obj, "state", core_state_name(reg->state));
	add_addr(obj, "home", rec->home);
	add_addr(obj, "ha", rec->ha);
	add_addr(obj, "coa", rec->coa);
	add_others(obj, reg);
	if (rec->lifetime) {	/* granted, so all of it is settled */
		add_text(obj, "encap", rec->gre ? "gre" : "ipip");
		if (rec->keyed) {
			add_number(obj, "key", rec->key_in);
			add_number(obj, "okey", rec->key_out);
		}
		add_number(obj, "lifetime", rec->lifetime);
		if (reg->expires_us)
			add_number(obj, "expires", reg->expires_us > now ? (reg->expires_us - now) / 1000000 : 0);
	}
	if (reg->auth)
		add_text(obj, "auth", core_auth_name(reg->auth));
	snprintf(cookie, sizeof(cookie), "%016" PRIx64, rec->cookie);
	add_text(obj, "cookie", cookie);
	if (rec->role == CORE_PMA) {
		add_text(obj, "mac", mac_text(rec->mac).s);
		add_text(obj, "port", rec->port_name);
		json_object_object_add(obj, "dhcp", json_object_new_boolean(rec->dhcp));
	}
	if (reg->last_code)
		add_number(obj, "code", reg->last_code);
	return obj;
}

struct json_object *json_peer(const struct core_peer_state *state)
{
	const struct core_peer *peer = state->cfg;
	struct json_object *obj = json_object_new_object(), *modes = json_object_new_array();
	uint64_t now = clock_mono_us();
	char text[INET_ADDRSTRLEN + 4];

	snprintf(text, sizeof(text), peer->host_bits ? "%s/%d" : "%s", ip_text(peer->addr).s, 32 - peer->host_bits);
	add_text(obj, "peer", text);
	if (peer->proxy)
		json_object_array_add(modes, json_object_new_string("per-node"));
	if (peer->per_mn)
		json_object_array_add(modes, json_object_new_string("per-mn"));
	json_object_object_add(obj, "modes", modes);
	add_text(obj, "method", core_auth_name(peer->ipsec ? CORE_AUTH_IPSEC :
					       peer->n_sa ? CORE_AUTH_FA_HA : CORE_AUTH_NONE));
	if (state->clock_known) {
		json_object_object_add(obj, "clock_ahead_ms", json_object_new_int64(state->ahead_us / 1000));
		add_number(obj, "clock_error_ms", (state->error_us + 999) / 1000);
	}
	if (state->offset_s)
		json_object_object_add(obj, "id_offset", json_object_new_int64(state->offset_s));
	if (state->hold_until_us > now) {
		add_number(obj, "code", state->code);
		add_number(obj, "hold", (state->hold_until_us - now + 999999) / 1000000);
	}
	return obj;
}

struct json_object *json_drain(const struct core *core, const struct core_network *net)
{
	struct json_object *obj = json_object_new_object();
	struct core_drain_state state;

	core_drain_state(core, net, &state);
	add_text(obj, "network", net->name);
	if (state.to.s_addr)
		add_text(obj, "to", ip_text(state.to).s);
	add_number(obj, "registrations", state.left);
	add_number(obj, "told", state.told);
	return obj;
}

static void add_phase(struct json_object *obj, const char *key, uint64_t at_us, uint64_t seen_us)
{
	if (at_us && at_us >= seen_us)
		add_number(obj, key, at_us - seen_us);
}

struct json_object *json_handover(const struct handover *h)
{
	struct json_object *obj = json_object_new_object(), *phases = json_object_new_object();
	uint64_t seen_us = h->at.seen_us;

	add_text(obj, "mac", mac_text(h->mac).s);
	add_text(obj, "nai", h->nai);
	add_addr(obj, "home", h->home);
	add_text(obj, "port", h->port_name);
	add_text(obj, "trigger", core_trigger_name(h->at.trigger));
	add_phase(phases, "identity", h->at.identity_us, seen_us);
	add_phase(phases, "rrq", h->at.rrq_us, seen_us);
	add_phase(phases, "rrp", h->at.rrp_us, seen_us);
	add_phase(phases, "binding", h->at.bound_us, seen_us);
	add_phase(phases, "first_up", h->first_up_us, seen_us);
	add_phase(phases, "first_down", h->first_down_us, seen_us);
	json_object_object_add(obj, "phases_us", phases);
	add_number(obj, "seen_us", seen_us);
	return obj;
}

static void add_counter(void *arg, const char *name, uint64_t value)
{
	add_number(arg, name, value);
}

struct json_object *json_counters(const struct host *host)
{
	const struct core_counters *counters = core_counters(host->core);
	struct json_object *obj = json_object_new_object();

#define CORE_COUNTER_JSON(name) add_number(obj, #name, counters->name);
	CORE_COUNTERS(CORE_COUNTER_JSON)
	if (host->config->core.pma)
		dhcp_counters(host->dhcp, add_counter, obj);
	return obj;
}

bool json_get_u32(struct json_object *v, uint32_t *out)
{
	int64_t n = json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : -1;

	if (n < 0 || n > UINT32_MAX)
		return false;
	*out = n;
	return true;
}

bool json_parse_addr(const char *text, struct in_addr *addr)
{
	return inet_pton(AF_INET, text, addr) == 1;
}
