// SPDX-License-Identifier: GPL-2.0-only
#include "host/config.h"
#include "host/config_auth.h"
#include "host/config_ha.h"
#include "host/config_text.h"
#include "host/log.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <linux/mip4.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LIFETIME	600	/* s, default */
#define LIFETIME_MIN	30	/* s: room for asking whether the device is there, and for repeated RRQs */
#define LEASE		300	/* s, default */
#define MAX_REGISTRATIONS 65536
#define SOURCE_RATE	10000	/* a second: more than a proxy agent has devices, and a few % of a CPU */
#define TOTAL_RATE	100000	/* ten such sources */
#define REGISTRATION_RATE	5000	/* a second: as many as max-registrations allows within 13 s */
#define REPLAY_WINDOW	7	/* s, RFC 5944 s5.7.1 */
/* What a router has queued is there within a second, and what is returned waits at a home agent for 2 s at most. */
#define HANDOVER_GRACE_MS 2000
#define ADDRESS_HOLD_MAX (30 * 86400)
/* A cable that is put elsewhere by hand, and what then learns and negotiates. */
#define AWAY_S		10
/* Each costs a proxy agent three requests and home agents five messages. */
#define DRAIN_RATE	100	/* devices a second */
/* 0.25 Mbit/s both ways with the answers, and ten thousand devices are told in 50 s. */
#define REVOCATION_RATE	200	/* a second to each peer */

static uint32_t prefix_mask(unsigned int plen)
{
	return plen ? ~0u << (32 - plen) : 0;
}

static bool in_prefix(struct in_addr addr, struct in_addr prefix, unsigned int plen)
{
	return !((ntohl(addr.s_addr) ^ ntohl(prefix.s_addr)) & prefix_mask(plen));
}

static bool get_device_name(const struct section *sec, const char *option, bool must, char *name)
{
	if (!get_string(sec, option, must, name, IFNAMSIZ))
		return false;
	if (strpbrk(name, "/ \t:") || !strcmp(name, ".") || !strcmp(name, "..")) {
		section_error(sec, option, NULL, "not a name of a network device: \"%s\"", name);
		return false;
	}
	return true;
}

/* ---- networks ---- */

static bool read_range(const struct section *sec, const char *option, const struct item *item,
		       struct core_range *range)
{
	char text[64], *dash;

	snprintf(text, sizeof(text), "%s", item->text);
	dash = strchr(text, '-');
	if (!dash || strlen(item->text) >= sizeof(text)) {
		section_error(sec, option, "as \"10.0.0.10-10.0.0.250\"", "not a range: \"%s\"", text);
		return false;
	}
	*dash++ = '\0';
	while (isblank((unsigned char)*dash))
		dash++;
	text[strcspn(text, " \t")] = '\0';
	if (!parse_addr(sec, option, item->line, text, &range->first) ||
	    !parse_addr(sec, option, item->line, dash, &range->last))
		return false;
	if (ntohl(range->first.s_addr) > ntohl(range->last.s_addr)) {
		section_error(sec, option, "swap the two addresses", "ends before it begins");
		return false;
	}
	return true;
}

static void read_pool(const struct section *sec, const char *option, bool must, struct core_range *ranges)
{
	unsigned int n = 0;

	if (must && !item_count(sec, option))
		section_error(sec, option, "as \"10.0.0.10-10.0.0.250\"", "missing");
	for (unsigned int i = 0; i < item_count(sec, option); i++) {
		if (n == CORE_RANGES_MAX) {
			section_error(sec, option, NULL, "more than %d ranges", CORE_RANGES_MAX);
			break;
		}
		if (read_range(sec, option, item_get(sec, option, i), &ranges[n]))
			n++;
		else
			ranges[n].first.s_addr = 0;
	}
}

static void check_range(const struct section *sec, const char *option, const struct core_network *net,
			const struct core_range *range)
{
	uint32_t first = ntohl(range->first.s_addr), last = ntohl(range->last.s_addr);
	uint32_t host = prefix_mask(net->plen) ^ ~0u, gateway = ntohl(net->gateway.s_addr);

	if (!in_prefix(range->first, net->gateway, net->plen) || !in_prefix(range->last, net->gateway, net->plen)) {
		section_error(sec, option, "gateway and prefix-length say which prefix that is",
			      "lies outside the home prefix of %s/%u", ip_text(net->gateway).s, net->plen);
		return;
	}
	if (net->plen < 31 && (!(first & host) || (last & host) == host))
		section_error(sec, option, "the first and the last address of a prefix are no hosts",
			      "holds the network's own or its broadcast address");
	if (first <= gateway && gateway <= last)
		section_error(sec, option, "leave the gateway out of it", "holds the gateway %s",
			      ip_text(net->gateway).s);
}

