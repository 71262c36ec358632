// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay FILE: the fuzzer's seeds without the fuzzer: each message of FILE as
 * it is, cut at every length, and with every byte set to each of some awkward
 * values. One TAP leaf per message; a crash leaves its leaf unprinted.
 * replay FILE DIR: write the messages to DIR for libFuzzer instead.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t awkward[] = { 0, 1, 2, 3, 4, 5, 6, 0x22, 0x2f, 0x30, 0x7f, 0x80, 0x8b, 0x93,
				   0x9a, 0xfe, 0xff };

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

static unsigned int run_all(uint8_t *p, size_t len)
{
	unsigned int n = 0;

	for (size_t cut = 0; cut <= len; cut++, n++)
		run(p, cut);
	for (size_t i = 0; i < len; i++) {
		uint8_t was = p[i];

		for (size_t j = 0; j < sizeof(awkward); j++, n++) {
			p[i] = awkward[j];
			run(p, len);
		}
		p[i] = was;
	}
	return n;
}

static void save(const char *dir, unsigned int line, const uint8_t *p, size_t len)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%03u", dir, line);
	f = fopen(path, "wb");
	if (!f || fwrite(p, 1, len, f) != len || fclose(f))
		die("cannot write a seed");
}

/* A line is: hex digits and blanks, then "# what it is". */
static size_t from_hex(const char *line, uint8_t *p, size_t room)
{
	unsigned int v;
	size_t len = 0;

	while (*line && *line != '#') {
		if (isspace((unsigned char)*line)) {
			line++;
			continue;
		}
		if (len == room || sscanf(line, "%2x", &v) != 1 || !isxdigit((unsigned char)line[1]))
			die("not hex");
		p[len++] = v;
		line += 2;
	}
	return len;
}

int main(int argc, char **argv)
{
	FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;
	unsigned int tests = 0, lineno = 0;
	char line[8192];

	if (!f || argc > 3) {
		fprintf(stderr, "usage: replay FILE [DIR]\n");
		return 2;
	}
	while (fgets(line, sizeof(line), f)) {
		const char *what = strchr(line, '#');
		uint8_t p[2048];
		size_t len;

		lineno++;
		line[strcspn(line, "\n")] = '\0';
		if (!what || what == line)
			continue;
		len = from_hex(line, p, sizeof(p));
		if (argc == 3) {
			save(argv[2], lineno, p, len);
			continue;
		}
		printf("ok %u - %s (%u inputs)\n", tests + 1, what + 2, run_all(p, len));
		tests++;
		fflush(stdout);
	}
	fclose(f);
	if (argc == 2)
		printf("1..%u\n", tests);
	return argc == 2 && !tests;
}
