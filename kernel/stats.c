// SPDX-License-Identifier: GPL-2.0-only
/* Drop counters of a device, by reason, and what ethtool -S shows of them. */
#include <linux/ethtool.h>
#include <linux/ip.h>
#include <linux/netdevice.h>

#include "binding.h"
#include "device.h"
#include "stats.h"
#include "trace.h"

#define MIP4_DROP_NAME(name, text) "drop_" text,
static const char mip4_drop_names[][ETH_GSTRING_LEN] = {
	MIP4_DROP_REASONS(MIP4_DROP_NAME)
};

/* What "ip -s link" shows as TX drops; the rest are RX drops. */
static const u32 mip4_drop_tx = BIT(MIP4_DROP_NO_BINDING) |
				BIT(MIP4_DROP_TOO_BIG) |
				BIT(MIP4_DROP_NO_ROUTE) |
				BIT(MIP4_DROP_LOOP) |
				BIT(MIP4_DROP_NO_MEMORY) |
				BIT(MIP4_DROP_PORT_DOWN) |
				BIT(MIP4_DROP_NO_LEG) |
				BIT(MIP4_DROP_NO_SOCKET);

/*
 * What skb:kfree_skb and drop monitor show: the kernel's own reason where it
 * means the same. A module can't add reasons to the kernel's.
 */
static const u8 mip4_drop_core[__MIP4_DROP_MAX] = {
	[MIP4_DROP_BAD_INNER]		= SKB_DROP_REASON_IP_INHDR,
	[MIP4_DROP_BAD_CHECKSUM]	= SKB_DROP_REASON_SKB_CSUM,
	[MIP4_DROP_POLICY]		= SKB_DROP_REASON_XFRM_POLICY,
	[MIP4_DROP_TOO_BIG]		= SKB_DROP_REASON_PKT_TOO_BIG,
	[MIP4_DROP_NO_ROUTE]		= SKB_DROP_REASON_IP_OUTNOROUTES,
	[MIP4_DROP_NO_MEMORY]		= SKB_DROP_REASON_NOMEM,
	[MIP4_DROP_PORT_DOWN]		= SKB_DROP_REASON_DEV_READY,
	[MIP4_DROP_PROTOCOL]		= SKB_DROP_REASON_UNHANDLED_PROTO,
};

/**
 * mip4_count_drop() - account for one dropped packet
 * @mip: device that dropped it
 * @b: binding it belonged to, or NULL
 * @reason: why
 *
 * Context: bottom halves off.
 */
void mip4_count_drop(struct mip4_dev *mip, struct mip4_binding *b,
		     enum mip4_drop reason)
{
	struct mip4_drops *drops = this_cpu_ptr(mip->drops);

	u64_stats_update_begin(&drops->syncp);
	u64_stats_inc(&drops->count[reason]);
	u64_stats_update_end(&drops->syncp);
	if (b)
		atomic64_inc(&b->drops);
}

static void mip4_trace_drop(const struct mip4_dev *mip,
			    const struct mip4_binding *b,
			    const struct sk_buff *skb, enum mip4_drop reason)
{
	const struct iphdr *iph = NULL;
	struct iphdr buf = {};

	if (skb->protocol == htons(ETH_P_IP))
		iph = skb_header_pointer(skb, skb_network_offset(skb),
					 sizeof(buf), &buf);
	trace_mip4_drop(mip->dev, b ? b->id : 0, skb, iph ?: &buf, reason);
}

/**
 * mip4_drop() - drop a packet and account for it
 * @mip: device that drops it
 * @b: binding it belonged to, or NULL
 * @skb: packet, consumed
 * @reason: why
 *
 * Context: bottom halves off.
 */
void mip4_drop(struct mip4_dev *mip, struct mip4_binding *b,
	       struct sk_buff *skb, enum mip4_drop reason)
{
	mip4_count_drop(mip, b, reason);
	if (trace_mip4_drop_enabled())
		mip4_trace_drop(mip, b, skb, reason);
	kfree_skb_reason(skb, mip4_drop_core[reason] ?:
			      SKB_DROP_REASON_NOT_SPECIFIED);
}

static void mip4_sum_drops(struct mip4_dev *mip, u64 *sum)
{
	int cpu, i;

	memset(sum, 0, sizeof(*sum) * __MIP4_DROP_MAX);
	for_each_possible_cpu(cpu) {
		struct mip4_drops *drops = per_cpu_ptr(mip->drops, cpu);

		for (i = 0; i < __MIP4_DROP_MAX; i++) {
			unsigned int start;
			u64 count;

			do {
				start = u64_stats_fetch_begin(&drops->syncp);
				count = u64_stats_read(&drops->count[i]);
			} while (u64_stats_fetch_retry(&drops->syncp, start));
			sum[i] += count;
		}
	}
}

/**
 * mip4_get_stats64() - .ndo_get_stats64
 * @dev: mip4 device
 * @tot: filled in
 */
void mip4_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *tot)
{
	u64 sum[__MIP4_DROP_MAX];
	int i;

	dev_get_tstats64(dev, tot);
	mip4_sum_drops(netdev_priv(dev), sum);
	for (i = 0; i < __MIP4_DROP_MAX; i++) {
		if (mip4_drop_tx & BIT(i))
			tot->tx_dropped += sum[i];
		else
			tot->rx_dropped += sum[i];
	}
}

static void mip4_get_drvinfo(struct net_device *dev,
			     struct ethtool_drvinfo *info)
{
	strscpy(info->driver, MIP4_LINK_KIND, sizeof(info->driver));
	strscpy(info->version, MIP4_VERSION, sizeof(info->version));
}

static int mip4_get_sset_count(struct net_device *dev, int sset)
{
	return sset == ETH_SS_STATS ? __MIP4_DROP_MAX : -EOPNOTSUPP;
}

static void mip4_get_strings(struct net_device *dev, u32 sset, u8 *data)
{
	if (sset == ETH_SS_STATS)
		memcpy(data, mip4_drop_names, sizeof(mip4_drop_names));
}

static void mip4_get_ethtool_stats(struct net_device *dev,
				   struct ethtool_stats *stats, u64 *data)
{
	mip4_sum_drops(netdev_priv(dev), data);
}

const struct ethtool_ops mip4_ethtool_ops = {
	.get_drvinfo		= mip4_get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_sset_count		= mip4_get_sset_count,
	.get_strings		= mip4_get_strings,
	.get_ethtool_stats	= mip4_get_ethtool_stats,
};
