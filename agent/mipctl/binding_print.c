// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include <linux/mip4.h>

#include "mipctl/binding.h"
#include "mipctl/nl.h"
#include "mipctl/print.h"

/* The home address is the first and has no word of its own. */
static void print_addr(const struct nlattr *entry, bool home)
{
	const struct nlattr *tb[MIP4_ADDR_A_MAX + 1], *addr;
	char text[INET6_ADDRSTRLEN + 8];
	uint8_t family, plen, max;

	nl_tb_nest(entry, tb, MIP4_ADDR_A_MAX);
	addr = tb[MIP4_ADDR_A_ADDRESS];
	family = tb[MIP4_ADDR_A_FAMILY] ? nl_u8(tb[MIP4_ADDR_A_FAMILY]) : AF_INET;
	max = family == AF_INET ? 32 : 128;
	plen = tb[MIP4_ADDR_A_PLEN] ? nl_u8(tb[MIP4_ADDR_A_PLEN]) : max;
	if (!addr || mnl_attr_get_payload_len(addr) != max / 8u ||
	    !inet_ntop(family, mnl_attr_get_payload(addr), text, INET6_ADDRSTRLEN))
		return;
	if (plen != max && !opt.json)
		snprintf(text + strlen(text), 8, "/%u", plen);
	pr_open_object(NULL);
	pr_str(PR_PLAIN, "family", PR_JSON, family == AF_INET ? "inet" : "inet6");
	pr_str(PR_INET, "address", home ? NULL : "prefix", text);
	pr_uint("prefixlen", PR_JSON, plen);
	pr_close();
}

static void print_leg(const struct nlattr *entry)
{
	const struct nlattr *tb[MIP4_LEG_A_MAX + 1];
	uint8_t state;

	nl_tb_nest(entry, tb, MIP4_LEG_A_MAX);
	state = nl_u8(tb[MIP4_LEG_A_STATE]);
	pr_open_object(NULL);
	pr_inet("peer", "peer", nl_inet(tb[MIP4_LEG_A_PEER]), "");
	if (tb[MIP4_LEG_A_LOCAL])
		pr_inet("local", "local", nl_inet(tb[MIP4_LEG_A_LOCAL]), "");
	if (tb[MIP4_LEG_A_ENCAP])
		pr_name("encap", "encap", &encap_names, nl_u8(tb[MIP4_LEG_A_ENCAP]));
	if (tb[MIP4_LEG_A_PEER_PORT])
		pr_uint("peer_port", "peer-port", nl_u16(tb[MIP4_LEG_A_PEER_PORT]));
	if (tb[MIP4_LEG_A_IKEY])
		pr_hex("key", "key", ntohl(nl_u32(tb[MIP4_LEG_A_IKEY])));
	if (tb[MIP4_LEG_A_OKEY])
		pr_hex("okey", "okey", ntohl(nl_u32(tb[MIP4_LEG_A_OKEY])));
	if (tb[MIP4_LEG_A_STATE] && (state != MIP4_LEG_ACTIVE || opt.details || opt.json))
		pr_name("state", "state", &leg_state_names, state);
	if (tb[MIP4_LEG_A_LIFETIME_MS])
		pr_msecs("lifetime_ms", "for", nl_u32(tb[MIP4_LEG_A_LIFETIME_MS]));
	pr_close();
}

/* The device side and what belongs to the whole binding. */
static void print_head(uint32_t dev, const struct nlattr **tb)
{
	const struct nlattr *a;
	bool home = true;
	char suffix[8] = "";
	uint8_t plen;

	pr_open_list("addresses");
	if (tb[MIP4_BINDING_A_ADDRS])
		mnl_attr_for_each_nested(a, tb[MIP4_BINDING_A_ADDRS]) {
			print_addr(a, home);
			home = false;
		}
	pr_close();
	pr_uint("realm", "realm", nl_u32(tb[MIP4_BINDING_A_REALM]));
	pr_dev("dev", "dev", dev);
	if (nl_u32(tb[MIP4_BINDING_A_PORT]))
		pr_dev("port", "port", nl_u32(tb[MIP4_BINDING_A_PORT]));
	if (nl_mac(tb[MIP4_BINDING_A_MAC]))
		pr_mac("mac", "mac", nl_mac(tb[MIP4_BINDING_A_MAC]));
	plen = tb[MIP4_BINDING_A_HOME_PLEN] ? nl_u8(tb[MIP4_BINDING_A_HOME_PLEN]) : 32;
	if (plen != 32 && !opt.json)
		snprintf(suffix, sizeof(suffix), "/%u", plen);
	if (nl_u32(tb[MIP4_BINDING_A_GATEWAY])) {
		pr_inet("gateway", "gateway", nl_inet(tb[MIP4_BINDING_A_GATEWAY]), suffix);
		pr_uint("home_prefixlen", PR_JSON, plen);
	}
}

