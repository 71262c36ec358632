// SPDX-License-Identifier: GPL-2.0-only
/* mip4load malformed: the catalogue, sent to a home agent that lives, and shall afterwards. */
#include <errno.h>
#include <string.h>

#include "host/clock.h"
#include "load/catalogue.h"
#include "load/setup.h"
#include "mipctl/print.h"

#define REQUEST_TRIES	4
#define REQUEST_WAIT_US	1000000ULL	/* RFC 5944 s3.6.3: at least */
#define VICTIM_US	3000000ULL	/* its last request is no older, and so within any replay window */
#define VICTIM		"probe-victim"

static const char malformed_help[] =
	"Usage: mip4load malformed ha ADDRESS pma ADDRESS nai TEMPLATE key FILE [ spi NUMBER ]\n"
	"           [ algorithm ALGORITHM ] [ gre-key { on | off } ] [ stranger ADDRESS ] [ wait TIME ]\n"
	"           [ only NAME ]\n"
	"Where: ADDRESS of pma and stranger are of this machine; the home agent knows the first only\n"
	"       TEMPLATE := an NAI with %d in it, whose realm is one of the home agent's\n"
	"       FILE := a key in hexadecimal; %a in its name is the PMA's address\n"
	"       ALGORITHM := { hmac-sha-256 | hmac-sha-1 | hmac-md5 | keyed-md5 | keyed-md5-rfc2002 }\n"
	"       NAME := a case of \"mip4load list\"\n";

static const char list_help[] =
	"Usage: mip4load list\n";

struct trial {
	struct setup setup;
	struct net *net;
	struct probe_env env;
	struct probe probe;
	uint64_t wall_ahead_us, registered_us;
	uint32_t offset_s;		/* of the home agent's clock, by code 133 */
	unsigned int asked_by;		/* the socket that an answer may come to */
	bool answered;
	struct answer answer;
	struct wire_rrp rrp;		/* of an answer that is a reply */
	unsigned int sent, unexpected, unsent;
};

static void set_clock(struct trial *t)
{
	t->env.ntp = clock_ntp(clock_mono_us() + t->wall_ahead_us) + ((uint64_t)t->offset_s << 32);
}

static void on_datagram(void *arg, unsigned int sock, const struct sockaddr_in *from, const uint8_t *data, size_t len)
{
	struct trial *t = arg;
	struct wire_msg msg;

	/* A revocation of something that was there before answers nothing. */
	if (t->answered || sock != t->asked_by || from->sin_addr.s_addr != t->env.ha.s_addr ||
	    (len && data[0] == WIRE_REVOKE))
		return;
	t->answered = true;
	t->answer = probe_answer(&t->probe, data, len);
	if (t->answer.kind == ANSWER_REPLY && !wire_parse(data, len, &msg))
		t->rrp = msg.rrp;
}

static void on_icmp(void *arg, unsigned int sock, uint8_t type, uint8_t code)
{
	struct trial *t = arg;

	if (t->answered || sock != t->asked_by)
		return;
	t->answered = true;
	t->answer = (struct answer){ .kind = ANSWER_ICMP, .type = type, .code = code };
}

/* What comes back to the probe, within that time. */
static void ask(struct trial *t, unsigned int sock, uint64_t wait_us)
{
	uint64_t until = clock_mono_us() + wait_us;

	t->asked_by = sock;
	t->answered = true;
	net_wait(t->net, 1);		/* what is late is no answer to this */
	t->answered = false;
	t->answer = (struct answer){ .kind = ANSWER_SILENCE };
	if (!net_send(t->net, sock, t->env.ha, WIRE_PORT, t->probe.buf, t->probe.len))
		ctl_warn("not sent: %s", strerror(errno));
	while (!t->answered && clock_mono_us() < until)
		net_wait(t->net, until);
}

