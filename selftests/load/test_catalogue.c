// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each row of mip4load's catalogue against our own home agent: the answer is one that the RFCs leave, it is the one
 * that we have chosen, and whatever comes, the device that is registered stays so.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"
#include "load/catalogue.h"

#define VICTIM		"probe-victim@red.example"
#define STRANGER	"203.0.113.66"

struct bench {
	struct world *w;
	struct probe_env env;
	struct probe probe;
	uint64_t expires_us;
};

static struct answer send_probe(struct bench *b, bool by_stranger)
{
	struct world *w = b->w;
	unsigned int before = w->n_sent;
	const struct sent *s;

	inject(&w->node[HA], by_stranger ? STRANGER : "198.51.100.1", "192.0.2.1", b->probe.buf, b->probe.len);
	if (w->n_sent == before)
		return (struct answer){ .kind = ANSWER_SILENCE };
	assert_int_equal(w->n_sent, before + 1);
	s = &w->sent[before % SENT_MAX];
	return probe_answer(&b->probe, s->data, s->len);
}

static void later(struct bench *b)
{
	run(b->w, 1100 * MSEC);		/* so that no denial is one too many for its second */
	b->env.ntp = ntp_of(&b->w->node[HA]);
}

static void send_base(struct bench *b, const char *user, struct answer *answer)
{
	struct probe *p = &b->probe;

	probe_base(p, &b->env, user);
	load_request_build(&p->out, &p->req);
	p->len = p->out.len;
	memcpy(p->buf, p->out.buf, p->len);
	*answer = send_probe(b, false);
}

/* Nothing hostile may renew it, so its time goes on. */
static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	const struct core_reg *reg;
	struct answer answer;

	assert_non_null(b);
	b->w = world_new(1);
	b->env = (struct probe_env){
		.ha = ip("192.0.2.1"), .pma = ip("198.51.100.1"), .stranger = ip(STRANGER),
		.sa = sa_of(PMA1), .gre_key = true, .realm = "red.example", .victim = VICTIM,
	};
	later(b);
	send_base(b, "probe-victim", &answer);
	assert_int_equal(answer.kind, ANSWER_REPLY);
	assert_int_equal(answer.code, 0);
	assert_true(answer.authentic && !answer.faults);
	b->env.accepted = b->probe.out;
	reg = find(&b->w->node[HA], VICTIM);
	assert_non_null(reg);
	b->env.victim_home = reg->rec.home;
	b->expires_us = reg->expires_us;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	world_free(b->w);
	free(b);
	return 0;
}

/* Where our HA's answer isn't the first one of the row. */
static const struct {
	const char *name, *answer;
} ours[] = {
	{ "many-extensions", "silence" },
	{ "eight-thousand-bytes", "silence" },
	{ "nai-not-covered", "129" },
	{ "unknown-mn", "silence" },
	{ "unknown-aaa", "silence" },
	{ "s-bit", "1" },
	{ "all-bits", "134" },
	{ "nai-control", "134" },
	{ "method-twice", "149" },
	{ "method-empty", "silence" },
	{ "vendor-critical", "141" },
	{ "minimal-alone", "139" },
	{ "revocation-of-nobody", "ack" },
};

static const char *answer_of_ours(const struct probe_case *c)
{
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (!strcmp(ours[i].name, c->name))
			return ours[i].answer;
	return c->expect;
}

/* False: the row is wrong, and has said so. */
static bool one_case(struct bench *b, const struct probe_case *c)
{
	const char *want = answer_of_ours(c), *why;
	struct probe_case exact = *c;
	const struct core_reg *reg;
	struct answer answer;
	char text[80], word[16];
	bool ok = true;

	later(b);
	probe_build(&b->probe, &b->env, c);
	answer = send_probe(b, c->by_stranger);
	answer_text(&answer, text);
	if (!probe_expects(c, &answer, &why)) {
		print_error("%s: %s; expected: %s %s\n", c->name, text, c->expect, why);
		ok = false;
	}
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(want, " "), want);
	exact.expect = word;
	if (!strcmp(word, "any") || !probe_expects(&exact, &answer, &why)) {
		print_error("%s: %s; ours is: %s\n", c->name, text, word);
		ok = false;
	}
	reg = find(&b->w->node[HA], VICTIM);
	if (!reg || reg->rec.home.s_addr != b->env.victim_home.s_addr || reg->expires_us != b->expires_us) {
		print_error("%s: took or renewed the binding of another\n", c->name);
		ok = false;
	}
	return ok;
}

static void test_catalogue(void **state)
{
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < n_probe_cases; i++) {
		setup(state);
		wrong += !one_case(*state, &probe_cases[i]);
		teardown(state);
	}
	assert_int_equal(wrong, 0);
}

/* All of them, one behind the other, to one home agent: it serves on. */
static void test_alive(void **state)
{
	struct bench *b = *state;
	struct answer answer;

	for (unsigned int i = 0; i < n_probe_cases; i++) {
		probe_build(&b->probe, &b->env, &probe_cases[i]);
		send_probe(b, probe_cases[i].by_stranger);
	}
	later(b);
	send_base(b, "probe-after", &answer);
	assert_int_equal(answer.kind, ANSWER_REPLY);
	assert_int_equal(answer.code, 0);
}

/* Names are what one asks for and what JSON has: each is there once. */
static void test_names(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < n_probe_cases; i++)
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(probe_cases[i].name, probe_cases[j].name);
}

/* What would an HA that takes anything look like? */
static void test_judgement(void **state)
{
	const struct answer accepts = { .kind = ANSWER_REPLY, .authentic = true };
	const struct answer icmp = { .kind = ANSWER_ICMP, .type = 3, .code = 3 };
	const struct answer denies = { .kind = ANSWER_REPLY, .code = 129 };
	const struct answer longer = { .kind = ANSWER_REPLY, .authentic = true, .faults = REPLY_LIFETIME };
	struct probe_case c = { .expect = "silence denied" };
	const char *why;

	(void)state;
	assert_false(probe_expects(&c, &accepts, &why));
	assert_false(probe_expects(&c, &icmp, &why));
	assert_false(probe_expects(&c, &denies, &why));
	assert_string_equal(why, "the reply isn't authentic");
	c.by_stranger = true;
	assert_true(probe_expects(&c, &denies, &why));
	c = (struct probe_case){ .expect = "0 133" };
	assert_true(probe_expects(&c, &accepts, &why));
	assert_false(probe_expects(&c, &longer, &why));
	assert_string_equal(why, "the reply raises the lifetime");
	assert_false(probe_expects(&c, &(struct answer){ .kind = ANSWER_SILENCE }, &why));
	c.expect = "any";
	assert_false(probe_expects(&c, &icmp, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_catalogue),
		cmocka_unit_test_setup_teardown(test_alive, setup, teardown),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_judgement),
	};

	return cmocka_run_group_tests_name("load: catalogue", tests, NULL, NULL);
}
