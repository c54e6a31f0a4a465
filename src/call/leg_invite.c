/* INVITE in both directions: ours, with CANCEL, ACK, credentials and repeated or forked 2xx. */
#include "call/call_private.h"

/* One INVITE of ours, until its transaction ends. */
struct leg_invite {
	struct leg *leg;
	GList link;
	struct sip_client_transaction *transaction;
	struct sip_message *ack; /* of its 2xx; sent again for every repetition (section 13.2.2.4) */
	GHashTable *forks;	 /* To tag of a further 2xx -> its ACK; NULL while there is none */
	GHashTable *rseqs;	 /* To tag -> last RSeq of a reliable provisional response (RFC 3262) */
	bool is_first;		 /* makes the dialog */
	unsigned n_challenges; /* answered with credentials so far */
};

static const struct sip_client_handler leg_invite_handler;

static void leg_unref_message(void *message)
{
	sip_message_unref(message);
}

static void leg_invite_free(struct leg_invite *invite)
{
	struct leg *leg = invite->leg;
	if (leg->invite == invite)
		leg->invite = NULL;
	g_queue_unlink(&leg->invites, &invite->link);
	if (invite->transaction)
		sip_client_transaction_detach(invite->transaction);
	sip_message_unref(invite->ack);
	g_clear_pointer(&invite->forks, g_hash_table_destroy);
	g_hash_table_destroy(invite->rseqs);
	g_free(invite);
}

void leg_detach_invites(struct leg *leg)
{
	while (leg->invites.head)
		leg_invite_free(leg->invites.head->data);
}

void leg_add_invite_header(struct leg *leg, const char *name, const char *value)
{
	if (!leg->invite_headers)
		leg->invite_headers = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(leg->invite_headers, g_strdup(name));
	g_ptr_array_add(leg->invite_headers, g_strdup(value));
}

/* One that cannot be written (a Referred-By comes from afar) is left out. */
static void leg_add_invite_headers(const struct leg *leg, struct sip_message *request)
{
	const GPtrArray *headers = leg->dialog->state == SIP_DIALOG_EARLY ? leg->invite_headers : NULL;
	for (guint i = 0; headers && i + 1 < headers->len; i += 2)
		sip_message_add_header(request, g_ptr_array_index(headers, i), g_ptr_array_index(headers, i + 1));
}

/* `challenged` NULL: for the first time. */
static int leg_start_invite(struct leg *leg, const struct sip_digest_challenged *challenged)
{
	struct sip_flow *flow = leg_flow(leg);
	if (!flow)
		return -ENOTCONN;
	leg_aim(leg);
	struct sip_message *request = sip_dialog_request(leg->dialog, SIP_METHOD_INVITE);
	leg_add_standard_headers(leg, request, flow);
	leg_timer_ask(leg, request);
	leg_add_invite_headers(leg, request);
	leg_add_proof_of_caller(leg, request);
	int error = leg_set_description(request, leg->pending_local);
	if (error == 0 && challenged)
		error = leg_answer_challenge(leg, flow, *challenged, request);
	else if (error == 0)
		leg_prove(leg, flow, request);
	if (error < 0) {
		sip_message_unref(request);
		sip_flow_unref(flow);
		return error;
	}
	struct leg_invite *invite = g_new0(struct leg_invite, 1);
	invite->leg = leg;
	invite->link.data = invite;
	invite->rseqs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	invite->is_first = leg->dialog->state == SIP_DIALOG_EARLY;
	invite->n_challenges = challenged ? challenged->round + 1 : 0;
	invite->transaction = sip_client_transaction_start(leg->manager->stack, request, flow, &leg_invite_handler, invite);
	g_queue_push_tail_link(&leg->invites, &invite->link);
	leg->invite = invite;
	sip_message_unref(request);
	sip_flow_unref(flow);
	if (invite->is_first)
		leg_await_hop(leg);
	return 0;
}

