// SPDX-License-Identifier: GPL-2.0-only
/* Generic netlink commands for bindings. */
#include <linux/mm.h>
#include <net/genetlink.h>

#include "binding.h"
#include "device.h"
#include "legs.h"
#include "net.h"
#include "netlink.h"
#include "port.h"

static const struct nla_policy mip4_nl_leg_policy[MIP4_LEG_A_MAX + 1] = {
	[MIP4_LEG_A_PEER]	= { .type = NLA_U32 },
	[MIP4_LEG_A_LOCAL]	= { .type = NLA_U32 },
	[MIP4_LEG_A_ENCAP]	= NLA_POLICY_RANGE(NLA_U8, MIP4_ENCAP_IPIP,
						   MIP4_ENCAP_MAX),
	[MIP4_LEG_A_IKEY]	= { .type = NLA_U32 },
	[MIP4_LEG_A_OKEY]	= { .type = NLA_U32 },
	[MIP4_LEG_A_STATE]	= NLA_POLICY_MAX(NLA_U8, MIP4_LEG_MAX),
	[MIP4_LEG_A_LIFETIME_MS] = { .type = NLA_U32 },
	[MIP4_LEG_A_PEER_PORT]	= NLA_POLICY_MIN(NLA_U16, 1),
};

static const struct nla_policy mip4_nl_legs_policy[MIP4_BINDING_A_LEG + 1] = {
	[MIP4_BINDING_A_LEG]	= NLA_POLICY_NESTED(mip4_nl_leg_policy),
};

const struct nla_policy mip4_nl_binding_policy[MIP4_BINDING_A_MAX + 1] = {
	[MIP4_BINDING_A_ID]		= NLA_POLICY_MIN(NLA_U32, 1),
	[MIP4_BINDING_A_COOKIE]		= { .type = NLA_U64 },
	[MIP4_BINDING_A_REALM]		= { .type = NLA_U32 },
	[MIP4_BINDING_A_ADDRS]		= NLA_POLICY_NESTED(mip4_nl_addrs_policy),
	[MIP4_BINDING_A_PORT]		= NLA_POLICY_MIN(NLA_U32, 1),
	[MIP4_BINDING_A_MAC]		= NLA_POLICY_EXACT_LEN(ETH_ALEN),
	[MIP4_BINDING_A_GATEWAY]	= { .type = NLA_U32 },
	[MIP4_BINDING_A_HOME_PLEN]	= NLA_POLICY_RANGE(NLA_U8, 1, 32),
	[MIP4_BINDING_A_LIFETIME]	= { .type = NLA_U32 },
	[MIP4_BINDING_A_LEGS]		= NLA_POLICY_NESTED(mip4_nl_legs_policy),
	[MIP4_BINDING_A_PAD]		= { .type = NLA_UNSPEC },
};

static int mip4_nl_parse(struct nlattr **tb, struct nlattr *attr,
			 struct netlink_ext_ack *extack)
{
	return nla_parse_nested(tb, MIP4_BINDING_A_MAX, attr,
				mip4_nl_binding_policy, extack);
}

static int mip4_nl_parse_leg(struct mip4_dev *mip, const struct sk_buff *skb,
			     struct nlattr *attr, struct mip4_leg_config *leg,
			     struct netlink_ext_ack *extack)
{
	struct nlattr *tb[MIP4_LEG_A_MAX + 1];
	int err;

