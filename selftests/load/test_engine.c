// SPDX-License-Identifier: GPL-2.0-only
/*
 * mip4load's engine against our own home agent: what it counts is what happened, it keeps to the RFCs' paces, what was
 * acknowledged and got lost is found, and a slow home agent can't hide behind it.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"
#include "load/engine.h"

#define DEVICES_MAX	200
#define N_PMAS		2
#define WAY_US		(5 * MSEC)	/* from the HA to a PMA */
#define AGENT		(&b->w->node[HA])

struct letter {
	uint64_t at;
	unsigned int pma;
	size_t len;
	uint8_t data[WIRE_MSG_MAX];
};

struct bench {
	struct world *w;
	struct load_config cfg;
	struct load_pma pmas[N_PMAS];
	struct load_now now;
	struct engine *engine;
	struct letter *post;
	unsigned int n_post, room_post, seen;
	unsigned int lose;		/* per 1000, each way */
	uint64_t deaf_from, deaf_until;	/* the HA answers what comes then at its end */
	void (*fake)(struct bench *b, unsigned int pma, const struct wire_msg *msg);	/* in place of our HA */
	uint64_t last_sent[DEVICES_MAX], shortest_gap;
	struct in_addr last_coa[DEVICES_MAX];
	uint32_t last_key[DEVICES_MAX];
	unsigned int n_sent, n_acks;
};

static const char *const care_of[N_PMAS] = { "198.51.100.1", "198.51.100.2" };

static void post(struct bench *b, unsigned int pma, const uint8_t *data, size_t len)
{
	uint64_t at = b->w->now + WAY_US;

	if (sim_random(b->w, 1000) < b->lose)
		return;
	if (b->w->now >= b->deaf_from && at < b->deaf_until)
		at = b->deaf_until;
	if (b->n_post == b->room_post) {
		b->room_post = b->room_post ? b->room_post * 2 : 64;
		b->post = realloc(b->post, b->room_post * sizeof(*b->post));
		assert_non_null(b->post);
	}
	b->post[b->n_post] = (struct letter){ .at = at, .pma = pma, .len = len };
	memcpy(b->post[b->n_post++].data, data, len);
}

/* What the HA has said since. */
static void collect(struct bench *b)
{
	assert_true(b->w->n_sent - b->seen <= SENT_MAX);
	for (; b->seen != b->w->n_sent; b->seen++) {
		const struct sent *s = &b->w->sent[b->seen % SENT_MAX];

		if (s->from == HA)
			post(b, s->dst.s_addr == ip(care_of[1]).s_addr, s->data, s->len);
	}
}

/* RFC 5944 s3.6: a second between two requests. Another PMA is another registration, and has another GRE key. */
static void watch_request(struct bench *b, const struct wire_msg *msg)
{
	char nai[WIRE_NAI_MAX + 1];
	unsigned int device;
	uint32_t key;
	uint64_t gap;

	assert_true(wire_get_nai(msg, nai));
	assert_true(wire_get_gre_key(msg, &key));
	assert_int_equal(sscanf(nai, "d%u@red.example", &device), 1);
	assert_true(device < DEVICES_MAX);
	gap = b->w->now - b->last_sent[device];
	if (b->last_sent[device] && gap < b->shortest_gap)
		b->shortest_gap = gap;
	if (b->last_sent[device] && b->last_coa[device].s_addr != msg->rrq.coa.s_addr)
		assert_int_not_equal(key, b->last_key[device]);
	b->last_sent[device] = b->w->now;
	b->last_coa[device] = msg->rrq.coa;
	b->last_key[device] = key;
}

static void sent(void *arg, unsigned int pma, uint16_t dport, const struct wire_out *out)
{
	struct bench *b = arg;
	struct wire_msg msg;

	assert_false(out->failed);
	assert_int_equal(dport, WIRE_PORT);
	assert_int_equal(wire_parse(out->buf, out->len, &msg), WIRE_OK);
	if (msg.type == WIRE_RRQ)
		watch_request(b, &msg);
	else
		b->n_acks++;
	b->n_sent++;
	if (sim_random(b->w, 1000) < b->lose)
		return;
	if (b->fake)
		b->fake(b, pma, &msg);
	else if (AGENT->core)
		inject(AGENT, care_of[pma], "192.0.2.1", out->buf, out->len);
	collect(b);
}

