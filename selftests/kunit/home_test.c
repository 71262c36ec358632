// SPDX-License-Identifier: GPL-2.0-only
/* A home link: which ARP is answered, and what goes to neighbours there. */
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <net/arp.h>
#include <net/ip.h>

#include "kunit.h"

static int home_set_mode(struct mip4_kt *k, u8 mode)
{
	struct mip4_port *port = mip4_kt_port(k, 1);
	int err;

	memset(&k->extack, 0, sizeof(k->extack));
	rtnl_lock();
	mutex_lock(&k->mip->lock);
	err = mip4_port_set_mode(port, mode, &k->attr[MIP4_KT_A_PORT],
				 &k->extack);
	mutex_unlock(&k->mip->lock);
	rtnl_unlock();
	if (err) {
		KUNIT_EXPECT_NOT_NULL(k->test, k->extack._msg);
		KUNIT_EXPECT_PTR_EQ(k->test, k->extack.bad_attr,
				    (const struct nlattr *)
				    &k->attr[MIP4_KT_A_PORT]);
	}
	return err;
}

static int home_init(struct kunit *test)
{
	int err = mip4_kt_init(test);

	return err ?: home_set_mode(mip4_kt(test), MIP4_PORT_HOME);
}

static void home_test_mode(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);

	KUNIT_EXPECT_EQ(test, home_set_mode(k, MIP4_PORT_HOME), 0);
	KUNIT_EXPECT_EQ(test, k->port[1]->promiscuity, 0);
	KUNIT_EXPECT_EQ(test, k->port[0]->promiscuity, 1);
	cfg.port = k->port[1]->ifindex;
	mip4_kt_refused(k, &cfg, -EINVAL, MIP4_KT_A_PORT);
	KUNIT_EXPECT_EQ(test, home_set_mode(k, MIP4_PORT_ACCESS), 0);
	KUNIT_EXPECT_EQ(test, k->port[1]->promiscuity, 1);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(k->mip->home));
	mip4_kt_add(k, &cfg);
	KUNIT_EXPECT_EQ(test, home_set_mode(k, MIP4_PORT_HOME), -EBUSY);
}

struct home_arp {
	const char *desc;
	u16 op;
	u8 sender;		/* last byte of its address, 0: 0.0.0.0 */
	u8 target;		/* likewise */
	u8 from;		/* device by its MAC; 0: the port's own */
	u8 says;		/* the MAC within, likewise */
	u8 to;			/* device by its MAC; 0: all */
	bool answered;
};

static const struct home_arp home_arps[] = {
	{ "request", ARPOP_REQUEST, 9, 5, 9, 9, 0, true },
	{ "probe", ARPOP_REQUEST, 0, 5, 9, 9, 0, true },
	{ "announcement", ARPOP_REQUEST, 5, 5, 9, 9, 0, true },
	{ "request for an address without binding", ARPOP_REQUEST, 9, 6, 9, 9, 0, false },
	{ "request for a device served here", ARPOP_REQUEST, 9, 7, 9, 9, 0, false },
	{ "request to another host", ARPOP_REQUEST, 9, 5, 9, 9, 8, false },
	{ "request in the name of another", ARPOP_REQUEST, 9, 5, 9, 8, 0, false },
	{ "request of our own", ARPOP_REQUEST, 9, 5, 0, 0, 0, false },
	{ "reply", ARPOP_REPLY, 5, 5, 9, 9, 0, false },
};

MIP4_KT_PARAMS(home_arp, home_arps)

static void home_mac(struct mip4_kt *k, u8 *mac, u8 n)
{
	if (n)
		mip4_kt_mac(mac, n);
	else
		ether_addr_copy(mac, k->port[1]->dev_addr);
}

static __be32 home_addr(u8 n)
{
	return n ? MIP4_KT_HOME(n) : 0;
}

