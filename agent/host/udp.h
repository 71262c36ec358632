/* SPDX-License-Identifier: GPL-2.0-only */
/* UDP 434: one socket per local address, so that replies leave from the address that was asked. */
#ifndef MIP4_UDP_H
#define MIP4_UDP_H

#include "host/config.h"

struct event_base;
struct keep;
struct udp;

/* Its link is the interface that it came in by, be it a home link or not. */
typedef void (*udp_fn)(void *arg, const struct core_event *datagram);

/* Sockets outlive the process through @keep, which must outlive this. */
struct udp *udp_new(struct event_base *base, struct keep *keep, udp_fn fn, void *arg);
void udp_free(struct udp *udp);
/* Could udp_configure() do it once the configured devices have their addresses? Changes nothing. */
bool udp_check(struct udp *udp, const struct config *config, char *text);
/*
 * Listen on exactly the addresses that @config needs, and the broadcast
 * addresses of home networks that are addresses here; sockets that stay keep
 * what they have queued. False with a sentence in @text (CORE_TEXT_MAX); then
 * nothing has changed.
 */
bool udp_configure(struct udp *udp, const struct config *config, char *text);
/* The socket of @addr, or -1. */
int udp_fd(const struct udp *udp, struct in_addr addr);
/* By interface @link, on which @dst is, or 0: as routed. Lost datagrams are the protocol's business. */
void udp_send(struct udp *udp, struct in_addr src, struct in_addr dst, uint16_t dport, uint32_t link,
	      const uint8_t *data, size_t len);

#endif /* MIP4_UDP_H */
