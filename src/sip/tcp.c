/* Connections: TCP, and TLS on it. */
#include "base/log.h"
#include "metrics/metrics.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "sip/framing.h"
#include "sip/transport_internal.h"
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define READ_BYTES 16384 /* a record of TLS */

METRICS_COUNTER(refused, "tandem_sip_tcp_refused_total", "TCP connections refused because there were too many.");
METRICS_COUNTER(broken, "tandem_sip_tcp_broken_total", "TCP connections closed because their stream was out of step.");
METRICS_COUNTER(unshaken, "tandem_sip_tls_handshake_failures_total", "TLS connections that came to nothing.");

enum tcp_state { TCP_CONNECTING, TCP_SHAKING_HANDS, TCP_OPEN, TCP_FAILED, TCP_CLOSED };

struct tcp_connection {
	struct sip_transport_set *transports;
	enum tcp_state state;
	int descriptor;
	struct sip_tcp_key key;
	struct crypto_tls *secure;   /* NULL: plain TCP */
	struct sip_tls *peer;	     /* whose it is: of a TLS connection we have made; a reference */
	struct sip_tls *known_to;    /* of one that has come to us, once its certificate was verified; a reference */
	const char *problem;	     /* of the last call on `secure` that has failed */
	struct sip_flow *flow; /* a reference while it is in the set */
	struct loop_watch *watch;
	struct loop_timer timer; /* until it is open, until it is idle for too long, or 0 when it has failed */
	struct sip_framing framing;
	GByteArray *queue; /* not yet taken by the kernel */
};

static void set_state(struct tcp_connection *connection, enum tcp_state state)
{
	static const char *const names[] = {"connecting", "shaking hands", "open", "failed", "closed"};
	char remote[NET_ADDRESS_TEXT_MAX];
	log_debug(NULL, "connection with %s: %s -> %s", net_address_format(&connection->key.remote, remote), names[connection->state],
		  names[state]);
	connection->state = state;
}

/* For TLS 1.3 the handshake is done before the far end has looked at a certificate of ours, and its alert may be lost with the rest. */
static void tell_of_failure(const struct tcp_connection *connection, const char *problem)
{
	bool is_reached = connection->state >= TCP_SHAKING_HANDS;
	bool was_open = connection->state > TCP_SHAKING_HANDS;
	bool is_heard = connection->framing.bytes;
	if (connection->state == TCP_CONNECTING)
		sip_large_note(connection->transports, &connection->key.remote, false);
	if (!connection->secure || (was_open && (is_heard || !connection->problem)))
		return;
	metrics_add(&unshaken, 1);
	if (was_open && crypto_tls_fault(connection->secure) == CRYPTO_TLS_FAULT_OTHER)
		problem = "it closed the connection after the handshake";
	if (connection->peer)
		sip_tls_has_failed(connection->peer, &connection->key.remote, is_reached ? connection->secure : NULL, problem);
}

static void close_connection(struct tcp_connection *connection, const char *problem)
{
	struct sip_flow *flow = connection->flow;
	tell_of_failure(connection, problem);
	if (connection->secure && connection->state >= TCP_OPEN)
		crypto_tls_say_goodbye(connection->secure);
	set_state(connection, TCP_CLOSED);
	loop_timer_stop(&connection->timer);
	BASE_CLEAR(&connection->watch, loop_watch_free);
	close(connection->descriptor);
	g_hash_table_remove(connection->transports->tcp_connections, &connection->key);
	sip_flow_closed(flow);
	sip_flow_unref(flow);
}

/* From inside send(), which may not call back: the close comes with the next round. */
static int fail(struct tcp_connection *connection)
{
	set_state(connection, TCP_FAILED);
	loop_watch_set_events(connection->watch, 0);
	loop_timer_start_ms(&connection->timer, 0);
	return -EPIPE;
}

static bool is_waiting_for_room(const struct tcp_connection *connection)
{
	if (connection->state == TCP_SHAKING_HANDS)
		return crypto_tls_wants_to_write(connection->secure);
	return connection->state == TCP_CONNECTING || connection->queue->len;
}

