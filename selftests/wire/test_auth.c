// SPDX-License-Identifier: GPL-2.0-only
/* Authenticators: published and our own vectors, and that nothing else passes. */
#include "common.h"

/* V1, whole: protocol/oracles.md s4 */
#define V1 "0102070800000000c0000201c6336407e8000000000000018310757365724065" \
	   "78616d706c652e6e65742014000001003ae57b49ec920d07bfa2905128ddc6dc"
#define V1_BEFORE_AUTH "0102070800000000c0000201c6336407e8000000000000018310757365724065" \
		       "78616d706c652e6e6574"
#define V3_TAIL "2f010001019308020102005e10000193020402" \
		"221400000200bd4b11fda809a164e299fa8fb351c802"
#define V4_TAIL "3000000400c0ffee221400000200842571ccd8e4993ab050c97b312cf9f2"
#define V8 "0700c0000a000005c0000201c6336407e8000010" \
	   "2214000002007951d549be9b468736b5a1ba934868d6"

static struct wire_sa mha(void)
{
	return sa_of(0x100, WIRE_ALG_HMAC_MD5, MHA_KEY);
}

static struct wire_sa fha(void)
{
	return sa_of(0x200, WIRE_ALG_HMAC_MD5, FHA_KEY);
}

/*
 * An authenticator covers all up to its SPI, so a text whose last four bytes
 * pass as the SPI is all that gets hashed.
 */
static bool covers(enum wire_alg alg, const char *key_hex, const char *text, const char *mac_hex)
{
	struct wire_sa sa = sa_of(0, alg, key_hex);
	size_t len = strlen(text);
	struct bytes b = { .len = 0 };
	struct wire_ext ext = { .type = WIRE_EXT_MHAE };
	struct wire_msg msg;

	add_bytes(&b, text, len);
	add_hex(&b, mac_hex);
	ext.data = b.p + len - 4;
	ext.len = b.len - len + 4;
	msg = (struct wire_msg){ .buf = b.p, .len = b.len };
	sa.spi = wire_auth_spi(&ext);
	return wire_auth_ok(&msg, &ext, &sa);
}

static void rfc2202_hmac_md5(void **state)
{
	(void)state;
	/* [5944-3.5.1-4] */
	assert_true(covers(WIRE_ALG_HMAC_MD5, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
			   "9294727a3638bb1c13f48ef8158bfc9d"));
	assert_true(covers(WIRE_ALG_HMAC_MD5, "4a656665", "what do ya want for nothing?",
			   "750c783e6ab0b503eaa86e310a5db738"));
	/* Case 4, a key of 200 bits: [5944-5.1-2] */
	assert_true(covers(WIRE_ALG_HMAC_MD5, "0102030405060708090a0b0c0d0e0f10111213141516171819",
			   "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"
			   "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"
			   "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd", "697eaf0aca3a3aea3a75164746ffaa79"));
	assert_false(covers(WIRE_ALG_HMAC_MD5, "4a656665", "what do ya want for nothing!",
			    "750c783e6ab0b503eaa86e310a5db738"));
}

