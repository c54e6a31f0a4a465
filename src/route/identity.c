#include "route/identity.h"
#include "sip/uri.h"
#include <string.h>

#define NAME_BYTES_MAX 128
#define ANONYMOUS "anonymous"

/* Somebody a call was meant for before: our words for what the far end said. */
struct station {
	const char *header; /* "Diversion", "History-Info" */
	char *user;
	char *parameters; /* ";reason=no-answer", those that we know */
	bool is_private;
};

struct route_identity {
	char *user;	    /* to users of ours */
	char *number;	    /* to trunks */
	char *display_name; /* fit to stand between quotes; NULL */
	bool is_private;
	GPtrArray *stations;
};

static void station_free(void *data)
{
	struct station *station = data;
	g_free(station->user);
	g_free(station->parameters);
	g_free(station);
}

struct route_identity *route_identity_new(const char *user)
{
	struct route_identity *identity = g_new0(struct route_identity, 1);
	identity->user = g_strdup(user && *user ? user : ANONYMOUS);
	identity->number = g_strdup(identity->user);
	identity->stations = g_ptr_array_new_with_free_func(station_free);
	return identity;
}

struct route_identity *route_identity_free(struct route_identity *identity)
{
	if (!identity)
		return NULL;
	g_free(identity->user);
	g_free(identity->number);
	g_free(identity->display_name);
	g_ptr_array_unref(identity->stations);
	g_free(identity);
	return NULL;
}

const char *route_identity_user(const struct route_identity *identity)
{
	return identity->user;
}

/* --- reading --- */

static void replace(char **text, const char *with)
{
	char *copy = g_strdup(with);
	g_free(*text);
	*text = copy;
}

/* A display name is the far end's text: it may end no quotes and hold no control characters. */
static char *safe_name(const char *text, size_t length)
{
	g_autofree char *name = g_strndup(text, MIN(length, NAME_BYTES_MAX));
	for (char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '"' || *c == '\\')
			*c = ' ';
	char *valid = g_utf8_make_valid(g_strstrip(name), -1);
	if (!*valid)
		g_clear_pointer(&valid, g_free);
	return valid;
}

/* The end of a quoted string that begins at `text`, behind its closing quote; NULL: it has none. */
static const char *end_of_quotes(const char *text)
{
	for (text++; *text && *text != '"'; text++)
		if (*text == '\\' && text[1])
			text++;
	return *text ? text + 1 : NULL;
}

struct name_addr {
	struct sip_uri uri;
	char *display_name; /* owned; NULL */
	const char *parameters; /* into the text, behind the URI */
};

/* The first of a list of name-addr or addr-spec (section 20.10). 0 or -EINVAL; then nothing is owned. */
static int parse_name_addr(const char *text, struct name_addr *ret_address)
{
	struct name_addr address = {0};
	text += strspn(text, " \t");
	const char *name = text, *name_end = text;
	if (*text == '"') {
		name_end = end_of_quotes(text);
		if (!name_end)
			return -EINVAL;
		name++;
	}
	const char *uri = name_end + strcspn(name_end, "<,;");
	bool has_brackets = *uri == '<';
	if (!has_brackets && *text == '"')
		return -EINVAL;
	if (*text != '"')
		name_end = has_brackets ? uri : name;
	else
		name_end--;
	uri = has_brackets ? uri + 1 : text;
	size_t length = strcspn(uri, has_brackets ? ">" : ",; \t");
	if (length > SIP_URI_BYTES_MAX || (has_brackets && !uri[length]))
		return -EINVAL;
	g_autofree char *uri_text = g_strndup(uri, length);
	if (sip_uri_parse(uri_text, &address.uri) < 0)
		return -EINVAL;
	if (name_end > name)
		address.display_name = safe_name(name, (size_t)(name_end - name));
	address.parameters = uri + length + has_brackets;
	*ret_address = address;
	return 0;
}

