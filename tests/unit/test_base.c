#include "base/base.h"
#include "base/log.h"
#include "base/memory.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void test_copy_text(void **state)
{
	char text[4] = "xxx";
	assert_true(base_copy_text(text, sizeof text, "abc"));
	assert_string_equal(text, "abc");
	assert_false(base_copy_text(text, sizeof text, "abcd"));
	assert_string_equal(text, "abc");
	assert_true(base_copy_text(text, sizeof text, ""));
	assert_string_equal(text, "");
	assert_false(base_copy_text(text, 0, "a"));
	assert_false(base_copy_text(text, 1, "a"));
}

static void test_memory_goes_back_when_most_of_it_is_free(void **state)
{
	struct base_memory memory = {0};
	assert_false(base_memory_look(&memory, 0));
	assert_false(base_memory_look(&memory, BASE_MEMORY_OBJECTS_MIN - 1)); /* too little to care for */
	assert_false(base_memory_look(&memory, 0));
	assert_false(base_memory_look(&memory, 1000));
	assert_false(base_memory_look(&memory, 800));
	assert_false(base_memory_look(&memory, 500));
	assert_true(base_memory_look(&memory, 499));
	assert_false(base_memory_look(&memory, 499)); /* once */
	assert_false(base_memory_look(&memory, 300));
	assert_true(base_memory_look(&memory, 0));
	assert_false(base_memory_look(&memory, 0));
}

static void test_nearest_name(void **state)
{
	static const char *const names[] = {"listen", "certificate", "key", "origins", "public_address", NULL};
	assert_string_equal(base_nearest_name("lisen", names), "listen");
	assert_string_equal(base_nearest_name("Listen", names), "listen");
	assert_string_equal(base_nearest_name("certifciate", names), "certificate");
	assert_string_equal(base_nearest_name("kye", names), "key");
	assert_string_equal(base_nearest_name("public_adress", names), "public_address");
	assert_null(base_nearest_name("banana", names));
	assert_null(base_nearest_name("", names));
	g_autofree char *endless = g_strnfill(5000, 'a');
	assert_null(base_nearest_name(endless, names));
}

/* What log_write() sends to standard error while `write_lines` runs. */
static char *log_capture(void (*write_lines)(void))
{
	int ends[2], kept = dup(STDERR_FILENO);
	assert_return_code(pipe2(ends, O_CLOEXEC), errno);
	dup2(ends[1], STDERR_FILENO);
	write_lines();
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(ends[1]);
	char *text = g_malloc0(65536);
	size_t length = 0;
	for (ssize_t got; (got = read(ends[0], text + length, 65535 - length)) > 0;)
		length += got;
	close(ends[0]);
	return text;
}

static void write_forged(void)
{
	struct log_context context = {.call = "c1", .leg = "trunk pbx"};
	log_set_level(LOG_LEVEL_INFO);
	log_info(&context, "a name: %s", "x\r\n2020 error: forged\x1b[31m");
	log_debug(&context, "not %s", "shown");
	log_warning(NULL, "plain");
}

static void test_log_line(void **state)
{
	g_autofree char *text = log_capture(write_forged);
	g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
	assert_int_equal(g_strv_length(lines), 3);
	assert_non_null(strstr(lines[0], "Z info call c1, trunk pbx: a name: x\\x0d\\x0a2020 error: forged\\x1b[31m"));
	assert_non_null(strstr(lines[1], "Z warning: plain"));
	assert_string_equal(lines[2], "");
}

static void write_long(void)
{
	g_autofree char *endless = g_strnfill(20000, '\n');
	log_error(NULL, "%s", endless);
}

static void test_log_long(void **state)
{
	g_autofree char *text = log_capture(write_long);
	assert_true(strlen(text) < 4096);
	assert_true(g_str_has_suffix(text, "...\n"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void test_log_level(void **state)
{
	enum log_level level = LOG_LEVEL_ERROR;
	assert_int_equal(log_level_from_name("debug", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_from_name("verbose", &level), -EINVAL);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	log_set_level(LOG_LEVEL_WARNING);
	assert_true(log_enabled(LOG_LEVEL_ERROR));
	assert_true(log_enabled(LOG_LEVEL_WARNING));
	assert_false(log_enabled(LOG_LEVEL_INFO));
}

struct holder {
	int first;
	int member;
};

static void test_container(void **state)
{
	struct holder holder;
	assert_ptr_equal(BASE_CONTAINER_OF(&holder.member, struct holder, member), &holder);
}

static void test_clock(void **state)
{
	int64_t a = base_monotonic_us(), b = base_monotonic_us();
	assert_true(a > 0 && b >= a && b - a < 10 * 1000 * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy_text),
		cmocka_unit_test(test_memory_goes_back_when_most_of_it_is_free),
		cmocka_unit_test(test_nearest_name),
		cmocka_unit_test(test_log_line),
		cmocka_unit_test(test_log_long),
		cmocka_unit_test(test_log_level),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_clock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
