// SPDX-License-Identifier: GPL-2.0-only
/*
 * DHCP frames of four devices on two ports, as they come or with headers and
 * checksums put right, between a core's answers and timers that fire: what is
 * sent is a whole frame for a device that spoke, and promises no address but
 * its home address.
 */
#include "host/dhcp.h"
#include "host/dhcp_packet.h"
#include "host/log.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES		4
#define PORTS		2
#define TIMERS_MAX	64

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
	const uint8_t *p, *end;
};

static struct host host;
static struct config config;
static struct core_network network = { .name = "red", .plen = 24 };
static struct config_network extra = {
	.lease = 300,
	.dhcp = { .mtu = 1400, .n_dns = 2, .n_ntp = 4, .domain = "example.com", .n_routes = DHCP_ROUTES_MAX },
};
static const struct port ports[PORTS] = {
	{ .ifindex = 7, .name = "eth1", .gwmac = { 2, 0, 0x5e, 0, 0, 1 } },
	{ .ifindex = 8, .name = "eth2", .gwmac = { 2, 0, 0x5e, 0, 0, 2 } },
};
static struct core_reg regs[DEVICES];
static bool has_reg[DEVICES], spoke[DEVICES];
static uint8_t at_once;		/* what the core says within host_attach(): 0 = nothing */

static void require(bool condition)
{
	if (!condition)
		abort();
}

static uint8_t byte(struct bytes *b)
{
	return b->p < b->end ? *b->p++ : 0;
}

static int device_of(const uint8_t mac[6])
{
	return memcmp(mac, "\x02\0\0\0\x01", 5) || mac[5] >= DEVICES ? -1 : mac[5];
}

static struct in_addr any_addr(struct bytes *b)
{
	return (struct in_addr){ htonl(0x0a000000 + byte(b) % 8) };
}

/* ---- what dhcp.c calls ---- */

static void result(int device, enum core_action_type type, uint32_t port, struct in_addr home)
{
	struct core_action action = { .type = type };

	action.device.port = port;
	memcpy(action.device.mac, "\x02\0\0\0\x01", 5);
	action.device.mac[5] = device;
	action.device.home = home;
	action.device.gateway = network.gateway;
	action.device.plen = network.plen;
	action.device.lifetime = home.s_addr & htonl(1) ? 60 : WIRE_LIFETIME_INFINITE;
	action.device.network = network.name;
	has_reg[device] = type == CORE_ACT_ATTACHED;
	regs[device] = (struct core_reg){ .state = CORE_BOUND, .timeline.trigger = CORE_TRIGGER_DHCP };
	regs[device].rec.home = home;
	regs[device].rec.port = port;
	regs[device].rec.role = CORE_PMA;
	regs[device].rec.dhcp = true;
	strcpy(regs[device].rec.network, network.name);
	memcpy(regs[device].rec.mac, action.device.mac, 6);
	dhcp_result(host.dhcp, &action);
}

void host_attach(struct host *h, uint32_t ifindex, const char *name, const uint8_t mac[static 6],
		 enum core_trigger trigger, bool init, struct in_addr hint, const char *nai, uint64_t seen_us)
{
	const int device = device_of(mac);
	struct in_addr home = hint;

	(void)init;
	(void)seen_us;
	require(h == &host && *name && trigger == CORE_TRIGGER_DHCP && !nai);
	if (device < 0 || !at_once)
		return;
	if (has_reg[device])
		home = regs[device].rec.home;
	else if (!home.s_addr)
		home.s_addr = htonl(0x0a000002 + device);
	result(device, at_once == 1 ? CORE_ACT_ATTACHED : at_once == 2 ? CORE_ACT_REFUSED : CORE_ACT_GONE, ifindex,
	       home);
}

