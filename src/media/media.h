/* The media of calls, as the signalling thread sees it. A session is one call's media, a leg is one side of it. A leg lives on
 * one worker thread from birth to death, whatever session it belongs to. All functions here are called on the signalling
 * thread, return at once and post to the worker; all events come back on the signalling thread. After
 * media_session_free() no event comes. */
#pragma once
#include "base/log.h"
#include "loop/loop.h"
#include "media/effort.h"
#include "sdp/plan.h"

#define MEDIA_LEGS_MAX 20    /* of one session: two sides, all that ring, transfer */
#define MEDIA_ENCODING_BYTES 16
#define MEDIA_STREAMS_MAX SDP_MEDIA_MAX /* of one leg: each m= line has its own for good */

struct media_engine;
struct media_session;
struct media_leg;
struct media_soundfile;

/* What the one who is held hears. */
enum media_hold { MEDIA_HOLD_OFF, MEDIA_HOLD_MUSIC, MEDIA_HOLD_TONE };

#define MEDIA_HOST_BYTES	 256
#define MEDIA_TURN_SERVERS_MAX	 4
#define MEDIA_CREDENTIAL_BYTES	 256

struct media_server {
	char host[MEDIA_HOST_BYTES]; /* a name or an address */
	uint16_t port;		     /* 0: no server */
};
enum media_turn_transport { MEDIA_TURN_UDP, MEDIA_TURN_TCP, MEDIA_TURN_TLS };
struct media_turn_server { /* RFC 8656 */
	struct media_server at;
	enum media_turn_transport transport; /* between us and the server */
	char username[MEDIA_CREDENTIAL_BYTES], password[MEDIA_CREDENTIAL_BYTES];
	const char *ca_file; /* TLS: PEM file of who vouches for it, read by media_engine_new(); NULL: the system's */
};

/* Holds credentials: copies are to be wiped. */
struct media_settings {
	unsigned workers;	      /* 0: one per core */
	unsigned fill_percent;	      /* of a core: so busy a worker gets before calls go to the next; 0: spread from the first on */
	uint16_t first_port, last_port;
	int64_t silence_ms; /* audio that is away for longer is a trouble; 0: never */
	int64_t timeout_ms; /* so long without RTP and RTCP fails the leg; 0: never */
	enum media_hold hold;
	/* Encodings that are converted where two legs share none, the most liked first, NULL-terminated, borrowed for
	 * media_engine_new(); NULL or empty: all that there are codecs for. */
	const char *const *transcode;
	enum media_effort effort, effort_floor; /* of encoders, and what is left of it under load */
	const char *music; /* a sound file, borrowed for media_engine_new(); NULL: a tune of ours */
	size_t n_addresses;	      /* where media listens; 0: every interface's */
	struct net_address addresses[8];
	const char *dtls_certificate, *dtls_key; /* PEM files, read by media_engine_new(); NULL: a new one is made */
	struct net_address public_address; /* announced instead of the private one (1:1 NAT); none: length 0 */
	bool has_ice_tcp;		   /* TCP candidates too (RFC 6544) */
	bool is_relay_only;		   /* nothing but TURN servers' addresses */
	struct media_server stun_server;   /* asked for our address as others see it */
	size_t n_turn_servers;
	struct media_turn_server turn_servers[MEDIA_TURN_SERVERS_MAX];
};

/* `codecs` (what the built-ins can speak, and what is converted) may be NULL; it must outlive the engine. */
struct plugin_registry;
int media_engine_new(struct loop *signalling, const struct media_settings *settings,
		     const struct plugin_registry *codecs, struct media_engine **ret_engine);
/* What is converted, for negotiation. NULL: nothing. The engine's. */
const struct sdp_converter *media_engine_converter(const struct media_engine *engine);
/* Waits for the workers to end. Every session must be freed first. */
struct media_engine *media_engine_free(struct media_engine *engine);
/* Calls function(data), on the signalling thread, when every worker has done what it had been told to do before, and what it told in
 * answer has been heard: the reports asked for are there. */
