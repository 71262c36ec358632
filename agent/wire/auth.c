// SPDX-License-Identifier: GPL-2.0-only
/* Authentication extensions: RFC 5944 s3.5, RFC 4721 s5. */
#include "wire/bytes.h"
#include "wire/wire.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

#define SPI_LEN		4
#define MD5_LEN		16
#define CHALLENGE_LOW	237	/* octets of a challenge that CHAP hashes, RFC 4721 s8 */

enum method {
	HMAC,
	KEYED,		/* key, data, key: RFC 2002 s3.5.1 */
	CHAP,		/* RFC 4721 s8 */
};

static const struct alg {
	const char *name;
	const char *digest;	/* OpenSSL's name */
	uint8_t len;		/* of the authenticator */
	enum method method;
	bool spi;		/* covers the SPI */
} algs[WIRE_ALG_MAX] = {
	[WIRE_ALG_HMAC_MD5]	= { "hmac-md5", "MD5", 16, HMAC, true },
	[WIRE_ALG_HMAC_SHA256]	= { "hmac-sha-256", "SHA256", 32, HMAC, true },
	[WIRE_ALG_HMAC_SHA1]	= { "hmac-sha-1", "SHA1", 20, HMAC, true },
	[WIRE_ALG_MD5]		= { "keyed-md5", "MD5", 16, KEYED, true },
	[WIRE_ALG_MD5_2002]	= { "keyed-md5-rfc2002", "MD5", 16, KEYED, false },
	[WIRE_ALG_CHAP]		= { "chap", "MD5", 16, CHAP, true },
};

/*
 * OpenSSL looks an algorithm up by name under a lock, for EVP_Q_mac() and for
 * every init that names a digest: that was 2.2 us of HMAC-MD5 over a whole RRQ
 * against 1.7 us for a copy of a context that knows its digest. Reusing one
 * context would take 1.1 us, but keeps the last key in memory. So: a template
 * per algorithm, keyless and never written again, copied and wiped per call.
 */
static EVP_MAC_CTX *templates[WIRE_ALG_MAX];
static EVP_MD *digests[WIRE_ALG_MAX];
static pthread_once_t templates_once = PTHREAD_ONCE_INIT;

static void templates_init(void)
{
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	/* Where one is missing, e.g. MD5 barred by the system's policy, it stays NULL. */
	for (int i = 0; hmac && i < WIRE_ALG_MAX; i++) {
		OSSL_PARAM params[] = {
			OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
							 (char *)algs[i].digest, 0),
			OSSL_PARAM_construct_end(),
		};
		EVP_MAC_CTX *ctx;

		if (algs[i].method != HMAC) {
			digests[i] = EVP_MD_fetch(NULL, algs[i].digest, NULL);
			continue;
		}
		ctx = EVP_MAC_CTX_new(hmac);
		if (ctx && EVP_MAC_CTX_set_params(ctx, params))
			templates[i] = ctx;
		else
			EVP_MAC_CTX_free(ctx);
	}
	EVP_MAC_free(hmac);	/* the contexts hold their own references */
}

bool wire_alg_available(enum wire_alg alg)
{
	pthread_once(&templates_once, templates_init);
	return (unsigned int)alg < WIRE_ALG_MAX && (templates[alg] || digests[alg]);
}

static bool hmac(const struct wire_sa *sa, const uint8_t *data, size_t len,
		 uint8_t mac[static WIRE_AUTH_MAX])
{
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(templates[sa->alg]);
	size_t mac_len;
	bool ok;

	ok = ctx && EVP_MAC_init(ctx, sa->key, sa->key_len, NULL) &&
	     EVP_MAC_update(ctx, data, len) &&
	     EVP_MAC_final(ctx, mac, &mac_len, WIRE_AUTH_MAX) &&
	     mac_len == algs[sa->alg].len;
	EVP_MAC_CTX_free(ctx);
	return ok;
}

struct part {
	const uint8_t *data;
	size_t len;
};

