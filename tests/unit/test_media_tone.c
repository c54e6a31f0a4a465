/* Digits as sound: made, carried, and found again, each once; and nothing found where there is none. */
#include "media/sound.h"
#include "media/tone.h"
#include "plugin/plugin.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DIGITS_MAX	512
#define MILLIWATT_PEAK	22302
#define DURATION_MS_OFF 40 /* one in thousands, in Opus; most are within 12 */

static const uint32_t rates_hz[] = {8000, 16000, 24000, 32000, 48000};
static struct plugin_registry *codecs;

static int set_up(void **state)
{
	if (plugin_registry_new(&codecs) < 0)
		return -1;
	return plugin_registry_load_directory(codecs, TANDEM_BUILDDIR "/plugins/.libs") >= 2 ? 0 : -1;
}

static int tear_down(void **state)
{
	codecs = plugin_registry_free(codecs);
	return 0;
}

static uint64_t seed;

static double random_between(double low, double high)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return low + (high - low) * (double)(seed >> 11) / (double)(UINT64_C(1) << 53);
}

static double random_normal(void)
{
	return sqrt(-2 * log(random_between(1e-12, 1))) * cos(random_between(0, 2 * G_PI));
}

/* --- sound --- */

struct sound {
	uint32_t hz;
	size_t n, room;
	int16_t *pcm;
};

static void grow(struct sound *sound, size_t n)
{
	while (sound->n + n > sound->room) {
		sound->room = MAX(2 * sound->room, 65536);
		sound->pcm = g_renew(int16_t, sound->pcm, sound->room);
	}
	memset(sound->pcm + sound->n, 0, n * sizeof *sound->pcm);
	sound->n += n;
}

static void add_silence(struct sound *sound, uint32_t ms)
{
	grow(sound, sound->hz / 1000 * ms);
}

/* Two tones of their own levels (dBm0) with hard edges, as a telephone makes them; `off` in parts of one. */
static void add_digit(struct sound *sound, char digit, uint32_t ms, double low_db, double high_db, double off)
{
	static const char keys[] = "123A456B789C*0#D";
	static const double lows_hz[] = {697, 770, 852, 941}, highs_hz[] = {1209, 1336, 1477, 1633};
	size_t key = (size_t)(strchr(keys, digit) - keys), from = sound->n, n = sound->hz / 1000 * ms;
	double phases[2] = {random_between(0, 2 * G_PI), random_between(0, 2 * G_PI)};

	grow(sound, n);
	for (size_t i = 0; i < n; i++) {
		double at = 2 * G_PI * (1 + off) * (double)i / sound->hz;

		sound->pcm[from + i] =
		    (int16_t)lrint(MILLIWATT_PEAK * (pow(10, low_db / 20) * sin(at * lows_hz[key / 4] + phases[0]) +
						     pow(10, high_db / 20) * sin(at * highs_hz[key % 4] + phases[1])));
	}
}

static void add_noise(struct sound *sound, double level_db)
{
	double deviation = MILLIWATT_PEAK / sqrt(2) * pow(10, level_db / 20);

	for (size_t i = 0; i < sound->n; i++)
		sound->pcm[i] = (int16_t)CLAMP(lrint(sound->pcm[i] + deviation * random_normal()), -32767, 32767);
}

static void pass_through(struct sound *sound, const char *encoding)
{
	bool is_opus = !strcmp(encoding, "opus");
	const struct tandem_codec *codec = plugin_codec_find(codecs, encoding, is_opus ? 48000 : 8000, is_opus ? 2 : 1);
	struct tandem_codec_settings settings = {.pcm_hz = sound->hz, .pcm_channels = 1, .frame_ms = 20, .fmtp = ""};
	size_t frame = sound->hz / 50;
	void *encoder, *decoder;

	assert_non_null(codec);
	assert_int_equal(codec->encoder_new(&settings, &encoder), 0);
	assert_int_equal(codec->decoder_new(&settings, &decoder), 0);
	for (size_t i = 0; i + frame <= sound->n; i += frame) {
		uint8_t payload[TANDEM_CODEC_PAYLOAD_BYTES_MAX];
		int bytes = codec->encode(encoder, sound->pcm + i, frame, payload, sizeof payload);

		assert_true(bytes > 0);
		assert_int_equal(codec->decode(decoder, payload, (size_t)bytes, sound->pcm + i, frame), frame);
	}
	codec->encoder_free(encoder);
	codec->decoder_free(decoder);
}

