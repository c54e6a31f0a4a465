/* A call: two legs, or a leg and a built-in, from INVITE to end. */
#include "call/call_private.h"
#include "sip/uri.h"

METRICS_COUNTER(calls_started, "tandem_calls_started_total", "INVITEs that were taken as calls.");
METRICS_COUNTER(calls_answered, "tandem_calls_ended_total", "Calls that have ended, by whether they were answered.", "outcome",
		"answered");
METRICS_COUNTER(calls_unanswered, "tandem_calls_ended_total", "Calls that have ended, by whether they were answered.",
		"outcome", "unanswered");

#define BIT(state) (1u << (state))

/* What each state may be followed by. */
static const struct {
	const char *name;
	unsigned followers;
} call_states[] = {
	[CALL_TRYING] = {"trying", BIT(CALL_RINGING) | BIT(CALL_ANSWERED)},
	[CALL_RINGING] = {"ringing", BIT(CALL_ANSWERED)},
	[CALL_ANSWERED] = {"answered", BIT(CALL_CONNECTED)},
	[CALL_CONNECTED] = {"connected", BIT(CALL_REPLACING)},
	[CALL_REPLACING] = {"replacing", BIT(CALL_CONNECTED)},
};

const char *call_state_name(enum call_state state)
{
	return call_states[state].name;
}

void call_set_state(struct call *call, enum call_state state)
{
	if (state == call->state)
		return;
	if (!(call_states[call->state].followers & BIT(state))) {
		log_error(&call->log, "a call that is %s cannot become %s", call_states[call->state].name,
			  call_states[state].name);
		g_return_if_reached();
	}
	log_debug(&call->log, "%s, now %s", call_states[call->state].name, call_states[state].name);
	call->state = state;
}

bool call_is_up(const struct call *call)
{
	return call->state >= CALL_CONNECTED;
}

enum event_side call_side_of(const struct call *call, const struct leg *leg)
{
	return leg == call->caller ? EVENT_SIDE_CALLER : EVENT_SIDE_CALLED;
}

struct leg *call_stayer(const struct call *call)
{
	return call->leaving == call->caller ? call->called : call->caller;
}

struct leg *call_peer_of(const struct call *call, const struct leg *leg)
{
	if (leg == call->caller)
		return call->called;
	return leg == call->called ? call->caller : call_stayer(call);
}

bool call_is_attempt(const struct call *call, const struct leg *leg)
{
	for (size_t i = 0; i < call->n_attempts; i++)
		if (call->attempts[i] == leg)
			return true;
	return false;
}

static struct event_call_changed call_event(const struct call *call, enum event_call_state state)
{
	return (struct event_call_changed){
		.call = call->id,
		.state = state,
		.at_us = base_monotonic_us(),
		.caller = call->caller_name,
		.called = call->called_name,
		.caller_leg = call->caller->name,
		.called_leg = call->called ? call->called->name : NULL,
	};
}

void call_publish(struct call *call, enum event_call_state state)
{
	struct event_call_changed event = call_event(call, state);
	event_publish_call_changed(call->manager->bus, &event);
}

static void call_no_answer(void *data)
{
	struct call *call = data;
	if (call->plan)
		call_stage_unanswered(call);
	else
		call_give_up_replacing(call, 480, "No Answer");
}

static struct call *call_new(struct call_manager *manager)
{
	struct call *call = g_new0(struct call, 1);
	call->manager = manager;
	call->link.data = call;
	call->state = CALL_TRYING;
	snprintf(call->id, sizeof call->id, "%08" G_GINT64_MODIFIER "x", manager->next_call_number++);
	call->log.call = call->id;
	loop_timer_init(&call->no_answer, sip_stack_loop(manager->stack), call_no_answer, call);
	g_queue_push_tail_link(&manager->calls, &call->link);
	metrics_add(&calls_started, 1);
	return call;
}

struct call *call_free(struct call *call)
{
	if (!call)
		return NULL;
	struct call_manager *manager = call->manager;
	loop_timer_stop(&call->no_answer);
	media_session_free(call->media);
	g_queue_unlink(&manager->calls, &call->link);
	g_free(call->caller_name);
	g_free(call->called_name);
	route_identity_free(call->identity);
	g_free(call->target_name);
	g_free(call->referred_by);
	g_free(call->replaces);
	call_drop_redirections(call);
	call_drop_plan(call);
	call_drop_recordings(call);
	g_free(call);
	call_manager_forget(manager);
	return NULL;
}

