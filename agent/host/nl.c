// SPDX-License-Identifier: GPL-2.0-only
#include "host/nl.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define EVENT_RCVBUF	(4 << 20)	/* bytes; what a burst of notifications may need */

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

static int set_option(struct nl_sock *sock, int option)
{
	int one = 1;

	return setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, option, &one, sizeof(one));
}

struct nl_sock *nl_open(int protocol)
{
	struct nl_sock *sock = nl_socket_alloc();

	if (!sock) {
		errno = ENOMEM;
		return NULL;
	}
	if (nl_connect(sock, protocol)) {
		nl_socket_free(sock);
		errno = EPROTONOSUPPORT;
		return NULL;
	}
	set_option(sock, NETLINK_EXT_ACK);
	set_option(sock, NETLINK_CAP_ACK);
	nl_socket_set_buffer_size(sock, 1 << 20, 1 << 20);
	return sock;
}

struct nl_sock *nl_open_events(int protocol, nl_recvmsg_msg_cb_t handler, void *arg)
{
	struct nl_sock *sock = nl_open(protocol);
	int size = EVENT_RCVBUF;

	if (!sock)
		return NULL;
	nl_socket_disable_seq_check(sock);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, handler, arg);
	nl_socket_set_nonblocking(sock);
	setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return sock;
}

struct answer {
	nl_recvmsg_msg_cb_t handler;
	void *arg;
	char *text;
	int error;
	bool done;
};

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;

	return answer->handler ? answer->handler(msg, answer->arg) : NL_OK;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;

	(void)msg;
	answer->done = true;
	return NL_STOP;
}

static int on_finish(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct answer *answer = arg;

	/* A dump that fails half way says so in its last message. */
	if (nlmsg_datalen(nlh) >= (int)sizeof(int) && *(int *)nlmsg_data(nlh) < 0)
		answer->error = -*(int *)nlmsg_data(nlh);
	answer->done = true;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *arg)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)((char *)err - NLMSG_HDRLEN);
	struct answer *answer = arg;
	size_t off = sizeof(*err);
	struct nlattr *attr;

	(void)from;
	answer->done = true;
	answer->error = -err->error;
	if (!answer->text || !(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return NL_STOP;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		off += err->msg.nlmsg_len - NLMSG_HDRLEN;
	if (nlh->nlmsg_len < NLMSG_HDRLEN + off)
		return NL_STOP;
	attr = nla_find((struct nlattr *)((char *)err + off), nlh->nlmsg_len - NLMSG_HDRLEN - off,
			NLMSGERR_ATTR_MSG);
	if (attr)
		snprintf(answer->text, NL_TEXT_MAX, "%.*s", nla_len(attr), (char *)nla_data(attr));
	return NL_STOP;
}

int nl_request(struct nl_sock *sock, struct nl_msg *msg, nl_recvmsg_msg_cb_t handler, void *arg, char *text)
{
	struct answer answer = { .handler = handler, .arg = arg, .text = text };
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int rc;

	if (text)
		*text = '\0';
	if (!msg || !cb) {
		answer.error = ENOMEM;
		goto out;
	}
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &answer);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, &answer);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, &answer);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &answer);
	if (nl_send_auto(sock, msg) < 0) {
		answer.error = EIO;
		goto out;
	}
	while (!answer.done) {
		rc = nl_recvmsgs(sock, cb);
		if (rc < 0 && !answer.done) {
			answer.error = rc == -NLE_NOMEM ? ENOBUFS : EIO;
			break;
		}
	}
out:
	if (text && answer.error && !*text)
		snprintf(text, NL_TEXT_MAX, "%s", strerror(answer.error));
	nl_cb_put(cb);
	nlmsg_free(msg);
	return answer.error;
}
