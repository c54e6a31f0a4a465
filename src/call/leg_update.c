/* What refreshes a session besides INVITE: their UPDATE (RFC 3311), and the offer a PRACK may bring. */
#include "call/call_private.h"

static void leg_on_offer_event(void *user, struct sip_server_transaction *transaction, enum sip_server_event event)
{
	struct leg *leg = user;
	if (event != SIP_SERVER_ENDED || leg->offer_server != transaction)
		return;
	leg->offer_server = NULL; /* nobody waits for the answer any more */
	leg_drop_exchange(leg);
}

/* Section 5.2: which error an offer must get because of what is under way; 0: none. */
static unsigned leg_offer_conflict(const struct leg *leg)
{
	switch (leg->exchange) {
	case LEG_EXCHANGE_STABLE:
	case LEG_EXCHANGE_EARLY_ANSWER:
		return 0;
	case LEG_EXCHANGE_LOCAL_OFFER:
	case LEG_EXCHANGE_WITHDRAWN:
		return 491;
	case LEG_EXCHANGE_REMOTE_OFFER:
	case LEG_EXCHANGE_OFFER_OWED:
		return 500;
	}
	return 500;
}

void leg_reply_later(struct leg *leg, struct sip_server_transaction *transaction)
{
	g_autofree char *seconds = g_strdup_printf("%d", g_random_int_range(0, 11));
	leg_reply(leg, transaction, 500, "Retry-After", seconds);
}

void leg_on_offer(struct leg *leg, struct sip_server_transaction *transaction)
{
	unsigned conflict = leg_offer_conflict(leg);
	if (conflict == 500) {
		leg_reply_later(leg, transaction);
		return;
	}
	if (conflict || leg_take_offer(leg, sip_server_transaction_request(transaction)) < 0) {
		leg_reply(leg, transaction, conflict ? conflict : 488, NULL, NULL);
		return;
	}
	BASE_CLEAR(&leg->pending_local, sdp_session_free); /* its early answer was final, and is history */
	leg->offer_server = transaction;
	sip_server_transaction_attach(transaction, leg_on_offer_event, leg);
	call_on_offered(leg->call, leg);
}

void leg_on_update(struct leg *leg, struct sip_server_transaction *transaction)
{
	struct sip_message *request = sip_server_transaction_request(transaction);
	if (leg_is_over(leg) || !leg->call)
		leg_reply(leg, transaction, 481, NULL, NULL);
	else if (leg_timer_is_short(leg, request))
		leg_reply(leg, transaction, 422, NULL, NULL);
	else if (sip_message_has_sdp(request))
		leg_on_offer(leg, transaction);
	else
		leg_answer_update(leg, transaction, NULL);
}

void leg_answer_update(struct leg *leg, struct sip_server_transaction *transaction, const struct sdp_session *answer)
{
	struct sip_message *request = sip_server_transaction_request(transaction);
	struct sip_message *response = sip_response_new(request, 200, NULL, leg->dialog->local_tag);
	if (sip_message_method(request) == SIP_METHOD_UPDATE) {
		sip_dialog_refresh_target(leg->dialog, request);
		leg_add_standard_headers(leg, response, sip_server_transaction_flow(transaction));
		leg_timer_answer(leg, request, response);
	}
	leg_wake(leg);
	leg_set_description(response, answer);
	sip_server_transaction_respond(transaction, response);
}

void leg_accept_offer(struct leg *leg)
{
	struct sip_server_transaction *transaction = leg->offer_server;
	if (!transaction) {
		leg_respond_success(leg, leg->local);
		return;
	}
	leg->offer_server = NULL;
	sip_server_transaction_detach(transaction);
	leg_answer_update(leg, transaction, leg->local);
}

void leg_refuse_offer(struct leg *leg, unsigned status, const char *phrase)
{
	struct sip_server_transaction *transaction = leg->offer_server;
	leg_drop_exchange(leg);
	if (!transaction) {
		if (leg->invite_server)
			leg_respond_failure(leg, status, phrase);
		return;
	}
	leg->offer_server = NULL;
	sip_server_transaction_detach(transaction);
	struct sip_message *response =
		sip_response_new(sip_server_transaction_request(transaction), status, phrase, leg->dialog->local_tag);
	sip_server_transaction_respond(transaction, response);
}
