/* Extended reports (RFC 3611) to far ends that ask: by a=rtcp-xr, or with a reference time for the round trip. */
#include "media/extended.h"
#include "media/quality.h"
#include "rtp/quality.h"
#include "rtp/rtcp_xr.h"

#define PACKET_MS 20 /* where the far end has not said */

struct media_extended {
	uint32_t source; /* that all of it is about */
	struct rtp_bursts bursts;
	uint16_t told_sequence; /* the first that no summary has told about */
	uint64_t told_lost;
};

void media_extended_apply(struct media_stream *stream, const struct sdp_stream_plan *plan)
{
	stream->extended_wanted = plan->extended_reports;
	if (stream->extended_wanted && !stream->extended)
		stream->extended = g_new0(struct media_extended, 1);
	else if (!stream->extended_wanted)
		BASE_CLEAR(&stream->extended, g_free);
}

void media_extended_note(struct media_stream *stream, const struct rtp_packet *packet)
{
	struct media_extended *extended = stream->extended;

	if (!extended->bursts.has_highest || extended->source != packet->ssrc)
		*extended = (struct media_extended){.source = packet->ssrc, .told_sequence = packet->sequence};
	rtp_bursts_note(&extended->bursts, packet->sequence);
}

void media_extended_receive(struct media_end *end, const struct rtcp_packet *packet, int64_t now_us)
{
	struct rtcp_xr_block block;
	uint64_t ntp_time;
	uint32_t ssrc;

	if (!rtcp_sender_ssrc(packet, &ssrc))
		return;
	for (size_t i = 0; rtcp_xr_block(packet, i, &block); i++) {
		if (!rtcp_reference_time(&block, &ntp_time))
			continue;
		end->reference.ssrc = ssrc;
		end->reference.ntp_middle = rtcp_ntp_middle(ntp_time);
		end->reference.at_us = now_us;
	}
}

static void write_metrics(const struct media_stream *stream, struct rtcp_writer *writer)
{
	double rating = media_quality_rating(stream);
	struct rtcp_voip_metrics metrics = {
	    .ssrc = stream->receiver.ssrc,
	    .round_trip_ms = (uint16_t)MIN(stream->round_trip_us / 1000, UINT16_MAX),
	    .rating = (uint8_t)CLAMP(rating, 0, 100),
	    .mos_10 = (uint8_t)(rtp_quality_mos(rating) * 10),
	};

	rtp_bursts_tell(&stream->extended->bursts, stream->ptime_ms ? stream->ptime_ms : PACKET_MS, &metrics);
	rtcp_write_voip_metrics(writer, stream->sender.ssrc, &metrics);
}

static void write_summary(struct media_stream *stream, struct rtcp_writer *writer)
{
	struct media_extended *extended = stream->extended;
	uint64_t lost = rtp_receiver_lost(&stream->receiver);
	uint16_t end = (uint16_t)(extended->bursts.highest + 1);

	rtcp_write_loss_summary(writer, stream->sender.ssrc, stream->receiver.ssrc, extended->told_sequence, end,
				(uint32_t)(lost - MIN(extended->told_lost, lost)));
	extended->told_sequence = end;
	extended->told_lost = lost;
}

void media_extended_write(struct media_stream *stream, struct rtcp_writer *writer, int64_t now_us)
{
	struct media_end *end = stream->end;
	int64_t delay_us = now_us - end->reference.at_us;

	if (end->reference.at_us) {
		rtcp_write_dlrr(writer, stream->sender.ssrc, end->reference.ssrc, end->reference.ntp_middle,
				(uint32_t)(delay_us * 65536 / 1000000));
		end->reference.at_us = 0;
	}
	if (!stream->extended || !stream->extended->bursts.has_highest)
		return;
	if (stream->extended_wanted & SDP_EXTENDED_SUMMARY)
		write_summary(stream, writer);
	if ((stream->extended_wanted & SDP_EXTENDED_VOIP) && stream->kind == SDP_KIND_AUDIO)
		write_metrics(stream, writer);
}
