/* The tone detector fed with any sound in any pieces: starts and ends alternate and are of one digit. And the generator
 * with any digits: what it makes it also ends. First byte: rate and what; then pieces: length, then samples in eight
 * bits. */
#include "media/tone.h"
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX 4000
#define INPUT_MAX  700 /* of which each octet may make some 100 ms of sound */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static const uint32_t rates_hz[] = {8000, 16000, 24000, 32000, 48000};

static void feed(struct media_tone_detector *detector, const int16_t *pcm, size_t n, int *open)
{
	struct media_tone_change changes[MEDIA_TONE_CHANGES_MAX];
	size_t n_changes = media_tone_detector_feed(detector, pcm, n, changes);

	demand(n_changes <= MEDIA_TONE_CHANGES_MAX);
	for (size_t i = 0; i < n_changes; i++) {
		demand(changes[i].kind == MEDIA_TONE_STARTED ? *open < 0 : *open == changes[i].code);
		demand(rtp_event_digit(changes[i].code));
		*open = changes[i].kind == MEDIA_TONE_STARTED ? changes[i].code : -1;
	}
}

static void find(uint32_t hz, const uint8_t *data, size_t size)
{
	struct media_tone_detector *detector = media_tone_detector_new(hz);
	int open = -1;

	while (size > 1) {
		size_t n = data[0] & 0x80 ? 0 : (size_t)data[0] * (hz / 1000);
		int16_t *pcm = malloc(n * sizeof *pcm + 1);

		/* what is there round and round, so that little input makes long tones */
		for (size_t i = 0; i < n; i++)
			pcm[i] = (int16_t)((int8_t)data[1 + i % (size - 1)] * 256);
		if (n > 0)
			feed(detector, pcm, n, &open);
		else
			media_tone_detector_skip(detector, data[1] * 8u);
		free(pcm);
		data += MIN(size, 8 + n / 64);
		size -= MIN(size, 8 + n / 64);
	}
	media_tone_detector_free(detector);
}

static void make(uint32_t hz, const uint8_t *data, size_t size)
{
	struct media_tone_generator generator;
	struct media_tone_detector *detector = media_tone_detector_new(hz);
	int16_t pcm[960 * 6];
	int frames = 0, open = -1;

	media_tone_generator_init(&generator, hz);
	for (; size >= 3 || media_tone_generator_is_busy(&generator); frames++) {
		size_t frame = hz / 1000 * 10 * (1 + (size > 0 ? data[0] % 6 : 1)), n;

		if (size >= 3) {
			struct rtp_digit digit = {data[0] >> 3, data[1], data[2]};

			if (rtp_digits_put(&generator.digits, &digit) < 0)
				rtp_digits_end(&generator.digits, data[2]);
			data += 3;
			size -= 3;
		}
		memset(pcm, 0, frame * sizeof *pcm);
		n = media_tone_generator_fill(&generator, pcm, frame);
		demand(n <= frame && (n == frame || !media_tone_generator_is_busy(&generator)));
		media_tone_generator_state_text(generator.state);
		feed(detector, pcm, frame, &open);
		rtp_digits_end(&generator.digits, frames > FRAMES_MAX ? 1 : 2000);
	}
	media_tone_detector_free(detector);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > INPUT_MAX)
		return 0;
	if (data[0] & 1)
		find(rates_hz[(data[0] >> 1) % G_N_ELEMENTS(rates_hz)], data + 1, size - 1);
	else
		make(rates_hz[(data[0] >> 1) % G_N_ELEMENTS(rates_hz)], data + 1, size - 1);
	return 0;
}