	*leg = (struct mip4_leg_config) { .attr = attr };
	err = nla_parse_nested(tb, MIP4_LEG_A_MAX, attr, mip4_nl_leg_policy,
			       extack);
	if (err)
		return err;
	if (!tb[MIP4_LEG_A_PEER]) {
		MIP4_NL_ERR(extack, attr, "PEER is missing");
		return -EINVAL;
	}
	leg->peer = nla_get_in_addr(tb[MIP4_LEG_A_PEER]);
	if (!mip4_addr_ok(leg->peer)) {
		MIP4_NL_ERR(extack, tb[MIP4_LEG_A_PEER],
			    "peer must be a unicast address");
		return -EINVAL;
	}
	leg->local = mip->local;
	if (tb[MIP4_LEG_A_LOCAL])
		leg->local = nla_get_in_addr(tb[MIP4_LEG_A_LOCAL]);
	if (!mip4_addr_ok(leg->local)) {
		MIP4_NL_ERR(extack, tb[MIP4_LEG_A_LOCAL],
			    "local must be a unicast address");
		return -EINVAL;
	}
	/* an address of the underlay, which may be another's netns */
	if (leg->local != mip->local && !mip4_nl_admin(skb, mip->net)) {
		MIP4_NL_ERR(extack, tb[MIP4_LEG_A_LOCAL],
			    "a local other than the link's needs CAP_NET_ADMIN in the underlay's netns");
		return -EPERM;
	}
	if (leg->local == leg->peer) {
		MIP4_NL_ERR(extack, tb[MIP4_LEG_A_PEER],
			    "peer and local are the same address");
		return -EINVAL;
	}
	leg->encap = READ_ONCE(mip->encap);
	if (tb[MIP4_LEG_A_ENCAP])
		leg->encap = nla_get_u8(tb[MIP4_LEG_A_ENCAP]);
	if (!tb[MIP4_LEG_A_IKEY] != !tb[MIP4_LEG_A_OKEY]) {
		MIP4_NL_ERR(extack, tb[MIP4_LEG_A_IKEY] ?: tb[MIP4_LEG_A_OKEY],
			    "give both keys, received and sent, or none");
		return -EINVAL;
	}
	if (tb[MIP4_LEG_A_IKEY]) {
		if (leg->encap != MIP4_ENCAP_GRE) {
			MIP4_NL_ERR(extack, tb[MIP4_LEG_A_IKEY],
				    "only GRE carries keys");
			return -EINVAL;
		}
		leg->keyed = true;
		leg->ikey = nla_get_be32(tb[MIP4_LEG_A_IKEY]);
		leg->okey = nla_get_be32(tb[MIP4_LEG_A_OKEY]);
	}
	if (leg->encap == MIP4_ENCAP_UDP)
		leg->port = htons(MIP4_UDP_PORT);
	if (tb[MIP4_LEG_A_PEER_PORT]) {
		if (leg->encap != MIP4_ENCAP_UDP) {
			MIP4_NL_ERR(extack, tb[MIP4_LEG_A_PEER_PORT],
				    "only UDP has ports");
			return -EINVAL;
		}
		leg->port = htons(nla_get_u16(tb[MIP4_LEG_A_PEER_PORT]));
	}
	if (tb[MIP4_LEG_A_STATE])
		leg->state = nla_get_u8(tb[MIP4_LEG_A_STATE]);
	if (tb[MIP4_LEG_A_LIFETIME_MS])
		leg->lifetime_ms = nla_get_u32(tb[MIP4_LEG_A_LIFETIME_MS]);
	return 0;
}

/* All of LEGS; the active one goes first, whichever it was. */
static int mip4_nl_parse_legs(struct mip4_dev *mip, const struct sk_buff *skb,
			      struct nlattr *list,
			      struct mip4_binding_config *cfg,
			      struct netlink_ext_ack *extack)
{
	struct mip4_leg_config *leg;
	struct nlattr *attr;
	int rem, err;

	nla_for_each_nested(attr, list, rem) {
		if (cfg->n_legs == MIP4_LEGS_MAX) {
			NL_SET_ERR_MSG_FMT_MOD(extack,
					       "a binding has at most %u legs",
					       MIP4_LEGS_MAX);
			NL_SET_BAD_ATTR(extack, attr);
			return -E2BIG;
		}
		leg = &cfg->legs[cfg->n_legs];
		err = mip4_nl_parse_leg(mip, skb, attr, leg, extack);
		if (err)
			return err;
		if (leg->state == MIP4_LEG_ACTIVE &&
		    cfg->leg.state != MIP4_LEG_ACTIVE)
			swap(cfg->leg, *leg);
		cfg->n_legs++;
	}
	if (!cfg->n_legs) {
		MIP4_NL_ERR(extack, list, "the list is empty");
		return -EINVAL;
	}
	return 0;
}

