/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_OUTER_ICMP_H
#define _MIP4_OUTER_ICMP_H

struct net;
struct sk_buff;

void mip4_outer_icmp(struct sk_buff *skb, struct net *net);

#endif /* _MIP4_OUTER_ICMP_H */
