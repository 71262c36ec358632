// SPDX-License-Identifier: GPL-2.0-only
/* The UDP socket of a mip4 device, where no agent has one. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_link.h>
#include <linux/mip4.h>

#include "mipctl/link.h"
#include "mipctl/nl.h"

static const struct keyword socket_keys[] = {
	KEYWORD("dev", VAL_DEV, .attr = MIP4_A_IFINDEX),
	KEYWORD("port", VAL_U16, .min = 1),
};

enum { KEY_DEV, KEY_PORT, N_KEYS };

static const char socket_help[] =
	"Usage: mipctl socket hold dev DEV [ port PORT ]\n"
	"       mipctl socket drop dev DEV\n"
	"hold binds UDP PORT (434) of DEV's local address, for legs with encap udp, and\n"
	"waits: they work as long as it runs. mip4d does the same for its devices.\n";

static int set_socket(const struct val *dev, int fd)
{
	struct nl_req req;
	int rc = nl_genl(&req, MIP4_CMD_SOCKET_SET, 0, NULL, 0);

	if (rc)
		return rc;
	nl_put_val(&req, MIP4_A_IFINDEX, dev);
	if (fd >= 0)
		nl_put_u32(&req, MIP4_A_SOCKET_FD, (uint32_t)fd);
	return nl_talk(&req, "socket", NULL, NULL);
}

/* Bound, or -1 with an error printed. */
static int open_socket(const struct link_info *info, uint16_t port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = info->local,
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&sin, sizeof(sin)))
		return fd;
	ctl_err("cannot bind UDP port %u of %s: %s", port, inet_ntoa(info->local), strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int socket_hold(struct args *a)
{
	struct val vals[N_KEYS] = { 0 };
	struct link_info info;
	uint16_t port = 434;
	char byte;
	int fd, rc;

	rc = arg_all(a, socket_keys, N_KEYS, vals);
	if (!rc && !vals[KEY_DEV].key)
		rc = arg_incomplete(a, "\"dev\" is missing");
	if (rc)
		return rc;
	if (vals[KEY_PORT].key)
		memcpy(&port, vals[KEY_PORT].data, sizeof(port));
	if (nl_offline())
		return arg_wrong("hold", "it waits for a kernel, so there is nothing to write or read");
	rc = link_ask(val_u32(&vals[KEY_DEV]), &info);
	if (rc)
		return rc;
	if (strcmp(info.kind, MIP4_LINK_KIND)) {
		ctl_err("%s is not a mip4 device", vals[KEY_DEV].arg);
		return CTL_KERNEL;
	}
	fd = open_socket(&info, port);
	if (fd < 0)
		return CTL_KERNEL;
	rc = set_socket(&vals[KEY_DEV], fd);
	/* What isn't of a leg, nobody here wants. */
	while (!rc && (recv(fd, &byte, sizeof(byte), 0) >= 0 || errno == EINTR || errno == ECONNREFUSED))
		;
	close(fd);
	return rc;
}

static int socket_drop(struct args *a)
{
	struct val vals[N_KEYS] = { 0 };
	int rc;

	rc = arg_all(a, socket_keys, 1, vals);
	if (!rc && !vals[KEY_DEV].key)
		rc = arg_incomplete(a, "\"dev\" is missing");
	return rc ? rc : set_socket(&vals[KEY_DEV], -1);
}

static const struct command socket_commands[] = {
	{ "hold", NULL, socket_hold, NULL },
	{ "drop", NULL, socket_drop, NULL },
	{ NULL, NULL, NULL, NULL },
};

const struct object socket_object = { "socket", socket_help, socket_commands, NULL };
