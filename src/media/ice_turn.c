/* TURN servers that are reached by TCP or TLS (RFC 8656, section 3.1). libnice has no TLS, and what it carries over TCP it reads by
 * itself. So it is told of a UDP socket of ours instead, and what comes there travels on by a connection: one for each socket of
 * libnice's, since to a server that is who has the allocation. */
#include "crypto/tls.h"
#include "media/ice_private.h"
#include "media/ice_stream.h"
#include "net/tcp.h"
#include <gio/gio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define DATAGRAMS_MAX 8 /* before others have their turn */

struct turn_connection {
	struct ice_turn *turn;
	struct net_address near; /* libnice's socket */
	struct net_address seen; /* where the server sees us */
	struct turn_lookup *lookup; /* while the server's name is looked up */
	GBytes *waiting;	    /* meanwhile: the last message */
	struct ice_stream *stream;  /* then; neither: the connection is lost */
};

struct ice_turn {
	struct media_ice *ice;
	const struct media_turn_server *server;
	int descriptor; /* -1: the server is lost */
	struct loop_watch *watch;
	struct net_address local;
	size_t n_connections;
	struct turn_connection connections[ICE_SOCKETS_MAX];
};

/* Outlives a connection that does not wait for it. */
struct turn_lookup {
	struct turn_connection *connection; /* NULL: gone */
	GCancellable *cancellable;
};

static void stop_listening(struct ice_turn *turn)
{
	BASE_CLEAR(&turn->watch, loop_watch_free);
	if (turn->descriptor >= 0)
		close(turn->descriptor);
	turn->descriptor = -1;
}

static bool is_lost(const struct turn_connection *connection)
{
	return !connection->lookup && !connection->stream;
}

/* Without a connection that is left there is no server. */
static void lose(struct turn_connection *connection, const char *why)
{
	struct ice_turn *turn = connection->turn;

	g_clear_pointer(&connection->waiting, g_bytes_unref);
	BASE_CLEAR(&connection->stream, ice_stream_free);
	log_warning(&turn->ice->end->log, "no way by the TURN server %s: %s", turn->server->at.host, why);
	for (size_t i = 0; i < turn->n_connections; i++)
		if (!is_lost(&turn->connections[i]))
			return;
	stop_listening(turn);
	ice_server_lost(turn->ice);
}

/* --- from the server --- */

static bool on_message(void *data, const uint8_t *bytes, size_t length)
{
	struct turn_connection *connection = data;

	media_stun_allocated(bytes, length, &connection->seen);
	sendto(connection->turn->descriptor, bytes, length, 0, &connection->near.any, connection->near.length);
	return true;
}

static void on_end(void *data, const char *why)
{
	lose(data, why);
}

static const struct ice_stream_handler stream_handler = {.take = on_message, .ended = on_end};

/* --- connecting --- */

static int open_stream(struct turn_connection *connection, int descriptor)
{
	const struct ice_turn *turn = connection->turn;
	struct ice_stream_options options = {
		.loop = media_end_loop(turn->ice->end), .framing = MEDIA_FRAMING_TURN, .descriptor = descriptor};
	const struct media_engine *engine = turn->ice->end->worker->engine;
	SSL_CTX *tls = engine->turn_tls[turn->server - engine->settings.turn_servers];

	if (tls && crypto_tls_new(tls, turn->server->at.host, CRYPTO_TLS_CHECK_HOST, descriptor, &options.tls) < 0) {
		close(descriptor);
		return -EIO;
	}
	return ice_stream_new(&options, &stream_handler, connection, &connection->stream);
}

/* From where libnice's socket is, as far as the server can be reached from there. */
static void connect_to(struct turn_connection *connection, const struct net_address *server)
{
	const struct net_address *near = &connection->near;
	bool same_family = net_address_is_ipv6(near) == net_address_is_ipv6(server);
	int descriptor, error;

	error = net_tcp_connect(same_family ? near : NULL, server, &descriptor);
	if (error == 0)
		error = open_stream(connection, descriptor);
	if (error < 0) {
		lose(connection, g_strerror(-error));
		return;
	}
	if (connection->waiting) {
		size_t length;
		const uint8_t *bytes = g_bytes_get_data(connection->waiting, &length);

		ice_stream_send(connection->stream, bytes, length);
		g_clear_pointer(&connection->waiting, g_bytes_unref);
	}
}

/* The first address; one of libnice's family if there is one. */
static bool choose_address(const struct turn_connection *connection, GList *found, struct net_address *ret_address)
{
	bool has_one = false;

	for (GList *i = found; i; i = i->next) {
		struct net_address address;
		g_autofree char *text = g_inet_address_to_string(i->data);

		if (net_address_parse(text, connection->turn->server->at.port, &address) < 0)
			continue;
		if (!has_one || net_address_is_ipv6(&address) == net_address_is_ipv6(&connection->near))
			*ret_address = address;
		has_one = true;
		if (net_address_is_ipv6(ret_address) == net_address_is_ipv6(&connection->near))
			return true;
	}
	return has_one;
}

