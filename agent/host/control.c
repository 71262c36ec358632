// SPDX-License-Identifier: GPL-2.0-only
#include "host/control.h"
#include "host/clock.h"
#include "host/control_json.h"
#include "host/log.h"
#include "host/port.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <grp.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_LEN	4096
#define DEPTH_MAX	8	/* of nested JSON */
#define CLIENTS_MAX	64
#define OUTPUT_HIGH	(1 << 20)	/* bytes unread by the client before we read on */
#define WAIT_S		35	/* for the end of an attach or detach; the core gives up before, and says why */
#define WAITERS_MAX	64	/* of one client before we read on */
#define IDLE_S		60	/* nothing said, or nothing taken; longer than WAIT_S, so that no answer is due */

struct client {
	struct control *control;
	struct bufferevent *bev;
	bool closing;			/* once the output is written */
	bool paused;			/* has said more than is answered */
	bool eof;			/* it says nothing more, but may still listen */
	unsigned int n_waiters;
	LIST_ENTRY(client) list;
};

/* A request whose answer the core will give later. */
struct waiter {
	struct client *client;
	struct json_object *id;
	bool attach;			/* else detach */
	uint32_t port;
	uint8_t mac[6];
	struct event *timer;
	LIST_ENTRY(waiter) list;
};

struct control {
	struct host *host;
	struct evconnlistener *listener;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	unsigned int n_clients;
	LIST_HEAD(, client) clients;
	LIST_HEAD(, waiter) waiters;
};

/* ---- replies ---- */

static void send_text(struct client *c, const char *text)
{
	evbuffer_add(bufferevent_get_output(c->bev), text, strlen(text));
}

static void send_json(struct client *c, struct json_object *obj)
{
	send_text(c, json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PLAIN));
	send_text(c, "\n");
	json_object_put(obj);
}

static struct json_object *new_reply(struct json_object *id)
{
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, "id", json_object_get(id));
	return obj;
}

/* @field and @hint may be NULL. */
static void send_error(struct client *c, struct json_object *id, const char *field, const char *message,
		       const char *hint)
{
	struct json_object *obj = new_reply(id), *error = json_object_new_object();

	if (field)
		json_object_object_add(error, "field", json_object_new_string(field));
	json_object_object_add(error, "message", json_object_new_string(message));
	if (hint)
		json_object_object_add(error, "hint", json_object_new_string(hint));
	json_object_object_add(obj, "error", error);
	send_json(c, obj);
}

static void send_registration(struct client *c, struct json_object *id, const struct core_reg *reg)
{
	struct json_object *obj = new_reply(id);

	json_object_object_add(obj, "registration", json_registration(reg));
	send_json(c, obj);
}

/* ---- waiting ---- */

static void free_waiter(struct waiter *w)
{
	LIST_REMOVE(w, list);
	w->client->n_waiters--;
	if (w->timer)
		event_free(w->timer);
	json_object_put(w->id);
	free(w);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct waiter *w = arg;
	char text[64];

	(void)fd;
	(void)what;
	snprintf(text, sizeof(text), "not done within %d s, and still tried", WAIT_S);
	send_error(w->client, w->id, NULL, text, "mipctl agent show; is the home agent reachable?");
	free_waiter(w);
}

static struct waiter *wait_for(struct client *c, struct json_object *id, bool attach, uint32_t port,
			       const uint8_t *mac)
{
	struct timeval tv = { WAIT_S, 0 };
	struct waiter *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->client = c;
	w->id = json_object_get(id);
	w->attach = attach;
	w->port = port;
	memcpy(w->mac, mac, sizeof(w->mac));
	LIST_INSERT_HEAD(&c->control->waiters, w, list);
	c->n_waiters++;
	w->timer = evtimer_new(c->control->host->base, on_deadline, w);
	if (!w->timer || evtimer_add(w->timer, &tv)) {
		free_waiter(w);
		return NULL;
	}
	return w;
}

