/* The client machines (RFC 3261, section 17.1, with RFC 6026). */
#include "base/log.h"
#include "metrics/metrics.h"
#include "sip/stack_internal.h"
#include <string.h>

METRICS_COUNTER(started, "tandem_sip_client_transactions_total", "SIP client transactions begun.");
METRICS_COUNTER(timeouts, "tandem_sip_client_timeouts_total", "SIP requests that got no final response in time.");
METRICS_COUNTER(requests_repeated, "tandem_sip_retransmissions_total", "SIP messages sent again.", "kind", "request");
METRICS_COUNTER(acks_repeated, "tandem_sip_retransmissions_total", "SIP messages sent again.", "kind", "ack");

enum client_state {
	CLIENT_TRYING, /* "calling" for an INVITE */
	CLIENT_PROCEEDING,
	CLIENT_COMPLETED, /* final response, not the 2xx of an INVITE: its repeats are absorbed */
	CLIENT_ACCEPTED,  /* 2xx to INVITE: repeats and forks go to the user */
	CLIENT_TERMINATED,
};

#define BIT(state) (1u << (state))

/* What each state may be followed by. An INVITE's 2xx leads to accepted, every other final response to completed. */
static const struct {
	const char *name;
	unsigned followers;
} states[] = {
	[CLIENT_TRYING] = {"trying", BIT(CLIENT_PROCEEDING) | BIT(CLIENT_COMPLETED) | BIT(CLIENT_ACCEPTED) |
					     BIT(CLIENT_TERMINATED)},
	[CLIENT_PROCEEDING] = {"proceeding", BIT(CLIENT_COMPLETED) | BIT(CLIENT_ACCEPTED) | BIT(CLIENT_TERMINATED)},
	[CLIENT_COMPLETED] = {"completed", BIT(CLIENT_TERMINATED)},
	[CLIENT_ACCEPTED] = {"accepted", BIT(CLIENT_TERMINATED)},
	[CLIENT_TERMINATED] = {"terminated", 0},
};

enum client_cancel { CLIENT_NOT_CANCELLED, CLIENT_CANCEL_HELD, CLIENT_CANCEL_SENT };

struct sip_client_transaction {
	struct sip_stack *stack;
	char *key;
	enum client_state state;
	enum client_cancel cancel;
	char *cancel_reason;
	enum sip_client_end end; /* what it is when the life ends now */
	struct sip_message *request;
	struct sip_message *ack; /* for a non-2xx */
	struct sip_flow *flow;
	struct sip_flow *fallback; /* by UDP, of a large request that tries TCP first; NULL */
	struct sip_flow_watch watch;
	struct loop_timer life;	  /* B, F, D, K, M, or the wait after CANCEL */
	struct loop_timer repeat; /* A, E */
	int64_t interval_ms;
	const struct sip_client_handler *handler;
	void *user;
};

static bool is_invite(const struct sip_client_transaction *transaction)
{
	return sip_message_method(transaction->request) == SIP_METHOD_INVITE;
}

static bool is_reliable(const struct sip_client_transaction *transaction)
{
	return sip_transport_is_reliable(sip_flow_transport(transaction->flow));
}

static void set_state(struct sip_client_transaction *transaction, enum client_state state)
{
	g_assert(states[transaction->state].followers & BIT(state));
	log_debug(NULL, "client transaction %s %s: %s -> %s", sip_message_method_name(transaction->request),
		  sip_message_branch(transaction->request), states[transaction->state].name, states[state].name);
	transaction->state = state;
}

static void destroy(struct sip_client_transaction *transaction)
{
	loop_timer_stop(&transaction->life);
	loop_timer_stop(&transaction->repeat);
	sip_flow_watch_stop(&transaction->watch);
	g_hash_table_remove(transaction->stack->clients, transaction->key);
	sip_message_unref(transaction->request);
	sip_message_unref(transaction->ack);
	sip_flow_unref(transaction->flow);
	sip_flow_unref(transaction->fallback);
	g_free(transaction->cancel_reason);
	g_free(transaction->key);
	g_free(transaction);
}

