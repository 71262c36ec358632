// SPDX-License-Identifier: GPL-2.0-only
/* Addresses and prefixes behind bindings, beside their home addresses. */
#include <linux/slab.h>
#include <net/ipv6.h>

#include "binding.h"
#include "device.h"
#include "leg.h"
#include "legs.h"
#include "net.h"
#include "netlink.h"
#include "prefix.h"

const struct rhashtable_params mip4_prefix_params = {
	.head_offset = offsetof(struct mip4_prefix, node),
	.key_offset = offsetof(struct mip4_prefix, key),
	.key_len = sizeof(struct mip4_prefix_key),
	.automatic_shrinking = true,
};

const struct rhashtable_params mip4_shared_prefix_params = {
	.head_offset = offsetof(struct mip4_prefix, shared.rhead),
	.key_offset = offsetof(struct mip4_prefix, key.family),
	.key_len = sizeof(struct mip4_prefix_key) -
		   offsetof(struct mip4_prefix_key, family),
	.automatic_shrinking = true,
};

/* The next shorter length in use, 0: none. */
static unsigned int mip4_plen_below(const struct mip4_plens *plens,
				    unsigned int plen)
{
	const unsigned int below = find_last_bit(plens->used, plen);

	return below < plen ? below : 0;
}

#define mip4_for_each_plen(plen, plens)					\
	for (plen = mip4_plen_below(plens, MIP4_PLEN_MAX + 1); plen;	\
	     plen = mip4_plen_below(plens, plen))

static void mip4_plen_get(struct mip4_plens *plens, u8 plen)
{
	if (!plens->count[plen]++)
		set_bit(plen, plens->used);
}

static void mip4_plen_put(struct mip4_plens *plens, u8 plen)
{
	if (!--plens->count[plen])
		clear_bit(plen, plens->used);
}

/* Of two, by family. */
static unsigned int mip4_plens_index(const struct mip4_prefix_key *key)
{
	return key->family == AF_INET6;
}

/**
 * mip4_prefix_mask() - clear the host bits of a prefix
 * @key: prefix
 */
void mip4_prefix_mask(struct mip4_prefix_key *key)
{
	const struct in6_addr addr = key->ip6;

	if (key->family == AF_INET)
		key->ip &= htonl(~0ULL << (32 - key->plen));
	else
		ipv6_addr_prefix(&key->ip6, &addr, key->plen);
}

/**
 * mip4_prefix_covers() - is an address or prefix part of another?
 * @prefix: the larger one
 * @addr: the smaller one
 *
 * Return: whether it is, whatever their realms.
 */
bool mip4_prefix_covers(const struct mip4_prefix_key *prefix,
			const struct mip4_prefix_key *addr)
{
	struct mip4_prefix_key key = *addr;

	if (addr->family != prefix->family || addr->plen < prefix->plen)
		return false;
	key.plen = prefix->plen;
	mip4_prefix_mask(&key);
	return mip4_prefix_equal(prefix, &key);
}

/**
 * mip4_prefix_owner() - whose is just this address or prefix?
 * @mip: device
 * @key: address or prefix; a home address is one of 32 bits
 *
 * Context: RCU.
 *
 * Return: the binding or NULL.
 */
struct mip4_binding *mip4_prefix_owner(struct mip4_dev *mip,
				       const struct mip4_prefix_key *key)
{
	struct mip4_binding *b = NULL;
	struct mip4_prefix *prefix;

	if (key->family == AF_INET && key->plen == 32)
		b = mip4_binding_by_addr(mip, key->realm, key->ip);
	if (b)
		return b;
	prefix = rhashtable_lookup(&mip->prefixes, key, mip4_prefix_params);
	return prefix ? prefix->binding : NULL;
}

/**
 * mip4_prefix_find() - whose is an address by longest match?
 * @mip: device
 * @addr: address, of all its bits; not a home address
 *
 * Context: RCU.
 *
 * Return: the binding or NULL.
 */
struct mip4_binding *mip4_prefix_find(struct mip4_dev *mip,
				      const struct mip4_prefix_key *addr)
{
	const struct mip4_plens *plens = &mip->plens[mip4_plens_index(addr)];
	struct mip4_prefix_key key = *addr;
	struct mip4_prefix *prefix;
	unsigned int plen;

	mip4_for_each_plen(plen, plens) {
		key.plen = plen;
		mip4_prefix_mask(&key);
		prefix = rhashtable_lookup(&mip->prefixes, &key,
					   mip4_prefix_params);
		if (prefix)
			return prefix->binding;
	}
	return NULL;
}

/**
 * mip4_prefix_leg() - the leg of a binding that an outer header means
 * @mn: underlay
 * @key: outer header, without a GRE key
 * @b: binding
 *
 * Context: RCU.
 *
 * Return: the leg or NULL.
 */
