// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <linux/mip4.h>
#include <linux/rtnetlink.h>

#include "mipctl/nl.h"

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

/* Family id in files of --dump-nl and --read-nl: the kernel's is assigned at run time. */
#define OFFLINE_FAMILY GENL_MIN_ID

static struct {
	struct mnl_socket *sock[NETLINK_GENERIC + 1];	/* by protocol, opened at first use */
	uint32_t seq;
	uint16_t family;	/* 0: not asked yet */
	char *buf;
	size_t size;
} nl;

bool nl_offline(void)
{
	return opt.dump_nl || opt.read_nl;
}

/* ---- building ---- */

static void req_init(struct nl_req *req, int proto, void *buf, size_t size)
{
	/* libmnl leaves the padding of attributes as it finds it. */
	memset(buf, 0, size);
	req->proto = proto;
	req->nlh = mnl_nlmsg_put_header(buf);
	req->size = size;
	req->full = false;
	req->n_notes = 0;
	req->nlh->nlmsg_seq = ++nl.seq;
}

void nl_rtnl(struct nl_req *req, uint16_t type, uint16_t flags, const void *head, size_t len)
{
	req_init(req, NETLINK_ROUTE, req->buf, sizeof(req->buf));
	req->nlh->nlmsg_type = type;
	req->nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	memcpy(mnl_nlmsg_put_extra_header(req->nlh, len), head, len);
}

static void genl_init(struct nl_req *req, uint16_t family, uint8_t cmd, uint8_t version,
		      uint16_t flags)
{
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(req->nlh, sizeof(*genl));

	req->nlh->nlmsg_type = family;
	req->nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	genl->cmd = cmd;
	genl->version = version;
}

int nl_genl(struct nl_req *req, uint8_t cmd, uint16_t flags, void *buf, size_t size)
{
	int err = nl_family();

	if (err == -ENOENT) {
		ctl_err("mip4 module not loaded (modprobe mip4)");
		return CTL_KERNEL;
	}
	if (err) {
		ctl_err("netlink family mip4: %s", strerror(-err));
		return CTL_KERNEL;
	}
	if (!buf) {
		buf = req->buf;
		size = sizeof(req->buf);
	}
	req_init(req, NETLINK_GENERIC, buf, size);
	genl_init(req, nl.family, cmd, MIP4_GENL_VERSION, flags);
	return CTL_OK;
}

void nl_put(struct nl_req *req, uint16_t attr, const void *data, size_t len)
{
	if (!mnl_attr_put_check(req->nlh, req->size, attr, len, data))
		req->full = true;
}

void nl_put_u32(struct nl_req *req, uint16_t attr, uint32_t value)
{
	nl_put(req, attr, &value, sizeof(value));
}

void nl_put_str(struct nl_req *req, uint16_t attr, const char *text)
{
	nl_put(req, attr, text, strlen(text) + 1);
}

void nl_note(struct nl_req *req, const void *attr, const struct val *v)
{
	if (req->n_notes == NL_NOTES)
		return;
	req->notes[req->n_notes].offset = (uint32_t)((const char *)attr - (const char *)req->nlh);
	req->notes[req->n_notes].key = v->key;
	req->notes[req->n_notes].arg = v->arg;
	req->n_notes++;
}

void nl_put_val(struct nl_req *req, uint16_t attr, const struct val *v)
{
	if (!v->key)
		return;
	nl_note(req, mnl_nlmsg_get_payload_tail(req->nlh), v);
	nl_put(req, attr, v->data, v->len);
}

struct nlattr *nl_nest(struct nl_req *req, uint16_t attr)
{
	struct nlattr *nest = mnl_attr_nest_start_check(req->nlh, req->size, attr);

	if (!nest)
		req->full = true;
	return nest;
}

void nl_nest_end(struct nl_req *req, struct nlattr *nest)
{
	if (nest)
		mnl_attr_nest_end(req->nlh, nest);
}

/* ---- reading attributes ---- */

void nl_tb(const void *first, size_t len, const struct nlattr **tb, unsigned int max)
{
	const struct nlattr *a = first;

	memset(tb, 0, (max + 1) * sizeof(*tb));
	while (len <= INT32_MAX && mnl_attr_ok(a, (int)len)) {
		size_t step = MNL_ALIGN(a->nla_len);

		if (mnl_attr_get_type(a) <= max)
			tb[mnl_attr_get_type(a)] = a;
		if (step >= len)
			break;
		len -= step;
		a = (const struct nlattr *)((const char *)a + step);
	}
}

void nl_tb_nest(const struct nlattr *nest, const struct nlattr **tb, unsigned int max)
{
	nl_tb(nest ? mnl_attr_get_payload(nest) : NULL,
	      nest ? mnl_attr_get_payload_len(nest) : 0, tb, max);
}

