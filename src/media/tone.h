/* Digits as sound (ITU-T Q.23, Q.24): found in it, and made. One thread at a time; nothing is allocated after
 * ..._new(). */
#pragma once
#include "rtp/digits.h"

/* --- found --- */

#define MEDIA_TONE_FRAME_MS_MAX 120 /* of one feed */
#define MEDIA_TONE_CHANGES_MAX	12

enum media_tone_change_kind { MEDIA_TONE_STARTED, MEDIA_TONE_ENDED };
struct media_tone_change {
	enum media_tone_change_kind kind;
	uint8_t code;	      /* as of rtp_event_digit() */
	uint32_t duration_ms; /* ENDED: how long it sounded, within 12 ms mostly, more where a codec smears it */
};
struct media_tone_detector;
/* `hz`: 8 to 48 kHz; a feed is a whole number of samples at 8 kHz (at 44.1 kHz: of 10 ms). NULL: another rate. */
struct media_tone_detector *media_tone_detector_new(uint32_t hz);
struct media_tone_detector *media_tone_detector_free(struct media_tone_detector *detector); /* accepts NULL */
/* Mono. Returns how many changes there were, in order; each STARTED is followed by its ENDED. Both are known 25 to 38
 * ms after they were. Digits of 40 ms with gaps of 40 ms are found from -3 to -30 dBm0. Sound over
 * MEDIA_TONE_FRAME_MS_MAX is cut. */
size_t media_tone_detector_feed(struct media_tone_detector *detector, const int16_t *pcm, size_t n_samples,
				struct media_tone_change ret_changes[static MEDIA_TONE_CHANGES_MAX]);
/* So many samples are missing: a digit that goes on behind them is the same one. What conceals them is better not fed:
 * where it fades (Opus), one digit becomes two. */
void media_tone_detector_skip(struct media_tone_detector *detector, size_t n_samples);

/* --- made --- */

#define MEDIA_TONE_VOLUME_MAX 25 /* -dBm0; fainter ones are made so loud, since far ends have to find them */

enum media_tone_generator_state { MEDIA_TONE_IDLE, MEDIA_TONE_SOUNDING, MEDIA_TONE_FADING, MEDIA_TONE_GAP };
const char *media_tone_generator_state_text(enum media_tone_generator_state state);

struct media_tone_generator {	  /* plain value; private but for `digits` */
	struct rtp_digits digits; /* the first is at hand, unless IDLE or GAP */
	enum media_tone_generator_state state;
	uint32_t hz;
	double amplitude[2], phase[2], step[2]; /* of the low and the high tone */
	uint32_t position;			/* samples of the digit, of its fading, or of the gap so far */
};
void media_tone_generator_init(struct media_tone_generator *generator, uint32_t hz);
/* A digit or the gap after it sounds, or waits to. `volume` of a digit is that of both tones together; the high one is
 * 2 dB louder. */
bool media_tone_generator_is_busy(const struct media_tone_generator *generator);
/* Writes digits and gaps over the sound in `pcm` (mono), for as long as they last; the rest stays. Returns the samples
 * written over. */
size_t media_tone_generator_fill(struct media_tone_generator *generator, int16_t *pcm, size_t n_samples);
