// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extensions. How one is laid out cannot be seen on the wire (RFC 5944 s1.8 to
 * s1.11), so everything hangs on the table below: a new extension is a row
 * here and, if somebody wants its value, a typed put and get at the end.
 */
#include "wire/ext.h"
#include "wire/bytes.h"

enum layout {
	PAD,		/* Type alone: RFC 5944 s1.8 */
	TLV,		/* Type, Length, data: s1.9 */
	SHORT,		/* Type, Length, Sub-Type, data; Length counts the Sub-Type: s1.11 */
	LONG,		/* Type, Sub-Type, 16-bit Length, data: s1.10 */
	OWN16,		/* Type, Reserved, 16-bit Length, data: RFC 3115 s2.1 */
	STYLE,		/* a TLV of 10 bytes that RFC 4857 s9.3 prints with Length 2 */
};

enum {			/* messages an extension has a place in */
	RRQ = 1,
	RRP = 2,
	REV = 4,
	ACK = 8,
	GNM = 16,		/* generic notification */
	GNA = 32,		/* and its acknowledgment */
};

#define ALL		(RRQ | RRP | REV | ACK | GNM | GNA)
#define ANY		(-1)	/* sub-types without a row of their own */
#define NO_MAX		UINT16_MAX
#define FIRST_SKIPPABLE	128	/* RFC 5944 s1.8 */
#define CVSE_HEAD	6	/* Vendor-ID and Vendor-CVSE-Type, RFC 3115 s2.1 */
#define HOST_HEAD	10	/* Reserved, Vendor-ID, Vendor-NVSE-Type (s2.2), Sub-Type (RFC 4332 s3) */

enum {			/* what order is about, a bit each */
	NAI = 1,
	MH = 2,			/* Mobile-Home authentication */
	CHALLENGE = 4,
	AAA = 8,
	MF = 16,
	FH = 32,
};

#define AUTHS		(MH | AAA | MF | FH)

/*
 * known: we act on it, or may ignore it with a clear conscience. Of the vendors'
 * (134) that goes for one's only, so the type isn't. The others are
 * rows because their layout must be: one of a type below 128 refuses the message
 * like a type nobody ever heard of. All rows of a type share one layout.
 *
 * Order is RFC 5944's, s3.6.1.3 for requests and s3.8.3.3 for replies, where the
 * RFC of the extension says nothing else: behind what it must not precede, and
 * ahead of what has to cover it.
 */
