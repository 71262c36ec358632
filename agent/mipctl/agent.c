// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent's control socket, Documentation/control-socket.md: one request,
 * one reply, each a JSON object on a line.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <json-c/json.h>

#include "mipctl/print.h"
#include "mipctl/timeline.h"

#define RUN_DIR "/run/mip4"

static const char agent_help[] =
	"Usage: mipctl agent [ AGENT ] [ show [ FILTER ] ]\n"
	"       mipctl agent [ AGENT ] attach mac MAC port PORT [ nai NAI ] [ home ADDR ]\n"
	"       mipctl agent [ AGENT ] detach mac MAC [ port PORT ]\n"
	"       mipctl agent [ AGENT ] timeline [ mac MAC ] [ svg ]\n"
	"       mipctl agent [ AGENT ] drain [ network NAME ] [ to ADDR ] [ stop ]\n"
	"       mipctl agent [ AGENT ] revoke { nai NAI | peer ADDR | network NAME | all }\n"
	"       mipctl agent [ AGENT ] { drains | peers | counters | version }\n"
	"where  AGENT := { name NAME | socket PATH }; without it, the one that runs here\n"
	"       FILTER := [ nai NAI ] [ mac MAC ] [ home ADDR ] [ realm NUMBER ]\n";

static const struct keyword where_keys[] = {
	KEYWORD("name", VAL_WORD), KEYWORD("socket", VAL_WORD),
};

static struct val where[2];	/* name, socket; of the line being run */

static int agent_prefix(struct args *a)
{
	const struct keyword *kw;
	int rc;

	memset(where, 0, sizeof(where));
	while (arg_peek(a) && (!strcmp(arg_peek(a), "name") || !strcmp(arg_peek(a), "socket"))) {
		rc = arg_keyword(a, where_keys, 2, &kw);
		if (!rc)
			rc = arg_val(a, kw, &where[kw - where_keys]);
		if (rc)
			return rc;
	}
	if (where[0].key && where[1].key)
		return arg_wrong(where[1].arg, "give either name or socket");
	if (where[0].key && (strchr(where[0].arg, '/') || !*where[0].arg))
		return arg_wrong(where[0].arg, "name must not contain /; use socket PATH");
	return CTL_OK;
}

/* ---- the socket ---- */

static const char *run_dir(void)
{
	const char *dir = getenv("MIP4_RUN_DIR");

	return dir && *dir ? dir : RUN_DIR;
}

/* The path of the only socket there is; otherwise says which there are. */
static int only_socket(char *path, size_t size)
{
	char pattern[128], names[256] = "";
	int rc = CTL_USAGE;
	glob_t found;
	size_t i;

	snprintf(pattern, sizeof(pattern), "%s/*.sock", run_dir());
	if (glob(pattern, 0, NULL, &found)) {
		ctl_err("no agent runs here: there is no %s (systemctl start mip4d@NAME)", pattern);
		return CTL_KERNEL;
	}
	if (found.gl_pathc == 1) {
		snprintf(path, size, "%s", found.gl_pathv[0]);
		rc = CTL_OK;
		goto out;
	}
	for (i = 0; i < found.gl_pathc; i++) {
		const char *name = strrchr(found.gl_pathv[i], '/') + 1;

		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%.*s",
			 i ? ", " : "", (int)(strlen(name) - strlen(".sock")), name);
	}
	ctl_err("several agents run here, choose with \"agent name NAME\": %s", names);
out:
	globfree(&found);
	return rc;
}

static int dial(int *fd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char path[256];
	int rc;

	if (where[1].key) {
		snprintf(path, sizeof(path), "%s", where[1].arg);
	} else if (where[0].key) {
		snprintf(path, sizeof(path), "%s/%s.sock", run_dir(), where[0].arg);
	} else {
		rc = only_socket(path, sizeof(path));
		if (rc)
			return rc;
	}
	if (strlen(path) >= sizeof(sun.sun_path))
		return arg_wrong(path, "the path of a socket has at most %zu characters",
				 sizeof(sun.sun_path) - 1);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%.*s", (int)sizeof(sun.sun_path) - 1, path);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && !connect(*fd, (struct sockaddr *)&sun, sizeof(sun)))
		return CTL_OK;
	switch (errno) {
	case ENOENT:
		ctl_err("there is no socket %s: is the agent running?", path);
		break;
	case ECONNREFUSED:
		ctl_err("nobody listens on %s: the agent has stopped", path);
		break;
	case EACCES:
		ctl_err("%s: Permission denied (be root or in the group mip4)", path);
		break;
	default:
		ctl_err("%s: %s", path, strerror(errno));
	}
	if (*fd >= 0)
		close(*fd);
	return CTL_KERNEL;
}

static bool send_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

