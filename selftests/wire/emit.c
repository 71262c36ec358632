// SPDX-License-Identifier: GPL-2.0-only
/*
 * emit PCAP TABLE [MESSAGES...]: messages as mip4d sends them, then those in
 * the files MESSAGES, one in hexadecimal digits on a line, and what a stranger
 * should read in them: one line "frame<TAB>tshark field<TAB>value" each, plus
 * one with the pseudo field "name". tshark.sh compares.
 */
#include "emit.h"
#include "wire/wire.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS 28	/* IPv4 and UDP */

static FILE *pcap, *table;
static unsigned int frames;

static void put_le(uint32_t v, unsigned int bytes)
{
	while (bytes--) {
		putc(v & 0xff, pcap);
		v >>= 8;
	}
}

static void pcap_header(void)
{
	put_le(0xa1b2c3d4, 4);
	put_le(2, 2);
	put_le(4, 2);
	put_le(0, 4);
	put_le(0, 4);
	put_le(65535, 4);
	put_le(101, 4);		/* LINKTYPE_RAW */
}

static struct in_addr addr(const char *text)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1)
		abort();
	return a;
}

static void headers(uint8_t p[static HEADERS], size_t payload)
{
	struct in_addr src = addr("198.51.100.7"), dst = addr("192.0.2.1");
	size_t len = HEADERS + payload;
	uint32_t check = 0;

	memset(p, 0, HEADERS);
	p[0] = 0x45;
	p[2] = len >> 8;
	p[3] = len & 0xff;
	p[8] = 64;
	p[9] = IPPROTO_UDP;
	memcpy(p + 12, &src, 4);
	memcpy(p + 16, &dst, 4);
	for (int i = 0; i < 20; i += 2)
		check += p[i] << 8 | p[i + 1];
	check = (check & 0xffff) + (check >> 16);
	check = ~(check + (check >> 16));
	p[10] = check >> 8 & 0xff;
	p[11] = check & 0xff;
	p[20] = p[22] = WIRE_PORT >> 8;
	p[21] = p[23] = WIRE_PORT & 0xff;
	p[24] = (8 + payload) >> 8;
	p[25] = (8 + payload) & 0xff;
}

void emit_frame(const char *name, const uint8_t *data, size_t len, bool whole, const struct expect *expect)
{
	uint8_t head[HEADERS];

	headers(head, len);
	put_le(frames++, 4);
	put_le(0, 4);
	put_le(HEADERS + len, 4);
	put_le(HEADERS + len, 4);
	fwrite(head, 1, HEADERS, pcap);
	fwrite(data, 1, len, pcap);

	fprintf(table, "%u\tname\t%s\n", frames, name);
	if (whole)
		fprintf(table, "%u\t_ws.malformed\t\n%u\tmip.data_not_dissected\t\n", frames, frames);
	for (; expect->field; expect++)
		fprintf(table, "%u\t%s\t%s\n", frames, expect->field, expect->value);
}

static void frame(const char *name, const struct wire_out *out, const struct expect *expect)
{
	if (out->failed) {
		fprintf(stderr, "emit: %s could not be built\n", name);
		exit(1);
	}
	emit_frame(name, out->buf, out->len, true, expect);
}

static const struct wire_sa fha = {
	.spi = 0x200, .alg = WIRE_ALG_HMAC_MD5, .key_len = 16,
	.key = { 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7,
		 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff },
};

static const struct wire_sa fha_sha256 = {
	.spi = 0xfffffffe, .alg = WIRE_ALG_HMAC_SHA256, .key_len = 16, .key = "0123456789abcdef",
};

static const struct wire_sa mha = {
	.spi = 0x100, .alg = WIRE_ALG_HMAC_MD5, .key_len = 16,
	.key = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
};

