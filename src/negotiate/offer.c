#include "negotiate/negotiate_private.h"

#include <stdio.h>
#include <string.h>

/* Which payload types have a meaning on the leg already. A number never changes its meaning within a session (RFC 3264,
 * section 8.3.2), and within a BUNDLE group it means the same in every stream. */
struct type_pool {
	const struct sdp_format *by_type[128];
};

struct offer_builder {
	const struct negotiate_leg *leg;
	const struct sdp_session *from; /* NULL: a full offer */
	struct sdp_session *session;
	size_t n_active;
	struct type_pool pool;
};

static void pool_reserve(struct type_pool *pool, const struct sdp_session *session)
{
	for (size_t i = 0; session && i < session->n_media; i++) {
		const struct sdp_media *media = &session->media[i];
		for (size_t k = 0; k < media->n_formats; k++) {
			const struct sdp_format *format = &media->formats[k];
			if (negotiate_is_active(media) && !pool->by_type[format->payload_type])
				pool->by_type[format->payload_type] = format;
		}
	}
}

static bool pool_has(const struct type_pool *pool, unsigned type, const struct sdp_format *format,
		     const struct sdp_media *media)
{
	return pool->by_type[type] && sdp_format_same_codec(pool->by_type[type], format) &&
	       !sdp_media_find_format(media, type);
}

/* 64 to 95 look like RTCP when it shares the port (RFC 5761, section 4); 35 to 63 are for those who multiplex. */
static bool is_usable_type(enum negotiate_kind kind, unsigned type)
{
	return type < 35 || type >= 96 || (type < 64 && kind == NEGOTIATE_WEBRTC);
}

/* What the other leg calls something else (`from` may be NULL) is left to that. */
static bool is_free_type(const struct offer_builder *builder, unsigned type, const struct sdp_format *format,
			 const struct sdp_media *media, const struct sdp_media *from)
{
	const struct sdp_format *theirs = from ? sdp_media_find_format(from, type) : NULL;
	return !builder->pool.by_type[type] && !sdp_media_find_format(media, type) &&
	       is_usable_type(builder->leg->profile.kind, type) &&
	       (!theirs || sdp_format_same_codec(theirs, format));
}

/* The number the leg knows the codec by; else the one it comes with; else a free one. False when all are taken. */
static bool pool_take(struct offer_builder *builder, const struct sdp_media *media, const struct sdp_media *from,
		      struct sdp_format *format)
{
	struct type_pool *pool = &builder->pool;
	if (pool_has(pool, format->payload_type, format, media))
		return true;
	for (unsigned type = 0; type < 128; type++) {
		if (pool_has(pool, type, format, media)) {
			format->payload_type = type;
			return true;
		}
	}
	if (is_free_type(builder, format->payload_type, format, media, from))
		return true;
	for (unsigned i = 0; i < 61; i++) {
		unsigned type = i < 32 ? 96 + i : 35 + i - 32;
		if (is_free_type(builder, type, format, media, from)) {
			format->payload_type = type;
			return true;
		}
	}
	return false;
}

/* Behind those that need no conversion. */
static void collect_convertible(const struct negotiate_profile *profile, struct negotiate_formats *formats)
{
	const char *const *names = negotiate_codecs(profile, SDP_KIND_AUDIO);
	bool takes_all = profile->offers_all_codecs || names;
	const struct sdp_converter *converter = profile->converter;
	struct negotiate_formats *more = g_new0(struct negotiate_formats, 1);
	for (size_t i = 0; i < (takes_all ? converter->n_formats : converter->n_usual); i++)
		negotiate_formats_add(more, &converter->formats[i]);
	negotiate_formats_order(more, names);
	for (size_t i = 0; i < more->n; i++) {
		if (!negotiate_formats_find(formats->items, formats->n, &more->items[i]))
			negotiate_formats_add(formats, &more->items[i]);
	}
	g_free(more);
}

static bool can_convert(const struct negotiate_profile *profile, const struct sdp_media *media)
{
	for (size_t i = 0; i < media->n_formats; i++) {
		if (negotiate_converts(profile, &media->formats[i], NULL))
			return true;
	}
	return false;
}

/* Whether the far end has said that it has one of these. */
static bool is_known_to_share(const struct negotiate_leg *leg, size_t index, const struct negotiate_formats *formats)
{
	if (!leg->remote || index >= leg->remote->n_media || !leg->remote->media[index].port)
		return false;
	const struct sdp_media *theirs = &leg->remote->media[index];
	for (size_t i = 0; i < formats->n; i++) {
		if (negotiate_formats_find(theirs->formats, theirs->n_formats, &formats->items[i]))
			return true;
	}
	return false;
}

