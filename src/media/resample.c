#include "media/resample.h"
#include <speex/speex_resampler.h>

struct media_resample {
	SpeexResamplerState *speex;
	uint32_t from_hz, to_hz;
};

static bool is_rate(uint32_t hz)
{
	return hz >= MEDIA_RESAMPLE_HZ_MIN && hz <= MEDIA_RESAMPLE_HZ_MAX;
}

struct media_resample *media_resample_new(uint32_t from_hz, uint32_t to_hz, int quality)
{
	struct media_resample *resample;
	SpeexResamplerState *speex;

	if (!is_rate(from_hz) || !is_rate(to_hz) || quality < SPEEX_RESAMPLER_QUALITY_MIN ||
	    quality > SPEEX_RESAMPLER_QUALITY_MAX)
		return NULL;
	speex = speex_resampler_init(1, from_hz, to_hz, quality, NULL);
	if (!speex)
		return NULL;
	resample = g_new(struct media_resample, 1);
	*resample = (struct media_resample){speex, from_hz, to_hz};
	return resample;
}

struct media_resample *media_resample_free(struct media_resample *resample)
{
	if (resample)
		speex_resampler_destroy(resample->speex);
	g_free(resample);
	return NULL;
}

int media_resample_run(struct media_resample *resample, const int16_t *in, size_t n_in, int16_t *out, size_t room)
{
	size_t n_out = n_in * resample->to_hz / resample->from_hz;
	spx_uint32_t taken = (spx_uint32_t)n_in, made = (spx_uint32_t)n_out;

	if (n_in > MEDIA_RESAMPLE_SAMPLES_MAX || n_in * resample->to_hz % resample->from_hz != 0)
		return -EINVAL;
	if (n_out > room)
		return -ENOBUFS;
	speex_resampler_process_int(resample->speex, 0, in, &taken, out, &made);
	return (int)made;
}

uint32_t media_resample_delay_us(const struct media_resample *resample)
{
	return (uint32_t)(speex_resampler_get_input_latency(resample->speex) * INT64_C(1000000) / resample->from_hz);
}
