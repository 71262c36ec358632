// SPDX-License-Identifier: GPL-2.0-only
/*
 * One bug of each kind that a debug kernel has a catcher for, by parameter
 * what=. The guests use it to see that their catchers catch.
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <net/net_namespace.h>

static char *what = "nothing";
module_param(what, charp, 0);

static LIST_HEAD(list);
static DEFINE_SPINLOCK(lock);

/* kmemleak */
static noinline int leak(void)
{
	return kzalloc(64, GFP_KERNEL) ? 0 : -ENOMEM;
}

/* KASAN */
static noinline int use_after_free(void)
{
	char *p = kzalloc(64, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	kfree(p);
	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(p[8], 1);
	return 0;
}

/* KASAN */
static noinline int out_of_bounds(void)
{
	char *p = kzalloc(60, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(p[60], 1);
	kfree(p);
	return 0;
}

/* DEBUG_LIST */
static noinline int list_twice(void)
{
	LIST_HEAD(entry);

	list_add(&entry, &list);
	list_del(&entry);
	list_del(&entry);
	return 0;
}

/* refcount_t */
static noinline int refcount(void)
{
	refcount_t count = REFCOUNT_INIT(1);

	refcount_dec(&count);
	return 0;
}

/* PROVE_RCU_LIST */
static noinline int rcu(void)
{
	struct task_struct *p;

	list_for_each_entry_rcu(p, &list, tasks)
		pr_info("%p\n", p);
	return 0;
}

/* DEBUG_ATOMIC_SLEEP */
static noinline int atomic_sleep(void)
{
	spin_lock(&lock);
	might_sleep();
	spin_unlock(&lock);
	return 0;
}

/* PROVE_LOCKING */
static noinline int lock_order(void)
{
	static DEFINE_SPINLOCK(a);
	static DEFINE_SPINLOCK(b);

	spin_lock(&a);
	spin_lock(&b);
	spin_unlock(&b);
	spin_unlock(&a);
	spin_lock(&b);
	spin_lock(&a);
	spin_unlock(&a);
	spin_unlock(&b);
	return 0;
}

static void ends(struct timer_list *timer)
{
}

/* DEBUG_OBJECTS_FREE, DEBUG_OBJECTS_TIMERS */
static noinline int timer(void)
{
	struct timer_list *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	timer_setup(t, ends, 0);
	mod_timer(t, jiffies + HZ);
	kfree(t);
	return 0;
}

/* NET_DEV_REFCNT_TRACKER; of a device that was never registered, or all wait */
static noinline int dev_reference(void)
{
	netdevice_tracker tracker;
	struct net_device *dev;

	dev = alloc_netdev(0, "catch", NET_NAME_UNKNOWN, ether_setup);
	if (!dev)
		return -ENOMEM;
	netdev_hold(dev, &tracker, GFP_KERNEL);
	free_netdev(dev);
	return 0;
}

/* NET_NS_REFCNT_TRACKER; put by another name, or the netns would never end */
static noinline int net_reference(void)
{
	struct net *net = current->nsproxy->net_ns;
	netns_tracker tracker;

	get_net_track(net, &tracker, GFP_KERNEL);
	put_net(net);
	return 0;
}

/* UBSAN */
static noinline int shift(void)
{
	int n = 40;

	OPTIMIZER_HIDE_VAR(n);
	WRITE_ONCE(n, 1 << n);
	return 0;
}

/* UBSAN_BOUNDS; what is read is there */
static noinline int bounds(void)
{
	static struct {
		int within[4];
		int behind[2];
	} v;
	/* one beyond the end isn't wrong for an address, which READ_ONCE() takes */
	int i = ARRAY_SIZE(v.within) + 1;

	OPTIMIZER_HIDE_VAR(i);
	return READ_ONCE(v.within[i]);
}

static void ended(struct rcu_head *head)
{
}

/* DEBUG_OBJECTS_RCU_HEAD */
static noinline int rcu_twice(void)
{
	static struct rcu_head head;

	call_rcu(&head, ended);
	call_rcu(&head, ended);
	rcu_barrier();
	return 0;
}

/* DEBUG_NET */
static noinline int no_mac_header(void)
{
	struct sk_buff *skb = alloc_skb(64, GFP_KERNEL);

	if (!skb)
		return -ENOMEM;
	WRITE_ONCE(*(u8 *)skb->cb, !skb_mac_header(skb));
	kfree_skb(skb);
	return 0;
}

static const struct {
	const char *name;
	int (*plant)(void);
} bugs[] = {
	{ "leak", leak },
	{ "use-after-free", use_after_free },
	{ "out-of-bounds", out_of_bounds },
	{ "list", list_twice },
	{ "refcount", refcount },
	{ "rcu", rcu },
	{ "atomic-sleep", atomic_sleep },
	{ "lock-order", lock_order },
	{ "timer", timer },
	{ "dev-reference", dev_reference },
	{ "net-reference", net_reference },
	{ "shift", shift },
	{ "bounds", bounds },
	{ "rcu-twice", rcu_twice },
	{ "no-mac-header", no_mac_header },
};

static int __init catch_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++)
		if (!strcmp(what, bugs[i].name))
			return bugs[i].plant();
	return -EINVAL;
}

static void __exit catch_exit(void)
{
}

module_init(catch_init);
module_exit(catch_exit);
MODULE_DESCRIPTION("bugs for the catchers of debug kernels");
MODULE_LICENSE("GPL");
