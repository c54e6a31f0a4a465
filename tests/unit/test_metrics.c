#include "metrics/metrics.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

METRICS_COUNTER(answered, "test_calls_total", "Calls by outcome.", "outcome", "answered");
METRICS_COUNTER(failed, "test_calls_total", "Calls by outcome.", "outcome", "failed");
METRICS_COUNTER(alone, "test_alone_total", "No label, a \\ and\na new line.");
METRICS_GAUGE(level, "test_level", "A gauge.");
METRICS_DURATION(setup, "test_setup_seconds", "Time to answer.", 1000, 2500000, 10000000);

static void assert_contains(const GString *text, const char *part)
{
	if (!strstr(text->str, part))
		fail_msg("no <%s> in:\n%s", part, text->str);
}

static void test_families(void **state)
{
	metrics_add(&answered, 3);
	metrics_add(&failed, 1);
	g_autoptr(GString) text = g_string_new(NULL);
	metrics_print(text);
	assert_contains(text, "# HELP test_calls_total Calls by outcome.\n# TYPE test_calls_total counter\n"
			      "test_calls_total{outcome=\"answered\"} 3\ntest_calls_total{outcome=\"failed\"} 1\n");
	assert_contains(text, "# HELP test_alone_total No label, a \\\\ and\\na new line.\n");
	assert_contains(text, "\ntest_alone_total 0\n");
	assert_int_equal(metrics_get(&alone), 0);
}

static void test_duration(void **state)
{
	metrics_observe_us(&setup, 1000);
	metrics_observe_us(&setup, 1001);
	metrics_observe_us(&setup, 60 * 1000 * 1000);
	g_autoptr(GString) text = g_string_new(NULL);
	metrics_print(text);
	assert_contains(text, "# TYPE test_setup_seconds histogram\n"
			      "test_setup_seconds_bucket{le=\"0.001\"} 1\n"
			      "test_setup_seconds_bucket{le=\"2.5\"} 2\n"
			      "test_setup_seconds_bucket{le=\"10\"} 2\n"
			      "test_setup_seconds_bucket{le=\"+Inf\"} 3\n"
			      "test_setup_seconds_sum 60.002001\n"
			      "test_setup_seconds_count 3\n");
}

static double read_half(void *data)
{
	return *(int *)data + 0.5;
}

static void test_dynamic(void **state)
{
	int whole = 7;
	struct metrics_item item = {.type = METRICS_TYPE_GAUGE,
				    .name = "test_trunk_up",
				    .help = "Trunks.",
				    .label = {"trunk", "a\"b\\c", "peer", "10.0.0.2"},
				    .read = read_half,
				    .data = &whole};
	metrics_register(&item);
	metrics_set(&level, -4);
	g_autoptr(GString) text = g_string_new(NULL);
	metrics_print(text);
	assert_contains(text, "test_trunk_up{trunk=\"a\\\"b\\\\c\",peer=\"10.0.0.2\"} 7.5\n");
	assert_contains(text, "test_level -4\n");
	metrics_unregister(&item);
	metrics_unregister(&item);
	g_string_truncate(text, 0);
	metrics_print(text);
	assert_null(strstr(text->str, "test_trunk_up"));
	assert_contains(text, "test_setup_seconds_count");
}

static void *count(void *data)
{
	for (int i = 0; i < 100000; i++)
		metrics_add(&alone, 1);
	return NULL;
}

static void test_threads(void **state)
{
	GThread *threads[4];
	for (int i = 0; i < 4; i++)
		threads[i] = g_thread_new("count", count, NULL);
	for (int i = 0; i < 4; i++)
		g_thread_join(threads[i]);
	assert_int_equal(metrics_get(&alone), 400000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_dynamic),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
