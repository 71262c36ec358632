// SPDX-License-Identifier: GPL-2.0-only
/* The mip4 netdevice: link kind, configuration, life. */
#include <linux/capability.h>
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <net/ip_tunnels.h>
#include <net/rtnetlink.h>

#include "binding.h"
#include "device.h"
#include "expire.h"
#include "legs.h"
#include "net.h"
#include "netlink.h"
#include "port.h"
#include "subnet.h"
#include "udp.h"
#include "xmit.h"

#define MIP4_FEATURES (NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | \
		       NETIF_F_HW_CSUM | NETIF_F_RXCSUM | NETIF_F_GSO_SOFTWARE)

/* What the default encapsulation puts in front, with keys; each leg has its own. */
#define MIP4_OVERHEAD (sizeof(struct iphdr) + 8)
/* The most that one does. */
#define MIP4_OVERHEAD_MAX (sizeof(struct iphdr) + MIP4_UDP_HLEN)

struct workqueue_struct *mip4_wq;

static int mip4_dev_init(struct net_device *dev)
{
	struct mip4_dev *mip = netdev_priv(dev);
	struct rhashtable_params addr = mip4_addr_params;
	int err;

	/* it grows by itself; buckets aren't charged to who asks for them */
	addr.nelem_hint = min_t(u32, mip->limit, 1 << 14);
	err = rhashtable_init(&mip->by_addr, &addr);
	if (err)
		return err;
	err = rhashtable_init(&mip->by_mac, &mip4_mac_params);
	if (err)
		goto err_addr;
	err = rhashtable_init(&mip->prefixes, &mip4_prefix_params);
	if (err)
		goto err_mac;
	err = rhashtable_init(&mip->subnets, &mip4_subnet_params);
	if (err)
		goto err_prefixes;
	err = -ENOMEM;
	mip->drops = netdev_alloc_pcpu_stats(struct mip4_drops);
	if (!mip->drops)
		goto err_subnets;
	err = gro_cells_init(&mip->gro, dev);
	if (err)
		goto err_drops;
	err = mip4_hold_init(&mip->hold, mip);
	if (err)
		goto err_gro;
	err = mip4_net_add(mip);
	if (err)
		goto err_hold;
	return 0;

err_hold:
	mip4_hold_stop(&mip->hold);
err_gro:
	gro_cells_destroy(&mip->gro);
err_drops:
	free_percpu(mip->drops);
err_subnets:
	rhashtable_destroy(&mip->subnets);
err_prefixes:
	rhashtable_destroy(&mip->prefixes);
err_mac:
	rhashtable_destroy(&mip->by_mac);
err_addr:
	rhashtable_destroy(&mip->by_addr);
	return err;
}

static void mip4_dev_uninit(struct net_device *dev)
{
	const struct mip4_binding_filter all = {};
	struct mip4_dev *mip = netdev_priv(dev);

	mutex_lock(&mip->lock);
	mip->dead = true;
	mip4_binding_flush(mip, &all, MIP4_DEL_LINK);
	mutex_unlock(&mip->lock);
	mip4_port_del_all(mip);
	mip4_expire_stop(mip);
	mip4_legs_stop(mip);
	mip4_udp_detach(mip);
	mip4_net_del(mip);
}

static void mip4_dev_free(struct net_device *dev)
{
	struct mip4_dev *mip = netdev_priv(dev);

	mip4_hold_stop(&mip->hold);
	gro_cells_destroy(&mip->gro);
	free_percpu(mip->drops);
	rhashtable_destroy(&mip->subnets);
	rhashtable_destroy(&mip->prefixes);
	rhashtable_destroy(&mip->by_mac);
	rhashtable_destroy(&mip->by_addr);
	xa_destroy(&mip->ids);
	xa_destroy(&mip->peers);
	xa_destroy(&mip->ports);
	mutex_destroy(&mip->lock);
}

