// SPDX-License-Identifier: GPL-2.0-only
/* The devices that the suites share, see kunit.h. */
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/protocol.h>
#include <net/route.h>
#include <net/sock.h>
#include <net/xfrm.h>

#include "../../kernel/encap.h"
#include "kunit.h"

struct kt_dev {
	struct sk_buff_head sent;
};

/* Keep what the suites are about. */
static netdev_tx_t kt_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct kt_dev *priv = netdev_priv(dev);

	if (skb->protocol == htons(ETH_P_IP) ||
	    skb->protocol == htons(ETH_P_IPV6) ||
	    skb->protocol == htons(ETH_P_ARP)) {
		skb_orphan(skb);
		skb_dst_drop(skb);
		skb_queue_tail(&priv->sent, skb);
	} else {
		kfree_skb(skb);
	}
	return NETDEV_TX_OK;
}

static const struct net_device_ops kt_netdev_ops = {
	.ndo_start_xmit	= kt_xmit,
};

static void kt_dev_free(struct net_device *dev)
{
	struct kt_dev *priv = netdev_priv(dev);

	skb_queue_purge(&priv->sent);
}

static void kt_dev_setup(struct net_device *dev)
{
	struct kt_dev *priv = netdev_priv(dev);

	skb_queue_head_init(&priv->sent);
	dev->netdev_ops = &kt_netdev_ops;
	dev->needs_free_netdev = true;
	dev->priv_destructor = kt_dev_free;
	dev->priv_flags |= IFF_NO_QUEUE;
}

static void kt_under_setup(struct net_device *dev)
{
	kt_dev_setup(dev);
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_NOARP;
	dev->mtu = ETH_DATA_LEN;
	dev->max_mtu = IP_MAX_MTU;
}

/* A PPP session */
static void kt_session_setup(struct net_device *dev)
{
	kt_under_setup(dev);
	dev->type = ARPHRD_PPP;
	dev->flags |= IFF_POINTOPOINT;
}

static void kt_port_setup(struct net_device *dev)
{
	static const u8 mac[ETH_ALEN] = { 0x02, 0, 0, 0, 1, 0 };

	ether_setup(dev);
	kt_dev_setup(dev);
	eth_hw_addr_set(dev, mac);
}

static struct net_device *kt_register(size_t size, const char *name,
				      void (*setup)(struct net_device *))
{
	struct net_device *dev;

	dev = alloc_netdev(size, name, NET_NAME_ENUM, setup);
	if (!dev)
		return NULL;
	/* IPv6 would greet every new link, and be counted as dropped */
	dev->priv_flags |= IFF_NO_ADDRCONF;
	if (setup == mip4_link_ops.setup) {
		struct mip4_dev *mip = netdev_priv(dev);

		mip->net = &init_net;
		mip->mn = mip4_net(&init_net);
		mip->local = MIP4_KT_LOCAL;
		dev->rtnl_link_ops = &mip4_link_ops;
	}
	if (register_netdevice(dev)) {
		free_netdev(dev);
		return NULL;
	}
	return dev_open(dev, NULL) ? NULL : dev;
}

/* As "ip address add": the kernel offers modules no other way. */
static int kt_address(struct net_device *dev, __be32 addr, u8 plen)
{
	struct {
		struct nlmsghdr nlh;
		struct ifaddrmsg ifa;
		struct nlattr attr;
		__be32 addr;
	} req = {
		.nlh.nlmsg_len = sizeof(req),
		.nlh.nlmsg_type = RTM_NEWADDR,
		.nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE,
		.ifa.ifa_family = AF_INET,
		.ifa.ifa_prefixlen = plen,
		.ifa.ifa_index = dev->ifindex,
		.attr.nla_len = NLA_HDRLEN + sizeof(addr),
		.attr.nla_type = IFA_LOCAL,
		.addr = addr,
	};
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr err;
	} ack = {};
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr msg = {
		.msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
	};
	struct kvec out = { .iov_base = &req, .iov_len = sizeof(req) };
	struct kvec in = { .iov_base = &ack, .iov_len = sizeof(ack) };
	struct socket *sock;
	int err;

	err = sock_create_kern(&init_net, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE,
			       &sock);
	if (err)
		return err;
	err = kernel_sendmsg(sock, &msg, &out, 1, sizeof(req));
	if (err >= 0) {
		memset(&msg, 0, sizeof(msg));
		err = kernel_recvmsg(sock, &msg, &in, 1, sizeof(ack),
				     MSG_DONTWAIT);
	}
	sock_release(sock);
	if (err < 0)
		return err;
	return ack.nlh.nlmsg_type == NLMSG_ERROR ? ack.err.error : -EPROTO;
}

