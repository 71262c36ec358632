/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The contract between mip4.ko and its users: rtnetlink attributes of link
 * kind "mip4" and the generic netlink family "mip4".
 * Documentation/netlink/specs/mip4.yaml describes the family for machines; a
 * test keeps the names of the two equal.
 *
 * Addresses and GRE keys are in network byte order, everything else in host
 * byte order. Times are in seconds unless the name says otherwise.
 */
#ifndef _UAPI_LINUX_MIP4_H
#define _UAPI_LINUX_MIP4_H

#define MIP4_GENL_NAME		"mip4"
#define MIP4_GENL_VERSION	1
#define MIP4_MCGRP_BINDINGS	"bindings"
#define MIP4_MCGRP_EVENTS	"events"
#define MIP4_LINK_KIND		"mip4"

/* How a leg wraps packets. */
enum mip4_encap {
	MIP4_ENCAP_UNSPEC,
	MIP4_ENCAP_IPIP,		/* RFC 2003, protocol 4 */
	MIP4_ENCAP_GRE,			/* RFC 2784 and 2890, protocol 47 */
	MIP4_ENCAP_MINIMAL,		/* RFC 2004, protocol 55; what it can't carry by IPIP */
	MIP4_ENCAP_UDP,			/* RFC 3519, next header 4 or 41; needs a SOCKET_SET */
	__MIP4_ENCAP_MAX
};

#define MIP4_ENCAP_MAX (__MIP4_ENCAP_MAX - 1)

/* Which ARP requests of a bound device are answered. */
enum mip4_arp_mode {
	MIP4_ARP_OFF,
	MIP4_ARP_GATEWAY,		/* only for the binding's gateway */
	MIP4_ARP_ALL,			/* for all but the device's own address */
	__MIP4_ARP_MAX
};

#define MIP4_ARP_MAX (__MIP4_ARP_MAX - 1)

/* What happens to bindings when no agent listens any longer. */
enum mip4_orphan {
	MIP4_ORPHAN_KEEP,		/* until lifetime and grace are over */
	MIP4_ORPHAN_FLUSH,		/* when the last listener of "bindings" leaves */
	__MIP4_ORPHAN_MAX
};

#define MIP4_ORPHAN_MAX (__MIP4_ORPHAN_MAX - 1)

/*
 * Multicast and broadcast of bound devices, but for DHCP and ARP, and towards
 * them. On a PMA's link the last two are the same.
 */
enum mip4_multicast {
	MIP4_MULTICAST_DROP,
	MIP4_MULTICAST_TUNNEL,		/* up, to the stack at its end; down, by legs with a key */
	MIP4_MULTICAST_REPLICATE,	/* besides, to the other bindings of the same home prefix */
	__MIP4_MULTICAST_MAX
};

#define MIP4_MULTICAST_MAX (__MIP4_MULTICAST_MAX - 1)

/* Frames of a source MAC without binding. */
enum mip4_unknown {
	MIP4_UNKNOWN_HOLD,		/* ARP and IPv4 wait for a binding, bounded */
	MIP4_UNKNOWN_DROP,
	MIP4_UNKNOWN_PASS,		/* to the router's own stack */
	__MIP4_UNKNOWN_MAX
};

#define MIP4_UNKNOWN_MAX (__MIP4_UNKNOWN_MAX - 1)

/* What a port leads to. */
enum mip4_port_mode {
	MIP4_PORT_ACCESS,		/* devices, which bindings with this PORT serve */
	MIP4_PORT_HOME,			/* the home link of routed bindings; one per device */
	__MIP4_PORT_MODE_MAX
};

#define MIP4_PORT_MODE_MAX (__MIP4_PORT_MODE_MAX - 1)

/*
 * What a leg is for. All are received from. What a binding with a pending leg
 * and no active one has to send waits, bounded, until that is active.
 */
enum mip4_leg_state {
	MIP4_LEG_ACTIVE,		/* sends; at most one */
	MIP4_LEG_COPY,			/* sends a copy of what the active one sends */
	MIP4_LEG_RECEIVE_ONLY,
	MIP4_LEG_PENDING,		/* to become active */
	MIP4_LEG_RETURN,		/* the served device has left: what comes goes back */
	__MIP4_LEG_MAX
};

