#include "media/tones.h"
#include "plugin/plugin.h"

#define PCM_HZ_WANTED	8000 /* tones need no more */
#define PCM_SAMPLES_MAX (48 * TANDEM_CODEC_FRAME_MS_MAX)
#define GAP_MS_MAX	80 /* a digit that goes on behind a longer one is another */

struct media_tones {
	const struct media_stream *from;
	struct media_tone_detector *detector; /* NULL, as the decoder: what came last cannot be listened to */
	const struct tandem_codec *codec;     /* of what came last; NULL: nothing yet */
	uint8_t payload_type;
	uint32_t clock_hz, pcm_hz;
	void *decoder;
	bool has_source;
	uint32_t ssrc, next_timestamp;
};

struct media_tones *media_tones_new(const struct media_stream *from)
{
	struct media_tones *tones = g_new0(struct media_tones, 1);

	tones->from = from;
	return tones;
}

static void drop_codec(struct media_tones *tones)
{
	if (tones->decoder)
		tones->codec->decoder_free(tones->decoder);
	tones->decoder = NULL;
	tones->codec = NULL;
	BASE_CLEAR(&tones->detector, media_tone_detector_free);
}

struct media_tones *media_tones_free(struct media_tones *tones)
{
	if (!tones)
		return NULL;
	drop_codec(tones);
	g_free(tones);
	return NULL;
}

static void take_codec(struct media_tones *tones, uint8_t payload_type)
{
	const struct media_stream *from = tones->from;
	const struct tandem_codec *codec = NULL;
	struct tandem_codec_settings settings = {.pcm_channels = 1};
	size_t i;

	for (i = 0; i < from->n_formats && from->formats[i].payload_type != payload_type; i++)
		;
	if (i < from->n_formats)
		codec = media_stream_codec(from, i);
	if (!codec || (codec->flags & TANDEM_CODEC_COMFORT_NOISE))
		return;
	drop_codec(tones);
	tones->codec = codec;
	tones->payload_type = payload_type;
	tones->clock_hz = from->formats[i].clock_hz;
	settings.pcm_hz = tones->pcm_hz = plugin_codec_rate(codec, PCM_HZ_WANTED);
	settings.frame_ms = codec->frame_durations_ms[0];
	settings.fmtp = from->formats[i].parameters;
	if (codec->decoder_new(&settings, &tones->decoder) == 0)
		tones->detector = media_tone_detector_new(tones->pcm_hz);
}

/* Whatever sounded has ended. */
static size_t hush(struct media_tones *tones, struct media_tone_change ret_changes[static MEDIA_TONE_CHANGES_MAX])
{
	static const int16_t silence[PCM_SAMPLES_MAX];

	return media_tone_detector_feed(tones->detector, silence, (size_t)tones->pcm_hz / 1000 * MEDIA_TONE_FRAME_MS_MAX,
					ret_changes);
}

/* Samples that lie between what came last and this; negative: it comes too late. */
static int64_t gap_before(const struct media_tones *tones, const struct rtp_packet *packet)
{
	int32_t units = (int32_t)(packet->timestamp - tones->next_timestamp);

	if (!tones->has_source || tones->ssrc != packet->ssrc)
		return INT32_MAX;
	return (int64_t)units * tones->pcm_hz / tones->clock_hz;
}

size_t media_tones_put(struct media_tones *tones, const struct rtp_packet *packet, uint32_t *ret_ms,
		       struct media_tone_change ret_changes[static MEDIA_TONES_CHANGES_MAX])
{
	int16_t pcm[PCM_SAMPLES_MAX];
	size_t n_changes = 0;
	int64_t gap;
	int duration, n;

	if (!tones->codec || tones->payload_type != packet->payload_type)
		take_codec(tones, packet->payload_type);
	if (!tones->detector || tones->payload_type != packet->payload_type)
		return 0;
	duration = tones->codec->duration(packet->payload, packet->payload_bytes);
	gap = gap_before(tones, packet);
	if (duration <= 0 || gap < 0)
		return 0;
	if (gap > (int64_t)tones->pcm_hz / 1000 * GAP_MS_MAX)
		n_changes = hush(tones, ret_changes);
	else if (gap > 0)
		media_tone_detector_skip(tones->detector, (size_t)gap);
	*ret_ms = (uint32_t)duration * 1000 / tones->clock_hz;
	tones->has_source = true;
	tones->ssrc = packet->ssrc;
	tones->next_timestamp = packet->timestamp + (uint32_t)duration;
	n = tones->codec->decode(tones->decoder, packet->payload, packet->payload_bytes, pcm, PCM_SAMPLES_MAX);
	if (n > 0 && n_changes <= MEDIA_TONES_CHANGES_MAX - MEDIA_TONE_CHANGES_MAX)
		n_changes += media_tone_detector_feed(tones->detector, pcm, (size_t)n, ret_changes + n_changes);
	return n_changes;
}
