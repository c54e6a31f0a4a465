/* Makes the packets of telephone events out of digits (RFC 4733, section 2.5.1). Pure, no allocation; one thread at a
 *time; times are monotonic microseconds. Its owner numbers and sends the packets, and sends no sound while it is busy:
 *
 *	rtp_digits_put(&sender->digits, ...);
 *	while (now_us >= rtp_event_sender_due_us(sender) && rtp_event_sender_next(sender, now_us, timestamp, &out))
 *		send(out.payload, out.timestamp, out.marker);
 */
#pragma once
#include "rtp/digits.h"

#define RTP_EVENT_UPDATE_MS 20
#define RTP_EVENT_ENDS	    3
#define RTP_EVENT_ENDS_MS   20 /* between two of them */

enum rtp_event_sender_state {
	RTP_EVENT_SENDER_IDLE,
	RTP_EVENT_SENDER_SOUNDING, /* updates */
	RTP_EVENT_SENDER_ENDING,   /* the end is sent once more */
	RTP_EVENT_SENDER_GAP,	   /* before the next digit */
};
const char *rtp_event_sender_state_text(enum rtp_event_sender_state state);

struct rtp_event_sender {	  /* private but for `digits` */
	struct rtp_digits digits; /* the first is at hand, unless IDLE or GAP */
	enum rtp_event_sender_state state;
	uint32_t clock_hz, update_ms;
	int64_t start_us;	    /* of the digit */
	int64_t due_us;		    /* of the next packet, or the end of the gap */
	uint32_t segment_timestamp; /* of the segment at hand */
	uint32_t before_segment;    /* units of the digit that lie in segments before */
	uint32_t duration;	    /* units told so far */
	unsigned ends;		    /* sent */
};
/* `update_ms` 10 to 60; 0: RTP_EVENT_UPDATE_MS. */
void rtp_event_sender_init(struct rtp_event_sender *sender, uint32_t clock_hz, uint32_t update_ms);
/* Sound has to make room: an event sounds, or its gap. */
bool rtp_event_sender_is_busy(const struct rtp_event_sender *sender);
/* When next() has something to do; INT64_MAX: not before another digit is put; 0: at once. */
int64_t rtp_event_sender_due_us(const struct rtp_event_sender *sender);

struct rtp_event_out {
	uint8_t payload[RTP_EVENT_BYTES];
	uint32_t timestamp;
	bool marker;
};
/* The packet that is due; false: none. `timestamp` is the stream's at now_us (a digit that begins here gets it), in
 * units of clock_hz. */
bool rtp_event_sender_next(struct rtp_event_sender *sender, int64_t now_us, uint32_t timestamp,
			   struct rtp_event_out *ret_out);