struct mip4_leg *mip4_prefix_leg(struct mip4_net *mn,
				 const struct mip4_demux_key *key,
				 const struct mip4_binding *b)
{
	struct mip4_demux_key home = *key;
	struct rhlist_head *list, *pos;
	struct mip4_leg *leg;

	home.inner = mip4_binding_home(b);
	list = rhltable_lookup(&mn->demux, &home, mip4_demux_params);
	rhl_for_each_entry_rcu(leg, pos, list, node) {
		if (leg->binding == b)
			return leg;
	}
	return NULL;
}

/**
 * mip4_prefix_demux() - whose is a packet without a GRE key?
 * @mn: underlay it came from
 * @key: its outer header, and which direction is asked for
 * @addr: its inner address, of all its bits, which is no binding's home address
 *
 * Context: RCU.
 *
 * Return: the leg of that tunnel whose binding has the longest match in its
 * realm, or NULL.
 */
struct mip4_leg *mip4_prefix_demux(struct mip4_net *mn,
				   struct mip4_demux_key *key,
				   const struct mip4_prefix_key *addr)
{
	const struct mip4_plens *plens = &mn->plens[mip4_plens_index(addr)];
	const bool served = key->flags & MIP4_DEMUX_TO_DEVICE;
	struct mip4_prefix_key masked = *addr;
	struct rhlist_head *list, *pos;
	struct mip4_prefix *prefix;
	struct mip4_leg *leg;
	unsigned int plen;

	mip4_for_each_plen(plen, plens) {
		masked.plen = plen;
		mip4_prefix_mask(&masked);
		list = rhltable_lookup(&mn->prefixes, &masked.family,
				       mip4_shared_prefix_params);
		rhl_for_each_entry_rcu(prefix, pos, list, shared) {
			struct mip4_binding *b = prefix->binding;

			if (mip4_binding_served(b) != served)
				continue;
			leg = mip4_prefix_leg(mn, key, b);
			if (leg && mip4_binding_owns(b, addr))
				return leg;
		}
	}
	return NULL;
}

/**
 * mip4_prefix_clash() - whose prefix, in another device or realm, has an address?
 * @mn: underlay
 * @key: outer header without a GRE key, and which direction
 * @addr: address, of all its bits
 * @b: binding that is to have it
 *
 * Context: RCU.
 *
 * Return: a binding with a leg of that tunnel, or NULL.
 */
struct mip4_binding *mip4_prefix_clash(struct mip4_net *mn,
				       const struct mip4_demux_key *key,
				       const struct mip4_prefix_key *addr,
				       const struct mip4_binding *b)
{
	const struct mip4_plens *plens = &mn->plens[mip4_plens_index(addr)];
	struct mip4_prefix_key masked = *addr;
	struct rhlist_head *list, *pos;
	struct mip4_prefix *prefix;
	unsigned int plen;

	mip4_for_each_plen(plen, plens) {
		masked.plen = plen;
		mip4_prefix_mask(&masked);
		list = rhltable_lookup(&mn->prefixes, &masked.family,
				       mip4_shared_prefix_params);
		rhl_for_each_entry_rcu(prefix, pos, list, shared) {
			struct mip4_binding *other = prefix->binding;

			if (mip4_binding_cross(b, other) &&
			    mip4_binding_served(other) ==
			    mip4_binding_served(b) &&
			    mip4_prefix_leg(mn, key, other))
				return other;
		}
	}
	return NULL;
}

/* For writers, who hold mip4_dev.lock. */
static struct mip4_prefixes *mip4_prefixes_of(const struct mip4_binding *b)
{
	return rcu_dereference_protected(b->prefixes,
					 lockdep_is_held(&b->mip->lock));
}

static struct mip4_prefix *mip4_prefixes_get(const struct mip4_prefixes *set,
					     const struct mip4_prefix_key *key)
{
	unsigned int i;

	for (i = 0; set && i < set->n; i++) {
		if (mip4_prefix_equal(&set->prefix[i]->key, key))
			return set->prefix[i];
	}
	return NULL;
}

/**
 * mip4_binding_owns() - is an address a binding's by longest match?
 * @b: binding
 * @addr: address, of all its bits; its realm doesn't count
 *
 * Context: RCU.
 *
 * Return: whether it is.
 */
bool mip4_binding_owns(const struct mip4_binding *b,
		       const struct mip4_prefix_key *addr)
{
	struct mip4_prefix_key key = *addr;

	if (!rcu_access_pointer(b->prefixes))
		return false;
	key.realm = b->addr.realm;
	/* some other binding's home address may be within a prefix */
	if (key.family == AF_INET &&
	    mip4_binding_by_addr(b->mip, key.realm, key.ip))
		return false;
	return mip4_prefix_find(b->mip, &key) == b;
}

