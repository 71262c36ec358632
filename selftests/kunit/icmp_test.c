// SPDX-License-Identifier: GPL-2.0-only
/* ICMP of our own to devices, and ICMP about our outer packets. */
#include <linux/icmp.h>
#include <net/ip.h>
#include <net/route.h>

#include "../../kernel/icmp.h"
#include "../../kernel/outer_icmp.h"
#include "kunit.h"

static const struct mip4_kt_ip from_device = {
	.saddr = MIP4_KT_HOME(5),
	.daddr = MIP4_KT_FAR,
	.len = 64,
	.protocol = IPPROTO_UDP,
};

static struct mip4_binding *icmp_binding(struct mip4_kt *k)
{
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);

	return mip4_kt_add(k, &cfg);
}

static struct sk_buff *icmp_build(struct mip4_kt *k, struct mip4_bucket *limit,
				  const struct sk_buff *about)
{
	struct sk_buff *error;

	error = mip4_icmp_build(k->mip, limit, about, MIP4_KT_GATEWAY,
				ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
				htonl(1400));
	if (error)
		mip4_kt_own(k, error);
	return error;
}

struct quote_case {
	const char *desc;
	u16 len;		/* of the packet that caused it */
	u16 quoted;
};

/* RFC 1812 section 4.3.2.3: as much as fits into 576 bytes. */
static const struct quote_case quote_cases[] = {
	{ "header only", 20, 20 },
	{ "8 bytes more", 28, 28 },
	{ "one less than fits", 547, 547 },
	{ "what fits", 548, 548 },
	{ "one more than fits", 549, 548 },
	{ "full size", 1500, 548 },
};

MIP4_KT_PARAMS(quote, quote_cases)

static void icmp_test_bytes(struct kunit *test)
{
	const struct quote_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_kt_ip ip = from_device;
	struct sk_buff *about, *error;
	const struct icmphdr *icmph;
	const struct iphdr *iph;

	ip.len = c->len - sizeof(*iph);
	about = mip4_kt_ip(k, &ip);
	mip4_kt_own(k, about);
	error = icmp_build(k, &k->mip->icmp, about);
	KUNIT_ASSERT_NOT_NULL(test, error);
	KUNIT_ASSERT_EQ(test, error->len, 20 + 8 + c->quoted);
	iph = (const struct iphdr *)error->data;
	icmph = (const struct icmphdr *)(iph + 1);
	KUNIT_EXPECT_EQ(test, error->data[0], 0x45);
	/* RFC 1812 section 4.3.2.5: internetwork control */
	KUNIT_EXPECT_EQ(test, iph->tos, 0xc0);
	KUNIT_EXPECT_EQ(test, ntohs(iph->tot_len), error->len);
	KUNIT_EXPECT_EQ(test, ntohs(iph->frag_off), IP_DF);
	KUNIT_EXPECT_EQ(test, iph->ttl, 64);
	KUNIT_EXPECT_EQ(test, iph->protocol, IPPROTO_ICMP);
	KUNIT_EXPECT_EQ(test, iph->saddr, MIP4_KT_GATEWAY);
	KUNIT_EXPECT_EQ(test, iph->daddr, MIP4_KT_HOME(5));
	KUNIT_EXPECT_EQ(test, ip_fast_csum(iph, 5), 0);
	KUNIT_EXPECT_EQ(test, icmph->type, ICMP_DEST_UNREACH);
	KUNIT_EXPECT_EQ(test, icmph->code, ICMP_FRAG_NEEDED);
	KUNIT_EXPECT_EQ(test, ntohs(icmph->un.frag.mtu), 1400);
	KUNIT_EXPECT_EQ(test, icmph->un.frag.__unused, 0);
	KUNIT_EXPECT_EQ(test, ip_compute_csum(icmph, error->len - 20), 0);
	KUNIT_EXPECT_MEMEQ(test, error->data + 28, about->data, c->quoted);
}

struct about_case {
	const char *desc;
	__be32 saddr;		/* 0: the device's */
	__be32 daddr;		/* 0: far away */
	__be16 frag_off;
	int icmp;		/* type inside, -1: UDP */
	u8 cut;			/* leave so many bytes behind the header */
	bool zero;		/* saddr is 0 indeed */
	bool allowed;
};

