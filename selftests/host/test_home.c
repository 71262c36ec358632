// SPDX-License-Identifier: GPL-2.0-only
/* What a home link's hosts are told, how often, and who is asked before. Links, kernel and sockets are played. */
#include "common.h"
#include "loop.h"

#include "host/arp.h"
#include "host/home.h"
#include "host/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINK	3

static const uint8_t own[6] = { 2, 0, 0, 0, 0, 1 }, device[6] = { 2, 0, 0, 0, 0, 5 };
static struct event_base *base;
static struct homes *homes;
static struct config_device sections[2];
static struct link_info link_info;
static int wire = -1;			/* the home link's other end */
static unsigned int n_sent, n_sockets;
static uint8_t sent[16][ARP_FRAME_LEN];
static struct in_addr home;
static const char *address;		/* this machine's there; NULL: none */
static uint32_t home_is;		/* in the kernel */
static int set_error;

/* ---- what home.c calls ---- */

int __wrap_socket(int domain, int type, int protocol);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
ssize_t __wrap_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to, socklen_t to_len);

int __wrap_socket(int domain, int type, int protocol)
{
	int ends[2];

	(void)type;
	if (domain == AF_INET)
		return eventfd(0, EFD_NONBLOCK);
	assert_int_equal(domain, AF_PACKET);
	assert_int_equal(protocol, 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	if (wire >= 0)
		close(wire);
	wire = ends[1];
	n_sockets++;
	return ends[0];
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	(void)fd;
	if (level == SOL_SOCKET && option == SO_BINDTODEVICE) {
		assert_int_equal(len, 4);
		assert_memory_equal(value, "eth1", 4);
	}
	return 0;
}

int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	(void)fd;
	(void)len;
	assert_int_equal(((const struct sockaddr_ll *)addr)->sll_ifindex, link_info.ifindex);
	return 0;
}

int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	(void)fd;
	(void)len;
	assert_int_equal(((const struct sockaddr_in *)addr)->sin_addr.s_addr, home.s_addr);
	errno = ENETUNREACH;
	return address ? 0 : -1;
}

int __wrap_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)addr;

	(void)fd;
	(void)len;
	return inet_pton(AF_INET, address, &sin->sin_addr) == 1 ? 0 : -1;
}

ssize_t __wrap_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to, socklen_t to_len)
{
	const struct sockaddr_ll *sll = (const struct sockaddr_ll *)to;

	(void)fd;
	(void)flags;
	(void)to_len;
	assert_int_equal(sll->sll_ifindex, link_info.ifindex);
	assert_memory_equal(sll->sll_addr, "\xff\xff\xff\xff\xff\xff", 6);
	assert_int_equal(len, ARP_FRAME_LEN);
	assert_in_range(n_sent, 0, 15);
	memcpy(sent[n_sent++], data, len);
	return len;
}

const char *config_home_link(const struct config *c, const char *name)
{
	(void)c;
	for (int i = 0; i < 2; i++)
		if (!strcmp(sections[i].home_link, name))
			return sections[i].name;
	return NULL;
}

int datapath_get_home_link(struct datapath *dp, uint32_t ifindex, uint32_t *port, char *text)
{
	(void)dp;
	(void)text;
	assert_int_equal(ifindex, 1);
	*port = home_is;
	return 0;
}

int datapath_set_home_link(struct datapath *dp, uint32_t ifindex, uint32_t port, char *text)
{
	(void)dp;
	assert_int_equal(ifindex, 1);
	home_is = port;
	strcpy(text, "no");
	return set_error;
}

