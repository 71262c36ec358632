// SPDX-License-Identifier: GPL-2.0-only
#include "host/dhcp_packet.h"

#include <arpa/inet.h>
#include <string.h>

#define ETH_LEN		14
#define UDP_LEN		8
#define BOOTP_LEN	236	/* up to the cookie */
#define BOOTP_MIN	300	/* RFC 951: what old clients and relays want to see */
#define PACKET_MIN	576	/* RFC 2131 s2: what each client takes, IP header included */
#define COOKIE		0x63825363
#define SERVER_PORT	67
#define CLIENT_PORT	68

/* Offsets in a BOOTP message, RFC 2131 s2. */
enum {
	OP = 0, HTYPE = 1, HLEN = 2, XID = 4, FLAGS = 10, CIADDR = 12, YIADDR = 16,
	GIADDR = 24, CHADDR = 28, SNAME = 44, FILE_NAME = 108, OPTIONS = 240,
};

enum {
	OPT_PAD = 0, OPT_MASK = 1, OPT_ROUTER = 3, OPT_DNS = 6, OPT_DOMAIN = 15, OPT_MTU = 26, OPT_NTP = 42,
	OPT_REQUESTED = 50, OPT_LEASE = 51, OPT_OVERLOAD = 52, OPT_TYPE = 53, OPT_SERVER = 54, OPT_WANTED = 55,
	OPT_MOST = 57, OPT_T1 = 58, OPT_T2 = 59, OPT_CLIENT_ID = 61, OPT_RELAY = 82, OPT_ROUTES = 121, OPT_END = 255,
};

static uint16_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static struct in_addr get_addr(const uint8_t *p)
{
	struct in_addr addr;

	memcpy(&addr, p, sizeof(addr));
	return addr;
}

static uint32_t sum(uint32_t acc, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		acc += get16(p);
	return len ? acc + (p[0] << 8) : acc;
}

static uint16_t fold(uint32_t acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return ~acc;
}

/* With the pseudo header of RFC 768; @udp holds @len bytes. */
static uint16_t udp_sum(const uint8_t *ip, const uint8_t *udp, size_t len)
{
	return fold(sum(sum(IPPROTO_UDP + len, ip + 12, 8), udp, len));
}

/* ---- reading ---- */

struct options {
	struct dhcp_request *req;
	uint8_t seen[32];	/* bits of codes that may be there once */
	uint8_t overload;
};

static enum dhcp_drop take_option(struct options *o, uint8_t code, const uint8_t *data, uint8_t len, bool in_options)
{
	struct dhcp_request *req = o->req;
	uint8_t want;

	switch (code) {
	case OPT_REQUESTED:
	case OPT_SERVER:
		want = 4;
		break;
	case OPT_TYPE:
	case OPT_OVERLOAD:
		want = 1;
		break;
	case OPT_MOST:
		want = 2;
		break;
	case OPT_CLIENT_ID:
	case OPT_RELAY:
		want = len < 2 ? 2 : len;	/* RFC 2132 s9.14, RFC 3046 s2.0 */
		break;
	case OPT_WANTED:	/* may be in parts */
		if (memchr(data, OPT_ROUTES, len))
			req->wants_routes = true;
		return DHCP_OK;
	default:
		return DHCP_OK;
	}
	if (len != want)
		return DHCP_DROP_OPTION_LENGTH;
	/* Parts of one option would be joined (RFC 3396): too long for each of these. */
	if (o->seen[code / 8] & 1 << code % 8)
		return DHCP_DROP_OPTION_REPEATED;
	o->seen[code / 8] |= 1 << code % 8;

	switch (code) {
	case OPT_REQUESTED:
		req->requested = get_addr(data);
		break;
	case OPT_SERVER:
		req->server = get_addr(data);
		break;
	case OPT_TYPE:
		req->type = data[0];
		break;
	case OPT_OVERLOAD:
		/* It says where options go on, so it makes no sense there. */
		if (!in_options || data[0] < 1 || data[0] > 3)
			return DHCP_DROP_OPTION_LENGTH;
		o->overload = data[0];
		break;
	case OPT_MOST:
		if (get16(data) > req->most)
			req->most = get16(data);
		break;
	case OPT_CLIENT_ID:
		req->client_id_len = len;
		memcpy(req->client_id, data, len);
		break;
	case OPT_RELAY:
		req->relay_len = len;
		memcpy(req->relay, data, len);
		break;
	}
	return DHCP_OK;
}

static enum dhcp_drop take_field(struct options *o, const uint8_t *p, size_t len, bool in_options)
{
	const uint8_t *end = p + len;

	while (p < end && *p != OPT_END) {
		enum dhcp_drop drop;

		if (*p == OPT_PAD) {
			p++;
			continue;
		}
		if (end - p < 2 || end - p - 2 < p[1])
			return DHCP_DROP_OPTION_OVERRUN;
		drop = take_option(o, p[0], p + 2, p[1], in_options);
		if (drop)
			return drop;
		p += 2 + p[1];
	}
	return p < end ? DHCP_OK : DHCP_DROP_OPTION_UNTERMINATED;
}

