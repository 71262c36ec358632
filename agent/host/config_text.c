// SPDX-License-Identifier: GPL-2.0-only
#include "host/config_text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/param.h>

#define FILE_MAX	(16 << 20)
#define OPT_SEEN	(1 << 20)	/* in cfg_opt_t's flags; libconfuse uses 14 bits */

/*
 * A section's opening brace; the n-th of a kind within a kind here is
 * libconfuse's n-th of them.
 */
struct brace {
	char kind[32];
	int within;		/* index of the brace around it; -1 = none */
	int line;
	bool open;
};

struct config_text {
	cfg_t *cfg;
	struct brace *braces;
	size_t n_braces;
};

/* libconfuse's callbacks get no argument of ours; set while it parses. */
static struct diag *parsing;

/* What the file says may hold anything: a complaint stays one line, and does nothing to a terminal. */
static void put_line(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
	fputc('\n', out);
}

static void vdiag(struct diag *diag, int line, const char *path, const char *hint,
		  const char *fmt, va_list ap)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	diag->errors++;
	if (!f)
		return;
	if (line)
		fprintf(f, "%s:%d: ", diag->file, line);
	else
		fprintf(f, "%s: ", diag->file);
	if (path && *path)
		fprintf(f, "%s: ", path);
	vfprintf(f, fmt, ap);
	if (hint)
		fprintf(f, " (%s)", hint);
	fclose(f);
	if (text)
		put_line(diag->out, text);
	free(text);
}

void diag_error(struct diag *diag, int line, const char *path, const char *hint,
		const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdiag(diag, line, path, hint, fmt, ap);
	va_end(ap);
}

/* ---- the grammar ---- */

static int keep_item(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	size_t len = strlen(value);
	struct item *item = malloc(sizeof(*item) + len + 1);

	if (!item)
		return -1;
	item->line = cfg->line;
	memcpy(item->text, value, len + 1);
	*(struct item **)result = item;

	/* The first value of a second assignment, which libconfuse would silently take. */
	if (opt->flags & OPT_SEEN && opt->nvalues <= 1)
		diag_error(parsing, cfg->line, opt->name, "remove one of the two", "given twice");
	opt->flags |= OPT_SEEN;
	return 0;
}

#define VALUE(name)	CFG_PTR_CB(name, NULL, CFGF_NODEFAULT, keep_item, free)
#define LIST(name)	CFG_PTR_LIST_CB(name, NULL, CFGF_NODEFAULT, keep_item, free)
#define SECTION(name, options) \
	CFG_SEC(name, options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES)

static cfg_opt_t network_options[] = {
	VALUE("nai"), VALUE("realm"), VALUE("device"), VALUE("home-agent-address"),
	VALUE("gateway"), VALUE("prefix-length"), LIST("pool"), VALUE("address-hold"), VALUE("lifetime"),
	VALUE("lease"), LIST("dns"), VALUE("mtu"), VALUE("domain"), LIST("ntp"), LIST("routes"),
	VALUE("host-config"), VALUE("gre"), VALUE("reverse-tunnel"), VALUE("bicast"),
	VALUE("tentative"), VALUE("tentative-end"), VALUE("simultaneous-bindings"),
	LIST("other-home-agents"), VALUE("home-agent-field"), VALUE("redirect"), LIST("other-pool"), VALUE("service"),
	LIST("services"), CFG_END()
};

static cfg_opt_t identity_options[] = { VALUE("nai"), CFG_END() };

static cfg_opt_t spi_options[] = { VALUE("algorithm"), VALUE("key-file"), CFG_END() };

static cfg_opt_t peer_options[] = {
	VALUE("per-node"), VALUE("per-mn"), VALUE("method"), VALUE("gre-key"), VALUE("gre-key-format"),
	VALUE("revocation"), VALUE("withdraw"), LIST("networks"), SECTION("spi", spi_options), CFG_END()
};

static cfg_opt_t mobile_node_options[] = {
	VALUE("home-address"), VALUE("replay"), SECTION("spi", spi_options), SECTION("aaa", spi_options), CFG_END()
};

static cfg_opt_t device_options[] = {
	VALUE("local"), VALUE("gateway-mac"), VALUE("home-link"), LIST("ports"), LIST("addresses"),
	VALUE("fdb-trigger"), LIST("hostapd"), VALUE("arp"), VALUE("multicast"), VALUE("mss"), VALUE("ttl"),
	VALUE("tos"), CFG_END()
};