static int mip4_nl_parse_port(struct nlattr **tb, struct nlattr *nest,
			      struct mip4_binding_config *cfg,
			      struct netlink_ext_ack *extack)
{
	cfg->port_attr = tb[MIP4_BINDING_A_PORT];
	cfg->mac_attr = tb[MIP4_BINDING_A_MAC];
	if (!cfg->port_attr && !cfg->mac_attr)
		return 0;
	if (!cfg->port_attr) {
		MIP4_NL_ERR(extack, cfg->mac_attr, "MAC without PORT");
		return -EINVAL;
	}
	cfg->port = nla_get_u32(cfg->port_attr);
	if (!cfg->mac_attr)
		return 0;
	if (!is_valid_ether_addr(nla_data(cfg->mac_attr))) {
		MIP4_NL_ERR(extack, cfg->mac_attr,
			    "MAC must be unicast and not zero");
		return -EINVAL;
	}
	ether_addr_copy(cfg->mac, nla_data(cfg->mac_attr));
	return 0;
}

static int mip4_nl_parse_gateway(struct nlattr *attr, __be32 home,
				 __be32 *gateway,
				 struct netlink_ext_ack *extack)
{
	*gateway = nla_get_in_addr(attr);
	if (!mip4_addr_ok(*gateway) || *gateway == home) {
		MIP4_NL_ERR(extack, attr,
			    "gateway must be a unicast address other than the home address");
		return -EINVAL;
	}
	return 0;
}

static int mip4_nl_parse_new(struct mip4_dev *mip, const struct sk_buff *skb,
			     struct nlattr *nest,
			     struct mip4_binding_config *cfg,
			     struct netlink_ext_ack *extack)
{
	struct nlattr *tb[MIP4_BINDING_A_MAX + 1];
	int err;

	*cfg = (struct mip4_binding_config) {
		.attr = nest,
		.realm = mip->realm,
		.home_plen = 32,
	};
	err = mip4_nl_parse(tb, nest, extack);
	if (err)
		return err;
	if (tb[MIP4_BINDING_A_ID]) {
		MIP4_NL_ERR(extack, tb[MIP4_BINDING_A_ID],
			    "the ID of a new binding is not yours to choose");
		return -EINVAL;
	}
	if (!tb[MIP4_BINDING_A_ADDRS]) {
		MIP4_NL_ERR(extack, nest, "ADDRS is missing");
		return -EINVAL;
	}
	if (!tb[MIP4_BINDING_A_LEGS]) {
		MIP4_NL_ERR(extack, nest, "LEGS is missing");
		return -EINVAL;
	}
	err = mip4_nl_parse_addrs(tb[MIP4_BINDING_A_ADDRS], cfg, extack);
	if (err)
		return err;
	err = mip4_nl_parse_legs(mip, skb, tb[MIP4_BINDING_A_LEGS], cfg,
				 extack);
	if (err)
		return err;
	err = mip4_nl_parse_port(tb, nest, cfg, extack);
	if (err)
		return err;
	if (tb[MIP4_BINDING_A_COOKIE])
		cfg->cookie = nla_get_u64(tb[MIP4_BINDING_A_COOKIE]);
	if (tb[MIP4_BINDING_A_REALM]) {
		cfg->realm = nla_get_u32(tb[MIP4_BINDING_A_REALM]);
		cfg->attr = tb[MIP4_BINDING_A_REALM];
	}
	if (tb[MIP4_BINDING_A_HOME_PLEN])
		cfg->home_plen = nla_get_u8(tb[MIP4_BINDING_A_HOME_PLEN]);
	if (tb[MIP4_BINDING_A_LIFETIME])
		cfg->lifetime = nla_get_u32(tb[MIP4_BINDING_A_LIFETIME]);
	if (tb[MIP4_BINDING_A_GATEWAY])
		err = mip4_nl_parse_gateway(tb[MIP4_BINDING_A_GATEWAY],
					    cfg->home, &cfg->gateway, extack);
	return err;
}

static unsigned int mip4_nl_entries(struct nlattr *list)
{
	struct nlattr *attr;
	unsigned int n = 0;
	int rem;

	nla_for_each_nested(attr, list, rem)
		n++;
	return n;
}

/* Do ADDRS of BINDING_SET say more than which binding is meant? */
static bool mip4_nl_sets_addrs(struct nlattr **tb)
{
	return tb[MIP4_BINDING_A_ADDRS] &&
	       (tb[MIP4_BINDING_A_ID] ||
		mip4_nl_entries(tb[MIP4_BINDING_A_ADDRS]) > 1);
}

