// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostapd's control interface is a datagram socket: commands and their replies
 * are text, and who has sent ATTACH gets events as well, which begin with "<".
 * hostapd answers to the address that a command came from, here one that the
 * kernel chooses. After it has been started anew nobody is attached: each PING
 * finds that out.
 */
#include "host/hostapd.h"
#include "host/config.h"
#include "host/log.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REPLY_MAX	4096	/* of a command; an event is shorter */
#define PING_S		5	/* also between two tries to reach it */
#define ACTIVE_MS	5000

struct hostapd {
	struct hostapds *all;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd;				/* -1: it isn't there */
	struct event *ev, *timer;
	bool attached, warned;
	unsigned int unanswered;	/* PINGs */
	LIST_ENTRY(hostapd) list;
};

/* Where it has come last. */
struct station {
	uint8_t mac[6];
	struct hostapd *ap;
	LIST_ENTRY(station) list;
};

struct hostapds {
	LIST_HEAD(, station) stations;
	struct event_base *base;
	hostapd_fn station;
	void *arg;
	LIST_HEAD(, hostapd) list;
};

static const char *interface_of(const struct hostapd *ap)
{
	return strrchr(ap->path, '/') + 1;
}

/* Without a word: who is there serves them on until they are missed. */
static void forget_stations(struct hostapd *ap)
{
	struct station *station, *next;

	for (station = LIST_FIRST(&ap->all->stations); station; station = next) {
		next = LIST_NEXT(station, list);
		if (station->ap == ap) {
			LIST_REMOVE(station, list);
			free(station);
		}
	}
}

static void hang_up(struct hostapd *ap)
{
	forget_stations(ap);
	if (ap->ev)
		event_free(ap->ev);
	if (ap->fd >= 0)
		close(ap->fd);
	ap->ev = NULL;
	ap->fd = -1;
	ap->attached = false;
	ap->unanswered = 0;
}

static void lose(struct hostapd *ap, const char *why)
{
	if (!ap->warned)
		log_warning("hostapd %s: %s; trying again each %d s", ap->path, why, PING_S);
	ap->warned = true;
	hang_up(ap);
}

static void command(struct hostapd *ap, const char *text)
{
	if (ap->fd >= 0 && send(ap->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		lose(ap, strerror(errno));
}

/* "02:00:00:00:01:05" and whatever follows. */
static bool read_mac(const char *text, uint8_t mac[static 6])
{
	int end = 0;

	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
		      &mac[5], &end) == 6 && end == 17;
}

static struct station *station_of(struct hostapds *all, const uint8_t mac[static 6])
{
	struct station *station;

	LIST_FOREACH(station, &all->stations, list)
		if (!memcmp(station->mac, mac, sizeof(station->mac)))
			break;
	return station;
}

static void came(struct hostapd *ap, const uint8_t mac[static 6], bool now)
{
	struct station *station = station_of(ap->all, mac);

	if (!station) {
		station = calloc(1, sizeof(*station));
		if (station) {
			memcpy(station->mac, mac, sizeof(station->mac));
			LIST_INSERT_HEAD(&ap->all->stations, station, list);
		}
	}
	if (station && (now || !station->ap))
		station->ap = ap;
	ap->all->station(ap->all->arg, interface_of(ap), mac, true, now);
}

/* An access point may notice late that a station has gone to another one. */
static void left(struct hostapd *ap, const uint8_t mac[static 6])
{
	struct station *station = station_of(ap->all, mac);

	if (station && station->ap != ap)
		return;
	if (station) {
		LIST_REMOVE(station, list);
		free(station);
	}
	ap->all->station(ap->all->arg, interface_of(ap), mac, false, true);
}

static void on_event(struct hostapd *ap, const char *text)
{
	static const char connected[] = "AP-STA-CONNECTED ", disconnected[] = "AP-STA-DISCONNECTED ";
	uint8_t mac[6];

	if (!strncmp(text, connected, sizeof(connected) - 1) && read_mac(text + sizeof(connected) - 1, mac))
		came(ap, mac, true);
	else if (!strncmp(text, disconnected, sizeof(disconnected) - 1) &&
		 read_mac(text + sizeof(disconnected) - 1, mac))
		left(ap, mac);
}

/* Only in its own line: others may hold what a station has said. */
static bool is_authorised(const char *text)
{
	const char *flags = strstr(text, "\nflags="), *found = flags ? strstr(flags, "[AUTHORIZED]") : NULL;

	return found && found < flags + 1 + strcspn(flags + 1, "\n");
}

/* One that hasn't sent anything for a while may be elsewhere: its frames will tell. */
static bool is_active(const char *text)
{
	static const char name[] = "\ninactive_msec=";
	const char *msec = strstr(text, name);

	return msec && strtoul(msec + sizeof(name) - 1, NULL, 10) < ACTIVE_MS;
}

/* Of STA-FIRST or STA-NEXT: a station, and line by line what is known of it; empty behind the last one. */
static void on_listed(struct hostapd *ap, const char *text)
{
	char next[32];
	uint8_t mac[6];

	if (!read_mac(text, mac))
		return;
	snprintf(next, sizeof(next), "STA-NEXT %.17s", text);
	if (is_authorised(text) && is_active(text))
		came(ap, mac, false);
	command(ap, next);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct hostapd *ap = arg;
	char text[REPLY_MAX + 1];
	const char *behind;
	ssize_t len;

	(void)what;
	while (ap->fd == fd && (len = recv(fd, text, REPLY_MAX, MSG_DONTWAIT)) >= 0) {
		text[len] = '\0';
		ap->unanswered = 0;
		behind = *text == '<' ? strchr(text, '>') : NULL;	/* a priority */
		if (behind) {
			on_event(ap, behind + 1);
		} else if (!strncmp(text, "PONG", 4)) {
			continue;
		} else if (ap->attached) {
			on_listed(ap, text);
		} else if (!strcmp(text, "OK\n")) {
			ap->attached = true;
			ap->warned = false;
			log_info("hostapd %s: listening", ap->path);
			command(ap, "STA-FIRST");
		} else {
			lose(ap, "it refused ATTACH");
		}
	}
}

static void call(struct hostapd *ap)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	ap->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ap->fd < 0 || bind(ap->fd, (struct sockaddr *)&sun, sizeof(sa_family_t))) {
		lose(ap, strerror(errno));
		return;
	}
	strcpy(sun.sun_path, ap->path);
	if (connect(ap->fd, (struct sockaddr *)&sun, sizeof(sun))) {
		lose(ap, strerror(errno));
		return;
	}
	ap->ev = event_new(ap->all->base, ap->fd, EV_READ | EV_PERSIST, on_readable, ap);
	if (!ap->ev || event_add(ap->ev, NULL)) {
		lose(ap, "no memory");
		return;
	}
	command(ap, "ATTACH");
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct hostapd *ap = arg;

	(void)fd;
	(void)what;
	if (ap->fd < 0)
		call(ap);
	else if (ap->unanswered++ > 1)
		lose(ap, "it doesn't answer");
	else
		command(ap, "PING");
}

