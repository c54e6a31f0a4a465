/* L16 (RFC 3551, section 4.5.11): samples as they are, the more significant octet first. The frame durations are those
 * that go into one packet. */
#include "common/conceal.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <tandem/codec.h>

#define PAYLOAD_BYTES_LAST TANDEM_CODEC_PAYLOAD_BYTES_MAX

static int encoder_new(const struct tandem_codec_settings *settings, uint32_t hz, void **ret_encoder)
{
	if (settings->pcm_hz != hz || settings->pcm_channels != 1)
		return -EINVAL;
	void *encoder = calloc(1, 1); /* has nothing to remember */
	if (!encoder)
		return -ENOMEM;
	*ret_encoder = encoder;
	return 0;
}

static int encode(void *encoder, const int16_t *pcm, size_t n_samples, uint8_t *payload, size_t payload_size)
{
	if (!n_samples || n_samples > PAYLOAD_BYTES_LAST / 2)
		return -EINVAL;
	if (2 * n_samples > payload_size)
		return -ENOBUFS;
	for (size_t i = 0; i < n_samples; i++) {
		uint16_t bits = (uint16_t)pcm[i];
		payload[2 * i] = bits >> 8;
		payload[2 * i + 1] = bits & 0xff;
	}
	return (int)(2 * n_samples);
}

static int decoder_new(const struct tandem_codec_settings *settings, uint32_t hz, void **ret_decoder)
{
	if (settings->pcm_hz != hz || settings->pcm_channels != 1)
		return -EINVAL;
	struct conceal *decoder = calloc(1, sizeof *decoder);
	if (!decoder)
		return -ENOMEM;
	conceal_init(decoder, hz);
	*ret_decoder = decoder;
	return 0;
}

static bool is_payload(size_t length)
{
	return length && length % 2 == 0 && length <= PAYLOAD_BYTES_LAST;
}

static int decode(void *decoder, const uint8_t *payload, size_t length, int16_t *pcm, size_t room)
{
	if (!payload) {
		conceal_fill(decoder, pcm, room);
		return (int)room;
	}
	if (!is_payload(length))
		return -EBADMSG;
	size_t n = length / 2;
	if (n > room)
		return -ENOBUFS;
	for (size_t i = 0; i < n; i++)
		pcm[i] = (int16_t)(payload[2 * i] << 8 | payload[2 * i + 1]);
	conceal_receive(decoder, pcm, n);
	return (int)n;
}

static int duration(const uint8_t *payload, size_t length)
{
	return is_payload(length) ? (int)(length / 2) : -EBADMSG;
}

static const uint16_t to_60_ms[] = {20, 10, 30, 40, 50, 60, 0};
static const uint16_t to_40_ms[] = {20, 10, 30, 40, 0};
static const uint16_t only_10_ms[] = {10, 0};

#define L16(id, hz, payload_type, durations_ms)                                                                        \
	static const uint32_t id##_rates_hz[] = {hz, 0};                                                               \
	static int id##_encoder_new(const struct tandem_codec_settings *settings, void **ret_encoder)                  \
	{                                                                                                              \
		return encoder_new(settings, hz, ret_encoder);                                                         \
	}                                                                                                              \
	static int id##_decoder_new(const struct tandem_codec_settings *settings, void **ret_decoder)                  \
	{                                                                                                              \
		return decoder_new(settings, hz, ret_decoder);                                                         \
	}                                                                                                              \
	static const struct tandem_codec id = {                                                                        \
	    .encoding = "L16",                                                                                         \
	    .clock_hz = hz,                                                                                            \
	    .channels = 1,                                                                                             \
	    .static_payload_type = payload_type,                                                                       \
	    .pcm_rates_hz = id##_rates_hz,                                                                             \
	    .pcm_channels_max = 1,                                                                                     \
	    .frame_durations_ms = durations_ms,                                                                        \
	    .bits_per_second = 16 * (hz),                                                                              \
	    .encoder_new = id##_encoder_new,                                                                           \
	    .encode = encode,                                                                                          \
	    .encoder_free = free,                                                                                      \
	    .decoder_new = id##_decoder_new,                                                                           \
	    .decode = decode,                                                                                          \
	    .decoder_free = free,                                                                                      \
	    .duration = duration,                                                                                      \
	}

L16(l16_8000, 8000, -1, to_60_ms);
L16(l16_16000, 16000, -1, to_40_ms);
L16(l16_44100, 44100, 11, only_10_ms);
L16(l16_48000, 48000, -1, only_10_ms);

static const struct tandem_codec *const codecs[] = {&l16_16000, &l16_8000, &l16_48000, &l16_44100, NULL};

TANDEM_PLUGIN_EXPORT const struct tandem_plugin tandem_plugin = {
    TANDEM_PLUGIN_HEADER, .kind = TANDEM_PLUGIN_CODEC, .name = "l16", .version = "1.0", .codecs = codecs,
};
