// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is believed, and what the others hear: steps 3 to 5 of protocol/security.md
 * s5 by each kind of authentication, at both ends.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define NAI_A	"a@red.example"
#define NAI_B	"b@red.example"

#define COUNT(field)	(core_counters(w->node[HA].core)->field)
#define PMA_COUNT(field) (core_counters(w->node[PMA1].core)->field)

static const struct wire_sa key_a = { .spi = 0x400, .alg = WIRE_ALG_HMAC_MD5, .key_len = 16,
				      .key = "aaaa aaaa aaaa a" };
static const struct wire_sa key_a2 = { .spi = 0x401, .alg = WIRE_ALG_HMAC_SHA1, .key_len = 20,
				       .key = "AAAA AAAA AAAA AAAA " };
static const struct wire_sa key_b = { .spi = 0x400, .alg = WIRE_ALG_MD5, .key_len = 16, .key = "bbbb bbbb bbbb b" };
static const struct wire_sa key_red = { .spi = 0x500, .alg = WIRE_ALG_HMAC_SHA256, .key_len = 16,
					.key = "all of the red o" };
static const struct wire_sa aaa_a = { .spi = 0x600, .alg = WIRE_ALG_HMAC_MD5, .key_len = 16,
				      .key = "a and its server" };
static const struct wire_sa chap_a = { .spi = WIRE_SPI_CHAP, .alg = WIRE_ALG_CHAP, .key_len = 16,
				       .key = "a, CHAP's manner" };

/* a and b have keys of their own, a also with its AAA server; the HA takes per-MN mode from both PMAs. */
static void give_keys(struct node *n)
{
	struct core_mn *mn = n->mn;

	snprintf(mn[0].nai, sizeof(mn[0].nai), NAI_A);
	mn[0].sa[0] = key_a;
	mn[0].sa[1] = key_a2;
	mn[0].n_sa = 2;
	mn[0].aaa[0] = aaa_a;
	mn[0].aaa[1] = chap_a;
	mn[0].n_aaa = 2;
	snprintf(mn[1].nai, sizeof(mn[1].nai), NAI_B);
	mn[1].home = ip("10.0.0.50");
	mn[1].sa[0] = key_b;
	mn[1].n_sa = 1;
	n->cfg.n_mns = 2;
	n->peer[0].per_mn = n->peer[1].per_mn = true;
}

static int setup(void **state)
{
	struct world *w = world_new(5);

	give_keys(HA_NODE);
	node_start(HA_NODE);
	*state = w;
	return 0;
}

/* The same, but no key is shared with the agents. */
static int setup_strangers(void **state)
{
	struct world *w;

	setup(state);
	w = *state;
	HA_NODE->peer[0].n_sa = HA_NODE->peer[1].n_sa = 0;
	node_start(HA_NODE);
	return 0;
}

static struct rrq plain(struct world *w, const char *nai, const struct wire_sa *key)
{
	struct rrq r = rrq_from(w, PMA1, nai);

	r.method = -1;
	r.revsup = false;
	r.sa = NULL;
	r.mn = key;
	return r;
}

/* The code, or 255 for silence; neither may leave a trace unless it is 0. */
static uint8_t say(struct world *w, const struct rrq *r, struct wire_msg *msg)
{
	size_t n_kernel = HA_NODE->n_kernel, n_row = HA_NODE->n_row;
	bool answered = ask(w, r, msg);

	if (!answered || msg->rrp.code) {
		assert_int_equal(HA_NODE->n_kernel, n_kernel);
		assert_int_equal(HA_NODE->n_row, n_row);
	}
	return answered ? msg->rrp.code : 255;
}

static uint8_t code(struct world *w, const struct rrq *r)
{
	struct wire_msg msg;

	return say(w, r, &msg);
}

static void later(struct world *w, struct rrq *r)
{
	run(w, SEC);
	r->f.id = ntp_of(HA_NODE);
}

static void inject_rrq(struct world *w, const struct rrq *r)
{
	struct wire_out out;

	rrq_build(&out, r);
	inject(HA_NODE, r->src, r->dst, out.buf, out.len);
}

/* Accepted by one key of the agent's, and answered by another. */
static void rrq_by(struct world *w, struct rrq *r, const struct wire_sa *key, const struct wire_sa *answer)
{
	const struct sent *s;
	struct wire_msg msg;

	r->sa = key;
	inject_rrq(w, r);
	s = sent_by(w, HA, WIRE_RRP, 0);
	assert_int_equal(wire_parse(s->data, s->len, &msg), WIRE_OK);
	assert_int_equal(msg.rrp.id, r->f.id);
	assert_int_equal(msg.rrp.code, 0);
	assert_true(wire_auth_ok(&msg, wire_find(&msg, WIRE_EXT_FHAE, 0), answer));
}

static bool signed_by(const struct wire_msg *msg, const struct wire_sa *key)
{
	return wire_auth_ok(msg, wire_find(msg, WIRE_EXT_MHAE, 0), key);
}

/* ---- MN-HA, from behind an agent that we share nothing with ---- */

static void test_mn_ha(void **state)
{
	struct world *w = *state;
	struct rrq r = plain(w, NAI_A, &key_a);
	const struct core_reg *reg;
	struct wire_msg msg;
	uint32_t key;

	/* [5944-3.2-1] [5944-3.8.1-2] */
	assert_int_equal(say(w, &r, &msg), 0);
	/* [5944-3.8.3.3-2] [5944-3.4-6] */
	assert_true(signed_by(&msg, &key_a));
	/* [5944-3.8.3.3-1] For the node, its authentication, then for the agent. */
	assert_int_equal(msg.n_ext, 3);
	assert_int_equal(msg.ext[0].type, WIRE_EXT_NAI);
	assert_int_equal(msg.ext[1].type, WIRE_EXT_MHAE);
	assert_int_equal(msg.ext[2].type, WIRE_EXT_GRE_KEY);
	/* The agent's key came behind the node's authenticator: nothing could cover it. */
	assert_true(wire_get_gre_key(&msg, &key));
	assert_int_equal(HA_NODE->kernel[0].leg[0].key_out, r.key);
	assert_int_equal(HA_NODE->kernel[0].leg[0].key_in, key);
	reg = find(HA_NODE, NAI_A);
	assert_int_equal(reg->auth, CORE_AUTH_MN_HA);
	assert_string_equal(core_auth_name(reg->auth), "mn-ha");
	/* Nobody could authenticate a revocation. */
	assert_int_equal(reg->rec.peer_revsup, 0);

	/* In 3GPP2's encoding as well. */
	later(w, &r);
	r.key_3gpp2 = true;
	r.key++;
	assert_int_equal(say(w, &r, &msg), 0);
	assert_int_equal(HA_NODE->kernel[0].leg[0].key_out, r.key);
	r.key_3gpp2 = false;

	/* Any of its keys, and the answer is by the same. */
	later(w, &r);
	r.mn = &key_a2;
	assert_int_equal(say(w, &r, &msg), 0);
	assert_true(signed_by(&msg, &key_a2));

	/* Only its own. */
	later(w, &r);
	r.nai = NAI_B;
	assert_int_equal(code(w, &r), WIRE_CODE_HA_MN_AUTH);
	later(w, &r);
	r.mn = &key_b;
	assert_int_equal(code(w, &r), 0);
}

