// SPDX-License-Identifier: GPL-2.0-only
#include "host/host.h"
#include "host/clock.h"
#include "host/control.h"
#include "host/dhcp.h"
#include "host/fdb.h"
#include "host/home.h"
#include "host/hostapd.h"
#include "host/keep.h"
#include "host/log.h"
#include "host/presence.h"
#include "host/store.h"
#include "host/timeline.h"
#include "host/udp.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/if_ether.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define RESYNC_MS	200		/* deletions by others come in bursts */

/* A completion or a result, to be handled when the core has returned. */
struct host_queued {
	union {
		struct core_event event;
		struct core_action action;
	};
	char text[CORE_TEXT_MAX];	/* of event.done */
	STAILQ_ENTRY(host_queued) list;
};

static struct host_queued *queued_new(void)
{
	struct host_queued *q = calloc(1, sizeof(*q));

	if (!q) {
		/* A lost completion would hang its registration; a restart loses nothing. */
		log_error("out of memory");
		exit(1);
	}
	return q;
}

/* ---- actions ---- */

static void complete(struct host *host, enum core_event_type type, uint64_t cookie, int error, const char *text)
{
	struct host_queued *q = queued_new();

	q->event.type = type;
	q->event.done.cookie = cookie;
	q->event.done.error = error;
	if (error) {
		snprintf(q->text, sizeof(q->text), "%s", text);
		q->event.done.text = q->text;
	}
	STAILQ_INSERT_TAIL(&host->events, q, list);
}

/* Without the tunnels that were left: better what is on its way is lost than all that follows. */
static struct core_binding essence(const struct core_binding *b, const struct core_config *cfg)
{
	struct core_binding less = *b;

	less.n_legs = 1;
	for (unsigned int i = 1; i < b->n_legs; i++) {
		if (core_is_simultaneous(cfg, &b->leg[i]))
			less.leg[less.n_legs++] = b->leg[i];
	}
	return less;
}

static void do_bind(struct host *host, const struct core_binding *b)
{
	char text[CORE_TEXT_MAX] = "";
	int error = datapath_bind(host->datapath, b, text);
	const enum core_leg_state state = b->leg[0].state;
	/* A device may name an address that isn't its own, and what returned may have given way. */
	bool usual;

	if (error && b->n_legs > 1) {
		const struct core_binding less = essence(b, &host->config->core);

		if (less.n_legs < b->n_legs)
			error = datapath_bind(host->datapath, &less, text);
	}
	usual = (state == CORE_LEG_PENDING && error == EEXIST) || (state == CORE_LEG_RETURN && error == ENOENT);
	if (error)
		log_limited(usual ? LOG_L_DEBUG : LOG_L_WARNING, "cannot bind %s on %s: %s", ip_text(b->home).s,
			    b->device, text);
	complete(host, CORE_EV_BOUND, b->cookie, error, text);
}

static void do_unbind(struct host *host, const struct core_binding *b)
{
	char text[CORE_TEXT_MAX] = "";
	int error;

	timeline_close(host->timeline, host->datapath, b->cookie);
	error = datapath_unbind(host->datapath, b, text);
	if (error && error != ENOENT && error != ENODEV)
		log_limited(LOG_L_WARNING, "cannot unbind %s on %s: %s", ip_text(b->home).s, b->device, text);
}

static void on_stored(void *arg, uint64_t cookie, int error, const char *text)
{
	complete(arg, CORE_EV_STORED, cookie, error, text);
}

