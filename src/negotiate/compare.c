/* Questions about descriptions: is this an answer, is this hold, does it concern the other leg. */
#include "negotiate/negotiate_private.h"

#include <string.h>
#include <strings.h>

static const char *crypto_problem(const struct sdp_media *offer, const struct sdp_media *answer)
{
	const struct sdp_crypto *offered, *answered;
	if (negotiate_crypto_pair(offer, answer, &offered, &answered))
		return NULL;
	if (answer->transport.n_crypto)
		return "answer has no key that fits one of the offer";
	/* keys in RTP/AVP are an offer to encrypt, and may be left */
	return negotiate_is_secure_profile(offer->profile) || negotiate_is_secure_profile(answer->profile)
		   ? "answer has no key"
		   : NULL;
}

static const char *dtls_problem(const struct sdp_media *answer)
{
	if (!answer->transport.n_fingerprints)
		return "answer has no certificate fingerprint";
	return answer->transport.setup == SDP_SETUP_ACTPASS ? "answer leaves the DTLS role open" : NULL;
}

static const char *keying_problem(const struct sdp_media *offer, const struct sdp_media *answer)
{
	bool is_plain = offer->profile == SDP_RTP_AVP || offer->profile == SDP_RTP_AVPF;
	bool asks_for_dtls = offer->transport.n_fingerprints && !offer->is_bundle_only && !is_plain;
	bool chose_crypto = offer->transport.n_crypto && answer->transport.n_crypto && !answer->transport.n_fingerprints;
	const char *problem = NULL;
	if (asks_for_dtls && !chose_crypto)
		problem = dtls_problem(answer);
	else if (offer->transport.n_crypto)
		problem = crypto_problem(offer, answer);
	bool is_encrypted = asks_for_dtls || offer->transport.n_crypto;
	if (!problem && is_encrypted && offer->transport.has_ice && !answer->transport.has_ice)
		problem = "answer has no ICE user name and password";
	return problem;
}

/* NULL when the line answers the offered one, else what is wrong with it. */
static const char *line_problem(const struct sdp_media *offer, const struct sdp_media *answer)
{
	if (strcasecmp(offer->kind_text, answer->kind_text))
		return "answer has another kind of media in a line";
	if (offer->mid[0] && answer->mid[0] && strcmp(offer->mid, answer->mid))
		return "answer has another mid in a line";
	if (!answer->port)
		return NULL;
	if (!negotiate_is_active(offer))
		return "answer accepts a stream that was not offered";
	if ((offer->profile == SDP_PROFILE_OTHER) != (answer->profile == SDP_PROFILE_OTHER))
		return "answer has another transport profile";
	return keying_problem(offer, answer);
}

static const char *format_problem(const struct sdp_media *offer, const struct sdp_media *answer)
{
	struct negotiate_agreed agreed;
	if (!answer->port || offer->profile == SDP_PROFILE_OTHER)
		return NULL;
	negotiate_agree(offer, answer, true, &agreed);
	for (size_t i = 0; i < agreed.n; i++) {
		if (negotiate_is_codec(agreed.local[i]))
			return NULL;
	}
	return "answer has no codec that was offered";
}

static const char *answer_problem(const struct sdp_session *offer, const struct sdp_session *answer)
{
	if (answer->n_media != offer->n_media)
		return answer->n_media < offer->n_media ? "answer has fewer m= lines than the offer"
							: "answer has more m= lines than the offer";
	for (size_t i = 0; i < answer->n_bundled; i++) {
		if (!negotiate_is_bundled(offer, answer->bundle[i]))
			return "answer bundles what was not offered as a bundle";
	}
	for (size_t i = 0; i < offer->n_media; i++) {
		const char *problem = line_problem(&offer->media[i], &answer->media[i]);
		if (!problem)
			problem = format_problem(&offer->media[i], &answer->media[i]);
		if (problem)
			return problem;
	}
	return NULL;
}

int negotiate_check_answer(const struct sdp_session *offer, const struct sdp_session *answer, const char **ret_reason)
{
	const char *problem = answer_problem(offer, answer);
	int error = problem ? -EBADMSG : 0;
	bool is_accepted = false, is_offered = false;
	for (size_t i = 0; !problem && i < offer->n_media; i++) {
		is_offered |= negotiate_is_active(&offer->media[i]);
		is_accepted |= answer->media[i].port != 0;
	}
	if (!problem && is_offered && !is_accepted) {
		problem = "answer refuses every stream";
		error = -ENOTSUP;
	}
	if (problem && ret_reason)
		*ret_reason = problem;
	return error;
}