static void test_wrong_mn_key(void **state)
{
	struct world *w = *state;
	struct wire_sa wrong = key_a2;
	struct rrq r = plain(w, NAI_A, &wrong);
	unsigned int n_log = HA_NODE->n_log;
	struct wire_msg msg;
	struct wire_out out;

	wrong.key[0] ^= 1;
	assert_int_equal(say(w, &r, &msg), WIRE_CODE_HA_MN_AUTH);
	/* [5944-3.8.2.1-10] [5944-3.8.2.1-11] By the key that its SPI named. */
	assert_true(signed_by(&msg, &key_a2));
	/* [5944-3.8.2.1-13] */
	assert_int_equal(HA_NODE->n_log, n_log + 2);
	assert_int_equal(COUNT(drop_mn_bad_authenticator), 1);
	assert_int_equal(COUNT(denied_131), 1);
	/* Anybody can make us say it: once a second. */
	assert_int_equal(code(w, &r), 255);
	assert_int_equal(COUNT(drop_mn_bad_authenticator), 2);
	assert_int_equal(HA_NODE->n_log, n_log + 2);

	later(w, &r);
	wrong.spi = 0x999;
	assert_int_equal(say(w, &r, &msg), WIRE_CODE_HA_MN_AUTH);
	assert_true(signed_by(&msg, &key_a));
	assert_int_equal(COUNT(drop_mn_unknown_spi), 1);

	/* Twice is not once, however right both are. */
	later(w, &r);
	r.mn = &key_a;
	rrq_build(&out, &r);
	misplace(&out);
	wire_put_auth(&out, WIRE_EXT_MHAE, &key_a);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_int_equal(COUNT(drop_mn_bad_authenticator), 3);
	assert_int_equal(HA_NODE->n_kernel, 0);

	/* Its agent has no key that could stand for it, as 47 says. */
	later(w, &r);
	r.method = WIRE_PMIP_FHA;
	assert_int_equal(code(w, &r), WIRE_CODE_PMIP_DISALLOWED);
	r.method = -1;

	/* Whom we have no key of hears nothing: [5944-3.8.2.1-6] [5944-3.5.1-2] */
	r.nai = "c@red.example";
	later(w, &r);
	assert_int_equal(code(w, &r), 255);
	assert_int_equal(COUNT(drop_unknown_mn), 1);
	/* Nor who signs by nothing. */
	r.nai = NAI_A;
	r.mn = NULL;
	assert_int_equal(code(w, &r), 255);
	assert_int_equal(COUNT(drop_no_authentication), 1);
	/* Nor from where nobody is expected. */
	r.mn = &key_a;
	r.src = "203.0.113.5";
	r.f.coa = ip(r.src);
	assert_int_equal(code(w, &r), 255);
	assert_int_equal(COUNT(drop_unknown_peer), 1);

	/* An agent's authenticator that we have no key for: [5944-3.8.2.1-26] [5944-3.8.2.1-27] */
	run(w, 60 * SEC);	/* one such line a minute */
	r = plain(w, NAI_A, &key_a);
	r.sa = sa_of(PMA1);
	n_log = HA_NODE->n_log;
	assert_int_equal(code(w, &r), 255);
	assert_int_equal(COUNT(drop_fha_unshared), 1);
	assert_int_equal(HA_NODE->n_log, n_log + 1);
}

/* What it signs for stands before it. */
static void test_order(void **state)
{
	struct world *w = *state;
	struct rrq r = plain(w, NULL, NULL);
	unsigned int n_rrp;
	struct wire_out out;

	r.keyed = false;
	rrq_build(&out, &r);
	wire_put_auth(&out, WIRE_EXT_MHAE, &key_a);
	misplace(&out);
	wire_put_nai(&out, NAI_A);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_null(find(HA_NODE, NAI_A));
	assert_int_equal(COUNT(drop_no_authentication), 1);

	/* What isn't covered doesn't count, but for the agent's GRE key. */
	later(w, &r);
	r.nai = NAI_A;
	r.mn = &key_a;
	rrq_build(&out, &r);
	wire_put_revsup(&out, 0, 5);
	wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	wire_put_access_tech(&out, 1);
	n_rrp = n_sent(w, HA, WIRE_RRP);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	/* 47 doesn't: it would authorise, or make us sign a refusal of what the node never asked for. */
	assert_null(find(HA_NODE, NAI_A));
	assert_int_equal(n_sent(w, HA, WIRE_RRP), n_rrp);
	later(w, &r);
	rrq_build(&out, &r);
	wire_put_revsup(&out, 0, 5);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_non_null(find(HA_NODE, NAI_A));
	assert_int_equal(find(HA_NODE, NAI_A)->rec.peer_revsup, 0);
}

/* RFC 3115 s2.4: whose unknown vendor extension it is shows by what it stands before. */
static void test_whose_cvse(void **state)
{
	static const uint8_t cvse[] = { 38, 0, 0, 6, 0, 0, 0, 9, 0, 1 };
	static const struct {
		bool mn, aaa;
		int at;		/* of the three gaps: ahead of MN-HA, of MN-AAA, of FA-HA */
		uint8_t code;
	} cases[] = {
		{ true, false, 0, WIRE_CODE_HA_CVSE_MN }, { true, false, 1, WIRE_CODE_HA_CVSE_FA },
		{ true, true, 0, WIRE_CODE_HA_CVSE_MN }, { true, true, 2, WIRE_CODE_HA_CVSE_FA },
		{ false, true, 1, WIRE_CODE_HA_CVSE_MN }, { false, true, 2, WIRE_CODE_HA_CVSE_FA },
	};
	struct world *w = *state;
	struct rrq r;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_out out;

		r = plain(w, NAI_A, NULL);
		r.keyed = r.revsup = false;
		later(w, &r);
		rrq_build(&out, &r);
		for (int gap = 0; gap < 3; gap++) {
			if (gap == cases[i].at)
				wire_put_ext(&out, WIRE_EXT_CVSE, 0, cvse + 4, sizeof(cvse) - 4);
			if (gap == 0 && cases[i].mn)
				wire_put_auth(&out, WIRE_EXT_MHAE, &key_a);
			if (gap == 1 && cases[i].aaa)
				wire_put_auth(&out, WIRE_EXT_GAE, &aaa_a);
		}
		wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
		assert_false(out.failed);
		inject(HA_NODE, r.src, r.dst, out.buf, out.len);
		assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->data[1], cases[i].code);
	}
	assert_int_equal(COUNT(denied_140), 3);
	assert_int_equal(COUNT(denied_141), 3);
}

/* All of it signed, but not where it has to be: poorly formed (RFC 5944 s3.6.1.3, RFC 6245 s4.1, RFC 4721 s3). */
static void test_misplaced(void **state)
{
	struct world *w = *state;
	struct wire_out out;
	struct rrq r;

	for (int i = 0; i < 4; i++) {
		r = plain(w, NAI_A, i ? NULL : &key_a);
		r.keyed = r.revsup = false;
		later(w, &r);
		rrq_build(&out, &r);
		misplace(&out);
		if (i == 1)		/* ahead of the node's authenticator */
			wire_put_gre_key(&out, 5);
		if (i == 2)
			wire_put_ext(&out, WIRE_EXT_CHALLENGE, 0, "challenge", 9);
		if (i == 3)		/* before MN-HA */
			wire_put_auth(&out, WIRE_EXT_GAE, &aaa_a);
		misplace(&out);
		if (i)
			wire_put_auth(&out, WIRE_EXT_MHAE, &key_a);
		wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
		assert_false(out.failed);
		inject(HA_NODE, r.src, r.dst, out.buf, out.len);
		assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->data[1], i ? WIRE_CODE_HA_POORLY_FORMED : 0);
		assert_int_equal(COUNT(denied_134), i);
	}
}

