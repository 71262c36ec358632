/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The outside world around the core. Everything runs on one thread: a source
 * (UDP, netlink, DHCP, timers, control socket) makes an event, host_event()
 * gives it to the core, the core's actions are done at once and their
 * completions are given to it when it has returned.
 */
#ifndef MIP4_HOST_H
#define MIP4_HOST_H

#include "host/config.h"
#include "host/datapath.h"

#include <sys/queue.h>

struct host_queued;

struct host {
	/* set by the creator, who owns the strings */
	const char *name, *config_path, *state_dir, *socket_path;

	struct config *config;
	struct core *core;
	struct event_base *base;
	struct event *timer, *resync, *sync;
	bool links_lost;		/* @resync has to look at the links too */
	uint64_t wall_ahead_us;		/* of the monotonic clock when the process started */
	uint64_t armed_us;		/* when @timer fires, 0 = not armed */
	bool busy;			/* within host_event() */
	STAILQ_HEAD(, host_queued) events, results;

	struct keep *keep;
	struct udp *udp;
	struct datapath *datapath;
	struct links *links;
	struct fdb *fdb;
	struct hostapds *hostapds;
	struct ports *ports;
	struct store *store;
	struct dhcp *dhcp;
	struct presence *presence;
	struct homes *homes;
	struct timeline *timeline;
	struct control *control;
};

/* Reads the configuration, restores and adopts, listens. False: it has been logged why. */
bool host_start(struct host *host);
/* Registrations stay in the store, bindings in the kernel. */
void host_stop(struct host *host);
/* Read the configuration again; a bad one changes nothing. Devices stay bound. */
bool host_reload(struct host *host);

/* Give @event to the core now, or once it has returned. */
void host_event(struct host *host, const struct core_event *event);

/*
 * The one place that attach triggers meet: the first one wins, the core
 * ignores the others. @seen_us: when the frame or event reached the router.
 * @nai may be NULL, @hint 0. @init: see core_event.
 */
void host_attach(struct host *host, uint32_t port, const char *port_name, const uint8_t mac[static 6],
		 enum core_trigger trigger, bool init, struct in_addr hint, const char *nai, uint64_t seen_us);
void host_detach(struct host *host, uint32_t port, const uint8_t mac[static 6], enum core_detach why);

/* Is the device forwarded for now (bound, or being refreshed)? */
static inline bool host_is_bound(const struct core_reg *reg)
{
	return reg && (reg->state == CORE_BOUND || reg->state == CORE_REFRESH);
}

#endif /* MIP4_HOST_H */
