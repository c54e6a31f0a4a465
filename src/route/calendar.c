#include "route/calendar.h"
#include "route/period.h"
#include <string.h>

#define CALENDARS	 "calendars"
#define LEAP_YEAR	 2000 /* 02-29 is a day of each year that has it */
#define DATES_MAX	 366
#define KEY(year, date)	 ((year) * 10000 + (date))

/* So many digits. */
static bool take_digits(const char **text, unsigned n, unsigned *ret_number)
{
	unsigned number = 0;
	for (; n; n--, (*text)++) {
		if (!g_ascii_isdigit(**text))
			return false;
		number = number * 10 + (unsigned)(**text - '0');
	}
	*ret_number = number;
	return true;
}

static bool take_date(const char **text, unsigned *ret_year, unsigned *ret_date)
{
	unsigned year = 0, month, day;
	if (strspn(*text, "0123456789") == 4) {
		if (!take_digits(text, 4, &year) || !year || *(*text)++ != '-')
			return false;
	}
	if (!take_digits(text, 2, &month) || *(*text)++ != '-' || !take_digits(text, 2, &day) ||
	    !g_date_valid_dmy((GDateDay)day, (GDateMonth)month, (GDateYear)(year ? year : LEAP_YEAR)))
		return false;
	*ret_year = year;
	*ret_date = month * 100 + day;
	return true;
}

int route_dates_parse(const char *text, struct route_dates *ret_dates)
{
	struct route_dates dates;
	if (!take_date(&text, &dates.from_year, &dates.from))
		return -EINVAL;
	dates.to_year = dates.from_year;
	dates.to = dates.from;
	if (g_str_has_prefix(text, "..")) {
		text += 2;
		if (!take_date(&text, &dates.to_year, &dates.to) || !dates.from_year != !dates.to_year ||
		    (dates.from_year && KEY(dates.to_year, dates.to) < KEY(dates.from_year, dates.from)))
			return -EINVAL;
	}
	if (*text)
		return -EINVAL;
	*ret_dates = dates;
	return 0;
}

static const char *const *dates_of(const struct config_snapshot *snapshot, const char *name)
{
	ssize_t calendar = snapshot ? config_find(snapshot, CALENDARS, name) : -1;
	return calendar < 0 ? NULL : config_strings(snapshot, CALENDARS, (size_t)calendar, "dates");
}

static int add(GArray *list, const char *text)
{
	struct route_dates dates;
	if (route_dates_parse(text, &dates) < 0)
		return -EINVAL;
	g_array_append_val(list, dates);
	return 0;
}

int route_dates_add(GArray *list, const char *text, const struct config_snapshot *snapshot)
{
	const char *const *dates = dates_of(snapshot, text);
	if (!dates)
		return add(list, text);
	for (; *dates; dates++)
		add(list, *dates); /* one that is wrong is complained of where it stands */
	return 0;
}

static bool is_within(const struct route_dates *dates, unsigned year, unsigned date)
{
	if (dates->from_year)
		return KEY(year, date) >= KEY(dates->from_year, dates->from) && KEY(year, date) <= KEY(dates->to_year, dates->to);
	if (dates->from <= dates->to)
		return date >= dates->from && date <= dates->to;
	return date >= dates->from || date <= dates->to;
}

bool route_dates_contain(const GArray *list, unsigned day)
{
	if (!g_date_valid_julian(day))
		return false;
	GDate when;
	g_date_clear(&when, 1);
	g_date_set_julian(&when, day);
	unsigned date = (unsigned)g_date_get_month(&when) * 100 + g_date_get_day(&when);
	for (guint i = 0; i < list->len; i++)
		if (is_within(&g_array_index(list, struct route_dates, i), g_date_get_year(&when), date))
			return true;
	return false;
}

const char **route_calendars_of(const struct config_snapshot *snapshot, unsigned day)
{
	GPtrArray *names = g_ptr_array_new();
	for (size_t i = 0; i < config_count(snapshot, CALENDARS); i++) {
		const char *name = config_string(snapshot, CALENDARS, i, "name");
		g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(struct route_dates));
		route_dates_add(list, name, snapshot);
		if (route_dates_contain(list, day))
			g_ptr_array_add(names, (char *)name);
	}
	g_ptr_array_add(names, NULL);
	return (const char **)g_ptr_array_free(names, FALSE);
}

/* --- what stands in "calendars" --- */

static const struct config_option rows[] = {
    {.name = "name",
     .type = CONFIG_STRING,
     .is_required = true,
     .is_key = true,
     .min = 1,
     .max = 32,
     .help = "For routes[].time, where it stands for its dates: \"holidays\", \"holidays 08:00-12:00\"."},
    {.name = "dates",
     .type = CONFIG_STRING,
     .is_list = true,
     .is_required = true,
     .min = 1,
     .max = 24,
     .help = "\"2026-12-24\", \"2026-12-24..2026-12-26\"; each year: \"12-25\", \"12-24..01-06\"."},
    {0},
};

static void check_calendars(const struct config_snapshot *snapshot, struct config_report *report)
{
	for (size_t i = 0; i < config_count(snapshot, CALENDARS); i++) {
		const char *name = config_string(snapshot, CALENDARS, i, "name");
		const char *const *dates = config_strings(snapshot, CALENDARS, i, "dates");
		struct route_dates unused;
		if (name && (!g_ascii_isalpha(*name) || !base_is_plain_name(name)))
			config_complain(report, CALENDARS, i, "name", "wants a letter, then letters, digits, '-', '_', '.' and '+' only");
		else if (name && route_period_is_days(name))
			config_complain(report, CALENDARS, i, "name", "is \"%s\", which means days of the week", name);
		if (g_strv_length((char **)dates) > DATES_MAX)
			config_complain(report, CALENDARS, i, "dates", "are more than %d", DATES_MAX);
		for (; *dates; dates++)
			if (route_dates_parse(*dates, &unused) < 0)
				config_complain(report, CALENDARS, i, "dates",
						"is \"%s\", which is no date: \"2026-12-24\", \"12-25\" and \"12-24..12-26\" are some", *dates);
	}
}

const struct config_table route_calendar_options = {
    .group = CALENDARS,
    .shape = CONFIG_LIST,
    .options = rows,
    .check = check_calendars,
};
