/* SPDX-License-Identifier: GPL-2.0-only */
/* Network devices by rtnetlink: what there is, what changes, and the mip4 devices that the configuration creates. */
#ifndef MIP4_LINK_H
#define MIP4_LINK_H

#include "host/config.h"

struct event_base;
struct links;

struct link_info {
	uint32_t ifindex, master;	/* 0: no master */
	char name[IFNAMSIZ];
	uint8_t mac[6];			/* zero unless Ethernet */
	bool ethernet, up;
	bool running;			/* up, and with a carrier */
	bool bridged, isolated;		/* @master is a bridge; no frame goes from it to another isolated member */
	uint32_t carrier_ups;		/* how often the carrier came; tells a flap that was over before we looked */
	bool mip4;			/* kind "mip4"; then: */
	struct in_addr local;
	uint32_t realm;
	bool has_gwmac;
	uint8_t gwmac[6];
};

/*
 * @changed gets every device that appears, changes or (@gone) goes; after
 * @lost some of that is missing until a links_walk().
 */
struct links *links_open(struct event_base *base, void (*changed)(void *arg, const struct link_info *info, bool gone),
			 void (*lost)(void *arg), void *arg, char *text);
void links_close(struct links *links);
/* All devices there are, through @changed. 0 or a positive errno. */
int links_walk(struct links *links);

/* By name, or by @ifindex if @name is NULL. 0 or a positive errno. */
int link_get(struct links *links, const char *name, uint32_t ifindex, struct link_info *info);

/* Could link_ensure() do it, as far as one can see? Changes nothing. Returns as that does. */
int link_check(struct links *links, const struct config_device *device, char *text);
/*
 * After link_check(): creates the mip4 device if it isn't there, gives it its addresses, sets it
 * and its ports up and enslaves them. Never deletes or changes what another
 * hand made. 0 or a positive errno with a sentence in @text (CORE_TEXT_MAX).
 */
int link_ensure(struct links *links, const struct config_device *device, char *text);
/* After that: the settings that the configuration names, whoever made the device. Returns as that does. */
int link_set(struct links *links, const struct config_device *device, char *text);

#endif /* MIP4_LINK_H */
