// SPDX-License-Identifier: GPL-2.0-only
/* Generic netlink: the addresses and prefixes of bindings. */
#include <net/genetlink.h>
#include <net/ipv6.h>

#include "binding.h"
#include "netlink.h"

static const struct nla_policy mip4_nl_addr_policy[MIP4_ADDR_A_MAX + 1] = {
	[MIP4_ADDR_A_FAMILY]	= { .type = NLA_U8 },
	[MIP4_ADDR_A_PLEN]	= { .type = NLA_U8 },
	[MIP4_ADDR_A_ADDRESS]	= { .type = NLA_BINARY, .len = 16 },
};

const struct nla_policy mip4_nl_addrs_policy[MIP4_BINDING_A_ADDR + 1] = {
	[MIP4_BINDING_A_ADDR]	= NLA_POLICY_NESTED(mip4_nl_addr_policy),
};

/**
 * mip4_nl_single() - the one entry of a nested list
 * @list: it
 * @many: what to say when there are several
 * @extack: where to say why not
 *
 * Return: the entry or an ERR_PTR().
 */
struct nlattr *mip4_nl_single(struct nlattr *list, const char *many,
			      struct netlink_ext_ack *extack)
{
	struct nlattr *attr, *found = NULL;
	int rem;

	nla_for_each_nested(attr, list, rem) {
		if (found) {
			NL_SET_ERR_MSG_FMT_MOD(extack, "%s", many);
			NL_SET_BAD_ATTR(extack, attr);
			return ERR_PTR(-EOPNOTSUPP);
		}
		found = attr;
	}
	if (!found) {
		MIP4_NL_ERR(extack, list, "the list is empty");
		return ERR_PTR(-EINVAL);
	}
	return found;
}

static bool mip4_nl_addr6_ok(const struct in6_addr *addr)
{
	return !ipv6_addr_any(addr) && !ipv6_addr_loopback(addr) &&
	       !ipv6_addr_is_multicast(addr) && !ipv6_addr_v4mapped(addr) &&
	       (addr->s6_addr32[0] & htonl(0xffc00000)) != htonl(0xfe800000);
}

/* The bytes of ADDRESS, by family. */
static int mip4_nl_parse_address(struct nlattr *attr,
				 struct mip4_prefix_key *key,
				 struct netlink_ext_ack *extack)
{
	if (key->family == AF_INET6) {
		if (nla_len(attr) != sizeof(key->ip6)) {
			MIP4_NL_ERR(extack, attr,
				    "an IPv6 address has 16 bytes");
			return -EINVAL;
		}
		key->ip6 = nla_get_in6_addr(attr);
		return 0;
	}
	if (nla_len(attr) != sizeof(key->ip)) {
		MIP4_NL_ERR(extack, attr, "an IPv4 address has 4 bytes");
		return -EINVAL;
	}
	key->ip = nla_get_in_addr(attr);
	return 0;
}

/**
 * mip4_nl_parse_addr() - read one entry of ADDRS
 * @attr: entry
 * @cfg: filled in
 * @extack: where to say why not
 *
 * Return: 0 or a negative error.
 */
int mip4_nl_parse_addr(struct nlattr *attr, struct mip4_prefix_config *cfg,
		       struct netlink_ext_ack *extack)
{
	struct nlattr *tb[MIP4_ADDR_A_MAX + 1];
	struct mip4_prefix_key *key = &cfg->key, masked;
	u8 max;
	int err;