/* Does one of @ranges have an address of @range? */
static bool overlaps(const struct core_range *ranges, const struct core_range *range)
{
	for (; ranges->first.s_addr; ranges++)
		if (ranges != range && ntohl(ranges->first.s_addr) <= ntohl(range->last.s_addr) &&
		    ntohl(range->first.s_addr) <= ntohl(ranges->last.s_addr))
			return true;
	return false;
}

static bool overlap(const struct core_range *a, const struct core_range *b)
{
	for (; a->first.s_addr; a++)
		if (overlaps(b, a))
			return true;
	return false;
}

static void check_pool(const struct section *sec, const char *option, const struct core_network *net,
		       const struct core_range *ranges)
{
	for (const struct core_range *range = ranges; range->first.s_addr; range++)
		check_range(sec, option, net, range);
	if (overlap(ranges, ranges))
		section_error(sec, option, NULL, "two of its ranges overlap");
}

static void check_prefix(const struct section *sec, const struct core_network *net)
{
	uint32_t host = prefix_mask(net->plen) ^ ~0u, gateway = ntohl(net->gateway.s_addr);

	if (!gateway || !net->plen)
		return;		/* complained about */
	if (net->plen < 31 && (!(gateway & host) || (gateway & host) == host))
		section_error(sec, "gateway", "the first and the last address of a prefix are no hosts",
			      "not a host address in its /%u", net->plen);
	check_pool(sec, "pool", net, net->pool);
	check_pool(sec, "other-pool", net, net->other_pool);
	if (overlap(net->pool, net->other_pool))
		section_error(sec, "other-pool", "each home agent gives out its own", "overlaps the pool");
}

static void read_pools(const struct section *sec, const struct core_config *core, struct core_network *net)
{
	static const char *const options[] = { "pool", "other-pool", "address-hold" };
	uint64_t n;

	if (core->ha) {
		read_pool(sec, "pool", MUST, net->pool);
		read_pool(sec, "other-pool", MAY, net->other_pool);
		if (get_number(sec, "address-hold", MAY, 0, ADDRESS_HOLD_MAX, &n))
			net->address_hold_s = n;
		return;
	}
	for (unsigned int i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (item_get(sec, options[i], 0))
			section_error(sec, options[i], "remove it, or set home-agent = true",
				      "only a home agent has a pool");
}

static unsigned int read_servers(const struct section *sec, const char *option,
				 struct in_addr servers[static DHCP_SERVERS_MAX])
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < item_count(sec, option); i++) {
		const struct item *item = item_get(sec, option, i);

		if (i == DHCP_SERVERS_MAX) {
			section_error(sec, option, NULL, "more than %d servers", DHCP_SERVERS_MAX);
			break;
		}
		n += parse_addr(sec, option, item->line, item->text, &servers[n]);
	}
	return n;
}

/* "PREFIX/LENGTH", which is by way of the gateway, or "PREFIX/LENGTH via ADDRESS" */
static bool read_route(const struct section *sec, const struct item *item, const struct core_network *net,
		       struct dhcp_route *route)
{
	char text[80], *via, *slash;
	uint64_t plen;

	snprintf(text, sizeof(text), "%s", item->text);
	via = strstr(text, " via ");
	if (via) {
		*via = '\0';
		if (!parse_addr(sec, "routes", item->line, via + strlen(" via "), &route->via))
			return false;
		if (!in_prefix(route->via, net->gateway, net->plen)) {
			section_error(sec, "routes", "a device reaches routers of its home prefix only",
				      "%s lies outside %s/%u", ip_text(route->via).s, ip_text(net->gateway).s,
				      net->plen);
			return false;
		}
	} else {
		route->via = net->gateway;
	}
	slash = strchr(text, '/');
	if (!slash) {
		section_error(sec, "routes", "PREFIX/LENGTH, or PREFIX/LENGTH via ADDRESS", "no \"/\" in \"%s\"", text);
		return false;
	}
	*slash++ = '\0';
	if (!parse_addr(sec, "routes", item->line, text, &route->prefix) ||
	    !parse_number(sec, "routes", item->line, slash, 1, 32, &plen))
		return false;
	route->plen = plen;
	if (ntohl(route->prefix.s_addr) & ~prefix_mask(plen)) {
		section_error(sec, "routes", NULL, "%s/%s has bits set beyond its length", text, slash);
		return false;
	}
	return true;
}

static void read_routes(const struct section *sec, const struct core_network *net, struct dhcp_options *dhcp)
{
	for (unsigned int i = 0; i < item_count(sec, "routes"); i++) {
		if (i == DHCP_ROUTES_MAX) {
			section_error(sec, "routes", NULL, "more than %d routes", DHCP_ROUTES_MAX);
			return;
		}
		dhcp->n_routes += read_route(sec, item_get(sec, "routes", i), net, &dhcp->routes[dhcp->n_routes]);
	}
}

