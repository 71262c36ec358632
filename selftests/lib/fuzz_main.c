// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay FILE: a fuzzer's seeds without the fuzzer: each seed of FILE as it
 * is, cut at every length, and with every byte set to each of some awkward
 * values. One TAP leaf per seed; a crash leaves its leaf unprinted.
 * replay FILE DIR: write the seeds to DIR for libFuzzer instead.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_MAX	4096

/* Of the fuzzer; the first may be missing. */
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seed {
	uint8_t data[SEED_MAX];
	size_t len;
	const char *awkward, *what;
	size_t n_awkward;
};

/* Lengths, types and flags; what a grammar is made of. */
static const char binary[] = "\0\1\2\3\4\5\6\x22\x2f\x30\x7f\x80\x8b\x93\x9a\xfe\xff";
static const char text[] = "\0\n \"'{}[]=#/*$\\,:-0";

static void die(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(1);
}

/* In a block of exactly its size, so that a sanitizer sees one byte too far. */
static void run(const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		die("out of memory");
	memcpy(copy, p, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static unsigned int run_all(struct seed *seed)
{
	uint8_t *p = seed->data;
	unsigned int n = 0;

	for (size_t cut = 0; cut <= seed->len; cut++, n++)
		run(p, cut);
	for (size_t i = 0; i < seed->len; i++) {
		uint8_t was = p[i];

		for (size_t j = 0; j < seed->n_awkward; j++, n++) {
			p[i] = seed->awkward[j];
			run(p, seed->len);
		}
		p[i] = was;
	}
	return n;
}

static void save(const char *dir, unsigned int line, const struct seed *seed)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%03u", dir, line);
	f = fopen(path, "wb");
	if (!f || fwrite(seed->data, 1, seed->len, f) != seed->len || fclose(f))
		die("cannot write a seed");
}

static void put(struct seed *seed, uint8_t byte)
{
	if (seed->len == SEED_MAX)
		die("a seed is too long");
	seed->data[seed->len++] = byte;
}

/* Behind the opening quote; returns what follows the closing one. */
static const char *from_text(const char *p, struct seed *seed)
{
	while (*p != '"') {
		if (!*p || (*p == '\\' && !p[1]))
			die("a text without end");
		if (*p != '\\') {
			put(seed, *p++);
			continue;
		}
		put(seed, p[1] == 'n' ? '\n' : p[1] == 't' ? '\t' : p[1] == '0' ? '\0' : p[1]);
		p += 2;
	}
	return p + 1;
}

static const char *from_hex(const char *p, struct seed *seed)
{
	unsigned int v;

	if (sscanf(p, "%2x", &v) != 1 || !isxdigit((unsigned char)p[1]))
		die("neither hex nor text");
	put(seed, v);
	return p + 2;
}

/* A line is: hex digits and blanks, or "text" with \n, \t, \0, \" and \\; then "# what it is". False: it has none. */
static bool parse(const char *p, struct seed *seed)
{
	seed->len = 0;
	seed->awkward = binary;
	seed->n_awkward = sizeof(binary) - 1;
	if (!*p || *p == '#')
		return false;
	while (*p != '#') {
		if (!*p)
			die("a seed without a name");
		if (*p == '"') {
			seed->awkward = text;
			seed->n_awkward = sizeof(text) - 1;
			p = from_text(p + 1, seed);
		} else if (isspace((unsigned char)*p)) {
			p++;
		} else {
			p = from_hex(p, seed);
		}
	}
	seed->what = p + 1 + (p[1] == ' ');
	return true;
}

int main(int argc, char **argv)
{
	FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;
	static char line[4 * SEED_MAX];
	unsigned int tests = 0, lineno = 0;
	static struct seed seed;

	if (!f || argc > 3) {
		fprintf(stderr, "usage: replay FILE [DIR]\n");
		return 2;
	}
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	while (fgets(line, sizeof(line), f)) {
		lineno++;
		if (!strchr(line, '\n'))
			die("a line is too long");
		line[strcspn(line, "\n")] = '\0';
		if (!parse(line, &seed))
			continue;
		tests++;
		if (argc == 3) {
			save(argv[2], lineno, &seed);
			continue;
		}
		printf("ok %u - %s (%u inputs)\n", tests, seed.what, run_all(&seed));
		fflush(stdout);
	}
	fclose(f);
	if (argc == 2)
		printf("1..%u\n", tests);
	return !tests;
}
