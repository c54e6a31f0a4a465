/* The a= lines we know. What cannot be read in an attribute that only refines (a codec's rtpmap, a candidate, an
 * extension) makes that attribute void, as unknown ones are; what security rests on must be right. */
#include "sdp/sdp_private.h"

#include <string.h>
#include <strings.h>

static int too_many(struct sdp_parser *parser, const char *reason)
{
	parser->reason = reason;
	return -E2BIG;
}

static int bad(struct sdp_parser *parser, const char *reason)
{
	parser->reason = reason;
	return -EBADMSG;
}

static int set_text(struct sdp_parser *parser, char *destination, size_t size, const char *value, const char *reason)
{
	return base_copy_text(destination, size, value) ? 0 : too_many(parser, reason);
}

static int attribute_direction(struct sdp_parser *parser, enum sdp_direction direction)
{
	parser->media->direction = direction;
	return 0;
}

static int attribute_sendrecv(struct sdp_parser *parser, char *value)
{
	return attribute_direction(parser, SDP_SEND_RECEIVE);
}

static int attribute_sendonly(struct sdp_parser *parser, char *value)
{
	return attribute_direction(parser, SDP_SEND_ONLY);
}

static int attribute_recvonly(struct sdp_parser *parser, char *value)
{
	return attribute_direction(parser, SDP_RECEIVE_ONLY);
}

static int attribute_inactive(struct sdp_parser *parser, char *value)
{
	return attribute_direction(parser, SDP_INACTIVE);
}

/* The format a "111 ..." value is about; NULL when m= does not list it. *value is moved behind the number. */
static struct sdp_format *listed_format(struct sdp_parser *parser, char **value)
{
	const char *word = sdp_word(value);
	uint64_t type;
	if (!word || !sdp_number(&word, 127, &type) || *word || !parser->format_index[type])
		return NULL;
	return &parser->media->formats[parser->format_index[type] - 1];
}

/* Names that some telephones write for one codec. */
static const char *usual_encoding(const char *name)
{
	static const char *const names[][2] = {{"G729A", "G729"}, {"G723.1", "G723"}};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (!strcasecmp(names[i][0], name))
			return names[i][1];
	}
	return name;
}

static int attribute_rtpmap(struct sdp_parser *parser, char *value)
{
	struct sdp_format *format = listed_format(parser, &value);
	char *mapping = format ? sdp_word(&value) : NULL;
	char *slash = mapping ? strchr(mapping, '/') : NULL;
	uint64_t clock_hz, channels = 1;
	if (!slash || slash == mapping)
		return 0;
	*slash = 0;
	const char *rest = slash + 1;
	if (!sdp_number(&rest, UINT32_MAX, &clock_hz) || !clock_hz)
		return 0;
	if (*rest && (*rest++ != '/' || !sdp_number(&rest, UINT8_MAX, &channels) || *rest || !channels))
		return 0;
	if (!base_copy_text(format->encoding, sizeof format->encoding, usual_encoding(mapping)))
		return too_many(parser, "encoding name in a=rtpmap is too long");
	format->clock_hz = clock_hz;
	format->channels = channels;
	return 0;
}

static int attribute_fmtp(struct sdp_parser *parser, char *value)
{
	struct sdp_format *format = listed_format(parser, &value);
	if (!format)
		return 0;
	value += strspn(value, " \t");
	return set_text(parser, format->parameters, sizeof format->parameters, value, "a=fmtp is too long");
}

static int attribute_milliseconds(const char *value, uint16_t *ret_ms)
{
	uint64_t ms;
	if (sdp_number(&value, UINT16_MAX, &ms))
		*ret_ms = ms;
	return 0;
}

static int attribute_ptime(struct sdp_parser *parser, char *value)
{
	return attribute_milliseconds(value, &parser->media->ptime_ms);
}

static int attribute_maxptime(struct sdp_parser *parser, char *value)
{
	return attribute_milliseconds(value, &parser->media->maxptime_ms);
}

static int attribute_mid(struct sdp_parser *parser, char *value)
{
	const char *mid = sdp_word(&value);
	return set_text(parser, parser->media->mid, sizeof parser->media->mid, mid ? mid : "", "a=mid is too long");
}

