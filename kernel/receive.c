// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the tunnel. GRE comes through a LOCAL_IN hook because its one protocol
 * slot belongs to ip_gre, IP-in-IP through tunnel4's list ahead of ipip. What
 * isn't ours is passed on exactly as it came.
 */
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/ipv6.h>
#include <net/xfrm.h>

#include "binding.h"
#include "device.h"
#include "downlink.h"
#include "encap.h"
#include "ip6.h"
#include "leg.h"
#include "legs.h"
#include "mss.h"
#include "net.h"
#include "outer_icmp.h"
#include "peer.h"
#include "receive.h"
#include "stats.h"
#include "subnet.h"
#include "trace.h"
#include "xmit.h"

/**
 * mip4_receive_link() - does a device take packets that come in there?
 * @mip: device; with an underlay device it takes those of that only
 * @skb: outer packet
 *
 * Return: whether it does.
 */
bool mip4_receive_link(const struct mip4_dev *mip, const struct sk_buff *skb)
{
	const u32 link = READ_ONCE(mip->link);

	return !link || link == skb->dev->ifindex || link == inet_iif(skb) ||
	       link == inet_sdif(skb);
}

/*
 * Check the inner header, cut what an Ethernet on the way has padded, and say
 * where the transport header is: sizes of GSO segments count from there.
 */
static bool mip4_receive_inner(struct sk_buff *skb)
{
	const struct iphdr *iph;
	unsigned int len;

	if (unlikely(mip4_is_ip6(skb)))
		return mip4_ip6_header(skb);
	if (!pskb_may_pull(skb, sizeof(*iph)))
		return false;
	iph = ip_hdr(skb);
	if (iph->version != 4 || iph->ihl < 5 ||
	    !pskb_may_pull(skb, iph->ihl * 4))
		return false;
	iph = ip_hdr(skb);
	len = ntohs(iph->tot_len);
	if (len < iph->ihl * 4 || len > skb->len ||
	    ip_fast_csum(iph, iph->ihl) || pskb_trim_rcsum(skb, len))
		return false;
	skb_set_transport_header(skb, ip_hdr(skb)->ihl * 4);
	return true;
}

/*
 * Multicast or broadcast that the link drops. To all of a home link is that
 * towards a device only: on the way up a home agent's stack knows what it is.
 */
static bool mip4_receive_refuses(const struct sk_buff *skb,
				 const struct mip4_binding *b)
{
	const __be32 daddr = ip_hdr(skb)->daddr;

	if (unlikely(mip4_is_ip6(skb)))
		return ipv6_addr_is_multicast(&ipv6_hdr(skb)->daddr);
	if (READ_ONCE(b->mip->multicast) != MIP4_MULTICAST_DROP)
		return false;
	return mip4_binding_served(b) ? mip4_binding_group(b, daddr) :
	       ipv4_is_multicast(daddr) || ipv4_is_lbcast(daddr);
}

/*
 * Has GRO looked at the inner packet already? It sees through these tunnels
 * where they come in by a device that does it, and not through IPsec.
 */
static bool mip4_receive_seen(const struct sk_buff *skb,
			      const struct mip4_leg *leg)
{
	return skb->dev->features & NETIF_F_GRO && !secpath_exists(skb) &&
	       (leg->key.encap == MIP4_ENCAP_GRE ||
		leg->key.encap == MIP4_ENCAP_IPIP);
}

/*
 * Is there something left to merge? Cells cost two thirds of forwarding a
 * packet, and of these GRO passes on each as it came, UDP unless ethtool asks
 * for more. Never by anything that differs within a flow, which keeps to one
 * way and so to its order.
 */
static bool mip4_receive_merges(const struct sk_buff *skb,
				const struct net_device *dev, bool seen)
{
	switch (mip4_is_ip6(skb) ? ipv6_hdr(skb)->nexthdr :
				   ip_hdr(skb)->protocol) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return false;
	case IPPROTO_TCP:
		return !seen;
	case IPPROTO_UDP:
		return dev->features &
		       (NETIF_F_GRO_FRAGLIST | NETIF_F_GRO_UDP_FWD);
	default:
		return true;
	}
}

/* Packets being received on a CPU, each but the first out of another one. */
static DEFINE_PER_CPU(unsigned int, mip4_receive_depth);

/*
 * To the stack. That is entered right here unless it has led here: tunnels in
 * tunnels take turns instead of stack. Context: bottom halves off.
 */
