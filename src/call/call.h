/* The session manager: calls of two legs (a B2BUA), by the rules of RFC 3261 with RFC 5407 and RFC 6026 for what crosses.
 * One per process; signalling thread. */
#pragma once
#include "config/config.h"
#include "event/event.h"
#include "media/media.h"
#include "route/router.h"
#include "sip/stack.h"

/* "calls", and the limits of users and trunks. */
extern const struct config_table call_options, call_user_options, call_trunk_options;

struct call_manager;

/* All borrowed; they outlive the manager. */
struct call_manager_parameters {
	struct sip_stack *stack;
	struct registrar *registrar;
	struct trunks *trunks;
	struct route_router *router;
	struct media_engine *media;
	struct record_store *recordings; /* NULL: nothing is recorded */
	struct event_bus *bus;
	const struct config_snapshot *snapshot;
};

int call_manager_new(const struct call_manager_parameters *parameters, struct call_manager **ret_manager);
/* Ends what is left without a word to anybody; see call_manager_drain(). Accepts NULL; returns NULL. */
struct call_manager *call_manager_free(struct call_manager *manager);

/* An admitted INVITE outside any dialog, of an identified sender, that is to go where `decision` says. Answers it, now or
 * later. */
void call_manager_invite(struct call_manager *manager, struct sip_server_transaction *transaction,
			 const struct route_party *sender, const struct route_decision *decision);

/* Limits of the new snapshot apply to new calls. */
void call_manager_reload(struct call_manager *manager, const struct config_snapshot *snapshot);

/* From now on new calls get 503, but for those of emergency routes. Calls that are up may go on for `limit_ms`, then they are ended with BYE. `done` is called
 * once, when no call is left. */
void call_manager_drain(struct call_manager *manager, int64_t limit_ms, void (*done)(void *user), void *user);

/* A call as operators see it; its texts and figures live as long as the callback. */
struct call_view {
	const char *id, *state, *caller, *called;
	int64_t talking_us; /* since it was answered; 0: it is not */
	size_t n_legs;
	struct event_leg_media legs[2]; /* the caller's, then the called side's */
	const char *recording, *recording_state; /* file and state of the newest; NULL: there is none */
};
/* Asks the media of every call how it is, and tells all calls once, soon; not before it returns. */
struct call_survey;
struct call_survey *call_manager_survey(struct call_manager *manager,
					void (*done)(void *user, const struct call_view *calls, size_t n_calls), void *user);
/* Of one that is not done: nothing will be told. Accepts NULL. */
void call_survey_cancel(struct call_survey *survey);

/* By the operator's order, after which the options of trunks and users do not matter for this call. 0 and the file's name, which lives
 * as long as the call; -ENOENT: no call has this id; -EALREADY: it is so already; to start also -ENOTCONN: it is not answered;
 * -ENOTSUP: there is no directory. */
int call_manager_start_recording(struct call_manager *manager, const char *id, const char **ret_file);
int call_manager_stop_recording(struct call_manager *manager, const char *id, const char **ret_file);

/* What is left over. A leg lingers 64*T1 after its end to answer what crosses it. */
struct call_counts {
	size_t calls, legs, lingering_legs;
};
void call_manager_count(const struct call_manager *manager, struct call_counts *ret_counts);
