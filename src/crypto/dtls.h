/* The context that every DTLS-SRTP association is made from (RFC 5763, 5764). It may be shared by all threads once
 * made. */
#pragma once
#include "crypto/certificate.h"
#include <openssl/ssl.h>

/* Handshake datagrams are not longer than 1200 bytes, so that no path cuts them: this, and 24 of nonce and tag, which OpenSSL leaves
 * out of its sum when a Finished joins a long flight. To be set on each connection with SSL_set_mtu(), since the context has switched
 * asking the kernel off. */
#define CRYPTO_DTLS_MTU_BYTES (1200 - 24)

/* The order in which a server chooses, and what a client offers. */
#define CRYPTO_DTLS_SRTP_PROFILES                                                                                      \
	"SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32"

/* For both roles (SSL_set_accept_state() or SSL_set_connect_state() on the connection). DTLS 1.2 with ECDHE only, no
 * renegotiation, no tickets, no session cache. A peer certificate is demanded and any is taken: THE CALLER MUST check
 * it with crypto_fingerprint_matches() before any key is used. 0 or -EIO. */
int crypto_dtls_context_new(const struct crypto_certificate *certificate, SSL_CTX **ret_context);
