// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extensions. The samples are written out byte by byte after the RFCs'
 * figures and share nothing with the codec's table.
 */
#include "common.h"

#define NAI_HEX "831075736572406578616d706c652e6e6574"	/* user@example.net */
#define FHAE_HEX "221400000200" "00000000000000000000000000000000"

enum { RRQ = 1 << M_RRQ, RRP = 1 << M_RRP, REV = 1 << M_REV, ACK = 1 << M_ACK };
#define ALL (RRQ | RRP | REV | ACK)

static const struct sample {
	const char *hex;
	uint8_t sub;
	uint16_t len;		/* of data */
	uint8_t in;		/* messages that have a place for it */
	bool built;		/* we act on it or may ignore it there */
} samples[] = {
	{ "2014 00000100 000102030405060708090a0b0c0d0e0f", 0, 20, ALL, true },
	{ "2114 00000100 000102030405060708090a0b0c0d0e0f", 0, 20, RRQ | RRP, true },
	{ "2214 00000100 000102030405060708090a0b0c0d0e0f", 0, 20, ALL, true },
	{ "24010014 00000100 000102030405060708090a0b0c0d0e0f", 1, 20, RRQ, true },
	{ "24020014 00000100 000102030405060708090a0b0c0d0e0f", 2, 20, RRQ | RRP, false },
	{ "26000006 00003297 0001", 0, 6, RRQ | RRP, true },
	/* 3GPP2's GRE key */
	{ "2600000a 0000159f 0401 00c0ffee", 0, 10, RRQ | RRP, true },
	{ "28010004 00000100", 1, 4, RRQ, false },
	{ "2901001e 00000000 00000000 00000000 0000 000102030405060708090a0b0c0d0e0f",
	  1, 30, RRP, false },
	{ "2a010004 00000100", 1, 4, RRQ, false },
	{ "2b010020 00000000 00000000 00000000 0000 0002 000102030405060708090a0b0c0d0e0f",
	  1, 32, RRP, false },
	{ "2c06 00 00 8000 006e", 0, 5, RRP, false },
	{ "2d02 00 44", 0, 1, RRP, true },
	{ "2e06 0000 c0000201", 0, 6, RRQ | RRP, false },
	{ "2f010001 01", 1, 1, RRQ | RRP, true },
	{ "30000004 00c0ffee", 0, 4, RRQ | RRP, true },
	{ "3105 01 01020304", 1, 4, RRQ | RRP, false },
	{ "32010004 01020304", 1, 4, RRQ | RRP, false },
	{ "7f010002 0102", 1, 2, RRQ | RRP, false },
	{ "8200", 0, 0, RRQ, true },
	{ NAI_HEX, 0, 16, ALL, true },
	{ "8404 a1a2a3a4", 0, 4, RRQ | RRP, true },
	/* [trap] RFC 4332's Sub-Type of one byte or two: opaque either way */
	{ "860d 0000 00000009 000e 0001 0018 ff", 0, 13, RRQ | RRP, true },
	{ "860b 0000 00000009 000e 05 0018", 0, 11, RRQ | RRP, true },
	{ "8804 01 614062", 1, 3, RRQ | RRP, true },
	{ "8906 8000 e8000000", 0, 6, RRQ | RRP, true },
	{ "8a07 03 02005e100001", 3, 6, RRQ, true },
	/* [trap] long layout in the skippable range; 4 and 0 would pass as types */
	{ "8b010004 c0000201", 1, 4, RRQ, true },
	{ "8b020004 c0000201", 2, 4, RRP, true },
	{ "8b030004 00000000", 3, 4, RRQ | RRP, true },
	{ "8c06 0000 c6336407", 0, 6, RRQ, true },
	/* [trap] ten bytes follow, whatever RFC 4857 prints */
	{ "8d0a 0000 e800000000000001", 0, 10, RRQ | RRP, true },
	{ "8d02 0000 e800000000000001", 0, 10, RRQ | RRP, true },
	{ "8e06 0000 00000708", 0, 6, RRQ | RRP, true },
	{ "9006 00 00 80 2f 0000", 0, 5, RRQ, true },
	/* [trap] Resv3 set: not understood, so skipped */
	{ "9006 00 00 80 2f 0001", 0, 5, RRQ, true },
	{ "9103 01 6869", 1, 2, RRP | REV, true },
	{ "9103 02 6869", 2, 2, RRP | REV, true },
	{ "9306 01 706f727437", 1, 5, RRQ | RRP, true },
	{ "9308 02 01 02005e100001", 2, 7, RRQ | RRP, true },
	/* [trap] an IMSI in digits or BCD: opaque either way */
	{ "9308 03 01 303031303130", 3, 7, RRQ | RRP, true },
	{ "9305 03 01 00f110", 3, 4, RRQ | RRP, true },
	{ "9302 04 01", 4, 1, RRQ, true },
	{ "9303 63 0102", 0x63, 2, RRQ | RRP, true },	/* unknown sub-type: skipped */
	{ "9406 00 18 0a010100", 0, 5, RRQ, true },
	{ "9408 01 00 18 00 0a010100", 1, 7, RRP, true },
	{ "9502 00 00", 0, 1, RRP, true },
	{ "9703 696d73", 0, 3, RRQ | RRP, true },
	{ "9812 01 40 20010db8000000000000000000000000", 1, 17, RRQ, true },
	{ "9814 02 00 40 00 20010db8000000000000000000000000", 2, 19, RRP, true },
	{ "9802 03 00", 3, 1, RRQ, true },
	{ "9902 01 80", 1, 1, RRQ | RRP, true },
	/* [trap] long layout, and skippable by number though not by its text */
	{ "9a010004 01020380", 1, 4, RRQ | RRP, true },
	{ "9a020005 01010101 00", 2, 5, RRQ | RRP, true },
	{ "ff03 01 0102", 1, 2, ALL, true },
};

#define N_SAMPLES (sizeof(samples) / sizeof(samples[0]))

