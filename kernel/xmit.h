/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_XMIT_H
#define _MIP4_XMIT_H

#include <linux/netdevice.h>

struct mip4_binding;
struct mip4_dev;

bool mip4_xmit_pmtu(struct sk_buff *skb, unsigned int mtu);
bool mip4_xmit_came_in_here(const struct sk_buff *skb, struct net_device *dev);
int mip4_lower_ttl(struct sk_buff *skb, const struct mip4_binding *b);
int mip4_raise_ttl(struct sk_buff *skb);
int mip4_spare_ttl(struct sk_buff *skb, struct mip4_dev *mip,
		   const struct mip4_binding *from);
void mip4_xmit_legs(struct sk_buff *skb, struct mip4_binding *b, bool hold);
netdev_tx_t mip4_xmit(struct sk_buff *skb, struct net_device *dev);

#endif /* _MIP4_XMIT_H */
