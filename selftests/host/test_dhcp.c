// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DHCP server's decisions. The test is everything around it: it takes the
 * attach, plays the core's answer and reads the frames that leave.
 */
#include "common.h"

#include "host/clock.h"
#include "host/dhcp.h"
#include "host/dhcp_packet.h"

#include <arpa/inet.h>
#include <event2/event.h>

#define PORT 7

static struct host host;
static struct config config;
static struct core_network network = { .name = "red", .plen = 24 };
static struct config_network extra = { .lease = 300 };
static const struct port port = { .ifindex = PORT, .name = "eth1", .gwmac = { 2, 0, 0x5e, 0, 0, 1 } };
static const uint8_t mac[6] = { 2, 0, 0, 0, 1, 5 };

static struct core_reg reg;		/* what the core would find */
static bool has_reg;
static const struct wire_host_config *host_config;
static unsigned int granted_ago;	/* s since the core's registration was accepted */
static struct { unsigned int n; struct in_addr hint; enum core_trigger trigger; bool init; } attached;
static struct { unsigned int n; enum core_detach why; } detached;
static struct { unsigned int n; uint8_t frame[1500]; size_t len; } sent;

/* ---- what dhcp.c calls ---- */

void host_attach(struct host *h, uint32_t ifindex, const char *name, const uint8_t m[static 6],
		 enum core_trigger trigger, bool init, struct in_addr hint, const char *nai, uint64_t seen_us)
{
	(void)h;
	(void)name;
	(void)seen_us;
	assert_int_equal(ifindex, PORT);
	assert_memory_equal(m, mac, 6);
	assert_null(nai);
	attached.n++;
	attached.hint = hint;
	attached.trigger = trigger;
	attached.init = init;
}

void host_detach(struct host *h, uint32_t ifindex, const uint8_t m[static 6], enum core_detach why)
{
	(void)h;
	assert_int_equal(ifindex, PORT);
	assert_memory_equal(m, mac, 6);
	detached.n++;
	detached.why = why;
}

const struct core_reg *core_find_device(const struct core *core, uint32_t ifindex, const uint8_t m[static 6])
{
	(void)core;
	return has_reg && ifindex == PORT && !memcmp(m, mac, 6) ? &reg : NULL;
}

const struct core_network *config_network(const struct config *c, const char *name, const struct config_network **e)
{
	(void)c;
	if (strcmp(name, "red"))
		return NULL;
	if (e)
		*e = &extra;
	return &network;
}

const struct port *port_find(const struct ports *ports, uint32_t ifindex)
{
	(void)ports;
	return ifindex == PORT ? &port : NULL;
}

void port_send(const struct port *p, const uint8_t *frame, size_t len)
{
	assert_ptr_equal(p, &port);
	sent.n++;
	memcpy(sent.frame, frame, len);
	sent.len = len;
}

/* ---- the device ---- */

static struct in_addr ip(const char *text)
{
	struct in_addr addr = { 0 };

	if (text)
		assert_int_equal(inet_pton(AF_INET, text, &addr), 1);
	return addr;
}

static void device_says(enum dhcp_type type, const char *requested, const char *server, const char *ciaddr)
{
	uint8_t frame[342] = { 0 }, *b = frame + 42, *p = b + 240;
	struct in_addr addr;
	uint32_t acc = 0;

	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12,
	       "\x08\x00\x45\x00\x01\x48\0\0\0\0\x40\x11\0\0\0\0\0\0\xff\xff\xff\xff\0\x44\0\x43\x01\x34", 28);
	for (int i = 14; i < 34; i += 2)
		acc += frame[i] << 8 | frame[i + 1];
	acc = ~((acc & 0xffff) + (acc >> 16));
	frame[24] = acc >> 8;
	frame[25] = acc;
	memcpy(b, "\x01\x01\x06\0\0\0\0\x2a", 8);
	addr = ip(ciaddr);
	memcpy(b + 12, &addr, 4);
	memcpy(b + 28, mac, 6);
	memcpy(p - 4, "\x63\x82\x53\x63", 4);
	*p++ = 53;
	*p++ = 1;
	*p++ = type;
	if (requested) {
		addr = ip(requested);
		*p++ = 50;
		*p++ = 4;
		memcpy(p, &addr, 4);
		p += 4;
	}
	if (server) {
		addr = ip(server);
		*p++ = 54;
		*p++ = 4;
		memcpy(p, &addr, 4);
		p += 4;
	}
	*p = 255;
	dhcp_frame(host.dhcp, &port, frame, sizeof(frame), true, 1);
}