int leg_send_invite(struct leg *leg)
{
	int error = leg_start_invite(leg, NULL);
	if (error == 0 && leg->state == LEG_NEW)
		leg_set_state(leg, LEG_CALLING);
	return error;
}

void leg_cancel_invite(struct leg *leg, const char *reason)
{
	if (leg->invite)
		sip_client_transaction_cancel(leg->invite->transaction, reason);
}

bool leg_invite_is_heard(const struct leg *leg)
{
	return leg->invite && sip_client_transaction_is_heard(leg->invite->transaction);
}

void leg_list_invites(const struct leg *leg, GPtrArray *transactions)
{
	for (const GList *link = leg->invites.head; link; link = link->next) {
		const struct leg_invite *invite = link->data;
		g_ptr_array_add(transactions, invite->transaction);
	}
}

void leg_withdraw_offer(struct leg *leg)
{
	if (!leg->invite)
		return;
	leg_set_exchange(leg, LEG_EXCHANGE_WITHDRAWN);
	leg_cancel_invite(leg, NULL);
}

/* The dialog is reachable from the first response with a tag on. Until it is confirmed, another branch of a fork may take
 * its place (section 12.1.2: each To tag is a dialog of its own). An answer that lacks what it must have has made a dialog
 * over there all the same: ACK and BYE need its tag. */
static int leg_learn(struct leg *leg, const struct sip_message *response)
{
	struct sip_dialog *dialog = leg->dialog;
	const char *tag = sip_message_to_tag(response);
	leg->entry = sip_stack_remove_dialog(leg->entry);
	g_autofree char *before = NULL;
	if (tag && dialog->state == SIP_DIALOG_EARLY && g_strcmp0(tag, dialog->remote_tag))
		before = g_steal_pointer(&dialog->remote_tag);
	int error = sip_dialog_learn(dialog, response);
	if (!dialog->remote_tag)
		dialog->remote_tag = sip_message_status(response) >= 200 ? g_strdup(tag) : g_steal_pointer(&before);
	if (dialog->remote_tag)
		leg->entry = sip_stack_add_dialog(leg->manager->stack, leg->dialog, leg_identity(leg), &leg_dialog_handler, leg);
	return error;
}

static void leg_on_provisional(struct leg_invite *invite, struct sip_message *response)
{
	struct leg *leg = invite->leg;
	if ((leg->state != LEG_CALLING && leg->state != LEG_CANCELLING) || !invite->is_first ||
	    !leg_reliable_take(invite->rseqs, response))
		return;
	if (sip_message_to_tag(response))
		leg_learn(leg, response);
	leg_learn_methods(leg, response);
	leg_reliable_acknowledge(leg, response);
	if (leg->state != LEG_CALLING)
		return;
	bool has_answer = leg->pending_local && sip_message_has_sdp(response) && leg_take_answer(leg, response, false) == 0;
	if (leg->call)
		call_on_progress(leg->call, leg, sip_message_status(response), sip_message_reason(response), has_answer);
}

static void leg_send_ack(struct leg *leg, struct sip_message *ack)
{
	struct sip_flow *flow = leg_flow(leg);
	if (flow)
		sip_stack_send_ack(leg->manager->stack, ack, flow);
	sip_flow_unref(flow);
}

/* Makes the dialog of a fork's further 2xx. NULL when it lacks what a dialog needs. */
static struct sip_dialog *leg_dialog_of_fork(const struct leg *leg, const struct sip_message *response)
{
	struct sip_dialog *other = sip_dialog_copy(leg->dialog);
	other->state = SIP_DIALOG_EARLY;
	BASE_CLEAR(&other->remote_tag, g_free);
	return sip_dialog_learn(other, response) == 0 ? other : sip_dialog_free(other);
}

/* A 2xx of another branch of a fork than the one the call has taken: each repetition gets its ACK (section 13.2.2.4), the
 * dialog one BYE. */