static void free_sound(struct sound *sound)
{
	g_free(sound->pcm);
	*sound = (struct sound){0};
}

/* --- hearing --- */

struct heard {
	size_t n;
	char digits[DIGITS_MAX + 1];
	uint32_t durations_ms[DIGITS_MAX];
};

static void note(struct heard *heard, const struct media_tone_change *changes, size_t n, bool *is_open)
{
	for (size_t i = 0; i < n && heard->n < DIGITS_MAX; i++) {
		assert_int_equal(changes[i].kind, *is_open ? MEDIA_TONE_ENDED : MEDIA_TONE_STARTED);
		*is_open = !*is_open;
		if (*is_open) {
			heard->digits[heard->n] = rtp_event_digit(changes[i].code);
			continue;
		}
		assert_int_equal(heard->digits[heard->n], rtp_event_digit(changes[i].code));
		heard->durations_ms[heard->n++] = changes[i].duration_ms;
	}
}

/* Of each `lose_one_in` frames one is missing; 0: none. */
static struct heard hear(const struct sound *sound, uint32_t frame_ms, unsigned lose_one_in)
{
	struct media_tone_detector *detector = media_tone_detector_new(sound->hz);
	struct media_tone_change changes[MEDIA_TONE_CHANGES_MAX];
	size_t frame = sound->hz / 1000 * frame_ms;
	struct heard heard = {0};
	bool is_open = false;

	assert_non_null(detector);
	for (size_t i = 0; i + frame <= sound->n; i += frame) {
		if (lose_one_in && (unsigned)random_between(0, lose_one_in) == 0)
			media_tone_detector_skip(detector, frame);
		else
			note(&heard, changes, media_tone_detector_feed(detector, sound->pcm + i, frame, changes),
			     &is_open);
	}
	heard.digits[heard.n] = '\0';
	media_tone_detector_free(detector);
	return heard;
}

static const char all[] = "0123456789*#ABCD";

/* All digits, each twice, then silence enough for the last end. */
static struct sound dial(uint32_t hz, uint32_t on_ms, uint32_t off_ms, double low_db, double high_db, double off)
{
	struct sound sound = {.hz = hz};

	add_silence(&sound, 100);
	for (const char *digit = all; *digit; digit++)
		for (int twice = 0; twice < 2; twice++) {
			add_digit(&sound, *digit, on_ms, low_db, high_db, off);
			add_silence(&sound, off_ms);
		}
	add_silence(&sound, 200);
	return sound;
}

static const char all_twice[] = "00112233445566778899**##AABBCCDD";

static void check_dialled(struct sound *sound, uint32_t on_ms)
{
	struct heard heard = hear(sound, 20, 0);

	assert_string_equal(heard.digits, all_twice);
	for (size_t i = 0; i < heard.n; i++)
		assert_true(abs((int)heard.durations_ms[i] - (int)on_ms) <= DURATION_MS_OFF);
	free_sound(sound);
}

static void test_all_digits_at_all_levels_and_lengths(void **state)
{
	static const double levels_db[] = {-3, -10, -20, -30};
	static const uint32_t lengths_ms[] = {40, 50, 80, 120, 500};

	for (size_t level = 0; level < G_N_ELEMENTS(levels_db); level++)
		for (size_t length = 0; length < G_N_ELEMENTS(lengths_ms); length++) {
			struct sound sound = dial(8000, lengths_ms[length], 40, levels_db[level], levels_db[level], 0);

			check_dialled(&sound, lengths_ms[length]);
		}
}