static struct mip4_kt *kt_current;

/* Behind our own handler, as ipip is. */
static int kt_ipip_passed(struct sk_buff *skb)
{
	if (!kt_current)
		return -ENOENT;
	skb_queue_tail(&kt_current->passed, skb);
	return 0;
}

static int kt_ipip_err(struct sk_buff *skb, u32 info)
{
	return -ENOENT;
}

static struct xfrm_tunnel kt_ipip_handler = {
	.handler	= kt_ipip_passed,
	.err_handler	= kt_ipip_err,
	.priority	= S16_MAX,
};

/**
 * mip4_kt_init() - .init of a suite that needs devices
 * @test: its .priv becomes a struct mip4_kt
 *
 * Return: 0 or a negative error.
 */
int mip4_kt_init(struct kunit *test)
{
	struct mip4_kt *k;
	struct net_device *dev;
	int i, err = -ENODEV;

	k = kunit_kzalloc(test, sizeof(*k), GFP_KERNEL);
	if (!k)
		return -ENOMEM;
	test->priv = k;
	k->test = test;
	skb_queue_head_init(&k->passed);
	rtnl_lock();
	k->under = kt_register(sizeof(struct kt_dev), "mip4ktu%d",
			       kt_under_setup);
	for (i = 0; i < MIP4_KT_PORTS; i++)
		k->port[i] = kt_register(sizeof(struct kt_dev), "mip4ktp%d",
					 kt_port_setup);
	k->session = kt_register(sizeof(struct kt_dev), "mip4kts%d",
				 kt_session_setup);
	dev = kt_register(sizeof(struct mip4_dev), "mip4kt%d",
			  mip4_link_ops.setup);
	if (dev)
		k->mip = netdev_priv(dev);
	if (k->under && k->session && k->mip && k->port[0] && k->port[1])
		err = mip4_port_add(dev, k->port[0], &k->extack) ?:
		      mip4_port_add(dev, k->port[1], &k->extack);
	rtnl_unlock();
	if (!err)
		err = kt_address(k->under, MIP4_KT_LOCAL, 24);
	if (!err)
		err = xfrm4_tunnel_register(&kt_ipip_handler, AF_INET);
	if (!err)
		kt_current = k;
	return err;
}

/**
 * mip4_kt_exit() - .exit of a suite that needs devices
 * @test: from mip4_kt_init(), which may have failed
 */
void mip4_kt_exit(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	LIST_HEAD(gone);
	int i;

	if (!k)
		return;
	if (kt_current)
		xfrm4_tunnel_deregister(&kt_ipip_handler, AF_INET);
	kt_current = NULL;
	rtnl_lock();
	if (k->mip)
		unregister_netdevice_queue(k->mip->dev, &gone);
	for (i = 0; i < MIP4_KT_PORTS; i++) {
		if (k->port[i])
			unregister_netdevice_queue(k->port[i], &gone);
	}
	if (k->session)
		unregister_netdevice_queue(k->session, &gone);
	if (k->under)
		unregister_netdevice_queue(k->under, &gone);
	unregister_netdevice_many(&gone);
	rtnl_unlock();
	skb_queue_purge(&k->passed);
}

struct mip4_port *mip4_kt_port(struct mip4_kt *k, int i)
{
	struct mip4_port *port;

	mutex_lock(&k->mip->lock);
	port = mip4_port_find(k->mip, k->port[i]->ifindex);
	mutex_unlock(&k->mip->lock);
	return port;
}

