// SPDX-License-Identifier: GPL-2.0-only
/* ARP of bound devices: what is answered, with what. */
#include <linux/if_arp.h>

#include "kunit.h"

struct arp_packet {
	struct arphdr hdr;
	u8 sha[ETH_ALEN];
	__be32 sip;
	u8 tha[ETH_ALEN];
	__be32 tip;
} __packed;

struct arp_case {
	const char *desc;
	u8 mode;		/* enum mip4_arp_mode */
	__be32 sip;
	__be32 tip;
	bool no_gateway;
	bool other_sha;		/* the sender names a MAC that isn't its own */
	u16 op;			/* 0: request */
	u16 hrd, pro;		/* 0: Ethernet, IPv4 */
	u8 hln, pln;		/* 0: 6, 4 */
	u8 cut;			/* bytes missing at the end */
	int drop;		/* -1: answered */
};

#define HOME MIP4_KT_HOME(5)
#define NEIGHBOUR MIP4_KT_HOME(6)

static const struct arp_case arp_cases[] = {
	{ "gateway mode: gateway", MIP4_ARP_GATEWAY, HOME, MIP4_KT_GATEWAY, .drop = -1 },
	{ "gateway mode: neighbour", MIP4_ARP_GATEWAY, HOME, NEIGHBOUR,
	  .drop = MIP4_DROP_ARP },
	{ "gateway mode without gateway", MIP4_ARP_GATEWAY, HOME,
	  MIP4_KT_GATEWAY, .no_gateway = true, .drop = MIP4_DROP_ARP },
	{ "gateway mode without gateway: 0.0.0.0", MIP4_ARP_GATEWAY, HOME, 0,
	  .no_gateway = true, .drop = MIP4_DROP_ARP },
	{ "all: gateway", MIP4_ARP_ALL, HOME, MIP4_KT_GATEWAY, .drop = -1 },
	{ "all: neighbour", MIP4_ARP_ALL, HOME, NEIGHBOUR, .drop = -1 },
	{ "all: far away", MIP4_ARP_ALL, HOME, MIP4_KT_IP(8, 8, 8, 8), .drop = -1 },
	{ "all, no gateway: neighbour", MIP4_ARP_ALL, HOME, NEIGHBOUR,
	  .no_gateway = true, .drop = -1 },
	{ "all: 0.0.0.0", MIP4_ARP_ALL, HOME, 0, .drop = MIP4_DROP_ARP },
	{ "all: loopback", MIP4_ARP_ALL, HOME, MIP4_KT_IP(127, 0, 0, 1),
	  .drop = MIP4_DROP_ARP },
	{ "all: last unicast", MIP4_ARP_ALL, HOME,
	  MIP4_KT_IP(223, 255, 255, 255), .drop = -1 },
	{ "all: first multicast", MIP4_ARP_ALL, HOME, MIP4_KT_IP(224, 0, 0, 0),
	  .drop = MIP4_DROP_ARP },
	{ "all: broadcast", MIP4_ARP_ALL, HOME, htonl(INADDR_BROADCAST), .drop = MIP4_DROP_ARP },
	{ "off: gateway", MIP4_ARP_OFF, HOME, MIP4_KT_GATEWAY,
	  .drop = MIP4_DROP_ARP },
	/* RFC 5227 sections 2.1.1 and 2.3 */
	{ "probe for its own", MIP4_ARP_ALL, 0, HOME, .drop = MIP4_DROP_ARP },
	{ "announcement", MIP4_ARP_ALL, HOME, HOME, .drop = MIP4_DROP_ARP },
	{ "probe for another", MIP4_ARP_ALL, 0, NEIGHBOUR,
	  .drop = MIP4_DROP_ARP },
	{ "another's address", MIP4_ARP_ALL, NEIGHBOUR, MIP4_KT_GATEWAY,
	  .drop = MIP4_DROP_SPOOFED_SOURCE },
	{ "another's MAC within", MIP4_ARP_ALL, HOME, MIP4_KT_GATEWAY,
	  .other_sha = true, .drop = MIP4_DROP_ARP },
	{ "reply", MIP4_ARP_ALL, HOME, MIP4_KT_GATEWAY, .op = ARPOP_REPLY,
	  .drop = MIP4_DROP_ARP },
	{ "RARP request", MIP4_ARP_ALL, HOME, MIP4_KT_GATEWAY,
	  .op = ARPOP_RREQUEST, .drop = MIP4_DROP_ARP },
	{ "hardware IEEE 802", MIP4_ARP_ALL, HOME, MIP4_KT_GATEWAY,
	  .hrd = ARPHRD_IEEE802, .drop = MIP4_DROP_ARP },
	{ "protocol IPv6", MIP4_ARP_ALL, HOME, MIP4_KT_GATEWAY,
	  .pro = ETH_P_IPV6, .drop = MIP4_DROP_ARP },
	{ "hardware length 7", MIP4_ARP_ALL, HOME, MIP4_KT_GATEWAY,
	  .hln = 7, .drop = MIP4_DROP_ARP },
	{ "protocol length 3", MIP4_ARP_ALL, HOME, MIP4_KT_GATEWAY,
	  .pln = 3, .drop = MIP4_DROP_ARP },
	{ "one byte short", MIP4_ARP_ALL, HOME, MIP4_KT_GATEWAY, .cut = 1,
	  .drop = MIP4_DROP_ARP },
	{ "header only", MIP4_ARP_ALL, HOME, MIP4_KT_GATEWAY, .cut = 20,
	  .drop = MIP4_DROP_ARP },
};

