#include "crypto/digest.h"
#include "crypto/encoding.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

static const EVP_MD *digest_of(enum crypto_digest algorithm)
{
	switch (algorithm) {
	case CRYPTO_MD5:
		return EVP_md5();
	case CRYPTO_SHA1:
		return EVP_sha1();
	case CRYPTO_SHA256:
		return EVP_sha256();
	case CRYPTO_SHA512_256:
		return EVP_sha512_256();
	}
	return NULL;
}

size_t crypto_digest_bytes(enum crypto_digest algorithm)
{
	switch (algorithm) {
	case CRYPTO_MD5:
		return 16;
	case CRYPTO_SHA1:
		return 20;
	case CRYPTO_SHA256:
	case CRYPTO_SHA512_256:
		return 32;
	}
	return 0;
}

int crypto_digest(enum crypto_digest algorithm, const void *data, size_t length,
		  uint8_t ret_digest[static CRYPTO_DIGEST_BYTES_MAX])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	const EVP_MD *md = digest_of(algorithm);
	if (!md || EVP_Digest(length ? data : "", length, digest, NULL, md, NULL) != 1)
		return -ENOTSUP;
	memcpy(ret_digest, digest, crypto_digest_bytes(algorithm));
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
	uint8_t mac[EVP_MAX_MD_SIZE];
	const EVP_MD *md = digest_of(algorithm);
	if (!md || key_bytes > INT_MAX)
		return -ENOTSUP;
	/* HMAC() takes a NULL key as "the one before" */
	if (!HMAC(md, key_bytes ? key : "", (int)key_bytes, length ? data : (const uint8_t *)"", length, mac, NULL))
		return -ENOTSUP;
	memcpy(ret_mac, mac, crypto_digest_bytes(algorithm));
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
