/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Netlink requests and replies. A request remembers which words of the command
 * line became which attribute, so that a refusal can name them.
 */
#ifndef MIPCTL_NL_H
#define MIPCTL_NL_H

#include <netinet/in.h>

#include <libmnl/libmnl.h>

#include "mipctl/args.h"

#define NL_NOTES 96

struct nl_req {
	struct nlmsghdr *nlh;
	int proto;		/* NETLINK_ROUTE or NETLINK_GENERIC: message types overlap */
	size_t size;		/* of the buffer at nlh */
	bool full;		/* an attribute had no room */
	unsigned int n_notes;
	struct {
		uint32_t offset;	/* of the attribute from nlh */
		const char *key, *arg;	/* live in argv */
	} notes[NL_NOTES];
	char buf[8192] __attribute__((aligned(8)));
};

/*
 * Start a request. nl_genl() asks the kernel for the family, so it can fail:
 * the error is printed, CTL_KERNEL returned. buf NULL: the one in req.
 */
void nl_rtnl(struct nl_req *req, uint16_t type, uint16_t flags, const void *head, size_t len);
int nl_genl(struct nl_req *req, uint8_t cmd, uint16_t flags, void *buf, size_t size);

void nl_put(struct nl_req *req, uint16_t attr, const void *data, size_t len);
void nl_put_u32(struct nl_req *req, uint16_t attr, uint32_t value);
void nl_put_str(struct nl_req *req, uint16_t attr, const char *text);
void nl_put_val(struct nl_req *req, uint16_t attr, const struct val *v);	/* if given */
void nl_note(struct nl_req *req, const void *attr, const struct val *v);
struct nlattr *nl_nest(struct nl_req *req, uint16_t attr);
void nl_nest_end(struct nl_req *req, struct nlattr *nest);

/* Returns CTL_OK to go on, anything else to stop with that. */
typedef int (*nl_cb)(const struct nlmsghdr *nlh, void *data);

/*
 * Sends req and reads all replies into cb (NULL: none is expected). what names
 * the command in errors. Without the kernel (--dump-nl), CTL_OK.
 */
int nl_talk(struct nl_req *req, const char *what, nl_cb cb, void *data);

/* As nl_talk(), for questions that mipctl asks itself: -errno instead of an error. */
int nl_ask(struct nl_req *req, nl_cb cb, void *data);

/* True if no kernel answers, only files: lookups make no sense. */
bool nl_offline(void);

/* 0, -ENOENT if the module isn't loaded, or another -errno. */
int nl_family(void);

/*
 * Joins groups (NULL-terminated names) of the family and calls ready, then cb
 * for each notification until it returns other than CTL_OK; cb gets NULL when
 * notifications were lost.
 */
int nl_listen(const char *const *groups, int (*ready)(void), nl_cb cb);

/*
 * Attributes. tb has max + 1 entries; unknown types are ignored. The getters
 * give zero for what is missing or too short.
 */
void nl_tb(const void *first, size_t len, const struct nlattr **tb, unsigned int max);
void nl_tb_nest(const struct nlattr *nest, const struct nlattr **tb, unsigned int max);
void nl_tb_genl(const struct nlmsghdr *nlh, const struct nlattr **tb, unsigned int max);
uint8_t nl_u8(const struct nlattr *a);
uint16_t nl_u16(const struct nlattr *a);
uint32_t nl_u32(const struct nlattr *a);
uint64_t nl_u64(const struct nlattr *a);
struct in_addr nl_inet(const struct nlattr *a);
const uint8_t *nl_mac(const struct nlattr *a);	/* NULL if not 6 bytes */
const char *nl_str(const struct nlattr *a);	/* "" if not terminated */

#endif /* MIPCTL_NL_H */
