// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a port. Nothing of a device enters the router's own stack: its packets
 * go into the tunnel whatever their destination, what the agent needs goes to
 * packet sockets on that port, the rest ends here.
 */
#include <linux/etherdevice.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/route.h>

#include "arp.h"
#include "binding.h"
#include "device.h"
#include "downlink.h"
#include "encap.h"
#include "event.h"
#include "hold.h"
#include "icmp.h"
#include "icmp6.h"
#include "ip6.h"
#include "leg.h"
#include "legs.h"
#include "mss.h"
#include "nd.h"
#include "peer.h"
#include "port.h"
#include "stats.h"
#include "uplink.h"
#include "xmit.h"

#define MIP4_DHCP_SERVER	htons(67)
#define MIP4_DHCP_CLIENT	htons(68)

/* Check the IPv4 header and cut what Ethernet has padded. */
static bool mip4_uplink_header(struct sk_buff *skb)
{
	const struct iphdr *iph;
	unsigned int len;

	if (!pskb_may_pull(skb, sizeof(*iph)))
		return false;
	iph = ip_hdr(skb);
	if (iph->version != 4 || iph->ihl < 5 ||
	    !pskb_may_pull(skb, iph->ihl * 4))
		return false;
	iph = ip_hdr(skb);
	len = ntohs(iph->tot_len);
	return len >= iph->ihl * 4 && len <= skb->len &&
	       !ip_fast_csum(iph, iph->ihl) && !pskb_trim_rcsum(skb, len);
}

/*
 * Is it for the DHCP server of the access router? A bound device may also use
 * one at home: what it sends elsewhere than to all or to its gateway goes
 * there.
 */
static bool mip4_uplink_dhcp(const struct sk_buff *skb,
			     const struct mip4_binding *b)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct udphdr *uh;
	struct udphdr buf;

	if (likely(iph->protocol != IPPROTO_UDP) ||
	    iph->frag_off & htons(IP_OFFSET))
		return false;
	uh = skb_header_pointer(skb, iph->ihl * 4, sizeof(buf), &buf);
	if (!uh || uh->source != MIP4_DHCP_CLIENT ||
	    uh->dest != MIP4_DHCP_SERVER)
		return false;
	return !b || ipv4_is_lbcast(iph->daddr) ||
	       (b->gateway && iph->daddr == READ_ONCE(b->gateway));
}

/* A device is told why its packet went no further. */
static void mip4_uplink_error(const struct sk_buff *skb, struct mip4_port *port,
			      struct mip4_leg *leg, enum mip4_drop reason,
			      unsigned int mtu)
{
	const bool ip6 = mip4_is_ip6(skb);
	u8 type, code = 0;

	switch (reason) {
	case MIP4_DROP_TTL:
		type = ip6 ? ICMPV6_TIME_EXCEED : ICMP_TIME_EXCEEDED;
		break;
	case MIP4_DROP_NO_ROUTE:
		type = ip6 ? ICMPV6_DEST_UNREACH : ICMP_DEST_UNREACH;
		code = ip6 ? ICMPV6_NOROUTE : ICMP_HOST_UNREACH;
		break;
	case MIP4_DROP_TOO_BIG:
		type = ip6 ? ICMPV6_PKT_TOOBIG : ICMP_DEST_UNREACH;
		code = ip6 ? 0 : ICMP_FRAG_NEEDED;
		break;
	default:
		return;
	}
	if (ip6)
		mip4_icmp6_to_device(skb, port, leg->binding, type, code, mtu);
	else
		mip4_icmp_to_device(skb, port, leg, type, code, htonl(mtu));
}

/* A device is told when its packet may make no more hops. */
static bool mip4_uplink_ttl(struct sk_buff *skb, struct mip4_port *port,
			    struct mip4_leg *leg)
{
	struct mip4_binding *b = leg->binding;
	const int err = mip4_lower_ttl(skb, b);
	enum mip4_drop reason;

