// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic netlink family "mip4": the family, and the commands for peers and
 * ports. Documentation/netlink/specs/mip4.yaml describes the same.
 */
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/genetlink.h>

#include "device.h"
#include "expire.h"
#include "net.h"
#include "netlink.h"
#include "peer.h"
#include "port.h"
#include "udp.h"

/* .internal_flags: the command names a device, mip4_nl_pre() finds it */
#define MIP4_NL_NEEDS_DEV	BIT(0)

static const struct nla_policy mip4_nl_port_policy[MIP4_PORT_A_MAX + 1] = {
	[MIP4_PORT_A_IFINDEX]	= NLA_POLICY_MIN(NLA_U32, 1),
	[MIP4_PORT_A_UNKNOWN]	= NLA_POLICY_MAX(NLA_U8, MIP4_UNKNOWN_MAX),
	[MIP4_PORT_A_MODE]	= NLA_POLICY_MAX(NLA_U8, MIP4_PORT_MODE_MAX),
};

static const struct nla_policy mip4_nl_bindings_policy[MIP4_A_ALL + 1] = {
	[MIP4_A_IFINDEX]	= NLA_POLICY_MIN(NLA_U32, 1),
	[MIP4_A_BINDING]	= NLA_POLICY_NESTED(mip4_nl_binding_policy),
};

static const struct nla_policy mip4_nl_flush_policy[MIP4_A_ALL + 1] = {
	[MIP4_A_IFINDEX]	= NLA_POLICY_MIN(NLA_U32, 1),
	[MIP4_A_BINDING]	= NLA_POLICY_NESTED(mip4_nl_binding_policy),
	[MIP4_A_ALL]		= { .type = NLA_FLAG },
};

static const struct nla_policy mip4_nl_ports_policy[MIP4_A_PORT + 1] = {
	[MIP4_A_IFINDEX]	= NLA_POLICY_MIN(NLA_U32, 1),
	[MIP4_A_PORT]		= NLA_POLICY_NESTED(mip4_nl_port_policy),
};

static const struct nla_policy mip4_nl_ifindex_policy[MIP4_A_IFINDEX + 1] = {
	[MIP4_A_IFINDEX]	= NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct nla_policy mip4_nl_socket_policy[MIP4_A_SOCKET_FD + 1] = {
	[MIP4_A_IFINDEX]	= NLA_POLICY_MIN(NLA_U32, 1),
	[MIP4_A_SOCKET_FD]	= { .type = NLA_U32 },
};

/* The mip4 device with the smallest ifindex from @ifindex on, held, or NULL. */
static struct net_device *mip4_nl_next_dev(struct net *net, int ifindex)
{
	struct net_device *dev, *next = NULL;

	rcu_read_lock();
	for_each_netdev_rcu(net, dev) {
		if (mip4_dev_is(dev) && dev->ifindex >= ifindex &&
		    (!next || dev->ifindex < next->ifindex))
			next = dev;
	}
	dev_hold(next);
	rcu_read_unlock();
	return next;
}

/* The device a message names, held, or an ERR_PTR(). */
static struct net_device *mip4_nl_dev(struct net *net, struct nlattr *attr,
				      struct netlink_ext_ack *extack)
{
	struct net_device *dev = dev_get_by_index(net, nla_get_u32(attr));

	if (!dev) {
		MIP4_NL_ERR(extack, attr, "no such device");
		return ERR_PTR(-ENODEV);
	}
	if (!mip4_dev_is(dev)) {
		MIP4_NL_ERR(extack, attr, "not a mip4 device");
		dev_put(dev);
		return ERR_PTR(-EOPNOTSUPP);
	}
	return dev;
}

static int mip4_nl_pre(const struct mip4_genl_ops *ops, struct sk_buff *skb,
		       struct genl_info *info)
{
	struct net_device *dev;
	struct mip4_dev *mip;

	if (!(ops->internal_flags & MIP4_NL_NEEDS_DEV))
		return 0;
	if (!info->attrs[MIP4_A_IFINDEX]) {
		NL_SET_ERR_MSG_MOD(info->extack, "IFINDEX of the mip4 device is missing");
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, MIP4_A_IFINDEX);
		return -EINVAL;
	}
	dev = mip4_nl_dev(genl_info_net(info), info->attrs[MIP4_A_IFINDEX],
			  info->extack);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	mip = netdev_priv(dev);
	if (mip4_nl_listens(mip, MIP4_NL_BINDINGS) &&
	    mip4_nl_admin(skb, dev_net(dev)))
		WRITE_ONCE(mip->heard, true);
	info->user_ptr[0] = mip;
	return 0;
}

