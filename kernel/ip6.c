// SPDX-License-Identifier: GPL-2.0-only
/*
 * IPv6 inside. What it shares with IPv4 looks at skb->protocol; here is the
 * rest. None of it needs an IPv6 stack, so an access router may be without.
 */
#include <linux/icmpv6.h>
#include <net/ipv6.h>
#include <net/ndisc.h>

#include "binding.h"
#include "device.h"
#include "ip6.h"

/**
 * mip4_ip6_header() - check the IPv6 header and cut what a link has padded
 * @skb: starts at its IPv6 header
 *
 * Return: whether it is right; then the transport header is set. Sizes of GSO
 * segments count from there.
 */
bool mip4_ip6_header(struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h;
	unsigned int len;
	__be16 frag_off;
	u8 nexthdr;
	int off;

	if (!pskb_may_pull(skb, sizeof(*ip6h)))
		return false;
	ip6h = ipv6_hdr(skb);
	/* more than its 16 bits hold (BIG TCP): nor do the tunnel's */
	if (unlikely(!ip6h->payload_len && skb_is_gso(skb)))
		return false;
	len = sizeof(*ip6h) + ntohs(ip6h->payload_len);
	if (ip6h->version != 6 || len > skb->len || pskb_trim_rcsum(skb, len))
		return false;
	nexthdr = ipv6_hdr(skb)->nexthdr;
	off = ipv6_skip_exthdr(skb, sizeof(*ip6h), &nexthdr, &frag_off);
	skb_set_transport_header(skb, off < 0 ? sizeof(*ip6h) : off);
	return true;
}

/**
 * mip4_ip6_find() - find a binding by longest match
 * @mip: device
 * @realm: address space
 * @addr: address
 *
 * Context: RCU.
 *
 * Return: the binding or NULL.
 */
struct mip4_binding *mip4_ip6_find(struct mip4_dev *mip, u32 realm,
				   const struct in6_addr *addr)
{
	struct mip4_prefix_key key = mip4_ip6_key(addr);

	key.realm = realm;
	return mip4_prefix_find(mip, &key);
}

/**
 * mip4_ip6_owns() - is an address a binding's by longest match?
 * @b: binding
 * @addr: address
 *
 * Context: RCU.
 *
 * Return: whether it is.
 */
bool mip4_ip6_owns(const struct mip4_binding *b, const struct in6_addr *addr)
{
	const struct mip4_prefix_key key = mip4_ip6_key(addr);

	return mip4_binding_owns(b, &key);
}

/**
 * mip4_ip6_icmp_type() - what kind of ICMPv6 is a packet?
 * @skb: starts at its IPv6 header
 * @type: set to it
 *
 * Return: false when it is none, or a later fragment.
 */
bool mip4_ip6_icmp_type(const struct sk_buff *skb, u8 *type)
{
	u8 nexthdr = ipv6_hdr(skb)->nexthdr;
	__be16 frag_off;
	const u8 *p;
	int off;

	off = ipv6_skip_exthdr(skb, sizeof(struct ipv6hdr), &nexthdr,
			       &frag_off);
	if (off < 0 || nexthdr != IPPROTO_ICMPV6 ||
	    frag_off & htons(IP6_OFFSET))
		return false;
	p = skb_header_pointer(skb, off, sizeof(*type), type);
	if (!p)
		return false;
	*type = *p;
	return true;
}

/**
 * mip4_ip6_lower_hops() - count the hop of a packet through a router
 * @skb: starts at its IPv6 header
 *
 * Return: 0, -ETIME when it may make no more hops, or -ENOMEM; header pointers
 * have to be read again.
 */
int mip4_ip6_lower_hops(struct sk_buff *skb)
{
	if (unlikely(ipv6_hdr(skb)->hop_limit <= 1))
		return -ETIME;
	if (skb_ensure_writable(skb, sizeof(struct ipv6hdr)))
		return -ENOMEM;
	ipv6_hdr(skb)->hop_limit--;
	return 0;
}

/**
 * mip4_ip6_tell() - tell who sent a packet to the device why it goes no further
 * @skb: starts at its IPv6 header, left alone
 * @type: of the error
 * @code: of the error
 * @info: its second word
 *
 * After ipv6.disable=1 a packet socket sends IPv6 all the same, and the stack
 * has no tables to look its source up in.
 */
void mip4_ip6_tell(struct sk_buff *skb, u8 type, u8 code, u32 info)
{
	if (ipv6_mod_enabled())
		icmpv6_ndo_send(skb, type, code, info);
}

/**
 * mip4_ip6_xmit() - find the routed binding of what isn't IPv4
 * @skb: starts at its network header
 * @mip: device that the stack routed it to
 * @b: set to its binding or, with @reason, to that to account with
 * @reason: set to why it is dropped
 *
 * Context: RCU.
 *
 * Return: whether it goes to the binding.
 */
bool mip4_ip6_xmit(struct sk_buff *skb, struct mip4_dev *mip,
		   struct mip4_binding **b, enum mip4_drop *reason)
{
	const struct ipv6hdr *ip6h;
	u8 type;

	*b = NULL;
	if (!mip4_is_ip6(skb)) {
		*reason = MIP4_DROP_PROTOCOL;
		return false;
	}
	if (!pskb_may_pull(skb, sizeof(*ip6h)) || ipv6_hdr(skb)->version != 6) {
		*reason = MIP4_DROP_BAD_INNER;
		return false;
	}
	ip6h = ipv6_hdr(skb);
	if (ipv6_addr_is_multicast(&ip6h->daddr)) {
		*reason = MIP4_DROP_MULTICAST;
		return false;
	}
	*b = mip4_ip6_find(mip, mip->realm, &ip6h->daddr);
	if (!*b || mip4_binding_served(*b)) {
		*b = NULL;
		mip4_ip6_tell(skb, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0);
		*reason = MIP4_DROP_NO_BINDING;
		return false;
	}
	/* devices of one home agent are no neighbours of each other */
	if (unlikely(mip4_ip6_icmp_type(skb, &type) && type == NDISC_REDIRECT)) {
		*reason = MIP4_DROP_PROTOCOL;
		return false;
	}
	return true;
}
