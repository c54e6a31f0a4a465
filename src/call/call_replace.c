/* Another leg takes the place of one: the target of a transfer, or an INVITE with Replaces (RFC 3891), which is also how a
 * call is picked up. Until it is there nothing changes for the two who talk; if it does not come, nothing has. */
#include "call/call_private.h"

struct leg *call_find_leg(struct call_manager *manager, const struct sip_replaces *replaces, const char *identity)
{
	const char *to = replaces->to_tag, *from = replaces->from_tag;
	struct leg *leg = sip_stack_find_dialog(manager->stack, replaces->call_id, to, from, &leg_dialog_handler);
	if (!leg) /* some user agents name a dialog that they did not begin with its tags the other way round */
		leg = sip_stack_find_dialog(manager->stack, replaces->call_id, from, to, &leg_dialog_handler);
	if (leg && g_strcmp0(leg_identity(leg), identity)) {
		log_warning(&leg->log, "%s may not name this dialog", identity);
		return NULL;
	}
	return leg;
}

unsigned call_refuse_replacing(const struct leg *leg, const struct sip_replaces *replaces)
{
	if (!leg || leg->state == LEG_INCOMING) /* an early dialog that we did not begin */
		return 481;
	if (!leg->call || leg_is_over(leg))
		return 603;
	if (call_is_attempt(leg->call, leg))
		return leg->state == LEG_CALLING ? 0 : 491;
	if (replaces->is_early_only)
		return 486;
	return leg->call->state == CALL_CONNECTED ? 0 : 491;
}

void call_begin_replacing(struct call *call, struct leg *leaving, const char *target_name)
{
	call_set_state(call, CALL_REPLACING);
	call->leaving = leaving;
	g_free(call->target_name);
	call->target_name = g_strdup(target_name);
	loop_timer_start_ms(&call->no_answer, call->manager->no_answer_ms);
}

static void call_end_replacing(struct call *call)
{
	loop_timer_stop(&call->no_answer);
	call->leaving = NULL;
	call_drop_plan(call);
	BASE_CLEAR(&call->referred_by, g_free);
	BASE_CLEAR(&call->replaces, g_free);
	call_set_state(call, CALL_CONNECTED);
}

static void call_swap_names(struct call *call)
{
	char *name = call->caller_name;
	call->caller_name = call->called_name;
	call->called_name = name;
	route_identity_free(call->identity);
	call->identity = route_identity_new(call->caller_name);
}

/* Who stays is the caller from now on; `leaving` is in no place. */
static void call_vacate(struct call *call)
{
	if (call->leaving == call->caller) {
		call->caller = call->called;
		call_swap_names(call);
	}
	call->called = NULL;
}

static void call_put_called(struct call *call, struct leg *leg)
{
	call->called = leg;
	g_free(call->called_name);
	call->called_name = g_strdup(call->target_name);
}

static void call_put_caller(struct call *call, struct leg *leg)
{
	call->caller = leg;
	g_free(call->caller_name);
	call->caller_name = g_strdup(call->target_name);
}

void call_forget_relays(struct leg *leg)
{
	if (leg && leg->relay == LEG_RELAY_SENT)
		leg->relay = LEG_RELAY_NONE;
}

void call_replace(struct call *call, struct leg *leg)
{
	struct leg *leaving = call->leaving, *stayer = call_stayer(call);
	log_info(&call->log, "%s talks to %s now, in the place of %s", stayer ? stayer->name : "the built-in",
		 leg ? leg->name : "a built-in", leaving ? leaving->name : "one who has left");
	call_forget_relays(stayer);
	call_forget_relays(leg);
	if (stayer) {
		call_vacate(call);
		call_put_called(call, leg);
	} else {
		call_put_caller(call, leg);
	}
	call_end_replacing(call);
	call_join_media(call);
	if (leaving) {
		leg_referral_report(leaving, 200, NULL);
		call_let_go(leaving, NULL);
	}
	call_advance_recordings(call);
	call_publish(call, EVENT_CALL_TRANSFERRED);
	call_advance(call);
}

bool call_give_up_replacing(struct call *call, unsigned status, const char *phrase)
{
	struct leg *leaving = call->leaving;
	bool is_alone = !call_peer_of(call, call_stayer(call)) && leaving != call->caller;
	log_info(&call->log, "%s does not come: %u %s", call->target_name, status, phrase ? phrase : sip_status_text(status));
	call_drop_attempts(call, NULL);
	call_drop_redirections(call);
	if (call_stayer(call))
		BASE_CLEAR(&call->builtin, media_leg_free);
	call_end_replacing(call);
	if (leaving)
		leg_referral_report(leaving, status, phrase);
	if (is_alone) {
		if (leaving)
			leg_release(leaving, 0, NULL, NULL);
		call_end(call, EVENT_SIDE_GATEWAY, 0, NULL, "who was to be transferred to did not come, and who transferred has left");
		return false;
	}
	call_advance(call);
	return true;
}

