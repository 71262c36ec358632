// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of a home agent's checks: of any two things that are wrong with a
 * request the first in the list below is what is answered, or counted.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define NAI_A	"a@red.example"
#define SILENCE	0

/* A request, and what rrq_build() puts into none. */
struct try {
	struct world *w;
	struct rrq r;
	bool truncated, unknown, cvse;
};

static void truncated(struct try *t)
{
	t->truncated = true;
}

static void unknown_extension(struct try *t)
{
	t->unknown = true;
}

static void unknown_peer(struct try *t)
{
	t->r.src = "203.0.113.9";
	if (t->r.f.coa.s_addr == ip("198.51.100.1").s_addr)
		t->r.f.coa = ip(t->r.src);
}

static void wrong_source(struct try *t)
{
	t->r.f.coa = ip("198.51.100.99");
}

static void unsigned_one(struct try *t)
{
	t->r.sa = NULL;
}

static void signed_wrong(struct try *t)
{
	static struct wire_sa wrong;

	wrong = *sa_of(PMA1);
	wrong.key[0] ^= 1;
	t->r.sa = &wrong;
}

static void stale(struct try *t)
{
	t->r.f.id -= 3600ULL << 32;
}

static void another_ha(struct try *t)
{
	t->r.f.ha = ip("192.0.2.77");
}

static void by_broadcast(struct try *t)
{
	t->r.dst = "10.0.0.255";
}

static void with_d(struct try *t)
{
	t->r.f.flags |= WIRE_RRQ_D;
}

static void unknown_cvse(struct try *t)
{
	t->cvse = true;
}

static void unknown_method(struct try *t)
{
	t->r.method = 99;
}

static void another_method(struct try *t)
{
	t->r.method = WIRE_PMIP_IPSEC;
}

static void network_of_others(struct try *t)
{
	struct core_peer *peer = &t->w->node[HA].peer[0];

	strcpy(peer->networks[0], "blue");
	peer->n_networks = 1;
}

static void service_not_here(struct try *t)
{
	struct core_network *net = &t->w->node[HA].net[RED];

	strcpy(net->services[0], "ims");
	net->n_services = 1;
	t->r.service = "voip";
}

static void no_reverse_tunnel(struct try *t)
{
	t->w->node[HA].net[RED].wants_reverse = true;
	t->r.f.flags &= ~WIRE_RRQ_T;
}

static void no_gre(struct try *t)
{
	t->w->node[HA].net[RED].no_gre = true;
}

static void redirected(struct try *t)
{
	t->w->node[HA].net[RED].redirect = ip("192.0.2.2");
}

static void full(struct try *t)
{
	t->w->node[HA].cfg.max_registrations = 1;	/* see attempt() */
}

#define COUNTER(name)	.counter = offsetof(struct core_counters, name)

static const struct fault {
	const char *name;
	void (*make)(struct try *t);
	uint8_t code;
	size_t counter;
	bool ends_too;			/* is also wrong with a deregistration */
	int alone;			/* those of one number can't be made together */
} faults[] = {
	{ "truncated", truncated, SILENCE, COUNTER(drop_truncated),
	  .ends_too = true },
	{ "an unknown extension", unknown_extension, SILENCE, COUNTER(drop_unknown_extension),
	  .ends_too = true },
	{ "an unknown peer", unknown_peer, SILENCE, COUNTER(drop_unknown_peer),
	  .ends_too = true },
	{ "another source", wrong_source, SILENCE, COUNTER(drop_wrong_source),
	  .ends_too = true },
	{ "unsigned", unsigned_one, SILENCE, COUNTER(drop_no_authentication),
	  .ends_too = true, .alone = 1 },
	{ "wrongly signed", signed_wrong, WIRE_CODE_HA_FA_AUTH, COUNTER(drop_bad_authenticator),
	  .ends_too = true, .alone = 1 },
	{ "stale", stale, WIRE_CODE_HA_ID_MISMATCH, COUNTER(id_mismatch),
	  .ends_too = true },
	{ "by broadcast", by_broadcast, WIRE_CODE_HA_UNKNOWN_HA, COUNTER(denied_136),
	  .ends_too = true },
	{ "for another home agent", another_ha, WIRE_CODE_HA_UNKNOWN_HA, COUNTER(denied_136),
	  .ends_too = true },
	{ "with D", with_d, WIRE_CODE_HA_POORLY_FORMED, COUNTER(denied_134),
	  .ends_too = true },
	{ "an unknown CVSE", unknown_cvse, WIRE_CODE_HA_CVSE_FA, COUNTER(denied_141),
	  .ends_too = true },
	{ "an unknown method", unknown_method, WIRE_CODE_PMIP_UNSUPPORTED, COUNTER(denied_149),
	  .ends_too = true, .alone = 2 },
	{ "another method", another_method, WIRE_CODE_PMIP_DISALLOWED, COUNTER(denied_150),
	  .ends_too = true, .alone = 2 },
	{ "a network of others", network_of_others, WIRE_CODE_HA_ADMIN_PROHIBITED, COUNTER(denied_129),
	  .ends_too = true },
	{ "a service that isn't here", service_not_here, WIRE_CODE_SERVICE_REFUSED, COUNTER(denied_151) },
	{ "no reverse tunnel", no_reverse_tunnel, WIRE_CODE_HA_REVERSE_TUNNEL_MANDATORY, COUNTER(denied_138) },
	{ "GRE where there is none", no_gre, WIRE_CODE_HA_ENCAP_UNAVAILABLE, COUNTER(denied_139) },
	{ "redirected", redirected, WIRE_CODE_REDIRECT_HA, COUNTER(denied_143) },
	{ "no room", full, WIRE_CODE_HA_NO_RESOURCES, COUNTER(denied_130) },
};

