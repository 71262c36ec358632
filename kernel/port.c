// SPDX-License-Identifier: GPL-2.0-only
/* Ports: access interfaces with "master mip0". */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "binding.h"
#include "device.h"
#include "hold.h"
#include "home.h"
#include "netlink.h"
#include "port.h"
#include "uplink.h"

const u8 mip4_no_mac[ETH_ALEN] __aligned(2) = {};

static rx_handler_result_t mip4_port_rx(struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb;
	struct mip4_port *port;

	if (unlikely(skb->pkt_type == PACKET_LOOPBACK))
		return RX_HANDLER_PASS;
	port = rcu_dereference(skb->dev->rx_handler_data);
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (unlikely(!skb))
		return RX_HANDLER_CONSUMED;
	*pskb = skb;
	if (unlikely(READ_ONCE(port->mode) == MIP4_PORT_HOME))
		return mip4_home_rx(skb, port);
	return mip4_uplink(skb, port);
}

/* Do the tunnels end here? A port lets nothing through to them. */
static bool mip4_port_is_underlay(const struct mip4_dev *mip,
				  const struct net_device *port_dev)
{
	const struct in_ifaddr *ifa;
	struct in_device *in_dev;

	if (!net_eq(dev_net(port_dev), mip->net))
		return false;
	if (mip->link == port_dev->ifindex)
		return true;
	in_dev = __in_dev_get_rtnl(port_dev);
	if (!in_dev)
		return false;
	in_dev_for_each_ifa_rtnl(ifa, in_dev) {
		if (ifa->ifa_local == mip->local)
			return true;
	}
	return false;
}

static bool mip4_port_is_ethernet(const struct net_device *port_dev)
{
	return port_dev->type == ARPHRD_ETHER &&
	       port_dev->addr_len == ETH_ALEN &&
	       !(port_dev->flags & IFF_LOOPBACK) &&
	       is_valid_ether_addr(port_dev->dev_addr);
}

/* A PPP session, or what has as little in front of a packet. */
static bool mip4_port_is_p2p(const struct net_device *port_dev)
{
	return (port_dev->type == ARPHRD_PPP ||
		port_dev->type == ARPHRD_NONE) &&
	       port_dev->flags & IFF_POINTOPOINT && !port_dev->addr_len &&
	       !dev_has_header(port_dev);
}

static int mip4_port_check(struct net_device *dev, struct net_device *port_dev,
			   struct netlink_ext_ack *extack)
{
	if (mip4_dev_is(port_dev)) {
		NL_SET_ERR_MSG_MOD(extack, "a mip4 device can't be a port");
		return -ELOOP;
	}
	if (!mip4_port_is_ethernet(port_dev) && !mip4_port_is_p2p(port_dev)) {
		NL_SET_ERR_MSG_MOD(extack, "a port must be Ethernet-like or point-to-point");
		return -EINVAL;
	}
	if (mip4_port_is_underlay(netdev_priv(dev), port_dev)) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "%s is the underlay of this mip4 device",
				       port_dev->name);
		return -EBUSY;
	}
	if (netdev_is_rx_handler_busy(port_dev)) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "frames of %s are already taken, by macvlan, macsec or the like",
				       port_dev->name);
		return -EBUSY;
	}
	return 0;
}

/* Are there frames for it that aren't sent to its own MAC? */
static bool mip4_port_listens(const struct mip4_port *port)
{
	return !port->p2p && port->mode == MIP4_PORT_ACCESS;
}

/*
 * A device that moved here still addresses the router that it left. Either all
 * routers share a MAC, or the port listens to every one.
 */
static int mip4_port_listen(struct mip4_port *port)
{
	u8 mac[ETH_ALEN];

	if (!mip4_port_listens(port))
		return 0;
	if (!port->mip->gwmac)
		return dev_set_promiscuity(port->dev, 1);
	mip4_port_mac(port, mac);
	return dev_uc_add(port->dev, mac);
}

static void mip4_port_unlisten(struct mip4_port *port)
{
	u8 mac[ETH_ALEN];

	if (!mip4_port_listens(port))
		return;
	if (!port->mip->gwmac) {
		dev_set_promiscuity(port->dev, -1);
		return;
	}
	mip4_port_mac(port, mac);
	dev_uc_del(port->dev, mac);
}

/**
 * mip4_port_add() - .ndo_add_slave
 * @dev: mip4 device
 * @port_dev: access interface
 * @extack: where to say why not
 *
 * Context: RTNL.
 *
 * Return: 0 or a negative error.
 */
