#include "sip/stack.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/random.h"
#include "metrics/metrics.h"
#include "sip/capabilities.h"
#include "sip/stack_internal.h"
#include <string.h>

#define RECEIVED_HELP "SIP messages received, by transport."
#define REFUSED_HELP "SIP messages refused, by reason."
#define COOKIE "z9hG4bK"
#define RANDOM_CHARACTERS 16
#define MAC_BYTES 8
#define TAG_CHARACTERS 12

METRICS_COUNTER(received_udp, "tandem_sip_messages_received_total", RECEIVED_HELP, "transport", "udp");
METRICS_COUNTER(received_tcp, "tandem_sip_messages_received_total", RECEIVED_HELP, "transport", "tcp");
METRICS_COUNTER(received_tls, "tandem_sip_messages_received_total", RECEIVED_HELP, "transport", "tls");
METRICS_COUNTER(received_ws, "tandem_sip_messages_received_total", RECEIVED_HELP, "transport", "ws");
METRICS_COUNTER(received_wss, "tandem_sip_messages_received_total", RECEIVED_HELP, "transport", "wss");
METRICS_COUNTER(refused_malformed, "tandem_sip_messages_refused_total", REFUSED_HELP, "reason", "malformed");
METRICS_COUNTER(refused_unanswered, "tandem_sip_messages_refused_total", REFUSED_HELP, "reason", "unanswerable");
METRICS_COUNTER(refused_busy, "tandem_sip_messages_refused_total", REFUSED_HELP, "reason", "too_many");
METRICS_COUNTER(refused_method, "tandem_sip_messages_refused_total", REFUSED_HELP, "reason", "method");
METRICS_COUNTER(refused_hops, "tandem_sip_messages_refused_total", REFUSED_HELP, "reason", "max_forwards");
METRICS_COUNTER(refused_merged, "tandem_sip_messages_refused_total", REFUSED_HELP, "reason", "merged");
METRICS_COUNTER(refused_extension, "tandem_sip_messages_refused_total", REFUSED_HELP, "reason", "extension");

static struct metrics_item *const received[] = {
	[SIP_TRANSPORT_UDP] = &received_udp, [SIP_TRANSPORT_TCP] = &received_tcp, [SIP_TRANSPORT_TLS] = &received_tls,
	[SIP_TRANSPORT_WS] = &received_ws,   [SIP_TRANSPORT_WSS] = &received_wss,
};

int sip_stack_new(struct loop *loop, const struct sip_stack_handler *handler, void *user, struct sip_stack **ret_stack)
{
	struct sip_stack *stack = g_new0(struct sip_stack, 1);
	stack->loop = loop;
	sip_stack_set_handler(stack, handler, user);
	stack->servers = g_hash_table_new(g_str_hash, g_str_equal);
	stack->clients = g_hash_table_new(g_str_hash, g_str_equal);
	stack->dialogs = g_hash_table_new(g_str_hash, g_str_equal);
	stack->admitted = g_hash_table_new(g_str_hash, g_str_equal);
	stack->strays = g_hash_table_new(g_str_hash, g_str_equal);
	crypto_random(stack->branch_key, sizeof stack->branch_key);
	stack->transports = sip_transport_set_new(stack);
	*ret_stack = stack;
	return 0;
}

struct sip_stack *sip_stack_free(struct sip_stack *stack)
{
	if (!stack)
		return NULL;
	sip_stray_free_all(stack);
	sip_client_transaction_free_all(stack);
	sip_server_transaction_free_all(stack);
	sip_dialog_table_free_all(stack);
	sip_transport_set_free(stack->transports);
	g_hash_table_destroy(stack->servers);
	g_hash_table_destroy(stack->clients);
	g_hash_table_destroy(stack->dialogs);
	g_hash_table_destroy(stack->admitted);
	g_hash_table_destroy(stack->strays);
	crypto_wipe(stack->branch_key, sizeof stack->branch_key);
	g_free(stack);
	return NULL;
}

struct loop *sip_stack_loop(struct sip_stack *stack)
{
	return stack->loop;
}

void sip_stack_set_handler(struct sip_stack *stack, const struct sip_stack_handler *handler, void *user)
{
	stack->handler = handler ? *handler : (struct sip_stack_handler){0};
	stack->user = user;
}

void sip_stack_count(const struct sip_stack *stack, struct sip_stack_counts *ret_counts)
{
	*ret_counts = (struct sip_stack_counts){
		.server_transactions = stack->n_servers,
		.client_transactions = g_hash_table_size(stack->clients),
		.dialogs = g_hash_table_size(stack->dialogs),
		.flows = sip_transport_flow_count(stack->transports),
		.admitted = g_hash_table_size(stack->admitted),
		.strays = g_hash_table_size(stack->strays),
	};
}

/* --- who is who --- */

bool sip_stack_may_act(struct sip_stack *stack, struct sip_flow *flow, const char *identity)
{
	if (!identity)
		return true;
	if (stack->handler.may_act)
		return stack->handler.may_act(stack->user, flow, identity);
	return !g_strcmp0(sip_flow_identity(flow), identity);
}

