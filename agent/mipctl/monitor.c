// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <string.h>

#include <linux/genetlink.h>
#include <linux/mip4.h>

#include "mipctl/binding.h"
#include "mipctl/nl.h"
#include "mipctl/print.h"

static const struct keyword monitor_keys[] = {
	KEYWORD("all", VAL_NONE),
	KEYWORD("binding", VAL_NONE),
	KEYWORD("event", VAL_NONE),
	KEYWORD("initial", VAL_NONE),
	KEYWORD("dev", VAL_DEV),
};

enum { KEY_ALL, KEY_BINDING, KEY_EVENT, KEY_INITIAL, KEY_DEV, N_KEYS };

static const char monitor_help[] =
	"Usage: mipctl monitor [ all | binding | event ] [ dev DEV ] [ initial ]\n"
	"initial prints the bindings that exist first; none is missed in between.\n"
	"A line \"overrun\" means that notifications were lost: read with show again.\n";

static const char *const event_list[] = {
	[MIP4_EVENT_UNKNOWN_DEVICE] = "unknown_device",
	[MIP4_EVENT_SPOOF] = "spoof",
	[MIP4_EVENT_PEER_UNREACHABLE] = "peer_unreachable",
	[MIP4_EVENT_SOCKET_LOST] = "socket_lost",
};

static const struct names event_names = { event_list, MIP4_EVENT_MAX + 1 };

static uint32_t only_dev;	/* ifindex, 0: all */

static void begin(const char *event)
{
	pr_begin();
	pr_now();
	pr_str(PR_PLAIN, "event", NULL, event);
}

static void print_event(uint32_t dev, const struct nlattr *nest)
{
	const struct nlattr *tb[MIP4_EVENT_A_MAX + 1];
	const char *name;
	char text[INET6_ADDRSTRLEN];
	uint8_t type;

	nl_tb_nest(nest, tb, MIP4_EVENT_A_MAX);
	type = nl_u8(tb[MIP4_EVENT_A_TYPE]);
	name = name_of(&event_names, type);
	snprintf(text, sizeof(text), "%u", type);
	begin(name ? name : text);
	pr_dev("dev", "dev", dev);
	if (nl_u32(tb[MIP4_EVENT_A_PORT]))
		pr_dev("port", "port", nl_u32(tb[MIP4_EVENT_A_PORT]));
	if (nl_mac(tb[MIP4_EVENT_A_MAC]))
		pr_mac("mac", "mac", nl_mac(tb[MIP4_EVENT_A_MAC]));
	if (tb[MIP4_EVENT_A_ETHERTYPE]) {
		snprintf(text, sizeof(text), "0x%04x", nl_u16(tb[MIP4_EVENT_A_ETHERTYPE]));
		pr_str(PR_PLAIN, "ethertype", "ethertype", text);
	}
	if (tb[MIP4_EVENT_A_ADDRESS])
		pr_inet("address", "address", nl_inet(tb[MIP4_EVENT_A_ADDRESS]), "");
	if (tb[MIP4_EVENT_A_ADDRESS6] &&
	    mnl_attr_get_payload_len(tb[MIP4_EVENT_A_ADDRESS6]) == sizeof(struct in6_addr)) {
		inet_ntop(AF_INET6, mnl_attr_get_payload(tb[MIP4_EVENT_A_ADDRESS6]), text,
			  sizeof(text));
		pr_str(PR_INET, "address", "address", text);
	}
	if (tb[MIP4_EVENT_A_BINDING_ID])
		pr_uint("id", "id", nl_u32(tb[MIP4_EVENT_A_BINDING_ID]));
	if (tb[MIP4_EVENT_A_PEER])
		pr_inet("peer", "peer", nl_inet(tb[MIP4_EVENT_A_PEER]), "");
	if (tb[MIP4_EVENT_A_PEER_PORT])
		pr_uint("peer_port", "peer-port", nl_u16(tb[MIP4_EVENT_A_PEER_PORT]));
	if (tb[MIP4_EVENT_A_LOST])
		pr_uint("lost", "lost", nl_u64(tb[MIP4_EVENT_A_LOST]));
	if (tb[MIP4_EVENT_A_TIME_NS])
		pr_uint("time_ns", opt.details ? "time-ns" : PR_JSON,
			nl_u64(tb[MIP4_EVENT_A_TIME_NS]));
	pr_end();
}