static void rrq_per_node(void)
{
	static const uint8_t mac[6] = { 0x02, 0x00, 0x5e, 0x10, 0x00, 0x01 };
	struct wire_rrq rrq = {
		.flags = WIRE_RRQ_G | WIRE_RRQ_T, .lifetime = 1800, .ha = addr("192.0.2.1"),
		.coa = addr("198.51.100.7"), .id = 0xe800000000000001,
	};
	struct wire_out out;

	wire_put_rrq(&out, &rrq);
	wire_put_nai(&out, "02005e100001@example.net");
	wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	wire_put_ext(&out, WIRE_EXT_PMIP_SKIP, WIRE_PMIP_INTERFACE_ID, "port7", 5);
	wire_put_device_mac(&out, mac);
	wire_put_ext(&out, WIRE_EXT_PMIP_SKIP, WIRE_PMIP_SUBSCRIBER_ID, "\1" "001010", 7);
	wire_put_access_tech(&out, WIRE_ACCESS_8023);
	wire_put_revsup(&out, WIRE_REVSUP_I, 0xe8000000);
	wire_put_auth(&out, WIRE_EXT_FHAE, &fha);
	frame("RRQ of a PMA, per-node", &out, (const struct expect[]){
		{ "mip.type", "1" }, { "mip.s", "0" }, { "mip.b", "0" }, { "mip.d", "0" },
		{ "mip.m", "0" }, { "mip.g", "1" }, { "mip.v", "0" }, { "mip.t", "1" },
		{ "mip.x", "0" }, { "mip.life", "1800" }, { "mip.homeaddr", "0.0.0.0" },
		{ "mip.haaddr", "192.0.2.1" }, { "mip.coa", "198.51.100.7" },
		{ "mip.ident", "~2023.*22:21:52[.]0" },
		{ "mip.ext.type", "131,47,147,147,147,147,137,34" },
		{ "mip.ext.len", "24,1,6,8,8,2,6,20" },
		{ "mip.nai", "02005e100001@example.net" },
		{ "mip.ext.pmipv4nonskipext.subtype", "1" },
		{ "mip.ext.pmipv4nonskipext.pernodeauthmethod", "1" },
		{ "mip.ext.pmipv4skipext.subtype", "1,2,3,4" },
		{ "mip.ext.pmipv4skipext.interfaceid", "706f727437" },
		{ "mip.ext.pmipv4skipext.deviceid_type", "1" },
		{ "mip.ext.pmipv4skipext.deviceid_id", "02005e100001" },
		{ "mip.ext.pmipv4skipext.subscriberid_type", "1" },
		{ "mip.ext.pmipv4skipext.subscriberid_id", "303031303130" },
		{ "mip.ext.pmipv4skipext.accesstechnology_type", "1" },
		{ "mip.ext.rev.i", "1" }, { "mip.ext.rev.reserved", "0x0000" },
		{ "mip.ext.rev.tstamp", "3892314112" },
		{ "mip.auth.spi", "0x00000200" },
		{ 0 } });
}

/* V4 of protocol/oracles.md s4 */
static void rrq_per_mn_with_gre_key(void)
{
	struct wire_rrq rrq = {
		.flags = WIRE_RRQ_T, .lifetime = 1800, .ha = addr("192.0.2.1"),
		.coa = addr("198.51.100.7"), .id = 0xe800000000000001,
	};
	struct wire_out out;

	wire_put_rrq(&out, &rrq);
	wire_put_nai(&out, "user@example.net");
	wire_put_auth(&out, WIRE_EXT_MHAE, &mha);
	wire_put_gre_key(&out, 0x00c0ffee);
	wire_put_auth(&out, WIRE_EXT_FHAE, &fha);
	/* tshark 4.0 reads 48 as a TLV, 48 0 and 0 4 with the key as data, and recovers. */
	frame("RRQ with MN-HA, GRE key and FA-HA (V4)", &out, (const struct expect[]){
		{ "mip.type", "1" }, { "mip.ext.type", "131,32,48,0,34" },
		{ "mip.ext.len", "16,20,0,4,20" }, { "mip.extension", "00c0ffee" },
		{ "mip.nai", "user@example.net" },
		{ "mip.auth.spi", "0x00000100,0x00000200" },
		{ "mip.auth.auth", "3ae57b49ec920d07bfa2905128ddc6dc,"
				   "842571ccd8e4993ab050c97b312cf9f2" },
		{ 0 } });
}

