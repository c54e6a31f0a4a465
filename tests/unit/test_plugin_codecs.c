/* The codec plugins as they lie in the build tree, through the API a call uses. */
#include "plugin/plugin.h"
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#define SECONDS 2

static struct plugin_registry *registry;

static int set_up(void **state)
{
	if (plugin_registry_new(&registry) < 0)
		return -1;
	return plugin_registry_load_directory(registry, TANDEM_BUILDDIR "/plugins/.libs") >= 2 ? 0 : -1;
}

static int tear_down(void **state)
{
	registry = plugin_registry_free(registry);
	return 0;
}

static const struct tandem_codec *find(const char *encoding)
{
	bool is_opus = !strcmp(encoding, "opus");
	const struct tandem_codec *codec =
	    plugin_codec_find(registry, encoding, is_opus ? 48000 : 8000, is_opus ? 2 : 1);
	assert_non_null(codec);
	return codec;
}

static void make_tone(int16_t *pcm, size_t n, uint32_t hz, double tone_hz, double amplitude)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = lrint(amplitude * sin(2 * M_PI * tone_hz * i / hz));
}

/* Like a voice: harmonics of 150 Hz, swelling. */
static void make_voice(int16_t *pcm, size_t n, uint32_t hz)
{
	for (size_t i = 0; i < n; i++) {
		double t = (double)i / hz;
		pcm[i] = lrint((2000 + 1500 * sin(11 * t)) * (sin(2 * M_PI * 150 * t) + 0.5 * sin(2 * M_PI * 450 * t) +
							      0.3 * sin(2 * M_PI * 1050 * t)));
	}
}

/* Amplitude of one frequency (Goertzel by plain correlation). */
static double measure(const int16_t *pcm, size_t n, uint32_t hz, double tone_hz)
{
	double re = 0, im = 0;
	for (size_t i = 0; i < n; i++) {
		re += pcm[i] * cos(2 * M_PI * tone_hz * i / hz);
		im += pcm[i] * sin(2 * M_PI * tone_hz * i / hz);
	}
	return 2 * sqrt(re * re + im * im) / n;
}

static double rms(const int16_t *pcm, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (double)pcm[i] * pcm[i];
	return sqrt(sum / n);
}

struct way {
	const struct tandem_codec *codec;
	void *encoder, *decoder;
};

static struct way open_way(const char *encoding, uint32_t hz, uint8_t channels, const char *fmtp)
{
	struct way way = {.codec = find(encoding)};
	struct tandem_codec_settings settings = {.pcm_hz = hz, .pcm_channels = channels, .frame_ms = 20, .fmtp = fmtp};
	assert_int_equal(way.codec->encoder_new(&settings, &way.encoder), 0);
	assert_int_equal(way.codec->decoder_new(&settings, &way.decoder), 0);
	return way;
}

static void close_way(struct way *way)
{
	way->codec->encoder_free(way->encoder);
	way->codec->decoder_free(way->decoder);
	way->codec->encoder_free(NULL);
	way->codec->decoder_free(NULL);
}

/* Sends `in` through both, 20 ms at a time. */
static void pass(struct way *way, uint32_t hz, const int16_t *in, int16_t *out, size_t n)
{
	size_t frame = hz / 50;
	for (size_t at = 0; at + frame <= n; at += frame) {
		uint8_t payload[TANDEM_CODEC_PAYLOAD_BYTES_MAX];
		int bytes = way->codec->encode(way->encoder, in + at, frame, payload, sizeof payload);
		assert_in_range(bytes, 1, sizeof payload);
		assert_int_equal(way->codec->duration(payload, bytes), way->codec->clock_hz / 50);
		assert_int_equal(way->codec->decode(way->decoder, payload, bytes, out + at, frame), frame);
	}
}

