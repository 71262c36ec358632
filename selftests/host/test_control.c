// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control socket: framing, refusals, and requests whose answer comes
 * later. A real core sits behind it; its world is played here.
 */
#include "control_world.h"

#include <dlfcn.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <json-c/json.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

static char path[64];

/* In front of libevent's: a second lasts 2 ms while @hurry is set. */
static bool hurry;

int bufferevent_set_timeouts(struct bufferevent *bev, const struct timeval *read, const struct timeval *write)
{
	static int (*real)(struct bufferevent *, const struct timeval *, const struct timeval *);
	struct timeval r = *read, w = *write;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "bufferevent_set_timeouts");
	assert_non_null(real);
	if (hurry) {
		r = (struct timeval){ 0, r.tv_sec * 2000 };
		w = (struct timeval){ 0, w.tv_sec * 2000 };
	}
	return real(bev, &r, &w);
}

/* ---- clients ---- */

static int client(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(sun.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static void say_n(int fd, const char *text, size_t len)
{
	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

static void say(int fd, const char *text)
{
	say_n(fd, text, strlen(text));
}

/* Bytes up to a newline; NULL when the agent closes instead. */
static char *hear(int fd)
{
	static char line[1 << 20];
	size_t n = 0;

	for (int idle = 0; idle < 2000; ) {
		ssize_t got = recv(fd, line + n, 1, 0);

		if (got == 1 && line[n] == '\n') {
			line[n] = '\0';
			return line;
		}
		if (got == 1) {
			n++;
			continue;
		}
		if (!got || errno != EAGAIN)
			return NULL;
		event_base_loop(host.base, EVLOOP_NONBLOCK);
		idle++;
		usleep(100);	/* the agent runs in this thread; only the socket's delivery takes time */
	}
	fail_msg("no answer");
	return NULL;
}

static bool quiet(int fd)
{
	char c;

	for (int i = 0; i < 20; i++)
		event_base_loop(host.base, EVLOOP_NONBLOCK);
	return recv(fd, &c, 1, 0) < 0 && errno == EAGAIN;
}

/* The reply to @request has @want in it. */
static void ask(int fd, const char *request, const char *want)
{
	struct json_object *obj;
	const char *reply;

	say(fd, request);
	say(fd, "\n");
	reply = hear(fd);
	if (!reply || !strstr(reply, want))
		fail_msg("%s\n wanted %s\n got %s", request, want, reply ? reply : "the end");
	obj = json_tokener_parse(reply);
	assert_non_null(obj);
	json_object_put(obj);
}

static int setup(void **state)
{
	char text[CORE_TEXT_MAX];

	(void)state;
	host = (struct host){ .name = "test", .socket_path = path, .config = &config };
	host.base = event_base_new();
	start_core();
	host.control = control_open(&host, text);
	if (!host.control)
		fail_msg("%s", text);
	n_sent = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	control_close(host.control);
	host.control = NULL;
	core_free(host.core);
	event_base_free(host.base);
	assert_int_not_equal(access(path, F_OK), 0);
	return 0;
}

/* ---- tests ---- */

static void test_version(void **state)
{
	int fd = client();

	(void)state;
	ask(fd, "{\"id\": 7, \"verb\": \"version\"}",
	    "{\"id\":7,\"agent\":\"0.0.0-test\",\"module\":\"9.9\",\"name\":\"test\",\"roles\":[\"pma\"]}");
	close(fd);
}

static void test_framing(void **state)
{
	const char *request = "{\"id\": 1, \"verb\": \"version\"}\n";
	int fd = client();

	(void)state;
	for (const char *p = request; *p; p++) {
		assert_true(quiet(fd));
		say_n(fd, p, 1);
	}
	assert_non_null(strstr(hear(fd), "\"id\":1"));
	say(fd, "{\"id\":2,\"verb\":\"version\"}\n\n{\"id\":3,\"verb\":\"counters\"}\n{\"id\":4,");
	assert_non_null(strstr(hear(fd), "\"id\":2"));
	assert_non_null(strstr(hear(fd), "\"id\":3"));
	assert_true(quiet(fd));
	say(fd, "\"verb\":\"show\"}\n");
	assert_string_equal(hear(fd), "{\"id\":4,\"registrations\":[]}");
	close(fd);
}

static void test_bad_requests(void **state)
{
	static const char *const rows[][2] = {
		{ "hello", "not a JSON object" }, { "[1]", "not a JSON object" }, { "\"version\"", "not a JSON object" },
		{ "{\"id\":1,\"verb\":\"version\"", "not a JSON object" }, { "{\"id\":1} x", "not a JSON object" },
		{ "{\"id\":1,\"verb\":\"version\",}", "not a JSON object" },
		{ "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}", "not a JSON object" },
		{ "{\"verb\":\"version\"}", "\"field\":\"id\",\"message\":\"missing\"" },
		{ "{\"id\":\"one\",\"verb\":\"version\"}", "\"field\":\"id\",\"message\":\"must be a number\"" },
		{ "{\"id\":1}", "{\"id\":1,\"error\":{\"field\":\"verb\",\"message\":\"missing\"" },
		{ "{\"id\":1,\"verb\":7}", "\"field\":\"verb\",\"message\":\"must be a string\"" },
		{ "{\"id\":1,\"verb\":\"destroy\"}", "\"field\":\"verb\",\"message\":\"unknown\",\"hint\":\"version, show" },
		{ "{\"id\":1,\"verb\":\"show\",\"mac\":\"02:00\"}", "\"field\":\"mac\",\"message\":\"not a MAC address\"" },
		{ "{\"id\":1,\"verb\":\"show\",\"home\":\"10.0.0\"}", "\"field\":\"home\",\"message\":\"not an IPv4 address\"" },
		{ "{\"id\":1,\"verb\":\"show\",\"realm\":-1}", "\"field\":\"realm\"" },
		{ "{\"id\":1,\"verb\":\"show\",\"realm\":\"red\"}", "\"field\":\"realm\"" },
		{ "{\"id\":1,\"verb\":\"show\",\"nai\":5}", "\"field\":\"nai\",\"message\":\"must be a string\"" },
		{ "{\"id\":1,\"verb\":\"attach\",\"port\":\"lo\"}", "\"field\":\"mac\",\"message\":\"missing\"" },
		{ "{\"id\":1,\"verb\":\"attach\",\"mac\":\"02:00:00:00:01:05\"}", "\"field\":\"port\",\"message\":\"missing\"" },
		{ "{\"id\":1,\"verb\":\"attach\",\"mac\":\"03:00:00:00:01:05\",\"port\":\"lo\"}", "\"field\":\"mac\"" },
		{ "{\"id\":1,\"verb\":\"attach\",\"mac\":\"00:00:00:00:00:00\",\"port\":\"lo\"}", "\"field\":\"mac\"" },
		{ "{\"id\":1,\"verb\":\"attach\",\"mac\":\"02:00:00:00:01:05\",\"port\":\"none9\"}", "\"field\":\"port\",\"message\":\"there is no such" },
		{ "{\"id\":1,\"verb\":\"attach\",\"mac\":\"02:00:00:00:01:05\",\"port\":\"lo\",\"nai\":\"\"}", "\"field\":\"nai\"" },
		{ "{\"id\":1,\"verb\":\"attach\",\"mac\":\"02:00:00:00:01:05\",\"port\":\"lo\",\"nai\":\"d\\u00e9v@red.example\"}", "\"message\":\"not an NAI\"" },
		{ "{\"id\":1,\"verb\":\"attach\",\"mac\":\"02:00:00:00:09:05\",\"port\":\"lo\"}", "no identity rule matches" },
		{ "{\"id\":1,\"verb\":\"detach\",\"mac\":\"02:00:00:00:01:05\"}", "\"field\":\"mac\",\"message\":\"no such device here\"" },
		{ "{\"id\":1,\"verb\":\"timeline\",\"mac\":1}", "\"field\":\"mac\"" },
	};
	int fd = client(), other = client();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ask(fd, rows[i][0], rows[i][1]);
	ask(fd, "{\"id\":9,\"verb\":\"version\"}", "\"id\":9");
	ask(other, "{\"id\":8,\"verb\":\"version\"}", "\"id\":8");
	close(fd);
	close(other);
}

static void test_nul_in_a_line(void **state)
{
	int fd = client();

	(void)state;
	say_n(fd, "{\"id\":1,\0\"verb\":\"version\"}\n", 27);
	assert_non_null(strstr(hear(fd), "not a JSON object"));
	ask(fd, "{\"id\":2,\"verb\":\"version\"}", "\"id\":2");
	close(fd);
}

static void test_long_lines(void **state)
{
	char big[8192];
	int fd = client(), other = client();

	(void)state;
	memset(big, ' ', sizeof(big));
	memcpy(big + 4096 - 25, "{\"id\":2,\"verb\":\"version\"}\n", 26);
	say_n(fd, big, 4097);
	assert_non_null(strstr(hear(fd), "\"id\":2"));
	/* this connection ends, others don't */
	memset(big, ' ', sizeof(big));
	say_n(fd, big, sizeof(big));
	assert_non_null(strstr(hear(fd), "longer than 4096"));
	assert_null(hear(fd));
	ask(other, "{\"id\":3,\"verb\":\"version\"}", "\"id\":3");
	close(fd);
	close(other);
}

static void test_many_requests(void **state)
{
	int fd = client();
	char line[64];

	(void)state;
	/* more than the buffers hold, unread for a while */
	for (int i = 0; i < 2000; i++) {
		snprintf(line, sizeof(line), "{\"id\":%d,\"verb\":\"counters\"}\n", i);
		for (size_t sent = 0; sent < strlen(line); ) {
			ssize_t n = send(fd, line + sent, strlen(line) - sent, MSG_NOSIGNAL);

			if (n < 0)
				break;
			sent += n;
		}
		event_base_loop(host.base, EVLOOP_NONBLOCK);
		if (i % 4 == 3)
			for (int j = i - 3; j <= i; j++) {
				snprintf(line, sizeof(line), "{\"id\":%d,", j);
				assert_memory_equal(hear(fd), line, strlen(line));
			}
	}
	close(fd);
}

static void test_attach_waits(void **state)
{
	int fd = client(), other = client();

	(void)state;
	say(fd, "{\"id\":1,\"verb\":\"attach\",\"mac\":\"02:00:00:00:01:05\",\"port\":\"lo\",\"home\":\"10.0.0.5\"}\n");
	assert_true(quiet(fd));
	assert_int_equal(n_sent, 1);
	/* others are served meanwhile, and see it */
	ask(other, "{\"id\":2,\"verb\":\"show\",\"mac\":\"02:00:00:00:01:05\"}", "\"state\":\"wait-reg\",\"ha\":\"192.0.2.1\",\"coa\":\"198.51.100.1\",\"auth\":\"fa-ha\",\"cookie\"");
	ask(other, "{\"id\":2,\"verb\":\"show\",\"mac\":\"02:00:00:00:01:06\"}", "\"registrations\":[]");
	ask(other, "{\"id\":2,\"verb\":\"show\",\"nai\":\"020000000105@RED.example\"}", "\"network\":\"red\"");
	/* nobody answers: the fifth retransmission is the last */
	for (int i = 0; i < 6; i++) {
		struct core_now now = { .mono_us = core_next(host.core) };
		struct core_event event = { .type = CORE_EV_TIMEOUT };

		core_event(host.core, &now, &event);
	}
	assert_true(has_last);
	has_last = false;
	last.device.port++;	/* it changed its port meanwhile: the answer is for who asked all the same */
	control_result(host.control, &last);
	assert_non_null(strstr(hear(fd), "{\"id\":1,\"error\":{\"message\":\"the home agent does not answer\""));
	close(fd);
	close(other);
}

static void test_waiting_client_leaves(void **state)
{
	int fd = client();

	(void)state;
	say(fd, "{\"id\":1,\"verb\":\"attach\",\"mac\":\"02:00:00:00:01:05\",\"port\":\"lo\"}\n");
	assert_true(quiet(fd));
	close(fd);
	for (int i = 0; i < 20; i++)
		event_base_loop(host.base, EVLOOP_NONBLOCK);
	last = (struct core_action){ .type = CORE_ACT_REFUSED, .device.port = if_nametoindex("lo") };
	memcpy(last.device.mac, "\x02\0\0\0\x01\x05", 6);
	control_result(host.control, &last);
	control_reset(host.control, "gone");
}

/* "echo … | nc": the end of the requests isn't the end of the answers. */
static void test_half_closed(void **state)
{
	int fd = client(), idle = client();

	(void)state;
	say(fd, "{\"id\":1,\"verb\":\"attach\",\"mac\":\"02:00:00:00:01:05\",\"port\":\"lo\"}\n{\"id\":2,\"verb\":\"version\"}\n");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_non_null(strstr(hear(fd), "\"id\":2"));
	assert_true(quiet(fd));
	last = (struct core_action){ .type = CORE_ACT_REFUSED, .device.port = if_nametoindex("lo"), .device.text = "no" };
	memcpy(last.device.mac, "\x02\0\0\0\x01\x05", 6);
	control_result(host.control, &last);
	assert_string_equal(hear(fd), "{\"id\":1,\"error\":{\"message\":\"no\"}}");
	assert_null(hear(fd));
	assert_int_equal(shutdown(idle, SHUT_WR), 0);
	assert_null(hear(idle));
	close(fd);
	close(idle);
}

/* Who asks and goes without its answer does no harm. SIGPIPE is main()'s to ignore. */
static void test_client_gone(void **state)
{
	int other = client();

	(void)state;
	for (int i = 0; i < 50; i++) {
		int fd = client();

		say(fd, "{\"id\":1,\"verb\":\"counters\"}\n{\"id\":2,\"verb\":\"counters\"}\n");
		close(fd);
		ask(other, "{\"id\":3,\"verb\":\"version\"}", "\"id\":3");
	}
	close(other);
}

static void test_reset_answers(void **state)
{
	int fd = client();

	(void)state;
	say(fd, "{\"id\":5,\"verb\":\"attach\",\"mac\":\"02:00:00:00:01:05\",\"port\":\"lo\"}\n");
	assert_true(quiet(fd));
	control_reset(host.control, "read again");
	assert_non_null(strstr(hear(fd), "{\"id\":5,\"error\":{\"message\":\"read again\""));
	close(fd);
}

/* Those who say nothing don't keep others out for long. */
static void test_idle_clients_go(void **state)
{
	int fd[64], other;

	(void)state;
	hurry = true;
	for (int i = 0; i < 64; i++) {
		fd[i] = client();
		event_base_loop(host.base, EVLOOP_NONBLOCK);
	}
	other = client();
	assert_null(hear(other));
	close(other);
	for (int i = 0; i < 64; i++) {
		assert_null(hear(fd[i]));
		close(fd[i]);
	}
	hurry = false;
	other = client();
	ask(other, "{\"id\":1,\"verb\":\"version\"}", "\"id\":1");
	close(other);
}

/* Nor those who don't take what they asked for. */
static void test_deaf_client_goes(void **state)
{
	static const char request[] = "{\"id\":1,\"verb\":\"counters\"}\n";
	bool full;
	int fd;

	(void)state;
	hurry = true;
	fd = client();
	for (int idle = 0; ; idle += full) {
		full = send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0;
		if (full && errno != EAGAIN)
			break;
		if (idle > 20000)
			fail_msg("it is still served");
		event_base_loop(host.base, EVLOOP_NONBLOCK);
		if (full)
			usleep(100);
	}
	assert_int_equal(errno, EPIPE);
	hurry = false;
	close(fd);
}

static int count_regs(void)
{
	int fd = client(), n = 0;

	say(fd, "{\"id\":1,\"verb\":\"show\"}\n");
	for (const char *p = hear(fd); (p = strstr(p, "\"role\"")); p++)
		n++;
	close(fd);
	return n;
}

/* A client has 64 requests under way at most; further ones wait their turn. */
static void test_many_waiters(void **state)
{
	int fd = client();
	char line[128];

	(void)state;
	for (int i = 0; i < 70; i++) {
		snprintf(line, sizeof(line), "{\"id\":%d,\"verb\":\"attach\",\"mac\":\"02:00:00:00:01:%02x\",\"port\":\"lo\"}\n", i, i);
		say(fd, line);
	}
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_true(quiet(fd));
	assert_int_equal(count_regs(), 64);
	control_reset(host.control, "read again");
	for (int i = 0; i < 64; i++)
		assert_non_null(strstr(hear(fd), "read again"));
	assert_true(quiet(fd));
	assert_int_equal(count_regs(), 70);
	control_reset(host.control, "read again");
	for (int i = 0; i < 6; i++)
		assert_non_null(strstr(hear(fd), "read again"));
	assert_null(hear(fd));
	close(fd);
}

static void test_detach_waits_for_its_end(void **state)
{
	struct core_event event = { .type = CORE_EV_TIMEOUT };
	int fd = client();

	(void)state;
	say(fd, "{\"id\":1,\"verb\":\"attach\",\"mac\":\"02:00:00:00:01:05\",\"port\":\"lo\"}\n");
	assert_true(quiet(fd));
	say(fd, "{\"id\":2,\"verb\":\"detach\",\"mac\":\"02:00:00:00:01:05\",\"port\":\"lo\"}\n");
	/* Who waits for the attachment needn't any more. */
	assert_non_null(strstr(hear(fd), "{\"id\":1,\"error\":{\"message\":\"it left before it was registered\""));
	assert_true(quiet(fd));	/* its RRQ is out: the reply may still come */
	for (int i = 0; i < 3; i++) {
		struct core_now now = { .mono_us = core_next(host.core) };

		if (now.mono_us)
			core_event(host.core, &now, &event);
	}
	control_poll(host.control);
	assert_string_equal(hear(fd), "{\"id\":2}");
	close(fd);
}

static void test_timeline(void **state)
{
	int fd = client();

	(void)state;
	ask(fd, "{\"id\":1,\"verb\":\"timeline\"}", "\"trigger\":\"arp\",\"phases_us\":{\"rrq\":100,\"rrp\":1100,"
	    "\"binding\":1200,\"first_up\":1300},\"seen_us\":1000}]");
	ask(fd, "{\"id\":1,\"verb\":\"timeline\",\"mac\":\"02:00:00:00:01:06\"}", "\"handovers\":[]");
	ask(fd, "{\"id\":1,\"verb\":\"peers\"}",
	    "\"peers\":[{\"peer\":\"192.0.2.1\",\"modes\":[\"per-node\"],\"method\":\"fa-ha\"}]");
	ask(fd, "{\"id\":1,\"verb\":\"counters\"}", "\"dhcp_discover\":3");
	ask(fd, "{\"id\":1,\"verb\":\"counters\"}", "\"rrq_received\":0");
	close(fd);
}

static void test_revoke(void **state)
{
	static const char *const wrong[] = {
		"", ",\"nai\":\"a@red.example\",\"all\":true", ",\"all\":false", ",\"network\":\"blue\"", ",\"peer\":\"pma1\"",
		",\"nai\":1", ",\"nai\":null", ",\"nai\":\"\"", ",\"network\":null", ",\"peer\":null",
		",\"peer\":\"0.0.0.0\"", ",\"all\":null", ",\"all\":\"false\"", ",\"all\":\"true\"", ",\"all\":1",
	};
	char line[200];
	int fd = client();

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(line, sizeof(line), "{\"id\":1,\"verb\":\"revoke\"%s}", wrong[i]);
		ask(fd, line, "\"error\"");
	}
	ask(fd, "{\"id\":1,\"verb\":\"revoke\"}", "one of nai, peer, network and all");
	ask(fd, "{\"id\":1,\"verb\":\"revoke\",\"all\":true}", "\"revoke\":{\"registrations\":0}");
	ask(fd, "{\"id\":1,\"verb\":\"revoke\",\"network\":\"red\"}", "\"revoke\":{\"registrations\":0}");
	ask(fd, "{\"id\":1,\"verb\":\"revoke\",\"peer\":\"192.0.2.1\"}", "\"revoke\":{\"registrations\":0}");
	ask(fd, "{\"id\":1,\"verb\":\"revoke\",\"nai\":\"a@red.example\"}", "\"revoke\":{\"registrations\":0}");
	close(fd);
}

static void test_drain(void **state)
{
	int fd = client();

	(void)state;
	ask(fd, "{\"id\":1,\"verb\":\"drain\"}", "\"message\":\"this agent is no home agent\"");
	ask(fd, "{\"id\":1,\"verb\":\"drains\"}", "\"drains\":[]");
	config.core.ha = true;
	config.core.drain_rate = 100;
	ask(fd, "{\"id\":1,\"verb\":\"drain\"}", "\"field\":\"network\",\"message\":\"its network has no other-home-agents\"");
	inet_pton(AF_INET, "192.0.2.2", &network.other_ha[0]);
	network.n_other_ha = 1;
	ask(fd, "{\"id\":1,\"verb\":\"drain\",\"network\":\"blue\"}", "\"field\":\"network\",\"message\":\"no such network\"");
	ask(fd, "{\"id\":1,\"verb\":\"drain\",\"to\":\"192.0.2.3\"}", "\"field\":\"to\"");
	ask(fd, "{\"id\":1,\"verb\":\"drain\",\"to\":\"ha2\"}", "\"field\":\"to\",\"message\":\"not an IPv4 address\"");
	ask(fd, "{\"id\":1,\"verb\":\"drain\",\"stop\":1}", "\"field\":\"stop\"");
	ask(fd, "{\"id\":1,\"verb\":\"drains\"}", "[{\"network\":\"red\",\"registrations\":0,\"told\":0}]");
	ask(fd, "{\"id\":1,\"verb\":\"drain\",\"network\":\"red\"}",
	    "[{\"network\":\"red\",\"to\":\"192.0.2.2\",\"registrations\":0,\"told\":0}]");
	ask(fd, "{\"id\":1,\"verb\":\"drain\",\"stop\":true}", "[{\"network\":\"red\",\"registrations\":0,\"told\":0}]");
	config.core.ha = false;
	network.n_other_ha = 0;
	close(fd);
}

static void test_socket(void **state)
{
	char text[CORE_TEXT_MAX];
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_null(control_open(&host, text));
	assert_non_null(strstr(text, "another agent listens"));
	assert_int_equal(stat(path, &st), 0);
}

static void test_stale_socket(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), c;
	char text[CORE_TEXT_MAX];

	control_close(host.control);
	strcpy(sun.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);	/* as a killed agent leaves it */
	host.control = control_open(&host, text);
	assert_non_null(host.control);
	c = client();
	test_version(state);
	close(c);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_version), TEST(test_framing), TEST(test_bad_requests), TEST(test_nul_in_a_line),
		TEST(test_long_lines), TEST(test_many_requests), TEST(test_attach_waits),
		TEST(test_waiting_client_leaves), TEST(test_half_closed), TEST(test_client_gone),
		TEST(test_idle_clients_go), TEST(test_deaf_client_goes), TEST(test_many_waiters),
		TEST(test_reset_answers), TEST(test_detach_waits_for_its_end),
		TEST(test_timeline), TEST(test_revoke), TEST(test_drain), TEST(test_socket), TEST(test_stale_socket),
	};
	char *dir = make_dir();
	int failed;

	signal(SIGPIPE, SIG_IGN);
	snprintf(path, sizeof(path), "%s/sock", dir);
	failed = cmocka_run_group_tests_name("control", tests, NULL, NULL);
	rmdir(dir);
	free(dir);
	return failed;
}