/* To and from who is older than RFC 6245: tshark is the only one we know who reads that. */
static void gre_key_3gpp2(void)
{
	struct wire_rrq rrq = {
		.flags = WIRE_RRQ_G | WIRE_RRQ_T, .lifetime = 1800, .ha = addr("192.0.2.1"),
		.coa = addr("198.51.100.7"), .id = 0xe800000000000001,
	};
	struct wire_rrp rrp = {
		.lifetime = 600, .home = addr("10.64.0.5"), .ha = addr("192.0.2.1"), .id = 0xe800000000000001,
	};

	for (int reply = 0; reply < 2; reply++) {
		struct wire_out out;

		if (reply)
			wire_put_rrp(&out, &rrp);
		else
			wire_put_rrq(&out, &rrq);
		wire_put_nai(&out, "user@example.net");
		wire_put_pmip_method(&out, WIRE_PMIP_FHA);
		wire_put_gre_key_3gpp2(&out, 0x00c0ffee);
		wire_put_auth(&out, WIRE_EXT_FHAE, &fha);
		frame(reply ? "RRP with 3GPP2's GRE key" : "RRQ with 3GPP2's GRE key", &out, (const struct expect[]){
			{ "mip.type", reply ? "3" : "1" }, { "mip.ext.type", "131,47,38,34" },
			{ "mip.ext.len", "16,1,10,20" }, { "mip.ext.cvse.reserved", "0x00" },
			{ "mip.ext.cvse.vendor_id", "5535" }, { "mip.ext.cvse.3gpp2_type", "1025" },
			{ "mip.ext.cvse.3gpp2_grekey", "12648430" },
			{ 0 } });
	}
}

/* V6 of protocol/oracles.md s4: MN-AAA as stock RADIUS servers verify it. */
static void rrq_mn_aaa(void)
{
	static const uint8_t challenge[16] = { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8,
					       0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8 };
	static const struct wire_sa aaa = { .spi = WIRE_SPI_CHAP, .alg = WIRE_ALG_CHAP, .key_len = 16,
					    .key = "0123456789abcdef" };
	struct wire_rrq rrq = {
		.flags = WIRE_RRQ_T, .lifetime = 1800, .ha = addr("192.0.2.1"),
		.coa = addr("198.51.100.7"), .id = 0xe800000000000001,
	};
	struct wire_out out;

	wire_put_rrq(&out, &rrq);
	wire_put_nai(&out, "user@example.net");
	wire_put_auth(&out, WIRE_EXT_MHAE, &mha);
	wire_put_ext(&out, WIRE_EXT_CHALLENGE, 0, challenge, sizeof(challenge));
	wire_put_auth(&out, WIRE_EXT_GAE, &aaa);
	frame("RRQ with MN-HA, challenge and MN-AAA (V6)", &out, (const struct expect[]){
		{ "mip.type", "1" }, { "mip.ext.type", "131,32,132,36" },
		{ "mip.ext.auth.subtype", "1" },
		{ "mip.auth.spi", "0x00000100,0x00000002" },
		{ "mip.auth.auth", "3ae57b49ec920d07bfa2905128ddc6dc,"
				   "a710840efa0e718532781d9cd7fe19a3" },
		{ 0 } });
}

