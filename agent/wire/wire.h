/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mobile IPv4 control messages (UDP 434): bytes <-> structs. No I/O, no
 * allocation, no state.
 *
 * Addresses are in network byte order (as in struct in_addr), all other
 * integers in host byte order. Parsed data points into the caller's buffer
 * and lives as long as that does.
 */
#ifndef MIP4_WIRE_H
#define MIP4_WIRE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_PORT	434	/* RFC 5944 s1.8 */
#define WIRE_MSG_MAX	1400	/* what we build; a larger one received is refused */
#define WIRE_EXT_MAX	32	/* extensions in one message; more: WIRE_TOO_MANY */
#define WIRE_NAI_MAX	253	/* one TLV's room is 255, RFC 4282 says 253 */
#define WIRE_SERVICE_MAX 255	/* RFC 5446 s3 */
#define WIRE_AUTH_MAX	32	/* longest authenticator, HMAC-SHA-256 */
#define WIRE_KEY_MAX	64

#define WIRE_LIFETIME_INFINITE	0xffff

enum wire_type {
	WIRE_RRQ	= 1,	/* RFC 5944 s3.3 */
	WIRE_RRP	= 3,	/* RFC 5944 s3.4 */
	WIRE_TUNNEL	= 4,	/* RFC 3519 s3.3 */
	WIRE_REVOKE	= 7,	/* RFC 3543 s3.3 */
	WIRE_REVOKE_ACK	= 15,	/* RFC 3543 s3.4 */
	WIRE_NOTIFY	= 22,	/* RFC 6098 s4.1 */
	WIRE_NOTIFY_ACK	= 23,	/* RFC 6098 s4.2 */
};

/* RRQ flags, RFC 5944 s3.3 and RFC 3024 s3.2 */
#define WIRE_RRQ_S	0x80
#define WIRE_RRQ_B	0x40
#define WIRE_RRQ_D	0x20
#define WIRE_RRQ_M	0x10
#define WIRE_RRQ_G	0x08
#define WIRE_RRQ_T	0x02

/* Revocation bits. The I bit has two places, RFC 3543 s3.3 and s3.4. */
#define WIRE_REVOKE_A		0x8000
#define WIRE_REVOKE_I		0x4000
#define WIRE_REVOKE_ACK_I	0x8000
#define WIRE_REVSUP_I		0x8000

#define WIRE_NOTIFY_A		0x8000	/* wants an acknowledgment */

enum wire_direction {		/* of notifications, RFC 6098 s4.1 */
	WIRE_HA_TO_MN, WIRE_HA_TO_FA, WIRE_MN_TO_HA, WIRE_MN_TO_FA, WIRE_FA_TO_MN, WIRE_FA_TO_HA
};

/* Codes of acknowledgments, a space of their own: RFC 6098 s4.2. */
enum wire_notify_code {
	WIRE_NOTIFY_OK		= 0,
	WIRE_NOTIFY_FA_UNSPECIFIED = 64,
	WIRE_NOTIFY_FA_ID	= 69,	/* Identification mismatch */
	WIRE_NOTIFY_HA_ID	= 133,
};

/* Reply codes. The one list: names serve logs, CLI and JSON. */
#define WIRE_CODES(x) \
	x(ACCEPTED, 0, "accepted") \
	x(ACCEPTED_NO_SIMULTANEOUS, 1, "accepted, simultaneous bindings unsupported") \
	x(FA_ADMIN_PROHIBITED, 65, "administratively prohibited (FA)") \
	x(HA_UNSPECIFIED, 128, "reason unspecified") \
	x(HA_ADMIN_PROHIBITED, 129, "administratively prohibited") \
	x(HA_NO_RESOURCES, 130, "insufficient resources") \
	x(HA_MN_AUTH, 131, "mobile node failed authentication") \
	x(HA_FA_AUTH, 132, "foreign agent failed authentication") \
	x(HA_ID_MISMATCH, 133, "identification mismatch") \
	x(HA_POORLY_FORMED, 134, "poorly formed request") \
	x(HA_TOO_MANY_BINDINGS, 135, "too many simultaneous bindings") \
	x(HA_UNKNOWN_HA, 136, "unknown home agent address") \
	x(HA_REVERSE_TUNNEL_UNAVAILABLE, 137, "reverse tunnel unavailable") \
	x(HA_REVERSE_TUNNEL_MANDATORY, 138, "reverse tunnel is mandatory and wasn't asked for") \
	x(HA_ENCAP_UNAVAILABLE, 139, "requested encapsulation unavailable") \
	x(HA_CVSE_MN, 140, "unknown vendor extension from the mobile node") \
	x(HA_CVSE_FA, 141, "unknown vendor extension from the foreign agent") \
	x(REDIRECT_HA, 143, "register with another home agent") \
	x(HA_AAA_AUTH, 144, "mobile node failed AAA authentication") \
	x(PMIP_UNSUPPORTED, 149, "PMIPv4 unsupported") \
	x(PMIP_DISALLOWED, 150, "PMIPv4 disallowed") \
	x(SERVICE_REFUSED, 151, "service authorization failed")