/* Without an NAI the home address says whose it is; then it needn't be said. */
static void test_by_home_address(void **state)
{
	struct world *w = *state;
	struct rrq r = plain(w, NULL, &key_b);

	assert_int_equal(code(w, &r), 255);		/* 0.0.0.0 is nobody's */
	later(w, &r);
	r.f.home = ip("10.0.0.50");
	assert_int_equal(code(w, &r), 0);
	assert_non_null(find(HA_NODE, NAI_B));
	assert_int_equal(HA_NODE->kernel[0].home.s_addr, r.f.home.s_addr);
	later(w, &r);
	r.f.home = ip("10.0.0.51");
	assert_int_equal(code(w, &r), 255);
	assert_int_equal(COUNT(drop_unknown_mn), 2);
}

/* Nobody else gets it: neither who asks for it, nor who takes any. */
static void test_kept_home_address(void **state)
{
	struct world *w = *state;
	struct rrq r = plain(w, NAI_A, &key_a);

	for (int i = 0; i < NETWORKS; i++)
		HA_NODE->net[i].pool[0].first = HA_NODE->net[i].pool[0].last = ip("10.0.0.50");
	node_start(HA_NODE);
	r.f.home = ip("10.0.0.50");
	assert_int_equal(code(w, &r), WIRE_CODE_HA_ADMIN_PROHIBITED);
	later(w, &r);
	r.f.home = ip("0.0.0.0");
	assert_int_equal(code(w, &r), WIRE_CODE_HA_NO_RESOURCES);
	r = plain(w, NAI_B, &key_b);
	assert_int_equal(code(w, &r), 0);
	assert_int_equal(HA_NODE->kernel[0].home.s_addr, ip("10.0.0.50").s_addr);
}

/* Who asks for any address gets the one that is kept for it, by whatever it is registered. */
static void test_own_home_address(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);

	for (int i = 0; i < NETWORKS; i++) {
		HA_NODE->net[i].pool[0].first = ip("10.0.0.20");
		HA_NODE->net[i].pool[0].last = ip("10.0.0.60");
	}
	node_start(HA_NODE);
	r.nai = NAI_B;
	/* Not what its DHCP client remembers; its agent then asks for any. */
	r.f.home = ip("10.0.0.30");
	assert_int_equal(code(w, &r), WIRE_CODE_HA_ADMIN_PROHIBITED);
	later(w, &r);
	r.f.home = ip("0.0.0.0");
	assert_int_equal(code(w, &r), 0);
	assert_int_equal(HA_NODE->kernel[0].home.s_addr, ip("10.0.0.50").s_addr);
	/* Its agent has lost it, and it comes by its own keys. */
	later(w, &r);
	r.f.lifetime = 0;
	assert_int_equal(code(w, &r), 0);
	r.f.lifetime = 600;
	r.method = -1;
	r.mn = &key_b;
	later(w, &r);
	assert_int_equal(code(w, &r), 0);
	assert_int_equal(HA_NODE->kernel[0].home.s_addr, ip("10.0.0.50").s_addr);
}

/* A section may have an address and no key: it is not one of nodes with keys of their own. */
static void test_address_without_key(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_B), forged = plain(w, NAI_B, &key_b);

	for (unsigned int i = 0; i < HA_NODE->cfg.n_mns; i++)
		HA_NODE->mn[i].n_sa = HA_NODE->mn[i].n_aaa = 0;
	node_start(HA_NODE);
	forged.sa = sa_of(PMA1);
	assert_int_equal(code(w, &forged), 255);
	assert_int_equal(COUNT(drop_unknown_mn), 1);
	later(w, &r);
	assert_int_equal(code(w, &r), 0);
	assert_int_equal(HA_NODE->kernel[0].home.s_addr, ip("10.0.0.50").s_addr);
	/* Nor does it hide the keys of its realm. */
	snprintf(HA_NODE->mn[0].nai, sizeof(HA_NODE->mn[0].nai), "*@red.example");
	HA_NODE->mn[0].n_sa = 1;
	node_restart(HA_NODE);
	forged.mn = &key_a;
	later(w, &forged);
	assert_int_equal(code(w, &forged), 0);
	assert_int_equal(HA_NODE->kernel[0].home.s_addr, ip("10.0.0.50").s_addr);
}

/* It may be in the pool of another home agent, where only who brings it along from there has one otherwise. */
static void test_kept_in_another_pool(void **state)
{
	struct world *w = *state;
	struct rrq r = plain(w, NAI_A, &key_a);

	HA_NODE->net[RED].pool[0].last = ip("10.0.0.40");
	HA_NODE->net[RED].other_pool[0].first = ip("10.0.0.50");
	HA_NODE->net[RED].other_pool[0].last = ip("10.0.0.60");
	node_start(HA_NODE);
	r.f.home = ip("10.0.0.51");
	assert_int_equal(code(w, &r), WIRE_CODE_HA_ADMIN_PROHIBITED);
	r = plain(w, NAI_B, &key_b);
	r.f.home = ip("10.0.0.50");
	assert_int_equal(code(w, &r), 0);
	assert_int_equal(HA_NODE->kernel[0].home.s_addr, ip("10.0.0.50").s_addr);
}

/* A node that decapsulates itself, and one that is back at its home address. */
static void test_co_located(void **state)
{
	struct world *w = *state;
	struct rrq r = plain(w, NAI_A, &key_a);
	char text[INET_ADDRSTRLEN];
	struct in_addr home;
	struct wire_msg msg;

	r.keyed = false;
	r.f.flags = WIRE_RRQ_D | WIRE_RRQ_T;
	assert_int_equal(say(w, &r, &msg), 0);
	home = msg.rrp.home;
	/* Not a PMA's: RFC 5563 s7. */
	later(w, &r);
	r.proxied = true;
	assert_int_equal(code(w, &r), WIRE_CODE_HA_POORLY_FORMED);

	/* From home: all bindings go. */
	HA_NODE->peer[1] = (struct core_peer){ .addr = ip("10.0.0.0"), .host_bits = 8, .per_mn = true };
	node_restart(HA_NODE);
	assert_int_equal(HA_NODE->n_kernel, 1);
	later(w, &r);
	r.proxied = false;
	r.src = inet_ntop(AF_INET, &home, text, sizeof(text));
	r.f = (struct wire_rrq){ .home = home, .ha = ip("192.0.2.1"), .coa = home, .id = r.f.id };
	assert_int_equal(code(w, &r), 0);
	assert_int_equal(HA_NODE->n_kernel, 0);
}

/* ---- behind an agent with a key ---- */

