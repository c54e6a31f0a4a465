#include "negotiate/negotiate_private.h"

#include <string.h>
#include <strings.h>

struct answer_builder {
	const struct negotiate_leg *leg, *other; /* other NULL: built-in */
	const struct sdp_session *offer;
	struct sdp_session *session;
	size_t n_active;
};

/* What the other leg has to say about one stream of the offer. */
struct other_stream {
	bool is_alone; /* built-in: all is agreed to */
	const struct sdp_media *local, *remote;
	struct negotiate_agreed agreed;
};

static bool find_other(const struct answer_builder *builder, size_t index, struct other_stream *ret_other)
{
	const struct negotiate_leg *other = builder->other;
	*ret_other = (struct other_stream){.is_alone = !other};
	if (!other)
		return true;
	int partner = negotiate_partner_index(builder->offer, index, other->local);
	if (partner < 0 || (size_t)partner >= other->remote->n_media)
		return false;
	ret_other->local = &other->local->media[partner];
	ret_other->remote = &other->remote->media[partner];
	negotiate_leg_agreed(other, partner, &ret_other->agreed);
	return ret_other->agreed.n > 0;
}

/* The other far end's word for the codec; else, alone, what we say of it ourselves. */
static void add_answer_format(struct negotiate_formats *formats, const struct sdp_format *offered,
			      const char *parameters)
{
	struct sdp_format format = *offered;
	base_copy_text(format.parameters, sizeof format.parameters, parameters);
	negotiate_formats_add(formats, &format);
}

static void choose_common(const struct sdp_media *offer, const struct other_stream *other,
			  const struct negotiate_profile *profile, struct negotiate_formats *formats)
{
	const char *const *allowed = negotiate_codecs(profile, offer->kind);
	for (size_t i = 0; i < other->agreed.n; i++) {
		const struct sdp_format *theirs = other->agreed.offered[i];
		const struct sdp_format *offered = negotiate_formats_find(offer->formats, offer->n_formats, theirs);
		if (offered && negotiate_is_codec(offered) &&
		    !negotiate_formats_find(formats->items, formats->n, offered) &&
		    (!allowed || negotiate_list_has(allowed, offered)))
			add_answer_format(formats, offered, other->agreed.remote[i]->parameters);
	}
}

static void choose_own(const struct sdp_media *offer, const struct negotiate_profile *profile,
		       struct negotiate_formats *formats)
{
	for (size_t i = 0; i < offer->n_formats; i++) {
		const struct sdp_format *offered = &offer->formats[i];
		struct sdp_format own;
		if (!negotiate_is_codec(offered) || negotiate_formats_find(formats->items, formats->n, offered))
			continue;
		bool is_known = negotiate_known_format(offered->encoding, offer->kind, &own) &&
				sdp_format_same_codec(&own, offered);
		add_answer_format(formats, offered, is_known ? own.parameters : offered->parameters);
	}
	negotiate_formats_order(formats, negotiate_codecs(profile, offer->kind));
}

static void choose_convertible(const struct sdp_media *offer, const struct negotiate_profile *profile,
			       struct negotiate_formats *formats)
{
	char parameters[SDP_PARAMETERS_BYTES_MAX];
	for (size_t i = 0; i < offer->n_formats; i++) {
		const struct sdp_format *offered = &offer->formats[i];
		if (negotiate_converts(profile, offered, parameters) &&
		    !negotiate_formats_find(formats->items, formats->n, offered))
			add_answer_format(formats, offered, parameters);
	}
	negotiate_formats_order(formats, negotiate_codecs(profile, offer->kind));
}

/* The other side's format for telephone-event or comfort noise, when it has agreed to it; alone, the offer's own. */
static const struct sdp_format *agreed_format(const struct other_stream *other, const struct sdp_format *offered)
{
	return other->is_alone ? offered : negotiate_agreed_find(&other->agreed, offered);
}

