/* Binding messages against the samples of RFC 5769. */
#include "media/binding.h"
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt";
static const uint8_t request[] = { /* section 2.1 */
	0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87,
	0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c,
	0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f,
	0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76,
	0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e,
	0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
};
static const uint8_t response[] = { /* section 2.2 */
	0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87,
	0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63, 0x74, 0x6f, 0x72, 0x20,
	0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43, 0x00, 0x08, 0x00, 0x14, 0x2b, 0x91,
	0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9, 0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7,
	0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
};
#define TRANSACTION (request + 8)

/* In memory of exactly this size, for the sanitizer. */
static int read_copy(const uint8_t *bytes, size_t length, const char *with, struct media_binding *ret_binding,
		     bool *ret_authentic)
{
	uint8_t *copy = memcpy(g_malloc(length ? length : 1), bytes, length);
	int error = media_binding_read(copy, length, ret_binding);

	*ret_authentic = error == 0 && media_binding_is_authentic(ret_binding, copy, with);
	g_free(copy);
	ret_binding->username = NULL;
	return error;
}

static void test_request(void **state)
{
	struct media_binding binding;

	assert_int_equal(media_binding_read(request, sizeof request, &binding), 0);
	assert_int_equal(binding.kind, MEDIA_BINDING_REQUEST);
	assert_memory_equal(binding.transaction, TRANSACTION, sizeof binding.transaction);
	assert_int_equal(binding.username_bytes, 9);
	assert_memory_equal(binding.username, "evtj:h6vY", 9);
	assert_int_equal(binding.priority, 0x6e0001ff);
	assert_int_equal(binding.role, MEDIA_BINDING_CONTROLLED);
	assert_true(binding.tie_breaker == UINT64_C(0x932ff9b151263b36));
	assert_false(binding.uses_candidate);
	assert_false(binding.has_unknown);
	assert_true(media_binding_is_authentic(&binding, request, password));
	assert_false(media_binding_is_authentic(&binding, request, "another"));
}

static void test_to_whom(void **state)
{
	struct media_binding binding;

	assert_int_equal(media_binding_read(request, sizeof request, &binding), 0);
	assert_true(media_binding_is_to(&binding, "evtj"));
	assert_false(media_binding_is_to(&binding, "evt"));
	assert_false(media_binding_is_to(&binding, "evtk"));
	assert_false(media_binding_is_to(&binding, "evtj:h6vY"));
	binding.kind = MEDIA_BINDING_INDICATION;
	assert_false(media_binding_is_to(&binding, "evtj"));
	assert_int_equal(media_binding_read(response, sizeof response, &binding), 0);
	assert_false(media_binding_is_to(&binding, "evtj"));
}

static void test_response(void **state)
{
	struct media_binding binding;

	assert_int_equal(media_binding_read(response, sizeof response, &binding), 0);
	assert_int_equal(binding.kind, MEDIA_BINDING_SUCCESS);
	assert_true(media_binding_is_authentic(&binding, response, password));
	assert_false(media_binding_is_authentic(&binding, response, "another"));
}

/* Neither cut off nor with any bit of it changed is it taken. */
static void expect_spoiled(const uint8_t *whole, size_t whole_bytes)
{
	struct media_binding binding;
	uint8_t *bytes = g_malloc(whole_bytes);
	bool is_authentic;

	for (size_t length = 0; length < whole_bytes; length++)
		assert_int_equal(read_copy(whole, length, password, &binding, &is_authentic), -EBADMSG);
	for (size_t bit = 0; bit < 8 * whole_bytes; bit++) {
		memcpy(bytes, whole, whole_bytes);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		read_copy(bytes, whole_bytes, password, &binding, &is_authentic);
		if (bit / 8 < whole_bytes - 8) /* FINGERPRINT's own head may say that there is none */
			assert_false(is_authentic);
	}
	g_free(bytes);
}

static void test_spoiled(void **state)
{
	expect_spoiled(request, sizeof request);
	expect_spoiled(response, sizeof response);
}

static void test_written_request(void **state)
{
	struct media_binding given = {.priority = 7, .role = MEDIA_BINDING_CONTROLLING, .tie_breaker = UINT64_MAX - 1,
				      .uses_candidate = true}, read;
	uint8_t bytes[MEDIA_BINDING_WRITTEN_MAX];
	char username[514];
	size_t length;

	memset(username, 'x', sizeof username - 1);
	username[sizeof username - 1] = '\0';
	memcpy(given.transaction, TRANSACTION, sizeof given.transaction);
	length = media_binding_write_request(&given, username, password, bytes);
	assert_true(length <= sizeof bytes);
	assert_int_equal(media_binding_read(bytes, length, &read), 0);
	assert_true(media_binding_is_authentic(&read, bytes, password));
	assert_int_equal(read.username_bytes, sizeof username - 1);
	assert_int_equal(read.priority, 7);
	assert_int_equal(read.role, MEDIA_BINDING_CONTROLLING);
	assert_true(read.tie_breaker == UINT64_MAX - 1);
	assert_true(read.uses_candidate);
	assert_memory_equal(bytes + length - 8, ((uint8_t[]){0x80, 0x28, 0, 4}), 4);
}

static void assert_mapped(const char *host, const uint8_t *attribute, size_t attribute_bytes)
{
	uint8_t bytes[MEDIA_BINDING_WRITTEN_MAX];
	struct media_binding binding;
	struct net_address from;
	size_t length;

	assert_int_equal(net_address_parse(host, 32853, &from), 0);
	length = media_binding_write_success(TRANSACTION, &from, password, bytes);
	assert_int_equal(media_binding_read(bytes, length, &binding), 0);
	assert_int_equal(binding.kind, MEDIA_BINDING_SUCCESS);
	assert_true(media_binding_is_authentic(&binding, bytes, password));
	assert_memory_equal(bytes + 20, attribute, attribute_bytes);
}

static void test_written_success(void **state)
{
	static const uint8_t ipv6[] = { /* section 2.3 */
		0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
		0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
	};

	assert_mapped("192.0.2.1", response + 36, 12);
	assert_mapped("2001:db8:1234:5678:11:2233:4455:6677", ipv6, sizeof ipv6);
}

static void test_written_conflict(void **state)
{
	uint8_t bytes[MEDIA_BINDING_WRITTEN_MAX];
	struct media_binding binding;
	size_t length = media_binding_write_conflict(TRANSACTION, password, bytes);

	assert_int_equal(media_binding_read(bytes, length, &binding), 0);
	assert_int_equal(binding.kind, MEDIA_BINDING_ERROR);
	assert_int_equal(binding.error_code, MEDIA_BINDING_ROLE_CONFLICT);
	assert_true(media_binding_is_authentic(&binding, bytes, password));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),		cmocka_unit_test(test_to_whom),
		cmocka_unit_test(test_response),	cmocka_unit_test(test_spoiled),
		cmocka_unit_test(test_written_request), cmocka_unit_test(test_written_success),
		cmocka_unit_test(test_written_conflict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
