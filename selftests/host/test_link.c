// SPDX-License-Identifier: GPL-2.0-only
/* What the agent does to network devices, and what it only looks at. The kernel is played here. */
#include "common.h"

#include "host/link.h"
#include "host/nl.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/mip4.h>
#include <linux/rtnetlink.h>

#define LOCAL	0x0a0200c0	/* 192.0.2.10 */

struct net_device {
	const char *name;
	uint32_t master;
	bool mip4, up, bridged, isolated;
	uint8_t plen;			/* of its address */
};

static struct net_device devices[8];	/* index: ifindex - 1 */
static unsigned int n_devices, n_changes;
static struct event_base *base;
static struct links *links;
static char text[CORE_TEXT_MAX];

/* ---- the kernel ---- */

struct nl_sock *nl_open(int protocol)
{
	struct nl_sock *sock = nl_socket_alloc();

	return !sock || nl_connect(sock, protocol) ? NULL : sock;
}

struct nl_sock *nl_open_events(int protocol, nl_recvmsg_msg_cb_t handler, void *arg)
{
	(void)handler;
	(void)arg;
	return nl_open(protocol);
}

static void tell(unsigned int i, nl_recvmsg_msg_cb_t handler, void *arg)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = i + 1, .ifi_type = ARPHRD_ETHER,
				 .ifi_flags = devices[i].up ? IFF_UP : 0 };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, 0);
	struct nlattr *info, *data;

	nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO);
	nla_put_string(msg, IFLA_IFNAME, devices[i].name);
	if (devices[i].master)
		nla_put_u32(msg, IFLA_MASTER, devices[i].master);
	if (devices[i].mip4) {
		info = nla_nest_start(msg, IFLA_LINKINFO);
		nla_put_string(msg, IFLA_INFO_KIND, MIP4_LINK_KIND);
		data = nla_nest_start(msg, IFLA_INFO_DATA);
		nla_put_u32(msg, IFLA_MIP4_LOCAL, LOCAL);
		nla_nest_end(msg, data);
		nla_nest_end(msg, info);
	}
	if (devices[i].bridged) {
		info = nla_nest_start(msg, IFLA_LINKINFO);
		nla_put_string(msg, IFLA_INFO_SLAVE_KIND, "bridge");
		data = nla_nest_start(msg, IFLA_INFO_SLAVE_DATA);
		nla_put_u8(msg, IFLA_BRPORT_ISOLATED, devices[i].isolated);
		nla_nest_end(msg, data);
		nla_nest_end(msg, info);
	}
	handler(msg, arg);
	nlmsg_free(msg);
}

int nl_request(struct nl_sock *sock, struct nl_msg *msg, nl_recvmsg_msg_cb_t handler, void *arg, char *why)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct nlattr *tb[IFLA_MAX + 1] = { 0 };
	struct ifinfomsg *ifi = nlmsg_data(nlh);
	int error = ENODEV;

	(void)sock;
	if (why)
		strcpy(why, "no");
	if (nlh->nlmsg_type == RTM_NEWADDR) {
		const struct ifaddrmsg *ifa = nlmsg_data(nlh);

		if (ifa->ifa_index <= n_devices)
			devices[ifa->ifa_index - 1].plen = ifa->ifa_prefixlen;
		n_changes++;
		nlmsg_free(msg);
		return 0;
	}
	assert_int_equal(nlmsg_parse(nlh, sizeof(*ifi), tb, IFLA_MAX, NULL), 0);
	if (nlh->nlmsg_type == RTM_NEWLINK && nlh->nlmsg_flags & NLM_F_CREATE) {
		assert_in_range(n_devices, 0, 7);
		devices[n_devices++] = (struct net_device){
			.name = strdup(nla_get_string(tb[IFLA_IFNAME])),
			.mip4 = true,
		};
		n_changes++;
		nlmsg_free(msg);
		return 0;
	}
	for (unsigned int i = 0; i < n_devices; i++) {
		if (tb[IFLA_IFNAME] ? strcmp(nla_get_string(tb[IFLA_IFNAME]), devices[i].name) :
				      ifi->ifi_index != (int)i + 1)
			continue;
		error = 0;
		if (nlh->nlmsg_type == RTM_GETLINK) {
			tell(i, handler, arg);
			continue;
		}
		assert_int_equal(nlh->nlmsg_type, RTM_NEWLINK);
		n_changes++;
		devices[i].up |= ifi->ifi_flags & IFF_UP;
		if (tb[IFLA_MASTER])
			devices[i].master = nla_get_u32(tb[IFLA_MASTER]);
	}
	nlmsg_free(msg);
	return error;
}

