// SPDX-License-Identifier: GPL-2.0-only
#include "host/config_ha.h"

#include <string.h>

static bool is_other(const struct core_network *net, struct in_addr ha)
{
	for (unsigned int i = 0; i < net->n_other_ha; i++)
		if (net->other_ha[i].s_addr == ha.s_addr)
			return true;
	return false;
}

static void read_others(const struct section *sec, struct core_network *net)
{
	for (unsigned int i = 0; i < item_count(sec, "other-home-agents"); i++) {
		const struct item *item = item_get(sec, "other-home-agents", i);
		struct in_addr ha;

		if (i == CORE_OTHERS_MAX) {
			section_error(sec, "other-home-agents", NULL, "more than %d home agents", CORE_OTHERS_MAX);
			return;
		}
		if (!parse_addr(sec, "other-home-agents", item->line, item->text, &ha))
			continue;
		if (ha.s_addr == net->ha.s_addr)
			section_error(sec, "other-home-agents", "leave it out", "%s is its home-agent-address",
				      item->text);
		else if (is_other(net, ha))
			section_error(sec, "other-home-agents", "leave one out", "%s is given twice", item->text);
		else
			net->other_ha[net->n_other_ha++] = ha;
	}
}

static void read_ask(const struct section *sec, struct core_network *net)
{
	static const char *const names[] = {
		[CORE_ASK_NAMED] = "named", [CORE_ASK_ZEROS] = "zeros", [CORE_ASK_ONES] = "ones",
	};
	unsigned int choice;

	if (get_choice(sec, "home-agent-field", "named, zeros or ones", names, sizeof(names) / sizeof(names[0]),
		       &choice))
		net->ask = choice;
}

void read_home_agents(const struct section *sec, const struct core_config *core, struct core_network *net)
{
	read_others(sec, net);
	read_ask(sec, net);
	only_if(core->pma, sec, "home-agent-field", "remove it, or set proxy-agent = true",
		"only a proxy agent sends requests");
	if (!get_addr(sec, "redirect", MAY, &net->redirect))
		return;
	if (!core->ha)
		section_error(sec, "redirect", "remove it, or set home-agent = true",
			      "only a home agent sends devices elsewhere");
	else if (!is_other(net, net->redirect))
		section_error(sec, "redirect", "add it there", "it isn't among the other-home-agents");
}
