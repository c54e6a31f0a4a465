/* Telephone events (RFC 4733, section 2.3). Pure, no allocation; any thread. */
#pragma once
#include "rtp/packet.h"

#define RTP_EVENT_BYTES	      4
#define RTP_EVENT_TIMEOUT_MS  300 /* silence after which an event has ended though its ends were lost */
#define RTP_EVENT_CHANGES_MAX 3

struct rtp_event {
	uint8_t code; /* 0 to 9, 10 '*', 11 '#', 12 to 15 'A' to 'D', 16 flash */
	bool is_end;
	uint8_t volume;	   /* -dBm0, 0 to 63 */
	uint16_t duration; /* timestamp units, from the packet's timestamp on */
};
/* 0 or -EBADMSG. Payloads of several events (never seen) give the first. */
int rtp_event_parse(const uint8_t *payload, size_t length, struct rtp_event *ret_event);
void rtp_event_build(const struct rtp_event *event, uint8_t ret_payload[static RTP_EVENT_BYTES]);
/* '0'-'9', '*', '#', 'A'-'D', or 0 for other events. */
char rtp_event_digit(uint8_t code);
/* The code of a digit in either case, or -EINVAL. */
int rtp_event_code(char digit);

/* Makes each event out of its packets once: they come many times, in any order, and some are lost. Plain value; zeroed
 * is ready. */
enum rtp_event_receiver_state {
	RTP_EVENT_RECEIVER_FRESH,    /* no event was seen yet */
	RTP_EVENT_RECEIVER_SOUNDING, /* one was, and has not ended */
	RTP_EVENT_RECEIVER_OVER,     /* and has; more of its packets may come */
};
const char *rtp_event_receiver_state_text(enum rtp_event_receiver_state state);
struct rtp_event_receiver { /* private to the room, but for reading state */
	enum rtp_event_receiver_state state;
	uint8_t code, volume;
	uint32_t start_timestamp;   /* of the whole event */
	uint32_t segment_timestamp; /* of its last segment (long events, section 2.5.1.3) */
	uint32_t duration;	    /* of the whole event so far, timestamp units */
	int64_t last_us;
};
enum rtp_event_change_kind { RTP_EVENT_STARTED, RTP_EVENT_ENDED };
struct rtp_event_change {
	enum rtp_event_change_kind kind;
	uint8_t code, volume;
	uint32_t duration; /* timestamp units; 0 when STARTED */
};
/* One packet; returns the number of changes: none for a repeat or update, [ended of the one before whose ends were
 * lost], started, [ended when the end is the first we see of it]. */
size_t rtp_event_receiver_update(struct rtp_event_receiver *receiver, uint32_t timestamp, const struct rtp_event *event,
				 int64_t now_us, struct rtp_event_change ret_changes[static RTP_EVENT_CHANGES_MAX]);
/* To be called now and then while SOUNDING: true, and the change, when the ends must have been lost. */
bool rtp_event_receiver_expire(struct rtp_event_receiver *receiver, int64_t now_us,
			       struct rtp_event_change *ret_change);
