// SPDX-License-Identifier: GPL-2.0-only
/* Bindings: the tables they are found in, their life and change. */
#include <linux/slab.h>

#include "binding.h"
#include "device.h"
#include "expire.h"
#include "hold.h"
#include "legs.h"
#include "net.h"
#include "netlink.h"
#include "port.h"
#include "subnet.h"

static struct kmem_cache *mip4_binding_cache __ro_after_init;

const struct rhashtable_params mip4_addr_params = {
	.head_offset = offsetof(struct mip4_binding, by_addr),
	.key_offset = offsetof(struct mip4_binding, addr),
	.key_len = sizeof(struct mip4_addr_key),
	.automatic_shrinking = true,
};

const struct rhashtable_params mip4_mac_params = {
	.head_offset = offsetof(struct mip4_binding, by_mac),
	.key_offset = offsetof(struct mip4_binding, mac),
	.key_len = sizeof(struct mip4_mac_key),
	.automatic_shrinking = true,
};

/**
 * mip4_table_retry() - is an insertion worth another try?
 * @ht: table that refused
 * @err: what it said
 * @tries: how often that happened; 0 at first
 *
 * Insertion itself allocates atomically. When that fails the table's own work
 * grows it in process context, and then there is room. Context: process.
 *
 * Return: true after that work is done.
 */
bool mip4_table_retry(struct rhashtable *ht, int err, int *tries)
{
	if (err != -ENOMEM && err != -EBUSY && err != -E2BIG)
		return false;
	if (++*tries > 8)
		return false;
	flush_work(&ht->run_work);
	return true;
}

/**
 * mip4_binding_by_addr() - find a binding by home address
 * @mip: device
 * @realm: address space
 * @addr: home address
 *
 * Context: RCU.
 *
 * Return: the binding or NULL.
 */
struct mip4_binding *mip4_binding_by_addr(struct mip4_dev *mip, u32 realm,
					  __be32 addr)
{
	const struct mip4_addr_key key = {
		.realm = realm,
		.addr = addr,
		.plen = 32,
	};

	return rhashtable_lookup(&mip->by_addr, &key, mip4_addr_params);
}

/**
 * mip4_binding_find() - find a binding by longest match
 * @mip: device
 * @realm: address space
 * @addr: address
 *
 * Context: RCU.
 *
 * Return: the binding or NULL.
 */
struct mip4_binding *mip4_binding_find(struct mip4_dev *mip, u32 realm,
				       __be32 addr)
{
	struct mip4_binding *b = mip4_binding_by_addr(mip, realm, addr);
	struct mip4_prefix_key key;

	if (likely(b))
		return b;
	key = mip4_ip_key(addr);
	key.realm = realm;
	return mip4_prefix_find(mip, &key);
}

/**
 * mip4_binding_routed() - find a binding that the stack routes to
 * @mip: device
 * @addr: address
 *
 * Context: RCU.
 *
 * Return: the binding, or NULL also when its device is on a port here.
 */
struct mip4_binding *mip4_binding_routed(struct mip4_dev *mip, __be32 addr)
{
	struct mip4_binding *b = mip4_binding_find(mip, mip->realm, addr);

	return b && !mip4_binding_served(b) ? b : NULL;
}

/**
 * mip4_binding_by_mac() - find a binding by port and MAC
 * @mip: device
 * @ifindex: of the port
 * @mac: source MAC, zero on a point-to-point port
 *
 * Context: RCU.
 *
 * Return: the binding or NULL.
 */
struct mip4_binding *mip4_binding_by_mac(struct mip4_dev *mip, u32 ifindex,
					 const u8 *mac)
{
	struct mip4_mac_key key = { .ifindex = ifindex };

	ether_addr_copy(key.mac, mac);
	return rhashtable_lookup(&mip->by_mac, &key, mip4_mac_params);
}

