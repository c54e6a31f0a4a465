#include "media/reuseport.h"
#include "net/udp.h"
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <unistd.h>

static void check_host(const char *host)
{
	struct net_address address, local;
	int first, second, far;
	uint8_t byte, got;

	assert_int_equal(net_address_parse(host, 0, &address), 0);
	assert_int_equal(net_udp_open(&address, &first), 0);
	assert_int_equal(net_local_address(first, &local), 0);
	second = media_reuseport_join(first);
	assert_true(second >= 0);
	/* Every first byte, from several ports, since the kernel's own choice would be by address. */
	for (int port = 0; port < 8; port++) {
		assert_int_equal(net_udp_open(&address, &far), 0);
		for (int i = 0; i < 256; i++) {
			bool is_ours = (i >= 20 && i <= 63) || (i >= 128 && i <= 191);

			byte = (uint8_t)i;
			assert_int_equal(sendto(far, &byte, 1, 0, &local.any, local.length), 1);
			assert_int_equal(recv(is_ours ? second : first, &got, 1, MSG_DONTWAIT), 1);
			assert_int_equal(got, byte);
			assert_int_equal(recv(is_ours ? first : second, &got, 1, MSG_DONTWAIT), -1);
		}
		assert_int_equal(sendto(far, &byte, 0, 0, &local.any, local.length), 0);
		assert_int_equal(recv(first, &got, 1, MSG_DONTWAIT), 0);
		close(far);
	}
	/* Ours is closed first; then everything comes to the other. */
	close(second);
	assert_int_equal(net_udp_open(&address, &far), 0);
	byte = 0x80;
	sendto(far, &byte, 1, 0, &local.any, local.length);
	assert_int_equal(recv(first, &got, 1, MSG_DONTWAIT), 1);
	close(far);
	close(first);
}

static void test_ipv4(void **state)
{
	check_host("127.0.0.1");
}

static void test_ipv6(void **state)
{
	check_host("::1");
}

static void test_not_bound(void **state)
{
	assert_true(media_reuseport_join(-1) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_not_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