/* RFC 4332: what a home agent tells, and who asks for it. */
static void read_host_config(const struct section *sec, const struct core_config *core, const struct dhcp_options *dhcp,
			     struct core_network *net)
{
	get_bool(sec, "host-config", &net->ask_host);
	only_if(core->pma, sec, "host-config", "remove it, or set proxy-agent = true",
		"only a proxy agent asks for it");
	net->host.plen = net->plen;
	net->host.gateway = net->gateway;
	for (unsigned int i = 0; i < dhcp->n_dns && i < WIRE_HOST_DNS_MAX; i++)
		net->host.dns[i] = dhcp->dns[i];
	strcpy(net->host.suffix, dhcp->domain);
}

static void read_dhcp(const struct section *sec, const struct core_network *net, struct dhcp_options *dhcp)
{
	uint64_t n;

	if (get_number(sec, "mtu", MAY, 576, 65535, &n))
		dhcp->mtu = n;
	dhcp->n_dns = read_servers(sec, "dns", dhcp->dns);
	dhcp->n_ntp = read_servers(sec, "ntp", dhcp->ntp);
	if (get_string(sec, "domain", MAY, dhcp->domain, sizeof(dhcp->domain)) && !wire_host_suffix_ok(dhcp->domain))
		section_error(sec, "domain", "letters, digits, hyphens and dots", "not a domain: \"%s\"", dhcp->domain);
	read_routes(sec, net, dhcp);
}

/* RFC 5446: what is asked for here, and what is to be had. */
static void read_services(const struct section *sec, const struct core_config *core, struct core_network *net)
{
	if (get_string(sec, "service", MAY, net->service, sizeof(net->service)) && !core->pma)
		section_error(sec, "service", "remove it, or set proxy-agent = true",
			      "only a proxy agent asks for one");
	if (item_count(sec, "services") && !core->ha)
		section_error(sec, "services", "remove it, or set home-agent = true", "only a home agent has services");
	for (unsigned int i = 0; i < item_count(sec, "services"); i++) {
		const char *name = item_get(sec, "services", i)->text;

		if (i == CORE_SERVICES_MAX) {
			section_error(sec, "services", NULL, "more than %d services", CORE_SERVICES_MAX);
			return;
		}
		if (!*name || strlen(name) > WIRE_SERVICE_MAX)
			section_error(sec, "services", NULL, "a name has 1 to %d characters", WIRE_SERVICE_MAX);
		else
			strcpy(net->services[net->n_services++], name);
	}
}

static void read_tentative(const struct section *sec, const struct core_config *core, struct core_network *net)
{
	static const char *const end[] = { "commit", "rollback" };
	unsigned int choice;
	uint64_t n;

	if (get_number(sec, "tentative", MAY, 0, 60000, &n))
		net->tentative_ms = n;
	if (get_choice(sec, "tentative-end", "commit or rollback", end, sizeof(end) / sizeof(end[0]), &choice))
		net->tentative_back = choice;
	for (unsigned int i = 0; i < 2; i++)
		only_if(core->ha, sec, i ? "tentative-end" : "tentative", "remove it, or set home-agent = true",
			"only a home agent decides on handovers");
}

static void read_tunnels(const struct section *sec, const struct core_config *core, struct core_network *net)
{
	static const char *const reverse[] = { "optional", "required" };
	unsigned int choice;
	bool gre = true;

	if (get_choice(sec, "reverse-tunnel", "optional or required", reverse, 2, &choice))
		net->wants_reverse = choice;
	only_if(core->ha, sec, "reverse-tunnel", "remove it", "a proxy agent always asks for one");
	get_bool(sec, "gre", &gre);
	net->no_gre = !gre;
	only_if(core->ha, sec, "gre", "remove it, and set gre-key in the peer's section",
		"a proxy agent asks for what its peer has");
}

static void read_network(const struct section *sec, const struct core_config *core,
			 struct core_network *net, struct config_network *extra)
{
	uint64_t n;

