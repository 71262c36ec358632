// SPDX-License-Identifier: GPL-2.0-only
/*
 * ICMP about our outer packets, RFC 2003 section 4: what it says of a peer is
 * kept there and told to who sends next. Where it quotes enough of the inner
 * packet, the sender of that is told at once.
 *
 * Anybody can write such a packet. It is believed when the quoted addresses
 * are those of a peer and, if it quotes the inner header, when a leg sends
 * such packets with such a key. A peer is held for unreachable no longer than
 * MIP4_PEER_SOFT or until it is heard, and packets go there meanwhile.
 */
#include <linux/icmp.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/route.h>

#include "binding.h"
#include "device.h"
#include "encap.h"
#include "event.h"
#include "icmp.h"
#include "legs.h"
#include "minimal.h"
#include "net.h"
#include "outer_icmp.h"
#include "peer.h"
#include "udp.h"

/* RFC 791: no path is narrower, whatever a router claims. */
#define MIP4_MTU_MIN 68U
/* RFC 792: what a router quotes at least behind the header. */
#define MIP4_QUOTE_MIN 8U
/* RFC 1812 section 4.3.2.3: what we quote at most. */
#define MIP4_QUOTE_MAX (576U - sizeof(struct iphdr) - sizeof(struct icmphdr))

/* What an error says, and quotes of a packet of ours. */
struct mip4_quote {
	u8 type;
	u8 code;
	u32 mtu;			/* that the path has, 0: it says something else */
	enum mip4_unreachable unreachable;
	unsigned int outer;		/* offset of the outer header */
	unsigned int inner;		/* of what the tunnel carries */
	unsigned int hlen;		/* of the minimal header, else 0 */
	u8 protocol;			/* of the outer header */
	bool whole;			/* the inner header is there */
	bool keyed;
	__be32 okey;
	__be16 sport;			/* of UDP, else 0 */
	struct iphdr iph;		/* inner header, if .whole */
};

/*
 * Did it come out of a tunnel of ours? A device has no say about the path
 * between its routers.
 */
static bool mip4_outer_icmp_inner(const struct sk_buff *skb)
{
	const struct net_device *in = skb->dev;

	/* in a VRF that is the VRF */
	if (inet_sdif(skb))
		in = dev_get_by_index_rcu(dev_net(in), inet_sdif(skb));
	return in && mip4_dev_is(in);
}

/* What the error means for all that goes to the peer. */
static enum mip4_unreachable mip4_quote_unreachable(const struct mip4_quote *q)
{
	if (q->type == ICMP_TIME_EXCEEDED)
		/* TTL of minimal encapsulation is the device's choice */
		return q->code == ICMP_EXC_TTL &&
		       q->protocol != MIP4_IPPROTO_MINIMAL ?
		       MIP4_UNREACHABLE_TTL : MIP4_UNREACHABLE_NO;
	switch (q->code) {
	case ICMP_NET_UNREACH:
	case ICMP_NET_UNKNOWN:
	case ICMP_NET_ANO:
	case ICMP_NET_UNR_TOS:
		return MIP4_UNREACHABLE_NET;
	case ICMP_PROT_UNREACH:
		return MIP4_UNREACHABLE_PROTOCOL;
	case ICMP_FRAG_NEEDED:
	/* sections 4.1 and 4.2: nothing that a sender could mean */
	case ICMP_PORT_UNREACH:
	case ICMP_SR_FAILED:
		return MIP4_UNREACHABLE_NO;
	default:
		return MIP4_UNREACHABLE_HOST;
	}
}

/* The inner header behind @q->inner, if all of it and 8 bytes are quoted. */
static void mip4_quote_inner(const struct sk_buff *skb, struct mip4_quote *q)
{
	const struct iphdr *iph;
	struct iphdr buf;

	iph = skb_header_pointer(skb, q->inner, sizeof(buf), &buf);
	if (!iph || skb->len < q->inner + sizeof(buf) + MIP4_QUOTE_MIN)
		return;
	q->iph = *iph;
	q->whole = true;
}