static void test_both(void **state)
{
	struct world *w = *state;
	struct wire_sa wrong_mn = key_a, wrong_fa = *sa_of(PMA1);
	struct rrq r = plain(w, NAI_A, &key_a);
	const struct sent *sent;
	struct wire_out out;
	struct wire_msg msg;

	wrong_mn.key[0] ^= 1;
	wrong_fa.key[0] ^= 1;
	/* [5944-3.8.2.1-20] [5944-3.8.2.1-21] The node's alone won't do. */
	rrq_build(&out, &r);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	sent = sent_by(w, HA, WIRE_RRP, 0);
	assert_int_equal(wire_parse(sent->data, sent->len, &msg), WIRE_OK);
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_FA_AUTH);
	assert_int_equal(COUNT(denied_132), 1);
	later(w, &r);
	r.sa = &wrong_fa;
	assert_int_equal(code(w, &r), WIRE_CODE_HA_FA_AUTH);
	/* The agent's is right, the node's is not: always 131, the agent can't be anybody. */
	later(w, &r);
	r.sa = sa_of(PMA1);
	r.mn = &wrong_mn;
	for (int i = 0; i < 3; i++) {
		/* [5944-3.8.2.1-9] */
		assert_int_equal(say(w, &r, &msg), WIRE_CODE_HA_MN_AUTH);
		assert_true(signed_by(&msg, &key_a));
	}
	/* Both wrong: it may not even come from the agent. */
	later(w, &r);
	r.sa = &wrong_fa;
	assert_int_equal(code(w, &r), WIRE_CODE_HA_FA_AUTH);
	assert_int_equal(code(w, &r), 255);
	assert_int_equal(COUNT(drop_mn_bad_authenticator), 3);	/* not computed for a stranger */

	later(w, &r);
	r.sa = sa_of(PMA1);
	r.mn = &key_a;
	r.revsup = true;
	assert_int_equal(say(w, &r, &msg), 0);
	assert_int_equal(msg.n_ext, 5);
	/* [5944-3.8.3.3-1] */
	assert_int_equal(msg.ext[1].type, WIRE_EXT_MHAE);
	assert_int_equal(msg.ext[2].type, WIRE_EXT_GRE_KEY);
	assert_int_equal(msg.ext[3].type, WIRE_EXT_REVSUP);
	assert_int_equal(msg.ext[4].type, WIRE_EXT_FHAE);
	assert_int_not_equal(find(HA_NODE, NAI_A)->rec.peer_revsup, 0);

	/* A GRE key that the agent's doesn't cover is none. */
	later(w, &r);
	r.keyed = r.revsup = false;
	rrq_build(&out, &r);
	misplace(&out);
	wire_put_gre_key(&out, 99);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_false(HA_NODE->kernel[0].leg[0].keyed);
}

/* An NAI that is none is no reason to say less than to others. */
static void test_no_nai_at_all(void **state)
{
	struct wire_sa wrong = *sa_of(PMA1);
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NULL);
	const struct sent *s;
	struct wire_out out;
	struct wire_msg msg;

	wrong.key[0] ^= 1;
	wire_put_rrq(&out, &r.f);
	wire_put_ext(&out, WIRE_EXT_NAI, 0, "a\0b@red.example", 15);
	wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	wire_put_auth(&out, WIRE_EXT_FHAE, &wrong);
	assert_false(out.failed);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	s = sent_by(w, HA, WIRE_RRP, 0);
	assert_non_null(s);
	assert_int_equal(wire_parse(s->data, s->len, &msg), WIRE_OK);
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_FA_AUTH);
	assert_int_equal(wire_count(&msg, WIRE_EXT_NAI), 0);
}

/* A new key of an agent: both count until the old one is taken away, and the first one signs. */
static void test_rollover(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);

	HA_NODE->peer[0].sa[1] = key_a2;
	HA_NODE->peer[0].n_sa = 2;
	assert_int_equal(code(w, &r), 0);
	later(w, &r);
	rrq_by(w, &r, &key_a2, sa_of(PMA1));
	HA_NODE->peer[0].sa[0] = key_a2;
	HA_NODE->peer[0].sa[1] = *sa_of(PMA1);
	later(w, &r);
	rrq_by(w, &r, sa_of(PMA1), &key_a2);
	HA_NODE->peer[0].n_sa = 1;
	later(w, &r);
	rrq_by(w, &r, &key_a2, &key_a2);
	later(w, &r);
	r.sa = sa_of(PMA1);
	inject_rrq(w, &r);
	assert_int_equal(COUNT(drop_unknown_spi), 1);
}

/* All that is there is verified, also what nothing asked for: RFC 5944 s3.8.2.1 a. */
static void test_per_node_with_mn_ha(void **state)
{
	struct world *w = *state;
	struct wire_sa wrong = key_a;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct wire_msg msg;

	wrong.key[0] ^= 1;
	r.mn = &wrong;
	/* [5944-3.8.2.1-3] */
	assert_int_equal(code(w, &r), WIRE_CODE_HA_MN_AUTH);
	later(w, &r);
	r.mn = &key_a;
	assert_int_equal(say(w, &r, &msg), 0);
	assert_true(signed_by(&msg, &key_a));
	assert_int_equal(find(HA_NODE, NAI_A)->auth, CORE_AUTH_FA_HA);

	later(w, &r);
	r.nai = "c@red.example";
	/* [5944-3.8.2.1-3] */
	assert_int_equal(code(w, &r), 255);
	r.mn = NULL;
	assert_int_equal(code(w, &r), 0);
}

static void test_policy(void **state)
{
	struct world *w = *state;
	struct rrq r = plain(w, NAI_A, &key_a);

	HA_NODE->peer[0].per_mn = false;
	HA_NODE->peer[1].proxy = false;
	r.sa = sa_of(PMA1);
	assert_int_equal(code(w, &r), WIRE_CODE_HA_ADMIN_PROHIBITED);
	later(w, &r);
	r.proxied = true;
	assert_int_equal(code(w, &r), WIRE_CODE_PMIP_DISALLOWED);
	assert_int_equal(COUNT(denied_150), 1);
	r = rrq_from(w, PMA2, NAI_A);
	run(w, SEC);
	assert_int_equal(code(w, &r), WIRE_CODE_PMIP_DISALLOWED);
	later(w, &r);
	r.method = -1;
	r.mn = &key_a;
	assert_int_equal(code(w, &r), 0);
}

/* An agent that is trusted with one network isn't with the others, whoever's key signs. */
static void test_policy_networks(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A), own = plain(w, NAI_A, &key_a);

	snprintf(HA_NODE->peer[0].networks[0], CORE_NAME_MAX, "%s", HA_NODE->net[RED].name);
	snprintf(HA_NODE->peer[1].networks[0], CORE_NAME_MAX, "%s", HA_NODE->net[BLUE].name);
	snprintf(HA_NODE->peer[1].networks[1], CORE_NAME_MAX, "%s", "others");
	HA_NODE->peer[0].n_networks = 1;
	HA_NODE->peer[1].n_networks = 2;
	node_start(HA_NODE);
	own.sa = sa_of(PMA1);
	assert_int_equal(code(w, &own), 0);
	later(w, &r);
	assert_int_equal(code(w, &r), 0);
	/* After a restart it is still who may. */
	node_restart(HA_NODE);
	assert_int_equal(n_regs(HA_NODE), 1);
	assert_int_equal(HA_NODE->n_kernel, 1);
	r = rrq_from(w, PMA2, NAI_A);
	later(w, &r);
	assert_int_equal(code(w, &r), WIRE_CODE_HA_ADMIN_PROHIBITED);
	own = plain(w, NAI_A, &key_a);
	own.src = r.src;
	own.f.coa = r.f.coa;
	own.sa = sa_of(PMA2);
	later(w, &own);
	assert_int_equal(code(w, &own), WIRE_CODE_HA_ADMIN_PROHIBITED);
	assert_int_equal(COUNT(denied_129), 2);
	/* And one that may no longer has nothing taken up again in its name. */
	snprintf(HA_NODE->peer[0].networks[0], CORE_NAME_MAX, "%s", "others");
	node_restart(HA_NODE);
	assert_int_equal(n_regs(HA_NODE), 0);
	assert_int_equal(HA_NODE->n_kernel, 0);
}