static void rrq_deregistration(void)
{
	struct wire_rrq rrq = {
		.flags = WIRE_RRQ_G | WIRE_RRQ_T, .home = addr("10.64.0.5"),
		.ha = addr("192.0.2.1"), .coa = addr("198.51.100.7"), .id = 0xe800000080000000,
	};
	struct wire_out out;

	wire_put_rrq(&out, &rrq);
	wire_put_nai(&out, "user@example.net");
	wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	wire_put_auth(&out, WIRE_EXT_FHAE, &fha_sha256);
	frame("deregistration, HMAC-SHA-256", &out, (const struct expect[]){
		{ "mip.type", "1" }, { "mip.life", "0" }, { "mip.homeaddr", "10.64.0.5" },
		{ "mip.ident", "~2023.*22:21:52[.]5" },
		{ "mip.ext.type", "131,47,34" }, { "mip.ext.len", "16,1,36" },
		{ "mip.auth.spi", "0xfffffffe" },
		{ 0 } });
}

/* Each flag alone, in the place a stranger sees it in. */
static void rrq_flags(void)
{
	static const char *const fields[8] = {
		"mip.x", "mip.t", "mip.v", "mip.g", "mip.m", "mip.d", "mip.b", "mip.s",
	};

	static const uint8_t flags[] = { WIRE_RRQ_T, WIRE_RRQ_G, WIRE_RRQ_M, WIRE_RRQ_D,
					 WIRE_RRQ_B, WIRE_RRQ_S };
	static const char *const letters = "TGMDBS";

	for (size_t i = 0; i < sizeof(flags); i++) {
		struct expect expect[12] = {
			{ "mip.type", "1" }, { "mip.life", "65535" }, { "mip.nai", "n@x" },
		};
		struct wire_rrq rrq = {
			.flags = flags[i], .lifetime = WIRE_LIFETIME_INFINITE,
			.ha = addr("192.0.2.1"), .coa = addr("198.51.100.7"),
		};
		struct wire_out out;
		char name[32];

		for (size_t j = 0; j < 8; j++) {
			bool set = strchr(letters, fields[j][4] - 'a' + 'A') == letters + i;

			expect[3 + j] = (struct expect){ fields[j], set ? "1" : "0" };
		}
		wire_put_rrq(&out, &rrq);
		wire_put_nai(&out, "n@x");
		wire_put_auth(&out, WIRE_EXT_MHAE, &mha);
		snprintf(name, sizeof(name), "RRQ with flag %c", letters[i]);
		frame(name, &out, expect);
	}
}

static void rrp_accepted(void)
{
	struct wire_rrp rrp = {
		.code = WIRE_CODE_ACCEPTED, .lifetime = 600, .home = addr("10.64.0.5"),
		.ha = addr("192.0.2.1"), .id = 0xe800000000000001,
	};
	struct wire_out out;

	wire_put_rrp(&out, &rrp);
	wire_put_nai(&out, "user@example.net");
	wire_put_pmip_method(&out, WIRE_PMIP_FHA);
	wire_put_gre_key(&out, 0xdeadbeef);
	wire_put_revsup(&out, 0, 0xe8000001);
	wire_put_auth(&out, WIRE_EXT_FHAE, &fha);
	frame("RRP, accepted", &out, (const struct expect[]){
		{ "mip.type", "3" }, { "mip.code", "0" }, { "mip.life", "600" },
		{ "mip.homeaddr", "10.64.0.5" }, { "mip.haaddr", "192.0.2.1" },
		{ "mip.ident", "~2023.*22:21:52[.]0" },
		{ "mip.ext.type", "131,47,48,0,137,34" }, { "mip.ext.len", "16,1,0,4,6,20" },
		{ "mip.extension", "deadbeef" }, { "mip.nai", "user@example.net" },
		{ "mip.ext.pmipv4nonskipext.subtype", "1" },
		{ "mip.ext.pmipv4nonskipext.pernodeauthmethod", "1" },
		{ "mip.ext.rev.i", "0" }, { "mip.ext.rev.tstamp", "3892314113" },
		{ "mip.auth.spi", "0x00000200" },
		{ 0 } });
}

