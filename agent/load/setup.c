// SPDX-License-Identifier: GPL-2.0-only
#include "load/setup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/key_file.h"

#define PMAS_MAX	1024
#define DEVICES_MAX	4000000

enum {
	K_HA, K_PMA, K_KEY, K_SPI, K_ALGORITHM, K_NAI, K_GRE_KEY, K_COMMON,
	K_STRANGER = K_COMMON, K_WAIT, K_ONLY, K_MALFORMED,
	K_MN_KEY = K_COMMON, K_MN_SPI, K_MN_ALGORITHM, K_DEVICES, K_RATE, K_DURATION, K_LIFETIME,
	K_ATTACH, K_RENEW, K_HANDOVER, K_DEREGISTER, K_REVOCATION, K_TRIES, K_CLOCK_ERROR, K_SEED, K_KEEP, K_RUN,
};

#define COMMON \
	[K_HA] = KEYWORD("ha", VAL_INET), \
	[K_PMA] = KEYWORD("pma", VAL_WORD), \
	[K_KEY] = KEYWORD("key", VAL_WORD), \
	[K_SPI] = KEYWORD("spi", VAL_U32, .min = 256), \
	[K_ALGORITHM] = KEYWORD("algorithm", VAL_WORD), \
	[K_NAI] = KEYWORD("nai", VAL_WORD), \
	[K_GRE_KEY] = KEYWORD("gre-key", VAL_NAME, .names = &onoff_names)

static const struct keyword run_keys[K_RUN] = {
	COMMON,
	[K_MN_KEY] = KEYWORD("mn-key", VAL_WORD),
	[K_MN_SPI] = KEYWORD("mn-spi", VAL_U32, .min = 256),
	[K_MN_ALGORITHM] = KEYWORD("mn-algorithm", VAL_WORD),
	[K_DEVICES] = KEYWORD("devices", VAL_U32, .min = 1, .max = DEVICES_MAX),
	[K_RATE] = KEYWORD("rate", VAL_U32, .min = 1, .max = 1000000),
	[K_DURATION] = KEYWORD("duration", VAL_TIME, .min = 1, .max = 7 * 86400),
	[K_LIFETIME] = KEYWORD("lifetime", VAL_TIME, .min = 1, .max = 65534, .special = "infinite",
			       .special_val = WIRE_LIFETIME_INFINITE),
	[K_ATTACH] = KEYWORD("attach", VAL_U32, .max = 1000),
	[K_RENEW] = KEYWORD("renew", VAL_U32, .max = 1000),
	[K_HANDOVER] = KEYWORD("handover", VAL_U32, .max = 1000),
	[K_DEREGISTER] = KEYWORD("deregister", VAL_U32, .max = 1000),
	[K_REVOCATION] = KEYWORD("revocation", VAL_NAME, .names = &onoff_names),
	[K_TRIES] = KEYWORD("tries", VAL_U32, .min = 1, .max = LOAD_TRIES_MAX),
	[K_CLOCK_ERROR] = KEYWORD("clock-error", VAL_TIME, .max = INT32_MAX),
	[K_SEED] = KEYWORD("seed", VAL_HEX64),
	[K_KEEP] = KEYWORD("keep", VAL_NONE),
};

static const struct keyword malformed_keys[K_MALFORMED] = {
	COMMON,
	[K_STRANGER] = KEYWORD("stranger", VAL_INET),
	[K_WAIT] = KEYWORD("wait", VAL_MSEC, .min = 1, .max = 60000),
	[K_ONLY] = KEYWORD("only", VAL_WORD),
};

static uint32_t number(const struct val *v, uint32_t otherwise)
{
	return v->key ? val_u32(v) : otherwise;
}

static bool onoff(const struct val *v, bool otherwise)
{
	return v->key ? v->data[0] : otherwise;
}

static struct in_addr inet(const struct val *v)
{
	struct in_addr addr = { 0 };

	if (v->key)
		memcpy(&addr, v->data, sizeof(addr));
	return addr;
}

