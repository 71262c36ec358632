/* SPDX-License-Identifier: GPL-2.0-only */
/* The access interfaces of our mip4 devices: one packet socket each, for DHCP in and any frame out. */
#ifndef MIP4_PORT_H
#define MIP4_PORT_H

#include "host/link.h"

struct ports;

struct port {
	uint32_t ifindex;
	char name[IFNAMSIZ];
	uint8_t gwmac[6];	/* what devices know as their gateway's MAC */
};

/* @frame is an Ethernet frame with IPv4 and UDP to port 67; its length is what was received. */
typedef void (*port_frame_fn)(void *arg, const struct port *port, const uint8_t *frame, size_t len,
			      bool csum_done, uint64_t seen_us);

/*
 * The port's link went down; or it came, which is said with each of its
 * announcements, and each second from then as long as the answer is true: what
 * is behind it may hear nothing yet (a bridge's port that learns, for 30 s).
 */
typedef bool (*port_link_fn)(void *arg, const struct port *port, bool up);

/* Of a bridge as a port, members that aren't isolated are warned of. */
struct ports *ports_new(struct event_base *base, struct links *links, port_frame_fn fn, port_link_fn link, void *arg);
void ports_free(struct ports *ports);

/* The configuration decides which mip4 devices are ours. 0, or a positive errno as of ports_resync(). */
int ports_configure(struct ports *ports, const struct config *config);
/* Compare with all links there are, after notifications were lost. 0 or a positive errno: to be repeated. */
int ports_resync(struct ports *ports);
/*
 * What links tell. A port whose carrier comes announces the gateways of its device's networks.
 * A device that was sending while it was re-plugged lost its neighbour entry
 * and then its first request for a new one, which it would repeat only after a
 * second (RFC 1122 s2.3.2.1); an announcement completes the entry at once.
 */
void ports_link_changed(struct ports *ports, const struct link_info *info, bool gone);

/* How the links are now, to who was not yet there to hear it. */
void ports_tell_links(const struct ports *ports);

const struct port *port_find(const struct ports *ports, uint32_t ifindex);
/* An ARP request of the gateway @sender for @target, to @mac. Best effort, as a wire is. */
void port_send_arp(const struct port *port, const uint8_t mac[static 6], struct in_addr sender, struct in_addr target);
/* Best effort. */
void port_send(const struct port *port, const uint8_t *frame, size_t len);

#endif /* MIP4_PORT_H */