static void collect_codecs(const struct negotiate_leg *leg, size_t index, enum sdp_kind kind, const struct sdp_media *from,
			   struct negotiate_formats *formats)
{
	const struct negotiate_profile *profile = &leg->profile;
	if (from) {
		for (size_t i = 0; i < from->n_formats; i++) {
			const struct sdp_format *format = &from->formats[i];
			if (negotiate_is_codec(format) && !negotiate_formats_find(formats->items, formats->n, format))
				negotiate_formats_add(formats, format);
		}
	} else {
		const char *const *names = profile->codecs ? profile->codecs : negotiate_full_offer;
		struct sdp_format format;
		for (; *names; names++) {
			if (negotiate_known_format(*names, kind, &format))
				negotiate_formats_add(formats, &format);
		}
	}
	negotiate_formats_order(formats, negotiate_codecs(profile, kind));
	if (from && can_convert(profile, from) && !is_known_to_share(leg, index, formats))
		collect_convertible(profile, formats);
}

/* By number the other side's, or the codec's neighbour, where that is free. */
static void offer_retransmission(struct offer_builder *builder, struct sdp_media *media, const struct sdp_media *from)
{
	size_t n_codecs = media->n_formats;
	for (size_t i = 0; i < n_codecs && media->n_formats < SDP_FORMATS_MAX; i++) {
		const struct sdp_format *codec = &media->formats[i];
		const struct sdp_format *theirs = from ? sdp_media_find_retransmission(from, codec->payload_type) : NULL;
		struct sdp_format rtx = {
		    .payload_type = theirs ? theirs->payload_type : (codec->payload_type + 1) % 128,
		    .encoding = "rtx",
		    .clock_hz = codec->clock_hz,
		    .channels = 1,
		};
		snprintf(rtx.parameters, sizeof rtx.parameters, "apt=%u", codec->payload_type);
		if (pool_take(builder, media, from, &rtx))
			*sdp_media_add_format(media) = rtx;
	}
}

/* telephone-event at each clock rate the codecs use (RFC 4733, section 2.6); at the other side's rates where it has
 * none of these, because events go over only when both have them. */
static void collect_events(const struct sdp_media *from, struct negotiate_formats *formats)
{
	size_t n_codecs = formats->n;
	bool is_shared = false;
	for (size_t i = 0; i < n_codecs; i++) {
		uint32_t clock_hz = formats->items[i].clock_hz;
		uint8_t usual_type = clock_hz == 8000 ? 101 : clock_hz == 48000 ? 110 : 102;
		struct sdp_format event = {usual_type, "telephone-event", clock_hz, 1, "0-16"};
		if (negotiate_formats_find(formats->items, formats->n, &event))
			continue;
		const struct sdp_format *theirs =
		    from ? negotiate_formats_find(from->formats, from->n_formats, &event) : NULL;
		negotiate_formats_add(formats, theirs ? theirs : &event);
		is_shared |= theirs != NULL;
	}
	for (size_t i = 0; from && !is_shared && i < from->n_formats; i++) {
		const struct sdp_format *format = &from->formats[i];
		if (sdp_format_is_telephone_event(format) && !negotiate_formats_find(formats->items, formats->n, format))
			negotiate_formats_add(formats, format);
	}
}

static void collect_comfort_noise(const struct sdp_media *from, struct negotiate_formats *formats)
{
	for (size_t i = 0; from && i < from->n_formats; i++) {
		const struct sdp_format *format = &from->formats[i];
		if (!g_ascii_strcasecmp(format->encoding, "CN") && negotiate_clock_in_use(formats, format->clock_hz) &&
		    !negotiate_formats_find(formats->items, formats->n, format))
			negotiate_formats_add(formats, format);
	}
}

static bool offer_formats(struct offer_builder *builder, size_t index, struct sdp_media *media, const struct sdp_media *from)
{
	const struct negotiate_profile *profile = &builder->leg->profile;
	struct negotiate_formats *formats = g_new0(struct negotiate_formats, 1);
	collect_codecs(builder->leg, index, media->kind, from, formats);
	bool has_codec = formats->n > 0;
	if (media->kind == SDP_KIND_AUDIO) {
		if (profile->carries_dtmf)
			collect_events(from, formats);
		collect_comfort_noise(from, formats);
	}
	for (size_t i = 0; has_codec && i < formats->n; i++) {
		if (pool_take(builder, media, from, &formats->items[i]))
			*sdp_media_add_format(media) = formats->items[i];
	}
	g_free(formats);
	if (media->kind == SDP_KIND_VIDEO && profile->kind == NEGOTIATE_WEBRTC)
		offer_retransmission(builder, media, from);
	for (size_t i = 0; i < media->n_formats; i++)
		builder->pool.by_type[media->formats[i].payload_type] = &media->formats[i];
	return media->n_formats > 0;
}

