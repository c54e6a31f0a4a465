/* TLS on non-blocking sockets, as a client and as a server: certificates are verified, with their name. */
#pragma once
#include "base/base.h"
#include <openssl/ssl.h>

#define CRYPTO_TLS_NAMES_MAX 256 /* bytes of crypto_tls_names() */

struct crypto_tls;

/* --- contexts: TLS 1.2 or newer; for all threads once made; to be freed with SSL_CTX_free() --- */

/* As a client. `ca_file`: PEM file of the certificates to trust; NULL: those of the system. 0, -EIO, -EBADMSG (the file cannot be read,
 * or holds none). */
int crypto_tls_context_new(const char *ca_file, SSL_CTX **ret_context);
/* As a server that shows this. 0, -EIO, or as crypto_tls_context_show(). */
int crypto_tls_server_context_new(const char *certificate, const char *key, SSL_CTX **ret_context);
/* The certificate of our own. `certificate`: PEM file, leaf first, its chain behind it; `key`: PEM file without a passphrase. 0; -EBADMSG: no
 * certificate could be read; -ENOKEY: no key; -EKEYREJECTED: it is another certificate's. */
int crypto_tls_context_show(SSL_CTX *context, const char *certificate, const char *key);

/* --- connections --- */

/* What is asked of a certificate. */
enum crypto_tls_check {
	CRYPTO_TLS_CHECK_HOST,	  /* it is trusted, and for this host (RFC 6125) */
	CRYPTO_TLS_CHECK_SIP,	  /* the same by the rules of RFC 5922: "sip:" URIs count too, wildcards stand for nothing but themselves */
	CRYPTO_TLS_CHECK_NOTHING, /* whoever it is */
};

/* Why a connection came to nothing. */
enum crypto_tls_fault {
	CRYPTO_TLS_FAULT_OTHER,	       /* no certificate's */
	CRYPTO_TLS_FAULT_NAME,	       /* it is for another: crypto_tls_names() */
	CRYPTO_TLS_FAULT_EXPIRED,
	CRYPTO_TLS_FAULT_NOT_YET_VALID,
	CRYPTO_TLS_FAULT_UNKNOWN_CA,
	CRYPTO_TLS_FAULT_SELF_SIGNED,
	CRYPTO_TLS_FAULT_UNSUITABLE, /* anything else about it */
	CRYPTO_TLS_FAULT_OURS, /* the far end has asked for one of ours and then ended it; TLS has many an alert for that, and they may be lost */
};

/* To a server, on a descriptor that stays the caller's. `host` is the name or address that the certificate must be for. 0 or -EIO. */
int crypto_tls_new(SSL_CTX *context, const char *host, enum crypto_tls_check check, int descriptor, struct crypto_tls **ret_tls);
/* From a client. `asks`: for its certificate, which it need not have and which is not looked into; see crypto_tls_peer_is(). 0 or -EIO. */
int crypto_tls_accept(SSL_CTX *context, bool asks, int descriptor, struct crypto_tls **ret_tls);
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
/* Tells the far end that nothing more comes, as far as the socket takes it. */
void crypto_tls_say_goodbye(struct crypto_tls *tls);

/* After -EIO. For people; borrowed. */
const char *crypto_tls_problem(const struct crypto_tls *tls);
enum crypto_tls_fault crypto_tls_fault(const struct crypto_tls *tls);
/* Whom the refused certificate is for: "pbx.example.com, 192.0.2.1"; "" where it says nothing. Of printable characters. Borrowed. */
const char *crypto_tls_names(const struct crypto_tls *tls);

/* After the handshake: whether the far end has shown a client's certificate that `context` trusts, for `host` by the rules of RFC 5922. */
bool crypto_tls_peer_is(const struct crypto_tls *tls, SSL_CTX *context, const char *host);
