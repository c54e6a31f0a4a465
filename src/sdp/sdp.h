/* SDP as a model (RFC 8866) with the attributes that calls use: RTP formats, direction, ICE (RFC 8839), DTLS (RFC
 * 8842), SDES (RFC 4568), BUNDLE (RFC 9143), rtcp-mux (RFC 5761), feedback (RFC 4585). Pure; any thread. Everything a
 * peer can grow has a limit; what is over it is refused (-E2BIG), never cut silently. */
#pragma once
#include "net/address.h"

#define SDP_BYTES_MAX	     49152
#define SDP_LINES_MAX	     1024
#define SDP_LINE_BYTES_MAX   4096
#define SDP_MEDIA_MAX	     8
#define SDP_FORMATS_MAX	     48
#define SDP_CANDIDATES_MAX   48
#define SDP_FINGERPRINTS_MAX 4
#define SDP_CRYPTO_MAX	     12
#define SDP_CRYPTO_KEY_BYTES_MAX 46
#define SDP_EXTENSIONS_MAX   24
#define SDP_FEEDBACK_MAX     256 /* browsers write five lines for each of 20 codecs of video */

enum sdp_direction {
	SDP_INACTIVE = 0,
	SDP_SEND_ONLY = 1,
	SDP_RECEIVE_ONLY = 2,
	SDP_SEND_RECEIVE = 3
}; /* bits: 1 sends, 2 receives */
enum sdp_kind { SDP_KIND_OTHER, SDP_KIND_AUDIO, SDP_KIND_VIDEO };
enum sdp_profile {
	SDP_PROFILE_OTHER,
	SDP_RTP_AVP,
	SDP_RTP_AVPF,
	SDP_RTP_SAVP,
	SDP_RTP_SAVPF,
	SDP_DTLS_SAVP,
	SDP_DTLS_SAVPF
};
enum sdp_setup { SDP_SETUP_NONE, SDP_SETUP_ACTIVE, SDP_SETUP_PASSIVE, SDP_SETUP_ACTPASS, SDP_SETUP_HOLDCONN };
enum sdp_candidate_type {
	SDP_CANDIDATE_HOST,
	SDP_CANDIDATE_SERVER_REFLEXIVE,
	SDP_CANDIDATE_PEER_REFLEXIVE,
	SDP_CANDIDATE_RELAYED
};
enum sdp_candidate_transport {
	SDP_CANDIDATE_UDP,
	SDP_CANDIDATE_TCP_ACTIVE,
	SDP_CANDIDATE_TCP_PASSIVE,
	SDP_CANDIDATE_TCP_SO
};

/* One payload type. Plain value. */
struct sdp_format {
	uint8_t payload_type;
	char encoding[32]; /* "opus", "PCMU", "telephone-event"; compared without case; static types are filled in */
	uint32_t clock_hz;
	uint8_t channels;     /* 1 when not given */
	char parameters[512]; /* a=fmtp, as it stands; "" when none */
};

struct sdp_candidate {
	char foundation[33];
	uint8_t component; /* 1 RTP, 2 RTCP */
	enum sdp_candidate_transport transport;
	uint32_t priority;
	struct net_address address; /* none (length 0) for names such as x.local, which are ignored */
	enum sdp_candidate_type type;
	struct net_address related;
};

struct sdp_fingerprint {
	char algorithm[12]; /* "sha-256", lower case */
	char digits[200];   /* "AB:CD:..." upper case */
};

/* One a=crypto line (RFC 4568, 6188, 7714) with one key. Plain value; a secret: wiped by who holds it, never logged. */
struct sdp_crypto {
	uint32_t tag;
	char suite[32]; /* "AES_CM_128_HMAC_SHA1_80"; "": no line */
	uint8_t key_bytes;
	uint8_t key[SDP_CRYPTO_KEY_BYTES_MAX]; /* master key and master salt */
	uint64_t lifetime_packets;	       /* 0: not given */
	uint64_t mki;			       /* with mki_bytes */
	uint8_t mki_bytes;		       /* 0: none */
	char session_parameters[64];	       /* as they stand */
};