static void on_found(GObject *resolver, GAsyncResult *result, gpointer data)
{
	struct turn_lookup *lookup = data;
	struct turn_connection *connection = lookup->connection;
	GList *found = g_resolver_lookup_by_name_finish(G_RESOLVER(resolver), result, NULL);
	struct net_address address;

	g_object_unref(lookup->cancellable);
	g_free(lookup);
	if (connection) {
		connection->lookup = NULL;
		if (choose_address(connection, found, &address))
			connect_to(connection, &address);
		else
			lose(connection, "its name leads nowhere");
	}
	g_resolver_free_addresses(found);
}

static void look_up(struct turn_connection *connection)
{
	const struct media_server *server = &connection->turn->server->at;
	GResolver *resolver = g_resolver_get_default();

	connection->lookup = g_new(struct turn_lookup, 1);
	*connection->lookup = (struct turn_lookup){connection, g_cancellable_new()};
	g_resolver_lookup_by_name_async(resolver, server->host, connection->lookup->cancellable, on_found, connection->lookup);
	loop_touch_guest(media_end_loop(connection->turn->ice->end));
	g_object_unref(resolver);
}

/* --- from libnice --- */

/* NULL: it does not come from libnice. */
static struct turn_connection *connection_from(struct ice_turn *turn, const struct net_address *near)
{
	struct turn_connection *connection;
	struct net_address address;

	for (size_t i = 0; i < turn->n_connections; i++)
		if (net_address_equal(&turn->connections[i].near, near))
			return &turn->connections[i];
	if (!ice_socket_find(turn->ice, near) || turn->n_connections == ICE_SOCKETS_MAX)
		return NULL;
	connection = &turn->connections[turn->n_connections++];
	connection->turn = turn;
	connection->near = *near;
	if (net_address_parse(turn->server->at.host, turn->server->at.port, &address) == 0)
		connect_to(connection, &address);
	else
		look_up(connection);
	return connection;
}

static void on_datagrams(void *data, uint32_t events)
{
	struct ice_turn *turn = data;
	uint8_t bytes[MEDIA_PACKET_BYTES_MAX + MEDIA_PACKET_ROOM];

	for (int i = 0; i < DATAGRAMS_MAX; i++) {
		struct net_address near = {.length = sizeof near.ipv6};
		struct turn_connection *connection;
		ssize_t length = recvfrom(turn->descriptor, bytes, sizeof bytes, 0, &near.any, &near.length);

		if (length < 0) /* the server may be lost by now, too */
			return;
		connection = connection_from(turn, &near);
		if (!connection || is_lost(connection))
			continue;
		if (connection->stream) {
			ice_stream_send(connection->stream, bytes, (size_t)length);
			continue;
		}
		g_clear_pointer(&connection->waiting, g_bytes_unref);
		connection->waiting = g_bytes_new(bytes, (size_t)length);
	}
}

/* --- */

/* IPv4 where there is some, as for all that a server is to tell. */
static int open_socket(struct ice_turn *turn)
{
	const struct media_settings *settings = &turn->ice->end->worker->engine->settings;
	struct net_address address;
	int error;

	if (settings->n_addresses == 0)
		return -EADDRNOTAVAIL;
	address = settings->addresses[0];
	for (size_t i = 1; i < settings->n_addresses && net_address_is_ipv6(&address); i++)
		address = settings->addresses[i];
	net_address_set_port(&address, 0);
	error = net_udp_open(&address, &turn->descriptor);
	if (error == 0)
		error = net_local_address(turn->descriptor, &turn->local);
	if (error == 0)
		error = loop_watch_add(media_end_loop(turn->ice->end), turn->descriptor, EPOLLIN, on_datagrams, turn, &turn->watch);
	return error;
}

int ice_turn_open(struct media_ice *ice, const struct media_turn_server *server, struct net_address *ret_local)
{
	struct ice_turn *turn = g_new0(struct ice_turn, 1);
	int error;

	turn->ice = ice;
	turn->server = server;
	turn->descriptor = -1;
	ice->turns = g_slist_prepend(ice->turns, turn);
	error = open_socket(turn);
	if (error == 0)
		*ret_local = turn->local;
	return error;
}

static void close_connection(struct turn_connection *connection)
{
	if (connection->lookup) {
		connection->lookup->connection = NULL;
		g_cancellable_cancel(connection->lookup->cancellable);
		loop_touch_guest(media_end_loop(connection->turn->ice->end));
	}
	g_clear_pointer(&connection->waiting, g_bytes_unref);
	ice_stream_free(connection->stream);
}

void ice_turn_close(struct media_ice *ice)
{
	for (GSList *i = ice->turns; i; i = i->next) {
		struct ice_turn *turn = i->data;

		for (size_t c = 0; c < turn->n_connections; c++)
			close_connection(&turn->connections[c]);
		stop_listening(turn);
		g_free(turn);
	}
	g_clear_pointer(&ice->turns, g_slist_free);
}

bool ice_turn_is_seen_at(const struct media_ice *ice, const struct net_address *address)
{
	for (GSList *i = ice->turns; i; i = i->next) {
		const struct ice_turn *turn = i->data;

		for (size_t c = 0; c < turn->n_connections; c++)
			if (turn->connections[c].seen.length > 0 && net_address_equal(&turn->connections[c].seen, address))
				return true;
	}
	return false;
}
