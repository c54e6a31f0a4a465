/* GRUUs (RFC 5627): a public one holds the device's instance in the open; a temporary one is a number of ours for the device,
 * encrypted with a new nonce each time, so that none tells whose it is or that two are the same device's. */
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/random.h"
#include "registrar/internal.h"
#include <string.h>

#define TEMPORARY_PREFIX "tgruu."
#define GR_CHARACTERS_MAX 400
#define TOKEN_CHARACTERS 32 /* of a struct token in base64, without padding */

struct token {
	uint8_t nonce[8];
	uint8_t id[8]; /* encrypted */
	uint8_t mac[8];
};
_Static_assert(sizeof(struct token) == TOKEN_CHARACTERS * 3 / 4, "base64 without padding");

/* `purpose` keeps the key stream and the proof apart. */
static void derive(const struct registrar *registrar, char purpose, const struct token *token, size_t length,
		   uint8_t ret_bytes[static 8])
{
	uint8_t data[1 + sizeof *token], mac[CRYPTO_DIGEST_BYTES_MAX] = {0};
	data[0] = (uint8_t)purpose;
	memcpy(data + 1, token, length);
	crypto_hmac(CRYPTO_SHA256, registrar->gruu_key, sizeof registrar->gruu_key, data, 1 + length, mac);
	memcpy(ret_bytes, mac, 8);
}

static void crypt_id(const struct registrar *registrar, struct token *token)
{
	uint8_t stream[8];
	derive(registrar, 'e', token, sizeof token->nonce, stream);
	for (size_t i = 0; i < sizeof stream; i++)
		token->id[i] ^= stream[i];
}

/* gr's value: the URN, in characters that may stand in a URI parameter. NULL when the instance is none (RFC 5626, section
 * 4.1: it stands in angle brackets) or too long to be read again. */
static char *escape_instance(const char *instance)
{
	size_t length = strlen(instance);
	if (length < 3 || *instance != '<' || instance[length - 1] != '>')
		return NULL;
	GString *text = g_string_new(NULL);
	for (const char *c = instance + 1; c < instance + length - 1; c++) {
		if (g_ascii_isalnum(*c) || strchr("-_.!~*'()[]/:&+$", *c))
			g_string_append_c(text, *c);
		else
			g_string_append_printf(text, "%%%02X", (unsigned char)*c);
	}
	bool is_fit = text->len <= GR_CHARACTERS_MAX;
	return g_string_free(text, !is_fit);
}

char *registrar_gruu_public(const struct registrar *registrar, const struct registrar_endpoint *endpoint)
{
	g_autofree char *user = sip_uri_escape_user(registrar_endpoint_user(endpoint));
	g_autofree char *instance = escape_instance(registrar_endpoint_instance(endpoint));
	return instance ? g_strdup_printf("sip:%s@%s;gr=%s", user, registrar->domain, instance) : NULL;
}

char *registrar_gruu_temporary(const struct registrar *registrar, struct registrar_endpoint *endpoint)
{
	struct token token;
	uint64_t id = registrar_endpoint_gruu_id(endpoint);
	char text[CRYPTO_BASE64_SIZE(sizeof token)];
	crypto_random(token.nonce, sizeof token.nonce);
	memcpy(token.id, &id, sizeof token.id);
	crypt_id(registrar, &token);
	derive(registrar, 'm', &token, offsetof(struct token, mac), token.mac);
	crypto_base64_encode(&token, sizeof token, text);
	g_strdelimit(g_strdelimit(text, "+", '-'), "/", '_');
	return g_strdup_printf("sip:" TEMPORARY_PREFIX "%s@%s;gr", text, registrar->domain);
}

/* Who was given this user part; NULL when nobody was, or it is not valid any more. */
static struct registrar_endpoint *find_temporary(const struct registrar *registrar, const char *user)
{
	char text[TOKEN_CHARACTERS + 1];
	struct token token;
	size_t length;
	uint8_t mac[sizeof token.mac];
	uint64_t id;
	const char *given = user + strlen(TEMPORARY_PREFIX);
	if (strlen(given) != TOKEN_CHARACTERS || strpbrk(given, "+/"))
		return NULL;
	memcpy(text, given, sizeof text);
	g_strdelimit(g_strdelimit(text, "-", '+'), "_", '/');
	if (crypto_base64_decode(text, TOKEN_CHARACTERS, (uint8_t *)&token, sizeof token, &length) || length != sizeof token)
		return NULL;
	derive(registrar, 'm', &token, offsetof(struct token, mac), mac);
	if (!crypto_equal(mac, token.mac, sizeof mac))
		return NULL;
	crypt_id(registrar, &token);
	memcpy(&id, token.id, sizeof id);
	return g_hash_table_lookup(registrar->gruus, &id);
}

static int resolve_public(const struct registrar *registrar, const struct sip_uri *uri, const char *escaped,
			  struct registrar_device *ret_device)
{
	g_autofree char *value = g_uri_unescape_string(escaped, NULL);
	if (!value || strlen(value) + 2 > REGISTRAR_INSTANCE_BYTES_MAX)
		return -EINVAL;
	g_autofree char *instance = g_strdup_printf("<%s>", value);
	bool is_here = registrar_endpoint_find(registrar, uri->user, instance);
	bool is_ours = !g_ascii_strcasecmp(uri->host, registrar->domain) && registrar_has_user(registrar, uri->user);
	if (!is_here && !is_ours)
		return -EINVAL; /* another domain's */
	base_copy_text(ret_device->user, sizeof ret_device->user, uri->user);
	base_copy_text(ret_device->instance, sizeof ret_device->instance, instance);
	return 0;
}

int registrar_gruu_resolve(const struct registrar *registrar, const char *text, struct registrar_device *ret_device)
{
	struct sip_uri uri;
	char value[GR_CHARACTERS_MAX + 1];
	if (sip_uri_parse(text, &uri) || !sip_uri_parameter(&uri, "gr", value, sizeof value))
		return -EINVAL;
	if (*value)
		return resolve_public(registrar, &uri, value, ret_device);
	if (!g_str_has_prefix(uri.user, TEMPORARY_PREFIX))
		return -EINVAL;
	const struct registrar_endpoint *endpoint = find_temporary(registrar, uri.user);
	if (!endpoint) /* perhaps another domain's */
		return g_ascii_strcasecmp(uri.host, registrar->domain) ? -EINVAL : -ENOENT;
	base_copy_text(ret_device->user, sizeof ret_device->user, registrar_endpoint_user(endpoint));
	base_copy_text(ret_device->instance, sizeof ret_device->instance, registrar_endpoint_instance(endpoint));
	return 0;
}
