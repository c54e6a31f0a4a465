/* New requests: who sends them, and which room takes them. One per process; signalling thread. */
#pragma once
#include "call/call.h"
#include "relay/relay.h"
#include "route/router.h"
#include "upstream/upstream.h"

struct dispatch;

/* All borrowed; they outlive it. */
struct dispatch_parameters {
	struct sip_stack *stack;
	struct registrar *registrar;
	struct trunks *trunks;
	struct route_router *router;
	struct relay *relay;
	struct upstream *upstream;
	struct call_manager *calls;
};

/* Becomes the stack's handler: from now on new requests are taken. */
int dispatch_new(const struct dispatch_parameters *parameters, struct dispatch **ret_dispatch);
/* The stack has no handler then. Accepts NULL; returns NULL. */
struct dispatch *dispatch_free(struct dispatch *dispatch);