static int mip4_table_insert(struct rhashtable *ht, struct rhash_head *node,
			     const struct rhashtable_params params)
{
	int err, tries = 0;

	do {
		err = rhashtable_insert_fast(ht, node, params);
	} while (mip4_table_retry(ht, err, &tries));
	return err;
}

static void mip4_binding_free(struct rcu_head *rcu)
{
	kmem_cache_free(mip4_binding_cache,
			container_of(rcu, struct mip4_binding, rcu));
}

static void mip4_binding_to_port(struct mip4_binding *b, struct mip4_port *port)
{
	hlist_add_head(&b->on_port, &port->list);
	port->bindings++;
}

static void mip4_binding_off_port(struct mip4_binding *b,
				  struct mip4_port *port)
{
	hlist_del(&b->on_port);
	port->bindings--;
}

static void mip4_realm_use(struct mip4_binding *b)
{
	struct mip4_dev *mip = b->mip;
	struct mip4_realm *slot, *end = mip->realms + MIP4_REALMS, *idle = NULL;

	for (slot = mip->realms; slot < end; slot++) {
		if (!slot->bindings)
			idle = idle ?: slot;
		else if (slot->realm == b->addr.realm)
			break;
	}
	if (slot == end)
		slot = idle;
	b->realmless = !slot;
	if (!slot) {
		WRITE_ONCE(mip->realmless, mip->realmless + 1);
		return;
	}
	WRITE_ONCE(slot->realm, b->addr.realm);
	WRITE_ONCE(slot->bindings, slot->bindings + 1);
}

static void mip4_realm_leave(struct mip4_binding *b)
{
	struct mip4_dev *mip = b->mip;
	struct mip4_realm *slot;

	if (b->realmless) {
		WRITE_ONCE(mip->realmless, mip->realmless - 1);
		return;
	}
	for (slot = mip->realms; slot < mip->realms + MIP4_REALMS; slot++) {
		if (slot->bindings && slot->realm == b->addr.realm)
			WRITE_ONCE(slot->bindings, slot->bindings - 1);
	}
}

/**
 * mip4_binding_taken() - name the binding that owns what another wants
 * @b: binding
 * @what: it owns
 * @attr: to blame
 * @extack: where to say so
 *
 * Context: RCU or mip4_dev.lock.
 *
 * Return: -EEXIST.
 */
int mip4_binding_taken(const struct mip4_binding *b, const char *what,
		       const struct nlattr *attr,
		       struct netlink_ext_ack *extack)
{
	NL_SET_ERR_MSG_FMT_MOD(extack, "%s already used by binding %u of %s",
			       what, b->id, b->mip->dev->name);
	NL_SET_BAD_ATTR(extack, attr);
	return -EEXIST;
}

static struct mip4_port *
mip4_binding_port(struct mip4_dev *mip, const struct mip4_binding_config *cfg,
		  struct netlink_ext_ack *extack)
{
	struct mip4_port *port = mip4_port_find(mip, cfg->port);
	struct mip4_binding *other;

	if (!port) {
		MIP4_NL_ERR(extack, cfg->port_attr,
			    "not a port of this mip4 device");
		return ERR_PTR(-ENODEV);
	}
	if (port->mode == MIP4_PORT_HOME) {
		MIP4_NL_ERR(extack, cfg->port_attr,
			    "a port of mode home serves no devices");
		return ERR_PTR(-EINVAL);
	}
	if (port->p2p && cfg->mac_attr) {
		MIP4_NL_ERR(extack, cfg->mac_attr,
			    "a point-to-point port has one device and no MACs");
		return ERR_PTR(-EINVAL);
	}
	if (!port->p2p && !cfg->mac_attr) {
		MIP4_NL_ERR(extack, cfg->port_attr,
			    "PORT without MAC: an Ethernet port has many devices");
		return ERR_PTR(-EINVAL);
	}
	rcu_read_lock();
	other = mip4_binding_by_mac(mip, cfg->port, cfg->mac);
	if (other)
		mip4_binding_taken(other, port->p2p ? "port" : "MAC",
				   cfg->mac_attr ?: cfg->port_attr, extack);
	rcu_read_unlock();
	return other ? ERR_PTR(-EEXIST) : port;
}

