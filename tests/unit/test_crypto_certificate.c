/* Certificates, fingerprints, and a whole DTLS-SRTP handshake between two contexts over memory. */
#include "crypto/certificate.h"
#include "crypto/dtls.h"
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/srtp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void test_generate(void **state)
{
	struct crypto_certificate *a = NULL, *b = NULL;
	assert_int_equal(crypto_certificate_generate(&a), 0);
	assert_int_equal(crypto_certificate_generate(&b), 0);
	assert_string_not_equal(crypto_certificate_fingerprint(a), crypto_certificate_fingerprint(b));

	const char *digits = crypto_certificate_fingerprint(a);
	assert_int_equal(strlen(digits), 32 * 3 - 1);
	assert_int_equal(strspn(digits, "0123456789ABCDEF:"), strlen(digits));

	X509 *x509 = crypto_certificate_x509(a);
	assert_int_equal(EVP_PKEY_get_base_id(crypto_certificate_key(a)), EVP_PKEY_EC);
	assert_int_equal(EVP_PKEY_get_bits(crypto_certificate_key(a)), 256);
	assert_int_equal(X509_verify(x509, crypto_certificate_key(a)), 1);
	assert_true(X509_cmp_current_time(X509_get0_notBefore(x509)) < 0);
	assert_true(X509_cmp_current_time(X509_get0_notAfter(x509)) > 0);

	g_autofree char *lower = g_ascii_strdown(digits, -1);
	assert_true(crypto_fingerprint_matches(x509, "SHA-256", lower));
	assert_false(crypto_fingerprint_matches(crypto_certificate_x509(b), "sha-256", digits));
	assert_false(crypto_fingerprint_matches(x509, "sha-1", digits));
	assert_false(crypto_fingerprint_matches(x509, "md5", digits));
	assert_false(crypto_fingerprint_matches(x509, "sha-256", ""));
	lower[strlen(lower) - 1] = '\0';
	assert_false(crypto_fingerprint_matches(x509, "sha-256", lower));
	assert_false(crypto_fingerprint_matches(NULL, "sha-256", digits));
	crypto_certificate_free(a);
	crypto_certificate_free(b);
	assert_null(crypto_certificate_free(NULL));
}

static void write_pem(const char *path, X509 *x509, EVP_PKEY *key)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	if (x509)
		assert_int_equal(PEM_write_X509(file, x509), 1);
	if (key)
		assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(file);
}

static void test_load(void **state)
{
	g_autofree char *folder = g_dir_make_tmp("tandem-certificate-XXXXXX", NULL);
	g_autofree char *certificate_path = g_build_filename(folder, "certificate.pem", NULL);
	g_autofree char *key_path = g_build_filename(folder, "key.pem", NULL);
	struct crypto_certificate *made = NULL, *other = NULL, *loaded = NULL;
	assert_int_equal(crypto_certificate_generate(&made), 0);
	assert_int_equal(crypto_certificate_generate(&other), 0);
	write_pem(certificate_path, crypto_certificate_x509(made), NULL);
	assert_int_equal(crypto_certificate_load(certificate_path, key_path, &loaded), -ENOENT);
	write_pem(key_path, NULL, crypto_certificate_key(other));
	assert_int_equal(crypto_certificate_load(certificate_path, key_path, &loaded), -EKEYREJECTED);
	assert_int_equal(crypto_certificate_load(key_path, key_path, &loaded), -EBADMSG);
	assert_null(loaded);
	write_pem(key_path, NULL, crypto_certificate_key(made));
	assert_int_equal(crypto_certificate_load(certificate_path, key_path, &loaded), 0);
	assert_string_equal(crypto_certificate_fingerprint(loaded), crypto_certificate_fingerprint(made));
	crypto_certificate_free(loaded);
	crypto_certificate_free(made);
	crypto_certificate_free(other);
	unlink(certificate_path);
	unlink(key_path);
	rmdir(folder);
}

/* A client and a server that exchange datagrams by socketpair. */
struct pair {
	struct crypto_certificate *certificates[2];
	SSL_CTX *contexts[2];
	SSL *connections[2];
	int descriptors[2];
};