static void mip4_receive_deliver(struct mip4_dev *mip, struct sk_buff *skb,
				 bool seen)
{
	if (mip4_receive_merges(skb, mip->dev, seen)) {
		gro_cells_receive(&mip->gro, skb);
		return;
	}
	if (this_cpu_inc_return(mip4_receive_depth) == 1)
		netif_receive_skb(skb);
	else
		netif_rx(skb);
	this_cpu_dec(mip4_receive_depth);
}

/*
 * For the others of a home link. The stack gets it as well, but knows no home
 * prefix of ours, whose last address it would route back to us. Return: is it
 * done with?
 */
static bool mip4_receive_group(struct sk_buff *skb, struct mip4_binding *b)
{
	const __be32 daddr = ip_hdr(skb)->daddr;

	mip4_subnet_copy(skb, b);
	if (ipv4_is_multicast(daddr) || ipv4_is_lbcast(daddr))
		return false;
	consume_skb(skb);
	return true;
}

/**
 * mip4_receive() - decapsulate and deliver
 * @skb: outer IPv4 header at the network header, @hlen bytes before the inner
 *	 one at skb->data; consumed
 * @leg: whose it is
 * @proto: ethertype of the inner header
 * @hlen: length of the tunnel header at skb->data
 * @back: whether a router that a device has left sends it back
 *
 * Context: bottom halves off, RCU.
 */
void mip4_receive(struct sk_buff *skb, struct mip4_leg *leg, __be16 proto,
		  unsigned int hlen, bool back)
{
	const struct iphdr outer = { .tos = ip_hdr(skb)->tos };
	const bool seen = mip4_receive_seen(skb, leg);
	struct mip4_binding *b = leg->binding;
	struct mip4_dev *mip = b->mip;
	enum mip4_drop reason;

	if (unlikely(!netif_running(mip->dev))) {
		reason = MIP4_DROP_PORT_DOWN;
		goto drop;
	}
	if (iptunnel_pull_header(skb, hlen, proto,
				 !net_eq(mip->net, dev_net(mip->dev)))) {
		reason = MIP4_DROP_NO_MEMORY;
		goto drop;
	}
	skb_reset_network_header(skb);
	skb_reset_mac_header(skb);
	skb_reset_mac_len(skb);
	if (!mip4_receive_inner(skb)) {
		reason = MIP4_DROP_BAD_INNER;
		goto drop;
	}
	if (unlikely(mip4_receive_refuses(skb, b))) {
		reason = MIP4_DROP_MULTICAST;
		goto drop;
	}
	if (IP_ECN_decapsulate(&outer, skb) > 1) {
		reason = MIP4_DROP_ECN;
		goto drop;
	}
	if (READ_ONCE(mip->mss)) {
		const u32 mtu = READ_ONCE(leg->peer->mtu) ?: ETH_DATA_LEN;

		mip4_mss_clamp(skb, mtu - min(mtu, mip4_leg_overhead(leg)));
	}
	mip4_peer_heard(leg->peer);
	skb->dev = mip->dev;
	dev_sw_netstats_rx_add(mip->dev, skb->len);
	if (mip4_binding_served(b)) {
		mip4_downlink(skb, leg);
		return;
	}
	if (unlikely(back)) {
		mip4_returned(skb, leg);
		return;
	}
	if (mip4_spare_ttl(skb, mip, rcu_access_pointer(mip->home) ? b : NULL)) {
		reason = MIP4_DROP_NO_MEMORY;
		goto drop;
	}
	mip4_binding_up(b, skb);
	mip4_binding_seen(b);
	if (unlikely(READ_ONCE(mip->multicast) == MIP4_MULTICAST_REPLICATE &&
		     !mip4_is_ip6(skb) &&
		     mip4_binding_group(b, ip_hdr(skb)->daddr)) &&
	    mip4_receive_group(skb, b))
		return;
	mip4_receive_deliver(mip, skb, seen);
	return;

drop:
	mip4_drop(mip, b, skb, reason);
}

union mip4_receive_hdr {
	struct iphdr ip;
	struct ipv6hdr ip6;
};

static struct mip4_leg *mip4_receive_demux(struct mip4_net *mn,
					   struct mip4_demux_key *key,
					   __be16 proto,
					   const union mip4_receive_hdr *inner,
					   struct mip4_leg **other)
{
	if (likely(proto == htons(ETH_P_IP)))
		return mip4_leg_demux(mn, key, &inner->ip, other);
	return mip4_leg_demux6(mn, key, &inner->ip6, other);
}

