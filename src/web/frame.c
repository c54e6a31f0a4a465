#include "web/frame.h"
#include <string.h>

void web_frame_reader_init(struct web_frame_reader *reader, size_t message_bytes_max,
			   const struct web_frame_handler *handler, void *user)
{
	*reader = (struct web_frame_reader){
		.handler = handler,
		.user = user,
		.message_bytes_max = message_bytes_max,
		.message = g_byte_array_new(),
	};
}

void web_frame_reader_clear(struct web_frame_reader *reader)
{
	if (reader->message)
		g_byte_array_unref(reader->message);
	*reader = (struct web_frame_reader){0};
}

static enum web_opcode opcode_of(const struct web_frame_reader *reader)
{
	return reader->header[0] & 0x0f;
}

static bool is_final(const struct web_frame_reader *reader)
{
	return reader->header[0] & 0x80;
}

static bool is_control(const struct web_frame_reader *reader)
{
	return reader->header[0] & 0x08;
}

/* With the mask, which a client always sends (section 5.1). */
static size_t header_size(const struct web_frame_reader *reader)
{
	if (reader->header_length < 2)
		return 2;
	switch (reader->header[1] & 0x7f) {
	case 126:
		return 8;
	case 127:
		return 14;
	default:
		return 6;
	}
}

/* As soon as the first two bytes are there, so that nothing is waited for that could not be right. */
static unsigned check_start(const struct web_frame_reader *reader)
{
	if (reader->header[0] & 0x70) /* no extension was agreed on */
		return WEB_CLOSE_PROTOCOL_ERROR;
	if (!(reader->header[1] & 0x80))
		return WEB_CLOSE_PROTOCOL_ERROR;
	switch (opcode_of(reader)) {
	case WEB_OPCODE_CONTINUATION:
		return reader->is_fragmented ? 0 : WEB_CLOSE_PROTOCOL_ERROR;
	case WEB_OPCODE_TEXT:
	case WEB_OPCODE_BINARY:
		return reader->is_fragmented ? WEB_CLOSE_PROTOCOL_ERROR : 0;
	case WEB_OPCODE_CLOSE:
	case WEB_OPCODE_PING:
	case WEB_OPCODE_PONG:
		return is_final(reader) && (reader->header[1] & 0x7f) <= WEB_FRAME_CONTROL_BYTES_MAX
			       ? 0
			       : WEB_CLOSE_PROTOCOL_ERROR;
	default:
		return WEB_CLOSE_PROTOCOL_ERROR;
	}
}

static unsigned read_length(struct web_frame_reader *reader)
{
	uint64_t length = reader->header[1] & 0x7f;
	size_t n_bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
	uint64_t least = length == 126 ? 126 : length == 127 ? 65536 : 0;
	if (n_bytes) {
		length = 0;
		for (size_t i = 0; i < n_bytes; i++)
			length = length << 8 | reader->header[2 + i];
		if (length < least || length >> 63) /* section 5.2: the shortest form, and a 63-bit number */
			return WEB_CLOSE_PROTOCOL_ERROR;
	}
	reader->payload_length = length;
	reader->payload_read = 0;
	if (is_control(reader))
		return 0;
	if (length > reader->message_bytes_max || reader->message->len + length > reader->message_bytes_max)
		return WEB_CLOSE_TOO_BIG;
	if (++reader->n_fragments > WEB_FRAME_FRAGMENTS_MAX)
		return WEB_CLOSE_POLICY;
	if (opcode_of(reader) != WEB_OPCODE_CONTINUATION)
		reader->is_binary = opcode_of(reader) == WEB_OPCODE_BINARY;
	reader->is_fragmented = !is_final(reader);
	return 0;
}

static void unmask(const struct web_frame_reader *reader, uint8_t *bytes, size_t length)
{
	const uint8_t *mask = reader->header + header_size(reader) - 4;
	for (size_t i = 0; i < length; i++)
		bytes[i] ^= mask[(reader->payload_read + i) & 3];
}

