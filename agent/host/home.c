// SPDX-License-Identifier: GPL-2.0-only
#include "host/home.h"
#include "host/arp.h"
#include "host/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <linux/filter.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH	64	/* frames per wake-up, so that others get their turn */
#define SETS	1024	/* a home agent may get all its devices at once */

struct home {
	uint32_t ifindex;
	char name[IFNAMSIZ];
	const char *device;		/* the configuration's, whose home link it is */
	uint8_t mac[6];
	int fd;
	struct event *ev;
	struct homes *homes;
	LIST_ENTRY(home) list;
};

/* What is being said of one address, or asked. */
struct notice {
	struct home *at;
	struct in_addr home;
	uint8_t mac[6];
	bool asking;			/* for @mac */
	unsigned int said;
	struct event *timer;
	LIST_ENTRY(notice) list;
};

struct homes {
	struct event_base *base;
	const struct config *config;
	LIST_HEAD(, home) list;
	LIST_HEAD(notices, notice) notices[SETS];
};

/* Answers to us. */
static struct sock_filter answers[] = {
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPOP_REPLY, 0, 3),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0x40000),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

/* ---- what is said ---- */

static struct notices *set_of(struct homes *homes, struct in_addr home)
{
	return &homes->notices[ntohl(home.s_addr) % SETS];
}

static struct notice *find_notice(const struct home *at, struct in_addr home)
{
	struct notice *notice;

	LIST_FOREACH(notice, set_of(at->homes, home), list)
		if (notice->at == at && notice->home.s_addr == home.s_addr)
			return notice;
	return NULL;
}

static void free_notice(struct notice *notice)
{
	LIST_REMOVE(notice, list);
	if (notice->timer)
		event_free(notice->timer);
	free(notice);
}

static void broadcast(const struct home *at, const struct arp *arp)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP),
				   .sll_ifindex = at->ifindex, .sll_halen = 6 };
	uint8_t frame[ARP_FRAME_LEN];

	memcpy(sll.sll_addr, arp_everybody, 6);
	/* From ourselves, whoever it is about, or bridges would send here what is for him. */
	arp_build(frame, at->mac, arp_everybody, arp);
	if (sendto(at->fd, frame, sizeof(frame), 0, (struct sockaddr *)&sll, sizeof(sll)) < 0)
		log_debug("home link %s: cannot send: %s", at->name, strerror(errno));
}

/*
 * As whom this machine would ask there. A probe, without an address, would
 * tell a device that is just configuring itself of a conflict (RFC 5227 s2.1.1).
 */
static struct in_addr own_address(const struct home *at, struct in_addr target)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(WIRE_PORT), .sin_addr = target };
	struct sockaddr_in own = { 0 };
	socklen_t len = sizeof(own);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, at->name, strlen(at->name)) ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) || getsockname(fd, (struct sockaddr *)&own, &len))
		log_limited(LOG_L_WARNING, "home link %s: no address to ask from: %s", at->name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return own.sin_addr;
}

static void say(struct notice *notice)
{
	struct arp arp = { .sender = notice->home, .target = notice->home };

	if (notice->asking) {
		arp.sender = own_address(notice->at, notice->home);
		memcpy(arp.sender_mac, notice->at->mac, 6);
		if (!arp.sender.s_addr)
			return;
	} else {
		memcpy(arp.sender_mac, notice->mac, 6);
	}
	broadcast(notice->at, &arp);
}

/* The next time; after the last one asked for, or as long as an answer may take, it is over. */
static void go_on(struct notice *notice)
{
	struct timeval again = { HOME_MS / 1000, HOME_MS % 1000 * 1000 };

	if (notice->said == HOME_TIMES) {
		if (notice->asking)
			log_debug("home link %s: nobody has %s", notice->at->name, ip_text(notice->home).s);
		free_notice(notice);
		return;
	}
	say(notice);
	if (++notice->said < HOME_TIMES || notice->asking)
		evtimer_add(notice->timer, &again);
	else
		free_notice(notice);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	go_on(arg);
}

/* What was being said of the address no longer holds. @mac NULL: it has to be asked for. */
static void begin(struct home *at, struct in_addr addr, const uint8_t *mac)
{
	struct notice *notice = find_notice(at, addr);

	if (!notice) {
		notice = calloc(1, sizeof(*notice));
		if (!notice)
			return;
		notice->at = at;
		notice->home = addr;
		LIST_INSERT_HEAD(set_of(at->homes, addr), notice, list);
		notice->timer = evtimer_new(at->homes->base, on_timer, notice);
		if (!notice->timer) {
			free_notice(notice);
			return;
		}
	}
	notice->asking = !mac;
	notice->said = 0;
	if (mac) {
		memcpy(notice->mac, mac, 6);
		log_debug("home link %s: %s is at %s", at->name, ip_text(addr).s, mac_text(mac).s);
	}
	go_on(notice);
}

void homes_begin(struct homes *homes, const char *device, struct in_addr home)
{
	struct home *at;

	LIST_FOREACH(at, &homes->list, list)
		if (!strcmp(at->device, device))
			begin(at, home, at->mac);
}

void homes_end(struct homes *homes, const char *device, struct in_addr home)
{
	struct home *at;

	LIST_FOREACH(at, &homes->list, list)
		if (!strcmp(at->device, device))
			begin(at, home, NULL);
}

