/* The worker's side of legs: an `end` is a leg on its worker. Everything here belongs to the worker's thread; the handles
 * (session.c) reach it by posted orders only. */
#pragma once
#include "media/extension.h"
#include "media/far_report.h"
#include "media/route.h"
#include "media/sdes.h"
#include "media/worker.h"
#include "rtp/receiver.h"
#include "rtp/sender.h"

#define MEDIA_NAME_BYTES     48
#define MEDIA_CNAME_BYTES    16
#define MEDIA_TLS_ID_BYTES   24   /* RFC 8842, section 4: 20 at least */
#define MEDIA_STREAM_NONE    0xff
#define MEDIA_STUCK_PACKETS  100 /* sent, and the far end's report has not moved */
#define MEDIA_EARLY_BYTES    1500 /* a DTLS datagram that came before its time */

struct media_end;
struct media_ice;
struct media_dtls;
struct media_plain;
struct media_source;
struct media_transcode;
struct media_digits_in;
struct media_digits_out;
struct media_delay;
struct media_hop_side;
struct media_repair;
struct media_extended;
struct rtcp_arrivals;
struct tandem_codec;

/* One socket of an end. */
struct media_socket {
	struct media_end *end;
	int descriptor; /* -1: none */
	struct loop_watch *watch;
	struct net_address local;
};

/* How speech is heard, from interval to interval (quality.c). */
struct media_quality {
	int64_t since_us;	/* the interval's begin; 0: none yet */
	uint64_t packets, lost; /* received then */
	unsigned n_far_reports; /* and these had come */
	unsigned n_received, n_sent;   /* intervals that say something */
	double sum_received, sum_sent; /* of their scores */
	double worst_received;
};

/* How much may be sent (rate.c). */
struct media_rate {
	/* What a far end without REMB seems to take. */
	int64_t since_us;   /* 0: no report yet */
	uint64_t octets;    /* sent by then */
	uint64_t limit_bps; /* 0: none */
	uint64_t untold_bps; /* what its far end is to send at most, and has not heard yet; 0: nothing */
};

struct media_stream {
	struct media_end *end;
	enum sdp_kind kind;
	uint8_t line, rank; /* which m= line it is, for good, and which of its kind */
	enum sdp_direction direction;
	uint16_t ptime_ms, maxptime_ms; /* 0: nothing asked for */
	size_t n_formats;
	struct sdp_format *formats;
	uint8_t send_types[SDP_FORMATS_MAX];

	struct media_route routes[MEDIA_TYPES];
	struct media_stream *to;      /* who sends what comes in here; itself for an echo; NULL: nobody */
	struct media_delay *delay;    /* it is kept a while before */
	uint64_t decoded_before, concealed_before; /* by those before `transcode` */
	struct media_transcode *transcode; /* what `to` has no codec for takes this way; NULL: nothing does, or nothing can */
	struct media_digits_in *digits_in;   /* NULL: none that do not go over as they are were pressed, and none are looked for */
	struct media_digits_out *digits_out; /* NULL: none were to be said anew */
	struct media_tap *tap;	      /* records both ways; the end's; NULL: nobody does */
	struct media_source *hold;    /* goes out here instead of what the partner sends; NULL: nothing */

	struct rtp_sender sender;
	struct rtp_receiver receiver; /* of the source of now */
	bool has_source;
	uint32_t told_ssrc, told_rtx_ssrc; /* by the far end's description; 0: not told */
	uint64_t packets_before, octets_before, lost_before; /* of the sources before */
	uint64_t n_stranded;	      /* packets whose type the partner does not take */
	int64_t heard_us, rtp_us;     /* when something genuine came last, RTCP too; when RTP did */
	struct rtcp_round_trip round_trip;
	uint32_t round_trip_us;
	struct media_far_report far;
	struct media_wish wish;
	uint8_t codec_type;	      /* payload type of the codec that came last; MEDIA_TYPE_NONE */
	struct media_quality quality;

	struct media_extensions extensions;
	unsigned feedback; /* enum sdp_feedback_kind: agreed with the far end */
	bool has_reduced_size;
	struct media_repair *repair; /* NULL: no NACK */
	bool wants_key_frame;	     /* somebody waits for one from this source, and it was not asked yet */
	uint8_t key_frame_number;    /* of our next FIR */
	int64_t key_frame_asked_us;  /* 0: never */
	uint8_t arrival_extension;   /* id of the header extension with the transport-wide number; 0: not agreed */
	struct media_rate rate;
	unsigned extended_wanted; /* enum sdp_extended_kind: reports that the far end asks for */
	struct media_extended *extended; /* NULL: it asks for none */
};