void media_engine_await(struct media_engine *engine, void (*function)(void *data), void *data);
/* What is left over on all workers, for tests and metrics; eventually exact. */
struct media_counts {
	size_t sessions, legs, ports, ice_agents;
	size_t timers, watches; /* of the workers' loops */
};
void media_engine_count(struct media_engine *engine, struct media_counts *ret_counts);

enum media_leg_kind {
	MEDIA_LEG_WEBRTC,  /* ICE, DTLS-SRTP or SDES, rtcp-mux */
	MEDIA_LEG_RTP,	   /* plain RTP/AVP, or with SDES or DTLS-SRTP */
	MEDIA_LEG_BUILTIN, /* no far end: a tone, an echo */
};
enum media_builtin { MEDIA_BUILTIN_ECHO, MEDIA_BUILTIN_DELAYED_ECHO, MEDIA_BUILTIN_MILLIWATT, MEDIA_BUILTIN_MUSIC, MEDIA_BUILTIN_ANNOUNCEMENT };

enum media_failure {
	MEDIA_FAILURE_NO_PORT,	       /* pool empty or no address */
	MEDIA_FAILURE_RELAY,	       /* nothing but TURN servers is allowed, and none serves us */
	MEDIA_FAILURE_ICE,	       /* no pair worked in time */
	MEDIA_FAILURE_ICE_CONSENT,     /* the pair that worked is lost (RFC 7675) */
	MEDIA_FAILURE_DTLS,	       /* handshake failed or timed out */
	MEDIA_FAILURE_FINGERPRINT,     /* the certificate is not the announced one */
	MEDIA_FAILURE_KEYS,	       /* the keys of the description cannot be used */
	MEDIA_FAILURE_RTP_TIMEOUT,     /* nothing arrives though it should */
};
const char *media_failure_text(enum media_failure failure); /* for people */

/* What is wrong with the media of a leg that has not failed, as far as it can be told from here. */
enum media_trouble {
	MEDIA_TROUBLE_NONE,
	MEDIA_TROUBLE_NO_PATH,	     /* ICE has found no pair yet */
	MEDIA_TROUBLE_NO_KEYS,	     /* DTLS does not come to its end */
	MEDIA_TROUBLE_PAIR_LOST,     /* checks on the pair that worked are not answered */
	MEDIA_TROUBLE_STRANGER,	     /* packets come, but not from where the far end is */
	MEDIA_TROUBLE_NOT_AUTHENTIC, /* not with the keys agreed on */
	MEDIA_TROUBLE_UNKNOWN_TYPE,  /* with payload types nobody has agreed on */
	MEDIA_TROUBLE_NO_RTP,	     /* nothing but reports comes */
	MEDIA_TROUBLE_SILENT,	     /* nothing at all comes */
	MEDIA_TROUBLE_UNUSABLE,	     /* the other side takes no such codec */
	MEDIA_TROUBLE_UNSENDABLE,    /* the kernel refuses what we send */
	MEDIA_TROUBLE_UNHEARD,	     /* the far end reports that nothing of ours arrives */
	MEDIA_TROUBLES,
};
const char *media_trouble_name(enum media_trouble trouble); /* "stranger", for metrics and programs */

/* Counters of a leg, in packets and octets of RTP payload; jitter in microseconds. */
struct media_report {
	uint64_t packets_received, octets_received, packets_sent, octets_sent;
	uint64_t packets_lost;	      /* gaps in the far end's sequence numbers */
	uint64_t packets_refused;     /* not authentic, replayed, wrong source, malformed */
	uint32_t jitter_us, round_trip_us;
	uint64_t far_packets_lost;    /* of what we send, by the far end's reports */
	uint8_t far_fraction_lost;    /* last receiver report of the far end */
	/* Mean opinion scores of the audio (E-model), 1 to 4.5; 0: nothing to judge by. Over the whole time, and the worst five
	 * seconds; `sent` is what the far end hears, by its reports. */
	double mos_received, mos_received_worst, mos_sent;
	/* Of what came in and was decoded, since the other leg takes no such codec. */
	uint64_t packets_decoded, packets_concealed;
	uint32_t jitter_buffer_ms;	     /* what packets wait now; 0: nothing is decoded */
	char encoding[MEDIA_ENCODING_BYTES]; /* the codec that came last; "" */
};