static bool has_mid(const struct sdp_session *session, const char *mid)
{
	for (size_t i = 0; session && i < session->n_media; i++) {
		if (!strcmp(session->media[i].mid, mid))
			return true;
	}
	return false;
}

/* For a line that is new on the leg; an earlier one keeps its name, or stays without. */
static void choose_mid(const struct offer_builder *builder, struct sdp_media *media)
{
	if (builder->leg->profile.kind != NEGOTIATE_WEBRTC)
		return;
	char mid[sizeof media->mid];
	for (size_t number = builder->session->n_media;; number++) {
		snprintf(mid, sizeof mid, "%zu", number);
		if (!has_mid(builder->leg->local, mid) && !has_mid(builder->session, mid))
			break;
	}
	memcpy(media->mid, mid, sizeof mid);
}

/* A bundled stream beyond the first has no address of its own until the far end has agreed (RFC 9143, section 7.2). */
static void join_bundle(struct offer_builder *builder, size_t index, struct sdp_media *media)
{
	const struct negotiate_leg *leg = builder->leg;
	struct sdp_session *session = builder->session;
	base_copy_text(session->bundle[session->n_bundled++], sizeof session->bundle[0], media->mid);
	if (!builder->n_active)
		return;
	media->transport.n_candidates = 0;
	bool is_agreed = leg->remote && index < leg->remote->n_media && leg->remote->media[index].port &&
			 negotiate_is_bundled(leg->remote, media->mid);
	if (!is_agreed) {
		media->port = 0;
		media->is_bundle_only = true;
		media->transport.rtcp = (struct net_address){0};
		if (media->transport.rtp.length)
			net_address_set_port(&media->transport.rtp, 0);
	}
}

static void set_profile(struct sdp_media *media, enum sdp_profile profile, const char *text)
{
	media->profile = profile;
	base_copy_text(media->profile_text, sizeof media->profile_text, text);
}

/* What a stream without an exchange is offered with. */
static enum negotiate_keying first_keying(const struct negotiate_profile *profile)
{
	if (profile->kind == NEGOTIATE_WEBRTC)
		return profile->sdes == NEGOTIATE_SDES_WANTED ? NEGOTIATE_KEYING_SDES : NEGOTIATE_KEYING_DTLS;
	if (profile->is_dtls)
		return NEGOTIATE_KEYING_DTLS;
	return profile->sdes == NEGOTIATE_SDES_OFF ? NEGOTIATE_KEYING_PLAIN : NEGOTIATE_KEYING_SDES;
}

static void offer_keying(const struct negotiate_leg *leg, size_t index, struct sdp_media *media)
{
	const struct sdp_crypto *line;
	enum negotiate_keying now = negotiate_current_keying(leg, index, &line);
	enum negotiate_keying keying = now == NEGOTIATE_KEYING_UNDECIDED ? first_keying(&leg->profile) : now;
	bool is_webrtc = leg->profile.kind == NEGOTIATE_WEBRTC;
	negotiate_keep_keying(&media->transport, keying);
	switch (keying) {
	case NEGOTIATE_KEYING_DTLS:
		if (is_webrtc)
			set_profile(media, SDP_DTLS_SAVPF, "UDP/TLS/RTP/SAVPF");
		else if (now == NEGOTIATE_KEYING_DTLS)
			set_profile(media, leg->local->media[index].profile, leg->local->media[index].profile_text);
		else
			set_profile(media, SDP_DTLS_SAVP, "UDP/TLS/RTP/SAVP");
		media->transport.setup = SDP_SETUP_ACTPASS;
		negotiate_offer_tls_id(leg, index, &media->transport);
		break;
	case NEGOTIATE_KEYING_SDES:
		if (now == NEGOTIATE_KEYING_SDES) {
			/* the line that stands, with its tag: nothing of it changes */
			negotiate_keep_crypto(&media->transport, line);
			set_profile(media, leg->local->media[index].profile, leg->local->media[index].profile_text);
		} else if (is_webrtc) {
			set_profile(media, SDP_RTP_SAVPF, "RTP/SAVPF");
		} else if (leg->profile.sdes == NEGOTIATE_SDES_WANTED) {
			set_profile(media, SDP_RTP_SAVP, "RTP/SAVP");
		} else {
			set_profile(media, SDP_RTP_AVP, "RTP/AVP");
		}
		break;
	default:
		set_profile(media, SDP_RTP_AVP, "RTP/AVP");
		break;
	}
}

