/* Times of the week. */
#include "route/period.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static bool contains(const char *period_text, const char *moment_text)
{
	struct route_period period;
	struct route_moment moment;
	if (route_period_parse(period_text, &period) < 0)
		fail_msg("%s is no period", period_text);
	if (route_moment_parse(moment_text, &moment) < 0)
		fail_msg("%s is no moment", moment_text);
	return route_period_contains(&period, moment);
}

static void test_periods(void **state)
{
	/* 2026-11-23 is a Monday. */
	static const struct {
		const char *period, *moment;
		bool is_within;
	} rows[] = {
	    {"mon-fri 08:00-18:00", "2026-11-23 07:59", false}, {"mon-fri 08:00-18:00", "2026-11-23 08:00", true},
	    {"mon-fri 08:00-18:00", "2026-11-27 17:59", true},	{"mon-fri 08:00-18:00", "2026-11-27 18:00", false},
	    {"mon-fri 08:00-18:00", "2026-11-28 12:00", false}, {"sat,sun", "2026-11-28 00:00", true},
	    {"sat,sun", "2026-11-29 23:59", true},		{"sat,sun", "2026-11-30 00:00", false},
	    {"22:00-06:00", "2026-11-25 23:00", true},		{"22:00-06:00", "2026-11-25 05:59", true},
	    {"22:00-06:00", "2026-11-25 06:00", false},		{"22:00-06:00", "2026-11-25 21:59", false},
	    {"fri 22:00-06:00", "2026-11-27 22:00", true},	{"fri 22:00-06:00", "2026-11-28 05:00", true},
	    {"fri 22:00-06:00", "2026-11-27 05:00", false},	{"fri 22:00-06:00", "2026-11-28 22:00", false},
	    {"sun 23:00-01:00", "2026-11-23 00:30", true},	{"fri-mon", "2026-11-23 12:00", true},
	    {"fri-mon", "2026-11-24 12:00", false},		{"fri-mon", "2026-11-27 12:00", true},
	    {"Mon,wed-thu 9:00-24:00", "2026-11-26 23:59", true}, {"Mon,wed-thu 9:00-24:00", "2026-11-24 23:59", false},
	    {"18:00-00:00", "2026-11-24 23:59", true},		{"18:00-00:00", "2026-11-24 00:00", false},
	    {"00:00-24:00", "2026-11-24 00:00", true},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (contains(rows[i].period, rows[i].moment) != rows[i].is_within)
			fail_msg("%s: %s is %swithin", rows[i].period, rows[i].moment, rows[i].is_within ? "" : "not ");
}

static void test_what_is_no_period(void **state)
{
	static const char *const texts[] = {"",	       " ",	      "mo",	     "mon-",	    "mon-fri08:00-18:00", "mon ",
					    "mon  08:00-18:00", "08:00",      "08:00-",	     "8-18",	    "08:60-18:00",	  "25:00-26:00",
					    "24:01-25:00",	 "24:00-06:00", "08:00-08:00", "08:00-18:00 mon", "mon,",	  "mon 08:00-18:00 "};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		struct route_period period;
		if (route_period_parse(texts[i], &period) != -EINVAL)
			fail_msg("\"%s\" was taken", texts[i]);
	}
}

static void test_what_is_no_moment(void **state)
{
	static const char *const texts[] = {"", "2026-11-23", "2026-02-30 08:00", "2026-13-01 08:00", "2026-11-23 24:00",
					    "2026-11-23 08:60", "2026-11-23 08:00x", "0000-01-01 08:00"};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		struct route_moment moment;
		if (route_moment_parse(texts[i], &moment) != -EINVAL)
			fail_msg("\"%s\" was taken", texts[i]);
	}
	struct route_moment now = route_moment_now();
	assert_true(now.weekday < 7 && now.minute < 24 * 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_periods),
	    cmocka_unit_test(test_what_is_no_period),
	    cmocka_unit_test(test_what_is_no_moment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
