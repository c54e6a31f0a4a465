/* How speech is heard, by the E-model (ITU-T G.107): a rating of 0 to 100 from codec, loss and delay, and the mean opinion score
 * that goes with it (annex B). Everything else has G.107's default; echo is taken to be cancelled. Pure; any thread. */
#pragma once
#include "base/base.h"

struct rtp_quality_input {
	const char *encoding; /* of SDP. What G.113 has no figures for (Opus, G.722) counts as G.711 with loss concealment: the
			       * scale is that of narrow-band telephony and ends there. NULL: not known, the same */
	double loss;	      /* of the packets, 0 to 1; taken to be random */
	int64_t delay_us;     /* mouth to ear, one way */
};
double rtp_quality_rating(const struct rtp_quality_input *input);
double rtp_quality_mos(double rating); /* 1 to 4.5 */

/* From what a receiver counts: the delay is half the round trip, and what a jitter buffer and codec are likely to add. */
int64_t rtp_quality_delay_us(uint32_t round_trip_us, uint32_t jitter_us);
