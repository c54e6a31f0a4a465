/* Times of the week, as routes name them. Pure, but for route_moment_now(). */
#pragma once
#include "base/base.h"

/* A minute of the week, by the machine's local time. */
struct route_moment {
	unsigned weekday; /* 0: Monday */
	unsigned minute;  /* of the day */
};
struct route_moment route_moment_now(void);
/* "2026-11-23 09:00". 0 or -EINVAL. */
int route_moment_parse(const char *text, struct route_moment *ret_moment);

struct route_period {
	unsigned days;	   /* bit 0: Monday; the days it begins on */
	unsigned from, to; /* minutes; `to` is not within; before `from` it is one of the next day */
};
/* Days ("mon-fri", "sat,sun", "fri-mon"), hours ("08:00-18:00", "22:00-06:00", up to "24:00"), or both with a blank between.
 * 0 or -EINVAL. */
int route_period_parse(const char *text, struct route_period *ret_period);
bool route_period_contains(const struct route_period *period, struct route_moment moment);
