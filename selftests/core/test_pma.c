// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proxy Mobility Agent: each row of protocol/procedures.md s2, each way a reply
 * can be wrong. Where the HA's part is played by hand the network loses
 * everything, so that only what is injected arrives.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim.h"

#define COUNT(field)	(core_counters(w->node[PMA1].core)->field)

static int setup(void **state)
{
	*state = world_new(2);
	return 0;
}

static int setup_deaf(void **state)
{
	struct world *w = world_new(3);

	w->loss = 1000;
	*state = w;
	return 0;
}

static void last_rrq(struct world *w, struct wire_msg *msg)
{
	const struct sent *s = sent_by(w, PMA1, WIRE_RRQ, 0);

	assert_non_null(s);
	assert_int_equal(wire_parse(s->data, s->len, msg), WIRE_OK);
}

/* A reply to the last RRQ, by default a good one. */
struct rrp {
	struct wire_rrp f;
	char nai[64];
	int method;		/* -1 = no ext. 47 */
	bool revsup, cvse, fa_error;
	bool keyed, key_3gpp2;	/* keyed: ext. 48, key_3gpp2: the key in a CVSE */
	uint32_t key, revsup_time;
	const struct wire_sa *sa;
	const char *src;
};

static struct rrp rrp_to_last(struct world *w)
{
	struct wire_msg msg;
	struct rrp r;
	char nai[WIRE_NAI_MAX + 1];

	last_rrq(w, &msg);
	assert_true(wire_get_nai(&msg, nai));
	r = (struct rrp){
		.f = { .lifetime = msg.rrq.lifetime, .home = ip("10.0.0.42"), .ha = ip("192.0.2.1"),
		       .id = msg.rrq.id },
		.method = 1, .keyed = true, .revsup = true, .key = 0xabcd,
		.revsup_time = ntp_of(&w->node[HA]) >> 32, .sa = sa_of(PMA1), .src = "192.0.2.1",
	};
	snprintf(r.nai, sizeof(r.nai), "%.63s", nai);
	return r;
}

static void say(struct world *w, const struct rrp *r)
{
	static const uint8_t cvse[] = { 38, 0, 0, 6, 0, 0, 0, 9, 0, 1 };
	struct wire_out out = { .len = 0 };

	wire_put_rrp(&out, &r->f);
	if (r->nai[0])
		wire_put_nai(&out, r->nai);
	if (r->method >= 0)
		wire_put_pmip_method(&out, r->method);
	if (r->keyed)
		wire_put_gre_key(&out, r->key);
	if (r->key_3gpp2)
		wire_put_gre_key_3gpp2(&out, r->key);
	if (r->revsup)
		wire_put_revsup(&out, 0, r->revsup_time);
	if (r->fa_error)
		wire_put_ext(&out, WIRE_EXT_FA_ERROR, 0, &(uint8_t){ 65 }, 1);
	if (r->cvse) {
		memcpy(out.buf + out.len, cvse, sizeof(cvse));
		out.len += sizeof(cvse);
	}
	if (r->sa)
		wire_put_auth(&out, WIRE_EXT_FHAE, r->sa);
	assert_false(out.failed);
	inject(PMA_NODE, r->src, "198.51.100.1", out.buf, out.len);
}

static void say_code(struct world *w, uint8_t code)
{
	struct rrp r = rrp_to_last(w);

	r.f.code = code;
	r.keyed = r.revsup = false;
	say(w, &r);
}

static void attach_by_hand(struct world *w)
{
	struct rrp r;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	r = rrp_to_last(w);
	say(w, &r);
	assert_true(PMA_NODE->dev[DEV].attached);
}

static void test_attach(void **state)
{
	struct world *w = *state;
	const struct core_binding *k;
	const struct core_reg *reg;
	uint8_t mac[6], want[6], tech, method;
	uint32_t key, revsup;
	struct wire_msg msg;
	uint16_t flags;
	char nai[WIRE_NAI_MAX + 1], expect[64];

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_ARP, NULL);
	reg = device(PMA_NODE, DEV);
	assert_non_null(reg);
	assert_int_equal(reg->state, CORE_WAIT_REG);

	/* The cookbook of protocol/extensions.md s2. */
	last_rrq(w, &msg);
	/* [3024-A.4-1] [5944-3.6.1.2-2] [5944-3.6.1.2-9] [6245-4.3-1] */
	assert_int_equal(msg.rrq.flags, WIRE_RRQ_T | WIRE_RRQ_G);
	/* [5944-3.6.1-1] */
	assert_int_equal(msg.rrq.lifetime, 600);
	/* [5944-3.6.1.2-13] */
	assert_int_equal(msg.rrq.home.s_addr, 0);
	/* [5944-3.6.1.2-14] */
	assert_int_equal(msg.rrq.ha.s_addr, ip("192.0.2.1").s_addr);
	/* [5944-3.1-1] [5944-3.6.1.2-18] */
	assert_int_equal(msg.rrq.coa.s_addr, ip("198.51.100.1").s_addr);
	/* [3024-3.3-3] [5944-3.2-3] [5944-3.3-3] [5944-3.6.1.3-1] */
	assert_int_equal(msg.n_ext, 7);
	assert_int_equal(msg.ext[0].type, WIRE_EXT_NAI);
	assert_int_equal(msg.ext[1].type, WIRE_EXT_PMIP);
	/* [3543-3.2-7] [6245-4.1-7] */
	assert_int_equal(msg.ext[4].type, WIRE_EXT_GRE_KEY);
	assert_int_equal(msg.ext[5].type, WIRE_EXT_REVSUP);
	assert_int_equal(msg.ext[6].type, WIRE_EXT_FHAE);
	/* [3543-3.2-1] [3543-4.2.1-1] [5563-5.1-1] [6245-4.1-5] */
	assert_true(wire_get_nai(&msg, nai) && wire_get_pmip_method(&msg, &method) &&
		    wire_get_device_mac(&msg, mac) && wire_get_access_tech(&msg, &tech) &&
		    wire_get_gre_key(&msg, &key) && wire_get_revsup(&msg, &flags, &revsup));
	assert_string_equal(nai, nai_of(DEV, expect));
	assert_int_equal(method, 1);
	mac_of(DEV, want);
	assert_memory_equal(mac, want, 6);
	assert_int_equal(tech, WIRE_ACCESS_8023);
	assert_int_not_equal(key, 0);
	assert_int_equal(revsup, ntp_of(PMA_NODE) >> 32);
	/* [3543-3.2-5] [3543-3.2-9] */
	assert_int_equal(flags, 0);
	/*
	 * [3024-4-1] [3543-4.2.1-3] [4433-5.1-3] [4433-5.1.1-2] [5563-4.1.1-1] [5944-3.3-2] [5944-3.5.2-1]
	 * [5944-3.6.1.3-2] [5944-3.7.1-7] [5944-3.7.2.2-4]
	 */
	assert_true(wire_auth_ok(&msg, &msg.ext[6], sa_of(PMA1)));

	/* What comes meanwhile changes nothing, and the first one keeps the timeline. */
	run(w, 5 * MSEC);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 1);

	run(w, RTT);
	reg = device(PMA_NODE, DEV);
	/* The HA takes only what is sent to its address: [5944-3.6.1.1-8] [5944-3.7.3.2-1] */
	assert_int_equal(reg->state, CORE_BOUND);
	assert_int_equal(reg->timeline.trigger, CORE_TRIGGER_ARP);
	assert_true(reg->timeline.seen_us && reg->timeline.seen_us <= reg->timeline.identity_us &&
		    reg->timeline.identity_us <= reg->timeline.rrq_us &&
		    reg->timeline.rrq_us + 20 * MSEC == reg->timeline.rrp_us &&
		    reg->timeline.rrp_us <= reg->timeline.bound_us);
	assert_true(reg->rec.dhcp);
	assert_string_equal(reg->rec.port_name, "port3");
	assert_true(PMA_NODE->dev[DEV].attached);
	assert_int_equal(PMA_NODE->dev[DEV].n_attached, 1);

	/* [3024-4.2.2-2] [5944-3.6.2.2-1] */
	assert_int_equal(PMA_NODE->n_kernel, 1);
	k = &PMA_NODE->kernel[0];
	assert_string_equal(k->device, "mip0");
	assert_int_equal(k->leg[0].key_in, key);
	assert_int_equal(k->leg[0].key_in, w->node[HA].kernel[0].leg[0].key_out);
	assert_int_equal(k->leg[0].key_out, w->node[HA].kernel[0].leg[0].key_in);
	/* [5944-3.6-2] */
	assert_int_equal(k->home.s_addr, w->node[HA].kernel[0].home.s_addr);
	assert_int_equal(k->gateway.s_addr, ip("10.0.0.1").s_addr);
	assert_int_equal(k->plen, 24);
	assert_int_equal(k->port, 3);
	assert_memory_equal(k->mac, want, 6);
	/* [3024-5.1.2-1] */
	assert_int_equal(k->leg[0].peer.s_addr, ip("192.0.2.1").s_addr);
	assert_int_equal(k->leg[0].local.s_addr, ip("198.51.100.1").s_addr);
	assert_int_equal(k->lifetime, 600);
	assert_memory_equal(&PMA_NODE->row[0], &reg->rec, sizeof(reg->rec));

	/* The identity rules: blue gets %M. */
	attach(PMA_NODE, 256 + 9, 4, CORE_TRIGGER_PACKET, NULL);
	run(w, RTT);
	assert_non_null(find(PMA_NODE, "02:00:00:00:01:09@blue.example"));
}