/* A routed binding, as on a home agent: keyed GRE. */
struct mip4_binding_config mip4_kt_routed(struct mip4_kt *k, u8 n)
{
	return (struct mip4_binding_config) {
		.cookie = n,
		.home = MIP4_KT_HOME(n),
		.home_plen = 32,
		.n_legs = 1,
		.leg = {
			.local = MIP4_KT_LOCAL,
			.peer = MIP4_KT_PEER,
			.encap = MIP4_ENCAP_GRE,
			.keyed = true,
			.ikey = MIP4_KT_IKEY(n),
			.okey = MIP4_KT_OKEY(n),
			.attr = &k->attr[MIP4_KT_A_LEG],
		},
		.attr = &k->attr[MIP4_KT_A_BINDING],
		.home_attr = &k->attr[MIP4_KT_A_HOME],
	};
}

/* A served one, as on an access router, on the first port. */
struct mip4_binding_config mip4_kt_served(struct mip4_kt *k, u8 n)
{
	struct mip4_binding_config cfg = mip4_kt_routed(k, n);

	cfg.gateway = MIP4_KT_GATEWAY;
	cfg.port = k->port[0]->ifindex;
	mip4_kt_mac(cfg.mac, n);
	cfg.mac_attr = &k->attr[MIP4_KT_A_MAC];
	cfg.port_attr = &k->attr[MIP4_KT_A_PORT];
	return cfg;
}

static struct mip4_binding *kt_add(struct mip4_kt *k,
				   const struct mip4_binding_config *cfg)
{
	struct mip4_binding *b;

	memset(&k->extack, 0, sizeof(k->extack));
	mutex_lock(&k->mip->lock);
	b = mip4_binding_add(k->mip, cfg, &k->extack);
	if (!IS_ERR(b))
		mip4_binding_live(b);
	mutex_unlock(&k->mip->lock);
	return b;
}

/* Add a binding that has to be accepted. */
struct mip4_binding *mip4_kt_add(struct mip4_kt *k,
				 const struct mip4_binding_config *cfg)
{
	struct mip4_binding *b = kt_add(k, cfg);

	KUNIT_ASSERT_NOT_ERR_OR_NULL_MSG(k->test, b, "%s", k->extack._msg);
	return b;
}

/* Try one that has to be refused with @err, a text, and @blame for it. */
void mip4_kt_refused(struct mip4_kt *k, const struct mip4_binding_config *cfg,
		     int err, int blame)
{
	const u32 before = k->mip->count;
	struct mip4_binding *b = kt_add(k, cfg);

	KUNIT_EXPECT_EQ(k->test, PTR_ERR_OR_ZERO(b), err);
	KUNIT_EXPECT_NOT_NULL(k->test, k->extack._msg);
	KUNIT_EXPECT_PTR_EQ(k->test, k->extack.bad_attr,
			    (const struct nlattr *)&k->attr[blame]);
	KUNIT_EXPECT_EQ(k->test, k->mip->count, before);
}

/* As BINDING_SET replaces the legs of a binding, with that result. */
void mip4_kt_set_legs(struct mip4_kt *k, struct mip4_binding *b,
		      const struct mip4_binding_config *cfg, int want)
{
	struct mip4_legs *legs = NULL;
	int err;

	memset(&k->extack, 0, sizeof(k->extack));
	mutex_lock(&k->mip->lock);
	err = mip4_legs_check(cfg, false, mip4_binding_served(b), &k->extack);
	if (!err) {
		legs = mip4_legs_prepare(b, cfg, &k->extack);
		err = PTR_ERR_OR_ZERO(legs);
	}
	if (!err) {
		mip4_legs_commit(b, legs);
		mip4_binding_live(b);
	}
	mutex_unlock(&k->mip->lock);
	KUNIT_EXPECT_EQ(k->test, err, want);
	if (want)
		KUNIT_EXPECT_NOT_NULL(k->test, k->extack._msg);
}

void mip4_kt_del(struct mip4_kt *k, struct mip4_binding *b)
{
	mutex_lock(&k->mip->lock);
	mip4_binding_del(b);
	mutex_unlock(&k->mip->lock);
}

/* As ethtool -S has it. */
u64 mip4_kt_drops(struct mip4_kt *k, enum mip4_drop reason)
{
	u64 data[__MIP4_DROP_MAX];

	mip4_ethtool_ops.get_ethtool_stats(k->mip->dev, NULL, data);
	return data[reason];
}