void nl_tb_genl(const struct nlmsghdr *nlh, const struct nlattr **tb, unsigned int max)
{
	size_t len = mnl_nlmsg_get_payload_len(nlh);

	if (len < GENL_HDRLEN)
		len = GENL_HDRLEN;
	nl_tb(mnl_nlmsg_get_payload_offset(nlh, GENL_HDRLEN), len - GENL_HDRLEN, tb, max);
}

static void get(const struct nlattr *a, void *value, size_t len)
{
	memset(value, 0, len);
	if (a && mnl_attr_get_payload_len(a) >= len)
		memcpy(value, mnl_attr_get_payload(a), len);
}

uint8_t nl_u8(const struct nlattr *a)
{
	uint8_t v;

	get(a, &v, sizeof(v));
	return v;
}

uint16_t nl_u16(const struct nlattr *a)
{
	uint16_t v;

	get(a, &v, sizeof(v));
	return v;
}

uint32_t nl_u32(const struct nlattr *a)
{
	uint32_t v;

	get(a, &v, sizeof(v));
	return v;
}

uint64_t nl_u64(const struct nlattr *a)
{
	uint64_t v;

	get(a, &v, sizeof(v));
	return v;
}

struct in_addr nl_inet(const struct nlattr *a)
{
	struct in_addr v;

	get(a, &v, sizeof(v));
	return v;
}

const uint8_t *nl_mac(const struct nlattr *a)
{
	return a && mnl_attr_get_payload_len(a) == 6 ? mnl_attr_get_payload(a) : NULL;
}

const char *nl_str(const struct nlattr *a)
{
	if (!a || !memchr(mnl_attr_get_payload(a), '\0', mnl_attr_get_payload_len(a)))
		return "";
	return mnl_attr_get_payload(a);
}

/* ---- talking ---- */

static struct mnl_socket *open_socket(int proto)
{
	struct mnl_socket *sock = mnl_socket_open2(proto, SOCK_CLOEXEC);
	int size = opt.rcvbuf > INT32_MAX ? INT32_MAX : (int)opt.rcvbuf;
	int one = 1;
	int fd;

