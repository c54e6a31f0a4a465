/* Cuts SIP messages out of a byte stream (RFC 3261, section 18.3): by the empty line and Content-Length, which must be
 * there. Pure. Not for other rooms. */
#pragma once
#include "base/base.h"

/* A plain member; zeroed to begin with. */
struct sip_framing {
	GByteArray *bytes;
	size_t start;	/* of what is not yet given out */
	size_t given;	/* bytes of the message given out last */
	size_t scanned; /* of the header that is still without an end */
	size_t wanted;	/* bytes of the message whose header is there */
};

enum sip_framing_result {
	SIP_FRAMING_MORE,    /* nothing whole is there */
	SIP_FRAMING_MESSAGE, /* *ret_text, valid until the next call */
	SIP_FRAMING_PING,    /* a double CRLF, to be answered by a single one (RFC 5626, section 4.4.1) */
	SIP_FRAMING_BROKEN,  /* the stream is out of step for good */
};

void sip_framing_feed(struct sip_framing *framing, const void *data, size_t length);
/* To be called until it gives no more. Then less than one message is kept. */
enum sip_framing_result sip_framing_next(struct sip_framing *framing, const char **ret_text, size_t *ret_length);
void sip_framing_clear(struct sip_framing *framing);
