// SPDX-License-Identifier: GPL-2.0-only
/* Sets of legs: change as a whole, and the end of those with a lifetime. */
#include <linux/slab.h>

#include "binding.h"
#include "device.h"
#include "leg.h"
#include "legs.h"
#include "netlink.h"

#define MIP4_LEGS_SLICE 256		/* sets looked at in one go */

/* For writers, who hold mip4_dev.lock. */
static struct mip4_legs *mip4_legs_of(const struct mip4_binding *b)
{
	return rcu_dereference_protected(b->legs,
					 lockdep_is_held(&b->mip->lock));
}

static struct mip4_leg *mip4_legs_leg(const struct mip4_binding *b,
				      const struct mip4_legs_entry *entry)
{
	return rcu_dereference_protected(entry->leg,
					 lockdep_is_held(&b->mip->lock));
}

/**
 * mip4_legs_list() - all legs that a binding has now
 * @b: binding
 * @list: room for MIP4_LEGS_MAX
 *
 * Context: process, mip4_dev.lock held.
 *
 * Return: how many.
 */
unsigned int mip4_legs_list(const struct mip4_binding *b,
			    struct mip4_leg **list)
{
	struct mip4_legs *legs = mip4_legs_of(b);
	struct mip4_leg *leg;
	unsigned int i, n = 0;

	if (!legs) {
		leg = rcu_dereference_protected(b->leg,
						lockdep_is_held(&b->mip->lock));
		list[0] = leg;
		return !!leg;
	}
	for (i = 0; i < legs->n; i++) {
		list[n] = mip4_legs_leg(b, &legs->entry[i]);
		n += !!list[n];
	}
	return n;
}

static bool mip4_legs_in(struct mip4_leg *leg, struct mip4_leg **list,
			 unsigned int n)
{
	while (n--) {
		if (list[n] == leg)
			return true;
	}
	return false;
}

/**
 * mip4_legs_plain() - is it a lone active leg that is asked for?
 * @cfg: what a binding shall be
 *
 * Return: whether it is.
 */
bool mip4_legs_plain(const struct mip4_binding_config *cfg)
{
	return cfg->n_legs == 1 && cfg->leg.state == MIP4_LEG_ACTIVE;
}

static bool mip4_legs_same_tunnel(const struct mip4_leg_config *one,
				  const struct mip4_leg_config *other)
{
	return one->local == other->local && one->peer == other->peer &&
	       one->encap == other->encap && one->port == other->port &&
	       one->keyed == other->keyed &&
	       (!one->keyed || one->ikey == other->ikey);
}

/**
 * mip4_legs_check() - do the legs of a configuration go together?
 * @cfg: .legs and .n_legs count, the active one first
 * @fresh: for a new binding
 * @served: for a served one
 * @extack: where to say why not
 *
 * Return: 0 or -EINVAL.
 */
int mip4_legs_check(const struct mip4_binding_config *cfg, bool fresh,
		    bool served, struct netlink_ext_ack *extack)
{
	const bool active = cfg->leg.state == MIP4_LEG_ACTIVE;
	const bool returns = cfg->leg.state == MIP4_LEG_RETURN;
	const struct mip4_leg_config *leg;
	unsigned int i, j;
	bool back;

	for (i = 0; i < cfg->n_legs; i++) {
		leg = &cfg->legs[i];
		if (i && leg->state == MIP4_LEG_ACTIVE) {
			MIP4_NL_ERR(extack, leg->attr,
				    "only one leg can be active: give the others another STATE");
			return -EINVAL;
		}
		if (leg->state == MIP4_LEG_COPY && !active) {
			MIP4_NL_ERR(extack, leg->attr,
				    "a leg that gets copies needs an active one beside it");
			return -EINVAL;
		}
		back = leg->state == MIP4_LEG_RETURN;
		if (back != returns) {
			MIP4_NL_ERR(extack, leg->attr,
				    "a device that has left returns by all legs or by none");
			return -EINVAL;
		}
		if (leg->state == MIP4_LEG_ACTIVE && leg->lifetime_ms) {
			MIP4_NL_ERR(extack, leg->attr,
				    "an active leg has no lifetime of its own: give the binding one");
			return -EINVAL;
		}
		for (j = 0; j < i; j++) {
			if (!mip4_legs_same_tunnel(leg, &cfg->legs[j]))
				continue;
			MIP4_NL_ERR(extack, leg->attr,
				    "two legs are the same tunnel");
			return -EINVAL;
		}
	}
	if (returns && (fresh || !served)) {
		MIP4_NL_ERR(extack, cfg->leg.attr,
			    "only a binding whose device was on a port can return");
		return -EINVAL;
	}
	return 0;
}