static bool offer_stream(struct offer_builder *builder, size_t index, const struct sdp_media *from)
{
	const struct negotiate_leg *leg = builder->leg;
	bool is_webrtc = leg->profile.kind == NEGOTIATE_WEBRTC;
	struct sdp_media *media = &builder->session->media[index];
	bool is_bundled = is_webrtc && media->mid[0] && builder->session->n_bundled == builder->n_active;
	const struct sdp_transport *transport = negotiate_transport(leg, builder->session, index, is_bundled);
	if (!transport || !negotiate_carries(&leg->profile, media->kind) || (from && !negotiate_is_active(from)))
		return false;
	if (!offer_formats(builder, index, media, from))
		return false;
	negotiate_describe_stream(leg, index, transport, media);
	offer_keying(leg, index, media);
	media->direction = from ? negotiate_direction(from) : SDP_SEND_RECEIVE;
	if (from) {
		media->ptime_ms = from->ptime_ms;
		media->maxptime_ms = from->maxptime_ms;
		media->bandwidth_as_kbps = from->bandwidth_as_kbps;
		media->bandwidth_tias_bps = from->bandwidth_tias_bps;
	}
	negotiate_offer_feedback(leg, media);
	negotiate_offer_extensions(leg, from, builder->session, media);
	negotiate_describe_hold(leg, media);
	if (is_bundled)
		join_bundle(builder, index, media);
	builder->n_active++;
	return true;
}

/* The lines the leg has: each stays, in use or refused. */
static void offer_earlier_streams(struct offer_builder *builder)
{
	const struct sdp_session *local = builder->leg->local;
	for (size_t i = 0; local && i < local->n_media; i++) {
		struct sdp_media *media = &builder->session->media[i];
		const struct sdp_media *before = &local->media[i];
		builder->session->n_media = i + 1;
		media->kind = before->kind;
		memcpy(media->kind_text, before->kind_text, sizeof media->kind_text);
		memcpy(media->mid, before->mid, sizeof media->mid);
		const struct sdp_media *from = builder->from ? negotiate_partner(local, i, builder->from) : NULL;
		bool is_offered = (from || !builder->from) && offer_stream(builder, i, from);
		if (!is_offered) {
			sdp_media_copy(before, media);
			negotiate_refuse_stream(builder->leg, media);
		}
	}
}

static bool has_later_stream(const struct offer_builder *builder, size_t index)
{
	const struct sdp_session *from = builder->from;
	for (size_t i = index + 1; i < from->n_media; i++) {
		if (from->media[i].kind == from->media[index].kind && negotiate_is_active(&from->media[i]))
			return true;
	}
	return false;
}

/* The other leg's streams that have no line here yet. One that cannot be offered still takes its line when another of
 * its kind comes behind it, so that ranks agree. */
static int offer_new_streams(struct offer_builder *builder)
{
	const struct sdp_session *from = builder->from, *local = builder->leg->local;
	for (size_t i = 0; i < from->n_media; i++) {
		const struct sdp_media *theirs = &from->media[i];
		if (!negotiate_carries(&builder->leg->profile, theirs->kind) || (local && negotiate_partner(from, i, local)))
			continue;
		size_t index = builder->session->n_media;
		if (index == SDP_MEDIA_MAX)
			return -E2BIG;
		struct sdp_media *media = &builder->session->media[index];
		*media = (struct sdp_media){.kind = theirs->kind};
		memcpy(media->kind_text, theirs->kind_text, sizeof media->kind_text);
		choose_mid(builder, media);
		if (offer_stream(builder, index, theirs)) {
			builder->session->n_media++;
		} else if (has_later_stream(builder, i)) {
			sdp_media_copy(theirs, media);
			memset(media->mid, 0, sizeof media->mid);
			choose_mid(builder, media);
			negotiate_refuse_stream(builder->leg, media);
			builder->session->n_media++;
		}
	}
	return 0;
}

static int offer_streams(struct offer_builder *builder)
{
	offer_earlier_streams(builder);
	if (builder->from)
		return offer_new_streams(builder);
	if (builder->session->n_media)
		return 0;
	struct sdp_media *media = &builder->session->media[0];
	media->kind = SDP_KIND_AUDIO;
	base_copy_text(media->kind_text, sizeof media->kind_text, "audio");
	choose_mid(builder, media);
	builder->session->n_media = offer_stream(builder, 0, NULL) ? 1 : 0;
	return 0;
}

int negotiate_make_offer(const struct negotiate_leg *leg, const struct sdp_session *from_other,
			 struct sdp_session **ret_offer)
{
	struct offer_builder builder = {.leg = leg, .from = from_other, .session = sdp_session_new(SDP_MEDIA_MAX)};
	builder.session->n_media = 0;
	pool_reserve(&builder.pool, leg->local);
	pool_reserve(&builder.pool, leg->remote);
	int error = offer_streams(&builder);
	if (!error && !builder.n_active && !leg->local)
		error = -ENOTSUP;
	if (error < 0) {
		sdp_session_free(builder.session);
		return error;
	}
	negotiate_describe_mids(leg, NULL, builder.session);
	sdp_session_trim(builder.session);
	negotiate_describe_origin(leg, builder.session);
	*ret_offer = builder.session;
	return 0;
}