#define WIRE_CODE_ENUM(name, number, text) WIRE_CODE_##name = number,
enum wire_code { WIRE_CODES(WIRE_CODE_ENUM) };

/* Extension types; layout, place and skippability are rows of ext.c's table. */
enum wire_ext_type {
	WIRE_EXT_MHAE		= 32,	/* Mobile-Home authentication */
	WIRE_EXT_MFAE		= 33,
	WIRE_EXT_FHAE		= 34,	/* Foreign-Home authentication */
	WIRE_EXT_GAE		= 36,	/* generalized authentication, RFC 4721 s5 */
	WIRE_EXT_CVSE		= 38,
	WIRE_EXT_FA_ERROR	= 45,	/* RFC 4636 */
	WIRE_EXT_PMIP		= 47,	/* per-node authentication method, RFC 5563 s5.1 */
	WIRE_EXT_GRE_KEY	= 48,	/* RFC 6245 */
	WIRE_EXT_NAI		= 131,	/* RFC 2794 */
	WIRE_EXT_CHALLENGE	= 132,	/* RFC 4721 s3 */
	WIRE_EXT_NVSE		= 134,	/* RFC 3115 s2.2 */
	WIRE_EXT_REVSUP		= 137,	/* revocation support, RFC 3543 s3.2 */
	WIRE_EXT_DYNAMIC_HA	= 139,	/* RFC 4433 s3.4 */
	WIRE_EXT_TEXT		= 145,	/* message string, RFC 4917 */
	WIRE_EXT_PMIP_SKIP	= 147,	/* RFC 5563 s5.2-5.5 */
	WIRE_EXT_SERVICE	= 151,	/* service selection, RFC 5446 */
};

/*
 * GRE keys before RFC 6245: a CVSE of 3GPP2. Its text isn't public; number and
 * layout are those that Wireshark knows.
 */
#define WIRE_VENDOR_3GPP2	5535
#define WIRE_3GPP2_GRE_KEY	0x0401

/* Host configuration, RFC 4332: an NVSE each of Cisco's */
#define WIRE_VENDOR_CISCO	9
#define WIRE_CISCO_HOST		14
#define WIRE_HOST_DNS_MAX	2
/* s3.7 says 246, which fits a sub-type of one byte; its figures have two. */
#define WIRE_HOST_SUFFIX_MAX	245

enum wire_host_sub {		/* the two sub-types for DHCP, and the one for a URL, are nobody's here */
	WIRE_HOST_REQUEST	= 0,
	WIRE_HOST_PLEN		= 1,
	WIRE_HOST_DNS		= 2,
	WIRE_HOST_GATEWAY	= 5,
	WIRE_HOST_SUFFIX	= 6,
};

/* What a home agent tells of a home network; all 0: nothing. */
struct wire_host_config {
	uint8_t plen;			/* 1 to 32 */
	struct in_addr gateway;
	struct in_addr dns[WIRE_HOST_DNS_MAX];	/* the second one only beside the first */
	char suffix[WIRE_HOST_SUFFIX_MAX + 1];	/* letters, digits, hyphens and dots */
};

#define WIRE_GAE_MN_AAA	1	/* sub-type of ext. 36, RFC 4721 s6 */
#define WIRE_SPI_CHAP	2	/* RFC 4721 s9 */
#define WIRE_TEXT_MAX	128	/* as much of a message string as we show, NUL included */

