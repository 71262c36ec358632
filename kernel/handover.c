// SPDX-License-Identifier: GPL-2.0-only
/*
 * What packets do beyond a lone active leg: copies, and what a router that a
 * device has left sends back. That goes on by the active leg, unless it came by
 * that: then it waits until another one is, so that nothing goes in circles.
 */
#include <net/ip.h>
#include <net/route.h>

#include "binding.h"
#include "device.h"
#include "downlink.h"
#include "encap.h"
#include "hold.h"
#include "ip6.h"
#include "leg.h"
#include "legs.h"
#include "peer.h"
#include "stats.h"
#include "xmit.h"

static int mip4_senders_try(struct mip4_senders *senders,
			    const struct sk_buff *skb, struct mip4_leg *leg)
{
	struct rtable *rt;

	if (mip4_encap_loops(skb, leg))
		return -ELOOP;
	rt = mip4_peer_route(leg->peer);
	if (IS_ERR(rt))
		return PTR_ERR(rt);
	senders->mtu = min(senders->mtu, mip4_encap_mtu(skb, leg, rt));
	senders->to[senders->n].leg = leg;
	senders->to[senders->n++].rt = rt;
	return 0;
}

/**
 * mip4_senders() - find all legs that a packet is sent by
 * @b: its binding
 * @skb: starts at its IPv4 header
 * @senders: filled in, for mip4_senders_encap() or mip4_senders_put()
 *
 * A leg without a route is left out if another has one. Context: bottom halves
 * off, RCU.
 *
 * Return: 0, -ENOENT when no leg sends, -ELOOP for what mip4_encap_loops() by
 * any, else why none has a route.
 */
int mip4_senders(const struct mip4_binding *b, const struct sk_buff *skb,
		 struct mip4_senders *senders)
{
	const struct mip4_legs *legs;
	struct mip4_leg *leg;
	int err = -ENOENT;
	unsigned int i;

	senders->n = 0;
	senders->mtu = IP_MAX_MTU;
	legs = mip4_legs_get(b, &leg);
	if (!legs && leg)
		err = mip4_senders_try(senders, skb, leg);
	for (i = 0; legs && i < legs->n; i++) {
		const u8 state = READ_ONCE(legs->entry[i].state);

		leg = rcu_dereference(legs->entry[i].leg);
		if (!leg || (state != MIP4_LEG_ACTIVE && state != MIP4_LEG_COPY))
			continue;
		err = mip4_senders_try(senders, skb, leg);
		if (err == -ELOOP) {
			mip4_senders_put(senders);
			return err;
		}
	}
	return senders->n ? 0 : err;
}

/**
 * mip4_senders_put() - undo mip4_senders()
 * @senders: from there
 */
void mip4_senders_put(struct mip4_senders *senders)
{
	while (senders->n)
		ip_rt_put(senders->to[--senders->n].rt);
}

/**
 * mip4_senders_encap() - send a packet by several legs
 * @skb: starts at its IPv4 header, consumed
 * @senders: from mip4_senders(), consumed
 *
 * Context: bottom halves off, RCU.
 */
void mip4_senders_encap(struct sk_buff *skb, struct mip4_senders *senders)
{
	struct mip4_binding *b = senders->to[0].leg->binding;
	struct sk_buff *copy;
	unsigned int i;

	for (i = 1; i < senders->n; i++) {
		copy = skb_clone(skb, GFP_ATOMIC);
		if (!copy) {
			mip4_count_drop(b->mip, b, MIP4_DROP_NO_MEMORY);
			ip_rt_put(senders->to[i].rt);
			continue;
		}
		mip4_encap(copy, senders->to[i].leg, senders->to[i].rt);
	}
	mip4_encap(skb, senders->to[0].leg, senders->to[0].rt);
}

static bool mip4_handover_ttl(struct sk_buff *skb, struct mip4_binding *b)
{
	const int err = mip4_lower_ttl(skb, b);

	if (err)
		mip4_drop(b->mip, b, skb, err == -ETIME ? MIP4_DROP_TTL :
							  MIP4_DROP_NO_MEMORY);
	return !err;
}

static void mip4_handover_send(struct sk_buff *skb, struct mip4_leg *leg)
{
	struct mip4_binding *b = leg->binding;
	struct rtable *rt;

	rt = mip4_peer_route(leg->peer);
	if (IS_ERR(rt)) {
		mip4_drop(b->mip, b, skb, mip4_peer_no_route(PTR_ERR(rt)));
		return;
	}
	if (unlikely(mip4_too_big(skb, mip4_encap_mtu(skb, leg, rt)))) {
		ip_rt_put(rt);
		mip4_drop(b->mip, b, skb, MIP4_DROP_TOO_BIG);
		return;
	}
	mip4_encap(skb, leg, rt);
}

/*
 * Would the other end take a packet that we send back for one of its source's
 * own? Then it comes to us again, as long as the other end doesn't know that
 * its destination has left.
 */
static bool mip4_return_mistaken(const struct sk_buff *skb,
				 const struct mip4_leg *leg)
{
	struct mip4_binding *b = leg->binding, *source;
	const struct mip4_leg *sends;

	if (mip4_is_ip6(skb))
		source = mip4_ip6_find(b->mip, b->addr.realm,
				       &ipv6_hdr(skb)->saddr);
	else
		source = mip4_binding_find(b->mip, b->addr.realm,
					   ip_hdr(skb)->saddr);
	if (!source || !mip4_binding_served(source))
		return false;
	sends = mip4_legs_active(source);
	return sends && sends->peer == leg->peer &&
	       mip4_leg_keyed(sends) == mip4_leg_keyed(leg) &&
	       (!mip4_leg_keyed(leg) || sends->okey == leg->okey);
}

/**
 * mip4_return() - send back what came for a device that has left its port
 * @skb: decapsulated, starts at a checked IPv4 header; consumed
 * @leg: by which it came, and goes
 *
 * Context: bottom halves off, RCU.
 */
void mip4_return(struct sk_buff *skb, struct mip4_leg *leg)
{
	struct mip4_binding *b = leg->binding;

	mip4_tap(b->mip, skb);
	if (unlikely(mip4_return_mistaken(skb, leg))) {
		mip4_drop(b->mip, b, skb, MIP4_DROP_LOOP);
		return;
	}
	skb_clear_tstamp(skb);
	if (mip4_handover_ttl(skb, b))
		mip4_handover_send(skb, leg);
}

/**
 * mip4_returned() - take what a router sends back that a device has left
 * @skb: decapsulated, starts at a checked IPv4 header; consumed
 * @leg: of a routed binding, by which it came
 *
 * It was counted when it went there first. Context: bottom halves off, RCU.
 */
void mip4_returned(struct sk_buff *skb, struct mip4_leg *leg)
{
	struct mip4_binding *b = leg->binding;

	mip4_tap(b->mip, skb);
	if (!mip4_handover_ttl(skb, b))
		return;
	if (!mip4_hold_routed(b, skb, leg))
		mip4_resend(skb, b);
}

/**
 * mip4_resend() - send a packet by the active leg of a routed binding
 * @skb: starts at a checked IPv4 header, consumed
 * @b: binding; the packet didn't come by its active leg
 *
 * Context: bottom halves off, RCU.
 */
void mip4_resend(struct sk_buff *skb, struct mip4_binding *b)
{
	struct mip4_leg *leg = mip4_legs_active(b);

	if (!leg) {
		mip4_drop(b->mip, b, skb, MIP4_DROP_NO_LEG);
		return;
	}
	skb_clear_tstamp(skb);
	mip4_handover_send(skb, leg);
}
