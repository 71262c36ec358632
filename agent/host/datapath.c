// SPDX-License-Identifier: GPL-2.0-only
#include "host/datapath.h"
#include "host/log.h"
#include "host/nl.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <net/if.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

struct datapath {
	struct nl_sock *requests, *events;
	struct event *ev;
	struct datapath_ops ops;
	int family;
};

/* ---- is the module there? ---- */

/* @unreadable is the answer for a file that is there but closed to us. */
static bool file_has(const char *path, const char *word, bool unreadable)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	bool found = false;
	size_t size = 0;

	if (!f)
		return errno != ENOENT && unreadable;
	while (!found && getline(&line, &size, f) >= 0)
		found = strstr(line, word);
	free(line);
	fclose(f);
	return found;
}

/* The kernel has tried to load it by then, for the family's alias. */
static void explain_missing(char *text)
{
	struct utsname uts;
	char deps[300];

	uname(&uts);
	snprintf(deps, sizeof(deps), "/lib/modules/%s/modules.dep", uts.release);
	/* A sandbox may hide /lib/modules from us. */
	if (!file_has(deps, "/mip4.ko", true))
		snprintf(text, CORE_TEXT_MAX, "the mip4 module is not installed for kernel %s: "
			 "run \"make install\", or install mip4-dkms and this kernel's headers", uts.release);
	else if (file_has("/sys/module/module/parameters/sig_enforce", "Y", false) ||
		 file_has("/sys/kernel/security/lockdown", "[integrity]", false) ||
		 file_has("/sys/kernel/security/lockdown", "[confidentiality]", false))
		snprintf(text, CORE_TEXT_MAX, "the mip4 module is installed but this kernel loads signed modules only "
			 "(Secure Boot): sign it and enrol the key with \"mokutil --import\"; "
			 "\"modprobe mip4\" says \"Key was rejected\" until then");
	else
		snprintf(text, CORE_TEXT_MAX, "mip4 module not loaded: modprobe mip4");
}

/* ---- reading ---- */

static struct nlattr *list_first(struct nlattr *list, int entry)
{
	return list ? nla_find(nla_data(list), nla_len(list), entry) : NULL;
}

/* enum core_leg_state says the same as the kernel's. */
#define SAME_STATE(x) static_assert(!((int)CORE_LEG_##x - (int)MIP4_LEG_##x), "as in the kernel")
SAME_STATE(ACTIVE);
SAME_STATE(COPY);
SAME_STATE(RECEIVE_ONLY);
SAME_STATE(PENDING);
SAME_STATE(RETURN);

static void parse_leg(struct nlattr *entry, struct core_leg *to)
{
	struct nlattr *leg[MIP4_LEG_A_MAX + 1];

	if (nla_parse_nested(leg, MIP4_LEG_A_MAX, entry, NULL))
		return;
	if (leg[MIP4_LEG_A_PEER])
		to->peer.s_addr = nla_get_u32(leg[MIP4_LEG_A_PEER]);
	if (leg[MIP4_LEG_A_LOCAL])
		to->local.s_addr = nla_get_u32(leg[MIP4_LEG_A_LOCAL]);
	to->gre = leg[MIP4_LEG_A_ENCAP] && nla_get_u8(leg[MIP4_LEG_A_ENCAP]) == MIP4_ENCAP_GRE;
	to->keyed = leg[MIP4_LEG_A_IKEY];
	if (leg[MIP4_LEG_A_IKEY])
		to->key_in = ntohl(nla_get_u32(leg[MIP4_LEG_A_IKEY]));
	if (leg[MIP4_LEG_A_OKEY])
		to->key_out = ntohl(nla_get_u32(leg[MIP4_LEG_A_OKEY]));
	if (leg[MIP4_LEG_A_STATE])
		to->state = nla_get_u8(leg[MIP4_LEG_A_STATE]);
	if (leg[MIP4_LEG_A_LIFETIME_MS])
		to->ms = nla_get_u32(leg[MIP4_LEG_A_LIFETIME_MS]);
}

/* More than we ever made are of no interest. */
static void parse_legs(struct nlattr *list, struct core_binding *b)
{
	struct nlattr *entry;
	int rem;

	if (!list)
		return;
	nla_for_each_nested(entry, list, rem) {
		if (nla_type(entry) == MIP4_BINDING_A_LEG && b->n_legs < CORE_LEGS_MAX)
			parse_leg(entry, &b->leg[b->n_legs++]);
	}
}