static void set_now(struct bench *b)
{
	b->now.us = 1000 * SEC + b->w->now;
	b->now.ntp = ntp_of(AGENT);
}

static void deliver_post(struct bench *b)
{
	for (unsigned int i = 0; i < b->n_post;) {
		struct letter letter = b->post[i];

		if (letter.at > b->w->now) {
			i++;
			continue;
		}
		memmove(b->post + i, b->post + i + 1, (--b->n_post - i) * sizeof(*b->post));
		engine_datagram(b->engine, &b->now, letter.pma, ip("192.0.2.1"), WIRE_PORT, letter.data, letter.len);
		i = 0;
	}
}

/* Up to @until (world's time), or the end. */
static void play(struct bench *b, uint64_t until)
{
	uint64_t next;

	while ((next = engine_next(b->engine)) && b->w->now < until) {
		uint64_t at = next > 1000 * SEC + b->w->now ? next - 1000 * SEC : b->w->now;
		uint64_t ha = AGENT->core ? core_next(AGENT->core) : 0;

		for (unsigned int i = 0; i < b->n_post; i++)
			if (b->post[i].at < at)
				at = b->post[i].at;
		if (ha && ha < 1000 * SEC + at)
			at = ha > 1000 * SEC + b->w->now ? ha - 1000 * SEC : b->w->now;
		if (at > until)
			at = until;
		run(b->w, at - b->w->now);
		collect(b);
		set_now(b);
		deliver_post(b);
		engine_tick(b->engine, &b->now);
	}
}

static void begin(struct bench *b)
{
	set_now(b);
	b->engine = engine_new(&b->cfg, &b->now, sent, b);
	assert_non_null(b->engine);
	b->seen = b->w->n_sent;
}

static const struct load_stats *play_all(struct bench *b)
{
	begin(b);
	play(b, UINT64_MAX);
	return engine_stats(b->engine);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->w = world_new(1);
	for (int i = PMA1; i <= PMA2; i++) {
		core_free(b->w->node[i].core);		/* we are the PMAs */
		b->w->node[i].core = NULL;
		b->pmas[i - PMA1] = (struct load_pma){ .addr = ip(care_of[i - PMA1]), .sa = *sa_of(i) };
	}
	b->shortest_gap = UINT64_MAX;
	b->cfg = (struct load_config){
		.ha = ip("192.0.2.1"), .pmas = b->pmas, .n_pmas = N_PMAS, .fha = true, .devices = 90,
		.nai_head = "d", .nai_tail = "@red.example", .mix = { 10, 60, 20, 10 }, .rate = 40,
		.duration_us = 30 * SEC, .lifetime = 600, .gre_key = true, .revocation = true, .tries = 5, .seed = 1,
	};
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	if (b->engine)
		engine_free(b->engine);
	world_free(b->w);
	free(b->post);
	free(b);
	return 0;
}

static uint64_t begun(const struct load_stats *s)
{
	uint64_t n = 0;

	for (int i = 0; i < LOAD_MIX; i++)
		n += s->op[i].n;
	return n;
}

static void assert_nothing_wrong(const struct load_stats *s)
{
	assert_false(load_failed(s));
	assert_int_equal(load_lost(s), 0);
	assert_int_equal(s->unauthentic + s->malformed + s->wrong_source, 0);
	assert_int_equal(s->no_nai + s->no_method + s->lifetime_raised + s->bad_identification, 0);
	assert_int_equal(s->revocations_refused, 0);
}

