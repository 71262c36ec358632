// SPDX-License-Identifier: GPL-2.0-only
/* Home Agent: each check of protocol/security.md s5, each row of procedures.md s3. */
#include <errno.h>
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

static int setup(void **state)
{
	*state = world_new(1);
	return 0;
}

static uint8_t code_of(struct world *w, const struct rrq *r)
{
	struct wire_msg msg;

	assert_true(ask(w, r, &msg));
	return msg.rrp.code;
}

static void later(struct world *w, struct rrq *r)
{
	run(w, SEC);
	r->f.id = ntp_of(&w->node[HA]);
}

static struct in_addr register_ok(struct world *w, int pma, const char *nai)
{
	struct rrq r = rrq_from(w, pma, nai);
	struct wire_msg msg;

	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(msg.rrp.id, r.f.id);
	return msg.rrp.home;
}

static void last_reply(struct world *w, struct wire_msg *msg)
{
	const struct sent *s = sent_by(w, HA, WIRE_RRP, 0);

	assert_non_null(s);
	assert_int_equal(wire_parse(s->data, s->len, msg), WIRE_OK);
}

/* A request that must get this code and leave no trace. */
static void expect_denied(struct world *w, const struct rrq *r, uint8_t code)
{
	size_t n_kernel = HA_NODE->n_kernel, n_row = HA_NODE->n_row;
	unsigned int regs = n_regs(HA_NODE);
	struct wire_msg msg;

	assert_true(ask(w, r, &msg));
	assert_int_equal(msg.rrp.code, code);
	assert_int_equal(HA_NODE->n_kernel, n_kernel);
	assert_int_equal(HA_NODE->n_row, n_row);
	assert_int_equal(n_regs(HA_NODE), regs);
}

static void expect_silence(struct world *w, const struct rrq *r)
{
	size_t n_kernel = HA_NODE->n_kernel, n_row = HA_NODE->n_row;
	unsigned int regs = n_regs(HA_NODE);
	struct wire_msg msg;

	assert_false(ask(w, r, &msg));
	assert_int_equal(HA_NODE->n_kernel, n_kernel);
	assert_int_equal(HA_NODE->n_row, n_row);
	assert_int_equal(n_regs(HA_NODE), regs);
}

static void test_register(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	const struct core_binding *k;
	const struct core_reg *reg;
	uint32_t key, revsup;
	struct wire_msg msg;
	uint16_t flags;

	r.f.lifetime = 9000;
	/* [5944-3.8.2-2] [5944-3.8.2.2-2] [5944-3.8.3-2] */
	assert_true(ask(w, &r, &msg));
	/*
	 * ask() finds 34 and 47 in each reply: [3024-4-1] [3543-4.2.1-3] [5563-5.1-1] [5944-3.4-6] [5944-3.5.2-1]
	 * [5944-3.8.1-6] [5944-3.8.3.3-3]
	 */
	/* [3024-3.2-1] [3024-4.3.2-1] [3024-A.4-8] [6245-4.2-6] */
	assert_int_equal(msg.rrp.code, 0);
	/* [5944-3.8.3.2-3] [5944-3.8.3.2-4] */
	assert_int_equal(msg.rrp.lifetime, 600);	/* capped, RFC 5944 s3.8.2.2 */
	assert_int_equal(msg.rrp.id, r.f.id);
	/* [5944-3.8.3-4] [5944-3.8.3.2-8] */
	assert_int_equal(msg.rrp.ha.s_addr, ip("192.0.2.1").s_addr);
	/* [6245-4.2-7] [6245-4.2-8] */
	assert_true(wire_get_gre_key(&msg, &key));
	assert_int_not_equal(key, 0);
	/* [3543-3.2-1] [3543-4.2.1-5] */
	assert_true(wire_get_revsup(&msg, &flags, &revsup));
	assert_int_equal(revsup, ntp_of(HA_NODE) >> 32);

	/* [5944-3.8.2-1] [5944-3.8.2.2-1] [5944-3.8.3-1] */
	assert_int_equal(HA_NODE->n_kernel, 1);
	k = &HA_NODE->kernel[0];
	assert_string_equal(k->device, "mip-red");
	assert_int_equal(k->realm, 1);
	/* [5944-3.8.1-4] [5944-3.8.3.2-7] */
	assert_int_equal(k->home.s_addr, msg.rrp.home.s_addr);
	/* [5944-4.2.3-4] */
	assert_int_equal(k->leg[0].local.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(k->leg[0].peer.s_addr, ip("198.51.100.1").s_addr);
	/* [3024-4.3.1-3] */
	assert_true(k->leg[0].gre && k->leg[0].keyed);
	assert_int_equal(k->leg[0].key_in, key);
	assert_int_equal(k->leg[0].key_out, r.key);
	assert_int_equal(k->port, 0);
	assert_int_equal(k->lifetime, 600);

	assert_int_equal(HA_NODE->n_row, 1);
	reg = find(HA_NODE, NAI_A);
	assert_non_null(reg);
	assert_int_equal(reg->state, CORE_BOUND);
	/* [5944-3.8.1-3] */
	assert_memory_equal(&reg->rec, &HA_NODE->row[0], sizeof(reg->rec));
	assert_int_equal(reg->rec.last_id, r.f.id);
	assert_int_equal(reg->rec.peer_revsup, r.revsup_time);
	assert_int_equal(COUNT(accepted), 1);
}

static void test_encapsulation(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A), first = rrq_from(w, PMA1, NAI_B);
	struct wire_msg msg;
	uint32_t key;

	r.keyed = false;
	r.f.flags = 0;			/* T is not insisted upon: procedures.md s12 */
	assert_int_equal(code_of(w, &r), 0);
	/* [6245-4.2-3] [3024-4.3.1-3] */
	assert_false(HA_NODE->kernel[0].leg[0].gre);

	later(w, &r);
	r.f.flags = WIRE_RRQ_G | WIRE_RRQ_M;
	assert_int_equal(code_of(w, &r), 0);
	/* [5944-3.8.3-1] */
	assert_true(HA_NODE->kernel[0].leg[0].gre && !HA_NODE->kernel[0].leg[0].keyed);

	/* RFC 6245 s4.2: ext. 48 means GRE without G; 0 lets the HA assign for both. */
	later(w, &r);
	r.f.flags = 0;
	r.keyed = true;
	r.key = 0;
	assert_true(ask(w, &r, &msg));
	assert_true(wire_get_gre_key(&msg, &key));
	assert_int_not_equal(key, 0);
	/* [6245-4.2-5] */
	assert_true(HA_NODE->kernel[0].leg[0].gre && HA_NODE->kernel[0].leg[0].keyed);
	assert_int_equal(HA_NODE->kernel[0].leg[0].key_in, key);
	assert_int_equal(HA_NODE->kernel[0].leg[0].key_out, key);

	/* Without GRE: neither with a key nor by G; but who has it may leave. */
	HA_NODE->net[RED].no_gre = true;
	for (int i = 0; i < 2; i++) {
		later(w, &r);
		r.keyed = i;
		r.f.flags = i ? 0 : WIRE_RRQ_G | WIRE_RRQ_M;
		/* [6245-4.2-4] */
		expect_denied(w, &r, WIRE_CODE_HA_ENCAP_UNAVAILABLE);
	}
	assert_int_equal(HA_NODE->n_kernel, 1);
	later(w, &r);
	r.keyed = true;
	r.f.lifetime = 0;
	assert_int_equal(code_of(w, &r), 0);
	assert_int_equal(HA_NODE->n_kernel, 0);
	later(w, &r);
	r.keyed = false;
	r.f.lifetime = 600;
	assert_int_equal(code_of(w, &r), 0);
	HA_NODE->net[RED].no_gre = false;
	later(w, &r);
	r.keyed = true;
	assert_true(ask(w, &r, &msg));
	assert_true(wire_get_gre_key(&msg, &key));

	/* The HA's key stays for the life of the registration. */
	later(w, &r);
	r.key = 77;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(HA_NODE->kernel[0].leg[0].key_in, key);
	assert_int_equal(HA_NODE->kernel[0].leg[0].key_out, 77);
	assert_int_equal(HA_NODE->n_kernel, 1);

	later(w, &r);
	r.keyed = false;
	r.f.flags = WIRE_RRQ_M;
	/* [3024-3.4-5] [3024-4.3.1-1] */
	expect_denied(w, &r, WIRE_CODE_HA_ENCAP_UNAVAILABLE);

	/* Key 0 in a first request. */
	later(w, &first);
	first.key = 0;
	assert_true(ask(w, &first, &msg));
	/* [6245-4.2-9] */
	assert_int_equal(msg.rrp.code, 0);
	/* [6245-4.2-10] [6245-4.2-11] */
	assert_true(wire_get_gre_key(&msg, &key));
	assert_int_not_equal(key, 0);
	assert_int_equal(HA_NODE->kernel[1].leg[0].key_in, key);
	assert_int_equal(HA_NODE->kernel[1].leg[0].key_out, key);
}