static void test_ipip(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;

	PMA_NODE->peer[0].gre_key = false;
	PMA_NODE->peer[0].revocation = false;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	last_rrq(w, &msg);
	/* [5944-3.6.1.2-10] */
	assert_int_equal(msg.rrq.flags, WIRE_RRQ_T);
	assert_int_equal(wire_count(&msg, WIRE_EXT_GRE_KEY) + wire_count(&msg, WIRE_EXT_REVSUP), 0);
	/* [3543-4.2.1-3] */
	assert_non_null(wire_find(&msg, WIRE_EXT_FHAE, 0));
	run(w, RTT);
	assert_int_equal(PMA_NODE->n_kernel, 1);
	/* [6245-4.1-1] */
	assert_false(PMA_NODE->kernel[0].leg[0].gre || PMA_NODE->kernel[0].leg[0].keyed);
	assert_int_equal(device(PMA_NODE, DEV)->rec.peer_revsup, 0);
}

/* Keys in ext. 48 and in 3GPP2's CVSE: both are heard, the home agent's own is said. */
static void test_key_encodings(void **state)
{
	struct world *w = *state;
	const struct core_leg *leg;
	struct wire_msg msg;
	struct rrp r;
	uint32_t key;

	for (int i = 0; i < 4; i++) {
		bool heard = i & 1, said = i & 2;

		PMA_NODE->peer[0].gre_key_3gpp2 = said;
		attach(PMA_NODE, DEV + i, 3, CORE_TRIGGER_DHCP, NULL);
		last_rrq(w, &msg);
		assert_int_equal(wire_count(&msg, WIRE_EXT_CVSE), said);
		assert_int_equal(wire_count(&msg, WIRE_EXT_GRE_KEY), !said);
		assert_true(wire_get_gre_key(&msg, &key));
		assert_int_equal(msg.rrq.flags, WIRE_RRQ_T | WIRE_RRQ_G);
		r = rrp_to_last(w);
		r.f.home.s_addr += htonl(i);
		r.keyed = !heard;
		r.key_3gpp2 = heard;
		r.key = 0x55000000 + i;
		say(w, &r);
		assert_int_equal(PMA_NODE->n_kernel, i + 1);
		leg = &PMA_NODE->kernel[i].leg[0];
		assert_true(leg->gre && leg->keyed);
		assert_int_equal(leg->key_in, key);
		assert_int_equal(leg->key_out, r.key);
	}
}

/* ... from end to end. */
static void test_old_peer(void **state)
{
	struct world *w = *state;
	const struct core_leg *pma, *ha;

	PMA_NODE->peer[0].gre_key_3gpp2 = true;
	HA_NODE->peer[0].gre_key_3gpp2 = true;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_int_equal(PMA_NODE->n_kernel, 1);
	assert_int_equal(HA_NODE->n_kernel, 1);
	pma = &PMA_NODE->kernel[0].leg[0];
	ha = &HA_NODE->kernel[0].leg[0];
	assert_true(pma->keyed && ha->keyed && pma->key_in && ha->key_in);
	assert_true(pma->key_in == ha->key_out && pma->key_out == ha->key_in);
}

/* RFC 5446 s4.1: in each request, and without it there is no registration. */
static void test_service(void **state)
{
	char name[WIRE_SERVICE_MAX + 1];
	struct world *w = *state;
	struct wire_msg msg;

	strcpy(PMA_NODE->net[RED].service, "ims");
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	last_rrq(w, &msg);
	assert_true(wire_get_service(&msg, name));
	assert_string_equal(name, "ims");
	run(w, RTT);
	assert_true(PMA_NODE->dev[DEV].attached);	/* an HA that doesn't ask skips it */

	HA_NODE->net[RED].n_services = 1;
	strcpy(HA_NODE->net[RED].services[0], "voip");
	run(w, 599 * SEC);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 1);
	assert_non_null(strstr(PMA_NODE->dev[DEV].text, "service authorization failed"));
	assert_int_equal(PMA_NODE->n_kernel, 0);
	assert_int_equal(HA_NODE->n_kernel, 0);
	last_rrq(w, &msg);
	assert_int_equal(msg.rrq.lifetime, 0);
	assert_true(wire_get_service(&msg, name));
	assert_int_equal(PMA_NODE->n_row, 0);

	attach(PMA_NODE, 8, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_int_equal(PMA_NODE->dev[8].n_refused, 1);
	assert_int_equal(PMA_NODE->dev[8].code, WIRE_CODE_SERVICE_REFUSED);
}