#define MIP4_LEG_MAX (__MIP4_LEG_MAX - 1)

#define MIP4_LEGS_MAX 8			/* of a binding */
#define MIP4_ADDRS_MAX 16		/* of a binding, home address included */

/* What a router on the way to a peer says: for 5 s, or until the peer is heard. */
enum mip4_unreachable {
	MIP4_UNREACHABLE_NO,
	MIP4_UNREACHABLE_NET,
	MIP4_UNREACHABLE_HOST,
	MIP4_UNREACHABLE_PROTOCOL,	/* the peer doesn't take the encapsulation */
	MIP4_UNREACHABLE_TTL,		/* it ended on the way */
	__MIP4_UNREACHABLE_MAX
};

#define MIP4_UNREACHABLE_MAX (__MIP4_UNREACHABLE_MAX - 1)

/* Why a binding went. */
enum mip4_del_reason {
	MIP4_DEL_REQUEST,		/* BINDING_DEL */
	MIP4_DEL_FLUSH,			/* BINDING_FLUSH */
	MIP4_DEL_EXPIRED,		/* lifetime and grace are over */
	MIP4_DEL_PORT,			/* its port was released or unregistered */
	MIP4_DEL_LINK,			/* its mip4 device went */
	MIP4_DEL_ORPHAN,		/* see enum mip4_orphan */
	__MIP4_DEL_MAX
};

#define MIP4_DEL_MAX (__MIP4_DEL_MAX - 1)

enum mip4_event {
	MIP4_EVENT_UNSPEC,
	MIP4_EVENT_UNKNOWN_DEVICE,	/* PORT, ETHERTYPE; MAC, ADDRESS if it had them */
	MIP4_EVENT_SPOOF,		/* BINDING id and ADDRESS or ADDRESS6: the inner source */
	MIP4_EVENT_PEER_UNREACHABLE,	/* PEER, PEER_PORT of UDP: ICMP about outer packets */
	MIP4_EVENT_SOCKET_LOST,		/* the last process closed it: UDP legs send no more */
	__MIP4_EVENT_MAX
};

#define MIP4_EVENT_MAX (__MIP4_EVENT_MAX - 1)

/* rtnetlink: IFLA_INFO_DATA of kind "mip4". */
enum {
	IFLA_MIP4_UNSPEC,
	IFLA_MIP4_LOCAL,		/* __be32: this end of all legs; mandatory */
	IFLA_MIP4_ENCAP,		/* u8 enum mip4_encap, if a leg names none; default GRE */
	IFLA_MIP4_TTL,			/* u8: outer TTL, 0 = the route's; default 64 */
	IFLA_MIP4_TOS,			/* u8: outer TOS, 1 = as inside (as ip_tunnel); default 1 */
	IFLA_MIP4_LINK,			/* u32: underlay ifindex, 0 = any; default 0 */
	IFLA_MIP4_REALM,		/* u32: of bindings that name none; default 0 */
	IFLA_MIP4_LIMIT,		/* u32: most bindings, 0 = none; default 0 */
	IFLA_MIP4_ARP,			/* u8 enum mip4_arp_mode; default ALL */
	IFLA_MIP4_MSS,			/* u8: clamp TCP MSS to the leg's MTU; default 1 */
	IFLA_MIP4_GWMAC,		/* 6 bytes: gateway MAC; default: each port's own */
	IFLA_MIP4_GRACE,		/* u32 s: kernel expiry after lifetime; default 30 */
	IFLA_MIP4_ORPHAN,		/* u8 enum mip4_orphan; default KEEP */
	IFLA_MIP4_UDP_PORT,		/* u16: of the link's socket, if any; replies only */
	IFLA_MIP4_MULTICAST,		/* u8 enum mip4_multicast; default DROP */
	__IFLA_MIP4_MAX
};

#define IFLA_MIP4_MAX (__IFLA_MIP4_MAX - 1)

