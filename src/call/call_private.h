/* What the files of this room share: the manager and the call. */
#pragma once
#include "call/leg.h"
#include "metrics/metrics.h"
#include "route/router.h"
#include "sip/capabilities.h"
#include "config.h"
#include <stdio.h>

#define CALL_SESSION_SECONDS_MIN 90 /* RFC 4028, section 5 */
#define CALL_ATTEMPTS_MAX 6 /* devices of a user that ring at once; MEDIA_LEGS_MAX leaves room for the caller */

#define CALL_CAUSE_LOST "the browser's connection was lost"

enum call_state { CALL_TRYING, CALL_RINGING, CALL_CONNECTED };

struct call_manager {
	struct sip_stack *stack;
	struct registrar *registrar;
	struct trunks *trunks;
	struct media_engine *media;
	struct event_bus *bus;
	struct route_router *router;
	char *domain;
	int64_t no_answer_ms;
	int64_t grace_ms;
	uint32_t session_expires_s; /* 0: we ask for none */
	uint32_t min_session_expires_s;
	size_t limit;
	GQueue calls;
	GQueue legs; /* lingering ones too */
	uint64_t next_session_id;
	uint64_t last_word; /* number of what a far end has said */
	uint64_t next_call_number;
	bool is_draining;
	struct loop_timer drain_limit;
	void (*drained)(void *user);
	void *drained_user;
};

struct call {
	struct call_manager *manager;
	GList link;
	char id[16];
	struct log_context log;
	enum call_state state;
	struct media_session *media;
	struct leg *caller;
	/* The devices being called, and, once one of them has answered, that one alone. */
	struct leg *attempts[CALL_ATTEMPTS_MAX];
	size_t n_attempts;
	struct leg *called;	       /* the one that has answered, or gives the early media */
	struct media_leg *builtin;     /* instead of a called leg */
	bool builtin_is_ready;
	bool answer_is_due;	       /* the called side has answered, the caller has not heard of it yet */
	bool progress_is_due;	       /* an early answer is there for the caller */
	unsigned progress_status;      /* the last provisional status told to the caller */
	unsigned best_status; /* of the attempts that failed */
	char best_phrase[128];
	char *caller_name, *called_name; /* for people */
	char *from_user, *display_name;	 /* the caller, as the called side is to see him */
	struct loop_timer no_answer;
	int64_t connected_us;
};

/* --- call.c --- */
/* A new call from `transaction`; see call_manager_invite(). */
void call_start(struct call_manager *manager, struct sip_server_transaction *transaction, const struct route_party *sender,
		const struct route_decision *decision);
/* Ends the call on every side. `status` goes to a caller that has no answer yet; 0: it was answered. */
void call_end(struct call *call, enum event_side by, unsigned status, const char *phrase, const char *cause);
/* Does whatever can be done by now: level-triggered, so that no order of events matters. */
void call_advance(struct call *call);
void call_publish(struct call *call, enum event_call_state state);
/* At once and without a word. */
struct call *call_free(struct call *call);
enum event_side call_side_of(const struct call *call, const struct leg *leg);
struct leg *call_peer_of(const struct call *call, const struct leg *leg);

/* --- call_dial.c: the called side --- */
/* Makes the attempts, or the built-in. 0, or a SIP status to refuse the call with. */
unsigned call_dial(struct call *call, const struct route_decision *decision);
/* Sends the INVITEs whose media is ready. False: the call has ended. */
bool call_advance_attempts(struct call *call);
/* An attempt has come to nothing. False: it was the last, the call has ended. */
bool call_attempt_failed(struct call *call, struct leg *leg, unsigned status, const char *phrase);
/* Parts with every attempt but `leg` (NULL: all). */
void call_drop_attempts(struct call *call, const struct leg *leg, const char *reason);

/* --- call_reoffer.c: offers in a call that is up --- */
void call_advance_reoffers(struct call *call);
/* Offers in early dialogs (UPDATE, PRACK) are answered from what the other side has said so far. */
void call_advance_early_offers(struct call *call);
void call_reoffer_answered(struct call *call, struct leg *leg, int answer_error);
void call_reoffer_refused(struct call *call, struct leg *leg, unsigned status, const char *phrase);
void call_reoffer_cancelled(struct call *call, struct leg *leg);

extern const struct media_handler call_media_handler;

/* --- manager.c --- */
/* A call is gone: perhaps the last one of a drain. */
void call_manager_forget(struct call_manager *manager);