/* Keys in ext. 48 and in 3GPP2's CVSE: both are heard, the peer's own is said. */
static void test_key_encodings(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	const struct core_leg *leg;
	struct wire_out out;
	struct wire_msg msg;
	uint32_t key;

	for (int i = 0; i < 4; i++) {
		bool heard = i & 1, said = i & 2;

		if (i)
			later(w, &r);
		r.key_3gpp2 = heard;
		r.key = 0x77000000 + i;
		HA_NODE->peer[0].gre_key_3gpp2 = said;
		assert_true(ask(w, &r, &msg));
		assert_int_equal(msg.rrp.code, 0);
		leg = &HA_NODE->kernel[0].leg[0];
		assert_true(leg->gre && leg->keyed);
		assert_int_equal(leg->key_out, r.key);
		assert_int_equal(wire_count_gre_keys(&msg), 1);
		assert_true(wire_get_gre_key(&msg, &key));
		assert_int_equal(key, leg->key_in);
		assert_int_equal(wire_count(&msg, WIRE_EXT_CVSE), said);
		assert_int_equal(wire_count(&msg, WIRE_EXT_GRE_KEY), !said);
	}
	assert_int_equal(HA_NODE->n_kernel, 1);

	/* Also in the reply to a deregistration, and one of both kinds is one too many. */
	later(w, &r);
	r.f.lifetime = 0;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(wire_count(&msg, WIRE_EXT_CVSE), 1);
	later(w, &r);
	r.f.lifetime = 600;
	r.sa = NULL;
	rrq_build(&out, &r);
	wire_put_gre_key(&out, r.key);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->data[1], WIRE_CODE_HA_POORLY_FORMED);
	assert_int_equal(HA_NODE->n_kernel, 0);
}

/* RFC 5446 s3, s4.2: told apart where the network says which there are. */
static void test_services(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct wire_out out;

	r.service = "ims";
	assert_int_equal(code_of(w, &r), 0);		/* nobody is asked: skipped */
	strcpy(HA_NODE->net[RED].services[0], "ims");
	strcpy(HA_NODE->net[RED].services[1], "voip.example.com");
	HA_NODE->net[RED].n_services = 2;
	later(w, &r);
	assert_int_equal(code_of(w, &r), 0);
	later(w, &r);
	r.service = NULL;				/* the default one */
	assert_int_equal(code_of(w, &r), 0);
	assert_int_equal(n_regs(HA_NODE), 1);

	/* Neither a part nor more of one; and what was there before is gone. */
	for (int i = 0; i < 3; i++) {
		static const char *const none[] = { "im", "imsi", "IMS" };

		later(w, &r);
		r.service = "voip.example.com";
		assert_int_equal(code_of(w, &r), 0);
		assert_int_equal(HA_NODE->n_kernel, 1);
		later(w, &r);
		r.service = none[i];
		assert_int_equal(code_of(w, &r), WIRE_CODE_SERVICE_REFUSED);
		assert_int_equal(n_regs(HA_NODE), 0);
		assert_int_equal(HA_NODE->n_kernel, 0);
	}
	assert_int_equal(COUNT(denied_151), 3);
	/* Who leaves needs none. */
	later(w, &r);
	r.f.lifetime = 0;
	assert_int_equal(code_of(w, &r), 0);

	/* At most one. */
	r = rrq_from(w, PMA1, NAI_B);
	r.service = "ims";
	r.sa = NULL;
	rrq_build(&out, &r);
	wire_put_service(&out, "ims");
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->data[1], WIRE_CODE_HA_POORLY_FORMED);
	/* What is no name is no service, and not the default one either. */
	r.service = NULL;
	later(w, &r);
	rrq_build(&out, &r);
	wire_put_ext(&out, WIRE_EXT_SERVICE, 0, "i\0s", 3);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_int_equal(COUNT(denied_134), 2);
	assert_int_equal(n_regs(HA_NODE), 0);
}

/* What ends a registration ends it once, and its agent hears of it. */
static void test_service_refused_elsewhere(void **state)
{
	struct world *w = *state;
	struct rrq bad = rrq_from(w, PMA1, NAI_A), good = rrq_from(w, PMA2, NAI_A);

	strcpy(HA_NODE->net[RED].services[0], "ims");
	HA_NODE->net[RED].n_services = 1;
	bad.service = "voip";
	bad.f.id += 3ULL << 32;			/* its clock is ahead */
	assert_int_equal(code_of(w, &bad), WIRE_CODE_SERVICE_REFUSED);
	/* Who came earlier by the time stamps would be ended by its copy. */
	later(w, &good);
	assert_int_equal(code_of(w, &good), WIRE_CODE_HA_ID_MISMATCH);
	run(w, 4 * SEC);
	good.f.id = ntp_of(HA_NODE);
	assert_int_equal(code_of(w, &good), 0);
	assert_int_equal(code_of(w, &bad), WIRE_CODE_HA_ID_MISMATCH);
	assert_int_equal(n_regs(HA_NODE), 1);
	assert_int_equal(HA_NODE->n_kernel, 1);

	later(w, &bad);
	assert_int_equal(code_of(w, &bad), WIRE_CODE_SERVICE_REFUSED);
	assert_int_equal(n_regs(HA_NODE), 0);
	assert_int_equal(HA_NODE->n_kernel, 0);
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 1);
	assert_int_equal(sent_by(w, HA, WIRE_REVOKE, 0)->dst.s_addr, ip("198.51.100.2").s_addr);
	assert_int_equal(code_of(w, &bad), WIRE_CODE_HA_ID_MISMATCH);
}