static const struct row {
	uint8_t type;
	int16_t sub;
	uint8_t layout;
	uint16_t min, max;	/* bytes of data as in struct wire_ext */
	uint8_t in;
	bool known;
	uint8_t is;		/* its own bit, if others are ordered by it */
	uint8_t before, after;	/* where they are there as well */
} rows[] = {
	/*type sub layout min max    in              known  is  before             after */
	{   0, ANY, PAD,   0, 0,      ALL,            true,  0, 0, 0 },
	{  32, ANY, TLV,   5, NO_MAX, ALL,            true,  MH, 0, 0 },	/* RFC 5944 s3.5.2 */
	{  33, ANY, TLV,   5, NO_MAX, RRQ | RRP | GNM | GNA, true, MF, 0, MH | AAA },	/* s3.5.3 */
	{  34, ANY, TLV,   5, NO_MAX, ALL,            true,  FH, 0, MH | AAA | MF },	/* s3.5.4 */
	{  36,   1, LONG, 20, NO_MAX, RRQ,            true,  AAA, 0, MH },	/* RFC 4721 s6: never in a reply */
	{  36, ANY, LONG, 20, NO_MAX, RRQ | RRP,      false, 0, 0, 0 },		/* s5 */
	{  38, ANY, OWN16, CVSE_HEAD, NO_MAX, RRQ | RRP, true, 0, 0, 0 },	/* RFC 3115 s2.4; s3: anywhere */
	{  40,   1, LONG,  4, 4,      RRQ,            false, 0, AAA, 0 },	/* RFC 3957 s6.1 */
	{  41,   1, LONG, 30, NO_MAX, RRP,            false, 0, MF, 0 },	/* s6.2 */
	{  42,   1, LONG,  4, 4,      RRQ,            false, 0, AAA, 0 },	/* s6.3 */
	{  43,   1, LONG, 32, NO_MAX, RRP,            false, 0, MH, 0 },	/* s6.4 */
	{  44,   0, SHORT, 5, 5,      RRP,            false, 0, 0, 0 },		/* RFC 3519 s3.2 */
	{  45,   0, SHORT, 1, 1,      RRP,            true,  0, MF | FH, MH },	/* RFC 4636 s4 */
	{  46, ANY, TLV,   6, 6,      RRQ | RRP,      false, 0, 0, 0 },		/* RFC 4857 s9.1 */
	{  47,   1, LONG,  1, 1,      RRQ | RRP,      true,  0, FH, 0 },	/* RFC 5563 s5.1 */
	{  47, ANY, LONG,  0, NO_MAX, RRQ | RRP,      true,  0, FH, 0 },	/* answered by 149: s8.1 */
	{  48,   0, LONG,  4, 4,      RRQ | RRP,      true,  0, MF | FH, MH | CHALLENGE | AAA }, /* RFC 6245 s4.1 */
	{  49, ANY, SHORT, 0, NO_MAX, RRQ | RRP,      false, 0, 0, 0 },		/* RFC 6521 s5.2 */
	{  50, ANY, LONG,  0, NO_MAX, RRQ | RRP,      false, 0, 0, 0 },		/* s5.5 */
	{ 127, ANY, LONG,  0, NO_MAX, RRQ | RRP,      false, 0, 0, 0 },		/* RFC 4064 s4.1 */
	{ 130, ANY, TLV,   0, 0,      RRQ,            false, 0, MF, MH },	/* RFC 3024 s3.3 */
	{ 131, ANY, TLV,   1, WIRE_NAI_MAX, RRQ | RRP | REV | ACK, true, NAI, AUTHS, 0 },	/* RFC 2794 s2 */
	{ 132, ANY, TLV,   1, NO_MAX, RRQ | RRP,      true,  CHALLENGE, AAA | MF | FH, MH },	/* RFC 4721 s3 */
	{ 134, ANY, TLV,   8, NO_MAX, RRQ | RRP,      false, 0, 0, 0 },		/* RFC 3115 s2.2 */
	{ 136, ANY, SHORT, 1, NO_MAX, RRQ | RRP,      false, 0, FH, 0 },	/* RFC 3846 s3: or MH, by who adds it */
	{ 137, ANY, TLV,   6, 6,      RRQ | RRP,      true,  0, FH, 0 },	/* RFC 3543 s3.2 */
	{ 138, ANY, SHORT, 0, NO_MAX, RRQ,            false, 0, 0, 0 },		/* RFC 4881 s9 */
	{ 139,   1, LONG,  4, 4,      RRQ,            true,  0, FH, 0 },	/* RFC 4433: long though >= 128 */
	{ 139,   2, LONG,  4, 4,      RRP,            true,  0, FH, 0 },
	{ 140, ANY, TLV,   6, 6,      RRQ,            false, 0, 0, AUTHS },	/* RFC 4857 s9.2 */
	{ 141, ANY, STYLE, 10, 10,    RRQ | RRP,      false, 0, 0, 0 },		/* s9.3 */
	{ 142, ANY, TLV,   6, 6,      RRQ | RRP,      false, 0, 0, 0 },		/* s9.4 */
	{ 144,   0, SHORT, 5, 5,      RRQ,            false, 0, FH, 0 },	/* RFC 3519 s3.1: or MH, by adder */
	{ 145,   1, SHORT, 0, NO_MAX, RRP | REV | GNM, true, 0, MH | MF | FH, 0 },	/* RFC 4917 s5; RFC 6098 s4.1 */
	{ 145,   2, SHORT, 0, NO_MAX, RRP | REV | GNM, true, 0, MF | FH, MH },
	{ 145, ANY, SHORT, 0, NO_MAX, RRP | REV | GNM, true, 0, 0, 0 },
	{ 147,   1, SHORT, 1, NO_MAX, RRQ | RRP,      true,  0, FH, 0 },	/* RFC 5563 s5.2 */
	{ 147,   2, SHORT, 2, NO_MAX, RRQ | RRP,      true,  0, FH, 0 },	/* s5.3 */
	{ 147,   3, SHORT, 2, NO_MAX, RRQ | RRP,      true,  0, FH, 0 },	/* s5.4 */
	{ 147,   4, SHORT, 1, 1,      RRQ,            true,  0, FH, 0 },	/* s5.5: the HA does not echo it */
	{ 148,   0, SHORT, 5, 5,      RRQ,            false, 0, MH, 0 },	/* RFC 5177 s4.1 */
	{ 148,   1, SHORT, 7, 7,      RRP,            false, 0, MH, 0 },	/* s4.2 */
	{ 148,   2, SHORT, 7, 7,      RRP,            false, 0, MH, 0 },
	{ 149,   0, SHORT, 1, 1,      RRP,            false, 0, MH, 0 },	/* RFC 5265 s3.4 */
	{ 151, ANY, TLV,   1, WIRE_SERVICE_MAX, RRQ | RRP, true, 0, FH, NAI },	/* RFC 5446 s3: or MH, by who adds it */
	{ 152,   1, SHORT, 17, 17,    RRQ,            false, 0, MH, 0 },	/* RFC 5454 s2.1 */
	{ 152,   2, SHORT, 19, 19,    RRP,            false, 0, MH, 0 },	/* s2.2 */
	{ 152,   3, SHORT, 1, 1,      RRQ,            false, 0, MH, 0 },	/* s2.3 */
	{ 153, ANY, SHORT, 1, NO_MAX, RRQ | RRP,      false, 0, 0, 0 },		/* RFC 6521 s5.1 */
	/*
	 * Long though >= 128. RFC 7629 calls it non-skippable; the number says the
	 * opposite, and only the number is known to a node without that RFC.
	 */
	{ 154,   1, LONG,  4, 4,      RRQ | RRP,      false, 0, MH, 0 },	/* RFC 7629 s4.1 */
	{ 154,   2, LONG,  4, NO_MAX, RRQ | RRP,      false, 0, MH, 0 },	/* s4.2 */
	{ 255, ANY, SHORT, 0, NO_MAX, RRQ | RRP | REV | ACK, false, 0, 0, 0 },	/* RFC 4064 s4.3 */
};

