/* Offer and answer (RFC 3264) on one leg so that it fits the other leg of the call: which streams, codecs, payload
 * types and directions each side is told. Pure; any thread; keeps nothing between calls, the caller keeps the
 * descriptions.
 *
 * Streams of two legs belong together by kind and rank: the first audio of one to the first audio of the other. An m=
 * line never leaves its place (RFC 3264, section 8), so this needs no table that could be wrong. */
#pragma once
#include "sdp/plan.h"

enum negotiate_kind {
	NEGOTIATE_WEBRTC, /* UDP/TLS/RTP/SAVPF with ICE, DTLS-SRTP, rtcp-mux, BUNDLE; other spellings taken in offers */
	NEGOTIATE_RTP,	  /* RTP/AVP; RTP/AVPF taken in offers */
};

/* Whether keys may stand in the descriptions (SDES, RFC 4568), where the leg's transports hold some of ours. */
enum negotiate_sdes {
	NEGOTIATE_SDES_OFF,
	/* RTP: we offer RTP/AVP with keys, and take it or leave it; RTP/SAVP is taken in offers. WEBRTC: we offer DTLS; offers
	 * of RTP/SAVPF with keys and without a fingerprint are taken. */
	NEGOTIATE_SDES_ALLOWED,
	/* RTP: we offer RTP/SAVP, and nothing goes unencrypted. WEBRTC: we offer RTP/SAVPF with keys; DTLS is still taken. */
	NEGOTIATE_SDES_WANTED,
};

/* What a leg is. Texts and lists are borrowed. */
struct negotiate_profile {
	enum negotiate_kind kind;
	/* The codecs this leg may use, in its order of preference, by encoding name; NULL-terminated. NULL: whatever
	 * the far ends offer, in their order. A full offer of ours with NULL is opus, G722, PCMU, PCMA. */
	const char *const *codecs;
	/* Codecs that media converts between: added to our offers behind those the other side offered, and accepted in
	 * answers when the two sides share none. NULL: no transcoding, both legs must share a codec. */
	const struct sdp_converter *converter;
	bool offers_all_codecs; /* of the converter: also those that are not usual */
	enum negotiate_sdes sdes;
	bool is_dtls;	    /* RTP: UDP/TLS/RTP/SAVP and nothing else (RFC 5763, without ICE); `sdes` is off then */
	bool fills_silence; /* media speaks for a far end that neither sends nor receives audio (music on hold) */
	bool holds_by_address; /* what we do not want to receive is sent to 0.0.0.0 too (RFC 2543), as RFC 3264 still has it read */
	bool carries_dtmf;  /* telephone-event (RFC 4733) */
	bool carries_video; /* when the other leg does so too */
	bool trickle;	    /* says so in ICE options */
	uint64_t session_id;
	struct net_address origin; /* of o=; none: that of the transport */
};

/* A leg as it stands: what it is, where it is reached, and its last complete offer/answer. All borrowed. */
struct negotiate_leg {
	struct negotiate_profile profile;
	/* Stream by stream (negotiate_count_transports()). One with BUNDLE serves all; without it streams beyond n_transports are
	 * refused. */
	size_t n_transports;
	const struct sdp_transport *transports;
	const struct sdp_session *local, *remote; /* NULL before the first exchange */
	bool local_was_offer;			  /* of that pair: ours was the offer */
	uint64_t last_version; /* the highest o= version sent on this leg, also in an offer that was refused; 0: none */
};

/* Our offer on `leg`. `from_other` is what the far end of the other leg has said (offer or answer): its codecs with
 * their payload types where these are free, its directions (hold passes through). NULL: a full offer of our own (late
 * offer, built-in). Lines, mids and payload types of the leg's earlier descriptions stay. The version goes up by one
 * unless nothing has changed. The caller frees *ret_offer. 0; -ENOTSUP when no stream can be offered; -E2BIG with too
 * many streams. */
int negotiate_make_offer(const struct negotiate_leg *leg, const struct sdp_session *from_other,
			 struct sdp_session **ret_offer);

/* Our answer to `offer`, received on `leg`. `other`: the other leg, whose local and remote descriptions say what its
 * far end has agreed to; NULL: built-in, we answer alone. Codecs are those both far ends have, in the other's order,
 * with the offer's payload types. Works as often as needed (18x and 2xx, an offer that concerns only this leg).
 * -ENOTSUP when nothing is common (488), -EINVAL when `other` has no complete exchange. */
int negotiate_make_answer(const struct negotiate_leg *leg, const struct sdp_session *offer,
			  const struct negotiate_leg *other, struct sdp_session **ret_answer);

/* How many transports the leg needs to describe all that can be carried of `from`: an offer that it has received
 * (`is_offer`), or what the other leg's far end has said. At least one. */
size_t negotiate_count_transports(const struct negotiate_leg *leg, const struct sdp_session *from, bool is_offer);

/* Whether a leg of this kind can answer `offer` at all; asked before the other side is called. 0 or -ENOTSUP (488). */
int negotiate_check_offer(const struct negotiate_profile *profile, const struct sdp_session *offer);

/* Whether `answer` is one to `offer`, ours. 0; -EBADMSG with *ret_reason (static text, may be NULL) when it breaks the
 * rules of RFC 3264; -ENOTSUP when it refuses every stream. */
int negotiate_check_answer(const struct sdp_session *offer, const struct sdp_session *answer, const char **ret_reason);

/* What media is to do. Streams that either side has refused are left out. sdp_leg_plan_clear() afterwards. 0 or
 * -ENOTSUP when nothing is left. */
int negotiate_make_plan(const struct sdp_session *local, const struct sdp_session *remote, bool local_is_offer,
			struct sdp_leg_plan *ret_plan);

/* Whether the far end wants nothing from us: every stream sendonly, inactive, or (without ICE) at 0.0.0.0. */
bool negotiate_is_hold(const struct sdp_session *session);

/* Whether it sends nothing: every stream recvonly or inactive. */
bool negotiate_is_silent(const struct sdp_session *session);

/* Whether the other leg must hear of `offer`, newly received on `leg`: streams, directions or the codecs in use change.
 * Not for an ICE restart, other addresses or candidates, a session refresh, more codecs than those agreed. When false,
 * negotiate_make_answer() answers from what the other leg has. */
bool negotiate_needs_reoffer(const struct negotiate_leg *leg, const struct sdp_session *offer);

/* Whether what one far end now sends by preference can go to the other as it is, and what else it may send can too, or can be
 * converted. False after a late offer, a fork or a transfer that chose differently: offer `b` again with a's remote description, so
 * that nothing is converted that need not be. */
bool negotiate_legs_match(const struct negotiate_leg *a, const struct negotiate_leg *b);

/* What the far end has said, but for the directions where our own offer kept it from saying more: as it is to be told to
 * others. It must have said something. The caller frees it. */
struct sdp_session *negotiate_wishes(const struct negotiate_leg *leg);
/* The same of an offer of the far end that waits for its answer. The caller frees it. */
struct sdp_session *negotiate_wishes_of_offer(const struct negotiate_leg *leg, const struct sdp_session *offer);

/* Whether the far end of `leg` was told the directions that the far end of `other` has last said, as far as its own offer
 * let us. */
bool negotiate_directions_match(const struct negotiate_leg *leg, const struct negotiate_leg *other);

/* Whether `offer` restarts ICE on the leg (RFC 8445, section 9): media must make new credentials before the answer. */
bool negotiate_is_ice_restart(const struct negotiate_leg *leg, const struct sdp_session *offer);
