#include "media/framing.h"
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#define LENGTH_MAX 1600

static int parse(enum media_framing framing, const uint8_t *bytes, size_t length, struct media_frame *ret_frame)
{
	/* In memory of exactly this size, for the sanitizer. */
	uint8_t *copy = memcpy(g_malloc(length ? length : 1), bytes, length);
	int error = media_framing_parse(framing, copy, length, LENGTH_MAX, ret_frame);

	g_free(copy);
	return error;
}

static void expect_whole(enum media_framing framing, const GByteArray *stream, size_t begin, const uint8_t *message, size_t length)
{
	struct media_frame frame = {0};

	for (size_t n = 0; n < stream->len; n++)
		assert_int_equal(parse(framing, stream->data, n, &frame), -EAGAIN);
	assert_int_equal(parse(framing, stream->data, stream->len, &frame), 0);
	assert_int_equal(frame.begin, begin);
	assert_int_equal(frame.length, length);
	assert_int_equal(frame.total, stream->len);
	assert_memory_equal(stream->data + begin, message, length);
}

static void test_length_before(void **state)
{
	static const uint8_t message[] = {0x80, 0x00, 0x12, 0x34, 0x56};
	static const uint8_t whole[] = {0x00, 0x05, 0x80, 0x00, 0x12, 0x34, 0x56};
	GByteArray *stream = g_byte_array_new();

	assert_true(media_framing_append(MEDIA_FRAMING_LENGTH, message, sizeof message, stream));
	assert_int_equal(stream->len, sizeof whole);
	assert_memory_equal(stream->data, whole, sizeof whole);
	expect_whole(MEDIA_FRAMING_LENGTH, stream, 2, message, sizeof message);
	g_byte_array_unref(stream);
}

static void test_stun(void **state)
{
	static const uint8_t message[28] = {0x00, 0x01, 0x00, 0x08, 0x21, 0x12, 0xa4, 0x42};
	GByteArray *stream = g_byte_array_new();

	assert_true(media_framing_append(MEDIA_FRAMING_TURN, message, sizeof message, stream));
	assert_int_equal(stream->len, sizeof message);
	expect_whole(MEDIA_FRAMING_TURN, stream, 0, message, sizeof message);
	g_byte_array_unref(stream);
}

static void test_channel_data_is_padded(void **state)
{
	static const uint8_t message[] = {0x40, 0x01, 0x00, 0x05, 0x80, 0x00, 0x12, 0x34, 0x56};
	GByteArray *stream = g_byte_array_new();

	assert_true(media_framing_append(MEDIA_FRAMING_TURN, message, sizeof message, stream));
	assert_int_equal(stream->len, 12);
	expect_whole(MEDIA_FRAMING_TURN, stream, 0, message, sizeof message);
	g_byte_array_unref(stream);
}

static void test_an_empty_message(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x00, 0x80};
	struct media_frame frame = {0};

	assert_int_equal(parse(MEDIA_FRAMING_LENGTH, bytes, sizeof bytes, &frame), 0);
	assert_int_equal(frame.length, 0);
	assert_int_equal(frame.total, 2);
}

static void test_what_is_none(void **state)
{
	static const uint8_t uneven[] = {0x00, 0x01, 0x00, 0x07}, record[] = {0x16, 0x03, 0x01, 0x00}, rtp[] = {0x80, 0x00, 0x00, 0x01};
	static const uint8_t text[] = "GET / HTTP/1.1\r\n\r\n", higher[] = {0x50, 0x00, 0x00, 0x04, 0, 0, 0, 0};
	struct media_frame frame;
	GByteArray *stream = g_byte_array_new();

	assert_int_equal(parse(MEDIA_FRAMING_TURN, uneven, sizeof uneven, &frame), -EBADMSG);
	assert_int_equal(parse(MEDIA_FRAMING_TURN, record, sizeof record, &frame), -EAGAIN); /* as short as a message may be */
	assert_int_equal(parse(MEDIA_FRAMING_TURN, rtp, sizeof rtp, &frame), -EBADMSG);
	assert_int_equal(parse(MEDIA_FRAMING_TURN, text, sizeof text, &frame), -EBADMSG);
	assert_int_equal(parse(MEDIA_FRAMING_TURN, higher, sizeof higher, &frame), -EBADMSG);
	assert_int_equal(parse(MEDIA_FRAMING_LENGTH, text, sizeof text, &frame), -EBADMSG); /* longer than what is taken */
	assert_false(media_framing_append(MEDIA_FRAMING_TURN, rtp, sizeof rtp, stream));
	assert_false(media_framing_append(MEDIA_FRAMING_TURN, higher, 3, stream));
	assert_int_equal(stream->len, 0);
	g_byte_array_unref(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_length_before),
		cmocka_unit_test(test_stun),
		cmocka_unit_test(test_channel_data_is_padded),
		cmocka_unit_test(test_an_empty_message),
		cmocka_unit_test(test_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
