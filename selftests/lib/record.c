// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linked into native tests with --wrap=wire_parse: what they parse, so what they
 * and the agents in them have built, is written down for selftests/wire/tshark.sh,
 * one message of each shape. MESSAGES names the file; it grows.
 */
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>

#define SHAPES 8192	/* power of two; beyond that, no more are written */

enum wire_error __real_wire_parse(const uint8_t *buf, size_t len, struct wire_msg *msg);
enum wire_error __wrap_wire_parse(const uint8_t *buf, size_t len, struct wire_msg *msg);

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * 0x100000001b3;
}

/* Same types in the same order, same flags, codes and methods; addresses, names and keys make no other shape. */
static uint64_t shape_of(const struct wire_msg *msg)
{
	uint64_t hash = mix(0xcbf29ce484222325, msg->type);
	bool lifetime = msg->type == WIRE_RRQ || msg->type == WIRE_RRP;

	/* Flags, code or direction; what of these isn't in the second byte is where others have a lifetime. */
	hash = mix(hash, msg->buf[1]);
	if (!lifetime)
		hash = mix(mix(hash, msg->buf[2]), msg->buf[3]);
	for (unsigned int i = 0; i < msg->n_ext; i++) {
		const struct wire_ext *ext = &msg->ext[i];

		hash = mix(mix(hash, ext->type), ext->sub);
		hash = mix(hash, ext->type == WIRE_EXT_PMIP && ext->len ? ext->data[0] : ext->len);
	}
	return hash ? hash : 1;
}

static bool is_new(uint64_t shape)
{
	static uint64_t seen[SHAPES];
	size_t at = shape % SHAPES;

	for (unsigned int n = 0; n < SHAPES / 2; n++, at = (at + 1) % SHAPES) {
		if (seen[at] == shape)
			return false;
		if (!seen[at]) {
			seen[at] = shape;
			return true;
		}
	}
	return false;
}

static void write_down(const uint8_t *buf, size_t len)
{
	static FILE *file;
	const char *name = getenv("MESSAGES");

	if (!file && name)
		file = fopen(name, "a");
	if (!file)
		return;
	for (size_t i = 0; i < len; i++)
		fprintf(file, "%02x", buf[i]);
	putc('\n', file);
	fflush(file);		/* a test may end in any way */
}

enum wire_error __wrap_wire_parse(const uint8_t *buf, size_t len, struct wire_msg *msg)
{
	enum wire_error error = __real_wire_parse(buf, len, msg);

	if (!error && is_new(shape_of(msg)))
		write_down(buf, len);
	return error;
}
