#include "sip/tls.h"
#include "sip/transport_internal.h"

struct sip_tls {
	unsigned references;
	char *host, *ca_file, *certificate, *key;
	enum crypto_tls_check check;
	bool speaks_sips;
	SSL_CTX *context;
	sip_tls_failed *failed; /* NULL: nobody hears it */
	void *user;
	char *told; /* the failure that was told last; NULL: none since a connection was of use */
};

static int make_context(const struct sip_tls *tls, SSL_CTX **ret_context)
{
	SSL_CTX *context = NULL;
	int error = crypto_tls_context_new(tls->ca_file, &context);
	if (!error && tls->certificate)
		error = crypto_tls_context_show(context, tls->certificate, tls->key);
	if (error < 0)
		SSL_CTX_free(context);
	else
		*ret_context = context;
	return error;
}

int sip_tls_new(const struct sip_tls_settings *settings, sip_tls_failed *failed, void *user, struct sip_tls **ret_tls)
{
	struct sip_tls *tls = g_new0(struct sip_tls, 1);
	tls->references = 1;
	tls->host = g_strdup(settings->host);
	tls->ca_file = g_strdup(settings->ca_file);
	tls->certificate = g_strdup(settings->certificate);
	tls->key = g_strdup(settings->key);
	tls->check = settings->is_unverified ? CRYPTO_TLS_CHECK_NOTHING : CRYPTO_TLS_CHECK_SIP;
	tls->speaks_sips = settings->speaks_sips;
	tls->failed = failed;
	tls->user = user;
	int error = make_context(tls, &tls->context);
	if (error < 0)
		sip_tls_unref(tls);
	else
		*ret_tls = tls;
	return error;
}

struct sip_tls *sip_tls_ref(struct sip_tls *tls)
{
	tls->references++;
	return tls;
}

struct sip_tls *sip_tls_unref(struct sip_tls *tls)
{
	if (!tls || --tls->references)
		return NULL;
	SSL_CTX_free(tls->context);
	g_free(tls->told);
	g_free(tls->host);
	g_free(tls->ca_file);
	g_free(tls->certificate);
	g_free(tls->key);
	g_free(tls);
	return NULL;
}

struct sip_tls *sip_tls_abandon(struct sip_tls *tls)
{
	if (tls)
		tls->failed = NULL;
	return sip_tls_unref(tls);
}

int sip_tls_renew(struct sip_tls *tls)
{
	SSL_CTX *context;
	int error = make_context(tls, &context);
	if (error < 0)
		return error;
	SSL_CTX_free(tls->context);
	tls->context = context;
	return 0;
}

bool sip_tls_is_wanted(const struct sip_tls *tls)
{
	return tls->failed;
}

bool sip_tls_speaks_sips(const struct sip_tls *tls)
{
	return tls->speaks_sips;
}

int sip_tls_connect(struct sip_tls *tls, int descriptor, struct crypto_tls **ret_connection)
{
	return crypto_tls_new(tls->context, tls->host, tls->check, descriptor, ret_connection);
}

bool sip_tls_vouches_for(const struct sip_tls *tls, const struct crypto_tls *connection)
{
	return crypto_tls_peer_is(connection, tls->context, tls->host);
}

void sip_tls_has_failed(struct sip_tls *tls, const struct net_address *remote, const struct crypto_tls *connection,
			const char *problem)
{
	struct sip_tls_failure failure = {
		.remote = remote,
		.host = tls->host,
		.fault = connection ? crypto_tls_fault(connection) : CRYPTO_TLS_FAULT_OTHER,
		.problem = problem,
		.names = connection ? crypto_tls_names(connection) : "",
	};
	if (!g_strcmp0(tls->told, problem))
		return;
	g_free(tls->told);
	tls->told = g_strdup(problem);
	if (tls->failed)
		tls->failed(tls->user, &failure);
}

void sip_tls_is_of_use(struct sip_tls *tls)
{
	BASE_CLEAR(&tls->told, g_free);
}

/* --- listeners --- */

int sip_stack_set_certificate(struct sip_stack *stack, const char *certificate, const char *key)
{
	SSL_CTX *context;
	int error = crypto_tls_server_context_new(certificate, key, &context);
	if (error < 0)
		return error;
	SSL_CTX_free(stack->transports->tls_context);
	stack->transports->tls_context = context;
	return 0;
}

void sip_stack_set_keep_alive(struct sip_stack *stack, int64_t seconds)
{
	stack->transports->keep_alive_ms = seconds * 1000;
}

void sip_stack_ask_for_certificates(struct sip_stack *stack, bool asks)
{
	stack->transports->asks_for_certificates = asks;
}
