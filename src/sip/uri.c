#include "sip/uri.h"
#include <string.h>

/* section 25.1: unreserved and user-unreserved */
static bool may_stand_in_user(char c)
{
	return g_ascii_isalnum(c) || (c && strchr("-_.!~*'()&=+$,;?/", c));
}

char *sip_uri_escape_user(const char *user)
{
	GString *text = g_string_new(NULL);
	for (; *user; user++) {
		if (may_stand_in_user(*user))
			g_string_append_c(text, *user);
		else
			g_string_append_printf(text, "%%%02X", (unsigned char)*user);
	}
	return g_string_free(text, FALSE);
}

static int unescape(const char *text, size_t length, char *ret_text, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < length; i++) {
		int c = (unsigned char)text[i];
		if (c == '%') {
			int high = i + 2 < length ? g_ascii_xdigit_value(text[i + 1]) : -1;
			int low = high < 0 ? -1 : g_ascii_xdigit_value(text[i + 2]);
			if (low < 0)
				return -EINVAL;
			c = high * 16 + low;
			i += 2;
		}
		if (c == 0 || n + 1 >= size) /* %00 would end the text for whoever compares it */
			return -EINVAL;
		ret_text[n++] = (char)c;
	}
	ret_text[n] = 0;
	return 0;
}

static int take(const char *text, size_t length, char *ret_text, size_t size)
{
	if (length >= size)
		return -EINVAL;
	memcpy(ret_text, text, length);
	ret_text[length] = 0;
	return 0;
}

static bool is_host(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!g_ascii_isalnum(*c) && !strchr("-._:", *c))
			return false;
	return *text;
}

/* "host", "host:port", "[v6]:port" */
static int parse_host_port(const char *text, size_t length, struct sip_uri *uri)
{
	const char *end = text + length, *host = text, *host_end, *port = NULL;
	if (length && *text == '[') {
		host = text + 1;
		host_end = memchr(host, ']', (size_t)(end - host));
		if (!host_end || !memchr(host, ':', (size_t)(host_end - host)))
			return -EINVAL;
		if (host_end + 1 < end) {
			if (host_end[1] != ':')
				return -EINVAL;
			port = host_end + 2;
		}
	} else {
		host_end = memchr(text, ':', length);
		if (host_end)
			port = host_end + 1;
		else
			host_end = end;
	}
	if (take(host, (size_t)(host_end - host), uri->host, sizeof uri->host) < 0 || !is_host(uri->host))
		return -EINVAL;
	for (char *c = uri->host; *c; c++)
		*c = g_ascii_tolower(*c);
	unsigned number = 0;
	for (const char *c = port; c && c < end; c++) {
		number = number * 10 + (unsigned)(*c - '0');
		if (!g_ascii_isdigit(*c) || number > UINT16_MAX)
			return -EINVAL;
	}
	uri->port = (uint16_t)number;
	return port && !number ? -EINVAL : 0;
}

static int parse_tel(const char *text, struct sip_uri *uri)
{
	size_t number = strcspn(text, ";");
	if (!number || unescape(text, number, uri->user, sizeof uri->user) < 0)
		return -EINVAL;
	text += number;
	return take(text + (*text == ';'), strlen(text + (*text == ';')), uri->parameters, sizeof uri->parameters);
}

static int parse_sip(const char *text, struct sip_uri *uri)
{
	const char *at = strchr(text, '@'); /* none may stand unescaped in the user part */
	if (at) {
		size_t user = (size_t)(at - text);
		const char *colon = memchr(text, ':', user); /* a password is not kept */
		if (!user || unescape(text, colon ? (size_t)(colon - text) : user, uri->user, sizeof uri->user) < 0)
			return -EINVAL;
		text = at + 1;
	}
	size_t host = strcspn(text, ";?");
	if (parse_host_port(text, host, uri) < 0)
		return -EINVAL;
	text += host;
	if (*text != ';')
		return 0;
	return take(text + 1, strcspn(text + 1, "?"), uri->parameters, sizeof uri->parameters);
}

int sip_uri_parse(const char *text, struct sip_uri *ret_uri)
{
	struct sip_uri uri = {0};
	const char *colon = strchr(text, ':');
	if (!colon || strlen(text) > SIP_URI_BYTES_MAX || take(text, (size_t)(colon - text), uri.scheme, sizeof uri.scheme) < 0)
		return -EINVAL;
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("<>\"", *c))
			return -EINVAL;
	for (char *c = uri.scheme; *c; c++)
		*c = g_ascii_tolower(*c);
	int error = -EINVAL;
	if (!strcmp(uri.scheme, "tel"))
		error = parse_tel(colon + 1, &uri);
	else if (!strcmp(uri.scheme, "sip") || !strcmp(uri.scheme, "sips"))
		error = parse_sip(colon + 1, &uri);
	if (!error)
		*ret_uri = uri;
	return error;
}

char *sip_uri_format(const struct sip_uri *uri)
{
	g_autofree char *user = sip_uri_escape_user(uri->user);
	GString *text = g_string_new(uri->scheme);
	g_string_append_c(text, ':');
	g_string_append(text, user);
	if (strcmp(uri->scheme, "tel")) {
		if (*user)
			g_string_append_c(text, '@');
		bool is_ipv6 = strchr(uri->host, ':');
		g_string_append_printf(text, "%s%s%s", is_ipv6 ? "[" : "", uri->host, is_ipv6 ? "]" : "");
		if (uri->port)
			g_string_append_printf(text, ":%u", uri->port);
	}
	if (*uri->parameters)
		g_string_append_printf(text, ";%s", uri->parameters);
	return g_string_free(text, FALSE);
}

bool sip_uri_parameter(const struct sip_uri *uri, const char *name, char *value, size_t size)
{
	size_t length = strlen(name);
	for (const char *p = uri->parameters; *p;) {
		size_t whole = strcspn(p, ";");
		if (whole >= length && !g_ascii_strncasecmp(p, name, length) && (whole == length || p[length] == '=')) {
			size_t skip = whole == length ? length : length + 1;
			return take(p + skip, whole - skip, value, size) == 0;
		}
		p += whole + (p[whole] == ';');
	}
	return false;
}