static void mip4_nl_post(const struct mip4_genl_ops *ops, struct sk_buff *skb,
			 struct genl_info *info)
{
	struct mip4_dev *mip = info->user_ptr[0];

	if (ops->internal_flags & MIP4_NL_NEEDS_DEV)
		dev_put(mip->dev);
}

static int mip4_nl_version_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg;
	void *hdr;

	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	hdr = genlmsg_put_reply(msg, info, &mip4_nl_family, 0,
				MIP4_CMD_VERSION_GET);
	if (!hdr || nla_put_string(msg, MIP4_A_VERSION, MIP4_VERSION)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}

static int mip4_nl_fill_peer(struct sk_buff *skb, struct mip4_peer *peer)
{
	const u32 mtu = READ_ONCE(peer->mtu);
	enum mip4_unreachable unreachable;
	struct nlattr *nest;
	unsigned long at;

	unreachable = mip4_peer_unreachable(peer, &at);
	nest = nla_nest_start(skb, MIP4_A_PEER);
	if (!nest ||
	    nla_put_in_addr(skb, MIP4_PEER_A_LOCAL, peer->key.local) ||
	    nla_put_in_addr(skb, MIP4_PEER_A_PEER, peer->key.remote) ||
	    nla_put_u8(skb, MIP4_PEER_A_ENCAP, peer->key.encap) ||
	    (peer->key.port && nla_put_u16(skb, MIP4_PEER_A_PEER_PORT,
					   ntohs(peer->key.port))) ||
	    nla_put_u32(skb, MIP4_PEER_A_LEGS, READ_ONCE(peer->legs)) ||
	    (mtu && nla_put_u32(skb, MIP4_PEER_A_MTU, mtu)) ||
	    nla_put_u64_64bit(skb, MIP4_PEER_A_ERRORS,
			      atomic64_read(&peer->errors), MIP4_PEER_A_PAD) ||
	    (peer->key.encap == MIP4_ENCAP_MINIMAL &&
	     nla_put_u64_64bit(skb, MIP4_PEER_A_FALLBACKS,
			       atomic64_read(&peer->fallbacks),
			       MIP4_PEER_A_PAD)) ||
	    (unreachable &&
	     (nla_put_u8(skb, MIP4_PEER_A_UNREACHABLE, unreachable) ||
	      nla_put_u64_64bit(skb, MIP4_PEER_A_UNREACHABLE_MS,
				jiffies_to_msecs(jiffies - at),
				MIP4_PEER_A_PAD))))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int mip4_nl_fill_port(struct sk_buff *skb, struct mip4_port *port)
{
	struct nlattr *nest;

	nest = nla_nest_start(skb, MIP4_A_PORT);
	if (!nest ||
	    nla_put_u32(skb, MIP4_PORT_A_IFINDEX, port->dev->ifindex) ||
	    nla_put_u8(skb, MIP4_PORT_A_MODE, port->mode) ||
	    nla_put_u8(skb, MIP4_PORT_A_UNKNOWN, READ_ONCE(port->unknown)) ||
	    nla_put_u32(skb, MIP4_PORT_A_BINDINGS, port->bindings) ||
	    nla_put_u32(skb, MIP4_PORT_A_HELD, READ_ONCE(port->hold.frames)) ||
	    nla_put_u64_64bit(skb, MIP4_PORT_A_UNKNOWN_FRAMES,
			      atomic64_read(&port->unknown_frames),
			      MIP4_PORT_A_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * mip4_nl_dump() - dump objects of one or all mip4 devices of a netns
 * @skb: message to fill
 * @cb: state: args[0] is the ifindex and args[1] the object to go on with
 * @one: dumps those of one device from args[1] on; 0 when done, -EMSGSIZE when
 *	 the message is full
 *
 * Return: what a .dumpit returns.
 */
int mip4_nl_dump(struct sk_buff *skb, struct netlink_callback *cb,
		 mip4_nl_dump_fn *one)
{
	struct nlattr *attr = mip4_dump_attrs(cb)[MIP4_A_IFINDEX];
	struct net *net = sock_net(cb->skb->sk);
	struct net_device *dev;
	int err;

	if (attr) {
		if (cb->args[0])
			return skb->len;
		dev = mip4_nl_dev(net, attr, cb->extack);
		if (IS_ERR(dev))
			return PTR_ERR(dev);
		err = one(skb, cb, netdev_priv(dev));
		if (!err)
			cb->args[0] = 1;
		dev_put(dev);
		goto out;
	}
	err = 0;
	while (!err && (dev = mip4_nl_next_dev(net, cb->args[0]))) {
		if (dev->ifindex != cb->args[0]) {
			cb->args[0] = dev->ifindex;
			cb->args[1] = 0;
		}
		err = one(skb, cb, netdev_priv(dev));
		if (!err) {
			cb->args[0] = dev->ifindex + 1;
			cb->args[1] = 0;
		}
		dev_put(dev);
	}
out:
	/* a full message is what ends a part of a dump */
	if (err && err != -EMSGSIZE)
		return err;
	return skb->len;
}

/**
 * mip4_nl_dump_put() - start one object of a dump
 * @skb: message
 * @cb: state
 * @mip: device of the object
 * @cmd: command that returns such objects
 *
 * Return: header for genlmsg_end() and _cancel(), or NULL when the message is
 * full.
 */
void *mip4_nl_dump_put(struct sk_buff *skb, struct netlink_callback *cb,
		       struct mip4_dev *mip, u8 cmd)
{
	void *hdr;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &mip4_nl_family, NLM_F_MULTI, cmd);
	if (hdr && nla_put_u32(skb, MIP4_A_IFINDEX, mip->dev->ifindex)) {
		genlmsg_cancel(skb, hdr);
		return NULL;
	}
	return hdr;
}

static int mip4_nl_dump_peers(struct sk_buff *skb, struct netlink_callback *cb,
			      struct mip4_dev *mip)
{
	struct mip4_peer *peer;
	unsigned long id;
	int err = 0;
	void *hdr;

	rcu_read_lock();
	xa_for_each_start(&mip->peers, id, peer, cb->args[1]) {
		cb->args[1] = id;
		hdr = mip4_nl_dump_put(skb, cb, mip, MIP4_CMD_PEER_GET);
		if (!hdr || mip4_nl_fill_peer(skb, peer)) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			err = -EMSGSIZE;
			break;
		}
		genlmsg_end(skb, hdr);
	}
	rcu_read_unlock();
	return err;
}

static int mip4_nl_peer_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return mip4_nl_dump(skb, cb, mip4_nl_dump_peers);
}

static int mip4_nl_dump_ports(struct sk_buff *skb, struct netlink_callback *cb,
			      struct mip4_dev *mip)
{
	struct mip4_port *port;
	unsigned long ifindex;
	int err = 0;
	void *hdr;

	mutex_lock(&mip->lock);
	xa_for_each_start(&mip->ports, ifindex, port, cb->args[1]) {
		cb->args[1] = ifindex;
		hdr = mip4_nl_dump_put(skb, cb, mip, MIP4_CMD_PORT_GET);
		if (!hdr || mip4_nl_fill_port(skb, port)) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			err = -EMSGSIZE;
			break;
		}
		genlmsg_end(skb, hdr);
	}
	mutex_unlock(&mip->lock);
	return err;
}

