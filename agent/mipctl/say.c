// SPDX-License-Identifier: GPL-2.0-only
/* What a command says of itself, and of its output. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "mipctl/args.h"

static bool quiet;

static void verr(const char *head, const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs(head, stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void ctl_err(const char *fmt, ...)
{
	va_list ap;

	if (quiet)
		return;
	va_start(ap, fmt);
	verr("Error: ", fmt, ap);
	va_end(ap);
}

void ctl_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	verr("Warning: ", fmt, ap);
	va_end(ap);
}

void ctl_quiet(bool on)
{
	quiet = on;
}

void help_print(const struct object *obj, FILE *to)
{
	fputs(obj->help, to);
}

int ctl_close(FILE *f, const char *name, int rc)
{
	if (f && (ferror(f) || fclose(f))) {
		ctl_err("cannot write to %s: %s", name, strerror(errno));
		return rc ? rc : CTL_KERNEL;
	}
	return rc;
}
