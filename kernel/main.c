// SPDX-License-Identifier: GPL-2.0-only
/* Module "mip4": start, and its exact mirror. */
#include <linux/module.h>
#include <net/rtnetlink.h>

#include "binding.h"
#include "device.h"
#include "leg.h"
#include "minimal.h"
#include "net.h"
#include "netlink.h"
#include "port.h"
#include "receive.h"

static int __init mip4_init(void)
{
	int err = -ENOMEM;

	mip4_wq = alloc_workqueue("mip4", WQ_UNBOUND, 0);
	if (!mip4_wq)
		return err;
	err = mip4_leg_init();
	if (err)
		goto err_wq;
	err = mip4_binding_init();
	if (err)
		goto err_leg;
	err = mip4_net_init();
	if (err)
		goto err_binding;
	err = mip4_port_init();
	if (err)
		goto err_net;
	err = mip4_receive_init();
	if (err) {
		pr_err("the tunnel4 handler of priority -1 is taken\n");
		goto err_port;
	}
	err = mip4_nl_init();
	if (err)
		goto err_receive;
	/* opens the door, so it comes last */
	err = rtnl_link_register(&mip4_link_ops);
	if (err)
		goto err_nl;
	return 0;

err_nl:
	mip4_nl_exit();
err_receive:
	mip4_receive_exit();
err_port:
	mip4_port_exit();
err_net:
	mip4_net_exit();
err_binding:
	mip4_binding_exit();
err_leg:
	mip4_leg_exit();
err_wq:
	destroy_workqueue(mip4_wq);
	return err;
}

static void __exit mip4_exit(void)
{
	/* the family is still there to tell which bindings went. Devices go a
	 * grace period after their hooks, so no packet is in those either.
	 */
	rtnl_link_unregister(&mip4_link_ops);
	mip4_nl_exit();
	mip4_receive_exit();
	mip4_minimal_exit();
	mip4_port_exit();
	mip4_net_exit();
	/* freed objects wait until here */
	rcu_barrier();
	mip4_binding_exit();
	mip4_leg_exit();
	destroy_workqueue(mip4_wq);
}

module_init(mip4_init);
module_exit(mip4_exit);

MODULE_DESCRIPTION("IPv4 mobility: bindings of home agents and access routers");
MODULE_AUTHOR("The mip4 authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(MIP4_VERSION);
MODULE_ALIAS_RTNL_LINK(MIP4_LINK_KIND);
MODULE_ALIAS_GENL_FAMILY(MIP4_GENL_NAME);
