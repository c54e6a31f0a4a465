#include "crypto/dtls.h"
#include "crypto/library.h"
#include <openssl/err.h>

/* Forward secrecy and authenticated encryption first; the CBC suite is what RFC 8827, section 6.5, has every browser
 * know. */
#define CIPHERS                                                                                                        \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"                     \
	"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"                       \
	"ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
#define GROUPS "X25519:P-256:P-384"

/* RFC 5763, section 5: the fingerprint in the SDP decides, not a chain; none is built. */
static int accept_any(X509_STORE_CTX *store, void *data)
{
	return 1;
}

static bool set_up(SSL_CTX *context, const struct crypto_certificate *certificate)
{
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU |
					 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(context, 1); /* a datagram is read whole or lost */
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(context, accept_any, NULL);
	return SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(context, CIPHERS) == 1 && SSL_CTX_set1_groups_list(context, GROUPS) == 1 &&
	       SSL_CTX_use_certificate(context, crypto_certificate_x509(certificate)) == 1 &&
	       SSL_CTX_use_PrivateKey(context, crypto_certificate_key(certificate)) == 1 &&
	       SSL_CTX_set_tlsext_use_srtp(context, CRYPTO_DTLS_SRTP_PROFILES) == 0; /* 0 is success here */
}

int crypto_dtls_context_new(const struct crypto_certificate *certificate, SSL_CTX **ret_context)
{
	SSL_CTX *context = SSL_CTX_new_ex(crypto_dtls_library(), NULL, DTLS_method());
	if (!context || !set_up(context, certificate)) {
		SSL_CTX_free(context);
		ERR_clear_error();
		return -EIO;
	}
	*ret_context = context;
	return 0;
}
