/* SPDX-License-Identifier: GPL-2.0-only */
/* The last handovers with their phases, for `mipctl agent timeline`. */
#ifndef MIP4_TIMELINE_H
#define MIP4_TIMELINE_H

#include "core/core.h"

#define TIMELINE_MAX	64

struct datapath;
struct timeline;

struct handover {
	uint8_t mac[6];
	char nai[WIRE_NAI_MAX + 1], port_name[CORE_NAME_MAX], device[CORE_NAME_MAX];
	uint32_t realm;
	struct in_addr home;
	uint64_t cookie;
	struct core_timeline at;
	uint64_t first_up_us, first_down_us;	/* CLOCK_MONOTONIC, 0 = none yet */
	bool closed;				/* its binding is gone: nothing more will come */
};

struct timeline *timeline_new(void);
void timeline_free(struct timeline *timeline);
/* A device got its binding on @device. Further triggers of the same attach are ignored. */
void timeline_add(struct timeline *timeline, const struct core_reg *reg, const char *device);
/* Before its binding goes: what the kernel knows of first packets would go with it. */
void timeline_close(struct timeline *timeline, struct datapath *dp, uint64_t cookie);
/* Oldest first; asks the kernel for first packets that are still missing. */
void timeline_walk(struct timeline *timeline, struct datapath *dp,
		   void (*fn)(void *arg, const struct handover *handover), void *arg);

#endif /* MIP4_TIMELINE_H */
