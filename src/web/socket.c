#include "web/socket.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "web/internal.h"
#include <string.h>

METRICS_COUNTER(messages_in, "tandem_web_socket_messages_total", "WebSocket messages.", "direction", "in");
METRICS_COUNTER(messages_out, "tandem_web_socket_messages_total", "WebSocket messages.", "direction", "out");
METRICS_COUNTER(closed_by_peer, "tandem_web_sockets_closed_total", "WebSockets that ended, by cause.", "cause", "peer");
METRICS_COUNTER(closed_by_us, "tandem_web_sockets_closed_total", "WebSockets that ended, by cause.", "cause", "own");
METRICS_COUNTER(closed_wrong, "tandem_web_sockets_closed_total", "WebSockets that ended, by cause.", "cause", "violation");
METRICS_COUNTER(closed_silent, "tandem_web_sockets_closed_total", "WebSockets that ended, by cause.", "cause", "timeout");
METRICS_COUNTER(closed_full, "tandem_web_sockets_closed_total", "WebSockets that ended, by cause.", "cause", "overflow");

enum socket_state {
	SOCKET_OPEN,
	SOCKET_CLOSING, /* our Close is out, the peer's is to come */
	SOCKET_CLOSED,	/* nothing more is read or written */
};

struct web_socket {
	struct web_connection *connection;
	const struct web_socket_route *route;
	struct web_frame_reader reader;
	struct loop_timer timer;
	enum socket_state state;
	int64_t heard_us; /* when bytes last came */
	void *data;	  /* the owner's; NULL: it refused, or has been told of the end */
};

static const char *state_name(enum socket_state state)
{
	static const char *const names[] = {"open", "closing", "closed"};
	return names[state];
}

static void set_state(struct web_socket *socket, enum socket_state state)
{
	if (socket->state == state)
		return;
	log_debug(NULL, "web: socket of %s: %s -> %s", web_connection_name(socket->connection),
		  state_name(socket->state), state_name(state));
	socket->state = state;
}

static const struct web_settings *settings_of(const struct web_socket *socket)
{
	return web_settings(web_connection_web(socket->connection));
}

/* Sends Close and ends without waiting for the peer's: it has broken the protocol or said all. */
static void end(struct web_socket *socket, unsigned code, const char *reason)
{
	if (socket->state == SOCKET_CLOSED)
		return;
	if (socket->state == SOCKET_OPEN)
		web_connection_send(socket->connection, web_frame_new_close(code, reason));
	set_state(socket, SOCKET_CLOSED);
	loop_timer_stop(&socket->timer);
	web_connection_finish(socket->connection);
}

static bool on_message(void *user, const char *text, size_t length, bool is_binary)
{
	struct web_socket *socket = user;
	if (socket->state != SOCKET_OPEN)
		return true;
	metrics_add(&messages_in, 1);
	socket->route->handler->message(socket->data, text, length);
	return socket->state != SOCKET_CLOSED;
}

static bool on_ping(void *user, const uint8_t *payload, size_t length)
{
	struct web_socket *socket = user;
	if (socket->state != SOCKET_OPEN)
		return true;
	/* No queue grows by this: who does not read the answers is not read from. */
	web_connection_send(socket->connection, web_frame_new(WEB_OPCODE_PONG, payload, length));
	return true;
}

static bool on_pong(void *user)
{
	return true; /* any byte counts as a sign of life */
}

static void on_close(void *user, unsigned code)
{
	struct web_socket *socket = user;
	log_debug(NULL, "web: socket of %s: the peer closed with %u", web_connection_name(socket->connection), code);
	if (socket->state == SOCKET_OPEN)
		metrics_add(&closed_by_peer, 1);
	end(socket, code, NULL);
}

static const struct web_frame_handler frame_handler = {
	.message = on_message,
	.ping = on_ping,
	.pong = on_pong,
	.close = on_close,
};

