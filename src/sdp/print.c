/* The order of lines is the one browsers write. */
#include "sdp/sdp_private.h"

#include <string.h>

/* Room from the start for what is usual, so that growing leaves no copies of keys behind. */
#define PRINT_BYTES 8192

static void print_address(GString *out, const struct net_address *address)
{
	char host[NET_ADDRESS_TEXT_MAX] = "unknown.invalid";
	if (address->length)
		net_address_format_host(address, host);
	g_string_append_printf(out, "IN %s %s", address->length && net_address_is_ipv6(address) ? "IP6" : "IP4", host);
}

/* Whether one c= for the session says it for every stream. Telephones look for it there. */
static bool has_common_connection(const struct sdp_session *session)
{
	for (size_t i = 0; i < session->n_media; i++) {
		const struct net_address *address = &session->media[i].transport.rtp;
		if (!address->length || !net_address_same_host(address, &session->media[0].transport.rtp))
			return false;
	}
	return session->n_media > 0;
}

static void print_session(GString *out, const struct sdp_session *session, bool has_connection)
{
	g_string_append_printf(out, "v=0\r\no=%s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " ",
			       session->username[0] ? session->username : "-", session->session_id,
			       session->session_version);
	print_address(out, &session->origin);
	g_string_append(out, "\r\ns=-\r\n");
	if (has_connection) {
		g_string_append(out, "c=");
		print_address(out, &session->media[0].transport.rtp);
		g_string_append(out, "\r\n");
	}
	g_string_append(out, "t=0 0\r\n");
	if (session->n_bundled) {
		g_string_append(out, "a=group:BUNDLE");
		for (size_t i = 0; i < session->n_bundled; i++)
			g_string_append_printf(out, " %s", session->bundle[i]);
		g_string_append(out, "\r\n");
	}
	if (session->n_media && session->media[0].transport.ice_lite)
		g_string_append(out, "a=ice-lite\r\n");
}

static void print_media_line(GString *out, const struct sdp_media *media)
{
	g_string_append_printf(out, "m=%s %u %s", media->kind_text, media->port, media->profile_text);
	if (media->profile == SDP_PROFILE_OTHER) {
		g_string_append_printf(out, " %s", media->formats_text);
	} else {
		for (size_t i = 0; i < media->n_formats; i++)
			g_string_append_printf(out, " %u", media->formats[i].payload_type);
	}
	g_string_append(out, "\r\n");
}

static void print_rtcp(GString *out, const struct sdp_transport *transport)
{
	if (!transport->rtcp.length)
		return;
	uint16_t port = net_address_port(&transport->rtcp);
	uint16_t rtp_port = transport->rtp.length ? net_address_port(&transport->rtp) : 0;
	if (rtp_port && port == rtp_port + 1 && net_address_same_host(&transport->rtcp, &transport->rtp))
		return;
	g_string_append_printf(out, "a=rtcp:%u ", port);
	print_address(out, &transport->rtcp);
	g_string_append(out, "\r\n");
}

static void print_text(GString *out, const char *name, const char *value)
{
	if (value[0])
		g_string_append_printf(out, "a=%s:%s\r\n", name, value);
}

static void print_number(GString *out, const char *name, unsigned value)
{
	if (value)
		g_string_append_printf(out, "a=%s:%u\r\n", name, value);
}

static void print_flag(GString *out, const char *name, bool is_set)
{
	if (is_set)
		g_string_append_printf(out, "a=%s\r\n", name);
}

static void print_transport(GString *out, const struct sdp_transport *transport)
{
	print_rtcp(out, transport);
	for (size_t i = 0; i < transport->n_candidates; i++) {
		char *line = sdp_candidate_print(&transport->candidates[i]);
		g_string_append_printf(out, "a=%s\r\n", line);
		g_free(line);
	}
	print_flag(out, "end-of-candidates", transport->end_of_candidates);
	print_text(out, "ice-ufrag", transport->ice_ufrag);
	print_text(out, "ice-pwd", transport->ice_pwd);
	if (transport->ice_trickle)
		g_string_append(out, "a=ice-options:trickle\r\n");
	for (size_t i = 0; i < transport->n_fingerprints; i++)
		g_string_append_printf(out, "a=fingerprint:%s %s\r\n", transport->fingerprints[i].algorithm,
				       transport->fingerprints[i].digits);
	const char *setup = sdp_name_text(sdp_setup_names, transport->setup);
	print_text(out, "setup", setup ? setup : "");
	print_text(out, "tls-id", transport->tls_id);
	for (size_t i = 0; i < transport->n_crypto; i++)
		sdp_crypto_print(out, &transport->crypto[i]);
}