/* RFC 4332: asked for where that is configured; who was served before waits for it, if his DHCP client asks. */
static void test_host_config(void **state)
{
	struct wire_host_config host = { .plen = 24, .gateway = ip("10.0.0.1"), .dns = { ip("10.0.0.53") } };
	struct world *w = *state;
	struct wire_msg msg;

	HA_NODE->net[RED].host = host;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	last_rrq(w, &msg);
	assert_false(wire_asks_host_config(&msg));
	run(w, RTT);
	assert_true(PMA_NODE->dev[DEV].attached && !PMA_NODE->dev[DEV].told);

	PMA_NODE->net[RED].ask_host = true;
	node_restart(PMA_NODE);
	run(w, 2 * SEC);
	last_rrq(w, &msg);
	assert_false(wire_asks_host_config(&msg));
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_PACKET, NULL);	/* which says nothing to it */
	assert_int_equal(PMA_NODE->dev[DEV].n_attached, 2);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	last_rrq(w, &msg);
	assert_true(wire_asks_host_config(&msg));
	assert_int_equal(PMA_NODE->dev[DEV].n_attached, 2);
	run(w, RTT);
	assert_int_equal(PMA_NODE->dev[DEV].n_attached, 3);
	assert_true(PMA_NODE->dev[DEV].told);
	assert_memory_equal(&PMA_NODE->dev[DEV].host, &host, sizeof(host));

	/* What is told anew reaches the next who asks; who tells nothing hasn't taken it back. */
	strcpy(HA_NODE->net[RED].host.suffix, "red.example");
	attach(PMA_NODE, 8, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_string_equal(PMA_NODE->dev[8].host.suffix, "red.example");
	memset(&HA_NODE->net[RED].host, 0, sizeof(host));
	PMA_NODE->peer[0].revocation = false;	/* it deregisters what leaves */
	attach(PMA_NODE, 9, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_string_equal(PMA_NODE->dev[9].host.suffix, "red.example");
	detach(PMA_NODE, 9, 3, CORE_DETACH_RELEASE);
	run(w, SEC);
	last_rrq(w, &msg);
	assert_int_equal(msg.rrq.lifetime, 0);
	assert_false(wire_asks_host_config(&msg));
}

/* ... but not for ever, nor for one who tells nothing; and what nothing covers wasn't told. */
static void test_host_config_late(void **state)
{
	const struct wire_host_config host = { .plen = 16 };
	struct world *w = *state;
	struct rrp good;

	PMA_NODE->net[RED].ask_host = true;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	good = rrp_to_last(w);
	for (int covered = 0; covered < 2; covered++) {
		struct wire_out out = { .len = 0 };

		good = rrp_to_last(w);
		wire_put_rrp(&out, &good.f);
		wire_put_nai(&out, good.nai);
		wire_put_pmip_method(&out, 1);
		if (covered)
			wire_put_host_config(&out, &host);
		wire_put_gre_key(&out, 5);
		wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
		misplace(&out);
		if (!covered)
			wire_put_host_config(&out, &host);
		inject(PMA_NODE, "192.0.2.1", "198.51.100.1", out.buf, out.len);
		assert_int_equal(PMA_NODE->dev[DEV].n_attached, 1 + covered);
		assert_int_equal(PMA_NODE->dev[DEV].told, covered);
		assert_int_equal(!!strstr(PMA_NODE->log, "10.0.0.1/16, here it is 10.0.0.1/24"), covered);
		node_restart(PMA_NODE);
		attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
		run(w, 2 * SEC);
	}
	assert_int_equal(PMA_NODE->dev[DEV].n_attached, 2);
	run(w, 4 * SEC);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	assert_int_equal(PMA_NODE->dev[DEV].n_attached, 3);
	assert_false(PMA_NODE->dev[DEV].told);
}

static void test_hint(void **state)
{
	static const char *const outside[] = { "10.0.1.5", "10.0.0.1", "10.0.0.0", "10.0.0.255",
					       "169.254.3.3", "255.255.255.255" };
	struct world *w = *state;
	struct wire_msg msg;
	uint64_t first;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, "10.0.0.5");
	first = w->now;
	last_rrq(w, &msg);
	assert_int_equal(msg.rrq.home.s_addr, ip("10.0.0.5").s_addr);
	/* Not that one: any, one second after the first. */
	run(w, 300 * MSEC);
	say_code(w, WIRE_CODE_HA_ADMIN_PROHIBITED);
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 0);
	run(w, SEC);
	last_rrq(w, &msg);
	assert_int_equal(msg.rrq.home.s_addr, 0);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 2);
	/* [5944-3.6-6] [5944-3.6.3-3] */
	assert_int_equal(sent_by(w, PMA1, WIRE_RRQ, 0)->at, first + SEC);
	say_code(w, WIRE_CODE_HA_ADMIN_PROHIBITED);
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 1);
	assert_int_equal(PMA_NODE->dev[DEV].code, WIRE_CODE_HA_ADMIN_PROHIBITED);

	/* What can't be a home address there isn't asked for. */
	for (int i = 0; i < 6; i++) {
		attach(PMA_NODE, 10 + i, 3, CORE_TRIGGER_DHCP, outside[i]);
		last_rrq(w, &msg);
		assert_int_equal(msg.rrq.home.s_addr, 0);
	}
}

static void test_retransmit(void **state)
{
	static const unsigned int at[] = { 0, 1, 3, 7, 15 };
	struct world *w = *state;
	struct wire_msg msg;
	uint64_t last = 0;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), i + 1);
		/* [5944-3.6.3-3] [5944-3.6.3-4] */
		assert_int_equal(sent_by(w, PMA1, WIRE_RRQ, 0)->at, at[i] * SEC);
		last_rrq(w, &msg);
		/* [5944-5.7-5] */
		assert_true(!last || (int64_t)(msg.rrq.id - last) > 0);
		last = msg.rrq.id;
		if (i < 4)
			run(w, (at[i + 1] - at[i]) * SEC);
	}
	run(w, 16 * SEC - 1);
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 0);
	run(w, 1);
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 1);
	assert_int_equal(PMA_NODE->dev[DEV].code, 0);
	assert_int_equal(COUNT(retransmitted), 4);
	assert_int_equal(COUNT(timed_out), 1);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_IDLE);
	assert_int_equal(PMA_NODE->n_row + PMA_NODE->n_kernel, 0);
}