enum mip4_cmd {
	MIP4_CMD_UNSPEC,
	MIP4_CMD_VERSION_GET,		/* -> VERSION; needs no IFINDEX */
	MIP4_CMD_BINDING_NEW,		/* one or more BINDING nests: all or none */
	MIP4_CMD_BINDING_SET,		/* one BINDING nest: selector + what changes */
	MIP4_CMD_BINDING_DEL,		/* one or more BINDING nests with selectors: all or none */
	MIP4_CMD_BINDING_GET,		/* do: selector; dump: optional filters in a BINDING nest */
	MIP4_CMD_BINDING_FLUSH,		/* BINDING: filters, or ALL; -> COUNT */
	MIP4_CMD_PEER_GET,		/* dump */
	MIP4_CMD_PORT_GET,		/* do: PORT nest with IFINDEX; dump */
	MIP4_CMD_PORT_SET,		/* PORT nest */
	MIP4_CMD_EVENT,			/* multicast on "events" only */
	MIP4_CMD_SOCKET_SET,		/* UDP legs use SOCKET_FD; without it none */
	__MIP4_CMD_MAX
};

#define MIP4_CMD_MAX (__MIP4_CMD_MAX - 1)

/*
 * Top level. Notifications on "bindings" carry the command that caused them
 * (BINDING_NEW, _SET or _DEL), IFINDEX, one BINDING and, for DEL, REASON.
 */
enum {
	MIP4_A_UNSPEC,
	MIP4_A_IFINDEX,			/* u32: the mip4 device; optional filter in dumps */
	MIP4_A_BINDING,			/* nest MIP4_BINDING_A_*; may repeat */
	MIP4_A_PEER,			/* nest MIP4_PEER_A_* */
	MIP4_A_PORT,			/* nest MIP4_PORT_A_* */
	MIP4_A_EVENT,			/* nest MIP4_EVENT_A_* */
	MIP4_A_REASON,			/* u8 enum mip4_del_reason */
	MIP4_A_COUNT,			/* u32: bindings flushed, or that lost legs to a PEER */
	MIP4_A_ALL,			/* flag: flush without a filter */
	MIP4_A_VERSION,			/* string: the module's */
	MIP4_A_SOCKET_FD,		/* u32: of the caller's bound UDP socket, see SOCKET_SET */
	__MIP4_A_MAX
};

#define MIP4_A_MAX (__MIP4_A_MAX - 1)

/*
 * A binding. Selectors, first present wins: ID; {REALM, one address in ADDRS},
 * the link's realm by default; {PORT, MAC}. With one of the first two, PORT and
 * MAC in BINDING_SET are where the binding moves to. PORT and MAC make a served
 * device; neither makes a routed binding, as on a home agent, which must be in
 * its link's realm. A point-to-point PORT has one device and never a MAC. A
 * served device that has left, so that its legs RETURN, is on no PORT until
 * BINDING_SET gives it one together with other LEGS.
 *
 * ADDRS have exactly one home address, the first IPv4 host address of the list,
 * which can't change, and up to MIP4_ADDRS_MAX - 1 other addresses and prefixes
 * behind the device; longest match decides. In BINDING_SET more than one entry,
 * or any beside ID, replace the whole set, and the first selects if ID doesn't.
 *
 * Filters of dumps and flushes: REALM, PORT, the PEER of a leg, and one address in
 * ADDRS, which an address or prefix of the binding has to cover.
 *
 * LEGS of BINDING_SET replace the whole set. A leg that was there before, equal
 * in all but STATE and LIFETIME_MS, goes on without a gap, others go. Replies
 * have the active leg first.
 */
enum {
	MIP4_BINDING_A_UNSPEC,
	MIP4_BINDING_A_ID,		/* u32: given by the kernel, unique on its device */
	MIP4_BINDING_A_COOKIE,		/* u64: the agent's, opaque */
	MIP4_BINDING_A_REALM,		/* u32 */
	MIP4_BINDING_A_ADDRS,		/* nest: list of MIP4_ADDR_A_* nests */
	MIP4_BINDING_A_ADDR,		/* nest: one entry of ADDRS */
	MIP4_BINDING_A_PORT,		/* u32: ifindex of a port of this device */
	MIP4_BINDING_A_MAC,		/* 6 bytes; not on point-to-point ports */
	MIP4_BINDING_A_GATEWAY,		/* __be32: first hop the device believes in; optional */
	MIP4_BINDING_A_HOME_PLEN,	/* u8: of the home prefix, for link emulation; default 32 */
	MIP4_BINDING_A_LIFETIME,	/* u32 s from now, 0 = no end; replies: left, no grace */
	MIP4_BINDING_A_LEGS,		/* nest: up to MIP4_LEGS_MAX MIP4_LEG_A_* nests */
	MIP4_BINDING_A_LEG,		/* nest: one entry of LEGS */
	MIP4_BINDING_A_STATS,		/* nest MIP4_STATS_A_*; replies only */
	MIP4_BINDING_A_PAD,
	__MIP4_BINDING_A_MAX
};