static bool mip4_legs_equal(const struct mip4_leg *leg,
			    const struct mip4_leg_config *cfg)
{
	if (leg->key.local != cfg->local || leg->key.peer != cfg->peer ||
	    leg->key.encap != cfg->encap || leg->key.port != cfg->port ||
	    mip4_leg_keyed(leg) != cfg->keyed)
		return false;
	return !cfg->keyed ||
	       (leg->key.key == cfg->ikey && leg->okey == cfg->okey);
}

/**
 * mip4_legs_keep() - will a leg still be there after a change?
 * @cfg: .legs and .n_legs count; none: no change
 * @leg: that a binding has
 *
 * Return: whether it will.
 */
bool mip4_legs_keep(const struct mip4_binding_config *cfg,
		    const struct mip4_leg *leg)
{
	unsigned int i;

	for (i = 0; i < cfg->n_legs; i++) {
		if (mip4_legs_equal(leg, &cfg->legs[i]))
			return true;
	}
	return !cfg->n_legs;
}

/* The leg that a binding has, or a new one that receives, or an ERR_PTR(). */
static struct mip4_leg *mip4_legs_leg_for(struct mip4_binding *b,
					  const struct mip4_leg_config *cfg,
					  struct mip4_leg **old,
					  unsigned int n_old, bool first,
					  struct netlink_ext_ack *extack)
{
	struct mip4_leg *leg;
	unsigned int i;
	int err;

	for (i = 0; i < n_old; i++) {
		if (mip4_legs_equal(old[i], cfg))
			return old[i];
	}
	leg = first ? &b->first : mip4_leg_alloc();
	if (!leg)
		return ERR_PTR(-ENOMEM);
	err = mip4_leg_add(leg, b, cfg, extack);
	if (!err)
		return leg;
	if (!first)
		mip4_leg_free(leg);
	return ERR_PTR(err);
}

/**
 * mip4_legs_prepare() - do all of a change of legs that can fail
 * @b: binding, which has no legs yet if it is new
 * @cfg: .legs and .n_legs count, checked by mip4_legs_check()
 * @extack: where to say why not
 *
 * Until mip4_legs_commit() or mip4_legs_abort() new legs receive. Context:
 * process, mip4_dev.lock held.
 *
 * Return: the new set or an ERR_PTR(), nothing changed then.
 */
struct mip4_legs *mip4_legs_prepare(struct mip4_binding *b,
				    const struct mip4_binding_config *cfg,
				    struct netlink_ext_ack *extack)
{
	const u64 now = get_jiffies_64();
	struct mip4_leg *old[MIP4_LEGS_MAX], *leg;
	const struct mip4_leg_config *lc;
	struct mip4_legs_entry *entry;
	struct mip4_legs *legs;
	unsigned int i, n_old;

