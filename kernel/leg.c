// SPDX-License-Identifier: GPL-2.0-only
/* Legs: the tunnels of bindings, and the table that tells them apart. */
#include <linux/slab.h>

#include "binding.h"
#include "device.h"
#include "ip6.h"
#include "leg.h"
#include "legs.h"
#include "net.h"
#include "netlink.h"
#include "peer.h"

/* One that isn't the first of its binding, and so is freed by itself. */
struct mip4_further_leg {
	struct mip4_leg leg;
	struct rcu_head rcu;
};

static struct kmem_cache *mip4_leg_cache __ro_after_init;

/* As the table's own, but of a size that the compiler knows. */
static int mip4_demux_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct mip4_leg *leg = obj;

	return memcmp(&leg->key, arg->key, sizeof(leg->key));
}

const struct rhashtable_params mip4_demux_params = {
	.head_offset = offsetof(struct mip4_leg, node.rhead),
	.key_offset = offsetof(struct mip4_leg, key),
	.key_len = sizeof(struct mip4_demux_key),
	.obj_cmpfn = mip4_demux_cmp,
	.automatic_shrinking = true,
};

/**
 * mip4_leg_alloc() - make a leg that isn't the first of its binding
 *
 * Context: process.
 *
 * Return: a zeroed leg for mip4_leg_add() or mip4_leg_free(), or NULL.
 */
struct mip4_leg *mip4_leg_alloc(void)
{
	struct mip4_further_leg *further;

	further = kmem_cache_zalloc(mip4_leg_cache, GFP_KERNEL_ACCOUNT);
	return further ? &further->leg : NULL;
}

/**
 * mip4_leg_free() - free a leg that never was in the table
 * @leg: from mip4_leg_alloc()
 */
void mip4_leg_free(struct mip4_leg *leg)
{
	kmem_cache_free(mip4_leg_cache,
			container_of(leg, struct mip4_further_leg, leg));
}

static void mip4_leg_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(mip4_leg_cache,
			container_of(rcu, struct mip4_further_leg, rcu));
}

static struct rhlist_head *mip4_leg_peers(struct mip4_net *mn,
					  const struct mip4_demux_key *key)
{
	const struct mip4_peer_key peer = {
		.local = key->local,
		.remote = key->peer,
		.encap = key->encap,
		.port = key->port,
	};

	return rhltable_lookup(&mn->peers, &peer, mip4_peer_params);
}

/* Has another device or realm legs without a key to the peer of @key? */
static bool mip4_leg_any_cross(const struct mip4_leg *leg, struct mip4_net *mn,
			       const struct mip4_demux_key *key)
{
	const struct mip4_binding *b = leg->binding;
	struct rhlist_head *list, *pos;
	struct mip4_peer *peer;

	list = mip4_leg_peers(mn, key);
	rhl_for_each_entry_rcu(peer, pos, list, node) {
		if (peer->keyless &&
		    (peer->mip != b->mip || peer->realms ||
		     peer->realm != b->addr.realm))
			return true;
	}
	return false;
}

