/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_HOME_H
#define _MIP4_HOME_H

#include <linux/netdevice.h>

struct mip4_dev;
struct mip4_port;

rx_handler_result_t mip4_home_rx(struct sk_buff *skb, struct mip4_port *port);
void mip4_home_xmit(struct sk_buff *skb, struct mip4_dev *mip,
		    struct mip4_port *port);

#endif /* _MIP4_HOME_H */
