/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_FRAGMENT_H
#define _MIP4_FRAGMENT_H

#include <linux/netdevice.h>

int mip4_fragment(struct sk_buff *skb, struct net_device *dev, unsigned int mtu,
		  struct sk_buff_head *pieces);

#endif /* _MIP4_FRAGMENT_H */