static void on_action(void *arg, const struct core_action *action)
{
	static const enum log_level levels[] = {
		[CORE_LOG_DEBUG] = LOG_L_DEBUG, [CORE_LOG_INFO] = LOG_L_INFO, [CORE_LOG_WARNING] = LOG_L_WARNING,
	};
	struct host *host = arg;
	struct host_queued *q;

	switch (action->type) {
	case CORE_ACT_SEND:
		udp_send(host->udp, action->send.src, action->send.dst, action->send.dport,
			 action->send.link, action->send.data, action->send.len);
		break;
	case CORE_ACT_BIND:
		do_bind(host, &action->bind);
		break;
	case CORE_ACT_UNBIND:
		do_unbind(host, &action->bind);
		break;
	case CORE_ACT_STORE:
		store_put(host->store, &action->store);
		break;
	case CORE_ACT_FORGET:
		store_del(host->store, action->store.cookie);
		break;
	case CORE_ACT_ATTACHED:
	case CORE_ACT_REFUSED:
	case CORE_ACT_GONE:
	case CORE_ACT_CONFIRM:
		q = queued_new();
		q->action = *action;
		STAILQ_INSERT_TAIL(&host->results, q, list);
		break;
	case CORE_ACT_PROXY:
		homes_begin(host->homes, action->proxy.device, action->proxy.home);
		break;
	case CORE_ACT_UNPROXY:
		homes_end(host->homes, action->proxy.device, action->proxy.home);
		break;
	case CORE_ACT_LOG:
		log_at(levels[action->log.level], "%s", action->log.text);
		break;
	}
}

/* ---- events ---- */

static void run(struct host *host, const struct core_event *event)
{
	struct core_now now = { .mono_us = clock_mono_us() };

	now.ntp = clock_ntp(now.mono_us + host->wall_ahead_us);
	if (getrandom(now.random, sizeof(now.random), 0) != sizeof(now.random)) {
		log_error("no random bytes");
		exit(1);
	}
	core_event(host->core, &now, event);
}

static void arm(struct host *host)
{
	uint64_t next = core_next(host->core), now, wait;
	struct timeval tv;

	if (next == host->armed_us)
		return;
	host->armed_us = next;
	if (!next) {
		evtimer_del(host->timer);
		return;
	}
	now = clock_mono_us();
	wait = next > now ? next - now : 0;
	tv = (struct timeval){ wait / 1000000, wait % 1000000 };
	evtimer_add(host->timer, &tv);
}

static void handle_result(struct host *host, const struct core_action *action)
{
	const struct core_network *net;
	const struct core_reg *reg;

	if (action->type == CORE_ACT_CONFIRM) {
		presence_ask(host->presence, action);
		return;
	}
	if (action->type == CORE_ACT_ATTACHED) {
		reg = core_find_device(host->core, action->device.port, action->device.mac);
		net = reg ? config_network(host->config, reg->rec.network, NULL) : NULL;
		if (net && reg->timeline.seen_us)	/* 0: taken up again after a restart */
			timeline_add(host->timeline, reg, net->device);
		presence_greet(host->presence, action);
	}
	dhcp_result(host->dhcp, action);
	if (host->control)
		control_result(host->control, action);
}

/* What the core has caused, and what that causes, until nothing is left; ends being busy. */
static void follow_up(struct host *host)
{
	static const struct timeval soon;
	struct host_queued *q;

	for (;;) {
		if (!STAILQ_EMPTY(&host->events)) {
			q = STAILQ_FIRST(&host->events);
			STAILQ_REMOVE_HEAD(&host->events, list);
			run(host, &q->event);
		} else if (!STAILQ_EMPTY(&host->results)) {
			q = STAILQ_FIRST(&host->results);
			STAILQ_REMOVE_HEAD(&host->results, list);
			handle_result(host, &q->action);
		} else {
			break;
		}
		free(q);
	}
	if (host->control)
		control_poll(host->control);
	host->busy = false;
	arm(host);
	/* Behind what has arrived by now: that goes to the disk with it. */
	if (store_waits(host->store) && !evtimer_pending(host->sync, NULL))
		evtimer_add(host->sync, &soon);
}

void host_event(struct host *host, const struct core_event *event)
{
	struct host_queued *q;

	if (host->busy) {	/* from within an action or a result; those have no foreign pointers */
		q = queued_new();
		q->event = *event;
		STAILQ_INSERT_TAIL(&host->events, q, list);
		return;
	}
	host->busy = true;
	run(host, event);
	follow_up(host);
}

