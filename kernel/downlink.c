// SPDX-License-Identifier: GPL-2.0-only
/* Out of a port, to a served device by its stored MAC. */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/netdevice.h>
#include <net/route.h>

#include "binding.h"
#include "device.h"
#include "downlink.h"
#include "encap.h"
#include "fragment.h"
#include "icmp.h"
#include "icmp6.h"
#include "ip6.h"
#include "leg.h"
#include "legs.h"
#include "peer.h"
#include "port.h"
#include "stats.h"

/**
 * mip4_tap() - show a packet that passes a mip4 device beside the stack
 * @mip: device
 * @skb: starts at its IPv4 header
 */
void mip4_tap(struct mip4_dev *mip, struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;

	if (likely(!dev_nit_active(mip->dev)))
		return;
	skb->dev = mip->dev;
	dev_queue_xmit_nit(skb, mip->dev);
	skb->dev = dev;
}

/**
 * mip4_emit() - send an IPv4 or IPv6 packet to the device of a binding
 * @skb: starts at its header, .protocol is set; consumed
 * @port: where the device is
 * @b: its binding
 *
 * Context: bottom halves off, RCU.
 */
void mip4_emit(struct sk_buff *skb, struct mip4_port *port,
	       struct mip4_binding *b)
{
	struct net_device *dev = port->dev;
	u8 mac[ETH_ALEN];

	if (unlikely(!netif_running(dev) || !netif_carrier_ok(dev))) {
		mip4_drop(port->mip, b, skb, MIP4_DROP_PORT_DOWN);
		return;
	}
	if (skb_cow_head(skb, LL_RESERVED_SPACE(dev))) {
		mip4_drop(port->mip, b, skb, MIP4_DROP_NO_MEMORY);
		return;
	}
	skb->dev = dev;
	skb_forward_csum(skb);
	skb_clear_tstamp(skb);
	mip4_port_mac(port, mac);
	dev_hard_header(skb, dev, ntohs(skb->protocol), b->mac.mac, mac,
			skb->len);
	dev_queue_xmit(skb);
}

/*
 * To who sent it. A leg carries inner sources of its binding alone: a home agent
 * would drop an ICMP error of ours under any other (RFC 3024 section 4.3.2), so
 * the error comes from the home address, or the device's IPv6 address.
 */
static void mip4_downlink_too_big(struct sk_buff *skb, struct mip4_leg *leg,
				  unsigned int mtu)
{
	struct mip4_dev *mip = leg->binding->mip;
	struct sk_buff *icmp;
	struct rtable *rt;

	if (mip4_is_ip6(skb))
		icmp = mip4_icmp6_build(mip, &mip->icmp, skb,
					&ipv6_hdr(skb)->daddr,
					ICMPV6_PKT_TOOBIG, 0, mtu);
	else
		icmp = mip4_icmp_build(mip, &mip->icmp, skb,
				       mip4_binding_home(leg->binding),
				       ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
				       htonl(mtu));
	if (!icmp)
		return;
	rt = mip4_peer_route(leg->peer);
	if (IS_ERR(rt)) {
		kfree_skb(icmp);
		return;
	}
	mip4_encap(icmp, leg, rt);
}

/* A port is the last link on the way, on which fragments are as usual. */
static noinline_for_stack void mip4_downlink_pieces(struct sk_buff *skb,
						    struct mip4_port *port,
						    struct mip4_binding *b,
						    unsigned int mtu)
{
	struct sk_buff_head pieces;
	int err;

	__skb_queue_head_init(&pieces);
	err = mip4_fragment(skb, port->dev, mtu, &pieces);
	if (err)
		mip4_count_drop(b->mip, b, mip4_fragment_failed(err));
	while ((skb = __skb_dequeue(&pieces)))
		mip4_emit(skb, port, b);
}

/**
 * mip4_downlink() - deliver a decapsulated packet
 * @skb: starts at a checked IPv4 or IPv6 header, consumed
 * @leg: of a served binding, through which it came
 *
 * No hop is counted here: the uplink of the same router counts it.
 * Context: bottom halves off, RCU.
 */
void mip4_downlink(struct sk_buff *skb, struct mip4_leg *leg)
{
	struct mip4_binding *b = leg->binding;
	struct mip4_port *port = rcu_dereference(b->port);
	unsigned int mtu;

	if (unlikely(!port)) {
		mip4_return(skb, leg);
		return;
	}
	mtu = READ_ONCE(port->dev->mtu);
	mip4_tap(b->mip, skb);
	if (unlikely(mip4_too_big(skb, mtu))) {
		/* RFC 1122 section 3.2.2: no errors about what is for many */
		if (mip4_is_ip6(skb) ||
		    !mip4_binding_group(b, ip_hdr(skb)->daddr))
			mip4_downlink_too_big(skb, leg, mtu);
		mip4_drop(b->mip, b, skb, MIP4_DROP_TOO_BIG);
		return;
	}
	mip4_binding_down(b, skb);
	if (mip4_exceeds(skb, mtu))
		mip4_downlink_pieces(skb, port, b, mtu);
	else
		mip4_emit(skb, port, b);
}
