/* What the files of this room share: the manager and the call. */
#pragma once
#include "call/leg_account.h"
#include "call/leg_session.h"
#include "metrics/metrics.h"
#include "route/router.h"
#include "sip/refer.h"
#include "sip/capabilities.h"
#include "config.h"
#include <stdio.h>

#define CALL_SESSION_SECONDS_MIN 90 /* RFC 4028, section 5 */
#define CALL_ATTEMPTS_MAX 16 /* devices that ring at once; MEDIA_LEGS_MAX leaves room for the caller */

#define CALL_PHRASE_BYTES 128
#define CALL_OVER_LIMIT_HELP "Calls refused because a limit was reached: calls.limit, or calls_limit and calls_per_second of a user or a trunk."

#define CALL_CAUSE_LOST "the browser's connection was lost"

/* A call goes down this list; from the last it comes back to CALL_CONNECTED. */
enum call_state {
	CALL_TRYING,
	CALL_RINGING,	/* the called side has answered provisionally */
	CALL_ANSWERED,	/* it has answered; the caller's 2xx waits for his media */
	CALL_CONNECTED, /* both sides are told */
	CALL_REPLACING, /* the same, and another leg is to take the place of one (transfer, Replaces) */
};

/* How an attempt has failed. */
struct call_failure {
	unsigned status; /* 0: none has */
	char phrase[CALL_PHRASE_BYTES];
	struct sip_cause cause; /* what was said with it */
	char words[512];	/* the same for people */
};

struct call_manager {
	struct sip_stack *stack;
	struct registrar *registrar;
	struct trunks *trunks;
	struct media_engine *media;
	struct record_store *recordings; /* NULL: nothing is recorded */
	struct event_bus *bus;
	struct route_router *router;
	char *domain;
	int64_t no_answer_ms;
	int64_t grace_ms;
	uint32_t session_expires_s; /* 0: we ask for none */
	uint32_t min_session_expires_s;
	size_t limit;
	struct config_snapshot *snapshot;
	GHashTable *parties; /* by identity; see call_limit.c */
	GHashTable *announcements; /* by name; see call_announcement.c */
	GQueue calls;
	GQueue legs;	  /* of calls */
	GQueue lingering; /* of none any more; they are many, and are never gone through */
	GHashTable *legs_at; /* endpoint: GQueue of its legs that have a call, the newest first */
	GQueue records; /* of calls that have ended, not told yet */
	GQueue surveys;
	uint64_t next_session_id;
	uint64_t last_word; /* number of what a far end has said */
	uint64_t next_call_number;
	bool is_draining;
	struct loop_timer drain_limit;
	struct loop_timer rest; /* some descriptions are awake */
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
	struct leg *called;	   /* the one that has answered, or an attempt that gives the early media */
	struct media_leg *builtin; /* instead of a called leg */
	/* Those that may become the called leg, or take the place of `leaving`: devices that ring, and INVITEs with Replaces that
	 * cannot be answered yet. */
	struct leg *attempts[CALL_ATTEMPTS_MAX + 1];
	size_t n_attempts;
	struct leg *leaving;	  /* of CALL_REPLACING; in no place any more when he has hung up meanwhile; NULL: he is gone */
	char *target_name;	  /* of CALL_REPLACING: who is to come, for people */
	char *referred_by;	  /* of CALL_REPLACING: header of the INVITEs to the target; NULL */
	char *replaces;		  /* likewise: the dialog over there that is meant */
	struct route_plan *plan;  /* who is tried one after another; NULL: nobody has been yet */
	int stage;		  /* of the plan, at which the call is */
	unsigned n_hops;	  /* from target to target */
	enum route_cause cause;	  /* how its attempts have failed, and those of members before */
	GQueue redirections;	  /* where a 3xx has pointed, best first; see call_redirect.c */
	unsigned n_redirections;  /* ever */
	unsigned progress_status; /* the last provisional status of the called side */
	unsigned told_status;	  /* the last one told to the caller */
	struct call_failure failure; /* the best of the attempts that failed */
	char *caller_name, *called_name; /* for people */
	struct route_identity *identity; /* the caller, as the called side is to see him */
	struct loop_timer no_answer; /* of the stage, or of who takes the place of `leaving` */
	unsigned no_answer_status; /* what it comes to: 480, or 487 when the caller's patience is at its end */
	int64_t patience_us; /* when the caller's INVITE expires; 0: it does not */
	int64_t connected_us;
	GQueue recordings; /* of its legs, those that have ended too */
	unsigned n_recordings; /* ever */
	enum { CALL_RECORDS_BY_OPTION, CALL_RECORDS_BY_ORDER } recording_rule;
};

/* --- call.c --- */
/* A new call from `transaction`; see call_manager_invite(). */
void call_start(struct call_manager *manager, struct sip_server_transaction *transaction, const struct route_party *sender,
		const struct route_decision *decision);
