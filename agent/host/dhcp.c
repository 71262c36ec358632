// SPDX-License-Identifier: GPL-2.0-only
#include "host/dhcp.h"
#include "core/hash.h"
#include "host/clock.h"
#include "host/dhcp_packet.h"
#include "host/log.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS		4096
#define SESSIONS_MAX	65536	/* devices that may hold state here before they are registered */
#define OFFER_HOLD_S	60	/* an offer that nobody takes up is withdrawn */
#define LEFT_HOLD_S	10	/* after RELEASE and DECLINE: what else the device sends registers nothing */

/* What was answered, and what came to nothing. Names of counters. */
#define DHCP_COUNTS(x) \
	x(discover) x(request) x(decline) x(release) x(inform) x(offer) x(ack) x(nak) \
	x(refused)		/* no registration: not answered */ \
	x(other_server)		/* the device chose another server */ \
	x(ignored)		/* nothing here that it could be about */ \
	x(held_off)		/* its last address was declined a moment ago */ \
	x(no_room)

struct counts {
#define DHCP_COUNT_FIELD(name) uint64_t name;
	DHCP_COUNTS(DHCP_COUNT_FIELD)
};

/* One device that has spoken DHCP to us. A MAC is on one port at a time. */
struct session {
	struct dhcp *dhcp;
	uint8_t mac[6];
	uint32_t port;
	bool pending;			/* @req waits for the registration */
	struct dhcp_request req;
	bool offered;			/* an address, or told that it has another one */
	bool acked;			/* a lease runs */
	bool released, declined;	/* gone: kept for LEFT_HOLD_S; without @pending, @offered, @acked */
	struct event *timer;		/* always runs: end of the lease, of the offer, of the hold */
	LIST_ENTRY(session) list;
};

struct dhcp {
	struct host *host;
	uint64_t seed;			/* of the hash over MACs */
	unsigned int n_sessions;
	uint64_t drops[DHCP_DROP_MAX];
	struct counts count;
	LIST_HEAD(, session) buckets[BUCKETS];
};

/* What a reply says of the registration. */
struct terms {
	struct in_addr home, gateway;
	uint8_t plen;
	uint32_t left;		/* s of the granted lifetime, UINT32_MAX = no end */
	const char *network;
	const struct wire_host_config *host;	/* what the HA tells of it; NULL = nothing */
};

/* ---- sessions ---- */

static unsigned int bucket_of(const struct dhcp *dhcp, const uint8_t *mac)
{
	return hash_mac(mac, dhcp->seed) % BUCKETS;
}

static struct session *find(struct dhcp *dhcp, const uint8_t *mac)
{
	struct session *s;

	LIST_FOREACH(s, &dhcp->buckets[bucket_of(dhcp, mac)], list)
		if (!memcmp(s->mac, mac, sizeof(s->mac)))
			return s;
	return NULL;
}

static void drop(struct session *s)
{
	LIST_REMOVE(s, list);
	s->dhcp->n_sessions--;
	if (s->timer)
		event_free(s->timer);
	free(s);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;
	struct host *host = s->dhcp->host;
	const struct core_reg *reg = core_find_device(host->core, s->port, s->mac);
	bool acked = s->acked, offered = s->offered, left = s->released || s->declined;
	uint32_t port = s->port;
	uint8_t mac[6];

	(void)fd;
	(void)what;
	memcpy(mac, s->mac, sizeof(mac));
	drop(s);
	/*
	 * A device that never asked here keeps its address without us. One that
	 * uses the address all the same attaches again with its next frame.
	 */
	if (reg && !left && (acked || offered || reg->timeline.trigger == CORE_TRIGGER_DHCP)) {
		log_info("%s: %s", mac_text(mac).s, acked ? "its lease has ended" : "it never took up its offer");
		host_detach(host, port, mac, CORE_DETACH_LEASE_END);
	}
}

static void run_timer(struct session *s, uint32_t seconds)
{
	struct timeval tv = { seconds, 0 };

	evtimer_add(s->timer, &tv);
}

static struct session *get(struct dhcp *dhcp, const uint8_t *mac, uint32_t port)
{
	struct session *s = find(dhcp, mac);

