// SPDX-License-Identifier: GPL-2.0-only
/* Generic netlink: bindings as replies, dumps and notifications. */
#include <net/genetlink.h>

#include "binding.h"
#include "device.h"
#include "legs.h"
#include "netlink.h"
#include "peer.h"
#include "trace.h"

static int mip4_nl_fill_addr(struct sk_buff *skb,
			     const struct mip4_prefix_key *key)
{
	const int len = key->family == AF_INET ? sizeof(key->ip) :
						 sizeof(key->ip6);
	struct nlattr *nest;

	nest = nla_nest_start(skb, MIP4_BINDING_A_ADDR);
	if (!nest || nla_put_u8(skb, MIP4_ADDR_A_FAMILY, key->family) ||
	    nla_put_u8(skb, MIP4_ADDR_A_PLEN, key->plen) ||
	    nla_put(skb, MIP4_ADDR_A_ADDRESS, len, &key->ip6))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* The home address first. */
static int mip4_nl_fill_addrs(struct sk_buff *skb, const struct mip4_binding *b)
{
	const struct mip4_prefix_key home = mip4_ip_key(mip4_binding_home(b));
	const struct mip4_prefixes *set;
	struct nlattr *list;
	unsigned int i;

	list = nla_nest_start(skb, MIP4_BINDING_A_ADDRS);
	if (!list || mip4_nl_fill_addr(skb, &home))
		return -EMSGSIZE;
	set = rcu_dereference_check(b->prefixes,
				    lockdep_is_held(&b->mip->lock));
	for (i = 0; set && i < set->n; i++) {
		if (mip4_nl_fill_addr(skb, &set->prefix[i]->key))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, list);
	return 0;
}

/* What is left of the lifetime of a leg, at least 1, or 0: no end. */
static u32 mip4_nl_leg_lifetime(const struct mip4_legs_entry *entry)
{
	const u64 now = get_jiffies_64();

	if (!entry->expires)
		return 0;
	if (entry->expires <= now)
		return 1;
	return min_t(u64, U32_MAX,
		     div_u64((entry->expires - now) * MSEC_PER_SEC, HZ) ?: 1);
}

static int mip4_nl_fill_leg(struct sk_buff *skb, const struct mip4_leg *leg,
			    u8 state, u32 lifetime_ms, bool admin)
{
	struct nlattr *nest;

	nest = nla_nest_start(skb, MIP4_BINDING_A_LEG);
	if (!nest || nla_put_in_addr(skb, MIP4_LEG_A_PEER, leg->key.peer) ||
	    nla_put_in_addr(skb, MIP4_LEG_A_LOCAL, leg->key.local) ||
	    nla_put_u8(skb, MIP4_LEG_A_ENCAP, leg->key.encap) ||
	    (leg->key.port && nla_put_u16(skb, MIP4_LEG_A_PEER_PORT,
					  ntohs(leg->key.port))) ||
	    nla_put_u8(skb, MIP4_LEG_A_STATE, state) ||
	    (lifetime_ms &&
	     nla_put_u32(skb, MIP4_LEG_A_LIFETIME_MS, lifetime_ms)))
		return -EMSGSIZE;
	if (admin && mip4_leg_keyed(leg) &&
	    (nla_put_be32(skb, MIP4_LEG_A_IKEY, leg->key.key) ||
	     nla_put_be32(skb, MIP4_LEG_A_OKEY, leg->okey)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int mip4_nl_fill_legs(struct sk_buff *skb, const struct mip4_binding *b,
			     bool admin)
{
	const struct mip4_legs_entry *entry;
	const struct mip4_legs *legs;
	struct mip4_leg *leg;
	struct nlattr *list;
	bool active, first;
	unsigned int i;

	list = nla_nest_start(skb, MIP4_BINDING_A_LEGS);
	if (!list)
		return -EMSGSIZE;
	legs = mip4_legs_get(b, &leg);
	if (!legs && leg &&
	    mip4_nl_fill_leg(skb, leg, MIP4_LEG_ACTIVE, 0, admin))
		return -EMSGSIZE;
	/* twice: the active one first */
	for (i = 0; legs && i < 2 * legs->n; i++) {
		entry = &legs->entry[i % legs->n];
		active = READ_ONCE(entry->state) == MIP4_LEG_ACTIVE;
		first = i < legs->n;
		if (active != first)
			continue;
		leg = rcu_dereference_check(entry->leg,
					    lockdep_is_held(&b->mip->lock));
		if (leg && mip4_nl_fill_leg(skb, leg, READ_ONCE(entry->state),
					    mip4_nl_leg_lifetime(entry), admin))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, list);
	return 0;
}

static int mip4_nl_put_u64(struct sk_buff *skb, int type, u64 value)
{
	return nla_put_u64_64bit(skb, type, value, MIP4_STATS_A_PAD);
}

static int mip4_nl_fill_stats(struct sk_buff *skb, const struct mip4_binding *b)
{
	const unsigned long seen = READ_ONCE(b->seen);
	const u64 up = READ_ONCE(b->first_up);
	const u64 down = READ_ONCE(b->first_down);
	struct nlattr *nest;

	nest = nla_nest_start(skb, MIP4_BINDING_A_STATS);
	if (!nest ||
	    mip4_nl_put_u64(skb, MIP4_STATS_A_UP_PACKETS,
			    atomic64_read(&b->up_packets)) ||
	    mip4_nl_put_u64(skb, MIP4_STATS_A_UP_BYTES,
			    atomic64_read(&b->up_bytes)) ||
	    mip4_nl_put_u64(skb, MIP4_STATS_A_DOWN_PACKETS,
			    atomic64_read(&b->down_packets)) ||
	    mip4_nl_put_u64(skb, MIP4_STATS_A_DOWN_BYTES,
			    atomic64_read(&b->down_bytes)) ||
	    mip4_nl_put_u64(skb, MIP4_STATS_A_DROPS,
			    atomic64_read(&b->drops)) ||
	    (seen && mip4_nl_put_u64(skb, MIP4_STATS_A_SEEN_MS,
				     jiffies64_to_msecs(jiffies - seen))) ||
	    (up && mip4_nl_put_u64(skb, MIP4_STATS_A_FIRST_UP_NS, up)) ||
	    (down && mip4_nl_put_u64(skb, MIP4_STATS_A_FIRST_DOWN_NS, down)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static u32 mip4_nl_lifetime(const struct mip4_binding *b)
{
	const time64_t expires = READ_ONCE(b->expires);

	if (!expires)
		return 0;
	/* 0 means no end, so what is over still has its last second */
	return max_t(time64_t, expires - ktime_get_boottime_seconds(), 1);
}

/**
 * mip4_nl_fill_binding() - put a BINDING nest
 * @skb: message
 * @b: binding
 * @admin: whether keys and cookie are for who reads it
 *
 * Context: RCU or mip4_dev.lock.
 *
 * Return: 0 or -EMSGSIZE, to be followed by genlmsg_cancel().
 */
int mip4_nl_fill_binding(struct sk_buff *skb, struct mip4_binding *b,
			 bool admin)
{
	const __be32 gateway = READ_ONCE(b->gateway);
	struct nlattr *nest;

	nest = nla_nest_start(skb, MIP4_A_BINDING);
	if (!nest || nla_put_u32(skb, MIP4_BINDING_A_ID, b->id) ||
	    (admin &&
	     nla_put_u64_64bit(skb, MIP4_BINDING_A_COOKIE,
			       READ_ONCE(b->cookie), MIP4_BINDING_A_PAD)) ||
	    nla_put_u32(skb, MIP4_BINDING_A_REALM, b->addr.realm) ||
	    mip4_nl_fill_addrs(skb, b) ||
	    nla_put_u8(skb, MIP4_BINDING_A_HOME_PLEN,
		       READ_ONCE(b->home_plen)) ||
	    nla_put_u32(skb, MIP4_BINDING_A_LIFETIME, mip4_nl_lifetime(b)) ||
	    (gateway &&
	     nla_put_in_addr(skb, MIP4_BINDING_A_GATEWAY, gateway)))
		return -EMSGSIZE;
	if (mip4_binding_served(b) &&
	    ((!mip4_binding_away(b) &&
	      nla_put_u32(skb, MIP4_BINDING_A_PORT, b->mac.ifindex)) ||
	     (!is_zero_ether_addr(b->mac.mac) &&
	      nla_put(skb, MIP4_BINDING_A_MAC, ETH_ALEN, b->mac.mac))))
		return -EMSGSIZE;
	if (mip4_nl_fill_legs(skb, b, admin) || mip4_nl_fill_stats(skb, b))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/*
 * Bindings by id, from cb->args[1] on. One that appears or goes meanwhile may
 * or may not be seen; all others are, once.
 */
static int mip4_nl_dump_bindings(struct sk_buff *skb,
				 struct netlink_callback *cb,
				 struct mip4_dev *mip)
{
	struct nlattr *nest = mip4_dump_attrs(cb)[MIP4_A_BINDING];
	const bool admin = mip4_nl_admin(cb->skb, dev_net(mip->dev));
	struct mip4_binding_filter filter;
	struct mip4_binding *b;
	unsigned int n = 0;
	unsigned long id;
	void *hdr;
	int err;

	err = mip4_nl_parse_filter(nest, &filter, cb->extack);
	if (err)
		return err;
	rcu_read_lock();
	xa_for_each_start(&mip->ids, id, b, cb->args[1]) {
		cb->args[1] = id;
		if (mip4_binding_match(b, &filter)) {
			hdr = mip4_nl_dump_put(skb, cb, mip,
					       MIP4_CMD_BINDING_GET);
			if (!hdr || mip4_nl_fill_binding(skb, b, admin)) {
				if (hdr)
					genlmsg_cancel(skb, hdr);
				err = -EMSGSIZE;
				break;
			}
			genlmsg_end(skb, hdr);
		}
		/* the walk goes on from the id, so nothing is kept here */
		if (!(++n % 256)) {
			rcu_read_unlock();
			cond_resched();
			rcu_read_lock();
		}
	}
	rcu_read_unlock();
	return err;
}

/**
 * mip4_nl_binding_dump() - .dumpit of MIP4_CMD_BINDING_GET
 * @skb: message to fill
 * @cb: state, see mip4_nl_dump()
 *
 * Context: process.
 *
 * Return: what a .dumpit returns.
 */
int mip4_nl_binding_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct nlattr *attr, *last = mip4_dump_attrs(cb)[MIP4_A_BINDING];
	int rem;

	/* of several the last one alone would limit what is shown */
	nlmsg_for_each_attr(attr, cb->nlh, GENL_HDRLEN, rem) {
		if (nla_type(attr) == MIP4_A_BINDING && attr != last) {
			MIP4_NL_ERR(cb->extack, attr, "one BINDING as a filter");
			return -EINVAL;
		}
	}
	return mip4_nl_dump(skb, cb, mip4_nl_dump_bindings);
}

static void mip4_nl_trace(const struct mip4_binding *b, u8 cmd,
			  enum mip4_del_reason reason)
{
	const struct mip4_leg *leg = mip4_legs_active(b);
	const __be32 peer = leg ? leg->key.peer : 0;

	if (cmd == MIP4_CMD_BINDING_NEW)
		trace_mip4_attach(b, peer);
	else if (cmd == MIP4_CMD_BINDING_SET)
		trace_mip4_change(b, peer);
	else
		trace_mip4_detach(b, reason);
}

/**
 * mip4_nl_notify() - trace a change, and tell group "bindings" if it listens
 * @b: binding
 * @cmd: MIP4_CMD_BINDING_NEW, _SET or _DEL
 * @reason: for _DEL
 *
 * Context: process, mip4_dev.lock held.
 */
void mip4_nl_notify(struct mip4_binding *b, u8 cmd, enum mip4_del_reason reason)
{
	struct mip4_dev *mip = b->mip;
	struct sk_buff *msg;
	void *hdr;

	mip4_nl_trace(b, cmd, reason);
	if (!mip4_nl_listens(mip, MIP4_NL_BINDINGS))
		return;
	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		goto err;
	hdr = genlmsg_put(msg, 0, 0, &mip4_nl_family, 0, cmd);
	if (!hdr || nla_put_u32(msg, MIP4_A_IFINDEX, mip->dev->ifindex) ||
	    mip4_nl_fill_binding(msg, b, true) ||
	    (cmd == MIP4_CMD_BINDING_DEL &&
	     nla_put_u8(msg, MIP4_A_REASON, reason))) {
		nlmsg_free(msg);
		goto err;
	}
	genlmsg_end(msg, hdr);
	genlmsg_multicast_netns(&mip4_nl_family, dev_net(mip->dev), msg, 0,
				MIP4_NL_BINDINGS, GFP_KERNEL);
	return;
err:
	/* listeners see ENOBUFS and dump again */
	genl_set_err(&mip4_nl_family, dev_net(mip->dev), 0, MIP4_NL_BINDINGS,
		     -ENOBUFS);
}