static void test_other_rates(void **state)
{
	for (size_t rate = 0; rate < G_N_ELEMENTS(rates_hz); rate++) {
		struct sound sound = dial(rates_hz[rate], 60, 50, -12, -10, 0);

		check_dialled(&sound, 60);
	}
}

static void test_twist_and_tones_that_are_off(void **state)
{
	struct sound sound;

	sound = dial(8000, 60, 50, -12, -18, 0); /* the low one 6 dB louder, by a long line */
	check_dialled(&sound, 60);
	sound = dial(8000, 60, 50, -15, -12, 0); /* the high one 3 dB louder */
	check_dialled(&sound, 60);
	sound = dial(8000, 60, 50, -10, -10, 0.01);
	check_dialled(&sound, 60);
	sound = dial(8000, 60, 50, -10, -10, -0.01);
	check_dialled(&sound, 60);
	sound = dial(8000, 60, 50, -30, -10, 0); /* no digit */
	assert_int_equal(hear(&sound, 20, 0).n, 0);
	free_sound(&sound);
	sound = dial(8000, 60, 50, -10, -10, 0.035);
	assert_int_equal(hear(&sound, 20, 0).n, 0);
	free_sound(&sound);
}

static void test_noise(void **state)
{
	/* 15 dB under both tones together */
	for (int round = 0; round < 5; round++) {
		struct sound sound = dial(8000, 60, 50, -10, -10, 0);

		add_noise(&sound, -7 - 15);
		check_dialled(&sound, 60);
	}
}

static void test_codecs(void **state)
{
	for (uint32_t on_ms = 40; on_ms <= 100; on_ms += 20) {
		struct sound sound = dial(8000, on_ms, 50, -10, -8, 0);

		pass_through(&sound, on_ms % 40 ? "PCMU" : "PCMA");
		check_dialled(&sound, on_ms);
	}
	for (size_t rate = 0; rate < G_N_ELEMENTS(rates_hz); rate++)
		for (uint32_t on_ms = 50; on_ms <= 90 && rates_hz[rate] != 32000; on_ms += 10) {
			struct sound sound = dial(rates_hz[rate], on_ms, 50, -10, -8, 0);

			pass_through(&sound, "opus");
			check_dialled(&sound, on_ms);
		}
}

/* The shortest digit there is may be smeared by Opus beyond finding: two or three in a hundred. */
static void test_the_shortest_digits_in_opus(void **state)
{
	size_t n = 0;

	for (int round = 0; round < 20; round++) {
		struct sound sound = dial(8000, 40, 50, -10, -8, 0);

		pass_through(&sound, "opus");
		n += hear(&sound, 20, 0).n;
		free_sound(&sound);
	}
	assert_in_range(n, 620, 640);
}

static void test_ten_thousand_digits(void **state)
{
	static const char *const encodings[] = {"PCMU", "opus"};

	for (int round = 0; round < 10000 / 32; round++) {
		struct sound sound = dial(8000, 60, 50, -12, -10, 0);

		pass_through(&sound, encodings[round % 2]);
		check_dialled(&sound, 60);
	}
}

static void test_a_missing_frame_makes_no_two_of_one(void **state)
{
	for (int round = 0; round < 20; round++) {
		struct sound sound = dial(8000, 120, 80, -10, -8, 0);
		struct heard heard = hear(&sound, 20, 20);

		assert_string_equal(heard.digits, all_twice);
		free_sound(&sound);
	}
}

/* --- what is no digit --- */

/* Vowels of a changing voice: pulses through three formants, in syllables. */
static struct sound speak(uint32_t seconds)
{
	struct sound sound = {.hz = 8000};
	double pitch_hz = 120, phase = 0, formants_hz[3] = {500, 1500, 2500}, memory[3][2] = {{0}}, loudness = 0;

