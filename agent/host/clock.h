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

/*
 * What CLOCK_REALTIME is ahead of CLOCK_MONOTONIC. Who takes it once and adds
 * it to the latter has a wall clock that never steps.
 */
static inline uint64_t clock_wall_ahead_us(void)
{
	struct timespec real;

	clock_gettime(CLOCK_REALTIME, &real);
	return clock_us(&real) - clock_mono_us();
}

/* Microseconds since 1970 in NTP format, RFC 5905 s6. */
static inline uint64_t clock_ntp(uint64_t unix_us)
{
	return (unix_us / 1000000 + 2208988800ULL) << 32 | (unix_us % 1000000 << 32) / 1000000;
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
