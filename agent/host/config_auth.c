// SPDX-License-Identifier: GPL-2.0-only
/* Who may register, and by which keys: peer and mobile-node sections. */
#include "host/config_auth.h"
#include "host/key_file.h"
#include "host/log.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SPI_MIN		256	/* below, they are reserved: RFC 5944 s1.6 */
#define ALGORITHMS	"hmac-sha-256, hmac-sha-1, hmac-md5, keyed-md5 or keyed-md5-rfc2002"

/* ---- security associations ---- */

static void read_key(const struct section *sec, struct wire_sa *sa)
{
	struct key_error error;
	char path[256];

	if (!get_string(sec, "key-file", MUST, path, sizeof(path)))
		return;
	if (*path != '/')
		section_error(sec, "key-file", "begin with \"/\"", "not an absolute path: %s", path);
	else if (!key_file_read(path, sa, &error))
		section_error(sec, "key-file", *error.hint ? error.hint : NULL, "%s", error.text);
}

static void read_algorithm(const struct section *sec, struct wire_sa *sa)
{
	char name[32];

	sa->alg = WIRE_ALG_HMAC_SHA256;
	if (sa->spi == WIRE_SPI_CHAP) {
		sa->alg = WIRE_ALG_CHAP;
		if (item_get(sec, "algorithm", 0))
			section_error(sec, "algorithm", "remove it", "SPI %d says which it is", WIRE_SPI_CHAP);
	} else if (get_string(sec, "algorithm", MAY, name, sizeof(name)) && !wire_alg_parse(name, &sa->alg)) {
		section_error(sec, "algorithm", ALGORITHMS, "unknown: \"%s\"", name);
		return;
	}
	if (!wire_alg_available(sa->alg))
		section_error(sec, "algorithm", "take another, or look at the system's OpenSSL policy",
			      "OpenSSL does not offer %s here", wire_alg_name(sa->alg));
}

static bool parse_spi(const struct section *sec, bool aaa, uint64_t *n)
{
	const char *title = section_title(sec);

	/* RFC 4721 s9 gives it away of those that are reserved. */
	if (aaa && (!strcmp(title, "2") || !strcasecmp(title, "0x2"))) {
		*n = WIRE_SPI_CHAP;
		return true;
	}
	return parse_number(sec, NULL, sec->line, title, SPI_MIN, UINT32_MAX, n);
}

/* Sections of @kind ("spi" or "aaa") within @sec; their number. */
static unsigned int read_sas(struct config_text *text, const struct section *sec, const char *kind,
			     struct wire_sa sa[static CORE_SA_MAX])
{
	struct section sub;
	uint64_t n;

	for (unsigned int i = 0; section_open(text, sec, kind, i, &sub); i++) {
		if (i == CORE_SA_MAX) {
			section_error(&sub, NULL, NULL, "more than %d security associations", CORE_SA_MAX);
			return i;
		}
		if (parse_spi(&sub, !strcmp(kind, "aaa"), &n))
			sa[i].spi = n;
		read_algorithm(&sub, &sa[i]);
		read_key(&sub, &sa[i]);
		for (unsigned int j = 0; j < i; j++)
			if (sa[j].spi && sa[j].spi == sa[i].spi)
				section_error(&sub, NULL, "remove one of the two", "the same SPI twice");
	}
	return section_count(sec, kind);
}

/* ---- peers ---- */

/* An address, or ADDRESS/LENGTH for all of a range. */
static void read_peer_addr(const struct section *sec, struct core_peer *peer)
{
	char text[40], *slash;
	uint64_t plen;

	snprintf(text, sizeof(text), "%s", section_title(sec));
	slash = strchr(text, '/');
	if (!slash) {
		parse_addr(sec, NULL, sec->line, section_title(sec), &peer->addr);
		return;
	}
	*slash++ = '\0';
	if (inet_pton(AF_INET, text, &peer->addr) != 1) {
		section_error(sec, NULL, "as \"198.51.100.0/24\"", "not a range of IPv4 addresses");
		return;
	}
	if (!parse_number(sec, NULL, sec->line, slash, 0, 32, &plen))
		return;
	peer->host_bits = 32 - plen;
	if ((uint64_t)ntohl(peer->addr.s_addr) & ((1ULL << peer->host_bits) - 1))
		section_error(sec, NULL, "clear them", "bits are set that the prefix length leaves open");
}