/* RFC 1122 section 3.2.2 */
static const struct about_case about_cases[] = {
	{ "UDP", .icmp = -1, .allowed = true },
	{ "first fragment", .frag_off = htons(IP_MF), .icmp = -1, .allowed = true },
	{ "second fragment", .frag_off = htons(1), .icmp = -1 },
	{ "last possible fragment", .frag_off = htons(IP_OFFSET), .icmp = -1 },
	{ "DF", .frag_off = htons(IP_DF), .icmp = -1, .allowed = true },
	{ "from 0.0.0.0", .zero = true, .icmp = -1 },
	{ "from loopback", MIP4_KT_IP(127, 0, 0, 1), .icmp = -1 },
	{ "from multicast", MIP4_KT_IP(224, 0, 0, 5), .icmp = -1 },
	{ "from broadcast", htonl(INADDR_BROADCAST), .icmp = -1 },
	{ "to multicast", .daddr = MIP4_KT_IP(239, 1, 1, 1), .icmp = -1 },
	{ "to broadcast", .daddr = htonl(INADDR_BROADCAST), .icmp = -1 },
	{ "echo request", .icmp = ICMP_ECHO, .allowed = true },
	{ "echo reply", .icmp = ICMP_ECHOREPLY, .allowed = true },
	{ "timestamp", .icmp = ICMP_TIMESTAMP, .allowed = true },
	{ "unreachable", .icmp = ICMP_DEST_UNREACH },
	{ "source quench", .icmp = ICMP_SOURCE_QUENCH },
	{ "redirect", .icmp = ICMP_REDIRECT },
	{ "time exceeded", .icmp = ICMP_TIME_EXCEEDED },
	{ "parameter problem", .icmp = ICMP_PARAMETERPROB },
	{ "ICMP of no bytes", .icmp = ICMP_ECHO, .cut = 1 },
};

MIP4_KT_PARAMS(about, about_cases)

static void icmp_test_about(struct kunit *test)
{
	const struct about_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_kt_ip ip = from_device;
	const u32 tokens = k->mip->icmp.tokens;
	struct sk_buff *about;

	if (c->saddr || c->zero)
		ip.saddr = c->saddr;
	if (c->daddr)
		ip.daddr = c->daddr;
	ip.frag_off = c->frag_off;
	if (c->icmp >= 0)
		ip.protocol = IPPROTO_ICMP;
	about = mip4_kt_ip(k, &ip);
	mip4_kt_own(k, about);
	if (c->icmp >= 0)
		about->data[sizeof(struct iphdr)] = c->icmp;
	if (c->cut)
		skb_trim(about, sizeof(struct iphdr));
	KUNIT_EXPECT_EQ(test, !!icmp_build(k, &k->mip->icmp, about), c->allowed);
	/* what is never sent costs nothing */
	if (!c->allowed)
		KUNIT_EXPECT_EQ(test, k->mip->icmp.tokens, tokens);
}

static void icmp_test_limit(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct sk_buff *about = mip4_kt_ip(k, &from_device);
	struct mip4_bucket bucket;

	mip4_kt_own(k, about);
	mip4_bucket_init(&bucket, 2, 0);
	KUNIT_EXPECT_NOT_NULL(test, icmp_build(k, &bucket, about));
	KUNIT_EXPECT_NOT_NULL(test, icmp_build(k, &bucket, about));
	KUNIT_EXPECT_NULL(test, icmp_build(k, &bucket, about));
}

static const struct icmphdr *icmp_answer(struct mip4_kt *k,
					 const struct iphdr **iph)
{
	struct sk_buff *out = mip4_kt_sent(k, k->port[0]);
	u8 mac[ETH_ALEN];

	mip4_kt_mac(mac, 5);
	KUNIT_ASSERT_NOT_NULL(k->test, out);
	KUNIT_ASSERT_GE(k->test, out->len, ETH_HLEN + 28);
	KUNIT_EXPECT_MEMEQ(k->test, eth_hdr(out)->h_dest, mac, ETH_ALEN);
	*iph = (const struct iphdr *)(out->data + ETH_HLEN);
	KUNIT_EXPECT_EQ(k->test, ip_fast_csum(*iph, 5), 0);
	KUNIT_EXPECT_EQ(k->test, (*iph)->protocol, IPPROTO_ICMP);
	KUNIT_EXPECT_EQ(k->test, (*iph)->daddr, MIP4_KT_HOME(5));
	KUNIT_EXPECT_EQ(k->test,
			ip_compute_csum(*iph + 1, ntohs((*iph)->tot_len) - 20), 0);
	return (const struct icmphdr *)(*iph + 1);
}

