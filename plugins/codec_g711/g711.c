/* The recommendation counts mu-law in 14 bits (table 2a) and A-law in 13 (table 1a); they are the upper bits of ours.
 * A code is a sign, a segment of 3 bits and a step of 4. Values below zero are taken by their one's complement, as the
 * ITU's own software library (G.191) does, so that both signs use the same decision values. */
#include "g711.h"

static int highest_bit(unsigned value)
{
	return 31 - __builtin_clz(value);
}

uint8_t g711_mu_code(int16_t linear)
{
	/* Decision values are ((32 + 2 * step) << segment) - 33; with the 33 added the segment is the highest bit. */
	unsigned magnitude = ((unsigned)(linear < 0 ? ~linear : linear) >> 2) + 33;
	if (magnitude > 8191)
		magnitude = 8191;
	unsigned segment = highest_bit(magnitude) - 5;
	unsigned step = magnitude >> (segment + 1) & 15;
	return ~((linear < 0 ? 0x80 : 0) | segment << 4 | step);
}

uint8_t g711_a_code(int16_t linear)
{
	unsigned magnitude = (unsigned)(linear < 0 ? ~linear : linear) >> 4;
	unsigned segment = magnitude < 16 ? 0 : highest_bit(magnitude) - 3;
	unsigned step = magnitude >> (segment > 1 ? segment - 1 : 0) & 15;
	return ((linear < 0 ? 0 : 0x80) | segment << 4 | step) ^ 0x55;
}

#define ALL_16(value, base)                                                                                            \
	value((base) + 0), value((base) + 1), value((base) + 2), value((base) + 3), value((base) + 4),                 \
	    value((base) + 5), value((base) + 6), value((base) + 7), value((base) + 8), value((base) + 9),             \
	    value((base) + 10), value((base) + 11), value((base) + 12), value((base) + 13), value((base) + 14),        \
	    value((base) + 15)
#define ALL_256(value)                                                                                                 \
	ALL_16(value, 0), ALL_16(value, 16), ALL_16(value, 32), ALL_16(value, 48), ALL_16(value, 64),                  \
	    ALL_16(value, 80), ALL_16(value, 96), ALL_16(value, 112), ALL_16(value, 128), ALL_16(value, 144),          \
	    ALL_16(value, 160), ALL_16(value, 176), ALL_16(value, 192), ALL_16(value, 208), ALL_16(value, 224),        \
	    ALL_16(value, 240)

/* Decoder values, half way between decision values. */
#define SEGMENT(code)	   ((code) >> 4 & 7)
#define STEP(code)	   ((code)&15)
#define MU_MAGNITUDE(code) (((2 * STEP(code) + 33) << SEGMENT(code)) - 33)
#define MU_LINEAR(octet)   (4 * ((octet)&0x80 ? MU_MAGNITUDE(~(octet)) : -MU_MAGNITUDE(~(octet))))
#define A_MAGNITUDE(code)  (SEGMENT(code) ? (2 * STEP(code) + 33) << ((SEGMENT(code) - 1) & 7) : 2 * STEP(code) + 1)
#define A_LINEAR(octet)	   (8 * ((octet)&0x80 ? A_MAGNITUDE((octet) ^ 0x55) : -A_MAGNITUDE((octet) ^ 0x55)))

const int16_t g711_mu_linear[256] = {ALL_256(MU_LINEAR)};
const int16_t g711_a_linear[256] = {ALL_256(A_LINEAR)};
