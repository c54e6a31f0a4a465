/* PCMU and PCMA (RFC 3551, section 4.5.14). */
#include "g711.h"
#include "common/conceal.h"
#include <errno.h>
#include <stdlib.h>
#include <tandem/codec.h>

#define PAYLOAD_BYTES_LAST (8 * TANDEM_CODEC_FRAME_MS_MAX)

struct g711_encoder {
	uint8_t (*code)(int16_t linear);
};

struct g711_decoder {
	const int16_t *linear;
	struct conceal conceal;
};

static int encoder_new(const struct tandem_codec_settings *settings, uint8_t (*code)(int16_t), void **ret_encoder)
{
	if (settings->pcm_hz != 8000 || settings->pcm_channels != 1)
		return -EINVAL;
	struct g711_encoder *encoder = malloc(sizeof *encoder);
	if (!encoder)
		return -ENOMEM;
	encoder->code = code;
	*ret_encoder = encoder;
	return 0;
}

static int mu_encoder_new(const struct tandem_codec_settings *settings, void **ret_encoder)
{
	return encoder_new(settings, g711_mu_code, ret_encoder);
}

static int a_encoder_new(const struct tandem_codec_settings *settings, void **ret_encoder)
{
	return encoder_new(settings, g711_a_code, ret_encoder);
}

static int encode(void *data, const int16_t *pcm, size_t n_samples, uint8_t *payload, size_t payload_size)
{
	const struct g711_encoder *encoder = data;
	if (!n_samples || n_samples > PAYLOAD_BYTES_LAST)
		return -EINVAL;
	if (n_samples > payload_size)
		return -ENOBUFS;
	for (size_t i = 0; i < n_samples; i++)
		payload[i] = encoder->code(pcm[i]);
	return n_samples;
}

static int decoder_new(const struct tandem_codec_settings *settings, const int16_t *linear, void **ret_decoder)
{
	if (settings->pcm_hz != 8000 || settings->pcm_channels != 1)
		return -EINVAL;
	struct g711_decoder *decoder = calloc(1, sizeof *decoder);
	if (!decoder)
		return -ENOMEM;
	decoder->linear = linear;
	conceal_init(&decoder->conceal, settings->pcm_hz);
	*ret_decoder = decoder;
	return 0;
}

static int mu_decoder_new(const struct tandem_codec_settings *settings, void **ret_decoder)
{
	return decoder_new(settings, g711_mu_linear, ret_decoder);
}

static int a_decoder_new(const struct tandem_codec_settings *settings, void **ret_decoder)
{
	return decoder_new(settings, g711_a_linear, ret_decoder);
}

static int decode(void *data, const uint8_t *payload, size_t length, int16_t *pcm, size_t room)
{
	struct g711_decoder *decoder = data;
	if (!payload) {
		conceal_fill(&decoder->conceal, pcm, room);
		return room;
	}
	if (!length || length > PAYLOAD_BYTES_LAST)
		return -EBADMSG;
	if (length > room)
		return -ENOBUFS;
	for (size_t i = 0; i < length; i++)
		pcm[i] = decoder->linear[payload[i]];
	conceal_receive(&decoder->conceal, pcm, length);
	return length;
}

static int duration(const uint8_t *payload, size_t length)
{
	return length && length <= PAYLOAD_BYTES_LAST ? (int)length : -EBADMSG;
}

static const uint32_t rates_hz[] = {8000, 0};
static const uint16_t durations_ms[] = {20, 10, 30, 40, 50, 60, 80, 100, 120, 0};

#define G711_COMMON                                                                                                    \
	.clock_hz = 8000, .channels = 1, .pcm_rates_hz = rates_hz, .pcm_channels_max = 1,                              \
	.frame_durations_ms = durations_ms, .bits_per_second = 64000, .encode = encode, .encoder_free = free,          \
	.decode = decode, .decoder_free = free, .duration = duration

static const struct tandem_codec pcmu = {
    .encoding = "PCMU",
    .static_payload_type = 0,
    .encoder_new = mu_encoder_new,
    .decoder_new = mu_decoder_new,
    G711_COMMON,
};

static const struct tandem_codec pcma = {
    .encoding = "PCMA",
    .static_payload_type = 8,
    .encoder_new = a_encoder_new,
    .decoder_new = a_decoder_new,
    G711_COMMON,
};

static const struct tandem_codec *const codecs[] = {&pcma, &pcmu, NULL};

TANDEM_PLUGIN_EXPORT const struct tandem_plugin tandem_plugin = {
    TANDEM_PLUGIN_HEADER, .kind = TANDEM_PLUGIN_CODEC, .name = "g711", .version = "1.0", .codecs = codecs,
};
