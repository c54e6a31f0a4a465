/* Who is tried for a call, one after another: the stages of a plan. When the attempts of a stage have come to nothing, how they have
 * done so chooses the next. */
#include "call/call_private.h"
#include "sip/status.h"

METRICS_COUNTER(calls_gone_on, "tandem_calls_gone_on_total", "Calls that went on to another target after one had failed.");

#define REASON_NO_ANSWER "SIP;cause=480;text=\"no answer\""

/* "the trunk answered 403 Forbidden (caller id not allowed)"; a new string. */
static char *call_words_of_failure(const struct leg *leg, unsigned status, const char *phrase)
{
	const char *who = leg && leg->kind == LEG_TRUNK ? "the trunk" : "the called side";
	if (leg && leg->said_words)
		return g_strdup_printf("%s answered %s", who, leg->said_words);
	return g_strdup_printf("%s could not be reached: %u %s", who, status, phrase ? phrase : sip_status_text(status));
}

void call_note_failure(struct call *call, const struct leg *leg, enum route_cause cause, unsigned status, const char *phrase)
{
	g_autofree char *words = call_words_of_failure(leg, status, phrase);
	if (leg)
		log_info(&leg->log, "refused: %s", words);
	if (cause > ROUTE_CAUSE_UNREGISTERED && call->cause == ROUTE_CAUSE_UNREGISTERED)
		call->failure.status = 0; /* who is there says more than who is not */
	call->cause = MAX(call->cause, cause);
	if (!sip_status_is_better(status, call->failure.status))
		return;
	call->failure.status = status;
	call->failure.cause = leg ? leg->said_cause : (struct sip_cause){0};
	base_copy_text(call->failure.phrase, sizeof call->failure.phrase, phrase ? phrase : sip_status_text(status));
	base_copy_text(call->failure.words, sizeof call->failure.words, words);
}

void call_drop_plan(struct call *call)
{
	BASE_CLEAR(&call->plan, route_plan_free);
	call->failure.status = 0;
	call->n_hops = 0;
}

/* The caller's own limit is for all stages together. */
static void call_start_ringing(struct call *call, const struct route_stage *stage)
{
	int64_t limit_us = stage->ring_s ? (int64_t)stage->ring_s * G_USEC_PER_SEC : call->manager->no_answer_ms * 1000;
	int64_t patience_us = call->patience_us && !call_is_up(call) ? call->patience_us - base_monotonic_us() : INT64_MAX;
	call->no_answer_status = patience_us <= limit_us ? 487 : 480;
	loop_timer_start_us(&call->no_answer, MAX(MIN(limit_us, patience_us), 0));
}

/* Who comes is told on whose behalf, and why. */
static void call_divert(struct call *call, const struct route_stage *from)
{
	static const char *const reasons[] = {
		[ROUTE_CAUSE_UNREGISTERED] = "unavailable",
		[ROUTE_CAUSE_BUSY] = "user-busy",
		[ROUTE_CAUSE_NO_ANSWER] = "no-answer",
	};
	if (from->meant && !call_is_up(call))
		route_identity_divert(call->identity, from->meant, reasons[call->cause]);
}

/* The stage behind the one that has failed; -1: there is none. */
static int call_leave_stage(struct call *call)
{
	const struct route_stage *from = route_plan_stage(call->plan, call->stage);
	int index = route_plan_next(call->plan, call->stage, call->cause, call->failure.status);
	const struct route_stage *to = route_plan_stage(call->plan, index);
	if (!to || to->is_next_member)
		return index;
	if (++call->n_hops > ROUTE_HOPS_MAX) {
		log_warning(&call->log, "has gone on %d times, and goes no further", ROUTE_HOPS_MAX);
		return -1;
	}
	log_info(&call->log, "%s %s: %u %s; goes on to %s %s", route_target_name(from->to.target), from->to.name, call->failure.status,
		 call->failure.phrase, route_target_name(to->to.target), to->to.name);
	metrics_add(&calls_gone_on, 1);
	call_divert(call, from);
	return index;
}

/* Goes to the stage, or to the first behind it where somebody is. False: nobody is. */
static bool call_enter_stage(struct call *call, int index)
{
	for (; index >= 0; index = call_leave_stage(call)) {
		const struct route_stage *stage = route_plan_stage(call->plan, index);
		call->stage = index;
		if (!stage->is_next_member) {
			call->cause = ROUTE_CAUSE_UNREGISTERED;
			call->failure.status = 0; /* what comes of it says more than what came before */
		}
		if (call_dial_stage(call, stage)) {
			call_start_ringing(call, stage);
			return true;
		}
	}
	return false;
}

bool call_may_go_on(const struct call *call, unsigned status)
{
	return call->plan && route_plan_next(call->plan, call->stage, ROUTE_CAUSE_NO_ANSWER, status) >= 0;
}

bool call_go_on(struct call *call)
{
	return call->plan && call_enter_stage(call, call_leave_stage(call));
}

void call_stage_unanswered(struct call *call)
{
	if (call->no_answer_status == 487) {
		call_end(call, EVENT_SIDE_GATEWAY, 487, NULL, "no answer before the INVITE expired");
		return;
	}
	if (call->state != CALL_ANSWERED) { /* else it is the caller's media that does not come */
		call_drop_attempts(call, REASON_NO_ANSWER);
		call_drop_redirections(call);
		call_note_failure(call, NULL, ROUTE_CAUSE_NO_ANSWER, 480, "No Answer");
		if (call_go_on(call))
			return;
	}
	if (call_is_up(call))
		call_give_up_replacing(call, 480, "No Answer");
	else
		call_end(call, EVENT_SIDE_GATEWAY, 480, "No Answer", "no answer");
}

unsigned call_dial(struct call *call, const struct route_decision *decision)
{
	if (decision->target == ROUTE_DENIED || decision->target == ROUTE_REFUSED) {
		bool is_refused = decision->target == ROUTE_REFUSED;
		call_note_failure(call, NULL, ROUTE_CAUSE_UNREGISTERED, is_refused ? 403 : 404, is_refused ? "Number Not Allowed" : NULL);
		return call->failure.status;
	}
	call_drop_plan(call);
	call->plan = route_router_plan(call->manager->router, decision);
	return call_enter_stage(call, 0) ? 0 : call->failure.status;
}
