#include "conceal.h"
#include <string.h>

#define PITCH_MIN 40
#define WINDOW	  160
#define HOLD	  80  /* samples at full level */
#define FADE	  400 /* samples to silence after that */

static void remember(struct conceal *conceal, const int16_t *pcm, size_t n)
{
	if (n >= CONCEAL_HISTORY) {
		memcpy(conceal->history, pcm + n - CONCEAL_HISTORY, sizeof conceal->history);
		return;
	}
	memmove(conceal->history, conceal->history + n, (CONCEAL_HISTORY - n) * sizeof *pcm);
	memcpy(conceal->history + CONCEAL_HISTORY - n, pcm, n * sizeof *pcm);
}

/* The lag at which the newest sound is most like what was before it. */
static size_t find_pitch(const int16_t *history)
{
	const int16_t *newest = history + CONCEAL_HISTORY - WINDOW;
	size_t best = PITCH_MIN;
	double best_score = -1;
	for (size_t lag = PITCH_MIN; lag <= CONCEAL_PITCH_MAX; lag++) {
		int64_t product = 0, energy = 1;
		for (size_t i = 0; i < WINDOW; i++) {
			product += newest[i] * newest[(ptrdiff_t)i - (ptrdiff_t)lag];
			energy += newest[(ptrdiff_t)i - (ptrdiff_t)lag] * newest[(ptrdiff_t)i - (ptrdiff_t)lag];
		}
		double score = product <= 0 ? 0 : (double)product * product / energy;
		if (score > best_score) {
			best_score = score;
			best = lag;
		}
	}
	return best;
}

static int16_t next_sample(struct conceal *conceal)
{
	int sample = conceal->period[conceal->position];
	size_t missing = conceal->missing++;
	conceal->position = (conceal->position + 1) % conceal->pitch;
	if (missing >= HOLD + FADE)
		return 0;
	return missing < HOLD ? sample : sample * (int)(HOLD + FADE - missing) / FADE;
}

void conceal_fill(struct conceal *conceal, int16_t *pcm, size_t n_samples)
{
	if (!conceal->pitch) {
		conceal->pitch = find_pitch(conceal->history);
		memcpy(conceal->period, conceal->history + CONCEAL_HISTORY - conceal->pitch,
		       conceal->pitch * sizeof *pcm);
		conceal->position = conceal->missing = 0;
	}
	for (size_t i = 0; i < n_samples; i++)
		pcm[i] = next_sample(conceal);
	remember(conceal, pcm, n_samples);
}

void conceal_receive(struct conceal *conceal, int16_t *pcm, size_t n_samples)
{
	if (conceal->pitch) {
		for (size_t i = 0; i < CONCEAL_OVERLAP && i < n_samples; i++)
			pcm[i] =
			    (pcm[i] * (int)i + next_sample(conceal) * (int)(CONCEAL_OVERLAP - i)) / CONCEAL_OVERLAP;
		conceal->pitch = 0;
	}
	remember(conceal, pcm, n_samples);
}
