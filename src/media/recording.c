#include "media/recording.h"
#include <math.h>
#include <string.h>

#define FORMAT_PCM	  1
#define FORMAT_EXTENSIBLE 0xfffe
#define CHUNK_HEADER	  8
#define FORMAT_BYTES	  16
#define SUBFORMAT_AT	  24 /* in an extensible format chunk: begins with the format's number */
#define HZ_MIN		  8000
#define HZ_MAX		  48000
#define CHANNELS_MAX	  2

/* The filter between two rates: a windowed sinc, tabulated between the input's samples. */
#define ZERO_CROSSINGS 12
#define PHASES	       128

static const uint32_t rates_hz[] = {8000, 16000};

struct media_recording {
	struct {
		int16_t *pcm;
		size_t n_samples;
	} at[G_N_ELEMENTS(rates_hz)];
};

/* --- the file --- */

static uint16_t get_u16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t get_u32(const uint8_t *bytes)
{
	return get_u16(bytes) | (uint32_t)get_u16(bytes + 2) << 16;
}

static int parse_format(const uint8_t *chunk, size_t bytes, struct media_wav *wav)
{
	uint16_t format;

	if (bytes < FORMAT_BYTES)
		return -EBADMSG;
	format = get_u16(chunk);
	if (format == FORMAT_EXTENSIBLE && bytes >= SUBFORMAT_AT + sizeof format)
		format = get_u16(chunk + SUBFORMAT_AT);
	wav->n_channels = get_u16(chunk + 2);
	wav->hz = get_u32(chunk + 4);
	if (format != FORMAT_PCM || get_u16(chunk + 14) != 16 || wav->n_channels < 1 || wav->n_channels > CHANNELS_MAX ||
	    wav->hz < HZ_MIN || wav->hz > HZ_MAX)
		return -ENOTSUP;
	return 0;
}

int media_wav_parse(const uint8_t *bytes, size_t length, struct media_wav *ret_wav)
{
	struct media_wav wav = {0};
	size_t at = 12;

	if (length < at || memcmp(bytes, "RIFF", 4) != 0 || memcmp(bytes + 8, "WAVE", 4) != 0)
		return -EBADMSG;
	while (length - at >= CHUNK_HEADER) {
		const uint8_t *chunk = bytes + at + CHUNK_HEADER;
		size_t left = length - at - CHUNK_HEADER, size = get_u32(bytes + at + 4);
		int error = 0;

		if (memcmp(bytes + at, "data", 4) == 0) {
			if (wav.n_channels == 0)
				return -EBADMSG; /* the format stands before the data */
			wav.pcm = chunk;
			wav.n_samples = MIN(size, left) / (wav.n_channels * sizeof(int16_t)); /* a stream's size is a guess */
			*ret_wav = wav;
			return 0;
		}
		if (size > left)
			return -EBADMSG;
		if (memcmp(bytes + at, "fmt ", 4) == 0)
			error = parse_format(chunk, size, &wav);
		if (error < 0)
			return error;
		at += CHUNK_HEADER + MIN(size + size % 2, left);
	}
	return -EBADMSG;
}

static int16_t *mix(const struct media_wav *wav)
{
	int16_t *pcm = g_new(int16_t, wav->n_samples);

	for (size_t i = 0; i < wav->n_samples; i++) {
		const uint8_t *sample = wav->pcm + i * wav->n_channels * sizeof *pcm;
		int sum = (int16_t)get_u16(sample);

		if (wav->n_channels == 2)
			sum = (sum + (int16_t)get_u16(sample + sizeof *pcm)) / 2;
		pcm[i] = (int16_t)sum;
	}
	return pcm;
}

/* --- another rate --- */

/* `table[phase * n_taps + k]`: how much the k-th input sample counts for an output that lies `phase` PHASES-ths of a sample
 * behind the middle one. The cut-off is that of the lower rate. */