static struct bytes message_with(int message, const char *exts_hex)
{
	struct bytes b = from_hex(message_hex[message]);

	add_hex(&b, exts_hex);
	return b;
}

static struct bytes with_neighbours(int message, const char *ext_hex)
{
	struct bytes b = message_with(message, NAI_HEX);

	add_hex(&b, ext_hex);
	add_hex(&b, FHAE_HEX);
	return b;
}

/* Each sample between two others, in each message: found whole, or refused by name. */
static void samples_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];
		struct bytes raw = from_hex(s->hex);

		for (int message = 0; message < N_MESSAGES; message++) {
			struct bytes b = with_neighbours(message, s->hex);
			bool place = s->in & 1 << message;
			struct parsed in = parse(&b);
			const struct wire_ext *ext = &in.msg.ext[1];

			if (raw.p[0] < 128 && !(s->built && place)) {
				assert_int_equal(in.error, WIRE_EXT_UNKNOWN);
				free(in.heap);
				continue;
			}
			if (in.error || in.msg.n_ext != 3)
				fail_msg("%s in message %d: %s, %u extensions", s->hex, message,
					 wire_error_name(in.error), in.msg.n_ext);
			assert_int_equal(ext->type, raw.p[0]);
			assert_int_equal(ext->sub, s->sub);
			assert_int_equal(ext->len, s->len);
			assert_int_equal(ext->end - ext->off, raw.len);
			assert_int_equal(ext->off, in.msg.ext[0].end);
			assert_int_equal(ext->end, in.msg.ext[2].off);
			assert_memory_equal(ext->data, raw.p + raw.len - s->len, s->len);
			assert_int_equal(in.msg.ext[2].type, WIRE_EXT_FHAE);
			assert_int_equal(in.msg.ext[2].end, b.len);
			free(in.heap);
		}
	}
}

/*
 * RFC 6098 s4.1: authenticators and a message string are permitted in a
 * notification. By anything else that is known it is refused, skippable or not.
 */
static void samples_in_notifications(void **state)
{
	unsigned int permitted = 0;

	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		struct bytes raw = from_hex(samples[i].hex);
		uint8_t type = raw.p[0];
		bool may = type == 32 || type == 33 || type == 34 || type == 145;
		struct bytes b = from_hex("16018000 0a000005 c0000201 c6336407 e800001012345678");
		enum wire_error error;

		add_bytes(&b, raw.p, raw.len);
		error = parse_error(&b);
		if (error != (may ? WIRE_OK : WIRE_EXT_UNKNOWN))
			fail_msg("%s: %s", samples[i].hex, wire_error_name(error));
		permitted += may;
	}
	assert_true(permitted >= 4);
	/* s5.2: what is new to us may be permitted by then */
	struct bytes b = from_hex("16018000 0a000005 c0000201 c6336407 e800001012345678 c803 010203");

	assert_int_equal(parse_error(&b), WIRE_OK);
}

/* ... and cut at every length by the end of the message. */
static void samples_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		struct bytes raw = from_hex(samples[i].hex);

		for (int message = 0; message < N_MESSAGES; message++) {
			for (size_t len = 1; len < raw.len; len++) {
				struct bytes b = message_with(message, "");
				enum wire_error error;

				add_bytes(&b, raw.p, len);
				error = parse_error(&b);
				if (error != WIRE_EXT_OVERRUN &&
				    !(raw.p[0] < 128 && error == WIRE_EXT_UNKNOWN))
					fail_msg("%s cut to %zu in message %d: %s", samples[i].hex,
						 len, message, wire_error_name(error));
			}
		}
	}
}

/* The codec builds the very bytes, where they have a place, and nowhere else. */
static void samples_built(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];
		struct bytes raw = from_hex(s->hex);

		if (raw.p[0] == 141 && raw.p[1] == 2)
			continue;	/* read, never sent */
		if ((raw.p[0] == 147 && s->sub == 0x63) || (raw.p[0] == 139 && s->sub == 3))
			continue;	/* unknown sub-types have no row to build by */
		for (int message = 0; message < N_MESSAGES; message++) {
			struct bytes fixed = from_hex(message_hex[message]);
			struct wire_out out = { .len = fixed.len };

			memcpy(out.buf, fixed.p, fixed.len);
			wire_put_ext(&out, raw.p[0], s->sub, raw.p + raw.len - s->len, s->len);
			if (out.failed == !!(s->in & 1 << message))
				fail_msg("%s in message %d: failed is %d", s->hex, message,
					 out.failed);
			if (out.failed) {
				assert_int_equal(out.len, fixed.len);
				continue;
			}
			assert_int_equal(out.len, fixed.len + raw.len);
			/* [5944-1.11-1] */
			assert_memory_equal(out.buf + fixed.len, raw.p, raw.len);
		}
	}
}

static bool has_sample(uint8_t type)
{
	for (size_t i = 0; i < N_SAMPLES; i++) {
		if (from_hex(samples[i].hex).p[0] == type)
			return true;
	}
	return false;
}

static void unknown_types(void **state)
{
	unsigned int refused = 0, skipped = 0;

	(void)state;
	for (unsigned int type = 1; type < 256; type++) {
		struct bytes b = with_neighbours(M_RRQ, "");
		struct parsed in;

		if (has_sample(type))
			continue;
		b = message_with(M_RRQ, NAI_HEX);
		b.p[b.len++] = type;
		b.p[b.len++] = 3;
		add_hex(&b, "222222" FHAE_HEX);	/* not three FHAEs */
		in = parse(&b);
		if (type < 128) {
			/* [5944-1.8-1] */
			assert_int_equal(in.error, WIRE_EXT_UNKNOWN);
			refused++;
		} else {
			/* [5944-1.8-2] */
			assert_int_equal(in.error, WIRE_OK);
			assert_int_equal(in.msg.n_ext, 3);
			assert_int_equal(in.msg.ext[1].type, type);
			assert_int_equal(in.msg.ext[1].len, 3);
			assert_int_equal(wire_count(&in.msg, WIRE_EXT_FHAE), 1);
			skipped++;
		}
		free(in.heap);
	}
	assert_true(refused > 80 && skipped > 80);
}