static int print_error(struct json_object *error)
{
	const char *field = json_member(error, "field"), *message = json_member(error, "message");
	const char *hint = json_member(error, "hint");

	ctl_err("%s%s%s%s%s%s", field ? field : "", field ? ": " : "",
		message ? message : "the agent refused and gave no reason",
		hint ? " (" : "", hint ? hint : "", hint ? ")" : "");
	return CTL_KERNEL;
}

/* Reads lines until the one that answers id; events in between are passed over. */
static struct json_object *read_reply(FILE *in, int id)
{
	struct json_object *reply = NULL, *v;
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, in) >= 0) {
		json_object_put(reply);
		line[strcspn(line, "\n")] = '\0';
		text_clean(line);
		reply = json_tokener_parse(line);
		if (!reply || !json_object_is_type(reply, json_type_object)) {
			ctl_err("the agent's reply is not a JSON object");
			json_object_put(reply);
			free(line);
			return NULL;
		}
		if (json_object_object_get_ex(reply, "id", &v) && json_object_get_int(v) == id) {
			free(line);
			return reply;
		}
	}
	ctl_err("the agent closed the connection without an answer");
	json_object_put(reply);
	free(line);
	return NULL;
}

/* Takes over request; *reply is the caller's to put. */
static int ask(struct json_object *request, const char *verb, struct json_object **reply)
{
	static int id;
	struct json_object *error;
	FILE *in = NULL;
	const char *text;
	int fd = -1, rc;

	*reply = NULL;
	json_object_object_add(request, "id", json_object_new_int(++id));
	json_object_object_add(request, "verb", json_object_new_string(verb));
	rc = dial(&fd);
	if (rc)
		goto out;
	rc = CTL_KERNEL;
	text = json_object_to_json_string_ext(request, JSON_C_TO_STRING_NOSLASHESCAPE);
	in = fdopen(fd, "r");
	if (!in || !send_all(fd, text, strlen(text)) || !send_all(fd, "\n", 1)) {
		ctl_err("cannot send to the agent: %s", strerror(errno));
		goto out;
	}
	*reply = read_reply(in, id);
	if (!*reply)
		goto out;
	rc = CTL_OK;
	if (json_object_object_get_ex(*reply, "error", &error)) {
		rc = print_error(error);
		json_object_put(*reply);
		*reply = NULL;
	}
out:
	if (in)
		fclose(in);
	else if (fd >= 0)
		close(fd);
	json_object_put(request);
	return rc;
}

/* ---- printing ---- */

/* How a field of a registration looks as text; others are `key value`. */
static const struct field {
	const char *key;
	enum pr_class cls;
	bool bare, hex, secs, details;
} fields[] = {
	{ .key = "home", .cls = PR_INET, .bare = true },
	{ .key = "realm" }, { .key = "nai" },
	{ .key = "network", .details = true },
	{ .key = "access", .details = true },
	{ .key = "role" }, { .key = "state" },
	{ .key = "mac", .cls = PR_MAC }, { .key = "port", .cls = PR_IFNAME },
	{ .key = "ha", .cls = PR_INET }, { .key = "coa", .cls = PR_INET },
	{ .key = "also", .cls = PR_INET },
	{ .key = "encap" }, { .key = "key", .hex = true }, { .key = "okey", .hex = true },
	{ .key = "lifetime", .secs = true }, { .key = "expires", .secs = true },
	{ .key = "auth", .details = true }, { .key = "cookie", .details = true }, { .key = "dhcp", .details = true },
	{ .key = "code" },
};

#define N_FIELDS ARRAY_SIZE(fields)

static void print_field(const struct field *f, struct json_object *v)
{
	const char *word = f->bare ? NULL : f->key;
	bool number = json_object_is_type(v, json_type_int);

	if (opt.json)
		pr_json(f->key, v);
	else if (f->details && !opt.details)
		return;
	else if (f->hex && number)
		pr_hex(f->key, word, (uint32_t)json_object_get_int64(v));
	else if (f->secs && number)
		pr_secs(f->key, word, (uint32_t)json_object_get_int64(v));
	else if (json_object_is_type(v, json_type_array))
		for (size_t i = 0; i < json_object_array_length(v); i++)
			pr_str(f->cls, f->key, word, json_object_get_string(json_object_array_get_idx(v, i)));
	else
		pr_str(f->cls, f->key, word, json_object_get_string(v));
}

static void print_fields(struct json_object *obj)
{
	struct json_object *v;
	size_t i;

	if (!json_object_object_get_ex(obj, "home", &v))
		pr_text("(no home address)");
	for (i = 0; i < N_FIELDS; i++)
		if (json_object_object_get_ex(obj, fields[i].key, &v) && v)
			print_field(&fields[i], v);
	/* What a newer agent says more. */
	json_object_object_foreach(obj, key, value) {
		struct field other = { .key = key };

		for (i = 0; i < N_FIELDS && strcmp(fields[i].key, key); i++)
			;
		if (i == N_FIELDS && value)
			print_field(&other, value);
	}
}