void control_result(struct control *control, const struct core_action *action)
{
	const struct core_reg *reg;
	struct waiter *w, *next;

	for (w = LIST_FIRST(&control->waiters); w; w = next) {
		next = LIST_NEXT(w, list);
		/* Wherever the device is by now: it may have changed its port meanwhile. */
		if (!w->attach || memcmp(w->mac, action->device.mac, 6))
			continue;
		reg = core_find_device(control->host->core, 0, w->mac);
		if (action->type == CORE_ACT_ATTACHED && reg)
			send_registration(w->client, w->id, reg);
		else
			send_error(w->client, w->id, NULL, *action->device.text ? action->device.text :
				   action->device.code ? wire_code_name(action->device.code) : "refused", NULL);
		free_waiter(w);
	}
}

void control_poll(struct control *control)
{
	const struct core_reg *reg;
	struct waiter *w, *next;

	for (w = LIST_FIRST(&control->waiters); w; w = next) {
		next = LIST_NEXT(w, list);
		if (w->attach)
			continue;
		reg = core_find_device(control->host->core, w->port, w->mac);
		if (reg && reg->state != CORE_IDLE)
			continue;
		send_json(w->client, new_reply(w->id));
		free_waiter(w);
	}
}

void control_reset(struct control *control, const char *why)
{
	struct waiter *w;

	while ((w = LIST_FIRST(&control->waiters))) {
		send_error(w->client, w->id, NULL, why, "try again");
		free_waiter(w);
	}
}

/* ---- verbs ---- */

struct request {
	struct client *client;
	struct host *host;
	struct json_object *obj, *id;
};

static void refuse(const struct request *r, const char *field, const char *message, const char *hint)
{
	send_error(r->client, r->id, field, message, hint);
}

/* A string member; NULL if it is absent (*@ok stays) or of another type (*@ok = false, refused). */
static const char *get_text(const struct request *r, const char *field, bool must, bool *ok)
{
	struct json_object *v;

	if (json_object_object_get_ex(r->obj, field, &v) && json_object_is_type(v, json_type_string))
		return json_object_get_string(v);
	if (*ok && (v || must)) {
		refuse(r, field, v ? "must be a string" : "missing", NULL);
		*ok = false;
	}
	return NULL;
}

static bool get_mac(const struct request *r, bool must, uint8_t mac[static 6], bool *given)
{
	bool ok = true;
	const char *text = get_text(r, "mac", must, &ok);

	*given = text;
	if (text && !mac_parse(text, mac)) {
		refuse(r, "mac", "not a MAC address", "as 02:00:00:00:01:05");
		return false;
	}
	return ok;
}

static bool get_addr(const struct request *r, const char *field, struct in_addr *addr)
{
	bool ok = true;
	const char *text = get_text(r, field, false, &ok);

	addr->s_addr = 0;
	if (text && !json_parse_addr(text, addr)) {
		refuse(r, field, "not an IPv4 address", "as 10.0.0.5");
		return false;
	}
	return ok;
}

static void verb_version(const struct request *r)
{
	struct json_object *obj = new_reply(r->id), *roles = json_object_new_array();
	char module[64];

	json_object_object_add(obj, "agent", json_object_new_string(MIP4_VERSION));
	if (!datapath_version(r->host->datapath, module, sizeof(module)) && *module)
		json_object_object_add(obj, "module", json_object_new_string(module));
	json_object_object_add(obj, "name", json_object_new_string(r->host->name));
	if (r->host->config->core.ha)
		json_object_array_add(roles, json_object_new_string("ha"));
	if (r->host->config->core.pma)
		json_object_array_add(roles, json_object_new_string("pma"));
	json_object_object_add(obj, "roles", roles);
	send_json(r->client, obj);
}

struct show {
	const struct request *r;
	const char *nai;
	bool by_mac, by_realm, first;
	uint8_t mac[6];
	struct in_addr home;
	uint32_t realm;
};

