/* Which packets of a source have not come, and when to ask for them (RFC 4585, section 6.2.1). A plain value without
 * pointers; zeroed is ready. Pure; one thread at a time. Times are monotonic microseconds. */
#pragma once
#include "rtp/packet.h"

#define RTP_MISSING_MAX		 128	 /* of one time; a longer gap is no loss but an interruption */
#define RTP_MISSING_ASKS_MAX	 10	 /* for one packet */
#define RTP_MISSING_AGE_US	 1000000 /* then it is given up */
#define RTP_MISSING_PATIENCE_US	 10000	 /* a packet may have been overtaken */
#define RTP_MISSING_PAUSE_MIN_US 20000	 /* between two asks for the same, however short the round trip is */

struct rtp_missing { /* private to the room */
	bool has_highest;
	uint16_t highest;
	uint16_t n;
	struct rtp_missing_item {
		uint16_t sequence;
		uint8_t n_asks;
		int64_t since_us, asked_us;
	} items[RTP_MISSING_MAX]; /* in order */
};

/* Begins anew: another source. */
void rtp_missing_reset(struct rtp_missing *missing);
/* A packet has come. True when it opened a gap. */
bool rtp_missing_note(struct rtp_missing *missing, uint16_t sequence, int64_t now_us);
static inline bool rtp_missing_is_empty(const struct rtp_missing *missing)
{
	return missing->n == 0;
}
/* Those to be asked for now, in order; they count as asked for. */
size_t rtp_missing_due(struct rtp_missing *missing, int64_t now_us, int64_t round_trip_us,
		       uint16_t ret_sequences[static RTP_MISSING_MAX]);
