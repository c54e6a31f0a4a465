/* UDP and TCP on loopback: where answers go, framing, keep-alive, connections that close. */
#include "net/udp.h"
#include "sip/stack.h"
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 5000

struct world {
	struct loop *loop;
	struct sip_stack *stack;
	struct loop_timer timer;
	unsigned n_requests, n_ended, n_closed;
	enum sip_client_end end;
	const unsigned *awaited; /* the loop quits when it is not what it was */
	unsigned before;
	int descriptor; /* or when this is readable */
	struct loop_watch *watch;
	uint16_t udp_port, tcp_port;
	bool is_late;
};

static void check(struct world *world)
{
	if (world->awaited && *world->awaited != world->before)
		loop_quit(world->loop);
}

static void on_request(void *user, struct sip_server_transaction *transaction)
{
	struct world *world = user;
	world->n_requests++;
	sip_server_transaction_reply(transaction, 200, NULL, "t");
	check(world);
}

static void on_ended(void *user, struct sip_client_transaction *transaction, enum sip_client_end end)
{
	struct world *world = user;
	world->n_ended++;
	world->end = end;
	check(world);
}

static const struct sip_client_handler client_handler = {.ended = on_ended};

static void on_late(void *data)
{
	struct world *world = data;
	world->is_late = true;
	loop_quit(world->loop);
}

static uint16_t listen_on(struct world *world, const char *text, enum sip_transport transport, size_t index)
{
	struct net_address bound;
	assert_int_equal(sip_stack_listen(world->stack, text), 0);
	assert_int_equal(sip_stack_listening_address(world->stack, transport, index, &bound), 0);
	assert_int_equal(sip_stack_listening_address(world->stack, transport, index + 1, &bound), -ENOENT);
	return net_address_port(&bound);
}

static int setup(void **state)
{
	static const struct sip_stack_handler handler = {.request = on_request};
	struct world *world = g_new0(struct world, 1);
	assert_int_equal(loop_new("test", &world->loop), 0);
	assert_int_equal(sip_stack_new(world->loop, &handler, world, &world->stack), 0);
	loop_timer_init(&world->timer, world->loop, on_late, world);
	world->udp_port = listen_on(world, "udp:127.0.0.1:0", SIP_TRANSPORT_UDP, 0);
	world->tcp_port = listen_on(world, "tcp:127.0.0.1:0", SIP_TRANSPORT_TCP, 0);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;
	sip_stack_free(world->stack);
	loop_timer_stop(&world->timer);
	loop_free(world->loop);
	g_free(world);
	return 0;
}

static void run(struct world *world)
{
	loop_timer_start_ms(&world->timer, WAIT_MS);
	loop_run(world->loop);
	assert_false(world->is_late);
	loop_timer_stop(&world->timer);
}

static void run_until_changed(struct world *world, const unsigned *counter, unsigned before)
{
	world->awaited = counter;
	world->before = before;
	if (*counter == before)
		run(world);
	world->awaited = NULL;
}

static void on_readable(void *data, uint32_t events)
{
	struct world *world = data;
	loop_quit(world->loop);
}

/* Runs the loop until something can be read; gives it as text. */
static char *receive(struct world *world, int descriptor)
{
	char text[4096];
	assert_int_equal(loop_watch_add(world->loop, descriptor, POLLIN, on_readable, world, &world->watch), 0);
	run(world);
	loop_watch_free(world->watch);
	ssize_t length = recv(descriptor, text, sizeof text - 1, MSG_DONTWAIT);
	assert_true(length >= 0);
	text[length] = 0;
	return g_strdup(text);
}

static char *options(unsigned branch, const char *via)
{
	return g_strdup_printf("OPTIONS sip:b@e SIP/2.0\r\nVia: SIP/2.0/%s;branch=z9hG4bK%u\r\nFrom: <sip:a@e>;tag=f\r\n"
			       "To: <sip:b@e>\r\nCall-ID: c%u\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
			       via, branch, branch);
}

static int udp_peer(const char *host, uint16_t *ret_port)
{
	struct net_address address;
	int descriptor;
	net_address_parse(host, 0, &address);
	assert_int_equal(net_udp_open(&address, &descriptor), 0);
	assert_int_equal(net_local_address(descriptor, &address), 0);
	*ret_port = net_address_port(&address);
	return descriptor;
}

static void send_udp(int descriptor, const char *host, uint16_t port, const char *text)
{
	struct net_address address;
	net_address_parse(host, port, &address);
	assert_int_equal(sendto(descriptor, text, strlen(text), 0, &address.any, address.length), strlen(text));
}

static void udp_rport(void **state)
{
	struct world *world = *state;
	uint16_t port;
	int peer = udp_peer("127.0.0.1", &port);
	g_autofree char *request = options(1, "UDP 192.0.2.77:9;rport");
	send_udp(peer, "127.0.0.1", world->udp_port, request);
	g_autofree char *answer = receive(world, peer);
	assert_non_null(strstr(answer, "SIP/2.0 200"));
	g_autofree char *rport = g_strdup_printf("rport=%u", port);
	assert_non_null(strstr(answer, rport));
	assert_non_null(strstr(answer, "received=127.0.0.1"));
	send_udp(peer, "127.0.0.1", world->udp_port, request); /* from the transaction */
	g_autofree char *again = receive(world, peer);
	assert_string_equal(answer, again);
	assert_int_equal(world->n_requests, 1);
	close(peer);
}