/**
 * mip4_binding_add() - make a binding
 * @mip: device
 * @cfg: what it shall be
 * @extack: where to say why not
 *
 * It forwards from here on; mip4_binding_live() must follow, for the frames
 * that waited for it, unless it is deleted again.
 * Context: process, mip4_dev.lock held.
 *
 * Return: the binding or an ERR_PTR().
 */
struct mip4_binding *mip4_binding_add(struct mip4_dev *mip,
				      const struct mip4_binding_config *cfg,
				      struct netlink_ext_ack *extack)
{
	struct mip4_prefix_key home = mip4_ip_key(cfg->home);
	struct mip4_prefixes *none;
	struct mip4_port *port = NULL;
	struct mip4_binding *b;
	struct mip4_legs *legs;
	int err;

	lockdep_assert_held(&mip->lock);
	if (mip->dead) {
		MIP4_NL_ERR(extack, cfg->attr, "the mip4 device is going away");
		return ERR_PTR(-ENODEV);
	}
	if (mip->limit && mip->count >= mip->limit) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "the link's limit of %u bindings is reached",
				       mip->limit);
		NL_SET_BAD_ATTR(extack, cfg->attr);
		return ERR_PTR(-ENOSPC);
	}
	if (!cfg->port && cfg->realm != mip->realm) {
		MIP4_NL_ERR(extack, cfg->attr,
			    "a routed binding must be in the link's own realm");
		return ERR_PTR(-EINVAL);
	}
	err = mip4_legs_check(cfg, true, cfg->port, extack);
	if (err)
		return ERR_PTR(err);
	rcu_read_lock();
	home.realm = cfg->realm;
	b = mip4_prefix_owner(mip, &home);
	if (b) {
		err = mip4_binding_taken(b, "home address", cfg->home_attr,
					 extack);
		rcu_read_unlock();
		return ERR_PTR(err);
	}
	rcu_read_unlock();
	if (cfg->port) {
		port = mip4_binding_port(mip, cfg, extack);
		if (IS_ERR(port))
			return ERR_CAST(port);
	}

	b = kmem_cache_zalloc(mip4_binding_cache, GFP_KERNEL_ACCOUNT);
	if (!b)
		return ERR_PTR(-ENOMEM);
	b->mip = mip;
	b->cookie = cfg->cookie;
	b->addr.realm = cfg->realm;
	b->addr.addr = cfg->home;
	b->addr.plen = 32;
	b->gateway = cfg->gateway;
	b->home_plen = cfg->home_plen;
	b->replay = port;
	b->mac.ifindex = cfg->port;
	ether_addr_copy(b->mac.mac, cfg->mac);
	RCU_INIT_POINTER(b->port, port);

	/* not yet visible, but a number must be had first */
	err = xa_alloc_cyclic(&mip->ids, &b->id, NULL, xa_limit_32b,
			      &mip->next_id, GFP_KERNEL_ACCOUNT);
	if (err < 0)
		goto err_free;
	if (likely(mip4_legs_plain(cfg))) {
		err = mip4_leg_add(&b->first, b, &cfg->leg, extack);
		if (err)
			goto err_id;
		rcu_assign_pointer(b->leg, &b->first);
	} else {
		legs = mip4_legs_prepare(b, cfg, extack);
		err = PTR_ERR_OR_ZERO(legs);
		if (err)
			goto err_id;
		mip4_legs_commit(b, legs);
	}
	err = mip4_table_insert(&mip->by_addr, &b->by_addr, mip4_addr_params);
	if (err) {
		MIP4_NL_ERR(extack, cfg->home_attr,
			    "no room in the table of home addresses");
		goto err_leg;
	}
	err = mip4_subnet_join(b, b->home_plen);
	if (err) {
		MIP4_NL_ERR(extack, cfg->home_attr,
			    "no room in the table of home prefixes");
		goto err_addr;
	}
	if (cfg->n_prefixes) {
		none = mip4_prefixes_replace(b, cfg, extack);
		err = PTR_ERR_OR_ZERO(none);
		if (err)
			goto err_subnet;
	}
	if (port) {
		err = mip4_table_insert(&mip->by_mac, &b->by_mac,
					mip4_mac_params);
		if (err) {
			MIP4_NL_ERR(extack, cfg->mac_attr,
				    "no room in the table of MACs");
			goto err_prefixes;
		}
		mip4_binding_to_port(b, port);
		mip4_realm_use(b);
	}
	/* the entry is reserved, so this needs no memory */
	xa_store(&mip->ids, b->id, b, GFP_KERNEL_ACCOUNT);
	mip->count++;
	mip4_binding_set_lifetime(b, cfg->lifetime);
	return b;

