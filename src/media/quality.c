#include "media/quality.h"
#include "metrics/metrics.h"
#include "rtp/quality.h"

#define INTERVAL_US (5 * INT64_C(1000000))
#define PACKETS_MIN 10 /* fewer say nothing about an interval */

#define CATEGORY(variable, category) \
	METRICS_COUNTER(variable, "tandem_media_legs_total", \
			"Legs that have carried audio, by how their far end was heard (categories of ITU-T G.109).", "quality", category)
CATEGORY(best, "best");
CATEGORY(high, "high");
CATEGORY(medium, "medium");
CATEGORY(low, "low");
CATEGORY(poor, "poor");
CATEGORY(unusable, "unusable");
METRICS_COUNTER(received, "tandem_media_audio_packets_total", "Audio packets of ended legs.", "outcome", "received");
METRICS_COUNTER(lost, "tandem_media_audio_packets_total", "Audio packets of ended legs.", "outcome", "lost");
METRICS_COUNTER(lost_beyond, "tandem_media_audio_packets_total", "Audio packets of ended legs.", "outcome", "lost_on_the_way_out");
METRICS_DURATION(jitter, "tandem_media_jitter_seconds", "Jitter of legs at their end.", 1000, 2000, 5000, 10000, 20000, 50000,
		 100000, 200000);
METRICS_DURATION(round_trip, "tandem_media_round_trip_seconds", "Round trip to the far end at the end of a leg.", 1000, 5000, 20000,
		 50000, 100000, 200000, 400000, 800000);

static const struct {
	double least; /* score at the category's lower bound (G.107, table B.1) */
	struct metrics_item *item;
} categories[] = {
	{4.34, &best}, {4.03, &high}, {3.60, &medium}, {3.10, &low}, {2.58, &poor}, {0, &unusable},
};

static const struct sdp_format *codec_of(const struct media_stream *stream)
{
	for (size_t i = 0; i < stream->n_formats; i++)
		if (stream->formats[i].payload_type == stream->codec_type)
			return &stream->formats[i];
	return stream->n_formats > 0 ? &stream->formats[0] : NULL;
}

static double rate(const struct media_stream *stream, double loss, uint32_t jitter_us)
{
	const struct sdp_format *codec = codec_of(stream);
	struct rtp_quality_input input = {
		.encoding = codec ? codec->encoding : NULL,
		.loss = loss,
		.delay_us = rtp_quality_delay_us(stream->round_trip_us, jitter_us),
	};

	return rtp_quality_rating(&input);
}

static double score(const struct media_stream *stream, double loss, uint32_t jitter_us)
{
	return rtp_quality_mos(rate(stream, loss, jitter_us));
}

double media_quality_rating(const struct media_stream *stream)
{
	uint64_t packets = media_stream_packets(stream), missing = media_stream_lost(stream);

	return rate(stream, (double)missing / (double)MAX(packets + missing, 1), rtp_receiver_jitter_us(&stream->receiver));
}

static void judge_received(const struct media_stream *stream, struct media_quality *quality)
{
	uint64_t packets = media_stream_packets(stream) - quality->packets;
	/* What came late makes losses fewer than they were. */
	uint64_t lost_by_now = media_stream_lost(stream), missing = lost_by_now - MIN(quality->lost, lost_by_now);
	double mos;

	if (packets + missing < PACKETS_MIN)
		return;
	mos = score(stream, (double)missing / (double)(packets + missing), rtp_receiver_jitter_us(&stream->receiver));
	if (quality->n_received++ == 0 || mos < quality->worst_received)
		quality->worst_received = mos;
	quality->sum_received += mos;
}

static void judge_sent(const struct media_stream *stream, struct media_quality *quality)
{
	const struct media_far_report *far = &stream->far;
	const struct sdp_format *codec = codec_of(stream);
	uint64_t jitter_us = codec && codec->clock_hz ? far->jitter * UINT64_C(1000000) / codec->clock_hz : 0;

	if (far->n == quality->n_far_reports)
		return;
	quality->n_sent++;
	quality->sum_sent += score(stream, far->fraction_lost / 256.0, (uint32_t)MIN(jitter_us, UINT32_MAX));
}

static void judge(const struct media_stream *stream, struct media_quality *quality)
{
	judge_received(stream, quality);
	judge_sent(stream, quality);
}

void media_quality_look(struct media_stream *stream, int64_t now_us)
{
	struct media_quality *quality = &stream->quality;

	if (quality->since_us > 0 && now_us - quality->since_us < INTERVAL_US)
		return;
	if (quality->since_us > 0)
		judge(stream, quality);
	quality->since_us = now_us;
	quality->packets = media_stream_packets(stream);
	quality->lost = media_stream_lost(stream);
	quality->n_far_reports = stream->far.n;
}

void media_quality_report(const struct media_stream *stream, struct media_report *report)
{
	struct media_quality quality = stream->quality;
	const struct sdp_format *codec = codec_of(stream);

	judge(stream, &quality);
	if (quality.n_received > 0) {
		report->mos_received = quality.sum_received / quality.n_received;
		report->mos_received_worst = quality.worst_received;
	}
	if (quality.n_sent > 0)
		report->mos_sent = quality.sum_sent / quality.n_sent;
	if (codec && stream->has_source)
		base_copy_text(report->encoding, sizeof report->encoding, codec->encoding);
}

void media_quality_count(const struct media_end *end)
{
	struct media_report report;

	media_end_report(end, &report);
	metrics_add(&received, (int64_t)report.packets_received);
	metrics_add(&lost, (int64_t)report.packets_lost);
	metrics_add(&lost_beyond, (int64_t)report.far_packets_lost);
	if (report.mos_received == 0)
		return;
	metrics_observe_us(&jitter, report.jitter_us);
	if (report.round_trip_us > 0)
		metrics_observe_us(&round_trip, report.round_trip_us);
	for (size_t i = 0; i < G_N_ELEMENTS(categories); i++)
		if (report.mos_received >= categories[i].least) {
			metrics_add(categories[i].item, 1);
			break;
		}
}
