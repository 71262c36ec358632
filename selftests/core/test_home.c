// SPDX-License-Identifier: GPL-2.0-only
/* A real home link: when its hosts are told of whom, and which way a node that is at home is answered. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define NAI_A	"a@red.example"
#define HOME_A	"10.0.0.50"
#define LINK	5

static const struct wire_sa key_a = {
	.spi = 0x400, .alg = WIRE_ALG_HMAC_SHA256, .key_len = 16, .key = "a's own key, yes",
};

static int setup(void **state)
{
	struct world *w = world_new(16);

	HA_NODE->net[RED].home_link = true;
	strcpy(HA_NODE->mn[0].nai, NAI_A);
	HA_NODE->mn[0].sa[0] = key_a;
	HA_NODE->mn[0].n_sa = 1;
	HA_NODE->cfg.n_mns = 1;
	HA_NODE->peer[0].per_mn = true;
	HA_NODE->peer[2] = (struct core_peer){ .addr = ip("10.0.0.0"), .host_bits = 8, .per_mn = true };
	HA_NODE->cfg.n_peers = 3;
	node_start(HA_NODE);
	*state = w;
	return 0;
}

/* What the home agent does about @r, in this order; returns the code of its answer. */
static uint8_t does(struct world *w, struct rrq *r, const char *order)
{
	struct wire_msg msg;

	memset(HA_NODE->order, 0, sizeof(HA_NODE->order));
	run(w, SEC);
	r->f.id = ntp_of(HA_NODE);
	assert_true(ask(w, r, &msg));
	assert_string_equal(HA_NODE->order, order);
	return msg.rrp.code;
}

static void idle(struct world *w, uint64_t us, const char *order)
{
	memset(HA_NODE->order, 0, sizeof(HA_NODE->order));
	run(w, us);
	assert_string_equal(HA_NODE->order, order);
}

static struct rrq away(struct world *w, int pma)
{
	struct rrq r = rrq_from(w, pma, NAI_A);

	r.f.home = ip(HOME_A);
	return r;
}

/* From the home link, by the node's own key. */
static struct rrq back(struct world *w)
{
	struct rrq r = away(w, PMA1);

	r.f.flags = 0;
	r.f.lifetime = 0;
	r.f.coa = r.f.home;
	r.method = -1;
	r.keyed = r.revsup = false;
	r.sa = NULL;
	r.mn = &key_a;
	r.src = HOME_A;
	r.link = LINK;
	return r;
}

static void test_leaves(void **state)
{
	struct world *w = *state;
	struct rrq r = away(w, PMA1);

	/* The kernel answers for it, its hosts are told, then it hears of it: [5944-3.8.2.2-10] [5944-4.6-20] */
	assert_int_equal(does(w, &r, "BPS"), 0);
	assert_int_equal(HA_NODE->proxied.s_addr, ip(HOME_A).s_addr);
	/* From now on there is a binding all the time: [5944-3.8.2.2-11] */
	assert_int_equal(does(w, &r, "BS"), 0);
	r = away(w, PMA2);
	assert_int_equal(does(w, &r, "BSS"), 0);	/* a handover, and a revocation */
	run(w, 3 * SEC);
	r.f.lifetime = 0;
	r.f.coa = ip("198.51.100.1");
	r.src = "198.51.100.1";
	r.sa = sa_of(PMA1);
	assert_int_equal(does(w, &r, "S"), 0);		/* who was left says so */
	assert_int_equal(HA_NODE->n_kernel, 1);
}

static void test_ends(void **state)
{
	struct world *w = *state;
	struct rrq r = away(w, PMA1), end;

	assert_int_equal(does(w, &r, "BPS"), 0);
	end = r;
	end.f.lifetime = 0;
	assert_int_equal(does(w, &end, "UQS"), 0);
	assert_int_equal(HA_NODE->proxied.s_addr, ip(HOME_A).s_addr);
	assert_int_equal(does(w, &end, "S"), 0);	/* once */
	assert_int_equal(does(w, &r, "BPS"), 0);
	idle(w, 601 * SEC, "UQ");			/* nobody renewed it */
	idle(w, 601 * SEC, "");
}

static void test_revoked(void **state)
{
	struct world *w = *state;
	struct rrq r = away(w, PMA1);
	struct wire_out out = { .len = 0 };
	struct wire_revoke revoke = { .home = ip(HOME_A), .ha = ip("192.0.2.1"), .coa = ip("198.51.100.1") };

	r.revsup_time = ntp_of(HA_NODE) >> 32;
	assert_int_equal(does(w, &r, "BPS"), 0);
	revoke.id = r.revsup_time + 10;
	wire_put_revoke(&out, &revoke);
	wire_put_nai(&out, NAI_A);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	memset(HA_NODE->order, 0, sizeof(HA_NODE->order));
	inject(HA_NODE, "198.51.100.1", "192.0.2.1", out.buf, out.len);
	assert_string_equal(HA_NODE->order, "UQS");
}

