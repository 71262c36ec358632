// SPDX-License-Identifier: GPL-2.0-only
#include "load/request.h"

#include <string.h>
#include <strings.h>

void load_put_raw(struct wire_out *out, const void *data, size_t len)
{
	if (len > sizeof(out->buf) - out->len) {
		out->failed = true;
		return;
	}
	if (len)
		memcpy(out->buf + out->len, data, len);
	out->len += len;
}

void load_request_build(struct wire_out *out, const struct load_request *req)
{
	wire_put_rrq(out, &req->f);
	if (req->nai)
		wire_put_nai(out, req->nai);
	if (req->method >= 0)
		wire_put_pmip_method(out, req->method);
	if (req->mac) {
		wire_put_device_mac(out, req->mac);
		wire_put_access_tech(out, WIRE_ACCESS_8023);
	}
	if (req->mn)
		wire_put_auth(out, WIRE_EXT_MHAE, req->mn);
	if (req->keyed)
		wire_put_gre_key(out, req->key);
	/* RFC 3543 s3.2 leaves the clock open; seconds of the Identification are what mip4d takes, too. */
	if (req->revsup)
		wire_put_revsup(out, 0, req->f.id >> 32);
	load_put_raw(out, req->raw, req->raw_len);
	if (req->fha)
		wire_put_auth(out, WIRE_EXT_FHAE, req->fha);
}

const struct wire_ext *load_signed_by(const struct wire_msg *msg, uint8_t type, const struct wire_sa *sa)
{
	const struct wire_ext *ext = wire_find(msg, type, 0);

	if (!ext || wire_count(msg, type) != 1 || wire_auth_spi(ext) != sa->spi)
		return NULL;
	return wire_auth_ok(msg, ext, sa) ? ext : NULL;
}

bool load_reply_authentic(const struct wire_msg *msg, const struct load_request *req)
{
	if (req->mn && !load_signed_by(msg, WIRE_EXT_MHAE, req->mn))
		return false;
	if (!req->fha)
		return req->mn;
	/* RFC 5944 s3.5.4 has none on deregistrations of nodes that have keys of their own. */
	if (req->mn && !req->f.lifetime && !wire_find(msg, WIRE_EXT_FHAE, 0))
		return true;
	return load_signed_by(msg, WIRE_EXT_FHAE, req->fha);
}

unsigned int load_reply_faults(const struct wire_msg *msg, const struct load_request *req)
{
	char nai[WIRE_NAI_MAX + 1];
	unsigned int faults = 0;
	uint8_t method;

	if (req->nai && (!wire_get_nai(msg, nai) || strcasecmp(nai, req->nai)))
		faults |= REPLY_NO_NAI;
	if (req->method >= 0 && (!wire_get_pmip_method(msg, &method) || method != req->method))
		faults |= REPLY_NO_METHOD;
	if (msg->rrp.code <= WIRE_CODE_ACCEPTED_NO_SIMULTANEOUS && msg->rrp.lifetime > req->f.lifetime)
		faults |= REPLY_LIFETIME;
	/* All of it comes back, but with code 133 the time of the home agent above. */
	if ((uint32_t)msg->rrp.id != (uint32_t)req->f.id ||
	    (msg->rrp.code <= WIRE_CODE_ACCEPTED_NO_SIMULTANEOUS && msg->rrp.id != req->f.id))
		faults |= REPLY_IDENTIFICATION;
	return faults;
}