/* Type 0 is one byte long, wherever it stands; it is not an extension of ours to count. */
static void padding(void **state)
{
	struct bytes b = message_with(M_RRQ, "00" NAI_HEX "0000000000" "9302 04 01" "00");
	struct parsed in;
	uint8_t tech;

	(void)state;
	in = parse(&b);
	assert_int_equal(in.error, WIRE_OK);
	assert_int_equal(in.msg.n_ext, 2);
	assert_true(wire_get_access_tech(&in.msg, &tech));
	free(in.heap);

	b = message_with(M_RRQ, "");
	b.len += 100;	/* more than WIRE_EXT_MAX zeros */
	assert_int_equal(parse_error(&b), WIRE_OK);
}

static void too_many(void **state)
{
	struct bytes b = message_with(M_RRQ, "");
	struct parsed in;

	(void)state;
	for (int i = 0; i < WIRE_EXT_MAX; i++)
		add_hex(&b, "c800");
	in = parse(&b);
	assert_int_equal(in.error, WIRE_OK);
	assert_int_equal(in.msg.n_ext, WIRE_EXT_MAX);
	assert_int_equal(wire_count(&in.msg, 0xc8), WIRE_EXT_MAX);
	free(in.heap);
	add_hex(&b, "c800");
	assert_int_equal(parse_error(&b), WIRE_TOO_MANY);
}

/* Below the minimum of a type we act on: refused. */
static void too_short(void **state)
{
	static const char *const exts[] = {
		"2000", "2004 00000100", "2204 00000100", "26000005 0000329700", "2f010000",
		"30000003 00c0ff", "8300", "8905 8000e80000", "9301 01", "9302 02 01", "9302 03 01",
		"9301 04", "8b010000", "8b010003 c00002",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(exts) / sizeof(exts[0]); i++) {
		struct bytes b = with_neighbours(M_RRQ, exts[i]);
		enum wire_error error = parse_error(&b);

		if (error != WIRE_EXT_SHORT)
			fail_msg("%s: %s", exts[i], wire_error_name(error));
	}
}

/* Above the size of a type we act on: refused, not taken for absent. */
static void too_long(void **state)
{
	static const char *const exts[] = {
		"30000005 00c0ffee00", "8907 8000e800000000", "9303 04 0100", "8b010005 c000020100",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(exts) / sizeof(exts[0]); i++) {
		struct bytes b = with_neighbours(M_RRQ, exts[i]);
		enum wire_error error = parse_error(&b);

		/* [6245-4.2-1] */
		if (error != WIRE_EXT_LONG)
			fail_msg("%s: %s", exts[i], wire_error_name(error));
	}
}

/* Whoever is to ignore an extension must not judge it: RFC 5944 s1.8. */
static void short_but_skipped(void **state)
{
	static const char *const exts[] = {
		"9000", "9001 00", "8800", "8e00", "9300", "8b020000", "8b030000", "9a010000", "ff00",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(exts) / sizeof(exts[0]); i++) {
		struct bytes b = with_neighbours(M_RRQ, exts[i]);
		struct parsed in = parse(&b);

		if (in.error || in.msg.n_ext != 3)
			fail_msg("%s: %s", exts[i], wire_error_name(in.error));
		free(in.heap);
	}
}

static void length_past_the_end(void **state)
{
	static const char *const exts[] = {
		"83ff", "8301", "83", "9302 04", "2f", "2f01", "2f0100", "2f010001", "2f01ffff01",
		"3000fffc00c0ffee", "8b0100", "9a01ffff01020380", "8d020000e8000000000000",
		"2600ffff000032970001", "c8ff",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(exts) / sizeof(exts[0]); i++) {
		struct bytes b = message_with(M_RRQ, exts[i]);
		enum wire_error error = parse_error(&b);

		if (error != WIRE_EXT_OVERRUN)
			fail_msg("%s: %s", exts[i], wire_error_name(error));
	}
}

static struct parsed parsed_with(int message, const char *exts_hex)
{
	struct bytes b = message_with(message, exts_hex);
	struct parsed in = parse(&b);

	if (in.error)
		fail_msg("%s: %s", exts_hex, wire_error_name(in.error));
	return in;
}

static struct parsed rrq_with(const char *exts_hex)
{
	return parsed_with(M_RRQ, exts_hex);
}

static enum wire_error nai_of_length(unsigned int len, char nai[static WIRE_NAI_MAX + 1])
{
	struct bytes b = message_with(M_RRQ, "83");
	struct parsed in;

	b.p[b.len++] = len;
	memset(b.p + b.len, 'n', len);
	b.len += len;
	in = parse(&b);
	if (!in.error)
		assert_true(wire_get_nai(&in.msg, nai));
	free(in.heap);
	return in.error;
}

static void nai_lengths(void **state)
{
	char nai[WIRE_NAI_MAX + 1];

	(void)state;
	for (unsigned int len = 1; len <= WIRE_NAI_MAX; len++) {
		assert_int_equal(nai_of_length(len, nai), WIRE_OK);
		assert_int_equal(strlen(nai), len);
	}
	assert_int_equal(nai_of_length(254, nai), WIRE_EXT_LONG);
	assert_int_equal(nai_of_length(255, nai), WIRE_EXT_LONG);
}

static void nai_with_nul(void **state)
{
	static const char *const exts[] = { "830100", "8303614000", "8303006140", "8303610062" };
	char nai[WIRE_NAI_MAX + 1];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct parsed in = rrq_with(exts[i]);

		assert_false(wire_get_nai(&in.msg, nai));
		free(in.heap);
	}
}

