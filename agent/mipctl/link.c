// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <linux/if_link.h>
#include <linux/mip4.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

#include "mipctl/link.h"
#include "mipctl/nl.h"
#include "mipctl/print.h"

/* Keywords of add and set. The last one is no attribute of the kind. */
static const struct keyword link_keys[] = {
	KEYWORD("local", VAL_INET, .attr = IFLA_MIP4_LOCAL),
	KEYWORD("encap", VAL_NAME, .attr = IFLA_MIP4_ENCAP, .names = &encap_names),
	KEYWORD("ttl", VAL_U8, .attr = IFLA_MIP4_TTL, .min = 1,
		.special = "inherit", .special_val = 0),
	KEYWORD("tos", VAL_U8, .attr = IFLA_MIP4_TOS, .special = "inherit", .special_val = 1),
	KEYWORD("realm", VAL_U32, .attr = IFLA_MIP4_REALM),
	KEYWORD("limit", VAL_U32, .attr = IFLA_MIP4_LIMIT, .min = 1,
		.special = "none", .special_val = 0),
	KEYWORD("arp", VAL_NAME, .attr = IFLA_MIP4_ARP, .names = &arp_names),
	KEYWORD("mss", VAL_NAME, .attr = IFLA_MIP4_MSS, .names = &onoff_names),
	KEYWORD("gwmac", VAL_MAC, .attr = IFLA_MIP4_GWMAC),
	KEYWORD("grace", VAL_TIME, .attr = IFLA_MIP4_GRACE),
	KEYWORD("orphan", VAL_NAME, .attr = IFLA_MIP4_ORPHAN, .names = &orphan_names),
	KEYWORD("multicast", VAL_NAME, .attr = IFLA_MIP4_MULTICAST, .names = &multicast_names),
	KEYWORD("link", VAL_WORD, .attr = IFLA_MIP4_LINK),
	KEYWORD("link-netns", VAL_WORD, .attr = IFLA_LINK_NETNSID),
};

#define N_LINK_KEYS ARRAY_SIZE(link_keys)
#define KEY_LINK (N_LINK_KEYS - 2)
#define KEY_NETNS (N_LINK_KEYS - 1)

static const char link_help[] =
	"Usage: mipctl link add NAME local ADDR [ ATTR ]... [ link-netns NETNS ]\n"
	"       mipctl link set NAME [ local ADDR ] [ ATTR ]... [ link-netns NETNS ]\n"
	"       mipctl link del NAME\n"
	"       mipctl link [ show [ NAME ] ]\n"
	"where  ATTR := { encap { gre | ipip | minimal | udp } | ttl { 1..255 | inherit } |\n"
	"                 tos { 0..255 | inherit } | link { DEV | none } | realm NUMBER |\n"
	"                 limit { BINDINGS | none } | arp { off | gateway | all } |\n"
	"                 mss { on | off } | gwmac MAC | grace TIME | orphan { keep | flush } |\n"
	"                 multicast { drop | tunnel | replicate } }\n"
	"       TIME := SECONDS | NUMBER{s|m|h|d}\n";

/* ---- network namespaces ---- */

static int netns_open(const struct val *v, int *fd)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", strchr(v->arg, '/') ? "" : "/run/netns/", v->arg);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return arg_wrong(v->arg, "link-netns: cannot open %s: %s", path, strerror(errno));
	return CTL_OK;
}

static int on_nsid(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[NETNSA_NSID + 1];
	size_t head = NLMSG_ALIGN(sizeof(struct rtgenmsg));
	size_t len = mnl_nlmsg_get_payload_len(nlh);

	if (len < head)
		return CTL_OK;
	nl_tb(mnl_nlmsg_get_payload_offset(nlh, head), len - head, tb, NETNSA_NSID);
	if (tb[NETNSA_NSID])
		*(int32_t *)data = (int32_t)nl_u32(tb[NETNSA_NSID]);
	return CTL_OK;
}

