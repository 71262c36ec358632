// SPDX-License-Identifier: GPL-2.0-only
/* DHCP frames: what is refused, and why; what is built, read back by other eyes. */
#include "common.h"

#include "host/dhcp_packet.h"

#include <arpa/inet.h>

static const uint8_t mac[6] = { 2, 0, 0, 0, 1, 5 }, gwmac[6] = { 2, 0, 0x5e, 0, 0, 1 };

struct frame {
	uint8_t buf[1500];
	size_t len;
};

static uint32_t sum_words(const uint8_t *p, size_t len)
{
	uint32_t acc = 0;

	for (size_t i = 0; i < len; i++)
		acc += i % 2 ? p[i] : p[i] << 8;
	return acc;
}

static uint16_t finish(uint32_t acc)
{
	while (acc > 0xffff)
		acc = (acc >> 16) + (acc & 0xffff);
	return 0xffff - acc;
}

static void set16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

/* Lengths and checksums of a frame with @options_len bytes of options. */
static void seal(struct frame *f, size_t options_len)
{
	uint8_t *ip = f->buf + 14, *udp = ip + 20;
	size_t udp_len = 8 + 240 + options_len;

	f->len = 14 + 20 + udp_len;
	set16(ip + 2, 20 + udp_len);
	set16(ip + 10, 0);
	set16(ip + 10, finish(sum_words(ip, 20)));
	set16(udp + 4, udp_len);
	set16(udp + 6, 0);
	set16(udp + 6, finish(sum_words(ip + 12, 8) + 17 + udp_len + sum_words(udp, udp_len)));
}

static uint8_t *bootp(struct frame *f)
{
	return f->buf + 42;
}

static void make(struct frame *f, const void *options, size_t len)
{
	static const uint8_t head[] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255,
					0, 68, 0, 67, 0, 0, 0, 0 };
	uint8_t *b = bootp(f);

	memset(f, 0, sizeof(*f));
	memset(f->buf, 0xff, 6);
	memcpy(f->buf + 6, mac, 6);
	set16(f->buf + 12, 0x0800);
	memcpy(f->buf + 14, head, sizeof(head));
	b[0] = b[1] = 1;
	b[2] = 6;
	memcpy(b + 4, "\x12\x34\x56\x78", 4);
	memcpy(b + 28, mac, 6);
	memcpy(b + 236, "\x63\x82\x53\x63", 4);
	memcpy(b + 240, options, len);
	seal(f, len);
}

#define MAKE(f, options) make(f, options, sizeof(options) - 1)

/* From a buffer of exactly that size, so that a byte too far is seen. */
static enum dhcp_drop parse(const struct frame *f, size_t len, bool csum, struct dhcp_request *req)
{
	uint8_t *exact = malloc(len ? len : 1);
	enum dhcp_drop drop;

	memcpy(exact, f->buf, len);
	drop = dhcp_parse(exact, len, csum, req);
	free(exact);
	return drop;
}

#define DISCOVER "\x35\x01\x01"
#define FULL DISCOVER "\x3d\x07\x01\x02\x00\x00\x00\x01\x05" "\x32\x04\x0a\x00\x00\x07" "\x36\x04\x0a\x00\x00\x01" \
	"\x37\x03\x01\x03\x06" "\x0c\x02hi" "\x00\xff"

static void test_good(void **state)
{
	struct dhcp_request req;
	struct frame f;

	(void)state;
	MAKE(&f, FULL);
	bootp(&f)[10] = 0x80;
	memcpy(bootp(&f) + 12, "\x0a\x00\x00\x09", 4);
	seal(&f, sizeof(FULL) - 1);
	assert_int_equal(parse(&f, f.len, true, &req), DHCP_OK);
	assert_int_equal(req.type, DHCP_DISCOVER);
	assert_int_equal(req.xid, 0x12345678);
	assert_true(req.broadcast);
	assert_memory_equal(req.mac, mac, 6);
	assert_int_equal(ntohl(req.ciaddr.s_addr), 0x0a000009);
	assert_int_equal(ntohl(req.requested.s_addr), 0x0a000007);
	assert_int_equal(ntohl(req.server.s_addr), 0x0a000001);
	assert_int_equal(req.client_id_len, 7);
	assert_memory_equal(req.client_id, "\x01\x02\x00\x00\x00\x01\x05", 7);
	/* Ethernet's padding behind it is not part of it. */
	assert_int_equal(parse(&f, f.len + 40, true, &req), DHCP_OK);
}

