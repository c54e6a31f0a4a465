/* What codecs cost: processor time and allocations for 20 ms of sound, encoding and decoding, of every plugin of the
 * build tree; and what a lower complexity takes from Opus, against the sound before it was coded. Of five passes the
 * best.
 *
 * Usage: codec_cost [SPEECH]: a file of 16-bit samples at 16 kHz, mono, without a header; by default something like
 * speech is made. */
#include "plugin/plugin.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SPEECH_HZ     16000
#define SECONDS	      20
#define PASSES	      5
#define FRAMES	      (SECONDS * 100)
#define SAMPLES_MAX   (48000 * SECONDS)
#define DELAY_MS_MAX  60
#define BANDS	      20
#define BAND_FIRST_HZ 100.0

/* --- allocations --- */

static unsigned long allocations;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size)
{
	allocations++;
	return __libc_realloc(memory, size);
}
#endif

/* --- sound --- */

static int16_t speech[SPEECH_HZ * SECONDS];

/* Syllables of a voice: a pulse through three resonances, then breath, then a pause. */
static void make_speech(void)
{
	static const double formants_hz[5][3] = {
	    {730, 1090, 2440}, {270, 2290, 3010}, {530, 1840, 2480}, {300, 870, 2240}, {570, 840, 2410}};
	double y[3][2] = {{0}}, phase = 0;
	uint32_t random = 1;
	for (size_t i = 0; i < SPEECH_HZ * SECONDS; i++) {
		size_t syllable = i / (SPEECH_HZ / 4), at = i % (SPEECH_HZ / 4);
		double t = (double)at / (SPEECH_HZ / 4), loudness = syllable % 8 == 7 ? 0 : sin(M_PI * t);
		random = random * 1664525 + 1013904223;
		double breath = ((double)random / UINT32_MAX - 0.5) * (t > 0.75 ? 0.5 : 0.02), sum = 0;
		phase += (110 + 30 * sin(syllable * 1.7) + 20 * t) / SPEECH_HZ;
		double pulse = t > 0.75 ? 0 : phase >= 1 ? 1 : 0;
		phase -= floor(phase);
		for (size_t k = 0; k < 3; k++) {
			double r = exp(-M_PI * (60 + 40 * (double)k) / SPEECH_HZ);
			double w = 2 * M_PI * formants_hz[syllable % 5][k] / SPEECH_HZ;
			double out = pulse + breath + 2 * r * cos(w) * y[k][0] - r * r * y[k][1];
			y[k][1] = y[k][0];
			y[k][0] = out;
			sum += out / (double)(k + 1);
		}
		speech[i] = (int16_t)lrint(fmax(-30000, fmin(30000, 2500 * loudness * sum)));
	}
}

static void read_speech(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t n = file ? fread(speech, sizeof *speech, G_N_ELEMENTS(speech), file) : 0;
	if (!n) {
		perror(path);
		exit(1);
	}
	fclose(file);
	for (size_t i = n; i < G_N_ELEMENTS(speech); i++)
		speech[i] = speech[i - n];
}

/* The speech at another rate, by a windowed sinc. */
static void resample(uint32_t hz, int16_t *pcm)
{
	double cut = hz < SPEECH_HZ ? 0.95 * hz / SPEECH_HZ : 1;
	int reach = (int)(16 / cut);
	for (size_t i = 0; i < (size_t)hz * SECONDS; i++) {
		double at = (double)i * SPEECH_HZ / hz, sum = 0;
		for (int k = (int)at - reach; k <= (int)at + reach; k++) {
			double x = at - k, w = 0.5 + 0.5 * cos(M_PI * x / (reach + 1));
			if (k >= 0 && k < (int)G_N_ELEMENTS(speech) && fabs(x) <= reach)
				sum +=
				    speech[k] * w * cut * (fabs(x) < 1e-9 ? 1 : sin(M_PI * x * cut) / (M_PI * x * cut));
		}
		pcm[i] = (int16_t)lrint(fmax(-32768, fmin(32767, sum)));
	}
}

