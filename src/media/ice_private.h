/* What the files of ICE share; only they know libnice. */
#pragma once
#include "media/ice.h"
#include "media/stun.h"
#include <nice/agent.h>

#define ICE_COMPONENT	1 /* rtcp-mux: there is no other */
#define ICE_SOCKETS_MAX G_N_ELEMENTS(((struct media_settings *)NULL)->addresses)

enum ice_state {
	ICE_NEW,
	ICE_GATHERING,	/* STUN and TURN servers are being asked */
	ICE_GATHERED,	/* our side is known */
	ICE_CHECKING,	/* the far end's side too */
	ICE_CONNECTED,	/* a pair works */
	ICE_RESTARTING, /* a pair works, another is looked for */
	ICE_FAILED,	/* none was found, or it was lost */
};

/* One of libnice's UDP sockets. */
struct ice_socket {
	struct media_ice *ice;
	int descriptor;		   /* libnice's */
	struct loop_watch *watch;  /* on it: STUN, and everything else while `media` has no descriptor */
	struct media_socket media; /* ours on the same port */
	struct net_address local;
};

struct media_ice {
	struct media_end *end;
	struct ice_host *host; /* NULL: libnice is the agent */
	NiceAgent *agent;
	guint stream;
	enum ice_state state;
	uint16_t port;	    /* 0: none taken */
	size_t n_sockets;
	struct ice_socket sockets[ICE_SOCKETS_MAX];
	GSList *listeners;  /* ICE-TCP */
	GQueue connections;
	size_t n_servers;   /* STUN and TURN, that may tell something yet */
	GSList *turns;	    /* of them, those that are reached by a connection */
	struct loop_timer timer;
	int64_t gather_until_us; /* the last moment for a first candidate */
	struct loop_timer consent_timer; /* while a pair works */
	int64_t consent_us;		 /* the last time the far end agreed */
	uint8_t consent_transaction[MEDIA_STUN_TRANSACTION_BYTES]; /* by this answer */
	bool is_told;	    /* the far end's credentials are set */
	bool awaits_remote; /* we have restarted; the far end has yet to answer with credentials of its own */
	char remote_ufrag[257], remote_pwd[257];
};

/* To be called after any call into libnice. */
static inline void ice_touch(struct media_ice *ice)
{
	loop_touch_guest(media_end_loop(ice->end));
}

/* --- ice_socket.c --- */
/* Once it has gathered its own addresses. 0 or -errno. */
int ice_sockets_open(struct media_ice *ice);
/* Before the agent goes. */
void ice_sockets_close(struct media_ice *ice);
/* NULL: `local` is the address of no UDP socket of ours. */
struct ice_socket *ice_socket_find(struct media_ice *ice, const struct net_address *local);

/* --- ice_tcp.c --- */
/* Beside the agent's socket at `local`. 0 or -errno. */
int ice_tcp_open(struct media_ice *ice, const struct net_address *local);
void ice_tcp_close(struct media_ice *ice);
/* Whether connections are waited for at a UDP socket's address. */
bool ice_tcp_is_open(const struct media_ice *ice, const struct net_address *local);

/* --- ice_turn.c --- */
/* Where libnice is to find a server that is reached by TCP or TLS. 0 or -errno. `server` is borrowed for good. */
int ice_turn_open(struct media_ice *ice, const struct media_turn_server *server, struct net_address *ret_local);
void ice_turn_close(struct media_ice *ice);
/* Whether that is where a server sees a connection come from: libnice takes it for an address where datagrams come to us. */
bool ice_turn_is_seen_at(const struct media_ice *ice, const struct net_address *address);

/* --- ice.c --- */
/* It will tell nothing. */
void ice_server_lost(struct media_ice *ice);
/* A message that may be an answer of the far end, as it came from the network. */
void ice_note_answer(struct media_ice *ice, const uint8_t *bytes, size_t length);
/* Whether this is a check by who knows the password in our description. */
bool ice_knows_password(const struct media_ice *ice, const uint8_t *bytes, size_t length);
/* The far end agrees to be sent to. */
void ice_consent(struct media_ice *ice);
/* A pair works, the first or another; `descriptor` -1: libnice must carry the packets. */
void ice_select(struct media_ice *ice, int descriptor, const struct net_address *remote);

/* --- ice_candidate.c --- */
void ice_address_to_nice(const struct net_address *address, NiceAddress *ret_address);
void ice_address_from_nice(const NiceAddress *address, struct net_address *ret_address);
/* Behind 1:1 NAT others know us by the public address, with the same port. */
void ice_candidate_announce_publicly(const struct media_ice *ice, struct net_address *address);
/* False for what we do not use: the second component, names (mDNS) instead of addresses, TCP, where others come to us. */
bool ice_candidate_is_usable(const struct sdp_candidate *candidate);
/* False for what nobody could use. */
bool ice_candidate_describe(const struct media_ice *ice, const NiceCandidate *candidate, struct sdp_candidate *ret_candidate);
/* Of a host's UDP makes what we say of listening there. */
void ice_candidate_make_tcp(struct sdp_candidate *candidate);
/* The same by TCP: whoever describes a UDP socket of ours describes with it that we listen there. False: we do not. */
bool ice_candidate_describe_tcp(const struct media_ice *ice, const NiceCandidate *candidate, struct sdp_candidate *ret_candidate);
/* NULL for what is not usable. */
NiceCandidate *ice_candidate_to_nice(const struct media_ice *ice, const struct sdp_candidate *candidate);
