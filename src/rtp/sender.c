#include "rtp/sender.h"
#include "rtp/receiver.h"

/* A source whose timestamps leave the real time by more than this, or go back by more, has begun a new count without
 * telling by a new SSRC. Events (RFC 4733) and silence stay well inside. */
#define TIMESTAMP_SLACK_S 10

void rtp_sender_init(struct rtp_sender *sender, uint32_t ssrc, uint16_t first_sequence, uint32_t first_timestamp)
{
	*sender = (struct rtp_sender){
	    .ssrc = ssrc,
	    .highest_sequence = (uint16_t)(first_sequence - 1),
	    .highest_timestamp = first_timestamp,
	};
}

void rtp_sender_cut(struct rtp_sender *sender)
{
	sender->has_source = false;
	sender->has_previous = false;
	sender->has_jumped = false;
}

/* The timestamp that goes with this moment, by the outgoing clock. */
static uint32_t timestamp_now(const struct rtp_sender *sender, uint32_t clock_hz, int64_t now_us)
{
	int64_t since_us = MAX(now_us - sender->highest_us, 0);
	int64_t seconds = since_us / (int64_t)G_USEC_PER_SEC, rest_us = since_us % (int64_t)G_USEC_PER_SEC;
	uint64_t ticks = (uint64_t)seconds * clock_hz + (uint64_t)rest_us * clock_hz / G_USEC_PER_SEC;
	return sender->highest_timestamp + (uint32_t)ticks;
}

/* The timestamp of the first packet after a switch: by real time, and a new one in any case. */
static uint32_t timestamp_after_switch(const struct rtp_sender *sender, uint32_t clock_hz, int64_t now_us)
{
	if (!sender->has_sent)
		return sender->highest_timestamp;
	uint32_t timestamp = timestamp_now(sender, clock_hz, now_us);
	return timestamp == sender->highest_timestamp ? timestamp + 1 : timestamp;
}

static void switch_source(struct rtp_sender *sender, const struct rtp_packet *packet, uint32_t clock_hz, int64_t now_us)
{
	if (sender->has_source && sender->source != packet->ssrc) {
		sender->has_previous = true;
		sender->previous = sender->source;
		sender->previous_highest = sender->source_highest;
	}
	sender->has_source = true;
	sender->source = packet->ssrc;
	sender->source_highest = packet->sequence;
	sender->source_past = 0;
	sender->has_jumped = false;
	sender->sequence_offset = (uint16_t)(sender->highest_sequence + 1 - packet->sequence);
	sender->timestamp_offset = timestamp_after_switch(sender, clock_hz, now_us) - packet->timestamp;
}

static bool is_late_of_previous(const struct rtp_sender *sender, const struct rtp_packet *packet)
{
	if (!sender->has_previous || packet->ssrc != sender->previous)
		return false;
	int ahead = rtp_sequence_distance(packet->sequence, sender->previous_highest);
	return ahead <= 0 && ahead > -RTP_MAX_MISORDER;
}

/* Whether the packet's numbers cannot belong to the source's count; *ret_is_confirmed: and the one before said the
 * same. */
static bool has_jumped(struct rtp_sender *sender, const struct rtp_packet *packet, bool *ret_is_confirmed)
{
	int ahead = rtp_sequence_distance(packet->sequence, sender->source_highest);
	if (ahead < RTP_MAX_DROPOUT && ahead > -RTP_MAX_MISORDER)
		return false;
	*ret_is_confirmed = sender->has_jumped && packet->sequence == sender->jumped_next;
	sender->has_jumped = true;
	sender->jumped_next = (uint16_t)(packet->sequence + 1);
	return true;
}

static bool leaves_real_time(const struct rtp_sender *sender, const struct rtp_packet *packet, uint32_t clock_hz,
			     int64_t now_us)
{
	if (!sender->has_sent || clock_hz == 0 || clock_hz > INT32_MAX / (2 * TIMESTAMP_SLACK_S))
		return false;
	if (clock_hz != sender->clock_hz)
		return true;
	uint32_t timestamp = packet->timestamp + sender->timestamp_offset;
	int32_t slack = (int32_t)(TIMESTAMP_SLACK_S * clock_hz);
	return rtp_timestamp_distance(timestamp, timestamp_now(sender, clock_hz, now_us)) > slack ||
	       rtp_timestamp_distance(timestamp, sender->highest_timestamp) < -slack;
}

int rtp_sender_next(struct rtp_sender *sender, const struct rtp_packet *packet, uint32_t clock_hz, int64_t now_us,
		    struct rtp_sender_out *ret_out)
{
	bool is_switch = !sender->has_source || packet->ssrc != sender->source, is_confirmed = false;
	if (is_switch && is_late_of_previous(sender, packet))
		return -ESTALE;
	if (!is_switch && has_jumped(sender, packet, &is_confirmed)) {
		if (!is_confirmed)
			return -ESTALE;
		is_switch = true;
	}
	if (is_switch)
		switch_source(sender, packet, clock_hz, now_us);
	int ahead = rtp_sequence_distance(packet->sequence, sender->source_highest);
	if (ahead < -sender->source_past)
		return -ESTALE; /* its number went out for the source before */
	if (!is_switch && ahead > 0 && leaves_real_time(sender, packet, clock_hz, now_us))
		sender->timestamp_offset = timestamp_after_switch(sender, clock_hz, now_us) - packet->timestamp;

	struct rtp_sender_out out = {
	    .sequence = (uint16_t)(packet->sequence + sender->sequence_offset),
	    .timestamp = packet->timestamp + sender->timestamp_offset,
	    .marker = packet->marker || (is_switch && !sender->marks_frames),
	};
	if (is_switch || ahead > 0) {
		sender->has_jumped = false;
		sender->source_past = (uint16_t)MIN(sender->source_past + ahead, RTP_MAX_MISORDER);
		sender->source_highest = packet->sequence;
		sender->highest_sequence = out.sequence;
		if (!sender->has_sent || rtp_timestamp_distance(out.timestamp, sender->highest_timestamp) > 0) {
			sender->highest_timestamp = out.timestamp;
			sender->highest_us = now_us;
		}
		sender->clock_hz = clock_hz;
		sender->has_sent = true;
	}
	*ret_out = out;
	return 0;
}

int rtp_sender_rewrite(struct rtp_sender *sender, const struct rtp_packet *packet, uint8_t *data, uint8_t payload_type,
		       uint32_t clock_hz, int64_t now_us)
{
	struct rtp_sender_out out;
	int r = rtp_sender_next(sender, packet, clock_hz, now_us, &out);
	if (r < 0)
		return r;
	data[1] = (uint8_t)((out.marker ? 0x80 : 0) | (payload_type & 0x7f));
	rtp_put_u16(data + 2, out.sequence);
	rtp_put_u32(data + 4, out.timestamp);
	rtp_put_u32(data + 8, sender->ssrc);
	sender->packets++;
	sender->octets += packet->payload_bytes;
	return 0;
}

bool rtp_sender_info(const struct rtp_sender *sender, int64_t now_us, uint64_t ntp_time,
		     struct rtcp_sender_info *ret_info)
{
	if (!sender->has_sent)
		return false;
	*ret_info = (struct rtcp_sender_info){
	    .ntp_time = ntp_time,
	    .rtp_timestamp = timestamp_now(sender, sender->clock_hz, now_us),
	    .packets = (uint32_t)sender->packets,
	    .octets = (uint32_t)sender->octets,
	};
	return true;
}
