/* WAV files: which are taken, and what becomes of their sound at other rates. */
#include "media/recording.h"
#include "media/sound.h"
#include <glib/gstdio.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void put(GByteArray *file, const char *tag)
{
	g_byte_array_append(file, (const uint8_t *)tag, 4);
}

static void put_le(GByteArray *file, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		g_byte_array_append(file, &(uint8_t){(uint8_t)(value >> 8 * i)}, 1);
}

struct form {
	uint16_t format, n_channels, bits;
	uint32_t hz;
};
static const struct form usual = {1, 1, 16, 44100};

/* Header and format; the samples are to follow. */
static GByteArray *begin(const struct form *form, uint32_t data_bytes)
{
	GByteArray *file = g_byte_array_new();

	put(file, "RIFF");
	put_le(file, 36 + data_bytes, 4);
	put(file, "WAVE");
	put(file, "LIST"); /* what players write of themselves; of odd length */
	put_le(file, 3, 4);
	put_le(file, 0, 4);
	put(file, "fmt ");
	put_le(file, 16, 4);
	put_le(file, form->format, 2);
	put_le(file, form->n_channels, 2);
	put_le(file, form->hz, 4);
	put_le(file, form->hz * form->n_channels * form->bits / 8, 4);
	put_le(file, form->n_channels * form->bits / 8, 2);
	put_le(file, form->bits, 2);
	put(file, "data");
	put_le(file, data_bytes, 4);
	return file;
}

static GByteArray *tone(const struct form *form, double hz, unsigned seconds)
{
	GByteArray *file = begin(form, form->hz * seconds * form->n_channels * 2);

	for (uint32_t i = 0; i < form->hz * seconds; i++)
		for (uint16_t k = 0; k < form->n_channels; k++)
			put_le(file, (uint16_t)(int16_t)lrint(10000 * sin(2 * G_PI * hz * i / form->hz)), 2);
	return file;
}

static int load(GByteArray *file, struct media_recording **ret_recording)
{
	g_autofree char *path = NULL;
	int error, descriptor = g_file_open_tmp("tandem-XXXXXX.wav", &path, NULL);

	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, file->data, file->len), file->len);
	close(descriptor);
	error = media_recording_load(path, ret_recording);
	g_unlink(path);
	g_byte_array_unref(file);
	return error;
}

static double amplitude_at(const int16_t *pcm, size_t n, double hz, double rate_hz)
{
	double re = 0, im = 0;

	for (size_t i = 0; i < n; i++) {
		re += pcm[i] * cos(2 * G_PI * hz * (double)i / rate_hz);
		im += pcm[i] * sin(2 * G_PI * hz * (double)i / rate_hz);
	}
	return 2 * sqrt(re * re + im * im) / (double)n;
}

static void test_a_tone_keeps_its_level_and_pitch_at_every_rate(void **state)
{
	static const uint32_t from[] = {8000, 11025, 16000, 44100, 48000}, to[] = {8000, 16000};
	struct media_recording *recording;
	size_t n;

	for (size_t i = 0; i < G_N_ELEMENTS(from); i++) {
		struct form form = {1, 2, 16, from[i]};

		assert_int_equal(load(tone(&form, 1000, 2), &recording), 0);
		for (size_t k = 0; k < G_N_ELEMENTS(to); k++) {
			const int16_t *pcm = media_recording_pcm(recording, to[k], &n);

			assert_int_equal(n, 2 * to[k]);
			assert_true(fabs(20 * log10(amplitude_at(pcm, n, 1000, to[k]) / 10000)) < 0.2);
		}
		assert_null(media_recording_pcm(recording, 12000, &n));
		media_recording_free(recording);
	}
}

static void test_what_a_lower_rate_cannot_carry_is_gone(void **state)
{
	struct media_recording *recording;
	size_t n;
	const int16_t *pcm;

	assert_int_equal(load(tone(&usual, 6000, 1), &recording), 0);
	pcm = media_recording_pcm(recording, 8000, &n);
	assert_true(amplitude_at(pcm + 500, n - 1000, 2000, 8000) < 10000 / 300.0); /* its image: 50 dB down */
	pcm = media_recording_pcm(recording, 16000, &n);
	assert_true(amplitude_at(pcm, n, 6000, 16000) > 9500);
	media_recording_free(recording);
}

static void test_other_files_are_refused(void **state)
{
	static const struct form others[] = {
		{7, 1, 8, 8000}, {1, 1, 8, 8000}, {1, 3, 16, 8000}, {1, 0, 16, 8000}, {1, 1, 16, 7999}, {1, 1, 16, 96000}, {3, 1, 32, 8000},
	};
	struct media_recording *recording = NULL;
	GByteArray *file;

	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		assert_int_equal(load(begin(&others[i], 0), &recording), -ENOTSUP);
	assert_int_equal(load(begin(&usual, 0), &recording), -ENODATA);
	file = g_byte_array_new();
	put(file, "OggS");
	assert_int_equal(load(file, &recording), -EBADMSG);
	assert_int_equal(media_recording_load("/nowhere/music.wav", &recording), -ENOENT);
	assert_null(recording);
}

/* Every cut of a good file is taken as far as it goes, or refused. */
static void test_cut_files(void **state)
{
	GByteArray *file = tone(&usual, 1000, 1);
	struct media_wav wav;
	size_t header = file->len - 44100 * 2;

	for (size_t length = 0; length < header + 10; length++) {
		uint8_t *exact = g_memdup2(file->data, length);
		int error = media_wav_parse(exact, length, &wav);

		assert_int_equal(error, length < header ? -EBADMSG : 0);
		if (error == 0)
			assert_int_equal(wav.n_samples, (length - header) / 2);
		g_free(exact);
	}
	g_byte_array_unref(file);
}

static void test_a_recording_goes_round(void **state)
{
	struct form form = {1, 1, 16, 8000};
	GByteArray *file = begin(&form, 6);
	struct media_recording *recording;
	struct media_sound sound;
	int16_t pcm[7];

	put_le(file, 100, 2);
	put_le(file, 200, 2);
	put_le(file, (uint16_t)-300, 2);
	assert_int_equal(load(file, &recording), 0);
	media_sound_init(&sound, MEDIA_SOUND_RECORDING, 8000, recording);
	media_sound_fill(&sound, pcm, 4);
	media_sound_fill(&sound, pcm + 4, 3);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(pcm[i], ((const int16_t[]){100, 200, -300})[i % 3]);
	media_sound_init(&sound, MEDIA_SOUND_RECORDING, 44100, recording); /* a rate it does not have */
	assert_int_equal(sound.kind, MEDIA_SOUND_TUNE);
	media_recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_tone_keeps_its_level_and_pitch_at_every_rate),
		cmocka_unit_test(test_what_a_lower_rate_cannot_carry_is_gone),
		cmocka_unit_test(test_other_files_are_refused),
		cmocka_unit_test(test_cut_files),
		cmocka_unit_test(test_a_recording_goes_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
