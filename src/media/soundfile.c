#include "media/soundfile.h"
#include "media/resample.h"
#include <fcntl.h>
#include <math.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define HZ_MIN	     8000
#define HZ_MAX	     48000
#define CHANNELS_MAX 2
#define BLOCK_FRAMES 4096

static const uint32_t rates_hz[] = {8000, 16000};

struct media_soundfile {
	gatomicrefcount references;
	struct {
		int16_t *pcm;
		size_t n_samples;
	} at[G_N_ELEMENTS(rates_hz)];
};

/* --- the file --- */

/* The descriptor of a file that may be read, or -errno. */
static int open_file(const char *path)
{
	struct stat information;
	/* Not to wait for the writer of a pipe. */
	int error = 0, descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (descriptor < 0)
		return -errno;
	if (fstat(descriptor, &information) < 0)
		error = -errno;
	else if (!S_ISREG(information.st_mode))
		error = -EBADMSG;
	else if (information.st_size > MEDIA_SOUNDFILE_BYTES_MAX)
		error = -EFBIG;
	if (error == 0)
		return descriptor;
	close(descriptor);
	return error;
}

static int check_form(const SF_INFO *form)
{
	if (form->samplerate < HZ_MIN || form->samplerate > HZ_MAX || form->channels < 1 || form->channels > CHANNELS_MAX)
		return -ENOTSUP;
	if (form->frames < 1)
		return -ENODATA;
	return form->frames / form->samplerate > MEDIA_SOUNDFILE_SECONDS_MAX ? -EFBIG : 0;
}

static int open_sound(const char *path, SNDFILE **ret_sound, SF_INFO *ret_form)
{
	SF_INFO form = {0};
	SNDFILE *sound;
	int error, descriptor = open_file(path);

	if (descriptor < 0)
		return descriptor;
	sound = sf_open_fd(descriptor, SFM_READ, &form, SF_TRUE);
	if (!sound)
		return -EBADMSG; /* it has closed the descriptor */
	error = check_form(&form);
	if (error < 0) {
		sf_close(sound);
		return error;
	}
	*ret_sound = sound;
	*ret_form = form;
	return 0;
}

int media_soundfile_check(const char *path)
{
	SF_INFO form;
	SNDFILE *sound;
	int error = open_sound(path, &sound, &form);

	if (error == 0)
		sf_close(sound);
	return error;
}

const char *media_soundfile_problem(int error)
{
	switch (error) {
	case -EBADMSG:
		return "is no sound file that can be read (WAV, FLAC, Ogg with Opus or Vorbis)";
	case -ENOTSUP:
		return "has more than two channels, or a rate that is not between 8 and 48 kHz";
	case -EFBIG:
		return "is too long";
	case -ENODATA:
		return "holds no sound";
	default:
		return g_strerror(-error);
	}
}

/* One channel of all of it; what the header promises and the file lacks is not there. */
static int16_t *read_mixed(SNDFILE *sound, const SF_INFO *form, size_t *ret_n_samples)
{
	int16_t *pcm = g_new(int16_t, (size_t)form->frames);
	float block[BLOCK_FRAMES * CHANNELS_MAX];
	size_t n_samples = 0;
	sf_count_t n = 1;

	while (n > 0 && n_samples < (size_t)form->frames) {
		n = sf_readf_float(sound, block, MIN((sf_count_t)BLOCK_FRAMES, form->frames - (sf_count_t)n_samples));
		for (sf_count_t i = 0; i < n; i++) {
			const float *frame = block + i * form->channels;
			float sample = form->channels == 2 ? (frame[0] + frame[1]) / 2 : frame[0];

			pcm[n_samples++] = (int16_t)lrintf(CLAMP(sample * 32768.0f, -32768.0f, 32767.0f));
		}
	}
	*ret_n_samples = n_samples;
	return pcm;
}

/* --- life --- */

int media_soundfile_load(const char *path, struct media_soundfile **ret_file)
{
	g_autofree int16_t *pcm = NULL;
	struct media_soundfile *file;
	SF_INFO form;
	SNDFILE *sound;
	size_t n_samples;
	int error = open_sound(path, &sound, &form);

	if (error < 0)
		return error;
	pcm = read_mixed(sound, &form, &n_samples);
	sf_close(sound);
	if (n_samples == 0)
		return -ENODATA;
	file = g_new0(struct media_soundfile, 1);
	g_atomic_ref_count_init(&file->references);
	for (size_t i = 0; i < G_N_ELEMENTS(rates_hz); i++)
		file->at[i].pcm = media_resample_all(pcm, n_samples, (uint32_t)form.samplerate, rates_hz[i],
						     &file->at[i].n_samples);
	*ret_file = file;
	return 0;
}

struct media_soundfile *media_soundfile_ref(struct media_soundfile *file)
{
	if (file)
		g_atomic_ref_count_inc(&file->references);
	return file;
}

struct media_soundfile *media_soundfile_unref(struct media_soundfile *file)
{
	if (!file || !g_atomic_ref_count_dec(&file->references))
		return NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(rates_hz); i++)
		g_free(file->at[i].pcm);
	g_free(file);
	return NULL;
}

const int16_t *media_soundfile_pcm(const struct media_soundfile *file, uint32_t hz, size_t *ret_n_samples)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rates_hz); i++)
		if (rates_hz[i] == hz) {
			*ret_n_samples = file->at[i].n_samples;
			return file->at[i].pcm;
		}
	return NULL;
}