/* Is it a GRE header of the kind that we send? */
static bool mip4_quote_gre(const struct sk_buff *skb, struct mip4_quote *q)
{
	struct {
		struct mip4_gre_base base;
		__be32 key;
	} buf;
	const typeof(buf) *gre;

	gre = skb_header_pointer(skb, q->inner, sizeof(buf), &buf);
	if (!gre || gre->base.flags & ~MIP4_GRE_KEY ||
	    (gre->base.proto != htons(ETH_P_IP) &&
	     gre->base.proto != htons(ETH_P_IPV6)))
		return false;
	q->keyed = gre->base.flags;
	q->okey = q->keyed ? gre->key : 0;
	q->inner += sizeof(gre->base) + (q->keyed ? sizeof(gre->key) : 0);
	if (gre->base.proto == htons(ETH_P_IP))
		mip4_quote_inner(skb, q);
	return true;
}

/* Control messages take the same way, so what is said of them counts as well. */
static bool mip4_quote_udp(const struct sk_buff *skb, struct mip4_quote *q,
			   __be16 *dport)
{
	struct {
		struct udphdr uh;
		struct mip4_udp_data data;
	} buf;
	const struct mip4_udp_data *data;
	const struct udphdr *uh;

	uh = skb_header_pointer(skb, q->inner, sizeof(buf.uh), &buf.uh);
	if (!uh)
		return false;
	q->sport = uh->source;
	*dport = uh->dest;
	q->inner += sizeof(buf.uh);
	data = skb_header_pointer(skb, q->inner, sizeof(buf.data), &buf.data);
	q->inner += sizeof(buf.data);
	if (data && data->type == MIP4_UDP_TUNNEL_DATA &&
	    data->next == IPPROTO_IPIP)
		mip4_quote_inner(skb, q);
	return true;
}

/* The original header, of what minimal encapsulation has made of it. */
static bool mip4_quote_minimal(const struct sk_buff *skb, struct mip4_quote *q,
			       const struct iphdr *outer)
{
	struct mip4_minimal_hdr buf;
	const struct mip4_minimal_hdr *mh;

	q->hlen = sizeof(buf);
	mh = skb_header_pointer(skb, q->inner, sizeof(buf), &buf);
	if (!mh || outer->ihl != 5 ||
	    skb->len < q->inner + sizeof(buf) + MIP4_QUOTE_MIN)
		return true;
	if (!(mh->flags & MIP4_MINIMAL_SOURCE))
		q->hlen = offsetof(struct mip4_minimal_hdr, saddr);
	if (ip_compute_csum(mh, q->hlen))
		return false;
	q->iph = *outer;
	q->iph.protocol = mh->protocol;
	q->iph.daddr = mh->daddr;
	q->iph.saddr = mh->flags & MIP4_MINIMAL_SOURCE ? mh->saddr :
							 outer->saddr;
	q->iph.tot_len = htons(ntohs(outer->tot_len) - q->hlen);
	ip_send_check(&q->iph);
	q->whole = true;
	return true;
}

/*
 * The inner packet as far as it is quoted, for who builds an error about it;
 * NULL when it isn't one of ours after all.
 */
static struct sk_buff *mip4_quote_packet(const struct sk_buff *skb,
					 const struct mip4_quote *q,
					 struct mip4_dev *mip)
{
	const unsigned int head = q->hlen ? sizeof(q->iph) : 0;
	const unsigned int from = q->inner + q->hlen;
	const unsigned int len = min_t(unsigned int, skb->len - from,
				       MIP4_QUOTE_MAX - head);
	const struct iphdr *iph;
	struct sk_buff *inner;

	inner = alloc_skb(head + len, GFP_ATOMIC);
	if (!inner)
		return NULL;
	inner->protocol = htons(ETH_P_IP);
	inner->dev = mip->dev;
	skb_reset_network_header(inner);
	skb_put_data(inner, &q->iph, head);
	if (skb_copy_bits(skb, from, skb_put(inner, len), len))
		goto err;
	iph = ip_hdr(inner);
	if (iph->version != 4 || iph->ihl < 5 ||
	    inner->len < iph->ihl * 4 + MIP4_QUOTE_MIN ||
	    ip_fast_csum(iph, iph->ihl))
		goto err;
	skb_set_transport_header(inner, iph->ihl * 4);
	return inner;

err:
	kfree_skb(inner);
	return NULL;
}

/*
 * The leg that sent it. Equal home addresses and keys may make it two: then
 * @sure is false, for nobody knows which device it is about.
 */