/* Ends the call on every side. `status` goes to a caller that has no answer yet; 0: it was answered. */
void call_end(struct call *call, enum event_side by, unsigned status, const char *phrase, const char *cause);
/* Does whatever can be done by now: level-triggered, so that no order of events matters. */
void call_advance(struct call *call);
/* The only way from state to state. */
void call_set_state(struct call *call, enum call_state state);
const char *call_state_name(enum call_state state);
bool call_is_up(const struct call *call); /* both sides have heard of the answer */
void call_publish(struct call *call, enum event_call_state state);
/* At once and without a word. */
struct call *call_free(struct call *call);
enum event_side call_side_of(const struct call *call, const struct leg *leg);
/* Whom a leg talks to, or an attempt is to talk to; NULL: a built-in, or nobody. */
struct leg *call_peer_of(const struct call *call, const struct leg *leg);
/* Who stays when `leaving` goes, and for whom the attempts are made: the caller of an ordinary call. NULL: the built-in. */
struct leg *call_stayer(const struct call *call);
bool call_is_attempt(const struct call *call, const struct leg *leg);

/* --- call_announcement.c --- */
/* Those of the snapshot; what is so in `old` still, which may be NULL and is freed, is not read again. */
GHashTable *call_announcements_read(const struct config_snapshot *snapshot, GHashTable *old);
/* Borrowed; NULL: it could not be read. */
struct media_soundfile *call_announcement(const struct call_manager *manager, const char *name, unsigned *ret_n_rounds);

/* --- call_media.c --- */
/* Plays to whoever is on hold, and to nobody else. */
void call_advance_hold(struct call *call);

/* --- call_record.c: how a call was --- */
/* The call has ended, and its media ends now: told as soon as the last figures are there. Takes call->media. */
void call_record(struct call *call, const struct event_call_changed *event);
/* Now, with what is there. */
void call_records_tell(struct call_manager *manager);
void call_write_figures(const struct media_report *report, struct event_leg_media *figures);

/* --- call_recording.c --- */
/* Begins what is to be recorded by the options of those who are in the call. */
void call_advance_recordings(struct call *call);
/* The leg is in no call any more, or in another one. */
void call_leave_recordings(struct call *call, const struct leg *leg);
void call_hand_over_recordings(struct call *from, const struct leg *leg, struct call *to);
/* The call ends: what is to be finished when its last figures are there. */
GQueue call_take_recordings(struct call *call);
void call_finish_recordings(GQueue *recordings, const struct event_call_changed *event);
void call_drop_recordings(struct call *call);
void call_view_recording(const struct call *call, struct call_view *view);

/* --- call_survey.c --- */
void call_surveys_note(struct call_manager *manager, const struct media_leg *media, const struct media_report *report);
/* They come to nothing. */
void call_surveys_abandon(struct call_manager *manager);

/* --- call_answer.c: what the caller hears of the called side --- */
void call_advance_progress(struct call *call);
void call_advance_answer(struct call *call);
/* `leg` (NULL: the built-in) has answered: all attempts are over. It is the called one, or takes the place of `leaving`. */
void call_take_answer(struct call *call, struct leg *leg);
void call_join_media(struct call *call);

/* --- call_plan.c: who is tried, and who then --- */
/* Dials by a plan made of the decision. 0, or a SIP status to refuse the call with; call->failure.phrase goes with it. */
unsigned call_dial(struct call *call, const struct route_decision *decision);
/* All attempts of the stage have come to nothing: dials the next. False: there is none. */
bool call_go_on(struct call *call);
/* Whether it would, after trunks that answer so or are silent (408). */
bool call_may_go_on(const struct call *call, unsigned status);
/* The called side has rung for long enough. */
void call_stage_unanswered(struct call *call);
/* What a failure of an attempt, or of a stage that had none (`leg` NULL), means to the next. `phrase` may be NULL. */
void call_note_failure(struct call *call, const struct leg *leg, enum route_cause cause, unsigned status, const char *phrase);
void call_drop_plan(struct call *call);

/* --- call_dial.c: the called side --- */
/* Makes the attempts of a stage, or the built-in. False: nobody is there; the failure is noted. */
bool call_dial_stage(struct call *call, const struct route_stage *stage);
/* Brings those on whose media is ready. False: the call has ended, or has been advanced. */
bool call_advance_attempts(struct call *call);
/* An attempt has come to nothing. False: it was the last, and the call has ended. */
bool call_attempt_failed(struct call *call, struct leg *leg, unsigned status, const char *phrase);
/* Parts with every attempt. */
void call_drop_attempts(struct call *call, const char *reason);
/* The leg ends by itself; the call and its media go on. */
void call_let_go(struct leg *leg, const char *reason);
/* It is no attempt any more, but lives on. */
void call_take_attempt(struct call *call, const struct leg *leg);
void call_add_attempt(struct call *call, struct leg *leg, const char *to, const char *target);