int negotiate_check_offer(const struct negotiate_profile *profile, const struct sdp_session *offer)
{
	for (size_t i = 0; i < offer->n_media; i++) {
		const struct sdp_media *media = &offer->media[i];
		const char *const *codecs = negotiate_codecs(profile, media->kind);
		for (size_t k = 0; k < media->n_formats && negotiate_can_carry(profile, media); k++) {
			const struct sdp_format *format = &media->formats[k];
			if (negotiate_is_codec(format) && (!codecs || negotiate_list_has(codecs, format)))
				return 0;
		}
	}
	return -ENOTSUP;
}

/* Whether there are streams, and none has this direction. */
static bool never_goes(const struct sdp_session *session, enum sdp_direction direction)
{
	bool has_stream = false;
	for (size_t i = 0; i < session->n_media; i++) {
		const struct sdp_media *media = &session->media[i];
		if (!negotiate_is_active(media) || media->kind == SDP_KIND_OTHER)
			continue;
		if (negotiate_direction(media) & direction)
			return false;
		has_stream = true;
	}
	return has_stream;
}

bool negotiate_is_hold(const struct sdp_session *session)
{
	return never_goes(session, SDP_RECEIVE_ONLY);
}

bool negotiate_is_silent(const struct sdp_session *session)
{
	return never_goes(session, SDP_SEND_ONLY);
}

/* Whether the far end now puts a codec before the one in use that an earlier offer of its did not put there: it wants
 * to change. (After an answer of its we know no such order, an answer names only what was chosen.) */
static bool prefers_another(const struct sdp_media *before, const struct sdp_media *now,
			    const struct sdp_format *in_use)
{
	for (size_t i = 0; i < now->n_formats; i++) {
		const struct sdp_format *format = &now->formats[i];
		if (!negotiate_is_codec(format))
			continue;
		if (sdp_format_same_codec(format, in_use))
			return false;
		const struct sdp_format *earlier = negotiate_formats_find(before->formats, before->n_formats, format);
		const struct sdp_format *used = negotiate_formats_find(before->formats, before->n_formats, in_use);
		if (!earlier || (used && earlier > used))
			return true;
	}
	return false;
}

static bool codecs_differ(const struct negotiate_leg *leg, size_t index, const struct sdp_media *now)
{
	struct negotiate_agreed agreed;
	const struct sdp_format *in_use = NULL;
	negotiate_leg_agreed(leg, index, &agreed);
	for (size_t i = 0; i < agreed.n; i++) {
		if (!negotiate_is_codec(agreed.local[i]))
			continue;
		if (!negotiate_formats_find(now->formats, now->n_formats, agreed.offered[i]))
			return true;
		if (!in_use)
			in_use = agreed.offered[i];
	}
	return in_use && !leg->local_was_offer && prefers_another(&leg->remote->media[index], now, in_use);
}

/* What the far end answered to our offer was limited by that offer; now it speaks freely. */
static bool directions_differ(const struct negotiate_leg *leg, size_t index, const struct sdp_media *now)
{
	enum sdp_direction before = negotiate_direction(&leg->remote->media[index]), after = negotiate_direction(now);
	if (leg->local_was_offer) {
		enum sdp_direction possible = sdp_direction_reverse(leg->local->media[index].direction);
		before &= possible;
		after &= possible;
	}
	return before != after;
}

static bool bandwidth_differs(const struct sdp_media *before, const struct sdp_media *now)
{
	return before->bandwidth_as_kbps != now->bandwidth_as_kbps || before->bandwidth_tias_bps != now->bandwidth_tias_bps;
}

bool negotiate_needs_reoffer(const struct negotiate_leg *leg, const struct sdp_session *offer)
{
	if (!leg->local || !leg->remote)
		return true;
	for (size_t i = 0; i < MAX(offer->n_media, leg->remote->n_media); i++) {
		struct negotiate_agreed agreed;
		negotiate_leg_agreed(leg, i, &agreed);
		bool was_carried = agreed.n > 0;
		bool is_carried = i < offer->n_media && negotiate_can_carry(&leg->profile, &offer->media[i]);
		if (was_carried != is_carried)
			return true;
		if (is_carried &&
		    (bandwidth_differs(&leg->remote->media[i], &offer->media[i]) ||
		     directions_differ(leg, i, &offer->media[i]) || codecs_differ(leg, i, &offer->media[i])))
			return true;
	}
	return false;
}

