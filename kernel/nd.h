/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_ND_H
#define _MIP4_ND_H

#include <linux/skbuff.h>

struct mip4_binding;
struct mip4_port;

bool mip4_nd_local(const struct sk_buff *skb);
void mip4_nd(struct sk_buff *skb, struct mip4_port *port,
	     struct mip4_binding *b);

#endif /* _MIP4_ND_H */
