#include "route/period.h"
#include "route/calendar.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAYS	    7
#define DAY_MINUTES (24 * 60)
#define EVERY_DAY   ((1u << DAYS) - 1)

static const char weekdays[DAYS][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static unsigned day_of(unsigned year, unsigned month, unsigned day)
{
	GDate date;
	g_date_clear(&date, 1);
	g_date_set_dmy(&date, (GDateDay)day, (GDateMonth)month, (GDateYear)year);
	return g_date_get_julian(&date);
}

/* The first day of all was a Monday. */
static unsigned weekday_of(unsigned day)
{
	return (day + DAYS - 1) % DAYS;
}

struct route_moment route_moment_now(void)
{
	time_t now = time(NULL);
	struct tm local;
	localtime_r(&now, &local);
	return (struct route_moment){
		.day = day_of((unsigned)local.tm_year + 1900, (unsigned)local.tm_mon + 1, (unsigned)local.tm_mday),
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
	for (unsigned day = 0; day < DAYS; day++)
		if (!g_ascii_strncasecmp(*text, weekdays[day], 3)) {
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

bool route_period_is_days(const char *text)
{
	unsigned unused;
	return take_days(&text, &unused) && !*text;
}

static bool read_hours(const char *word, struct route_period *period)
{
	return take_hour(&word, &period->from) && take(&word, '-') && take_hour(&word, &period->to) && !*word &&
	       period->from != period->to && period->from != DAY_MINUTES;
}

static bool read_dates(const char *word, const struct config_snapshot *snapshot, struct route_period *period)
{
	g_auto(GStrv) items = g_strsplit(word, ",", -1);
	if (!period->dates)
		period->dates = g_array_new(FALSE, FALSE, sizeof(struct route_dates));
	for (size_t i = 0; items[i]; i++)
		if (route_dates_add(period->dates, items[i], snapshot) < 0)
			return false;
	return *word;
}

/* What a word is of; they stand in this order. */
enum part { PART_NONE, PART_DATES, PART_DAYS, PART_HOURS };

static enum part read_word(const char *word, const struct config_snapshot *snapshot, struct route_period *period)
{
	if (strchr(word, ':'))
		return read_hours(word, period) ? PART_HOURS : PART_NONE;
	if (route_period_is_days(word))
		return take_days(&word, &period->days) ? PART_DAYS : PART_NONE;
	return read_dates(word, snapshot, period) ? PART_DATES : PART_NONE;
}

int route_period_parse(const char *text, const struct config_snapshot *snapshot, struct route_period *ret_period)
{
	struct route_period period = {.days = EVERY_DAY, .to = DAY_MINUTES};
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	bool is_right = *words;
	enum part last = PART_NONE;
	for (size_t i = 0; words[i] && is_right; i++) {
		enum part part = read_word(words[i], snapshot, &period);
		is_right = part > last;
		last = part;
	}
	if (!is_right) {
		route_period_clear(&period);
		return -EINVAL;
	}
	*ret_period = period;
	return 0;
}

void route_period_clear(struct route_period *period)
{
	g_clear_pointer(&period->dates, g_array_unref);
}

static bool begins_on(const struct route_period *period, unsigned day)
{
	return period->days & 1u << weekday_of(day) && (!period->dates || route_dates_contain(period->dates, day));
}

bool route_period_contains(const struct route_period *period, struct route_moment moment)
{
	if (period->from < period->to)
		return moment.minute >= period->from && moment.minute < period->to && begins_on(period, moment.day);
	return (moment.minute >= period->from && begins_on(period, moment.day)) ||
	       (moment.minute < period->to && begins_on(period, moment.day - 1));
}

int route_moment_parse(const char *text, struct route_moment *ret_moment)
{
	int n_read = 0;
	unsigned year, month, day, hour, minute;
	if (sscanf(text, "%4u-%2u-%2u %2u:%2u%n", &year, &month, &day, &hour, &minute, &n_read) != 5 || text[n_read] ||
	    !g_date_valid_dmy((GDateDay)MIN(day, 255), (GDateMonth)month, (GDateYear)year) || hour > 23 || minute > 59)
		return -EINVAL;
	*ret_moment = (struct route_moment){.day = day_of(year, month, day), .minute = hour * 60 + minute};
	return 0;
}

char *route_moment_describe(struct route_moment moment)
{
	GDate date;
	g_date_clear(&date, 1);
	g_date_set_julian(&date, moment.day);
	return g_strdup_printf("%04u-%02u-%02u %02u:%02u, %s", g_date_get_year(&date), g_date_get_month(&date), g_date_get_day(&date),
			       moment.minute / 60, moment.minute % 60, weekdays[weekday_of(moment.day)]);
}
