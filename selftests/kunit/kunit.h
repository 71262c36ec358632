/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites share: a mip4 device between an underlay and two ports whose
 * wires end in queues, in the initial netns. Packets enter where the stack
 * would hand them over and leave through its own routing, so what a queue
 * holds is what a wire would have seen.
 */
#ifndef _MIP4_KUNIT_H
#define _MIP4_KUNIT_H

#include <kunit/test.h>
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/netlink.h>
#include <linux/skbuff.h>

#include "../../kernel/binding.h"
#include "../../kernel/device.h"
#include "../../kernel/hold.h"
#include "../../kernel/leg.h"
#include "../../kernel/legs.h"
#include "../../kernel/net.h"
#include "../../kernel/peer.h"
#include "../../kernel/port.h"
#include "../../kernel/stats.h"

/* What KUnit compares it shows as long long: sparse lets no __be32 be that. */
#undef KUNIT_EXPECT_EQ
#define KUNIT_EXPECT_EQ(test, left, right)				\
	KUNIT_EXPECT_EQ_MSG(test, (__force s64)(left), (__force s64)(right), \
			    NULL)
#undef KUNIT_ASSERT_EQ
#define KUNIT_ASSERT_EQ(test, left, right)				\
	KUNIT_ASSERT_EQ_MSG(test, (__force s64)(left), (__force s64)(right), \
			    NULL)

#define MIP4_KT_IP(a, b, c, d)	\
	htonl((u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

/* RFC 2544's networks, so that no address of the guest's is meant */
#define MIP4_KT_LOCAL		MIP4_KT_IP(198, 18, 0, 1)
#define MIP4_KT_PEER		MIP4_KT_IP(198, 18, 0, 2)
#define MIP4_KT_PEER2		MIP4_KT_IP(198, 18, 0, 3)
#define MIP4_KT_FAR		MIP4_KT_IP(198, 19, 0, 9)
#define MIP4_KT_HOME(n)		MIP4_KT_IP(198, 19, 1, n)
#define MIP4_KT_GATEWAY		MIP4_KT_HOME(254)
#define MIP4_KT_IKEY(n)		htonl(0x1000 + (n))
#define MIP4_KT_OKEY(n)		htonl(0x2000 + (n))
#define MIP4_KT_PORTS		2

/* Attributes to blame: only their addresses count. */
enum {
	MIP4_KT_A_BINDING,
	MIP4_KT_A_HOME,
	MIP4_KT_A_MAC,
	MIP4_KT_A_PORT,
	MIP4_KT_A_LEG,
	MIP4_KT_A_COUNT
};

struct mip4_kt {
	struct kunit *test;
	struct mip4_dev *mip;
	struct net_device *under;
	struct net_device *port[MIP4_KT_PORTS];
	struct net_device *session;	/* point-to-point, no port yet */
	struct sk_buff_head passed;	/* left to others by the receive path */
	struct netlink_ext_ack extack;
	struct nlattr attr[MIP4_KT_A_COUNT];
};

struct mip4_kt_ip {
	__be32 saddr;
	__be32 daddr;
	u16 len;			/* of what follows the header */
	__be16 frag_off;
	u8 protocol;
	u8 ttl;				/* 0: 64 */
	u8 tos;
};

/*
 * A case for each element of @array, described by its .desc. Not by
 * KUNIT_ARRAY_PARAM(), which prints no plan.
 */
#define MIP4_KT_PARAMS(name, array)					\
static void name##_case_desc(struct kunit *test, const void *param, char *desc) \
{									\
	strscpy(desc, ((typeof(&(array)[0]))param)->desc,		\
		KUNIT_PARAM_DESC_SIZE);					\
}									\
									\
static int name##_case_init(struct kunit *test)				\
{									\
	kunit_register_params_array(test, array, ARRAY_SIZE(array),	\
				    name##_case_desc);			\
	return 0;							\
}

#define MIP4_KT_CASES(test, name)					\
	KUNIT_CASE_PARAM_WITH_INIT(test, kunit_array_gen_params, name##_case_init, NULL)

int mip4_kt_init(struct kunit *test);
void mip4_kt_exit(struct kunit *test);

static inline struct mip4_kt *mip4_kt(struct kunit *test)
{
	return test->priv;
}

/* MAC of device @n */
static inline void mip4_kt_mac(u8 *mac, u8 n)
{
	const u8 base[ETH_ALEN] = { 0x02, 0, 0, 0, 0, n };

	ether_addr_copy(mac, base);
}

struct mip4_port *mip4_kt_port(struct mip4_kt *k, int i);
struct mip4_binding_config mip4_kt_routed(struct mip4_kt *k, u8 n);
struct mip4_binding_config mip4_kt_served(struct mip4_kt *k, u8 n);
struct mip4_binding *mip4_kt_add(struct mip4_kt *k,
				 const struct mip4_binding_config *cfg);
void mip4_kt_refused(struct mip4_kt *k, const struct mip4_binding_config *cfg,
		     int err, int blame);
void mip4_kt_set_legs(struct mip4_kt *k, struct mip4_binding *b,
		      const struct mip4_binding_config *cfg, int want);
void mip4_kt_del(struct mip4_kt *k, struct mip4_binding *b);
u64 mip4_kt_drops(struct mip4_kt *k, enum mip4_drop reason);

struct sk_buff *mip4_kt_ip(struct mip4_kt *k, const struct mip4_kt_ip *ip);
struct sk_buff *mip4_kt_tcp(struct mip4_kt *k, const struct mip4_kt_ip *ip,
			    int segments, int mss);
struct sk_buff *mip4_kt_bytes(struct mip4_kt *k, const void *data, int len);
void mip4_kt_own(struct mip4_kt *k, struct sk_buff *skb);
struct sk_buff *mip4_kt_sent(struct mip4_kt *k, struct net_device *dev);
int mip4_kt_count(struct net_device *dev);
void mip4_kt_catch(struct mip4_kt *k);
struct sk_buff *mip4_kt_caught(struct mip4_kt *k);

void mip4_kt_frame(struct mip4_kt *k, int port, struct sk_buff *skb, u8 n,
		   u16 ethertype);
void mip4_kt_encap(struct mip4_kt *k, struct mip4_binding *b,
		   struct sk_buff *skb);
bool mip4_kt_gre_in(struct mip4_kt *k, struct sk_buff *skb);
void mip4_kt_protocol_in(struct mip4_kt *k, struct sk_buff *skb);
bool mip4_kt_ipip_in(struct mip4_kt *k, struct sk_buff *skb);

#endif /* _MIP4_KUNIT_H */