/*
 * The binding that a nest selects, for BINDING_SET by the first of several
 * ADDRS; mip4_dev.lock held.
 */
static struct mip4_binding *mip4_nl_select(struct mip4_dev *mip,
					   struct nlattr **tb,
					   struct nlattr *nest, bool set,
					   struct netlink_ext_ack *extack)
{
	const struct nlattr *blame = nest;
	struct mip4_prefix_config addr;
	struct mip4_binding *b;
	int err;

	rcu_read_lock();
	if (tb[MIP4_BINDING_A_ID]) {
		blame = tb[MIP4_BINDING_A_ID];
		b = xa_load(&mip->ids, nla_get_u32(blame));
	} else if (tb[MIP4_BINDING_A_PORT] && !tb[MIP4_BINDING_A_ADDRS]) {
		blame = tb[MIP4_BINDING_A_MAC] ?: tb[MIP4_BINDING_A_PORT];
		b = mip4_binding_by_mac(mip,
					nla_get_u32(tb[MIP4_BINDING_A_PORT]),
					tb[MIP4_BINDING_A_MAC] ?
					nla_data(tb[MIP4_BINDING_A_MAC]) :
					mip4_no_mac);
		if (!b && !tb[MIP4_BINDING_A_MAC]) {
			rcu_read_unlock();
			MIP4_NL_ERR(extack, blame,
				    "no such binding: on an Ethernet port give MAC as well");
			return ERR_PTR(-ENOENT);
		}
	} else if (tb[MIP4_BINDING_A_ADDRS]) {
		if (set && mip4_nl_sets_addrs(tb))
			err = mip4_nl_parse_addr(nla_data(tb[MIP4_BINDING_A_ADDRS]),
						 &addr, extack);
		else
			err = mip4_nl_parse_one_addr(tb[MIP4_BINDING_A_ADDRS],
						     &addr, extack);
		if (err) {
			rcu_read_unlock();
			return ERR_PTR(err);
		}
		blame = addr.attr;
		addr.key.realm = tb[MIP4_BINDING_A_REALM] ?
			nla_get_u32(tb[MIP4_BINDING_A_REALM]) : mip->realm;
		b = mip4_prefix_owner(mip, &addr.key);
	} else {
		rcu_read_unlock();
		MIP4_NL_ERR(extack, nest,
			    "which binding? Give ID, PORT and its MAC, or ADDRS");
		return ERR_PTR(-EINVAL);
	}
	rcu_read_unlock();
	if (!b) {
		MIP4_NL_ERR(extack, blame, "no such binding");
		return ERR_PTR(-ENOENT);
	}
	return b;
}

static bool mip4_nl_is_binding(const struct nlattr *attr)
{
	return nla_type(attr) == MIP4_A_BINDING;
}

#define mip4_nl_for_each_binding(attr, info, rem)			\
	nlmsg_for_each_attr(attr, (info)->nlhdr, GENL_HDRLEN, rem)	\
		if (mip4_nl_is_binding(attr))

/* Room for all bindings that a message names, or an ERR_PTR(). */
static struct mip4_binding **mip4_nl_alloc(struct genl_info *info)
{
	struct mip4_binding **list;
	struct nlattr *attr;
	unsigned int n = 0;
	int rem;

	mip4_nl_for_each_binding(attr, info, rem)
		n++;
	if (!n) {
		NL_SET_ERR_MSG_MOD(info->extack, "BINDING is missing");
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, MIP4_A_BINDING);
		return ERR_PTR(-EINVAL);
	}
	list = kvcalloc(n, sizeof(*list), GFP_KERNEL);
	return list ?: ERR_PTR(-ENOMEM);
}

/* The only BINDING of a message, or an ERR_PTR(). */
static struct nlattr *mip4_nl_one(struct genl_info *info)
{
	struct nlattr *attr, *found = NULL;
	int rem;

	mip4_nl_for_each_binding(attr, info, rem) {
		if (found) {
			MIP4_NL_ERR(info->extack, attr,
				    "one BINDING at a time for this command");
			return ERR_PTR(-EINVAL);
		}
		found = attr;
	}
	if (!found) {
		NL_SET_ERR_MSG_MOD(info->extack, "BINDING is missing");
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, MIP4_A_BINDING);
		return ERR_PTR(-EINVAL);
	}
	return found;
}

