/* Which worker the next session's legs go to. */
#include "media/worker.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define WORKERS 3

static struct media_worker workers[WORKERS];
static struct media_engine engine;

static int set_up(void **state)
{
	memset(workers, 0, sizeof workers);
	memset(&engine, 0, sizeof engine);
	engine.n_workers = WORKERS;
	for (size_t i = 0; i < WORKERS; i++) {
		workers[i].engine = &engine;
		engine.workers[i] = &workers[i];
	}
	return 0;
}

static void fill(unsigned worker, size_t n_legs, unsigned busy_percent)
{
	atomic_store(&workers[worker].n_legs, n_legs);
	atomic_store(&workers[worker].busy_percent, busy_percent);
}

static void test_calls_stay_together_while_there_is_room(void **state)
{
	engine.settings.fill_percent = 30;
	fill(0, 200, 29);
	assert_ptr_equal(media_worker_for_next(&engine), &workers[0]);
	assert_true(media_worker_may_take(&workers[0])); /* however many legs it has */
	fill(0, 200, 30);
	assert_ptr_equal(media_worker_for_next(&engine), &workers[1]);
	fill(1, 50, 31);
	assert_ptr_equal(media_worker_for_next(&engine), &workers[2]);
}

static void test_beyond_that_the_one_with_the_fewest_legs_is_next(void **state)
{
	engine.settings.fill_percent = 30;
	fill(0, 90, 80);
	fill(1, 70, 90);
	fill(2, 80, 70);
	assert_ptr_equal(media_worker_for_next(&engine), &workers[1]);
}

static void test_they_are_spread_from_the_first_on_where_that_is_wanted(void **state)
{
	assert_ptr_equal(media_worker_for_next(&engine), &workers[0]);
	fill(0, 2, 0);
	assert_ptr_equal(media_worker_for_next(&engine), &workers[1]);
	fill(1, 2, 0);
	assert_ptr_equal(media_worker_for_next(&engine), &workers[2]);
}

static void test_who_shall_be_near_another_is_not_where_it_is_crowded(void **state)
{
	fill(0, 16 + 2 * 10, 0);
	fill(1, 20, 0);
	fill(2, 10, 0);
	assert_true(media_worker_may_take(&workers[0]));
	fill(0, 16 + 2 * 10 + 1, 0);
	assert_false(media_worker_may_take(&workers[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_calls_stay_together_while_there_is_room, set_up),
		cmocka_unit_test_setup(test_beyond_that_the_one_with_the_fewest_legs_is_next, set_up),
		cmocka_unit_test_setup(test_they_are_spread_from_the_first_on_where_that_is_wanted, set_up),
		cmocka_unit_test_setup(test_who_shall_be_near_another_is_not_where_it_is_crowded, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