err_prefixes:
	mip4_prefixes_del(b);
err_subnet:
	mip4_subnet_leave(b);
err_addr:
	rhashtable_remove_fast(&mip->by_addr, &b->by_addr, mip4_addr_params);
err_leg:
	mip4_legs_del(b);
err_id:
	xa_erase(&mip->ids, b->id);
err_free:
	/* a packet may have seen it in a table */
	call_rcu(&b->rcu, mip4_binding_free);
	return ERR_PTR(err);
}

/**
 * mip4_binding_live() - let go what waited for a binding as it now is
 * @b: binding: new, moved, or with other legs
 *
 * Context: process, mip4_dev.lock held.
 */
void mip4_binding_live(struct mip4_binding *b)
{
	if (!mip4_binding_away(b) && !mip4_legs_wait(b))
		mip4_hold_replay(b);
}

/**
 * mip4_binding_del() - delete a binding
 * @b: binding
 *
 * Context: process, mip4_dev.lock held.
 */
void mip4_binding_del(struct mip4_binding *b)
{
	struct mip4_dev *mip = b->mip;
	struct mip4_port *port;

	lockdep_assert_held(&mip->lock);
	port = rcu_dereference_protected(b->port, lockdep_is_held(&mip->lock));
	if (port) {
		rhashtable_remove_fast(&mip->by_mac, &b->by_mac,
				       mip4_mac_params);
		mip4_binding_off_port(b, port);
	}
	if (mip4_binding_served(b))
		mip4_realm_leave(b);
	mip4_subnet_leave(b);
	rhashtable_remove_fast(&mip->by_addr, &b->by_addr, mip4_addr_params);
	mip4_prefixes_del(b);
	xa_erase(&mip->ids, b->id);
	mip4_legs_del(b);
	mip->count--;
	call_rcu(&b->rcu, mip4_binding_free);
}

/**
 * mip4_binding_leave_port() - stop to serve a device, which isn't there
 * @b: served binding; mip4_binding_set_port() serves it again
 *
 * What comes for it is returned from here on. Context: process, mip4_dev.lock
 * held.
 */
void mip4_binding_leave_port(struct mip4_binding *b)
{
	struct mip4_port *port;

	port = rcu_dereference_protected(b->port,
					 lockdep_is_held(&b->mip->lock));
	if (!port)
		return;
	rhashtable_remove_fast(&b->mip->by_mac, &b->by_mac, mip4_mac_params);
	mip4_binding_off_port(b, port);
	RCU_INIT_POINTER(b->port, NULL);
}

/**
 * mip4_binding_check_port() - may a served binding move to a port and MAC?
 * @b: binding
 * @cfg: .port, .mac and the attributes to blame count
 * @extack: where to say why not
 *
 * Context: process, mip4_dev.lock held.
 *
 * Return: 0 or a negative error.
 */
