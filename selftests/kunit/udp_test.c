// SPDX-License-Identifier: GPL-2.0-only
/* RFC 3519's tunnel data: bytes both ways, sizes, what isn't ours, the socket's life. */
#include <linux/icmp.h>
#include <linux/net.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/route.h>
#include <net/sock.h>

#include "../../kernel/encap.h"
#include "../../kernel/outer_icmp.h"
#include "../../kernel/udp.h"
#include "kunit.h"

#define OVERHEAD 32
#define PEER_PORT 20434

/* The agent's: bound to @addr and @port, or not at all. */
static struct socket *udp_socket(struct mip4_kt *k, __be32 addr, u16 port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = addr,
		.sin_port = htons(port),
	};
	struct socket *sock;

	KUNIT_ASSERT_EQ(k->test, 0,
			sock_create_kern(&init_net, AF_INET, SOCK_DGRAM, 0,
					 &sock));
	if (port)
		KUNIT_ASSERT_EQ(k->test, 0,
				kernel_bind(sock, (void *)&sin, sizeof(sin)));
	return sock;
}

static int udp_attach(struct mip4_kt *k, struct socket *sock)
{
	memset(&k->extack, 0, sizeof(k->extack));
	return mip4_udp_attach(k->mip, sock, &k->attr[MIP4_KT_A_LEG],
			       &k->extack);
}

static struct socket *udp_attached(struct mip4_kt *k)
{
	struct socket *sock = udp_socket(k, MIP4_KT_LOCAL, 434);

	KUNIT_ASSERT_EQ(k->test, udp_attach(k, sock), 0);
	return sock;
}

static struct mip4_binding *udp_binding(struct mip4_kt *k, bool served)
{
	struct mip4_binding_config cfg = served ? mip4_kt_served(k, 5) :
						  mip4_kt_routed(k, 5);

	cfg.leg.encap = MIP4_ENCAP_UDP;
	cfg.leg.port = htons(PEER_PORT);
	cfg.leg.keyed = false;
	return mip4_kt_add(k, &cfg);
}

/* As UDP gives it to the socket. Return: is it to be passed up? */
static bool udp_in(struct mip4_kt *k, struct socket *sock, struct sk_buff *skb)
{
	int ret;

	skb->dev = k->under;
	skb->skb_iif = k->under->ifindex;
	skb_reset_mac_header(skb);
	skb_reset_mac_len(skb);
	skb_set_transport_header(skb, ip_hdrlen(skb));
	__skb_pull(skb, ip_hdrlen(skb));
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	local_bh_disable();
	rcu_read_lock();
	ret = udp_sk(sock->sk)->encap_rcv(sock->sk, skb);
	rcu_read_unlock();
	local_bh_enable();
	return ret > 0;
}

/*
 * A packet before and after, its bytes worked out from RFC 768, 2003 and 3519
 * section 3.3 apart from this module. The original: TOS 0xba, DF, TTL 33, UDP
 * with four bytes, 198.19.0.9 to 198.19.1.5; then from 198.18.0.1, port 434, to
 * 198.18.0.2, port 20434. Identification and checksum of the new header, by
 * which each is another, are left zero.
 */
static const u8 golden_outer[64] = {
	0x45, 0xba, 0x00, 0x40, 0x00, 0x00, 0x40, 0x00,
	0x40, 0x11, 0x00, 0x00, 0xc6, 0x12, 0x00, 0x01,
	0xc6, 0x12, 0x00, 0x02, 0x01, 0xb2, 0x4f, 0xd2,
	0x00, 0x2c, 0x34, 0x84, 0x04, 0x04, 0x00, 0x00,
	0x45, 0xba, 0x00, 0x20, 0x12, 0x34, 0x40, 0x00,
	0x21, 0x11, 0xb9, 0xaa, 0xc6, 0x13, 0x00, 0x09,
	0xc6, 0x13, 0x01, 0x05, 0x03, 0xe8, 0x07, 0xd0,
	0x00, 0x0c, 0x00, 0x00, 0x6d, 0x69, 0x70, 0x34,
};

static void udp_test_golden_out(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = udp_binding(k, false);
	struct socket *sock = udp_attached(k);
	struct sk_buff *out;
	struct iphdr *iph;

	mip4_kt_encap(k, b, mip4_kt_bytes(k, golden_outer + OVERHEAD,
					  sizeof(golden_outer) - OVERHEAD));
	out = mip4_kt_sent(k, k->under);
	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_ASSERT_EQ(test, skb_linearize(out), 0);
	KUNIT_ASSERT_EQ(test, out->len, sizeof(golden_outer));
	iph = (struct iphdr *)out->data;
	KUNIT_EXPECT_EQ(test, ip_fast_csum(iph, 5), 0);
	iph->id = 0;
	iph->check = 0;
	KUNIT_EXPECT_MEMEQ(test, out->data, golden_outer, out->len);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 0);
	sock_release(sock);
}

