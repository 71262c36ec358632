// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames of devices that have no binding yet: reported, and held for a moment
 * so that what a device sends first isn't lost, nor leaks into the stack. And
 * packets whose binding has no leg yet that they could leave by.
 */
#include <linux/etherdevice.h>
#include <linux/jhash.h>
#include <linux/mm.h>
#include <linux/random.h>

#include "binding.h"
#include "device.h"
#include "event.h"
#include "hold.h"
#include "legs.h"
#include "port.h"
#include "stats.h"
#include "uplink.h"
#include "xmit.h"

struct mip4_hold_mac {
	struct hlist_node node;
	struct list_head lru;		/* mip4_hold.idle or .busy */
	struct sk_buff_head frames;	/* its own lock is not used */
	unsigned long event;		/* jiffies of the last report, 0: none */
	u8 mac[ETH_ALEN];
};

struct mip4_hold_cb {
	unsigned long since;		/* jiffies */
	struct mip4_demux_key came;	/* by that leg; zero: by none */
};

struct mip4_hold_bounds {
	u32 each;
	u32 frames;
	u32 bytes;
};

static const struct mip4_hold_bounds mip4_hold_for_macs = {
	.each = MIP4_HOLD_PER_MAC,
	.frames = MIP4_HOLD_FRAMES,
	.bytes = MIP4_HOLD_BYTES,
};

static const struct mip4_hold_bounds mip4_hold_for_bindings = {
	.each = MIP4_HOLD_PER_BINDING,
	.frames = MIP4_HOLD_LEG_FRAMES,
	.bytes = MIP4_HOLD_LEG_BYTES,
};

static struct mip4_hold_cb *mip4_hold_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct mip4_hold_cb) > sizeof(skb->cb));
	return (struct mip4_hold_cb *)skb->cb;
}

static struct hlist_head *mip4_hold_bucket(struct mip4_hold *hold,
					   const u8 *mac)
{
	return &hold->buckets[jhash(mac, ETH_ALEN, hold->seed) %
			      MIP4_HOLD_BUCKETS];
}

static struct mip4_hold_mac *mip4_hold_find(struct mip4_hold *hold,
					    const u8 *mac)
{
	struct mip4_hold_mac *entry;

	hlist_for_each_entry(entry, mip4_hold_bucket(hold, mac), node) {
		if (ether_addr_equal(entry->mac, mac))
			return entry;
	}
	return NULL;
}

/* Find or make the entry of a MAC; NULL when all others hold frames. */
static struct mip4_hold_mac *mip4_hold_get(struct mip4_hold *hold,
					   const u8 *mac)
{
	struct mip4_hold_mac *entry = mip4_hold_find(hold, mac);

	if (!entry) {
		if (list_empty(&hold->idle))
			return NULL;
		entry = list_last_entry(&hold->idle, struct mip4_hold_mac, lru);
		hlist_del_init(&entry->node);
		ether_addr_copy(entry->mac, mac);
		entry->event = 0;
		hlist_add_head(&entry->node, mip4_hold_bucket(hold, mac));
	}
	if (skb_queue_empty(&entry->frames))
		list_move(&entry->lru, &hold->idle);
	return entry;
}

/* Takes the frame, whatever becomes of it. */
static void mip4_hold_queue(struct mip4_hold *hold, struct mip4_hold_mac *entry,
			    struct sk_buff *skb,
			    const struct mip4_hold_bounds *max)
{
	if (!entry || hold->frames >= max->frames || hold->bytes > max->bytes ||
	    skb->truesize > max->bytes - hold->bytes ||
	    skb_queue_len(&entry->frames) >= max->each) {
		mip4_drop(hold->mip, NULL, skb, MIP4_DROP_HOLD_FULL);
		return;
	}
	/* pages of a sender that waits for them, as vhost's, aren't kept */
	if (skb_orphan_frags_rx(skb, GFP_ATOMIC)) {
		mip4_drop(hold->mip, NULL, skb, MIP4_DROP_NO_MEMORY);
		return;
	}
	mip4_hold_cb(skb)->since = jiffies;
	if (skb_queue_empty(&entry->frames))
		list_move(&entry->lru, &hold->busy);
	__skb_queue_tail(&entry->frames, skb);
	if (!hold->frames)
		queue_delayed_work(mip4_wq, &hold->work, MIP4_HOLD_TIME);
	WRITE_ONCE(hold->frames, hold->frames + 1);
	hold->bytes += skb->truesize;
}