static void print_stats(const struct nlattr *nest)
{
	const struct nlattr *tb[MIP4_STATS_A_MAX + 1];

	nl_tb_nest(nest, tb, MIP4_STATS_A_MAX);
	pr_open_object("stats");
	pr_line();
	pr_text("up:");
	pr_count("up_bytes", "bytes", nl_u64(tb[MIP4_STATS_A_UP_BYTES]));
	pr_count("up_packets", "packets", nl_u64(tb[MIP4_STATS_A_UP_PACKETS]));
	pr_text("down:");
	pr_count("down_bytes", "bytes", nl_u64(tb[MIP4_STATS_A_DOWN_BYTES]));
	pr_count("down_packets", "packets", nl_u64(tb[MIP4_STATS_A_DOWN_PACKETS]));
	pr_count("drops", "drops", nl_u64(tb[MIP4_STATS_A_DROPS]));
	if (tb[MIP4_STATS_A_SEEN_MS])
		pr_msecs("seen_ms", "seen", nl_u64(tb[MIP4_STATS_A_SEEN_MS]));
	if (opt.stats > 1 && tb[MIP4_STATS_A_FIRST_UP_NS])
		pr_uint("first_up_ns", "first-up-ns", nl_u64(tb[MIP4_STATS_A_FIRST_UP_NS]));
	if (opt.stats > 1 && tb[MIP4_STATS_A_FIRST_DOWN_NS])
		pr_uint("first_down_ns", "first-down-ns", nl_u64(tb[MIP4_STATS_A_FIRST_DOWN_NS]));
	pr_close();
}

void binding_print(uint32_t dev, const struct nlattr *nest)
{
	const struct nlattr *tb[MIP4_BINDING_A_MAX + 1], *a;
	unsigned int legs = 0;
	char cookie[17];

	nl_tb_nest(nest, tb, MIP4_BINDING_A_MAX);
	print_head(dev, tb);
	if (tb[MIP4_BINDING_A_LEGS])
		mnl_attr_for_each_nested(a, tb[MIP4_BINDING_A_LEGS])
			legs++;
	pr_open_list("legs");
	if (legs)
		mnl_attr_for_each_nested(a, tb[MIP4_BINDING_A_LEGS]) {
			if (legs > 1) {
				pr_line();
				pr_text("leg");
			}
			print_leg(a);
		}
	pr_close();
	if (legs > 1)
		pr_line();
	if (nl_u32(tb[MIP4_BINDING_A_LIFETIME]))
		pr_secs("lifetime", "lifetime", nl_u32(tb[MIP4_BINDING_A_LIFETIME]));
	else if (!opt.json)
		pr_str(PR_PLAIN, NULL, "lifetime", "infinite");
	if (opt.details || opt.json) {
		if (opt.details)
			pr_line();
		pr_uint("id", "id", nl_u32(tb[MIP4_BINDING_A_ID]));
		if (tb[MIP4_BINDING_A_COOKIE]) {
			snprintf(cookie, sizeof(cookie), "%016" PRIx64,
				 nl_u64(tb[MIP4_BINDING_A_COOKIE]));
			pr_str(PR_PLAIN, "cookie", "cookie", cookie);
		}
	}
	if (opt.stats && tb[MIP4_BINDING_A_STATS])
		print_stats(tb[MIP4_BINDING_A_STATS]);
}