static int mip4_nl_port_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nlattr *attr = mip4_dump_attrs(cb)[MIP4_A_PORT];

	if (attr) {
		MIP4_NL_ERR(cb->extack, attr, "a dump lists all ports: PORT selects none");
		return -EINVAL;
	}
	return mip4_nl_dump(skb, cb, mip4_nl_dump_ports);
}

/*
 * Find the port that a message names, and its mip4 device, locked and held.
 * A port has one master, so the message need not name that.
 */
static struct mip4_port *mip4_nl_port_lock(struct genl_info *info,
					   struct nlattr **tb)
{
	struct net_device *port_dev, *dev = NULL;
	struct nlattr *attr = info->attrs[MIP4_A_PORT];
	struct mip4_port *port;
	struct mip4_dev *mip;
	int err;

	if (!attr) {
		NL_SET_ERR_MSG_MOD(info->extack, "PORT is missing");
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, MIP4_A_PORT);
		return ERR_PTR(-EINVAL);
	}
	err = nla_parse_nested(tb, MIP4_PORT_A_MAX, attr, mip4_nl_port_policy,
			       info->extack);
	if (err)
		return ERR_PTR(err);
	if (!tb[MIP4_PORT_A_IFINDEX]) {
		MIP4_NL_ERR(info->extack, attr, "IFINDEX of the port is missing");
		return ERR_PTR(-EINVAL);
	}
	attr = tb[MIP4_PORT_A_IFINDEX];

	rcu_read_lock();
	port_dev = dev_get_by_index_rcu(genl_info_net(info), nla_get_u32(attr));
	if (port_dev)
		dev = netdev_master_upper_dev_get_rcu(port_dev);
	if (dev && !mip4_dev_is(dev))
		dev = NULL;
	dev_hold(dev);
	rcu_read_unlock();
	if (!dev)
		goto err_none;
	mip = netdev_priv(dev);
	if (info->attrs[MIP4_A_IFINDEX] &&
	    nla_get_u32(info->attrs[MIP4_A_IFINDEX]) != dev->ifindex) {
		MIP4_NL_ERR(info->extack, attr, "the port belongs to another mip4 device");
		dev_put(dev);
		return ERR_PTR(-ENODEV);
	}
	mutex_lock(&mip->lock);
	port = mip4_port_find(mip, nla_get_u32(attr));
	if (port)
		return port;
	mutex_unlock(&mip->lock);
	dev_put(dev);