static void on_sync(evutil_socket_t fd, short what, void *arg)
{
	struct host *host = arg;

	(void)fd;
	(void)what;
	host->busy = true;
	store_sync(host->store);
	follow_up(host);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct host *host = arg;

	(void)fd;
	(void)what;
	host->armed_us = 0;
	host_event(host, &(struct core_event){ .type = CORE_EV_TIMEOUT });
}

void host_attach(struct host *host, uint32_t port, const char *port_name, const uint8_t mac[static 6],
		 enum core_trigger trigger, bool init, struct in_addr hint, const char *nai, uint64_t seen_us)
{
	const struct core_reg *reg = core_find_device(host->core, 0, mac);
	struct core_event event = { .type = CORE_EV_ATTACH };

	/* Sockets of different ports are read in no order: what was sent before the device moved is history. */
	if (reg && reg->rec.port != port && seen_us < reg->timeline.seen_us)
		return;
	log_debug("%s on port %s, noticed by %s", mac_text(mac).s, port_name, core_trigger_name(trigger));
	event.attach.port = port;
	event.attach.port_name = port_name;
	memcpy(event.attach.mac, mac, 6);
	event.attach.trigger = trigger;
	event.attach.init = init;
	event.attach.hint = hint;
	event.attach.nai = nai;
	event.attach.seen_us = seen_us;
	host_event(host, &event);
}

void host_detach(struct host *host, uint32_t port, const uint8_t mac[static 6], enum core_detach why)
{
	struct core_event event = { .type = CORE_EV_DETACH };

	if (why == CORE_DETACH_ADMIN)
		dhcp_forget(host->dhcp, mac);
	event.detach.port = port;
	memcpy(event.detach.mac, mac, 6);
	event.detach.why = why;
	host_event(host, &event);
}

/* ---- what the kernel tells ---- */

static void on_unknown_device(void *arg, const struct datapath_device *device)
{
	struct host *host = arg;
	const struct port *port = port_find(host->ports, device->port);
	uint64_t now = clock_mono_us();

	if (!port)	/* of a mip4 device that isn't ours */
		return;
	/* Without an address that can only be DHCP, and its own socket sees what it asks for. */
	if (device->ethertype == ETH_P_IP && !device->addr.s_addr)
		return;
	if (dhcp_holds_off(host->dhcp, device->mac, device->addr))
		return;
	host_attach(host, device->port, port->name, device->mac,
		    device->ethertype == ETH_P_ARP ? CORE_TRIGGER_ARP : CORE_TRIGGER_PACKET, false, device->addr, NULL,
		    device->seen_us && device->seen_us <= now ? device->seen_us : now);
}

static void on_learned(void *arg, uint32_t bridge, const uint8_t mac[static 6])
{
	struct host *host = arg;
	const struct port *port = port_find(host->ports, bridge);
	const struct in_addr unknown = { 0 };

	if (port && config_fdb_trigger(host->config, port->name) && !dhcp_holds_off(host->dhcp, mac, unknown))
		host_attach(host, bridge, port->name, mac, CORE_TRIGGER_FDB, false, unknown, NULL, clock_mono_us());
}

/* An access point is a port itself, or a member of a bridge that is one. */
static void on_station(void *arg, const char *interface, const uint8_t mac[static 6], bool here, bool now)
{
	struct host *host = arg;
	const struct in_addr unknown = { 0 };
	const struct port *port;
	struct link_info info;

	if (link_get(host->links, interface, 0, &info))
		return;
	port = port_find(host->ports, info.ifindex);
	if (!port)
		port = port_find(host->ports, info.master);
	if (!port)
		log_limited(LOG_L_WARNING, "hostapd: %s is no port, nor in a bridge that is one", interface);
	else if (!here)
		host_detach(host, port->ifindex, mac, CORE_DETACH_LINK);
	else if (!dhcp_holds_off(host->dhcp, mac, unknown))
		host_attach(host, port->ifindex, port->name, mac, CORE_TRIGGER_HOSTAPD, now, unknown, NULL,
			    clock_mono_us());
}

