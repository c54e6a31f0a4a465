/* What our requests to a trunk prove: by the trunk's credentials, or a user's who is somebody of his own at the trunk's peer. */
#pragma once
#include "call/leg.h"

/* A new request, complete, shows the far end what it has asked for before. */
void leg_prove(const struct leg *leg, const struct sip_flow *flow, struct sip_message *request);
/* As sip_digest_client_answer(), with the flow's peer; -ENOENT too where there are no credentials of ours. */
int leg_answer_challenge(const struct leg *leg, const struct sip_flow *flow, struct sip_digest_challenged challenged,
			 struct sip_message *request);
/* Whether a response is a challenge, and there is what may answer it. */
bool leg_is_challenged(struct leg *leg, const struct sip_message *response);
/* A success of what may have shown credentials. */
void leg_note_proven(const struct leg *leg, const struct sip_client_transaction *transaction, const struct sip_message *response);
/* The ACK of a 2xx shows what its INVITE has shown (RFC 3261, section 13.2.2.4), if it goes to the same peer. */
void leg_prove_ack(struct leg *leg, const struct sip_message *invite, struct sip_message *ack);

void leg_set_account(struct leg *leg, struct trunk_account *account); /* takes a reference */
/* Where only the caller's browser has credentials: what it sent goes along, and the peer's challenge goes back to it. */
void leg_add_proof_of_caller(const struct leg *leg, struct sip_message *invite);
void leg_pass_challenge(struct leg *leg, struct sip_message *response);
void leg_add_challenge(const struct leg *leg, struct sip_message *response);
