/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the wire tests: bytes from hex, messages at the end of their page. */
#ifndef SELFTESTS_WIRE_COMMON_H
#define SELFTESTS_WIRE_COMMON_H

#include "wire/wire.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct bytes {
	uint8_t p[4096];
	size_t len;
};

/* Append hex digits; blanks are ignored. */
static inline void add_hex(struct bytes *b, const char *hex)
{
	unsigned int v;

	for (; *hex; hex++) {
		if (isspace((unsigned char)*hex))
			continue;
		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		assert_true(b->len < sizeof(b->p));
		b->p[b->len++] = v;
		hex++;
	}
}

static inline void add_bytes(struct bytes *b, const void *p, size_t len)
{
	assert_true(len <= sizeof(b->p) - b->len);
	memcpy(b->p + b->len, p, len);
	b->len += len;
}

static inline struct bytes from_hex(const char *hex)
{
	struct bytes b = { .len = 0 };

	add_hex(&b, hex);
	return b;
}

static inline struct bytes from_out(const struct wire_out *out)
{
	struct bytes b = { .len = 0 };

	assert_false(out->failed);
	add_bytes(&b, out->buf, out->len);
	return b;
}

/* A parsed message in a heap block of exactly its size, so that ASan sees one byte too far. */
struct parsed {
	struct wire_msg msg;
	enum wire_error error;
	uint8_t *heap;
};

static inline struct parsed parse_bytes(const uint8_t *p, size_t len)
{
	struct parsed parsed;

	memset(&parsed, 0xa5, sizeof(parsed));
	parsed.heap = malloc(len ? len : 1);
	assert_non_null(parsed.heap);
	memcpy(parsed.heap, p, len);
	parsed.error = wire_parse(parsed.heap, len, &parsed.msg);
	return parsed;
}

static inline struct parsed parse(const struct bytes *b)
{
	return parse_bytes(b->p, b->len);
}

static inline enum wire_error parse_error(const struct bytes *b)
{
	struct parsed parsed = parse(b);

	free(parsed.heap);
	return parsed.error;
}

static inline struct in_addr addr(const char *text)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return a;
}

static inline struct wire_sa sa_of(uint32_t spi, enum wire_alg alg, const char *key_hex)
{
	struct bytes key = from_hex(key_hex);
	struct wire_sa sa = { .spi = spi, .alg = alg, .key_len = key.len };

	assert_true(key.len <= sizeof(sa.key));
	memcpy(sa.key, key.p, key.len);
	return sa;
}

static inline void assert_bytes(const uint8_t *p, size_t len, const char *hex)
{
	struct bytes want = from_hex(hex);

	assert_int_equal(len, want.len);
	assert_memory_equal(p, want.p, len);
}

/* The RRQ of protocol/oracles.md s4. */
static inline struct wire_rrq common_rrq(void)
{
	return (struct wire_rrq){
		.flags = WIRE_RRQ_T, .lifetime = 1800, .ha = addr("192.0.2.1"),
		.coa = addr("198.51.100.7"), .id = 0xe800000000000001,
	};
}

#define MHA_KEY "000102030405060708090a0b0c0d0e0f"
#define FHA_KEY "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"

/* Fixed parts by hand, to hang extensions on; index with message_hex[]. */
enum { M_RRQ, M_RRP, M_REV, M_ACK, N_MESSAGES };

static const char *const message_hex[N_MESSAGES] __attribute__((unused)) = {
	[M_RRQ] = "01020708 00000000 c0000201 c6336407 e800000000000001",
	[M_RRP] = "03000708 0a000005 c0000201 e800000000000001",
	[M_REV] = "0700c000 0a000005 c0000201 c6336407 e8000010",
	[M_ACK] = "0f008000 0a000005 e8000010",
};

#endif /* SELFTESTS_WIRE_COMMON_H */
