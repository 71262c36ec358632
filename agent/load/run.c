// SPDX-License-Identifier: GPL-2.0-only
/* mip4load run: the engine, real sockets and clocks, and what came of it. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "host/clock.h"
#include "load/setup.h"
#include "mipctl/print.h"

#define KEPT_MAX_LAG_US	10000	/* sent later than that, the figures speak of us or of too few devices */

static const char run_help[] =
	"Usage: mip4load run ha ADDRESS pma PMAS nai TEMPLATE key FILE [ spi NUMBER ]\n"
	"           [ algorithm ALGORITHM ] [ devices NUMBER ] [ rate NUMBER ] [ duration TIME ]\n"
	"           [ attach WEIGHT ] [ renew WEIGHT ] [ handover WEIGHT ] [ deregister WEIGHT ]\n"
	"           [ lifetime TIME ] [ tries NUMBER ] [ gre-key { on | off } ]\n"
	"           [ revocation { on | off } ] [ mn-key FILE [ mn-spi NUMBER ]\n"
	"           [ mn-algorithm ALGORITHM ] ] [ clock-error TIME ] [ seed HEX ] [ keep ]\n"
	"Where: PMAS := ADDRESS[-LAST][,PMAS], each an address of this machine\n"
	"       TEMPLATE := an NAI with %d for the device's number, as load%d@red.example\n"
	"       FILE := a key in hexadecimal; %a in its name is the PMA's address\n"
	"       ALGORITHM := { hmac-sha-256 | hmac-sha-1 | hmac-md5 | keyed-md5 | keyed-md5-rfc2002 }\n"
	"       devices are those of each PMA; rate is of all, per second\n";

struct run {
	struct setup setup;
	struct net *net;
	struct engine *engine;
	struct load_now now;
	uint64_t wall_ahead_us;		/* taken once: Identifications don't step */
	uint64_t unsent;
	int unsent_error;
};

static volatile sig_atomic_t interrupts;

static void on_signal(int signo)
{
	(void)signo;
	interrupts++;
}

static const struct load_now *set_now(struct run *run)
{
	run->now.us = clock_mono_us();
	run->now.ntp = clock_ntp(run->now.us + run->wall_ahead_us);
	return &run->now;
}

static void send_out(void *arg, unsigned int pma, uint16_t dport, const struct wire_out *out)
{
	struct run *run = arg;

	if (!net_send(run->net, pma, run->setup.load.ha, dport, out->buf, out->len)) {
		run->unsent++;
		run->unsent_error = errno;
	}
}

static void on_datagram(void *arg, unsigned int sock, const struct sockaddr_in *from, const uint8_t *data, size_t len)
{
	struct run *run = arg;

	engine_datagram(run->engine, set_now(run), sock, from->sin_addr, ntohs(from->sin_port), data, len);
}

static void on_icmp(void *arg, unsigned int sock, uint8_t type, uint8_t code)
{
	struct run *run = arg;

	(void)sock;
	(void)type;
	(void)code;
	engine_icmp(run->engine);
}

/* ---- what came of it ---- */

static void pr_us(const char *key, const char *word, uint64_t us)
{
	char text[48];

	if (opt.json) {
		pr_uint(key, NULL, us);
		return;
	}
	snprintf(text, sizeof(text), "%s %llu.%03llums", word, (unsigned long long)us / 1000,
		 (unsigned long long)us % 1000);
	pr_text(text);
}

static void print_times(const struct hist *hist)
{
	pr_us("p50_us", "p50", hist_at(hist, 500));
	pr_us("p90_us", "p90", hist_at(hist, 900));
	pr_us("p99_us", "p99", hist_at(hist, 990));
	pr_us("p999_us", "p99.9", hist_at(hist, 999));
	pr_us("max_us", "max", hist->max);
}

static void print_operations(const struct load_stats *stats)
{
#define OP_NAME(n, s) s,
	static const char *const names[] = { LOAD_OPS(OP_NAME) };

	pr_open_object("operations");
	for (int i = 0; i < LOAD_OP_MAX; i++) {
		const struct load_op_stats *op = &stats->op[i];

		if (!op->n)
			continue;
		pr_line();
		pr_text(names[i]);
		pr_open_object(names[i]);
		pr_uint("number", NULL, op->n);
		pr_uint("accepted", "accepted", op->accepted);
		pr_uint("denied", op->denied ? "denied" : PR_JSON, op->denied);
		pr_uint("timed_out", op->timed_out ? "timed_out" : PR_JSON, op->timed_out);
		print_times(&op->time);
		pr_close();
	}
	pr_close();
}