/* The same bytes the other way: what came out is what went in. */
static void udp_test_golden_in(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct socket *sock = udp_socket(k, 0, PEER_PORT);
	struct mip4_binding *b;
	struct sk_buff *out;

	KUNIT_ASSERT_EQ(test, udp_attach(k, sock), 0);
	cfg.leg.encap = MIP4_ENCAP_UDP;
	cfg.leg.port = htons(434);
	cfg.leg.keyed = false;
	cfg.leg.local = MIP4_KT_PEER;
	cfg.leg.peer = MIP4_KT_LOCAL;
	b = mip4_kt_add(k, &cfg);
	KUNIT_EXPECT_FALSE(test, udp_in(k, sock,
					mip4_kt_bytes(k, golden_outer,
						      sizeof(golden_outer))));
	out = mip4_kt_sent(k, k->port[0]);
	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_ASSERT_EQ(test, out->len, ETH_HLEN + sizeof(golden_outer) - OVERHEAD);
	KUNIT_EXPECT_MEMEQ(test, out->data + ETH_HLEN, golden_outer + OVERHEAD,
			   sizeof(golden_outer) - OVERHEAD);
	KUNIT_EXPECT_EQ(test, atomic64_read(&b->down_packets), 1);
	sock_release(sock);
}

#define FITS (ETH_DATA_LEN - OVERHEAD)

/* RFC 3519 section 4.8: what has to be cut is, before it is wrapped. */
struct size_case {
	const char *desc;
	u16 len;		/* of the inner packet */
	__be16 frag_off;
	u8 options;		/* bytes */
	u8 pieces;
};

static const struct size_case size_cases[] = {
	{ "fits", FITS, 0, 0, 1 },
	{ "fits, DF", FITS, htons(IP_DF), 0, 1 },
	{ "one more", FITS + 1, 0, 0, 2 },
	{ "three", 3 * FITS, 0, 0, 4 },
	{ "a fragment itself", FITS + 1, htons(IP_MF | 8), 0, 2 },
	{ "options", FITS + 1, 0, 8, 2 },
};

MIP4_KT_PARAMS(size, size_cases)

static void udp_test_size(struct kunit *test)
{
	const struct size_case *c = test->param_value;
	const unsigned int ihl = sizeof(struct iphdr) + c->options;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = udp_binding(k, false);
	struct socket *sock = udp_attached(k);
	struct mip4_kt_ip inner = {
		.saddr = MIP4_KT_FAR,
		.daddr = MIP4_KT_HOME(5),
		.len = c->len - sizeof(struct iphdr),
		.frag_off = c->frag_off,
		.protocol = IPPROTO_ICMP,
	};
	struct sk_buff *skb = mip4_kt_ip(k, &inner), *want;
	unsigned int at = 0;
	int i;

	/* router alert goes with each piece, a stamp only with the first */
	if (c->options) {
		const u8 options[] = { 0x94, 4, 0, 0, 0x44, 4, 5, 0 };

		memcpy(skb->data + 20, options, sizeof(options));
		ip_hdr(skb)->ihl = ihl / 4;
		ip_send_check(ip_hdr(skb));
	}
	want = skb_copy(skb, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, want);
	mip4_kt_own(k, want);
	mip4_kt_encap(k, b, skb);
	KUNIT_ASSERT_EQ(test, mip4_kt_count(k->under), c->pieces);
	for (i = 0; i < c->pieces; i++) {
		struct sk_buff *out = mip4_kt_sent(k, k->under);
		const bool last = i == c->pieces - 1;
		const struct iphdr *outer, *iph;
		const struct udphdr *uh;
		__be16 frag_off;

		KUNIT_ASSERT_EQ(test, skb_linearize(out), 0);
		KUNIT_EXPECT_LE(test, out->len, ETH_DATA_LEN);
		outer = (const struct iphdr *)out->data;
		uh = (const struct udphdr *)(outer + 1);
		iph = (const struct iphdr *)((const u8 *)outer + OVERHEAD);
		/* or there is no inner header to look at */
		KUNIT_ASSERT_EQ(test, outer->frag_off,
				c->frag_off & htons(IP_DF));
		KUNIT_EXPECT_EQ(test, ntohs(outer->tot_len), out->len);
		KUNIT_EXPECT_EQ(test, ntohs(uh->len), out->len - 20);
		KUNIT_EXPECT_EQ(test, 0, csum_tcpudp_magic
				(outer->saddr, outer->daddr, out->len - 20,
				 IPPROTO_UDP, csum_partial(uh, out->len - 20, 0)));
		KUNIT_EXPECT_EQ(test, ip_fast_csum(iph, iph->ihl), 0);
		KUNIT_EXPECT_EQ(test, iph->id, ip_hdr(want)->id);
		frag_off = htons((ntohs(c->frag_off) & IP_OFFSET) + at / 8);
		if (!last || c->frag_off & htons(IP_MF))
			frag_off |= htons(IP_MF);
		KUNIT_EXPECT_EQ(test, iph->frag_off & ~htons(IP_DF), frag_off);
		if (c->options)
			KUNIT_EXPECT_EQ(test, ((const u8 *)iph)[24],
					i ? IPOPT_NOOP : 0x44);
		KUNIT_ASSERT_LE(test, at + ntohs(iph->tot_len), want->len);
		KUNIT_EXPECT_MEMEQ(test, (const u8 *)iph + ihl,
				   want->data + ihl + at,
				   ntohs(iph->tot_len) - ihl);
		at += ntohs(iph->tot_len) - ihl;
	}
	KUNIT_EXPECT_EQ(test, at, want->len - ihl);
	sock_release(sock);
}