static int attribute_group(struct sdp_parser *parser, char *value)
{
	struct sdp_session *session = parser->session;
	const char *semantics = sdp_word(&value);
	if (!semantics || strcasecmp(semantics, "BUNDLE") || parser->has_bundle)
		return 0;
	parser->has_bundle = true;
	for (const char *mid; (mid = sdp_word(&value));) {
		if (session->n_bundled == SDP_MEDIA_MAX)
			return too_many(parser, "too many streams in a=group:BUNDLE");
		if (!base_copy_text(session->bundle[session->n_bundled++], sizeof session->bundle[0], mid))
			return too_many(parser, "name in a=group:BUNDLE is too long");
	}
	return 0;
}

static int attribute_bundle_only(struct sdp_parser *parser, char *value)
{
	parser->media->is_bundle_only = true;
	return 0;
}

static int attribute_msid(struct sdp_parser *parser, char *value)
{
	struct sdp_media *media = parser->media;
	value += strspn(value, " \t");
	if (media->stream_id[0])
		return 0;
	return set_text(parser, media->stream_id, sizeof media->stream_id, value, "a=msid is too long");
}

/* Only the first source, and its cname; a cname too long to be kept is not needed by anyone. */
static int attribute_ssrc(struct sdp_parser *parser, char *value)
{
	struct sdp_media *media = parser->media;
	const char *word = sdp_word(&value);
	uint64_t ssrc;
	if (!word || !sdp_number(&word, UINT32_MAX, &ssrc) || *word || !ssrc)
		return 0;
	if (!media->ssrc)
		media->ssrc = ssrc;
	value += strspn(value, " \t");
	if (media->ssrc == ssrc && !media->cname[0] && !strncasecmp(value, "cname:", 6) &&
	    strlen(value + 6) < sizeof media->cname)
		base_copy_text(media->cname, sizeof media->cname, value + 6);
	return 0;
}

/* Of the groups only the one that says which source sends again what the first has sent. */
static int attribute_ssrc_group(struct sdp_parser *parser, char *value)
{
	struct sdp_media *media = parser->media;
	const char *semantics = sdp_word(&value), *first = sdp_word(&value), *second = sdp_word(&value);
	uint64_t ssrc, again;
	if (!second || strcasecmp(semantics, "FID") || media->retransmission_ssrc ||
	    !sdp_number(&first, UINT32_MAX, &ssrc) || *first || !sdp_number(&second, UINT32_MAX, &again) || *second ||
	    !ssrc || (media->ssrc && media->ssrc != ssrc))
		return 0;
	media->ssrc = ssrc;
	media->retransmission_ssrc = again;
	return 0;
}

/* "stat-summary=loss,dup voip-metrics:50 rcvr-rtt=all:100" */
static int attribute_rtcp_xr(struct sdp_parser *parser, char *value)
{
	for (char *word; (word = sdp_word(&value));) {
		word[strcspn(word, "=:")] = 0;
		if (!strcasecmp(word, "stat-summary"))
			parser->media->extended_reports |= SDP_EXTENDED_SUMMARY;
		else if (!strcasecmp(word, "voip-metrics"))
			parser->media->extended_reports |= SDP_EXTENDED_VOIP;
	}
	return 0;
}

static int attribute_rtcp(struct sdp_parser *parser, char *value)
{
	const char *word = sdp_word(&value);
	uint64_t port;
	if (!word || !sdp_number(&word, UINT16_MAX, &port) || *word)
		return 0;
	char *net = sdp_word(&value), *family = sdp_word(&value), *host = sdp_word(&value);
	struct net_address address = {0};
	if (host && net && family) {
		address = sdp_address(host, 0);
		if (!address.length)
			return 0; /* a name: as if nothing were said */
	}
	parser->has_rtcp = true;
	parser->rtcp_port = port;
	parser->rtcp_address = address;
	return 0;
}

static int attribute_rtcp_mux(struct sdp_parser *parser, char *value)
{
	parser->media->transport.rtcp_mux = true;
	return 0;
}

static int attribute_rtcp_rsize(struct sdp_parser *parser, char *value)
{
	parser->media->rtcp_reduced_size = true;
	return 0;
}

static int attribute_rtcp_fb(struct sdp_parser *parser, char *value)
{
	struct sdp_media *media = parser->media;
	struct sdp_feedback *feedback;
	const char *word = sdp_word(&value);
	uint64_t type = 0;
	if (!word)
		return 0;
	bool is_wildcard = !strcmp(word, "*");
	if (!is_wildcard && (!sdp_number(&word, 127, &type) || *word || !parser->format_index[type]))
		return 0;
	value += strspn(value, " \t");
	if (!*value || strlen(value) >= sizeof feedback->value)
		return 0; /* longer than any kind we know */
	feedback = sdp_media_add_feedback(media);
	if (!feedback)
		return too_many(parser, "too many a=rtcp-fb");
	feedback->payload_type = is_wildcard ? -1 : (int)type;
	base_copy_text(feedback->value, sizeof feedback->value, value);
	return 0;
}

