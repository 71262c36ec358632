// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traffic for the demo and the guest tests.
 *
 *   flow send ADDR PORT RATE TAG [SPORT]  UDP probes, RATE packets/s, until SIGTERM
 *   flow recv PORT FILE                   logs every probe: "seq sent_ns received_ns tag"
 *   flow serve PORT MBITS                 TCP, one connection, both ways at once
 *   flow connect ADDR PORT MBITS          the other end
 *
 * Times are CLOCK_MONOTONIC, so ends in namespaces of one kernel compare. The
 * TCP ends send a pseudo-random stream until SIGTERM, then shut down their
 * direction and read the other to its end; each prints one JSON object with
 * bytes and SHA-256 of what it sent and received.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S	1000000000ull
#define PROBE_SIZE	128
#define CHUNK		16384

struct probe {
	uint64_t seq;
	uint64_t sent_ns;
	char tag[PROBE_SIZE - 16];	/* the whole rest is the tag's letter: captures are searched for it */
};

struct digest {
	EVP_MD_CTX *ctx;
	uint64_t bytes;
};

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "flow: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void sleep_until(uint64_t when)
{
	struct timespec ts = { when / NS_PER_S, when % NS_PER_S };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static uint64_t number(const char *text, uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || end == text || value < min || value > max) {
		fprintf(stderr, "flow: \"%s\" must be %" PRIu64 "..%" PRIu64 "\n", text, min, max);
		exit(1);
	}
	return value;
}

static struct sockaddr_in address(const char *addr, const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	if (addr && inet_pton(AF_INET, addr, &sin.sin_addr) != 1) {
		fprintf(stderr, "flow: \"%s\" is no IPv4 address\n", addr);
		exit(1);
	}
	sin.sin_port = htons(number(port, 1, 65535));
	return sin;
}

static int open_socket(int type, const struct sockaddr_in *local)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		die("SO_REUSEADDR");
	if (local && bind(fd, (const struct sockaddr *)local, sizeof(*local)))
		die("bind");
	return fd;
}

/*
 * A lost route or a full queue must not end a probe: the gap is what is measured. Nor is a sender that had to wait to
 * flood the network when it is its turn again: those packets aren't sent.
 */
static int probe_send(char **arg, int n)
{
	struct sockaddr_in to = address(arg[0], arg[1]);
	struct sockaddr_in from = address(NULL, n > 4 ? arg[4] : arg[1]);
	uint64_t interval = NS_PER_S / number(arg[2], 1, 10000), next = now_ns();
	struct probe probe = { .seq = 0 };
	int fd = open_socket(SOCK_DGRAM, &from);

	memset(probe.tag, arg[3][0], sizeof(probe.tag));
	for (; !stop; probe.seq++, next += interval) {
		sleep_until(next);
		probe.sent_ns = now_ns();
		if (probe.sent_ns > next + 2 * interval)
			next = probe.sent_ns;
		if (sendto(fd, &probe, sizeof(probe), 0, (struct sockaddr *)&to, sizeof(to)) < 0 &&
		    errno == EBADF)
			die("sendto");
	}
	printf("%" PRIu64 "\n", probe.seq);
	return 0;
}

static int probe_recv(char **arg)
{
	struct sockaddr_in local = address(NULL, arg[0]);
	int fd = open_socket(SOCK_DGRAM, &local);
	struct timeval tick = { .tv_usec = 200000 };	/* a SIGTERM between the test and recv() waits for it */
	FILE *log = fopen(arg[1], "w");
	const int space = 4 << 20;	/* what comes at once after a gap must not be lost here */
	struct probe probe;
	ssize_t len;

	if (!log)
		die(arg[1]);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick)))
		die("SO_RCVTIMEO");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &space, sizeof(space)))
		die("SO_RCVBUFFORCE");
	setvbuf(log, NULL, _IOLBF, 0);
	while (!stop) {
		len = recv(fd, &probe, sizeof(probe), 0);
		if (len != sizeof(probe))
			continue;
		fprintf(log, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %c\n",
			probe.seq, probe.sent_ns, now_ns(), probe.tag[0]);
	}
	return fclose(log) ? 1 : 0;
}

