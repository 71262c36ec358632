/* SPDX-License-Identifier: GPL-2.0-only */
/* The PMAs' sockets, and the wait for them until a time comes. */
#ifndef MIP4_LOAD_NET_H
#define MIP4_LOAD_NET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net;

struct net_handler {
	void (*datagram)(void *arg, unsigned int sock, const struct sockaddr_in *from, const uint8_t *data, size_t len);
	/* In answer to something sent by @sock. */
	void (*icmp)(void *arg, unsigned int sock, uint8_t type, uint8_t code);
	void *arg;
};

struct net *net_new(const struct net_handler *handler);	/* NULL: errno says why */
void net_free(struct net *net);
/* They are numbered from 0 on. False: errno says why. */
bool net_add(struct net *net, struct in_addr addr, uint16_t port);
/* False: not sent; errno says why. */
bool net_send(struct net *net, unsigned int sock, struct in_addr to, uint16_t port, const void *data, size_t len);
/* Until something comes or it is @until_us (CLOCK_MONOTONIC); handles what there is. False: a signal came. */
bool net_wait(struct net *net, uint64_t until_us);
/* Datagrams that found no room in our own sockets. */
uint64_t net_overruns(const struct net *net);

#endif /* MIP4_LOAD_NET_H */
