// SPDX-License-Identifier: GPL-2.0-only
/* Which links become ports, and what a port says when its carrier comes. Links and packet sockets are played here. */
#include "common.h"
#include "loop.h"

#include "host/log.h"
#include "host/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define DEVICE	10
#define PORT	3

static struct event_base *base;
static struct ports *ports;
static struct core_network networks[4];
static struct config config;
static struct config_device section;
static struct link_info device, port, member;
static unsigned int n_warnings;
static char warning[256];
static unsigned int n_sent;
static uint8_t sent[16][60];

/* ---- what port.c calls ---- */

int __wrap_socket(int domain, int type, int protocol);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len);
ssize_t __wrap_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to, socklen_t to_len);
void __wrap_log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int __wrap_socket(int domain, int type, int protocol)
{
	assert_int_equal(domain, AF_PACKET);
	(void)type;
	(void)protocol;
	return eventfd(0, EFD_NONBLOCK);
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	(void)fd;
	(void)level;
	(void)option;
	(void)value;
	(void)len;
	return 0;
}

int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	(void)fd;
	(void)addr;
	(void)len;
	return 0;
}

ssize_t __wrap_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to, socklen_t to_len)
{
	(void)fd;
	(void)flags;
	(void)to;
	(void)to_len;
	assert_int_equal(len, sizeof(sent[0]));
	assert_in_range(n_sent, 0, 15);
	memcpy(sent[n_sent++], data, len);
	return len;
}

void __wrap_log_at(enum log_level level, const char *fmt, ...)
{
	va_list args;

	if (level != LOG_L_WARNING)
		return;
	va_start(args, fmt);
	vsnprintf(warning, sizeof(warning), fmt, args);
	va_end(args);
	n_warnings++;
}

int link_get(struct links *links, const char *name, uint32_t ifindex, struct link_info *info)
{
	(void)links;
	assert_null(name);
	if (ifindex != DEVICE)
		return ENODEV;
	*info = device;
	return 0;
}

int links_walk(struct links *links)
{
	(void)links;
	if (member.ifindex)
		ports_link_changed(ports, &member, false);
	ports_link_changed(ports, &port, false);
	ports_link_changed(ports, &device, false);
	return 0;
}

bool config_uses_device(const struct config *c, const char *name)
{
	for (unsigned int i = 0; i < c->core.n_networks; i++)
		if (!strcmp(c->networks[i].device, name))
			return true;
	return false;
}

const char *config_home_link(const struct config *c, const char *name)
{
	return !strcmp(name, c->devices->home_link) ? c->devices->name : NULL;
}

static void on_frame(void *arg, const struct port *p, const uint8_t *frame, size_t len, bool csum_done,
		     uint64_t seen_us)
{
	(void)arg;
	(void)p;
	(void)frame;
	(void)len;
	(void)csum_done;
	(void)seen_us;
}

static int link_downs, link_ups;

static bool missed;

static bool on_link(void *arg, const struct port *at, bool up)
{
	(void)arg;
	assert_int_equal(at->ifindex, PORT);
	++*(up ? &link_ups : &link_downs);
	return up && missed;
}

static void network(unsigned int i, const char *dev, const char *gateway)
{
	strcpy(networks[i].device, dev);
	inet_pton(AF_INET, gateway, &networks[i].gateway);
}

static int setup(void **state)
{
	(void)state;
	memset(networks, 0, sizeof(networks));
	network(0, "mip0", "10.0.0.1");
	network(1, "mip0", "10.0.0.1");
	network(2, "mip1", "10.0.2.1");
	network(3, "mip0", "10.0.3.1");
	config = (struct config){
		.networks = networks,
		.devices = &section,
		.core = { .pma = true, .networks = networks, .n_networks = 4 },
	};
	device = (struct link_info){ .ifindex = DEVICE, .name = "mip0", .mip4 = true, .up = true };
	port = (struct link_info){ .ifindex = PORT, .master = DEVICE, .name = "eth1", .mac = { 2, 0, 0, 0, 0, 3 },
				   .ethernet = true, .up = true, .running = true, .carrier_ups = 1 };
	member = (struct link_info){ 0 };
	n_sent = n_warnings = 0;
	link_downs = link_ups = 0;
	missed = false;
	base = event_base_new();
	ports = ports_new(base, NULL, on_frame, on_link, NULL);
	assert_int_equal(ports_configure(ports, &config), 0);
	assert_non_null(port_find(ports, PORT));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ports_free(ports);
	event_base_free(base);
	return 0;
}

