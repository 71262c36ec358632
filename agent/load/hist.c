// SPDX-License-Identifier: GPL-2.0-only
#include "load/hist.h"

/* Below HIST_SUB one bucket a microsecond, then HIST_SUB to each power of two. */
static unsigned int bucket_of(uint64_t us)
{
	unsigned int power;

	if (us < HIST_SUB)
		return us;
	power = 63 - __builtin_clzll(us) - HIST_SUB_BITS;
	if (power >= HIST_POWERS)
		return HIST_BUCKETS - 1;
	return HIST_SUB * (power + 1) + (us >> power) - HIST_SUB;
}

static uint64_t upper_end(unsigned int bucket)
{
	unsigned int power = bucket / HIST_SUB;

	if (!power)
		return bucket;
	power--;
	return ((uint64_t)(HIST_SUB + bucket % HIST_SUB + 1) << power) - 1;
}

void hist_add(struct hist *hist, uint64_t us)
{
	hist->n++;
	if (us > hist->max)
		hist->max = us;
	hist->bucket[bucket_of(us)]++;
}

uint64_t hist_at(const struct hist *hist, unsigned int per_mille)
{
	uint64_t want = (hist->n * per_mille + 999) / 1000, seen = 0;

	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		seen += hist->bucket[i];
		if (seen && seen >= want)
			return upper_end(i) < hist->max ? upper_end(i) : hist->max;
	}
	return hist->max;
}
