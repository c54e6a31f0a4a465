/* The library context of OpenSSL that DTLS associations are made in. */
#pragma once
#include <openssl/types.h>

/* For SSL_CTX_new_ex(): OpenSSL's default provider, reduced to the algorithms of DTLS 1.2 with ECDHE and to what the certificates of its
 * peers may hold. NULL, which is OpenSSL's own context, where it is not the default provider that serves (a FIPS machine). For all threads;
 * lives as long as the process. Keys of other contexts may be used with it; no key file can be read with it. */
OSSL_LIB_CTX *crypto_dtls_library(void);