	if (!s) {
		s = dhcp->n_sessions < SESSIONS_MAX ? calloc(1, sizeof(*s)) : NULL;
		if (!s) {
			dhcp->count.no_room++;
			return NULL;
		}
		s->dhcp = dhcp;
		memcpy(s->mac, mac, sizeof(s->mac));
		LIST_INSERT_HEAD(&dhcp->buckets[bucket_of(dhcp, mac)], s, list);
		dhcp->n_sessions++;
		s->timer = evtimer_new(dhcp->host->base, on_timer, s);
		if (!s->timer) {
			drop(s);
			dhcp->count.no_room++;
			return NULL;
		}
		run_timer(s, OFFER_HOLD_S);
	}
	s->port = port;
	return s;
}

/* ---- answers ---- */

static_assert(DHCP_DOMAIN_MAX == WIRE_HOST_SUFFIX_MAX, "either has room for the other");

/* What isn't configured here the HA may have told: RFC 4332. */
static void fill_in(struct dhcp_options *options, const struct wire_host_config *host)
{
	if (!options->n_dns) {
		while (options->n_dns < WIRE_HOST_DNS_MAX && host->dns[options->n_dns].s_addr) {
			options->dns[options->n_dns] = host->dns[options->n_dns];
			options->n_dns++;
		}
	}
	if (!*options->domain)
		strcpy(options->domain, host->suffix);
}

/* The device's answer to @s->req, now that it has its home address. */
static void answer(struct session *s, const struct terms *terms)
{
	struct dhcp *dhcp = s->dhcp;
	const struct port *port = port_find(dhcp->host->ports, s->port);
	const struct dhcp_request *req = &s->req;
	const struct config_network *extra;
	uint8_t frame[DHCP_FRAME_MAX];
	struct dhcp_reply reply = { .req = req, .server = terms->gateway, .gateway = terms->gateway,
				    .plen = terms->plen, .yiaddr = terms->home };
	struct in_addr asked = req->requested.s_addr ? req->requested : req->ciaddr;
	struct dhcp_options options;

	s->pending = false;
	if (!port || !config_network(dhcp->host->config, terms->network, &extra))
		return;
	reply.lease = extra->lease;
	if (terms->left < reply.lease)
		reply.lease = terms->left;
	options = extra->dhcp;
	if (terms->host)
		fill_in(&options, terms->host);
	reply.options = &options;
	memcpy(reply.src_mac, port->gwmac, sizeof(reply.src_mac));

	if (req->type == DHCP_DISCOVER) {
		reply.type = DHCP_OFFER;
		dhcp->count.offer++;
		s->offered = true;
		if (!s->acked)
			run_timer(s, OFFER_HOLD_S);
	} else if (req->type == DHCP_INFORM) {
		reply.type = DHCP_ACK;
		reply.yiaddr.s_addr = 0;
		dhcp->count.ack++;
	} else if (asked.s_addr == terms->home.s_addr) {
		reply.type = DHCP_ACK;
		dhcp->count.ack++;
		s->acked = true;
		run_timer(s, reply.lease);
	} else {
		/* RFC 2131 s4.3.2: we know what the device may have, and it isn't this. */
		reply.type = DHCP_NAK;
		dhcp->count.nak++;
		log_limited(LOG_L_INFO, "%s asks for %s but has %s: NAK", mac_text(s->mac).s, ip_text(asked).s,
			    ip_text(terms->home).s);
		s->offered = true;
		if (!s->acked)
			run_timer(s, OFFER_HOLD_S);
	}
	port_send(port, frame, dhcp_build(&reply, frame));
}

static void attach_and_answer(struct dhcp *dhcp, const struct port *port, const struct dhcp_request *req,
			      uint64_t seen_us)
{
	/* Not SELECTING, which follows on a DISCOVER, nor RENEWING and REBINDING (RFC 2131 s4.3.2). */
	bool init = req->type == DHCP_DISCOVER ||
		    (req->type == DHCP_REQUEST && !req->server.s_addr && !req->ciaddr.s_addr);
	struct session *s = get(dhcp, req->mac, port->ifindex);

	if (!s)
		return;
	if (s->declined) {	/* the same address would be offered again: not at once */
		dhcp->count.held_off++;
		return;
	}
	if (s->released) {
		s->released = false;
		run_timer(s, OFFER_HOLD_S);
	}
	/*
	 * The core ignores further attaches while one is under way, and answers
	 * at once for a device that it serves: the newest request is answered.
	 */
	s->req = *req;
	s->pending = true;
	host_attach(dhcp->host, port->ifindex, port->name, req->mac, CORE_TRIGGER_DHCP, init,
		    req->requested.s_addr ? req->requested : req->ciaddr, NULL, seen_us);
}