static void print_registration(struct json_object *obj)
{
	pr_begin();
	print_fields(obj);
	pr_end();
}

/* ---- commands ---- */

/* The attributes of a request: numbers as numbers, words alone not at all, all else as it was written. */
static int take(struct args *a, const struct keyword *tab, size_t n, struct val *vals,
		struct json_object **request)
{
	int rc = arg_all(a, tab, n, vals);
	size_t i;

	if (rc)
		return rc;
	*request = json_object_new_object();
	for (i = 0; i < n; i++)
		if (vals[i].key && tab[i].type != VAL_NONE)
			json_object_object_add(*request, tab[i].word, tab[i].type == VAL_U32 ?
					       json_object_new_int64(val_u32(&vals[i])) :
					       json_object_new_string(vals[i].arg));
	return CTL_OK;
}

static int print_one(struct json_object *obj, const char *verb,
		     void (*print)(struct json_object *obj))
{
	if (!json_object_is_type(obj, json_type_object)) {
		ctl_err("the agent's reply to \"%s\" holds something else than objects", verb);
		return CTL_KERNEL;
	}
	print(obj);
	return CTL_OK;
}

/* Asks and prints each object of the list, or the one object, under key; key NULL: nothing. */
static int run(struct json_object *request, const char *verb, const char *key,
	       void (*print)(struct json_object *obj))
{
	struct json_object *reply, *v = NULL;
	int rc = ask(request, verb, &reply);
	size_t i;

	pr_array_begin();
	if (!rc && key && !json_object_object_get_ex(reply, key, &v)) {
		ctl_err("the agent's reply to \"%s\" has no \"%s\"", verb, key);
		rc = CTL_KERNEL;
	} else if (!rc && key && json_object_is_type(v, json_type_array)) {
		for (i = 0; !rc && i < json_object_array_length(v); i++)
			rc = print_one(json_object_array_get_idx(v, i), verb, print);
	} else if (!rc && key) {
		rc = print_one(v, verb, print);
	}
	pr_array_end();
	json_object_put(reply);
	return rc;
}

static int agent_show(struct args *a)
{
	static const struct keyword keys[] = {
		KEYWORD("nai", VAL_WORD), KEYWORD("mac", VAL_MAC), KEYWORD("home", VAL_INET),
		KEYWORD("realm", VAL_U32),
	};
	struct json_object *request;
	struct val vals[4] = { 0 };
	int rc = take(a, keys, 4, vals, &request);

	return rc ? rc : run(request, "show", "registrations", print_registration);
}

static int agent_attach(struct args *a)
{
	static const struct keyword keys[] = {
		KEYWORD("mac", VAL_MAC), KEYWORD("port", VAL_WORD), KEYWORD("nai", VAL_WORD),
		KEYWORD("home", VAL_INET),
	};
	struct json_object *request;
	struct val vals[4] = { 0 };
	int rc = take(a, keys, 4, vals, &request);

	if (rc)
		return rc;
	if (!vals[0].key || !vals[1].key) {
		json_object_put(request);
		return arg_incomplete(a, "\"%s\" is missing", vals[0].key ? "port" : "mac");
	}
	return run(request, "attach", "registration", print_registration);
}

static int agent_detach(struct args *a)
{
	static const struct keyword keys[] = {
		KEYWORD("mac", VAL_MAC), KEYWORD("port", VAL_WORD),
	};
	struct json_object *request;
	struct val vals[2] = { 0 };
	int rc = take(a, keys, 2, vals, &request);

	if (rc)
		return rc;
	if (!vals[0].key) {
		json_object_put(request);
		return arg_incomplete(a, "\"mac\" is missing");
	}
	return run(request, "detach", NULL, NULL);
}

static int agent_timeline(struct args *a)
{
	static const struct keyword keys[] = {
		KEYWORD("mac", VAL_MAC), KEYWORD("svg", VAL_NONE),
	};
	struct json_object *request;
	struct val vals[2] = { 0 };
	int rc = take(a, keys, 2, vals, &request);

	if (rc)
		return rc;
	if (!vals[1].key) {
		timeline_head();
		return run(request, "timeline", "handovers", timeline_print);
	}
	if (opt.json) {
		json_object_put(request);
		return arg_wrong("svg", "a drawing is no JSON: leave out -json");
	}
	rc = run(request, "timeline", "handovers", timeline_keep);
	if (!rc)
		timeline_draw();
	timeline_forget();
	return rc;
}