/* A request that is in order, repeated and with the home agent's clock as it takes; is it accepted? */
static bool registers(struct trial *t, struct in_addr home)
{
	struct probe *p = &t->probe;

	for (int i = 0; i < REQUEST_TRIES; i++) {
		uint64_t began = clock_mono_us();

		set_clock(t);
		probe_base(p, &t->env, VICTIM);
		p->req.f.home = home;
		load_request_build(&p->out, &p->req);
		p->len = p->out.len;
		memcpy(p->buf, p->out.buf, p->len);
		ask(t, 0, REQUEST_WAIT_US);
		if (t->answer.kind == ANSWER_REPLY && t->answer.authentic &&
		    t->answer.code <= WIRE_CODE_ACCEPTED_NO_SIMULTANEOUS) {
			t->env.accepted = p->out;
			t->registered_us = began;
			return true;
		}
		if (t->answer.kind == ANSWER_REPLY && t->answer.authentic &&
		    t->answer.code == WIRE_CODE_HA_ID_MISMATCH)
			t->offset_s += (uint32_t)(t->rrp.id >> 32) - (uint32_t)(t->env.ntp >> 32);
		else if (t->answer.kind == ANSWER_REPLY)
			return false;
		while (clock_mono_us() < began + REQUEST_WAIT_US)
			net_wait(t->net, began + REQUEST_WAIT_US);
	}
	return false;
}

static void print_case(struct trial *t, const struct probe_case *c)
{
	const char *why = "";
	bool sent = !c->by_stranger || t->setup.stranger.s_addr, as_expected = false;
	char text[80] = "not sent: it takes a stranger";

	if (sent) {
		t->sent++;
		answer_text(&t->answer, text);
		as_expected = probe_expects(c, &t->answer, &why);
		t->unexpected += !as_expected;
	} else {
		t->unsent++;
	}
	pr_line();
	pr_open_object(NULL);
	pr_str(PR_PLAIN, "name", NULL, c->name);
	pr_str(PR_PLAIN, "what", PR_JSON, c->what);
	pr_str(!sent || as_expected ? PR_PLAIN : PR_DOWN, "answer", "answer", text);
	if (opt.json && t->answer.kind == ANSWER_REPLY && sent)
		pr_uint("code", NULL, t->answer.code);
	pr_str(PR_PLAIN, "expected", "expected", c->expect);
	pr_str(PR_PLAIN, "reference", "by", c->rfc);
	if (sent && !as_expected)
		pr_str(PR_DOWN, "wrong", NULL, *why ? why : "UNEXPECTED");
	pr_close();
}

static void one_case(struct trial *t, const struct probe_case *c)
{
	if (clock_mono_us() - t->registered_us > VICTIM_US)
		registers(t, t->env.victim_home);
	set_clock(t);
	probe_build(&t->probe, &t->env, c);
	t->answer = (struct answer){ .kind = ANSWER_SILENCE };
	if (!c->by_stranger || t->setup.stranger.s_addr)
		ask(t, c->by_stranger ? t->setup.load.n_pmas : 0, t->setup.wait_ms * 1000ULL);
	print_case(t, c);
}

static int first_contact(struct trial *t)
{
	const char *hint = "";
	char text[80];

	if (registers(t, (struct in_addr){ 0 })) {
		t->env.victim_home = t->rrp.home;
		return CTL_OK;
	}
	answer_text(&t->answer, text);
	if (t->answer.kind == ANSWER_SILENCE)
		hint = " (is that its address, and is this PMA among its peers?)";
	else if (t->answer.kind == ANSWER_REPLY && !t->answer.authentic)
		hint = ", signed by another key (key, spi, algorithm?)";
	ctl_err("the home agent doesn't accept a request that is in order: %s%s; what it says to others proves nothing",
		text, hint);
	return CTL_KERNEL;
}