	if (!sock || mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		ctl_err("cannot open a netlink socket: %s", strerror(errno));
		if (sock)
			mnl_socket_close(sock);
		return NULL;
	}
	fd = mnl_socket_get_fd(sock);
	/* Beyond net.core.rmem_max only with CAP_NET_ADMIN. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	/* Each is a convenience that old kernels lack; nothing depends on them. */
	mnl_socket_setsockopt(sock, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(sock, NETLINK_CAP_ACK, &one, sizeof(one));
	if (proto == NETLINK_ROUTE)
		mnl_socket_setsockopt(sock, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return sock;
}

static bool grow(size_t size)
{
	char *buf;

	if (size <= nl.size)
		return true;
	buf = realloc(nl.buf, size);
	if (!buf)
		return false;
	nl.buf = buf;
	nl.size = size;
	return true;
}

/* One message of a --read-nl file; 0 at its end. */
static ssize_t read_file(FILE *f)
{
	struct nlmsghdr head;

	if (fread(&head, 1, sizeof(head), f) != sizeof(head))
		return 0;
	if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > (1 << 24))
		return -EBADMSG;
	if (!grow(MNL_ALIGN(head.nlmsg_len)))
		return -ENOMEM;
	memcpy(nl.buf, &head, sizeof(head));
	if (fread(nl.buf + sizeof(head), 1, head.nlmsg_len - sizeof(head), f) !=
	    head.nlmsg_len - sizeof(head))
		return -EBADMSG;
	return head.nlmsg_len;
}

/* One datagram into nl.buf, grown as needed: its length, 0 at the end of a file, -errno. */
static ssize_t receive(struct mnl_socket *sock)
{
	struct iovec iov = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd;
	ssize_t n;

	if (!grow(32768))
		return -ENOMEM;
	if (opt.read_nl)
		return read_file(opt.read_nl);
	fd = mnl_socket_get_fd(sock);
	do {
		iov.iov_base = nl.buf;
		iov.iov_len = nl.size;
		n = recvmsg(fd, &msg, MSG_PEEK | MSG_TRUNC);
		if (n > (ssize_t)nl.size && !grow((size_t)n))
			return -ENOMEM;
		iov.iov_base = nl.buf;
		iov.iov_len = nl.size;
		if (n >= 0)
			n = recvmsg(fd, &msg, 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

struct reply {
	int err;		/* errno of the refusal, 0 */
	const char *msg;	/* extack text in nl.buf, or NULL */
	int msg_len;		/* of it, less the padding that modules before Linux 6.2 need */
	uint32_t offset;	/* of the attribute meant, 0 */
	bool missing;		/* an attribute was missing */
	bool interrupted;	/* dump */
	int cb;			/* what the callback returned */
};

/* The extack attributes after the fixed part of NLMSG_ERROR or NLMSG_DONE. */
static void read_extack(const struct nlmsghdr *nlh, size_t fixed, struct reply *r)
{
	const struct nlattr *tb[NLMSGERR_ATTR_MISS_NEST + 1];
	size_t len = mnl_nlmsg_get_payload_len(nlh);

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || len < fixed)
		return;
	nl_tb(mnl_nlmsg_get_payload_offset(nlh, fixed), len - fixed, tb, NLMSGERR_ATTR_MISS_NEST);
	if (*nl_str(tb[NLMSGERR_ATTR_MSG])) {
		r->msg = nl_str(tb[NLMSGERR_ATTR_MSG]);
		r->msg_len = (int)strlen(r->msg);
		while (r->msg_len && r->msg[r->msg_len - 1] == ' ')
			r->msg_len--;
	}
	r->offset = nl_u32(tb[NLMSGERR_ATTR_OFFS]);
	r->missing = tb[NLMSGERR_ATTR_MISS_TYPE];
}

static void read_error(const struct nlmsghdr *nlh, struct reply *r)
{
	size_t len = mnl_nlmsg_get_payload_len(nlh);
	size_t fixed = sizeof(struct nlmsgerr);
	struct nlmsgerr e;

	if (len < sizeof(e)) {
		r->err = EBADMSG;
		return;
	}
	memcpy(&e, mnl_nlmsg_get_payload(nlh), sizeof(e));
	r->err = -e.error;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) && e.msg.nlmsg_len >= sizeof(e.msg))
		fixed += MNL_ALIGN(e.msg.nlmsg_len - sizeof(e.msg));
	read_extack(nlh, fixed, r);
}

/* True when the conversation is over. */
static bool read_messages(size_t len, uint32_t seq, nl_cb cb, void *data, struct reply *r)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)nl.buf;
	int left = (int)len, err;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (!opt.read_nl && nlh->nlmsg_seq != seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			r->interrupted = true;
		if (nlh->nlmsg_type == NLMSG_ERROR) {
			read_error(nlh, r);
			return true;
		}
		if (nlh->nlmsg_type == NLMSG_DONE) {
			if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(err)) {
				memcpy(&err, mnl_nlmsg_get_payload(nlh), sizeof(err));
				r->err = err < 0 ? -err : 0;
				read_extack(nlh, sizeof(err), r);
			}
			return true;
		}
		/* The rest of a dump is still read, so that the socket stays in step. */
		if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && cb && !r->cb)
			r->cb = cb(nlh, data);
	}
	return false;
}

