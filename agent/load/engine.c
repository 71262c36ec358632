// SPDX-License-Identifier: GPL-2.0-only
/* What the PMAs say and hear. */
#include "load/state.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESYNCS		2		/* of one operation: the second one for who was overtaken meanwhile */
#define ID_GRAIN	0xfffULL	/* of 2^-32 s: what a microsecond doesn't tell */

static void nai_of(const struct engine *e, const struct device *d, char nai[static WIRE_NAI_MAX + 1])
{
	snprintf(nai, WIRE_NAI_MAX + 1, "%s%u%s", e->cfg->nai_head, (unsigned int)(d - e->device), e->cfg->nai_tail);
}

/* ---- requests ---- */

static void forget_id(struct engine *e, struct device *d)
{
	uint32_t *p = &e->asked[(uint32_t)d->last_id & e->asked_mask], self = d - e->device;

	while (*p != self)
		p = &e->device[*p].next_asked;
	*p = d->next_asked;
}

static void note_id(struct engine *e, struct device *d, uint64_t id)
{
	uint32_t *bucket = &e->asked[(uint32_t)id & e->asked_mask];

	d->last_id = id;
	d->next_asked = *bucket;
	*bucket = d - e->device;
}

static uint64_t pma_clock(const struct engine *e, unsigned int pma)
{
	return e->now->ntp + ((uint64_t)((uint32_t)e->cfg->clock_error_s + e->offset_s[pma]) << 32);
}

/* Later than all before (RFC 5944 s5.7.1), and no two alike where replies are told apart by the low half. */
static uint64_t new_id(struct engine *e, const struct device *d)
{
	uint64_t id = (pma_clock(e, d->to) & ~ID_GRAIN) | (e->ids++ & ID_GRAIN);

	return d->last_id && (int64_t)(id - d->last_id) <= 0 ? d->last_id + 1 : id;
}

static void request_of(const struct engine *e, const struct device *d, struct load_request *req,
		       char nai[static WIRE_NAI_MAX + 1], uint8_t mac[static 6])
{
	const struct load_config *cfg = e->cfg;
	uint32_t number = htonl(d - e->device);

	nai_of(e, d, nai);
	mac[0] = 2;
	mac[1] = 'L';
	memcpy(mac + 2, &number, sizeof(number));
	*req = (struct load_request){
		.f = {
			.flags = WIRE_RRQ_T | (cfg->gre_key ? WIRE_RRQ_G : 0),
			.lifetime = d->op == LOAD_DEREGISTER || d->op == LOAD_LEAVE ? 0 : cfg->lifetime,
			.ha = cfg->ha,
			.coa = cfg->pmas[d->to].addr,
			.id = d->last_id,
		},
		.nai = nai,
		.method = cfg->per_mn ? -1 : WIRE_PMIP_FHA,
		.mac = mac,
		.mn = cfg->per_mn ? &cfg->mn : NULL,
		.keyed = cfg->gre_key,
		.key = d->new_key,
		.fha = cfg->fha ? &cfg->pmas[d->to].sa : NULL,
	};
	/*
	 * RFC 5563 s4.1.2, s4.1.3: the assigned address in renewals; 0 in handovers, which the HA answers by the bound
	 * one. So it does to a check, which thereby shows whether it remembers.
	 */
	if (d->op == LOAD_RENEW || d->op == LOAD_DEREGISTER || d->op == LOAD_LEAVE)
		req->f.home = d->home;
	req->revsup = cfg->revocation && req->f.lifetime;
	if (req->mn && !req->f.lifetime)	/* RFC 5944 s3.5.4 */
		req->fha = NULL;
}

void load_send(struct engine *e, struct device *d)
{
	struct wire_out out = { .len = 0 };
	char nai[WIRE_NAI_MAX + 1];
	struct load_request req;
	uint8_t mac[6];

	if (d->tries)
		forget_id(e, d);
	note_id(e, d, new_id(e, d));
	request_of(e, d, &req, nai, mac);
	load_request_build(&out, &req);
	load_wait(e, d, d->tries++);
	e->stats.sent++;
	e->send(e->arg, d->to, WIRE_PORT, &out);
}

void load_begin(struct engine *e, struct device *d, enum load_op op, uint64_t due_us)
{
	load_leave_ready(e, d);
	d->op = op;
	d->due_us = due_us;
	d->busy = true;
	d->tries = d->resyncs = 0;
	d->to = d->pma;
	if (op == LOAD_ATTACH)
		d->to = load_draw(e, e->cfg->n_pmas);
	else if (op == LOAD_HANDOVER)
		d->to = (d->pma + 1 + load_draw(e, e->cfg->n_pmas - 1)) % e->cfg->n_pmas;
	/* A new registration, a new key: by it the HA knows a late refresh of the PMA that was left. */
	d->new_key = op == LOAD_ATTACH || op == LOAD_HANDOVER ? ++e->next_key : d->key;
	e->n_busy++;
	e->stats.op[op].n++;
	if (op < LOAD_MIX)
		hist_add(&e->stats.lag, e->now->us - due_us);
	load_send(e, d);
}

