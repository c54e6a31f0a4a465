#include "route/period.h"
#include <stdio.h>
#include <time.h>

#define DAYS	    7
#define DAY_MINUTES (24 * 60)
#define EVERY_DAY   ((1u << DAYS) - 1)

struct route_moment route_moment_now(void)
{
	time_t now = time(NULL);
	struct tm local;
	localtime_r(&now, &local);
	return (struct route_moment){
		.weekday = (unsigned)(local.tm_wday + DAYS - 1) % DAYS,
		.minute = (unsigned)(local.tm_hour * 60 + local.tm_min),
	};
}

/* Reads a figure of at most two digits. */
static bool take_figure(const char **text, unsigned *ret_figure)
{
	unsigned figure = 0;
	size_t n_digits = 0;
	for (; g_ascii_isdigit(**text) && n_digits < 2; n_digits++)
		figure = figure * 10 + (unsigned)(*(*text)++ - '0');
	*ret_figure = figure;
	return n_digits > 0;
}

static bool take(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static bool take_hour(const char **text, unsigned *ret_minute)
{
	unsigned hour, minute;
	if (!take_figure(text, &hour) || !take(text, ':') || !take_figure(text, &minute) || minute > 59)
		return false;
	*ret_minute = hour * 60 + minute;
	return *ret_minute <= DAY_MINUTES;
}

static bool take_day(const char **text, unsigned *ret_day)
{
	static const char names[DAYS][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	for (unsigned day = 0; day < DAYS; day++)
		if (!g_ascii_strncasecmp(*text, names[day], 3)) {
			*text += 3;
			*ret_day = day;
			return true;
		}
	return false;
}

static bool take_days(const char **text, unsigned *ret_days)
{
	unsigned days = 0;
	do {
		unsigned first, last;
		if (!take_day(text, &first))
			return false;
		last = first;
		if (take(text, '-') && !take_day(text, &last))
			return false;
		for (unsigned day = first;; day = (day + 1) % DAYS) {
			days |= 1u << day;
			if (day == last)
				break;
		}
	} while (take(text, ','));
	*ret_days = days;
	return true;
}

int route_period_parse(const char *text, struct route_period *ret_period)
{
	struct route_period period = {.days = EVERY_DAY, .to = DAY_MINUTES};
	bool has_days = g_ascii_isalpha(*text);
	if (has_days && !take_days(&text, &period.days))
		return -EINVAL;
	if (has_days && *text && !take(&text, ' '))
		return -EINVAL;
	if ((!has_days || text[-1] == ' ') &&
	    (!take_hour(&text, &period.from) || !take(&text, '-') || !take_hour(&text, &period.to)))
		return -EINVAL;
	if (*text || period.from == period.to || period.from == DAY_MINUTES)
		return -EINVAL;
	*ret_period = period;
	return 0;
}

bool route_period_contains(const struct route_period *period, struct route_moment moment)
{
	bool begins_today = period->days & 1u << moment.weekday;
	bool began_yesterday = period->days & 1u << (moment.weekday + DAYS - 1) % DAYS;
	if (period->from < period->to)
		return begins_today && moment.minute >= period->from && moment.minute < period->to;
	return (begins_today && moment.minute >= period->from) || (began_yesterday && moment.minute < period->to);
}

int route_moment_parse(const char *text, struct route_moment *ret_moment)
{
	int n_read = 0;
	unsigned year, month, day, hour, minute;
	if (sscanf(text, "%4u-%2u-%2u %2u:%2u%n", &year, &month, &day, &hour, &minute, &n_read) != 5 || text[n_read] ||
	    !g_date_valid_dmy((GDateDay)MIN(day, 255), (GDateMonth)month, (GDateYear)year) || hour > 23 || minute > 59)
		return -EINVAL;
	GDate date;
	g_date_clear(&date, 1);
	g_date_set_dmy(&date, (GDateDay)day, (GDateMonth)month, (GDateYear)year);
	*ret_moment = (struct route_moment){
		.weekday = (unsigned)g_date_get_weekday(&date) - 1,
		.minute = hour * 60 + minute,
	};
	return 0;
}