/* protocol/security.md s6 */
static void test_deregistration(void **state)
{
	struct world *w = *state;
	struct rrq node = rrq_from(w, PMA1, NAI_B), r = plain(w, NAI_A, &key_a);

	r.sa = sa_of(PMA1);
	assert_int_equal(code(w, &r), 0);
	assert_int_equal(code(w, &node), 0);
	run(w, SEC);

	/* Per node nothing else authenticates it. */
	later(w, &node);
	node.f.lifetime = 0;
	node.sa = NULL;
	assert_int_equal(code(w, &node), 255);
	assert_int_equal(COUNT(drop_no_authentication), 1);
	/* A node's own needs no more, and the answer has no more. */
	later(w, &r);
	r.f.lifetime = 0;
	r.sa = NULL;
	assert_int_equal(code(w, &r), 0);
	assert_int_equal(HA_NODE->n_kernel, 1);

	HA_NODE->cfg.fha_on_dereg = CORE_FHA_NEVER;
	later(w, &node);
	assert_int_equal(code(w, &node), 0);
	assert_int_equal(HA_NODE->n_kernel, 0);

	HA_NODE->cfg.fha_on_dereg = CORE_FHA_ALWAYS;
	later(w, &r);
	r.sa = sa_of(PMA2);
	assert_int_equal(core_counters(HA_NODE->core)->denied_132, 0);
	assert_int_equal(code(w, &r), WIRE_CODE_HA_FA_AUTH);
	later(w, &r);
	r.sa = sa_of(PMA1);
	assert_int_equal(code(w, &r), 0);
}

/* A wrong one is wrong, wanted or not. */
static void test_deregistration_wrong(void **state)
{
	struct wire_sa wrong = *sa_of(PMA1);
	struct world *w = *state;
	struct wire_out out;
	struct rrq r = plain(w, NAI_A, &key_a);

	r.sa = sa_of(PMA1);
	assert_int_equal(code(w, &r), 0);
	later(w, &r);
	wrong.key[0] ^= 1;
	r.f.lifetime = 0;
	r.sa = &wrong;
	rrq_build(&out, &r);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_int_equal(COUNT(denied_132), 1);
	assert_int_equal(HA_NODE->n_kernel, 1);
}

/* ---- MN-AAA ---- */

static void test_aaa(void **state)
{
	struct world *w = *state;
	struct wire_sa wrong = aaa_a;
	struct rrq r = plain(w, NAI_A, NULL);
	const struct wire_ext *challenge;
	struct wire_msg msg;

	r.aaa = &aaa_a;
	r.challenge = "who are you";
	assert_int_equal(say(w, &r, &msg), 0);
	/* RFC 4721 s6 and s3.4: answered by MN-HA, with the challenge behind it. */
	assert_true(signed_by(&msg, &key_a));
	challenge = wire_find(&msg, WIRE_EXT_CHALLENGE, 0);
	assert_non_null(challenge);
	assert_memory_equal(challenge->data, "who are you", 11);
	assert_true(challenge > wire_find(&msg, WIRE_EXT_MHAE, 0));
	assert_int_equal(find(HA_NODE, NAI_A)->auth, CORE_AUTH_MN_AAA);

	/* CHAP, with a challenge and without. */
	later(w, &r);
	r.aaa = &chap_a;
	assert_int_equal(code(w, &r), 0);
	later(w, &r);
	r.challenge = NULL;
	assert_int_equal(code(w, &r), 0);

	/* Both kinds, each of which counts. */
	later(w, &r);
	r.mn = &key_a;
	assert_int_equal(code(w, &r), 0);
	wrong.key[0] ^= 1;
	r.aaa = &wrong;
	later(w, &r);
	assert_int_equal(say(w, &r, &msg), WIRE_CODE_HA_AAA_AUTH);
	assert_true(signed_by(&msg, &key_a));
	assert_int_equal(COUNT(drop_aaa_bad_authenticator), 1);
	assert_int_equal(COUNT(denied_144), 1);
	later(w, &r);
	wrong.spi = 0x999;
	assert_int_equal(code(w, &r), WIRE_CODE_HA_AAA_AUTH);
	assert_int_equal(COUNT(drop_aaa_unknown_spi), 1);
	/* b has no key with a server. */
	later(w, &r);
	r.nai = NAI_B;
	r.mn = &key_b;
	assert_int_equal(code(w, &r), WIRE_CODE_HA_AAA_AUTH);
}

/* ---- ranges and IPsec ---- */

static void test_ranges(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA2, NAI_A);
	struct wire_out out;

	/* In no order, which nobody minds. */
	HA_NODE->peer[3] = HA_NODE->peer[0];
	HA_NODE->peer[0] = HA_NODE->peer[1];
	HA_NODE->peer[0].addr = ip("198.51.100.0");
	HA_NODE->peer[0].host_bits = 8;
	HA_NODE->peer[1] = (struct core_peer){ .host_bits = 32, .per_mn = true };
	HA_NODE->peer[2] = HA_NODE->peer[0];
	HA_NODE->peer[2].host_bits = 16;
	HA_NODE->peer[2].addr = ip("198.51.0.0");
	HA_NODE->peer[2].sa[0].key[0] ^= 1;
	HA_NODE->cfg.n_peers = 4;
	node_start(HA_NODE);

	assert_int_equal(code(w, &r), 0);
	/* One address alone wins over its range. */
	r = rrq_from(w, PMA1, NAI_B);
	assert_int_equal(code(w, &r), 0);
	r.sa = sa_of(PMA2);
	later(w, &r);
	assert_int_equal(code(w, &r), WIRE_CODE_HA_FA_AUTH);

	/* In the wider one it is another key. */
	r = rrq_from(w, PMA2, "c@red.example");
	r.src = "198.51.101.1";
	r.f.coa = ip(r.src);
	rrq_build(&out, &r);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_null(find(HA_NODE, r.nai));
	assert_int_equal(COUNT(drop_bad_authenticator), 1);
	/* Anywhere else by own keys only. */
	r = plain(w, NAI_A, &key_a);
	r.src = "203.0.113.9";
	r.f.coa = ip(r.src);
	later(w, &r);
	assert_int_equal(code(w, &r), 0);
}

