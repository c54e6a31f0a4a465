/* Sound at another rate: a tone stays what it is, and frames stay frames. */
#include "media/resample.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint32_t rates_hz[] = {8000, 16000, 24000, 32000, 44100, 48000};

static double amplitude_of(const int16_t *pcm, size_t n, double hz, double tone_hz)
{
	double re = 0, im = 0;

	for (size_t i = 0; i < n; i++) {
		re += pcm[i] * cos(2 * G_PI * tone_hz * (double)i / hz);
		im += pcm[i] * sin(2 * G_PI * tone_hz * (double)i / hz);
	}
	return 2 * sqrt(re * re + im * im) / (double)n;
}

/* A second of a tone, frame by frame; returns how loud it comes out in the last half, in dB. */
static double pass(uint32_t from_hz, uint32_t to_hz, uint32_t frame_ms, double tone_hz)
{
	static int16_t in[48000], out[48000];
	struct media_resample *resample = media_resample_new(from_hz, to_hz, 3);
	size_t n_in = from_hz * frame_ms / 1000, n_out = to_hz * frame_ms / 1000, at = 0;

	assert_non_null(resample);
	assert_true(media_resample_delay_us(resample) < 10000);
	for (size_t i = 0; i < from_hz; i++)
		in[i] = (int16_t)lrint(10000 * sin(2 * G_PI * tone_hz * (double)i / from_hz));
	for (size_t i = 0; i + n_in <= from_hz; i += n_in, at += n_out)
		assert_int_equal(media_resample_run(resample, in + i, n_in, out + at, G_N_ELEMENTS(out) - at), n_out);
	media_resample_free(resample);
	return 20 * log10(amplitude_of(out + to_hz / 2, to_hz / 4, to_hz, tone_hz) / 10000);
}

static void test_each_frame_gives_a_frame_and_a_tone_stays_as_loud(void **state)
{
	for (size_t from = 0; from < G_N_ELEMENTS(rates_hz); from++)
		for (size_t to = 0; to < G_N_ELEMENTS(rates_hz); to++)
			for (uint32_t frame_ms = 10; frame_ms <= 60; frame_ms += 10) {
				assert_true(fabs(pass(rates_hz[from], rates_hz[to], frame_ms, 440)) < 0.1);
				assert_true(fabs(pass(rates_hz[from], rates_hz[to], frame_ms, 2600)) < 0.5);
			}
}

static void test_what_does_not_fit_into_the_rate_is_gone(void **state)
{
	static int16_t in[48000], out[8000];
	struct media_resample *resample = media_resample_new(48000, 8000, 3);

	for (size_t i = 0; i < 48000; i++)
		in[i] = (int16_t)lrint(10000 * sin(2 * G_PI * 5000 * (double)i / 48000));
	assert_int_equal(media_resample_run(resample, in, 48000, out, 8000), 8000);
	assert_true(amplitude_of(out + 4000, 4000, 8000, 3000) < 100);
	media_resample_free(resample);
}

static void test_bounds(void **state)
{
	int16_t pcm[160] = {0}, out[160];
	struct media_resample *resample = media_resample_new(8000, 16000, 3);

	assert_int_equal(media_resample_run(resample, pcm, 160, out, 160), -ENOBUFS);
	assert_int_equal(media_resample_run(resample, pcm, 48008, out, 160), -EINVAL);
	assert_int_equal(media_resample_run(resample, pcm, 0, out, 160), 0);
	assert_null(media_resample_free(resample));
	resample = media_resample_new(44100, 48000, 3);
	assert_int_equal(media_resample_run(resample, pcm, 44, out, 160), -EINVAL);
	assert_int_equal(media_resample_run(resample, pcm, 147, out, 160), 160);
	assert_null(media_resample_free(resample));
	assert_null(media_resample_free(NULL));
	assert_null(media_resample_new(7999, 16000, 3));
	assert_null(media_resample_new(8000, 48001, 3));
	assert_null(media_resample_new(8000, 16000, 11));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_frame_gives_a_frame_and_a_tone_stays_as_loud),
	    cmocka_unit_test(test_what_does_not_fit_into_the_rate_is_gone),
	    cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
