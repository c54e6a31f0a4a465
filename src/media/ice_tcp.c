/* ICE over TCP (RFC 6544): we wait for connections on the ports of our UDP sockets and make none, so that nobody can have us connect to
 * where he likes. To the agent each connection is a far end of its own on UDP, at a socket of ours on the same host. Who has not shown by a
 * check that he knows the leg's password is nobody: he costs a descriptor for a while, and makes room for others. */
#include "media/ice_private.h"
#include "media/ice_stream.h"
#include "metrics/metrics.h"
#include "net/acceptor.h"
#include "net/tcp.h"
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CONNECTIONS_MAX	    8	 /* of a leg */
#define STRANGERS_MAX	    64	 /* of a worker: connections that have shown nothing */
#define STRANGER_TIME_MS    5000 /* to show it */
#define BACKLOG		    8
#define ACCEPTED_AT_ONCE    8
#define DATAGRAMS_MAX	    8	 /* before others have their turn */

METRICS_COUNTER(refused, "tandem_ice_tcp_refused_total",
		"TCP connections to media ports that were ended: by strangers to the call, or too many of them.");

struct ice_listener {
	struct media_ice *ice;
	struct net_acceptor acceptor;
	struct net_address local; /* of the UDP socket as well */
};

struct ice_connection {
	struct ice_listener *listener;
	struct net_address far, near; /* the other end; the socket that stands for it */
	struct ice_stream *stream;
	int datagrams; /* that socket; -1: a stranger's */
	struct loop_watch *watch;
	struct loop_timer timer; /* while it is a stranger's */
	GList of_leg, of_worker; /* the second while it is a stranger's */
};

static struct media_worker *worker_of(const struct ice_connection *connection)
{
	return connection->listener->ice->end->worker;
}

static bool is_stranger(const struct ice_connection *connection)
{
	return connection->datagrams < 0;
}

static void leave_strangers(struct ice_connection *connection)
{
	loop_timer_stop(&connection->timer);
	g_queue_unlink(&worker_of(connection)->ice_strangers, &connection->of_worker);
}

static struct ice_connection *connection_free(struct ice_connection *connection)
{
	if (is_stranger(connection))
		leave_strangers(connection);
	g_queue_unlink(&connection->listener->ice->connections, &connection->of_leg);
	ice_stream_free(connection->stream);
	loop_watch_free(connection->watch);
	if (connection->datagrams >= 0)
		close(connection->datagrams);
	g_free(connection);
	return NULL;
}

static void end_connection(struct ice_connection *connection, const char *why)
{
	char text[NET_ADDRESS_TEXT_MAX];

	if (is_stranger(connection))
		metrics_add(&refused, 1);
	log_debug(&connection->listener->ice->end->log, "the TCP connection from %s ends: %s",
		  net_address_format(&connection->far, text), why);
	connection_free(connection);
}

static void on_stranger_time(void *data)
{
	end_connection(data, "nobody has shown the password on it");
}

/* --- from us --- */

static void on_datagrams(void *data, uint32_t events)
{
	struct ice_connection *connection = data;
	uint8_t bytes[MEDIA_PACKET_BYTES_MAX + MEDIA_PACKET_ROOM];
	ssize_t length = 0;

	for (int i = 0; i < DATAGRAMS_MAX && length >= 0; i++) {
		length = recv(connection->datagrams, bytes, sizeof bytes, 0);
		if (length > 0)
			ice_stream_send(connection->stream, bytes, (size_t)length);
	}
}

/* --- from there --- */

/* A UDP socket that speaks with the agent's and nobody else. */
static int open_datagrams(struct ice_connection *connection)
{
	const struct net_address *agent = &connection->listener->local;
	struct net_address address = *agent;
	int descriptor, error;

	net_address_set_port(&address, 0);
	error = net_udp_open(&address, &descriptor);
	if (error < 0)
		return error;
	if (connect(descriptor, &agent->any, agent->length) < 0)
		error = -errno;
	if (error == 0)
		error = net_local_address(descriptor, &connection->near);
	if (error == 0)
		error = loop_watch_add(media_end_loop(connection->listener->ice->end), descriptor, EPOLLIN, on_datagrams,
				       connection, &connection->watch);
	if (error < 0) {
		close(descriptor);
		return error;
	}
	leave_strangers(connection);
	connection->datagrams = descriptor;
	return 0;
}