/* ---- PMAs: ADDRESS[-LAST][,…] ---- */

static int pmas_wrong(const char *arg)
{
	return arg_wrong(arg, "pma must be addresses or ranges of them, as 192.0.2.10-192.0.2.13,192.0.2.20");
}

static int add_pmas(struct load_config *load, const char *arg, struct in_addr first, struct in_addr last)
{
	uint32_t from = ntohl(first.s_addr), to = ntohl(last.s_addr);
	struct load_pma *pmas;

	if (from > to)
		return pmas_wrong(arg);
	if (to - from >= PMAS_MAX - load->n_pmas)
		return arg_wrong(arg, "pma must be %d addresses at most", PMAS_MAX);
	pmas = realloc(load->pmas, (load->n_pmas + to - from + 1) * sizeof(*pmas));
	if (!pmas) {
		ctl_err("no memory");
		return CTL_KERNEL;
	}
	load->pmas = pmas;
	for (uint32_t i = 0; i <= to - from; i++)
		pmas[load->n_pmas++] = (struct load_pma){ .addr.s_addr = htonl(from + i) };
	return CTL_OK;
}

static int read_pmas(struct load_config *load, const char *arg)
{
	char *text = strdup(arg), *rest = text, *part;
	int rc = text ? CTL_OK : CTL_KERNEL;

	while (!rc && (part = strsep(&rest, ","))) {
		char *dash = strchr(part, '-');
		struct in_addr first, last;

		if (dash)
			*dash++ = '\0';
		if (inet_pton(AF_INET, part, &first) != 1 || inet_pton(AF_INET, dash ? dash : part, &last) != 1)
			rc = pmas_wrong(arg);
		else
			rc = add_pmas(load, arg, first, last);
	}
	free(text);
	return rc;
}

/* ---- keys ---- */

static int read_algorithm(const struct val *v, enum wire_alg *alg)
{
	*alg = WIRE_ALG_HMAC_SHA256;
	if (v->key && !wire_alg_parse(v->arg, alg))
		return arg_wrong(v->arg, "%s must be one of: hmac-sha-256, hmac-sha-1, hmac-md5, keyed-md5, "
				 "keyed-md5-rfc2002", v->key);
	if (!wire_alg_available(*alg))
		return arg_wrong(wire_alg_name(*alg),
				 "OpenSSL does not offer it here: take another, or look at its policy");
	return CTL_OK;
}

static int read_key(const char *path, struct wire_sa *sa)
{
	struct key_error error;

	if (key_file_read(path, sa, &error))
		return CTL_OK;
	return arg_wrong(path, "%s%s%s%s", error.text, *error.hint ? " (" : "", error.hint, *error.hint ? ")" : "");
}

/* %a in the file's name is the PMA's address. */
static int read_pma_key(const char *file, struct load_pma *pma)
{
	const char *at = strstr(file, "%a");
	char addr[INET_ADDRSTRLEN], path[512];
	int n;

	inet_ntop(AF_INET, &pma->addr, addr, sizeof(addr));
	if (at)
		n = snprintf(path, sizeof(path), "%.*s%s%s", (int)(at - file), file, addr, at + 2);
	else
		n = snprintf(path, sizeof(path), "%s", file);
	if (n >= (int)sizeof(path))
		return arg_wrong(file, "key: the name is too long");
	return read_key(path, &pma->sa);
}

static int read_pma_keys(struct load_config *load, const struct val *vals)
{
	struct wire_sa sa = { .spi = number(&vals[K_SPI], 0x100) };
	int rc = read_algorithm(&vals[K_ALGORITHM], &sa.alg);

	load->fha = vals[K_KEY].key;
	for (unsigned int i = 0; !rc && load->fha && i < load->n_pmas; i++) {
		load->pmas[i].sa = sa;
		rc = read_pma_key(vals[K_KEY].arg, &load->pmas[i]);
	}
	return rc;
}