void call_leave(struct call *call)
{
	struct leg *leaving = call->leaving;
	if (!call_stayer(call)) {
		call_end(call, call_side_of(call, leaving), 0, NULL, "hung up");
		return;
	}
	log_info(&leaving->log, "has left before %s has come", call->target_name);
	call_vacate(call);
	call_leave_recordings(call, leaving);
	leaving->media = media_leg_free(leaving->media);
	if (leaving->state == LEG_ENDED && leg_referral_is_open(leaving))
		return; /* still to be told */
	call->leaving = NULL;
	leg_release(leaving, 0, NULL, NULL);
}

void call_hand_over(struct leg *leg, struct call *to)
{
	struct call *from = leg->call;
	if (leg == from->caller)
		from->caller = from->called;
	from->called = NULL;
	leg->call = to;
	base_copy_text(leg->call_id, sizeof leg->call_id, to->id);
	call_hand_over_recordings(from, leg, to);
	media_leg_move(leg->media, to->media);
}

/* --- INVITE with Replaces --- */

/* Makes the leg of the INVITE. 0, or the status to refuse it with. */
static unsigned call_add_newcomer(struct call *call, struct sip_server_transaction *transaction,
				  const struct route_party *sender, struct leg **ret_leg)
{
	struct sip_message *invite = sip_server_transaction_request(transaction);
	struct leg *leg = sender->endpoint ? leg_new_browser(call, sender->endpoint) : leg_new_trunk(call, sender->trunk);
	bool has_offer = sip_message_has_sdp(invite);
	if (leg_accept_invite(leg, transaction) < 0) {
		leg_release(leg, 0, NULL, NULL);
		return 400;
	}
	int error = has_offer ? leg_take_offer(leg, invite) : 0;
	unsigned status = error == -ENOTSUP ? 488 : error < 0 ? 400 : leg_timer_is_short(leg, invite) ? 422 : 0;
	if (status) {
		leg_release(leg, status, NULL, NULL);
		return 0;
	}
	if (!has_offer)
		leg_set_exchange(leg, LEG_EXCHANGE_OFFER_OWED);
	call->attempts[call->n_attempts++] = leg;
	leg_prepare_media(leg, !has_offer);
	*ret_leg = leg;
	return 0;
}

static char *call_name_of_sender(const struct sip_message *invite)
{
	struct sip_uri uri;
	return g_strdup(sip_uri_parse(sip_message_from_uri(invite), &uri) == 0 ? uri.user : "");
}

void call_start_replacing(struct call_manager *manager, struct sip_server_transaction *transaction,
			  const struct route_party *sender)
{
	struct sip_message *invite = sip_server_transaction_request(transaction);
	struct sip_replaces replaces;
	if (sip_replaces_parse(sip_message_header(invite, "Replaces", 0), &replaces) < 0) {
		sip_server_transaction_reply(transaction, 400, "Malformed Replaces", NULL);
		return;
	}
	struct leg *named = call_find_leg(manager, &replaces, route_party_identity(sender)), *newcomer = NULL;
	unsigned refused = call_refuse_replacing(named, &replaces);
	if (!refused && named->call->n_attempts >= G_N_ELEMENTS(named->call->attempts))
		refused = 503;
	if (!refused)
		refused = call_add_newcomer(named->call, transaction, sender, &newcomer);
	if (refused)
		sip_server_transaction_reply(transaction, refused, NULL, NULL);
	if (!newcomer)
		return;
	struct call *call = named->call;
	g_autofree char *name = call_name_of_sender(invite);
	log_info(&newcomer->log, "takes the place of %s", named->name);
	if (!call_is_attempt(call, named))
		call_begin_replacing(call, named, name);
}

/* A caller who has no answer yet, and whose call is picked up: what we can take of his offer is what the newcomer is asked
 * for; what that leaves is told to him afterwards. False: it cannot be said yet. */
static bool call_answer_for_pickup(struct leg *caller)
{
	if (caller->exchange != LEG_EXCHANGE_REMOTE_OFFER)
		return true;
	if (!leg_has_transports(caller, NULL))
		return false;
	if (leg_make_answer(caller, NULL) == 0)
		leg_respond_provisional(caller, 183, NULL, caller->local);
	return true;
}

bool call_admit(struct call *call, struct leg *leg)
{
	struct leg *peer = call_stayer(call);
	if (!call_is_up(call) && !call_answer_for_pickup(peer))
		return true;
	const struct leg *other = peer && peer->local && peer->remote ? peer : NULL;
	bool is_late = leg->exchange == LEG_EXCHANGE_OFFER_OWED;
	int error = is_late ? leg_make_offer(leg, other) : leg_make_answer(leg, other);
	if (error < 0) {
		leg_respond_failure(leg, 488, NULL);
		return call_attempt_failed(call, leg, 488, NULL);
	}
	leg_respond_success(leg, is_late ? leg->pending_local : leg->local);
	call_take_answer(call, leg);
	return false;
}
