/* What hears one stream: packets are put in time by a jitter buffer, decoded, and fetched as sound of one rate, by whoever
 * sends it on in another codec, records it, or looks for something in it. On the worker of the leg that the packets come from. */
#pragma once
#include "media/end.h"
#include "rtp/jitter.h"
#include <tandem/codec.h>

struct media_listener;

enum media_listener_scope {
	MEDIA_LISTENER_STRANDED, /* what cannot go over to the partner as it is */
	MEDIA_LISTENER_ALL,
};

/* The first codec of the stream that it would decode, comfort noise aside; NULL: it would hear nothing. */
const struct tandem_codec *media_listener_codec(const struct media_stream *from, enum media_listener_scope scope);
/* Decoders are made when something comes for them. */
struct media_listener *media_listener_new(struct media_stream *from, enum media_listener_scope scope, uint32_t pcm_hz);
struct media_listener *media_listener_free(struct media_listener *listener); /* accepts NULL; returns NULL */
/* Whether a new one would be the same, now that the stream's formats or routes may have changed. */
bool media_listener_fits(const struct media_listener *listener);

void media_listener_get_figures(const struct media_listener *listener, struct rtp_jitter_figures *ret_figures);

bool media_listener_hears(const struct media_listener *listener, uint8_t payload_type);
/* Every packet of the source is to be shown, in the order of their coming. False: nothing to be heard is in it; but its number is
 * not missing then. */
bool media_listener_put(struct media_listener *listener, const struct rtp_packet *packet);
/* Forgets what came: nobody listens. */
void media_listener_reset(struct media_listener *listener);
/* Writes so many samples, mono; what is lost is concealed. False: silence. To be asked in the pace of the sound. */
bool media_listener_fill(struct media_listener *listener, int16_t *pcm, size_t n_samples);
