/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MIPCTL_BINDING_H
#define MIPCTL_BINDING_H

#include <libmnl/libmnl.h>

/* Prints the fields of a BINDING nest into the object that is open. */
void binding_print(uint32_t dev, const struct nlattr *nest);

/* Dumps all bindings of dev (0: of every device) into cb. */
int binding_dump(uint32_t dev, int (*cb)(const struct nlmsghdr *nlh, void *data));

#endif /* MIPCTL_BINDING_H */