static void on_life(void *data)
{
	struct sip_client_transaction *transaction = data;
	if (transaction->end == SIP_CLIENT_TIMEOUT)
		metrics_add(&timeouts, 1);
	loop_timer_stop(&transaction->repeat);
	set_state(transaction, CLIENT_TERMINATED);
	if (transaction->handler && transaction->handler->ended)
		transaction->handler->ended(transaction->user, transaction, transaction->end);
	destroy(transaction);
}

/* The user is told from the loop, never from inside a call of its own. */
static void fail(struct sip_client_transaction *transaction)
{
	if (transaction->end == SIP_CLIENT_ANSWERED)
		return;
	transaction->end = SIP_CLIENT_TRANSPORT_FAILED;
	loop_timer_stop(&transaction->repeat);
	loop_timer_start_ms(&transaction->life, 0);
}

static bool fall_back(struct sip_client_transaction *transaction);

static void on_flow_closed(void *data, struct sip_flow *flow)
{
	struct sip_client_transaction *transaction = data;
	const struct sip_client_handler *handler = transaction->handler;
	bool is_unanswered = transaction->end == SIP_CLIENT_TIMEOUT;
	if (is_unanswered && fall_back(transaction))
		return;
	if (!is_unanswered || !handler || !handler->stays || !handler->stays(transaction->user, transaction))
		fail(transaction);
}

static void on_flow_unreachable(void *data, struct sip_flow *flow)
{
	struct sip_client_transaction *transaction = data;
	const struct sip_client_handler *handler = transaction->handler;
	if (transaction->state == CLIENT_TRYING && handler && handler->gives_up && handler->gives_up(transaction->user, transaction))
		fail(transaction);
}

static void take_flow(struct sip_client_transaction *transaction, struct sip_flow *flow)
{
	sip_flow_watch_stop(&transaction->watch);
	sip_flow_ref(flow);
	sip_flow_unref(transaction->flow);
	transaction->flow = flow;
	sip_flow_watch_start(&transaction->watch, flow, on_flow_closed, transaction);
	transaction->watch.unreachable = on_flow_unreachable;
}

/* What an unreliable transport does not take is as good as lost on the way. */
static void send_message(struct sip_client_transaction *transaction, struct sip_message *message)
{
	size_t length;
	const char *text = sip_message_text(message, &length);
	int error = sip_flow_send(transaction->flow, text, length);
	if (error < 0 && (is_reliable(transaction) || error == -EPIPE))
		fail(transaction);
}

static void write_via(struct sip_message *request, const struct sip_flow *flow, const char *branch)
{
	sip_message_set_via(request, sip_transport_name(sip_flow_transport(flow)), sip_flow_sent_by(flow), branch);
}

/* No connection came about, so nobody has seen the request yet. */
static bool fall_back(struct sip_client_transaction *transaction)
{
	struct sip_flow *flow = transaction->fallback;
	if (!flow || !sip_large_lacks_tcp(transaction->stack, sip_flow_remote(flow)))
		return false;
	g_autofree char *branch = g_strdup(sip_message_branch(transaction->request));
	log_debug(NULL, "client transaction %s: there is no TCP for its %s, so it goes by UDP", branch,
		  sip_message_method_name(transaction->request));
	write_via(transaction->request, flow, branch);
	take_flow(transaction, flow);
	transaction->fallback = sip_flow_unref(flow);
	loop_timer_start_ms(&transaction->life, SIP_TIMEOUT_MS);
	loop_timer_start_ms(&transaction->repeat, SIP_T1_MS);
	send_message(transaction, transaction->request);
	return true;
}

static void on_repeat(void *data)
{
	struct sip_client_transaction *transaction = data;
	metrics_add(&requests_repeated, 1);
	transaction->interval_ms *= 2;
	if (!is_invite(transaction))
		transaction->interval_ms = MIN(transaction->interval_ms, SIP_T2_MS);
	loop_timer_start_ms(&transaction->repeat, transaction->interval_ms);
	send_message(transaction, transaction->request);
}