/* How one side can be reached: what media gives out for our descriptions and takes in from theirs. Plain value. */
struct sdp_transport {
	struct net_address rtp; /* c= and m= port; port 9 and 0.0.0.0 as they stand */
	struct net_address
	    rtcp; /* a=rtcp, or port + 1: where RTCP goes unless rtcp_mux is agreed; none when not known */
	bool rtcp_mux;
	bool has_ice;
	bool ice_lite;
	bool ice_trickle;
	bool end_of_candidates;
	char ice_ufrag[257];
	char ice_pwd[257];
	size_t n_candidates;
	struct sdp_candidate candidates[SDP_CANDIDATES_MAX];
	size_t n_fingerprints;
	struct sdp_fingerprint fingerprints[SDP_FINGERPRINTS_MAX];
	enum sdp_setup setup;
	char tls_id[256];
	size_t n_crypto;
	struct sdp_crypto crypto[SDP_CRYPTO_MAX];
	/* Ours only, of the leg's first transport: the m= line i is sent as ssrc + 2 i, what it sends again as the next. 0: not
	 * told. */
	uint32_t ssrc;
	char cname[64];
};

struct sdp_extension { /* RFC 8285 */
	uint8_t id;
	enum sdp_direction direction;
	char uri[128];
};

/* The extensions we know, in the order of sdp_extension_uri(). */
enum sdp_extension_kind {
	SDP_EXTENSION_MID,	     /* RFC 9143 */
	SDP_EXTENSION_AUDIO_LEVEL,   /* RFC 6464 */
	SDP_EXTENSION_ABS_SEND_TIME, /* what a REMB is estimated by */
	SDP_EXTENSION_TRANSPORT_CC,  /* draft-holmer-rmcat-transport-wide-cc-extensions-01 */
	SDP_EXTENSION_KINDS
};

struct sdp_feedback { /* a=rtcp-fb; payload_type -1 for "*" */
	int payload_type;
	char value[32];
};

/* The feedback we know (RFC 4585, RFC 5104), as bits. */
enum sdp_feedback_kind {
	SDP_FEEDBACK_NACK = 1 << 0,
	SDP_FEEDBACK_PLI = 1 << 1, /* nack pli */
	SDP_FEEDBACK_FIR = 1 << 2, /* ccm fir */
	SDP_FEEDBACK_REMB = 1 << 3,
	SDP_FEEDBACK_TRANSPORT_CC = 1 << 4
};

/* Extended reports that the author of a description asks for (RFC 3611, section 5), as bits; those we have. */
enum sdp_extended_kind { SDP_EXTENDED_SUMMARY = 1 << 0, SDP_EXTENDED_VOIP = 1 << 1 };

struct sdp_media {
	enum sdp_kind kind;
	char kind_text[24];
	uint16_t port; /* 0: refused or ended */
	enum sdp_profile profile;
	char profile_text[32];
	char formats_text[256]; /* the format list as it stands, for media we do not know */
	size_t n_formats;
	struct sdp_format *formats; /* as many as there are; like the two others below owned by the media */
	enum sdp_direction direction; /* the session's where the media has none; hold by c=0.0.0.0 is NOT folded in */
	bool is_bundle_only;
	char mid[32];
	uint16_t ptime_ms;	    /* 0: not given */
	uint16_t maxptime_ms;	    /* 0: not given */
	uint32_t bandwidth_as_kbps;   /* what its author is ready to receive, with headers; 0: not given */
	uint32_t bandwidth_tias_bps;  /* the same without headers (RFC 3890); 0: not given */
	uint32_t ssrc;		      /* the first a=ssrc; 0: none */
	uint32_t retransmission_ssrc; /* the one that goes with it (a=ssrc-group:FID, RFC 5576); 0: none */
	char cname[64];
	char stream_id[128]; /* a=msid, as it stands */
	bool rtcp_reduced_size;
	unsigned extended_reports; /* enum sdp_extended_kind */
	struct sdp_transport transport; /* session-level ICE, fingerprint, setup, c= already folded in */
	size_t n_extensions;
	struct sdp_extension *extensions;
	size_t n_feedback;
	struct sdp_feedback *feedback;
};

/* One more, zeroed; the array may move. NULL when there are SDP_..._MAX. */
struct sdp_format *sdp_media_add_format(struct sdp_media *media);
struct sdp_extension *sdp_media_add_extension(struct sdp_media *media);
struct sdp_feedback *sdp_media_add_feedback(struct sdp_media *media);
/* To one that holds nothing. */
void sdp_media_copy(const struct sdp_media *from, struct sdp_media *to);
/* Wipes it and frees what it holds, not the media itself. */
void sdp_media_clear(struct sdp_media *media);

