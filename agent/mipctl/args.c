// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <linux/mip4.h>

#include "mipctl/args.h"

#define NAMES(table, ...) \
	static const char *const table##_list[] = { __VA_ARGS__ }; \
	const struct names table##_names = { table##_list, ARRAY_SIZE(table##_list) }

NAMES(encap, [MIP4_ENCAP_IPIP] = "ipip", [MIP4_ENCAP_GRE] = "gre",
      [MIP4_ENCAP_MINIMAL] = "minimal", [MIP4_ENCAP_UDP] = "udp");
NAMES(arp, [MIP4_ARP_OFF] = "off", [MIP4_ARP_GATEWAY] = "gateway", [MIP4_ARP_ALL] = "all");
NAMES(orphan, [MIP4_ORPHAN_KEEP] = "keep", [MIP4_ORPHAN_FLUSH] = "flush");
NAMES(multicast, [MIP4_MULTICAST_DROP] = "drop", [MIP4_MULTICAST_TUNNEL] = "tunnel",
      [MIP4_MULTICAST_REPLICATE] = "replicate");
NAMES(unknown, [MIP4_UNKNOWN_HOLD] = "hold", [MIP4_UNKNOWN_DROP] = "drop",
      [MIP4_UNKNOWN_PASS] = "pass");
NAMES(port_mode, [MIP4_PORT_ACCESS] = "access", [MIP4_PORT_HOME] = "home");
NAMES(leg_state, [MIP4_LEG_ACTIVE] = "active", [MIP4_LEG_COPY] = "copy",
      [MIP4_LEG_RECEIVE_ONLY] = "receive_only", [MIP4_LEG_PENDING] = "pending",
      [MIP4_LEG_RETURN] = "return");
NAMES(reason, [MIP4_DEL_REQUEST] = "request", [MIP4_DEL_FLUSH] = "flush",
      [MIP4_DEL_EXPIRED] = "expired", [MIP4_DEL_PORT] = "port", [MIP4_DEL_LINK] = "link",
      [MIP4_DEL_ORPHAN] = "orphan");
NAMES(unreachable, [MIP4_UNREACHABLE_NO] = "no", [MIP4_UNREACHABLE_NET] = "net",
      [MIP4_UNREACHABLE_HOST] = "host", [MIP4_UNREACHABLE_PROTOCOL] = "protocol",
      [MIP4_UNREACHABLE_TTL] = "ttl");
NAMES(onoff, "off", "on");

const char *name_of(const struct names *names, unsigned int value)
{
	return value < names->n ? names->name[value] : NULL;
}

const char *arg_peek(const struct args *a)
{
	return a->pos < a->argc ? a->argv[a->pos] : NULL;
}

const char *arg_next(struct args *a)
{
	return a->pos < a->argc ? a->argv[a->pos++] : NULL;
}

int arg_wrong(const char *arg, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ctl_err("argument \"%s\" is wrong: %s", arg, text);
	return CTL_USAGE;
}

int arg_incomplete(const struct args *a, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ctl_err("command line is not complete: %s (try \"%s %s help\")", text, ctl_name, a->obj->name);
	return CTL_USAGE;
}

int arg_keyword(struct args *a, const struct keyword *tab, size_t n, const struct keyword **kw)
{
	const char *word = arg_next(a);
	const char *hint = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!strcmp(word, tab[i].word)) {
			*kw = &tab[i];
			return CTL_OK;
		}
		if (!strncmp(word, tab[i].word, strlen(word)))
			hint = tab[i].word;
	}
	if (!strcmp(word, "help")) {
		help_print(a->obj, stdout);
		return CTL_HELP;
	}
	if (hint && *word)
		return arg_wrong(word, "unknown keyword; keywords are written in full: \"%s\"?",
				 hint);
	return arg_wrong(word, "unknown keyword (try \"%s %s help\")", ctl_name, a->obj->name);
}

static bool parse_number(const char *arg, uint64_t *value, const char **end)
{
	int base = 10;
	char *stop;

	/* strtoull() would take blanks, signs and octal. */
	if (arg[0] == '0' && (arg[1] == 'x' || arg[1] == 'X')) {
		base = 16;
		arg += 2;
	}
	if (base == 16 ? !isxdigit((unsigned char)*arg) : !isdigit((unsigned char)*arg))
		return false;
	errno = 0;
	*value = strtoull(arg, &stop, base);
	*end = stop;
	return !errno;
}