/**
 * mip4_nl_binding_new() - .doit of MIP4_CMD_BINDING_NEW
 * @skb: request
 * @info: parsed; user_ptr[0] is the mip4 device, held
 *
 * Makes all bindings of the message or none.
 * Context: process; takes mip4_dev.lock.
 *
 * Return: 0 or a negative error, with its reason in the extack.
 */
int mip4_nl_binding_new(struct sk_buff *skb, struct genl_info *info)
{
	struct mip4_dev *mip = info->user_ptr[0];
	struct mip4_binding_config cfg;
	struct mip4_binding **list;
	unsigned int i, n = 0;
	struct nlattr *attr;
	int rem, err = 0;

	list = mip4_nl_alloc(info);
	if (IS_ERR(list))
		return PTR_ERR(list);

	mutex_lock(&mip->lock);
	mip4_nl_for_each_binding(attr, info, rem) {
		err = mip4_nl_parse_new(mip, skb, attr, &cfg, info->extack);
		if (err)
			break;
		list[n] = mip4_binding_add(mip, &cfg, info->extack);
		if (IS_ERR(list[n])) {
			err = PTR_ERR(list[n]);
			break;
		}
		n++;
	}
	for (i = 0; i < n; i++) {
		if (err) {
			mip4_binding_del(list[i]);
			continue;
		}
		mip4_nl_notify(list[i], MIP4_CMD_BINDING_NEW, 0);
		mip4_binding_live(list[i]);
	}
	mutex_unlock(&mip->lock);
	kvfree(list);
	return err;
}

/* A device that left its port returns what comes by all legs. */
static int mip4_nl_check_away(const struct mip4_binding *b, struct nlattr **tb,
			      const struct mip4_binding_config *cfg,
			      struct netlink_ext_ack *extack)
{
	if (cfg->n_legs && cfg->leg.state == MIP4_LEG_RETURN) {
		if (!cfg->port)
			return 0;
		MIP4_NL_ERR(extack, cfg->port_attr,
			    "a device whose packets return is on no PORT");
		return -EINVAL;
	}
	if (!mip4_binding_away(b) || !cfg->port == !cfg->n_legs)
		return 0;
	if (cfg->port)
		MIP4_NL_ERR(extack, cfg->port_attr,
			    "its legs return: give LEGS together with PORT and MAC");
	else
		MIP4_NL_ERR(extack, tb[MIP4_BINDING_A_LEGS],
			    "the device is on no port: give PORT and MAC together with LEGS");
	return -EINVAL;
}

/* Check all that a BINDING_SET asks for, so that it is done whole or not. */
static int mip4_nl_parse_set(struct mip4_binding *b, const struct sk_buff *skb,
			     struct nlattr **tb, struct nlattr *nest,
			     struct mip4_binding_config *cfg,
			     struct netlink_ext_ack *extack)
{
	int err;

	*cfg = (struct mip4_binding_config) { .attr = nest };
	if (tb[MIP4_BINDING_A_HOME_PLEN])
		cfg->home_plen = nla_get_u8(tb[MIP4_BINDING_A_HOME_PLEN]);
	if (mip4_nl_sets_addrs(tb)) {
		err = mip4_nl_parse_addrs(tb[MIP4_BINDING_A_ADDRS], cfg,
					  extack);
		if (err)
			return err;
		if (cfg->home != mip4_binding_home(b)) {
			MIP4_NL_ERR(extack, cfg->home_attr,
				    "a binding's home address can't change: make another");
			return -EOPNOTSUPP;
		}
	}
	if (tb[MIP4_BINDING_A_REALM] &&
	    nla_get_u32(tb[MIP4_BINDING_A_REALM]) != b->addr.realm) {
		MIP4_NL_ERR(extack, tb[MIP4_BINDING_A_REALM],
			    "a binding's realm can't change: make another");
		return -EOPNOTSUPP;
	}
	/* a lone PORT and MAC is the selector, and stays what it is */
	if (tb[MIP4_BINDING_A_ID] || tb[MIP4_BINDING_A_ADDRS]) {
		err = mip4_nl_parse_port(tb, nest, cfg, extack);
		if (err)
			return err;
	}
	if (tb[MIP4_BINDING_A_GATEWAY]) {
		err = mip4_nl_parse_gateway(tb[MIP4_BINDING_A_GATEWAY],
					    mip4_binding_home(b),
					    &cfg->gateway, extack);
		if (err)
			return err;
	}
	if (tb[MIP4_BINDING_A_LEGS]) {
		err = mip4_nl_parse_legs(b->mip, skb, tb[MIP4_BINDING_A_LEGS],
					 cfg, extack) ?:
		      mip4_legs_check(cfg, false, mip4_binding_served(b),
				      extack);
		if (err)
			return err;
	}
	return mip4_nl_check_away(b, tb, cfg, extack);
}

