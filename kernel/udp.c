// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tunnels through UDP, the data part of RFC 3519, for routers behind a NAT. The
 * port is also that of control messages, so the socket is the agent's: we look
 * first at what comes in, and leave all to it that isn't of a leg.
 */
#include <linux/net.h>
#include <linux/slab.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/route.h>
#include <net/udp.h>
#include <net/udp_tunnel.h>

#include "binding.h"
#include "device.h"
#include "event.h"
#include "ip6.h"
#include "leg.h"
#include "net.h"
#include "netlink.h"
#include "peer.h"
#include "receive.h"
#include "trace.h"
#include "udp.h"

/*
 * Does a datagram belong to a leg, by the address and port that it really came
 * from? Those of a NAT that has forgotten us, and keepalives that tell of it,
 * are the agent's. Return: positive: pass it up, as it came.
 */
static int mip4_udp_receive(struct sock *sk, struct sk_buff *skb)
{
	const struct mip4_udp *udp = rcu_dereference_sk_user_data(sk);
	struct mip4_demux_key key = {
		.local = ip_hdr(skb)->daddr,
		.peer = ip_hdr(skb)->saddr,
		.port = udp_hdr(skb)->source,
		.encap = MIP4_ENCAP_UDP,
	};
	struct mip4_net *mn = mip4_net(sock_net(sk));
	union {
		struct iphdr ip;
		struct ipv6hdr ip6;
	} ibuf;
	const struct mip4_udp_data *data;
	struct mip4_leg *leg, *other;
	struct mip4_udp_data dbuf;
	struct mip4_dev *mip;
	const void *inner;
	bool ip6;

	data = skb_header_pointer(skb, sizeof(struct udphdr), sizeof(dbuf),
				  &dbuf);
	if (!udp || !data || data->type != MIP4_UDP_TUNNEL_DATA ||
	    (data->next != IPPROTO_IPIP && data->next != IPPROTO_IPV6))
		return 1;
	ip6 = data->next == IPPROTO_IPV6;
	inner = skb_header_pointer(skb, MIP4_UDP_HLEN, ip6 ? sizeof(ibuf.ip6) :
				   sizeof(ibuf.ip), &ibuf);
	if (!inner)
		return 1;
	leg = ip6 ? mip4_leg_demux6(mn, &key, inner, &other) :
		    mip4_leg_demux(mn, &key, inner, &other);
	if (!leg) {
		if (!ip6)
			trace_mip4_miss(skb, &key, inner);
		return 1;
	}
	mip = leg->binding->mip;
	if (rcu_access_pointer(mip->udp) != udp || !mip4_receive_link(mip, skb))
		return 1;
	/*
	 * UDP of several datagrams in one piece is cut before it gets here, and
	 * udp_queue_rcv_skb() leaves the pieces linked: all would leave with
	 * the first one.
	 */
	skb_mark_not_on_list(skb);
	/* checksum and XFRM policy have been looked at for the socket */
	mip4_receive(skb, leg, ip6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP),
		     MIP4_UDP_HLEN, key.flags & MIP4_DEMUX_BACK);
	return 0;
}

/*
 * Make a plain socket of it again, but for IP_MULTICAST_LOOP, which stays off
 * as setup_udp_tunnel_sock() left it. Not under its own lock, which a process
 * may keep as long as it likes: all that it could change meanwhile is UDP_ENCAP.
 */
static void mip4_udp_free(struct mip4_udp *udp)
{
	struct sock *sk = udp->sk;
	struct udp_sock *up = udp_sk(sk);

	if (READ_ONCE(up->encap_rcv) == mip4_udp_receive) {
		WRITE_ONCE(up->encap_type, 0);
		WRITE_ONCE(up->encap_rcv, NULL);
	}
	WRITE_ONCE(up->encap_destroy, NULL);
	rcu_assign_sk_user_data(sk, NULL);
	inet_dec_convert_csum(sk);
	sock_put(sk);
	kfree_rcu(udp, rcu);
}

