#include "media/sound.h"
#include <math.h>

#define MILLIWATT_HZ 1004
/* 0 dBm0 lies 3.17 dB under a full sine of mu-law, whose highest value is 32124 in 16 bits (ITU-T G.711). */
#define MILLIWATT_PEAK 22302

#define BEAT_MS	     240
#define VOICE_PEAK   3200.0f
#define HALF_LIFE_MS 320

/* Semitones above A3 (220 Hz): four chords of eight notes, bass first; REST is a breath. */
#define REST -100
static const int8_t tune[] = {
	-12, 7,	 12, 16, 19, 16, 12, 7,	 /* A */
	-15, 4,	 9,  12, 16, 12, 9,  4,	 /* F sharp minor */
	-19, 5,	 9,  12, 17, 12, 9,  REST, /* D */
	-17, 7,	 11, 14, 19, 14, 11, REST, /* E */
};

void media_sound_init(struct media_sound *sound, enum media_sound_kind kind, uint32_t hz, const struct media_soundfile *file)
{
	*sound = (struct media_sound){.kind = kind, .hz = hz, .n_rounds = MEDIA_SOUND_FOR_EVER};
	if (kind != MEDIA_SOUND_FILE)
		return;
	sound->pcm = file ? media_soundfile_pcm(file, hz, &sound->n_pcm) : NULL;
	if (!sound->pcm)
		sound->kind = MEDIA_SOUND_TUNE;
}

void media_sound_limit(struct media_sound *sound, unsigned n_rounds)
{
	sound->n_rounds = sound->kind == MEDIA_SOUND_FILE ? n_rounds : 0; /* a tune in its place would have no end */
}

bool media_sound_is_over(const struct media_sound *sound)
{
	return sound->n_rounds == 0;
}

void media_sound_resume(struct media_sound *sound, const struct media_sound *before)
{
	if (sound->kind != MEDIA_SOUND_FILE || before->kind != MEDIA_SOUND_FILE)
		return;
	sound->next = (size_t)((uint64_t)before->next * sound->hz / before->hz) % sound->n_pcm;
	sound->n_rounds = before->n_rounds;
}

static void fill_tone(struct media_sound *sound, int16_t *pcm, size_t n_samples)
{
	double step = 2 * G_PI * MILLIWATT_HZ / sound->hz;

	for (size_t i = 0; i < n_samples; i++) {
		pcm[i] = (int16_t)lrint(MILLIWATT_PEAK * sin(sound->phase));
		sound->phase += step;
	}
	sound->phase = fmod(sound->phase, 2 * G_PI);
}

static void begin_beat(struct media_sound *sound)
{
	int note = tune[sound->beat % G_N_ELEMENTS(tune)];
	struct media_sound_voice *voice = &sound->voices[sound->beat % MEDIA_SOUND_VOICES];

	sound->samples_to_beat = sound->hz / 1000 * BEAT_MS;
	sound->beat++;
	if (note == REST)
		return;
	voice->phase = 0;
	voice->step = (float)(2 * G_PI * 220 * pow(2, note / 12.0) / sound->hz);
	voice->amplitude = VOICE_PEAK;
}

static void fill_tune(struct media_sound *sound, int16_t *pcm, size_t n_samples)
{
	float decay = powf(0.5f, 1000.0f / HALF_LIFE_MS / (float)sound->hz);

	for (size_t i = 0; i < n_samples; i++) {
		float sum = 0;

		if (sound->samples_to_beat-- == 0)
			begin_beat(sound);
		for (size_t k = 0; k < MEDIA_SOUND_VOICES; k++) {
			struct media_sound_voice *voice = &sound->voices[k];

			sum += voice->amplitude * (sinf(voice->phase) + 0.3f * sinf(2 * voice->phase));
			voice->amplitude *= decay;
			voice->phase += voice->step;
			if (voice->phase > (float)(2 * G_PI))
				voice->phase -= (float)(2 * G_PI);
		}
		pcm[i] = (int16_t)CLAMP(sum, -32767.0f, 32767.0f);
	}
}

static void fill_from_file(struct media_sound *sound, int16_t *pcm, size_t n_samples)
{
	for (size_t i = 0; i < n_samples; i++) {
		pcm[i] = sound->n_rounds > 0 ? sound->pcm[sound->next] : 0;
		sound->next = (sound->next + 1) % sound->n_pcm;
		if (sound->next == 0 && sound->n_rounds > 0 && sound->n_rounds < MEDIA_SOUND_FOR_EVER)
			sound->n_rounds--;
	}
}

void media_sound_fill(struct media_sound *sound, int16_t *pcm, size_t n_samples)
{
	switch (sound->kind) {
	case MEDIA_SOUND_MILLIWATT:
		fill_tone(sound, pcm, n_samples);
		break;
	case MEDIA_SOUND_TUNE:
		fill_tune(sound, pcm, n_samples);
		break;
	case MEDIA_SOUND_FILE:
		fill_from_file(sound, pcm, n_samples);
		break;
	}
}
