// SPDX-License-Identifier: GPL-2.0-only
#include "host/udp.h"
#include "host/keep.h"
#include "host/log.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define RCVBUF	(8 << 20)	/* bytes: an HA gets all devices at once after an outage */
#define BATCH	256		/* datagrams per wake-up, so that others get their turn */

struct udp_socket {
	struct in_addr addr;
	int fd;
	struct event *ev;
	struct udp *udp;
	bool wanted;
	bool broadcast;		/* of a home network; nothing leaves by it */
	bool inherited;		/* from an earlier process */
	LIST_ENTRY(udp_socket) list;
};

struct udp {
	struct event_base *base;
	struct keep *keep;
	udp_fn fn;
	void *arg;
	LIST_HEAD(, udp_socket) sockets;
};

static uint32_t came_in_by(struct msghdr *msg)
{
	struct in_pktinfo info;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			return info.ipi_ifindex;
		}
	return 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct udp_socket *sock = arg;
	struct udp *udp = sock->udp;
	struct in_addr dst = sock->addr;

	(void)what;
	for (int i = 0; i < BATCH; i++) {
		/* One byte more than the wire takes: longer ones are seen as too long. */
		uint8_t buf[WIRE_MSG_MAX + 1];
		_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in_pktinfo))];
		struct sockaddr_in from;
		struct iovec iov = { buf, sizeof(buf) };
		struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov,
				      .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
		ssize_t len = recvmsg(fd, &msg, MSG_DONTWAIT);
		struct core_event event = { .type = CORE_EV_DATAGRAM };

		if (len < 0)
			return;
		event.datagram.src = from.sin_addr;
		event.datagram.dst = dst;
		event.datagram.sport = ntohs(from.sin_port);
		event.datagram.link = came_in_by(&msg);
		event.datagram.data = buf;
		event.datagram.len = len;
		udp->fn(udp->arg, &event);
	}
}

static void close_socket(struct udp_socket *sock)
{
	LIST_REMOVE(sock, list);
	if (sock->ev)
		event_free(sock->ev);
	if (sock->fd >= 0)
		close(sock->fd);
	free(sock);
}

static struct udp_socket *find(const struct udp *udp, struct in_addr addr)
{
	struct udp_socket *sock;

	LIST_FOREACH(sock, &udp->sockets, list)
		if (sock->addr.s_addr == addr.s_addr)
			return sock;
	return NULL;
}

/* -1 with a sentence in @text and errno. */
static int open_socket(struct in_addr addr, const char *option, char *text)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(WIRE_PORT), .sin_addr = addr };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&sin, sizeof(sin)))
		return fd;
	error = errno;
	snprintf(text, CORE_TEXT_MAX, "%s: cannot listen on %s, UDP port %d: %s%s", option,
		 ip_text(addr).s, WIRE_PORT, strerror(error),
		 error == EADDRNOTAVAIL ? " (no interface here has it: ip addr add)" :
		 error == EADDRINUSE ? " (another agent has it: ss -ulpn sport = 434)" : "");
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

/* Will the configuration itself make it an address of this machine? */
static bool is_made(const struct config *config, struct in_addr addr)
{
	for (unsigned int i = 0; i < config->n_devices; i++)
		for (unsigned int j = 0; j < config->devices[i].n_addrs; j++)
			if (config->devices[i].addrs[j].addr.s_addr == addr.s_addr)
				return true;
	return false;
}

static bool could(struct udp *udp, const struct config *config, struct in_addr addr, const char *option, char *text)
{
	int fd;

	if (find(udp, addr) || keep_has(udp->keep, addr, WIRE_PORT))
		return true;
	fd = open_socket(addr, option, text);
	if (fd < 0)
		return errno == EADDRNOTAVAIL && is_made(config, addr);
	close(fd);
	return true;
}

/* That of @addr, with descriptor -1 if it is new; NULL: no memory. */
static struct udp_socket *get_socket(struct udp *udp, struct in_addr addr)
{
	struct udp_socket *sock = find(udp, addr);

	if (!sock) {
		sock = calloc(1, sizeof(*sock));
		if (!sock)
			return NULL;
		sock->addr = addr;
		sock->udp = udp;
		sock->fd = -1;
		LIST_INSERT_HEAD(&udp->sockets, sock, list);
	}
	sock->wanted = true;
	return sock;
}

static bool listen_to(struct udp_socket *sock)
{
	int one = 1;

	if (setsockopt(sock->fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)))
		log_warning("cannot tell by which interface requests come in: %s", strerror(errno));
	sock->ev = event_new(sock->udp->base, sock->fd, EV_READ | EV_PERSIST, on_readable, sock);
	return sock->ev && !event_add(sock->ev, NULL);
}

