// SPDX-License-Identifier: GPL-2.0-only
/* See host_world.h. */
#include "host_world.h"

#include "host/clock.h"
#include "host/control.h"
#include "host/dhcp.h"
#include "host/fdb.h"
#include "host/home.h"
#include "host/hostapd.h"
#include "host/keep.h"
#include "host/log.h"
#include "host/port.h"
#include "host/presence.h"
#include "host/store.h"
#include "host/timeline.h"
#include "host/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

struct world *world;

static const char *state_of_old, *cut_dir;
static udp_fn on_datagram;
static void *on_datagram_arg;

void note(char what)
{
	assert_in_range(world->n_trace, 0, sizeof(world->trace) - 2);
	world->trace[world->n_trace++] = what;
	if (what == world->die_at) {
		world->die_at = '\0';
		kill(getpid(), SIGKILL);
	}
}

unsigned int count(char what)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < world->n_trace; i++)
		n += world->trace[i] == what;
	return n;
}

/* ---- the disk, in front of libc's ---- */

static void copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char buf[65536];
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		assert_int_equal(write(out, buf, n), n);
	close(in);
	close(out);
}

static int sync_file(int fd)
{
	char link[64], path[PATH_MAX] = "", copy[PATH_MAX];
	const char *name;

	if (world && world->sync_fails) {
		errno = EIO;
		return -1;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	name = readlink(link, path, sizeof(path) - 1) > 0 && state_of_old ? strrchr(path, '/') : NULL;
	/* A journal is there while SQLite makes the file only, and is taken away for good. */
	if (name && !strncmp(path, state_of_old, name - path) && !strncmp(name, "/registrations.db", 17) &&
	    !strstr(name, "-journal")) {
		snprintf(copy, sizeof(copy), "%.2000s%.2000s", cut_dir, name);
		copy_file(path, copy);
		note('f');
	}
	return syscall(SYS_fdatasync, fd);
}

int fdatasync(int fd)
{
	return sync_file(fd);
}

int fsync(int fd)
{
	return sync_file(fd);
}

void __real_store_put(struct store *store, const struct core_record *record);
void __wrap_store_put(struct store *store, const struct core_record *record);

void __wrap_store_put(struct store *store, const struct core_record *record)
{
	note('S');
	__real_store_put(store, record);
}

/* ---- the kernel ---- */

static struct core_binding *find_binding(uint64_t cookie)
{
	for (unsigned int i = 0; i < world->n_kernel; i++)
		if (world->kernel[i].cookie == cookie)
			return &world->kernel[i];
	return NULL;
}

int datapath_bind(struct datapath *dp, const struct core_binding *binding, char *text)
{
	struct core_binding *k = find_binding(binding->cookie);

	(void)dp;
	(void)text;
	assert_true(k || world->n_kernel < KERNEL_MAX);
	if (!k)
		k = &world->kernel[world->n_kernel++];
	*k = *binding;
	note('B');
	return 0;
}

int datapath_unbind(struct datapath *dp, const struct core_binding *binding, char *text)
{
	struct core_binding *k = find_binding(binding->cookie);

	(void)dp;
	(void)text;
	if (!k)
		return ENOENT;
	*k = world->kernel[--world->n_kernel];
	note('U');
	return 0;
}

int datapath_walk(struct datapath *dp, void (*fn)(void *arg, const struct datapath_binding *binding), void *arg,
		  char *text)
{
	struct core_binding kernel[KERNEL_MAX];
	unsigned int n = world->n_kernel;

	(void)dp;
	(void)text;
	memcpy(kernel, world->kernel, sizeof(kernel));
	for (unsigned int i = 0; i < n; i++) {
		struct datapath_binding b = { .ifindex = if_nametoindex("lo"), .id = i, .as = kernel[i] };

		fn(arg, &b);
	}
	return 0;
}

/* Something to point at. */
static char thing;

struct datapath *datapath_open(struct event_base *base, const struct datapath_ops *ops, char *text)
{
	(void)base;
	(void)ops;
	(void)text;
	return (void *)&thing;
}

void datapath_close(struct datapath *dp)
{
	(void)dp;
}

int datapath_version(struct datapath *dp, char *version, size_t size)
{
	(void)dp;
	snprintf(version, size, "%s", MIP4_VERSION);
	return 0;
}

int datapath_socket(struct datapath *dp, uint32_t ifindex, int fd, char *text)
{
	(void)dp;
	(void)ifindex;
	(void)fd;
	(void)text;
	return EOPNOTSUPP;
}

struct links *links_open(struct event_base *base, void (*changed)(void *arg, const struct link_info *info, bool gone),
			 void (*lost)(void *arg), void *arg, char *text)
{
	(void)base;
	(void)changed;
	(void)lost;
	(void)arg;
	(void)text;
	return (void *)&thing;
}

void links_close(struct links *links)
{
	(void)links;
}

int link_get(struct links *links, const char *name, uint32_t ifindex, struct link_info *info)
{
	(void)links;
	(void)name;
	(void)ifindex;
	*info = (struct link_info){ .mip4 = true, .realm = 1 };
	return 0;
}

int link_check(struct links *links, const struct config_device *device, char *text)
{
	(void)links;
	(void)device;
	(void)text;
	return 0;
}

int link_set(struct links *links, const struct config_device *device, char *text)
{
	(void)links;
	(void)device;
	(void)text;
	return 0;
}

int link_ensure(struct links *links, const struct config_device *device, char *text)
{
	return link_check(links, device, text);
}

struct fdb *fdb_open(struct event_base *base, fdb_fn learned, void *arg, char *text)
{
	(void)base;
	(void)learned;
	(void)arg;
	(void)text;
	return (void *)&thing;
}

void fdb_close(struct fdb *fdb)
{
	(void)fdb;
}

struct hostapds *hostapds_new(struct event_base *base, hostapd_fn station, void *arg)
{
	(void)base;
	(void)station;
	(void)arg;
	return (void *)&thing;
}

bool hostapds_configure(struct hostapds *all, const struct config *config)
{
	(void)all;
	(void)config;
	return true;
}

void hostapds_free(struct hostapds *all)
{
	(void)all;
}

struct homes *homes_new(struct event_base *base)
{
	(void)base;
	return (void *)&thing;
}

void homes_free(struct homes *homes)
{
	(void)homes;
}

int homes_check(struct datapath *dp, const struct config_device *device, char *text)
{
	(void)dp;
	(void)device;
	(void)text;
	return 0;
}

int homes_ensure(struct datapath *dp, const struct config_device *device, char *text)
{
	return homes_check(dp, device, text);
}

void homes_configure(struct homes *homes, const struct config *config)
{
	(void)homes;
	(void)config;
}

void homes_link_changed(struct homes *homes, const struct link_info *info, bool gone)
{
	(void)homes;
	(void)info;
	(void)gone;
}

bool homes_has(const struct homes *homes, uint32_t ifindex)
{
	(void)homes;
	(void)ifindex;
	return false;
}

void homes_begin(struct homes *homes, const char *device, struct in_addr home)
{
	(void)homes;
	(void)device;
	(void)home;
}

void homes_end(struct homes *homes, const char *device, struct in_addr home)
{
	homes_begin(homes, device, home);
}

/* ---- the network ---- */

struct keep *keep_open(const char *path)
{
	(void)path;
	return (void *)&thing;
}

void keep_close(struct keep *keep)
{
	(void)keep;
}

struct udp *udp_new(struct event_base *base, struct keep *keep, udp_fn fn, void *arg)
{
	(void)base;
	(void)keep;
	on_datagram = fn;
	on_datagram_arg = arg;
	return (void *)&thing;
}

void udp_free(struct udp *udp)
{
	(void)udp;
}

bool udp_check(struct udp *udp, const struct config *config, char *text)
{
	(void)udp;
	(void)config;
	(void)text;
	return true;
}

bool udp_configure(struct udp *udp, const struct config *config, char *text)
{
	return udp_check(udp, config, text);
}

int udp_fd(const struct udp *udp, struct in_addr addr)
{
	(void)udp;
	(void)addr;
	return -1;
}

void udp_send(struct udp *udp, struct in_addr src, struct in_addr dst, uint16_t dport, uint32_t link,
	      const uint8_t *data, size_t len)
{
	(void)link;
	(void)udp;
	(void)src;
	(void)dst;
	(void)dport;
	memcpy(world->sent.data, data, len);
	world->sent.len = len;
	note('R');
}

void arrive(struct host *host, const char *src, const char *dst, const struct wire_out *message)
{
	struct core_event event = { .type = CORE_EV_DATAGRAM };

	assert_ptr_equal(host, on_datagram_arg);
	assert_false(message->failed);
	assert_int_equal(inet_pton(AF_INET, src, &event.datagram.src), 1);
	assert_int_equal(inet_pton(AF_INET, dst, &event.datagram.dst), 1);
	event.datagram.sport = WIRE_PORT;
	event.datagram.data = message->buf;
	event.datagram.len = message->len;
	on_datagram(on_datagram_arg, &event);
}

/* ---- ports and devices ---- */

struct ports *ports_new(struct event_base *base, struct links *links, port_frame_fn fn, port_link_fn link, void *arg)
{
	(void)base;
	(void)links;
	(void)fn;
	(void)link;
	(void)arg;
	return (void *)&thing;
}

void ports_free(struct ports *ports)
{
	(void)ports;
}

int ports_configure(struct ports *ports, const struct config *config)
{
	(void)ports;
	(void)config;
	return 0;
}

int ports_resync(struct ports *ports)
{
	(void)ports;
	return 0;
}

void ports_link_changed(struct ports *ports, const struct link_info *info, bool gone)
{
	(void)ports;
	(void)info;
	(void)gone;
}

void ports_tell_links(const struct ports *ports)
{
	(void)ports;
}

const struct port *port_find(const struct ports *ports, uint32_t ifindex)
{
	(void)ports;
	(void)ifindex;
	return NULL;
}

struct dhcp *dhcp_new(struct host *host)
{
	(void)host;
	return (void *)&thing;
}

void dhcp_free(struct dhcp *dhcp)
{
	(void)dhcp;
}

void dhcp_frame(struct dhcp *dhcp, const struct port *port, const uint8_t *frame, size_t len, bool csum_done,
		uint64_t seen_us)
{
	(void)dhcp;
	(void)port;
	(void)frame;
	(void)len;
	(void)csum_done;
	(void)seen_us;
}

void dhcp_result(struct dhcp *dhcp, const struct core_action *action)
{
	(void)dhcp;
	if (action->type != CORE_ACT_ATTACHED)
		return;
	world->attached = action->device.home;
	note('A');
}

void dhcp_restore(struct dhcp *dhcp, const struct core_reg *reg)
{
	(void)dhcp;
	(void)reg;
}

bool dhcp_holds_off(struct dhcp *dhcp, const uint8_t mac[static 6], struct in_addr addr)
{
	(void)dhcp;
	(void)mac;
	(void)addr;
	return false;
}

void dhcp_forget(struct dhcp *dhcp, const uint8_t mac[static 6])
{
	(void)dhcp;
	(void)mac;
}

void dhcp_reset(struct dhcp *dhcp)
{
	(void)dhcp;
}

struct presence *presence_new(struct host *host)
{
	(void)host;
	return (void *)&thing;
}

void presence_free(struct presence *presence)
{
	(void)presence;
}

void presence_ask(struct presence *presence, const struct core_action *action)
{
	(void)presence;
	(void)action;
}

void presence_greet(struct presence *presence, const struct core_action *action)
{
	(void)presence;
	(void)action;
}

bool presence_link(struct presence *presence, const struct port *port, bool up)
{
	(void)presence;
	(void)port;
	(void)up;
	return false;
}

void presence_reset(struct presence *presence)
{
	(void)presence;
}

struct timeline *timeline_new(void)
{
	return (void *)&thing;
}

void timeline_free(struct timeline *timeline)
{
	(void)timeline;
}

void timeline_add(struct timeline *timeline, const struct core_reg *reg, const char *device)
{
	(void)timeline;
	(void)reg;
	(void)device;
}

void timeline_close(struct timeline *timeline, struct datapath *dp, uint64_t cookie)
{
	(void)timeline;
	(void)dp;
	(void)cookie;
}

struct control *control_open(struct host *host, char *text)
{
	(void)host;
	(void)text;
	return (void *)&thing;
}

void control_close(struct control *control)
{
	(void)control;
}

void control_result(struct control *control, const struct core_action *action)
{
	(void)control;
	(void)action;
}

void control_poll(struct control *control)
{
	(void)control;
}

void control_reset(struct control *control, const char *why)
{
	(void)control;
	(void)why;
}

/* ---- lives ---- */

void world_new(const char *dir, const char *cut)
{
	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(world, MAP_FAILED);
	state_of_old = dir;
	cut_dir = cut;
}

void world_free(void)
{
	munmap(world, sizeof(*world));
	world = NULL;
}

bool life(const char *config, const char *state_dir, void (*live)(struct host *host))
{
	struct host host = { .name = "test", .config_path = config, .state_dir = state_dir,
			     .socket_path = "/nowhere" };
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		/* An assertion that fails here is the end of this life, not of the test. */
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		log_set_level(LOG_L_ERROR);
		if (!host_start(&host))
			_exit(2);
		live(&host);
		host_stop(&host);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	assert_int_equal(status, 0);
	return false;
}

void until(struct host *host, char what, unsigned int n)
{
	for (uint64_t end = clock_mono_us() + 5000000; count(what) < n && clock_mono_us() < end;) {
		event_base_loop(host->base, EVLOOP_NONBLOCK);
		usleep(100);
	}
	assert_int_equal(count(what), n);
}