	lockdep_assert_held(&b->mip->lock);
	legs = kzalloc(struct_size(legs, entry, cfg->n_legs),
		       GFP_KERNEL_ACCOUNT);
	if (!legs)
		return ERR_PTR(-ENOMEM);
	legs->binding = b;
	n_old = mip4_legs_list(b, old);
	for (i = 0; i < cfg->n_legs; i++) {
		lc = &cfg->legs[i];
		entry = &legs->entry[i];
		leg = mip4_legs_leg_for(b, lc, old, n_old, !n_old && !i,
					extack);
		if (IS_ERR(leg)) {
			mip4_legs_abort(b, legs);
			return ERR_CAST(leg);
		}
		RCU_INIT_POINTER(entry->leg, leg);
		legs->n++;
		entry->state = lc->state;
		if (lc->lifetime_ms)
			entry->expires = now +
				DIV_ROUND_UP_ULL((u64)lc->lifetime_ms * HZ,
						 MSEC_PER_SEC);
	}
	return legs;
}

/**
 * mip4_legs_abort() - undo mip4_legs_prepare()
 * @b: binding
 * @legs: from there
 *
 * Context: process, mip4_dev.lock held.
 */
void mip4_legs_abort(struct mip4_binding *b, struct mip4_legs *legs)
{
	struct mip4_leg *old[MIP4_LEGS_MAX], *leg;
	unsigned int i, n_old = mip4_legs_list(b, old);

	for (i = 0; i < legs->n; i++) {
		leg = mip4_legs_leg(b, &legs->entry[i]);
		if (!mip4_legs_in(leg, old, n_old))
			mip4_leg_del(leg);
	}
	kfree(legs);
}

static bool mip4_legs_earlier(struct rb_node *node, const struct rb_node *other)
{
	return rb_entry(node, struct mip4_legs, node)->expires <
	       rb_entry(other, struct mip4_legs, node)->expires;
}

/* Run when the first of all ends. */
static void mip4_legs_arm(struct mip4_dev *mip)
{
	struct rb_node *first = rb_first_cached(&mip->leg_ends);
	u64 now = get_jiffies_64(), expires;

	if (!first)
		return;
	expires = rb_entry(first, struct mip4_legs, node)->expires;
	mod_delayed_work(mip4_wq, &mip->leg_expire,
			 expires > now ? expires - now : 0);
}

static void mip4_legs_untime(struct mip4_dev *mip, struct mip4_legs *legs)
{
	if (!legs->expires)
		return;
	rb_erase_cached(&legs->node, &mip->leg_ends);
	legs->expires = 0;
}

/* Let a set end when the first of its legs does. */
static void mip4_legs_time(struct mip4_dev *mip, struct mip4_legs *legs)
{
	const struct mip4_legs_entry *entry;
	unsigned int i;

	mip4_legs_untime(mip, legs);
	for (i = 0; i < legs->n; i++) {
		entry = &legs->entry[i];
		if (rcu_access_pointer(entry->leg) && entry->expires &&
		    (!legs->expires || entry->expires < legs->expires))
			legs->expires = entry->expires;
	}
	if (legs->expires &&
	    rb_add_cached(&legs->node, &mip->leg_ends, mip4_legs_earlier))
		mip4_legs_arm(mip);
}

/*
 * Make a set what packets see, with .leg as the short way for most of them.
 * Readers look at .leg first, see mip4_legs_get(). Return: was it but a lone
 * active leg, so that the set isn't used?
 */
static bool mip4_legs_publish(struct mip4_binding *b, struct mip4_legs *legs)
{
	struct mip4_leg *leg, *active = NULL;
	struct mip4_legs_entry *entry;
	unsigned int i, n = 0, copies = 0;
	bool pending = false;

	for (i = 0; i < legs->n; i++) {
		entry = &legs->entry[i];
		leg = mip4_legs_leg(b, entry);
		if (!leg)
			continue;
		n++;
		/* the one that was active has gone, see mip4_legs_check() */
		if (!active && entry->state == MIP4_LEG_COPY) {
			WRITE_ONCE(entry->state, MIP4_LEG_ACTIVE);
			entry->expires = 0;
		}
		if (entry->state == MIP4_LEG_ACTIVE)
			active = leg;
		else if (entry->state == MIP4_LEG_COPY)
			copies++;
		else if (entry->state == MIP4_LEG_PENDING)
			pending = true;
	}
	/* from here on frames of the device wait, see mip4_hold_behind() */
	if (pending && !active && mip4_binding_served(b))
		WRITE_ONCE(b->replay, true);
	if (active && n == 1) {
		rcu_assign_pointer(b->leg, active);
		smp_wmb();	/* mip4_legs_get() */
		RCU_INIT_POINTER(b->legs, NULL);
		return true;
	}
	rcu_assign_pointer(b->legs, legs);
	smp_wmb();	/* mip4_legs_get() */
	rcu_assign_pointer(b->leg, copies ? NULL : active);
	return false;
}

