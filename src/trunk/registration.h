/* Registers a contact of ours with somebody else's registrar and keeps it registered (RFC 3261, section 10.2). Signalling thread.
 *
 * It refreshes when half of the time granted is over, so that a registrar that has lost its memory has ours again in bounded time;
 * at once when the connection it registered by closes, or when somebody doubts it. What fails is tried again after a time that
 * doubles, with jitter (RFC 5626, section 4.5). Redirections are not followed. */
#pragma once
#include "sip/stack.h"
#include "trunk/account.h"

#define TRUNK_REGISTRATION_RETRY_MAX_MS	 1800000 /* "max-time" of RFC 5626, section 4.5 */
#define TRUNK_REGISTRATION_RETURN_MAX_MS 2000	 /* after a connection that held has closed */
#define TRUNK_REGISTRATION_DOUBT_MS	 5000	 /* so new a registration is not doubted */
#define TRUNK_REGISTRATION_EXPIRES_MAX_S 86400	 /* of a 423's Min-Expires */
#define TRUNK_REGISTRATION_ROUNDS_MAX	 5	 /* REGISTERs until a final answer: challenges of registrar and proxy, stale ones, 423 */

struct trunk_registration;

enum trunk_registration_state {
	TRUNK_REGISTRATION_IDLE,	  /* nothing there, nothing wanted */
	TRUNK_REGISTRATION_REGISTERING,	  /* REGISTER is out, nothing holds yet */
	TRUNK_REGISTRATION_REGISTERED,
	TRUNK_REGISTRATION_REFRESHING,	  /* holds, and REGISTER is out */
	TRUNK_REGISTRATION_WAITING,	  /* the last one came to nothing; the next comes by itself */
	TRUNK_REGISTRATION_UNREGISTERING, /* not wanted any more, its end is on the way; then idle */
};
const char *trunk_registration_state_name(enum trunk_registration_state state);

struct trunk_registration_handler {
	/* The flow towards the registrar of this moment: a reference; NULL: there is none now. */
	struct sip_flow *(*connect)(void *user);
	/* The registrar at the far end of the flow (NULL: there was none) did not serve: no response in time, no connection, 503.
	 * True: connect() leads to another now, which is asked at once. May be NULL: there is no other. */
	bool (*elsewhere)(void *user, const struct sip_flow *flow, const char *cause, uint32_t retry_after_s);
	/* After every change of state. Of idle the object may be freed in it. */
	void (*changed)(void *user, struct trunk_registration *registration, enum trunk_registration_state state);
};

struct trunk_registration_parameters {
	struct sip_stack *stack;
	const char *name;	       /* in logs: "trunk pbx", "alice at pbx"; copied */
	struct trunk_account *account; /* a reference is taken; what it learns it keeps */
	uint32_t expires_s;	       /* to be asked for */
	uint32_t retry_s;	       /* the first time to wait after a failure: "base-time" */
	int64_t patience_ms;	       /* with a registrar that is silent, before elsewhere() is asked; 0: as long as the transaction's */
};

/* Idle at first. */
struct trunk_registration *trunk_registration_new(const struct trunk_registration_parameters *parameters,
						  const struct trunk_registration_handler *handler, void *user);
/* At once and without a word. Accepts NULL; returns NULL. */
struct trunk_registration *trunk_registration_free(struct trunk_registration *registration);

/* It is wanted, from now on. */
void trunk_registration_start(struct trunk_registration *registration);
/* It is wanted no more: unregisters what may hold, then is idle; `changed` may come from inside this call. */
void trunk_registration_end(struct trunk_registration *registration);
/* The registrar has perhaps been started anew: refreshes now if it holds. */
void trunk_registration_renew(struct trunk_registration *registration);
/* Something speaks against the registrar knowing us (a call was refused as a stranger's): the same, unless it is new. */
void trunk_registration_doubt(struct trunk_registration *registration);

/* connect() may lead elsewhere now: if it holds by another flow, it goes there. */
void trunk_registration_follow(struct trunk_registration *registration);

enum trunk_registration_state trunk_registration_state(const struct trunk_registration *registration);
/* Whether the registrar has said that it holds, for longer than until now. */
bool trunk_registration_holds(const struct trunk_registration *registration);
/* Why the last REGISTER failed, "403 Forbidden", "no answer"; "" when it did not. Borrowed. */
const char *trunk_registration_failure(const struct trunk_registration *registration);
