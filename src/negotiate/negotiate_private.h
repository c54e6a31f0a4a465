/* What the files of the room share. */
#pragma once
#include "negotiate/negotiate.h"

/* codec.c */

/* Speech, sound or picture itself, as against telephone-event, comfort noise, redundancy, retransmission. */
bool negotiate_is_codec(const struct sdp_format *format);
bool negotiate_is_retransmission(const struct sdp_format *format);
/* Whether the NULL-terminated list has the encoding; a NULL list has none. */
bool negotiate_list_has(const char *const *names, const struct sdp_format *format);
/* A format as we offer it ourselves; payload_type is the usual one. False for an encoding we know nothing of. */
bool negotiate_known_format(const char *encoding, enum sdp_kind kind, struct sdp_format *ret_format);
extern const char *const negotiate_full_offer[];

/* A bounded list of formats that belong to descriptions, or to `own`. */
struct negotiate_formats {
	size_t n;
	struct sdp_format items[SDP_FORMATS_MAX];
};
bool negotiate_formats_add(struct negotiate_formats *formats, const struct sdp_format *format);
/* The first that is the same codec, or NULL. */
const struct sdp_format *negotiate_formats_find(const struct sdp_format *items, size_t n,
						const struct sdp_format *wanted);
bool negotiate_clock_in_use(const struct negotiate_formats *formats, uint32_t clock_hz);
/* The codecs of this kind that the leg may use; NULL: all, also where the profile's list names none of the kind. */
const char *const *negotiate_codecs(const struct negotiate_profile *profile, enum sdp_kind kind);
/* Brings the codecs into the order of `names` and drops those it has not; a NULL list changes nothing. */
void negotiate_formats_order(struct negotiate_formats *formats, const char *const *names);

/* stream.c */

/* Whether the m= line is in use; a bundle-only one has port 0 in an offer and is (RFC 9143, section 6). */
bool negotiate_is_active(const struct sdp_media *media);
/* Whether the leg carries such streams at all. */
bool negotiate_carries(const struct negotiate_profile *profile, enum sdp_kind kind);
/* Whether a stream the far end of such a leg describes can be carried at all: kind, profile, security, ICE. */
bool negotiate_can_carry(const struct negotiate_profile *profile, const struct sdp_media *media);
/* The describer's direction, with a hold by 0.0.0.0 (RFC 2543) folded in. */
enum sdp_direction negotiate_direction(const struct sdp_media *media);
/* `direction` is what the leg's far end does with `media`; sending is added where media does it in its place. */
enum sdp_direction negotiate_fill_silence(const struct negotiate_leg *leg, const struct sdp_media *media,
					  enum sdp_direction direction);
bool negotiate_is_bundled(const struct sdp_session *session, const char *mid);
/* How many lines of its kind stand before it. */
size_t negotiate_rank(const struct sdp_session *session, size_t index);
/* The stream of `other` that belongs to session->media[index], or NULL. */
const struct sdp_media *negotiate_partner(const struct sdp_session *session, size_t index,
					  const struct sdp_session *other);
/* Which transport an unbundled stream has: lines of kinds that nobody carries have none. The same for as long as the session
 * lasts. */
size_t negotiate_transport_rank(const struct sdp_session *session, size_t index);
/* The place of that stream, or -1. */
int negotiate_partner_index(const struct sdp_session *session, size_t index, const struct sdp_session *other);

/* The formats both descriptions of a stream have, in the answer's order; local[i] and remote[i] are one. offered[i] is that of
 * the two that the offer has, and says which codec it is: telephones answer with the offer's number and parameters of their own. */
struct negotiate_agreed {
	size_t n;
	const struct sdp_format *local[SDP_FORMATS_MAX], *remote[SDP_FORMATS_MAX], *offered[SDP_FORMATS_MAX];
};
void negotiate_agree(const struct sdp_media *local, const struct sdp_media *remote, bool local_is_offer,
		     struct negotiate_agreed *ret_agreed);
/* That of the leg's stream `index`; n is 0 when the stream is not in use. */
void negotiate_leg_agreed(const struct negotiate_leg *leg, size_t index, struct negotiate_agreed *ret_agreed);
/* The far end's own form of a codec that is agreed on, or NULL. */
const struct sdp_format *negotiate_agreed_find(const struct negotiate_agreed *agreed, const struct sdp_format *codec);

/* Whether media can convert to and from it. `ret_parameters` may be NULL: what our answer says of it. */
bool negotiate_converts(const struct negotiate_profile *profile, const struct sdp_format *format, char *ret_parameters);
/* Whether to and from any of what a stream has agreed to. */
bool negotiate_converts_any(const struct negotiate_profile *profile, const struct negotiate_agreed *agreed);

/* describe.c */

/* An m= line of ours that is in use, without formats: profile, transport, and for WebRTC the stream's name. */
void negotiate_describe_stream(const struct negotiate_leg *leg, size_t index, const struct sdp_transport *transport,
			       struct sdp_media *media);