/* Keys that differ: said once a minute, and to whom waits for the device. */
static void test_wrong_key(void **state)
{
	struct wire_sa wrong = *sa_of(PMA1);
	struct world *w = *state;
	struct rrp r;
	unsigned int n;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_API, NULL);
	wrong.key[0] ^= 1;
	r = rrp_to_last(w);
	r.sa = &wrong;
	n = PMA_NODE->n_log;
	say(w, &r);
	assert_int_equal(PMA_NODE->n_log, n + 1);
	/* [5944-3.7.3.1-10] */
	assert_string_equal(PMA_NODE->log, "peer 192.0.2.1: wrong authenticator (do key-file and algorithm of "
			    "spi 0x200 differ from those at the peer?)");
	say(w, &r);
	assert_int_equal(PMA_NODE->n_log, n + 1);
	run(w, 31 * SEC);
	/* [5944-3.7.3.1-11] */
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 1);
	assert_string_equal(PMA_NODE->dev[DEV].text,
			    "the home agent's replies fail authentication (keys that differ?)");

	/* The next try has its own reason. */
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_API, NULL);
	run(w, 32 * SEC);
	assert_string_equal(PMA_NODE->dev[DEV].text, "the home agent does not answer");

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_API, NULL);
	run(w, SEC);
	r = rrp_to_last(w);
	wrong.spi = 0x777;
	r.sa = &wrong;
	say(w, &r);
	assert_string_equal(PMA_NODE->log, "peer 192.0.2.1: signs by spi 0x777, which its section here doesn't have");
}

static void test_wrong_replies(void **state)
{
	struct wire_sa wrong = *sa_of(PMA1);
	struct world *w = *state;
	struct wire_out out = { .len = 0 };
	struct rrp good, r;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	good = rrp_to_last(w);

	r = good;
	r.f.id ^= 1;
	say(w, &r);
	/* [5944-3.6.2.1-2] [5944-3.6.2.1-3] [5944-3.7.3.1-5] [5944-5.7-4] */
	assert_int_equal(COUNT(drop_unmatched_reply), 1);
	r = good;
	strcpy(r.nai, "other@red.example");
	say(w, &r);
	/* [5944-1.7-2] [5944-3.7.3.1-3] */
	assert_int_equal(COUNT(drop_unmatched_reply), 2);
	r.nai[0] = '\0';
	say(w, &r);
	assert_int_equal(COUNT(drop_unmatched_reply), 3);
	r = good;
	r.src = "192.0.2.9";
	say(w, &r);
	/* [5944-3.2-1] */
	assert_int_equal(COUNT(drop_wrong_source), 1);
	r = good;
	wrong.key[0] ^= 1;
	r.sa = &wrong;
	say(w, &r);
	/* [5944-3.7.1-8] [5944-3.7.3.1-6] [5944-3.7.3.1-8] */
	assert_int_equal(COUNT(drop_bad_authenticator), 1);
	wrong.spi = 0x777;
	say(w, &r);
	/* [5944-3.5.1-2] */
	assert_int_equal(COUNT(drop_unknown_spi), 1);
	r.sa = NULL;
	say(w, &r);
	/* [3543-3.2-8] [5944-3.2-2] [5944-3.6.2.1-4] [5944-3.6.2.1-5] */
	assert_int_equal(COUNT(drop_no_authentication), 1);
	r = good;
	r.method = -1;
	say(w, &r);
	r.method = 2;
	say(w, &r);
	assert_int_equal(COUNT(drop_bad_method), 2);

	/* Truncated at every length. */
	wire_put_rrp(&out, &good.f);
	wire_put_nai(&out, good.nai);
	wire_put_pmip_method(&out, 1);
	wire_put_gre_key(&out, 5);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
	for (size_t len = 0; len < out.len; len++)
		inject(PMA_NODE, "192.0.2.1", "198.51.100.1", out.buf, len);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_WAIT_REG);
	assert_int_equal(COUNT(accepted) + COUNT(denied), 0);

	say(w, &good);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
	say(w, &good);		/* once is enough */
	/* [5944-3.7.3.1-4] */
	assert_int_equal(COUNT(accepted), 1);

	/* After a retransmission only the last one's reply counts: RFC 5944 s3.6.2.1. */
	attach(PMA_NODE, 8, 3, CORE_TRIGGER_DHCP, NULL);
	good = rrp_to_last(w);
	good.f.home = ip("10.0.0.43");
	run(w, SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 3);
	say(w, &good);
	assert_int_equal(device(PMA_NODE, 8)->state, CORE_WAIT_REG);
}

/* What follows the authenticator is nobody's word: neither who it is for nor that it is a proxy's. */
static void test_uncovered(void **state)
{
	struct world *w = *state;
	struct rrp good;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	good = rrp_to_last(w);
	for (int nai_late = 0; nai_late < 2; nai_late++) {
		struct wire_out out = { .len = 0 };

		wire_put_rrp(&out, &good.f);
		if (!nai_late)
			wire_put_nai(&out, good.nai);
		else
			wire_put_pmip_method(&out, 1);
		wire_put_gre_key(&out, 5);
		wire_put_auth(&out, WIRE_EXT_FHAE, sa_of(PMA1));
		misplace(&out);
		if (nai_late)
			wire_put_nai(&out, good.nai);
		else
			wire_put_pmip_method(&out, 1);
		inject(PMA_NODE, "192.0.2.1", "198.51.100.1", out.buf, out.len);
	}
	assert_int_equal(COUNT(drop_bad_method), 1);
	assert_int_equal(COUNT(drop_unmatched_reply), 1);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_WAIT_REG);
	say(w, &good);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
}

static void test_clock(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	uint64_t start = w->now;

	PMA_NODE->skew_us = -3600 * (int64_t)SEC;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_int_equal(COUNT(id_mismatch), 1);
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 0);
	run(w, SEC + RTT);
	assert_true(PMA_NODE->dev[DEV].attached);
	/* [5944-3.6.2.3-3] [5944-5.7-1] */
	assert_true(w->now - start < 2 * SEC);
	/* The next device needs no second try. */
	attach(PMA_NODE, 8, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_true(PMA_NODE->dev[8].attached);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 3);

	/* A clock that was ahead: the refused Identifications don't count. */
	w->node[PMA2].skew_us = 3600 * (int64_t)SEC;
	attach(&w->node[PMA2], 9, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 2 * SEC);
	assert_true(w->node[PMA2].dev[9].attached);

	/* Slightly ahead: within the window, ext. 137 corrects it for the next ones. */
	PMA_NODE->skew_us += 5 * (int64_t)SEC;
	attach(PMA_NODE, 10, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_true(PMA_NODE->dev[10].attached);
	attach(PMA_NODE, 11, 3, CORE_TRIGGER_DHCP, NULL);
	last_rrq(w, &msg);
	assert_in_range((msg.rrq.id >> 32) + 1 - (ntp_of(&w->node[HA]) >> 32), 0, 2);
}

