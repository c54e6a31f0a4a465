/* What to play while packets are missing: the last pitch period again and again, fading out within 60 ms (the way of
 * G.711 Appendix I), and a short cross-fade back. 8000 Hz, mono. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define CONCEAL_HISTORY	  400 /* 50 ms */
#define CONCEAL_PITCH_MAX 120
#define CONCEAL_OVERLAP	  32

struct conceal {
	int16_t history[CONCEAL_HISTORY]; /* of what was played, the newest at the end */
	int16_t period[CONCEAL_PITCH_MAX];
	size_t pitch;	 /* samples in `period`; 0: nothing is missing */
	size_t position; /* in the period */
	size_t missing;	 /* samples made since the loss began */
};

/* Sound that was received: remembered, and after a loss changed at its begin. */
void conceal_receive(struct conceal *conceal, int16_t *pcm, size_t n_samples);
void conceal_fill(struct conceal *conceal, int16_t *pcm, size_t n_samples);