/* ---- tests ---- */

static void carrier_comes(void)
{
	port.carrier_ups++;
	ports_link_changed(ports, &port, false);
}

/* Longer than any announcement takes. */
static void let_time_pass(void)
{
	let_pass(base, 500);
}

static void expect_announcement(unsigned int i, const char *gateway, uint8_t last_of_mac)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, last_of_mac };
	struct in_addr addr;

	inet_pton(AF_INET, gateway, &addr);
	assert_memory_equal(sent[i], "\xff\xff\xff\xff\xff\xff", 6);
	assert_memory_equal(sent[i] + 6, mac, 6);
	assert_memory_equal(sent[i] + 12, "\x08\x06\0\x01\x08\0\x06\x04\0\x01", 10);
	assert_memory_equal(sent[i] + 22, mac, 6);
	assert_memory_equal(sent[i] + 28, &addr, 4);
	assert_memory_equal(sent[i] + 32, "\0\0\0\0\0\0", 6);
	assert_memory_equal(sent[i] + 38, &addr, 4);
}

static void test_announces(void **state)
{
	(void)state;
	ports_link_changed(ports, &port, false);
	assert_int_equal(n_sent, 0);
	/* down, and back before we looked: the count tells */
	carrier_comes();
	assert_int_equal(n_sent, 2);
	let_time_pass();
	assert_int_equal(n_sent, 6);
	for (int i = 0; i < 6; i += 2) {
		expect_announcement(i, "10.0.0.1", 3);
		expect_announcement(i + 1, "10.0.3.1", 3);
	}
	/* not while it is down; a carrier that went meanwhile starts anew */
	n_sent = 0;
	port.running = false;
	carrier_comes();
	assert_int_equal(n_sent, 0);
	port.running = true;
	ports_link_changed(ports, &port, false);
	carrier_comes();
	assert_int_equal(n_sent, 4);
	let_time_pass();
	assert_int_equal(n_sent, 8);
}

/* Whatever ends a port ends what it had still to say. */
static void test_ends(void **state)
{
	static struct config other;

	(void)state;
	carrier_comes();
	port.master = 0;
	ports_link_changed(ports, &port, false);
	assert_null(port_find(ports, PORT));
	let_time_pass();
	assert_int_equal(n_sent, 2);
	/* a reload, after which the old configuration is gone */
	port.master = DEVICE;
	ports_link_changed(ports, &port, false);
	carrier_comes();
	assert_int_equal(n_sent, 4);
	other = config;
	other.core.n_networks = 1;
	memset(&config, 0xff, sizeof(config));
	assert_int_equal(ports_configure(ports, &other), 0);
	let_time_pass();
	assert_int_equal(n_sent, 4);
	carrier_comes();
	assert_int_equal(n_sent, 5);
	ports_link_changed(ports, &port, true);
	let_time_pass();
	assert_int_equal(n_sent, 5);
}

/* The gateway's MAC is the device's, or else the port's: as it is now. */
static void test_gateway_mac(void **state)
{
	(void)state;
	port.mac[5] = 4;
	carrier_comes();
	expect_announcement(0, "10.0.0.1", 4);
	memcpy(device.gwmac, "\x02\0\0\0\0\x09", 6);
	device.has_gwmac = true;
	ports_link_changed(ports, &device, false);
	port.mac[5] = 5;
	n_sent = 0;
	carrier_comes();
	expect_announcement(0, "10.0.0.1", 9);
	device.has_gwmac = false;
	ports_link_changed(ports, &device, false);
	n_sent = 0;
	carrier_comes();
	expect_announcement(0, "10.0.0.1", 5);
}

static void test_renamed_device(void **state)
{
	(void)state;
	strcpy(device.name, "mip1");
	ports_link_changed(ports, &device, false);
	carrier_comes();
	assert_int_equal(n_sent, 1);
	expect_announcement(0, "10.0.2.1", 3);
	strcpy(device.name, "mip9");
	ports_link_changed(ports, &device, false);
	carrier_comes();
	assert_int_equal(n_sent, 1);
}