void host_detach(struct host *h, uint32_t ifindex, const uint8_t mac[static 6], enum core_detach why)
{
	const int device = device_of(mac);

	require(h == &host && ifindex && (why == CORE_DETACH_RELEASE || why == CORE_DETACH_LEASE_END));
	if (device >= 0)
		has_reg[device] = false;
}

const struct core_reg *core_find_device(const struct core *core, uint32_t ifindex, const uint8_t mac[static 6])
{
	const int device = device_of(mac);

	(void)core;
	return device >= 0 && has_reg[device] && regs[device].rec.port == ifindex ? &regs[device] : NULL;
}

const struct core_network *config_network(const struct config *c, const char *name, const struct config_network **e)
{
	require(c == &config && !strcmp(name, network.name));
	if (e)
		*e = &extra;
	return &network;
}

const struct port *port_find(const struct ports *all, uint32_t ifindex)
{
	(void)all;
	for (int i = 0; i < PORTS; i++)
		if (ports[i].ifindex == ifindex)
			return &ports[i];
	return NULL;
}

/* Type and address of a frame that a server may have sent. */
void port_send(const struct port *port, const uint8_t *frame, size_t len)
{
	const uint8_t *ip = frame + 14, *bootp = frame + 42, *p = bootp + 240, *end = frame + len, *type = NULL;
	const int device = device_of(bootp + 28);
	struct in_addr yiaddr;

	require(len >= 14 + 20 + 8 + 300 && len <= DHCP_FRAME_MAX && (size_t)(ip[2] << 8 | ip[3]) == len - 14);
	require((size_t)(ip[24] << 8 | ip[25]) == len - 34);
	require(!memcmp(frame + 6, port->gwmac, 6) && !memcmp(frame + 12, "\x08\0\x45", 3));
	require(!memcmp(frame, bootp + 28, 6) || !memcmp(frame, "\xff\xff\xff\xff\xff\xff", 6));
	require(device >= 0 && spoke[device]);
	while (p < end && *p != 255) {
		require(p + 2 <= end && p + 2 + p[1] <= end);
		if (*p == 53)
			type = p + 2;
		p += 2 + p[1];
	}
	require(p < end && type && (*type == DHCP_OFFER || *type == DHCP_ACK || *type == DHCP_NAK));
	memcpy(&yiaddr, bootp + 16, 4);
	require(!yiaddr.s_addr || (*type != DHCP_NAK && yiaddr.s_addr == regs[device].rec.home.s_addr));
}

/* ---- what happens ---- */

