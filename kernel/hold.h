/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_HOLD_H
#define _MIP4_HOLD_H

#include <linux/if_ether.h>
#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

struct mip4_binding;
struct mip4_dev;
struct mip4_hold_mac;
struct mip4_leg;
struct mip4_port;

/* For MACs without binding */
#define MIP4_HOLD_FRAMES	256	/* per port */
#define MIP4_HOLD_BYTES		SZ_1M	/* per port, of memory */
#define MIP4_HOLD_PER_MAC	16
/* For bindings: more, so that strangers can't take it from them */
#define MIP4_HOLD_LEG_FRAMES	2048	/* per port or link, all that wait */
#define MIP4_HOLD_LEG_BYTES	SZ_4M
#define MIP4_HOLD_PER_BINDING	256
#define MIP4_HOLD_BINDINGS	64	/* at least, at the same time */

#define MIP4_HOLD_BUCKETS	64
#define MIP4_HOLD_MACS		(MIP4_HOLD_FRAMES + MIP4_HOLD_BINDINGS)
#define MIP4_HOLD_REPLAY	(2 * MIP4_HOLD_PER_BINDING)
#define MIP4_HOLD_TIME		(2 * HZ)

/*
 * What a port knows of source MACs without binding: when one was last
 * reported, and the frames that wait for its binding, or for a leg of that
 * which sends. A link has one for its routed bindings, by their id instead of
 * a MAC. Bounded, allocated with port or link; the MAC that was silent longest
 * makes room, but never one with frames. All under .lock, with bottom halves
 * off.
 */
struct mip4_hold {
	spinlock_t lock;		/* all of this */
	struct mip4_dev *mip;
	u32 seed;
	u32 frames;			/* waiting; READ_ONCE from anywhere */
	u32 bytes;			/* their truesize */
	struct hlist_head buckets[MIP4_HOLD_BUCKETS];
	struct list_head idle;		/* without frames, most recent first */
	struct list_head busy;		/* with frames */
	struct mip4_hold_mac *macs;
	struct delayed_work work;
};

/* A frame of an unbound source MAC, as far as it was looked at. */
struct mip4_unknown_frame {
	__be32 saddr;			/* of its IPv4 or ARP header, or 0 */
	u16 ethertype;
	bool holdable;			/* worth waiting for a binding */
	bool heard;			/* the agent's own socket reports it, with more in it */
};

int mip4_hold_init(struct mip4_hold *hold, struct mip4_dev *mip);
void mip4_hold_stop(struct mip4_hold *hold);
struct mip4_binding *mip4_hold_unknown(struct mip4_port *port,
				       struct sk_buff *skb,
				       const struct mip4_unknown_frame *frame,
				       bool *taken);
bool mip4_hold_behind(struct mip4_port *port, struct mip4_binding *b,
		      struct sk_buff *skb);
bool mip4_hold_routed(struct mip4_binding *b, struct sk_buff *skb,
		      const struct mip4_leg *came);
void mip4_hold_replay(struct mip4_binding *b);

#endif /* _MIP4_HOLD_H */