static void test_denials(void **state)
{
	struct world *w = *state;
	struct served *dev = &PMA_NODE->dev[DEV];

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	say_code(w, WIRE_CODE_HA_NO_RESOURCES);
	assert_int_equal(dev->n_refused, 1);
	assert_int_equal(dev->code, WIRE_CODE_HA_NO_RESOURCES);
	assert_string_equal(dev->text, wire_code_name(WIRE_CODE_HA_NO_RESOURCES));
	/* [5944-3.7.3.2-1] */
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_IDLE);
	assert_int_equal(device(PMA_NODE, DEV)->last_code, WIRE_CODE_HA_NO_RESOURCES);

	/* Its frames must wait; DHCP must not, but a second it must. */
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_ARP, NULL);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_IDLE);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 1);
	run(w, SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 2);
	say_code(w, WIRE_CODE_HA_NO_RESOURCES);
	/* Twice now: two seconds. */
	run(w, 1900 * MSEC);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_ARP, NULL);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_IDLE);
	run(w, 100 * MSEC);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_ARP, NULL);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 3);

	/* 132 is only noted: what the HA got was not what we sent. */
	say_code(w, WIRE_CODE_HA_FA_AUTH);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_WAIT_REG);
	run(w, 31 * SEC);
	assert_int_equal(dev->n_refused, 3);
	assert_int_equal(dev->code, WIRE_CODE_HA_FA_AUTH);

	/* In the end it is forgotten. */
	run(w, 100 * SEC);
	assert_null(device(PMA_NODE, DEV));

	/* What an HA without reverse tunnels says to the T bit: RFC 3024 s3.4. */
	attach(PMA_NODE, 8, 3, CORE_TRIGGER_DHCP, NULL);
	say_code(w, WIRE_CODE_HA_POORLY_FORMED);
	assert_int_equal(PMA_NODE->dev[8].n_refused, 1);
	/* [3024-3.4-2] */
	assert_int_equal(PMA_NODE->dev[8].code, WIRE_CODE_HA_POORLY_FORMED);
}

/* 129 for an address when the time for another transmission has come: without it, at once. */
static void test_hint_late(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, "10.0.0.50");
	run(w, 2500 * MSEC);		/* sent again after 1 s, the next one would be 2 s later */
	last_rrq(w, &msg);
	assert_int_equal(msg.rrq.home.s_addr, ip("10.0.0.50").s_addr);
	/* As RFC 5563 s8.1 has it; most say 129. */
	say_code(w, WIRE_CODE_FA_ADMIN_PROHIBITED);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 3);
	last_rrq(w, &msg);
	assert_int_equal(msg.rrq.home.s_addr, 0);
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 0);
}

/* However often its frames come, a device that is refused causes few requests. */
static void test_storm(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 600; i++) {		/* a minute of ten a second */
		attach(PMA_NODE, DEV, 3, CORE_TRIGGER_PACKET, NULL);
		if (device(PMA_NODE, DEV)->state == CORE_WAIT_REG && n_sent(w, PMA1, WIRE_RRQ))
			say_code(w, WIRE_CODE_HA_NO_RESOURCES);
		run(w, 100 * MSEC);
	}
	/* [3543-3.3-11] [5944-2.4.2-2] */
	assert_in_range(n_sent(w, PMA1, WIRE_RRQ), 5, 8);	/* 0, 1, 3, 7, 15, 31 s */
}

static void test_unsupported(void **state)
{
	struct world *w = *state;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	say_code(w, WIRE_CODE_PMIP_DISALLOWED);
	assert_int_equal(PMA_NODE->dev[DEV].code, WIRE_CODE_PMIP_DISALLOWED);
	/* RFC 5563 s8.1: no more of it to this HA. */
	run(w, 60 * SEC);
	attach(PMA_NODE, 8, 3, CORE_TRIGGER_DHCP, NULL);
	/* [5563-8.1-1] */
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 1);
	assert_int_equal(PMA_NODE->dev[8].code, WIRE_CODE_PMIP_DISALLOWED);
	/* The operator may, and after a while everybody. */
	attach(PMA_NODE, 8, 3, CORE_TRIGGER_API, NULL);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 2);
	run(w, 300 * SEC);
	attach(PMA_NODE, 9, 3, CORE_TRIGGER_ARP, NULL);
	last_rrq(w, &(struct wire_msg){ 0 });
	assert_int_equal(device(PMA_NODE, 9)->state, CORE_WAIT_REG);

	/* Once the operator's attempt has gone through, it is over for all. */
	say_code(w, WIRE_CODE_PMIP_UNSUPPORTED);
	attach(PMA_NODE, 10, 3, CORE_TRIGGER_DHCP, NULL);
	/* [5563-8.1-1] */
	assert_int_equal(PMA_NODE->dev[10].code, WIRE_CODE_PMIP_UNSUPPORTED);
	attach(PMA_NODE, 11, 3, CORE_TRIGGER_API, NULL);
	say(w, &(struct rrp[]){ rrp_to_last(w) }[0]);
	assert_true(PMA_NODE->dev[11].attached);
	attach(PMA_NODE, 10, 3, CORE_TRIGGER_DHCP, NULL);
	assert_non_null(device(PMA_NODE, 10));
}

static void test_unusable(void **state)
{
	static const char *const homes[] = { "10.0.1.5", "10.0.0.1", "0.0.0.0" };
	struct world *w = *state;
	struct wire_msg msg;
	struct rrp r;

	for (int i = 0; i < 11; i++) {
		int dev = 20 + i;
		bool dereg = true;

		attach(PMA_NODE, dev, 3, CORE_TRIGGER_DHCP, NULL);
		r = rrp_to_last(w);
		switch (i) {
		case 0:
		case 1:
		case 2:
			r.f.home = ip(homes[i]);
			dereg = i < 2;
			break;
		case 3:
			r.keyed = false;
			break;
		case 4:
			r.key = 0;
			break;
		case 5:
			r.f.lifetime = 0;
			dereg = false;
			break;
		case 6:
			r.cvse = true;
			break;
		case 7:
			r.f.ha = ip("192.0.2.9");
			break;
		case 10:	/* RFC 4636 s5 */
			r.fa_error = true;
			break;
		case 9:		/* two keys; which is it? */
			PMA_NODE->peer[0].gre_key = true;
			r.key_3gpp2 = true;
			break;
		case 8:		/* RFC 6245 s4.1: it has a key for us, but we asked for none */
			PMA_NODE->peer[0].gre_key = false;
			break;
		}
		say(w, &r);
		assert_int_equal(PMA_NODE->dev[dev].n_refused, 1);
		assert_int_equal(PMA_NODE->n_kernel, 0);
		/* [5944-3.7.3.2-3] */
		assert_int_equal(device(PMA_NODE, dev)->state, dereg ? CORE_DEREG : CORE_IDLE);
		if (dereg) {
			run(w, SEC);
			last_rrq(w, &msg);
			assert_int_equal(msg.rrq.lifetime, 0);
			assert_int_equal(msg.rrq.home.s_addr, r.f.home.s_addr);
			say_code(w, 0);
			assert_int_equal(device(PMA_NODE, dev)->state, CORE_IDLE);
		}
		assert_int_equal(PMA_NODE->n_row, 0);
	}
}

/* RFC 5944 s3.4: longer than asked for is as if it were what was asked for. */
static void test_granted_more(void **state)
{
	struct world *w = *state;
	struct rrp r;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	r = rrp_to_last(w);
	r.f.lifetime *= 2;
	say(w, &r);
	/* [5944-3.4-3] */
	assert_int_equal(device(PMA_NODE, DEV)->rec.lifetime, 600);
	assert_int_equal(PMA_NODE->kernel[0].lifetime, 600);
}

