/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One print call gives a field in both forms: `word value` in text,
 * "key": value in JSON. Objects are printed one at a time; the array around
 * them is never held in memory.
 */
#ifndef MIPCTL_PRINT_H
#define MIPCTL_PRINT_H

#include <netinet/in.h>

#include "mipctl/args.h"

struct json_object;

enum pr_class { PR_PLAIN, PR_IFNAME, PR_MAC, PR_INET, PR_UP, PR_DOWN };

/* As a word: nothing in text. NULL as a word: the value alone. */
extern const char PR_JSON[];

/* when: "always", "auto" or "never". False: none of them. */
bool pr_color(const char *when);

void pr_array_begin(void);	/* around the objects of one command … */
void pr_array_end(void);
void pr_stream(void);		/* … or instead of it: one JSON object per line */

void pr_begin(void);
void pr_end(void);

/* JSON only: what follows goes into an object or list under key, or into a list if NULL. */
void pr_open_object(const char *key);
void pr_open_list(const char *key);
void pr_close(void);

/* Text only. */
void pr_line(void);		/* an indented line of the same object */
void pr_text(const char *text);

void pr_str(enum pr_class cls, const char *key, const char *word, const char *value);
void pr_uint(const char *key, const char *word, uint64_t value);
void pr_count(const char *key, const char *word, uint64_t value);	/* -h, -iec */
void pr_bool(const char *key, const char *word, bool value);		/* text: on, off */
void pr_hex(const char *key, const char *word, uint32_t value);		/* JSON: number */
void pr_secs(const char *key, const char *word, uint32_t value);
void pr_msecs(const char *key, const char *word, uint64_t value);	/* text in seconds */
void pr_name(const char *key, const char *word, const struct names *names, unsigned int value);
void pr_dev(const char *key, const char *word, uint32_t index);
void pr_inet(const char *key, const char *word, struct in_addr addr, const char *suffix);
void pr_mac(const char *key, const char *word, const uint8_t *mac);
void pr_now(void);	/* -t, -ts */

/*
 * In place: control characters and what isn't UTF-8 become '?'. pr_str() does it
 * by itself; names of interfaces and NAIs are other people's bytes.
 */
void text_clean(char *text);

/* As text that is safe to print; valid until the eighth call after it. */
const char *json_text(struct json_object *v);
const char *json_member(struct json_object *obj, const char *key);	/* NULL: there is none */

/* JSON only: a value as it came; takes a reference of its own. */
void pr_json(const char *key, struct json_object *value);

#endif /* MIPCTL_PRINT_H */