/* RFC 4332: who asks is told, also when its request comes once more. */
static void test_host_config(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct wire_host_config host;
	struct wire_msg msg;

	HA_NODE->net[RED].host = (struct wire_host_config){ .plen = 24, .gateway = ip("10.0.0.1"),
							    .dns = { ip("10.0.0.53") }, .suffix = "red.example" };
	assert_true(ask(w, &r, &msg));
	assert_false(wire_get_host_config(&msg, &host));
	later(w, &r);
	r.asks_host = true;
	for (int i = 0; i < 2; i++) {
		assert_true(ask(w, &r, &msg));
		assert_int_equal(msg.rrp.code, 0);
		assert_true(wire_get_host_config(&msg, &host));
		assert_memory_equal(&host, &HA_NODE->net[RED].host, sizeof(host));
		/* Covered. */
		assert_true(wire_find(&msg, WIRE_EXT_NVSE, 0) < wire_find(&msg, WIRE_EXT_FHAE, 0));
	}
	assert_int_equal(COUNT(duplicate_rrq), 1);
	later(w, &r);
	r.f.lifetime = 0;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(wire_count(&msg, WIRE_EXT_NVSE), 0);
	later(w, &r);
	r.f.lifetime = 600;
	r.method = WIRE_PMIP_IPSEC;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_PMIP_DISALLOWED);
	assert_int_equal(wire_count(&msg, WIRE_EXT_NVSE), 0);
}

static void test_home_address(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct in_addr a, b;
	struct wire_msg msg;

	a = register_ok(w, PMA1, NAI_A);
	b = register_ok(w, PMA1, NAI_B);
	assert_int_not_equal(a.s_addr, b.s_addr);

	/* Taken, not in the pool, not the bound one: 129. */
	r = rrq_from(w, PMA1, "c@red.example");
	r.f.home = a;
	/* [3024-A.4-2] [5944-3.8.3.2-6] */
	expect_denied(w, &r, WIRE_CODE_HA_ADMIN_PROHIBITED);
	r.f.id++;
	r.f.home = ip("10.0.0.200");
	expect_denied(w, &r, WIRE_CODE_HA_ADMIN_PROHIBITED);
	r.f.id++;
	r.f.home = ip("10.0.0.1");
	expect_denied(w, &r, WIRE_CODE_HA_ADMIN_PROHIBITED);
	r.f.id++;
	r.f.home = ip("10.0.0.77");
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	/* [5944-3.8.3.2-5] */
	assert_int_equal(msg.rrp.home.s_addr, r.f.home.s_addr);
	run(w, SEC);
	r = rrq_from(w, PMA1, NAI_A);
	r.f.home = ip("10.0.0.78");
	expect_denied(w, &r, WIRE_CODE_HA_ADMIN_PROHIBITED);
	expect_denied(w, &r, WIRE_CODE_HA_ID_MISMATCH);		/* its replay */

	/* 0 and all ones (3GPP2) give the bound one. */
	r.f.id++;
	r.f.home = ip("0.0.0.0");
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.home.s_addr, a.s_addr);
	later(w, &r);
	r.f.home = ip("255.255.255.255");
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.home.s_addr, a.s_addr);
	assert_int_equal(HA_NODE->n_kernel, 3);

	/* An HA that forgot everything gives the same address to the same NAI. */
	HA_NODE->n_kernel = HA_NODE->n_row = 0;
	node_start(HA_NODE);
	assert_int_equal(register_ok(w, PMA1, NAI_A).s_addr, a.s_addr);
}

static void test_reverse_tunnel(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);

	r.f.flags &= ~WIRE_RRQ_T;
	assert_int_equal(code_of(w, &r), 0);
	HA_NODE->net[RED].wants_reverse = true;
	later(w, &r);
	expect_denied(w, &r, WIRE_CODE_HA_REVERSE_TUNNEL_MANDATORY);
	assert_int_equal(COUNT(denied_138), 1);
	/* whoever was accepted without one may leave */
	later(w, &r);
	r.f.lifetime = 0;
	assert_int_equal(code_of(w, &r), 0);
	later(w, &r);
	r.f.lifetime = 600;
	r.f.flags |= WIRE_RRQ_T;
	assert_int_equal(code_of(w, &r), 0);
}

static void test_pool_exhausted(void **state)
{
	struct world *w = *state;
	struct rrq r, refused;
	struct in_addr home;
	uint64_t next;

	HA_NODE->net[RED].pool[0].first = ip("10.0.0.0");	/* network address and gateway inside */
	HA_NODE->net[RED].pool[0].last = ip("10.0.0.4");
	node_start(HA_NODE);
	for (int i = 0; i < 3; i++) {
		char nai[32];

		snprintf(nai, sizeof(nai), "n%d@red.example", i);
		home = register_ok(w, PMA1, nai);
		/* [3024-A.4-9] */
		assert_in_range(ntohl(home.s_addr), 0x0a000002, 0x0a000004);
	}
	refused = rrq_from(w, PMA1, NAI_B);
	expect_denied(w, &refused, WIRE_CODE_HA_NO_RESOURCES);

	/* One leaves, there is room again: for who asks now, not for who replays what was refused. */
	run(w, 3 * SEC);
	r = rrq_from(w, PMA1, "n1@red.example");
	r.f.lifetime = 0;
	assert_int_equal(code_of(w, &r), 0);
	expect_denied(w, &refused, WIRE_CODE_HA_ID_MISMATCH);
	register_ok(w, PMA1, NAI_B);

	/* Nor later. What is kept of it ends with the window: the next timer is a lifetime's. */
	refused = rrq_from(w, PMA1, "z@red.example");
	expect_denied(w, &refused, WIRE_CODE_HA_NO_RESOURCES);
	next = core_next(HA_NODE->core);
	run(w, 9 * SEC);
	expect_denied(w, &refused, WIRE_CODE_HA_ID_MISMATCH);
	assert_true(core_next(HA_NODE->core) > next + 60 * SEC);
}

/* Of several ranges the first is full, and each address is given once. */
static void test_pool_ranges(void **state)
{
	struct world *w = *state;
	struct core_range *pool = HA_NODE->net[RED].pool;
	unsigned int seen = 0;
	struct rrq r;

	pool[0] = (struct core_range){ ip("10.0.0.40"), ip("10.0.0.41") };
	pool[1] = (struct core_range){ ip("10.0.0.20"), ip("10.0.0.20") };
	pool[2] = (struct core_range){ ip("10.0.0.60"), ip("10.0.0.62") };
	node_start(HA_NODE);
	for (int i = 0; i < 6; i++) {
		char nai[32];

		snprintf(nai, sizeof(nai), "n%d@red.example", i);
		seen |= 1U << (ntohl(register_ok(w, PMA1, nai).s_addr) - 0x0a000014) / 2;
	}
	/* .20, .40 and .41, .60 and .61, .62 */
	assert_int_equal(seen, 1U << 0 | 1U << 10 | 1U << 20 | 1U << 21);
	r = rrq_from(w, PMA1, NAI_B);
	expect_denied(w, &r, WIRE_CODE_HA_NO_RESOURCES);
	run(w, SEC);
	r = rrq_from(w, PMA1, "x@red.example");
	r.f.home = ip("10.0.0.21");
	expect_denied(w, &r, WIRE_CODE_HA_ADMIN_PROHIBITED);
}

