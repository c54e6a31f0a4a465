/* Sound out of nothing: the digital milliwatt and a little tune. Pure; one thread at a time. */
#pragma once
#include "base/base.h"

#define MEDIA_SOUND_VOICES 6

enum media_sound_kind {
	MEDIA_SOUND_MILLIWATT, /* 1004 Hz at 0 dBm0 (ITU-T O.133 takes 1004 so that it is no divisor of 8000) */
	MEDIA_SOUND_TUNE,
};

struct media_sound { /* plain value */
	enum media_sound_kind kind;
	uint32_t hz; /* samples per second */
	double phase;
	size_t beat;
	uint32_t samples_to_beat;
	struct media_sound_voice {
		float phase, step, amplitude;
	} voices[MEDIA_SOUND_VOICES];
};

void media_sound_init(struct media_sound *sound, enum media_sound_kind kind, uint32_t hz);
/* Goes on where it was. Mono. */
void media_sound_fill(struct media_sound *sound, int16_t *pcm, size_t n_samples);