/**
 * mip4_nl_binding_set() - .doit of MIP4_CMD_BINDING_SET
 * @skb: request
 * @info: parsed; user_ptr[0] is the mip4 device, held
 *
 * Makes all changes that the message asks for or none.
 * Context: process; takes mip4_dev.lock.
 *
 * Return: 0 or a negative error, with its reason in the extack.
 */
int mip4_nl_binding_set(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[MIP4_BINDING_A_MAX + 1], *nest;
	struct mip4_dev *mip = info->user_ptr[0];
	struct netlink_ext_ack *extack = info->extack;
	struct mip4_binding_config cfg;
	struct mip4_prefixes *replaced = NULL;
	struct mip4_legs *legs = NULL;
	struct mip4_binding *b;
	int err;
	u8 plen;

	nest = mip4_nl_one(info);
	if (IS_ERR(nest))
		return PTR_ERR(nest);
	err = mip4_nl_parse(tb, nest, extack);
	if (err)
		return err;

	mutex_lock(&mip->lock);
	b = mip4_nl_select(mip, tb, nest, true, extack);
	if (IS_ERR(b)) {
		err = PTR_ERR(b);
		goto out;
	}
	err = mip4_nl_parse_set(b, skb, tb, nest, &cfg, extack);
	if (err)
		goto out;
	if (cfg.port) {
		err = mip4_binding_check_port(b, &cfg, extack);
		if (err)
			goto out;
	}
	/* all that can fail comes first */
	if (cfg.home) {
		replaced = mip4_prefixes_replace(b, &cfg, extack);
		if (IS_ERR(replaced)) {
			err = PTR_ERR(replaced);
			goto out;
		}
	}
	if (cfg.n_legs) {
		legs = mip4_legs_prepare(b, &cfg, extack);
		if (IS_ERR(legs)) {
			err = PTR_ERR(legs);
			if (cfg.home)
				mip4_prefixes_restore(b, replaced);
			goto out;
		}
	}
	plen = b->home_plen;
	if (tb[MIP4_BINDING_A_HOME_PLEN]) {
		err = mip4_binding_set_home_plen(b, cfg.home_plen);
		if (err)
			MIP4_NL_ERR(extack, tb[MIP4_BINDING_A_HOME_PLEN],
				    "no room in the table of home prefixes");
	}
	if (!err && cfg.port) {
		err = mip4_binding_set_port(b, &cfg, extack);
		if (err)
			mip4_binding_set_home_plen(b, plen);
	}
	if (err) {
		if (legs)
			mip4_legs_abort(b, legs);
		if (cfg.home)
			mip4_prefixes_restore(b, replaced);
		goto live;
	}
	mip4_prefixes_release(b, replaced);
	if (legs)
		mip4_legs_commit(b, legs);
	if (tb[MIP4_BINDING_A_COOKIE])
		WRITE_ONCE(b->cookie, nla_get_u64(tb[MIP4_BINDING_A_COOKIE]));
	if (tb[MIP4_BINDING_A_GATEWAY])
		WRITE_ONCE(b->gateway, cfg.gateway);
	if (tb[MIP4_BINDING_A_LIFETIME])
		mip4_binding_set_lifetime(b,
					  nla_get_u32(tb[MIP4_BINDING_A_LIFETIME]));
	mip4_nl_notify(b, MIP4_CMD_BINDING_SET, 0);
live:
	mip4_binding_live(b);
out:
	mutex_unlock(&mip->lock);
	return err;
}