static cfg_opt_t root_options[] = {
	VALUE("home-agent"), VALUE("proxy-agent"), VALUE("care-of-address"),
	VALUE("max-registrations"), VALUE("source-rate"), VALUE("total-rate"), VALUE("registration-rate"),
	VALUE("access-bindings"), VALUE("access-technology"), VALUE("replay-window"), VALUE("fha-on-dereg"),
	VALUE("clock-probe"), VALUE("handover-grace"), VALUE("away-time"), VALUE("drain-rate"),
	VALUE("revocation-rate"), VALUE("store"),
	SECTION("network", network_options), SECTION("identity", identity_options),
	SECTION("peer", peer_options), SECTION("mobile-node", mobile_node_options),
	SECTION("device", device_options), CFG_END()
};

/* ---- errors of libconfuse, in our words ---- */

static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[64], n = strlen(b);

	if (n >= 64)
		return n;
	for (unsigned int j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned int i = 0; a[i]; i++) {
		unsigned int diag = row[0];

		row[0] = i + 1;
		for (unsigned int j = 1; j <= n; j++) {
			unsigned int up = row[j], cost = diag + (a[i] != b[j - 1]);

			row[j] = MIN(cost, MIN(up, row[j - 1]) + 1);
			diag = up;
		}
	}
	return row[n];
}

static const char *closest(const cfg_opt_t *opts, const char *name)
{
	const char *best = NULL;
	unsigned int least = strlen(name) / 2 + 1;	/* further off is no typing error */

	for (; opts->name; opts++) {
		unsigned int d = distance(name, opts->name);

		if (d < least) {
			least = d;
			best = opts->name;
		}
	}
	return best;
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char path[300] = "";

	if (cfg->title)
		snprintf(path, sizeof(path), "%s %s", cfg->name, cfg->title);
	if (strstr(fmt, "no such option")) {
		const char *name = va_arg(ap, const char *), *near = closest(cfg->opts, name);
		char hint[128] = "see mip4d.conf(5)";

		if (near)
			snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near);
		diag_error(parsing, cfg->line, path, hint, "unknown option \"%s\"", name);
	} else if (strstr(fmt, "duplicate title")) {
		diag_error(parsing, cfg->line, path, "merge the two sections, or rename one",
			   "a second section titled \"%s\"", va_arg(ap, const char *));
	} else if (strstr(fmt, "unexpected closing brace")) {
		diag_error(parsing, cfg->line, path, "one too many", "\"}\" closes no section");
	} else {
		vdiag(parsing, cfg->line, path, NULL, fmt, ap);
	}
}

/* ---- before libconfuse: what it would take silently, or count wrongly ---- */

struct scan {
	char *p;
	int line;
};

/* Past blanks; false at the end of the text. */
static bool skip(struct scan *s)
{
	for (; isspace((unsigned char)*s->p); s->p++)
		s->line += *s->p == '\n';
	return *s->p;
}

/* At "${": libconfuse takes nothing for a variable that isn't set. */
static bool check_variable(const struct scan *s, struct diag *diag)
{
	int len = strcspn(s->p + 2, "}\"'\n");
	char *name, *preset;
	bool ok;

	if (s->p[2 + len] != '}') {
		diag_error(diag, s->line, NULL, "single quotes keep it as it is", "\"${\" without \"}\"");
		return false;
	}
	name = strndup(s->p + 2, len);
	if (!name)
		return false;
	preset = strstr(name, ":-");
	ok = preset || getenv(name);
	if (!ok)
		diag_error(diag, s->line, NULL, "set it, or keep the text as it is by single quotes",
			   "the environment variable \"%s\" isn't set", name);
	free(name);
	return ok;
}

/* Past a quoted string; false if it doesn't end. With @diag its variables are checked. */
static bool skip_string(struct scan *s, struct diag *diag, bool *ok)
{
	char quote = *s->p++;

	for (; *s->p && *s->p != quote; s->p++) {
		if (*s->p == '\\' && s->p[1])
			s->p++;
		else if (diag && quote == '"' && s->p[0] == '$' && s->p[1] == '{')
			*ok &= check_variable(s, diag);
		s->line += *s->p == '\n';
	}
	if (!*s->p)
		return false;
	s->p++;
	return true;
}

