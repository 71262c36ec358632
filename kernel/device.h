/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_DEVICE_H
#define _MIP4_DEVICE_H

#include <linux/etherdevice.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/rbtree.h>
#include <linux/rhashtable.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/gro_cells.h>
#include <linux/mip4.h>

#include "bucket.h"
#include "hold.h"
#include "prefix.h"
#include "stats.h"

struct mip4_net;
struct mip4_port;
struct mip4_udp;

/*
 * A realm with served bindings. Beyond as many some are missing: an error that
 * quotes a packet of theirs is that of their peer, but nobody's at once.
 */
#define MIP4_REALMS 16

struct mip4_realm {
	u32 realm;
	u32 bindings;			/* served ones; 0: unused */
};

/*
 * A mip4 device, netdev_priv() of its netdev.
 *
 * Configuration is written under RTNL and read by packets with READ_ONCE()
 * where it may change while packets pass; .net, .local, .link and .realm don't
 * change while there are bindings. Tables: written under .lock, read under
 * RCU; they are empty when .priv_destructor runs, a grace period after
 * .ndo_uninit. Lock order: RTNL, .lock, mip4_net.lock, hold lock.
 */
struct mip4_dev {
	struct net_device *dev;
	struct net *net;		/* underlay */
	struct mip4_net *mn;		/* of .net */
	struct list_head node;		/* mip4_net.devs */

	__be32 local;
	u32 link;			/* ifindex in .net, 0: any */
	u32 realm;
	u32 limit;
	u32 grace;			/* s */
	u8 encap;			/* enum mip4_encap */
	u8 ttl;
	u8 tos;
	u8 arp;				/* enum mip4_arp_mode */
	bool mss;
	u8 orphan;			/* enum mip4_orphan */
	u8 multicast;			/* enum mip4_multicast; .lock writes too */
	u64 gwmac;			/* ether_addr_to_u64(), 0: each port's own */

	struct mutex lock;		/* writers of .dead, .count, .next_id, tables */
	bool dead;			/* no new bindings */
	bool heard;			/* "bindings" had a listener; racy by intent */
	bool orphaned;			/* to be flushed; racy by intent */
	u32 count;			/* bindings */
	u32 next_id;
	struct rhashtable by_addr;	/* struct mip4_binding */
	struct rhashtable by_mac;	/* struct mip4_binding, served ones */
	struct rhashtable prefixes;	/* struct mip4_prefix */
	struct mip4_plens plens[2];	/* of .prefixes: IPv4, IPv6 */
	struct rhashtable subnets;	/* struct mip4_subnet */
	u32 subnet_plens;		/* bit n: one of length n was there */
	struct xarray ids;		/* struct mip4_binding */
	struct xarray peers;		/* struct mip4_peer; mip4_net.lock writes */
	struct xarray ports;		/* struct mip4_port by ifindex; RTNL and .lock write */
	struct mip4_port __rcu *home;	/* of mode home, or NULL; .lock writes */
	struct mip4_realm realms[MIP4_REALMS];	/* .lock writes, READ_ONCE */
	unsigned int realmless;		/* served bindings of no slot; as .realms */
	struct delayed_work expire;
	unsigned long expire_next;	/* id to go on with; .expire only */
	time64_t expire_due;		/* earliest end known, 0: none */
	struct delayed_work leg_expire;
	struct rb_root_cached leg_ends;	/* struct mip4_legs by .expires */
	struct mip4_hold hold;		/* packets to routed bindings */

	struct mip4_udp __rcu *udp;	/* NULL: no socket; mip4_net.udp_lock writes */
	struct list_head udp_node;	/* mip4_udp.links, if .udp */

	struct mip4_drops __percpu *drops;
	struct gro_cells gro;
	struct mip4_bucket peer_events;
	struct mip4_bucket icmp;	/* to peers; see mip4_port for devices */
	struct mip4_bucket copies;	/* of multicast and broadcast */
	atomic64_t events_lost;		/* since the last one sent */
};

extern struct rtnl_link_ops mip4_link_ops;
extern struct workqueue_struct *mip4_wq;

bool mip4_dev_is(const struct net_device *dev);

#endif /* _MIP4_DEVICE_H */