static int mip4_dev_open(struct net_device *dev)
{
	struct in_device *in_dev = __in_dev_get_rtnl(dev);

	/* Home addresses are no neighbours of each other. conf/all may still
	 * ask for redirects: mip4_xmit() drops what then is made.
	 */
	if (in_dev)
		IN_DEV_CONF_SET(in_dev, SEND_REDIRECTS, false);
	/* not before, for creation with an underlay elsewhere moves it once */
	mip4_set_netns_immutable(dev);
	return 0;
}

static const struct net_device_ops mip4_netdev_ops = {
	.ndo_init		= mip4_dev_init,
	.ndo_uninit		= mip4_dev_uninit,
	.ndo_open		= mip4_dev_open,
	.ndo_start_xmit		= mip4_xmit,
	.ndo_get_stats64	= mip4_get_stats64,
	.ndo_add_slave		= mip4_port_add,
	.ndo_del_slave		= mip4_port_del,
};

/**
 * mip4_dev_is() - is a netdev one of ours?
 * @dev: any netdev
 *
 * Return: whether netdev_priv() of it is a struct mip4_dev.
 */
bool mip4_dev_is(const struct net_device *dev)
{
	return dev->netdev_ops == &mip4_netdev_ops;
}

static void mip4_dev_setup(struct net_device *dev)
{
	struct mip4_dev *mip = netdev_priv(dev);

	dev->netdev_ops = &mip4_netdev_ops;
	dev->ethtool_ops = &mip4_ethtool_ops;
	dev->header_ops = &ip_tunnel_header_ops;
	dev->needs_free_netdev = true;
	dev->priv_destructor = mip4_dev_free;
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_POINTOPOINT | IFF_NOARP;
	dev->priv_flags |= IFF_NO_QUEUE;
	dev->mtu = ETH_DATA_LEN - MIP4_OVERHEAD;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = IP_MAX_MTU - MIP4_OVERHEAD;
	dev->needed_headroom = LL_MAX_HEADER + MIP4_OVERHEAD_MAX;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->features |= MIP4_FEATURES;
	dev->hw_features |= MIP4_FEATURES;
	mip4_set_lltx(dev);
	netif_keep_dst(dev);

	mip->dev = dev;
	mip->encap = MIP4_ENCAP_GRE;
	mip->ttl = 64;
	mip->tos = 1;
	mip->arp = MIP4_ARP_ALL;
	mip->mss = true;
	mip->grace = 30;
	mutex_init(&mip->lock);
	xa_init_flags(&mip->ids, XA_FLAGS_ALLOC1);
	xa_init_flags(&mip->peers, XA_FLAGS_ALLOC1);
	xa_init(&mip->ports);
	mip4_expire_init(mip);
	mip4_legs_start(mip);
	mip4_bucket_init(&mip->peer_events, 16, 10);
	mip4_bucket_init(&mip->icmp, 64, 1000);
	mip4_bucket_init(&mip->copies, 4 * MIP4_SUBNET_MAX, 10000);
}

static const struct nla_policy mip4_link_policy[IFLA_MIP4_MAX + 1] = {
	[IFLA_MIP4_LOCAL]	= { .type = NLA_U32 },
	[IFLA_MIP4_ENCAP]	= NLA_POLICY_RANGE(NLA_U8, MIP4_ENCAP_IPIP,
						   MIP4_ENCAP_MAX),
	[IFLA_MIP4_TTL]		= { .type = NLA_U8 },
	[IFLA_MIP4_TOS]		= { .type = NLA_U8 },
	[IFLA_MIP4_LINK]	= { .type = NLA_U32 },
	[IFLA_MIP4_REALM]	= { .type = NLA_U32 },
	[IFLA_MIP4_LIMIT]	= { .type = NLA_U32 },
	[IFLA_MIP4_ARP]		= NLA_POLICY_MAX(NLA_U8, MIP4_ARP_MAX),
	[IFLA_MIP4_MSS]		= NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_MIP4_GWMAC]	= NLA_POLICY_EXACT_LEN(ETH_ALEN),
	[IFLA_MIP4_GRACE]	= { .type = NLA_U32 },
	[IFLA_MIP4_ORPHAN]	= NLA_POLICY_MAX(NLA_U8, MIP4_ORPHAN_MAX),
	[IFLA_MIP4_UDP_PORT]	= { .type = NLA_REJECT },
	[IFLA_MIP4_MULTICAST]	= NLA_POLICY_MAX(NLA_U8, MIP4_MULTICAST_MAX),
};

