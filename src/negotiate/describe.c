/* The parts that offers and answers of ours have in common. */
#include "negotiate/negotiate_private.h"

#include <stdio.h>
#include <string.h>

void negotiate_describe_stream(const struct negotiate_leg *leg, size_t index, const struct sdp_transport *transport,
			       struct sdp_media *media)
{
	media->transport = *transport;
	media->port = transport->rtp.length ? net_address_port(&transport->rtp) : 9;
	media->transport.ice_trickle = transport->has_ice && leg->profile.trickle;
	if (leg->profile.kind == NEGOTIATE_WEBRTC)
		snprintf(media->stream_id, sizeof media->stream_id, "tandem %s%s", media->kind_text, media->mid);
	negotiate_describe_sources(leg, index, media);
}

void negotiate_describe_hold(const struct negotiate_leg *leg, struct sdp_media *media)
{
	struct sdp_transport *transport = &media->transport;
	bool is_ipv4 = transport->rtp.length && !net_address_is_ipv6(&transport->rtp);
	if (!leg->profile.holds_by_address || (media->direction & SDP_RECEIVE_ONLY) || transport->has_ice || !is_ipv4)
		return;
	net_address_parse("0.0.0.0", net_address_port(&transport->rtp), &transport->rtp);
	transport->rtcp = (struct net_address){0};
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

size_t negotiate_transport_rank(const struct sdp_session *session, size_t index)
{
	size_t rank = 0;
	for (size_t i = 0; i < index; i++)
		rank += session->media[i].kind != SDP_KIND_OTHER;
	return rank;
}

const struct sdp_transport *negotiate_transport(const struct negotiate_leg *leg, const struct sdp_session *session,
						size_t index, bool is_bundled)
{
	size_t n = is_bundled ? 0 : negotiate_transport_rank(session, index);
	return n < leg->n_transports ? &leg->transports[n] : NULL;
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
