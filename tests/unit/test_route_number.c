/* What is a telephone number, and how numbers that are written in several ways become one. */
#include "route/number.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static const struct route_numbering none;
static const struct route_numbering germany = {"49", "00", "0"}, america = {"1", "011", "1"}, spain = {"34", "00", NULL};

static void test_numbers_are_told_from_names(void **state)
{
	static const char *const numbers[] = {"1", "112", "+1-800-555-1212", "1 (800) 555-1212", "(030) 12.34", "*97", "#21#", "( +49 ) 30", "030/12", "**1"};
	static const char *const names[] = {"",	  "alice", "bob-2",  "a1",   "+",     "-",	"()",
					    "1+1", "++1",  "1a",     "1,2",   "1;ext=2", "+ +1", "\xc2\xa0" "1", "--"};
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
		if (!route_number_is(numbers[i]))
			fail_msg("%s is a number", numbers[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (route_number_is(names[i]))
			fail_msg("%s is no number", names[i]);
}

static void test_each_number_is_written_in_one_way(void **state)
{
	static const struct {
		const struct route_numbering *numbering;
		const char *text, *wanted;
	} rows[] = {
	    {&none, "+1-800-555-1212", "+18005551212"},
	    {&none, "1 (800) 555-1212", "18005551212"},
	    {&none, "bob-2", "bob-2"},
	    {&none, "Alice Smith", "Alice Smith"},
	    {&none, "0049 30 1234", "0049301234"},
	    {&none, "*97", "*97"},
	    {&america, "+1-800-555-1212", "+18005551212"},
	    {&america, "1 (800) 555-1212", "+18005551212"},
	    {&america, "(800) 555-1212", "8005551212"},
	    {&america, "011 49 30 123456", "+4930123456"},
	    {&america, "911", "911"},
	    {&america, "112", "112"}, /* begins like a national number, and is too short for one */
	    {&germany, "0049 (30) 1234-567", "+49301234567"},
	    {&germany, "+49 30 1234567", "+49301234567"},
	    {&germany, "030 1234567", "+49301234567"},
	    {&germany, "00 1 800 5551212", "+18005551212"},
	    {&germany, "112", "112"},
	    {&germany, "000", "000"},
	    {&germany, "0", "0"},
	    {&germany, "00123", "00123"},
	    {&germany, "0*12345", "0*12345"},
	    {&germany, "00123456789012345678", "00123456789012345678"}, /* longer than E.164 knows */
	    {&germany, "bob-2", "bob-2"},
	    {&spain, "912 345 678", "912345678"},
	    {&spain, "0033 1 2345 6789", "+33123456789"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char number[ROUTE_NUMBER_BYTES_MAX];
		assert_true(route_number_normalise(rows[i].text, rows[i].numbering, number));
		assert_string_equal(number, rows[i].wanted);
	}
}

static void test_what_is_too_long_is_no_number_of_ours(void **state)
{
	char text[ROUTE_NUMBER_BYTES_MAX + 1], number[ROUTE_NUMBER_BYTES_MAX] = "before";
	memset(text, '1', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_false(route_number_normalise(text, &germany, number));
	text[ROUTE_NUMBER_BYTES_MAX - 1] = '-';
	assert_true(route_number_normalise(text, &germany, number));
	assert_int_equal(strlen(number), ROUTE_NUMBER_BYTES_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_numbers_are_told_from_names),
	    cmocka_unit_test(test_each_number_is_written_in_one_way),
	    cmocka_unit_test(test_what_is_too_long_is_no_number_of_ours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
