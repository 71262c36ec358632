// SPDX-License-Identifier: GPL-2.0-only
/*
 * Minimal encapsulation, RFC 2004: no second IPv4 header, but a short one that
 * keeps what the first one loses. TTL, TOS, identification and DF stay the
 * packet's own, so hops and congestion marks of the tunnel show inside.
 */
#include <linux/icmp.h>
#include <linux/mutex.h>
#include <net/checksum.h>
#include <net/icmp.h>
#include <net/ip_tunnels.h>
#include <net/protocol.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "binding.h"
#include "device.h"
#include "leg.h"
#include "minimal.h"
#include "net.h"
#include "peer.h"
#include "receive.h"
#include "stats.h"

#define MIP4_MINIMAL_SHORT	offsetof(struct mip4_minimal_hdr, saddr)

/**
 * mip4_minimal_fits() - may a packet go by minimal encapsulation?
 * @skb: starts at its IPv4 or IPv6 header
 * @mtu: of the path
 *
 * What has to be cut on the way mustn't: its identification is unique among
 * the packets of its device, not among those between two routers (RFC 6864
 * section 4), so fragments of two devices could be joined.
 *
 * Return: whether it may.
 */
bool mip4_minimal_fits(const struct sk_buff *skb, unsigned int mtu)
{
	const struct iphdr *iph = ip_hdr(skb);

	return mip4_minimal_carries(skb) &&
	       (iph->frag_off & htons(IP_DF) ||
		skb->len + sizeof(struct mip4_minimal_hdr) <= mtu);
}

/**
 * mip4_minimal_xmit() - encapsulate and send
 * @skb: starts at its IPv4 header, which mip4_minimal_carries(); no GSO, with
 *	 room in front; consumed
 * @leg: where to
 * @rt: route of outer packets, its reference is consumed
 *
 * Context: bottom halves off, RCU.
 */
void mip4_minimal_xmit(struct sk_buff *skb, struct mip4_leg *leg,
		       struct rtable *rt)
{
	const struct iphdr inner = *ip_hdr(skb);
	struct mip4_dev *mip = leg->binding->mip;
	const unsigned int len = skb->len;
	enum mip4_drop reason;
	struct mip4_minimal_hdr *mh;
	unsigned int hlen;
	struct iphdr *iph;
	int err;

	/* who sends without a router in between may have left none */
	if (unlikely(!inner.ttl)) {
		reason = MIP4_DROP_TTL;
		goto drop;
	}
	/* hardware would look for the transport header in the wrong place */
	if (skb->ip_summed == CHECKSUM_PARTIAL && skb_checksum_help(skb)) {
		reason = MIP4_DROP_NO_MEMORY;
		goto drop;
	}
	skb->ip_summed = CHECKSUM_NONE;
	skb->encapsulation = 0;
	skb_scrub_packet(skb, !net_eq(mip->net, dev_net(mip->dev)));
	skb_clear_hash_if_not_l4(skb);
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	skb_dst_set(skb, &rt->dst);

	hlen = inner.saddr == leg->key.local ? MIP4_MINIMAL_SHORT : sizeof(*mh);
	__skb_pull(skb, sizeof(inner));
	mh = skb_push(skb, hlen);
	mh->protocol = inner.protocol;
	mh->flags = 0;
	mh->check = 0;
	mh->daddr = inner.daddr;
	if (hlen == sizeof(*mh)) {
		mh->flags = MIP4_MINIMAL_SOURCE;
		mh->saddr = inner.saddr;
	}
	mh->check = ip_compute_csum(mh, hlen);
	skb_reset_transport_header(skb);

	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	*iph = inner;
	iph->protocol = MIP4_IPPROTO_MINIMAL;
	iph->saddr = leg->key.local;
	iph->daddr = leg->key.peer;
	/* sets length and checksum */
	err = ip_local_out(dev_net(rt->dst.dev), NULL, skb);
	iptunnel_xmit_stats(mip->dev, net_xmit_eval(err) ? 0 : len);
	return;

drop:
	mip4_drop(mip, leg->binding, skb, reason);
	ip_rt_put(rt);
}

/* A device that has that peer, to account for what fits none of its legs. */
static struct mip4_dev *mip4_minimal_device(struct mip4_net *mn,
					    const struct sk_buff *skb)
{
	const struct mip4_peer_key key = {
		.local = ip_hdr(skb)->daddr,
		.remote = ip_hdr(skb)->saddr,
		.encap = MIP4_ENCAP_MINIMAL,
	};
	struct rhlist_head *list, *pos;
	struct mip4_peer *peer;

	list = rhltable_lookup(&mn->peers, &key, mip4_peer_params);
	rhl_for_each_entry_rcu(peer, pos, list, node) {
		if (mip4_receive_link(peer->mip, skb))
			return peer->mip;
	}
	return NULL;
}

