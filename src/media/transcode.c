#include "media/transcode.h"
#include "media/resample.h"
#include "media/voice.h"
#include "plugin/plugin.h"
#include "rtp/jitter.h"
#include <stdlib.h>
#include <string.h>

#define RESAMPLE_QUALITY 3 /* of speexdsp: right for speech */
#define PCM_SAMPLES_MAX	 (48 * TANDEM_CODEC_FRAME_MS_MAX)
#define FADE_MS		 5
#define FADE_SAMPLES_MAX (48 * FADE_MS)
#define QUIET_PEAK	 300 /* -40 dB of full scale: nobody hears whether there is a frame more of it */

/* Of a payload type that cannot go over as it is. */
struct decoder {
	const struct tandem_codec *codec;
	struct sdp_format format;
	uint32_t pcm_hz;
	void *instance; /* NULL: not needed yet */
	struct media_resample *resample; /* to the voice's rate; NULL: it is the same */
};

struct media_transcode {
	struct media_stream *from, *to;
	struct media_voice *voice;
	struct rtp_jitter *jitter;
	size_t n_decoders;
	struct decoder *decoders;
	bool is_quiet; /* what was decoded last */
	size_t n_fade; /* samples of sound that was dropped: what comes next is faded in over them */
	int16_t fade[FADE_SAMPLES_MAX];
	size_t n_pcm, pcm_max;
	int16_t *pcm; /* decoded, and not fetched yet */
};

static struct loop *loop_of(const struct media_transcode *transcode)
{
	return media_end_loop(transcode->from->end);
}

static struct decoder *decoder_of(struct media_transcode *transcode, uint8_t payload_type)
{
	for (size_t i = 0; i < transcode->n_decoders; i++)
		if (transcode->decoders[i].format.payload_type == payload_type)
			return &transcode->decoders[i];
	return NULL;
}

/* --- decoding --- */

static bool is_ready(const struct media_transcode *transcode, struct decoder *decoder)
{
	const struct tandem_codec_settings settings = {
		.pcm_hz = decoder->pcm_hz,
		.pcm_channels = 1,
		.frame_ms = decoder->codec->frame_durations_ms[0],
		.fmtp = decoder->format.parameters,
	};

	if (decoder->instance)
		return true;
	if (decoder->codec->decoder_new(&settings, &decoder->instance) < 0) {
		log_warning(&transcode->from->end->log, "no decoder for %s", decoder->format.encoding);
		return false;
	}
	if (decoder->pcm_hz != media_voice_pcm_hz(transcode->voice))
		decoder->resample = media_resample_new(decoder->pcm_hz, media_voice_pcm_hz(transcode->voice), RESAMPLE_QUALITY);
	return true;
}

/* Of the sound that the frame stands for: samples written to `pcm`, or a negative errno. */
static int decode_frame(const struct decoder *decoder, enum rtp_jitter_verdict verdict, const struct rtp_jitter_frame *frame,
			int16_t *pcm, size_t room)
{
	const struct tandem_codec *codec = decoder->codec;
	size_t missing = MIN((size_t)((uint64_t)frame->duration * decoder->pcm_hz / frame->clock_hz), room);
	int n = 0;

	if (verdict != RTP_JITTER_LOST)
		n = codec->decode(decoder->instance, frame->payload, frame->payload_bytes, pcm, room);
	else if (frame->payload && codec->recover)
		n = codec->recover(decoder->instance, frame->payload, frame->payload_bytes, pcm, missing);
	return n > 0 ? n : codec->decode(decoder->instance, NULL, 0, pcm, missing);
}

static void note_level(struct media_transcode *transcode, const int16_t *pcm, size_t n)
{
	int peak = 0;

	for (size_t i = 0; i < n; i++)
		peak = MAX(peak, abs(pcm[i]));
	transcode->is_quiet = peak < QUIET_PEAK;
}