static void blank(char *p, size_t len)
{
	for (; len--; p++)
		if (*p != '\n')
			*p = ' ';
}

/* libconfuse's line numbers go wrong in comments, and it takes the end of the file for the end of one. */
static bool blank_comments(char *buf, struct diag *diag)
{
	struct scan s = { buf, 1 };
	bool ok = true;

	if (!strncmp(buf, "\xef\xbb\xbf", 3))	/* a byte order mark */
		blank(buf, 3);
	while (skip(&s)) {
		int line = s.line;

		if (s.p[0] == '#' || (s.p[0] == '/' && s.p[1] == '/')) {
			blank(s.p, strcspn(s.p, "\n"));
		} else if (s.p[0] == '/' && s.p[1] == '*') {
			char *end = strstr(s.p + 2, "*/");

			if (!end) {
				diag_error(diag, line, NULL, "add \"*/\"", "the comment that begins here never ends");
				return false;
			}
			blank(s.p, end + 2 - s.p);
		} else if (*s.p == '"' || *s.p == '\'') {
			if (!skip_string(&s, diag, &ok)) {
				diag_error(diag, line, NULL, "add the closing quote",
					   "the string that begins here never ends");
				return false;
			}
		} else if (s.p[0] == '$' && s.p[1] == '{') {
			ok &= check_variable(&s, diag);
			s.p += strcspn(s.p, "}\"'\n");
		} else {
			/* "//" within a word is part of it. */
			if (!strchr("{}=+,()", *s.p++))
				while (!strchr(" \t\r\n{}=+,()\"'#$", *s.p) && strncmp(s.p, "/*", 2))
					s.p++;
		}
	}
	return ok;
}

/* libconfuse takes the end of the file for every missing brace. */
static bool find_braces(struct config_text *text, char *buf, struct diag *diag)
{
	struct scan s = { buf, 1 };
	char word[2][32] = { "", "" };	/* kind and title: the last two words */
	unsigned int list = 0;

	while (skip(&s)) {
		const char *start = s.p;
		int line = s.line;
		char c = *s.p;

		if (c == '"' || c == '\'') {
			skip_string(&s, NULL, NULL);	/* ends: see blank_comments() */
		} else if (c == '{' && word[1][0] == '=') {	/* a list of values */
			list++;
			s.p++;
		} else if (c == '{') {
			struct brace *grown = reallocarray(text->braces, text->n_braces + 1, sizeof(*grown));
			int within = text->n_braces;

			if (!grown)
				return false;
			text->braces = grown;
			while (within-- > 0 && !grown[within].open)
				;
			grown[text->n_braces] = (struct brace){ .within = within, .line = line, .open = true };
			strcpy(grown[text->n_braces++].kind, word[0]);
			s.p++;
		} else if (c == '}') {
			if (list) {
				list--;
			} else {
				for (size_t i = text->n_braces; i--; )
					if (text->braces[i].open) {
						text->braces[i].open = false;
						break;
					}
			}
			s.p++;
		} else {
			s.p++;
			if (!strchr("=+,()", c))
				s.p += strcspn(s.p, " \t\r\n{}=+,()\"'");
		}
		memcpy(word[0], word[1], sizeof(word[0]));
		snprintf(word[1], sizeof(word[1]), "%.*s", (int)MIN(s.p - start, 31), start);
	}
	for (size_t i = text->n_braces; i--; )
		if (text->braces[i].open) {
			diag_error(diag, text->braces[i].line, text->braces[i].kind, "add the missing \"}\"",
				   "the section that begins here is never closed");
			return false;
		}
	return true;
}

/* @parent: kind of the section around it; NULL = the file. */
static int brace_line(const struct config_text *text, const char *parent, const char *kind, unsigned int n)
{
	for (size_t i = 0; i < text->n_braces; i++) {
		const struct brace *b = &text->braces[i];
		const char *around = b->within < 0 ? NULL : text->braces[b->within].kind;

		if (!strcmp(b->kind, kind) && (parent ? around && !strcmp(around, parent) : !around) && !n--)
			return b->line;
	}
	return 0;
}

/* ---- reading ---- */

