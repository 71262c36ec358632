/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_XMIT_H
#define _MIP4_XMIT_H

#include <linux/netdevice.h>

struct mip4_binding;

int mip4_lower_ttl(struct sk_buff *skb, const struct mip4_binding *b);
int mip4_raise_ttl(struct sk_buff *skb);
netdev_tx_t mip4_xmit(struct sk_buff *skb, struct net_device *dev);

#endif /* _MIP4_XMIT_H */
