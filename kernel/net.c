// SPDX-License-Identifier: GPL-2.0-only
/* Underlay network namespaces: tables, receive hook, teardown. */
#include <linux/rtnetlink.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "device.h"
#include "leg.h"
#include "net.h"
#include "peer.h"
#include "receive.h"

static unsigned int mip4_net_id __read_mostly;

/**
 * mip4_net() - our part of a netns
 * @net: any netns
 *
 * Return: it, never NULL while the module is loaded.
 */
struct mip4_net *mip4_net(const struct net *net)
{
	return net_generic(net, mip4_net_id);
}

/**
 * mip4_net_add() - add a device to its underlay netns
 * @mip: device
 *
 * The first device brings the receive hook along. Context: RTNL.
 *
 * Return: 0 or a negative error.
 */
int mip4_net_add(struct mip4_dev *mip)
{
	ASSERT_RTNL();
	if (list_empty(&mip->mn->devs)) {
		int err = mip4_receive_hook(mip->net);

		if (err)
			return err;
	}
	list_add_tail(&mip->node, &mip->mn->devs);
	return 0;
}

/**
 * mip4_net_del() - undo mip4_net_add()
 * @mip: device
 *
 * The hook may still run until the next grace period. Context: RTNL.
 */
void mip4_net_del(struct mip4_dev *mip)
{
	ASSERT_RTNL();
	list_del(&mip->node);
	if (list_empty(&mip->mn->devs))
		mip4_receive_unhook(mip->net);
}

static int __net_init mip4_net_start(struct net *net)
{
	struct mip4_net *mn = mip4_net(net);
	int err;

	INIT_LIST_HEAD(&mn->devs);
	mutex_init(&mn->lock);
	mutex_init(&mn->udp_lock);
	err = rhltable_init(&mn->demux, &mip4_demux_params);
	if (err)
		return err;
	err = rhltable_init(&mn->peers, &mip4_peer_params);
	if (err)
		goto err_demux;
	err = rhltable_init(&mn->prefixes, &mip4_shared_prefix_params);
	if (err)
		goto err_peers;
	return 0;

err_peers:
	rhltable_destroy(&mn->peers);
err_demux:
	rhltable_destroy(&mn->demux);
	return err;
}

static void __net_exit mip4_net_stop(struct net *net)
{
	struct mip4_net *mn = mip4_net(net);

	rhltable_destroy(&mn->demux);
	rhltable_destroy(&mn->peers);
	rhltable_destroy(&mn->prefixes);
	mutex_destroy(&mn->udp_lock);
	mutex_destroy(&mn->lock);
}

/*
 * Packets look into the tables as long as the netns has any netdev, so these
 * go with its subsystems: after all netdevs, of ours or not.
 */
static struct pernet_operations mip4_net_ops = {
	.init	= mip4_net_start,
	.exit	= mip4_net_stop,
	.id	= &mip4_net_id,
	.size	= sizeof(struct mip4_net),
};

/* Devices die with their underlay, wherever they are themselves. */
static void __net_exit mip4_net_kill_devs(struct list_head *nets)
{
	struct mip4_dev *mip;
	struct mip4_net *mn;
	struct net *net;
	LIST_HEAD(kill);

	rtnl_lock();
	list_for_each_entry(net, nets, exit_list) {
		mn = mip4_net(net);
		list_for_each_entry(mip, &mn->devs, node)
			unregister_netdevice_queue(mip->dev, &kill);
	}
	unregister_netdevice_many(&kill);
	rtnl_unlock();
}

static struct pernet_operations mip4_net_dev_ops = {
	.exit_batch	= mip4_net_kill_devs,
};

/**
 * mip4_net_init() - have struct mip4_net in every netns
 *
 * Context: module load, before any device.
 *
 * Return: 0 or a negative error.
 */
int __init mip4_net_init(void)
{
	int err;

	err = register_pernet_subsys(&mip4_net_ops);
	if (err)
		return err;
	err = register_pernet_device(&mip4_net_dev_ops);
	if (err)
		unregister_pernet_subsys(&mip4_net_ops);
	return err;
}

/**
 * mip4_net_exit() - undo mip4_net_init()
 *
 * Context: module unload, after the last device.
 */
void mip4_net_exit(void)
{
	unregister_pernet_device(&mip4_net_dev_ops);
	unregister_pernet_subsys(&mip4_net_ops);
}