/* Does it live, and has it kept the device that was there all the time? */
static void print_end(struct trial *t, bool *alive, bool *kept)
{
	*alive = registers(t, (struct in_addr){ 0 });
	*kept = *alive && t->rrp.home.s_addr == t->env.victim_home.s_addr;
	pr_line();
	pr_uint("sent", "sent", t->sent);
	pr_uint("not_sent", t->unsent ? "not_sent" : PR_JSON, t->unsent);
	pr_uint("unexpected", "unexpected", t->unexpected);
	pr_bool("alive", PR_JSON, *alive);
	pr_bool("binding_kept", PR_JSON, *kept);
	pr_text(*alive ? "the home agent lives" : "THE HOME AGENT ANSWERS NO MORE");
	if (*alive && !*kept)
		pr_text("BUT HAS LOST A BINDING");
}

static int try_all(struct trial *t)
{
	bool alive, kept;
	int rc = first_contact(t);

	if (rc)
		return rc;
	pr_array_begin();
	pr_begin();
	pr_inet("ha", "ha", t->env.ha, "");
	pr_inet("pma", "pma", t->env.pma, "");
	pr_open_list("cases");
	for (unsigned int i = 0; i < n_probe_cases; i++)
		if (!t->setup.only || !strcmp(t->setup.only, probe_cases[i].name))
			one_case(t, &probe_cases[i]);
	pr_close();
	print_end(t, &alive, &kept);
	pr_end();
	pr_array_end();
	return t->unexpected || !alive || !kept ? LOAD_BAD : CTL_OK;
}

static int check_only(const char *name)
{
	for (unsigned int i = 0; i < n_probe_cases; i++)
		if (!name || !strcmp(name, probe_cases[i].name))
			return CTL_OK;
	return arg_wrong(name, "only: there is no such case (try \"mip4load list\")");
}

int malformed_command(struct args *a)
{
	static struct trial t;		/* some 20 kB */
	const struct net_handler handler = { on_datagram, on_icmp, &t };
	char victim[WIRE_NAI_MAX + 1];
	int rc = setup_read(a, true, &t.setup);

	if (!rc)
		rc = check_only(t.setup.only);
	if (rc)
		goto out;
	snprintf(victim, sizeof(victim), VICTIM "@%s", t.setup.realm);
	t.wall_ahead_us = clock_wall_ahead_us();
	t.env = (struct probe_env){
		.ha = t.setup.load.ha, .pma = t.setup.load.pmas[0].addr, .stranger = t.setup.stranger,
		.sa = &t.setup.load.pmas[0].sa, .gre_key = t.setup.load.gre_key, .realm = t.setup.realm,
		.victim = victim,
	};
	rc = CTL_KERNEL;
	t.net = net_new(&handler);
	if (!t.net) {
		ctl_err("cannot wait for sockets: %s", strerror(errno));
		goto out;
	}
	rc = setup_sockets(&t.setup, t.net);
	if (!rc)
		rc = try_all(&t);
	net_free(t.net);
out:
	setup_free(&t.setup);
	return rc;
}

int list_command(struct args *a)
{
	int rc = arg_end(a);

	if (rc)
		return rc;
	pr_array_begin();
	for (unsigned int i = 0; i < n_probe_cases; i++) {
		const struct probe_case *c = &probe_cases[i];

		pr_begin();
		pr_str(PR_PLAIN, "name", NULL, c->name);
		pr_str(PR_PLAIN, "what", "what", c->what);
		pr_str(PR_PLAIN, "expected", "expected", c->expect);
		pr_str(PR_PLAIN, "reference", "by", c->rfc);
		pr_end();
	}
	pr_array_end();
	return CTL_OK;
}

static const struct command malformed_commands[] = {
	{ "", NULL, malformed_command, NULL },
	{ NULL, NULL, NULL, NULL },
};

static const struct command list_commands[] = {
	{ "", NULL, list_command, NULL },
	{ NULL, NULL, NULL, NULL },
};

const struct object malformed_object = { "malformed", malformed_help, malformed_commands, NULL };
const struct object list_object = { "list", list_help, list_commands, NULL };