static void mip4_receive_miss(const struct sk_buff *skb,
			      const struct mip4_demux_key *key, __be16 proto,
			      const union mip4_receive_hdr *inner)
{
	static const struct iphdr none;

	trace_mip4_miss(skb, key, proto == htons(ETH_P_IP) ? &inner->ip :
							     &none);
}

static unsigned int mip4_gre_receive(struct sk_buff *skb, struct net *net)
{
	const union mip4_receive_hdr *inner;
	const struct iphdr *iph = ip_hdr(skb);
	const unsigned int ihl = iph->ihl * 4;
	const struct mip4_gre_base *base;
	struct mip4_demux_key key = {
		.local = iph->daddr,
		.peer = iph->saddr,
		.encap = MIP4_ENCAP_GRE,
	};
	struct mip4_leg *leg, *other;
	union mip4_receive_hdr ibuf = {};
	struct mip4_gre_base bbuf;
	enum mip4_drop reason;
	unsigned int hlen;
	__be16 proto;
	bool csum;

	base = skb_header_pointer(skb, ihl, sizeof(bbuf), &bbuf);
	if (!base || base->flags & MIP4_GRE_REFUSED)
		return NF_ACCEPT;
	proto = base->proto;
	if (proto != htons(ETH_P_IP) && proto != htons(ETH_P_IPV6))
		return NF_ACCEPT;
	hlen = sizeof(*base);
	csum = !!(base->flags & MIP4_GRE_CSUM);
	if (csum)
		hlen += 4;
	if (base->flags & MIP4_GRE_KEY) {
		const __be32 *kp;
		__be32 kbuf;

		kp = skb_header_pointer(skb, ihl + hlen, sizeof(kbuf), &kbuf);
		if (!kp)
			return NF_ACCEPT;
		key.key = *kp;
		key.flags = MIP4_DEMUX_KEYED;
		hlen += 4;
	}
	if (base->flags & MIP4_GRE_SEQ)
		hlen += 4;
	inner = skb_header_pointer(skb, ihl + hlen,
				   proto == htons(ETH_P_IP) ?
				   sizeof(ibuf.ip) : sizeof(ibuf.ip6), &ibuf);
	if (!inner && !(key.flags & MIP4_DEMUX_KEYED))
		return NF_ACCEPT;

	leg = mip4_receive_demux(mip4_net(net), &key, proto, inner ?: &ibuf,
				 &other);
	if (!leg && !other) {
		mip4_receive_miss(skb, &key, proto, inner ?: &ibuf);
		return NF_ACCEPT;
	}
	if (!mip4_receive_link((leg ?: other)->binding->mip, skb))
		return NF_ACCEPT;

	/* ours from here on */
	if (!leg || !inner) {
		reason = inner ? MIP4_DROP_INNER_ADDRESS : MIP4_DROP_BAD_INNER;
		leg = leg ?: other;
		goto drop;
	}
	/* RFC 2784 section 3.1: it would come back */
	if (unlikely(proto == htons(ETH_P_IP) &&
		     inner->ip.daddr == iph->saddr)) {
		reason = MIP4_DROP_LOOP;
		goto drop;
	}
	/* the core would have asked after us */
	if (!xfrm4_policy_check(NULL, XFRM_POLICY_IN, skb)) {
		reason = MIP4_DROP_POLICY;
		goto drop;
	}
	__skb_pull(skb, ihl);
	skb_reset_transport_header(skb);
	if (csum) {
		if (skb_checksum_simple_validate(skb)) {
			reason = MIP4_DROP_BAD_CHECKSUM;
			goto drop;
		}
		skb_checksum_try_convert(skb, IPPROTO_GRE, null_compute_pseudo);
	}
	mip4_receive(skb, leg, proto, hlen, key.flags & MIP4_DEMUX_BACK);
	return NF_STOLEN;

drop:
	mip4_drop(leg->binding->mip,
		  reason == MIP4_DROP_INNER_ADDRESS ? NULL : leg->binding, skb,
		  reason);
	return NF_STOLEN;
}

static unsigned int mip4_local_in(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	const u8 protocol = ip_hdr(skb)->protocol;
	unsigned int verdict = NF_ACCEPT;

	if (likely(protocol != IPPROTO_GRE && protocol != IPPROTO_ICMP))
		return NF_ACCEPT;
	/* what NFQUEUE held comes from the process that gave the verdict */
	local_bh_disable();
	if (protocol == IPPROTO_GRE)
		verdict = mip4_gre_receive(skb, state->net);
	else
		mip4_outer_icmp(skb, state->net);
	local_bh_enable();
	return verdict;
}