#define MIP4_BINDING_A_MAX (__MIP4_BINDING_A_MAX - 1)

enum {
	MIP4_ADDR_A_UNSPEC,
	MIP4_ADDR_A_FAMILY,		/* u8 AF_INET, the default, or AF_INET6 */
	MIP4_ADDR_A_PLEN,		/* u8: default and maximum: all bits */
	MIP4_ADDR_A_ADDRESS,		/* 4 or 16 bytes, host bits zero */
	__MIP4_ADDR_A_MAX
};

#define MIP4_ADDR_A_MAX (__MIP4_ADDR_A_MAX - 1)

enum {
	MIP4_LEG_A_UNSPEC,
	MIP4_LEG_A_PEER,		/* __be32: the other end; mandatory */
	MIP4_LEG_A_LOCAL,		/* __be32: default the link's LOCAL */
	MIP4_LEG_A_ENCAP,		/* u8 enum mip4_encap: default the link's */
	MIP4_LEG_A_IKEY,		/* __be32: GRE key received; both keys or none */
	MIP4_LEG_A_OKEY,		/* __be32: GRE key sent */
	MIP4_LEG_A_STATE,		/* u8 enum mip4_leg_state: default ACTIVE */
	MIP4_LEG_A_LIFETIME_MS,		/* u32 from now, 0 = no end; replies: left */
	MIP4_LEG_A_PEER_PORT,		/* u16: the other end's, of UDP only; default 434 */
	__MIP4_LEG_A_MAX
};

#define MIP4_LEG_A_MAX (__MIP4_LEG_A_MAX - 1)

/* "up" is from the device to its home, "down" the other way, on every router. */
enum {
	MIP4_STATS_A_UNSPEC,
	MIP4_STATS_A_UP_PACKETS,	/* u64 */
	MIP4_STATS_A_UP_BYTES,		/* u64: inner */
	MIP4_STATS_A_DOWN_PACKETS,	/* u64 */
	MIP4_STATS_A_DOWN_BYTES,	/* u64: inner */
	MIP4_STATS_A_DROPS,		/* u64: all reasons */
	MIP4_STATS_A_SEEN_MS,		/* u64: since its last frame (routed: packet up), if any */
	MIP4_STATS_A_FIRST_UP_NS,	/* u64 CLOCK_MONOTONIC: first packet up; absent: none */
	MIP4_STATS_A_FIRST_DOWN_NS,	/* u64 CLOCK_MONOTONIC, likewise down */
	MIP4_STATS_A_PAD,
	__MIP4_STATS_A_MAX
};

#define MIP4_STATS_A_MAX (__MIP4_STATS_A_MAX - 1)

enum {
	MIP4_PEER_A_UNSPEC,
	MIP4_PEER_A_LOCAL,		/* __be32 */
	MIP4_PEER_A_PEER,		/* __be32 */
	MIP4_PEER_A_LEGS,		/* u32: legs that use it */
	MIP4_PEER_A_MTU,		/* u32: of the path, outer packet; absent: not known yet */
	MIP4_PEER_A_ERRORS,		/* u64: ICMP errors about outer packets */
	MIP4_PEER_A_PAD,
	MIP4_PEER_A_ENCAP,		/* u8 enum mip4_encap: one peer per encapsulation */
	MIP4_PEER_A_FALLBACKS,		/* u64: packets that MINIMAL left to IPIP; MINIMAL only */
	MIP4_PEER_A_UNREACHABLE,	/* u8 enum mip4_unreachable; absent: not that we know */
	MIP4_PEER_A_UNREACHABLE_MS,	/* u64: since we were told so, with UNREACHABLE only */
	MIP4_PEER_A_PEER_PORT,		/* u16: UDP only */
	__MIP4_PEER_A_MAX
};

#define MIP4_PEER_A_MAX (__MIP4_PEER_A_MAX - 1)

