// SPDX-License-Identifier: GPL-2.0-only
#include "host/keep.h"
#include "host/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_FD	3	/* of what is passed on: sd_listen_fds(3), and our keeper's socket */
#define FDS_MAX		64	/* as many addresses has no agent */
#define ANSWER_S	5	/* a keeper does nothing but answer */

/* What an agent says to its keeper: one byte, then an address, or a descriptor beside it. */
enum { ASK_GET = 'g', ASK_ADD = 'a', ASK_DROP = 'd', ASK_END = 'e' };

struct request {
	uint8_t ask;
	uint8_t addr[4];	/* ASK_DROP */
};

struct keep {
	char *path;		/* NULL: a service manager keeps */
	int sock;		/* to the keeper, -1: not connected */
	int fds[FDS_MAX];	/* left by an earlier process, not taken yet */
	unsigned int n;
};

/* ---- messages with file descriptors ---- */

static bool send_fds(int sock, const struct sockaddr_un *to, socklen_t to_len, const void *data, size_t len,
		     const int *fds, unsigned int n)
{
	union { struct cmsghdr align; char buf[CMSG_SPACE(FDS_MAX * sizeof(int))]; } control = { 0 };
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = { .msg_name = (void *)to, .msg_namelen = to_len, .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (n) {
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == (ssize_t)len;
}

/* How many bytes came; @fds has room for FDS_MAX. */
static ssize_t receive_fds(int sock, void *data, size_t len, int *fds, unsigned int *n)
{
	union { struct cmsghdr align; char buf[CMSG_SPACE(FDS_MAX * sizeof(int))]; } control;
	struct iovec iov = { data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	ssize_t got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);

	*n = 0;
	if (got < 0)
		return got;
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		*n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(cmsg), *n * sizeof(int));
	}
	return got;
}

/* Is it a UDP socket bound to that? @port 0: to any. */
static bool is_bound(int fd, struct in_addr addr, uint16_t port)
{
	struct sockaddr_in sin = { 0 };
	socklen_t len = sizeof(sin), type_len = sizeof(int);
	int type = 0;

	return !getsockname(fd, (struct sockaddr *)&sin, &len) && sin.sin_family == AF_INET &&
	       !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) && type == SOCK_DGRAM &&
	       sin.sin_addr.s_addr == addr.s_addr && (!port || sin.sin_port == htons(port));
}

/* ---- a service manager ---- */

static void notify_fd(const char *state, int fd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	int sock;

	if (!len || len >= sizeof(sun.sun_path))
		return;
	memcpy(sun.sun_path, path, len);
	if (*path == '@')	/* an abstract address, written with an @ for its leading NUL */
		sun.sun_path[0] = '\0';
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || !send_fds(sock, &sun, offsetof(struct sockaddr_un, sun_path) + len, state, strlen(state), &fd,
				  fd >= 0))
		log_warning("cannot tell the service manager \"%s\": %s", state, strerror(errno));
	if (sock >= 0)
		close(sock);
}

void keep_notify(const char *state)
{
	notify_fd(state, -1);
}

/* sd_listen_fds(3) */
static void take_passed(struct keep *keep)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	int n = pid && count && atoi(pid) == getpid() ? atoi(count) : 0;

	for (int fd = FIRST_FD; fd < FIRST_FD + n && keep->n < FDS_MAX; fd++)
		if (!fcntl(fd, F_SETFD, FD_CLOEXEC))
			keep->fds[keep->n++] = fd;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

/* ---- the keeper, as its agent sees it ---- */

static bool address_of(const struct keep *keep, struct sockaddr_un *sun)
{
	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(keep->path) >= sizeof(sun->sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	strcpy(sun->sun_path, keep->path);
	return true;
}

static bool connect_keeper(struct keep *keep)
{
	struct timeval wait = { .tv_sec = ANSWER_S };
	struct sockaddr_un sun;
	int sock;

	if (!address_of(keep, &sun))
		return false;
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return false;
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(sock, (struct sockaddr *)&sun, sizeof(sun))) {
		close(sock);
		return false;
	}
	keep->sock = sock;
	return true;
}

/* In the child of a child: nobody has to wait for it, and of our memory, with its keys, it has nothing. */
static void become_keeper(int listener)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (fork())
		_exit(0);
	if (null < 0 || chdir("/") || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(1);
	if (listener == FIRST_FD ? fcntl(listener, F_SETFD, 0) : dup2(listener, FIRST_FD) < 0)
		_exit(1);
	close_range(FIRST_FD + 1, ~0U, 0);
	execl("/proc/self/exe", "mip4d", "--keep", (char *)NULL);
	_exit(1);
}

static bool start_keeper(struct keep *keep)
{
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un sun;
	bool ok = false;
	mode_t mask;
	pid_t pid;

	if (listener < 0 || !address_of(keep, &sun))
		goto out;
	unlink(keep->path);
	mask = umask(0177);
	ok = !bind(listener, (struct sockaddr *)&sun, sizeof(sun)) && !listen(listener, 1);
	umask(mask);
	if (!ok)
		goto out;
	pid = fork();
	if (!pid)
		become_keeper(listener);
	ok = pid > 0 && waitpid(pid, NULL, 0) == pid && connect_keeper(keep);
out:
	if (listener >= 0)
		close(listener);
	return ok;
}

