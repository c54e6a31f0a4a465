/* Dates as routes name them, and the lists of them that have a name ("calendars"). A day is a number, GDate's Julian one. */
#pragma once
#include "config/config.h"

extern const struct config_table route_calendar_options;

/* Days from one date to another, both within; a year of 0: each year, also beyond its end. */
struct route_dates {
	unsigned from_year, from, to_year, to; /* month * 100 + day */
};

/* "2026-12-24", "2026-12-24..2026-12-26"; each year: "12-25", "12-24..01-06". 0 or -EINVAL. */
int route_dates_parse(const char *text, struct route_dates *ret_dates);
/* Adds dates, or the name of a calendar in `snapshot` (NULL: there is none), to an array of struct route_dates. 0 or -EINVAL. */
int route_dates_add(GArray *list, const char *text, const struct config_snapshot *snapshot);
bool route_dates_contain(const GArray *list, unsigned day);

/* The names of the calendars that the day is in, NULL-terminated; to be freed, its texts are borrowed. */
const char **route_calendars_of(const struct config_snapshot *snapshot, unsigned day);
