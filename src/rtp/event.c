#include "rtp/event.h"

#define SEGMENT_MAX	  0xffffu
#define SEGMENTS_LOST_MAX 4 /* in a row; at 48 kHz one lasts 1.4 s, and after RTP_EVENT_TIMEOUT_MS nothing is waited for */

static const char digits[] = "0123456789*#ABCD";

int rtp_event_parse(const uint8_t *payload, size_t length, struct rtp_event *ret_event)
{
	if (length < RTP_EVENT_BYTES)
		return -EBADMSG;
	*ret_event = (struct rtp_event){
	    .code = payload[0],
	    .is_end = payload[1] & 0x80,
	    .volume = payload[1] & 0x3f,
	    .duration = rtp_get_u16(payload + 2),
	};
	return 0;
}

void rtp_event_build(const struct rtp_event *event, uint8_t ret_payload[static RTP_EVENT_BYTES])
{
	ret_payload[0] = event->code;
	ret_payload[1] = (uint8_t)((event->is_end ? 0x80 : 0) | (event->volume & 0x3f));
	rtp_put_u16(ret_payload + 2, event->duration);
}

char rtp_event_digit(uint8_t code)
{
	return code < sizeof digits - 1 ? digits[code] : '\0';
}

int rtp_event_code(char digit)
{
	digit = g_ascii_toupper(digit);
	for (int code = 0; digits[code]; code++) {
		if (digits[code] == digit)
			return code;
	}
	return -EINVAL;
}

const char *rtp_event_receiver_state_text(enum rtp_event_receiver_state state)
{
	static const char *const texts[] = {"fresh", "sounding", "over"};

	return texts[state];
}

static bool is_sounding(const struct rtp_event_receiver *receiver)
{
	return receiver->state == RTP_EVENT_RECEIVER_SOUNDING;
}

static struct rtp_event_change end_now(struct rtp_event_receiver *receiver)
{
	receiver->state = RTP_EVENT_RECEIVER_OVER;
	return (struct rtp_event_change){RTP_EVENT_ENDED, receiver->code, receiver->volume, receiver->duration};
}

/* Whether the packet belongs to the event at hand. A long event's next segment begins where the one before ended (section
 * 2.5.1.3), and all packets of a segment may be lost. */
static bool is_same_event(const struct rtp_event_receiver *receiver, uint32_t timestamp, const struct rtp_event *event)
{
	uint32_t ahead = timestamp - receiver->segment_timestamp;

	return receiver->code == event->code && ahead % SEGMENT_MAX == 0 && ahead / SEGMENT_MAX <= SEGMENTS_LOST_MAX;
}

size_t rtp_event_receiver_update(struct rtp_event_receiver *receiver, uint32_t timestamp, const struct rtp_event *event,
				 int64_t now_us, struct rtp_event_change ret_changes[static RTP_EVENT_CHANGES_MAX])
{
	size_t n = 0;
	/* After a long silence the numbers may have begun anew. */
	bool is_recent = receiver->state != RTP_EVENT_RECEIVER_FRESH &&
			 now_us - receiver->last_us < 10 * (int64_t)G_USEC_PER_SEC;
	bool is_same = is_recent && is_same_event(receiver, timestamp, event);
	if (is_recent && rtp_timestamp_distance(timestamp, receiver->segment_timestamp) < 0)
		return 0; /* late, of an event or a segment that has been told */
	if (is_same) {
		receiver->segment_timestamp = timestamp;
		receiver->last_us = now_us;
		if (!is_sounding(receiver))
			return 0; /* a repeated end, or it was given up too early */
	} else {
		if (is_sounding(receiver))
			ret_changes[n++] = end_now(receiver);
		*receiver = (struct rtp_event_receiver){
		    .state = RTP_EVENT_RECEIVER_SOUNDING,
		    .code = event->code,
		    .volume = event->volume,
		    .start_timestamp = timestamp,
		    .segment_timestamp = timestamp,
		};
		ret_changes[n++] = (struct rtp_event_change){RTP_EVENT_STARTED, event->code, event->volume, 0};
	}
	receiver->last_us = now_us;
	uint32_t duration = timestamp - receiver->start_timestamp + event->duration;
	if (duration > receiver->duration)
		receiver->duration = duration;
	if (event->is_end)
		ret_changes[n++] = end_now(receiver);
	return n;
}

bool rtp_event_receiver_expire(struct rtp_event_receiver *receiver, int64_t now_us, struct rtp_event_change *ret_change)
{
	if (!is_sounding(receiver) || now_us - receiver->last_us < RTP_EVENT_TIMEOUT_MS * INT64_C(1000))
		return false;
	*ret_change = end_now(receiver);
	return true;
}
