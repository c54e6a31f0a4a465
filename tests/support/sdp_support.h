/* Descriptions in one line, for tests:
 *   "audio 111=opus/48000/2 0=PCMU/8000 sendrecv mid=0 setup=actpass | video refused"
 * Streams are parted by '|'; words of a stream: the kind; payload type = encoding/clock/channels, with fmtp behind '#';
 * the direction; "refused" (port 0); "ptime=20"; "mid=0"; "setup=active"; "bundle-only"; "nowhere" (0.0.0.0). */
#pragma once
#include "negotiate/negotiate.h"
#include <string.h>

static inline bool support_takes(const struct sdp_converter *converter, const struct sdp_format *format, char *ret_parameters)
{
	for (size_t i = 0; i < converter->n_formats; i++)
		if (sdp_format_same_codec(&converter->formats[i], format)) {
			memcpy(ret_parameters, converter->formats[i].parameters, SDP_PARAMETERS_BYTES_MAX);
			return true;
		}
	return false;
}

static const struct sdp_format support_convertible[] = {
	{111, "opus", 48000, 2, "minptime=10;useinbandfec=1"}, {0, "PCMU", 8000, 1, ""}, {8, "PCMA", 8000, 1, ""}};
__attribute__((unused)) static const struct sdp_converter support_opus_and_g711 = {3, support_convertible, 3, support_takes, NULL, true};
__attribute__((unused)) static const struct sdp_converter support_opus_and_pcmu = {2, support_convertible, 2, support_takes, NULL, false};

static inline struct sdp_session *support_parse(const char *text)
{
	struct sdp_session *session = NULL;
	struct sdp_problem problem = {0};
	if (sdp_parse(text, strlen(text), &session, &problem) < 0)
		g_error("line %u: %s in\n%s", problem.line, problem.reason, text);
	return session;
}

static inline struct sdp_session *support_sample(const char *name)
{
	g_autofree char *path = g_strdup_printf(TANDEM_SRCDIR "/tests/fuzz/corpus/sdp/%s.sdp", name), *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		g_error("cannot read %s", path);
	return support_parse(text);
}

/* Each description that was seen in the wild. */
static inline void support_each_sample(void (*check)(struct sdp_session *session, const char *name))
{
	g_autoptr(GDir) folder = g_dir_open(TANDEM_SRCDIR "/tests/fuzz/corpus/sdp", 0, NULL);
	unsigned n = 0;
	for (const char *name; folder && (name = g_dir_read_name(folder));) {
		if (!g_str_has_suffix(name, ".sdp"))
			continue;
		g_autofree char *stem = g_strndup(name, strlen(name) - strlen(".sdp"));
		struct sdp_session *session = support_sample(stem);
		check(session, stem);
		sdp_session_free(session);
		n++;
	}
	if (n < 12)
		g_error("%u samples", n);
}

static inline void support_add_format(GString *types, GString *attributes, const char *word)
{
	g_auto(GStrv) parts = g_strsplit_set(word, "=#", 3);
	g_string_append_printf(types, " %s", parts[0]);
	if (parts[1][0])
		g_string_append_printf(attributes, "a=rtpmap:%s %s\r\n", parts[0], parts[1]);
	if (parts[2])
		g_string_append_printf(attributes, "a=fmtp:%s %s\r\n", parts[0], parts[2]);
}

