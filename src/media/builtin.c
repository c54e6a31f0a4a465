#include "media/builtin.h"
#include "crypto/random.h"
#include "media/sound.h"
#include "plugin/plugin.h"
#include <string.h>

#define FRAME_MS	   20
#define PCM_HZ_WANTED	   16000
#define PCM_SAMPLES_MAX	   (48 * TANDEM_CODEC_FRAME_MS_MAX)
#define BEHIND_US_MAX	   (200 * INT64_C(1000)) /* later than that, what was missed is not made up for */

/* What plays to one stream: sound, encoder, timer. */
struct media_source {
	struct media_end *end; /* the built-in */
	struct media_stream *to;
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

bool media_builtin_echoes(const struct media_end *end)
{
	return end->options.kind == MEDIA_LEG_BUILTIN && (end->options.builtin == MEDIA_BUILTIN_ECHO ||
							  end->options.builtin == MEDIA_BUILTIN_DELAYED_ECHO);
}

static bool plays(const struct media_end *end)
{
	return end->options.kind == MEDIA_LEG_BUILTIN && !media_builtin_echoes(end);
}

/* --- playing --- */

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
		media_stream_send(source->to, packet, bytes, sizeof bytes, source->send_type, source->format.clock_hz);
		packet->marker = false;
		packet->sequence++;
	}
}

static void on_time(void *data)
{
	struct media_source *source = data;
	int64_t now_us = loop_now_us(media_end_loop(source->end));

	if (is_heard(source))
		play_frame(source);
	source->packet.timestamp += source->format.clock_hz / 1000 * source->frame_ms;
	source->due_us += source->frame_ms * INT64_C(1000);
	if (now_us - source->due_us > BEHIND_US_MAX)
		source->due_us = now_us;
	loop_timer_start_us(&source->timer, MAX(source->due_us - now_us, 0));
}

/* --- setting up --- */

static struct media_source *source_free(struct media_source *source)
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

static uint16_t choose_frame(const struct tandem_codec *codec, uint16_t wanted_ms)
{
	for (const uint16_t *ms = codec->frame_durations_ms; *ms; ms++)
		if (*ms == wanted_ms)
			return *ms;
	return codec->frame_durations_ms[0];
}

static bool is_same(const struct media_source *source, const struct media_stream *to, const struct sdp_format *format,
		    uint8_t send_type)
{
	return source && source->to == to && source->send_type == send_type &&
	       sdp_format_same_codec(&source->format, format) &&
	       strcmp(source->format.parameters, format->parameters) == 0;
}

static struct media_source *source_new(struct media_end *end, struct media_stream *to, const struct tandem_codec *codec,
				       size_t index)
{
	struct media_source *source = g_new0(struct media_source, 1);
	struct tandem_codec_settings settings;

	source->end = end;
	source->to = to;
	source->codec = codec;
	source->format = to->formats[index];
	source->send_type = to->send_types[index];
	source->frame_ms = choose_frame(codec, to->ptime_ms ? to->ptime_ms : FRAME_MS);
	source->pcm_hz = choose_rate(codec);
	source->packet.marker = true;
	source->packet.ssrc = crypto_random_u32();
	media_sound_init(&source->sound,
			 end->options.builtin == MEDIA_BUILTIN_MUSIC ? MEDIA_SOUND_TUNE : MEDIA_SOUND_MILLIWATT,
			 source->pcm_hz);
	loop_timer_init(&source->timer, media_end_loop(end), on_time, source);
	settings = (struct tandem_codec_settings){
		.pcm_hz = source->pcm_hz,
		.pcm_channels = 1,
		.frame_ms = source->frame_ms,
		.fmtp = source->format.parameters,
	};
	if (source->pcm_hz / 1000 * source->frame_ms > PCM_SAMPLES_MAX ||
	    codec->encoder_new(&settings, &source->encoder) < 0) {
		log_warning(&to->end->log, "no encoder for %s", source->format.encoding);
		return source_free(source);
	}
	source->due_us = loop_now_us(media_end_loop(end));
	loop_timer_start_us(&source->timer, 0);
	return source;
}

void media_builtin_refresh(struct media_end *end)
{
	const struct tandem_codec *codec = NULL;
	struct media_stream *to = NULL;
	size_t index;

	if (!plays(end) || !end->partner)
		return;
	for (size_t i = 0; !to && i < end->partner->n_streams; i++)
		if (end->partner->streams[i]->kind == SDP_KIND_AUDIO)
			to = end->partner->streams[i];
	if (to)
		codec = choose_codec(end->worker->engine->codecs, to, &index);
	if (codec && is_same(end->source, to, &to->formats[index], to->send_types[index]))
		return;
	BASE_CLEAR(&end->source, source_free);
	if (codec)
		end->source = source_new(end, to, codec, index);
	else if (to && to->n_formats > 0)
		log_warning(&end->partner->log, "nothing to be heard: no codec for it");
}

void media_builtin_stop(struct media_end *end)
{
	BASE_CLEAR(&end->source, source_free);
}
