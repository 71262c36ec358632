/* SPDX-License-Identifier: GPL-2.0-only */
/* The control socket's objects as JSON. */
#ifndef MIP4_CONTROL_JSON_H
#define MIP4_CONTROL_JSON_H

#include "host/host.h"
#include "host/timeline.h"

#include <json-c/json.h>

struct json_object *json_registration(const struct core_reg *reg);
struct json_object *json_handover(const struct handover *handover);
struct json_object *json_peer(const struct core_peer_state *state);
struct json_object *json_drain(const struct core *core, const struct core_network *net);
struct json_object *json_counters(const struct host *host);

bool json_get_u32(struct json_object *v, uint32_t *out);
bool json_parse_addr(const char *text, struct in_addr *addr);

#endif /* MIP4_CONTROL_JSON_H */