/* Who asks by the home network's broadcast address is told whom to ask. */
static void test_broadcast(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct wire_out out;
	struct wire_msg msg;

	r.f.ha = ip("10.0.0.255");
	r.dst = "10.0.0.255";
	/* [5944-3.6.1.2-16] [5944-3.8.2.1-28] [5944-3.8.2.1-29] */
	expect_denied(w, &r, WIRE_CODE_HA_UNKNOWN_HA);
	last_reply(w, &msg);
	/* [5944-3.6.1.2-17] [5944-3.8.2.1-30] [5944-3.8.3.1-1] */
	assert_int_equal(msg.rrp.ha.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->src.s_addr, ip("192.0.2.1").s_addr);

	/* So is who isn't there yet, and who repeats there what was accepted elsewhere. */
	r = rrq_from(w, PMA1, "a@nowhere");
	r.dst = "10.0.0.255";
	expect_denied(w, &r, WIRE_CODE_HA_UNKNOWN_HA);
	last_reply(w, &msg);
	assert_int_equal(msg.rrp.ha.s_addr, ip("192.0.2.1").s_addr);
	r = rrq_from(w, PMA1, NAI_A);
	assert_int_equal(code_of(w, &r), 0);
	r.dst = "10.0.0.255";
	expect_denied(w, &r, WIRE_CODE_HA_UNKNOWN_HA);

	/* Whoever isn't one of the peers is answered nothing, as anywhere. */
	later(w, &r);
	r.sa = NULL;
	expect_silence(w, &r);
	/* Nor is anything else. */
	memset(&out, 0, sizeof(out));
	wire_put_revoke_ack(&out, &(struct wire_revoke_ack){ .home = ip("10.0.0.10") });
	wire_put_auth(&out, WIRE_EXT_FHAE, rrq_from(w, PMA1, NAI_A).sa);
	inject(HA_NODE, "198.51.100.1", "10.0.0.255", out.buf, out.len);
	assert_int_equal(COUNT(drop_broadcast), 1);
	assert_int_equal(COUNT(revoke_ack_received), 0);
}

static void leave(struct world *w, const char *nai)
{
	struct rrq r;

	run(w, SEC);
	r = rrq_from(w, PMA1, nai);
	r.f.lifetime = 0;
	assert_int_equal(code_of(w, &r), 0);
}

/* What a device has given back is its own for a while, and then anybody's. */
static void test_address_hold(void **state)
{
	struct world *w = *state;
	struct core_network *net = &HA_NODE->net[RED];
	struct in_addr a;
	struct rrq r;

	net->pool[0] = (struct core_range){ ip("10.0.0.40"), ip("10.0.0.41") };
	net->address_hold_s = 600;
	node_start(HA_NODE);
	a = register_ok(w, PMA1, NAI_A);
	leave(w, NAI_A);
	assert_int_not_equal(register_ok(w, PMA1, NAI_B).s_addr, a.s_addr);
	/* nor for who asks for it, long after A is forgotten */
	run(w, 300 * SEC);
	r = rrq_from(w, PMA1, "d@red.example");
	r.f.home = a;
	expect_denied(w, &r, WIRE_CODE_HA_ADMIN_PROHIBITED);
	assert_int_equal(register_ok(w, PMA1, NAI_A).s_addr, a.s_addr);

	/* Its time counts from the last end. */
	leave(w, NAI_A);
	run(w, 590 * SEC);
	register_ok(w, PMA1, NAI_B);
	r = rrq_from(w, PMA1, "d@red.example");
	r.f.home = a;
	expect_denied(w, &r, WIRE_CODE_HA_ADMIN_PROHIBITED);
	run(w, 20 * SEC);
	r = rrq_from(w, PMA1, "e@red.example");
	r.f.home = a;
	assert_int_equal(code_of(w, &r), 0);
	leave(w, "e@red.example");

	/* Whoever is here goes before who may come again. */
	assert_int_equal(register_ok(w, PMA1, "f@red.example").s_addr, a.s_addr);
	r = rrq_from(w, PMA1, "g@red.example");
	expect_denied(w, &r, WIRE_CODE_HA_NO_RESOURCES);
}

/* Who asks for one address after the other keeps the last one, and a device that was never served keeps none. */
static void test_address_hold_one(void **state)
{
	struct world *w = *state;
	struct core_network *net = &HA_NODE->net[RED];
	struct rrq r;

	net->pool[0] = (struct core_range){ ip("10.0.0.40"), ip("10.0.0.44") };
	net->address_hold_s = 600;
	node_start(HA_NODE);
	for (int i = 0; i < 5; i++) {
		run(w, SEC);
		r = rrq_from(w, PMA1, NAI_A);
		r.f.home = (struct in_addr){ htonl(0x0a000028 + i) };
		assert_int_equal(code_of(w, &r), 0);
		leave(w, NAI_A);
	}
	HA_NODE->fail_bind = ENOSPC;
	r = rrq_from(w, PMA1, NAI_B);
	r.f.home = ip("10.0.0.40");
	assert_int_not_equal(code_of(w, &r), 0);
	/* who is held one keeps it when it isn't registered */
	run(w, SEC);
	HA_NODE->fail_bind = ENOSPC;
	r = rrq_from(w, PMA1, NAI_A);
	assert_int_not_equal(code_of(w, &r), 0);
	run(w, 300 * SEC);
	for (int i = 0; i < 5; i++) {
		run(w, SEC);
		r = rrq_from(w, PMA1, "d@red.example");
		r.f.home = (struct in_addr){ htonl(0x0a000028 + i) };
		assert_int_equal(code_of(w, &r), i < 4 ? 0 : WIRE_CODE_HA_ADMIN_PROHIBITED);
		if (i < 4)
			leave(w, "d@red.example");
	}
}

static void test_max_registrations(void **state)
{
	struct world *w = *state;
	struct rrq r;

	HA_NODE->cfg.max_registrations = 2;
	node_start(HA_NODE);
	register_ok(w, PMA1, NAI_A);
	register_ok(w, PMA1, NAI_B);
	r = rrq_from(w, PMA1, "c@red.example");
	expect_denied(w, &r, WIRE_CODE_HA_NO_RESOURCES);
	/* Those that are there go on. */
	run(w, SEC);
	register_ok(w, PMA2, NAI_A);
}

static void test_truncated(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct wire_out out;

	rrq_build(&out, &r);
	for (size_t len = 0; len < out.len; len++) {
		inject(HA_NODE, r.src, r.dst, out.buf, len);
		assert_null(sent_by(w, HA, WIRE_RRP, 0));
		assert_int_equal(n_regs(HA_NODE), 0);
		assert_int_equal(HA_NODE->n_row + HA_NODE->n_kernel, 0);
	}
	assert_int_equal(COUNT(drop_truncated) + COUNT(drop_malformed) + COUNT(drop_no_authentication),
			 out.len);
	assert_int_equal(COUNT(drop_truncated), 24);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_int_equal(n_regs(HA_NODE), 1);
}

static void test_authentication(void **state)
{
	struct wire_sa wrong = *sa_of(PMA1);
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct wire_out out;
	struct wire_msg msg;

	/* 132 (RFC 5944 s3.8.2.1 c), but once a second only. */
	wrong.key[3] ^= 1;
	r.sa = &wrong;
	/*
	 * [5944-3.8.1-5] [5944-3.8.2.1-2] [5944-3.8.2.1-5] [5944-3.8.2.1-8] [5944-3.8.2.1-12]
	 * [5944-3.8.2.1-19] [5944-3.8.2.1-21] [5944-3.8.2.1-22] [5944-3.8.2.1-23] [5944-3.8.2.1-24]
	 */
	expect_denied(w, &r, WIRE_CODE_HA_FA_AUTH);
	/* [5944-3.8.2.1-13] [5944-3.8.2.1-25] */
	assert_int_equal(HA_NODE->n_log, 2);	/* keys that differ, and the 132 */
	expect_silence(w, &r);
	assert_int_equal(HA_NODE->n_log, 2);
	assert_int_equal(COUNT(drop_bad_authenticator), 2);
	run(w, SEC);
	expect_denied(w, &r, WIRE_CODE_HA_FA_AUTH);

	wrong = *sa_of(PMA1);
	wrong.spi = 0x999;
	run(w, SEC);
	expect_denied(w, &r, WIRE_CODE_HA_FA_AUTH);
	/* [5944-3.5.1-2] */
	assert_int_equal(COUNT(drop_unknown_spi), 1);

	/* The other PMA's key is good only from there. */
	r.sa = sa_of(PMA2);
	run(w, SEC);
	/* [5944-3.2-1] */
	expect_denied(w, &r, WIRE_CODE_HA_FA_AUTH);

	r.sa = NULL;
	/* [3024-4-2] [3543-3.2-8] [5944-3.2-2] [5944-3.8.2.1-4] [5944-3.8.2.1-7] */
	expect_silence(w, &r);
	assert_int_equal(COUNT(drop_no_authentication), 1);
	r.sa = sa_of(PMA1);
	r.method = -1;			/* without 47 the FA-HA extension authorises nothing */
	expect_silence(w, &r);
	assert_int_equal(COUNT(drop_no_authentication), 2);

	/* Twice is not exactly once. */
	r.method = 1;
	rrq_build(&out, &r);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	run(w, SEC);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	last_reply(w, &msg);
	/* [5944-3.8.2.1-20] */
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_FA_AUTH);

	r.src = "203.0.113.9";
	/* [5944-3.8.2.1-6] [5944-3.8.2.1-26] */
	expect_silence(w, &r);
	/* [3543-4.2.1-4] [5944-1.7-2] */
	assert_int_equal(COUNT(drop_unknown_peer), 1);
	r.src = "198.51.100.1";
	r.f.coa = ip("198.51.100.2");
	expect_silence(w, &r);
	assert_int_equal(COUNT(drop_wrong_source), 1);
	assert_int_equal(n_regs(HA_NODE), 0);
}

