/* G.726 in 2 to 5 bits a sample. Octets are filled from the least significant bit on in RFC 3551 (section 4.5.4), from
 * the most significant one on under the names with AAL2 (ITU-T I.366.2, annex E). */
#include "common/conceal.h"
#include <errno.h>
#include <spandsp.h>
#include <stdlib.h>
#include <tandem/codec.h>

#define SAMPLES_LAST (8 * TANDEM_CODEC_FRAME_MS_MAX)
/* So many samples fill whole octets at any width. */
#define SAMPLES_UNIT 8

struct g726_kind {
	unsigned bits; /* of a sample */
	int packing;
};

struct g726_coder {
	g726_state_t *g726;
	unsigned bits;
};

struct g726_decoder {
	struct g726_coder coder;
	struct conceal conceal;
};

static int coder_init(struct g726_coder *coder, const struct g726_kind *kind)
{
	coder->bits = kind->bits;
	coder->g726 = g726_init(NULL, (int)kind->bits * 8000, G726_ENCODING_LINEAR, kind->packing);
	return coder->g726 ? 0 : -ENOMEM;
}

static bool is_possible(const struct tandem_codec_settings *settings)
{
	return settings->pcm_hz == 8000 && settings->pcm_channels == 1;
}

static int encoder_new(const struct tandem_codec_settings *settings, const struct g726_kind *kind, void **ret_encoder)
{
	if (!is_possible(settings))
		return -EINVAL;
	struct g726_coder *encoder = calloc(1, sizeof *encoder);
	if (!encoder || coder_init(encoder, kind) < 0) {
		free(encoder);
		return -ENOMEM;
	}
	*ret_encoder = encoder;
	return 0;
}

static int encode(void *data, const int16_t *pcm, size_t n_samples, uint8_t *payload, size_t payload_size)
{
	struct g726_coder *encoder = data;
	if (!n_samples || n_samples % SAMPLES_UNIT || n_samples > SAMPLES_LAST)
		return -EINVAL;
	if (n_samples * encoder->bits / 8 > payload_size)
		return -ENOBUFS;
	return g726_encode(encoder->g726, payload, pcm, (int)n_samples);
}

static void encoder_free(void *data)
{
	struct g726_coder *encoder = data;
	if (!encoder)
		return;
	g726_free(encoder->g726);
	free(encoder);
}

static int decoder_new(const struct tandem_codec_settings *settings, const struct g726_kind *kind, void **ret_decoder)
{
	if (!is_possible(settings))
		return -EINVAL;
	struct g726_decoder *decoder = calloc(1, sizeof *decoder);
	if (!decoder || coder_init(&decoder->coder, kind) < 0) {
		free(decoder);
		return -ENOMEM;
	}
	conceal_init(&decoder->conceal, settings->pcm_hz);
	*ret_decoder = decoder;
	return 0;
}

/* The octets of a payload that hold whole samples only: a rest would be kept by the decoder and shift all that comes
 * after it. 0: none of ours. */
static size_t whole_bytes(size_t length, unsigned bits)
{
	size_t unit = bits == 3 || bits == 5 ? bits : 1;
	length -= length % unit;
	return length * 8 / bits <= SAMPLES_LAST ? length : 0;
}

static int decode(void *data, const uint8_t *payload, size_t length, int16_t *pcm, size_t room)
{
	struct g726_decoder *decoder = data;
	if (!payload) {
		conceal_fill(&decoder->conceal, pcm, room);
		return (int)room;
	}
	length = whole_bytes(length, decoder->coder.bits);
	if (!length)
		return -EBADMSG;
	if (length * 8 / decoder->coder.bits > room)
		return -ENOBUFS;
	int n = g726_decode(decoder->coder.g726, pcm, payload, (int)length);
	conceal_receive(&decoder->conceal, pcm, (size_t)n);
	return n;
}

static void decoder_free(void *data)
{
	struct g726_decoder *decoder = data;
	if (!decoder)
		return;
	g726_free(decoder->coder.g726);
	free(decoder);
}

static int duration_at(size_t length, unsigned bits)
{
	length = whole_bytes(length, bits);
	return length ? (int)(length * 8 / bits) : -EBADMSG;
}

static const uint32_t rates_hz[] = {8000, 0};
static const uint16_t durations_ms[] = {20, 10, 30, 40, 50, 60, 80, 100, 120, 0};

#define G726(id, name, width, order)                                                                                   \
	static int id##_encoder_new(const struct tandem_codec_settings *settings, void **ret_encoder)                  \
	{                                                                                                              \
		static const struct g726_kind kind = {width, order};                                                   \
		return encoder_new(settings, &kind, ret_encoder);                                                      \
	}                                                                                                              \
	static int id##_decoder_new(const struct tandem_codec_settings *settings, void **ret_decoder)                  \
	{                                                                                                              \
		static const struct g726_kind kind = {width, order};                                                   \
		return decoder_new(settings, &kind, ret_decoder);                                                      \
	}                                                                                                              \
	static int id##_duration(const uint8_t *payload, size_t length)                                                \
	{                                                                                                              \
		return duration_at(length, width);                                                                     \
	}                                                                                                              \
	static const struct tandem_codec id = {                                                                        \
	    .encoding = name,                                                                                          \
	    .clock_hz = 8000,                                                                                          \
	    .channels = 1,                                                                                             \
	    .static_payload_type = -1,                                                                                 \
	    .pcm_rates_hz = rates_hz,                                                                                  \
	    .pcm_channels_max = 1,                                                                                     \
	    .frame_durations_ms = durations_ms,                                                                        \
	    .bits_per_second = 8000 * (width),                                                                         \
	    .encoder_new = id##_encoder_new,                                                                           \
	    .encode = encode,                                                                                          \
	    .encoder_free = encoder_free,                                                                              \
	    .decoder_new = id##_decoder_new,                                                                           \
	    .decode = decode,                                                                                          \
	    .decoder_free = decoder_free,                                                                              \
	    .duration = id##_duration,                                                                                 \
	}

G726(g726_16, "G726-16", 2, G726_PACKING_RIGHT);
G726(g726_24, "G726-24", 3, G726_PACKING_RIGHT);
G726(g726_32, "G726-32", 4, G726_PACKING_RIGHT);
G726(g726_40, "G726-40", 5, G726_PACKING_RIGHT);
G726(aal2_16, "AAL2-G726-16", 2, G726_PACKING_LEFT);
G726(aal2_24, "AAL2-G726-24", 3, G726_PACKING_LEFT);
G726(aal2_32, "AAL2-G726-32", 4, G726_PACKING_LEFT);
G726(aal2_40, "AAL2-G726-40", 5, G726_PACKING_LEFT);

static const struct tandem_codec *const codecs[] = {
    &g726_32, &g726_40, &g726_24, &g726_16, &aal2_32, &aal2_40, &aal2_24, &aal2_16, NULL,
};

TANDEM_PLUGIN_EXPORT const struct tandem_plugin tandem_plugin = {
    TANDEM_PLUGIN_HEADER, .kind = TANDEM_PLUGIN_CODEC, .name = "g726", .version = "1.0", .codecs = codecs,
};
