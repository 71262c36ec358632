/* SPDX-License-Identifier: GPL-2.0-only */
/* What the command line says of home agent, PMAs and keys. */
#ifndef MIP4_LOAD_SETUP_H
#define MIP4_LOAD_SETUP_H

#include "load/engine.h"
#include "load/net.h"
#include "mipctl/args.h"

struct setup {
	struct load_config load;
	char realm[LOAD_NAI_PART];
	struct in_addr stranger;	/* malformed; 0: none */
	unsigned int wait_ms;		/* malformed: for an answer */
	const char *only;		/* malformed: the one case; NULL: all */
};

/* Exit status, beside mipctl's: the home agent did what it must not do. CTL_HELP has 3. */
#define LOAD_BAD	4

/* The rest of the line of @malformed or of run. CTL_OK, or what to return; errors are printed. */
int setup_read(struct args *a, bool malformed, struct setup *setup);
void setup_free(struct setup *setup);
/* A socket for each PMA, and one for the stranger if there is one. Errors are printed. */
int setup_sockets(const struct setup *setup, struct net *net);

int run_command(struct args *a);
int malformed_command(struct args *a);
int list_command(struct args *a);

extern const struct object run_object, malformed_object, list_object;

#endif /* MIP4_LOAD_SETUP_H */
