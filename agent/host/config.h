/* SPDX-License-Identifier: GPL-2.0-only */
/* The configuration file of one agent: see mip4d.conf(5). */
#ifndef MIP4_CONFIG_H
#define MIP4_CONFIG_H

#include "core/core.h"
#include "host/dhcp_packet.h"
#include "host/store.h"

#include <net/if.h>
#include <stdio.h>

#define CONFIG_PORTS_MAX	64
#define CONFIG_ADDRS_MAX	16
#define CONFIG_HOSTAPDS_MAX	16
#define CONFIG_SOCKET_MAX	108	/* as in struct sockaddr_un */
#define CONFIG_SETTINGS_MAX	5

/* What host wants to know of a network beyond struct core_network; same index. */
struct config_network {
	uint32_t lease;			/* s; most that DHCP grants */
	struct dhcp_options dhcp;
};

/* A mip4 device that the agent creates when it isn't there. */
struct config_device {
	char name[IFNAMSIZ];
	struct in_addr local;
	uint32_t realm;			/* of the first network on it */
	bool has_gwmac;
	uint8_t gwmac[6];
	struct { uint16_t attr; uint8_t value; } settings[CONFIG_SETTINGS_MAX];	/* IFLA_MIP4_… that are a u8 */
	unsigned int n_settings;
	char ports[CONFIG_PORTS_MAX][IFNAMSIZ];
	unsigned int n_ports;
	struct { struct in_addr addr; uint8_t plen; } addrs[CONFIG_ADDRS_MAX];
	unsigned int n_addrs;
	char home_link[IFNAMSIZ];	/* HA: "" = a virtual home network */
	bool fdb_trigger;		/* PMA: what a bridge that is a port learns attaches */
	char hostapds[CONFIG_HOSTAPDS_MAX][CONFIG_SOCKET_MAX];	/* PMA: control sockets of access points */
	unsigned int n_hostapds;
};

/* Its ports, the home link as the last of them; NULL behind it. */
static inline const char *config_port(const struct config_device *device, unsigned int i)
{
	if (i < device->n_ports)
		return device->ports[i];
	return i == device->n_ports && *device->home_link ? device->home_link : NULL;
}

struct config {
	struct core_config core;	/* points into the arrays below */
	struct core_network *networks;
	struct config_network *extras;	/* of networks, by index */
	struct core_peer *peers;
	struct core_mn *mns;
	struct core_identity *identities;
	struct config_device *devices;
	unsigned int n_devices;
	enum store_policy store;
};

/*
 * Reads and checks @path; complaints go to @complaints, one line each. NULL
 * after any. The result holds key material: free it with config_free().
 */
struct config *config_load(const char *path, FILE *complaints);
void config_free(struct config *config);

/* What is allowed and hardly meant, or has a price; NULL: nothing. */
const char *config_doubt(const struct config *config);

/* By name; NULL if the configuration has no such network. */
const struct core_network *config_network(const struct config *config, const char *name,
					  const struct config_network **extra);
/* Is @device the mip4 device of a network here? */
bool config_uses_device(const struct config *config, const char *device);
/* Do stations that @port learns attach? */
bool config_fdb_trigger(const struct config *config, const char *port);
/* The mip4 device whose home link @port is, or NULL. */
const char *config_home_link(const struct config *config, const char *port);

#endif /* MIP4_CONFIG_H */