static void nai_form(void **state)
{
	static const char *const good[] = { "a@b", "020000000105@red.example", "!~@x", "a@b@c" };
	static const char *const bad[] = { "", "a", "@", "a@", "@b", "a b@c", "a@b ", "a\x7f@b", "\xc3\xa9@b",
		"a@b\n" };
	char nai[WIRE_NAI_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(wire_nai_ok(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(wire_nai_ok(bad[i]));
	memset(nai, 'n', sizeof(nai));
	nai[1] = '@';
	nai[WIRE_NAI_MAX + 1] = '\0';
	assert_false(wire_nai_ok(nai));
	nai[WIRE_NAI_MAX] = '\0';
	assert_true(wire_nai_ok(nai));
}

static void gre_key(void **state)
{
	struct parsed in;
	uint32_t key = 7;

	(void)state;
	in = rrq_with("30000004 00000000");	/* "please assign", not "none" */
	assert_true(wire_get_gre_key(&in.msg, &key));
	assert_int_equal(key, 0);
	free(in.heap);
	in = rrq_with("30000004 fffefdfc");
	assert_true(wire_get_gre_key(&in.msg, &key));
	assert_int_equal(key, 0xfffefdfc);
	free(in.heap);
	in = rrq_with("");
	assert_false(wire_get_gre_key(&in.msg, &key));
	free(in.heap);
}

/* RFC 3115's vendor extension with 3GPP2's key, and what is almost one: not ours to understand. */
static void gre_key_3gpp2(void **state)
{
	static const char *const others[] = {
		"2600000a 0000159e 0401 00c0ffee", "2600000a 0000159f 0402 00c0ffee",
		"26000009 0000159f 0401 00c0ff", "2600000b 0000159f 0401 00c0ffee00", "26000006 0000159f 0401",
		/* a vendor's number has three octets; one above them is none of his */
		"2600000a 0100159f 0401 00c0ffee",
	};
	struct parsed in;
	uint32_t key = 7;

	(void)state;
	in = rrq_with("2600000a 0000159f 0401 00c0ffee");
	assert_true(wire_get_gre_key(&in.msg, &key));
	assert_int_equal(key, 0x00c0ffee);
	assert_int_equal(wire_count_gre_keys(&in.msg), 1);
	assert_null(wire_find_unknown_cvse(&in.msg));
	free(in.heap);
	in = rrq_with("26ff000a 0000159f 0401 00000000");	/* Reserved is for who sends */
	assert_true(wire_get_gre_key(&in.msg, &key));
	assert_int_equal(key, 0);
	free(in.heap);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		in = rrq_with(others[i]);
		assert_false(wire_get_gre_key(&in.msg, &key));
		assert_int_equal(wire_count_gre_keys(&in.msg), 0);
		assert_ptr_equal(wire_find_unknown_cvse(&in.msg), &in.msg.ext[0]);
		free(in.heap);
	}
	/* Both: the first, and the caller can tell. */
	in = rrq_with("2600000a 0000159f 0401 00000001" "30000004 00000002" "26000006 00003297 0001");
	assert_true(wire_get_gre_key(&in.msg, &key));
	assert_int_equal(key, 1);
	assert_int_equal(wire_count_gre_keys(&in.msg), 2);
	assert_ptr_equal(wire_find_unknown_cvse(&in.msg), &in.msg.ext[2]);
	free(in.heap);
}

/* Sub-type 0 is all there is of 48, and it cannot be skipped. */
static void gre_key_of_unknown_sub_type(void **state)
{
	struct bytes b = with_neighbours(M_RRQ, "30010004 00c0ffee");

	(void)state;
	/* [6245-4.2-2] */
	assert_int_equal(parse_error(&b), WIRE_EXT_UNKNOWN);
}

/* What we cannot process in 47 must reach the HA, which answers 149: RFC 5563 s8.1. */
static void pmip_method(void **state)
{
	struct parsed in;
	uint8_t method;

	(void)state;
	in = rrq_with("2f010001 02");
	assert_true(wire_get_pmip_method(&in.msg, &method));
	assert_int_equal(method, WIRE_PMIP_IPSEC);
	free(in.heap);
	in = rrq_with("2f010001 ff");
	assert_true(wire_get_pmip_method(&in.msg, &method));
	assert_int_equal(method, 0xff);
	free(in.heap);
	in = rrq_with("2f020001 01" FHAE_HEX);	/* unknown sub-type */
	assert_false(wire_get_pmip_method(&in.msg, &method));
	assert_int_equal(wire_count(&in.msg, WIRE_EXT_PMIP), 1);
	assert_int_equal(wire_count(&in.msg, WIRE_EXT_FHAE), 1);
	free(in.heap);
	in = rrq_with("2f010002 0100");
	assert_false(wire_get_pmip_method(&in.msg, &method));
	free(in.heap);
}

static void revocation_support(void **state)
{
	uint32_t timestamp;
	struct parsed in;
	uint16_t flags;

	(void)state;
	in = rrq_with("8906 8000 e8000010");	/* [trap] I is 0x8000 here */
	assert_true(wire_get_revsup(&in.msg, &flags, &timestamp));
	assert_int_equal(flags, WIRE_REVSUP_I);
	assert_int_equal(timestamp, 0xe8000010);
	free(in.heap);
}

/* RFC 4433 s3.4: a sub-type for requests, another for replies. */
static void dynamic_ha(void **state)
{
	struct in_addr ha = { 0 };
	struct wire_out out;
	struct wire_rrp rrp = { .code = WIRE_CODE_REDIRECT_HA };
	struct wire_msg msg;
	struct parsed in;

	(void)state;
	in = rrq_with("8b010004 c0000202");
	assert_true(wire_get_dynamic_ha(&in.msg, WIRE_HA_REQUESTED, &ha));
	assert_int_equal(ntohl(ha.s_addr), 0xc0000202);
	assert_false(wire_get_dynamic_ha(&in.msg, WIRE_HA_REDIRECTED, &ha));
	free(in.heap);

	wire_put_rrp(&out, &rrp);
	wire_put_dynamic_ha(&out, WIRE_HA_REDIRECTED, ha);
	assert_false(out.failed);
	assert_memory_equal(out.buf + out.len - 8, "\x8b\2\0\4\xc0\0\2\2", 8);
	assert_int_equal(wire_parse(out.buf, out.len, &msg), WIRE_OK);
	assert_true(wire_get_dynamic_ha(&msg, WIRE_HA_REDIRECTED, &ha));
	assert_string_equal(wire_code_name(msg.rrp.code), "register with another home agent");
	wire_put_dynamic_ha(&out, WIRE_HA_REQUESTED, ha);	/* no place in a reply */
	assert_true(out.failed);
}

static void device_id(void **state)
{
	static const uint8_t want[6] = { 0x02, 0x00, 0x5e, 0x10, 0x00, 0x01 };
	struct parsed in;
	uint8_t mac[6];

	(void)state;
	in = rrq_with("9308 02 01 02005e100001");
	assert_true(wire_get_device_mac(&in.msg, mac));
	assert_memory_equal(mac, want, 6);
	free(in.heap);
	in = rrq_with("9308 02 02 02005e100001");	/* an MEID */
	assert_false(wire_get_device_mac(&in.msg, mac));
	free(in.heap);
	in = rrq_with("9307 02 01 02005e1000");
	assert_false(wire_get_device_mac(&in.msg, mac));
	free(in.heap);
	in = rrq_with("9309 02 01 02005e10000100");
	assert_false(wire_get_device_mac(&in.msg, mac));
	free(in.heap);
}

static void access_technology(void **state)
{
	struct parsed in;
	uint8_t tech;

	(void)state;
	in = rrq_with("9302 04 08");
	assert_true(wire_get_access_tech(&in.msg, &tech));
	assert_int_equal(tech, 8);
	free(in.heap);
}

static void find_and_count(void **state)
{
	struct parsed in = rrq_with("9302 04 01" NAI_HEX "9302 04 02" "8303614062" "c80101");
	char nai[WIRE_NAI_MAX + 1];

	(void)state;
	assert_int_equal(wire_count(&in.msg, WIRE_EXT_NAI), 2);
	assert_int_equal(wire_count(&in.msg, WIRE_EXT_PMIP_SKIP), 2);
	assert_int_equal(wire_count(&in.msg, WIRE_EXT_MHAE), 0);
	assert_ptr_equal(wire_find(&in.msg, WIRE_EXT_PMIP_SKIP, 4), &in.msg.ext[0]);
	assert_null(wire_find(&in.msg, WIRE_EXT_PMIP_SKIP, 1));
	assert_ptr_equal(wire_find(&in.msg, 0xc8, 0), &in.msg.ext[4]);
	assert_true(wire_get_nai(&in.msg, nai));
	assert_string_equal(nai, "user@example.net");	/* the first */
	free(in.heap);
}

static void typed_puts(void **state)
{
	struct wire_rrq rrq = common_rrq();
	struct wire_out out;

	(void)state;
	wire_put_rrq(&out, &rrq);
	wire_put_nai(&out, "a@b");
	wire_put_pmip_method(&out, WIRE_PMIP_IPSEC);
	wire_put_ext(&out, WIRE_EXT_PMIP_SKIP, WIRE_PMIP_INTERFACE_ID, "port7", 5);
	wire_put_device_mac(&out, (const uint8_t[]){ 2, 0, 0x5e, 0x10, 0, 1 });
	wire_put_ext(&out, WIRE_EXT_PMIP_SKIP, WIRE_PMIP_SUBSCRIBER_ID, "\1" "001010", 7);
	wire_put_access_tech(&out, WIRE_ACCESS_8023);
	wire_put_gre_key(&out, 0x01020304);
	wire_put_revsup(&out, WIRE_REVSUP_I, 0xe8000010);
	wire_put_gre_key_3gpp2(&out, 0x01020304);
	assert_false(out.failed);
	/* [5944-1.11-1] [6245-4.1-6] */
	assert_bytes(out.buf + 24, out.len - 24,
		     "8303614062" "2f01000102" "930601706f727437" "9308020102005e100001"
		     "93080301303031303130" "93020401" "3000000401020304" "89068000e8000010"
		     "2600000a0000159f040101020304");
}

/* A failed put leaves the message as it was, and every later one fails too. */
static void put_refuses(void **state)
{
	static const struct {
		uint8_t type, sub;
		size_t len;
	} bad[] = {
		{ 0, 0, 0 }, { 1, 0, 4 }, { 60, 0, 4 }, { 200, 0, 4 },	/* no rows of ours */
		{ WIRE_EXT_GRE_KEY, 0, 3 }, { WIRE_EXT_GRE_KEY, 0, 5 }, { WIRE_EXT_GRE_KEY, 1, 4 },
		{ WIRE_EXT_NAI, 0, 0 }, { WIRE_EXT_NAI, 0, 254 }, { WIRE_EXT_NAI, 1, 8 },
		{ WIRE_EXT_PMIP, 1, 0 }, { WIRE_EXT_PMIP, 1, 2 }, { WIRE_EXT_REVSUP, 0, 7 },
		{ WIRE_EXT_PMIP_SKIP, 1, 255 }, { WIRE_EXT_PMIP_SKIP, 4, 2 },
		{ WIRE_EXT_PMIP_SKIP, 0x63, 4 }, { WIRE_EXT_MHAE, 0, 256 }, { WIRE_EXT_MHAE, 0, 4 },
		{ WIRE_EXT_CVSE, 0, 1400 }, { WIRE_EXT_CVSE, 0, 70000 }, { 44, 0, 5 },
	};
	static const uint8_t data[70000];
	struct wire_rrq rrq = common_rrq();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wire_out out;

		wire_put_rrq(&out, &rrq);
		wire_put_ext(&out, bad[i].type, bad[i].sub, data, bad[i].len);
		if (!out.failed)
			fail_msg("%u/%u of %zu bytes passed", bad[i].type, bad[i].sub, bad[i].len);
		assert_int_equal(out.len, 24);
		wire_put_gre_key(&out, 1);
		assert_true(out.failed);
		assert_int_equal(out.len, 24);
	}
}

static void put_fills_to_the_last_byte(void **state)
{
	struct wire_rrq rrq = common_rrq();
	struct {
		struct wire_out out;
		uint8_t guard[64];
	} box;
	size_t full;

	(void)state;
	for (size_t first = 1; first <= 40; first++) {
		memset(&box, 0xa5, sizeof(box));
		wire_put_rrq(&box.out, &rrq);
		wire_put_ext(&box.out, WIRE_EXT_PMIP_SKIP, 1, "0123456789012345678901234567890123456789",
			     first);
		do {
			full = box.out.len;
			wire_put_nai(&box.out, "user@example.net");
		} while (!box.out.failed);
		assert_int_equal(box.out.len, full);
		assert_in_range(full, WIRE_MSG_MAX - 17, WIRE_MSG_MAX);
		for (size_t i = full; i < sizeof(box.out.buf); i++)
			assert_int_equal(box.out.buf[i], 0xa5);
		for (size_t i = 0; i < sizeof(box.guard); i++)
			assert_int_equal(box.guard[i], 0xa5);
	}
}

/* An agent's words: cut off and visible; those of the other kind aren't his. */
static void message_string(void **state)
{
	static const struct wire_rrp rrp = { .code = WIRE_CODE_HA_NO_RESOURCES };
	char text[WIRE_TEXT_MAX], longest[255];
	struct wire_out out;
	struct wire_msg msg;

	(void)state;
	wire_put_rrp(&out, &rrp);
	wire_put_text(&out, WIRE_TEXT_FA, "of a foreign agent");
	assert_int_equal(wire_parse(out.buf, out.len, &msg), WIRE_OK);
	assert_false(wire_get_text(&msg, WIRE_TEXT_HA, text));
	assert_true(wire_get_text(&msg, WIRE_TEXT_FA, text));
	assert_string_equal(text, "of a foreign agent");
	wire_put_text(&out, WIRE_TEXT_HA, "");
	assert_int_equal(wire_parse(out.buf, out.len, &msg), WIRE_OK);
	assert_false(wire_get_text(&msg, WIRE_TEXT_HA, text));
	wire_put_rrp(&out, &rrp);
	wire_put_text(&out, WIRE_TEXT_HA, "full\n\xc3\xbc\033[2J");
	assert_int_equal(wire_parse(out.buf, out.len, &msg), WIRE_OK);
	assert_true(wire_get_text(&msg, WIRE_TEXT_HA, text));
	assert_string_equal(text, "full????[2J");
	memset(longest, 'x', sizeof(longest));
	longest[254] = '\0';
	wire_put_rrp(&out, &rrp);
	wire_put_text(&out, WIRE_TEXT_HA, longest);
	assert_false(out.failed);
	assert_int_equal(wire_parse(out.buf, out.len, &msg), WIRE_OK);
	assert_true(wire_get_text(&msg, WIRE_TEXT_HA, text));
	assert_int_equal(strlen(text), WIRE_TEXT_MAX - 1);
	/* Not in a request: unknown there, and skipped. */
	wire_put_rrq(&out, &(struct wire_rrq){ .lifetime = 1 });
	wire_put_text(&out, WIRE_TEXT_HA, "no");
	assert_true(out.failed);
}

/* RFC 5446 s3: any string; what isn't one is none, but was there. */
static void service(void **state)
{
	struct wire_rrq rrq = common_rrq();
	char name[WIRE_SERVICE_MAX + 1];
	struct wire_out out;
	struct wire_msg msg;
	struct parsed in;
	struct bytes b;

	(void)state;
	in = rrq_with("9703696d73");
	assert_true(wire_get_service(&in.msg, name));
	assert_string_equal(name, "ims");
	free(in.heap);
	in = rrq_with("9703690073");
	assert_false(wire_get_service(&in.msg, name));
	assert_int_equal(wire_count(&in.msg, WIRE_EXT_SERVICE), 1);
	free(in.heap);
	b = message_with(M_RRQ, "9700");
	assert_int_equal(parse_error(&b), WIRE_EXT_SHORT);
	memset(name, 's', WIRE_SERVICE_MAX);
	name[WIRE_SERVICE_MAX] = '\0';
	wire_put_rrq(&out, &rrq);
	wire_put_service(&out, name);
	memset(name, 0, sizeof(name));
	assert_int_equal(wire_parse(out.buf, out.len, &msg), WIRE_OK);
	assert_true(wire_get_service(&msg, name));
	assert_int_equal(strlen(name), WIRE_SERVICE_MAX);
	wire_put_service(&out, "");
	assert_true(out.failed);
}

static void assert_host_config(const struct wire_host_config *host, const struct wire_host_config *wanted)
{
	assert_int_equal(host->plen, wanted->plen);
	assert_int_equal(host->gateway.s_addr, wanted->gateway.s_addr);
	assert_memory_equal(host->dns, wanted->dns, sizeof(host->dns));
	assert_string_equal(host->suffix, wanted->suffix);
}

#define HOST(len, sub) "86" len "0000 00000009 000e" sub

/* RFC 4332 s3, figures. */
static void host_config(void **state)
{
	static const char *const nothing[] = {
		"", "8600", "8608 0000 00000009 000e", "8609 0000 00000009 000e 00",
		HOST("0c", "0000") "0000",				/* a question */
		HOST("0b", "0001") "18", HOST("0c", "0001") "0021", HOST("0c", "0001") "0118",
		HOST("0d", "0005") "0a0000", HOST("0e", "0002") "0a000035", HOST("12", "0002") "0000000008080808",
		HOST("0a", "0006"), HOST("0d", "0006") "610062", HOST("0d", "0006") "612062", HOST("0c", "0006") "6100",
		"860c 0000 0000000a 000e 0001 0018", "860c 0000 00000009 000f 0001 0018",	/* somebody else's */
		HOST("0e", "0003") "0a000001", HOST("0c", "0007") "6162",
	};
	const struct wire_host_config all = {
		.plen = 24, .gateway = { htonl(0x0a000001) }, .suffix = "red.example",
		.dns = { { htonl(0x0a000035) }, { htonl(0x0a000036) } },
	};
	const char *const hex = HOST("0c", "0001") "0018" HOST("0e", "0005") "0a000001"
				HOST("12", "0002") "0a0000350a000036" HOST("15", "0006") "7265642e6578616d706c65";
	struct wire_host_config host, one = { .dns = { all.dns[0] } };
	struct wire_rrq rrq = common_rrq();
	struct wire_rrp rrp = { .code = 0 };
	struct wire_out out;
	struct parsed in;
	struct bytes b;

	(void)state;
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
		in = parsed_with(M_RRP, nothing[i]);
		if (wire_get_host_config(&in.msg, &host))
			fail_msg("\"%s\" says something", nothing[i]);
		free(in.heap);
	}
	in = parsed_with(M_RRP, hex);
	assert_true(wire_get_host_config(&in.msg, &host));
	assert_host_config(&host, &all);
	free(in.heap);
	/* What can't be true doesn't stand in the way, a second answer doesn't count. */
	in = parsed_with(M_RRP, HOST("0c", "0001") "0118" HOST("0e", "0002") "0a000035" HOST("12", "0002")
				"0a00003500000000" HOST("12", "0002") "0a00003600000000");
	assert_true(wire_get_host_config(&in.msg, &host));
	assert_host_config(&host, &one);
	free(in.heap);

	in = rrq_with(HOST("0c", "0000") "0000");
	assert_true(wire_asks_host_config(&in.msg));
	free(in.heap);
	in = rrq_with(HOST("0c", "0001") "0000" HOST("0a", "0000"));
	assert_false(wire_asks_host_config(&in.msg));
	free(in.heap);

	wire_put_rrq(&out, &rrq);
	wire_put_host_request(&out);
	b = message_with(M_RRQ, HOST("0c", "0000") "0000");
	assert_int_equal(out.len, b.len);
	assert_memory_equal(out.buf + 24, b.p + 24, b.len - 24);
	wire_put_rrp(&out, &rrp);
	wire_put_host_config(&out, &all);
	b = message_with(M_RRP, hex);
	assert_int_equal(out.len, b.len);
	assert_memory_equal(out.buf + 20, b.p + 20, b.len - 20);
	wire_put_rrp(&out, &rrp);
	memset(&host, 0, sizeof(host));
	wire_put_host_config(&out, &host);
	assert_int_equal(out.len, 20);
	memset(host.suffix, 'x', WIRE_HOST_SUFFIX_MAX);
	wire_put_host_config(&out, &host);
	assert_int_equal(out.len, 20 + 2 + 255);
	assert_false(out.failed);
}