static int mip4_validate(struct nlattr *tb[], struct nlattr *data[],
			 struct netlink_ext_ack *extack)
{
	struct nlattr *attr;

	if (!data)
		return 0;
	attr = data[IFLA_MIP4_LOCAL];
	if (attr && !mip4_addr_ok(nla_get_in_addr(attr))) {
		MIP4_NL_ERR(extack, attr, "local must be a unicast address");
		return -EINVAL;
	}
	attr = data[IFLA_MIP4_GWMAC];
	if (attr && !is_valid_ether_addr(nla_data(attr))) {
		MIP4_NL_ERR(extack, attr, "gateway MAC must be unicast and not zero");
		return -EINVAL;
	}
	attr = data[IFLA_MIP4_TOS];
	if (attr && nla_get_u8(attr) != 1 &&
	    (nla_get_u8(attr) & INET_ECN_MASK)) {
		MIP4_NL_ERR(extack, attr,
			    "TOS must leave the two ECN bits alone, or be 1 to inherit");
		return -EINVAL;
	}
	return 0;
}

/*
 * What bindings were made from can't change under them, and addresses and
 * devices are of the underlay's netns. Context: mip4_dev.lock held.
 */
static int mip4_config_fixed(struct mip4_dev *mip, struct nlattr *data[],
			     struct netlink_ext_ack *extack)
{
	const bool admin = ns_capable(mip->net->user_ns, CAP_NET_ADMIN);
	struct nlattr *attr;

	attr = data[IFLA_MIP4_LOCAL];
	if (attr && nla_get_in_addr(attr) != mip->local) {
		if (!admin) {
			MIP4_NL_ERR(extack, attr,
				    "local needs CAP_NET_ADMIN in the underlay's netns");
			return -EPERM;
		}
		if (mip->count) {
			MIP4_NL_ERR(extack, attr,
				    "local can't change while there are bindings");
			return -EBUSY;
		}
	}
	attr = data[IFLA_MIP4_LINK];
	if (attr && nla_get_u32(attr) != mip->link) {
		if (!admin) {
			MIP4_NL_ERR(extack, attr,
				    "link needs CAP_NET_ADMIN in the underlay's netns");
			return -EPERM;
		}
		if (mip->count) {
			MIP4_NL_ERR(extack, attr,
				    "link can't change while there are bindings");
			return -EBUSY;
		}
	}
	attr = data[IFLA_MIP4_REALM];
	if (attr && nla_get_u32(attr) != mip->realm && mip->count) {
		MIP4_NL_ERR(extack, attr,
			    "realm can't change while there are bindings");
		return -EBUSY;
	}
	return 0;
}

static int mip4_config_link(struct mip4_dev *mip, struct nlattr *attr,
			    struct netlink_ext_ack *extack)
{
	const u32 ifindex = nla_get_u32(attr);
	struct net_device *lower;

	if (!ifindex)
		return 0;
	lower = __dev_get_by_index(mip->net, ifindex);
	if (!lower) {
		MIP4_NL_ERR(extack, attr, "no such underlay device");
		return -ENODEV;
	}
	if (lower == mip->dev) {
		MIP4_NL_ERR(extack, attr, "a device can't be its own underlay");
		return -ELOOP;
	}
	if (netdev_master_upper_dev_get(lower) == mip->dev) {
		MIP4_NL_ERR(extack, attr, "the underlay can't be a port of the same device");
		return -EBUSY;
	}
	return 0;
}

