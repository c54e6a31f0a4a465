/* A call: two legs, or a leg and a built-in, from INVITE to end. */
#include "call/call_private.h"
#include "sip/uri.h"

METRICS_COUNTER(calls_started, "tandem_calls_started_total", "INVITEs that were taken as calls.");
METRICS_COUNTER(calls_answered, "tandem_calls_ended_total", "Calls that have ended, by whether they were answered.", "outcome",
		"answered");
METRICS_COUNTER(calls_unanswered, "tandem_calls_ended_total", "Calls that have ended, by whether they were answered.",
		"outcome", "unanswered");
METRICS_COUNTER(calls_media_failed, "tandem_calls_media_failed_total", "Calls that have ended because their media failed.");

static const char *call_state_name(enum call_state state)
{
	static const char *const names[] = {
		[CALL_TRYING] = "trying",
		[CALL_RINGING] = "ringing",
		[CALL_CONNECTED] = "connected",
	};
	return names[state];
}

/* A call only moves forward. */
static void call_set_state(struct call *call, enum call_state state)
{
	static const enum event_call_state events[] = {
		[CALL_TRYING] = EVENT_CALL_TRYING,
		[CALL_RINGING] = EVENT_CALL_RINGING,
		[CALL_CONNECTED] = EVENT_CALL_CONNECTED,
	};
	if (state <= call->state)
		return;
	log_debug(&call->log, "%s, now %s", call_state_name(call->state), call_state_name(state));
	call->state = state;
	call_publish(call, events[state]);
}

enum event_side call_side_of(const struct call *call, const struct leg *leg)
{
	return leg == call->caller ? EVENT_SIDE_CALLER : EVENT_SIDE_CALLED;
}

struct leg *call_peer_of(const struct call *call, const struct leg *leg)
{
	return leg == call->caller ? call->called : call->caller;
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
	call_end(data, EVENT_SIDE_GATEWAY, 480, "No Answer", "no answer");
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
	g_free(call->from_user);
	g_free(call->display_name);
	g_free(call);
	call_manager_forget(manager);
	return NULL;
}

static void call_take_names(struct call *call, const struct sip_message *request, const struct leg *caller)
{
	struct sip_uri uri;
	const char *display_name = sip_message_from_display_name(request);
	if (sip_uri_parse(sip_message_from_uri(request), &uri) == 0)
		call->from_user = g_strdup(uri.user);
	if (!call->from_user || !*call->from_user) {
		g_free(call->from_user);
		call->from_user = g_strdup("anonymous");
	}
	/* A display name is the far end's text: it may end no quotes and hold no control characters. */
	if (display_name && *display_name) {
		call->display_name = g_strdup(display_name);
		g_strdelimit(call->display_name, "\"\\\r\n\t", ' ');
	}
	call->caller_name = g_strdup(call->from_user);
	call->called_name = sip_uri_parse(sip_message_request_uri(request), &uri) == 0 ? g_strdup(uri.user) : g_strdup("");
}

/* A browser that has a call already may join the two (attended transfer), which costs least on one media worker. */
static void call_place_media(struct call *call)
{
	const struct leg *caller = call->caller;
	if (!caller->endpoint)
		return;
	for (GList *link = call->manager->legs.tail; link; link = link->prev) {
		const struct leg *leg = link->data;
		if (leg->endpoint == caller->endpoint && leg->call && leg->call != call && leg->call->media) {
			media_session_place_near(call->media, leg->call->media);
			return;
		}
	}
}

void call_start(struct call_manager *manager, struct sip_server_transaction *transaction, const struct route_party *sender,
		const struct route_decision *decision)
{
	struct sip_message *request = sip_server_transaction_request(transaction);
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
		 decision->target == ROUTE_BUILTIN ? route_builtin_name(decision->builtin) : decision->name);
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
	unsigned refused = call_dial(call, decision);
	if (refused) {
		call_end(call, EVENT_SIDE_GATEWAY, refused, NULL, sip_status_text(refused));
		return;
	}
	loop_timer_start_ms(&call->no_answer, manager->no_answer_ms);
	call_advance(call);
}

