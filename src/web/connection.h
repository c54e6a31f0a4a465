/* One TCP connection: HTTP requests one after the other, until one of them turns it into a WebSocket. Owned by its web;
 * gone when its link is. */
#pragma once
#include "web/carrier.h"
#include "web/http.h"
#include "web/socket.h"

struct web_connection;

/* Takes the connected socket. NULL: it could not be carried. */
struct web_connection *web_connection_new(struct web *web, int descriptor, const struct net_address *local,
					  const struct net_address *remote);
/* Ends it now; it frees itself. Not from inside one of its callbacks. */
void web_connection_kill(struct web_connection *connection);
/* The same, soon. */
void web_connection_drop(struct web_connection *connection);
/* What is queued is sent, then the connection ends. */
void web_connection_finish(struct web_connection *connection);

/* Takes the reference. Nothing happens on a connection that is to end. */
void web_connection_send(struct web_connection *connection, GBytes *bytes);
/* Writes at once what the socket takes. */
void web_connection_flush(struct web_connection *connection);
size_t web_connection_queued_bytes(const struct web_connection *connection);

struct web *web_connection_web(const struct web_connection *connection);
const struct net_address *web_connection_local(const struct web_connection *connection);
const struct net_address *web_connection_remote(const struct web_connection *connection);
struct web_socket *web_connection_socket(const struct web_connection *connection); /* NULL: not a WebSocket */
const char *web_connection_name(const struct web_connection *connection);	    /* the peer's address, for logs */
