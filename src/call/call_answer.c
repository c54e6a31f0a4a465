/* What the caller hears of the called side: early media, and the answer. */
#include "call/call_private.h"

void call_join_media(struct call *call)
{
	media_session_bridge(call->media, call->caller->media, call->builtin ? call->builtin : call->called->media);
}

/* Early media: the called side's early answer becomes ours to the caller, once (the browser sees one answer a call). */
void call_advance_progress(struct call *call)
{
	struct leg *caller = call->caller;
	if (call->state != CALL_RINGING || !call->called || call->told_status == call->progress_status ||
	    !caller->invite_server || !leg_has_transports(caller, call->called))
		return;
	call->told_status = call->progress_status;
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
		*ret_description = caller->reliable.rseq ? NULL : caller->local;
		if (!call->called)
			return 0; /* a built-in after somebody who did not answer: what it wants otherwise is asked for when it is up */
		struct negotiate_leg a = leg_view(caller), b = leg_view(call->called);
		if (!negotiate_legs_match(&a, &b))
			call->called->heard = 0;
		caller->heard = call->called->said;
		return 0;
	}
	int error = leg_make_answer(caller, call->called);
	*ret_description = caller->local;
	return error;
}

void call_advance_answer(struct call *call)
{
	struct leg *caller = call->caller;
	if (call->state != CALL_ANSWERED || !leg_may_succeed(caller) || caller->offer_server ||
	    !leg_has_transports(caller, call->called))
		return;
	const struct sdp_session *description = NULL;
	if (call_final_description(call, &description) < 0) {
		call_end(call, EVENT_SIDE_GATEWAY, 488, NULL, "the two sides have no codec in common");
		return;
	}
	loop_timer_stop(&call->no_answer);
	call_drop_plan(call);
	leg_respond_success(caller, description);
	call_join_media(call);
	call->connected_us = base_monotonic_us();
	call_set_state(call, CALL_CONNECTED);
	call_advance_recordings(call);
	call_publish(call, EVENT_CALL_CONNECTED);
	call_advance_reoffers(call);
}

void call_take_answer(struct call *call, struct leg *leg)
{
	if (leg)
		call_take_attempt(call, leg);
	call_drop_attempts(call, "SIP;cause=200;text=\"Call completed elsewhere\"");
	call_drop_redirections(call);
	if (call_is_up(call)) {
		call_replace(call, leg);
		return;
	}
	call->called = leg;
	call_set_state(call, CALL_ANSWERED);
	call_advance(call);
}