/* MD5 over up to four parts, one behind the other. */
static bool md5(const EVP_MD *md, const struct part part[static 4], uint8_t mac[static MD5_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex2(ctx, md, NULL);

	for (int i = 0; i < 4; i++)
		ok = ok && EVP_DigestUpdate(ctx, part[i].data, part[i].len);
	ok = ok && EVP_DigestFinal_ex(ctx, mac, NULL);
	EVP_MD_CTX_free(ctx);	/* wipes */
	return ok;
}

/* The Challenge extension of the first @len bytes; without one its value is 0 (RFC 4721 s8). */
static struct part challenge_of(const uint8_t *buf, size_t len)
{
	static const uint8_t zero[1];
	const struct wire_ext *ext = NULL;
	struct wire_msg msg;

	if (!wire_parse(buf, len, &msg))
		ext = wire_find(&msg, WIRE_EXT_CHALLENGE, 0);
	return ext ? (struct part){ ext->data, ext->len } : (struct part){ zero, sizeof(zero) };
}

static bool keyed_md5(const struct wire_sa *sa, const uint8_t *data, size_t len,
		      uint8_t mac[static MD5_LEN])
{
	struct part key = { sa->key, sa->key_len };
	struct part all[4] = { key, { data, len }, key };

	return md5(digests[sa->alg], all, mac);
}

/* A short challenge goes in whole: its first octet counts twice. */
static bool chap(const struct wire_sa *sa, const uint8_t *data, size_t len, size_t ext_off,
		 uint8_t mac[static MD5_LEN])
{
	struct part challenge = challenge_of(data, ext_off), low = challenge;
	uint8_t inner[MD5_LEN];
	struct part preceding[4] = { { data, len } };
	struct part all[4] = { { challenge.data, 1 }, { sa->key, sa->key_len }, { inner, sizeof(inner) } };

	if (low.len > CHALLENGE_LOW) {
		low.data += low.len - CHALLENGE_LOW;
		low.len = CHALLENGE_LOW;
	}
	all[3] = low;
	return md5(digests[sa->alg], preceding, inner) && md5(digests[sa->alg], all, mac);
}

/*
 * Over the @len bytes of a message up to and with the SPI of the extension that
 * begins at @ext_off: RFC 5944 s3.5.1.
 */
static bool authenticator(const struct wire_sa *sa, const uint8_t *data, size_t len, size_t ext_off,
			  uint8_t mac[static WIRE_AUTH_MAX])
{
	if (!sa->key_len || sa->key_len > WIRE_KEY_MAX || !wire_alg_available(sa->alg))
		return false;
	switch (algs[sa->alg].method) {
	case HMAC:
		return hmac(sa, data, len, mac);
	case KEYED:
		return keyed_md5(sa, data, algs[sa->alg].spi ? len : len - SPI_LEN, mac);
	case CHAP:
		return chap(sa, data, len, ext_off, mac);
	}
	return false;
}

/* May an extension of this type be made by @alg? */
static bool fits(uint8_t type, uint8_t sub, enum wire_alg alg)
{
	if ((unsigned int)alg >= WIRE_ALG_MAX)
		return false;
	if (type == WIRE_EXT_GAE)
		return sub == WIRE_GAE_MN_AAA;
	return (type == WIRE_EXT_MHAE || type == WIRE_EXT_FHAE) && algs[alg].method != CHAP;
}

bool wire_alg_parse(const char *name, enum wire_alg *alg)
{
	for (int i = 0; i < WIRE_ALG_MAX; i++) {
		if (algs[i].method != CHAP && !strcmp(name, algs[i].name)) {
			*alg = i;
			return true;
		}
	}
	return false;
}

const char *wire_alg_name(enum wire_alg alg)
{
	return (unsigned int)alg < WIRE_ALG_MAX ? algs[alg].name : "?";
}

void wire_put_auth(struct wire_out *out, uint8_t type, const struct wire_sa *sa)
{
	uint8_t sub = type == WIRE_EXT_GAE ? WIRE_GAE_MN_AAA : 0;
	uint8_t data[SPI_LEN + WIRE_AUTH_MAX] = { 0 };
	size_t mac_len, covered, off = out->len;
	uint8_t mac[WIRE_AUTH_MAX];

	if (!fits(type, sub, sa->alg)) {
		out->failed = true;
		return;
	}
	mac_len = algs[sa->alg].len;
	set32(data, sa->spi);
	wire_put_ext(out, type, sub, data, SPI_LEN + mac_len);
	if (out->failed)
		return;
	/* Type, the final Length and the SPI are covered too: RFC 5944 s3.5.1. */
	covered = out->len - mac_len;
	if (authenticator(sa, out->buf, covered, off, mac))
		memcpy(out->buf + covered, mac, mac_len);
	else
		out->failed = true;
}

uint32_t wire_auth_spi(const struct wire_ext *ext)
{
	return ext->len < SPI_LEN ? 0 : get32(ext->data);
}

bool wire_auth_ok(const struct wire_msg *msg, const struct wire_ext *ext, const struct wire_sa *sa)
{
	uint8_t mac[WIRE_AUTH_MAX];
	const uint8_t *received;

	if (!fits(ext->type, ext->sub, sa->alg) || ext->len != SPI_LEN + algs[sa->alg].len ||
	    wire_auth_spi(ext) != sa->spi)
		return false;
	received = ext->data + SPI_LEN;
	return authenticator(sa, msg->buf, received - msg->buf, ext->off, mac) &&
	       !CRYPTO_memcmp(mac, received, algs[sa->alg].len);
}
