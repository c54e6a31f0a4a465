/* The frames of a Speex payload, counted by their headers. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define SPEEX_LAYERS_MAX 2

/* How many frames of 20 ms stand in the payload, or -EBADMSG when there is none, one is cut off, or one is of no known
 * kind. `layers`: what a frame may have beside its telephone sound: 0 at 8 kHz, 1 at 16, 2 at 32. A decoder does not
 * get past more of them in every case. */
int speex_frames_count(const uint8_t *payload, size_t length, unsigned layers);