static void udp_without_rport(void **state) /* section 18.2.2: the Via's port */
{
	struct world *world = *state;
	uint16_t port, other_port;
	int peer = udp_peer("127.0.0.1", &port), other = udp_peer("127.0.0.1", &other_port);
	g_autofree char *via = g_strdup_printf("UDP 192.0.2.77:%u", other_port);
	g_autofree char *request = options(1, via);
	send_udp(peer, "127.0.0.1", world->udp_port, request);
	g_autofree char *answer = receive(world, other);
	assert_non_null(strstr(answer, "SIP/2.0 200"));
	assert_null(strstr(answer, "rport"));
	close(peer);
	close(other);
}

static void udp_ipv6(void **state)
{
	struct world *world = *state;
	uint16_t port, stack_port = listen_on(world, "udp:[::1]:0", SIP_TRANSPORT_UDP, 1);
	int peer = udp_peer("::1", &port);
	g_autofree char *request = options(1, "UDP [2001:db8::9]:5060;rport");
	send_udp(peer, "::1", stack_port, request);
	g_autofree char *answer = receive(world, peer);
	assert_non_null(strstr(answer, "received=::1"));
	close(peer);
}

static void udp_flows(void **state)
{
	struct world *world = *state;
	struct net_address remote, other;
	struct sip_stack_counts counts;
	net_address_parse("127.0.0.1", 9, &remote);
	net_address_parse("127.0.0.1", 10, &other);
	struct sip_flow *a = sip_stack_flow_to(world->stack, SIP_TRANSPORT_UDP, &remote);
	struct sip_flow *b = sip_stack_flow_to(world->stack, SIP_TRANSPORT_UDP, &remote);
	struct sip_flow *c = sip_stack_flow_to(world->stack, SIP_TRANSPORT_UDP, &other);
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	sip_stack_count(world->stack, &counts);
	assert_int_equal(counts.flows, 2);
	sip_flow_unref(b);
	sip_flow_unref(c);
	sip_stack_count(world->stack, &counts);
	assert_int_equal(counts.flows, 1);
	net_address_parse("::1", 9, &remote);
	assert_null(sip_stack_flow_to(world->stack, SIP_TRANSPORT_UDP, &remote)); /* nothing listens there */
	assert_null(sip_stack_flow_to(world->stack, SIP_TRANSPORT_TCP, &remote));
	assert_null(sip_stack_flow_to(world->stack, SIP_TRANSPORT_TLS, &remote));
	world->stack = sip_stack_free(world->stack); /* whoever holds a flow may go on doing so */
	assert_false(sip_flow_is_open(a));
	assert_int_equal(sip_flow_send(a, "x", 1), -EPIPE);
	sip_flow_unref(a);
}

static void listen_texts(void **state)
{
	struct world *world = *state;
	static const char *const wrong[] = {"", "udp", "udp:", "udp:x:1", "127.0.0.1:1", "sctp:127.0.0.1:1", "tcp:127.0.0.1"};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
		assert_int_equal(sip_stack_listen(world->stack, wrong[i]), -EINVAL);
	g_autofree char *taken = g_strdup_printf("udp:127.0.0.1:%u", world->udp_port);
	assert_int_equal(sip_stack_listen(world->stack, taken), -EADDRINUSE);
}

static int tcp_connect(uint16_t port)
{
	struct net_address address;
	int descriptor = socket(AF_INET, SOCK_STREAM, 0);
	net_address_parse("127.0.0.1", port, &address);
	assert_int_equal(connect(descriptor, &address.any, address.length), 0);
	return descriptor;
}

static void send_tcp(int descriptor, const char *text, size_t length)
{
	assert_int_equal(send(descriptor, text, length, MSG_NOSIGNAL), length);
}

static void tcp_requests(void **state)
{
	struct world *world = *state;
	int peer = tcp_connect(world->tcp_port);
	g_autofree char *one = options(1, "TCP 192.0.2.77"), *two = options(2, "TCP 192.0.2.77");
	g_autofree char *both = g_strconcat("\r\n\r\n", one, two, NULL);
	send_tcp(peer, both, strlen(both) - 10);
	g_autofree char *pong = receive(world, peer);
	assert_true(g_str_has_prefix(pong, "\r\n"));
	run_until_changed(world, &world->n_requests, 0);
	send_tcp(peer, both + strlen(both) - 10, 10);
	run_until_changed(world, &world->n_requests, 1);
	struct sip_stack_counts counts;
	sip_stack_count(world->stack, &counts);
	assert_int_equal(counts.flows, 1);
	send_tcp(peer, "no SIP\r\n\r\n", 10);
	do {
		g_autofree char *text = receive(world, peer); /* the answers, and then the end */
		if (!*text)
			break;
	} while (true);
	sip_stack_count(world->stack, &counts);
	assert_int_equal(counts.flows, 0);
	close(peer);
}

