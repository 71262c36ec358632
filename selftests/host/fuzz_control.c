// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever clients say to the control socket, in any pieces: each line of what
 * they hear is a JSON object with an id, and one that is an error says what.
 * Of the bytes, some are events instead: see happen().
 */
#include "../../agent/host/control.c"	/* for on_connect(): no socket in the file system is needed */

#include "control_world.h"

#include <event2/event.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <sys/socket.h>

#define CLIENTS		4
#define HEAR_MAX	(4 << 20)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fds[CLIENTS];
static struct { char *text; size_t len; } heard[CLIENTS];

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_line(const char *line)
{
	struct json_object *obj = json_tokener_parse(line), *id, *error, *message;

	require(json_object_is_type(obj, json_type_object) && json_object_object_get_ex(obj, "id", &id));
	if (json_object_object_get_ex(obj, "error", &error))
		require(json_object_object_get_ex(error, "message", &message) &&
			json_object_is_type(message, json_type_string) && json_object_get_string_len(message));
	json_object_put(obj);
}

static void hear(int i)
{
	static char buf[HEAR_MAX];
	char *end, *p;
	ssize_t n;

	while (fds[i] >= 0 && (n = recv(fds[i], buf, sizeof(buf), 0)) > 0) {
		heard[i].text = realloc(heard[i].text, heard[i].len + n + 1);
		require(heard[i].text);
		memcpy(heard[i].text + heard[i].len, buf, n);
		heard[i].len += n;
		heard[i].text[heard[i].len] = '\0';
		for (p = heard[i].text; (end = strchr(p, '\n')); p = end + 1) {
			*end = '\0';
			check_line(p);
		}
		heard[i].len -= p - heard[i].text;
		memmove(heard[i].text, p, heard[i].len + 1);
	}
}

static void settle(void)
{
	for (int round = 0; round < 3; round++) {
		event_base_loop(host.base, EVLOOP_NONBLOCK);
		for (int i = 0; i < CLIENTS; i++)
			hear(i);
	}
}

static void leave(int i)
{
	if (fds[i] >= 0)
		close(fds[i]);
	fds[i] = -1;
	heard[i].len = 0;
}

static void come(int i)
{
	int pair[2];

	leave(i);
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
	fds[i] = pair[0];
	on_connect(NULL, pair[1], NULL, 0, host.control);
}

/* One of its own, bound since before. */
static void restore_device(void)
{
	struct core_event ev = { .type = CORE_EV_RESTORE };
	struct core_record *rec = &ev.restore;

	rec->cookie = 1;
	rec->role = CORE_PMA;
	strcpy(rec->nai, "020000000107@red.example");
	strcpy(rec->network, "red");
	inet_pton(AF_INET, "10.0.0.7", &rec->home);
	rec->ha = network.ha;
	rec->coa = config.core.care_of;
	rec->lifetime = 600;
	rec->expires_unix = UINT64_MAX;
	rec->port = 1;
	strcpy(rec->port_name, "lo");
	memcpy(rec->mac, "\x02\0\0\0\x01\x07", 6);
	host_event(&host, &ev);
	host_event(&host, &(struct core_event){ .type = CORE_EV_START });
	host_event(&host, &(struct core_event){ .type = CORE_EV_TIMEOUT });
	for (int type = CORE_EV_BOUND; type <= CORE_EV_STORED; type++)
		host_event(&host, &(struct core_event){ .type = type, .done.cookie = 1 });
}

static bool is_event(uint8_t c)
{
	return c >= 1 && c <= 8;
}

/* Another client speaks, comes, leaves, says no more; or time passes; or the configuration is read again. */
static int happen(uint8_t c, int who)
{
	uint64_t next = core_next(host.core);

	if (c != 4 && c != 5)	/* who leaves doesn't wait until it was heard */
		settle();
	switch (c) {
	case 1:
	case 2:
		return (who + c) % CLIENTS;
	case 3:
		come(who);
		break;
	case 4:
		leave(who);
		break;
	case 5:
		if (fds[who] >= 0)
			shutdown(fds[who], SHUT_WR);
		break;
	case 6:
		if (next > played_us)
			played_us = next;
		host_event(&host, &(struct core_event){ .type = CORE_EV_TIMEOUT });
		break;
	case 7:
		control_reset(host.control, "the configuration was read again meanwhile");
		break;
	default:
		break;		/* what was said so far is heard */
	}
	return who;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_L_ERROR);
	host = (struct host){ .name = "fuzz", .config = &config, .base = event_base_new() };
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control control = { .host = &host };
	int who = 0;

	LIST_INIT(&control.clients);
	LIST_INIT(&control.waiters);
	host.control = &control;
	played_us = 1000000;
	start_core();
	restore_device();
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = -1;
		come(i);
	}
	for (size_t from = 0, to; from < size; from = to) {
		to = from + 1;
		if (is_event(data[from])) {
			who = happen(data[from], who);
		} else {
			while (to < size && !is_event(data[to]))
				to++;
			if (fds[who] >= 0)	/* all of it fits; who was sent away has no ear for it */
				send(fds[who], data + from, to - from, MSG_NOSIGNAL);
		}
	}
	settle();
	for (int i = 0; i < CLIENTS; i++) {
		leave(i);
		free(heard[i].text);
		heard[i].text = NULL;
	}
	control_reset(&control, "all have left");	/* who waits for an answer is not known to be gone before */
	settle();
	require(LIST_EMPTY(&control.clients) && LIST_EMPTY(&control.waiters));
	core_free(host.core);
	return 0;
}
