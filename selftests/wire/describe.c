// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tshark should read in a message that a unit test has parsed: all that
 * our codec reads in it, as far as tshark knows it at all. It knows less than we
 * do; what that is is untold[], each with the test that has its bytes by heart.
 */
#include "emit.h"
#include "wire/bytes.h"
#include "wire/wire.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NTP_TO_UNIX	2208988800U
#define FIELDS		48
#define VALUE_MAX	8192

/* Our reading, field by field; occurrences joined by commas. */
static struct reading {
	const char *field;
	char value[VALUE_MAX];
} readings[FIELDS];
static unsigned int n_readings;

enum untold_kind { MESSAGE, EXTENSION };

static const struct untold {
	enum untold_kind kind;
	uint8_t type;
	const char *instead;	/* what tshark 4.0 makes of it */
	const char *file, *test;
} untold[] = {
	{ MESSAGE, WIRE_NOTIFY, "nothing, from the first byte on", "test_message.c", "notify_round_trip" },
	{ MESSAGE, WIRE_NOTIFY_ACK, "nothing, from the first byte on", "test_message.c", "notify_ack_round_trip" },
	{ EXTENSION, 0, "a type and a length, where it is one byte of padding", "test_ext.c", "padding" },
	{ EXTENSION, WIRE_EXT_GRE_KEY, "a TLV of its Sub-Type's length, then type 0 with the key as data", "test_ext.c",
	  "gre_key" },
	{ EXTENSION, WIRE_EXT_DYNAMIC_HA, "a TLV of its Sub-Type's length; what follows is read from the wrong byte",
	  "test_ext.c", "dynamic_ha" },
	{ EXTENSION, 154, "a TLV of its Sub-Type's length; what follows is read from the wrong byte", "test_ext.c",
	  "samples_read" },
	{ EXTENSION, 133, "a vendor's extension, as RFC 3025 had it before RFC 3115", "test_ext.c", "unknown_types" },
	{ EXTENSION, 141, "two bytes of data where RFC 4857 prints that length", "test_ext.c", "samples_read" },
};

#define N_UNTOLD (sizeof(untold) / sizeof(untold[0]))

static const struct untold *untold_of(enum untold_kind kind, uint8_t type)
{
	for (size_t i = 0; i < N_UNTOLD; i++) {
		if (untold[i].kind == kind && untold[i].type == type)
			return &untold[i];
	}
	return NULL;
}

bool print_untold(void)
{
	bool all = true;

	for (size_t i = 0; i < N_UNTOLD; i++) {
		const struct untold *u = &untold[i];
		char line[512], function[64];
		FILE *file = fopen(u->file, "r");
		bool found = false;

		snprintf(function, sizeof(function), "static void %s(void **state)", u->test);
		while (file && fgets(line, sizeof(line), file))
			found |= !strncmp(line, function, strlen(function));
		if (file)
			fclose(file);
		printf("# tshark reads in %s %u: %s; instead: %s: %s%s\n", u->kind == MESSAGE ? "message" : "extension",
		       u->type, u->instead, u->file, u->test, found ? "" : ", which isn't there");
		all &= found;
	}
	return all;
}

/* ---- fields ---- */

static struct reading *reading_of(const char *field)
{
	for (unsigned int i = 0; i < n_readings; i++) {
		if (!strcmp(readings[i].field, field))
			return &readings[i];
	}
	if (n_readings == FIELDS)
		abort();
	readings[n_readings] = (struct reading){ .field = field };
	return &readings[n_readings++];
}

__attribute__((format(printf, 2, 3)))
static void add(const char *field, const char *fmt, ...)
{
	struct reading *r = reading_of(field);
	size_t len = strlen(r->value);
	va_list args;

	if (len)
		r->value[len++] = ',';
	va_start(args, fmt);
	if (vsnprintf(r->value + len, VALUE_MAX - len, fmt, args) >= (int)(VALUE_MAX - len))
		abort();
	va_end(args);
}

static void add_bytes(const char *field, const uint8_t *p, size_t len)
{
	char hex[2 * WIRE_MSG_MAX + 1] = "";

	if (!len)
		return;		/* tshark's word for that depends on its version */
	for (size_t i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", p[i]);
	add(field, "%s", hex);
}

static void add_addr(const char *field, struct in_addr addr)
{
	char text[INET_ADDRSTRLEN];

	add(field, "%s", inet_ntop(AF_INET, &addr, text, sizeof(text)));
}

/* As text, if it is one that nobody writes in another way. */
static void add_text(const char *field, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] <= ' ' || p[i] > '~' || strchr("\\,\"~", p[i])) {
			reading_of(field)->value[0] = '~';	/* anything */
			return;
		}
	}
	if (reading_of(field)->value[0] != '~')
		add(field, "%.*s", (int)len, p);
}

