// SPDX-License-Identifier: GPL-2.0-only
/* Who sent it: FA-HA authentication by SPI of that peer (RFC 5944 s3.5.4). */
#include <arpa/inet.h>

#include "core/reg.h"

#define WARN_GAP_US	(60 * SECOND)	/* of one peer: anybody can send in its name */

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

/* Both sides are silent towards each other then: only the log can tell the operator. */
static void warn(struct core *core, struct peer *peer, const struct wire_msg *msg, enum auth result)
{
	uint32_t spi = wire_auth_spi(wire_find(msg, WIRE_EXT_FHAE, 0));
	char addr[INET_ADDRSTRLEN];

	if (peer->warned_us && core->now->mono_us - peer->warned_us < WARN_GAP_US)
		return;
	peer->warned_us = core->now->mono_us;
	addr_text(peer->cfg->addr, addr);
	if (result == AUTH_SPI)
		act_log(core, CORE_LOG_WARNING, "peer %s: signs by spi 0x%x, which its section here doesn't have",
			addr, spi);
	else
		act_log(core, CORE_LOG_WARNING, "peer %s: wrong authenticator (do key-file and algorithm of "
			"spi 0x%x differ from those at the peer?)", addr, spi);
}

void auth_count(struct core *core, struct peer *peer, const struct wire_msg *msg, enum auth result)
{
	switch (result) {
	case AUTH_OK:
		break;
	case AUTH_MISSING:
		core->count.drop_no_authentication++;
		break;
	case AUTH_SPI:
		core->count.drop_unknown_spi++;
		warn(core, peer, msg, result);
		break;
	case AUTH_BAD:
		warn(core, peer, msg, result);
		/* fall through */
	case AUTH_TWICE:
		core->count.drop_bad_authenticator++;
		break;
	}
}

void auth_sign(struct wire_out *out, const struct core_peer *peer)
{
	wire_put_auth(out, WIRE_EXT_FHAE, &peer->sa[0]);
}
