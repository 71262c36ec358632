// SPDX-License-Identifier: GPL-2.0-only
#include "host/key_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_MIN		16	/* bytes; RFC 5944 s3.5.1 wants 128 bits at least */

static bool fail(struct key_error *error, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool fail(struct key_error *error, const char *hint, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, args);
	va_end(args);
	snprintf(error->hint, sizeof(error->hint), "%s", hint ? hint : "");
	return false;
}

static bool decode(const char *path, const char *text, size_t len, struct wire_sa *sa, struct key_error *error)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = text[i];
		uint8_t digit;

		if (isspace(c))
			continue;
		if (!isxdigit(c))
			return fail(error, "hexadecimal digits only", "%s holds something else", path);
		digit = isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
		if (n / 2 == WIRE_KEY_MAX)
			return fail(error, NULL, "the key is longer than %d bytes", WIRE_KEY_MAX);
		sa->key[n / 2] = n % 2 ? sa->key[n / 2] | digit : digit << 4;
		n++;
	}
	if (n % 2)
		return fail(error, "two digits make a byte", "an odd number of hexadecimal digits");
	if (n / 2 < KEY_MIN)
		return fail(error, "openssl rand -hex 32", "the key has %zu bytes, %d are the least", n / 2, KEY_MIN);
	sa->key_len = n / 2;
	return true;
}

static bool read_open(int fd, const char *path, struct wire_sa *sa, struct key_error *error)
{
	char text[1024], hint[sizeof(error->hint)];
	struct stat st;
	ssize_t len;
	bool ok;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return fail(error, NULL, "%s is not a regular file", path);
	if (st.st_mode & 007) {
		snprintf(hint, sizeof(hint), "chmod o= %s", path);
		return fail(error, hint, "others may use %s (mode %04o)", path, st.st_mode & 07777);
	}
	len = read(fd, text, sizeof(text));
	if (len < 0)
		ok = fail(error, NULL, "cannot read %s: %s", path, strerror(errno));
	else if (len == sizeof(text))
		ok = fail(error, NULL, "%s is too large for a key", path);
	else
		ok = decode(path, text, len, sa, error);
	explicit_bzero(text, sizeof(text));
	return ok;
}

bool key_file_read(const char *path, struct wire_sa *sa, struct key_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool ok;

	if (fd < 0)
		return fail(error, errno == EACCES ? "who runs this must be able to read it" : NULL,
			    "cannot open %s: %s", path, strerror(errno));
	ok = read_open(fd, path, sa, error);
	close(fd);
	return ok;
}
