/* When a route is for: dates, days of the week, hours. Pure, but for route_moment_now(). */
#pragma once
#include "config/config.h"

/* A minute, by the machine's local time. */
struct route_moment {
	unsigned day;	 /* GDate's Julian one */
	unsigned minute; /* of the day */
};
struct route_moment route_moment_now(void);
/* "2026-11-23 09:00". 0 or -EINVAL. */
int route_moment_parse(const char *text, struct route_moment *ret_moment);
/* "2026-11-23 09:00, mon"; a new string. */
char *route_moment_describe(struct route_moment moment);

struct route_period {
	GArray *dates;	   /* of struct route_dates (calendar.h), owned; NULL: any */
	unsigned days;	   /* bit 0: Monday */
	unsigned from, to; /* minutes; `to` is not within; before `from` it is one of the next day */
};
/* Dates ("2026-12-24,12-25", or names of calendars in `snapshot`, which may be NULL: it has none), days ("mon-fri", "sat,sun", "fri-mon") and
 * hours ("08:00-18:00", "22:00-06:00", up to "24:00"): one of them or more, in this order, with a blank between. It is when all of
 * them are; hours beyond midnight belong to the day on which they begin. 0 or -EINVAL; then nothing is owned. */
int route_period_parse(const char *text, const struct config_snapshot *snapshot, struct route_period *ret_period);
void route_period_clear(struct route_period *period); /* accepts a zeroed one */
bool route_period_contains(const struct route_period *period, struct route_moment moment);
/* Whether the text means days of the week. */
bool route_period_is_days(const char *text);
