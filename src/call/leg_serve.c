/* What the far end asks for inside (or to begin) the dialog: INVITE, re-INVITE, ACK, BYE, and who serves the rest. */
#include "call/call_private.h"
#include "sip/uri.h"

static void leg_on_server_event(void *user, struct sip_server_transaction *transaction, enum sip_server_event event)
{
	struct leg *leg = user;
	switch (event) {
	case SIP_SERVER_CANCELLED:
		if (transaction == leg->invite_server && leg->call) {
			leg_note_cause(leg, sip_server_transaction_cancel(transaction));
			call_on_cancelled(leg->call, leg);
		}
		break;
	case SIP_SERVER_UNACKNOWLEDGED:
		sip_server_transaction_detach(transaction);
		g_ptr_array_remove(leg->unacknowledged, transaction);
		if (leg->state == LEG_AWAITING_ACK) {
			leg_set_state(leg, LEG_ENDING);
			leg_send_bye(leg);
		} else if (leg->call) {
			/* An unacknowledged session exists all the same and is ended by BYE (section 13.3.1.4). */
			if (leg->state == LEG_ANSWERED)
				leg_set_state(leg, LEG_CONFIRMED);
			call_on_ended(leg->call, leg, "no ACK");
		}
		break;
	case SIP_SERVER_ENDED:
		if (transaction == leg->invite_server)
			leg->invite_server = NULL;
		g_ptr_array_remove(leg->unacknowledged, transaction);
		break;
	}
}

static gint leg_compare_cseq(gconstpointer a, gconstpointer b)
{
	uint32_t one = sip_message_cseq(sip_client_transaction_request(*(struct sip_client_transaction *const *)a));
	uint32_t other = sip_message_cseq(sip_client_transaction_request(*(struct sip_client_transaction *const *)b));
	return one < other ? -1 : one > other;
}

void leg_move_transactions(struct leg *leg, struct sip_flow *flow)
{
	if (leg->invite_server)
		sip_server_transaction_move(leg->invite_server, flow);
	if (leg->offer_server)
		sip_server_transaction_move(leg->offer_server, flow);
	for (guint i = 0; i < leg->unacknowledged->len; i++)
		sip_server_transaction_move(g_ptr_array_index(leg->unacknowledged, i), flow);
	/* In their order: the far end takes no request with a CSeq below the last it has seen (section 12.2.2). */
	g_autoptr(GPtrArray) clients = g_ptr_array_new();
	leg_list_invites(leg, clients);
	leg_list_requests(leg, clients);
	g_ptr_array_sort(clients, leg_compare_cseq);
	for (guint i = 0; i < clients->len; i++)
		sip_client_transaction_move(g_ptr_array_index(clients, i), flow);
}

void leg_stop_answers(struct leg *leg)
{
	for (guint i = 0; i < leg->unacknowledged->len; i++) {
		struct sip_server_transaction *transaction = g_ptr_array_index(leg->unacknowledged, i);
		bool may_be_lost = !sip_transport_is_reliable(sip_flow_transport(sip_server_transaction_flow(transaction)));
		if (leg->state == LEG_ENDING || !may_be_lost)
			sip_server_transaction_acknowledge(transaction);
	}
}

void leg_detach_transactions(struct leg *leg)
{
	if (leg->invite_server)
		sip_server_transaction_detach(leg->invite_server);
	for (guint i = 0; i < leg->unacknowledged->len; i++)
		sip_server_transaction_detach(g_ptr_array_index(leg->unacknowledged, i));
	if (leg->offer_server)
		sip_server_transaction_detach(leg->offer_server);
	leg_detach_invites(leg);
}

static void leg_hold_invite(struct leg *leg, struct sip_server_transaction *transaction)
{
	leg->invite_server = transaction;
	sip_server_transaction_attach(transaction, leg_on_server_event, leg);
}