static bool want(struct udp *udp, const struct config *config, struct in_addr addr, const char *option, char *text)
{
	struct udp_socket *sock = get_socket(udp, addr);
	int size = RCVBUF;

	(void)config;
	if (sock && sock->fd >= 0)
		return true;
	if (!sock) {
		strcpy(text, "no memory");
		return false;
	}
	sock->fd = keep_take(udp->keep, addr, WIRE_PORT);
	sock->inherited = sock->fd >= 0;
	if (!sock->inherited) {
		sock->fd = open_socket(addr, option, text);
		if (sock->fd < 0)
			return false;
		keep_add(udp->keep, addr, sock->fd);
	}
	if (setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (!listen_to(sock)) {
		strcpy(text, "no memory");
		return false;
	}
	return true;
}

/*
 * RFC 5944 section 3.6.1.2: home agents are asked for by the home network's
 * broadcast address. That is ours where the gateway with its prefix length is.
 */
static void want_broadcast(struct udp *udp, const struct core_network *net)
{
	const struct in_addr addr = network_broadcast(net);
	char text[CORE_TEXT_MAX];
	struct udp_socket *sock;

	if (!addr.s_addr)
		return;
	sock = get_socket(udp, addr);
	if (!sock || sock->fd >= 0)
		return;
	sock->broadcast = true;
	sock->fd = open_socket(addr, "home network", text);
	if (sock->fd >= 0 && listen_to(sock))
		return;
	if (sock->fd >= 0)
		strcpy(text, "no memory");
	if (sock->fd >= 0 || errno != EADDRNOTAVAIL)
		log_warning("nobody finds this home agent by broadcast: %s", text);
	close_socket(sock);
}

/* @fn for each address that we listen on, as long as it returns true. */
static bool each_address(struct udp *udp, const struct config *config, char *text,
			 bool (*fn)(struct udp *udp, const struct config *config, struct in_addr addr,
				    const char *option, char *text))
{
	const struct core_config *core = &config->core;

	for (unsigned int i = 0; core->ha && i < core->n_networks; i++)
		if (network_is_ours(core, &core->networks[i]) &&
		    !fn(udp, config, core->networks[i].ha, "home-agent-address", text))
			return false;
	return !core->pma || fn(udp, config, core->care_of, "care-of-address", text);
}

bool udp_check(struct udp *udp, const struct config *config, char *text)
{
	return each_address(udp, config, text, could);
}

bool udp_configure(struct udp *udp, const struct config *config, char *text)
{
	struct udp_socket *sock, *next, *before = LIST_FIRST(&udp->sockets);
	bool ok;

	LIST_FOREACH(sock, &udp->sockets, list)
		sock->wanted = false;
	ok = each_address(udp, config, text, want);
	for (unsigned int i = 0; ok && i < config->core.n_networks; i++)
		if (network_is_ours(&config->core, &config->core.networks[i]))
			want_broadcast(udp, &config->core.networks[i]);
	for (sock = LIST_FIRST(&udp->sockets); sock; sock = next) {
		bool is_new = before != sock;	/* new ones are in front of the old */

		next = LIST_NEXT(sock, list);
		if (!is_new)
			before = next;
		if (ok ? !sock->wanted : is_new) {
			/* a start that fails leaves tunnels as they are */
			if (!sock->broadcast && (ok || !sock->inherited))
				keep_drop(udp->keep, sock->addr);
			close_socket(sock);
		}
	}
	if (ok)
		keep_sweep(udp->keep);
	return ok;
}

struct udp *udp_new(struct event_base *base, struct keep *keep, udp_fn fn, void *arg)
{
	struct udp *udp = calloc(1, sizeof(*udp));

	if (!udp)
		return NULL;
	udp->base = base;
	udp->keep = keep;
	udp->fn = fn;
	udp->arg = arg;
	LIST_INIT(&udp->sockets);
	return udp;
}

void udp_free(struct udp *udp)
{
	if (!udp)
		return;
	while (!LIST_EMPTY(&udp->sockets))
		close_socket(LIST_FIRST(&udp->sockets));
	free(udp);
}

int udp_fd(const struct udp *udp, struct in_addr addr)
{
	struct udp_socket *sock = find(udp, addr);

	return sock ? sock->fd : -1;
}

void udp_send(struct udp *udp, struct in_addr src, struct in_addr dst, uint16_t dport, uint32_t link,
	      const uint8_t *data, size_t len)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in_pktinfo))] = { 0 };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(dport), .sin_addr = dst };
	const struct in_pktinfo info = { .ipi_ifindex = link, .ipi_spec_dst = src };
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1 };
	struct udp_socket *sock = find(udp, src);
	struct cmsghdr *c;

	if (!sock) {
		log_limited(LOG_L_WARNING, "no socket with source %s", ip_text(src).s);
		return;
	}
	if (link) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	}
	if (sendmsg(sock->fd, &msg, link ? MSG_DONTROUTE : 0) < 0)
		log_limited(LOG_L_WARNING, "cannot send to %s: %s", ip_text(dst).s, strerror(errno));
}