/**
 * mip4_legs_commit() - replace the legs of a binding, without a gap
 * @b: binding
 * @legs: from mip4_legs_prepare()
 *
 * mip4_binding_live() must follow. Context: process, mip4_dev.lock held.
 */
void mip4_legs_commit(struct mip4_binding *b, struct mip4_legs *legs)
{
	struct mip4_leg *old[MIP4_LEGS_MAX], *now[MIP4_LEGS_MAX];
	struct mip4_legs *replaced = mip4_legs_of(b);
	unsigned int i, n_old, n_now;

	n_old = mip4_legs_list(b, old);
	if (legs->entry[0].state == MIP4_LEG_RETURN)
		mip4_binding_leave_port(b);
	if (mip4_legs_publish(b, legs))
		kfree(legs);
	else
		mip4_legs_time(b->mip, legs);
	n_now = mip4_legs_list(b, now);
	for (i = 0; i < n_old; i++) {
		if (!mip4_legs_in(old[i], now, n_now))
			mip4_leg_del(old[i]);
	}
	if (replaced) {
		mip4_legs_untime(b->mip, replaced);
		kfree_rcu(replaced, rcu);
	}
}

/**
 * mip4_legs_del() - delete all legs of a binding that goes
 * @b: binding
 *
 * Context: process, mip4_dev.lock held.
 */
void mip4_legs_del(struct mip4_binding *b)
{
	struct mip4_legs *legs = mip4_legs_of(b);
	struct mip4_leg *list[MIP4_LEGS_MAX];
	unsigned int n = mip4_legs_list(b, list);

	/* who still finds the binding, if only by one leg, finds no other */
	RCU_INIT_POINTER(b->leg, NULL);
	RCU_INIT_POINTER(b->legs, NULL);
	while (n--)
		mip4_leg_del(list[n]);
	if (legs) {
		mip4_legs_untime(b->mip, legs);
		kfree_rcu(legs, rcu);
	}
}

/*
 * Let legs of a set go, but not all: first out of sight, then out of the table.
 * Which, says @goes.
 */
static void mip4_legs_remove(struct mip4_binding *b, struct mip4_legs *legs,
			     unsigned int goes)
{
	struct mip4_leg *gone[MIP4_LEGS_MAX];
	unsigned int i, n = 0;

	for (i = 0; i < legs->n; i++) {
		if (!(goes & BIT(i)))
			continue;
		gone[n++] = mip4_legs_leg(b, &legs->entry[i]);
		RCU_INIT_POINTER(legs->entry[i].leg, NULL);
	}
	if (mip4_legs_publish(b, legs)) {
		mip4_legs_untime(b->mip, legs);
		kfree_rcu(legs, rcu);
	} else {
		mip4_legs_time(b->mip, legs);
	}
	while (n--)
		mip4_leg_del(gone[n]);
	mip4_nl_notify(b, MIP4_CMD_BINDING_SET, 0);
	mip4_binding_live(b);
}

/* A binding goes with the last of its legs. */
static void mip4_legs_expire(struct mip4_legs *legs, u64 now)
{
	struct mip4_binding *b = legs->binding;
	unsigned int i, goes = 0, all = 0;
	struct mip4_legs_entry *entry;

	for (i = 0; i < legs->n; i++) {
		entry = &legs->entry[i];
		if (!rcu_access_pointer(entry->leg))
			continue;
		all |= BIT(i);
		if (entry->expires && entry->expires <= now)
			goes |= BIT(i);
	}
	if (goes == all) {
		mip4_nl_notify(b, MIP4_CMD_BINDING_DEL, MIP4_DEL_EXPIRED);
		mip4_binding_del(b);
	} else {
		mip4_legs_remove(b, legs, goes);
	}
}

