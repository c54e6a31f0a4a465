#include "crypto/digest.h"
#include "crypto/encoding.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define BLOCK_BYTES_MAX 128

/* EVP_sha1() and the like are looked up by name each time they are used, and HMAC() makes and frees three contexts: ten
 * times the cost of a short text's digest. So each is looked up once, and each thread has one context. */
struct digest {
	const char *name;
	size_t digest_bytes, block_bytes;
	EVP_MD *md;
};

static struct digest digests[] = {
	[CRYPTO_MD5] = {.name = "MD5", .digest_bytes = 16, .block_bytes = 64},
	[CRYPTO_SHA1] = {.name = "SHA1", .digest_bytes = 20, .block_bytes = 64},
	[CRYPTO_SHA256] = {.name = "SHA256", .digest_bytes = 32, .block_bytes = 64},
	[CRYPTO_SHA512_256] = {.name = "SHA512-256", .digest_bytes = 32, .block_bytes = 128},
};

static void free_context(void *context)
{
	EVP_MD_CTX_free(context);
}

static EVP_MD_CTX *thread_context(void)
{
	static GPrivate contexts = G_PRIVATE_INIT(free_context);
	EVP_MD_CTX *context = g_private_get(&contexts);

	if (!context) {
		context = EVP_MD_CTX_new();
		g_private_set(&contexts, context);
	}
	return context;
}

static gpointer fetch_all(gpointer unused)
{
	for (size_t i = 0; i < G_N_ELEMENTS(digests); i++)
		digests[i].md = EVP_MD_fetch(NULL, digests[i].name, NULL); /* NULL: not with this OpenSSL's settings */
	return digests;
}

static const struct digest *digest_of(enum crypto_digest algorithm)
{
	static GOnce once = G_ONCE_INIT;

	g_once(&once, fetch_all, NULL);
	return (unsigned)algorithm < G_N_ELEMENTS(digests) && digests[algorithm].md ? &digests[algorithm] : NULL;
}

size_t crypto_digest_bytes(enum crypto_digest algorithm)
{
	return (unsigned)algorithm < G_N_ELEMENTS(digests) ? digests[algorithm].digest_bytes : 0;
}

/* Of `first`, a whole number of bytes that may be none, and `rest` behind it. */
static int digest_two(const struct digest *digest, const void *first, size_t first_bytes, const void *rest, size_t rest_bytes,
		      uint8_t *ret_digest)
{
	EVP_MD_CTX *context = thread_context();

	if (!context || EVP_DigestInit_ex2(context, digest->md, NULL) != 1 ||
	    EVP_DigestUpdate(context, first, first_bytes) != 1 || EVP_DigestUpdate(context, rest, rest_bytes) != 1 ||
	    EVP_DigestFinal_ex(context, ret_digest, NULL) != 1)
		return -ENOTSUP;
	return 0;
}

int crypto_digest(enum crypto_digest algorithm, const void *data, size_t length,
		  uint8_t ret_digest[static CRYPTO_DIGEST_BYTES_MAX])
{
	const struct digest *digest = digest_of(algorithm);

	return digest ? digest_two(digest, "", 0, length ? data : "", length, ret_digest) : -ENOTSUP;
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

static void pad(uint8_t block[static BLOCK_BYTES_MAX], uint8_t with, size_t block_bytes)
{
	for (size_t i = 0; i < block_bytes; i++)
		block[i] ^= with;
}

/* RFC 2104. */
int crypto_hmac(enum crypto_digest algorithm, const void *key, size_t key_bytes, const void *data, size_t length,
		uint8_t ret_mac[static CRYPTO_DIGEST_BYTES_MAX])
{
	const struct digest *digest = digest_of(algorithm);
	uint8_t block[BLOCK_BYTES_MAX] = {0}, inner[CRYPTO_DIGEST_BYTES_MAX];
	int error = digest ? 0 : -ENOTSUP;

	if (error == 0 && key_bytes > digest->block_bytes)
		error = digest_two(digest, "", 0, key, key_bytes, block);
	else if (error == 0 && key_bytes > 0)
		memcpy(block, key, key_bytes);
	if (error == 0) {
		pad(block, 0x36, digest->block_bytes);
		error = digest_two(digest, block, digest->block_bytes, length ? data : "", length, inner);
	}
	if (error == 0) {
		pad(block, 0x36 ^ 0x5c, digest->block_bytes);
		error = digest_two(digest, block, digest->block_bytes, inner, digest->digest_bytes, ret_mac);
	}
	crypto_wipe(block, sizeof block);
	return error;
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
