/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_NETLINK_H
#define _MIP4_NETLINK_H

#include <linux/capability.h>
#include <linux/in.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <linux/mip4.h>

#include "device.h"

struct mip4_binding;
struct mip4_binding_config;
struct mip4_binding_filter;
struct mip4_prefix_config;

/* Why not, with the attribute to blame; @msg is a string literal. */
#define MIP4_NL_ERR(extack, attr, msg) \
	NL_SET_ERR_MSG_ATTR(extack, attr, KBUILD_MODNAME ": " msg)

enum {
	MIP4_NL_BINDINGS,
	MIP4_NL_EVENTS,
};

extern struct genl_family mip4_nl_family;

/* May an IPv4 address belong to one machine? */
static inline bool mip4_addr_ok(__be32 addr)
{
	return !ipv4_is_zeronet(addr) && !ipv4_is_loopback(addr) &&
	       !ipv4_is_multicast(addr) && !ipv4_is_lbcast(addr);
}

/* Does anybody listen to a group where a device lives? */
static inline bool mip4_nl_listens(const struct mip4_dev *mip,
				   unsigned int group)
{
	return genl_has_listeners(&mip4_nl_family, dev_net(mip->dev), group);
}

/*
 * May the sender of a request administer a netns? The generic netlink core
 * asks that of the device's; the underlay's may belong to somebody else.
 */
static inline bool mip4_nl_admin(const struct sk_buff *skb,
				 const struct net *net)
{
	return netlink_ns_capable(skb, net->user_ns, CAP_NET_ADMIN);
}

/* netlink.c */
typedef int mip4_nl_dump_fn(struct sk_buff *skb, struct netlink_callback *cb,
			    struct mip4_dev *mip);
int mip4_nl_dump(struct sk_buff *skb, struct netlink_callback *cb,
		 mip4_nl_dump_fn *one);
void *mip4_nl_dump_put(struct sk_buff *skb, struct netlink_callback *cb,
		       struct mip4_dev *mip, u8 cmd);
int mip4_nl_init(void);
void mip4_nl_exit(void);

/* nl_addrs.c */
extern const struct nla_policy mip4_nl_addrs_policy[MIP4_BINDING_A_ADDR + 1];
struct nlattr *mip4_nl_single(struct nlattr *list, const char *many,
			      struct netlink_ext_ack *extack);
int mip4_nl_parse_addr(struct nlattr *attr, struct mip4_prefix_config *cfg,
		       struct netlink_ext_ack *extack);
int mip4_nl_parse_one_addr(struct nlattr *list, struct mip4_prefix_config *cfg,
			   struct netlink_ext_ack *extack);
int mip4_nl_parse_addrs(struct nlattr *list, struct mip4_binding_config *cfg,
			struct netlink_ext_ack *extack);

/* nl_binding.c */
extern const struct nla_policy mip4_nl_binding_policy[MIP4_BINDING_A_MAX + 1];
int mip4_nl_binding_new(struct sk_buff *skb, struct genl_info *info);
int mip4_nl_binding_set(struct sk_buff *skb, struct genl_info *info);
int mip4_nl_binding_del(struct sk_buff *skb, struct genl_info *info);
int mip4_nl_binding_get(struct sk_buff *skb, struct genl_info *info);
int mip4_nl_binding_flush(struct sk_buff *skb, struct genl_info *info);
int mip4_nl_parse_filter(struct nlattr *nest, struct mip4_binding_filter *filter,
			 struct netlink_ext_ack *extack);

/* nl_reply.c */
int mip4_nl_fill_binding(struct sk_buff *skb, struct mip4_binding *b,
			 bool admin);
int mip4_nl_binding_dump(struct sk_buff *skb, struct netlink_callback *cb);
void mip4_nl_notify(struct mip4_binding *b, u8 cmd,
		    enum mip4_del_reason reason);

#endif /* _MIP4_NETLINK_H */
