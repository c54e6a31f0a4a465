#include "web/connection.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "web/handshake.h"
#include "web/internal.h"
#include <string.h>
#include <unistd.h>

METRICS_COUNTER(upgraded, "tandem_web_upgrades_total", "WebSocket upgrades asked for.", "outcome", "accepted");
METRICS_COUNTER(not_upgraded, "tandem_web_upgrades_total", "WebSocket upgrades asked for.", "outcome", "refused");
METRICS_COUNTER(requests, "tandem_web_requests_total", "HTTP requests read, without upgrades.");
METRICS_COUNTER(bad_requests, "tandem_web_bad_requests_total", "HTTP requests that could not be read.");

#define SLICE_BYTES 16384    /* written at once */
#define SLICES_PER_ROUND 8   /* then others have their turn */

enum connection_state {
	CONNECTION_HEAD,      /* waiting for a request, or inside its head */
	CONNECTION_BODY,      /* the head is read, the body is not whole */
	CONNECTION_SOCKET,    /* a WebSocket */
	CONNECTION_FINISHING, /* the queue is sent, nothing is read */
	CONNECTION_LINGERING, /* all is sent; the peer may close first */
	CONNECTION_DROPPED,   /* ends as soon as its timer fires */
};

struct web_connection {
	struct web *web;
	struct web_link *link;
	struct net_address local, remote;
	char name[NET_ADDRESS_TEXT_MAX];
	enum connection_state state;
	struct loop_timer timer;
	GByteArray *input;
	struct web_http_head head; /* in CONNECTION_BODY */
	GQueue output;		   /* of GBytes */
	size_t output_offset;	   /* of the first that is already written */
	size_t output_bytes;
	bool has_progressed; /* bytes went out since the timer was last looked at */
	struct web_socket *socket;
};

static void process(struct web_connection *connection);

static const char *state_name(enum connection_state state)
{
	static const char *const names[] = {"head", "body", "socket", "finishing", "lingering", "dropped"};
	return names[state];
}

static void set_state(struct web_connection *connection, enum connection_state state)
{
	if (connection->state == state)
		return;
	log_debug(NULL, "web: connection of %s: %s -> %s", connection->name, state_name(connection->state),
		  state_name(state));
	connection->state = state;
}

static void forget_head(struct web_connection *connection)
{
	web_http_head_clear(&connection->head);
}

static void wait_for_request(struct web_connection *connection)
{
	const struct web_settings *settings = web_settings(connection->web);
	set_state(connection, CONNECTION_HEAD);
	loop_timer_start_ms(&connection->timer,
			    connection->input->len ? settings->header_timeout_ms : settings->idle_timeout_ms);
}

/* A request that could not even be read, or is late. */
static void refuse(struct web_connection *connection, unsigned status)
{
	struct web_http_head head = {.method = "GET", .path = "/", .query = ""};
	struct web_request request = {.connection = connection, .head = &head};
	metrics_add(&bad_requests, 1);
	log_info(NULL, "web: request of %s refused: %u %s", connection->name, status, web_http_phrase(status));
	web_request_refuse(&request, status, NULL);
	web_connection_finish(connection);
}

static void upgrade(struct web_connection *connection, const struct web_socket_route *route, struct web_request *request)
{
	struct web_handshake_rules rules = {
		.subprotocol = route->subprotocol,
		.origins = web_settings(connection->web)->origins,
	};
	char accept[WEB_HANDSHAKE_ACCEPT_BYTES];
	const char *reason = NULL;
	unsigned status = web_handshake_check(request->head, &rules, accept, &reason);
	if (status != 101) {
		metrics_add(&not_upgraded, 1);
		log_info(NULL, "web: WebSocket of %s refused: %u, %s", connection->name, status, reason);
		if (status == 426) {
			web_request_add_header(request, "Sec-WebSocket-Version", "13");
			web_request_add_header(request, "Upgrade", "websocket");
		} else if (status == 405) {
			web_request_add_header(request, "Allow", "GET");
		}
		web_request_refuse(request, status, reason);
		return;
	}
	g_autoptr(GString) answer = g_string_new("HTTP/1.1 101 Switching Protocols\r\n"
						 "Upgrade: websocket\r\nConnection: Upgrade\r\n");
	g_string_append_printf(answer, "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n", accept,
			       route->subprotocol);
	web_connection_send(connection, g_bytes_new(answer->str, answer->len));
	request->is_replied = true;
	metrics_add(&upgraded, 1);
	set_state(connection, CONNECTION_SOCKET);
	loop_timer_stop(&connection->timer);
	connection->socket = web_socket_new(connection, route);
}

static const struct web_socket_route *wanted_socket(const struct web_connection *connection)
{
	const struct web_http_head *head = &connection->head;
	return web_handshake_is_wanted(head) ? web_find_socket_route(connection->web, head->path) : NULL;
}

