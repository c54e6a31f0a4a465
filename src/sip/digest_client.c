/* What a realm has asked for is remembered, so that its nonce serves the next requests too, with rising counts. */
#include "crypto/random.h"
#include "sip/digest_internal.h"
#include <stdio.h>
#include <string.h>

#define CNONCE_CHARACTERS 22

enum qop { QOP_NONE, QOP_AUTH, QOP_AUTH_INT }; /* NONE: as RFC 2069, without a count */

/* By which header a server asks and is answered. */
static const struct {
	const char *challenge, *answer, *info;
} kinds[] = {
	{"WWW-Authenticate", "Authorization", "Authentication-Info"},
	{"Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info"},
};

/* What a realm wants. */
struct demand {
	struct net_address peer;
	size_t kind;
	char realm[256], nonce[256], opaque[256];
	enum sip_digest_algorithm algorithm;
	bool is_session, names_algorithm, is_stale;
	enum qop qop;
	uint32_t count; /* of requests shown this nonce */
	char cnonce[CNONCE_CHARACTERS + 1]; /* of a session's first request; else each has its own */
};

struct sip_digest_client {
	struct sip_credentials credentials; /* texts are owned */
	GPtrArray *demands;		    /* struct demand *, the oldest first */
};

static void wipe_text(const char *text)
{
	if (text)
		crypto_wipe((char *)text, strlen(text));
	g_free((char *)text);
}

struct sip_digest_client *sip_digest_client_new(const struct sip_credentials *credentials)
{
	struct sip_digest_client *client = g_new0(struct sip_digest_client, 1);
	client->credentials.realm = g_strdup(credentials->realm);
	client->credentials.username = g_strdup(credentials->username);
	client->credentials.password = g_strdup(credentials->password);
	for (size_t i = 0; i < SIP_DIGEST_ALGORITHMS; i++)
		client->credentials.ha1[i] = g_strdup(credentials->ha1[i]);
	client->demands = g_ptr_array_new_with_free_func(g_free);
	return client;
}

struct sip_digest_client *sip_digest_client_free(struct sip_digest_client *client)
{
	if (!client)
		return NULL;
	g_ptr_array_free(client->demands, TRUE);
	for (size_t i = 0; i < SIP_DIGEST_ALGORITHMS; i++)
		wipe_text(client->credentials.ha1[i]);
	wipe_text(client->credentials.password);
	g_free((char *)client->credentials.username);
	g_free((char *)client->credentials.realm);
	g_free(client);
	return NULL;
}

const struct sip_credentials *sip_digest_client_credentials(const struct sip_digest_client *client)
{
	return &client->credentials;
}

/* --- what is asked for --- */

/* RFC 7616, section 3.5: auth-int where auth is not to be had. */
static bool choose_qop(const struct sip_digest_fields *fields, enum qop *ret_qop)
{
	if (!*fields->qop)
		*ret_qop = QOP_NONE;
	else if (sip_digest_offers(fields, "auth"))
		*ret_qop = QOP_AUTH;
	else if (sip_digest_offers(fields, "auth-int"))
		*ret_qop = QOP_AUTH_INT;
	else
		return false;
	return true;
}

/* A new one; NULL: not to be answered with these credentials. */
static struct demand *demand_of(const struct sip_credentials *credentials, size_t kind, const char *challenge)
{
	struct sip_digest_fields fields;
	struct demand demand = {.kind = kind};
	if (sip_digest_fields_parse(challenge, &fields) < 0 ||
	    sip_digest_algorithm_of(&fields, &demand.algorithm, &demand.is_session) < 0 || !choose_qop(&fields, &demand.qop) ||
	    !*fields.realm || !*fields.nonce || (credentials->realm && strcmp(credentials->realm, fields.realm)) ||
	    !sip_credentials_fit(credentials, demand.algorithm) || (demand.is_session && demand.qop == QOP_NONE))
		return NULL;
	memcpy(demand.realm, fields.realm, sizeof demand.realm);
	memcpy(demand.nonce, fields.nonce, sizeof demand.nonce);
	memcpy(demand.opaque, fields.opaque, sizeof demand.opaque);
	demand.names_algorithm = *fields.algorithm;
	demand.is_stale = !g_ascii_strcasecmp(fields.stale, "true");
	crypto_random_token(demand.cnonce, CNONCE_CHARACTERS);
	return g_memdup2(&demand, sizeof demand);
}