static int attribute_extmap(struct sdp_parser *parser, char *value)
{
	struct sdp_media *media = parser->media;
	char *word = sdp_word(&value);
	const char *uri = sdp_word(&value), *digits = word;
	struct sdp_extension *extension;
	uint64_t id;
	if (!uri || !sdp_number(&digits, UINT8_MAX, &id) || !id || (*digits && *digits != '/') ||
	    strlen(uri) >= sizeof extension->uri)
		return 0;
	int direction = *digits ? sdp_name_value(sdp_direction_names, digits + 1, -1) : SDP_SEND_RECEIVE;
	if (direction < 0)
		return 0;
	extension = sdp_media_add_extension(media);
	if (!extension)
		return too_many(parser, "too many a=extmap");
	extension->id = id;
	extension->direction = direction;
	base_copy_text(extension->uri, sizeof extension->uri, uri);
	return 0;
}

static int attribute_candidate(struct sdp_parser *parser, char *value)
{
	struct sdp_transport *transport = &parser->media->transport;
	struct sdp_candidate candidate;
	if (sdp_candidate_parse(value, &candidate) < 0)
		return 0;
	if (transport->n_candidates == SDP_CANDIDATES_MAX)
		return too_many(parser, "too many a=candidate");
	transport->candidates[transport->n_candidates++] = candidate;
	return 0;
}

static int attribute_end_of_candidates(struct sdp_parser *parser, char *value)
{
	parser->media->transport.end_of_candidates = true;
	return 0;
}

static int set_ice_text(struct sdp_parser *parser, char *destination, size_t size, char *value, size_t minimum)
{
	const char *word = sdp_word(&value);
	if (!word || strlen(word) < minimum)
		return bad(parser, "ICE user name or password is too short");
	return set_text(parser, destination, size, word, "ICE user name or password is too long");
}

static int attribute_ice_ufrag(struct sdp_parser *parser, char *value)
{
	struct sdp_transport *transport = &parser->media->transport;
	return set_ice_text(parser, transport->ice_ufrag, sizeof transport->ice_ufrag, value, 4);
}

static int attribute_ice_pwd(struct sdp_parser *parser, char *value)
{
	struct sdp_transport *transport = &parser->media->transport;
	return set_ice_text(parser, transport->ice_pwd, sizeof transport->ice_pwd, value, 22);
}

static int attribute_ice_lite(struct sdp_parser *parser, char *value)
{
	parser->media->transport.ice_lite = true;
	return 0;
}

static int attribute_ice_options(struct sdp_parser *parser, char *value)
{
	for (const char *option; (option = sdp_word(&value));) {
		if (!strcasecmp(option, "trickle"))
			parser->media->transport.ice_trickle = true;
	}
	return 0;
}

/* "AB:CD:..." in upper case; false when it is not that. */
static bool copy_digits(char *destination, size_t size, const char *digits)
{
	size_t length = strlen(digits);
	if (length >= size || length % 3 != 2)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (i % 3 == 2 ? digits[i] != ':' : !g_ascii_isxdigit(digits[i]))
			return false;
		destination[i] = g_ascii_toupper(digits[i]);
	}
	destination[length] = 0;
	return true;
}

static int attribute_fingerprint(struct sdp_parser *parser, char *value)
{
	struct sdp_transport *transport = &parser->media->transport;
	const char *algorithm = sdp_word(&value), *digits = sdp_word(&value);
	struct sdp_fingerprint fingerprint = {0};
	if (!digits || !copy_digits(fingerprint.digits, sizeof fingerprint.digits, digits))
		return bad(parser,
			   "a=fingerprint must be: hash function, pairs of hexadecimal digits parted by colons");
	if (!base_copy_text(fingerprint.algorithm, sizeof fingerprint.algorithm, algorithm))
		return bad(parser, "hash function in a=fingerprint is unknown");
	for (char *c = fingerprint.algorithm; *c; c++)
		*c = g_ascii_tolower(*c);
	if (parser->media != parser->defaults && !parser->has_own_fingerprint) {
		parser->has_own_fingerprint = true;
		transport->n_fingerprints = 0;
	}
	if (transport->n_fingerprints == SDP_FINGERPRINTS_MAX)
		return too_many(parser, "too many a=fingerprint");
	transport->fingerprints[transport->n_fingerprints++] = fingerprint;
	return 0;
}