int mip4_binding_check_port(struct mip4_binding *b,
			    const struct mip4_binding_config *cfg,
			    struct netlink_ext_ack *extack)
{
	if (!mip4_binding_served(b)) {
		MIP4_NL_ERR(extack, cfg->port_attr,
			    "a routed binding can't move to a port");
		return -EOPNOTSUPP;
	}
	if (cfg->port == b->mac.ifindex &&
	    ether_addr_equal(cfg->mac, b->mac.mac) && !mip4_binding_away(b))
		return 0;
	return PTR_ERR_OR_ZERO(mip4_binding_port(b->mip, cfg, extack));
}

/* Leave one place for another, which the table may have no room for. */
static int mip4_binding_move(struct mip4_binding *b, u32 ifindex, const u8 *mac)
{
	struct mip4_port *port = mip4_port_find(b->mip, ifindex);
	struct mip4_port *old;

	old = rcu_dereference_protected(b->port,
					lockdep_is_held(&b->mip->lock));
	if (old)
		mip4_binding_off_port(b, old);
	mip4_binding_to_port(b, port);
	b->mac.ifindex = ifindex;
	ether_addr_copy(b->mac.mac, mac);
	rcu_assign_pointer(b->port, port);
	return mip4_table_insert(&b->mip->by_mac, &b->by_mac, mip4_mac_params);
}

/* Not when a move failed both ways. */
static bool mip4_binding_in_mac_table(struct mip4_binding *b)
{
	bool in;

	rcu_read_lock();
	in = mip4_binding_by_mac(b->mip, b->mac.ifindex, b->mac.mac) == b;
	rcu_read_unlock();
	return in;
}

/**
 * mip4_binding_set_port() - move a served binding to another port or MAC
 * @b: binding
 * @cfg: approved by mip4_binding_check_port()
 * @extack: where to say why not
 *
 * mip4_binding_live() must follow. Context: process, mip4_dev.lock held.
 *
 * Return: 0, or a negative error: a hash table could not be rebuilt, and the
 * binding is where it was. Should the table refuse that too, its device is
 * unknown until the binding is moved again.
 */
int mip4_binding_set_port(struct mip4_binding *b,
			  const struct mip4_binding_config *cfg,
			  struct netlink_ext_ack *extack)
{
	const bool away = mip4_binding_away(b);
	const struct mip4_mac_key old = b->mac;
	int err;

	if (cfg->port == old.ifindex && ether_addr_equal(cfg->mac, old.mac) &&
	    mip4_binding_in_mac_table(b))
		return 0;
	rhashtable_remove_fast(&b->mip->by_mac, &b->by_mac, mip4_mac_params);
	WRITE_ONCE(b->replay, true);
	err = mip4_binding_move(b, cfg->port, cfg->mac);
	if (!err)
		return 0;
	if (away) {
		mip4_binding_leave_port(b);
		b->mac = old;
		MIP4_NL_ERR(extack, cfg->mac_attr,
			    "no room in the table of MACs: nothing changed");
		return err;
	}
	if (mip4_binding_move(b, old.ifindex, old.mac))
		MIP4_NL_ERR(extack, cfg->mac_attr,
			    "no room in the table of MACs: the device is unknown until moved again");
	else
		MIP4_NL_ERR(extack, cfg->mac_attr,
			    "no room in the table of MACs: nothing changed");
	return err;
}

/**
 * mip4_binding_set_home_plen() - change the home prefix of a binding
 * @b: binding
 * @plen: its length
 *
 * Context: process, mip4_dev.lock held.
 *
 * Return: 0, or -ENOMEM and nothing changed; never that for a served one.
 */
int mip4_binding_set_home_plen(struct mip4_binding *b, u8 plen)
{
	int err;

	if (plen == b->home_plen)
		return 0;
	err = mip4_subnet_join(b, plen);
	if (err)
		return err;
	mip4_subnet_leave(b);
	WRITE_ONCE(b->home_plen, plen);
	return 0;
}

