#include "crypto/digest.h"
#include "crypto/encoding.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

/* EVP_sha1() and the like are looked up by name each time they are used, and HMAC() makes and frees its contexts: several
 * times the cost of a short text's digest. So each thread has its contexts, with what they need looked up once. */
static const struct {
	const char *name;
	size_t bytes;
} digests[] = {
	[CRYPTO_MD5] = {"MD5", 16},
	[CRYPTO_SHA1] = {"SHA1", 20},
	[CRYPTO_SHA256] = {"SHA256", 32},
	[CRYPTO_SHA512_256] = {"SHA512-256", 32},
};

struct contexts {
	EVP_MD_CTX *digest;
	EVP_MD *mds[G_N_ELEMENTS(digests)];
	EVP_MAC_CTX *hmacs[G_N_ELEMENTS(digests)];
};

static void free_contexts(void *data)
{
	struct contexts *contexts = data;
	EVP_MD_CTX_free(contexts->digest);
	for (size_t i = 0; i < G_N_ELEMENTS(digests); i++) {
		EVP_MD_free(contexts->mds[i]);
		EVP_MAC_CTX_free(contexts->hmacs[i]);
	}
	g_free(contexts);
}

static EVP_MAC_CTX *new_hmac(EVP_MAC *hmac, const char *digest)
{
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac);
	if (EVP_MAC_CTX_set_params(context, parameters) == 1)
		return context;
	EVP_MAC_CTX_free(context);
	return NULL;
}

/* What this OpenSSL's settings do not allow stays NULL. */
static struct contexts *thread_contexts(void)
{
	static GPrivate private = G_PRIVATE_INIT(free_contexts);
	struct contexts *contexts = g_private_get(&private);
	if (contexts)
		return contexts;
	contexts = g_new0(struct contexts, 1);
	contexts->digest = EVP_MD_CTX_new();
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(digests); i++) {
		contexts->mds[i] = EVP_MD_fetch(NULL, digests[i].name, NULL);
		contexts->hmacs[i] = hmac ? new_hmac(hmac, digests[i].name) : NULL;
	}
	EVP_MAC_free(hmac);
	g_private_set(&private, contexts);
	return contexts;
}

size_t crypto_digest_bytes(enum crypto_digest algorithm)
{
	return (unsigned)algorithm < G_N_ELEMENTS(digests) ? digests[algorithm].bytes : 0;
}

int crypto_digest(enum crypto_digest algorithm, const void *data, size_t length,
		  uint8_t ret_digest[static CRYPTO_DIGEST_BYTES_MAX])
{
	struct contexts *contexts = thread_contexts();
	if (!crypto_digest_bytes(algorithm) || !contexts->mds[algorithm] ||
	    EVP_DigestInit_ex2(contexts->digest, contexts->mds[algorithm], NULL) != 1 ||
	    EVP_DigestUpdate(contexts->digest, length ? data : "", length) != 1 ||
	    EVP_DigestFinal_ex(contexts->digest, ret_digest, NULL) != 1)
		return -ENOTSUP;
	return 0;
}

int crypto_digest_hex(enum crypto_digest algorithm, const void *data, size_t length,
		      char ret_hex[static CRYPTO_DIGEST_HEX_MAX])
{
	uint8_t digest[CRYPTO_DIGEST_BYTES_MAX];
	int r = crypto_digest(algorithm, data, length, digest);
	if (r < 0)
		return r;
	crypto_hex_encode(digest, crypto_digest_bytes(algorithm), ret_hex);
	return 0;
}

int crypto_hmac(enum crypto_digest algorithm, const void *key, size_t key_bytes, const void *data, size_t length,
		uint8_t ret_mac[static CRYPTO_DIGEST_BYTES_MAX])
{
	EVP_MAC_CTX *hmac = crypto_digest_bytes(algorithm) ? thread_contexts()->hmacs[algorithm] : NULL;
	/* a NULL key would be "the one before" */
	if (!hmac || EVP_MAC_init(hmac, key_bytes ? key : (const uint8_t *)"", key_bytes, NULL) != 1 ||
	    EVP_MAC_update(hmac, length ? data : (const uint8_t *)"", length) != 1 ||
	    EVP_MAC_final(hmac, ret_mac, NULL, CRYPTO_DIGEST_BYTES_MAX) != 1)
		return -ENOTSUP;
	return 0;
}

bool crypto_equal(const void *a, const void *b, size_t length)
{
	return length == 0 || CRYPTO_memcmp(a, b, length) == 0;
}

bool crypto_equal_text(const char *secret, const char *given)
{
	if (!secret || !given)
		return false;
	size_t secret_length = strlen(secret), given_length = strlen(given);
	unsigned difference = secret_length != given_length;
	/* walks the whole of `given`, whatever the secret's length */
	for (size_t i = 0; i < given_length; i++)
		difference |= (unsigned char)given[i] ^ (unsigned char)secret[secret_length ? i % secret_length : 0];
	return difference == 0;
}

void crypto_wipe(void *secret, size_t length)
{
	if (secret)
		OPENSSL_cleanse(secret, length);
}
