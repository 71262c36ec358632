// SPDX-License-Identifier: GPL-2.0-only
#include "host/presence.h"
#include "host/clock.h"
#include "host/log.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define RECENT_MS	2000	/* a frame that young is an answer */
#define TRIES		3	/* ARP requests, one per second */

/* One question under way. Frames of the device count as answers, whatever they hold. */
struct probe {
	struct presence *presence;
	struct core_action ask;
	uint64_t asked_us;
	unsigned int sent;
	struct event *timer;
	LIST_ENTRY(probe) list;
};

struct presence {
	struct host *host;
	LIST_HEAD(, probe) probes;
};

static void answer(struct host *host, uint64_t cookie, bool present)
{
	const struct core_event event = {
		.type = CORE_EV_PRESENT,
		.present = { .cookie = cookie, .present = present },
	};

	host_event(host, &event);
}

/* A frame of the device within the last @ms milliseconds? */
static bool seen_within(struct host *host, const struct core_action *ask, uint64_t ms)
{
	struct datapath_binding b;

	return !datapath_get(host->datapath, ask->confirm.device, ask->confirm.realm, ask->confirm.home, &b) &&
	       b.as.cookie == ask->confirm.cookie && b.seen && b.seen_ms <= ms;
}

static void send_arp(struct host *host, uint32_t ifindex, const uint8_t mac[static 6],
		     struct in_addr gateway, struct in_addr home)
{
	const struct port *port = port_find(host->ports, ifindex);

	if (port)
		port_send_arp(port, mac, gateway, home);
}

static void ask_device(struct host *host, const struct core_action *ask)
{
	send_arp(host, ask->confirm.port, ask->confirm.mac, ask->confirm.gateway, ask->confirm.home);
}

void presence_greet(struct presence *presence, const struct core_action *action)
{
	send_arp(presence->host, action->device.port, action->device.mac, action->device.gateway,
		 action->device.home);
}

struct on_port {
	struct host *host;
	const struct port *port;
	uint8_t (*mac)[6];
	size_t n, n_away;
};

static bool note_on_port(void *arg, const struct core_reg *reg)
{
	struct on_port *on = arg;
	void *grown;

	if (reg->rec.role != CORE_PMA || reg->rec.port != on->port->ifindex)
		return true;
	grown = reallocarray(on->mac, on->n + 1, sizeof(*on->mac));
	if (!grown)
		return false;	/* the rest is found out when it is to be refreshed */
	on->mac = grown;
	memcpy(on->mac[on->n++], reg->rec.mac, 6);
	return true;
}

static bool call_back(void *arg, const struct core_reg *reg)
{
	const struct core_network *net;
	struct on_port *on = arg;

	if (reg->rec.role != CORE_PMA || reg->rec.port != on->port->ifindex || reg->state != CORE_AWAY)
		return true;
	on->n_away++;
	net = config_network(on->host->config, reg->rec.network, NULL);
	if (net)
		port_send_arp(on->port, reg->rec.mac, net->gateway, reg->rec.home);
	return true;
}

bool presence_link(struct presence *presence, const struct port *port, bool up)
{
	struct on_port on = { .host = presence->host, .port = port };

	core_walk(presence->host->core, up ? call_back : note_on_port, &on);
	for (size_t i = 0; i < on.n; i++)
		host_detach(presence->host, port->ifindex, on.mac[i], CORE_DETACH_LINK);
	free(on.mac);
	return on.n_away;
}

static void free_probe(struct probe *probe)
{
	LIST_REMOVE(probe, list);
	if (probe->timer)
		event_free(probe->timer);
	free(probe);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct probe *probe = arg;
	struct host *host = probe->presence->host;
	uint64_t cookie = probe->ask.confirm.cookie;
	bool present = seen_within(host, &probe->ask, (clock_mono_us() - probe->asked_us) / 1000);
	struct timeval second = { 1, 0 };

	(void)fd;
	(void)what;
	if (!present && probe->sent < TRIES) {
		ask_device(host, &probe->ask);
		probe->sent++;
		evtimer_add(probe->timer, &second);
		return;
	}
	log_debug("%s is %s", mac_text(probe->ask.confirm.mac).s, present ? "present" : "absent");
	free_probe(probe);
	answer(host, cookie, present);
}

void presence_ask(struct presence *presence, const struct core_action *action)
{
	struct host *host = presence->host;
	struct timeval second = { 1, 0 };
	struct probe *probe;

	if (seen_within(host, action, RECENT_MS)) {
		answer(host, action->confirm.cookie, true);
		return;
	}
	probe = calloc(1, sizeof(*probe));
	if (probe) {
		probe->presence = presence;
		probe->ask = *action;
		probe->asked_us = clock_mono_us();
		LIST_INSERT_HEAD(&presence->probes, probe, list);
		probe->timer = evtimer_new(host->base, on_timer, probe);
	}
	if (!probe || !probe->timer) {
		if (probe)
			free_probe(probe);
		/* Without memory to ask, keep serving. */
		answer(host, action->confirm.cookie, true);
		return;
	}
	ask_device(host, action);
	probe->sent = 1;
	evtimer_add(probe->timer, &second);
}

void presence_reset(struct presence *presence)
{
	while (!LIST_EMPTY(&presence->probes))
		free_probe(LIST_FIRST(&presence->probes));
}

struct presence *presence_new(struct host *host)
{
	struct presence *presence = calloc(1, sizeof(*presence));

	if (presence) {
		presence->host = host;
		LIST_INIT(&presence->probes);
	}
	return presence;
}

void presence_free(struct presence *presence)
{
	if (!presence)
		return;
	presence_reset(presence);
	free(presence);
}
