/* The variables and the order of the checks are those of RFC 3550, appendix A.1, A.3 and A.8. */
#include "rtp/receiver.h"

#define SEQUENCE_MODULUS 0x10000u
#define NO_BAD_SEQUENCE	 (SEQUENCE_MODULUS + 1)
#define CUMULATIVE_MAX	 0x7fffff
#define CUMULATIVE_MIN	 (-0x800000)
#define JITTER_GAP_MAX_S 10 /* after a longer silence the next transit says nothing about jitter */

static void begin_sequence(struct rtp_receiver *receiver, uint16_t sequence)
{
	receiver->received_before += receiver->received;
	receiver->max_sequence = sequence;
	receiver->base_sequence = sequence;
	receiver->bad_sequence = NO_BAD_SEQUENCE;
	receiver->cycles = 0;
	receiver->received = 0;
	receiver->expected_prior = 0;
	receiver->received_prior = 0;
	receiver->has_transit = false;
}

void rtp_receiver_init(struct rtp_receiver *receiver, uint32_t ssrc, unsigned probation)
{
	*receiver = (struct rtp_receiver){
	    .ssrc = ssrc,
	    .probation = (uint8_t)MIN(probation, UINT8_MAX),
	    .bad_sequence = NO_BAD_SEQUENCE,
	};
}

static uint64_t expected(const struct rtp_receiver *receiver)
{
	return receiver->is_started ? receiver->cycles + receiver->max_sequence - receiver->base_sequence + 1 : 0;
}

static uint64_t lost_in_sequence(const struct rtp_receiver *receiver)
{
	uint64_t due = expected(receiver);
	return due > receiver->received ? due - receiver->received : 0;
}

static enum rtp_receiver_verdict on_probation(struct rtp_receiver *receiver, uint16_t sequence)
{
	bool is_next = receiver->is_started && sequence == (uint16_t)(receiver->max_sequence + 1);
	if (!receiver->is_started || !is_next) {
		uint8_t to_come = receiver->is_started ? RTP_MIN_SEQUENTIAL : receiver->probation;
		receiver->is_started = true;
		receiver->probation = (uint8_t)(to_come - 1);
		receiver->max_sequence = sequence;
	} else {
		receiver->probation--;
		receiver->max_sequence = sequence;
	}
	if (receiver->probation > 0)
		return RTP_RECEIVER_PROBATION;
	begin_sequence(receiver, sequence);
	return RTP_RECEIVER_VALID;
}

static enum rtp_receiver_verdict in_sequence(struct rtp_receiver *receiver, uint16_t sequence)
{
	uint16_t ahead = (uint16_t)(sequence - receiver->max_sequence);
	if (ahead < RTP_MAX_DROPOUT) {
		if (sequence < receiver->max_sequence)
			receiver->cycles += SEQUENCE_MODULUS;
		receiver->max_sequence = sequence;
		return RTP_RECEIVER_VALID;
	}
	if (ahead > SEQUENCE_MODULUS - RTP_MAX_MISORDER)
		return RTP_RECEIVER_VALID; /* late or twice */
	if (sequence == receiver->bad_sequence) {
		receiver->lost_before += lost_in_sequence(receiver);
		begin_sequence(receiver, sequence);
		return RTP_RECEIVER_VALID;
	}
	receiver->bad_sequence = (uint16_t)(sequence + 1);
	return RTP_RECEIVER_JUMPED;
}

static void update_jitter(struct rtp_receiver *receiver, uint32_t timestamp, uint32_t clock_hz, int64_t arrival_us)
{
	int64_t gap_us = arrival_us - receiver->last_arrival_us;
	if (receiver->has_transit && receiver->clock_hz == clock_hz && gap_us >= 0 &&
	    gap_us < JITTER_GAP_MAX_S * (int64_t)G_USEC_PER_SEC) {
		int64_t arrived = gap_us * clock_hz / (int64_t)G_USEC_PER_SEC;
		int64_t difference = arrived - rtp_timestamp_distance(timestamp, receiver->last_timestamp);
		uint64_t d = (uint64_t)(difference < 0 ? -difference : difference);
		receiver->jitter_16 += d - ((receiver->jitter_16 + 8) >> 4);
	} else if (receiver->has_transit && receiver->clock_hz != clock_hz && receiver->clock_hz > 0) {
		receiver->jitter_16 =
		    receiver->jitter_16 * clock_hz / receiver->clock_hz; /* the same time in new units */
	}
	receiver->has_transit = true;
	receiver->clock_hz = clock_hz;
	receiver->last_timestamp = timestamp;
	receiver->last_arrival_us = arrival_us;
}

