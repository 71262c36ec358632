// SPDX-License-Identifier: GPL-2.0-only
/* mip4d: the agent. Command line, signals, the loop. */
#include "host/host.h"
#include "host/keep.h"
#include "host/log.h"

#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"Usage: mip4d [ OPTIONS ] NAME\n"
	"       mip4d --check { NAME | FILE }\n"
	"Runs the Mobile IPv4 agent NAME: home agent, proxy mobility agent, or both.\n"
	"\n"
	"  -c, --config FILE     configuration (/etc/mip4/NAME.conf)\n"
	"      --state-dir DIR   registrations that outlive the agent (/var/lib/mip4/NAME)\n"
	"      --socket PATH     control socket for mipctl agent (/run/mip4/NAME.sock)\n"
	"      --check           read the configuration, complain about it, do nothing else\n"
	"  -f, --foreground      stay in the foreground; it always does\n"
	"  -v, --verbose         log what happens to each device\n"
	"  -V, --version\n"
	"  -h, --help\n"
	"\n"
	"See mip4d(8) and mip4d.conf(5).\n";

enum { OPT_STATE_DIR = 256, OPT_SOCKET, OPT_CHECK, OPT_KEEP };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "keep", no_argument, NULL, OPT_KEEP },	/* for itself: see keep.h */
	{ "foreground", no_argument, NULL, 'f' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

/* NULL counts as no memory and ends the program. */
static char *path_of(const char *prefix, const char *name, const char *suffix)
{
	char *path;

	if (asprintf(&path, "%s%s%s", prefix, name, suffix) < 0) {
		fputs("mip4d: no memory\n", stderr);
		exit(1);
	}
	return path;
}

static int check(const char *path)
{
	struct config *config = config_load(path, stderr);
	const char *doubt;

	if (!config)
		return 1;
	doubt = config_doubt(config);
	if (doubt)
		fprintf(stderr, "%s: warning: %s\n", path, doubt);
	printf("%s: ok: %s%s%s, %u network%s, %u peer%s\n", path, config->core.ha ? "home agent" : "",
	       config->core.ha && config->core.pma ? " and " : "", config->core.pma ? "proxy agent" : "",
	       config->core.n_networks, config->core.n_networks == 1 ? "" : "s",
	       config->core.n_peers, config->core.n_peers == 1 ? "" : "s");
	config_free(config);
	return 0;
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct host *host = arg;

	(void)what;
	if (signo == SIGHUP)
		host_reload(host);
	else
		event_base_loopbreak(host->base);
}

static int serve(struct host *host)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct event *events[3] = { NULL };
	bool ok = host_start(host);

	for (int i = 0; ok && i < 3; i++) {
		events[i] = evsignal_new(host->base, signals[i], on_signal, host);
		ok = events[i] && !evsignal_add(events[i], NULL);
	}
	if (ok) {
		log_info("%s is ready", host->name);
		keep_notify("READY=1");
		ok = !event_base_dispatch(host->base);
		if (ok)
			keep_end(host->keep);
		log_info("%s ends; bindings stay", host->name);
	}
	for (int i = 0; i < 3; i++)
		if (events[i])
			event_free(events[i]);
	host_stop(host);
	return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
	char *config = NULL, *state_dir = NULL, *socket_path = NULL;
	struct host host = { 0 };
	bool only_check = false;
	int opt, rc;

	/* A client that leaves before its answer is no reason to die; nor is a reload before the handler is there. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	while ((opt = getopt_long(argc, argv, "c:fvVh", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			host.config_path = optarg;
			break;
		case OPT_STATE_DIR:
			host.state_dir = optarg;
			break;
		case OPT_SOCKET:
			host.socket_path = optarg;
			break;
		case OPT_CHECK:
			only_check = true;
			break;
		case OPT_KEEP:
			return keep_serve();
		case 'f':
			break;
		case 'v':
			log_set_level(LOG_L_DEBUG);
			break;
		case 'V':
			puts("mip4d " MIP4_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 1;
		}
	}
	if (argc - optind > 1) {
		fprintf(stderr, "mip4d: \"%s\" is too many: one agent, one NAME (mip4d --help)\n", argv[optind + 1]);
		return 1;
	}
	if (optind == argc && only_check && host.config_path)
		return check(host.config_path);
	if (optind == argc || !*argv[optind]) {
		fprintf(stderr, "mip4d: the agent's NAME%s is missing (mip4d --help)\n",
			only_check ? " or a FILE" : "");
		return 1;
	}
	host.name = argv[optind];
	if (!only_check && strchr(host.name, '/')) {
		fprintf(stderr, "mip4d: \"%s\" is a path: give a NAME, and the file by -c\n", host.name);
		return 1;
	}
	if (!host.config_path) {
		config = only_check && strchr(host.name, '/') ? path_of("", host.name, "") :
			 path_of("/etc/mip4/", host.name, ".conf");
		host.config_path = config;
	}
	if (!host.state_dir)
		host.state_dir = state_dir = path_of("/var/lib/mip4/", host.name, "");
	if (!host.socket_path)
		host.socket_path = socket_path = path_of("/run/mip4/", host.name, ".sock");

	rc = only_check ? check(host.config_path) : serve(&host);
	free(config);
	free(state_dir);
	free(socket_path);
	return rc;
}
