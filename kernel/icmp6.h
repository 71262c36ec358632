/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_ICMP6_H
#define _MIP4_ICMP6_H

#include <linux/in6.h>
#include <linux/skbuff.h>

struct mip4_binding;
struct mip4_bucket;
struct mip4_dev;
struct mip4_port;

void mip4_icmp6_router(const struct mip4_port *port, struct in6_addr *addr);
struct sk_buff *mip4_icmp6_build(struct mip4_dev *mip,
				 struct mip4_bucket *limit,
				 const struct sk_buff *skb,
				 const struct in6_addr *saddr, u8 type, u8 code,
				 u32 info);
void mip4_icmp6_to_device(const struct sk_buff *skb, struct mip4_port *port,
			  struct mip4_binding *b, u8 type, u8 code, u32 info);

#endif /* _MIP4_ICMP6_H */
