/* What the files of TLS share. */
#pragma once
#include "crypto/tls.h"

struct crypto_tls {
	SSL *connection;
	enum crypto_tls_check check;
	bool wants_to_write;
	bool is_asked; /* for a certificate of ours */
	const char *problem;
	enum crypto_tls_fault fault;
	char names[CRYPTO_TLS_NAMES_MAX];
};

/* --- tls_verify.c --- */
/* Sets what the certificate of `parameters` must be for. */
bool crypto_tls_expect_host(X509_VERIFY_PARAM *parameters, const char *host, enum crypto_tls_check check);
bool crypto_tls_is_address(const char *host);
/* OpenSSL's callback for connections whose SSL_get_app_data() is their struct crypto_tls. */
int crypto_tls_verify(int is_right, X509_STORE_CTX *store);
/* Of the last call, whose error OpenSSL still holds. */
enum crypto_tls_fault crypto_tls_fault_of(const struct crypto_tls *tls);
