/* Between token.c, which reads tokens, and token_key.c, which has the keys; nobody else's. */
#pragma once
#include "crypto/token.h"

/* Base64url without padding (RFC 7515, section 2). NULL, or the bytes with a NUL behind. */
uint8_t *crypto_token_decode(const char *text, size_t length, size_t *ret_length);

struct crypto_token_signed {
	const char *algorithm, *kid; /* kid NULL: not said */
	const char *text;
	size_t text_length;
	const uint8_t *signature;
	size_t signature_length;
};
/* Whether a key of this alg, and of this kid where both have one, has signed it. */
enum crypto_token_verdict crypto_token_keys_check(const struct crypto_token_keys *keys, const struct crypto_token_signed *what);
