/* The threads that carry packets. Every leg lives on one of them; nothing here is shared but what is said so. */
#pragma once
#include "crypto/dtls.h"
#include "media/media.h"
#include "net/udp.h"
#include <stdatomic.h>

#define MEDIA_WORKERS_MAX 64
#define MEDIA_PACKET_BYTES_MAX 1600 /* what is taken from the network; longer ones are refused */
#define MEDIA_PACKET_ROOM 64	    /* behind it, for header extensions and what SRTP and SRTCP add */
#define MEDIA_BATCH 8		    /* packets read by one system call */

/* Why a packet was not taken. */
enum media_refusal {
	MEDIA_REFUSAL_NONE,
	MEDIA_REFUSAL_SOURCE,	  /* not from where the far end is */
	MEDIA_REFUSAL_PROTECTION, /* not authentic, or replayed */
	MEDIA_REFUSAL_TYPE,	  /* a payload type that nobody has agreed on */
	MEDIA_REFUSAL_MALFORMED,
	MEDIA_REFUSALS,
};

/* Where packets land. One per worker: a packet is done with before the next batch is read. */
struct media_inbox {
	struct mmsghdr headers[MEDIA_BATCH];
	struct iovec vectors[MEDIA_BATCH];
	struct net_address sources[MEDIA_BATCH];
	uint8_t bytes[MEDIA_BATCH][MEDIA_PACKET_BYTES_MAX + MEDIA_PACKET_ROOM];
};

struct media_worker {
	struct media_engine *engine;
	unsigned number; /* for logs */
	struct loop *loop;
	GThread *thread;
	atomic_size_t n_legs; /* any thread */
	atomic_uint busy_percent; /* of a core, lately; any thread */
	uint32_t n_packets;	  /* received since the load was looked at last */
	uint32_t n_refused[MEDIA_REFUSALS]; /* of them */
	struct loop_timer load_timer;
	int64_t looked_us, cpu_us; /* then, and the thread's processor time by then */
	struct media_effort_control effort;
	GQueue ends; /* that are watched */
	struct loop_timer watch_timer;
	GQueue ice_strangers; /* TCP connections on which nobody has shown a password yet, the oldest first */
	struct media_inbox inbox;
};

struct media_engine {
	struct loop *signalling;
	struct media_settings settings;
	bool has_chosen_addresses; /* by the operator: nothing else may be used */
	const struct plugin_registry *codecs; /* may be NULL */
	struct media_convert *convert;
	struct media_soundfile *music; /* NULL: the tune is the music */
	struct net_port_pool *ports;
	struct crypto_certificate *certificate;
	SSL_CTX *dtls;
	SSL_CTX *turn_tls[MEDIA_TURN_SERVERS_MAX]; /* as the settings' servers; NULL: not reached by TLS */
	unsigned n_workers;
	struct media_worker *workers[MEDIA_WORKERS_MAX];
	atomic_size_t n_sessions, n_ice_agents; /* any thread */
};

/* Where the next session's legs are to live. The signalling thread's. */
struct media_worker *media_worker_for_next(const struct media_engine *engine);
/* Whether they may live here for another reason. The same thread's. */
bool media_worker_may_take(const struct media_worker *worker);

int media_worker_new(struct media_engine *engine, unsigned number, struct media_worker **ret_worker);
/* Waits for the thread's end; what has been posted to it is still done by media_worker_free(). */
void media_worker_stop(struct media_worker *worker);
/* Of a worker that was stopped. Accepts NULL. */
struct media_worker *media_worker_free(struct media_worker *worker);
/* To be called when a leg comes to the worker, on its thread: load is only watched while there is some. */
void media_worker_watch_load(struct media_worker *worker);
