/* Users who are registered with a trunk's peer while they are here. One per process; signalling thread. */
#pragma once
#include "event/event.h"
#include "registrar/registrar.h"
#include "trunk/account.h"
#include "trunk/trunk.h"

#define UPSTREAM_CARRIED_MAX 4096     /* REGISTERs that wait for a peer's answer */
#define UPSTREAM_ANSWER_LIMIT_MS 10000 /* how long one waits */

struct upstream;

/* All borrowed; they outlive it. `events` carries the registrar's changes here. */
struct upstream_parameters {
	struct sip_stack *stack;
	struct registrar *registrar;
	struct trunks *trunks;
	struct event_bus *events;
};
int upstream_new(const struct upstream_parameters *parameters, struct upstream **ret_upstream);
/* Without a word to the peers; see upstream_unregister(). Accepts NULL; returns NULL. */
struct upstream *upstream_free(struct upstream *upstream);
/* After registrar and trunks have taken the new configuration. */
void upstream_reload(struct upstream *upstream);
/* The house is closing: everybody is unregistered. */
void upstream_unregister(struct upstream *upstream);

/* A REGISTER of a browser whose user proves himself to a trunk's peer. False: it is not one, and the registrar's. */
bool upstream_take_register(struct upstream *upstream, struct sip_server_transaction *transaction);

/* Whose contact at this trunk a Request-URI's user part is; borrowed; NULL: nobody's. */
const char *upstream_user_of(const struct upstream *upstream, const struct trunk *trunk, const char *contact_user);

struct upstream_counts {
	size_t users;	   /* who are to be registered, or just were */
	size_t registered; /* of whom the peer has said so */
	size_t carried;	   /* REGISTERs that wait for an answer */
};
void upstream_count(const struct upstream *upstream, struct upstream_counts *ret_counts);
