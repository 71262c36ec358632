// SPDX-License-Identifier: GPL-2.0-only
/* Outer headers: build and send. */
#include <net/dst.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/route.h>

#include "binding.h"
#include "device.h"
#include "encap.h"
#include "fragment.h"
#include "ip6.h"
#include "leg.h"
#include "minimal.h"
#include "peer.h"
#include "stats.h"
#include "udp.h"

/* RFC 791: every link carries 68. */
static unsigned int mip4_mtu(const struct rtable *rt, unsigned int overhead)
{
	return max(dst_mtu(&rt->dst), 68 + overhead) - overhead;
}

/*
 * RFC 4213 section 3.2: every link carries 1280 bytes of IPv6, so on a narrower
 * path the outer packet is cut.
 */
static bool mip4_narrow(const struct rtable *rt, unsigned int overhead)
{
	return mip4_mtu(rt, overhead) < IPV6_MIN_MTU;
}

/**
 * mip4_leg_mtu() - the largest inner packet
 * @leg: through which
 * @rt: route of its outer packets
 *
 * Return: bytes.
 */
unsigned int mip4_leg_mtu(const struct mip4_leg *leg, const struct rtable *rt)
{
	return mip4_mtu(rt, mip4_leg_overhead(leg));
}

/**
 * mip4_encap_mtu() - the largest packet of the kind of an inner one
 * @skb: starts at its IPv4 or IPv6 header
 * @leg: through which
 * @rt: route of its outer packets
 *
 * Return: bytes.
 */
unsigned int mip4_encap_mtu(const struct sk_buff *skb,
			    const struct mip4_leg *leg,
			    const struct rtable *rt)
{
	unsigned int overhead = mip4_leg_overhead(leg);

	if (unlikely(leg->key.encap == MIP4_ENCAP_MINIMAL) &&
	    !mip4_minimal_carries(skb))
		overhead = sizeof(struct iphdr);
	if (unlikely(mip4_is_ip6(skb) && mip4_narrow(rt, overhead)))
		return IPV6_MIN_MTU;
	return mip4_mtu(rt, overhead);
}

/**
 * mip4_too_big() - may a packet not pass whole?
 * @skb: starts at its IPv4 or IPv6 header; GSO packets count by segment
 * @mtu: of what lies ahead
 *
 * Return: whether it exceeds @mtu and must not be fragmented.
 */
bool mip4_too_big(const struct sk_buff *skb, unsigned int mtu)
{
	return mip4_exceeds(skb, mtu) &&
	       (mip4_is_ip6(skb) || ip_hdr(skb)->frag_off & htons(IP_DF));
}

static void mip4_encap_one(struct sk_buff *skb, struct mip4_leg *leg,
			   struct rtable *rt)
{
	struct mip4_dev *mip = leg->binding->mip;
	const bool gre = leg->key.encap == MIP4_ENCAP_GRE;
	const bool udp = leg->key.encap == MIP4_ENCAP_UDP;
	bool minimal = leg->key.encap == MIP4_ENCAP_MINIMAL;
	const bool ip6 = mip4_is_ip6(skb);
	unsigned int overhead = mip4_leg_overhead(leg);
	__be16 df, port = 0;
	u8 tos, ttl, proto;

	if (unlikely(minimal && !mip4_minimal_fits(skb, dst_mtu(&rt->dst)))) {
		ip_rt_put(rt);
		rt = mip4_peer_fallback(leg->peer);
		if (IS_ERR(rt)) {
			mip4_drop(mip, leg->binding, skb,
				  mip4_peer_no_route(PTR_ERR(rt)));
			return;
		}
		minimal = false;
		overhead = sizeof(struct iphdr);
	}
	if (udp) {
		port = mip4_udp_port(mip, leg->key.local);
		if (unlikely(!port)) {
			mip4_drop(mip, leg->binding, skb, MIP4_DROP_NO_SOCKET);
			ip_rt_put(rt);
			return;
		}
	}
	if (skb_cow_head(skb, LL_RESERVED_SPACE(rt->dst.dev) +
			      rt->dst.header_len + overhead)) {
		mip4_drop(mip, leg->binding, skb, MIP4_DROP_NO_MEMORY);
		ip_rt_put(rt);
		return;
	}
	if (minimal) {
		mip4_minimal_xmit(skb, leg, rt);
		return;
	}
	tos = READ_ONCE(mip->tos);
	if (tos == 1)
		tos = ip_tunnel_get_dsfield(ip_hdr(skb), skb);
	tos = ip_tunnel_ecn_encap(tos, ip_hdr(skb), skb);
	ttl = READ_ONCE(mip->ttl) ?: ip4_dst_hoplimit(&rt->dst);
	if (unlikely(ip6))
		df = mip4_narrow(rt, overhead) ? 0 : htons(IP_DF);
	else
		df = ip_hdr(skb)->frag_off & htons(IP_DF);

