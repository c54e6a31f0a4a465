/* What goes with the formats of a stream: retransmission, feedback, header extensions, sources. Each is between one far end
 * and us, except for what is expressly carried over. */
#include "negotiate/negotiate_private.h"

#include <stdio.h>
#include <string.h>

/* What media takes and sends on its own account, whatever the other leg has. */
#define VIDEO_FEEDBACK                                                                                                  \
	(SDP_FEEDBACK_NACK | SDP_FEEDBACK_PLI | SDP_FEEDBACK_FIR | SDP_FEEDBACK_REMB | SDP_FEEDBACK_TRANSPORT_CC)
#define AUDIO_FEEDBACK SDP_FEEDBACK_NACK
#define WEBRTC_FEEDBACK (SDP_FEEDBACK_REMB | SDP_FEEDBACK_TRANSPORT_CC) /* no standards: telephones are not offered it */

#define EXTENSION_ID_MAX 14 /* of the one-byte form (RFC 8285, section 4.2) */

static bool is_feedback_profile(enum sdp_profile profile)
{
	return profile == SDP_RTP_AVPF || profile == SDP_RTP_SAVPF || profile == SDP_DTLS_SAVPF;
}

/* Lines without AVPF are against RFC 4585 and common among telephones, which take them as they are meant. */
static unsigned named_feedback(const struct sdp_media *media)
{
	unsigned kinds = 0;
	for (size_t i = 0; i < media->n_feedback; i++)
		kinds |= sdp_feedback_kind(media->feedback[i].value);
	return kinds;
}

static unsigned our_feedback(const struct sdp_media *media)
{
	return media->kind == SDP_KIND_VIDEO ? VIDEO_FEEDBACK : AUDIO_FEEDBACK;
}

static unsigned offered_feedback(const struct negotiate_leg *leg, const struct sdp_media *media)
{
	if (media->kind != SDP_KIND_VIDEO && !is_feedback_profile(media->profile))
		return 0;
	return our_feedback(media) & (leg->profile.kind == NEGOTIATE_WEBRTC ? ~0u : ~(unsigned)WEBRTC_FEEDBACK);
}

void negotiate_offer_feedback(const struct negotiate_leg *leg, struct sdp_media *media)
{
	unsigned kinds = offered_feedback(leg, media);
	for (unsigned kind = 1; kind <= kinds; kind <<= 1) {
		struct sdp_feedback *feedback = kind & kinds ? sdp_media_add_feedback(media) : NULL;
		if (!feedback)
			continue;
		feedback->payload_type = -1;
		base_copy_text(feedback->value, sizeof feedback->value, sdp_feedback_value(kind));
	}
	media->rtcp_reduced_size = media->kind == SDP_KIND_VIDEO && is_feedback_profile(media->profile);
}

void negotiate_answer_feedback(const struct sdp_media *offer, struct sdp_media *media)
{
	for (size_t i = 0; i < offer->n_feedback; i++) {
		const struct sdp_feedback *offered = &offer->feedback[i];
		bool is_ours = offered->payload_type < 0 || sdp_media_find_format(media, offered->payload_type);
		if (is_ours && (sdp_feedback_kind(offered->value) & our_feedback(media)))
			*sdp_media_add_feedback(media) = *offered;
	}
	media->rtcp_reduced_size = media->n_feedback && offer->rtcp_reduced_size;
}

void negotiate_answer_retransmission(const struct sdp_media *offer, struct sdp_media *media)
{
	size_t n_codecs = media->n_formats;
	if (!(named_feedback(offer) & SDP_FEEDBACK_NACK))
		return;
	for (size_t i = 0; i < n_codecs; i++) {
		const struct sdp_format *again = sdp_media_find_retransmission(offer, media->formats[i].payload_type);
		struct sdp_format *format = again ? sdp_media_add_format(media) : NULL;
		if (format)
			*format = *again;
	}
}

void negotiate_describe_sources(const struct negotiate_leg *leg, size_t index, struct sdp_media *media)
{
	const struct sdp_transport *first = &leg->transports[0];
	if (leg->profile.kind != NEGOTIATE_WEBRTC || !first->ssrc)
		return;
	media->ssrc = first->ssrc + 2 * (uint32_t)index;
	base_copy_text(media->cname, sizeof media->cname, first->cname);
	for (size_t i = 0; i < media->n_formats; i++)
		if (sdp_media_find_retransmission(media, media->formats[i].payload_type))
			media->retransmission_ssrc = media->ssrc + 1;
}

/* --- header extensions (RFC 8285) --- */

static const struct sdp_extension *extension_by_id(const struct sdp_session *session, unsigned id)
{
	for (size_t i = 0; session && i < session->n_media; i++)
		for (size_t k = 0; k < session->media[i].n_extensions; k++)
			if (session->media[i].extensions[k].id == id)
				return &session->media[i].extensions[k];
	return NULL;
}

static unsigned extension_id(const struct sdp_session *session, enum sdp_extension_kind kind)
{
	const struct sdp_extension *extension = NULL;
	for (size_t i = 0; session && i < session->n_media && !extension; i++)
		extension = sdp_media_find_extension(&session->media[i], kind);
	return extension ? extension->id : 0;
}

/* A number means the same for as long as the session lasts, in all its streams. 0: none is left. */
static unsigned choose_extension_id(const struct negotiate_leg *leg, const struct sdp_session *session,
				    enum sdp_extension_kind kind)
{
	unsigned known = extension_id(session, kind);
	known = known ? known : extension_id(leg->local, kind);
	known = known ? known : extension_id(leg->remote, kind);
	for (unsigned id = 1; !known && id <= EXTENSION_ID_MAX; id++)
		if (!extension_by_id(session, id) && !extension_by_id(leg->local, id) && !extension_by_id(leg->remote, id))
			known = id;
	return known;
}

