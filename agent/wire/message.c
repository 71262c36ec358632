// SPDX-License-Identifier: GPL-2.0-only
/* Messages: the fixed parts, and the names of what can go wrong. */
#include "wire/bytes.h"
#include "wire/ext.h"
#include "wire/wire.h"

#define RRQ_LEN		24	/* RFC 5944 s3.3 */
#define RRP_LEN		20	/* RFC 5944 s3.4 */
#define REVOKE_LEN	20	/* RFC 3543 s3.3 */
#define REVOKE_ACK_LEN	12	/* RFC 3543 s3.4 */
#define NOTIFY_LEN	24	/* RFC 6098 s4.1, s4.2 */

static size_t fixed_len(uint8_t type)
{
	switch (type) {
	case WIRE_RRQ:
		return RRQ_LEN;
	case WIRE_RRP:
		return RRP_LEN;
	case WIRE_REVOKE:
		return REVOKE_LEN;
	case WIRE_REVOKE_ACK:
		return REVOKE_ACK_LEN;
	case WIRE_NOTIFY:
	case WIRE_NOTIFY_ACK:
		return NOTIFY_LEN;
	default:	/* WIRE_TUNNEL is the data plane's and never parsed here */
		return 0;
	}
}

enum wire_error wire_parse(const uint8_t *buf, size_t len, struct wire_msg *msg)
{
	size_t fixed;

	msg->type = len ? buf[0] : 0;
	msg->buf = buf;
	msg->len = len;
	msg->n_ext = 0;
	if (!len)
		return WIRE_TRUNCATED;
	if (len > WIRE_MSG_MAX)
		return WIRE_TOO_LONG;
	fixed = fixed_len(msg->type);
	if (!fixed)
		return WIRE_UNKNOWN_TYPE;
	if (len < fixed)
		return WIRE_TRUNCATED;

	switch (msg->type) {
	case WIRE_RRQ:
		msg->rrq = (struct wire_rrq){
			.flags = buf[1],
			.lifetime = get16(buf + 2),
			.home = get_addr(buf + 4),
			.ha = get_addr(buf + 8),
			.coa = get_addr(buf + 12),
			.id = get64(buf + 16),
		};
		break;
	case WIRE_RRP:
		msg->rrp = (struct wire_rrp){
			.code = buf[1],
			.lifetime = get16(buf + 2),
			.home = get_addr(buf + 4),
			.ha = get_addr(buf + 8),
			.id = get64(buf + 12),
		};
		break;
	case WIRE_REVOKE:
		/* Home before Foreign Domain: s3.3's figure, not its prose. */
		msg->revoke = (struct wire_revoke){
			.flags = get16(buf + 2),
			.home = get_addr(buf + 4),
			.ha = get_addr(buf + 8),
			.coa = get_addr(buf + 12),
			.id = get32(buf + 16),
		};
		break;
	case WIRE_REVOKE_ACK:
		msg->ack = (struct wire_revoke_ack){
			.flags = get16(buf + 2),
			.home = get_addr(buf + 4),
			.id = get32(buf + 8),
		};
		break;
	case WIRE_NOTIFY:
		msg->notify = (struct wire_notify){
			.direction = buf[1],
			.flags = get16(buf + 2),
			.home = get_addr(buf + 4),
			.ha = get_addr(buf + 8),
			.coa = get_addr(buf + 12),
			.id = get64(buf + 16),
		};
		break;
	case WIRE_NOTIFY_ACK:
		msg->notify_ack = (struct wire_notify_ack){
			.direction = buf[1],
			.code = buf[2],
			.home = get_addr(buf + 4),
			.ha = get_addr(buf + 8),
			.coa = get_addr(buf + 12),
			.id = get64(buf + 16),
		};
		break;
	}
	return wire_parse_exts(msg, fixed);
}