static void print_codes(const struct load_stats *stats)
{
	pr_open_list("replies");
	for (int i = 0; i < 256; i++) {
		if (!stats->code[i])
			continue;
		pr_line();
		pr_open_object(NULL);
		pr_uint("code", "code", i);
		pr_str(PR_PLAIN, "text", NULL, wire_code_name(i));
		pr_uint("number", "number", stats->code[i]);
		pr_close();
	}
	pr_close();
}

static void print_stats(const struct run *run)
{
	const struct load_stats *stats = engine_stats(run->engine);
	const struct load_config *load = &run->setup.load;
	const uint64_t us = stats->end_us - stats->start_us;
	uint64_t begun = 0;

	for (int i = 0; i < LOAD_MIX; i++)
		begun += stats->op[i].n;
	pr_array_begin();
	pr_begin();
	pr_inet("ha", "ha", load->ha, "");
	pr_uint("pmas", "pmas", load->n_pmas);
	pr_uint("devices", "devices", load->devices);
	pr_uint("rate", "rate", load->rate);
	pr_uint("begun", "begun", begun);
	pr_msecs("duration_ms", "in", us / 1000);
	pr_uint("begun_per_second", "per-second", us ? begun * 1000000 / us : 0);
	pr_uint("bound", "bound", stats->bound);
	print_operations(stats);
	pr_line();
	pr_open_object("lag");
	pr_text("sent late by");
	print_times(&stats->lag);
	pr_close();
	print_codes(stats);
	pr_line();
#define COUNTER(name) pr_uint(#name, stats->name ? #name : PR_JSON, stats->name);
	LOAD_COUNTERS(COUNTER)
	pr_uint("unsent", run->unsent ? "unsent" : PR_JSON, run->unsent);
	pr_uint("overruns", net_overruns(run->net) ? "overruns" : PR_JSON, net_overruns(run->net));
	pr_uint("lost", "lost", load_lost(stats));
	if (*stats->lost_first)
		pr_str(PR_PLAIN, "lost_first", "first", stats->lost_first);
	pr_end();
	pr_array_end();
}

static void warn(const struct run *run)
{
	const struct load_stats *stats = engine_stats(run->engine);
	uint64_t late = hist_at(&stats->lag, 990);

	if (run->unsent)
		ctl_warn("%llu messages weren't sent: %s", (unsigned long long)run->unsent,
			 strerror(run->unsent_error));
	if (stats->unbegun)
		ctl_warn("%llu operations that were due weren't begun at all", (unsigned long long)stats->unbegun);
	if (late > KEPT_MAX_LAG_US)
		ctl_warn("one in a hundred operations began %llu ms late, or not, as this machine is too slow or "
			 "devices are too few: take a lower rate or more devices", (unsigned long long)late / 1000);
	if (stats->icmp_errors)
		ctl_warn("%llu ICMP errors came back: does the home agent run?",
			 (unsigned long long)stats->icmp_errors);
	if (stats->unauthentic)
		ctl_warn("%llu messages weren't authentic: do key, spi and algorithm fit those of the home agent?",
			 (unsigned long long)stats->unauthentic);
}

/* ---- the loop ---- */

static void play(struct run *run)
{
	const struct sigaction action = { .sa_handler = on_signal };
	bool stopped = false;
	uint64_t next;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	while ((next = engine_next(run->engine)) && interrupts < 2) {
		net_wait(run->net, next);
		if (interrupts && !stopped) {
			stopped = true;
			engine_stop(run->engine, set_now(run));
		}
		engine_tick(run->engine, set_now(run));
	}
}

int run_command(struct args *a)
{
	struct run run = { .wall_ahead_us = clock_wall_ahead_us() };
	const struct net_handler handler = { on_datagram, on_icmp, &run };
	int rc = setup_read(a, false, &run.setup);

	if (rc)
		goto out;
	rc = CTL_KERNEL;
	run.net = net_new(&handler);
	if (!run.net) {
		ctl_err("cannot wait for sockets: %s", strerror(errno));
		goto out;
	}
	if (setup_sockets(&run.setup, run.net))
		goto out_net;
	run.engine = engine_new(&run.setup.load, set_now(&run), send_out, &run);
	if (!run.engine) {
		ctl_err("no memory for %u devices", run.setup.load.devices);
		goto out_net;
	}
	play(&run);
	print_stats(&run);
	warn(&run);
	rc = load_failed(engine_stats(run.engine)) ? LOAD_BAD : CTL_OK;
	engine_free(run.engine);
out_net:
	net_free(run.net);
out:
	setup_free(&run.setup);
	return rc;
}

static const struct command run_commands[] = {
	{ "", NULL, run_command, NULL },
	{ NULL, NULL, NULL, NULL },
};

const struct object run_object = { "run", run_help, run_commands, NULL };
