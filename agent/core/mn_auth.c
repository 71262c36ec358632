// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mobile nodes with keys of their own: MN-HA (RFC 5944 s3.2, s3.5.2) and MN-AAA
 * (RFC 4721 s6). At a PMA the same keys make RFC 5563's per-MN mode (s4.3): it
 * holds those of its devices and signs in their name.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/reg.h"

/* ---- by NAI, by home address ---- */

bool mns_init(struct core *core)
{
	core->mns = calloc(core->cfg->n_mns + 1, sizeof(*core->mns));
	if (!core->mns || !table_init(&core->mn_nais) || !table_init(&core->mn_homes))
		return false;
	for (unsigned int i = 0; i < core->cfg->n_mns; i++) {
		struct mn *mn = &core->mns[i], **p = &core->mn_realms;

		mn->cfg = &core->cfg->mns[i];
		if (nai_is_pattern(mn->cfg->nai)) {
			while (*p)
				p = &(*p)->next_realm;
			*p = mn;
			continue;
		}
		table_add(&core->mn_nais, &mn->by_nai, nai_hash(mn->cfg->nai, 0));
		if (mn->cfg->home.s_addr)
			table_add(&core->mn_homes, &mn->by_home, hash_mix(mn->cfg->home.s_addr));
	}
	return true;
}

void mns_exit(struct core *core)
{
	table_exit(&core->mn_nais);
	table_exit(&core->mn_homes);
	free(core->mns);
}

/* Its own section, with keys or without; NULL: it has none. */
static struct mn *mn_exact(const struct core *core, const char *nai)
{
	struct link *link = NULL;

	while ((link = table_next(&core->mn_nais, link, nai_hash(nai, 0)))) {
		struct mn *mn = container_of(link, struct mn, by_nai);

		if (nai_equal(mn->cfg->nai, nai))
			return mn;
	}
	return NULL;
}

struct mn *mn_by_nai(const struct core *core, const char *nai)
{
	struct mn *exact = mn_exact(core, nai);

	if (exact && exact->cfg->n_sa)
		return exact;
	for (struct mn *mn = core->mn_realms; mn; mn = mn->next_realm) {
		if (nai_matches(mn->cfg->nai, nai))
			return mn;
	}
	return NULL;
}

static struct mn *mn_by_home(const struct core *core, struct in_addr home)
{
	struct link *link = NULL;

	while ((link = table_next(&core->mn_homes, link, hash_mix(home.s_addr)))) {
		struct mn *mn = container_of(link, struct mn, by_home);

		if (mn->cfg->home.s_addr == home.s_addr)
			return mn;
	}
	return NULL;
}

struct in_addr mn_home(const struct core *core, const char *nai)
{
	const struct mn *mn = mn_exact(core, nai);

	return mn ? mn->cfg->home : (struct in_addr){ 0 };
}

bool mn_keeps(const struct core *core, const struct core_network *net, struct in_addr home, const char *nai)
{
	const struct mn *mn = mn_by_home(core, home);
	const struct core_network *its;

	if (!mn || nai_equal(mn->cfg->nai, nai))
		return false;
	its = network_by_nai(core->cfg, mn->cfg->nai);
	return its && its->realm == net->realm;
}

/* ---- complaints ---- */

static void warn(struct core *core, struct mn *mn, const char *nai, struct in_addr from, const struct wire_ext *ext,
		 enum auth result)
{
	const char *section = ext->type == WIRE_EXT_GAE ? "aaa" : "spi";
	char addr[INET_ADDRSTRLEN];

	if (!may_warn(core, &mn->warned_us, WARN_GAP_US))	/* anybody can send in its name */
		return;
	addr_text(from, addr);
	if (result == AUTH_SPI)
		act_log(core, CORE_LOG_WARNING, "%s by %s: signed by %s 0x%x, which its section here doesn't have",
			nai, addr, section, wire_auth_spi(ext));
	else
		act_log(core, CORE_LOG_WARNING, "%s by %s: wrong authenticator of %s 0x%x (do the keys differ?)",
			nai, addr, section, wire_auth_spi(ext));
}

void mn_auth_count(struct core *core, struct mn *mn, const char *nai, struct in_addr from,
		   const struct wire_ext *ext, enum auth result)
{
	struct core_counters *count = &core->count;
	bool aaa;

	if (result == AUTH_OK)
		return;
	if (result == AUTH_MISSING) {
		count->drop_no_authentication++;
		return;
	}
	aaa = ext->type == WIRE_EXT_GAE;
	if (result == AUTH_SPI)
		++*(aaa ? &count->drop_aaa_unknown_spi : &count->drop_mn_unknown_spi);
	else
		++*(aaa ? &count->drop_aaa_bad_authenticator : &count->drop_mn_bad_authenticator);
	if (result != AUTH_TWICE)
		warn(core, mn, nai, from, ext, result);
}

/* ---- a home agent's side: steps 3 to 5 of protocol/security.md s5 ---- */

/* What a request has to show, and what it is worth. */
struct proof {
	const struct wire_ext *pmip, *nai, *fha, *mha, *aaa;
	struct mn *mn;
};

