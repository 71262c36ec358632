/* SPDX-License-Identifier: GPL-2.0-only */
/* What a PMA says to a home agent, right or on purpose wrong, and whether the answer is authentic. */
#ifndef MIP4_LOAD_REQUEST_H
#define MIP4_LOAD_REQUEST_H

#include "wire/wire.h"

struct load_request {
	struct wire_rrq f;
	const char *nai;		/* NULL: none */
	int method;			/* of ext. 47; -1: none */
	const uint8_t *mac;		/* NULL: no ext. 147 */
	const struct wire_sa *mn;	/* MN-HA; NULL: none */
	bool keyed;
	uint32_t key;
	bool revsup;
	const void *raw;		/* bytes in front of the FA-HA extension, as they are */
	size_t raw_len;
	const struct wire_sa *fha;	/* NULL: none */
};

/* In the order of RFC 5944 s3.6.1.3, RFC 5563 s5 and RFC 6245 s4.1. */
void load_request_build(struct wire_out *out, const struct load_request *req);
void load_put_raw(struct wire_out *out, const void *data, size_t len);

/*
 * Exactly one extension of @type, made by @sa (RFC 5944 s3.6.2.1, s3.7.3.1), and what
 * matters stands before it. NULL: it isn't so.
 */
const struct wire_ext *load_signed_by(const struct wire_msg *msg, uint8_t type, const struct wire_sa *sa);

/* A reply to @req, by the keys that it shows; those of a deregistration by RFC 5944 s3.5.4. */
bool load_reply_authentic(const struct wire_msg *msg, const struct load_request *req);

/* Bits: what a reply that is authentic must have and doesn't. */
#define REPLY_NO_NAI		1	/* RFC 2794 s3 */
#define REPLY_NO_METHOD		2	/* RFC 5563 s5.1 */
#define REPLY_LIFETIME		4	/* longer than asked for: RFC 5944 s3.8.2.2 */
#define REPLY_IDENTIFICATION	8	/* RFC 5944 s5.7.1 */
unsigned int load_reply_faults(const struct wire_msg *msg, const struct load_request *req);

#endif /* MIP4_LOAD_REQUEST_H */
