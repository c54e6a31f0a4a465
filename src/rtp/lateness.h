/* How much later than the fastest of the last five seconds packets come: what a jitter buffer has to wait for. The
 * fastest stands for the clocks' difference and the shortest way, so that drift moves it and makes nobody late. Plain
 * value; one thread at a time; times are monotonic microseconds. */
#pragma once
#include "base/base.h"

#define RTP_LATENESS_WINDOW_MS 5000
#define RTP_LATENESS_WINDOW    256 /* packets */
#define RTP_LATENESS_STEP_US   2000
#define RTP_LATENESS_STEPS     512 /* later than all of them counts as the last */

struct rtp_lateness { /* private to the room */
	struct {
		int32_t transit_us; /* arrival less sending, from origin_us on */
		uint32_t arrival_ms;
	} window[RTP_LATENESS_WINDOW];
	size_t first, n;
	int64_t origin_us;
	int32_t fastest_us; /* from origin_us on */
	int64_t counted_us; /* when all were counted anew */
	uint16_t steps[RTP_LATENESS_STEPS];
	size_t steps_in_use; /* no higher one counts anybody */
};

void rtp_lateness_init(struct rtp_lateness *lateness);
/* `sent_us`: the packet's timestamp as time, from anywhere on. */
void rtp_lateness_add(struct rtp_lateness *lateness, int64_t sent_us, int64_t arrival_us);
/* From now on times of sending are counted from elsewhere: a packet sent at sent_us and come at arrival_us was as fast
 * as the fastest. What was learned of lateness stays. */
void rtp_lateness_move(struct rtp_lateness *lateness, int64_t sent_us, int64_t arrival_us);
bool rtp_lateness_is_known(const struct rtp_lateness *lateness);
/* When the fastest packet would have come that was sent at sent_us. */
int64_t rtp_lateness_earliest_us(const struct rtp_lateness *lateness, int64_t sent_us);
/* All but one packet in a hundred come no later than this after the fastest. */
int64_t rtp_lateness_most_us(const struct rtp_lateness *lateness);