/*
 * Order, as the RFCs have it (protocol/extensions.md s2): pairs of extensions of
 * which the first must not come second. Read: as said. Built: the second of a
 * wrong pair can't be put.
 */
#define MHAE	"201400000100000102030405060708090a0b0c0d0e0f"
#define MFAE	"211400000100000102030405060708090a0b0c0d0e0f"
#define FHAE	"221400000100000102030405060708090a0b0c0d0e0f"
#define MN_AAA	"2401001400000100000102030405060708090a0b0c0d0e0f"
#define CHALLENGE "8404a1a2a3a4"
#define KEY48	"3000000400c0ffee"
#define REVSUP	"89068000e8000010"
#define METHOD	"2f01000101"
#define TECH	"93020401"
#define FA_ERROR "2d020044"
#define HA_TEXT	"9103016869"
#define FA_TEXT	"9103026869"

struct pair {
	int message;
	const char *first, *second;
};

static const struct pair pairs[] = {
	/* RFC 2794 s2 */
	{ M_RRQ, NAI_HEX, MHAE }, { M_RRQ, NAI_HEX, MFAE }, { M_RRQ, NAI_HEX, FHAE }, { M_RRQ, NAI_HEX, MN_AAA },
	{ M_RRP, NAI_HEX, MHAE }, { M_RRP, NAI_HEX, FHAE }, { M_REV, NAI_HEX, FHAE }, { M_ACK, NAI_HEX, FHAE },
	/* RFC 5944 s3.6.1.3, s3.7.2.2, s3.8.3.3 */
	{ M_RRQ, MHAE, MFAE }, { M_RRQ, MHAE, FHAE }, { M_RRQ, MFAE, FHAE }, { M_RRP, MHAE, MFAE },
	{ M_RRP, MHAE, FHAE },
	/* RFC 4721 s3.1 to s3.4, s6 */
	{ M_RRQ, MHAE, MN_AAA }, { M_RRQ, MN_AAA, MFAE }, { M_RRQ, MN_AAA, FHAE }, { M_RRQ, MHAE, CHALLENGE },
	{ M_RRQ, CHALLENGE, MN_AAA }, { M_RRQ, CHALLENGE, MFAE }, { M_RRQ, CHALLENGE, FHAE },
	{ M_RRP, MHAE, CHALLENGE },
	/* RFC 5563 s5 */
	{ M_RRQ, METHOD, FHAE }, { M_RRP, METHOD, FHAE }, { M_RRQ, TECH, FHAE },
	/* RFC 6245 s4.1, s4.2 */
	{ M_RRQ, MHAE, KEY48 }, { M_RRQ, CHALLENGE, KEY48 }, { M_RRQ, MN_AAA, KEY48 }, { M_RRQ, KEY48, FHAE },
	{ M_RRP, MHAE, KEY48 }, { M_RRP, KEY48, FHAE },
	/* RFC 3543 s3.2 */
	{ M_RRQ, REVSUP, FHAE }, { M_RRP, REVSUP, FHAE },
	/* RFC 4636 s4, RFC 4917 s5 */
	{ M_RRP, MHAE, FA_ERROR }, { M_RRP, FA_ERROR, MFAE }, { M_RRP, HA_TEXT, MHAE }, { M_RRP, MHAE, FA_TEXT },
	{ M_RRP, FA_TEXT, MFAE }, { M_REV, HA_TEXT, FHAE },
	/* RFC 5446 s3 */
	{ M_RRQ, NAI_HEX, "9703696d73" }, { M_RRQ, "9703696d73", FHAE },
};

