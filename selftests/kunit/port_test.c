// SPDX-License-Identifier: GPL-2.0-only
/* Point-to-point ports: each is one device, without a link-layer header. */
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <net/ip.h>

#include "../../kernel/downlink.h"
#include "kunit.h"

static int port_init(struct kunit *test)
{
	struct mip4_kt *k;
	int err;

	err = mip4_kt_init(test);
	if (err)
		return err;
	k = mip4_kt(test);
	rtnl_lock();
	err = mip4_port_add(k->mip->dev, k->session, &k->extack);
	rtnl_unlock();
	return err;
}

static struct mip4_binding_config port_session(struct mip4_kt *k, u8 n)
{
	struct mip4_binding_config cfg = mip4_kt_served(k, n);

	cfg.port = k->session->ifindex;
	eth_zero_addr(cfg.mac);
	cfg.mac_attr = NULL;
	return cfg;
}

static struct sk_buff *port_packet(struct mip4_kt *k, u8 n, u8 number)
{
	const struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_HOME(n),
		.daddr = MIP4_KT_IP(198, 19, 2, number),
		.len = 30,
		.protocol = IPPROTO_UDP,
	};

	return mip4_kt_ip(k, &ip);
}

/* As ppp_generic and tun do: the MAC header is where the packet is. */
static void port_receive(struct mip4_kt *k, struct sk_buff *skb, u16 protocol)
{
	skb->dev = k->session;
	skb->protocol = htons(protocol);
	skb_reset_mac_header(skb);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
}

static void port_test_up(struct kunit *test)
{
	const unsigned int outer = sizeof(struct iphdr) + 8;
	struct mip4_kt *k = mip4_kt(test);
	struct sk_buff *skb, *want;
	struct mip4_binding_config cfg = port_session(k, 5);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);

	want = port_packet(k, 5, 9);
	mip4_kt_own(k, want);
	ip_decrease_ttl(ip_hdr(want));
	port_receive(k, port_packet(k, 5, 9), ETH_P_IP);
	skb = mip4_kt_sent(k, k->under);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, skb->len, outer + want->len);
	KUNIT_EXPECT_MEMEQ(test, skb->data + outer, want->data, want->len);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->up_packets), 1);

	port_receive(k, port_packet(k, 6, 9), ETH_P_IP);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_SPOOFED_SOURCE), 1);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 0);
}

static void port_test_down(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = port_session(k, 5);
	struct mip4_binding *b = mip4_kt_add(k, &cfg);
	struct sk_buff *skb = port_packet(k, 7, 9);
	struct sk_buff *want = port_packet(k, 7, 9);

	mip4_kt_own(k, want);
	local_bh_disable();
	rcu_read_lock();
	mip4_emit(skb, rcu_dereference(b->port), b);
	rcu_read_unlock();
	local_bh_enable();
	skb = mip4_kt_sent(k, k->session);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, skb->len, want->len);
	KUNIT_EXPECT_MEMEQ(test, skb->data, want->data, want->len);
}

/* What may be behind such a port but isn't IPv4, the ARP of a tun device above all. */
static void port_test_other_protocols(struct kunit *test)
{
	static const u8 bytes[28] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = port_session(k, 5);

	port_receive(k, mip4_kt_bytes(k, bytes, 8), ETH_P_ARP);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_UNKNOWN_DEVICE), 1);
	mip4_kt_add(k, &cfg);
	port_receive(k, mip4_kt_bytes(k, bytes, 8), ETH_P_ARP);
	port_receive(k, mip4_kt_bytes(k, bytes, sizeof(bytes)), ETH_P_ARP);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_ARP), 2);
	port_receive(k, mip4_kt_bytes(k, bytes, sizeof(bytes)), ETH_P_IPV6);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_PROTOCOL), 1);
	port_receive(k, mip4_kt_bytes(k, bytes, sizeof(bytes)), ETH_P_IP);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_BAD_INNER), 1);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->session), 0);
}

static void port_test_one_device(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = port_session(k, 5);

	mip4_kt_mac(cfg.mac, 5);
	cfg.mac_attr = &k->attr[MIP4_KT_A_MAC];
	mip4_kt_refused(k, &cfg, -EINVAL, MIP4_KT_A_MAC);
	cfg = port_session(k, 5);
	mip4_kt_add(k, &cfg);
	cfg = port_session(k, 6);
	mip4_kt_refused(k, &cfg, -EEXIST, MIP4_KT_A_PORT);
	cfg = mip4_kt_served(k, 6);
	eth_zero_addr(cfg.mac);
	cfg.mac_attr = NULL;
	mip4_kt_refused(k, &cfg, -EINVAL, MIP4_KT_A_PORT);
}

/* What comes first waits and leaves in order. */
static void port_test_hold(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = port_session(k, 5);
	struct sk_buff *skb;
	int i;

	for (i = 0; i <= MIP4_HOLD_PER_MAC; i++)
		port_receive(k, port_packet(k, 5, i), ETH_P_IP);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_HOLD_FULL), 1);
	mip4_kt_add(k, &cfg);
	for (i = 0; i < MIP4_HOLD_PER_MAC; i++) {
		skb = mip4_kt_sent(k, k->under);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ(test, skb->data[20 + 8 + 19], i);
	}
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 0);
}

static int port_add(struct mip4_kt *k)
{
	int err;

	memset(&k->extack, 0, sizeof(k->extack));
	err = mip4_port_add(k->mip->dev, k->session, &k->extack);
	if (err)
		KUNIT_EXPECT_NOT_NULL(k->test, k->extack._msg);
	else
		mip4_port_del(k->mip->dev, k->session);
	return err;
}

static void port_test_kinds(struct kunit *test)
{
	static const struct header_ops header = { .create = eth_header };
	struct mip4_kt *k = mip4_kt(test);
	struct net_device *dev = k->session;

	rtnl_lock();
	mip4_port_del(k->mip->dev, dev);
	KUNIT_EXPECT_EQ(test, port_add(k), 0);
	dev->type = ARPHRD_NONE;
	KUNIT_EXPECT_EQ(test, port_add(k), 0);
	dev->type = ARPHRD_TUNNEL;
	KUNIT_EXPECT_EQ(test, port_add(k), -EINVAL);
	dev->type = ARPHRD_PPP;
	dev->flags &= ~IFF_POINTOPOINT;
	KUNIT_EXPECT_EQ(test, port_add(k), -EINVAL);
	dev->flags |= IFF_POINTOPOINT;
	dev->header_ops = &header;
	KUNIT_EXPECT_EQ(test, port_add(k), -EINVAL);
	dev->header_ops = NULL;
	dev->addr_len = 4;
	KUNIT_EXPECT_EQ(test, port_add(k), -EINVAL);
	dev->addr_len = 0;
	rtnl_unlock();
}

static struct kunit_case port_cases[] = {
	KUNIT_CASE(port_test_up),
	KUNIT_CASE(port_test_down),
	KUNIT_CASE(port_test_other_protocols),
	KUNIT_CASE(port_test_one_device),
	KUNIT_CASE(port_test_hold),
	KUNIT_CASE(port_test_kinds),
	{}
};

static struct kunit_suite port_suite = {
	.name		= "mip4-port",
	.init		= port_init,
	.exit		= mip4_kt_exit,
	.test_cases	= port_cases,
};

kunit_test_suite(port_suite);
