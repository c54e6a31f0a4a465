#include "sip/gate.h"
#include "sip/value.h"
#include <string.h>

#define CSEQ_MAX 0x7fffffffu /* section 8.1.1.5: less than 2^31 */
#define MAX_FORWARDS_MAX 255
#define STATUS_MIN 100
#define STATUS_MAX 699

static const struct {
	const char *name;
	char compact;
	bool is_mandatory;
	bool may_repeat;
} headers[SIP_GATE_HEADERS] = {
	[SIP_GATE_VIA] = {"via", 'v', true, true},
	[SIP_GATE_FROM] = {"from", 'f', true, false},
	[SIP_GATE_TO] = {"to", 't', true, false},
	[SIP_GATE_CALL_ID] = {"call-id", 'i', true, false},
	[SIP_GATE_CSEQ] = {"cseq", 0, true, false},
	[SIP_GATE_CONTENT_LENGTH] = {"content-length", 'l', false, false},
	[SIP_GATE_MAX_FORWARDS] = {"max-forwards", 0, false, false},
	[SIP_GATE_EXPIRES] = {"expires", 0, false, false},
	[SIP_GATE_CONTENT_TYPE] = {"content-type", 'c', false, false},
	[SIP_GATE_REFER_TO] = {"refer-to", 'r', false, false},
	[SIP_GATE_REPLACES] = {"replaces", 0, false, false},
};

