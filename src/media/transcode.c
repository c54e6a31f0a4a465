#include "media/transcode.h"
#include "media/listener.h"
#include "media/voice.h"
#include "metrics/metrics.h"

METRICS_GAUGE(running, "tandem_media_conversions", "Streams of sound that are converted from one codec to another.");
METRICS_COUNTER(decoded, "tandem_media_decoded_total", "Packets of sound that were decoded.", "outcome", "played");
METRICS_COUNTER(concealed, "tandem_media_decoded_total", "Packets of sound that were decoded.", "outcome", "concealed");

struct media_transcode {
	struct media_stream *from, *to;
	struct media_listener *listener;
	struct media_voice *voice;
};

static bool fill(void *data, int16_t *pcm, size_t n_samples)
{
	struct media_transcode *transcode = data;

	return media_listener_fill(transcode->listener, pcm, n_samples);
}

bool media_transcode_put(struct media_transcode *transcode, const struct rtp_packet *packet)
{
	if (!media_listener_hears(transcode->listener, packet->payload_type))
		return false;
	if (!media_voice_is_heard(transcode->voice))
		media_listener_reset(transcode->listener);
	else if (media_listener_put(transcode->listener, packet))
		media_voice_wake(transcode->voice);
	return true;
}

void media_transcode_pass(struct media_transcode *transcode, const struct rtp_packet *packet)
{
	media_listener_put(transcode->listener, packet);
}

static struct media_transcode *transcode_new(struct media_stream *from, struct media_stream *to, const struct tandem_codec *origin)
{
	struct media_transcode *transcode = g_new0(struct media_transcode, 1);
	struct media_voice_options options = {
		.to = to,
		.send = media_stream_send,
		.fill = fill,
		.data = transcode,
		.origin = origin,
	};

	transcode->from = from;
	transcode->to = to;
	if (media_voice_new(&options, &transcode->voice) < 0)
		return media_transcode_free(transcode);
	transcode->listener = media_listener_new(from, MEDIA_LISTENER_STRANDED, media_voice_pcm_hz(transcode->voice));
	metrics_add(&running, 1);
	return transcode;
}

void media_transcode_report(const struct media_transcode *transcode, struct media_report *report)
{
	struct rtp_jitter_figures figures;

	media_listener_get_figures(transcode->listener, &figures);
	report->packets_decoded += figures.played;
	report->packets_concealed += figures.concealed;
	report->jitter_buffer_ms = MAX(report->jitter_buffer_ms, figures.delay_ms);
}

/* Its figures stay with the stream. */
static void conclude(struct media_transcode *transcode)
{
	struct rtp_jitter_figures figures;

	media_listener_get_figures(transcode->listener, &figures);
	transcode->from->decoded_before += figures.played;
	transcode->from->concealed_before += figures.concealed;
	metrics_add(&decoded, (int64_t)figures.played);
	metrics_add(&concealed, (int64_t)figures.concealed);
	metrics_add(&running, -1);
}

struct media_transcode *media_transcode_free(struct media_transcode *transcode)
{
	if (!transcode)
		return NULL;
	if (transcode->listener)
		conclude(transcode);
	media_voice_free(transcode->voice);
	media_listener_free(transcode->listener);
	g_free(transcode);
	return NULL;
}

struct media_transcode *media_transcode_renew(struct media_transcode *transcode, struct media_stream *from,
					      struct media_stream *to)
{
	const struct tandem_codec *origin = to ? media_listener_codec(from, MEDIA_LISTENER_STRANDED) : NULL;

	if (origin && transcode && transcode->to == to && media_voice_fits(transcode->voice, to) &&
	    media_listener_fits(transcode->listener))
		return transcode;
	media_transcode_free(transcode);
	return origin ? transcode_new(from, to, origin) : NULL;
}
