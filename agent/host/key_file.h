/* SPDX-License-Identifier: GPL-2.0-only */
/* Files with the key of a security association, in hexadecimal digits. */
#ifndef MIP4_KEY_FILE_H
#define MIP4_KEY_FILE_H

#include "wire/wire.h"

struct key_error {
	char text[400];		/* what is wrong */
	char hint[320];		/* what to do about it; may be "" */
};

/* Fills the key of @sa and nothing else. What was read is wiped whatever comes of it. */
bool key_file_read(const char *path, struct wire_sa *sa, struct key_error *error);

#endif /* MIP4_KEY_FILE_H */