static struct mip4_leg *mip4_quote_leg(const struct mip4_quote *q,
				       const struct mip4_peer *peer, bool *sure)
{
	struct mip4_leg *leg = NULL, *found;
	struct mip4_dev *mip = peer->mip;
	struct mip4_binding *b;
	unsigned int i;

	*sure = true;
	b = mip4_binding_routed(mip, q->iph.daddr);
	if (b)
		leg = mip4_legs_find(b, peer, q->keyed, q->okey);
	for (i = 0; i < MIP4_REALMS; i++) {
		if (!READ_ONCE(mip->realms[i].bindings))
			continue;
		b = mip4_binding_find(mip, READ_ONCE(mip->realms[i].realm),
				      q->iph.saddr);
		if (!b || !mip4_binding_served(b))
			continue;
		found = mip4_legs_find(b, peer, q->keyed, q->okey);
		if (found && leg)
			*sure = false;
		leg = found ?: leg;
	}
	return leg;
}

/* What the sender of the inner packet is told, or false: nothing. */
static bool mip4_relay_what(const struct mip4_quote *q, struct mip4_leg *leg,
			    const struct sk_buff *inner, u8 *type, u8 *code,
			    __be32 *info)
{
	const struct iphdr *iph = ip_hdr(inner);
	struct mip4_binding *b = leg->binding;
	struct rtable *rt;
	unsigned int mtu;
	int err;

	*type = ICMP_DEST_UNREACH;
	*info = 0;
	if (q->mtu) {
		rt = mip4_peer_route(leg->peer);
		if (IS_ERR(rt))
			return false;
		mtu = mip4_encap_mtu(inner, leg, rt);
		ip_rt_put(rt);
		*code = ICMP_FRAG_NEEDED;
		*info = htonl(mtu);
		return ntohs(iph->tot_len) > mtu &&
		       iph->frag_off & htons(IP_DF) &&
		       mip4_bucket_take(&leg->peer->icmp);
	}
	if (q->type == ICMP_TIME_EXCEEDED && q->code == ICMP_EXC_TTL &&
	    q->protocol == MIP4_IPPROTO_MINIMAL) {
		*type = ICMP_TIME_EXCEEDED;
		*code = ICMP_EXC_TTL;
		return mip4_bucket_take(&leg->peer->icmp);
	}
	if (!q->unreachable)
		return false;
	err = mip4_peer_tell(leg->peer, mip4_binding_served(b) ||
			     mip4_binding_on_link(b, iph->saddr, iph->daddr));
	*code = err;
	return err >= 0;
}

/* As if the packet had got no further than this router. */
static void mip4_relay(const struct sk_buff *skb, const struct mip4_quote *q,
		       struct mip4_leg *leg)
{
	struct mip4_binding *b = leg->binding;
	struct mip4_port *port = rcu_dereference(b->port);
	struct sk_buff *inner;
	struct rtable *rt;
	u8 type, code;
	__be32 info;

	if (mip4_binding_served(b) && !port)
		return;
	inner = mip4_quote_packet(skb, q, b->mip);
	if (!inner)
		return;
	if (!mip4_relay_what(q, leg, inner, &type, &code, &info))
		goto out;
	if (port) {
		mip4_icmp_to_device(inner, port, leg, type, code, info);
		goto out;
	}
	/* icmp_send() asks only where the packet was to go */
	rt = rt_dst_alloc(b->mip->dev, 0, RTN_UNICAST, true);
	if (rt) {
		skb_dst_set(inner, &rt->dst);
		icmp_send(inner, type, code, info);
	}
out:
	kfree_skb(inner);
}

static void mip4_outer_icmp_peer(struct sk_buff *skb, struct net *net,
				 const struct mip4_quote *q,
				 struct mip4_peer *peer)
{
	struct mip4_leg *leg = NULL;
	bool sure = false;