static bool parse_binding(struct nlattr **top, struct datapath_binding *b)
{
	struct nlattr *tb[MIP4_BINDING_A_MAX + 1], *addr[MIP4_ADDR_A_MAX + 1],
		      *stats[MIP4_STATS_A_MAX + 1], *entry;

	memset(b, 0, sizeof(*b));
	if (!top[MIP4_A_BINDING] || nla_parse_nested(tb, MIP4_BINDING_A_MAX, top[MIP4_A_BINDING], NULL))
		return false;
	if (top[MIP4_A_IFINDEX])
		b->ifindex = nla_get_u32(top[MIP4_A_IFINDEX]);
	if (tb[MIP4_BINDING_A_ID])
		b->id = nla_get_u32(tb[MIP4_BINDING_A_ID]);
	if (tb[MIP4_BINDING_A_COOKIE])
		b->as.cookie = nla_get_u64(tb[MIP4_BINDING_A_COOKIE]);
	if (tb[MIP4_BINDING_A_REALM])
		b->as.realm = nla_get_u32(tb[MIP4_BINDING_A_REALM]);
	if (tb[MIP4_BINDING_A_PORT])
		b->as.port = nla_get_u32(tb[MIP4_BINDING_A_PORT]);
	if (tb[MIP4_BINDING_A_MAC] && nla_len(tb[MIP4_BINDING_A_MAC]) == 6)
		memcpy(b->as.mac, nla_data(tb[MIP4_BINDING_A_MAC]), 6);
	entry = list_first(tb[MIP4_BINDING_A_ADDRS], MIP4_BINDING_A_ADDR);
	if (entry && !nla_parse_nested(addr, MIP4_ADDR_A_MAX, entry, NULL) && addr[MIP4_ADDR_A_ADDRESS])
		b->as.home.s_addr = nla_get_u32(addr[MIP4_ADDR_A_ADDRESS]);
	if (tb[MIP4_BINDING_A_GATEWAY])
		b->as.gateway.s_addr = nla_get_u32(tb[MIP4_BINDING_A_GATEWAY]);
	if (tb[MIP4_BINDING_A_HOME_PLEN])
		b->as.plen = nla_get_u8(tb[MIP4_BINDING_A_HOME_PLEN]);
	if (tb[MIP4_BINDING_A_LIFETIME])
		b->as.lifetime = nla_get_u32(tb[MIP4_BINDING_A_LIFETIME]);
	parse_legs(tb[MIP4_BINDING_A_LEGS], &b->as);
	if (tb[MIP4_BINDING_A_STATS] && !nla_parse_nested(stats, MIP4_STATS_A_MAX, tb[MIP4_BINDING_A_STATS], NULL)) {
		b->seen = stats[MIP4_STATS_A_SEEN_MS];
		if (b->seen)
			b->seen_ms = nla_get_u64(stats[MIP4_STATS_A_SEEN_MS]);
		if (stats[MIP4_STATS_A_FIRST_UP_NS])
			b->first_up_us = nla_get_u64(stats[MIP4_STATS_A_FIRST_UP_NS]) / 1000;
		if (stats[MIP4_STATS_A_FIRST_DOWN_NS])
			b->first_down_us = nla_get_u64(stats[MIP4_STATS_A_FIRST_DOWN_NS]) / 1000;
	}
	return true;
}

static void unknown_device(struct datapath *dp, struct nlattr *nest)
{
	struct nlattr *tb[MIP4_EVENT_A_MAX + 1];
	struct datapath_device dev = { 0 };

	if (nla_parse_nested(tb, MIP4_EVENT_A_MAX, nest, NULL) || !tb[MIP4_EVENT_A_TYPE] ||
	    nla_get_u8(tb[MIP4_EVENT_A_TYPE]) != MIP4_EVENT_UNKNOWN_DEVICE ||
	    !tb[MIP4_EVENT_A_PORT] || !tb[MIP4_EVENT_A_MAC] || nla_len(tb[MIP4_EVENT_A_MAC]) != 6)
		return;
	dev.port = nla_get_u32(tb[MIP4_EVENT_A_PORT]);
	memcpy(dev.mac, nla_data(tb[MIP4_EVENT_A_MAC]), 6);
	if (tb[MIP4_EVENT_A_ETHERTYPE])
		dev.ethertype = nla_get_u16(tb[MIP4_EVENT_A_ETHERTYPE]);
	if (tb[MIP4_EVENT_A_ADDRESS])
		dev.addr.s_addr = nla_get_u32(tb[MIP4_EVENT_A_ADDRESS]);
	if (tb[MIP4_EVENT_A_TIME_NS])
		dev.seen_us = nla_get_u64(tb[MIP4_EVENT_A_TIME_NS]) / 1000;
	dp->ops.unknown_device(dp->ops.arg, &dev);
}