static void end(struct engine *e, struct device *d)
{
	forget_id(e, d);
	d->busy = false;
	e->n_busy--;
}

/* ---- what was acknowledged and isn't so ---- */

void load_lose(struct engine *e, const struct device *d, uint64_t *counter, const char *how)
{
	char nai[WIRE_NAI_MAX + 1], home[INET_ADDRSTRLEN];

	++*counter;
	if (*e->stats.lost_first)
		return;
	nai_of(e, d, nai);
	inet_ntop(AF_INET, &d->home, home, sizeof(home));
	snprintf(e->stats.lost_first, sizeof(e->stats.lost_first), "%s had %s: %s", nai, home, how);
}

void load_unanswered(struct engine *e, struct device *d)
{
	struct load_op_stats *op = &e->stats.op[d->op];

	op->timed_out++;
	e->stats.timed_out++;
	end(e, d);
	if (d->op == LOAD_CHECK && d->bound && !load_has_expired(e, d))
		load_lose(e, d, &e->stats.lost_silent, "nothing answers for it any more");
	/* Nobody knows whether the HA has heard it: nothing is acknowledged that could be lost. */
	if (d->op == LOAD_DEREGISTER || d->op == LOAD_CHECK)
		load_set_bound(e, d, false);
}

/* ---- replies ---- */

static struct device *asked_by(const struct engine *e, unsigned int pma, const struct wire_msg *msg)
{
	char nai[WIRE_NAI_MAX + 1], own[WIRE_NAI_MAX + 1];
	bool named = wire_get_nai(msg, nai);
	uint32_t i;

	for (i = e->asked[(uint32_t)msg->rrp.id & e->asked_mask]; i != NONE; i = e->device[i].next_asked) {
		struct device *d = &e->device[i];

		if ((uint32_t)d->last_id != (uint32_t)msg->rrp.id || d->to != pma)
			continue;
		nai_of(e, d, own);
		if (!named || !strcasecmp(nai, own))
			return d;
	}
	return NULL;
}

static void count_faults(struct engine *e, unsigned int faults)
{
	e->stats.no_nai += !!(faults & REPLY_NO_NAI);
	e->stats.no_method += !!(faults & REPLY_NO_METHOD);
	e->stats.lifetime_raised += !!(faults & REPLY_LIFETIME);
	e->stats.bad_identification += !!(faults & REPLY_IDENTIFICATION);
}

static void accepted(struct engine *e, struct device *d, const struct wire_msg *msg)
{
	const struct wire_rrp *rrp = &msg->rrp;
	bool was_bound = d->bound && !load_has_expired(e, d);
	uint32_t stamp = 0;
	uint16_t flags;

	d->accepted_id = d->last_id;
	if (d->op == LOAD_DEREGISTER || d->op == LOAD_LEAVE) {
		d->left_stamp = 0;
		load_set_bound(e, d, false);
		return;
	}
	if (d->op != LOAD_ATTACH && was_bound && rrp->home.s_addr != d->home.s_addr)
		load_lose(e, d, &e->stats.lost_moved, "another address is bound now");
	if (d->op == LOAD_CHECK) {
		e->stats.checked++;
		d->checked = true;
	}
	/* RFC 3543 s4.2.1: on if both have said so. */
	if (e->cfg->revocation)
		wire_get_revsup(msg, &flags, &stamp);
	if (d->to != d->pma) {
		d->left = d->pma;
		d->left_stamp = d->bound ? d->stamp : 0;
		d->pma = d->to;
	}
	d->stamp = stamp;
	d->home = rrp->home;
	d->key = d->new_key;
	d->expires_us = rrp->lifetime == WIRE_LIFETIME_INFINITE ? 0 : e->now->us + rrp->lifetime * SECOND;
	load_set_bound(e, d, true);
}

/* RFC 5944 s5.7.1: the HA's time, in seconds. False: enough of that. */
static bool resynchronise(struct engine *e, struct device *d, const struct wire_rrp *rrp)
{
	uint32_t ours = pma_clock(e, d->to) >> 32;

	if (d->resyncs++ >= RESYNCS || d->tries >= e->cfg->tries)
		return false;
	e->offset_s[d->to] += (uint32_t)(rrp->id >> 32) - ours;
	/* What was refused doesn't count: by the HA's clock it may be far ahead. */
	forget_id(e, d);
	note_id(e, d, d->accepted_id);
	e->stats.resynchronised++;
	load_wait_again(e, d);
	return true;
}