	if (strlen(section_title(sec)) >= sizeof(net->name))
		section_error(sec, NULL, NULL, "a name has at most %zu characters", sizeof(net->name) - 1);
	else
		strcpy(net->name, section_title(sec));
	if (get_string(sec, "nai", MUST, net->nai, sizeof(net->nai)) && !wire_nai_ok(net->nai))
		section_error(sec, "nai", "\"*@realm\" or \"user@realm\"", "not an NAI: \"%s\"", net->nai);
	else if (strchr(net->nai, '*') && (strncmp(net->nai, "*@", 2) || strchr(net->nai + 1, '*')))
		section_error(sec, "nai", "\"*@realm\" or \"user@realm\"", "\"*\" can only be all before the \"@\"");
	get_device_name(sec, "device", MUST, net->device);
	if (get_number(sec, "realm", MAY, 0, UINT32_MAX, &n))
		net->realm = n;
	get_addr(sec, "home-agent-address", MUST, &net->ha);
	get_addr(sec, "gateway", MUST, &net->gateway);
	if (get_number(sec, "prefix-length", MUST, 1, 32, &n))
		net->plen = n;
	net->lifetime = LIFETIME;
	if (get_number(sec, "lifetime", MAY, LIFETIME_MIN, WIRE_LIFETIME_INFINITE, &n))
		net->lifetime = n;
	read_tentative(sec, core, net);
	get_bool(sec, "bicast", &net->bicast);
	only_if(core->ha, sec, "bicast", "remove it, or set home-agent = true", "only a home agent sends copies");
	net->simultaneous = 1;
	if (get_number(sec, "simultaneous-bindings", MAY, 1, CORE_LEGS_MAX, &n))
		net->simultaneous = n;
	if (net->simultaneous > 1 && net->tentative_ms)
		section_error(sec, "simultaneous-bindings", "remove one of the two",
			      "not with tentative handovers: what these undo would be gone");
	only_if(core->ha, sec, "simultaneous-bindings", "remove it, or set home-agent = true",
		"only a home agent has bindings");
	read_tunnels(sec, core, net);
	read_pools(sec, core, net);
	check_prefix(sec, net);
	read_home_agents(sec, core, net);
	read_services(sec, core, net);

	extra->lease = LEASE;
	if (get_number(sec, "lease", MAY, 10, UINT32_MAX - 1, &n))
		extra->lease = n;
	read_dhcp(sec, net, &extra->dhcp);
	read_host_config(sec, core, &extra->dhcp, net);
}

static void check_network_pair(const struct section *sec, const struct core_config *core,
			       const struct core_network *net, const struct core_network *other)
{
	if (*net->nai && !strcasecmp(net->nai, other->nai))
		section_error(sec, "nai", "the first match wins: this network would never be used",
			      "the same as of network %s", other->name);
	if (!core->ha)
		return;
	if (net->ha.s_addr && (net->ha.s_addr == network_broadcast(other).s_addr ||
			       other->ha.s_addr == network_broadcast(net).s_addr))
		section_error(sec, "home-agent-address", "nobody could be registered there",
			      "that of network %s, or this one, is the other's broadcast address", other->name);
	if (net->realm != other->realm) {
		if (*net->device && !strcmp(net->device, other->device))
			section_error(sec, "device", "one mip4 device per realm on a home agent",
				      "%s already carries realm %u of network %s", net->device, other->realm,
				      other->name);
		return;
	}
	if (*net->device && *other->device && strcmp(net->device, other->device))
		section_error(sec, "device", "give this network a realm of its own, or the same device",
			      "realm %u is on %s in network %s", net->realm, other->device, other->name);
	if (overlap(net->pool, other->pool))
		section_error(sec, "pool", "equal addresses need different realms",
			      "overlaps the pool of network %s in realm %u", other->name, net->realm);
}

/* ---- identities ---- */

static void read_identity(const struct section *sec, struct core_identity *id)
{
	char text[40], *slash;

	snprintf(text, sizeof(text), "%s", section_title(sec));
	memset(id->mask, 0xff, sizeof(id->mask));
	slash = strchr(text, '/');
	if (slash)
		*slash++ = '\0';
	if (!mac_parse(text, id->mac) || (slash && !mac_parse(slash, id->mask)))
		section_error(sec, NULL, "as \"02:00:00:00:01:00/ff:ff:ff:ff:ff:00\"", "not a MAC address with mask");
	for (int i = 0; i < 6; i++)
		if (id->mac[i] & ~id->mask[i]) {
			section_error(sec, NULL, "clear the bits that the mask leaves open",
				      "the MAC address has bits outside its mask");
			break;
		}
	if (!get_string(sec, "nai", MUST, id->nai, sizeof(id->nai)))
		return;
	if (!wire_nai_ok(id->nai))
		section_error(sec, "nai", "as \"%m@realm\"", "not an NAI: \"%s\"", id->nai);
	for (const char *p = id->nai; (p = strchr(p, '%')); p += 2)
		if (!p[1] || !strchr("mM%", p[1])) {
			section_error(sec, "nai", "%m, %M or %%", "unknown %% in \"%s\"", id->nai);
			break;
		}
}

/* ---- devices ---- */

