/* web/frame.c: every way a frame can be cut, and every way it can be wrong. */
#include "web/frame.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

struct seen {
	GString *log;
	bool stop;
};

static bool on_message(void *user, const char *text, size_t length, bool is_binary)
{
	struct seen *seen = user;
	g_string_append_printf(seen->log, "%s(%.*s)", is_binary ? "binary" : "text", (int)length, text);
	return !seen->stop;
}

static bool on_ping(void *user, const uint8_t *payload, size_t length)
{
	struct seen *seen = user;
	g_string_append_printf(seen->log, "ping(%.*s)", (int)length, (const char *)payload);
	return true;
}

static bool on_pong(void *user)
{
	struct seen *seen = user;
	g_string_append(seen->log, "pong");
	return true;
}

static void on_close(void *user, unsigned code)
{
	struct seen *seen = user;
	g_string_append_printf(seen->log, "close(%u)", code);
}

static const struct web_frame_handler handler = {on_message, on_ping, on_pong, on_close};

static void put(GByteArray *bytes, uint8_t first, const char *payload, size_t length)
{
	static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
	uint8_t header[4] = {first, 0x80 | (uint8_t)(length < 126 ? length : 126), (uint8_t)(length >> 8), (uint8_t)length};
	g_byte_array_append(bytes, header, length < 126 ? 2 : 4);
	g_byte_array_append(bytes, mask, 4);
	for (size_t i = 0; i < length; i++) {
		uint8_t byte = (uint8_t)payload[i] ^ mask[i & 3];
		g_byte_array_append(bytes, &byte, 1);
	}
}

static void put_text(GByteArray *bytes, uint8_t first, const char *payload)
{
	put(bytes, first, payload, strlen(payload));
}

/* Reads in parts of `step` bytes; returns the close code. */
static unsigned read_in_steps(const GByteArray *bytes, size_t step, size_t maximum, struct seen *seen)
{
	struct web_frame_reader reader;
	unsigned code = 0;
	web_frame_reader_init(&reader, maximum, &handler, seen);
	for (size_t at = 0; at < bytes->len && !code; at += step) {
		size_t part = MIN(step, bytes->len - at);
		g_autofree uint8_t *copy = g_memdup2(bytes->data + at, part);
		code = web_frame_read(&reader, copy, part);
	}
	web_frame_reader_clear(&reader);
	return code;
}

static void test_cut_everywhere(void **state)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autofree char *long_text = g_strnfill(300, 'x');
	put_text(bytes, 0x81, "hello");
	put_text(bytes, 0x02, "frag");
	put_text(bytes, 0x89, "between");
	put_text(bytes, 0x00, "");
	put_text(bytes, 0x80, "ment");
	put_text(bytes, 0x8a, "late");
	put_text(bytes, 0x81, "");
	put_text(bytes, 0x81, long_text);
	put(bytes, 0x88, "\x03\xe8", 2);
	put_text(bytes, 0x81, "after the close");
	g_autofree char *wanted = g_strdup_printf(
		"text(hello)ping(between)binary(fragment)pongtext()text(%s)close(1000)", long_text);
	for (size_t step = 1; step <= bytes->len - 21; step++) {
		struct seen seen = {.log = g_string_new(NULL)};
		struct web_frame_reader reader;
		web_frame_reader_init(&reader, 65535, &handler, &seen);
		/* All but what comes after the Close: the socket looks at no byte after it. */
		for (size_t at = 0; at < bytes->len - 21; at += step) {
			size_t part = MIN(step, bytes->len - 21 - at);
			g_autofree uint8_t *copy = g_memdup2(bytes->data + at, part);
			assert_int_equal(web_frame_read(&reader, copy, part), 0);
		}
		web_frame_reader_clear(&reader);
		assert_string_equal(seen.log->str, wanted);
		g_string_free(seen.log, TRUE);
	}
}

static void test_stops_after_close_and_on_demand(void **state)
{
	struct seen seen = {.log = g_string_new(NULL), .stop = true};
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	put_text(bytes, 0x81, "one");
	put_text(bytes, 0x81, "two");
	assert_int_equal(read_in_steps(bytes, bytes->len, 100, &seen), 0);
	assert_string_equal(seen.log->str, "text(one)");
	g_byte_array_set_size(bytes, 0);
	put_text(bytes, 0x88, "");
	put_text(bytes, 0x81, "two");
	assert_int_equal(read_in_steps(bytes, bytes->len, 100, &seen), 0);
	assert_string_equal(seen.log->str, "text(one)close(1005)");
	g_string_free(seen.log, TRUE);
}

static unsigned code_of(const uint8_t *bytes, size_t length)
{
	struct seen seen = {.log = g_string_new(NULL)};
	GByteArray array = {.data = (uint8_t *)bytes, .len = (guint)length};
	unsigned whole = read_in_steps(&array, length, 1000, &seen);
	assert_int_equal(read_in_steps(&array, 1, 1000, &seen), whole);
	g_string_free(seen.log, TRUE);
	return whole;
}

#define CODE(...) code_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define MASK 0, 0, 0, 0

