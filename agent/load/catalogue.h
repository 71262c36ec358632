/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests that are wrong, hostile or at the edge of what is allowed, each with the answers that the RFCs leave for it.
 * The same rows go to a live home agent (mip4load malformed) and to our own one in its tests.
 */
#ifndef MIP4_LOAD_CATALOGUE_H
#define MIP4_LOAD_CATALOGUE_H

#include "load/request.h"

#define PROBE_MAX	9000		/* bytes: longer than any message is meant to be */

struct probe_env {
	struct in_addr ha, pma;
	struct in_addr stranger;	/* whom the home agent doesn't know; 0: there is no such address */
	const struct wire_sa *sa;	/* FA-HA, of @pma */
	bool gre_key;			/* what is in order asks for GRE with key */
	const char *realm;		/* "red.example": devices of it may register */
	uint64_t ntp;			/* by the home agent's clock */
	/* A device that is registered by @pma, and the last request for it that was accepted. */
	const char *victim;
	struct in_addr victim_home;
	struct wire_out accepted;
};

struct probe_case;

struct probe {
	const struct probe_env *env;
	const struct probe_case *c;
	struct load_request req;
	struct wire_sa sa;		/* a copy, to be spoilt */
	char nai[WIRE_NAI_MAX + 1];
	uint8_t mac[6];
	struct wire_out out;
	size_t len;
	uint8_t buf[PROBE_MAX];		/* what is sent */
};

/* What of a request is other than usual. */
enum { SET_FLAGS = 1, SET_LIFETIME = 2, SET_HOME = 4, SET_HA = 8, SET_COA = 16, SET_METHOD = 32, SET_CUT = 64 };

struct probe_case {
	const char *name, *what, *rfc;
	/*
	 * Words, one of which the answer must be: "silence", a reply code, "denied" for any code that isn't
	 * acceptance, "ack" of a revocation, "any".
	 */
	const char *expect;
	unsigned int set;
	uint8_t flags;
	uint16_t lifetime;
	uint32_t home, ha, coa;		/* host byte order */
	int method;
	uint16_t cut;			/* bytes that are left */
	int64_t shift_s;		/* of the Identification */
	const char *raw;		/* extensions in front of the authenticator */
	size_t raw_len;
	const char *behind;		/* and behind it */
	size_t behind_len;
	void (*edit)(struct probe *p);	/* the request before it is signed */
	void (*bend)(struct probe *p);	/* its bytes afterwards */
	bool by_stranger;
};

extern const struct probe_case probe_cases[];
extern const unsigned int n_probe_cases;

/* A request that is in order, for user@realm. */
void probe_base(struct probe *p, const struct probe_env *env, const char *user);
void probe_build(struct probe *p, const struct probe_env *env, const struct probe_case *c);

enum answer_kind { ANSWER_SILENCE, ANSWER_REPLY, ANSWER_ACK, ANSWER_ICMP, ANSWER_OTHER };

struct answer {
	enum answer_kind kind;
	uint8_t code;			/* of a reply; of ICMP */
	uint8_t type;			/* of ICMP */
	bool authentic;			/* of a reply */
	unsigned int faults;		/* REPLY_LIFETIME, REPLY_IDENTIFICATION */
};

/* What came to the sender of @p. */
struct answer probe_answer(const struct probe *p, const uint8_t *data, size_t len);
/* Is it one that the RFCs leave? If not, @why says it, or is "" where the answer itself does. */
bool probe_expects(const struct probe_case *c, const struct answer *answer, const char **why);
/* "silence", "132 foreign agent failed authentication" … */
void answer_text(const struct answer *answer, char text[static 80]);

#endif /* MIP4_LOAD_CATALOGUE_H */
