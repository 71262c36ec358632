// SPDX-License-Identifier: GPL-2.0-only
/* Who sent it: FA-HA authentication by SPI of that peer (RFC 5944 s3.5.4). */
#include "core/reg.h"

enum auth auth_check(const struct core_peer *peer, struct wire_msg *msg)
{
	const struct wire_ext *ext = wire_find(msg, WIRE_EXT_FHAE, 0);

	if (!ext)
		return AUTH_MISSING;
	if (wire_count(msg, WIRE_EXT_FHAE) > 1)	/* RFC 5944 s3.8.2.1 c: exactly one */
		return AUTH_TWICE;
	for (unsigned int i = 0; i < peer->n_sa; i++) {
		if (peer->sa[i].spi != wire_auth_spi(ext))
			continue;
		if (!wire_auth_ok(msg, ext, &peer->sa[i]))
			return AUTH_BAD;
		msg->n_ext = ext - msg->ext + 1;
		return AUTH_OK;
	}
	return AUTH_SPI;
}

void auth_count(struct core *core, enum auth result)
{
	switch (result) {
	case AUTH_OK:
		break;
	case AUTH_MISSING:
		core->count.drop_no_authentication++;
		break;
	case AUTH_SPI:
		core->count.drop_unknown_spi++;
		break;
	case AUTH_TWICE:
	case AUTH_BAD:
		core->count.drop_bad_authenticator++;
		break;
	}
}

void auth_sign(struct wire_out *out, const struct core_peer *peer)
{
	wire_put_auth(out, WIRE_EXT_FHAE, &peer->sa[0]);
}