static void test_mix(void **state)
{
	struct bench *b = *state;
	const struct load_stats *s = play_all(b);

	assert_nothing_wrong(s);
	assert_int_equal(begun(s), 40 * 30);
	for (int i = 0; i < LOAD_OP_MAX; i++) {
		const struct load_op_stats *op = &s->op[i];

		assert_true(op->n > 0);
		assert_int_equal(op->accepted, op->n);
		assert_int_equal(op->denied + op->timed_out, 0);
		assert_int_equal(op->time.n, op->n);
		assert_in_range(hist_at(&op->time, 500), WAY_US, WAY_US + WAY_US / 100);
	}
	assert_int_equal(s->code[0], s->sent);
	assert_int_equal(s->retransmitted + s->resynchronised + s->timed_out + s->late, 0);
	assert_true(b->shortest_gap >= SEC);
	/* Each that was left was told so once, and heard: the HA waits for no acknowledgment. */
	assert_int_equal(core_counters(AGENT->core)->handovers, s->op[LOAD_HANDOVER].n);
	assert_int_equal(s->revocations, b->n_acks);
	assert_true(s->revocations > s->op[LOAD_HANDOVER].n * 9 / 10);
	assert_int_equal(core_counters(AGENT->core)->retransmitted, 0);
	assert_int_equal(s->revoked, 0);
	/* All that were bound were found, and are gone. */
	assert_int_equal(s->checked, s->bound);
	assert_int_equal(s->op[LOAD_LEAVE].n, s->bound);
	assert_int_equal(n_regs(AGENT), 0);
}

static void test_keep(void **state)
{
	struct bench *b = *state;
	const struct load_stats *s;

	b->cfg.keep = true;
	s = play_all(b);
	assert_nothing_wrong(s);
	assert_int_equal(s->op[LOAD_LEAVE].n, 0);
	assert_int_equal(n_regs(AGENT), s->bound);
}

/*
 * Two seconds of silence in thirty: who measures from when it could send sees one slow answer; here all that were due
 * meanwhile are slow, and none the fewer.
 */
static void test_no_coordinated_omission(void **state)
{
	struct bench *b = *state;
	const struct load_stats *s;
	uint64_t slow = 0;

	b->cfg.tries = 1;
	b->cfg.mix[LOAD_RENEW] = b->cfg.mix[LOAD_HANDOVER] = b->cfg.mix[LOAD_DEREGISTER] = 0;
	b->cfg.devices = 100;
	b->cfg.rate = 40;
	b->cfg.duration_us = 2 * SEC;
	b->deaf_from = 500 * MSEC;
	b->deaf_until = 1400 * MSEC;
	s = play_all(b);
	assert_nothing_wrong(s);
	assert_int_equal(s->op[LOAD_ATTACH].n, 80);
	for (uint64_t us = 25 * MSEC; us <= 900 * MSEC; us += 25 * MSEC)
		slow++;		/* each that was due in the 900 ms */
	assert_in_range(s->op[LOAD_ATTACH].time.max, 890 * MSEC, 901 * MSEC);
	/* So many are slower than the others. */
	assert_in_range(hist_at(&s->op[LOAD_ATTACH].time, 1000 - slow * 1000 / 80 + 30), 6 * MSEC, 900 * MSEC);
	assert_in_range(hist_at(&s->op[LOAD_ATTACH].time, 500), WAY_US, WAY_US + WAY_US / 50);
	assert_in_range(s->lag.max, 0, 1000);
}

/* More asked for than devices can say in their second: what waits for them counts as its time. */
static void test_starved(void **state)
{
	struct bench *b = *state;
	const struct load_stats *s;

	b->cfg.devices = 20;
	b->cfg.duration_us = 5 * SEC;
	s = play_all(b);
	assert_nothing_wrong(s);
	assert_in_range(begun(s), 90, 120);
	assert_int_equal(begun(s) + s->unbegun, 40 * 5);
	assert_int_equal(s->lag.n, 40 * 5);
	assert_true(s->lag.max > SEC);
	assert_true(hist_at(&s->op[LOAD_RENEW].time, 900) > SEC);
	assert_true(b->shortest_gap >= SEC);
}

static void test_loss(void **state)
{
	struct bench *b = *state;
	const struct load_stats *s;

	b->lose = 200;
	b->cfg.rate = 15;
	b->cfg.duration_us = 60 * SEC;
	b->cfg.tries = 7;
	s = play_all(b);
	assert_nothing_wrong(s);
	assert_true(s->retransmitted > 200);
	assert_true(b->shortest_gap >= SEC);
	assert_in_range(s->op[LOAD_RENEW].time.max, 3 * SEC, 128 * SEC);
}