#define UDP_MSS 200

/*
 * Who can't cut a tunnel of that kind is spared it, whatever is inside: each
 * checksum, the inner and the outer one, is right in the end.
 */
static void udp_test_offload(struct kunit *test)
{
	const struct mip4_kt_ip inner = {
		.saddr = MIP4_KT_FAR,
		.daddr = MIP4_KT_HOME(5),
		.frag_off = htons(IP_DF),
	};
	const unsigned int len = sizeof(struct tcphdr) + UDP_MSS;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = udp_binding(k, false);
	struct socket *sock = udp_attached(k);
	int segments, i;

	for (segments = 1; segments <= 3; segments += 2) {
		mip4_kt_encap(k, b, mip4_kt_tcp(k, &inner, segments, UDP_MSS));
		KUNIT_ASSERT_EQ(test, mip4_kt_count(k->under), segments);
		for (i = 0; i < segments; i++) {
			struct sk_buff *out = mip4_kt_sent(k, k->under);
			const struct iphdr *outer, *iph;
			const void *uh, *th;

			KUNIT_ASSERT_EQ(test, skb_linearize(out), 0);
			KUNIT_ASSERT_EQ(test, out->len, OVERHEAD + 20 + len);
			outer = (const struct iphdr *)out->data;
			iph = (const struct iphdr *)((const u8 *)outer + OVERHEAD);
			uh = outer + 1;
			th = iph + 1;
			KUNIT_EXPECT_EQ(test, ntohs(outer->tot_len), out->len);
			KUNIT_EXPECT_EQ(test, 0, csum_tcpudp_magic
					(outer->saddr, outer->daddr,
					 out->len - 20, IPPROTO_UDP,
					 csum_partial(uh, out->len - 20, 0)));
			KUNIT_EXPECT_EQ(test, 0, csum_tcpudp_magic
					(iph->saddr, iph->daddr, len, IPPROTO_TCP,
					 csum_partial(th, len, 0)));
		}
	}
	sock_release(sock);
}

/* What comes to the socket, and differs in that from what is a leg's. */
struct in_case {
	const char *desc;
	u8 type;
	u8 next;
	u16 port;
	__be32 peer;
	__be32 daddr;
	int cut;		/* keep so many bytes behind the UDP header */
	bool up;
	enum mip4_drop reason;	/* if not .up */
};

#define NONE __MIP4_DROP_MAX

static const struct in_case in_cases[] = {
	{ "a leg's", .reason = NONE },
	{ "another type", .type = 1, .up = true },
	{ "a reply", .type = 3, .up = true },
	{ "GRE", .next = 47, .up = true },
	{ "minimal", .next = 55, .up = true },
	{ "the default port", .port = 434, .up = true },
	{ "another peer", .peer = MIP4_KT_PEER2, .up = true },
	{ "another device", .daddr = MIP4_KT_HOME(6), .up = true },
	{ "no data", .cut = -1, .up = true },
	{ "three bytes", .cut = 3, .up = true },
	{ "no inner packet", .cut = 4, .up = true },
	{ "half an inner header", .cut = 23, .up = true },
	{ "half an inner packet", .cut = 30, .reason = MIP4_DROP_BAD_INNER },
};

MIP4_KT_PARAMS(in, in_cases)

