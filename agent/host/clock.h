/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIP4_CLOCK_H
#define MIP4_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_us(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * 1000000 + ts->tv_nsec / 1000;
}

/* CLOCK_MONOTONIC, microseconds. */
static inline uint64_t clock_mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return clock_us(&ts);
}

/* A time stamp of CLOCK_REALTIME from the near past, as CLOCK_MONOTONIC microseconds. */
static inline uint64_t clock_mono_us_of(const struct timespec *stamp)
{
	struct timespec real;
	uint64_t now = clock_mono_us(), age;

	clock_gettime(CLOCK_REALTIME, &real);
	age = clock_us(&real) - clock_us(stamp);
	/* A step of the clock in between makes it meaningless. */
	return age < 1000000 ? now - age : now;
}

#endif /* MIP4_CLOCK_H */