static int setup(void **state)
{
	static struct config config;

	(void)state;
	memset(sections, 0, sizeof(sections));
	strcpy(sections[0].name, "mip0");
	strcpy(sections[0].home_link, "eth1");
	strcpy(sections[1].name, "mip1");
	link_info = (struct link_info){ .ifindex = LINK, .name = "eth1", .ethernet = true, .up = true };
	memcpy(link_info.mac, own, 6);
	n_sent = n_sockets = 0;
	inet_pton(AF_INET, "10.0.0.5", &home);
	address = "10.0.0.1";
	base = event_base_new();
	homes = homes_new(base);
	homes_configure(homes, &config);
	homes_link_changed(homes, &link_info, false);
	assert_int_equal(n_sockets, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	homes_free(homes);
	event_base_free(base);
	close(wire);
	wire = -1;
	return 0;
}

/* ---- helpers ---- */

static int waits(const struct event_base *of, const struct event *ev, void *arg)
{
	(void)of;
	(void)arg;
	return event_pending(ev, EV_TIMEOUT, NULL);
}

/* Whatever may still be to say, however long that takes on a machine that has little time for us. */
static void let_all_pass(void)
{
	while (event_base_foreach_event(base, waits, NULL))
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

/* Frame @i: @addr is at @mac. As a request, which is as good as a reply. */
static void expect_gratuitous(unsigned int i, struct in_addr addr, const uint8_t mac[static 6])
{
	/* [5944-4.6-1] */
	assert_memory_equal(sent[i], "\xff\xff\xff\xff\xff\xff", 6);
	/* also what is about another: who learns from frames learns where we are */
	assert_memory_equal(sent[i] + 6, own, 6);
	assert_memory_equal(sent[i] + 12, "\x08\x06\0\x01\x08\0\x06\x04\0\x01", 10);
	assert_memory_equal(sent[i] + 22, mac, 6);
	assert_memory_equal(sent[i] + 28, &addr, 4);
	assert_memory_equal(sent[i] + 32, "\0\0\0\0\0\0", 6);
	assert_memory_equal(sent[i] + 38, &addr, 4);
}

static void expect_question(unsigned int i)
{
	struct in_addr asker;

	inet_pton(AF_INET, address, &asker);
	assert_memory_equal(sent[i] + 6, own, 6);
	assert_memory_equal(sent[i] + 12, "\x08\x06\0\x01\x08\0\x06\x04\0\x01", 10);
	assert_memory_equal(sent[i] + 22, own, 6);
	assert_memory_equal(sent[i] + 28, &asker, 4);
	assert_memory_equal(sent[i] + 38, &home, 4);
}

static void hears(bool reply, const char *addr, const uint8_t mac[static 6])
{
	struct arp arp = { .reply = reply };
	uint8_t frame[ARP_FRAME_LEN];

	inet_pton(AF_INET, addr, &arp.sender);
	inet_pton(AF_INET, "10.0.0.1", &arp.target);
	memcpy(arp.sender_mac, mac, 6);
	memcpy(arp.target_mac, own, 6);
	arp_build(frame, mac, own, &arp);
	assert_int_equal(write(wire, frame, sizeof(frame)), sizeof(frame));
	let_pass(base, 20);
}

/* ---- tests ---- */

static void test_begin(void **state)
{
	(void)state;
	homes_begin(homes, "mip1", home);	/* a virtual one */
	homes_begin(homes, "mip0", home);
	/* at once, then over again: [5944-4.6-8] */
	assert_int_equal(n_sent, 1);
	let_all_pass();
	assert_int_equal(n_sent, HOME_TIMES);
	for (int i = 0; i < HOME_TIMES; i++)
		expect_gratuitous(i, home, own);
}

static void test_end(void **state)
{
	(void)state;
	homes_end(homes, "mip0", home);
	assert_int_equal(n_sent, 1);
	expect_question(0);
	hears(false, "10.0.0.5", device);
	hears(true, "10.0.0.6", device);
	hears(true, "10.0.0.5", own);
	hears(true, "10.0.0.5", (const uint8_t [6]){ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff });
	assert_int_equal(write(wire, sent[0], 41), 41);
	let_pass(base, 20);
	assert_int_equal(n_sent, 1);
	hears(true, "10.0.0.5", device);
	/* at once, then over again, by the device's own MAC: [5944-4.6-14] */
	assert_int_equal(n_sent, 2);
	hears(true, "10.0.0.5", device);	/* nobody asks any more */
	assert_int_equal(n_sent, 2);
	let_all_pass();
	assert_int_equal(n_sent, 1 + HOME_TIMES);
	for (int i = 1; i <= HOME_TIMES; i++)
		expect_gratuitous(i, home, device);
}

static void test_nobody(void **state)
{
	(void)state;
	homes_end(homes, "mip0", home);
	let_pass(base, HOME_TIMES * HOME_MS - HOME_MS / 2);
	assert_int_equal(n_sent, HOME_TIMES);
	for (int i = 0; i < HOME_TIMES; i++)
		expect_question(i);
	let_pass(base, HOME_MS);
	hears(true, "10.0.0.5", device);
	assert_int_equal(n_sent, HOME_TIMES);
	/* nor can be asked for */
	address = NULL;
	homes_end(homes, "mip0", home);
	let_all_pass();
	assert_int_equal(n_sent, HOME_TIMES);
}

/* What holds by now is what is said. */
static void test_changes(void **state)
{
	(void)state;
	homes_end(homes, "mip0", home);
	homes_begin(homes, "mip0", home);
	assert_int_equal(n_sent, 2);
	hears(true, "10.0.0.5", device);
	let_all_pass();
	assert_int_equal(n_sent, 1 + HOME_TIMES);
	for (int i = 1; i <= HOME_TIMES; i++)
		expect_gratuitous(i, home, own);
	n_sent = 0;
	homes_begin(homes, "mip0", home);
	homes_end(homes, "mip0", home);
	assert_int_equal(n_sent, 2);
	expect_question(1);
	let_all_pass();
	assert_int_equal(n_sent, 1 + HOME_TIMES);
	expect_question(HOME_TIMES);
}

static void test_links(void **state)
{
	const struct link_info other = { .ifindex = 9, .name = "eth9" };

	(void)state;
	assert_true(homes_has(homes, LINK));
	assert_false(homes_has(homes, 9));
	assert_false(homes_has(homes, 0));
	homes_link_changed(homes, &other, false);
	assert_int_equal(n_sockets, 1);
	/* its MAC as it is then */
	link_info.mac[5] = 7;
	homes_link_changed(homes, &link_info, false);
	homes_begin(homes, "mip0", home);
	assert_int_equal(sent[0][11], 7);
	assert_int_equal(sent[0][27], 7);
	/* what was to be said ends with it */
	homes_link_changed(homes, &link_info, true);
	assert_false(homes_has(homes, LINK));
	let_all_pass();
	assert_int_equal(n_sent, 1);
	/* another of that name, twice, and nobody has heard of the first one's end */
	for (link_info.ifindex = 11; link_info.ifindex < 13; link_info.ifindex++)
		homes_link_changed(homes, &link_info, false);
	link_info.ifindex = 12;
	assert_int_equal(n_sockets, 3);
	homes_begin(homes, "mip0", home);
	assert_int_equal(n_sent, 2);
	/* a new name, as if it were another */
	strcpy(link_info.name, "lan");
	homes_link_changed(homes, &link_info, false);
	assert_false(homes_has(homes, 12));
	/* a new configuration */
	strcpy(link_info.name, "eth1");
	homes_link_changed(homes, &link_info, false);
	assert_true(homes_has(homes, 12));
	homes_configure(homes, NULL);
	homes_link_changed(homes, &link_info, false);
	assert_false(homes_has(homes, 12));
}

/* "lo" is what each machine has. */
static void test_mode(void **state)
{
	struct config_device section = { .name = "lo" };
	char text[CORE_TEXT_MAX] = "";

	(void)state;
	home_is = 7;
	assert_int_equal(homes_check(NULL, &section, text), 0);
	assert_int_equal(homes_ensure(NULL, &section, text), 0);
	assert_int_equal(home_is, 7);
	strcpy(section.home_link, "lo");
	assert_int_equal(homes_check(NULL, &section, text), EBUSY);
	assert_string_equal(text, "the home link of device lo is ? already: mipctl port set ? mode access");
	home_is = 0;
	assert_int_equal(homes_check(NULL, &section, text), 0);
	assert_int_equal(homes_ensure(NULL, &section, text), 0);
	assert_int_equal(home_is, 1);
	assert_int_equal(homes_check(NULL, &section, text), 0);
	set_error = EOPNOTSUPP;
	assert_int_equal(homes_ensure(NULL, &section, text), EOPNOTSUPP);
	assert_string_equal(text, "cannot make lo the home link of lo: no");
	set_error = 0;
	/* not there yet */
	strcpy(section.name, "none0");
	assert_int_equal(homes_check(NULL, &section, text), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_begin), TEST(test_end), TEST(test_nobody), TEST(test_changes), TEST(test_links),
		TEST(test_mode),
	};

	return cmocka_run_group_tests_name("home", tests, NULL, NULL);
}
