/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints mip4:*. Addresses are arrays of bytes and names come from lists,
 * so that perf and trace-cmd print them as well as tracefs does. GRE keys of
 * bindings are not in them.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mip4

#if !defined(_MIP4_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MIP4_TRACE_H

#include <linux/ip.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/tracepoint.h>

#include "binding.h"
#include "device.h"
#include "leg.h"
#include "stats.h"

#define MIP4_TRACE_DROP_ENUM(name, text) TRACE_DEFINE_ENUM(MIP4_DROP_##name);
#define MIP4_TRACE_DROP_TEXT(name, text) { MIP4_DROP_##name, text },

MIP4_DROP_REASONS(MIP4_TRACE_DROP_ENUM)
TRACE_DEFINE_ENUM(__MIP4_DROP_MAX);

TRACE_DEFINE_ENUM(MIP4_DEL_REQUEST);
TRACE_DEFINE_ENUM(MIP4_DEL_FLUSH);
TRACE_DEFINE_ENUM(MIP4_DEL_EXPIRED);
TRACE_DEFINE_ENUM(MIP4_DEL_PORT);
TRACE_DEFINE_ENUM(MIP4_DEL_LINK);
TRACE_DEFINE_ENUM(MIP4_DEL_ORPHAN);
static_assert(MIP4_DEL_MAX == MIP4_DEL_ORPHAN);

/* A binding was made or changed: what group "bindings" hears. */
DECLARE_EVENT_CLASS(mip4_binding,

	TP_PROTO(const struct mip4_binding *b, __be32 peer),

	TP_ARGS(b, peer),

	TP_STRUCT__entry(
		__array(char,	dev,	IFNAMSIZ)
		__field(u32,	id)
		__field(u32,	realm)
		__array(u8,	home,	4)
		__field(u32,	port)
		__array(u8,	mac,	ETH_ALEN)
		__array(u8,	peer,	4)
	),

	TP_fast_assign(
		strscpy(__entry->dev, b->mip->dev->name, IFNAMSIZ);
		__entry->id = b->id;
		__entry->realm = b->addr.realm;
		memcpy(__entry->home, &b->addr.addr, 4);
		__entry->port = b->mac.ifindex;
		memcpy(__entry->mac, b->mac.mac, ETH_ALEN);
		memcpy(__entry->peer, &peer, 4);
	),

	TP_printk("dev=%s id=%u realm=%u home=%pI4 port=%u mac=%pM peer=%pI4",
		  __entry->dev, __entry->id, __entry->realm, __entry->home,
		  __entry->port, __entry->mac, __entry->peer)
);

DEFINE_EVENT(mip4_binding, mip4_attach,
	TP_PROTO(const struct mip4_binding *b, __be32 peer),
	TP_ARGS(b, peer)
);

DEFINE_EVENT(mip4_binding, mip4_change,
	TP_PROTO(const struct mip4_binding *b, __be32 peer),
	TP_ARGS(b, peer)
);

/* A binding goes, and why. */
TRACE_EVENT(mip4_detach,

	TP_PROTO(const struct mip4_binding *b, enum mip4_del_reason reason),

	TP_ARGS(b, reason),

	TP_STRUCT__entry(
		__array(char,	dev,	IFNAMSIZ)
		__field(u32,	id)
		__field(u32,	realm)
		__array(u8,	home,	4)
		__field(u8,	reason)
	),

	TP_fast_assign(
		strscpy(__entry->dev, b->mip->dev->name, IFNAMSIZ);
		__entry->id = b->id;
		__entry->realm = b->addr.realm;
		memcpy(__entry->home, &b->addr.addr, 4);
		__entry->reason = reason;
	),

	TP_printk("dev=%s id=%u realm=%u home=%pI4 reason=%s",
		  __entry->dev, __entry->id, __entry->realm, __entry->home,
		  __print_symbolic(__entry->reason,
				   { MIP4_DEL_REQUEST, "request" },
				   { MIP4_DEL_FLUSH, "flush" },
				   { MIP4_DEL_EXPIRED, "expired" },
				   { MIP4_DEL_PORT, "port" },
				   { MIP4_DEL_LINK, "link" },
				   { MIP4_DEL_ORPHAN, "orphan" }))
);

/* A packet of some tunnel for this router that isn't ours, so passed on. */
TRACE_EVENT(mip4_miss,

	TP_PROTO(const struct sk_buff *skb, const struct mip4_demux_key *key,
		 const struct iphdr *inner),

	TP_ARGS(skb, key, inner),

	TP_STRUCT__entry(
		__array(char,	dev,	IFNAMSIZ)
		__array(u8,	local,	4)
		__array(u8,	peer,	4)
		__field(u8,	proto)
		__field(bool,	keyed)
		__field(u32,	key)
		__array(u8,	saddr,	4)
		__array(u8,	daddr,	4)
	),

	TP_fast_assign(
		strscpy(__entry->dev, skb->dev->name, IFNAMSIZ);
		memcpy(__entry->local, &key->local, 4);
		memcpy(__entry->peer, &key->peer, 4);
		__entry->proto = ip_hdr(skb)->protocol;
		__entry->keyed = key->flags & MIP4_DEMUX_KEYED;
		__entry->key = ntohl(key->key);
		memcpy(__entry->saddr, &inner->saddr, 4);
		memcpy(__entry->daddr, &inner->daddr, 4);
	),

	TP_printk("dev=%s local=%pI4 peer=%pI4 proto=%u keyed=%d key=0x%x saddr=%pI4 daddr=%pI4",
		  __entry->dev, __entry->local, __entry->peer, __entry->proto,
		  __entry->keyed, __entry->key, __entry->saddr, __entry->daddr)
);

/*
 * A packet ends here. Addresses are those of the IPv4 header at the network
 * header, which is the outer one until that is taken off; zero if there is
 * none.
 */
TRACE_EVENT(mip4_drop,

	TP_PROTO(const struct net_device *dev, u32 id,
		 const struct sk_buff *skb, const struct iphdr *iph,
		 enum mip4_drop reason),

	TP_ARGS(dev, id, skb, iph, reason),

	TP_STRUCT__entry(
		__array(char,	dev,	IFNAMSIZ)
		__field(u32,	id)
		__field(const void *, skbaddr)
		__field(u32,	len)
		__field(u16,	protocol)
		__array(u8,	saddr,	4)
		__array(u8,	daddr,	4)
		__field(u8,	reason)
	),

	TP_fast_assign(
		strscpy(__entry->dev, dev->name, IFNAMSIZ);
		__entry->id = id;
		__entry->skbaddr = skb;
		__entry->len = skb->len;
		__entry->protocol = ntohs(skb->protocol);
		memcpy(__entry->saddr, &iph->saddr, 4);
		memcpy(__entry->daddr, &iph->daddr, 4);
		__entry->reason = reason;
	),

	TP_printk("dev=%s id=%u skbaddr=%p len=%u protocol=0x%04x saddr=%pI4 daddr=%pI4 reason=%s",
		  __entry->dev, __entry->id, __entry->skbaddr, __entry->len,
		  __entry->protocol, __entry->saddr, __entry->daddr,
		  __print_symbolic(__entry->reason,
				   MIP4_DROP_REASONS(MIP4_TRACE_DROP_TEXT)
				   { __MIP4_DROP_MAX, "?" }))
);

#endif /* _MIP4_TRACE_H */

/* Kbuild adds this directory to trace.o's include path */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