/* A bridge is a port; who is told of which member, and how often. */
static void test_members(void **state)
{
	(void)state;
	let_time_pass();
	assert_int_equal(n_warnings, 0);
	member = (struct link_info){ .ifindex = 7, .master = PORT, .name = "eth7", .bridged = true, .isolated = true };
	ports_link_changed(ports, &member, false);
	assert_int_equal(n_warnings, 0);
	member.isolated = false;
	ports_link_changed(ports, &member, false);
	assert_int_equal(n_warnings, 1);
	assert_string_equal(warning, "port eth1: its member eth7 is not isolated, so devices may reach each other past "
			    "their home agent: bridge link set dev eth7 isolated on");
	/* once */
	ports_link_changed(ports, &member, false);
	assert_int_equal(ports_resync(ports), 0);
	assert_int_equal(n_warnings, 1);
	/* until it was isolated, gone or another's */
	member.isolated = true;
	ports_link_changed(ports, &member, false);
	member.isolated = false;
	ports_link_changed(ports, &member, false);
	assert_int_equal(n_warnings, 2);
	ports_link_changed(ports, &member, true);
	ports_link_changed(ports, &member, false);
	assert_int_equal(n_warnings, 3);
	member.master = 99;
	ports_link_changed(ports, &member, false);
	assert_int_equal(n_warnings, 3);
	/* what was a member before the bridge became a port is found, too, and so after a reload */
	member.master = PORT;
	assert_int_equal(ports_configure(ports, &config), 0);
	let_time_pass();
	assert_int_equal(n_warnings, 4);
	/* other masters than bridges switch nothing */
	ports_link_changed(ports, &member, true);
	member.bridged = false;
	ports_link_changed(ports, &member, false);
	assert_int_equal(n_warnings, 4);
}

/* What its devices are to know: each end of its link once, and its coming as often as it is announced. */
static void test_link(void **state)
{
	(void)state;
	ports_link_changed(ports, &port, false);
	assert_int_equal(link_downs + link_ups, 0);
	port.running = false;
	ports_link_changed(ports, &port, false);
	ports_link_changed(ports, &port, false);
	assert_int_equal(link_downs, 1);
	assert_int_equal(link_ups, 0);
	ports_tell_links(ports);
	assert_int_equal(link_downs, 2);
	/* up without a new carrier: it was the interface that was down */
	port.running = true;
	ports_link_changed(ports, &port, false);
	assert_int_equal(link_ups, 1);
	let_time_pass();
	assert_int_equal(link_ups, 3);
	/* a flap that was over before we looked; and one that cuts off what is still to be said */
	carrier_comes();
	assert_int_equal(link_downs, 3);
	assert_int_equal(link_ups, 4);
	port.running = false;
	ports_link_changed(ports, &port, false);
	let_time_pass();
	assert_int_equal(link_downs, 4);
	assert_int_equal(link_ups, 4);
}

/* A link that carries nothing at first: on and on while somebody is missed, but without announcing. */
static void test_missed(void **state)
{
	int ups;

	(void)state;
	missed = true;
	carrier_comes();
	let_time_pass();
	assert_int_equal(link_ups, 3);
	n_sent = 0;
	let_pass(base, 2500);
	assert_in_range(link_ups, 4, 5);
	assert_int_equal(n_sent, 0);
	ups = link_ups;
	port.running = false;
	ports_link_changed(ports, &port, false);
	let_pass(base, 1200);
	assert_int_equal(link_ups, ups);
	port.running = true;
	ports_link_changed(ports, &port, false);
	assert_int_equal(n_sent, 2);
	missed = false;
	let_pass(base, 1500);
	assert_int_equal(link_ups, ups + 3);
}

/* What is there is at home: a router that is home agent and proxy agent has nobody to serve at it. */
static void test_home_link(void **state)
{
	(void)state;
	strcpy(section.home_link, "eth1");
	assert_int_equal(ports_configure(ports, &config), 0);
	assert_null(port_find(ports, PORT));
	*section.home_link = '\0';
	assert_int_equal(ports_resync(ports), 0);
	assert_non_null(port_find(ports, PORT));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_announces), TEST(test_ends), TEST(test_gateway_mac), TEST(test_renamed_device),
		TEST(test_members),
		TEST(test_link), TEST(test_missed), TEST(test_home_link),
	};

	return cmocka_run_group_tests_name("port", tests, NULL, NULL);
}
