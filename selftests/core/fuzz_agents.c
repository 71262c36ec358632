// SPDX-License-Identifier: GPL-2.0-only
/*
 * HA and PMAs driven by bytes, in the world of sim.h. Bytes choose what the
 * agents are configured as, then what happens: devices come and go, agents
 * die, kernels and stores fail, the network loses, and messages arrive that
 * were seen before, changed in some bytes, or are put together from parts;
 * most with a right authenticator, so that they get behind the first checks.
 * Whatever it is: sim.c checks all that is asked of a kernel, an HA never
 * gives one address away twice, and when all is well again and the devices
 * have left, nothing stays.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define OPS_MAX		64	/* of one input */
#define FEW		6	/* devices of each network */
#define STRANGER	"203.0.113.7"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of the input; zeros behind its end. */
struct bytes {
	const uint8_t *p, *end;
};

static uint8_t byte(struct bytes *b)
{
	return b->p < b->end ? *b->p++ : 0;
}

static const char *const addr[] = { "192.0.2.1", "198.51.100.1", "198.51.100.2", "192.0.2.9", STRANGER,
				    "10.0.0.10", "0.0.0.0", "255.255.255.255" };

static struct in_addr any_addr(struct bytes *b)
{
	return ip(addr[byte(b) % 8]);
}

static struct in_addr any_home(struct bytes *b)
{
	uint8_t n = byte(b);

	return n < 16 ? (struct in_addr){ htonl(0x0a000000 + n) } : ip(addr[n % 8]);
}

/* Red, blue, and one that no rule knows. */
static int any_device(struct bytes *b)
{
	uint8_t n = byte(b) % (2 * FEW + 1);

	return n < FEW ? n : n < 2 * FEW ? 256 + n : 512;
}

static struct node *any_node(struct world *w, struct bytes *b)
{
	return &w->node[byte(b) % HA2];	/* without the one that nobody knows */
}

static struct node *any_pma(struct world *w, struct bytes *b)
{
	return &w->node[PMA1 + byte(b) % 2];
}

/* ---- configuration ---- */

static const struct wire_sa mn_sa = { .spi = 0x500, .alg = WIRE_ALG_HMAC_SHA1, .key_len = 20,
				      .key = "of all such devices " };
static const struct wire_sa chap_sa = { .spi = WIRE_SPI_CHAP, .alg = WIRE_ALG_CHAP, .key_len = 16,
					.key = "by their AAA key" };

static void configure(struct node *n, const uint8_t how[4])
{
	static const char *const nais[] = { "*@red.example", "*@blue.example", "020000000001@red.example" };

	for (int i = 0; i < NETWORKS; i++) {
		n->net[i].lifetime = 60;
		n->net[i].bicast = how[0] & 1;
		n->net[i].ask_host = how[3] & 16;
		n->net[i].host.plen = how[3] & 32 ? 24 : 0;
		n->net[i].host.dns[0] = n->net[i].gateway;
		if (how[0] & 2)		/* and no more addresses than that */
			n->net[i].pool[0].last = ip("10.0.0.13");
	}
	n->cfg.clock_probe = how[0] & 4;
	n->cfg.max_registrations = how[0] & 8 ? 4 : 0;
	n->cfg.fha_on_dereg = how[0] >> 4 & 3 ? (how[0] >> 4 & 3) - 1 : CORE_FHA_PMIP;
	n->cfg.handover_grace_ms = how[0] & 64 ? 0 : 2000;
	n->cfg.away_ms = how[0] & 128 ? 0 : 10000;
	for (int i = 0; i < 2; i++) {
		n->peer[i].gre_key = !(how[1] >> i & 1);
		n->peer[i].gre_key_3gpp2 = how[2] & 128;
		n->peer[i].revocation = !(how[1] >> (2 + i) & 1);
		n->peer[i].ipsec = how[1] >> (4 + i) & 1;
		n->peer[i].per_mn = how[1] >> (6 + i) & 1;
	}
	for (int i = 0; i < 3; i++) {
		struct core_mn *mn = &n->mn[i];

		strcpy(mn->nai, nais[i]);
		mn->sa[0] = mn_sa;
		mn->n_sa = 1;
		mn->aaa[0] = mn_sa;
		mn->aaa[1] = chap_sa;
		mn->n_aaa = 2;
	}
	n->mn[2].nonce = how[2] & 4;
	if (how[2] & 8)
		n->mn[2].home = ip("10.0.0.11");
	n->cfg.n_mns = how[2] & 3;
	n->disk = how[2] & 32;
	n->cfg.source_rate = how[2] & 64 ? 4 : 0;
	n->cfg.access_bindings = how[3] % 4;
	n->net[RED].tentative_ms = how[3] & 4 ? 3000 : 0;
	n->net[RED].tentative_back = how[3] & 8;
	n->net[RED].simultaneous = 1 + (how[3] >> 4) % CORE_LEGS_MAX;
	n->cfg.registration_rate = how[2] & 128 ? 4 : 0;
	if (n->index != HA)
		n->skew_us = (int8_t)how[3] * (how[2] & 16 ? 60 : 1) * (int64_t)SEC / 16;
	node_start(n);
}