static struct digest digest_new(void)
{
	struct digest d = { EVP_MD_CTX_new(), 0 };

	if (!d.ctx || !EVP_DigestInit_ex(d.ctx, EVP_sha256(), NULL))
		die("SHA-256");
	return d;
}

static void digest_add(struct digest *d, const void *data, size_t len)
{
	EVP_DigestUpdate(d->ctx, data, len);
	d->bytes += len;
}

static void digest_print(const char *name, struct digest *d)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int len, i;

	EVP_DigestFinal_ex(d->ctx, sum, &len);
	EVP_MD_CTX_free(d->ctx);
	printf("\"%s\": {\"bytes\": %" PRIu64 ", \"sha256\": \"", name, d->bytes);
	for (i = 0; i < len; i++)
		printf("%02x", sum[i]);
	printf("\"}");
}

static void fill(unsigned char *buf, size_t len, uint64_t *state)
{
	size_t i;

	for (i = 0; i + 8 <= len; i += 8) {
		*state ^= *state << 13;
		*state ^= *state >> 7;
		*state ^= *state << 17;
		memcpy(buf + i, state, 8);
	}
}

static int tcp_run(int fd, uint64_t mbits)
{
	unsigned char out[CHUNK], in[65536];
	struct digest sent = digest_new(), received = digest_new();
	uint64_t start = now_ns(), state = start | 1;
	size_t off = sizeof(out);
	bool sending = true, reading = true;
	ssize_t len;

	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		die("fcntl");
	while (reading || sending) {
		uint64_t allowed = (now_ns() - start) / 8000 * mbits;
		struct pollfd pfd = { .fd = fd, .events = reading ? POLLIN : 0 };
		bool ready = sending && (off < sizeof(out) || sent.bytes < allowed || stop);

		if (ready)
			pfd.events |= POLLOUT;
		if (poll(&pfd, 1, sending && !ready ? 2 : 100) < 0 && errno != EINTR)
			die("poll");
		if (pfd.revents & POLLIN) {
			len = read(fd, in, sizeof(in));
			if (len < 0 && errno != EAGAIN && errno != EINTR)
				die("connection broke while reading");
			if (len == 0)
				reading = false;
			if (len > 0)
				digest_add(&received, in, len);
		}
		if (!reading && sending && !stop) {
			fprintf(stderr, "flow: the other end closed first\n");
			return 1;
		}
		if (!ready)
			continue;
		if (off == sizeof(out)) {
			if (stop) {
				shutdown(fd, SHUT_WR);
				sending = false;
				continue;
			}
			fill(out, sizeof(out), &state);
			off = 0;
		}
		len = write(fd, out + off, sizeof(out) - off);
		if (len < 0 && errno != EAGAIN && errno != EINTR)
			die("connection broke while writing");
		if (len > 0) {
			digest_add(&sent, out + off, len);
			off += len;
		}
	}
	printf("{");
	digest_print("sent", &sent);
	printf(", ");
	digest_print("received", &received);
	printf("}\n");
	return 0;
}

static int tcp_serve(char **arg)
{
	struct sockaddr_in local = address(NULL, arg[0]);
	int fd, listener = open_socket(SOCK_STREAM, &local);

	if (listen(listener, 1))
		die("listen");
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		die("accept");
	return tcp_run(fd, number(arg[1], 1, 10000));
}

static int tcp_connect(char **arg)
{
	struct sockaddr_in to = address(arg[0], arg[1]);
	int fd = open_socket(SOCK_STREAM, NULL);

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	return tcp_run(fd, number(arg[2], 1, 10000));
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_term };

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (argc >= 6 && argc <= 7 && !strcmp(argv[1], "send"))
		return probe_send(argv + 2, argc - 2);
	if (argc == 4 && !strcmp(argv[1], "recv"))
		return probe_recv(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "serve"))
		return tcp_serve(argv + 2);
	if (argc == 5 && !strcmp(argv[1], "connect"))
		return tcp_connect(argv + 2);
	fprintf(stderr, "Usage: flow send ADDR PORT RATE TAG [SPORT] | recv PORT FILE | serve PORT MBITS | "
		"connect ADDR PORT MBITS\n");
	return 1;
}
