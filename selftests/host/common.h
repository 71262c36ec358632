/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIP4_SELFTEST_HOST_H
#define MIP4_SELFTEST_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of this run alone; remove_dir() takes it away with what is in it. */
static inline char *make_dir(void)
{
	char *dir = strdup("/tmp/mip4-selftest-XXXXXX");

	assert_non_null(mkdtemp(dir));
	return dir;
}

static inline void write_file(const char *dir, const char *name, const void *data, size_t len, unsigned int mode)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

#endif /* MIP4_SELFTEST_HOST_H */
