#pragma once
#include "trunk/trunk.h"
#include "trunk/lookup.h"

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
	struct sip_credentials credentials;

	struct loop *loop;
	struct trunk_lookup *lookup; /* the one under way; NULL */
	struct loop_timer refresh;
	bool is_looked_up;
	size_t n_addresses;
	struct net_address addresses[TRUNK_ADDRESSES_MAX];
	/* Those the name had before, for the calls that began there; the oldest gives way. */
	size_t n_former;
	struct net_address former[TRUNK_ADDRESSES_MAX];

	GPtrArray *retired; /* the list of its owner's that it is in, once it is gone from the configuration; NULL */
};