static void rfc4231_hmac_sha256(void **state)
{
	(void)state;
	assert_true(covers(WIRE_ALG_HMAC_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
			   "Hi There",
			   "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
	assert_true(covers(WIRE_ALG_HMAC_SHA256, "4a656665", "what do ya want for nothing?",
			   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
	assert_false(covers(WIRE_ALG_HMAC_SHA256, "4a656665", "what do ya want for nothing!",
			    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
}

static void rfc2202_hmac_sha1(void **state)
{
	(void)state;
	assert_true(covers(WIRE_ALG_HMAC_SHA1, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
			   "b617318655057264e28bc0b6fb378c8ef146be00"));
	assert_true(covers(WIRE_ALG_HMAC_SHA1, "4a656665", "what do ya want for nothing?",
			   "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"));
	assert_false(covers(WIRE_ALG_HMAC_SHA1, "4a656665", "what do ya want for nothing!",
			    "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"));
}

static void v1_built(void **state)
{
	struct wire_rrq rrq = common_rrq();
	struct wire_sa sa = mha();
	struct wire_out out;

	(void)state;
	wire_put_rrq(&out, &rrq);
	wire_put_nai(&out, "user@example.net");
	wire_put_auth(&out, WIRE_EXT_MHAE, &sa);
	assert_false(out.failed);
	/* The key has all sorts of bytes: [5944-3.5.1-1] [5944-5.1-3] */
	assert_bytes(out.buf, out.len, V1);
}

static void v1_read(void **state)
{
	struct bytes b = from_hex(V1);
	struct parsed in = parse(&b);
	char nai[WIRE_NAI_MAX + 1];
	struct wire_sa sa = mha();

	(void)state;
	assert_int_equal(in.error, WIRE_OK);
	assert_int_equal(in.msg.rrq.flags, WIRE_RRQ_T);
	assert_int_equal(in.msg.rrq.lifetime, 1800);
	assert_int_equal(in.msg.rrq.home.s_addr, 0);
	assert_int_equal(in.msg.rrq.ha.s_addr, addr("192.0.2.1").s_addr);
	assert_int_equal(in.msg.rrq.coa.s_addr, addr("198.51.100.7").s_addr);
	assert_true(in.msg.rrq.id == 0xe800000000000001);
	assert_true(wire_get_nai(&in.msg, nai));
	assert_string_equal(nai, "user@example.net");
	assert_int_equal(wire_auth_spi(wire_find(&in.msg, WIRE_EXT_MHAE, 0)), 0x100);
	assert_true(wire_auth_ok(&in.msg, wire_find(&in.msg, WIRE_EXT_MHAE, 0), &sa));
	free(in.heap);
}

static void v3_built_and_read(void **state)
{
	static const uint8_t mac[6] = { 0x02, 0x00, 0x5e, 0x10, 0x00, 0x01 };
	struct wire_rrq rrq = common_rrq();
	struct wire_sa sa = fha();
	uint8_t got[6], method, tech;
	struct wire_out out;
	struct parsed in;
	struct bytes b;

	(void)state;
	wire_put_rrq(&out, &rrq);
	wire_put_nai(&out, "user@example.net");
	wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	wire_put_device_mac(&out, mac);
	wire_put_access_tech(&out, 2);
	wire_put_auth(&out, WIRE_EXT_FHAE, &sa);
	assert_false(out.failed);
	/* [5944-1.6-8] */
	assert_bytes(out.buf, out.len, V1_BEFORE_AUTH V3_TAIL);

	b = from_hex(V1_BEFORE_AUTH V3_TAIL);
	in = parse(&b);
	assert_int_equal(in.error, WIRE_OK);
	assert_true(wire_get_pmip_method(&in.msg, &method));
	assert_int_equal(method, WIRE_PMIP_FHA);
	assert_true(wire_get_device_mac(&in.msg, got));
	assert_memory_equal(got, mac, 6);
	assert_true(wire_get_access_tech(&in.msg, &tech));
	assert_int_equal(tech, 2);
	/* [5944-5.1-1] */
	assert_true(wire_auth_ok(&in.msg, wire_find(&in.msg, WIRE_EXT_FHAE, 0), &sa));
	free(in.heap);
}

static void v4_built_and_read(void **state)
{
	struct wire_sa mn = mha(), fa = fha();
	struct wire_rrq rrq = common_rrq();
	struct wire_out out;
	struct parsed in;
	struct bytes b;
	uint32_t key;

	(void)state;
	wire_put_rrq(&out, &rrq);
	wire_put_nai(&out, "user@example.net");
	wire_put_auth(&out, WIRE_EXT_MHAE, &mn);
	wire_put_gre_key(&out, 0x00c0ffee);
	wire_put_auth(&out, WIRE_EXT_FHAE, &fa);
	assert_false(out.failed);
	assert_bytes(out.buf, out.len, V1 V4_TAIL);

	b = from_hex(V1 V4_TAIL);
	in = parse(&b);
	assert_int_equal(in.error, WIRE_OK);
	assert_true(wire_get_gre_key(&in.msg, &key));
	assert_int_equal(key, 0x00c0ffee);
	/* Each covers what is before it, so the first survives what the FA appends. */
	assert_true(wire_auth_ok(&in.msg, wire_find(&in.msg, WIRE_EXT_MHAE, 0), &mn));
	assert_true(wire_auth_ok(&in.msg, wire_find(&in.msg, WIRE_EXT_FHAE, 0), &fa));
	free(in.heap);
}

static void v8_built_and_read(void **state)
{
	struct wire_revoke revoke = {
		.flags = WIRE_REVOKE_A | WIRE_REVOKE_I, .home = addr("10.0.0.5"),
		.ha = addr("192.0.2.1"), .coa = addr("198.51.100.7"), .id = 0xe8000010,
	};
	struct bytes b = from_hex(V8);
	struct parsed in = parse(&b);
	struct wire_sa sa = fha();
	struct wire_out out;

	(void)state;
	wire_put_revoke(&out, &revoke);
	wire_put_auth(&out, WIRE_EXT_FHAE, &sa);
	assert_false(out.failed);
	assert_bytes(out.buf, out.len, V8);
	assert_int_equal(in.error, WIRE_OK);
	assert_int_equal(in.msg.revoke.flags, WIRE_REVOKE_A | WIRE_REVOKE_I);
	assert_int_equal(in.msg.revoke.ha.s_addr, addr("192.0.2.1").s_addr);
	assert_true(wire_auth_ok(&in.msg, wire_find(&in.msg, WIRE_EXT_FHAE, 0), &sa));
	free(in.heap);
}

/* [trap] V2 (prefix+suffix MD5) and V2b (the same, SPI not covered): each good by its own algorithm only. */
static void keyed_md5(void **state)
{
	static const struct {
		enum wire_alg alg;
		const char *mac;
	} vectors[] = {
		{ WIRE_ALG_MD5, "98096b73710156a94876b1c7116c4fd4" },
		{ WIRE_ALG_MD5_2002, "b0591ad6fa03bedbe7073e4d3b27382c" },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bytes b = from_hex(V1_BEFORE_AUTH "201400000100");
		struct wire_rrq rrq = common_rrq();
		struct wire_sa sa = mha();
		struct wire_out out;
		struct parsed in;

		sa.alg = vectors[i].alg;
		add_hex(&b, vectors[i].mac);
		wire_put_rrq(&out, &rrq);
		wire_put_nai(&out, "user@example.net");
		wire_put_auth(&out, WIRE_EXT_MHAE, &sa);
		assert_false(out.failed);
		/* [5944-5.1-4] */
		assert_int_equal(out.len, b.len);
		assert_memory_equal(out.buf, b.p, b.len);
		in = parse(&b);
		for (sa.alg = 0; sa.alg < WIRE_ALG_MAX; sa.alg++)
			assert_int_equal(wire_auth_ok(&in.msg, wire_find(&in.msg, WIRE_EXT_MHAE, 0), &sa),
					 sa.alg == vectors[i].alg);
		free(in.heap);
	}
}

#define CHALLENGE "8410a1a2a3a4a5a6a7a8b1b2b3b4b5b6b7b8"

/* V5 and V6: behind the challenge, so V1's own authenticator is covered as well. */
static void mn_aaa(void **state)
{
	static const struct {
		enum wire_alg alg;
		uint32_t spi;
		const char *ext;
	} vectors[] = {
		{ WIRE_ALG_HMAC_MD5, 0x300, "24010014 00000300 1d210c61ce81df326054fe0bd92abc90" },
		{ WIRE_ALG_CHAP, WIRE_SPI_CHAP, "24010014 00000002 a710840efa0e718532781d9cd7fe19a3" },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct wire_sa sa = sa_of(vectors[i].spi, vectors[i].alg, "30313233343536373839616263646566");
		struct bytes b = from_hex(V1 CHALLENGE), built;
		struct wire_out out = { .len = b.len };
		struct parsed in;

		memcpy(out.buf, b.p, b.len);
		wire_put_auth(&out, WIRE_EXT_GAE, &sa);
		built = from_out(&out);
		add_hex(&b, vectors[i].ext);
		assert_int_equal(built.len, b.len);
		assert_memory_equal(built.p, b.p, b.len);
		for (size_t bit = 0; bit <= b.len * 8; bit++) {
			const struct wire_ext *ext;

			if (bit < b.len * 8)
				b.p[bit / 8] ^= 1 << bit % 8;
			in = parse(&b);
			ext = in.error ? NULL : wire_find(&in.msg, WIRE_EXT_GAE, WIRE_GAE_MN_AAA);
			if ((ext && wire_auth_ok(&in.msg, ext, &sa)) != (bit == b.len * 8))
				fail_msg("wrong verdict with bit %zu of byte %zu flipped", bit % 8, bit / 8);
			free(in.heap);
			if (bit < b.len * 8)
				b.p[bit / 8] ^= 1 << bit % 8;
		}
	}
}

/* No challenge counts as one octet of 0, of a long one the first and the last 237 octets count. */
static void chap_challenges(void **state)
{
	static const struct {
		size_t len;
		const char *mac;
	} vectors[] = {
		{ 0, "229c38570f7b25874f84e74c3c8b63f0" },
		{ 250, "35446fc1659621233b81f38098cd762d" },
	};
	struct wire_sa sa = sa_of(WIRE_SPI_CHAP, WIRE_ALG_CHAP, "30313233343536373839616263646566");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct wire_rrq rrq = common_rrq();
		uint8_t challenge[250];
		struct wire_out out;

		for (size_t j = 0; j < sizeof(challenge); j++)
			challenge[j] = j + 1;
		wire_put_rrq(&out, &rrq);
		wire_put_nai(&out, "user@example.net");
		if (vectors[i].len)
			wire_put_ext(&out, WIRE_EXT_CHALLENGE, 0, challenge, vectors[i].len);
		wire_put_auth(&out, WIRE_EXT_GAE, &sa);
		assert_false(out.failed);
		assert_bytes(out.buf + out.len - 16, 16, vectors[i].mac);
	}
}

/* CHAP is no way to make the others, and 36 has no place in a reply (RFC 4721 s6). */
static void chap_is_for_aaa_only(void **state)
{
	struct wire_sa sa = sa_of(WIRE_SPI_CHAP, WIRE_ALG_CHAP, "30313233343536373839616263646566");
	struct bytes b = from_hex(message_hex[M_RRP]);
	struct wire_rrq rrq = common_rrq();
	struct wire_out out;

	(void)state;
	wire_put_rrq(&out, &rrq);
	wire_put_auth(&out, WIRE_EXT_MHAE, &sa);
	assert_true(out.failed);
	wire_put_rrq(&out, &rrq);
	wire_put_auth(&out, WIRE_EXT_FHAE, &sa);
	assert_true(out.failed);
	add_hex(&b, "24010014 00000300 1d210c61ce81df326054fe0bd92abc90");
	assert_int_equal(parse_error(&b), WIRE_EXT_UNKNOWN);
}

/* Flip each bit of a message that ends in 34 in turn: none may still pass. */
static void flip_every_bit(const char *fixed_hex, enum wire_alg alg)
{
	struct wire_sa sa = sa_of(0x200, alg, FHA_KEY);
	struct bytes b = from_hex(fixed_hex);
	struct wire_out out = { .len = b.len };

	memcpy(out.buf, b.p, b.len);
	wire_put_nai(&out, "user@example.net");
	wire_put_auth(&out, WIRE_EXT_FHAE, &sa);
	b = from_out(&out);
	for (size_t bit = 0; bit < b.len * 8; bit++) {
		const struct wire_ext *ext;
		struct parsed in;

		b.p[bit / 8] ^= 1 << bit % 8;
		in = parse(&b);
		ext = in.error ? NULL : wire_find(&in.msg, WIRE_EXT_FHAE, 0);
		if (ext && wire_auth_ok(&in.msg, ext, &sa))
			fail_msg("passes with bit %zu of byte %zu flipped", bit % 8, bit / 8);
		free(in.heap);
		b.p[bit / 8] ^= 1 << bit % 8;
	}
}

static void flips_hmac_md5(void **state)
{
	(void)state;
	/* [5944-3.5.1-1] */
	for (int i = 0; i < N_MESSAGES; i++)
		flip_every_bit(message_hex[i], WIRE_ALG_HMAC_MD5);
}

static void flips_others(void **state)
{
	static const enum wire_alg alg[] = { WIRE_ALG_HMAC_SHA256, WIRE_ALG_HMAC_SHA1, WIRE_ALG_MD5 };

	(void)state;
	/* [5944-3.5.1-3] */
	for (int i = 0; i < N_MESSAGES; i++)
		for (int j = 0; j < 3; j++)
			flip_every_bit(message_hex[i], alg[j]);
}

static void sha256_round_trip(void **state)
{
	struct wire_sa sa = sa_of(0xffffffff, WIRE_ALG_HMAC_SHA256, FHA_KEY);
	struct wire_rrq rrq = common_rrq();
	struct wire_out out;
	struct parsed in;
	struct bytes b;

	(void)state;
	wire_put_rrq(&out, &rrq);
	wire_put_auth(&out, WIRE_EXT_FHAE, &sa);
	b = from_out(&out);
	assert_int_equal(b.len, 24 + 2 + 4 + 32);
	assert_int_equal(b.p[25], 36);
	in = parse(&b);
	assert_int_equal(wire_auth_spi(wire_find(&in.msg, WIRE_EXT_FHAE, 0)), 0xffffffff);
	/* [5944-3.5.1-3] */
	assert_true(wire_auth_ok(&in.msg, wire_find(&in.msg, WIRE_EXT_FHAE, 0), &sa));
	free(in.heap);
}

static void wrong_association_refused(void **state)
{
	struct wire_sa good = mha(), sa;
	struct bytes b = from_hex(V1);
	struct parsed in = parse(&b);
	const struct wire_ext *ext = wire_find(&in.msg, WIRE_EXT_MHAE, 0);

	(void)state;
	assert_true(wire_auth_ok(&in.msg, ext, &good));
	sa = good;
	sa.key[15] ^= 1;
	assert_false(wire_auth_ok(&in.msg, ext, &sa));
	sa = good;
	sa.key_len = 15;
	assert_false(wire_auth_ok(&in.msg, ext, &sa));
	sa = good;
	sa.key_len = 0;
	assert_false(wire_auth_ok(&in.msg, ext, &sa));
	sa = good;
	/* [5944-3.5.1-2] */
	sa.spi++;
	assert_false(wire_auth_ok(&in.msg, ext, &sa));
	sa = good;
	sa.alg = WIRE_ALG_HMAC_SHA256;
	assert_false(wire_auth_ok(&in.msg, ext, &sa));
	sa.alg = WIRE_ALG_MAX;
	assert_false(wire_auth_ok(&in.msg, ext, &sa));
	/* The NAI is no authenticator, however many bytes of it match. */
	assert_false(wire_auth_ok(&in.msg, wire_find(&in.msg, WIRE_EXT_NAI, 0), &good));
	free(in.heap);
}

/* A right authenticator that is cut short or has something behind it does not count. */
static void wrong_length_refused(void **state)
{
	struct wire_sa sa = mha();

	(void)state;
	for (unsigned int len = 5; len < 60; len++) {
		struct bytes b = from_hex(V1);
		struct parsed in;

		b.p[43] = len;
		b.len = 44 + len;
		in = parse(&b);
		assert_int_equal(in.error, WIRE_OK);
		assert_true(len == 20 ||
			    !wire_auth_ok(&in.msg, wire_find(&in.msg, WIRE_EXT_MHAE, 0), &sa));
		free(in.heap);
	}
}

/* What follows an authenticator is not its business (and not covered by it). */
static void trailing_extension_uncovered(void **state)
{
	struct bytes b = from_hex(V1 "30000004deadbeef");
	struct parsed in = parse(&b);
	const struct wire_ext *ext, *key;
	struct wire_sa sa = mha();

	(void)state;
	assert_int_equal(in.error, WIRE_OK);
	ext = wire_find(&in.msg, WIRE_EXT_MHAE, 0);
	key = wire_find(&in.msg, WIRE_EXT_GRE_KEY, 0);
	assert_true(wire_auth_ok(&in.msg, ext, &sa));
	/* The offsets are what tells the caller so. */
	assert_true(key->off >= ext->end);
	free(in.heap);
}

static void put_auth_refuses(void **state)
{
	struct wire_rrq rrq = common_rrq();
	struct wire_sa good = mha(), sa;
	struct wire_out out;

	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		wire_put_rrq(&out, &rrq);
		wire_put_auth(&out, type, &good);
		assert_int_equal(out.failed,
				 type != WIRE_EXT_MHAE && type != WIRE_EXT_FHAE && type != WIRE_EXT_GAE);
	}
	sa = good;
	sa.key_len = 0;
	wire_put_rrq(&out, &rrq);
	wire_put_auth(&out, WIRE_EXT_MHAE, &sa);
	assert_true(out.failed);
	sa = good;
	sa.key_len = WIRE_KEY_MAX + 1;
	wire_put_rrq(&out, &rrq);
	wire_put_auth(&out, WIRE_EXT_MHAE, &sa);
	assert_true(out.failed);
	sa = good;
	sa.alg = WIRE_ALG_MAX;
	wire_put_rrq(&out, &rrq);
	wire_put_auth(&out, WIRE_EXT_MHAE, &sa);
	assert_true(out.failed);
}

/* A right authenticator in an extension that is for somebody else (33) counts for nothing. */
static void wrong_type_refused(void **state)
{
	struct wire_sa sa = mha();
	struct bytes b = from_hex(V1);
	struct parsed in = parse(&b);
	struct wire_ext ext = *wire_find(&in.msg, WIRE_EXT_MHAE, 0);

	(void)state;
	assert_true(wire_auth_ok(&in.msg, &ext, &sa));
	ext.type = WIRE_EXT_MFAE;
	assert_false(wire_auth_ok(&in.msg, &ext, &sa));
	free(in.heap);
}

static void spi_of_short_extension(void **state)
{
	struct wire_ext ext = { .type = WIRE_EXT_MHAE, .len = 3, .data = (const uint8_t *)"abc" };

	(void)state;
	assert_int_equal(wire_auth_spi(&ext), 0);
}

static void algorithm_names(void **state)
{
	enum wire_alg alg;

	(void)state;
	for (int i = 0; i < WIRE_ALG_MAX; i++) {
		assert_int_equal(wire_alg_parse(wire_alg_name(i), &alg), i != WIRE_ALG_CHAP);
		assert_true(i == WIRE_ALG_CHAP || (int)alg == i);
	}
	assert_true(wire_alg_parse("hmac-sha-256", &alg));
	assert_int_equal(alg, WIRE_ALG_HMAC_SHA256);
	assert_false(wire_alg_parse("md5", &alg));
	assert_false(wire_alg_parse("", &alg));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc2202_hmac_md5),
		cmocka_unit_test(rfc4231_hmac_sha256),
		cmocka_unit_test(rfc2202_hmac_sha1),
		cmocka_unit_test(v1_built),
		cmocka_unit_test(v1_read),
		cmocka_unit_test(v3_built_and_read),
		cmocka_unit_test(v4_built_and_read),
		cmocka_unit_test(v8_built_and_read),
		cmocka_unit_test(keyed_md5),
		cmocka_unit_test(mn_aaa),
		cmocka_unit_test(chap_challenges),
		cmocka_unit_test(chap_is_for_aaa_only),
		cmocka_unit_test(flips_hmac_md5),
		cmocka_unit_test(flips_others),
		cmocka_unit_test(sha256_round_trip),
		cmocka_unit_test(wrong_association_refused),
		cmocka_unit_test(wrong_length_refused),
		cmocka_unit_test(wrong_type_refused),
		cmocka_unit_test(trailing_extension_uncovered),
		cmocka_unit_test(put_auth_refuses),
		cmocka_unit_test(spi_of_short_extension),
		cmocka_unit_test(algorithm_names),
	};

	return cmocka_run_group_tests_name("wire auth", tests, NULL, NULL);
}
