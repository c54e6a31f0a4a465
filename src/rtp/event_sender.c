#include "rtp/event_sender.h"

#define SEGMENT_MAX   0xffffu
#define UPDATE_MS_MIN 10
#define UPDATE_MS_MAX 60
#define US_OF_MS      INT64_C(1000)

const char *rtp_event_sender_state_text(enum rtp_event_sender_state state)
{
	static const char *const texts[] = {"idle", "sounding", "ending", "gap"};

	return texts[state];
}

void rtp_event_sender_init(struct rtp_event_sender *sender, uint32_t clock_hz, uint32_t update_ms)
{
	*sender = (struct rtp_event_sender){
	    .clock_hz = clock_hz,
	    .update_ms = update_ms ? CLAMP(update_ms, UPDATE_MS_MIN, UPDATE_MS_MAX) : RTP_EVENT_UPDATE_MS,
	};
}

bool rtp_event_sender_is_busy(const struct rtp_event_sender *sender)
{
	return sender->state != RTP_EVENT_SENDER_IDLE || sender->digits.n > 0;
}

int64_t rtp_event_sender_due_us(const struct rtp_event_sender *sender)
{
	if (sender->state != RTP_EVENT_SENDER_IDLE)
		return sender->due_us;
	return sender->digits.n > 0 ? 0 : INT64_MAX;
}

static void set_state(struct rtp_event_sender *sender, enum rtp_event_sender_state state, int64_t due_us)
{
	sender->state = state;
	sender->due_us = due_us;
}

static uint32_t units_of(const struct rtp_event_sender *sender, int64_t ms)
{
	return (uint32_t)(ms * sender->clock_hz / 1000);
}

/* What was told cannot be taken back. */
static uint32_t whole_of(const struct rtp_event_sender *sender)
{
	uint32_t duration_ms = rtp_digits_head(&sender->digits)->duration_ms;

	return MAX(units_of(sender, duration_ms ? duration_ms : RTP_DIGIT_MS_MAX), sender->duration);
}

/* A digit that is still pressed may have ended already, though the word of it comes late. */
static int64_t told_max_ms(const struct rtp_event_sender *sender)
{
	const struct rtp_digits *digits = &sender->digits;

	if (rtp_digits_head(digits)->duration_ms > 0 || digits->so_far_ms == 0)
		return RTP_DIGIT_MS_MAX;
	return CLAMP(digits->so_far_ms, RTP_DIGIT_MS_MIN, RTP_DIGIT_MS_MAX);
}

static void write_packet(const struct rtp_event_sender *sender, uint32_t duration, bool is_end,
			 struct rtp_event_out *ret_out)
{
	const struct rtp_digit *digit = rtp_digits_head(&sender->digits);
	struct rtp_event event = {
	    .code = digit->code, .is_end = is_end, .volume = digit->volume, .duration = (uint16_t)duration};

	rtp_event_build(&event, ret_out->payload);
	ret_out->timestamp = sender->segment_timestamp;
	ret_out->marker = false;
}

static void send_update(struct rtp_event_sender *sender, int64_t now_us, struct rtp_event_out *ret_out)
{
	int64_t updates = 1 + (now_us - sender->start_us) / (sender->update_ms * US_OF_MS);
	uint32_t whole = whole_of(sender),
		 duration = MIN(units_of(sender, MIN(updates * sender->update_ms, told_max_ms(sender))), whole);

	if (duration - sender->before_segment > SEGMENT_MAX) {
		/* section 2.5.1.3: the segment is told to be full, and at once the next one begins */
		write_packet(sender, SEGMENT_MAX, false, ret_out);
		sender->before_segment += SEGMENT_MAX;
		sender->segment_timestamp += SEGMENT_MAX;
		sender->due_us = now_us;
		return;
	}
	sender->duration = duration;
	write_packet(sender, duration - sender->before_segment, duration == whole, ret_out);
	if (duration < whole) {
		sender->due_us = sender->start_us + updates * sender->update_ms * US_OF_MS;
		return;
	}
	sender->ends = 1;
	set_state(sender, RTP_EVENT_SENDER_ENDING, now_us + RTP_EVENT_ENDS_MS * US_OF_MS);
}

static void send_end_again(struct rtp_event_sender *sender, int64_t now_us, struct rtp_event_out *ret_out)
{
	int64_t gap_until_us = sender->start_us + (int64_t)sender->duration * 1000 * US_OF_MS / sender->clock_hz +
			       RTP_DIGIT_GAP_MS * US_OF_MS;

	write_packet(sender, sender->duration - sender->before_segment, true, ret_out);
	sender->due_us = now_us + RTP_EVENT_ENDS_MS * US_OF_MS;
	if (++sender->ends < RTP_EVENT_ENDS)
		return;
	rtp_digits_drop(&sender->digits);
	set_state(sender, RTP_EVENT_SENDER_GAP, MAX(gap_until_us, now_us));
}

static void begin(struct rtp_event_sender *sender, int64_t now_us, uint32_t timestamp, struct rtp_event_out *ret_out)
{
	sender->start_us = now_us;
	sender->segment_timestamp = timestamp;
	sender->before_segment = 0;
	sender->duration = 0;
	set_state(sender, RTP_EVENT_SENDER_SOUNDING, now_us);
	send_update(sender, now_us, ret_out);
	ret_out->marker = true;
}

bool rtp_event_sender_next(struct rtp_event_sender *sender, int64_t now_us, uint32_t timestamp,
			   struct rtp_event_out *ret_out)
{
	if (now_us < rtp_event_sender_due_us(sender))
		return false;
	switch (sender->state) {
	case RTP_EVENT_SENDER_SOUNDING:
		send_update(sender, now_us, ret_out);
		return true;
	case RTP_EVENT_SENDER_ENDING:
		send_end_again(sender, now_us, ret_out);
		return true;
	case RTP_EVENT_SENDER_GAP:
		set_state(sender, RTP_EVENT_SENDER_IDLE, 0);
		break;
	case RTP_EVENT_SENDER_IDLE:
		break;
	}
	if (sender->digits.n == 0)
		return false;
	begin(sender, now_us, timestamp, ret_out);
	return true;
}
