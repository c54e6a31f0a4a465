#include "base/log.h"
#include "metrics/metrics.h"
#include "net/acceptor.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "sip/framing.h"
#include "sip/transport_internal.h"
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define READ_BYTES 16384
#define BACKLOG 128
#define ACCEPTED_AT_ONCE 32

METRICS_COUNTER(refused, "tandem_sip_tcp_refused_total", "TCP connections refused because there were too many.");
METRICS_COUNTER(broken, "tandem_sip_tcp_broken_total", "TCP connections closed because their stream was out of step.");

struct sip_tcp_listener {
	struct sip_transport_set *transports;
	struct sip_tcp_listener *next;
	struct net_address local;
	struct net_acceptor acceptor;
};

enum tcp_state { TCP_CONNECTING, TCP_OPEN, TCP_FAILED, TCP_CLOSED };

struct tcp_connection {
	struct sip_transport_set *transports;
	enum tcp_state state;
	int descriptor;
	struct net_address remote;
	struct sip_flow *flow; /* a reference while it is in the set */
	struct loop_watch *watch;
	struct loop_timer timer; /* until it is open, until it is idle for too long, or 0 when it has failed */
	struct sip_framing framing;
	GByteArray *queue; /* not yet taken by the kernel */
};

static void close_connection(struct tcp_connection *connection)
{
	struct sip_flow *flow = connection->flow;
	connection->state = TCP_CLOSED;
	loop_timer_stop(&connection->timer);
	BASE_CLEAR(&connection->watch, loop_watch_free);
	close(connection->descriptor);
	g_hash_table_remove(connection->transports->tcp_connections, &connection->remote);
	sip_flow_closed(flow);
	sip_flow_unref(flow);
}

static void on_timer(void *data)
{
	close_connection(data);
}

/* From inside send(), which may not call back: the close comes with the next round. */
static int fail(struct tcp_connection *connection)
{
	connection->state = TCP_FAILED;
	loop_watch_set_events(connection->watch, 0);
	loop_timer_start_ms(&connection->timer, 0);
	return -EPIPE;
}

static void watch_for_room(struct tcp_connection *connection)
{
	bool is_waiting = connection->queue->len || connection->state == TCP_CONNECTING;
	loop_watch_set_events(connection->watch, EPOLLIN | (is_waiting ? EPOLLOUT : 0));
}

/* 0 or a fatal -errno. */
static int flush(struct tcp_connection *connection)
{
	while (connection->queue->len) {
		ssize_t sent = send(connection->descriptor, connection->queue->data, connection->queue->len,
				    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		g_byte_array_remove_range(connection->queue, 0, (unsigned)sent);
	}
	return 0;
}

static int send_text(void *carrier, const char *text, size_t length)
{
	struct tcp_connection *connection = carrier;
	if (connection->state >= TCP_FAILED)
		return -EPIPE;
	if (connection->queue->len + length > SIP_TCP_QUEUE_BYTES_MAX)
		return -EAGAIN;
	g_byte_array_append(connection->queue, (const uint8_t *)text, (unsigned)length);
	if (connection->state == TCP_OPEN && flush(connection) < 0)
		return fail(connection);
	watch_for_room(connection);
	return 0;
}

static void destroy(void *carrier)
{
	struct tcp_connection *connection = carrier;
	sip_framing_clear(&connection->framing);
	g_byte_array_unref(connection->queue);
	g_free(connection);
}

static const struct sip_flow_operations operations = {.send = send_text, .destroy = destroy};

/* 0, or -EPIPE when the connection is to be closed. */
static int take_messages(struct tcp_connection *connection)
{
	const char *text;
	size_t length;
	for (;;) {
		switch (sip_framing_next(&connection->framing, &text, &length)) {
		case SIP_FRAMING_MORE:
			return 0;
		case SIP_FRAMING_BROKEN:
			metrics_add(&broken, 1);
			return -EPIPE;
		case SIP_FRAMING_PING:
			send_text(connection, "\r\n", 2);
			break;
		case SIP_FRAMING_MESSAGE:
			sip_stack_receive(connection->transports->stack, connection->flow, text, length);
			break;
		}
		if (connection->state != TCP_OPEN)
			return 0;
		loop_timer_start_ms(&connection->timer, SIP_TCP_IDLE_MS); /* by whole messages: drops do not count */
	}
}

static int read_some(struct tcp_connection *connection)
{
	char bytes[READ_BYTES];
	ssize_t length = recv(connection->descriptor, bytes, sizeof bytes, MSG_DONTWAIT);
	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!length)
		return -EPIPE;
	sip_framing_feed(&connection->framing, bytes, (size_t)length);
	return take_messages(connection);
}

static int finish_connect(struct tcp_connection *connection)
{
	int error = 0;
	socklen_t size = sizeof error;
	getsockopt(connection->descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error)
		return -error;
	connection->state = TCP_OPEN;
	loop_timer_start_ms(&connection->timer, SIP_TCP_IDLE_MS);
	return 0;
}

