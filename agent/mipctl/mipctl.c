// SPDX-License-Identifier: GPL-2.0-only
/* Options, objects and commands; see mipctl(8). */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mipctl/print.h"

const char *const ctl_name = "mipctl";
struct options opt = { .rcvbuf = 1024 * 1024 };
bool ctl_bulk;

/* The order is the order of `mipctl help`; any unique prefix is accepted. */
static const struct object *const objects[] = {
	&link_object, &port_object, &binding_object, &peer_object, &socket_object,
	&monitor_object, &agent_object, &version_object,
};

#define N_OBJECTS ARRAY_SIZE(objects)

static const char usage[] =
	"Usage: mipctl [ OPTIONS ] OBJECT { COMMAND | help }\n"
	"       mipctl [ -force ] -batch { FILE | - }\n"
	"where  OBJECT := { link | port | binding | peer | socket | monitor | agent | version }\n"
	"       OPTIONS := { -V[ersion] | -h[uman-readable] | -i[ec] | -s[tatistics] |\n"
	"                    -d[etails] | -j[son] | -p[retty] | -o[neline] | -N[umeric] |\n"
	"                    -t[imestamp] | -ts[hort] | -n[etns] NAME | -b[atch] { FILE | - } |\n"
	"                    -fo[rce] | -c[olor][={ always | auto | never }] | -rc[vbuf] SIZE |\n"
	"                    -dump-nl FILE | -read-nl FILE | -help }\n";

/* ---- objects and commands ---- */

static bool alias_prefix(const char *aliases, const char *word, bool *exact)
{
	size_t len = strlen(word);

	while (aliases && *aliases) {
		size_t n = strcspn(aliases, " ");

		if (len <= n && !strncmp(aliases, word, len)) {
			*exact = *exact || len == n;
			return true;
		}
		aliases += n + strspn(aliases + n, " ");
	}
	return false;
}

/*
 * Finds word among n names: an exact match, or the only one that it is a
 * prefix of. Prints an error and returns -1 otherwise.
 */
static int find(const char *kind, const char *word, size_t n,
		void (*entry)(const void *table, size_t i, const char **name, const char **aliases),
		const void *table)
{
	char fits[128] = "", all[128] = "";
	const char *name, *aliases;
	int found = -1;
	size_t i;

	for (i = 0; i < n; i++) {
		bool exact = false;

		entry(table, i, &name, &aliases);
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? ", " : "", name);
		if (!*word || (!alias_prefix(name, word, &exact) &&
			       !alias_prefix(aliases, word, &exact)))
			continue;
		if (exact)
			return (int)i;
		snprintf(fits + strlen(fits), sizeof(fits) - strlen(fits), "%s%s",
			 *fits ? ", " : "", name);
		found = found == -1 ? (int)i : -2;
	}
	if (found == -2)
		ctl_err("%s \"%s\" is ambiguous: %s", kind, word, fits);
	else if (found == -1)
		ctl_err("%s \"%s\" is unknown: there are %s, help", kind, word, all);
	return found < 0 ? -1 : found;
}

static void object_entry(const void *table, size_t i, const char **name, const char **aliases)
{
	*name = ((const struct object *const *)table)[i]->name;
	*aliases = NULL;
}

static void command_entry(const void *table, size_t i, const char **name, const char **aliases)
{
	*name = ((const struct command *)table)[i].name;
	*aliases = ((const struct command *)table)[i].aliases;
}

