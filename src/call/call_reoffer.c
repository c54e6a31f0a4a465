/* Offers in a call that is up: hold, resume, new codecs, ICE restarts. The other leg hears only of what concerns it. */
#include "call/call_private.h"

/* Section 14.1: who owns the Call-ID waits longer, so that glare resolves. Steps of 10 ms. */
static void call_retry_later(struct leg *leg)
{
	int steps = leg->dialog->is_caller ? g_random_int_range(210, 401) : g_random_int_range(0, 201);
	loop_timer_start_ms(&leg->retry, steps * 10);
}

static bool call_is_free(const struct leg *leg)
{
	return leg->state == LEG_CONFIRMED && leg->exchange == LEG_EXCHANGE_STABLE && !leg->invite && !leg->invite_server && !leg->offer_server &&
	       !loop_timer_is_running(&leg->retry);
}

static bool call_may_offer_to(struct leg *leg, const struct leg *other)
{
	return call_is_free(leg) && leg_has_transports(leg, other);
}

static void call_answer_offer(struct leg *leg, struct leg *peer)
{
	if (!leg_has_transports(leg, peer))
		return;
	if (leg_make_answer(leg, peer) < 0)
		leg_refuse_offer(leg, 488, NULL);
	else
		leg_accept_offer(leg);
}

/* Tells `peer` of the offer that `leg` has received, when it can be told. */
static void call_relay_offer(struct call *call, struct leg *leg, struct leg *peer)
{
	if (peer->exchange == LEG_EXCHANGE_REMOTE_OFFER && peer->relay == LEG_RELAY_NONE) {
		/* The peer's offer met with 491 here and waits for its second attempt. What comes here meanwhile crosses nothing
		 * (section 14.2): it is answered by what the peer has agreed to so far, and the peer's answer will tell it. */
		if (loop_timer_is_running(&leg->retry))
			call_answer_offer(leg, peer);
		if (loop_timer_is_running(&leg->retry) || loop_timer_is_running(&peer->retry))
			return;
		/* Both far ends offer at once, and each waits for the other: the called side tries again. */
		leg_refuse_offer(call->called, 491, NULL);
		if (leg == call->called)
			return;
	}
	if (!call_may_offer_to(peer, leg))
		return;
	if (leg_make_offer(peer, leg) < 0) {
		leg_refuse_offer(leg, 488, NULL);
		return;
	}
	if (leg_send_invite(peer) < 0) {
		/* Ends only the transaction, not the far end's dialog: the browser may be back in a moment. */
		leg_drop_exchange(peer);
		leg_refuse_offer(leg, 500, NULL);
		return;
	}
	leg->relay = LEG_RELAY_SENT;
}

static void call_answer_late_offer(struct leg *leg, struct leg *peer)
{
	if (!leg_has_transports(leg, peer))
		return;
	if (leg_make_offer(leg, peer) < 0)
		leg_refuse_offer(leg, 488, NULL);
	else
		leg_respond_success(leg, leg->pending_local);
}

/* Offers what the other leg has become. */
static void call_catch_up(struct leg *leg, struct leg *peer)
{
	if (!call_is_free(leg) || !leg->transports || !leg_is_behind(leg, peer) ||
	    (peer && (peer->invite || peer->exchange != LEG_EXCHANGE_STABLE)) || !leg_has_transports(leg, peer))
		return;
	if (leg_make_offer(leg, peer) == 0 && leg_send_invite(leg) < 0) {
		leg_drop_exchange(leg);
		leg->heard = 0; /* until the browser is back */
	}
}

static void call_advance_leg(struct call *call, struct leg *leg)
{
	struct leg *peer = call_peer_of(call, leg);
	if (leg_is_over(leg))
		return;
	if (leg->exchange == LEG_EXCHANGE_OFFER_OWED) {
		call_answer_late_offer(leg, peer);
	} else if (leg->exchange == LEG_EXCHANGE_REMOTE_OFFER) {
		struct negotiate_leg view = leg_view_beside(leg, peer);
		bool concerns_peer = peer && leg->relay != LEG_RELAY_ANSWERED &&
				     negotiate_needs_reoffer(&view, leg->pending_remote);
		bool must_wait = peer && !peer->remote; /* its ACK will bring the first answer */
		if (leg->relay == LEG_RELAY_SENT || must_wait)
			return;
		if (concerns_peer)
			call_relay_offer(call, leg, peer);
		else
			call_answer_offer(leg, peer);
	} else if (peer || call->builtin) {
		call_catch_up(leg, peer);
	}
}

