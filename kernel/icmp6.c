// SPDX-License-Identifier: GPL-2.0-only
/* ICMPv6 errors of our own: see icmp.c, which has those for IPv4. */
#include <linux/icmpv6.h>
#include <net/addrconf.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <net/ndisc.h>

#include "binding.h"
#include "bucket.h"
#include "device.h"
#include "downlink.h"
#include "icmp6.h"
#include "ip6.h"
#include "port.h"

/* RFC 4443 section 2.4 (e): what no ICMPv6 error may be about. */
static bool mip4_icmp6_allowed(const struct sk_buff *skb, u8 about)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	u8 type;

	if (ipv6_addr_any(&ip6h->saddr) || ipv6_addr_is_multicast(&ip6h->saddr) ||
	    ipv6_addr_loopback(&ip6h->saddr))
		return false;
	if (ipv6_addr_is_multicast(&ip6h->daddr) && about != ICMPV6_PKT_TOOBIG)
		return false;
	return !mip4_ip6_icmp_type(skb, &type) ||
	       (type & ICMPV6_INFOMSG_MASK && type != NDISC_REDIRECT);
}

/**
 * mip4_icmp6_router() - the address that devices know the router by
 * @port: where they are
 * @addr: set to the link-local address made from the gateway MAC
 */
void mip4_icmp6_router(const struct mip4_port *port, struct in6_addr *addr)
{
	u8 mac[ETH_ALEN];

	mip4_port_mac(port, mac);
	ipv6_addr_set(addr, htonl(0xfe800000), 0, 0, 0);
	addrconf_addr_eui48(addr->s6_addr + 8, (const char *)mac);
}

/**
 * mip4_icmp6_build() - an ICMPv6 error about a packet, to its sender
 * @mip: device
 * @limit: how many may be sent that way
 * @skb: starts at its IPv6 header, left alone
 * @saddr: who says so
 * @type: of the error
 * @code: of the error
 * @info: its second word
 *
 * Return: the error, starting at its IPv6 header, or NULL when none may be
 * sent.
 */
struct sk_buff *mip4_icmp6_build(struct mip4_dev *mip,
				 struct mip4_bucket *limit,
				 const struct sk_buff *skb,
				 const struct in6_addr *saddr, u8 type, u8 code,
				 u32 info)
{
	const unsigned int hlen = sizeof(struct ipv6hdr) +
				  sizeof(struct icmp6hdr);
	/* RFC 4443 section 2.4 (c) */
	const unsigned int quote = min(skb->len, IPV6_MIN_MTU - hlen);
	const unsigned int len = sizeof(struct icmp6hdr) + quote;
	struct icmp6hdr *icmph;
	struct sk_buff *error;
	struct ipv6hdr *ip6h;

	if (!mip4_icmp6_allowed(skb, type) || !mip4_bucket_take(limit))
		return NULL;
	error = alloc_skb(LL_MAX_HEADER + mip->dev->needed_headroom + hlen +
			  quote, GFP_ATOMIC);
	if (!error)
		return NULL;
	skb_reserve(error, LL_MAX_HEADER + mip->dev->needed_headroom);
	error->protocol = htons(ETH_P_IPV6);
	error->dev = mip->dev;
	skb_reset_mac_header(error);
	skb_reset_network_header(error);
	ip6h = skb_put_zero(error, sizeof(*ip6h));
	skb_set_transport_header(error, sizeof(*ip6h));
	icmph = skb_put_zero(error, sizeof(*icmph));
	if (skb_copy_bits(skb, 0, skb_put(error, quote), quote)) {
		kfree_skb(error);
		return NULL;
	}
	ip6_flow_hdr(ip6h, 0, 0);
	ip6h->payload_len = htons(len);
	ip6h->nexthdr = IPPROTO_ICMPV6;
	ip6h->hop_limit = 64;
	ip6h->saddr = *saddr;
	ip6h->daddr = ipv6_hdr(skb)->saddr;
	icmph->icmp6_type = type;
	icmph->icmp6_code = code;
	icmph->icmp6_mtu = htonl(info);
	icmph->icmp6_cksum = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len,
					     IPPROTO_ICMPV6,
					     csum_partial(icmph, len, 0));
	return error;
}

/**
 * mip4_icmp6_to_device() - tell a served device why its packet went no further
 * @skb: its packet, starts at its IPv6 header, left alone
 * @port: where it came from
 * @b: its binding
 * @type: of the error
 * @code: of the error
 * @info: its second word
 *
 * We have no IPv6 address but a link-local one, which a router behind the
 * device may not relay: what PMTU discovery depends on comes from where the
 * packet went to. Context: bottom halves off, RCU.
 */
void mip4_icmp6_to_device(const struct sk_buff *skb, struct mip4_port *port,
			  struct mip4_binding *b, u8 type, u8 code, u32 info)
{
	const bool pmtu = type == ICMPV6_PKT_TOOBIG;
	struct in6_addr router = ipv6_hdr(skb)->daddr;
	struct sk_buff *error;

	if (!pmtu)
		mip4_icmp6_router(port, &router);
	error = mip4_icmp6_build(b->mip, pmtu ? &port->pmtu : &port->icmp, skb,
				 &router, type, code, info);
	if (error)
		mip4_emit(error, port, b);
}
