/* ITU-T G.711 companding between 16-bit linear PCM and the octets that stand in RTP. */
#pragma once
#include <stddef.h>
#include <stdint.h>

uint8_t g711_mu_code(int16_t linear);
uint8_t g711_a_code(int16_t linear);

/* Decoder values by octet. */
extern const int16_t g711_mu_linear[256];
extern const int16_t g711_a_linear[256];