static void add_others(const struct sdp_media *offer, const struct other_stream *other, const char *encoding,
		       bool any_clock, struct negotiate_formats *formats)
{
	for (size_t i = 0; i < offer->n_formats; i++) {
		const struct sdp_format *offered = &offer->formats[i];
		if (strcasecmp(offered->encoding, encoding) ||
		    (!any_clock && !negotiate_clock_in_use(formats, offered->clock_hz)) ||
		    negotiate_formats_find(formats->items, formats->n, offered))
			continue;
		const struct sdp_format *theirs = agreed_format(other, offered);
		if (theirs)
			add_answer_format(formats, offered,
					  theirs->parameters[0] ? theirs->parameters : offered->parameters);
	}
}

/* Events or noise that the other far end has not: media makes what it takes of them. */
static void add_own(const struct sdp_media *offer, const char *encoding, bool any_clock, struct negotiate_formats *formats)
{
	for (size_t i = 0; i < offer->n_formats; i++) {
		const struct sdp_format *offered = &offer->formats[i];
		if (!strcasecmp(offered->encoding, encoding) && (any_clock || negotiate_clock_in_use(formats, offered->clock_hz)) &&
		    !negotiate_formats_find(formats->items, formats->n, offered))
			add_answer_format(formats, offered, offered->parameters);
	}
}

/* The events' clock is that of the codec (RFC 4733, section 2.6). Where the far ends share only another, as when Opus
 * goes with events at 8 kHz, it goes over with the sound, if that does. */
static void choose_events(const struct sdp_media *offer, const struct other_stream *other, bool is_converted,
			  struct negotiate_formats *formats)
{
	size_t n_codecs = formats->n;
	add_others(offer, other, "telephone-event", false, formats);
	if (formats->n == n_codecs && !is_converted)
		add_others(offer, other, "telephone-event", true, formats);
	if (formats->n == n_codecs)
		add_own(offer, "telephone-event", false, formats);
	if (formats->n == n_codecs)
		add_own(offer, "telephone-event", true, formats);
}

static bool answer_formats(const struct answer_builder *builder, const struct sdp_media *offer,
			   const struct other_stream *other, struct sdp_media *media)
{
	const struct negotiate_profile *profile = &builder->leg->profile;
	struct negotiate_formats *formats = g_new0(struct negotiate_formats, 1);
	if (other->is_alone)
		choose_own(offer, profile, formats);
	else
		choose_common(offer, other, profile, formats);
	bool is_converted = !formats->n && negotiate_converts_any(profile, &other->agreed);
	if (is_converted)
		choose_convertible(offer, profile, formats);
	bool has_codec = formats->n > 0;
	if (has_codec) {
		if (media->kind == SDP_KIND_AUDIO && profile->carries_dtmf)
			choose_events(offer, other, is_converted, formats);
		if (media->kind == SDP_KIND_AUDIO)
			add_others(offer, other, "CN", false, formats);
		if (is_converted && profile->converter->has_comfort_noise)
			add_own(offer, "CN", false, formats);
		for (size_t i = 0; i < formats->n; i++)
			*sdp_media_add_format(media) = formats->items[i];
	}
	g_free(formats);
	if (media->kind == SDP_KIND_VIDEO)
		negotiate_answer_retransmission(offer, media);
	return has_codec;
}

/* False when it is to be SDES, and there is no suite that both have. */
static bool answer_keying(const struct negotiate_leg *leg, size_t index, const struct sdp_media *offer,
			  struct sdp_transport *transport)
{
	enum negotiate_keying keying = negotiate_answer_keying(leg, index, offer);
	const struct sdp_crypto *in_use;
	struct sdp_crypto line;
	negotiate_current_keying(leg, index, &in_use);
	if (keying == NEGOTIATE_KEYING_SDES) {
		if (!negotiate_choose_crypto(transport, &offer->transport, in_use, &line))
			return false;
		negotiate_keep_crypto(transport, &line);
		explicit_bzero(&line, sizeof line);
	} else if (keying == NEGOTIATE_KEYING_DTLS) {
		transport->setup = negotiate_answer_setup(leg, index, offer->transport.setup);
		negotiate_answer_tls_id(leg, index, &offer->transport, transport);
	}
	negotiate_keep_keying(transport, keying);
	return true;
}