static void add_extension(struct sdp_media *media, unsigned id, enum sdp_extension_kind kind,
			  enum sdp_direction direction)
{
	struct sdp_extension *extension = id ? sdp_media_add_extension(media) : NULL;
	if (!extension)
		return;
	extension->id = id;
	extension->direction = direction;
	base_copy_text(extension->uri, sizeof extension->uri, sdp_extension_uri(kind));
}

/* The level of the sound is the other far end's to give and to know. */
static bool carries_level(const struct sdp_media *media, const struct sdp_media *other)
{
	return media->kind == SDP_KIND_AUDIO && other && sdp_media_find_extension(other, SDP_EXTENSION_AUDIO_LEVEL);
}

void negotiate_offer_extensions(const struct negotiate_leg *leg, const struct sdp_media *other,
				const struct sdp_session *session, struct sdp_media *media)
{
	enum sdp_extension_kind kind = SDP_EXTENSION_AUDIO_LEVEL;
	if (carries_level(media, other))
		add_extension(media, choose_extension_id(leg, session, kind), kind, SDP_SEND_RECEIVE);
	/* We tell when packets came, and number none of ours. */
	kind = SDP_EXTENSION_TRANSPORT_CC;
	if (named_feedback(media) & SDP_FEEDBACK_TRANSPORT_CC)
		add_extension(media, choose_extension_id(leg, session, kind), kind, SDP_RECEIVE_ONLY);
}

static void answer_extension(const struct sdp_media *offer, enum sdp_extension_kind kind, struct sdp_media *media)
{
	const struct sdp_extension *offered = sdp_media_find_extension(offer, kind);
	if (offered && offered->direction == SDP_SEND_RECEIVE)
		add_extension(media, offered->id, kind, SDP_SEND_RECEIVE);
}

void negotiate_answer_extensions(const struct sdp_media *offer, const struct sdp_media *other, struct sdp_media *media)
{
	if (carries_level(media, other))
		answer_extension(offer, SDP_EXTENSION_AUDIO_LEVEL, media);
	const struct sdp_extension *numbered = sdp_media_find_extension(offer, SDP_EXTENSION_TRANSPORT_CC);
	if (numbered && (numbered->direction & SDP_SEND_ONLY) && (named_feedback(media) & SDP_FEEDBACK_TRANSPORT_CC))
		add_extension(media, numbered->id, SDP_EXTENSION_TRANSPORT_CC, SDP_RECEIVE_ONLY);
}

void negotiate_describe_mids(const struct negotiate_leg *leg, const struct sdp_session *offer, struct sdp_session *session)
{
	enum sdp_extension_kind kind = SDP_EXTENSION_MID;
	if (session->n_bundled < 2)
		return;
	for (size_t i = 0; i < session->n_media; i++) {
		struct sdp_media *media = &session->media[i];
		if (!negotiate_is_active(media) || !negotiate_is_bundled(session, media->mid))
			continue;
		if (offer)
			answer_extension(&offer->media[i], kind, media);
		else
			add_extension(media, choose_extension_id(leg, session, kind), kind, SDP_SEND_RECEIVE);
	}
}

/* --- the plan --- */

static unsigned agreed_feedback(const struct sdp_media *media, const struct sdp_stream_plan *plan, const uint8_t *types)
{
	unsigned kinds = 0;
	for (size_t i = 0; i < media->n_feedback; i++) {
		const struct sdp_feedback *feedback = &media->feedback[i];
		bool is_meant = feedback->payload_type < 0;
		for (size_t k = 0; k < plan->n_formats; k++)
			is_meant |= feedback->payload_type == types[k];
		if (is_meant)
			kinds |= sdp_feedback_kind(feedback->value);
	}
	return kinds;
}

static uint8_t retransmission_type(const struct sdp_media *media, uint8_t type)
{
	const struct sdp_format *format = sdp_media_find_retransmission(media, type);
	return format ? format->payload_type : SDP_TYPE_NONE;
}

void negotiate_plan_feedback(const struct sdp_media *local, const struct sdp_media *remote, struct sdp_stream_plan *plan)
{
	uint8_t receive_types[SDP_FORMATS_MAX];
	for (size_t i = 0; i < plan->n_formats; i++) {
		uint8_t ours = receive_types[i] = plan->formats[i].payload_type, theirs = plan->send_types[i];
		plan->rtx_receive_types[i] = retransmission_type(local, ours);
		plan->rtx_send_types[i] = retransmission_type(remote, theirs);
		if (plan->rtx_receive_types[i] == SDP_TYPE_NONE || plan->rtx_send_types[i] == SDP_TYPE_NONE)
			plan->rtx_receive_types[i] = plan->rtx_send_types[i] = SDP_TYPE_NONE;
	}
	plan->feedback = agreed_feedback(local, plan, receive_types) & agreed_feedback(remote, plan, plan->send_types);
	plan->has_reduced_size = local->rtcp_reduced_size && remote->rtcp_reduced_size;
	plan->extended_reports = remote->extended_reports;
	plan->local_ssrc = local->ssrc;
	plan->local_rtx_ssrc = local->retransmission_ssrc;
	plan->remote_ssrc = remote->ssrc;
	plan->remote_rtx_ssrc = remote->retransmission_ssrc;
	for (enum sdp_extension_kind kind = 0; kind < SDP_EXTENSION_KINDS; kind++) {
		const struct sdp_extension *ours = sdp_media_find_extension(local, kind),
					   *theirs = sdp_media_find_extension(remote, kind);
		if (ours && theirs && ours->id == theirs->id)
			plan->extension_ids[kind] = ours->id;
	}
}