/* Let a link use another socket, or none. Context: mip4_net.udp_lock held. */
static void mip4_udp_switch(struct mip4_dev *mip, struct mip4_udp *udp)
{
	struct mip4_udp *old;

	old = rcu_dereference_protected(mip->udp,
					lockdep_is_held(&mip->mn->udp_lock));
	if (old == udp)
		return;
	if (old)
		list_del(&mip->udp_node);
	if (udp)
		list_add_tail(&mip->udp_node, &udp->links);
	rcu_assign_pointer(mip->udp, udp);
	if (old && list_empty(&old->links))
		mip4_udp_free(old);
}

/* .encap_destroy: the last process that had it has closed it. */
static void mip4_udp_destroy(struct sock *sk)
{
	struct mip4_net *mn = mip4_net(sock_net(sk));
	struct mip4_dev *mip, *next;
	struct mip4_udp *udp;

	mutex_lock(&mn->udp_lock);
	rcu_read_lock();
	udp = rcu_dereference_sk_user_data(sk);
	rcu_read_unlock();
	if (udp) {
		/* the last one frees it */
		list_for_each_entry_safe(mip, next, &udp->links, udp_node) {
			const bool last = list_is_last(&mip->udp_node,
						       &udp->links);

			mip4_event_socket(mip);
			mip4_udp_switch(mip, NULL);
			if (last)
				break;
		}
	}
	mutex_unlock(&mn->udp_lock);
}

/* A socket that no link uses yet. Context: its lock held. */
static struct mip4_udp *mip4_udp_new(struct socket *sock,
				     const struct nlattr *attr,
				     struct netlink_ext_ack *extack)
{
	struct udp_tunnel_sock_cfg cfg = {
		.encap_type = 1,
		.encap_rcv = mip4_udp_receive,
		.encap_destroy = mip4_udp_destroy,
	};
	struct sock *sk = sock->sk;
	struct mip4_udp *udp;

	if (sk->sk_user_data || udp_sk(sk)->encap_type) {
		MIP4_NL_ERR(extack, attr, "the socket has another use");
		return ERR_PTR(-EBUSY);
	}
	udp = kzalloc(sizeof(*udp), GFP_KERNEL_ACCOUNT);
	if (!udp)
		return ERR_PTR(-ENOMEM);
	sock_hold(sk);
	udp->sk = sk;
	udp->local = inet_sk(sk)->inet_rcv_saddr;
	udp->port = inet_sk(sk)->inet_sport;
	INIT_LIST_HEAD(&udp->links);
	cfg.sk_user_data = udp;
	mip4_setup_udp_tunnel_sock(sock, &cfg);
	return udp;
}

/* Context: the socket's lock and mip4_net.udp_lock held. */
static int mip4_udp_use(struct mip4_dev *mip, struct socket *sock,
			const struct nlattr *attr,
			struct netlink_ext_ack *extack)
{
	const struct inet_sock *inet = inet_sk(sock->sk);
	struct mip4_udp *udp;

	if (READ_ONCE(mip->dead)) {
		MIP4_NL_ERR(extack, attr, "the mip4 device is going away");
		return -ENODEV;
	}
	if (!inet->inet_num) {
		MIP4_NL_ERR(extack, attr, "the socket isn't bound to a port");
		return -EINVAL;
	}
	if (sock->sk->sk_state == TCP_ESTABLISHED) {
		MIP4_NL_ERR(extack, attr,
			    "the socket is connected, so it hears of one peer only");
		return -EISCONN;
	}
	if (inet->inet_rcv_saddr && inet->inet_rcv_saddr != mip->local) {
		MIP4_NL_ERR(extack, attr,
			    "the socket is bound to another address than the link's local one");
		return -EADDRNOTAVAIL;
	}
	if (udp_sk(sock->sk)->encap_rcv == mip4_udp_receive) {
		rcu_read_lock();
		udp = rcu_dereference_sk_user_data(sock->sk);
		rcu_read_unlock();
	} else {
		udp = mip4_udp_new(sock, attr, extack);
		if (IS_ERR(udp))
			return PTR_ERR(udp);
	}
	mip4_udp_switch(mip, udp);
	return 0;
}