	skb->dev = mip->dev;
	skb_reset_mac_header(skb);
	if (iptunnel_handle_offloads(skb, gre ? SKB_GSO_GRE :
					  udp ? SKB_GSO_UDP_TUNNEL_CSUM :
						SKB_GSO_IPXIP4)) {
		mip4_drop(mip, leg->binding, skb, MIP4_DROP_NO_MEMORY);
		ip_rt_put(rt);
		return;
	}
	if (gre) {
		struct mip4_gre_base *base;

		base = skb_push(skb, overhead - sizeof(struct iphdr));
		base->flags = mip4_leg_keyed(leg) ? MIP4_GRE_KEY : 0;
		base->proto = ip6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
		if (mip4_leg_keyed(leg))
			*(__be32 *)(base + 1) = leg->okey;
		skb_set_inner_protocol(skb, base->proto);
		skb_reset_transport_header(skb);
		proto = IPPROTO_GRE;
	} else if (udp) {
		mip4_udp_push(skb, leg, port);
		proto = IPPROTO_UDP;
	} else {
		proto = ip6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
		skb_set_inner_ipproto(skb, proto);
	}
	mip4_iptunnel_xmit(rt, skb, leg->key.local, leg->key.peer, proto, tos,
			   ttl, df, !net_eq(mip->net, dev_net(mip->dev)));
}

/*
 * In pieces, where what is around them may not be cut: a NAT may not know whose
 * later fragments are, RFC 3519 section 4.8.
 */
static void mip4_encap_pieces(struct sk_buff *skb, struct mip4_leg *leg,
			      struct rtable *rt)
{
	struct mip4_dev *mip = leg->binding->mip;
	struct sk_buff_head pieces;
	unsigned int mtu;
	int err;

	if (likely(leg->key.encap != MIP4_ENCAP_UDP)) {
		mip4_encap_one(skb, leg, rt);
		return;
	}
	mtu = mip4_leg_mtu(leg, rt);
	if (likely(skb->len <= mtu || skb_is_gso(skb) || mip4_is_ip6(skb))) {
		mip4_encap_one(skb, leg, rt);
		return;
	}
	__skb_queue_head_init(&pieces);
	err = mip4_fragment(skb, rt->dst.dev, mtu, &pieces);
	if (err)
		mip4_count_drop(mip, leg->binding, mip4_fragment_failed(err));
	while ((skb = __skb_dequeue(&pieces))) {
		dst_hold(&rt->dst);
		mip4_encap_one(skb, leg, rt);
	}
	ip_rt_put(rt);
}

/* What the hardware made of several frames and no tunnel can carry as one. */
static void mip4_encap_segments(struct sk_buff *skb, struct mip4_leg *leg,
				struct rtable *rt, netdev_features_t features)
{
	struct mip4_dev *mip = leg->binding->mip;
	struct sk_buff *segs, *next;

	skb->dev = mip->dev;
	skb_reset_mac_header(skb);
	skb_reset_mac_len(skb);
	segs = skb_gso_segment(skb, features & ~NETIF_F_GSO_MASK);
	if (IS_ERR_OR_NULL(segs)) {
		mip4_drop(mip, leg->binding, skb,
			  PTR_ERR(segs) == -ENOMEM ? MIP4_DROP_NO_MEMORY :
						     MIP4_DROP_BAD_INNER);
		ip_rt_put(rt);
		return;
	}
	consume_skb(skb);
	skb_list_walk_safe(segs, skb, next) {
		skb_mark_not_on_list(skb);
		dst_hold(&rt->dst);
		mip4_encap_pieces(skb, leg, rt);
	}
	ip_rt_put(rt);
}

/**
 * mip4_encap() - send an inner packet through a leg
 * @skb: starts at its IPv4 or IPv6 header, consumed
 * @leg: where to
 * @rt: route of outer packets, its reference is consumed
 *
 * Context: bottom halves off, RCU.
 */
void mip4_encap(struct sk_buff *skb, struct mip4_leg *leg, struct rtable *rt)
{
	struct mip4_dev *mip = leg->binding->mip;
	netdev_features_t features = mip->dev->features;

	if (unlikely(rt->dst.dev == mip->dev ||
		     dev_recursion_level() > MIP4_ENCAP_DEPTH)) {
		mip4_drop(mip, leg->binding, skb, MIP4_DROP_LOOP);
		ip_rt_put(rt);
		return;
	}
	if (skb->encapsulation)
		features &= mip->dev->hw_enc_features;
	/* nobody behind us knows how to segment or check these */
	if (leg->key.encap == MIP4_ENCAP_MINIMAL)
		features &= ~(NETIF_F_GSO_MASK | NETIF_F_CSUM_MASK);
	/* nor to cut a segment before it is wrapped */
	if (leg->key.encap == MIP4_ENCAP_UDP && skb_is_gso(skb) &&
	    !skb_gso_validate_network_len(skb, mip4_leg_mtu(leg, rt)))
		features &= ~NETIF_F_GSO_MASK;
	/* the egress device looks after untrusted headers */
	if (unlikely(skb_is_gso(skb) &&
		     !skb_gso_ok(skb, features | NETIF_F_GSO_ROBUST)))
		mip4_encap_segments(skb, leg, rt, features);
	else
		mip4_encap_pieces(skb, leg, rt);
}
