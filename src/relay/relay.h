/* What users and trunks send each other beside calls: MESSAGE (RFC 3428), SUBSCRIBE and NOTIFY (RFC 6665), PUBLISH (RFC 3903).
 * A B2BUA as for calls: each side sees our dialogs, Call-IDs, tags and Contacts only. One per process; signalling thread. */
#pragma once
#include "config/config.h"
#include "route/router.h"
#include "sip/stack.h"

extern const struct config_table relay_options;

struct relay;

/* All borrowed; they outlive it. */
struct relay_parameters {
	struct sip_stack *stack;
	struct registrar *registrar;
	struct trunks *trunks;
	struct route_router *router;
	const struct config_snapshot *snapshot;
};

int relay_new(const struct relay_parameters *parameters, struct relay **ret_relay);
/* Ends what is left without a word to anybody. Accepts NULL; returns NULL. */
struct relay *relay_free(struct relay *relay);
/* For what comes from now on. */
void relay_reload(struct relay *relay, const struct config_snapshot *snapshot);

/* An admitted MESSAGE, SUBSCRIBE, PUBLISH or NOTIFY outside any dialog, of an identified sender, that is to go where
 * `decision` says. Answers it, now or later. */
void relay_request(struct relay *relay, struct sip_server_transaction *transaction, const struct route_party *sender,
		   const struct route_decision *decision);

/* What is left over. */
struct relay_counts {
	size_t subscriptions; /* pairs of dialogs */
	size_t requests;      /* requests that await the far end's answer */
};
void relay_count(const struct relay *relay, struct relay_counts *ret_counts);
