// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever is in a configuration file: it is taken without a word, and then a
 * core runs with it, or it is refused by complaints that name the file, one
 * to a line.
 */
#include "host/config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FD		200	/* as ${K} */
#define FILE_FD		201
#define PATH		"/proc/self/fd/201"
#define POOL_MAX	(1 << 20)	/* addresses that a core shall count here */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void make_file(int fd, const char *text)
{
	int made = memfd_create("fuzz", 0);

	require(made >= 0 && dup2(made, fd) == fd && !fchmod(fd, 0600));
	require(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(made);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	make_file(KEY_FD, "000102030405060708090a0b0c0d0e0f\n");
	make_file(FILE_FD, "");
	return setenv("K", "/proc/self/fd/200", 1);
}

static void on_action(void *arg, const struct core_action *action)
{
	(void)arg;
	(void)action;
}

static void check_config(const struct config *config)
{
	struct core_now now = { .mono_us = 1000000, .ntp = 0xe8000000ULL << 32, .random = { 1 } };
	uint64_t addresses = 0;
	struct core *core;

	require((config->core.ha || config->core.pma) && config->core.n_networks && config->core.n_peers);
	config_doubt(config);
	for (unsigned int i = 0; i < config->core.n_networks; i++) {
		const struct core_network *net = &config->networks[i];

		require(config_uses_device(config, net->device));
		for (const struct core_range *range = net->pool; range->first.s_addr; range++)
			addresses += ntohl(range->last.s_addr) - ntohl(range->first.s_addr);
	}
	if (addresses > POOL_MAX)
		return;
	core = core_new(&config->core, on_action, NULL);
	require(core);
	core_event(core, &now, &(struct core_event){ .type = CORE_EV_START });
	core_free(core);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char first[] = PATH ":";
	char *complaints = NULL;
	struct config *config;
	size_t len;
	FILE *f;

	require(!ftruncate(FILE_FD, 0) && pwrite(FILE_FD, data, size, 0) == (ssize_t)size);
	f = open_memstream(&complaints, &len);
	require(f);
	config = config_load(PATH, f);
	fclose(f);
	require(config ? !len : len > 0);
	for (const char *line = complaints; *line; line = strchr(line, '\n') + 1)
		require(!strncmp(line, first, sizeof(first) - 1) && strchr(line, '\n'));
	free(complaints);
	if (config)
		check_config(config);
	config_free(config);
	return 0;
}