MIP4_KT_PARAMS(arp, arp_cases)

static struct arp_packet arp_packet(const struct arp_case *c)
{
	struct arp_packet p = {
		.hdr.ar_hrd = htons(c->hrd ?: ARPHRD_ETHER),
		.hdr.ar_pro = htons(c->pro ?: ETH_P_IP),
		.hdr.ar_hln = c->hln ?: ETH_ALEN,
		.hdr.ar_pln = c->pln ?: 4,
		.hdr.ar_op = htons(c->op ?: ARPOP_REQUEST),
		.sip = c->sip,
		.tip = c->tip,
	};

	mip4_kt_mac(p.sha, c->other_sha ? 6 : 5);
	return p;
}

static struct mip4_binding *arp_binding(struct mip4_kt *k, bool no_gateway)
{
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);

	if (no_gateway)
		cfg.gateway = 0;
	return mip4_kt_add(k, &cfg);
}

/* The answer says that @tip is at @sha, and comes from @source. */
static void arp_expect(struct mip4_kt *k, __be32 tip, const u8 *sha,
		       const u8 *source)
{
	struct sk_buff *out = mip4_kt_sent(k, k->port[0]);
	const struct arp_packet *p;
	u8 mac[ETH_ALEN];

	mip4_kt_mac(mac, 5);
	KUNIT_ASSERT_NOT_NULL(k->test, out);
	KUNIT_ASSERT_GE(k->test, out->len, ETH_HLEN + sizeof(*p));
	p = (const struct arp_packet *)(out->data + ETH_HLEN);
	KUNIT_EXPECT_EQ(k->test, ntohs(eth_hdr(out)->h_proto), ETH_P_ARP);
	KUNIT_EXPECT_MEMEQ(k->test, eth_hdr(out)->h_dest, mac, ETH_ALEN);
	KUNIT_EXPECT_MEMEQ(k->test, eth_hdr(out)->h_source, source, ETH_ALEN);
	KUNIT_EXPECT_EQ(k->test, ntohs(p->hdr.ar_op), ARPOP_REPLY);
	KUNIT_EXPECT_MEMEQ(k->test, p->sha, sha, ETH_ALEN);
	KUNIT_EXPECT_EQ(k->test, p->sip, tip);
	KUNIT_EXPECT_MEMEQ(k->test, p->tha, mac, ETH_ALEN);
	KUNIT_EXPECT_EQ(k->test, p->tip, HOME);
	KUNIT_EXPECT_EQ(k->test, mip4_kt_count(k->port[0]), 0);
}

static void arp_test_answer(struct kunit *test)
{
	const struct arp_case *c = test->param_value;
	const struct arp_packet p = arp_packet(c);
	struct mip4_kt *k = mip4_kt(test);
	const u8 *mac = k->port[0]->dev_addr;
	struct mip4_binding *b;
	int i;

	k->mip->arp = c->mode;
	b = arp_binding(k, c->no_gateway);
	mip4_kt_frame(k, 0, mip4_kt_bytes(k, &p, sizeof(p) - c->cut), 5,
		      ETH_P_ARP);
	for (i = 0; i < __MIP4_DROP_MAX; i++)
		KUNIT_EXPECT_EQ_MSG(test, mip4_kt_drops(k, i), i == c->drop,
				    "reason %d", i);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->drops), c->drop >= 0);
	if (c->drop < 0)
		arp_expect(k, c->tip, mac, mac);
	else
		KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 0);
}