/* Row by row: a home agent may have a million of them. */
static bool show_one(void *arg, const struct core_reg *reg)
{
	struct show *show = arg;
	struct json_object *obj;

	if ((show->nai && strcasecmp(show->nai, reg->rec.nai)) ||
	    (show->by_mac && memcmp(show->mac, reg->rec.mac, 6)) ||
	    (show->home.s_addr && show->home.s_addr != reg->rec.home.s_addr) ||
	    (show->by_realm && show->realm != reg->rec.realm))
		return true;
	obj = json_registration(reg);
	if (!show->first)
		send_text(show->r->client, ",");
	show->first = false;
	send_text(show->r->client, json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PLAIN));
	json_object_put(obj);
	return true;
}

static void verb_show(const struct request *r)
{
	struct show show = { .r = r, .first = true };
	struct json_object *realm;
	bool ok = true;

	show.nai = get_text(r, "nai", false, &ok);
	if (!ok || !get_mac(r, false, show.mac, &show.by_mac) || !get_addr(r, "home", &show.home))
		return;
	show.by_realm = json_object_object_get_ex(r->obj, "realm", &realm);
	if (show.by_realm && !json_get_u32(realm, &show.realm)) {
		refuse(r, "realm", "not a number from 0 to 4294967295", NULL);
		return;
	}
	send_text(r->client, "{\"id\":");
	send_text(r->client, json_object_to_json_string_ext(r->id, JSON_C_TO_STRING_PLAIN));
	send_text(r->client, ",\"registrations\":[");
	core_walk(r->host->core, show_one, &show);
	send_text(r->client, "]}\n");
}

static void verb_counters(const struct request *r)
{
	struct json_object *obj = new_reply(r->id);

	json_object_object_add(obj, "counters", json_counters(r->host));
	send_json(r->client, obj);
}

static void add_peer(void *arg, const struct core_peer_state *state)
{
	json_object_array_add(arg, json_peer(state));
}

static void verb_peers(const struct request *r)
{
	struct json_object *obj = new_reply(r->id), *list = json_object_new_array();

	core_walk_peers(r->host->core, add_peer, list);
	json_object_object_add(obj, "peers", list);
	send_json(r->client, obj);
}

static void verb_attach(const struct request *r)
{
	const char *port, *nai;
	struct in_addr home;
	bool ok = true, given;
	uint32_t ifindex;
	uint8_t mac[6];

	if (!r->host->config->core.pma) {
		refuse(r, "verb", "this agent is no proxy agent: devices attach elsewhere", "proxy-agent = true");
		return;
	}
	port = get_text(r, "port", true, &ok);
	nai = get_text(r, "nai", false, &ok);
	if (!ok || !get_mac(r, true, mac, &given) || !get_addr(r, "home", &home))
		return;
	if (mac[0] & 1 || !memcmp(mac, "\0\0\0\0\0", 6)) {
		refuse(r, "mac", "not the MAC address of a device", "unicast, and not zero");
		return;
	}
	if (nai && !wire_nai_ok(nai)) {
		refuse(r, "nai", "not an NAI", "user@realm in visible ASCII, at most 253 characters");
		return;
	}
	ifindex = if_nametoindex(port);
	if (!ifindex || !port_find(r->host->ports, ifindex)) {
		refuse(r, "port", ifindex ? "not a port of this agent's devices" : "there is no such network device",
		       "mipctl port show");
		return;
	}
	if (!wait_for(r->client, r->id, true, ifindex, mac)) {
		refuse(r, NULL, "no memory", NULL);
		return;
	}
	host_attach(r->host, ifindex, port, mac, CORE_TRIGGER_API, false, home, nai, clock_mono_us());
}

static void verb_detach(const struct request *r)
{
	const struct core_reg *reg;
	bool ok = true, given;
	const char *port;
	uint8_t mac[6];

	port = get_text(r, "port", false, &ok);
	if (!ok || !get_mac(r, true, mac, &given))
		return;
	reg = core_find_device(r->host->core, 0, mac);
	if (reg && reg->state == CORE_IDLE)
		reg = NULL;
	if (port && !if_nametoindex(port)) {
		refuse(r, "port", "there is no such network device", "mipctl port show");
	} else if (!reg || (port && reg->rec.port != if_nametoindex(port))) {
		refuse(r, "mac", port ? "no such device on that port" : "no such device here", "mipctl agent show");
	} else if (!wait_for(r->client, r->id, false, reg->rec.port, mac)) {
		refuse(r, NULL, "no memory", NULL);
	} else {
		/* Its end is seen by control_poll(), which host_event() calls. */
		host_detach(r->host, reg->rec.port, mac, CORE_DETACH_ADMIN);
	}
}