static struct sip_flow *flow_to(struct world *world, uint16_t port)
{
	struct net_address remote;
	net_address_parse("127.0.0.1", port, &remote);
	return sip_stack_flow_to(world->stack, SIP_TRANSPORT_TCP, &remote);
}

static void start(struct world *world, struct sip_flow *flow)
{
	struct sip_message *request =
		sip_request_new(SIP_METHOD_OPTIONS, "sip:b@e", "<sip:a@e>;tag=1", "<sip:b@e>", "call", 1);
	sip_client_transaction_start(world->stack, request, flow, &client_handler, world);
	sip_message_unref(request);
}

static bool give_up(void *user, struct sip_client_transaction *transaction)
{
	return true;
}

/* ICMP tells that nobody is there; who wants to hear it does, and nothing that is for others is lost by it. */
static void udp_nobody_there(void **state)
{
	static const struct sip_client_handler gives_up = {.ended = on_ended, .gives_up = give_up};
	struct world *world = *state;
	struct net_address nowhere, somewhere;
	uint16_t gone, port;
	close(udp_peer("127.0.0.1", &gone));
	int peer = udp_peer("127.0.0.1", &port);
	net_address_parse("127.0.0.1", gone, &nowhere);
	net_address_parse("127.0.0.1", port, &somewhere);
	struct sip_flow *dead = sip_stack_flow_to(world->stack, SIP_TRANSPORT_UDP, &nowhere);
	struct sip_flow *live = sip_stack_flow_to(world->stack, SIP_TRANSPORT_UDP, &somewhere);
	struct sip_message *request = sip_request_new(SIP_METHOD_OPTIONS, "sip:b@e", "<sip:a@e>;tag=1", "<sip:b@e>", "call", 1);
	struct sip_message *patient = sip_request_new(SIP_METHOD_OPTIONS, "sip:b@e", "<sip:a@e>;tag=1", "<sip:b@e>", "other", 1);
	sip_client_transaction_start(world->stack, patient, dead, &client_handler, world);
	sip_client_transaction_start(world->stack, request, dead, &gives_up, world);
	start(world, live); /* the errors of the others wait at the socket by now */
	g_autofree char *text = receive(world, peer);
	assert_non_null(strstr(text, "Call-ID: call"));
	run_until_changed(world, &world->n_ended, 0);
	assert_int_equal(world->end, SIP_CLIENT_TRANSPORT_FAILED);
	assert_int_equal(world->n_ended, 1); /* the patient one goes on */
	assert_true(sip_flow_is_open(dead));
	sip_message_unref(request);
	sip_message_unref(patient);
	sip_flow_unref(dead);
	sip_flow_unref(live);
	close(peer);
}

static void tcp_outgoing(void **state)
{
	struct world *world = *state;
	struct net_address address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	net_address_parse("127.0.0.1", 0, &address);
	assert_int_equal(bind(listener, &address.any, address.length), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(net_local_address(listener, &address), 0);
	struct sip_flow *flow = flow_to(world, net_address_port(&address)), *same = flow_to(world, net_address_port(&address));
	assert_ptr_equal(flow, same);
	sip_flow_unref(same);
	start(world, flow); /* kept until the connection is there */
	int peer = accept(listener, NULL, NULL);
	g_autofree char *request = receive(world, peer);
	assert_true(g_str_has_prefix(request, "OPTIONS sip:b@e SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:"));
	close(peer); /* unanswered: told at once, not after 32 s */
	run_until_changed(world, &world->n_ended, 0);
	assert_int_equal(world->end, SIP_CLIENT_TRANSPORT_FAILED);
	assert_false(sip_flow_is_open(flow));
	sip_flow_unref(flow);
	close(listener);
	flow = flow_to(world, net_address_port(&address)); /* nobody listens there now */
	if (flow) {
		start(world, flow);
		run_until_changed(world, &world->n_ended, 1);
		assert_int_equal(world->end, SIP_CLIENT_TRANSPORT_FAILED);
	}
	sip_flow_unref(flow);
}

static void tcp_too_many(void **state)
{
	struct world *world = *state;
	int peers[65];
	for (size_t i = 0; i < G_N_ELEMENTS(peers); i++)
		peers[i] = tcp_connect(world->tcp_port);
	g_autofree char *end = receive(world, peers[64]); /* the 65th of one address is closed */
	assert_string_equal(end, "");
	struct sip_stack_counts counts;
	sip_stack_count(world->stack, &counts);
	assert_int_equal(counts.flows, 64);
	for (size_t i = 0; i < G_N_ELEMENTS(peers); i++)
		close(peers[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(udp_rport), TEST(udp_nobody_there),   TEST(udp_without_rport), TEST(udp_ipv6),	 TEST(udp_flows),
		TEST(listen_texts), TEST(tcp_requests),	     TEST(tcp_outgoing), TEST(tcp_too_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