static enum dhcp_drop parse_bootp(const uint8_t *p, size_t len, struct dhcp_request *req)
{
	struct options o = { .req = req };
	enum dhcp_drop drop;

	if (len < OPTIONS)
		return DHCP_DROP_TRUNCATED;
	if (p[OP] != 1 || p[HTYPE] != 1 || p[HLEN] != 6 || get32(p + BOOTP_LEN) != COOKIE)
		return DHCP_DROP_NO_REQUEST;
	if (get32(p + GIADDR))
		return DHCP_DROP_RELAYED;
	if (memcmp(req->mac, p + CHADDR, 6))
		return DHCP_DROP_FOREIGN_MAC;
	req->xid = get32(p + XID);
	req->broadcast = get16(p + FLAGS) & 0x8000;
	req->ciaddr = get_addr(p + CIADDR);

	drop = take_field(&o, p + OPTIONS, len - OPTIONS, true);
	/* RFC 2131 s4.1: options first, then file, then sname */
	if (!drop && o.overload & 1)
		drop = take_field(&o, p + FILE_NAME, 128, false);
	if (!drop && o.overload & 2)
		drop = take_field(&o, p + SNAME, 64, false);
	if (drop)
		return drop;
	switch (req->type) {
	case DHCP_DISCOVER:
	case DHCP_REQUEST:
	case DHCP_DECLINE:
	case DHCP_RELEASE:
	case DHCP_INFORM:
		return DHCP_OK;
	default:
		return DHCP_DROP_NO_TYPE;
	}
}

enum dhcp_drop dhcp_parse(const uint8_t *frame, size_t len, bool csum_done, struct dhcp_request *req)
{
	const uint8_t *ip = frame + ETH_LEN, *udp;
	size_t ihl, total, udp_len;

	memset(req, 0, sizeof(*req));
	req->most = PACKET_MIN;
	if (len < ETH_LEN + 20)
		return DHCP_DROP_TRUNCATED;
	ihl = (ip[0] & 0xf) * 4;
	total = get16(ip + 2);
	if (ip[0] >> 4 != 4 || ip[9] != IPPROTO_UDP)
		return DHCP_DROP_NO_REQUEST;
	/* What follows the IP packet is Ethernet's padding. */
	if (ihl < 20 || total < ihl + UDP_LEN || len - ETH_LEN < total)
		return DHCP_DROP_TRUNCATED;
	if (fold(sum(0, ip, ihl)))
		return DHCP_DROP_CHECKSUM;
	if (get16(ip + 6) & 0x3fff)	/* MF or an offset */
		return DHCP_DROP_FRAGMENT;
	udp = ip + ihl;
	udp_len = get16(udp + 4);
	if (udp_len < UDP_LEN || udp_len > total - ihl)
		return DHCP_DROP_TRUNCATED;
	if (get16(udp + 2) != SERVER_PORT)
		return DHCP_DROP_NO_REQUEST;
	if (csum_done && get16(udp + 6) && udp_sum(ip, udp, udp_len))
		return DHCP_DROP_CHECKSUM;
	memcpy(req->mac, frame + 6, 6);
	return parse_bootp(udp + UDP_LEN, udp_len - UDP_LEN, req);
}

/* ---- building ---- */

static uint8_t *put_option(uint8_t *p, uint8_t code, const void *data, uint8_t len)
{
	p[0] = code;
	p[1] = len;
	memcpy(p + 2, data, len);
	return p + 2 + len;
}

static uint8_t *put_option32(uint8_t *p, uint8_t code, uint32_t value)
{
	uint8_t data[4];

	put32(data, value);
	return put_option(p, code, data, 4);
}

/* RFC 3442: with this option the client doesn't look at the router's. */
static uint8_t put_routes(uint8_t *data, const struct dhcp_reply *reply)
{
	const struct dhcp_options *options = reply->options;
	uint8_t *p = data;

	*p++ = 0;
	memcpy(p, &reply->gateway, 4);
	p += 4;
	for (unsigned int i = 0; i < options->n_routes; i++) {
		const struct dhcp_route *route = &options->routes[i];
		uint8_t significant = (route->plen + 7) / 8;

		*p++ = route->plen;
		memcpy(p, &route->prefix, significant);
		memcpy(p + significant, &route->via, 4);
		p += significant + 4;
	}
	return p - data;
}

/* As put_option(), if it ends by @end. */
static uint8_t *put_if_room(uint8_t *p, const uint8_t *end, uint8_t code, const void *data, uint8_t len)
{
	return len && end - p >= 2 + len ? put_option(p, code, data, len) : p;
}