static void test_truncated_frame(void **state)
{
	struct dhcp_request req;
	struct frame f;

	(void)state;
	MAKE(&f, FULL);
	for (size_t len = 0; len < f.len; len++)
		assert_int_equal(parse(&f, len, true, &req), DHCP_DROP_TRUNCATED);
}

/* Cut, with lengths and checksums made true again: what is left has no end. */
static void test_truncated_message(void **state)
{
	struct dhcp_request req;
	struct frame f;

	(void)state;
	for (size_t len = 0; len < sizeof(FULL) - 2; len++) {
		enum dhcp_drop drop;

		make(&f, FULL, len);
		drop = parse(&f, f.len, true, &req);
		if (drop != DHCP_DROP_OPTION_OVERRUN && drop != DHCP_DROP_OPTION_UNTERMINATED)
			fail_msg("%zu bytes of options: %d", len, drop);
	}
	for (size_t cut = 1; cut <= 248; cut++) {
		uint8_t *ip = f.buf + 14;

		MAKE(&f, "");
		set16(ip + 2, 20 + 248 - cut);
		set16(ip + 24, 248 - cut);
		set16(ip + 10, 0);
		set16(ip + 10, finish(sum_words(ip, 20)));
		set16(ip + 26, 0);
		assert_int_equal(parse(&f, f.len - cut, true, &req), DHCP_DROP_TRUNCATED);
	}
}

static const struct {
	const char *name;
	enum dhcp_drop want;
	const char *options;
	size_t len;
} rows[] = {
#define ROW(name, want, options) { name, want, options, sizeof(options) - 1 }
	ROW("no options at all", DHCP_DROP_OPTION_UNTERMINATED, ""),
	ROW("no end", DHCP_DROP_OPTION_UNTERMINATED, DISCOVER),
	ROW("only padding", DHCP_DROP_OPTION_UNTERMINATED, "\0\0\0\0\0\0\0\0"),
	ROW("no type", DHCP_DROP_NO_TYPE, "\x32\x04\x0a\x00\x00\x07\xff"),
	ROW("type of a server", DHCP_DROP_NO_TYPE, "\x35\x01\x02\xff"),
	ROW("type 0", DHCP_DROP_NO_TYPE, "\x35\x01\x00\xff"),
	ROW("type 255", DHCP_DROP_NO_TYPE, "\x35\x01\xff\xff"),
	ROW("type of two bytes", DHCP_DROP_OPTION_LENGTH, "\x35\x02\x01\x01\xff"),
	ROW("type of no byte", DHCP_DROP_OPTION_LENGTH, "\x35\x00\xff"),
	ROW("overlong option", DHCP_DROP_OPTION_OVERRUN, DISCOVER "\x0c\xff" "abc\xff"),
	ROW("length byte missing", DHCP_DROP_OPTION_OVERRUN, DISCOVER "\x0c"),
	ROW("option that swallows the end", DHCP_DROP_OPTION_UNTERMINATED, DISCOVER "\x0c\x01\xff"),
	ROW("requested address of 3 bytes", DHCP_DROP_OPTION_LENGTH, DISCOVER "\x32\x03\x0a\x00\x00\xff"),
	ROW("requested address of 5 bytes", DHCP_DROP_OPTION_LENGTH, DISCOVER "\x32\x05\x0a\x00\x00\x07\x07\xff"),
	ROW("server of 8 bytes", DHCP_DROP_OPTION_LENGTH, DISCOVER "\x36\x08\x0a\x00\x00\x01\x0a\x00\x00\x02\xff"),
	ROW("client id of 1 byte", DHCP_DROP_OPTION_LENGTH, DISCOVER "\x3d\x01\x01\xff"),
	ROW("type twice", DHCP_DROP_OPTION_REPEATED, DISCOVER "\x35\x01\x03\xff"),
	ROW("requested address twice", DHCP_DROP_OPTION_REPEATED,
	    DISCOVER "\x32\x04\x0a\x00\x00\x07\x32\x04\x0a\x00\x00\x08\xff"),
	ROW("overload 0", DHCP_DROP_OPTION_LENGTH, DISCOVER "\x34\x01\x00\xff"),
	ROW("overload 4", DHCP_DROP_OPTION_LENGTH, DISCOVER "\x34\x01\x04\xff"),
	ROW("overload into a file without end", DHCP_DROP_OPTION_UNTERMINATED, DISCOVER "\x34\x01\x01\xff"),
	ROW("overload into a name without end", DHCP_DROP_OPTION_UNTERMINATED, DISCOVER "\x34\x01\x02\xff"),
	ROW("unknown option", DHCP_OK, DISCOVER "\xe0\x03" "abc\xff"),
	ROW("behind the end anything goes", DHCP_OK, DISCOVER "\xff\x35\xff\x01"),
	ROW("parameter list twice", DHCP_OK, DISCOVER "\x37\x01\x01\x37\x01\x03\xff"),
	ROW("empty parameter list", DHCP_OK, DISCOVER "\x37\x00\xff"),
	ROW("size of a message of one byte", DHCP_DROP_OPTION_LENGTH, DISCOVER "\x39\x01\x05\xff"),
	ROW("empty option of a switch", DHCP_DROP_OPTION_LENGTH, DISCOVER "\x52\x00\xff"),
	ROW("two switches", DHCP_DROP_OPTION_REPEATED, DISCOVER "\x52\x02\x01\x00\x52\x02\x01\x00\xff"),
};

