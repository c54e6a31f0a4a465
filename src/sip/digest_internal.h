/* The parts that digest's server and client share. */
#pragma once
#include "crypto/digest.h"
#include "sip/digest.h"
#include "sip/uri.h"

/* The parameters of a challenge or of credentials, unquoted; "" where absent. */
struct sip_digest_fields {
	char username[SIP_DIGEST_NAME_SIZE];
	char realm[256];
	char nonce[256];
	char uri[SIP_URI_BYTES_MAX + 1];
	char response[CRYPTO_DIGEST_HEX_MAX];
	char algorithm[24];
	char cnonce[256];
	char opaque[256];
	char qop[64];
	char nc[9];
	char stale[8];
	char nextnonce[256];
};

/* 0; -EINVAL when it is no Digest, is malformed, or a parameter is repeated or too long. */
int sip_digest_fields_parse(const char *text, struct sip_digest_fields *ret_fields);
/* The same without a scheme before the parameters, as in Authentication-Info. */
int sip_digest_parameters_parse(const char *text, struct sip_digest_fields *ret_fields);
/* The algorithm's name; none means MD5. `ret_is_session`: it is the "-sess" one. 0 or -ENOTSUP. */
int sip_digest_algorithm_of(const struct sip_digest_fields *fields, enum sip_digest_algorithm *ret_algorithm,
			    bool *ret_is_session);
const char *sip_digest_algorithm_name(enum sip_digest_algorithm algorithm);
bool sip_digest_offers(const struct sip_digest_fields *fields, const char *qop); /* it is among the qop values */

/* From HA1 to that of a "-sess" algorithm, in place (RFC 7616, section 3.4.2). */
int sip_digest_ha1_of_session(enum sip_digest_algorithm algorithm, const char *nonce, const char *cnonce,
			      char hex[static CRYPTO_DIGEST_HEX_MAX]);
/* The response by nonce, uri, cnonce, nc and qop (RFC 7616, section 3.4.1; without qop as RFC 2069). `body` is covered where
 * qop is "auth-int", and may be NULL. */
int sip_digest_response(enum sip_digest_algorithm algorithm, const char *ha1_hex, const struct sip_digest_fields *fields,
			const char *method, GBytes *body, char ret_hex[static CRYPTO_DIGEST_HEX_MAX]);