static void core_says(enum core_action_type type, const char *home)
{
	struct core_action action = { .type = type };

	action.device.port = PORT;
	memcpy(action.device.mac, mac, 6);
	action.device.home = ip(home);
	action.device.gateway = network.gateway;
	action.device.plen = 24;
	action.device.lifetime = 600;
	action.device.network = "red";
	action.device.host = host_config;
	has_reg = type == CORE_ACT_ATTACHED;
	reg = (struct core_reg){ .state = CORE_BOUND, .timeline.trigger = CORE_TRIGGER_DHCP };
	reg.rec.home = action.device.home;
	reg.rec.role = CORE_PMA;
	reg.rec.port = PORT;
	reg.rec.dhcp = true;
	reg.rec.lifetime = 600;
	reg.rec.expires_unix = 1;	/* the wall clock was set since: no lease depends on it */
	reg.expires_us = clock_mono_us() + (600 - granted_ago) * 1000000ULL;
	strcpy(reg.rec.network, "red");
	memcpy(reg.rec.mac, mac, 6);
	dhcp_result(host.dhcp, &action);
}

/* Exactly one frame since the last look, of @type and with @yiaddr. */
static void expect(enum dhcp_type type, const char *yiaddr)
{
	struct in_addr addr = ip(yiaddr);

	assert_int_equal(sent.n, 1);
	assert_int_equal(sent.frame[42 + 242], type);
	assert_memory_equal(sent.frame + 42 + 16, &addr, 4);
	sent.n = 0;
}

static void silence(void)
{
	assert_int_equal(sent.n, 0);
}

static uint64_t wanted;

static void pick(void *arg, const char *name, uint64_t value)
{
	if (!strcmp(arg, name))
		wanted = value;
}

static uint64_t counter(const char *name)
{
	wanted = UINT64_MAX;
	dhcp_counters(host.dhcp, pick, (void *)name);
	assert_true(wanted != UINT64_MAX);
	return wanted;
}

static int setup(void **state)
{
	(void)state;
	network.gateway = ip("10.0.0.1");
	config.core.networks = &network;
	config.core.n_networks = 1;
	host.config = &config;
	host.base = event_base_new();
	host.dhcp = dhcp_new(&host);
	has_reg = false;
	host_config = NULL;
	granted_ago = 0;
	extra.lease = 300;
	memset(&attached, 0, sizeof(attached));
	memset(&detached, 0, sizeof(detached));
	memset(&sent, 0, sizeof(sent));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dhcp_free(host.dhcp);
	event_base_free(host.base);
	return 0;
}

/* ---- tests ---- */

static void test_waits_for_registration(void **state)
{
	(void)state;
	device_says(DHCP_DISCOVER, "10.0.0.7", NULL, NULL);
	silence();
	assert_int_equal(attached.n, 1);
	assert_int_equal(attached.trigger, CORE_TRIGGER_DHCP);
	assert_true(attached.init);
	assert_int_equal(attached.hint.s_addr, ip("10.0.0.7").s_addr);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_OFFER, "10.0.0.9");
	device_says(DHCP_REQUEST, "10.0.0.9", "10.0.0.1", NULL);
	assert_false(attached.init);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_ACK, "10.0.0.9");
	assert_int_equal(detached.n, 0);
}

static bool ack_has(const void *option, size_t len)
{
	device_says(DHCP_REQUEST, "10.0.0.9", NULL, NULL);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_ACK, "10.0.0.9");
	return memmem(sent.frame + 282, sent.len - 282, option, len);
}

/* RFC 4332: what isn't configured is the HA's. */
static void test_host_config(void **state)
{
	static const uint8_t theirs[] = { 6, 4, 10, 0, 0, 54 }, both[] = { 6, 8, 10, 0, 0, 54, 10, 0, 0, 55 };
	static const uint8_t ours[] = { 6, 4, 10, 0, 0, 53 }, domain[] = "\x0f\x0bred.example";
	struct wire_host_config told = { .plen = 8, .gateway = ip("10.9.9.9"), .dns = { ip("10.0.0.54") },
					 .suffix = "red.example" };

	(void)state;
	host_config = &told;
	assert_true(ack_has(theirs, sizeof(theirs)));
	assert_true(ack_has(domain, sizeof(domain) - 1));
	/* But for what devices are to see the same everywhere. */
	assert_true(ack_has("\x01\x04\xff\xff\xff\0\x03\x04\x0a\0\0\x01", 12));
	told.dns[1] = ip("10.0.0.55");
	assert_true(ack_has(both, sizeof(both)));
	extra.dhcp.dns[0] = ip("10.0.0.53");
	extra.dhcp.n_dns = 1;
	assert_true(ack_has(ours, sizeof(ours)));
	assert_true(ack_has(domain, sizeof(domain) - 1));
	memset(&extra.dhcp, 0, sizeof(extra.dhcp));
	host_config = NULL;
	assert_false(ack_has("\x0f", 1));
}

