#include "crypto/token.h"
#include "crypto/token_key.h"
#include "crypto/encoding.h"
#include <jansson.h>
#include <string.h>

const char *crypto_token_verdict_text(enum crypto_token_verdict verdict)
{
	static const char *const texts[] = {
		[CRYPTO_TOKEN_OK] = "right",
		[CRYPTO_TOKEN_MALFORMED] = "malformed",
		[CRYPTO_TOKEN_UNKNOWN_KEY] = "signed with a key or algorithm that is not known here",
		[CRYPTO_TOKEN_BAD_SIGNATURE] = "the signature is wrong",
		[CRYPTO_TOKEN_EXPIRED] = "expired",
		[CRYPTO_TOKEN_TOO_EARLY] = "not valid yet",
		[CRYPTO_TOKEN_NOT_FOR_US] = "of another issuer or for another audience",
	};
	return texts[verdict];
}

void crypto_token_clear(struct crypto_token *token)
{
	BASE_CLEAR(&token->user, g_free);
	g_strfreev(token->groups);
	token->groups = NULL;
}

uint8_t *crypto_token_decode(const char *text, size_t length, size_t *ret_length)
{
	g_autofree char *standard = g_strndup(text, length);
	for (char *c = standard; *c; c++) {
		if (!g_ascii_isalnum(*c) && *c != '-' && *c != '_')
			return NULL;
		*c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
	}
	uint8_t *data = g_malloc(length + 1);
	if (crypto_base64_decode(standard, length, data, length, ret_length) < 0)
		BASE_CLEAR(&data, g_free);
	else
		data[*ret_length] = '\0';
	return data;
}

static json_t *decode_object(const char *text, size_t length)
{
	size_t size;
	g_autofree uint8_t *data = crypto_token_decode(text, length, &size);
	json_t *object = data ? json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (object && !json_is_object(object)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static bool says(const json_t *object, const char *name, const char *value)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text && !strcmp(text, value);
}

static bool is_for(const json_t *claims, const char *audience)
{
	const json_t *list = json_object_get(claims, "aud"), *item;
	size_t i;
	if (!audience || says(claims, "aud", audience))
		return true;
	json_array_foreach(list, i, item)
		if (json_is_string(item) && !strcmp(json_string_value(item), audience))
			return true;
	return false;
}

/* NumericDate (RFC 7519, section 2). False: absent or no such. */
static bool read_time(const json_t *claims, const char *name, int64_t *ret_s)
{
	const json_t *value = json_object_get(claims, name);
	double seconds = json_number_value(value);
	if (!json_is_number(value) || !(seconds >= 0 && seconds < 1e12))
		return false;
	*ret_s = (int64_t)seconds;
	return true;
}

static char **read_groups(const json_t *claims)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	const json_t *list = json_object_get(claims, "groups"), *item;
	size_t i;
	json_array_foreach(list, i, item)
		if (i < CRYPTO_TOKEN_GROUPS_MAX && json_is_string(item))
			g_strv_builder_add(builder, json_string_value(item));
	return g_strv_builder_end(builder);
}

static enum crypto_token_verdict check_claims(const json_t *claims, const struct crypto_token_rules *rules,
					      struct crypto_token *ret_token)
{
	int64_t expires_s, begins_s;
	const json_t *user = json_object_get(claims, rules->user_claim);
	if (!json_is_string(user) || !read_time(claims, "exp", &expires_s))
		return CRYPTO_TOKEN_MALFORMED;
	if (json_object_get(claims, "nbf")) {
		if (!read_time(claims, "nbf", &begins_s))
			return CRYPTO_TOKEN_MALFORMED;
		if (begins_s > rules->now_s + rules->leeway_s)
			return CRYPTO_TOKEN_TOO_EARLY;
	}
	if (expires_s + rules->leeway_s <= rules->now_s)
		return CRYPTO_TOKEN_EXPIRED;
	if ((rules->issuer && !says(claims, "iss", rules->issuer)) || !is_for(claims, rules->audience))
		return CRYPTO_TOKEN_NOT_FOR_US;
	*ret_token = (struct crypto_token){
		.user = g_strdup(json_string_value(user)),
		.expires_s = expires_s,
		.groups = read_groups(claims),
	};
	return CRYPTO_TOKEN_OK;
}

/* `signed_length`: of header, dot and claims. */
static enum crypto_token_verdict check_signature(const struct crypto_token_keys *keys, const json_t *header, const char *text,
						 size_t signed_length)
{
	const char *algorithm = json_string_value(json_object_get(header, "alg"));
	const json_t *kid = json_object_get(header, "kid");
	/* What we do not know and must understand (RFC 7515, section 4.1.11). */
	if (!algorithm || json_object_get(header, "crit") || (kid && !json_is_string(kid)))
		return CRYPTO_TOKEN_MALFORMED;
	struct crypto_token_signed what = {
		.algorithm = algorithm,
		.kid = json_string_value(kid),
		.text = text,
		.text_length = signed_length,
	};
	const char *signature_text = text + signed_length + 1;
	g_autofree uint8_t *signature = crypto_token_decode(signature_text, strlen(signature_text), &what.signature_length);
	if (!signature)
		return CRYPTO_TOKEN_MALFORMED;
	what.signature = signature;
	return crypto_token_keys_check(keys, &what);
}

enum crypto_token_verdict crypto_token_verify(const struct crypto_token_keys *keys, const struct crypto_token_rules *rules,
					      const char *text, struct crypto_token *ret_token)
{
	const char *first = strchr(text, '.'), *second = first ? strchr(first + 1, '.') : NULL;
	if (strlen(text) > CRYPTO_TOKEN_BYTES_MAX || !second || strchr(second + 1, '.'))
		return CRYPTO_TOKEN_MALFORMED;
	json_t *header = decode_object(text, (size_t)(first - text)), *claims = NULL;
	enum crypto_token_verdict verdict =
		header ? check_signature(keys, header, text, (size_t)(second - text)) : CRYPTO_TOKEN_MALFORMED;
	if (verdict == CRYPTO_TOKEN_OK) {
		claims = decode_object(first + 1, (size_t)(second - first - 1));
		verdict = claims ? check_claims(claims, rules, ret_token) : CRYPTO_TOKEN_MALFORMED;
	}
	json_decref(header);
	json_decref(claims);
	return verdict;
}
