#include "net/udp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static int64_t now_us = 1000000;

/* Instead of the one of src/base/clock.c. */
int64_t base_monotonic_us(void)
{
	return now_us;
}

static void test_open(void **state)
{
	struct net_address any, local;
	assert_int_equal(net_address_parse("127.0.0.1", 0, &any), 0);
	int descriptor, second;
	assert_int_equal(net_udp_open(&any, &descriptor), 0);
	assert_int_equal(net_local_address(descriptor, &local), 0);
	assert_true(net_address_same_host(&any, &local));
	assert_int_not_equal(net_address_port(&local), 0);
	assert_int_equal(net_udp_open(&local, &second), -EADDRINUSE);
	char byte;
	assert_int_equal(recv(descriptor, &byte, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
	close(descriptor);
	struct net_address none = {0};
	assert_int_equal(net_udp_open(&none, &descriptor), -EINVAL);
	assert_int_equal(net_local_address(-1, &local), -EBADF);
}

static void test_source(void **state)
{
	struct net_address remote, source;
	assert_int_equal(net_address_parse("127.0.0.53", 0, &remote), 0);
	assert_int_equal(net_source_address(&remote, &source), 0);
	char text[NET_ADDRESS_TEXT_MAX];
	assert_string_equal(net_address_format(&source, text), "127.0.0.1:0");
}

static void test_interfaces(void **state)
{
	struct net_address addresses[32];
	size_t count = net_interface_addresses(addresses, 32);
	assert_in_range(count, 1, 32);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(net_address_port(&addresses[i]), 0);
		assert_false(net_address_is_wildcard(&addresses[i]));
		if (net_address_is_ipv6(&addresses[i]))
			assert_false(IN6_IS_ADDR_LINKLOCAL(&addresses[i].ipv6.sin6_addr));
	}
	assert_int_equal(net_interface_addresses(addresses, 0), 0);
}

static void test_pool_takes_each_once(void **state)
{
	struct net_port_pool *pool;
	uint16_t port;
	bool seen[10] = {false};
	assert_int_equal(net_port_pool_new(20001, 20010, &pool), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(net_port_pool_take(pool, &port), 0);
		assert_in_range(port, 20001, 20010);
		assert_false(seen[port - 20001]);
		seen[port - 20001] = true;
	}
	assert_int_equal(net_port_pool_in_use(pool), 10);
	assert_int_equal(net_port_pool_take(pool, &port), -EADDRINUSE);

	net_port_pool_give(pool, 20005);
	net_port_pool_give(pool, 20005);
	net_port_pool_give(pool, 1);
	net_port_pool_give(pool, 20011);
	assert_int_equal(net_port_pool_in_use(pool), 9);
	now_us += 1999999;
	assert_int_equal(net_port_pool_take(pool, &port), -EADDRINUSE);
	now_us += 1;
	assert_int_equal(net_port_pool_take(pool, &port), 0);
	assert_int_equal(port, 20005);
	net_port_pool_free(pool);
}

static void test_pool_pairs(void **state)
{
	struct net_port_pool *pool;
	uint16_t port;
	assert_int_equal(net_port_pool_new(20001, 20007, &pool), 0); /* pairs: 2-3, 4-5, 6-7 */
	bool seen[8] = {false};
	for (int i = 0; i < 3; i++) {
		assert_int_equal(net_port_pool_take_pair(pool, &port), 0);
		assert_int_equal(port % 2, 0);
		assert_false(seen[port - 20000]);
		seen[port - 20000] = true;
	}
	assert_int_equal(net_port_pool_take_pair(pool, &port), -EADDRINUSE);
	assert_int_equal(net_port_pool_take(pool, &port), 0);
	assert_int_equal(port, 20001);
	net_port_pool_give(pool, 20002);
	now_us += 2000000;
	assert_int_equal(net_port_pool_take_pair(pool, &port), -EADDRINUSE); /* half a pair is none */
	net_port_pool_give(pool, 20003);
	now_us += 2000000;
	assert_int_equal(net_port_pool_take_pair(pool, &port), 0);
	assert_int_equal(port, 20002);
	net_port_pool_free(pool);
}

static void test_pool_ranges(void **state)
{
	struct net_port_pool *pool;
	uint16_t port;
	assert_int_equal(net_port_pool_new(0, 10, &pool), -EINVAL);
	assert_int_equal(net_port_pool_new(11, 10, &pool), -EINVAL);
	assert_int_equal(net_port_pool_new(65535, 65535, &pool), 0);
	assert_int_equal(net_port_pool_take_pair(pool, &port), -EADDRINUSE);
	assert_int_equal(net_port_pool_take(pool, &port), 0);
	assert_int_equal(port, 65535);
	net_port_pool_free(pool);
	assert_null(net_port_pool_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),		     cmocka_unit_test(test_source),
		cmocka_unit_test(test_interfaces),	     cmocka_unit_test(test_pool_takes_each_once),
		cmocka_unit_test(test_pool_pairs),	     cmocka_unit_test(test_pool_ranges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
