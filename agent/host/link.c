// SPDX-License-Identifier: GPL-2.0-only
#include "host/link.h"
#include "host/log.h"
#include "host/nl.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/mip4.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

struct links {
	struct nl_sock *requests, *events;
	struct event *ev;
	void (*changed)(void *arg, const struct link_info *info, bool gone);
	void (*lost)(void *arg);
	void *arg;
};

static void parse_kind(struct nlattr *linkinfo, struct link_info *info)
{
	struct nlattr *tb[IFLA_INFO_MAX + 1], *data[IFLA_MIP4_MAX + 1];

	if (nla_parse_nested(tb, IFLA_INFO_MAX, linkinfo, NULL) || !tb[IFLA_INFO_KIND] ||
	    nla_strcmp(tb[IFLA_INFO_KIND], MIP4_LINK_KIND))
		return;
	info->mip4 = true;
	if (!tb[IFLA_INFO_DATA] || nla_parse_nested(data, IFLA_MIP4_MAX, tb[IFLA_INFO_DATA], NULL))
		return;
	if (data[IFLA_MIP4_LOCAL])
		info->local.s_addr = nla_get_u32(data[IFLA_MIP4_LOCAL]);
	if (data[IFLA_MIP4_REALM])
		info->realm = nla_get_u32(data[IFLA_MIP4_REALM]);
	if (data[IFLA_MIP4_GWMAC] && nla_len(data[IFLA_MIP4_GWMAC]) == 6) {
		memcpy(info->gwmac, nla_data(data[IFLA_MIP4_GWMAC]), 6);
		info->has_gwmac = memcmp(info->gwmac, "\0\0\0\0\0", 6);
	}
}

static void parse_member(struct nlattr *linkinfo, struct link_info *info)
{
	struct nlattr *tb[IFLA_INFO_MAX + 1], *data[IFLA_BRPORT_MAX + 1];

	if (nla_parse_nested(tb, IFLA_INFO_MAX, linkinfo, NULL) || !tb[IFLA_INFO_SLAVE_KIND] ||
	    nla_strcmp(tb[IFLA_INFO_SLAVE_KIND], "bridge"))
		return;
	info->bridged = true;
	if (tb[IFLA_INFO_SLAVE_DATA] && !nla_parse_nested(data, IFLA_BRPORT_MAX, tb[IFLA_INFO_SLAVE_DATA], NULL) &&
	    data[IFLA_BRPORT_ISOLATED])
		info->isolated = nla_get_u8(data[IFLA_BRPORT_ISOLATED]);
}

static bool parse_link(struct nlmsghdr *nlh, struct link_info *info)
{
	struct ifinfomsg *ifi = nlmsg_data(nlh);
	struct nlattr *tb[IFLA_MAX + 1];

	memset(info, 0, sizeof(*info));
	if ((nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK) ||
	    nlmsg_parse(nlh, sizeof(*ifi), tb, IFLA_MAX, NULL) || !tb[IFLA_IFNAME])
		return false;
	info->ifindex = ifi->ifi_index;
	info->up = ifi->ifi_flags & IFF_UP;
	info->running = ifi->ifi_flags & IFF_RUNNING;
	info->ethernet = ifi->ifi_type == ARPHRD_ETHER;
	nla_strlcpy(info->name, tb[IFLA_IFNAME], sizeof(info->name));
	if (info->ethernet && tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == 6)
		memcpy(info->mac, nla_data(tb[IFLA_ADDRESS]), 6);
	if (tb[IFLA_MASTER])
		info->master = nla_get_u32(tb[IFLA_MASTER]);
	if (tb[IFLA_CARRIER_UP_COUNT])
		info->carrier_ups = nla_get_u32(tb[IFLA_CARRIER_UP_COUNT]);
	if (tb[IFLA_LINKINFO]) {
		parse_kind(tb[IFLA_LINKINFO], info);
		parse_member(tb[IFLA_LINKINFO], info);
	}
	return true;
}

