/* SPDX-License-Identifier: GPL-2.0-only */
/* Netlink requests that wait for their answer and keep the kernel's words. */
#ifndef MIP4_NL_H
#define MIP4_NL_H

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdbool.h>
#include <stddef.h>

#define NL_TEXT_MAX	256
#define NL_DUMP_TRIES	10	/* a dump that keeps changing is given up after as many */

/* A connected socket of @protocol for nl_request(); NULL with errno. */
struct nl_sock *nl_open(int protocol);

/* A non-blocking one that takes notifications: @handler gets each message. */
struct nl_sock *nl_open_events(int protocol, nl_recvmsg_msg_cb_t handler, void *arg);

/**
 * nl_request() - send @msg, wait for the whole answer
 * @sock: from nl_open()
 * @msg: consumed; NULL counts as no memory
 * @handler: gets each message of the answer; may be NULL
 * @text: NL_TEXT_MAX bytes: with an error what the kernel says (extack), or strerror; may be NULL
 *
 * After a failure the next request begins on a clean queue.
 *
 * Return: 0 or a positive errno; EINTR: a dump that changed meanwhile, repeat it.
 */
int nl_request(struct nl_sock *sock, struct nl_msg *msg, nl_recvmsg_msg_cb_t handler, void *arg, char *text);

#endif /* MIP4_NL_H */
