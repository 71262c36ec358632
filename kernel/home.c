// SPDX-License-Identifier: GPL-2.0-only
/*
 * A real home link. The prefix is routed to the mip4 device: what is for a
 * device that is away goes into its tunnel, the rest out of the port of mode
 * home. That port answers ARP for who is away (RFC 5944 section 4.6); all else
 * that comes from there is the stack's, which forwards it as any router does.
 */
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <net/arp.h>
#include <net/route.h>

#include "arp.h"
#include "binding.h"
#include "device.h"
#include "encap.h"
#include "fragment.h"
#include "home.h"
#include "port.h"
#include "stats.h"
#include "xmit.h"

/**
 * mip4_home_rx() - look at a frame from the home link
 * @skb: frame, not shared
 * @port: of mode home
 *
 * Context: softirq, RCU.
 *
 * Return: what an rx_handler returns.
 */
rx_handler_result_t mip4_home_rx(struct sk_buff *skb, struct mip4_port *port)
{
	struct mip4_dev *mip = port->mip;

	if (unlikely(!netif_running(mip->dev) ||
		     (skb_vlan_tag_present(skb) && skb_vlan_tag_get_id(skb))))
		return RX_HANDLER_PASS;
	switch (skb->protocol) {
	case htons(ETH_P_ARP):
		if (mip4_arp_proxy(skb, port))
			return RX_HANDLER_CONSUMED;
		break;
	case htons(ETH_P_IP):
		if (skb->pkt_type != PACKET_HOST ||
		    !pskb_may_pull(skb, sizeof(struct iphdr)))
			break;
		if (mip4_spare_ttl(skb, mip, NULL)) {
			mip4_drop(mip, NULL, skb, MIP4_DROP_NO_MEMORY);
			return RX_HANDLER_CONSUMED;
		}
		break;
	}
	return RX_HANDLER_PASS;
}

/*
 * A packet that waits for its neighbour's MAC leaves by a neighbour that is
 * looked up anew, by the packet's route: by mip0, without a link header. Its
 * route is also what tells the sender when nobody answers.
 */
static void mip4_home_reroute(struct sk_buff *skb, struct net_device *dev)
{
	struct flowi4 fl4 = {
		.daddr = ip_hdr(skb)->daddr,
		.flowi4_oif = dev->ifindex,
	};
	struct rtable *rt = ip_route_output_key(dev_net(dev), &fl4);

	skb_dst_drop(skb);
	if (IS_ERR(rt))
		return;
	/* of the routes by this link one by a gateway may be all there is */
	if (rt->rt_uses_gateway)
		ip_rt_put(rt);
	else
		skb_dst_set(skb, &rt->dst);
}

static void mip4_home_emit(struct sk_buff *skb, struct mip4_dev *mip,
			   struct net_device *dev)
{
	struct neighbour *neigh;

	if (skb_cow_head(skb, LL_RESERVED_SPACE(dev)))
		goto drop;
	neigh = ip_neigh_gw4(dev, ip_hdr(skb)->daddr);
	if (IS_ERR(neigh))
		goto drop;
	dev_sw_netstats_tx_add(mip->dev, mip4_segments(skb), skb->len);
	skb->dev = dev;
	if (unlikely(!(READ_ONCE(neigh->nud_state) & NUD_VALID)))
		mip4_home_reroute(skb, dev);
	neigh_output(neigh, skb, false);
	return;

drop:
	mip4_drop(mip, NULL, skb, MIP4_DROP_NO_MEMORY);
}

static noinline_for_stack void mip4_home_pieces(struct sk_buff *skb,
						struct mip4_dev *mip,
						struct net_device *dev,
						unsigned int mtu)
{
	struct sk_buff_head pieces;
	int err;

	__skb_queue_head_init(&pieces);
	err = mip4_fragment(skb, dev, mtu, &pieces);
	if (err)
		mip4_count_drop(mip, NULL, mip4_fragment_failed(err));
	while ((skb = __skb_dequeue(&pieces)))
		mip4_home_emit(skb, mip, dev);
}

/**
 * mip4_home_xmit() - send what is for no device that is away to a neighbour
 * @skb: starts at a checked IPv4 header, consumed
 * @mip: device that it was routed to
 * @port: its port of mode home
 *
 * Context: bottom halves off, RCU.
 */
void mip4_home_xmit(struct sk_buff *skb, struct mip4_dev *mip,
		    struct mip4_port *port)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct net_device *dev = port->dev;
	const unsigned int mtu = READ_ONCE(dev->mtu);
	struct mip4_binding *from;
	enum mip4_drop reason;

	if (unlikely(!netif_running(dev) || !netif_carrier_ok(dev))) {
		dst_link_failure(skb);
		reason = MIP4_DROP_PORT_DOWN;
		goto drop;
	}
	if (mip4_xmit_pmtu(skb, mtu)) {
		reason = MIP4_DROP_TOO_BIG;
		goto drop;
	}
	/* link emulation, see mip4_xmit() */
	if (mip4_xmit_came_in_here(skb, mip->dev)) {
		from = mip4_binding_routed(mip, iph->saddr);
		if (from && mip4_binding_on_link(from, iph->saddr, iph->daddr) &&
		    mip4_raise_ttl(skb)) {
			reason = MIP4_DROP_NO_MEMORY;
			goto drop;
		}
	}
	if (mip4_exceeds(skb, mtu))
		mip4_home_pieces(skb, mip, dev, mtu);
	else
		mip4_home_emit(skb, mip, dev);
	return;

drop:
	mip4_drop(mip, NULL, skb, reason);
}
