/* SPDX-License-Identifier: GPL-2.0-only */
/* Log lines on standard error; with systemd's level prefix when the journal reads them. */
#ifndef MIP4_LOG_H
#define MIP4_LOG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_L_ERROR, LOG_L_WARNING, LOG_L_INFO, LOG_L_DEBUG };

/* Lines above this level are dropped; LOG_L_INFO at start. */
void log_set_level(enum log_level level);
void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)		log_at(LOG_L_ERROR, __VA_ARGS__)
#define log_warning(...)	log_at(LOG_L_WARNING, __VA_ARGS__)
#define log_info(...)		log_at(LOG_L_INFO, __VA_ARGS__)
#define log_debug(...)		log_at(LOG_L_DEBUG, __VA_ARGS__)

/*
 * For lines that a peer or a device can cause at will: LOG_BURST of them per
 * minute; the next minute's first is preceded by how many were left out.
 */
#define LOG_BURST	10
struct log_limit { int64_t since; unsigned int n; };
bool log_allows(struct log_limit *limit);
#define log_limited(level, ...) do { \
		static struct log_limit log_limit_; \
		if (log_allows(&log_limit_)) \
			log_at(level, __VA_ARGS__); \
	} while (0)

/* Text forms in a small struct, so that several fit into one call. */
struct ip_text { char s[INET_ADDRSTRLEN]; };
struct mac_text { char s[18]; };
struct ip_text ip_text(struct in_addr addr);
struct mac_text mac_text(const uint8_t mac[static 6]);
/* Exactly "xx:xx:xx:xx:xx:xx" in hexadecimal. */
bool mac_parse(const char *text, uint8_t mac[static 6]);

#endif /* MIP4_LOG_H */
