/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Force-included before every file. The one place that knows that kernels
 * differ: gen-compat.sh greps the target's headers for MIP4_HAVE_*.
 */
#ifndef _MIP4_COMPAT_H
#define _MIP4_COMPAT_H

#include <linux/local_lock.h>
#include <linux/netdevice.h>
#include <linux/netlink.h>
#include <net/genetlink.h>
#include <net/ip_tunnels.h>
#include <net/rtnetlink.h>
#include <net/udp_tunnel.h>

#include "compat-generated.h"

#ifdef MIP4_HAVE_GSO_H
#include <net/gso.h>
#endif
#ifdef MIP4_HAVE_UNALIGNED_H
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#if !IS_ENABLED(CONFIG_NETFILTER)
#error "mip4 needs CONFIG_NETFILTER: GRE is received at a LOCAL_IN hook"
#endif
#if !IS_ENABLED(CONFIG_INET_TUNNEL)
#error "mip4 needs CONFIG_INET_TUNNEL: IP-in-IP is received through tunnel4"
#endif
#if !IS_ENABLED(CONFIG_NET_UDP_TUNNEL)
#error "mip4 needs CONFIG_NET_UDP_TUNNEL: it is received from by UDP tunnels"
#endif

/*
 * Before 6.2 an extack could only carry a constant string. The text must live
 * until the core has built the ack, after our handler returned: a small ring
 * per call site. The core measures the text, allocates, and copies: who is
 * overtaken four times meanwhile gets a newer text, so all are padded to one
 * length and the NUL behind them is never written.
 */
#ifndef NL_SET_ERR_MSG_FMT_MOD
#define NL_SET_ERR_MSG_FMT_MOD(extack, fmt, args...) do {		\
	static char __text[4][112];					\
	static atomic_t __next;						\
	struct netlink_ext_ack *__ack = (extack);			\
	char *__buf = __text[(unsigned int)atomic_inc_return(&__next) % 4]; \
	char __line[sizeof(__text[0])];					\
	int __len = scnprintf(__line, sizeof(__line),			\
			      KBUILD_MODNAME ": " fmt, ##args);		\
									\
	memset(__line + __len, ' ', sizeof(__line) - __len);		\
	memcpy(__buf, __line, sizeof(__line) - 1);			\
	if (__ack)							\
		__ack->_msg = __buf;					\
} while (0)
#endif

/* 6.11; before that local_bh_disable() locked the CPU on PREEMPT_RT, too */
#ifndef local_lock_nested_bh
#define local_lock_nested_bh(lock)	do { } while (0)
#define local_unlock_nested_bh(lock)	do { } while (0)
#endif

#ifndef NL_SET_ERR_ATTR_MISS
#define NL_SET_ERR_ATTR_MISS(extack, nest, type)	do { } while (0)
#endif

/* Without it whoever has a socket may listen. */
#ifdef GENL_MCAST_CAP_NET_ADMIN
#define MIP4_MCGRP_ADMIN	.flags = GENL_MCAST_CAP_NET_ADMIN
#else
#define MIP4_MCGRP_ADMIN
#endif

#ifdef MIP4_HAVE_GENL_SPLIT_OPS
#define mip4_genl_ops		genl_split_ops
#define mip4_dump_attrs(cb)	(genl_dumpit_info(cb)->info.attrs)
#else
#define mip4_genl_ops		genl_ops
#define mip4_dump_attrs(cb)	(genl_dumpit_info(cb)->attrs)
#endif

static inline void mip4_set_lltx(struct net_device *dev)
{
#ifdef MIP4_HAVE_LLTX
	dev->lltx = true;
#else
	dev->features |= NETIF_F_LLTX;
#endif
}

static inline void mip4_set_netns_immutable(struct net_device *dev)
{
#if defined(MIP4_HAVE_NETNS_IMMUTABLE)
	dev->netns_immutable = true;
#elif defined(MIP4_HAVE_NETNS_LOCAL)
	dev->netns_local = true;
#else
	dev->features |= NETIF_F_NETNS_LOCAL;
#endif
}

#ifdef MIP4_HAVE_IPCB_FLAGS
#define mip4_iptunnel_xmit(rt, skb, saddr, daddr, proto, tos, ttl, df, xnet) \
	iptunnel_xmit(NULL, rt, skb, saddr, daddr, proto, tos, ttl, df, xnet, 0)
#else
#define mip4_iptunnel_xmit(rt, skb, saddr, daddr, proto, tos, ttl, df, xnet) \
	iptunnel_xmit(NULL, rt, skb, saddr, daddr, proto, tos, ttl, df, xnet)
#endif

static inline void mip4_setup_udp_tunnel_sock(struct socket *sock,
					      struct udp_tunnel_sock_cfg *cfg)
{
#ifdef MIP4_HAVE_SETUP_UDP_TUNNEL_SK
	setup_udp_tunnel_sock(sock_net(sock->sk), sock->sk, cfg);
#else
	setup_udp_tunnel_sock(sock_net(sock->sk), sock, cfg);
#endif
}

/* Defines .newlink's wrapper @name around (underlay net, dev, data, extack). */
#ifdef MIP4_HAVE_NEWLINK_PARAMS
#define MIP4_DEFINE_NEWLINK(name, common)				\
static int name(struct net_device *dev, struct rtnl_newlink_params *params, \
		struct netlink_ext_ack *extack)				\
{									\
	return common(rtnl_newlink_link_net(params), dev, params->data,	\
		      extack);						\
}
#else
#define MIP4_DEFINE_NEWLINK(name, common)				\
static int name(struct net *src_net, struct net_device *dev,		\
		struct nlattr *tb[], struct nlattr *data[],		\
		struct netlink_ext_ack *extack)				\
{									\
	return common(src_net, dev, data, extack);			\
}
#endif

#endif /* _MIP4_COMPAT_H */
