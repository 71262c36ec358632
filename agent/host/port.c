// SPDX-License-Identifier: GPL-2.0-only
#include "host/port.h"
#include "host/arp.h"
#include "host/clock.h"
#include "host/log.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_MAX	2048	/* a DHCP message has at most 1500 bytes on Ethernet */
#define BATCH		64	/* frames per wake-up, so that others get their turn */
#define ANNOUNCEMENTS	3	/* per carrier; the other end of a wire may see it a moment after us */
#define ANNOUNCE_MS	100

struct port_entry {
	struct port port;
	uint32_t master, carrier_ups;
	char device[IFNAMSIZ];		/* the master's name */
	uint8_t mac[6];			/* its own */
	bool shows_mac;			/* the master has no gateway MAC */
	bool running;
	bool seen;			/* by the walk under way */
	int fd;
	struct event *ev, *announce;
	unsigned int announced;
	struct ports *ports;
	LIST_ENTRY(port_entry) list;
};

/* A member of a bridge that is a port, by which devices reach each other past the home agent. */
struct member {
	uint32_t ifindex;
	LIST_ENTRY(member) list;
};

struct ports {
	struct event_base *base;
	struct links *links;
	struct event *look;		/* at members of what has become a port */
	LIST_HEAD(, member) members;	/* warned of */
	const struct config *config;
	port_frame_fn fn;
	port_link_fn link;
	void *arg;
	LIST_HEAD(, port_entry) list;
};

/* IPv4, UDP, first fragment, destination port 67. */
static struct sock_filter dhcp_filter[] = {
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 8),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 6),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 4, 0),
	BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14),
	BPF_STMT(BPF_LD | BPF_H | BPF_IND, 16),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 67, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0x40000),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

/* What a frame's control messages say; the clock falls back to now. */
static void read_control(struct msghdr *msg, bool *tagged, bool *csum_done, uint64_t *seen_us)
{
	*tagged = false;
	*csum_done = true;
	*seen_us = clock_mono_us();
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
			struct tpacket_auxdata aux;

			memcpy(&aux, CMSG_DATA(c), sizeof(aux));
			*tagged = aux.tp_status & TP_STATUS_VLAN_VALID;
			*csum_done = !(aux.tp_status & TP_STATUS_CSUMNOTREADY);
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
			struct timespec stamp;

			memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
			*seen_us = clock_mono_us_of(&stamp);
		}
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct port_entry *entry = arg;
	struct ports *ports = entry->ports;
	uint32_t ifindex = entry->port.ifindex;

	(void)what;
	for (int i = 0; i < BATCH; i++) {
		_Alignas(struct cmsghdr) char control[256];
		uint8_t frame[FRAME_MAX];
		struct iovec iov = { frame, sizeof(frame) };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				      .msg_controllen = sizeof(control) };
		bool tagged, csum_done;
		uint64_t seen_us;
		ssize_t len = recvmsg(fd, &msg, MSG_DONTWAIT);

		if (len < 0)
			return;		/* EAGAIN, or ENETDOWN once when the port goes down */
		read_control(&msg, &tagged, &csum_done, &seen_us);
		/* Another VLAN's frames are not this port's. */
		if (tagged || msg.msg_flags & MSG_TRUNC)
			continue;
		ports->fn(ports->arg, &entry->port, frame, len, csum_done, seen_us);
		if (!port_find(ports, ifindex))
			return;		/* gone meanwhile */
	}
}

static int open_socket(uint32_t ifindex)
{
	struct sock_fprog prog = { sizeof(dhcp_filter) / sizeof(dhcp_filter[0]), dhcp_filter };
	struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = ifindex };
	/* Protocol 0: nothing comes in before filter and port are set. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&sll, sizeof(sll))) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static void close_port(struct port_entry *entry)
{
	LIST_REMOVE(entry, list);
	if (entry->ev)
		event_free(entry->ev);
	if (entry->announce)
		event_free(entry->announce);
	if (entry->fd >= 0)
		close(entry->fd);
	free(entry);
}

/* The first network that has this gateway speaks for the others. */
static bool announces(const struct config *config, unsigned int i, const char *device)
{
	const struct core_network *net = config->networks;

	if (strcmp(net[i].device, device) || !net[i].gateway.s_addr)
		return false;
	for (unsigned int j = 0; j < i; j++)
		if (!strcmp(net[j].device, device) && net[j].gateway.s_addr == net[i].gateway.s_addr)
			return false;
	return true;
}

