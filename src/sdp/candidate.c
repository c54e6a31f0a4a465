/* Candidate lines (RFC 8839, section 5.1; TCP: RFC 6544, section 4.5). */
#include "sdp/sdp_private.h"

#include <string.h>
#include <strings.h>

static const struct sdp_name type_names[] = {
    {SDP_CANDIDATE_HOST, "host"},
    {SDP_CANDIDATE_SERVER_REFLEXIVE, "srflx"},
    {SDP_CANDIDATE_PEER_REFLEXIVE, "prflx"},
    {SDP_CANDIDATE_RELAYED, "relay"},
    {0, NULL},
};

static const struct sdp_name tcp_names[] = {
    {SDP_CANDIDATE_TCP_ACTIVE, "active"},
    {SDP_CANDIDATE_TCP_PASSIVE, "passive"},
    {SDP_CANDIDATE_TCP_SO, "so"},
    {0, NULL},
};

static bool word_number(char **text, uint64_t maximum, uint64_t *ret_number)
{
	const char *word = sdp_word(text);
	return word && sdp_number(&word, maximum, ret_number) && !*word;
}

static int parse_extensions(char *text, struct sdp_candidate *candidate)
{
	const char *related = NULL;
	uint64_t related_port = 0;
	for (char *name; (name = sdp_word(&text));) {
		char *value = sdp_word(&text);
		if (!value)
			break;
		if (!strcasecmp(name, "raddr")) {
			related = value;
		} else if (!strcasecmp(name, "rport")) {
			const char *digits = value;
			if (!sdp_number(&digits, UINT16_MAX, &related_port) || *digits)
				return -EBADMSG;
		} else if (!strcasecmp(name, "tcptype") && candidate->transport != SDP_CANDIDATE_UDP) {
			candidate->transport = sdp_name_value(tcp_names, value, candidate->transport);
		}
	}
	if (related)
		candidate->related = sdp_address(related, related_port);
	return 0;
}

int sdp_candidate_parse(const char *text, struct sdp_candidate *ret_candidate)
{
	char line[SDP_LINE_BYTES_MAX + 1];
	if (!base_copy_text(line, sizeof line, text))
		return -E2BIG;
	char *at = line;
	if (!strncasecmp(at, "candidate:", 10))
		at += 10;

	struct sdp_candidate candidate = {0};
	const char *foundation = sdp_word(&at);
	if (!foundation || !base_copy_text(candidate.foundation, sizeof candidate.foundation, foundation))
		return -EBADMSG;
	uint64_t component, priority, port;
	if (!word_number(&at, UINT8_MAX, &component) || !component)
		return -EBADMSG;
	const char *transport = sdp_word(&at);
	if (!transport || !word_number(&at, UINT32_MAX, &priority))
		return -EBADMSG;
	const char *host = sdp_word(&at);
	if (!host || !word_number(&at, UINT16_MAX, &port))
		return -EBADMSG;
	const char *typ = sdp_word(&at), *type = sdp_word(&at);
	if (!typ || strcasecmp(typ, "typ") || !type)
		return -EBADMSG;
	int type_value = sdp_name_value(type_names, type, -1);
	if (type_value < 0)
		return -ENOTSUP;
	if (!strcasecmp(transport, "udp"))
		candidate.transport = SDP_CANDIDATE_UDP;
	else if (!strcasecmp(transport, "tcp"))
		candidate.transport = SDP_CANDIDATE_TCP_PASSIVE; /* until a tcptype says otherwise */
	else
		return -ENOTSUP;
	candidate.component = component;
	candidate.priority = priority;
	candidate.type = type_value;
	candidate.address = sdp_address(host, port);
	int error = parse_extensions(at, &candidate);
	if (error < 0)
		return error;
	*ret_candidate = candidate;
	return 0;
}

char *sdp_candidate_print(const struct sdp_candidate *candidate)
{
	char host[NET_ADDRESS_TEXT_MAX] = "unknown.invalid";
	uint16_t port = 9;
	if (candidate->address.length) {
		net_address_format_host(&candidate->address, host);
		port = net_address_port(&candidate->address);
	}
	GString *out = g_string_new(NULL);
	g_string_append_printf(out, "candidate:%s %u %s %u %s %u typ %s", candidate->foundation, candidate->component,
			       candidate->transport == SDP_CANDIDATE_UDP ? "udp" : "tcp", candidate->priority, host,
			       port, sdp_name_text(type_names, candidate->type));
	if (candidate->related.length)
		g_string_append_printf(out, " raddr %s rport %u", net_address_format_host(&candidate->related, host),
				       net_address_port(&candidate->related));
	if (candidate->transport != SDP_CANDIDATE_UDP)
		g_string_append_printf(out, " tcptype %s", sdp_name_text(tcp_names, candidate->transport));
	return g_string_free(out, FALSE);
}