static void request_resync(struct host *host)
{
	struct timeval tv = { 0, RESYNC_MS * 1000 };

	if (!evtimer_pending(host->resync, NULL))
		evtimer_add(host->resync, &tv);
}

/*
 * A binding went. If it was our doing, its registration has gone before. The
 * rest is compared with the kernel shortly; a port that left is told at once.
 */
static void on_deleted(void *arg, const struct datapath_binding *b, enum mip4_del_reason reason)
{
	struct host *host = arg;
	const struct core_reg *reg = b->as.port ? core_find_device(host->core, b->as.port, b->as.mac) : NULL;

	if (reg && (!host_is_bound(reg) || reg->rec.cookie != b->as.cookie))
		reg = NULL;
	if (reg && reason == MIP4_DEL_PORT)
		host_detach(host, b->as.port, b->as.mac, CORE_DETACH_PORT);
	else if (b->as.cookie && !datapath_returns(&b->as) && (reg || reason != MIP4_DEL_REQUEST))
		request_resync(host);
}

static void on_lost(void *arg)
{
	request_resync(arg);
}

struct cookies {
	uint64_t *cookie;
	size_t n, size;
	bool failed;
};

static void note_cookie(void *arg, const struct datapath_binding *b)
{
	struct cookies *c = arg;

	if (c->n == c->size) {
		size_t size = c->size ? 2 * c->size : 1024;
		uint64_t *grown = reallocarray(c->cookie, size, sizeof(*grown));

		if (!grown) {
			c->failed = true;
			return;
		}
		c->cookie = grown;
		c->size = size;
	}
	c->cookie[c->n++] = b->as.cookie;
}