static int on_notification(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *gnlh = genlmsg_hdr(nlmsg_hdr(msg));
	struct nlattr *tb[MIP4_A_MAX + 1];
	struct datapath_binding binding;
	struct datapath *dp = arg;

	if (nlmsg_hdr(msg)->nlmsg_type != dp->family || genlmsg_parse(nlmsg_hdr(msg), 0, tb, MIP4_A_MAX, NULL))
		return NL_SKIP;
	if (gnlh->cmd == MIP4_CMD_EVENT && tb[MIP4_A_EVENT])
		unknown_device(dp, tb[MIP4_A_EVENT]);
	else if (gnlh->cmd == MIP4_CMD_BINDING_DEL && tb[MIP4_A_REASON] && parse_binding(tb, &binding))
		dp->ops.deleted(dp->ops.arg, &binding, nla_get_u8(tb[MIP4_A_REASON]));
	return NL_OK;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct datapath *dp = arg;
	int rc = nl_recvmsgs_default(dp->events);

	(void)fd;
	(void)what;
	if (rc == -NLE_NOMEM) {		/* ENOBUFS: the queue ran over */
		log_warning("kernel notifications were lost; comparing bindings");
		dp->ops.lost(dp->ops.arg);
	}
}

/* ---- opening ---- */

static bool subscribe(struct datapath *dp, const char *group)
{
	int id = genl_ctrl_resolve_grp(dp->requests, MIP4_GENL_NAME, group);

	return id >= 0 && !nl_socket_add_memberships(dp->events, id, 0);
}

struct datapath *datapath_open(struct event_base *base, const struct datapath_ops *ops, char *text)
{
	struct datapath *dp = calloc(1, sizeof(*dp));

	if (!dp) {
		strcpy(text, "no memory");
		return NULL;
	}
	dp->ops = *ops;
	dp->requests = nl_open(NETLINK_GENERIC);
	dp->events = nl_open_events(NETLINK_GENERIC, on_notification, dp);
	if (!dp->requests || !dp->events) {
		snprintf(text, CORE_TEXT_MAX, "cannot open generic netlink: %s", strerror(errno));
		goto err;
	}
	dp->family = genl_ctrl_resolve(dp->requests, MIP4_GENL_NAME);
	if (dp->family < 0) {
		explain_missing(text);
		goto err;
	}
	if (!subscribe(dp, MIP4_MCGRP_BINDINGS) || !subscribe(dp, MIP4_MCGRP_EVENTS)) {
		strcpy(text, "cannot listen to the mip4 module: CAP_NET_ADMIN is needed");
		goto err;
	}
	dp->ev = event_new(base, nl_socket_get_fd(dp->events), EV_READ | EV_PERSIST, on_readable, dp);
	if (!dp->ev || event_add(dp->ev, NULL)) {
		strcpy(text, "no memory");
		goto err;
	}
	return dp;
err:
	datapath_close(dp);
	return NULL;
}

void datapath_close(struct datapath *dp)
{
	if (!dp)
		return;
	if (dp->ev)
		event_free(dp->ev);
	nl_socket_free(dp->requests);
	nl_socket_free(dp->events);
	free(dp);
}

/* ---- requests ---- */

static struct nl_msg *new_request(struct datapath *dp, uint8_t cmd, int flags, uint32_t ifindex)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg)
		return NULL;
	if (!genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, dp->family, 0, flags, cmd, MIP4_GENL_VERSION) ||
	    (ifindex && nla_put_u32(msg, MIP4_A_IFINDEX, ifindex))) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static struct nlattr *nest(struct nl_msg *msg, int type)
{
	return nla_nest_start(msg, type | NLA_F_NESTED);
}

