/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_ENCAP_H
#define _MIP4_ENCAP_H

#include <linux/skbuff.h>

struct mip4_dev;
struct mip4_leg;
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

unsigned int mip4_leg_mtu(const struct mip4_leg *leg, const struct rtable *rt);
unsigned int mip4_encap_mtu(const struct sk_buff *skb,
			    const struct mip4_leg *leg,
			    const struct rtable *rt);
bool mip4_too_big(const struct sk_buff *skb, unsigned int mtu);
void mip4_encap(struct sk_buff *skb, struct mip4_leg *leg, struct rtable *rt);

#endif /* _MIP4_ENCAP_H */
