/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_LEGS_H
#define _MIP4_LEGS_H

#include <linux/rbtree.h>
#include <linux/skbuff.h>
#include <linux/types.h>
#include <linux/mip4.h>

struct mip4_binding;
struct mip4_binding_config;
struct mip4_dev;
struct mip4_leg;
struct mip4_peer;
struct netlink_ext_ack;
struct rtable;

struct mip4_legs_entry {
	struct mip4_leg __rcu *leg;	/* NULL: gone */
	u64 expires;			/* jiffies64, 0: no end */
	u8 state;			/* enum mip4_leg_state; READ_ONCE */
};

/*
 * The legs of a binding that has more than a lone active one, which needs none
 * of this. Read under RCU; in place, legs only go and a copy becomes active,
 * both under mip4_dev.lock; other changes are a new set. Freed a grace period
 * after it was replaced.
 */
struct mip4_legs {
	struct rcu_head rcu;
	struct rb_node node;		/* mip4_dev.leg_ends, if .expires */
	struct mip4_binding *binding;
	u64 expires;			/* jiffies64, first of the entries' */
	unsigned int n;
	struct mip4_legs_entry entry[];	/* the active one first */
};

/* What one packet is sent by: the active leg first, then the copies. */
struct mip4_senders {
	unsigned int n;
	unsigned int mtu;		/* that all of them carry */
	struct {
		struct mip4_leg *leg;
		struct rtable *rt;
	} to[MIP4_LEGS_MAX];
};

int mip4_legs_check(const struct mip4_binding_config *cfg, bool fresh,
		    bool served, struct netlink_ext_ack *extack);
unsigned int mip4_legs_list(const struct mip4_binding *b,
			    struct mip4_leg **list);
bool mip4_legs_keep(const struct mip4_binding_config *cfg,
		    const struct mip4_leg *leg);
bool mip4_legs_plain(const struct mip4_binding_config *cfg);
struct mip4_legs *mip4_legs_prepare(struct mip4_binding *b,
				    const struct mip4_binding_config *cfg,
				    struct netlink_ext_ack *extack);
void mip4_legs_abort(struct mip4_binding *b, struct mip4_legs *legs);
void mip4_legs_commit(struct mip4_binding *b, struct mip4_legs *legs);
void mip4_legs_del(struct mip4_binding *b);
const struct mip4_legs *mip4_legs_get(const struct mip4_binding *b,
				      struct mip4_leg **leg);
struct mip4_leg *mip4_legs_active(const struct mip4_binding *b);
bool mip4_legs_wait(const struct mip4_binding *b);
enum mip4_leg_state mip4_legs_state(const struct mip4_leg *leg);
bool mip4_legs_have_peer(const struct mip4_binding *b, __be32 peer);
struct mip4_leg *mip4_legs_find(const struct mip4_binding *b,
				const struct mip4_peer *peer, bool keyed,
				__be32 okey);
bool mip4_legs_drop_peer(struct mip4_binding *b, __be32 peer);
void mip4_legs_start(struct mip4_dev *mip);
void mip4_legs_stop(struct mip4_dev *mip);

/* handover.c */
int mip4_senders(const struct mip4_binding *b, const struct sk_buff *skb,
		 struct mip4_senders *senders);
void mip4_senders_put(struct mip4_senders *senders);
void mip4_senders_encap(struct sk_buff *skb, struct mip4_senders *senders);
void mip4_return(struct sk_buff *skb, struct mip4_leg *leg);
void mip4_returned(struct sk_buff *skb, struct mip4_leg *leg);
void mip4_resend(struct sk_buff *skb, struct mip4_binding *b);

#endif /* _MIP4_LEGS_H */
