/* A hop: one address of one peer of a trunk, with its transport, and how it is doing there. A trunk has one for each address that its
 * peers are given by, or that their names have (RFC 3263); requests for it go to the first that can take them. A call holds on
 * to the hop it began at, and with it to its trunk. Reference counted; signalling thread. */
#pragma once
#include "sip/flow.h"
#include "sip/stack.h"

#define TRUNK_SKIP_MS	     30000 /* so long is a hop passed over that did not serve */
#define TRUNK_RETRY_AFTER_MAX_S 3600 /* of a 503's Retry-After */

struct trunk;
struct trunk_hop;

struct trunk_hop *trunk_hop_ref(struct trunk_hop *hop);
struct trunk_hop *trunk_hop_unref(struct trunk_hop *hop); /* accepts NULL; returns NULL. Before its trunk's last reference. */

const struct net_address *trunk_hop_address(const struct trunk_hop *hop);
enum sip_transport trunk_hop_transport(const struct trunk_hop *hop);
const char *trunk_hop_name(const struct trunk_hop *hop); /* "10.0.0.2:5060" */
/* The URI a request for `user` is sent to by this hop, and that To carries: "sip:<user>@<host>[:<port>][;transport=tcp]" as its peer
 * is configured. `user` is not escaped yet; "" or NULL: none. A new string. */
char *trunk_hop_uri(const struct trunk_hop *hop, const char *user);
/* The flow there, its identity set to the trunk's. A reference; NULL: nothing listens with that transport and family. */
struct sip_flow *trunk_hop_flow(struct trunk_hop *hop, struct sip_stack *stack);

/* The hops in the order in which a new request is to try them, each a reference. Those that are known not to serve are left out,
 * unless none does; those that nothing of ours listens for always are. With balance = "share" each call begins with another one. */
GPtrArray *trunk_hops(struct trunk *trunk);
/* Where a request from this address came from: borrowed; NULL: none. */
struct trunk_hop *trunk_hop_of_source(const struct trunk *trunk, enum sip_transport transport, const struct net_address *source);
/* Of a URI that stands for one of the trunk's own; borrowed; NULL: none, or its host is a name. */
struct trunk_hop *trunk_hop_of_host(const struct trunk *trunk, const char *host, uint16_t port);

/* It did not serve a request (no response, no connection, 503): it is passed over for a while, `retry_after_s` if the far end
 * has said so (0: it has not). `cause` for logs: "no response to INVITE". */
void trunk_hop_failed(struct trunk_hop *hop, const char *cause, uint32_t retry_after_s);
/* It is busy and says so without a time (503): others may try it (RFC 3261, section 21.5.4). */
void trunk_hop_declined(struct trunk_hop *hop, const char *cause);
/* A response to a call that is still wanted there has come, not 503. */
void trunk_hop_answered(struct trunk_hop *hop);
/* Whether there is reason to try it first. */
bool trunk_hop_is_usable(const struct trunk_hop *hop);
/* False: it is watched by OPTIONS, and has not answered for a while. */
bool trunk_hop_is_up(const struct trunk_hop *hop);

/* Told once when the hop is found down. A member of the watching object. */
struct trunk_hop_watch {
	void (*down)(void *data, struct trunk_hop *hop);
	void *data;
	struct trunk_hop *hop;
	GList link;
};
void trunk_hop_watch_start(struct trunk_hop_watch *watch, struct trunk_hop *hop, void (*down)(void *data, struct trunk_hop *hop),
			   void *data);
void trunk_hop_watch_stop(struct trunk_hop_watch *watch); /* accepts a zeroed one */