static struct sip_client_transaction *begin(struct sip_stack *stack, struct sip_message *request, struct sip_flow *flow,
					    const struct sip_client_handler *handler, void *user)
{
	struct sip_client_transaction *transaction = g_new0(struct sip_client_transaction, 1);
	transaction->stack = stack;
	transaction->request = request;
	transaction->flow = sip_flow_ref(flow);
	transaction->handler = handler;
	transaction->user = user;
	transaction->end = SIP_CLIENT_TIMEOUT;
	transaction->interval_ms = SIP_T1_MS;
	transaction->key = g_strdup_printf("%s %s", sip_message_branch(request), sip_message_method_name(request));
	loop_timer_init(&transaction->life, stack->loop, on_life, transaction);
	loop_timer_init(&transaction->repeat, stack->loop, on_repeat, transaction);
	loop_timer_start_ms(&transaction->life, SIP_TIMEOUT_MS);
	if (!is_reliable(transaction))
		loop_timer_start_ms(&transaction->repeat, SIP_T1_MS);
	struct sip_client_transaction *earlier = g_hash_table_lookup(stack->clients, transaction->key);
	if (earlier) /* a second CANCEL of one INVITE takes the place of the first */
		destroy(earlier);
	g_hash_table_insert(stack->clients, transaction->key, transaction);
	metrics_add(&started, 1);
	if (sip_flow_is_open(flow)) {
		take_flow(transaction, flow);
		send_message(transaction, request);
	} else {
		fail(transaction);
	}
	return transaction;
}

struct sip_client_transaction *sip_client_transaction_start(struct sip_stack *stack, struct sip_message *request,
							    struct sip_flow *flow, const struct sip_client_handler *handler,
							    void *user)
{
	char branch[SIP_BRANCH_BYTES];
	sip_stack_make_branch(stack, branch);
	write_via(request, flow, branch);
	if (!sip_message_header(request, "Max-Forwards", 0))
		sip_message_add_header(request, "Max-Forwards", "70");
	struct sip_flow *large = sip_large_flow(stack, request, flow);
	if (large)
		write_via(request, large, branch);
	struct sip_client_transaction *transaction = begin(stack, sip_message_ref(request), large ? large : flow, handler, user);
	transaction->fallback = large ? sip_flow_ref(flow) : NULL;
	sip_flow_unref(large);
	return transaction;
}

void sip_client_transaction_detach(struct sip_client_transaction *transaction)
{
	transaction->handler = NULL;
	transaction->user = NULL;
	if (!sip_flow_is_open(transaction->flow)) /* nobody is left to move it */
		fail(transaction);
}

struct sip_message *sip_client_transaction_request(const struct sip_client_transaction *transaction)
{
	return transaction->request;
}

struct sip_flow *sip_client_transaction_flow(const struct sip_client_transaction *transaction)
{
	return transaction->flow;
}

bool sip_client_transaction_is_heard(const struct sip_client_transaction *transaction)
{
	return transaction->state != CLIENT_TRYING;
}

static void send_cancel(struct sip_client_transaction *transaction)
{
	struct sip_message *cancel =
		sip_message_new_like_invite(transaction->request, SIP_METHOD_CANCEL, transaction->request);
	if (transaction->cancel_reason)
		sip_message_add_header(cancel, "Reason", transaction->cancel_reason);
	transaction->cancel = CLIENT_CANCEL_SENT;
	loop_timer_start_ms(&transaction->life, SIP_TIMEOUT_MS);
	begin(transaction->stack, cancel, transaction->flow, NULL, NULL);
}

void sip_client_transaction_cancel(struct sip_client_transaction *transaction, const char *reason_header)
{
	if (!is_invite(transaction) || transaction->cancel != CLIENT_NOT_CANCELLED ||
	    transaction->end != SIP_CLIENT_TIMEOUT || transaction->state > CLIENT_PROCEEDING)
		return;
	transaction->cancel_reason = g_strdup(reason_header);
	transaction->cancel = CLIENT_CANCEL_HELD;
	if (transaction->state == CLIENT_PROCEEDING)
		send_cancel(transaction);
}

void sip_client_transaction_move(struct sip_client_transaction *transaction, struct sip_flow *flow)
{
	if (flow == transaction->flow || !sip_flow_is_open(flow) || transaction->end == SIP_CLIENT_TRANSPORT_FAILED)
		return;
	take_flow(transaction, flow);
	if (transaction->end == SIP_CLIENT_ANSWERED)
		return;
	metrics_add(&requests_repeated, 1);
	if (transaction->cancel == CLIENT_NOT_CANCELLED)
		send_message(transaction, transaction->request);
	else /* its provisional response may have been lost with the flow: what has not seen the INVITE answers 481 */
		send_cancel(transaction);
}