struct ttl_case {
	const char *desc;
	u8 ttl;
	__be32 daddr;
	u8 home_plen;
	bool no_gateway;
	u8 inner;		/* TTL in the tunnel, 0: time exceeded */
};

/* RFC 2003 section 3.1: the tunnel is one hop, unless none is to be seen */
static const struct ttl_case ttl_cases[] = {
	{ "1", 1, MIP4_KT_FAR, 32 },
	{ "1, no gateway known", 1, MIP4_KT_FAR, 32, true },
	{ "2", 2, MIP4_KT_FAR, 32, .inner = 1 },
	{ "255", 255, MIP4_KT_FAR, 32, .inner = 254 },
	{ "1 to a neighbour", 1, MIP4_KT_HOME(6), 24, .inner = 1 },
	{ "2 to a neighbour", 2, MIP4_KT_HOME(6), 24, .inner = 2 },
	{ "1 beyond the home link", 1, MIP4_KT_FAR, 24 },
};

MIP4_KT_PARAMS(ttl, ttl_cases)

static void icmp_test_ttl(struct kunit *test)
{
	const struct ttl_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_kt_ip ip = from_device;
	const struct icmphdr *icmph;
	const struct iphdr *iph;
	struct sk_buff *out;

	cfg.home_plen = c->home_plen;
	if (c->no_gateway)
		cfg.gateway = 0;
	mip4_kt_add(k, &cfg);
	ip.ttl = c->ttl;
	ip.daddr = c->daddr;
	mip4_kt_frame(k, 0, mip4_kt_ip(k, &ip), 5, ETH_P_IP);
	if (c->inner) {
		out = mip4_kt_sent(k, k->under);
		KUNIT_ASSERT_NOT_NULL(test, out);
		iph = (const struct iphdr *)(out->data + 28);
		KUNIT_EXPECT_EQ(test, iph->ttl, c->inner);
		KUNIT_EXPECT_EQ(test, ip_fast_csum(iph, 5), 0);
		KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 0);
		return;
	}
	icmph = icmp_answer(k, &iph);
	KUNIT_EXPECT_EQ(test, icmph->type, ICMP_TIME_EXCEEDED);
	KUNIT_EXPECT_EQ(test, icmph->code, ICMP_EXC_TTL);
	KUNIT_EXPECT_EQ(test, iph->saddr,
			c->no_gateway ? MIP4_KT_LOCAL : MIP4_KT_GATEWAY);
	KUNIT_EXPECT_EQ(test, mip4_kt_drops(k, MIP4_DROP_TTL), 1);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 0);
}

struct echo_case {
	const char *desc;
	__be32 daddr;
	u8 ttl;
	u8 type;
	u8 code;
	__be16 frag_off;
	u8 len;			/* 0: 64 */
	bool no_gateway;
	bool answered;
};

/* RFC 5563 section 6 */
static const struct echo_case echo_cases[] = {
	{ "to the gateway", MIP4_KT_GATEWAY, 1, ICMP_ECHO, .answered = true },
	{ "DF", MIP4_KT_GATEWAY, 1, ICMP_ECHO, .frag_off = htons(IP_DF),
	  .answered = true },
	{ "no data", MIP4_KT_GATEWAY, 1, ICMP_ECHO, .len = 8, .answered = true },
	{ "header cut", MIP4_KT_GATEWAY, 1, ICMP_ECHO, .len = 7 },
	{ "TTL 2", MIP4_KT_GATEWAY, 2, ICMP_ECHO },
	{ "to a neighbour", MIP4_KT_HOME(6), 1, ICMP_ECHO },
	{ "no gateway known", MIP4_KT_GATEWAY, 1, ICMP_ECHO, .no_gateway = true },
	{ "echo reply", MIP4_KT_GATEWAY, 1, ICMP_ECHOREPLY },
	{ "timestamp", MIP4_KT_GATEWAY, 1, ICMP_TIMESTAMP },
	{ "code 1", MIP4_KT_GATEWAY, 1, ICMP_ECHO, 1 },
	{ "first fragment", MIP4_KT_GATEWAY, 1, ICMP_ECHO, 0, htons(IP_MF) },
	{ "last fragment", MIP4_KT_GATEWAY, 1, ICMP_ECHO, 0, htons(8) },
};

MIP4_KT_PARAMS(echo, echo_cases)