struct media_handler {
	/* `local` is what our description says of this leg, transport by transport: addresses, ICE, fingerprint, keys; what is
	 * not used is left to the offer/answer, and setup. Holds keys: a copy is to be wiped. */
	void (*leg_ready)(void *user, struct media_leg *leg, const struct sdp_transport *local, size_t n_transports);
	/* More candidates of ours have come up since leg_ready (a server was slow); the credentials are the same. */
	void (*leg_gathered_more)(void *user, struct media_leg *leg, const struct sdp_transport *local);
	/* Media can flow: ICE and DTLS are done (RTP: once there is a plan; built-ins: at once). */
	void (*leg_connected)(void *user, struct media_leg *leg);
	void (*leg_failed)(void *user, struct media_leg *leg, enum media_failure failure);
	/* An announcement was played, and its end heard. */
	void (*leg_finished)(void *user, struct media_leg *leg);
	/* Something is wrong, something else is, or (MEDIA_TROUBLE_NONE) nothing is any more. `text` says in words what: "trunk pbx
	 * sends nothing to 203.0.113.5:20004". The call goes on: who ends it is leg_failed. */
	void (*leg_trouble)(void *user, struct media_leg *leg, enum media_trouble trouble, const char *text);
	/* A key frame is wanted of the leg's far end, which takes no feedback: it is to be asked by signalling (RFC 5168). */
	void (*leg_key_frame_wanted)(void *user, struct media_leg *leg);
	/* A digit is due to the leg's far end, which takes it by signalling only: '0'-'9', '*', '#', 'A'-'D', '!' (flash). */
	void (*leg_digit)(void *user, struct media_leg *leg, char digit, uint32_t duration_ms);
	/* The answer to media_leg_request_report(); and once more after media_leg_free(), as the last event of a leg, when
	 * `leg` is only good for comparing. */
	void (*leg_report)(void *user, struct media_leg *leg, const struct media_report *report);
};

/* `log_id` is the call's short id; copied. NULL is never returned. */
struct media_session *media_session_new(struct media_engine *engine, const char *log_id, const struct media_handler *handler,
					void *user);
/* Makes the session's legs on the worker where `near`'s are, if that is not too busy: of use before the first leg, when legs of
 * the two may be joined later. Joining legs of different workers is allowed all the same; a packet then costs a copy and
 * a wake-up more. */
void media_session_place_near(struct media_session *session, const struct media_session *near);
/* Ends all legs. Accepts NULL. */
struct media_session *media_session_free(struct media_session *session);

/* Ends all legs, as media_session_free() will do; but it is still to be freed, and until then `handler` (with `user`), instead of the one
 * before, hears the last report of each leg. */
void media_session_end(struct media_session *session, const struct media_handler *handler, void *user);

/* How digits go to a far end; INFO is the last resort of all. From it, telephone events and INFO are always understood. Tones are
 * looked for with MEDIA_DTMF_INBAND, and with AUTO where no telephone events are agreed on and the codec carries tones. */
enum media_dtmf {
	MEDIA_DTMF_AUTO,    /* telephone events where they are agreed on, else tones where the codec carries them */
	MEDIA_DTMF_RFC4733, /* telephone events where they are agreed on */
	MEDIA_DTMF_INFO,
	MEDIA_DTMF_INBAND, /* tones */
};

