/* What a client of the web side sends: a request, the handshake it may ask for, then frames. The first byte cuts the
 * frames into parts, so that every boundary is met. */
#include "web/frame.h"
#include "web/handshake.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE_BYTES_MAX 4096

static volatile uint8_t sink; /* every byte that is handed on is touched, so that a sanitizer sees it */

static void touch(const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sink ^= ((const uint8_t *)bytes)[i];
}

static bool on_message(void *user, const char *text, size_t length, bool is_binary)
{
	if (length > MESSAGE_BYTES_MAX || (!is_binary && !g_utf8_validate_len(text, length, NULL)))
		abort();
	touch(text, length);
	return true;
}

static bool on_ping(void *user, const uint8_t *payload, size_t length)
{
	if (length > WEB_FRAME_CONTROL_BYTES_MAX)
		abort();
	touch(payload, length);
	return true;
}

static bool on_pong(void *user)
{
	return true;
}

static void on_close(void *user, unsigned code)
{
	*(bool *)user = true;
}

static void read_frames(const uint8_t *data, size_t size)
{
	static const struct web_frame_handler handler = {on_message, on_ping, on_pong, on_close};
	struct web_frame_reader reader;
	bool is_closed = false;
	size_t step = size ? data[0] % 64 + 1 : 1;
	web_frame_reader_init(&reader, MESSAGE_BYTES_MAX, &handler, &is_closed);
	for (size_t at = 1; at < size && !is_closed; at += step) {
		size_t part = MIN(step, size - at);
		g_autofree uint8_t *copy = g_memdup2(data + at, part);
		unsigned code = web_frame_read(&reader, copy, part);
		if (code) {
			if (code < 1000 || code > 1011)
				abort();
			break;
		}
		if (reader.message->len > MESSAGE_BYTES_MAX)
			abort();
	}
	web_frame_reader_clear(&reader);
}

static void check_head(const struct web_http_head *head, size_t size)
{
	if (head->path[0] != '/' || strstr(head->path, "/../") || head->length_bytes > size ||
	    head->content_length_bytes > WEB_BODY_BYTES_MAX || !g_utf8_validate(head->path, -1, NULL))
		abort();
	for (size_t i = 0; i < head->n_headers; i++) {
		touch(head->headers[i].name, strlen(head->headers[i].name));
		touch(head->headers[i].value, strlen(head->headers[i].value));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const none[] = {NULL};
	static const char *const some[] = {"https://app.example", "null", NULL};
	struct web_http_head head;
	unsigned status = 0;
	int error = web_http_parse((const char *)data, size, &head, &status);
	if (error == -EBADMSG && (status < 400 || status > 599))
		abort();
	if (error) {
		read_frames(data, size);
		return 0;
	}
	check_head(&head, size);
	const char *const *origins[] = {none, some};
	for (size_t i = 0; i < G_N_ELEMENTS(origins); i++) {
		struct web_handshake_rules rules = {.subprotocol = "sip", .origins = origins[i]};
		char accept[WEB_HANDSHAKE_ACCEPT_BYTES];
		const char *reason = NULL;
		unsigned answer = web_handshake_check(&head, &rules, accept, &reason);
		if (answer == 101 ? strlen(accept) != WEB_HANDSHAKE_ACCEPT_BYTES - 1 : !reason)
			abort();
	}
	read_frames(data + head.length_bytes, size - head.length_bytes);
	web_http_head_clear(&head);
	return 0;
}