static void test_options(void **state)
{
	struct dhcp_request req;
	struct frame f;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum dhcp_drop drop;

		make(&f, rows[i].options, rows[i].len);
		drop = parse(&f, f.len, true, &req);
		if (drop != rows[i].want)
			fail_msg("%s: %d, not %d", rows[i].name, drop, rows[i].want);
	}
}

static void test_wishes(void **state)
{
	struct dhcp_request req;
	struct frame f;

	(void)state;
	MAKE(&f, DISCOVER "\x37\x02\x01\x79\x37\x01\x03\x39\x02\x05\xdc\x52\x03\x02\x01\x07\xff");
	assert_int_equal(parse(&f, f.len, true, &req), DHCP_OK);
	assert_true(req.wants_routes);
	assert_int_equal(req.most, 1500);
	assert_int_equal(req.relay_len, 3);
	assert_memory_equal(req.relay, "\x02\x01\x07", 3);
	/* less than everybody has to take isn't believed */
	MAKE(&f, DISCOVER "\x37\x01\x01\x39\x02\x01\x00\xff");
	assert_int_equal(parse(&f, f.len, true, &req), DHCP_OK);
	assert_false(req.wants_routes);
	assert_int_equal(req.most, 576);
	assert_int_equal(req.relay_len, 0);
}