static void watch_for_room(struct tcp_connection *connection)
{
	loop_watch_set_events(connection->watch, EPOLLIN | (is_waiting_for_room(connection) ? EPOLLOUT : 0));
}

/* --- bytes: how many, 0 for later, or a fatal -errno --- */

static ssize_t secure_result(struct tcp_connection *connection, ssize_t n)
{
	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		connection->problem = crypto_tls_problem(connection->secure);
	return n;
}

static ssize_t plain_result(ssize_t n)
{
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return n ? n : -EPIPE;
}

static ssize_t write_bytes(struct tcp_connection *connection, const GByteArray *bytes)
{
	if (connection->secure)
		return secure_result(connection, crypto_tls_write(connection->secure, bytes->data, bytes->len));
	return plain_result(send(connection->descriptor, bytes->data, bytes->len, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static ssize_t read_bytes(struct tcp_connection *connection, uint8_t bytes[static READ_BYTES])
{
	if (connection->secure)
		return secure_result(connection, crypto_tls_read(connection->secure, bytes, READ_BYTES));
	return plain_result(recv(connection->descriptor, bytes, READ_BYTES, MSG_DONTWAIT));
}

/* 0 or a fatal -errno. */
static int flush(struct tcp_connection *connection)
{
	while (connection->queue->len) {
		ssize_t sent = write_bytes(connection, connection->queue);
		if (sent <= 0)
			return (int)sent;
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

/* The far end can only reach us by this connection. */
static bool is_kept_alive(const struct tcp_connection *connection)
{
	return connection->peer && sip_tls_is_wanted(connection->peer) &&
	       !sip_tcp_listening_for(connection->transports, SIP_TRANSPORT_TLS, &connection->key.remote);
}

static void wait_idle(struct tcp_connection *connection)
{
	bool is_kept = is_kept_alive(connection);
	loop_timer_start_ms(&connection->timer, is_kept ? connection->transports->keep_alive_ms : SIP_TCP_IDLE_MS);
}

static void on_timer(void *data)
{
	struct tcp_connection *connection = data;
	if (connection->state != TCP_OPEN || !is_kept_alive(connection))
		close_connection(connection, connection->problem ? connection->problem : "there is no answer");
	else if (send_text(connection, "\r\n\r\n", 4) != -EPIPE)
		wait_idle(connection);
}

static void destroy(void *carrier)
{
	struct tcp_connection *connection = carrier;
	sip_framing_clear(&connection->framing);
	g_byte_array_unref(connection->queue);
	crypto_tls_free(connection->secure);
	sip_tls_unref(connection->peer);
	sip_tls_unref(connection->known_to);
	g_free(connection);
}

/* A chain is verified once. */
static bool is_known_to(void *carrier, struct sip_tls *tls)
{
	struct tcp_connection *connection = carrier;
	if (connection->peer || !connection->secure || connection->state != TCP_OPEN)
		return connection->peer == tls;
	if (connection->known_to == tls)
		return true;
	if (connection->known_to || !sip_tls_vouches_for(tls, connection->secure))
		return false;
	connection->known_to = sip_tls_ref(tls);
	return true;
}

static const struct sip_flow_operations operations = {.send = send_text, .is_known_to = is_known_to, .destroy = destroy};

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
		wait_idle(connection); /* by whole messages: drops do not count */
	}
}

static int read_some(struct tcp_connection *connection)
{
	uint8_t bytes[READ_BYTES];
	ssize_t length = read_bytes(connection, bytes);
	if (length <= 0)
		return (int)length;
	if (connection->peer)
		sip_tls_is_of_use(connection->peer);
	sip_framing_feed(&connection->framing, bytes, (size_t)length);
	return take_messages(connection);
}

/* --- from the first packet to the first message --- */

static void open_now(struct tcp_connection *connection)
{
	bool has_come = connection->key.over != connection->peer;
	set_state(connection, TCP_OPEN);
	if (has_come)
		loop_timer_start_ms(&connection->timer, SIP_TCP_FIRST_MESSAGE_MS);
	else
		wait_idle(connection);
}

static int finish_connect(struct tcp_connection *connection)
{
	int error = 0;
	socklen_t size = sizeof error;
	getsockopt(connection->descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error)
		return -error;
	sip_large_note(connection->transports, &connection->key.remote, true);
	if (connection->secure)
		set_state(connection, TCP_SHAKING_HANDS);
	else
		open_now(connection);
	return 0;
}

static int shake_hands(struct tcp_connection *connection)
{
	int error = crypto_tls_shake_hands(connection->secure);
	if (!error)
		open_now(connection);
	return (int)secure_result(connection, error);
}

static int serve(struct tcp_connection *connection, uint32_t events)
{
	int error = 0;
	if (connection->state == TCP_CONNECTING)
		error = finish_connect(connection);
	if (!error && connection->state == TCP_SHAKING_HANDS)
		error = shake_hands(connection);
	if (!error && connection->state == TCP_OPEN)
		error = flush(connection);
	if (!error && connection->state == TCP_OPEN && (connection->secure || events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		error = read_some(connection);
	return error;
}

static void on_ready(void *data, uint32_t events)
{
	struct tcp_connection *connection = data;
	struct sip_flow *flow = sip_flow_ref(connection->flow); /* keeps the connection's memory too */
	int error = serve(connection, events);
	if (error < 0 && connection->state != TCP_CLOSED)
		close_connection(connection, connection->problem ? connection->problem : g_strerror(-error));
	else if (connection->state <= TCP_OPEN)
		watch_for_room(connection);
	sip_flow_unref(flow);
}

/* --- the set --- */

static unsigned key_hash(const void *data)
{
	const struct sip_tcp_key *key = data;
	return net_address_hash(&key->remote) ^ g_direct_hash(key->over);
}

static gboolean key_equal(const void *a, const void *b)
{
	const struct sip_tcp_key *one = a, *other = b;
	return one->over == other->over && net_address_equal(&one->remote, &other->remote);
}

GHashTable *sip_tcp_table_new(void)
{
	return g_hash_table_new(key_hash, key_equal);
}

/* `local`: where the far end could connect to. NULL: where this connection comes from. */
static struct sip_flow *flow_of(struct tcp_connection *connection, const struct net_address *local)
{
	struct sip_flow_parameters parameters = {
		.transport = connection->secure ? SIP_TRANSPORT_TLS : SIP_TRANSPORT_TCP, .remote = connection->key.remote};
	char sent_by[NET_ADDRESS_TEXT_MAX];
	if (net_local_address(connection->descriptor, &parameters.local) < 0 && local)
		parameters.local = *local;
	if (local)
		net_address_set_port(&parameters.local, net_address_port(local));
	parameters.sent_by = net_address_format(&parameters.local, sent_by);
	struct sip_flow *flow = sip_flow_new(&parameters, &operations, connection);
	if (connection->peer && sip_tls_speaks_sips(connection->peer))
		sip_flow_speak_sips(flow);
	return flow;
}

/* Takes the descriptor and `secure` over. NULL, and the descriptor closed, when it cannot be watched. */
static struct tcp_connection *add(struct sip_transport_set *transports, int descriptor, const struct sip_tcp_key *key,
				  struct crypto_tls *secure, enum tcp_state state)
{
	struct loop *loop = transports->stack->loop;
	struct tcp_connection *connection = g_new0(struct tcp_connection, 1);
	uint32_t events = EPOLLIN | (state == TCP_CONNECTING ? EPOLLOUT : 0);
	if (loop_watch_add(loop, descriptor, events, on_ready, connection, &connection->watch) < 0) {
		close(descriptor);
		crypto_tls_free(secure);
		g_free(connection);
		return NULL;
	}
	int on = 1;
	unsigned unacknowledged_ms = SIP_TIMEOUT_MS;
	setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
	connection->transports = transports;
	connection->state = state;
	connection->descriptor = descriptor;
	connection->key = *key;
	connection->secure = secure;
	connection->queue = g_byte_array_new();
	loop_timer_init(&connection->timer, loop, on_timer, connection);
	g_hash_table_insert(transports->tcp_connections, &connection->key, connection);
	return connection;
}

static struct tcp_connection *connect_to(struct sip_transport_set *transports, const struct sip_tcp_key *key, struct sip_tls *tls)
{
	struct crypto_tls *secure = NULL;
	int descriptor, error = net_tcp_connect(NULL, &key->remote, &descriptor);
	if (error < 0) {
		sip_large_note(transports, &key->remote, false);
		if (tls)
			sip_tls_has_failed(tls, &key->remote, NULL, g_strerror(-error));
		return NULL;
	}
	if (tls && sip_tls_connect(tls, descriptor, &secure) < 0) {
		close(descriptor);
		return NULL;
	}
	return add(transports, descriptor, key, secure, TCP_CONNECTING);
}

struct sip_flow *sip_tcp_flow_to(struct sip_transport_set *transports, const struct net_address *remote, struct sip_tls *tls,
				 int64_t connect_ms)
{
	struct sip_tcp_key key = {.remote = *remote, .over = tls};
	const struct net_address *local = sip_tcp_listening_for(transports, tls ? SIP_TRANSPORT_TLS : SIP_TRANSPORT_TCP, remote);
	if (!local && !tls)
		return NULL;
	struct tcp_connection *connection = g_hash_table_lookup(transports->tcp_connections, &key);
	if (connection && connection->state <= TCP_OPEN)
		return sip_flow_ref(connection->flow);
	if (connection || g_hash_table_size(transports->tcp_connections) >= SIP_TCP_CONNECTIONS_MAX)
		return NULL;
	connection = connect_to(transports, &key, tls);
	if (!connection)
		return NULL;
	loop_timer_start_ms(&connection->timer, connect_ms);
	connection->peer = tls ? sip_tls_ref(tls) : NULL;
	connection->flow = flow_of(connection, local);
	return sip_flow_ref(connection->flow);
}

struct sip_flow *sip_stack_tls_flow_to(struct sip_stack *stack, struct sip_tls *tls, const struct net_address *remote)
{
	return sip_tcp_flow_to(stack->transports, remote, tls, SIP_TCP_CONNECT_MS);
}

static bool has_room_for(const struct sip_transport_set *transports, const struct sip_tcp_key *key)
{
	size_t same_host = 0;
	GHashTableIter iter;
	void *other;
	g_hash_table_iter_init(&iter, transports->tcp_connections);
	while (g_hash_table_iter_next(&iter, &other, NULL))
		same_host += net_address_same_host(&((const struct sip_tcp_key *)other)->remote, &key->remote);
	return same_host < SIP_TCP_CONNECTIONS_PER_ADDRESS_MAX &&
	       g_hash_table_size(transports->tcp_connections) < SIP_TCP_CONNECTIONS_MAX &&
	       !g_hash_table_contains(transports->tcp_connections, key);
}

void sip_tcp_take(struct sip_transport_set *transports, int descriptor, const struct sip_tcp_key *key,
		  const struct net_address *local, struct crypto_tls *tls)
{
	if (!has_room_for(transports, key)) {
		metrics_add(&refused, 1);
		close(descriptor);
		crypto_tls_free(tls);
		return;
	}
	struct tcp_connection *connection =
		add(transports, descriptor, key, tls, tls ? TCP_SHAKING_HANDS : TCP_OPEN);
	if (!connection)
		return;
	connection->flow = flow_of(connection, local);
	loop_timer_start_ms(&connection->timer, tls ? SIP_TLS_ACCEPT_MS : SIP_TCP_FIRST_MESSAGE_MS);
}

void sip_tcp_close_all(struct sip_transport_set *transports)
{
	GHashTableIter iter;
	void *connection;
	for (;;) {
		g_hash_table_iter_init(&iter, transports->tcp_connections);
		if (!g_hash_table_iter_next(&iter, NULL, &connection))
			break;
		close_connection(connection, "the gateway stops");
	}
}
