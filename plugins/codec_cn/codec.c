/* Comfort noise (RFC 3389): a payload is a level and, if the sender likes, a spectrum as reflection coefficients. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <tandem/codec.h>

#define ORDER	     10 /* of the spectrum: what is made, and what is taken of a payload that has more */
#define LEVEL_LAST   127
#define FULL_SCALE   32767.0 /* 0 dBov: the root mean square of the loudest square wave */
#define SAMPLES_LAST (48 * TANDEM_CODEC_FRAME_MS_MAX)
#define PAYLOAD_LAST 64

struct cn_decoder {
	double gain; /* of the noise that goes into the filter; 0: nothing described yet */
	double reflection[ORDER];
	double state[ORDER + 1];
	uint32_t random;
};

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

/* Reflection coefficients by Levinson and Durbin. */
static void reflect(const double *correlation, double *reflection)
{
	double a[ORDER + 1] = {1}, error = correlation[0];
	memset(reflection, 0, ORDER * sizeof *reflection);
	for (size_t i = 1; i <= ORDER && error > 0; i++) {
		double sum = correlation[i], next[ORDER + 1];
		for (size_t j = 1; j < i; j++)
			sum += a[j] * correlation[i - j];
		double k = -sum / error;
		memcpy(next, a, sizeof next);
		for (size_t j = 1; j < i; j++)
			next[j] = a[j] + k * a[i - j];
		next[i] = k;
		memcpy(a, next, sizeof a);
		reflection[i - 1] = k;
		error *= 1 - k * k;
	}
}

/* Section 3.2 */
#define REFLECTION_ZERO 127
#define REFLECTION_UNIT (258 / 32768.0)

static uint8_t quantize(double reflection)
{
	long n = lround(REFLECTION_ZERO + reflection / REFLECTION_UNIT);
	return (uint8_t)(n < 0 ? 0 : n > 2 * REFLECTION_ZERO ? 2 * REFLECTION_ZERO : n);
}

static int encode(void *encoder, const int16_t *pcm, size_t n_samples, uint8_t *payload, size_t payload_size)
{
	double correlation[ORDER + 1], reflection[ORDER];
	if (n_samples <= ORDER || n_samples > SAMPLES_LAST)
		return -EINVAL;
	if (payload_size < 1 + ORDER)
		return -ENOBUFS;
	for (size_t lag = 0; lag <= ORDER; lag++) {
		correlation[lag] = 0;
		for (size_t i = lag; i < n_samples; i++)
			correlation[lag] += (double)pcm[i] * pcm[i - lag];
	}
	double rms = sqrt(correlation[0] / (double)n_samples);
	double level = rms > 0 ? -20 * log10(rms / FULL_SCALE) : LEVEL_LAST;
	payload[0] = level < 0 ? 0 : level > LEVEL_LAST ? LEVEL_LAST : (uint8_t)lround(level);
	correlation[0] = correlation[0] * 1.001 + 1; /* so that it stays stable */
	reflect(correlation, reflection);
	for (size_t i = 0; i < ORDER; i++)
		payload[1 + i] = quantize(reflection[i]);
	return 1 + ORDER;
}

static int decoder_new(const struct tandem_codec_settings *settings, uint32_t hz, void **ret_decoder)
{
	if (settings->pcm_hz != hz || settings->pcm_channels != 1)
		return -EINVAL;
	struct cn_decoder *decoder = calloc(1, sizeof *decoder);
	if (!decoder)
		return -ENOMEM;
	decoder->random = 1;
	*ret_decoder = decoder;
	return 0;
}

/* The filter makes noise louder by 1 / (1 - k^2) for every coefficient, and so less has to go in. */
static void describe(struct cn_decoder *decoder, const uint8_t *payload, size_t length)
{
	double power = 1;
	for (size_t i = 0; i < ORDER; i++) {
		double k = i + 1 < length ? (payload[i + 1] - REFLECTION_ZERO) * REFLECTION_UNIT : 0;
		k = k < -0.99 ? -0.99 : k > 0.99 ? 0.99 : k;
		decoder->reflection[i] = k;
		power *= 1 - k * k;
	}
	decoder->gain = FULL_SCALE * pow(10, -(payload[0] & LEVEL_LAST) / 20.0) * sqrt(power);
}

/* One sample out of white noise through an all-pole lattice. */
static double next_sample(struct cn_decoder *decoder)
{
	decoder->random = decoder->random * 1664525 + 1013904223;
	double forward = decoder->gain * sqrt(12) * ((decoder->random >> 8) / 16777216.0 - 0.5);
	double *backward = decoder->state;
	for (size_t i = ORDER; i-- > 0;) {
		double k = decoder->reflection[i];
		forward -= k * backward[i];
		backward[i + 1] = backward[i] + k * forward;
	}
	backward[0] = forward;
	return forward;
}

static int duration(const uint8_t *payload, size_t length)
{
	return length && length <= PAYLOAD_LAST ? 0 : -EBADMSG;
}

static int decode(void *data, const uint8_t *payload, size_t length, int16_t *pcm, size_t room)
{
	struct cn_decoder *decoder = data;
	if (payload && duration(payload, length) < 0)
		return -EBADMSG;
	if (payload)
		describe(decoder, payload, length);
	for (size_t i = 0; i < room; i++) {
		double sample = next_sample(decoder);
		pcm[i] = (int16_t)(sample < -32768 ? -32768 : sample > 32767 ? 32767 : lrint(sample));
	}
	return (int)room;
}

static const uint16_t durations_ms[] = {20, 10, 30, 40, 50, 60, 80, 100, 120, 0};

#define CN(id, hz, payload_type)                                                                                       \
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
	    .encoding = "CN",                                                                                          \
	    .clock_hz = hz,                                                                                            \
	    .channels = 1,                                                                                             \
	    .static_payload_type = payload_type,                                                                       \
	    .pcm_rates_hz = id##_rates_hz,                                                                             \
	    .pcm_channels_max = 1,                                                                                     \
	    .frame_durations_ms = durations_ms,                                                                        \
	    .bits_per_second = 1000,                                                                                   \
	    .encoder_new = id##_encoder_new,                                                                           \
	    .encode = encode,                                                                                          \
	    .encoder_free = free,                                                                                      \
	    .decoder_new = id##_decoder_new,                                                                           \
	    .decode = decode,                                                                                          \
	    .decoder_free = free,                                                                                      \
	    .duration = duration,                                                                                      \
	    .flags = TANDEM_CODEC_COMFORT_NOISE,                                                                       \
	}

CN(cn_8000, 8000, 13);
CN(cn_16000, 16000, -1);
CN(cn_32000, 32000, -1);
CN(cn_48000, 48000, -1);

static const struct tandem_codec *const codecs[] = {&cn_8000, &cn_16000, &cn_32000, &cn_48000, NULL};

TANDEM_PLUGIN_EXPORT const struct tandem_plugin tandem_plugin = {
    TANDEM_PLUGIN_HEADER, .kind = TANDEM_PLUGIN_CODEC, .name = "cn", .version = "1.0", .codecs = codecs,
};