static bool admit(struct ice_connection *connection, const uint8_t *bytes, size_t length)
{
	struct media_ice *ice = connection->listener->ice;
	char text[NET_ADDRESS_TEXT_MAX];

	if (!ice_knows_password(ice, bytes, length) || open_datagrams(connection) < 0)
		return false;
	log_debug(&ice->end->log, "there is a TCP connection from %s", net_address_format(&connection->far, text));
	return true;
}

static bool on_message(void *data, const uint8_t *bytes, size_t length)
{
	struct ice_connection *connection = data;

	if (is_stranger(connection) && !admit(connection, bytes, length))
		return false;
	send(connection->datagrams, bytes, length, 0);
	return true;
}

static void on_stream_end(void *data, const char *why)
{
	end_connection(data, why);
}

static const struct ice_stream_handler stream_handler = {.take = on_message, .ended = on_stream_end};

/* The oldest stranger's, if there is one, makes room for another. */
static bool make_room(struct media_ice *ice)
{
	GQueue *strangers = &ice->end->worker->ice_strangers;
	struct ice_connection *oldest = NULL;

	if (strangers->length >= STRANGERS_MAX)
		end_connection(strangers->head->data, "others want to be heard");
	if (ice->connections.length < CONNECTIONS_MAX)
		return true;
	for (GList *i = ice->connections.head; i && !oldest; i = i->next)
		if (is_stranger(i->data))
			oldest = i->data;
	if (oldest)
		end_connection(oldest, "the leg has too many");
	return oldest;
}

static void accept_one(struct ice_listener *listener, int descriptor, const struct net_address *far)
{
	struct media_ice *ice = listener->ice;
	struct ice_stream_options options = {
		.loop = media_end_loop(ice->end), .framing = MEDIA_FRAMING_LENGTH, .descriptor = descriptor};
	struct ice_connection *connection = g_new0(struct ice_connection, 1);

	if (ice_stream_new(&options, &stream_handler, connection, &connection->stream) < 0) {
		g_free(connection);
		return;
	}
	connection->listener = listener;
	connection->far = *far;
	connection->datagrams = -1;
	connection->of_leg.data = connection->of_worker.data = connection;
	g_queue_push_tail_link(&ice->connections, &connection->of_leg);
	g_queue_push_tail_link(&ice->end->worker->ice_strangers, &connection->of_worker);
	loop_timer_init(&connection->timer, media_end_loop(ice->end), on_stranger_time, connection);
	loop_timer_start_ms(&connection->timer, STRANGER_TIME_MS);
}

static void on_connection(void *user, int descriptor, const struct net_address *far)
{
	struct ice_listener *listener = user;

	if (make_room(listener->ice)) {
		accept_one(listener, descriptor, far);
	} else {
		metrics_add(&refused, 1);
		close(descriptor);
	}
}

/* --- */

int ice_tcp_open(struct media_ice *ice, const struct net_address *local)
{
	struct ice_listener *listener = g_new0(struct ice_listener, 1);
	int descriptor, error = net_tcp_listen(local, BACKLOG, &descriptor);

	if (error == 0)
		error = net_acceptor_start(&listener->acceptor, media_end_loop(ice->end), descriptor, ACCEPTED_AT_ONCE,
					   on_connection, listener);
	if (error < 0) {
		g_free(listener);
		return error;
	}
	listener->ice = ice;
	listener->local = *local;
	ice->listeners = g_slist_append(ice->listeners, listener);
	return 0;
}

void ice_tcp_close(struct media_ice *ice)
{
	while (ice->connections.head)
		connection_free(ice->connections.head->data);
	for (GSList *i = ice->listeners; i; i = i->next) {
		struct ice_listener *listener = i->data;

		net_acceptor_stop(&listener->acceptor);
		g_free(listener);
	}
	g_clear_pointer(&ice->listeners, g_slist_free);
}

bool ice_tcp_is_open(const struct media_ice *ice, const struct net_address *local)
{
	for (GSList *i = ice->listeners; i; i = i->next)
		if (net_address_equal(&((const struct ice_listener *)i->data)->local, local))
			return true;
	return false;
}

const struct net_address *media_ice_far(const struct media_ice *ice, const struct net_address *remote)
{
	for (GList *i = ice->connections.head; i; i = i->next) {
		const struct ice_connection *connection = i->data;

		if (!is_stranger(connection) && net_address_equal(&connection->near, remote))
			return &connection->far;
	}
	return remote;
}