/* At most one answer a second to what isn't authentic, for anybody can make us say it. */
static void deny_unauthentic(struct core *core, struct peer *peer, const struct request *req, uint8_t code)
{
	if (peer->denied_us && core->now->mono_us - peer->denied_us < SECOND)
		return;
	peer->denied_us = core->now->mono_us;
	ha_deny(core, req, NULL, code);
}

/* Once a minute for all of them, as a log is easily filled; the counters have each. */
static void warn_stranger(struct core *core, const struct request *req, const char *why)
{
	char addr[INET_ADDRSTRLEN];

	if (!may_warn(core, &core->stranger_warned_us, WARN_GAP_US))
		return;
	act_log(core, CORE_LOG_WARNING, "%s by %s: %s", req->nai[0] ? req->nai : "(no NAI)",
		addr_text(req->src, addr), why);
}

/* Step 3: is there anything that authorises, and somebody who could have made it? */
static bool has_authority(struct core *core, struct peer *peer, const struct wire_msg *msg,
			  struct request *req, struct proof *p)
{
	p->pmip = NULL;
	for (unsigned int i = 0; i < msg->n_ext && !p->pmip; i++)
		p->pmip = msg->ext[i].type == WIRE_EXT_PMIP ? &msg->ext[i] : NULL;
	p->nai = wire_find(msg, WIRE_EXT_NAI, 0);
	p->fha = wire_find(msg, WIRE_EXT_FHAE, 0);
	p->mha = wire_find(msg, WIRE_EXT_MHAE, 0);
	p->aaa = wire_find(msg, WIRE_EXT_GAE, WIRE_GAE_MN_AAA);
	req->per_node = p->pmip;

	/* RFC 5944 s3.8.2.1 c: nothing to verify it by. */
	if (p->fha && !peer->cfg->n_sa) {
		core->count.drop_fha_unshared++;
		warn_stranger(core, req, "FA-HA authentication, but its peer section has no spi");
		return false;
	}
	/* RFC 5563 s5.1: 47 makes the FA-HA extension or IPsec authorise. */
	if (!p->mha && !p->aaa &&
	    !(p->pmip && (p->fha || !auth_wants_fha(core->cfg, peer->cfg, true, req->rrq.lifetime)) &&
	      auth_shared(peer->cfg))) {
		core->count.drop_no_authentication++;
		return false;
	}
	if (!p->mha && !p->aaa)
		return true;
	p->mn = p->nai ? mn_by_nai(core, req->nai) : mn_by_home(core, req->rrq.home);
	/* RFC 5944 s3.8.2.1 a: no key, no word. */
	if (!p->mn || !p->mn->cfg->n_sa) {
		core->count.drop_unknown_mn++;
		warn_stranger(core, req, "signed by a key of its own, but no mobile-node section has it");
		return false;
	}
	if (!p->nai)
		strcpy(req->nai, p->mn->cfg->nai);
	return true;
}

/* Steps 4 and 5: the agent's first, so that a stranger has us compute no more than that. */
static bool verified(struct core *core, struct peer *peer, const struct wire_msg *msg,
		     struct request *req, struct proof *p)
{
	bool fha_wanted = auth_wants_fha(core->cfg, peer->cfg, req->per_node, req->rrq.lifetime);
	enum auth fha = auth_verify(msg, p->fha, peer->cfg->sa, peer->cfg->n_sa, NULL), mha, aaa;
	uint8_t code = 0;

	req->fha = fha == AUTH_OK;
	if (!req->fha && (fha != AUTH_MISSING || fha_wanted)) {
		auth_count(core, peer, req->src, msg, fha);
		deny_unauthentic(core, peer, req, WIRE_CODE_HA_FA_AUTH);
		return false;
	}
	if (!p->mn)
		return true;
	mha = auth_verify(msg, p->mha, p->mn->cfg->sa, p->mn->cfg->n_sa, NULL);
	aaa = auth_verify(msg, p->aaa, p->mn->cfg->aaa, p->mn->cfg->n_aaa, NULL);
	if (p->aaa && aaa != AUTH_OK) {
		mn_auth_count(core, p->mn, req->nai, req->src, p->aaa, aaa);
		code = WIRE_CODE_HA_AAA_AUTH;
	}
	if (p->mha && mha != AUTH_OK) {
		mn_auth_count(core, p->mn, req->nai, req->src, p->mha, mha);
		code = WIRE_CODE_HA_MN_AUTH;
	}
	if (!code)
		return true;
	/* RFC 5944 s3.8.2.1 a: a must behind an agent that we know. */
	if (req->fha)
		ha_deny(core, req, NULL, code);
	else
		deny_unauthentic(core, peer, req, code);
	return false;
}

static const struct wire_ext *later(const struct wire_ext *a, const struct wire_ext *b)
{
	if (!a || !b)
		return a ? a : b;
	return b > a ? b : a;
}

/*
 * What each kind of authority speaks for stands before it (RFC 2794 s2, RFC
 * 5563 s5); also that it is per node, which decides who signs the answer.
 */
