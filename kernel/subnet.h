/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_SUBNET_H
#define _MIP4_SUBNET_H

#include <linux/rhashtable.h>
#include <linux/skbuff.h>

struct mip4_binding;
struct mip4_dev;

#define MIP4_SUBNET_MAX		256	/* members that get copies */

struct mip4_subnet_key {
	__be32 prefix;
	u32 plen;
};

/*
 * The routed bindings of one home prefix, on a link that replicates; none of
 * this exists on others. Found under RCU; members change in place under
 * mip4_dev.lock, and who walks them then may miss one or see one twice. Freed a
 * grace period after it was replaced by a larger one or lost its last member.
 */
struct mip4_subnet {
	struct rhash_head node;		/* mip4_dev.subnets */
	struct mip4_subnet_key key;
	u32 n;				/* READ_ONCE */
	u32 max;
	struct rcu_head rcu;
	struct mip4_binding __rcu *member[];
};

extern const struct rhashtable_params mip4_subnet_params;

int mip4_subnet_join(struct mip4_binding *b, u8 plen);
void mip4_subnet_leave(struct mip4_binding *b);
int mip4_subnet_policy(struct mip4_dev *mip, u8 multicast);
void mip4_subnet_copy(struct sk_buff *skb, struct mip4_binding *from);
bool mip4_subnet_xmit(struct sk_buff *skb, struct mip4_dev *mip);

#endif /* _MIP4_SUBNET_H */