static const struct row *layout_of(uint8_t type)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].type == type)
			return &rows[i];
	}
	return NULL;
}

/* @row is the first of its type. */
static const struct row *row_of_sub(const struct row *row, uint8_t sub)
{
	const struct row *end = rows + sizeof(rows) / sizeof(rows[0]);

	for (uint8_t type = row->type; row < end && row->type == type; row++) {
		if (row->sub == ANY || row->sub == sub)
			return row;
	}
	return NULL;
}

static const struct row *row_of(uint8_t type, uint8_t sub)
{
	const struct row *row = layout_of(type);

	return row ? row_of_sub(row, sub) : NULL;
}

/* May it stand behind what was there and what it may not follow? Then it is there as well. */
static bool takes_place(const struct row *row, uint8_t *there, uint8_t *passed)
{
	if (row->before & *there || row->is & *passed)
		return false;
	*there |= row->is;
	*passed |= row->after;
	return true;
}

static uint8_t message_bit(uint8_t type)
{
	switch (type) {
	case WIRE_RRQ:
		return RRQ;
	case WIRE_RRP:
		return RRP;
	case WIRE_REVOKE:
		return REV;
	case WIRE_REVOKE_ACK:
		return ACK;
	case WIRE_NOTIFY:
		return GNM;
	case WIRE_NOTIFY_ACK:
		return GNA;
	default:
		return 0;
	}
}