/* What stands behind the authenticator doesn't count. */
static void test_uncovered(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NULL);
	struct wire_out out;
	struct wire_msg msg;

	r.keyed = r.revsup = false;
	r.f.flags = 0;
	r.nai = NAI_A;
	rrq_build(&out, &r);
	misplace(&out);
	wire_put_gre_key(&out, 99);
	wire_put_revsup(&out, 0, 5);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_int_equal(n_regs(HA_NODE), 1);
	/* [6245-4.2-1] */
	assert_false(HA_NODE->kernel[0].leg[0].gre);
	assert_int_equal(find(HA_NODE, NAI_A)->rec.peer_revsup, 0);

	/* Nor is what is asked for there answered. */
	HA_NODE->net[RED].host.plen = 24;
	later(w, &r);
	rrq_build(&out, &r);
	misplace(&out);
	wire_put_host_request(&out);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	last_reply(w, &msg);
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(wire_count(&msg, WIRE_EXT_NVSE), 0);

	/* Nor does an NAI there. */
	r = rrq_from(w, PMA1, NULL);
	rrq_build(&out, &r);
	misplace(&out);
	wire_put_nai(&out, NAI_B);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_null(find(HA_NODE, NAI_B));
	last_reply(w, &msg);
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ADMIN_PROHIBITED);

	/* Nor a 47. */
	r = rrq_from(w, PMA1, NAI_B);
	r.method = -1;
	rrq_build(&out, &r);
	misplace(&out);
	wire_put_pmip_method(&out, 1);
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_null(find(HA_NODE, NAI_B));
	assert_int_equal(COUNT(drop_no_authentication), 1);
}

static void put_before_auth(struct wire_out *out, const struct rrq *r, const void *ext, size_t len)
{
	struct rrq bare = *r;

	bare.sa = NULL;
	rrq_build(out, &bare);
	memcpy(out->buf + out->len, ext, len);
	out->len += len;
	wire_put_auth(out, WIRE_EXT_FHAE, r->sa);
}

static void test_extensions(void **state)
{
	static const uint8_t unknown[] = { 99, 2, 1, 1 }, skippable[] = { 200, 2, 1, 1 };
	static const uint8_t cvse[] = { 38, 0, 0, 6, 0, 0, 0, 9, 0, 1 };
	static const uint8_t other_sub[] = { 47, 9, 0, 1, 1 };
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct wire_out out;
	struct wire_msg msg;

	put_before_auth(&out, &r, unknown, sizeof(unknown));
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	/* [5944-1.7-2] [6245-4.2-2] */
	assert_int_equal(COUNT(drop_unknown_extension), 1);
	/* [5944-1.8-1] */
	assert_null(sent_by(w, HA, WIRE_RRP, 0));
	assert_int_equal(n_regs(HA_NODE), 0);

	put_before_auth(&out, &r, cvse, sizeof(cvse));
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->data[1], WIRE_CODE_HA_CVSE_FA);
	assert_int_equal(COUNT(denied_141), 1);

	r.method = -1;
	put_before_auth(&out, &r, other_sub, sizeof(other_sub));
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->data[1], WIRE_CODE_PMIP_UNSUPPORTED);
	r.method = 1;
	put_before_auth(&out, &r, other_sub, sizeof(other_sub));
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->data[1], WIRE_CODE_PMIP_UNSUPPORTED);
	assert_int_equal(n_regs(HA_NODE), 0);

	put_before_auth(&out, &r, skippable, sizeof(skippable));
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	last_reply(w, &msg);
	/* [5944-1.8-2] */
	assert_int_equal(msg.rrp.code, 0);

	inject(HA_NODE, r.src, r.dst, "\x63garbage", 8);
	inject(HA_NODE, r.src, r.dst, "\x03", 1);
	assert_int_equal(COUNT(drop_unknown_type), 1);
	/* A reply is not for an HA. */
	inject(HA_NODE, r.src, r.dst, sent_by(w, HA, WIRE_RRP, 0)->data, sent_by(w, HA, WIRE_RRP, 0)->len);
	assert_int_equal(COUNT(drop_unknown_type), 2);
}

/* Extension 137: RFC 3543 s3.2, s4.2.1. */
static void test_revocation_support(void **state)
{
	static const uint8_t all_bits[] = { 137, 6, 0xff, 0xff, 0xe8, 0, 0, 9 };
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A), moved;
	const struct wire_ext *ext;
	struct wire_out out;
	struct wire_msg msg;
	uint32_t timestamp;
	uint16_t flags;

	assert_true(ask(w, &r, &msg));
	ext = wire_find(&msg, WIRE_EXT_REVSUP, 0);
	assert_non_null(ext);
	/* [3543-3.2-7] */
	assert_true(ext->off < wire_find(&msg, WIRE_EXT_FHAE, 0)->off);
	assert_true(wire_get_revsup(&msg, &flags, &timestamp));
	/* [3543-3.2-10] */
	assert_int_equal(flags, 0);

	/* Who doesn't say it is told nothing, in the reply and when the device has left. */
	later(w, &r);
	r.revsup = false;
	/* ask() finds 34 all the same: [3543-4.2.1-3] */
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	/* [3543-3.2-4] */
	assert_null(wire_find(&msg, WIRE_EXT_REVSUP, 0));
	moved = rrq_from(w, PMA2, NAI_A);
	later(w, &moved);
	assert_int_equal(code_of(w, &moved), 0);
	assert_int_equal(COUNT(handovers), 1);
	/* [3543-4.2.1-6] */
	assert_int_equal(n_sent(w, HA, WIRE_REVOKE), 0);

	/* The I bit is taken up, the others have no meaning. */
	r = rrq_from(w, PMA1, NAI_B);
	r.revsup = false;
	put_before_auth(&out, &r, all_bits, sizeof(all_bits));
	inject(HA_NODE, r.src, r.dst, out.buf, out.len);
	/* [3543-3.2-6] */
	assert_int_equal(find(HA_NODE, NAI_B)->rec.peer_revsup, 0xe8000009);
	last_reply(w, &msg);
	assert_int_equal(msg.rrp.code, 0);
	assert_true(wire_get_revsup(&msg, &flags, &timestamp));
	/* [3543-3.2-5] */
	assert_int_equal(flags, WIRE_REVSUP_I);

	/* Not wanted: as if it weren't there. */
	HA_NODE->peer[0].revocation = false;
	later(w, &r);
	r.revsup = true;
	assert_true(ask(w, &r, &msg));
	/* [3543-3.2-11] */
	assert_int_equal(msg.rrp.code, 0);
	assert_null(wire_find(&msg, WIRE_EXT_REVSUP, 0));
	assert_int_equal(find(HA_NODE, NAI_B)->rec.peer_revsup, 0);
}

