/* Digests, HMAC (RFC 2104) and comparing secrets. Pure; any thread. MD5 and SHA-1 are here because SIP digest
 * authentication (RFC 7616) and SRTP (RFC 3711) name them. */
#pragma once
#include "base/base.h"

#define CRYPTO_DIGEST_BYTES_MAX 32
#define CRYPTO_DIGEST_HEX_MAX	(2 * CRYPTO_DIGEST_BYTES_MAX + 1)

enum crypto_digest { CRYPTO_MD5, CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_SHA512_256 };

/* In bytes: 16, 20, 32, 32. */
size_t crypto_digest_bytes(enum crypto_digest algorithm);
/* 0, or -ENOTSUP where the library's policy refuses the algorithm (MD5 on a FIPS machine). `ret_digest` gets
 * crypto_digest_bytes() of them. */
int crypto_digest(enum crypto_digest algorithm, const void *data, size_t length,
		  uint8_t ret_digest[static CRYPTO_DIGEST_BYTES_MAX]);
/* The same in lower-case hex with a NUL. */
int crypto_digest_hex(enum crypto_digest algorithm, const void *data, size_t length,
		      char ret_hex[static CRYPTO_DIGEST_HEX_MAX]);
int crypto_hmac(enum crypto_digest algorithm, const void *key, size_t key_bytes, const void *data, size_t length,
		uint8_t ret_mac[static CRYPTO_DIGEST_BYTES_MAX]);

/* Takes the same time wherever the two differ. */
bool crypto_equal(const void *a, const void *b, size_t length);
/* For texts: the time tells at most the length of `given`. False when either is NULL. */
bool crypto_equal_text(const char *secret, const char *given);
/* Overwrites a secret so that the compiler cannot leave it out. */
void crypto_wipe(void *secret, size_t length);