	if (likely(!err))
		return true;
	reason = err == -ETIME ? MIP4_DROP_TTL : MIP4_DROP_NO_MEMORY;
	mip4_uplink_error(skb, port, leg, reason, 0);
	mip4_drop(b->mip, b, skb, reason);
	return false;
}

/* As mip4_xmit_tell(): to the device its router is on the network it is on. */
static noinline_for_stack void mip4_uplink_tell(struct sk_buff *skb,
						struct mip4_port *port,
						struct mip4_leg *leg)
{
	const int code = mip4_peer_tell(leg->peer, true);

	if (code < 0)
		return;
	if (mip4_is_ip6(skb))
		mip4_icmp6_to_device(skb, port, leg->binding,
				     ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH,
				     0);
	else
		mip4_icmp_to_device(skb, port, leg, ICMP_DEST_UNREACH, code, 0);
}

/* By several legs, or by none yet; the leg may also have just come. */
static noinline_for_stack void mip4_uplink_legs(struct sk_buff *skb,
						struct mip4_port *port,
						struct mip4_binding *b)
{
	struct mip4_dev *mip = b->mip;
	struct mip4_senders senders;
	struct mip4_leg *leg;
	int err;

	err = mip4_senders(b, skb, &senders);
	if (err == -ENOENT) {
		if (mip4_legs_wait(b) && mip4_hold_behind(port, b, skb))
			return;
		err = mip4_senders(b, skb, &senders);
	}
	if (err == -ENOENT) {
		mip4_drop(mip, b, skb, MIP4_DROP_NO_LEG);
		return;
	}
	if (err) {
		const enum mip4_drop reason = mip4_peer_no_route(err);

		leg = mip4_legs_active(b);
		if (leg)
			mip4_uplink_error(skb, port, leg, reason, 0);
		mip4_drop(mip, b, skb, reason);
		return;
	}
	leg = senders.to[0].leg;
	if (!mip4_uplink_ttl(skb, port, leg)) {
		mip4_senders_put(&senders);
		return;
	}
	if (READ_ONCE(mip->mss))
		mip4_mss_clamp(skb, senders.mtu);
	if (mip4_too_big(skb, senders.mtu)) {
		mip4_uplink_error(skb, port, leg, MIP4_DROP_TOO_BIG,
				  senders.mtu);
		mip4_senders_put(&senders);
		mip4_drop(mip, b, skb, MIP4_DROP_TOO_BIG);
		return;
	}
	if (unlikely(READ_ONCE(leg->peer->unreachable_at)))
		mip4_uplink_tell(skb, port, leg);
	mip4_binding_up(b, skb);
	mip4_tap(mip, skb);
	mip4_senders_encap(skb, &senders);
}

/* Its source is right, and it isn't for us. */
static void mip4_uplink_send(struct sk_buff *skb, struct mip4_port *port,
			     struct mip4_binding *b)
{
	struct mip4_dev *mip = b->mip;
	enum mip4_drop reason;
	struct mip4_leg *leg;
	struct rtable *rt;
	unsigned int mtu;

	skb_clear_tstamp(skb);
	leg = rcu_dereference(b->leg);
	if (unlikely(!leg)) {
		mip4_uplink_legs(skb, port, b);
		return;
	}
	if (!mip4_uplink_ttl(skb, port, leg))
		return;
	rt = mip4_peer_route(leg->peer);
	if (IS_ERR(rt)) {
		reason = mip4_peer_no_route(PTR_ERR(rt));
		mip4_uplink_error(skb, port, leg, reason, 0);
		goto drop;
	}
	mtu = mip4_encap_mtu(skb, leg, rt);
	if (READ_ONCE(mip->mss))
		mip4_mss_clamp(skb, mtu);
	if (unlikely(mip4_too_big(skb, mtu))) {
		ip_rt_put(rt);
		reason = MIP4_DROP_TOO_BIG;
		mip4_uplink_error(skb, port, leg, reason, mtu);
		goto drop;
	}
	if (unlikely(READ_ONCE(leg->peer->unreachable_at)))
		mip4_uplink_tell(skb, port, leg);
	mip4_binding_up(b, skb);
	mip4_tap(mip, skb);
	mip4_encap(skb, leg, rt);
	return;

drop:
	mip4_drop(mip, b, skb, reason);
}

