// SPDX-License-Identifier: GPL-2.0-only
#include "load/catalogue.h"

#include <string.h>

#include "wire/bytes.h"

/* ---- edits: of the request, before it is signed ---- */

static void no_nai(struct probe *p)
{
	p->req.nai = NULL;
}

static void foreign_nai(struct probe *p)
{
	p->req.nai = "probe@realm-that-nobody-has.invalid";
}

/* Visible ASCII without a realm would be one thing; this would break logs. */
static void control_nai(struct probe *p)
{
	p->nai[0] = '\n';
}

static void no_signature(struct probe *p)
{
	p->req.fha = NULL;
}

static void no_authority(struct probe *p)
{
	p->req.fha = NULL;
	p->req.method = -1;
}

static void other_spi(struct probe *p)
{
	p->sa.spi ^= 0x00800000;
}

static void reserved_spi(struct probe *p)
{
	p->sa.spi = 255;
}

static void other_key(struct probe *p)
{
	p->sa.key[0] ^= 1;
}

static void key_zero(struct probe *p)
{
	p->req.key = 0;
}

static void id_zero(struct probe *p)
{
	p->req.f.id = 0;
}

static void home_of_ha(struct probe *p)
{
	p->req.f.home = p->env->ha;
}

static void coa_of_ha(struct probe *p)
{
	p->req.f.coa = p->env->ha;
}

static void home_of_victim(struct probe *p)
{
	p->req.f.home = p->env->victim_home;
}

static void victim(struct probe *p)
{
	p->req.nai = p->env->victim;
	p->req.f.home = p->env->victim_home;
}

static void victim_leaves_unsigned(struct probe *p)
{
	victim(p);
	p->req.f.lifetime = 0;
	p->req.fha = NULL;
}

static void victim_leaves_forged(struct probe *p)
{
	victim(p);
	p->req.f.lifetime = 0;
	p->sa.key[0] ^= 1;
}

/* A millisecond before the last one that was accepted. */
static void victim_earlier(struct probe *p)
{
	victim(p);
	p->req.f.id = get64(p->env->accepted.buf + 16) - (1ULL << 32) / 1000;
}

static void many_extensions(struct probe *p)
{
	static uint8_t raw[4 * 200];

	for (size_t i = 0; i < sizeof(raw); i += 4)
		memcpy(raw + i, "\x93\x02\x04\x01", 4);		/* 147, access technology */
	p->req.raw = raw;
	p->req.raw_len = sizeof(raw);
}

/* ---- bends: of the bytes, when all is done ---- */

static void flip_last(struct probe *p)
{
	p->buf[p->len - 1] ^= 1;
}

static void change_lifetime(struct probe *p)
{
	p->buf[3] ^= 1;
}

static void sign_twice(struct probe *p)
{
	wire_put_auth(&p->out, WIRE_EXT_FHAE, &p->sa);
	p->len = p->out.len;
	memcpy(p->buf, p->out.buf, p->len);
}

static void short_authenticator(struct probe *p)
{
	const struct wire_ext *ext;
	struct wire_msg msg;

	if (wire_parse(p->out.buf, p->out.len, &msg))
		return;
	ext = wire_find(&msg, WIRE_EXT_FHAE, 0);
	p->buf[ext->off + 1] -= 4;
	p->len -= 4;
}

static void eight_thousand_bytes(struct probe *p)
{
	size_t more = 8000 - p->len;

	memset(p->buf + p->len, 0, more);		/* padding: RFC 5944 s1.8 */
	p->len += more;
}

static void same_again(struct probe *p)
{
	p->len = p->env->accepted.len;
	memcpy(p->buf, p->env->accepted.buf, p->len);
}

static void start(struct probe *p, uint8_t type)
{
	memset(p->buf, 0, 64);
	p->buf[0] = type;
	p->len = 64;
}

static void type_99(struct probe *p)
{
	start(p, 99);
}

static void tunnel_data(struct probe *p)
{
	start(p, WIRE_TUNNEL);
}

