/* What a user agent between two sides makes of the answers it gets. */
#include "sip/status.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void what_speaks_of_our_own_doings_is_not_passed_on(void **state)
{
	assert_int_equal(sip_status_for_other_side(302), 502);
	assert_int_equal(sip_status_for_other_side(401), 403);
	assert_int_equal(sip_status_for_other_side(407), 403);
	assert_int_equal(sip_status_for_other_side(430), 480);
	assert_int_equal(sip_status_for_other_side(481), 480);
	assert_int_equal(sip_status_for_other_side(489), 489);
}

static void of_several_failures_the_one_that_says_most(void **state)
{
	assert_true(sip_status_is_better(500, 0));
	assert_true(sip_status_is_better(603, 404));
	assert_true(sip_status_is_better(404, 503));
	assert_false(sip_status_is_better(503, 404));
	assert_false(sip_status_is_better(404, 603));
	assert_false(sip_status_is_better(486, 480)); /* the first of a class */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_speaks_of_our_own_doings_is_not_passed_on),
		cmocka_unit_test(of_several_failures_the_one_that_says_most),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
