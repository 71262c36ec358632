/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mipctl: objects, commands and the options that all of them read.
 */
#ifndef MIPCTL_H
#define MIPCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* What commands return; the first three are exit statuses. */
enum {
	CTL_OK = 0,
	CTL_USAGE = 1,		/* the command line is wrong */
	CTL_KERNEL = 2,		/* the kernel or the agent refused */
	CTL_HELP,		/* help was printed instead: success */
	CTL_FLUSH_FIRST,	/* bulk commands only: send what is queued, then run me again */
};

struct options {
	bool human, iec, details, json, pretty, oneline, numeric, force;
	bool timestamp, tshort;
	unsigned int stats;	/* how often -s was given */
	size_t rcvbuf;		/* bytes */
	FILE *dump_nl;		/* requests go here instead of to the kernel */
	FILE *read_nl;		/* replies come from here */
};

extern const char *const ctl_name;	/* of the command, for hints */
extern struct options opt;

struct args;

struct command {
	const char *name;
	const char *aliases;	/* separated by spaces; may be NULL */
	int (*run)(struct args *a);
	/*
	 * Batch only: sends what run() queued since the last call, and drops it
	 * either way. Prints no error, because batch repeats the lines singly.
	 */
	int (*flush)(void);
};

struct object {
	const char *name;
	const char *help;
	/* [0] is the default; ends with name NULL. An object without commands has one named "". */
	const struct command *commands;
	/* Reads words between OBJECT and COMMAND; may be NULL. */
	int (*prefix)(struct args *a);
};

extern const struct object link_object, port_object, binding_object, peer_object,
	socket_object, monitor_object, agent_object, version_object;

/* Set by batch while commands with a flush may queue instead of sending. */
extern bool ctl_bulk;

/*
 * Finds object and command of a line; *cmd is NULL when help was asked for
 * and printed. Errors are printed.
 */
int ctl_resolve(struct args *a, const struct command **cmd);

int batch_run(const char *file);

__attribute__((format(printf, 1, 2))) void ctl_err(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void ctl_warn(const char *fmt, ...);

/* Until the next ctl_quiet(false), ctl_err() prints nothing. */
void ctl_quiet(bool quiet);

/* Late write errors (a full disk) must not look like success: @rc, or CTL_KERNEL instead of CTL_OK. @f may be NULL. */
int ctl_close(FILE *f, const char *name, int rc);

#endif /* MIPCTL_H */
