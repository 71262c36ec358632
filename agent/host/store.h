/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What survives the agent: one row per registration. A write is an action of
 * the core and its completion an event; here the write is done when the call
 * returns. Policy "process": survives kill -9 of the agent, not a power cut.
 */
#ifndef MIP4_STORE_H
#define MIP4_STORE_H

#include "core/core.h"

struct store;

/* Creates @dir/registrations.db if need be. NULL with a sentence in @text (CORE_TEXT_MAX). */
struct store *store_open(const char *dir, char *text);
void store_close(struct store *store);

/* 0 or a positive errno; @text then says why. */
int store_put(struct store *store, const struct core_record *record, char *text);
int store_del(struct store *store, uint64_t cookie, char *text);
int store_walk(struct store *store, void (*fn)(void *arg, const struct core_record *record), void *arg, char *text);

#endif /* MIP4_STORE_H */
