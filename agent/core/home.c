// SPDX-License-Identifier: GPL-2.0-only
/*
 * A real home link (RFC 5944 section 4.6). As long as a binding is there the
 * kernel answers ARP for its home address; what its hosts have in their caches
 * is repaired when the first binding of an address comes and when the last one
 * goes: after BIND, so that an answer that crosses says the same, and after
 * UNBIND, so that nothing answers any more.
 */
#include <string.h>

#include "core/reg.h"

static void tell(struct core *core, enum core_action_type type, const char *device, struct in_addr home)
{
	struct core_action action = { .type = type };

	text_copy(action.proxy.device, sizeof(action.proxy.device), device);
	action.proxy.home = home;
	core->act(core->arg, &action);
}

void home_begin(struct core *core, struct reg *reg)
{
	if (!reg->net->home_link || reg->ha.proxied)
		return;
	reg->ha.proxied = true;
	tell(core, CORE_ACT_PROXY, reg->net->device, reg->pub.rec.home);
}

void home_end(struct core *core, struct reg *reg)
{
	if (!reg->ha.proxied)
		return;
	reg->ha.proxied = false;
	tell(core, CORE_ACT_UNPROXY, reg->net->device, reg->bound_home);
}

void home_swept(struct core *core, const struct core_binding *there)
{
	for (unsigned int i = 0; !there->port && i < core->cfg->n_networks; i++) {
		const struct core_network *net = &core->cfg->networks[i];

		if (net->home_link && !strcmp(net->device, there->device)) {
			tell(core, CORE_ACT_UNPROXY, there->device, there->home);
			return;
		}
	}
}

uint32_t home_link_of(const struct request *req)
{
	/* Others on that link, as a proxy agent, are reached as routing has it. */
	return req->rrq.coa.s_addr == req->rrq.home.s_addr ? req->link : 0;
}