static struct sk_buff *mip4_hold_dequeue(struct mip4_hold *hold,
					 struct mip4_hold_mac *entry)
{
	struct sk_buff *skb = __skb_dequeue(&entry->frames);

	if (!skb)
		return NULL;
	if (skb_queue_empty(&entry->frames))
		list_move(&entry->lru, &hold->idle);
	WRITE_ONCE(hold->frames, hold->frames - 1);
	hold->bytes -= skb->truesize;
	return skb;
}

/* Drop what waited too long and come back when the next is due. */
static void mip4_hold_work(struct work_struct *work)
{
	struct mip4_hold *hold = container_of(to_delayed_work(work),
					      struct mip4_hold, work);
	unsigned long now = jiffies, next = MIP4_HOLD_TIME, age;
	struct mip4_hold_mac *entry, *tmp;
	struct sk_buff *skb;

	spin_lock_bh(&hold->lock);
	list_for_each_entry_safe(entry, tmp, &hold->busy, lru) {
		while ((skb = skb_peek(&entry->frames))) {
			age = now - mip4_hold_cb(skb)->since;
			if (age < MIP4_HOLD_TIME) {
				next = min(next, MIP4_HOLD_TIME - age);
				break;
			}
			mip4_hold_dequeue(hold, entry);
			mip4_drop(hold->mip, NULL, skb, MIP4_DROP_HOLD_EXPIRED);
		}
	}
	if (hold->frames)
		queue_delayed_work(mip4_wq, &hold->work, next);
	spin_unlock_bh(&hold->lock);
}

/**
 * mip4_hold_init() - prepare the hold of a new port or link
 * @hold: zeroed part of it
 * @mip: link
 *
 * Return: 0 or -ENOMEM.
 */
int mip4_hold_init(struct mip4_hold *hold, struct mip4_dev *mip)
{
	int i;

	hold->macs = kvcalloc(MIP4_HOLD_MACS, sizeof(*hold->macs), GFP_KERNEL);
	if (!hold->macs)
		return -ENOMEM;
	spin_lock_init(&hold->lock);
	hold->mip = mip;
	hold->seed = get_random_u32();
	INIT_LIST_HEAD(&hold->idle);
	INIT_LIST_HEAD(&hold->busy);
	INIT_DELAYED_WORK(&hold->work, mip4_hold_work);
	for (i = 0; i < MIP4_HOLD_MACS; i++) {
		INIT_HLIST_NODE(&hold->macs[i].node);
		__skb_queue_head_init(&hold->macs[i].frames);
		list_add_tail(&hold->macs[i].lru, &hold->idle);
	}
	return 0;
}

/**
 * mip4_hold_stop() - undo mip4_hold_init()
 * @hold: which no packet can reach any longer
 *
 * Context: process.
 */
void mip4_hold_stop(struct mip4_hold *hold)
{
	struct sk_buff *skb;
	int i;

	cancel_delayed_work_sync(&hold->work);
	local_bh_disable();
	for (i = 0; i < MIP4_HOLD_MACS; i++) {
		while ((skb = mip4_hold_dequeue(hold, &hold->macs[i])))
			mip4_drop(hold->mip, NULL, skb, MIP4_DROP_HOLD_EXPIRED);
	}
	local_bh_enable();
	kvfree(hold->macs);
}

/**
 * mip4_hold_unknown() - deal with a frame of an unbound device
 * @port: where it came in
 * @skb: frame, mac_header set if the port has one
 * @frame: what is known of it
 * @taken: set when the frame was consumed by the hold
 *
 * Reports the device, once a second as long as there is an entry for it and
 * else as often as the port may report, and holds the frame if the port wants
 * that. Context: bottom halves off, RCU.
 *
 * Return: the binding that has just been made, if so; then nothing was done.
 */
