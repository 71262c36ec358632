// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include <linux/mip4.h>

#include "mipctl/binding.h"
#include "mipctl/nl.h"
#include "mipctl/print.h"

/* Which nest a keyword's attribute belongs to. */
enum { AT_TOP, AT_BINDING, AT_ADDR, AT_LEG, AT_NEW_LEG };

static const struct keyword binding_keys[] = {
	KEYWORD("dev", VAL_DEV, .attr = MIP4_A_IFINDEX, .where = AT_TOP),
	KEYWORD("all", VAL_NONE, .attr = MIP4_A_ALL, .where = AT_TOP),
	KEYWORD("id", VAL_U32, .attr = MIP4_BINDING_A_ID, .where = AT_BINDING, .min = 1),
	KEYWORD("cookie", VAL_HEX64, .attr = MIP4_BINDING_A_COOKIE, .where = AT_BINDING),
	KEYWORD("realm", VAL_U32, .attr = MIP4_BINDING_A_REALM, .where = AT_BINDING),
	KEYWORD("port", VAL_DEV, .attr = MIP4_BINDING_A_PORT, .where = AT_BINDING),
	KEYWORD("mac", VAL_MAC, .attr = MIP4_BINDING_A_MAC, .where = AT_BINDING),
	KEYWORD("gateway", VAL_INET_LEN, .attr = MIP4_BINDING_A_GATEWAY, .where = AT_BINDING),
	KEYWORD("lifetime", VAL_TIME, .attr = MIP4_BINDING_A_LIFETIME, .where = AT_BINDING, .min = 1,
		.special = "infinite", .special_val = 0),
	KEYWORD("home", VAL_INET_LEN, .attr = MIP4_ADDR_A_ADDRESS, .where = AT_ADDR),
	KEYWORD("prefix", VAL_PREFIX, .attr = MIP4_ADDR_A_ADDRESS, .where = AT_ADDR),
	KEYWORD("match", VAL_PREFIX, .attr = MIP4_ADDR_A_ADDRESS, .where = AT_ADDR),
	KEYWORD("peer", VAL_INET, .attr = MIP4_LEG_A_PEER, .where = AT_LEG),
	KEYWORD("local", VAL_INET, .attr = MIP4_LEG_A_LOCAL, .where = AT_LEG),
	KEYWORD("encap", VAL_NAME, .attr = MIP4_LEG_A_ENCAP, .where = AT_LEG, .names = &encap_names),
	KEYWORD("key", VAL_KEY, .attr = MIP4_LEG_A_IKEY, .where = AT_LEG),
	KEYWORD("okey", VAL_KEY, .attr = MIP4_LEG_A_OKEY, .where = AT_LEG),
	KEYWORD("peer-port", VAL_U16, .attr = MIP4_LEG_A_PEER_PORT, .where = AT_LEG, .min = 1),
	KEYWORD("state", VAL_NAME, .attr = MIP4_LEG_A_STATE, .where = AT_LEG,
		.names = &leg_state_names),
	KEYWORD("for", VAL_MSEC, .attr = MIP4_LEG_A_LIFETIME_MS, .where = AT_LEG, .min = 1,
		.special = "infinite", .special_val = 0),
	KEYWORD("leg", VAL_NONE, .where = AT_NEW_LEG),
};

#define N_KEYS ARRAY_SIZE(binding_keys)
#define KEY_DEV 0
#define KEY_ALL 1

