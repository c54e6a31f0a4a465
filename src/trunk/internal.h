#pragma once
#include "metrics/metrics.h"
#include "trunk/lookup.h"
#include "trunk/registration.h"
#include "trunk/trunk.h"

#define TRUNK_REFRESH_MS   60000 /* a name is looked up again; getaddrinfo() tells no lifetime */
#define TRUNK_RETRY_MS	   5000	 /* after a failure */
#define TRUNK_DEFAULT_PORT 5060

struct trunk {
	unsigned references;
	struct config_snapshot *snapshot; /* holds the texts */
	size_t index;			  /* in its "trunks" */
	char *identity;
	char *host_text;
	char *host;    /* an address or a name */
	uint16_t port; /* 0: not written */
	enum sip_transport transport;
	struct sip_digest_client *digest; /* as itself; NULL: it has no credentials */

	struct loop *loop;
	struct trunk_lookup *lookup; /* the one under way; NULL */
	struct loop_timer refresh;
	bool is_looked_up;
	size_t n_addresses;
	struct net_address addresses[TRUNK_ADDRESSES_MAX];
	/* Those the name had before, for the calls that began there; the oldest gives way. */
	size_t n_former;
	struct net_address former[TRUNK_ADDRESSES_MAX];

	/* of a trunk that registers */
	struct trunk_account *account;		 /* NULL: it does not */
	struct trunk_registration *registration; /* a retired trunk that has one holds a reference to itself */
	struct metrics_item gauge;
	struct sip_stack *stack; /* from then on */
	struct event_bus *events;

	GPtrArray *retired; /* the list of its owner's that it is in, once it is gone from the configuration; NULL */
};

/* --- trunk.c --- */
/* Where the server side of digest is kept once it is needed. */
struct sip_digest_server **trunks_digest(struct trunks *trunks);

/* --- own.c: what it is itself at the peer: credentials (texts borrowed; no username: none) and registration --- */
struct sip_credentials trunk_own_credentials(const struct trunk *trunk);
void trunk_own_init(struct trunk *trunk);
void trunk_own_clear(struct trunk *trunk);
void trunk_own_start(struct trunk *trunk, struct sip_stack *stack, struct event_bus *events);
/* The trunk is retired; it lives on until its registration is no more. */
void trunk_own_retire(struct trunk *trunk);
/* At once; of a retired trunk, perhaps the last reference. */
void trunk_own_drop(struct trunk *trunk);