static void print_feedback(GString *out, const struct sdp_media *media)
{
	for (size_t i = 0; i < media->n_feedback; i++) {
		const struct sdp_feedback *feedback = &media->feedback[i];
		if (feedback->payload_type < 0)
			g_string_append_printf(out, "a=rtcp-fb:* %s\r\n", feedback->value);
		else
			g_string_append_printf(out, "a=rtcp-fb:%d %s\r\n", feedback->payload_type, feedback->value);
	}
}

static void print_formats(GString *out, const struct sdp_media *media)
{
	for (size_t i = 0; i < media->n_formats; i++) {
		const struct sdp_format *format = &media->formats[i];
		if (format->encoding[0]) {
			g_string_append_printf(out, "a=rtpmap:%u %s/%u", format->payload_type, format->encoding,
					       format->clock_hz);
			if (format->channels > 1)
				g_string_append_printf(out, "/%u", format->channels);
			g_string_append(out, "\r\n");
		}
		if (format->parameters[0])
			g_string_append_printf(out, "a=fmtp:%u %s\r\n", format->payload_type, format->parameters);
	}
}

static void print_extensions(GString *out, const struct sdp_media *media)
{
	for (size_t i = 0; i < media->n_extensions; i++) {
		const struct sdp_extension *extension = &media->extensions[i];
		bool is_plain = extension->direction == SDP_SEND_RECEIVE;
		g_string_append_printf(out, "a=extmap:%u%s%s %s\r\n", extension->id, is_plain ? "" : "/",
				       is_plain ? "" : sdp_direction_name(extension->direction), extension->uri);
	}
}

static void print_source(GString *out, uint32_t ssrc, const char *cname)
{
	if (ssrc)
		g_string_append_printf(out, "a=ssrc:%u%s%s\r\n", ssrc, cname[0] ? " cname:" : "", cname);
}

static void print_sources(GString *out, const struct sdp_media *media)
{
	if (media->ssrc && media->retransmission_ssrc)
		g_string_append_printf(out, "a=ssrc-group:FID %u %u\r\n", media->ssrc, media->retransmission_ssrc);
	print_source(out, media->ssrc, media->cname);
	print_source(out, media->retransmission_ssrc, media->cname);
}

static void print_extended_reports(GString *out, const struct sdp_media *media)
{
	if (media->extended_reports)
		g_string_append_printf(out, "a=rtcp-xr:%s%s\r\n",
				       media->extended_reports & SDP_EXTENDED_SUMMARY ? "stat-summary " : "",
				       media->extended_reports & SDP_EXTENDED_VOIP ? "voip-metrics" : "");
}

static void print_media(GString *out, const struct sdp_media *media, bool has_connection)
{
	print_media_line(out, media);
	if (has_connection && media->transport.rtp.length) {
		g_string_append(out, "c=");
		print_address(out, &media->transport.rtp);
		g_string_append(out, "\r\n");
	}
	if (media->bandwidth_as_kbps)
		g_string_append_printf(out, "b=AS:%u\r\n", media->bandwidth_as_kbps);
	if (media->bandwidth_tias_bps)
		g_string_append_printf(out, "b=TIAS:%u\r\n", media->bandwidth_tias_bps);
	print_transport(out, &media->transport);
	print_text(out, "mid", media->mid);
	print_flag(out, "bundle-only", media->is_bundle_only);
	print_extensions(out, media);
	print_flag(out, sdp_direction_name(media->direction), true);
	print_text(out, "msid", media->stream_id);
	print_flag(out, "rtcp-mux", media->transport.rtcp_mux);
	print_flag(out, "rtcp-rsize", media->rtcp_reduced_size);
	print_extended_reports(out, media);
	print_formats(out, media);
	print_feedback(out, media);
	print_number(out, "ptime", media->ptime_ms);
	print_number(out, "maxptime", media->maxptime_ms);
	print_sources(out, media);
}

char *sdp_print(const struct sdp_session *session, size_t *ret_length)
{
	GString *out = g_string_sized_new(PRINT_BYTES);
	bool has_common = has_common_connection(session);
	print_session(out, session, has_common);
	for (size_t i = 0; i < session->n_media; i++)
		print_media(out, &session->media[i], !has_common);
	if (ret_length)
		*ret_length = out->len;
	return g_string_free(out, FALSE);
}

char *sdp_text_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	g_free(text);
	return NULL;
}