struct handovers {
	struct json_object *list;
	bool by_mac;
	uint8_t mac[6];
};

static void add_handover(void *arg, const struct handover *handover)
{
	struct handovers *h = arg;

	if (!h->by_mac || !memcmp(h->mac, handover->mac, 6))
		json_object_array_add(h->list, json_handover(handover));
}

static void verb_timeline(const struct request *r)
{
	struct handovers h = { 0 };
	struct json_object *obj;

	if (!get_mac(r, false, h.mac, &h.by_mac))
		return;
	h.list = json_object_new_array();
	timeline_walk(r->host->timeline, r->host->datapath, add_handover, &h);
	obj = new_reply(r->id);
	json_object_object_add(obj, "handovers", h.list);
	send_json(r->client, obj);
}

static void verb_drains(const struct request *r)
{
	struct json_object *obj = new_reply(r->id), *list = json_object_new_array();
	const struct core_config *core = &r->host->config->core;

	for (unsigned int i = 0; core->ha && i < core->n_networks; i++)
		json_object_array_add(list, json_drain(r->host->core, &core->networks[i]));
	json_object_object_add(obj, "drains", list);
	send_json(r->client, obj);
}

/* One network, or all that can be drained to that home agent; those that can't aren't meant. */
static void verb_drain(const struct request *r)
{
	const struct core_config *core = &r->host->config->core;
	struct core_event event = { .type = CORE_EV_DRAIN };
	const char *name, *why = "no such network";
	struct json_object *stop;
	unsigned int n = 0;
	bool ok = true;

	name = get_text(r, "network", false, &ok);
	if (!ok || !get_addr(r, "to", &event.drain.to))
		return;
	if (json_object_object_get_ex(r->obj, "stop", &stop)) {
		if (!json_object_is_type(stop, json_type_boolean)) {
			refuse(r, "stop", "neither true nor false", NULL);
			return;
		}
		event.drain.stop = json_object_get_boolean(stop);
	}
	for (unsigned int i = 0; i < core->n_networks; i++) {
		const char *refused;

		event.drain.network = &core->networks[i];
		if (name && strcmp(name, core->networks[i].name))
			continue;
		refused = core_drain_refused(core, event.drain.network, event.drain.to);
		if (refused) {
			why = refused;
			continue;
		}
		host_event(r->host, &event);
		n++;
	}
	if (n)
		verb_drains(r);
	else
		refuse(r, event.drain.to.s_addr ? "to" : "network", why, "mipctl agent drains; other-home-agents");
}

/* Those of a device, a peer, a network, or all, if somebody says so: a word that is missing must not end everything. */
static void verb_revoke(const struct request *r)
{
	static const char *const fields[] = { "nai", "peer", "network", "all" };
	const struct core_config *core = &r->host->config->core;
	struct core_event event = { .type = CORE_EV_REVOKE };
	struct json_object *obj, *count, *all = NULL;
	unsigned int given = 0;
	const char *network;
	bool ok = true;
	size_t n;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		given += json_object_object_get_ex(r->obj, fields[i], NULL);
	if (given != 1) {
		refuse(r, NULL, "say which: one of nai, peer, network and all", NULL);
		return;
	}
	/* A string is true to json-c, whatever it says. */
	if (json_object_object_get_ex(r->obj, "all", &all))
		event.revoke.all = json_object_is_type(all, json_type_boolean) && json_object_get_boolean(all);
	if (all && !event.revoke.all) {
		refuse(r, "all", "must be true", NULL);
		return;
	}
	event.revoke.nai = get_text(r, "nai", false, &ok);
	network = get_text(r, "network", false, &ok);
	if (!ok || !get_addr(r, "peer", &event.revoke.peer))
		return;
	for (unsigned int i = 0; network && i < core->n_networks; i++) {
		if (!strcmp(network, core->networks[i].name))
			event.revoke.network = &core->networks[i];
	}
	if (network && !event.revoke.network) {
		refuse(r, "network", "no such network", "mipctl agent show");
		return;
	}
	/* null, "" and 0.0.0.0 were given, but say nothing: not that everything is meant. */
	if (!event.revoke.all && !event.revoke.network && !event.revoke.peer.s_addr &&
	    (!event.revoke.nai || !*event.revoke.nai)) {
		refuse(r, NULL, "say which: one of nai, peer, network and all", NULL);
		return;
	}
	n = core_revocable(r->host->core, &event.revoke);
	if (n)
		host_event(r->host, &event);
	obj = new_reply(r->id);
	count = json_object_new_object();
	json_object_object_add(count, "registrations", json_object_new_int64(n));
	json_object_object_add(obj, "revoke", count);
	send_json(r->client, obj);
}