struct sdp_session {
	char username[64];
	uint64_t session_id;
	uint64_t session_version;
	struct net_address origin;
	size_t n_bundled; /* mids of the first a=group:BUNDLE */
	char bundle[SDP_MEDIA_MAX][32];
	size_t n_media;
	struct sdp_media *media; /* n_media of them, owned; NULL at rest */
	struct sdp_rest *rest;	 /* what is in them meanwhile; NULL: awake */
};

struct sdp_problem {
	unsigned line; /* from 1 */
	const char *reason;
};

/* 0; -EBADMSG or -E2BIG with *ret_problem (may be NULL). Unknown lines and attributes are skipped. */
int sdp_parse(const char *text, size_t length, struct sdp_session **ret_session, struct sdp_problem *ret_problem);
/* A new string with CRLF line ends, to be freed with sdp_text_free() when it may hold keys. */
char *sdp_print(const struct sdp_session *session, size_t *ret_length);
/* Wipes it. Accepts NULL; returns NULL. */
char *sdp_text_free(char *text);
struct sdp_session *sdp_session_new(size_t n_media);
/* Gives back the room of media beyond n_media, which hold nothing. */
void sdp_session_trim(struct sdp_session *session);
struct sdp_session *sdp_session_copy(const struct sdp_session *session);
struct sdp_session *sdp_session_free(struct sdp_session *session); /* accepts NULL, and one at rest */
/* A block of memory that is kept and seldom looked at, without its zeros, which are most of a session or a transport. Each
 * wipes and frees what it is given; NULL for NULL. */
struct sdp_packed;
struct sdp_packed *sdp_pack(void *block, size_t bytes);
void *sdp_unpack(struct sdp_packed *packed);
/* The same for all of a session, in place. Nothing but sdp_session_free() takes it until it is
 * woken. Both accept NULL, and do nothing the second time. */
void sdp_session_rest(struct sdp_session *session);
void sdp_session_wake(struct sdp_session *session);

/* The bit of enum sdp_feedback_kind; 0 for what we do not know. */
unsigned sdp_feedback_kind(const char *value);
const char *sdp_feedback_value(enum sdp_feedback_kind kind);
const char *sdp_extension_uri(enum sdp_extension_kind kind);
const struct sdp_extension *sdp_media_find_extension(const struct sdp_media *media, enum sdp_extension_kind kind);
/* The format by which `payload_type` is sent again (RFC 4588); NULL when there is none. */
const struct sdp_format *sdp_media_find_retransmission(const struct sdp_media *media, uint8_t payload_type);

const char *sdp_direction_name(enum sdp_direction direction); /* "sendrecv", ... */
enum sdp_direction sdp_direction_reverse(enum sdp_direction direction);
const struct sdp_format *sdp_media_find_format(const struct sdp_media *media, uint8_t payload_type);
/* Same encoding, clock rate and channels (and, for codecs where it decides, the same mode in fmtp). */
bool sdp_format_same_codec(const struct sdp_format *a, const struct sdp_format *b);
bool sdp_format_is_telephone_event(const struct sdp_format *format); /* RFC 4733 */
/* A fmtp parameter's value into `value`; false when absent. */
bool sdp_format_parameter(const struct sdp_format *format, const char *name, char *value, size_t size);
/* A candidate line without "a=" ("candidate:1 1 udp ..."), as trickle ICE sends it. */
int sdp_candidate_parse(const char *text, struct sdp_candidate *ret_candidate);
char *sdp_candidate_print(const struct sdp_candidate *candidate);

/* Adds the candidates of a fragment (RFC 8840, application/trickle-ice-sdpfrag) that the description has not yet. 0; -E2BIG or -EBADMSG
 * (control characters), and what came before is in; -ESTALE when it belongs to other credentials: before an ICE restart, or after one. */
int sdp_fragment_take(struct sdp_session *session, const char *text, size_t length, size_t *ret_added);
/* A fragment with the candidates from `first` on, of the description's first media; they are the last ones. A new string. */
char *sdp_fragment_print(const struct sdp_media *media, const struct sdp_transport *transport, size_t first);