#define N_FAULTS	(sizeof(faults) / sizeof(faults[0]))

static void build(struct wire_out *out, const struct try *t)
{
	static const uint8_t unknown[] = { 99, 2, 1, 1 }, cvse[] = { 38, 0, 0, 6, 0, 0, 0, 9, 0, 1 };
	struct rrq r = t->r;

	r.sa = NULL;
	rrq_build(out, &r);
	if (t->cvse) {
		memcpy(out->buf + out->len, cvse, sizeof(cvse));
		out->len += sizeof(cvse);
	}
	if (t->unknown) {
		memcpy(out->buf + out->len, unknown, sizeof(unknown));
		out->len += sizeof(unknown);
	}
	if (t->r.sa)
		wire_put_auth(out, WIRE_EXT_FHAE, t->r.sa);
	if (t->truncated)
		out->len = 20;
}

static uint64_t counter(struct node *n, const struct fault *fault)
{
	uint64_t value;

	memcpy(&value, (const char *)core_counters(n->core) + fault->counter, sizeof(value));
	return value;
}

/* A request with those faults, or with one: which one shows? */
static void attempt(const struct fault *first, const struct fault *second, uint16_t lifetime)
{
	struct world *w = world_new(1);
	struct node *ha = &w->node[HA];
	struct try t = { .w = w };
	unsigned int sent;
	uint64_t before;
	struct wire_out out;
	struct wire_msg msg;

	/* who is there already, for whoever has no room */
	t.r = rrq_from(w, PMA1, "other@red.example");
	assert_int_equal(reply_code(w, &t.r), 0);
	run(w, SEC);
	t.r = rrq_from(w, PMA1, NAI_A);
	t.r.f.lifetime = lifetime;
	/* the later first: what one changes for both, as a source, is then the earlier one's */
	if (second)
		second->make(&t);
	first->make(&t);
	build(&out, &t);
	before = counter(ha, first);
	sent = n_sent(w, HA, WIRE_RRP);
	inject(ha, t.r.src, t.r.dst, out.buf, out.len);
	if (counter(ha, first) != before + 1)
		fail_msg("%s, %s: the first isn't counted", first->name, second ? second->name : "alone");
	if (n_sent(w, HA, WIRE_RRP) != sent + (first->code != SILENCE))
		fail_msg("%s, %s: %s", first->name, second ? second->name : "alone",
			 first->code ? "no answer" : "an answer");
	if (first->code) {
		assert_int_equal(wire_parse(sent_by(w, HA, WIRE_RRP, 0)->data, sent_by(w, HA, WIRE_RRP, 0)->len, &msg),
				 WIRE_OK);
		if (msg.rrp.code != first->code)
			fail_msg("%s, %s: code %u", first->name, second ? second->name : "alone", msg.rrp.code);
	}
	world_free(w);
}

static void pairs(uint16_t lifetime)
{
	for (size_t i = 0; i < N_FAULTS; i++) {
		if (!lifetime && !faults[i].ends_too)
			continue;
		attempt(&faults[i], NULL, lifetime);
		for (size_t j = i + 1; j < N_FAULTS; j++) {
			if (!faults[i].alone || faults[i].alone != faults[j].alone)
				attempt(&faults[i], &faults[j], lifetime);
		}
	}
}

static void test_registrations(void **state)
{
	(void)state;
	pairs(600);
}

static void test_deregistrations(void **state)
{
	(void)state;
	pairs(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registrations), cmocka_unit_test(test_deregistrations),
	};

	return cmocka_run_group_tests_name("core: order of checks", tests, NULL, NULL);
}
