/* SPDX-License-Identifier: GPL-2.0-only */
/* Part of config.c: which home agents a network has, RFC 4433. */
#ifndef MIP4_CONFIG_HA_H
#define MIP4_CONFIG_HA_H

#include "host/config.h"
#include "host/config_text.h"

/* The network's own home agent and its prefix are read. */
void read_home_agents(const struct section *sec, const struct core_config *core, struct core_network *net);

#endif /* MIP4_CONFIG_HA_H */