enum wire_text {		/* whose words: sub-types of ext. 145, RFC 4917 s4 */
	WIRE_TEXT_HA	= 1,
	WIRE_TEXT_FA	= 2,
};

enum wire_pmip_method {		/* of ext. 47, RFC 5563 s5.1 */
	WIRE_PMIP_FHA	= 1,
	WIRE_PMIP_IPSEC	= 2,
};

enum wire_pmip_skip {		/* sub-types of ext. 147 */
	WIRE_PMIP_INTERFACE_ID	= 1,
	WIRE_PMIP_DEVICE_ID	= 2,
	WIRE_PMIP_SUBSCRIBER_ID	= 3,
	WIRE_PMIP_ACCESS_TECH	= 4,
};

enum wire_dynamic_ha {		/* sub-types of ext. 139 */
	WIRE_HA_REQUESTED	= 1,	/* in requests */
	WIRE_HA_REDIRECTED	= 2,	/* in replies */
};

#define WIRE_DEVICE_ID_MAC	1	/* ID-Type of 147/2, RFC 5563 s5.3 */

/* Tech-Types of 147/4, RFC 5563 s5.5, from 1 on without a gap. The one list of their names. */
#define WIRE_ACCESSES(x) \
	x(8023, 1, "802.3") x(80211, 2, "802.11") x(80216E, 3, "802.16e") x(80216M, 4, "802.16m") \
	x(EUTRAN, 5, "e-utran") x(UTRAN, 6, "utran") x(HRPD, 7, "hrpd") x(UMB, 8, "umb")
#define WIRE_ACCESS_ENUM(name, number, text) WIRE_ACCESS_##name = number,
enum wire_access { WIRE_ACCESSES(WIRE_ACCESS_ENUM) };
const char *wire_access_name(uint8_t access);	/* NULL: it has none here */

/* Why a datagram was refused: named counters use wire_error_name(). */
enum wire_error {
	WIRE_OK,
	WIRE_TRUNCATED,		/* shorter than the fixed part */
	WIRE_UNKNOWN_TYPE,
	WIRE_EXT_OVERRUN,	/* an extension runs past the datagram */
	WIRE_EXT_SHORT,		/* one we act on, below the minimum length of its type */
	WIRE_EXT_UNKNOWN,	/* unknown and not skippable: RFC 5944 s1.8 */
	WIRE_TOO_MANY,
	WIRE_TOO_LONG,
	WIRE_EXT_LONG,		/* one we act on, above the maximum length of its type */
	WIRE_ERROR_MAX
};

struct wire_ext {
	uint8_t type;
	uint8_t sub;		/* 0 where the type has none */
	uint16_t len;		/* of data: after Sub-Type, after SPI stays in */
	uint16_t off;		/* of the Type byte in the message */
	uint16_t end;		/* one past the last byte */
	const uint8_t *data;	/* authentication: SPI first; 131: the NAI; 48: the key ... */
};

struct wire_rrq {
	uint8_t flags;
	uint16_t lifetime;	/* s; 0 deregisters */
	struct in_addr home, ha, coa;
	uint64_t id;
};

struct wire_rrp {
	uint8_t code;
	uint16_t lifetime;
	struct in_addr home, ha;
	uint64_t id;
};

struct wire_revoke {
	uint16_t flags;		/* WIRE_REVOKE_A, WIRE_REVOKE_I */
	struct in_addr home, ha, coa;	/* home, Home Domain, Foreign Domain */
	uint32_t id;
};

struct wire_revoke_ack {
	uint16_t flags;		/* WIRE_REVOKE_ACK_I */
	struct in_addr home;
	uint32_t id;
};

struct wire_notify {
	uint8_t direction;	/* enum wire_direction */
	uint16_t flags;		/* WIRE_NOTIFY_A */
	struct in_addr home, ha, coa;
	uint64_t id;
};

struct wire_notify_ack {
	uint8_t direction, code;
	struct in_addr home, ha, coa;
	uint64_t id;
};

struct wire_msg {
	uint8_t type;		/* enum wire_type */
	union {
		struct wire_notify notify;
		struct wire_notify_ack notify_ack;
		struct wire_rrq rrq;
		struct wire_rrp rrp;
		struct wire_revoke revoke;
		struct wire_revoke_ack ack;
	};
	const uint8_t *buf;	/* the caller's */
	size_t len;
	unsigned int n_ext;
	struct wire_ext ext[WIRE_EXT_MAX];	/* known ones and skipped ones, in order */
};