static int compare_cookies(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

struct missing {
	struct cookies present;
	struct { uint32_t port; uint8_t mac[6]; } *pma;
	size_t n_pma, n_ha;
};

static bool note_missing(void *arg, const struct core_reg *reg)
{
	struct missing *m = arg;
	void *grown;

	if (!host_is_bound(reg) ||
	    (m->present.n &&
	     bsearch(&reg->rec.cookie, m->present.cookie, m->present.n, sizeof(uint64_t), compare_cookies)))
		return true;
	if (reg->rec.role == CORE_HA) {
		m->n_ha++;
		return true;
	}
	grown = reallocarray(m->pma, m->n_pma + 1, sizeof(*m->pma));
	if (!grown)
		return false;
	m->pma = grown;
	m->pma[m->n_pma].port = reg->rec.port;
	memcpy(m->pma[m->n_pma++].mac, reg->rec.mac, 6);
	return true;
}

/*
 * Registrations whose binding somebody else took away: a device on a port is
 * deregistered, and its next frame attaches it anew. On a home agent the next
 * renewal puts the binding back, as a decision of the operator is overruled
 * only when the device is known to be alive.
 */
static void on_resync(evutil_socket_t fd, short what, void *arg)
{
	struct host *host = arg;
	struct missing m = { 0 };
	char text[CORE_TEXT_MAX];

	(void)fd;
	(void)what;
	if (host->links_lost) {
		host->links_lost = ports_resync(host->ports);
		if (host->links_lost)
			request_resync(host);
	}
	if (datapath_walk(host->datapath, note_cookie, &m.present, text) || m.present.failed) {
		log_warning("cannot compare with the kernel's bindings, trying again: %s",
			    m.present.failed ? "no memory" : text);
		request_resync(host);
		goto out;
	}
	if (m.present.n)
		qsort(m.present.cookie, m.present.n, sizeof(uint64_t), compare_cookies);
	core_walk(host->core, note_missing, &m);
	if (m.n_ha)
		log_warning("%zu %s deleted by others; renewals put back what is still in use", m.n_ha,
			    m.n_ha == 1 ? "binding was" : "bindings were");
	if (m.n_pma)
		log_warning("%zu %s deleted by others; what is still there attaches anew", m.n_pma,
			    m.n_pma == 1 ? "binding was" : "bindings were");
	for (size_t i = 0; i < m.n_pma; i++)
		host_detach(host, m.pma[i].port, m.pma[i].mac, CORE_DETACH_ADMIN);
out:
	free(m.present.cookie);
	free(m.pma);
}

/* What UDP tunnels of a device go by; a module without them has no other use for it. */
static void give_socket(struct host *host, const struct link_info *info)
{
	int fd = udp_fd(host->udp, info->local), error;
	char text[CORE_TEXT_MAX];

	if (fd < 0)
		return;
	error = datapath_socket(host->datapath, info->ifindex, fd, text);
	if (error && error != EOPNOTSUPP)
		log_limited(LOG_L_WARNING, "no tunnels through UDP on %s: %s", info->name, text);
}

static void on_link(void *arg, const struct link_info *info, bool gone)
{
	struct host *host = arg;

	if (!gone && info->mip4 && config_uses_device(host->config, info->name))
		give_socket(host, info);

	homes_link_changed(host->homes, info, gone);
	if (host->ports)
		ports_link_changed(host->ports, info, gone);
}

static void on_links_lost(void *arg)
{
	struct host *host = arg;

	host->links_lost = true;
	request_resync(host);
}

static void on_frame(void *arg, const struct port *port, const uint8_t *frame, size_t len, bool csum_done,
		     uint64_t seen_us)
{
	struct host *host = arg;

	dhcp_frame(host->dhcp, port, frame, len, csum_done, seen_us);
}

static bool on_port_link(void *arg, const struct port *port, bool up)
{
	struct host *host = arg;

	return presence_link(host->presence, port, up);
}

static void on_datagram(void *arg, const struct core_event *event)
{
	struct core_event known = *event;
	struct host *host = arg;

	if (!homes_has(host->homes, event->datagram.link))
		known.datagram.link = 0;
	host_event(host, &known);
}

/* ---- start, stop, reload ---- */

static void restore_one(void *arg, const struct core_record *record)
{
	struct core_event event = { .type = CORE_EV_RESTORE, .restore = *record };
	struct host *host = arg;
	const struct port *port;

	/*
	 * Interface numbers change with a reboot, names don't, unless somebody
	 * renames the port. Without it a device is to be deregistered.
	 */
	if (*record->port_name) {
		event.restore.port = if_nametoindex(record->port_name);
		port = event.restore.port ? NULL : port_find(host->ports, record->port);
		if (port) {
			event.restore.port = port->ifindex;
			strcpy(event.restore.port_name, port->name);
		}
		event.restore.tombstone |= !event.restore.port;
	}
	host_event(host, &event);
}

static void adopt_one(void *arg, const struct datapath_binding *b)
{
	struct core_event event = { .type = CORE_EV_ADOPT, .adopt = b->as };
	struct host *host = arg;

	if (!b->as.cookie || !if_indextoname(b->ifindex, event.adopt.device) ||
	    !config_uses_device(host->config, event.adopt.device))
		return;		/* made by hand, or of another agent's device */
	host_event(host, &event);
}

static bool restore_dhcp(void *arg, const struct core_reg *reg)
{
	struct host *host = arg;

	if (reg->rec.role == CORE_PMA && (host_is_bound(reg) || reg->state == CORE_AWAY))
		dhcp_restore(host->dhcp, reg);
	return true;
}

/* Everything the core has to know before it may act: rows, then bindings, then the start. */
static bool fill_core(struct host *host, char *text)
{
	if (store_walk(host->store, restore_one, host, text) ||
	    datapath_walk(host->datapath, adopt_one, host, text))
		return false;
	host_event(host, &(struct core_event){ .type = CORE_EV_START });
	core_walk(host->core, restore_dhcp, host);
	ports_tell_links(host->ports);
	return true;
}

static bool check_network(struct host *host, const struct config *config, const struct core_network *net, char *text)
{
	struct link_info info;

	if (link_get(host->links, net->device, 0, &info)) {
		info = (struct link_info){ 0 };
		for (unsigned int i = 0; i < config->n_devices; i++)
			if (!strcmp(config->devices[i].name, net->device)) {
				info.mip4 = true;	/* soon */
				info.realm = config->devices[i].realm;
			}
	}
	if (!info.mip4) {
		snprintf(text, CORE_TEXT_MAX, "network %.32s: there is no mip4 device %.16s "
			 "(mipctl link add %.16s local ADDRESS, or a section device %.16s)",
			 net->name, net->device, net->device, net->device);
		return false;
	}
	if (config->core.ha && !config->core.pma && info.realm != net->realm) {
		snprintf(text, CORE_TEXT_MAX, "network %.32s: device %.16s has realm %u, not %u "
			 "(mipctl link set %.16s realm %u)",
			 net->name, net->device, info.realm, net->realm, net->device, net->realm);
		return false;
	}
	return true;
}

/*
 * What the configuration wants of the machine. All that can be known to fail is
 * looked at before anything is changed, for a refused one is to have no effect.
 */
static bool prepare(struct host *host, const struct config *config, char *text)
{
	for (unsigned int i = 0; i < config->n_devices; i++)
		if (link_check(host->links, &config->devices[i], text) ||
		    homes_check(host->datapath, &config->devices[i], text))
			return false;
	for (unsigned int i = 0; i < config->core.n_networks; i++)
		if (!check_network(host, config, &config->core.networks[i], text))
			return false;
	if (!udp_check(host->udp, config, text))
		return false;
	for (unsigned int i = 0; i < config->n_devices; i++)
		if (link_ensure(host->links, &config->devices[i], text) ||
		    homes_ensure(host->datapath, &config->devices[i], text))
			return false;
	for (unsigned int i = 0; i < config->n_devices; i++)
		if (link_set(host->links, &config->devices[i], text))
			return false;
	return udp_configure(host->udp, config, text);
}

static void warn(const struct host *host, const struct config *config)
{
	FILE *f = config->core.ha ? fopen("/proc/sys/net/ipv4/ip_forward", "re") : NULL;
	const char *doubt = config_doubt(config);

	if (doubt)
		log_warning("%s: %s", host->config_path, doubt);
	if (!f)
		return;
	if (fgetc(f) == '0')
		log_warning("this home agent forwards nothing: sysctl -w net.ipv4.ip_forward=1, "
			    "and a file of /etc/sysctl.d for the next boot");
	fclose(f);
}

/* Complaints about the configuration, each as a line of the log. */
static struct config *load(struct host *host)
{
	char *complaints = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&complaints, &len);
	struct config *config = f ? config_load(host->config_path, f) : NULL;

	if (f)
		fclose(f);
	for (char *line = complaints ? complaints : "", *save; (line = strtok_r(line, "\n", &save)); line = NULL)
		log_error("%s", line);
	free(complaints);
	return config;
}