	add_silence(&sound, 1000 * seconds);
	for (size_t i = 0; i < sound.n; i++) {
		double sample, sum = 0;

		if (i % 1600 == 0) {
			pitch_hz = random_between(80, 320);
			formants_hz[0] = random_between(250, 950);
			formants_hz[1] = random_between(900, 2300);
			formants_hz[2] = random_between(2200, 3300);
			loudness = random_between(0, 1) < 0.2 ? 0 : random_between(2000, 9000);
		}
		phase += pitch_hz * (1 + 0.02 * sin((double)i / 300)) / sound.hz;
		sample = phase >= 1 ? 1 : 0.01 * random_normal();
		phase = phase >= 1 ? phase - 1 : phase;
		for (int f = 0; f < 3; f++) {
			double radius = 0.97 - 0.01 * f;
			double next = sample + 2 * radius * cos(2 * G_PI * formants_hz[f] / sound.hz) * memory[f][0] -
				      radius * radius * memory[f][1];

			memory[f][1] = memory[f][0];
			memory[f][0] = next;
			sum += next / (1 << f);
		}
		sound.pcm[i] = (int16_t)CLAMP(lrint(sum * loudness / 4), -32767, 32767);
	}
	return sound;
}

/* Chords of three voices with overtones, a new one every 200 ms. */
static struct sound make_music(uint32_t seconds)
{
	struct sound sound = {.hz = 8000};
	double notes_hz[3] = {0};

	add_silence(&sound, 1000 * seconds);
	for (size_t i = 0; i < sound.n; i++) {
		double sum = 0;

		for (int v = 0; i % 1600 == 0 && v < 3; v++)
			notes_hz[v] = 220 * pow(2, floor(random_between(-12, 24)) / 12);
		for (int v = 0; v < 3; v++)
			for (int overtone = 1; overtone <= 4; overtone++)
				sum += sin(2 * G_PI * notes_hz[v] * overtone * (double)i / sound.hz) / overtone;
		sound.pcm[i] = (int16_t)lrint(2500 * sum);
	}
	return sound;
}

static void test_speech_and_music_are_no_digits(void **state)
{
	struct sound sound;
	struct media_sound tune;

	seed = 1;
	sound = speak(600);
	assert_in_range(hear(&sound, 20, 0).n, 0, 1);
	free_sound(&sound);
	sound = make_music(600);
	assert_in_range(hear(&sound, 20, 0).n, 0, 1);
	free_sound(&sound);
	sound = (struct sound){.hz = 16000};
	media_sound_init(&tune, MEDIA_SOUND_TUNE, sound.hz, NULL);
	add_silence(&sound, 60000);
	media_sound_fill(&tune, sound.pcm, sound.n);
	assert_int_equal(hear(&sound, 20, 0).n, 0);
	free_sound(&sound);
	sound = (struct sound){.hz = 8000};
	add_silence(&sound, 60000);
	add_noise(&sound, -10);
	assert_int_equal(hear(&sound, 20, 0).n, 0);
	free_sound(&sound);
}

/* --- made --- */

static void test_what_is_made_is_found_at_every_rate_and_volume(void **state)
{
	static const uint8_t volumes[] = {0, RTP_DIGIT_VOLUME, 63};

	for (size_t rate = 0; rate < G_N_ELEMENTS(rates_hz); rate++)
		for (size_t v = 0; v < G_N_ELEMENTS(volumes); v++) {
			struct sound sound = {.hz = rates_hz[rate]};
			struct media_tone_generator generator;
			size_t n = 0, frame = rates_hz[rate] / 50;

			media_tone_generator_init(&generator, sound.hz);
			for (const char *digit = all; *digit; digit++) {
				struct rtp_digit one = {(uint8_t)rtp_event_code(*digit), volumes[v],
							40 + 10 * (uint32_t)(digit - all)};

				assert_int_equal(rtp_digits_put(&generator.digits, &one), 0);
			}
			while (media_tone_generator_is_busy(&generator)) {
				grow(&sound, frame);
				n += media_tone_generator_fill(&generator, sound.pcm + sound.n - frame, frame);
			}
			/* 16 digits of 40 to 190 ms, and as many gaps */
			assert_int_equal(n, sound.hz / 1000 * (16 * 40 + 10 * 120 + 16 * RTP_DIGIT_GAP_MS));
			add_silence(&sound, 100);
			struct heard heard = hear(&sound, 20, 0);
			assert_string_equal(heard.digits, all);
			for (size_t i = 0; i < heard.n; i++)
				assert_true(abs((int)heard.durations_ms[i] - 40 - 10 * (int)i) <= DURATION_MS_OFF);
			free_sound(&sound);
		}
}

