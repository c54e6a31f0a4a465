/* One RTP identity towards a far end for the whole call: one SSRC, sequence numbers and timestamps that go on through
 * hold, transfer, re-INVITE and codec change, whoever stands behind it. A plain value without pointers: may be copied
 * and stored. Pure; one thread at a time. Times are monotonic microseconds. */
#pragma once
#include "rtp/rtcp.h"

struct rtp_sender { /* private to the room, but for reading ssrc */
	uint32_t ssrc;
	bool has_sent;
	bool has_source;
	uint32_t source; /* the SSRC behind it now */
	bool has_previous;
	uint32_t previous; /* and the one before */
	uint16_t previous_highest;
	uint16_t source_highest; /* highest incoming sequence */
	uint16_t source_past;	 /* how far it may lie back: no further than the source's first packet */
	bool has_jumped;
	uint16_t jumped_next; /* what would confirm a jump of the source's sequence */
	uint16_t sequence_offset;
	uint32_t timestamp_offset;
	uint16_t highest_sequence;  /* outgoing */
	uint32_t highest_timestamp; /* outgoing */
	uint32_t clock_hz;
	bool marks_frames; /* set by its owner for video: the marker ends a frame (RFC 3551, section 4.2), not a silence */
	int64_t highest_us; /* when highest_timestamp went out */
	uint64_t packets, octets;
};

/* The first outgoing packet has exactly this sequence and timestamp: random ones (section 5.1), the sequence under 2^15
 * so that SRTP's rollover counter cannot be misjudged by loss at the start. */
void rtp_sender_init(struct rtp_sender *sender, uint32_t ssrc, uint16_t first_sequence, uint32_t first_timestamp);

/* The next packet comes from somewhere else, even if its SSRC should be the same: the bridge has changed. */
void rtp_sender_cut(struct rtp_sender *sender);

struct rtp_sender_out {
	uint16_t sequence;
	uint32_t timestamp;
	bool marker; /* the incoming one's, and of sound set on the first packet after a switch */
};
/* What an incoming (or generated) packet becomes. Within a source gaps and reordering stay as they are; on another
 * source (SSRC, cut, or a restart of its numbers that two packets in order confirm) the sequence goes on by one and the
 * timestamp by the real time since.
 * 0; -ESTALE for a packet to be dropped: late from the source before, or off the sequence and not confirmed yet.
 * `clock_hz` is of the outgoing payload type. */
int rtp_sender_next(struct rtp_sender *sender, const struct rtp_packet *packet, uint32_t clock_hz, int64_t now_us,
		    struct rtp_sender_out *ret_out);
/* The same in place: rewrites marker, payload type, sequence, timestamp and SSRC in `data`, which is the packet
 * `packet` was parsed from, and counts it. CSRCs stay. */
int rtp_sender_rewrite(struct rtp_sender *sender, const struct rtp_packet *packet, uint8_t *data, uint8_t payload_type,
		       uint32_t clock_hz, int64_t now_us);
/* The sender part of an SR at this moment: its timestamp goes with the NTP time, not with the last packet. False before
 * the first packet (an RR is due then). */
bool rtp_sender_info(const struct rtp_sender *sender, int64_t now_us, uint64_t ntp_time,
		     struct rtcp_sender_info *ret_info);