enum media_end_state {
	MEDIA_END_NEW,	     /* nothing known yet */
	MEDIA_END_READY,     /* our side is known */
	MEDIA_END_CONNECTED, /* media can flow */
	MEDIA_END_FAILED,
};

/* What the watch for silence knows of an end (watch.c). */
struct media_watch {
	GList link; /* in the worker's list */
	enum media_trouble trouble;
	int64_t since_us;		  /* of the trouble */
	int64_t looked_us;
	uint64_t refused[MEDIA_REFUSALS]; /* when it was heard last; of the end that carries the audio */
	uint64_t stranded;		  /* at the last look */
	unsigned n_stranded_looks;
};

/* What is asked of a packet, in and out. */
enum media_protection {
	MEDIA_PROTECTION_SRTP, /* without the keys for it nothing passes */
	MEDIA_PROTECTION_NONE,
};

struct media_end {
	struct media_worker *worker;
	struct media_end *main; /* of one beside it (beside.h): the leg's; NULL: this is the leg's */
	size_t n_beside;
	struct media_end *beside[MEDIA_STREAMS_MAX - 1];
	struct media_leg *handle;
	struct media_leg_options options;
	char log_id[MEDIA_NAME_BYTES]; /* of the session it is of now */
	char name[MEDIA_NAME_BYTES];
	struct log_context log;
	enum media_end_state state;

	/* The way out. */
	int rtp_descriptor, rtcp_descriptor; /* borrowed; -1: no way yet, or by way of ICE */
	struct net_address rtp_remote, rtcp_remote; /* length 0: none */
	struct net_address rtp_remote_before;	    /* WEBRTC: the pair before; what is authentic may still come from there */
	bool muxes_rtcp; /* WEBRTC: agreed */
	enum media_protection protection;
	struct media_srtp *srtp_send, *srtp_receive; /* NULL: not there yet, or not needed */
	struct media_sdes *sdes; /* NULL: the leg has no keys of its own */

	struct media_ice *ice;	   /* MEDIA_LEG_WEBRTC */
	struct media_dtls *dtls;   /* once there is a plan that wants it */
	struct media_plain *plain; /* MEDIA_LEG_RTP */
	struct media_hop_side *across; /* a stand-in for a leg on another worker: the way there */
	struct media_source *source; /* MEDIA_LEG_BUILTIN: what it plays to its partner; NULL: nothing */
	struct media_tap *tap;	     /* NULL: it is not recorded */
	enum media_play play;	     /* to the far end, in place of what the partner sends */

	bool has_plan;
	size_t n_streams;
	struct media_stream *streams[MEDIA_STREAMS_MAX];
	uint8_t stream_of_type[MEDIA_TYPES]; /* the first that has it; MEDIA_STREAM_NONE */
	struct media_end *partner;

	uint32_t ssrc; /* the first of those told in our description (struct sdp_transport) */
	char cname[MEDIA_CNAME_BYTES + 1], tls_id[MEDIA_TLS_ID_BYTES + 1];
	struct loop_timer report_timer;	  /* RTCP */
	struct loop_timer feedback_timer; /* runs while something is to be asked for or told */
	struct rtcp_arrivals *arrivals;	  /* of all streams with transport-cc; NULL: none has it */
	int64_t arrivals_told_us;
	struct {
		uint32_t ssrc, ntp_middle;
		int64_t at_us; /* 0: none, or answered */
	} reference; /* time of a far end that asks for the round trip (RFC 3611, section 4.4) */
	struct media_watch watch;
	uint64_t refused[MEDIA_REFUSALS];
	struct net_address refused_from; /* the last of them */
	uint8_t refused_type;
	int send_error; /* errno of the last packet that could not be sent; 0 */
	int64_t planned_us; /* when the first plan came */

	size_t early_bytes; /* 0: none */
	struct net_address early_from;
	uint8_t early[MEDIA_EARLY_BYTES];
};

/* --- end.c --- */
struct media_end *media_end_new(struct media_worker *worker, const char *log_id, struct media_leg *handle,
				const struct media_leg_options *options);
