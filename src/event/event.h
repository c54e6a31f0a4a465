/* What happens, told to whom it concerns: calls, registrations, media. Typed by structure; signalling thread only.
 *
 * The rooms that know publish; the rooms that write records, count or show subscribe. A structure lives as long as the
 * callback; who wants to keep it copies. Receivers are called in the order of subscribing. A receiver may subscribe,
 * unsubscribe (itself too) and publish; but what it publishes reaches the receivers after it before the event it came
 * from does, so one that wants to act on an event posts that on the loop. */
#pragma once
#include "base/base.h"

struct event_bus;
struct event_subscription;

enum event_call_state {
	EVENT_CALL_TRYING,    /* an INVITE came and was taken */
	EVENT_CALL_RINGING,   /* the called side rings (or sends early media) */
	EVENT_CALL_CONNECTED, /* answered on both sides */
	EVENT_CALL_TRANSFERRED, /* the same, with another party: see caller and called */
	EVENT_CALL_ENDED,
};
const char *event_call_state_name(enum event_call_state state); /* "trying", ... */

enum event_side { EVENT_SIDE_NONE, EVENT_SIDE_CALLER, EVENT_SIDE_CALLED, EVENT_SIDE_GATEWAY };
const char *event_side_name(enum event_side side); /* "none", "caller", "called", "gateway" */

/* How the audio of a leg was. Packets of RTP; scores are mean opinion scores by the E-model (ITU-T G.107), 0: nothing to judge by. */
struct event_leg_media {
	const char *leg;
	char encoding[16]; /* the codec that came last; "" */
	uint64_t packets_received, packets_lost, packets_refused;
	uint64_t packets_sent, far_packets_lost;
	uint32_t jitter_us, round_trip_us;
	double mos_received, mos_received_worst, mos_sent;
	/* Where what it sent had to be decoded: packets that went through the jitter buffer, and what had to be made up; the delay now. */
	uint64_t packets_decoded, packets_concealed;
	uint32_t jitter_buffer_ms;
	const char *trouble; /* what was wrong at the end, in words; NULL */
};

struct event_call_changed {
	const char *call; /* the short id of the logs */
	enum event_call_state state;
	int64_t at_us;	    /* monotonic */
	const char *caller; /* identity or number, as shown to people */
	const char *called;
	const char *caller_leg; /* "browser", "trunk pbx" */
	const char *called_leg; /* NULL while unknown */
	/* Of EVENT_CALL_ENDED. */
	enum event_side ended_by;
	unsigned status;   /* the SIP status that ended a call before it was answered; 0: it was answered */
	const char *cause; /* in words: "hung up", "no answer", "media lost" */
	int64_t talked_us; /* answered to end; 0 */
	const struct event_leg_media *caller_media, *called_media; /* NULL: it had none */
};

struct event_registration_changed {
	const char *user;
	const char *contact; /* as shown to people */
	bool is_added;	     /* false: removed */
	const char *cause;   /* of removal: "unregistered", "expired", "connection closed", ... */
	size_t n_bindings;   /* of the user, after the change */
};

/* A registration of ours with a trunk's peer. */
struct event_upstream_changed {
	const char *trunk;
	const char *user; /* of ours; NULL: the trunk itself */
	bool is_registered;
	const char *cause; /* why it failed; "" */
};

/* A trunk's peer that is asked by OPTIONS does not answer any more at one of its addresses; or it does again, or is asked no more. */
struct event_trunk_peer_changed {
	const char *trunk;
	const char *peer; /* "10.0.0.2:5060" */
	bool is_up;
	const char *cause; /* in words: "no response to OPTIONS", "it answers again" */
};

/* Audio is missing, or comes again; the call goes on. */
struct event_media_trouble {
	const char *call;
	const char *leg;
	const char *cause; /* one word for programs: "stranger", "silent", ...; "none": it is over */
	const char *text;  /* "trunk pbx sends nothing to 203.0.113.5:20004" */
};

struct event_media_failed {
	const char *call;
	const char *leg;
	const char *cause;
};

/* Members may be NULL: not wanted. */
struct event_receiver {
	void (*call_changed)(void *user, const struct event_call_changed *event);
	void (*registration_changed)(void *user, const struct event_registration_changed *event);
	void (*media_failed)(void *user, const struct event_media_failed *event);
	void (*media_trouble)(void *user, const struct event_media_trouble *event);
	void (*upstream_changed)(void *user, const struct event_upstream_changed *event);
	void (*trunk_peer_changed)(void *user, const struct event_trunk_peer_changed *event);
};

struct event_bus *event_bus_new(void);
/* Subscriptions that are left become idle; they are still to be freed by their owners. Accepts NULL; returns NULL. Not
 * from within a receiver. */
struct event_bus *event_bus_free(struct event_bus *bus);

/* `receiver` must outlive the subscription. */
struct event_subscription *event_subscribe(struct event_bus *bus, const struct event_receiver *receiver, void *user);
/* No callback comes after it. Accepts NULL; returns NULL. */
struct event_subscription *event_unsubscribe(struct event_subscription *subscription);

/* `bus` NULL: nobody listens. */
void event_publish_call_changed(struct event_bus *bus, const struct event_call_changed *event);
void event_publish_registration_changed(struct event_bus *bus, const struct event_registration_changed *event);
void event_publish_media_failed(struct event_bus *bus, const struct event_media_failed *event);
void event_publish_media_trouble(struct event_bus *bus, const struct event_media_trouble *event);
void event_publish_upstream_changed(struct event_bus *bus, const struct event_upstream_changed *event);
void event_publish_trunk_peer_changed(struct event_bus *bus, const struct event_trunk_peer_changed *event);