/* Make the original header of both: the forwarding header is gone then. */
static bool mip4_minimal_restore(struct sk_buff *skb, unsigned int hlen,
				 const struct iphdr *inner)
{
	const unsigned int ihl = ip_hdrlen(skb);
	struct iphdr *iph;

	/* somebody may look at the same bytes */
	if (skb_cow_head(skb, 0))
		return false;
	skb_pull_rcsum(skb, hlen);
	/* a valid IPv4 header adds nothing to a CHECKSUM_COMPLETE */
	memmove(__skb_push(skb, ihl), ip_hdr(skb), ihl);
	skb_reset_network_header(skb);
	iph = ip_hdr(skb);
	iph->tot_len = htons(ntohs(iph->tot_len) - hlen);
	iph->protocol = inner->protocol;
	iph->saddr = inner->saddr;
	iph->daddr = inner->daddr;
	ip_send_check(iph);
	return true;
}

/*
 * Nobody else gets protocol 55, so what no leg wants ends here: as wrong, if
 * it comes from a peer, else as where nobody knows the protocol.
 */
static int mip4_minimal_receive(struct sk_buff *skb)
{
	struct mip4_net *mn = mip4_net(dev_net(skb->dev));
	const struct mip4_minimal_hdr *mh;
	unsigned int hlen = MIP4_MINIMAL_SHORT;
	struct mip4_demux_key key = {
		.local = ip_hdr(skb)->daddr,
		.peer = ip_hdr(skb)->saddr,
		.encap = MIP4_ENCAP_MINIMAL,
	};
	struct iphdr inner = { .saddr = ip_hdr(skb)->saddr };
	struct mip4_leg *leg = NULL, *other;
	struct mip4_dev *mip = NULL;
	enum mip4_drop reason;

	reason = MIP4_DROP_BAD_INNER;
	if (!pskb_may_pull(skb, hlen))
		goto drop;
	mh = (const struct mip4_minimal_hdr *)skb->data;
	if (mh->flags & MIP4_MINIMAL_SOURCE) {
		hlen = sizeof(*mh);
		if (!pskb_may_pull(skb, hlen))
			goto drop;
		mh = (const struct mip4_minimal_hdr *)skb->data;
		inner.saddr = mh->saddr;
	}
	/* or neither address can be believed */
	reason = MIP4_DROP_BAD_CHECKSUM;
	if (ip_compute_csum(mh, hlen))
		goto drop;
	inner.protocol = mh->protocol;
	inner.daddr = mh->daddr;
	reason = MIP4_DROP_INNER_ADDRESS;
	leg = mip4_leg_demux(mn, &key, &inner, &other);
	if (!leg || !mip4_receive_link(leg->binding->mip, skb)) {
		leg = NULL;
		goto drop;
	}
	mip = leg->binding->mip;
	reason = MIP4_DROP_POLICY;
	if (!xfrm4_policy_check(NULL, XFRM_POLICY_IN, skb))
		goto drop;
	reason = MIP4_DROP_NO_MEMORY;
	if (!mip4_minimal_restore(skb, hlen, &inner))
		goto drop;
	mip4_receive(skb, leg, htons(ETH_P_IP), 0, key.flags & MIP4_DEMUX_BACK);
	return 0;

drop:
	if (!leg)
		mip = mip4_minimal_device(mn, skb);
	if (mip) {
		mip4_drop(mip, leg ? leg->binding : NULL, skb, reason);
		return 0;
	}
	if (xfrm4_policy_check(NULL, XFRM_POLICY_IN, skb))
		icmp_send(skb, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0);
	kfree_skb(skb);
	return 0;
}

/* ICMP about what we sent: see mip4_outer_icmp(), which is at a hook. */
static const struct net_protocol mip4_minimal_protocol = {
	.handler	= mip4_minimal_receive,
	.no_policy	= 1,
};

static DEFINE_MUTEX(mip4_minimal_lock);
static bool mip4_minimal_claimed;	/* mip4_minimal_lock */

/**
 * mip4_minimal_claim() - take IP protocol 55, before the first leg needs it
 *
 * Context: process. There is one owner of a protocol in a kernel: ours it stays
 * until the module goes.
 *
 * Return: 0, or -EBUSY where it is another's.
 */
int mip4_minimal_claim(void)
{
	int err = 0;

	mutex_lock(&mip4_minimal_lock);
	if (!mip4_minimal_claimed) {
		if (inet_add_protocol(&mip4_minimal_protocol,
				      MIP4_IPPROTO_MINIMAL))
			err = -EBUSY;
		else
			mip4_minimal_claimed = true;
	}
	mutex_unlock(&mip4_minimal_lock);
	return err;
}

/**
 * mip4_minimal_exit() - give protocol 55 back, if we have it
 *
 * Context: process, without legs that need it; no packet is in the handler
 * afterwards.
 */
void mip4_minimal_exit(void)
{
	mutex_lock(&mip4_minimal_lock);
	if (mip4_minimal_claimed)
		inet_del_protocol(&mip4_minimal_protocol, MIP4_IPPROTO_MINIMAL);
	mip4_minimal_claimed = false;
	mutex_unlock(&mip4_minimal_lock);
}
