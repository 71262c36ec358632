// SPDX-License-Identifier: GPL-2.0-only
/* Authentication extensions: RFC 5944 s3.5. */
#include "wire/bytes.h"
#include "wire/wire.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

#define SPI_LEN 4

static const struct alg {
	const char *name;
	const char *digest;	/* OpenSSL's name */
	uint8_t len;		/* of the authenticator */
} algs[WIRE_ALG_MAX] = {
	[WIRE_ALG_HMAC_MD5]	= { "hmac-md5", "MD5", 16 },
	[WIRE_ALG_HMAC_SHA256]	= { "hmac-sha-256", "SHA256", 32 },
};

/*
 * OpenSSL looks an algorithm up by name under a lock, for EVP_Q_mac() and for
 * every init that names a digest: that was 2.2 us of HMAC-MD5 over a whole RRQ
 * against 1.7 us for a copy of a context that knows its digest. Reusing one
 * context would take 1.1 us, but keeps the last key in memory. So: a template
 * per algorithm, keyless and never written again, copied and wiped per call.
 */
static EVP_MAC_CTX *templates[WIRE_ALG_MAX];
static pthread_once_t templates_once = PTHREAD_ONCE_INIT;

static void templates_init(void)
{
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	for (int i = 0; hmac && i < WIRE_ALG_MAX; i++) {
		OSSL_PARAM params[] = {
			OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
							 (char *)algs[i].digest, 0),
			OSSL_PARAM_construct_end(),
		};
		EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac);

		if (ctx && EVP_MAC_CTX_set_params(ctx, params))
			templates[i] = ctx;
		else
			EVP_MAC_CTX_free(ctx);	/* e.g. MD5 barred by the system's policy */
	}
	EVP_MAC_free(hmac);	/* the contexts hold their own references */
}

bool wire_alg_available(enum wire_alg alg)
{
	pthread_once(&templates_once, templates_init);
	return (unsigned int)alg < WIRE_ALG_MAX && templates[alg];
}

static bool hmac(const struct wire_sa *sa, const uint8_t *data, size_t len,
		 uint8_t mac[static WIRE_AUTH_MAX])
{
	EVP_MAC_CTX *ctx;
	size_t mac_len;
	bool ok;

	if (!sa->key_len || sa->key_len > WIRE_KEY_MAX || !wire_alg_available(sa->alg))
		return false;
	ctx = EVP_MAC_CTX_dup(templates[sa->alg]);
	ok = ctx && EVP_MAC_init(ctx, sa->key, sa->key_len, NULL) &&
	     EVP_MAC_update(ctx, data, len) &&
	     EVP_MAC_final(ctx, mac, &mac_len, WIRE_AUTH_MAX) &&
	     mac_len == algs[sa->alg].len;
	EVP_MAC_CTX_free(ctx);
	return ok;
}

bool wire_alg_parse(const char *name, enum wire_alg *alg)
{
	for (int i = 0; i < WIRE_ALG_MAX; i++) {
		if (!strcmp(name, algs[i].name)) {
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
	uint8_t data[SPI_LEN + WIRE_AUTH_MAX] = { 0 };
	uint8_t mac[WIRE_AUTH_MAX];
	size_t mac_len, covered;

	if ((type != WIRE_EXT_MHAE && type != WIRE_EXT_FHAE) ||
	    (unsigned int)sa->alg >= WIRE_ALG_MAX) {
		out->failed = true;
		return;
	}
	mac_len = algs[sa->alg].len;
	set32(data, sa->spi);
	wire_put_ext(out, type, 0, data, SPI_LEN + mac_len);
	if (out->failed)
		return;
	/* Type, the final Length and the SPI are covered too: RFC 5944 s3.5.1. */
	covered = out->len - mac_len;
	if (hmac(sa, out->buf, covered, mac))
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

	if ((ext->type != WIRE_EXT_MHAE && ext->type != WIRE_EXT_FHAE) ||
	    (unsigned int)sa->alg >= WIRE_ALG_MAX ||
	    ext->len != SPI_LEN + algs[sa->alg].len || wire_auth_spi(ext) != sa->spi)
		return false;
	received = ext->data + SPI_LEN;
	return hmac(sa, msg->buf, received - msg->buf, mac) &&
	       !CRYPTO_memcmp(mac, received, algs[sa->alg].len);
}