/* A parameter's value as it is written, quotes and all; a new string; NULL when absent or not fit to be repeated. */
static char *parameter(const char *parameters, const char *name)
{
	size_t length = strlen(name);
	const char *end = parameters + strcspn(parameters, ",");
	for (const char *c = memchr(parameters, ';', (size_t)(end - parameters)); c;
	     c = memchr(c, ';', (size_t)(end - c))) {
		c += 1 + strspn(c + 1, " \t");
		if (g_ascii_strncasecmp(c, name, length) || c[length] != '=')
			continue;
		c += length + 1;
		size_t n = strspn(c, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~\"");
		return n && n < 64 ? g_strndup(c, n) : NULL;
	}
	return NULL;
}

static bool wants_privacy(const struct sip_message *request)
{
	const char *value;
	for (size_t i = 0; (value = sip_message_header(request, "Privacy", i)); i++) {
		g_auto(GStrv) words = g_strsplit_set(value, ";, ", -1);
		for (char **word = words; *word; word++)
			if (!g_ascii_strcasecmp(*word, "id") || !g_ascii_strcasecmp(*word, "user") ||
			    !g_ascii_strcasecmp(*word, "header"))
				return true;
	}
	return false;
}

static void take_address(struct route_identity *identity, struct name_addr *address)
{
	replace(&identity->user, address->uri.user);
	replace(&identity->number, address->uri.user);
	g_free(identity->display_name);
	identity->display_name = address->display_name;
}

/* Who calls, by the word of somebody who is to be believed. */
static void take_assertion(struct route_identity *identity, const struct sip_message *request)
{
	const char *value;
	struct name_addr address;
	for (size_t i = 0; (value = sip_message_header(request, "P-Asserted-Identity", i)); i++)
		if (parse_name_addr(value, &address) == 0) {
			if (*address.uri.user) {
				take_address(identity, &address);
				return;
			}
			g_free(address.display_name);
		}
	for (size_t i = 0; (value = sip_message_header(request, "Remote-Party-ID", i)); i++) {
		if (parse_name_addr(value, &address) < 0)
			continue;
		g_autofree char *party = parameter(address.parameters, "party");
		g_autofree char *privacy = parameter(address.parameters, "privacy");
		if (!*address.uri.user || (party && g_ascii_strcasecmp(party, "calling"))) {
			g_free(address.display_name);
			continue;
		}
		take_address(identity, &address);
		identity->is_private |= privacy && g_ascii_strcasecmp(privacy, "off");
		return;
	}
}

static void take_stations(struct route_identity *identity, const struct sip_message *request, const char *header,
			  const char *const *names)
{
	const char *value;
	for (size_t i = 0; i < ROUTE_DIVERSIONS_MAX && (value = sip_message_header(request, header, i)); i++) {
		struct name_addr address;
		if (parse_name_addr(value, &address) < 0)
			continue;
		g_free(address.display_name);
		g_autofree char *privacy = parameter(address.parameters, "privacy");
		g_autoptr(GString) parameters = g_string_new(NULL);
		for (const char *const *name = names; *name; name++) {
			g_autofree char *text = parameter(address.parameters, *name);
			if (text)
				g_string_append_printf(parameters, ";%s=%s", *name, text);
		}
		struct station *station = g_new0(struct station, 1);
		station->header = header;
		station->user = g_strdup(address.uri.user);
		station->parameters = g_string_free(g_steal_pointer(&parameters), FALSE);
		/* RFC 7044 says it among the URI's own headers. */
		station->is_private = (privacy && strcmp(privacy, "off")) || strstr(value, "?Privacy=") || strstr(value, "&Privacy=");
		g_ptr_array_add(identity->stations, station);
	}
}

static void read_user(struct route_identity *identity, const struct sip_message *request,
		      const struct route_identity_source *source)
{
	const char *const *ids = source->caller_ids;
	const char *wish = sip_message_header(request, "P-Preferred-Identity", 0);
	struct name_addr address;
	if (source->display_name)
		replace(&identity->display_name, source->display_name);
	if (!ids || !*ids)
		return;
	replace(&identity->number, ids[0]);
	if (!wish || parse_name_addr(wish, &address) < 0)
		return;
	if (g_strv_contains(ids, address.uri.user))
		replace(&identity->number, address.uri.user);
	g_free(address.display_name);
}

