/* The parts that offers and answers of ours have in common. */
#include "negotiate/negotiate_private.h"

#include <stdio.h>
#include <string.h>

void negotiate_describe_stream(const struct negotiate_leg *leg, const struct sdp_transport *transport,
			       struct sdp_media *media)
{
	media->transport = *transport;
	media->port = transport->rtp.length ? net_address_port(&transport->rtp) : 9;
	media->transport.ice_trickle = transport->has_ice && leg->profile.trickle;
	if (leg->profile.kind == NEGOTIATE_WEBRTC)
		snprintf(media->stream_id, sizeof media->stream_id, "tandem %s%s", media->kind_text, media->mid);
	if (leg->profile.ssrc && media->kind == SDP_KIND_AUDIO) {
		media->ssrc = leg->profile.ssrc;
		base_copy_text(media->cname, sizeof media->cname, leg->profile.cname ? leg->profile.cname : "");
	}
}

void negotiate_refuse_stream(const struct negotiate_leg *leg, struct sdp_media *media)
{
	struct sdp_media refused = {
	    .kind = media->kind,
	    .profile = media->profile,
	    .direction = SDP_INACTIVE,
	    .n_formats = media->n_formats,
	    .formats = g_steal_pointer(&media->formats),
	};
	memcpy(refused.kind_text, media->kind_text, sizeof refused.kind_text);
	memcpy(refused.profile_text, media->profile_text, sizeof refused.profile_text);
	memcpy(refused.formats_text, media->formats_text, sizeof refused.formats_text);
	memcpy(refused.mid, media->mid, sizeof refused.mid);
	if (leg->n_transports && leg->transports[0].rtp.length) {
		refused.transport.rtp = leg->transports[0].rtp;
		net_address_set_port(&refused.transport.rtp, 0);
	}
	sdp_media_clear(media);
	*media = refused;
}

const struct sdp_transport *negotiate_transport(const struct negotiate_leg *leg, size_t n, bool is_bundled)
{
	if (is_bundled)
		n = 0;
	return n < leg->n_transports ? &leg->transports[n] : NULL;
}

static bool is_known_feedback(const char *value)
{
	static const char *const known[] = {"nack", "nack pli", "ccm fir", NULL};
	for (size_t i = 0; known[i]; i++) {
		if (!strcmp(known[i], value))
			return true;
	}
	return false;
}

void negotiate_describe_feedback(struct sdp_media *media, const struct sdp_media *from)
{
	bool has_feedback =
	    media->profile == SDP_RTP_AVPF || media->profile == SDP_RTP_SAVPF || media->profile == SDP_DTLS_SAVPF;
	if (media->kind != SDP_KIND_VIDEO || !has_feedback)
		return;
	for (size_t i = 0; i < from->n_feedback && media->n_feedback < SDP_FEEDBACK_MAX; i++) {
		struct sdp_feedback feedback = from->feedback[i];
		if (!is_known_feedback(feedback.value))
			continue;
		if (feedback.payload_type >= 0) {
			const struct sdp_format *theirs = sdp_media_find_format(from, feedback.payload_type);
			const struct sdp_format *ours =
			    theirs ? negotiate_formats_find(media->formats, media->n_formats, theirs) : NULL;
			if (!ours)
				continue;
			feedback.payload_type = ours->payload_type;
		}
		*sdp_media_add_feedback(media) = feedback;
	}
}

static bool is_unchanged(const struct sdp_session *before, const struct sdp_session *now)
{
	char *text_before = sdp_print(before, NULL), *text_now = sdp_print(now, NULL);
	bool is_equal = !strcmp(text_before, text_now);
	sdp_text_free(text_before);
	sdp_text_free(text_now);
	return is_equal;
}

void negotiate_describe_origin(const struct negotiate_leg *leg, struct sdp_session *session)
{
	session->session_id = leg->profile.session_id;
	session->origin = leg->profile.origin;
	if (!session->origin.length && leg->n_transports)
		session->origin = leg->transports[0].rtp;
	base_copy_text(session->username, sizeof session->username, "-");
	if (!leg->local) {
		session->session_version = leg->last_version + 1;
		return;
	}
	session->session_version = leg->local->session_version;
	/* a version that was used up by a refused offer is never gone behind */
	if (leg->last_version > leg->local->session_version || !is_unchanged(leg->local, session))
		session->session_version = MAX(leg->last_version, leg->local->session_version) + 1;
}