static void test_ipsec(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct wire_msg msg;
	uint8_t method;

	HA_NODE->peer[0].n_sa = 0;
	HA_NODE->peer[0].ipsec = true;
	node_start(HA_NODE);
	r.method = WIRE_PMIP_IPSEC;
	r.sa = NULL;
	/* [5563-5.1-1] */
	assert_int_equal(say(w, &r, &msg), 0);
	assert_true(wire_get_pmip_method(&msg, &method));
	assert_int_equal(method, WIRE_PMIP_IPSEC);
	assert_int_equal(find(HA_NODE, NAI_A)->auth, CORE_AUTH_IPSEC);
	assert_int_not_equal(find(HA_NODE, NAI_A)->rec.peer_revsup, 0);

	/* It has to say which it is. */
	later(w, &r);
	r.method = WIRE_PMIP_FHA;
	assert_int_equal(code(w, &r), WIRE_CODE_PMIP_DISALLOWED);
	later(w, &r);
	r.method = -1;
	assert_int_equal(code(w, &r), 255);

	/* And nobody else may. */
	r = rrq_from(w, PMA2, NAI_B);
	r.method = WIRE_PMIP_IPSEC;
	run(w, SEC);
	assert_int_equal(code(w, &r), WIRE_CODE_PMIP_DISALLOWED);
	later(w, &r);
	r.sa = NULL;
	assert_int_equal(code(w, &r), 255);
	assert_null(find(HA_NODE, NAI_B));
}

/* Both ends over ESP, which the network here plays: registration, move and revocation. */
static void test_ipsec_pma(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	char nai[64];

	for (int i = 0; i < NODES; i++) {
		for (int j = 0; j < 2; j++) {
			w->node[i].peer[j].n_sa = 0;
			w->node[i].peer[j].ipsec = true;
		}
		node_start(&w->node[i]);
	}
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	assert_int_equal(wire_parse(sent_by(w, PMA1, WIRE_RRQ, 0)->data, sent_by(w, PMA1, WIRE_RRQ, 0)->len, &msg),
			 WIRE_OK);
	assert_int_equal(wire_count(&msg, WIRE_EXT_FHAE) + wire_count(&msg, WIRE_EXT_MHAE), 0);
	run(w, RTT);
	assert_true(PMA_NODE->dev[DEV].attached);
	assert_int_equal(device(PMA_NODE, DEV)->auth, CORE_AUTH_IPSEC);
	attach(&w->node[PMA2], DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	assert_true(w->node[PMA2].dev[DEV].attached);
	assert_false(PMA_NODE->dev[DEV].attached);
	assert_int_equal(find(HA_NODE, nai_of(DEV, nai))->state, CORE_BOUND);
	detach(&w->node[PMA2], DEV, 3, CORE_DETACH_RELEASE);
	run(w, 2 * SEC);
	assert_int_equal(HA_NODE->n_kernel, 0);
	assert_int_equal(n_regs(&w->node[PMA2]), 0);
}

/* ---- a PMA with its devices' keys ---- */

/* All red devices by one key, which HA and PMAs hold. */
static int setup_per_mn(void **state)
{
	struct world *w = world_new(6);

	for (int i = 0; i < NODES; i++) {
		struct node *n = &w->node[i];

		snprintf(n->mn[0].nai, sizeof(n->mn[0].nai), "*@red.example");
		n->mn[0].sa[0] = key_red;
		n->mn[0].n_sa = 1;
		n->cfg.n_mns = 1;
		for (int j = 0; j < 2; j++) {
			n->peer[j].per_mn = true;
			n->peer[j].n_sa = 0;
			n->peer[j].proxy = false;
		}
		node_start(n);
	}
	*state = w;
	return 0;
}

static void last_rrq(struct world *w, struct wire_msg *msg)
{
	const struct sent *s = sent_by(w, PMA1, WIRE_RRQ, 0);

	assert_int_equal(wire_parse(s->data, s->len, msg), WIRE_OK);
}

static void test_per_mn(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	char nai[64];

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	last_rrq(w, &msg);
	/* [5944-3.6.1.3-1] [5944-3.6.1.3-2] The cookbook of protocol/extensions.md s2, no 47. */
	assert_int_equal(msg.n_ext, 5);
	assert_int_equal(msg.ext[0].type, WIRE_EXT_NAI);
	assert_int_equal(msg.ext[1].type, WIRE_EXT_PMIP_SKIP);
	assert_int_equal(msg.ext[3].type, WIRE_EXT_MHAE);
	/* [6245-4.1-7] */
	assert_int_equal(msg.ext[4].type, WIRE_EXT_GRE_KEY);
	assert_true(signed_by(&msg, &key_red));
	run(w, RTT);
	assert_true(PMA_NODE->dev[DEV].attached);
	assert_int_equal(device(PMA_NODE, DEV)->auth, CORE_AUTH_MN_HA);
	assert_int_equal(PMA_NODE->kernel[0].leg[0].key_in, HA_NODE->kernel[0].leg[0].key_out);
	assert_int_equal(PMA_NODE->kernel[0].leg[0].key_out, HA_NODE->kernel[0].leg[0].key_in);

	/* The agent's next life does the same. */
	node_restart(PMA_NODE);
	run(w, 400 * SEC);
	assert_true(n_sent(w, PMA1, WIRE_RRQ) > 1);
	last_rrq(w, &msg);
	assert_true(signed_by(&msg, &key_red));
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);

	/* Elsewhere, with the other PMA's word for it; and no agent could sign a revocation. */
	attach(&w->node[PMA2], DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	assert_true(w->node[PMA2].dev[DEV].attached);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 0);
	assert_int_equal(find(HA_NODE, nai_of(DEV, nai))->rec.coa.s_addr, ip("198.51.100.2").s_addr);
	detach(&w->node[PMA2], DEV, 3, CORE_DETACH_RELEASE);
	run(w, 2 * SEC);
	assert_int_equal(HA_NODE->n_kernel, 0);

	/* A device without a key of its own. */
	attach(PMA_NODE, 256 + 9, 3, CORE_TRIGGER_DHCP, NULL);
	assert_string_equal(PMA_NODE->dev[9].text, "no security association with its home agent");
}

/* Somebody on the path has the HA say that a garbled copy of the deregistration isn't authentic. */
static void test_per_mn_garbled(void **state)
{
	struct wire_sa wrong[2] = { key_a, key_red };
	struct world *w = *state;
	struct wire_rrq rrq;
	struct wire_msg msg;
	char nai[64];

	wrong[1].key[0] ^= 1;
	for (int i = 0; i < 2; i++) {
		struct wire_out out = { .len = 0 };
		const struct sent *s;

		attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
		run(w, 3 * SEC);
		assert_int_equal(HA_NODE->n_kernel, 1);
		w->loss = 1000;
		detach(PMA_NODE, DEV, 3, CORE_DETACH_RELEASE);
		last_rrq(w, &msg);
		rrq = msg.rrq;
		rrq.home.s_addr = 0;
		wire_put_rrq(&out, &rrq);
		wire_put_nai(&out, nai_of(DEV, nai));
		wire_put_auth(&out, i ? WIRE_EXT_MHAE : WIRE_EXT_GAE, &wrong[i]);
		inject(HA_NODE, "198.51.100.1", "192.0.2.1", out.buf, out.len);
		s = sent_by(w, HA, WIRE_RRP, 0);
		assert_int_equal(wire_parse(s->data, s->len, &msg), WIRE_OK);
		assert_int_equal(msg.rrp.code, i ? WIRE_CODE_HA_MN_AUTH : WIRE_CODE_HA_AAA_AUTH);
		assert_true(signed_by(&msg, &key_red));
		inject(PMA_NODE, "192.0.2.1", "198.51.100.1", s->data, s->len);
		assert_int_equal(n_regs(PMA_NODE), 1);
		w->loss = 0;
		run(w, 60 * SEC);
		assert_int_equal(n_regs(PMA_NODE), 0);
		assert_int_equal(HA_NODE->n_kernel, 0);
	}
}

