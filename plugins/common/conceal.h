/* What to play while packets are missing, for codecs that have no answer of their own: the last pitch period again and
 * again, fading out within 60 ms (the way of G.711 Appendix I), and a short cross-fade back. Mono. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define CONCEAL_HZ_MAX	    48000
#define CONCEAL_HISTORY_MAX (CONCEAL_HZ_MAX / 20)	 /* 50 ms */
#define CONCEAL_PITCH_MAX   (CONCEAL_HZ_MAX * 15 / 1000) /* 15 ms */

struct conceal {
	uint32_t hz;
	int16_t history[CONCEAL_HISTORY_MAX]; /* of what was played, the newest at the end */
	int16_t period[CONCEAL_PITCH_MAX];
	size_t pitch;	 /* samples in `period`; 0: nothing is missing */
	size_t position; /* in the period */
	size_t missing;	 /* samples made since the loss began */
};

/* `hz`: 8000 to CONCEAL_HZ_MAX. */
void conceal_init(struct conceal *conceal, uint32_t hz);
/* Sound that was received: remembered, and after a loss changed at its begin. */
void conceal_receive(struct conceal *conceal, int16_t *pcm, size_t n_samples);
void conceal_fill(struct conceal *conceal, int16_t *pcm, size_t n_samples);
