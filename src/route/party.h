/* Who sends a request, or who takes it: a device of a user of ours, or a trunk. What calls and messages outside of them have
 * in common: whom a dialog belongs to, over which flow he is reached, who he says he is and may hear of. Signalling thread. */
#pragma once
#include "registrar/registrar.h"
#include "route/identity.h"
#include "sip/dialog.h"
#include "trunk/trunk.h"

/* A value; exactly one is set, or none for nobody. Whoever keeps it takes the reference (route_party_ref()). */
struct route_party {
	struct registrar_endpoint *endpoint;
	struct trunk *trunk;
	struct trunk_hop *hop; /* of a trunk: what is under way began there; NULL: nothing has yet */
};

struct route_party route_party_ref(const struct route_party *party);
void route_party_unref(struct route_party *party); /* leaves nobody */
/* "user:alice", "trunk:pbx"; borrowed. */
const char *route_party_identity(const struct route_party *party);
/* "alice", "pbx"; borrowed. */
const char *route_party_name(const struct route_party *party);

/* Where a request to the party goes at this moment: the endpoint's flow; the trunk's (its hop's), or, in a confirmed dialog, where
 * that dialog's route leads. A name there stands for the trunk itself, since nothing may be looked up in the middle of a call.
 * `dialog` may be NULL. A reference; NULL: nowhere. */
struct sip_flow *route_party_flow(const struct route_party *party, struct sip_stack *stack,
				  const struct sip_dialog *dialog);

/* Who the party says it is, by what it may say; a new one. */
struct route_identity *route_party_identify(const struct route_party *party, const struct registrar *registrar,
					    const struct sip_message *request);
/* What the party may hear of others. `domain` is borrowed. */
struct route_identity_audience route_party_audience(const struct route_party *party, const char *domain);
