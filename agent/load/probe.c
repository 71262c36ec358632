// SPDX-License-Identifier: GPL-2.0-only
/* A row of the catalogue: its bytes, and whether the answer is one that it leaves. */
#include "load/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "wire/bytes.h"

#define LIFETIME_S	60		/* what is accepted by the way goes by itself */

void probe_base(struct probe *p, const struct probe_env *env, const char *user)
{
	uint64_t hash = 0;

	*p = (struct probe){ .env = env, .sa = *env->sa };
	snprintf(p->nai, sizeof(p->nai), "%s@%s", user, env->realm);
	for (const char *c = user; *c; c++)
		hash = hash_mix(hash + *c);
	memcpy(p->mac, &hash, sizeof(p->mac));
	p->mac[0] = 2;
	p->req = (struct load_request){
		.f = {
			.flags = WIRE_RRQ_T | (env->gre_key ? WIRE_RRQ_G : 0),
			.lifetime = LIFETIME_S,
			.ha = env->ha,
			.coa = env->pma,
			.id = env->ntp,
		},
		.nai = p->nai,
		.method = WIRE_PMIP_FHA,
		.mac = p->mac,
		.keyed = env->gre_key,
		.key = hash >> 32 | 1,
		.revsup = true,
		.fha = &p->sa,
	};
}

static void apply(struct probe *p, const struct probe_case *c)
{
	struct wire_rrq *f = &p->req.f;

	p->c = c;
	f->id += (uint64_t)c->shift_s << 32;
	if (c->set & SET_FLAGS) {
		f->flags = c->flags;
		p->req.keyed = c->flags & WIRE_RRQ_G;	/* its presence means GRE */
	}
	if (c->set & SET_LIFETIME)
		f->lifetime = c->lifetime;
	if (c->set & SET_HOME)
		f->home.s_addr = htonl(c->home);
	if (c->set & SET_HA)
		f->ha.s_addr = htonl(c->ha);
	if (c->set & SET_COA)
		f->coa.s_addr = htonl(c->coa);
	if (c->set & SET_METHOD)
		p->req.method = c->method;
	if (c->by_stranger)
		f->coa = p->env->stranger;
	p->req.raw = c->raw;
	p->req.raw_len = c->raw_len;
	if (c->edit)
		c->edit(p);
}

void probe_build(struct probe *p, const struct probe_env *env, const struct probe_case *c)
{
	char user[64];

	snprintf(user, sizeof(user), "probe-%s", c->name);
	probe_base(p, env, user);
	apply(p, c);
	load_request_build(&p->out, &p->req);
	load_put_raw(&p->out, c->behind, c->behind_len);
	p->len = p->out.len;
	memcpy(p->buf, p->out.buf, p->len);
	if (c->bend)
		c->bend(p);
	if (c->set & SET_CUT)
		p->len = c->cut;
}

struct answer probe_answer(const struct probe *p, const uint8_t *data, size_t len)
{
	struct answer answer = { .kind = ANSWER_OTHER };
	struct load_request asked = { .method = -1, .fha = p->env->sa };
	struct wire_msg msg;

	if (wire_parse(data, len, &msg))
		return answer;
	if (msg.type == WIRE_REVOKE_ACK)
		answer.kind = ANSWER_ACK;
	if (msg.type != WIRE_RRP)
		return answer;
	answer.kind = ANSWER_REPLY;
	answer.code = msg.rrp.code;
	if (p->len >= 24) {
		asked.f.lifetime = get16(p->buf + 2);
		asked.f.id = get64(p->buf + 16);
	}
	answer.authentic = load_reply_authentic(&msg, &asked);
	answer.faults = load_reply_faults(&msg, &asked);
	return answer;
}

static bool is_word(const struct answer *answer, const char *word, size_t len)
{
	char text[16];

	snprintf(text, sizeof(text), "%.*s", (int)len, word);
	if (!strcmp(text, "any"))
		return answer->kind != ANSWER_ICMP;
	switch (answer->kind) {
	case ANSWER_SILENCE:
		return !strcmp(text, "silence");
	case ANSWER_ACK:
		return !strcmp(text, "ack");
	case ANSWER_REPLY:
		if (!strcmp(text, "denied"))
			return answer->code > WIRE_CODE_ACCEPTED_NO_SIMULTANEOUS;
		return text[0] >= '0' && text[0] <= '9' && atoi(text) == answer->code;
	default:
		return false;
	}
}

bool probe_expects(const struct probe_case *c, const struct answer *answer, const char **why)
{
	bool found = false;

	*why = "";
	for (const char *word = c->expect; *word && !found;) {
		size_t len = strcspn(word, " ");

		found = is_word(answer, word, len);
		word += len + strspn(word + len, " ");
	}
	if (!found || answer->kind != ANSWER_REPLY)
		return found;
	/* RFC 5944 s3.4; but there may be no key to answer a stranger by, nor one that failed. */
	if (!answer->authentic && !c->by_stranger && !wire_code_unauthentic(answer->code))
		*why = "the reply isn't authentic";
	else if (answer->faults & REPLY_LIFETIME)
		*why = "the reply raises the lifetime";
	else if (answer->faults & REPLY_IDENTIFICATION)
		*why = "the reply has another Identification";
	return !**why;
}

void answer_text(const struct answer *answer, char text[static 80])
{
	switch (answer->kind) {
	case ANSWER_SILENCE:
		strcpy(text, "silence");
		break;
	case ANSWER_REPLY:
		snprintf(text, 80, "%u %s", answer->code, wire_code_name(answer->code));
		break;
	case ANSWER_ACK:
		strcpy(text, "revocation acknowledged");
		break;
	case ANSWER_ICMP:
		snprintf(text, 80, "ICMP type %u code %u", answer->type, answer->code);
		break;
	case ANSWER_OTHER:
		strcpy(text, "something that is no answer");
		break;
	}
}
