/* Signed tokens, JWT (RFC 7519) in the compact form of JWS (RFC 7515), checked with public keys. Pure; any thread.
 *
 * The key decides the algorithm: RS256 for RSA, ES256 for P-256, EdDSA for Ed25519 (RFC 8037). What a token says of itself must agree;
 * "none" and keyed hashes do not exist here, so that no public key can be taken for a secret. Nothing in a token is looked at before its
 * signature is found right, but alg and kid. */
#pragma once
#include "base/base.h"

#define CRYPTO_TOKEN_BYTES_MAX	    8192
#define CRYPTO_TOKEN_KEYS_MAX	    32
#define CRYPTO_TOKEN_KEYS_BYTES_MAX 65536
#define CRYPTO_TOKEN_RSA_BITS_MIN   2048
#define CRYPTO_TOKEN_GROUPS_MAX	    32

struct crypto_token_keys;
/* From PEM (one public key or certificate) or a JWK or JWK set (RFC 7517). Keys of a set that are of other kinds or for other uses are passed
 * over. 0; -EINVAL: nothing in it can be used. */
int crypto_token_keys_read(const char *text, size_t length, struct crypto_token_keys **ret_keys);
struct crypto_token_keys *crypto_token_keys_free(struct crypto_token_keys *keys); /* accepts NULL; returns NULL */
size_t crypto_token_keys_count(const struct crypto_token_keys *keys);

struct crypto_token_rules {
	const char *issuer;	/* "iss" must be this; NULL: any */
	const char *audience;	/* "aud" must be or hold this; NULL: a token for somebody else is taken too */
	const char *user_claim; /* "sub" */
	int64_t now_s;		/* Unix time */
	int64_t leeway_s;	/* clocks may differ by that */
};

struct crypto_token {
	char *user;
	int64_t expires_s; /* Unix time; "exp" is demanded */
	char **groups;	   /* of the claim "groups"; NULL-terminated */
};
void crypto_token_clear(struct crypto_token *token);

enum crypto_token_verdict {
	CRYPTO_TOKEN_OK,
	CRYPTO_TOKEN_MALFORMED,
	CRYPTO_TOKEN_UNKNOWN_KEY,   /* no key of that kid and alg */
	CRYPTO_TOKEN_BAD_SIGNATURE,
	CRYPTO_TOKEN_EXPIRED,
	CRYPTO_TOKEN_TOO_EARLY,	     /* "nbf" */
	CRYPTO_TOKEN_NOT_FOR_US,     /* issuer or audience */
};
const char *crypto_token_verdict_text(enum crypto_token_verdict verdict); /* for logs */
/* *ret_token is written on OK, to be cleared. */
enum crypto_token_verdict crypto_token_verify(const struct crypto_token_keys *keys, const struct crypto_token_rules *rules,
					      const char *text, struct crypto_token *ret_token);