static void leg_refuse_fork(struct leg_invite *invite, struct sip_message *response)
{
	struct leg *leg = invite->leg;
	const char *tag = sip_message_to_tag(response);
	if (!tag)
		return;
	if (!invite->forks)
		invite->forks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, leg_unref_message);
	struct sip_message *ack = g_hash_table_lookup(invite->forks, tag);
	if (ack) {
		leg_send_ack(leg, ack);
		return;
	}
	struct sip_dialog *other = leg_dialog_of_fork(leg, response);
	if (!other || g_hash_table_size(invite->forks) >= LEG_FORKS_MAX) {
		sip_dialog_free(other);
		return;
	}
	ack = sip_dialog_ack(other, sip_message_cseq(response));
	leg_prove_ack(leg, sip_client_transaction_request(invite->transaction), ack);
	g_hash_table_insert(invite->forks, g_strdup(tag), ack);
	leg_send_ack(leg, ack);
	struct sip_flow *flow = leg_flow(leg);
	if (flow) {
		struct sip_message *bye = sip_dialog_request(other, SIP_METHOD_BYE);
		leg_prove(leg, flow, bye);
		sip_client_transaction_start(leg->manager->stack, bye, flow, NULL, NULL);
		sip_message_unref(bye);
	}
	sip_flow_unref(flow);
	sip_dialog_free(other);
}

static void leg_on_first_success(struct leg_invite *invite, struct sip_message *response, int error)
{
	struct leg *leg = invite->leg;
	if (leg->state == LEG_CANCELLING) {
		leg_set_state(leg, LEG_ENDING);
		leg_send_bye(leg);
		return;
	}
	if (leg->state != LEG_CALLING)
		return;
	leg_set_state(leg, LEG_CONFIRMED);
	if (error == 0)
		error = leg_take_answer(leg, response, true);
	if (leg->call)
		call_on_answered(leg->call, leg, true, error);
}

static void leg_on_success(struct leg_invite *invite, struct sip_message *response)
{
	struct leg *leg = invite->leg;
	const char *tag = sip_message_to_tag(response);
	if (invite->ack) {
		if (!g_strcmp0(tag, leg->dialog->remote_tag)) {
			leg_send_ack(leg, invite->ack);
		} else {
			leg_refuse_fork(invite, response);
		}
		return;
	}
	if (leg->invite == invite)
		leg->invite = NULL;
	int error = 0;
	if (invite->is_first)
		error = leg_learn(leg, response);
	else
		sip_dialog_refresh_target(leg->dialog, response);
	if (error < 0)
		log_warning(&leg->log, "the answer has no usable To tag or Contact");
	leg_aim(leg);
	invite->ack = sip_dialog_ack(leg->dialog, sip_message_cseq(response));
	leg_prove_ack(leg, sip_client_transaction_request(invite->transaction), invite->ack);
	leg_note_proven(leg, invite->transaction, response);
	leg_send_ack(leg, invite->ack);
	leg_learn_methods(leg, response);
	if (leg->call)
		leg_timer_learn(leg, response);
	if (invite->is_first) {
		leg_on_first_success(invite, response, error);
	} else if (leg->state == LEG_CONFIRMED && leg->call) {
		if (leg->exchange == LEG_EXCHANGE_WITHDRAWN)
			leg->heard = 0;
		error = leg_take_answer(leg, response, true);
		call_on_answered(leg->call, leg, false, error);
	}
}

static bool leg_try_credentials(struct leg_invite *invite, struct sip_message *response)
{
	struct leg *leg = invite->leg;
	struct sip_digest_challenged challenged = {
		.request = sip_client_transaction_request(invite->transaction),
		.response = response,
		.round = invite->n_challenges,
	};
	return (leg->state == LEG_CALLING || leg->state == LEG_CONFIRMED) && leg_is_challenged(leg, response) &&
	       leg_start_invite(leg, &challenged) == 0;
}

