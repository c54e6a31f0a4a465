/* Request heads of HTTP/1.1 (RFC 9112), read strictly: what is ambiguous is refused. Pure. */
#pragma once
#include "web/web.h"

struct web_http_header {
	const char *name; /* lower case */
	const char *value;
};

struct web_http_head {
	char *text; /* owned; the rest points into it */
	size_t length_bytes; /* of the head in the input, with the empty line */
	const char *method;
	const char *path;  /* decoded; begins with '/', valid UTF-8 without control characters, no "." or ".." segments */
	const char *query; /* raw; "" */
	unsigned minor_version;
	bool keep_alive;
	bool expects_continue;
	size_t content_length_bytes;
	size_t n_headers;
	struct web_http_header headers[WEB_HEADER_LINES_MAX];
};

/* 0; -EAGAIN when the head is not whole yet; -EBADMSG with the status to answer. A head that came back is to be cleared. */
int web_http_parse(const char *bytes, size_t length, struct web_http_head *ret_head, unsigned *ret_status);
void web_http_head_clear(struct web_http_head *head); /* accepts a zeroed one */

/* The first of that name (lower case), or NULL. */
const char *web_http_header(const struct web_http_head *head, const char *name);
size_t web_http_header_count(const struct web_http_head *head, const char *name);
/* Whether a comma-separated header, over all its lines, holds the token; in any case of letters. */
bool web_http_lists(const struct web_http_head *head, const char *name, const char *token);

bool web_http_is_token(const char *text);
/* Fit for a header's value: no control characters but tab. */
bool web_http_is_value(const char *text);
const char *web_http_phrase(unsigned status);