int ctl_resolve(struct args *a, const struct command **cmd)
{
	const char *word = arg_next(a);
	size_t n = 0;
	int i, rc;

	*cmd = NULL;
	if (!strcmp(word, "help")) {
		fputs(usage, stdout);
		return CTL_OK;
	}
	i = find("object", word, N_OBJECTS, object_entry, objects);
	if (i < 0)
		return CTL_USAGE;
	a->obj = objects[i];
	if (a->obj->prefix) {
		rc = a->obj->prefix(a);
		if (rc)
			return rc == CTL_HELP ? CTL_OK : rc;
	}
	word = arg_peek(a);
	if (word && !strcmp(word, "help")) {
		help_print(a->obj, stdout);
		return CTL_OK;
	}
	while (a->obj->commands[n].name)
		n++;
	i = 0;
	if (word && *a->obj->commands[0].name) {
		i = find("command", arg_next(a), n, command_entry, a->obj->commands);
		if (i < 0)
			return CTL_USAGE;
	}
	*cmd = &a->obj->commands[i];
	return CTL_OK;
}

static int run_line(int argc, char **argv)
{
	struct args a = { .argc = argc, .argv = argv };
	const struct command *cmd;
	int rc = ctl_resolve(&a, &cmd);

	if (!rc && cmd)
		rc = cmd->run(&a);
	return rc == CTL_HELP ? CTL_OK : rc;
}

/* ---- options ---- */

enum option_id {
	OPT_VERSION, OPT_HUMAN, OPT_HELP, OPT_IEC, OPT_STATS, OPT_DETAILS, OPT_JSON, OPT_PRETTY,
	OPT_ONELINE, OPT_NUMERIC, OPT_TIMESTAMP, OPT_TSHORT, OPT_NETNS, OPT_BATCH, OPT_FORCE,
	OPT_COLOR, OPT_RCVBUF, OPT_DUMP_NL, OPT_READ_NL,
};

static const struct {
	const char *name;
	size_t min;		/* letters that must be there */
	enum option_id id;
	bool value;
} options[] = {
	{ "Version", 1, OPT_VERSION, false },	{ "version", 7, OPT_VERSION, false },
	{ "human-readable", 1, OPT_HUMAN, false }, { "help", 3, OPT_HELP, false },
	{ "iec", 1, OPT_IEC, false },		{ "statistics", 1, OPT_STATS, false },
	{ "details", 1, OPT_DETAILS, false },	{ "json", 1, OPT_JSON, false },
	{ "pretty", 1, OPT_PRETTY, false },	{ "oneline", 1, OPT_ONELINE, false },
	{ "Numeric", 1, OPT_NUMERIC, false },	{ "timestamp", 1, OPT_TIMESTAMP, false },
	{ "tshort", 2, OPT_TSHORT, false },	{ "netns", 1, OPT_NETNS, true },
	{ "batch", 1, OPT_BATCH, true },	{ "force", 2, OPT_FORCE, false },
	{ "color", 1, OPT_COLOR, false },	{ "rcvbuf", 2, OPT_RCVBUF, true },
	{ "dump-nl", 7, OPT_DUMP_NL, true },	{ "read-nl", 7, OPT_READ_NL, true },
};

static int switch_netns(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : "/run/netns/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET)) {
		ctl_err("cannot enter network namespace \"%s\": %s", name,
			errno == EPERM ? "Operation not permitted (CAP_SYS_ADMIN)" :
			strerror(errno));
		if (fd >= 0)
			close(fd);
		return CTL_USAGE;
	}
	close(fd);
	return CTL_OK;
}

static int open_file(const char *path, const char *mode, FILE **f)
{
	*f = fopen(path, mode);
	if (*f)
		return CTL_OK;
	ctl_err("cannot open \"%s\": %s", path, strerror(errno));
	return CTL_USAGE;
}

static int parse_rcvbuf(const char *arg)
{
	static const struct keyword kw = KEYWORD("-rcvbuf", VAL_U32, .min = 4096, .max = 1 << 30);
	struct args a = { .argc = 1, .argv = (char **)&arg };
	struct val v = { 0 };
	int rc = arg_val(&a, &kw, &v);

	if (!rc)
		opt.rcvbuf = val_u32(&v);
	return rc;
}

struct once {
	const char *netns, *batch, *color;
	bool done;		/* -V or -help was all */
};