static void leg_refuse(struct leg *leg, bool is_first, unsigned status, const char *phrase)
{
	if (is_first) {
		if (leg->state != LEG_CALLING && leg->state != LEG_CANCELLING)
			return;
		leg_set_state(leg, LEG_ENDED);
		/* The early dialog is gone (section 12.3). A 2xx that comes all the same is one nobody waits for. */
		leg->entry = sip_stack_remove_dialog(leg->entry);
		if (leg->call)
			call_on_refused(leg->call, leg, status, phrase);
		return;
	}
	if (leg->state != LEG_CONFIRMED || !leg->call)
		return;
	bool was_withdrawn = leg->exchange == LEG_EXCHANGE_WITHDRAWN;
	leg_drop_exchange(leg);
	/* Glare over an offer that nobody wants any more needs no second attempt. */
	call_on_refused(leg->call, leg, was_withdrawn && status == 491 ? 487 : status, phrase);
}

static void leg_on_failure(struct leg_invite *invite, struct sip_message *response)
{
	struct leg *leg = invite->leg;
	if (leg->invite == invite)
		leg->invite = NULL;
	bool may_ask_again = leg->call && (leg->state == LEG_CALLING || leg->state == LEG_CONFIRMED);
	if (may_ask_again && leg_timer_raise(leg, response) && leg_start_invite(leg, NULL) == 0)
		return;
	if (invite->is_first && leg->call && sip_message_status(response) / 100 == 3)
		call_on_redirected(leg->call, leg, response);
	if (leg_try_credentials(invite, response))
		return;
	if (invite->is_first && sip_message_status(response) == 503)
		leg_note_busy(leg, response);
	leg_note_cause(leg, response);
	leg_pass_challenge(leg, response);
	leg_refuse(leg, invite->is_first, sip_message_status(response), sip_message_reason(response));
}

static void leg_on_response(void *user, struct sip_client_transaction *transaction, struct sip_message *response)
{
	struct leg_invite *invite = user;
	unsigned status = sip_message_status(response);
	if (invite->leg->call && invite->leg->way.hop && status != 503)
		trunk_hop_answered(invite->leg->way.hop);
	if (status >= 200 && invite->is_first)
		leg_stop_waiting(invite->leg);
	if (status < 200)
		leg_on_provisional(invite, response);
	else if (status < 300)
		leg_on_success(invite, response);
	else
		leg_on_failure(invite, response);
}

static void leg_on_transaction_end(void *user, struct sip_client_transaction *transaction, enum sip_client_end end)
{
	struct leg_invite *invite = user;
	struct leg *leg = invite->leg;
	bool was_awaited = leg->invite == invite;
	bool is_first = invite->is_first;
	invite->transaction = NULL;
	leg_invite_free(invite);
	if (!was_awaited)
		return;
	if (is_first)
		leg_note_unserved(leg, end == SIP_CLIENT_TIMEOUT ? "no response to INVITE" : "no connection");
	/* A lost connection ends a re-INVITE, not the dialog: 408, 480 or 481 would end the other one too (RFC 5057). */
	unsigned unreachable = leg->kind == LEG_TRUNK ? 503 : 480;
	if (end == SIP_CLIENT_TIMEOUT)
		leg_refuse(leg, is_first, 408, "Request Timeout");
	else
		leg_refuse(leg, is_first, is_first ? unreachable : 500, NULL);
}

/* A browser that rings may be back in a moment, and rings on; how long that is waited for the leg says. A re-INVITE ends:
 * the other side is told to try again. */
static bool leg_invite_stays(void *user, struct sip_client_transaction *transaction)
{
	const struct leg_invite *invite = user;
	return invite->leg->kind == LEG_BROWSER && invite->is_first;
}

/* Nobody may be there to be called; but in a call it may be one that is about to come back. */
static bool leg_invite_gives_up(void *user, struct sip_client_transaction *transaction)
{
	const struct leg_invite *invite = user;
	return invite->is_first && invite->leg->kind == LEG_TRUNK;
}

static const struct sip_client_handler leg_invite_handler = {
	.gives_up = leg_invite_gives_up,
	.response = leg_on_response,
	.ended = leg_on_transaction_end,
	.stays = leg_invite_stays,
};