static void on_announce(evutil_socket_t fd, short what, void *arg)
{
	struct timeval again = { 0, ANNOUNCE_MS * 1000 }, second = { 1, 0 };
	struct port_entry *entry = arg;
	const struct config *config = entry->ports->config;
	bool missed;

	(void)fd;
	(void)what;
	for (unsigned int i = 0; entry->announced < ANNOUNCEMENTS && i < config->core.n_networks; i++)
		if (announces(config, i, entry->device))
			port_send_arp(&entry->port, arp_everybody, config->networks[i].gateway,
				      config->networks[i].gateway);
	missed = entry->ports->link(entry->ports->arg, &entry->port, true);
	if (entry->announced < ANNOUNCEMENTS)
		entry->announced++;
	if (entry->announced < ANNOUNCEMENTS)
		evtimer_add(entry->announce, &again);
	else if (missed)
		evtimer_add(entry->announce, &second);
}

static void carrier_came(struct port_entry *entry)
{
	log_debug("port %s has a carrier", entry->port.name);
	entry->announced = 0;
	evtimer_del(entry->announce);
	on_announce(-1, 0, entry);
}

/* A carrier that went and came before we looked counts as both. */
static void take_carrier(struct port_entry *entry, const struct link_info *info)
{
	if (entry->running && (!info->running || entry->carrier_ups != info->carrier_ups)) {
		log_debug("port %s has lost its carrier", entry->port.name);
		entry->running = false;
		evtimer_del(entry->announce);
		entry->ports->link(entry->ports->arg, &entry->port, false);
	}
	if (!info->running || entry->running)
		return;
	entry->running = true;
	entry->carrier_ups = info->carrier_ups;
	carrier_came(entry);
}

static void take_master(struct port_entry *entry, const struct link_info *master)
{
	strcpy(entry->device, master->name);
	entry->shows_mac = !master->has_gwmac;
	memcpy(entry->port.gwmac, master->has_gwmac ? master->gwmac : entry->mac, 6);
}

static void forget_members(struct ports *ports)
{
	struct member *member;

	while ((member = LIST_FIRST(&ports->members))) {
		LIST_REMOVE(member, list);
		free(member);
	}
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct ports *ports = arg;

	(void)fd;
	(void)what;
	if (links_walk(ports->links))
		log_warning("cannot look whether members of bridges are isolated");
}

static void open_port(struct ports *ports, const struct link_info *info, const struct link_info *master)
{
	struct port_entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return;
	entry->ports = ports;
	entry->master = master->ifindex;
	entry->running = info->running;
	entry->carrier_ups = info->carrier_ups;
	entry->port.ifindex = info->ifindex;
	strcpy(entry->port.name, info->name);
	memcpy(entry->mac, info->mac, 6);
	take_master(entry, master);
	entry->seen = true;
	LIST_INSERT_HEAD(&ports->list, entry, list);
	entry->fd = open_socket(info->ifindex);
	if (entry->fd >= 0)
		entry->ev = event_new(ports->base, entry->fd, EV_READ | EV_PERSIST, on_readable, entry);
	entry->announce = evtimer_new(ports->base, on_announce, entry);
	if (!entry->ev || !entry->announce || event_add(entry->ev, NULL)) {
		log_error("port %s: cannot listen for DHCP: %s", info->name, strerror(errno));
		close_port(entry);
		return;
	}
	log_info("port %s of %s is served", info->name, master->name);
	event_active(ports->look, EV_TIMEOUT, 0);
}

static struct port_entry *find(const struct ports *ports, uint32_t ifindex)
{
	struct port_entry *entry;

	LIST_FOREACH(entry, &ports->list, list)
		if (entry->port.ifindex == ifindex)
			return entry;
	return NULL;
}

/* Warns once of each, until it is isolated or gone. */
static void check_member(struct ports *ports, const struct link_info *info, bool gone)
{
	const struct port_entry *bridge = gone || !info->bridged || info->isolated ? NULL : find(ports, info->master);
	struct member *member;

	LIST_FOREACH(member, &ports->members, list)
		if (member->ifindex == info->ifindex)
			break;
	if (!bridge == !member)
		return;
	if (member) {
		LIST_REMOVE(member, list);
		free(member);
		return;
	}
	member = calloc(1, sizeof(*member));
	if (!member)
		return;
	member->ifindex = info->ifindex;
	LIST_INSERT_HEAD(&ports->members, member, list);
	log_warning("port %s: its member %s is not isolated, so devices may reach each other past their home agent: "
		    "bridge link set dev %s isolated on", bridge->port.name, info->name, info->name);
}