static void test_g711_milliwatt(void **state)
{
	/* The recommendation's sequences for 1 kHz at 0 dBm0 (G.711, tables 5 and 6). */
	static const uint8_t mu[] = {0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e};
	static const uint8_t a[] = {0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4};
	int16_t from_mu[8], from_a[8];
	struct way way = open_way("PCMU", 8000, 1, "");
	uint8_t again[8];
	assert_int_equal(way.codec->decode(way.decoder, mu, 8, from_mu, 8), 8);
	assert_int_equal(way.codec->encode(way.encoder, from_mu, 8, again, 8), 8);
	assert_memory_equal(again, mu, 8);
	close_way(&way);
	way = open_way("PCMA", 8000, 1, "");
	assert_int_equal(way.codec->decode(way.decoder, a, 8, from_a, 8), 8);
	assert_int_equal(way.codec->encode(way.encoder, from_a, 8, again, 8), 8);
	assert_memory_equal(again, a, 8);
	close_way(&way);
	/* A tone that just fills the range (8159 in 14 bits, 4096 in 13) has +3.17 dBm0 in mu-law and +3.14 in A-law.
	 */
	assert_true(fabs(20 * log10(4 * 8159 / (rms(from_mu, 8) * sqrt(2))) - 3.17) < 0.05);
	assert_true(fabs(20 * log10(8 * 4096 / (rms(from_a, 8) * sqrt(2))) - 3.14) < 0.05);
}

static int16_t decode_one(struct way *way, uint8_t octet)
{
	int16_t pcm;
	assert_int_equal(way->codec->decode(way->decoder, &octet, 1, &pcm, 1), 1);
	return pcm;
}

static uint8_t encode_one(struct way *way, int16_t pcm)
{
	uint8_t octet;
	assert_int_equal(way->codec->encode(way->encoder, &pcm, 1, &octet, 1), 1);
	return octet;
}

/* Every linear value against the decision values, counted up segment by segment as the tables do. */
static void check_law(const char *encoding, unsigned shift, int first_step, int n_equal, uint8_t invert,
		      int negative_bit)
{
	struct way way = open_way(encoding, 8000, 1, "");
	int decision[129] = {0}, step = first_step;
	for (int i = 1; i <= 128; i++) {
		decision[i] = decision[i - 1] + (i == 1 && first_step == 2 && shift == 2 ? 1 : step);
		if (i >= n_equal && i % 16 == 0)
			step *= 2;
	}
	for (int code = 0; code < 128; code++) {
		int value = (code == 0 && shift == 2 ? 0 : (decision[code] + decision[code + 1]) / 2) << shift;
		assert_int_equal(decode_one(&way, (code ^ invert) ^ (negative_bit ? 0 : 0x80)), value);
		assert_int_equal(decode_one(&way, (code ^ invert) ^ (negative_bit ? 0x80 : 0)), -value);
	}
	int code = 0;
	for (int linear = 0; linear <= 32767; linear++) {
		while (code < 127 && linear >= decision[code + 1] << shift)
			code++;
		assert_int_equal(encode_one(&way, linear), (code ^ invert) ^ (negative_bit ? 0 : 0x80));
		assert_int_equal(encode_one(&way, -1 - linear), (code ^ invert) ^ (negative_bit ? 0x80 : 0));
	}
	close_way(&way);
}

static void test_g711_tables(void **state)
{
	check_law("PCMU", 2, 2, 16, 0xff, 1);
	check_law("PCMA", 3, 2, 32, 0x55, 0);
}

static void test_g711_tone_level(void **state)
{
	static const char *const encodings[] = {"PCMU", "PCMA"};
	for (size_t i = 0; i < 2; i++) {
		static int16_t in[8000 * SECONDS], out[8000 * SECONDS];
		double amplitude = 4 * 8159 * pow(10, (-16 - 3.17) / 20);
		make_tone(in, G_N_ELEMENTS(in), 8000, 1004, amplitude);
		struct way way = open_way(encodings[i], 8000, 1, "");
		pass(&way, 8000, in, out, G_N_ELEMENTS(in));
		close_way(&way);
		double error_db = 20 * log10(measure(out, G_N_ELEMENTS(out), 8000, 1004) / amplitude);
		if (fabs(error_db) > 0.1)
			fail_msg("%s: %+.3f dB", encodings[i], error_db);
		for (size_t j = 0; j < G_N_ELEMENTS(in); j++)
			out[j] -= in[j];
		double noise_db = 20 * log10(rms(out, G_N_ELEMENTS(out)) / rms(in, G_N_ELEMENTS(in)));
		assert_true(noise_db < -35); /* G.712 wants 33 dB at this level */
	}
}