/* ---- messages ---- */

static const struct wire_sa *sa_between(const struct world *w, struct in_addr a, struct in_addr b)
{
	const struct in_addr pma2 = w->node[PMA2].cfg.care_of;

	return sa_of(a.s_addr == pma2.s_addr || b.s_addr == pma2.s_addr ? PMA2 : PMA1);
}

static void put_id(struct world *w, struct bytes *b, uint8_t *at)
{
	static const int32_t ms[] = { 0, 0, 1, -1000, 5000, -8000, 9000, -3600000 };
	const int64_t off = ms[byte(b) % 8];
	uint64_t id = ntp_of(&w->node[HA]) + off * (1LL << 32) / 1000 + sim_random(w, 1000);

	for (int i = 0; i < 8; i++)
		at[i] = id >> (56 - 8 * i);
}

/* Something that was sent before. */
static const struct sent *any_sent(struct world *w, struct bytes *b)
{
	unsigned int n = w->n_sent < SENT_MAX ? w->n_sent : SENT_MAX, back = byte(b);

	return n ? &w->sent[(w->n_sent - 1 - back % n) % SENT_MAX] : NULL;
}

static void deliver(struct world *w, struct in_addr src, struct in_addr dst, const uint8_t *data, size_t len)
{
	char from[INET_ADDRSTRLEN], to[INET_ADDRSTRLEN];
	struct node *n = &w->node[HA];

	inet_ntop(AF_INET, &src, from, sizeof(from));
	inet_ntop(AF_INET, &dst, to, sizeof(to));
	for (int i = PMA1; i <= PMA2; i++)
		if (w->node[i].cfg.care_of.s_addr == dst.s_addr)
			n = &w->node[i];
	inject(n, from, to, data, len);
}

/* Once more, with some bytes changed, and a new authenticator behind them if that is to be. */
static void again(struct world *w, struct bytes *b)
{
	static const uint8_t id_at[256] = { [WIRE_RRQ] = 16, [WIRE_RRP] = 12 };
	const struct sent *s = any_sent(w, b);
	struct in_addr src, dst;
	struct wire_out out;
	struct wire_msg msg;
	uint8_t how = byte(b);

	if (!s)
		return;
	src = how & 1 ? any_addr(b) : s->src;
	dst = how & 2 ? any_addr(b) : s->dst;
	memcpy(out.buf, s->data, s->len);
	out.len = s->len;
	out.failed = false;
	misplace(&out);
	if (how & 4 && !wire_parse(s->data, s->len, &msg) && wire_find(&msg, WIRE_EXT_FHAE, 0))
		out.len = wire_find(&msg, WIRE_EXT_FHAE, 0)->off;
	if (how & 8 && id_at[s->data[0]])
		put_id(w, b, out.buf + id_at[s->data[0]]);
	for (int i = how >> 4 & 3; i > 0; i--) {
		uint8_t at = byte(b);

		out.buf[at % out.len] = byte(b);
	}
	if (how & 64)
		out.len -= byte(b) % out.len;
	if (how & 4)
		wire_put_auth(&out, WIRE_EXT_FHAE, sa_between(w, s->src, s->dst));
	deliver(w, src, dst, out.buf, out.len);
}

