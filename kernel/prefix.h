/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_PREFIX_H
#define _MIP4_PREFIX_H

#include <linux/bitmap.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/rhashtable.h>
#include <linux/socket.h>
#include <linux/mip4.h>

struct mip4_binding;
struct mip4_binding_config;
struct mip4_demux_key;
struct mip4_dev;
struct mip4_leg;
struct mip4_net;
struct netlink_ext_ack;
struct nlattr;

#define MIP4_PLEN_MAX	128

/* Host bits are zero, and so is what the family leaves of .addr. */
struct mip4_prefix_key {
	u32 realm;
	u8 family;			/* AF_INET or AF_INET6 */
	u8 plen;
	u8 zero[2];
	union {
		__be32 ip;
		struct in6_addr ip6;
	};
};

/*
 * An address or prefix of a binding, beside its home address. Immutable; freed
 * a grace period after it left the tables. mip4_dev.prefixes has one owner of
 * each, mip4_net.prefixes those of all devices and realms: for tunnels that
 * tell no realm.
 */
struct mip4_prefix {
	struct rhash_head node;		/* mip4_dev.prefixes */
	struct rhlist_head shared;	/* mip4_net.prefixes */
	struct mip4_prefix_key key;
	struct mip4_binding *binding;
	struct rcu_head rcu;
};

/* All that a binding has. Read under RCU; a change is a new set. */
struct mip4_prefixes {
	struct rcu_head rcu;
	u8 n;
	bool ip6;			/* any of IPv6 */
	struct mip4_prefix *prefix[];
};

/*
 * Which prefix lengths a table has, so that a lookup probes no other. Packets
 * read .used; a bit is set after the first of that length can be found.
 */
struct mip4_plens {
	u32 count[MIP4_PLEN_MAX + 1];
	DECLARE_BITMAP(used, MIP4_PLEN_MAX + 1);
};

/* What a further address shall be. */
struct mip4_prefix_config {
	struct mip4_prefix_key key;	/* .realm is the binding's */
	const struct nlattr *attr;	/* what to blame */
};

extern const struct rhashtable_params mip4_prefix_params;
extern const struct rhashtable_params mip4_shared_prefix_params;

static inline bool mip4_prefix_equal(const struct mip4_prefix_key *one,
				     const struct mip4_prefix_key *other)
{
	return !memcmp(&one->family, &other->family,
		       sizeof(*one) - offsetof(struct mip4_prefix_key, family));
}

static inline bool mip4_prefix_whole(const struct mip4_prefix_key *key)
{
	return key->plen == (key->family == AF_INET ? 32 : 128);
}

/* A whole IPv4 address, in no realm yet. All that is hashed is set. */
static inline struct mip4_prefix_key mip4_ip_key(__be32 addr)
{
	return (struct mip4_prefix_key) {
		.family = AF_INET,
		.plen = 32,
		.ip6.s6_addr32 = { addr },
	};
}

void mip4_prefix_mask(struct mip4_prefix_key *key);
bool mip4_prefix_covers(const struct mip4_prefix_key *prefix,
			const struct mip4_prefix_key *addr);
struct mip4_binding *mip4_prefix_owner(struct mip4_dev *mip,
				       const struct mip4_prefix_key *key);
struct mip4_binding *mip4_prefix_find(struct mip4_dev *mip,
				      const struct mip4_prefix_key *addr);
struct mip4_leg *mip4_prefix_leg(struct mip4_net *mn,
				 const struct mip4_demux_key *key,
				 const struct mip4_binding *b);
struct mip4_leg *mip4_prefix_demux(struct mip4_net *mn,
				   struct mip4_demux_key *key,
				   const struct mip4_prefix_key *addr);
bool mip4_prefixes_cover(const struct mip4_binding *b,
			 const struct mip4_prefix_key *addr);
bool mip4_prefixes_overlap(const struct mip4_binding *b,
			   const struct mip4_prefix_key *addr);
struct mip4_binding *mip4_prefix_clash(struct mip4_net *mn,
				       const struct mip4_demux_key *key,
				       const struct mip4_prefix_key *addr,
				       const struct mip4_binding *b);
struct mip4_prefixes *mip4_prefixes_replace(struct mip4_binding *b,
					    const struct mip4_binding_config *cfg,
					    struct netlink_ext_ack *extack);
void mip4_prefixes_restore(struct mip4_binding *b, struct mip4_prefixes *old);
void mip4_prefixes_release(struct mip4_binding *b, struct mip4_prefixes *old);
void mip4_prefixes_del(struct mip4_binding *b);

#endif /* _MIP4_PREFIX_H */
