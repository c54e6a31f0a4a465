#include "frames.h"
#include <errno.h>

#define HEADER_BITS	   5
#define LAYER_HEADER_BITS  4
#define MODE_USER	   13
#define MODE_SIGNALLING	   14
#define MODE_TERMINATOR	   15
#define SIGNAL_HEADER_BITS (HEADER_BITS + 4)
#define USER_HEADER_BITS   (HEADER_BITS + 4 + 5) /* as the library skips it, whatever its manual says */

/* Bits of a frame with its header, by mode (the Speex manual, tables 9.1 and 10.1). 0: no such mode. */
static const uint16_t frame_bits[16] = {5, 43, 119, 160, 220, 300, 364, 492, 79};
/* Of what wideband adds to it, once or twice; the second time in one mode only, or empty. */
static const uint16_t layer_bits[8] = {4, 36, 112, 192, 352};
static const uint8_t layer_mode_last[SPEEX_LAYERS_MAX] = {4, 1};
/* What is signalled within the sound, by its code. */
static const uint8_t signal_bits[16] = {1, 1, 4, 4, 4, 4, 4, 4, 8, 8, 16, 16, 32, 32, 64, 64};

static unsigned read_bits(const uint8_t *payload, size_t at, unsigned n)
{
	unsigned value = 0;
	for (; n; n--, at++)
		value = value << 1 | (payload[at / 8] >> (7 - at % 8) & 1);
	return value;
}

/* What begins at `at` and does not reach past `end`: its bits, 0 when it is none of Speex. */
static size_t element_bits(const uint8_t *payload, size_t at, size_t end, unsigned mode)
{
	switch (mode) {
	case MODE_USER:
		return end - at < USER_HEADER_BITS ? 0 : USER_HEADER_BITS + 8 * read_bits(payload, at + HEADER_BITS, 4);
	case MODE_SIGNALLING:
		return end - at < SIGNAL_HEADER_BITS
			   ? 0
			   : SIGNAL_HEADER_BITS + signal_bits[read_bits(payload, at + HEADER_BITS, 4)];
	default:
		return frame_bits[mode];
	}
}

int speex_frames_count(const uint8_t *payload, size_t length, unsigned layers)
{
	size_t at = 0, end = 8 * length;
	unsigned n_layers = layers; /* none before the first frame */
	int n_frames = 0;
	while (end - at >= LAYER_HEADER_BITS) {
		size_t bits; /* 0: none of Speex */
		if (read_bits(payload, at, 1)) {
			unsigned mode = read_bits(payload, at + 1, 3);
			bits = n_layers < layers && mode <= layer_mode_last[n_layers] ? layer_bits[mode] : 0;
			n_layers++;
		} else {
			if (end - at < HEADER_BITS)
				break;
			unsigned mode = read_bits(payload, at + 1, 4);
			if (mode == MODE_TERMINATOR)
				break;
			bits = element_bits(payload, at, end, mode);
			n_frames += mode < MODE_USER;
			n_layers = n_frames ? 0 : layers;
		}
		if (!bits || bits > end - at)
			return -EBADMSG;
		at += bits;
	}
	return n_frames ? n_frames : -EBADMSG;
}