static void put_extension(const struct world *w, struct bytes *b, struct wire_out *out, const struct wire_sa *sa)
{
	uint8_t kind = byte(b), data[16];
	char nai[64];

	misplace(out);
	switch (kind % 16) {
	case 9:
		wire_put_gre_key_3gpp2(out, byte(b));
		break;
	case 0:
		wire_put_nai(out, nai_of(any_device(b), nai));
		break;
	case 1:
		wire_put_pmip_method(out, byte(b) % 4);
		break;
	case 2:
		wire_put_gre_key(out, byte(b));
		break;
	case 3:
		wire_put_revsup(out, byte(b) << 8, 0xe8000000 + byte(b));
		break;
	case 4:
		wire_put_access_tech(out, byte(b));
		break;
	case 5:
		wire_put_auth(out, WIRE_EXT_MHAE, &mn_sa);
		break;
	case 6:
		wire_put_auth(out, WIRE_EXT_GAE, byte(b) & 1 ? &chap_sa : &mn_sa);
		break;
	case 7:
		wire_put_auth(out, WIRE_EXT_FHAE, sa);
		break;
	case 10:
		wire_put_host_request(out);
		break;
	case 11:
		wire_put_host_config(out, &w->node[HA].net[RED].host);
		break;
	case 8:
		wire_put_ext(out, WIRE_EXT_CHALLENGE, 0, "challenge", 9);
		break;
	default:
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = i < 4 ? byte(b) : 0;
		wire_put_ext(out, byte(b), byte(b), data, byte(b) % (sizeof(data) + 1));
	}
}

static void put_fixed(struct world *w, struct bytes *b, struct wire_out *out)
{
	static const uint16_t lifetime[] = { 0, 1, 30, 60, 61, 600, 65534, 65535 };
	struct wire_rrq rrq = { .flags = WIRE_RRQ_T | WIRE_RRQ_G };
	struct wire_revoke revoke = { 0 };
	struct wire_revoke_ack ack = { 0 };
	struct wire_rrp rrp = { 0 };

	switch (byte(b) % 4) {
	case 0:
		rrq.flags ^= byte(b);
		rrq.lifetime = lifetime[byte(b) % 8];
		rrq.home = any_home(b);
		rrq.ha = any_addr(b);
		rrq.coa = any_addr(b);
		wire_put_rrq(out, &rrq);
		put_id(w, b, out->buf + 16);
		break;
	case 1:
		rrp.code = byte(b);
		rrp.lifetime = lifetime[byte(b) % 8];
		rrp.home = any_home(b);
		rrp.ha = any_addr(b);
		wire_put_rrp(out, &rrp);
		put_id(w, b, out->buf + 12);
		break;
	case 2:
		revoke.flags = byte(b) << 8;
		revoke.home = any_home(b);
		revoke.ha = any_addr(b);
		revoke.coa = any_addr(b);
		revoke.id = (ntp_of(&w->node[HA]) >> 32) + (int8_t)byte(b);
		wire_put_revoke(out, &revoke);
		break;
	default:
		ack.flags = byte(b) << 8;
		ack.home = any_home(b);
		ack.id = (ntp_of(&w->node[HA]) >> 32) + (int8_t)byte(b);
		wire_put_revoke_ack(out, &ack);
	}
}

/* From its parts. */
static void build(struct world *w, struct bytes *b)
{
	struct in_addr src = any_addr(b), dst = any_addr(b);
	const struct wire_sa *sa = sa_between(w, src, dst);
	struct wire_out out, before;
	uint8_t how = byte(b);

	put_fixed(w, b, &out);
	for (int i = how % 8; i > 0; i--) {
		before = out;
		put_extension(w, b, &out, sa);
		if (out.failed)		/* has no place there, or a length that isn't its own */
			out = before;
	}
	if (how & 8)
		wire_put_auth(&out, WIRE_EXT_FHAE, sa);
	deliver(w, src, dst, out.buf, out.len);
}

static void raw(struct world *w, struct bytes *b)
{
	struct in_addr src = any_addr(b), dst = any_addr(b);
	size_t len = byte(b);

	if (len > (size_t)(b->end - b->p))
		len = b->end - b->p;
	deliver(w, src, dst, b->p, len);
	b->p += len;
}

/* ---- what happens ---- */

static void pass(struct world *w, struct bytes *b)
{
	static const uint64_t unit[] = { MSEC, 10 * MSEC, 100 * MSEC, SEC, 10 * SEC };

	run(w, unit[byte(b) % 5] * (1 + byte(b) % 16));
}

static void arrive(struct world *w, struct bytes *b)
{
	struct node *n = any_pma(w, b);
	int dev = any_device(b);
	uint8_t how = byte(b), home = byte(b);
	char hint[INET_ADDRSTRLEN];

	snprintf(hint, sizeof(hint), "10.0.0.%u", home);
	n->dev[dev & 255].away = false;
	attach(n, dev, 3 + (how >> 3 & 1), how % CORE_TRIGGER_MAX, how & 16 ? hint : NULL);
	run(w, 0);
}

