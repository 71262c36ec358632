/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_BINDING_H
#define _MIP4_BINDING_H

#include <linux/etherdevice.h>
#include <linux/in.h>
#include <linux/rhashtable.h>
#include <linux/skbuff.h>
#include <linux/timekeeping.h>
#include <linux/mip4.h>

#include "leg.h"
#include "prefix.h"

struct mip4_dev;
struct mip4_legs;
struct mip4_port;
struct netlink_ext_ack;
struct nlattr;

struct mip4_addr_key {
	u32 realm;
	__be32 addr;
	u32 plen;
};

struct mip4_mac_key {
	u32 ifindex;		/* of the port; 0: routed binding */
	u8 mac[ETH_ALEN];	/* zero: alone on a point-to-point port */
	u8 zero[2];
};

/*
 * A binding. The packet path finds it under RCU by address, by port and MAC, or
 * through a leg; writers hold mip4_dev.lock. It is freed a grace period after
 * it left the tables, and so is its first leg, which may be unused. .leg is the
 * one that sends: NULL when none does or not only one. .legs is NULL when there
 * is no other than .leg, .prefixes when there is no other address than .addr. A
 * served device that has left its port has none, and isn't found by its MAC.
 *
 * .mac, .port, .cookie, .gateway, .home_plen and .expires may change while
 * packets pass: a packet sees the old or the new value, and during a move
 * between ports perhaps the new port with the old MAC, which costs that packet
 * and nothing else. A change of .mac is made outside of the table.
 */
struct mip4_binding {
	struct rhash_head by_addr;
	struct rhash_head by_mac;
	struct mip4_addr_key addr;
	struct mip4_mac_key mac;
	u32 id;
	__be32 gateway;			/* 0: none */
	u8 home_plen;
	bool replay;			/* what is held goes first, see hold.h */
	bool doomed;			/* named by a BINDING_DEL under way */
	bool realmless;			/* mip4_dev.realms has no slot for it */
	struct mip4_leg __rcu *leg;

	struct mip4_legs __rcu *legs;
	struct mip4_port __rcu *port;
	struct mip4_dev *mip;
	struct mip4_leg first;
	u64 cookie;
	time64_t expires;		/* boottime seconds, 0: never */
	struct mip4_prefixes __rcu *prefixes;
	union {
		struct hlist_node on_port;	/* mip4_port.list, while .port is set */
		struct rcu_head rcu;
	};

	/* written by packets */
	unsigned long seen ____cacheline_aligned;	/* jiffies, 0: never */
	atomic64_t up_packets;
	atomic64_t up_bytes;
	atomic64_t down_packets;
	atomic64_t down_bytes;
	atomic64_t drops;
	u64 first_up;			/* ns CLOCK_MONOTONIC, 0: none */
	u64 first_down;
};

/* What a new binding shall be. */
struct mip4_binding_config {
	u64 cookie;
	u32 realm;
	__be32 home;
	__be32 gateway;
	u32 lifetime;			/* s, 0: no end */
	u32 port;			/* ifindex, 0: routed */
	u8 mac[ETH_ALEN];
	u8 home_plen;
	u8 n_legs;
	u8 n_prefixes;
	struct mip4_prefix_config prefixes[MIP4_ADDRS_MAX - 1];
	union {				/* the active one first */
		struct mip4_leg_config leg;
		struct mip4_leg_config legs[MIP4_LEGS_MAX];
	};
	/* what to blame */
	const struct nlattr *attr;
	const struct nlattr *home_attr;
	const struct nlattr *mac_attr;
	const struct nlattr *port_attr;
};

/* Which bindings: fields of value 0 select all, except with .by_realm. */
struct mip4_binding_filter {
	bool by_realm;
	u32 realm;
	u32 port;
	__be32 peer;
	struct mip4_prefix_key covered;	/* by an address, in any realm; family 0: all */
};

extern const struct rhashtable_params mip4_addr_params;
extern const struct rhashtable_params mip4_mac_params;

static inline __be32 mip4_binding_home(const struct mip4_binding *b)
{
	return b->addr.addr;
}

/* Is its device one for our ports, or is it routed? Never changes. */
static inline bool mip4_binding_served(const struct mip4_binding *b)
{
	return b->mac.ifindex;
}

/* Has the device left its port, so that what comes for it goes back? */
static inline bool mip4_binding_away(const struct mip4_binding *b)
{
	return mip4_binding_served(b) && !rcu_access_pointer(b->port);
}

static inline __be32 mip4_mask(u8 plen)
{
	return plen ? htonl(~0U << (32 - plen)) : 0;
}

