// SPDX-License-Identifier: GPL-2.0-only
/* What the stack routes to a mip4 device: towards routed bindings. */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <net/dst_metadata.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/l3mdev.h>
#include <net/route.h>

#include "binding.h"
#include "device.h"
#include "encap.h"
#include "hold.h"
#include "home.h"
#include "ip6.h"
#include "leg.h"
#include "legs.h"
#include "mss.h"
#include "peer.h"
#include "port.h"
#include "stats.h"
#include "subnet.h"
#include "xmit.h"

/**
 * mip4_xmit_pmtu() - tell the sender of what may not be cut
 * @skb: starts at its IPv4 header, left alone
 * @mtu: of the way ahead
 *
 * RFC 2003 section 5.1: the sender learns the tunnel's MTU.
 *
 * Return: whether it is too big, forbids fragments, and so has to be dropped.
 */
bool mip4_xmit_pmtu(struct sk_buff *skb, unsigned int mtu)
{
	if (likely(!mip4_too_big(skb, mtu)))
		return false;
	/* an exception per home address: only for who needs it, and once */
	if (skb_valid_dst(skb) && mtu < dst_mtu(skb_dst(skb)))
		skb_dst_update_pmtu_no_confirm(skb, mtu);
	if (mip4_is_ip6(skb))
		mip4_ip6_tell(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
	else
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
			      htonl(mtu));
	return true;
}

/*
 * RFC 2003 section 5: the sender learns what is known of the tunnel, and the
 * packet goes there all the same.
 */
static noinline_for_stack void mip4_xmit_tell(struct sk_buff *skb,
					      const struct mip4_leg *leg)
{
	const struct iphdr *iph = ip_hdr(skb);
	const bool ip6 = mip4_is_ip6(skb);
	const int code = mip4_peer_tell(leg->peer, !ip6 &&
					mip4_binding_on_link(leg->binding,
							     iph->saddr,
							     iph->daddr));

	if (code < 0)
		return;
	if (ip6)
		mip4_ip6_tell(skb, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0);
	else
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, code, 0);
}

/**
 * mip4_xmit_came_in_here() - did a packet leave a tunnel of the same device?
 * @skb: packet that the stack forwards
 * @dev: mip4 device
 *
 * In a VRF the core says that it came in at the VRF.
 *
 * Return: whether it did.
 */
bool mip4_xmit_came_in_here(const struct sk_buff *skb, struct net_device *dev)
{
	const int iif = skb->skb_iif;

	return iif && (iif == dev->ifindex ||
		       iif == l3mdev_master_ifindex_rcu(dev));
}

/**
 * mip4_raise_ttl() - undo what a router on the way has taken
 * @skb: starts at a checked IPv4 header; one of TTL 255 stays as it is
 *
 * Return: 0 or -ENOMEM; header pointers have to be read again.
 */
int mip4_raise_ttl(struct sk_buff *skb)
{
	struct iphdr *iph;

	if (skb_ensure_writable(skb, sizeof(*iph)))
		return -ENOMEM;
	iph = ip_hdr(skb);
	if (iph->ttl == U8_MAX)
		return 0;
	csum_replace2(&iph->check, htons(iph->ttl << 8),
		      htons((iph->ttl + 1) << 8));
	iph->ttl++;
	return 0;
}

/**
 * mip4_spare_ttl() - let a packet pass the stack that makes its last hop
 * @skb: starts at an IPv4 or IPv6 header
 * @mip: device by which it will leave
 * @from: binding that it is from, if it may go to a neighbour on the home link
 *
 * Link emulation: ip_forward() ends TTL 1 before mip4_xmit() can bring back
 * what it takes from a packet within a home prefix. With TTL 2 such a packet
 * arrives, which a link would have done as well.
 *
 * Return: 0 or -ENOMEM; header pointers have to be read again.
 */
