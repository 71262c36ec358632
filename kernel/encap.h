/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_ENCAP_H
#define _MIP4_ENCAP_H

#include <linux/ip.h>
#include <linux/skbuff.h>

#include "leg.h"

struct mip4_dev;
struct rtable;

/* RFC 2784 and 2890 */
#define MIP4_GRE_CSUM		htons(0x8000)
#define MIP4_GRE_KEY		htons(0x2000)
#define MIP4_GRE_SEQ		htons(0x1000)
/* bits 1, 4 and 5, and the version: RFC 2784 section 2.3 */
#define MIP4_GRE_REFUSED	htons(0x4c07)

struct mip4_gre_base {
	__be16 flags;
	__be16 proto;
};

/*
 * Tunnels in tunnels, by dev_recursion_level(): where one leads back into
 * another, packets grow for ever. As much as IP_TUNNEL_RECURSION_LIMIT of newer
 * kernels, whose tunnels count themselves too: three there, five on older ones.
 */
#define MIP4_ENCAP_DEPTH	5

/*
 * RFC 2003 section 3.2: what is forwarded and claims to come from an end of the
 * tunnel has been there, or was made up. That is more than RFC 5944 section
 * 4.2.3 asks for of packets of a tunnel from the care-of address.
 */
static inline bool mip4_encap_loops(const struct sk_buff *skb,
				    const struct mip4_leg *leg)
{
	const __be32 saddr = ip_hdr(skb)->saddr;

	return unlikely(saddr == leg->key.peer || saddr == leg->key.local) &&
	       skb->skb_iif && skb->protocol == htons(ETH_P_IP);
}

/**
 * mip4_exceeds() - can a packet not pass whole?
 * @skb: starts at its IPv4 or IPv6 header; GSO packets count by segment
 * @mtu: of what lies ahead
 *
 * Return: whether it, or one of its segments, is larger.
 */
static inline bool mip4_exceeds(const struct sk_buff *skb, unsigned int mtu)
{
	return unlikely(skb->len > mtu) &&
	       !(skb_is_gso(skb) && skb_gso_validate_network_len(skb, mtu));
}

unsigned int mip4_leg_mtu(const struct mip4_leg *leg, const struct rtable *rt);
unsigned int mip4_encap_mtu(const struct sk_buff *skb,
			    const struct mip4_leg *leg,
			    const struct rtable *rt);
bool mip4_too_big(const struct sk_buff *skb, unsigned int mtu);
void mip4_encap(struct sk_buff *skb, struct mip4_leg *leg, struct rtable *rt);

#endif /* _MIP4_ENCAP_H */