/* ---- requests ---- */

static bool our_server(const struct dhcp *dhcp, struct in_addr server)
{
	const struct core_config *core = &dhcp->host->config->core;

	for (unsigned int i = 0; i < core->n_networks; i++)
		if (core->networks[i].gateway.s_addr == server.s_addr)
			return true;
	return false;
}

static void on_request(struct dhcp *dhcp, const struct port *port, const struct dhcp_request *req, uint64_t seen_us)
{
	struct session *s = find(dhcp, req->mac);

	if (!req->requested.s_addr && !req->ciaddr.s_addr) {
		dhcp->count.ignored++;
		return;
	}
	if (!req->server.s_addr || our_server(dhcp, req->server)) {
		attach_and_answer(dhcp, port, req, seen_us);
		return;
	}
	/* SELECTING, but not us: our offer is declined that way. */
	dhcp->count.other_server++;
	if (s && !s->acked && !s->released && !s->declined) {
		drop(s);
		host_detach(dhcp->host, port->ifindex, req->mac, CORE_DETACH_RELEASE);
	}
}

static void on_leave(struct dhcp *dhcp, const struct port *port, const struct dhcp_request *req)
{
	const struct core_reg *reg = core_find_device(dhcp->host->core, port->ifindex, req->mac);
	struct in_addr addr = req->type == DHCP_RELEASE ? req->ciaddr : req->requested;
	struct session *s;

	/* Before the registration is done, home is 0 as well. */
	if (!reg || !addr.s_addr || reg->rec.home.s_addr != addr.s_addr ||
	    (req->server.s_addr && !our_server(dhcp, req->server))) {
		dhcp->count.ignored++;
		return;
	}
	if (req->type == DHCP_DECLINE)
		log_limited(LOG_L_WARNING,
			    "%s says that somebody else uses its home address %s; it is not served for %d s",
			    mac_text(req->mac).s, ip_text(addr).s, LEFT_HOLD_S);
	s = get(dhcp, req->mac, port->ifindex);
	if (s) {
		s->pending = s->offered = s->acked = false;
		s->released = req->type == DHCP_RELEASE;
		s->declined = req->type == DHCP_DECLINE;
		run_timer(s, LEFT_HOLD_S);
	}
	host_detach(dhcp->host, port->ifindex, req->mac, CORE_DETACH_RELEASE);
}

static void on_inform(struct dhcp *dhcp, const struct port *port, const struct dhcp_request *req, uint64_t seen_us)
{
	const struct core_reg *reg = core_find_device(dhcp->host->core, port->ifindex, req->mac);

	/* It brings its address. Only of the home address we know what to tell. */
	if (host_is_bound(reg) && reg->rec.home.s_addr == req->ciaddr.s_addr)
		attach_and_answer(dhcp, port, req, seen_us);
	else
		dhcp->count.ignored++;
}

void dhcp_frame(struct dhcp *dhcp, const struct port *port, const uint8_t *frame, size_t len,
		bool csum_done, uint64_t seen_us)
{
	struct dhcp_request req;
	enum dhcp_drop why = dhcp_parse(frame, len, csum_done, &req);

	if (why) {
		dhcp->drops[why]++;
		return;
	}
	switch (req.type) {
	case DHCP_DISCOVER:
		dhcp->count.discover++;
		attach_and_answer(dhcp, port, &req, seen_us);
		break;
	case DHCP_REQUEST:
		dhcp->count.request++;
		on_request(dhcp, port, &req, seen_us);
		break;
	case DHCP_DECLINE:
		dhcp->count.decline++;
		on_leave(dhcp, port, &req);
		break;
	case DHCP_RELEASE:
		dhcp->count.release++;
		on_leave(dhcp, port, &req);
		break;
	default:
		dhcp->count.inform++;
		on_inform(dhcp, port, &req, seen_us);
		break;
	}
}

