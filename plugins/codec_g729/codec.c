/* G.729 (RFC 3551, section 4.5.6): frames of 10 ms in 10 octets; with annex B a payload may end with a frame of 2
 * octets that describes noise, and nothing is sent while that goes on.
 *
 * The library is bcg729, whose licence is the GPL, version 3 or later, and so is that of this plugin when it is built:
 * it is a work of its own, loaded by who wants it, and no part of the gateway. */
#include "common/fmtp.h"
#include <bcg729/decoder.h>
#include <bcg729/encoder.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <tandem/codec.h>

#define FRAME_SAMPLES ((size_t)80)
#define FRAME_BYTES   ((size_t)10)
#define NOISE_BYTES   ((size_t)2)
#define FRAMES_LAST   (TANDEM_CODEC_FRAME_MS_MAX / 10)

static bool is_possible(const struct tandem_codec_settings *settings)
{
	return settings->pcm_hz == 8000 && settings->pcm_channels == 1;
}

/* What is not said is "yes" (RFC 4856, section 2.1.9). */
static bool has_annex_b(const char *fmtp)
{
	return !fmtp_has(fmtp, "annexb", "no");
}

static int negotiate_fmtp(const char *offered, char *answer, size_t size)
{
	const char *text = has_annex_b(offered) ? "annexb=yes" : "annexb=no";
	if (strlen(text) >= size)
		return -ENOTSUP;
	strcpy(answer, text);
	return 0;
}

/* Encoder and decoder are the library's own. */
static int encoder_new(const struct tandem_codec_settings *settings, void **ret_encoder)
{
	if (!is_possible(settings))
		return -EINVAL;
	void *encoder = initBcg729EncoderChannel(has_annex_b(settings->fmtp));
	if (!encoder)
		return -ENOMEM;
	*ret_encoder = encoder;
	return 0;
}

/* Noise stands only at the end of a payload. What comes before speech in the same one, when speech begins there, is
 * made of the speech itself: time must not be missing from the payload. */
static int encode(void *encoder, const int16_t *pcm, size_t n_samples, uint8_t *payload, size_t payload_size)
{
	size_t n_frames = n_samples / FRAME_SAMPLES, n_unsaid = 0, length = 0;
	if (!n_frames || n_samples % FRAME_SAMPLES || n_frames > FRAMES_LAST)
		return -EINVAL;
	if (n_frames * FRAME_BYTES > payload_size)
		return -ENOBUFS;
	uint8_t noise[FRAME_BYTES];
	bool has_noise = false;
	for (size_t i = 0; i < n_frames; i++) {
		uint8_t frame[FRAME_BYTES], n_bytes = 0;
		bcg729Encoder(encoder, pcm + i * FRAME_SAMPLES, frame, &n_bytes);
		if (n_bytes != FRAME_BYTES) {
			has_noise |= n_bytes == NOISE_BYTES;
			if (n_bytes == NOISE_BYTES)
				memcpy(noise, frame, NOISE_BYTES);
			n_unsaid++;
			continue;
		}
		for (n_unsaid++; n_unsaid; n_unsaid--, length += FRAME_BYTES)
			memcpy(payload + length, frame, FRAME_BYTES);
		has_noise = false;
	}
	if (has_noise) {
		memcpy(payload + length, noise, NOISE_BYTES);
		length += NOISE_BYTES;
	}
	return (int)length;
}

static void encoder_free(void *encoder)
{
	if (encoder)
		closeBcg729EncoderChannel(encoder);
}

static int decoder_new(const struct tandem_codec_settings *settings, void **ret_decoder)
{
	if (!is_possible(settings))
		return -EINVAL;
	void *decoder = initBcg729DecoderChannel();
	if (!decoder)
		return -ENOMEM;
	*ret_decoder = decoder;
	return 0;
}

/* Frames with that of noise; 0: none of this codec. */
static size_t count_frames(size_t length)
{
	size_t rest = length % FRAME_BYTES, n_frames = length / FRAME_BYTES + (rest == NOISE_BYTES);
	return (rest && rest != NOISE_BYTES) || n_frames > FRAMES_LAST ? 0 : n_frames;
}

static int decode(void *decoder, const uint8_t *payload, size_t length, int16_t *pcm, size_t room)
{
	size_t n_frames = payload ? count_frames(length) : room / FRAME_SAMPLES;
	if (!payload) {
		for (size_t i = 0; i < n_frames; i++)
			bcg729Decoder(decoder, NULL, 0, 1, 0, 0, pcm + i * FRAME_SAMPLES);
		return (int)(n_frames * FRAME_SAMPLES);
	}
	if (!n_frames)
		return -EBADMSG;
	if (n_frames * FRAME_SAMPLES > room)
		return -ENOBUFS;
	for (size_t i = 0; i < n_frames; i++, payload += FRAME_BYTES, length -= FRAME_BYTES) {
		bool is_noise = length == NOISE_BYTES;
		bcg729Decoder(decoder, payload, is_noise ? NOISE_BYTES : FRAME_BYTES, 0, is_noise, 0,
			      pcm + i * FRAME_SAMPLES);
	}
	return (int)(n_frames * FRAME_SAMPLES);
}

static void decoder_free(void *decoder)
{
	if (decoder)
		closeBcg729DecoderChannel(decoder);
}

static int duration(const uint8_t *payload, size_t length)
{
	size_t n_frames = count_frames(length);
	return n_frames ? (int)(n_frames * FRAME_SAMPLES) : -EBADMSG;
}

static const uint32_t rates_hz[] = {8000, 0};
static const uint16_t durations_ms[] = {20, 10, 30, 40, 50, 60, 80, 100, 120, 0};

static const struct tandem_codec codec = {
    .encoding = "G729",
    .clock_hz = 8000,
    .channels = 1,
    .static_payload_type = 18,
    .pcm_rates_hz = rates_hz,
    .pcm_channels_max = 1,
    .frame_durations_ms = durations_ms,
    .bits_per_second = 8000,
    .default_fmtp = "annexb=yes",
    .negotiate_fmtp = negotiate_fmtp,
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
    TANDEM_PLUGIN_HEADER, .kind = TANDEM_PLUGIN_CODEC, .name = "g729", .version = "1.0", .codecs = codecs,
};