/* One stream of a far end's description. */
static inline void support_add_stream(GString *text, GString *bundle, enum negotiate_kind kind, const char *stream)
{
	g_auto(GStrv) words = g_strsplit(stream, " ", -1);
	g_autoptr(GString) types = g_string_new(NULL), attributes = g_string_new(NULL);
	const char *media_kind = "audio", *address = "192.0.2.77";
	unsigned port = 4000;
	for (char **word = words; *word; word++) {
		if (!**word)
			continue;
		if (g_ascii_isdigit(**word)) {
			support_add_format(types, attributes, *word);
		} else if (!strcmp(*word, "refused")) {
			port = 0;
		} else if (!strcmp(*word, "nowhere")) {
			address = "0.0.0.0";
		} else if (!strcmp(*word, "bundle-only")) {
			port = 0;
			g_string_append(attributes, "a=bundle-only\r\n");
		} else if (g_str_has_prefix(*word, "mid=")) {
			g_string_append_printf(attributes, "a=mid:%s\r\n", *word + 4);
			g_string_append_printf(bundle, " %s", *word + 4);
		} else if (strchr(*word, '=')) {
			strchr(*word, '=')[0] = ':';
			g_string_append_printf(attributes, "a=%s\r\n", *word);
		} else if (g_str_has_suffix(*word, "only") || g_str_has_prefix(*word, "send") ||
			   !strcmp(*word, "inactive")) {
			g_string_append_printf(attributes, "a=%s\r\n", *word);
		} else {
			media_kind = *word;
		}
	}
	bool is_webrtc = kind == NEGOTIATE_WEBRTC;
	g_string_append_printf(text, "m=%s %u %s%s\r\nc=IN IP4 %s\r\n%s", media_kind, port,
			       is_webrtc ? "UDP/TLS/RTP/SAVPF" : "RTP/AVP", types->len ? types->str : " 0", address,
			       attributes->str);
	if (is_webrtc)
		g_string_append(text, "a=rtcp-mux\r\n");
}

static inline struct sdp_session *support_far_end(enum negotiate_kind kind, const char *streams)
{
	g_auto(GStrv) parts = g_strsplit(streams, "|", -1);
	g_autoptr(GString) media = g_string_new(NULL), bundle = g_string_new(NULL), text = g_string_new(NULL);
	for (char **part = parts; *part; part++)
		support_add_stream(media, bundle, kind, *part);
	g_string_append(text, "v=0\r\no=- 70 1 IN IP4 192.0.2.77\r\ns=-\r\nt=0 0\r\n");
	if (kind == NEGOTIATE_WEBRTC)
		g_string_append_printf(text,
				       "a=group:BUNDLE%s\r\na=ice-ufrag:farU\r\na=ice-pwd:farfarfarfarfarfarfarfar\r\n"
				       "a=fingerprint:sha-256 AA:BB\r\n",
				       bundle->str);
	g_string_append(text, media->str);
	return support_parse(text->str);
}

static inline void support_describe_stream(GString *out, const struct sdp_media *media)
{
	static const char *const setups[] = {NULL, "active", "passive", "actpass", "holdconn"};
	g_string_append(out, media->kind_text);
	if (!media->port && !media->is_bundle_only) {
		g_string_append(out, " refused");
		return;
	}
	for (size_t i = 0; i < media->n_formats; i++) {
		const struct sdp_format *format = &media->formats[i];
		g_string_append_printf(out, " %u=%s/%u", format->payload_type, format->encoding, format->clock_hz);
		if (format->channels > 1)
			g_string_append_printf(out, "/%u", format->channels);
	}
	g_string_append_printf(out, " %s", sdp_direction_name(media->direction));
	if (media->ptime_ms)
		g_string_append_printf(out, " ptime=%u", media->ptime_ms);
	if (media->mid[0])
		g_string_append_printf(out, " mid=%s", media->mid);
	if (media->transport.setup)
		g_string_append_printf(out, " setup=%s", setups[media->transport.setup]);
	if (media->is_bundle_only)
		g_string_append(out, " bundle-only");
}

static inline char *support_describe(const struct sdp_session *session)
{
	GString *out = g_string_new(NULL);
	for (size_t i = 0; i < session->n_media; i++) {
		g_string_append(out, i ? " | " : "");
		support_describe_stream(out, &session->media[i]);
	}
	return g_string_free(out, FALSE);
}

/* A leg of ours with its transport, as media would give it. */
struct support_leg {
	struct negotiate_leg leg;
	struct sdp_transport transport;
	struct sdp_session *local, *remote;
};

