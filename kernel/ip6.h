/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_IP6_H
#define _MIP4_IP6_H

#include <linux/ipv6.h>
#include <linux/skbuff.h>

#include "prefix.h"
#include "stats.h"

struct mip4_binding;
struct mip4_dev;

static inline bool mip4_is_ip6(const struct sk_buff *skb)
{
	return skb->protocol == htons(ETH_P_IPV6);
}

static inline struct mip4_prefix_key mip4_ip6_key(const struct in6_addr *addr)
{
	return (struct mip4_prefix_key) {
		.family = AF_INET6,
		.plen = 128,
		.ip6 = *addr,
	};
}

bool mip4_ip6_header(struct sk_buff *skb);
struct mip4_binding *mip4_ip6_find(struct mip4_dev *mip, u32 realm,
				   const struct in6_addr *addr);
bool mip4_ip6_owns(const struct mip4_binding *b, const struct in6_addr *addr);
bool mip4_ip6_icmp_type(const struct sk_buff *skb, u8 *type);
int mip4_ip6_lower_hops(struct sk_buff *skb);
void mip4_ip6_tell(struct sk_buff *skb, u8 type, u8 code, u32 info);
bool mip4_ip6_xmit(struct sk_buff *skb, struct mip4_dev *mip,
		   struct mip4_binding **b, enum mip4_drop *reason);

#endif /* _MIP4_IP6_H */