static bool is_same_realm(const struct demand *a, const struct demand *b)
{
	return a->kind == b->kind && !strcmp(a->realm, b->realm) && net_address_same_host(&a->peer, &b->peer);
}

static void add_strongest(GPtrArray *demands, struct demand *demand)
{
	for (guint i = 0; i < demands->len; i++) {
		struct demand *other = demands->pdata[i];
		if (!is_same_realm(demand, other))
			continue;
		if (demand->algorithm > other->algorithm)
			memcpy(other, demand, sizeof *other);
		g_free(demand);
		return;
	}
	if (demands->len < SIP_DIGEST_REALMS_MAX)
		g_ptr_array_add(demands, demand);
	else
		g_free(demand);
}

/* The best challenge of each realm. Forks may have put both headers into one response (RFC 3261, section 16.7, step 7). */
static GPtrArray *demands_of(const struct sip_digest_client *client, const struct sip_digest_challenged *challenged)
{
	GPtrArray *demands = g_ptr_array_new_with_free_func(g_free);
	for (size_t kind = 0; kind < G_N_ELEMENTS(kinds); kind++) {
		const char *text;
		for (size_t i = 0; (text = sip_message_header(challenged->response, kinds[kind].challenge, i)); i++) {
			struct demand *demand = demand_of(&client->credentials, kind, text);
			if (!demand)
				continue;
			demand->peer = *challenged->peer;
			add_strongest(demands, demand);
		}
	}
	return demands;
}

/* --- what is shown --- */

/* As a quoted string; a new one. */
static char *quote(const char *text)
{
	GString *quoted = g_string_new("\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			g_string_append_c(quoted, '\\');
		g_string_append_c(quoted, *text);
	}
	g_string_append_c(quoted, '"');
	return g_string_free(quoted, FALSE);
}

static int add_header(struct sip_message *request, const struct sip_credentials *credentials, const struct demand *demand,
		      const struct sip_digest_fields *fields)
{
	g_autofree char *name = quote(credentials->username), *realm = quote(demand->realm), *nonce = quote(demand->nonce);
	g_autofree char *opaque = quote(demand->opaque);
	g_autoptr(GString) text = g_string_new(NULL);
	g_string_append_printf(text, "Digest username=%s, realm=%s, nonce=%s, uri=\"%s\", response=\"%s\"", name, realm, nonce,
			       fields->uri, fields->response);
	if (demand->names_algorithm)
		g_string_append_printf(text, ", algorithm=%s%s", sip_digest_algorithm_name(demand->algorithm),
				       demand->is_session ? "-sess" : "");
	if (*demand->opaque)
		g_string_append_printf(text, ", opaque=%s", opaque);
	if (demand->qop != QOP_NONE)
		g_string_append_printf(text, ", qop=%s, cnonce=\"%s\", nc=%s", fields->qop, fields->cnonce, fields->nc);
	return sip_message_add_header(request, kinds[demand->kind].answer, text->str);
}

static GBytes *body_of(const struct sip_message *request)
{
	size_t length;
	const char *body = sip_message_body(request, &length);
	return g_bytes_new(body, body ? length : 0);
}

static int show(const struct sip_digest_client *client, struct demand *demand, struct sip_message *request)
{
	static const char *const qop_names[] = {[QOP_NONE] = "", [QOP_AUTH] = "auth", [QOP_AUTH_INT] = "auth-int"};
	struct sip_digest_fields fields = {0};
	char ha1[CRYPTO_DIGEST_HEX_MAX];
	if (!base_copy_text(fields.uri, sizeof fields.uri, sip_message_request_uri(request)))
		return -EINVAL;
	demand->count++;
	memcpy(fields.nonce, demand->nonce, sizeof fields.nonce);
	strcpy(fields.qop, qop_names[demand->qop]);
	snprintf(fields.nc, sizeof fields.nc, "%08x", demand->count);
	if (!demand->is_session)
		crypto_random_token(demand->cnonce, CNONCE_CHARACTERS);
	memcpy(fields.cnonce, demand->cnonce, sizeof demand->cnonce);
	int error = sip_credentials_ha1(&client->credentials, demand->algorithm, demand->realm, ha1);
	if (!error && demand->is_session)
		error = sip_digest_ha1_of_session(demand->algorithm, demand->nonce, demand->cnonce, ha1);
	g_autoptr(GBytes) body = body_of(request);
	if (!error)
		error = sip_digest_response(demand->algorithm, ha1, &fields, sip_message_method_name(request), body,
					    fields.response);
	crypto_wipe(ha1, sizeof ha1);
	return error ? error : add_header(request, &client->credentials, demand, &fields);
}