/* Fields as they come: text, numbers, and lists of words. The one named @bare goes without its name. */
static void print_plain(struct json_object *obj, const char *bare)
{
	pr_begin();
	json_object_object_foreach(obj, key, value) {
		if (opt.json) {
			pr_json(key, value);
			continue;
		}
		if (!json_object_is_type(value, json_type_array)) {
			pr_str(PR_PLAIN, key, strcmp(key, bare) ? key : NULL, json_text(value));
			continue;
		}
		for (size_t i = 0; i < json_object_array_length(value); i++)
			pr_text(json_text(json_object_array_get_idx(value, i)));
	}
	pr_end();
}

static void print_peer(struct json_object *obj)
{
	print_plain(obj, "peer");
}

static void print_drain(struct json_object *obj)
{
	print_plain(obj, "network");
}

static int agent_drain(struct args *a)
{
	static const struct keyword keys[] = {
		KEYWORD("network", VAL_WORD), KEYWORD("to", VAL_INET), KEYWORD("stop", VAL_NONE),
	};
	struct json_object *request;
	struct val vals[3] = { 0 };
	int rc = take(a, keys, 3, vals, &request);

	if (rc)
		return rc;
	if (vals[2].key)
		json_object_object_add(request, "stop", json_object_new_boolean(true));
	return run(request, "drain", "drains", print_drain);
}

static int agent_drains(struct args *a)
{
	int rc = arg_end(a);

	return rc ? rc : run(json_object_new_object(), "drains", "drains", print_drain);
}

static void print_revoked(struct json_object *obj)
{
	print_plain(obj, "");
}

static int agent_revoke(struct args *a)
{
	static const struct keyword keys[] = {
		KEYWORD("nai", VAL_WORD), KEYWORD("peer", VAL_INET), KEYWORD("network", VAL_WORD),
		KEYWORD("all", VAL_NONE),
	};
	struct json_object *request;
	struct val vals[4] = { 0 };
	int rc = take(a, keys, 4, vals, &request);

	if (rc)
		return rc;
	if (!!vals[0].key + !!vals[1].key + !!vals[2].key + !!vals[3].key != 1) {
		json_object_put(request);
		return arg_incomplete(a, "give one of nai, peer, network and all");
	}
	if (vals[3].key)
		json_object_object_add(request, "all", json_object_new_boolean(true));
	return run(request, "revoke", "revoke", print_revoked);
}

static int agent_peers(struct args *a)
{
	int rc = arg_end(a);

	return rc ? rc : run(json_object_new_object(), "peers", "peers", print_peer);
}

static void print_counters(struct json_object *obj)
{
	pr_begin();
	json_object_object_foreach(obj, key, value) {
		if (opt.json)
			pr_json(key, value);
		else
			printf("%-40s %s\n", key, json_text(value));
	}
	if (opt.json)
		pr_end();
}

static int agent_counters(struct args *a)
{
	int rc = arg_end(a);

	return rc ? rc : run(json_object_new_object(), "counters", "counters", print_counters);
}

static int agent_version(struct args *a)
{
	static const char *const keys[] = { "name", "agent", "module", "roles" };
	struct json_object *reply, *v;
	int rc = arg_end(a);
	size_t i;

	if (!rc)
		rc = ask(json_object_new_object(), "version", &reply);
	if (rc)
		return rc;
	pr_array_begin();
	pr_begin();
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!json_object_object_get_ex(reply, keys[i], &v)) {
			if (!strcmp(keys[i], "module"))
				pr_text("module not loaded");
			continue;
		}
		if (opt.json) {
			pr_json(keys[i], v);
			continue;
		}
		if (!json_object_is_type(v, json_type_array)) {
			pr_str(PR_PLAIN, keys[i], keys[i], json_text(v));
			continue;
		}
		pr_text(keys[i]);
		for (size_t k = 0; k < json_object_array_length(v); k++)
			pr_text(json_text(json_object_array_get_idx(v, k)));
	}
	pr_end();
	pr_array_end();
	json_object_put(reply);
	return CTL_OK;
}

static const struct command agent_commands[] = {
	{ "show", "list lst", agent_show, NULL },
	{ "attach", NULL, agent_attach, NULL },
	{ "detach", NULL, agent_detach, NULL },
	{ "timeline", NULL, agent_timeline, NULL },
	{ "drain", NULL, agent_drain, NULL },
	{ "drains", NULL, agent_drains, NULL },
	{ "revoke", NULL, agent_revoke, NULL },
	{ "peers", NULL, agent_peers, NULL },
	{ "counters", NULL, agent_counters, NULL },
	{ "version", NULL, agent_version, NULL },
	{ NULL, NULL, NULL, NULL },
};

const struct object agent_object = { "agent", agent_help, agent_commands, agent_prefix };