static void icmp_test_echo(struct kunit *test)
{
	const struct echo_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_kt_ip ip = from_device;
	const struct icmphdr *icmph;
	const struct iphdr *iph;
	struct sk_buff *skb;
	struct icmphdr *req;

	/* on its home link, so that TTL 1 goes on where it isn't answered */
	cfg.home_plen = 24;
	if (c->no_gateway)
		cfg.gateway = 0;
	mip4_kt_add(k, &cfg);
	ip.daddr = c->daddr;
	ip.protocol = IPPROTO_ICMP;
	ip.ttl = c->ttl;
	ip.frag_off = c->frag_off;
	ip.len = c->len ?: 64;
	skb = mip4_kt_ip(k, &ip);
	req = (struct icmphdr *)(skb->data + 20);
	req->type = c->type;
	req->code = c->code;
	req->checksum = 0;
	req->checksum = ip_compute_csum(req, ip.len);
	mip4_kt_frame(k, 0, skb, 5, ETH_P_IP);
	if (!c->answered) {
		KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 0);
		KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 1);
		return;
	}
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->under), 0);
	icmph = icmp_answer(k, &iph);
	KUNIT_EXPECT_EQ(test, icmph->type, ICMP_ECHOREPLY);
	KUNIT_EXPECT_EQ(test, icmph->code, 0);
	KUNIT_EXPECT_EQ(test, iph->saddr, MIP4_KT_GATEWAY);
	KUNIT_EXPECT_EQ(test, iph->ttl, 64);
	KUNIT_EXPECT_EQ(test, ntohs(iph->tot_len), 20 + ip.len);
	KUNIT_EXPECT_EQ(test, ntohs(icmph->un.echo.id), 0x0405);
	KUNIT_EXPECT_EQ(test, ntohs(icmph->un.echo.sequence), 0x0607);
}

/* From here on: about our outer packets. */
struct outer_case {
	const char *desc;
	u8 type;
	u8 code;
	u16 mtu;
	u8 protocol;		/* of the outer packet; 0: GRE */
	__be32 saddr;		/* likewise; 0: ours */
	__be32 daddr;		/* 0: the peer's */
	__be16 frag_off;
	u8 first;		/* 0: 0x45 */
	u16 gre;		/* flags and version; 0: with a key */
	bool keyless;
	u8 cut;			/* bytes missing of the quoted header */
	u8 short_by;		/* bytes missing of what is behind it */
	bool bad_csum;
	bool tunnelled;		/* it came out of a tunnel */
	bool counted;
	u8 unreachable;		/* what the peer is held for then */
	u16 path;		/* MTU that is believed then */
};

static const struct outer_case outer_cases[] = {
	{ "frag needed 1400", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400,
	  .counted = true, .path = 1400 },
	{ "frag needed 1499", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1499,
	  .counted = true, .path = 1499 },
	{ "frag needed 1501 isn't less", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
	  1501, .counted = true, .path = 1500 },
	{ "host unreachable", ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 1400,
	  .counted = true, .unreachable = MIP4_UNREACHABLE_HOST, .path = 1500 },
	{ "net unreachable", ICMP_DEST_UNREACH, ICMP_NET_UNREACH, 1400,
	  .counted = true, .unreachable = MIP4_UNREACHABLE_NET, .path = 1500 },
	{ "protocol unreachable", ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 1400,
	  .counted = true, .unreachable = MIP4_UNREACHABLE_PROTOCOL,
	  .path = 1500 },
	{ "port unreachable", ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 1400,
	  .counted = true, .path = 1500 },
	{ "source route failed", ICMP_DEST_UNREACH, ICMP_SR_FAILED, 1400,
	  .counted = true, .path = 1500 },
	{ "a code of the future", ICMP_DEST_UNREACH, 255, 1400,
	  .counted = true, .unreachable = MIP4_UNREACHABLE_HOST, .path = 1500 },
	{ "time exceeded", ICMP_TIME_EXCEEDED, 0, 1400, .counted = true,
	  .unreachable = MIP4_UNREACHABLE_TTL, .path = 1500 },
	{ "reassembly time exceeded", ICMP_TIME_EXCEEDED, ICMP_EXC_FRAGTIME,
	  1400, .counted = true, .path = 1500 },
	{ "GRE without key", ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 1400,
	  .keyless = true, .counted = true, .unreachable = MIP4_UNREACHABLE_HOST,
	  .path = 1500 },
	{ "GRE with checksum", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400,
	  .gre = 0xa000, .path = 1500 },
	{ "GRE of another version", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400,
	  .gre = 0x2001, .path = 1500 },
	{ "GRE cut", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400, .short_by = 1,
	  .path = 1500 },
	{ "code 4 of another type", ICMP_TIME_EXCEEDED, ICMP_FRAG_NEEDED, 1400,
	  .counted = true, .path = 1500 },
	{ "source quench", ICMP_SOURCE_QUENCH, 0, 1400, .path = 1500 },
	{ "redirect", ICMP_REDIRECT, 0, 1400, .path = 1500 },
	{ "minimal is another peer", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400,
	  55, .path = 1500 },
	{ "IPIP is another peer", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400,
	  IPPROTO_IPIP, .path = 1500 },
	{ "UDP", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400, IPPROTO_UDP,
	  .path = 1500 },
	{ "from another", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400,
	  .saddr = MIP4_KT_PEER2, .path = 1500 },
	{ "to another", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400,
	  .daddr = MIP4_KT_PEER2, .path = 1500 },
	{ "first fragment", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400,
	  .frag_off = htons(IP_MF), .counted = true, .path = 1400 },
	{ "second fragment", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400,
	  .frag_off = htons(1), .path = 1500 },
	{ "version 6", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400, .first = 0x65,
	  .path = 1500 },
	{ "cut", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400, .cut = 1,
	  .path = 1500 },
	{ "bad checksum", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400,
	  .bad_csum = true, .path = 1500 },
	{ "from a device", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1400,
	  .tunnelled = true, .path = 1500 },
};

