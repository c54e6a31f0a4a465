#include "route/identity.h"
#include "sip/uri.h"
#include "sip/value.h"
#include <string.h>

#define NAME_BYTES_MAX 128
#define PARAMETER_BYTES_MAX 63
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
	char *number;	    /* to trunks; NULL: a user's who has none of his own */
	char *display_name; /* fit to stand between quotes; NULL */
	bool is_private;
	bool is_ours; /* a user */
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

void route_identity_divert(struct route_identity *identity, const char *user, const char *reason)
{
	struct station *station = g_new0(struct station, 1);
	station->header = "Diversion";
	station->user = g_strdup(user);
	station->parameters = g_strdup_printf(";reason=%s", reason);
	g_ptr_array_insert(identity->stations, 0, station); /* the last one comes first */
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

/* Who a value names. */
struct person {
	struct sip_uri uri;
	char *display_name; /* owned; NULL */
};

/* 0 or -EINVAL; then nothing is owned. */
static int read_person(const char *value, struct person *ret_person)
{
	struct sip_name_addr address;
	struct person person = {0};
	if (sip_value_name_addr(value, &address) < 0)
		return -EINVAL;
	g_autofree char *uri = g_strndup(address.uri, address.uri_length);
	if (sip_uri_parse(uri, &person.uri) < 0)
		return -EINVAL;
	if (address.name_length)
		person.display_name = safe_name(address.name, address.name_length);
	*ret_person = person;
	return 0;
}

/* A parameter that is fit to be repeated; a new string; NULL: absent, or not fit. */
static char *fit_parameter(const char *value, const char *name)
{
	char *text = sip_value_parameter(value, name);
	size_t length = text ? strlen(text) : 0;
	bool is_fit = length && length <= PARAMETER_BYTES_MAX && (*text == '"' || sip_value_is_token(text, length));
	if (!is_fit)
		g_clear_pointer(&text, g_free);
	return text;
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

static void take_person(struct route_identity *identity, struct person *person)
{
	replace(&identity->user, person->uri.user);
	g_free(identity->display_name);
	identity->display_name = person->display_name;
}

/* Who calls, by the word of somebody who is to be believed. */
static void take_assertion(struct route_identity *identity, const struct sip_message *request)
{
	const char *value;
	struct person person;
	for (size_t i = 0; (value = sip_message_header(request, "P-Asserted-Identity", i)); i++)
		if (read_person(value, &person) == 0) {
			if (*person.uri.user) {
				take_person(identity, &person);
				return;
			}
			g_free(person.display_name);
		}
	for (size_t i = 0; (value = sip_message_header(request, "Remote-Party-ID", i)); i++) {
		if (read_person(value, &person) < 0)
			continue;
		g_autofree char *party = sip_value_parameter(value, "party");
		g_autofree char *privacy = sip_value_parameter(value, "privacy");
		if (!*person.uri.user || (party && g_ascii_strcasecmp(party, "calling"))) {
			g_free(person.display_name);
			continue;
		}
		take_person(identity, &person);
		identity->is_private |= privacy && g_ascii_strcasecmp(privacy, "off");
		return;
	}
}

static void take_stations(struct route_identity *identity, const struct sip_message *request, const char *header,
			  const char *const *names)
{
	const char *value;
	for (size_t i = 0; i < ROUTE_DIVERSIONS_MAX && (value = sip_message_header(request, header, i)); i++) {
		struct person person;
		if (read_person(value, &person) < 0)
			continue;
		g_free(person.display_name);
		g_autofree char *privacy = sip_value_parameter(value, "privacy");
		g_autoptr(GString) parameters = g_string_new(NULL);
		for (const char *const *name = names; *name; name++) {
			g_autofree char *text = fit_parameter(value, *name);
			if (text)
				g_string_append_printf(parameters, ";%s=%s", *name, text);
		}
		struct station *station = g_new0(struct station, 1);
		station->header = header;
		station->user = g_strdup(person.uri.user);
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
	struct person person;
	if (source->display_name)
		replace(&identity->display_name, source->display_name);
	if (!ids || !*ids)
		return;
	replace(&identity->number, ids[0]);
	if (!wish || read_person(wish, &person) < 0)
		return;
	if (g_strv_contains(ids, person.uri.user))
		replace(&identity->number, person.uri.user);
	g_free(person.display_name);
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
	identity->is_ours = source->login;
	if (source->login)
		read_user(identity, request, source);
	else if (source->is_trusted)
		read_trunk(identity, request);
	return identity;
}

/* --- telling --- */

static const char *number_of(const struct route_identity *identity, const struct route_identity_audience *audience)
{
	const char *number = identity->number ? identity->number : identity->is_ours ? audience->caller_id : NULL;
	return number ? number : identity->user;
}

static char *address_of(const struct route_identity *identity, const struct route_identity_audience *audience)
{
	g_autofree char *user = sip_uri_escape_user(audience->is_trunk ? number_of(identity, audience) : identity->user);
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
	return audience->is_trunk ? number_of(identity, audience) : identity->user;
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