static void call_log_end(const struct call *call, enum event_side by, unsigned status, const char *cause, int64_t talked_us)
{
	if (call->state == CALL_CONNECTED)
		log_info(&call->log, "ended by %s after %.1f s: %s", event_side_name(by), (double)talked_us / 1e6, cause);
	else
		log_info(&call->log, "ended by %s before an answer: %s (%u)", event_side_name(by), cause, status);
}

/* Whose end nobody asked for is told why (RFC 3326). `cause` is our own text. */
static char *call_end_reason(enum event_side by, unsigned status, const char *cause)
{
	if (by != EVENT_SIDE_GATEWAY && strcmp(cause, CALL_CAUSE_LOST))
		return NULL;
	return g_strdup_printf("SIP;cause=%u;text=\"%s\"", status, cause);
}

void call_end(struct call *call, enum event_side by, unsigned status, const char *phrase, const char *cause)
{
	bool was_answered = call->state == CALL_CONNECTED;
	struct event_call_changed event = call_event(call, EVENT_CALL_ENDED);
	event.ended_by = by;
	event.status = was_answered ? 0 : status;
	event.cause = cause;
	event.talked_us = was_answered ? event.at_us - call->connected_us : 0;
	call_log_end(call, by, status, cause, event.talked_us);
	metrics_add(was_answered ? &calls_answered : &calls_unanswered, 1);
	event_publish_call_changed(call->manager->bus, &event);
	/* Each leg ends by itself: neither waits for the other. A pending re-INVITE ends with the dialog (section 15.1.2). */
	g_autofree char *reason = call_end_reason(by, was_answered ? 480 : status, cause);
	leg_release(call->caller, was_answered ? 487 : status, phrase, reason);
	call_drop_attempts(call, NULL, reason);
	call_free(call);
}

/* --- answering the caller --- */

static void call_join_media(struct call *call)
{
	media_session_bridge(call->media, call->caller->media, call->builtin ? call->builtin : call->called->media);
}

/* Early media: the called side's early answer becomes ours to the caller, once (the browser sees one answer a call). */
static void call_advance_progress(struct call *call)
{
	struct leg *caller = call->caller;
	if (!call->progress_is_due || !caller->transport || !caller->invite_server || !call->called)
		return;
	call->progress_is_due = false;
	if (caller->exchange == LEG_EXCHANGE_REMOTE_OFFER && leg_make_answer(caller, call->called) == 0)
		call_join_media(call);
	leg_respond_provisional(caller, call->progress_status, NULL, leg_has_answered_early(caller) ? caller->local : NULL);
}

/* What goes into the 2xx to the caller; NULL: it was all said, and acknowledged, before. -ENOTSUP: nothing common. */
static int call_final_description(struct call *call, const struct sdp_session **ret_description)
{
	struct leg *caller = call->caller;
	if (caller->exchange == LEG_EXCHANGE_OFFER_OWED) {
		int error = leg_make_offer(caller, call->called);
		*ret_description = caller->pending_local;
		return error;
	}
	if (leg_has_answered_early(caller)) {
		/* He has his one answer: if it is not the final one, it is the called side that hears more. */
		struct negotiate_leg a = leg_view(caller), b = leg_view(call->called);
		if (!negotiate_legs_match(&a, &b))
			call->called->heard = 0;
		caller->heard = call->called->said;
		*ret_description = caller->reliable.rseq ? NULL : caller->local;
		return 0;
	}
	int error = leg_make_answer(caller, call->called);
	*ret_description = caller->local;
	return error;
}

static void call_advance_answer(struct call *call)
{
	struct leg *caller = call->caller;
	if (!call->answer_is_due || !caller->transport || !leg_may_succeed(caller) || caller->offer_server)
		return;
	call->answer_is_due = false;
	const struct sdp_session *description = NULL;
	if (call_final_description(call, &description) < 0) {
		call_end(call, EVENT_SIDE_GATEWAY, 488, NULL, "the two sides have no codec in common");
		return;
	}
	loop_timer_stop(&call->no_answer);
	leg_respond_success(caller, description);
	call_join_media(call);
	call->connected_us = base_monotonic_us();
	call_set_state(call, CALL_CONNECTED);
	call_advance_reoffers(call);
}