MIP4_KT_PARAMS(outer, outer_cases)

static struct sk_buff *outer_error(struct mip4_kt *k,
				   const struct outer_case *c)
{
	const struct mip4_kt_ip ip = {
		.saddr = MIP4_KT_PEER2,
		.daddr = MIP4_KT_LOCAL,
		.protocol = IPPROTO_ICMP,
		.len = 8 + 20 + 8,
	};
	struct sk_buff *skb = mip4_kt_ip(k, &ip);
	struct icmphdr *icmph = icmp_hdr(skb);
	struct iphdr *iph = (struct iphdr *)(icmph + 1);
	const int len = c->cut ? 8 + 20 - c->cut : ip.len - c->short_by;
	__be16 *gre = (__be16 *)(iph + 1);

	*iph = (struct iphdr) {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(1500),
		.frag_off = c->frag_off,
		.ttl = 60,
		.protocol = c->protocol ?: IPPROTO_GRE,
		.saddr = c->saddr ?: MIP4_KT_LOCAL,
		.daddr = c->daddr ?: MIP4_KT_PEER,
	};
	if (c->first)
		*(u8 *)iph = c->first;
	gre[0] = htons(c->gre ?: c->keyless ? 0 : 0x2000);
	gre[1] = htons(ETH_P_IP);
	*icmph = (struct icmphdr) {
		.type = c->type,
		.code = c->code,
		.un.frag.mtu = htons(c->mtu),
	};
	skb_trim(skb, 20 + len);
	ip_hdr(skb)->tot_len = htons(skb->len);
	ip_send_check(ip_hdr(skb));
	icmph->checksum = ip_compute_csum(icmph, len);
	if (c->bad_csum)
		icmph->checksum = ~icmph->checksum;
	skb->dev = c->tunnelled ? k->mip->dev : k->under;
	skb->skb_iif = skb->dev->ifindex;
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	return skb;
}

static u32 outer_path(struct mip4_kt *k, struct mip4_peer *peer)
{
	struct rtable *rt;

	local_bh_disable();
	rcu_read_lock();
	rt = mip4_peer_route(peer);
	rcu_read_unlock();
	local_bh_enable();
	KUNIT_ASSERT_FALSE(k->test, IS_ERR(rt));
	ip_rt_put(rt);
	return peer->mtu;
}