static void test_returns(void **state)
{
	struct world *w = *state;
	struct rrq r = away(w, PMA1), home = back(w);

	assert_int_equal(does(w, &r, "BPS"), 0);
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->link, 0);
	/* The kernel answers no more, its hosts are told, and the node is answered where it is: [5944-4.6-21] */
	assert_int_equal(does(w, &home, "UQS"), 0);
	assert_int_equal(HA_NODE->n_kernel, 0);
	/* [5944-3.8.3.1-2] */
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->link, LINK);
	/* Once more, as it was lost, and by another way. */
	assert_int_equal(does(w, &home, "S"), 0);
	home.link = 0;
	assert_int_equal(does(w, &home, "S"), 0);
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->link, 0);
}

/* Whatever the reason: nothing changes, and it is told there, past its tunnel. */
static void test_return_denied(void **state)
{
	struct world *w = *state;
	struct wire_sa wrong = key_a;
	struct rrq r = away(w, PMA1), home = back(w);
	struct wire_msg msg;

	assert_int_equal(does(w, &r, "BPS"), 0);
	wrong.key[0] ^= 1;
	home.mn = &wrong;
	/* [5944-4.6-22] */
	assert_int_equal(does(w, &home, "S"), WIRE_CODE_HA_MN_AUTH);
	/* [5944-3.8.3.1-3] [5944-3.8.3.1-4] */
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->link, LINK);
	home.mn = &key_a;
	home.f.ha = ip("192.0.2.77");
	assert_int_equal(does(w, &home, "S"), WIRE_CODE_HA_UNKNOWN_HA);
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->link, LINK);
	home.f.ha = ip("192.0.2.1");
	home.f.id -= 100ULL << 32;
	memset(HA_NODE->order, 0, sizeof(HA_NODE->order));
	assert_true(ask(w, &home, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	assert_string_equal(HA_NODE->order, "S");
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->link, LINK);
	assert_int_equal(HA_NODE->n_kernel, 1);
}

/* A proxy agent may be on that link, or behind a router of it. */
static void test_agent_on_link(void **state)
{
	struct world *w = *state;
	struct rrq r = away(w, PMA1);

	r.link = LINK;
	assert_int_equal(does(w, &r, "BPS"), 0);
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->link, 0);
}

static void test_refused(void **state)
{
	struct world *w = *state;
	struct rrq r = away(w, PMA1);

	HA_NODE->fail_bind = ENOMEM;
	assert_int_equal(does(w, &r, "BS"), WIRE_CODE_HA_NO_RESOURCES);
	HA_NODE->fail_store = EIO;
	assert_int_equal(does(w, &r, "BUS"), WIRE_CODE_HA_UNSPECIFIED);
	/* A refresh that fails leaves what was. */
	assert_int_equal(does(w, &r, "BPS"), 0);
	HA_NODE->fail_bind = ENOMEM;
	assert_int_equal(does(w, &r, "BBS"), WIRE_CODE_HA_NO_RESOURCES);
}

static void test_restart(void **state)
{
	struct world *w = *state;
	struct rrq r = away(w, PMA1);

	assert_int_equal(does(w, &r, "BPS"), 0);
	memset(HA_NODE->order, 0, sizeof(HA_NODE->order));
	node_restart(HA_NODE);
	assert_string_equal(HA_NODE->order, "");
	/* It is known that it was said. */
	r.f.lifetime = 0;
	assert_int_equal(does(w, &r, "UQS"), 0);
	/* The machine was off. */
	r.f.lifetime = 600;
	assert_int_equal(does(w, &r, "BPS"), 0);
	HA_NODE->n_kernel = 0;
	memset(HA_NODE->order, 0, sizeof(HA_NODE->order));
	node_restart(HA_NODE);
	assert_string_equal(HA_NODE->order, "BP");
	/* The row is gone. */
	HA_NODE->n_row = 0;
	memset(HA_NODE->order, 0, sizeof(HA_NODE->order));
	HA_NODE->proxied.s_addr = 0;
	node_restart(HA_NODE);
	assert_string_equal(HA_NODE->order, "UQ");
	assert_int_equal(HA_NODE->proxied.s_addr, ip(HOME_A).s_addr);
}

/* The sim takes PROXY and UNPROXY for no other network. */
static void test_virtual(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, "b@blue.example");

	assert_int_equal(does(w, &r, "BS"), 0);
	HA_NODE->n_row = 0;
	memset(HA_NODE->order, 0, sizeof(HA_NODE->order));
	node_restart(HA_NODE);
	assert_string_equal(HA_NODE->order, "U");
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_leaves), TEST(test_ends), TEST(test_revoked), TEST(test_returns), TEST(test_return_denied),
		TEST(test_agent_on_link), TEST(test_refused), TEST(test_restart), TEST(test_virtual),
	};

	return cmocka_run_group_tests_name("core: home link", tests, NULL, NULL);
}
