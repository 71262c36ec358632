// SPDX-License-Identifier: GPL-2.0-only
/* ICMP about our outer packets: path MTU and errors of a peer. */
#include <linux/icmp.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <net/ip.h>
#include <net/route.h>

#include "device.h"
#include "event.h"
#include "minimal.h"
#include "net.h"
#include "outer_icmp.h"
#include "peer.h"

/* RFC 791: no path is narrower, whatever a router claims. */
#define MIP4_MTU_MIN 68U

/*
 * Did it come out of a tunnel of ours? A device has no say about the path
 * between its routers.
 */
static bool mip4_outer_icmp_inner(const struct sk_buff *skb)
{
	const struct net_device *in = skb->dev;

	/* in a VRF that is the VRF */
	if (inet_sdif(skb))
		in = dev_get_by_index_rcu(dev_net(in), inet_sdif(skb));
	return in && mip4_dev_is(in);
}

/* @mtu: that the path has, 0: the error says something else */
static void mip4_outer_icmp_peers(struct sk_buff *skb, struct net *net,
				  const struct mip4_peer_key *key, u32 mtu)
{
	const unsigned int ihl = ip_hdrlen(skb);
	const unsigned int off = ihl + sizeof(struct icmphdr);
	const struct icmphdr *icmph = (void *)(skb->data + ihl);
	const u8 protocol = ((struct iphdr *)(skb->data + off))->protocol;
	struct rhlist_head *list, *pos;
	struct mip4_peer *peer;

	list = rhltable_lookup(&mip4_net(net)->peers, key, mip4_peer_params);
	if (!list || nf_ip_checksum(skb, NF_INET_LOCAL_IN, ihl, IPPROTO_ICMP))
		return;
	rhl_for_each_entry_rcu(peer, pos, list, node) {
		atomic64_inc(&peer->errors);
		if (mtu) {
			__skb_pull(skb, off);
			ipv4_update_pmtu(skb, net, mtu, peer->mip->link,
					 protocol);
			__skb_push(skb, off);
		} else if (icmph->type != ICMP_TIME_EXCEEDED ||
			   protocol != MIP4_IPPROTO_MINIMAL) {
			/* there, TTL is the device's choice: RFC 2004 section 3 */
			mip4_event_peer(peer);
		}
	}
}

/**
 * mip4_outer_icmp() - look at an ICMP packet for us
 * @skb: at LOCAL_IN; stays as it is, for others may want it too
 * @net: underlay
 *
 * Context: RCU.
 */
void mip4_outer_icmp(struct sk_buff *skb, struct net *net)
{
	const unsigned int ihl = ip_hdrlen(skb);
	const unsigned int off = ihl + sizeof(struct icmphdr);
	struct mip4_peer_key key = {};
	const struct icmphdr *icmph;
	const struct iphdr *iph;
	struct icmphdr icmpbuf;
	u32 mtu = 0;

	icmph = skb_header_pointer(skb, ihl, sizeof(icmpbuf), &icmpbuf);
	if (!icmph || mip4_outer_icmp_inner(skb) ||
	    (icmph->type != ICMP_DEST_UNREACH &&
	     icmph->type != ICMP_TIME_EXCEEDED))
		return;
	if (icmph->type == ICMP_DEST_UNREACH && icmph->code == ICMP_FRAG_NEEDED)
		mtu = max_t(u32, ntohs(icmph->un.frag.mtu), MIP4_MTU_MIN);

	/* ipv4_update_pmtu() wants it there; pulling moves no data pointer */
	if (!pskb_may_pull(skb, off + sizeof(*iph)))
		return;
	iph = (const struct iphdr *)(skb->data + off);
	if (iph->version != 4 || iph->frag_off & htons(IP_OFFSET))
		return;
	switch (iph->protocol) {
	case IPPROTO_GRE:
		key.encap = MIP4_ENCAP_GRE;
		break;
	case IPPROTO_IPIP:
		key.encap = MIP4_ENCAP_IPIP;
		break;
	case MIP4_IPPROTO_MINIMAL:
		key.encap = MIP4_ENCAP_MINIMAL;
		break;
	default:
		return;
	}
	key.local = iph->saddr;
	key.remote = iph->daddr;
	mip4_outer_icmp_peers(skb, net, &key, mtu);
	if (iph->protocol == IPPROTO_IPIP) {
		/* what minimal encapsulation couldn't carry */
		key.encap = MIP4_ENCAP_MINIMAL;
		mip4_outer_icmp_peers(skb, net, &key, mtu);
	}
}
