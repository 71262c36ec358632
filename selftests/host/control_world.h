/* SPDX-License-Identifier: GPL-2.0-only */
/* What the control socket's tests have in common: a real core, and all else that control.c calls, played. */
#ifndef MIP4_SELFTEST_CONTROL_WORLD_H
#define MIP4_SELFTEST_CONTROL_WORLD_H

#include "common.h"

#include "host/control.h"
#include "host/control_json.h"
#include "host/dhcp.h"
#include "host/port.h"

#include <arpa/inet.h>

static struct host host;
static struct config config;
static struct core_network network = { .name = "red", .nai = "*@red.example", .device = "mip0", .plen = 24,
				       .lifetime = 600 };
static struct core_identity identity = { .mac = { 2, 0, 0, 0, 1, 0 }, .mask = { 255, 255, 255, 255, 255, 0 },
					 .nai = "%m@red.example" };
static struct core_peer peer = { .n_sa = 1, .proxy = true,
				 .sa[0] = { .spi = 256, .alg = WIRE_ALG_HMAC_SHA256, .key_len = 16 } };
static uint64_t played_us = 1000000;
static unsigned int n_sent;
static struct core_action last;		/* ATTACHED, REFUSED or GONE, not yet told */
static bool has_last;

/* ---- what control.c calls ---- */

static void on_action(void *arg, const struct core_action *action)
{
	(void)arg;
	n_sent += action->type == CORE_ACT_SEND;
	if (action->type == CORE_ACT_ATTACHED || action->type == CORE_ACT_REFUSED) {
		last = *action;
		has_last = true;
	}
}

void host_event(struct host *h, const struct core_event *event)
{
	struct core_now now = { .mono_us = played_us, .ntp = 0xe0000000ULL << 32, .random = { 1, 2, 3, played_us } };

	played_us += 10;
	core_event(h->core, &now, event);
	if (has_last) {
		has_last = false;
		control_result(h->control, &last);
	}
	control_poll(h->control);
}

void host_attach(struct host *h, uint32_t port, const char *port_name, const uint8_t mac[static 6],
		 enum core_trigger trigger, bool init, struct in_addr hint, const char *nai, uint64_t seen_us)
{
	struct core_event event = { .type = CORE_EV_ATTACH };

	assert_int_equal(trigger, CORE_TRIGGER_API);
	assert_false(init);
	event.attach.port = port;
	event.attach.port_name = port_name;
	memcpy(event.attach.mac, mac, 6);
	event.attach.trigger = trigger;
	event.attach.hint = hint;
	event.attach.nai = nai;
	event.attach.seen_us = seen_us;
	host_event(h, &event);
}

void host_detach(struct host *h, uint32_t port, const uint8_t mac[static 6], enum core_detach why)
{
	struct core_event event = { .type = CORE_EV_DETACH };

	assert_int_equal(why, CORE_DETACH_ADMIN);
	event.detach.port = port;
	memcpy(event.detach.mac, mac, 6);
	event.detach.why = why;
	host_event(h, &event);
}

const struct port *port_find(const struct ports *ports, uint32_t ifindex)
{
	static const struct port lo = { .name = "lo" };

	(void)ports;
	return ifindex == if_nametoindex("lo") ? &lo : NULL;
}

int datapath_version(struct datapath *dp, char *version, size_t size)
{
	(void)dp;
	snprintf(version, size, "9.9");
	return 0;
}

void timeline_walk(struct timeline *timeline, struct datapath *dp,
		   void (*fn)(void *arg, const struct handover *handover), void *arg)
{
	struct handover h = { .mac = { 2, 0, 0, 0, 1, 5 }, .nai = "dev@red.example", .port_name = "eth1",
			      .at = { .trigger = CORE_TRIGGER_ARP, .seen_us = 1000, .rrq_us = 1100, .rrp_us = 2100,
				      .bound_us = 2200 }, .first_up_us = 2300 };

	(void)timeline;
	(void)dp;
	fn(arg, &h);
}

void dhcp_counters(const struct dhcp *dhcp, void (*fn)(void *arg, const char *name, uint64_t value), void *arg)
{
	(void)dhcp;
	fn(arg, "dhcp_discover", 3);
}

static void start_core(void)
{
	inet_pton(AF_INET, "192.0.2.1", &network.ha);
	inet_pton(AF_INET, "10.0.0.1", &network.gateway);
	peer.addr = network.ha;
	config.core = (struct core_config){ .pma = true, .networks = &network, .n_networks = 1, .peers = &peer,
					    .n_peers = 1, .identities = &identity, .n_identities = 1,
					    .replay_window = 7 };
	inet_pton(AF_INET, "198.51.100.1", &config.core.care_of);
	host.core = core_new(&config.core, on_action, NULL);
}

#endif /* MIP4_SELFTEST_CONTROL_WORLD_H */