static void test_denials(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct wire_msg msg;

	r.method = WIRE_PMIP_IPSEC;	/* anybody can claim it; it isn't what is configured */
	/* [5944-3.8.2-3] [5944-3.8.2.3-1] [5944-3.8.3-3] */
	expect_denied(w, &r, WIRE_CODE_PMIP_DISALLOWED);
	assert_int_equal(COUNT(drop_bad_method), 1);
	r.method = 77;
	expect_denied(w, &r, WIRE_CODE_PMIP_UNSUPPORTED);
	r.method = 1;
	HA_NODE->peer[0].proxy = false;
	expect_denied(w, &r, WIRE_CODE_PMIP_DISALLOWED);
	HA_NODE->peer[0].proxy = true;

	r.f.flags |= WIRE_RRQ_D;
	expect_denied(w, &r, WIRE_CODE_HA_POORLY_FORMED);
	r.f.flags &= ~WIRE_RRQ_D;

	/* a tunnel from an address to itself */
	r.f.home = r.f.coa;
	expect_denied(w, &r, WIRE_CODE_HA_POORLY_FORMED);
	r.f.home.s_addr = 0;

	/* What "show" and the log would choke on, for all that its realm is ours. */
	r.nai = "d\xe9v@red.example";
	expect_denied(w, &r, WIRE_CODE_HA_POORLY_FORMED);
	r.nai = "a\nb@red.example";
	expect_denied(w, &r, WIRE_CODE_HA_POORLY_FORMED);

	r.nai = NULL;
	expect_denied(w, &r, WIRE_CODE_HA_ADMIN_PROHIBITED);
	r.nai = "a@nowhere.example";
	expect_denied(w, &r, WIRE_CODE_HA_ADMIN_PROHIBITED);
	assert_int_equal(COUNT(drop_no_network), 1);
	r.nai = NAI_A;

	/* 136 says the right one: field, destination, both. */
	r.f.ha = ip("203.0.113.1");
	assert_true(ask(w, &r, &msg));
	/* [5944-3.8.3.2-10] */
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_UNKNOWN_HA);
	/* [5944-3.8.3.2-9] */
	assert_int_equal(msg.rrp.ha.s_addr, ip("192.0.2.1").s_addr);
	r.f.ha = ip("192.0.2.9");
	r.dst = "192.0.2.9";
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_UNKNOWN_HA);
	assert_int_equal(msg.rrp.ha.s_addr, ip("192.0.2.1").s_addr);
	r.dst = "192.0.2.1";

	/* RFC 4433: no address means the one asked. */
	r.f.ha = ip("0.0.0.0");
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(msg.rrp.ha.s_addr, ip("192.0.2.1").s_addr);
	later(w, &r);
	r.f.ha = ip("255.255.255.255");
	assert_int_equal(code_of(w, &r), 0);
	later(w, &r);
	r.f.flags |= WIRE_RRQ_S | 0x05;	/* reserved bits are ignored, S replaces */
	assert_int_equal(code_of(w, &r), WIRE_CODE_ACCEPTED_NO_SIMULTANEOUS);
	assert_int_equal(HA_NODE->n_kernel, 1);
}

static void test_identification(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A), old;
	struct wire_msg msg;
	uint64_t now;

	run(w, 500 * MSEC);
	now = ntp_of(HA_NODE);
	r.f.id = now - (9ULL << 32);
	assert_true(ask(w, &r, &msg));
	/*
	 * [5944-3.8.2.1-14] [5944-3.8.2.1-15] [5944-5.7-1] [5944-5.7.1-5] [5944-5.7.1-6]
	 * [5944-5.7.1-8]
	 */
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	/* [5944-3.8.2.1-16] */
	assert_int_equal(msg.rrp.id >> 32, now >> 32);		/* RFC 5944 s5.7.1 */
	/* [5944-5.7-3] */
	assert_int_equal((uint32_t)msg.rrp.id, (uint32_t)r.f.id);
	r.f.id = now + (9ULL << 32);
	/* [5944-3.8.2.1-17] */
	expect_denied(w, &r, WIRE_CODE_HA_ID_MISMATCH);
	r.f.id = now - (6ULL << 32);
	assert_int_equal(code_of(w, &r), 0);

	/* Older than the last, and the last itself from elsewhere. */
	old = r;
	old.f.id--;
	/* [5944-5.7.1-7] */
	expect_denied(w, &old, WIRE_CODE_HA_ID_MISMATCH);
	old = rrq_from(w, PMA2, NAI_A);
	old.f.id = r.f.id;
	expect_denied(w, &old, WIRE_CODE_HA_ID_MISMATCH);
	assert_int_equal(COUNT(id_mismatch), 4);
	/* The NAI's realm has no case, so it is the same device. */
	old = r;
	old.nai = "a@RED.Example";
	old.f.id--;
	expect_denied(w, &old, WIRE_CODE_HA_ID_MISMATCH);
	/* Another's Identification is its own. */
	old = r;
	old.nai = NAI_B;
	assert_int_equal(code_of(w, &old), 0);
}

static void test_duplicate(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	const struct sent *first, *again;
	uint64_t expires;
	struct wire_msg msg;

	assert_true(ask(w, &r, &msg));
	expires = find(HA_NODE, NAI_A)->rec.expires_unix;
	run(w, 3 * SEC);
	assert_true(ask(w, &r, &msg));
	again = sent_by(w, HA, WIRE_RRP, 0);
	first = sent_by(w, HA, WIRE_RRP, 1);
	assert_int_equal(first->len, again->len);
	assert_memory_equal(first->data, again->data, first->len);
	/* [5944-3.8.2.2-9] */
	assert_int_equal(find(HA_NODE, NAI_A)->rec.expires_unix, expires);
	assert_int_equal(COUNT(duplicate_rrq), 1);
	assert_int_equal(COUNT(accepted), 1);
	/* Out of the window it is stale, whoever sends it. */
	run(w, 6 * SEC);
	expect_denied(w, &r, WIRE_CODE_HA_ID_MISMATCH);
	assert_int_equal(find(HA_NODE, NAI_A)->rec.expires_unix, expires);
}

/* One answer, and only when kernel and store have it. */
static void test_pending(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct wire_msg msg;

	HA_NODE->hold = true;
	assert_false(ask(w, &r, &msg));
	assert_int_equal(find(HA_NODE, NAI_A)->state, CORE_BINDING);
	assert_false(ask(w, &r, &msg));		/* the duplicate waits as well */
	assert_int_equal(COUNT(duplicate_rrq), 1);
	release(HA_NODE);
	assert_int_equal(n_sent(w, HA, WIRE_RRP), 1);
	assert_int_equal(find(HA_NODE, NAI_A)->state, CORE_BOUND);
}

