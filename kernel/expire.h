/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_EXPIRE_H
#define _MIP4_EXPIRE_H

#include <linux/time64.h>

struct mip4_dev;

void mip4_expire_init(struct mip4_dev *mip);
void mip4_expire_at(struct mip4_dev *mip, time64_t expires);
void mip4_expire_again(struct mip4_dev *mip);
void mip4_expire_orphans(struct mip4_dev *mip);
void mip4_expire_stop(struct mip4_dev *mip);

#endif /* _MIP4_EXPIRE_H */
