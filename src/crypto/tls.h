/* TLS as a client, on non-blocking sockets: the server's certificate is verified, with its name. */
#pragma once
#include "base/base.h"
#include <openssl/ssl.h>

struct crypto_tls;

/* TLS 1.2 or newer. `ca_file`: PEM file of the certificates to trust; NULL: those of the system. May be shared by all threads once
 * made; to be freed with SSL_CTX_free(). 0, -EIO, -EBADMSG (the file cannot be read, or holds none). */
int crypto_tls_context_new(const char *ca_file, SSL_CTX **ret_context);

/* A connection on a descriptor that stays the caller's. `host` is the name or address that the certificate must be for. 0 or -EIO. */
int crypto_tls_new(SSL_CTX *context, const char *host, int descriptor, struct crypto_tls **ret_tls);
struct crypto_tls *crypto_tls_free(struct crypto_tls *tls); /* accepts NULL */

/* These return -EAGAIN when they must wait for the socket, to be readable, or writable too if crypto_tls_wants_to_write(); and -EIO at
 * the end, whose reason is crypto_tls_problem(). */
int crypto_tls_shake_hands(struct crypto_tls *tls);
/* The number of bytes, at least one. What crypto_tls_has_more() is not announced by the socket. */
ssize_t crypto_tls_read(struct crypto_tls *tls, uint8_t *bytes, size_t size);
bool crypto_tls_has_more(const struct crypto_tls *tls);
/* After -EAGAIN the same bytes must come again, with others behind them or not; they may have moved. */
ssize_t crypto_tls_write(struct crypto_tls *tls, const uint8_t *bytes, size_t length);
bool crypto_tls_wants_to_write(const struct crypto_tls *tls);
/* For people; borrowed. */
const char *crypto_tls_problem(const struct crypto_tls *tls);