static void rrp_denied(void)
{
	static const struct {
		uint8_t code;
		const char *text;
	} codes[] = {
		{ WIRE_CODE_HA_ADMIN_PROHIBITED, "129" }, { WIRE_CODE_HA_NO_RESOURCES, "130" },
		{ WIRE_CODE_HA_FA_AUTH, "132" }, { WIRE_CODE_HA_ID_MISMATCH, "133" },
		{ WIRE_CODE_HA_POORLY_FORMED, "134" }, { WIRE_CODE_HA_UNKNOWN_HA, "136" },
		{ WIRE_CODE_HA_ENCAP_UNAVAILABLE, "139" }, { WIRE_CODE_REDIRECT_HA, "143" },
		{ WIRE_CODE_PMIP_UNSUPPORTED, "149" },
		{ WIRE_CODE_PMIP_DISALLOWED, "150" },
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct wire_rrp rrp = {
			.code = codes[i].code, .ha = addr("192.0.2.1"), .id = 0xe800000000000001,
		};
		struct wire_out out;
		char name[32];

		wire_put_rrp(&out, &rrp);
		wire_put_nai(&out, "user@example.net");
		wire_put_pmip_method(&out, WIRE_PMIP_FHA);
		if (codes[i].code == WIRE_CODE_HA_NO_RESOURCES)
			wire_put_text(&out, WIRE_TEXT_HA, "full");
		wire_put_auth(&out, WIRE_EXT_FHAE, &fha);
		snprintf(name, sizeof(name), "RRP, denied with %s", codes[i].text);
		frame(name, &out, (const struct expect[]){
			{ "mip.type", "3" }, { "mip.code", codes[i].text }, { "mip.life", "0" },
			{ "mip.homeaddr", "0.0.0.0" },
			{ "mip.ext.type", codes[i].code == WIRE_CODE_HA_NO_RESOURCES ? "131,47,145,34" : "131,47,34" },
			{ 0 } });
	}
}

/* V8 of protocol/oracles.md s4, and the same with a NAI and without flags */
static void revocations(void)
{
	struct wire_revoke revoke = {
		.flags = WIRE_REVOKE_A | WIRE_REVOKE_I, .home = addr("10.0.0.5"),
		.ha = addr("192.0.2.1"), .coa = addr("198.51.100.7"), .id = 0xe8000010,
	};
	struct wire_out out;

	wire_put_revoke(&out, &revoke);
	wire_put_auth(&out, WIRE_EXT_FHAE, &fha);
	frame("revocation (V8)", &out, (const struct expect[]){
		{ "mip.type", "7" }, { "mip.rev.a", "1" }, { "mip.rev.i", "1" },
		{ "mip.rev.reserved", "0" }, { "mip.rev.reserved2", "0x0000" },
		{ "mip.homeaddr", "10.0.0.5" }, { "mip.rev.hda", "192.0.2.1" },
		{ "mip.rev.fda", "198.51.100.7" }, { "mip.revid", "3892314128" },
		{ "mip.ext.type", "34" }, { "mip.auth.spi", "0x00000200" },
		{ "mip.auth.auth", "7951d549be9b468736b5a1ba934868d6" },
		{ 0 } });

	revoke.flags = 0;
	wire_put_revoke(&out, &revoke);
	wire_put_nai(&out, "user@example.net");
	wire_put_auth(&out, WIRE_EXT_FHAE, &fha);
	frame("revocation with a NAI, by an FA", &out, (const struct expect[]){
		{ "mip.type", "7" }, { "mip.rev.a", "0" }, { "mip.rev.i", "0" },
		{ "mip.nai", "user@example.net" }, { "mip.ext.type", "131,34" },
		{ 0 } });
}

