/* WebSocket frames (RFC 6455, section 5) as a server reads and writes them. No I/O, no clock. */
#pragma once
#include "base/base.h"

#define WEB_FRAME_FRAGMENTS_MAX 1024 /* of one message; empty ones would cost nothing else */
#define WEB_FRAME_KEPT_BYTES_MAX 4096
#define WEB_FRAME_CONTROL_BYTES_MAX 125

enum web_close_code {
	WEB_CLOSE_NORMAL = 1000,
	WEB_CLOSE_GOING_AWAY = 1001,
	WEB_CLOSE_PROTOCOL_ERROR = 1002,
	WEB_CLOSE_NO_STATUS = 1005, /* never on the wire */
	WEB_CLOSE_BAD_TEXT = 1007,
	WEB_CLOSE_POLICY = 1008,
	WEB_CLOSE_TOO_BIG = 1009,
	WEB_CLOSE_INTERNAL = 1011,
	WEB_CLOSE_TRY_LATER = 1013,
};

enum web_opcode {
	WEB_OPCODE_CONTINUATION = 0,
	WEB_OPCODE_TEXT = 1,
	WEB_OPCODE_BINARY = 2,
	WEB_OPCODE_CLOSE = 8,
	WEB_OPCODE_PING = 9,
	WEB_OPCODE_PONG = 10,
};

/* Each returns false to stop the reading: nothing of the input is looked at any more. */
struct web_frame_handler {
	bool (*message)(void *user, const char *text, size_t length, bool is_binary);
	bool (*ping)(void *user, const uint8_t *payload, size_t length);
	bool (*pong)(void *user);
	/* `code` is WEB_CLOSE_NO_STATUS when the peer gave none. */
	void (*close)(void *user, unsigned code);
};

struct web_frame_reader {
	const struct web_frame_handler *handler;
	void *user;
	size_t message_bytes_max;
	GByteArray *message; /* fragments so far */
	unsigned n_fragments;
	bool is_fragmented; /* a message has begun and its last fragment is to come */
	bool is_binary;
	/* The frame at hand. */
	uint8_t header[14];
	size_t header_length; /* read so far */
	bool in_payload;
	uint64_t payload_length, payload_read;
	uint8_t control[WEB_FRAME_CONTROL_BYTES_MAX];
};

void web_frame_reader_init(struct web_frame_reader *reader, size_t message_bytes_max,
			   const struct web_frame_handler *handler, void *user);
void web_frame_reader_clear(struct web_frame_reader *reader); /* accepts a zeroed one */
/* `bytes` are unmasked in place. 0, or the code to close with (then the reader is not used again). */
unsigned web_frame_read(struct web_frame_reader *reader, uint8_t *bytes, size_t length);

/* A whole unmasked frame; a new reference. */
GBytes *web_frame_new(enum web_opcode opcode, const void *payload, size_t length);
GBytes *web_frame_new_close(unsigned code, const char *reason);