/*
 * A notification may be older than what has been read meanwhile, and one of
 * AF_BRIDGE is about a member of a bridge alone, so it only says which device
 * to look at.
 */
static int on_change(struct nl_msg *msg, void *arg)
{
	struct links *links = arg;
	struct link_info told, info;
	int error;

	if (!parse_link(nlmsg_hdr(msg), &told))
		return NL_OK;
	error = link_get(links, NULL, told.ifindex, &info);
	if (error && error != ENODEV)
		links->lost(links->arg);
	else
		links->changed(links->arg, error ? &told : &info, error);
	return NL_OK;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct links *links = arg;

	(void)fd;
	(void)what;
	if (nl_recvmsgs_default(links->events) == -NLE_NOMEM) {
		log_warning("link notifications were lost; reading all links");
		links->lost(links->arg);
	}
}

struct links *links_open(struct event_base *base, void (*changed)(void *arg, const struct link_info *info, bool gone),
			 void (*lost)(void *arg), void *arg, char *text)
{
	struct links *links = calloc(1, sizeof(*links));

	if (!links) {
		strcpy(text, "no memory");
		return NULL;
	}
	links->changed = changed;
	links->lost = lost;
	links->arg = arg;
	links->requests = nl_open(NETLINK_ROUTE);
	links->events = nl_open_events(NETLINK_ROUTE, on_change, links);
	if (links->requests && links->events && !nl_socket_add_memberships(links->events, RTNLGRP_LINK, 0))
		links->ev = event_new(base, nl_socket_get_fd(links->events), EV_READ | EV_PERSIST, on_readable, links);
	if (!links->ev || event_add(links->ev, NULL)) {
		snprintf(text, CORE_TEXT_MAX, "cannot open rtnetlink: %s", strerror(errno));
		links_close(links);
		return NULL;
	}
	return links;
}

void links_close(struct links *links)
{
	if (!links)
		return;
	if (links->ev)
		event_free(links->ev);
	nl_socket_free(links->requests);
	nl_socket_free(links->events);
	free(links);
}

/* ---- requests ---- */