/**
 * mip4_udp_attach() - let a link tunnel by a socket
 * @mip: device; another socket that it has is let go
 * @sock: socket, which other links of the same underlay may use as well
 * @attr: what to blame
 * @extack: where to say why not
 *
 * Context: process.
 *
 * Return: 0, or a negative error and nothing changed.
 */
int mip4_udp_attach(struct mip4_dev *mip, struct socket *sock,
		    const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	struct sock *sk = sock->sk;
	int err;

	if (sk->sk_family != AF_INET || sk->sk_type != SOCK_DGRAM ||
	    sk->sk_protocol != IPPROTO_UDP) {
		MIP4_NL_ERR(extack, attr, "not a UDP socket of AF_INET");
		return -EPROTOTYPE;
	}
	if (!net_eq(sock_net(sk), mip->net)) {
		MIP4_NL_ERR(extack, attr,
			    "the socket must be of the link's underlay, this is of another netns");
		return -EXDEV;
	}
	/* first, for whoever has it may keep it, see mip4_udp_free() */
	lock_sock(sk);
	mutex_lock(&mip->mn->udp_lock);
	err = mip4_udp_use(mip, sock, attr, extack);
	mutex_unlock(&mip->mn->udp_lock);
	release_sock(sk);
	/* XFRM policies may count the port */
	if (!err)
		mip4_peers_reroute(mip, MIP4_ENCAP_UDP);
	return err;
}

/**
 * mip4_udp_detach() - undo mip4_udp_attach(), if need be
 * @mip: device
 *
 * The socket may still give us packets until the next grace period. Context:
 * process.
 */
void mip4_udp_detach(struct mip4_dev *mip)
{
	mutex_lock(&mip->mn->udp_lock);
	mip4_udp_switch(mip, NULL);
	mutex_unlock(&mip->mn->udp_lock);
}

/**
 * mip4_udp_port() - from which port does a link tunnel?
 * @mip: device
 * @local: from which address
 *
 * Context: RCU.
 *
 * Return: the port, or 0 without a socket for that address.
 */
__be16 mip4_udp_port(const struct mip4_dev *mip, __be32 local)
{
	const struct mip4_udp *udp = rcu_dereference(mip->udp);

	return udp && (!udp->local || udp->local == local) ? udp->port : 0;
}

/**
 * mip4_udp_push() - put the headers between the two of IPv4 in front
 * @skb: starts at its IPv4 or IPv6 header, with room in front, for which
 *	 iptunnel_handle_offloads() was asked
 * @leg: where to
 * @port: where from
 *
 * The checksum is always there: RFC 3519 leaves it to us, but for a zero one
 * there are NATs that make no mapping, and it costs nothing where the inner
 * packet's is still to be computed, or hardware computes it.
 */
void mip4_udp_push(struct sk_buff *skb, const struct mip4_leg *leg, __be16 port)
{
	struct mip4_udp_data *data;
	struct udphdr *uh;

	skb_set_inner_protocol(skb, skb->protocol);
	data = skb_push(skb, sizeof(*data));
	*data = (struct mip4_udp_data) {
		.type = MIP4_UDP_TUNNEL_DATA,
		.next = mip4_is_ip6(skb) ? IPPROTO_IPV6 : IPPROTO_IPIP,
	};
	uh = skb_push(skb, sizeof(*uh));
	skb_reset_transport_header(skb);
	uh->source = port;
	uh->dest = leg->key.port;
	uh->len = htons(skb->len);
	udp_set_csum(false, skb, leg->key.local, leg->key.peer, skb->len);
}
