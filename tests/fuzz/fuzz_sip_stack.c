/* Sequences of messages, answers, time and closing flows. A record is a letter and what belongs to it, up to the byte
 * 0xff: the stack must neither crash nor leak, and everything it holds must end. */
#include "../support/fake_flow.h"
#include "../support/manual_loop.h"
#include <stdlib.h>
#include <string.h>

#define FLOWS 3
#define RECORDS_MAX 64
#define DIALOGS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct loop *loop;
	struct sip_stack *stack;
	struct fake_flow flows[FLOWS];
	struct sip_server_transaction *server;
	struct sip_client_transaction *client;
	struct sip_message *sent; /* the last request of ours */
	struct sip_dialog *dialogs[DIALOGS_MAX];
	struct sip_dialog_entry *entries[DIALOGS_MAX];
	size_t n_dialogs;
} world;

static void on_server(void *user, struct sip_server_transaction *transaction, enum sip_server_event event)
{
	if (event == SIP_SERVER_CANCELLED)
		sip_server_transaction_reply(transaction, 487, NULL, "t");
	if (event == SIP_SERVER_ENDED && world.server == transaction)
		world.server = NULL;
}

static void on_request(void *user, struct sip_server_transaction *transaction)
{
	if (sip_stack_admit(world.stack, transaction) < 0)
		return;
	world.server = transaction;
	sip_server_transaction_attach(transaction, on_server, NULL);
}

static void on_in_dialog(void *user, struct sip_server_transaction *transaction)
{
	sip_server_transaction_reply(transaction, 200, NULL, NULL);
}

static void on_ack(void *user, struct sip_message *ack, struct sip_flow *flow)
{
	if (world.server)
		sip_server_transaction_acknowledge(world.server);
}

static const struct sip_dialog_handler dialog_handler = {on_in_dialog, on_ack};

static void on_response(void *user, struct sip_client_transaction *transaction, struct sip_message *response)
{
	struct sip_dialog *dialog = sip_dialog_new_caller("<sip:n@e>", "<sip:f@e>", "sip:f@e");
	if (!sip_dialog_learn(dialog, response) && sip_message_status(response) >= 200) {
		struct sip_message *ack = sip_dialog_ack(dialog, sip_message_cseq(response));
		if (ack)
			sip_stack_send_ack(world.stack, ack, sip_client_transaction_flow(transaction));
		sip_message_unref(ack);
	}
	sip_dialog_free(dialog);
}

static void on_ended(void *user, struct sip_client_transaction *transaction, enum sip_client_end end)
{
	if (world.client == transaction)
		world.client = NULL;
}

static const struct sip_client_handler client_handler = {on_response, on_ended};

static void receive(struct fake_flow *flow, const char *text)
{
	g_autofree char *exact = g_memdup2(text, strlen(text));
	sip_stack_receive(world.stack, flow->flow, exact, strlen(text));
}

