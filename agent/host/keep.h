/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What outlives this process: its UDP sockets, by which the kernel tunnels while no agent runs. Under a service manager
 * that keeps file descriptors (systemd) they are there, else with a small process of our own.
 */
#ifndef MIP4_KEEP_H
#define MIP4_KEEP_H

#include <netinet/in.h>
#include <stdbool.h>

struct keep;

/* Tells the service manager, if there is one: sd_notify(3). */
void keep_notify(const char *state);

/*
 * Takes up what an earlier process has left, if any. @path is the keeper's
 * socket, which is made when there is something to keep. NULL: no memory.
 */
struct keep *keep_open(const char *path);
/* What is kept stays so. */
void keep_close(struct keep *keep);
/* An end for good: what is kept goes. The service manager knows by itself. */
void keep_end(struct keep *keep);

/* Is there a socket bound to that, left by an earlier process? */
bool keep_has(const struct keep *keep, struct in_addr addr, uint16_t port);
/* It, for good, or -1. */
int keep_take(struct keep *keep, struct in_addr addr, uint16_t port);
/* Close what nobody took. */
void keep_sweep(struct keep *keep);

/* From now on @fd, bound to @addr, is kept, or no longer. A failure is logged, and costs nothing now. */
void keep_add(struct keep *keep, struct in_addr addr, int fd);
void keep_drop(struct keep *keep, struct in_addr addr);

/* The keeper: serves on its socket, which is file descriptor 3, until told to end. Returns an exit status. */
int keep_serve(void);

#endif /* MIP4_KEEP_H */
