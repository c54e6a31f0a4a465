/* One leg of a call: a dialog with its INVITE transactions, its offer/answer state and its media side. The same machine for
 * a browser and for a trunk; they differ in where a request is sent and in the negotiation profile. Private to the room.
 * A leg belongs to its call until it is released; then it lives on alone, to bring its own end to an end (CANCEL, BYE, ACKs
 * of what crosses) and to answer for 64*T1 what is late. Its call hears nothing more. */
#pragma once
#include "call/call.h"
#include "call/leg_dtmf.h"
#include "call/leg_hop.h"
#include "negotiate/negotiate.h"
#include "sip/cause.h"

#define LEG_FORKS_MAX 32    /* To tags of one INVITE that are kept apart */
#define LEG_REQUESTS_MAX 16 /* passed on and unanswered, each way */

#define LEG_WORD_OF_BUILTIN UINT64_MAX /* the one thing that a built-in has to say */

struct call;
struct leg_invite;
struct leg_request;
struct leg_transports;
struct call_party;

enum leg_kind { LEG_BROWSER, LEG_TRUNK };

enum leg_state {
	LEG_NEW,	  /* client: nothing sent yet */
	LEG_CALLING,	  /* client: INVITE sent, no final response */
	LEG_INCOMING,	  /* server: INVITE came, no final response */
	LEG_ANSWERED,	  /* server: 2xx sent, no ACK yet */
	LEG_CONFIRMED,
	LEG_CANCELLING,	  /* client: given up before a final response; a 2xx will be ACKed and ended */
	LEG_PARTING,	  /* its call goes on without it (transfer); its BYE is awaited a moment before ours is sent */
	LEG_AWAITING_ACK, /* server: to be ended, but a callee's BYE waits for the ACK (section 15) */
	LEG_ENDING,	  /* our BYE is on its way, or waits for the browser's next connection */
	LEG_ENDED,	  /* lingers */
};
const char *leg_state_name(enum leg_state state);

enum leg_exchange {
	LEG_EXCHANGE_STABLE,
	LEG_EXCHANGE_LOCAL_OFFER,  /* ours is out, the answer awaited */
	LEG_EXCHANGE_EARLY_ANSWER, /* ours is out; a provisional response has answered it, the final one may say otherwise */
	LEG_EXCHANGE_WITHDRAWN,	   /* ours is out, but it was cancelled; it may be answered all the same */
	LEG_EXCHANGE_REMOTE_OFFER, /* theirs is here, the answer owed */
	LEG_EXCHANGE_OFFER_OWED,   /* their INVITE had none: ours goes into a response */
};
const char *leg_exchange_name(enum leg_exchange exchange);

/* Whether the other leg has been told of their offer. */
enum leg_relay { LEG_RELAY_NONE, LEG_RELAY_SENT, LEG_RELAY_ANSWERED };

/* Who keeps the session from expiring (RFC 4028). */
enum leg_session_duty {
	LEG_SESSION_UNLIMITED,
	LEG_SESSION_AWAIT,   /* they refresh; we end it when they do not */
	LEG_SESSION_REFRESH, /* we do */
};

/* Whether there is a subscription to how a REFER of theirs gets on (RFC 3515). */
enum leg_referral_state {
	LEG_REFERRAL_NONE,	  /* no REFER yet, or all is told */
	LEG_REFERRAL_SILENT,	  /* nothing is to be told (RFC 4488) */
	LEG_REFERRAL_ACTIVE,
	LEG_REFERRAL_TERMINATING, /* the last NOTIFY is on its way */
};

struct leg {
	struct call_manager *manager;
	struct call *call; /* NULL once released */
	GList link;	   /* in one of the manager's lists */
	enum leg_kind kind;
	enum leg_state state;
	char name[64]; /* "browser alice", "trunk pbx" */
	char call_id[16];
	struct log_context log;

	/* the far end: one of them */
	struct registrar_endpoint *endpoint;
	struct registrar_endpoint_watch endpoint_watch;
	GList endpoint_link; /* in manager->legs_at */
	struct call_party *party; /* whose leg it is, as long as it has a call */
	GList party_link;
	struct trunk *trunk;
	struct leg_way way;
	struct trunk_account *account; /* who the caller is at the trunk's peer; NULL: nobody of his own */
	struct sip_message *challenge; /* of the called side's, that only this leg's far end can answer; NULL */
	struct sip_flow *caller_flow; /* of a trunk that calls from elsewhere than its peer's address: its identity; NULL */
	struct loop_timer absence; /* the browser's connection is closed: how long we wait for the next */

