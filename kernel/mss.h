/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_MSS_H
#define _MIP4_MSS_H

#include <linux/skbuff.h>

void mip4_mss_clamp(struct sk_buff *skb, unsigned int mtu);

#endif /* _MIP4_MSS_H */
