/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_MINIMAL_H
#define _MIP4_MINIMAL_H

#include <linux/skbuff.h>
#include <net/ip.h>

struct mip4_leg;
struct rtable;

/* no header of the kernel's names it */
#define MIP4_IPPROTO_MINIMAL	55
/* the original source is present; other bits are ignored */
#define MIP4_MINIMAL_SOURCE	0x80

/* RFC 2004 section 3; behind the IPv4 header, options included. */
struct mip4_minimal_hdr {
	u8 protocol;
	u8 flags;
	__sum16 check;			/* of this header alone */
	__be32 daddr;
	__be32 saddr;			/* with MIP4_MINIMAL_SOURCE only */
};

/*
 * Is there room for what a packet is? Only for IPv4, and not for a fragment: RFC
 * 2004 section 3.
 * Nor are options ours to expose: routers of the tunnel would act on them.
 */
static inline bool mip4_minimal_carries(const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);

	return skb->protocol == htons(ETH_P_IP) && iph->ihl == 5 &&
	       !ip_is_fragment(iph);
}

bool mip4_minimal_fits(const struct sk_buff *skb, unsigned int mtu);
void mip4_minimal_xmit(struct sk_buff *skb, struct mip4_leg *leg,
		       struct rtable *rt);
int mip4_minimal_claim(void);
void mip4_minimal_exit(void);

#endif /* _MIP4_MINIMAL_H */