static void read_device_addr(const struct section *sec, const struct item *item, struct config_device *dev)
{
	char text[40], *slash;
	uint64_t plen;

	snprintf(text, sizeof(text), "%s", item->text);
	slash = strchr(text, '/');
	if (!slash) {
		section_error(sec, "addresses", "as \"10.0.0.1/24\"", "no prefix length in \"%s\"", text);
		return;
	}
	*slash++ = '\0';
	if (parse_addr(sec, "addresses", item->line, text, &dev->addrs[dev->n_addrs].addr) &&
	    parse_number(sec, "addresses", item->line, slash, 1, 32, &plen))
		dev->addrs[dev->n_addrs++].plen = plen;
}

static void read_hostapds(const struct section *sec, const struct core_config *core, struct config_device *dev)
{
	for (unsigned int i = 0; i < item_count(sec, "hostapd"); i++) {
		const char *path = item_get(sec, "hostapd", i)->text;

		if (i == CONFIG_HOSTAPDS_MAX) {
			section_error(sec, "hostapd", NULL, "more than %d control sockets", CONFIG_HOSTAPDS_MAX);
			return;
		}
		if (*path != '/' || !strrchr(path, '/')[1] || strlen(strrchr(path, '/')) > IFNAMSIZ ||
		    strlen(path) >= CONFIG_SOCKET_MAX)
			section_error(sec, "hostapd", "as /run/hostapd/wlan0",
				      "not the path of a control socket, which ends with an interface: \"%s\"", path);
		else
			strcpy(dev->hostapds[dev->n_hostapds++], path);
	}
	only_if(core->pma, sec, "hostapd", "remove it, or set proxy-agent = true",
		"only a proxy agent attaches devices");
}

static void add_setting(struct config_device *dev, uint16_t attr, uint8_t value)
{
	dev->settings[dev->n_settings].attr = attr;
	dev->settings[dev->n_settings++].value = value;
}

/* What isn't named stays as the kernel or another hand has it. */
static void read_device_settings(const struct section *sec, struct config_device *dev)
{
	static const char *const arp[] = {
		[MIP4_ARP_OFF] = "off", [MIP4_ARP_GATEWAY] = "gateway", [MIP4_ARP_ALL] = "all",
	};
	static const char *const multicast[] = {
		[MIP4_MULTICAST_DROP] = "drop", [MIP4_MULTICAST_TUNNEL] = "tunnel",
		[MIP4_MULTICAST_REPLICATE] = "replicate",
	};
	unsigned int choice;
	uint64_t n;
	bool on;

	if (get_choice(sec, "arp", "off, gateway or all", arp, sizeof(arp) / sizeof(arp[0]), &choice))
		add_setting(dev, IFLA_MIP4_ARP, choice);
	if (get_choice(sec, "multicast", "drop, tunnel or replicate", multicast,
		       sizeof(multicast) / sizeof(multicast[0]), &choice))
		add_setting(dev, IFLA_MIP4_MULTICAST, choice);
	if (get_bool(sec, "mss", &on))
		add_setting(dev, IFLA_MIP4_MSS, on);
	if (get_number(sec, "ttl", MAY, 0, UINT8_MAX, &n))
		add_setting(dev, IFLA_MIP4_TTL, n);
	if (get_number(sec, "tos", MAY, 0, UINT8_MAX, &n))
		add_setting(dev, IFLA_MIP4_TOS, n);
}

static void read_device(const struct section *sec, const struct core_config *core, struct config_device *dev)
{
	char mac[24];

	if (strlen(section_title(sec)) >= sizeof(dev->name))
		section_error(sec, NULL, NULL, "a device name has at most %zu characters", sizeof(dev->name) - 1);
	else
		strcpy(dev->name, section_title(sec));
	get_addr(sec, "local", MUST, &dev->local);
	if (get_string(sec, "gateway-mac", MAY, mac, sizeof(mac))) {
		dev->has_gwmac = mac_parse(mac, dev->gwmac);
		if (!dev->has_gwmac || dev->gwmac[0] & 1 || !memcmp(dev->gwmac, "\0\0\0\0\0", 6))
			section_error(sec, "gateway-mac", "as 02:00:5e:00:00:01", "not a unicast MAC address: \"%s\"",
				      mac);
	}
	for (unsigned int i = 0; i < item_count(sec, "ports"); i++) {
		const char *port = item_get(sec, "ports", i)->text;

		if (i == CONFIG_PORTS_MAX) {
			section_error(sec, "ports", NULL, "more than %d ports", CONFIG_PORTS_MAX);
			break;
		}
		if (!*port || strlen(port) >= IFNAMSIZ)
			section_error(sec, "ports", NULL, "not a name of a network device: \"%s\"", port);
		else
			strcpy(dev->ports[dev->n_ports++], port);
	}
	if (get_device_name(sec, "home-link", MAY, dev->home_link) && !core->ha)
		section_error(sec, "home-link", "remove it, or set home-agent = true",
			      "only a home agent is on a home link");
	read_hostapds(sec, core, dev);
	read_device_settings(sec, dev);
	get_bool(sec, "fdb-trigger", &dev->fdb_trigger);
	only_if(core->pma, sec, "fdb-trigger", "remove it, or set proxy-agent = true",
		"only a proxy agent attaches devices");
	for (unsigned int i = 0; i < item_count(sec, "addresses"); i++) {
		if (i == CONFIG_ADDRS_MAX) {
			section_error(sec, "addresses", NULL, "more than %d addresses", CONFIG_ADDRS_MAX);
			break;
		}
		read_device_addr(sec, item_get(sec, "addresses", i), dev);
	}
}

