// SPDX-License-Identifier: GPL-2.0-only
/*
 * Authentication extensions and by whose keys they are made: FA-HA by those
 * of the peer (RFC 5944 s3.5.4), the mobile node's own by those of mn_auth.c.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "core/hash.h"
#include "core/reg.h"

/* ---- peers: single ones by hash, ranges from the narrowest on ---- */

static uint64_t addr_hash(struct in_addr addr)
{
	return hash_mix(addr.s_addr);
}

static bool covers(const struct core_peer *peer, struct in_addr addr)
{
	return !((uint64_t)(ntohl(addr.s_addr) ^ ntohl(peer->addr.s_addr)) >> peer->host_bits);
}

struct peer *peer_find(const struct core *core, struct in_addr addr)
{
	struct link *link = NULL;

	while ((link = table_next(&core->peer_table, link, addr_hash(addr)))) {
		struct peer *peer = container_of(link, struct peer, link);

		if (peer->cfg->addr.s_addr == addr.s_addr)
			return peer;
	}
	for (struct peer *peer = core->ranges; peer; peer = peer->next_range) {
		if (covers(peer->cfg, addr))
			return peer;
	}
	return NULL;
}

bool peers_init(struct core *core)
{
	core->peers = calloc(core->cfg->n_peers + 1, sizeof(*core->peers));
	if (!core->peers || !table_init(&core->peer_table))
		return false;
	for (unsigned int i = 0; i < core->cfg->n_peers; i++) {
		struct peer *peer = &core->peers[i], **p = &core->ranges;

		peer->cfg = &core->cfg->peers[i];
		revoke_turns_init(peer);
		if (!peer->cfg->n_sa && !peer->cfg->ipsec && !peer->cfg->per_mn)
			continue;
		if (!peer->cfg->host_bits) {
			table_add(&core->peer_table, &peer->link, addr_hash(peer->cfg->addr));
			continue;
		}
		while (*p && (*p)->cfg->host_bits <= peer->cfg->host_bits)
			p = &(*p)->next_range;
		peer->next_range = *p;
		*p = peer;
	}
	return true;
}

void peers_exit(struct core *core)
{
	table_exit(&core->peer_table);
	free(core->peers);
}

/* ---- extensions ---- */

enum auth auth_verify(const struct wire_msg *msg, const struct wire_ext *ext, const struct wire_sa *sa,
		      unsigned int n_sa, const struct wire_sa **by)
{
	if (!ext)
		return AUTH_MISSING;
	if (wire_count(msg, ext->type) > 1)	/* RFC 5944 s3.6.2.1, s3.8.2.1 c: exactly one */
		return AUTH_TWICE;
	for (unsigned int i = 0; i < n_sa; i++) {
		if (sa[i].spi != wire_auth_spi(ext))
			continue;
		if (!wire_auth_ok(msg, ext, &sa[i]))
			return AUTH_BAD;
		if (by)
			*by = &sa[i];
		return AUTH_OK;
	}
	return AUTH_SPI;
}

void auth_trim(struct wire_msg *msg, const struct wire_ext *last, bool keep_key)
{
	unsigned int n = last - msg->ext + 1;

	for (unsigned int i = n; i < msg->n_ext; i++) {
		if (keep_key && wire_is_gre_key(&msg->ext[i]))
			msg->ext[n++] = msg->ext[i];
	}
	msg->n_ext = n;
}

enum auth auth_check(const struct core_peer *peer, struct wire_msg *msg)
{
	const struct wire_ext *ext = wire_find(msg, WIRE_EXT_FHAE, 0);
	enum auth auth = auth_verify(msg, ext, peer->sa, peer->n_sa, NULL);

	/* RFC 5563 s4.3: ESP has covered all of it. */
	if (auth == AUTH_MISSING && peer->ipsec)
		return AUTH_OK;
	if (auth == AUTH_OK)
		auth_trim(msg, ext, false);
	return auth;
}

