/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DHCP for the server's side: Ethernet frames <-> structs (RFC 2131, 2132).
 * No I/O, no state. Addresses in network byte order, all else in host order.
 */
#ifndef MIP4_DHCP_PACKET_H
#define MIP4_DHCP_PACKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DHCP_FRAME_MAX	1000	/* more than dhcp_build() ever needs */
#define DHCP_SERVERS_MAX	4	/* of a kind */
#define DHCP_ROUTES_MAX	8
#define DHCP_DOMAIN_MAX	245	/* as much as RFC 4332 has room for */

enum dhcp_type {	/* option 53 */
	DHCP_DISCOVER = 1, DHCP_OFFER, DHCP_REQUEST, DHCP_DECLINE,
	DHCP_ACK, DHCP_NAK, DHCP_RELEASE, DHCP_INFORM,
};

/* Why a frame was dropped: names of counters, the one list. */
#define DHCP_DROPS(x) \
	x(TRUNCATED, "truncated")	/* shorter than its headers say */ \
	x(FRAGMENT, "fragment") \
	x(CHECKSUM, "checksum") \
	x(NO_REQUEST, "no_request")	/* not a BOOTREQUEST of an Ethernet device with DHCP's cookie */ \
	x(RELAYED, "relayed")		/* giaddr set: relays have no place on a port */ \
	x(FOREIGN_MAC, "foreign_mac")	/* chaddr isn't the frame's source */ \
	x(OPTION_OVERRUN, "option_overrun")	/* runs past its field */ \
	x(OPTION_UNTERMINATED, "option_unterminated")	/* no End option */ \
	x(OPTION_LENGTH, "option_length")	/* wrong for its code */ \
	x(OPTION_REPEATED, "option_repeated")	/* one that may be there once */ \
	x(NO_TYPE, "no_type")		/* option 53 missing or not a client's */

#define DHCP_DROP_ENUM(id, name) DHCP_DROP_##id,
enum dhcp_drop { DHCP_OK, DHCP_DROPS(DHCP_DROP_ENUM) DHCP_DROP_MAX };

struct dhcp_request {
	enum dhcp_type type;	/* DISCOVER, REQUEST, DECLINE, RELEASE or INFORM */
	uint8_t mac[6];
	uint32_t xid;
	bool broadcast;		/* flag B: cannot take unicast yet */
	struct in_addr ciaddr;
	struct in_addr requested;	/* option 50, 0 = absent */
	struct in_addr server;		/* option 54, 0 = absent */
	uint16_t most;		/* bytes of an IP packet that it takes, option 57; at least 576 */
	bool wants_routes;	/* asks for option 121 */
	uint8_t client_id_len;
	uint8_t client_id[255];		/* option 61, sent back (RFC 6842) */
	uint8_t relay_len;
	uint8_t relay[255];		/* option 82, of a switch on the way, sent back (RFC 3046 s2.2) */
};

struct dhcp_route {
	struct in_addr prefix, via;
	uint8_t plen;
};

/* What a network tells its devices besides address, prefix and gateway. */
struct dhcp_options {
	uint16_t mtu;		/* 0 = none */
	struct in_addr dns[DHCP_SERVERS_MAX], ntp[DHCP_SERVERS_MAX];
	unsigned int n_dns, n_ntp;
	char domain[DHCP_DOMAIN_MAX + 1];	/* "" = none */
	struct dhcp_route routes[DHCP_ROUTES_MAX];	/* besides the default one */
	unsigned int n_routes;
};

/**
 * dhcp_parse() - read one Ethernet frame
 * @csum_done: verify the UDP checksum; false when the sender left it to hardware
 *
 * Return: DHCP_OK with @req filled, or why not.
 */
enum dhcp_drop dhcp_parse(const uint8_t *frame, size_t len, bool csum_done, struct dhcp_request *req);

struct dhcp_reply {
	enum dhcp_type type;	/* OFFER, ACK or NAK */
	const struct dhcp_request *req;
	uint8_t src_mac[6];	/* the gateway's, as devices know it */
	struct in_addr server;	/* option 54 and IP source */
	/* not in a NAK: */
	struct in_addr yiaddr;	/* 0 answers an INFORM */
	struct in_addr gateway;
	uint8_t plen;
	uint32_t lease;		/* s; not for an INFORM */
	const struct dhcp_options *options;	/* what doesn't fit is left out, the last ones first */
};

/* A whole frame, checksums included. Returns its length. */
size_t dhcp_build(const struct dhcp_reply *reply, uint8_t frame[static DHCP_FRAME_MAX]);

#endif /* MIP4_DHCP_PACKET_H */
