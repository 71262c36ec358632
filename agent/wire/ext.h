/* SPDX-License-Identifier: GPL-2.0-only */
/* What ext.c offers to the rest of wire only. */
#ifndef MIP4_WIRE_EXT_H
#define MIP4_WIRE_EXT_H

#include "wire/wire.h"

/* Read all extensions from @off to the end of @msg, whose type, buf and len are set. */
enum wire_error wire_parse_exts(struct wire_msg *msg, size_t off);

#endif /* MIP4_WIRE_EXT_H */