/**
 * mip4_binding_owns_ip() - mip4_binding_owns() for IPv4
 * @b: binding
 * @addr: address
 *
 * Context: RCU.
 *
 * Return: whether it is.
 */
bool mip4_binding_owns_ip(const struct mip4_binding *b, __be32 addr)
{
	const struct mip4_prefix_key key = mip4_ip_key(addr);

	return mip4_binding_owns(b, &key);
}

/**
 * mip4_prefixes_cover() - is an address or prefix part of any of a binding's?
 * @b: binding
 * @addr: address or prefix; its realm doesn't count
 *
 * Context: RCU or mip4_dev.lock.
 *
 * Return: whether it is, also when another binding has a longer match.
 */
bool mip4_prefixes_cover(const struct mip4_binding *b,
			 const struct mip4_prefix_key *addr)
{
	const struct mip4_prefixes *set;
	unsigned int i;

	if (addr->family == AF_INET && addr->plen == 32 &&
	    addr->ip == mip4_binding_home(b))
		return true;
	set = rcu_dereference_check(b->prefixes,
				    lockdep_is_held(&b->mip->lock));
	for (i = 0; set && i < set->n; i++) {
		if (mip4_prefix_covers(&set->prefix[i]->key, addr))
			return true;
	}
	return false;
}

/**
 * mip4_prefixes_overlap() - has a binding part of a prefix, or all and more?
 * @b: binding
 * @addr: address or prefix; its realm doesn't count
 *
 * Context: RCU.
 *
 * Return: whether it has.
 */
bool mip4_prefixes_overlap(const struct mip4_binding *b,
			   const struct mip4_prefix_key *addr)
{
	const struct mip4_prefix_key home = mip4_ip_key(mip4_binding_home(b));
	const struct mip4_prefixes *set = rcu_dereference(b->prefixes);
	unsigned int i;

	if (mip4_prefixes_cover(b, addr) || mip4_prefix_covers(addr, &home))
		return true;
	for (i = 0; set && i < set->n; i++) {
		if (mip4_prefix_covers(addr, &set->prefix[i]->key))
			return true;
	}
	return false;
}

/* Out of the tables. */
static void mip4_prefix_remove(struct mip4_prefix *prefix)
{
	const unsigned int i = mip4_plens_index(&prefix->key);
	struct mip4_dev *mip = prefix->binding->mip;
	struct mip4_net *mn = mip->mn;

	rhashtable_remove_fast(&mip->prefixes, &prefix->node,
			       mip4_prefix_params);
	mip4_plen_put(&mip->plens[i], prefix->key.plen);
	rhltable_remove(&mn->prefixes, &prefix->shared,
			mip4_shared_prefix_params);
	mip4_plen_put(&mn->plens[i], prefix->key.plen);
	kfree_rcu(prefix, rcu);
}

static int mip4_prefix_insert(struct mip4_prefix *prefix)
{
	const unsigned int i = mip4_plens_index(&prefix->key);
	struct mip4_dev *mip = prefix->binding->mip;
	struct mip4_net *mn = mip->mn;
	int err, tries = 0;

	do {
		err = rhashtable_insert_fast(&mip->prefixes, &prefix->node,
					     mip4_prefix_params);
	} while (mip4_table_retry(&mip->prefixes, err, &tries));
	if (err)
		return err;
	tries = 0;
	do {
		err = rhltable_insert(&mn->prefixes, &prefix->shared,
				      mip4_shared_prefix_params);
	} while (mip4_table_retry(&mn->prefixes.ht, err, &tries));
	if (err) {
		rhashtable_remove_fast(&mip->prefixes, &prefix->node,
				       mip4_prefix_params);
		return err;
	}
	mip4_plen_get(&mip->plens[i], prefix->key.plen);
	mip4_plen_get(&mn->plens[i], prefix->key.plen);
	return 0;
}

/*
 * May all legs of a binding carry an address that it doesn't have yet? Those
 * that a change brings are asked when they come.
 */
static int mip4_prefix_check_legs(struct mip4_binding *b,
				  const struct mip4_binding_config *cfg,
				  const struct mip4_prefix_key *key,
				  const struct nlattr *attr,
				  struct netlink_ext_ack *extack)
{
	struct mip4_leg *legs[MIP4_LEGS_MAX];
	unsigned int i, n = mip4_legs_list(b, legs);
	int err;

	for (i = 0; i < n; i++) {
		if (!mip4_legs_keep(cfg, legs[i]))
			continue;
		err = mip4_leg_check_addr(legs[i], key, attr, extack);
		if (err)
			return err;
	}
	return 0;
}