static int number_wrong(const struct keyword *kw, const char *arg, uint64_t max)
{
	const char *unit = kw->type == VAL_TIME ? " seconds (or with s, m, h, d)" :
			   kw->type == VAL_MSEC ? " ms (in seconds, or with ms, s, m, h, d)" : "";
	const char *quote = kw->special ? "\"" : "";

	return arg_wrong(arg, "%s must be %llu..%llu%s%s%s%s%s", kw->word,
			 (unsigned long long)kw->min, (unsigned long long)max, unit,
			 kw->special ? " or " : "", quote, kw->special ? kw->special : "", quote);
}

static int parse_uint(const struct keyword *kw, const char *arg, uint64_t *value)
{
	static const struct { const char *unit; unsigned int ms; } units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	};
	const unsigned int one = kw->type == VAL_MSEC ? 1 : 1000;	/* what is counted, in ms */
	uint64_t max = kw->max;
	const char *end;
	size_t i;

	if (!max)
		max = kw->type == VAL_U8 ? UINT8_MAX : kw->type == VAL_U16 ? UINT16_MAX : UINT32_MAX;
	if (kw->special && !strcmp(arg, kw->special)) {
		*value = kw->special_val;
		return CTL_OK;
	}
	if (!parse_number(arg, value, &end))
		return number_wrong(kw, arg, max);
	for (i = 0; (kw->type == VAL_TIME || kw->type == VAL_MSEC) && i < ARRAY_SIZE(units); i++) {
		if (strcmp(*end ? end : "s", units[i].unit) || units[i].ms < one)
			continue;
		if (*value > max / (units[i].ms / one))
			return number_wrong(kw, arg, max);
		*value *= units[i].ms / one;
		end += strlen(end);
		break;
	}
	if (*end || *value < kw->min || *value > max)
		return number_wrong(kw, arg, max);
	return CTL_OK;
}

static int parse_hex64(const struct keyword *kw, const char *arg, uint64_t *value)
{
	const char *digits = arg;
	char *end;

	if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))
		digits += 2;
	*value = strtoull(digits, &end, 16);
	if (!isxdigit((unsigned char)*digits) || *end || end - digits > 16)
		return arg_wrong(arg, "%s must be 1 to 16 hex digits", kw->word);
	return CTL_OK;
}

static int parse_inet(const struct keyword *kw, const char *arg, struct val *v)
{
	struct keyword len = { .word = "the prefix length", .type = VAL_U8, .max = 32 };
	const bool any = kw->type == VAL_PREFIX;
	const char *slash = kw->type == VAL_INET ? NULL : strchr(arg, '/');
	char text[INET6_ADDRSTRLEN];
	size_t n = slash ? (size_t)(slash - arg) : strlen(arg);
	uint64_t plen;

	v->plen = VAL_NO_PLEN;
	v->family = any && memchr(arg, ':', n) ? AF_INET6 : AF_INET;
	if (n < sizeof(text)) {
		memcpy(text, arg, n);
		text[n] = '\0';
	}
	if (n >= sizeof(text) || inet_pton(v->family, text, v->data) != 1)
		return arg_wrong(arg, "%s must be an IPv4 %saddress%s", kw->word,
				 any ? "or IPv6 " : "",
				 kw->type == VAL_INET ? "" : ", with or without /LENGTH");
	v->len = sizeof(struct in_addr);
	if (v->family == AF_INET6) {
		v->len = sizeof(struct in6_addr);
		len.max = 128;
	}
	if (!slash)
		return CTL_OK;
	if (parse_uint(&len, slash + 1, &plen))
		return CTL_USAGE;
	v->plen = (uint8_t)plen;
	return CTL_OK;
}

static int parse_mac(const struct keyword *kw, const char *arg, struct val *v)
{
	const char *p = arg;
	bool zero = true;
	int i;

	for (i = 0; i < 6; i++, p += 3) {
		if (!isxdigit((unsigned char)p[0]) || !isxdigit((unsigned char)p[1]) ||
		    p[2] != (i < 5 ? ':' : '\0'))
			return arg_wrong(arg, "%s must be six hex bytes, xx:xx:xx:xx:xx:xx",
					 kw->word);
		v->data[i] = (uint8_t)strtoul(p, NULL, 16);
		zero = zero && !v->data[i];
	}
	if (zero)
		return arg_wrong(arg, "%s must not be zero", kw->word);
	if (v->data[0] & 1)
		return arg_wrong(arg, "%s must be a unicast address, this is multicast", kw->word);
	v->len = 6;
	return CTL_OK;
}

