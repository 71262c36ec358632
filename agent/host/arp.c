// SPDX-License-Identifier: GPL-2.0-only
#include "host/arp.h"

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <string.h>

const uint8_t arp_everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

/* Ethertype, hardware and protocol with their lengths; the operation follows. */
static const uint8_t head[] = { ETH_P_ARP >> 8, ETH_P_ARP & 0xff, 0, ARPHRD_ETHER, ETH_P_IP >> 8, ETH_P_IP & 0xff,
				6, 4, 0 };

void arp_build(uint8_t frame[static ARP_FRAME_LEN], const uint8_t src[static 6], const uint8_t dst[static 6],
	       const struct arp *arp)
{
	memset(frame, 0, ARP_FRAME_LEN);
	memcpy(frame, dst, 6);
	memcpy(frame + 6, src, 6);
	memcpy(frame + 12, head, sizeof(head));
	frame[21] = arp->reply ? ARPOP_REPLY : ARPOP_REQUEST;
	memcpy(frame + 22, arp->sender_mac, 6);
	memcpy(frame + 28, &arp->sender, 4);
	memcpy(frame + 32, arp->target_mac, 6);
	memcpy(frame + 38, &arp->target, 4);
}

bool arp_parse(const uint8_t *frame, size_t len, struct arp *arp)
{
	if (len < 42 || memcmp(frame + 12, head, sizeof(head)) ||
	    (frame[21] != ARPOP_REPLY && frame[21] != ARPOP_REQUEST))
		return false;
	arp->reply = frame[21] == ARPOP_REPLY;
	memcpy(arp->sender_mac, frame + 22, 6);
	memcpy(&arp->sender, frame + 28, 4);
	memcpy(arp->target_mac, frame + 32, 6);
	memcpy(&arp->target, frame + 38, 4);
	return true;
}