static void test_opus_tone(void **state)
{
	static const uint32_t rates[] = {8000, 16000, 48000};
	for (size_t i = 0; i < G_N_ELEMENTS(rates); i++) {
		uint32_t hz = rates[i];
		size_t n = hz * SECONDS;
		g_autofree int16_t *in = g_new(int16_t, n), *out = g_new(int16_t, n);
		make_tone(in, n, hz, 1004, 8000);
		struct way way = open_way("opus", hz, 1, "minptime=10;useinbandfec=1");
		pass(&way, hz, in, out, n);
		close_way(&way);
		double level_db = 20 * log10(measure(out + n / 2, n / 2, hz, 1004) / 8000);
		double purity = measure(out + n / 2, n / 2, hz, 1004) / (rms(out + n / 2, n / 2) * sqrt(2));
		if (fabs(level_db) > 1 || purity < 0.95)
			fail_msg("%u Hz: %+.2f dB, purity %.3f", hz, level_db, purity);
	}
}

static void test_opus_rates_mix(void **state)
{
	/* Encoded from telephone sound, decoded at full rate: any rate reads any other. */
	static int16_t in[8000], out[48000];
	make_tone(in, 8000, 8000, 700, 8000);
	struct way narrow = open_way("opus", 8000, 1, ""), wide = open_way("opus", 48000, 2, "");
	static int16_t stereo[2 * 960];
	for (size_t at = 0; at < 50; at++) {
		uint8_t payload[TANDEM_CODEC_PAYLOAD_BYTES_MAX];
		int bytes = narrow.codec->encode(narrow.encoder, in + at * 160, 160, payload, sizeof payload);
		assert_true(bytes > 0);
		assert_int_equal(wide.codec->decode(wide.decoder, payload, bytes, stereo, 960), 960);
		for (size_t i = 0; i < 960; i++)
			out[at * 960 + i] = stereo[2 * i];
	}
	assert_true(measure(out + 24000, 24000, 48000, 700) > 7000);
	close_way(&narrow);
	close_way(&wide);
}

static void test_opus_loss(void **state)
{
	static int16_t in[16000 * SECONDS], out[320];
	make_voice(in, G_N_ELEMENTS(in), 16000);
	struct way way = open_way("opus", 16000, 1, "useinbandfec=1");
	way.codec->encoder_set_loss(way.encoder, 20);
	unsigned recovered = 0;
	for (size_t at = 0; at + 320 <= G_N_ELEMENTS(in); at += 320) {
		uint8_t payload[TANDEM_CODEC_PAYLOAD_BYTES_MAX];
		int bytes = way.codec->encode(way.encoder, in + at, 320, payload, sizeof payload);
		assert_true(bytes > 0);
		if (at / 320 % 10 == 8)
			continue; /* lost */
		if (at / 320 % 10 == 9) {
			int n = way.codec->recover(way.decoder, payload, bytes, out, 320);
			assert_true(n == 0 || n == 320);
			recovered += n > 0;
			if (!n)
				assert_int_equal(way.codec->decode(way.decoder, NULL, 0, out, 320), 320);
			if (n && rms(out, 320) < rms(in + at - 320, 320) / 4)
				fail_msg("at %zu: level %.0f of %.0f", at, rms(out, 320), rms(in + at - 320, 320));
		}
		assert_int_equal(way.codec->decode(way.decoder, payload, bytes, out, 320), 320);
	}
	assert_true(recovered >= 5);
	close_way(&way);
}