static void call_take_names(struct call *call, const struct sip_message *request, const struct leg *caller)
{
	struct route_party party = {.endpoint = caller->endpoint, .trunk = caller->trunk};
	struct sip_uri uri;
	call->identity = route_party_identify(&party, call->manager->registrar, request);
	call->caller_name = g_strdup(route_identity_user(call->identity));
	call->called_name = sip_uri_parse(sip_message_request_uri(request), &uri) == 0 ? g_strdup(uri.user) : g_strdup("");
}

/* A browser that has a call already may join the two (attended transfer), which costs least on one media worker. */
static void call_place_media(struct call *call)
{
	const struct leg *other = leg_at_same_device(call->caller);
	if (other)
		media_session_place_near(call->media, other->call->media);
}

/* The caller may want to wait less than we let him (section 13.3.1). */
static void call_take_patience(struct call *call, const struct sip_message *request)
{
	uint32_t expires_s;
	if (sip_message_expires(request, &expires_s))
		call->patience_us = base_monotonic_us() + (int64_t)expires_s * G_USEC_PER_SEC;
}

void call_start(struct call_manager *manager, struct sip_server_transaction *transaction, const struct route_party *sender,
		const struct route_decision *decision)
{
	struct sip_message *request = sip_server_transaction_request(transaction);
	if (sip_message_header(request, "Replaces", 0)) {
		call_start_replacing(manager, transaction, sender);
		return;
	}
	struct call *call = call_new(manager);
	struct leg *caller =
		sender->endpoint ? leg_new_browser(call, sender->endpoint) : leg_new_trunk(call, sender->trunk);
	call->caller = caller;
	call_take_names(call, request, caller);
	if (leg_accept_invite(caller, transaction) < 0) {
		sip_server_transaction_reply(transaction, 400, "Contact Missing", NULL);
		call_end(call, EVENT_SIDE_GATEWAY, 400, NULL, "the INVITE has no usable Contact");
		return;
	}
	log_info(&call->log, "%s calls %s: %s %s", caller->name, call->called_name, route_target_name(decision->target),
		 decision->name);
	call->media = media_session_new(manager->media, call->id, &call_media_handler, call);
	call_place_media(call);
	call_publish(call, EVENT_CALL_TRYING);
	bool has_offer = sip_message_has_sdp(request);
	int error = has_offer ? leg_take_offer(caller, request) : 0;
	if (error < 0) {
		bool is_readable = error == -ENOTSUP;
		call_end(call, EVENT_SIDE_GATEWAY, is_readable ? 488 : 400, is_readable ? NULL : "Malformed SDP",
			 is_readable ? "the offer has no stream that can be carried" : "the offer cannot be read");
		return;
	}
	if (!has_offer)
		leg_set_exchange(caller, LEG_EXCHANGE_OFFER_OWED);
	if (leg_timer_is_short(caller, request)) {
		call_end(call, EVENT_SIDE_GATEWAY, 422, NULL, "the session timer asked for is too short");
		return;
	}
	leg_prepare_media(caller, !has_offer);
	call_take_patience(call, request);
	unsigned refused = call_dial(call, decision);
	if (refused) {
		g_autofree char *phrase = g_strdup(call->failure.phrase);
		call_end(call, EVENT_SIDE_GATEWAY, refused, phrase, phrase);
		return;
	}
	call_advance(call);
}

static void call_log_end(const struct call *call, enum event_side by, unsigned status, const char *cause, int64_t talked_us)
{
	if (call_is_up(call))
		log_info(&call->log, "ended by %s after %.1f s: %s", event_side_name(by), (double)talked_us / 1e6, cause);
	else
		log_info(&call->log, "ended by %s before an answer: %s (%u)", event_side_name(by), cause, status);
}

/* Why, for the others (RFC 3326): what the side that ends it has said; of an end nobody asked for our own text, `cause`. */
static char *call_end_reason(const struct call *call, enum event_side by, unsigned status, const char *cause)
{
	const struct leg *leg = by == EVENT_SIDE_CALLER ? call->caller : call->called;
	if (by != EVENT_SIDE_GATEWAY && strcmp(cause, CALL_CAUSE_LOST))
		return by == EVENT_SIDE_CALLED && !call_is_up(call) ? sip_cause_write(&call->failure.cause)
		       : leg					    ? sip_cause_write(&leg->said_cause)
								    : NULL;
	return g_strdup_printf("SIP;cause=%u;text=\"%s\"", status, cause);
}

