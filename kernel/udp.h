/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_UDP_H
#define _MIP4_UDP_H

#include <linux/list.h>
#include <linux/skbuff.h>
#include <linux/types.h>
#include <linux/udp.h>

struct mip4_dev;
struct mip4_leg;
struct netlink_ext_ack;
struct nlattr;
struct rtable;
struct sock;
struct socket;

/* RFC 5944 section 3: also where control messages go */
#define MIP4_UDP_PORT		434
/* RFC 3519 section 3.3 */
#define MIP4_UDP_TUNNEL_DATA	4

struct mip4_udp_data {
	u8 type;			/* MIP4_UDP_TUNNEL_DATA */
	u8 next;			/* IP protocol: IPPROTO_IPIP or IPPROTO_IPV6 */
	__be16 reserved;
};

/* What comes between the two IPv4 headers. */
#define MIP4_UDP_HLEN (sizeof(struct udphdr) + sizeof(struct mip4_udp_data))

/*
 * A process's socket by which links tunnel; all links of an underlay may share
 * one. Found under RCU through mip4_dev.udp and the socket's sk_user_data, and
 * gone when its last link lets go of it or the last process closes it, whatever
 * is first. Only .links changes, and .sk is for who changes that.
 */
struct mip4_udp {
	struct sock *sk;		/* held */
	__be32 local;			/* 0: any */
	__be16 port;
	struct list_head links;		/* mip4_dev.udp_node; mip4_net.udp_lock */
	struct rcu_head rcu;
};

int mip4_udp_attach(struct mip4_dev *mip, struct socket *sock,
		    const struct nlattr *attr, struct netlink_ext_ack *extack);
void mip4_udp_detach(struct mip4_dev *mip);
__be16 mip4_udp_port(const struct mip4_dev *mip, __be32 local);
void mip4_udp_push(struct sk_buff *skb, const struct mip4_leg *leg,
		   __be16 port);

#endif /* _MIP4_UDP_H */
