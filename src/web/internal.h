/* What the parts of this room share and no other room sees. */
#pragma once
#include "web/connection.h"
#include "web/files.h"
#include "web/web.h"

#define WEB_SOCKET_ROUTES_MAX 8
#define WEB_LINGER_TIME_MS 1000	 /* for the last answer to arrive before the socket is closed */
#define WEB_CLOSE_TIME_MS 3000	 /* for the peer's half of a closing handshake */
#define WEB_EXTRA_HEADER_BYTES_MAX 4096

struct web_settings {
	const char *const *origins;
	int64_t header_timeout_ms, idle_timeout_ms;
	int64_t ping_interval_ms, ping_timeout_ms;
	size_t connections, connections_per_address;
};

struct web_socket_route {
	const char *const *paths;
	const char *subprotocol;
	size_t message_bytes_max;
	const struct web_socket_handler *handler;
	void *user;
};

struct loop *web_loop(const struct web *web);
const struct web_settings *web_settings(const struct web *web);
const struct web_socket_route *web_find_socket_route(const struct web *web, const char *path);
bool web_is_secure(const struct web *web);
struct web_carrier *web_carrier(const struct web *web);
void web_connection_gone(struct web *web, struct web_connection *connection);
void web_count_socket(struct web *web, int change);
/* Routes, then files, then 404. Replies. */
void web_dispatch(struct web *web, struct web_request *request);

struct web_request {
	struct web_connection *connection;
	const struct web_http_head *head;
	const char *body;
	size_t body_length;
	GString *extra_headers;
	bool has_cache_control;
	bool is_replied;
};

/* Like web_request_reply(), of what need not be copied. Takes no reference. */
void web_request_reply_bytes(struct web_request *request, unsigned status, const char *content_type, GBytes *body);
/* A short text that says what was wrong. */
void web_request_refuse(struct web_request *request, unsigned status, const char *reason);
