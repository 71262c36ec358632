// SPDX-License-Identifier: GPL-2.0-only
#include "host/fdb.h"
#include "core/core.h"
#include "host/nl.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

struct fdb {
	struct nl_sock *events;
	struct event *ev;
	fdb_fn learned;
	void *arg;
};

/*
 * A bridge tells its entries as neighbours. Its own addresses, and its members', are
 * permanent, what an operator wrote needn't be there, and what is stale may have left.
 * One that filters VLANs says of which, and those are no ports.
 */
static int on_neighbour(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct ndmsg *ndm = nlmsg_data(nlh);
	struct nlattr *tb[NDA_MAX + 1];
	struct fdb *fdb = arg;

	if (nlh->nlmsg_type != RTM_NEWNEIGH || nlmsg_parse(nlh, sizeof(*ndm), tb, NDA_MAX, NULL) ||
	    ndm->ndm_family != AF_BRIDGE || !(ndm->ndm_state & NUD_REACHABLE))
		return NL_OK;
	if (!tb[NDA_VLAN] && tb[NDA_MASTER] && tb[NDA_LLADDR] && nla_len(tb[NDA_LLADDR]) == 6)
		fdb->learned(fdb->arg, nla_get_u32(tb[NDA_MASTER]), nla_data(tb[NDA_LLADDR]));
	return NL_OK;
}

/* What is lost when too much comes is found by its frames, like everything else. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct fdb *fdb = arg;

	(void)fd;
	(void)what;
	nl_recvmsgs_default(fdb->events);
}

struct fdb *fdb_open(struct event_base *base, fdb_fn learned, void *arg, char *text)
{
	struct fdb *fdb = calloc(1, sizeof(*fdb));

	if (!fdb) {
		strcpy(text, "no memory");
		return NULL;
	}
	fdb->learned = learned;
	fdb->arg = arg;
	fdb->events = nl_open_events(NETLINK_ROUTE, on_neighbour, fdb);
	if (fdb->events && !nl_socket_add_memberships(fdb->events, RTNLGRP_NEIGH, 0))
		fdb->ev = event_new(base, nl_socket_get_fd(fdb->events), EV_READ | EV_PERSIST, on_readable, fdb);
	if (!fdb->ev || event_add(fdb->ev, NULL)) {
		snprintf(text, CORE_TEXT_MAX, "cannot listen to bridges: %s", strerror(errno));
		fdb_close(fdb);
		return NULL;
	}
	return fdb;
}

void fdb_close(struct fdb *fdb)
{
	if (!fdb)
		return;
	if (fdb->ev)
		event_free(fdb->ev);
	nl_socket_free(fdb->events);
	free(fdb);
}