static uint8_t *put_network(uint8_t *p, const uint8_t *end, const struct dhcp_reply *reply)
{
	const struct dhcp_options *options = reply->options;
	uint8_t mtu[2], routes[5 + 9 * DHCP_ROUTES_MAX];

	put16(mtu, options->mtu);
	p = put_if_room(p, end, OPT_DNS, options->dns, 4 * options->n_dns);
	p = put_if_room(p, end, OPT_MTU, mtu, options->mtu ? sizeof(mtu) : 0);
	if (options->n_routes && reply->req->wants_routes)
		p = put_if_room(p, end, OPT_ROUTES, routes, put_routes(routes, reply));
	p = put_if_room(p, end, OPT_DOMAIN, options->domain, strlen(options->domain));
	return put_if_room(p, end, OPT_NTP, options->ntp, 4 * options->n_ntp);
}

/* From @p on, with as much that a client can do without as ends by @end, the End option included. */
static uint8_t *put_options(uint8_t *p, const uint8_t *end, const struct dhcp_reply *reply)
{
	const struct dhcp_request *req = reply->req;
	size_t last = (req->relay_len ? 2 + req->relay_len : 0) + 1;
	uint8_t type = reply->type;

	p = put_option(p, OPT_TYPE, &type, 1);
	p = put_option(p, OPT_SERVER, &reply->server, 4);
	if (req->client_id_len)
		p = put_option(p, OPT_CLIENT_ID, req->client_id, req->client_id_len);
	if (reply->type != DHCP_NAK) {
		if (reply->yiaddr.s_addr) {
			p = put_option32(p, OPT_LEASE, reply->lease);
			p = put_option32(p, OPT_T1, reply->lease / 2);		/* RFC 2131 s4.4.5 */
			p = put_option32(p, OPT_T2, reply->lease - reply->lease / 8);
		}
		p = put_option32(p, OPT_MASK, reply->plen ? ~0u << (32 - reply->plen) : 0);
		p = put_option(p, OPT_ROUTER, &reply->gateway, 4);
		p = put_network(p, end - last, reply);
	}
	/* RFC 3046 s2.2: the last one */
	if (req->relay_len)
		p = put_option(p, OPT_RELAY, req->relay, req->relay_len);
	*p++ = OPT_END;
	return p;
}

/* RFC 2131 s4.1: where a reply goes when no relay is involved. */
static struct in_addr destination(const struct dhcp_reply *reply, bool *broadcast)
{
	const struct dhcp_request *req = reply->req;

	*broadcast = true;
	if (reply->type == DHCP_NAK)
		return (struct in_addr){ INADDR_BROADCAST };
	if (req->ciaddr.s_addr) {
		*broadcast = false;
		return req->ciaddr;
	}
	if (req->broadcast)
		return (struct in_addr){ INADDR_BROADCAST };
	*broadcast = false;
	return reply->yiaddr;
}

size_t dhcp_build(const struct dhcp_reply *reply, uint8_t frame[static DHCP_FRAME_MAX])
{
	uint8_t *ip = frame + ETH_LEN, *udp = ip + 20, *bootp = udp + UDP_LEN, *end;
	struct in_addr dst;
	bool broadcast;
	size_t len, most;

	memset(frame, 0, DHCP_FRAME_MAX);
	dst = destination(reply, &broadcast);

	bootp[OP] = 2;
	bootp[HTYPE] = 1;
	bootp[HLEN] = 6;
	put32(bootp + XID, reply->req->xid);
	put16(bootp + FLAGS, reply->req->broadcast ? 0x8000 : 0);
	if (reply->type != DHCP_NAK) {
		memcpy(bootp + CIADDR, &reply->req->ciaddr, 4);
		memcpy(bootp + YIADDR, &reply->yiaddr, 4);
	}
	memcpy(bootp + CHADDR, reply->req->mac, 6);
	put32(bootp + BOOTP_LEN, COOKIE);
	most = reply->req->most < DHCP_FRAME_MAX - ETH_LEN ? reply->req->most : DHCP_FRAME_MAX - ETH_LEN;
	end = put_options(bootp + OPTIONS, ip + most, reply);
	len = end - bootp < BOOTP_MIN ? BOOTP_MIN : end - bootp;

	put16(udp, SERVER_PORT);
	put16(udp + 2, CLIENT_PORT);
	put16(udp + 4, UDP_LEN + len);
	ip[0] = 0x45;
	put16(ip + 2, 20 + UDP_LEN + len);
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, &reply->server, 4);
	memcpy(ip + 16, &dst, 4);
	put16(ip + 10, fold(sum(0, ip, 20)));
	put16(udp + 6, udp_sum(ip, udp, UDP_LEN + len));
	if (!get16(udp + 6))
		put16(udp + 6, 0xffff);		/* 0 would say: none */

	if (broadcast)
		memset(frame, 0xff, 6);
	else
		memcpy(frame, reply->req->mac, 6);
	memcpy(frame + 6, reply->src_mac, 6);
	put16(frame + 12, 0x0800);
	return ETH_LEN + 20 + UDP_LEN + len;
}