static void test_g711_loss(void **state)
{
	static int16_t in[8000], out[160];
	uint8_t payload[160];
	make_tone(in, 8000, 8000, 100, 8000); /* a period of 80 samples */
	struct way way = open_way("PCMA", 8000, 1, "");
	for (size_t i = 0; i < 10; i++) {
		way.codec->encode(way.encoder, in + i * 160, 160, payload, 160);
		way.codec->decode(way.decoder, payload, 160, out, 160);
	}
	assert_int_equal(way.codec->decode(way.decoder, NULL, 0, out, 160), 160);
	for (size_t i = 0; i < 80; i++) /* the tone goes on in phase */
		assert_in_range(out[i] - in[1600 + i] + 400, 0, 800);
	for (int i = 0; i < 4; i++)
		way.codec->decode(way.decoder, NULL, 0, out, 160);
	assert_true(rms(out, 160) == 0); /* and has faded out */
	way.codec->encode(way.encoder, in, 160, payload, 160);
	assert_int_equal(way.codec->decode(way.decoder, payload, 160, out, 160), 160);
	assert_in_range(abs(out[0]), 0, 50); /* no click at the way back */
	assert_in_range(out[20] - in[20] + 8000, 0, 16000);
	assert_in_range(out[100] - in[100] + 300, 0, 600);
	close_way(&way);
}

static void test_refusals(void **state)
{
	static int16_t pcm[48000];
	uint8_t payload[1500];
	void *instance = NULL;
	const struct tandem_codec *pcmu = find("PCMU"), *opus = find("opus");
	struct tandem_codec_settings settings = {.pcm_hz = 16000, .pcm_channels = 1, .frame_ms = 20, .fmtp = ""};
	assert_int_equal(pcmu->encoder_new(&settings, &instance), -EINVAL);
	assert_int_equal(pcmu->decoder_new(&settings, &instance), -EINVAL);
	settings.pcm_hz = 44100;
	assert_int_equal(opus->encoder_new(&settings, &instance), -EINVAL);
	assert_int_equal(opus->decoder_new(&settings, &instance), -EINVAL);
	assert_null(instance);
	struct way way = open_way("PCMU", 8000, 1, "");
	assert_int_equal(pcmu->encode(way.encoder, pcm, 160, payload, 159), -ENOBUFS);
	assert_int_equal(pcmu->decode(way.decoder, payload, 160, pcm, 159), -ENOBUFS);
	assert_int_equal(pcmu->decode(way.decoder, payload, 0, pcm, 160), -EBADMSG);
	assert_int_equal(pcmu->duration(payload, 0), -EBADMSG);
	close_way(&way);
	way = open_way("opus", 48000, 1, "");
	assert_int_equal(opus->encode(way.encoder, pcm, 100, payload, sizeof payload), -EINVAL);
	assert_int_equal(opus->encode(way.encoder, pcm, 48000, payload, sizeof payload), -EINVAL);
	assert_int_equal(opus->decode(way.decoder, payload, 0, pcm, 960), -EBADMSG);
	assert_int_equal(opus->duration(payload, 0), -EBADMSG);
	int bytes = opus->encode(way.encoder, pcm, 960, payload, sizeof payload);
	assert_int_equal(opus->decode(way.decoder, payload, bytes, pcm, 480), -ENOBUFS);
	close_way(&way);
}

static void test_opus_eats_anything(void **state)
{
	static int16_t pcm[2 * 5760];
	struct way way = open_way("opus", 48000, 2, "");
	uint32_t random = 1;
	for (int i = 0; i < 20000; i++) {
		uint8_t payload[64];
		size_t length = 1 + i % sizeof payload;
		g_autofree uint8_t *exact = g_malloc(length);
		for (size_t j = 0; j < length; j++)
			payload[j] = (random = random * 1664525 + 1013904223) >> 24;
		memcpy(exact, payload, length);
		int n = way.codec->duration(exact, length);
		assert_true(n == -EBADMSG || (n > 0 && n <= 5760));
		assert_true(way.codec->recover(way.decoder, exact, length, pcm, 960) <= 960);
		n = way.codec->decode(way.decoder, exact, length, pcm, 5760);
		assert_true(n == -EBADMSG || (n > 0 && n <= 5760));
	}
	close_way(&way);
}