/* --- call_limit.c: how many calls a user or a trunk may have --- */
GHashTable *call_parties_new(void);
/* The leg has a call, or has none any more. */
void call_party_join(struct leg *leg);
void call_party_leave(struct leg *leg);
struct call_beginning {
	const char *name;	 /* of a user or a trunk */
	bool is_trunk;
	bool is_called_user;	 /* how many calls he begins is not asked */
	const struct call *call; /* the one it is for, which does not count; NULL: it is not there yet */
};
/* False: there are as many as may be; `phrase` says so. Counts as a beginning if true. */
bool call_may_begin(struct call_manager *manager, const struct call_beginning *beginning, char phrase[static CALL_PHRASE_BYTES]);

/* --- call_redirect.c: 3xx of trunks that may redirect --- */
/* Calls the next target. False: there is none. */
bool call_follow_redirection(struct call *call);
void call_drop_redirections(struct call *call);

/* --- call_replace.c: another leg takes the place of one --- */
/* Whom the Replaces of a far end with this identity names; NULL. */
struct leg *call_find_leg(struct call_manager *manager, const struct sip_replaces *replaces, const char *identity);
/* 0, or the status by which RFC 3891, section 3, refuses to replace this leg (NULL: there is none). */
unsigned call_refuse_replacing(const struct leg *leg, const struct sip_replaces *replaces);
/* An INVITE with Replaces. Answers it, now or later. */
void call_start_replacing(struct call_manager *manager, struct sip_server_transaction *transaction,
			  const struct route_party *sender);
/* An attempt that came by INVITE is answered, if that can be. False: the call has ended, or has been advanced. */
bool call_admit(struct call *call, struct leg *leg);
/* CALL_CONNECTED to CALL_REPLACING, and back either way. */
void call_begin_replacing(struct call *call, struct leg *leaving, const char *target_name);
/* `leg` (NULL: the built-in) is there; `leaving` is done with. */
void call_replace(struct call *call, struct leg *leg);
/* Nobody came. False: the call has ended. */
bool call_give_up_replacing(struct call *call, unsigned status, const char *phrase);
/* `leaving` has hung up or is lost; the one who stays waits for the target. */
void call_leave(struct call *call);
/* An offer of theirs that was on its way to the leg's partner is so no more. `leg` may be NULL. */
void call_forget_relays(struct leg *leg);
/* A leg of another call becomes `to`'s. What it leaves behind is to be ended. */
void call_hand_over(struct leg *leg, struct call *to);

/* --- call_reoffer.c: offers in a call that is up --- */
void call_advance_reoffers(struct call *call);
/* Offers in early dialogs (UPDATE, PRACK) are answered from what the other side has said so far. */
void call_advance_early_offers(struct call *call);
void call_reoffer_answered(struct call *call, struct leg *leg, int answer_error);
void call_reoffer_refused(struct call *call, struct leg *leg, unsigned status, const char *phrase);
void call_reoffer_cancelled(struct call *call, struct leg *leg);

/* --- what a leg tells its call --- */
void call_on_media_ready(struct call *call, struct leg *leg);
void call_on_progress(struct call *call, struct leg *leg, unsigned status, const char *phrase, bool has_answer);
/* A 3xx to our first INVITE; call_on_refused() follows. */
void call_on_redirected(struct call *call, struct leg *leg, const struct sip_message *response);
/* A REFER of theirs. */
void call_on_refer(struct call *call, struct leg *leg, struct sip_server_transaction *transaction);
/* A 2xx to our INVITE or re-INVITE, ACKed; its answer is taken, or `answer_error` says that it is none. */
void call_on_answered(struct call *call, struct leg *leg, bool is_first, int answer_error);
void call_on_refused(struct call *call, struct leg *leg, unsigned status, const char *phrase);
/* A re-INVITE of theirs that may be worked on; pending_remote is its offer, or ours is owed. */
void call_on_offered(struct call *call, struct leg *leg);
/* The ACK of a 2xx of ours; `answer_error` says that the answer due in it is none. */
void call_on_acknowledged(struct call *call, struct leg *leg, int answer_error);
/* CANCEL of their INVITE or re-INVITE; invite_server awaits its 487. */
void call_on_cancelled(struct call *call, struct leg *leg);
/* The time after a 491 is over. */
void call_on_retry(struct call *call, struct leg *leg);
/* The session is to be refreshed by a re-INVITE. */
void call_on_refresh_due(struct call *call, struct leg *leg);
/* A reliable provisional response of ours got no PRACK. */
void call_on_unacknowledged(struct call *call, struct leg *leg);
/* The far end has ended the dialog, or it is lost. */
void call_on_ended(struct call *call, struct leg *leg, const char *cause);

extern const struct media_handler call_media_handler;

/* --- manager.c --- */
/* A call is gone: perhaps the last one of a drain. */
void call_manager_forget(struct call_manager *manager);
/* A leg's descriptions are awake. */
void call_manager_expect_rest(struct call_manager *manager);