static const char binding_help[] =
	"Usage: mipctl binding add dev DEV home ADDR [ prefix PREFIX ]... [ DEVICE-SIDE ]\n"
	"                          LEG [ leg LEG ]... [ realm NUMBER ] [ lifetime TIME ]\n"
	"                          [ cookie HEX ]\n"
	"       mipctl binding set dev DEV SELECTOR [ what changes, as in add ]\n"
	"       mipctl binding { del | get } dev DEV SELECTOR\n"
	"       mipctl binding [ show [ FILTER ] ]\n"
	"       mipctl binding flush dev DEV { FILTER | all }\n"
	"where  DEVICE-SIDE := port PORT [ mac MAC ] [ gateway ADDR[/LENGTH] ]\n"
	"       LEG := peer ADDR [ local ADDR ] [ encap { gre | ipip | minimal | udp } ]\n"
	"              [ key KEY okey KEY ] [ peer-port NUMBER ]\n"
	"              [ state { active | copy | receive_only | pending | return } ]\n"
	"              [ for { TIME | NUMBERms | infinite } ]\n"
	"       SELECTOR := { id NUMBER | [ realm NUMBER ] { home ADDR | prefix PREFIX } |\n"
	"                     port PORT [ mac MAC ] }\n"
	"       FILTER := [ dev DEV ] [ realm NUMBER ] [ match PREFIX ] [ port PORT ] [ peer ADDR ]\n"
	"       PREFIX := ADDR[/LENGTH], IPv4 or IPv6\n"
	"       KEY := 0..4294967295 or 0x0..0xffffffff; key is received, okey is sent\n"
	"       TIME := { SECONDS | NUMBER{s|m|h|d} | infinite }\n"
	"Of several SELECTORs the first in this order counts; set changes what else is given,\n"
	"all LEGs as a whole: those not named go; each with peer, and the keys or an encap\n"
	"without any; and all PREFIXes as a whole, behind home, which stays: with id and home\n"
	"alone they all go. match finds what has that PREFIX or a larger one.\n"
	"A point-to-point PORT, as of PPP, has one device and no MAC.\n";

/* A parsed line. Values keep pointing into argv. */
struct line {
	struct val top[N_KEYS];		/* AT_TOP and AT_BINDING, by keyword */
	struct val addrs[MIP4_ADDRS_MAX];
	struct val legs[MIP4_LEGS_MAX][N_KEYS];
	unsigned int n_addrs, n_legs;
};

/* Only keywords for which allowed() holds. */
static int parse(struct args *a, struct line *l, bool (*allowed)(const struct keyword *kw))
{
	const struct keyword *kw;
	struct val *v;
	int rc;

	memset(l, 0, sizeof(*l));
	while (arg_peek(a)) {
		rc = arg_keyword(a, binding_keys, N_KEYS, &kw);
		if (rc)
			return rc;
		if (!allowed(kw))
			return arg_wrong(kw->word, "this command doesn't take it "
					 "(try \"mipctl binding help\")");
		switch (kw->where) {
		case AT_ADDR:
			if (l->n_addrs == MIP4_ADDRS_MAX)
				return arg_wrong(kw->word, "more than %d addresses", MIP4_ADDRS_MAX);
			v = &l->addrs[l->n_addrs++];
			break;
		case AT_NEW_LEG:
			if (!l->n_legs)
				return arg_wrong(kw->word, "it starts a further leg, "
						 "but there is no first one before it");
			if (l->n_legs == MIP4_LEGS_MAX)
				return arg_wrong(kw->word, "more than %d legs", MIP4_LEGS_MAX);
			l->n_legs++;
			continue;
		case AT_LEG:
			l->n_legs += !l->n_legs;
			v = &l->legs[l->n_legs - 1][kw - binding_keys];
			break;
		default:
			v = &l->top[kw - binding_keys];
		}
		rc = arg_val(a, kw, v);
		if (rc)
			return rc;
	}
	return CTL_OK;
}

static void put_addr(struct nl_req *req, const struct val *addr)
{
	struct nlattr *nest = nl_nest(req, MIP4_BINDING_A_ADDR);

	if (nest)
		nl_note(req, nest, addr);
	if (addr->family != AF_INET) {
		nl_note(req, mnl_nlmsg_get_payload_tail(req->nlh), addr);
		nl_put(req, MIP4_ADDR_A_FAMILY, &addr->family, sizeof(addr->family));
	}
	if (addr->plen != VAL_NO_PLEN) {
		nl_note(req, mnl_nlmsg_get_payload_tail(req->nlh), addr);
		nl_put(req, MIP4_ADDR_A_PLEN, &addr->plen, sizeof(addr->plen));
	}
	nl_put_val(req, MIP4_ADDR_A_ADDRESS, addr);
	nl_nest_end(req, nest);
}