static void reply(struct engine *e, unsigned int pma, const struct wire_msg *msg)
{
	struct device *d = asked_by(e, pma, msg);
	char nai[WIRE_NAI_MAX + 1];
	struct load_op_stats *op;
	struct load_request req;
	uint8_t mac[6];

	if (!d) {
		e->stats.late++;
		return;
	}
	request_of(e, d, &req, nai, mac);
	if (!load_reply_authentic(msg, &req)) {
		e->stats.unauthentic++;
		return;
	}
	e->stats.code[msg->rrp.code]++;
	count_faults(e, load_reply_faults(msg, &req));
	if (msg->rrp.code == WIRE_CODE_HA_ID_MISMATCH && resynchronise(e, d, &msg->rrp))
		return;

	op = &e->stats.op[d->op];
	hist_add(&op->time, e->now->us - d->due_us);
	end(e, d);
	if (d->tries > 1)	/* it has waited for longer than a second; another one it shall */
		load_wait_again(e, d);
	if (msg->rrp.code <= WIRE_CODE_ACCEPTED_NO_SIMULTANEOUS) {
		op->accepted++;
		accepted(e, d, msg);
		return;
	}
	op->denied++;
	if (d->op == LOAD_CHECK && d->bound && !load_has_expired(e, d)) {
		load_lose(e, d, &e->stats.lost_denied, wire_code_name(msg->rrp.code));
		load_set_bound(e, d, false);
	}
}

/* ---- revocations, RFC 3543 ---- */

static struct device *named_by(const struct engine *e, const struct wire_msg *msg)
{
	const struct load_config *cfg = e->cfg;
	const size_t head = strlen(cfg->nai_head);
	char nai[WIRE_NAI_MAX + 1];
	unsigned long number;
	char *rest;

	if (wire_get_nai(msg, nai)) {
		if (strncasecmp(nai, cfg->nai_head, head) || nai[head] < '0' || nai[head] > '9')
			return NULL;
		number = strtoul(nai + head, &rest, 10);
		return number < cfg->devices && !strcasecmp(rest, cfg->nai_tail) ? &e->device[number] : NULL;
	}
	/* Who doesn't name it has but one device with that address. */
	for (unsigned int i = 0; i < cfg->devices; i++)
		if (e->device[i].home.s_addr == msg->revoke.home.s_addr)
			return &e->device[i];
	return NULL;
}

/* s4.2.3.2: later than what that end said when registering, and for what is or was so. */
static bool revocable(const struct engine *e, const struct device *d, unsigned int pma,
		      const struct wire_revoke *revoke)
{
	uint32_t stamp;

	if (!d || d->home.s_addr != revoke->home.s_addr || revoke->ha.s_addr != e->cfg->ha.s_addr ||
	    revoke->coa.s_addr != e->cfg->pmas[pma].addr.s_addr || !(revoke->flags & WIRE_REVOKE_A))
		return false;
	stamp = pma == d->pma ? d->stamp : d->left_stamp;
	return !stamp || (int32_t)(revoke->id - stamp) > 0;
}

static void revocation(struct engine *e, unsigned int pma, uint16_t sport, const struct wire_msg *msg)
{
	struct wire_revoke_ack ack = { .home = msg->revoke.home, .id = msg->revoke.id };
	const struct wire_sa *sa = &e->cfg->pmas[pma].sa;
	struct wire_out out = { .len = 0 };
	char nai[WIRE_NAI_MAX + 1];
	struct device *d;

	/* s3.3: without that it is as if it hadn't come. */
	if (!e->cfg->fha || !load_signed_by(msg, WIRE_EXT_FHAE, sa)) {
		e->stats.unauthentic++;
		return;
	}
	d = named_by(e, msg);
	if (!revocable(e, d, pma, &msg->revoke)) {
		e->stats.revocations_refused++;
		return;
	}
	e->stats.revocations++;
	wire_put_revoke_ack(&out, &ack);
	if (wire_get_nai(msg, nai))
		wire_put_nai(&out, nai);
	wire_put_auth(&out, WIRE_EXT_FHAE, sa);
	e->send(e->arg, pma, sport, &out);
	/* It may overtake the reply that tells of the handover. */
	if (d->bound && d->pma == pma && !(d->busy && d->to != pma)) {
		e->stats.revoked++;
		load_set_bound(e, d, false);
	}
}

void engine_datagram(struct engine *e, const struct load_now *now, unsigned int pma, struct in_addr src,
		     uint16_t sport, const uint8_t *data, size_t len)
{
	struct wire_msg msg;

	e->now = now;
	if (src.s_addr != e->cfg->ha.s_addr) {
		e->stats.wrong_source++;
		return;
	}
	if (wire_parse(data, len, &msg)) {
		e->stats.malformed++;
		return;
	}
	if (msg.type == WIRE_RRP)
		reply(e, pma, &msg);
	else if (msg.type == WIRE_REVOKE)
		revocation(e, pma, sport, &msg);
	else
		e->stats.malformed++;
}

void engine_icmp(struct engine *e)
{
	e->stats.icmp_errors++;
}

const struct load_stats *engine_stats(const struct engine *e)
{
	return &e->stats;
}

