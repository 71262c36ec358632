// SPDX-License-Identifier: GPL-2.0-only
/* Multicast group "events": what packets tell the agent, rate-limited. */
#include <linux/timekeeping.h>
#include <net/genetlink.h>

#include "binding.h"
#include "bucket.h"
#include "device.h"
#include "event.h"
#include "netlink.h"
#include "peer.h"
#include "port.h"

/**
 * mip4_event_wanted() - shall an event be built?
 * @mip: device
 * @bucket: its limit for that kind of event
 *
 * Takes a token; without one the event counts as lost.
 *
 * Return: whether somebody listens and may be told.
 */
bool mip4_event_wanted(struct mip4_dev *mip, struct mip4_bucket *bucket)
{
	if (!mip4_nl_listens(mip, MIP4_NL_EVENTS))
		return false;
	if (mip4_bucket_take(bucket))
		return true;
	atomic64_inc(&mip->events_lost);
	return false;
}

static struct sk_buff *mip4_event_start(struct mip4_dev *mip,
					enum mip4_event type, void **hdr,
					struct nlattr **nest)
{
	const u64 lost = atomic64_xchg(&mip->events_lost, 0);
	struct sk_buff *msg;

	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!msg)
		goto err;
	*hdr = genlmsg_put(msg, 0, 0, &mip4_nl_family, 0, MIP4_CMD_EVENT);
	if (!*hdr || nla_put_u32(msg, MIP4_A_IFINDEX, mip->dev->ifindex))
		goto err_free;
	*nest = nla_nest_start(msg, MIP4_A_EVENT);
	if (!*nest || nla_put_u8(msg, MIP4_EVENT_A_TYPE, type) ||
	    nla_put_u64_64bit(msg, MIP4_EVENT_A_TIME_NS, ktime_get_ns(),
			      MIP4_EVENT_A_PAD))
		goto err_free;
	if (lost && nla_put_u64_64bit(msg, MIP4_EVENT_A_LOST, lost,
				      MIP4_EVENT_A_PAD))
		goto err_free;
	return msg;

err_free:
	nlmsg_free(msg);
err:
	atomic64_add(lost + 1, &mip->events_lost);
	return NULL;
}

static void mip4_event_send(struct mip4_dev *mip, struct sk_buff *msg,
			    void *hdr, struct nlattr *nest)
{
	nla_nest_end(msg, nest);
	genlmsg_end(msg, hdr);
	genlmsg_multicast_netns(&mip4_nl_family, dev_net(mip->dev), msg, 0,
				MIP4_NL_EVENTS, GFP_ATOMIC);
}

/**
 * mip4_event_unknown() - report a device without binding
 * @port: where it is
 * @mac: source MAC, zero if the port has none
 * @ethertype: of the frame, host byte order
 * @saddr: source address of the frame's IPv4 or ARP header, or 0
 */
void mip4_event_unknown(struct mip4_port *port, const u8 *mac, u16 ethertype,
			__be32 saddr)
{
	struct nlattr *nest;
	struct sk_buff *msg;
	void *hdr;

	msg = mip4_event_start(port->mip, MIP4_EVENT_UNKNOWN_DEVICE, &hdr,
			       &nest);
	if (!msg)
		return;
	if (nla_put_u32(msg, MIP4_EVENT_A_PORT, port->dev->ifindex) ||
	    (!port->p2p && nla_put(msg, MIP4_EVENT_A_MAC, ETH_ALEN, mac)) ||
	    nla_put_u16(msg, MIP4_EVENT_A_ETHERTYPE, ethertype) ||
	    (saddr && nla_put_in_addr(msg, MIP4_EVENT_A_ADDRESS, saddr))) {
		nlmsg_free(msg);
		return;
	}
	mip4_event_send(port->mip, msg, hdr, nest);
}

static void mip4_event_spoof_by(struct mip4_binding *b, int type,
				const void *addr, int len)
{
	struct nlattr *nest;
	struct sk_buff *msg;
	void *hdr;

	msg = mip4_event_start(b->mip, MIP4_EVENT_SPOOF, &hdr, &nest);
	if (!msg)
		return;
	if (nla_put_u32(msg, MIP4_EVENT_A_BINDING_ID, b->id) ||
	    nla_put(msg, type, len, addr)) {
		nlmsg_free(msg);
		return;
	}
	mip4_event_send(b->mip, msg, hdr, nest);
}

/**
 * mip4_event_spoof() - report a source address that isn't the device's
 * @b: its binding
 * @saddr: what it used
 */
void mip4_event_spoof(struct mip4_binding *b, __be32 saddr)
{
	mip4_event_spoof_by(b, MIP4_EVENT_A_ADDRESS, &saddr, sizeof(saddr));
}

/**
 * mip4_event_spoof6() - mip4_event_spoof() for IPv6
 * @b: its binding
 * @saddr: what it used
 */
void mip4_event_spoof6(struct mip4_binding *b, const struct in6_addr *saddr)
{
	mip4_event_spoof_by(b, MIP4_EVENT_A_ADDRESS6, saddr, sizeof(*saddr));
}

/**
 * mip4_event_peer() - report a peer that can't be reached, once a second
 * @peer: which
 */
void mip4_event_peer(struct mip4_peer *peer)
{
	const unsigned long last = READ_ONCE(peer->event);
	struct mip4_dev *mip = peer->mip;
	struct nlattr *nest;
	struct sk_buff *msg;
	void *hdr;

	if ((last && time_before(jiffies, last + HZ)) ||
	    !mip4_event_wanted(mip, &mip->peer_events))
		return;
	WRITE_ONCE(peer->event, jiffies ?: 1);
	msg = mip4_event_start(mip, MIP4_EVENT_PEER_UNREACHABLE, &hdr, &nest);
	if (!msg)
		return;
	if (nla_put_in_addr(msg, MIP4_EVENT_A_PEER, peer->key.remote) ||
	    (peer->key.port && nla_put_u16(msg, MIP4_EVENT_A_PEER_PORT,
					   ntohs(peer->key.port)))) {
		nlmsg_free(msg);
		return;
	}
	mip4_event_send(mip, msg, hdr, nest);
}

/**
 * mip4_event_socket() - report that the last process has closed a link's socket
 * @mip: device
 */
void mip4_event_socket(struct mip4_dev *mip)
{
	struct nlattr *nest;
	struct sk_buff *msg;
	void *hdr;

	if (!mip4_nl_listens(mip, MIP4_NL_EVENTS))
		return;
	msg = mip4_event_start(mip, MIP4_EVENT_SOCKET_LOST, &hdr, &nest);
	if (msg)
		mip4_event_send(mip, msg, hdr, nest);
}
