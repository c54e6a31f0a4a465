/* The server's side of the opening handshake (RFC 6455, section 4.2). Pure. */
#pragma once
#include "web/http.h"

#define WEB_HANDSHAKE_ACCEPT_BYTES 29 /* base64 of a SHA-1, with its NUL */

struct web_handshake_rules {
	const char *subprotocol;
	const char *const *origins; /* NULL-terminated; empty: the origin's host must be the one of the Host header */
};

/* Whether the client asks for a WebSocket at all. */
bool web_handshake_is_wanted(const struct web_http_head *head);
/* 101 with the value for Sec-WebSocket-Accept, or the status to refuse with and why. */
unsigned web_handshake_check(const struct web_http_head *head, const struct web_handshake_rules *rules,
			     char accept[static WEB_HANDSHAKE_ACCEPT_BYTES], const char **ret_reason);
/* "https://example.com", "https://example.com:8443", "*"; what an entry of web.origins may be. */
bool web_handshake_is_origin(const char *text);
