// SPDX-License-Identifier: GPL-2.0-only
/* Inner packets in pieces, where the stack doesn't come to cut them. */
#include <linux/local_lock.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/route.h>

#include "fragment.h"

/* Where ip_do_fragment() puts pieces. Bottom halves off is enough but for RT. */
struct mip4_cut {
	local_lock_t lock;
	struct sk_buff_head *pieces;
};

static DEFINE_PER_CPU(struct mip4_cut, mip4_cut) = {
	.lock = INIT_LOCAL_LOCK(lock),
};

static int mip4_piece(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	skb_dst_drop(skb);
	__skb_queue_tail(this_cpu_read(mip4_cut.pieces), skb);
	return 0;
}

static noinline_for_stack int mip4_fragment_one(struct sk_buff *skb,
						struct net_device *dev,
						unsigned int mtu,
						struct sk_buff_head *pieces)
{
	/* who cuts asks it for the device, and for no longer than that */
	struct rtable rt = { .dst.dev = dev };
	int err;

	dst_init_metrics(&rt.dst, dst_default_metrics.metrics, true);
	/* options that only the first piece has are taken out of it later */
	if (skb_ensure_writable(skb, ip_hdrlen(skb))) {
		kfree_skb(skb);
		return -ENOMEM;
	}
	/* who may say how long its own options are isn't always the stack */
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	IPCB(skb)->opt.optlen = ip_hdrlen(skb) - sizeof(struct iphdr);
	IPCB(skb)->frag_max_size = mtu;
	skb_dst_drop(skb);
	skb_dst_set_noref(skb, &rt.dst);
	local_lock_nested_bh(&mip4_cut.lock);
	__this_cpu_write(mip4_cut.pieces, pieces);
	err = ip_do_fragment(dev_net(dev), NULL, skb, mip4_piece);
	local_unlock_nested_bh(&mip4_cut.lock);
	return err;
}

/**
 * mip4_fragment() - cut what may be cut into pieces that pass
 * @skb: starts at its IPv4 header, without DF; GSO is segmented first; consumed
 * @dev: by which the pieces will leave
 * @mtu: the largest piece, no more than that of @dev
 * @pieces: empty list for them
 *
 * Context: bottom halves off, RCU.
 *
 * Return: 0 or a negative error, @pieces empty then.
 */
int mip4_fragment(struct sk_buff *skb, struct net_device *dev, unsigned int mtu,
		  struct sk_buff_head *pieces)
{
	struct sk_buff *segs = skb, *next;
	int err = 0;

	if (skb_is_gso(skb)) {
		skb_reset_mac_header(skb);
		skb_reset_mac_len(skb);
		segs = skb_gso_segment(skb, 0);
		if (IS_ERR_OR_NULL(segs)) {
			kfree_skb(skb);
			return segs ? PTR_ERR(segs) : -EINVAL;
		}
		consume_skb(skb);
	}
	skb_list_walk_safe(segs, skb, next) {
		skb_mark_not_on_list(skb);
		if (err)
			kfree_skb(skb);
		else if (skb->len > mtu)
			err = mip4_fragment_one(skb, dev, mtu, pieces);
		else
			__skb_queue_tail(pieces, skb);
	}
	/* part of a packet is of no use */
	if (err)
		__skb_queue_purge(pieces);
	return err;
}
