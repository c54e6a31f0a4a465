#include "rtp/rtcp_xr.h"

#define XR_STATISTICS	 6
#define XR_VOIP_METRICS	 7
#define STATISTICS_BYTES 36
#define STATISTICS_LOSS	 0x80 /* the L flag: nothing else of it counts */
#define VOIP_BYTES	 32
#define DLRR_BYTES	 12
#define INTERRUPTION	 1000 /* packets; more is no loss but another count */

/* --- bursts --- */

static void close_candidate(struct rtp_bursts *bursts)
{
	if (bursts->losses > 1) {
		bursts->n_bursts++;
		bursts->burst_packets += bursts->span;
		bursts->burst_losses += bursts->losses;
	} else {
		bursts->gap_losses += bursts->losses;
	}
	bursts->losses = bursts->span = 0;
}

static void note_loss(struct rtp_bursts *bursts)
{
	if (bursts->run >= RTP_BURST_GAP)
		close_candidate(bursts);
	bursts->span += bursts->losses > 0 ? bursts->run + 1 : 1;
	bursts->losses++;
	bursts->run = 0;
	bursts->packets++;
}

void rtp_bursts_note(struct rtp_bursts *bursts, uint16_t sequence)
{
	int ahead = bursts->has_highest ? rtp_sequence_distance(sequence, bursts->highest) : 1;
	if (ahead <= 0 && ahead > -INTERRUPTION)
		return;
	for (int i = 1; i < ahead && ahead <= INTERRUPTION; i++)
		note_loss(bursts);
	bursts->has_highest = true;
	bursts->highest = sequence;
	bursts->run = MIN(bursts->run + 1, RTP_BURST_GAP);
	bursts->packets++;
}

static uint8_t density(uint64_t losses, uint64_t packets)
{
	return packets ? (uint8_t)MIN(losses * 256 / packets, UINT8_MAX) : 0;
}

void rtp_bursts_tell(const struct rtp_bursts *bursts, unsigned packet_ms, struct rtcp_voip_metrics *metrics)
{
	struct rtp_bursts all = *bursts;
	close_candidate(&all);
	uint64_t gap_packets = all.packets - all.burst_packets;
	metrics->loss_rate = density(all.burst_losses + all.gap_losses, all.packets);
	metrics->burst_density = density(all.burst_losses, all.burst_packets);
	metrics->gap_density = density(all.gap_losses, gap_packets);
	metrics->burst_ms = (uint16_t)MIN(all.burst_packets * packet_ms / MAX(all.n_bursts, 1), UINT16_MAX);
	metrics->gap_ms = (uint16_t)MIN(gap_packets * packet_ms / (all.n_bursts + 1), UINT16_MAX);
}

/* --- writing --- */

static void write_block(struct rtcp_writer *writer, uint32_t sender, uint8_t type, uint8_t specific,
			const uint8_t *content, size_t bytes)
{
	rtcp_write_xr(writer, sender, &(struct rtcp_xr_block){type, specific, content, bytes});
}

void rtcp_write_voip_metrics(struct rtcp_writer *writer, uint32_t sender, const struct rtcp_voip_metrics *metrics)
{
	uint8_t content[VOIP_BYTES] = {
	    [4] = metrics->loss_rate, [6] = metrics->burst_density, [7] = metrics->gap_density,
	    [16] = RTCP_XR_UNKNOWN, /* signal level, noise level, residual echo */
	    [17] = RTCP_XR_UNKNOWN,   [18] = RTCP_XR_UNKNOWN,	    [19] = RTP_BURST_GAP,
	    [20] = metrics->rating,   [21] = RTCP_XR_UNKNOWN, /* of an external network */
	    [22] = RTCP_XR_UNKNOWN,			      /* the listening score */
	    [23] = metrics->mos_10,
	};
	rtp_put_u32(content, metrics->ssrc);
	rtp_put_u16(content + 8, metrics->burst_ms);
	rtp_put_u16(content + 10, metrics->gap_ms);
	rtp_put_u16(content + 12, metrics->round_trip_ms);
	rtp_put_u16(content + 14, metrics->end_system_ms);
	write_block(writer, sender, XR_VOIP_METRICS, 0, content, sizeof content);
}

void rtcp_write_loss_summary(struct rtcp_writer *writer, uint32_t sender, uint32_t ssrc, uint16_t begin, uint16_t end,
			     uint32_t lost)
{
	uint8_t content[STATISTICS_BYTES] = {0};
	rtp_put_u32(content, ssrc);
	rtp_put_u16(content + 4, begin);
	rtp_put_u16(content + 6, end);
	rtp_put_u32(content + 8, lost);
	write_block(writer, sender, XR_STATISTICS, STATISTICS_LOSS, content, sizeof content);
}

void rtcp_write_dlrr(struct rtcp_writer *writer, uint32_t sender, uint32_t ssrc, uint32_t last_rr, uint32_t delay)
{
	uint8_t content[DLRR_BYTES];
	rtp_put_u32(content, ssrc);
	rtp_put_u32(content + 4, last_rr);
	rtp_put_u32(content + 8, delay);
	write_block(writer, sender, RTCP_XR_DLRR, 0, content, sizeof content);
}

bool rtcp_reference_time(const struct rtcp_xr_block *block, uint64_t *ret_ntp_time)
{
	if (block->type != RTCP_XR_RRTR || block->bytes < 8)
		return false;
	*ret_ntp_time = (uint64_t)rtp_get_u32(block->content) << 32 | rtp_get_u32(block->content + 4);
	return true;
}
