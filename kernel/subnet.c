// SPDX-License-Identifier: GPL-2.0-only
/*
 * Multicast and broadcast within a home prefix, for MIP4_MULTICAST_REPLICATE:
 * who else has an address of it, and a copy for each. Copies go by legs with a
 * key only, for nothing else tells the other end whose they are.
 */
#include <linux/ip.h>
#include <linux/slab.h>
#include <net/route.h>

#include "binding.h"
#include "device.h"
#include "encap.h"
#include "legs.h"
#include "peer.h"
#include "stats.h"
#include "subnet.h"

#define MIP4_SUBNET_MIN 4U

const struct rhashtable_params mip4_subnet_params = {
	.head_offset = offsetof(struct mip4_subnet, node),
	.key_offset = offsetof(struct mip4_subnet, key),
	.key_len = sizeof(struct mip4_subnet_key),
	.automatic_shrinking = true,
};

static struct mip4_subnet *mip4_subnet_find(struct mip4_dev *mip, __be32 addr,
					    u8 plen)
{
	const struct mip4_subnet_key key = {
		.prefix = addr & mip4_mask(plen),
		.plen = plen,
	};

	return rhashtable_lookup(&mip->subnets, &key, mip4_subnet_params);
}

/* For writers, who hold mip4_dev.lock. */
static struct mip4_subnet *mip4_subnet_of(struct mip4_binding *b, u8 plen)
{
	struct mip4_subnet *subnet;

	rcu_read_lock();
	subnet = mip4_subnet_find(b->mip, mip4_binding_home(b), plen);
	rcu_read_unlock();
	return subnet;
}

static bool mip4_subnet_wanted(const struct mip4_binding *b, u8 plen)
{
	return b->mip->multicast == MIP4_MULTICAST_REPLICATE && plen < 31 &&
	       !mip4_binding_served(b);
}

/* One with room for more, in place of @old if there is one. */
static struct mip4_subnet *mip4_subnet_grow(struct mip4_binding *b, u8 plen,
					    struct mip4_subnet *old)
{
	const u32 max = old ? old->max * 2 : MIP4_SUBNET_MIN;
	struct mip4_dev *mip = b->mip;
	struct mip4_subnet *subnet;
	int err, tries = 0;

	subnet = kzalloc(struct_size(subnet, member, max), GFP_KERNEL_ACCOUNT);
	if (!subnet)
		return NULL;
	subnet->key.prefix = mip4_binding_home(b) & mip4_mask(plen);
	subnet->key.plen = plen;
	subnet->max = max;
	if (old) {
		subnet->n = old->n;
		memcpy(subnet->member, old->member,
		       old->n * sizeof(*old->member));
		err = rhashtable_replace_fast(&mip->subnets, &old->node,
					      &subnet->node,
					      mip4_subnet_params);
	} else {
		do {
			err = rhashtable_insert_fast(&mip->subnets,
						     &subnet->node,
						     mip4_subnet_params);
		} while (mip4_table_retry(&mip->subnets, err, &tries));
	}
	if (err) {
		kfree(subnet);
		return NULL;
	}
	if (old)
		kfree_rcu(old, rcu);
	else
		WRITE_ONCE(mip->subnet_plens, mip->subnet_plens | BIT(plen));
	return subnet;
}

/**
 * mip4_subnet_join() - let a binding get copies
 * @b: binding, of which only routed ones on a link that replicates need this
 * @plen: length of its home prefix
 *
 * What finds no place among the first MIP4_SUBNET_MAX gets none. Context:
 * process, mip4_dev.lock held.
 *
 * Return: 0 or -ENOMEM.
 */
int mip4_subnet_join(struct mip4_binding *b, u8 plen)
{
	struct mip4_subnet *subnet;

	lockdep_assert_held(&b->mip->lock);
	if (!mip4_subnet_wanted(b, plen))
		return 0;
	subnet = mip4_subnet_of(b, plen);
	if (!subnet || (subnet->n == subnet->max &&
			subnet->max < MIP4_SUBNET_MAX)) {
		subnet = mip4_subnet_grow(b, plen, subnet);
		if (!subnet)
			return -ENOMEM;
	}
	if (subnet->n == subnet->max)
		return 0;
	rcu_assign_pointer(subnet->member[subnet->n], b);
	/* whoever sees the number sees the member */
	smp_store_release(&subnet->n, subnet->n + 1);
	return 0;
}

/**
 * mip4_subnet_leave() - undo mip4_subnet_join()
 * @b: binding, with the home prefix that it joined by
 *
 * Context: process, mip4_dev.lock held.
 */
void mip4_subnet_leave(struct mip4_binding *b)
{
	struct mip4_dev *mip = b->mip;
	struct mip4_subnet *subnet;
	struct mip4_binding *last;
	u32 i;

	lockdep_assert_held(&mip->lock);
	if (!mip4_subnet_wanted(b, b->home_plen))
		return;
	subnet = mip4_subnet_of(b, b->home_plen);
	for (i = 0; subnet && i < subnet->n; i++) {
		if (rcu_access_pointer(subnet->member[i]) != b)
			continue;
		last = rcu_dereference_protected(subnet->member[subnet->n - 1],
						 lockdep_is_held(&mip->lock));
		rcu_assign_pointer(subnet->member[i], last);
		WRITE_ONCE(subnet->n, subnet->n - 1);
		RCU_INIT_POINTER(subnet->member[subnet->n], NULL);
		break;
	}
	if (subnet && !subnet->n) {
		rhashtable_remove_fast(&mip->subnets, &subnet->node,
				       mip4_subnet_params);
		kfree_rcu(subnet, rcu);
	}
}