static void on_timer(void *data)
{
	struct web_socket *socket = data;
	const struct web_settings *settings = settings_of(socket);
	int64_t silent_ms = (loop_now_us(web_loop(web_connection_web(socket->connection))) - socket->heard_us) / 1000;
	if (socket->state != SOCKET_OPEN) {
		set_state(socket, SOCKET_CLOSED);
		web_connection_drop(socket->connection);
	} else if (silent_ms >= web_socket_silence_limit_ms(socket)) {
		metrics_add(&closed_silent, 1);
		log_info(NULL, "web: socket of %s: nothing heard for %lld s, closed",
			 web_connection_name(socket->connection), (long long)silent_ms / 1000);
		set_state(socket, SOCKET_CLOSED);
		web_connection_drop(socket->connection);
	} else if (silent_ms >= settings->ping_interval_ms) {
		web_connection_send(socket->connection, web_frame_new(WEB_OPCODE_PING, NULL, 0));
		loop_timer_start_ms(&socket->timer, settings->ping_timeout_ms);
	} else {
		loop_timer_start_ms(&socket->timer, settings->ping_interval_ms - silent_ms);
	}
}

struct web_socket *web_socket_new(struct web_connection *connection, const struct web_socket_route *route)
{
	struct web *web = web_connection_web(connection);
	struct web_socket *socket = g_new0(struct web_socket, 1);
	socket->connection = connection;
	socket->route = route;
	socket->heard_us = loop_now_us(web_loop(web));
	web_frame_reader_init(&socket->reader, route->message_bytes_max, &frame_handler, socket);
	loop_timer_init(&socket->timer, web_loop(web), on_timer, socket);
	loop_timer_start_ms(&socket->timer, web_settings(web)->ping_interval_ms);
	web_count_socket(web, 1);
	return socket;
}

void web_socket_open(struct web_socket *socket)
{
	socket->data = socket->route->handler->opened(socket->route->user, socket);
	if (!socket->data && socket->state == SOCKET_OPEN)
		end(socket, WEB_CLOSE_TRY_LATER, "too many");
}

void web_socket_received(struct web_socket *socket, uint8_t *bytes, size_t length)
{
	if (socket->state == SOCKET_CLOSED)
		return;
	socket->heard_us = loop_now_us(web_loop(web_connection_web(socket->connection)));
	unsigned code = web_frame_read(&socket->reader, bytes, length);
	if (!code)
		return;
	metrics_add(&closed_wrong, 1);
	log_info(NULL, "web: socket of %s: closed with %u, what it sent is not allowed",
		 web_connection_name(socket->connection), code);
	end(socket, code, NULL);
}

void web_socket_free(struct web_socket *socket)
{
	if (!socket)
		return;
	loop_timer_stop(&socket->timer);
	socket->state = SOCKET_CLOSED;
	if (socket->data)
		socket->route->handler->closed(socket->data);
	web_count_socket(web_connection_web(socket->connection), -1);
	web_frame_reader_clear(&socket->reader);
	g_free(socket);
}

int web_socket_send(struct web_socket *socket, const char *text, size_t length)
{
	if (socket->state != SOCKET_OPEN)
		return -EPIPE;
	if (web_connection_queued_bytes(socket->connection) + length > WEB_SEND_QUEUE_BYTES_MAX) {
		metrics_add(&closed_full, 1);
		log_warning(NULL, "web: socket of %s: it does not read what is sent, closed",
			    web_connection_name(socket->connection));
		end(socket, WEB_CLOSE_POLICY, "does not read");
		return -EAGAIN;
	}
	enum web_opcode opcode = g_utf8_validate_len(text, length, NULL) ? WEB_OPCODE_TEXT : WEB_OPCODE_BINARY;
	web_connection_send(socket->connection, web_frame_new(opcode, text, length));
	metrics_add(&messages_out, 1);
	return 0;
}

void web_socket_close(struct web_socket *socket, unsigned code, const char *reason)
{
	if (socket->state != SOCKET_OPEN)
		return;
	metrics_add(&closed_by_us, 1);
	web_connection_send(socket->connection, web_frame_new_close(code, reason));
	set_state(socket, SOCKET_CLOSING);
	loop_timer_start_ms(&socket->timer, WEB_CLOSE_TIME_MS);
}

const struct net_address *web_socket_local(const struct web_socket *socket)
{
	return web_connection_local(socket->connection);
}

const struct net_address *web_socket_remote(const struct web_socket *socket)
{
	return web_connection_remote(socket->connection);
}

int64_t web_socket_silence_limit_ms(const struct web_socket *socket)
{
	const struct web_settings *settings = settings_of(socket);
	return settings->ping_interval_ms + settings->ping_timeout_ms;
}

bool web_socket_is_secure(const struct web_socket *socket)
{
	return web_is_secure(web_connection_web(socket->connection));
}