/* Is an address that of a group, or of all on the home link of @b? */
static inline bool mip4_binding_group(const struct mip4_binding *b,
				      __be32 addr)
{
	const u8 plen = READ_ONCE(b->home_plen);

	return ipv4_is_multicast(addr) || ipv4_is_lbcast(addr) ||
	       (plen < 31 &&
		addr == (mip4_binding_home(b) | ~mip4_mask(plen)));
}

/* Are both on the home link of @b, between which no router is seen? */
static inline bool mip4_binding_on_link(const struct mip4_binding *b,
					__be32 saddr, __be32 daddr)
{
	const __be32 home = mip4_binding_home(b);
	const u8 plen = READ_ONCE(b->home_plen);

	return plen < 32 && !(((saddr ^ home) | (daddr ^ home)) &
			      mip4_mask(plen));
}

static inline void mip4_binding_seen(struct mip4_binding *b)
{
	const unsigned long now = jiffies ?: 1;

	if (READ_ONCE(b->seen) != now)
		WRITE_ONCE(b->seen, now);
}

static inline unsigned int mip4_segments(const struct sk_buff *skb)
{
	return skb_is_gso(skb) ? max_t(u16, skb_shinfo(skb)->gso_segs, 1) : 1;
}

/* Count a packet from the device to its home; @skb starts at the inner header. */
static inline void mip4_binding_up(struct mip4_binding *b,
				   const struct sk_buff *skb)
{
	atomic64_add(mip4_segments(skb), &b->up_packets);
	atomic64_add(skb->len, &b->up_bytes);
	if (unlikely(!READ_ONCE(b->first_up)))
		WRITE_ONCE(b->first_up, ktime_get_ns());
}

/* Likewise the other way. */
static inline void mip4_binding_down(struct mip4_binding *b,
				     const struct sk_buff *skb)
{
	atomic64_add(mip4_segments(skb), &b->down_packets);
	atomic64_add(skb->len, &b->down_bytes);
	if (unlikely(!READ_ONCE(b->first_down)))
		WRITE_ONCE(b->first_down, ktime_get_ns());
}

/* Nobody asks which of two an address means but within a device and realm. */
static inline bool mip4_binding_cross(const struct mip4_binding *b,
				      const struct mip4_binding *other)
{
	return other->mip != b->mip || other->addr.realm != b->addr.realm;
}

bool mip4_binding_owns(const struct mip4_binding *b,
		       const struct mip4_prefix_key *addr);
bool mip4_binding_owns_ip(const struct mip4_binding *b, __be32 addr);

/* Is an IPv4 address a binding's, by longest match? Context: RCU. */
static inline bool mip4_binding_is(const struct mip4_binding *b, __be32 addr)
{
	return addr == mip4_binding_home(b) || mip4_binding_owns_ip(b, addr);
}

bool mip4_table_retry(struct rhashtable *ht, int err, int *tries);

struct mip4_binding *mip4_binding_by_addr(struct mip4_dev *mip, u32 realm,
					  __be32 addr);
struct mip4_binding *mip4_binding_find(struct mip4_dev *mip, u32 realm,
				       __be32 addr);
struct mip4_binding *mip4_binding_routed(struct mip4_dev *mip, __be32 addr);
struct mip4_binding *mip4_binding_by_mac(struct mip4_dev *mip, u32 ifindex,
					 const u8 *mac);
int mip4_binding_taken(const struct mip4_binding *b, const char *what,
		       const struct nlattr *attr,
		       struct netlink_ext_ack *extack);
struct mip4_binding *mip4_binding_add(struct mip4_dev *mip,
				      const struct mip4_binding_config *cfg,
				      struct netlink_ext_ack *extack);
void mip4_binding_live(struct mip4_binding *b);
void mip4_binding_del(struct mip4_binding *b);
void mip4_binding_leave_port(struct mip4_binding *b);
int mip4_binding_check_port(struct mip4_binding *b,
			    const struct mip4_binding_config *cfg,
			    struct netlink_ext_ack *extack);
int mip4_binding_set_port(struct mip4_binding *b,
			  const struct mip4_binding_config *cfg,
			  struct netlink_ext_ack *extack);
int mip4_binding_set_home_plen(struct mip4_binding *b, u8 plen);
void mip4_binding_set_lifetime(struct mip4_binding *b, u32 lifetime);
bool mip4_binding_match(struct mip4_binding *b,
			const struct mip4_binding_filter *filter);
u32 mip4_binding_flush(struct mip4_dev *mip,
		       const struct mip4_binding_filter *filter,
		       enum mip4_del_reason reason);
int mip4_binding_init(void);
void mip4_binding_exit(void);

#endif /* _MIP4_BINDING_H */
