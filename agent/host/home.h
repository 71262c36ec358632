/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Home links: their hosts are told by gratuitous ARP which MAC has a home
 * address now (RFC 5944 section 4.6), ours or that of the device itself. What
 * they ask is the kernel's to answer.
 */
#ifndef MIP4_HOME_H
#define MIP4_HOME_H

#include "host/datapath.h"
#include "host/link.h"

struct homes;

struct homes *homes_new(struct event_base *base);
void homes_free(struct homes *homes);
/* Could homes_ensure() do it, as far as one can see? Changes nothing. Returns as that does. */
int homes_check(struct datapath *dp, const struct config_device *device, char *text);
/* After link_ensure(): what the configuration says is the home link is one. 0 or a positive errno, as for that. */
int homes_ensure(struct datapath *dp, const struct config_device *device, char *text);
/* Which they are; the links themselves come by homes_link_changed(). Nothing that was to be said still is. */
void homes_configure(struct homes *homes, const struct config *config);
/* What links tell. */
void homes_link_changed(struct homes *homes, const struct link_info *info, bool gone);
/* Is @ifindex one? */
bool homes_has(const struct homes *homes, uint32_t ifindex);

/* @home is behind a tunnel of @device: our MAC has it. Said HOME_TIMES, for the first time now. */
void homes_begin(struct homes *homes, const char *device, struct in_addr home);
/*
 * It no longer is. Who has it at home is asked for its MAC, HOME_TIMES at most,
 * and that is said as often. If nobody answers, there is nothing to say.
 */
void homes_end(struct homes *homes, const char *device, struct in_addr home);

#define HOME_TIMES	3	/* a broadcast may be lost */
#define HOME_MS		1000	/* in between, as between ARP requests (RFC 1122 s2.3.2.1) */

#endif /* MIP4_HOME_H */