bool sip_stack_same_party(struct sip_stack *stack, struct sip_flow *flow, struct sip_flow *owner)
{
	const char *identity = sip_flow_identity(owner);
	if (flow == owner)
		return true;
	if (identity)
		return sip_stack_may_act(stack, flow, identity);
	/* a WebSocket says nothing about who is behind another one, an address does */
	return !sip_flow_identity(flow) && sip_flow_transport(flow) == sip_flow_transport(owner) &&
	       !sip_transport_is_websocket(sip_flow_transport(flow)) &&
	       net_address_same_host(sip_flow_remote(flow), sip_flow_remote(owner));
}

static void branch_mac(const struct sip_stack *stack, const char *random, char hex[static 2 * MAC_BYTES + 1])
{
	uint8_t mac[CRYPTO_DIGEST_BYTES_MAX] = {0};
	crypto_hmac(CRYPTO_SHA256, stack->branch_key, sizeof stack->branch_key, random, RANDOM_CHARACTERS, mac);
	crypto_hex_encode(mac, MAC_BYTES, hex);
}

void sip_stack_make_branch(const struct sip_stack *stack, char branch[static SIP_BRANCH_BYTES])
{
	char *random = g_stpcpy(branch, COOKIE);
	crypto_random_token(random, RANDOM_CHARACTERS);
	branch_mac(stack, random, random + RANDOM_CHARACTERS);
}

bool sip_stack_made_branch(const struct sip_stack *stack, const char *branch)
{
	char mac[2 * MAC_BYTES + 1];
	if (strlen(branch) != SIP_BRANCH_BYTES - 1)
		return false;
	branch_mac(stack, branch + strlen(COOKIE), mac);
	return crypto_equal(mac, branch + strlen(COOKIE) + RANDOM_CHARACTERS, sizeof mac - 1);
}
_Static_assert(sizeof COOKIE + RANDOM_CHARACTERS + 2 * MAC_BYTES == SIP_BRANCH_BYTES, "length of a branch");

/* --- sending --- */

void sip_stack_send_stateless(struct sip_stack *stack, struct sip_flow *flow, const struct sip_message *request,
			      struct sip_message *response)
{
	struct sip_flow *reply_flow = sip_transport_reply_flow(stack, flow, request);
	size_t length;
	const char *text = sip_message_text(response, &length);
	sip_flow_send(reply_flow, text, length);
	sip_flow_unref(reply_flow);
	sip_message_unref(response);
}

int sip_stack_send_ack(struct sip_stack *stack, struct sip_message *ack, struct sip_flow *flow)
{
	if (!sip_message_branch(ack)) {
		char branch[SIP_BRANCH_BYTES];
		sip_stack_make_branch(stack, branch);
		sip_message_set_via(ack, sip_transport_name(sip_flow_transport(flow)), sip_flow_sent_by(flow), branch);
		sip_message_add_header(ack, "Max-Forwards", "70");
	}
	size_t length;
	const char *text = sip_message_text(ack, &length);
	return sip_flow_send(flow, text, length);
}

/* --- receiving --- */

/* A CANCEL matches what the same party began with the same branch; whatever became of that, it is answered 200
 * (section 9.2). */
static void receive_cancel(struct sip_stack *stack, struct sip_server_transaction *cancel)
{
	struct sip_server_transaction *invite =
		sip_server_transaction_find(stack, sip_server_transaction_request(cancel), "INVITE",
					    sip_server_transaction_flow(cancel));
	if (!invite) {
		sip_server_transaction_reply(cancel, 481, NULL, NULL);
		return;
	}
	sip_server_transaction_reply(cancel, 200, NULL, sip_server_transaction_to_tag(invite));
	sip_server_transaction_cancelled(invite, cancel);
}

static void receive_new(struct sip_stack *stack, struct sip_server_transaction *transaction)
{
	const struct sip_message *request = sip_server_transaction_request(transaction);
	enum sip_method method = sip_message_method(request);
	if (method == SIP_METHOD_CANCEL)
		receive_cancel(stack, transaction);
	else if (sip_message_to_tag(request))
		sip_dialog_table_request(stack, transaction);
	else if (method == SIP_METHOD_BYE || method == SIP_METHOD_PRACK || method == SIP_METHOD_UPDATE)
		sip_server_transaction_reply(transaction, 481, NULL, NULL); /* they live in dialogs only */
	else if (!sip_message_from_tag(request))
		sip_server_transaction_reply(transaction, 400, "Missing From Tag", NULL);
	else if (!stack->handler.request)
		sip_server_transaction_reply(transaction, 503, NULL, NULL);
	else
		stack->handler.request(stack->user, transaction);
}