static int mip4_config(struct mip4_dev *mip, struct nlattr *data[],
		       struct netlink_ext_ack *extack)
{
	const u8 old = mip->multicast;
	const u8 multicast = data[IFLA_MIP4_MULTICAST] ?
			     nla_get_u8(data[IFLA_MIP4_MULTICAST]) : old;
	int err;

	if (data[IFLA_MIP4_LINK]) {
		err = mip4_config_link(mip, data[IFLA_MIP4_LINK], extack);
		if (err)
			return err;
	}
	/* to this one takes memory, from it none: so no way back fails */
	if (multicast == MIP4_MULTICAST_REPLICATE) {
		err = mip4_subnet_policy(mip, multicast);
		if (err) {
			MIP4_NL_ERR(extack, data[IFLA_MIP4_MULTICAST],
				    "no room for the table of home prefixes");
			return err;
		}
	}
	/* the last that can fail */
	if (data[IFLA_MIP4_GWMAC]) {
		err = mip4_port_set_gwmac(mip, nla_data(data[IFLA_MIP4_GWMAC]),
					  extack);
		if (err) {
			mip4_subnet_policy(mip, old);
			return err;
		}
	}
	mip4_subnet_policy(mip, multicast);
	if (data[IFLA_MIP4_LINK])
		mip->link = nla_get_u32(data[IFLA_MIP4_LINK]);
	if (data[IFLA_MIP4_LOCAL])
		mip->local = nla_get_in_addr(data[IFLA_MIP4_LOCAL]);
	if (data[IFLA_MIP4_REALM])
		mip->realm = nla_get_u32(data[IFLA_MIP4_REALM]);
	if (data[IFLA_MIP4_ENCAP])
		WRITE_ONCE(mip->encap, nla_get_u8(data[IFLA_MIP4_ENCAP]));
	if (data[IFLA_MIP4_TTL])
		WRITE_ONCE(mip->ttl, nla_get_u8(data[IFLA_MIP4_TTL]));
	if (data[IFLA_MIP4_TOS])
		WRITE_ONCE(mip->tos, nla_get_u8(data[IFLA_MIP4_TOS]));
	if (data[IFLA_MIP4_LIMIT])
		WRITE_ONCE(mip->limit, nla_get_u32(data[IFLA_MIP4_LIMIT]));
	if (data[IFLA_MIP4_ARP])
		WRITE_ONCE(mip->arp, nla_get_u8(data[IFLA_MIP4_ARP]));
	if (data[IFLA_MIP4_MSS])
		WRITE_ONCE(mip->mss, nla_get_u8(data[IFLA_MIP4_MSS]));
	if (data[IFLA_MIP4_GRACE])
		WRITE_ONCE(mip->grace, nla_get_u32(data[IFLA_MIP4_GRACE]));
	if (data[IFLA_MIP4_ORPHAN])
		WRITE_ONCE(mip->orphan, nla_get_u8(data[IFLA_MIP4_ORPHAN]));
	return 0;
}

static int mip4_newlink_common(struct net *net, struct net_device *dev,
			       struct nlattr *data[],
			       struct netlink_ext_ack *extack)
{
	struct mip4_dev *mip = netdev_priv(dev);
	int err;

	if (!data || !data[IFLA_MIP4_LOCAL]) {
		NL_SET_ERR_MSG_MOD(extack, "local address is missing");
		NL_SET_ERR_ATTR_MISS(extack, NULL, IFLA_MIP4_LOCAL);
		return -EINVAL;
	}
	mip->net = net;
	mip->mn = mip4_net(net);
	err = mip4_config(mip, data, extack);
	if (err)
		return err;
	return register_netdevice(dev);
}

