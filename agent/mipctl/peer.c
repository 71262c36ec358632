// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mip4.h>

#include "mipctl/nl.h"
#include "mipctl/print.h"

static const struct keyword peer_keys[] = {
	KEYWORD("dev", VAL_DEV, .attr = MIP4_A_IFINDEX),
};

static const char peer_help[] =
	"Usage: mipctl peer [ show [ dev DEV ] ]\n";

static int on_peer(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[MIP4_A_MAX + 1], *at[MIP4_PEER_A_MAX + 1];

	(void)data;
	nl_tb_genl(nlh, tb, MIP4_A_MAX);
	nl_tb_nest(tb[MIP4_A_PEER], at, MIP4_PEER_A_MAX);
	if (!at[MIP4_PEER_A_PEER])
		return CTL_OK;
	pr_begin();
	pr_inet("peer", NULL, nl_inet(at[MIP4_PEER_A_PEER]), "");
	pr_inet("local", "local", nl_inet(at[MIP4_PEER_A_LOCAL]), "");
	if (at[MIP4_PEER_A_ENCAP])
		pr_name("encap", "encap", &encap_names, nl_u8(at[MIP4_PEER_A_ENCAP]));
	if (at[MIP4_PEER_A_PEER_PORT])
		pr_uint("peer_port", "peer-port", nl_u16(at[MIP4_PEER_A_PEER_PORT]));
	pr_dev("dev", "dev", nl_u32(tb[MIP4_A_IFINDEX]));
	pr_uint("legs", "legs", nl_u32(at[MIP4_PEER_A_LEGS]));
	if (at[MIP4_PEER_A_MTU])
		pr_uint("mtu", "mtu", nl_u32(at[MIP4_PEER_A_MTU]));
	pr_count("errors", "errors", nl_u64(at[MIP4_PEER_A_ERRORS]));
	if (at[MIP4_PEER_A_FALLBACKS])
		pr_count("fallbacks", "fallbacks", nl_u64(at[MIP4_PEER_A_FALLBACKS]));
	if (at[MIP4_PEER_A_UNREACHABLE]) {
		pr_name("unreachable", "unreachable", &unreachable_names,
			nl_u8(at[MIP4_PEER_A_UNREACHABLE]));
		pr_msecs("unreachable_ms", "for", nl_u64(at[MIP4_PEER_A_UNREACHABLE_MS]));
	}
	pr_end();
	return CTL_OK;
}

static int peer_show(struct args *a)
{
	struct val vals[1] = { 0 };
	struct nl_req req;
	int rc;

	rc = arg_all(a, peer_keys, 1, vals);
	if (!rc)
		rc = nl_genl(&req, MIP4_CMD_PEER_GET, NLM_F_DUMP, NULL, 0);
	if (rc)
		return rc;
	nl_put_val(&req, MIP4_A_IFINDEX, &vals[0]);
	pr_array_begin();
	rc = nl_talk(&req, "peer show", on_peer, NULL);
	pr_array_end();
	return rc;
}

static const struct command peer_commands[] = {
	{ "show", "list lst", peer_show, NULL },
	{ NULL, NULL, NULL, NULL },
};

const struct object peer_object = { "peer", peer_help, peer_commands, NULL };
