/* SPDX-License-Identifier: GPL-2.0-only */
/* Is a device still attached? Answers CORE_ACT_CONFIRM (RFC 5563 s4.4). */
#ifndef MIP4_PRESENCE_H
#define MIP4_PRESENCE_H

#include "host/host.h"

struct presence;

struct presence *presence_new(struct host *host);
void presence_free(struct presence *presence);
/* @action is a CORE_ACT_CONFIRM; a CORE_EV_PRESENT follows, at once or within three seconds. */
void presence_ask(struct presence *presence, const struct core_action *action);
/*
 * @action is a CORE_ACT_ATTACHED. Asks the device for its address by unicast
 * ARP, in the gateway's name. What counts is what the device learns from it: a
 * move may have cost it its neighbour entry or its own request, which it would
 * repeat only after a second (RFC 1122 s2.3.2.1).
 */
void presence_greet(struct presence *presence, const struct core_action *action);
/* Forget all questions: the core that asked is gone. */
void presence_reset(struct presence *presence);

#endif /* MIP4_PRESENCE_H */