static void pair_open(struct pair *pair)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair->descriptors), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(crypto_certificate_generate(&pair->certificates[i]), 0);
		assert_int_equal(crypto_dtls_context_new(pair->certificates[i], &pair->contexts[i]), 0);
		SSL *connection = pair->connections[i] = SSL_new(pair->contexts[i]);
		/* a plain socket BIO: with the datagram BIO OpenSSL would want an IP socket */
		BIO *end = BIO_new_socket(pair->descriptors[i], BIO_NOCLOSE);
		SSL_set_bio(connection, end, end);
		SSL_set_mtu(connection, CRYPTO_DTLS_MTU_BYTES);
	}
	SSL_set_connect_state(pair->connections[0]);
	SSL_set_accept_state(pair->connections[1]);
}

static bool pair_shake_hands(struct pair *pair)
{
	for (int round = 0; round < 20; round++) {
		int r0 = SSL_do_handshake(pair->connections[0]), r1 = SSL_do_handshake(pair->connections[1]);
		if (r0 == 1 && r1 == 1)
			return true;
	}
	return false;
}

static void pair_close(struct pair *pair)
{
	for (int i = 0; i < 2; i++) {
		SSL_free(pair->connections[i]);
		SSL_CTX_free(pair->contexts[i]);
		crypto_certificate_free(pair->certificates[i]);
		close(pair->descriptors[i]);
	}
}

static void assert_handshake(const char *client_profiles, const char *expected)
{
	static const char label[] = "EXTRACTOR-dtls_srtp";
	struct pair pair = {0};
	uint8_t keys[2][60];
	pair_open(&pair);
	if (client_profiles)
		assert_int_equal(SSL_set_tlsext_use_srtp(pair.connections[0], client_profiles), 0);
	assert_true(pair_shake_hands(&pair));
	for (int i = 0; i < 2; i++) {
		SSL *connection = pair.connections[i];
		assert_int_equal(SSL_version(connection), DTLS1_2_VERSION);
		assert_string_equal(SSL_get_selected_srtp_profile(connection)->name, expected);
		assert_true(
		    crypto_fingerprint_matches(SSL_get0_peer_certificate(connection), "sha-256",
					       crypto_certificate_fingerprint(pair.certificates[1 - i])));
		assert_int_equal(
		    SSL_export_keying_material(connection, keys[i], sizeof keys[i], label, strlen(label), NULL, 0, 0),
		    1);
	}
	assert_memory_equal(keys[0], keys[1], sizeof keys[0]);
	pair_close(&pair);
}

static void test_handshake(void **state)
{
	assert_handshake(NULL, "SRTP_AEAD_AES_128_GCM");
	/* the server's order counts */
	assert_handshake("SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80", "SRTP_AES128_CM_SHA1_80");
	assert_handshake("SRTP_AEAD_AES_256_GCM", "SRTP_AEAD_AES_256_GCM");
}

/* A peer that has OpenSSL whole and shows this key's certificate. */
static SSL_CTX *foreign_context(EVP_PKEY *key, const EVP_MD *digest)
{
	SSL_CTX *context = SSL_CTX_new(DTLS_method());
	X509 *x509 = X509_new();
	assert_non_null(context);
	assert_non_null(key);
	assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), 3600));
	assert_int_equal(X509_set_pubkey(x509, key), 1);
	assert_true(X509_sign(x509, key, digest) > 0);
	assert_int_equal(SSL_CTX_use_certificate(context, x509), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
	assert_int_equal(SSL_CTX_set_tlsext_use_srtp(context, CRYPTO_DTLS_SRTP_PROFILES), 0);
	SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
	SSL_CTX_set_read_ahead(context, 1);
	X509_free(x509);
	EVP_PKEY_free(key);
	return context;
}

