/* Sound out of a file (WAV, FLAC, Ogg with Opus or Vorbis), kept at the rates that codecs want. Immutable once made, and
 * counted: any thread. */
#pragma once
#include "base/base.h"

#define MEDIA_SOUNDFILE_BYTES_MAX (128 << 20) /* of the file */
#define MEDIA_SOUNDFILE_SECONDS_MAX 600

struct media_soundfile;
/* Whether a file can be one: one or two channels, 8 to 48 kHz. 0 or -errno: of opening, -EBADMSG (no sound file), -ENOTSUP
 * (another rate, more channels), -EFBIG, -ENODATA. */
int media_soundfile_check(const char *path);
/* What is wrong with it, for people: "is no sound file ...". */
const char *media_soundfile_problem(int error);
/* The same, and makes it, which takes a while when it is long. Channels are mixed. */
int media_soundfile_load(const char *path, struct media_soundfile **ret_file);
struct media_soundfile *media_soundfile_ref(struct media_soundfile *file); /* accepts NULL */
struct media_soundfile *media_soundfile_unref(struct media_soundfile *file); /* accepts NULL; returns NULL */
/* The sound at a rate; at least one sample. NULL: not kept at this rate. */
const int16_t *media_soundfile_pcm(const struct media_soundfile *file, uint32_t hz, size_t *ret_n_samples);