static void test_opus_obeys_fmtp(void **state)
{
	static int16_t in[48000 * SECONDS];
	for (size_t i = 0; i < G_N_ELEMENTS(in); i++)
		in[i] = (int)(g_random_int() % 16000) - 8000;
	static const char *const fmtps[] = {"", "maxaveragebitrate=12000", "stereo=1; maxplaybackrate=8000;cbr=1"};
	size_t sums[3] = {0};
	for (size_t i = 0; i < 3; i++) {
		struct way way = open_way("opus", 48000, 1, fmtps[i]);
		size_t first = 0;
		for (size_t at = 0; at + 960 <= G_N_ELEMENTS(in); at += 960) {
			uint8_t payload[TANDEM_CODEC_PAYLOAD_BYTES_MAX];
			int bytes = way.codec->encode(way.encoder, in + at, 960, payload, sizeof payload);
			assert_true(bytes > 0);
			sums[i] += bytes;
			first = first ? first : (size_t)bytes;
			if (i == 2)
				assert_int_equal(bytes, first); /* constant bit rate */
		}
		close_way(&way);
	}
	assert_in_range(sums[0] * 8 / SECONDS, 28000, 55000);
	assert_in_range(sums[1] * 8 / SECONDS, 6000, 15000);
}

/* What of the packets carry the one before them, in percent, and how many bits a second all of them have. */
static unsigned redundancy(uint32_t hz, const char *fmtp, unsigned loss_percent, size_t *ret_bits)
{
	size_t frame = hz / 50, n = hz * SECONDS, bytes = 0, n_frames = 0, n_carry = 0;
	g_autofree int16_t *in = g_new(int16_t, n), *out = g_new(int16_t, frame);
	make_voice(in, n, hz);
	struct way way = open_way("opus", hz, 1, fmtp);
	way.codec->encoder_set_loss(way.encoder, loss_percent);
	for (size_t at = 0; at + frame <= n; at += frame, n_frames++) {
		uint8_t payload[TANDEM_CODEC_PAYLOAD_BYTES_MAX];
		int length = way.codec->encode(way.encoder, in + at, frame, payload, sizeof payload);
		assert_true(length > 0);
		bytes += length;
		n_carry += way.codec->recover(way.decoder, payload, length, out, frame) > 0;
	}
	close_way(&way);
	*ret_bits = bytes * 8 / SECONDS;
	return n_carry * 100 / n_frames;
}

static void test_opus_carries_what_may_be_lost(void **state)
{
	static const uint32_t rates[] = {8000, 16000};
	for (size_t i = 0; i < G_N_ELEMENTS(rates); i++) {
		size_t bits, quiet_bits;
		assert_int_equal(redundancy(rates[i], "useinbandfec=1", 0, &quiet_bits), 0);
		for (unsigned loss = 5; loss <= 20; loss += 5) {
			unsigned share = redundancy(rates[i], "useinbandfec=1", loss, &bits);
			if (share < 50 || bits > 2 * quiet_bits) /* of what is no pause */
				fail_msg("%u Hz, %u %% lost: %u %% of the packets carry another, %zu bit/s", rates[i],
					 loss, share, bits);
		}
		/* Who does not read it is not sent it, and who sets a limit is not sent more. */
		assert_int_equal(redundancy(rates[i], "useinbandfec=0", 20, &bits), 0);
		assert_in_range(bits, quiet_bits * 9 / 10, quiet_bits * 11 / 10);
		redundancy(rates[i], "useinbandfec=1;maxaveragebitrate=16000", 20, &bits);
		assert_in_range(bits, 1000, 19200); /* in the mean of a longer time */
	}
}

static unsigned packets_of_silence(const char *fmtp)
{
	static const int16_t silence[320];
	unsigned n_sent = 0;
	struct way way = open_way("opus", 16000, 1, fmtp);
	for (unsigned i = 0; i < 100; i++) {
		uint8_t payload[TANDEM_CODEC_PAYLOAD_BYTES_MAX];
		int16_t out[320];
		int length = way.codec->encode(way.encoder, silence, 320, payload, sizeof payload);
		assert_in_range(length, 0, sizeof payload);
		n_sent += length > 0;
		assert_int_equal(way.codec->decode(way.decoder, length ? payload : NULL, length, out, 320), 320);
		if (i > 50)
			assert_true(rms(out, 320) < 20);
	}
	close_way(&way);
	return n_sent;
}