	/* the dialog */
	struct sip_dialog *dialog;
	struct sip_dialog_entry *entry;
	char *contact_user; /* of our Contact */
	GPtrArray *invite_headers; /* name, value, name, value, ...: of our first INVITE */
	struct sip_server_transaction *invite_server; /* INVITE or re-INVITE of theirs without a final response */
	struct sip_server_transaction *offer_server;  /* UPDATE or PRACK of theirs whose offer has no answer */
	GPtrArray *unacknowledged;		      /* their INVITEs that have our 2xx and no ACK yet */
	struct leg_invite *invite; /* our INVITE or re-INVITE that awaits its final response */
	GQueue invites;		   /* all of ours that live, answered ones too: a repeated 2xx gets its own ACK again */
	GQueue requests;	   /* our other requests that have no final response */
	GQueue relays;		   /* their requests that wait for the other leg's far end */
	char *end_reason;	   /* Reason header of our BYE or final response; NULL */
	struct sip_cause said_cause; /* why the far end has refused or hung up, as far as it said */
	char *said_words;	     /* of a refusal, for people: "403 Forbidden (caller id not allowed)"; NULL */
	struct loop_timer linger;
	struct loop_timer retry; /* after 491 (section 14.1) */
	bool takes_candidates;	 /* the far end takes them by INFO (RFC 8840) */
	unsigned far_methods;	 /* what the far end allows: bits by enum sip_method */
	struct leg_reliable {
		uint32_t rseq;		      /* of our last reliable provisional response; 0: none yet */
		struct sip_message *response; /* the one that waits for its PRACK; NULL */
		unsigned queued_status;	      /* the next one; 0: none */
		int64_t interval_ms;
		struct loop_timer repeat, limit;
	} reliable;
	struct leg_session {
		enum leg_session_duty duty;
		uint32_t seconds, min_seconds; /* what we ask for; 0: nothing */
		int64_t expires_us;
		struct loop_timer timer;
	} session;

	struct leg_referral {
		enum leg_referral_state state;
		unsigned count; /* REFERs taken in this dialog */
		uint32_t id;	/* the last one's CSeq */
		unsigned status; /* how it stands: 100, 180, or the end of it */
		char phrase[128];
		unsigned told;		    /* the status of the last NOTIFY */
		struct leg_request *notify; /* the one without a final response; NULL */
	} referral;

	/* offer and answer */
	enum negotiate_sdes sdes;  /* whether keys may stand in its descriptions */
	bool is_to_be_recorded;	   /* by the option of its trunk or user */
	bool carries_video;	   /* where the other leg does, too */
	char *dialled;		   /* where the INVITE went, which the far end's Contact does not change; NULL: it called */
	bool offers_all_codecs;	   /* that media converts, not only the usual ones */
	char **codecs;		   /* what may be spoken, in this order; NULL: whatever the far ends have */
	enum leg_exchange exchange;
	uint64_t session_id, last_version;
	struct sdp_session *local, *remote; /* the last complete pair; maybe at rest, as our transports: leg_wake() */
	bool local_was_offer;
	struct sdp_session *pending_local;  /* our offer that is out */
	struct sdp_session *pending_remote; /* their offer that is not answered */
	enum leg_relay relay;		    /* of pending_remote */
	uint64_t said;		/* which word of the far end `remote` is; no number comes twice; 0: none yet */
	uint64_t pending_said;	/* pending_remote's */
	uint64_t heard;		/* which word of the other leg's far end this one was last told */

	/* media */
	struct media_leg *media;
	enum media_play play; /* what its far end hears in place of the other leg's */
	char *trouble; /* what is wrong with its audio, in words; NULL */
	size_t n_transports_wanted;
	struct leg_transports *transports; /* ours; NULL until media is ready */
	struct leg_digits digits; /* for the far end, by INFO */
	enum { LEG_MEDIA_CONTROL_FREE, LEG_MEDIA_CONTROL_ASKED, LEG_MEDIA_CONTROL_REFUSED } media_control; /* by INFO */
};

