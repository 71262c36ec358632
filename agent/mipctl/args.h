/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The words of a command line: keywords from tables, values checked and
 * turned into the bytes of a netlink attribute.
 */
#ifndef MIPCTL_ARGS_H
#define MIPCTL_ARGS_H

#include <net/if.h>

#include "mipctl/mipctl.h"

struct args {
	int argc;
	char **argv;
	int pos;			/* of the next word */
	const struct object *obj;	/* for hints in errors */
};

/* Spellings of an enum by value; a hole is NULL. */
struct names {
	const char *const *name;
	unsigned int n;
};

enum val_type {
	VAL_U8, VAL_U16, VAL_U32,	/* host byte order */
	VAL_KEY,		/* u32 in network byte order */
	VAL_HEX64,		/* u64 written in hex, with or without 0x */
	VAL_TIME,		/* u32 seconds */
	VAL_MSEC,		/* u32 milliseconds, written in seconds or with a unit */
	VAL_INET,		/* IPv4 address */
	VAL_INET_LEN,		/* IPv4 address and prefix length; struct val.plen */
	VAL_PREFIX,		/* the same, or IPv6; struct val.family */
	VAL_MAC,		/* unicast, not zero */
	VAL_DEV,		/* u32 ifindex of an interface name */
	VAL_NAME,		/* u8 by struct names */
	VAL_WORD,		/* any word; only struct val.arg */
	VAL_NONE,		/* the keyword alone */
};

struct keyword {
	const char *word;
	enum val_type type;
	uint16_t attr;			/* netlink attribute */
	uint8_t where;			/* the table owner's: which nest attr is in */
	const struct names *names;	/* VAL_NAME */
	uint64_t min, max;		/* numbers and times; max 0: the type's */
	const char *special;		/* one spelling for the value special_val */
	uint32_t special_val;
};

/* A row of a table; the rest by designators. */
#define KEYWORD(w, t, ...) { .word = (w), .type = (t), ##__VA_ARGS__ }

struct val {
	const char *key, *arg;	/* as written; key NULL: not given */
	uint8_t len;		/* of data */
	uint8_t family;		/* of addresses: AF_INET or AF_INET6 */
	uint8_t plen;		/* of addresses: length of the prefix, or VAL_NO_PLEN */
	uint8_t data[16];
};

#define VAL_NO_PLEN 255

const char *arg_peek(const struct args *a);
const char *arg_next(struct args *a);

/* Prints `Error: argument "ARG" is wrong: …`; returns CTL_USAGE. */
__attribute__((format(printf, 2, 3))) int arg_wrong(const char *arg, const char *fmt, ...);

/* Prints that KEY needs a value or must be there; returns CTL_USAGE. */
int arg_incomplete(const struct args *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Takes the next word, a keyword of the table (full spelling). CTL_HELP if it
 * is "help", after printing it.
 */
int arg_keyword(struct args *a, const struct keyword *tab, size_t n, const struct keyword **kw);

/* Takes the value of kw into v; refuses a second one. */
int arg_val(struct args *a, const struct keyword *kw, struct val *v);

/* The whole rest of the line: keywords of tab into vals, by index. */
int arg_all(struct args *a, const struct keyword *tab, size_t n, struct val *vals);

/* No word may be left. */
int arg_end(struct args *a);

uint32_t val_u32(const struct val *v);

/* ifindex of a name or ifN; 0 if there is none. */
uint32_t dev_index(const char *name);

/* Name by ifindex, ifN if it has none here; valid until the next call of either. */
const char *dev_name(uint32_t index);
void dev_forget(void);

/* The spelling of a value; NULL if it has none. */
const char *name_of(const struct names *names, unsigned int value);

void help_print(const struct object *obj, FILE *to);

extern const struct names encap_names, arp_names, orphan_names, multicast_names, unknown_names,
	port_mode_names, leg_state_names, reason_names, unreachable_names, onoff_names;

#endif /* MIPCTL_ARGS_H */