/* 1, 2, 4, 8 s apart, then nothing more. */
static void test_backoff(void **state)
{
	static const unsigned int seconds[] = { 0, 1, 3, 7, 15 };
	struct bench *b = *state;
	const struct load_stats *s;

	b->lose = 1000;
	b->cfg.devices = 1;
	b->cfg.rate = 1;
	b->cfg.duration_us = SEC;
	begin(b);
	for (unsigned int i = 0; i < 5; i++) {
		play(b, seconds[i] * SEC + 10 * MSEC);
		assert_int_equal(b->n_sent, i + 1);
		play(b, (i < 4 ? seconds[i + 1] : 31) * SEC - 10 * MSEC);
		assert_int_equal(b->n_sent, i + 1);
	}
	s = engine_stats(b->engine);
	assert_int_equal(s->timed_out, 0);
	play(b, 31 * SEC + 10 * MSEC);
	assert_int_equal(s->timed_out, 1);
	play(b, UINT64_MAX);
	assert_int_equal(b->n_sent, 5);
	assert_int_equal(s->retransmitted, 4);
	/* Nothing was ever accepted: that is no result. */
	assert_true(load_failed(s));
}

static void test_resynchronisation(void **state)
{
	static const int error_s[] = { 100, -100, 86400 * 365 };

	for (int i = 0; i < 3; i++) {
		const struct load_stats *s;
		struct bench *b;

		setup(state);
		b = *state;
		b->cfg.clock_error_s = error_s[i];
		s = play_all(b);
		assert_nothing_wrong(s);
		assert_true(s->resynchronised >= N_PMAS);
		assert_int_equal(s->code[133], s->resynchronised);
		assert_int_equal(s->code[0], s->sent - s->resynchronised);
		assert_int_equal(s->op[LOAD_ATTACH].denied + s->timed_out + s->retransmitted, 0);
		assert_true(b->shortest_gap >= SEC);
		/* It counts as the time of who asked, and they are few. */
		assert_in_range(s->op[LOAD_ATTACH].time.max, SEC, 2 * SEC);
		assert_true(s->resynchronised < 10);
		teardown(state);
	}
}

static void test_wrong_key(void **state)
{
	struct bench *b = *state;
	const struct load_stats *s;

	b->cfg.duration_us = 3 * SEC;
	b->cfg.tries = 2;
	b->pmas[0].sa.key[0] ^= 1;
	b->pmas[1].sa.key[0] ^= 1;
	s = play_all(b);
	/* The HA says 132 now and then, by its key, which isn't ours. */
	assert_true(s->unauthentic > 0);
	assert_int_equal(s->code[0] + s->code[132], 0);
	assert_int_equal(s->op[LOAD_ATTACH].accepted, 0);
	assert_int_equal(s->op[LOAD_ATTACH].timed_out, s->op[LOAD_ATTACH].n);
	assert_true(load_failed(s));
}

static void test_denied(void **state)
{
	struct bench *b = *state;
	const struct load_stats *s;

	AGENT->cfg.max_registrations = 10;
	node_start(AGENT);
	b->cfg.mix[LOAD_DEREGISTER] = 0;
	s = play_all(b);
	assert_nothing_wrong(s);
	assert_int_equal(s->bound, 10);
	assert_true(s->code[130] > 0);
	assert_int_equal(s->op[LOAD_ATTACH].denied, s->code[130]);
	assert_int_equal(s->op[LOAD_ATTACH].accepted, 10);
}

/* ---- what was acknowledged and is lost ---- */

static void forget_all(struct bench *b)
{
	AGENT->n_row = AGENT->n_kernel = 0;
	node_start(AGENT);
}

static const struct load_stats *lose_in_the_end(struct bench *b, void (*harm)(struct bench *b))
{
	b->cfg.mix[LOAD_RENEW] = b->cfg.mix[LOAD_HANDOVER] = b->cfg.mix[LOAD_DEREGISTER] = 0;
	b->cfg.devices = 50;
	b->cfg.rate = 50;
	b->cfg.duration_us = 3 * SEC;
	begin(b);
	play(b, 2900 * MSEC);
	assert_int_equal(engine_stats(b->engine)->op[LOAD_ATTACH].accepted, 50);
	harm(b);
	play(b, UINT64_MAX);
	assert_int_equal(engine_stats(b->engine)->bound, 50);
	return engine_stats(b->engine);
}