static void udp_test_in(struct kunit *test)
{
	const struct in_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	const struct mip4_kt_ip outer = {
		.saddr = c->peer ?: MIP4_KT_PEER,
		.daddr = MIP4_KT_LOCAL,
		.len = 12 + 20 + 8,
		.protocol = IPPROTO_UDP,
	}, ip = {
		.saddr = MIP4_KT_FAR,
		.daddr = c->daddr ?: MIP4_KT_HOME(5),
		.len = 8,
		.protocol = IPPROTO_ICMP,
	};
	struct socket *sock = udp_attached(k);
	struct sk_buff *skb = mip4_kt_ip(k, &outer), *inner, *want;
	struct udphdr *uh = udp_hdr(skb);
	struct mip4_udp_data *data;
	bool up;
	int i;

	udp_binding(k, true);
	inner = mip4_kt_ip(k, &ip);
	mip4_kt_own(k, inner);
	*uh = (struct udphdr) {
		.source = htons(c->port ?: PEER_PORT),
		.dest = htons(434),
		.len = htons(outer.len),
	};
	data = (struct mip4_udp_data *)(uh + 1);
	*data = (struct mip4_udp_data) {
		.type = c->type ?: 4,
		.next = c->next ?: 4,
	};
	memcpy(data + 1, inner->data, inner->len);
	if (c->cut)
		skb_trim(skb, 28 + max(c->cut, 0));
	want = skb_copy(skb, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, want);
	mip4_kt_own(k, want);
	up = udp_in(k, sock, skb);
	KUNIT_EXPECT_EQ(test, up, c->up);
	if (up) {
		/* as it came */
		mip4_kt_own(k, skb);
		KUNIT_ASSERT_EQ(test, skb->len, want->len - 20);
		KUNIT_EXPECT_MEMEQ(test, skb_network_header(skb), want->data,
				   want->len);
	}
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]),
			!c->up && c->reason == NONE);
	for (i = 0; i < __MIP4_DROP_MAX; i++)
		KUNIT_EXPECT_EQ_MSG(test, mip4_kt_drops(k, i),
				    !c->up && i == c->reason, "reason %d", i);
	sock_release(sock);
}

static void udp_test_no_socket(struct kunit *test)
{
	const struct mip4_kt_ip inner = {
		.saddr = MIP4_KT_FAR,
		.daddr = MIP4_KT_HOME(5),
		.len = 100,
		.protocol = IPPROTO_ICMP,
	};
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *b = udp_binding(k, false);
	struct socket *sock;

	mip4_kt_encap(k, b, mip4_kt_ip(k, &inner));
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_NO_SOCKET), 1);
	sock = udp_attached(k);
	mip4_kt_encap(k, b, mip4_kt_ip(k, &inner));
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 1);
	/* closed by its last owner */
	sock_release(sock);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(k->mip->udp));
	mip4_kt_encap(k, b, mip4_kt_ip(k, &inner));
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_NO_SOCKET), 2);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 1);
	/* the port is free again, so nobody keeps the socket */
	sock = udp_attached(k);
	mip4_udp_detach(k->mip);
	KUNIT_EXPECT_NULL(test, udp_sk(sock->sk)->encap_rcv);
	KUNIT_EXPECT_EQ(test, udp_sk(sock->sk)->encap_type, 0);
	KUNIT_EXPECT_NULL(test, sock->sk->sk_user_data);
	sock_release(sock);
}

/* A leg of another local address than the socket's stays dark. */
static void udp_test_other_local(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct socket *sock = udp_attached(k), *any;

	rcu_read_lock();
	KUNIT_EXPECT_EQ(test, ntohs(mip4_udp_port(k->mip, MIP4_KT_LOCAL)), 434);
	KUNIT_EXPECT_EQ(test, mip4_udp_port(k->mip, MIP4_KT_PEER2), 0);
	rcu_read_unlock();
	any = udp_socket(k, 0, 4434);
	KUNIT_EXPECT_EQ(test, udp_attach(k, any), 0);
	rcu_read_lock();
	KUNIT_EXPECT_EQ(test, ntohs(mip4_udp_port(k->mip, MIP4_KT_PEER2)), 4434);
	rcu_read_unlock();
	/* nobody uses the first any longer */
	KUNIT_EXPECT_NULL(test, sock->sk->sk_user_data);
	sock_release(sock);
	sock_release(any);
}