#define KT_HEADROOM 128

/* An IPv4 packet, its payload counting up; for who consumes it. */
struct sk_buff *mip4_kt_ip(struct mip4_kt *k, const struct mip4_kt_ip *ip)
{
	struct sk_buff *skb;
	struct iphdr *iph;
	u8 *payload;
	int i;

	skb = alloc_skb(KT_HEADROOM + sizeof(*iph) + ip->len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(k->test, skb);
	skb_reserve(skb, KT_HEADROOM);
	skb_reset_network_header(skb);
	iph = skb_put_zero(skb, sizeof(*iph));
	skb_set_transport_header(skb, sizeof(*iph));
	iph->version = 4;
	iph->ihl = 5;
	iph->tos = ip->tos;
	iph->tot_len = htons(sizeof(*iph) + ip->len);
	iph->id = htons(0x1234);
	iph->frag_off = ip->frag_off;
	iph->ttl = ip->ttl ?: 64;
	iph->protocol = ip->protocol;
	iph->saddr = ip->saddr;
	iph->daddr = ip->daddr;
	ip_send_check(iph);
	payload = skb_put(skb, ip->len);
	for (i = 0; i < ip->len; i++)
		payload[i] = i;
	skb->protocol = htons(ETH_P_IP);
	return skb;
}

/*
 * TCP by @ip, whose .protocol and .len don't count, to be summed and cut by who
 * can, as a device's GRO or a local sender makes it.
 */
struct sk_buff *mip4_kt_tcp(struct mip4_kt *k, const struct mip4_kt_ip *ip,
			    int segments, int mss)
{
	struct mip4_kt_ip inner = *ip;
	struct sk_buff *skb;
	struct tcphdr *th;

	inner.protocol = IPPROTO_TCP;
	inner.len = sizeof(*th) + segments * mss;
	skb = mip4_kt_ip(k, &inner);
	th = tcp_hdr(skb);
	memset(th, 0, sizeof(*th));
	th->doff = sizeof(*th) / 4;
	th->seq = htonl(1000);
	th->ack = 1;
	th->check = ~csum_tcpudp_magic(inner.saddr, inner.daddr, inner.len,
				       IPPROTO_TCP, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
	if (segments > 1) {
		skb_shinfo(skb)->gso_size = mss;
		skb_shinfo(skb)->gso_segs = segments;
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	}
	return skb;
}

/* Just these bytes, at the network header; for who consumes it. */
struct sk_buff *mip4_kt_bytes(struct mip4_kt *k, const void *data, int len)
{
	struct sk_buff *skb = alloc_skb(KT_HEADROOM + len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(k->test, skb);
	skb_reserve(skb, KT_HEADROOM);
	skb_reset_network_header(skb);
	skb_put_data(skb, data, len);
	skb->protocol = htons(ETH_P_IP);
	return skb;
}

static void kt_kfree_skb(void *skb)
{
	kfree_skb(skb);
}

/* Free it with the test. */
void mip4_kt_own(struct mip4_kt *k, struct sk_buff *skb)
{
	KUNIT_ASSERT_EQ(k->test, 0,
			kunit_add_action_or_reset(k->test, kt_kfree_skb, skb));
}

/* The oldest packet on a wire, or NULL. */
struct sk_buff *mip4_kt_sent(struct mip4_kt *k, struct net_device *dev)
{
	struct kt_dev *priv = netdev_priv(dev);
	struct sk_buff *skb = skb_dequeue(&priv->sent);

	if (skb)
		mip4_kt_own(k, skb);
	return skb;
}

/* How many are there? */
int mip4_kt_count(struct net_device *dev)
{
	struct kt_dev *priv = netdev_priv(dev);

	return skb_queue_len(&priv->sent);
}

/* What the stack gets from the mip4 device: GRO has a softirq of its own. */
static struct {
	struct completion done;
	struct sk_buff *skb;
} kt_caught;

static rx_handler_result_t kt_catch_rx(struct sk_buff **pskb)
{
	if ((*pskb)->protocol != htons(ETH_P_IP))
		return RX_HANDLER_PASS;
	kt_caught.skb = *pskb;
	complete(&kt_caught.done);
	return RX_HANDLER_CONSUMED;
}

/* Have the next packet from the mip4 device, for mip4_kt_caught(). */
void mip4_kt_catch(struct mip4_kt *k)
{
	int err;

	init_completion(&kt_caught.done);
	rtnl_lock();
	err = netdev_rx_handler_register(k->mip->dev, kt_catch_rx, NULL);
	rtnl_unlock();
	KUNIT_ASSERT_EQ(k->test, err, 0);
}

/* The packet, which must come. */
struct sk_buff *mip4_kt_caught(struct mip4_kt *k)
{
	int err = !wait_for_completion_timeout(&kt_caught.done, 5 * HZ);

	rtnl_lock();
	netdev_rx_handler_unregister(k->mip->dev);
	rtnl_unlock();
	KUNIT_ASSERT_EQ(k->test, err, 0);
	mip4_kt_own(k, kt_caught.skb);
	return kt_caught.skb;
}

/* Let device @n send a frame into a port, to the port's MAC. */
void mip4_kt_frame(struct mip4_kt *k, int port, struct sk_buff *skb, u8 n,
		   u16 ethertype)
{
	struct net_device *dev = k->port[port];
	struct ethhdr *eth = skb_push(skb, ETH_HLEN);

	ether_addr_copy(eth->h_dest, dev->dev_addr);
	mip4_kt_mac(eth->h_source, n);
	eth->h_proto = htons(ethertype);
	skb->protocol = eth_type_trans(skb, dev);
	local_bh_disable();
	netif_receive_skb(skb);
	local_bh_enable();
}

/* Send an inner packet through a binding's leg. */
void mip4_kt_encap(struct mip4_kt *k, struct mip4_binding *b,
		   struct sk_buff *skb)
{
	struct mip4_leg *leg;
	struct rtable *rt;

	local_bh_disable();
	rcu_read_lock();
	leg = rcu_dereference(b->leg);
	rt = mip4_peer_route(leg->peer);
	if (!IS_ERR(rt))
		mip4_encap(skb, leg, rt);
	rcu_read_unlock();
	local_bh_enable();
	KUNIT_ASSERT_FALSE(k->test, IS_ERR(rt));
}

static void kt_from_under(struct mip4_kt *k, struct sk_buff *skb)
{
	skb->dev = k->under;
	skb->skb_iif = k->under->ifindex;
	skb_reset_mac_header(skb);
	skb_reset_mac_len(skb);
	skb_set_transport_header(skb, sizeof(struct iphdr));
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
}

static int kt_gre_passed(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	skb_queue_tail(&kt_current->passed, skb);
	return 0;
}

/* Let an outer packet arrive at LOCAL_IN. Return: was it left to others? */
bool mip4_kt_gre_in(struct mip4_kt *k, struct sk_buff *skb)
{
	const u32 before = skb_queue_len(&k->passed);

	kt_from_under(k, skb);
	local_bh_disable();
	rcu_read_lock();
	NF_HOOK(NFPROTO_IPV4, NF_INET_LOCAL_IN, &init_net, NULL, skb, k->under,
		NULL, kt_gre_passed);
	rcu_read_unlock();
	local_bh_enable();
	return skb_queue_len(&k->passed) != before;
}

/* Let an outer packet arrive at the handler of its protocol. */
void mip4_kt_protocol_in(struct mip4_kt *k, struct sk_buff *skb)
{
	const struct net_protocol *protocol;

	kt_from_under(k, skb);
	skb_set_transport_header(skb, ip_hdrlen(skb));
	__skb_pull(skb, ip_hdrlen(skb));
	local_bh_disable();
	rcu_read_lock();
	protocol = rcu_dereference(inet_protos[ip_hdr(skb)->protocol]);
	if (protocol)
		protocol->handler(skb);
	rcu_read_unlock();
	local_bh_enable();
	KUNIT_ASSERT_NOT_NULL(k->test, protocol);
}

/* Let an outer packet arrive at tunnel4. Return: was it left to others? */
bool mip4_kt_ipip_in(struct mip4_kt *k, struct sk_buff *skb)
{
	const u32 before = skb_queue_len(&k->passed);

	mip4_kt_protocol_in(k, skb);
	return skb_queue_len(&k->passed) != before;
}
