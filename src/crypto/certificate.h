/* The certificate that DTLS shows. One per start, self-signed, unless files are given: browsers know it by the
 * fingerprint in the SDP (RFC 8122), not by a name. Made on one thread, then read by any. */
#pragma once
#include "base/base.h"
#include <openssl/x509.h>

/* "sha-256" and 32 pairs with colons */
#define CRYPTO_FINGERPRINT_DIGITS_MAX (3 * 64)

struct crypto_certificate;

/* ECDSA P-256, self-signed, valid from a day ago for a year; the name in it says nothing about the machine.
 * 0 or -EIO. */
int crypto_certificate_generate(struct crypto_certificate **ret_certificate);
/* PEM files: leaf certificate first, with its chain or without; private key without a passphrase. 0; -errno of opening;
 * -EBADMSG when a file does not parse; -EKEYREJECTED when the key does not belong to the certificate. */
int crypto_certificate_load(const char *certificate_path, const char *key_path,
			    struct crypto_certificate **ret_certificate);
struct crypto_certificate *crypto_certificate_free(struct crypto_certificate *certificate); /* accepts NULL */

/* The digits behind "sha-256" in a=fingerprint: "AB:CD:...". Owned by the certificate. */
const char *crypto_certificate_fingerprint(const struct crypto_certificate *certificate);
/* Borrowed. */
X509 *crypto_certificate_x509(const struct crypto_certificate *certificate);
EVP_PKEY *crypto_certificate_key(const struct crypto_certificate *certificate);

/* Whether an announced fingerprint (RFC 8122: algorithm "sha-256", "sha-384", "sha-512", "sha-1", in any case; digits
 * in any case) is this peer certificate's. False for an unknown algorithm, and for md5 and md2, which prove nothing. */
bool crypto_fingerprint_matches(const X509 *peer, const char *algorithm, const char *digits);