static const struct verb {
	const char *name;
	void (*fn)(const struct request *r);
} verbs[] = {
	{ "version", verb_version }, { "show", verb_show }, { "peers", verb_peers }, { "counters", verb_counters },
	{ "attach", verb_attach }, { "detach", verb_detach }, { "timeline", verb_timeline },
	{ "drain", verb_drain }, { "drains", verb_drains }, { "revoke", verb_revoke },
};

/* ---- clients ---- */

static void handle_line(struct client *c, const char *line, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	struct request r = { .client = c, .host = c->control->host };
	const char *verb = NULL;
	bool ok = true;

	if (!tok)
		return;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	r.obj = json_tokener_parse_ex(tok, line, len + 1);	/* with the NUL: the end of the text */
	if (json_tokener_get_error(tok) != json_tokener_success || !json_object_is_type(r.obj, json_type_object)) {
		send_error(c, NULL, NULL, "not a JSON object",
			   "one object per line, as {\"id\": 1, \"verb\": \"version\"}");
		goto out;
	}
	json_object_object_get_ex(r.obj, "id", &r.id);
	if (!json_object_is_type(r.id, json_type_int)) {
		send_error(c, NULL, "id", r.id ? "must be a number" : "missing", "the reply repeats it");
		goto out;
	}
	verb = get_text(&r, "verb", true, &ok);
	if (!ok)
		goto out;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verb, verbs[i].name)) {
			verbs[i].fn(&r);
			goto out;
		}
	send_error(c, r.id, "verb", "unknown",
		   "version, show, peers, counters, attach, detach, timeline, drain, drains or revoke");
out:
	json_object_put(r.obj);
	json_tokener_free(tok);
}

static void close_client(struct client *c)
{
	struct waiter *w, *next;

	for (w = LIST_FIRST(&c->control->waiters); w; w = next) {
		next = LIST_NEXT(w, list);
		if (w->client == c)
			free_waiter(w);
	}
	LIST_REMOVE(c, list);
	c->control->n_clients--;
	bufferevent_free(c->bev);
	free(c);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct client *c = arg;
	size_t len;
	char *line;

	/* Who doesn't read its answers, or waits for many, isn't read from: on_written() goes on. */
	while (evbuffer_get_length(bufferevent_get_output(bev)) < OUTPUT_HIGH && c->n_waiters < WAITERS_MAX) {
		line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
		if (line ? len > LINE_MAX_LEN : evbuffer_get_length(in) > LINE_MAX_LEN) {
			send_error(c, NULL, NULL, "a line longer than 4096 bytes", "the connection ends here");
			c->closing = true;
			free(line);
			break;
		}
		if (!line)
			return;
		if (len)
			handle_line(c, line, len);
		free(line);
	}
	c->paused = true;
	bufferevent_disable(bev, EV_READ);
}

