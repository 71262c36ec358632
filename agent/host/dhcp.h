/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The DHCP server on a proxy agent's ports (RFC 2131 s4.3). Addresses come
 * from the home agent: answers wait until the registration is done
 * (RFC 5563 s4.1.1).
 */
#ifndef MIP4_DHCP_H
#define MIP4_DHCP_H

#include "host/host.h"
#include "host/port.h"

struct dhcp;

struct dhcp *dhcp_new(struct host *host);
void dhcp_free(struct dhcp *dhcp);

void dhcp_frame(struct dhcp *dhcp, const struct port *port, const uint8_t *frame, size_t len,
		bool csum_done, uint64_t seen_us);
/* CORE_ACT_ATTACHED, REFUSED and GONE, after the core has returned. */
void dhcp_result(struct dhcp *dhcp, const struct core_action *action);
/* After a restart: the lease of a restored registration runs on. */
void dhcp_restore(struct dhcp *dhcp, const struct core_reg *reg);
/* Has the device just given its address back? Then a frame from source address @addr registers nothing. */
bool dhcp_holds_off(struct dhcp *dhcp, const uint8_t mac[static 6], struct in_addr addr);
/* The device is made to leave: its lease and its offer are void. */
void dhcp_forget(struct dhcp *dhcp, const uint8_t mac[static 6]);
/* Answers that wait for the core's won't come: clients ask again. */
void dhcp_reset(struct dhcp *dhcp);

void dhcp_counters(const struct dhcp *dhcp, void (*fn)(void *arg, const char *name, uint64_t value), void *arg);

#endif /* MIP4_DHCP_H */