	if (q->sport && q->sport != mip4_udp_port(peer->mip, peer->key.local))
		return;
	if (q->whole) {
		leg = mip4_quote_leg(q, peer, &sure);
		if (!leg && !READ_ONCE(peer->mip->realmless))
			return;
	}
	atomic64_inc(&peer->errors);
	if (q->mtu) {
		__skb_pull(skb, q->outer);
		ipv4_update_pmtu(skb, net, q->mtu, peer->mip->link,
				 q->protocol);
		__skb_push(skb, q->outer);
	} else if (q->type != ICMP_TIME_EXCEEDED ||
		   q->protocol != MIP4_IPPROTO_MINIMAL) {
		mip4_event_peer(peer);
	}
	if (q->unreachable) {
		WRITE_ONCE(peer->unreachable, q->unreachable);
		WRITE_ONCE(peer->unreachable_at, jiffies ?: 1);
	}
	if (leg && sure)
		mip4_relay(skb, q, leg);
}

static void mip4_outer_icmp_peers(struct sk_buff *skb, struct net *net,
				  const struct mip4_quote *q,
				  const struct mip4_peer_key *key)
{
	struct rhlist_head *list, *pos;
	struct mip4_peer *peer;

	list = rhltable_lookup(&mip4_net(net)->peers, key, mip4_peer_params);
	if (!list || nf_ip_checksum(skb, NF_INET_LOCAL_IN, ip_hdrlen(skb),
				    IPPROTO_ICMP))
		return;
	rhl_for_each_entry_rcu(peer, pos, list, node)
		mip4_outer_icmp_peer(skb, net, q, peer);
}

/**
 * mip4_outer_icmp() - look at an ICMP packet for us
 * @skb: at LOCAL_IN; stays as it is, for others may want it too
 * @net: underlay
 *
 * Context: bottom halves off, RCU.
 */
void mip4_outer_icmp(struct sk_buff *skb, struct net *net)
{
	const unsigned int ihl = ip_hdrlen(skb);
	struct mip4_quote q = { .outer = ihl + sizeof(struct icmphdr) };
	struct mip4_peer_key key = {};
	const struct icmphdr *icmph;
	const struct iphdr *iph;
	struct icmphdr icmpbuf;

	icmph = skb_header_pointer(skb, ihl, sizeof(icmpbuf), &icmpbuf);
	if (!icmph || mip4_outer_icmp_inner(skb) ||
	    (icmph->type != ICMP_DEST_UNREACH &&
	     icmph->type != ICMP_TIME_EXCEEDED))
		return;
	q.type = icmph->type;
	q.code = icmph->code;
	if (q.type == ICMP_DEST_UNREACH && q.code == ICMP_FRAG_NEEDED) {
		/* as the stack, of protocols that can't say what they sent */
		if (READ_ONCE(net->ipv4.sysctl_ip_no_pmtu_disc) > 1)
			return;
		q.mtu = max_t(u32, ntohs(icmph->un.frag.mtu), MIP4_MTU_MIN);
	}

	/* ipv4_update_pmtu() wants it there; pulling moves no data pointer */
	if (!pskb_may_pull(skb, q.outer + sizeof(*iph)))
		return;
	iph = (const struct iphdr *)(skb->data + q.outer);
	if (iph->version != 4 || iph->ihl < 5 ||
	    iph->frag_off & htons(IP_OFFSET))
		return;
	q.protocol = iph->protocol;
	q.inner = q.outer + iph->ihl * 4;
	q.unreachable = mip4_quote_unreachable(&q);
	key.local = iph->saddr;
	key.remote = iph->daddr;
	switch (iph->protocol) {
	case IPPROTO_GRE:
		if (!mip4_quote_gre(skb, &q))
			return;
		key.encap = MIP4_ENCAP_GRE;
		break;
	case IPPROTO_IPIP:
		mip4_quote_inner(skb, &q);
		fallthrough;
	case IPPROTO_IPV6:
		key.encap = MIP4_ENCAP_IPIP;
		break;
	case MIP4_IPPROTO_MINIMAL:
		if (!mip4_quote_minimal(skb, &q, iph))
			return;
		key.encap = MIP4_ENCAP_MINIMAL;
		break;
	case IPPROTO_UDP:
		if (!mip4_quote_udp(skb, &q, &key.port))
			return;
		key.encap = MIP4_ENCAP_UDP;
		break;
	default:
		return;
	}
	mip4_outer_icmp_peers(skb, net, &q, &key);
	if (key.encap == MIP4_ENCAP_IPIP) {
		/* what minimal encapsulation couldn't carry */
		key.encap = MIP4_ENCAP_MINIMAL;
		mip4_outer_icmp_peers(skb, net, &q, &key);
	}
}