/**
 * mip4_nl_binding_del() - .doit of MIP4_CMD_BINDING_DEL
 * @skb: request
 * @info: parsed; user_ptr[0] is the mip4 device, held
 *
 * Deletes all bindings that the message selects or none.
 * Context: process; takes mip4_dev.lock.
 *
 * Return: 0 or a negative error, with its reason in the extack.
 */
int mip4_nl_binding_del(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[MIP4_BINDING_A_MAX + 1], *attr;
	struct mip4_dev *mip = info->user_ptr[0];
	struct mip4_binding **list, *b;
	unsigned int i, n = 0;
	int rem, err = 0;

	list = mip4_nl_alloc(info);
	if (IS_ERR(list))
		return PTR_ERR(list);

	mutex_lock(&mip->lock);
	mip4_nl_for_each_binding(attr, info, rem) {
		err = mip4_nl_parse(tb, attr, info->extack);
		if (err)
			break;
		b = mip4_nl_select(mip, tb, attr, false, info->extack);
		if (IS_ERR(b)) {
			err = PTR_ERR(b);
			break;
		}
		if (b->doomed) {
			MIP4_NL_ERR(info->extack, attr,
				    "the message names this binding twice");
			err = -EINVAL;
			break;
		}
		b->doomed = true;
		list[n++] = b;
	}
	for (i = 0; i < n; i++) {
		if (err) {
			list[i]->doomed = false;
			continue;
		}
		mip4_nl_notify(list[i], MIP4_CMD_BINDING_DEL, MIP4_DEL_REQUEST);
		mip4_binding_del(list[i]);
	}
	mutex_unlock(&mip->lock);
	kvfree(list);
	return err;
}

/**
 * mip4_nl_binding_get() - .doit of MIP4_CMD_BINDING_GET
 * @skb: request; keys and cookie are for a sender with CAP_NET_ADMIN only
 * @info: parsed; user_ptr[0] is the mip4 device, held
 *
 * Context: process; takes mip4_dev.lock.
 *
 * Return: 0 or a negative error, with its reason in the extack.
 */
int mip4_nl_binding_get(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[MIP4_BINDING_A_MAX + 1], *nest;
	struct mip4_dev *mip = info->user_ptr[0];
	const bool admin = mip4_nl_admin(skb, dev_net(mip->dev));
	struct mip4_binding *b;
	struct sk_buff *msg;
	void *hdr;
	int err;

	nest = mip4_nl_one(info);
	if (IS_ERR(nest))
		return PTR_ERR(nest);
	err = mip4_nl_parse(tb, nest, info->extack);
	if (err)
		return err;
	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;

	mutex_lock(&mip->lock);
	b = mip4_nl_select(mip, tb, nest, false, info->extack);
	if (IS_ERR(b)) {
		err = PTR_ERR(b);
	} else {
		err = -EMSGSIZE;
		hdr = genlmsg_put_reply(msg, info, &mip4_nl_family, 0,
					MIP4_CMD_BINDING_GET);
		if (hdr && !nla_put_u32(msg, MIP4_A_IFINDEX, mip->dev->ifindex))
			err = mip4_nl_fill_binding(msg, b, admin);
	}
	mutex_unlock(&mip->lock);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}

/* A leg in a filter names its PEER and nothing else. */
static int mip4_nl_filter_peer(struct nlattr *list, __be32 *peer,
			       struct netlink_ext_ack *extack)
{
	struct nlattr *tb[MIP4_LEG_A_MAX + 1], *attr;
	int err, i;

	attr = mip4_nl_single(list, "a filter names one leg's PEER", extack);
	if (IS_ERR(attr))
		return PTR_ERR(attr);
	err = nla_parse_nested(tb, MIP4_LEG_A_MAX, attr, mip4_nl_leg_policy,
			       extack);
	if (err)
		return err;
	for (i = 1; i <= MIP4_LEG_A_MAX; i++) {
		if (tb[i] && i != MIP4_LEG_A_PEER) {
			MIP4_NL_ERR(extack, tb[i],
				    "bindings can't be filtered by that");
			return -EOPNOTSUPP;
		}
	}
	if (!tb[MIP4_LEG_A_PEER] || !nla_get_in_addr(tb[MIP4_LEG_A_PEER])) {
		MIP4_NL_ERR(extack, attr, "PEER is missing");
		return -EINVAL;
	}
	*peer = nla_get_in_addr(tb[MIP4_LEG_A_PEER]);
	return 0;
}