err_none:
	MIP4_NL_ERR(info->extack, attr, "not a port of any mip4 device");
	return ERR_PTR(-ENODEV);
}

static void mip4_nl_port_unlock(struct mip4_dev *mip)
{
	mutex_unlock(&mip->lock);
	dev_put(mip->dev);
}

static int mip4_nl_port_get(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[MIP4_PORT_A_MAX + 1];
	struct mip4_port *port;
	struct mip4_dev *mip;
	struct sk_buff *msg;
	int err = -EMSGSIZE;
	void *hdr;

	port = mip4_nl_port_lock(info, tb);
	if (IS_ERR(port))
		return PTR_ERR(port);
	mip = port->mip;
	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg) {
		mip4_nl_port_unlock(mip);
		return -ENOMEM;
	}
	hdr = genlmsg_put_reply(msg, info, &mip4_nl_family, 0,
				MIP4_CMD_PORT_GET);
	if (hdr && !nla_put_u32(msg, MIP4_A_IFINDEX, mip->dev->ifindex))
		err = mip4_nl_fill_port(msg, port);
	mip4_nl_port_unlock(mip);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}

static int mip4_nl_port_set(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[MIP4_PORT_A_MAX + 1];
	struct mip4_port *port;
	int err = 0;

	/* for what a port of another mode listens to */
	rtnl_lock();
	port = mip4_nl_port_lock(info, tb);
	if (IS_ERR(port)) {
		rtnl_unlock();
		return PTR_ERR(port);
	}
	/* the one that can fail */
	if (tb[MIP4_PORT_A_MODE])
		err = mip4_port_set_mode(port, nla_get_u8(tb[MIP4_PORT_A_MODE]),
					 tb[MIP4_PORT_A_MODE], info->extack);
	if (!err && tb[MIP4_PORT_A_UNKNOWN])
		WRITE_ONCE(port->unknown, nla_get_u8(tb[MIP4_PORT_A_UNKNOWN]));
	mip4_nl_port_unlock(port->mip);
	rtnl_unlock();
	return err;
}

static int mip4_nl_socket_set(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[MIP4_A_SOCKET_FD];
	struct mip4_dev *mip = info->user_ptr[0];
	struct socket *sock;
	int err;

	if (!attr) {
		mip4_udp_detach(mip);
		return 0;
	}
	sock = sockfd_lookup(nla_get_u32(attr), &err);
	if (!sock) {
		MIP4_NL_ERR(info->extack, attr, "not an open socket");
		return err;
	}
	err = mip4_udp_attach(mip, sock, attr, info->extack);
	sockfd_put(sock);
	return err;
}

/* Shorthand for per-command policies; lists and gets need no privilege. */
#define MIP4_NL_OP(_cmd, _policy)				\
	.cmd = _cmd,						\
	.policy = _policy,					\
	.maxattr = ARRAY_SIZE(_policy) - 1