static void test_overload(void **state)
{
	static const char both[] = "\x35\x01\x03\x34\x01\x03\xff";
	struct dhcp_request req;
	struct frame f;

	(void)state;
	MAKE(&f, both);
	memcpy(bootp(&f) + 108, "\x32\x04\x0a\x00\x00\x07\xff", 7);
	memcpy(bootp(&f) + 44, "\x36\x04\x0a\x00\x00\x01\xff", 7);
	seal(&f, sizeof(both) - 1);
	assert_int_equal(parse(&f, f.len, true, &req), DHCP_OK);
	assert_int_equal(ntohl(req.requested.s_addr), 0x0a000007);
	assert_int_equal(ntohl(req.server.s_addr), 0x0a000001);
	/* Two fields say different things */
	memcpy(bootp(&f) + 44, "\x32\x04\x0a\x00\x00\x08\xff", 7);
	seal(&f, sizeof(both) - 1);
	assert_int_equal(parse(&f, f.len, true, &req), DHCP_DROP_OPTION_REPEATED);
	/* An option doesn't run from one field into the next. */
	memcpy(bootp(&f) + 44, "\x36\x3f", 2);
	seal(&f, sizeof(both) - 1);
	assert_int_equal(parse(&f, f.len, true, &req), DHCP_DROP_OPTION_OVERRUN);
	/* Overload within an overloaded field. */
	memcpy(bootp(&f) + 44, "\x34\x01\x01\xff", 4);
	seal(&f, sizeof(both) - 1);
	assert_int_equal(parse(&f, f.len, true, &req), DHCP_DROP_OPTION_REPEATED);
	/* Without overload these fields are names. */
	MAKE(&f, "\x35\x01\x03\xff");
	memset(bootp(&f) + 44, 0x32, 192);
	seal(&f, 4);
	assert_int_equal(parse(&f, f.len, true, &req), DHCP_OK);
	assert_int_equal(req.requested.s_addr, 0);
}

static void test_headers(void **state)
{
	static const struct {
		size_t off;
		uint8_t value;
		enum dhcp_drop want;
	} patches[] = {
		{ 14, 0x65, DHCP_DROP_NO_REQUEST },	/* version 6 */
		{ 14, 0x44, DHCP_DROP_TRUNCATED },	/* header of 16 bytes */
		{ 20, 0x20, DHCP_DROP_FRAGMENT },
		{ 21, 0x01, DHCP_DROP_FRAGMENT },
		{ 23, 6, DHCP_DROP_NO_REQUEST },
		{ 37, 68, DHCP_DROP_NO_REQUEST },
		{ 42, 2, DHCP_DROP_NO_REQUEST },
		{ 43, 6, DHCP_DROP_NO_REQUEST },
		{ 44, 16, DHCP_DROP_NO_REQUEST },
		{ 42 + 24, 10, DHCP_DROP_RELAYED },
		{ 42 + 28, 4, DHCP_DROP_FOREIGN_MAC },
		{ 42 + 239, 0, DHCP_DROP_NO_REQUEST },
	};
	struct dhcp_request req;
	struct frame f;

	(void)state;
	for (size_t i = 0; i < sizeof(patches) / sizeof(patches[0]); i++) {
		enum dhcp_drop drop;

		MAKE(&f, FULL);
		f.buf[patches[i].off] = patches[i].value;
		seal(&f, sizeof(FULL) - 1);
		drop = parse(&f, f.len, true, &req);
		if (drop != patches[i].want)
			fail_msg("byte %zu: %d, not %d", patches[i].off, drop, patches[i].want);
	}
}

static void test_checksums(void **state)
{
	struct dhcp_request req;
	struct frame f;

	(void)state;
	MAKE(&f, FULL);
	f.buf[14 + 8]--;
	assert_int_equal(parse(&f, f.len, true, &req), DHCP_DROP_CHECKSUM);
	MAKE(&f, FULL);
	f.buf[42 + 4]++;
	assert_int_equal(parse(&f, f.len, true, &req), DHCP_DROP_CHECKSUM);
	/* left to hardware, or not used at all */
	assert_int_equal(parse(&f, f.len, false, &req), DHCP_OK);
	set16(f.buf + 40, 0);
	assert_int_equal(parse(&f, f.len, true, &req), DHCP_OK);
}

/* A fixed seed: the same inputs in every run. */
static void test_mutations(void **state)
{
	uint64_t x = 0x6d697034;
	struct dhcp_request req;
	unsigned int taken = 0;
	struct frame f;

	(void)state;
	for (unsigned int i = 0; i < 300000; i++) {
		unsigned int n;

		MAKE(&f, FULL);
		for (n = 1 + i % 4; n; n--) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			/* mostly in what the parser walks through */
			f.buf[x & 1 ? 42 + 240 + (x >> 8) % (sizeof(FULL) - 1) : (x >> 8) % f.len] = x >> 40;
		}
		if (i % 3)
			seal(&f, sizeof(FULL) - 1 - (x >> 50) % 8);
		taken += parse(&f, f.len, i % 3, &req) == DHCP_OK;
	}
	/* Both sorts came up. */
	assert_in_range(taken, 1000, 299000);
}