void leg_learn_methods(struct leg *leg, const struct sip_message *message)
{
	if (sip_message_lists(message, "Allow", "UPDATE"))
		leg->far_methods |= 1u << SIP_METHOD_UPDATE;
	leg_learn_trickle(leg, message);
}

/* A trunk that has proved itself from an address that is not its peer's is spoken to by the way it came. */
static void leg_note_caller_flow(struct leg *leg, struct sip_flow *flow)
{
	leg_note_source(leg, flow);
	if (leg->trunk && !trunk_may_act(leg->manager->trunks, trunk_identity(leg->trunk), sip_flow_transport(flow),
					 sip_flow_remote(flow)))
		leg->caller_flow = sip_flow_ref(flow);
}

int leg_accept_invite(struct leg *leg, struct sip_server_transaction *transaction)
{
	struct sip_message *request = sip_server_transaction_request(transaction);
	leg->dialog = sip_dialog_new_callee(request);
	if (!leg->dialog)
		return -EINVAL;
	struct sip_uri uri;
	if (sip_uri_parse(sip_message_request_uri(request), &uri) == 0 && *uri.user)
		leg->contact_user = g_strdup(uri.user);
	leg_note_caller_flow(leg, sip_server_transaction_flow(transaction));
	leg->entry = sip_stack_add_dialog(leg->manager->stack, leg->dialog, leg_identity(leg), &leg_dialog_handler, leg);
	leg_learn_methods(leg, request);
	leg_set_state(leg, LEG_INCOMING);
	leg_hold_invite(leg, transaction);
	return 0;
}

int leg_set_description(struct sip_message *message, const struct sdp_session *description)
{
	if (!description)
		return 0;
	size_t length;
	char *text = sdp_print(description, &length);
	int error = sip_message_set_body(message, "application/sdp", text, length);
	sdp_text_free(text);
	return error;
}

void leg_reply(struct leg *leg, struct sip_server_transaction *transaction, unsigned status, const char *name,
	       const char *value)
{
	struct sip_message *response =
		sip_response_new(sip_server_transaction_request(transaction), status, NULL, leg->dialog->local_tag);
	if (name)
		sip_message_add_header(response, name, value);
	if (status == 422)
		leg_timer_add_minimum(leg, response);
	sip_server_transaction_respond(transaction, response);
}

struct sip_message *leg_invite_response(struct leg *leg, unsigned status, const char *phrase,
					const struct sdp_session *description)
{
	struct sip_server_transaction *transaction = leg->invite_server;
	struct sip_message *response =
		sip_response_new(sip_server_transaction_request(transaction), status, phrase, leg->dialog->local_tag);
	if (status < 300)
		leg_add_standard_headers(leg, response, sip_server_transaction_flow(transaction));
	leg_wake(leg);
	leg_set_description(response, description);
	return response;
}

void leg_respond_success(struct leg *leg, const struct sdp_session *description)
{
	struct sip_server_transaction *transaction = leg->invite_server;
	/* Only a request that succeeds moves the target (RFC 6141, section 3). */
	sip_dialog_refresh_target(leg->dialog, sip_server_transaction_request(transaction));
	leg->dialog->state = SIP_DIALOG_CONFIRMED;
	if (leg->state == LEG_INCOMING)
		leg_set_state(leg, LEG_ANSWERED);
	g_ptr_array_add(leg->unacknowledged, transaction);
	struct sip_message *response = leg_invite_response(leg, 200, NULL, description);
	leg_timer_answer(leg, sip_server_transaction_request(transaction), response);
	leg_reliable_stop(leg);
	leg->invite_server = NULL;
	sip_server_transaction_respond(transaction, response);
}

void leg_note_cause(struct leg *leg, const struct sip_message *message)
{
	sip_cause_read(message, &leg->said_cause);
	g_free(leg->said_words);
	leg->said_words = sip_message_is_request(message) ? NULL : sip_cause_explain(message);
}