/**
 * mip4_binding_set_lifetime() - start a lifetime now
 * @b: binding
 * @lifetime: seconds, 0: no end
 *
 * Context: process, mip4_dev.lock held.
 */
void mip4_binding_set_lifetime(struct mip4_binding *b, u32 lifetime)
{
	WRITE_ONCE(b->expires, lifetime ?
			       ktime_get_boottime_seconds() + lifetime : 0);
	if (lifetime)
		mip4_expire_at(b->mip, b->expires);
}

/**
 * mip4_binding_match() - is a binding meant by a filter?
 * @b: binding
 * @filter: filter
 *
 * Context: RCU or mip4_dev.lock.
 *
 * Return: whether it is.
 */
bool mip4_binding_match(struct mip4_binding *b,
			const struct mip4_binding_filter *filter)
{
	if (filter->by_realm && b->addr.realm != filter->realm)
		return false;
	if (filter->covered.family &&
	    !mip4_prefixes_cover(b, &filter->covered))
		return false;
	if (filter->port &&
	    (b->mac.ifindex != filter->port || mip4_binding_away(b)))
		return false;
	return !filter->peer || mip4_legs_have_peer(b, filter->peer);
}

/* Return: whether it matched. */
static bool mip4_binding_flush_one(struct mip4_binding *b,
				   const struct mip4_binding_filter *filter,
				   enum mip4_del_reason reason)
{
	cond_resched();
	if (!mip4_binding_match(b, filter))
		return false;
	if (!filter->peer || !mip4_legs_drop_peer(b, filter->peer)) {
		mip4_nl_notify(b, MIP4_CMD_BINDING_DEL, reason);
		mip4_binding_del(b);
	}
	return true;
}

/**
 * mip4_binding_flush() - delete all bindings that match
 * @mip: device
 * @filter: which
 * @reason: what the notifications say
 *
 * A filter by peer takes legs: a binding that has others stays with these.
 * Context: process, mip4_dev.lock held.
 *
 * Return: how many matched.
 */
u32 mip4_binding_flush(struct mip4_dev *mip,
		       const struct mip4_binding_filter *filter,
		       enum mip4_del_reason reason)
{
	struct mip4_binding *b;
	struct mip4_port *port;
	struct hlist_node *next;
	unsigned long id;
	u32 count = 0;

	if (!filter->port) {
		xa_for_each(&mip->ids, id, b)
			count += mip4_binding_flush_one(b, filter, reason);
		return count;
	}
	port = mip4_port_find(mip, filter->port);
	if (!port)
		return 0;
	hlist_for_each_entry_safe(b, next, &port->list, on_port)
		count += mip4_binding_flush_one(b, filter, reason);
	return count;
}

/**
 * mip4_binding_init() - make the cache of bindings
 *
 * Context: module load.
 *
 * Return: 0 or -ENOMEM.
 */
int __init mip4_binding_init(void)
{
	BUILD_BUG_ON(sizeof(struct mip4_addr_key) != 12);
	BUILD_BUG_ON(sizeof(struct mip4_mac_key) != 12);
	BUILD_BUG_ON(sizeof(struct mip4_demux_key) != 20);
	BUILD_BUG_ON(sizeof(struct mip4_prefix_key) != 24);
	BUILD_BUG_ON(SMP_CACHE_BYTES == 64 && sizeof(struct mip4_binding) > 256);
	mip4_binding_cache = KMEM_CACHE(mip4_binding, SLAB_HWCACHE_ALIGN);
	return mip4_binding_cache ? 0 : -ENOMEM;
}

/**
 * mip4_binding_exit() - undo mip4_binding_init()
 *
 * Context: module unload, after the grace period of the last binding.
 */
void mip4_binding_exit(void)
{
	kmem_cache_destroy(mip4_binding_cache);
}
