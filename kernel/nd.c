// SPDX-License-Identifier: GPL-2.0-only
/*
 * IPv6 of the link between a bound device and its first hop: neighbour
 * solicitations are answered as ARP is, the rest ends here.
 */
#include <linux/etherdevice.h>
#include <linux/icmpv6.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <net/ndisc.h>

#include "binding.h"
#include "device.h"
#include "downlink.h"
#include "icmp6.h"
#include "ip6.h"
#include "nd.h"
#include "port.h"
#include "stats.h"

struct mip4_nd_advert {
	struct ipv6hdr ip6h;
	struct icmp6hdr icmph;
	struct in6_addr target;
	u8 opt;				/* target link-layer address */
	u8 opt_len;			/* in units of 8 bytes */
	u8 mac[ETH_ALEN];
};

static bool mip4_nd_link_local(const struct in6_addr *addr)
{
	return (addr->s6_addr32[0] & htonl(0xffc00000)) == htonl(0xfe800000);
}

/**
 * mip4_nd_local() - does a packet of a device stay on its link?
 * @skb: starts at a checked IPv6 header
 *
 * Return: whether it does, by its source or by being neighbour discovery.
 */
bool mip4_nd_local(const struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	u8 type;

	if (ipv6_addr_any(&ip6h->saddr) || mip4_nd_link_local(&ip6h->saddr) ||
	    mip4_nd_link_local(&ip6h->daddr))
		return true;
	return ip6h->nexthdr == IPPROTO_ICMPV6 && ip6h->hop_limit == 255 &&
	       mip4_ip6_icmp_type(skb, &type) &&
	       type >= NDISC_ROUTER_SOLICITATION && type <= NDISC_REDIRECT;
}

/* The target of a neighbour solicitation, RFC 4861 section 7.1.1, or NULL. */
static const struct in6_addr *mip4_nd_target(struct sk_buff *skb)
{
	const unsigned int hlen = sizeof(struct ipv6hdr);
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	const struct nd_msg *ns;
	unsigned int len;

	if (ip6h->nexthdr != IPPROTO_ICMPV6 || ip6h->hop_limit != 255 ||
	    !pskb_may_pull(skb, hlen + sizeof(*ns)))
		return NULL;
	ip6h = ipv6_hdr(skb);
	ns = (const struct nd_msg *)(ip6h + 1);
	len = skb->len - hlen;
	if (ns->icmph.icmp6_type != NDISC_NEIGHBOUR_SOLICITATION ||
	    ns->icmph.icmp6_code || ipv6_addr_is_multicast(&ns->target) ||
	    csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_ICMPV6,
			    skb_checksum(skb, hlen, len, 0)))
		return NULL;
	return &ns->target;
}

static bool mip4_nd_answered(const struct mip4_port *port,
			     const struct in6_addr *target)
{
	struct in6_addr router;

	switch (READ_ONCE(port->mip->arp)) {
	case MIP4_ARP_GATEWAY:
		mip4_icmp6_router(port, &router);
		return ipv6_addr_equal(target, &router);
	case MIP4_ARP_ALL:
		return true;
	default:
		return false;
	}
}

static struct sk_buff *mip4_nd_advert(struct mip4_port *port,
				      const struct in6_addr *to,
				      const struct in6_addr *target)
{
	const unsigned int len = sizeof(struct mip4_nd_advert) -
				 sizeof(struct ipv6hdr);
	struct mip4_nd_advert *na;
	struct sk_buff *skb;

	skb = alloc_skb(LL_RESERVED_SPACE(port->dev) + sizeof(*na), GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_reserve(skb, LL_RESERVED_SPACE(port->dev));
	skb->protocol = htons(ETH_P_IPV6);
	skb_reset_network_header(skb);
	na = skb_put_zero(skb, sizeof(*na));
	ip6_flow_hdr(&na->ip6h, 0, 0);
	na->ip6h.payload_len = htons(len);
	na->ip6h.nexthdr = IPPROTO_ICMPV6;
	na->ip6h.hop_limit = 255;
	na->ip6h.saddr = *target;
	na->ip6h.daddr = *to;
	na->icmph.icmp6_type = NDISC_NEIGHBOUR_ADVERTISEMENT;
	na->icmph.icmp6_router = 1;
	na->icmph.icmp6_solicited = 1;
	na->icmph.icmp6_override = 1;
	na->target = *target;
	na->opt = ND_OPT_TARGET_LL_ADDR;
	na->opt_len = 1;
	mip4_port_mac(port, na->mac);
	na->icmph.icmp6_cksum = csum_ipv6_magic(to, target, len, IPPROTO_ICMPV6,
						csum_partial(&na->icmph, len, 0));
	return skb;
}

/**
 * mip4_nd() - answer or end what a bound device says to its link
 * @skb: starts at a checked IPv6 header, consumed
 * @port: where it came in
 * @b: binding of the frame's source MAC
 *
 * Context: bottom halves off, RCU.
 */
void mip4_nd(struct sk_buff *skb, struct mip4_port *port,
	     struct mip4_binding *b)
{
	const struct in6_addr *target = mip4_nd_target(skb);
	const struct in6_addr *from = &ipv6_hdr(skb)->saddr;
	enum mip4_drop reason = MIP4_DROP_ND;
	struct sk_buff *advert;

	/* RFC 4862 section 5.4: what a device asks for without a source, or of
	 * itself, it would give up if there were an answer
	 */
	if (!target || ipv6_addr_any(from) || ipv6_addr_equal(target, from) ||
	    mip4_ip6_owns(b, target) || !mip4_nd_answered(port, target))
		goto drop;
	if (!mip4_nd_link_local(from) && !mip4_ip6_owns(b, from)) {
		reason = MIP4_DROP_SPOOFED_SOURCE;
		goto drop;
	}
	advert = mip4_nd_advert(port, from, target);
	if (!advert) {
		reason = MIP4_DROP_NO_MEMORY;
		goto drop;
	}
	mip4_emit(advert, port, b);
	consume_skb(skb);
	return;

drop:
	mip4_drop(b->mip, b, skb, reason);
}
