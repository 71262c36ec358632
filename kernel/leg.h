/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_LEG_H
#define _MIP4_LEG_H

#include <linux/ip.h>
#include <linux/rhashtable.h>
#include <linux/mip4.h>

#include "minimal.h"
#include "udp.h"

struct ipv6hdr;
struct mip4_binding;
struct mip4_net;
struct mip4_peer;
struct mip4_prefix_key;
struct netlink_ext_ack;
struct nlattr;

#define MIP4_DEMUX_KEYED	BIT(0)
#define MIP4_DEMUX_TO_DEVICE	BIT(1)	/* keyless only: @inner is a destination */
#define MIP4_DEMUX_BACK		BIT(2)	/* found only: it comes back, see handover.c */

/*
 * What an outer header tells. A key is shared by all legs that a peer put
 * behind it, so with a key @inner is zero and the list of equal entries is
 * told apart by the inner address. Without one it's part of the key: a miss
 * then belongs to somebody else's tunnel between the same two routers.
 */
struct mip4_demux_key {
	__be32 local;
	__be32 peer;
	__be32 key;			/* received */
	__be32 inner;
	u8 encap;			/* enum mip4_encap */
	u8 flags;			/* MIP4_DEMUX_* */
	__be16 port;			/* UDP: the peer's; else 0 */
};

/*
 * One tunnel of a binding. Immutable while it can be found; a change is a new
 * leg. The first is part of its binding and lives as long as that, others are
 * freed a grace period after they were removed.
 */
struct mip4_leg {
	struct rhlist_head node;	/* mip4_net.demux */
	struct mip4_demux_key key;
	__be32 okey;			/* sent */
	struct mip4_binding *binding;
	struct mip4_peer *peer;
};

/* What a leg shall be; host side of MIP4_LEG_A_*. */
struct mip4_leg_config {
	__be32 local;
	__be32 peer;
	__be32 ikey;
	__be32 okey;
	u32 lifetime_ms;		/* 0: no end */
	u8 encap;
	u8 state;			/* enum mip4_leg_state */
	bool keyed;
	__be16 port;			/* UDP: the peer's; else 0 */
	const struct nlattr *attr;	/* what to blame */
};

extern const struct rhashtable_params mip4_demux_params;

static inline bool mip4_leg_keyed(const struct mip4_leg *leg)
{
	return leg->key.flags & MIP4_DEMUX_KEYED;
}

/* The most bytes that a leg adds, but for what minimal leaves to IP-in-IP. */
static inline unsigned int mip4_leg_overhead(const struct mip4_leg *leg)
{
	switch (leg->key.encap) {
	case MIP4_ENCAP_IPIP:
		return sizeof(struct iphdr);
	case MIP4_ENCAP_MINIMAL:
		return sizeof(struct mip4_minimal_hdr);
	case MIP4_ENCAP_UDP:
		return sizeof(struct iphdr) + MIP4_UDP_HLEN;
	default:
		return sizeof(struct iphdr) + (mip4_leg_keyed(leg) ? 8 : 4);
	}
}

struct mip4_leg *mip4_leg_alloc(void);
void mip4_leg_free(struct mip4_leg *leg);
int mip4_leg_add(struct mip4_leg *leg, struct mip4_binding *b,
		 const struct mip4_leg_config *cfg,
		 struct netlink_ext_ack *extack);
int mip4_leg_check_addr(const struct mip4_leg *leg,
			const struct mip4_prefix_key *addr,
			const struct nlattr *attr,
			struct netlink_ext_ack *extack);
void mip4_leg_del(struct mip4_leg *leg);
struct mip4_leg *mip4_leg_demux(struct mip4_net *mn,
				struct mip4_demux_key *key,
				const struct iphdr *inner,
				struct mip4_leg **other);
struct mip4_leg *mip4_leg_demux6(struct mip4_net *mn,
				 struct mip4_demux_key *key,
				 const struct ipv6hdr *inner,
				 struct mip4_leg **other);
int mip4_leg_init(void);
void mip4_leg_exit(void);

#endif /* _MIP4_LEG_H */
