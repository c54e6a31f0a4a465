/* Messages on a stream connection: where each begins and ends. Pure; any thread. */
#pragma once
#include "base/base.h"

enum media_framing {
	MEDIA_FRAMING_LENGTH, /* two bytes of length before each (RFC 4571), for ICE-TCP */
	MEDIA_FRAMING_TURN,   /* STUN messages and channel data, each with its length in it (RFC 8489, section 6.2.2; RFC 8656, section 12.5) */
};

struct media_frame {
	size_t begin, length; /* of the message, as a datagram would have it */
	size_t total;	      /* what it takes on the stream */
};

/* The message at the beginning of `bytes`: 0; -EAGAIN when more bytes are needed; -EBADMSG when this is none, or it is longer than
 * `length_max`. */
int media_framing_parse(enum media_framing framing, const uint8_t *bytes, size_t length, size_t length_max,
			struct media_frame *ret_frame);
/* Appends a message; one of TURN's may have its padding behind it already. False when it is none. */
bool media_framing_append(enum media_framing framing, const uint8_t *bytes, size_t length, GByteArray *stream);