static void forget_and_be_full(struct bench *b)
{
	AGENT->cfg.max_registrations = 20;
	forget_all(b);
}

static void test_lost_denied(void **state)
{
	const struct load_stats *s = lose_in_the_end(*state, forget_and_be_full);

	/* The other 20 it takes for new ones, with the address that they had or another one. */
	assert_int_equal(s->lost_denied, 30);
	assert_int_equal(load_lost(s), 30 + s->lost_moved);
	assert_true(*s->lost_first);
	assert_true(load_failed(s));
}

static void forget_and_move(struct bench *b)
{
	AGENT->net[RED].pool[0].first = ip("10.0.0.110");
	AGENT->net[RED].pool[0].last = ip("10.0.0.209");
	forget_all(b);
}

static void test_lost_moved(void **state)
{
	const struct load_stats *s = lose_in_the_end(*state, forget_and_move);

	assert_int_equal(s->lost_moved, 50);
	assert_int_equal(load_lost(s), 50);
	assert_true(load_failed(s));
}

static void die(struct bench *b)
{
	core_free(AGENT->core);
	AGENT->core = NULL;
}

static void test_lost_silent(void **state)
{
	const struct load_stats *s = lose_in_the_end(*state, die);

	assert_int_equal(s->lost_silent, 50);
	assert_int_equal(load_lost(s), 50);
	assert_true(load_failed(s));
}

/* No end of a lifetime is a loss. */
static void test_expiry(void **state)
{
	struct bench *b = *state;
	const struct load_stats *s;

	b->cfg.lifetime = 5;
	b->cfg.rate = 5;
	b->cfg.mix[LOAD_ATTACH] = 100;
	b->cfg.duration_us = 60 * SEC;
	s = play_all(b);
	assert_nothing_wrong(s);
	assert_true(s->expired > 10);
}

/* ---- home agents that aren't ours ---- */

static void answer(struct bench *b, unsigned int pma, const struct wire_msg *msg, const char *home, unsigned int omit)
{
	struct wire_rrp rrp = { .lifetime = msg->rrq.lifetime, .home = ip(home), .ha = b->cfg.ha, .id = msg->rrq.id };
	struct wire_out out = { .len = 0 };
	char nai[WIRE_NAI_MAX + 1];

	if (omit & REPLY_LIFETIME)
		rrp.lifetime++;
	if (omit & REPLY_IDENTIFICATION)
		rrp.id ^= 1ULL << 40;
	wire_put_rrp(&out, &rrp);
	if (!(omit & REPLY_NO_NAI) && wire_get_nai(msg, nai))
		wire_put_nai(&out, nai);
	if (!(omit & REPLY_NO_METHOD))
		wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	wire_put_auth(&out, WIRE_EXT_FHAE, &b->pmas[pma].sa);
	post(b, pma, out.buf, out.len);
}

static void one_for_all(struct bench *b, unsigned int pma, const struct wire_msg *msg)
{
	answer(b, pma, msg, "10.0.0.77", 0);
}

static void test_lost_shared(void **state)
{
	struct bench *b = *state;
	const struct load_stats *s;

	b->fake = one_for_all;
	b->cfg.devices = 40;
	b->cfg.mix[LOAD_DEREGISTER] = 0;
	s = play_all(b);
	assert_int_equal(s->bound, 40);
	assert_int_equal(s->lost_shared, 39);
	assert_true(load_failed(s));
	assert_non_null(strstr(s->lost_first, "10.0.0.77"));
}

static void all_faults(struct bench *b, unsigned int pma, const struct wire_msg *msg)
{
	answer(b, pma, msg, "10.0.0.77", msg->rrq.lifetime ? ~0U : 0);
}

