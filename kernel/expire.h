/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_EXPIRE_H
#define _MIP4_EXPIRE_H

struct mip4_dev;

void mip4_expire_init(struct mip4_dev *mip);
void mip4_expire_start(struct mip4_dev *mip);
void mip4_expire_orphans(struct mip4_dev *mip);
void mip4_expire_stop(struct mip4_dev *mip);

#endif /* _MIP4_EXPIRE_H */
