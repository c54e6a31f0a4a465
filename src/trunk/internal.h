#pragma once
#include "metrics/metrics.h"
#include "net/network.h"
#include "sip/tls.h"
#include "trunk/hop.h"
#include "trunk/lookup.h"
#include "trunk/options.h"
#include "trunk/registration.h"
#include "trunk/trunk.h"

#define TRUNK_RETRY_MS	   5000 /* after a look-up that failed */
#define TRUNK_FORMER_MAX   8

enum trunk_hop_state {
	TRUNK_HOP_UP,
	TRUNK_HOP_DOWN, /* it has not answered several times */
};

/* What the last OPTIONS has come to. */
enum trunk_hop_heard {
	TRUNK_HOP_ANSWERED,
	TRUNK_HOP_REFUSED, /* nobody listens there */
	TRUNK_HOP_SILENT,  /* no response, or none that says more than that it cannot */
};

struct trunk_hop {
	unsigned references;
	struct trunk_peer *peer; /* lives as long as the trunk */
	struct net_address address;
	enum sip_transport transport;
	char name[NET_ADDRESS_TEXT_MAX];
	uint16_t priority, weight; /* of its SRV record; 0 */
	int64_t credit;		   /* see select.c */

	/* how it is doing: health.c */
	enum trunk_hop_state state;
	enum trunk_hop_heard heard;
	bool has_answered;		  /* OPTIONS, ever */
	unsigned n_failures, n_successes; /* in a row */
	int64_t failing_since_us;	  /* the first of the failures */
	int64_t skip_until_us;		  /* it did not serve a call */
	int64_t asked_until_us;		  /* it has said for how long it will not serve (Retry-After) */
	int64_t interval_ms;		  /* of OPTIONS; 0: it is not watched */
	struct sip_client_transaction *probe; /* the OPTIONS that is out; NULL */
	struct loop_timer timer;	      /* the next one, or the end of patience with that */
	struct metrics_item gauge;
	GQueue watches; /* struct trunk_hop_watch */
};

/* What the configuration names: an address, or a name that has addresses. */
struct trunk_peer {
	struct trunk *trunk; /* its owner */
	struct trunk_peer_uri uri;
	struct sip_tls *tls; /* where it is reached by TLS; NULL */
	char *host_text; /* host and port as configured */
	struct trunk_lookup *lookup; /* the one under way; NULL */
	struct loop_timer refresh;
	bool is_looked_up;
	GPtrArray *hops; /* struct trunk_hop *, references, in the order of their use */
	/* Those it had before, for the calls that began there; the oldest gives way. */
	GPtrArray *former;
};

struct trunk {
	unsigned references;
	struct config_snapshot *snapshot; /* holds the texts */
	size_t index;			  /* in its "trunks" */
	char *identity;
	struct sip_tls *tls; /* of a trunk on TLS without peers; NULL */
	struct sip_digest_client *digest; /* as itself; NULL: it has no credentials */

	struct loop *loop;
	GPtrArray *peers; /* struct trunk_peer *, owned; none: it calls, and is never called */
	GArray *sources;  /* struct net_network: it may call from there too */

	/* of a trunk that registers */
	struct trunk_account *account;		 /* NULL: it does not */
	struct trunk_registration *registration; /* a retired trunk that has one holds a reference to itself */
	struct metrics_item gauge;
	struct sip_stack *stack; /* once it listens; else NULL */
	struct event_bus *events;

	GPtrArray *retired; /* the list of its owner's that it is in, once it is gone from the configuration; NULL */
};

/* --- trunk.c --- */
struct trunk *trunk_new(struct loop *loop, struct config_snapshot *snapshot, size_t index);
/* Nothing happens on it any more; who holds it may still read it. */
void trunk_retire(struct trunk *trunk);
const char *trunk_option_text(const struct trunk *trunk, const char *name);

/* --- set.c --- */
/* Whether the source is one of its peers now, or of its list. */
bool trunk_has_source(const struct trunk *trunk, enum sip_transport transport, const struct net_address *source);
/* Where the server side of digest is kept once it is needed. */
struct sip_digest_server **trunks_digest(struct trunks *trunks);

/* --- source.c --- */
void trunk_sources_init(struct trunk *trunk);
bool trunk_lists_source(const struct trunk *trunk, enum sip_transport transport, const struct net_address *source);

/* --- security.c: TLS --- */
/* The trust in the peer at this host, as the trunk's options have it. NULL: the files cannot be used, which is logged. */
struct sip_tls *trunk_security_new(struct trunk *trunk, const char *host, bool is_sips);
/* Its files are read anew. */
void trunk_security_renew(const struct trunk *trunk);
/* Whether the far end of a TLS flow has been verified to be the trunk's. */
bool trunk_security_knows(const struct trunk *trunk, const struct sip_flow *flow);
bool trunk_wants_certificate(const struct trunk *trunk);

/* --- peer.c --- */
/* Begins to look up its name. */
struct trunk_peer *trunk_peer_new(struct trunk *trunk, const struct trunk_peer_uri *uri);
/* See trunk_hop_uri(). `peer` NULL: there is none. */
char *trunk_peer_format_uri(const struct trunk_peer *peer, const char *user);
void trunk_peer_retire(struct trunk_peer *peer);
struct trunk_peer *trunk_peer_free(struct trunk_peer *peer);

/* --- hop.c --- */
struct trunk_hop *trunk_hop_new(struct trunk_peer *peer, const struct net_address *address, enum sip_transport transport);
/* An empty list that owns references. */
GPtrArray *trunk_hop_list_new(void);
/* Those of the index-th peer. */
const GPtrArray *trunk_peer_hops(const struct trunk *trunk, guint index);
/* Whether the trunk is heard over this transport, where it is reached over that one. */
bool trunk_is_heard_over(const struct trunk *trunk, enum sip_transport reached_over, enum sip_transport transport);
bool trunk_hop_is_heard_over(const struct trunk_hop *hop, enum sip_transport transport);

/* --- select.c --- */
/* As trunk_hops(), the best first whoever's turn it is: for what is no call. */
GPtrArray *trunk_hops_in_order(const struct trunk *trunk);

/* --- health.c --- */
void trunk_health_init(struct trunk_hop *hop);
/* Begins to watch, or ends, as the options and the hops of this moment ask for. */
void trunk_health_look(struct trunk *trunk);
void trunk_health_stop(struct trunk_hop *hop);

/* --- own.c: what it is itself at the peer: credentials (texts borrowed; no username: none) and registration --- */
struct sip_credentials trunk_own_credentials(const struct trunk *trunk);
void trunk_own_init(struct trunk *trunk);
void trunk_own_clear(struct trunk *trunk);
void trunk_own_start(struct trunk *trunk);
/* Another hop may be the best now. */
void trunk_own_follow(struct trunk *trunk);
/* Its peer may have forgotten it. */
void trunk_own_renew(struct trunk *trunk);
/* The trunk is retired; it lives on until its registration is no more. */
void trunk_own_retire(struct trunk *trunk);
/* At once; of a retired trunk, perhaps the last reference. */
void trunk_own_drop(struct trunk *trunk);