struct media_leg_options {
	enum media_leg_kind kind;
	enum media_builtin builtin;
	struct media_soundfile *announcement; /* a reference is kept */
	unsigned n_rounds;	   /* how often it is played; 0: for ever */
	const char *name;	   /* for logs: "browser", "trunk pbx"; copied */
	bool controlling;	   /* ICE role: true when our description is the offer */
	struct net_address toward; /* RTP: the peer, to choose the local address and its family by; none: any of IPv4 */
	bool sdes;		   /* keys of ours for the description (RFC 4568) */
	bool dtls;		   /* RTP: DTLS-SRTP (RFC 5763), RTCP on the same port or not at all */
	bool latch;		   /* RTP: learn the source address once (trunk option) */
	enum media_dtmf dtmf;
};
/* Makes sockets, gathers; then leg_ready or leg_failed. The handle is valid until media_leg_free() or the session's end.
 * Over MEDIA_LEGS_MAX the leg fails with MEDIA_FAILURE_NO_PORT. A failed leg stays a leg until it is freed. */
struct media_leg *media_leg_new(struct media_session *session, const struct media_leg_options *options);
struct media_leg *media_leg_free(struct media_leg *leg); /* accepts NULL */
/* From now on it is a leg of `to`: its events go to that session's handler and user (those on their way too), it ends with that
 * session, and media_session_bridge(to, leg, other) may join it with a leg of that session. It leaves its partner, if it has
 * one. For the far end nothing changes: ports, ICE, DTLS, SSRC, sequence numbers and timestamps go on. Cannot fail, and
 * MEDIA_LEGS_MAX does not count. Does nothing when it is a leg of `to` already. */
void media_leg_move(struct media_leg *leg, struct media_session *to);
/* RTP: sockets for so many streams that are not bundled; a new leg has those for one. leg_ready comes again, with fewer when
 * there are no ports. They stay until the leg is freed. */
void media_leg_open_transports(struct media_leg *leg, size_t n_transports);
/* New ICE credentials; leg_ready comes again. Of use before an offer that shall restart ICE, and before the answer to one that
 * did (the far end's ice-ufrag has changed). The old pair carries media until the new one is valid (row 49). Roles stay as they
 * are (RFC 8445, section 6.1.1). */
void media_leg_restart_ice(struct media_leg *leg);

/* Brings the leg to the plan (borrowed for the call; copied): remote candidates and credentials, DTLS role and fingerprint,
 * addresses, formats, direction. May be called as often as offers and answers complete, or candidates come; what has not changed is not
 * disturbed. A changed remote ufrag is an ICE restart; if media_leg_restart_ice() was not called for it, it is done here and
 * leg_ready comes again. A changed fingerprint or role or tls-id is a new DTLS association. */
void media_leg_apply(struct media_leg *leg, const struct sdp_leg_plan *plan);

/* Joins two legs of the session: what comes in at one goes out at the other, stream by stream, payload types mapped by
 * codec. A leg joined before leaves its old partner. `b` NULL: parts `a`. May be called at any time, before the plans too. */
void media_session_bridge(struct media_session *session, struct media_leg *a, struct media_leg *b);

/* The leg's far end wants a key frame and has said so by signalling (RFC 5168). */
void media_leg_want_key_frame(struct media_leg *leg);

/* The leg's far end has pressed a digit and said so by signalling: as of leg_digit. The other leg's far end gets it in the form that
 * it takes. */
void media_leg_press(struct media_leg *leg, char digit, uint32_t duration_ms);

/* While MEDIA_PLAY_HOLD lasts, the far end hears what the settings have for it, in place of what the other leg sends. For it only the source
 * changes: SSRC, sequence and timestamps go on. */
enum media_play { MEDIA_PLAY_NOTHING, MEDIA_PLAY_HOLD };
void media_leg_play(struct media_leg *leg, enum media_play play);
/* Whether that plays anything at all. */
bool media_engine_plays_on_hold(const struct media_engine *engine);

/* The leg's audio, what it receives and what is sent to it, is put into `record` (room record) from now on, of which the leg is the
 * source; what it was put into before ends. NULL: into none. It ends with the leg too. */
enum media_side { MEDIA_SIDE_LEFT, MEDIA_SIDE_RIGHT };
struct record;
void media_leg_record(struct media_leg *leg, struct record *record, enum media_side received_on);

void media_leg_request_report(struct media_leg *leg);