static void home_test_arp(struct kunit *test)
{
	const struct home_arp *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config away = mip4_kt_routed(k, 5);
	struct mip4_binding_config served = mip4_kt_served(k, 7);
	u8 from[ETH_ALEN], says[ETH_ALEN], to[ETH_ALEN];
	__be32 sip = home_addr(c->sender), tip = home_addr(c->target);
	struct sk_buff *skb;
	u8 *body;

	mip4_kt_add(k, &away);
	mip4_kt_add(k, &served);
	home_mac(k, from, c->from);
	home_mac(k, says, c->says);
	if (c->to)
		home_mac(k, to, c->to);
	else
		eth_broadcast_addr(to);
	skb = arp_create(c->op, ETH_P_ARP, tip, k->port[1], sip, to, says,
			 NULL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reset_mac_header(skb);
	ether_addr_copy(eth_hdr(skb)->h_source, from);
	skb->protocol = eth_type_trans(skb, k->port[1]);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();

	skb = mip4_kt_sent(k, k->port[1]);
	KUNIT_ASSERT_EQ(test, !!skb, c->answered);
	if (!skb)
		return;
	KUNIT_EXPECT_EQ(test, skb->protocol, htons(ETH_P_ARP));
	KUNIT_EXPECT_MEMEQ(test, skb->data, from, ETH_ALEN);
	body = skb->data + ETH_HLEN;
	KUNIT_EXPECT_EQ(test, get_unaligned_be16(body + 6), ARPOP_REPLY);
	KUNIT_EXPECT_MEMEQ(test, body + 8, k->port[1]->dev_addr, ETH_ALEN);
	KUNIT_EXPECT_MEMEQ(test, body + 14, &tip, 4);
	KUNIT_EXPECT_MEMEQ(test, body + 18, from, ETH_ALEN);
	KUNIT_EXPECT_MEMEQ(test, body + 24, &sip, 4);
}

static void home_send(struct mip4_kt *k, u8 to)
{
	const struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_FAR,
		.daddr = MIP4_KT_HOME(to),
		.len = 30,
		.protocol = IPPROTO_UDP,
	};
	struct sk_buff *skb = mip4_kt_ip(k, &ip);

	skb->dev = k->mip->dev;
	dev_queue_xmit(skb);
}

/* To a neighbour: asked for first, then sent what waits for the answer. */
static void home_test_neighbour(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_routed(k, 5);
	const __be32 host = MIP4_KT_HOME(9);
	struct sk_buff *skb;
	u8 mac[ETH_ALEN];

	mip4_kt_add(k, &cfg);
	home_send(k, 5);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 1);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[1]), 0);

	home_send(k, 9);
	skb = mip4_kt_sent(k, k->port[1]);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, skb->protocol, htons(ETH_P_ARP));
	KUNIT_EXPECT_MEMEQ(test, skb->data + ETH_HLEN + 24, &host, 4);
	mip4_kt_mac(mac, 9);
	skb = arp_create(ARPOP_REPLY, ETH_P_ARP, MIP4_KT_GATEWAY, k->port[1],
			 host, k->port[1]->dev_addr, mac, NULL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reset_mac_header(skb);
	skb->protocol = eth_type_trans(skb, k->port[1]);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
	skb = mip4_kt_sent(k, k->port[1]);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_MEMEQ(test, skb->data, mac, ETH_ALEN);
	KUNIT_EXPECT_EQ(test, skb->len, ETH_HLEN + sizeof(struct iphdr) + 30);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_NO_BINDING), 0);

	KUNIT_EXPECT_EQ(test, home_set_mode(k, MIP4_PORT_ACCESS), 0);
	home_send(k, 9);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[1]), 0);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_NO_BINDING), 1);
}

static struct kunit_case home_cases[] = {
	KUNIT_CASE(home_test_mode),
	MIP4_KT_CASES(home_test_arp, home_arp),
	KUNIT_CASE(home_test_neighbour),
	{}
};

static struct kunit_suite home_suite = {
	.name		= "mip4-home",
	.init		= home_init,
	.exit		= mip4_kt_exit,
	.test_cases	= home_cases,
};

kunit_test_suite(home_suite);