static void reply_to_ha(struct probe *p)
{
	const struct wire_rrp rrp = { .home = p->env->victim_home, .ha = p->env->ha, .id = p->env->ntp };

	wire_put_rrp(&p->out, &rrp);
	wire_put_auth(&p->out, WIRE_EXT_FHAE, p->env->sa);
	p->len = p->out.len;
	memcpy(p->buf, p->out.buf, p->len);
}

/* RFC 3543 s3.3. @later: than what was said when registering, in seconds. */
static void revocation(struct probe *p, uint16_t flags, struct in_addr home, struct in_addr coa, int later,
		       const char *nai, const struct wire_sa *sa)
{
	const struct wire_revoke revoke = {
		.flags = flags, .home = home, .ha = p->env->ha, .coa = coa,
		.id = get32(p->env->accepted.buf + 16) + later,
	};

	wire_put_revoke(&p->out, &revoke);
	wire_put_nai(&p->out, nai);
	if (sa)
		wire_put_auth(&p->out, WIRE_EXT_FHAE, sa);
	p->len = p->out.len;
	memcpy(p->buf, p->out.buf, p->len);
}

#define LATER	60

static void revoke_unsigned(struct probe *p)
{
	revocation(p, 0, p->env->victim_home, p->env->pma, LATER, p->env->victim, NULL);
}

static void revoke_forged(struct probe *p)
{
	other_key(p);
	revocation(p, 0, p->env->victim_home, p->env->pma, LATER, p->env->victim, &p->sa);
}

static void revoke_reflected(struct probe *p)
{
	revocation(p, WIRE_REVOKE_A, p->env->victim_home, p->env->pma, LATER, p->env->victim, p->env->sa);
}

static void revoke_stale(struct probe *p)
{
	revocation(p, 0, p->env->victim_home, p->env->pma, -1, p->env->victim, p->env->sa);
}

static void revoke_for_another(struct probe *p)
{
	revocation(p, 0, p->env->victim_home, p->env->ha, LATER, p->env->victim, p->env->sa);
}

static void revoke_nobody(struct probe *p)
{
	revocation(p, 0, (struct in_addr){ .s_addr = htonl(0x0a090807) }, p->env->pma, LATER, p->nai, p->env->sa);
}

static void revoke_cut(struct probe *p)
{
	revoke_unsigned(p);
	p->len = 19;
}

static void ack_of_nothing(struct probe *p)
{
	const struct wire_revoke_ack ack = { .home = p->env->victim_home, .id = 1 };

	wire_put_revoke_ack(&p->out, &ack);
	wire_put_auth(&p->out, WIRE_EXT_FHAE, p->env->sa);
	p->len = p->out.len;
	memcpy(p->buf, p->out.buf, p->len);
}

/* ---- the rows ---- */

#define RAW(bytes)	.raw = bytes, .raw_len = sizeof(bytes) - 1
#define BEHIND(bytes)	.behind = bytes, .behind_len = sizeof(bytes) - 1
#define SET(bit, ...)	.set = SET_##bit, __VA_ARGS__
#define R5944		"RFC 5944 section "
#define R5563		"RFC 5563 section "
#define R3543		"RFC 3543 section "
#define R6245		"RFC 6245 section "
#define ALWAYS		(WIRE_RRQ_T | WIRE_RRQ_G)

/*
 * Where a denial is a "should" or its rate may be limited, silence will do. What no RFC says, as for extensions that
 * are too short, is what an HA can do without harm.
 */