/* Whether the codec that is sent by preference on `leg` is agreed on its partner, and each other one too, or can be converted. */
static bool codecs_go_over(const struct negotiate_leg *leg, const struct negotiate_leg *partner)
{
	for (size_t i = 0; i < leg->local->n_media; i++) {
		struct negotiate_agreed ours, theirs = {0};
		negotiate_leg_agreed(leg, i, &ours);
		int index = negotiate_partner_index(leg->local, i, partner->local);
		if (index >= 0)
			negotiate_leg_agreed(partner, index, &theirs);
		bool is_first = true, converts = negotiate_converts_any(&partner->profile, &theirs);
		for (size_t k = 0; k < ours.n; k++) {
			if (!negotiate_is_codec(ours.local[k]))
				continue;
			bool may_convert = !is_first && converts && negotiate_converts(&leg->profile, ours.local[k], NULL);
			if (!negotiate_agreed_find(&theirs, ours.offered[k]) && !may_convert)
				return false;
			is_first = false;
		}
	}
	return true;
}

bool negotiate_legs_match(const struct negotiate_leg *a, const struct negotiate_leg *b)
{
	if (!a->local || !a->remote || !b->local || !b->remote)
		return false;
	return codecs_go_over(a, b) && codecs_go_over(b, a);
}

enum sdp_direction negotiate_fill_silence(const struct negotiate_leg *leg, const struct sdp_media *media,
					  enum sdp_direction direction)
{
	bool is_filled = leg->profile.fills_silence && media->kind == SDP_KIND_AUDIO && direction == SDP_INACTIVE;
	return is_filled ? SDP_SEND_ONLY : direction;
}

/* An answer can say no more than the offer allows: what that was is nobody's wish. */
static enum sdp_direction wished_direction(const struct negotiate_leg *leg, size_t index)
{
	const struct sdp_media *media = &leg->remote->media[index];
	enum sdp_direction said = negotiate_fill_silence(leg, media, negotiate_direction(media));
	if (!leg->local_was_offer || index >= leg->local->n_media)
		return said;
	return said | (SDP_SEND_RECEIVE & ~sdp_direction_reverse(leg->local->media[index].direction));
}

struct sdp_session *negotiate_wishes(const struct negotiate_leg *leg)
{
	struct sdp_session *wishes = sdp_session_copy(leg->remote);
	for (size_t i = 0; leg->local && i < wishes->n_media; i++)
		if (wishes->media[i].port)
			wishes->media[i].direction = wished_direction(leg, i);
	return wishes;
}

struct sdp_session *negotiate_wishes_of_offer(const struct negotiate_leg *leg, const struct sdp_session *offer)
{
	struct sdp_session *wishes = sdp_session_copy(offer);
	for (size_t i = 0; i < wishes->n_media; i++) {
		struct sdp_media *media = &wishes->media[i];
		if (media->port && negotiate_direction(media) == SDP_INACTIVE)
			media->direction = negotiate_fill_silence(leg, media, SDP_INACTIVE);
	}
	return wishes;
}

bool negotiate_directions_match(const struct negotiate_leg *leg, const struct negotiate_leg *other)
{
	if (!leg->local || !leg->remote || !other->local || !other->remote)
		return false;
	for (size_t i = 0; i < leg->local->n_media; i++) {
		int index = negotiate_partner_index(leg->local, i, other->remote);
		if (!leg->local->media[i].port || index < 0)
			continue;
		enum sdp_direction wanted = wished_direction(other, (size_t)index);
		if (!leg->local_was_offer)
			wanted &= sdp_direction_reverse(negotiate_direction(&leg->remote->media[i]));
		if (leg->local->media[i].direction != wanted)
			return false;
	}
	return true;
}

static const struct sdp_transport *first_ice(const struct sdp_session *session)
{
	for (size_t i = 0; session && i < session->n_media; i++) {
		if (session->media[i].port && session->media[i].transport.has_ice)
			return &session->media[i].transport;
	}
	return NULL;
}

bool negotiate_is_ice_restart(const struct negotiate_leg *leg, const struct sdp_session *offer)
{
	const struct sdp_transport *before = first_ice(leg->remote), *now = first_ice(offer);
	return before && now && (strcmp(before->ice_ufrag, now->ice_ufrag) || strcmp(before->ice_pwd, now->ice_pwd));
}
