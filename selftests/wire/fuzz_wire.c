// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever arrives: no access outside the datagram, and what was accepted
 * holds together. libFuzzer calls this, and so does ../lib/fuzz_main.c.
 */
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Reading all of it is the check; the sanitizers judge. */
static unsigned int sum(const uint8_t *p, size_t len)
{
	unsigned int v = 0;

	while (len--)
		v += *p++;
	return v;
}

static void check_getters(const struct wire_msg *msg)
{
	uint8_t mac[6], byte;
	char nai[WIRE_NAI_MAX + 1], service[WIRE_SERVICE_MAX + 1], text[WIRE_TEXT_MAX];
	struct wire_host_config host;
	uint32_t word;
	uint16_t half;

	if (wire_get_nai(msg, nai)) {
		require(strlen(nai) >= 1 && strlen(nai) <= WIRE_NAI_MAX);
		require(wire_count(msg, WIRE_EXT_NAI) >= 1);
	}
	if (wire_get_gre_key(msg, &word))
		require(wire_count_gre_keys(msg) >= 1);
	if (wire_find_unknown_cvse(msg))
		require(wire_count_gre_keys(msg) < msg->n_ext);
	if (wire_get_service(msg, service))
		require(strlen(service) >= 1 && strlen(service) <= WIRE_SERVICE_MAX);
	if (wire_asks_host_config(msg))
		require(wire_count(msg, WIRE_EXT_NVSE) >= 1);
	if (wire_get_host_config(msg, &host))
		require(host.plen <= 32 && strlen(host.suffix) <= WIRE_HOST_SUFFIX_MAX &&
			(!*host.suffix || wire_host_suffix_ok(host.suffix)));
	wire_in_order(msg);
	wire_get_pmip_method(msg, &byte);
	wire_get_revsup(msg, &half, &word);
	wire_get_access_tech(msg, &byte);
	wire_get_device_mac(msg, mac);
	for (enum wire_text whose = WIRE_TEXT_HA; whose <= WIRE_TEXT_FA; whose++)
		if (wire_get_text(msg, whose, text))
			require(strlen(text) >= 1 && strlen(text) < WIRE_TEXT_MAX);
}

static void check_auth(const struct wire_msg *msg, const struct wire_ext *ext)
{
	struct wire_sa sa = { .spi = wire_auth_spi(ext), .key = "0123456789abcdef", .key_len = 16 };

	for (sa.alg = 0; sa.alg < WIRE_ALG_MAX; sa.alg++)
		wire_auth_ok(msg, ext, &sa);
}

/* What the codec can build it builds as it came. */
static void check_rebuild(const struct wire_msg *msg, const struct wire_ext *ext)
{
	const uint8_t *raw = msg->buf + ext->off;
	struct wire_out out = { .buf = { msg->type }, .len = 1 };

	wire_put_ext(&out, ext->type, ext->sub, ext->data, ext->len);
	if (out.failed) {
		require(out.len == 1);
		return;
	}
	if ((ext->type == WIRE_EXT_CVSE && raw[1]) || (ext->type == 141 && raw[1] == 2))
		return;		/* a reserved byte, and the length RFC 4857 misprints */
	if (ext->end - ext->off == 2 && out.len - 1 == 3)
		return;		/* a short layout that came without its Sub-Type, to be skipped */
	require(out.len - 1 == (size_t)(ext->end - ext->off));
	require(!memcmp(out.buf + 1, raw, out.len - 1));
}

static void check_fixed_part(const struct wire_msg *msg, size_t fixed)
{
	static const uint8_t reserved[] = {	/* at which byte */
		[WIRE_REVOKE] = 1, [WIRE_REVOKE_ACK] = 1, [WIRE_NOTIFY_ACK] = 3,
	};
	struct wire_out out = { .len = 0 };

	switch (msg->type) {
	case WIRE_RRQ:
		wire_put_rrq(&out, &msg->rrq);
		break;
	case WIRE_RRP:
		wire_put_rrp(&out, &msg->rrp);
		break;
	case WIRE_REVOKE:
		wire_put_revoke(&out, &msg->revoke);
		break;
	case WIRE_REVOKE_ACK:
		wire_put_revoke_ack(&out, &msg->ack);
		break;
	case WIRE_NOTIFY:
		wire_put_notify(&out, &msg->notify);
		break;
	case WIRE_NOTIFY_ACK:
		wire_put_notify_ack(&out, &msg->notify_ack);
		break;
	}
	require(!out.failed && out.len == fixed);
	if (reserved[msg->type])
		out.buf[reserved[msg->type]] = msg->buf[reserved[msg->type]];
	require(!memcmp(out.buf, msg->buf, fixed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t fixed[256] = {
		[WIRE_RRQ] = 24, [WIRE_RRP] = 20, [WIRE_REVOKE] = 20, [WIRE_REVOKE_ACK] = 12,
		[WIRE_NOTIFY] = 24, [WIRE_NOTIFY_ACK] = 24,
	};
	struct wire_msg msg;
	enum wire_error error;
	size_t end;

	error = wire_parse(data, size, &msg);
	require(error < WIRE_ERROR_MAX);
	if (error)
		return 0;
	require(size <= WIRE_MSG_MAX && fixed[data[0]] && size >= fixed[data[0]]);
	require(msg.type == data[0] && msg.buf == data && msg.len == size);
	require(msg.n_ext <= WIRE_EXT_MAX);
	end = fixed[msg.type];
	check_fixed_part(&msg, end);
	for (unsigned int i = 0; i < msg.n_ext; i++) {
		const struct wire_ext *ext = &msg.ext[i];

		while (end < ext->off)
			require(data[end++] == 0);	/* padding, and only padding */
		require(ext->off == end && ext->type == data[ext->off] && ext->type);
		require(ext->end > ext->off + 1 && ext->end <= size);
		require(ext->data > data + ext->off && ext->data + ext->len == data + ext->end);
		require(sum(ext->data, ext->len) <= ext->len * 255u);
		check_auth(&msg, ext);
		check_rebuild(&msg, ext);
		end = ext->end;
	}
	while (end < size)
		require(data[end++] == 0);
	check_getters(&msg);
	return 0;
}