/* `route` is that of the WebSocket that is asked for, or NULL. */
static void answer(struct web_connection *connection, const struct web_socket_route *route, const char *body)
{
	struct web_http_head *head = &connection->head;
	struct web_request request = {
		.connection = connection,
		.head = head,
		.body = body,
		.body_length = route ? 0 : head->content_length_bytes,
	};
	bool keep_alive = head->keep_alive;
	if (route) {
		upgrade(connection, route, &request);
	} else {
		metrics_add(&requests, 1);
		web_dispatch(connection->web, &request);
	}
	if (request.extra_headers)
		g_string_free(request.extra_headers, TRUE);
	if (!request.is_replied) {
		log_error(NULL, "web: no answer was given to %s %s", head->method, head->path);
		refuse(connection, 500);
	} else if (connection->state != CONNECTION_SOCKET && !keep_alive) {
		web_connection_finish(connection);
	}
}

static void read_head(struct web_connection *connection)
{
	unsigned status = 0;
	int error = web_http_parse((char *)connection->input->data, connection->input->len, &connection->head, &status);
	if (error == -EAGAIN)
		return;
	if (error) {
		refuse(connection, status);
		return;
	}
	set_state(connection, CONNECTION_BODY);
	g_byte_array_remove_range(connection->input, 0, (guint)connection->head.length_bytes);
	if (connection->head.expects_continue && connection->input->len < connection->head.content_length_bytes) {
		static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
		web_connection_send(connection, g_bytes_new_static(go_on, sizeof go_on - 1));
	}
}

static void read_body(struct web_connection *connection)
{
	size_t length = connection->head.content_length_bytes;
	const struct web_socket_route *route = wanted_socket(connection);
	if (connection->input->len < length && !route)
		return;
	if (route && length) /* no handshake has a body: it is refused without waiting for one, and nothing more is read */
		connection->head.keep_alive = false;
	answer(connection, route, (char *)connection->input->data);
	forget_head(connection);
	if (connection->state == CONNECTION_BODY || connection->state == CONNECTION_SOCKET)
		g_byte_array_remove_range(connection->input, 0, (guint)length);
	if (connection->state == CONNECTION_BODY)
		wait_for_request(connection);
}

/* What came with or after the upgrade request. */
static void start_socket(struct web_connection *connection)
{
	g_autoptr(GByteArray) rest = g_steal_pointer(&connection->input);
	connection->input = g_byte_array_new();
	web_socket_open(connection->socket);
	if (rest->len && connection->state == CONNECTION_SOCKET)
		web_socket_received(connection->socket, rest->data, rest->len);
}

/* One request at a time: the next is looked at when the answer to the last is out. */
static void process(struct web_connection *connection)
{
	while (connection->state <= CONNECTION_BODY) {
		enum connection_state state = connection->state;
		guint length = connection->input->len;
		if (state == CONNECTION_HEAD) {
			if (!length || connection->output_bytes)
				return;
			read_head(connection);
		}
		if (connection->state == CONNECTION_BODY)
			read_body(connection);
		if (connection->state == state && connection->input->len == length)
			return;
	}
	if (connection->state == CONNECTION_SOCKET)
		start_socket(connection);
}

static void on_received(void *data, uint8_t *bytes, size_t length)
{
	struct web_connection *connection = data;
	if (connection->state == CONNECTION_SOCKET) {
		web_socket_received(connection->socket, bytes, length);
		return;
	}
	if (connection->state > CONNECTION_SOCKET)
		return;
	if (connection->input->len + length > WEB_HEADER_BYTES_MAX + WEB_BODY_BYTES_MAX + SLICE_BYTES) {
		web_connection_drop(connection);
		return;
	}
	bool is_first = connection->state == CONNECTION_HEAD && !connection->input->len;
	g_byte_array_append(connection->input, bytes, (guint)length);
	if (is_first)
		loop_timer_start_ms(&connection->timer, web_settings(connection->web)->header_timeout_ms);
	process(connection);
}

static bool write_slice(struct web_connection *connection)
{
	GBytes *bytes = g_queue_peek_head(&connection->output);
	size_t length;
	const uint8_t *content = g_bytes_get_data(bytes, &length);
	size_t part = MIN(length - connection->output_offset, SLICE_BYTES);
	if (web_link_write(connection->link, content + connection->output_offset, part)) {
		web_connection_drop(connection);
		return false;
	}
	connection->has_progressed = true;
	connection->output_offset += part;
	connection->output_bytes -= part;
	if (connection->output_offset == length) {
		g_bytes_unref(g_queue_pop_head(&connection->output));
		connection->output_offset = 0;
	}
	return true;
}