/* Looks through all legs, for one without a key whose address @addr overlaps. */
static struct mip4_binding *mip4_leg_clash_below(const struct mip4_leg *leg,
						 struct mip4_net *mn,
						 const struct mip4_demux_key *key,
						 const struct mip4_prefix_key *addr)
{
	struct mip4_binding *found = NULL;
	struct mip4_demux_key same = *key;
	struct rhashtable_iter iter;
	struct mip4_leg *other;

	rhltable_walk_enter(&mn->demux, &iter);
	rhashtable_walk_start(&iter);
	while (!found && (other = rhashtable_walk_next(&iter))) {
		/* resized meanwhile: it starts again by itself */
		if (IS_ERR(other))
			continue;
		same.inner = other->key.inner;
		if (!memcmp(&other->key, &same, sizeof(same)) &&
		    mip4_binding_cross(leg->binding, other->binding) &&
		    mip4_prefixes_overlap(other->binding, addr))
			found = other->binding;
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
	return found;
}

/*
 * The binding of another device or realm that the same tunnel and address could
 * mean as well: what comes tells no realm.
 */
static struct mip4_binding *mip4_leg_clash_as(const struct mip4_leg *leg,
					      struct mip4_net *mn, u8 encap,
					      const struct mip4_prefix_key *addr)
{
	const struct mip4_binding *b = leg->binding;
	struct mip4_demux_key key = leg->key;
	struct rhlist_head *list, *pos;
	struct mip4_leg *other;

	key.encap = encap;
	if (mip4_leg_keyed(leg)) {
		list = rhltable_lookup(&mn->demux, &key, mip4_demux_params);
		rhl_for_each_entry_rcu(other, pos, list, node) {
			if (mip4_binding_served(other->binding) ==
			    mip4_binding_served(b) &&
			    mip4_binding_cross(b, other->binding) &&
			    mip4_prefixes_overlap(other->binding, addr))
				return other->binding;
		}
		return NULL;
	}
	if (!mip4_leg_any_cross(leg, mn, &key))
		return NULL;
	if (!mip4_prefix_whole(addr))
		return mip4_leg_clash_below(leg, mn, &key, addr);
	if (addr->family == AF_INET) {
		key.inner = addr->ip;
		list = rhltable_lookup(&mn->demux, &key, mip4_demux_params);
		rhl_for_each_entry_rcu(other, pos, list, node) {
			if (mip4_binding_cross(b, other->binding))
				return other->binding;
		}
	}
	return mip4_prefix_clash(mn, &key, addr, b);
}

/* What comes by IP-in-IP may be of a leg of minimal encapsulation as well. */
static struct mip4_binding *mip4_leg_clash(const struct mip4_leg *leg,
					   struct mip4_net *mn,
					   const struct mip4_prefix_key *addr)
{
	const u8 encap = leg->key.encap;
	struct mip4_binding *b;

	b = mip4_leg_clash_as(leg, mn, encap, addr);
	if (!b && encap == MIP4_ENCAP_IPIP)
		b = mip4_leg_clash_as(leg, mn, MIP4_ENCAP_MINIMAL, addr);
	if (!b && encap == MIP4_ENCAP_MINIMAL)
		b = mip4_leg_clash_as(leg, mn, MIP4_ENCAP_IPIP, addr);
	return b;
}

static bool mip4_leg_ends_in(const struct mip4_leg *leg,
			     const struct mip4_prefix_key *prefix)
{
	struct mip4_prefix_key end = mip4_ip_key(leg->key.local);

	if (mip4_prefix_covers(prefix, &end))
		return true;
	end.ip = leg->key.peer;
	return mip4_prefix_covers(prefix, &end);
}

/**
 * mip4_leg_check_addr() - may a leg carry an address?
 * @leg: whose .key and .binding are set
 * @addr: address or prefix, its binding's or to become that
 * @attr: to blame
 * @extack: where to say why not
 *
 * Context: process, RCU, mip4_net.lock held.
 *
 * Return: 0 or a negative error.
 */
int mip4_leg_check_addr(const struct mip4_leg *leg,
			const struct mip4_prefix_key *addr,
			const struct nlattr *attr,
			struct netlink_ext_ack *extack)
{
	struct mip4_binding *other;

	/* RFC 2003 section 3.2: no packet goes into a tunnel that ends at its
	 * own end
	 */
	if (mip4_leg_ends_in(leg, addr)) {
		MIP4_NL_ERR(extack, attr,
			    "an address or prefix covers an end of its own tunnel");
		return -EINVAL;
	}
	other = mip4_leg_clash(leg, leg->binding->mip->mn, addr);
	return other ? mip4_binding_taken(other, "tunnel and address", attr,
					  extack) : 0;
}

/* All addresses of its binding. Context: as mip4_leg_check_addr(). */
static int mip4_leg_check(const struct mip4_leg *leg, const struct nlattr *attr,
			  struct netlink_ext_ack *extack)
{
	const struct mip4_binding *b = leg->binding;
	const struct mip4_prefix_key home = mip4_ip_key(mip4_binding_home(b));
	const struct mip4_prefixes *set = rcu_dereference(b->prefixes);
	unsigned int i;
	int err;

	err = mip4_leg_check_addr(leg, &home, attr, extack);
	for (i = 0; !err && set && i < set->n; i++)
		err = mip4_leg_check_addr(leg, &set->prefix[i]->key, attr,
					  extack);
	return err;
}

/* Writer of mip4_peer.keyless. Context: mip4_net.lock held. */
static void mip4_leg_count_keyless(const struct mip4_leg *leg)
{
	const u32 realm = leg->binding->addr.realm;
	struct mip4_peer *peer = leg->peer;

	if (mip4_leg_keyed(leg))
		return;
	if (!peer->keyless) {
		peer->realm = realm;
		peer->realms = false;
	} else if (realm != peer->realm) {
		peer->realms = true;
	}
	WRITE_ONCE(peer->keyless, peer->keyless + 1);
}

static void mip4_leg_put_peer(const struct mip4_leg *leg)
{
	struct mip4_peer *peer = leg->peer;

	if (!mip4_leg_keyed(leg))
		WRITE_ONCE(peer->keyless, peer->keyless - 1);
	mip4_peer_put(peer);
}

/**
 * mip4_leg_add() - let a leg receive
 * @leg: zeroed
 * @b: its binding, address and kind set
 * @cfg: what it shall be
 * @extack: where to say why not
 *
 * Context: process, mip4_dev.lock held.
 *
 * Return: 0 or a negative error, the leg unused then.
 */
int mip4_leg_add(struct mip4_leg *leg, struct mip4_binding *b,
		 const struct mip4_leg_config *cfg,
		 struct netlink_ext_ack *extack)
{
	struct mip4_net *mn = b->mip->mn;
	struct mip4_peer_key key = {
		.local = cfg->local,
		.remote = cfg->peer,
		.encap = cfg->encap,
		.port = cfg->port,
	};
	int err, tries = 0;

	leg->binding = b;
	leg->okey = cfg->okey;
	leg->key = (struct mip4_demux_key) {
		.local = cfg->local,
		.peer = cfg->peer,
		.encap = cfg->encap,
		.port = cfg->port,
	};
	if (cfg->keyed) {
		leg->key.key = cfg->ikey;
		leg->key.flags = MIP4_DEMUX_KEYED;
	} else {
		leg->key.inner = mip4_binding_home(b);
		if (mip4_binding_served(b))
			leg->key.flags = MIP4_DEMUX_TO_DEVICE;
	}
	if (cfg->encap == MIP4_ENCAP_MINIMAL) {
		err = mip4_minimal_claim();
		if (err) {
			MIP4_NL_ERR(extack, cfg->attr,
				    "IP protocol 55 belongs to another module: unload that, or use another encap");
			return err;
		}
	}

	mutex_lock(&mn->lock);
	rcu_read_lock();
	err = mip4_leg_check(leg, cfg->attr, extack);
	rcu_read_unlock();
	if (err)
		goto out;

	leg->peer = mip4_peer_get(b->mip, &key);
	if (IS_ERR(leg->peer)) {
		MIP4_NL_ERR(extack, cfg->attr, "no room for another peer");
		err = PTR_ERR(leg->peer);
		goto out;
	}
	mip4_leg_count_keyless(leg);
	do {
		err = rhltable_insert(&mn->demux, &leg->node,
				      mip4_demux_params);
	} while (mip4_table_retry(&mn->demux.ht, err, &tries));
	if (err) {
		MIP4_NL_ERR(extack, cfg->attr,
			    "no room in the table of tunnels");
		mip4_leg_put_peer(leg);
	}
out:
	mutex_unlock(&mn->lock);
	return err;
}

/**
 * mip4_leg_del() - stop a leg and free it when nobody can see it any longer
 * @leg: added by mip4_leg_add(); the first of a binding goes with that
 *
 * Context: process, mip4_dev.lock held.
 */
void mip4_leg_del(struct mip4_leg *leg)
{
	struct mip4_net *mn = leg->binding->mip->mn;

	mutex_lock(&mn->lock);
	rhltable_remove(&mn->demux, &leg->node, mip4_demux_params);
	mip4_leg_put_peer(leg);
	mutex_unlock(&mn->lock);
	if (leg != &leg->binding->first)
		call_rcu(&container_of(leg, struct mip4_further_leg, leg)->rcu,
			 mip4_leg_free_rcu);
}

/*
 * Is there a leg without a key to that peer? Whoever sends from elsewhere
 * doesn't make us look through prefixes.
 */
static bool mip4_leg_any_keyless(struct mip4_net *mn,
				 const struct mip4_demux_key *key)
{
	struct rhlist_head *list, *pos;
	struct mip4_peer *peer;

	list = mip4_leg_peers(mn, key);
	rhl_for_each_entry_rcu(peer, pos, list, node) {
		if (READ_ONCE(peer->keyless))
			return true;
	}
	return false;
}

/* Without a GRE key, to a served device or from a routed one. */
static struct mip4_leg *
mip4_leg_demux_prefix(struct mip4_net *mn, struct mip4_demux_key *key,
		      const struct mip4_prefix_key *saddr,
		      const struct mip4_prefix_key *daddr)
{
	struct mip4_leg *leg;

	key->flags = MIP4_DEMUX_TO_DEVICE;
	leg = mip4_prefix_demux(mn, key, daddr);
	if (leg)
		return leg;
	key->flags = 0;
	return mip4_prefix_demux(mn, key, saddr);
}

/* Without a GRE key: @leg, if it takes packets back. */
static struct mip4_leg *mip4_leg_takes_back(struct mip4_leg *leg,
					    struct mip4_demux_key *key)
{
	if (!leg)
		return NULL;
	switch (mip4_legs_state(leg)) {
	case MIP4_LEG_RECEIVE_ONLY:
	case MIP4_LEG_PENDING:
		key->flags |= MIP4_DEMUX_BACK;
		return leg;
	default:
		return NULL;
	}
}

/* Without a GRE key: what is from no home address, nor to a served one. */
static struct mip4_leg *mip4_leg_demux_rest(struct mip4_net *mn,
					    struct mip4_demux_key *key,
					    const struct iphdr *inner)
{
	const struct mip4_prefix_key saddr = mip4_ip_key(inner->saddr);
	const struct mip4_prefix_key daddr = mip4_ip_key(inner->daddr);
	struct rhlist_head *list;
	struct mip4_leg *leg;

	if (!mip4_leg_any_keyless(mn, key))
		return NULL;
	leg = mip4_leg_demux_prefix(mn, key, &saddr, &daddr);
	if (leg)
		return leg;
	key->inner = inner->daddr;
	list = rhltable_lookup(&mn->demux, key, mip4_demux_params);
	leg = list ? container_of(list, struct mip4_leg, node) :
		     mip4_prefix_demux(mn, key, &daddr);
	return mip4_leg_takes_back(leg, key);
}

/**
 * mip4_leg_demux() - whose is a packet?
 * @mn: underlay it came from
 * @key: its outer header; @key->inner and direction are scratch space, and
 *	 MIP4_DEMUX_BACK is set when a router sends back what it got from us
 * @inner: its inner header
 * @other: set to a leg that owns the key, when no leg of that key matches the
 *	   inner address: the packet is ours, but wrong. Else NULL.
 *
 * A key may be of several bindings, so the longest match counts, which for a
 * home address is the first. What is for a group or a whole link is a served
 * device's if only that has the key. Without one a home address goes first, then what
 * else bindings have. There only legs that no longer send take packets back:
 * until then some other tunnel of the same two routers may lead to the address.
 * Context: RCU.
 *
 * Return: the leg or NULL.
 */
struct mip4_leg *mip4_leg_demux(struct mip4_net *mn,
				struct mip4_demux_key *key,
				const struct iphdr *inner,
				struct mip4_leg **other)
{
	struct mip4_leg *leg, *back = NULL, *group = NULL;
	struct rhlist_head *list, *pos;
	bool shared = false;

	*other = NULL;
	if (key->flags & MIP4_DEMUX_KEYED) {
		list = rhltable_lookup(&mn->demux, key, mip4_demux_params);
		rhl_for_each_entry_rcu(leg, pos, list, node) {
			const struct mip4_binding *b = leg->binding;
			const bool served = mip4_binding_served(b);

			if (mip4_binding_is(b, served ? inner->daddr :
							inner->saddr))
				return leg;
			if (!served && mip4_binding_is(b, inner->daddr))
				back = leg;
			if (mip4_binding_served(b) &&
			    mip4_binding_group(b, inner->daddr))
				group = leg;
			shared = *other;
			*other = leg;
		}
		/* the key alone says whose it is, so it must be of one */
		if (group && !shared)
			return group;
		if (back)
			key->flags |= MIP4_DEMUX_BACK;
		return back;
	}

	key->inner = inner->daddr;
	key->flags = MIP4_DEMUX_TO_DEVICE;
	list = rhltable_lookup(&mn->demux, key, mip4_demux_params);
	if (!list) {
		key->inner = inner->saddr;
		key->flags = 0;
		list = rhltable_lookup(&mn->demux, key, mip4_demux_params);
	}
	if (list)
		return container_of(list, struct mip4_leg, node);
	return mip4_leg_demux_rest(mn, key, inner);
}

/**
 * mip4_leg_demux6() - mip4_leg_demux() for IPv6 inside
 * @mn: underlay it came from
 * @key: its outer header, as there
 * @inner: its inner header
 * @other: as there
 *
 * Context: RCU.
 *
 * Return: the leg or NULL.
 */
struct mip4_leg *mip4_leg_demux6(struct mip4_net *mn,
				 struct mip4_demux_key *key,
				 const struct ipv6hdr *inner,
				 struct mip4_leg **other)
{
	const struct mip4_prefix_key saddr = mip4_ip6_key(&inner->saddr);
	const struct mip4_prefix_key daddr = mip4_ip6_key(&inner->daddr);
	struct mip4_leg *leg, *back = NULL;
	struct rhlist_head *list, *pos;

	*other = NULL;
	if (key->flags & MIP4_DEMUX_KEYED) {
		list = rhltable_lookup(&mn->demux, key, mip4_demux_params);
		rhl_for_each_entry_rcu(leg, pos, list, node) {
			const struct mip4_binding *b = leg->binding;
			const bool served = mip4_binding_served(b);

			if (mip4_binding_owns(b, served ? &daddr : &saddr))
				return leg;
			if (!served && mip4_binding_owns(b, &daddr))
				back = leg;
			*other = leg;
		}
		if (back)
			key->flags |= MIP4_DEMUX_BACK;
		return back;
	}
	if (!mip4_leg_any_keyless(mn, key))
		return NULL;
	leg = mip4_leg_demux_prefix(mn, key, &saddr, &daddr);
	if (leg)
		return leg;
	return mip4_leg_takes_back(mip4_prefix_demux(mn, key, &daddr), key);
}

/**
 * mip4_leg_init() - make the cache of further legs
 *
 * Context: module load.
 *
 * Return: 0 or -ENOMEM.
 */
int __init mip4_leg_init(void)
{
	mip4_leg_cache = KMEM_CACHE(mip4_further_leg, 0);
	return mip4_leg_cache ? 0 : -ENOMEM;
}

/**
 * mip4_leg_exit() - undo mip4_leg_init()
 *
 * Context: module unload, after the grace period of the last leg.
 */
void mip4_leg_exit(void)
{
	kmem_cache_destroy(mip4_leg_cache);
}