/* Somebody who has closed his sending side gets what he asked for, and the end. */
static void close_if_done(struct client *c)
{
	if (c->closing || (c->eof && !c->n_waiters))
		close_client(c);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;

	if (!c->closing && c->paused) {
		c->paused = false;
		if (!c->eof)
			bufferevent_enable(bev, EV_READ);
		on_read(bev, arg);
	}
	if (!evbuffer_get_length(bufferevent_get_output(bev)))
		close_if_done(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;

	if (what & (BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT) || (what & BEV_EVENT_EOF && what & BEV_EVENT_WRITING)) {
		close_client(c);
	} else if (what & BEV_EVENT_EOF) {
		c->eof = true;
		/* What it said before is read by now, or will be as it takes its answers. */
		if (!evbuffer_get_length(bufferevent_get_output(bev)))
			close_if_done(c);
	}
}

static void on_connect(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr, int len, void *arg)
{
	static const struct timeval idle = { IDLE_S, 0 };
	struct control *control = arg;
	struct client *c = NULL;

	(void)listener;
	(void)addr;
	(void)len;
	if (control->n_clients < CLIENTS_MAX)
		c = calloc(1, sizeof(*c));
	if (c)
		c->bev = bufferevent_socket_new(control->host->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c || !c->bev) {
		free(c);
		close(fd);
		return;
	}
	c->control = control;
	LIST_INSERT_HEAD(&control->clients, c, list);
	control->n_clients++;
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_set_timeouts(c->bev, &idle, &idle);
	bufferevent_setwatermark(c->bev, EV_READ, 0, 16 * LINE_MAX_LEN);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

/* ---- the socket ---- */

/* A file left by a killed agent may go; one that answers may not. */
static bool clear_path(const struct sockaddr_un *sun, char *text)
{
	/* Non-blocking: EAGAIN is a full queue of one that listens. */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive = fd >= 0 && (!connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) || errno == EAGAIN);
	struct stat st;

	if (fd >= 0)
		close(fd);
	if (alive) {
		snprintf(text, CORE_TEXT_MAX, "another agent listens on %s", sun->sun_path);
		return false;
	}
	if (!lstat(sun->sun_path, &st) && !S_ISSOCK(st.st_mode)) {
		snprintf(text, CORE_TEXT_MAX, "%s is there and is no socket", sun->sun_path);
		return false;
	}
	unlink(sun->sun_path);
	return true;
}

struct control *control_open(struct host *host, char *text)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct control *control = calloc(1, sizeof(*control));
	struct group *group = getgrnam("mip4");
	mode_t mask;
	int fd = -1;

	if (!control) {
		strcpy(text, "no memory");
		return NULL;
	}
	control->host = host;
	LIST_INIT(&control->clients);
	LIST_INIT(&control->waiters);
	if (strlen(host->socket_path) >= sizeof(sun.sun_path)) {
		snprintf(text, CORE_TEXT_MAX, "the control socket's path is longer than %zu characters",
			 sizeof(sun.sun_path) - 1);
		goto err;
	}
	strcpy(sun.sun_path, host->socket_path);
	if (!clear_path(&sun, text))
		goto err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0117);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun))) {
		snprintf(text, CORE_TEXT_MAX, "cannot listen on %s: %s", sun.sun_path, strerror(errno));
		umask(mask);
		goto err;
	}
	umask(mask);
	strcpy(control->path, sun.sun_path);
	if (group && chown(sun.sun_path, -1, group->gr_gid))
		log_warning("%s: cannot give it to the group mip4: %s", sun.sun_path, strerror(errno));
	control->listener = evconnlistener_new(host->base, on_connect, control, LEV_OPT_CLOSE_ON_FREE, 16, fd);
	if (!control->listener) {
		snprintf(text, CORE_TEXT_MAX, "cannot listen on %s: %s", sun.sun_path, strerror(errno));
		goto err;
	}
	return control;
err:
	if (fd >= 0)
		close(fd);
	control_close(control);
	return NULL;
}

void control_close(struct control *control)
{
	if (!control)
		return;
	while (!LIST_EMPTY(&control->clients))
		close_client(LIST_FIRST(&control->clients));
	if (control->listener)
		evconnlistener_free(control->listener);
	if (*control->path)
		unlink(control->path);
	free(control);
}
