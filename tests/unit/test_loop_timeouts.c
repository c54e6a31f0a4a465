#include "loop/loop.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct ticker {
	struct loop *loop;
	struct loop_timeouts *timeouts;
	unsigned count, limit;
};

static gboolean tick(void *data)
{
	struct ticker *ticker = data;
	if (++ticker->count < ticker->limit)
		return G_SOURCE_CONTINUE;
	loop_quit(ticker->loop);
	return G_SOURCE_REMOVE;
}

static void attach(struct ticker *ticker, GSource *source)
{
	g_source_set_callback(source, tick, ticker, NULL);
	g_source_attach(source, loop_timeouts_context(ticker->timeouts));
	g_source_unref(source);
	loop_timeouts_touch(ticker->timeouts);
}

static void open_ticker(struct ticker *ticker, unsigned limit)
{
	*ticker = (struct ticker){.limit = limit};
	assert_int_equal(loop_new("test", &ticker->loop), 0);
	ticker->timeouts = loop_timeouts_new(ticker->loop);
}

static size_t count_timers(const struct ticker *ticker)
{
	struct loop_counts counts;
	loop_count(ticker->loop, &counts);
	return counts.timers;
}

static void close_ticker(struct ticker *ticker)
{
	loop_timeouts_free(ticker->timeouts);
	assert_int_equal(count_timers(ticker), 0);
	loop_free(ticker->loop);
}

static void test_a_timeout_comes_again_and_ends(void **state)
{
	struct ticker ticker;
	open_ticker(&ticker, 3);
	assert_int_equal(count_timers(&ticker), 0);
	int64_t start_us = base_monotonic_us();
	attach(&ticker, g_timeout_source_new(5));
	loop_run(ticker.loop);
	assert_int_equal(ticker.count, 3);
	assert_in_range(base_monotonic_us() - start_us, 14000, 2000000);
	assert_int_equal(count_timers(&ticker), 0);
	close_ticker(&ticker);
}

static void test_idle_sources_are_served_too(void **state)
{
	struct ticker ticker;
	open_ticker(&ticker, 2);
	attach(&ticker, g_idle_source_new());
	loop_run(ticker.loop);
	assert_int_equal(ticker.count, 2);
	close_ticker(&ticker);
}

static void test_an_earlier_one_that_comes_later_is_noticed(void **state)
{
	struct ticker ticker;
	open_ticker(&ticker, 1);
	attach(&ticker, g_timeout_source_new(3600 * 1000));
	attach(&ticker, g_timeout_source_new(5));
	loop_run(ticker.loop);
	assert_int_equal(ticker.count, 1);
	assert_int_equal(count_timers(&ticker), 1);
	close_ticker(&ticker);
	assert_null(loop_timeouts_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_timeout_comes_again_and_ends),
		cmocka_unit_test(test_idle_sources_are_served_too),
		cmocka_unit_test(test_an_earlier_one_that_comes_later_is_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