static void mip4_legs_work(struct work_struct *work)
{
	struct mip4_dev *mip = container_of(to_delayed_work(work),
					    struct mip4_dev, leg_expire);
	const u64 now = get_jiffies_64();
	struct mip4_legs *legs;
	struct rb_node *node;
	int i;

	mutex_lock(&mip->lock);
	for (i = 0; i < MIP4_LEGS_SLICE; i++) {
		node = rb_first_cached(&mip->leg_ends);
		if (!node)
			break;
		legs = rb_entry(node, struct mip4_legs, node);
		if (legs->expires > now)
			break;
		mip4_legs_expire(legs, now);
		cond_resched();
	}
	mip4_legs_arm(mip);
	mutex_unlock(&mip->lock);
}

/**
 * mip4_legs_start() - prepare the expiry of legs on a new device
 * @mip: device
 *
 * Context: RTNL, before it can have bindings.
 */
void mip4_legs_start(struct mip4_dev *mip)
{
	mip->leg_ends = RB_ROOT_CACHED;
	INIT_DELAYED_WORK(&mip->leg_expire, mip4_legs_work);
}

/**
 * mip4_legs_stop() - undo mip4_legs_start()
 * @mip: device, dead and without bindings
 *
 * Context: process.
 */
void mip4_legs_stop(struct mip4_dev *mip)
{
	cancel_delayed_work_sync(&mip->leg_expire);
}

/**
 * mip4_legs_get() - look at the legs of a binding
 * @b: binding
 * @leg: set to its only leg, an active one, when there is no set
 *
 * Context: RCU or mip4_dev.lock.
 *
 * Return: the set or NULL.
 */
const struct mip4_legs *mip4_legs_get(const struct mip4_binding *b,
				      struct mip4_leg **leg)
{
	const struct mip4_legs *legs;

	*leg = rcu_dereference_check(b->leg, lockdep_is_held(&b->mip->lock));
	smp_rmb();	/* mip4_legs_publish() */
	legs = rcu_dereference_check(b->legs, lockdep_is_held(&b->mip->lock));
	/* the set was given up between the two looks */
	if (!legs && !*leg) {
		smp_rmb();	/* mip4_legs_publish() */
		*leg = rcu_dereference_check(b->leg,
					     lockdep_is_held(&b->mip->lock));
	}
	return legs;
}

/* Under RCU or mip4_dev.lock. */
static struct mip4_leg *mip4_legs_first(const struct mip4_binding *b,
					const struct mip4_legs *legs,
					enum mip4_leg_state state)
{
	struct mip4_leg *leg;
	unsigned int i;

	for (i = 0; i < legs->n; i++) {
		leg = rcu_dereference_check(legs->entry[i].leg,
					    lockdep_is_held(&b->mip->lock));
		if (leg && READ_ONCE(legs->entry[i].state) == state)
			return leg;
	}
	return NULL;
}

/**
 * mip4_legs_active() - the leg that sends, beside copies
 * @b: binding
 *
 * Context: RCU or mip4_dev.lock.
 *
 * Return: the active leg or NULL.
 */
struct mip4_leg *mip4_legs_active(const struct mip4_binding *b)
{
	const struct mip4_legs *legs;
	struct mip4_leg *leg;

	legs = mip4_legs_get(b, &leg);
	return legs ? mip4_legs_first(b, legs, MIP4_LEG_ACTIVE) : leg;
}

/**
 * mip4_legs_wait() - does what a binding has to send wait for a leg?
 * @b: binding
 *
 * Context: RCU or mip4_dev.lock.
 *
 * Return: whether no leg is active, but one pending.
 */
