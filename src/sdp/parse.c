/* The lines of SDP (RFC 8866). One pass; each line is copied once into a buffer of fixed size and cut up there. */
#include "sdp/sdp_private.h"

#include <string.h>
#include <strings.h>

struct net_address sdp_address(const char *host, uint16_t port)
{
	struct net_address address;
	if (net_address_parse(host, port, &address) < 0)
		return (struct net_address){0};
	return address;
}

bool sdp_number(const char **text, uint64_t maximum, uint64_t *ret_number)
{
	const char *at = *text;
	uint64_t number = 0;
	if (!g_ascii_isdigit(*at))
		return false;
	for (; g_ascii_isdigit(*at); at++) {
		unsigned digit = *at - '0';
		if (number > (maximum - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*text = at;
	*ret_number = number;
	return true;
}

char *sdp_word(char **text)
{
	char *word = *text + strspn(*text, " \t");
	if (!*word)
		return NULL;
	char *end = word + strcspn(word, " \t");
	*text = *end ? end + 1 : end;
	*end = 0;
	return word;
}

int sdp_next_line(const char **text, const char *end, char ret_line[static SDP_LINE_BYTES_MAX + 1])
{
	const char *line = *text, *line_end = memchr(line, '\n', end - line);
	size_t n = (line_end ? line_end : end) - line;
	if (n && line[n - 1] == '\r')
		n--;
	if (n > SDP_LINE_BYTES_MAX)
		return -E2BIG;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = line[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return -EBADMSG;
	}
	while (n && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	memcpy(ret_line, line, n);
	ret_line[n] = 0;
	*text = line_end ? line_end + 1 : end;
	return 0;
}

static int fail(struct sdp_parser *parser, int error, const char *reason)
{
	parser->reason = reason;
	return error;
}

/* "IN IP4 192.0.2.1/127": the address, or none for a name. False when it is nothing of the kind. */
static bool parse_connection(char *value, struct net_address *ret_address)
{
	char *net = sdp_word(&value), *family = sdp_word(&value), *host = sdp_word(&value);
	if (!host || strcasecmp(net, "IN") || (strcasecmp(family, "IP4") && strcasecmp(family, "IP6")))
		return false;
	host[strcspn(host, "/")] = 0;
	*ret_address = sdp_address(host, 0);
	return true;
}

static int parse_origin(struct sdp_parser *parser, char *value)
{
	struct sdp_session *session = parser->session;
	const char *username = sdp_word(&value), *id = sdp_word(&value), *version = sdp_word(&value);
	if (!version || !sdp_number(&id, UINT64_MAX, &session->session_id) || *id ||
	    !sdp_number(&version, UINT64_MAX, &session->session_version) || *version)
		return fail(parser, -EBADMSG,
			    "o= must be: name, session number, version number, IN, IP4 or IP6, address");
	if (!base_copy_text(session->username, sizeof session->username, username))
		return fail(parser, -E2BIG, "user name in o= is too long");
	if (!parse_connection(value, &session->origin))
		return fail(parser, -EBADMSG, "o= must end in IN, IP4 or IP6 and an address");
	parser->has_origin = true;
	return 0;
}

/* Where the media is reached is known only when all its lines are read: c= and a=rtcp come in any order. */
static void finish_media(struct sdp_parser *parser)
{
	struct sdp_media *media = parser->media;
	struct sdp_transport *transport = &media->transport;
	if (media == parser->defaults)
		return;
	transport->rtp = parser->connection;
	if (transport->rtp.length)
		net_address_set_port(&transport->rtp, media->port);
	if (parser->has_rtcp) {
		transport->rtcp = parser->rtcp_address.length ? parser->rtcp_address : transport->rtp;
		if (transport->rtcp.length)
			net_address_set_port(&transport->rtcp, parser->rtcp_port);
	} else if (transport->rtp.length && media->port && media->port < UINT16_MAX) {
		transport->rtcp = transport->rtp;
		net_address_set_port(&transport->rtcp, media->port + 1);
	}
	transport->has_ice = transport->ice_ufrag[0] && transport->ice_pwd[0];
}

static int parse_format_list(struct sdp_parser *parser, char *list)
{
	struct sdp_media *media = parser->media;
	char zero[] = "0";
	if (!list[strspn(list, " \t")] && !media->port)
		list = zero; /* a refused line needs no formats, but the grammar wants one */
	for (const char *word; (word = sdp_word(&list));) {
		uint64_t type;
		if (!sdp_number(&word, 127, &type) || *word)
			return fail(parser, -EBADMSG, "a payload type in m= is not a number from 0 to 127");
		if (parser->format_index[type])
			continue;
		struct sdp_format *format = sdp_media_add_format(media);
		if (!format)
			return fail(parser, -E2BIG, "too many payload types in m=");
		*format = (struct sdp_format){.payload_type = type, .channels = 1};
		sdp_format_fill_static(format);
		parser->format_index[type] = media->n_formats;
	}
	return media->n_formats ? 0 : fail(parser, -EBADMSG, "m= has no payload type");
}

/* Not with realloc(), which leaves keys and passwords behind where they were. */
static void grow(struct sdp_parser *parser)
{
	struct sdp_session *session = parser->session;
	size_t n = session->n_media;
	parser->n_allocated = MAX(2 * parser->n_allocated, 1);
	struct sdp_media *media = g_new(struct sdp_media, parser->n_allocated);
	for (size_t i = 0; i < n; i++) {
		media[i] = session->media[i];
		explicit_bzero(&session->media[i].transport, sizeof session->media[i].transport);
	}
	g_free(session->media);
	session->media = media;
}

static int begin_media(struct sdp_parser *parser)
{
	struct sdp_session *session = parser->session;
	if (session->n_media == SDP_MEDIA_MAX)
		return fail(parser, -E2BIG, "too many m= lines");
	if (session->n_media == parser->n_allocated)
		grow(parser);
	parser->media = &session->media[session->n_media++];
	sdp_media_copy(parser->defaults, parser->media);
	parser->connection = parser->session_connection;
	parser->has_own_fingerprint = false;
	parser->has_rtcp = false;
	memset(parser->format_index, 0, sizeof parser->format_index);
	return 0;
}

static int parse_media(struct sdp_parser *parser, char *value)
{
	finish_media(parser);
	int error = begin_media(parser);
	if (error < 0)
		return error;
	struct sdp_media *media = parser->media;
	const char *kind = sdp_word(&value), *port = sdp_word(&value), *profile = sdp_word(&value);
	uint64_t number, n_ports;
	if (!profile || !sdp_number(&port, UINT16_MAX, &number))
		return fail(parser, -EBADMSG, "m= must be: kind, port, profile, formats");
	if (*port && (*port++ != '/' || !sdp_number(&port, UINT16_MAX, &n_ports) || *port))
		return fail(parser, -EBADMSG, "port in m= is not a number");
	if (!base_copy_text(media->kind_text, sizeof media->kind_text, kind) ||
	    !base_copy_text(media->profile_text, sizeof media->profile_text, profile))
		return fail(parser, -E2BIG, "kind or profile in m= is too long");
	media->port = number;
	media->kind = sdp_name_value(sdp_kind_names, kind, SDP_KIND_OTHER);
	media->profile = sdp_name_value(sdp_profile_names, profile, SDP_PROFILE_OTHER);
	if (media->profile != SDP_PROFILE_OTHER)
		return parse_format_list(parser, value);
	value += strspn(value, " \t");
	if (!*value)
		return fail(parser, -EBADMSG, "m= has no format");
	if (!base_copy_text(media->formats_text, sizeof media->formats_text, value))
		return fail(parser, -E2BIG, "formats in m= are too long");
	return 0;
}

static void parse_bandwidth(struct sdp_parser *parser, const char *value)
{
	uint64_t bandwidth;
	const char *colon = strchr(value, ':');
	if (!colon || parser->media == parser->defaults)
		return;
	colon++;
	if (!sdp_number(&colon, UINT32_MAX, &bandwidth) || *colon)
		return;
	if (g_str_has_prefix(value, "AS:"))
		parser->media->bandwidth_as_kbps = bandwidth;
	else if (g_str_has_prefix(value, "TIAS:"))
		parser->media->bandwidth_tias_bps = bandwidth;
}

static int parse_line(struct sdp_parser *parser, char *line)
{
	char *value = line + 2;
	if (!g_ascii_isalpha(line[0]) || line[1] != '=')
		return fail(parser, -EBADMSG, "line is not a letter and '='");
	if (parser->line == 1) {
		if (strcmp(line, "v=0"))
			return fail(parser, -EBADMSG, "first line is not v=0");
		return 0;
	}
	switch (line[0]) {
	case 'o':
		return parser->has_origin ? fail(parser, -EBADMSG, "second o=") : parse_origin(parser, value);
	case 'c':
		if (!parse_connection(value, &parser->connection))
			return fail(parser, -EBADMSG, "c= must be: IN, IP4 or IP6, address");
		if (parser->media == parser->defaults)
			parser->session_connection = parser->connection;
		return 0;
	case 'b':
		parse_bandwidth(parser, value);
		return 0;
	case 'm':
		return parse_media(parser, value);
	case 'a': {
		char *colon = strchr(value, ':');
		if (colon)
			*colon++ = 0;
		return sdp_attribute_parse(parser, value, colon ? colon : value + strlen(value));
	}
	default:
		return 0;
	}
}

/* `line` is room for one, with its end. */
static int parse_lines(struct sdp_parser *parser, const char *text, size_t length, char line[static SDP_LINE_BYTES_MAX + 1])
{
	for (const char *end = text + length; text < end;) {
		parser->line++;
		if (parser->line > SDP_LINES_MAX)
			return fail(parser, -E2BIG, "too many lines");
		int error = sdp_next_line(&text, end, line);
		if (error < 0)
			return fail(parser, error, error == -E2BIG ? "line is too long" : "control character");
		if (!line[0] && parser->line > 1)
			continue;
		error = parse_line(parser, line);
		if (error < 0)
			return error;
	}
	if (!parser->has_origin)
		return fail(parser, -EBADMSG, "no o= line");
	finish_media(parser);
	return 0;
}

int sdp_parse(const char *text, size_t length, struct sdp_session **ret_session, struct sdp_problem *ret_problem)
{
	struct sdp_parser parser = {.session = g_new0(struct sdp_session, 1)};
	parser.media = parser.defaults = g_new0(struct sdp_media, 1);
	parser.defaults->direction = SDP_SEND_RECEIVE;
	char line[SDP_LINE_BYTES_MAX + 1];
	int error = length > SDP_BYTES_MAX ? fail(&parser, -E2BIG, "description is too long")
					   : parse_lines(&parser, text, length, line);
	explicit_bzero(line, sizeof line);
	sdp_media_clear(parser.defaults);
	g_free(parser.defaults);
	if (error < 0) {
		sdp_session_free(parser.session);
		if (ret_problem)
			*ret_problem = (struct sdp_problem){.line = MAX(parser.line, 1), .reason = parser.reason};
		return error;
	}
	*ret_session = parser.session;
	return 0;
}