static void put_selector(struct nl_msg *msg, uint32_t realm, struct in_addr home)
{
	struct nlattr *list, *entry;

	nla_put_u32(msg, MIP4_BINDING_A_REALM, realm);
	list = nest(msg, MIP4_BINDING_A_ADDRS);
	entry = nest(msg, MIP4_BINDING_A_ADDR);
	nla_put_u32(msg, MIP4_ADDR_A_ADDRESS, home.s_addr);
	nla_nest_end(msg, entry);
	nla_nest_end(msg, list);
}

static void put_leg(struct nl_msg *msg, const struct core_leg *leg)
{
	struct nlattr *entry = nest(msg, MIP4_BINDING_A_LEG);

	nla_put_u32(msg, MIP4_LEG_A_PEER, leg->peer.s_addr);
	nla_put_u32(msg, MIP4_LEG_A_LOCAL, leg->local.s_addr);
	nla_put_u8(msg, MIP4_LEG_A_ENCAP, leg->gre ? MIP4_ENCAP_GRE : MIP4_ENCAP_IPIP);
	if (leg->gre && leg->keyed) {
		nla_put_u32(msg, MIP4_LEG_A_IKEY, htonl(leg->key_in));
		nla_put_u32(msg, MIP4_LEG_A_OKEY, htonl(leg->key_out));
	}
	nla_put_u8(msg, MIP4_LEG_A_STATE, leg->state);
	if (leg->ms)
		nla_put_u32(msg, MIP4_LEG_A_LIFETIME_MS, leg->ms);
	nla_nest_end(msg, entry);
}

static void put_legs(struct nl_msg *msg, const struct core_binding *b)
{
	struct nlattr *list = nest(msg, MIP4_BINDING_A_LEGS);

	for (unsigned int i = 0; i < b->n_legs; i++)
		put_leg(msg, &b->leg[i]);
	nla_nest_end(msg, list);
}

static int put_binding(struct datapath *dp, uint8_t cmd, uint32_t ifindex, const struct core_binding *b, char *text)
{
	struct nl_msg *msg = new_request(dp, cmd, 0, ifindex);
	struct nlattr *binding;

	if (msg) {
		/* Some 300 bytes in a page: nothing of this can run out of room. */
		binding = nest(msg, MIP4_A_BINDING);
		put_selector(msg, b->realm, b->home);	/* in SET; PORT and MAC then say where it moves to */
		nla_put_u64(msg, MIP4_BINDING_A_COOKIE, b->cookie);
		if (b->port) {
			nla_put_u32(msg, MIP4_BINDING_A_PORT, b->port);
			nla_put(msg, MIP4_BINDING_A_MAC, 6, b->mac);
		}
		if (b->gateway.s_addr)
			nla_put_u32(msg, MIP4_BINDING_A_GATEWAY, b->gateway.s_addr);
		if (b->plen)
			nla_put_u8(msg, MIP4_BINDING_A_HOME_PLEN, b->plen);
		nla_put_u32(msg, MIP4_BINDING_A_LIFETIME, b->lifetime);
		put_legs(msg, b);
		nla_nest_end(msg, binding);
	}
	return nl_request(dp->requests, msg, NULL, NULL, text);
}

int datapath_socket(struct datapath *dp, uint32_t ifindex, int fd, char *text)
{
	struct nl_msg *msg = new_request(dp, MIP4_CMD_SOCKET_SET, 0, ifindex);

	if (msg)
		nla_put_u32(msg, MIP4_A_SOCKET_FD, fd);
	return nl_request(dp->requests, msg, NULL, NULL, text);
}

int datapath_set_home_link(struct datapath *dp, uint32_t ifindex, uint32_t port, char *text)
{
	struct nl_msg *msg = new_request(dp, MIP4_CMD_PORT_SET, 0, ifindex);
	struct nlattr *sel;

	if (msg) {
		sel = nest(msg, MIP4_A_PORT);
		nla_put_u32(msg, MIP4_PORT_A_IFINDEX, port);
		nla_put_u8(msg, MIP4_PORT_A_MODE, MIP4_PORT_HOME);
		nla_nest_end(msg, sel);
	}
	return nl_request(dp->requests, msg, NULL, NULL, text);
}

