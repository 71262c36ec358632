// SPDX-License-Identifier: GPL-2.0-only
/* Sockets that outlive their process: the keeper is this program, run by its own hand. */
#include "host/keep.h"

#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT	20434

static char *dir, path[256];

static struct in_addr addr(const char *text)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return a;
}

static int bound(const char *text)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = addr(text) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!bind(fd, (struct sockaddr *)&sin, sizeof(sin)))
		return fd;
	close(fd);
	return -errno;
}

/* Does it end up bound? The keeper has its own time to let go. */
static bool gets_free(const char *text)
{
	for (int i = 0; i < 500; i++) {
		int fd = bound(text);

		if (fd >= 0) {
			close(fd);
			return true;
		}
		usleep(10000);
	}
	return false;
}

static ino_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static int setup(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	dir = make_dir();
	snprintf(path, sizeof(path), "%s/keep", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	rmdir(dir);
	free(dir);
	return 0;
}

static void test_keeper(void **state)
{
	struct keep *keep = keep_open(path);
	struct stat st;
	int one, two;
	ino_t was;

	(void)state;
	assert_non_null(keep);
	assert_false(keep_has(keep, addr("127.0.0.1"), PORT));
	assert_int_equal(keep_take(keep, addr("127.0.0.1"), PORT), -1);
	one = bound("127.0.0.1");
	two = bound("127.0.0.2");
	was = inode(one);
	keep_add(keep, addr("127.0.0.1"), one);
	keep_add(keep, addr("127.0.0.2"), two);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	keep_close(keep);
	close(one);
	close(two);
	/* it has them, a process later */
	assert_int_equal(bound("127.0.0.1"), -EADDRINUSE);
	keep = keep_open(path);
	assert_true(keep_has(keep, addr("127.0.0.1"), PORT));
	assert_false(keep_has(keep, addr("127.0.0.1"), PORT + 1));
	assert_false(keep_has(keep, addr("127.0.0.3"), PORT));
	one = keep_take(keep, addr("127.0.0.1"), PORT);
	assert_true(one >= 0);
	assert_int_equal(inode(one), was);
	assert_int_equal(fcntl(one, F_GETFD), FD_CLOEXEC);
	assert_false(keep_has(keep, addr("127.0.0.1"), PORT));
	/* the other is of no use any longer */
	keep_sweep(keep);
	assert_true(gets_free("127.0.0.2"));
	keep_close(keep);
	close(one);
	assert_int_equal(bound("127.0.0.1"), -EADDRINUSE);
	keep = keep_open(path);
	keep_drop(keep, addr("127.0.0.1"));
	keep_close(keep);
	keep = keep_open(path);
	keep_sweep(keep);
	assert_true(gets_free("127.0.0.1"));
	one = bound("127.0.0.1");
	keep_add(keep, addr("127.0.0.1"), one);
	close(one);
	assert_int_equal(bound("127.0.0.1"), -EADDRINUSE);
	keep_end(keep);
	keep_close(keep);
	assert_true(gets_free("127.0.0.1"));
	assert_int_not_equal(access(path, F_OK), 0);
}

/* What listened there is gone, its name is not. */
static void test_stale(void **state)
{
	struct keep *keep;
	int fd = open(path, O_CREAT | O_WRONLY, 0600), one;

	(void)state;
	close(fd);
	keep = keep_open(path);
	one = bound("127.0.0.1");
	keep_add(keep, addr("127.0.0.1"), one);
	close(one);
	assert_int_equal(bound("127.0.0.1"), -EADDRINUSE);
	keep_end(keep);
	keep_close(keep);
	assert_true(gets_free("127.0.0.1"));
}

/* As systemd passes them; what is none of ours is closed. */
static void test_passed(void **state)
{
	char pid[16];
	pid_t child;
	int status;

	(void)state;
	child = fork();
	if (!child) {
		struct keep *keep;
		int one = bound("127.0.0.1");

		if (dup2(one, 100) < 0 || dup2(100, 3) < 0 || dup2(0, 4) < 0)
			_exit(2);
		snprintf(pid, sizeof(pid), "%d", getpid());
		setenv("NOTIFY_SOCKET", "@nobody-listens-here", 1);
		setenv("LISTEN_PID", pid, 1);
		setenv("LISTEN_FDS", "2", 1);
		keep = keep_open(path);
		if (!keep_has(keep, addr("127.0.0.1"), PORT) || keep_take(keep, addr("127.0.0.1"), PORT) != 3)
			_exit(3);
		keep_sweep(keep);
		_exit(fcntl(3, F_GETFD) != FD_CLOEXEC || fcntl(4, F_GETFD) != -1 || getenv("LISTEN_FDS") ? 4 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_keeper, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
		cmocka_unit_test_setup_teardown(test_passed, setup, teardown),
	};

	if (argc == 2 && !strcmp(argv[1], "--keep"))
		return keep_serve();
	return cmocka_run_group_tests_name("keep", tests, NULL, NULL);
}
