#include "sip/framing.h"
#include "sip/gate.h"
#include <string.h>

void sip_framing_feed(struct sip_framing *framing, const void *data, size_t length)
{
	if (!framing->bytes)
		framing->bytes = g_byte_array_new();
	g_byte_array_append(framing->bytes, data, (unsigned)length);
}

void sip_framing_clear(struct sip_framing *framing)
{
	if (framing->bytes)
		g_byte_array_unref(framing->bytes);
	*framing = (struct sip_framing){0};
}

static void drop(struct sip_framing *framing, size_t length)
{
	framing->start += length;
	framing->scanned = 0;
	framing->wanted = 0;
}

static void compact(struct sip_framing *framing)
{
	if (framing->start)
		g_byte_array_remove_range(framing->bytes, 0, (unsigned)framing->start);
	framing->start = 0;
}

/* The start line and the headers, `length` bytes with the empty line. The one Content-Length, or -EBADMSG. */
static int64_t content_length(const char *header, size_t length)
{
	const char *end = header + length, *cursor = memmem(header, length, "\r\n", 2);
	struct sip_gate_line line;
	int64_t result = -EBADMSG;
	int more;
	cursor += 2;
	while ((more = sip_gate_next_line(&cursor, end, &line)) > 0) {
		uint64_t number;
		if (line.header != SIP_GATE_CONTENT_LENGTH)
			continue;
		if (result >= 0 || sip_gate_number(line.value, line.length, SIP_BODY_BYTES_MAX, &number) < 0)
			return -EBADMSG;
		result = (int64_t)number;
	}
	return more < 0 ? -EBADMSG : result;
}

/* Empty lines before a message: skipped one by one, told in pairs. */
static enum sip_framing_result skip_empty_lines(struct sip_framing *framing, const char *text, size_t length)
{
	static const char ping[] = "\r\n\r\n";
	size_t same = 0;
	while (same < 4 && same < length && text[same] == ping[same])
		same++;
	if (same == 4) {
		drop(framing, 4);
		return SIP_FRAMING_PING;
	}
	if (same == length)
		return SIP_FRAMING_MORE; /* it may become a pair */
	if (same % 2)
		return SIP_FRAMING_BROKEN;
	drop(framing, same);
	return SIP_FRAMING_MESSAGE;
}

static enum sip_framing_result find_end(struct sip_framing *framing, const char *text, size_t length)
{
	const char *end = memmem(text + framing->scanned, length - framing->scanned, "\r\n\r\n", 4);
	if (!end) {
		framing->scanned = length > 3 ? length - 3 : 0;
		return length > SIP_MESSAGE_BYTES_MAX ? SIP_FRAMING_BROKEN : SIP_FRAMING_MORE;
	}
	size_t header = (size_t)(end + 4 - text);
	int64_t body = content_length(text, header);
	if (body < 0 || header + (size_t)body > SIP_MESSAGE_BYTES_MAX)
		return SIP_FRAMING_BROKEN;
	framing->wanted = header + (size_t)body;
	return SIP_FRAMING_MESSAGE;
}

enum sip_framing_result sip_framing_next(struct sip_framing *framing, const char **ret_text, size_t *ret_length)
{
	enum sip_framing_result result = SIP_FRAMING_MORE;
	if (framing->given)
		drop(framing, framing->given);
	framing->given = 0;
	while (framing->bytes && !framing->wanted) {
		const char *text = (const char *)framing->bytes->data + framing->start;
		size_t length = framing->bytes->len - framing->start;
		size_t before = framing->start;
		result = length && !framing->scanned ? skip_empty_lines(framing, text, length) : SIP_FRAMING_MESSAGE;
		if (result != SIP_FRAMING_MESSAGE)
			break;
		if (framing->start != before)
			continue;
		result = length ? find_end(framing, text, length) : SIP_FRAMING_MORE;
		if (result != SIP_FRAMING_MESSAGE)
			break;
	}
	if (framing->wanted && framing->bytes->len - framing->start >= framing->wanted) {
		*ret_text = (const char *)framing->bytes->data + framing->start;
		*ret_length = framing->given = framing->wanted;
		return SIP_FRAMING_MESSAGE;
	}
	if (framing->wanted)
		result = SIP_FRAMING_MORE;
	if (result == SIP_FRAMING_MORE && framing->bytes)
		compact(framing);
	return result;
}
