/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What survives the agent: one row per registration. A write is an action of
 * the core and its completion an event; the policy says when it is complete.
 */
#ifndef MIP4_STORE_H
#define MIP4_STORE_H

#include "core/core.h"

/* When a write is done: option store of mip4d.conf(5). */
enum store_policy {
	STORE_PROCESS,	/* the kernel has it: survives kill -9, not a power cut */
	STORE_DISK,	/* the disk has it */
	STORE_NONE,	/* at once, and it ends with the process */
};

struct store;

/* A store_put() is done, within the call or, for STORE_DISK, within store_sync(): in their order, once each. */
typedef void (*store_done_fn)(void *arg, uint64_t cookie, int error, const char *text);

/*
 * Creates @dir/registrations.db if need be; STORE_NONE only empties one that is
 * there. NULL with a sentence in @text (CORE_TEXT_MAX).
 */
struct store *store_open(const char *dir, enum store_policy policy, store_done_fn done, void *arg, char *text);
/* What waits is done before. */
void store_close(struct store *store);
/* Of a running one. False: not without a start, for nothing would be there to go on with; @text says so. */
bool store_set_policy(struct store *store, enum store_policy policy, char *text);

/* Failures are logged. */
void store_put(struct store *store, const struct core_record *record);
void store_del(struct store *store, uint64_t cookie);
/* Do writes wait for store_sync()? Until then none of them is there after a kill. */
bool store_waits(const struct store *store);
/* As one, for what the disk takes for one: nothing else happens meanwhile. */
void store_sync(struct store *store);

/* 0 or a positive errno; @text then says why. */
int store_walk(struct store *store, void (*fn)(void *arg, const struct core_record *record), void *arg, char *text);

#endif /* MIP4_STORE_H */