static void tell(struct sip_client_transaction *transaction, struct sip_message *response)
{
	if (transaction->handler && transaction->handler->response)
		transaction->handler->response(transaction->user, transaction, response);
}

static void provisional(struct sip_client_transaction *transaction, struct sip_message *response)
{
	if (transaction->end != SIP_CLIENT_TIMEOUT) /* it has failed, and is about to say so */
		return;
	if (transaction->state == CLIENT_TRYING) {
		set_state(transaction, CLIENT_PROCEEDING);
		if (is_invite(transaction)) {
			loop_timer_stop(&transaction->repeat);
			loop_timer_stop(&transaction->life);
		} else if (!is_reliable(transaction)) {
			transaction->interval_ms = SIP_T2_MS;
			loop_timer_start_ms(&transaction->repeat, SIP_T2_MS);
		}
	}
	if (transaction->cancel == CLIENT_CANCEL_HELD)
		send_cancel(transaction);
	if (sip_message_status(response) != 100)
		tell(transaction, response);
}

static void acknowledge(struct sip_client_transaction *transaction, const struct sip_message *response)
{
	size_t length;
	if (!transaction->ack)
		transaction->ack = sip_message_new_like_invite(transaction->request, SIP_METHOD_ACK, response);
	else
		metrics_add(&acks_repeated, 1);
	const char *text = sip_message_text(transaction->ack, &length);
	sip_flow_send(transaction->flow, text, length); /* if it is lost the response comes again */
}

static void final(struct sip_client_transaction *transaction, struct sip_message *response)
{
	bool is_accepted = is_invite(transaction) && sip_message_status(response) < 300;
	int64_t absorbs_ms = is_invite(transaction) ? SIP_TIMEOUT_MS : SIP_T4_MS; /* D, K */
	transaction->end = SIP_CLIENT_ANSWERED;
	loop_timer_stop(&transaction->repeat);
	set_state(transaction, is_accepted ? CLIENT_ACCEPTED : CLIENT_COMPLETED);
	if (is_accepted) {
		loop_timer_start_ms(&transaction->life, SIP_TIMEOUT_MS); /* M */
	} else {
		loop_timer_start_ms(&transaction->life, is_reliable(transaction) ? 0 : absorbs_ms);
		if (is_invite(transaction))
			acknowledge(transaction, response);
	}
	tell(transaction, response);
}

bool sip_client_transaction_receive(struct sip_stack *stack, struct sip_flow *flow, struct sip_message *response)
{
	g_autofree char *key = g_strdup_printf("%s %s", sip_message_branch(response), sip_message_method_name(response));
	struct sip_client_transaction *transaction = g_hash_table_lookup(stack->clients, key);
	unsigned status = sip_message_status(response);
	if (!transaction)
		return false;
	if (!sip_flow_is_open(transaction->flow) && transaction->end != SIP_CLIENT_TRANSPORT_FAILED)
		take_flow(transaction, flow); /* who answers the branch is who has the request */
	/* nobody is there to ACK it, or a fork answers what another has refused */
	if (is_invite(transaction) && status >= 200 && status < 300 &&
	    (!transaction->handler || transaction->state == CLIENT_COMPLETED)) {
		if (transaction->state < CLIENT_COMPLETED)
			final(transaction, response);
		return false;
	}
	if (transaction->state <= CLIENT_PROCEEDING) {
		if (status < 200)
			provisional(transaction, response);
		else
			final(transaction, response);
	} else if (transaction->state == CLIENT_COMPLETED && is_invite(transaction) && status >= 300) {
		acknowledge(transaction, response);
	} else if (transaction->state == CLIENT_ACCEPTED && status >= 200 && status < 300) {
		tell(transaction, response);
	}
	return true;
}

void sip_client_transaction_free_all(struct sip_stack *stack)
{
	GHashTableIter iter;
	void *transaction;
	for (;;) {
		g_hash_table_iter_init(&iter, stack->clients);
		if (!g_hash_table_iter_next(&iter, NULL, &transaction))
			break;
		destroy(transaction);
	}
}