/* Once the direction of our m= line is decided. */
void negotiate_describe_hold(const struct negotiate_leg *leg, struct sdp_media *media);
/* Makes the m= line a refused one: port 0 and nothing of the transport but an address. */
void negotiate_refuse_stream(const struct negotiate_leg *leg, struct sdp_media *media);
/* The transport of the stream `index`, or NULL when there is none for it. */
const struct sdp_transport *negotiate_transport(const struct negotiate_leg *leg, const struct sdp_session *session,
						size_t index, bool is_bundled);
/* The o= line: the version goes up when anything differs from the last description. */
void negotiate_describe_origin(const struct negotiate_leg *leg, struct sdp_session *session);

/* feedback.c */

/* Of a stream of ours that has its profile and formats. */
void negotiate_offer_feedback(const struct negotiate_leg *leg, struct sdp_media *media);
void negotiate_answer_feedback(const struct sdp_media *offer, struct sdp_media *media);
/* The formats by which the chosen ones are sent again (RFC 4588). */
void negotiate_answer_retransmission(const struct sdp_media *offer, struct sdp_media *media);
/* The SSRCs that media will send the m= line `index` as. */
void negotiate_describe_sources(const struct negotiate_leg *leg, size_t index, struct sdp_media *media);
/* The name of its stream in each packet, where there is more than one; `offer` NULL: the session is the offer. */
void negotiate_describe_mids(const struct negotiate_leg *leg, const struct sdp_session *offer, struct sdp_session *session);
/* Other header extensions; `other` is what the other leg's far end has said of the stream, NULL: nothing. `session` is the one
 * that `media` is of. */
void negotiate_offer_extensions(const struct negotiate_leg *leg, const struct sdp_media *other,
				const struct sdp_session *session, struct sdp_media *media);
void negotiate_answer_extensions(const struct sdp_media *offer, const struct sdp_media *other, struct sdp_media *media);
/* All of it, into a plan that has its formats. */
void negotiate_plan_feedback(const struct sdp_media *local, const struct sdp_media *remote, struct sdp_stream_plan *plan);

/* keying.c */

enum negotiate_keying {
	NEGOTIATE_KEYING_UNDECIDED, /* no exchange yet */
	NEGOTIATE_KEYING_PLAIN,
	NEGOTIATE_KEYING_SDES,
	NEGOTIATE_KEYING_DTLS,
};
/* What the stream is encrypted by now; with SDES, our line, else NULL. */
enum negotiate_keying negotiate_current_keying(const struct negotiate_leg *leg, size_t index,
					       const struct sdp_crypto **ret_line);
/* What our answer to an offer that can be carried will be encrypted by. */
enum negotiate_keying negotiate_answer_keying(const struct negotiate_leg *leg, size_t index,
					      const struct sdp_media *offer);
bool negotiate_is_secure_profile(enum sdp_profile profile);
/* The part in DTLS of who has the transport `one`: ACTIVE (the client) or PASSIVE. An answer without a=setup is passive (RFC 4145,
 * section 4). */
enum sdp_setup negotiate_role(const struct sdp_transport *one, const struct sdp_transport *other);
/* Our part in an answer. An association that stands keeps its roles (RFC 8842, sections 5.3 and 5.5); without a=setup the offerer
 * is active (RFC 4145, section 4). */
enum sdp_setup negotiate_answer_setup(const struct negotiate_leg *leg, size_t index, enum sdp_setup offered);
/* Names the association of an offer and of an answer of ours (a=tls-id, RFC 8842): as media has named it at first, then as it
 * stands, and anew with an answer that makes a new one. `transport` has our a=setup already. */
void negotiate_offer_tls_id(const struct negotiate_leg *leg, size_t index, struct sdp_transport *transport);
void negotiate_answer_tls_id(const struct negotiate_leg *leg, size_t index, const struct sdp_transport *offer,
			     struct sdp_transport *transport);
/* Whether there is a line without MKI, of a suite that media has, with a key of the right length. */
bool negotiate_has_usable_crypto(const struct sdp_transport *transport);
/* The offerer's first usable line whose suite we have a key for; that of the suite of our line in use (NULL: none) if it
 * is offered: our key with the offer's tag. False when there is none. */
bool negotiate_choose_crypto(const struct sdp_transport *ours, const struct sdp_transport *offered,
			     const struct sdp_crypto *in_use, struct sdp_crypto *ret_answer);
/* The two lines that an exchange has settled on. */
bool negotiate_crypto_pair(const struct sdp_media *offer, const struct sdp_media *answer,
			   const struct sdp_crypto **ret_offered, const struct sdp_crypto **ret_answered);
/* Leaves only what belongs to this way of keying. */
void negotiate_keep_keying(struct sdp_transport *transport, enum negotiate_keying keying);
/* Leaves one line. */
void negotiate_keep_crypto(struct sdp_transport *transport, const struct sdp_crypto *line);
