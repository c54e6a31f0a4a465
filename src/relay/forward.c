/* Requests that make no dialog: MESSAGE, PUBLISH, and a NOTIFY that nobody has asked for (voice mail). They go to every
 * device of a user at once; the first 2xx is the answer. */
#include "metrics/metrics.h"
#include "relay/relay_private.h"

#define FORWARDED_HELP "Requests outside calls and subscriptions that were passed on, by method."
METRICS_COUNTER(forwarded_messages, "tandem_relayed_requests_total", FORWARDED_HELP, "method", "MESSAGE");
METRICS_COUNTER(forwarded_publications, "tandem_relayed_requests_total", FORWARDED_HELP, "method", "PUBLISH");
METRICS_COUNTER(forwarded_notices, "tandem_relayed_requests_total", FORWARDED_HELP, "method", "NOTIFY");

struct attempt {
	struct relay_forward *forward;
	struct sip_dialog *dialog; /* never made: From, To, Call-ID and CSeq of the request */
	struct relay_sending *sending;
};

struct relay_forward {
	struct relay *relay;
	GList link;
	struct sip_server_transaction *server;
	struct sip_message *request;
	struct route_identity *sender;
	struct attempt attempts[RELAY_TARGETS_MAX];
	size_t n_attempts;
	size_t n_pending;
	struct relay_failure failure;
};

void relay_forward_free(struct relay_forward *forward)
{
	g_queue_unlink(&forward->relay->forwards, &forward->link);
	relay_let_go(&forward->server);
	for (size_t i = 0; i < forward->n_attempts; i++) {
		relay_sending_free(forward->attempts[i].sending);
		sip_dialog_free(forward->attempts[i].dialog);
	}
	relay_failure_clear(&forward->failure);
	sip_message_unref(forward->request);
	route_identity_free(forward->sender);
	g_free(forward);
}

static void answer(struct relay_forward *forward, struct sip_message *response)
{
	relay_answer(&forward->server, response);
	relay_forward_free(forward);
}

/* The sender is told of the failure once nobody is left who could take it. */
static void settle(struct relay_forward *forward)
{
	if (forward->n_pending)
		return;
	log_info(NULL, "relay: %s refused: %u", sip_message_method_name(forward->request), forward->failure.status);
	answer(forward, relay_failure_answer(&forward->failure, forward->request));
}

static void on_done(void *user, unsigned status, struct sip_message *response)
{
	struct attempt *attempt = user;
	struct relay_forward *forward = attempt->forward;
	attempt->sending = NULL;
	forward->n_pending--;
	if (status >= 300) {
		relay_failure_note(&forward->failure, status, response);
		settle(forward);
		return;
	}
	struct sip_message *told = sip_response_new(forward->request, status, sip_message_reason(response), NULL);
	relay_carry_response(told, sip_message_method(forward->request), response);
	answer(forward, told);
}

static void count(enum sip_method method)
{
	if (method == SIP_METHOD_MESSAGE)
		metrics_add(&forwarded_messages, 1);
	else if (method == SIP_METHOD_PUBLISH)
		metrics_add(&forwarded_publications, 1);
	else
		metrics_add(&forwarded_notices, 1);
}

static void try(struct relay_forward *forward, const struct route_party *sender, const struct relay_target *target)
{
	struct attempt *attempt = &forward->attempts[forward->n_attempts++];
	attempt->forward = forward;
	attempt->dialog = relay_target_dialog(forward->relay, forward->sender, target);
	struct relay_outgoing outgoing = {
		.dialog = attempt->dialog,
		.party = &target->party,
		.sender = forward->sender,
		.account = target->account,
		.method = sip_message_method(forward->request),
		.source = forward->request,
	};
	unsigned hindrance = relay_send(forward->relay, &outgoing, on_done, attempt, &attempt->sending);
	if (hindrance) {
		relay_failure_note(&forward->failure, hindrance, NULL);
		return;
	}
	forward->n_pending++;
	log_info(NULL, "relay: %s of %s to %s", sip_message_method_name(forward->request), route_party_identity(sender),
		 route_party_identity(&target->party));
}

void relay_forward_start(struct relay *relay, struct sip_server_transaction *transaction, const struct route_party *sender,
			 const struct route_decision *decision)
{
	struct sip_message *request = sip_server_transaction_request(transaction);
	struct relay_target targets[RELAY_TARGETS_MAX];
	size_t n_targets;
	unsigned refused = relay_find_targets(relay, sender, request, decision, targets, &n_targets);
	if (refused) {
		relay_refuse(transaction, refused, NULL);
		return;
	}
	struct relay_forward *forward = g_new0(struct relay_forward, 1);
	forward->relay = relay;
	forward->link.data = forward;
	forward->request = sip_message_ref(request);
	forward->sender = route_party_identify(sender, relay->rooms.registrar, request);
	relay_hold(&forward->server, transaction);
	g_queue_push_tail_link(&relay->forwards, &forward->link);
	count(sip_message_method(request));
	for (size_t i = 0; i < n_targets; i++) {
		try(forward, sender, &targets[i]);
		relay_target_clear(&targets[i]);
	}
	settle(forward);
}