static void print_change(uint8_t cmd, const struct nlattr **tb)
{
	begin(cmd == MIP4_CMD_BINDING_NEW ? "new" : cmd == MIP4_CMD_BINDING_SET ? "set" : "del");
	binding_print(nl_u32(tb[MIP4_A_IFINDEX]), tb[MIP4_A_BINDING]);
	if (tb[MIP4_A_REASON])
		pr_name("reason", "reason", &reason_names, nl_u8(tb[MIP4_A_REASON]));
	pr_end();
}

static int on_notification(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[MIP4_A_MAX + 1];
	const struct genlmsghdr *genl;

	(void)data;
	if (!nlh) {
		begin("overrun");
		pr_end();
		return CTL_OK;
	}
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*genl))
		return CTL_OK;
	genl = mnl_nlmsg_get_payload(nlh);
	dev_forget();
	nl_tb_genl(nlh, tb, MIP4_A_MAX);
	if (only_dev && nl_u32(tb[MIP4_A_IFINDEX]) != only_dev)
		return CTL_OK;
	if (tb[MIP4_A_EVENT])
		print_event(nl_u32(tb[MIP4_A_IFINDEX]), tb[MIP4_A_EVENT]);
	else if (tb[MIP4_A_BINDING])
		print_change(genl->cmd, tb);
	return CTL_OK;
}

static int on_initial(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[MIP4_A_MAX + 1];

	(void)data;
	nl_tb_genl(nlh, tb, MIP4_A_MAX);
	if (!tb[MIP4_A_BINDING])
		return CTL_OK;
	begin("initial");
	binding_print(nl_u32(tb[MIP4_A_IFINDEX]), tb[MIP4_A_BINDING]);
	pr_end();
	return CTL_OK;
}

static int dump_initial(void)
{
	return binding_dump(only_dev, on_initial);
}

static int monitor_run(struct args *a)
{
	struct val vals[N_KEYS] = { 0 };
	bool bindings, events;
	const char *groups[3];
	struct nl_req probe;
	unsigned int n = 0;
	int rc;

	rc = arg_all(a, monitor_keys, N_KEYS, vals);
	if (rc)
		return rc;
	events = vals[KEY_ALL].key || vals[KEY_EVENT].key || !vals[KEY_BINDING].key;
	bindings = vals[KEY_ALL].key || vals[KEY_BINDING].key || !vals[KEY_EVENT].key;
	only_dev = vals[KEY_DEV].key ? val_u32(&vals[KEY_DEV]) : 0;
	if (vals[KEY_INITIAL].key && !bindings)
		return arg_wrong("initial", "events have no initial state; add \"binding\"");
	if (opt.dump_nl)
		return arg_wrong("monitor", "it sends no request that -dump-nl could write");

	/* Says so if the module isn't there. */
	rc = nl_genl(&probe, MIP4_CMD_VERSION_GET, 0, NULL, 0);
	if (rc)
		return rc;
	if (bindings)
		groups[n++] = MIP4_MCGRP_BINDINGS;
	if (events)
		groups[n++] = MIP4_MCGRP_EVENTS;
	groups[n] = NULL;
	pr_stream();
	return nl_listen(groups, vals[KEY_INITIAL].key ? dump_initial : NULL, on_notification);
}

static const struct command monitor_commands[] = {
	{ "", NULL, monitor_run, NULL },
	{ NULL, NULL, NULL, NULL },
};

const struct object monitor_object = { "monitor", monitor_help, monitor_commands, NULL };