static void test_bind_fails(void **state)
{
	struct world *w = *state;

	PMA_NODE->fail_bind = EEXIST;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 1);
	assert_string_equal(PMA_NODE->dev[DEV].text, "binding: made to fail");
	run(w, 2 * SEC);
	assert_int_equal(w->node[HA].n_kernel, 0);
	assert_int_equal(PMA_NODE->n_row + PMA_NODE->n_kernel, 0);

	PMA_NODE->fail_store = EIO;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 2 * SEC);
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 2);
	assert_int_equal(w->node[HA].n_kernel, 0);
	assert_int_equal(PMA_NODE->n_row + PMA_NODE->n_kernel, 0);

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 2 * SEC);
	assert_true(PMA_NODE->dev[DEV].attached);
}

static void test_refresh(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	struct in_addr home;
	uint32_t key;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	home = PMA_NODE->dev[DEV].home;
	key = PMA_NODE->kernel[0].leg[0].key_in;
	run(w, 359 * SEC);
	assert_int_equal(PMA_NODE->n_confirm, 0);
	PMA_NODE->hold = true;
	run(w, 38 * SEC);
	/* [5563-4.4-1] */
	assert_int_equal(PMA_NODE->n_confirm, 1);	/* RFC 5563 s4.4: first this */
	last_rrq(w, &msg);
	/* [5944-3.6.1.2-12] */
	assert_int_equal(msg.rrq.home.s_addr, home.s_addr);
	assert_int_equal(msg.rrq.lifetime, 600);
	/* [6245-4.1-5] */
	assert_true(wire_get_gre_key(&msg, &key));
	assert_int_equal(key, PMA_NODE->kernel[0].leg[0].key_in);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BINDING);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 2);
	/* Served all the while. */
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	assert_int_equal(PMA_NODE->dev[DEV].n_attached, 2);
	release(PMA_NODE);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
	/* [5944-3.6-4] [5944-3.6.2.2-3] [5944-3.8.2.2-7] */
	run(w, 3600 * SEC);
	assert_true(PMA_NODE->dev[DEV].attached);
	assert_int_equal(PMA_NODE->dev[DEV].n_attached, 2);
	assert_int_equal(w->node[HA].n_kernel, 1);
	assert_in_range(PMA_NODE->n_confirm, 9, 12);

	/* Gone without a word: deregistered, not refreshed. */
	PMA_NODE->absent = true;
	run(w, 400 * SEC);
	/* [5563-4.4-1] */
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 1);
	assert_int_equal(PMA_NODE->n_kernel + PMA_NODE->n_row, 0);
	assert_int_equal(w->node[HA].n_kernel, 0);
	assert_null(device(PMA_NODE, DEV));
	assert_int_equal(COUNT(expired), 0);
}

static void test_refresh_fails(void **state)
{
	struct world *w = *state;
	struct rrp r;

	attach_by_hand(w);
	run(w, 400 * SEC);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_REFRESH);
	/* [5944-3.7.2-4] */
	assert_int_equal(PMA_NODE->n_kernel, 1);
	say_code(w, WIRE_CODE_HA_NO_RESOURCES);		/* changes nothing yet */
	/* [5944-3.7.2-7] [5944-3.7.3.2-4] */
	assert_int_equal(PMA_NODE->n_kernel, 1);
	run(w, 199 * SEC);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 0);
	assert_in_range(n_sent(w, PMA1, WIRE_RRQ), 8, 14);
	run(w, 2 * SEC);
	/* [5944-3.4-5] */
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 1);
	assert_int_equal(PMA_NODE->n_kernel + PMA_NODE->n_row, 0);
	assert_int_equal(COUNT(expired), 1);

	/* Another address at refresh: the device can't keep it. */
	run(w, 60 * SEC);
	attach_by_hand(w);
	run(w, 400 * SEC);
	r = rrp_to_last(w);
	r.f.home = ip("10.0.0.99");
	say(w, &r);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 2);
	assert_int_equal(PMA_NODE->n_kernel, 0);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_REVOKING);
}

/* Granted, but kernel or store can't: what forwards goes on, and it is soon tried again. */
static void test_refresh_bind_fails(void **state)
{
	struct world *w = *state;
	unsigned int rrqs;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, RTT);
	for (int store = 0; store < 2; store++) {
		*(store ? &PMA_NODE->fail_store : &PMA_NODE->fail_bind) = ENOMEM;
		rrqs = n_sent(w, PMA1, WIRE_RRQ);
		while (n_sent(w, PMA1, WIRE_RRQ) == rrqs)
			run(w, 100 * MSEC);
		run(w, RTT);
		assert_non_null(strstr(PMA_NODE->log, store ? "not refreshed: store: made to fail"
							    : "not refreshed: binding: made to fail"));
		assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
		assert_int_equal(PMA_NODE->n_kernel, 1);
		run(w, 6 * SEC);
		assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), rrqs + 2);
	}
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 0);
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 0);
}

/* However long the HA is silent: backing off, and asking whether the device is still there. */
static void test_refresh_silence(void **state)
{
	struct world *w = *state;
	unsigned int confirms, rrqs;

	PMA_NODE->net[RED].lifetime = 9000;
	attach_by_hand(w);
	run(w, 8990 * SEC);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 0);
	assert_in_range(n_sent(w, PMA1, WIRE_RRQ), 90, 130);	/* 3000 to 3600 s, 32 s each */
	assert_in_range(PMA_NODE->n_confirm, 30, 45);

	/* It left meanwhile: found out with the next question, and only then told. */
	PMA_NODE->absent = true;
	node_start(PMA_NODE);
	PMA_NODE->n_kernel = PMA_NODE->n_row = 0;
	PMA_NODE->absent = false;
	attach_by_hand(w);
	confirms = PMA_NODE->n_confirm;
	run(w, 5950 * SEC);
	assert_true(PMA_NODE->n_confirm > confirms);
	PMA_NODE->absent = true;
	rrqs = n_sent(w, PMA1, WIRE_RRQ);
	run(w, 100 * SEC);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 1);
	assert_in_range(n_sent(w, PMA1, WIRE_RRQ) - rrqs, 5, 8);	/* three at most, and five deregistrations */
	assert_int_equal(PMA_NODE->n_kernel, 0);
}

/* It may have been handed over: nothing is sent before the device has answered. */
static void test_refresh_denied(void **state)
{
	struct world *w = *state;
	unsigned int rrqs;

	attach_by_hand(w);
	while (n_sent(w, PMA1, WIRE_RRQ) < 2)
		run(w, 10 * MSEC);
	say_code(w, WIRE_CODE_HA_ADMIN_PROHIBITED);
	assert_int_equal(PMA_NODE->n_confirm, 1);
	run(w, 1500 * MSEC);
	assert_int_equal(PMA_NODE->n_confirm, 2);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 3);
	say(w, &(struct rrp[]){ rrp_to_last(w) }[0]);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
	assert_int_equal(PMA_NODE->n_kernel, 1);

	rrqs = n_sent(w, PMA1, WIRE_RRQ);
	while (n_sent(w, PMA1, WIRE_RRQ) == rrqs)
		run(w, 10 * MSEC);
	say_code(w, WIRE_CODE_HA_ADMIN_PROHIBITED);
	PMA_NODE->absent = true;
	run(w, 1500 * MSEC);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_DEREG);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 1);
}

