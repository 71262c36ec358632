/* SPDX-License-Identifier: GPL-2.0-only */
/* emit's two halves: messages by hand, and those of the unit tests. */
#ifndef SELFTESTS_WIRE_EMIT_H
#define SELFTESTS_WIRE_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct expect {
	const char *field;
	const char *value;	/* several occurrences: joined by commas; ~: a regular expression */
};

/* One frame; @expect ends with an empty field. whole: nothing of it may be left over or unread. */
void emit_frame(const char *name, const uint8_t *data, size_t len, bool whole, const struct expect *expect);

/* A message of the unit tests, by what our own codec reads in it. */
void describe(const uint8_t *data, size_t len);
/* What no tshark tells, with the tests that do instead; false: one of those isn't there. */
bool print_untold(void);

#endif /* SELFTESTS_WIRE_EMIT_H */