/* A node whose section is gone. */
static void test_per_mn_withdrawn(void **state)
{
	struct world *w = *state;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	node_restart(HA_NODE);
	run(w, SEC);
	assert_int_equal(HA_NODE->n_kernel, 1);
	HA_NODE->cfg.n_mns = 0;
	node_restart(HA_NODE);
	run(w, SEC);
	assert_int_equal(HA_NODE->n_kernel + HA_NODE->n_row, 0);
}

/* The agents over ESP, which covers what stands behind the nodes' authenticators as well. */
static void test_per_mn_ipsec(void **state)
{
	struct world *w = *state;
	char nai[64];

	for (int i = 0; i < NODES; i++) {
		w->node[i].peer[0].ipsec = w->node[i].peer[1].ipsec = true;
		node_start(&w->node[i]);
	}
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	assert_int_equal(device(PMA_NODE, DEV)->auth, CORE_AUTH_MN_HA);
	assert_int_not_equal(device(PMA_NODE, DEV)->rec.peer_revsup, 0);
	assert_int_not_equal(find(HA_NODE, nai_of(DEV, nai))->rec.peer_revsup, 0);
	attach(&w->node[PMA2], DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 5 * SEC);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 1);
	assert_false(PMA_NODE->dev[DEV].attached);
	assert_true(w->node[PMA2].dev[DEV].attached);
}

/* With a key of the agents as well both sign, and a device without its own goes per node. */
static void test_per_mn_and_fha(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;

	for (int i = 0; i < NODES; i++) {
		w->node[i].peer[0].n_sa = w->node[i].peer[1].n_sa = 1;
		w->node[i].peer[0].proxy = w->node[i].peer[1].proxy = true;
		node_start(&w->node[i]);
	}
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	last_rrq(w, &msg);
	assert_int_equal(msg.n_ext, 7);
	assert_int_equal(msg.ext[3].type, WIRE_EXT_MHAE);
	assert_int_equal(msg.ext[6].type, WIRE_EXT_FHAE);
	assert_true(wire_auth_ok(&msg, &msg.ext[6], sa_of(PMA1)));
	run(w, RTT);
	assert_true(PMA_NODE->dev[DEV].attached);
	detach(PMA_NODE, DEV, 3, CORE_DETACH_RELEASE);
	run(w, 2 * SEC);
	last_rrq(w, &msg);
	assert_int_equal(msg.rrq.lifetime, 0);
	assert_int_equal(wire_count(&msg, WIRE_EXT_FHAE), 0);
	assert_true(signed_by(&msg, &key_red));
	assert_int_equal(n_regs(PMA_NODE), 0);
	assert_int_equal(HA_NODE->n_kernel, 0);

	attach(PMA_NODE, 256 + 9, 3, CORE_TRIGGER_DHCP, NULL);
	last_rrq(w, &msg);
	assert_int_equal(wire_count(&msg, WIRE_EXT_PMIP), 1);
	run(w, RTT);
	assert_true(PMA_NODE->dev[9].attached);
}

/* fha-on-dereg = never, at both ends: no authenticator at all, as the operator wants it. */
static void test_never_on_dereg(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;

	for (int i = 0; i < NODES; i++)
		w->node[i].cfg.fha_on_dereg = CORE_FHA_NEVER;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	detach(PMA_NODE, DEV, 3, CORE_DETACH_RELEASE);
	last_rrq(w, &msg);
	assert_int_equal(wire_count(&msg, WIRE_EXT_FHAE), 0);
	run(w, 2 * SEC);
	assert_int_equal(n_regs(PMA_NODE), 0);
	assert_int_equal(HA_NODE->n_kernel, 0);
}

/* Only at the home agent: it answers as it was asked. */
static void test_never_at_ha(void **state)
{
	struct world *w = *state;
	unsigned int n;

	HA_NODE->cfg.fha_on_dereg = CORE_FHA_NEVER;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 2 * SEC);
	n = n_sent(w, PMA1, WIRE_RRQ);
	detach(PMA_NODE, DEV, 3, CORE_DETACH_RELEASE);
	run(w, 3 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), n + 1);
	assert_int_equal(n_regs(PMA_NODE), 0);
	assert_int_equal(HA_NODE->n_kernel, 0);
}

/* A range has agents that register here, and is no home agent. */
static void test_range_is_no_ha(void **state)
{
	struct world *w = *state;

	PMA_NODE->peer[0].addr = ip("192.0.2.0");
	PMA_NODE->peer[0].host_bits = 3;
	node_start(PMA_NODE);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	assert_string_equal(PMA_NODE->dev[DEV].text, "no security association with its home agent");
}

static void note_offset(void *arg, const struct core_peer_state *state)
{
	*(int32_t *)arg |= state->offset_s;
}

/* Then nothing unsigned may set our idea of the HA's clock: neither a question, nor a deregistration's answer. */
static void test_never_sets_no_clock(void **state)
{
	struct wire_out out = { .len = 0 };
	struct world *w = *state;
	int32_t offset_s = 0;
	struct wire_rrp rrp;
	struct wire_msg msg;
	char nai[64];

	HA_NODE->cfg.fha_on_dereg = PMA_NODE->cfg.fha_on_dereg = CORE_FHA_NEVER;
	PMA_NODE->cfg.clock_probe = true;
	node_start(PMA_NODE);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 0);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	w->loss = 1000;
	detach(PMA_NODE, DEV, 3, CORE_DETACH_RELEASE);
	run(w, SEC);
	last_rrq(w, &msg);
	assert_int_equal(msg.rrq.lifetime, 0);
	rrp = (struct wire_rrp){ .code = WIRE_CODE_HA_ID_MISMATCH, .ha = ip("192.0.2.1"),
				 .id = msg.rrq.id + (5000ULL << 32) };
	wire_put_rrp(&out, &rrp);
	wire_put_nai(&out, nai_of(DEV, nai));
	wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	inject(PMA_NODE, "192.0.2.1", "198.51.100.1", out.buf, out.len);
	assert_int_equal(PMA_COUNT(id_mismatch), 1);
	core_walk_peers(PMA_NODE->core, note_offset, &offset_s);
	assert_int_equal(offset_s, 0);
	/* It goes on, by what it knew. */
	w->loss = 0;
	run(w, 10 * SEC);
	assert_int_equal(n_regs(PMA_NODE), 0);
}