static void hostapd_free(struct hostapd *ap)
{
	LIST_REMOVE(ap, list);
	hang_up(ap);
	if (ap->timer)
		event_free(ap->timer);
	free(ap);
}

static struct hostapd *find(struct hostapds *all, const char *path)
{
	struct hostapd *ap;

	LIST_FOREACH(ap, &all->list, list)
		if (!strcmp(ap->path, path))
			break;
	return ap;
}

static bool is_configured(const struct config *config, const char *path)
{
	for (unsigned int i = 0; i < config->n_devices; i++)
		for (unsigned int j = 0; j < config->devices[i].n_hostapds; j++)
			if (!strcmp(config->devices[i].hostapds[j], path))
				return true;
	return false;
}

static bool add(struct hostapds *all, const char *path)
{
	const struct timeval tv = { PING_S, 0 };
	struct hostapd *ap;

	if (find(all, path))
		return true;
	ap = calloc(1, sizeof(*ap));
	if (!ap)
		return false;
	ap->all = all;
	ap->fd = -1;
	strcpy(ap->path, path);
	LIST_INSERT_HEAD(&all->list, ap, list);
	ap->timer = event_new(all->base, -1, EV_PERSIST, on_timer, ap);
	if (!ap->timer || evtimer_add(ap->timer, &tv)) {
		hostapd_free(ap);
		return false;
	}
	call(ap);
	return true;
}

bool hostapds_configure(struct hostapds *all, const struct config *config)
{
	struct hostapd *ap, *next;

	for (ap = LIST_FIRST(&all->list); ap; ap = next) {
		next = LIST_NEXT(ap, list);
		if (!is_configured(config, ap->path))
			hostapd_free(ap);
	}
	for (unsigned int i = 0; i < config->n_devices; i++) {
		const struct config_device *device = &config->devices[i];

		for (unsigned int j = 0; j < device->n_hostapds; j++)
			if (!add(all, device->hostapds[j]))
				return false;
	}
	return true;
}

struct hostapds *hostapds_new(struct event_base *base, hostapd_fn station, void *arg)
{
	struct hostapds *all = calloc(1, sizeof(*all));

	if (all) {
		all->base = base;
		all->station = station;
		all->arg = arg;
	}
	return all;
}

void hostapds_free(struct hostapds *all)
{
	if (!all)
		return;
	while (!LIST_EMPTY(&all->list))
		hostapd_free(LIST_FIRST(&all->list));
	free(all);
}