/* What the request has shown to the realm; false: nothing. */
static bool find_shown(const struct sip_message *request, size_t kind, const char *realm, struct sip_digest_fields *ret_fields)
{
	const char *text;
	for (size_t i = 0; (text = sip_message_header(request, kinds[kind].answer, i)); i++)
		if (!sip_digest_fields_parse(text, ret_fields) && !strcmp(ret_fields->realm, realm))
			return true;
	return false;
}

/* --- in --- */

void sip_digest_client_prove(struct sip_digest_client *client, const struct net_address *peer, struct sip_message *request)
{
	for (guint i = 0; i < client->demands->len; i++) {
		struct demand *demand = client->demands->pdata[i];
		if (demand->qop != QOP_NONE && net_address_same_host(&demand->peer, peer))
			show(client, demand, request);
	}
}

/* A nonce that was new when it was shown has not grown old meanwhile: the credentials are wrong. Of one that has served before,
 * or is from the first round, the realm may have had enough without saying so. */
static bool is_refused(const struct sip_digest_challenged *challenged, const struct demand *demand)
{
	struct sip_digest_fields shown;
	return challenged->round && !demand->is_stale &&
	       find_shown(challenged->request, demand->kind, demand->realm, &shown) &&
	       (!*shown.nc || g_ascii_strtoull(shown.nc, NULL, 16) == 1);
}

static void forget(struct sip_digest_client *client, const struct demand *demand)
{
	for (guint i = 0; i < client->demands->len; i++)
		if (is_same_realm(client->demands->pdata[i], demand)) {
			g_ptr_array_remove_index(client->demands, i);
			return;
		}
}

static void remember(struct sip_digest_client *client, struct demand *demand)
{
	if (client->demands->len >= SIP_DIGEST_REALMS_MAX)
		g_ptr_array_remove_index(client->demands, 0);
	g_ptr_array_add(client->demands, demand);
}

int sip_digest_client_answer(struct sip_digest_client *client, const struct sip_digest_challenged *challenged,
			     struct sip_message *request)
{
	struct sip_digest_fields unused;
	g_autoptr(GPtrArray) demands = demands_of(client, challenged);
	if (!demands->len)
		return -ENOENT;
	bool is_refusal = challenged->round >= SIP_DIGEST_ROUNDS_MAX;
	for (guint i = 0; i < demands->len; i++) {
		is_refusal |= is_refused(challenged, demands->pdata[i]);
		forget(client, demands->pdata[i]);
	}
	if (is_refusal)
		return -EACCES;
	while (demands->len)
		remember(client, g_ptr_array_steal_index(demands, 0));
	int error = 0;
	for (guint i = 0; i < client->demands->len && !error; i++) {
		struct demand *demand = client->demands->pdata[i];
		bool is_asked = demand->count == 0;
		if (net_address_same_host(&demand->peer, challenged->peer) &&
		    (is_asked || find_shown(challenged->request, demand->kind, demand->realm, &unused)))
			error = show(client, demand, request);
	}
	return error;
}

void sip_digest_client_learn(struct sip_digest_client *client, const struct net_address *peer,
			     const struct sip_message *request, const struct sip_message *response)
{
	struct sip_digest_fields fields, shown;
	for (size_t kind = 0; kind < G_N_ELEMENTS(kinds); kind++) {
		const char *text = sip_message_header(response, kinds[kind].info, 0);
		if (!text || sip_digest_parameters_parse(text, &fields) < 0 || !*fields.nextnonce)
			continue;
		for (guint i = 0; i < client->demands->len; i++) {
			struct demand *demand = client->demands->pdata[i];
			if (demand->kind != kind || !net_address_same_host(&demand->peer, peer) ||
			    !find_shown(request, kind, demand->realm, &shown) || strcmp(shown.nonce, demand->nonce))
				continue;
			memcpy(demand->nonce, fields.nextnonce, sizeof demand->nonce);
			demand->count = 0;
			crypto_random_token(demand->cnonce, CNONCE_CHARACTERS);
			break;
		}
	}
}
