/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What host.c calls, but for core, configuration, store and log, which are
 * those that ship: a kernel, a network and a DHCP server that outlive the
 * agent, which is a process of its own for each of its lives.
 */
#ifndef MIP4_SELFTEST_HOST_WORLD_H
#define MIP4_SELFTEST_HOST_WORLD_H

#include "common.h"

#include "host/host.h"

#define KERNEL_MAX	16

/* In memory that all lives and the test share. */
struct world {
	/* what happened, a letter each: see note() */
	char trace[512];
	unsigned int n_trace;
	char die_at;		/* kill -9 behind the next one of these; 0 = never */
	bool sync_fails;
	struct core_binding kernel[KERNEL_MAX];
	unsigned int n_kernel;
	struct { uint8_t data[WIRE_MSG_MAX]; size_t len; } sent;	/* the last one */
	struct in_addr attached;	/* the home address that a device was told last */
};

extern struct world *world;

/* S: a row is given to the store; f: a file of it is synced; B, U: bind, unbind; R: a message leaves; A: attached */
void note(char what);

/* @dir is where the state goes. What is synced there is copied to @cut: what a power cut leaves at worst. */
void world_new(const char *dir, const char *cut);
void world_free(void);

/*
 * Lets an agent live with @config and @state_dir: starts, then calls @live.
 * True: it ended by kill -9. False: it came to the end of @live.
 */
bool life(const char *config, const char *state_dir, void (*live)(struct host *host));

/* The loop runs until so many of @what are in the trace; not for longer than a few seconds. */
void until(struct host *host, char what, unsigned int n);
unsigned int count(char what);
/* A message comes to the agent. */
void arrive(struct host *host, const char *src, const char *dst, const struct wire_out *message);

#endif /* MIP4_SELFTEST_HOST_WORLD_H */
