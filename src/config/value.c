/* From what stands in the file to a value of the option's type, or to words about what is wanted. */
#include "config/internal.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_BYTES_MAX 60

/* The value as an error message may show it. */
static char *show(const struct config_option *option, const struct config_raw *raw)
{
	if (option->is_secret)
		return g_strdup("what is there");
	switch (raw->kind) {
	case CONFIG_RAW_INTEGER:
		return g_strdup_printf("%" G_GINT64_FORMAT, raw->integer);
	case CONFIG_RAW_BOOLEAN:
		return g_strdup(raw->integer ? "true" : "false");
	case CONFIG_RAW_OTHER:
		return g_strdup(raw->text);
	case CONFIG_RAW_TEXT:
		break;
	}
	g_autofree char *cut = g_utf8_make_valid(raw->text, MIN(strlen(raw->text), (size_t)SHOWN_BYTES_MAX));
	GString *shown = g_string_new("\"");
	for (const char *c = cut; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			g_string_append_printf(shown, "\\x%02x", (unsigned char)*c);
		else
			g_string_append_c(shown, *c);
	g_string_append(shown, strlen(raw->text) > SHOWN_BYTES_MAX ? "...\"" : "\"");
	return g_string_free(shown, FALSE);
}

static char *list_names(const char *const *names)
{
	GString *list = g_string_new(NULL);
	for (size_t i = 0; names[i]; i++)
		g_string_append_printf(list, "%s\"%s\"", !i ? "" : names[i + 1] ? ", " : " or ", names[i]);
	return g_string_free(list, FALSE);
}

static char *wants(const struct config_option *option, const struct config_raw *raw, const char *what)
{
	g_autofree char *shown = show(option, raw);
	return g_strdup_printf("wants %s, not %s", what, shown);
}

static char *convert_text(struct config_snapshot *snapshot, const struct config_option *option,
			  const struct config_raw *raw, struct config_value *value)
{
	if (raw->kind != CONFIG_RAW_TEXT)
		return wants(option, raw, "a text in quotes");
	int64_t length = strlen(raw->text), max = option->max ? option->max : CONFIG_STRING_BYTES_MAX;
	if (length > max)
		return g_strdup_printf("is %" G_GINT64_FORMAT " bytes long; at most %" G_GINT64_FORMAT " are possible",
				       length, max);
	if (!length && (option->min > 0 || option->is_required))
		return g_strdup("is empty");
	if (length < option->min)
		return g_strdup_printf("is too short; at least %" G_GINT64_FORMAT " bytes are wanted", option->min);
	if (option->type == CONFIG_PATH && *raw->text && !g_path_is_absolute(raw->text) && snapshot->directory) {
		g_autofree char *absolute = g_build_filename(snapshot->directory, raw->text, NULL);
		value->text = g_string_chunk_insert_const(snapshot->texts, absolute);
	} else {
		value->text = g_string_chunk_insert_const(snapshot->texts, raw->text);
	}
	return NULL;
}

static char *convert_integer(const struct config_option *option, const struct config_raw *raw,
			     struct config_value *value)
{
	if (raw->kind != CONFIG_RAW_INTEGER || raw->integer < option->min || raw->integer > option->max) {
		g_autofree char *what = g_strdup_printf("a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
							option->min, option->max);
		return wants(option, raw, what);
	}
	value->integer = raw->integer;
	return NULL;
}

static char *convert_enum(const struct config_option *option, const struct config_raw *raw, struct config_value *value)
{
	for (int i = 0; raw->kind == CONFIG_RAW_TEXT && option->names[i]; i++)
		if (!strcmp(raw->text, option->names[i])) {
			value->text = option->names[i];
			value->word = i;
			return NULL;
		}
	g_autofree char *names = list_names(option->names);
	char *problem = wants(option, raw, names);
	const char *near = raw->kind == CONFIG_RAW_TEXT ? base_nearest_name(raw->text, option->names) : NULL;
	if (near) {
		char *hinted = g_strdup_printf("%s; is \"%s\" meant?", problem, near);
		g_free(problem);
		problem = hinted;
	}
	return problem;
}

/* Digits only, 0 to 65535; returns what follows, NULL when there is no such number. */
static const char *parse_port(const char *text, uint16_t *ret_port)
{
	unsigned long port = 0;
	const char *c = text;
	for (; *c >= '0' && *c <= '9' && c - text < 6; c++)
		port = port * 10 + (*c - '0');
	if (c == text || port > 65535)
		return NULL;
	*ret_port = port;
	return c;
}

static char *convert_port_range(const struct config_option *option, const struct config_raw *raw,
				struct config_value *value)
{
	uint16_t first, last;
	const char *rest = raw->kind == CONFIG_RAW_TEXT ? parse_port(raw->text, &first) : NULL;
	if (!rest || *rest != '-' || !(rest = parse_port(rest + 1, &last)) || *rest || !first || !last)
		return wants(option, raw, "two ports such as \"20000-39999\"");
	if (first > last)
		return wants(option, raw, "the lower port first");
	value->first = first;
	value->last = last;
	return NULL;
}

static bool is_address(const char *host)
{
	struct in6_addr address;
	return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* Port 0 is any that is free: the log says which. */
static bool is_host_and_port(const char *text)
{
	const char *colon = strrchr(text, ':');
	uint16_t port;
	const char *rest = colon ? parse_port(colon + 1, &port) : NULL;
	if (!rest || *rest || colon == text)
		return false;
	bool is_bracketed = text[0] == '[';
	if (is_bracketed && colon[-1] != ']')
		return false;
	g_autofree char *host = g_strndup(text + is_bracketed, colon - text - 2 * is_bracketed);
	struct in6_addr ipv6;
	struct in_addr ipv4;
	return is_bracketed ? inet_pton(AF_INET6, host, &ipv6) == 1 : inet_pton(AF_INET, host, &ipv4) == 1;
}

static char *convert_endpoint(struct config_snapshot *snapshot, const struct config_option *option,
			      const struct config_raw *raw, struct config_value *value)
{
	const char *rest = raw->kind == CONFIG_RAW_TEXT ? raw->text : NULL;
	if (option->names && rest) {
		const char *text = rest;
		rest = NULL;
		for (size_t i = 0; option->names[i] && !rest; i++) {
			size_t n = strlen(option->names[i]);
			if (!strncmp(text, option->names[i], n) && text[n] == ':')
				rest = text + n + 1;
		}
	}
	if (rest && is_host_and_port(rest)) {
		value->text = g_string_chunk_insert_const(snapshot->texts, raw->text);
		return NULL;
	}
	g_autofree char *words = option->names ? list_names(option->names) : NULL;
	const char *word = option->names ? option->names[0] : "";
	g_autofree char *what = g_strdup_printf(
	    "an address with port such as \"%s%s0.0.0.0:5060\" or \"%s%s[::]:5060\"%s%s", word, words ? ":" : "", word,
	    words ? ":" : "", words ? ", beginning with " : "", words ? words : "");
	return wants(option, raw, what);
}

static char *convert_address(struct config_snapshot *snapshot, const struct config_option *option,
			     const struct config_raw *raw, struct config_value *value)
{
	if (raw->kind != CONFIG_RAW_TEXT || !is_address(raw->text))
		return wants(option, raw, "an address such as \"192.0.2.1\" or \"2001:db8::1\"");
	value->text = g_string_chunk_insert_const(snapshot->texts, raw->text);
	return NULL;
}

char *config_convert(struct config_snapshot *snapshot, const struct config_option *option, const struct config_raw *raw,
		     struct config_value *value)
{
	char *problem = NULL;
	struct config_value converted = {.word = -1, .is_written = value->is_written, .line = value->line};
	switch (option->type) {
	case CONFIG_STRING:
	case CONFIG_PATH:
		problem = convert_text(snapshot, option, raw, &converted);
		break;
	case CONFIG_INTEGER:
		problem = convert_integer(option, raw, &converted);
		break;
	case CONFIG_BOOLEAN:
		if (raw->kind != CONFIG_RAW_BOOLEAN)
			problem = wants(option, raw, "true or false (without quotes)");
		converted.boolean = raw->kind == CONFIG_RAW_BOOLEAN && raw->integer;
		break;
	case CONFIG_ENUM:
		problem = convert_enum(option, raw, &converted);
		break;
	case CONFIG_PORT_RANGE:
		problem = convert_port_range(option, raw, &converted);
		break;
	case CONFIG_ADDRESS:
		problem = convert_address(snapshot, option, raw, &converted);
		break;
	case CONFIG_ENDPOINT:
		problem = convert_endpoint(snapshot, option, raw, &converted);
		break;
	}
	if (problem)
		return problem;
	converted.is_set = true;
	*value = converted;
	return NULL;
}

char *config_convert_list(struct config_snapshot *snapshot, const struct config_option *option,
			  const struct config_raw *raws, size_t n_raws, struct config_value *value, size_t *ret_wrong)
{
	*ret_wrong = 0;
	if (n_raws > CONFIG_ITEMS_MAX)
		return g_strdup_printf("has %zu values; at most %d are possible", n_raws, CONFIG_ITEMS_MAX);
	g_autofree const char **texts = g_new0(const char *, n_raws + 1);
	for (size_t i = 0; i < n_raws; i++) {
		struct config_value item = {.word = -1};
		char *problem = config_convert(snapshot, option, &raws[i], &item);
		if (problem) {
			*ret_wrong = i;
			return problem;
		}
		texts[i] = item.text;
	}
	value->texts = g_steal_pointer(&texts);
	value->is_set = true;
	g_ptr_array_add(snapshot->lists, value->texts);
	return NULL;
}

static struct config_raw raw_of_fallback(const struct config_option *option, const char *text)
{
	struct config_raw raw = {.kind = CONFIG_RAW_TEXT, .text = text};
	char *end = NULL;
	if (option->type == CONFIG_INTEGER) {
		raw.integer = strtoll(text, &end, 10);
		raw.kind = *text && !*end ? CONFIG_RAW_INTEGER : CONFIG_RAW_TEXT;
	} else if (option->type == CONFIG_BOOLEAN && (!strcmp(text, "true") || !strcmp(text, "false"))) {
		raw.integer = *text == 't';
		raw.kind = CONFIG_RAW_BOOLEAN;
	}
	return raw;
}

void config_apply_fallback(struct config_snapshot *snapshot, const struct config_option *option,
			   struct config_value *value)
{
	static const char *const none[] = {NULL};
	if (!option->fallback) {
		if (option->is_list)
			value->texts = (const char **)none;
		return;
	}
	g_autofree char *problem = NULL;
	if (option->is_list) {
		g_auto(GStrv) items = g_strsplit(option->fallback, ",", -1);
		size_t n = g_strv_length(items);
		g_autofree struct config_raw *raws = g_new0(struct config_raw, n + 1);
		for (size_t i = 0; i < n; i++)
			raws[i] = raw_of_fallback(option, g_strstrip(items[i]));
		size_t wrong;
		problem = config_convert_list(snapshot, option, raws, n, value, &wrong);
	} else {
		struct config_raw raw = raw_of_fallback(option, option->fallback);
		problem = config_convert(snapshot, option, &raw, value);
	}
	if (problem)
		g_error("the default of option %s %s", option->name, problem);
}