	*cfg = (struct mip4_prefix_config) { .key.family = AF_INET };
	err = nla_parse_nested(tb, MIP4_ADDR_A_MAX, attr, mip4_nl_addr_policy,
			       extack);
	if (err)
		return err;
	if (!tb[MIP4_ADDR_A_ADDRESS]) {
		MIP4_NL_ERR(extack, attr, "ADDRESS is missing");
		return -EINVAL;
	}
	cfg->attr = tb[MIP4_ADDR_A_ADDRESS];
	if (tb[MIP4_ADDR_A_FAMILY])
		key->family = nla_get_u8(tb[MIP4_ADDR_A_FAMILY]);
	if (key->family != AF_INET && key->family != AF_INET6) {
		MIP4_NL_ERR(extack, tb[MIP4_ADDR_A_FAMILY],
			    "FAMILY must be AF_INET or AF_INET6");
		return -EAFNOSUPPORT;
	}
	max = key->family == AF_INET ? 32 : 128;
	err = mip4_nl_parse_address(tb[MIP4_ADDR_A_ADDRESS], key, extack);
	if (err)
		return err;
	key->plen = max;
	if (tb[MIP4_ADDR_A_PLEN])
		key->plen = nla_get_u8(tb[MIP4_ADDR_A_PLEN]);
	if (!key->plen || key->plen > max) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "prefix length must be between 1 and %u",
				       max);
		NL_SET_BAD_ATTR(extack, tb[MIP4_ADDR_A_PLEN]);
		return -EINVAL;
	}
	masked = *key;
	mip4_prefix_mask(&masked);
	if (!mip4_prefix_equal(key, &masked)) {
		MIP4_NL_ERR(extack, cfg->attr, "prefix has host bits set");
		return -EINVAL;
	}
	if (key->family == AF_INET ? !mip4_addr_ok(key->ip) :
				     !mip4_nl_addr6_ok(&key->ip6)) {
		MIP4_NL_ERR(extack, cfg->attr,
			    "address must be a unicast address");
		return -EINVAL;
	}
	return 0;
}

/**
 * mip4_nl_parse_one_addr() - read ADDRS that select a binding, or filter
 * @list: of one entry
 * @cfg: filled in
 * @extack: where to say why not
 *
 * Return: 0 or a negative error.
 */
int mip4_nl_parse_one_addr(struct nlattr *list, struct mip4_prefix_config *cfg,
			   struct netlink_ext_ack *extack)
{
	struct nlattr *attr;

	attr = mip4_nl_single(list, "one address finds a binding", extack);
	return IS_ERR(attr) ? PTR_ERR(attr) :
			      mip4_nl_parse_addr(attr, cfg, extack);
}

static int mip4_nl_add_addr(struct mip4_binding_config *cfg,
			    const struct mip4_prefix_config *addr,
			    struct netlink_ext_ack *extack)
{
	const struct mip4_prefix_key *key = &addr->key;
	bool twice = key->family == AF_INET && key->plen == 32 &&
		     key->ip == cfg->home;
	unsigned int i;

	for (i = 0; i < cfg->n_prefixes; i++)
		twice |= mip4_prefix_equal(key, &cfg->prefixes[i].key);
	if (twice) {
		MIP4_NL_ERR(extack, addr->attr, "the same address twice");
		return -EINVAL;
	}
	if (cfg->n_prefixes == ARRAY_SIZE(cfg->prefixes)) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "a binding has at most %u addresses",
				       MIP4_ADDRS_MAX);
		NL_SET_BAD_ATTR(extack, addr->attr);
		return -E2BIG;
	}
	cfg->prefixes[cfg->n_prefixes++] = *addr;
	return 0;
}

/**
 * mip4_nl_parse_addrs() - read ADDRS that a binding shall have
 * @list: its first IPv4 host address is the home address
 * @cfg: .home, .home_attr and .prefixes are filled in
 * @extack: where to say why not
 *
 * Return: 0 or a negative error.
 */
int mip4_nl_parse_addrs(struct nlattr *list, struct mip4_binding_config *cfg,
			struct netlink_ext_ack *extack)
{
	struct mip4_prefix_config addr;
	struct nlattr *attr;
	int rem, err;

	nla_for_each_nested(attr, list, rem) {
		err = mip4_nl_parse_addr(attr, &addr, extack);
		if (err)
			return err;
		if (!cfg->home && addr.key.family == AF_INET &&
		    addr.key.plen == 32) {
			cfg->home = addr.key.ip;
			cfg->home_attr = addr.attr;
			continue;
		}
		err = mip4_nl_add_addr(cfg, &addr, extack);
		if (err)
			return err;
	}
	if (!cfg->home) {
		MIP4_NL_ERR(extack, list,
			    "a binding needs an IPv4 host address, its home address");
		return -EINVAL;
	}
	return 0;
}
