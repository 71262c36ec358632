/* SPDX-License-Identifier: GPL-2.0-only */
/* ARP packets for IPv4 on Ethernet: bytes and structs (RFC 826). */
#ifndef MIP4_ARP_H
#define MIP4_ARP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARP_FRAME_LEN	60	/* the least that Ethernet carries */

struct arp {
	bool reply;
	uint8_t sender_mac[6], target_mac[6];
	struct in_addr sender, target;
};

extern const uint8_t arp_everybody[6];

/* From @src to @dst: bridges learn from @src, hosts from what is in it. */
void arp_build(uint8_t frame[static ARP_FRAME_LEN], const uint8_t src[static 6], const uint8_t dst[static 6],
	       const struct arp *arp);
/* False: no such packet. */
bool arp_parse(const uint8_t *frame, size_t len, struct arp *arp);

#endif /* MIP4_ARP_H */
