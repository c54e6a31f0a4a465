#include "crypto/tls.h"
#include <arpa/inet.h>
#include <openssl/err.h>

struct crypto_tls {
	SSL *connection;
	bool wants_to_write;
	const char *problem;
};

static int trust(SSL_CTX *context, const char *ca_file)
{
	if (ca_file)
		return SSL_CTX_load_verify_file(context, ca_file) == 1 ? 0 : -EBADMSG;
	return SSL_CTX_set_default_verify_paths(context) == 1 ? 0 : -EIO;
}

int crypto_tls_context_new(const char *ca_file, SSL_CTX **ret_context)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	int error = context && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 ? trust(context, ca_file) : -EIO;

	ERR_clear_error();
	if (error < 0) {
		SSL_CTX_free(context);
		return error;
	}
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
	*ret_context = context;
	return 0;
}

static bool is_address(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* An address has no place in SNI (RFC 6066, section 3). */
static bool expect_host(SSL *connection, const char *host)
{
	if (is_address(host))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), host) == 1;
	return SSL_set1_host(connection, host) == 1 && SSL_set_tlsext_host_name(connection, host) == 1;
}

int crypto_tls_new(SSL_CTX *context, const char *host, int descriptor, struct crypto_tls **ret_tls)
{
	SSL *connection = SSL_new(context);

	if (!connection || !expect_host(connection, host) || SSL_set_fd(connection, descriptor) != 1) {
		SSL_free(connection);
		ERR_clear_error();
		return -EIO;
	}
	SSL_set_connect_state(connection);
	*ret_tls = g_new0(struct crypto_tls, 1);
	(*ret_tls)->connection = connection;
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

static const char *reason_of(const SSL *connection)
{
	long verdict = SSL_get_verify_result(connection);
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	if (verdict != X509_V_OK)
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
	tls->problem = reason_of(tls->connection);
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

const char *crypto_tls_problem(const struct crypto_tls *tls)
{
	return tls->problem;
}