/* Those are skipped, so nobody's to judge when received; built in order all the same. */
static const struct pair skipped_pairs[] = {
	/* RFC 3024 s3.3, RFC 5177 s10, RFC 5454 s3.1 */
	{ M_RRQ, MHAE, "8200" }, { M_RRQ, "8200", MFAE }, { M_RRQ, "940600180a010100", MHAE },
	{ M_RRQ, "98020300", MHAE },
};

static bool put_raw(struct wire_out *out, const char *hex)
{
	struct bytes ext = from_hex(hex);
	bool is_long = ext.p[0] == 36 || ext.p[0] == 47 || ext.p[0] == 48;
	bool is_short = ext.p[0] == 45 || ext.p[0] >= 145;
	size_t head = is_long ? 4 : 2;

	is_short = is_short && ext.p[0] != 151;
	wire_put_ext(out, ext.p[0], is_long ? ext.p[1] : is_short ? ext.p[2] : 0, ext.p + head + is_short,
		     ext.len - head - is_short);
	return !out->failed;
}

static bool ordered(int message, const char *a, const char *b)
{
	struct bytes bytes = message_with(message, a);
	struct parsed in;
	bool ok;

	add_hex(&bytes, b);
	in = parse(&bytes);
	assert_int_equal(in.error, WIRE_OK);
	assert_int_equal(in.msg.n_ext, 2);
	ok = wire_in_order(&in.msg);
	free(in.heap);
	return ok;
}