static void icmp_test_outer(struct kunit *test)
{
	const struct outer_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_peer *peer = icmp_binding(k)->first.peer;
	struct sk_buff *skb = outer_error(k, c), *want;
	unsigned long at;

	want = skb_copy(skb, GFP_KERNEL);
	mip4_kt_own(k, skb);
	mip4_kt_own(k, want);
	KUNIT_EXPECT_EQ(test, outer_path(k, peer), 1500);
	local_bh_disable();
	rcu_read_lock();
	mip4_outer_icmp(skb, &init_net);
	rcu_read_unlock();
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, atomic64_read(&peer->errors), c->counted);
	KUNIT_EXPECT_EQ(test, mip4_peer_unreachable(peer, &at), c->unreachable);
	KUNIT_EXPECT_EQ(test, outer_path(k, peer), c->path);
	/* others want it too */
	KUNIT_ASSERT_EQ(test, skb->len, want->len);
	KUNIT_EXPECT_MEMEQ(test, skb->data, want->data, want->len);
}

struct tell_case {
	const char *desc;
	u8 unreachable;
	int code;
	int on_link;
};

/* RFC 2003 section 4 */
static const struct tell_case tell_cases[] = {
	{ "reachable", MIP4_UNREACHABLE_NO, -1, -1 },
	{ "net", MIP4_UNREACHABLE_NET, ICMP_NET_UNREACH, ICMP_HOST_UNREACH },
	{ "host", MIP4_UNREACHABLE_HOST, ICMP_HOST_UNREACH, ICMP_HOST_UNREACH },
	{ "protocol", MIP4_UNREACHABLE_PROTOCOL, ICMP_NET_UNREACH,
	  ICMP_HOST_UNREACH },
	{ "TTL", MIP4_UNREACHABLE_TTL, ICMP_HOST_UNREACH, ICMP_HOST_UNREACH },
};

MIP4_KT_PARAMS(tell, tell_cases)

static void icmp_test_tell(struct kunit *test)
{
	const struct tell_case *c = test->param_value;
	struct mip4_peer *peer = icmp_binding(mip4_kt(test))->first.peer;

	peer->unreachable = c->unreachable;
	peer->unreachable_at = jiffies | 1;
	KUNIT_EXPECT_EQ(test, mip4_peer_tell(peer, false), c->code);
	KUNIT_EXPECT_EQ(test, mip4_peer_tell(peer, true), c->on_link);
	mip4_bucket_init(&peer->icmp, 0, 0);
	KUNIT_EXPECT_EQ(test, mip4_peer_tell(peer, false), -1);
	mip4_bucket_init(&peer->icmp, 9, 9);
	/* soft state goes by itself */
	peer->unreachable_at = (jiffies - MIP4_PEER_SOFT - 4) | 1;
	KUNIT_EXPECT_EQ(test, mip4_peer_tell(peer, false), -1);
	KUNIT_EXPECT_EQ(test, peer->unreachable_at, 0);
	peer->unreachable_at = jiffies | 1;
	mip4_peer_heard(peer);
	KUNIT_EXPECT_EQ(test, mip4_peer_tell(peer, false), -1);
}

struct relay_case {
	const char *desc;
	u8 okey;		/* MIP4_KT_OKEY() */
	u8 port;		/* whose device is told */
	bool told;
};

/* Devices 5 in realm 0 and 6 in realm 7 have the same address. */
static const struct relay_case relay_cases[] = {
	{ "of the first", .okey = 5, .port = 0, .told = true },
	{ "of the second", .okey = 6, .port = 1, .told = true },
	{ "of nobody", .okey = 7 },
};

MIP4_KT_PARAMS(relay, relay_cases)

static struct sk_buff *relay_error(struct mip4_kt *k, u8 device, u8 okey)
{
	const struct outer_case c = {
		.type = ICMP_DEST_UNREACH,
		.code = ICMP_HOST_UNREACH,
	};
	const struct mip4_kt_ip from = {
		.saddr = MIP4_KT_HOME(device),
		.daddr = MIP4_KT_FAR,
		.len = 64,
		.protocol = IPPROTO_UDP,
	};
	struct sk_buff *skb = outer_error(k, &c), *error;
	struct sk_buff *inner = mip4_kt_ip(k, &from);
	struct icmphdr *icmph;

