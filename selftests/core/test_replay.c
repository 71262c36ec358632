// SPDX-License-Identifier: GPL-2.0-only
/* Nonces against replay: RFC 5944 s5.7.2. Timestamps are all other tests' business. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define NAI_A	"a@red.example"
#define COUNT(field)	(core_counters(w->node[HA].core)->field)

static const struct wire_sa key = { .spi = 0x400, .alg = WIRE_ALG_HMAC_MD5, .key_len = 16, .key = "aaaa aaaa aaaa a" };

static int setup(void **state)
{
	struct world *w = world_new(9);
	struct node *n = HA_NODE;

	snprintf(n->mn[0].nai, sizeof(n->mn[0].nai), NAI_A);
	n->mn[0].sa[0] = key;
	n->mn[0].n_sa = 1;
	n->mn[0].nonce = true;
	n->cfg.n_mns = 1;
	n->peer[0] = (struct core_peer){ .addr = ip("198.51.100.0"), .host_bits = 8, .per_mn = true, .proxy = true };
	n->peer[0].sa[0] = *sa_of(PMA2);
	n->peer[1].per_mn = true;
	node_start(n);
	*state = w;
	return 0;
}

/* As a node does it: what the last reply had above, anything new below. */
static uint8_t next(struct world *w, struct rrq *r, struct wire_msg *msg)
{
	static uint32_t low;
	uint64_t given = msg->type ? msg->rrp.id : 0;

	r->f.id = (given & ~0xffffffffULL) | (0x1000 + ++low);
	assert_true(ask(w, r, msg));
	/* Whatever it says, there is a new one above and ours below. */
	assert_int_equal((uint32_t)msg->rrp.id, (uint32_t)r->f.id);
	assert_int_not_equal(msg->rrp.id >> 32, 0);
	if (msg->rrp.code != WIRE_CODE_HA_ID_MISMATCH)
		assert_int_not_equal(msg->rrp.id >> 32, r->f.id >> 32);
	return msg->rrp.code;
}

static struct rrq plain(struct world *w)
{
	struct rrq r = rrq_from(w, PMA1, NAI_A);

	r.method = -1;
	r.revsup = r.keyed = false;
	r.sa = NULL;
	r.mn = &key;
	return r;
}

static void test_nonces(void **state)
{
	struct wire_msg msg = { 0 }, again = { 0 };
	struct world *w = *state;
	struct rrq r = plain(w), first, old;
	uint64_t expires;

	/* The right time is no nonce, nor is none; then it has one. Both ends agree on the style: [5944-5.7-2] */
	r.f.id = 5;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	node_start(HA_NODE);
	r.f.id = ntp_of(HA_NODE);
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	/* next() sees to it that both halves differ: [5944-5.7.2-1] */
	assert_int_equal(next(w, &r, &msg), 0);
	assert_int_equal(COUNT(id_mismatch), 1);
	first = r;
	expires = find(HA_NODE, NAI_A)->expires_us;

	/* Repeated as it was: the same answer, with the nonce that still counts, and no second more. */
	run(w, SEC);
	assert_true(ask(w, &r, &again));
	assert_int_equal(again.rrp.code, 0);
	assert_int_equal(again.rrp.id, msg.rrp.id);
	assert_int_equal(find(HA_NODE, NAI_A)->expires_us, expires);
	assert_int_equal(COUNT(duplicate_rrq), 1);

	/* Somebody else's nonce, or one guessed. */
	old = r;
	old.f.id ^= 1ULL << 40;
	assert_true(ask(w, &old, &again));
	assert_int_equal(again.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	assert_int_equal(again.rrp.id >> 32, msg.rrp.id >> 32);

	/* Time doesn't matter. */
	run(w, 500 * SEC);
	assert_int_equal(next(w, &r, &msg), 0);
	assert_true(find(HA_NODE, NAI_A)->expires_us > expires);

	/* A replay of what was good before, from where it was and from elsewhere. */
	assert_true(ask(w, &first, &again));
	assert_int_equal(again.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	old = r;
	old.src = "198.51.100.9";
	old.f.coa = ip(old.src);
	assert_true(ask(w, &old, &again));
	assert_int_equal(again.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.1").s_addr);

	/* It may not have this, and hears its next nonce. */
	r.f.home = ip("10.0.0.99");
	assert_int_equal(next(w, &r, &msg), WIRE_CODE_HA_ADMIN_PROHIBITED);
	r.f.home = ip("0.0.0.0");
	assert_int_equal(next(w, &r, &msg), 0);
	assert_int_equal(COUNT(id_mismatch), 4);

	/* The agent's next life has given no nonces: whatever was recorded is too late. */
	node_restart(HA_NODE);
	assert_true(ask(w, &r, &again));
	assert_int_equal(again.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	assert_true(ask(w, &first, &again));
	assert_int_equal(again.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	assert_int_equal(HA_NODE->n_kernel, 1);
	msg = again;
	assert_int_equal(next(w, &r, &msg), 0);

	r.f.lifetime = 0;
	assert_int_equal(next(w, &r, &msg), 0);
	assert_int_equal(HA_NODE->n_kernel, 0);
	r.f.lifetime = 600;
	assert_int_equal(next(w, &r, &msg), 0);
	assert_true(ask(w, &first, &again));
	assert_int_equal(again.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
}

/* RFC 5563 s4.4: a PMA's are timestamps, by whichever key; they don't mix up each other. */
static void test_proxied(void **state)
{
	struct world *w = *state;
	struct wire_msg msg = { 0 };
	struct rrq r = plain(w), node = rrq_from(w, PMA2, NAI_A), old;

	r.proxied = true;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(msg.rrp.id, r.f.id);
	run(w, SEC);
	node.f.id = ntp_of(HA_NODE);
	assert_true(ask(w, &node, &msg));
	assert_int_equal(msg.rrp.code, 0);
	old = node;

	r = plain(w);
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	assert_int_equal(next(w, &r, &msg), 0);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.1").s_addr);
	assert_int_equal(find(HA_NODE, NAI_A)->rec.last_id, old.f.id);
	/* What came by the PMA before is no fresher for that. */
	assert_true(ask(w, &old, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	assert_int_equal(msg.rrp.id >> 32, ntp_of(HA_NODE) >> 32);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_nonces), TEST(test_proxied) };

	return cmocka_run_group_tests_name("core: nonces", tests, NULL, NULL);
}