static const struct genl_ops mip4_nl_ops[] = {
	{
		MIP4_NL_OP(MIP4_CMD_VERSION_GET, mip4_nl_ifindex_policy),
		.doit		= mip4_nl_version_get,
	}, {
		MIP4_NL_OP(MIP4_CMD_BINDING_NEW, mip4_nl_bindings_policy),
		.doit		= mip4_nl_binding_new,
		.flags		= GENL_UNS_ADMIN_PERM,
		.internal_flags	= MIP4_NL_NEEDS_DEV,
	}, {
		MIP4_NL_OP(MIP4_CMD_BINDING_SET, mip4_nl_bindings_policy),
		.doit		= mip4_nl_binding_set,
		.flags		= GENL_UNS_ADMIN_PERM,
		.internal_flags	= MIP4_NL_NEEDS_DEV,
	}, {
		MIP4_NL_OP(MIP4_CMD_BINDING_DEL, mip4_nl_bindings_policy),
		.doit		= mip4_nl_binding_del,
		.flags		= GENL_UNS_ADMIN_PERM,
		.internal_flags	= MIP4_NL_NEEDS_DEV,
	}, {
		MIP4_NL_OP(MIP4_CMD_BINDING_GET, mip4_nl_bindings_policy),
		.doit		= mip4_nl_binding_get,
		.dumpit		= mip4_nl_binding_dump,
		.internal_flags	= MIP4_NL_NEEDS_DEV,
	}, {
		MIP4_NL_OP(MIP4_CMD_BINDING_FLUSH, mip4_nl_flush_policy),
		.doit		= mip4_nl_binding_flush,
		.flags		= GENL_UNS_ADMIN_PERM,
		.internal_flags	= MIP4_NL_NEEDS_DEV,
	}, {
		MIP4_NL_OP(MIP4_CMD_PEER_GET, mip4_nl_ifindex_policy),
		.dumpit		= mip4_nl_peer_dump,
	}, {
		MIP4_NL_OP(MIP4_CMD_PORT_GET, mip4_nl_ports_policy),
		.doit		= mip4_nl_port_get,
		.dumpit		= mip4_nl_port_dump,
	}, {
		MIP4_NL_OP(MIP4_CMD_PORT_SET, mip4_nl_ports_policy),
		.doit		= mip4_nl_port_set,
		.flags		= GENL_UNS_ADMIN_PERM,
	}, {
		MIP4_NL_OP(MIP4_CMD_SOCKET_SET, mip4_nl_socket_policy),
		.doit		= mip4_nl_socket_set,
		.flags		= GENL_UNS_ADMIN_PERM,
		.internal_flags	= MIP4_NL_NEEDS_DEV,
	},
};

static const struct genl_multicast_group mip4_nl_groups[] = {
	[MIP4_NL_BINDINGS]	= { .name = MIP4_MCGRP_BINDINGS, MIP4_MCGRP_ADMIN },
	[MIP4_NL_EVENTS]	= { .name = MIP4_MCGRP_EVENTS, MIP4_MCGRP_ADMIN },
};

struct genl_family mip4_nl_family __ro_after_init = {
	.name		= MIP4_GENL_NAME,
	.version	= MIP4_GENL_VERSION,
	.maxattr	= MIP4_A_MAX,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= mip4_nl_ops,
	.n_ops		= ARRAY_SIZE(mip4_nl_ops),
	.mcgrps		= mip4_nl_groups,
	.n_mcgrps	= ARRAY_SIZE(mip4_nl_groups),
	.pre_doit	= mip4_nl_pre,
	.post_doit	= mip4_nl_post,
};

/* A socket closed: was it the last that listened to our bindings? */
static int mip4_nl_event(struct notifier_block *nb, unsigned long event,
			 void *ptr)
{
	const struct netlink_notify *notify = ptr;
	struct net_device *dev;
	struct mip4_dev *mip;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;
	rcu_read_lock();
	for_each_netdev_rcu(notify->net, dev) {
		if (!mip4_dev_is(dev))
			continue;
		mip = netdev_priv(dev);
		if (!READ_ONCE(mip->heard) ||
		    mip4_nl_listens(mip, MIP4_NL_BINDINGS))
			continue;
		WRITE_ONCE(mip->heard, false);
		if (READ_ONCE(mip->orphan) == MIP4_ORPHAN_FLUSH)
			mip4_expire_orphans(mip);
	}
	rcu_read_unlock();
	return NOTIFY_DONE;
}

static struct notifier_block mip4_nl_nb = {
	.notifier_call = mip4_nl_event,
};

/**
 * mip4_nl_init() - register the generic netlink family
 *
 * Context: module load; requests may come from here on.
 *
 * Return: 0 or a negative error.
 */
int __init mip4_nl_init(void)
{
	int err;

	err = netlink_register_notifier(&mip4_nl_nb);
	if (err)
		return err;
	err = genl_register_family(&mip4_nl_family);
	if (err)
		netlink_unregister_notifier(&mip4_nl_nb);
	return err;
}

/**
 * mip4_nl_exit() - undo mip4_nl_init()
 *
 * Context: module unload.
 */
void mip4_nl_exit(void)
{
	genl_unregister_family(&mip4_nl_family);
	netlink_unregister_notifier(&mip4_nl_nb);
}