/* --- what it costs --- */

struct cost {
	double encode_us, decode_us, allocations, bytes;
};

static double processor_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static uint8_t payloads[FRAMES][TANDEM_CODEC_PAYLOAD_BYTES_MAX];
static int lengths[FRAMES];

/* `level` below 0: the codec's own choice. */
static struct cost pass(const struct tandem_codec *codec, uint32_t hz, int level, const int16_t *pcm, int16_t *heard)
{
	uint16_t ms = codec->frame_durations_ms[0];
	size_t n = (size_t)hz * ms / 1000, n_frames = SECONDS * 1000u / ms;
	if (n_frames > FRAMES)
		n_frames = FRAMES;
	struct tandem_codec_settings settings = {hz, 1, ms, codec->default_fmtp ? codec->default_fmtp : ""};
	void *encoder, *decoder;
	if (codec->encoder_new(&settings, &encoder) < 0 || codec->decoder_new(&settings, &decoder) < 0)
		exit(1);
	if (codec->encoder_set_complexity && level >= 0)
		codec->encoder_set_complexity(encoder, (unsigned)level);
	struct cost cost = {0};
	unsigned long before = allocations;
	double start = processor_us();
	for (size_t i = 0; i < n_frames; i++)
		lengths[i] = codec->encode(encoder, pcm + i * n, n, payloads[i], sizeof payloads[i]);
	double between = processor_us();
	for (size_t i = 0; i < n_frames; i++)
		codec->decode(decoder, lengths[i] > 0 ? payloads[i] : NULL, lengths[i] > 0 ? (size_t)lengths[i] : 0,
			      heard + i * n, n);
	double end = processor_us(), per_20_ms = (double)n_frames * ms / 20;
	cost.allocations = (double)(allocations - before) / per_20_ms;
	cost.encode_us = (between - start) / per_20_ms;
	cost.decode_us = (end - between) / per_20_ms;
	for (size_t i = 0; i < n_frames; i++)
		cost.bytes += lengths[i] > 0 ? lengths[i] / per_20_ms : 0;
	codec->encoder_free(encoder);
	codec->decoder_free(decoder);
	return cost;
}

static struct cost best_pass(const struct tandem_codec *codec, uint32_t hz, int level, const int16_t *pcm,
			     int16_t *heard)
{
	struct cost best = pass(codec, hz, level, pcm, heard);
	for (unsigned i = 1; i < PASSES; i++) {
		struct cost now = pass(codec, hz, level, pcm, heard);
		best.encode_us = fmin(best.encode_us, now.encode_us);
		best.decode_us = fmin(best.decode_us, now.decode_us);
	}
	return best;
}

/* --- what it sounds like --- */

static double correlation(const int16_t *a, const int16_t *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i += 3)
		sum += (double)a[i] * b[i];
	return sum;
}

static size_t find_delay(const int16_t *pcm, const int16_t *heard, uint32_t hz)
{
	size_t best = 0, n = (size_t)hz * 5;
	double most = 0;
	for (size_t delay = 0; delay < hz * DELAY_MS_MAX / 1000; delay++) {
		double now = correlation(pcm, heard + delay, n);
		if (now > most) {
			most = now;
			best = delay;
		}
	}
	return best;
}

/* Power of a 20 ms frame in bands of equal width on a scale like the ear's, up to `hz` / 2 * 0.9. */
static void band_powers(const int16_t *pcm, size_t n, uint32_t hz, double *powers)
{
	double top = log(0.45 * fmin(hz, 16000) / 400 + 1), low = log(BAND_FIRST_HZ / 400 + 1);
	for (size_t band = 0; band < BANDS; band++) {
		powers[band] = 1e3;
		for (unsigned part = 0; part < 4; part++) {
			double place = ((double)band + part / 4.0) / BANDS;
			double w = 2 * M_PI * 400 * (exp(low + (top - low) * place) - 1) / hz, re = 0, im = 0;
			double c = 2 * cos(w), s1 = 0, s2 = 0;
			for (size_t i = 0; i < n; i++) {
				double s0 = pcm[i] * (0.5 - 0.5 * cos(2 * M_PI * (double)i / n)) + c * s1 - s2;
				s2 = s1;
				s1 = s0;
			}
			re = s1 - s2 * cos(w);
			im = s2 * sin(w);
			powers[band] += re * re + im * im;
		}
	}
}

