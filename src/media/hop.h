/* A bridge between two legs of different workers. Each worker has a stand-in for the other's leg: an end without sockets, whose
 * streams have the formats of the leg's. What a stand-in is to send goes through a ring to the other worker, is sent
 * there by the leg itself, and so keeps the leg's one identity towards its far end.
 *
 * The two workers share nothing but the hop, whose rings have one writer and one reader each, and post nothing to each other:
 * a side may leave at any time, and what the other still puts into the ring is then lost. */
#pragma once
#include "media/end.h"

#define MEDIA_HOP_RING_BYTES (128 * 1024) /* one way: 9 s of a voice, or 75 of the longest packets at once */

struct media_digit;
struct media_hop;
/* Any thread. It belongs to two sides, 0 and 1, each of which must join once, and ends with the leaving of the second. 0 or
 * -errno. */
int media_hop_new(struct media_hop **ret_hop);
/* On the worker of `end`: makes the stand-in and bridges it with the end. */
void media_hop_join(struct media_hop *hop, unsigned side, struct media_end *end);

/* --- for the room's own use of a stand-in; `across` is the stand-in's --- */
/* Ends the stand-in, which has no partner any more. */
void media_hop_leave(struct media_hop_side *across);
/* Formats or direction of the stand-in's partner have changed (or are to be told first). */
void media_hop_tell(struct media_hop_side *across, const struct media_end *partner);
/* See media_key_frame_want(); `source` is the stand-in's. */
void media_hop_want_key_frame(struct media_hop_side *across, const struct media_stream *source);
/* See media_rate_limit(). */
void media_hop_limit_rate(struct media_hop_side *across, const struct media_stream *source, uint64_t bits_per_second);
/* See media_stream_send(); `stream` is the stand-in's. */
void media_hop_send(struct media_hop_side *across, const struct media_stream *stream, const struct rtp_packet *packet,
		    uint8_t type_out, uint32_t clock_hz);
/* See media_digits_say(). */
void media_hop_send_digit(struct media_hop_side *across, const struct media_stream *stream, const struct media_digit *digit);
