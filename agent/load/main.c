// SPDX-License-Identifier: GPL-2.0-only
/* mip4load: options and commands; see mip4load(8). */
#include <string.h>

#include "load/setup.h"

const char *const ctl_name = "mip4load";
struct options opt;

static const char usage[] =
	"Usage: mip4load [ OPTIONS ] { run | malformed | list } [ KEYWORD VALUE ]... | help\n"
	"where  run        loads a home agent with registrations of many devices\n"
	"       malformed  sends what is wrong or hostile, and compares the answers with the RFCs\n"
	"       list       lists that\n"
	"       OPTIONS := { -V[ersion] | -j[son] | -p[retty] | -o[neline] | -help }\n";

static const struct object *const objects[] = { &run_object, &malformed_object, &list_object };

static const struct option {
	const char *name;
	size_t min;		/* letters that must be there */
	bool *flag;		/* NULL: it is all that is asked for */
	const char *text;
} options[] = {
	{ "Version", 1, NULL, "mip4load utility, mip4-" MIP4_VERSION "\n" },
	{ "version", 7, NULL, "mip4load utility, mip4-" MIP4_VERSION "\n" },
	{ "help", 1, NULL, usage },
	{ "json", 1, &opt.json, NULL },
	{ "pretty", 1, &opt.pretty, NULL },
	{ "oneline", 1, &opt.oneline, NULL },
};

static const struct option *find_option(const char *arg)
{
	size_t len;

	arg += arg[0] == '-' && arg[1] == '-' ? 2 : 1;
	len = strlen(arg);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (len >= options[i].min && !strncmp(arg, options[i].name, len))
			return &options[i];
	return NULL;
}

static const struct object *find_object(const char *word)
{
	for (size_t i = 0; *word && i < ARRAY_SIZE(objects); i++)
		if (!strncmp(word, objects[i]->name, strlen(word)))
			return objects[i];
	return NULL;
}

static int run_line(struct args *a)
{
	const char *word = arg_next(a);
	int rc;

	if (!word) {
		fputs(usage, stderr);
		return CTL_USAGE;
	}
	if (!strcmp(word, "help")) {
		fputs(usage, stdout);
		return CTL_OK;
	}
	a->obj = find_object(word);
	if (!a->obj) {
		ctl_err("command \"%s\" is unknown: there are run, malformed, list, help", word);
		return CTL_USAGE;
	}
	rc = a->obj->commands[0].run(a);
	return rc == CTL_HELP ? CTL_OK : rc;
}

int main(int argc, char **argv)
{
	struct args a = { .argc = argc, .argv = argv, .pos = 1 };
	const struct option *option;

	for (; a.pos < argc && argv[a.pos][0] == '-'; a.pos++) {
		option = find_option(argv[a.pos]);
		if (!option) {
			ctl_err("option \"%s\" is unknown (try \"mip4load -help\")", argv[a.pos]);
			return CTL_USAGE;
		}
		if (!option->flag) {
			fputs(option->text, stdout);
			return ctl_close(stdout, "standard output", CTL_OK);
		}
		*option->flag = true;
	}
	return ctl_close(stdout, "standard output", run_line(&a));
}
