/* REFER in a dialog (RFC 3515): who sends it has the other party of his call sent to somebody else, blind or, with Replaces in
 * the URI, to the other party of a second call of his (RFC 5589). It is done here and never passed on, so that it works
 * however simple the far ends are. */
#include "call/call_private.h"

METRICS_COUNTER(transfers_taken, "tandem_transfers_total", "REFERs in calls, by what was answered.", "outcome", "accepted");
METRICS_COUNTER(transfers_refused, "tandem_transfers_total", "REFERs in calls, by what was answered.", "outcome", "refused");

static unsigned call_read_refer(const struct sip_message *refer, struct sip_refer_to *ret_refer_to)
{
	const char *text = sip_message_header(refer, "Refer-To", 0);
	if (!text)
		return 400;
	switch (sip_refer_to_parse(text, ret_refer_to)) {
	case 0:
		return 0;
	case -EPROTONOSUPPORT:
		return 416;
	case -EACCES:
		return 403;
	default:
		return 400;
	}
}

static void call_accept_refer(struct leg *leg, struct sip_server_transaction *transaction)
{
	struct sip_message *refer = sip_server_transaction_request(transaction);
	struct sip_message *response = sip_response_new(refer, 202, NULL, leg->dialog->local_tag);
	leg_add_standard_headers(leg, response, sip_server_transaction_flow(transaction));
	if (leg_referral_is_unwanted(refer))
		sip_message_add_header(response, "Refer-Sub", "false");
	sip_dialog_refresh_target(leg->dialog, refer);
	metrics_add(&transfers_taken, 1);
	sip_server_transaction_respond(transaction, response);
	leg_referral_begin(leg, refer);
}

/* --- to somebody who is to be called --- */

/* A trunk may mean its own numbers if it is trusted with that: it is called at our cost. */
static bool call_refers_back(const struct leg *leg, const struct sip_refer_to *refer_to)
{
	return leg->kind == LEG_TRUNK && trunk_may_refer_back(leg->trunk) && trunk_has_host(leg->trunk, refer_to->parts.host);
}

/* Where the transferor himself might call. 0, or the status to refuse with. */
static unsigned call_decide_target(const struct leg *leg, const struct sip_message *refer, const struct sip_refer_to *refer_to,
				   struct route_decision *ret_decision)
{
	struct route_party sender = {.endpoint = leg->endpoint, .trunk = leg->trunk};
	if (call_refers_back(leg, refer_to)) {
		*ret_decision = (struct route_decision){.target = ROUTE_TRUNK, .rule = -1};
		base_copy_text(ret_decision->name, sizeof ret_decision->name, trunk_name(leg->trunk));
		base_copy_text(ret_decision->number, sizeof ret_decision->number, refer_to->parts.user);
		return 0;
	}
	if (refer_to->has_replaces) /* a dialog that is not with us: of no use but over there */
		return 481;
	return route_router_decide(leg->manager->router, &sender, refer, refer_to->uri, ret_decision) < 0 ? 416 : 0;
}

/* A user's own name is ours to say; what a trunk says of its people is passed on (RFC 3892). */
static char *call_referred_by(const struct leg *leg, const struct sip_message *refer)
{
	if (leg->kind == LEG_TRUNK)
		return g_strdup(sip_message_header(refer, "Referred-By", 0));
	g_autofree char *user = sip_uri_escape_user(registrar_endpoint_user(leg->endpoint));
	return g_strdup_printf("<sip:%s@%s>", user, leg->manager->domain);
}

static unsigned call_send_on(struct call *call, struct leg *leg, struct sip_server_transaction *transaction,
			     const struct sip_refer_to *refer_to)
{
	struct route_decision decision;
	unsigned status = call_decide_target(leg, sip_server_transaction_request(transaction), refer_to, &decision);
	if (status)
		return status;
	call_begin_replacing(call, leg, refer_to->parts.user);
	call->referred_by = call_referred_by(leg, sip_server_transaction_request(transaction));
	call->replaces = refer_to->has_replaces ? sip_replaces_format(&refer_to->replaces) : NULL;
	status = call_dial(call, &decision);
	if (status) {
		call_give_up_replacing(call, status, NULL);
		return status;
	}
	log_info(&leg->log, "transfers to %s: %s %s", refer_to->parts.user, route_target_name(decision.target), decision.name);
	call_accept_refer(leg, transaction);
	call_advance(call);
	return 0;
}

/* --- to the other party of a second call --- */

/* `named` rings at the transferor: who he talks to answers in his place. */
static void call_join_ringing(struct call *call, struct leg *leg, struct call *second)
{
	struct leg *stayer = call_peer_of(call, leg);
	enum event_side by = call_side_of(call, leg);
	g_autofree char *cause = g_strdup_printf("transferred to call %s", second->id);
	leg_referral_report(leg, 200, NULL);
	call_forget_relays(stayer);
	call_hand_over(stayer, second);
	call_end(call, by, 0, NULL, cause);
	call_take_answer(second, stayer);
}

static void call_join(struct call *call, struct leg *leg, struct leg *named)
{
	struct call *second = named->call;
	struct leg *other = call_peer_of(second, named);
	enum event_side by = call_side_of(second, named);
	g_autofree char *cause = g_strdup_printf("transferred to call %s", call->id);
	call_begin_replacing(call, leg, named == second->caller ? second->called_name : second->caller_name);
	if (other) {
		call_hand_over(other, call);
	} else {
		media_leg_move(second->builtin, call->media);
		call->builtin = g_steal_pointer(&second->builtin);
	}
	call_end(second, by, 0, NULL, cause);
	call_replace(call, other);
}

static unsigned call_join_named(struct call *call, struct leg *leg, struct sip_server_transaction *transaction,
				struct leg *named, const struct sip_replaces *replaces)
{
	unsigned status = call_refuse_replacing(named, replaces);
	if (status)
		return status;
	struct call *second = named->call;
	bool is_ringing = call_is_attempt(second, named), has_stayer = call_peer_of(call, leg);
	if (second == call || (!has_stayer && (is_ringing || !call_peer_of(second, named))))
		return 603;
	log_info(&leg->log, "transfers to the other party of call %s", second->id);
	call_accept_refer(leg, transaction);
	if (is_ringing)
		call_join_ringing(call, leg, second);
	else
		call_join(call, leg, named);
	return 0;
}

void call_on_refer(struct call *call, struct leg *leg, struct sip_server_transaction *transaction)
{
	struct sip_message *refer = sip_server_transaction_request(transaction);
	struct sip_refer_to refer_to;
	if (sip_stack_admit(leg->manager->stack, transaction) < 0)
		return;
	unsigned status = call->state != CALL_CONNECTED || leg_referral_is_open(leg) ? 491 : call_read_refer(refer, &refer_to);
	if (!status) {
		struct leg *named =
			refer_to.has_replaces ? call_find_leg(leg->manager, &refer_to.replaces, leg_identity(leg)) : NULL;
		status = named ? call_join_named(call, leg, transaction, named, &refer_to.replaces)
			       : call_send_on(call, leg, transaction, &refer_to);
	}
	if (!status)
		return;
	metrics_add(&transfers_refused, 1);
	log_info(&leg->log, "its REFER is refused: %u %s", status, sip_status_text(status));
	leg_reply(leg, transaction, status, NULL, NULL);
}
