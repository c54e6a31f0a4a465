/* A trunk leg of a user who is somebody of his own at the trunk's peer (the room `upstream` sees to that): his address there, his credentials or,
 * where only his browser has them, its answers to the peer's challenges. */
#include "call/call_private.h"

void leg_set_account(struct leg *leg, struct trunk_account *account)
{
	leg->account = trunk_account_ref(account);
	sip_dialog_preload_route(leg->dialog, trunk_account_route(account));
}

const struct sip_credentials *leg_credentials(struct leg *leg)
{
	struct sip_flow *flow = leg->kind == LEG_TRUNK ? leg_flow(leg) : NULL;
	const struct sip_credentials *credentials = flow ? trunk_credentials(leg->trunk, leg->account, flow) : NULL;
	sip_flow_unref(flow);
	return credentials;
}

static bool leg_is_proven_by_caller(const struct leg *leg)
{
	return leg->account && !trunk_account_credentials(leg->account) && leg->dialog->state == SIP_DIALOG_EARLY && leg->call &&
	       leg->call->caller->invite_server;
}

/* The proof covers method and Request-URI: it is for the first INVITE alone. */
void leg_add_proof_of_caller(const struct leg *leg, struct sip_message *invite)
{
	if (leg_is_proven_by_caller(leg))
		sip_message_copy_headers(invite, sip_server_transaction_request(leg->call->caller->invite_server),
					 sip_credentials_headers);
}

void leg_pass_challenge(struct leg *leg, struct sip_message *response)
{
	unsigned status = sip_message_status(response);
	if ((status != 401 && status != 407) || !leg_is_proven_by_caller(leg))
		return;
	struct leg *caller = leg->call->caller;
	sip_message_unref(caller->challenge);
	caller->challenge = sip_message_ref(response);
}

void leg_add_challenge(const struct leg *leg, struct sip_message *response)
{
	if (leg->challenge && sip_message_status(response) == sip_message_status(leg->challenge))
		sip_message_copy_headers(response, leg->challenge, sip_challenge_headers);
}
