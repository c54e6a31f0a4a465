/* Extended reports (RFC 3611) as we send them, and what they tell of losses. Pure, no allocation; one thread at a time.
 */
#pragma once
#include "rtp/rtcp.h"

#define RTCP_XR_UNKNOWN 127

/* Losses in bursts and between them (section 4.7.2): a burst begins and ends with a lost packet, and holds no
 * RTP_BURST_GAP received ones in a row; a loss that stands alone belongs to the gap around it. Plain value; zeroed is
 * ready. */
#define RTP_BURST_GAP 16 /* Gmin */
struct rtp_bursts {	 /* private to the room */
	bool has_highest;
	uint16_t highest;
	uint64_t packets;      /* received and lost */
	uint32_t run;	       /* received since the last loss */
	uint32_t losses, span; /* of what may be a burst: since the loss that began it, to the last */
	uint64_t n_bursts, burst_packets, burst_losses, gap_losses;
};
/* A packet has come. Late ones count as lost: they were too late to be heard. */
void rtp_bursts_note(struct rtp_bursts *bursts, uint16_t sequence);

struct rtcp_voip_metrics {
	uint32_t ssrc;
	uint8_t loss_rate, burst_density, gap_density; /* parts of 256 */
	uint16_t burst_ms, gap_ms, round_trip_ms;
	uint16_t end_system_ms;
	uint8_t rating; /* R factor, 0 to 100, or RTCP_XR_UNKNOWN */
	uint8_t mos_10; /* ten times the conversational score, or RTCP_XR_UNKNOWN */
};
/* The part of it that the bursts tell; `packet_ms` is of one packet. */
void rtp_bursts_tell(const struct rtp_bursts *bursts, unsigned packet_ms, struct rtcp_voip_metrics *metrics);

void rtcp_write_voip_metrics(struct rtcp_writer *writer, uint32_t sender, const struct rtcp_voip_metrics *metrics);
/* Statistics summary: of the packets from `begin` to before `end`, by sequence number, so many were lost. */
void rtcp_write_loss_summary(struct rtcp_writer *writer, uint32_t sender, uint32_t ssrc, uint16_t begin, uint16_t end,
			     uint32_t lost);
/* The answer to a receiver's reference time; `delay` in 1/65536 s. */
void rtcp_write_dlrr(struct rtcp_writer *writer, uint32_t sender, uint32_t ssrc, uint32_t last_rr, uint32_t delay);
/* The NTP time of a receiver's reference time report. */
bool rtcp_reference_time(const struct rtcp_xr_block *block, uint64_t *ret_ntp_time);