static const uint8_t *option(const uint8_t *b, size_t len, uint8_t code, uint8_t *size)
{
	for (size_t i = 240; i < len && b[i] != 255; i += b[i] ? 2 + b[i + 1] : 1)
		if (b[i] == code) {
			*size = b[i + 1];
			return b + i + 2;
		}
	return NULL;
}

static void check_frame(const uint8_t *frame, size_t len)
{
	const uint8_t *ip = frame + 14, *udp = ip + 20;

	assert_int_equal(ip[2] << 8 | ip[3], len - 14);
	assert_int_equal(udp[4] << 8 | udp[5], len - 34);
	assert_int_equal(finish(sum_words(ip, 20)), 0);
	assert_int_equal(finish(sum_words(ip + 12, 8) + 17 + (len - 34) + sum_words(udp, len - 34)), 0);
	assert_memory_equal(udp, "\0\x43\0\x44", 4);
	assert_memory_equal(frame + 6, gwmac, 6);
	assert_true(len - 42 >= 300);
}

static void test_build(void **state)
{
	struct dhcp_request req = { .type = DHCP_REQUEST, .xid = 0x12345678, .most = 576, .client_id_len = 3,
				    .client_id = "abc" };
	struct dhcp_options options = { .mtu = 1400, .n_dns = 2, .n_ntp = 1, .domain = "example.com", .n_routes = 2 };
	struct dhcp_reply reply = { .type = DHCP_ACK, .req = &req, .plen = 24, .lease = 300, .options = &options };
	uint8_t frame[DHCP_FRAME_MAX], size;
	const uint8_t *b = frame + 42, *p;
	size_t len;

	(void)state;
	memcpy(req.mac, mac, 6);
	memcpy(reply.src_mac, gwmac, 6);
	inet_pton(AF_INET, "10.0.0.1", &reply.gateway);
	reply.server = options.dns[0] = options.dns[1] = reply.gateway;
	inet_pton(AF_INET, "192.0.2.123", &options.ntp[0]);
	options.routes[0] = (struct dhcp_route){ .prefix.s_addr = htonl(0xc6336400), .via = reply.gateway, .plen = 22 };
	options.routes[1] = (struct dhcp_route){ .prefix.s_addr = htonl(0xac100000), .via.s_addr = htonl(0x0a0000fe),
						 .plen = 12 };
	inet_pton(AF_INET, "10.0.0.7", &reply.yiaddr);

	len = dhcp_build(&reply, frame);
	check_frame(frame, len);
	assert_memory_equal(frame, mac, 6);
	assert_memory_equal(frame + 30, "\x0a\0\0\x07", 4);	/* to yiaddr */
	assert_memory_equal(b + 16, "\x0a\0\0\x07", 4);
	assert_memory_equal(b + 4, "\x12\x34\x56\x78", 4);
#define HAS(code, value) do { \
	p = option(b, len - 42, code, &size); \
	assert_non_null(p); \
	assert_int_equal(size, sizeof(value) - 1); \
	assert_memory_equal(p, value, size); \
} while (0)
	HAS(53, "\x05");
	HAS(54, "\x0a\0\0\x01");
	HAS(51, "\0\0\x01\x2c");
	HAS(58, "\0\0\0\x96");
	HAS(59, "\0\0\x01\x07");
	HAS(1, "\xff\xff\xff\0");
	HAS(3, "\x0a\0\0\x01");
	HAS(6, "\x0a\0\0\x01\x0a\0\0\x01");
	HAS(26, "\x05\x78");
	HAS(61, "abc");
	HAS(15, "example.com");
	HAS(42, "\xc0\0\x02\x7b");
	assert_null(option(b, len - 42, 121, &size));	/* not asked for */
	assert_null(option(b, len - 42, 82, &size));

	/* a switch on the way finds its option behind all others */
	req.wants_routes = true;
	req.relay_len = 6;
	memcpy(req.relay, "\x01\x04port", 6);
	len = dhcp_build(&reply, frame);
	check_frame(frame, len);
	HAS(121, "\x00\x0a\0\0\x01" "\x16\xc6\x33\x64\x0a\0\0\x01" "\x0c\xac\x10\x0a\0\0\xfe");
	HAS(82, "\x01\x04port");
	assert_int_equal(p[6], 255);

	req.broadcast = true;
	len = dhcp_build(&reply, frame);
	check_frame(frame, len);
	assert_memory_equal(frame, "\xff\xff\xff\xff\xff\xff", 6);
	assert_memory_equal(frame + 30, "\xff\xff\xff\xff", 4);
	assert_int_equal(b[10], 0x80);

	/* ciaddr overrules the flag */
	inet_pton(AF_INET, "10.0.0.7", &req.ciaddr);
	len = dhcp_build(&reply, frame);
	check_frame(frame, len);
	assert_memory_equal(frame, mac, 6);
	assert_memory_equal(frame + 30, "\x0a\0\0\x07", 4);

	reply.type = DHCP_NAK;
	len = dhcp_build(&reply, frame);
	check_frame(frame, len);
	assert_memory_equal(frame, "\xff\xff\xff\xff\xff\xff", 6);
	assert_memory_equal(b + 12, "\0\0\0\0\0\0\0\0", 8);
	HAS(53, "\x06");
	HAS(54, "\x0a\0\0\x01");
	HAS(82, "\x01\x04port");
	assert_null(option(b, len - 42, 51, &size));
	assert_null(option(b, len - 42, 1, &size));

	/* INFORM: no address, no lease */
	reply.type = DHCP_ACK;
	reply.yiaddr.s_addr = 0;
	len = dhcp_build(&reply, frame);
	check_frame(frame, len);
	assert_null(option(b, len - 42, 51, &size));
	HAS(1, "\xff\xff\xff\0");

	/* what a client takes: routes fit, the long domain doesn't, time servers do */
	inet_pton(AF_INET, "10.0.0.7", &reply.yiaddr);
	memset(options.domain, 'x', DHCP_DOMAIN_MAX);
	options.n_routes = DHCP_ROUTES_MAX;
	for (unsigned int i = 0; i < DHCP_ROUTES_MAX; i++)
		options.routes[i].plen = 32;
	options.n_ntp = options.n_dns = DHCP_SERVERS_MAX;
	req.most = 576;
	len = dhcp_build(&reply, frame);
	check_frame(frame, len);
	assert_true(len <= 14 + 576);
	assert_null(option(b, len - 42, 15, &size));
	assert_non_null(option(b, len - 42, 121, &size));
	assert_int_equal(size, 5 + 9 * DHCP_ROUTES_MAX);
	assert_non_null(option(b, len - 42, 42, &size));

	/* the most there can be, and must be: what the client and the switch want to see again */
	req.most = 65535;
	req.client_id_len = req.relay_len = 255;
	len = dhcp_build(&reply, frame);
	check_frame(frame, len);
	assert_true(len <= DHCP_FRAME_MAX);
	assert_non_null(option(b, len - 42, 82, &size));
	assert_int_equal(size, 255);
	assert_null(option(b, len - 42, 15, &size));
	req.most = 576;
	len = dhcp_build(&reply, frame);
	check_frame(frame, len);
	assert_non_null(option(b, len - 42, 3, &size));
	assert_null(option(b, len - 42, 6, &size));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_truncated_frame),
		cmocka_unit_test(test_truncated_message), cmocka_unit_test(test_options),
		cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_overload), cmocka_unit_test(test_headers), cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_mutations), cmocka_unit_test(test_build),
	};

	return cmocka_run_group_tests_name("dhcp_packet", tests, NULL, NULL);
}