static void mip4_uplink_ip(struct sk_buff *skb, struct mip4_port *port,
			   struct mip4_binding *b)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct mip4_dev *mip = b->mip;
	enum mip4_drop reason;

	if (unlikely(!mip4_binding_is(b, iph->saddr))) {
		if (mip4_event_wanted(mip, &port->spoof_events))
			mip4_event_spoof(b, iph->saddr);
		reason = MIP4_DROP_SPOOFED_SOURCE;
		goto drop;
	}
	if (unlikely((!port->p2p &&
		      is_multicast_ether_addr(eth_hdr(skb)->h_dest)) ||
		     ipv4_is_multicast(iph->daddr) ||
		     ipv4_is_lbcast(iph->daddr)) &&
	    /* a unicast packet in such a frame is none: RFC 1122 section 3.3.6 */
	    (READ_ONCE(mip->multicast) == MIP4_MULTICAST_DROP ||
	     !mip4_binding_group(b, iph->daddr))) {
		reason = MIP4_DROP_MULTICAST;
		goto drop;
	}
	if (!mip4_icmp_echo(skb, port, b))
		mip4_uplink_send(skb, port, b);
	return;

drop:
	mip4_drop(mip, b, skb, reason);
}

/* A device without IPv6 addresses has no IPv6. */
static void mip4_uplink_ip6(struct sk_buff *skb, struct mip4_port *port,
			    struct mip4_binding *b)
{
	const struct mip4_prefixes *set = rcu_dereference(b->prefixes);
	struct mip4_dev *mip = b->mip;
	const struct ipv6hdr *ip6h;
	enum mip4_drop reason;

	if (!set || !set->ip6) {
		reason = MIP4_DROP_PROTOCOL;
		goto drop;
	}
	if (!mip4_ip6_header(skb)) {
		reason = MIP4_DROP_BAD_INNER;
		goto drop;
	}
	if (mip4_nd_local(skb)) {
		mip4_nd(skb, port, b);
		return;
	}
	ip6h = ipv6_hdr(skb);
	if (unlikely(!mip4_ip6_owns(b, &ip6h->saddr))) {
		if (mip4_event_wanted(mip, &port->spoof_events))
			mip4_event_spoof6(b, &ip6h->saddr);
		reason = MIP4_DROP_SPOOFED_SOURCE;
		goto drop;
	}
	if (unlikely((!port->p2p &&
		      is_multicast_ether_addr(eth_hdr(skb)->h_dest)) ||
		     ipv6_addr_is_multicast(&ip6h->daddr))) {
		reason = MIP4_DROP_MULTICAST;
		goto drop;
	}
	mip4_uplink_send(skb, port, b);
	return;

drop:
	mip4_drop(mip, b, skb, reason);
}

/**
 * mip4_uplink_bound() - forward or answer a frame of a bound device
 * @skb: frame, network header checked if it is IPv4; consumed
 * @port: where it came in
 * @b: binding of its source
 *
 * Context: bottom halves off, RCU.
 */
void mip4_uplink_bound(struct sk_buff *skb, struct mip4_port *port,
		       struct mip4_binding *b)
{
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		mip4_uplink_ip(skb, port, b);
		break;
	case htons(ETH_P_ARP):
		mip4_arp(skb, port, b);
		break;
	case htons(ETH_P_IPV6):
		mip4_uplink_ip6(skb, port, b);
		break;
	default:
		mip4_drop(b->mip, b, skb, MIP4_DROP_PROTOCOL);
	}
}