/* What the other side has said, or we; telephone networks live by Q.850 (RFC 6432). */
static void leg_add_reason(const struct leg *leg, unsigned status, struct sip_message *response)
{
	struct sip_cause cause = {.q850 = leg->kind == LEG_TRUNK ? sip_cause_of_status(status) : 0};
	g_autofree char *by_status = sip_cause_write(&cause);
	bool is_q850 = leg->end_reason && strstr(leg->end_reason, "Q.850;");
	if (by_status && !is_q850)
		sip_message_add_header(response, "Reason", by_status);
	if (leg->end_reason)
		sip_message_add_header(response, "Reason", leg->end_reason);
}

void leg_respond_failure(struct leg *leg, unsigned status, const char *phrase)
{
	struct sip_server_transaction *transaction = leg->invite_server;
	struct sip_message *response = leg_invite_response(leg, status, phrase, NULL);
	if (status == 500 || status == 503)
		sip_message_add_header_format(response, "Retry-After", "%d", g_random_int_range(0, 11));
	if (status == 422)
		leg_timer_add_minimum(leg, response);
	leg_add_challenge(leg, response);
	leg_add_reason(leg, status, response);
	leg_reliable_stop(leg);
	leg->invite_server = NULL;
	sip_server_transaction_detach(transaction);
	sip_server_transaction_respond(transaction, response);
}

/* Which error a re-INVITE must get because of what is under way; 0: none (sections 14.1, 14.2). */
static unsigned leg_reinvite_conflict(const struct leg *leg)
{
	if (leg->invite_server || leg->offer_server)
		return 500;
	if (leg->invite || leg->exchange == LEG_EXCHANGE_LOCAL_OFFER)
		return 491;
	if (leg->exchange == LEG_EXCHANGE_REMOTE_OFFER)
		return 500;
	return 0;
}

static void leg_on_reinvite(struct leg *leg, struct sip_server_transaction *transaction)
{
	struct sip_message *request = sip_server_transaction_request(transaction);
	if (leg_is_over(leg) || !leg->call) {
		leg_reply(leg, transaction, 481, NULL, NULL);
		return;
	}
	unsigned conflict = leg_reinvite_conflict(leg);
	if (conflict == 500) {
		leg_reply_later(leg, transaction);
		return;
	}
	if (!conflict && leg_timer_is_short(leg, request))
		conflict = 422;
	if (conflict) {
		leg_reply(leg, transaction, conflict, NULL, NULL);
		return;
	}
	if (sip_message_has_sdp(request) && leg_take_offer(leg, request) < 0) {
		leg_reply(leg, transaction, 488, NULL, NULL);
		return;
	}
	if (!sip_message_has_sdp(request))
		leg_set_exchange(leg, LEG_EXCHANGE_OFFER_OWED);
	leg_hold_invite(leg, transaction);
	call_on_offered(leg->call, leg);
}

static void leg_on_bye(struct leg *leg, struct sip_server_transaction *transaction)
{
	if (leg->state == LEG_ENDED) {
		leg_reply(leg, transaction, 481, NULL, NULL);
		return;
	}
	leg_note_cause(leg, sip_server_transaction_request(transaction));
	leg_reply(leg, transaction, 200, NULL, NULL);
	if (leg->invite_server)
		leg_respond_failure(leg, 487, NULL);
	/* A callee's BYE before its answer leaves our INVITE to be cancelled. */
	if (leg->state != LEG_CALLING && leg->state != LEG_CANCELLING)
		leg_set_state(leg, LEG_ENDED);
	if (leg->call)
		call_on_ended(leg->call, leg, "hung up");
}

