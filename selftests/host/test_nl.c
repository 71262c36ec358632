// SPDX-License-Identifier: GPL-2.0-only
/* Requests keep in step with their answers, whatever an earlier one left behind. By rtnetlink and "lo". */
#include "common.h"

#include "host/nl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

static struct nl_msg *get_link(int flags, int ifindex)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETLINK, flags);

	assert_int_equal(nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO), 0);
	return msg;
}

struct seen {
	unsigned int n;
	int ifindex;
};

static int on_link(struct nl_msg *msg, void *arg)
{
	struct seen *seen = arg;

	seen->n++;
	seen->ifindex = ((struct ifinfomsg *)nlmsg_data(nlmsg_hdr(msg)))->ifi_index;
	return NL_OK;
}

static void expect_lo(struct nl_sock *sock)
{
	struct seen seen = { 0 };
	char text[NL_TEXT_MAX];

	assert_int_equal(nl_request(sock, get_link(0, 1), on_link, &seen, text), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.ifindex, 1);
}

static void test_error_has_words(void **state)
{
	struct nl_sock *sock = nl_open(NETLINK_ROUTE);
	char text[NL_TEXT_MAX];

	(void)state;
	assert_int_equal(nl_request(sock, get_link(0, 0x7ffffff0), NULL, NULL, text), ENODEV);
	assert_true(*text);
	expect_lo(sock);
	nl_socket_free(sock);
}

/* Answers that nobody has read: an error, a link, a dump. */
static void test_left_behind(void **state)
{
	struct nl_sock *sock = nl_open(NETLINK_ROUTE);
	struct nl_msg *left[] = { get_link(0, 0x7ffffff0), get_link(0, 1), get_link(NLM_F_DUMP, 0) };
	struct seen seen = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(nl_send_auto(sock, left[i]) > 0);
		nlmsg_free(left[i]);
	}
	expect_lo(sock);
	expect_lo(sock);
	assert_int_equal(nl_request(sock, get_link(NLM_F_DUMP, 0), on_link, &seen, NULL), 0);
	assert_in_range(seen.n, 1, 100000);
	nl_socket_free(sock);
}

/* A send that fails, here by a socket of another kind in its place: the next request works. */
static void test_after_failure(void **state)
{
	struct nl_sock *sock = nl_open(NETLINK_ROUTE);
	int other = socket(AF_UNIX, SOCK_DGRAM, 0);	/* protocol 0, as rtnetlink */
	char text[NL_TEXT_MAX];

	(void)state;
	assert_true(dup2(other, nl_socket_get_fd(sock)) >= 0);
	close(other);
	assert_int_equal(nl_request(sock, get_link(0, 1), NULL, NULL, text), EIO);
	assert_true(*text);
	expect_lo(sock);
	expect_lo(sock);
	nl_socket_free(sock);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_has_words), cmocka_unit_test(test_left_behind),
		cmocka_unit_test(test_after_failure),
	};

	return cmocka_run_group_tests_name("nl", tests, NULL, NULL);
}