/* The same at the voice's rate. */
static int decode_at_rate(const struct decoder *decoder, enum rtp_jitter_verdict verdict, const struct rtp_jitter_frame *frame,
			  int16_t *pcm, size_t room)
{
	int16_t own[PCM_SAMPLES_MAX];
	int n;

	if (!decoder->resample)
		return decode_frame(decoder, verdict, frame, pcm, room);
	n = decode_frame(decoder, verdict, frame, own, G_N_ELEMENTS(own));
	return n > 0 ? media_resample_run(decoder->resample, own, (size_t)n, pcm, room) : n;
}

/* Without it sound would jump where some was dropped. */
static void keep_fade(struct media_transcode *transcode, const int16_t *pcm, size_t n)
{
	transcode->n_fade = MIN(n, media_voice_pcm_hz(transcode->voice) / 1000 * FADE_MS);
	memcpy(transcode->fade, pcm, transcode->n_fade * sizeof *pcm);
}

static void fade_in(struct media_transcode *transcode, int16_t *pcm, size_t n)
{
	int n_fade = (int)MIN(n, transcode->n_fade);

	for (int i = 0; i < n_fade; i++)
		pcm[i] = (int16_t)((transcode->fade[i] * (n_fade - i) + pcm[i] * i) / n_fade);
	transcode->n_fade = 0;
}

static void take_frame(struct media_transcode *transcode, enum rtp_jitter_verdict verdict, const struct rtp_jitter_frame *frame)
{
	struct decoder *decoder = decoder_of(transcode, frame->payload_type);
	int16_t *pcm = transcode->pcm + transcode->n_pcm;
	int n;

	if (!decoder || !is_ready(transcode, decoder))
		return;
	n = decode_at_rate(decoder, verdict, frame, pcm, transcode->pcm_max - transcode->n_pcm);
	if (n <= 0)
		return;
	note_level(transcode, pcm, (size_t)n);
	if (verdict == RTP_JITTER_SURPLUS) {
		keep_fade(transcode, pcm, (size_t)n);
		return;
	}
	fade_in(transcode, pcm, (size_t)n);
	transcode->n_pcm += (size_t)n;
}

/* There is room for the longest packet beside what a frame of the longest lacks. */
static bool fill(void *data, int16_t *pcm, size_t n_samples)
{
	struct media_transcode *transcode = data;
	int64_t now_us = loop_now_us(loop_of(transcode));
	struct rtp_jitter_frame frame;
	enum rtp_jitter_verdict verdict = RTP_JITTER_PACKET;
	size_t n;

	while (transcode->n_pcm < n_samples && verdict != RTP_JITTER_SILENCE) {
		verdict = rtp_jitter_get(transcode->jitter, now_us, transcode->is_quiet, &frame);
		if (verdict != RTP_JITTER_SILENCE)
			take_frame(transcode, verdict, &frame);
	}
	n = MIN(transcode->n_pcm, n_samples);
	if (n == 0)
		return false;
	memcpy(pcm, transcode->pcm, n * sizeof *pcm);
	memset(pcm + n, 0, (n_samples - n) * sizeof *pcm);
	transcode->n_pcm -= n;
	memmove(transcode->pcm, transcode->pcm + n, transcode->n_pcm * sizeof *pcm);
	return true;
}

bool media_transcode_put(struct media_transcode *transcode, const struct rtp_packet *packet)
{
	const struct decoder *decoder = decoder_of(transcode, packet->payload_type);
	struct rtp_jitter_sound sound;
	int duration;

	if (!decoder)
		return false;
	duration = decoder->codec->duration(packet->payload, packet->payload_bytes);
	if (duration < 0 || packet->payload_bytes == 0) {
		media_transcode_pass(transcode, packet);
		return true;
	}
	sound = (struct rtp_jitter_sound){.clock_hz = decoder->format.clock_hz, .duration = (uint32_t)duration};
	if (!media_voice_is_heard(transcode->voice)) {
		rtp_jitter_reset(transcode->jitter);
		return true;
	}
	rtp_jitter_put(transcode->jitter, packet, &sound, loop_now_us(loop_of(transcode)));
	media_voice_wake(transcode->voice);
	return true;
}

