#include "sip/dtmf.h"
#include <stdio.h>
#include <string.h>

static const char digits[] = "0123456789*#ABCD!"; /* by their numbers (RFC 4733, section 3.2) */
static const char *const content_types[] = {"application/dtmf-relay", "application/dtmf"};

const char *sip_dtmf_content_type(enum sip_dtmf_kind kind)
{
	return content_types[kind];
}

int sip_dtmf_kind_of(const char *content_type, enum sip_dtmf_kind *ret_kind)
{
	for (size_t kind = 0; content_type && kind < G_N_ELEMENTS(content_types); kind++) {
		size_t length = strlen(content_types[kind]);

		if (!g_ascii_strncasecmp(content_type, content_types[kind], length) &&
		    (!content_type[length] || strchr("; \t", content_type[length]))) {
			*ret_kind = (enum sip_dtmf_kind)kind;
			return 0;
		}
	}
	return -EPROTONOSUPPORT;
}

/* --- reading --- */

/* A number of at most `max`, with nothing behind it. */
static int read_number(const char *text, uint32_t max, uint32_t *ret_number)
{
	uint32_t number = 0;

	if (!g_ascii_isdigit(*text))
		return -EBADMSG;
	for (; g_ascii_isdigit(*text); text++) {
		number = number * 10 + (uint32_t)(*text - '0');
		if (number > max)
			return -EBADMSG;
	}
	if (*text)
		return -EBADMSG;
	*ret_number = number;
	return 0;
}

/* The digit itself, or its number where that has two places. */
static int read_digit(const char *text, char *ret_digit)
{
	char single = g_ascii_toupper(text[0]);
	uint32_t number;

	if (single && !text[1] && strchr(digits, single)) {
		*ret_digit = single;
		return 0;
	}
	if (strlen(text) != 2 || read_number(text, sizeof digits - 2, &number) < 0 || number < 10)
		return -EBADMSG;
	*ret_digit = digits[number];
	return 0;
}

static int read_line(char *line, struct sip_dtmf *dtmf)
{
	char *value = strchr(line, '=');

	if (!value)
		return *g_strstrip(line) ? -EBADMSG : 0;
	*value++ = '\0';
	g_strstrip(line);
	g_strstrip(value);
	if (!g_ascii_strcasecmp(line, "Signal"))
		return dtmf->digit ? -EBADMSG : read_digit(value, &dtmf->digit);
	if (!g_ascii_strcasecmp(line, "Duration"))
		return read_number(value, SIP_DTMF_DURATION_MS_MAX, &dtmf->duration_ms);
	return 0;
}

static int read_relay(char *text, struct sip_dtmf *dtmf)
{
	char *left = NULL;

	for (char *line = strtok_r(text, "\r\n", &left); line; line = strtok_r(NULL, "\r\n", &left))
		if (read_line(line, dtmf) < 0)
			return -EBADMSG;
	return dtmf->digit ? 0 : -EBADMSG;
}

int sip_dtmf_parse(enum sip_dtmf_kind kind, const char *body, size_t length, struct sip_dtmf *ret_dtmf)
{
	struct sip_dtmf dtmf = {.duration_ms = SIP_DTMF_DURATION_MS_DEFAULT};
	char text[SIP_DTMF_BODY_BYTES_MAX + 1];
	int error;

	if (length > SIP_DTMF_BODY_BYTES_MAX)
		return -EMSGSIZE;
	if (length == 0 || memchr(body, '\0', length))
		return -EBADMSG;
	memcpy(text, body, length);
	text[length] = '\0';
	if (kind == SIP_DTMF_BARE && !strchr(text, '='))
		error = read_digit(g_strstrip(text), &dtmf.digit);
	else
		error = read_relay(text, &dtmf); /* some send the one form with the other's name */
	if (error == 0)
		*ret_dtmf = dtmf;
	return error;
}

/* --- writing --- */

int sip_dtmf_format(enum sip_dtmf_kind kind, const struct sip_dtmf *dtmf, char ret_body[static SIP_DTMF_BODY_BYTES])
{
	char digit = g_ascii_toupper(dtmf->digit);

	if (!digit || !strchr(digits, digit))
		return -EINVAL;
	if (kind == SIP_DTMF_BARE)
		return snprintf(ret_body, SIP_DTMF_BODY_BYTES, "%c", digit);
	return snprintf(ret_body, SIP_DTMF_BODY_BYTES, "Signal=%s\r\nDuration=%u\r\n",
			digit == '!' ? "16" : (char[]){digit, '\0'}, dtmf->duration_ms);
}