static struct nl_msg *new_link_request(int type, int flags, uint32_t ifindex, unsigned int up)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex, .ifi_flags = up, .ifi_change = up };
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (msg && nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

struct listing {
	struct link_info *info;
	size_t n;
	bool failed;
};

static int on_listed(struct nl_msg *msg, void *arg)
{
	struct listing *listing = arg;
	struct link_info *grown = reallocarray(listing->info, listing->n + 1, sizeof(*grown));

	if (!grown) {
		listing->failed = true;
		return NL_SKIP;
	}
	listing->info = grown;
	if (parse_link(nlmsg_hdr(msg), &grown[listing->n]))
		listing->n++;
	return NL_OK;
}

int links_walk(struct links *links)
{
	struct listing listing = { 0 };
	int error, tries = 0;

	do {
		listing.n = 0;
		error = nl_request(links->requests, new_link_request(RTM_GETLINK, NLM_F_DUMP, 0, 0),
				   on_listed, &listing, NULL);
	} while (error == EINTR && ++tries < NL_DUMP_TRIES);
	if (!error && listing.failed)
		error = ENOMEM;
	/* Not from within the dump: @changed asks for further links on the same socket. */
	for (size_t i = 0; i < listing.n; i++)
		links->changed(links->arg, &listing.info[i], false);
	free(listing.info);
	return error;
}

static int on_link(struct nl_msg *msg, void *arg)
{
	parse_link(nlmsg_hdr(msg), arg);
	return NL_OK;
}

int link_get(struct links *links, const char *name, uint32_t ifindex, struct link_info *info)
{
	struct nl_msg *msg = new_link_request(RTM_GETLINK, 0, name ? 0 : ifindex, 0);
	int error;

	if (msg && name)
		nla_put_string(msg, IFLA_IFNAME, name);
	info->ifindex = 0;
	error = nl_request(links->requests, msg, on_link, info, NULL);
	return error ? error : info->ifindex ? 0 : ENODEV;
}

/* Creates the device, or, with its @ifindex, sets what the configuration names beyond addresses. */
static int configure(struct links *links, const struct config_device *device, uint32_t ifindex, char *why)
{
	struct nl_msg *msg = new_link_request(RTM_NEWLINK, ifindex ? 0 : NLM_F_CREATE | NLM_F_EXCL, ifindex, 0);

	if (msg) {
		struct nlattr *info, *data;

		if (!ifindex)
			nla_put_string(msg, IFLA_IFNAME, device->name);
		info = nla_nest_start(msg, IFLA_LINKINFO);
		nla_put_string(msg, IFLA_INFO_KIND, MIP4_LINK_KIND);
		data = nla_nest_start(msg, IFLA_INFO_DATA | NLA_F_NESTED);
		if (!ifindex) {
			nla_put_u32(msg, IFLA_MIP4_LOCAL, device->local.s_addr);
			nla_put_u32(msg, IFLA_MIP4_REALM, device->realm);
			if (device->has_gwmac)
				nla_put(msg, IFLA_MIP4_GWMAC, 6, device->gwmac);
		}
		for (unsigned int i = 0; i < device->n_settings; i++)
			nla_put_u8(msg, device->settings[i].attr, device->settings[i].value);
		nla_nest_end(msg, data);
		nla_nest_end(msg, info);
	}
	return nl_request(links->requests, msg, NULL, NULL, why);
}

/* Sets @ifindex up; with @master, enslaves it as well. */
static int set_up(struct links *links, uint32_t ifindex, uint32_t master, char *why)
{
	struct nl_msg *msg = new_link_request(RTM_NEWLINK, 0, ifindex, IFF_UP);

	if (msg && master)
		nla_put_u32(msg, IFLA_MASTER, master);
	return nl_request(links->requests, msg, NULL, NULL, why);
}

static int add_addr(struct links *links, uint32_t ifindex, struct in_addr addr, uint8_t plen, char *why)
{
	struct ifaddrmsg ifa = { .ifa_family = AF_INET, .ifa_prefixlen = plen, .ifa_index = ifindex };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	int error;

	if (msg) {
		nlmsg_append(msg, &ifa, sizeof(ifa), NLMSG_ALIGNTO);
		nla_put_u32(msg, IFA_LOCAL, addr.s_addr);
		nla_put_u32(msg, IFA_ADDRESS, addr.s_addr);
	}
	error = nl_request(links->requests, msg, NULL, NULL, why);
	return error == EEXIST ? 0 : error;
}

/* @device as it is: all zero if it isn't there. */
static int look_at(struct links *links, const struct config_device *device, struct link_info *info, char *text)
{
	int error = link_get(links, device->name, 0, info);

	if (error == ENODEV) {
		*info = (struct link_info){ 0 };
		return 0;
	}
	if (error)
		snprintf(text, CORE_TEXT_MAX, "cannot look at device %.16s: %s", device->name, strerror(error));
	return error;
}

static int look_at_port(struct links *links, const struct config_device *device, unsigned int i,
			struct link_info *port, char *text)
{
	const char *name = config_port(device, i);
	int error = link_get(links, name, 0, port);

	if (error)
		snprintf(text, CORE_TEXT_MAX, "port %.16s of device %.16s: %s", name, device->name,
			 error == ENODEV ? "there is no such network device" : strerror(error));
	return error;
}

int link_check(struct links *links, const struct config_device *device, char *text)
{
	struct link_info info, port;
	int error;

	error = look_at(links, device, &info, text);
	if (error)
		return error;
	if (info.ifindex && !info.mip4) {
		snprintf(text, CORE_TEXT_MAX, "device %.16s is there but is no mip4 device", device->name);
		return EEXIST;
	}
	if (info.ifindex && (info.local.s_addr != device->local.s_addr ||
			     (device->has_gwmac && memcmp(info.gwmac, device->gwmac, 6)))) {
		snprintf(text, CORE_TEXT_MAX, "device %.16s is there with other addresses than configured (local %s): "
			 "ip link del %.16s, or change its section", device->name, ip_text(info.local).s, device->name);
		return EEXIST;
	}
	for (unsigned int i = 0; config_port(device, i); i++) {
		error = look_at_port(links, device, i, &port, text);
		if (error)
			return error;
		if (port.master && port.master != info.ifindex) {
			snprintf(text, CORE_TEXT_MAX, "port %.16s of device %.16s belongs to another device: "
				 "ip link set %.16s nomaster", port.name, device->name, port.name);
			return EBUSY;
		}
	}
	return 0;
}

static int ensure_ports(struct links *links, const struct config_device *device, uint32_t master, char *text)
{
	char why[NL_TEXT_MAX];
	struct link_info port;
	int error;

	for (unsigned int i = 0; config_port(device, i); i++) {
		error = look_at_port(links, device, i, &port, text);
		if (error)
			return error;
		if (port.master == master && port.up)
			continue;
		error = set_up(links, port.ifindex, port.master == master ? 0 : master, why);
		if (error) {
			snprintf(text, CORE_TEXT_MAX, "cannot make %.16s a port of %.16s: %.180s", port.name,
				 device->name, why);
			return error;
		}
	}
	return 0;
}

/*
 * The mip4 device's addresses, without their prefixes, are the home link's,
 * too: what comes in by an interface that has none is dropped by any rp_filter,
 * be it ARP requests for these.
 */
static int ensure_home_addrs(struct links *links, const struct config_device *device, char *text)
{
	char why[NL_TEXT_MAX];
	struct link_info port;
	int error = look_at_port(links, device, device->n_ports, &port, text);

	for (unsigned int i = 0; !error && i < device->n_addrs; i++) {
		error = add_addr(links, port.ifindex, device->addrs[i].addr, 32, why);
		if (error)
			snprintf(text, CORE_TEXT_MAX, "cannot give home link %.16s an address: %.180s", port.name, why);
	}
	return error;
}

int link_ensure(struct links *links, const struct config_device *device, char *text)
{
	struct link_info info;
	char why[NL_TEXT_MAX];
	int error;

	error = look_at(links, device, &info, text);
	if (error)
		return error;
	if (!info.ifindex) {
		error = configure(links, device, 0, why);
		if (!error)
			error = link_get(links, device->name, 0, &info);
		if (error) {
			snprintf(text, CORE_TEXT_MAX, "cannot create device %.16s: %.180s", device->name, why);
			return error;
		}
		log_info("created device %s", device->name);
	}
	error = info.up ? 0 : set_up(links, info.ifindex, 0, why);
	for (unsigned int i = 0; !error && i < device->n_addrs; i++)
		error = add_addr(links, info.ifindex, device->addrs[i].addr, device->addrs[i].plen, why);
	if (error) {
		snprintf(text, CORE_TEXT_MAX, "cannot set device %.16s up: %.180s", device->name, why);
		return error;
	}
	error = ensure_ports(links, device, info.ifindex, text);
	return error || !*device->home_link ? error : ensure_home_addrs(links, device, text);
}

int link_set(struct links *links, const struct config_device *device, char *text)
{
	struct link_info info;
	char why[NL_TEXT_MAX];
	int error;

	if (!device->n_settings)
		return 0;
	error = look_at(links, device, &info, text);
	if (error)
		return error;
	error = configure(links, device, info.ifindex, why);
	if (error)
		snprintf(text, CORE_TEXT_MAX, "cannot change device %.16s: %.180s", device->name, why);
	return error;
}