int mip4_spare_ttl(struct sk_buff *skb, struct mip4_dev *mip,
		   const struct mip4_binding *from)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct mip4_binding *b;

	if (mip4_is_ip6(skb) || likely(iph->ttl != 1))
		return 0;
	b = mip4_binding_routed(mip, iph->daddr) ?: from;
	if (!b || !mip4_binding_on_link(b, iph->saddr, iph->daddr))
		return 0;
	return mip4_raise_ttl(skb);
}

/**
 * mip4_lower_ttl() - count the hop of a packet through a router
 * @skb: starts at a checked IPv4 or IPv6 header
 * @b: binding that it is from or for
 *
 * RFC 2003 section 3.1: one hop, unless none is to be seen. To a group it is
 * the first router that counts, at the other end of the tunnel: TTL 1 is usual
 * on a link.
 *
 * Return: 0, -ETIME when it may make no more hops, or -ENOMEM; header pointers
 * have to be read again.
 */
int mip4_lower_ttl(struct sk_buff *skb, const struct mip4_binding *b)
{
	const struct iphdr *iph = ip_hdr(skb);

	if (unlikely(mip4_is_ip6(skb)))
		return mip4_ip6_lower_hops(skb);
	if (mip4_binding_on_link(b, iph->saddr, iph->daddr) ||
	    unlikely(ipv4_is_multicast(iph->daddr) ||
		     ipv4_is_lbcast(iph->daddr)))
		return 0;
	if (unlikely(iph->ttl <= 1))
		return -ETIME;
	if (skb_ensure_writable(skb, sizeof(*iph)))
		return -ENOMEM;
	ip_decrease_ttl(ip_hdr(skb));
	return 0;
}

static bool mip4_is_redirect(const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	u8 buf;
	const u8 *type;

	if (likely(iph->protocol != IPPROTO_ICMP) ||
	    iph->frag_off & htons(IP_OFFSET))
		return false;
	type = skb_header_pointer(skb, iph->ihl * 4, sizeof(buf), &buf);
	return type && *type == ICMP_REDIRECT;
}

/*
 * Link emulation: two devices of one home prefix see no router between them,
 * nor does who is on the home link, so what ip_forward() took comes back.
 */
static bool mip4_xmit_hides_hop(const struct sk_buff *skb, struct mip4_dev *mip,
				const struct mip4_binding *b)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct mip4_port *home;

	if (likely(!mip4_binding_on_link(b, iph->saddr, iph->daddr)))
		return false;
	if (mip4_xmit_came_in_here(skb, mip->dev))
		return mip4_binding_routed(mip, iph->saddr);
	home = rcu_dereference(mip->home);
	return home && skb->skb_iif == home->dev->ifindex;
}

/**
 * mip4_xmit_legs() - send by all legs of a routed binding that send
 * @skb: starts at its header, consumed
 * @b: the binding
 * @hold: whether to wait while there is a leg to wait for
 *
 * Context: bottom halves off, RCU.
 */
noinline_for_stack void mip4_xmit_legs(struct sk_buff *skb,
				       struct mip4_binding *b, bool hold)
{
	struct mip4_dev *mip = b->mip;
	struct mip4_senders senders;
	enum mip4_drop reason;
	int err;

	err = mip4_senders(b, skb, &senders);
	if (err == -ENOENT && hold) {
		if (mip4_hold_routed(b, skb, NULL))
			return;
		/* the leg has just come */
		err = mip4_senders(b, skb, &senders);
	}
	if (err) {
		reason = err == -ENOENT ? MIP4_DROP_NO_LEG :
					  mip4_peer_no_route(err);
		if (reason != MIP4_DROP_NO_MEMORY && reason != MIP4_DROP_LOOP)
			dst_link_failure(skb);
		goto drop;
	}
	if (READ_ONCE(mip->mss))
		mip4_mss_clamp(skb, senders.mtu);
	if (mip4_xmit_pmtu(skb, senders.mtu)) {
		mip4_senders_put(&senders);
		reason = MIP4_DROP_TOO_BIG;
		goto drop;
	}
	if (unlikely(READ_ONCE(senders.to[0].leg->peer->unreachable_at)))
		mip4_xmit_tell(skb, senders.to[0].leg);
	mip4_binding_down(b, skb);
	mip4_senders_encap(skb, &senders);
	return;

drop:
	mip4_drop(mip, b, skb, reason);
}

