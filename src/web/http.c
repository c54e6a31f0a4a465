#include "web/http.h"
#include <string.h>

static bool is_token_character(unsigned char c)
{
	return g_ascii_isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool web_http_is_token(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (!is_token_character((unsigned char)*text))
			return false;
	return true;
}

bool web_http_is_value(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
			return false;
	return true;
}

const char *web_http_phrase(unsigned status)
{
	static const struct {
		unsigned status;
		const char *phrase;
	} phrases[] = {
		{100, "Continue"},
		{101, "Switching Protocols"},
		{200, "OK"},
		{204, "No Content"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{417, "Expectation Failed"},
		{426, "Upgrade Required"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{503, "Service Unavailable"},
		{505, "HTTP Version Not Supported"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Status";
}

/* In place; false when an escape is malformed or hides a character that has no business in a path. */
static bool decode_path(char *path)
{
	char *out = path;
	for (const char *in = path; *in; in++) {
		int c = (unsigned char)*in;
		if (c == '%') {
			int high = g_ascii_xdigit_value(in[1]);
			int low = high < 0 ? -1 : g_ascii_xdigit_value(in[2]);
			if (low < 0)
				return false;
			c = high << 4 | low;
			in += 2;
		}
		if (c < ' ' || c == 0x7f || c == '\\')
			return false;
		*out++ = (char)c;
	}
	*out = '\0';
	return g_utf8_validate(path, -1, NULL);
}

static bool has_dot_segment(const char *path)
{
	for (const char *segment = path; segment; segment = strchr(segment, '/')) {
		segment += *segment == '/';
		size_t length = strcspn(segment, "/");
		if ((length == 1 && segment[0] == '.') || (length == 2 && segment[0] == '.' && segment[1] == '.'))
			return true;
	}
	return false;
}

static unsigned parse_target(struct web_http_head *head, char *target)
{
	if (strlen(target) > WEB_PATH_BYTES_MAX)
		return 414;
	if (*target != '/' || strchr(target, '#'))
		return 400;
	for (const char *c = target; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return 400;
	char *query = strchr(target, '?');
	if (query)
		*query++ = '\0';
	head->query = query ? query : "";
	if (!decode_path(target) || has_dot_segment(target))
		return 400;
	head->path = target;
	return 0;
}

static unsigned parse_request_line(struct web_http_head *head, char *line)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;
	if (!version)
		return 400;
	*target++ = *version++ = '\0';
	if (!web_http_is_token(line) || strncmp(version, "HTTP/", 5) || strlen(version) != 8 ||
	    !g_ascii_isdigit(version[5]) || version[6] != '.' || !g_ascii_isdigit(version[7]))
		return 400;
	if (version[5] != '1')
		return 505;
	head->method = line;
	head->minor_version = (unsigned)(version[7] - '0');
	return parse_target(head, target);
}

static unsigned parse_header_line(struct web_http_head *head, char *line)
{
	if (head->n_headers == WEB_HEADER_LINES_MAX)
		return 431;
	char *colon = strchr(line, ':');
	if (!colon) /* folded lines end here too: they begin with a space, which is in no token */
		return 400;
	*colon = '\0';
	char *value = colon + 1;
	if (!web_http_is_token(line) || !web_http_is_value(value))
		return 400;
	for (char *c = line; *c; c++)
		*c = g_ascii_tolower(*c);
	value += strspn(value, " \t");
	for (char *end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t');)
		*--end = '\0';
	head->headers[head->n_headers++] = (struct web_http_header){line, value};
	return 0;
}

/* What the headers say about the message itself. */
static unsigned check_headers(struct web_http_head *head)
{
	size_t hosts = web_http_header_count(head, "host");
	if (hosts > 1 || (hosts == 0 && head->minor_version > 0))
		return 400;
	if (web_http_header(head, "transfer-encoding"))
		return web_http_header(head, "content-length") ? 400 : 501;
	if (web_http_header_count(head, "content-length") > 1)
		return 400;
	const char *length = web_http_header(head, "content-length");
	if (length) {
		if (!*length || strspn(length, "0123456789") != strlen(length))
			return 400;
		if (strlen(length) > 9 || strtoul(length, NULL, 10) > WEB_BODY_BYTES_MAX)
			return 413;
		head->content_length_bytes = strtoul(length, NULL, 10);
	}
	const char *expect = web_http_header(head, "expect");
	if (expect && g_ascii_strcasecmp(expect, "100-continue"))
		return 417;
	head->expects_continue = expect && head->minor_version > 0;
	head->keep_alive = head->minor_version > 0 ? !web_http_lists(head, "connection", "close")
						   : web_http_lists(head, "connection", "keep-alive");
	return 0;
}

static unsigned parse_lines(struct web_http_head *head)
{
	char *line = head->text;
	for (bool is_first = true; *line; is_first = false) {
		char *end = strstr(line, "\r\n"); /* the caller saw the last one */
		*end = '\0';
		if (strchr(line, '\n') || strchr(line, '\r'))
			return 400;
		unsigned status = is_first ? parse_request_line(head, line) : parse_header_line(head, line);
		if (status)
			return status;
		line = end + 2;
	}
	return head->method ? check_headers(head) : 400;
}

int web_http_parse(const char *bytes, size_t length, struct web_http_head *ret_head, unsigned *ret_status)
{
	size_t reach = MIN(length, WEB_HEADER_BYTES_MAX);
	const char *end = memmem(bytes, reach, "\r\n\r\n", 4);
	if (!end) {
		if (reach < WEB_HEADER_BYTES_MAX && !memchr(bytes, 0, reach))
			return -EAGAIN;
		*ret_status = memchr(bytes, 0, reach) ? 400 : memchr(bytes, '\n', reach) ? 431 : 414;
		return -EBADMSG;
	}
	struct web_http_head head = {.length_bytes = (size_t)(end - bytes) + 4};
	if (memchr(bytes, 0, head.length_bytes)) {
		*ret_status = 400;
		return -EBADMSG;
	}
	head.text = g_strndup(bytes, head.length_bytes - 2);
	unsigned status = parse_lines(&head);
	if (status) {
		web_http_head_clear(&head);
		*ret_status = status;
		return -EBADMSG;
	}
	*ret_head = head;
	return 0;
}

void web_http_head_clear(struct web_http_head *head)
{
	g_free(head->text);
	*head = (struct web_http_head){0};
}

const char *web_http_header(const struct web_http_head *head, const char *name)
{
	for (size_t i = 0; i < head->n_headers; i++)
		if (!strcmp(head->headers[i].name, name))
			return head->headers[i].value;
	return NULL;
}

size_t web_http_header_count(const struct web_http_head *head, const char *name)
{
	size_t count = 0;
	for (size_t i = 0; i < head->n_headers; i++)
		count += !strcmp(head->headers[i].name, name);
	return count;
}

static bool value_lists(const char *value, const char *token)
{
	size_t wanted = strlen(token);
	while (*value) {
		value += strspn(value, " \t,");
		size_t length = strcspn(value, ",");
		size_t trimmed = length;
		while (trimmed && (value[trimmed - 1] == ' ' || value[trimmed - 1] == '\t'))
			trimmed--;
		if (trimmed == wanted && !g_ascii_strncasecmp(value, token, wanted))
			return true;
		value += length;
	}
	return false;
}

bool web_http_lists(const struct web_http_head *head, const char *name, const char *token)
{
	for (size_t i = 0; i < head->n_headers; i++)
		if (!strcmp(head->headers[i].name, name) && value_lists(head->headers[i].value, token))
			return true;
	return false;
}