/* `ours` is our end's role: 0 client, 1 server. */
static void assert_foreign_handshake(EVP_PKEY *key, const EVP_MD *digest, int ours, const char *suite, const char *group)
{
	struct pair pair = {0};
	pair_open(&pair);
	int theirs = 1 - ours;
	SSL_free(pair.connections[theirs]);
	SSL_CTX_free(pair.contexts[theirs]);
	pair.contexts[theirs] = foreign_context(key, digest);
	SSL *peer = pair.connections[theirs] = SSL_new(pair.contexts[theirs]);
	BIO *end = BIO_new_socket(pair.descriptors[theirs], BIO_NOCLOSE);
	SSL_set_bio(peer, end, end);
	SSL_set_mtu(peer, CRYPTO_DTLS_MTU_BYTES);
	if (suite)
		assert_int_equal(SSL_set_cipher_list(peer, suite), 1);
	if (group)
		assert_int_equal(SSL_set1_groups_list(peer, group), 1);
	if (theirs)
		SSL_set_accept_state(peer);
	else
		SSL_set_connect_state(peer);
	assert_true(pair_shake_hands(&pair));
	X509 *shown = SSL_get0_peer_certificate(pair.connections[ours]);
	assert_int_equal(X509_cmp(shown, SSL_get_certificate(peer)), 0);
	for (size_t i = 0; i < 5; i++) {
		static const char *const names[] = {"sha-1", "sha-224", "sha-256", "sha-384", "sha-512"};
		const EVP_MD *mds[] = {EVP_sha1(), EVP_sha224(), EVP_sha256(), EVP_sha384(), EVP_sha512()};
		uint8_t sum[EVP_MAX_MD_SIZE];
		unsigned length;
		assert_int_equal(X509_digest(SSL_get_certificate(peer), mds[i], sum, &length), 1);
		g_autoptr(GString) digits = g_string_new(NULL);
		for (unsigned j = 0; j < length; j++)
			g_string_append_printf(digits, "%s%02x", j ? ":" : "", sum[j]);
		assert_true(crypto_fingerprint_matches(shown, names[i], digits->str));
	}
	if (suite)
		assert_string_equal(SSL_get_cipher_name(pair.connections[ours]), suite);
	pair_close(&pair);
}

static void test_peers_with_keys_of_every_kind(void **state)
{
	assert_foreign_handshake(EVP_EC_gen("P-256"), EVP_sha256(), 1, NULL, NULL);
	assert_foreign_handshake(EVP_EC_gen("P-384"), EVP_sha384(), 1, NULL, NULL);
	assert_foreign_handshake(EVP_RSA_gen(2048), EVP_sha256(), 1, NULL, NULL);
	assert_foreign_handshake(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, 1, NULL, NULL);
	assert_foreign_handshake(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), NULL, 1, NULL, NULL);
	/* as our server, which signs its key exchange */
	assert_foreign_handshake(EVP_EC_gen("P-256"), EVP_sha256(), 0, NULL, NULL);
	assert_foreign_handshake(EVP_RSA_gen(2048), EVP_sha256(), 0, "ECDHE-RSA-AES128-GCM-SHA256", NULL);
}

static void test_every_suite_and_group(void **state)
{
	static const char *const suites[] = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
					     "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA"};
	static const char *const groups[] = {"X25519:P-256", "P-256", "P-384:P-256"}; /* P-256 for the certificate */
	for (size_t i = 0; i < G_N_ELEMENTS(suites); i++)
		assert_foreign_handshake(EVP_EC_gen("P-256"), EVP_sha256(), 1, suites[i], NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(groups); i++)
		assert_foreign_handshake(EVP_EC_gen("P-256"), EVP_sha256(), 1, NULL, groups[i]);
}

static void test_client_without_certificate(void **state)
{
	struct pair pair = {0};
	pair_open(&pair);
	SSL_certs_clear(pair.connections[0]);
	assert_false(pair_shake_hands(&pair));
	pair_close(&pair);
}

static void test_old_version(void **state)
{
	struct pair pair = {0};
	pair_open(&pair);
	assert_int_equal(SSL_set_min_proto_version(pair.connections[0], DTLS1_VERSION), 1);
	assert_int_equal(SSL_set_max_proto_version(pair.connections[0], DTLS1_VERSION), 1);
	assert_false(pair_shake_hands(&pair));
	pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_generate),	cmocka_unit_test(test_load),
	    cmocka_unit_test(test_handshake),	cmocka_unit_test(test_client_without_certificate),
	    cmocka_unit_test(test_old_version),	cmocka_unit_test(test_peers_with_keys_of_every_kind),
	    cmocka_unit_test(test_every_suite_and_group),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
