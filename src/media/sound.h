/* Sound: the digital milliwatt, a little tune, and what is in a file, round and round. Pure; one thread at a time. */
#pragma once
#include "media/soundfile.h"
#include <limits.h>

#define MEDIA_SOUND_VOICES 6

enum media_sound_kind {
	MEDIA_SOUND_MILLIWATT, /* 1004 Hz at 0 dBm0 (ITU-T O.133 takes 1004 so that it is no divisor of 8000) */
	MEDIA_SOUND_TUNE,
	MEDIA_SOUND_FILE,
};

struct media_sound { /* plain value */
	enum media_sound_kind kind;
	uint32_t hz; /* samples per second */
	const int16_t *pcm; /* of the file; borrowed */
	size_t n_pcm, next; /* samples */
	unsigned n_rounds;  /* that are left, with the one that plays; 0: it is over */
	double phase;
	size_t beat;
	uint32_t samples_to_beat;
	struct media_sound_voice {
		float phase, step, amplitude;
	} voices[MEDIA_SOUND_VOICES];
};

/* `file` is needed for MEDIA_SOUND_FILE and outlives the sound; if it does not have the rate, the tune is played. */
void media_sound_init(struct media_sound *sound, enum media_sound_kind kind, uint32_t hz, const struct media_soundfile *file);
/* A file that is played so often only, MEDIA_SOUND_FOR_EVER else: then it is silent. */
#define MEDIA_SOUND_FOR_EVER UINT_MAX
void media_sound_limit(struct media_sound *sound, unsigned n_rounds);
bool media_sound_is_over(const struct media_sound *sound);
/* From the place on where `before`, which plays the same at whatever rate, is. */
void media_sound_resume(struct media_sound *sound, const struct media_sound *before);
/* Goes on where it was. Mono. */
void media_sound_fill(struct media_sound *sound, int16_t *pcm, size_t n_samples);