static void test_opus_is_quiet_in_silence(void **state)
{
	assert_in_range(packets_of_silence("usedtx=1"), 1, 30);
	assert_int_equal(packets_of_silence("usedtx=0"), 100);
	assert_int_equal(packets_of_silence(""), 100);
}

static void test_opus_sends_no_more_than_is_played(void **state)
{
	/* 440 Hz and 6 kHz to somebody whose loudspeaker ends at 4 kHz. */
	static int16_t in[48000 * SECONDS], out[48000 * SECONDS];
	for (size_t i = 0; i < G_N_ELEMENTS(in); i++)
		in[i] = lrint(4000 * sin(2 * M_PI * 440 * i / 48000) + 4000 * sin(2 * M_PI * 6000 * i / 48000));
	struct way way = open_way("opus", 48000, 1, "maxplaybackrate=8000");
	pass(&way, 48000, in, out, G_N_ELEMENTS(in));
	close_way(&way);
	assert_true(measure(out + 48000, 48000, 48000, 440) > 3500);
	assert_true(measure(out + 48000, 48000, 48000, 6000) < 100);
	way = open_way("opus", 48000, 1, "maxplaybackrate=16000");
	pass(&way, 48000, in, out, G_N_ELEMENTS(in));
	close_way(&way);
	assert_true(measure(out + 48000, 48000, 48000, 6000) > 3000);
}

static void test_opus_stereo_only_for_who_likes_it(void **state)
{
	static const struct {
		const char *fmtp;
		bool is_stereo;
	} rows[] = {{"stereo=1", true}, {"stereo=0", false}, {"", false}};
	for (size_t row = 0; row < G_N_ELEMENTS(rows); row++) {
		static int16_t in[2 * 960], out[2 * 960], left[960], right[960];
		struct way way = open_way("opus", 48000, 2, rows[row].fmtp);
		for (size_t at = 0; at < 50; at++) {
			for (size_t i = 0; i < 960; i++) {
				in[2 * i] = lrint(8000 * sin(2 * M_PI * 500 * (at * 960 + i) / 48000));
				in[2 * i + 1] = lrint(8000 * sin(2 * M_PI * 1200 * (at * 960 + i) / 48000));
			}
			uint8_t payload[TANDEM_CODEC_PAYLOAD_BYTES_MAX];
			int length = way.codec->encode(way.encoder, in, 960, payload, sizeof payload);
			assert_true(length > 0);
			assert_int_equal((payload[0] & 4) != 0, rows[row].is_stereo);
			assert_int_equal(way.codec->decode(way.decoder, payload, length, out, 960), 960);
		}
		for (size_t i = 0; i < 960; i++) {
			left[i] = out[2 * i];
			right[i] = out[2 * i + 1];
		}
		double own = measure(left, 960, 48000, 500), other = measure(right, 960, 48000, 500);
		if (rows[row].is_stereo)
			assert_true(own > 6500 && other < 1500);
		else
			assert_true(fabs(own - other) < 100);
		close_way(&way);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_g711_milliwatt),
	    cmocka_unit_test(test_g711_tables),
	    cmocka_unit_test(test_g711_tone_level),
	    cmocka_unit_test(test_opus_tone),
	    cmocka_unit_test(test_opus_rates_mix),
	    cmocka_unit_test(test_opus_loss),
	    cmocka_unit_test(test_g711_loss),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_opus_eats_anything),
	    cmocka_unit_test(test_opus_obeys_fmtp),
	    cmocka_unit_test(test_opus_carries_what_may_be_lost),
	    cmocka_unit_test(test_opus_is_quiet_in_silence),
	    cmocka_unit_test(test_opus_sends_no_more_than_is_played),
	    cmocka_unit_test(test_opus_stereo_only_for_who_likes_it),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