void ports_link_changed(struct ports *ports, const struct link_info *info, bool gone)
{
	struct port_entry *entry = find(ports, info->ifindex);
	struct link_info master;

	check_member(ports, info, gone);
	if (info->mip4 && !gone) {	/* its gateway MAC or its name may have changed */
		LIST_FOREACH(entry, &ports->list, list)
			if (entry->master == info->ifindex)
				take_master(entry, info);
		return;
	}
	if (entry && (gone || entry->master != info->master)) {
		log_info("port %s is no longer served", entry->port.name);
		close_port(entry);
		entry = NULL;
	}
	if (entry) {
		entry->seen = true;
		if (strcmp(entry->port.name, info->name)) {
			log_info("port %s is named %s now", entry->port.name, info->name);
			strcpy(entry->port.name, info->name);
		}
		memcpy(entry->mac, info->mac, 6);
		if (entry->shows_mac)
			memcpy(entry->port.gwmac, info->mac, 6);
		take_carrier(entry, info);
	}
	if (gone || entry || !info->master || !info->ethernet || !ports->config || !ports->config->core.pma ||
	    config_home_link(ports->config, info->name) ||
	    link_get(ports->links, NULL, info->master, &master) || !master.mip4 ||
	    !config_uses_device(ports->config, master.name))
		return;
	open_port(ports, info, &master);
}

int ports_resync(struct ports *ports)
{
	struct port_entry *entry, *next;
	int error;

	LIST_FOREACH(entry, &ports->list, list)
		entry->seen = false;
	error = links_walk(ports->links);
	if (error)
		return error;
	for (entry = LIST_FIRST(&ports->list); entry; entry = next) {
		next = LIST_NEXT(entry, list);
		if (!entry->seen) {
			log_info("port %s is no longer served", entry->port.name);
			close_port(entry);
		}
	}
	return 0;
}

int ports_configure(struct ports *ports, const struct config *config)
{
	ports->config = config;
	forget_members(ports);
	while (!LIST_EMPTY(&ports->list))
		close_port(LIST_FIRST(&ports->list));
	return ports_resync(ports);
}

struct ports *ports_new(struct event_base *base, struct links *links, port_frame_fn fn, port_link_fn link, void *arg)
{
	struct ports *ports = calloc(1, sizeof(*ports));

	if (!ports)
		return NULL;
	ports->base = base;
	ports->links = links;
	ports->fn = fn;
	ports->link = link;
	ports->arg = arg;
	LIST_INIT(&ports->list);
	LIST_INIT(&ports->members);
	ports->look = evtimer_new(base, on_look, ports);
	if (!ports->look) {
		free(ports);
		return NULL;
	}
	return ports;
}

void ports_tell_links(const struct ports *ports)
{
	struct port_entry *entry;

	LIST_FOREACH(entry, &ports->list, list)
		ports->link(ports->arg, &entry->port, entry->running);
}

void ports_free(struct ports *ports)
{
	if (!ports)
		return;
	while (!LIST_EMPTY(&ports->list))
		close_port(LIST_FIRST(&ports->list));
	forget_members(ports);
	event_free(ports->look);
	free(ports);
}

const struct port *port_find(const struct ports *ports, uint32_t ifindex)
{
	struct port_entry *entry = find(ports, ifindex);

	return entry ? &entry->port : NULL;
}

void port_send_arp(const struct port *port, const uint8_t mac[static 6], struct in_addr sender, struct in_addr target)
{
	struct arp arp = { .sender = sender, .target = target };
	uint8_t frame[ARP_FRAME_LEN];

	memcpy(arp.sender_mac, port->gwmac, 6);
	arp_build(frame, port->gwmac, mac, &arp);
	port_send(port, frame, sizeof(frame));
}

void port_send(const struct port *port, const uint8_t *frame, size_t len)
{
	const struct port_entry *entry = (const struct port_entry *)port;
	struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_ifindex = port->ifindex, .sll_halen = 6 };

	memcpy(sll.sll_addr, frame, 6);
	memcpy(&sll.sll_protocol, frame + 12, 2);
	if (sendto(entry->fd, frame, len, 0, (struct sockaddr *)&sll, sizeof(sll)) < 0)
		log_debug("port %s: cannot send: %s", port->name, strerror(errno));
}
