/* How much a source may send: what the far end that gets it can take. One that says so (REMB) is taken at its word; of
 * one that does not the losses it reports are asked, as loss-based congestion control does it (draft-ietf-rmcat-gcc-02,
 * section 6). How much the way between a far end and us carries is found out there by itself, from when its packets
 * came (transport-cc). */
#include "media/feedback.h"
#include "media/hop.h"
#include "metrics/metrics.h"

#define LOSS_HIGH     26 /* a tenth, in parts of 256: less must be sent */
#define LOSS_LOW      5	 /* a fiftieth: more may be tried */
#define GROWTH	      1.08
#define FLOOR_BPS     100000
#define CEILING_BPS   20000000 /* from here on it is none */
#define PERIOD_MIN_US 500000   /* over which the rate is measured */

METRICS_COUNTER(lowered, "tandem_media_rates_lowered_total",
		"Sources told to send less, since the other far end loses packets.");

void media_rate_limit(struct media_stream *source, uint64_t bits_per_second)
{
	struct media_end *end = source->end;

	if (end->across) {
		media_hop_limit_rate(end->across, source, bits_per_second);
		return;
	}
	if (!(source->feedback & SDP_FEEDBACK_REMB))
		return;
	source->rate.untold_bps = MAX(bits_per_second, 1);
	media_feedback_wake(end);
}

void media_rate_tell(struct media_stream *source)
{
	struct media_feedback_packet packet;
	uint64_t bits_per_second = source->rate.untold_bps;

	source->rate.untold_bps = 0;
	if (!bits_per_second || !source->has_source || source->end->state != MEDIA_END_CONNECTED)
		return;
	media_feedback_begin(&packet, source);
	rtcp_write_remb(&packet.writer, source->sender.ssrc, bits_per_second, &source->receiver.ssrc, 1);
	media_feedback_send(&packet, source);
}

void media_rate_limited_by(struct media_stream *stream, uint64_t bits_per_second)
{
	struct media_stream *source = media_bridge_source(stream);

	if (source)
		media_rate_limit(source, bits_per_second);
}

void media_rate_note_loss(struct media_stream *stream, uint8_t fraction_lost, int64_t now_us)
{
	struct media_rate *rate = &stream->rate;
	int64_t period_us = now_us - rate->since_us;
	uint64_t sent_bps;

	if (stream->kind != SDP_KIND_VIDEO || (stream->feedback & SDP_FEEDBACK_REMB) || period_us < PERIOD_MIN_US)
		return;
	sent_bps = (stream->sender.octets - rate->octets) * 8 * 1000000 / (uint64_t)period_us;
	rate->octets = stream->sender.octets;
	if (rate->since_us && fraction_lost > LOSS_HIGH) {
		rate->limit_bps = MAX(sent_bps - sent_bps * fraction_lost / 512, FLOOR_BPS);
		metrics_add(&lowered, 1);
	} else if (rate->limit_bps && fraction_lost < LOSS_LOW) {
		rate->limit_bps = MIN((uint64_t)((double)rate->limit_bps * GROWTH), CEILING_BPS);
	}
	rate->since_us = now_us;
	if (rate->limit_bps)
		media_rate_limited_by(stream, rate->limit_bps);
	if (rate->limit_bps == CEILING_BPS)
		rate->limit_bps = 0;
}
