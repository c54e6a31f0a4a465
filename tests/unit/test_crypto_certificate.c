/* Certificates, fingerprints, and a whole DTLS-SRTP handshake between two contexts over memory. */
#include "crypto/certificate.h"
#include "crypto/dtls.h"
#include <openssl/pem.h>
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
	    cmocka_unit_test(test_old_version),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
