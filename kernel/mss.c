// SPDX-License-Identifier: GPL-2.0-only
/* TCP MSS clamping, in place. */
#include <linux/ip.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/tcp.h>

#include "ip6.h"
#include "mss.h"

/**
 * mip4_mss_clamp() - lower the MSS of a SYN to what a leg carries
 * @skb: starts at a checked IPv4 or IPv6 header
 * @mtu: largest inner packet
 *
 * Never raises it, never adds the option, and leaves alone what it can't read.
 */
void mip4_mss_clamp(struct sk_buff *skb, unsigned int mtu)
{
	const struct iphdr *iph = ip_hdr(skb);
	unsigned int fixed = sizeof(struct iphdr), ihl = iph->ihl * 4;
	struct tcphdr *th, buf;
	unsigned int doff, i;
	u16 want;
	u8 *opt;

	if (unlikely(mip4_is_ip6(skb))) {
		/* not behind extension headers, which no SYN has */
		if (ipv6_hdr(skb)->nexthdr != IPPROTO_TCP)
			return;
		fixed = sizeof(struct ipv6hdr);
		ihl = fixed;
	} else if (likely(iph->protocol != IPPROTO_TCP) ||
		   iph->frag_off & htons(IP_OFFSET)) {
		return;
	}
	want = max_t(int, mtu - fixed - sizeof(struct tcphdr), 0);
	th = skb_header_pointer(skb, ihl, sizeof(buf), &buf);
	if (!th || likely(!th->syn))
		return;
	doff = th->doff * 4;
	if (doff <= sizeof(*th) || skb->len < ihl + doff ||
	    skb_ensure_writable(skb, ihl + doff))
		return;

	th = (struct tcphdr *)(skb->data + ihl);
	opt = (u8 *)th;
	for (i = sizeof(*th); i < doff && opt[i] != TCPOPT_EOL;) {
		if (opt[i] == TCPOPT_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= doff || opt[i + 1] < 2 || i + opt[i + 1] > doff)
			return;
		if (opt[i] == TCPOPT_MSS && opt[i + 1] == TCPOLEN_MSS) {
			const u16 old = get_unaligned_be16(&opt[i + 2]);
			__be16 was, is;

			if (old <= want)
				return;
			/* the checksum sees whole words, wherever the option lies */
			if (i & 1) {
				was = htons(swab16(old));
				is = htons(swab16(want));
			} else {
				was = htons(old);
				is = htons(want);
			}
			put_unaligned_be16(want, &opt[i + 2]);
			inet_proto_csum_replace2(&th->check, skb, was, is,
						 false);
			return;
		}
		i += opt[i + 1];
	}
}