static inline void support_leg_init(struct support_leg *leg, enum negotiate_kind kind)
{
	struct sdp_transport *transport = &leg->transport;
	*leg = (struct support_leg){0};
	net_address_parse("192.0.2.1", 20000, &transport->rtp);
	if (kind == NEGOTIATE_WEBRTC) {
		transport->rtcp_mux = transport->has_ice = true;
		strcpy(transport->ice_ufrag, "ourU");
		strcpy(transport->ice_pwd, "ourourourourourourourour");
		transport->n_fingerprints = 1;
		strcpy(transport->fingerprints[0].algorithm, "sha-256");
		strcpy(transport->fingerprints[0].digits, "01:02");
		transport->n_candidates = 1;
		sdp_candidate_parse("candidate:1 1 udp 2122260223 192.0.2.1 20000 typ host", &transport->candidates[0]);
	} else {
		net_address_parse("192.0.2.1", 20001, &transport->rtcp);
	}
	leg->leg.profile = (struct negotiate_profile){.kind = kind, .carries_dtmf = true, .session_id = 9};
	leg->leg.n_transports = 1;
	leg->leg.transports = transport;
}

/* Takes both descriptions over as the leg's agreed ones. */
static inline void support_leg_agree(struct support_leg *leg, struct sdp_session *local, struct sdp_session *remote,
				     bool local_was_offer)
{
	sdp_session_free(leg->local);
	sdp_session_free(leg->remote);
	leg->leg.local = leg->local = local;
	leg->leg.remote = leg->remote = remote;
	leg->leg.local_was_offer = local_was_offer;
	leg->leg.last_version = local->session_version;
}

static inline void support_leg_clear(struct support_leg *leg)
{
	leg->local = sdp_session_free(leg->local);
	leg->remote = sdp_session_free(leg->remote);
}

static inline bool support_same_formats(const struct sdp_media *a, const struct sdp_media *b)
{
	for (size_t i = 0; i < a->n_formats; i++) {
		const struct sdp_format *x = &a->formats[i], *y = &b->formats[i];
		if (x->payload_type != y->payload_type || strcmp(x->encoding, y->encoding) ||
		    x->clock_hz != y->clock_hz || MAX(x->channels, 1) != MAX(y->channels, 1) ||
		    strcmp(x->parameters, y->parameters))
			return false;
	}
	return true;
}

/* Whether print and parse lose nothing. False also when the printed form does not parse. */
static inline bool support_comes_back(const struct sdp_session *session)
{
	size_t length;
	g_autofree char *text = sdp_print(session, &length), *again_text = NULL;
	struct sdp_session *again;
	if (length > SDP_BYTES_MAX)
		return true;
	int error = sdp_parse(text, length, &again, NULL);
	if (error < 0)
		return error == -E2BIG; /* what stood once for the session stands in every stream now */
	again_text = sdp_print(again, NULL);
	bool is_same = !strcmp(text, again_text) && session->n_media == again->n_media &&
		       session->n_bundled == again->n_bundled && session->origin.length == again->origin.length;
	for (size_t i = 0; is_same && i < session->n_media; i++) {
		const struct sdp_media *a = &session->media[i], *b = &again->media[i];
		const struct sdp_transport *x = &a->transport, *y = &b->transport;
		/* a port next to that of RTP is not written, and comes back where it was not known */
		bool same_rtcp = !x->rtcp.length || net_address_equal(&x->rtcp, &y->rtcp);
		is_same = a->kind == b->kind && a->profile == b->profile && a->port == b->port &&
			  a->n_formats == b->n_formats && support_same_formats(a, b) &&
			  !strcmp(a->formats_text, b->formats_text) && a->direction == b->direction &&
			  !strcmp(a->mid, b->mid) && a->is_bundle_only == b->is_bundle_only &&
			  a->n_extensions == b->n_extensions && a->n_feedback == b->n_feedback && a->ssrc == b->ssrc &&
			  net_address_equal(&x->rtp, &y->rtp) && same_rtcp && x->rtcp_mux == y->rtcp_mux &&
			  x->has_ice == y->has_ice && x->ice_trickle == y->ice_trickle &&
			  !strcmp(x->ice_pwd, y->ice_pwd) && x->n_candidates == y->n_candidates &&
			  x->n_fingerprints == y->n_fingerprints && x->n_crypto == y->n_crypto && x->setup == y->setup;
	}
	sdp_session_free(again);
	return is_same;
}