/* --- leg.c: life --- */
/* The new leg is the manager's; released by leg_release(). */
struct leg *leg_new_browser(struct call *call, struct registrar_endpoint *endpoint);
struct leg *leg_new_trunk(struct call *call, struct trunk *trunk);
/* What may be spoken, the most liked first; copied. Empty or NULL: whatever the far ends have. */
void leg_set_codecs(struct leg *leg, const char *const *codecs);
/* At once and without a word; by the manager. */
struct leg *leg_free(struct leg *leg);
void leg_set_state(struct leg *leg, enum leg_state state);
bool leg_is_over(const struct leg *leg); /* ending or ended: nothing more can be done with it */
/* Where a request to the far end goes at this moment. A reference; NULL: nowhere. */
struct sip_flow *leg_flow(struct leg *leg);
/* A browser without a connection, whose return is awaited: nothing can be sent yet. */
bool leg_is_absent(const struct leg *leg);
/* A leg of another call that has media, of the same browser's; NULL: none. */
const struct leg *leg_at_same_device(const struct leg *leg);
/* The far end has spoken in the dialog on this flow: a browser is to be reached where it speaks. */
void leg_follow(struct leg *leg, struct sip_flow *flow);
/* Before a request of the dialog is made: a browser whose target is a GRUU of ours is spoken to at the Contact that it has
 * registered, as the proxy of its domain does it (RFC 5627); some know no other Request-URI. */
void leg_aim(struct leg *leg);
char *leg_contact(struct leg *leg, const struct sip_flow *flow); /* our Contact's value */
void leg_add_standard_headers(struct leg *leg, struct sip_message *message, const struct sip_flow *flow);

/* The call has done with the leg: ends it by what its state asks for (final response, CANCEL, BYE, or waiting) and lets it
 * linger. `status` is the final response to an unanswered INVITE of theirs; `reason` a Reason header's value or NULL. */
void leg_release(struct leg *leg, unsigned status, const char *phrase, const char *reason);

/* --- leg_invite.c and leg_serve.c: transactions --- */
/* Takes their first INVITE; makes the dialog. -EINVAL when it cannot make one (to be answered 400). */
int leg_accept_invite(struct leg *leg, struct sip_server_transaction *transaction);
/* From Allow. */
void leg_learn_methods(struct leg *leg, const struct sip_message *message);
/* Our first INVITE or a re-INVITE with pending_local. 0 or -ENOTCONN. */
int leg_send_invite(struct leg *leg);
/* For our first INVITE; copied. */
void leg_add_invite_header(struct leg *leg, const char *name, const char *value);
void leg_cancel_invite(struct leg *leg, const char *reason);
bool leg_invite_is_heard(const struct leg *leg); /* a response to the INVITE that is out has come */
/* Our re-INVITE is not wanted any more. If it is accepted all the same, the leg is stale. */
void leg_withdraw_offer(struct leg *leg);
const char *leg_identity(const struct leg *leg);
/* Responses to their INVITE or re-INVITE (invite_server must be there). */
void leg_respond_provisional(struct leg *leg, unsigned status, const char *phrase, const struct sdp_session *answer);
void leg_respond_success(struct leg *leg, const struct sdp_session *description);
/* Keeps what a final response or a BYE says about why. */
void leg_note_cause(struct leg *leg, const struct sip_message *message);
void leg_respond_failure(struct leg *leg, unsigned status, const char *phrase);
/* A response to any request of the dialog. `name` NULL: no further header. */
void leg_reply(struct leg *leg, struct sip_server_transaction *transaction, unsigned status, const char *name,
	       const char *value);
/* 500 with Retry-After: it came at a bad moment. */
void leg_reply_later(struct leg *leg, struct sip_server_transaction *transaction);
struct sip_message *leg_invite_response(struct leg *leg, unsigned status, const char *phrase,
					const struct sdp_session *description);
extern const struct sip_dialog_handler leg_dialog_handler;
/* The browser is behind another flow: it hears there what it may have missed, requests and responses. */
void leg_move_transactions(struct leg *leg, struct sip_flow *flow);
/* Their client transactions, at the array's end. */
void leg_list_invites(const struct leg *leg, GPtrArray *transactions);
void leg_list_requests(const struct leg *leg, GPtrArray *transactions);
/* No 2xx of ours that has no ACK yet is sent again: the session is over. But one that crossed their BYE on a line that loses
 * is: their INVITE would wait for ever (row 25). */
void leg_stop_answers(struct leg *leg);
/* Hears no more of any transaction; for leg_free(). */
void leg_detach_transactions(struct leg *leg);
void leg_detach_invites(struct leg *leg);
/* Puts SDP into a message; NULL: leaves it. 0 or -errno. */
int leg_set_description(struct sip_message *message, const struct sdp_session *description);

/* --- leg_request.c: our requests other than INVITE and ACK --- */
/* Written when it is sent, since CSeq and target are the dialog's of that moment. A browser's waits for its connection. */
struct leg_request *leg_request_new(struct leg *leg, enum sip_method method);
void leg_request_add_header(struct leg_request *request, const char *name, const char *value);
/* Body and Content-Type are taken from a message. */
void leg_request_set_content(struct leg_request *request, struct sip_message *content);
void leg_request_set_body(struct leg_request *request, const char *type, const char *text);
/* Told once, perhaps before leg_request_start() returns. `response` NULL: none came; `status` is then 408 for a time-out, 481
 * when the leg was released, 0 when it could not be sent. */