void media_end_start(struct media_end *end);
/* Accepts NULL and every half-built stage. */
struct media_end *media_end_free(struct media_end *end);
void media_end_apply(struct media_end *end, const struct sdp_leg_plan *plan);
/* Its part about streams: formats and directions. */
void media_end_apply_streams(struct media_end *end, const struct sdp_leg_plan *plan);
/* Has so many transports, if there are ports for them; the handle is told what there are. */
void media_end_open_transports(struct media_end *end, size_t n_transports);
void media_end_restart_ice(struct media_end *end);
void media_end_report(const struct media_end *end, struct media_report *ret_report);
/* The end is failed from then on, and the handle is told. */
void media_end_fail(struct media_end *end, enum media_failure failure);
/* Nothing has arrived for so long that the call is to end: the handle is told, nothing else changes. */
void media_end_tell_timeout(struct media_end *end);
/* ICE knows our candidates; and more of them. */
void media_end_gathered(struct media_end *end);
void media_end_gathered_more(struct media_end *end);
/* ICE has a pair, the first or another: packets go this way from now on; `descriptor` -1: by way of media_ice_send(). */
void media_end_path_found(struct media_end *end, int descriptor, const struct net_address *remote);
/* DTLS: the handshake is done and the certificate is the announced one. Takes the contexts. */
void media_end_keys_ready(struct media_end *end, struct media_srtp *send, struct media_srtp *receive);
/* Counts a packet that was not taken. `from` NULL: not known. */
static inline void media_end_refuse(struct media_end *end, enum media_refusal refusal, const struct net_address *from)
{
	end->refused[refusal]++;
	end->worker->n_refused[refusal]++;
	if (from)
		end->refused_from = *from;
}
static inline bool media_end_may_use_dtls(const struct media_end *end)
{
	return end->options.kind == MEDIA_LEG_WEBRTC || end->options.dtls;
}
/* Of several the first that goes anywhere; NULL: it has none. */
struct media_stream *media_end_audio(const struct media_end *end);
/* The leg's own end, of one beside it too (beside.h). */
static inline struct media_end *media_end_main(struct media_end *end)
{
	return end->main ? end->main : end;
}
static inline struct loop *media_end_loop(const struct media_end *end)
{
	return end->worker->loop;
}

/* --- path.c: packets in and out --- */
int media_socket_open(struct media_socket *socket, struct media_end *end, int descriptor); /* takes the descriptor */
void media_socket_close(struct media_socket *socket);
/* One datagram, wherever it was read. `bytes` has MEDIA_PACKET_ROOM behind it. */
void media_end_receive(struct media_end *end, const struct net_address *from, uint8_t *bytes, size_t length);
/* Unencrypted still; `capacity` is of the buffer. */
void media_end_send_rtp(struct media_end *end, uint8_t *bytes, size_t length, size_t capacity);
void media_end_send_rtcp(struct media_end *end, uint8_t *bytes, size_t length, size_t capacity);
/* As it is, for DTLS. */
void media_end_send_raw(struct media_end *end, const uint8_t *bytes, size_t length);
/* What the plugins have for formats[index]; NULL: nothing. */
const struct tandem_codec *media_stream_codec(const struct media_stream *stream, size_t index);
/* A packet in the partner's numbering, to be sent with this stream's identity; `packet` was parsed from `bytes`. */
void media_stream_send(struct media_stream *stream, const struct rtp_packet *packet, uint8_t *bytes, size_t capacity,
		       uint8_t type_out, uint32_t clock_hz);
/* The same of what is played in place of what the partner sends. */
void media_stream_say(struct media_stream *stream, const struct rtp_packet *packet, uint8_t *bytes, size_t capacity,
		      uint8_t type_out, uint32_t clock_hz);

/* --- stream.c --- */
struct media_stream *media_stream_new(struct media_end *end, const struct sdp_stream_plan *plan);
struct media_stream *media_stream_free(struct media_stream *stream);
/* True when formats or direction have changed. */
bool media_stream_apply(struct media_stream *stream, const struct sdp_stream_plan *plan);
/* A genuine packet of this source. */
void media_stream_note_received(struct media_stream *stream, const struct rtp_packet *packet, uint32_t jitter_clock_hz,
				int64_t now_us);
/* Of all its sources so far. */
uint64_t media_stream_packets(const struct media_stream *stream);
uint64_t media_stream_octets(const struct media_stream *stream);
uint64_t media_stream_lost(const struct media_stream *stream);
/* A block about what we send. */
void media_stream_note_far_report(struct media_stream *stream, const struct rtcp_report_block *block);
static inline bool media_stream_sends(const struct media_stream *stream)
{
	return stream->direction & SDP_SEND_ONLY;
}
static inline bool media_stream_receives(const struct media_stream *stream)
{
	return stream->direction & SDP_RECEIVE_ONLY;
}

/* --- bridge.c --- */
void media_bridge_join(struct media_end *a, struct media_end *b);
void media_bridge_part(struct media_end *end);
/* The plan of one side has changed. */
void media_bridge_refresh(struct media_end *end);
/* Whose packets go out as `stream`: its own for an echo; NULL: nobody's. */
struct media_stream *media_bridge_source(struct media_stream *stream);

/* --- report.c: RTCP --- */
void media_reports_start(struct media_end *end);
void media_reports_stop(struct media_end *end);
void media_reports_say_goodbye(struct media_end *end);
void media_reports_receive(struct media_end *end, const uint8_t *bytes, size_t length);