MIP4_DEFINE_NEWLINK(mip4_newlink, mip4_newlink_common)

static int mip4_changelink(struct net_device *dev, struct nlattr *tb[],
			   struct nlattr *data[],
			   struct netlink_ext_ack *extack)
{
	struct mip4_dev *mip = netdev_priv(dev);
	int err;

	if (!data)
		return 0;
	/* no binding is made between check and change */
	mutex_lock(&mip->lock);
	err = mip4_config_fixed(mip, data, extack);
	if (!err)
		err = mip4_config(mip, data, extack);
	mutex_unlock(&mip->lock);
	if (!err && data[IFLA_MIP4_GRACE])
		mip4_expire_again(mip);
	return err;
}

static void mip4_dellink(struct net_device *dev, struct list_head *head)
{
	unregister_netdevice_queue(dev, head);
}

static size_t mip4_get_size(const struct net_device *dev)
{
	return 6 * nla_total_size(sizeof(u32)) +	/* LOCAL ... GRACE */
	       7 * nla_total_size(sizeof(u8)) +		/* ENCAP ... MULTICAST */
	       nla_total_size(ETH_ALEN) +		/* GWMAC */
	       nla_total_size(sizeof(u16));		/* UDP_PORT */
}

static int mip4_fill_info(struct sk_buff *skb, const struct net_device *dev)
{
	const struct mip4_dev *mip = netdev_priv(dev);
	u8 gwmac[ETH_ALEN];
	__be16 port;

	if (nla_put_in_addr(skb, IFLA_MIP4_LOCAL, mip->local) ||
	    nla_put_u8(skb, IFLA_MIP4_ENCAP, mip->encap) ||
	    nla_put_u8(skb, IFLA_MIP4_TTL, mip->ttl) ||
	    nla_put_u8(skb, IFLA_MIP4_TOS, mip->tos) ||
	    nla_put_u32(skb, IFLA_MIP4_LINK, mip->link) ||
	    nla_put_u32(skb, IFLA_MIP4_REALM, mip->realm) ||
	    nla_put_u32(skb, IFLA_MIP4_LIMIT, mip->limit) ||
	    nla_put_u8(skb, IFLA_MIP4_ARP, mip->arp) ||
	    nla_put_u8(skb, IFLA_MIP4_MSS, mip->mss) ||
	    nla_put_u32(skb, IFLA_MIP4_GRACE, mip->grace) ||
	    nla_put_u8(skb, IFLA_MIP4_ORPHAN, mip->orphan) ||
	    nla_put_u8(skb, IFLA_MIP4_MULTICAST, mip->multicast))
		return -EMSGSIZE;
	rcu_read_lock();
	port = mip4_udp_port(mip, mip->local);
	rcu_read_unlock();
	if (port && nla_put_u16(skb, IFLA_MIP4_UDP_PORT, ntohs(port)))
		return -EMSGSIZE;
	if (!mip->gwmac)
		return 0;
	u64_to_ether_addr(mip->gwmac, gwmac);
	return nla_put(skb, IFLA_MIP4_GWMAC, ETH_ALEN, gwmac);
}

static struct net *mip4_get_link_net(const struct net_device *dev)
{
	const struct mip4_dev *mip = netdev_priv(dev);

	return mip->net;
}

struct rtnl_link_ops mip4_link_ops __read_mostly = {
	.kind		= MIP4_LINK_KIND,
	.priv_size	= sizeof(struct mip4_dev),
	.setup		= mip4_dev_setup,
	.maxtype	= IFLA_MIP4_MAX,
	.policy		= mip4_link_policy,
	.validate	= mip4_validate,
	.newlink	= mip4_newlink,
	.changelink	= mip4_changelink,
	.dellink	= mip4_dellink,
	.get_size	= mip4_get_size,
	.fill_info	= mip4_fill_info,
	.get_link_net	= mip4_get_link_net,
};