bool mip4_legs_wait(const struct mip4_binding *b)
{
	const struct mip4_legs *legs;
	struct mip4_leg *leg;

	legs = mip4_legs_get(b, &leg);
	return legs && !mip4_legs_first(b, legs, MIP4_LEG_ACTIVE) &&
	       mip4_legs_first(b, legs, MIP4_LEG_PENDING);
}

/**
 * mip4_legs_state() - what is a leg for?
 * @leg: leg
 *
 * Context: RCU.
 *
 * Return: its state; one that comes or goes right now only receives.
 */
enum mip4_leg_state mip4_legs_state(const struct mip4_leg *leg)
{
	const struct mip4_legs *legs;
	struct mip4_leg *only;
	unsigned int i;

	legs = mip4_legs_get(leg->binding, &only);
	if (!legs)
		return leg == only ? MIP4_LEG_ACTIVE : MIP4_LEG_RECEIVE_ONLY;
	for (i = 0; i < legs->n; i++) {
		if (rcu_access_pointer(legs->entry[i].leg) == leg)
			return READ_ONCE(legs->entry[i].state);
	}
	return MIP4_LEG_RECEIVE_ONLY;
}

/**
 * mip4_legs_have_peer() - does any leg of a binding end there?
 * @b: binding
 * @peer: other end
 *
 * Context: RCU or mip4_dev.lock.
 *
 * Return: whether one does.
 */
bool mip4_legs_have_peer(const struct mip4_binding *b, __be32 peer)
{
	const struct mip4_legs *legs;
	struct mip4_leg *leg;
	unsigned int i;

	legs = mip4_legs_get(b, &leg);
	if (!legs)
		return leg && leg->key.peer == peer;
	for (i = 0; i < legs->n; i++) {
		leg = rcu_dereference_check(legs->entry[i].leg,
					    lockdep_is_held(&b->mip->lock));
		if (leg && leg->key.peer == peer)
			return true;
	}
	return false;
}

static bool mip4_legs_sent(const struct mip4_leg *leg,
			   const struct mip4_peer *peer, bool keyed,
			   __be32 okey)
{
	return leg && leg->peer == peer && mip4_leg_keyed(leg) == keyed &&
	       (!keyed || leg->okey == okey);
}

/**
 * mip4_legs_find() - the leg that an outer packet was sent by
 * @b: binding of its inner address
 * @peer: to whom
 * @keyed: whether it has a GRE key
 * @okey: the key
 *
 * Context: RCU.
 *
 * Return: the leg or NULL.
 */
struct mip4_leg *mip4_legs_find(const struct mip4_binding *b,
				const struct mip4_peer *peer, bool keyed,
				__be32 okey)
{
	const struct mip4_legs *legs;
	struct mip4_leg *leg;
	unsigned int i;

	legs = mip4_legs_get(b, &leg);
	if (!legs)
		return mip4_legs_sent(leg, peer, keyed, okey) ? leg : NULL;
	for (i = 0; i < legs->n; i++) {
		leg = rcu_dereference(legs->entry[i].leg);
		if (mip4_legs_sent(leg, peer, keyed, okey))
			return leg;
	}
	return NULL;
}

/**
 * mip4_legs_drop_peer() - remove the legs of a binding that end there
 * @b: binding, with such a leg
 * @peer: other end
 *
 * Context: process, mip4_dev.lock held.
 *
 * Return: false, and nothing done, when it has no others.
 */
bool mip4_legs_drop_peer(struct mip4_binding *b, __be32 peer)
{
	struct mip4_legs *legs = mip4_legs_of(b);
	unsigned int i, goes = 0, all = 0;
	struct mip4_leg *leg;

	if (!legs)
		return false;
	for (i = 0; i < legs->n; i++) {
		leg = mip4_legs_leg(b, &legs->entry[i]);
		if (!leg)
			continue;
		all |= BIT(i);
		if (leg->key.peer == peer)
			goes |= BIT(i);
	}
	if (goes == all)
		return false;
	mip4_legs_remove(b, legs, goes);
	return true;
}
