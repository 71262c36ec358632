// SPDX-License-Identifier: GPL-2.0-only
/*
 * ICMP of our own, to and about devices: home addresses may overlap, so no
 * route leads to them and icmp_send() can't be used.
 */
#include <linux/icmp.h>
#include <linux/ip.h>
#include <net/checksum.h>
#include <net/icmp.h>
#include <net/ip.h>

#include "binding.h"
#include "device.h"
#include "downlink.h"
#include "icmp.h"
#include "leg.h"
#include "port.h"

/* RFC 1812 section 4.3.2.3: as much as fits without exceeding this. */
#define MIP4_ICMP_LEN 576U

/* RFC 1122 section 3.2.2: what no ICMP error may be about. */
static bool mip4_icmp_allowed(const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	const u8 *type;
	u8 buf;

	if (skb->pkt_type == PACKET_BROADCAST ||
	    skb->pkt_type == PACKET_MULTICAST ||
	    iph->frag_off & htons(IP_OFFSET) || ipv4_is_zeronet(iph->saddr) ||
	    ipv4_is_loopback(iph->saddr) || ipv4_is_multicast(iph->saddr) ||
	    ipv4_is_lbcast(iph->saddr) || ipv4_is_multicast(iph->daddr) ||
	    ipv4_is_lbcast(iph->daddr))
		return false;
	if (iph->protocol != IPPROTO_ICMP)
		return true;
	type = skb_header_pointer(skb, iph->ihl * 4, sizeof(buf), &buf);
	return type && !icmp_is_err(*type);
}

/**
 * mip4_icmp_build() - an ICMP error about a packet, to its sender
 * @mip: device
 * @limit: how many may be sent that way
 * @skb: starts at its IPv4 header, left alone
 * @saddr: who says so
 * @type: of the error
 * @code: of the error
 * @info: its second word
 *
 * Return: the error, starting at its IPv4 header, or NULL when none may be
 * sent.
 */
struct sk_buff *mip4_icmp_build(struct mip4_dev *mip, struct mip4_bucket *limit,
				const struct sk_buff *skb, __be32 saddr,
				u8 type, u8 code, __be32 info)
{
	const unsigned int hlen = sizeof(struct iphdr) + sizeof(struct icmphdr);
	const unsigned int quote = min(skb->len, MIP4_ICMP_LEN - hlen);
	struct icmphdr *icmph;
	struct sk_buff *error;
	struct iphdr *iph;

	if (!mip4_icmp_allowed(skb) || !mip4_bucket_take(limit))
		return NULL;
	error = alloc_skb(LL_MAX_HEADER + mip->dev->needed_headroom + hlen +
			  quote, GFP_ATOMIC);
	if (!error)
		return NULL;
	skb_reserve(error, LL_MAX_HEADER + mip->dev->needed_headroom);
	error->protocol = htons(ETH_P_IP);
	error->dev = mip->dev;
	skb_reset_mac_header(error);
	skb_reset_network_header(error);
	iph = skb_put_zero(error, sizeof(*iph));
	skb_set_transport_header(error, sizeof(*iph));
	icmph = skb_put_zero(error, sizeof(*icmph));
	if (skb_copy_bits(skb, 0, skb_put(error, quote), quote)) {
		kfree_skb(error);
		return NULL;
	}
	icmph->type = type;
	icmph->code = code;
	icmph->un.gateway = info;
	icmph->checksum = ip_compute_csum(icmph, sizeof(*icmph) + quote);

	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = IPTOS_PREC_INTERNETCONTROL;
	iph->tot_len = htons(error->len);
	iph->ttl = 64;
	iph->protocol = IPPROTO_ICMP;
	iph->saddr = saddr;
	iph->daddr = ip_hdr(skb)->saddr;
	/* alone in its kind towards there: RFC 6864 atomic datagram */
	iph->frag_off = htons(IP_DF);
	ip_send_check(iph);
	return error;
}

/**
 * mip4_icmp_to_device() - tell a served device why its packet went no further
 * @skb: its packet, starts at its IPv4 header, left alone
 * @port: where it came from
 * @leg: where it would have gone
 * @type: of the error
 * @code: of the error
 * @info: its second word
 *
 * Context: bottom halves off, RCU.
 */
void mip4_icmp_to_device(const struct sk_buff *skb, struct mip4_port *port,
			 struct mip4_leg *leg, u8 type, u8 code, __be32 info)
{
	const bool pmtu = type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED;
	struct mip4_binding *b = leg->binding;
	struct sk_buff *error;

	/* without a gateway address the care-of address is what we are */
	error = mip4_icmp_build(b->mip, pmtu ? &port->pmtu : &port->icmp, skb,
				READ_ONCE(b->gateway) ?: leg->key.local, type,
				code, info);
	if (error)
		mip4_emit(error, port, b);
}

/**
 * mip4_icmp_echo() - answer a device that asks whether its gateway is there
 * @skb: starts at a checked IPv4 header; consumed when true is returned
 * @port: where it came from
 * @b: its binding
 *
 * RFC 5563 section 6: an echo request to the gateway with TTL 1 is meant for
 * the first hop. Context: bottom halves off, RCU.
 *
 * Return: whether it was one, answered in place.
 */
bool mip4_icmp_echo(struct sk_buff *skb, struct mip4_port *port,
		    struct mip4_binding *b)
{
	struct iphdr *iph = ip_hdr(skb);
	const __be32 gateway = READ_ONCE(b->gateway);
	const unsigned int ihl = iph->ihl * 4;
	const struct icmphdr *req;
	struct icmphdr *icmph, buf;

	if (likely(iph->ttl != 1 || iph->protocol != IPPROTO_ICMP) ||
	    !gateway || iph->daddr != gateway || ip_is_fragment(iph))
		return false;
	req = skb_header_pointer(skb, ihl, sizeof(buf), &buf);
	if (!req || req->type != ICMP_ECHO || req->code)
		return false;
	if (skb_ensure_writable(skb, ihl + sizeof(*icmph))) {
		mip4_drop(b->mip, b, skb, MIP4_DROP_NO_MEMORY);
		return true;
	}

	iph = ip_hdr(skb);
	icmph = (struct icmphdr *)(skb->data + ihl);
	icmph->type = ICMP_ECHOREPLY;
	csum_replace2(&icmph->checksum, htons(ICMP_ECHO << 8),
		      htons(ICMP_ECHOREPLY << 8));
	swap(iph->saddr, iph->daddr);
	iph->ttl = 64;
	ip_send_check(iph);
	skb->ip_summed = CHECKSUM_NONE;
	mip4_emit(skb, port, b);
	return true;
}