static void read_networks(const struct section *sec, struct core_peer *peer)
{
	for (unsigned int i = 0; i < item_count(sec, "networks"); i++) {
		if (i == CORE_PEER_NETWORKS_MAX) {
			section_error(sec, "networks", NULL, "more than %d networks", CORE_PEER_NETWORKS_MAX);
			return;
		}
		snprintf(peer->networks[i], sizeof(peer->networks[i]), "%s", item_get(sec, "networks", i)->text);
		peer->n_networks++;
	}
}

static void check_networks(const struct section *sec, const struct core_config *core, const struct core_peer *peer)
{
	if (peer->n_networks && !core->ha)
		section_error(sec, "networks", "remove it, or set home-agent = true", "only a home agent asks for it");
	for (unsigned int i = 0; i < peer->n_networks; i++) {
		if (!network_by_name(core, peer->networks[i]))
			section_error(sec, "networks", "the name of a network section", "no network \"%s\"",
				      peer->networks[i]);
	}
}

void read_peer(struct config_text *text, const struct section *sec, struct core_peer *peer)
{
	static const char *const formats[] = { "rfc6245", "3gpp2" };
	static const char *const methods[] = { "fa-ha", "ipsec" };
	static const char *const withdrawals[] = { "revoke", "deregister" };
	unsigned int choice;

	read_peer_addr(sec, peer);
	peer->revocation = true;
	get_bool(sec, "per-node", &peer->proxy);
	get_bool(sec, "per-mn", &peer->per_mn);
	get_bool(sec, "gre-key", &peer->gre_key);
	if (get_choice(sec, "gre-key-format", "rfc6245 or 3gpp2", formats, 2, &choice))
		peer->gre_key_3gpp2 = choice;
	get_bool(sec, "revocation", &peer->revocation);
	if (get_choice(sec, "withdraw", "revoke or deregister", withdrawals, 2, &choice))
		peer->deregister = choice;
	if (get_choice(sec, "method", "fa-ha or ipsec", methods, 2, &choice))
		peer->ipsec = choice;
	read_networks(sec, peer);
	peer->n_sa = read_sas(text, sec, "spi", peer->sa);
	if (!peer->n_sa && !peer->ipsec && !peer->per_mn)
		section_error(sec, "spi", "spi 0x100 { key-file = \"/etc/mip4/keys/…\" }, or per-mn = true",
			      "no security association");
	else if (peer->proxy && !peer->n_sa && !peer->ipsec)
		section_error(sec, "per-node", "add its spi section, or remove it: per-mn will do for nodes' keys",
			      "nothing authenticates the peer's word for its devices");
}

static unsigned int first_with_keys(const struct config *config)
{
	unsigned int i = 0;

	while (i < config->core.n_mns && !config->mns[i].n_sa)
		i++;
	return i;
}

void check_peer(const struct section *sec, const struct config *config, unsigned int index)
{
	const struct core_config *core = &config->core;
	const struct core_peer *peer = &config->peers[index];

	check_networks(sec, core, peer);
	if (peer->host_bits && !core->ha)
		section_error(sec, NULL, "a section for each home agent", "a home agent is no range of addresses");
	if (peer->per_mn && first_with_keys(config) == core->n_mns)
		section_error(sec, "per-mn", "add mobile-node sections", "no mobile node has a key here");
	for (unsigned int i = 0; i < index; i++)
		if ((peer->addr.s_addr || peer->host_bits) && peer->addr.s_addr == config->peers[i].addr.s_addr &&
		    peer->host_bits == config->peers[i].host_bits)
			section_error(sec, NULL, "merge the two sections", "the same peer twice");
}

