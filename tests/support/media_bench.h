/* Two sides of media in one process: an engine, sessions whose events are kept, plain sockets as phones. */
#pragma once
#include "media/media.h"
#include "rtp/packet.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define BENCH_FIRST_PORT 41000
#define BENCH_LAST_PORT	 41999

struct bench {
	struct loop *loop;
	struct media_engine *engine;
	struct net_address address;
};

struct bench_leg {
	struct media_leg *leg;
	unsigned ready, connected, failed, reported;
	enum media_failure failure;
	enum media_trouble trouble; /* the last one told */
	char trouble_text[400];
	char digits[8]; /* that its far end is to be told by signalling */
	struct sdp_transport local;
	struct net_address second; /* RTP of its second transport */
	struct media_report report;
	bool is_client; /* DTLS */
};

struct bench_session {
	struct bench *bench;
	struct media_session *session;
	struct bench_leg legs[MEDIA_LEGS_MAX + 1];
	size_t n_legs; /* left ones too */
};

struct plugin_registry;
/* Set-up and tear-down of groups of tests that need codecs. */
extern struct plugin_registry *bench_codecs;
int bench_codecs_load(void **state);
int bench_codecs_free(void **state);

void bench_open(struct bench *bench, const char *host, const struct plugin_registry *codecs);
/* With settings; ports and address are the bench's. */
void bench_open_with(struct bench *bench, const char *host, const struct plugin_registry *codecs,
		     const struct media_settings *wanted);
/* Waits until nothing is left, and fails the test if something stays. */
void bench_close(struct bench *bench);
/* Runs the loop until condition(data); fails the test after `limit_ms`. */
void bench_wait(struct bench *bench, bool (*condition)(void *data), void *data, int limit_ms);
/* Runs it for a time in which nothing shall happen. */
void bench_pass(struct bench *bench, int ms);

void bench_session_open(struct bench *bench, struct bench_session *session);
void bench_session_close(struct bench_session *session);
/* Makes a leg and waits until it is ready. */
struct bench_leg *bench_leg_open(struct bench_session *session, const struct media_leg_options *options);
struct bench_leg *bench_leg_start(struct bench_session *session, const struct media_leg_options *options);
/* What it says when everything that was ordered before has been done. */
const struct media_report *bench_leg_report(struct bench *bench, struct bench_leg *leg);
/* media_leg_move(); the leg is `to`'s from then on, and an event of it that goes elsewhere fails the test. */
struct bench_leg *bench_leg_move(struct bench_leg *leg, struct bench_session *to);

/* A plan of one audio stream: PCMU, opus, telephone-event/8000 and /48000, with payload types from `first_dynamic` on (PCMU 0). */
void bench_plan(struct sdp_stream_plan *stream, uint8_t first_dynamic, const struct sdp_transport *remote,
		enum sdp_direction direction);
void bench_apply(struct bench_leg *leg, struct sdp_stream_plan *stream);
/* Two WEBRTC legs told about each other, a the DTLS client; waits until both are connected. */
void bench_couple(struct bench *bench, struct bench_leg *a, struct bench_leg *b);

/* A phone: a socket that speaks RTP. */
struct bench_phone {
	int descriptor;
	struct net_address address;
	uint16_t sequence;
	uint32_t timestamp, ssrc;
	/* What came last. */
	unsigned received;
	uint8_t last[2048];
	size_t last_bytes;
	struct net_address last_from;
};
void bench_phone_open(struct bench *bench, struct bench_phone *phone);
void bench_phone_close(struct bench_phone *phone);
void bench_phone_describe(const struct bench_phone *phone, struct sdp_transport *ret_transport);
/* Sends 160 bytes that name the packet's number. */
void bench_phone_send(struct bench_phone *phone, const struct net_address *to, uint8_t payload_type);
/* Takes everything that waits. Returns how many packets. */
unsigned bench_phone_read(struct bench_phone *phone);
/* Reads until it has `received` so many in all. */
void bench_phone_wait(struct bench *bench, struct bench_phone *phone, unsigned received);

/* A phone and the RTP leg that it talks to. */
struct bench_party {
	struct bench_leg *leg;
	struct bench_phone phone;
	struct sdp_transport at; /* the phone's */
	uint8_t first_dynamic;	 /* payload type */
	struct rtp_packet heard; /* bench_party_hear() */
};
/* Waits until the leg is connected, by a plan with payload types from `first_dynamic` on. */
void bench_party_open(struct bench_session *session, struct bench_party *party, const char *name, uint8_t first_dynamic);
void bench_party_apply(struct bench_party *party, uint8_t first_dynamic, enum sdp_direction direction);
/* Waits for a packet, and keeps what it is. */
void bench_party_hear(struct bench *bench, struct bench_party *party);

/* A phone that hears a built-in. */
struct bench_call {
	struct bench bench;
	struct bench_session session;
	struct bench_party party;
	struct bench_leg *builtin;
};
void bench_call_open(struct bench_call *call, enum media_builtin builtin);
void bench_call_close(struct bench_call *call);