/* Find the bounds of the extension at @off; false if it runs past the message. */
static bool frame(const struct wire_msg *msg, size_t off, uint8_t layout, struct wire_ext *ext)
{
	size_t left = msg->len - off, head = layout == LONG || layout == OWN16 ? 4 : 2;
	const uint8_t *p = msg->buf + off;
	size_t len;

	if (left < head)
		return false;
	len = head == 4 ? get16(p + 2) : p[1];
	if (layout == STYLE && len == 2)
		len = 10;
	if (len > left - head)
		return false;
	*ext = (struct wire_ext){ .type = p[0], .off = off, .end = off + head + len };
	if (layout == LONG) {
		ext->sub = p[1];
	} else if (layout == SHORT && len) {
		ext->sub = p[2];
		head++;
		len--;
	}
	ext->data = p + head;
	ext->len = len;
	return true;
}

/* @row: the first of the extension's type. */
static enum wire_error judge(const struct row *row, const struct wire_ext *ext, uint8_t in)
{
	/* RFC 6098 s4.6.1, s4.7.3: only what is permitted; s5.2: or what nobody here has heard of. */
	if (row && in == GNM && !(row->in & in))
		return WIRE_EXT_UNKNOWN;
	if (row)
		row = row_of_sub(row, ext->sub);
	/* What has no meaning in this message is as good as unknown. */
	if (!row || !row->known || !(row->in & in))
		return ext->type >= FIRST_SKIPPABLE ? WIRE_OK : WIRE_EXT_UNKNOWN;
	if (ext->len < row->min)
		return WIRE_EXT_SHORT;
	/* 47 must reach the HA, which answers 149: RFC 5563 s8.1. */
	return ext->len > row->max && ext->type != WIRE_EXT_PMIP ? WIRE_EXT_LONG : WIRE_OK;
}

enum wire_error wire_parse_exts(struct wire_msg *msg, size_t off)
{
	uint8_t in = message_bit(msg->type);

	while (off < msg->len) {
		const struct row *row = layout_of(msg->buf[off]);
		enum wire_error error;
		struct wire_ext ext;

		if (!row && msg->buf[off] < FIRST_SKIPPABLE)
			return WIRE_EXT_UNKNOWN;	/* and no telling where it ends */
		if (row && row->layout == PAD) {
			off++;
			continue;
		}
		if (msg->n_ext == WIRE_EXT_MAX)
			return WIRE_TOO_MANY;
		if (!frame(msg, off, row ? row->layout : TLV, &ext))
			return WIRE_EXT_OVERRUN;
		error = judge(row, &ext, in);
		if (error)
			return error;
		msg->ext[msg->n_ext++] = ext;
		off = ext.end;
	}
	return WIRE_OK;
}

/* The row by which @ext counts in the order; NULL: it is skipped, and nobody's to judge (RFC 5944 s1.8). */
static const struct row *ordered(const struct wire_ext *ext, uint8_t in)
{
	const struct row *row = row_of(ext->type, ext->sub);

	return row && row->known && row->in & in ? row : NULL;
}

bool wire_in_order(const struct wire_msg *msg)
{
	uint8_t in = message_bit(msg->type), there = 0, passed = 0;

	for (unsigned int i = 0; i < msg->n_ext; i++) {
		const struct row *row = ordered(&msg->ext[i], in);

		if (row && !takes_place(row, &there, &passed))
			return false;
	}
	return true;
}

const struct wire_ext *wire_find(const struct wire_msg *msg, uint8_t type, uint8_t sub)
{
	for (unsigned int i = 0; i < msg->n_ext; i++) {
		if (msg->ext[i].type == type && msg->ext[i].sub == sub)
			return &msg->ext[i];
	}
	return NULL;
}

unsigned int wire_count(const struct wire_msg *msg, uint8_t type)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < msg->n_ext; i++)
		n += msg->ext[i].type == type;
	return n;
}

void wire_put_ext(struct wire_out *out, uint8_t type, uint8_t sub, const void *data, size_t len)
{
	const struct row *row = row_of(type, sub);
	size_t head, length = len;
	uint8_t *p;

	if (out->failed || !row || row->layout == PAD || len < row->min || len > row->max ||
	    !(row->in & message_bit(out->buf[0])) || !takes_place(row, &out->there, &out->passed))
		goto fail;
	head = row->layout == LONG || row->layout == OWN16 ? 4 : 2;
	if (row->layout == SHORT)
		length++;
	else if (row->layout != LONG && sub)
		goto fail;
	if ((head == 2 && length > UINT8_MAX) || head + length > WIRE_MSG_MAX - out->len)
		goto fail;

	p = out->buf + out->len;
	out->len += head + length;
	*p++ = type;
	if (head == 4) {
		*p++ = sub;
		set16(p, length);
		p += 2;
	} else {
		*p++ = length;
		if (row->layout == SHORT)
			*p++ = sub;
	}
	if (len)
		memcpy(p, data, len);
	return;
fail:
	out->failed = true;
}