struct mip4_binding *mip4_hold_unknown(struct mip4_port *port,
				       struct sk_buff *skb,
				       const struct mip4_unknown_frame *frame,
				       bool *taken)
{
	const bool holds = READ_ONCE(port->unknown) == MIP4_UNKNOWN_HOLD;
	struct mip4_hold *hold = &port->hold;
	struct mip4_hold_mac *entry;
	struct mip4_binding *b;
	bool report = false;
	u8 mac[ETH_ALEN];

	*taken = false;
	ether_addr_copy(mac, mip4_port_source(port, skb));
	spin_lock(&hold->lock);
	/* mip4_hold_replay() ends under the lock: what it missed sees this */
	b = mip4_binding_by_mac(port->mip, port->dev->ifindex, mac);
	if (b) {
		spin_unlock(&hold->lock);
		return b;
	}
	atomic64_inc(&port->unknown_frames);
	entry = mip4_hold_get(hold, mac);
	if (!frame->heard &&
	    (!entry || !entry->event ||
	     time_after_eq(jiffies, entry->event + HZ)) &&
	    mip4_event_wanted(port->mip, &port->unknown_events)) {
		report = true;
		if (entry)
			entry->event = jiffies ?: 1;
	}
	if (holds && frame->holdable) {
		mip4_hold_queue(hold, entry, skb, &mip4_hold_for_macs);
		*taken = true;
	}
	spin_unlock(&hold->lock);
	if (report)
		mip4_event_unknown(port, mac, frame->ethertype, frame->saddr);
	return NULL;
}

/**
 * mip4_hold_behind() - put a frame behind those that wait or are replayed
 * @port: where it came in
 * @b: binding of its source
 * @skb: frame, consumed when true is returned
 *
 * Context: bottom halves off, RCU.
 *
 * Return: false when there is nothing ahead of it any longer.
 */
bool mip4_hold_behind(struct mip4_port *port, struct mip4_binding *b,
		      struct sk_buff *skb)
{
	struct mip4_hold *hold = &port->hold;
	bool replay;

	spin_lock(&hold->lock);
	replay = b->replay;
	if (replay)
		mip4_hold_queue(hold,
				mip4_hold_get(hold, mip4_port_source(port, skb)),
				skb, &mip4_hold_for_bindings);
	spin_unlock(&hold->lock);
	return replay;
}

/* By what a hold tells bindings apart. */
static void mip4_hold_key(const struct mip4_binding *b, u8 *key)
{
	if (mip4_binding_served(b)) {
		ether_addr_copy(key, b->mac.mac);
		return;
	}
	eth_zero_addr(key);
	memcpy(key, &b->id, sizeof(b->id));
}

/* Has a packet nowhere to go but where it came from, or nowhere at all yet? */
static bool mip4_hold_stuck(const struct mip4_binding *b,
			    const struct mip4_demux_key *came)
{
	const struct mip4_leg *active = mip4_legs_active(b);

	if (!active)
		return mip4_legs_wait(b);
	return !memcmp(&active->key, came, sizeof(*came));
}

/**
 * mip4_hold_routed() - let a packet for a routed binding wait for a leg
 * @b: the binding
 * @skb: starts at its IPv4 header, consumed when true is returned
 * @came: leg by which it came back, or NULL
 *
 * One that came back also waits behind those that did so before it. Context:
 * bottom halves off, RCU.
 *
 * Return: false when nothing is in its way.
 */
