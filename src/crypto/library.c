#include "crypto/library.h"
#include "base/base.h"
#include <openssl/core_dispatch.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <string.h>

/* For each certificate that it reads, OpenSSL 3.0 goes through all algorithms of its library context, of every kind, and tries which of a
 * hundred decoders fit together: six times the cost of decoding, and a third of a DTLS handshake. So there is a context with a provider
 * that stands before the default one, passes on what is asked of it, and knows only what is needed. */
#define NAME	   "tandem-dtls"
#define NEEDED_MAX 8

static const struct {
	int operation;
	const char *names[NEEDED_MAX];
	const char *property; /* all that a decoder must have */
} needed[] = {
	{OSSL_OP_DIGEST, {"SHA1", "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512"}},
	{OSSL_OP_CIPHER, {"AES-128-GCM", "AES-256-GCM", "AES-128-CBC", "ChaCha20-Poly1305"}},
	{OSSL_OP_MAC, {"HMAC"}},
	{OSSL_OP_KDF, {"TLS1-PRF"}},
	{OSSL_OP_RAND, {"CTR-DRBG", "SEED-SRC"}},
	{OSSL_OP_KEYMGMT, {"EC", "X25519", "RSA", "RSA-PSS", "ED25519", "ED448", "HMAC"}},
	{OSSL_OP_KEYEXCH, {"ECDH", "X25519"}},
	{OSSL_OP_SIGNATURE, {"ECDSA", "RSA", "ED25519", "ED448", "HMAC"}},
	{OSSL_OP_DECODER, {"EC", "RSA", "RSA-PSS", "ED25519", "ED448"}, "input=der,structure=SubjectPublicKeyInfo"},
};

static OSSL_PROVIDER *behind;
static OSSL_ALGORITHM chosen[G_N_ELEMENTS(needed)][NEEDED_MAX + 1]; /* the one without a name ends it */

static bool is_needed(const OSSL_ALGORITHM *algorithm, size_t i)
{
	size_t length = strcspn(algorithm->algorithm_names, ":"); /* other names of the same follow */
	if (needed[i].property && !strstr(algorithm->property_definition, needed[i].property))
		return false;
	for (size_t j = 0; j < NEEDED_MAX && needed[i].names[j]; j++)
		if (strlen(needed[i].names[j]) == length && strncmp(algorithm->algorithm_names, needed[i].names[j], length) == 0)
			return true;
	return false;
}

static void choose(size_t i)
{
	int is_volatile;
	size_t n = 0;
	const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(behind, needed[i].operation, &is_volatile);
	for (; all && all->algorithm_names && n < NEEDED_MAX; all++)
		if (is_needed(all, i))
			chosen[i][n++] = *all;
}

static const OSSL_ALGORITHM *query(void *provider, int operation, int *ret_is_volatile)
{
	*ret_is_volatile = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(needed); i++)
		if (needed[i].operation == operation)
			return chosen[i];
	return NULL;
}

static int tell_capabilities(void *provider, const char *capability, OSSL_CALLBACK *callback, void *data)
{
	return OSSL_PROVIDER_get_capabilities(behind, capability, callback, data);
}

static int start(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *offered, const OSSL_DISPATCH **ret_functions,
		 void **ret_provider)
{
	static const OSSL_DISPATCH functions[] = {
		{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
		{OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))tell_capabilities},
		{0, NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(needed); i++)
		choose(i);
	*ret_functions = functions;
	*ret_provider = OSSL_PROVIDER_get0_provider_ctx(behind); /* what its algorithms expect to be called with */
	return 1;
}

static gpointer make_library(gpointer unused)
{
	if (!OSSL_PROVIDER_available(NULL, "default") || EVP_default_properties_is_fips_enabled(NULL))
		return NULL;
	behind = OSSL_PROVIDER_try_load(NULL, "default", 1);
	OSSL_LIB_CTX *library = behind ? OSSL_LIB_CTX_new() : NULL;
	if (library && OSSL_PROVIDER_add_builtin(library, NAME, start) == 1 && OSSL_PROVIDER_load(library, NAME))
		return library;
	OSSL_LIB_CTX_free(library);
	ERR_clear_error();
	return NULL;
}

OSSL_LIB_CTX *crypto_dtls_library(void)
{
	static GOnce once = G_ONCE_INIT;
	return g_once(&once, make_library, NULL);
}
