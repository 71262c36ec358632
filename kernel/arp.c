// SPDX-License-Identifier: GPL-2.0-only
/*
 * ARP of bound devices: answered here or not at all, so that home addresses,
 * which may overlap, never enter the router's neighbour table. And on a home
 * link for devices that are away.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <net/arp.h>

#include "arp.h"
#include "binding.h"
#include "device.h"
#include "event.h"
#include "port.h"
#include "stats.h"

struct mip4_arp_body {
	u8 sha[ETH_ALEN];
	u8 sip[4];
	u8 tha[ETH_ALEN];
	u8 tip[4];
};

/* The addresses of an Ethernet and IPv4 ARP packet, or NULL. */
static const struct mip4_arp_body *mip4_arp_parse(struct sk_buff *skb,
						  const struct net_device *dev)
{
	const struct arphdr *arp;

	if (dev->addr_len != ETH_ALEN || !pskb_may_pull(skb, arp_hdr_len(dev)))
		return NULL;
	arp = arp_hdr(skb);
	if (arp->ar_hrd != htons(ARPHRD_ETHER) ||
	    arp->ar_pro != htons(ETH_P_IP) || arp->ar_hln != ETH_ALEN ||
	    arp->ar_pln != 4)
		return NULL;
	return (const struct mip4_arp_body *)(arp + 1);
}

static __be32 mip4_arp_addr(const u8 *addr)
{
	__be32 ip;

	memcpy(&ip, addr, sizeof(ip));
	return ip;
}

/**
 * mip4_arp_sender() - who says so?
 * @skb: ARP packet, starts at its header
 * @dev: device it came from
 * @sender: set to the sender's address, 0 when it names none
 *
 * Return: whether it is an ARP packet for IPv4.
 */
bool mip4_arp_sender(struct sk_buff *skb, const struct net_device *dev,
		     __be32 *sender)
{
	const struct mip4_arp_body *arp = mip4_arp_parse(skb, dev);

	if (!arp)
		return false;
	*sender = mip4_arp_addr(arp->sip);
	return true;
}

static bool mip4_arp_answered(const struct mip4_binding *b, __be32 tip)
{
	switch (READ_ONCE(b->mip->arp)) {
	case MIP4_ARP_GATEWAY:
		return READ_ONCE(b->gateway) && tip == READ_ONCE(b->gateway);
	case MIP4_ARP_ALL:
		return !ipv4_is_zeronet(tip) && !ipv4_is_loopback(tip) &&
		       !ipv4_is_multicast(tip) && !ipv4_is_lbcast(tip);
	default:
		return false;
	}
}

/**
 * mip4_arp() - answer or end an ARP packet of a bound device
 * @skb: starts at the ARP header, consumed
 * @port: where it came in
 * @b: binding of the frame's source MAC
 *
 * Context: bottom halves off, RCU.
 */
void mip4_arp(struct sk_buff *skb, struct mip4_port *port,
	      struct mip4_binding *b)
{
	const struct mip4_arp_body *arp = mip4_arp_parse(skb, port->dev);
	enum mip4_drop reason = MIP4_DROP_ARP;
	struct ethhdr *eth = eth_hdr(skb);
	struct sk_buff *reply;
	u8 mac[ETH_ALEN];
	__be32 sip, tip;

	if (!arp || arp_hdr(skb)->ar_op != htons(ARPOP_REQUEST) ||
	    !ether_addr_equal(arp->sha, eth->h_source))
		goto drop;
	sip = mip4_arp_addr(arp->sip);
	tip = mip4_arp_addr(arp->tip);

	/* RFC 5227: a probe for or announcement of an own address, which an
	 * answer would make it give up; a probe for another one is none of ours
	 */
	if (mip4_binding_is(b, tip) || !sip)
		goto drop;
	if (!mip4_binding_is(b, sip)) {
		if (mip4_event_wanted(b->mip, &port->spoof_events))
			mip4_event_spoof(b, sip);
		reason = MIP4_DROP_SPOOFED_SOURCE;
		goto drop;
	}
	if (!mip4_arp_answered(b, tip))
		goto drop;

	mip4_port_mac(port, mac);
	reply = arp_create(ARPOP_REPLY, ETH_P_ARP, sip, port->dev, tip,
			   eth->h_source, mac, eth->h_source);
	if (!reply) {
		reason = MIP4_DROP_NO_MEMORY;
		goto drop;
	}
	/* RFC 4436 section 4.2: a device that asks one router by its MAC
	 * whether it is still on that link takes that MAC for a yes. Only in
	 * the answer: bridges learn from the frame, and it is ours.
	 */
	if (tip == READ_ONCE(b->gateway) && is_valid_ether_addr(eth->h_dest)) {
		struct mip4_arp_body *body = (void *)(arp_hdr(reply) + 1);

		ether_addr_copy(body->sha, eth->h_dest);
	}
	arp_xmit(reply);
	consume_skb(skb);
	return;

drop:
	mip4_drop(b->mip, b, skb, reason);
}

/**
 * mip4_arp_proxy() - answer on a home link for a device that is away
 * @skb: ARP packet, starts at its header; consumed when true is returned
 * @port: the home link
 *
 * RFC 5944 section 4.6: proxy ARP. Also to who probes for or announces such an
 * address: RFC 5227 has the owner defend it, and for that we stand in.
 * Context: bottom halves off, RCU.
 *
 * Return: whether it asked for a bound address.
 */
bool mip4_arp_proxy(struct sk_buff *skb, struct mip4_port *port)
{
	const struct mip4_arp_body *arp = mip4_arp_parse(skb, port->dev);
	struct net_device *dev = port->dev;
	const u8 *source = eth_hdr(skb)->h_source;
	struct sk_buff *reply;
	__be32 tip;

	if (!arp || arp_hdr(skb)->ar_op != htons(ARPOP_REQUEST) ||
	    skb->pkt_type == PACKET_OTHERHOST ||
	    !is_valid_ether_addr(source) ||
	    !ether_addr_equal(arp->sha, source) ||
	    ether_addr_equal(source, dev->dev_addr))
		return false;
	tip = mip4_arp_addr(arp->tip);
	if (!mip4_binding_routed(port->mip, tip))
		return false;
	reply = arp_create(ARPOP_REPLY, ETH_P_ARP, mip4_arp_addr(arp->sip), dev,
			   tip, source, dev->dev_addr, source);
	if (!reply) {
		mip4_drop(port->mip, NULL, skb, MIP4_DROP_NO_MEMORY);
		return true;
	}
	arp_xmit(reply);
	consume_skb(skb);
	return true;
}
