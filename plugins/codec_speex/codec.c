/* Speex (RFC 5574) at 8, 16 and 32 kHz: one codec of SDP for each, which differ in clock and nothing else. */
#include "codec_speex/frames.h"
#include "common/fmtp.h"
#include <errno.h>
#include <speex/speex.h>
#include <stdlib.h>
#include <string.h>
#include <tandem/codec.h>

#define FRAME_MS	   20
#define FRAMES_LAST	   (TANDEM_CODEC_FRAME_MS_MAX / FRAME_MS)
#define FRAME_SAMPLES_LAST 640
#define QUALITY		   8 /* 15 kbit/s at 8 kHz, 28 at 16 */
#define COMPLEXITY	   3

struct speex_encoder {
	void *speex;
	SpeexBits bits;
	size_t frame_samples;
	int16_t frame[FRAME_SAMPLES_LAST]; /* the library wants to write into its input */
};

struct speex_decoder {
	void *speex;
	SpeexBits bits;
	uint32_t hz;
	size_t frame_samples;
};

static int mode_of(uint32_t hz)
{
	return hz == 8000 ? SPEEX_MODEID_NB : hz == 16000 ? SPEEX_MODEID_WB : SPEEX_MODEID_UWB;
}

/* The quality that codes telephone sound, or the lower band, in the mode the far end names first (RFC 5574,
 * section 3.3: 1 to 6, "any"). */
static int quality_of(const char *fmtp, uint32_t hz)
{
	static const int8_t narrow[] = {-1, 0, 2, 4, 6, 8, 9}, wide[] = {-1, 0, 2, 3, 4, 6, 8};
	long mode = fmtp_number(fmtp, "mode", 0);
	return mode < 1 || mode > 6 ? QUALITY : hz == 8000 ? narrow[mode] : wide[mode];
}

static void obey_fmtp(struct speex_encoder *encoder, const struct tandem_codec_settings *settings)
{
	int on = 1, complexity = COMPLEXITY, quality = quality_of(settings->fmtp, settings->pcm_hz);
	float variable_quality = (float)quality;
	speex_encoder_ctl(encoder->speex, SPEEX_SET_COMPLEXITY, &complexity);
	speex_encoder_ctl(encoder->speex, SPEEX_SET_QUALITY, &quality);
	if (fmtp_has(settings->fmtp, "vbr", "on")) {
		speex_encoder_ctl(encoder->speex, SPEEX_SET_VBR, &on);
		speex_encoder_ctl(encoder->speex, SPEEX_SET_VBR_QUALITY, &variable_quality);
	} else if (fmtp_has(settings->fmtp, "vbr", "vad")) {
		speex_encoder_ctl(encoder->speex, SPEEX_SET_VAD, &on);
	}
}

static int encoder_new(const struct tandem_codec_settings *settings, uint32_t hz, void **ret_encoder)
{
	if (settings->pcm_hz != hz || settings->pcm_channels != 1)
		return -EINVAL;
	struct speex_encoder *encoder = calloc(1, sizeof *encoder);
	if (!encoder || !(encoder->speex = speex_encoder_init(speex_lib_get_mode(mode_of(hz))))) {
		free(encoder);
		return -ENOMEM;
	}
	speex_bits_init(&encoder->bits);
	encoder->frame_samples = hz * FRAME_MS / 1000;
	obey_fmtp(encoder, settings);
	*ret_encoder = encoder;
	return 0;
}

static int encode(void *data, const int16_t *pcm, size_t n_samples, uint8_t *payload, size_t payload_size)
{
	struct speex_encoder *encoder = data;
	size_t n = encoder->frame_samples;
	if (!n_samples || n_samples % n || n_samples / n > FRAMES_LAST)
		return -EINVAL;
	speex_bits_reset(&encoder->bits);
	for (size_t at = 0; at < n_samples; at += n) {
		memcpy(encoder->frame, pcm + at, n * sizeof *pcm);
		speex_encode_int(encoder->speex, encoder->frame, &encoder->bits);
	}
	speex_bits_insert_terminator(&encoder->bits);
	int n_bytes = speex_bits_nbytes(&encoder->bits);
	if ((size_t)n_bytes > payload_size)
		return -ENOBUFS;
	return speex_bits_write(&encoder->bits, (char *)payload, n_bytes);
}

static void encoder_set_complexity(void *data, unsigned level)
{
	struct speex_encoder *encoder = data;
	int complexity = level == TANDEM_CODEC_COMPLEXITY_OWN ? COMPLEXITY : level < 1 ? 1 : level > 10 ? 10 : (int)level;
	speex_encoder_ctl(encoder->speex, SPEEX_SET_COMPLEXITY, &complexity);
}

static void encoder_free(void *data)
{
	struct speex_encoder *encoder = data;
	if (!encoder)
		return;
	speex_encoder_destroy(encoder->speex);
	speex_bits_destroy(&encoder->bits);
	free(encoder);
}