int mip4_port_add(struct net_device *dev, struct net_device *port_dev,
		  struct netlink_ext_ack *extack)
{
	struct mip4_dev *mip = netdev_priv(dev);
	struct mip4_port *port;
	int err;

	err = mip4_port_check(dev, port_dev, extack);
	if (err)
		return err;
	port = kzalloc(sizeof(*port), GFP_KERNEL);
	if (!port)
		return -ENOMEM;
	port->dev = port_dev;
	port->mip = mip;
	port->p2p = mip4_port_is_p2p(port_dev);
	mip4_bucket_init(&port->unknown_events, 256, 500);
	mip4_bucket_init(&port->spoof_events, 16, 10);
	mip4_bucket_init(&port->icmp, 64, 1000);
	mip4_bucket_init(&port->pmtu, 64, 1000);
	err = xa_reserve(&mip->ports, port_dev->ifindex, GFP_KERNEL);
	if (err)
		goto err_free;
	err = mip4_hold_init(&port->hold, mip);
	if (err)
		goto err_reserved;
	netdev_hold(port_dev, &port->tracker, GFP_KERNEL);
	err = mip4_port_listen(port);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "the port can't listen to the gateway MAC");
		goto err_put;
	}
	err = netdev_rx_handler_register(port_dev, mip4_port_rx, port);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "frames of the port can't be taken");
		goto err_listen;
	}
	err = netdev_master_upper_dev_link(port_dev, dev, NULL, NULL, extack);
	if (err)
		goto err_handler;

	mip4_set_netns_immutable(dev);
	dev_disable_lro(port_dev);
	netdev_set_rx_headroom(port_dev, dev->needed_headroom);
	mutex_lock(&mip->lock);
	/* the entry is reserved, so this needs no memory */
	xa_store(&mip->ports, port_dev->ifindex, port, GFP_KERNEL);
	mutex_unlock(&mip->lock);
	return 0;

err_handler:
	netdev_rx_handler_unregister(port_dev);
err_listen:
	mip4_port_unlisten(port);
err_put:
	mip4_hold_stop(&port->hold);
	netdev_put(port_dev, &port->tracker);
err_reserved:
	xa_release(&mip->ports, port_dev->ifindex);
err_free:
	kfree(port);
	return err;
}

static void mip4_port_release(struct mip4_port *port)
{
	const struct mip4_binding_filter filter = { .port = port->dev->ifindex };
	struct net_device *port_dev = port->dev;
	struct mip4_dev *mip = port->mip;

	mutex_lock(&mip->lock);
	if (port->mode == MIP4_PORT_HOME)
		RCU_INIT_POINTER(mip->home, NULL);
	mip4_binding_flush(mip, &filter, MIP4_DEL_PORT);
	xa_erase(&mip->ports, port_dev->ifindex);
	mutex_unlock(&mip->lock);

	netdev_upper_dev_unlink(port_dev, mip->dev);
	/* waits until no packet is in mip4_port_rx() or mip4_home_xmit() */
	netdev_rx_handler_unregister(port_dev);
	netdev_reset_rx_headroom(port_dev);
	mip4_port_unlisten(port);
	mip4_hold_stop(&port->hold);
	netdev_put(port_dev, &port->tracker);
	kfree_rcu(port, rcu);
}

/**
 * mip4_port_del() - .ndo_del_slave
 * @dev: mip4 device
 * @port_dev: its port
 *
 * Context: RTNL.
 *
 * Return: 0 or a negative error.
 */
int mip4_port_del(struct net_device *dev, struct net_device *port_dev)
{
	struct mip4_port *port;

	port = mip4_port_find(netdev_priv(dev), port_dev->ifindex);
	if (!port)
		return -EINVAL;
	mip4_port_release(port);
	return 0;
}

/**
 * mip4_port_del_all() - release all ports
 * @mip: device
 *
 * Context: RTNL.
 */
void mip4_port_del_all(struct mip4_dev *mip)
{
	struct mip4_port *port;
	unsigned long ifindex;

	ASSERT_RTNL();
	xa_for_each(&mip->ports, ifindex, port)
		mip4_port_release(port);
}

/**
 * mip4_port_find() - find a port
 * @mip: device
 * @ifindex: of the port
 *
 * Context: RTNL or mip4_dev.lock.
 *
 * Return: the port or NULL.
 */