/* ---- the whole ---- */

static const struct core_peer *find_peer(const struct config *config, struct in_addr addr)
{
	for (unsigned int i = 0; i < config->core.n_peers; i++)
		if (config->peers[i].addr.s_addr == addr.s_addr)
			return &config->peers[i];
	return NULL;
}

static void read_choices(const struct section *root, struct config *config)
{
	static const char *const fha[] = {
		[CORE_FHA_PMIP] = "pmip", [CORE_FHA_ALWAYS] = "always", [CORE_FHA_NEVER] = "never",
	};
	static const char *const store[] = {
		[STORE_PROCESS] = "process", [STORE_DISK] = "disk", [STORE_NONE] = "none",
	};
	const char *access[WIRE_ACCESS_UMB + 1] = { "none" };
	unsigned int choice;

	for (unsigned int i = 1; i <= WIRE_ACCESS_UMB; i++)
		access[i] = wire_access_name(i);
	config->core.access = config->core.pma ? WIRE_ACCESS_8023 : 0;
	if (get_choice(root, "access-technology",
		       "none, 802.3, 802.11, 802.16e, 802.16m, e-utran, utran, hrpd or umb", access,
		       sizeof(access) / sizeof(access[0]), &choice)) {
		config->core.access = choice;
		if (!config->core.pma)
			section_error(root, "access-technology", "set proxy-agent = true, or remove it",
				      "only a proxy agent tells it");
	}
	if (get_choice(root, "fha-on-dereg", "pmip, always or never", fha, sizeof(fha) / sizeof(fha[0]), &choice))
		config->core.fha_on_dereg = choice;
	if (get_choice(root, "store", "none, process or disk", store, sizeof(store) / sizeof(store[0]), &choice))
		config->store = choice;
}

static void read_root(const struct section *root, struct core_config *core)
{
	uint64_t n;

	get_bool(root, "home-agent", &core->ha);
	get_bool(root, "proxy-agent", &core->pma);
	if (!core->ha && !core->pma && !root->diag->errors)
		section_error(root, NULL, "home-agent = true, proxy-agent = true, or both", "no role");
	if (get_addr(root, "care-of-address", core->pma, &core->care_of) && !core->pma)
		section_error(root, "care-of-address", "set proxy-agent = true, or remove it",
			      "only a proxy agent has one");
	core->max_registrations = MAX_REGISTRATIONS;
	if (get_number(root, "max-registrations", MAY, 0, UINT32_MAX, &n))
		core->max_registrations = n;
	core->source_rate = SOURCE_RATE;
	if (get_number(root, "source-rate", MAY, 0, 1000000, &n))
		core->source_rate = n;
	core->total_rate = TOTAL_RATE;
	if (get_number(root, "total-rate", MAY, 0, 1000000, &n))
		core->total_rate = n;
	core->registration_rate = REGISTRATION_RATE;
	if (get_number(root, "registration-rate", MAY, 0, 1000000, &n))
		core->registration_rate = n;
	core->access_bindings = 1;
	if (get_number(root, "access-bindings", MAY, 1, 16, &n))
		core->access_bindings = n;
	core->clock_probe = core->pma;
	if (get_bool(root, "clock-probe", &core->clock_probe) && core->clock_probe && !core->pma)
		section_error(root, "clock-probe", "set proxy-agent = true, or remove it",
			      "only a proxy agent asks for the time");
	core->replay_window = REPLAY_WINDOW;
	/* More than 3 s, or ordinary clock drift refuses devices. */
	if (get_number(root, "replay-window", MAY, 4, 3600, &n))
		core->replay_window = n;
	core->handover_grace_ms = HANDOVER_GRACE_MS;
	if (get_number(root, "handover-grace", MAY, 0, 60000, &n))
		core->handover_grace_ms = n;
	core->away_ms = AWAY_S * 1000;
	if (get_number(root, "away-time", MAY, 0, 3600, &n))
		core->away_ms = n * 1000;
	core->drain_rate = DRAIN_RATE;
	if (get_number(root, "drain-rate", MAY, 1, 100000, &n))
		core->drain_rate = n;
	core->revocation_rate = REVOCATION_RATE;
	if (get_number(root, "revocation-rate", MAY, 1, 100000, &n))
		core->revocation_rate = n;
}