static int read_mn_key(struct load_config *load, const struct val *vals)
{
	int rc;

	load->per_mn = vals[K_MN_KEY].key;
	if (!load->per_mn)
		return CTL_OK;
	load->mn.spi = number(&vals[K_MN_SPI], 0x100);
	rc = read_algorithm(&vals[K_MN_ALGORITHM], &load->mn.alg);
	return rc ? rc : read_key(vals[K_MN_KEY].arg, &load->mn);
}

/* ---- the rest ---- */

/* HEAD%dTAIL@REALM */
static int read_nai(struct setup *setup, const char *arg)
{
	const char *at = strrchr(arg, '@'), *number_at = strstr(arg, "%d");
	char nai[WIRE_NAI_MAX + 1];

	if (number_at)
		snprintf(nai, sizeof(nai), "%.*s0%s", (int)(number_at - arg), arg, number_at + 2);
	if (!number_at || !at || number_at > at || strchr(number_at + 1, '%') || !wire_nai_ok(nai) ||
	    strlen(arg) >= LOAD_NAI_PART)
		return arg_wrong(arg, "nai must be as load%%d@red.example, where %%d becomes the number of the device");
	snprintf(setup->load.nai_head, LOAD_NAI_PART, "%.*s", (int)(number_at - arg), arg);
	snprintf(setup->load.nai_tail, LOAD_NAI_PART, "%s", number_at + 2);
	snprintf(setup->realm, LOAD_NAI_PART, "%s", at + 1);
	return CTL_OK;
}

static int read_mix(struct load_config *load, const struct val *vals)
{
	static const unsigned int usual[LOAD_MIX] = { 10, 60, 20, 10 };
	bool said = false;
	unsigned int sum = 0;

	for (int i = 0; i < LOAD_MIX; i++)
		said |= !!vals[K_ATTACH + i].key;
	for (int i = 0; i < LOAD_MIX; i++) {
		load->mix[i] = said ? number(&vals[K_ATTACH + i], 0) : usual[i];
		sum += load->mix[i];
	}
	if (load->n_pmas < 2 && !said)
		load->mix[LOAD_HANDOVER] = 0;
	if (load->n_pmas < 2 && load->mix[LOAD_HANDOVER])
		return arg_wrong(vals[K_HANDOVER].arg, "handover: there is one pma only, and nowhere to go");
	if (!sum || !load->mix[LOAD_ATTACH])
		return arg_wrong(said && vals[K_ATTACH].key ? vals[K_ATTACH].arg : "0",
				 "attach must be 1..1000: the others happen to devices that have attached");
	return CTL_OK;
}

static int read_load(struct args *a, struct setup *setup, const struct val *vals)
{
	struct load_config *load = &setup->load;
	struct timespec now;
	uint64_t devices;
	int rc;

	if (!load->fha && !vals[K_MN_KEY].key)
		return arg_incomplete(a, "\"key FILE\" (of the PMAs) or \"mn-key FILE\" (of the devices) is missing");
	rc = read_mn_key(load, vals);
	if (!rc)
		rc = read_mix(load, vals);
	if (rc)
		return rc;
	devices = (uint64_t)number(&vals[K_DEVICES], 1000) * load->n_pmas;
	if (devices > DEVICES_MAX)
		return arg_wrong(vals[K_DEVICES].key ? vals[K_DEVICES].arg : "1000",
				 "devices: %u for each of %u PMAs are more than %d", number(&vals[K_DEVICES], 1000),
				 load->n_pmas, DEVICES_MAX);
	load->devices = devices;
	load->rate = number(&vals[K_RATE], 100);
	/* RFC 5944 s3.6 */
	if (load->rate > load->devices)
		return arg_wrong(vals[K_RATE].key ? vals[K_RATE].arg : "100",
				 "rate: %u devices make one request a second each: say devices %u, or more",
				 load->devices, (load->rate + load->n_pmas - 1) / load->n_pmas);
	load->duration_us = number(&vals[K_DURATION], 10) * 1000000ULL;
	load->lifetime = number(&vals[K_LIFETIME], 600);
	load->revocation = load->fha && onoff(&vals[K_REVOCATION], true);
	load->tries = number(&vals[K_TRIES], 5);
	load->clock_error_s = number(&vals[K_CLOCK_ERROR], 0);
	load->keep = vals[K_KEEP].key;
	if (vals[K_SEED].key) {
		memcpy(&load->seed, vals[K_SEED].data, sizeof(load->seed));
	} else {
		clock_gettime(CLOCK_REALTIME, &now);
		load->seed = now.tv_sec * 1000000000ULL + now.tv_nsec;
	}
	return CTL_OK;
}