static void test_faults(void **state)
{
	struct bench *b = *state;
	const struct load_stats *s;

	b->fake = all_faults;
	b->cfg.devices = 1;
	b->cfg.rate = 1;
	b->cfg.duration_us = SEC;
	s = play_all(b);
	/* To the attachment and the check: [5944-3.8.2.2-2] */
	assert_int_equal(s->lifetime_raised, 2);
	assert_int_equal(s->no_nai, 2);
	assert_int_equal(s->no_method, 2);
	assert_int_equal(s->bad_identification, 2);
}

static void each_its_own(struct bench *b, unsigned int pma, const struct wire_msg *msg)
{
	char nai[WIRE_NAI_MAX + 1], home[32];

	assert_true(wire_get_nai(msg, nai));
	snprintf(home, sizeof(home), "10.0.1.%d", atoi(nai + 1));
	answer(b, pma, msg, home, REPLY_NO_NAI);
}

/* Where replies have no NAI, only Identifications tell whose they are, also of requests of one microsecond. */
static void test_no_nai(void **state)
{
	struct bench *b = *state;
	const struct load_stats *s;

	b->fake = each_its_own;
	b->cfg.rate = 4000000;
	b->cfg.duration_us = 100;
	s = play_all(b);
	assert_int_equal(s->op[LOAD_ATTACH].accepted, b->cfg.devices);
	assert_int_equal(s->no_nai, s->sent);
	assert_int_equal(load_lost(s), 0);
}

/* ---- devices with keys of their own ---- */

static void test_per_mn(void **state)
{
	static const struct wire_sa key = {
		.spi = 0x900, .alg = WIRE_ALG_HMAC_MD5, .key_len = 16, .key = "red red red red ",
	};
	struct bench *b = *state;
	const struct load_stats *s;

	strcpy(AGENT->mn[0].nai, "*@red.example");
	AGENT->mn[0].sa[0] = key;
	AGENT->mn[0].n_sa = 1;
	AGENT->cfg.n_mns = 1;
	AGENT->peer[0].per_mn = AGENT->peer[1].per_mn = true;
	node_start(AGENT);
	b->cfg.per_mn = true;
	b->cfg.mn = key;
	s = play_all(b);
	assert_nothing_wrong(s);
	assert_int_equal(s->code[0], s->sent);

	/* By another key it is nobody. */
	engine_free(b->engine);
	b->cfg.mn.key[0] ^= 1;
	b->cfg.duration_us = 2 * SEC;
	b->cfg.tries = 1;
	s = play_all(b);
	assert_true(load_failed(s));
	assert_int_equal(s->code[0], 0);
}

/* The HA's administrator takes a device away: that is no loss, and it can attach again. */
static void test_revoked(void **state)
{
	struct bench *b = *state;
	const struct load_stats *s;
	struct wire_out out;
	struct rrq r;

	b->cfg.devices = 1;
	b->cfg.rate = 1;
	b->cfg.duration_us = 10 * SEC;
	b->cfg.mix[LOAD_RENEW] = b->cfg.mix[LOAD_HANDOVER] = b->cfg.mix[LOAD_DEREGISTER] = 0;
	begin(b);
	play(b, 2 * SEC);
	s = engine_stats(b->engine);
	assert_int_equal(s->op[LOAD_ATTACH].n, 1);
	/* As if it had moved to a PMA that isn't ours. */
	r = rrq_from(b->w, find(AGENT, "d0@red.example")->rec.coa.s_addr == ip(care_of[0]).s_addr ? PMA2 : PMA1,
		     "d0@red.example");
	rrq_build(&out, &r);
	inject(AGENT, r.src, r.dst, out.buf, out.len);
	play(b, 9 * SEC);
	assert_int_equal(s->revoked, 1);
	assert_true(s->op[LOAD_ATTACH].n > 1);
	play(b, UINT64_MAX);
	assert_nothing_wrong(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(mix), TEST(keep), TEST(no_coordinated_omission), TEST(starved), TEST(loss), TEST(backoff),
		cmocka_unit_test(test_resynchronisation), TEST(wrong_key), TEST(denied), TEST(lost_denied),
		TEST(lost_moved), TEST(lost_silent), TEST(expiry), TEST(lost_shared), TEST(faults), TEST(no_nai),
		TEST(per_mn), TEST(revoked),
	};

	return cmocka_run_group_tests_name("load: engine", tests, NULL, NULL);
}
