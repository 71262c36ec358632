/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_NET_H
#define _MIP4_NET_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rhashtable.h>

#include "prefix.h"

struct mip4_dev;
struct net;

/*
 * What the devices of one underlay netns share. Lives as long as the netns.
 *
 * The packet path reads the tables under RCU. Lock order: RTNL, mip4_dev.lock, lock.
 * udp_lock comes after RTNL and after the lock of a socket.
 */
struct mip4_net {
	struct list_head devs;	/* mip4_dev.node; RTNL */
	struct mutex lock;	/* writers of all below, and clashes of legs */
	struct rhltable demux;	/* struct mip4_leg, see leg.h */
	struct rhltable peers;	/* struct mip4_peer, see peer.h */
	struct rhltable prefixes;	/* struct mip4_prefix, see prefix.h */
	struct mip4_plens plens[2];	/* of .prefixes: IPv4, IPv6 */

	struct mutex udp_lock;	/* who uses which struct mip4_udp */
};

struct mip4_net *mip4_net(const struct net *net);
int mip4_net_add(struct mip4_dev *mip);
void mip4_net_del(struct mip4_dev *mip);
int mip4_net_init(void);
void mip4_net_exit(void);

#endif /* _MIP4_NET_H */