/* In era 0 of NTP, to the microsecond. */
static void add_time(uint64_t id)
{
	time_t seconds = (time_t)(id >> 32) - NTP_TO_UNIX;
	char text[64];

	if (!(id >> 63))
		return;
	strftime(text, sizeof(text), "%b %e, %Y %H:%M:%S", gmtime(&seconds));
	add("mip.ident", "~^%s[.]%06u", text, (unsigned int)((id & 0xffffffff) * 1000000 >> 32));
}

/* ---- extensions ---- */

static void auth(const struct wire_ext *ext)
{
	if (ext->type == WIRE_EXT_GAE)
		add("mip.ext.auth.subtype", "%u", ext->sub);
	add("mip.auth.spi", "0x%08x", wire_auth_spi(ext));
	add_bytes("mip.auth.auth", ext->data + 4, ext->len - 4);
}

static void pmip_skip(const struct wire_ext *ext)
{
	add("mip.ext.pmipv4skipext.subtype", "%u", ext->sub);
	switch (ext->sub) {
	case WIRE_PMIP_INTERFACE_ID:
		add_bytes("mip.ext.pmipv4skipext.interfaceid", ext->data, ext->len);
		break;
	case WIRE_PMIP_DEVICE_ID:
		add("mip.ext.pmipv4skipext.deviceid_type", "%u", ext->data[0]);
		add_bytes("mip.ext.pmipv4skipext.deviceid_id", ext->data + 1, ext->len - 1);
		break;
	case WIRE_PMIP_ACCESS_TECH:
		add("mip.ext.pmipv4skipext.accesstechnology_type", "%u", ext->data[0]);
		break;
	}
}

static bool cvse(const struct wire_msg *msg, const struct wire_ext *ext)
{
	uint32_t vendor = get32(ext->data), type = get16(ext->data + 4);

	add("mip.ext.cvse.reserved", "0x%02x", msg->buf[ext->off + 1]);
	if (vendor == WIRE_VENDOR_3GPP2)
		add("mip.ext.cvse.3gpp2_type", "%u", type);
	if (wire_is_gre_key(ext))
		add("mip.ext.cvse.3gpp2_grekey", "%u", get32(ext->data + 6));
	/* It takes a key from behind the end. */
	return vendor != WIRE_VENDOR_3GPP2 || type != WIRE_3GPP2_GRE_KEY || wire_is_gre_key(ext);
}

/* Those of which tshark knows that a Length of 16 bits is behind the Sub-Type, or behind what is reserved. */
static bool is_long(uint8_t type)
{
	return type == WIRE_EXT_GAE || type == WIRE_EXT_PMIP || type == WIRE_EXT_CVSE;
}

/* False: from here on tshark reads something else. */
static bool extension(const struct wire_msg *msg, const struct wire_ext *ext)
{
	const uint8_t *raw = msg->buf + ext->off;

	add("mip.ext.type", "%u", ext->type);
	if (ext->type == WIRE_EXT_GRE_KEY) {	/* it recovers from that */
		add("mip.ext.type", "0");
		add("mip.ext.len", "0,4");
		add_bytes("mip.extension", ext->data, 4);
		return true;
	}
	if (untold_of(EXTENSION, ext->type))
		return false;
	add("mip.ext.len", "%u", ext->end - ext->off - (is_long(ext->type) ? 4 : 2));
	switch (ext->type) {
	case WIRE_EXT_MHAE:
	case WIRE_EXT_MFAE:
	case WIRE_EXT_FHAE:
	case WIRE_EXT_GAE:
		auth(ext);
		return true;
	case WIRE_EXT_NAI:
		add_text("mip.nai", ext->data, ext->len);
		return true;
	case WIRE_EXT_PMIP:
		add("mip.ext.pmipv4nonskipext.subtype", "%u", ext->sub);
		if (ext->sub != 1)
			return true;
		if (!ext->len)		/* it takes the next byte for the method */
			return false;
		add("mip.ext.pmipv4nonskipext.pernodeauthmethod", "%u", ext->data[0]);
		return true;
	case WIRE_EXT_PMIP_SKIP:
		if (ext->end - ext->off < 4)
			return false;	/* without a Sub-Type, or with nothing behind it */
		pmip_skip(ext);
		return true;
	case WIRE_EXT_REVSUP:
		if (ext->len != 6)
			return false;
		add("mip.ext.rev.i", "%u", raw[2] >> 7);
		add("mip.ext.rev.reserved", "0x%04x", get16(raw + 2) & 0x7fff);
		add("mip.ext.rev.tstamp", "%u", get32(raw + 4));
		return true;
	case WIRE_EXT_TEXT:
		if (ext->end - ext->off < 3)
			return false;
		add("mip.ext.msgstr.subtype", "%u", ext->sub);
		if (ext->len)
			add_text("mip.ext.msgstr.text", ext->data, ext->len);
		return true;
	case WIRE_EXT_CVSE:
		return cvse(msg, ext);
	case WIRE_EXT_NVSE:		/* it knows whose they are, not what is in them */
		return ext->len >= 8;
	case 144:
		return ext->len >= 5;
	case 148:
		return ext->sub ? ext->sub <= 2 && ext->len == 7 : ext->len == 5;
	default:
		add_bytes("mip.extension", raw + 2, ext->end - ext->off - 2);
		return true;
	}
}