struct quality {
	double snr_db, distance_db; /* both the mean of frames with sound in them */
};

static struct quality judge(const int16_t *pcm, const int16_t *heard, uint32_t hz)
{
	size_t delay = find_delay(pcm, heard, hz), n = hz / 50, n_frames = 0;
	struct quality quality = {0};
	for (size_t at = 0; at + n + delay < (size_t)hz * (SECONDS - 1); at += n) {
		double signal = 0, noise = 0, before[BANDS], after[BANDS], distance = 0;
		for (size_t i = at; i < at + n; i++) {
			signal += (double)pcm[i] * pcm[i];
			noise += pow((double)pcm[i] - heard[i + delay], 2);
		}
		if (signal / n < 200 * 200)
			continue;
		quality.snr_db += fmax(-10, fmin(35, 10 * log10(signal / (noise + 1))));
		band_powers(pcm + at, n, hz, before);
		band_powers(heard + at + delay, n, hz, after);
		for (size_t band = 0; band < BANDS; band++)
			distance += pow(10 * log10(after[band] / before[band]), 2) / BANDS;
		quality.distance_db += sqrt(distance);
		n_frames++;
	}
	quality.snr_db /= n_frames;
	quality.distance_db /= n_frames;
	return quality;
}

static int16_t pcm[SAMPLES_MAX], heard[SAMPLES_MAX + 48000];

static void every_codec(const struct plugin_registry *registry)
{
	const struct tandem_codec *codec;
	printf("20 ms of        at Hz  encode us  decode us  allocations  octets  SNR dB  distance dB\n");
	for (size_t i = 0; (codec = plugin_codec_at(registry, i)); i++)
		for (const uint32_t *hz = codec->pcm_rates_hz; *hz; hz++) {
			if (codec->flags & TANDEM_CODEC_COMFORT_NOISE)
				continue;
			resample(*hz, pcm);
			struct cost cost = best_pass(codec, *hz, -1, pcm, heard);
			struct quality quality = judge(pcm, heard, *hz);
			printf("%-13s  %6u  %9.2f  %9.2f  %11.2f  %6.1f  %6.2f  %11.2f\n", codec->encoding, *hz,
			       cost.encode_us, cost.decode_us, cost.allocations, cost.bytes, quality.snr_db,
			       quality.distance_db);
		}
}

static void opus_complexities(const struct plugin_registry *registry)
{
	static const uint32_t rates_hz[] = {8000, 16000, 48000};
	const struct tandem_codec *opus = plugin_codec_find(registry, "opus", 48000, 2);
	printf("\nopus at Hz  complexity  encode us  decode us  octets  SNR dB  distance dB\n");
	for (size_t i = 0; opus && i < G_N_ELEMENTS(rates_hz); i++)
		for (int level = 0; level <= 10; level++) {
			resample(rates_hz[i], pcm);
			struct cost cost = best_pass(opus, rates_hz[i], level, pcm, heard);
			struct quality quality = judge(pcm, heard, rates_hz[i]);
			printf("%10u  %10d  %9.2f  %9.2f  %6.1f  %6.2f  %11.2f\n", rates_hz[i], level, cost.encode_us,
			       cost.decode_us, cost.bytes, quality.snr_db, quality.distance_db);
		}
}

int main(int argc, char **argv)
{
	struct plugin_registry *registry;
	plugin_registry_new(&registry);
	plugin_registry_load_directory(registry, TANDEM_BUILDDIR "/plugins/.libs");
	if (argc > 1)
		read_speech(argv[1]);
	else
		make_speech();
	every_codec(registry);
	opus_complexities(registry);
	plugin_registry_free(registry);
	return 0;
}