/**
 * wire_parse() - read one datagram
 * @buf: UDP payload
 * @len: its length in bytes
 * @msg: filled on success; after an error only msg->type may be looked at
 *
 * Unknown types from 128 are kept as opaque extensions (to be skipped by the
 * caller), unknown ones below refuse the message, and so do ones below 128
 * that have no meaning for us or in this message. A notification is refused by
 * any that isn't permitted in it. One-byte padding (type 0)
 * leaves no trace. Framing only: order, presence and authentication are the
 * caller's to judge.
 */
enum wire_error wire_parse(const uint8_t *buf, size_t len, struct wire_msg *msg);

const char *wire_error_name(enum wire_error error);
/* Text of a reply code; "unknown code" for one not in WIRE_CODES. */
const char *wire_code_name(uint8_t code);
/* It says that what came there wasn't authentic: garbled, maybe on purpose. Not the last word. */
static inline bool wire_code_unauthentic(uint8_t code)
{
	return code == WIRE_CODE_HA_FA_AUTH || code == WIRE_CODE_HA_MN_AUTH || code == WIRE_CODE_HA_AAA_AUTH;
}

/* First extension of @type (and @sub, if the type has sub-types); NULL if none. */
const struct wire_ext *wire_find(const struct wire_msg *msg, uint8_t type, uint8_t sub);
/*
 * Does each extension stand where it has to, as far as those say that are in
 * @msg? Those that are skipped may stand anywhere. After what isn't covered has
 * been taken away: that has no place at all.
 */
bool wire_in_order(const struct wire_msg *msg);
/* How many extensions of @type there are. */
unsigned int wire_count(const struct wire_msg *msg, uint8_t type);

/*
 * User and realm in visible ASCII (RFC 2486 s3, which RFC 2794 builds on). Wider
 * ones (RFC 7542) are refused: logs, JSON and configurations take NAIs as text.
 */
bool wire_nai_ok(const char *nai);

/* Typed views. False if absent or of the wrong length. */
bool wire_get_nai(const struct wire_msg *msg, char nai[static WIRE_NAI_MAX + 1]);	/* NUL inside: false */
/* Ext. 48 or 3GPP2's CVSE, whichever comes first; host byte order. */
bool wire_get_gre_key(const struct wire_msg *msg, uint32_t *key);
bool wire_is_gre_key(const struct wire_ext *ext);	/* in one of the two encodings */
unsigned int wire_count_gre_keys(const struct wire_msg *msg);
/* The first CVSE of which we don't know what it is: RFC 3115 s2.4 lets nobody go on then. */
const struct wire_ext *wire_find_unknown_cvse(const struct wire_msg *msg);
bool wire_get_pmip_method(const struct wire_msg *msg, uint8_t *method);
bool wire_get_revsup(const struct wire_msg *msg, uint16_t *flags, uint32_t *timestamp);
bool wire_get_dynamic_ha(const struct wire_msg *msg, enum wire_dynamic_ha sub, struct in_addr *ha);
bool wire_get_access_tech(const struct wire_msg *msg, uint8_t *tech);
bool wire_get_device_mac(const struct wire_msg *msg, uint8_t mac[static 6]);
bool wire_get_service(const struct wire_msg *msg, char service[static WIRE_SERVICE_MAX + 1]);	/* NUL inside: false */
/* Does a request ask for what there is? Only "all" is defined: RFC 4332 s3.1. */
bool wire_asks_host_config(const struct wire_msg *msg);
/* False if there is none of it. The first of each kind; what can't be true is as good as absent. */
bool wire_get_host_config(const struct wire_msg *msg, struct wire_host_config *host);
bool wire_host_suffix_ok(const char *suffix);	/* characters and length; "" isn't */
/* What an agent has to say: cut off, and in visible ASCII, whatever it is. */
bool wire_get_text(const struct wire_msg *msg, enum wire_text whose, char text[static WIRE_TEXT_MAX]);

/*
 * A message being built. The calls that put a fixed part start it afresh and
 * need nothing initialised; then come the extensions. @failed stays set once a
 * put did not fit, had a length its type forbids, has no place in the message, or
 * not that one: order is kept as wire_in_order() wants it. Nothing is written past
 * the end.
 */