static bool is_close_code(unsigned code)
{
	if (code >= 3000)
		return code <= 4999;
	return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

static unsigned end_close(struct web_frame_reader *reader)
{
	size_t length = reader->payload_length;
	unsigned code = WEB_CLOSE_NO_STATUS;
	if (length == 1)
		return WEB_CLOSE_PROTOCOL_ERROR;
	if (length >= 2) {
		code = (unsigned)(reader->control[0] << 8 | reader->control[1]);
		if (!is_close_code(code))
			return WEB_CLOSE_PROTOCOL_ERROR;
		if (!g_utf8_validate_len((const char *)reader->control + 2, length - 2, NULL))
			return WEB_CLOSE_BAD_TEXT;
	}
	reader->handler->close(reader->user, code);
	return 0;
}

/* A long message's room is not kept: thousands of idle connections would each hold theirs. */
static void forget_message(struct web_frame_reader *reader)
{
	if (reader->message->len > WEB_FRAME_KEPT_BYTES_MAX) {
		g_byte_array_unref(reader->message);
		reader->message = g_byte_array_new();
	} else {
		g_byte_array_set_size(reader->message, 0);
	}
}

static unsigned end_message(struct web_frame_reader *reader, const char *text, size_t length, bool *ret_go_on)
{
	reader->n_fragments = 0;
	if (!reader->is_binary && !g_utf8_validate_len(text, length, NULL))
		return WEB_CLOSE_BAD_TEXT;
	*ret_go_on = reader->handler->message(reader->user, text, length, reader->is_binary);
	forget_message(reader);
	return 0;
}

/* The frame's payload is whole; of a data frame `bytes` are its last `length` bytes. */
static unsigned end_frame(struct web_frame_reader *reader, const uint8_t *bytes, size_t length, bool *ret_go_on)
{
	reader->in_payload = false;
	reader->header_length = 0;
	switch (opcode_of(reader)) {
	case WEB_OPCODE_CLOSE:
		*ret_go_on = false;
		return end_close(reader);
	case WEB_OPCODE_PING:
		*ret_go_on = reader->handler->ping(reader->user, reader->control, reader->payload_length);
		return 0;
	case WEB_OPCODE_PONG:
		*ret_go_on = reader->handler->pong(reader->user);
		return 0;
	default:
		break;
	}
	if (is_final(reader) && !reader->message->len)
		return end_message(reader, (const char *)bytes, length, ret_go_on); /* the usual case, without a copy */
	g_byte_array_append(reader->message, bytes, (guint)length);
	if (!is_final(reader))
		return 0;
	return end_message(reader, (const char *)reader->message->data, reader->message->len, ret_go_on);
}

static unsigned read_payload(struct web_frame_reader *reader, uint8_t *bytes, size_t length, bool *ret_go_on)
{
	unmask(reader, bytes, length);
	if (is_control(reader) && length)
		memcpy(reader->control + reader->payload_read, bytes, length);
	reader->payload_read += length;
	if (reader->payload_read == reader->payload_length)
		return end_frame(reader, bytes, length, ret_go_on);
	if (!is_control(reader))
		g_byte_array_append(reader->message, bytes, (guint)length);
	return 0;
}

static unsigned read_header(struct web_frame_reader *reader, uint8_t byte)
{
	reader->header[reader->header_length++] = byte;
	if (reader->header_length == 2)
		return check_start(reader);
	if (reader->header_length < header_size(reader))
		return 0;
	reader->in_payload = true;
	return read_length(reader);
}

unsigned web_frame_read(struct web_frame_reader *reader, uint8_t *bytes, size_t length)
{
	bool go_on = true;
	for (size_t at = 0; go_on;) {
		unsigned code = 0;
		if (reader->in_payload) {
			size_t part = MIN(length - at, reader->payload_length - reader->payload_read);
			if (!part && reader->payload_length)
				return 0;
			code = read_payload(reader, bytes + at, part, &go_on);
			at += part;
		} else if (at < length) {
			code = read_header(reader, bytes[at++]);
		} else {
			return 0;
		}
		if (code)
			return code;
	}
	return 0;
}

GBytes *web_frame_new(enum web_opcode opcode, const void *payload, size_t length)
{
	uint8_t header[10] = {0x80 | opcode};
	size_t header_length = length < 126 ? 2 : length < 65536 ? 4 : 10;
	if (header_length == 2) {
		header[1] = (uint8_t)length;
	} else {
		header[1] = header_length == 4 ? 126 : 127;
		for (size_t i = 0; i < header_length - 2; i++)
			header[header_length - 1 - i] = (uint8_t)((uint64_t)length >> (8 * i));
	}
	uint8_t *frame = g_malloc(header_length + length);
	memcpy(frame, header, header_length);
	if (length)
		memcpy(frame + header_length, payload, length);
	return g_bytes_new_take(frame, header_length + length);
}

GBytes *web_frame_new_close(unsigned code, const char *reason)
{
	uint8_t payload[WEB_FRAME_CONTROL_BYTES_MAX] = {(uint8_t)(code >> 8), (uint8_t)code};
	if (code == WEB_CLOSE_NO_STATUS)
		return web_frame_new(WEB_OPCODE_CLOSE, NULL, 0);
	size_t length = reason ? MIN(strlen(reason), sizeof payload - 2) : 0;
	if (length)
		memcpy(payload + 2, reason, length);
	return web_frame_new(WEB_OPCODE_CLOSE, payload, 2 + length);
}