static int attribute_setup(struct sdp_parser *parser, char *value)
{
	const char *word = sdp_word(&value);
	parser->media->transport.setup = sdp_name_value(sdp_setup_names, word ? word : "", SDP_SETUP_NONE);
	return 0;
}

static int attribute_tls_id(struct sdp_parser *parser, char *value)
{
	struct sdp_transport *transport = &parser->media->transport;
	const char *word = sdp_word(&value);
	return set_text(parser, transport->tls_id, sizeof transport->tls_id, word ? word : "", "a=tls-id is too long");
}

/* RFC 4568, section 7.1.2: a line that cannot be used is as if it were not there. */
static int attribute_crypto(struct sdp_parser *parser, char *value)
{
	struct sdp_transport *transport = &parser->media->transport;
	struct sdp_crypto crypto;
	if (sdp_crypto_parse(value, &crypto) < 0)
		return 0;
	if (transport->n_crypto == SDP_CRYPTO_MAX) {
		explicit_bzero(&crypto, sizeof crypto);
		return too_many(parser, "too many a=crypto");
	}
	transport->crypto[transport->n_crypto++] = crypto;
	explicit_bzero(&crypto, sizeof crypto);
	return 0;
}

enum level { SESSION_LEVEL = 1, MEDIA_LEVEL = 2, BOTH_LEVELS = 3 };

static const struct attribute {
	const char *name;
	enum level level;
	int (*parse)(struct sdp_parser *parser, char *value);
} attributes[] = {
    {"rtpmap", MEDIA_LEVEL, attribute_rtpmap},
    {"fmtp", MEDIA_LEVEL, attribute_fmtp},
    {"rtcp-fb", MEDIA_LEVEL, attribute_rtcp_fb},
    {"candidate", MEDIA_LEVEL, attribute_candidate},
    {"extmap", BOTH_LEVELS, attribute_extmap},
    {"ssrc", MEDIA_LEVEL, attribute_ssrc},
    {"ssrc-group", MEDIA_LEVEL, attribute_ssrc_group},
    {"sendrecv", BOTH_LEVELS, attribute_sendrecv},
    {"sendonly", BOTH_LEVELS, attribute_sendonly},
    {"recvonly", BOTH_LEVELS, attribute_recvonly},
    {"inactive", BOTH_LEVELS, attribute_inactive},
    {"ptime", MEDIA_LEVEL, attribute_ptime},
    {"maxptime", MEDIA_LEVEL, attribute_maxptime},
    {"mid", MEDIA_LEVEL, attribute_mid},
    {"group", SESSION_LEVEL, attribute_group},
    {"bundle-only", MEDIA_LEVEL, attribute_bundle_only},
    {"msid", MEDIA_LEVEL, attribute_msid},
    {"rtcp", MEDIA_LEVEL, attribute_rtcp},
    {"rtcp-mux", MEDIA_LEVEL, attribute_rtcp_mux},
    {"rtcp-xr", BOTH_LEVELS, attribute_rtcp_xr},
    {"rtcp-rsize", MEDIA_LEVEL, attribute_rtcp_rsize},
    {"end-of-candidates", MEDIA_LEVEL, attribute_end_of_candidates},
    {"ice-ufrag", BOTH_LEVELS, attribute_ice_ufrag},
    {"ice-pwd", BOTH_LEVELS, attribute_ice_pwd},
    {"ice-lite", SESSION_LEVEL, attribute_ice_lite},
    {"ice-options", BOTH_LEVELS, attribute_ice_options},
    {"fingerprint", BOTH_LEVELS, attribute_fingerprint},
    {"setup", BOTH_LEVELS, attribute_setup},
    {"tls-id", BOTH_LEVELS, attribute_tls_id},
    {"crypto", MEDIA_LEVEL, attribute_crypto},
};

int sdp_attribute_parse(struct sdp_parser *parser, const char *name, char *value)
{
	enum level level = parser->media == parser->defaults ? SESSION_LEVEL : MEDIA_LEVEL;
	for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
		if (attributes[i].level & level && !strcasecmp(attributes[i].name, name))
			return attributes[i].parse(parser, value);
	}
	return 0;
}
