/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_PORT_H
#define _MIP4_PORT_H

#include <linux/netdevice.h>

#include "device.h"
#include "hold.h"

/*
 * An access interface enslaved to a mip4 device. rx_handler_data of its
 * netdev; found under RCU there and through bindings, freed a grace period
 * after it left both.
 */
struct mip4_port {
	struct net_device *dev;		/* held */
	netdevice_tracker tracker;
	struct mip4_dev *mip;
	bool p2p;			/* one device, and no link-layer header */
	u8 mode;			/* enum mip4_port_mode; RTNL and .lock write, READ_ONCE */
	u8 unknown;			/* enum mip4_unknown; READ_ONCE */
	u32 bindings;			/* in .list */
	struct hlist_head list;		/* struct mip4_binding; mip4_dev.lock */
	atomic64_t unknown_frames;
	struct mip4_hold hold;
	struct mip4_bucket unknown_events;
	struct mip4_bucket spoof_events;
	struct mip4_bucket icmp;	/* to devices: answers to what any may provoke */
	struct mip4_bucket pmtu;	/* to devices: packet too big */
	struct rcu_head rcu;
};

/* Set @mac to the MAC that devices on the port know the router by. */
static inline void mip4_port_mac(const struct mip4_port *port, u8 *mac)
{
	const u64 gwmac = READ_ONCE(port->mip->gwmac);

	if (gwmac)
		u64_to_ether_addr(gwmac, mac);
	else
		ether_addr_copy(mac, port->dev->dev_addr);
}

extern const u8 mip4_no_mac[ETH_ALEN];

/* The MAC by which a device of the port is known: @skb's source, or none. */
static inline const u8 *mip4_port_source(const struct mip4_port *port,
					 const struct sk_buff *skb)
{
	return unlikely(port->p2p) ? mip4_no_mac : eth_hdr(skb)->h_source;
}

int mip4_port_add(struct net_device *dev, struct net_device *port_dev,
		  struct netlink_ext_ack *extack);
int mip4_port_del(struct net_device *dev, struct net_device *port_dev);
void mip4_port_del_all(struct mip4_dev *mip);
struct mip4_port *mip4_port_find(struct mip4_dev *mip, u32 ifindex);
int mip4_port_set_mode(struct mip4_port *port, u8 mode,
		       const struct nlattr *attr,
		       struct netlink_ext_ack *extack);
int mip4_port_set_gwmac(struct mip4_dev *mip, const u8 *mac,
			struct netlink_ext_ack *extack);
int mip4_port_init(void);
void mip4_port_exit(void);

#endif /* _MIP4_PORT_H */