/**
 * mip4_nl_parse_filter() - read what a dump or flush is limited to
 * @nest: BINDING nest, or NULL for no limit
 * @filter: filled in
 * @extack: where to say why not
 *
 * Return: 0 or a negative error.
 */
int mip4_nl_parse_filter(struct nlattr *nest, struct mip4_binding_filter *filter,
			 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[MIP4_BINDING_A_MAX + 1];
	struct mip4_prefix_config addr;
	int err, i;

	*filter = (struct mip4_binding_filter) {};
	if (!nest)
		return 0;
	err = mip4_nl_parse(tb, nest, extack);
	if (err)
		return err;
	for (i = 1; i <= MIP4_BINDING_A_MAX; i++) {
		if (tb[i] && i != MIP4_BINDING_A_REALM &&
		    i != MIP4_BINDING_A_ADDRS &&
		    i != MIP4_BINDING_A_PORT && i != MIP4_BINDING_A_LEGS) {
			MIP4_NL_ERR(extack, tb[i],
				    "bindings can't be filtered by that");
			return -EOPNOTSUPP;
		}
	}
	if (tb[MIP4_BINDING_A_REALM]) {
		filter->by_realm = true;
		filter->realm = nla_get_u32(tb[MIP4_BINDING_A_REALM]);
	}
	if (tb[MIP4_BINDING_A_PORT])
		filter->port = nla_get_u32(tb[MIP4_BINDING_A_PORT]);
	if (tb[MIP4_BINDING_A_ADDRS]) {
		err = mip4_nl_parse_one_addr(tb[MIP4_BINDING_A_ADDRS], &addr,
					     extack);
		if (err)
			return err;
		filter->covered = addr.key;
	}
	if (tb[MIP4_BINDING_A_LEGS])
		return mip4_nl_filter_peer(tb[MIP4_BINDING_A_LEGS],
					   &filter->peer, extack);
	return 0;
}

/**
 * mip4_nl_binding_flush() - .doit of MIP4_CMD_BINDING_FLUSH
 * @skb: request
 * @info: parsed; user_ptr[0] is the mip4 device, held
 *
 * Replies with the number of bindings that went.
 * Context: process; takes mip4_dev.lock.
 *
 * Return: 0 or a negative error, with its reason in the extack.
 */
int mip4_nl_binding_flush(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *nest = info->attrs[MIP4_A_BINDING];
	struct mip4_dev *mip = info->user_ptr[0];
	const bool all = info->attrs[MIP4_A_ALL];
	struct mip4_binding_filter filter;
	struct sk_buff *msg;
	void *hdr;
	u32 count;
	int err;

	if (all && nest) {
		MIP4_NL_ERR(info->extack, nest, "ALL and a filter contradict");
		return -EINVAL;
	}
	if (nest) {
		nest = mip4_nl_one(info);
		if (IS_ERR(nest))
			return PTR_ERR(nest);
	}
	err = mip4_nl_parse_filter(nest, &filter, info->extack);
	if (err)
		return err;
	if (!all && !filter.by_realm && !filter.port && !filter.peer &&
	    !filter.covered.family) {
		NL_SET_ERR_MSG_MOD(info->extack,
				   "what to flush? Give REALM, an address, PORT or a leg's PEER, or ALL");
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, MIP4_A_BINDING);
		return -EINVAL;
	}
	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	hdr = genlmsg_put_reply(msg, info, &mip4_nl_family, 0,
				MIP4_CMD_BINDING_FLUSH);
	if (!hdr || nla_put_u32(msg, MIP4_A_IFINDEX, mip->dev->ifindex)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	mutex_lock(&mip->lock);
	count = mip4_binding_flush(mip, &filter, MIP4_DEL_FLUSH);
	mutex_unlock(&mip->lock);
	/* there is room for it in a fresh message */
	nla_put_u32(msg, MIP4_A_COUNT, count);
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}
