/* The server machines (RFC 3261, section 17.2, with RFC 6026): INVITE begins in proceeding, all others in trying. */
#include "base/log.h"
#include "crypto/random.h"
#include "metrics/metrics.h"
#include "sip/stack_internal.h"

#define TRYING_AFTER_MS 200
#define TAG_CHARACTERS 12

METRICS_COUNTER(started, "tandem_sip_server_transactions_total", "SIP server transactions begun.");
METRICS_COUNTER(requests_repeated, "tandem_sip_requests_repeated_total", "SIP requests that came again.");
METRICS_COUNTER(responses_repeated, "tandem_sip_retransmissions_total", "SIP messages sent again.", "kind", "response");
METRICS_COUNTER(unacknowledged, "tandem_sip_unacknowledged_total", "SIP 2xx responses that got no ACK.");

enum server_state {
	SERVER_TRYING,
	SERVER_PROCEEDING,
	SERVER_COMPLETED,    /* final response sent; an INVITE waits for its ACK */
	SERVER_CONFIRMED,    /* the ACK has come, its repeats are absorbed */
	SERVER_ACCEPTED,     /* 2xx to INVITE sent, again and again */
	SERVER_ACKNOWLEDGED, /* its ACK has come, or nothing waits for it any more; repeats of the INVITE are absorbed */
	SERVER_TERMINATED,
};

#define BIT(state) (1u << (state))

/* What each state may be followed by. Confirmed, accepted and acknowledged are an INVITE's alone. */
static const struct {
	const char *name;
	unsigned followers;
} states[] = {
	[SERVER_TRYING] = {"trying", BIT(SERVER_PROCEEDING) | BIT(SERVER_COMPLETED) | BIT(SERVER_TERMINATED)},
	[SERVER_PROCEEDING] = {"proceeding", BIT(SERVER_COMPLETED) | BIT(SERVER_ACCEPTED) | BIT(SERVER_TERMINATED)},
	[SERVER_COMPLETED] = {"completed", BIT(SERVER_CONFIRMED) | BIT(SERVER_TERMINATED)},
	[SERVER_CONFIRMED] = {"confirmed", BIT(SERVER_TERMINATED)},
	[SERVER_ACCEPTED] = {"accepted", BIT(SERVER_ACKNOWLEDGED) | BIT(SERVER_TERMINATED)},
	[SERVER_ACKNOWLEDGED] = {"acknowledged", BIT(SERVER_TERMINATED)},
	[SERVER_TERMINATED] = {"terminated", 0},
};

struct sip_server_transaction {
	struct sip_stack *stack;
	char *key;
	struct sip_server_transaction *next; /* of the same key, by another party */
	char *merge_key;
	enum server_state state;
	struct sip_message *request;
	struct sip_message *response; /* the last one */
	struct sip_message *cancel;   /* NULL */
	struct sip_flow *flow;	      /* the request's; who may act is judged by it */
	struct sip_flow *reply_flow;
	bool is_unsent; /* `response` has not gone out by this flow; by the one before it may be lost */
	struct loop_timer life;	  /* H, I, J, L, or the wait for an answer */
	struct loop_timer repeat; /* G, the 2xx's own, or the 100 */
	int64_t interval_ms;
	sip_server_handler *handler;
	void *user;
};

static bool is_invite(const struct sip_server_transaction *transaction)
{
	return sip_message_method(transaction->request) == SIP_METHOD_INVITE;
}

static bool is_reliable(const struct sip_server_transaction *transaction)
{
	return sip_transport_is_reliable(sip_flow_transport(transaction->flow));
}

/* What went into a WebSocket that then broke is asked again on the next one, as the retransmission that it is. */
static bool may_be_repeated(const struct sip_server_transaction *transaction)
{
	return !is_reliable(transaction) || sip_transport_is_websocket(sip_flow_transport(transaction->flow));
}

static void set_state(struct sip_server_transaction *transaction, enum server_state state)
{
	g_assert(states[transaction->state].followers & BIT(state));
	log_debug(NULL, "server transaction %s %s: %s -> %s", sip_message_method_name(transaction->request),
		  sip_message_branch(transaction->request), states[transaction->state].name, states[state].name);
	transaction->state = state;
}