static bool mip4_uplink_source_ok(const struct mip4_port *port,
				  const u8 *source)
{
	u8 mac[ETH_ALEN];

	if (unlikely(port->p2p))
		return true;
	mip4_port_mac(port, mac);
	/* our own come back, or another router shows the shared MAC */
	return is_valid_ether_addr(source) &&
	       !ether_addr_equal(source, port->dev->dev_addr) &&
	       !ether_addr_equal(source, mac);
}

/**
 * mip4_uplink() - take a frame from a port
 * @skb: frame, not shared
 * @port: where it came in
 *
 * Context: softirq, RCU.
 *
 * Return: what an rx_handler returns.
 */
rx_handler_result_t mip4_uplink(struct sk_buff *skb, struct mip4_port *port)
{
	struct mip4_unknown_frame frame = {
		.ethertype = ntohs(skb->protocol),
	};
	const u8 *source = mip4_port_source(port, skb);
	struct mip4_dev *mip = port->mip;
	struct mip4_binding *b;
	bool exact = false;
	bool taken, pass;

	if (unlikely(!netif_running(mip->dev))) {
		mip4_drop(mip, NULL, skb, MIP4_DROP_PORT_DOWN);
		return RX_HANDLER_CONSUMED;
	}
	if (unlikely(!mip4_uplink_source_ok(port, source))) {
		mip4_drop(mip, NULL, skb, MIP4_DROP_BAD_FRAME);
		return RX_HANDLER_CONSUMED;
	}
	b = mip4_binding_by_mac(mip, port->dev->ifindex, source);
	if (likely(b))
		mip4_binding_seen(b);
	pass = !b && READ_ONCE(port->unknown) == MIP4_UNKNOWN_PASS;
	if (unlikely(skb_vlan_tag_present(skb))) {
		/* a VLAN that has no interface here; 0 is but a priority */
		if (skb_vlan_tag_get_id(skb)) {
			if (pass)
				return RX_HANDLER_PASS;
			mip4_drop(mip, b, skb, MIP4_DROP_PROTOCOL);
			return RX_HANDLER_CONSUMED;
		}
		__vlan_hwaccel_clear_tag(skb);
	}

	switch (skb->protocol) {
	case htons(ETH_P_IP):
		if (!mip4_uplink_header(skb)) {
			mip4_drop(mip, b, skb, b ? MIP4_DROP_BAD_INNER :
						   MIP4_DROP_BAD_FRAME);
			return RX_HANDLER_CONSUMED;
		}
		exact = mip4_uplink_dhcp(skb, b);
		/* our event would win the race against the requested address */
		frame.heard = exact;
		frame.saddr = ip_hdr(skb)->saddr;
		frame.holdable = !exact &&
				 !ipv4_is_multicast(ip_hdr(skb)->daddr) &&
				 !ipv4_is_lbcast(ip_hdr(skb)->daddr);
		break;
	case htons(ETH_P_ARP):
		frame.holdable = mip4_arp_sender(skb, port->dev, &frame.saddr);
		break;
	case htons(ETH_P_PAE):
	case htons(ETH_P_LLDP):
		exact = true;
		break;
	}

	if (unlikely(!b)) {
		skb_orphan(skb);
		b = mip4_hold_unknown(port, skb, &frame, &taken);
		if (taken)
			return RX_HANDLER_CONSUMED;
		if (!b && pass)
			return RX_HANDLER_PASS;
		if (!b && !exact) {
			mip4_drop(mip, NULL, skb, MIP4_DROP_UNKNOWN_DEVICE);
			return RX_HANDLER_CONSUMED;
		}
	}
	if (exact)
		return RX_HANDLER_EXACT;
	skb_orphan(skb);
	if (unlikely(READ_ONCE(b->replay)) && mip4_hold_behind(port, b, skb))
		return RX_HANDLER_CONSUMED;
	mip4_uplink_bound(skb, port, b);
	return RX_HANDLER_CONSUMED;
}