/* The id by which our namespace knows the other one; the kernel assigns it if need be. */
static int netns_id(int fd, uint32_t *id)
{
	const struct rtgenmsg head = { .rtgen_family = AF_UNSPEC };
	int32_t nsid = NETNSA_NSID_NOT_ASSIGNED;
	struct nl_req req;
	int tries, rc;

	for (tries = 0; tries < 2 && nsid < 0; tries++) {
		if (tries) {
			nl_rtnl(&req, RTM_NEWNSID, 0, &head, sizeof(head));
			nl_put_u32(&req, NETNSA_FD, (uint32_t)fd);
			nl_put_u32(&req, NETNSA_NSID, (uint32_t)NETNSA_NSID_NOT_ASSIGNED);
			rc = nl_talk(&req, "link-netns", NULL, NULL);
			if (rc)
				return rc;
		}
		nl_rtnl(&req, RTM_GETNSID, 0, &head, sizeof(head));
		nl_put_u32(&req, NETNSA_FD, (uint32_t)fd);
		rc = nl_talk(&req, "link-netns", on_nsid, &nsid);
		if (rc)
			return rc;
	}
	*id = (uint32_t)nsid;
	return CTL_OK;
}

/* ifindex of the underlay device, which lives in the namespace fd (-1: in ours); "none" is 0. */
static int underlay_index(struct val *v, int fd)
{
	uint32_t index = 0;
	int home = -1;

	v->len = sizeof(index);
	memcpy(v->data, &index, sizeof(index));
	if (!strcmp(v->arg, "none"))
		return CTL_OK;
	if (fd >= 0) {
		home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (home < 0 || setns(fd, CLONE_NEWNET)) {
			ctl_err("link-netns: %s", strerror(errno));
			if (home >= 0)
				close(home);
			return CTL_KERNEL;
		}
	}
	index = dev_index(v->arg);
	if (home >= 0) {
		int rc = setns(home, CLONE_NEWNET);

		close(home);
		if (rc) {
			ctl_err("link-netns: cannot return: %s", strerror(errno));
			return CTL_KERNEL;
		}
	}
	if (!index)
		return arg_wrong(v->arg, "link: no interface has this name in the underlay's "
				 "network namespace");
	memcpy(v->data, &index, sizeof(index));
	return CTL_OK;
}

/* ---- add, set, del ---- */

static int take_name(struct args *a, const char **name)
{
	*name = arg_next(a);
	if (!*name)
		return arg_incomplete(a, "the name of the mip4 device is missing");
	if (!strcmp(*name, "help")) {
		help_print(a->obj, stdout);
		return CTL_HELP;
	}
	if (!strcmp(*name, "dev"))
		return take_name(a, name);
	if (strlen(*name) >= IFNAMSIZ)
		return arg_wrong(*name, "an interface name has at most %d characters",
				 IFNAMSIZ - 1);
	if (!**name || strpbrk(*name, "/: \t\n\v\f\r") || !strcmp(*name, ".") || !strcmp(*name, ".."))
		return arg_wrong(*name, "it is no interface name");
	return CTL_OK;
}

static int take_index(struct args *a, uint32_t *index)
{
	const char *name;
	int rc = take_name(a, &name);

	if (rc)
		return rc;
	*index = dev_index(name);
	if (!*index)
		return arg_wrong(name, "no interface has this name in this network namespace");
	return CTL_OK;
}

/* The keywords of add and set. The underlay's name is looked up in its own namespace. */
static int parse_attrs(struct args *a, struct val *vals, uint32_t *nsid)
{
	struct val *netns = &vals[KEY_NETNS], *link = &vals[KEY_LINK];
	int fd = -1, rc;

	rc = arg_all(a, link_keys, N_LINK_KEYS, vals);
	if (!rc && netns->key)
		rc = netns_open(netns, &fd);
	if (!rc && link->key)
		rc = underlay_index(link, fd);
	if (!rc && netns->key && nsid && !nl_offline())
		rc = netns_id(fd, nsid);
	if (fd >= 0)
		close(fd);
	return rc;
}

static void put_linkinfo(struct nl_req *req, const struct val *vals)
{
	struct nlattr *info, *data;
	size_t i;

	info = nl_nest(req, IFLA_LINKINFO);
	nl_put(req, IFLA_INFO_KIND, MIP4_LINK_KIND, strlen(MIP4_LINK_KIND));
	data = nl_nest(req, IFLA_INFO_DATA);
	for (i = 0; i <= KEY_LINK; i++)
		nl_put_val(req, link_keys[i].attr, &vals[i]);
	nl_nest_end(req, data);
	nl_nest_end(req, info);
}

