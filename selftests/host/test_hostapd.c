// SPDX-License-Identifier: GPL-2.0-only
/* What is made of access points' words, in orders that real ones are seldom in: those are in wifi.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>
#include <event2/event.h>

#include "host/config.h"
#include "host/hostapd.h"

#define STA1	"02:00:00:00:01:01"
#define STA2	"02:00:00:00:01:02"
#define FLAGS	"\nflags=[AUTH][ASSOC][AUTHORIZED]\n"

static char dir[] = "/tmp/mip4-hostapd-XXXXXX", heard[512];
static struct event_base *base;
static struct hostapds *all;
static struct config config;
static struct config_device device;
static struct ap {
	int fd;
	struct sockaddr_un peer;
	socklen_t len;
} ap[2];

static void on_station(void *arg, const char *interface, const uint8_t mac[static 6], bool here, bool now)
{
	(void)arg;
	snprintf(heard + strlen(heard), sizeof(heard) - strlen(heard), "%s%s%x ", interface,
		 !here ? "-" : now ? "+" : "=", mac[5]);
}

static void loop(void)
{
	for (int i = 0; i < 3; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

/* The next command that it got is that; NULL: there is none. */
static void expect(int i, const char *want)
{
	socklen_t from_len = sizeof(struct sockaddr_un);
	struct sockaddr_un from;
	char text[64];
	ssize_t len;

	loop();
	len = recvfrom(ap[i].fd, text, sizeof(text) - 1, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
	if (!want) {
		assert_int_equal(len, -1);
		return;
	}
	assert_true(len > 0);
	ap[i].peer = from;
	ap[i].len = from_len;
	text[len] = '\0';
	assert_string_equal(text, want);
}

static void say(int i, const char *text)
{
	assert_int_equal(sendto(ap[i].fd, text, strlen(text), 0, (struct sockaddr *)&ap[i].peer, ap[i].len),
			 strlen(text));
	loop();
}

static void check(const char *want)
{
	assert_string_equal(heard, want);
	*heard = '\0';
}

static int open_ap(int i)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", device.hostapds[i]);
	ap[i].fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	return bind(ap[i].fd, (struct sockaddr *)&sun, sizeof(sun));
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	assert_non_null(mkdtemp(dir));
	for (int i = 0; i < 2; i++) {
		snprintf(device.hostapds[i], sizeof(device.hostapds[i]), "%s/w%d", dir, i);
		assert_int_equal(open_ap(i), 0);
	}
	device.n_hostapds = 2;
	config.devices = &device;
	config.n_devices = 1;
	base = event_base_new();
	all = hostapds_new(base, on_station, NULL);
	assert_true(hostapds_configure(all, &config));
	*heard = '\0';
	for (int i = 0; i < 2; i++) {
		expect(i, "ATTACH");
		say(i, "OK\n");
		expect(i, "STA-FIRST");
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hostapds_free(all);
	event_base_free(base);
	for (int i = 0; i < 2; i++) {
		close(ap[i].fd);
		unlink(device.hostapds[i]);
	}
	return rmdir(dir);
}

static void test_events(void **state)
{
	(void)state;
	say(0, "");
	say(0, "<3>AP-STA-CONNECTED " STA1);
	say(0, "<3>AP-STA-CONNECTED " STA2 " keyid=guests");
	say(0, "<3>AP-STA-DISCONNECTED " STA2);
	check("w0+1 w0+2 w0-2 ");
	say(0, "<3>AP-STA-CONNECTED nobody");
	say(0, "<3>AP-STA-POSSIBLE-PSK-MISMATCH " STA1);
	say(0, "<3>");
	say(0, "<");
	check("");
	expect(0, NULL);
}

/* The one that was left may say so late, or by its own clock. */
static void test_roams(void **state)
{
	(void)state;
	say(0, "<3>AP-STA-CONNECTED " STA1);
	say(1, "<3>AP-STA-CONNECTED " STA1);
	say(0, "<3>AP-STA-DISCONNECTED " STA1);
	check("w0+1 w1+1 ");
	say(1, "<3>AP-STA-DISCONNECTED " STA1);
	check("w1-1 ");
	say(0, "<3>AP-STA-DISCONNECTED " STA1);	/* nobody knows it: it says so itself */
	check("w0-1 ");
}

/* Those that were there: with keys, and alive, whatever they call themselves. */
static void test_listed(void **state)
{
	(void)state;
	say(0, STA1 FLAGS "inactive_msec=20\n");
	check("w0=1 ");
	expect(0, "STA-NEXT " STA1);
	say(0, "<3>AP-STA-CONNECTED " STA1);	/* meanwhile */
	check("w0+1 ");
	say(0, STA2 "\nflags=[AUTH][ASSOC]\ninactive_msec=20\ndot1xAuthSessionUserName=x[AUTHORIZED]\n");
	expect(0, "STA-NEXT " STA2);
	say(0, "02:00:00:00:01:03" FLAGS "inactive_msec=90000\n");
	expect(0, "STA-NEXT 02:00:00:00:01:03");
	say(0, "02:00:00:00:01:04" FLAGS);
	expect(0, "STA-NEXT 02:00:00:00:01:04");
	say(0, "");
	check("");
	expect(0, NULL);
	/* In the lists of two: where it came last. */
	say(1, STA1 FLAGS "inactive_msec=20\n");
	check("w1=1 ");
	say(1, "<3>AP-STA-DISCONNECTED " STA1);
	check("");
	say(0, "<3>AP-STA-DISCONNECTED " STA1);
	check("w0-1 ");
}

static void test_configured(void **state)
{
	(void)state;
	say(1, "<3>AP-STA-CONNECTED " STA1);
	check("w1+1 ");
	device.n_hostapds = 1;		/* the second one is no longer ours, and silent about its stations */
	assert_true(hostapds_configure(all, &config));
	check("");
	expect(0, NULL);
	say(0, "<3>AP-STA-DISCONNECTED " STA1);
	check("w0-1 ");
	assert_int_equal(sendto(ap[1].fd, "x", 1, 0, (struct sockaddr *)&ap[1].peer, ap[1].len), -1);
	device.n_hostapds = 2;
	assert_true(hostapds_configure(all, &config));
	expect(1, "ATTACH");
	say(1, "FAIL\n");
	expect(1, NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = { T(events), T(roams), T(listed), T(configured) };

	return cmocka_run_group_tests_name("host: hostapd", tests, NULL, NULL);
}
