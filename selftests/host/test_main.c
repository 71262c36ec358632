// SPDX-License-Identifier: GPL-2.0-only
/* The program around the agent: signals that must not end it, and what the service manager is told. */
#define main mip4d_main
int mip4d_main(int argc, char **argv);
#include "../../agent/mip4d.c"
#undef main

#include "common.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static unsigned int n_reloads;
static bool fails;

/* ---- the agent, as far as mip4d.c sees it ---- */

static void on_pass(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	raise(n_reloads ? SIGTERM : SIGHUP);
}

bool host_start(struct host *host)
{
	struct timeval tv = { 0, 1000 };

	/* A client that left, and a reload that comes too early. */
	raise(SIGPIPE);
	raise(SIGHUP);
	host->base = event_base_new();
	host->timer = event_new(host->base, -1, EV_PERSIST, on_pass, NULL);
	event_add(host->timer, &tv);
	return !fails;
}

void host_stop(struct host *host)
{
	event_free(host->timer);
	event_base_free(host->base);
}

bool host_reload(struct host *host)
{
	(void)host;
	n_reloads++;
	return true;
}

static struct config config;
static const char *doubt;

struct config *config_load(const char *path, FILE *complaints)
{
	(void)complaints;
	return strcmp(path, "./good.conf") && strcmp(path, "/etc/mip4/good.conf") ? NULL : &config;
}

const char *config_doubt(const struct config *c)
{
	(void)c;
	return doubt;
}

void config_free(struct config *c)
{
	(void)c;
}

/* ---- tests ---- */

static int listener(struct sockaddr_un *sun, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)sun, len), 0);
	return fd;
}

static void run_agent(int want)
{
	char *argv[] = { "mip4d", "test", NULL };

	optind = 0;
	n_reloads = 0;
	assert_int_equal(mip4d_main(2, argv), want);
}

static void expect_ready(int fd, bool ready)
{
	char text[32] = "";

	assert_int_equal(recv(fd, text, sizeof(text) - 1, 0), ready ? 7 : -1);
	assert_string_equal(text, ready ? "READY=1" : "");
	close(fd);
}

static void test_ready(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char *dir = make_dir();
	int fd;

	(void)state;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/notify", dir);
	fd = listener(&sun, sizeof(sun));
	setenv("NOTIFY_SOCKET", sun.sun_path, 1);
	run_agent(0);
	assert_int_equal(n_reloads, 1);		/* the early one went unheard */
	expect_ready(fd, true);
	unlink(sun.sun_path);
	rmdir(dir);
	free(dir);
}

static void test_ready_abstract(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char name[64];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@mip4-selftest-%d", getpid());
	memcpy(sun.sun_path + 1, name + 1, strlen(name) - 1);
	fd = listener(&sun, offsetof(struct sockaddr_un, sun_path) + strlen(name));
	setenv("NOTIFY_SOCKET", name, 1);
	run_agent(0);
	expect_ready(fd, true);
}

static void test_not_ready(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char name[64];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@mip4-selftest-%d", getpid());
	memcpy(sun.sun_path + 1, name + 1, strlen(name) - 1);
	fd = listener(&sun, offsetof(struct sockaddr_un, sun_path) + strlen(name));
	setenv("NOTIFY_SOCKET", name, 1);
	fails = true;
	run_agent(1);
	fails = false;
	expect_ready(fd, false);
	unsetenv("NOTIFY_SOCKET");
	run_agent(0);
}

/* What a command line makes the program say, on both outputs, and its status. */
static void expect_says(int want, const char *text, ...)
{
	char *argv[8] = { "mip4d" }, said[4096];
	int argc = 1, rc, out = dup(1), err = dup(2), file = memfd_create("said", 0);
	ssize_t len;
	va_list ap;

	va_start(ap, text);
	while (argc < 7 && (argv[argc] = va_arg(ap, char *)))
		argc++;
	va_end(ap);
	fflush(stdout);
	dup2(file, 1);
	dup2(file, 2);
	optind = 0;
	rc = mip4d_main(argc, argv);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	len = pread(file, said, sizeof(said) - 1, 0);
	close(file);
	assert_true(len >= 0);
	said[len] = '\0';
	if (rc != want || strcmp(said, text))
		fail_msg("status %d, said:\n%s", rc, said);
}

static void test_command_line(void **state)
{
	(void)state;
	expect_says(1, "mip4d: the agent's NAME is missing (mip4d --help)\n", NULL);
	expect_says(1, "mip4d: the agent's NAME is missing (mip4d --help)\n", "", NULL);
	expect_says(1, "mip4d: the agent's NAME or a FILE is missing (mip4d --help)\n", "--check", NULL);
	expect_says(1, "mip4d: \"b\" is too many: one agent, one NAME (mip4d --help)\n", "a", "b", NULL);
	expect_says(1, "", "--check", "bad", NULL);
}

static void test_check(void **state)
{
	(void)state;
	config = (struct config){ .core = { .ha = true, .n_networks = 1, .n_peers = 1 } };
	expect_says(0, "./good.conf: ok: home agent, 1 network, 1 peer\n", "--check", "./good.conf", NULL);
	expect_says(0, "./good.conf: ok: home agent, 1 network, 1 peer\n", "--check", "-c", "./good.conf", NULL);
	config = (struct config){ .core = { .ha = true, .pma = true, .n_networks = 2, .n_peers = 0 } };
	doubt = "odd";
	expect_says(0, "/etc/mip4/good.conf: warning: odd\n"
		    "/etc/mip4/good.conf: ok: home agent and proxy agent, 2 networks, 0 peers\n",
		    "--check", "good", NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ready), cmocka_unit_test(test_ready_abstract), cmocka_unit_test(test_not_ready),
		cmocka_unit_test(test_command_line), cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests_name("main", tests, NULL, NULL);
}