static int parse_name(const struct keyword *kw, const char *arg, struct val *v)
{
	char list[128] = "";
	unsigned int i;

	for (i = 0; i < kw->names->n; i++) {
		const char *name = kw->names->name[i];

		if (!name)
			continue;
		if (!strcmp(arg, name)) {
			v->data[0] = (uint8_t)i;
			v->len = 1;
			return CTL_OK;
		}
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
			 *list ? ", " : "", name);
	}
	return arg_wrong(arg, "%s must be one of: %s", kw->word, list);
}

static int parse_dev(const struct keyword *kw, const char *arg, struct val *v)
{
	uint32_t index = dev_index(arg);

	if (!index)
		return arg_wrong(arg, "%s: no interface has this name in this network namespace",
				 kw->word);
	memcpy(v->data, &index, sizeof(index));
	v->len = sizeof(index);
	return CTL_OK;
}

static int parse_integer(const struct keyword *kw, const char *arg, struct val *v)
{
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;
	int rc;

	rc = kw->type == VAL_HEX64 ? parse_hex64(kw, arg, &u64) : parse_uint(kw, arg, &u64);
	if (rc)
		return rc;
	u32 = kw->type == VAL_KEY ? htonl((uint32_t)u64) : (uint32_t)u64;
	switch (kw->type) {
	case VAL_U8:
		v->data[0] = (uint8_t)u64;
		v->len = 1;
		break;
	case VAL_U16:
		u16 = (uint16_t)u64;
		memcpy(v->data, &u16, sizeof(u16));
		v->len = sizeof(u16);
		break;
	case VAL_HEX64:
		memcpy(v->data, &u64, sizeof(u64));
		v->len = sizeof(u64);
		break;
	default:
		memcpy(v->data, &u32, sizeof(u32));
		v->len = sizeof(u32);
	}
	return CTL_OK;
}

int arg_val(struct args *a, const struct keyword *kw, struct val *v)
{
	const char *arg = kw->type == VAL_NONE ? kw->word : arg_next(a);
	int rc;

	if (!arg)
		return arg_incomplete(a, "\"%s\" needs a value", kw->word);
	if (v->key)
		return arg_wrong(arg, "\"%s\" was given before as \"%s\"", kw->word, v->arg);

	switch (kw->type) {
	case VAL_INET:
	case VAL_INET_LEN:
	case VAL_PREFIX:
		rc = parse_inet(kw, arg, v);
		break;
	case VAL_MAC:
		rc = parse_mac(kw, arg, v);
		break;
	case VAL_NAME:
		rc = parse_name(kw, arg, v);
		break;
	case VAL_DEV:
		rc = parse_dev(kw, arg, v);
		break;
	case VAL_WORD:
	case VAL_NONE:
		rc = CTL_OK;
		break;
	default:
		rc = parse_integer(kw, arg, v);
	}
	if (rc)
		return rc;
	v->key = kw->word;
	v->arg = arg;
	return CTL_OK;
}

int arg_all(struct args *a, const struct keyword *tab, size_t n, struct val *vals)
{
	const struct keyword *kw;
	int rc;

	while (arg_peek(a)) {
		rc = arg_keyword(a, tab, n, &kw);
		if (!rc)
			rc = arg_val(a, kw, &vals[kw - tab]);
		if (rc)
			return rc;
	}
	return CTL_OK;
}

int arg_end(struct args *a)
{
	const struct keyword *kw;

	return arg_peek(a) ? arg_keyword(a, NULL, 0, &kw) : CTL_OK;
}

uint32_t val_u32(const struct val *v)
{
	uint32_t u32;

	memcpy(&u32, v->data, sizeof(u32));
	return u32;
}

/*
 * One line of memory for names: a dump asks for the same few again and again,
 * and each question is a system call.
 */
static struct {
	uint32_t index;
	char name[IFNAMSIZ];
} dev_seen[16];

uint32_t dev_index(const char *name)
{
	uint32_t index = if_nametoindex(name);
	uint64_t n;
	const char *end;

	if (!index && !strncmp(name, "if", 2) && parse_number(name + 2, &n, &end) && !*end &&
	    n <= INT32_MAX)
		index = (uint32_t)n;
	return index;
}

const char *dev_name(uint32_t index)
{
	unsigned int slot = index % ARRAY_SIZE(dev_seen);

	if (!index || dev_seen[slot].index != index) {
		dev_seen[slot].index = index;
		if (!if_indextoname(index, dev_seen[slot].name))
			snprintf(dev_seen[slot].name, IFNAMSIZ, "if%u", index);
	}
	return dev_seen[slot].name;
}

void dev_forget(void)
{
	memset(dev_seen, 0, sizeof(dev_seen));
}