static int read_malformed(struct args *a, struct setup *setup, const struct val *vals)
{
	if (!setup->load.fha)
		return arg_incomplete(a, "\"key FILE\", which the home agent shares with the PMA, is missing");
	setup->stranger = inet(&vals[K_STRANGER]);
	for (unsigned int i = 0; i < setup->load.n_pmas; i++)
		if (vals[K_STRANGER].key && setup->load.pmas[i].addr.s_addr == setup->stranger.s_addr)
			return arg_wrong(vals[K_STRANGER].arg, "stranger must be none of the PMAs");
	setup->wait_ms = number(&vals[K_WAIT], 500);
	setup->only = vals[K_ONLY].arg;
	return CTL_OK;
}

int setup_read(struct args *a, bool malformed, struct setup *setup)
{
	const struct keyword *keys = malformed ? malformed_keys : run_keys;
	struct val vals[K_RUN] = { 0 };
	int rc;

	*setup = (struct setup){ 0 };
	rc = arg_all(a, keys, malformed ? K_MALFORMED : K_RUN, vals);
	for (int i = 0; !rc && i < K_COMMON; i++)
		if ((i == K_HA || i == K_PMA || i == K_NAI) && !vals[i].key)
			rc = arg_incomplete(a, "\"%s\" is missing", keys[i].word);
	if (!rc)
		rc = read_pmas(&setup->load, vals[K_PMA].arg);
	if (!rc)
		rc = read_nai(setup, vals[K_NAI].arg);
	if (!rc)
		rc = read_pma_keys(&setup->load, vals);
	if (rc)
		return rc;
	setup->load.ha = inet(&vals[K_HA]);
	setup->load.gre_key = onoff(&vals[K_GRE_KEY], true);
	return malformed ? read_malformed(a, setup, vals) : read_load(a, setup, vals);
}

void setup_free(struct setup *setup)
{
	if (setup->load.pmas)
		explicit_bzero(setup->load.pmas, setup->load.n_pmas * sizeof(*setup->load.pmas));
	explicit_bzero(&setup->load.mn, sizeof(setup->load.mn));
	free(setup->load.pmas);
}

static int add_socket(struct net *net, struct in_addr addr)
{
	char text[INET_ADDRSTRLEN];
	int error;

	if (net_add(net, addr, WIRE_PORT))
		return CTL_OK;
	error = errno;
	inet_ntop(AF_INET, &addr, text, sizeof(text));
	ctl_err("cannot use %s, UDP port %d: %s%s", text, WIRE_PORT, strerror(error),
		error == EADDRNOTAVAIL ? " (no interface here has it: ip address add)" :
		error == EADDRINUSE ? " (an agent runs here: ss -ulpn sport = 434)" :
		error == EACCES ? " (it takes root, or CAP_NET_BIND_SERVICE)" :
		error == EMFILE ? " (ulimit -n)" : "");
	return CTL_KERNEL;
}

int setup_sockets(const struct setup *setup, struct net *net)
{
	int rc = CTL_OK;

	for (unsigned int i = 0; !rc && i < setup->load.n_pmas; i++)
		rc = add_socket(net, setup->load.pmas[i].addr);
	if (!rc && setup->stranger.s_addr)
		rc = add_socket(net, setup->stranger);
	return rc;
}