enum {
	MIP4_PORT_A_UNSPEC,
	MIP4_PORT_A_IFINDEX,		/* u32 */
	MIP4_PORT_A_UNKNOWN,		/* u8 enum mip4_unknown; default HOLD */
	MIP4_PORT_A_BINDINGS,		/* u32 */
	MIP4_PORT_A_HELD,		/* u32: frames waiting now */
	MIP4_PORT_A_UNKNOWN_FRAMES,	/* u64: frames of unbound devices */
	MIP4_PORT_A_PAD,
	MIP4_PORT_A_MODE,		/* u8 enum mip4_port_mode; default ACCESS */
	__MIP4_PORT_A_MAX
};

#define MIP4_PORT_A_MAX (__MIP4_PORT_A_MAX - 1)

enum {
	MIP4_EVENT_A_UNSPEC,
	MIP4_EVENT_A_TYPE,		/* u8 enum mip4_event */
	MIP4_EVENT_A_TIME_NS,		/* u64 CLOCK_MONOTONIC: when this was noticed */
	MIP4_EVENT_A_PORT,		/* u32 ifindex */
	MIP4_EVENT_A_MAC,		/* 6 bytes */
	MIP4_EVENT_A_ETHERTYPE,		/* u16, host byte order */
	MIP4_EVENT_A_ADDRESS,		/* __be32: source of the IPv4 or ARP header */
	MIP4_EVENT_A_BINDING_ID,	/* u32 */
	MIP4_EVENT_A_PEER,		/* __be32 */
	MIP4_EVENT_A_LOST,		/* u64: events suppressed before this one */
	MIP4_EVENT_A_PAD,
	MIP4_EVENT_A_ADDRESS6,		/* 16 bytes: SPOOF of an IPv6 source, instead of ADDRESS */
	MIP4_EVENT_A_PEER_PORT,		/* u16 */
	__MIP4_EVENT_A_MAX
};

#define MIP4_EVENT_A_MAX (__MIP4_EVENT_A_MAX - 1)

/*
 * Drop reasons, the one list: kernel counters, ethtool -S, mipctl and JSON
 * use these names.
 */
#define MIP4_DROP_REASONS(x) \
	x(NO_BINDING, "no_binding")		/* routed to the link, no such home address */ \
	x(SPOOFED_SOURCE, "spoofed_source")	/* inner source isn't the binding's */ \
	x(INNER_ADDRESS, "inner_address")	/* right key, no leg matches the inner address */ \
	x(BAD_INNER, "bad_inner")		/* inner header truncated or malformed */ \
	x(BAD_CHECKSUM, "bad_checksum")		/* of GRE or of a minimal header */ \
	x(ECN, "ecn")				/* RFC 6040: not-ECT inside, CE outside */ \
	x(POLICY, "policy")			/* refused by an XFRM policy */ \
	x(TTL, "ttl")				/* inner TTL exceeded */ \
	x(TOO_BIG, "too_big")			/* over path MTU with DF, or over the port's */ \
	x(NO_ROUTE, "no_route")			/* no route to the peer */ \
	x(LOOP, "loop")				/* it has been here, or would come back */ \
	x(NO_MEMORY, "no_memory") \
	x(PORT_DOWN, "port_down")		/* so is the port or the mip4 device */ \
	x(MULTICAST, "multicast")		/* multicast or broadcast, not tunnelled */ \
	x(PROTOCOL, "protocol")			/* ethertype that is not carried */ \
	x(ARP, "arp")				/* ARP of a bound device that gets no answer */ \
	x(UNKNOWN_DEVICE, "unknown_device")	/* source MAC without binding */ \
	x(HOLD_FULL, "hold_full")		/* the hold queue had no room */ \
	x(HOLD_EXPIRED, "hold_expired")		/* held, but no binding or leg came */ \
	x(BAD_FRAME, "bad_frame")		/* invalid source MAC or truncated */ \
	x(NO_LEG, "no_leg")			/* no leg of the binding sends */ \
	x(ND, "nd")				/* IPv6 of a device's link that gets no answer */ \
	x(NO_SOCKET, "no_socket")		/* a leg of UDP whose link has no socket */

#endif /* _UAPI_LINUX_MIP4_H */