void call_advance(struct call *call)
{
	if (!call_advance_attempts(call))
		return;
	if (call->state == CALL_CONNECTED) {
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
	if (call->answer_is_due || !caller->invite_server || call->state == CALL_CONNECTED)
		return;
	bool is_news = status != call->progress_status;
	call->progress_status = status;
	call_set_state(call, CALL_RINGING);
	if (has_answer && call->n_attempts == 1) {
		call->called = leg;
		if (is_news || !leg_has_answered_early(caller))
			call->progress_is_due = true;
		call_advance(call);
	} else if (is_news) {
		leg_respond_provisional(caller, status, phrase, leg_has_answered_early(caller) ? caller->local : NULL);
	}
}

void call_on_answered(struct call *call, struct leg *leg, bool is_first, int answer_error)
{
	if (!is_first) {
		call_reoffer_answered(call, leg, answer_error);
		return;
	}
	if (answer_error < 0) {
		call_end(call, EVENT_SIDE_GATEWAY, 488, NULL, "the called side's answer fits no offer");
		return;
	}
	call->called = leg;
	call_drop_attempts(call, leg, "SIP;cause=200;text=\"Call completed elsewhere\"");
	call->answer_is_due = true;
	call_advance(call);
}

void call_on_refused(struct call *call, struct leg *leg, unsigned status, const char *phrase)
{
	if (leg->state == LEG_CONFIRMED)
		call_reoffer_refused(call, leg, status, phrase);
	else
		call_attempt_failed(call, leg, status, phrase);
}

void call_on_cancelled(struct call *call, struct leg *leg)
{
	if (call->state == CALL_CONNECTED)
		call_reoffer_cancelled(call, leg);
	else
		call_end(call, EVENT_SIDE_CALLER, 487, NULL, "cancelled");
}

void call_on_ended(struct call *call, struct leg *leg, const char *cause)
{
	bool is_one_of_many = leg != call->caller && call->state != CALL_CONNECTED && !call->answer_is_due;
	if (is_one_of_many)
		call_attempt_failed(call, leg, 480, NULL);
	else
		call_end(call, call_side_of(call, leg), leg == call->caller ? 487 : 480, NULL, cause);
}

/* --- what media tells --- */

static struct leg *call_leg_of_media(struct call *call, const struct media_leg *media)
{
	if (call->caller->media == media)
		return call->caller;
	for (size_t i = 0; i < call->n_attempts; i++)
		if (call->attempts[i]->media == media)
			return call->attempts[i];
	return NULL;
}

static void call_media_ready(void *user, struct media_leg *media, const struct sdp_transport *local)
{
	struct call *call = user;
	struct leg *leg = call_leg_of_media(call, media);
	if (leg) {
		g_free(leg->transport);
		leg->transport = g_memdup2(local, sizeof *local);
		call_on_media_ready(call, leg);
	} else if (media == call->builtin) {
		call->answer_is_due = call->state != CALL_CONNECTED;
		call_advance(call);
	}
}

static void call_media_connected(void *user, struct media_leg *media)
{
	struct leg *leg = call_leg_of_media(user, media);
	if (leg)
		log_debug(&leg->log, "media can flow");
}

static void call_media_failed(void *user, struct media_leg *media, enum media_failure failure)
{
	struct call *call = user;
	struct leg *leg = call_leg_of_media(call, media);
	const char *cause = media_failure_text(failure);
	struct event_media_failed event = {.call = call->id, .leg = leg ? leg->name : "built-in", .cause = cause};
	event_publish_media_failed(call->manager->bus, &event);
	log_warning(leg ? &leg->log : &call->log, "media failed: %s", cause);
	metrics_add(&calls_media_failed, 1);
	if (leg && leg != call->caller && call->state != CALL_CONNECTED && !call->answer_is_due)
		call_attempt_failed(call, leg, 503, NULL);
	else
		call_end(call, EVENT_SIDE_GATEWAY, 503, NULL, cause);
}

static void call_media_report(void *user, struct media_leg *media, const struct media_report *report)
{
	struct leg *leg = call_leg_of_media(user, media);
	if (leg)
		log_debug(&leg->log, "received %" G_GUINT64_FORMAT ", sent %" G_GUINT64_FORMAT ", lost %" G_GUINT64_FORMAT,
			  report->packets_received, report->packets_sent, report->packets_lost);
}

const struct media_handler call_media_handler = {
	.leg_ready = call_media_ready,
	.leg_connected = call_media_connected,
	.leg_failed = call_media_failed,
	.leg_report = call_media_report,
};
