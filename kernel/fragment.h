/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_FRAGMENT_H
#define _MIP4_FRAGMENT_H

#include <linux/netdevice.h>

#include "stats.h"

/* Why nothing is left of it. */
static inline enum mip4_drop mip4_fragment_failed(int err)
{
	return err == -ENOMEM ? MIP4_DROP_NO_MEMORY : MIP4_DROP_BAD_INNER;
}

int mip4_fragment(struct sk_buff *skb, struct net_device *dev, unsigned int mtu,
		  struct sk_buff_head *pieces);

#endif /* _MIP4_FRAGMENT_H */
