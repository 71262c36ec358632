/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIPCTL_LINK_H
#define MIPCTL_LINK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* What rtnetlink says about an interface. */
struct link_info {
	char kind[16];		/* "mip4", …; "" for hardware */
	char master_kind[16];	/* kind of the device it is enslaved to; "" if none */
	uint32_t master;	/* ifindex, 0 */
	bool foreign;		/* its underlay is in another network namespace */
	struct in_addr local;	/* of a mip4 device */
};

/* Asks the kernel; prints an error and returns CTL_KERNEL if it can't. */
int link_ask(uint32_t index, struct link_info *info);

/*
 * Prints the named drop counters of an interface, those that aren't zero or,
 * with all, each. Nothing if it has none.
 */
void drops_print(uint32_t index, bool all);

#endif /* MIPCTL_LINK_H */