static void udp_test_refused(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct socket *sock;

	KUNIT_ASSERT_EQ(test, 0, sock_create_kern(&init_net, AF_INET, SOCK_STREAM,
						  0, &sock));
	KUNIT_EXPECT_EQ(test, udp_attach(k, sock), -EPROTOTYPE);
	sock_release(sock);
	sock = udp_socket(k, 0, 0);
	KUNIT_EXPECT_EQ(test, udp_attach(k, sock), -EINVAL);
	sock_release(sock);
	sock = udp_socket(k, htonl(INADDR_LOOPBACK), 434);
	KUNIT_EXPECT_EQ(test, udp_attach(k, sock), -EADDRNOTAVAIL);
	KUNIT_EXPECT_NOT_NULL(test, k->extack._msg);
	KUNIT_EXPECT_PTR_EQ(test, k->extack.bad_attr,
			    (const struct nlattr *)&k->attr[MIP4_KT_A_LEG]);
	sock_release(sock);
	sock = udp_socket(k, 0, 434);
	sock->sk->sk_user_data = test;
	KUNIT_EXPECT_EQ(test, udp_attach(k, sock), -EBUSY);
	sock->sk->sk_user_data = NULL;
	KUNIT_EXPECT_EQ(test, udp_attach(k, sock), 0);
	/* and once more, as an agent does that has started again */
	KUNIT_EXPECT_EQ(test, udp_attach(k, sock), 0);
	sock_release(sock);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(k->mip->udp));
}

/* ICMP about what left: ours by both ports. */
struct error_case {
	const char *desc;
	u16 sport;
	u16 dport;
	u16 mtu;		/* 0: port unreachable */
	u8 errors;
	u16 path;
};

static const struct error_case error_cases[] = {
	{ "frag needed", 434, PEER_PORT, 1400, 1, 1400 },
	{ "port unreachable", 434, PEER_PORT, 0, 1, 1500 },
	{ "another's", 4434, PEER_PORT, 1400, 0, 1500 },
	{ "to another", 434, 434, 1400, 0, 1500 },
};

MIP4_KT_PARAMS(error, error_cases)

static void udp_test_error(struct kunit *test)
{
	const struct error_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_peer *peer = udp_binding(k, false)->first.peer;
	struct socket *sock = udp_attached(k);
	const struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_PEER2,
		.daddr = MIP4_KT_LOCAL,
		.protocol = IPPROTO_ICMP,
		.len = 8 + 20 + 8,
	};
	struct sk_buff *skb = mip4_kt_ip(k, &ip);
	struct icmphdr *icmph = icmp_hdr(skb);
	struct iphdr *iph = (struct iphdr *)(icmph + 1);
	struct rtable *rt;

	*icmph = (struct icmphdr) {
		.type = ICMP_DEST_UNREACH,
		.code = c->mtu ? ICMP_FRAG_NEEDED : ICMP_PORT_UNREACH,
		.un.frag.mtu = htons(c->mtu),
	};
	*iph = (struct iphdr) {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(1500),
		.ttl = 60,
		.protocol = IPPROTO_UDP,
		.saddr = MIP4_KT_LOCAL,
		.daddr = MIP4_KT_PEER,
	};
	*(struct udphdr *)(iph + 1) = (struct udphdr) {
		.source = htons(c->sport),
		.dest = htons(c->dport),
		.len = htons(1480),
	};
	icmph->checksum = ip_compute_csum(icmph, ip.len);
	skb->dev = k->under;
	skb->skb_iif = k->under->ifindex;
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	mip4_kt_own(k, skb);
	local_bh_disable();
	rcu_read_lock();
	mip4_outer_icmp(skb, &init_net);
	rt = mip4_peer_route(peer);
	rcu_read_unlock();
	local_bh_enable();
	KUNIT_ASSERT_FALSE(test, IS_ERR(rt));
	ip_rt_put(rt);
	KUNIT_EXPECT_EQ(test, atomic64_read(&peer->errors), c->errors);
	KUNIT_EXPECT_EQ(test, peer->mtu, c->path);
	sock_release(sock);
}

static struct kunit_case udp_tests[] = {
	KUNIT_CASE(udp_test_golden_out),
	KUNIT_CASE(udp_test_golden_in),
	MIP4_KT_CASES(udp_test_size, size),
	KUNIT_CASE(udp_test_offload),
	MIP4_KT_CASES(udp_test_in, in),
	KUNIT_CASE(udp_test_no_socket),
	KUNIT_CASE(udp_test_other_local),
	KUNIT_CASE(udp_test_refused),
	MIP4_KT_CASES(udp_test_error, error),
	{}
};

static struct kunit_suite udp_suite = {
	.name		= "mip4-udp",
	.init		= mip4_kt_init,
	.exit		= mip4_kt_exit,
	.test_cases	= udp_tests,
};

kunit_test_suite(udp_suite);
