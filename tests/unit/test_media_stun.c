#include "media/stun.h"
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

/* RFC 5769, section 2.2: a response over IPv4. */
static const uint8_t sample[] = {
	0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
	0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
	0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
	0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
	0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
};

/* All attributes of the sample, in their order; cut off anywhere it is no message, and what stands in its attributes ends
 * with an error when one of them says that it is longer. */
static void test_attributes(void **state)
{
	static const uint16_t types[] = {0x8022, 0x0020, 0x0008, 0x8028};
	static const size_t lengths[] = {11, 8, 20, 4};
	struct media_stun_attribute attribute = {0};
	uint8_t longer[sizeof sample];

	assert_true(media_stun_is_message(sample, sizeof sample));
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		assert_int_equal(media_stun_next(sample, sizeof sample, &attribute), 1);
		assert_int_equal(attribute.type, types[i]);
		assert_int_equal(attribute.value_bytes, lengths[i]);
		assert_ptr_equal(attribute.value, sample + attribute.begin + MEDIA_STUN_ATTRIBUTE_BYTES);
	}
	assert_int_equal(media_stun_next(sample, sizeof sample, &attribute), 0);
	for (size_t length = 0; length < sizeof sample; length++) {
		uint8_t *copy = g_memdup2(sample, length ? length : 1); /* of exactly this size, for the sanitizer */

		assert_false(media_stun_is_message(copy, length));
		g_free(copy);
	}
	memcpy(longer, sample, sizeof longer);
	longer[23] = sizeof longer - 20 - 4 + 1;
	assert_int_equal(media_stun_next(longer, sizeof longer, &(struct media_stun_attribute){0}), -EBADMSG);
}

static void test_not_a_message(void **state)
{
	uint8_t bytes[sizeof sample];

	for (size_t i = 2; i < 8; i++) { /* length and cookie */
		memcpy(bytes, sample, sizeof bytes);
		bytes[i] ^= 0x10;
		assert_false(media_stun_is_message(bytes, sizeof bytes));
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
		assert_int_equal(length == sizeof sample && memcmp(inner, sample, sizeof sample) == 0, cut == whole);
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
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_not_a_message),
		cmocka_unit_test(test_allocated),
		cmocka_unit_test(test_wrapped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
