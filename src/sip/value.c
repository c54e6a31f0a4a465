#include "sip/value.h"
#include "sip/uri.h"
#include <string.h>

#define BLANKS " \t"

/* What closes the quotes or angle brackets that open at `text`; NULL: nothing does. */
static const char *closing(const char *text)
{
	char close = *text == '"' ? '"' : '>';
	for (text++; *text && *text != close; text++)
		if (close == '"' && *text == '\\' && text[1])
			text++;
	return *text ? text : NULL;
}

/* The first of the characters `stops` that is in no quotes or angle brackets, or the text's end. */
static const char *find(const char *text, const char *stops)
{
	for (; *text && !strchr(stops, *text); text++) {
		const char *end = *text == '"' || *text == '<' ? closing(text) : text;
		if (!end)
			return text + strlen(text);
		text = end;
	}
	return text;
}

static size_t without_blanks(const char *text, size_t length)
{
	while (length && strchr(BLANKS, text[length - 1]))
		length--;
	return length;
}

int sip_value_name_addr(const char *value, struct sip_name_addr *ret_address)
{
	value += strspn(value, BLANKS);
	struct sip_name_addr address = {.name = value, .uri = value};
	const char *bracket = find(value, "<,;");
	if (*bracket != '<') {
		address.uri_length = strcspn(value, ",;" BLANKS);
		if (*value == '"' || !address.uri_length)
			return -EINVAL;
		*ret_address = address;
		return 0;
	}
	address.name_length = without_blanks(value, (size_t)(bracket - value));
	if (*value == '"') {
		if (closing(value) != value + address.name_length - 1)
			return -EINVAL;
		address.name++;
		address.name_length -= 2;
	}
	address.uri = bracket + 1;
	address.uri_length = strcspn(address.uri, ">");
	if (!address.uri_length || !address.uri[address.uri_length])
		return -EINVAL;
	*ret_address = address;
	return 0;
}

char *sip_value_uri(const char *value)
{
	struct sip_name_addr address;
	return sip_value_name_addr(value, &address) < 0 ? NULL : g_strndup(address.uri, address.uri_length);
}

bool sip_value_is_route(const char *value)
{
	g_autofree char *uri = *find(value, "<,;") == '<' ? sip_value_uri(value) : NULL;
	struct sip_uri parsed;
	return uri && sip_uri_parse(uri, &parsed) == 0 && strcmp(parsed.scheme, "tel");
}

char *sip_value_parameter(const char *value, const char *name)
{
	for (value = find(value, ";,"); *value == ';'; value = find(value, ";,")) {
		value += 1 + strspn(value + 1, BLANKS);
		size_t length = sip_value_token_length(value);
		bool is_it = length == strlen(name) && !g_ascii_strncasecmp(value, name, length);
		value += length + strspn(value + length, BLANKS);
		if (!is_it)
			continue;
		if (*value != '=')
			return g_strdup("");
		value += 1 + strspn(value + 1, BLANKS);
		if (*value != '"')
			return g_strndup(value, without_blanks(value, (size_t)(find(value, ";,") - value)));
		const char *quote = closing(value);
		return quote ? g_strndup(value, (size_t)(quote + 1 - value)) : NULL;
	}
	return NULL;
}

bool sip_value_seconds(const char *value, uint32_t *ret_seconds)
{
	uint64_t seconds = 0;
	const char *c = value;
	if (!value || !g_ascii_isdigit(*value))
		return false;
	for (; g_ascii_isdigit(*c); c++)
		seconds = MIN(seconds * 10 + (uint64_t)(*c - '0'), UINT32_MAX);
	if (*c && !strchr(";,(" BLANKS, *c))
		return false;
	*ret_seconds = (uint32_t)seconds;
	return true;
}

static bool is_token_character(char c)
{
	return g_ascii_isalnum(c) || (c && strchr("-.!%*_+`'~", c));
}

size_t sip_value_token_length(const char *value)
{
	size_t length = 0;
	while (is_token_character(value[length]))
		length++;
	return length;
}

bool sip_value_is_token(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!is_token_character(text[i]))
			return false;
	return length > 0;
}
