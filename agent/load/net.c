// SPDX-License-Identifier: GPL-2.0-only
#include "load/net.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "load/catalogue.h"

#define BUFFER		(8 << 20)	/* bytes: all PMAs' devices may be answered at once */
#define EVENTS		64
#define BATCH		64		/* datagrams of one socket before it is another one's turn */
#define TIMER		UINT32_MAX	/* in place of a socket's number */

struct net {
	struct net_handler handler;
	int epoll, timer;
	int *sock;
	unsigned int n_socks;
};

struct net *net_new(const struct net_handler *handler)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = TIMER };
	struct net *net = calloc(1, sizeof(*net));

	if (!net)
		return NULL;
	net->handler = *handler;
	net->epoll = epoll_create1(EPOLL_CLOEXEC);
	net->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (net->epoll < 0 || net->timer < 0 || epoll_ctl(net->epoll, EPOLL_CTL_ADD, net->timer, &event)) {
		net_free(net);
		return NULL;
	}
	return net;
}

void net_free(struct net *net)
{
	for (unsigned int i = 0; i < net->n_socks; i++)
		close(net->sock[i]);
	if (net->timer >= 0)
		close(net->timer);
	if (net->epoll >= 0)
		close(net->epoll);
	free(net->sock);
	free(net);
}

bool net_add(struct net *net, struct in_addr addr, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = addr };
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = net->n_socks };
	int *sock = realloc(net->sock, (net->n_socks + 1) * sizeof(*sock));
	int fd, size = BUFFER, on = 1, error;

	if (!sock)
		return false;
	net->sock = sock;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) || epoll_ctl(net->epoll, EPOLL_CTL_ADD, fd, &event)) {
		error = errno;
		close(fd);
		errno = error;
		return false;
	}
	net->sock[net->n_socks++] = fd;
	return true;
}

bool net_send(struct net *net, unsigned int sock, struct in_addr to, uint16_t port, const void *data, size_t len)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = to };

	/* An error of an earlier datagram may be told instead of sending: once. */
	for (int i = 0; i < 2; i++)
		if (sendto(net->sock[sock], data, len, 0, (struct sockaddr *)&sin, sizeof(sin)) >= 0)
			return true;
	return false;
}

static void read_errors(struct net *net, unsigned int sock)
{
	for (int i = 0; i < BATCH; i++) {
		_Alignas(struct cmsghdr) char control[512];
		struct msghdr msg = { .msg_control = control, .msg_controllen = sizeof(control) };

		if (recvmsg(net->sock[sock], &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
			const struct sock_extended_err *error = (const void *)CMSG_DATA(c);

			if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR &&
			    error->ee_origin == SO_EE_ORIGIN_ICMP)
				net->handler.icmp(net->handler.arg, sock, error->ee_type, error->ee_code);
		}
	}
}

static void read_datagrams(struct net *net, unsigned int sock)
{
	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		uint8_t data[PROBE_MAX];
		ssize_t len = recvfrom(net->sock[sock], data, sizeof(data), 0, (struct sockaddr *)&from, &from_len);

		if (len >= 0)
			net->handler.datagram(net->handler.arg, sock, &from, data, len);
		else if (errno == EAGAIN)
			return;
	}
}

bool net_wait(struct net *net, uint64_t until_us)
{
	/* 0 would stop the clock. */
	const struct itimerspec when = {
		.it_value = { .tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000 + 1 },
	};
	struct epoll_event event[EVENTS];
	uint64_t expirations;
	int n;

	timerfd_settime(net->timer, TFD_TIMER_ABSTIME, &when, NULL);
	n = epoll_wait(net->epoll, event, EVENTS, -1);
	for (int i = 0; i < n; i++) {
		if (event[i].data.u32 == TIMER) {
			if (read(net->timer, &expirations, sizeof(expirations)) < 0)
				continue;	/* it was set anew meanwhile */
			continue;
		}
		if (event[i].events & EPOLLERR)
			read_errors(net, event[i].data.u32);
		if (event[i].events & EPOLLIN)
			read_datagrams(net, event[i].data.u32);
	}
	return n >= 0;
}

uint64_t net_overruns(const struct net *net)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < net->n_socks; i++) {
		uint32_t info[SK_MEMINFO_VARS] = { 0 };
		socklen_t len = sizeof(info);

		if (!getsockopt(net->sock[i], SOL_SOCKET, SO_MEMINFO, info, &len))
			sum += info[SK_MEMINFO_DROPS];
	}
	return sum;
}