static int on_port(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[MIP4_A_MAX + 1], *port[MIP4_PORT_A_MAX + 1];
	uint32_t *home = arg;

	if (!genlmsg_parse(nlmsg_hdr(msg), 0, tb, MIP4_A_MAX, NULL) && tb[MIP4_A_PORT] &&
	    !nla_parse_nested(port, MIP4_PORT_A_MAX, tb[MIP4_A_PORT], NULL) && port[MIP4_PORT_A_IFINDEX] &&
	    port[MIP4_PORT_A_MODE] && nla_get_u8(port[MIP4_PORT_A_MODE]) == MIP4_PORT_HOME)
		*home = nla_get_u32(port[MIP4_PORT_A_IFINDEX]);
	return NL_OK;
}

int datapath_get_home_link(struct datapath *dp, uint32_t ifindex, uint32_t *port, char *text)
{
	int error, tries = 0;

	do {
		*port = 0;
		error = nl_request(dp->requests, new_request(dp, MIP4_CMD_PORT_GET, NLM_F_DUMP, ifindex), on_port, port,
				   text);
	} while (error == EINTR && ++tries < NL_DUMP_TRIES);
	return error;
}

static int on_binding(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[MIP4_A_MAX + 1];

	return !genlmsg_parse(nlmsg_hdr(msg), 0, tb, MIP4_A_MAX, NULL) && parse_binding(tb, arg) ? NL_OK : NL_SKIP;
}

static int get_binding(struct datapath *dp, uint32_t ifindex, uint32_t realm, struct in_addr home,
		       struct datapath_binding *binding)
{
	struct nl_msg *msg = new_request(dp, MIP4_CMD_BINDING_GET, 0, ifindex);
	struct nlattr *sel;

	if (msg) {
		sel = nest(msg, MIP4_A_BINDING);
		put_selector(msg, realm, home);
		nla_nest_end(msg, sel);
	}
	return nl_request(dp->requests, msg, on_binding, binding, NULL);
}

static uint32_t device_index(const char *device, char *text)
{
	uint32_t ifindex = if_nametoindex(device);

	if (!ifindex && text)
		snprintf(text, CORE_TEXT_MAX, "there is no device %s: create it (mipctl link add %s local ADDRESS) "
			 "or give the configuration a section device %s", device, device, device);
	return ifindex;
}

static int del_binding(struct datapath *dp, uint32_t ifindex, uint32_t id, char *text)
{
	struct nl_msg *msg = new_request(dp, MIP4_CMD_BINDING_DEL, 0, ifindex);
	struct nlattr *sel;

	if (msg) {
		sel = nest(msg, MIP4_A_BINDING);
		nla_put_u32(msg, MIP4_BINDING_A_ID, id);	/* this one and no successor */
		nla_nest_end(msg, sel);
	}
	return nl_request(dp->requests, msg, NULL, NULL, text);
}

/* Does its device only say that the address is its own? */
static bool pending(const struct core_binding *b)
{
	return b->n_legs && b->leg[0].state == CORE_LEG_PENDING;
}

/*
 * What is pending, or left of who had the address, doesn't keep it from who
 * has it by now. But anybody may say that an address is his, so that takes
 * nothing from a device that is away, unless it is that device.
 */
static bool gives_way(const struct core_binding *there, const struct core_binding *b)
{
	if (!there->cookie)
		return false;
	if (pending(b))
		return datapath_returns(there) && !memcmp(there->mac, b->mac, sizeof(b->mac));
	return datapath_returns(there) || pending(there);
}

/*
 * SET finds a binding by its address, and at a PMA ours may have given way to
 * another device's meanwhile. What an HA has doesn't.
 */
static bool can_set(struct datapath *dp, uint32_t ifindex, const struct core_binding *b)
{
	struct datapath_binding there = { 0 };

	if (b->exists && !b->port && !datapath_returns(b))
		return true;
	return (b->exists || datapath_returns(b)) && !get_binding(dp, ifindex, b->realm, b->home, &there) &&
	       there.as.cookie == b->cookie;
}