static void check_pair(const struct pair *p, bool skipped)
{
	struct bytes fixed = from_hex(message_hex[p->message]);
	struct wire_out right = { .len = fixed.len }, wrong = { .len = fixed.len };

	memcpy(right.buf, fixed.p, fixed.len);
	memcpy(wrong.buf, fixed.p, fixed.len);
	if (!ordered(p->message, p->first, p->second) || !put_raw(&right, p->first) || !put_raw(&right, p->second))
		fail_msg("%s before %s in message %d is refused", p->first, p->second, p->message);
	if (ordered(p->message, p->second, p->first) != skipped)
		fail_msg("%s before %s in message %d is as good", p->second, p->first, p->message);
	if (!put_raw(&wrong, p->second) || put_raw(&wrong, p->first))
		fail_msg("%s can be put behind %s in message %d", p->first, p->second, p->message);
}

static void order(void **state)
{
	(void)state;
	/* [5944-3.6.1.3-1] [5944-3.8.3.3-1] */
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		check_pair(&pairs[i], false);
	for (size_t i = 0; i < sizeof(skipped_pairs) / sizeof(skipped_pairs[0]); i++)
		check_pair(&skipped_pairs[i], true);
}

/* What no rule speaks of stands anywhere, and a new message begins in order. */
static void order_of_others(void **state)
{
	static const struct wire_sa sa = { .spi = 0x100, .key = "0123456789abcdef", .key_len = 16 };
	struct wire_rrq rrq = common_rrq();
	struct wire_out out;

	(void)state;
	assert_true(ordered(M_RRQ, "2600000600003297 0001", MHAE) && ordered(M_RRQ, MHAE, "2600000600003297 0001"));
	assert_true(ordered(M_RRQ, "c80101", FHAE) && ordered(M_RRQ, FHAE, "c80101"));
	assert_true(ordered(M_RRQ, METHOD, NAI_HEX) && ordered(M_RRQ, NAI_HEX, METHOD));
	/* a sub-type that we know nothing of */
	assert_true(ordered(M_RRP, "9103036869", MHAE) && ordered(M_RRP, MHAE, "9103036869"));
	/* in a message where it has no place, and is skipped */
	assert_true(ordered(M_RRQ, HA_TEXT, MHAE) && ordered(M_RRQ, MHAE, HA_TEXT));
	wire_put_rrq(&out, &rrq);
	wire_put_auth(&out, WIRE_EXT_FHAE, &sa);
	wire_put_rrq(&out, &rrq);
	wire_put_nai(&out, "user@example.net");
	assert_false(out.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_read),
		cmocka_unit_test(samples_in_notifications),
		cmocka_unit_test(samples_cut),
		cmocka_unit_test(samples_built),
		cmocka_unit_test(unknown_types),
		cmocka_unit_test(padding),
		cmocka_unit_test(too_many),
		cmocka_unit_test(too_short),
		cmocka_unit_test(too_long),
		cmocka_unit_test(short_but_skipped),
		cmocka_unit_test(length_past_the_end),
		cmocka_unit_test(nai_lengths),
		cmocka_unit_test(nai_with_nul), cmocka_unit_test(nai_form),
		cmocka_unit_test(gre_key), cmocka_unit_test(gre_key_3gpp2),
		cmocka_unit_test(gre_key_of_unknown_sub_type),
		cmocka_unit_test(pmip_method),
		cmocka_unit_test(revocation_support),
		cmocka_unit_test(dynamic_ha), cmocka_unit_test(device_id),
		cmocka_unit_test(access_technology),
		cmocka_unit_test(find_and_count),
		cmocka_unit_test(typed_puts),
		cmocka_unit_test(put_refuses),
		cmocka_unit_test(put_fills_to_the_last_byte), cmocka_unit_test(message_string),
		cmocka_unit_test(service), cmocka_unit_test(host_config),
		cmocka_unit_test(order), cmocka_unit_test(order_of_others),
	};

	return cmocka_run_group_tests_name("wire extensions", tests, NULL, NULL);
}
