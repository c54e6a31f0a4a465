/* Sound: the digital milliwatt, a little tune, and what was recorded, round and round. Pure; one thread at a time. */
#pragma once
#include "media/recording.h"

#define MEDIA_SOUND_VOICES 6

enum media_sound_kind {
	MEDIA_SOUND_MILLIWATT, /* 1004 Hz at 0 dBm0 (ITU-T O.133 takes 1004 so that it is no divisor of 8000) */
	MEDIA_SOUND_TUNE,
	MEDIA_SOUND_RECORDING,
};

struct media_sound { /* plain value */
	enum media_sound_kind kind;
	uint32_t hz; /* samples per second */
	const int16_t *recorded; /* borrowed */
	size_t n_recorded, next; /* samples */
	double phase;
	size_t beat;
	uint32_t samples_to_beat;
	struct media_sound_voice {
		float phase, step, amplitude;
	} voices[MEDIA_SOUND_VOICES];
};

/* `recording` is needed for MEDIA_SOUND_RECORDING and outlives the sound; if it does not have the rate, the tune is played. */
void media_sound_init(struct media_sound *sound, enum media_sound_kind kind, uint32_t hz, const struct media_recording *recording);
/* Goes on where it was. Mono. */
void media_sound_fill(struct media_sound *sound, int16_t *pcm, size_t n_samples);
