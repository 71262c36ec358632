/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_EVENT_H
#define _MIP4_EVENT_H

#include <linux/types.h>

struct mip4_binding;
struct mip4_bucket;
struct mip4_dev;
struct mip4_peer;
struct mip4_port;

bool mip4_event_wanted(struct mip4_dev *mip, struct mip4_bucket *bucket);
void mip4_event_unknown(struct mip4_port *port, const u8 *mac, u16 ethertype,
			__be32 saddr);
void mip4_event_spoof(struct mip4_binding *b, __be32 saddr);
void mip4_event_spoof6(struct mip4_binding *b, const struct in6_addr *saddr);
void mip4_event_peer(struct mip4_peer *peer);
void mip4_event_socket(struct mip4_dev *mip);

#endif /* _MIP4_EVENT_H */
