#include "media/listener.h"
#include "media/noise.h"
#include "media/resample.h"
#include "plugin/plugin.h"
#include <string.h>

#define RESAMPLE_QUALITY 3 /* of speexdsp: right for speech */
#define PCM_SAMPLES_MAX	 (48 * TANDEM_CODEC_FRAME_MS_MAX)
#define FADE_MS		 5
#define FADE_SAMPLES_MAX (48 * FADE_MS)

/* Of a payload type. */
struct decoder {
	const struct tandem_codec *codec;
	struct sdp_format format;
	uint32_t pcm_hz;
	void *instance; /* NULL: not needed yet */
	struct media_resample *resample; /* to the listener's rate; NULL: it is the same */
};

struct media_listener {
	struct media_stream *from;
	enum media_listener_scope scope;
	uint32_t pcm_hz;
	struct rtp_jitter *jitter;
	size_t n_decoders;
	struct decoder *decoders;
	bool is_quiet; /* what was decoded last */
	struct decoder *noise; /* what silence is like; NULL: nothing */
	size_t n_fade; /* samples of sound that was dropped: what comes next is faded in over them */
	int16_t fade[FADE_SAMPLES_MAX];
	size_t n_pcm, pcm_max;
	int16_t *pcm; /* decoded, and not fetched yet */
};

static struct decoder *decoder_of(const struct media_listener *listener, uint8_t payload_type)
{
	for (size_t i = 0; i < listener->n_decoders; i++)
		if (listener->decoders[i].format.payload_type == payload_type)
			return &listener->decoders[i];
	return NULL;
}

/* --- decoding --- */

/* What cannot be decoded is not heard from then on. */
static bool is_useless(const struct media_listener *listener, struct decoder *decoder)
{
	log_warning(&listener->from->end->log, "%s cannot be decoded to sound of %u Hz", decoder->format.encoding, listener->pcm_hz);
	if (decoder->instance)
		decoder->codec->decoder_free(g_steal_pointer(&decoder->instance));
	decoder->format.payload_type = MEDIA_TYPE_NONE;
	return false;
}

