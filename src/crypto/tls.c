#include "crypto/tls_internal.h"
#include <openssl/err.h>
#include <string.h>

static struct crypto_tls *wrap(SSL *connection, enum crypto_tls_check check)
{
	struct crypto_tls *tls = g_new0(struct crypto_tls, 1);

	tls->connection = connection;
	tls->check = check;
	SSL_set_app_data(connection, tls);
	return tls;
}

static int give_up(SSL *connection)
{
	SSL_free(connection);
	ERR_clear_error();
	return -EIO;
}

/* An address has no place in SNI (RFC 6066, section 3), nor has what stands for many names. */
static bool says_host(SSL *connection, const char *host)
{
	return crypto_tls_is_address(host) || strchr(host, '*') || SSL_set_tlsext_host_name(connection, host) == 1;
}

/* Called when the server wants a certificate. */
static int on_asked(SSL *connection, void *data)
{
	struct crypto_tls *tls = SSL_get_app_data(connection);

	tls->is_asked = true;
	return 1;
}

int crypto_tls_new(SSL_CTX *context, const char *host, enum crypto_tls_check check, int descriptor, struct crypto_tls **ret_tls)
{
	SSL *connection = SSL_new(context);

	if (!connection || !crypto_tls_expect_host(SSL_get0_param(connection), host, check) || !says_host(connection, host) ||
	    SSL_set_fd(connection, descriptor) != 1)
		return give_up(connection);
	SSL_set_verify(connection, check == CRYPTO_TLS_CHECK_NOTHING ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, crypto_tls_verify);
	SSL_set_cert_cb(connection, on_asked, NULL);
	SSL_set_connect_state(connection);
	*ret_tls = wrap(connection, check);
	return 0;
}

static int take_any(int is_right, X509_STORE_CTX *store)
{
	return 1;
}

int crypto_tls_accept(SSL_CTX *context, bool asks, int descriptor, struct crypto_tls **ret_tls)
{
	SSL *connection = SSL_new(context);

	if (!connection || SSL_set_fd(connection, descriptor) != 1)
		return give_up(connection);
	SSL_set_verify(connection, asks ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, take_any);
	SSL_set_accept_state(connection);
	*ret_tls = wrap(connection, CRYPTO_TLS_CHECK_NOTHING);
	return 0;
}

struct crypto_tls *crypto_tls_free(struct crypto_tls *tls)
{
	if (!tls)
		return NULL;
	SSL_free(tls->connection);
	g_free(tls);
	return NULL;
}

static const char *reason_of(const struct crypto_tls *tls)
{
	long verdict = SSL_get_verify_result(tls->connection);
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	if (verdict != X509_V_OK && tls->check != CRYPTO_TLS_CHECK_NOTHING)
		return X509_verify_cert_error_string(verdict);
	return reason ? reason : "the connection was closed";
}

/* Of a call that did not succeed. OpenSSL looks into the thread's queue of errors, which was empty before the call. */
static int result_of(struct crypto_tls *tls, int result)
{
	int kind = SSL_get_error(tls->connection, result);

	tls->wants_to_write = kind == SSL_ERROR_WANT_WRITE;
	if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	tls->problem = reason_of(tls);
	tls->fault = crypto_tls_fault_of(tls);
	ERR_clear_error();
	return -EIO;
}

int crypto_tls_shake_hands(struct crypto_tls *tls)
{
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(tls->connection);
	return result == 1 ? 0 : result_of(tls, result);
}

ssize_t crypto_tls_read(struct crypto_tls *tls, uint8_t *bytes, size_t size)
{
	int n;

	ERR_clear_error();
	n = SSL_read(tls->connection, bytes, (int)MIN(size, INT_MAX));
	return n > 0 ? n : result_of(tls, n);
}

bool crypto_tls_has_more(const struct crypto_tls *tls)
{
	return SSL_pending(tls->connection) > 0;
}

ssize_t crypto_tls_write(struct crypto_tls *tls, const uint8_t *bytes, size_t length)
{
	int n;

	ERR_clear_error();
	n = SSL_write(tls->connection, bytes, (int)MIN(length, INT_MAX));
	return n > 0 ? n : result_of(tls, n);
}

bool crypto_tls_wants_to_write(const struct crypto_tls *tls)
{
	return tls->wants_to_write;
}

void crypto_tls_say_goodbye(struct crypto_tls *tls)
{
	if (tls->problem)
		return;
	ERR_clear_error();
	SSL_shutdown(tls->connection);
	ERR_clear_error();
}

const char *crypto_tls_problem(const struct crypto_tls *tls)
{
	return tls->problem;
}

enum crypto_tls_fault crypto_tls_fault(const struct crypto_tls *tls)
{
	return tls->fault;
}

const char *crypto_tls_names(const struct crypto_tls *tls)
{
	return tls->names;
}
