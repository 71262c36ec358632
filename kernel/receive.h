/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_RECEIVE_H
#define _MIP4_RECEIVE_H

struct net;

int mip4_receive_hook(struct net *net);
void mip4_receive_unhook(struct net *net);
int mip4_receive_init(void);
void mip4_receive_exit(void);

#endif /* _MIP4_RECEIVE_H */
