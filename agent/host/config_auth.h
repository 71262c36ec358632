/* SPDX-License-Identifier: GPL-2.0-only */
/* Part of config.c: peer and mobile-node sections. */
#ifndef MIP4_CONFIG_AUTH_H
#define MIP4_CONFIG_AUTH_H

#include "host/config.h"
#include "host/config_text.h"

/* One section each; what has to do with others is checked when all are read. */
void read_peer(struct config_text *text, const struct section *sec, struct core_peer *peer);
void check_peer(const struct section *sec, const struct config *config, unsigned int index);
void read_mobile_node(struct config_text *text, const struct section *sec, const struct core_config *core,
		      struct core_mn *mn);
void check_mobile_node(const struct section *sec, const struct config *config, unsigned int index);

#endif /* MIP4_CONFIG_AUTH_H */