static char *make_key(const struct sip_message *request, const char *method)
{
	return g_strdup_printf("%s %s %s", sip_message_branch(request), sip_message_via_sent_by(request), method);
}

static void chain(struct sip_server_transaction *transaction)
{
	GHashTable *servers = transaction->stack->servers;
	transaction->next = g_hash_table_lookup(servers, transaction->key);
	g_hash_table_replace(servers, transaction->key, transaction);
	transaction->stack->n_servers++;
}

static void unchain(struct sip_server_transaction *transaction)
{
	GHashTable *servers = transaction->stack->servers;
	struct sip_server_transaction *first = g_hash_table_lookup(servers, transaction->key);
	transaction->stack->n_servers--;
	if (first != transaction) {
		while (first->next != transaction)
			first = first->next;
		first->next = transaction->next;
	} else if (transaction->next) {
		g_hash_table_replace(servers, transaction->next->key, transaction->next);
	} else {
		g_hash_table_remove(servers, transaction->key);
	}
}

static void destroy(struct sip_server_transaction *transaction)
{
	GHashTable *admitted = transaction->stack->admitted;
	loop_timer_stop(&transaction->life);
	loop_timer_stop(&transaction->repeat);
	unchain(transaction);
	if (transaction->merge_key && g_hash_table_lookup(admitted, transaction->merge_key) == transaction)
		g_hash_table_remove(admitted, transaction->merge_key);
	sip_message_unref(transaction->request);
	sip_message_unref(transaction->response);
	sip_message_unref(transaction->cancel);
	sip_flow_unref(transaction->flow);
	sip_flow_unref(transaction->reply_flow);
	g_free(transaction->key);
	g_free(transaction->merge_key);
	g_free(transaction);
}

static void tell(struct sip_server_transaction *transaction, enum sip_server_event event)
{
	if (transaction->handler)
		transaction->handler(transaction->user, transaction, event);
}

static void on_life(void *data)
{
	struct sip_server_transaction *transaction = data;
	loop_timer_stop(&transaction->repeat);
	if (transaction->state == SERVER_ACCEPTED) {
		metrics_add(&unacknowledged, 1);
		tell(transaction, SIP_SERVER_UNACKNOWLEDGED);
	}
	set_state(transaction, SERVER_TERMINATED);
	tell(transaction, SIP_SERVER_ENDED);
	destroy(transaction);
}

static int send_response(struct sip_server_transaction *transaction)
{
	size_t length;
	const char *text = sip_message_text(transaction->response, &length);
	if (!sip_flow_is_open(transaction->reply_flow)) { /* a TCP connection may be made anew (section 18.2.2) */
		sip_flow_unref(transaction->reply_flow);
		transaction->reply_flow =
			sip_transport_reply_flow(transaction->stack, transaction->flow, transaction->request);
	}
	transaction->is_unsent = false;
	return sip_flow_send(transaction->reply_flow, text, length);
}

static void answer_trying(struct sip_server_transaction *transaction)
{
	loop_timer_stop(&transaction->repeat);
	transaction->response = sip_response_new(transaction->request, 100, NULL, NULL);
	send_response(transaction);
}

static void on_repeat(void *data)
{
	struct sip_server_transaction *transaction = data;
	if (!transaction->response) {
		answer_trying(transaction);
		return;
	}
	metrics_add(&responses_repeated, 1);
	send_response(transaction);
	transaction->interval_ms = MIN(2 * transaction->interval_ms, SIP_T2_MS);
	loop_timer_start_ms(&transaction->repeat, transaction->interval_ms);
}