/* The extension of this kind if it has exactly @len bytes of data. */
static const uint8_t *find_exact(const struct wire_msg *msg, uint8_t type, uint8_t sub, size_t len)
{
	const struct wire_ext *ext = wire_find(msg, type, sub);

	return ext && ext->len == len ? ext->data : NULL;
}

/* The data of a TLV as a string; false if there is none, or that can't be one. */
static bool get_string(const struct wire_msg *msg, uint8_t type, char *out, size_t max)
{
	const struct wire_ext *ext = wire_find(msg, type, 0);

	/* Where it has no meaning, as an NAI in an acknowledgment of a notification, nobody has judged its length. */
	if (!ext || !ext->len || ext->len > max || memchr(ext->data, '\0', ext->len))
		return false;
	memcpy(out, ext->data, ext->len);
	out[ext->len] = '\0';
	return true;
}

bool wire_get_nai(const struct wire_msg *msg, char nai[static WIRE_NAI_MAX + 1])
{
	return get_string(msg, WIRE_EXT_NAI, nai, WIRE_NAI_MAX);
}

bool wire_get_service(const struct wire_msg *msg, char service[static WIRE_SERVICE_MAX + 1])
{
	return get_string(msg, WIRE_EXT_SERVICE, service, WIRE_SERVICE_MAX);
}

bool wire_get_text(const struct wire_msg *msg, enum wire_text whose, char text[static WIRE_TEXT_MAX])
{
	const struct wire_ext *ext = wire_find(msg, WIRE_EXT_TEXT, whose);
	size_t len = ext && ext->len < WIRE_TEXT_MAX ? ext->len : WIRE_TEXT_MAX - 1;

	if (!ext || !ext->len)
		return false;
	for (size_t i = 0; i < len; i++)
		text[i] = ext->data[i] >= ' ' && ext->data[i] <= '~' ? ext->data[i] : '?';
	text[len] = '\0';
	return true;
}

bool wire_nai_ok(const char *nai)
{
	const char *at = strrchr(nai, '@');

	for (const char *p = nai; *p; p++)
		if (*p <= ' ' || *p > '~')	/* above ASCII: negative, or beyond */
			return false;
	return at && at[1] && at != nai && strlen(nai) <= WIRE_NAI_MAX;
}

/* Where the key of an extension is; NULL if that has none. */
static const uint8_t *gre_key_of(const struct wire_ext *ext)
{
	if (ext->type == WIRE_EXT_GRE_KEY && ext->len == 4)
		return ext->data;
	if (ext->type == WIRE_EXT_CVSE && ext->len == CVSE_HEAD + 4 && get32(ext->data) == WIRE_VENDOR_3GPP2 &&
	    get16(ext->data + 4) == WIRE_3GPP2_GRE_KEY)
		return ext->data + CVSE_HEAD;
	return NULL;
}

bool wire_is_gre_key(const struct wire_ext *ext)
{
	return gre_key_of(ext);
}

bool wire_get_gre_key(const struct wire_msg *msg, uint32_t *key)
{
	for (unsigned int i = 0; i < msg->n_ext; i++) {
		const uint8_t *p = gre_key_of(&msg->ext[i]);

		if (p) {
			*key = get32(p);
			return true;
		}
	}
	return false;
}

unsigned int wire_count_gre_keys(const struct wire_msg *msg)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < msg->n_ext; i++)
		n += wire_is_gre_key(&msg->ext[i]);
	return n;
}

const struct wire_ext *wire_find_unknown_cvse(const struct wire_msg *msg)
{
	for (unsigned int i = 0; i < msg->n_ext; i++) {
		if (msg->ext[i].type == WIRE_EXT_CVSE && !wire_is_gre_key(&msg->ext[i]))
			return &msg->ext[i];
	}
	return NULL;
}

