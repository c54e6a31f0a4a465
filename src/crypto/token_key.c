#include "crypto/token_key.h"
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#define P256_BYTES 32

struct key {
	char *kid; /* NULL: it has none */
	const char *algorithm;
	EVP_PKEY *key;
};

struct crypto_token_keys {
	GArray *list; /* struct key */
};

static void clear_key(void *data)
{
	struct key *key = data;
	g_free(key->kid);
	EVP_PKEY_free(key->key);
}

/* What the key is for; NULL: nothing here. */
static const char *algorithm_of(const EVP_PKEY *key)
{
	char group[32] = "";
	if (EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_get_bits(key) >= CRYPTO_TOKEN_RSA_BITS_MIN ? "RS256" : NULL;
	if (EVP_PKEY_is_a(key, "ED25519"))
		return "EdDSA";
	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) && !strcmp(group, "prime256v1"))
		return "ES256";
	return NULL;
}

/* Takes the reference to `pkey`. */
static void add_key(struct crypto_token_keys *keys, EVP_PKEY *pkey, const char *kid)
{
	struct key key = {.algorithm = pkey ? algorithm_of(pkey) : NULL, .key = pkey};
	if (!key.algorithm || keys->list->len >= CRYPTO_TOKEN_KEYS_MAX) {
		EVP_PKEY_free(pkey);
		return;
	}
	key.kid = g_strdup(kid);
	g_array_append_val(keys->list, key);
}

/* --- PEM --- */

static void read_pem(struct crypto_token_keys *keys, const char *text, size_t length)
{
	BIO *in = BIO_new_mem_buf(text, (int)length);
	EVP_PKEY *key = PEM_read_bio_PUBKEY(in, NULL, NULL, NULL);
	BIO_free(in);
	if (!key) {
		in = BIO_new_mem_buf(text, (int)length);
		X509 *certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
		key = certificate ? X509_get_pubkey(certificate) : NULL;
		X509_free(certificate);
		BIO_free(in);
	}
	add_key(keys, key, NULL);
	ERR_clear_error();
}

/* --- JWK (RFC 7517, RFC 7518, section 6, RFC 8037) --- */

static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *builder)
{
	EVP_PKEY *key = NULL;
	OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (!parameters || !context || EVP_PKEY_fromdata_init(context) <= 0 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(parameters);
	ERR_clear_error();
	return key;
}

static uint8_t *member(const json_t *jwk, const char *name, size_t *ret_length)
{
	const char *text = json_string_value(json_object_get(jwk, name));
	return text ? crypto_token_decode(text, strlen(text), ret_length) : NULL;
}

static EVP_PKEY *read_rsa(const json_t *jwk)
{
	size_t n_length, e_length;
	g_autofree uint8_t *n = member(jwk, "n", &n_length), *e = member(jwk, "e", &e_length);
	if (!n || !e || e_length > 8)
		return NULL;
	BIGNUM *modulus = BN_bin2bn(n, (int)n_length, NULL), *exponent = BN_bin2bn(e, (int)e_length, NULL);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus);
	OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent);
	EVP_PKEY *key = make_key("RSA", builder);
	OSSL_PARAM_BLD_free(builder);
	BN_free(modulus);
	BN_free(exponent);
	return key;
}

static EVP_PKEY *read_ec(const json_t *jwk)
{
	uint8_t point[1 + 2 * P256_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
	size_t x_length, y_length;
	const char *curve = json_string_value(json_object_get(jwk, "crv"));
	g_autofree uint8_t *x = member(jwk, "x", &x_length), *y = member(jwk, "y", &y_length);
	if (!curve || strcmp(curve, "P-256") || !x || !y || x_length != P256_BYTES || y_length != P256_BYTES)
		return NULL;
	memcpy(point + 1, x, P256_BYTES);
	memcpy(point + 1 + P256_BYTES, y, P256_BYTES);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
	OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point);
	EVP_PKEY *key = make_key("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

static EVP_PKEY *read_ed25519(const json_t *jwk)
{
	size_t length;
	const char *curve = json_string_value(json_object_get(jwk, "crv"));
	g_autofree uint8_t *x = member(jwk, "x", &length);
	return curve && !strcmp(curve, "Ed25519") && x ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x, length) : NULL;
}

static void read_jwk(struct crypto_token_keys *keys, const json_t *jwk)
{
	const char *type = json_string_value(json_object_get(jwk, "kty"));
	const char *use = json_string_value(json_object_get(jwk, "use"));
	if (!type || (use && strcmp(use, "sig")))
		return;
	EVP_PKEY *key = !strcmp(type, "RSA")   ? read_rsa(jwk)
			: !strcmp(type, "EC")  ? read_ec(jwk)
			: !strcmp(type, "OKP") ? read_ed25519(jwk)
					       : NULL;
	const char *algorithm = json_string_value(json_object_get(jwk, "alg")), *ours = key ? algorithm_of(key) : NULL;
	if (algorithm && (!ours || strcmp(algorithm, ours))) /* its owner means it for another one */
		BASE_CLEAR(&key, EVP_PKEY_free);
	add_key(keys, key, json_string_value(json_object_get(jwk, "kid")));
	ERR_clear_error();
}

static void read_json(struct crypto_token_keys *keys, const char *text, size_t length)
{
	json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL), *item;
	const json_t *list = json_object_get(root, "keys");
	size_t i;
	if (root && !list)
		read_jwk(keys, root);
	json_array_foreach(list, i, item)
		read_jwk(keys, item);
	json_decref(root);
}

