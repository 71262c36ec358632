/* SPDX-License-Identifier: GPL-2.0-only */
/* The agent's side of the kernel module's generic netlink family (uapi/linux/mip4.h). */
#ifndef MIP4_DATAPATH_H
#define MIP4_DATAPATH_H

#include "core/core.h"

#include <linux/mip4.h>

struct event_base;
struct datapath;

/* A binding as the kernel tells of it. */
struct datapath_binding {
	uint32_t ifindex, id;	/* ifindex: of its mip4 device */
	struct core_binding as;	/* cookie 0: made by hand; lifetime: what is left; device and exists aren't set */
	/* present in answers, not in notifications */
	bool seen;
	uint64_t seen_ms;	/* since the last frame of the device; if @seen */
	uint64_t first_up_us, first_down_us;	/* CLOCK_MONOTONIC, 0 = none yet */
};

/* Has its device left? */
static inline bool datapath_returns(const struct core_binding *b)
{
	return b->n_legs && b->leg[0].state == CORE_LEG_RETURN;
}

struct datapath_device {	/* MIP4_EVENT_UNKNOWN_DEVICE */
	uint32_t port;
	uint8_t mac[6];
	uint16_t ethertype;
	struct in_addr addr;
	uint64_t seen_us;
};

struct datapath_ops {
	void (*unknown_device)(void *arg, const struct datapath_device *device);
	void (*deleted)(void *arg, const struct datapath_binding *binding, enum mip4_del_reason reason);
	void (*lost)(void *arg);	/* notifications were; the state has to be compared */
	void *arg;
};

/*
 * Opens the family and subscribes to its groups. NULL with a sentence in
 * @text (CORE_TEXT_MAX bytes) that says what to do, for instance when the
 * module isn't loaded.
 */
struct datapath *datapath_open(struct event_base *base, const struct datapath_ops *ops, char *text);
void datapath_close(struct datapath *dp);

/* All of these: 0 or a positive errno; @text as above. */
int datapath_version(struct datapath *dp, char *version, size_t size);
/*
 * By its cookie a binding is ours: of others, bind says EEXIST and which it
 * is, unbind ENOENT, and both leave it as it is. But one of ours that only
 * returns, or waits for its acceptance, gives way, to what is accepted.
 */
int datapath_bind(struct datapath *dp, const struct core_binding *binding, char *text);
int datapath_unbind(struct datapath *dp, const struct core_binding *binding, char *text);
int datapath_get(struct datapath *dp, const char *device, uint32_t realm, struct in_addr home,
		 struct datapath_binding *binding);
/* Lets the mip4 device @ifindex tunnel through UDP by a socket. */
int datapath_socket(struct datapath *dp, uint32_t ifindex, int fd, char *text);
/* Makes @port, a port of @ifindex, its home link. */
int datapath_set_home_link(struct datapath *dp, uint32_t ifindex, uint32_t port, char *text);
/* *@port: the home link of @ifindex, 0 = none. */
int datapath_get_home_link(struct datapath *dp, uint32_t ifindex, uint32_t *port, char *text);
/* All of one moment: @fn is called once the dump is complete, and may make requests. */
int datapath_walk(struct datapath *dp, void (*fn)(void *arg, const struct datapath_binding *binding),
		  void *arg, char *text);

#endif /* MIP4_DATAPATH_H */