void call_end(struct call *call, enum event_side by, unsigned status, const char *phrase, const char *cause)
{
	bool was_answered = call_is_up(call);
	struct event_call_changed event = call_event(call, EVENT_CALL_ENDED);
	event.ended_by = by;
	event.status = was_answered ? 0 : status;
	event.cause = cause;
	event.talked_us = was_answered ? event.at_us - call->connected_us : 0;
	call_log_end(call, by, status, cause, event.talked_us);
	metrics_add(was_answered ? &calls_answered : &calls_unanswered, 1);
	if (call->leaving && leg_referral_is_open(call->leaving))
		leg_referral_report(call->leaving, 487, NULL);
	/* Each leg ends by itself: none waits for another. A pending re-INVITE ends with its dialog (section 15.1.2). */
	g_autofree char *reason = call_end_reason(call, by, was_answered ? 480 : status, cause);
	call_drop_attempts(call, reason);
	call_record(call, &event);
	struct leg *legs[] = {call->caller, call->called, call->leaving};
	for (size_t i = 0; i < G_N_ELEMENTS(legs); i++)
		if (legs[i] && legs[i]->call)
			leg_release(legs[i], was_answered ? 487 : status, phrase, reason);
	call_free(call);
}

void call_advance(struct call *call)
{
	if (!call_advance_attempts(call))
		return;
	if (call_is_up(call)) {
		call_advance_reoffers(call);
		return;
	}
	leg_reliable_advance(call->caller);
	call_advance_early_offers(call);
	call_advance_progress(call);
	call_advance_answer(call);
}

/* --- what the legs tell --- */

void call_on_media_ready(struct call *call, struct leg *leg)
{
	call_advance(call);
}

void call_on_progress(struct call *call, struct leg *leg, unsigned status, const char *phrase, bool has_answer)
{
	struct leg *caller = call->caller;
	if (call_is_up(call)) {
		if (call->leaving && call_is_attempt(call, leg))
			leg_referral_report(call->leaving, status, phrase);
		return;
	}
	if (call->state == CALL_ANSWERED || !caller->invite_server)
		return;
	if (call->state == CALL_TRYING) {
		call_set_state(call, CALL_RINGING);
		call_publish(call, EVENT_CALL_RINGING);
	}
	call->progress_status = status;
	if (has_answer && call->n_attempts == 1) {
		call->called = leg;
		if (!leg_has_answered_early(caller))
			call->told_status = 0; /* there is more to tell than the status */
		call_advance(call);
	} else if (status != call->told_status) {
		call->told_status = status;
		leg_respond_provisional(caller, status, phrase, leg_has_answered_early(caller) ? caller->local : NULL);
	}
}

void call_on_answered(struct call *call, struct leg *leg, bool is_first, int answer_error)
{
	if (!is_first)
		call_reoffer_answered(call, leg, answer_error);
	else if (answer_error == 0)
		call_take_answer(call, leg);
	else if (call_is_up(call))
		call_attempt_failed(call, leg, 488, NULL);
	else
		call_end(call, EVENT_SIDE_GATEWAY, 488, NULL, "the called side's answer fits no offer");
}

void call_on_refused(struct call *call, struct leg *leg, unsigned status, const char *phrase)
{
	if (leg->state == LEG_CONFIRMED)
		call_reoffer_refused(call, leg, status, phrase);
	else
		call_attempt_failed(call, leg, status, phrase);
}

static void call_end_cancelled(struct call *call, const char *words)
{
	g_autofree char *cause = g_strdup_printf("cancelled%s%s%s", *words ? " (" : "", words, *words ? ")" : "");
	call_end(call, EVENT_SIDE_CALLER, 487, NULL, cause);
}

void call_on_cancelled(struct call *call, struct leg *leg)
{
	if (call_is_attempt(call, leg))
		call_attempt_failed(call, leg, 487, NULL);
	else if (call_is_up(call))
		call_reoffer_cancelled(call, leg);
	else
		call_end_cancelled(call, leg->said_cause.text);
}

void call_on_ended(struct call *call, struct leg *leg, const char *cause)
{
	if (call_is_attempt(call, leg))
		call_attempt_failed(call, leg, 480, NULL);
	else if (call->state == CALL_REPLACING && leg == call->leaving)
		call_leave(call);
	else
		call_end(call, call_side_of(call, leg), leg == call->caller ? 487 : 480, NULL, cause);
}