static void test_retransmissions_get_one_answer(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		device_says(DHCP_DISCOVER, NULL, NULL, NULL);
	silence();
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_OFFER, "10.0.0.9");
	/* Another trigger's success later: nothing is waiting. */
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	silence();
}

static void test_refused_is_silent(void **state)
{
	(void)state;
	device_says(DHCP_DISCOVER, NULL, NULL, NULL);
	core_says(CORE_ACT_REFUSED, NULL);
	silence();
	assert_int_equal(counter("dhcp_refused"), 1);
	device_says(DHCP_REQUEST, "10.0.0.7", NULL, NULL);
	core_says(CORE_ACT_REFUSED, NULL);
	silence();
}

static void test_after_a_move(void **state)
{
	(void)state;
	/* renewing: unicast, from an address that the old agent gave */
	device_says(DHCP_REQUEST, NULL, NULL, "10.0.0.9");
	silence();
	assert_false(attached.init);
	assert_int_equal(attached.hint.s_addr, ip("10.0.0.9").s_addr);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_ACK, "10.0.0.9");
	core_says(CORE_ACT_GONE, "10.0.0.9");
	/* init-reboot */
	device_says(DHCP_REQUEST, "10.0.0.9", NULL, NULL);
	silence();
	assert_true(attached.init);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_ACK, "10.0.0.9");
	core_says(CORE_ACT_GONE, "10.0.0.9");
	/* selecting what another of our agents offered under the same identifier */
	device_says(DHCP_REQUEST, "10.0.0.9", "10.0.0.1", NULL);
	silence();
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_ACK, "10.0.0.9");
}

static void test_nak(void **state)
{
	(void)state;
	device_says(DHCP_REQUEST, "192.168.1.20", NULL, NULL);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_NAK, NULL);
	device_says(DHCP_REQUEST, NULL, NULL, "192.168.1.20");
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_NAK, NULL);
	/* and starts over */
	device_says(DHCP_DISCOVER, NULL, NULL, NULL);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_OFFER, "10.0.0.9");
	assert_int_equal(counter("dhcp_nak"), 2);
	assert_int_equal(detached.n, 0);
}

static void test_other_server(void **state)
{
	(void)state;
	device_says(DHCP_DISCOVER, NULL, NULL, NULL);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_OFFER, "10.0.0.9");
	device_says(DHCP_REQUEST, "192.168.1.20", "192.168.1.1", NULL);
	silence();
	assert_int_equal(detached.n, 1);
	assert_int_equal(detached.why, CORE_DETACH_RELEASE);
	/* not one that we know nothing of, nor one with a lease of ours */
	device_says(DHCP_REQUEST, "192.168.1.20", "192.168.1.1", NULL);
	assert_int_equal(detached.n, 1);
	device_says(DHCP_REQUEST, "10.0.0.9", NULL, NULL);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_ACK, "10.0.0.9");
	device_says(DHCP_REQUEST, "192.168.1.20", "192.168.1.1", NULL);
	assert_int_equal(detached.n, 1);
	silence();
}

static void test_release(void **state)
{
	(void)state;
	device_says(DHCP_REQUEST, "10.0.0.9", NULL, NULL);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_ACK, "10.0.0.9");
	/* not what isn't its own, and not what is another server's */
	device_says(DHCP_RELEASE, NULL, "10.0.0.1", "10.0.0.8");
	device_says(DHCP_RELEASE, NULL, "192.168.1.1", "10.0.0.9");
	assert_int_equal(detached.n, 0);
	assert_int_equal(counter("dhcp_ignored"), 2);
	assert_false(dhcp_holds_off(host.dhcp, mac, ip(NULL)));
	device_says(DHCP_RELEASE, NULL, "10.0.0.1", "10.0.0.9");
	assert_int_equal(detached.n, 1);
	assert_int_equal(detached.why, CORE_DETACH_RELEASE);
	silence();
	/* IPv6 of a device that has just left registers nothing; its address and DHCP do */
	has_reg = false;
	assert_true(dhcp_holds_off(host.dhcp, mac, ip(NULL)));
	assert_false(dhcp_holds_off(host.dhcp, mac, ip("10.0.0.9")));
	device_says(DHCP_DISCOVER, NULL, NULL, NULL);
	assert_false(dhcp_holds_off(host.dhcp, mac, ip(NULL)));
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_OFFER, "10.0.0.9");
}

