#include "net/network.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static struct net_address parsed(const char *text)
{
	struct net_address address;
	if (net_address_parse_with_port(text, &address))
		fail_msg("%s not taken", text);
	return address;
}

static void test_parse_and_print(void **state)
{
	static const char *const same[] = {"192.0.2.1:5060", "[2001:db8::1]:5060", "[::]:0", "0.0.0.0:65535",
					   "[::ffff:192.0.2.1]:1"};
	char text[NET_ADDRESS_TEXT_MAX];
	for (size_t i = 0; i < G_N_ELEMENTS(same); i++) {
		struct net_address address = parsed(same[i]);
		assert_string_equal(net_address_format(&address, text), same[i]);
	}
	struct net_address longest = parsed("[aaaa:bbbb:cccc:dddd:eeee:ffff:1111:2222]:65535");
	assert_string_equal(net_address_format(&longest, text), "[aaaa:bbbb:cccc:dddd:eeee:ffff:1111:2222]:65535");
	assert_string_equal(net_address_format_host(&longest, text), "aaaa:bbbb:cccc:dddd:eeee:ffff:1111:2222");
	struct net_address none = {0};
	assert_string_equal(net_address_format(&none, text), "none");
}

static void test_refused(void **state)
{
	static const char *const wrong[] = {
		"",		 ":",	       "192.0.2.1",   "192.0.2.1:",	"192.0.2.1:65536", "192.0.2.1:123456",
		"192.0.2.1:-1",	 "1.2.3:5060", "::1:5060",    "[::1]",		"[::1]5060",	   "[192.0.2.1]:5060",
		"example.com:1", "[]:1",       "192.0.2.1:+1", "[fe80::1%eth0]:1", "192.0.2.256:1",   " 192.0.2.1:1",
		"[[::1]]:1",	 "[::1:1",
	};
	struct net_address address;
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
		if (net_address_parse_with_port(wrong[i], &address) != -EINVAL)
			fail_msg("<%s> taken", wrong[i]);
	assert_int_equal(net_address_parse("localhost", 1, &address), -EINVAL);
	g_autofree char *endless = g_strnfill(3000, '1');
	assert_int_equal(net_address_parse(endless, 1, &address), -EINVAL);
	assert_int_equal(net_address_parse_with_port(endless, &address), -EINVAL);
}

static void test_host_forms(void **state)
{
	struct net_address bare, bracketed;
	assert_int_equal(net_address_parse("2001:db8::1", 7, &bare), 0);
	assert_int_equal(net_address_parse("[2001:DB8:0::1]", 7, &bracketed), 0);
	assert_true(net_address_equal(&bare, &bracketed));
	assert_true(net_address_is_ipv6(&bare));
	assert_int_equal(net_address_port(&bare), 7);
	net_address_set_port(&bare, 8);
	assert_false(net_address_equal(&bare, &bracketed));
	assert_true(net_address_same_host(&bare, &bracketed));
}

static void test_compare(void **state)
{
	struct net_address a = parsed("192.0.2.1:1"), b = parsed("192.0.2.1:2"), c = parsed("192.0.2.2:1");
	struct net_address six = parsed("[::1]:1"), none = {0};
	assert_true(net_address_equal(&a, &a));
	assert_false(net_address_equal(&a, &b));
	assert_true(net_address_same_host(&a, &b));
	assert_false(net_address_same_host(&a, &c));
	assert_false(net_address_same_host(&a, &six));
	assert_false(net_address_equal(&a, &none));
	assert_true(net_address_equal(&none, &none));
	assert_int_not_equal(net_address_hash(&a), net_address_hash(&b));
	assert_int_not_equal(net_address_hash(&a), net_address_hash(&c));
	memset(a.ipv4.sin_zero, 0xff, sizeof a.ipv4.sin_zero); /* what the kernel leaves there is no part of it */
	struct net_address clean = parsed("192.0.2.1:1");
	assert_true(net_address_equal(&a, &clean));
	assert_int_equal(net_address_hash(&a), net_address_hash(&clean));
}

static void test_private(void **state)
{
	static const char *const private[] = {"127.0.0.1", "10.0.0.2", "172.31.255.255", "192.168.1.1", "169.254.1.1",
					      "100.64.0.1", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.2"};
	static const char *const public[] = {"203.0.113.5", "172.32.0.1", "100.128.0.1", "2001:db8::1", "::ffff:203.0.113.5"};
	struct net_address address;
	for (size_t i = 0; i < G_N_ELEMENTS(private); i++) {
		assert_int_equal(net_address_parse(private[i], 0, &address), 0);
		assert_true(net_address_is_private(&address));
	}
	for (size_t i = 0; i < G_N_ELEMENTS(public); i++) {
		assert_int_equal(net_address_parse(public[i], 0, &address), 0);
		assert_false(net_address_is_private(&address));
	}
}

static void test_networks(void **state)
{
	static const struct {
		const char *network, *address;
		bool is_within;
	} rows[] = {
		{"203.0.113.0/24", "203.0.113.0:1", true}, {"203.0.113.0/24", "203.0.113.255:5060", true}, {"203.0.113.0/24", "203.0.114.0:1", false},
		{"203.0.113.7", "203.0.113.7:1", true}, {"203.0.113.7/32", "203.0.113.6:1", false}, {"203.0.113.4/31", "203.0.113.5:1", true},
		{"203.0.113.4/31", "203.0.113.6:1", false}, {"10.128.0.0/9", "10.255.0.1:1", true}, {"10.128.0.0/9", "10.127.0.1:1", false},
		{"0.0.0.0/0", "192.0.2.1:1", true}, {"0.0.0.0/0", "[::1]:1", false}, {"2001:db8::/33", "[2001:db8:7fff::1]:1", true},
		{"2001:db8::/33", "[2001:db8:8000::1]:1", false}, {"2001:db8::1", "[2001:db8::1]:1", true}, {"::/0", "10.0.0.1:1", false},
	};
	static const char *const wrong[] = {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0/8", "[::1]/64", "::/129",
					    "10.0.0.0/8 ", "pbx.example.com", "10.0.0.0/+8"};
	struct net_network network;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct net_address address = parsed(rows[i].address);
		assert_int_equal(net_network_parse(rows[i].network, &network), 0);
		if (net_network_contains(&network, &address) != rows[i].is_within)
			fail_msg("%s in %s", rows[i].address, rows[i].network);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
		if (net_network_parse(wrong[i], &network) != -EINVAL)
			fail_msg("\"%s\" was taken", wrong[i]);
	assert_int_equal(net_network_parse("10.0.0.1/24", &network), -ERANGE);
	assert_int_equal(net_network_parse("2001:db8::1/64", &network), -ERANGE);
	struct net_address none = {0};
	assert_int_equal(net_network_parse("0.0.0.0/0", &network), 0);
	assert_false(net_network_contains(&network, &none));
}

static void test_wildcard(void **state)
{
	struct net_address any4 = parsed("0.0.0.0:5060"), any6 = parsed("[::]:5060"), one = parsed("127.0.0.1:0");
	struct net_address none = {0};
	assert_true(net_address_is_wildcard(&any4));
	assert_true(net_address_is_wildcard(&any6));
	assert_false(net_address_is_wildcard(&one));
	assert_false(net_address_is_wildcard(&none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_and_print), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_host_forms),	cmocka_unit_test(test_compare),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_wildcard),	cmocka_unit_test(test_networks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