/* The home agent has changed its mind: no new device asks, who is served goes on as after any other refusal. */
static void test_refresh_unwanted(void **state)
{
	struct world *w = *state;

	attach_by_hand(w);
	while (n_sent(w, PMA1, WIRE_RRQ) < 2)
		run(w, 10 * MSEC);
	say_code(w, WIRE_CODE_PMIP_DISALLOWED);
	assert_int_equal(PMA_NODE->n_kernel, 1);
	/* [5563-8.1-1] */
	attach(PMA_NODE, 8, 3, CORE_TRIGGER_DHCP, NULL);
	assert_int_equal(PMA_NODE->dev[8].code, WIRE_CODE_PMIP_DISALLOWED);
	run(w, 1500 * MSEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 3);
	say(w, &(struct rrp[]){ rrp_to_last(w) }[0]);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
	attach(PMA_NODE, 8, 3, CORE_TRIGGER_DHCP, NULL);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 4);
}

/* A time stamp in ext. 137 that runs ahead of the HA's clock doesn't take ours along. */
static void test_clock_ahead(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	struct rrp r;

	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	r = rrp_to_last(w);
	r.revsup_time += 5;
	say(w, &r);
	assert_true(PMA_NODE->dev[DEV].attached);
	attach(PMA_NODE, 8, 3, CORE_TRIGGER_DHCP, NULL);
	last_rrq(w, &msg);
	/* [5944-5.7.1-2] */
	assert_int_equal(msg.rrq.id >> 32, ntp_of(PMA_NODE) >> 32);

	/* Nor does a reply that was long under way hold it back. */
	run(w, 7500 * MSEC);
	r = rrp_to_last(w);
	run(w, 4 * SEC);
	r.f.home = ip("10.0.0.43");
	say(w, &r);
	assert_true(PMA_NODE->dev[8].attached);
	attach(PMA_NODE, 9, 3, CORE_TRIGGER_DHCP, NULL);
	last_rrq(w, &msg);
	assert_int_equal((msg.rrq.id >> 32) - (ntp_of(PMA_NODE) >> 32), 0);
}

static void test_detach(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	uint64_t last;

	PMA_NODE->peer[0].deregister = true;	/* whoever ends it; else see test_revoke.c */
	attach_by_hand(w);
	run(w, 5 * SEC);
	detach(PMA_NODE, DEV, 9, CORE_DETACH_PORT);	/* not where it is */
	assert_int_equal(PMA_NODE->n_kernel, 1);
	detach(PMA_NODE, DEV, 3, CORE_DETACH_RELEASE);
	assert_int_equal(PMA_NODE->n_kernel, 0);	/* at once */
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 0);
	last_rrq(w, &msg);
	assert_int_equal(msg.rrq.lifetime, 0);
	/* [5944-3.6.1.2-12] */
	assert_int_equal(msg.rrq.home.s_addr, ip("10.0.0.42").s_addr);
	/* [5944-3.6.1.2-18] */
	assert_int_equal(msg.rrq.coa.s_addr, ip("198.51.100.1").s_addr);
	/* [6245-4.1-5] */
	assert_int_equal(wire_count(&msg, WIRE_EXT_GRE_KEY), 1);	/* RFC 6245 s4.1: in every one */
	/* [5944-3.3-2] [5944-3.6.1.3-2] */
	assert_int_equal(wire_count(&msg, WIRE_EXT_FHAE), 1);		/* security.md s6 */
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_DEREG);
	run(w, 3 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 4);
	say_code(w, 0);
	/* [5944-3.7.3.2-3] */
	assert_int_equal(PMA_NODE->n_row, 0);
	run(w, SEC);
	assert_null(device(PMA_NODE, DEV));

	/* Nobody answers: given up, gone. */
	attach_by_hand(w);
	run(w, 2 * SEC);
	detach(PMA_NODE, DEV, 0, CORE_DETACH_PORT);
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 1);
	run(w, 32 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 10);
	assert_null(device(PMA_NODE, DEV));
	assert_int_equal(PMA_NODE->n_row, 0);

	/* An error is an answer too, unless it leaves open what the HA has. */
	attach_by_hand(w);
	run(w, 2 * SEC);
	detach(PMA_NODE, DEV, 3, CORE_DETACH_ADMIN);
	say_code(w, WIRE_CODE_HA_UNSPECIFIED);
	run(w, SEC);
	say_code(w, WIRE_CODE_HA_NO_RESOURCES);
	run(w, 2 * SEC);
	say_code(w, WIRE_CODE_HA_FA_AUTH);
	run(w, 4 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 15);
	assert_int_equal(PMA_NODE->n_row, 1);
	say_code(w, WIRE_CODE_HA_ADMIN_PROHIBITED);
	assert_int_equal(PMA_NODE->n_row, 0);

	/* Gone while the kernel and the store are still at it. */
	run(w, 2 * SEC);
	PMA_NODE->hold = true;
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	say_code(w, 0);		/* without key: refused */
	run(w, SEC);
	say_code(w, 0);
	run(w, 2 * SEC);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	say(w, &(struct rrp[]){ rrp_to_last(w) }[0]);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BINDING);
	detach(PMA_NODE, DEV, 3, CORE_DETACH_RELEASE);
	assert_int_equal(PMA_NODE->n_kernel, 0);
	release(PMA_NODE);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_DEREG);
	assert_false(PMA_NODE->dev[DEV].attached);
	assert_string_equal(PMA_NODE->dev[DEV].text, "it left before it was registered");

	/* That late completion doesn't make us believe that the kernel has it. */
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	say(w, &(struct rrp[]){ rrp_to_last(w) }[0]);
	assert_int_equal(PMA_NODE->n_kernel, 1);
	assert_false(PMA_NODE->kernel[0].exists);
	assert_int_equal(PMA_NODE->n_missing, 0);

	/* Our clock was set back: Identification never is. */
	run(w, 5 * SEC);
	last_rrq(w, &msg);
	last = msg.rrq.id;
	PMA_NODE->skew_us -= 20 * (int64_t)SEC;
	detach(PMA_NODE, DEV, 3, CORE_DETACH_RELEASE);
	last_rrq(w, &msg);
	assert_int_equal(msg.rrq.lifetime, 0);
	/* [5944-5.7-6] [5944-5.7.1-4] */
	assert_true((int64_t)(msg.rrq.id - last) > 0);
}

