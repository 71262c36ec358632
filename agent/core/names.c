// SPDX-License-Identifier: GPL-2.0-only
/* Names: NAIs, networks and identities by rule, states and triggers as text. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/reg.h"

/* The realm with its '@'; the end of the string if there is none. RFC 4282 s2.1. */
static const char *nai_realm(const char *nai)
{
	const char *at = strrchr(nai, '@');

	return at ? at : nai + strlen(nai);
}

bool nai_equal(const char *a, const char *b)
{
	const char *ra = nai_realm(a), *rb = nai_realm(b);

	return ra - a == rb - b && !memcmp(a, b, ra - a) && !strcasecmp(ra, rb);
}

/* FNV-1a with a finish that spreads the seed; not for secrets. */
uint64_t nai_hash(const char *nai, uint64_t seed)
{
	const char *realm = nai_realm(nai);
	uint64_t h = 0xcbf29ce484222325ULL ^ seed;

	for (const char *p = nai; *p; p++) {
		uint8_t c = *p;

		if (p >= realm && c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		h = (h ^ c) * 0x100000001b3ULL;
		h ^= h >> 29;
	}
	h *= 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

bool nai_is_pattern(const char *nai)
{
	return !strncmp(nai, "*@", 2);
}

bool nai_matches(const char *pattern, const char *nai)
{
	if (nai_is_pattern(pattern))
		return !strcasecmp(pattern + 1, nai_realm(nai));
	return nai_equal(pattern, nai);
}

const struct core_network *network_by_nai(const struct core_config *cfg, const char *nai)
{
	for (unsigned int i = 0; i < cfg->n_networks; i++) {
		if (nai_matches(cfg->networks[i].nai, nai))
			return &cfg->networks[i];
	}
	return NULL;
}

const struct core_network *network_by_name(const struct core_config *cfg, const char *name)
{
	for (unsigned int i = 0; i < cfg->n_networks; i++) {
		if (!strcmp(cfg->networks[i].name, name))
			return &cfg->networks[i];
	}
	return NULL;
}

static bool expand(const char *rule, const uint8_t mac[6], char nai[static WIRE_NAI_MAX + 1])
{
	size_t len = 0;

	for (const char *p = rule; *p; p++) {
		char word[18] = { *p };
		const char *sep;

		if (*p == '%' && (p[1] == 'm' || p[1] == 'M')) {
			sep = *++p == 'M' ? ":" : "";
			snprintf(word, sizeof(word), "%02x%s%02x%s%02x%s%02x%s%02x%s%02x",
				 mac[0], sep, mac[1], sep, mac[2], sep, mac[3], sep, mac[4], sep, mac[5]);
		} else if (*p == '%' && p[1] == '%') {
			p++;
		}
		if (len + strlen(word) > WIRE_NAI_MAX)
			return false;
		strcpy(nai + len, word);
		len += strlen(word);
	}
	return len > 0;
}

bool identity_nai(const struct core_config *cfg, const uint8_t mac[6], char nai[static WIRE_NAI_MAX + 1])
{
	for (unsigned int i = 0; i < cfg->n_identities; i++) {
		const struct core_identity *rule = &cfg->identities[i];
		unsigned int diff = 0;

		for (int b = 0; b < 6; b++)
			diff |= (mac[b] ^ rule->mac[b]) & rule->mask[b];
		if (!diff)
			return expand(rule->nai, mac, nai);
	}
	return false;
}

bool network_is_ours(const struct core_config *cfg, const struct core_network *net)
{
	for (unsigned int i = 0; cfg->pma && i < cfg->n_peers; i++) {
		if (cfg->peers[i].addr.s_addr == net->ha.s_addr)
			return false;
	}
	return cfg->ha;
}

struct in_addr network_broadcast(const struct core_network *net)
{
	uint32_t mask = net->plen ? UINT32_MAX << (32 - net->plen) : 0;

	return (struct in_addr){ net->plen < 31 ? net->gateway.s_addr | htonl(~mask) : 0 };
}

const struct core_network *network_by_broadcast(const struct core_config *cfg, struct in_addr addr)
{
	for (unsigned int i = 0; cfg->ha && i < cfg->n_networks; i++) {
		if (network_broadcast(&cfg->networks[i]).s_addr == addr.s_addr &&
		    network_is_ours(cfg, &cfg->networks[i]))
			return &cfg->networks[i];
	}
	return NULL;
}

bool network_has_host(const struct core_network *net, struct in_addr addr)
{
	uint32_t mask = net->plen ? UINT32_MAX << (32 - net->plen) : 0;
	uint32_t a = ntohl(addr.s_addr), gw = ntohl(net->gateway.s_addr);

	if (!a || a == UINT32_MAX || a == gw || (a & mask) != (gw & mask))
		return false;
	/* RFC 3021: a /31 has neither network nor broadcast address. */
	return net->plen >= 31 || ((a & ~mask) && (a | mask) != UINT32_MAX);
}

void text_copy(char *to, size_t size, const char *from)
{
	size_t len = from ? strnlen(from, size - 1) : 0;

	memset(to, 0, size);
	if (len)
		memcpy(to, from, len);
}

const char *core_state_name(enum core_state state)
{
	static const char *const names[CORE_STATE_MAX] = {
		[CORE_IDLE] = "idle",
		[CORE_WAIT_REG] = "wait-reg",
		[CORE_BINDING] = "binding",
		[CORE_BOUND] = "bound",
		[CORE_REFRESH] = "refresh",
		[CORE_AWAY] = "away",
		[CORE_DEREG] = "dereg",
		[CORE_REVOKING] = "revoking",
		[CORE_TENTATIVE] = "tentative",
	};

	return (unsigned int)state < CORE_STATE_MAX ? names[state] : "unknown";
}

const char *core_trigger_name(enum core_trigger trigger)
{
#define TRIGGER_NAME(n, s) [CORE_TRIGGER_##n] = s,
	static const char *const names[CORE_TRIGGER_MAX] = { CORE_TRIGGERS(TRIGGER_NAME) };

	return (unsigned int)trigger < CORE_TRIGGER_MAX ? names[trigger] : "unknown";
}

const char *core_auth_name(enum core_auth auth)
{
#define AUTH_NAME(n, s) [CORE_AUTH_##n] = s,
	static const char *const names[CORE_AUTH_MAX] = { CORE_AUTHS(AUTH_NAME) };

	return (unsigned int)auth < CORE_AUTH_MAX ? names[auth] : "unknown";
}
