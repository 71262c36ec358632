// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "mipctl/print.h"

#define DEPTH_MAX 8

const char PR_JSON[] = "";

static struct {
	struct json_object *stack[DEPTH_MAX];
	unsigned int depth;	/* 0: no object is open */
	unsigned long objects;	/* since pr_array_begin() */
	bool stream, color, dark;
	bool line_start;	/* text: no blank before the next word */
} pr;

bool pr_color(const char *when)
{
	const char *fgbg = getenv("COLORFGBG");
	const char *no = getenv("NO_COLOR");

	if (!strcmp(when, "always"))
		pr.color = true;
	else if (!strcmp(when, "auto"))
		pr.color = isatty(STDOUT_FILENO) && !(no && *no);
	else if (!strcmp(when, "never"))
		pr.color = false;
	else
		return false;
	/* "15;0": the last number is the background; 0 to 6 and 8 are dark. */
	fgbg = fgbg ? strrchr(fgbg, ';') : NULL;
	pr.dark = fgbg && ((fgbg[1] >= '0' && fgbg[1] <= '6') || fgbg[1] == '8') && !fgbg[2];
	return true;
}

static const char *color_code(enum pr_class cls)
{
	static const char *const codes[2][6] = {
		{ "", "\033[36m", "\033[33m", "\033[35m", "\033[32m", "\033[31m" },
		{ "", "\033[1;36m", "\033[1;33m", "\033[1;35m", "\033[1;32m", "\033[1;31m" },
	};

	return pr.color ? codes[pr.dark][cls] : "";
}

void pr_array_begin(void)
{
	pr.objects = 0;
}

void pr_array_end(void)
{
	if (opt.json && !pr.stream)
		fputs(pr.objects ? (opt.pretty ? "\n]\n" : "]\n") : "[]\n", stdout);
}

void pr_stream(void)
{
	pr.stream = true;
}

void pr_begin(void)
{
	pr.line_start = true;
	if (opt.json)
		pr.stack[pr.depth++] = json_object_new_object();
}

void pr_end(void)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
	struct json_object *obj;

	if (!opt.json) {
		putchar('\n');
	} else {
		obj = pr.stack[--pr.depth];
		if (opt.pretty && !pr.stream)
			flags |= JSON_C_TO_STRING_PRETTY;
		if (!pr.stream)
			fputs(pr.objects ? "," : "[", stdout);
		if (!pr.stream && (opt.pretty || pr.objects))
			putchar('\n');
		fputs(json_object_to_json_string_ext(obj, flags), stdout);
		if (pr.stream)
			putchar('\n');
		json_object_put(obj);
	}
	pr.objects++;
	if (pr.stream)
		fflush(stdout);
}

static void json_add(const char *key, struct json_object *value)
{
	struct json_object *top = pr.stack[pr.depth - 1];

	if (json_object_is_type(top, json_type_array))
		json_object_array_add(top, value);
	else
		json_object_object_add(top, key, value);
}

static void open_value(const char *key, struct json_object *value)
{
	json_add(key, value);
	pr.stack[pr.depth++] = value;
}

void pr_open_object(const char *key)
{
	if (opt.json)
		open_value(key, json_object_new_object());
}

void pr_open_list(const char *key)
{
	if (opt.json)
		open_value(key, json_object_new_array());
}

void pr_close(void)
{
	if (opt.json)
		pr.depth--;
}

void pr_line(void)
{
	if (opt.json)
		return;
	fputs(opt.oneline ? "\\    " : "\n    ", stdout);
	pr.line_start = true;
}

static void text_word(enum pr_class cls, const char *word)
{
	const char *code = color_code(cls);

	if (!pr.line_start)
		putchar(' ');
	pr.line_start = false;
	printf("%s%s%s", code, word, *code ? "\033[0m" : "");
}

void pr_text(const char *text)
{
	if (!opt.json)
		text_word(PR_PLAIN, text);
}

static void text_value(enum pr_class cls, const char *word, const char *value)
{
	if (word == PR_JSON)
		return;
	if (word)
		text_word(PR_PLAIN, word);
	text_word(cls, value);
}

/* Length of the UTF-8 character at s, 0 if it is none (RFC 3629 section 4). */
static size_t utf8_len(const unsigned char *s)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 :
		     s[0] < 0xf5 ? 4 : 0;
	size_t i;

	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates and what is beyond U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