static void receive_request(struct sip_stack *stack, struct sip_flow *flow, struct sip_message *request)
{
	bool is_ack = sip_message_method(request) == SIP_METHOD_ACK;
	const char *method = is_ack ? "INVITE" : sip_message_method_name(request);
	struct sip_server_transaction *transaction = sip_server_transaction_find(stack, request, method, flow);
	if (is_ack) {
		if (!transaction || !sip_server_transaction_absorb_ack(transaction))
			sip_dialog_table_ack(stack, request, flow);
	} else if (transaction) {
		sip_server_transaction_repeated(transaction, flow);
	} else if (stack->n_servers >= SIP_SERVER_TRANSACTIONS_MAX) {
		metrics_add(&refused_busy, 1);
		struct sip_message *response = sip_response_new(request, 503, NULL, "busy");
		sip_message_add_header(response, "Retry-After", "10");
		sip_stack_send_stateless(stack, flow, request, response);
	} else {
		receive_new(stack, sip_server_transaction_new(stack, request, flow));
	}
}

static void refuse(struct sip_stack *stack, struct sip_flow *flow, struct sip_message *message,
		   const struct sip_refusal *refusal)
{
	char source[NET_ADDRESS_TEXT_MAX], tag[TAG_CHARACTERS + 1];
	metrics_add(message ? &refused_malformed : &refused_unanswered, 1);
	log_debug(NULL, "refused a message from %s: %s", net_address_format(sip_flow_remote(flow), source),
		  refusal->reason);
	if (!message)
		return;
	crypto_random_token(tag, TAG_CHARACTERS);
	sip_message_stamp_via(message, sip_flow_remote(flow));
	sip_stack_send_stateless(stack, flow, message, sip_response_new(message, refusal->status, refusal->reason, tag));
	sip_message_unref(message);
}

static bool is_keep_alive(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] != '\r' && text[i] != '\n' && text[i] != '\0')
			return false;
	return true;
}

void sip_stack_receive(struct sip_stack *stack, struct sip_flow *flow, const char *text, size_t length)
{
	enum sip_transport transport = sip_flow_transport(flow);
	struct sip_message *message;
	struct sip_refusal refusal = {0};
	if (is_keep_alive(text, length))
		return;
	metrics_add(received[transport], 1);
	enum sip_gate_mode mode = transport == SIP_TRANSPORT_UDP ? SIP_GATE_DATAGRAM : SIP_GATE_WHOLE;
	if (sip_message_parse_as(text, length, mode, &message, &refusal) < 0) {
		refuse(stack, flow, message, &refusal);
		return;
	}
	sip_flow_ref(flow); /* a handler may close and let go of it */
	if (sip_message_is_request(message)) {
		if (transport == SIP_TRANSPORT_TLS && g_str_has_prefix(sip_message_request_uri(message), "sips:"))
			sip_flow_speak_sips(flow);
		sip_message_stamp_via(message, sip_flow_remote(flow));
		receive_request(stack, flow, message);
	} else if (sip_message_via_count(message) != 1 || !sip_client_transaction_receive(stack, flow, message)) {
		sip_stray_receive(stack, flow, message);
	}
	sip_flow_unref(flow);
	sip_message_unref(message);
}

/* --- general checks of a new request --- */

static int answer(struct sip_server_transaction *transaction, struct metrics_item *counter, unsigned status,
		  const char *header, const char *value)
{
	metrics_add(counter, 1);
	struct sip_message *response =
		sip_response_new(sip_server_transaction_request(transaction), status, NULL, NULL);
	if (header)
		sip_message_add_header(response, header, value);
	sip_server_transaction_respond(transaction, response);
	return -EPROTO;
}

/* The option tags in Require that are not ours; NULL when there are none. */
static char *missing_extensions(const struct sip_message *request)
{
	g_auto(GStrv) ours = g_strsplit(SIP_SUPPORTED, ", ", -1);
	GString *missing = g_string_new(NULL);
	const char *tag;
	for (size_t i = 0; (tag = sip_message_header(request, "Require", i)); i++)
		if (!g_strv_contains((const char *const *)ours, tag))
			g_string_append_printf(missing, "%s%s", missing->len ? ", " : "", tag);
	return g_string_free(missing, missing->len == 0);
}

int sip_stack_admit(struct sip_stack *stack, struct sip_server_transaction *transaction)
{
	const struct sip_message *request = sip_server_transaction_request(transaction);
	const char *hops = sip_message_header(request, "Max-Forwards", 0);
	if (sip_message_method(request) == SIP_METHOD_UNKNOWN)
		return answer(transaction, &refused_method, 405, "Allow", SIP_ALLOW);
	if (hops && !strcmp(hops, "0"))
		return answer(transaction, &refused_hops, 483, NULL, NULL);
	if (!sip_message_to_tag(request) && !sip_server_transaction_is_first(transaction))
		return answer(transaction, &refused_merged, 482, NULL, NULL);
	g_autofree char *missing = missing_extensions(request);
	if (missing)
		return answer(transaction, &refused_extension, 420, "Unsupported", missing);
	return 0;
}
