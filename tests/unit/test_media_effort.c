#include "media/effort.h"
#include <setjmp.h>
#include <stdarg.h>
#include <tandem/codec.h>

#include <cmocka.h>

static void look(struct media_effort_control *control, unsigned n, unsigned busy_percent)
{
	for (unsigned i = 0; i < n; i++)
		media_effort_look(control, busy_percent);
}

static void test_a_worker_that_is_nearly_full_makes_less_effort_step_by_step(void **state)
{
	struct media_effort_control control;

	(void)state;
	media_effort_init(&control, MEDIA_EFFORT_BEST, MEDIA_EFFORT_LEAST);
	assert_false(media_effort_look(&control, MEDIA_EFFORT_FULL_PERCENT));
	assert_true(media_effort_look(&control, MEDIA_EFFORT_FULL_PERCENT + 1));
	assert_int_equal(control.now, MEDIA_EFFORT_NORMAL);
	assert_true(media_effort_look(&control, 100));
	assert_int_equal(control.now, MEDIA_EFFORT_LEAST);
	assert_false(media_effort_look(&control, 100));
}

static void test_effort_never_falls_below_its_floor(void **state)
{
	struct media_effort_control control;

	(void)state;
	media_effort_init(&control, MEDIA_EFFORT_BEST, MEDIA_EFFORT_NORMAL);
	look(&control, 20, 100);
	assert_int_equal(control.now, MEDIA_EFFORT_NORMAL);
	media_effort_init(&control, MEDIA_EFFORT_NORMAL, MEDIA_EFFORT_BEST);
	look(&control, 20, 100);
	assert_int_equal(control.now, MEDIA_EFFORT_NORMAL);
}

static void test_effort_rises_when_there_has_been_room_for_a_while_and_no_higher_than_wanted(void **state)
{
	struct media_effort_control control;

	(void)state;
	media_effort_init(&control, MEDIA_EFFORT_BEST, MEDIA_EFFORT_LEAST);
	look(&control, 3, 100);
	look(&control, MEDIA_EFFORT_CALM_LOOKS - 1, 10);
	assert_int_equal(control.now, MEDIA_EFFORT_LEAST);
	media_effort_look(&control, MEDIA_EFFORT_ROOM_PERCENT); /* no room: counts from the beginning */
	look(&control, MEDIA_EFFORT_CALM_LOOKS - 1, 10);
	assert_int_equal(control.now, MEDIA_EFFORT_LEAST);
	assert_true(media_effort_look(&control, 10));
	assert_int_equal(control.now, MEDIA_EFFORT_NORMAL);
	look(&control, 10 * MEDIA_EFFORT_CALM_LOOKS, 0);
	assert_int_equal(control.now, MEDIA_EFFORT_BEST);
}

static void test_between_full_and_room_nothing_changes(void **state)
{
	struct media_effort_control control;

	(void)state;
	media_effort_init(&control, MEDIA_EFFORT_BEST, MEDIA_EFFORT_LEAST);
	media_effort_look(&control, 100);
	for (int i = 0; i < 100; i++)
		assert_false(media_effort_look(&control, 70));
	assert_int_equal(control.now, MEDIA_EFFORT_NORMAL);
}

static void test_normal_is_the_codecs_own_choice_and_the_others_are_levels(void **state)
{
	(void)state;
	assert_int_equal(media_effort_complexity(MEDIA_EFFORT_NORMAL), TANDEM_CODEC_COMPLEXITY_OWN);
	assert_int_equal(media_effort_complexity(MEDIA_EFFORT_BEST), TANDEM_CODEC_COMPLEXITY_MAX);
	assert_int_equal(media_effort_complexity(MEDIA_EFFORT_LEAST), 0);
	assert_string_equal(media_effort_name(MEDIA_EFFORT_LEAST), "least");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_worker_that_is_nearly_full_makes_less_effort_step_by_step),
		cmocka_unit_test(test_effort_never_falls_below_its_floor),
		cmocka_unit_test(test_effort_rises_when_there_has_been_room_for_a_while_and_no_higher_than_wanted),
		cmocka_unit_test(test_between_full_and_room_nothing_changes),
		cmocka_unit_test(test_normal_is_the_codecs_own_choice_and_the_others_are_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