/* method, branch, To tag, CSeq: one byte each */
static void receive_request(struct fake_flow *flow, const uint8_t *b)
{
	static const char *const methods[] = {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER", "UPDATE", "NEW"};
	const char *method = methods[b[0] % 8];
	size_t n = b[2] % (DIALOGS_MAX + 2);
	const char *tag = n < world.n_dialogs ? world.dialogs[n]->local_tag : n % 2 ? "t" : NULL;
	g_autofree char *text = g_strdup_printf(
		"%s sip:b@e SIP/2.0\r\nVia: SIP/2.0/WS h%s;branch=z9hG4bK%u%s\r\nFrom: <sip:a@e>%s\r\nTo: <sip:b@e>%s%s\r\n"
		"Call-ID: c%u\r\nCSeq: %u %s\r\nContact: <sip:a@h>\r\n%s%sContent-Length: 0\r\n\r\n",
		method, b[1] & 8 ? ":5070" : "", b[1] % 8, b[1] & 16 ? ";rport" : "", b[1] & 32 ? "" : ";tag=f",
		tag ? ";tag=" : "", tag ? tag : "", b[2] >> 6, b[3] % 8, method, b[3] & 8 ? "Require: x\r\n" : "",
		b[3] & 16 ? "Max-Forwards: 0\r\n" : "");
	receive(flow, text);
}

/* status, To tag: one byte each */
static void receive_response(struct fake_flow *flow, const uint8_t *b)
{
	static const unsigned statuses[] = {100, 180, 183, 200, 202, 302, 401, 481, 486, 503, 603};
	if (!world.sent)
		return;
	g_autofree char *text = g_strdup_printf(
		"SIP/2.0 %u x\r\nVia: %s\r\nFrom: %s\r\nTo: <sip:f@e>;tag=%u\r\nCall-ID: %s\r\nCSeq: %u %s\r\n%s"
		"Content-Length: 0\r\n\r\n",
		statuses[b[0] % 11], sip_message_header(world.sent, "Via", 0), sip_message_header(world.sent, "From", 0),
		b[1] % 4, sip_message_call_id(world.sent), sip_message_cseq(world.sent),
		b[1] & 16 ? "INVITE" : sip_message_method_name(world.sent), b[1] & 8 ? "" : "Contact: <sip:x@y>\r\n");
	receive(flow, text);
}

static void answer(const uint8_t *b)
{
	static const unsigned statuses[] = {100, 180, 200, 302, 486, 503};
	if (!world.server)
		return;
	struct sip_message *request = sip_server_transaction_request(world.server);
	unsigned status = statuses[b[0] % 6];
	struct sip_dialog *dialog = NULL;
	if (status == 200 && sip_message_method(request) == SIP_METHOD_INVITE && world.n_dialogs < DIALOGS_MAX &&
	    !sip_server_transaction_is_answered(world.server))
		dialog = sip_dialog_new_callee(request);
	sip_server_transaction_reply(world.server, status, NULL, dialog ? dialog->local_tag : "t");
	if (!dialog)
		return;
	world.dialogs[world.n_dialogs] = dialog;
	world.entries[world.n_dialogs++] =
		sip_stack_add_dialog(world.stack, dialog, b[1] & 1 ? "alice" : NULL, &dialog_handler, NULL);
}

static void start(struct fake_flow *flow, const uint8_t *b)
{
	struct sip_message *request = sip_request_new(b[0] & 1 ? SIP_METHOD_INVITE : SIP_METHOD_OPTIONS, "sip:f@e",
						      "<sip:n@e>;tag=n", "<sip:f@e>", "call", b[1]);
	struct sip_client_transaction *transaction = sip_client_transaction_start(
		world.stack, request, flow->flow, b[0] & 2 ? NULL : &client_handler, NULL);
	world.client = b[0] & 2 ? world.client : transaction;
	sip_message_unref(world.sent);
	world.sent = request;
}

static void step(const uint8_t *record, size_t length)
{
	uint8_t b[8] = {0};
	struct fake_flow *flow = &world.flows[record[0] >> 5 < FLOWS ? record[0] >> 5 : 0];
	memcpy(b, record + 1, MIN(sizeof b, length - 1));
	switch (record[0] & 15) {
	case 0:
		receive_request(flow, b);
		break;
	case 1:
		receive_response(flow, b);
		break;
	case 2:
		answer(b);
		break;
	case 3:
		start(flow, b);
		break;
	case 4:
		manual_loop_advance_ms(world.loop, b[0] * 100 + b[1]);
		break;
	case 5:
		if (world.client)
			sip_client_transaction_cancel(world.client, b[0] & 1 ? "Q.850;cause=16" : NULL);
		break;
	case 6:
		fake_flow_break(flow);
		break;
	case 7:
		sip_flow_set_identity(flow->flow, b[0] & 1 ? "alice" : b[0] & 2 ? "bob" : NULL);
		break;
	case 8:
		flow->error = b[0] & 1 ? -EAGAIN : b[0] & 2 ? -EPIPE : 0;
		break;
	case 9:
		if (world.client)
			sip_client_transaction_detach(world.client);
		world.client = NULL;
		break;
	default: { /* as it stands */
		g_autofree char *text = g_memdup2(record + 1, length - 1);
		sip_stack_receive(world.stack, flow->flow, text, length - 1);
		break;
	}
	}
}

static void begin(void)
{
	static const struct sip_stack_handler handler = {.request = on_request};
	memset(&world, 0, sizeof world);
	loop_new("fuzz", &world.loop);
	sip_stack_new(world.loop, &handler, NULL, &world.stack);
	fake_flow_open(&world.flows[0], SIP_TRANSPORT_WS, "192.0.2.1:40000");
	fake_flow_open(&world.flows[1], SIP_TRANSPORT_UDP, "192.0.2.2:5060");
	fake_flow_open(&world.flows[2], SIP_TRANSPORT_WS, "192.0.2.1:40001");
}

static void end(void)
{
	for (size_t i = 0; i < world.n_dialogs; i++) {
		sip_stack_remove_dialog(world.entries[i]);
		sip_dialog_free(world.dialogs[i]);
	}
	sip_stack_free(world.stack);
	if (manual_loop_timers(world.loop))
		abort();
	sip_message_unref(world.sent);
	for (size_t i = 0; i < FLOWS; i++) {
		fake_flow_clear(&world.flows[i]);
		if (!world.flows[i].is_destroyed)
			abort();
	}
	loop_free(world.loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin();
	for (unsigned n = 0; size && n < RECORDS_MAX; n++) {
		const uint8_t *stop = memchr(data, 0xff, size);
		size_t length = stop ? (size_t)(stop - data) : size;
		if (length)
			step(data, length);
		length += stop != NULL;
		data += length;
		size -= length;
	}
	end();
	return 0;
}