void call_advance_reoffers(struct call *call)
{
	call_advance_leg(call, call->caller);
	if (call->called)
		call_advance_leg(call, call->called);
	call_advance_hold(call);
}

static void call_advance_early_offer(struct leg *leg, struct leg *peer)
{
	if (leg->offer_server && peer && peer->local)
		call_answer_offer(leg, peer);
	else if (leg->offer_server)
		leg_refuse_offer(leg, 504, NULL);
}

void call_advance_early_offers(struct call *call)
{
	call_advance_early_offer(call->caller, call->called);
	for (size_t i = 0; i < call->n_attempts; i++)
		call_advance_early_offer(call->attempts[i], call->caller);
}

void call_on_offered(struct call *call, struct leg *leg)
{
	struct negotiate_leg view = leg_view(leg);
	if (leg->pending_remote && negotiate_is_ice_restart(&view, leg->pending_remote)) {
		leg_set_transports(leg, NULL, 0);
		media_leg_restart_ice(leg->media);
	}
	call_advance(call);
}

void call_on_refresh_due(struct call *call, struct leg *leg)
{
	struct leg *peer = call_peer_of(call, leg);
	if (call_may_offer_to(leg, peer) && leg_make_offer(leg, peer) == 0 && leg_send_invite(leg) < 0)
		leg_drop_exchange(leg);
}

void call_on_unacknowledged(struct call *call, struct leg *leg)
{
	call_end(call, call_side_of(call, leg), 504, NULL, "a reliable provisional response was not acknowledged");
}

void call_on_retry(struct call *call, struct leg *leg)
{
	call_advance(call);
}

void call_reoffer_answered(struct call *call, struct leg *leg, int answer_error)
{
	struct leg *peer = call_peer_of(call, leg);
	if (peer && peer->relay == LEG_RELAY_SENT) {
		if (answer_error < 0) {
			leg_drop_exchange(leg);
			leg_refuse_offer(peer, 488, NULL);
		} else {
			peer->relay = LEG_RELAY_ANSWERED;
		}
	} else if (answer_error < 0) {
		leg_drop_exchange(leg);
	}
	call_advance(call);
}

void call_reoffer_refused(struct call *call, struct leg *leg, unsigned status, const char *phrase)
{
	struct leg *peer = call_peer_of(call, leg);
	bool was_relayed = peer && peer->relay == LEG_RELAY_SENT;
	if (status == 491) {
		call_retry_later(leg);
		leg->heard = 0;
		if (was_relayed)
			peer->relay = LEG_RELAY_NONE;
		call_advance(call);
		return;
	}
	if (was_relayed)
		leg_refuse_offer(peer, status == 401 || status == 407 ? 403 : status, phrase);
	/* These end the dialog, not only the transaction (RFC 5057, section 5.1). */
	if (status == 408 || status == 481) {
		call_on_ended(call, leg, "the far end has lost the call");
		return;
	}
	call_advance(call);
}

void call_reoffer_cancelled(struct call *call, struct leg *leg)
{
	struct leg *peer = call_peer_of(call, leg);
	bool was_relayed = leg->relay == LEG_RELAY_SENT;
	leg_refuse_offer(leg, 487, NULL);
	if (was_relayed && peer)
		leg_withdraw_offer(peer);
	call_advance(call);
}

void call_on_acknowledged(struct call *call, struct leg *leg, int answer_error)
{
	if (answer_error < 0) {
		call_end(call, EVENT_SIDE_GATEWAY, 0, NULL, "the ACK lacks an answer that fits the offer");
		return;
	}
	call_advance(call);
}