/* --- out --- */

int crypto_token_keys_read(const char *text, size_t length, struct crypto_token_keys **ret_keys)
{
	if (length > CRYPTO_TOKEN_KEYS_BYTES_MAX)
		return -EINVAL;
	struct crypto_token_keys *keys = g_new0(struct crypto_token_keys, 1);
	keys->list = g_array_new(FALSE, FALSE, sizeof(struct key));
	g_array_set_clear_func(keys->list, clear_key);
	if (g_strstr_len(text, (gssize)length, "-----BEGIN "))
		read_pem(keys, text, length);
	else
		read_json(keys, text, length);
	if (!keys->list->len) {
		crypto_token_keys_free(keys);
		return -EINVAL;
	}
	*ret_keys = keys;
	return 0;
}

struct crypto_token_keys *crypto_token_keys_free(struct crypto_token_keys *keys)
{
	if (keys)
		g_array_free(keys->list, TRUE);
	g_free(keys);
	return NULL;
}

size_t crypto_token_keys_count(const struct crypto_token_keys *keys)
{
	return keys->list->len;
}

/* From r and s, as JWS has them (RFC 7518, section 3.4), to DER. NULL, or to be freed with OPENSSL_free(). */
static uint8_t *der_of(const uint8_t *signature, size_t length, int *ret_length)
{
	uint8_t *der = NULL;
	if (length != 2 * P256_BYTES)
		return NULL;
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, P256_BYTES, NULL), *s = BN_bin2bn(signature + P256_BYTES, P256_BYTES, NULL);
	ECDSA_SIG_set0(pair, r, s);
	*ret_length = i2d_ECDSA_SIG(pair, &der);
	ECDSA_SIG_free(pair);
	return *ret_length > 0 ? der : NULL;
}

static bool has_signed(const struct key *key, const struct crypto_token_signed *what)
{
	bool is_ec = !strcmp(key->algorithm, "ES256");
	int der_length = 0;
	uint8_t *der = is_ec ? der_of(what->signature, what->signature_length, &der_length) : NULL;
	if (is_ec && !der)
		return false;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const EVP_MD *digest = !strcmp(key->algorithm, "EdDSA") ? NULL : EVP_sha256();
	bool is_right = EVP_DigestVerifyInit(context, NULL, digest, NULL, key->key) == 1 &&
			EVP_DigestVerify(context, is_ec ? der : what->signature,
					 is_ec ? (size_t)der_length : what->signature_length, (const uint8_t *)what->text,
					 what->text_length) == 1;
	EVP_MD_CTX_free(context);
	OPENSSL_free(der);
	ERR_clear_error();
	return is_right;
}

enum crypto_token_verdict crypto_token_keys_check(const struct crypto_token_keys *keys, const struct crypto_token_signed *what)
{
	enum crypto_token_verdict verdict = CRYPTO_TOKEN_UNKNOWN_KEY;
	for (guint i = 0; i < keys->list->len; i++) {
		const struct key *key = &g_array_index(keys->list, struct key, i);
		if (strcmp(key->algorithm, what->algorithm) || (what->kid && key->kid && strcmp(what->kid, key->kid)))
			continue;
		if (has_signed(key, what))
			return CRYPTO_TOKEN_OK;
		verdict = CRYPTO_TOKEN_BAD_SIGNATURE;
	}
	return verdict;
}
