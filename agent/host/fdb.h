/* SPDX-License-Identifier: GPL-2.0-only */
/* What bridges learn. If they are switches, frames of a station may be forwarded there and not get here. */
#ifndef MIP4_FDB_H
#define MIP4_FDB_H

#include <stdint.h>

struct event_base;
struct fdb;

/* @mac was learned by the bridge @bridge, an ifindex, or has moved between its members. */
typedef void (*fdb_fn)(void *arg, uint32_t bridge, const uint8_t mac[static 6]);

/* @text: CORE_TEXT_MAX bytes, why NULL was returned. What is in the tables already isn't told. */
struct fdb *fdb_open(struct event_base *base, fdb_fn learned, void *arg, char *text);
void fdb_close(struct fdb *fdb);

#endif /* MIP4_FDB_H */