static char *read_all(const char *path, struct diag *diag)
{
	FILE *f = fopen(path, "re");
	char *buf = NULL;
	size_t len = 0;

	if (!f) {
		diag_error(diag, 0, NULL, NULL, "cannot open: %s", strerror(errno));
		return NULL;
	}
	if (getdelim(&buf, &len, '\0', f) < 0) {	/* also an empty file */
		if (ferror(f)) {
			diag_error(diag, 0, NULL, NULL, "cannot read: %s", strerror(errno));
			free(buf);
			buf = NULL;
		} else {
			free(buf);
			buf = strdup("");
		}
	} else if (!feof(f) && getc(f) != EOF) {
		diag_error(diag, 0, NULL, "is it a text file?", "contains a NUL byte");
		free(buf);
		buf = NULL;
	} else if (strlen(buf) > FILE_MAX) {
		diag_error(diag, 0, NULL, NULL, "larger than %d bytes", FILE_MAX);
		free(buf);
		buf = NULL;
	}
	fclose(f);
	return buf;
}

struct config_text *config_text_read(const char *path, struct diag *diag)
{
	struct config_text *text = calloc(1, sizeof(*text));
	char *buf = read_all(path, diag);
	int rc = -1;

	if (text && buf && blank_comments(buf, diag) && find_braces(text, buf, diag)) {
		text->cfg = cfg_init(root_options, 0);
		cfg_set_error_function(text->cfg, on_error);
		parsing = diag;
		rc = cfg_parse_buf(text->cfg, buf);
		parsing = NULL;
		if (rc && !diag->errors)
			diag_error(diag, 0, NULL, NULL, "cannot be parsed");
	}
	free(buf);
	if (rc) {
		config_text_free(text);
		return NULL;
	}
	return text;
}

void config_text_free(struct config_text *text)
{
	if (!text)
		return;
	if (text->cfg)
		cfg_free(text->cfg);
	free(text->braces);
	free(text);
}

void config_text_root(struct config_text *text, struct diag *diag, struct section *root)
{
	*root = (struct section){ .diag = diag, .cfg = text->cfg };
}

unsigned int section_count(const struct section *sec, const char *kind)
{
	return cfg_size(sec->cfg, kind);
}

const char *section_title(const struct section *sec)
{
	return cfg_title(sec->cfg);
}

bool section_open(struct config_text *text, const struct section *parent, const char *kind,
		  unsigned int index, struct section *sub)
{
	unsigned int before = 0;	/* of this kind, in earlier parents */

	if (index >= section_count(parent, kind))
		return false;
	if (parent->cfg != text->cfg) {
		for (unsigned int i = 0; i < cfg_size(text->cfg, parent->cfg->name); i++) {
			cfg_t *other = cfg_getnsec(text->cfg, parent->cfg->name, i);

			if (other == parent->cfg)
				break;
			before += cfg_size(other, kind);
		}
	}
	*sub = (struct section){ .diag = parent->diag, .cfg = cfg_getnsec(parent->cfg, kind, index) };
	sub->line = brace_line(text, parent->cfg == text->cfg ? NULL : parent->cfg->name, kind, before + index);
	snprintf(sub->path, sizeof(sub->path), "%.190s%s%s %.190s", parent->path, *parent->path ? " " : "",
		 kind, cfg_title(sub->cfg));
	return true;
}

const struct item *item_get(const struct section *sec, const char *option, unsigned int index)
{
	return index < cfg_size(sec->cfg, option) ? cfg_getnptr(sec->cfg, option, index) : NULL;
}

unsigned int item_count(const struct section *sec, const char *option)
{
	return cfg_size(sec->cfg, option);
}

static void option_path(const struct section *sec, const char *option, char path[static 512])
{
	snprintf(path, 512, "%s%s%s", sec->path, *sec->path && option ? " " : "", option ? option : "");
}

void section_error(const struct section *sec, const char *option, const char *hint,
		   const char *fmt, ...)
{
	const struct item *item = option ? item_get(sec, option, 0) : NULL;
	char path[512];
	va_list ap;

	option_path(sec, option, path);
	va_start(ap, fmt);
	vdiag(sec->diag, item ? item->line : sec->line, path, hint, fmt, ap);
	va_end(ap);
}

