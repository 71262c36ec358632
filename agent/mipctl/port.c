// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include <linux/if_link.h>
#include <linux/mip4.h>
#include <linux/rtnetlink.h>

#include "mipctl/link.h"
#include "mipctl/nl.h"
#include "mipctl/print.h"

static const struct keyword port_keys[] = {
	KEYWORD("dev", VAL_DEV, .attr = MIP4_A_IFINDEX),
	KEYWORD("unknown", VAL_NAME, .attr = MIP4_PORT_A_UNKNOWN, .names = &unknown_names),
	KEYWORD("mode", VAL_NAME, .attr = MIP4_PORT_A_MODE, .names = &port_mode_names),
};

enum { KEY_DEV, KEY_UNKNOWN, KEY_MODE, N_KEYS };

static const struct keyword port_name =
	KEYWORD("the port", VAL_DEV, .attr = MIP4_PORT_A_IFINDEX);

static const char port_help[] =
	"Usage: mipctl port [ show [ PORT ] [ dev DEV ] ]\n"
	"       mipctl port add PORT dev DEV\n"
	"       mipctl port del PORT\n"
	"       mipctl port set PORT [ dev DEV ] [ unknown { hold | drop | pass } ]\n"
	"                       [ mode { access | home } ]\n"
	"add and del are `ip link set PORT master DEV` and `… nomaster`.\n";

/* PORT first, then n keywords of port_keys. */
static int parse(struct args *a, struct val *port, struct val *vals, size_t n)
{
	int rc;

	if (!arg_peek(a))
		return arg_incomplete(a, "the name of the port is missing");
	if (!strcmp(arg_peek(a), "help")) {
		help_print(a->obj, stdout);
		return CTL_HELP;
	}
	rc = arg_val(a, &port_name, port);
	return rc ? rc : arg_all(a, port_keys, n, vals);
}

static int set_master(const struct val *port, const struct val *dev, const char *what)
{
	const struct ifinfomsg head = { .ifi_index = (int)val_u32(port) };
	struct nl_req req;

	nl_rtnl(&req, RTM_SETLINK, 0, &head, sizeof(head));
	nl_put_val(&req, IFLA_MASTER, dev);
	return nl_talk(&req, what, NULL, NULL);
}

static int port_add(struct args *a)
{
	struct val port = { 0 }, vals[N_KEYS] = { 0 };
	struct link_info info;
	int rc;

	rc = parse(a, &port, vals, 1);
	if (!rc && !vals[KEY_DEV].key)
		rc = arg_incomplete(a, "\"dev\" is missing");
	if (rc)
		return rc;
	/* The kernel would take any kind of master, and move an enslaved port silently. */
	if (!nl_offline()) {
		rc = link_ask(val_u32(&vals[KEY_DEV]), &info);
		if (rc)
			return rc;
		if (strcmp(info.kind, MIP4_LINK_KIND))
			return arg_wrong(vals[KEY_DEV].arg, "dev must be a mip4 device");
		rc = link_ask(val_u32(&port), &info);
		if (rc)
			return rc;
		if (info.master && info.master != val_u32(&vals[KEY_DEV])) {
			ctl_err("%s is enslaved already, to %s (ip link set %s nomaster)",
				port.arg, dev_name(info.master), port.arg);
			return CTL_KERNEL;
		}
	}
	return set_master(&port, &vals[KEY_DEV], "port add");
}

static int port_del(struct args *a)
{
	static const struct val none = { .key = "del", .arg = "del", .len = 4 };
	struct val port = { 0 };
	struct link_info info;
	int rc;

	rc = parse(a, &port, NULL, 0);
	if (!rc && !nl_offline()) {
		rc = link_ask(val_u32(&port), &info);
		/* It must not be taken out of a bridge. */
		if (!rc && (!info.master || strcmp(info.master_kind, MIP4_LINK_KIND))) {
			ctl_err("%s is not a port of a mip4 device", port.arg);
			rc = CTL_KERNEL;
		}
	}
	return rc ? rc : set_master(&port, &none, "port del");
}

