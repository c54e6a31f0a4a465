#include "rtp/event.h"

#define SEGMENT_MAX 0xffffu

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

static struct rtp_event_change end_now(struct rtp_event_receiver *receiver)
{
	receiver->is_active = false;
	return (struct rtp_event_change){RTP_EVENT_ENDED, receiver->code, receiver->duration};
}

/* Whether a packet with a later timestamp goes on with the event at hand: a long event's next segment begins where the
 * one before ended (section 2.5.1.3). */
static bool is_next_segment(const struct rtp_event_receiver *receiver, uint32_t timestamp,
			    const struct rtp_event *event)
{
	return receiver->is_active && receiver->code == event->code &&
	       timestamp - receiver->segment_timestamp == SEGMENT_MAX;
}

size_t rtp_event_receiver_update(struct rtp_event_receiver *receiver, uint32_t timestamp, const struct rtp_event *event,
				 int64_t now_us, struct rtp_event_change ret_changes[static RTP_EVENT_CHANGES_MAX])
{
	size_t n = 0;
	int32_t ahead = rtp_timestamp_distance(timestamp, receiver->segment_timestamp);
	/* behind: late packets of an event that has been told. After a long silence the numbers may have begun anew. */
	bool is_recent = now_us - receiver->last_us < 10 * (int64_t)G_USEC_PER_SEC;
	if (receiver->has_event && ahead < 0 && is_recent)
		return 0;
	if (receiver->has_event && ahead == 0 && receiver->code == event->code && !receiver->is_active && is_recent)
		return 0; /* a repeated end */
	bool is_same = receiver->is_active && receiver->code == event->code && ahead == 0;
	if (is_next_segment(receiver, timestamp, event))
		receiver->segment_timestamp = timestamp;
	else if (!is_same) {
		if (receiver->is_active)
			ret_changes[n++] = end_now(receiver);
		*receiver = (struct rtp_event_receiver){
		    .has_event = true,
		    .is_active = true,
		    .code = event->code,
		    .start_timestamp = timestamp,
		    .segment_timestamp = timestamp,
		};
		ret_changes[n++] = (struct rtp_event_change){RTP_EVENT_STARTED, event->code, 0};
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
	if (!receiver->is_active || now_us - receiver->last_us < RTP_EVENT_TIMEOUT_MS * INT64_C(1000))
		return false;
	*ret_change = end_now(receiver);
	return true;
}