static void on_ready(void *data, uint32_t events)
{
	struct tcp_connection *connection = data;
	struct sip_flow *flow = sip_flow_ref(connection->flow); /* keeps the connection's memory too */
	int error = 0;
	if (connection->state == TCP_CONNECTING)
		error = finish_connect(connection);
	if (!error && events & EPOLLOUT)
		error = flush(connection);
	if (!error && connection->state == TCP_OPEN && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		error = read_some(connection);
	if (error < 0 && connection->state != TCP_CLOSED)
		close_connection(connection);
	else if (connection->state == TCP_OPEN)
		watch_for_room(connection);
	sip_flow_unref(flow);
}

static const struct sip_tcp_listener *listener_for(const struct sip_transport_set *transports,
						   const struct net_address *remote)
{
	const struct sip_tcp_listener *listener = transports->tcp_listeners;
	while (listener && net_address_is_ipv6(&listener->local) != net_address_is_ipv6(remote))
		listener = listener->next;
	return listener;
}

/* Takes the descriptor over. NULL, and the descriptor closed, when it cannot be watched. */
static struct tcp_connection *add(const struct sip_tcp_listener *listener, int descriptor, enum tcp_state state,
				  const struct net_address *remote)
{
	struct sip_transport_set *transports = listener->transports;
	struct loop *loop = transports->stack->loop;
	struct tcp_connection *connection = g_new0(struct tcp_connection, 1);
	uint32_t events = EPOLLIN | (state == TCP_CONNECTING ? EPOLLOUT : 0);
	if (loop_watch_add(loop, descriptor, events, on_ready, connection, &connection->watch) < 0) {
		close(descriptor);
		g_free(connection);
		return NULL;
	}
	int on = 1;
	setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	struct sip_flow_parameters parameters = {.transport = SIP_TRANSPORT_TCP, .remote = *remote};
	char sent_by[NET_ADDRESS_TEXT_MAX];
	if (net_local_address(descriptor, &parameters.local) < 0)
		parameters.local = listener->local;
	net_address_set_port(&parameters.local, net_address_port(&listener->local));
	parameters.sent_by = net_address_format(&parameters.local, sent_by);
	connection->transports = transports;
	connection->state = state;
	connection->descriptor = descriptor;
	connection->remote = *remote;
	connection->queue = g_byte_array_new();
	connection->flow = sip_flow_new(&parameters, &operations, connection);
	loop_timer_init(&connection->timer, loop, on_timer, connection);
	loop_timer_start_ms(&connection->timer, state == TCP_CONNECTING ? SIP_TCP_CONNECT_MS : SIP_TCP_FIRST_MESSAGE_MS);
	g_hash_table_insert(transports->tcp_connections, &connection->remote, connection);
	return connection;
}

struct sip_flow *sip_tcp_flow_to(struct sip_transport_set *transports, const struct net_address *remote)
{
	const struct sip_tcp_listener *listener = listener_for(transports, remote);
	if (!listener)
		return NULL;
	struct tcp_connection *connection = g_hash_table_lookup(transports->tcp_connections, remote);
	if (connection && connection->state <= TCP_OPEN)
		return sip_flow_ref(connection->flow);
	if (connection || g_hash_table_size(transports->tcp_connections) >= SIP_TCP_CONNECTIONS_MAX)
		return NULL;
	int descriptor;
	if (net_tcp_connect(NULL, remote, &descriptor) < 0)
		return NULL;
	connection = add(listener, descriptor, TCP_CONNECTING, remote);
	return connection ? sip_flow_ref(connection->flow) : NULL;
}

static bool has_room_for(const struct sip_transport_set *transports, const struct net_address *remote)
{
	size_t same_host = 0;
	GHashTableIter iter;
	void *key;
	g_hash_table_iter_init(&iter, transports->tcp_connections);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		same_host += net_address_same_host(key, remote);
	return same_host < SIP_TCP_CONNECTIONS_PER_ADDRESS_MAX &&
	       g_hash_table_size(transports->tcp_connections) < SIP_TCP_CONNECTIONS_MAX &&
	       !g_hash_table_contains(transports->tcp_connections, remote);
}

static void on_connection(void *user, int descriptor, const struct net_address *remote)
{
	struct sip_tcp_listener *listener = user;
	if (has_room_for(listener->transports, remote)) {
		add(listener, descriptor, TCP_OPEN, remote);
	} else {
		metrics_add(&refused, 1);
		close(descriptor);
	}
}

int sip_tcp_listen(struct sip_transport_set *transports, const struct net_address *address)
{
	int descriptor = -1;
	int error = net_tcp_listen(address, BACKLOG, &descriptor);
	if (error < 0)
		return error;
	struct sip_tcp_listener *listener = g_new0(struct sip_tcp_listener, 1);
	listener->transports = transports;
	net_local_address(descriptor, &listener->local);
	error = net_acceptor_start(&listener->acceptor, transports->stack->loop, descriptor, ACCEPTED_AT_ONCE,
				   on_connection, listener);
	if (error < 0) {
		g_free(listener);
		return error;
	}
	struct sip_tcp_listener **end = &transports->tcp_listeners;
	while (*end)
		end = &(*end)->next;
	*end = listener;
	return 0;
}

const struct net_address *sip_tcp_listening(const struct sip_transport_set *transports, size_t index)
{
	const struct sip_tcp_listener *listener = transports->tcp_listeners;
	while (listener && index--)
		listener = listener->next;
	return listener ? &listener->local : NULL;
}

void sip_tcp_close_all(struct sip_transport_set *transports)
{
	GHashTableIter iter;
	void *connection;
	for (;;) {
		g_hash_table_iter_init(&iter, transports->tcp_connections);
		if (!g_hash_table_iter_next(&iter, NULL, &connection))
			break;
		close_connection(connection);
	}
	while (transports->tcp_listeners) {
		struct sip_tcp_listener *listener = transports->tcp_listeners;
		transports->tcp_listeners = listener->next;
		net_acceptor_stop(&listener->acceptor);
		g_free(listener);
	}
}