static int link_add(struct args *a)
{
	const struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
	struct val vals[N_LINK_KEYS] = { 0 };
	struct val name = { .key = "add" };
	uint32_t nsid = 0;
	struct nl_req req;
	int rc;

	rc = take_name(a, &name.arg);
	if (!rc)
		rc = parse_attrs(a, vals, &nsid);
	if (!rc && !vals[0].key)
		rc = arg_incomplete(a, "\"local\" is missing");
	if (rc)
		return rc;

	/* Asking for the family loads the module, or says that it isn't there. */
	rc = nl_genl(&req, MIP4_CMD_VERSION_GET, 0, NULL, 0);
	if (rc)
		return rc;
	nl_rtnl(&req, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	nl_note(&req, mnl_nlmsg_get_payload_tail(req.nlh), &name);
	nl_put_str(&req, IFLA_IFNAME, name.arg);
	if (vals[KEY_NETNS].key)
		nl_put_u32(&req, IFLA_LINK_NETNSID, nsid);
	put_linkinfo(&req, vals);
	return nl_talk(&req, "link add", NULL, NULL);
}

static int not_mip4(const char *name, const struct link_info *info)
{
	ctl_err("%s is not a mip4 device%s%s", name, *info->kind ? ", it is of kind " : "",
		info->kind);
	return CTL_KERNEL;
}

static int link_set(struct args *a)
{
	struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
	struct val vals[N_LINK_KEYS] = { 0 };
	struct link_info info = { 0 };
	struct nl_req req;
	uint32_t index;
	int rc;

	rc = take_index(a, &index);
	if (!rc && !arg_peek(a))
		rc = arg_incomplete(a, "nothing to set");
	if (!rc)
		rc = parse_attrs(a, vals, NULL);
	if (rc)
		return rc;
	if (!nl_offline()) {
		rc = link_ask(index, &info);
		if (rc)
			return rc;
		if (strcmp(info.kind, MIP4_LINK_KIND))
			return not_mip4(dev_name(index), &info);
	}
	if (info.foreign && vals[KEY_LINK].key && val_u32(&vals[KEY_LINK]) && !vals[KEY_NETNS].key)
		return arg_wrong(vals[KEY_LINK].arg, "link: the underlay is in another network "
				 "namespace, name it with link-netns");
	head.ifi_index = (int)index;
	nl_rtnl(&req, RTM_NEWLINK, 0, &head, sizeof(head));
	put_linkinfo(&req, vals);
	return nl_talk(&req, "link set", NULL, NULL);
}

static int link_del(struct args *a)
{
	struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
	struct link_info info;
	struct nl_req req;
	uint32_t index;
	int rc;

	rc = take_index(a, &index);
	if (!rc)
		rc = arg_end(a);
	if (rc)
		return rc;
	/* RTM_DELLINK would take a bridge as readily. */
	if (!nl_offline()) {
		rc = link_ask(index, &info);
		if (rc)
			return rc;
		if (strcmp(info.kind, MIP4_LINK_KIND))
			return not_mip4(dev_name(index), &info);
	}
	head.ifi_index = (int)index;
	nl_rtnl(&req, RTM_DELLINK, 0, &head, sizeof(head));
	return nl_talk(&req, "link del", NULL, NULL);
}

/* ---- reading ---- */

static const struct ifinfomsg *link_tb(const struct nlmsghdr *nlh, const struct nlattr **tb)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(nlh);
	size_t len = mnl_nlmsg_get_payload_len(nlh);

	if (nlh->nlmsg_type != RTM_NEWLINK || len < sizeof(*head))
		return NULL;
	nl_tb(head + 1, len - sizeof(*head), tb, IFLA_LINK_NETNSID);
	return head;
}

static void copy_kind(char *to, size_t size, const struct nlattr *kind)
{
	snprintf(to, size, "%.*s", kind ? (int)mnl_attr_get_payload_len(kind) : 0,
		 kind ? (const char *)mnl_attr_get_payload(kind) : "");
}

