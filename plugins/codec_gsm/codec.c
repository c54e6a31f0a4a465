/* GSM 06.10 full rate (RFC 3551, section 4.5.8): frames of 20 ms in 33 octets, the first four bits of each 1101. */
#include "common/conceal.h"
#include <errno.h>
#include <gsm/gsm.h>
#include <stdbool.h>
#include <stdlib.h>
#include <tandem/codec.h>

#define FRAME_SAMPLES 160
#define FRAME_BYTES   ((size_t)33)
#define FRAMES_LAST   (TANDEM_CODEC_FRAME_MS_MAX / 20)

struct gsm_decoder {
	gsm gsm;
	struct conceal conceal;
};

static bool is_possible(const struct tandem_codec_settings *settings)
{
	return settings->pcm_hz == 8000 && settings->pcm_channels == 1;
}

/* The encoder is the library's own. */
static int encoder_new(const struct tandem_codec_settings *settings, void **ret_encoder)
{
	if (!is_possible(settings))
		return -EINVAL;
	gsm encoder = gsm_create();
	if (!encoder)
		return -ENOMEM;
	*ret_encoder = encoder;
	return 0;
}

static int encode(void *encoder, const int16_t *pcm, size_t n_samples, uint8_t *payload, size_t payload_size)
{
	size_t n_frames = n_samples / FRAME_SAMPLES;
	if (!n_frames || n_samples % FRAME_SAMPLES || n_frames > FRAMES_LAST)
		return -EINVAL;
	if (n_frames * FRAME_BYTES > payload_size)
		return -ENOBUFS;
	for (size_t i = 0; i < n_frames; i++)
		gsm_encode(encoder, (gsm_signal *)pcm + i * FRAME_SAMPLES, payload + i * FRAME_BYTES);
	return (int)(n_frames * FRAME_BYTES);
}

static void encoder_free(void *encoder)
{
	if (encoder)
		gsm_destroy(encoder);
}

static int decoder_new(const struct tandem_codec_settings *settings, void **ret_decoder)
{
	if (!is_possible(settings))
		return -EINVAL;
	struct gsm_decoder *decoder = calloc(1, sizeof *decoder);
	if (!decoder || !(decoder->gsm = gsm_create())) {
		free(decoder);
		return -ENOMEM;
	}
	conceal_init(&decoder->conceal, settings->pcm_hz);
	*ret_decoder = decoder;
	return 0;
}

/* 0: none of this codec. */
static size_t count_frames(const uint8_t *payload, size_t length)
{
	size_t n_frames = length / FRAME_BYTES;
	if (length % FRAME_BYTES || n_frames > FRAMES_LAST)
		return 0;
	for (size_t i = 0; i < n_frames; i++)
		if (payload[i * FRAME_BYTES] >> 4 != GSM_MAGIC)
			return 0;
	return n_frames;
}

static int decode(void *data, const uint8_t *payload, size_t length, int16_t *pcm, size_t room)
{
	struct gsm_decoder *decoder = data;
	if (!payload) {
		conceal_fill(&decoder->conceal, pcm, room);
		return (int)room;
	}
	size_t n_frames = count_frames(payload, length);
	if (!n_frames)
		return -EBADMSG;
	if (n_frames * FRAME_SAMPLES > room)
		return -ENOBUFS;
	for (size_t i = 0; i < n_frames; i++)
		gsm_decode(decoder->gsm, (gsm_byte *)payload + i * FRAME_BYTES, pcm + i * FRAME_SAMPLES);
	conceal_receive(&decoder->conceal, pcm, n_frames * FRAME_SAMPLES);
	return (int)(n_frames * FRAME_SAMPLES);
}

static void decoder_free(void *data)
{
	struct gsm_decoder *decoder = data;
	if (!decoder)
		return;
	gsm_destroy(decoder->gsm);
	free(decoder);
}

static int duration(const uint8_t *payload, size_t length)
{
	size_t n_frames = count_frames(payload, length);
	return n_frames ? (int)(n_frames * FRAME_SAMPLES) : -EBADMSG;
}

static const uint32_t rates_hz[] = {8000, 0};
static const uint16_t durations_ms[] = {20, 40, 60, 80, 100, 120, 0};

static const struct tandem_codec codec = {
    .encoding = "GSM",
    .clock_hz = 8000,
    .channels = 1,
    .static_payload_type = 3,
    .pcm_rates_hz = rates_hz,
    .pcm_channels_max = 1,
    .frame_durations_ms = durations_ms,
    .bits_per_second = 13200,
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
    TANDEM_PLUGIN_HEADER, .kind = TANDEM_PLUGIN_CODEC, .name = "gsm", .version = "1.0", .codecs = codecs,
};