static int decoder_new(const struct tandem_codec_settings *settings, uint32_t hz, void **ret_decoder)
{
	if (settings->pcm_hz != hz || settings->pcm_channels != 1)
		return -EINVAL;
	struct speex_decoder *decoder = calloc(1, sizeof *decoder);
	if (!decoder || !(decoder->speex = speex_decoder_init(speex_lib_get_mode(mode_of(hz))))) {
		free(decoder);
		return -ENOMEM;
	}
	int on = 1;
	speex_decoder_ctl(decoder->speex, SPEEX_SET_ENH, &on);
	speex_bits_init(&decoder->bits);
	decoder->hz = hz;
	decoder->frame_samples = hz * FRAME_MS / 1000;
	*ret_decoder = decoder;
	return 0;
}

static int conceal(struct speex_decoder *decoder, int16_t *pcm, size_t room)
{
	size_t at = 0;
	for (; room - at >= decoder->frame_samples; at += decoder->frame_samples)
		speex_decode_int(decoder->speex, NULL, pcm + at);
	return (int)at;
}

static int count_frames(uint32_t hz, const uint8_t *payload, size_t length)
{
	if (length > TANDEM_CODEC_PAYLOAD_BYTES_MAX)
		return -EBADMSG;
	int n_frames = speex_frames_count(payload, length, hz == 8000 ? 0 : hz == 16000 ? 1 : 2);
	return n_frames > FRAMES_LAST ? -EBADMSG : n_frames;
}

static int decode(void *data, const uint8_t *payload, size_t length, int16_t *pcm, size_t room)
{
	struct speex_decoder *decoder = data;
	if (!payload)
		return conceal(decoder, pcm, room);
	int n_frames = count_frames(decoder->hz, payload, length);
	if (n_frames < 0)
		return n_frames;
	size_t n_samples = (size_t)n_frames * decoder->frame_samples;
	if (n_samples > room)
		return -ENOBUFS;
	speex_bits_read_from(&decoder->bits, (const char *)payload, (int)length);
	for (size_t at = 0; at < n_samples; at += decoder->frame_samples)
		if (speex_decode_int(decoder->speex, &decoder->bits, pcm + at) < 0)
			speex_decode_int(decoder->speex, NULL, pcm + at);
	return (int)n_samples;
}

static void decoder_free(void *data)
{
	struct speex_decoder *decoder = data;
	if (!decoder)
		return;
	speex_decoder_destroy(decoder->speex);
	speex_bits_destroy(&decoder->bits);
	free(decoder);
}

static const uint16_t durations_ms[] = {20, 40, 60, 80, 100, 120, 0};

/* No negotiate_fmtp: its parameters tell what a side likes to receive, and a decoder takes all there is. */
#define SPEEX(id, hz, rate)                                                                                            \
	static const uint32_t id##_rates_hz[] = {hz, 0};                                                               \
	static int id##_encoder_new(const struct tandem_codec_settings *settings, void **ret_encoder)                  \
	{                                                                                                              \
		return encoder_new(settings, hz, ret_encoder);                                                         \
	}                                                                                                              \
	static int id##_decoder_new(const struct tandem_codec_settings *settings, void **ret_decoder)                  \
	{                                                                                                              \
		return decoder_new(settings, hz, ret_decoder);                                                         \
	}                                                                                                              \
	static int id##_duration(const uint8_t *payload, size_t length)                                                \
	{                                                                                                              \
		int n_frames = count_frames(hz, payload, length);                                                      \
		return n_frames < 0 ? n_frames : n_frames * (hz) / 50;                                                 \
	}                                                                                                              \
	static const struct tandem_codec id = {                                                                        \
	    .encoding = "speex",                                                                                       \
	    .clock_hz = hz,                                                                                            \
	    .channels = 1,                                                                                             \
	    .static_payload_type = -1,                                                                                 \
	    .pcm_rates_hz = id##_rates_hz,                                                                             \
	    .pcm_channels_max = 1,                                                                                     \
	    .frame_durations_ms = durations_ms,                                                                        \
	    .bits_per_second = rate,                                                                                   \
	    .encoder_new = id##_encoder_new,                                                                           \
	    .encode = encode,                                                                                          \
	    .encoder_free = encoder_free,                                                                              \
	    .decoder_new = id##_decoder_new,                                                                           \
	    .decode = decode,                                                                                          \
	    .decoder_free = decoder_free,                                                                              \
	    .duration = id##_duration,                                                                                 \
	    .encoder_set_complexity = encoder_set_complexity,                                                          \
	}

SPEEX(speex_8000, 8000, 15000);
SPEEX(speex_16000, 16000, 28000);
SPEEX(speex_32000, 32000, 30000);

static const struct tandem_codec *const codecs[] = {&speex_16000, &speex_8000, &speex_32000, NULL};

TANDEM_PLUGIN_EXPORT const struct tandem_plugin tandem_plugin = {
    TANDEM_PLUGIN_HEADER, .kind = TANDEM_PLUGIN_CODEC, .name = "speex", .version = "1.0", .codecs = codecs,
};
