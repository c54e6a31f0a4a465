#include "media/noise.h"
#include "plugin/plugin.h"
#include <stdlib.h>
#include <string.h>
#include <tandem/codec.h>

#define SOUND_MS   20
#define QUIET_PEAK 300 /* -40 dB of full scale */

struct media_noise {
	const struct tandem_codec *codec;
	void *encoder;
	uint8_t type;
	size_t n_samples;
	int16_t last[];
};

static const struct tandem_codec *find(const struct media_stream *to, const struct sdp_format *format, uint32_t pcm_hz,
				       uint8_t *ret_type)
{
	for (size_t i = 0; i < to->n_formats; i++) {
		const struct tandem_codec *codec = media_stream_codec(to, i);

		if (codec && (codec->flags & TANDEM_CODEC_COMFORT_NOISE) && to->formats[i].clock_hz == format->clock_hz &&
		    plugin_codec_rate(codec, pcm_hz) == pcm_hz) {
			*ret_type = to->send_types[i];
			return codec;
		}
	}
	return NULL;
}

struct media_noise *media_noise_new(const struct media_stream *to, const struct sdp_format *format, uint32_t pcm_hz)
{
	const struct tandem_codec_settings settings = {.pcm_hz = pcm_hz, .pcm_channels = 1, .frame_ms = SOUND_MS, .fmtp = ""};
	size_t n_samples = pcm_hz / 1000 * SOUND_MS;
	struct media_noise *noise;
	const struct tandem_codec *codec;
	uint8_t type;

	codec = find(to, format, pcm_hz, &type);
	if (!codec)
		return NULL;
	noise = g_malloc0(sizeof *noise + n_samples * sizeof *noise->last);
	noise->codec = codec;
	noise->type = type;
	noise->n_samples = n_samples;
	return codec->encoder_new(&settings, &noise->encoder) < 0 ? media_noise_free(noise) : noise;
}

struct media_noise *media_noise_free(struct media_noise *noise)
{
	if (noise && noise->encoder)
		noise->codec->encoder_free(noise->encoder);
	g_free(noise);
	return NULL;
}

bool media_noise_fits(const struct media_noise *noise, const struct media_stream *to, const struct sdp_format *format,
		      uint32_t pcm_hz)
{
	uint8_t type;
	const struct tandem_codec *codec = find(to, format, pcm_hz, &type);

	return noise ? codec == noise->codec && type == noise->type : !codec;
}

void media_noise_note(struct media_noise *noise, const int16_t *pcm, size_t n_samples)
{
	size_t n = MIN(n_samples, noise->n_samples);

	memcpy(noise->last + noise->n_samples - n, pcm + n_samples - n, n * sizeof *pcm);
}

bool media_noise_is_quiet(const int16_t *pcm, size_t n_samples)
{
	for (size_t i = 0; i < n_samples; i++)
		if (abs(pcm[i]) > QUIET_PEAK)
			return false;
	return true;
}

size_t media_noise_describe(struct media_noise *noise, uint8_t *payload, size_t size, uint8_t *ret_type)
{
	int length;

	if (!media_noise_is_quiet(noise->last, noise->n_samples))
		memset(noise->last, 0, noise->n_samples * sizeof *noise->last);
	length = noise->codec->encode(noise->encoder, noise->last, noise->n_samples, payload, size);
	*ret_type = noise->type;
	return (size_t)MAX(length, 0);
}
