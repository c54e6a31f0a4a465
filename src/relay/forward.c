/* Requests that make no dialog: MESSAGE, PUBLISH, and a NOTIFY that nobody has asked for (voice mail). They go to every
 * device of a user at once; the first 2xx is the answer. */
#include "metrics/metrics.h"
#include "relay/relay_private.h"
#include "sip/status.h"

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
	unsigned best_status;
	char best_phrase[128];
};

void relay_forward_free(struct relay_forward *forward)
{
	g_queue_unlink(&forward->relay->forwards, &forward->link);
	relay_let_go(&forward->server);
	for (size_t i = 0; i < forward->n_attempts; i++) {
		relay_sending_free(forward->attempts[i].sending);
		sip_dialog_free(forward->attempts[i].dialog);
	}
	sip_message_unref(forward->request);
	route_identity_free(forward->sender);
	g_free(forward);
}

static void answer(struct relay_forward *forward, unsigned status, const char *phrase, const struct sip_message *source)
{
	struct sip_message *response = sip_response_new(forward->request, status, phrase, NULL);
	if (source)
		relay_carry_response(response, sip_message_method(forward->request), source);
	relay_answer(&forward->server, response);
	relay_forward_free(forward);
}

static void fail(struct relay_forward *forward, unsigned status, const char *phrase, const struct sip_message *source)
{
	if (relay_status_is_better(status, forward->best_status)) {
		forward->best_status = status;
		base_copy_text(forward->best_phrase, sizeof forward->best_phrase, phrase ? phrase : "");
	}
	if (forward->n_pending)
		return;
	unsigned told = sip_status_for_other_side(forward->best_status);
	bool is_best = forward->best_status == status;
	const char *told_phrase = told == forward->best_status && *forward->best_phrase ? forward->best_phrase : NULL;
	log_info(NULL, "relay: %s refused: %u", sip_message_method_name(forward->request), forward->best_status);
	answer(forward, told, told_phrase, is_best ? source : NULL);
}

static void on_done(void *user, unsigned status, struct sip_message *response)
{
	struct attempt *attempt = user;
	struct relay_forward *forward = attempt->forward;
	attempt->sending = NULL;
	forward->n_pending--;
	const char *phrase = response ? sip_message_reason(response) : NULL;
	if (status < 300)
		answer(forward, status, phrase, response);
	else
		fail(forward, status, phrase, response);
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

/* 0 or the status that stands for the attempt. */
static unsigned try(struct relay_forward *forward, const struct route_party *sender, const struct relay_target *target)
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
	switch (relay_send(forward->relay, &outgoing, on_done, attempt, &attempt->sending)) {
	case 0:
		forward->n_pending++;
		log_info(NULL, "relay: %s of %s to %s", sip_message_method_name(forward->request),
			 route_party_identity(sender), route_party_identity(&target->party));
		return 0;
	case -EMSGSIZE:
		return 513;
	case -ENOTCONN:
		return target->party.trunk ? 503 : 480;
	default:
		return 400;
	}
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
	unsigned failed = 0;
	for (size_t i = 0; i < n_targets; i++) {
		unsigned status = try(forward, sender, &targets[i]);
		if (status && relay_status_is_better(status, failed))
			failed = status;
		relay_target_clear(&targets[i]);
	}
	if (failed)
		fail(forward, failed, NULL, NULL);
}
