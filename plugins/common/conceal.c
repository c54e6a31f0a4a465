#include "conceal.h"
#include <string.h>

/* Samples in so many tenths of a millisecond. */
static size_t samples(const struct conceal *conceal, unsigned tenths_ms)
{
	return (size_t)conceal->hz * tenths_ms / 10000;
}

#define PITCH_MIN_TENTHS_MS 50
#define PITCH_MAX_TENTHS_MS 150
#define WINDOW_TENTHS_MS    200
#define HOLD_TENTHS_MS	    100 /* at full level */
#define FADE_TENTHS_MS	    500 /* to silence after that */
#define OVERLAP_TENTHS_MS   40

void conceal_init(struct conceal *conceal, uint32_t hz)
{
	memset(conceal, 0, sizeof *conceal);
	conceal->hz = hz;
}

static void remember(struct conceal *conceal, const int16_t *pcm, size_t n)
{
	if (n >= CONCEAL_HISTORY_MAX) {
		memcpy(conceal->history, pcm + n - CONCEAL_HISTORY_MAX, sizeof conceal->history);
		return;
	}
	memmove(conceal->history, conceal->history + n, (CONCEAL_HISTORY_MAX - n) * sizeof *pcm);
	memcpy(conceal->history + CONCEAL_HISTORY_MAX - n, pcm, n * sizeof *pcm);
}

/* How much the newest sound, every `step`th sample of it, is like what was `lag` before it. */
static double likeness(const struct conceal *conceal, size_t lag, size_t step)
{
	size_t window = samples(conceal, WINDOW_TENTHS_MS);
	const int16_t *newest = conceal->history + CONCEAL_HISTORY_MAX - window, *before = newest - lag;
	int64_t product = 0, energy = 1;
	for (size_t i = 0; i < window; i += step) {
		product += newest[i] * before[i];
		energy += before[i] * before[i];
	}
	return product <= 0 ? 0 : (double)product * product / energy;
}

/* The first of the lags in [from, to] at which the likeness is greatest. */
static size_t find_likest(const struct conceal *conceal, size_t from, size_t to, size_t step)
{
	size_t best = from;
	double best_likeness = -1;
	for (size_t lag = from; lag <= to; lag += step) {
		double now = likeness(conceal, lag, step);
		if (now > best_likeness) {
			best_likeness = now;
			best = lag;
		}
	}
	return best;
}

/* Coarsely first, so that a search costs the same at every rate. */
static size_t find_pitch(const struct conceal *conceal)
{
	size_t min = samples(conceal, PITCH_MIN_TENTHS_MS), max = samples(conceal, PITCH_MAX_TENTHS_MS);
	size_t step = conceal->hz / 8000;
	size_t lag = find_likest(conceal, min, max, step);
	if (step == 1)
		return lag;
	return find_likest(conceal, lag < min + step ? min : lag - step, lag + step > max ? max : lag + step, 1);
}

/* The last period; its end goes over into what stood before it, so that it can be played in a ring. */
static void take_period(struct conceal *conceal)
{
	size_t pitch = find_pitch(conceal), overlap = pitch / 4;
	const int16_t *end = conceal->history + CONCEAL_HISTORY_MAX;
	memcpy(conceal->period, end - pitch, pitch * sizeof *end);
	for (size_t i = 0; i < overlap; i++) {
		int last = end[(ptrdiff_t)i - (ptrdiff_t)overlap];
		int before = end[(ptrdiff_t)i - (ptrdiff_t)(pitch + overlap)];
		conceal->period[pitch - overlap + i] = (last * (int)(overlap - i) + before * (int)i) / (int)overlap;
	}
	conceal->pitch = pitch;
	conceal->position = conceal->missing = 0;
}

static int16_t next_sample(struct conceal *conceal)
{
	int64_t sample = conceal->period[conceal->position];
	size_t missing = conceal->missing++;
	size_t hold = samples(conceal, HOLD_TENTHS_MS), fade = samples(conceal, FADE_TENTHS_MS);
	conceal->position = (conceal->position + 1) % conceal->pitch;
	if (missing >= hold + fade)
		return 0;
	return missing < hold ? sample : sample * (int64_t)(hold + fade - missing) / (int64_t)fade;
}

void conceal_fill(struct conceal *conceal, int16_t *pcm, size_t n_samples)
{
	if (!conceal->pitch)
		take_period(conceal);
	for (size_t i = 0; i < n_samples; i++)
		pcm[i] = next_sample(conceal);
	remember(conceal, pcm, n_samples);
}

void conceal_receive(struct conceal *conceal, int16_t *pcm, size_t n_samples)
{
	if (conceal->pitch) {
		int overlap = (int)samples(conceal, OVERLAP_TENTHS_MS);
		for (int i = 0; i < overlap && (size_t)i < n_samples; i++)
			pcm[i] = (pcm[i] * i + next_sample(conceal) * (overlap - i)) / overlap;
		conceal->pitch = 0;
	}
	remember(conceal, pcm, n_samples);
}
