/* Sound out of a WAV file, kept at the rates that codecs want. Immutable once made: any thread. */
#pragma once
#include "base/base.h"

#define MEDIA_RECORDING_BYTES_MAX (64 << 20) /* of the file */
#define MEDIA_RECORDING_SECONDS_MAX 600

/* What a WAV file says; `pcm` points into it: 16 bits, little endian, interleaved. */
struct media_wav {
	uint32_t hz;
	unsigned n_channels;
	const uint8_t *pcm;
	size_t n_samples; /* a channel */
};
/* Linear PCM of 16 bits, one or two channels, 8 to 48 kHz. 0; -EBADMSG: no WAV file; -ENOTSUP: another kind of one. */
int media_wav_parse(const uint8_t *bytes, size_t length, struct media_wav *ret_wav);

struct media_recording;
/* Whether a file can be one. 0 or -errno: of reading, -EBADMSG, -ENOTSUP, -EFBIG, -ENODATA. */
int media_recording_check(const char *path);
/* The same, and makes it, which takes a while when it is long. Channels are mixed. */
int media_recording_load(const char *path, struct media_recording **ret_recording);
struct media_recording *media_recording_free(struct media_recording *recording); /* accepts NULL; returns NULL */
/* The sound at a rate; at least one sample. NULL: not kept at this rate. */
const int16_t *media_recording_pcm(const struct media_recording *recording, uint32_t hz, size_t *ret_n_samples);