static bool answer_transport(struct answer_builder *builder, size_t index, const struct sdp_transport *transport,
			     bool is_bundled)
{
	struct sdp_media *media = &builder->session->media[index];
	const struct sdp_media *offer = &builder->offer->media[index];
	negotiate_describe_stream(builder->leg, index, transport, media);
	media->transport.rtcp_mux = transport->rtcp_mux && offer->transport.rtcp_mux;
	if (!answer_keying(builder->leg, index, offer, &media->transport))
		return false;
	if (!is_bundled)
		return true;
	struct sdp_session *session = builder->session;
	base_copy_text(session->bundle[session->n_bundled++], sizeof session->bundle[0], media->mid);
	if (builder->n_active)
		media->transport.n_candidates = 0;
	return true;
}

static bool answer_stream(struct answer_builder *builder, size_t index)
{
	const struct negotiate_leg *leg = builder->leg;
	const struct sdp_media *offer = &builder->offer->media[index];
	struct sdp_media *media = &builder->session->media[index];
	bool is_bundled = leg->profile.kind == NEGOTIATE_WEBRTC && negotiate_is_bundled(builder->offer, offer->mid) &&
			  builder->session->n_bundled == builder->n_active;
	const struct sdp_transport *transport = negotiate_transport(leg, builder->offer, index, is_bundled);
	struct other_stream other;
	if (!transport || !negotiate_can_carry(&leg->profile, offer) || (offer->is_bundle_only && !is_bundled) ||
	    !find_other(builder, index, &other) || !answer_formats(builder, offer, &other, media))
		return false;
	media->direction = sdp_direction_reverse(negotiate_direction(offer));
	if (!other.is_alone) {
		media->direction &= negotiate_fill_silence(
			builder->other, other.remote,
			negotiate_direction(other.remote) & sdp_direction_reverse(other.local->direction));
		media->ptime_ms = other.remote->ptime_ms;
		media->maxptime_ms = other.remote->maxptime_ms;
		media->bandwidth_as_kbps = other.remote->bandwidth_as_kbps;
		media->bandwidth_tias_bps = other.remote->bandwidth_tias_bps;
	}
	if (!answer_transport(builder, index, transport, is_bundled))
		return false;
	negotiate_answer_feedback(offer, media);
	negotiate_answer_extensions(offer, other.remote, media);
	negotiate_describe_hold(leg, media);
	builder->n_active++;
	return true;
}

static void answer_streams(struct answer_builder *builder)
{
	for (size_t i = 0; i < builder->offer->n_media; i++) {
		const struct sdp_media *offer = &builder->offer->media[i];
		struct sdp_media *media = &builder->session->media[i];
		media->kind = offer->kind;
		media->profile = offer->profile;
		memcpy(media->kind_text, offer->kind_text, sizeof media->kind_text);
		memcpy(media->profile_text, offer->profile_text, sizeof media->profile_text);
		memcpy(media->mid, offer->mid, sizeof media->mid);
		if (!answer_stream(builder, i)) {
			sdp_media_clear(media);
			sdp_media_copy(offer, media);
			negotiate_refuse_stream(builder->leg, media);
		}
	}
}

int negotiate_make_answer(const struct negotiate_leg *leg, const struct sdp_session *offer,
			  const struct negotiate_leg *other, struct sdp_session **ret_answer)
{
	if (other && (!other->local || !other->remote))
		return -EINVAL;
	struct answer_builder builder = {
	    .leg = leg,
	    .other = other,
	    .offer = offer,
	    .session = sdp_session_new(offer->n_media),
	};
	answer_streams(&builder);
	bool asks_for_media = !leg->local; /* later offers may well end every stream */
	for (size_t i = 0; i < offer->n_media; i++)
		asks_for_media |= negotiate_is_active(&offer->media[i]);
	if (!builder.n_active && asks_for_media) {
		sdp_session_free(builder.session);
		return -ENOTSUP;
	}
	negotiate_describe_mids(leg, offer, builder.session);
	negotiate_describe_origin(leg, builder.session);
	*ret_answer = builder.session;
	return 0;
}
