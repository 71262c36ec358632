/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_RECEIVE_H
#define _MIP4_RECEIVE_H

struct mip4_dev;
struct mip4_leg;
struct net;
struct sk_buff;

bool mip4_receive_link(const struct mip4_dev *mip, const struct sk_buff *skb);
void mip4_receive(struct sk_buff *skb, struct mip4_leg *leg, __be16 proto,
		  unsigned int hlen, bool back);
int mip4_receive_hook(struct net *net);
void mip4_receive_unhook(struct net *net);
int mip4_receive_init(void);
void mip4_receive_exit(void);

#endif /* _MIP4_RECEIVE_H */