static void on_changed(void *arg, const struct link_info *info, bool gone)
{
	(void)arg;
	(void)info;
	(void)gone;
}

static void on_lost(void *arg)
{
	(void)arg;
}

static int setup(void **state)
{
	(void)state;
	n_devices = n_changes = 0;
	base = event_base_new();
	links = links_open(base, on_changed, on_lost, NULL, text);
	assert_non_null(links);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	links_close(links);
	event_base_free(base);
	return 0;
}

static void add(const char *name, uint32_t master, bool mip4)
{
	devices[n_devices++] = (struct net_device){ .name = name, .master = master, .mip4 = mip4 };
}

/* ---- tests ---- */

static const struct config_device wanted = {
	.name = "mip0", .local = { LOCAL }, .ports = { "eth1", "eth2" }, .n_ports = 2,
	.addrs = { { { 0x0100000a }, 24 } }, .n_addrs = 1,
};

static void refused(const struct config_device *device, int error, const char *want)
{
	assert_int_equal(link_check(links, device, text), error);
	if (!strstr(text, want))
		fail_msg("wanted %s\n got %s", want, text);
	assert_int_equal(n_changes, 0);
}

static void test_check(void **state)
{
	struct config_device other = wanted;

	(void)state;
	refused(&wanted, ENODEV, "port eth1 of device mip0: there is no such network device");
	add("eth1", 0, false);
	refused(&wanted, ENODEV, "port eth2 of device mip0: there is no such network device");
	add("eth2", 9, false);
	refused(&wanted, EBUSY, "port eth2 of device mip0 belongs to another device: ip link set eth2 nomaster");
	devices[1].master = 0;
	assert_int_equal(link_check(links, &wanted, text), 0);
	add("mip0", 0, true);
	assert_int_equal(link_check(links, &wanted, text), 0);
	devices[1].master = 3;
	assert_int_equal(link_check(links, &wanted, text), 0);
	other.local.s_addr++;
	refused(&other, EEXIST, "is there with other addresses than configured (local 192.0.2.10)");
	devices[2].mip4 = false;
	refused(&wanted, EEXIST, "device mip0 is there but is no mip4 device");
}

static void test_ensure(void **state)
{
	(void)state;
	add("eth1", 0, false);
	add("eth2", 0, false);
	assert_int_equal(link_ensure(links, &wanted, text), 0);
	assert_int_equal(n_devices, 3);
	assert_true(devices[0].up && devices[1].up && devices[2].up);
	assert_int_equal(devices[0].master, 3);
	assert_int_equal(devices[1].master, 3);
	/* once more, but for the address nothing is to be done */
	n_changes = 0;
	assert_int_equal(link_check(links, &wanted, text), 0);
	assert_int_equal(link_ensure(links, &wanted, text), 0);
	assert_int_equal(n_changes, 1);
	free((char *)devices[2].name);
}

static void test_home_link(void **state)
{
	struct config_device other = wanted;

	(void)state;
	strcpy(other.home_link, "lan");
	add("eth1", 0, false);
	add("eth2", 0, false);
	refused(&other, ENODEV, "port lan of device mip0: there is no such network device");
	add("lan", 9, false);
	refused(&other, EBUSY, "port lan of device mip0 belongs to another device: ip link set lan nomaster");
	devices[2].master = 0;
	assert_int_equal(link_ensure(links, &other, text), 0);
	assert_true(devices[2].up);
	assert_int_equal(devices[2].master, 4);
	/* the prefix leads to the mip4 device */
	assert_int_equal(devices[3].plen, 24);
	assert_int_equal(devices[2].plen, 32);
	assert_int_equal(devices[1].plen, 0);
	free((char *)devices[3].name);
}

static void test_members(void **state)
{
	struct link_info info;

	(void)state;
	add("eth1", 0, false);
	assert_int_equal(link_get(links, "eth1", 0, &info), 0);
	assert_false(info.bridged || info.isolated);
	devices[0].bridged = true;
	assert_int_equal(link_get(links, "eth1", 0, &info), 0);
	assert_true(info.bridged);
	assert_false(info.isolated);
	devices[0].isolated = true;
	assert_int_equal(link_get(links, NULL, 1, &info), 0);
	assert_true(info.bridged && info.isolated);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_check), TEST(test_ensure), TEST(test_home_link), TEST(test_members),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