	mip4_kt_own(k, skb);
	mip4_kt_own(k, inner);
	error = skb_copy_expand(skb, 64, inner->len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(k->test, error);
	mip4_kt_own(k, error);
	*(__be32 *)(error->data + 20 + 8 + 20 + 4) = MIP4_KT_OKEY(okey);
	skb_put_data(error, inner->data, inner->len);
	ip_hdr(error)->tot_len = htons(error->len);
	ip_send_check(ip_hdr(error));
	icmph = (struct icmphdr *)(error->data + 20);
	icmph->checksum = 0;
	icmph->checksum = ip_compute_csum(icmph, error->len - 20);
	return error;
}

static void relay(struct mip4_kt *k, u8 device, u8 okey)
{
	struct sk_buff *skb = relay_error(k, device, okey);

	local_bh_disable();
	rcu_read_lock();
	mip4_outer_icmp(skb, &init_net);
	rcu_read_unlock();
	local_bh_enable();
}

static void icmp_test_relay(struct kunit *test)
{
	const struct relay_case *c = test->param_value;
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_peer *peer = mip4_kt_add(k, &cfg)->first.peer;
	struct mip4_binding_config other = mip4_kt_served(k, 6);

	other.home = cfg.home;
	other.realm = 7;
	other.port = k->port[1]->ifindex;
	mip4_kt_add(k, &other);
	relay(k, 5, c->okey);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[c->port]), c->told);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[!c->port]), 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&peer->errors), c->told);
}

/* One address and one key in two realms: it may be about either. */
static void icmp_test_relay_unsure(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding_config cfg = mip4_kt_served(k, 5);
	struct mip4_peer *peer = mip4_kt_add(k, &cfg)->first.peer;
	unsigned long at;

	cfg.realm = 7;
	cfg.port = k->port[1]->ifindex;
	cfg.leg.ikey = MIP4_KT_IKEY(6);
	mip4_kt_add(k, &cfg);
	relay(k, 5, 5);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 0);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[1]), 0);
	KUNIT_EXPECT_EQ(test, mip4_peer_unreachable(peer, &at),
			MIP4_UNREACHABLE_HOST);
}

/* More realms than there are slots: it is the peer's, but nobody is told. */
static void icmp_test_relay_realmless(struct kunit *test)
{
	struct mip4_kt *k = mip4_kt(test);
	struct mip4_binding *first = NULL, *realmless, *b;
	struct mip4_binding_config cfg;
	struct mip4_peer *peer;
	unsigned long at;
	u32 i;

	for (i = 0; i < MIP4_REALMS; i++) {
		cfg = mip4_kt_served(k, 20 + i);
		cfg.realm = 100 + i;
		b = mip4_kt_add(k, &cfg);
		first = first ?: b;
	}
	cfg = mip4_kt_served(k, 6);
	cfg.realm = 7;
	realmless = mip4_kt_add(k, &cfg);
	peer = realmless->first.peer;
	relay(k, 6, 6);
	KUNIT_EXPECT_EQ(test, atomic64_read(&peer->errors), 1);
	KUNIT_EXPECT_EQ(test, mip4_peer_unreachable(peer, &at),
			MIP4_UNREACHABLE_HOST);
	KUNIT_EXPECT_FALSE(test, time_after(at, jiffies));
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 0);
	/* a slot comes free: the next one of its realm has it, and keeps it */
	mip4_kt_del(k, first);
	cfg = mip4_kt_served(k, 5);
	cfg.realm = 7;
	mip4_kt_add(k, &cfg);
	mip4_kt_del(k, realmless);
	relay(k, 5, 5);
	KUNIT_EXPECT_EQ(test, atomic64_read(&peer->errors), 2);
	KUNIT_EXPECT_EQ(test, mip4_kt_count(k->port[0]), 1);
	/* all that are left have one: it is about nobody of ours */
	relay(k, 6, 6);
	KUNIT_EXPECT_EQ(test, atomic64_read(&peer->errors), 2);
}

static struct kunit_case icmp_tests[] = {
	MIP4_KT_CASES(icmp_test_bytes, quote),
	MIP4_KT_CASES(icmp_test_about, about),
	KUNIT_CASE(icmp_test_limit),
	MIP4_KT_CASES(icmp_test_ttl, ttl),
	MIP4_KT_CASES(icmp_test_echo, echo),
	MIP4_KT_CASES(icmp_test_outer, outer),
	MIP4_KT_CASES(icmp_test_tell, tell),
	MIP4_KT_CASES(icmp_test_relay, relay),
	KUNIT_CASE(icmp_test_relay_unsure),
	KUNIT_CASE(icmp_test_relay_realmless),
	{}
};

static struct kunit_suite icmp_suite = {
	.name		= "mip4-icmp",
	.init		= mip4_kt_init,
	.exit		= mip4_kt_exit,
	.test_cases	= icmp_tests,
};

kunit_test_suite(icmp_suite);
