#include "record/private.h"
#include <fcntl.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_MS	      1000.0			/* of Ogg: what is lost at most when the process dies */
#define WAV_BYTES_MAX (UINT32_MAX - (1 << 20)) /* its sizes have 32 bits */

/* Of Ogg/Opus: from 0 (256 kbit/s a channel) to 1 (6). Far below this the two sides of a call begin to be heard on each other's
 * channel. */
#define OPUS_COMPRESSION 0.87

struct record_sound {
	enum record_format format;
	int descriptor;
	int error; /* of the last that has failed; 0 */
	SNDFILE *file;
};

/* --- the file as libsndfile sees it: errors would be lost otherwise --- */

static sf_count_t get_length(void *user)
{
	const struct record_sound *sound = user;
	struct stat information;

	return fstat(sound->descriptor, &information) < 0 ? -1 : information.st_size;
}

static sf_count_t seek(sf_count_t offset, int whence, void *user)
{
	const struct record_sound *sound = user;

	return lseek(sound->descriptor, offset, whence);
}

static sf_count_t read_back(void *bytes, sf_count_t n, void *user)
{
	const struct record_sound *sound = user;

	return read(sound->descriptor, bytes, (size_t)n);
}

static sf_count_t write_all(const void *bytes, sf_count_t n, void *user)
{
	struct record_sound *sound = user;
	sf_count_t written = 0;

	while (written < n && sound->error == 0) {
		ssize_t part = write(sound->descriptor, (const char *)bytes + written, (size_t)(n - written));

		if (part > 0)
			written += part;
		else if (part == 0 || errno != EINTR)
			sound->error = part == 0 ? -ENOSPC : -errno;
	}
	return written;
}

static sf_count_t tell(void *user)
{
	return seek(0, SEEK_CUR, user);
}

/* --- */

static SNDFILE *open_file(struct record_sound *sound)
{
	static SF_VIRTUAL_IO io = {get_length, seek, read_back, write_all, tell};
	SF_INFO form = {.samplerate = RECORD_HZ, .channels = RECORD_CHANNELS};
	double page_ms = PAGE_MS, compression = OPUS_COMPRESSION;
	SNDFILE *file;

	form.format = sound->format == RECORD_FORMAT_OGG ? SF_FORMAT_OGG | SF_FORMAT_OPUS : SF_FORMAT_WAV | SF_FORMAT_PCM_16;
	file = sf_open_virtual(&io, SFM_WRITE, &form, sound);
	if (file && sound->format == RECORD_FORMAT_OGG) {
		sf_command(file, SFC_SET_OGG_PAGE_LATENCY_MS, &page_ms, sizeof page_ms);
		sf_command(file, SFC_SET_COMPRESSION_LEVEL, &compression, sizeof compression);
	}
	return file;
}

int record_sound_open(int directory, const char *name, enum record_format format, struct record_sound **ret_sound)
{
	struct record_sound *sound;
	/* libsndfile reads back what it writes. */
	int error, descriptor = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (descriptor < 0)
		return -errno;
	sound = g_new0(struct record_sound, 1);
	sound->format = format;
	sound->descriptor = descriptor;
	sound->file = open_file(sound);
	if (!sound->file || sound->error < 0) {
		error = sound->error < 0 ? sound->error : -EIO;
		record_sound_close(sound);
		return error;
	}
	*ret_sound = sound;
	return 0;
}

int record_sound_write(struct record_sound *sound, const int16_t *stereo, size_t n_frames)
{
	sf_count_t written = sf_writef_short(sound->file, stereo, (sf_count_t)n_frames);

	if (sound->error < 0)
		return sound->error;
	if (written != (sf_count_t)n_frames)
		return -EIO;
	return sound->format == RECORD_FORMAT_WAV && get_length(sound) > WAV_BYTES_MAX ? -EFBIG : 0;
}

int record_sound_settle(struct record_sound *sound)
{
	if (sound->format == RECORD_FORMAT_WAV)
		sf_command(sound->file, SFC_UPDATE_HEADER_NOW, NULL, 0);
	return sound->error;
}

int record_sound_close(struct record_sound *sound)
{
	int error;

	if (!sound)
		return 0;
	if (sound->file)
		sf_close(sound->file);
	error = sound->error;
	if (close(sound->descriptor) < 0 && error == 0)
		error = -errno;
	g_free(sound);
	return error;
}