void media_transcode_pass(struct media_transcode *transcode, const struct rtp_packet *packet)
{
	rtp_jitter_pass(transcode->jitter, packet);
}

/* --- setting up --- */

/* What `from` may bring that does not go over and can be decoded. */
static size_t list_decoders(const struct media_stream *from, struct decoder *decoders)
{
	const struct plugin_registry *codecs = from->end->worker->engine->codecs;
	size_t n = 0;

	for (size_t i = 0; codecs && i < from->n_formats; i++) {
		const struct sdp_format *format = &from->formats[i];
		const struct tandem_codec *codec =
			plugin_codec_find(codecs, format->encoding, format->clock_hz, format->channels);

		if (codec && format->payload_type < MEDIA_TYPES &&
		    from->routes[format->payload_type].type_out == MEDIA_TYPE_NONE)
			decoders[n++] = (struct decoder){.codec = codec, .format = *format};
	}
	return n;
}

static bool same_decoders(const struct media_transcode *transcode, const struct decoder *decoders, size_t n)
{
	if (n != transcode->n_decoders)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct decoder *ours = &transcode->decoders[i];

		if (ours->codec != decoders[i].codec || ours->format.payload_type != decoders[i].format.payload_type ||
		    strcmp(ours->format.parameters, decoders[i].format.parameters) != 0)
			return false;
	}
	return true;
}

static const struct tandem_codec *first_codec(const struct decoder *decoders, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(decoders[i].codec->flags & TANDEM_CODEC_COMFORT_NOISE))
			return decoders[i].codec;
	return NULL;
}

static struct media_transcode *transcode_new(struct media_stream *from, struct media_stream *to, const struct decoder *decoders,
					     size_t n)
{
	static const struct rtp_jitter_settings settings;
	struct media_transcode *transcode = g_new0(struct media_transcode, 1);
	struct media_voice_options options = {.to = to, .send = media_stream_send, .fill = fill, .data = transcode,
					      .origin = first_codec(decoders, n)};
	uint32_t pcm_hz;

	transcode->from = from;
	transcode->to = to;
	transcode->n_decoders = n;
	transcode->decoders = g_memdup2(decoders, n * sizeof *decoders);
	transcode->jitter = rtp_jitter_new(&settings);
	if (media_voice_new(&options, &transcode->voice) < 0)
		return media_transcode_free(transcode);
	pcm_hz = media_voice_pcm_hz(transcode->voice);
	for (size_t i = 0; i < n; i++)
		transcode->decoders[i].pcm_hz = media_voice_rate(decoders[i].codec, pcm_hz);
	transcode->pcm_max = (size_t)pcm_hz / 1000 * 2 * TANDEM_CODEC_FRAME_MS_MAX;
	transcode->pcm = g_new(int16_t, transcode->pcm_max);
	return transcode;
}

static void free_decoder(struct decoder *decoder)
{
	if (decoder->instance)
		decoder->codec->decoder_free(decoder->instance);
	media_resample_free(decoder->resample);
}

struct media_transcode *media_transcode_free(struct media_transcode *transcode)
{
	if (!transcode)
		return NULL;
	media_voice_free(transcode->voice);
	for (size_t i = 0; i < transcode->n_decoders; i++)
		free_decoder(&transcode->decoders[i]);
	g_free(transcode->decoders);
	rtp_jitter_free(transcode->jitter);
	g_free(transcode->pcm);
	g_free(transcode);
	return NULL;
}

struct media_transcode *media_transcode_renew(struct media_transcode *transcode, struct media_stream *from,
					      struct media_stream *to)
{
	struct decoder decoders[SDP_FORMATS_MAX];
	size_t n = to && from->kind == SDP_KIND_AUDIO ? list_decoders(from, decoders) : 0;
	bool is_needed = first_codec(decoders, n);

	if (is_needed && transcode && transcode->to == to && media_voice_fits(transcode->voice, to) &&
	    same_decoders(transcode, decoders, n))
		return transcode;
	media_transcode_free(transcode);
	return is_needed ? transcode_new(from, to, decoders, n) : NULL;
}
