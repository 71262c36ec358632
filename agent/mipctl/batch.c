// SPDX-License-Identifier: GPL-2.0-only
/*
 * Command lines from a file. Neighbouring commands of one kind that can share
 * a request (`binding add` to one device) do; when such a request is refused,
 * its lines are repeated singly, so what happened and what is reported is the
 * same as without sharing.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mipctl/args.h"

#define WORDS_MAX 128
#define QUEUE_MAX 512

struct line {
	char *text;		/* split in place; words point into it */
	unsigned int number;
};

static struct {
	const char *name;
	unsigned int number;	/* of the line read last */
	const struct command *cmd;	/* whose lines are queued, or NULL */
	struct line queue[QUEUE_MAX];
	unsigned int queued;
} batch;

/* One logical line: backslash at the end continues it. NULL at the end. */
static char *read_line(FILE *f, unsigned int *first)
{
	char *line = NULL, *part = NULL;
	size_t len = 0, room = 0;
	ssize_t n;

	*first = batch.number + 1;
	while ((n = getline(&part, &room, f)) >= 0) {
		char *more;

		batch.number++;
		if (n && part[n - 1] == '\n')
			part[--n] = '\0';
		more = realloc(line, len + (size_t)n + 1);
		if (!more)
			break;
		line = more;
		memcpy(line + len, part, (size_t)n + 1);
		len += (size_t)n;
		if (!len || line[len - 1] != '\\')
			break;
		line[len - 1] = ' ';
	}
	free(part);
	return line;
}

static bool empty(const char *text)
{
	text += strspn(text, " \t\r\n\v\f");
	return !*text || *text == '#';
}

/* Splits at blanks; quotes keep them, # starts a comment. -1: too many, or an open quote. */
static int split(char *text, char **words)
{
	int n = 0;
	char *to;

	for (;;) {
		while (isspace((unsigned char)*text))
			text++;
		if (!*text || *text == '#')
			return n;
		if (n == WORDS_MAX)
			return -1;
		words[n++] = to = text;
		while (*text && !isspace((unsigned char)*text)) {
			char quote = *text;

			if (quote != '\'' && quote != '"') {
				*to++ = *text++;
				continue;
			}
			for (text++; *text && *text != quote; )
				*to++ = *text++;
			if (!*text++)
				return -1;
		}
		if (*text)
			text++;
		*to = '\0';
	}
}

static int flush(void);

static int failed(unsigned int number, int rc)
{
	fflush(stdout);
	fprintf(stderr, "Command failed %s:%u\n", batch.name, number);
	return rc;
}

/* The command of a line, without a word about errors; NULL if help is asked for. */
static const struct command *command_of(const char *text)
{
	const struct command *cmd = NULL;
	char *words[WORDS_MAX + 1];
	struct args a = { .argv = words };
	char *copy = strdup(text);
	int i;

	a.argc = copy ? split(copy, words) : -1;
	for (i = 0; i < a.argc && strcmp(words[i], "help"); i++)
		;
	if (a.argc > 0 && i == a.argc) {
		ctl_quiet(true);
		ctl_resolve(&a, &cmd);
		ctl_quiet(false);
	}
	free(copy);
	return cmd;
}

/* Takes over text. */
static int run_text(char *text, unsigned int number)
{
	char *words[WORDS_MAX + 1];
	struct args a = { .argv = words };
	const struct command *cmd = NULL;
	char *copy = strdup(text);
	int rc = CTL_OK, start;

	a.argc = copy ? split(copy, words) : -1;
	if (a.argc < 0) {
		ctl_err("a quote is open, or there are more than %d words", WORDS_MAX);
		rc = CTL_USAGE;
	}
	dev_forget();
	if (a.argc > 0)
		rc = ctl_resolve(&a, &cmd);
	if (!rc && cmd) {
		start = a.pos;
		rc = cmd->run(&a);
		if (rc == CTL_FLUSH_FIRST) {
			rc = flush();
			if (rc && !opt.force)
				goto out;
			a.pos = start;
			rc = cmd->run(&a);
		}
	}
	if (!rc && cmd && cmd->flush && ctl_bulk) {
		batch.cmd = cmd;
		batch.queue[batch.queued].text = text;
		batch.queue[batch.queued++].number = number;
		text = NULL;
	}
	rc = rc && rc != CTL_HELP ? failed(number, rc) : CTL_OK;
out:
	free(copy);
	free(text);
	return rc;
}

/* Sends what is queued; line by line if that is refused. */
static int flush(void)
{
	unsigned int i, n = batch.queued;
	int rc, first = CTL_OK;
	bool singly;

	if (!n)
		return CTL_OK;
	ctl_quiet(true);
	singly = batch.cmd->flush() != CTL_OK;
	ctl_quiet(false);
	batch.queued = 0;
	ctl_bulk = false;
	for (i = 0; i < n; i++) {
		if (!singly || (first && !opt.force)) {
			free(batch.queue[i].text);
			continue;
		}
		rc = run_text(batch.queue[i].text, batch.queue[i].number);
		if (!first)
			first = rc;
	}
	ctl_bulk = true;
	return first;
}

int batch_run(const char *file)
{
	bool std = !strcmp(file, "-");
	FILE *f = std ? stdin : fopen(file, "re");
	int rc, first = CTL_OK;
	unsigned int number;
	char *text;

	if (!f) {
		ctl_err("cannot open \"%s\": %s", file, strerror(errno));
		return CTL_USAGE;
	}
	batch.name = std ? "stdin" : file;
	ctl_bulk = true;
	while ((!first || opt.force) && (text = read_line(f, &number))) {
		if (empty(text)) {
			free(text);
			continue;
		}
		if (batch.queued &&
		    (batch.queued == QUEUE_MAX || command_of(text) != batch.cmd)) {
			rc = flush();
			if (!first)
				first = rc;
			if (rc && !opt.force) {
				free(text);
				break;
			}
		}
		rc = run_text(text, number);
		if (!first)
			first = rc;
	}
	rc = flush();
	if (!first)
		first = rc;
	ctl_bulk = false;
	if (ferror(f)) {
		ctl_err("cannot read \"%s\": %s", file, strerror(errno));
		first = first ? first : CTL_USAGE;
	}
	if (!std)
		fclose(f);
	return first;
}