struct sip_server_transaction *sip_server_transaction_new(struct sip_stack *stack, struct sip_message *request,
							  struct sip_flow *flow)
{
	struct sip_server_transaction *transaction = g_new0(struct sip_server_transaction, 1);
	transaction->stack = stack;
	transaction->request = sip_message_ref(request);
	transaction->flow = sip_flow_ref(flow);
	transaction->reply_flow = sip_transport_reply_flow(stack, flow, request);
	transaction->key = make_key(request, sip_message_method_name(request));
	loop_timer_init(&transaction->life, stack->loop, on_life, transaction);
	loop_timer_init(&transaction->repeat, stack->loop, on_repeat, transaction);
	chain(transaction);
	metrics_add(&started, 1);
	if (is_invite(transaction)) {
		transaction->state = SERVER_PROCEEDING;
		loop_timer_start_ms(&transaction->repeat, TRYING_AFTER_MS);
	} else { /* an answer after the client's Timer F would reach nobody (RFC 4320) */
		transaction->state = SERVER_TRYING;
		loop_timer_start_ms(&transaction->life, SIP_TIMEOUT_MS);
	}
	return transaction;
}

struct sip_server_transaction *sip_server_transaction_find(struct sip_stack *stack, const struct sip_message *request,
							   const char *method, struct sip_flow *flow)
{
	g_autofree char *key = make_key(request, method);
	struct sip_server_transaction *transaction = g_hash_table_lookup(stack->servers, key);
	while (transaction && !sip_stack_same_party(stack, flow, transaction->flow))
		transaction = transaction->next;
	return transaction;
}

static bool move_to(struct sip_server_transaction *transaction, struct sip_flow *flow)
{
	if (flow == transaction->flow)
		return false;
	sip_flow_ref(flow);
	sip_flow_unref(transaction->flow);
	sip_flow_unref(transaction->reply_flow);
	transaction->flow = flow;
	transaction->reply_flow = sip_transport_reply_flow(transaction->stack, flow, transaction->request);
	transaction->is_unsent = true;
	return true;
}

void sip_server_transaction_repeated(struct sip_server_transaction *transaction, struct sip_flow *flow)
{
	move_to(transaction, flow);
	bool is_accepted = transaction->state == SERVER_ACCEPTED || transaction->state == SERVER_ACKNOWLEDGED;
	metrics_add(&requests_repeated, 1);
	if (transaction->state == SERVER_PROCEEDING && !transaction->response)
		answer_trying(transaction);
	else if (transaction->state == SERVER_PROCEEDING || transaction->state == SERVER_COMPLETED || (is_accepted && transaction->is_unsent))
		send_response(transaction);
}

void sip_server_transaction_move(struct sip_server_transaction *transaction, struct sip_flow *flow)
{
	bool is_heard = transaction->state == SERVER_PROCEEDING || transaction->state == SERVER_COMPLETED ||
			transaction->state == SERVER_ACCEPTED;
	if (move_to(transaction, flow) && transaction->response && is_heard)
		send_response(transaction);
}

bool sip_server_transaction_absorb_ack(struct sip_server_transaction *transaction)
{
	if (transaction->state == SERVER_COMPLETED) {
		set_state(transaction, SERVER_CONFIRMED);
		loop_timer_stop(&transaction->repeat);
		loop_timer_start_ms(&transaction->life, is_reliable(transaction) ? 0 : SIP_T4_MS);
	}
	return transaction->state == SERVER_CONFIRMED;
}

void sip_server_transaction_cancelled(struct sip_server_transaction *transaction, struct sip_server_transaction *cancel)
{
	if (transaction->state != SERVER_PROCEEDING)
		return;
	/* The 487 is for whoever waits behind the new connection. A datagram's answer goes where its Via says. */
	if (is_reliable(transaction))
		move_to(transaction, cancel->flow);
	sip_message_unref(transaction->cancel);
	transaction->cancel = sip_message_ref(cancel->request);
	if (transaction->handler) {
		tell(transaction, SIP_SERVER_CANCELLED);
		return;
	}
	sip_server_transaction_reply(transaction, 487, NULL, NULL);
}

const char *sip_server_transaction_to_tag(const struct sip_server_transaction *transaction)
{
	return transaction->response ? sip_message_to_tag(transaction->response) : NULL;
}

