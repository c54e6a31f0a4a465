/* Tones looked for in what comes in at one stream. A packet is decoded when it comes: without a jitter buffer and without a clock, since
 * nobody hears it, and a gap in it does no harm. Worker's thread. */
#pragma once
#include "media/end.h"
#include "media/tone.h"

struct media_tones;

#define MEDIA_TONES_CHANGES_MAX (MEDIA_TONE_CHANGES_MAX + 2) /* with what a gap has ended */

struct media_tones *media_tones_new(const struct media_stream *from);
struct media_tones *media_tones_free(struct media_tones *tones); /* accepts NULL; returns NULL */
/* As of media_tone_detector_feed(). *ret_ms: of sound in the packet, written when there is any. */
size_t media_tones_put(struct media_tones *tones, const struct rtp_packet *packet, uint32_t *ret_ms,
		       struct media_tone_change ret_changes[static MEDIA_TONES_CHANGES_MAX]);
