/* G.722 at 64 kbit/s (RFC 3551, section 4.5.2): wideband sound under an RTP clock of 8000. At 8000 Hz of sound only the
 * lower band is coded, so that a telephone codec on the other side needs no resampler. */
#include "common/conceal.h"
#include <errno.h>
#include <spandsp.h>
#include <stdlib.h>
#include <tandem/codec.h>

#define BIT_RATE	   64000
#define BYTES_PER_MS	   8
#define PAYLOAD_BYTES_LAST (BYTES_PER_MS * TANDEM_CODEC_FRAME_MS_MAX)

struct g722_encoder {
	g722_encode_state_t *g722;
	size_t samples_per_byte;
};

struct g722_decoder {
	g722_decode_state_t *g722;
	size_t samples_per_byte;
	struct conceal conceal;
};

static bool is_possible(const struct tandem_codec_settings *settings)
{
	return (settings->pcm_hz == 16000 || settings->pcm_hz == 8000) && settings->pcm_channels == 1;
}

static int options_of(const struct tandem_codec_settings *settings)
{
	return settings->pcm_hz == 8000 ? G722_SAMPLE_RATE_8000 : 0;
}

static int encoder_new(const struct tandem_codec_settings *settings, void **ret_encoder)
{
	if (!is_possible(settings))
		return -EINVAL;
	struct g722_encoder *encoder = calloc(1, sizeof *encoder);
	if (!encoder || !(encoder->g722 = g722_encode_init(NULL, BIT_RATE, options_of(settings)))) {
		free(encoder);
		return -ENOMEM;
	}
	encoder->samples_per_byte = settings->pcm_hz / 8000;
	*ret_encoder = encoder;
	return 0;
}

static int encode(void *data, const int16_t *pcm, size_t n_samples, uint8_t *payload, size_t payload_size)
{
	struct g722_encoder *encoder = data;
	size_t n_bytes = n_samples / encoder->samples_per_byte;
	if (!n_bytes || n_samples % encoder->samples_per_byte || n_bytes > PAYLOAD_BYTES_LAST)
		return -EINVAL;
	if (n_bytes > payload_size)
		return -ENOBUFS;
	return g722_encode(encoder->g722, payload, pcm, (int)n_samples);
}

static void encoder_free(void *data)
{
	struct g722_encoder *encoder = data;
	if (!encoder)
		return;
	g722_encode_free(encoder->g722);
	free(encoder);
}

static int decoder_new(const struct tandem_codec_settings *settings, void **ret_decoder)
{
	if (!is_possible(settings))
		return -EINVAL;
	struct g722_decoder *decoder = calloc(1, sizeof *decoder);
	if (!decoder || !(decoder->g722 = g722_decode_init(NULL, BIT_RATE, options_of(settings)))) {
		free(decoder);
		return -ENOMEM;
	}
	decoder->samples_per_byte = settings->pcm_hz / 8000;
	conceal_init(&decoder->conceal, settings->pcm_hz);
	*ret_decoder = decoder;
	return 0;
}

static int decode(void *data, const uint8_t *payload, size_t length, int16_t *pcm, size_t room)
{
	struct g722_decoder *decoder = data;
	if (!payload) {
		conceal_fill(&decoder->conceal, pcm, room);
		return (int)room;
	}
	if (!length || length > PAYLOAD_BYTES_LAST)
		return -EBADMSG;
	if (length * decoder->samples_per_byte > room)
		return -ENOBUFS;
	int n = g722_decode(decoder->g722, pcm, payload, (int)length);
	conceal_receive(&decoder->conceal, pcm, (size_t)n);
	return n;
}

static void decoder_free(void *data)
{
	struct g722_decoder *decoder = data;
	if (!decoder)
		return;
	g722_decode_free(decoder->g722);
	free(decoder);
}

static int duration(const uint8_t *payload, size_t length)
{
	return length && length <= PAYLOAD_BYTES_LAST ? (int)length : -EBADMSG;
}

static const uint32_t rates_hz[] = {16000, 8000, 0};
static const uint16_t durations_ms[] = {20, 10, 30, 40, 50, 60, 80, 100, 120, 0};

static const struct tandem_codec codec = {
    .encoding = "G722",
    .clock_hz = 8000,
    .channels = 1,
    .static_payload_type = 9,
    .pcm_rates_hz = rates_hz,
    .pcm_channels_max = 1,
    .frame_durations_ms = durations_ms,
    .bits_per_second = BIT_RATE,
    .encoder_new = encoder_new,
    .encode = encode,
    .encoder_free = encoder_free,
    .decoder_new = decoder_new,
    .decode = decode,
    .decoder_free = decoder_free,
    .duration = duration,
};
static const struct tandem_codec *const codecs[] = {&codec, NULL};

TANDEM_PLUGIN_EXPORT const struct tandem_plugin tandem_plugin = {
    TANDEM_PLUGIN_HEADER, .kind = TANDEM_PLUGIN_CODEC, .name = "g722", .version = "1.0", .codecs = codecs,
};