static uint16_t checksum(uint32_t acc, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		acc += i % 2 ? p[i] : p[i] << 8;
	while (acc > 0xffff)
		acc = (acc >> 16) + (acc & 0xffff);
	return ~acc;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static void come(const struct port *port, const uint8_t *data, size_t len, bool csum_done)
{
	uint8_t *frame = malloc(len ? len : 1);	/* its own block: ASan sees a read past the end */

	require(frame);
	memcpy(frame, data, len);
	if (len >= 12 && device_of(frame + 6) >= 0)
		spoke[device_of(frame + 6)] = true;
	dhcp_frame(host.dhcp, port, frame, len, csum_done, 1);
	free(frame);
}

static void raw_frame(struct bytes *b)
{
	const struct port *port = &ports[byte(b) % PORTS];
	size_t len = byte(b) << 1, left = b->end - b->p;

	if (len > left)
		len = left;
	come(port, b->p, len, true);
	b->p += len;
}

/* From its parts: options that make sense, then such as are just bytes. */
static void built_frame(struct bytes *b)
{
	const struct port *port = &ports[byte(b) % PORTS];
	uint8_t frame[600] = { 0 }, *ip = frame + 14, *udp = ip + 20, *bootp = udp + 8, *p = bootp + 240;
	struct in_addr addr;
	uint8_t n, has = byte(b);

	memset(frame, 0xff, 6);
	memcpy(frame + 6, "\x02\0\0\0\x01", 5);
	frame[11] = byte(b) % DEVICES;
	memcpy(frame + 12, "\x08\0\x45", 3);
	memcpy(bootp, "\x01\x01\x06", 3);
	bootp[10] = has << 7;
	if (has & 2) {
		addr = any_addr(b);
		memcpy(bootp + 12, &addr, 4);
	}
	memcpy(bootp + 28, frame + 6, 6);
	memcpy(bootp + 236, "\x63\x82\x53\x63\x35\x01", 6);
	bootp[242] = byte(b) % 9;
	p += 3;
	for (uint8_t code = 50; code <= 54; code += 4) {	/* the address it wants, the server it chose */
		if (!(has & (code == 50 ? 4 : 8)))
			continue;
		addr = any_addr(b);
		*p++ = code;
		*p++ = 4;
		memcpy(p, &addr, 4);
		p += 4;
	}
	for (n = byte(b) % 128; n; n--)
		*p++ = byte(b);
	if (!(has & 16))
		*p++ = 255;
	put16(ip + 2, p - ip);
	memcpy(ip + 8, "\x40\x11", 2);
	put16(ip + 10, checksum(0, ip, 20));
	put16(udp + 2, 67);
	put16(udp + 4, p - udp);
	put16(udp + 6, checksum(17 + (p - udp), ip + 12, p - ip - 12));
	come(port, frame, p - frame, has & 32);
}

static void core_says(struct bytes *b)
{
	static const enum core_action_type types[] = { CORE_ACT_ATTACHED, CORE_ACT_REFUSED, CORE_ACT_GONE };
	int device = byte(b) % DEVICES;
	uint32_t port = ports[byte(b) % PORTS].ifindex;

	result(device, types[byte(b) % 3], port, any_addr(b));
}

struct timers {
	struct event *event[TIMERS_MAX];
	int n;
};

static int add_timer(const struct event_base *base, const struct event *event, void *arg)
{
	struct timers *t = arg;

	(void)base;
	require(t->n < TIMERS_MAX);
	t->event[t->n++] = (struct event *)event;
	return 0;
}

/* All that run: leases end, offers are withdrawn. */
static void time_passes(struct bytes *b)
{
	struct timers t = { .n = 0 };

	(void)b;
	event_base_foreach_event(host.base, add_timer, &t);
	for (int i = 0; i < t.n; i++)
		event_active(t.event[i], EV_TIMEOUT, 0);
	event_base_loop(host.base, EVLOOP_NONBLOCK);
}

static void host_does(struct bytes *b)
{
	int device = byte(b) % DEVICES;
	uint8_t mac[6] = { 2, 0, 0, 0, 1, device };

	switch (byte(b) % 4) {
	case 0:
		dhcp_forget(host.dhcp, mac);
		break;
	case 1:
		dhcp_reset(host.dhcp);
		break;
	case 2:
		dhcp_holds_off(host.dhcp, mac, any_addr(b));
		break;
	default:
		if (has_reg[device])
			dhcp_restore(host.dhcp, &regs[device]);
	}
}

static void change_mind(struct bytes *b)
{
	at_once = byte(b) % 4;
}

static void (*const ops[])(struct bytes *b) = {
	built_frame, raw_frame, core_says, time_passes, host_does, change_mind,
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_set_level(LOG_L_ERROR);
	network.gateway.s_addr = htonl(0x0a000001);
	config.core.networks = &network;
	config.core.n_networks = 1;
	host.config = &config;
	host.base = event_base_new();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { data, data + size };

	memset(has_reg, 0, sizeof(has_reg));
	memset(spoke, 0, sizeof(spoke));
	memset(regs, 0, sizeof(regs));
	at_once = 0;
	host.dhcp = dhcp_new(&host);
	require(host.dhcp);
	while (b.p < b.end)
		ops[byte(&b) % (sizeof(ops) / sizeof(ops[0]))](&b);
	dhcp_free(host.dhcp);
	return 0;
}
