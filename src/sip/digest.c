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
	FIELD(cnonce),	 FIELD(opaque), FIELD(qop),   FIELD(nc),  FIELD(stale),
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

int sip_digest_fields_parse(const char *text, struct sip_digest_fields *ret_fields)
{
	text = skip_spaces(text);
	if (g_ascii_strncasecmp(text, "Digest", 6) || skip_spaces(text + 6) == text + 6)
		return -EINVAL;
	memset(ret_fields, 0, sizeof *ret_fields);
	for (text = skip_spaces(text + 6); *text; text = skip_spaces(text)) {
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

int sip_digest_algorithm_of(const struct sip_digest_fields *fields, enum sip_digest_algorithm *ret_algorithm)
{
	if (!*fields->algorithm) {
		*ret_algorithm = SIP_DIGEST_MD5;
		return 0;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(algorithms); i++)
		if (!g_ascii_strcasecmp(algorithms[i].name, fields->algorithm)) {
			*ret_algorithm = (enum sip_digest_algorithm)i;
			return 0;
		}
	return -ENOTSUP;
}

const char *sip_digest_algorithm_name(enum sip_digest_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

bool sip_digest_offers_auth(const struct sip_digest_fields *fields)
{
	g_auto(GStrv) words = g_strsplit_set(fields->qop, ", \t", -1);
	for (size_t i = 0; words[i]; i++)
		if (!g_ascii_strcasecmp(words[i], "auth"))
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

int sip_digest_response(enum sip_digest_algorithm algorithm, const char *ha1_hex, const char *method,
			const struct sip_digest_fields *fields, char ret_hex[static CRYPTO_DIGEST_HEX_MAX])
{
	char ha2[CRYPTO_DIGEST_HEX_MAX];
	g_autofree char *a2 = g_strdup_printf("%s:%s", method, fields->uri);
	int error = hash(algorithm, a2, ha2);
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