static void reply(struct world *w, const struct wire_sa *mn, const struct wire_sa *mn2, const struct wire_sa *fa,
		  uint8_t with_code)
{
	struct wire_out out = { .len = 0 };
	struct wire_rrp rrp;
	struct wire_msg msg;
	char nai[WIRE_NAI_MAX + 1];

	last_rrq(w, &msg);
	assert_true(wire_get_nai(&msg, nai));
	rrp = (struct wire_rrp){ .code = with_code, .lifetime = 600, .home = ip("10.0.0.42"), .ha = ip("192.0.2.1"),
				 .id = msg.rrq.id };
	if (with_code == WIRE_CODE_HA_ID_MISMATCH)
		rrp.id += 1000ULL << 32;
	wire_put_rrp(&out, &rrp);
	wire_put_nai(&out, nai);
	if (mn)
		wire_put_auth(&out, WIRE_EXT_MHAE, mn);
	if (mn2)
		wire_put_auth(&out, WIRE_EXT_MHAE, mn2);
	wire_put_gre_key(&out, 0xabcd);
	if (fa)
		wire_put_auth(&out, WIRE_EXT_FHAE, fa);
	assert_false(out.failed);
	inject(PMA_NODE, "192.0.2.1", "198.51.100.1", out.buf, out.len);
}

/* Good but for its key, which is for the agent and stands where what is for the node does (RFC 5944 s3.8.3.3). */
static void misplaced_reply(struct world *w)
{
	struct wire_out out;
	struct wire_rrp rrp;
	struct wire_msg msg;
	char nai[WIRE_NAI_MAX + 1];

	last_rrq(w, &msg);
	assert_true(wire_get_nai(&msg, nai));
	rrp = (struct wire_rrp){ .lifetime = 600, .home = ip("10.0.0.42"), .ha = ip("192.0.2.1"), .id = msg.rrq.id };
	wire_put_rrp(&out, &rrp);
	wire_put_nai(&out, nai);
	wire_put_gre_key(&out, 0xabcd);
	misplace(&out);
	wire_put_auth(&out, WIRE_EXT_MHAE, &key_red);
	assert_false(out.failed);
	inject(PMA_NODE, "192.0.2.1", "198.51.100.1", out.buf, out.len);
}

static void test_per_mn_replies(void **state)
{
	struct wire_sa wrong = key_red;
	struct world *w = *state;
	unsigned int n_log;
	struct wire_msg msg;
	uint64_t id;

	w->loss = 1000;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	/* [5944-3.6.2.1-10] [5944-3.6.2.1-11] [5944-3.6.2.1-12] */
	n_log = PMA_NODE->n_log;
	wrong.key[0] ^= 1;
	reply(w, &wrong, NULL, NULL, 0);
	assert_int_equal(PMA_COUNT(drop_mn_bad_authenticator), 1);
	/* [5944-3.6.2.1-13] */
	assert_int_equal(PMA_NODE->n_log, n_log + 1);
	wrong.spi = 0x999;
	reply(w, &wrong, NULL, NULL, 0);
	assert_int_equal(PMA_COUNT(drop_mn_unknown_spi), 1);
	reply(w, &key_red, &key_red, NULL, 0);
	assert_int_equal(PMA_COUNT(drop_mn_bad_authenticator), 2);
	reply(w, NULL, NULL, NULL, 0);
	assert_int_equal(PMA_COUNT(drop_no_authentication), 1);
	reply(w, NULL, NULL, sa_of(PMA1), 0);
	assert_int_equal(PMA_COUNT(drop_no_authentication), 2);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_WAIT_REG);

	/* Verified before it sets the clock: [5944-3.6.2.3-3] [5944-5.7.1-9] */
	last_rrq(w, &msg);
	id = msg.rrq.id;
	wrong = key_red;
	wrong.key[0] ^= 1;
	reply(w, &wrong, NULL, NULL, WIRE_CODE_HA_ID_MISMATCH);
	run(w, SEC);
	last_rrq(w, &msg);
	assert_true((int64_t)(msg.rrq.id - id) < (int64_t)(10ULL << 32));
	reply(w, &key_red, NULL, NULL, WIRE_CODE_HA_ID_MISMATCH);
	run(w, 2 * SEC);
	last_rrq(w, &msg);
	assert_true((int64_t)(msg.rrq.id - id) > (int64_t)(900ULL << 32));

	/* [5944-3.6.2.1-14] Garbled on its way, or keys that differ in one direction: tried on, then said. */
	reply(w, &key_red, NULL, NULL, WIRE_CODE_HA_MN_AUTH);
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 0);
	run(w, 30 * SEC);
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 1);
	assert_int_equal(PMA_NODE->dev[DEV].code, WIRE_CODE_HA_MN_AUTH);
	assert_non_null(strstr(PMA_NODE->log, "mobile node failed authentication"));

	/* What an agent's key of somebody else signs isn't ours to judge. */
	attach(PMA_NODE, 8, 3, CORE_TRIGGER_DHCP, NULL);
	misplaced_reply(w);
	assert_int_equal(PMA_COUNT(drop_malformed), 1);
	assert_false(PMA_NODE->dev[8].attached);
	reply(w, &key_red, NULL, sa_of(PMA2), 0);
	assert_true(PMA_NODE->dev[8].attached);
	assert_int_equal(PMA_NODE->kernel[0].leg[0].key_out, 0xabcd);
}

static void test_per_mn_and_fha_replies(void **state)
{
	struct world *w = *state;

	PMA_NODE->peer[0].n_sa = 1;
	node_start(PMA_NODE);
	w->loss = 1000;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	reply(w, &key_red, NULL, NULL, 0);
	/* [5944-3.7.3.1-8] */
	assert_int_equal(PMA_COUNT(drop_no_authentication), 1);
	reply(w, &key_red, NULL, sa_of(PMA2), 0);
	assert_int_equal(PMA_COUNT(drop_unknown_spi), 1);
	assert_false(PMA_NODE->dev[DEV].attached);
	reply(w, &key_red, NULL, sa_of(PMA1), 0);
	assert_true(PMA_NODE->dev[DEV].attached);
}

#define ours(f)		cmocka_unit_test_setup_teardown(f, setup, end_world)
#define strangers(f)	cmocka_unit_test_setup_teardown(f, setup_strangers, end_world)
#define per_mn(f)	cmocka_unit_test_setup_teardown(f, setup_per_mn, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		strangers(test_mn_ha),
		strangers(test_wrong_mn_key),
		strangers(test_order),
		strangers(test_by_home_address),
		strangers(test_kept_home_address),
		ours(test_own_home_address),
		ours(test_address_without_key),
		strangers(test_kept_in_another_pool),
		strangers(test_co_located),
		ours(test_whose_cvse),
		ours(test_misplaced),
		ours(test_both),
		ours(test_no_nai_at_all),
		ours(test_rollover),
		ours(test_per_node_with_mn_ha),
		ours(test_policy),
		ours(test_policy_networks),
		ours(test_deregistration),
		ours(test_deregistration_wrong),
		strangers(test_aaa),
		ours(test_ranges),
		ours(test_ipsec),
		ours(test_ipsec_pma),
		per_mn(test_per_mn),
		per_mn(test_per_mn_garbled),
		per_mn(test_per_mn_withdrawn),
		per_mn(test_per_mn_ipsec),
		per_mn(test_per_mn_and_fha),
		ours(test_never_on_dereg),
		ours(test_never_at_ha),
		ours(test_range_is_no_ha),
		ours(test_never_sets_no_clock),
		per_mn(test_per_mn_replies),
		per_mn(test_per_mn_and_fha_replies),
	};

	return cmocka_run_group_tests_name("core: authentication", tests, NULL, NULL);
}