bool mip4_hold_routed(struct mip4_binding *b, struct sk_buff *skb,
		      const struct mip4_leg *came)
{
	struct mip4_hold *hold = &b->mip->hold;
	struct mip4_demux_key by = {};
	struct mip4_hold_mac *entry;
	u8 key[ETH_ALEN];
	bool waits;

	if (came)
		by = came->key;
	mip4_hold_key(b, key);
	spin_lock(&hold->lock);
	entry = mip4_hold_find(hold, key);
	/* mip4_hold_replay() ends under the lock: what it missed sees its leg */
	waits = mip4_hold_stuck(b, &by) ||
		(came && (b->replay ||
			  (entry && !skb_queue_empty(&entry->frames))));
	if (waits) {
		const int iif = skb->skb_iif;

		skb_orphan(skb);
		/* what it holds of devices and connections would wait with it */
		skb_scrub_packet(skb, false);
		skb_clear_tstamp(skb);
		/* mip4_encap_loops() has yet to ask for it */
		skb->skb_iif = iif;
		mip4_hold_cb(skb)->came = by;
		mip4_hold_queue(hold, mip4_hold_get(hold, key), skb,
				&mip4_hold_for_bindings);
	}
	spin_unlock(&hold->lock);
	return waits;
}

static void mip4_hold_forward(struct mip4_port *port, struct mip4_binding *b,
			      struct sk_buff *skb)
{
	static const struct mip4_demux_key none;

	local_bh_disable();
	rcu_read_lock();
	if (port)
		mip4_uplink_bound(skb, port, b);
	else if (!memcmp(&mip4_hold_cb(skb)->came, &none, sizeof(none)))
		mip4_xmit_legs(skb, b, false);
	else
		mip4_resend(skb, b);
	rcu_read_unlock();
	local_bh_enable();
}

/* The next frame of a binding, unless it is stuck. */
static struct sk_buff *mip4_hold_next(struct mip4_hold *hold,
				      struct mip4_binding *b)
{
	struct mip4_hold_mac *entry;
	u8 key[ETH_ALEN];

	mip4_hold_key(b, key);
	entry = mip4_hold_find(hold, key);
	if (!entry || skb_queue_empty(&entry->frames) ||
	    (!mip4_binding_served(b) &&
	     mip4_hold_stuck(b, &mip4_hold_cb(skb_peek(&entry->frames))->came)))
		return NULL;
	return mip4_hold_dequeue(hold, entry);
}

/* Once it has left again, its next frame is news. */
static void mip4_hold_known(struct mip4_hold *hold, const u8 *mac)
{
	struct mip4_hold_mac *entry;

	spin_lock_bh(&hold->lock);
	entry = mip4_hold_find(hold, mac);
	if (entry)
		entry->event = 0;
	spin_unlock_bh(&hold->lock);
}

/**
 * mip4_hold_replay() - forward what waited for a binding or its leg, in order
 * @b: binding in the table, with a leg that isn't only pending; .replay is set
 *     if it is a served one
 *
 * Who sends as fast as this forwards is not waited for: what it sends after
 * MIP4_HOLD_REPLAY frames may overtake the rest.
 * Context: process, mip4_dev.lock held.
 */
void mip4_hold_replay(struct mip4_binding *b)
{
	struct mip4_hold *hold = &b->mip->hold;
	struct mip4_port *port;
	struct sk_buff_head rest;
	struct sk_buff *skb;
	int i;

	port = rcu_dereference_protected(b->port,
					 lockdep_is_held(&b->mip->lock));
	if (port) {
		hold = &port->hold;
		mip4_hold_known(hold, b->mac.mac);
	}
	for (i = 0; i < MIP4_HOLD_REPLAY; i++) {
		spin_lock_bh(&hold->lock);
		skb = mip4_hold_next(hold, b);
		WRITE_ONCE(b->replay, !!skb);
		spin_unlock_bh(&hold->lock);
		if (!skb)
			return;
		mip4_hold_forward(port, b, skb);
	}

	__skb_queue_head_init(&rest);
	spin_lock_bh(&hold->lock);
	while ((skb = mip4_hold_next(hold, b)))
		__skb_queue_tail(&rest, skb);
	WRITE_ONCE(b->replay, false);
	spin_unlock_bh(&hold->lock);
	while ((skb = __skb_dequeue(&rest)))
		mip4_hold_forward(port, b, skb);
}