struct check {
	struct sip_gate *gate;
	struct sip_refusal refusal; /* the first fault that still leaves the headers readable */
	const char *method;	    /* of the request line */
	size_t method_length;
	unsigned seen[SIP_GATE_HEADERS];
	uint64_t content_length;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int sip_gate_number(const char *value, size_t length, uint64_t maximum, uint64_t *ret_number)
{
	uint64_t number = 0;
	if (!length)
		return -ERANGE;
	for (size_t i = 0; i < length; i++) {
		if (!g_ascii_isdigit(value[i]))
			return -ERANGE;
		number = number * 10 + (uint64_t)(value[i] - '0');
		if (number > maximum)
			return -ERANGE;
	}
	*ret_number = number;
	return 0;
}

static enum sip_gate_header header_of(const char *name, size_t length)
{
	for (int i = SIP_GATE_OTHER + 1; i < SIP_GATE_HEADERS; i++)
		if ((length == 1 && headers[i].compact && g_ascii_tolower(*name) == headers[i].compact) ||
		    (length == strlen(headers[i].name) && !g_ascii_strncasecmp(name, headers[i].name, length)))
			return (enum sip_gate_header)i;
	return SIP_GATE_OTHER;
}

int sip_gate_next_line(const char **cursor, const char *end, struct sip_gate_line *ret_line)
{
	const char *line = *cursor, *stop = line;
	if (end - line >= 2 && line[0] == '\r' && line[1] == '\n') {
		*cursor = line + 2;
		return 0;
	}
	do { /* a line that begins with white space goes on with the one before */
		stop = memmem(stop, (size_t)(end - stop), "\r\n", 2);
		if (!stop)
			return -EBADMSG;
		stop += 2;
	} while (stop < end && (*stop == ' ' || *stop == '\t'));
	const char *colon = memchr(line, ':', (size_t)(stop - line));
	if (!colon)
		return -EBADMSG;
	const char *name_end = colon, *value = colon + 1, *value_end = stop;
	while (name_end > line && is_space(name_end[-1]))
		name_end--;
	while (value < value_end && is_space(*value))
		value++;
	while (value_end > value && is_space(value_end[-1]))
		value_end--;
	if (!sip_value_is_token(line, (size_t)(name_end - line)))
		return -EBADMSG;
	ret_line->header = header_of(line, (size_t)(name_end - line));
	ret_line->value = value;
	ret_line->length = (size_t)(value_end - value);
	*cursor = stop;
	return 1;
}

static int refuse(struct sip_refusal *refusal, unsigned status, const char *reason)
{
	refusal->status = status;
	refusal->reason = reason;
	return -EBADMSG;
}

/* Notes a fault after which the other headers are still worth reading. */
static void fault(struct check *check, unsigned status, const char *reason)
{
	if (!check->refusal.reason)
		refuse(&check->refusal, status, reason);
}

/* CR and LF only as a pair, no other control character; the escapes of a quoted string are no excuse. */
static bool has_control_character(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '\r' && i + 1 < length && text[i + 1] == '\n')
			i++;
		else if ((c < ' ' && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

static int check_status_line(const char *line, size_t length)
{
	uint64_t status;
	if (length < 11 || sip_gate_number(line + 8, 3, STATUS_MAX, &status) < 0 || status < STATUS_MIN ||
	    (length > 11 && line[11] != ' '))
		return -EBADMSG;
	return 0;
}

/* Section 25.1: method, URI and version with one space between them and nothing behind. */
static int check_request_line(struct check *check, const char *line, size_t length)
{
	const char *end = line + length;
	const char *uri = memchr(line, ' ', length);
	if (!uri || !sip_value_is_token(line, (size_t)(uri - line)))
		return -EBADMSG;
	check->method = line;
	check->method_length = (size_t)(uri - line);
	uri++;
	const char *version = memchr(uri, ' ', (size_t)(end - uri));
	if (!version || version == uri)
		return -EBADMSG;
	size_t uri_length = (size_t)(version - uri), version_length = (size_t)(end - ++version);
	if (memchr(uri, '\t', uri_length) || *uri == '<' || *uri == '"')
		return -EBADMSG;
	if (version_length < 5 || g_ascii_strncasecmp(version, "SIP/", 4) || memchr(version, ' ', version_length))
		return -EBADMSG;
	if (version_length != 7 || memcmp(version + 4, "2.0", 3))
		fault(check, 505, "Version Not Supported");
	return 0;
}

static void check_cseq(struct check *check, const char *value, size_t length)
{
	const char *end = value + length, *method = value;
	uint64_t number;
	while (method < end && !is_space(*method))
		method++;
	if (sip_gate_number(value, (size_t)(method - value), CSEQ_MAX, &number) < 0) {
		fault(check, 400, "CSeq out of range");
		return;
	}
	while (method < end && is_space(*method))
		method++;
	if (!sip_value_is_token(method, (size_t)(end - method)))
		fault(check, 400, "Malformed CSeq");
	else if (check->method && ((size_t)(end - method) != check->method_length ||
				   memcmp(method, check->method, check->method_length)))
		fault(check, 400, "CSeq method does not match");
}

static void check_value(struct check *check, const struct sip_gate_line *line)
{
	uint64_t number;
	switch (line->header) {
	case SIP_GATE_CSEQ:
		check_cseq(check, line->value, line->length);
		break;
	case SIP_GATE_CALL_ID:
		if (!line->length || line->length > SIP_TOKEN_BYTES_MAX || memchr(line->value, ' ', line->length))
			fault(check, 0, "Malformed Call-ID"); /* nor could an answer carry it */
		break;
	case SIP_GATE_CONTENT_LENGTH:
		if (sip_gate_number(line->value, line->length, SIP_MESSAGE_BYTES_MAX, &check->content_length) < 0)
			fault(check, 400, "Content-Length out of range");
		break;
	case SIP_GATE_MAX_FORWARDS:
		if (sip_gate_number(line->value, line->length, MAX_FORWARDS_MAX, &number) < 0)
			fault(check, 400, "Max-Forwards out of range");
		break;
	case SIP_GATE_EXPIRES:
		if (sip_gate_number(line->value, line->length, UINT32_MAX, &number) < 0)
			fault(check, 400, "Expires out of range");
		break;
	default:
		break;
	}
}

/* All header lines; *ret_body is where they end. */
static int check_headers(struct check *check, const char *cursor, const char *end, const char **ret_body,
			 struct sip_refusal *ret_refusal)
{
	unsigned lines = 0;
	for (;;) {
		const char *start = cursor;
		struct sip_gate_line line;
		int more = sip_gate_next_line(&cursor, end, &line);
		if (more < 0)
			return refuse(ret_refusal, 0, "Malformed header line");
		if (!more)
			break;
		if ((size_t)(cursor - start) > SIP_HEADER_BYTES_MAX)
			return refuse(ret_refusal, 0, "Header too long");
		if (++lines > SIP_HEADER_LINES_MAX)
			return refuse(ret_refusal, 0, "Too many headers");
		if (line.header == SIP_GATE_OTHER)
			continue;
		if (check->seen[line.header]++ && !headers[line.header].may_repeat)
			fault(check, 400, "Repeated header");
		check_value(check, &line);
	}
	*ret_body = cursor;
	return 0;
}

static void check_body(struct check *check, enum sip_gate_mode mode, const char *body)
{
	struct sip_gate *gate = check->gate;
	uint64_t rest = (uint64_t)(gate->text + gate->length - body);
	if (check->seen[SIP_GATE_CONTENT_LENGTH] && !check->refusal.reason) {
		if (check->content_length > rest)
			fault(check, 400, "Body shorter than Content-Length");
		else if (check->content_length < rest && mode == SIP_GATE_WHOLE)
			fault(check, 400, "Body longer than Content-Length");
		else
			rest = check->content_length;
	}
	if (rest > SIP_BODY_BYTES_MAX)
		fault(check, 413, "Request Entity Too Large");
	if (check->refusal.reason)
		rest = 0; /* an answer needs the headers only */
	else if (rest && gate->is_request && !check->seen[SIP_GATE_CONTENT_TYPE])
		fault(check, 400, "Missing Content-Type");
	gate->length = (size_t)(body - gate->text) + (size_t)rest;
}

int sip_gate_check(const char *text, size_t length, enum sip_gate_mode mode, struct sip_gate *ret_gate,
		   struct sip_refusal *ret_refusal)
{
	while (length >= 2 && text[0] == '\r' && text[1] == '\n') /* section 7.5 */
		text += 2, length -= 2;
	*ret_gate = (struct sip_gate){.text = text, .length = length};
	struct check check = {.gate = ret_gate};
	if (length > SIP_MESSAGE_BYTES_MAX)
		return refuse(ret_refusal, 0, "Message too long");
	const char *headers_end = memmem(text, length, "\r\n\r\n", 4);
	if (!headers_end)
		return refuse(ret_refusal, 0, "No end of headers");
	if (has_control_character(text, (size_t)(headers_end - text)))
		return refuse(ret_refusal, 0, "Control character in headers");
	const char *line_end = memmem(text, length, "\r\n", 2);
	size_t line_length = (size_t)(line_end - text);
	if (line_length > SIP_HEADER_BYTES_MAX)
		return refuse(ret_refusal, 0, "Start line too long");
	ret_gate->is_request = line_length < 8 || g_ascii_strncasecmp(text, "SIP/2.0 ", 8);
	if ((ret_gate->is_request ? check_request_line(&check, text, line_length)
				  : check_status_line(text, line_length)) < 0)
		return refuse(ret_refusal, 0, "Malformed start line");
	const char *body;
	if (check_headers(&check, line_end + 2, text + length, &body, ret_refusal) < 0)
		return -EBADMSG;
	for (int i = 0; i < SIP_GATE_HEADERS; i++)
		if (headers[i].is_mandatory && !check.seen[i])
			fault(&check, 400, "Missing mandatory header");
	check_body(&check, mode, body);
	if (!check.refusal.reason)
		return 0;
	ret_gate->is_readable = ret_gate->is_request && check.refusal.status;
	*ret_refusal = check.refusal;
	if (!ret_gate->is_request)
		ret_refusal->status = 0;
	return -EBADMSG;
}