static float *make_filter(uint32_t from_hz, uint32_t to_hz, size_t *ret_n_taps)
{
	double cut = to_hz < from_hz ? (double)to_hz / from_hz : 1;
	size_t half = (size_t)ceil(ZERO_CROSSINGS / cut);
	float *table = g_new(float, PHASES * 2 * half);

	for (size_t phase = 0; phase < PHASES; phase++)
		for (size_t k = 0; k < 2 * half; k++) {
			double x = (double)k - (double)(half - 1) - (double)phase / PHASES;
			double angle = G_PI * x * cut, window = 0.5 + 0.5 * cos(G_PI * x / (double)half);
			double sinc = fabs(angle) < 1e-9 ? 1 : sin(angle) / angle;

			table[phase * 2 * half + k] = (float)(fabs(x) < (double)half ? cut * sinc * window : 0);
		}
	*ret_n_taps = 2 * half;
	return table;
}

static int16_t *change_rate(const int16_t *in, size_t n_in, uint32_t from_hz, uint32_t to_hz, size_t *ret_n)
{
	size_t n_out = MAX((size_t)((uint64_t)n_in * to_hz / from_hz), 1), n_taps;
	int16_t *out = g_new(int16_t, n_out);
	float *filter = make_filter(from_hz, to_hz, &n_taps);

	for (size_t i = 0; i < n_out; i++) {
		uint64_t position = (uint64_t)i * from_hz * PHASES / to_hz;
		const float *taps = filter + position % PHASES * n_taps;
		int64_t first = (int64_t)(position / PHASES) - (int64_t)(n_taps / 2 - 1);
		float sum = 0;

		for (size_t k = 0; k < n_taps; k++)
			if (first + (int64_t)k >= 0 && first + (int64_t)k < (int64_t)n_in)
				sum += taps[k] * in[first + (int64_t)k];
		out[i] = (int16_t)lrintf(CLAMP(sum, -32767.0f, 32767.0f));
	}
	g_free(filter);
	*ret_n = n_out;
	return out;
}

/* --- life --- */

static struct media_recording *recording_new(const struct media_wav *wav)
{
	struct media_recording *recording = g_new0(struct media_recording, 1);
	int16_t *pcm = mix(wav);

	for (size_t i = 0; i < G_N_ELEMENTS(rates_hz); i++)
		recording->at[i].pcm =
			change_rate(pcm, wav->n_samples, wav->hz, rates_hz[i], &recording->at[i].n_samples);
	g_free(pcm);
	return recording;
}

/* `ret_wav` points into *ret_file, which is the caller's in any case. */
static int open_wav(const char *path, GMappedFile **ret_file, struct media_wav *ret_wav)
{
	g_autoptr(GError) error = NULL;
	GMappedFile *file = *ret_file = g_mapped_file_new(path, FALSE, &error);
	int problem;

	if (!file)
		return g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT)   ? -ENOENT
		       : g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_ACCES) ? -EACCES
										  : -EBADMSG;
	if (g_mapped_file_get_length(file) > MEDIA_RECORDING_BYTES_MAX)
		return -EFBIG;
	problem = media_wav_parse((const uint8_t *)g_mapped_file_get_contents(file), g_mapped_file_get_length(file), ret_wav);
	if (problem < 0)
		return problem;
	if (ret_wav->n_samples == 0)
		return -ENODATA;
	return ret_wav->n_samples / ret_wav->hz > MEDIA_RECORDING_SECONDS_MAX ? -EFBIG : 0;
}

int media_recording_check(const char *path)
{
	g_autoptr(GMappedFile) file = NULL;
	struct media_wav wav;

	return open_wav(path, &file, &wav);
}

int media_recording_load(const char *path, struct media_recording **ret_recording)
{
	g_autoptr(GMappedFile) file = NULL;
	struct media_wav wav;
	int error = open_wav(path, &file, &wav);

	if (error == 0)
		*ret_recording = recording_new(&wav);
	return error;
}

struct media_recording *media_recording_free(struct media_recording *recording)
{
	if (!recording)
		return NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(rates_hz); i++)
		g_free(recording->at[i].pcm);
	g_free(recording);
	return NULL;
}

const int16_t *media_recording_pcm(const struct media_recording *recording, uint32_t hz, size_t *ret_n_samples)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rates_hz); i++)
		if (rates_hz[i] == hz) {
			*ret_n_samples = recording->at[i].n_samples;
			return recording->at[i].pcm;
		}
	return NULL;
}
