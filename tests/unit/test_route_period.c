/* When routes are for: hours, days of the week, dates, calendars. */
#include "route/calendar.h"
#include "route/period.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static struct config_snapshot *snapshot; /* "calendars" */

static int set_up(void **state)
{
	static const struct config_table *const tables[] = {&route_calendar_options, NULL};
	static const char text[] = "calendars : ( { name = \"holidays\"; dates = ( \"01-01\", \"12-25..12-26\", \"2026-04-03\" ); }, "
				   "{ name = \"sommer-2026\"; dates = ( \"2026-07-30..2026-09-11\" ); } );";
	struct config_errors *errors = NULL;
	return config_load_text("/t", text, strlen(text), tables, &snapshot, &errors);
}

static int tear_down(void **state)
{
	config_unref(snapshot);
	return 0;
}

static bool contains(const char *period_text, const char *moment_text)
{
	struct route_period period;
	struct route_moment moment;
	if (route_period_parse(period_text, snapshot, &period) < 0)
		fail_msg("%s is no period", period_text);
	if (route_moment_parse(moment_text, &moment) < 0)
		fail_msg("%s is no moment", moment_text);
	bool result = route_period_contains(&period, moment);
	route_period_clear(&period);
	return result;
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
	    /* dates */
	    {"2026-12-24", "2026-12-24 00:00", true},		{"2026-12-24", "2026-12-24 23:59", true},
	    {"2026-12-24", "2026-12-25 00:00", false},		{"2026-12-24", "2027-12-24 12:00", false},
	    {"12-25", "2026-12-25 12:00", true},		{"12-25", "2031-12-25 12:00", true},
	    {"12-25", "2026-12-26 12:00", false},		{"2026-12-24..2026-12-26", "2026-12-26 23:59", true},
	    {"2026-12-24..2026-12-26", "2026-12-27 00:00", false}, {"2026-12-24..2027-01-06", "2027-01-01 00:00", true},
	    {"2026-12-24..2027-01-06", "2028-01-01 00:00", false}, {"12-24..01-06", "2028-01-01 00:00", true},
	    {"12-24..01-06", "2028-01-07 00:00", false},	{"12-24..01-06", "2028-12-23 23:59", false},
	    {"02-29", "2028-02-29 12:00", true},		{"02-29", "2027-03-01 12:00", false},
	    {"02-28..03-01", "2028-02-29 12:00", true},		{"12-24,12-31", "2026-12-31 12:00", true},
	    {"12-24,12-31", "2026-12-30 12:00", false},
	    {"12-24 12:00-24:00", "2026-12-24 12:00", true},	{"12-24 12:00-24:00", "2026-12-24 11:59", false},
	    {"12-31 20:00-03:00", "2027-01-01 02:59", true},	{"12-31 20:00-03:00", "2026-12-31 02:59", false},
	    {"07-01..08-31 mon-fri 08:00-18:00", "2026-07-06 09:00", true},
	    {"07-01..08-31 mon-fri 08:00-18:00", "2026-07-05 09:00", false},
	    {"07-01..08-31 mon-fri 08:00-18:00", "2026-09-01 09:00", false},
	    /* calendars */
	    {"holidays", "2026-04-03 12:00", true},		{"holidays", "2027-04-03 12:00", false},
	    {"holidays", "2027-12-26 12:00", true},		{"holidays 08:00-12:00", "2027-12-26 12:00", false},
	    {"holidays,12-24", "2026-12-24 12:00", true},	{"holidays,sommer-2026 sat", "2026-08-01 12:00", true},
	    {"holidays,sommer-2026 sat", "2026-08-02 12:00", false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (contains(rows[i].period, rows[i].moment) != rows[i].is_within)
			fail_msg("%s: %s is %swithin", rows[i].period, rows[i].moment, rows[i].is_within ? "" : "not ");
}

static void test_what_is_no_period(void **state)
{
	static const char *const texts[] = {"",	       " ",	      "mo",	     "mon-",	    "mon-fri08:00-18:00", "mon ",
					    "mon  08:00-18:00", "08:00",      "08:00-",	     "8-18",	    "08:60-18:00",	  "25:00-26:00",
					    "24:01-25:00",	 "24:00-06:00", "08:00-08:00", "08:00-18:00 mon", "mon,",	  "mon 08:00-18:00 ",
					    "12-32", "13-01", "02-30", "2027-02-29", "2026-1-1", "1-1", "26-12-24", "12-24..", "..12-24", "12-24.12-26",
					    "2026-12-24..12-26", "12-24..2026-12-26", "2026-12-26..2026-12-24", "0000-01-01", "12-24 12-25", "mon 12-24",
					    "08:00-18:00 12-24", "12-24 08:00-18:00 mon", "weekends", "holidays,", "holidays,mon", "holidays holidays"};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		struct route_period period;
		if (route_period_parse(texts[i], snapshot, &period) != -EINVAL)
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
	assert_true(g_date_valid_julian(now.day) && now.minute < 24 * 60);
}

static void test_a_moment_in_words(void **state)
{
	struct route_moment moment;
	assert_int_equal(route_moment_parse("2026-11-29 09:05", &moment), 0);
	g_autofree char *text = route_moment_describe(moment);
	assert_string_equal(text, "2026-11-29 09:05, sun");
	assert_int_equal(route_moment_parse("2026-12-25 09:05", &moment), 0);
	g_autofree const char **names = route_calendars_of(snapshot, moment.day);
	assert_string_equal(names[0], "holidays");
	assert_null(names[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_periods),
	    cmocka_unit_test(test_what_is_no_period),
	    cmocka_unit_test(test_what_is_no_moment),
	    cmocka_unit_test(test_a_moment_in_words),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