/* Devices that a rule names but no network takes would be refused one by one. */
static void check_identity(const struct section *sec, const struct config *config, const struct core_identity *id)
{
	const char *realm = strrchr(id->nai, '@');

	if (!realm || strchr(realm, '%') || !config->core.n_networks)
		return;
	for (unsigned int i = 0; i < config->core.n_networks; i++) {
		const char *at = strrchr(config->networks[i].nai, '@');

		if (at && !strcasecmp(at, realm))
			return;
	}
	section_error(sec, "nai", "add a network with that realm in its nai", "no network takes \"*%s\"", realm);
}

static bool is_own_address(const struct core_config *core, struct in_addr addr)
{
	if (core->pma && addr.s_addr == core->care_of.s_addr)
		return true;
	/* With both roles, a home agent address among the peers says that this home agent is elsewhere. */
	for (unsigned int i = 0; core->ha && !core->pma && i < core->n_networks; i++)
		if (addr.s_addr == core->networks[i].ha.s_addr)
			return true;
	return false;
}

static void check_peers(struct config_text *text, const struct section *root, const struct config *config)
{
	const struct core_config *core = &config->core;
	bool any = false;
	struct section sec;

	for (unsigned int i = 0; section_open(text, root, "peer", i, &sec); i++) {
		const struct core_peer *peer = &config->peers[i];

		any |= peer->proxy || peer->per_mn;
		if (peer->addr.s_addr && !peer->host_bits && is_own_address(core, peer->addr))
			section_error(&sec, NULL, "a peer is another agent", "this agent's own address");
		check_peer(&sec, config, i);
	}
	if (core->ha && core->n_peers && !any)
		section_error(root, "peer", "per-node = true for those that are proxy agents",
			      "none of the peers may register devices at this home agent");
}

/* Against the ports of this and of earlier devices. */
static void check_ports(const struct section *sec, const struct config *config, unsigned int device)
{
	const struct config_device *dev = &config->devices[device];
	const char *port, *its;

	for (unsigned int i = 0; (port = config_port(dev, i)); i++) {
		const char *option = i < dev->n_ports ? "ports" : "home-link";
		bool mip4 = config_uses_device(config, port);

		for (unsigned int j = 0; j < config->n_devices; j++)
			mip4 |= !strcmp(port, config->devices[j].name);
		if (mip4)
			section_error(sec, option, "the interfaces where devices are", "%s is a mip4 device itself",
				      port);
		for (unsigned int j = 0; j <= device; j++) {
			const struct config_device *other = &config->devices[j];

			for (unsigned int k = 0; !(j == device && k == i) && (its = config_port(other, k)); k++)
				if (!strcmp(port, its))
					section_error(sec, option, "a port belongs to one device",
						      "%s is a port of device %s already", port, other->name);
		}
	}
}

static void check_roles(struct config_text *text, const struct section *root, const struct config *config)
{
	const struct core_config *core = &config->core;
	struct section sec;

	if (!core->n_networks)
		section_error(root, "network", "network NAME { … }", "missing: at least one is needed");
	if (!core->n_peers)
		section_error(root, "peer", core->ha ? "one for each proxy agent" : "one for each home agent",
			      "missing: at least one is needed");
	for (unsigned int i = 0; section_open(text, root, "network", i, &sec); i++) {
		const struct core_network *net = &config->networks[i];

		if (core->pma && !core->ha && net->ha.s_addr && !find_peer(config, net->ha))
			section_error(&sec, "home-agent-address", "add a peer section with its security association",
				      "no peer %s", ip_text(net->ha).s);
		for (unsigned int j = 0; core->pma && !core->ha && j < net->n_other_ha; j++)
			if (!find_peer(config, net->other_ha[j]))
				section_error(&sec, "other-home-agents",
					      "add a peer section with its security association", "no peer %s",
					      ip_text(net->other_ha[j]).s);
		for (unsigned int j = 0; j < i; j++)
			check_network_pair(&sec, core, net, &config->networks[j]);
	}
	for (unsigned int i = 0; i < config->n_devices; i++)
		for (unsigned int j = core->n_networks; j-- > 0; )
			if (!strcmp(config->networks[j].device, config->devices[i].name)) {
				config->devices[i].realm = config->networks[j].realm;
				config->networks[j].home_link = *config->devices[i].home_link;
			}
	for (unsigned int i = 0; section_open(text, root, "device", i, &sec); i++)
		check_ports(&sec, config, i);
	for (unsigned int i = 0; section_open(text, root, "identity", i, &sec); i++)
		check_identity(&sec, config, &config->identities[i]);
	check_peers(text, root, config);
	for (unsigned int i = 0; section_open(text, root, "mobile-node", i, &sec); i++)
		check_mobile_node(&sec, config, i);
}