static void test_detach_waiting(void **state)
{
	struct world *w = *state;
	struct wire_msg msg;
	struct rrp r;

	/* The reply comes: what it granted is given back. */
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, 50 * MSEC);
	detach(PMA_NODE, DEV, 3, CORE_DETACH_RELEASE);
	r = rrp_to_last(w);
	say(w, &r);
	assert_int_equal(PMA_NODE->n_kernel, 0);
	run(w, SEC);
	last_rrq(w, &msg);
	assert_int_equal(msg.rrq.lifetime, 0);
	assert_int_equal(msg.rrq.home.s_addr, r.f.home.s_addr);
	say_code(w, 0);
	run(w, SEC);
	assert_null(device(PMA_NODE, DEV));
	assert_int_equal(PMA_NODE->dev[DEV].n_gone, 0);
	/* Who waited for it was told at once, once. */
	assert_int_equal(PMA_NODE->dev[DEV].n_refused, 1);
	assert_string_equal(PMA_NODE->dev[DEV].text, "it left before it was registered");

	/* It doesn't come: no second request, it might be elsewhere by now. */
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	detach(PMA_NODE, DEV, 3, CORE_DETACH_PORT);
	run(w, 20 * SEC);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 3);
	assert_null(device(PMA_NODE, DEV));

	/* It comes back while we wait. */
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	detach(PMA_NODE, DEV, 3, CORE_DETACH_PORT);
	attach(PMA_NODE, DEV, 4, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	say(w, &(struct rrp[]){ rrp_to_last(w) }[0]);
	assert_true(PMA_NODE->dev[DEV].attached);
	assert_int_equal(PMA_NODE->kernel[0].port, 4);
}

static void test_attach_again(void **state)
{
	struct core_event ev = { .type = CORE_EV_ATTACH };
	struct world *w = *state;
	struct wire_msg msg;

	attach_by_hand(w);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_ARP, NULL);
	assert_int_equal(PMA_NODE->dev[DEV].n_attached, 2);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 1);

	/* Another port: the kernel follows at once, the HA hears of it later. */
	attach(PMA_NODE, DEV, 5, CORE_TRIGGER_PACKET, NULL);
	run(w, 0);
	assert_int_equal(PMA_NODE->n_kernel, 1);
	assert_int_equal(PMA_NODE->kernel[0].port, 5);
	assert_true(PMA_NODE->kernel[0].exists);
	assert_int_equal(PMA_NODE->row[0].port, 5);
	assert_string_equal(PMA_NODE->row[0].port_name, "port5");
	assert_int_equal(PMA_NODE->dev[DEV].n_attached, 3);
	assert_int_equal(device(PMA_NODE, DEV)->timeline.trigger, CORE_TRIGGER_PACKET);
	assert_true(device(PMA_NODE, DEV)->timeline.bound_us);
	assert_int_equal(n_sent(w, PMA1, WIRE_RRQ), 1);
	/* The old port going down doesn't concern it any more. */
	detach(PMA_NODE, DEV, 3, CORE_DETACH_PORT);
	assert_int_equal(PMA_NODE->n_kernel, 1);

	/* On while the last move is still under way. */
	PMA_NODE->hold = true;
	attach(PMA_NODE, DEV, 6, CORE_TRIGGER_PACKET, NULL);
	attach(PMA_NODE, DEV, 7, CORE_TRIGGER_PACKET, NULL);
	assert_int_equal(PMA_NODE->kernel[0].port, 6);
	release(PMA_NODE);
	assert_int_equal(PMA_NODE->kernel[0].port, 7);
	assert_int_equal(PMA_NODE->dev[DEV].n_attached, 4);

	/* During a refresh: moved first, refreshed after. */
	run(w, 400 * SEC);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_REFRESH);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_PACKET, NULL);
	run(w, 10 * SEC);
	assert_int_equal(PMA_NODE->kernel[0].port, 3);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_REFRESH);
	say(w, &(struct rrp[]){ rrp_to_last(w) }[0]);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);

	/* Under another name it must leave first. */
	mac_of(DEV, ev.attach.mac);
	ev.attach.port = 3;
	ev.attach.trigger = CORE_TRIGGER_API;
	ev.attach.nai = "y@red.example";
	event(PMA_NODE, &ev);
	assert_string_equal(PMA_NODE->dev[DEV].text, "registered under another NAI: detach it first");
	assert_int_equal(PMA_NODE->n_kernel, 1);

	/* Back while the deregistration is out: a later RRQ overrules it. */
	run(w, 2 * SEC);
	detach(PMA_NODE, DEV, 3, CORE_DETACH_RELEASE);
	attach(PMA_NODE, DEV, 3, CORE_TRIGGER_DHCP, NULL);
	run(w, SEC);
	last_rrq(w, &msg);
	assert_int_equal(msg.rrq.lifetime, 600);
	say(w, &(struct rrp[]){ rrp_to_last(w) }[0]);
	assert_int_equal(device(PMA_NODE, DEV)->state, CORE_BOUND);
	assert_int_equal(PMA_NODE->n_row, 1);
	assert_false(PMA_NODE->row[0].tombstone);
}

/* The second device with one NAI has it; the first is told. */
static void test_take_over(void **state)
{
	struct core_event ev = { .type = CORE_EV_ATTACH };
	struct world *w = *state;

	ev.attach.nai = "same@red.example";
	ev.attach.port = 3;
	ev.attach.port_name = "port3";
	ev.attach.trigger = CORE_TRIGGER_API;
	mac_of(1, ev.attach.mac);
	event(PMA_NODE, &ev);
	run(w, 2 * SEC);
	assert_true(PMA_NODE->dev[1].attached);
	mac_of(2, ev.attach.mac);
	event(PMA_NODE, &ev);
	assert_int_equal(PMA_NODE->dev[1].n_gone, 1);
	run(w, 2 * SEC);
	assert_true(PMA_NODE->dev[2].attached);
	assert_int_equal(PMA_NODE->n_kernel, 1);
	assert_int_equal(PMA_NODE->n_row, 1);
	assert_int_equal(w->node[HA].n_kernel, 1);
	assert_null(device(PMA_NODE, 1));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, end_world)
#define DEAF(name) cmocka_unit_test_setup_teardown(test_##name, setup_deaf, end_world)
	const struct CMUnitTest tests[] = {
		T(attach), T(ipip), DEAF(key_encodings), T(old_peer), T(service), T(host_config),
		DEAF(host_config_late), DEAF(hint), DEAF(hint_late), DEAF(retransmit),
		DEAF(wrong_replies), DEAF(uncovered), DEAF(wrong_key), T(clock), DEAF(denials), DEAF(storm),
		DEAF(unsupported), DEAF(unusable),
		DEAF(granted_more), T(bind_fails),
		T(refresh), DEAF(refresh_fails), T(refresh_bind_fails), DEAF(refresh_silence), DEAF(refresh_denied),
		DEAF(refresh_unwanted), DEAF(clock_ahead), DEAF(detach), DEAF(detach_waiting), DEAF(attach_again),
		T(take_over),
	};

	return cmocka_run_group_tests_name("core: proxy mobility agent", tests, NULL, NULL);
}
