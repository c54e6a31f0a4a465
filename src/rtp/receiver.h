/* What a receiver counts about one source (RFC 3550, appendix A.1, A.3, A.8). A plain value without pointers: may be
 * copied and stored. Pure; one thread at a time. Times are monotonic microseconds. */
#pragma once
#include "rtp/rtcp.h"

#define RTP_MAX_DROPOUT	   3000
#define RTP_MAX_MISORDER   100
#define RTP_MIN_SEQUENTIAL 2

struct rtp_receiver { /* private to the room */
	uint32_t ssrc;
	bool is_started;
	uint8_t probation; /* packets in order still to come */
	uint16_t max_sequence;
	uint32_t bad_sequence; /* the next one after a jump; over 16 bits: none */
	uint32_t base_sequence;
	uint64_t cycles; /* 2^16 times the wraps */
	uint64_t received;
	uint64_t octets;
	uint64_t expected_prior, received_prior;
	uint64_t lost_before; /* of the time before a restart */
	uint64_t received_before;
	bool has_transit;
	uint32_t clock_hz;
	uint32_t last_timestamp;
	int64_t last_arrival_us;
	uint64_t jitter_16; /* 16 times the jitter, in timestamp units */
	bool has_sender_report;
	uint32_t sender_report_middle;
	int64_t sender_report_us;
};

enum rtp_receiver_verdict {
	RTP_RECEIVER_VALID,
	RTP_RECEIVER_PROBATION, /* not yet a source: do not play, do not learn an address from it */
	RTP_RECEIVER_JUMPED,	/* far off the sequence; the next one in order makes a restart */
};

/* `probation`: packets in order before the source is taken; RTP_MIN_SEQUENTIAL where anybody can send to us, 0 where
 * packets are authenticated. */
void rtp_receiver_init(struct rtp_receiver *receiver, uint32_t ssrc, unsigned probation);
/* `clock_hz` is of the packet's payload type; 0: leave the packet out of the jitter (telephone-event repeats
 * timestamps). */
enum rtp_receiver_verdict rtp_receiver_update(struct rtp_receiver *receiver, const struct rtp_packet *packet,
					      uint32_t clock_hz, int64_t arrival_us);
/* A sender report of this source has come: for LSR and DLSR. */
void rtp_receiver_note_sender_report(struct rtp_receiver *receiver, uint64_t ntp_time, int64_t arrival_us);
/* The report block for our next SR or RR; begins a new interval. */
void rtp_receiver_report(struct rtp_receiver *receiver, int64_t now_us, struct rtcp_report_block *ret_block);

uint64_t rtp_receiver_packets(const struct rtp_receiver *receiver);
uint64_t rtp_receiver_octets(const struct rtp_receiver *receiver);
/* Never negative: duplicates do not make up for losses. */
uint64_t rtp_receiver_lost(const struct rtp_receiver *receiver);
uint32_t rtp_receiver_jitter_us(const struct rtp_receiver *receiver);