static void *array(size_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

static bool allocate(struct config *config, const struct section *root)
{
	struct core_config *core = &config->core;

	core->n_networks = section_count(root, "network");
	core->n_peers = section_count(root, "peer");
	core->n_mns = section_count(root, "mobile-node");
	core->n_identities = section_count(root, "identity");
	config->n_devices = section_count(root, "device");
	core->networks = config->networks = array(core->n_networks, sizeof(*config->networks));
	config->extras = array(core->n_networks, sizeof(*config->extras));
	core->peers = config->peers = array(core->n_peers, sizeof(*config->peers));
	core->mns = config->mns = array(core->n_mns, sizeof(*config->mns));
	core->identities = config->identities = array(core->n_identities, sizeof(*config->identities));
	config->devices = array(config->n_devices, sizeof(*config->devices));
	return config->networks && config->extras && config->peers && config->mns && config->identities &&
	       config->devices;
}

struct config *config_load(const char *path, FILE *complaints)
{
	struct diag diag = { .out = complaints, .file = path };
	struct config_text *text = config_text_read(path, &diag);
	struct config *config;
	struct section root, sec;

	if (!text)
		return NULL;
	config_text_root(text, &diag, &root);
	config = calloc(1, sizeof(*config));
	if (!config || !allocate(config, &root)) {
		diag_error(&diag, 0, NULL, NULL, "no memory");
		goto out;
	}
	read_root(&root, &config->core);
	read_choices(&root, config);
	for (unsigned int i = 0; section_open(text, &root, "network", i, &sec); i++)
		read_network(&sec, &config->core, &config->networks[i], &config->extras[i]);
	for (unsigned int i = 0; section_open(text, &root, "identity", i, &sec); i++)
		read_identity(&sec, &config->identities[i]);
	for (unsigned int i = 0; section_open(text, &root, "peer", i, &sec); i++)
		read_peer(text, &sec, &config->peers[i]);
	for (unsigned int i = 0; section_open(text, &root, "mobile-node", i, &sec); i++)
		read_mobile_node(text, &sec, &config->core, &config->mns[i]);
	for (unsigned int i = 0; section_open(text, &root, "device", i, &sec); i++)
		read_device(&sec, &config->core, &config->devices[i]);
	check_roles(text, &root, config);
out:
	config_text_free(text);
	if (diag.errors) {
		config_free(config);
		return NULL;
	}
	return config;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	if (config->peers)
		explicit_bzero(config->peers, config->core.n_peers * sizeof(*config->peers));
	if (config->mns)
		explicit_bzero(config->mns, config->core.n_mns * sizeof(*config->mns));
	free(config->networks);
	free(config->extras);
	free(config->peers);
	free(config->mns);
	free(config->identities);
	free(config->devices);
	free(config);
}

const char *config_doubt(const struct config *config)
{
	if (config->core.fha_on_dereg == CORE_FHA_NEVER)
		return "fha-on-dereg = never: whoever can send in a peer's name can deregister its devices";
	if (config->core.pma && !config->core.n_identities)
		return "no identity section: this proxy agent serves no device of its own accord";
	if (config->store == STORE_NONE)
		return "store = none: with the agent's end all its devices lose their connections";
	for (unsigned int i = 0; i < config->core.n_networks; i++)
		if (config->networks[i].bicast && !config->core.handover_grace_ms)
			return "bicast = true with handover-grace = 0: no copies are sent";
	return NULL;
}

const struct core_network *config_network(const struct config *config, const char *name,
					  const struct config_network **extra)
{
	for (unsigned int i = 0; i < config->core.n_networks; i++)
		if (!strcmp(config->networks[i].name, name)) {
			if (extra)
				*extra = &config->extras[i];
			return &config->networks[i];
		}
	return NULL;
}

bool config_uses_device(const struct config *config, const char *device)
{
	for (unsigned int i = 0; i < config->core.n_networks; i++)
		if (!strcmp(config->networks[i].device, device))
			return true;
	return false;
}

const char *config_home_link(const struct config *config, const char *port)
{
	for (unsigned int i = 0; i < config->n_devices; i++)
		if (!strcmp(config->devices[i].home_link, port))
			return config->devices[i].name;
	return NULL;
}

bool config_fdb_trigger(const struct config *config, const char *port)
{
	for (unsigned int i = 0; i < config->n_devices; i++)
		for (unsigned int j = 0; j < config->devices[i].n_ports; j++)
			if (config->devices[i].fdb_trigger && !strcmp(config->devices[i].ports[j], port))
				return true;
	return false;
}