static double level_db(const int16_t *pcm, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)pcm[i] * pcm[i];
	return 20 * log10(sqrt(2 * sum / (double)n) / MILLIWATT_PEAK);
}

static void test_edges_are_soft_and_the_volume_is_right(void **state)
{
	struct media_tone_generator generator;
	struct rtp_digit digit = {5, 10, 0};
	int16_t pcm[800], rest[800];

	media_tone_generator_init(&generator, 8000);
	assert_int_equal(rtp_digits_put(&generator.digits, &digit), 0);
	assert_int_equal(media_tone_generator_fill(&generator, pcm, 800), 800);
	assert_true(abs(pcm[0]) < 50 && abs(pcm[1]) < 300);
	assert_true(fabs(level_db(pcm + 80, 720) + 10) < 0.5);
	/* still pressed; then it ends as soon as it can, since it was shorter */
	rtp_digits_end(&generator.digits, 60);
	memset(rest, 1, sizeof rest);
	assert_int_equal(media_tone_generator_fill(&generator, rest, 800), 24 + 400);
	for (size_t i = 1; i < 26; i++)
		assert_true(abs(rest[i] - rest[i - 1]) < 9000);
	assert_true(abs(rest[23]) < 100);
	for (size_t i = 24; i < 424; i++)
		assert_int_equal(rest[i], 0);
	assert_int_equal(rest[424], 0x0101);
	assert_false(media_tone_generator_is_busy(&generator));
	digit.code = RTP_DIGIT_CODE_FLASH; /* has no sound */
	assert_int_equal(rtp_digits_put(&generator.digits, &digit), 0);
	assert_int_equal(media_tone_generator_fill(&generator, rest, 800), 0);
	assert_false(media_tone_generator_is_busy(&generator));
}

static void test_bounds(void **state)
{
	static int16_t pcm[48000];
	struct media_tone_change changes[MEDIA_TONE_CHANGES_MAX];
	struct media_tone_detector *detector = media_tone_detector_new(48000);

	assert_null(media_tone_detector_new(7999));
	assert_null(media_tone_detector_new(0));
	assert_int_equal(media_tone_detector_feed(detector, pcm, G_N_ELEMENTS(pcm), changes), 0);
	assert_int_equal(media_tone_detector_feed(detector, pcm, 0, changes), 0);
	media_tone_detector_skip(detector, G_N_ELEMENTS(pcm));
	assert_null(media_tone_detector_free(detector));
	assert_null(media_tone_detector_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_digits_at_all_levels_and_lengths),
	    cmocka_unit_test(test_other_rates),
	    cmocka_unit_test(test_twist_and_tones_that_are_off),
	    cmocka_unit_test(test_noise),
	    cmocka_unit_test(test_codecs),
	    cmocka_unit_test(test_the_shortest_digits_in_opus),
	    cmocka_unit_test(test_ten_thousand_digits),
	    cmocka_unit_test(test_a_missing_frame_makes_no_two_of_one),
	    cmocka_unit_test(test_speech_and_music_are_no_digits),
	    cmocka_unit_test(test_what_is_made_is_found_at_every_rate_and_volume),
	    cmocka_unit_test(test_edges_are_soft_and_the_volume_is_right),
	    cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