static bool open_kernel(struct host *host, char *text)
{
	struct datapath_ops ops = { on_unknown_device, on_deleted, on_lost, host };
	char version[64];

	host->datapath = datapath_open(host->base, &ops, text);
	host->links = host->datapath ? links_open(host->base, on_link, on_links_lost, host, text) : NULL;
	if (!host->links)
		return false;
	if (!datapath_version(host->datapath, version, sizeof(version)) && strcmp(version, MIP4_VERSION))
		log_warning("the module is mip4 %s, this agent is %s", version, MIP4_VERSION);
	return true;
}

static bool allocate(struct host *host)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s.keep", host->socket_path);
	host->keep = keep_open(path);
	host->base = event_base_new();
	if (!host->base)
		return false;
	host->timer = evtimer_new(host->base, on_timer, host);
	host->resync = evtimer_new(host->base, on_resync, host);
	host->sync = evtimer_new(host->base, on_sync, host);
	host->udp = udp_new(host->base, host->keep, on_datagram, host);
	host->dhcp = dhcp_new(host);
	host->presence = presence_new(host);
	host->homes = homes_new(host->base);
	host->hostapds = hostapds_new(host->base, on_station, host);
	host->timeline = timeline_new();
	host->core = core_new(&host->config->core, on_action, host);
	return host->keep && host->timer && host->resync && host->sync && host->udp && host->dhcp && host->presence &&
	       host->homes && host->hostapds && host->timeline && host->core;
}