static bool in_order(const struct request *req, const struct proof *p)
{
	const struct wire_ext *mine = p->mha ? p->mha : p->aaa;
	const struct wire_ext *cover = p->fha ? p->fha : later(p->mha, p->aaa);

	if (req->per_node && cover && p->pmip > cover && !req->peer->ipsec)
		return false;
	return !mine || !p->nai || p->nai < mine;
}

/* As it says: a device that is registered, or one that wants to be no longer. */
static bool is_served(const struct core *core, const struct request *req)
{
	const struct reg *reg = ha_reg_of(core, req);

	return !req->rrq.lifetime || (reg && !reg->pub.rec.tombstone);
}

bool ha_authenticate(struct core *core, struct wire_msg *msg, struct request *req)
{
	struct peer *peer = peer_find(core, req->src);
	const struct wire_ext *last, *challenge;
	struct proof p = { 0 };
	bool per_node;

	if (!peer) {
		core->count.drop_unknown_peer++;
		warn_stranger(core, req, "a request, but no peer section is for that address");
		return false;
	}
	req->peer = peer->cfg;
	/* RFC 5944 s3.7.2.2; NAT is RFC 3519's business. */
	if (msg->rrq.coa.s_addr != req->src.s_addr) {
		core->count.drop_wrong_source++;
		return false;
	}
	if (!has_authority(core, peer, msg, req, &p) || !message_ok(core, req->src, is_served(core, req)))
		return false;
	req->echo_nai = p.nai && req->nai[0];
	if (p.mn) {
		req->mn = p.mn;
		req->by_aaa = !p.mha;
		/* RFC 5944 s3.8.2.1 a: by a key that it is likely to have. */
		req->mn_sa = &p.mn->cfg->sa[0];
		for (unsigned int i = 0; p.mha && i < p.mn->cfg->n_sa; i++) {
			if (p.mn->cfg->sa[i].spi == wire_auth_spi(p.mha))
				req->mn_sa = &p.mn->cfg->sa[i];
		}
	}
	if (!verified(core, peer, msg, req, &p))
		return false;
	if (!in_order(req, &p)) {
		core->count.drop_no_authentication++;
		return false;
	}
	/* RFC 4721 s3.4: who asked with a challenge gets it back. */
	challenge = p.aaa ? wire_find(msg, WIRE_EXT_CHALLENGE, 0) : NULL;
	if (challenge && challenge < p.aaa) {
		req->challenge_len = challenge->len;
		memcpy(req->challenge, challenge->data, challenge->len);
	}
	per_node = req->per_node;
	last = later(later(p.mha, p.aaa), p.fha);
	/*
	 * What isn't covered doesn't count; ESP covers all of it. But ext. 48
	 * stands behind the node's authenticators (RFC 6245 s4.1), where
	 * without a key of the agent nothing can cover it.
	 */
	if (last && !peer->cfg->ipsec)
		auth_trim(msg, last, !per_node && !peer->cfg->n_sa);
	req->pmip = per_node || wire_count(msg, WIRE_EXT_PMIP_SKIP);
	return true;
}

/* ---- a PMA's side ---- */

bool pma_can_sign(const struct core *core, const struct peer *ha, const char *nai)
{
	/* A range is of agents that register here. */
	return !ha->cfg->host_bits && (auth_shared(ha->cfg) || pma_mn(core, ha, nai));
}

struct mn *pma_mn(const struct core *core, const struct peer *ha, const char *nai)
{
	return ha->cfg->per_mn ? mn_by_nai(core, nai) : NULL;
}

/* RFC 5944 s3.6.2.1 and s3.7.3.1, and by who authenticates. */
bool pma_authenticate(struct core *core, struct peer *peer, struct mn *mn, const char *nai, uint16_t lifetime,
		      struct in_addr from, struct wire_msg *msg)
{
	const struct wire_ext *fha = wire_find(msg, WIRE_EXT_FHAE, 0), *mha = wire_find(msg, WIRE_EXT_MHAE, 0);
	const struct wire_ext *last = NULL;
	enum auth auth;

	if (mn) {
		auth = auth_verify(msg, mha, mn->cfg->sa, mn->cfg->n_sa, NULL);
		mn_auth_count(core, mn, nai, from, mha, auth);
		if (auth != AUTH_OK)
			return false;
		last = mha;
		if (!peer->cfg->n_sa)	/* nothing to verify it by, and no need */
			fha = NULL;
	}
	if (fha || auth_wants_fha(core->cfg, peer->cfg, !mn, lifetime)) {
		auth = auth_verify(msg, fha, peer->cfg->sa, peer->cfg->n_sa, NULL);
		auth_count(core, peer, from, msg, auth);
		if (auth != AUTH_OK)
			return false;
		last = later(last, fha);
	}
	if (last && !peer->cfg->ipsec)
		auth_trim(msg, last, !peer->cfg->n_sa);
	if (last || peer->cfg->ipsec)
		peer->replied_us = core->now->mono_us;
	return true;
}
