/* The gate in front of the parser: sizes, counts, characters and ranges of one message, checked on the raw text before
 * sofia sees a byte (RFC 3261, sections 7, 18.3 and 25). Pure. Not for other rooms. */
#pragma once
#include "sip/message.h"

enum sip_gate_mode {
	SIP_GATE_WHOLE,	   /* Content-Length must agree with the text (WebSocket message, cut out of a stream) */
	SIP_GATE_DATAGRAM, /* what is left over after Content-Length is cut off (section 18.3) */
};

enum sip_gate_header {
	SIP_GATE_OTHER,
	SIP_GATE_VIA,
	SIP_GATE_FROM,
	SIP_GATE_TO,
	SIP_GATE_CALL_ID,
	SIP_GATE_CSEQ,
	SIP_GATE_CONTENT_LENGTH,
	SIP_GATE_MAX_FORWARDS,
	SIP_GATE_EXPIRES,
	SIP_GATE_CONTENT_TYPE,
	SIP_GATE_REFER_TO,
	SIP_GATE_REPLACES,
	SIP_GATE_HEADERS
};

/* One header field with its folded lines; the ends are trimmed of white space. */
struct sip_gate_line {
	enum sip_gate_header header;
	const char *value;
	size_t length;
};

struct sip_gate {
	const char *text; /* without leading empty lines and without what was cut off */
	size_t length;
	bool is_request;
	bool is_readable; /* with -EBADMSG: the parser may still be asked for the headers of an answer */
};

/* 0, or -EBADMSG with *ret_refusal. *ret_gate is written in both cases. */
int sip_gate_check(const char *text, size_t length, enum sip_gate_mode mode, struct sip_gate *ret_gate,
		   struct sip_refusal *ret_refusal);

/* The next header field from *cursor on, which is moved behind it. 1, 0 at the empty line that ends the headers (the
 * cursor is then behind it), or -EBADMSG. `end` is where the text ends. */
int sip_gate_next_line(const char **cursor, const char *end, struct sip_gate_line *ret_line);
/* A whole value that is a decimal number of at most `maximum`. 0 or -ERANGE. */
int sip_gate_number(const char *value, size_t length, uint64_t maximum, uint64_t *ret_number);
