/* Sound files: which are taken, and what becomes of their sound at other rates. */
#include "media/soundfile.h"
#include "media/sound.h"
#include <glib/gstdio.h>
#include <math.h>
#include <setjmp.h>
#include <sndfile.h>
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

static int load(GByteArray *file, struct media_soundfile **ret_sound)
{
	g_autofree char *path = NULL;
	int error, descriptor = g_file_open_tmp("tandem-XXXXXX.wav", &path, NULL);

	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, file->data, file->len), file->len);
	close(descriptor);
	error = media_soundfile_load(path, ret_sound);
	g_unlink(path);
	g_byte_array_unref(file);
	return error;
}

/* Two seconds; the path is to be freed and the file to be removed. */
static char *write_tone(int format, int hz, int n_channels, double tone_hz)
{
	SF_INFO info = {.samplerate = hz, .channels = n_channels, .format = format};
	char *path = NULL;
	int descriptor = g_file_open_tmp("tandem-XXXXXX.sound", &path, NULL);
	SNDFILE *sound;
	float frame[2];

	close(descriptor);
	sound = sf_open(path, SFM_WRITE, &info);
	assert_non_null(sound);
	for (int i = 0; i < 2 * hz; i++) {
		frame[0] = frame[1] = (float)(10000 * sin(2 * G_PI * tone_hz * i / hz) / 32768);
		assert_int_equal(sf_writef_float(sound, frame, 1), 1);
	}
	assert_int_equal(sf_close(sound), 0);
	return path;
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
	struct media_soundfile *sound;
	size_t n;

	for (size_t i = 0; i < G_N_ELEMENTS(from); i++) {
		struct form form = {1, 2, 16, from[i]};

		assert_int_equal(load(tone(&form, 1000, 2), &sound), 0);
		for (size_t k = 0; k < G_N_ELEMENTS(to); k++) {
			const int16_t *pcm = media_soundfile_pcm(sound, to[k], &n);

			assert_int_equal(n, 2 * to[k]);
			assert_true(fabs(20 * log10(amplitude_at(pcm, n, 1000, to[k]) / 10000)) < 0.2);
		}
		assert_null(media_soundfile_pcm(sound, 12000, &n));
		media_soundfile_unref(sound);
	}
}

static void test_what_a_lower_rate_cannot_carry_is_gone(void **state)
{
	struct media_soundfile *sound;
	size_t n;
	const int16_t *pcm;

	assert_int_equal(load(tone(&usual, 6000, 1), &sound), 0);
	pcm = media_soundfile_pcm(sound, 8000, &n);
	assert_true(amplitude_at(pcm + 500, n - 1000, 2000, 8000) < 10000 / 300.0); /* its image: 50 dB down */
	pcm = media_soundfile_pcm(sound, 16000, &n);
	assert_true(amplitude_at(pcm, n, 6000, 16000) > 9500);
	media_soundfile_unref(sound);
}