/* ---- mobile nodes ---- */

static void read_replay(const struct section *sec, const struct core_config *core, struct core_mn *mn)
{
	static const char *const styles[] = { "timestamp", "nonce" };
	unsigned int choice;

	if (!get_choice(sec, "replay", "timestamp or nonce", styles, 2, &choice))
		return;
	mn->nonce = choice;
	if (mn->nonce && !core->ha)
		section_error(sec, "replay", "RFC 5563 section 4.4", "proxy agents use timestamps");
	else if (mn->nonce && *section_title(sec) == '*')
		section_error(sec, "replay", "a section for each node", "all of a realm can't share a nonce");
}

void read_mobile_node(struct config_text *text, const struct section *sec, const struct core_config *core,
		      struct core_mn *mn)
{
	const char *nai = section_title(sec);

	if (strlen(nai) > WIRE_NAI_MAX || !wire_nai_ok(nai))
		section_error(sec, NULL, "\"user@realm\" or \"*@realm\"", "not an NAI");
	else if (strchr(nai, '*') && (strncmp(nai, "*@", 2) || strchr(nai + 1, '*')))
		section_error(sec, NULL, "\"user@realm\" or \"*@realm\"", "\"*\" can only be all before the \"@\"");
	else
		strcpy(mn->nai, nai);
	if (get_addr(sec, "home-address", MAY, &mn->home) && *nai == '*')
		section_error(sec, "home-address", "a section for each node", "all of a realm can't have one");
	read_replay(sec, core, mn);
	mn->n_sa = read_sas(text, sec, "spi", mn->sa);
	mn->n_aaa = read_sas(text, sec, "aaa", mn->aaa);
	if (!mn->n_sa && (!mn->home.s_addr || mn->n_aaa || mn->nonce))
		section_error(sec, "spi", "spi 0x100 { key-file = \"/etc/mip4/keys/…\" }",
			      "no security association with the home agent, which signs its replies by it");
	if (!core->ha && (mn->n_aaa || mn->home.s_addr))
		section_error(sec, mn->n_aaa ? "aaa" : "home-address", "remove it, or set home-agent = true",
			      "only a home agent uses it");
}

static bool is_in(const struct core_range *ranges, struct in_addr addr)
{
	for (; ranges->first.s_addr; ranges++)
		if (ntohl(addr.s_addr) >= ntohl(ranges->first.s_addr) &&
		    ntohl(addr.s_addr) <= ntohl(ranges->last.s_addr))
			return true;
	return false;
}

/* It is given as any other, only to nobody else. */
static void check_home(const struct section *sec, const struct config *config, const struct core_mn *mn)
{
	const struct core_network *net = mn->home.s_addr ? network_by_nai(&config->core, mn->nai) : NULL;

	if (net && !is_in(net->pool, mn->home) && !is_in(net->other_pool, mn->home))
		section_error(sec, "home-address", "an address of it", "not in the pool of network %s", net->name);
}

void check_mobile_node(const struct section *sec, const struct config *config, unsigned int index)
{
	const struct core_mn *mn = &config->mns[index];
	bool used = false;

	check_home(sec, config, mn);
	for (unsigned int i = 0; i < config->core.n_peers; i++)
		used |= config->peers[i].per_mn;
	if (!used && index == first_with_keys(config))
		section_error(sec, NULL, "per-mn = true in the peer sections that it may come by, or register with",
			      "no peer has to do with its keys");
	for (unsigned int i = 0; i < index; i++) {
		if (*mn->nai && nai_equal(mn->nai, config->mns[i].nai))
			section_error(sec, NULL, "merge the two sections", "the same mobile node twice");
		if (mn->home.s_addr && mn->home.s_addr == config->mns[i].home.s_addr)
			section_error(sec, "home-address", NULL, "%s has it already", config->mns[i].nai);
	}
}