static int set_option(enum option_id id, const char *value, struct once *once)
{
	switch (id) {
	case OPT_VERSION:
		puts("mipctl utility, mip4-" MIP4_VERSION);
		once->done = true;
		break;
	case OPT_HELP:
		fputs(usage, stdout);
		once->done = true;
		break;
	case OPT_HUMAN:
		opt.human = true;
		break;
	case OPT_IEC:
		opt.human = opt.iec = true;
		break;
	case OPT_STATS:
		opt.stats++;
		break;
	case OPT_DETAILS:
		opt.details = true;
		break;
	case OPT_JSON:
		opt.json = true;
		break;
	case OPT_PRETTY:
		opt.pretty = true;
		break;
	case OPT_ONELINE:
		opt.oneline = true;
		break;
	case OPT_NUMERIC:
		opt.numeric = true;
		break;
	case OPT_TIMESTAMP:
		opt.timestamp = true;
		break;
	case OPT_TSHORT:
		opt.tshort = true;
		break;
	case OPT_NETNS:
		once->netns = value;
		break;
	case OPT_BATCH:
		once->batch = value;
		break;
	case OPT_FORCE:
		opt.force = true;
		break;
	case OPT_COLOR:
		once->color = value ? value : "always";
		break;
	case OPT_RCVBUF:
		return parse_rcvbuf(value);
	case OPT_DUMP_NL:
		return open_file(value, "we", &opt.dump_nl);
	case OPT_READ_NL:
		return open_file(value, "re", &opt.read_nl);
	}
	return CTL_OK;
}

/* Reads the options; *pos becomes the index of the object. */
static int read_options(int argc, char **argv, int *pos, struct once *once)
{
	size_t i, n = ARRAY_SIZE(options);
	int rc;

	for (*pos = 1; *pos < argc && argv[*pos][0] == '-' && !once->done; (*pos)++) {
		const char *arg = argv[*pos] + 1, *value = NULL;
		const char *equals;
		size_t len;

		arg += *arg == '-';
		if (!*arg) {
			(*pos)++;
			return CTL_OK;
		}
		equals = strchr(arg, '=');
		len = equals ? (size_t)(equals - arg) : strlen(arg);
		for (i = 0; i < n; i++)
			if (len >= options[i].min && len <= strlen(options[i].name) &&
			    !strncmp(arg, options[i].name, len) &&
			    (!equals || options[i].id == OPT_COLOR))
				break;
		if (i == n) {
			ctl_err("option \"%s\" is unknown (try \"mipctl -help\")", argv[*pos]);
			return CTL_USAGE;
		}
		if (equals)
			value = equals + 1;
		if (options[i].value) {
			value = argv[++*pos];
			if (!value) {
				ctl_err("command line is not complete: \"%s\" needs a value",
					argv[*pos - 1]);
				return CTL_USAGE;
			}
		}
		rc = set_option(options[i].id, value, once);
		if (rc)
			return rc;
	}
	return CTL_OK;
}

int main(int argc, char **argv)
{
	struct once once = { 0 };
	int pos, rc;

	rc = read_options(argc, argv, &pos, &once);
	if (rc)
		return rc;
	if (once.done)
		return ctl_close(stdout, "standard output", CTL_OK);
	if (once.color && !pr_color(once.color)) {
		ctl_err("argument \"%s\" is wrong: -color must be one of: always, auto, never",
			once.color);
		return CTL_USAGE;
	}
	if (once.netns && switch_netns(once.netns))
		return CTL_USAGE;

	if (once.batch && pos < argc) {
		ctl_err("argument \"%s\" is wrong: -batch takes its commands from the file",
			argv[pos]);
		rc = CTL_USAGE;
	} else if (once.batch) {
		rc = batch_run(once.batch);
	} else if (pos < argc) {
		rc = run_line(argc - pos, argv + pos);
	} else {
		fputs(usage, stderr);
		rc = CTL_USAGE;
	}
	rc = ctl_close(opt.dump_nl, "the file of -dump-nl", rc);
	return ctl_close(stdout, "standard output", rc);
}
