#include "media/tone.h"
#include <math.h>
#include <string.h>

#define EDGE_MS	       3
#define MILLIWATT_PEAK 22302 /* of a sine at 0 dBm0 (ITU-T G.711) */
#define TWIST_DB       2

const char *media_tone_generator_state_text(enum media_tone_generator_state state)
{
	static const char *const texts[] = {"idle", "sounding", "fading", "gap"};

	return texts[state];
}

void media_tone_generator_init(struct media_tone_generator *generator, uint32_t hz)
{
	*generator = (struct media_tone_generator){.hz = hz};
}

bool media_tone_generator_is_busy(const struct media_tone_generator *generator)
{
	return generator->state != MEDIA_TONE_IDLE || generator->digits.n > 0;
}

static void set_state(struct media_tone_generator *generator, enum media_tone_generator_state state)
{
	generator->state = state;
	generator->position = 0;
}

static uint32_t samples_of(const struct media_tone_generator *generator, uint32_t ms)
{
	return generator->hz / 1000 * ms;
}

/* ITU-T Q.23: rows and columns of the keys. */
static void choose_tones(struct media_tone_generator *generator, const struct rtp_digit *digit)
{
	static const char keys[] = "123A456B789C*0#D";
	static const double lows_hz[] = {697, 770, 852, 941}, highs_hz[] = {1209, 1336, 1477, 1633};
	size_t key = (size_t)(strchr(keys, rtp_event_digit(digit->code)) - keys);
	double both = MILLIWATT_PEAK * pow(10, -MIN(digit->volume, MEDIA_TONE_VOLUME_MAX) / 20.0),
	       twist = pow(10, TWIST_DB / 20.0);

	generator->amplitude[0] = both / sqrt(1 + twist * twist);
	generator->amplitude[1] = generator->amplitude[0] * twist;
	generator->step[0] = 2 * G_PI * lows_hz[key / 4] / generator->hz;
	generator->step[1] = 2 * G_PI * highs_hz[key % 4] / generator->hz;
	generator->phase[0] = generator->phase[1] = 0;
}

static void begin_digit(struct media_tone_generator *generator)
{
	const struct rtp_digit *digit = rtp_digits_head(&generator->digits);

	if (!rtp_event_digit(digit->code)) {
		rtp_digits_drop(&generator->digits); /* no sound stands for it */
		return;
	}
	choose_tones(generator, digit);
	set_state(generator, MEDIA_TONE_SOUNDING);
}

/* `share` of full loudness. */
static int16_t next_sample(struct media_tone_generator *generator, double share)
{
	double sum = 0;

	for (int i = 0; i < 2; i++) {
		sum += generator->amplitude[i] * sin(generator->phase[i]);
		generator->phase[i] = fmod(generator->phase[i] + generator->step[i], 2 * G_PI);
	}
	return (int16_t)lrint(CLAMP(share * sum, -32767.0, 32767.0));
}

static size_t sound(struct media_tone_generator *generator, int16_t *pcm, size_t room)
{
	uint32_t told_ms = rtp_digits_head(&generator->digits)->duration_ms, edge = samples_of(generator, EDGE_MS);
	uint32_t until = samples_of(generator, told_ms ? told_ms : RTP_DIGIT_MS_MAX) - edge;
	size_t n = generator->position < until ? MIN(room, until - generator->position) : 0;

	for (size_t i = 0; i < n; i++, generator->position++) {
		double risen = MIN(generator->position, edge) / (double)edge;

		pcm[i] = next_sample(generator, 0.5 - 0.5 * cos(G_PI * risen));
	}
	if (generator->position >= until)
		set_state(generator, MEDIA_TONE_FADING);
	return n;
}

static size_t fade(struct media_tone_generator *generator, int16_t *pcm, size_t room)
{
	uint32_t edge = samples_of(generator, EDGE_MS);
	size_t n = MIN(room, edge - generator->position);

	for (size_t i = 0; i < n; i++, generator->position++)
		pcm[i] = next_sample(generator, 0.5 + 0.5 * cos(G_PI * generator->position / edge));
	if (generator->position == edge) {
		rtp_digits_drop(&generator->digits);
		set_state(generator, MEDIA_TONE_GAP);
	}
	return n;
}

static size_t leave_gap(struct media_tone_generator *generator, int16_t *pcm, size_t room)
{
	uint32_t gap = samples_of(generator, RTP_DIGIT_GAP_MS);
	size_t n = MIN(room, gap - generator->position);

	memset(pcm, 0, n * sizeof *pcm);
	generator->position += (uint32_t)n;
	if (generator->position == gap)
		set_state(generator, MEDIA_TONE_IDLE);
	return n;
}

size_t media_tone_generator_fill(struct media_tone_generator *generator, int16_t *pcm, size_t n_samples)
{
	size_t n = 0;

	while (n < n_samples && media_tone_generator_is_busy(generator))
		switch (generator->state) {
		case MEDIA_TONE_IDLE:
			begin_digit(generator);
			break;
		case MEDIA_TONE_SOUNDING:
			n += sound(generator, pcm + n, n_samples - n);
			break;
		case MEDIA_TONE_FADING:
			n += fade(generator, pcm + n, n_samples - n);
			break;
		case MEDIA_TONE_GAP:
			n += leave_gap(generator, pcm + n, n_samples - n);
			break;
		}
	return n;
}