/* By the operator: one device, those with one peer, or all. */
static void withdraw(struct node *n, int dev, uint8_t how)
{
	struct core_event ev = { .type = CORE_EV_REVOKE };
	char nai[64];

	if (how % 4 == 0)
		ev.revoke.all = true;
	else if (how % 4 == 1)
		ev.revoke.peer = n->peer[how >> 2 & 1].addr;
	else
		ev.revoke.nai = nai_of(dev, nai);
	event(n, &ev);
}

static void leave(struct world *w, struct bytes *b)
{
	struct node *n = any_pma(w, b);
	int dev = any_device(b);
	uint8_t how = byte(b);

	if (how & 64) {
		withdraw(how & 128 ? &w->node[HA] : n, dev, how);
		return;
	}
	n->dev[dev & 255].away = how & 32;
	detach(n, dev, how & 8 ? 3 + (how >> 4 & 1) : 0, how % 5);
	run(w, 0);
}

static void disturb(struct world *w, struct bytes *b)
{
	static const uint8_t cut[] = { 0, WIRE_RRQ, WIRE_RRP, WIRE_REVOKE, WIRE_REVOKE_ACK };

	w->loss = byte(b) * 4;
	w->dup = byte(b) * 4;
	w->jitter = byte(b) * 4 * MSEC;
	w->cut = cut[byte(b) % 5];
}

static void spoil(struct world *w, struct bytes *b)
{
	static const int error[] = { 0, EEXIST, ENOMEM, ENOSPC, EIO, ENODEV, ENOENT, E2BIG };
	struct node *n = any_node(w, b);

	n->fail_bind = error[byte(b) % 8];
	n->fail_store = error[byte(b) % 8];
}

static void die(struct world *w, struct bytes *b)
{
	struct node *n = any_node(w, b);

	n->last_effects = 1 + byte(b) % 4;
}

static void restart(struct world *w, struct bytes *b)
{
	struct node *n = any_node(w, b);

	n->step_us = (int8_t)byte(b) * 60 * (int64_t)SEC;
	n->hold = false;
	node_restart(n);
}

static void hold(struct world *w, struct bytes *b)
{
	struct node *n = any_node(w, b);

	if (n->hold)
		release(n);
	else
		n->hold = true;
}

static void (*const ops[])(struct world *w, struct bytes *b) = {
	pass, arrive, leave, disturb, spoil, die, restart, hold, again, build, raw,
};

/* ---- what holds ---- */

static void check(const struct world *w)
{
	const struct node *ha = &w->node[HA];

	assert_int_equal(ha->n_taken, 0);
	for (size_t i = 0; i < ha->n_kernel; i++)
		for (size_t j = 0; j < i; j++)
			assert_false(ha->kernel[i].realm == ha->kernel[j].realm &&
				     ha->kernel[i].home.s_addr == ha->kernel[j].home.s_addr);
}

/* All is well again, and everybody leaves. */
static void end(struct world *w)
{
	w->loss = w->dup = w->jitter = w->cut = 0;
	for (int i = 0; i < NODES; i++) {
		struct node *n = &w->node[i];

		n->fail_bind = n->fail_store = 0;
		if (n->dead || n->last_effects)
			node_restart(n);
		release(n);
		for (int dev = 0; i != HA && dev < 2 * FEW; dev++)
			detach(n, dev < FEW ? dev : 256 + dev, 0, CORE_DETACH_RELEASE);
	}
	run(w, 200 * SEC);
	check(w);
	/* A row that a bad disk has kept goes with the next life, as all of them have expired. */
	for (int i = 0; i < NODES; i++)
		if (w->node[i].n_lost)
			node_restart(&w->node[i]);
	run(w, 200 * SEC);
	for (int i = 0; i < NODES; i++) {
		struct node *n = &w->node[i];

		assert_int_equal(n->n_kernel, 0);
		assert_int_equal(n->n_row, 0);
		assert_int_equal(n_regs(n), 0);
		assert_int_equal(core_next(n->core), 0);
	}
}

/* A failed assertion is outside of any test of cmocka's: it shall leave a core, not a status. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return setenv("CMOCKA_TEST_ABORT", "1", 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { data, data + size };
	struct world *w = world_new(1);
	uint8_t how[4];

	for (int i = 0; i < 4; i++)
		how[i] = byte(&b);
	for (int i = 0; i < NODES; i++)
		configure(&w->node[i], how);
	for (int i = 0; i < OPS_MAX && b.p < b.end; i++) {
		ops[byte(&b) % (sizeof(ops) / sizeof(ops[0]))](w, &b);
		check(w);
	}
	end(w);
	world_free(w);
	return 0;
}
