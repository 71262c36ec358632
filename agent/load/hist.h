/* SPDX-License-Identifier: GPL-2.0-only */
/* Times in microseconds, kept by their first eight bits: percentiles within 0.8 %, the longest exactly. */
#ifndef MIP4_LOAD_HIST_H
#define MIP4_LOAD_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS	7
#define HIST_SUB	(1 << HIST_SUB_BITS)	/* buckets to a power of two */
#define HIST_POWERS	26		/* from HIST_SUB us on: up to more than two hours */
#define HIST_BUCKETS	(HIST_SUB * (HIST_POWERS + 1))

struct hist {
	uint64_t n, max;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *hist, uint64_t us);
/* The time that @per_mille of a thousand didn't exceed, as its bucket's upper end; 0 if there is none at all. */
uint64_t hist_at(const struct hist *hist, unsigned int per_mille);

#endif /* MIP4_LOAD_HIST_H */