/* Whichever of the two is the slower one. */
static void test_half_done(void **state)
{
	struct core_event half = { .type = CORE_EV_BOUND };
	struct rrq r = rrq_from(*state, PMA1, NAI_A);
	struct world *w = *state;
	struct wire_msg msg;

	for (unsigned int n = 0; n < 2; n++) {
		HA_NODE->hold = true;
		assert_false(ask(w, &r, &msg));
		half.done.cookie = find(HA_NODE, r.nai)->rec.cookie;
		event(HA_NODE, &half);
		assert_int_equal(n_sent(w, HA, WIRE_RRP), n);
		release(HA_NODE);
		assert_int_equal(n_sent(w, HA, WIRE_RRP), n + 1);
		half.type = CORE_EV_STORED;
		r.nai = NAI_B;
	}
}

/* Handover, leaving and retransmission while the first BIND is under way. */
static void test_pending_handover(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A), r2 = rrq_from(w, PMA2, NAI_A);
	struct wire_msg msg;

	HA_NODE->hold = true;
	assert_false(ask(w, &r, &msg));
	r2.f.id = r.f.id + 10;
	assert_false(ask(w, &r2, &msg));
	assert_false(ask(w, &r2, &msg));	/* duplicate of what waits */
	r.f.id += 5;				/* older than what waits */
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, WIRE_CODE_HA_ID_MISMATCH);
	release(HA_NODE);

	/* Both were accepted in order, and the first was revoked. */
	assert_int_equal(n_sent(w, HA, WIRE_RRP), 3);
	/* [5944-3.5.4-2] [5944-3.8.2.2-3] */
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->dst.s_addr, ip("198.51.100.2").s_addr);
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->data[1], 0);
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 1)->dst.s_addr, ip("198.51.100.1").s_addr);
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 1)->data[1], 0);
	assert_int_equal(sent_by(w, HA, WIRE_REVOKE, 0)->dst.s_addr, ip("198.51.100.1").s_addr);
	assert_int_equal(HA_NODE->n_kernel, 1);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.2").s_addr);
	assert_int_equal(COUNT(handovers), 1);

	/* A deregistration that catches up with a registration. */
	HA_NODE->hold = true;
	run(w, SEC);
	r = rrq_from(w, PMA1, NAI_B);
	assert_false(ask(w, &r, &msg));
	r.f.lifetime = 0;
	r.f.id += 2;
	assert_false(ask(w, &r, &msg));
	release(HA_NODE);
	assert_null(find(HA_NODE, NAI_B));
	assert_int_equal(HA_NODE->n_kernel, 1);
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->data[1], 0);
	assert_int_equal(sent_by(w, HA, WIRE_RRP, 0)->data[3], 0);	/* lifetime 0 */
}

static void test_bind_fails(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct core_record before;
	struct wire_msg msg;
	struct in_addr home;

	HA_NODE->fail_bind = ENOMEM;
	assert_int_equal(code_of(w, &r), WIRE_CODE_HA_NO_RESOURCES);
	/* Nothing stays but the Identification: a replay won't do what it then could. */
	assert_int_equal(n_regs(HA_NODE) + HA_NODE->n_kernel, 0);
	assert_true(HA_NODE->row[0].tombstone);
	expect_denied(w, &r, WIRE_CODE_HA_ID_MISMATCH);
	node_restart(HA_NODE);
	expect_denied(w, &r, WIRE_CODE_HA_ID_MISMATCH);
	r.f.id++;
	HA_NODE->fail_bind = EINVAL;
	expect_denied(w, &r, WIRE_CODE_HA_UNSPECIFIED);
	r.f.id++;
	HA_NODE->fail_store = EIO;
	expect_denied(w, &r, WIRE_CODE_HA_UNSPECIFIED);
	assert_int_equal(n_regs(HA_NODE) + HA_NODE->n_kernel, 0);
	run(w, 20 * SEC);
	assert_int_equal(HA_NODE->n_row, 0);
	HA_NODE->fail_bind = EINVAL;
	later(w, &r);
	assert_int_equal(code_of(w, &r), WIRE_CODE_HA_UNSPECIFIED);

	/* Nothing was left behind: the address is free for somebody else. */
	r.f.id++;
	assert_true(ask(w, &r, &msg));
	home = msg.rrp.home;
	before = find(HA_NODE, NAI_A)->rec;

	/* A handover that fails leaves the device where it was. */
	r = rrq_from(w, PMA2, NAI_A);
	later(w, &r);
	HA_NODE->fail_bind = EINVAL;
	assert_int_equal(code_of(w, &r), WIRE_CODE_HA_UNSPECIFIED);
	before.last_id = r.f.id;
	expect_denied(w, &r, WIRE_CODE_HA_ID_MISMATCH);
	assert_memory_equal(&find(HA_NODE, NAI_A)->rec, &before, sizeof(before));
	assert_memory_equal(&HA_NODE->row[0], &before, sizeof(before));
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.1").s_addr);
	assert_int_equal(COUNT(handovers), 0);
	later(w, &r);
	HA_NODE->fail_store = EIO;
	assert_int_equal(code_of(w, &r), WIRE_CODE_HA_UNSPECIFIED);
	before.last_id = r.f.id;
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.1").s_addr);
	assert_int_equal(HA_NODE->kernel[0].leg[0].key_out, 0x1000 + PMA1);
	assert_memory_equal(&HA_NODE->row[0], &before, sizeof(before));
	assert_null(sent_by(w, HA, WIRE_REVOKE, 0));

	/* The kernel lost it: made anew at the next renewal. */
	HA_NODE->n_kernel = 0;
	later(w, &r);
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(msg.rrp.home.s_addr, home.s_addr);
	assert_int_equal(HA_NODE->n_kernel, 1);
}

static void test_deregister(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A), reg = r, late;
	struct wire_msg msg;
	struct in_addr home;
	uint32_t key;

	/* Unknown: it is so already, and what it has overtaken doesn't change that. */
	r.f.lifetime = 0;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(msg.rrp.lifetime, 0);
	assert_true(ask(w, &r, &msg));		/* its copy */
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(msg.rrp.ha.s_addr, ip("192.0.2.1").s_addr);
	later(w, &r);
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(n_regs(HA_NODE) + HA_NODE->n_row, 0);
	reg.f.id = r.f.id - 1;
	expect_denied(w, &reg, WIRE_CODE_HA_ID_MISMATCH);

	reg.f.id = r.f.id + 1;
	assert_true(ask(w, &reg, &msg));
	home = msg.rrp.home;
	run(w, SEC);
	r.f.id = ntp_of(HA_NODE);
	r.f.home = home;
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(msg.rrp.lifetime, 0);
	assert_int_equal(msg.rrp.home.s_addr, home.s_addr);
	/* [6245-4.2-8] */
	assert_true(wire_get_gre_key(&msg, &key));
	assert_int_equal(HA_NODE->n_kernel, 0);
	assert_null(find(HA_NODE, NAI_A));

	/* Replays: the registration is refused, the deregistration answered alike. */
	expect_denied(w, &reg, WIRE_CODE_HA_ID_MISMATCH);
	assert_true(ask(w, &r, &msg));
	assert_int_equal(msg.rrp.lifetime, 0);
	assert_memory_equal(sent_by(w, HA, WIRE_RRP, 0)->data, sent_by(w, HA, WIRE_RRP, 2)->data,
			    sent_by(w, HA, WIRE_RRP, 0)->len);
	assert_int_equal(HA_NODE->n_kernel, 0);

	/* A new one gets the same address, although the memory of it is only of its Identification. */
	reg.f.id = ntp_of(HA_NODE) + 5;
	assert_true(ask(w, &reg, &msg));
	assert_int_equal(msg.rrp.home.s_addr, home.s_addr);
	run(w, SEC);
	r.f.id = ntp_of(HA_NODE);
	r.f.home = ip("0.0.0.0");
	assert_int_equal(code_of(w, &r), 0);

	/* The tombstone goes when no replay could pass any more, not sooner. */
	run(w, 7 * SEC);
	assert_int_equal(HA_NODE->n_row, 1);
	run(w, 2 * SEC);
	assert_int_equal(HA_NODE->n_row, 0);
	expect_denied(w, &reg, WIRE_CODE_HA_ID_MISMATCH);

	/* The PMA that was left says so late. */
	register_ok(w, PMA1, NAI_A);
	run(w, SEC);
	register_ok(w, PMA2, NAI_A);
	late = rrq_from(w, PMA1, NAI_A);
	later(w, &late);
	late.f.lifetime = 0;
	late.f.home = home;
	assert_true(ask(w, &late, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(msg.rrp.lifetime, 0);
	assert_int_equal(HA_NODE->n_kernel, 1);
	assert_int_equal(HA_NODE->kernel[0].leg[0].peer.s_addr, ip("198.51.100.2").s_addr);
	assert_int_equal(find(HA_NODE, NAI_A)->rec.lifetime, 600);
	/* Its address wasn't the device's. */
	late.f.home = ip("10.0.0.99");
	later(w, &late);
	expect_denied(w, &late, WIRE_CODE_HA_ADMIN_PROHIBITED);
	/* And without authentication not at all: security.md s6. */
	late.f.home = home;
	late.sa = NULL;
	expect_silence(w, &late);
}

/* What can't be noted is over all the same: the device has left. */
static void test_deregister_store_fails(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);

	r.f.home = register_ok(w, PMA1, NAI_A);
	later(w, &r);
	r.f.lifetime = 0;
	HA_NODE->fail_store = EIO;
	assert_int_equal(code_of(w, &r), 0);
	assert_non_null(strstr(HA_NODE->log, "deregistered, but store: made to fail"));
	assert_int_equal(HA_NODE->n_kernel, 0);
}