static void on_writable(void *data)
{
	struct web_connection *connection = data;
	for (int i = 0; i < SLICES_PER_ROUND && connection->output_bytes && web_link_is_drained(connection->link); i++)
		if (!write_slice(connection))
			return;
	if (connection->output_bytes || !web_link_is_drained(connection->link)) {
		web_link_want_write(connection->link);
		return;
	}
	if (connection->state == CONNECTION_FINISHING) {
		set_state(connection, CONNECTION_LINGERING);
		/* The side that closes a WebSocket's TCP connection is the server, at once (RFC 6455, section 7.1.1). */
		loop_timer_start_ms(&connection->timer, connection->socket ? 0 : WEB_LINGER_TIME_MS);
	} else if (connection->state <= CONNECTION_BODY) {
		process(connection);
	}
}

static void connection_free(struct web_connection *connection)
{
	loop_timer_stop(&connection->timer);
	set_state(connection, CONNECTION_DROPPED);
	web_socket_free(connection->socket);
	forget_head(connection);
	g_byte_array_unref(connection->input);
	g_queue_clear_full(&connection->output, (GDestroyNotify)g_bytes_unref);
	g_free(connection);
}

static void on_closed(void *data)
{
	struct web_connection *connection = data;
	connection->link = NULL;
	web_connection_gone(connection->web, connection);
	connection_free(connection);
}

static void on_timer(void *data)
{
	struct web_connection *connection = data;
	bool has_progressed = connection->has_progressed && connection->output_bytes;
	connection->has_progressed = false;
	switch (connection->state) {
	case CONNECTION_HEAD:
	case CONNECTION_FINISHING:
		if (has_progressed) { /* a long answer over a slow line */
			loop_timer_start_ms(&connection->timer, web_settings(connection->web)->idle_timeout_ms);
			return;
		}
		if (connection->state == CONNECTION_HEAD && connection->input->len && !connection->output_bytes) {
			refuse(connection, 408);
			return;
		}
		break;
	case CONNECTION_BODY:
		refuse(connection, 408);
		return;
	default:
		break;
	}
	web_connection_kill(connection);
}

struct web_connection *web_connection_new(struct web *web, int descriptor, const struct net_address *local,
					  const struct net_address *remote)
{
	static const struct web_link_handler handler = {
		.received = on_received,
		.writable = on_writable,
		.closed = on_closed,
	};
	struct web_connection *connection = g_new0(struct web_connection, 1);
	connection->web = web;
	connection->local = *local;
	connection->remote = *remote;
	connection->input = g_byte_array_new();
	g_queue_init(&connection->output);
	net_address_format(remote, connection->name);
	loop_timer_init(&connection->timer, web_loop(web), on_timer, connection);
	if (web_link_new(web_carrier(web), descriptor, &handler, connection, &connection->link)) {
		connection_free(connection);
		return NULL;
	}
	loop_timer_start_ms(&connection->timer, web_settings(web)->header_timeout_ms); /* TLS included */
	return connection;
}

void web_connection_kill(struct web_connection *connection)
{
	set_state(connection, CONNECTION_DROPPED);
	web_link_close(connection->link);
}

void web_connection_drop(struct web_connection *connection)
{
	set_state(connection, CONNECTION_DROPPED);
	loop_timer_start_ms(&connection->timer, 0);
}

void web_connection_finish(struct web_connection *connection)
{
	if (connection->state >= CONNECTION_FINISHING)
		return;
	set_state(connection, CONNECTION_FINISHING);
	connection->has_progressed = false;
	loop_timer_start_ms(&connection->timer, web_settings(connection->web)->header_timeout_ms);
	web_link_want_write(connection->link);
}

void web_connection_send(struct web_connection *connection, GBytes *bytes)
{
	size_t length = g_bytes_get_size(bytes);
	if (!length || connection->state >= CONNECTION_FINISHING) {
		g_bytes_unref(bytes);
		return;
	}
	bool may_go = !connection->output_bytes && web_link_is_drained(connection->link);
	g_queue_push_tail(&connection->output, bytes);
	connection->output_bytes += length;
	/* Nearly all is short and goes out whole. To be told first that it may costs four times as much. */
	if (may_go && !write_slice(connection))
		return;
	if (connection->output_bytes || !web_link_is_drained(connection->link))
		web_link_want_write(connection->link);
}

void web_connection_flush(struct web_connection *connection)
{
	while (connection->output_bytes && web_link_is_drained(connection->link) && write_slice(connection))
		;
}

size_t web_connection_queued_bytes(const struct web_connection *connection)
{
	return connection->output_bytes;
}

struct web *web_connection_web(const struct web_connection *connection)
{
	return connection->web;
}

const struct net_address *web_connection_local(const struct web_connection *connection)
{
	return &connection->local;
}

const struct net_address *web_connection_remote(const struct web_connection *connection)
{
	return &connection->remote;
}

struct web_socket *web_connection_socket(const struct web_connection *connection)
{
	return connection->socket;
}

const char *web_connection_name(const struct web_connection *connection)
{
	return connection->name;
}
