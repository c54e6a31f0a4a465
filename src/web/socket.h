/* One WebSocket on a connection: messages, pings, the closing handshake. */
#pragma once
#include "web/frame.h"
#include "web/web.h"

struct web_connection;
struct web_socket_route;

/* After the 101 was queued. Never NULL; the connection owns it. */
struct web_socket *web_socket_new(struct web_connection *connection, const struct web_socket_route *route);
/* Shows it to its owner, who may send from then on. */
void web_socket_open(struct web_socket *socket);
void web_socket_received(struct web_socket *socket, uint8_t *bytes, size_t length);
/* The connection is gone: tells the owner, frees. Accepts NULL. */
void web_socket_free(struct web_socket *socket);