/* For the other far end; a built-in has no use for it. */
static void leg_on_relayed(struct leg *leg, struct sip_server_transaction *transaction)
{
	struct leg *peer = leg->call && !leg_is_over(leg) ? call_peer_of(leg->call, leg) : NULL;
	if (!leg->call || leg_is_over(leg))
		leg_reply(leg, transaction, 481, NULL, NULL);
	else if (!peer && leg->call->builtin)
		leg_reply(leg, transaction, 200, NULL, NULL);
	else if (!peer || !peer->dialog || !peer->dialog->remote_tag || leg_is_over(peer))
		leg_reply_later(leg, transaction);
	else
		leg_relay(leg, peer, transaction);
}

static void leg_on_request(void *user, struct sip_server_transaction *transaction)
{
	struct leg *leg = user;
	leg_follow(leg, sip_server_transaction_flow(transaction));
	switch (sip_message_method(sip_server_transaction_request(transaction))) {
	case SIP_METHOD_INVITE:
		leg_on_reinvite(leg, transaction);
		break;
	case SIP_METHOD_BYE:
		leg_on_bye(leg, transaction);
		break;
	case SIP_METHOD_PRACK:
		leg_on_prack(leg, transaction);
		break;
	case SIP_METHOD_UPDATE:
		leg_learn_methods(leg, sip_server_transaction_request(transaction));
		leg_on_update(leg, transaction);
		break;
	case SIP_METHOD_INFO:
		if (!leg_on_media_control(leg, transaction) && !leg_on_dtmf(leg, transaction) &&
		    !leg_on_trickle(leg, transaction))
			leg_on_relayed(leg, transaction);
		break;
	case SIP_METHOD_MESSAGE:
	case SIP_METHOD_NOTIFY:
		leg_on_relayed(leg, transaction);
		break;
	case SIP_METHOD_REFER:
		if (leg->call && !leg_is_over(leg))
			call_on_refer(leg->call, leg, transaction);
		else
			leg_reply(leg, transaction, 481, NULL, NULL);
		break;
	case SIP_METHOD_OPTIONS:
		leg_reply(leg, transaction, leg_is_over(leg) ? 481 : 200, "Allow", SIP_ALLOW);
		break;
	default:
		leg_reply(leg, transaction, leg_is_over(leg) ? 481 : 405, "Allow", SIP_ALLOW);
		break;
	}
}

static void leg_on_ack(void *user, struct sip_message *ack, struct sip_flow *flow)
{
	struct leg *leg = user;
	struct sip_server_transaction *transaction = NULL;
	leg_follow(leg, flow);
	for (guint i = 0; i < leg->unacknowledged->len && !transaction; i++) {
		struct sip_server_transaction *candidate = g_ptr_array_index(leg->unacknowledged, i);
		if (sip_message_cseq(sip_server_transaction_request(candidate)) == sip_message_cseq(ack))
			transaction = candidate;
	}
	if (!transaction)
		return; /* repeated, or of a request that failed */
	g_ptr_array_remove(leg->unacknowledged, transaction);
	sip_server_transaction_acknowledge(transaction);
	sip_server_transaction_detach(transaction);
	if (leg->state == LEG_AWAITING_ACK) {
		leg_set_state(leg, LEG_ENDING);
		leg_send_bye(leg);
		return;
	}
	if (leg->state == LEG_ANSWERED)
		leg_set_state(leg, LEG_CONFIRMED);
	if (leg->state != LEG_CONFIRMED || !leg->call)
		return;
	int error = 0;
	/* An offer of ours is out, but perhaps in the 2xx of a later re-INVITE: that one's ACK answers it. */
	bool had_offer = sip_message_has_sdp(sip_server_transaction_request(transaction));
	if (leg->exchange == LEG_EXCHANGE_LOCAL_OFFER && !leg->invite && !had_offer)
		error = sip_message_has_sdp(ack) ? leg_take_answer(leg, ack, true) : -ENODATA;
	call_on_acknowledged(leg->call, leg, error);
}

const struct sip_dialog_handler leg_dialog_handler = {
	.request = leg_on_request,
	.ack = leg_on_ack,
};