static const struct arp_case arp_request = {
	.sip = HOME,
	.tip = MIP4_KT_GATEWAY,
};

/* One MAC on all routers. */
static void arp_test_gwmac(struct kunit *test)
{
	static const u8 gwmac[ETH_ALEN] = { 0x02, 0, 0, 0, 0, 0xfe };
	const struct arp_packet p = arp_packet(&arp_request);
	struct mip4_kt *k = mip4_kt(test);
	int err;

	rtnl_lock();
	err = mip4_port_set_gwmac(k->mip, gwmac, &k->extack);
	rtnl_unlock();
	KUNIT_ASSERT_EQ(test, err, 0);
	arp_binding(k, false);
	mip4_kt_frame(k, 0, mip4_kt_bytes(k, &p, sizeof(p)), 5, ETH_P_ARP);
	/* the frame's destination is what the request was sent to: RFC 4436 */
	arp_expect(k, MIP4_KT_GATEWAY, k->port[0]->dev_addr, gwmac);
}

static void arp_frame_to(struct mip4_kt *k, const struct arp_packet *p,
			 const u8 *dest)
{
	struct sk_buff *skb = mip4_kt_bytes(k, p, sizeof(*p));
	struct ethhdr *eth = skb_push(skb, ETH_HLEN);

	ether_addr_copy(eth->h_dest, dest);
	mip4_kt_mac(eth->h_source, 5);
	eth->h_proto = htons(ETH_P_ARP);
	skb->protocol = eth_type_trans(skb, k->port[0]);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
}

/* RFC 4436 section 4.2: whoever asks one router by its MAC hears that MAC. */
static void arp_test_unicast(struct kunit *test)
{
	static const u8 old[ETH_ALEN] = { 0x02, 0, 0, 0, 2, 7 };
	struct arp_packet p = arp_packet(&arp_request);
	struct mip4_kt *k = mip4_kt(test);
	const u8 *mac = k->port[0]->dev_addr;

	arp_binding(k, false);
	arp_frame_to(k, &p, old);
	arp_expect(k, MIP4_KT_GATEWAY, old, mac);
	/* not about others */
	p.tip = NEIGHBOUR;
	arp_frame_to(k, &p, old);
	arp_expect(k, NEIGHBOUR, mac, mac);
}

static void arp_test_broadcast(struct kunit *test)
{
	const struct arp_packet p = arp_packet(&arp_request);
	struct mip4_kt *k = mip4_kt(test);
	const u8 *mac = k->port[0]->dev_addr;
	u8 all[ETH_ALEN];

	eth_broadcast_addr(all);
	arp_binding(k, false);
	arp_frame_to(k, &p, all);
	arp_expect(k, MIP4_KT_GATEWAY, mac, mac);
}

/* Ethernet pads, and what it pads with isn't looked at. */
static void arp_test_padded(struct kunit *test)
{
	struct {
		struct arp_packet p;
		u8 pad[18];
	} frame = { .p = arp_packet(&arp_request) };
	struct mip4_kt *k = mip4_kt(test);
	const u8 *mac = k->port[0]->dev_addr;

	memset(frame.pad, 0xa5, sizeof(frame.pad));
	arp_binding(k, false);
	mip4_kt_frame(k, 0, mip4_kt_bytes(k, &frame, sizeof(frame)), 5,
		      ETH_P_ARP);
	arp_expect(k, MIP4_KT_GATEWAY, mac, mac);
}

static struct kunit_case arp_tests[] = {
	MIP4_KT_CASES(arp_test_answer, arp),
	KUNIT_CASE(arp_test_gwmac),
	KUNIT_CASE(arp_test_unicast),
	KUNIT_CASE(arp_test_broadcast),
	KUNIT_CASE(arp_test_padded),
	{}
};

static struct kunit_suite arp_suite = {
	.name		= "mip4-arp",
	.init		= mip4_kt_init,
	.exit		= mip4_kt_exit,
	.test_cases	= arp_tests,
};

kunit_test_suite(arp_suite);
