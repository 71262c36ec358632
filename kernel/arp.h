/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_ARP_H
#define _MIP4_ARP_H

#include <linux/skbuff.h>

struct mip4_binding;
struct mip4_port;
struct net_device;

bool mip4_arp_sender(struct sk_buff *skb, const struct net_device *dev,
		     __be32 *sender);
bool mip4_arp_proxy(struct sk_buff *skb, struct mip4_port *port);
void mip4_arp(struct sk_buff *skb, struct mip4_port *port,
	      struct mip4_binding *b);

#endif /* _MIP4_ARP_H */
