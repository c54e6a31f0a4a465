/* Single streams: what can be carried, what belongs together, what both sides have agreed to. */
#include "negotiate/negotiate_private.h"

#include <string.h>
#include <strings.h>

bool negotiate_is_active(const struct sdp_media *media)
{
	return media->port || media->is_bundle_only;
}

bool negotiate_carries(const struct negotiate_profile *profile, enum sdp_kind kind)
{
	return kind == SDP_KIND_AUDIO || (kind == SDP_KIND_VIDEO && profile->carries_video);
}

bool negotiate_can_carry(const struct negotiate_profile *profile, const struct sdp_media *media)
{
	if (!negotiate_is_active(media) || !negotiate_carries(profile, media->kind))
		return false;
	bool has_keys = profile->sdes != NEGOTIATE_SDES_OFF && negotiate_has_usable_crypto(&media->transport);
	if (profile->is_dtls) /* some write RTP/SAVP with a fingerprint */
		return negotiate_is_secure_profile(media->profile) && media->transport.n_fingerprints;
	switch (media->profile) {
	case SDP_RTP_AVP:
	case SDP_RTP_AVPF:
		return profile->kind == NEGOTIATE_RTP && (has_keys || profile->sdes != NEGOTIATE_SDES_WANTED);
	case SDP_RTP_SAVP:
	case SDP_RTP_SAVPF:
		if (profile->kind == NEGOTIATE_RTP)
			return has_keys;
		break;
	case SDP_DTLS_SAVP:
	case SDP_DTLS_SAVPF:
		has_keys = false;
		break;
	default:
		return false;
	}
	/* a bundled stream has these in the first one only */
	return profile->kind == NEGOTIATE_WEBRTC &&
	       (media->is_bundle_only ||
		(media->transport.has_ice && (media->transport.n_fingerprints || has_keys)));
}

enum sdp_direction negotiate_direction(const struct sdp_media *media)
{
	const struct sdp_transport *transport = &media->transport;
	bool is_nowhere = !transport->has_ice && transport->rtp.length && net_address_is_wildcard(&transport->rtp);
	return is_nowhere && media->port ? media->direction & SDP_SEND_ONLY : media->direction;
}

bool negotiate_is_bundled(const struct sdp_session *session, const char *mid)
{
	for (size_t i = 0; i < session->n_bundled && mid[0]; i++) {
		if (!strcmp(session->bundle[i], mid))
			return true;
	}
	return false;
}

size_t negotiate_rank(const struct sdp_session *session, size_t index)
{
	size_t rank = 0;
	for (size_t i = 0; i < index; i++)
		rank += session->media[i].kind == session->media[index].kind;
	return rank;
}

int negotiate_partner_index(const struct sdp_session *session, size_t index, const struct sdp_session *other)
{
	enum sdp_kind kind = session->media[index].kind;
	size_t rank = negotiate_rank(session, index);
	for (size_t i = 0; i < other->n_media && kind != SDP_KIND_OTHER; i++) {
		if (other->media[i].kind == kind && !rank--)
			return i;
	}
	return -1;
}

const struct sdp_media *negotiate_partner(const struct sdp_session *session, size_t index,
					  const struct sdp_session *other)
{
	int partner = negotiate_partner_index(session, index, other);
	return partner < 0 ? NULL : &other->media[partner];
}

/* The format of the offer that an answer's means. The payload type decides before the parameters do, and serves alone
 * where an answer leaves a=rtpmap out. */
static const struct sdp_format *offered_format(const struct sdp_media *offer, const struct sdp_format *answered)
{
	const struct sdp_format *same_type = sdp_media_find_format(offer, answered->payload_type);
	if (same_type && same_type->encoding[0] &&
	    (!answered->encoding[0] ||
	     (!strcasecmp(same_type->encoding, answered->encoding) && same_type->clock_hz == answered->clock_hz)))
		return same_type;
	return negotiate_formats_find(offer->formats, offer->n_formats, answered);
}

static bool has_pair(const struct negotiate_agreed *agreed, const struct sdp_format *local,
		     const struct sdp_format *remote)
{
	for (size_t i = 0; i < agreed->n; i++) {
		if (agreed->local[i] == local || agreed->remote[i] == remote)
			return true;
	}
	return false;
}

void negotiate_agree(const struct sdp_media *local, const struct sdp_media *remote, bool local_is_offer,
		     struct negotiate_agreed *ret_agreed)
{
	const struct sdp_media *offer = local_is_offer ? local : remote, *answer = local_is_offer ? remote : local;
	ret_agreed->n = 0;
	for (size_t i = 0; i < answer->n_formats; i++) {
		const struct sdp_format *answered = &answer->formats[i], *offered = offered_format(offer, answered);
		if (!offered)
			continue;
		const struct sdp_format *ours = local_is_offer ? offered : answered;
		const struct sdp_format *theirs = local_is_offer ? answered : offered;
		if (has_pair(ret_agreed, ours, theirs))
			continue;
		ret_agreed->offered[ret_agreed->n] = offered;
		ret_agreed->local[ret_agreed->n] = ours;
		ret_agreed->remote[ret_agreed->n++] = theirs;
	}
}

void negotiate_leg_agreed(const struct negotiate_leg *leg, size_t index, struct negotiate_agreed *ret_agreed)
{
	ret_agreed->n = 0;
	if (!leg->local || !leg->remote || index >= leg->local->n_media || index >= leg->remote->n_media)
		return;
	const struct sdp_media *local = &leg->local->media[index], *remote = &leg->remote->media[index];
	if (negotiate_is_active(local) && negotiate_is_active(remote))
		negotiate_agree(local, remote, leg->local_was_offer, ret_agreed);
}

const struct sdp_format *negotiate_agreed_find(const struct negotiate_agreed *agreed, const struct sdp_format *codec)
{
	for (size_t i = 0; i < agreed->n; i++) {
		if (sdp_format_same_codec(agreed->offered[i], codec))
			return agreed->remote[i];
	}
	return NULL;
}

size_t negotiate_count_transports(const struct negotiate_leg *leg, const struct sdp_session *from, bool is_offer)
{
	size_t n = 1;
	if (leg->profile.kind == NEGOTIATE_WEBRTC)
		return n; /* those that do not bundle send and are sent their first stream */
	for (size_t i = 0; i < from->n_media; i++) {
		const struct sdp_media *media = &from->media[i];
		bool is_carried = is_offer ? negotiate_can_carry(&leg->profile, media)
					   : negotiate_is_active(media) && negotiate_carries(&leg->profile, media->kind);
		if (is_carried)
			n = MAX(n, negotiate_transport_rank(from, i) + 1);
	}
	return n;
}
