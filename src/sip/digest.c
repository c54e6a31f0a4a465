#include "sip/digest_internal.h"
#include <string.h>

const char *const sip_credentials_headers[] = {"Authorization", "Proxy-Authorization", NULL};
const char *const sip_challenge_headers[] = {"WWW-Authenticate", "Proxy-Authenticate", NULL};

static const struct {
	const char *name;
	enum crypto_digest digest;
} algorithms[] = {
	[SIP_DIGEST_MD5] = {"MD5", CRYPTO_MD5},
	[SIP_DIGEST_SHA256] = {"SHA-256", CRYPTO_SHA256},
	[SIP_DIGEST_SHA512_256] = {"SHA-512-256", CRYPTO_SHA512_256},
};

#define FIELD(member) {#member, offsetof(struct sip_digest_fields, member), sizeof((struct sip_digest_fields *)0)->member}
static const struct {
	const char *name;
	size_t offset, size;
} fields_known[] = {
	FIELD(username), FIELD(realm),	FIELD(nonce), FIELD(uri), FIELD(response), FIELD(algorithm),
	FIELD(cnonce),	 FIELD(opaque), FIELD(qop),   FIELD(nc),  FIELD(stale),  FIELD(nextnonce),
};

static const char *skip_spaces(const char *text)
{
	while (*text == ' ' || *text == '\t' || *text == '\r' || *text == '\n')
		text++;
	return text;
}

/* A token or a quoted string; the cursor goes behind it. */
static int read_value(const char **cursor, char *value, size_t size)
{
	const char *text = *cursor;
	bool is_quoted = *text == '"';
	size_t length = 0;
	text += is_quoted;
	for (; *text && *text != (is_quoted ? '"' : ','); text++) {
		if (is_quoted && *text == '\\' && text[1])
			text++;
		if (length + 1 >= size)
			return -EINVAL;
		value[length++] = *text;
	}
	if (is_quoted && *text++ != '"')
		return -EINVAL;
	while (!is_quoted && length && strchr(" \t", value[length - 1]))
		length--;
	value[length] = 0;
	*cursor = text;
	return 0;
}

static int read_parameter(const char **cursor, struct sip_digest_fields *fields)
{
	char ignored[2048], *value = ignored;
	size_t size = sizeof ignored;
	const char *name = *cursor;
	size_t length = strcspn(name, "= \t,\"");
	const char *text = skip_spaces(name + length);
	if (!length || *text != '=')
		return -EINVAL;
	for (size_t i = 0; i < G_N_ELEMENTS(fields_known); i++)
		if (strlen(fields_known[i].name) == length && !g_ascii_strncasecmp(fields_known[i].name, name, length)) {
			value = (char *)fields + fields_known[i].offset;
			size = fields_known[i].size;
			if (*value)
				return -EINVAL;
		}
	*cursor = skip_spaces(text + 1);
	return read_value(cursor, value, size);
}

int sip_digest_parameters_parse(const char *text, struct sip_digest_fields *ret_fields)
{
	memset(ret_fields, 0, sizeof *ret_fields);
	for (text = skip_spaces(text); *text; text = skip_spaces(text)) {
		if (read_parameter(&text, ret_fields) < 0)
			return -EINVAL;
		text = skip_spaces(text);
		if (*text && *text != ',')
			return -EINVAL;
		while (*text == ',')
			text = skip_spaces(text + 1);
	}
	return 0;
}

int sip_digest_fields_parse(const char *text, struct sip_digest_fields *ret_fields)
{
	text = skip_spaces(text);
	if (g_ascii_strncasecmp(text, "Digest", 6) || skip_spaces(text + 6) == text + 6)
		return -EINVAL;
	return sip_digest_parameters_parse(text + 6, ret_fields);
}

int sip_digest_algorithm_of(const struct sip_digest_fields *fields, enum sip_digest_algorithm *ret_algorithm,
			    bool *ret_is_session)
{
	const char *name = *fields->algorithm ? fields->algorithm : algorithms[SIP_DIGEST_MD5].name;
	for (size_t i = 0; i < G_N_ELEMENTS(algorithms); i++) {
		size_t length = strlen(algorithms[i].name);
		if (g_ascii_strncasecmp(algorithms[i].name, name, length) ||
		    (name[length] && g_ascii_strcasecmp(name + length, "-sess")))
			continue;
		*ret_algorithm = (enum sip_digest_algorithm)i;
		*ret_is_session = name[length];
		return 0;
	}
	return -ENOTSUP;
}

