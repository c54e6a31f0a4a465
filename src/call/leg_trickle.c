/* Candidates that come after the descriptions, by INFO (RFC 8840). Between each far end and us: ICE ends here. */
#include "call/call_private.h"
#include <string.h>

#define LEG_TRICKLE_TYPE    "application/trickle-ice-sdpfrag"
#define LEG_TRICKLE_PACKAGE "trickle-ice"

/* Into the description they belong to: an offer that waits, or the last word. */
static unsigned leg_take_fragment(struct leg *leg, const char *body, size_t length)
{
	size_t n_added = 0;
	int error = -ESTALE;
	leg_wake(leg);
	if (leg->pending_remote)
		error = sdp_fragment_take(leg->pending_remote, body, length, &n_added);
	if (error == -ESTALE && leg->remote) {
		error = sdp_fragment_take(leg->remote, body, length, &n_added);
		if (error == 0 && n_added && leg->local)
			leg_apply_plan(leg);
	}
	if (error == -ESTALE)
		log_debug(&leg->log, "candidates of other credentials than the description's are left out");
	return error == -E2BIG ? 413 : error == -EBADMSG ? 400 : 200;
}

bool leg_on_trickle(struct leg *leg, struct sip_server_transaction *transaction)
{
	size_t length;
	const struct sip_message *request = sip_server_transaction_request(transaction);
	const char *body = sip_message_body(request, &length);
	unsigned status = 200;
	if (leg->kind != LEG_BROWSER || g_strcmp0(sip_message_content_type(request), LEG_TRICKLE_TYPE))
		return false;
	if (leg_is_over(leg) || !leg->call)
		status = 481;
	else if (body)
		status = leg_take_fragment(leg, body, length);
	leg_reply(leg, transaction, status, NULL, NULL);
	return true;
}

void leg_learn_trickle(struct leg *leg, const struct sip_message *message)
{
	if (sip_message_lists(message, "Supported", LEG_TRICKLE_PACKAGE) ||
	    sip_message_lists(message, "Recv-Info", LEG_TRICKLE_PACKAGE))
		leg->takes_candidates = true;
}

void leg_announce_trickle(const struct leg *leg, struct sip_message *message)
{
	if (leg->kind == LEG_BROWSER)
		sip_message_add_header(message, "Recv-Info", LEG_TRICKLE_PACKAGE);
}

/* Libnice keeps what it has found in order: what is new stands behind. */
static void leg_send_candidates(struct leg *leg, size_t first)
{
	leg_wake(leg);
	g_autofree char *fragment = sdp_fragment_print(&leg->local->media[0], leg->transports->list, first);
	struct leg_request *info = leg_request_new(leg, SIP_METHOD_INFO);
	leg_request_add_header(info, "Info-Package", LEG_TRICKLE_PACKAGE);
	leg_request_add_header(info, "Content-Disposition", "Info-Package");
	leg_request_set_body(info, LEG_TRICKLE_TYPE, fragment);
	leg_request_start(info, NULL, NULL);
}

void leg_gathered_more(struct leg *leg, const struct sdp_transport *local)
{
	leg_wake(leg);
	if (!leg->transports || strcmp(leg->transports->list->ice_ufrag, local->ice_ufrag))
		return; /* others are on their way */
	size_t n_before = leg->transports->list->n_candidates;
	leg_set_transports(leg, local, 1); /* browsers bundle */
	if (leg->local && leg->takes_candidates && local->n_candidates > n_before && !leg_is_over(leg))
		leg_send_candidates(leg, n_before);
}