/* Every kind that libsndfile writes: its sound is as loud, as high and as long. */
static void test_a_tone_out_of_every_kind_of_file(void **state)
{
	static const struct kind {
		const char *name;
		int format;
		int hz;
	} kinds[] = {
		{"8-bit WAV", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 44100},
		{"24-bit WAV", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 48000},
		{"WAV of floats", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 22050},
		{"mu-law WAV", SF_FORMAT_WAV | SF_FORMAT_ULAW, 8000},
		{"FLAC", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 44100},
		{"Ogg/Opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000},
		{"Ogg/Vorbis", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44100},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		for (int n_channels = 1; n_channels <= 2; n_channels++) {
			struct media_soundfile *sound = NULL;
			g_autofree char *path = write_tone(kinds[i].format, kinds[i].hz, n_channels, 1000);
			const int16_t *pcm;
			size_t n;

			assert_int_equal(media_soundfile_check(path), 0);
			assert_int_equal(media_soundfile_load(path, &sound), 0);
			pcm = media_soundfile_pcm(sound, 16000, &n);
			if (labs((long)n - 2 * 16000) > 16000 / 50)
				fail_msg("%s: %zu samples", kinds[i].name, n);
			if (fabs(20 * log10(amplitude_at(pcm + 4000, 16000, 1000, 16000) / 10000)) > 0.5)
				fail_msg("%s: %f", kinds[i].name, amplitude_at(pcm + 4000, 16000, 1000, 16000));
			media_soundfile_unref(sound);
			g_unlink(path);
		}
}

static void test_other_files_are_refused(void **state)
{
	static const struct form others[] = {{1, 3, 16, 8000}, {1, 1, 16, 7999}, {1, 1, 16, 96000}};
	struct media_soundfile *sound = NULL;
	GByteArray *file;

	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		assert_int_equal(load(begin(&others[i], 0), &sound), -ENOTSUP);
	assert_int_equal(load(begin(&usual, 0), &sound), -ENODATA);
	file = g_byte_array_new();
	put(file, "OggS");
	assert_int_equal(load(file, &sound), -EBADMSG);
	assert_int_equal(load(g_byte_array_new(), &sound), -EBADMSG);
	assert_int_equal(media_soundfile_load("/nowhere/music.wav", &sound), -ENOENT);
	assert_int_equal(media_soundfile_load("/dev/null", &sound), -EBADMSG);
	assert_int_equal(media_soundfile_load("/", &sound), -EBADMSG);
	assert_null(sound);
}

static void test_a_file_that_is_too_long_is_refused(void **state)
{
	struct form form = {1, 1, 8, 8000};
	GByteArray *file = begin(&form, 8000 * (MEDIA_SOUNDFILE_SECONDS_MAX + 1));
	struct media_soundfile *sound = NULL;
	guint header = file->len;

	g_byte_array_set_size(file, header + 8000 * (MEDIA_SOUNDFILE_SECONDS_MAX + 1));
	memset(file->data + header, 0x80, file->len - header);
	assert_int_equal(load(file, &sound), -EFBIG);
	assert_null(sound);
}

/* What a download has left of a file is played as far as it goes. */
static void test_a_cut_file_is_as_long_as_what_is_there(void **state)
{
	GByteArray *file = tone(&usual, 1000, 2);
	struct media_soundfile *sound;
	size_t n;

	g_byte_array_set_size(file, file->len - 44100 * 2);
	assert_int_equal(load(file, &sound), 0);
	media_soundfile_pcm(sound, 8000, &n);
	assert_int_equal(n, 8000);
	media_soundfile_unref(sound);
}

static void test_a_file_goes_round(void **state)
{
	struct form form = {1, 1, 16, 8000};
	GByteArray *file = begin(&form, 6);
	struct media_soundfile *sound;
	struct media_sound player;
	int16_t pcm[7];

	put_le(file, 100, 2);
	put_le(file, 200, 2);
	put_le(file, (uint16_t)-300, 2);
	assert_int_equal(load(file, &sound), 0);
	media_sound_init(&player, MEDIA_SOUND_FILE, 8000, sound);
	media_sound_fill(&player, pcm, 4);
	media_sound_fill(&player, pcm + 4, 3);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(pcm[i], ((const int16_t[]){100, 200, -300})[i % 3]);
	media_sound_limit(&player, 2);
	media_sound_fill(&player, pcm, 3);
	assert_false(media_sound_is_over(&player));
	media_sound_fill(&player, pcm, 7);
	assert_true(media_sound_is_over(&player));
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(pcm[i], i < 2 ? ((const int16_t[]){200, -300})[i] : 0);
	media_sound_init(&player, MEDIA_SOUND_FILE, 44100, sound); /* a rate it does not have */
	assert_int_equal(player.kind, MEDIA_SOUND_TUNE);
	media_sound_limit(&player, 2);
	assert_true(media_sound_is_over(&player));
	media_soundfile_unref(sound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_tone_keeps_its_level_and_pitch_at_every_rate),
		cmocka_unit_test(test_what_a_lower_rate_cannot_carry_is_gone),
		cmocka_unit_test(test_other_files_are_refused),
		cmocka_unit_test(test_a_tone_out_of_every_kind_of_file),
		cmocka_unit_test(test_a_file_that_is_too_long_is_refused),
		cmocka_unit_test(test_a_cut_file_is_as_long_as_what_is_there),
		cmocka_unit_test(test_a_file_goes_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