/* The nest as a whole stands for the first word about it. */
static void put_leg(struct nl_req *req, const struct val *leg)
{
	struct nlattr *nest = nl_nest(req, MIP4_BINDING_A_LEG);
	size_t k, first = 0;

	while (first < N_KEYS && !leg[first].key)
		first++;
	if (nest && first < N_KEYS)
		nl_note(req, nest, &leg[first]);
	for (k = 0; k < N_KEYS; k++)
		nl_put_val(req, binding_keys[k].attr, &leg[k]);
	nl_nest_end(req, nest);
}

static void put_binding(struct nl_req *req, const struct line *l)
{
	struct nlattr *binding = nl_nest(req, MIP4_A_BINDING), *list;
	const struct val *v;
	unsigned int i;
	bool first;
	size_t k;

	for (k = 0; k < N_KEYS; k++) {
		v = &l->top[k];
		if (binding_keys[k].where != AT_BINDING || !v->key)
			continue;
		nl_put_val(req, binding_keys[k].attr, v);
		if (binding_keys[k].type == VAL_INET_LEN && v->plen != VAL_NO_PLEN) {
			nl_note(req, mnl_nlmsg_get_payload_tail(req->nlh), v);
			nl_put(req, MIP4_BINDING_A_HOME_PLEN, &v->plen, sizeof(v->plen));
		}
	}
	if (l->n_addrs) {
		list = nl_nest(req, MIP4_BINDING_A_ADDRS);
		/* the kernel takes the first host address for the home address */
		for (i = 0; i < 2 * l->n_addrs; i++) {
			v = &l->addrs[i % l->n_addrs];
			first = i < l->n_addrs;
			if (!strcmp(v->key, "home") == first)
				put_addr(req, v);
		}
		nl_nest_end(req, list);
	}
	if (l->n_legs) {
		list = nl_nest(req, MIP4_BINDING_A_LEGS);
		for (i = 0; i < l->n_legs; i++)
			put_leg(req, l->legs[i]);
		nl_nest_end(req, list);
	}
	nl_nest_end(req, binding);
}

static int need_dev(const struct args *a, const struct line *l)
{
	return l->top[KEY_DEV].key ? CTL_OK : arg_incomplete(a, "\"dev\" is missing");
}

/* ---- add: alone, or many in one message ---- */

#define BULK_SIZE (128 * 1024)

static struct {
	struct nl_req *req;
	void *buf;
	uint32_t dev;
	unsigned int count;
} bulk;

static int bulk_add(const struct line *l)
{
	uint32_t dev = val_u32(&l->top[KEY_DEV]);
	int rc;

	/* Room for the largest binding that a line can hold. */
	if (bulk.count && (dev != bulk.dev || bulk.req->nlh->nlmsg_len > BULK_SIZE - 8192))
		return CTL_FLUSH_FIRST;
	if (!bulk.count) {
		if (!bulk.req)
			bulk.req = malloc(sizeof(*bulk.req));
		if (!bulk.buf)
			bulk.buf = malloc(BULK_SIZE);
		if (!bulk.req || !bulk.buf) {
			ctl_err("out of memory");
			return CTL_KERNEL;
		}
		rc = nl_genl(bulk.req, MIP4_CMD_BINDING_NEW, 0, bulk.buf, BULK_SIZE);
		if (rc)
			return rc;
		nl_put_u32(bulk.req, MIP4_A_IFINDEX, dev);
		bulk.dev = dev;
	}
	put_binding(bulk.req, l);
	/* The words go with the line; errors are found by repeating it alone. */
	bulk.req->n_notes = 0;
	bulk.count++;
	return CTL_OK;
}

static int binding_flush_bulk(void)
{
	if (!bulk.count)
		return CTL_OK;
	bulk.count = 0;
	return nl_talk(bulk.req, "binding add", NULL, NULL);
}

static int send_line(const struct line *l, uint8_t cmd, const char *what)
{
	struct nl_req req;
	int rc = nl_genl(&req, cmd, 0, NULL, 0);

	if (rc)
		return rc;
	nl_put_val(&req, MIP4_A_IFINDEX, &l->top[KEY_DEV]);
	put_binding(&req, l);
	return nl_talk(&req, what, NULL, NULL);
}