struct wire_out {
	uint8_t buf[WIRE_MSG_MAX];
	size_t len;
	bool failed;
	uint8_t there, passed;	/* bits of ext.c: by what others are ordered, and what may not follow */
};

void wire_put_rrq(struct wire_out *out, const struct wire_rrq *rrq);
void wire_put_rrp(struct wire_out *out, const struct wire_rrp *rrp);
void wire_put_revoke(struct wire_out *out, const struct wire_revoke *revoke);
void wire_put_revoke_ack(struct wire_out *out, const struct wire_revoke_ack *ack);
void wire_put_notify(struct wire_out *out, const struct wire_notify *notify);
void wire_put_notify_ack(struct wire_out *out, const struct wire_notify_ack *ack);

/* Any extension by its table row: the right framing for @type, data as in struct wire_ext. */
void wire_put_ext(struct wire_out *out, uint8_t type, uint8_t sub, const void *data, size_t len);
void wire_put_nai(struct wire_out *out, const char *nai);
void wire_put_gre_key(struct wire_out *out, uint32_t key);
void wire_put_gre_key_3gpp2(struct wire_out *out, uint32_t key);
void wire_put_pmip_method(struct wire_out *out, uint8_t method);
void wire_put_revsup(struct wire_out *out, uint16_t flags, uint32_t timestamp);
void wire_put_dynamic_ha(struct wire_out *out, enum wire_dynamic_ha sub, struct in_addr ha);
void wire_put_device_mac(struct wire_out *out, const uint8_t mac[static 6]);
void wire_put_access_tech(struct wire_out *out, uint8_t tech);
void wire_put_service(struct wire_out *out, const char *service);
void wire_put_host_request(struct wire_out *out);
void wire_put_host_config(struct wire_out *out, const struct wire_host_config *host);	/* what of it is set */
void wire_put_text(struct wire_out *out, enum wire_text whose, const char *text);

/* Security association: what an SPI selects (RFC 5944 s1.6). */
enum wire_alg {
	WIRE_ALG_HMAC_MD5,	/* RFC 5944 s3.5.1, the default */
	WIRE_ALG_HMAC_SHA256,	/* all 32 bytes */
	WIRE_ALG_HMAC_SHA1,	/* all 20 bytes */
	WIRE_ALG_MD5,		/* key before and behind: RFC 2002 s3.5.1 as RFC 3344 has it, with the SPI */
	WIRE_ALG_MD5_2002,	/* the same without the SPI, as RFC 2002 itself says */
	WIRE_ALG_CHAP,		/* MN-AAA by SPI 2 only: RFC 4721 s8 */
	WIRE_ALG_MAX
};

struct wire_sa {
	uint32_t spi;		/* from 256 on, RFC 5944 s1.6; MN-AAA: or WIRE_SPI_CHAP */
	enum wire_alg alg;
	uint8_t key[WIRE_KEY_MAX];	/* wiped by its owner */
	uint8_t key_len;	/* bytes, at least 16 */
};

/* "hmac-md5", "hmac-sha-256" ...; not CHAP, which goes with its SPI and is nobody's choice. */
bool wire_alg_parse(const char *name, enum wire_alg *alg);
const char *wire_alg_name(enum wire_alg alg);
/*
 * False where the system's OpenSSL bars the algorithm (a FIPS policy and MD5).
 * The first call loads it, which takes long enough to be done before a device waits.
 */
bool wire_alg_available(enum wire_alg alg);

/*
 * Append an authentication extension of @type (32, 34, or 36 for MN-AAA) over all
 * that is there: RFC 5944 s3.5.1.
 */
void wire_put_auth(struct wire_out *out, uint8_t type, const struct wire_sa *sa);

/* SPI of an authentication extension; 0 if it is too short to have one. */
uint32_t wire_auth_spi(const struct wire_ext *ext);

/**
 * wire_auth_ok() - check one authentication extension of a parsed message
 * Length is compared with the algorithm's before hashing, the authenticator
 * in constant time.
 */
bool wire_auth_ok(const struct wire_msg *msg, const struct wire_ext *ext, const struct wire_sa *sa);

#endif /* MIP4_WIRE_H */