/* ---- from the core ---- */

/* An answer at once, to a device served for long, promises no more than is left. */
static uint32_t time_left(const struct dhcp *dhcp, const struct core_action *action)
{
	const struct core_reg *reg = core_find_device(dhcp->host->core, action->device.port, action->device.mac);
	uint64_t now = clock_mono_us();

	/* 0xffff is a lifetime without end, RFC 5944 s3.3. */
	if (action->device.lifetime == WIRE_LIFETIME_INFINITE)
		return UINT32_MAX;
	if (!reg || reg->expires_us >= now + action->device.lifetime * 1000000ULL)
		return action->device.lifetime;
	return reg->expires_us > now ? (reg->expires_us - now + 999999) / 1000000 : 1;
}

void dhcp_result(struct dhcp *dhcp, const struct core_action *action)
{
	struct session *s = find(dhcp, action->device.mac);

	if (!s || s->port != action->device.port || s->released || s->declined)
		return;
	if (action->type == CORE_ACT_ATTACHED && s->pending) {
		struct terms terms = { .home = action->device.home, .gateway = action->device.gateway,
				       .plen = action->device.plen, .left = time_left(dhcp, action),
				       .network = action->device.network, .host = action->device.host };

		answer(s, &terms);
	} else if (action->type == CORE_ACT_REFUSED) {
		dhcp->count.refused += s->pending;
		s->pending = false;
		if (!s->acked)
			drop(s);
	} else if (action->type == CORE_ACT_GONE) {
		drop(s);
	}
}

void dhcp_restore(struct dhcp *dhcp, const struct core_reg *reg)
{
	const struct config_network *extra;
	struct session *s;

	if (!reg->rec.dhcp || !config_network(dhcp->host->config, reg->rec.network, &extra))
		return;
	s = get(dhcp, reg->rec.mac, reg->rec.port);
	if (!s || s->acked)
		return;
	/* What is left of it isn't known: all of it, and the device renews before that. */
	s->released = s->declined = false;
	s->acked = true;
	run_timer(s, extra->lease);
}

bool dhcp_holds_off(struct dhcp *dhcp, const uint8_t mac[static 6], struct in_addr addr)
{
	const struct session *s = find(dhcp, mac);

	return s && (s->declined || (s->released && !addr.s_addr));
}

void dhcp_forget(struct dhcp *dhcp, const uint8_t mac[static 6])
{
	struct session *s = find(dhcp, mac);

	if (s)
		drop(s);
}

void dhcp_reset(struct dhcp *dhcp)
{
	struct session *s;

	for (unsigned int i = 0; i < BUCKETS; i++)
		LIST_FOREACH(s, &dhcp->buckets[i], list)
			s->pending = false;
}

void dhcp_counters(const struct dhcp *dhcp, void (*fn)(void *arg, const char *name, uint64_t value), void *arg)
{
#define DHCP_DROP_REPORT(id, name) fn(arg, "dhcp_drop_" name, dhcp->drops[DHCP_DROP_##id]);
#define DHCP_COUNT_REPORT(name) fn(arg, "dhcp_" #name, dhcp->count.name);
	DHCP_COUNTS(DHCP_COUNT_REPORT)
	DHCP_DROPS(DHCP_DROP_REPORT)
}

struct dhcp *dhcp_new(struct host *host)
{
	struct dhcp *dhcp = calloc(1, sizeof(*dhcp));

	if (!dhcp)
		return NULL;
	dhcp->host = host;
	if (getrandom(&dhcp->seed, sizeof(dhcp->seed), 0) != sizeof(dhcp->seed)) {
		free(dhcp);
		return NULL;
	}
	return dhcp;
}

void dhcp_free(struct dhcp *dhcp)
{
	if (!dhcp)
		return;
	for (unsigned int i = 0; i < BUCKETS; i++)
		while (!LIST_EMPTY(&dhcp->buckets[i]))
			drop(LIST_FIRST(&dhcp->buckets[i]));
	free(dhcp);
}
