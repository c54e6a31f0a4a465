/* The web side: HTTP/1.1 and WebSocket, plain or TLS, on the configured listeners. Other rooms register routes and
 * WebSocket paths; static files are served from a folder. Signalling thread. */
#pragma once
#include "config/config.h"
#include "loop/loop.h"
#include "net/address.h"

/* Limits of what a peer may grow; those that an operator may want to change are options of the group "web". */
#define WEB_HEADER_BYTES_MAX 8192	   /* request line and headers */
#define WEB_HEADER_LINES_MAX 64
#define WEB_PATH_BYTES_MAX 1024
#define WEB_BODY_BYTES_MAX 65536	   /* of a request */
#define WEB_FILE_BYTES_MAX (16 << 20)	   /* of a static file; larger ones are not served */
#define WEB_ROUTES_MAX 64
#define WEB_SEND_QUEUE_BYTES_MAX (1 << 20) /* of one WebSocket, above it the connection is closed */
#define WEB_CLOSE_REASON_BYTES_MAX 123	   /* RFC 6455, section 5.5.1 */

struct web;
struct web_request;
struct web_socket;

/* The options of the group "web". */
extern const struct config_table web_config_table;

/* Nothing listens yet: routes come first, then web_start(). `config` is referenced. 0 or -errno. */
int web_new(struct loop *loop, struct config_snapshot *config, struct web **ret_web);
/* Opens the configured listeners. 0, or -errno of the first that failed (logged). */
int web_start(struct web *web);
/* Takes new origins, limits, folder and certificate for what connects from now on; listeners stay as they are. */
int web_reconfigure(struct web *web, struct config_snapshot *config);
/* Closes listeners and connections (WebSockets with 1001; their `closed` is called). Accepts NULL; returns NULL. */
struct web *web_free(struct web *web);

/* --- HTTP --- */
/* Must call web_request_reply() before it returns. */
typedef void web_handler(void *user, struct web_request *request);
/* An exact path and a method ("GET" also serves HEAD). Routes go before static files. `path` and `method` are static.
 * 0, -EEXIST or -ENOSPC. */
int web_route_add(struct web *web, const char *path, const char *method, web_handler *handler, void *user);

const char *web_request_path(const struct web_request *request);   /* decoded, without query */
const char *web_request_query(const struct web_request *request);  /* raw; "" */
const char *web_request_method(const struct web_request *request);
/* By its name in lower case; NULL. Borrowed. */
const char *web_request_header(const struct web_request *request, const char *name);
const char *web_request_body(const struct web_request *request, size_t *ret_length);
const struct net_address *web_request_remote(const struct web_request *request);
bool web_request_is_secure(const struct web_request *request); /* came over TLS */
/* Before the reply. The texts are copied; -EINVAL when they hold what may not stand in a header. */
int web_request_add_header(struct web_request *request, const char *name, const char *value);
/* Once. `body` is copied. Answers are not cached by browsers, unless a Cache-Control was added. */
void web_request_reply(struct web_request *request, unsigned status, const char *content_type, const char *body,
		       size_t length);

/* --- WebSocket (RFC 6455) --- */
struct web_socket_handler {
	/* The upgrade was accepted; returns what the other calls get as `data`. NULL: too many, closed with 1013. */
	void *(*opened)(void *user, struct web_socket *socket);
	/* One whole message, text (valid UTF-8) or binary. `text` is not NUL-terminated. */
	void (*message)(void *data, const char *text, size_t length);
	/* Once, the last call; `socket` is gone when it returns. Not called from inside web_socket_send() or _close(). */
	void (*closed)(void *data);
};
/* Upgrades on these paths (NULL-terminated, static) that ask for `subprotocol`. Messages above `message_bytes_max`
 * are refused with 1009. 0, -EEXIST. */
int web_socket_route_add(struct web *web, const char *const *paths, const char *subprotocol, size_t message_bytes_max,
			 const struct web_socket_handler *handler, void *user);

/* Takes the whole message or nothing; sent as text if it is UTF-8, else binary. 0; -EPIPE when closing or closed;
 * -EAGAIN when the queue would grow above its limit: the connection is then closed with 1008. */
int web_socket_send(struct web_socket *socket, const char *text, size_t length);
/* Begins the closing handshake; nothing is received any more. `reason` may be NULL. */
void web_socket_close(struct web_socket *socket, unsigned code, const char *reason);
const struct net_address *web_socket_local(const struct web_socket *socket);
const struct net_address *web_socket_remote(const struct web_socket *socket);
bool web_socket_is_secure(const struct web_socket *socket);
/* After how long without a byte from the far end, answers to pings among them, it is closed. */
int64_t web_socket_silence_limit_ms(const struct web_socket *socket);

struct web_counts {
	size_t connections, sockets;
};
void web_count(const struct web *web, struct web_counts *ret_counts);
/* The port of a listener in the configuration's order (of a port 0, the one the system gave); 0: no such. */
uint16_t web_listener_port(const struct web *web, size_t index);