/* A new one that is found, or an ERR_PTR(). Context: mip4_net.lock held. */
static struct mip4_prefix *mip4_prefix_add(struct mip4_binding *b,
					   const struct mip4_binding_config *cfg,
					   const struct mip4_prefix_config *pc,
					   struct netlink_ext_ack *extack)
{
	struct mip4_prefix_key key = pc->key;
	struct mip4_prefix *prefix;
	struct mip4_binding *other;
	int err;

	key.realm = b->addr.realm;
	rcu_read_lock();
	other = mip4_prefix_owner(b->mip, &key);
	err = other ? mip4_binding_taken(other, "address", pc->attr, extack) :
		      mip4_prefix_check_legs(b, cfg, &key, pc->attr, extack);
	rcu_read_unlock();
	if (err)
		return ERR_PTR(err);
	prefix = kzalloc(sizeof(*prefix), GFP_KERNEL_ACCOUNT);
	if (!prefix)
		return ERR_PTR(-ENOMEM);
	prefix->key = key;
	prefix->binding = b;
	err = mip4_prefix_insert(prefix);
	if (!err)
		return prefix;
	MIP4_NL_ERR(extack, pc->attr, "no room in the table of prefixes");
	/* a packet may have seen it in the first table */
	kfree_rcu(prefix, rcu);
	return ERR_PTR(err);
}

/* Remove what @set has and @kept hasn't. Context: mip4_net.lock held. */
static void mip4_prefixes_diff(struct mip4_prefixes *set,
			       const struct mip4_prefixes *kept)
{
	unsigned int i;

	for (i = 0; i < set->n; i++) {
		if (!mip4_prefixes_get(kept, &set->prefix[i]->key))
			mip4_prefix_remove(set->prefix[i]);
	}
	kfree_rcu(set, rcu);
}

/**
 * mip4_prefixes_replace() - give a binding other addresses beside its home
 * @b: binding with legs
 * @cfg: .prefixes and .n_prefixes count, and .legs, if they are to change
 *	 next
 * @extack: where to say why not
 *
 * What is named again goes on, what is new carries packets at once, and what
 * isn't named does so until mip4_prefixes_release(); mip4_prefixes_restore()
 * undoes it. Context: process, mip4_dev.lock held.
 *
 * Return: the old set, which may be NULL, or an ERR_PTR(), nothing changed
 * then.
 */
struct mip4_prefixes *mip4_prefixes_replace(struct mip4_binding *b,
					    const struct mip4_binding_config *cfg,
					    struct netlink_ext_ack *extack)
{
	struct mip4_prefixes *old = mip4_prefixes_of(b), *set = NULL;
	struct mip4_net *mn = b->mip->mn;
	struct mip4_prefix *prefix;
	unsigned int i;

	lockdep_assert_held(&b->mip->lock);
	if (cfg->n_prefixes) {
		set = kzalloc(struct_size(set, prefix, cfg->n_prefixes),
			      GFP_KERNEL_ACCOUNT);
		if (!set)
			return ERR_PTR(-ENOMEM);
	}
	mutex_lock(&mn->lock);
	for (i = 0; i < cfg->n_prefixes; i++) {
		prefix = mip4_prefixes_get(old, &cfg->prefixes[i].key) ?:
			 mip4_prefix_add(b, cfg, &cfg->prefixes[i], extack);
		if (IS_ERR(prefix)) {
			mip4_prefixes_diff(set, old);
			mutex_unlock(&mn->lock);
			return ERR_CAST(prefix);
		}
		set->prefix[set->n++] = prefix;
		set->ip6 |= prefix->key.family == AF_INET6;
	}
	rcu_assign_pointer(b->prefixes, set);
	mutex_unlock(&mn->lock);
	return old;
}

/**
 * mip4_prefixes_release() - let addresses go that were replaced
 * @b: binding
 * @old: from mip4_prefixes_replace()
 *
 * Context: process, mip4_dev.lock held.
 */
void mip4_prefixes_release(struct mip4_binding *b, struct mip4_prefixes *old)
{
	if (!old)
		return;
	mutex_lock(&b->mip->mn->lock);
	mip4_prefixes_diff(old, mip4_prefixes_of(b));
	mutex_unlock(&b->mip->mn->lock);
}

/**
 * mip4_prefixes_restore() - undo mip4_prefixes_replace()
 * @b: binding
 * @old: from there
 *
 * Context: process, mip4_dev.lock held.
 */
void mip4_prefixes_restore(struct mip4_binding *b, struct mip4_prefixes *old)
{
	struct mip4_prefixes *set = mip4_prefixes_of(b);

	rcu_assign_pointer(b->prefixes, old);
	mip4_prefixes_release(b, set);
}

/**
 * mip4_prefixes_del() - delete all addresses of a binding that goes
 * @b: binding
 *
 * Context: process, mip4_dev.lock held.
 */
void mip4_prefixes_del(struct mip4_binding *b)
{
	mip4_prefixes_restore(b, NULL);
}
