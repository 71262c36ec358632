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

static void set_options(struct nl_sock *sock)
{
	set_option(sock, NETLINK_EXT_ACK);
	set_option(sock, NETLINK_CAP_ACK);
	nl_socket_set_buffer_size(sock, 1 << 20, 1 << 20);
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
	set_options(sock);
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

/*
 * After a failure half way: an unfinished dump would refuse the next one with
 * EBUSY, and what is queued belongs to nobody.
 */
static void reopen(struct nl_sock *sock)
{
	int protocol = -1;
	socklen_t len = sizeof(protocol);

	if (getsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_PROTOCOL, &protocol, &len) || protocol < 0)
		return;
	nl_close(sock);
	if (!nl_connect(sock, protocol))
		set_options(sock);
}

struct answer {
	nl_recvmsg_msg_cb_t handler;
	void *arg;
	char *text;
	uint32_t seq;		/* of the request */
	int error;
	bool done, interrupted;
};

/* Late answers to an earlier request are not ours. */
static int on_seq_check(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;

	return nlmsg_hdr(msg)->nlmsg_seq == answer->seq ? NL_OK : NL_SKIP;
}

/* The table changed under the dump: rows may be missing or double. */
static int on_interrupted(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;

	(void)msg;
	answer->interrupted = true;
	return NL_OK;
}

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
	int len;

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
	if (!attr)
		return NL_STOP;
	/* before Linux 6.2 the module pads what it composes */
	for (len = strnlen(nla_data(attr), nla_len(attr)); len && ((char *)nla_data(attr))[len - 1] == ' '; )
		len--;
	snprintf(answer->text, NL_TEXT_MAX, "%.*s", len, (char *)nla_data(attr));
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
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_seq_check, &answer);
	nl_cb_set(cb, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, &answer);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &answer);
	if (nl_send_auto(sock, msg) < 0) {
		answer.error = EIO;
		reopen(sock);
		goto out;
	}
	answer.seq = nlmsg_hdr(msg)->nlmsg_seq;
	while (!answer.done) {
		rc = nl_recvmsgs(sock, cb);
		if (rc < 0 && !answer.done) {
			answer.error = rc == -NLE_NOMEM ? ENOBUFS : EIO;
			reopen(sock);
			break;
		}
	}
	if (!answer.error && answer.interrupted)
		answer.error = EINTR;
out:
	if (text && answer.error && !*text)
		snprintf(text, NL_TEXT_MAX, "%s", strerror(answer.error));
	nl_cb_put(cb);
	nlmsg_free(msg);
	return answer.error;
}