bool sip_server_transaction_is_first(struct sip_server_transaction *transaction)
{
	const struct sip_message *request = transaction->request;
	GHashTable *admitted = transaction->stack->admitted;
	g_autofree char *key = g_strdup_printf("%s %s %u %s", sip_message_call_id(request), sip_message_from_tag(request),
					       sip_message_cseq(request), sip_message_method_name(request));
	struct sip_server_transaction *first = g_hash_table_lookup(admitted, key);
	if (first)
		return first == transaction;
	transaction->merge_key = g_steal_pointer(&key);
	g_hash_table_insert(admitted, transaction->merge_key, transaction);
	return true;
}

void sip_server_transaction_attach(struct sip_server_transaction *transaction, sip_server_handler *handler, void *user)
{
	transaction->handler = handler;
	transaction->user = user;
}

void sip_server_transaction_detach(struct sip_server_transaction *transaction)
{
	sip_server_transaction_attach(transaction, NULL, NULL);
}

struct sip_message *sip_server_transaction_request(const struct sip_server_transaction *transaction)
{
	return transaction->request;
}

const struct sip_message *sip_server_transaction_cancel(const struct sip_server_transaction *transaction)
{
	return transaction->cancel;
}

struct sip_flow *sip_server_transaction_flow(const struct sip_server_transaction *transaction)
{
	return transaction->flow;
}

bool sip_server_transaction_is_answered(const struct sip_server_transaction *transaction)
{
	return transaction->state > SERVER_PROCEEDING;
}

/* The final response has been handed to the flow, or not (`is_sent`). */
static void answered(struct sip_server_transaction *transaction, unsigned status, bool is_sent)
{
	transaction->interval_ms = SIP_T1_MS;
	if (!is_invite(transaction)) {
		set_state(transaction, SERVER_COMPLETED);
		loop_timer_start_ms(&transaction->life, !may_be_repeated(transaction) && is_sent ? 0 : SIP_TIMEOUT_MS);
		return;
	}
	set_state(transaction, status < 300 ? SERVER_ACCEPTED : SERVER_COMPLETED);
	loop_timer_start_ms(&transaction->life, SIP_TIMEOUT_MS);
	if (status < 300 || !is_reliable(transaction))
		loop_timer_start_ms(&transaction->repeat, transaction->interval_ms);
}

/* Section 8.2.6.2: every response but 100 has one, and all of a transaction the same unless the user says otherwise. */
static void add_to_tag(const struct sip_server_transaction *transaction, struct sip_message *response)
{
	const char *known = sip_server_transaction_to_tag(transaction);
	char tag[TAG_CHARACTERS + 1];
	if (sip_message_status(response) == 100 || sip_message_to_tag(response))
		return;
	crypto_random_token(tag, TAG_CHARACTERS);
	sip_message_set_to_tag(response, known ? known : tag);
}

int sip_server_transaction_respond(struct sip_server_transaction *transaction, struct sip_message *response)
{
	unsigned status = sip_message_status(response);
	if (sip_server_transaction_is_answered(transaction)) {
		sip_message_unref(response);
		return -EALREADY;
	}
	add_to_tag(transaction, response);
	sip_message_unref(transaction->response);
	transaction->response = response;
	loop_timer_stop(&transaction->repeat);
	bool is_sent = !send_response(transaction);
	if (status >= 200)
		answered(transaction, status, is_sent);
	else if (transaction->state == SERVER_TRYING)
		set_state(transaction, SERVER_PROCEEDING);
	return 0;
}

int sip_server_transaction_reply(struct sip_server_transaction *transaction, unsigned status, const char *reason,
				 const char *to_tag)
{
	return sip_server_transaction_respond(transaction,
					      sip_response_new(transaction->request, status, reason, to_tag));
}

void sip_server_transaction_acknowledge(struct sip_server_transaction *transaction)
{
	if (transaction->state != SERVER_ACCEPTED)
		return;
	set_state(transaction, SERVER_ACKNOWLEDGED);
	loop_timer_stop(&transaction->repeat); /* L goes on */
}

void sip_server_transaction_free_all(struct sip_stack *stack)
{
	GHashTableIter iter;
	void *transaction;
	for (;;) {
		g_hash_table_iter_init(&iter, stack->servers);
		if (!g_hash_table_iter_next(&iter, NULL, &transaction))
			break;
		destroy(transaction);
	}
}