int datapath_bind(struct datapath *dp, const struct core_binding *b, char *text)
{
	uint32_t ifindex = device_index(b->device, text);
	struct datapath_binding there = { 0 };
	int error;

	if (!ifindex)
		return ENODEV;
	error = can_set(dp, ifindex, b) ? put_binding(dp, MIP4_CMD_BINDING_SET, ifindex, b, text) : ENOENT;
	if (error != ENOENT)
		return error;
	if (datapath_returns(b)) {
		snprintf(text, CORE_TEXT_MAX, "its binding is gone");
		return ENOENT;
	}
	error = put_binding(dp, MIP4_CMD_BINDING_NEW, ifindex, b, text);
	if (error != EEXIST || get_binding(dp, ifindex, b->realm, b->home, &there))
		return error;	/* a clash of another kind keeps the kernel's words */
	if (there.as.cookie == b->cookie)	/* ours from an earlier life */
		return put_binding(dp, MIP4_CMD_BINDING_SET, ifindex, b, text);
	if (gives_way(&there.as, b)) {
		error = del_binding(dp, ifindex, there.id, text);
		return error ? error : put_binding(dp, MIP4_CMD_BINDING_NEW, ifindex, b, text);
	}
	if (pending(b))
		snprintf(text, CORE_TEXT_MAX, "%s in realm %u is held by binding %u", ip_text(b->home).s, b->realm,
			 there.id);
	else
		snprintf(text, CORE_TEXT_MAX,
			 "%s in realm %u is held by binding %u, %s: mipctl binding del dev %.16s id %u",
			 ip_text(b->home).s, b->realm, there.id,
			 there.as.cookie ? "of another registration" : "which was made by hand", b->device, there.id);
	return EEXIST;
}

int datapath_unbind(struct datapath *dp, const struct core_binding *b, char *text)
{
	uint32_t ifindex = device_index(b->device, text);
	struct datapath_binding there = { 0 };
	int error;

	if (!ifindex)
		return ENODEV;
	error = get_binding(dp, ifindex, b->realm, b->home, &there);
	if (!error && there.as.cookie != b->cookie)
		error = ENOENT;		/* somebody else's by now */
	if (error) {
		snprintf(text, CORE_TEXT_MAX, "%s", strerror(error));
		return error;
	}
	return del_binding(dp, ifindex, there.id, text);
}

int datapath_get(struct datapath *dp, const char *device, uint32_t realm, struct in_addr home,
		 struct datapath_binding *binding)
{
	uint32_t ifindex = device_index(device, NULL);

	return ifindex ? get_binding(dp, ifindex, realm, home, binding) : ENODEV;
}

struct walk {
	struct datapath_binding *b;
	size_t n, size;
	bool failed;
};

static int on_walk(struct nl_msg *msg, void *arg)
{
	struct walk *walk = arg;

	if (walk->n == walk->size) {
		size_t size = walk->size ? 2 * walk->size : 256;
		struct datapath_binding *grown = reallocarray(walk->b, size, sizeof(*grown));

		if (!grown) {
			walk->failed = true;
			return NL_SKIP;
		}
		walk->b = grown;
		walk->size = size;
	}
	if (on_binding(msg, &walk->b[walk->n]) == NL_OK)
		walk->n++;
	return NL_OK;
}

int datapath_walk(struct datapath *dp, void (*fn)(void *arg, const struct datapath_binding *binding),
		  void *arg, char *text)
{
	struct walk walk = { 0 };
	int error, tries = 0;

	do {
		walk.n = 0;
		error = nl_request(dp->requests, new_request(dp, MIP4_CMD_BINDING_GET, NLM_F_DUMP, 0),
				   on_walk, &walk, text);
	} while (error == EINTR && ++tries < NL_DUMP_TRIES);
	if (!error && walk.failed) {
		strcpy(text, "no memory");
		error = ENOMEM;
	}
	for (size_t i = 0; !error && i < walk.n; i++)
		fn(arg, &walk.b[i]);
	free(walk.b);
	return error;
}

struct version {
	char *buf;
	size_t size;
};

static int on_version(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[MIP4_A_MAX + 1];
	struct version *version = arg;

	if (!genlmsg_parse(nlmsg_hdr(msg), 0, tb, MIP4_A_MAX, NULL) && tb[MIP4_A_VERSION])
		snprintf(version->buf, version->size, "%.*s", nla_len(tb[MIP4_A_VERSION]),
			 (char *)nla_data(tb[MIP4_A_VERSION]));
	return NL_OK;
}

int datapath_version(struct datapath *dp, char *buf, size_t size)
{
	struct version version = { buf, size };

	*buf = '\0';
	return nl_request(dp->requests, new_request(dp, MIP4_CMD_VERSION_GET, 0, 0), on_version, &version, NULL);
}