static uint8_t *start(struct wire_out *out, uint8_t type)
{
	size_t len = fixed_len(type);

	memset(out->buf, 0, len);
	out->buf[0] = type;
	out->len = len;
	out->failed = false;
	out->there = out->passed = 0;
	return out->buf;
}

void wire_put_rrq(struct wire_out *out, const struct wire_rrq *rrq)
{
	uint8_t *p = start(out, WIRE_RRQ);

	p[1] = rrq->flags;
	set16(p + 2, rrq->lifetime);
	set_addr(p + 4, rrq->home);
	set_addr(p + 8, rrq->ha);
	set_addr(p + 12, rrq->coa);
	set64(p + 16, rrq->id);
}

void wire_put_rrp(struct wire_out *out, const struct wire_rrp *rrp)
{
	uint8_t *p = start(out, WIRE_RRP);

	p[1] = rrp->code;
	set16(p + 2, rrp->lifetime);
	set_addr(p + 4, rrp->home);
	set_addr(p + 8, rrp->ha);
	set64(p + 12, rrp->id);
}

void wire_put_revoke(struct wire_out *out, const struct wire_revoke *revoke)
{
	uint8_t *p = start(out, WIRE_REVOKE);

	set16(p + 2, revoke->flags);
	set_addr(p + 4, revoke->home);
	set_addr(p + 8, revoke->ha);
	set_addr(p + 12, revoke->coa);
	set32(p + 16, revoke->id);
}

void wire_put_revoke_ack(struct wire_out *out, const struct wire_revoke_ack *ack)
{
	uint8_t *p = start(out, WIRE_REVOKE_ACK);

	set16(p + 2, ack->flags);
	set_addr(p + 4, ack->home);
	set32(p + 8, ack->id);
}

static void put_notify(uint8_t *p, struct in_addr home, struct in_addr ha, struct in_addr coa, uint64_t id)
{
	set_addr(p + 4, home);
	set_addr(p + 8, ha);
	set_addr(p + 12, coa);
	set64(p + 16, id);
}

void wire_put_notify(struct wire_out *out, const struct wire_notify *notify)
{
	uint8_t *p = start(out, WIRE_NOTIFY);

	p[1] = notify->direction;
	set16(p + 2, notify->flags);
	put_notify(p, notify->home, notify->ha, notify->coa, notify->id);
}

void wire_put_notify_ack(struct wire_out *out, const struct wire_notify_ack *ack)
{
	uint8_t *p = start(out, WIRE_NOTIFY_ACK);

	p[1] = ack->direction;
	p[2] = ack->code;
	put_notify(p, ack->home, ack->ha, ack->coa, ack->id);
}

const char *wire_error_name(enum wire_error error)
{
	static const char *const names[WIRE_ERROR_MAX] = {
		[WIRE_OK] = "ok",
		[WIRE_TRUNCATED] = "truncated",
		[WIRE_UNKNOWN_TYPE] = "unknown_type",
		[WIRE_EXT_OVERRUN] = "ext_overrun",
		[WIRE_EXT_SHORT] = "ext_short",
		[WIRE_EXT_UNKNOWN] = "ext_unknown",
		[WIRE_TOO_MANY] = "too_many_exts",
		[WIRE_TOO_LONG] = "too_long",
		[WIRE_EXT_LONG] = "ext_long",
	};

	return (unsigned int)error < WIRE_ERROR_MAX ? names[error] : "?";
}

#define CODE_CASE(name, number, text) case WIRE_CODE_##name: return text;

const char *wire_code_name(uint8_t code)
{
	switch ((enum wire_code)code) {
	WIRE_CODES(CODE_CASE)
	}
	return "unknown code";
}

#define ACCESS_CASE(name, number, text) case WIRE_ACCESS_##name: return text;

const char *wire_access_name(uint8_t access)
{
	switch ((enum wire_access)access) {
	WIRE_ACCESSES(ACCESS_CASE)
	}
	return NULL;
}