static bool ask(struct keep *keep, uint8_t what, struct in_addr addr, int fd)
{
	struct request request = { .ask = what };

	memcpy(request.addr, &addr, sizeof(addr));
	return send_fds(keep->sock, NULL, 0, &request, sizeof(request), &fd, fd >= 0);
}

static void get_kept(struct keep *keep)
{
	uint8_t byte;

	if (!ask(keep, ASK_GET, (struct in_addr){ 0 }, -1) ||
	    receive_fds(keep->sock, &byte, sizeof(byte), keep->fds, &keep->n) < 0)
		log_warning("the keeper of UDP sockets doesn't answer: %s", strerror(errno));
}

/* ---- what an agent calls ---- */

struct keep *keep_open(const char *path)
{
	struct keep *keep = calloc(1, sizeof(*keep));

	if (!keep)
		return NULL;
	keep->sock = -1;
	if (getenv("NOTIFY_SOCKET")) {
		take_passed(keep);
		return keep;
	}
	keep->path = strdup(path);
	if (!keep->path) {
		free(keep);
		return NULL;
	}
	if (connect_keeper(keep))
		get_kept(keep);
	return keep;
}

void keep_close(struct keep *keep)
{
	if (!keep)
		return;
	for (unsigned int i = 0; i < keep->n; i++)
		close(keep->fds[i]);
	if (keep->sock >= 0)
		close(keep->sock);
	free(keep->path);
	free(keep);
}

void keep_end(struct keep *keep)
{
	if (!keep || keep->sock < 0)
		return;
	ask(keep, ASK_END, (struct in_addr){ 0 }, -1);
	unlink(keep->path);
}

static int find(const struct keep *keep, struct in_addr addr, uint16_t port)
{
	for (unsigned int i = 0; i < keep->n; i++)
		if (is_bound(keep->fds[i], addr, port))
			return i;
	return -1;
}

bool keep_has(const struct keep *keep, struct in_addr addr, uint16_t port)
{
	return find(keep, addr, port) >= 0;
}

int keep_take(struct keep *keep, struct in_addr addr, uint16_t port)
{
	int i = find(keep, addr, port), fd;

	if (i < 0)
		return -1;
	fd = keep->fds[i];
	keep->fds[i] = keep->fds[--keep->n];
	return fd;
}

void keep_sweep(struct keep *keep)
{
	while (keep->n) {
		int fd = keep->fds[--keep->n];
		struct sockaddr_in sin = { 0 };
		socklen_t len = sizeof(sin);

		if (!getsockname(fd, (struct sockaddr *)&sin, &len) && sin.sin_family == AF_INET)
			keep_drop(keep, sin.sin_addr);
		close(fd);
	}
}

/* A name that a service manager takes; the terminator stays, so use it at once. */
static const char *store_state(const char *verb, struct in_addr addr)
{
	static char state[64];

	snprintf(state, sizeof(state), "%s=1\nFDNAME=udp-%s", verb, inet_ntoa(addr));
	return state;
}

void keep_add(struct keep *keep, struct in_addr addr, int fd)
{
	if (!keep->path) {
		notify_fd(store_state("FDSTORE", addr), fd);
		return;
	}
	if (keep->sock < 0 && !start_keeper(keep))
		log_warning("%s: UDP tunnels will end with this process: %s", keep->path, strerror(errno));
	else if (!ask(keep, ASK_ADD, addr, fd))
		log_warning("the keeper of UDP sockets doesn't take one: %s", strerror(errno));
}

void keep_drop(struct keep *keep, struct in_addr addr)
{
	if (!keep->path)
		keep_notify(store_state("FDSTOREREMOVE", addr));
	else if (keep->sock >= 0)
		ask(keep, ASK_DROP, addr, -1);
}

/* ---- the keeper itself ---- */

static void forget(struct keep *kept, struct in_addr addr)
{
	int fd = keep_take(kept, addr, 0);

	if (fd >= 0)
		close(fd);
}

/* The socket is closed to others by its mode. Returns whether to go on. */
static bool serve_one(struct keep *kept, int client)
{
	int fds[FDS_MAX];
	unsigned int n;

	for (;;) {
		struct sockaddr_in sin = { 0 };
		socklen_t len = sizeof(sin);
		struct request request;
		struct in_addr addr;

		if (receive_fds(client, &request, sizeof(request), fds, &n) != sizeof(request))
			return true;
		switch (request.ask) {
		case ASK_GET:
			if (!send_fds(client, NULL, 0, "", 1, kept->fds, kept->n))
				return true;
			break;
		case ASK_ADD:
			for (unsigned int i = 0; i < n; i++) {
				if (!getsockname(fds[i], (struct sockaddr *)&sin, &len))
					forget(kept, sin.sin_addr);
				if (kept->n == FDS_MAX)
					close(fds[i]);
				else
					kept->fds[kept->n++] = fds[i];
			}
			break;
		case ASK_DROP:
			memcpy(&addr, request.addr, sizeof(addr));
			forget(kept, addr);
			break;
		case ASK_END:
			return false;
		}
	}
}

int keep_serve(void)
{
	struct keep kept = { 0 };
	int client;

	do {
		client = accept4(FIRST_FD, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0 && errno != EINTR && errno != ECONNABORTED)
			return 1;
		if (client < 0)
			continue;
		if (!serve_one(&kept, client))
			return 0;
		close(client);
	} while (true);
}
