/* SPDX-License-Identifier: GPL-2.0-only */
/* Time, as what runs on an event loop sees it. */
#ifndef MIP4_SELFTEST_LOOP_H
#define MIP4_SELFTEST_LOOP_H

#include <event2/event.h>

static inline void end_loop(evutil_socket_t fd, short what, void *base)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(base);
}

static inline void let_pass(struct event_base *base, long ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_base_once(base, -1, EV_TIMEOUT, end_loop, base, &tv);
	event_base_dispatch(base);
}

#endif /* MIP4_SELFTEST_LOOP_H */