/* ---- messages ---- */

static void fixed_part(const struct wire_msg *msg)
{
	static const char *const flags[] = { "mip.x", "mip.t", "mip.v", "mip.g", "mip.m", "mip.d", "mip.b", "mip.s" };

	add("mip.type", "%u", msg->type);
	switch (msg->type) {
	case WIRE_RRQ:
		for (int i = 0; i < 8; i++)
			add(flags[i], "%u", msg->rrq.flags >> i & 1);
		add("mip.life", "%u", msg->rrq.lifetime);
		add_addr("mip.homeaddr", msg->rrq.home);
		add_addr("mip.haaddr", msg->rrq.ha);
		add_addr("mip.coa", msg->rrq.coa);
		add_time(msg->rrq.id);
		break;
	case WIRE_RRP:
		add("mip.code", "%u", msg->rrp.code);
		add("mip.life", "%u", msg->rrp.lifetime);
		add_addr("mip.homeaddr", msg->rrp.home);
		add_addr("mip.haaddr", msg->rrp.ha);
		add_time(msg->rrp.id);
		break;
	case WIRE_REVOKE:
		add("mip.rev.a", "%u", !!(msg->revoke.flags & WIRE_REVOKE_A));
		add("mip.rev.i", "%u", !!(msg->revoke.flags & WIRE_REVOKE_I));
		add_addr("mip.homeaddr", msg->revoke.home);
		add_addr("mip.rev.hda", msg->revoke.ha);
		add_addr("mip.rev.fda", msg->revoke.coa);
		add("mip.revid", "%u", msg->revoke.id);
		break;
	case WIRE_REVOKE_ACK:
		add("mip.ack.i", "%u", !!(msg->ack.flags & WIRE_REVOKE_ACK_I));
		add_addr("mip.homeaddr", msg->ack.home);
		add("mip.revid", "%u", msg->ack.id);
		break;
	}
}

/* Padding leaves a gap between what it stands between. */
static bool has_padding(const struct wire_msg *msg)
{
	static const uint8_t fixed[256] = {
		[WIRE_RRQ] = 24, [WIRE_RRP] = 20, [WIRE_REVOKE] = 20, [WIRE_REVOKE_ACK] = 12,
	};
	size_t end = fixed[msg->type];

	for (unsigned int i = 0; i < msg->n_ext; end = msg->ext[i++].end) {
		if (msg->ext[i].off != end)
			return true;
	}
	return end != msg->len;
}

static const char *name_of(const struct wire_msg *msg)
{
	static const char *const names[256] = {
		[WIRE_RRQ] = "RRQ", [WIRE_RRP] = "RRP",
		[WIRE_REVOKE] = "revocation", [WIRE_REVOKE_ACK] = "acknowledgment",
		[WIRE_NOTIFY] = "notification", [WIRE_NOTIFY_ACK] = "acknowledgment of a notification",
	};
	static char name[512];
	int len = snprintf(name, sizeof(name), "of a unit test: %s", names[msg->type]);

	for (unsigned int i = 0; i < msg->n_ext && len < 480; i++)
		len += snprintf(name + len, sizeof(name) - len, " %u/%u", msg->ext[i].type, msg->ext[i].sub);
	return name;
}

/* Made an expression that whatever begins with it fits. */
static void open_end(char value[static VALUE_MAX])
{
	size_t len = strlen(value);

	if (value[0] == '~')
		return;
	if (len + 3 > VALUE_MAX)
		abort();
	memmove(value + 2, value, len + 1);
	memcpy(value, "~^", 2);
}

void describe(const uint8_t *data, size_t len)
{
	struct expect expect[FIELDS + 1] = { 0 };
	struct wire_msg msg;
	unsigned int fixed;
	bool whole = true;

	if (wire_parse(data, len, &msg)) {
		fprintf(stderr, "emit: what a test has parsed can't be parsed any more\n");
		exit(1);
	}
	n_readings = fixed = 0;
	if (untold_of(MESSAGE, msg.type)) {
		reading_of("mip.type");		/* nothing; should that change, this says so */
		add_bytes("udp.payload", data, len);
		whole = false;	/* it goes on with extensions at the first byte */
	} else {
		fixed_part(&msg);
		fixed = n_readings;
		whole = !has_padding(&msg);
		for (unsigned int i = 0; whole && i < msg.n_ext; i++)
			whole = extension(&msg, &msg.ext[i]);
	}
	/* Up to there it must be right, whatever comes then. */
	for (unsigned int i = fixed; !whole && i < n_readings; i++)
		open_end(readings[i].value);
	for (unsigned int i = 0; i < n_readings; i++)
		expect[i] = (struct expect){ readings[i].field, readings[i].value };
	emit_frame(name_of(&msg), data, len, whole, expect);
}