void text_clean(char *text)
{
	size_t len;

	for (; *text; text += len) {
		len = utf8_len((unsigned char *)text);
		/* U+0080 to U+009F are control characters as well. */
		if (!len || (unsigned char)*text < 0x20 || *text == 0x7f ||
		    (len == 2 && (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0)) {
			*text = '?';
			len = 1;
		}
	}
}

void pr_str(enum pr_class cls, const char *key, const char *word, const char *value)
{
	char *clean = strdup(value);

	if (!clean)
		return;
	text_clean(clean);
	if (opt.json)
		json_add(key, json_object_new_string(clean));
	else
		text_value(cls, word, clean);
	free(clean);
}

void pr_uint(const char *key, const char *word, uint64_t value)
{
	char text[32];

	if (opt.json) {
		json_add(key, json_object_new_uint64(value));
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64, value);
	text_value(PR_PLAIN, word, text);
}

void pr_count(const char *key, const char *word, uint64_t value)
{
	static const char *const prefix[2][7] = {
		{ "", "K", "M", "G", "T", "P", "E" }, { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" },
	};
	double scaled = (double)value;
	unsigned int i = 0;
	char text[32];

	if (opt.json || !opt.human || value < (opt.iec ? 1024 : 1000)) {
		pr_uint(key, word, value);
		return;
	}
	for (; scaled >= (opt.iec ? 1024 : 1000) && i < 6; i++)
		scaled /= opt.iec ? 1024 : 1000;
	snprintf(text, sizeof(text), "%.2f%s", scaled, prefix[opt.iec][i]);
	text_value(PR_PLAIN, word, text);
}

void pr_bool(const char *key, const char *word, bool value)
{
	if (opt.json)
		json_add(key, json_object_new_boolean(value));
	else
		text_value(PR_PLAIN, word, value ? "on" : "off");
}

void pr_hex(const char *key, const char *word, uint32_t value)
{
	char text[32];

	if (opt.json || opt.numeric) {
		pr_uint(key, word, value);
		return;
	}
	snprintf(text, sizeof(text), "0x%" PRIx32, value);
	text_value(PR_PLAIN, word, text);
}

void pr_secs(const char *key, const char *word, uint32_t value)
{
	char text[32];

	if (opt.json) {
		pr_uint(key, word, value);
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu32 "sec", value);
	text_value(PR_PLAIN, word, text);
}

void pr_msecs(const char *key, const char *word, uint64_t value)
{
	char text[40];

	if (opt.json) {
		pr_uint(key, word, value);
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64 ".%03usec", value / 1000,
		 (unsigned int)(value % 1000));
	text_value(PR_PLAIN, word, text);
}

void pr_name(const char *key, const char *word, const struct names *names, unsigned int value)
{
	const char *name = name_of(names, value);

	if (opt.numeric || !name)
		pr_uint(key, word, value);
	else
		pr_str(PR_PLAIN, key, word, name);
}

void pr_dev(const char *key, const char *word, uint32_t index)
{
	pr_str(PR_IFNAME, key, word, dev_name(index));
}

void pr_inet(const char *key, const char *word, struct in_addr addr, const char *suffix)
{
	char text[INET_ADDRSTRLEN + 8];

	inet_ntop(AF_INET, &addr, text, INET_ADDRSTRLEN);
	snprintf(text + strlen(text), 8, "%s", suffix);
	pr_str(PR_INET, key, word, text);
}

void pr_mac(const char *key, const char *word, const uint8_t *mac)
{
	char text[18];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	pr_str(PR_MAC, key, word, text);
}

void pr_now(void)
{
	char text[64], full[80];
	struct timeval tv;
	struct tm tm;

	if (!opt.timestamp && !opt.tshort)
		return;
	gettimeofday(&tv, NULL);
	localtime_r(&tv.tv_sec, &tm);
	strftime(text, sizeof(text), opt.tshort ? "%H:%M:%S" : "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(full, sizeof(full), opt.json ? "%s.%06ld" : "[%s.%06ld]", text, (long)tv.tv_usec);
	pr_str(PR_PLAIN, "timestamp", NULL, full);
}

const char *json_text(struct json_object *v)
{
	static char texts[8][256];
	static unsigned int next;
	char *text = texts[next++ % 8];

	snprintf(text, sizeof(texts[0]), "%s", v ? json_object_get_string(v) : "null");
	text_clean(text);
	return text;
}

const char *json_member(struct json_object *obj, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(obj, key, &v) ? json_text(v) : NULL;
}

void pr_json(const char *key, struct json_object *value)
{
	if (opt.json)
		json_add(key, json_object_get(value));
}
