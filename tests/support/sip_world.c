#include "sip_world.h"

static void on_server(void *user, struct sip_server_transaction *transaction, enum sip_server_event event)
{
	struct world *world = user;
	switch (event) {
	case SIP_SERVER_CANCELLED:
		world->n_cancelled++;
		sip_server_transaction_reply(transaction, 487, NULL, "t");
		break;
	case SIP_SERVER_UNACKNOWLEDGED:
		world->n_unacknowledged++;
		break;
	case SIP_SERVER_ENDED:
		world->n_server_ended++;
		world->server = NULL;
		break;
	}
}

static void on_request(void *user, struct sip_server_transaction *transaction)
{
	struct world *world = user;
	world->n_requests++;
	world->server = transaction;
	if (world->attach)
		sip_server_transaction_attach(transaction, on_server, world);
}

int world_setup(void **state)
{
	static const struct sip_stack_handler handler = {.request = on_request};
	struct world *world = g_new0(struct world, 1);
	world->attach = true;
	assert_int_equal(loop_new("test", &world->loop), 0);
	assert_int_equal(sip_stack_new(world->loop, &handler, world, &world->stack), 0);
	fake_flow_open(&world->ws, SIP_TRANSPORT_WS, "192.0.2.1:40000");
	fake_flow_open(&world->udp, SIP_TRANSPORT_UDP, "192.0.2.2:5060");
	*state = world;
	return 0;
}

int world_teardown(void **state)
{
	struct world *world = *state;
	world_expect_silence(&world->ws);
	world_expect_silence(&world->udp);
	unsigned told = world->n_ended + world->n_server_ended;
	sip_stack_free(world->stack);
	assert_int_equal(told, world->n_ended + world->n_server_ended); /* no handler hears of the stack's end */
	assert_int_equal(manual_loop_timers(world->loop), 0);
	fake_flow_clear(&world->ws);
	fake_flow_clear(&world->udp);
	assert_true(world->ws.is_destroyed);
	assert_true(world->udp.is_destroyed);
	loop_free(world->loop);
	g_free(world);
	return 0;
}

static void on_response(void *user, struct sip_client_transaction *transaction, struct sip_message *response)
{
	struct world *world = user;
	world->n_responses++;
	world->last_status = sip_message_status(response);
}

static void on_ended(void *user, struct sip_client_transaction *transaction, enum sip_client_end end)
{
	struct world *world = user;
	world->n_ended++;
	world->end = end;
}

static bool stays(void *user, struct sip_client_transaction *transaction)
{
	return ((struct world *)user)->client_stays;
}

const struct sip_client_handler world_client_handler = {.response = on_response, .ended = on_ended, .stays = stays};

static void on_in_dialog(void *user, struct sip_server_transaction *transaction)
{
	struct world *world = user;
	world->n_in_dialog++;
	world->in_dialog = transaction;
	sip_server_transaction_reply(transaction, 200, NULL, NULL);
}

static void on_ack(void *user, struct sip_message *ack, struct sip_flow *flow)
{
	struct world *world = user;
	world->n_acks++;
	if (world->server)
		sip_server_transaction_acknowledge(world->server);
}

const struct sip_dialog_handler world_dialog_handler = {on_in_dialog, on_ack};

void world_receive(struct world *world, struct fake_flow *from, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *head = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_autofree char *text = g_strconcat(head, "Content-Length: 0\r\n\r\n", NULL);
	sip_stack_receive(world->stack, from->flow, text, strlen(text));
}

void world_request(struct world *world, struct fake_flow *from, const char *method, const char *branch,
		   const char *to_tag, unsigned cseq)
{
	world_receive(world, from,
		      "%s sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/X far.invalid;branch=z9hG4bK%s;rport\r\n"
		      "From: <sip:alice@example.com>;tag=f\r\nTo: <sip:bob@example.com>%s%s\r\nCall-ID: c\r\n"
		      "CSeq: %u %s\r\nMax-Forwards: 70\r\nContact: <sip:alice@far.invalid>\r\n",
		      method, branch, *to_tag ? ";tag=" : "", to_tag, cseq, method);
}

void world_answer(struct world *world, struct fake_flow *from, const struct sip_message *request, unsigned status,
		  const char *tag)
{
	g_autofree char *contact = status >= 200 && status < 300 && sip_message_method(request) == SIP_METHOD_INVITE
					   ? g_strdup_printf("Contact: <sip:far@192.0.2.2:5070;tag-is=%s>\r\n", tag)
					   : g_strdup("");
	world_receive(world, from, "SIP/2.0 %u Whatever\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s%s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n%s",
		      status, sip_message_header(request, "Via", 0), sip_message_header(request, "From", 0),
		      sip_message_header(request, "To", 0), sip_message_to_tag(request) ? "" : ";tag=",
		      sip_message_to_tag(request) ? "" : tag, sip_message_call_id(request), sip_message_cseq(request),
		      sip_message_method_name(request), contact);
}

struct sip_message *world_take_request(struct fake_flow *to, enum sip_method method)
{
	struct sip_message *message = fake_flow_take(to);
	if (!message)
		fail_msg("no %s was sent", sip_method_text(method));
	if (!sip_message_is_request(message))
		fail_msg("a response %u, not %s", sip_message_status(message), sip_method_text(method));
	assert_string_equal(sip_message_method_name(message), sip_method_text(method));
	return message;
}

struct sip_message *world_take_response(struct fake_flow *to, unsigned status)
{
	struct sip_message *message = fake_flow_take(to);
	if (!message)
		fail_msg("no %u was sent", status);
	if (sip_message_is_request(message))
		fail_msg("a %s, not %u", sip_message_method_name(message), status);
	assert_int_equal(sip_message_status(message), status);
	return message;
}

void world_expect_request(struct fake_flow *to, enum sip_method method)
{
	sip_message_unref(world_take_request(to, method));
}

void world_expect_response(struct fake_flow *to, unsigned status)
{
	sip_message_unref(world_take_response(to, status));
}

void world_expect_silence(struct fake_flow *to)
{
	struct sip_message *message = fake_flow_take(to);
	size_t length;
	if (message)
		fail_msg("not silent: %s", sip_message_text(message, &length));
}

void world_advance(struct world *world, int64_t milliseconds)
{
	manual_loop_advance_ms(world->loop, milliseconds);
}

void world_expect_empty(struct world *world)
{
	struct sip_stack_counts counts;
	sip_stack_count(world->stack, &counts);
	assert_int_equal(counts.server_transactions, 0);
	assert_int_equal(counts.client_transactions, 0);
	assert_int_equal(manual_loop_timers(world->loop), 0);
}

struct sip_client_transaction *world_start(struct world *world, struct fake_flow *to, enum sip_method method)
{
	struct sip_message *request = sip_request_new(method, "sip:far@192.0.2.2", "<sip:near@example.com>;tag=n",
						      "<sip:far@example.com>", "call", 1);
	struct sip_client_transaction *transaction =
		sip_client_transaction_start(world->stack, request, to->flow, &world_client_handler, world);
	sip_message_unref(request);
	return transaction;
}

struct sip_client_transaction *world_invite(struct world *world, struct fake_flow *to)
{
	return world_start(world, to, SIP_METHOD_INVITE);
}
