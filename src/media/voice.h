/* What speaks on one stream: sound that is fetched a frame at a time, encoded in the codec that the far end likes best, and
 * sent. Worker's thread. */
#pragma once
#include "media/end.h"
#include <tandem/codec.h>

struct media_voice;

struct media_voice_options {
	struct media_stream *to;
	/* As the stream's partner would send it, or in its place. */
	void (*send)(struct media_stream *to, const struct rtp_packet *packet, uint8_t *bytes, size_t capacity, uint8_t type_out,
		     uint32_t clock_hz);
	/* Writes so many samples; false: there is nothing to be said for so long. */
	bool (*fill)(void *data, int16_t *pcm, size_t n_samples);
	void *data;
	/* What the sound is decoded from: it is encoded at a rate that both know, where there is one. NULL: it is made here. */
	const struct tandem_codec *origin;
};

/* 0 and the voice, which speaks from now on; -ENOTSUP when none of the stream's codecs can be encoded. */
int media_voice_new(const struct media_voice_options *options, struct media_voice **ret_voice);
struct media_voice *media_voice_free(struct media_voice *voice); /* accepts NULL; returns NULL */

/* Whether a new one for this stream would be the same. */
bool media_voice_fits(const struct media_voice *voice, const struct media_stream *to);
/* Of the samples. */
uint32_t media_voice_pcm_hz(const struct media_voice *voice);
/* Whether the stream sends at all at this time; nothing is fetched while it does not. */
bool media_voice_is_heard(const struct media_voice *voice);
/* It has stopped when there was nothing to be said for a while; now there is. */
void media_voice_wake(struct media_voice *voice);