void only_if(bool role, const struct section *sec, const char *option, const char *hint, const char *why)
{
	if (!role && item_get(sec, option, 0))
		section_error(sec, option, hint, "%s", why);
}

/* ---- types ---- */

static const char *no_semicolon(const char *text, const char *hint)
{
	return strchr(text, ';') ? "no semicolons: blanks or new lines part options" : hint;
}

bool parse_number(const struct section *sec, const char *option, int line, const char *text,
		  uint64_t min, uint64_t max, uint64_t *out)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	char range[64], path[512];

	option_path(sec, option, path);
	snprintf(range, sizeof(range), "%ju to %ju", (uintmax_t)min, (uintmax_t)max);
	if (*text == '-') {
		diag_error(sec->diag, line, path, range, "must not be negative: %s", text);
		return false;
	}
	if (!*digits || digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")]) {
		diag_error(sec->diag, line, path, no_semicolon(text, range), "not a number: \"%s\"", text);
		return false;
	}
	if (!hex && text[0] == '0' && text[1]) {
		diag_error(sec->diag, line, path, "drop the leading zero; hexadecimal begins with 0x",
			   "octal numbers aren't taken: %s", text);
		return false;
	}
	errno = 0;
	*out = strtoull(digits, NULL, hex ? 16 : 10);
	if (errno || *out < min || *out > max) {
		diag_error(sec->diag, line, path, range, "out of range: %s", text);
		return false;
	}
	return true;
}

bool parse_addr(const struct section *sec, const char *option, int line, const char *text,
		struct in_addr *out)
{
	struct in_addr addr;
	char path[512];
	uint32_t host;

	option_path(sec, option, path);
	if (inet_pton(AF_INET, text, &addr) != 1) {
		diag_error(sec->diag, line, path, no_semicolon(text, "four decimal numbers, as 192.0.2.1"),
			   "not an IPv4 address: \"%s\"", text);
		return false;
	}
	host = ntohl(addr.s_addr);
	if (!(host >> 24) || host >> 28 >= 0xe || host >> 24 == 127) {
		diag_error(sec->diag, line, path, NULL, "not a unicast address that packets can carry: %s", text);
		return false;
	}
	*out = addr;
	return true;
}

static const struct item *want(const struct section *sec, const char *option, bool must)
{
	const struct item *item = item_get(sec, option, 0);

	if (!item && must)
		section_error(sec, option, NULL, "missing");
	return item;
}

bool get_bool(const struct section *sec, const char *option, bool *out)
{
	static const char *const yes[] = { "true", "yes", "on" }, *const no[] = { "false", "no", "off" };
	const struct item *item = want(sec, option, MAY);

	if (!item)
		return false;
	for (int i = 0; i < 3; i++)
		if (!strcasecmp(item->text, yes[i]) || !strcasecmp(item->text, no[i])) {
			*out = !strcasecmp(item->text, yes[i]);
			return true;
		}
	section_error(sec, option, "true or false", "\"%s\" is neither true nor false", item->text);
	return false;
}

bool get_number(const struct section *sec, const char *option, bool must,
		uint64_t min, uint64_t max, uint64_t *out)
{
	const struct item *item = want(sec, option, must);

	return item && parse_number(sec, option, item->line, item->text, min, max, out);
}

bool get_string(const struct section *sec, const char *option, bool must, char *out, size_t size)
{
	const struct item *item = want(sec, option, must);

	if (!item)
		return false;
	if (!*item->text || strlen(item->text) >= size) {
		section_error(sec, option, NULL, "must have 1 to %zu characters", size - 1);
		return false;
	}
	strcpy(out, item->text);
	return true;
}

bool get_choice(const struct section *sec, const char *option, const char *hint, const char *const *names,
		unsigned int n, unsigned int *choice)
{
	char name[16];

	if (!get_string(sec, option, MAY, name, sizeof(name)))
		return false;
	for (*choice = 0; *choice < n; (*choice)++)
		if (!strcmp(name, names[*choice]))
			return true;
	section_error(sec, option, hint, "unknown: \"%s\"", name);
	return false;
}

bool get_addr(const struct section *sec, const char *option, bool must, struct in_addr *out)
{
	const struct item *item = want(sec, option, must);

	return item && parse_addr(sec, option, item->line, item->text, out);
}
