/* What a far end that knows comfort noise (RFC 3389) is told when there is nothing to be said for a while. Worker's thread. */
#pragma once
#include "media/end.h"

struct media_noise;

/* Beside sound in `format` of the rate; NULL: the far end has not agreed to comfort noise of that clock, or the sound has another
 * rate. */
struct media_noise *media_noise_new(const struct media_stream *to, const struct sdp_format *format, uint32_t pcm_hz);
struct media_noise *media_noise_free(struct media_noise *noise); /* accepts NULL; returns NULL */
/* Whether a new one, or none, would be the same. `noise` may be NULL. */
bool media_noise_fits(const struct media_noise *noise, const struct media_stream *to, const struct sdp_format *format,
		      uint32_t pcm_hz);
/* So that nobody hears whether there is a frame of it more or less. */
bool media_noise_is_quiet(const int16_t *pcm, size_t n_samples);
/* What was said last. */
void media_noise_note(struct media_noise *noise, const int16_t *pcm, size_t n_samples);
/* The silence that follows it, like what was said last if that was quiet. Bytes of payload; 0: it cannot be told. */
size_t media_noise_describe(struct media_noise *noise, uint8_t *payload, size_t size, uint8_t *ret_type);