static void acknowledgments(void)
{
	struct wire_revoke_ack ack = { .home = addr("10.0.0.5"), .id = 0xe8000010 };

	for (int i = 0; i < 2; i++) {
		struct wire_out out;

		ack.flags = i ? WIRE_REVOKE_ACK_I : 0;
		wire_put_revoke_ack(&out, &ack);
		wire_put_nai(&out, "user@example.net");
		wire_put_auth(&out, WIRE_EXT_FHAE, &fha);
		frame(i ? "acknowledgment with I" : "acknowledgment", &out, (const struct expect[]){
			{ "mip.type", "15" }, { "mip.ack.i", i ? "1" : "0" },
			{ "mip.ack.reserved", "0" }, { "mip.ack.reserved2", "0x0000" },
			{ "mip.homeaddr", "10.0.0.5" }, { "mip.revid", "3892314128" },
			{ "mip.nai", "user@example.net" }, { "mip.ext.type", "131,34" },
			{ "mip.auth.spi", "0x00000200" },
			{ 0 } });
	}
}

static void longest_nai(void)
{
	struct wire_rrq rrq = { .flags = WIRE_RRQ_T, .lifetime = 1 };
	char nai[WIRE_NAI_MAX + 1];
	struct wire_out out;

	memset(nai, 'n', WIRE_NAI_MAX);
	nai[WIRE_NAI_MAX] = '\0';
	nai[60] = '@';
	wire_put_rrq(&out, &rrq);
	wire_put_nai(&out, nai);
	wire_put_auth(&out, WIRE_EXT_MHAE, &mha);
	frame("RRQ with a NAI of 253 bytes", &out, (const struct expect[]){
		{ "mip.ext.type", "131,32" }, { "mip.ext.len", "253,20" }, { "mip.nai", nai },
		{ 0 } });
}

/* ---- those of the unit tests ---- */

#define RECORDED_MAX 16384

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each once, and always in the same order. */
static bool recorded(char **files, int n_files)
{
	static char *lines[RECORDED_MAX];
	size_t n = 0;

	for (int i = 0; i < n_files; i++) {
		char line[2 * WIRE_MSG_MAX + 2];
		FILE *file = fopen(files[i], "r");

		if (!file) {
			perror(files[i]);
			return false;
		}
		while (n < RECORDED_MAX && fgets(line, sizeof(line), file)) {
			line[strcspn(line, "\n")] = '\0';
			lines[n++] = strdup(line);
		}
		fclose(file);
	}
	qsort(lines, n, sizeof(lines[0]), by_text);
	for (size_t i = 0; i < n; i++) {
		uint8_t data[WIRE_MSG_MAX];
		size_t len = 0;

		if (i && !strcmp(lines[i], lines[i - 1]))
			continue;
		while (sscanf(lines[i] + 2 * len, "%2hhx", &data[len]) == 1)
			len++;
		describe(data, len);
	}
	for (size_t i = 0; i < n; i++)
		free(lines[i]);
	return n < RECORDED_MAX;
}

int main(int argc, char **argv)
{
	unsigned int by_hand;
	bool told;

	if (argc < 3) {
		fprintf(stderr, "usage: emit PCAP TABLE [MESSAGES...]\n");
		return 2;
	}
	pcap = fopen(argv[1], "wb");
	table = fopen(argv[2], "w");
	if (!pcap || !table) {
		perror("emit");
		return 1;
	}
	pcap_header();
	rrq_per_node();
	rrq_per_mn_with_gre_key();
	gre_key_3gpp2();
	rrq_mn_aaa();
	rrq_deregistration();
	rrq_flags();
	rrp_accepted();
	rrp_denied();
	revocations();
	acknowledgments();
	longest_nai();
	by_hand = frames;
	if (!recorded(argv + 3, argc - 3))
		return 1;
	if (fclose(pcap) || fclose(table)) {
		perror("emit");
		return 1;
	}
	told = print_untold();
	printf("%sok 1 - for tshark.sh: %u messages by hand, %u of unit tests; a test for what it can't read\n1..1\n",
	       told ? "" : "not ", by_hand, frames - by_hand);
	return !told;
}