const char *sip_digest_algorithm_name(enum sip_digest_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

bool sip_digest_offers(const struct sip_digest_fields *fields, const char *qop)
{
	g_auto(GStrv) words = g_strsplit_set(fields->qop, ", \t", -1);
	for (size_t i = 0; words[i]; i++)
		if (!g_ascii_strcasecmp(words[i], qop))
			return true;
	return false;
}

static int hash(enum sip_digest_algorithm algorithm, const char *text, char ret_hex[static CRYPTO_DIGEST_HEX_MAX])
{
	return crypto_digest_hex(algorithms[algorithm].digest, text, strlen(text), ret_hex);
}

int sip_digest_ha1(enum sip_digest_algorithm algorithm, const char *username, const char *realm, const char *password,
		   char ret_hex[static CRYPTO_DIGEST_HEX_MAX])
{
	char *text = g_strdup_printf("%s:%s:%s", username, realm, password);
	int error = hash(algorithm, text, ret_hex);
	crypto_wipe(text, strlen(text));
	g_free(text);
	return error;
}

bool sip_credentials_fit(const struct sip_credentials *credentials, enum sip_digest_algorithm algorithm)
{
	return credentials->password || credentials->ha1[algorithm];
}

int sip_credentials_ha1(const struct sip_credentials *credentials, enum sip_digest_algorithm algorithm, const char *realm,
			char ret_hex[static CRYPTO_DIGEST_HEX_MAX])
{
	const char *ha1 = credentials->ha1[algorithm];
	if (ha1)
		return base_copy_text(ret_hex, CRYPTO_DIGEST_HEX_MAX, ha1) ? 0 : -EINVAL;
	if (!credentials->password)
		return -ENOENT;
	return sip_digest_ha1(algorithm, credentials->username, realm, credentials->password, ret_hex);
}

bool sip_digest_is_ha1(enum sip_digest_algorithm algorithm, const char *text)
{
	size_t length = 2 * crypto_digest_bytes(algorithms[algorithm].digest);
	return strlen(text) == length && strspn(text, "0123456789abcdef") == length;
}

bool sip_credentials_equal(const struct sip_credentials *a, const struct sip_credentials *b)
{
	for (size_t i = 0; i < SIP_DIGEST_ALGORITHMS; i++)
		if (g_strcmp0(a->ha1[i], b->ha1[i]))
			return false;
	return !g_strcmp0(a->realm, b->realm) && !g_strcmp0(a->username, b->username) && !g_strcmp0(a->password, b->password);
}

int sip_digest_ha1_of_session(enum sip_digest_algorithm algorithm, const char *nonce, const char *cnonce,
			      char hex[static CRYPTO_DIGEST_HEX_MAX])
{
	char *text = g_strdup_printf("%s:%s:%s", hex, nonce, cnonce);
	int error = hash(algorithm, text, hex);
	crypto_wipe(text, strlen(text));
	g_free(text);
	return error;
}

/* HA2: method and URI; with auth-int the body too. */
static int hash_request(enum sip_digest_algorithm algorithm, const struct sip_digest_fields *fields, const char *method,
			GBytes *body, char ret_hex[static CRYPTO_DIGEST_HEX_MAX])
{
	if (g_ascii_strcasecmp(fields->qop, "auth-int")) {
		g_autofree char *text = g_strdup_printf("%s:%s", method, fields->uri);
		return hash(algorithm, text, ret_hex);
	}
	char hashed_body[CRYPTO_DIGEST_HEX_MAX];
	gsize length = 0;
	const void *data = body ? g_bytes_get_data(body, &length) : NULL;
	int error = crypto_digest_hex(algorithms[algorithm].digest, data ? data : "", length, hashed_body);
	if (error < 0)
		return error;
	g_autofree char *text = g_strdup_printf("%s:%s:%s", method, fields->uri, hashed_body);
	return hash(algorithm, text, ret_hex);
}

int sip_digest_response(enum sip_digest_algorithm algorithm, const char *ha1_hex, const struct sip_digest_fields *fields,
			const char *method, GBytes *body, char ret_hex[static CRYPTO_DIGEST_HEX_MAX])
{
	char ha2[CRYPTO_DIGEST_HEX_MAX];
	int error = hash_request(algorithm, fields, method, body, ha2);
	if (error < 0)
		return error;
	char *text = *fields->qop ? g_strdup_printf("%s:%s:%s:%s:%s:%s", ha1_hex, fields->nonce, fields->nc, fields->cnonce,
						    fields->qop, ha2)
				  : g_strdup_printf("%s:%s:%s", ha1_hex, fields->nonce, ha2);
	error = hash(algorithm, text, ret_hex);
	crypto_wipe(text, strlen(text));
	g_free(text);
	return error;
}
