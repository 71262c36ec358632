// SPDX-License-Identifier: GPL-2.0-only
/* Peers: route cache, path MTU and error state, shared by legs. */
#include <linux/icmp.h>
#include <linux/slab.h>
#include <net/route.h>

#include "binding.h"
#include "device.h"
#include "minimal.h"
#include "net.h"
#include "peer.h"
#include "udp.h"

const struct rhashtable_params mip4_peer_params = {
	.head_offset = offsetof(struct mip4_peer, node.rhead),
	.key_offset = offsetof(struct mip4_peer, key),
	.key_len = sizeof(struct mip4_peer_key),
	.automatic_shrinking = true,
};

static struct mip4_peer *mip4_peer_find(struct mip4_dev *mip,
					const struct mip4_peer_key *key)
{
	struct rhlist_head *list, *pos;
	struct mip4_peer *peer;

	rcu_read_lock();
	list = rhltable_lookup(&mip->mn->peers, key, mip4_peer_params);
	rhl_for_each_entry_rcu(peer, pos, list, node) {
		if (peer->mip == mip) {
			rcu_read_unlock();
			return peer;
		}
	}
	rcu_read_unlock();
	return NULL;
}

/**
 * mip4_peer_get() - the peer for one more leg
 * @mip: device of the leg
 * @key: which
 *
 * Context: process, mip4_net.lock held.
 *
 * Return: the peer, to be given back by mip4_peer_put(), or an ERR_PTR().
 */
struct mip4_peer *mip4_peer_get(struct mip4_dev *mip,
				const struct mip4_peer_key *key)
{
	struct mip4_peer *peer;
	int err, tries = 0;

	lockdep_assert_held(&mip->mn->lock);
	/* only holders of the lock free peers */
	peer = mip4_peer_find(mip, key);
	if (peer) {
		peer->legs++;
		return peer;
	}

	peer = kzalloc(sizeof(*peer), GFP_KERNEL_ACCOUNT);
	if (!peer)
		return ERR_PTR(-ENOMEM);
	peer->key = *key;
	peer->legs = 1;
	peer->mip = mip;
	mip4_bucket_init(&peer->icmp, 32, 100);
	err = dst_cache_init(&peer->dst_cache, GFP_KERNEL_ACCOUNT);
	if (err)
		goto err_free;
	err = xa_alloc(&mip->peers, &peer->id, peer, xa_limit_32b, GFP_KERNEL);
	if (err)
		goto err_cache;
	do {
		err = rhltable_insert(&mip->mn->peers, &peer->node,
				      mip4_peer_params);
	} while (mip4_table_retry(&mip->mn->peers.ht, err, &tries));
	if (err)
		goto err_id;
	return peer;

err_id:
	xa_erase(&mip->peers, peer->id);
	/* a dump may have seen it */
	synchronize_rcu();
err_cache:
	dst_cache_destroy(&peer->dst_cache);
err_free:
	kfree(peer);
	return ERR_PTR(err);
}

static void mip4_peer_free(struct rcu_head *rcu)
{
	struct mip4_peer *peer = container_of(rcu, struct mip4_peer, rcu);

	dst_cache_destroy(&peer->dst_cache);
	kfree(peer);
}

/**
 * mip4_peer_put() - give a peer back
 * @peer: from mip4_peer_get()
 *
 * Context: process, mip4_net.lock held.
 */
void mip4_peer_put(struct mip4_peer *peer)
{
	struct mip4_dev *mip = peer->mip;

	lockdep_assert_held(&mip->mn->lock);
	if (--peer->legs)
		return;
	rhltable_remove(&mip->mn->peers, &peer->node, mip4_peer_params);
	xa_erase(&mip->peers, peer->id);
	call_rcu(&peer->rcu, mip4_peer_free);
}

/**
 * mip4_peers_reroute() - forget the routes to peers
 * @mip: device
 * @encap: of those of that encapsulation
 *
 * Context: process.
 */
void mip4_peers_reroute(struct mip4_dev *mip, enum mip4_encap encap)
{
	struct mip4_peer *peer;
	unsigned long id;

	mutex_lock(&mip->mn->lock);
	xa_for_each(&mip->peers, id, peer) {
		if (peer->key.encap == encap)
			dst_cache_reset(&peer->dst_cache);
	}
	mutex_unlock(&mip->mn->lock);
}