/**
 * mip4_xmit() - .ndo_start_xmit
 * @skb: starts at its network header, consumed
 * @dev: mip4 device
 *
 * Return: NETDEV_TX_OK.
 */
netdev_tx_t mip4_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct mip4_dev *mip = netdev_priv(dev);
	struct mip4_binding *b = NULL;
	struct mip4_port *home;
	enum mip4_drop reason;
	struct mip4_leg *leg;
	const struct iphdr *iph;
	struct rtable *rt;
	unsigned int mtu;

	/* the core gives us the bh flavour only */
	rcu_read_lock();
	if (unlikely(skb->protocol != htons(ETH_P_IP))) {
		if (mip4_ip6_xmit(skb, mip, &b, &reason))
			goto send;
		goto drop;
	}
	if (!pskb_inet_may_pull(skb)) {
		reason = MIP4_DROP_BAD_INNER;
		goto drop;
	}
	iph = ip_hdr(skb);
	if (iph->version != 4 || iph->ihl < 5) {
		reason = MIP4_DROP_BAD_INNER;
		goto drop;
	}
	if (ipv4_is_multicast(iph->daddr) || ipv4_is_lbcast(iph->daddr)) {
		if (READ_ONCE(mip->multicast) == MIP4_MULTICAST_REPLICATE &&
		    mip4_subnet_xmit(skb, mip))
			goto sent;
		reason = MIP4_DROP_MULTICAST;
		goto drop;
	}
	b = mip4_binding_routed(mip, iph->daddr);
	if (unlikely(!b)) {
		if (READ_ONCE(mip->multicast) == MIP4_MULTICAST_REPLICATE &&
		    mip4_subnet_xmit(skb, mip))
			goto sent;
		home = rcu_dereference(mip->home);
		if (home) {
			mip4_home_xmit(skb, mip, home);
			rcu_read_unlock();
			return NETDEV_TX_OK;
		}
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
		reason = MIP4_DROP_NO_BINDING;
		goto drop;
	}
	/* RFC 2003 section 4.4: never relayed */
	if (unlikely(mip4_is_redirect(skb))) {
		reason = MIP4_DROP_PROTOCOL;
		goto drop;
	}
	if (unlikely(mip4_xmit_hides_hop(skb, mip, b)) && mip4_raise_ttl(skb)) {
		reason = MIP4_DROP_NO_MEMORY;
		goto drop;
	}

send:
	leg = rcu_dereference(b->leg);
	if (unlikely(!leg)) {
		mip4_xmit_legs(skb, b, true);
		rcu_read_unlock();
		return NETDEV_TX_OK;
	}
	if (mip4_encap_loops(skb, leg)) {
		reason = MIP4_DROP_LOOP;
		goto drop;
	}
	rt = mip4_peer_route(leg->peer);
	if (IS_ERR(rt)) {
		reason = mip4_peer_no_route(PTR_ERR(rt));
		if (reason == MIP4_DROP_NO_ROUTE)
			dst_link_failure(skb);
		goto drop;
	}
	mtu = mip4_encap_mtu(skb, leg, rt);
	if (READ_ONCE(mip->mss))
		mip4_mss_clamp(skb, mtu);
	if (mip4_xmit_pmtu(skb, mtu)) {
		ip_rt_put(rt);
		reason = MIP4_DROP_TOO_BIG;
		goto drop;
	}
	if (unlikely(READ_ONCE(leg->peer->unreachable_at)))
		mip4_xmit_tell(skb, leg);
	mip4_binding_down(b, skb);
	mip4_encap(skb, leg, rt);
	rcu_read_unlock();
	return NETDEV_TX_OK;

sent:
	consume_skb(skb);
	rcu_read_unlock();
	return NETDEV_TX_OK;

drop:
	mip4_drop(mip, b, skb, reason);
	rcu_read_unlock();
	return NETDEV_TX_OK;
}
