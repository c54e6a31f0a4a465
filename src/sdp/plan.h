/* What offer and answer have settled on one leg: made by negotiate, carried out by media, which know nothing of each
 * other. Plain values; any thread. */
#pragma once
#include "sdp/sdp.h"

#define SDP_TYPE_NONE 0xff /* no payload type */

#define SDP_PARAMETERS_BYTES_MAX sizeof(((struct sdp_format *)NULL)->parameters)

/* What media converts between, for negotiate to offer and to accept where two far ends have no codec in common. */
struct sdp_converter {
	size_t n_formats;
	const struct sdp_format *formats; /* of audio, the most liked first, with our parameters */
	size_t n_usual; /* so many of them are offered to whom nobody has said which he has: an INVITE must stay short */
	/* Whether `format`, a far end's, is one of these; ret_parameters is then what our answer says of it. */
	bool (*takes)(const struct sdp_converter *converter, const struct sdp_format *format,
		      char ret_parameters[static SDP_PARAMETERS_BYTES_MAX]);
	const void *data; /* its own */
	bool has_comfort_noise; /* (RFC 3389) beside what is converted, for who offers it */
};

/* One stream (an m= line that is carried). */
struct sdp_stream_plan {
	enum sdp_kind kind;
	uint8_t line;	   /* which m= line it is: the stream is the same for as long as the session lasts */
	uint8_t rank;	   /* among the lines of its kind: streams of two legs with the same belong together */
	uint8_t transport; /* which of ours it is sent from and received at */
	char mid[32];
	enum sdp_direction direction; /* ours: whether we send to and receive from the far end */
	size_t n_formats;
	struct sdp_format formats[SDP_FORMATS_MAX]; /* that both sides know, with the payload types we receive; codecs
						     * first, the first is the one we send by preference; then
						     * telephone-event and comfort noise; the parameters are
						     * the far end's; of pictures, which are not decoded, the
						     * offer's: by these the streams of two legs know their codecs */
	/* Payload types for sending, which may differ from those for receiving (RFC 3264, section 6.1): send_types[i]
	 * goes with formats[i]. */
	uint8_t send_types[SDP_FORMATS_MAX];
	uint16_t ptime_ms;	     /* what the far end asks for; 0: nothing */
	uint16_t maxptime_ms;	     /* and takes at most; 0: it does not say */
	struct sdp_transport remote; /* the far end's; unused in BUNDLEd streams after the first. rtcp_mux: agreed */
	bool we_are_dtls_client;
	/* SDES (RFC 4568): what we send and receive with; suite "": none, the stream is keyed by DTLS where the far end has
	 * a fingerprint, and plain where it has none. The streams of a bundle have those of the first. */
	struct sdp_crypto send_crypto, receive_crypto;
	/* enum sdp_feedback_kind: what both sides have named, for the stream or for one of its codecs. Either side may then send
	 * it, and takes it. */
	unsigned feedback;
	unsigned extended_reports; /* enum sdp_extended_kind: that the far end asks for */
	bool has_reduced_size; /* RTCP may come without a report before it (RFC 5506) */
	/* Retransmission of formats[i] (RFC 4588) that the far end sends, and takes from us; SDP_TYPE_NONE: none. */
	uint8_t rtx_receive_types[SDP_FORMATS_MAX], rtx_send_types[SDP_FORMATS_MAX];
	/* What was told of the sources; 0: nothing. Retransmissions go as the second of the two. */
	uint32_t local_ssrc, local_rtx_ssrc, remote_ssrc, remote_rtx_ssrc;
	uint8_t extension_ids[SDP_EXTENSION_KINDS]; /* agreed, the same both ways; 0: none */
	bool is_bundled;   /* shares the transport of the first stream */
};

struct sdp_leg_plan {
	size_t n_streams;
	struct sdp_stream_plan *streams; /* owned by whoever made the plan */
};

/* Frees the streams, not the plan. */
void sdp_leg_plan_clear(struct sdp_leg_plan *plan);