static struct rtable *mip4_peer_lookup(const struct mip4_peer *peer, u8 proto,
				       __be32 *saddr)
{
	const struct mip4_dev *mip = peer->mip;
	struct flowi4 fl4;
	struct rtable *rt;

	ip_tunnel_init_flow(&fl4, proto, peer->key.remote, peer->key.local, 0,
			    0, mip->net, mip->link, 0, 0, 0);
	if (proto == IPPROTO_UDP) {
		fl4.fl4_sport = mip4_udp_port(mip, peer->key.local);
		fl4.fl4_dport = peer->key.port;
	}
	rt = ip_route_output_key(mip->net, &fl4);
	*saddr = fl4.saddr;
	return rt;
}

/**
 * mip4_peer_fallback() - route of what minimal encapsulation can't carry
 * @peer: to whom
 *
 * Rare, so it isn't cached; a firewall or XFRM policy may treat protocol 4 in
 * its own way. Context: bottom halves off, RCU.
 *
 * Return: a referenced route or an ERR_PTR().
 */
struct rtable *mip4_peer_fallback(struct mip4_peer *peer)
{
	__be32 saddr;

	atomic64_inc(&peer->fallbacks);
	return mip4_peer_lookup(peer, IPPROTO_IPIP, &saddr);
}

/**
 * mip4_peer_route() - route of outer packets
 * @peer: to whom
 *
 * The TOS of a packet never chooses the route: one cached route per peer.
 * Context: bottom halves off, RCU.
 *
 * Return: a referenced route or an ERR_PTR().
 */
struct rtable *mip4_peer_route(struct mip4_peer *peer)
{
	static const u8 proto[] = {
		[MIP4_ENCAP_IPIP]	= IPPROTO_IPIP,
		[MIP4_ENCAP_GRE]	= IPPROTO_GRE,
		[MIP4_ENCAP_MINIMAL]	= MIP4_IPPROTO_MINIMAL,
		[MIP4_ENCAP_UDP]	= IPPROTO_UDP,
	};
	struct rtable *rt;
	__be32 saddr;
	u32 mtu;

	rt = dst_cache_get_ip4(&peer->dst_cache, &saddr);
	if (unlikely(!rt)) {
		rt = mip4_peer_lookup(peer, proto[peer->key.encap], &saddr);
		if (IS_ERR(rt))
			return rt;
		dst_cache_set_ip4(&peer->dst_cache, &rt->dst, saddr);
	}
	mtu = dst_mtu(&rt->dst);
	if (unlikely(READ_ONCE(peer->mtu) != mtu))
		WRITE_ONCE(peer->mtu, mtu);
	return rt;
}

/**
 * mip4_peer_unreachable() - what was a peer last said to be?
 * @peer: which
 * @at: set to when that was, in jiffies
 *
 * Return: MIP4_UNREACHABLE_NO also when that is too long ago.
 */
enum mip4_unreachable mip4_peer_unreachable(struct mip4_peer *peer,
					    unsigned long *at)
{
	*at = READ_ONCE(peer->unreachable_at);
	if (!*at)
		return MIP4_UNREACHABLE_NO;
	if (time_before(jiffies, *at + MIP4_PEER_SOFT))
		return READ_ONCE(peer->unreachable);
	/* before jiffies come round to it again */
	cmpxchg(&peer->unreachable_at, *at, 0);
	return MIP4_UNREACHABLE_NO;
}

/**
 * mip4_peer_tell() - is a sender of inner packets to be told something?
 * @peer: to whom they go
 * @on_link: whether the sender takes their destination for a neighbour
 *
 * RFC 2003 section 4: protocol unreachable means nothing to who didn't choose
 * the protocol, and a loop within the tunnel is a host that can't be reached.
 *
 * Return: a code of ICMP_DEST_UNREACH, or -1: nothing, or not again so soon.
 */
int mip4_peer_tell(struct mip4_peer *peer, bool on_link)
{
	unsigned long at;
	int code;

	switch (mip4_peer_unreachable(peer, &at)) {
	case MIP4_UNREACHABLE_NET:
	case MIP4_UNREACHABLE_PROTOCOL:
		code = on_link ? ICMP_HOST_UNREACH : ICMP_NET_UNREACH;
		break;
	case MIP4_UNREACHABLE_HOST:
	case MIP4_UNREACHABLE_TTL:
		code = ICMP_HOST_UNREACH;
		break;
	default:
		return -1;
	}
	return mip4_bucket_take(&peer->icmp) ? code : -1;
}