static int converse(struct nl_req *req, nl_cb cb, void *data, struct reply *r)
{
	bool dump = (req->nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	struct mnl_socket *sock = NULL;
	ssize_t n;

	memset(r, 0, sizeof(*r));
	if (req->full)
		return -EMSGSIZE;
	/* A dump ends by itself; everything else is acknowledged. */
	if (!dump)
		req->nlh->nlmsg_flags |= NLM_F_ACK;
	if (opt.dump_nl)
		fwrite(req->nlh, 1, req->nlh->nlmsg_len, opt.dump_nl);
	if (opt.dump_nl && !opt.read_nl)
		return 0;
	if (!opt.read_nl) {
		if (!nl.sock[req->proto])
			nl.sock[req->proto] = open_socket(req->proto);
		sock = nl.sock[req->proto];
		if (!sock)
			return -EIO;
		if (mnl_socket_sendto(sock, req->nlh, req->nlh->nlmsg_len) < 0)
			return -errno;
	}
	do {
		n = receive(sock);
	} while (n > 0 && !read_messages((size_t)n, req->nlh->nlmsg_seq, cb, data, r));
	if (n == 0)
		return -EPIPE;
	return n < 0 ? (int)n : 0;
}

static const char *errno_text(int err)
{
	switch (err) {
	case EPERM:
		return "Operation not permitted (CAP_NET_ADMIN in the device's netns)";
	case ENODEV:
		return "no such device, or not a mip4 device";
	case ENOENT:
		return "there is no such object";
	case EEXIST:
		return "it exists already";
	case EOPNOTSUPP:
		return "not supported by this kernel or module";
	case EMSGSIZE:
		return "the request is too long for one message";
	case EPIPE:
		return "the replies ended early";
	default:
		return strerror(err);
	}
}

static void print_refusal(const struct nl_req *req, const char *what, const struct reply *r)
{
	unsigned int i;

	for (i = 0; r->offset && i < req->n_notes; i++)
		if (req->notes[i].offset == r->offset)
			break;
	if (!r->msg)
		ctl_err("%s: %s%s", what, errno_text(r->err),
			r->missing ? "; an attribute is missing" : "");
	else if (r->offset && i < req->n_notes && req->notes[i].key == req->notes[i].arg)
		ctl_err("%.*s (argument \"%s\")", r->msg_len, r->msg, req->notes[i].arg);
	else if (r->offset && i < req->n_notes)
		ctl_err("%.*s (argument \"%s\" of \"%s\")", r->msg_len, r->msg,
			req->notes[i].arg, req->notes[i].key);
	else
		ctl_err("%.*s", r->msg_len, r->msg);
}

int nl_talk(struct nl_req *req, const char *what, nl_cb cb, void *data)
{
	struct reply r;
	int err = converse(req, cb, data, &r);

	if (err) {
		ctl_err("%s: %s", what, errno_text(-err));
		return CTL_KERNEL;
	}
	if (r.err) {
		print_refusal(req, what, &r);
		return CTL_KERNEL;
	}
	if (r.msg)
		ctl_warn("%.*s", r.msg_len, r.msg);
	if (r.interrupted)
		ctl_warn("%s: the kernel's tables changed meanwhile, entries may be missing or twice",
			 what);
	return r.cb;
}

int nl_ask(struct nl_req *req, nl_cb cb, void *data)
{
	struct reply r;
	int err = converse(req, cb, data, &r);

	return err ? err : -r.err;
}

/* ---- family and groups ---- */

struct family {
	uint16_t id;
	const char *group;	/* wanted */
	uint32_t group_id;
};

static int on_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[CTRL_ATTR_MCAST_GROUPS + 1], *grp[CTRL_ATTR_MCAST_GRP_MAX + 1];
	struct family *f = data;
	const struct nlattr *a;

	nl_tb_genl(nlh, tb, CTRL_ATTR_MCAST_GROUPS);
	f->id = nl_u16(tb[CTRL_ATTR_FAMILY_ID]);
	if (!f->group || !tb[CTRL_ATTR_MCAST_GROUPS])
		return CTL_OK;
	mnl_attr_for_each_nested(a, tb[CTRL_ATTR_MCAST_GROUPS]) {
		nl_tb_nest(a, grp, CTRL_ATTR_MCAST_GRP_MAX);
		if (!strcmp(nl_str(grp[CTRL_ATTR_MCAST_GRP_NAME]), f->group))
			f->group_id = nl_u32(grp[CTRL_ATTR_MCAST_GRP_ID]);
	}
	return CTL_OK;
}

static int ask_family(struct family *f)
{
	struct nl_req req;

	req_init(&req, NETLINK_GENERIC, req.buf, sizeof(req.buf));
	genl_init(&req, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, 0);
	nl_put_str(&req, CTRL_ATTR_FAMILY_NAME, MIP4_GENL_NAME);
	return nl_ask(&req, on_family, f);
}

int nl_family(void)
{
	struct family f = { 0 };
	int err;

	if (nl_offline())
		nl.family = OFFLINE_FAMILY;
	if (nl.family)
		return 0;
	err = ask_family(&f);
	if (!err)
		nl.family = f.id;
	return err;
}

static int join(struct mnl_socket *sock, const char *const *groups)
{
	for (; *groups; groups++) {
		struct family f = { .group = *groups };
		int err = ask_family(&f);

		if (!err && mnl_socket_setsockopt(sock, NETLINK_ADD_MEMBERSHIP, &f.group_id,
						  sizeof(f.group_id)))
			err = -errno;
		if (err) {
			ctl_err("cannot listen to the group \"%s\": %s", *groups, errno_text(-err));
			return CTL_KERNEL;
		}
	}
	return CTL_OK;
}

int nl_listen(const char *const *groups, int (*ready)(void), nl_cb cb)
{
	struct mnl_socket *sock = NULL;
	const struct nlmsghdr *nlh;
	int left, rc = CTL_OK;
	ssize_t n;

	if (!opt.read_nl) {
		sock = open_socket(NETLINK_GENERIC);
		if (!sock)
			return CTL_KERNEL;
		rc = join(sock, groups);
	}
	if (!rc && ready)
		rc = ready();
	while (!rc) {
		n = receive(sock);
		if (n == -ENOBUFS) {
			rc = cb(NULL, NULL);
			continue;
		}
		if (n <= 0) {
			if (n)
				ctl_err("cannot receive notifications: %s", strerror((int)-n));
			rc = n ? CTL_KERNEL : CTL_OK;
			break;
		}
		left = (int)n;
		for (nlh = (const struct nlmsghdr *)nl.buf; !rc && mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left))
			if (nlh->nlmsg_type >= NLMSG_MIN_TYPE)
				rc = cb(nlh, NULL);
	}
	if (sock)
		mnl_socket_close(sock);
	return rc;
}
