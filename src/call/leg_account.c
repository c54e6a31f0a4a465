/* What a trunk leg proves itself with: the trunk's credentials; or, of a user who is somebody of his own at the trunk's peer (the room
 * `upstream` sees to that), his address there, his credentials or, where only his browser has them, its answers to the peer's challenges. */
#include "call/call_private.h"

void leg_set_account(struct leg *leg, struct trunk_account *account)
{
	leg->account = trunk_account_ref(account);
	sip_dialog_preload_route(leg->dialog, trunk_account_route(account));
}

static struct sip_digest_client *leg_digest(const struct leg *leg, const struct sip_flow *flow)
{
	return leg->kind == LEG_TRUNK && flow ? trunk_digest(leg->trunk, leg->account, flow) : NULL;
}

void leg_prove(const struct leg *leg, const struct sip_flow *flow, struct sip_message *request)
{
	struct sip_digest_client *digest = leg_digest(leg, flow);
	if (digest)
		sip_digest_client_prove(digest, sip_flow_remote(flow), request);
}

int leg_answer_challenge(const struct leg *leg, const struct sip_flow *flow, struct sip_digest_challenged challenged,
			 struct sip_message *request)
{
	struct sip_digest_client *digest = leg_digest(leg, flow);
	challenged.peer = sip_flow_remote(flow);
	int error = digest ? sip_digest_client_answer(digest, &challenged, request) : -ENOENT;
	if (error == -EACCES)
		log_warning(&leg->log, "trunk %s refuses the credentials: username or password are wrong", trunk_name(leg->trunk));
	else if (error == -ENOENT && digest)
		log_warning(&leg->log, "trunk %s asks for credentials of a realm or algorithm that is not configured",
			    trunk_name(leg->trunk));
	return error;
}

bool leg_is_challenged(struct leg *leg, const struct sip_message *response)
{
	unsigned status = sip_message_status(response);
	if (status != 401 && status != 407)
		return false;
	struct sip_flow *flow = leg_flow(leg);
	bool has_answer = leg_digest(leg, flow);
	sip_flow_unref(flow);
	return has_answer;
}

void leg_note_proven(const struct leg *leg, const struct sip_client_transaction *transaction, const struct sip_message *response)
{
	const struct sip_flow *flow = sip_client_transaction_flow(transaction);
	struct sip_digest_client *digest = leg_digest(leg, flow);
	if (digest)
		sip_digest_client_learn(digest, sip_flow_remote(flow), sip_client_transaction_request(transaction), response);
}

void leg_prove_ack(struct leg *leg, const struct sip_message *invite, struct sip_message *ack)
{
	struct sip_flow *flow = leg->kind == LEG_TRUNK ? leg_flow(leg) : NULL;
	if (flow && trunk_is_far_end(leg->trunk, flow))
		sip_message_copy_headers(ack, invite, sip_credentials_headers);
	sip_flow_unref(flow);
}

static bool leg_is_proven_by_caller(const struct leg *leg)
{
	return leg->account && !trunk_account_digest(leg->account) && leg->dialog->state == SIP_DIALOG_EARLY && leg->call &&
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
