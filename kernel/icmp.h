/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_ICMP_H
#define _MIP4_ICMP_H

#include <linux/skbuff.h>

struct mip4_binding;
struct mip4_bucket;
struct mip4_dev;
struct mip4_leg;
struct mip4_port;

struct sk_buff *mip4_icmp_build(struct mip4_dev *mip, struct mip4_bucket *limit,
				const struct sk_buff *skb, __be32 saddr,
				u8 type, u8 code, __be32 info);
void mip4_icmp_to_device(const struct sk_buff *skb, struct mip4_port *port,
			 struct mip4_leg *leg, u8 type, u8 code, __be32 info);
bool mip4_icmp_echo(struct sk_buff *skb, struct mip4_port *port,
		    struct mip4_binding *b);

#endif /* _MIP4_ICMP_H */