static void test_violations(void **state)
{
	assert_int_equal(CODE(0x81, 0x01, 'a'), 1002);		     /* not masked */
	assert_int_equal(CODE(0x81, 0x00), 1002);		     /* not masked, empty */
	assert_int_equal(CODE(0xc1, 0x80, MASK), 1002);		     /* RSV1: no extension agreed on */
	assert_int_equal(CODE(0x91, 0x80, MASK), 1002);		     /* RSV3 */
	assert_int_equal(CODE(0x83, 0x80, MASK), 1002);		     /* reserved opcode */
	assert_int_equal(CODE(0x8b, 0x80, MASK), 1002);		     /* reserved control opcode */
	assert_int_equal(CODE(0x80, 0x80, MASK), 1002);		     /* continuation of nothing */
	assert_int_equal(CODE(0x01, 0x80, MASK, 0x81, 0x80, MASK), 1002); /* a new message inside another */
	assert_int_equal(CODE(0x09, 0x80, MASK), 1002);		     /* fragmented ping */
	assert_int_equal(CODE(0x89, 0xfe, 0, 126, MASK), 1002);	     /* long ping */
	assert_int_equal(CODE(0x81, 0xfe, 0, 125, MASK), 1002);	     /* not the shortest length */
	assert_int_equal(CODE(0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, MASK), 1002);
	assert_int_equal(CODE(0x81, 0xff, 0x80, 0, 0, 0, 0, 1, 0, 0, MASK), 1002);
	assert_int_equal(CODE(0x88, 0x81, MASK, 3), 1002);	     /* half a close code */
	assert_int_equal(CODE(0x88, 0x82, MASK, 3, 0xed), 1002);     /* 1005 */
	assert_int_equal(CODE(0x88, 0x82, MASK, 0, 1), 1002);
	assert_int_equal(CODE(0x88, 0x82, MASK, 0x13, 0x88), 1002);  /* 5000 */
	assert_int_equal(CODE(0x88, 0x82, MASK, 0x0b, 0xb8), 0);     /* 3000 */
	assert_int_equal(CODE(0x88, 0x83, MASK, 3, 0xe8, 0xff), 1007);
	assert_int_equal(CODE(0x81, 0x82, MASK, 0xc3, 0x28), 1007);
	assert_int_equal(CODE(0x81, 0x81, MASK, 0xc3), 1007);
	assert_int_equal(CODE(0x82, 0x82, MASK, 0xc3, 0x28), 0);
	assert_int_equal(CODE(0x01, 0x81, MASK, 0xc3, 0x80, 0x81, MASK, 0xa4), 0); /* a character in two fragments */
}

static void test_limits(void **state)
{
	assert_int_equal(CODE(0x81, 0xfe, 0x03, 0xe9, MASK), 1009); /* 1001 bytes, told before any is read */
	assert_int_equal(CODE(0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, MASK), 1009);
	struct seen seen = {.log = g_string_new(NULL)};
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autofree char *half = g_strnfill(501, 'y');
	put_text(bytes, 0x01, half);
	put_text(bytes, 0x80, half);
	assert_int_equal(read_in_steps(bytes, bytes->len, 1002, &seen), 0);
	assert_int_equal(read_in_steps(bytes, bytes->len, 1001, &seen), 1009);
	g_byte_array_set_size(bytes, 0);
	put_text(bytes, 0x01, "");
	for (int i = 0; i < WEB_FRAME_FRAGMENTS_MAX; i++)
		put_text(bytes, 0x00, "");
	assert_int_equal(read_in_steps(bytes, bytes->len, 1000, &seen), 1008);
	g_string_free(seen.log, TRUE);
}

static void test_written(void **state)
{
	static const size_t lengths[] = {0, 1, 125, 126, 65535, 65536};
	for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
		g_autofree char *payload = g_strnfill(lengths[i], 'z');
		g_autoptr(GBytes) frame = web_frame_new(WEB_OPCODE_TEXT, payload, lengths[i]);
		size_t size;
		const uint8_t *bytes = g_bytes_get_data(frame, &size);
		size_t header = lengths[i] < 126 ? 2 : lengths[i] < 65536 ? 4 : 10;
		uint64_t length = header == 2 ? bytes[1] : 0;
		for (size_t j = 2; j < header; j++)
			length = length << 8 | bytes[j];
		assert_int_equal(bytes[0], 0x81);
		assert_int_equal(length, lengths[i]);
		assert_int_equal(size, header + lengths[i]);
		assert_memory_equal(bytes + header, payload, lengths[i]);
	}
	g_autofree char *long_reason = g_strnfill(200, 'r');
	g_autoptr(GBytes) close = web_frame_new_close(1009, long_reason);
	assert_int_equal(g_bytes_get_size(close), 2 + 125);
	assert_memory_equal(g_bytes_get_data(close, NULL), "\x88\x7d\x03\xf1r", 5);
	g_autoptr(GBytes) empty = web_frame_new_close(WEB_CLOSE_NO_STATUS, NULL);
	assert_int_equal(g_bytes_get_size(empty), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_everywhere), cmocka_unit_test(test_stops_after_close_and_on_demand),
		cmocka_unit_test(test_violations),     cmocka_unit_test(test_limits),
		cmocka_unit_test(test_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
