/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_STATS_H
#define _MIP4_STATS_H

#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>
#include <linux/mip4.h>

struct mip4_binding;
struct mip4_dev;
struct net_device;
struct rtnl_link_stats64;

#define MIP4_DROP_ENUM(name, text) MIP4_DROP_##name,
enum mip4_drop {
	MIP4_DROP_REASONS(MIP4_DROP_ENUM)
	__MIP4_DROP_MAX
};

/* Per CPU and device; written with bottom halves off. */
struct mip4_drops {
	u64_stats_t count[__MIP4_DROP_MAX];
	struct u64_stats_sync syncp;
};

extern const struct ethtool_ops mip4_ethtool_ops;

void mip4_count_drop(struct mip4_dev *mip, struct mip4_binding *b,
		     enum mip4_drop reason);
void mip4_drop(struct mip4_dev *mip, struct mip4_binding *b,
	       struct sk_buff *skb, enum mip4_drop reason);
void mip4_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *tot);

#endif /* _MIP4_STATS_H */