static bool allowed_set(const struct keyword *kw)
{
	return kw != &binding_keys[KEY_ALL] && strcmp(kw->word, "match");
}

static bool has_home(const struct line *l)
{
	unsigned int i;

	for (i = 0; i < l->n_addrs; i++)
		if (!strcmp(l->addrs[i].key, "home"))
			return true;
	return false;
}

static int binding_add(struct args *a)
{
	struct line l;
	int rc;

	rc = parse(a, &l, allowed_set);
	if (!rc)
		rc = need_dev(a, &l);
	if (!rc && !has_home(&l))
		rc = arg_incomplete(a, "\"home\" is missing");
	if (!rc && !l.n_legs)
		rc = arg_incomplete(a, "\"peer\" is missing");
	if (rc)
		return rc;
	return ctl_bulk ? bulk_add(&l) : send_line(&l, MIP4_CMD_BINDING_NEW, "binding add");
}

/* ---- set, del, get, flush ---- */

static bool given(const struct val *vals, const char *word)
{
	size_t k;

	for (k = 0; k < N_KEYS; k++)
		if (vals[k].key && !strcmp(binding_keys[k].word, word))
			return true;
	return false;
}

static bool has(const struct line *l, const char *word)
{
	return given(l->top, word);
}

static int need_selector(const struct args *a, const struct line *l)
{
	int rc = need_dev(a, l);

	if (rc || has(l, "id") || has(l, "port") || l->n_addrs)
		return rc;
	return arg_incomplete(a, "say which binding: \"id\", \"port\" and its \"mac\", or \"home\"");
}

static bool allowed_select(const struct keyword *kw)
{
	static const char words[] = " dev id realm port mac home prefix ";
	char word[16];

	snprintf(word, sizeof(word), " %s ", kw->word);
	return strstr(words, word);
}

static bool allowed_filter(const struct keyword *kw)
{
	static const char words[] = " dev realm match port peer ";
	char word[16];

	snprintf(word, sizeof(word), " %s ", kw->word);
	return strstr(words, word);
}

static bool allowed_flush(const struct keyword *kw)
{
	return allowed_filter(kw) || kw == &binding_keys[KEY_ALL];
}

/* What of port and mac doesn't select is what changes. */
static bool has_change(const struct line *l)
{
	return l->n_legs || has(l, "cookie") || has(l, "gateway") || has(l, "lifetime") ||
	       l->n_addrs > !has(l, "id") ||
	       ((has(l, "id") || l->n_addrs) && (has(l, "port") || has(l, "mac")));
}

/* What a leg doesn't name gets its default: so keys would go by being forgotten. */
static int need_whole_legs(const struct args *a, const struct line *l)
{
	const struct val *leg;
	unsigned int i;

	for (i = 0; i < l->n_legs; i++) {
		leg = l->legs[i];
		if (!given(leg, "peer"))
			return arg_incomplete(a, "\"peer\" is missing: a leg is replaced as a whole");
		if (!given(leg, "encap") && !given(leg, "key") && !given(leg, "okey"))
			return arg_incomplete(a, "a leg is replaced as a whole: name \"key\" and \"okey\", "
					      "or \"encap\" alone for none");
	}
	return CTL_OK;
}

static int binding_set(struct args *a)
{
	struct line l;
	int rc;

	rc = parse(a, &l, allowed_set);
	if (!rc)
		rc = need_selector(a, &l);
	if (!rc && !has_change(&l))
		rc = arg_incomplete(a, "nothing to set");
	if (!rc)
		rc = need_whole_legs(a, &l);
	return rc ? rc : send_line(&l, MIP4_CMD_BINDING_SET, "binding set");
}

static int binding_del(struct args *a)
{
	struct line l;
	int rc;

	rc = parse(a, &l, allowed_select);
	if (!rc)
		rc = need_selector(a, &l);
	return rc ? rc : send_line(&l, MIP4_CMD_BINDING_DEL, "binding del");
}