static void test_decline_and_inform(void **state)
{
	(void)state;
	device_says(DHCP_INFORM, NULL, NULL, "10.0.0.9");
	silence();
	assert_int_equal(attached.n, 0);
	device_says(DHCP_REQUEST, "10.0.0.9", NULL, NULL);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_ACK, "10.0.0.9");
	device_says(DHCP_INFORM, NULL, NULL, "10.0.0.9");
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_ACK, NULL);
	device_says(DHCP_DECLINE, "10.0.0.9", "10.0.0.1", NULL);
	assert_int_equal(detached.n, 1);
	silence();
	/* not the same address again at once */
	has_reg = false;
	attached.n = 0;
	device_says(DHCP_DISCOVER, NULL, NULL, NULL);
	device_says(DHCP_REQUEST, "10.0.0.9", NULL, NULL);
	assert_int_equal(attached.n, 0);
	assert_int_equal(counter("dhcp_held_off"), 2);
	assert_true(dhcp_holds_off(host.dhcp, mac, ip("10.0.0.9")));
}

static void test_request_for_nothing(void **state)
{
	(void)state;
	device_says(DHCP_REQUEST, NULL, NULL, NULL);
	assert_int_equal(attached.n, 0);
	silence();
	assert_int_equal(counter("dhcp_ignored"), 1);
}

/* Who gives back no address isn't taken to mean the one that it doesn't have yet. */
static void test_leave_of_nothing(void **state)
{
	(void)state;
	device_says(DHCP_DISCOVER, NULL, NULL, NULL);
	has_reg = true;
	reg = (struct core_reg){ .state = CORE_WAIT_REG };
	device_says(DHCP_RELEASE, NULL, NULL, NULL);
	device_says(DHCP_DECLINE, NULL, NULL, NULL);
	assert_int_equal(detached.n, 0);
	assert_int_equal(counter("dhcp_ignored"), 2);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_OFFER, "10.0.0.9");
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

static void wait_for_detach(void)
{
	struct timeval limit = { 5, 0 };
	bool late = false;
	struct event *timer = evtimer_new(host.base, on_late, &late);

	evtimer_add(timer, &limit);
	while (!detached.n && !late)
		event_base_loop(host.base, EVLOOP_ONCE);
	event_free(timer);
}

static void test_lease_end(void **state)
{
	(void)state;
	extra.lease = 1;
	device_says(DHCP_REQUEST, "10.0.0.9", NULL, NULL);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	expect(DHCP_ACK, "10.0.0.9");
	wait_for_detach();
	assert_int_equal(detached.n, 1);
	assert_int_equal(detached.why, CORE_DETACH_LEASE_END);
}

static void test_restored_lease_end(void **state)
{
	(void)state;
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	extra.lease = 1;
	dhcp_restore(host.dhcp, &reg);
	wait_for_detach();
	assert_int_equal(detached.n, 1);
	assert_int_equal(detached.why, CORE_DETACH_LEASE_END);
}

static void test_lease_within_lifetime(void **state)
{
	const uint8_t *p;

	(void)state;
	extra.lease = 86400;
	device_says(DHCP_REQUEST, "10.0.0.9", NULL, NULL);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	p = memmem(sent.frame, sent.len, "\x33\x04", 2);
	assert_non_null(p);
	assert_memory_equal(p + 2, "\0\0\x02", 3);
	assert_in_range(p[5], 0x50, 0x58);	/* 600 s, of which a few may have passed */
	expect(DHCP_ACK, "10.0.0.9");
	/* of a device served for long only the rest */
	granted_ago = 500;
	device_says(DHCP_REQUEST, NULL, NULL, "10.0.0.9");
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	p = memmem(sent.frame, sent.len, "\x33\x04", 2);
	assert_non_null(p);
	assert_memory_equal(p + 2, "\0\0\0", 3);
	assert_in_range(p[5], 92, 100);
	expect(DHCP_ACK, "10.0.0.9");
}

static void test_forget_and_reset(void **state)
{
	(void)state;
	device_says(DHCP_DISCOVER, NULL, NULL, NULL);
	dhcp_reset(host.dhcp);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	silence();
	dhcp_forget(host.dhcp, mac);
	dhcp_forget(host.dhcp, mac);
	core_says(CORE_ACT_ATTACHED, "10.0.0.9");
	silence();
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_waits_for_registration), TEST(test_host_config), TEST(test_retransmissions_get_one_answer),
		TEST(test_refused_is_silent), TEST(test_after_a_move), TEST(test_nak), TEST(test_other_server),
		TEST(test_release), TEST(test_decline_and_inform), TEST(test_request_for_nothing),
		TEST(test_leave_of_nothing),
		TEST(test_lease_end), TEST(test_restored_lease_end), TEST(test_lease_within_lifetime),
		TEST(test_forget_and_reset),
	};

	return cmocka_run_group_tests_name("dhcp", tests, NULL, NULL);
}