static void read_trunk(struct route_identity *identity, const struct sip_message *request)
{
	static const char *const of_diversion[] = {"reason", "counter", "privacy", "screen", NULL};
	static const char *const of_history[] = {"index", "mp", "rc", "np", NULL};
	take_assertion(identity, request);
	take_stations(identity, request, "Diversion", of_diversion);
	take_stations(identity, request, "History-Info", of_history);
}

struct route_identity *route_identity_read(const struct sip_message *request, const struct route_identity_source *source)
{
	struct sip_uri uri = {0};
	const char *name = sip_message_from_display_name(request);
	const char *from = sip_message_from_uri(request);
	if (from)
		sip_uri_parse(from, &uri);
	struct route_identity *identity = route_identity_new(source->login ? source->login : uri.user);
	if (name && *name)
		identity->display_name = safe_name(name, strlen(name));
	identity->is_private = wants_privacy(request);
	if (source->login)
		read_user(identity, request, source);
	else if (source->is_trusted)
		read_trunk(identity, request);
	return identity;
}

/* --- telling --- */

static char *address_of(const struct route_identity *identity, const struct route_identity_audience *audience)
{
	g_autofree char *user = sip_uri_escape_user(audience->is_trunk ? identity->number : identity->user);
	g_autofree char *uri = audience->address ? g_strdup(audience->address)
						 : g_strdup_printf("sip:%s@%s", user, audience->domain);
	if (identity->display_name)
		return g_strdup_printf("\"%s\" <%s>", identity->display_name, uri);
	return g_strdup_printf("<%s>", uri);
}

char *route_identity_from(const struct route_identity *identity, const struct route_identity_audience *audience)
{
	if (identity->is_private)
		return g_strdup("\"Anonymous\" <sip:anonymous@anonymous.invalid>");
	return address_of(identity, audience);
}

const char *route_identity_shown_user(const struct route_identity *identity, const struct route_identity_audience *audience)
{
	if (identity->is_private)
		return ANONYMOUS;
	return audience->is_trunk ? identity->number : identity->user;
}

/* Untrusted trunks learn of no one who wants privacy, and of nobody a call was meant for before; users of ours hear of
 * those who do not mind, by addresses of ours. */
static void tell_stations(const struct route_identity *identity, const struct route_identity_audience *audience,
			  void (*add)(void *user, const char *name, const char *value), void *user)
{
	for (guint i = 0; i < identity->stations->len; i++) {
		const struct station *station = identity->stations->pdata[i];
		if (station->is_private && !audience->is_trusted)
			continue;
		g_autofree char *name = sip_uri_escape_user(station->user);
		g_autofree char *value = g_strdup_printf("<sip:%s%s%s>%s", name, *name ? "@" : "", audience->domain,
							 station->parameters);
		add(user, station->header, value);
	}
}

void route_identity_headers(const struct route_identity *identity, const struct route_identity_audience *audience,
			    void (*add)(void *user, const char *name, const char *value), void *user)
{
	bool may_be_named = !identity->is_private || audience->is_trusted;
	if (!audience->is_trunk || audience->is_trusted)
		tell_stations(identity, audience, add, user);
	if (!audience->is_trunk)
		return;
	g_autofree char *address = address_of(identity, audience);
	if (may_be_named && audience->assertion == ROUTE_ASSERT_PAI)
		add(user, "P-Asserted-Identity", address);
	if (may_be_named && audience->assertion == ROUTE_ASSERT_RPID) {
		g_autofree char *value = g_strdup_printf("%s;party=calling;screen=yes;privacy=%s", address,
							 identity->is_private ? "full" : "off");
		add(user, "Remote-Party-ID", value);
	}
	if (identity->is_private)
		add(user, "Privacy", "id");
}
