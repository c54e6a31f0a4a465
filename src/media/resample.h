/* Sound at another rate, frame by frame: for where the rates of two codecs truly differ. Mono. One thread at a time;
 * nothing is allocated after media_resample_new(). */
#pragma once
#include "base/base.h"

#define MEDIA_RESAMPLE_SAMPLES_MAX 48000 /* in at once */
#define MEDIA_RESAMPLE_HZ_MIN	   8000
#define MEDIA_RESAMPLE_HZ_MAX	   48000

struct media_resample;
/* `quality` 0 to 10, as of speexdsp (3 is right for speech). NULL: a rate out of these
 * bounds, or no memory. */
struct media_resample *media_resample_new(uint32_t from_hz, uint32_t to_hz, int quality);
struct media_resample *media_resample_free(struct media_resample *resample); /* accepts NULL */
/* The same time out: n_in * to_hz / from_hz samples, whatever came before. Returns how many, or -EINVAL when that is no
 * whole number (milliseconds always are but with 44.1 kHz, which wants ten of them) or too long, -ENOBUFS when `room` is too little. */
int media_resample_run(struct media_resample *resample, const int16_t *in, size_t n_in, int16_t *out, size_t room);
/* All of a sound at another rate, any whole number of hertz: as loud and as long, and not
 * later; at least one sample in, at least one out. To be freed. */
int16_t *media_resample_all(const int16_t *in, size_t n_in, uint32_t from_hz, uint32_t to_hz, size_t *ret_n);
/* By how much the sound comes later. */
uint32_t media_resample_delay_us(const struct media_resample *resample);