static bool is_ready(const struct media_listener *listener, struct decoder *decoder)
{
	const struct tandem_codec_settings settings = {
		.pcm_hz = decoder->pcm_hz,
		.pcm_channels = 1,
		.frame_ms = decoder->codec->frame_durations_ms[0],
		.fmtp = decoder->format.parameters,
	};

	if (decoder->instance)
		return true;
	if (decoder->codec->decoder_new(&settings, &decoder->instance) < 0)
		return is_useless(listener, decoder);
	if (decoder->pcm_hz == listener->pcm_hz)
		return true;
	decoder->resample = media_resample_new(decoder->pcm_hz, listener->pcm_hz, RESAMPLE_QUALITY);
	return decoder->resample || is_useless(listener, decoder);
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

static void note_wish(struct media_listener *listener, const struct decoder *decoder)
{
	if (decoder->codec->decoder_request)
		listener->from->wish =
			(struct media_wish){decoder->codec, decoder->codec->decoder_request(decoder->instance)};
}

/* The same at our rate. */
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
static void keep_fade(struct media_listener *listener, const int16_t *pcm, size_t n)
{
	listener->n_fade = MIN(n, listener->pcm_hz / 1000 * FADE_MS);
	memcpy(listener->fade, pcm, listener->n_fade * sizeof *pcm);
}

static void fade_in(struct media_listener *listener, int16_t *pcm, size_t n)
{
	int n_fade = (int)MIN(n, listener->n_fade);

	for (int i = 0; i < n_fade; i++)
		pcm[i] = (int16_t)((listener->fade[i] * (n_fade - i) + pcm[i] * i) / n_fade);
	listener->n_fade = 0;
}

static void take_frame(struct media_listener *listener, enum rtp_jitter_verdict verdict, const struct rtp_jitter_frame *frame)
{
	struct decoder *decoder = decoder_of(listener, frame->payload_type);
	int16_t *pcm = listener->pcm + listener->n_pcm;
	int n;

	if (!decoder || !is_ready(listener, decoder))
		return;
	listener->noise = NULL;
	if (decoder->codec->flags & TANDEM_CODEC_COMFORT_NOISE) {
		decoder->codec->decode(decoder->instance, frame->payload, frame->payload_bytes, pcm, 0);
		listener->noise = decoder;
		return;
	}
	n = decode_at_rate(decoder, verdict, frame, pcm, listener->pcm_max - listener->n_pcm);
	if (n <= 0)
		return;
	note_wish(listener, decoder);
	listener->is_quiet = media_noise_is_quiet(pcm, (size_t)n);
	if (verdict == RTP_JITTER_SURPLUS) {
		keep_fade(listener, pcm, (size_t)n);
		return;
	}
	fade_in(listener, pcm, (size_t)n);
	listener->n_pcm += (size_t)n;
}

/* The far end has said what its silence is like. Samples written. */
static size_t make_noise(const struct decoder *noise, uint32_t pcm_hz, int16_t *pcm, size_t n)
{
	int16_t own[PCM_SAMPLES_MAX];
	size_t n_own = (size_t)((uint64_t)n * noise->pcm_hz / pcm_hz);
	int made;

	if (!noise->resample)
		made = noise->codec->decode(noise->instance, NULL, 0, pcm, n);
	else if ((made = noise->codec->decode(noise->instance, NULL, 0, own, MIN(n_own, PCM_SAMPLES_MAX))) > 0)
		made = media_resample_run(noise->resample, own, (size_t)made, pcm, n);
	return (size_t)MAX(made, 0);
}

/* There is room for the longest packet beside what a frame of the longest lacks. */
bool media_listener_fill(struct media_listener *listener, int16_t *pcm, size_t n_samples)
{
	int64_t now_us = loop_now_us(media_end_loop(listener->from->end));
	struct rtp_jitter_frame frame;
	enum rtp_jitter_verdict verdict = RTP_JITTER_PACKET;
	size_t n;

	while (listener->n_pcm < n_samples && verdict != RTP_JITTER_SILENCE) {
		verdict = rtp_jitter_get(listener->jitter, now_us, listener->is_quiet, &frame);
		if (verdict != RTP_JITTER_SILENCE)
			take_frame(listener, verdict, &frame);
	}
	if (listener->n_pcm < n_samples && listener->noise)
		listener->n_pcm += make_noise(listener->noise, listener->pcm_hz, listener->pcm + listener->n_pcm,
					      n_samples - listener->n_pcm);
	n = MIN(listener->n_pcm, n_samples);
	if (n == 0)
		return false;
	memcpy(pcm, listener->pcm, n * sizeof *pcm);
	memset(pcm + n, 0, (n_samples - n) * sizeof *pcm);
	listener->n_pcm -= n;
	memmove(listener->pcm, listener->pcm + n, listener->n_pcm * sizeof *pcm);
	return true;
}

void media_listener_get_figures(const struct media_listener *listener, struct rtp_jitter_figures *ret_figures)
{
	rtp_jitter_get_figures(listener->jitter, ret_figures);
}

bool media_listener_hears(const struct media_listener *listener, uint8_t payload_type)
{
	return decoder_of(listener, payload_type);
}

bool media_listener_put(struct media_listener *listener, const struct rtp_packet *packet)
{
	const struct decoder *decoder = decoder_of(listener, packet->payload_type);
	struct rtp_jitter_sound sound;
	int duration = decoder ? decoder->codec->duration(packet->payload, packet->payload_bytes) : -1;

	if (duration < 0 || packet->payload_bytes == 0) {
		rtp_jitter_pass(listener->jitter, packet);
		return false;
	}
	sound = (struct rtp_jitter_sound){.clock_hz = decoder->format.clock_hz, .duration = (uint32_t)duration};
	rtp_jitter_put(listener->jitter, packet, &sound, loop_now_us(media_end_loop(listener->from->end)));
	return true;
}

void media_listener_reset(struct media_listener *listener)
{
	rtp_jitter_reset(listener->jitter);
	listener->noise = NULL;
}

/* --- setting up --- */

static size_t list_decoders(const struct media_stream *from, enum media_listener_scope scope, struct decoder *decoders)
{
	size_t n = 0;

	for (size_t i = 0; i < from->n_formats; i++) {
		const struct sdp_format *format = &from->formats[i];
		const struct tandem_codec *codec = media_stream_codec(from, i);

		if (codec && format->payload_type < MEDIA_TYPES &&
		    (scope == MEDIA_LISTENER_ALL || from->routes[format->payload_type].type_out == MEDIA_TYPE_NONE))
			decoders[n++] = (struct decoder){.codec = codec, .format = *format};
	}
	return n;
}

const struct tandem_codec *media_listener_codec(const struct media_stream *from, enum media_listener_scope scope)
{
	struct decoder decoders[SDP_FORMATS_MAX];
	size_t n = from->kind == SDP_KIND_AUDIO ? list_decoders(from, scope, decoders) : 0;

	for (size_t i = 0; i < n; i++)
		if (!(decoders[i].codec->flags & TANDEM_CODEC_COMFORT_NOISE))
			return decoders[i].codec;
	return NULL;
}

bool media_listener_fits(const struct media_listener *listener)
{
	struct decoder decoders[SDP_FORMATS_MAX];
	size_t n = list_decoders(listener->from, listener->scope, decoders);

	if (n != listener->n_decoders)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct decoder *ours = &listener->decoders[i];

		if (ours->codec != decoders[i].codec || ours->format.payload_type != decoders[i].format.payload_type ||
		    strcmp(ours->format.parameters, decoders[i].format.parameters) != 0)
			return false;
	}
	return true;
}

struct media_listener *media_listener_new(struct media_stream *from, enum media_listener_scope scope, uint32_t pcm_hz)
{
	static const struct rtp_jitter_settings settings;
	struct decoder decoders[SDP_FORMATS_MAX];
	struct media_listener *listener = g_new0(struct media_listener, 1);

	listener->from = from;
	listener->scope = scope;
	listener->pcm_hz = pcm_hz;
	listener->n_decoders = list_decoders(from, scope, decoders);
	listener->decoders = g_memdup2(decoders, listener->n_decoders * sizeof *decoders);
	for (size_t i = 0; i < listener->n_decoders; i++)
		listener->decoders[i].pcm_hz = plugin_codec_rate(decoders[i].codec, pcm_hz);
	listener->jitter = rtp_jitter_new(&settings);
	listener->pcm_max = (size_t)pcm_hz / 1000 * 2 * TANDEM_CODEC_FRAME_MS_MAX;
	listener->pcm = g_new(int16_t, listener->pcm_max);
	return listener;
}

static void free_decoder(struct decoder *decoder)
{
	if (decoder->instance)
		decoder->codec->decoder_free(decoder->instance);
	media_resample_free(decoder->resample);
}

struct media_listener *media_listener_free(struct media_listener *listener)
{
	if (!listener)
		return NULL;
	for (size_t i = 0; i < listener->n_decoders; i++)
		free_decoder(&listener->decoders[i]);
	g_free(listener->decoders);
	rtp_jitter_free(listener->jitter);
	g_free(listener->pcm);
	g_free(listener);
	return NULL;
}