enum rtp_receiver_verdict rtp_receiver_update(struct rtp_receiver *receiver, const struct rtp_packet *packet,
					      uint32_t clock_hz, int64_t arrival_us)
{
	enum rtp_receiver_verdict verdict;
	if (!receiver->is_started && receiver->probation == 0) {
		receiver->is_started = true;
		begin_sequence(receiver, packet->sequence);
		verdict = RTP_RECEIVER_VALID;
	} else if (receiver->probation > 0) {
		verdict = on_probation(receiver, packet->sequence);
	} else {
		verdict = in_sequence(receiver, packet->sequence);
	}
	if (verdict != RTP_RECEIVER_VALID)
		return verdict;
	receiver->received++;
	receiver->octets += packet->payload_bytes;
	if (clock_hz > 0)
		update_jitter(receiver, packet->timestamp, clock_hz, arrival_us);
	return verdict;
}

void rtp_receiver_note_sender_report(struct rtp_receiver *receiver, uint64_t ntp_time, int64_t arrival_us)
{
	receiver->has_sender_report = true;
	receiver->sender_report_middle = rtcp_ntp_middle(ntp_time);
	receiver->sender_report_us = arrival_us;
}

void rtp_receiver_report(struct rtp_receiver *receiver, int64_t now_us, struct rtcp_report_block *ret_block)
{
	uint64_t due = expected(receiver);
	int64_t due_now = (int64_t)(due - receiver->expected_prior);
	int64_t lost_now = due_now - (int64_t)(receiver->received - receiver->received_prior);
	receiver->expected_prior = due;
	receiver->received_prior = receiver->received;

	/* section 6.4.1: duplicates make the number negative */
	int64_t lost = (int64_t)receiver->lost_before + (int64_t)due - (int64_t)receiver->received;
	struct rtcp_report_block block = {
	    .ssrc = receiver->ssrc,
	    .cumulative_lost = (int32_t)CLAMP(lost, CUMULATIVE_MIN, CUMULATIVE_MAX),
	    .highest_sequence = (uint32_t)(receiver->cycles + receiver->max_sequence),
	    .jitter = (uint32_t)MIN(receiver->jitter_16 >> 4, UINT32_MAX),
	};
	if (due_now > 0 && lost_now > 0)
		block.fraction_lost = (uint8_t)MIN((lost_now << 8) / due_now, UINT8_MAX);
	if (receiver->has_sender_report) {
		int64_t delay = MAX(now_us - receiver->sender_report_us, 0);
		block.last_sender_report = receiver->sender_report_middle;
		/* in 1/65536 s; what does not fit is of no use to anybody */
		block.delay_since_last_sender_report =
		    (uint32_t)MIN(delay / 1000000 * 65536 + delay % 1000000 * 65536 / 1000000, UINT32_MAX);
	}
	*ret_block = block;
}

uint64_t rtp_receiver_packets(const struct rtp_receiver *receiver)
{
	return receiver->received_before + receiver->received;
}

uint64_t rtp_receiver_octets(const struct rtp_receiver *receiver)
{
	return receiver->octets;
}

uint64_t rtp_receiver_lost(const struct rtp_receiver *receiver)
{
	return receiver->lost_before + lost_in_sequence(receiver);
}

uint32_t rtp_receiver_jitter_us(const struct rtp_receiver *receiver)
{
	if (receiver->clock_hz == 0)
		return 0;
	return (uint32_t)MIN((receiver->jitter_16 >> 4) * G_USEC_PER_SEC / receiver->clock_hz, UINT32_MAX);
}
