#include "media/source.h"
#include "crypto/random.h"
#include "plugin/plugin.h"
#include <string.h>

#define FRAME_MS	   20
#define PCM_HZ_WANTED	   16000
#define PCM_SAMPLES_MAX	   (48 * TANDEM_CODEC_FRAME_MS_MAX)
#define BEHIND_US_MAX	   (200 * INT64_C(1000)) /* later than that, what was missed is not made up for */

struct media_source {
	struct media_stream *to;
	media_source_send *send;
	enum media_sound_kind kind;
	const struct tandem_codec *codec;
	struct sdp_format format;
	uint8_t send_type;
	uint16_t frame_ms;
	uint32_t pcm_hz;
	void *encoder;
	struct media_sound sound;
	struct rtp_packet packet; /* the next one's numbers */
	int64_t due_us;
	struct loop_timer timer;
};

/* --- playing --- */

static struct loop *loop_of(const struct media_source *source)
{
	return media_end_loop(source->to->end);
}

static bool is_heard(const struct media_source *source)
{
	return media_stream_sends(source->to) && source->to->end->state == MEDIA_END_CONNECTED;
}

static void play_frame(struct media_source *source)
{
	int16_t pcm[PCM_SAMPLES_MAX];
	uint8_t bytes[RTP_HEADER_BYTES + TANDEM_CODEC_PAYLOAD_BYTES_MAX + MEDIA_PACKET_ROOM];
	size_t n_samples = source->pcm_hz / 1000 * source->frame_ms;
	struct rtp_packet *packet = &source->packet;
	int length;

	media_sound_fill(&source->sound, pcm, n_samples);
	length = source->codec->encode(source->encoder, pcm, n_samples, bytes + RTP_HEADER_BYTES,
				       TANDEM_CODEC_PAYLOAD_BYTES_MAX);
	if (length > 0) {
		packet->payload = bytes + RTP_HEADER_BYTES;
		packet->payload_bytes = (size_t)length;
		source->send(source->to, packet, bytes, sizeof bytes, source->send_type, source->format.clock_hz);
		packet->marker = false;
		packet->sequence++;
	}
}

static void on_time(void *data)
{
	struct media_source *source = data;
	int64_t now_us = loop_now_us(loop_of(source));

	if (is_heard(source))
		play_frame(source);
	source->packet.timestamp += source->format.clock_hz / 1000 * source->frame_ms;
	source->due_us += source->frame_ms * INT64_C(1000);
	if (now_us - source->due_us > BEHIND_US_MAX)
		source->due_us = now_us;
	loop_timer_start_us(&source->timer, MAX(source->due_us - now_us, 0));
}

/* --- setting up --- */

struct media_source *media_source_free(struct media_source *source)
{
	if (!source)
		return NULL;
	loop_timer_stop(&source->timer);
	if (source->encoder)
		source->codec->encoder_free(source->encoder);
	g_free(source);
	return NULL;
}

/* The partner's most liked format that there is an encoder for. */
static const struct tandem_codec *choose_codec(const struct plugin_registry *codecs, const struct media_stream *stream,
					       size_t *ret_index)
{
	for (size_t i = 0; codecs && i < stream->n_formats; i++) {
		const struct sdp_format *format = &stream->formats[i];
		const struct tandem_codec *codec =
			plugin_codec_find(codecs, format->encoding, format->clock_hz, format->channels);

		if (codec && codec->encoder_new) {
			*ret_index = i;
			return codec;
		}
	}
	return NULL;
}

static uint32_t choose_rate(const struct tandem_codec *codec)
{
	for (const uint32_t *hz = codec->pcm_rates_hz; *hz; hz++)
		if (*hz == PCM_HZ_WANTED)
			return *hz;
	return codec->pcm_rates_hz[0];
}

static uint16_t choose_frame(const struct tandem_codec *codec, const struct media_stream *to)
{
	uint16_t wanted_ms = to->ptime_ms ? to->ptime_ms : FRAME_MS;

	for (const uint16_t *ms = codec->frame_durations_ms; *ms; ms++)
		if (*ms == wanted_ms)
			return *ms;
	return codec->frame_durations_ms[0];
}

static bool fits(const struct media_source *source, const struct media_stream *to, enum media_sound_kind kind, size_t index)
{
	const struct sdp_format *format = &to->formats[index];

	return source && source->to == to && source->kind == kind && source->send_type == to->send_types[index] &&
	       source->frame_ms == choose_frame(source->codec, to) &&
	       sdp_format_same_codec(&source->format, format) &&
	       strcmp(source->format.parameters, format->parameters) == 0;
}

static struct media_source *source_new(struct media_stream *to, enum media_sound_kind kind, media_source_send *send,
				       const struct tandem_codec *codec, size_t index)
{
	struct media_source *source = g_new0(struct media_source, 1);
	struct tandem_codec_settings settings;

	source->to = to;
	source->send = send;
	source->kind = kind;
	source->codec = codec;
	source->format = to->formats[index];
	source->send_type = to->send_types[index];
	source->frame_ms = choose_frame(codec, to);
	source->pcm_hz = choose_rate(codec);
	source->packet.marker = true;
	source->packet.ssrc = crypto_random_u32();
	media_sound_init(&source->sound, kind, source->pcm_hz, to->end->worker->engine->recording);
	loop_timer_init(&source->timer, media_end_loop(to->end), on_time, source);
	settings = (struct tandem_codec_settings){
		.pcm_hz = source->pcm_hz,
		.pcm_channels = 1,
		.frame_ms = source->frame_ms,
		.fmtp = source->format.parameters,
	};
	if (source->pcm_hz / 1000 * source->frame_ms > PCM_SAMPLES_MAX ||
	    codec->encoder_new(&settings, &source->encoder) < 0) {
		log_warning(&to->end->log, "no encoder for %s", source->format.encoding);
		return media_source_free(source);
	}
	source->due_us = loop_now_us(media_end_loop(to->end));
	loop_timer_start_us(&source->timer, 0);
	return source;
}

struct media_source *media_source_renew(struct media_source *source, struct media_stream *to, enum media_sound_kind kind,
					media_source_send *send)
{
	const struct tandem_codec *codec = NULL;
	size_t index;

	if (to)
		codec = choose_codec(to->end->worker->engine->codecs, to, &index);
	if (codec && fits(source, to, kind, index))
		return source;
	media_source_free(source);
	if (codec)
		return source_new(to, kind, send, codec, index);
	if (to && to->n_formats > 0)
		log_warning(&to->end->log, "nothing to be heard: no codec for it");
	return NULL;
}

enum media_sound_kind media_source_music(const struct media_engine *engine)
{
	return engine->recording ? MEDIA_SOUND_RECORDING : MEDIA_SOUND_TUNE;
}

void media_source_refresh_hold(struct media_end *end)
{
	const struct media_engine *engine = end->worker->engine;
	bool plays = end->play == MEDIA_PLAY_HOLD && engine->settings.hold != MEDIA_HOLD_OFF;
	enum media_sound_kind kind =
		engine->settings.hold == MEDIA_HOLD_TONE ? MEDIA_SOUND_MILLIWATT : media_source_music(engine);

	for (size_t i = 0; i < end->n_streams; i++) {
		struct media_stream *stream = end->streams[i];
		bool is_held = plays && stream->kind == SDP_KIND_AUDIO && media_stream_sends(stream);

		stream->hold = media_source_renew(stream->hold, is_held ? stream : NULL, kind, media_stream_say);
	}
}
