#include "media/stun.h"
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

/* RFC 5769, section 2.2: a response over IPv4. */
static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt";
static const uint8_t sample[] = {
	0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
	0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
	0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
	0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
	0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
};

static bool is_answer(const uint8_t *bytes, size_t length, const char *with)
{
	/* In memory of exactly this size, for the sanitizer. */
	uint8_t *copy = memcpy(g_malloc(length ? length : 1), bytes, length);
	uint8_t transaction[MEDIA_STUN_TRANSACTION_BYTES] = {0};
	bool result = media_stun_is_answer(copy, length, with, transaction);

	if (result)
		assert_memory_equal(transaction, sample + 8, sizeof transaction);
	g_free(copy);
	return result;
}

static void test_sample(void **state)
{
	assert_true(is_answer(sample, sizeof sample, password));
	assert_false(is_answer(sample, sizeof sample, "another"));
}

static void test_spoiled(void **state)
{
	uint8_t bytes[sizeof sample];

	for (size_t i = 0; i < sizeof sample - 8; i++) { /* all but FINGERPRINT, which anybody can compute */
		memcpy(bytes, sample, sizeof bytes);
		bytes[i] ^= 0x10;
		assert_false(is_answer(bytes, sizeof bytes, password));
	}
	for (size_t length = 0; length < sizeof sample; length++)
		assert_false(is_answer(sample, length, password));
}

static void test_request(void **state)
{
	uint8_t bytes[sizeof sample];

	memcpy(bytes, sample, sizeof bytes);
	bytes[0] = 0;
	assert_false(is_answer(bytes, sizeof bytes, password));
}

/* RFC 5769, section 2.1: a request to "evtj". */
static const uint8_t request[] = {
	0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
	0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73,
	0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
	0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09,
	0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14,
	0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49,
	0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
};

static void test_check(void **state)
{
	uint8_t bytes[sizeof request];

	assert_true(media_stun_is_check(request, sizeof request, "evtj", password));
	assert_false(media_stun_is_check(request, sizeof request, "evtj", "another"));
	assert_false(media_stun_is_check(request, sizeof request, "evt", password));
	assert_false(media_stun_is_check(request, sizeof request, "evtj:h6vY", password));
	assert_false(media_stun_is_check(sample, sizeof sample, "evtj", password));
	for (size_t i = 0; i < sizeof request - 8; i++) {
		memcpy(bytes, request, sizeof bytes);
		bytes[i] ^= 0x10;
		assert_false(media_stun_is_check(bytes, sizeof bytes, "evtj", password));
	}
}

static void test_allocated(void **state)
{
	/* RFC 5769, sections 2.2 and 2.3: the addresses of responses; here of another method. */
	static const uint8_t ipv6[] = {
		0x01, 0x03, 0x00, 0x18, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
		0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79,
		0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
	};
	uint8_t bytes[sizeof sample];
	char text[NET_ADDRESS_TEXT_MAX];
	struct net_address seen = {0};

	memcpy(bytes, sample, sizeof bytes);
	assert_false(media_stun_allocated(bytes, sizeof bytes, &seen));
	bytes[1] = 3;
	assert_true(media_stun_allocated(bytes, sizeof bytes, &seen));
	assert_string_equal(net_address_format(&seen, text), "192.0.2.1:32853");
	bytes[41] = 2; /* a family that the value is too short for */
	assert_false(media_stun_allocated(bytes, sizeof bytes, &seen));
	for (size_t length = 0; length < sizeof sample; length++)
		assert_false(media_stun_allocated(bytes, length, &seen));
	assert_true(media_stun_allocated(ipv6, sizeof ipv6, &seen));
	assert_string_equal(net_address_format(&seen, text), "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
}

/* The sample in what a TURN server puts around it, of every length up to the whole. */
static void expect_unwrapped(const uint8_t *head, size_t head_bytes)
{
	size_t whole = head_bytes + sizeof sample;
	uint8_t *wrapped = g_malloc(whole);

	memcpy(wrapped, head, head_bytes);
	memcpy(wrapped + head_bytes, sample, sizeof sample);
	for (size_t cut = 0; cut <= whole; cut++) {
		uint8_t *copy = g_memdup2(wrapped, cut ? cut : 1);
		size_t length = cut;
		const uint8_t *inner = media_stun_unwrap(copy, &length);

		assert_true(inner >= copy && inner + length <= copy + cut);
		assert_int_equal(is_answer(inner, length, password), cut == whole);
		g_free(copy);
	}
	g_free(wrapped);
}

static void test_wrapped(void **state)
{
	static const uint8_t channel[] = {0x40, 0x01, 0, sizeof sample};
	static const uint8_t indication[] = {
		0x00, 0x17, 0, 16 + sizeof sample, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
		0x00, 0x12, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43, 0x00, 0x13, 0, sizeof sample,
	};

	expect_unwrapped(channel, sizeof channel);
	expect_unwrapped(indication, sizeof indication);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_spoiled),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_allocated),
		cmocka_unit_test(test_wrapped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
