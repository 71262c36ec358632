/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_UPLINK_H
#define _MIP4_UPLINK_H

#include <linux/netdevice.h>

struct mip4_binding;
struct mip4_port;

rx_handler_result_t mip4_uplink(struct sk_buff *skb, struct mip4_port *port);
void mip4_uplink_bound(struct sk_buff *skb, struct mip4_port *port,
		       struct mip4_binding *b);

#endif /* _MIP4_UPLINK_H */