/* What tells of devices beside their frames, as far as that is wanted. */
static bool configure_triggers(struct host *host, char *text)
{
	bool wanted = false;

	for (unsigned int i = 0; i < host->config->n_devices; i++)
		wanted |= host->config->devices[i].fdb_trigger;
	if (!wanted) {
		fdb_close(host->fdb);
		host->fdb = NULL;
	} else if (!host->fdb) {
		host->fdb = fdb_open(host->base, on_learned, host, text);
		if (!host->fdb)
			return false;
	}
	return hostapds_configure(host->hostapds, host->config);
}

bool host_start(struct host *host)
{
	char text[CORE_TEXT_MAX] = "no memory";

	STAILQ_INIT(&host->events);
	STAILQ_INIT(&host->results);
	host->wall_ahead_us = clock_wall_ahead_us();
	host->config = load(host);
	if (!host->config)
		return false;
	if (!allocate(host))
		goto err;
	host->store = store_open(host->state_dir, host->config->store, on_stored, host, text);
	if (!host->store || !open_kernel(host, text))
		goto err;
	host->control = control_open(host, text);	/* before anything of the machine changes: it may fail */
	if (!host->control || !prepare(host, host->config, text))
		goto err;
	host->ports = ports_new(host->base, host->links, on_frame, on_port_link, host);
	if (!host->ports)
		goto err;
	homes_configure(host->homes, host->config);
	if (ports_configure(host->ports, host->config))
		on_links_lost(host);
	if (!fill_core(host, text) || !configure_triggers(host, text))
		goto err;
	warn(host, host->config);
	return true;
err:
	log_error("%s", text);
	return false;
}

bool host_reload(struct host *host)
{
	struct config *config = load(host), *old = host->config;
	char text[CORE_TEXT_MAX] = "no memory";
	struct core *core;

	if (!config) {
		log_error("the running configuration stays");
		return false;
	}
	do	/* the new core doesn't know what the old one waits for */
		on_sync(-1, 0, host);
	while (store_waits(host->store));
	core = core_new(&config->core, on_action, host);
	if (!core || !store_set_policy(host->store, config->store, text) || !prepare(host, config, text)) {
		log_error("%s; the running configuration stays", text);
		store_set_policy(host->store, old->store, text);
		core_free(core);
		config_free(config);
		return false;
	}
	/* The new core starts as after a restart: from the store and the kernel. */
	presence_reset(host->presence);
	dhcp_reset(host->dhcp);
	control_reset(host->control, "the configuration was read again meanwhile");
	core_free(host->core);
	host->core = core;
	host->config = config;
	config_free(old);
	homes_configure(host->homes, config);
	if (ports_configure(host->ports, config))
		on_links_lost(host);
	if (!fill_core(host, text) || !configure_triggers(host, text)) {
		log_error("%s", text);
		exit(1);	/* the next start does all of it again */
	}
	warn(host, config);
	log_info("configuration read again");
	return true;
}

void host_stop(struct host *host)
{
	struct host_queued *q;

	control_close(host->control);
	presence_free(host->presence);
	hostapds_free(host->hostapds);
	homes_free(host->homes);
	dhcp_free(host->dhcp);
	ports_free(host->ports);
	udp_free(host->udp);
	keep_close(host->keep);
	fdb_close(host->fdb);
	links_close(host->links);
	datapath_close(host->datapath);
	store_close(host->store);
	core_free(host->core);
	timeline_free(host->timeline);
	while ((q = STAILQ_FIRST(&host->events))) {
		STAILQ_REMOVE_HEAD(&host->events, list);
		free(q);
	}
	if (host->timer)
		event_free(host->timer);
	if (host->resync)
		event_free(host->resync);
	if (host->sync)
		event_free(host->sync);
	if (host->base)
		event_base_free(host->base);
	config_free(host->config);
}
