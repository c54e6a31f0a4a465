#include "rtp/lateness.h"
#include <string.h>

#define COUNT_EVERY_US (1000 * INT64_C(1000))
#define FASTER_US      1000 /* by less nobody is made later */
#define ONE_IN	       100

void rtp_lateness_init(struct rtp_lateness *lateness)
{
	*lateness = (struct rtp_lateness){0};
}

static size_t step_of(const struct rtp_lateness *lateness, int32_t transit_us)
{
	int32_t late_us = MAX(transit_us - lateness->fastest_us, 0);

	return MIN((size_t)late_us / RTP_LATENESS_STEP_US, RTP_LATENESS_STEPS - 1);
}

static void count(struct rtp_lateness *lateness, int32_t transit_us)
{
	size_t step = step_of(lateness, transit_us);

	lateness->steps[step]++;
	lateness->steps_in_use = MAX(lateness->steps_in_use, step + 1);
}

/* By which all later ones are measured again; the origin moves along, so that numbers stay small through hours of
 * drift. */
static void count_anew(struct rtp_lateness *lateness, int64_t now_us)
{
	int32_t fastest_us = INT32_MAX;

	for (size_t i = 0; i < lateness->n; i++)
		fastest_us = MIN(fastest_us, lateness->window[(lateness->first + i) % RTP_LATENESS_WINDOW].transit_us);
	memset(lateness->steps, 0, sizeof lateness->steps);
	lateness->steps_in_use = 0;
	lateness->origin_us += fastest_us;
	lateness->fastest_us = 0;
	lateness->counted_us = now_us;
	for (size_t i = 0; i < lateness->n; i++) {
		int32_t *transit_us = &lateness->window[(lateness->first + i) % RTP_LATENESS_WINDOW].transit_us;

		*transit_us -= fastest_us;
		count(lateness, *transit_us);
	}
}

static void forget_old(struct rtp_lateness *lateness, uint32_t now_ms)
{
	while (lateness->n > 0) {
		size_t first = lateness->first;

		if (lateness->n < RTP_LATENESS_WINDOW &&
		    now_ms - lateness->window[first].arrival_ms <= RTP_LATENESS_WINDOW_MS)
			return;
		lateness->steps[step_of(lateness, lateness->window[first].transit_us)]--;
		lateness->first = (first + 1) % RTP_LATENESS_WINDOW;
		lateness->n--;
	}
}

void rtp_lateness_add(struct rtp_lateness *lateness, int64_t sent_us, int64_t arrival_us)
{
	uint32_t arrival_ms = (uint32_t)(arrival_us / 1000);
	int64_t transit_us = arrival_us - sent_us;
	size_t last;

	forget_old(lateness, arrival_ms);
	if (lateness->n == 0) {
		lateness->origin_us = transit_us;
		lateness->fastest_us = 0;
	}
	transit_us = CLAMP(transit_us - lateness->origin_us, INT32_MIN / 4, INT32_MAX / 4);
	last = (lateness->first + lateness->n) % RTP_LATENESS_WINDOW;
	lateness->window[last].transit_us = (int32_t)transit_us;
	lateness->window[last].arrival_ms = arrival_ms;
	lateness->n++;
	count(lateness, (int32_t)transit_us);
	if (transit_us < lateness->fastest_us - FASTER_US || arrival_us - lateness->counted_us >= COUNT_EVERY_US)
		count_anew(lateness, arrival_us);
}

void rtp_lateness_move(struct rtp_lateness *lateness, int64_t sent_us, int64_t arrival_us)
{
	lateness->origin_us = arrival_us - sent_us - lateness->fastest_us;
}

bool rtp_lateness_is_known(const struct rtp_lateness *lateness)
{
	return lateness->n > 0;
}

int64_t rtp_lateness_earliest_us(const struct rtp_lateness *lateness, int64_t sent_us)
{
	return sent_us + lateness->origin_us + lateness->fastest_us;
}

int64_t rtp_lateness_most_us(const struct rtp_lateness *lateness)
{
	size_t later = 0, step = lateness->steps_in_use;

	while (step > 0 && later <= lateness->n / ONE_IN)
		later += lateness->steps[--step];
	return lateness->n > 0 ? (int64_t)(step + 1) * RTP_LATENESS_STEP_US : 0;
}