typedef void leg_request_done(void *user, struct leg *leg, unsigned status, const struct sip_message *response);
/* `done` may be NULL. The request is the leg's from now on. */
void leg_request_start(struct leg_request *request, leg_request_done *done, void *user);
void leg_requests_resume(struct leg *leg); /* the browser is back */
void leg_requests_abandon(struct leg *leg);
void leg_send_bye(struct leg *leg);
int leg_copy_body(struct sip_message *message, const struct sip_message *from);

/* --- leg_relay.c: their requests that mean the other far end --- */
void leg_relay(struct leg *leg, struct leg *other, struct sip_server_transaction *transaction);
void leg_relays_abandon(struct leg *leg); /* with 481 */
void leg_relays_free(struct leg *leg);
bool leg_on_trickle(struct leg *leg, struct sip_server_transaction *transaction); /* false: no candidates (RFC 8840) */
void leg_learn_trickle(struct leg *leg, const struct sip_message *message); /* whether the far end takes candidates */
void leg_announce_trickle(const struct leg *leg, struct sip_message *message); /* that we do */
/* More candidates of ours: told by INFO to who takes them; in every description from now on. */
void leg_gathered_more(struct leg *leg, const struct sdp_transport *local);
bool leg_on_media_control(struct leg *leg, struct sip_server_transaction *transaction); /* false: not of RFC 5168 */
void leg_ask_key_frame(struct leg *leg);

/* --- leg_referral.c: what who sent a REFER is told --- */
/* A REFER that is accepted. `refer` may want to hear nothing (RFC 4488). */
void leg_referral_begin(struct leg *leg, const struct sip_message *refer);
bool leg_referral_is_unwanted(const struct sip_message *refer);
/* A status from 200 on is the last. `phrase` NULL: the usual one. Nothing without a subscription. */
void leg_referral_report(struct leg *leg, unsigned status, const char *phrase);
bool leg_referral_is_open(const struct leg *leg); /* there is more to tell */
bool leg_referral_has_succeeded(const struct leg *leg);

/* --- leg_update.c: their offers in UPDATE and PRACK --- */
void leg_on_update(struct leg *leg, struct sip_server_transaction *transaction);
void leg_on_offer(struct leg *leg, struct sip_server_transaction *transaction);
void leg_answer_update(struct leg *leg, struct sip_server_transaction *transaction, const struct sdp_session *answer);
/* Answers their offer, in whatever request it came: with `local`, or a failure after which the pair before stands. */
void leg_accept_offer(struct leg *leg);
void leg_refuse_offer(struct leg *leg, unsigned status, const char *phrase);

/* --- leg_reliable.c: RFC 3262 --- */
void leg_reliable_init(struct leg *leg);
void leg_reliable_stop(struct leg *leg);  /* a final response was sent */
void leg_reliable_clear(struct leg *leg); /* a late PRACK is unknown from now on */
/* What had to wait, for a PRACK or for media. */
void leg_reliable_advance(struct leg *leg);
/* Whether a 2xx may go to their INVITE: a reliable response with SDP has to be acknowledged first (section 3). */
bool leg_may_succeed(const struct leg *leg);
void leg_on_prack(struct leg *leg, struct sip_server_transaction *transaction);
/* Theirs: whether it counts. False: a repetition, or one before it is missing. `rseqs`: To tag -> last RSeq. */
bool leg_reliable_take(GHashTable *rseqs, const struct sip_message *response);
void leg_reliable_acknowledge(struct leg *leg, const struct sip_message *response);

/* --- leg_timer.c: RFC 4028 --- */
void leg_timer_init(struct leg *leg);
void leg_timer_set_wish(struct leg *leg, uint32_t seconds); /* before its first INVITE; 0: we ask for none */
void leg_timer_ask(struct leg *leg, struct sip_message *request);
void leg_timer_learn(struct leg *leg, const struct sip_message *response); /* a 2xx to INVITE or UPDATE */
bool leg_timer_raise(struct leg *leg, const struct sip_message *response); /* a 422: whether asking again makes sense */
bool leg_timer_is_short(const struct leg *leg, const struct sip_message *request); /* to be answered 422 */
void leg_timer_add_minimum(const struct leg *leg, struct sip_message *response);
void leg_timer_answer(struct leg *leg, const struct sip_message *request, struct sip_message *response); /* a 2xx of ours */