/* A port has one master, so dev may be left out. */
static int put_port(struct nl_req *req, uint8_t cmd, const struct val *port,
		    const struct val *vals)
{
	int rc = nl_genl(req, cmd, 0, NULL, 0);
	struct nlattr *nest;

	if (rc)
		return rc;
	nl_put_val(req, MIP4_A_IFINDEX, &vals[KEY_DEV]);
	nest = nl_nest(req, MIP4_A_PORT);
	nl_put_val(req, MIP4_PORT_A_IFINDEX, port);
	nl_put_val(req, MIP4_PORT_A_UNKNOWN, &vals[KEY_UNKNOWN]);
	nl_put_val(req, MIP4_PORT_A_MODE, &vals[KEY_MODE]);
	nl_nest_end(req, nest);
	return CTL_OK;
}

static int port_set(struct args *a)
{
	struct val port = { 0 }, vals[N_KEYS] = { 0 };
	struct nl_req req;
	int rc;

	rc = parse(a, &port, vals, N_KEYS);
	if (!rc && !vals[KEY_UNKNOWN].key && !vals[KEY_MODE].key)
		rc = arg_incomplete(a, "nothing to set: \"unknown\" or \"mode\" is missing");
	if (!rc)
		rc = put_port(&req, MIP4_CMD_PORT_SET, &port, vals);
	return rc ? rc : nl_talk(&req, "port set", NULL, NULL);
}

static int on_port(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[MIP4_A_MAX + 1], *at[MIP4_PORT_A_MAX + 1];

	(void)data;
	nl_tb_genl(nlh, tb, MIP4_A_MAX);
	nl_tb_nest(tb[MIP4_A_PORT], at, MIP4_PORT_A_MAX);
	if (!at[MIP4_PORT_A_IFINDEX])
		return CTL_OK;
	pr_begin();
	pr_dev("port", NULL, nl_u32(at[MIP4_PORT_A_IFINDEX]));
	pr_dev("dev", "dev", nl_u32(tb[MIP4_A_IFINDEX]));
	if (at[MIP4_PORT_A_MODE] && (nl_u8(at[MIP4_PORT_A_MODE]) || opt.details || opt.json))
		pr_name("mode", "mode", &port_mode_names, nl_u8(at[MIP4_PORT_A_MODE]));
	pr_name("unknown", "unknown", &unknown_names, nl_u8(at[MIP4_PORT_A_UNKNOWN]));
	pr_uint("bindings", "bindings", nl_u32(at[MIP4_PORT_A_BINDINGS]));
	if (opt.stats) {
		pr_line();
		pr_uint("held", "held", nl_u32(at[MIP4_PORT_A_HELD]));
		pr_count("unknown_frames", "unknown-frames",
			 nl_u64(at[MIP4_PORT_A_UNKNOWN_FRAMES]));
	}
	pr_end();
	return CTL_OK;
}

static int port_show(struct args *a)
{
	struct val port = { 0 }, vals[N_KEYS] = { 0 };
	struct nl_req req;
	int rc;

	if (arg_peek(a) && strcmp(arg_peek(a), port_keys[KEY_DEV].word)) {
		rc = parse(a, &port, vals, 1);
		if (!rc)
			rc = put_port(&req, MIP4_CMD_PORT_GET, &port, vals);
	} else {
		rc = arg_all(a, port_keys, 1, vals);
		if (!rc)
			rc = nl_genl(&req, MIP4_CMD_PORT_GET, NLM_F_DUMP, NULL, 0);
		if (!rc)
			nl_put_val(&req, MIP4_A_IFINDEX, &vals[KEY_DEV]);
	}
	if (rc)
		return rc;
	pr_array_begin();
	rc = nl_talk(&req, "port show", on_port, NULL);
	pr_array_end();
	return rc;
}

static const struct command port_commands[] = {
	{ "show", "list lst", port_show, NULL },
	{ "add", NULL, port_add, NULL },
	{ "del", "delete", port_del, NULL },
	{ "set", "change", port_set, NULL },
	{ NULL, NULL, NULL, NULL },
};

const struct object port_object = { "port", port_help, port_commands, NULL };
