// SPDX-License-Identifier: GPL-2.0-only
#include "host/log.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static enum log_level max_level = LOG_L_INFO;

void log_set_level(enum log_level level)
{
	max_level = level;
}

void log_at(enum log_level level, const char *fmt, ...)
{
	/* sd-daemon(3): err, warning, info, debug */
	static const char *const prefix[] = { "<3>", "<4>", "<6>", "<7>" };
	static const char *const name[] = { "error: ", "warning: ", "", "debug: " };
	char line[1024];
	va_list ap;

	if (level > max_level)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* NAIs and texts of peers end up here: keep them on one line. */
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	fprintf(stderr, "%smip4d: %s\n",
		getenv("JOURNAL_STREAM") ? prefix[level] : name[level], line);
}

bool log_allows(struct log_limit *limit)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!limit->n || now.tv_sec - limit->since >= 60) {
		if (limit->n > LOG_BURST)
			log_warning("%u lines like the next one were left out", limit->n - LOG_BURST);
		limit->since = now.tv_sec;
		limit->n = 0;
	}
	return ++limit->n <= LOG_BURST;
}

struct ip_text ip_text(struct in_addr addr)
{
	struct ip_text text;

	inet_ntop(AF_INET, &addr, text.s, sizeof(text.s));
	return text;
}

struct mac_text mac_text(const uint8_t mac[static 6])
{
	struct mac_text text;

	snprintf(text.s, sizeof(text.s), "%02x:%02x:%02x:%02x:%02x:%02x",
		 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return text;
}

bool mac_parse(const char *text, uint8_t mac[static 6])
{
	static const char form[] = "xx:xx:xx:xx:xx:xx";

	if (strlen(text) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < sizeof(form) - 1; i++)
		if (form[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != form[i])
			return false;
	for (int i = 0; i < 6; i++)
		mac[i] = strtoul(text + 3 * i, NULL, 16);
	return true;
}