/**
 * mip4_subnet_policy() - change what becomes of multicast and broadcast
 * @mip: device
 * @multicast: enum mip4_multicast
 *
 * Context: process, mip4_dev.lock held or the device not yet known.
 *
 * Return: 0, or -ENOMEM and nothing changed.
 */
int mip4_subnet_policy(struct mip4_dev *mip, u8 multicast)
{
	const u8 old = mip->multicast;
	struct mip4_binding *b;
	unsigned long id;
	int err;

	if (old == multicast)
		return 0;
	if (old == MIP4_MULTICAST_REPLICATE) {
		xa_for_each(&mip->ids, id, b) {
			mip4_subnet_leave(b);
			cond_resched();
		}
	}
	WRITE_ONCE(mip->multicast, multicast);
	if (multicast != MIP4_MULTICAST_REPLICATE)
		return 0;
	xa_for_each(&mip->ids, id, b) {
		err = mip4_subnet_join(b, b->home_plen);
		if (err) {
			mip4_subnet_policy(mip, old);
			return err;
		}
		cond_resched();
	}
	return 0;
}

/*
 * The same packet for one more device; @skb stays. Return: false: no more may
 * be sent now.
 */
static bool mip4_subnet_copy_to(struct sk_buff *skb,
				struct mip4_binding *b)
{
	struct mip4_leg *leg = mip4_legs_active(b);
	struct mip4_dev *mip = b->mip;
	enum mip4_drop reason;
	struct sk_buff *copy;
	struct rtable *rt;

	if (!leg || !mip4_leg_keyed(leg))
		return true;
	if (!mip4_bucket_take(&mip->copies))
		return false;
	rt = mip4_peer_route(leg->peer);
	if (IS_ERR(rt)) {
		reason = mip4_peer_no_route(PTR_ERR(rt));
		goto drop;
	}
	reason = MIP4_DROP_TOO_BIG;
	if (mip4_too_big(skb, mip4_leg_mtu(leg, rt)))
		goto drop_route;
	reason = MIP4_DROP_NO_MEMORY;
	copy = skb_clone(skb, GFP_ATOMIC);
	if (!copy)
		goto drop_route;
	skb_clear_tstamp(copy);
	mip4_binding_down(b, copy);
	mip4_encap(copy, leg, rt);
	return true;

drop_route:
	ip_rt_put(rt);
drop:
	mip4_count_drop(mip, b, reason);
	return true;
}

static void mip4_subnet_copies(struct sk_buff *skb, struct mip4_dev *mip,
			       struct mip4_subnet *subnet,
			       struct mip4_binding *from)
{
	/* pairs with mip4_subnet_join() */
	const u32 n = smp_load_acquire(&subnet->n);
	struct mip4_binding *b;
	u32 i;

	for (i = 0; i < n; i++) {
		b = rcu_dereference(subnet->member[i]);
		if (b && b != from && !mip4_subnet_copy_to(skb, b)) {
			mip4_count_drop(mip, from, MIP4_DROP_MULTICAST);
			break;
		}
	}
}

/**
 * mip4_subnet_copy() - give what a device sends to its home link's others
 * @skb: decapsulated, starts at a checked IPv4 header; stays
 * @from: binding of the device, which gets none
 *
 * RFC 5563 section 6.5. Context: bottom halves off, RCU.
 */
void mip4_subnet_copy(struct sk_buff *skb, struct mip4_binding *from)
{
	const u8 plen = READ_ONCE(from->home_plen);
	struct mip4_subnet *subnet;

	if (plen >= 31)
		return;
	subnet = mip4_subnet_find(from->mip, mip4_binding_home(from), plen);
	if (subnet)
		mip4_subnet_copies(skb, from->mip, subnet, from);
}

/**
 * mip4_subnet_xmit() - is what the stack sends for all of a home prefix?
 * @skb: starts at a checked IPv4 header; stays
 * @mip: device, which replicates
 *
 * That is so for multicast and broadcast from an address of the prefix, as the
 * gateway's is, and for its last address, but then only of what is our own:
 * whoever is elsewhere could have one packet made many (RFC 2644 section 4).
 * Context: bottom halves off, RCU.
 *
 * Return: whether it is; it was sent then.
 */
bool mip4_subnet_xmit(struct sk_buff *skb, struct mip4_dev *mip)
{
	const struct iphdr *iph = ip_hdr(skb);
	const bool group = ipv4_is_multicast(iph->daddr) ||
			   ipv4_is_lbcast(iph->daddr);
	unsigned long plens = READ_ONCE(mip->subnet_plens);
	struct mip4_subnet *subnet;
	int plen;

	if (!group && skb->skb_iif)
		return false;
	for_each_set_bit(plen, &plens, 31) {
		if (!group && iph->daddr != (iph->daddr | ~mip4_mask(plen)))
			continue;
		subnet = mip4_subnet_find(mip, group ? iph->saddr : iph->daddr,
					  plen);
		if (!subnet)
			continue;
		mip4_subnet_copies(skb, mip, subnet, NULL);
		return true;
	}
	return false;
}
