#include "crypto/tls.h"
#include <openssl/err.h>

static int trust(SSL_CTX *context, const char *ca_file)
{
	if (ca_file)
		return SSL_CTX_load_verify_file(context, ca_file) == 1 ? 0 : -EBADMSG;
	return SSL_CTX_set_default_verify_paths(context) == 1 ? 0 : -EIO;
}

/* `error`: of what was done to it. */
static int finish(SSL_CTX *context, int error, SSL_CTX **ret_context)
{
	ERR_clear_error();
	if (error < 0) {
		SSL_CTX_free(context);
		return error;
	}
	SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	*ret_context = context;
	return 0;
}

static SSL_CTX *context_of(const SSL_METHOD *method)
{
	SSL_CTX *context = SSL_CTX_new(method);

	if (context && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1)
		return context;
	SSL_CTX_free(context);
	return NULL;
}

int crypto_tls_context_new(const char *ca_file, SSL_CTX **ret_context)
{
	SSL_CTX *context = context_of(TLS_client_method());

	return finish(context, context ? trust(context, ca_file) : -EIO, ret_context);
}

/* No session is taken up again: each connection shows who it is. */
int crypto_tls_server_context_new(const char *certificate, const char *key, SSL_CTX **ret_context)
{
	SSL_CTX *context = context_of(TLS_server_method());

	if (context) {
		SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
		SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
		SSL_CTX_set_num_tickets(context, 0);
	}
	return finish(context, context ? crypto_tls_context_show(context, certificate, key) : -EIO, ret_context);
}

/* No prompt on the terminal for an encrypted key */
static int refuse_passphrase(char *buffer, int size, int writing, void *user)
{
	return -1;
}

int crypto_tls_context_show(SSL_CTX *context, const char *certificate, const char *key)
{
	int error = 0;

	SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
		error = -EBADMSG;
	else if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		error = ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH ? -EKEYREJECTED : -ENOKEY;
	else if (SSL_CTX_check_private_key(context) != 1)
		error = -EKEYREJECTED;
	ERR_clear_error();
	return error;
}
