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

#define ALL_QUALITY 8	  /* of speexdsp: it is done once */
#define ALL_BLOCK   65536 /* samples */

int16_t *media_resample_all(const int16_t *in, size_t n_in, uint32_t from_hz, uint32_t to_hz, size_t *ret_n)
{
	static const int16_t silence[ALL_BLOCK];
	size_t n_wanted = MAX((size_t)((uint64_t)n_in * to_hz / from_hz), 1), n_taken = 0, n_out = 0;
	int16_t *out;
	SpeexResamplerState *speex;

	*ret_n = n_wanted;
	if (from_hz == to_hz)
		return g_memdup2(in, n_in * sizeof *in);
	out = g_new0(int16_t, n_wanted);
	speex = speex_resampler_init(1, from_hz, to_hz, ALL_QUALITY, NULL);
	if (speex)
		speex_resampler_skip_zeros(speex);
	while (speex && n_out < n_wanted) {
		/* Behind its end silence, which drives out what the filter holds back. */
		bool is_over = n_taken == n_in;
		spx_uint32_t taken = (spx_uint32_t)MIN(is_over ? ALL_BLOCK : n_in - n_taken, ALL_BLOCK);
		spx_uint32_t made = (spx_uint32_t)MIN(n_wanted - n_out, ALL_BLOCK);

		speex_resampler_process_int(speex, 0, is_over ? silence : in + n_taken, &taken, out + n_out, &made);
		n_taken += is_over ? 0 : taken;
		n_out += made;
	}
	if (speex)
		speex_resampler_destroy(speex);
	return out;
}
