/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text layer of the configuration: libconfuse reads sections and values,
 * this keeps the line of each and turns them into checked types. It catches
 * what libconfuse lets through: unclosed sections, strings and comments, unset
 * variables, options given twice, negative, octal and overflowing numbers.
 */
#ifndef MIP4_CONFIG_TEXT_H
#define MIP4_CONFIG_TEXT_H

#include <confuse.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Where complaints go: "FILE:LINE: option path: message (hint)" each. */
struct diag {
	FILE *out;
	const char *file;
	unsigned int errors;
};

/* @path and @hint may be NULL; @line 0 = the file as a whole. */
void diag_error(struct diag *diag, int line, const char *path, const char *hint,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* A value as written, and where. */
struct item {
	int line;
	char text[];
};

/* One section, open for reading. */
struct section {
	struct diag *diag;
	cfg_t *cfg;
	int line;		/* of its opening brace; 0 = the file */
	char path[400];		/* "peer 192.0.2.1 spi 0x100"; "" = the file */
};

struct config_text;

/* NULL after an error, which is in @diag by then. */
struct config_text *config_text_read(const char *path, struct diag *diag);
void config_text_free(struct config_text *text);
void config_text_root(struct config_text *text, struct diag *diag, struct section *root);
/* Sub-section @index of @kind; false when there are no more. */
bool section_open(struct config_text *text, const struct section *parent, const char *kind,
		  unsigned int index, struct section *sub);
unsigned int section_count(const struct section *sec, const char *kind);
const char *section_title(const struct section *sec);

/* A complaint about one option of @sec, at its line, or at the section's when it is missing. */
void section_error(const struct section *sec, const char *option, const char *hint,
		   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* @option has no place in @sec unless @role is ours: @why, and by @hint it goes. */
void only_if(bool role, const struct section *sec, const char *option, const char *hint, const char *why);

/* NULL if it isn't there. */
const struct item *item_get(const struct section *sec, const char *option, unsigned int index);
unsigned int item_count(const struct section *sec, const char *option);

/*
 * Typed values. True: @out is set. False: the option is absent (and @out
 * untouched), or wrong and complained about. A MUST one complains when absent.
 */
#define MUST	true
#define MAY	false
bool get_bool(const struct section *sec, const char *option, bool *out);
bool get_number(const struct section *sec, const char *option, bool must,
		uint64_t min, uint64_t max, uint64_t *out);
/* @size counts the NUL; an empty string is refused. */
bool get_string(const struct section *sec, const char *option, bool must, char *out, size_t size);
/* Which of @names, by index; @hint lists them. False: it isn't there, or has been complained about. */
bool get_choice(const struct section *sec, const char *option, const char *hint, const char *const *names,
		unsigned int n, unsigned int *choice);
bool get_addr(const struct section *sec, const char *option, bool must, struct in_addr *out);

/* The same rules for @text in other places: part of @option, or the section's title (@option NULL). */
bool parse_number(const struct section *sec, const char *option, int line, const char *text,
		  uint64_t min, uint64_t max, uint64_t *out);
bool parse_addr(const struct section *sec, const char *option, int line, const char *text,
		struct in_addr *out);

#endif /* MIP4_CONFIG_TEXT_H */
