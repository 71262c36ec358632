/* SPDX-License-Identifier: GPL-2.0-only */
/* Is a device still attached? Answers CORE_ACT_CONFIRM (RFC 5563 s4.4). */
#ifndef MIP4_PRESENCE_H
#define MIP4_PRESENCE_H

#include "host/host.h"
#include "host/port.h"

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
/*
 * The link of a port went down: so did its devices'. It came: those that were
 * there are asked whether they are again; one that only listens would else be
 * found when it renews its lease. True: one is still away.
 */
bool presence_link(struct presence *presence, const struct port *port, bool up);
/* Forget all questions: the core that asked is gone. */
void presence_reset(struct presence *presence);

#endif /* MIP4_PRESENCE_H */