struct mip4_port *mip4_port_find(struct mip4_dev *mip, u32 ifindex)
{
	return xa_load(&mip->ports, ifindex);
}

/**
 * mip4_port_set_mode() - say what a port leads to
 * @port: port
 * @mode: enum mip4_port_mode
 * @attr: what to blame
 * @extack: where to say why not
 *
 * Context: RTNL, mip4_dev.lock held.
 *
 * Return: 0 or a negative error, nothing changed then.
 */
int mip4_port_set_mode(struct mip4_port *port, u8 mode,
		       const struct nlattr *attr,
		       struct netlink_ext_ack *extack)
{
	struct mip4_dev *mip = port->mip;
	struct mip4_port *home;
	int err;

	if (mode == port->mode)
		return 0;
	if (mode == MIP4_PORT_HOME) {
		if (port->p2p) {
			MIP4_NL_ERR(extack, attr,
				    "a point-to-point device is no home link");
			return -EOPNOTSUPP;
		}
		home = rcu_dereference_protected(mip->home,
						 lockdep_is_held(&mip->lock));
		if (home) {
			NL_SET_ERR_MSG_FMT_MOD(extack, "%s is the home link already",
					       home->dev->name);
			NL_SET_BAD_ATTR(extack, attr);
			return -EBUSY;
		}
		if (port->bindings) {
			MIP4_NL_ERR(extack, attr,
				    "bindings are served here: delete or move them first");
			return -EBUSY;
		}
		mip4_port_unlisten(port);
		WRITE_ONCE(port->mode, mode);
		rcu_assign_pointer(mip->home, port);
		return 0;
	}
	WRITE_ONCE(port->mode, mode);
	err = mip4_port_listen(port);
	if (err) {
		WRITE_ONCE(port->mode, MIP4_PORT_HOME);
		MIP4_NL_ERR(extack, attr,
			    "the port can't listen to the gateway MAC");
		return err;
	}
	RCU_INIT_POINTER(mip->home, NULL);
	return 0;
}

/**
 * mip4_port_set_gwmac() - give the router one MAC on all ports
 * @mip: device
 * @mac: valid unicast MAC
 * @extack: where to say why not
 *
 * Context: RTNL.
 *
 * Return: 0 or a negative error, nothing changed then.
 */
int mip4_port_set_gwmac(struct mip4_dev *mip, const u8 *mac,
			struct netlink_ext_ack *extack)
{
	struct mip4_port *port, *done;
	unsigned long ifindex;
	int err;

	xa_for_each(&mip->ports, ifindex, port) {
		err = mip4_port_listens(port) ? dev_uc_add(port->dev, mac) : 0;
		if (err)
			goto err_del;
	}
	xa_for_each(&mip->ports, ifindex, port)
		mip4_port_unlisten(port);
	WRITE_ONCE(mip->gwmac, ether_addr_to_u64(mac));
	return 0;

err_del:
	NL_SET_ERR_MSG_FMT_MOD(extack, "%s can't listen to the gateway MAC",
			       port->dev->name);
	xa_for_each(&mip->ports, ifindex, done) {
		if (done == port)
			break;
		if (mip4_port_listens(done))
			dev_uc_del(done->dev, mac);
	}
	return err;
}

static int mip4_port_event(struct notifier_block *nb, unsigned long event,
			   void *ptr)
{
	struct net_device *port_dev = netdev_notifier_info_to_dev(ptr);
	struct net_device *master;

	if (event != NETDEV_UNREGISTER && event != NETDEV_PRE_TYPE_CHANGE)
		return NOTIFY_DONE;
	master = netdev_master_upper_dev_get(port_dev);
	if (!master || !mip4_dev_is(master))
		return NOTIFY_DONE;
	if (event == NETDEV_PRE_TYPE_CHANGE)
		return NOTIFY_BAD;
	mip4_port_del(master, port_dev);
	return NOTIFY_DONE;
}

static struct notifier_block mip4_port_nb = {
	.notifier_call = mip4_port_event,
};

/**
 * mip4_port_init() - watch interfaces that are ports
 *
 * Context: module load, before any device.
 *
 * Return: 0 or a negative error.
 */
int __init mip4_port_init(void)
{
	return register_netdevice_notifier(&mip4_port_nb);
}

/**
 * mip4_port_exit() - undo mip4_port_init()
 *
 * Context: module unload, after the last device.
 */
void mip4_port_exit(void)
{
	unregister_netdevice_notifier(&mip4_port_nb);
}