/*
 * After filter and NAT, so that INPUT rules hold for us as for a protocol
 * handler, and just before conntrack confirms what we then take away.
 */
static const struct nf_hook_ops mip4_hook_ops = {
	.hook		= mip4_local_in,
	.pf		= NFPROTO_IPV4,
	.hooknum	= NF_INET_LOCAL_IN,
	.priority	= NF_IP_PRI_CONNTRACK_CONFIRM - 1,
};

/**
 * mip4_receive_hook() - receive GRE and ICMP about tunnels in a netns
 * @net: underlay
 *
 * Return: 0 or a negative error.
 */
int mip4_receive_hook(struct net *net)
{
	return nf_register_net_hook(net, &mip4_hook_ops);
}

/**
 * mip4_receive_unhook() - undo mip4_receive_hook()
 * @net: underlay
 *
 * The hook may still run until the next grace period.
 */
void mip4_receive_unhook(struct net *net)
{
	nf_unregister_net_hook(net, &mip4_hook_ops);
}

/* Non-zero passes the packet on to ipip, sit and the rest. */
static int mip4_ip_receive(struct sk_buff *skb, __be16 proto)
{
	/* tunnel4 has pulled it */
	const union mip4_receive_hdr *inner = (const void *)skb->data;
	struct mip4_net *mn = mip4_net(dev_net(skb->dev));
	const struct iphdr *iph = ip_hdr(skb);
	struct mip4_demux_key key = {
		.local = iph->daddr,
		.peer = iph->saddr,
		.encap = MIP4_ENCAP_IPIP,
	};
	struct mip4_leg *leg, *other;

	leg = mip4_receive_demux(mn, &key, proto, inner, &other);
	if (!leg) {
		/* RFC 2004 section 3: what minimal encapsulation can't carry */
		key.encap = MIP4_ENCAP_MINIMAL;
		leg = mip4_receive_demux(mn, &key, proto, inner, &other);
	}
	if (!leg) {
		mip4_receive_miss(skb, &key, proto, inner);
		return -ENOENT;
	}
	if (!mip4_receive_link(leg->binding->mip, skb))
		return -ENOENT;
	if (!xfrm4_policy_check(NULL, XFRM_POLICY_IN, skb)) {
		mip4_drop(leg->binding->mip, leg->binding, skb,
			  MIP4_DROP_POLICY);
		return 0;
	}
	mip4_receive(skb, leg, proto, 0, key.flags & MIP4_DEMUX_BACK);
	return 0;
}

static int mip4_ipip_receive(struct sk_buff *skb)
{
	return mip4_ip_receive(skb, htons(ETH_P_IP));
}

static int mip4_ip6ip_receive(struct sk_buff *skb)
{
	return mip4_ip_receive(skb, htons(ETH_P_IPV6));
}

/* The hook sees ICMP about all of them. */
static int mip4_ipip_err(struct sk_buff *skb, u32 info)
{
	return -ENOENT;
}

static struct xfrm_tunnel mip4_ipip_handler __read_mostly = {
	.handler	= mip4_ipip_receive,
	.err_handler	= mip4_ipip_err,
	.priority	= -1,
};

/* Protocol 41, ahead of sit. */
static struct xfrm_tunnel mip4_ip6ip_handler __read_mostly = {
	.handler	= mip4_ip6ip_receive,
	.err_handler	= mip4_ipip_err,
	.priority	= -1,
};

/**
 * mip4_receive_init() - take IP-in-IP; GRE is a matter of each netns
 *
 * Context: module load.
 *
 * Return: 0 or a negative error.
 */
int __init mip4_receive_init(void)
{
	int err;

	err = xfrm4_tunnel_register(&mip4_ipip_handler, AF_INET);
	if (err)
		return err;
	err = xfrm4_tunnel_register(&mip4_ip6ip_handler, AF_INET6);
	if (err)
		xfrm4_tunnel_deregister(&mip4_ipip_handler, AF_INET);
	return err;
}

/**
 * mip4_receive_exit() - undo mip4_receive_init()
 *
 * Context: module unload; no packet is in the module's handler afterwards.
 */
void mip4_receive_exit(void)
{
	xfrm4_tunnel_deregister(&mip4_ip6ip_handler, AF_INET6);
	xfrm4_tunnel_deregister(&mip4_ipip_handler, AF_INET);
}