const struct probe_case probe_cases[] = {
	/* framing */
	{ "empty", "no byte at all", R5944 "3.3", "silence", SET(CUT, .cut = 0) },
	{ "type-alone", "one byte, the type", R5944 "3.3", "silence", SET(CUT, .cut = 1) },
	{ "short-fixed-part", "a byte less than the fixed part", R5944 "3.3", "silence", SET(CUT, .cut = 23) },
	{ "fixed-part-alone", "no extension", R5944 "3.8.2.1", "silence denied", SET(CUT, .cut = 24) },
	{ "cut-in-extension", "ends within the NAI", R5944 "1.8", "silence", SET(CUT, .cut = 30) },
	{ "unknown-message", "message type 99", R5944 "1.8", "silence", .bend = type_99 },
	{ "tunnel-data", "tunnelled nothing", "RFC 3519 section 3.3", "silence", .bend = tunnel_data },
	{ "reply", "a registration reply, authentic", R5944 "3.8", "silence", .bend = reply_to_ha },
	{ "extension-overruns", "NVSE longer than the message", R5944 "1.9", "silence", RAW("\x86\xff\0\0") },
	{ "long-extension-overruns", "GRE key longer than the message", R5944 "1.10", "silence",
	  RAW("\x30\0\xff\xff\0\0\0\1") },
	{ "length-missing", "the last byte is an extension's type", R5944 "1.9", "silence denied 0", BEHIND("\x83") },
	{ "padding", "one-byte padding", R5944 "1.8", "0", RAW("\0\0\0") },
	{ "unknown-critical", "unknown extension 100", R5944 "1.8", "silence", RAW("\x64\x02\0\0") },
	{ "unknown-skippable", "unknown extension 200", R5944 "1.8", "0", RAW("\xc8\x02\0\0") },
	{ "reply-extension", "a UDP tunnel reply in a request", "RFC 3519 section 3.2", "silence denied",
	  RAW("\x2c\x06\0\0\0\0\0\0") },
	{ "nai-empty", "NAI of length 0", "RFC 2794 section 2", "silence denied", RAW("\x83\0"),
	  .edit = no_nai },
	{ "key-short", "GRE key of three bytes", R6245 "4.1", "silence denied", RAW("\x30\0\0\3\1\2\3") },
	{ "key-long", "GRE key of eight bytes", R6245 "4.1", "silence denied", RAW("\x30\0\0\x08\1\2\3\4\5\6\7\x08") },
	{ "revocation-support-short", "revocation support of two bytes", R3543 "3.2", "silence denied 0",
	  RAW("\x89\2\0\0") },
	{ "many-extensions", "200 extensions that mean nothing", R5944 "1.8", "any", .edit = many_extensions },
	{ "eight-thousand-bytes", "padding up to 8,000 bytes", R5944 "1.8", "any", .bend = eight_thousand_bytes },

	/* authentication */
	{ "unsigned", "per node, without authenticator", R5563 "4.1.1", "silence 132", .edit = no_signature },
	{ "no-authority", "neither ext. 47 nor any authenticator", R5944 "3.8.2.1", "silence 132",
	  .edit = no_authority },
	{ "other-spi", "an SPI that isn't shared", R5944 "3.8.2.1", "132 silence", .edit = other_spi },
	{ "reserved-spi", "SPI 255", R5944 "1.6", "132 silence", .edit = reserved_spi },
	{ "other-key", "authenticator by another key", R5944 "3.8.2.1", "132 silence", .edit = other_key },
	{ "flipped-bit", "one bit of the authenticator is wrong", R5944 "3.8.2.1", "132 silence", .bend = flip_last },
	{ "changed-after", "lifetime changed after signing", R5944 "3.5.1", "132 silence", .bend = change_lifetime },
	{ "short-authenticator", "four bytes of it missing", R5944 "3.5.1", "132 silence",
	  .bend = short_authenticator },
	{ "spi-missing", "FA-HA extension of one byte", R5944 "3.5.4", "silence 132", .edit = no_signature,
	  BEHIND("\x22\1\1") },
	{ "signed-twice", "two FA-HA extensions", R5944 "3.8.2.1", "132 silence", .bend = sign_twice },
	{ "method-not-covered", "ext. 47 behind the authenticator", R5563 "5.1", "silence denied",
	  SET(METHOD, .method = -1),
	  BEHIND("\x2f\1\0\1\1") },
	{ "nai-not-covered", "the NAI behind the authenticator", "RFC 2794 section 2", "silence denied", .edit = no_nai,
	  BEHIND("\x83\x0dx@red.example") },
	{ "unknown-mn", "MN-HA extension of a node without key", R5944 "3.8.2.1", "131 silence denied",
	  RAW("\x20\x14\0\0\x09\2310123456789abcdef") },
	{ "unknown-aaa", "MN-AAA extension of a node without key", "RFC 4721 section 6", "144 silence denied",
	  RAW("\x24\1\0\x14\0\0\x09\2310123456789abcdef") },
	{ "stranger", "from an address that shares no key", R5944 "3.8.2.1", "silence denied", .by_stranger = true },
	{ "replayed-by-stranger", "a request that was accepted, from elsewhere", R5944 "3.7.2.2", "silence denied",
	  .bend = same_again, .by_stranger = true },

	/* replay */
	{ "replayed", "a request that was accepted, again", R5944 "3.8.2.2", "0 133", .bend = same_again },
	{ "overtaken", "a millisecond older than the last one", R5944 "5.7.1", "133", .edit = victim_earlier },
	{ "hour-old", "an hour old", R5944 "5.7.1", "133", .shift_s = -3600 },
	{ "hour-ahead", "of the next hour", R5944 "5.7.1", "133", .shift_s = 3600 },
	{ "identification-zero", "Identification 0", R5944 "5.7.1", "133", .edit = id_zero },

	/* the fixed part */
	{ "r-bit", "reserved bit r", R5944 "3.8.2.3", "0 134", SET(FLAGS, .flags = ALWAYS | 0x04) },
	{ "x-bit", "reserved bit x", R5944 "3.8.2.3", "0 134", SET(FLAGS, .flags = ALWAYS | 0x01) },
	{ "d-bit", "D, as if the device had a tunnel of its own", R5563 "7", "134 denied",
	  SET(FLAGS, .flags = ALWAYS | WIRE_RRQ_D) },
	{ "s-bit", "simultaneous bindings", R5944 "3.8.3.2", "0 1 135", SET(FLAGS, .flags = ALWAYS | WIRE_RRQ_S) },
	{ "b-bit", "broadcasts wanted", R5944 "3.8.2", "0", SET(FLAGS, .flags = ALWAYS | WIRE_RRQ_B) },
	{ "all-bits", "every flag", R5944 "3.3", "any", SET(FLAGS, .flags = 0xff) },
	{ "lifetime-one", "one second", R5944 "3.8.2.2", "0 denied", SET(LIFETIME, .lifetime = 1) },
	{ "lifetime-infinite", "without end", R5944 "3.8.2.2", "0", SET(LIFETIME, .lifetime = WIRE_LIFETIME_INFINITE) },
	{ "leaves-unknown", "deregistration of who isn't there", R5944 "3.8.3.1", "0 denied",
	  SET(LIFETIME, .lifetime = 0) },
	{ "leaves-unsigned", "deregistration without authenticator", R5563 "4.1.1", "silence 132",
	  .edit = victim_leaves_unsigned },
	{ "leaves-forged", "deregistration by another key", R5944 "3.8.2.1", "132 silence",
	  .edit = victim_leaves_forged },
	{ "ha-foreign", "Home Agent is another's address", R5944 "3.8.2.1", "136", SET(HA, .ha = 0xcb007101) },
	{ "ha-any", "Home Agent 0.0.0.0", "RFC 4433 section 5.1", "0 136 143", SET(HA, .ha = 0) },
	{ "ha-all-ones", "Home Agent 255.255.255.255", "RFC 4433 section 5.1", "0 136 143", SET(HA, .ha = 0xffffffff) },
	{ "home-all-ones", "home address 255.255.255.255", R5563 "11", "0 denied", SET(HOME, .home = 0xffffffff) },
	{ "home-foreign", "home address of another network", R5944 "3.8.3.2", "129 denied",
	  SET(HOME, .home = 0xcb007163) },
	{ "home-multicast", "home address 224.0.0.1", R5944 "3.8.3.2", "129 denied", SET(HOME, .home = 0xe0000001) },
	{ "home-loopback", "home address 127.0.0.1", R5944 "3.8.3.2", "129 denied", SET(HOME, .home = 0x7f000001) },
	{ "home-of-ha", "home address is the home agent's own", R5944 "3.8.3.2", "129 denied", .edit = home_of_ha },
	{ "home-of-another", "home address of another device", R5563 "4.1.1", "129 denied", .edit = home_of_victim },
	{ "coa-zero", "care-of address 0.0.0.0", "RFC 4857 section 7", "silence denied", SET(COA, .coa = 0) },
	{ "coa-broadcast", "care-of address 255.255.255.255", R5944 "3.7.2.2", "silence denied",
	  SET(COA, .coa = 0xffffffff) },
	{ "coa-multicast", "care-of address 224.0.0.1", R5944 "3.7.2.2", "silence denied",
	  SET(COA, .coa = 0xe0000001) },
	{ "coa-loopback", "care-of address 127.0.0.1", R5944 "3.7.2.2", "silence denied", SET(COA, .coa = 0x7f000001) },
	{ "coa-of-ha", "care-of address is the home agent's own", R5944 "3.7.2.2", "silence denied",
	  .edit = coa_of_ha },
	{ "coa-elsewhere", "care-of address isn't where it comes from", R5944 "3.7.2.2", "silence denied",
	  SET(COA, .coa = 0xcb007102) },

	/* who, and how */
	{ "no-nai", "no NAI", R5563 "8.1", "129 silence denied", .edit = no_nai },
	{ "nai-of-no-realm", "NAI of a realm that isn't served", R5563 "4.1.1", "129 silence denied",
	  .edit = foreign_nai },
	{ "nai-control", "NAI that begins with a line feed", "RFC 2794 section 2", "silence denied",
	  .edit = control_nai },
	{ "method-zero", "ext. 47 with the reserved method 0", R5563 "8.1", "149 150", SET(METHOD, .method = 0) },
	{ "method-unknown", "ext. 47 with method 99", R5563 "8.1", "149 150", SET(METHOD, .method = 99) },
	{ "method-ipsec", "ext. 47 claims IPsec", R5563 "4.3", "150 silence denied",
	  SET(METHOD, .method = WIRE_PMIP_IPSEC) },
	{ "method-twice", "ext. 47 twice, with two methods", R5563 "5.1", "silence denied", RAW("\x2f\1\0\1\2") },
	{ "method-sub-type", "ext. 47 of an unknown sub-type", R5563 "8.1", "149 150 silence",
	  SET(METHOD, .method = -1),
	  RAW("\x2f\x09\0\1\1") },
	{ "method-empty", "ext. 47 of length 0", R5563 "8.1", "149 silence denied", SET(METHOD, .method = -1),
	  RAW("\x2f\1\0\0") },
	{ "vendor-critical", "CVSE of an unknown vendor", "RFC 3115 section 2.4", "140 141",
	  RAW("\x26\0\0\6\0\0\x32\x97\0\1") },
	{ "vendor-skippable", "NVSE of an unknown vendor", "RFC 3115 section 2.4", "0",
	  RAW("\x86\x08\0\0\0\0\x32\x97\0\1") },
	{ "minimal-alone", "minimal encapsulation, no GRE key", R5944 "3.8.2.1", "0 139 134",
	  SET(FLAGS, .flags = WIRE_RRQ_T | WIRE_RRQ_M) },
	{ "key-zero", "GRE key 0: the home agent's choice", R6245 "4.2", "0 139", .edit = key_zero },
	{ "udp-tunnel-reserved", "UDP tunnel request with reserved bits", "RFC 3519 section 3.1.3", "0 129 134 142",
	  RAW("\x90\x06\0\0\0\x2f\0\1") },

	/* revocation */
	{ "revocation-unsigned", "without authenticator", R3543 "3.3", "silence", .bend = revoke_unsigned },
	{ "revocation-forged", "by another key", R3543 "3.3", "silence", .bend = revoke_forged },
	{ "revocation-reflected", "with the home agent's own A bit", R3543 "3.3", "silence", .bend = revoke_reflected },
	{ "revocation-stale", "older than the registration", R3543 "4.2.2.2", "silence", .bend = revoke_stale },
	{ "revocation-for-another", "of another agent's care-of address", R3543 "3.3", "silence",
	  .bend = revoke_for_another },
	{ "revocation-of-nobody", "of a binding that isn't there", R3543 "3.4", "silence ack", .bend = revoke_nobody },
	{ "revocation-cut", "a byte less than the fixed part", R3543 "3.3", "silence", .bend = revoke_cut },
	{ "acknowledgment", "of a revocation that nobody sent", R3543 "3.5", "silence", .bend = ack_of_nothing },
};

const unsigned int n_probe_cases = sizeof(probe_cases) / sizeof(probe_cases[0]);