/* ---- what is answered ---- */

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	static const uint8_t nobody[6];
	uint8_t frame[ARP_FRAME_LEN];
	struct home *at = arg;
	struct notice *notice;
	struct arp arp;

	(void)what;
	for (int i = 0; i < BATCH; i++) {
		ssize_t len = recv(fd, frame, sizeof(frame), MSG_DONTWAIT);

		if (len < 0)
			return;		/* EAGAIN, or ENETDOWN once when the link goes down */
		/* as strict as the kernel's arp.c: what is believed here is said to all */
		if (!arp_parse(frame, len, &arp) || !arp.reply || memcmp(frame + 6, arp.sender_mac, 6) ||
		    arp.sender_mac[0] & 1 || !memcmp(arp.sender_mac, nobody, 6) ||
		    !memcmp(arp.sender_mac, at->mac, 6))
			continue;
		notice = find_notice(at, arp.sender);
		if (notice && notice->asking)
			begin(at, arp.sender, arp.sender_mac);
	}
}

/* ---- the links ---- */

int homes_check(struct datapath *dp, const struct config_device *device, char *text)
{
	uint32_t ifindex = if_nametoindex(device->name), is = 0;
	char name[IFNAMSIZ] = "?";
	int error;

	if (!*device->home_link || !ifindex)
		return 0;
	error = datapath_get_home_link(dp, ifindex, &is, text);
	if (error || !is || is == if_nametoindex(device->home_link))
		return error;
	snprintf(text, CORE_TEXT_MAX, "the home link of device %.16s is %.16s already: "
		 "mipctl port set %.16s mode access", device->name, if_indextoname(is, name) ? name : "?", name);
	return EBUSY;
}

int homes_ensure(struct datapath *dp, const struct config_device *device, char *text)
{
	char why[CORE_TEXT_MAX];
	int error;

	if (!*device->home_link)
		return 0;
	error = datapath_set_home_link(dp, if_nametoindex(device->name), if_nametoindex(device->home_link), why);
	if (error)
		snprintf(text, CORE_TEXT_MAX, "cannot make %.16s the home link of %.16s: %.180s", device->home_link,
			 device->name, why);
	return error;
}

static unsigned int rp_filter(const char *name)
{
	char path[sizeof("/proc/sys/net/ipv4/conf//rp_filter") + IFNAMSIZ];
	unsigned int value = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", name);
	f = fopen(path, "re");
	if (f && fscanf(f, "%u", &value) != 1)
		value = 0;
	if (f)
		fclose(f);
	return value;
}

/* The route to what comes from there leads to the mip4 device; the greater value counts. */
static void warn_of_filter(const char *name)
{
	unsigned int all = rp_filter("all"), own = rp_filter(name);

	if ((all > own ? all : own) == 1)
		log_warning("what comes from the home link %s is dropped by strict rp_filter: "
			    "sysctl -w net/ipv4/conf/%s/rp_filter=2", name, name);
}

static int open_socket(uint32_t ifindex)
{
	struct sock_fprog prog = { sizeof(answers) / sizeof(answers[0]), answers };
	struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP), .sll_ifindex = ifindex };
	/* Protocol 0: nothing comes in before filter and link are set. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

	if (fd < 0)
		return -1;
	if (!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) &&
	    !bind(fd, (struct sockaddr *)&sll, sizeof(sll)))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void close_home(struct home *at)
{
	struct notice *notice, *next;

	for (unsigned int i = 0; i < SETS; i++)
		for (notice = LIST_FIRST(&at->homes->notices[i]); notice; notice = next) {
			next = LIST_NEXT(notice, list);
			if (notice->at == at)
				free_notice(notice);
		}
	LIST_REMOVE(at, list);
	if (at->ev)
		event_free(at->ev);
	if (at->fd >= 0)
		close(at->fd);
	free(at);
}

static void open_home(struct homes *homes, const struct link_info *info, const char *device)
{
	struct home *at = calloc(1, sizeof(*at));

	if (!at)
		return;
	at->homes = homes;
	at->device = device;
	at->ifindex = info->ifindex;
	strcpy(at->name, info->name);
	memcpy(at->mac, info->mac, 6);
	LIST_INSERT_HEAD(&homes->list, at, list);
	at->fd = open_socket(info->ifindex);
	if (at->fd >= 0)
		at->ev = event_new(homes->base, at->fd, EV_READ | EV_PERSIST, on_readable, at);
	if (!at->ev || event_add(at->ev, NULL)) {
		log_error("home link %s: cannot open a packet socket: %s", info->name, strerror(errno));
		close_home(at);
		return;
	}
	log_info("%s is the home link of %s", info->name, device);
	warn_of_filter(info->name);
}

/* By @ifindex, or by @name if it isn't NULL. */
static struct home *find(const struct homes *homes, uint32_t ifindex, const char *name)
{
	struct home *at;

	LIST_FOREACH(at, &homes->list, list)
		if (name ? !strcmp(at->name, name) : at->ifindex == ifindex)
			return at;
	return NULL;
}

void homes_link_changed(struct homes *homes, const struct link_info *info, bool gone)
{
	const char *device = gone || !homes->config ? NULL : config_home_link(homes->config, info->name);
	struct home *at = find(homes, info->ifindex, NULL), *gone_unseen;

	if (at && device) {
		memcpy(at->mac, info->mac, 6);
		return;
	}
	if (at)
		close_home(at);
	if (!device)
		return;
	gone_unseen = find(homes, 0, info->name);
	if (gone_unseen)
		close_home(gone_unseen);
	open_home(homes, info, device);
}

bool homes_has(const struct homes *homes, uint32_t ifindex)
{
	return ifindex && find(homes, ifindex, NULL);
}

void homes_configure(struct homes *homes, const struct config *config)
{
	while (!LIST_EMPTY(&homes->list))
		close_home(LIST_FIRST(&homes->list));
	homes->config = config;
}

struct homes *homes_new(struct event_base *base)
{
	struct homes *homes = calloc(1, sizeof(*homes));

	if (homes)
		homes->base = base;
	return homes;
}

void homes_free(struct homes *homes)
{
	if (!homes)
		return;
	homes_configure(homes, NULL);
	free(homes);
}
