/* Header extensions of what we send (RFC 8285): the name of the stream, where the far end has several in one bundle (RFC 9143), and
 * the level of the sound, where both far ends know it (RFC 6464). All others are between a far end and us, and end here. */
#pragma once
#include "rtp/packet.h"
#include "sdp/plan.h"

struct media_stream;

#define MEDIA_EXTENSION_BYTES_MAX 24 /* with its header: a name of 16 bytes and a level */

/* Of a stream; an id 0: not agreed. */
struct media_extensions {
	uint8_t mid_id, mid_bytes;
	char mid[16];
	uint8_t level_id;
	uint8_t level_from; /* what comes in for this stream has it by this id */
};

void media_extension_apply(struct media_stream *stream, const struct sdp_stream_plan *plan);
/* What comes in at `from` goes out at `to` from now on. */
void media_extension_join(const struct media_stream *from, struct media_stream *to);
/* Writes what the stream's next packet is to say; `packet` is the one that came in. The number of bytes, a multiple of four; 0:
 * nothing. */
size_t media_extension_write(const struct media_stream *stream, const struct rtp_packet *packet,
			     uint8_t bytes[static MEDIA_EXTENSION_BYTES_MAX]);