static int on_link_info(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[IFLA_LINK_NETNSID + 1], *in[IFLA_INFO_SLAVE_KIND + 1];
	const struct nlattr *at[IFLA_MIP4_MAX + 1];
	struct link_info *info = data;

	if (!link_tb(nlh, tb))
		return CTL_OK;
	nl_tb_nest(tb[IFLA_LINKINFO], in, IFLA_INFO_SLAVE_KIND);
	copy_kind(info->kind, sizeof(info->kind), in[IFLA_INFO_KIND]);
	copy_kind(info->master_kind, sizeof(info->master_kind), in[IFLA_INFO_SLAVE_KIND]);
	info->master = nl_u32(tb[IFLA_MASTER]);
	info->foreign = tb[IFLA_LINK_NETNSID];
	if (!strcmp(info->kind, MIP4_LINK_KIND)) {
		nl_tb_nest(in[IFLA_INFO_DATA], at, IFLA_MIP4_MAX);
		info->local = nl_inet(at[IFLA_MIP4_LOCAL]);
	}
	return CTL_OK;
}

int link_ask(uint32_t index, struct link_info *info)
{
	const struct ifinfomsg head = { .ifi_index = (int)index };
	struct nl_req req;

	memset(info, 0, sizeof(*info));
	nl_rtnl(&req, RTM_GETLINK, 0, &head, sizeof(head));
	nl_put_u32(&req, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return nl_talk(&req, dev_name(index), on_link_info, info);
}

static void print_stats(const struct nlattr *a)
{
	static const char *const names[] = { "bytes", "packets", "errors", "dropped" };
	struct rtnl_link_stats64 st = { 0 };
	size_t len = mnl_attr_get_payload_len(a);
	uint64_t v[2][4];
	char head[32];
	int dir, i;

	memcpy(&st, mnl_attr_get_payload(a), len < sizeof(st) ? len : sizeof(st));
	memcpy(v[0], (uint64_t[]){ st.rx_bytes, st.rx_packets, st.rx_errors, st.rx_dropped },
	       sizeof(v[0]));
	memcpy(v[1], (uint64_t[]){ st.tx_bytes, st.tx_packets, st.tx_errors, st.tx_dropped },
	       sizeof(v[1]));
	pr_open_object("stats");
	for (dir = 0; dir < 2; dir++) {
		pr_open_object(dir ? "tx" : "rx");
		pr_line();
		snprintf(head, sizeof(head), "%s", dir ? "TX:" : "RX:");
		pr_text(head);
		for (i = 0; i < 4; i++)
			pr_count(names[i], names[i], v[dir][i]);
		pr_close();
	}
	pr_close();
}

static void print_inherit(const char *word, const struct nlattr *a, uint8_t inherit)
{
	if (nl_u8(a) == inherit && !opt.json)
		pr_str(PR_PLAIN, word, word, "inherit");
	else
		pr_uint(word, word, nl_u8(a));
}

static void print_details(uint32_t index, const struct nlattr **tb, const struct nlattr **at)
{
	pr_line();
	pr_uint("ifindex", "ifindex", index);
	if (tb[IFLA_MTU])
		pr_uint("mtu", "mtu", nl_u32(tb[IFLA_MTU]));
	if (tb[IFLA_LINK_NETNSID])
		pr_uint("link_netnsid", "link-netnsid", nl_u32(tb[IFLA_LINK_NETNSID]));
	if (at[IFLA_MIP4_TTL])
		print_inherit("ttl", at[IFLA_MIP4_TTL], 0);
	if (at[IFLA_MIP4_TOS])
		print_inherit("tos", at[IFLA_MIP4_TOS], 1);
	if (nl_u32(at[IFLA_MIP4_LIMIT]))
		pr_uint("limit", "limit", nl_u32(at[IFLA_MIP4_LIMIT]));
	if (at[IFLA_MIP4_ARP])
		pr_name("arp", "arp", &arp_names, nl_u8(at[IFLA_MIP4_ARP]));
	if (at[IFLA_MIP4_MSS])
		pr_bool("mss", "mss", nl_u8(at[IFLA_MIP4_MSS]));
	if (nl_mac(at[IFLA_MIP4_GWMAC]))
		pr_mac("gwmac", "gwmac", nl_mac(at[IFLA_MIP4_GWMAC]));
	if (at[IFLA_MIP4_GRACE])
		pr_secs("grace", "grace", nl_u32(at[IFLA_MIP4_GRACE]));
	if (at[IFLA_MIP4_ORPHAN])
		pr_name("orphan", "orphan", &orphan_names, nl_u8(at[IFLA_MIP4_ORPHAN]));
	if (at[IFLA_MIP4_MULTICAST])
		pr_name("multicast", "multicast", &multicast_names,
			nl_u8(at[IFLA_MIP4_MULTICAST]));
	if (at[IFLA_MIP4_UDP_PORT])
		pr_uint("udp_port", "udp-port", nl_u16(at[IFLA_MIP4_UDP_PORT]));
}

/* The underlay's name can only be looked up if it is in our namespace. */
static void print_underlay(uint32_t index, bool foreign)
{
	char text[16];

	if (foreign) {
		snprintf(text, sizeof(text), "if%u", index);
		pr_str(PR_IFNAME, "link", "link", text);
	} else {
		pr_dev("link", "link", index);
	}
}

static int on_link(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[IFLA_LINK_NETNSID + 1], *in[IFLA_INFO_DATA + 1];
	const struct nlattr *at[IFLA_MIP4_MAX + 1];
	const struct ifinfomsg *head = link_tb(nlh, tb);
	struct link_info info = { 0 };
	bool up;

	if (!head)
		return CTL_OK;
	nl_tb_nest(tb[IFLA_LINKINFO], in, IFLA_INFO_DATA);
	copy_kind(info.kind, sizeof(info.kind), in[IFLA_INFO_KIND]);
	if (strcmp(info.kind, MIP4_LINK_KIND))
		return data ? not_mip4(nl_str(tb[IFLA_IFNAME]), &info) : CTL_OK;
	nl_tb_nest(in[IFLA_INFO_DATA], at, IFLA_MIP4_MAX);
	up = head->ifi_flags & IFF_UP;

	pr_begin();
	pr_str(PR_IFNAME, "dev", NULL, nl_str(tb[IFLA_IFNAME]));
	pr_str(up ? PR_UP : PR_DOWN, "state", "state", up ? "up" : "down");
	pr_inet("local", "local", nl_inet(at[IFLA_MIP4_LOCAL]), "");
	pr_name("encap", "encap", &encap_names, nl_u8(at[IFLA_MIP4_ENCAP]));
	pr_uint("realm", "realm", nl_u32(at[IFLA_MIP4_REALM]));
	if (nl_u32(at[IFLA_MIP4_LINK]))
		print_underlay(nl_u32(at[IFLA_MIP4_LINK]), tb[IFLA_LINK_NETNSID]);
	if (opt.details)
		print_details((uint32_t)head->ifi_index, tb, at);
	if (opt.stats && tb[IFLA_STATS64])
		print_stats(tb[IFLA_STATS64]);
	if (opt.stats && !nl_offline())
		drops_print((uint32_t)head->ifi_index, opt.stats > 1);
	pr_end();
	return CTL_OK;
}

static int link_show(struct args *a)
{
	struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
	uint32_t index = 0;
	struct nlattr *info;
	struct nl_req req;
	int rc = CTL_OK;

	if (arg_peek(a))
		rc = take_index(a, &index);
	if (!rc)
		rc = arg_end(a);
	if (!rc && !index)	/* without the module rtnetlink knows no such kind, and shows none */
		rc = nl_genl(&req, MIP4_CMD_VERSION_GET, 0, NULL, 0);
	if (rc)
		return rc;
	head.ifi_index = (int)index;
	nl_rtnl(&req, RTM_GETLINK, index ? 0 : NLM_F_DUMP, &head, sizeof(head));
	nl_put_u32(&req, IFLA_EXT_MASK, opt.stats ? 0 : RTEXT_FILTER_SKIP_STATS);
	if (!index) {
		info = nl_nest(&req, IFLA_LINKINFO);
		nl_put(&req, IFLA_INFO_KIND, MIP4_LINK_KIND, strlen(MIP4_LINK_KIND));
		nl_nest_end(&req, info);
	}
	pr_array_begin();
	rc = nl_talk(&req, "link show", on_link, index ? &index : NULL);
	pr_array_end();
	return rc;
}

static const struct command link_commands[] = {
	{ "show", "list lst", link_show, NULL },
	{ "add", NULL, link_add, NULL },
	{ "del", "delete", link_del, NULL },
	{ "set", "change", link_set, NULL },
	{ NULL, NULL, NULL, NULL },
};

const struct object link_object = { "link", link_help, link_commands, NULL };