static void test_expiry(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A), r2 = rrq_from(w, PMA1, NAI_B);
	unsigned int sent;

	r.f.lifetime = 3;
	assert_int_equal(code_of(w, &r), 0);
	assert_int_equal(code_of(w, &r2), 0);
	sent = w->n_sent;
	run(w, 3 * SEC - 1);
	assert_int_equal(HA_NODE->n_kernel, 2);
	/* As asked for, though more could be granted: [5944-3.4-2] [5944-3.8.2.2-6] */
	run(w, 1);
	/* [5944-3.8.2.2-8] [5944-4.2.3-8] */
	assert_int_equal(HA_NODE->n_kernel, 1);
	assert_null(find(HA_NODE, NAI_A));
	/* [5944-3.8-2] [5944-4.2.3-7] */
	assert_int_equal(w->n_sent, sent);		/* RFC 5944 s3.8: silent */
	assert_int_equal(COUNT(expired), 1);
	/* What registered it can't do so again. */
	expect_denied(w, &r, WIRE_CODE_HA_ID_MISMATCH);
	run(w, 20 * SEC);
	assert_int_equal(HA_NODE->n_row, 1);

	HA_NODE->net[RED].lifetime = WIRE_LIFETIME_INFINITE;
	r2.f.lifetime = WIRE_LIFETIME_INFINITE;
	r2.f.id = ntp_of(HA_NODE);
	assert_int_equal(code_of(w, &r2), 0);
	assert_int_equal(HA_NODE->kernel[0].lifetime, 0);
	assert_true(HA_NODE->row[0].expires_unix == UINT64_MAX);
	run(w, 1000000 * SEC);
	assert_int_equal(HA_NODE->n_kernel, 1);
}

/* Two realms, one HA address, the same home addresses: told apart by key alone. */
static void test_realms(void **state)
{
	struct world *w = *state;
	struct rrq red = rrq_from(w, PMA1, "x@red.example"), blue = rrq_from(w, PMA1, "x@blue.example");
	struct wire_msg msg;
	uint32_t k1, k2;

	red.f.home = blue.f.home = ip("10.0.0.50");
	assert_true(ask(w, &red, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_true(wire_get_gre_key(&msg, &k1));
	blue.key = 0x2000;
	assert_true(ask(w, &blue, &msg));
	assert_int_equal(msg.rrp.code, 0);
	assert_int_equal(msg.rrp.home.s_addr, ip("10.0.0.50").s_addr);
	assert_true(wire_get_gre_key(&msg, &k2));
	assert_int_not_equal(k1, k2);
	assert_int_equal(HA_NODE->n_kernel, 2);
	assert_int_not_equal(HA_NODE->kernel[0].realm, HA_NODE->kernel[1].realm);

	/* Two networks of one realm share its addresses. */
	HA_NODE->net[BLUE].realm = HA_NODE->net[RED].realm;
	HA_NODE->n_kernel = HA_NODE->n_row = 0;
	node_start(HA_NODE);
	red.f.id++;
	blue.f.id++;
	assert_int_equal(code_of(w, &red), 0);
	expect_denied(w, &blue, WIRE_CODE_HA_ADMIN_PROHIBITED);
}

/*
 * Garbage: bits turned over never pass the authenticator, and what is signed
 * by a PMA gone mad never does more than register.
 */
static void test_garbage(void **state)
{
	struct world *w = *state;
	struct rrq r = rrq_from(w, PMA1, NAI_A);
	struct wire_out out, bad;

	rrq_build(&out, &r);
	for (int i = 0; i < 20000; i++) {
		size_t byte = sim_random(w, out.len);

		bad = out;
		bad.buf[byte] ^= 1 + sim_random(w, 255);
		inject(HA_NODE, r.src, r.dst, bad.buf, bad.len);
	}
	assert_int_equal(n_regs(HA_NODE) + HA_NODE->n_row + HA_NODE->n_kernel, 0);
	assert_int_equal(COUNT(accepted), 0);

	for (int i = 0; i < 20000; i++) {
		struct rrq mad = r;

		mad.f.flags = sim_random(w, 256);
		mad.f.lifetime = sim_random(w, 4) ? sim_random(w, 65536) : 0;
		mad.f.home.s_addr = sim_random(w, 2) ? 0 : htonl(0x0a000000 + sim_random(w, 300));
		mad.f.id = ntp_of(HA_NODE) + i;
		mad.sa = NULL;
		rrq_build(&bad, &mad);
		for (size_t n = sim_random(w, 60); n; n--)
			bad.buf[bad.len++] = sim_random(w, 3) ? sim_random(w, 256) : sim_random(w, 4);
		wire_put_auth(&bad, WIRE_EXT_FHAE, r.sa);
		inject(HA_NODE, r.src, r.dst, bad.buf, bad.len);
		assert_true(n_regs(HA_NODE) <= 1 && HA_NODE->n_row <= 1 && HA_NODE->n_kernel <= 1);
	}
	assert_int_equal(HA_NODE->n_clash, 0);
	assert_true(COUNT(accepted) > 10);	/* some of it made sense */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, end_world)
	const struct CMUnitTest tests[] = {
		T(register), T(encapsulation), T(key_encodings), T(services),
		T(service_refused_elsewhere), T(host_config), T(home_address), T(reverse_tunnel), T(pool_exhausted),
		T(pool_ranges), T(broadcast), T(address_hold), T(address_hold_one),
		T(max_registrations), T(truncated), T(authentication), T(uncovered), T(extensions),
		T(revocation_support), T(denials), T(identification), T(duplicate), T(pending), T(half_done),
		T(pending_handover), T(bind_fails), T(deregister), T(deregister_store_fails), T(expiry), T(realms),
		T(garbage),
	};

	return cmocka_run_group_tests_name("core: home agent", tests, NULL, NULL);
}