/* The value of @ext if it is of RFC 4332 and has that sub-type; else NULL. */
static const uint8_t *host_value(const struct wire_ext *ext, enum wire_host_sub sub)
{
	const uint8_t *p = ext->data;

	/* Another vendor's may be shorter than its table row says, see judge(). */
	if (ext->type != WIRE_EXT_NVSE || ext->len < HOST_HEAD || get32(p + 2) != WIRE_VENDOR_CISCO ||
	    get16(p + 6) != WIRE_CISCO_HOST || get16(p + 8) != sub)
		return NULL;
	return p + HOST_HEAD;
}

/* The first value of @sub that has @min to @max bytes. */
static const uint8_t *find_host(const struct wire_msg *msg, enum wire_host_sub sub, size_t min, size_t max, size_t *len)
{
	for (unsigned int i = 0; i < msg->n_ext; i++) {
		const uint8_t *value = host_value(&msg->ext[i], sub);

		*len = msg->ext[i].len - HOST_HEAD;
		if (value && *len >= min && *len <= max)
			return value;
	}
	return NULL;
}

bool wire_asks_host_config(const struct wire_msg *msg)
{
	size_t len;

	return find_host(msg, WIRE_HOST_REQUEST, 2, 2, &len);
}

bool wire_host_suffix_ok(const char *suffix)
{
	size_t len = strlen(suffix);

	return len && len <= WIRE_HOST_SUFFIX_MAX &&
	       strspn(suffix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == len;
}

bool wire_get_host_config(const struct wire_msg *msg, struct wire_host_config *host)
{
	const uint8_t *value;
	size_t len;

	memset(host, 0, sizeof(*host));		/* the gaps too: others compare it as a whole */
	value = find_host(msg, WIRE_HOST_PLEN, 2, 2, &len);
	if (value && get16(value) <= 32)
		host->plen = get16(value);
	value = find_host(msg, WIRE_HOST_GATEWAY, 4, 4, &len);
	if (value)
		host->gateway = get_addr(value);
	value = find_host(msg, WIRE_HOST_DNS, 8, 8, &len);
	if (value && get32(value)) {
		host->dns[0] = get_addr(value);
		host->dns[1] = get_addr(value + 4);
	}
	value = find_host(msg, WIRE_HOST_SUFFIX, 1, WIRE_HOST_SUFFIX_MAX, &len);
	if (value) {
		memcpy(host->suffix, value, len);
		if (strlen(host->suffix) != len || !wire_host_suffix_ok(host->suffix))
			memset(host->suffix, 0, sizeof(host->suffix));
	}
	return host->plen || host->gateway.s_addr || host->dns[0].s_addr || *host->suffix;
}

bool wire_get_pmip_method(const struct wire_msg *msg, uint8_t *method)
{
	const uint8_t *data = find_exact(msg, WIRE_EXT_PMIP, 1, 1);

	if (!data)
		return false;
	*method = data[0];
	return true;
}

bool wire_get_revsup(const struct wire_msg *msg, uint16_t *flags, uint32_t *timestamp)
{
	const uint8_t *data = find_exact(msg, WIRE_EXT_REVSUP, 0, 6);

	if (!data)
		return false;
	*flags = get16(data);
	*timestamp = get32(data + 2);
	return true;
}

bool wire_get_dynamic_ha(const struct wire_msg *msg, enum wire_dynamic_ha sub, struct in_addr *ha)
{
	const uint8_t *data = find_exact(msg, WIRE_EXT_DYNAMIC_HA, sub, 4);

	if (!data)
		return false;
	*ha = get_addr(data);
	return true;
}

bool wire_get_access_tech(const struct wire_msg *msg, uint8_t *tech)
{
	const uint8_t *data = find_exact(msg, WIRE_EXT_PMIP_SKIP, WIRE_PMIP_ACCESS_TECH, 1);

	if (!data)
		return false;
	*tech = data[0];
	return true;
}

bool wire_get_device_mac(const struct wire_msg *msg, uint8_t mac[static 6])
{
	const uint8_t *data = find_exact(msg, WIRE_EXT_PMIP_SKIP, WIRE_PMIP_DEVICE_ID, 7);

	if (!data || data[0] != WIRE_DEVICE_ID_MAC)
		return false;
	memcpy(mac, data + 1, 6);
	return true;
}

void wire_put_nai(struct wire_out *out, const char *nai)
{
	wire_put_ext(out, WIRE_EXT_NAI, 0, nai, strlen(nai));
}

void wire_put_gre_key(struct wire_out *out, uint32_t key)
{
	uint8_t data[4];

	set32(data, key);
	wire_put_ext(out, WIRE_EXT_GRE_KEY, 0, data, sizeof(data));
}

void wire_put_gre_key_3gpp2(struct wire_out *out, uint32_t key)
{
	uint8_t data[CVSE_HEAD + 4];

	set32(data, WIRE_VENDOR_3GPP2);
	set16(data + 4, WIRE_3GPP2_GRE_KEY);
	set32(data + CVSE_HEAD, key);
	wire_put_ext(out, WIRE_EXT_CVSE, 0, data, sizeof(data));
}

void wire_put_pmip_method(struct wire_out *out, uint8_t method)
{
	wire_put_ext(out, WIRE_EXT_PMIP, 1, &method, 1);
}

void wire_put_revsup(struct wire_out *out, uint16_t flags, uint32_t timestamp)
{
	uint8_t data[6];

	set16(data, flags);
	set32(data + 2, timestamp);
	wire_put_ext(out, WIRE_EXT_REVSUP, 0, data, sizeof(data));
}

void wire_put_dynamic_ha(struct wire_out *out, enum wire_dynamic_ha sub, struct in_addr ha)
{
	wire_put_ext(out, WIRE_EXT_DYNAMIC_HA, sub, &ha, sizeof(ha));
}

void wire_put_device_mac(struct wire_out *out, const uint8_t mac[static 6])
{
	uint8_t data[7] = { WIRE_DEVICE_ID_MAC };

	memcpy(data + 1, mac, 6);
	wire_put_ext(out, WIRE_EXT_PMIP_SKIP, WIRE_PMIP_DEVICE_ID, data, sizeof(data));
}

void wire_put_access_tech(struct wire_out *out, uint8_t tech)
{
	wire_put_ext(out, WIRE_EXT_PMIP_SKIP, WIRE_PMIP_ACCESS_TECH, &tech, 1);
}

void wire_put_service(struct wire_out *out, const char *service)
{
	wire_put_ext(out, WIRE_EXT_SERVICE, 0, service, strlen(service));
}

static void put_host(struct wire_out *out, enum wire_host_sub sub, const void *value, size_t len)
{
	uint8_t data[HOST_HEAD + WIRE_HOST_SUFFIX_MAX] = { 0 };

	set32(data + 2, WIRE_VENDOR_CISCO);
	set16(data + 6, WIRE_CISCO_HOST);
	set16(data + 8, sub);
	memcpy(data + HOST_HEAD, value, len);
	wire_put_ext(out, WIRE_EXT_NVSE, 0, data, HOST_HEAD + len);
}

void wire_put_host_request(struct wire_out *out)
{
	static const uint8_t all[2];

	put_host(out, WIRE_HOST_REQUEST, all, sizeof(all));
}

void wire_put_host_config(struct wire_out *out, const struct wire_host_config *host)
{
	const uint8_t plen[2] = { 0, host->plen };

	if (host->plen)
		put_host(out, WIRE_HOST_PLEN, plen, sizeof(plen));
	if (host->gateway.s_addr)
		put_host(out, WIRE_HOST_GATEWAY, &host->gateway, sizeof(host->gateway));
	if (host->dns[0].s_addr)
		put_host(out, WIRE_HOST_DNS, host->dns, sizeof(host->dns));
	if (*host->suffix)
		put_host(out, WIRE_HOST_SUFFIX, host->suffix, strlen(host->suffix));
}

void wire_put_text(struct wire_out *out, enum wire_text whose, const char *text)
{
	wire_put_ext(out, WIRE_EXT_TEXT, whose, text, strlen(text));
}
