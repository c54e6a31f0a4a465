#include "sip/refer.h"
#include "sip/value.h"
#include <string.h>

#define HEADERS_MAX 4 /* of a URI */

static bool is_word(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || strchr(";,\"", *c))
			return false;
	return *text;
}

static int take_word(const char *word, char value[static SIP_TOKEN_BYTES_MAX + 1])
{
	return !*value && is_word(word) && base_copy_text(value, SIP_TOKEN_BYTES_MAX + 1, word) ? 0 : -EINVAL;
}

static int take_parameter(char *parameter, struct sip_replaces *replaces)
{
	char *value = strchr(parameter, '=');
	if (value)
		*value++ = '\0';
	const char *name = g_strstrip(parameter);
	if (!g_ascii_strcasecmp(name, "early-only")) {
		replaces->is_early_only = true;
		return 0;
	}
	if (!g_ascii_strcasecmp(name, "to-tag"))
		return value ? take_word(g_strstrip(value), replaces->to_tag) : -EINVAL;
	if (!g_ascii_strcasecmp(name, "from-tag"))
		return value ? take_word(g_strstrip(value), replaces->from_tag) : -EINVAL;
	return is_word(name) ? 0 : -EINVAL; /* an extension: without a meaning to us */
}

int sip_replaces_parse(const char *text, struct sip_replaces *ret_replaces)
{
	struct sip_replaces replaces = {0};
	g_auto(GStrv) parts = g_strsplit(text, ";", 8);
	if (!parts[0] || take_word(g_strstrip(parts[0]), replaces.call_id) < 0)
		return -EINVAL;
	for (size_t i = 1; parts[i]; i++)
		if (take_parameter(parts[i], &replaces) < 0)
			return -EINVAL;
	if (!*replaces.to_tag || !*replaces.from_tag)
		return -EINVAL;
	*ret_replaces = replaces;
	return 0;
}

char *sip_replaces_format(const struct sip_replaces *replaces)
{
	return g_strdup_printf("%s;to-tag=%s;from-tag=%s%s", replaces->call_id, replaces->to_tag, replaces->from_tag,
			       replaces->is_early_only ? ";early-only" : "");
}

static int take_header(const char *header, struct sip_refer_to *refer_to)
{
	const char *equals = strchr(header, '=');
	g_autofree char *name = equals ? g_uri_unescape_segment(header, equals, NULL) : NULL;
	g_autofree char *value = equals ? g_uri_unescape_string(equals + 1, NULL) : NULL;
	if (!name || !value)
		return -EINVAL;
	if (!g_ascii_strcasecmp(name, "Require"))
		return g_ascii_strcasecmp(g_strstrip(value), "replaces") ? -EACCES : 0;
	if (g_ascii_strcasecmp(name, "Replaces"))
		return -EACCES;
	if (refer_to->has_replaces)
		return -EINVAL;
	refer_to->has_replaces = true;
	return sip_replaces_parse(value, &refer_to->replaces);
}

static int take_headers(const char *text, struct sip_refer_to *refer_to)
{
	g_auto(GStrv) headers = g_strsplit(text, "&", HEADERS_MAX + 1);
	if (g_strv_length(headers) > HEADERS_MAX)
		return -EACCES;
	for (size_t i = 0; headers[i]; i++) {
		int error = take_header(headers[i], refer_to);
		if (error < 0)
			return error;
	}
	return 0;
}

int sip_refer_to_parse(const char *text, struct sip_refer_to *ret_refer_to)
{
	struct sip_refer_to refer_to = {0};
	char method[16];
	g_autofree char *uri = sip_value_uri(text);
	if (!uri)
		return -EINVAL;
	char *question = strchr(uri, '?');
	if (question)
		*question++ = '\0';
	if (!base_copy_text(refer_to.uri, sizeof refer_to.uri, uri))
		return -EINVAL;
	if (sip_uri_parse(uri, &refer_to.parts) < 0) {
		g_autofree char *scheme = g_uri_parse_scheme(uri);
		bool is_ours = scheme && (!strcmp(scheme, "sip") || !strcmp(scheme, "sips") || !strcmp(scheme, "tel"));
		return scheme && !is_ours ? -EPROTONOSUPPORT : -EINVAL;
	}
	if (sip_uri_parameter(&refer_to.parts, "method", method, sizeof method) && g_ascii_strcasecmp(method, "INVITE"))
		return -EACCES;
	int error = question ? take_headers(question, &refer_to) : 0;
	if (error == 0)
		*ret_refer_to = refer_to;
	return error;
}
