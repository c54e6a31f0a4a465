/* Whose certificate it is, and what is wrong with it. */
#include "crypto/tls_internal.h"
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

bool crypto_tls_is_address(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

bool crypto_tls_expect_host(X509_VERIFY_PARAM *parameters, const char *host, enum crypto_tls_check check)
{
	if (check == CRYPTO_TLS_CHECK_NOTHING)
		return true;
	if (check == CRYPTO_TLS_CHECK_SIP) /* RFC 5922, section 7.2 */
		X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_WILDCARDS);
	if (crypto_tls_is_address(host))
		return X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1;
	return X509_VERIFY_PARAM_set1_host(parameters, host, 0) == 1;
}

/* --- names --- */

/* RFC 5922, section 7.1: "sip:example.com" is a domain, "sip:alice@example.com" is a person. */
static bool is_sip_domain(const ASN1_IA5STRING *uri, const char *host)
{
	g_autofree char *text = g_strndup((const char *)ASN1_STRING_get0_data(uri), (gsize)ASN1_STRING_length(uri));

	return strlen(text) == (size_t)ASN1_STRING_length(uri) && !g_ascii_strncasecmp(text, "sip:", 4) &&
	       !g_ascii_strcasecmp(text + 4, host);
}

static bool names_domain(const X509 *certificate, const char *host)
{
	GENERAL_NAMES *names = certificate ? X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL) : NULL;
	bool is_found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !is_found; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		is_found = name->type == GEN_URI && is_sip_domain(name->d.uniformResourceIdentifier, host);
	}
	GENERAL_NAMES_free(names);
	return is_found;
}

/* What a stranger has written is not for a terminal. */
static void append_text(GString *text, const void *bytes, int length)
{
	for (int i = 0; i < length; i++)
		g_string_append_c(text, g_ascii_isgraph(((const char *)bytes)[i]) ? ((const char *)bytes)[i] : '?');
}

static void append_address(GString *text, const ASN1_OCTET_STRING *address)
{
	char host[INET6_ADDRSTRLEN];
	int length = ASN1_STRING_length(address);

	if ((length == 4 || length == 16) &&
	    inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), host, sizeof host))
		g_string_append(text, host);
	else
		g_string_append_c(text, '?');
}

static void append_name(GString *text, const GENERAL_NAME *name)
{
	const ASN1_IA5STRING *plain = name->type == GEN_DNS   ? name->d.dNSName
				      : name->type == GEN_URI ? name->d.uniformResourceIdentifier
							      : NULL;

	if (!plain && name->type != GEN_IPADD)
		return;
	if (text->len)
		g_string_append(text, ", ");
	if (plain)
		append_text(text, ASN1_STRING_get0_data(plain), ASN1_STRING_length(plain));
	else
		append_address(text, name->d.iPAddress);
}

static void append_common_name(GString *text, const X509 *certificate)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	if (place >= 0) {
		const ASN1_STRING *name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place));

		append_text(text, ASN1_STRING_get0_data(name), ASN1_STRING_length(name));
	}
}

/* Whom it is for: the alternative names, without any the common name (RFC 5922, section 7.1). */
static void write_names(const X509 *certificate, char names[static CRYPTO_TLS_NAMES_MAX])
{
	GENERAL_NAMES *list = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	GString *text = g_string_new(NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(list) && text->len < CRYPTO_TLS_NAMES_MAX; i++)
		append_name(text, sk_GENERAL_NAME_value(list, i));
	if (!text->len)
		append_common_name(text, certificate);
	base_copy_text(names, CRYPTO_TLS_NAMES_MAX, text->str);
	g_string_free(text, TRUE);
	GENERAL_NAMES_free(list);
}

/* --- verdicts --- */

static bool is_named_by_uri(X509_STORE_CTX *store)
{
	const char *host = X509_VERIFY_PARAM_get0_host(X509_STORE_CTX_get0_param(store), 0);

	return X509_STORE_CTX_get_error(store) == X509_V_ERR_HOSTNAME_MISMATCH && host &&
	       names_domain(X509_STORE_CTX_get0_cert(store), host);
}

int crypto_tls_verify(int is_right, X509_STORE_CTX *store)
{
	SSL *connection = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct crypto_tls *tls = SSL_get_app_data(connection);

	if (is_right)
		return 1;
	if (tls->check == CRYPTO_TLS_CHECK_SIP && is_named_by_uri(store)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	write_names(X509_STORE_CTX_get0_cert(store), tls->names);
	return 0;
}

static int verify_alone(int is_right, X509_STORE_CTX *store)
{
	if (is_right || !is_named_by_uri(store))
		return is_right;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* Whoever is a SIP domain shows the one certificate it has, which CAs of today make for servers alone: so its purpose is not asked for. */
bool crypto_tls_peer_is(const struct crypto_tls *tls, SSL_CTX *context, const char *host)
{
	X509 *certificate = SSL_get1_peer_certificate(tls->connection);
	X509_STORE_CTX *store = certificate ? X509_STORE_CTX_new() : NULL;
	bool is_trusted = false;

	if (store && X509_STORE_CTX_init(store, SSL_CTX_get_cert_store(context), certificate,
					 SSL_get_peer_cert_chain(tls->connection)) == 1) {
		X509_STORE_CTX_set_verify_cb(store, verify_alone);
		is_trusted = crypto_tls_expect_host(X509_STORE_CTX_get0_param(store), host, CRYPTO_TLS_CHECK_SIP) &&
			     X509_verify_cert(store) == 1;
	}
	X509_STORE_CTX_free(store);
	X509_free(certificate);
	ERR_clear_error();
	return is_trusted;
}

static enum crypto_tls_fault fault_of_verdict(long verdict)
{
	switch (verdict) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return CRYPTO_TLS_FAULT_NAME;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return CRYPTO_TLS_FAULT_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return CRYPTO_TLS_FAULT_NOT_YET_VALID;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return CRYPTO_TLS_FAULT_SELF_SIGNED;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return CRYPTO_TLS_FAULT_UNKNOWN_CA;
	default:
		return CRYPTO_TLS_FAULT_UNSUITABLE;
	}
}

enum crypto_tls_fault crypto_tls_fault_of(const struct crypto_tls *tls)
{
	long verdict = SSL_get_verify_result(tls->connection);

	if (verdict != X509_V_OK && tls->check != CRYPTO_TLS_CHECK_NOTHING)
		return fault_of_verdict(verdict);
	return tls->is_asked ? CRYPTO_TLS_FAULT_OURS : CRYPTO_TLS_FAULT_OTHER;
}
