/* What media tells a call. */
#include "call/call_private.h"

METRICS_COUNTER(calls_media_failed, "tandem_calls_media_failed_total", "Calls that have ended because their media failed.");

static struct leg *call_leg_of_media(struct call *call, const struct media_leg *media)
{
	if (call->caller->media == media)
		return call->caller;
	if (call->called && call->called->media == media)
		return call->called;
	for (size_t i = 0; i < call->n_attempts; i++)
		if (call->attempts[i]->media == media)
			return call->attempts[i];
	return NULL;
}

static void call_media_ready(void *user, struct media_leg *media, const struct sdp_transport *local,
			     size_t n_transports)
{
	struct call *call = user;
	struct leg *leg = call_leg_of_media(call, media);
	if (leg) {
		leg_set_transports(leg, local, n_transports);
		call_on_media_ready(call, leg);
	} else if (media == call->builtin) {
		call_take_answer(call, NULL);
	}
}

static void call_media_gathered_more(void *user, struct media_leg *media, const struct sdp_transport *local)
{
	struct leg *leg = call_leg_of_media(user, media);
	if (leg)
		leg_gathered_more(leg, local);
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
	if (leg && call_is_attempt(call, leg))
		call_attempt_failed(call, leg, 503, NULL);
	else if (call->state == CALL_REPLACING && leg == call->leaving)
		call_leave(call);
	else if (call->state == CALL_REPLACING && media == call->builtin && call_stayer(call))
		call_give_up_replacing(call, 503, NULL);
	else
		call_end(call, EVENT_SIDE_GATEWAY, 503, NULL, cause);
}

static void call_media_finished(void *user, struct media_leg *media)
{
	struct call *call = user;
	if (media == call->builtin && call_is_up(call))
		call_end(call, EVENT_SIDE_CALLED, 480, NULL, "the announcement is over");
}

/* Whether what `peer` sends is to be made up for: a browser that holds sends silence, and one who neither sends nor receives
 * nothing. A trunk that holds and sends has music of its own. */
static bool call_is_held_by(const struct leg *peer)
{
	if (!peer || !peer->remote)
		return false;
	leg_wake(peer);
	if (!negotiate_is_hold(peer->remote))
		return false;
	return peer->kind == LEG_BROWSER || negotiate_is_silent(peer->remote);
}

static void call_play(struct leg *leg, const struct leg *peer)
{
	enum media_play play = call_is_held_by(peer) ? MEDIA_PLAY_HOLD : MEDIA_PLAY_NOTHING;
	if (!leg || !leg->media || leg->play == play)
		return;
	leg->play = play;
	media_leg_play(leg->media, play);
}

void call_advance_hold(struct call *call)
{
	if (!media_engine_plays_on_hold(call->manager->media))
		return;
	call_play(call->caller, call->called);
	call_play(call->called, call->caller);
}

static void call_media_trouble(void *user, struct media_leg *media, enum media_trouble trouble, const char *text)
{
	struct call *call = user;
	struct leg *leg = call_leg_of_media(call, media);
	if (!leg)
		return;
	g_free(leg->trouble);
	leg->trouble = trouble == MEDIA_TROUBLE_NONE ? NULL : g_strdup(text);
	struct event_media_trouble event = {
		.call = call->id,
		.leg = leg->name,
		.cause = media_trouble_name(trouble),
		.text = text,
	};
	event_publish_media_trouble(call->manager->bus, &event);
}

static void call_media_key_frame_wanted(void *user, struct media_leg *media)
{
	struct leg *leg = call_leg_of_media(user, media);
	if (leg)
		leg_ask_key_frame(leg);
}

static void call_media_digit(void *user, struct media_leg *media, char digit, uint32_t duration_ms)
{
	struct leg *leg = call_leg_of_media(user, media);
	if (leg)
		leg_send_digit(leg, digit, duration_ms);
}

static void call_media_report(void *user, struct media_leg *media, const struct media_report *report)
{
	struct call *call = user;
	call_surveys_note(call->manager, media, report);
}

const struct media_handler call_media_handler = {
	.leg_ready = call_media_ready,
	.leg_gathered_more = call_media_gathered_more,
	.leg_connected = call_media_connected,
	.leg_failed = call_media_failed,
	.leg_finished = call_media_finished,
	.leg_trouble = call_media_trouble,
	.leg_key_frame_wanted = call_media_key_frame_wanted,
	.leg_digit = call_media_digit,
	.leg_report = call_media_report,
};