static int on_binding(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[MIP4_A_MAX + 1];

	(void)data;
	nl_tb_genl(nlh, tb, MIP4_A_MAX);
	if (!tb[MIP4_A_BINDING])
		return CTL_OK;
	pr_begin();
	binding_print(nl_u32(tb[MIP4_A_IFINDEX]), tb[MIP4_A_BINDING]);
	pr_end();
	return CTL_OK;
}

static int binding_get(struct args *a)
{
	struct nl_req req;
	struct line l;
	int rc;

	rc = parse(a, &l, allowed_select);
	if (!rc)
		rc = need_selector(a, &l);
	if (!rc)
		rc = nl_genl(&req, MIP4_CMD_BINDING_GET, 0, NULL, 0);
	if (rc)
		return rc;
	nl_put_val(&req, MIP4_A_IFINDEX, &l.top[KEY_DEV]);
	put_binding(&req, &l);
	pr_array_begin();
	rc = nl_talk(&req, "binding get", on_binding, NULL);
	pr_array_end();
	return rc;
}

int binding_dump(uint32_t dev, int (*cb)(const struct nlmsghdr *nlh, void *data))
{
	struct nl_req req;
	int rc = nl_genl(&req, MIP4_CMD_BINDING_GET, NLM_F_DUMP, NULL, 0);

	if (rc)
		return rc;
	if (dev)
		nl_put_u32(&req, MIP4_A_IFINDEX, dev);
	return nl_talk(&req, "binding show", cb, NULL);
}

static bool has_filter(const struct line *l)
{
	return l->n_legs || l->n_addrs || has(l, "realm") || has(l, "port");
}

static int binding_show(struct args *a)
{
	struct nl_req req;
	struct line l;
	int rc;

	rc = parse(a, &l, allowed_filter);
	if (!rc)
		rc = nl_genl(&req, MIP4_CMD_BINDING_GET, NLM_F_DUMP, NULL, 0);
	if (rc)
		return rc;
	nl_put_val(&req, MIP4_A_IFINDEX, &l.top[KEY_DEV]);
	if (has_filter(&l))
		put_binding(&req, &l);
	pr_array_begin();
	rc = nl_talk(&req, "binding show", on_binding, NULL);
	pr_array_end();
	return rc;
}

static int on_count(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[MIP4_A_MAX + 1];

	nl_tb_genl(nlh, tb, MIP4_A_MAX);
	if (tb[MIP4_A_COUNT])
		*(uint32_t *)data = nl_u32(tb[MIP4_A_COUNT]);
	return CTL_OK;
}

static int binding_flush(struct args *a)
{
	struct nl_req req;
	uint32_t count = 0;
	struct line l;
	bool all;
	int rc;

	rc = parse(a, &l, allowed_flush);
	if (!rc)
		rc = need_dev(a, &l);
	all = l.top[KEY_ALL].key;
	if (!rc && all && has_filter(&l))
		rc = arg_wrong("all", "it can't be combined with a filter");
	if (!rc && !all && !has_filter(&l))
		rc = arg_incomplete(a, "say what to flush: \"realm\", \"match\", \"port\", \"peer\" or "
				    "\"all\"");
	if (!rc)
		rc = nl_genl(&req, MIP4_CMD_BINDING_FLUSH, 0, NULL, 0);
	if (rc)
		return rc;
	nl_put_val(&req, MIP4_A_IFINDEX, &l.top[KEY_DEV]);
	if (all)
		nl_put(&req, MIP4_A_ALL, NULL, 0);
	else
		put_binding(&req, &l);
	rc = nl_talk(&req, "binding flush", on_count, &count);
	if (rc || !(opt.stats || opt.json))
		return rc;
	pr_array_begin();
	pr_begin();
	pr_uint("flushed", "flushed", count);
	pr_end();
	pr_array_end();
	return CTL_OK;
}

static const struct command binding_commands[] = {
	{ "show", "list lst", binding_show, NULL },
	{ "add", NULL, binding_add, binding_flush_bulk },
	{ "del", "delete", binding_del, NULL },
	{ "set", "change", binding_set, NULL },
	{ "get", NULL, binding_get, NULL },
	{ "flush", NULL, binding_flush, NULL },
	{ NULL, NULL, NULL, NULL },
};

const struct object binding_object = { "binding", binding_help, binding_commands, NULL };
