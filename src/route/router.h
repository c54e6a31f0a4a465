/* Where a request goes: the table of "routes", asked with a sender and a Request-URI. One for calls and all else; it
 * follows a reload. Signalling thread. */
#pragma once
#include "route/party.h"
#include "route/plan.h"
#include "route/route.h"

struct route_router;

/* `registrar` is borrowed and outlives it. 0 or -errno. */
int route_router_new(const struct config_snapshot *snapshot, struct registrar *registrar,
		     struct route_router **ret_router);
/* 0 or -errno; then the old routes stay. */
int route_router_reload(struct route_router *router, const struct config_snapshot *snapshot);
struct route_router *route_router_free(struct route_router *router); /* accepts NULL; returns NULL */

/* `uri` is that of the Request-URI (or of a Refer-To); `request` says who asks. A GRUU of ours leads to its device, whoever asks.
 * 0, or -EINVAL when it is none that we read (416). */
int route_router_decide(const struct route_router *router, const struct route_party *sender, const struct sip_message *request,
			const char *uri, struct route_decision *ret_decision);
/* The trunk that would take what a user of ours sends to `user`, if no user of ours had that name: it knows his voice mail,
 * for one. 0 or -ENOENT. */
int route_router_decide_beyond(const struct route_router *router, const char *user, struct route_decision *ret_decision);
/* What is tried for it, now. The decision leads somewhere. */
struct route_plan *route_router_plan(const struct route_router *router, const struct route_decision *decision);
