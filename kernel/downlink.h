/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_DOWNLINK_H
#define _MIP4_DOWNLINK_H

#include <linux/skbuff.h>

struct mip4_binding;
struct mip4_dev;
struct mip4_leg;
struct mip4_port;

void mip4_tap(struct mip4_dev *mip, struct sk_buff *skb);
void mip4_downlink(struct sk_buff *skb, struct mip4_leg *leg);
void mip4_emit(struct sk_buff *skb, struct mip4_port *port,
	       struct mip4_binding *b);

#endif /* _MIP4_DOWNLINK_H */