void peer_malformed(struct core *core, struct in_addr from, enum wire_error error)
{
	struct peer *peer = peer_find(core, from);
	char addr[INET_ADDRSTRLEN];

	if (peer && may_warn(core, &peer->malformed_warned_us, WARN_GAP_US))
		act_log(core, CORE_LOG_WARNING, "peer %s: discarded a message: %s", addr_text(from, addr),
			wire_error_name(error));
}

/* Both sides are silent towards each other then: only the log can tell the operator. */
static void warn(struct core *core, struct peer *peer, struct in_addr from, const struct wire_msg *msg,
		 enum auth result)
{
	const struct wire_ext *ext = wire_find(msg, WIRE_EXT_FHAE, 0);
	uint32_t spi = ext ? wire_auth_spi(ext) : 0;
	char addr[INET_ADDRSTRLEN];

	if (!may_warn(core, &peer->warned_us, WARN_GAP_US))	/* anybody can send in its name */
		return;
	addr_text(from, addr);
	if (result == AUTH_MISSING)
		act_log(core, CORE_LOG_WARNING, "peer %s: a message without authenticator (has it a spi?)", addr);
	else if (result == AUTH_TWICE)
		act_log(core, CORE_LOG_WARNING, "peer %s: more than one authenticator", addr);
	else if (result == AUTH_SPI)
		act_log(core, CORE_LOG_WARNING, "peer %s: signs by spi 0x%x, which its section here doesn't have",
			addr, spi);
	else
		act_log(core, CORE_LOG_WARNING, "peer %s: wrong authenticator (do key-file and algorithm of "
			"spi 0x%x differ from those at the peer?)", addr, spi);
}

void auth_count(struct core *core, struct peer *peer, struct in_addr from, const struct wire_msg *msg,
		enum auth result)
{
	switch (result) {
	case AUTH_OK:
		return;
	case AUTH_MISSING:
		core->count.drop_no_authentication++;
		break;
	case AUTH_SPI:
		core->count.drop_unknown_spi++;
		break;
	case AUTH_BAD:
	case AUTH_TWICE:
		core->count.drop_bad_authenticator++;
		break;
	}
	warn(core, peer, from, msg, result);
}

bool peer_authentic(struct core *core, const struct core_event *ev, struct wire_msg *msg, struct request *req)
{
	struct peer *peer = peer_find(core, ev->datagram.src);
	enum auth auth;

	if (!peer) {
		core->count.drop_unknown_peer++;
		return false;
	}
	if (!message_ok(core, ev->datagram.src, true))
		return false;
	auth = auth_check(peer->cfg, msg);
	auth_count(core, peer, ev->datagram.src, msg, auth);
	*req = (struct request){
		.src = ev->datagram.src,
		.dst = ev->datagram.dst,
		.sport = ev->datagram.sport,
		.peer = peer->cfg,
	};
	if (!wire_get_nai(msg, req->nai))
		req->nai[0] = '\0';
	return auth == AUTH_OK;
}

bool auth_shared(const struct core_peer *peer)
{
	return peer->n_sa || peer->ipsec;
}

bool auth_may_register(const struct core_peer *peer, const struct core_network *net)
{
	for (unsigned int i = 0; i < peer->n_networks; i++) {
		if (!strcmp(peer->networks[i], net->name))
			return true;
	}
	return !peer->n_networks;
}

bool auth_per_node(const struct core_peer *peer)
{
	return peer->proxy && auth_shared(peer);
}

bool auth_wants_fha(const struct core_config *cfg, const struct core_peer *peer, bool per_node, uint16_t lifetime)
{
	if (!peer->n_sa)
		return false;
	if (lifetime || cfg->fha_on_dereg == CORE_FHA_ALWAYS)
		return true;
	return per_node && cfg->fha_on_dereg == CORE_FHA_PMIP;
}

void peer_put_key(struct wire_out *out, const struct core_peer *peer, uint32_t key)
{
	if (peer->gre_key_3gpp2)
		wire_put_gre_key_3gpp2(out, key);
	else
		wire_put_gre_key(out, key);
}

void auth_sign(struct wire_out *out, const struct core_peer *peer)
{
	if (peer->n_sa)		/* none: IPsec does it */
		wire_put_auth(out, WIRE_EXT_FHAE, &peer->sa[0]);
}
