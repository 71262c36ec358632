/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_PEER_H
#define _MIP4_PEER_H

#include <linux/rhashtable.h>
#include <net/dst_cache.h>

#include "bucket.h"
#include "stats.h"

struct mip4_dev;
struct mip4_net;
struct rtable;

/* For how long a peer is held for unreachable after it was last said to be. */
#define MIP4_PEER_SOFT		(5 * HZ)

struct mip4_peer_key {
	__be32 local;
	__be32 remote;
	u16 encap;			/* enum mip4_encap: XFRM and PMTU tell them apart */
	__be16 port;			/* UDP: so do these; else 0 */
};

/*
 * The other end of the legs of one device: what they share so that none needs
 * its own. Found under RCU through mip4_leg.peer and mip4_net.peers; freed a
 * grace period after its last leg.
 */
struct mip4_peer {
	struct rhlist_head node;	/* mip4_net.peers */
	struct mip4_peer_key key;
	u32 id;				/* in mip4_dev.peers */
	u32 legs;			/* mip4_net.lock */
	u32 keyless;			/* of those; mip4_net.lock writes, READ_ONCE */
	u32 realm;			/* if .keyless: of the first; mip4_net.lock */
	bool realms;			/* ...and there were others; mip4_net.lock */
	u32 mtu;			/* last seen path MTU, 0: none yet; READ_ONCE */
	struct mip4_dev *mip;
	struct dst_cache dst_cache;
	atomic64_t errors;		/* ICMP errors about outer packets */
	atomic64_t fallbacks;		/* what MIP4_ENCAP_MINIMAL can't carry */
	unsigned long event;		/* jiffies of the last event, 0: none; racy by intent */
	unsigned long unreachable_at;	/* jiffies, 0: not; READ_ONCE, cmpxchg to end it */
	u8 unreachable;			/* enum mip4_unreachable at that time */
	struct mip4_bucket icmp;	/* to senders of inner packets */
	struct rcu_head rcu;
};

extern const struct rhashtable_params mip4_peer_params;

/*
 * Why mip4_peer_route() failed, or mip4_senders(): where memory was short the
 * next packet may.
 */
static inline enum mip4_drop mip4_peer_no_route(int err)
{
	switch (err) {
	case -ENOBUFS:
	case -ENOMEM:
		return MIP4_DROP_NO_MEMORY;
	case -ELOOP:
		return MIP4_DROP_LOOP;
	default:
		return MIP4_DROP_NO_ROUTE;
	}
}

/* Whoever sends something is reachable. */
static inline void mip4_peer_heard(struct mip4_peer *peer)
{
	if (unlikely(READ_ONCE(peer->unreachable_at)))
		WRITE_ONCE(peer->unreachable_at, 0);
}

struct mip4_peer *mip4_peer_get(struct mip4_dev *mip,
				const struct mip4_peer_key *key);
void mip4_peer_put(struct mip4_peer *peer);
void mip4_peers_reroute(struct mip4_dev *mip, enum mip4_encap encap);
struct rtable *mip4_peer_route(struct mip4_peer *peer);
struct rtable *mip4_peer_fallback(struct mip4_peer *peer);
enum mip4_unreachable mip4_peer_unreachable(struct mip4_peer *peer,
					    unsigned long *at);
int mip4_peer_tell(struct mip4_peer *peer, bool on_link);

#endif /* _MIP4_PEER_H */
