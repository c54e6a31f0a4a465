#include "net/tcp.h"
#include "net/udp.h"
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <poll.h>
#include <unistd.h>

static struct net_address address_of(const char *host)
{
	struct net_address address;

	assert_int_equal(net_address_parse(host, 0, &address), 0);
	return address;
}

static int wait_for(int descriptor, short events)
{
	struct pollfd poll_one = {.fd = descriptor, .events = events};

	assert_int_equal(poll(&poll_one, 1, 5000), 1);
	return poll_one.revents;
}

static void connect_and_accept(const char *host, const char *from_host)
{
	struct net_address local = address_of(host), from = address_of(from_host), seen = {.length = sizeof seen.ipv6};
	int listener, ours, theirs;

	assert_int_equal(net_tcp_listen(&local, 4, &listener), 0);
	assert_int_equal(net_local_address(listener, &local), 0);
	net_address_set_port(&from, 9); /* of no account */
	assert_int_equal(net_tcp_connect(&from, &local, &ours), 0);
	wait_for(listener, POLLIN);
	theirs = accept(listener, &seen.any, &seen.length);
	assert_true(theirs >= 0);
	assert_true(net_address_same_host(&seen, &from));
	assert_int_not_equal(net_address_port(&seen), 9);
	assert_true(wait_for(ours, POLLOUT) & POLLOUT);
	close(theirs);
	close(ours);
	close(listener);
}

static void test_from_a_chosen_address(void **state)
{
	connect_and_accept("127.0.0.1", "127.0.0.2");
	connect_and_accept("::1", "::1");
}

static void test_an_address_that_is_in_use(void **state)
{
	struct net_address local = address_of("127.0.0.1");
	int listener, other;

	assert_int_equal(net_tcp_listen(&local, 4, &listener), 0);
	assert_int_equal(net_local_address(listener, &local), 0);
	assert_int_equal(net_tcp_listen(&local, 4, &other), -EADDRINUSE);
	close(listener);
}

static void test_nobody_listens(void **state)
{
	struct net_address nobody = address_of("127.0.0.1");
	int listener, ours, error = 0;
	socklen_t length = sizeof error;

	assert_int_equal(net_tcp_listen(&nobody, 4, &listener), 0);
	assert_int_equal(net_local_address(listener, &nobody), 0);
	close(listener);
	assert_int_equal(net_tcp_connect(NULL, &nobody, &ours), 0);
	wait_for(ours, POLLOUT);
	assert_int_equal(getsockopt(ours, SOL_SOCKET, SO_ERROR, &error, &length), 0);
	assert_int_equal(error, ECONNREFUSED);
	close(ours);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_a_chosen_address),
		cmocka_unit_test(test_an_address_that_is_in_use),
		cmocka_unit_test(test_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
