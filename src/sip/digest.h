/* Digest authentication (RFC 7616 with RFC 8760), both sides. Signalling thread. */
#pragma once
#include "crypto/digest.h"
#include "sip/transaction.h"

enum sip_digest_algorithm { SIP_DIGEST_MD5, SIP_DIGEST_SHA256, SIP_DIGEST_SHA512_256 };

/* The secret of both sides (RFC 7616, section 3.4.2), in lower-case hex. 0 or -errno. */
int sip_digest_ha1(enum sip_digest_algorithm algorithm, const char *username, const char *realm, const char *password,
		   char ret_hex[static CRYPTO_DIGEST_HEX_MAX]);

/* Where credentials and where challenges stand: NULL-terminated. */
extern const char *const sip_credentials_headers[]; /* Authorization, Proxy-Authorization */
extern const char *const sip_challenge_headers[];   /* WWW-Authenticate, Proxy-Authenticate */

/* --- as server --- */
struct sip_digest_server;
/* The password of whoever has that name; borrowed until the next call; NULL: nobody has (the check then takes as long). */
typedef const char *sip_digest_password(void *user, const char *name);
/* `realm` is copied. Nonces hold the time and are bound to the sender's address by a key of this process's life. */
int sip_digest_server_new(const char *realm, sip_digest_password *password, void *user,
			  struct sip_digest_server **ret_server);
/* Challenges name MD5 alone from then on: for telephones, of which many read the first challenge only and know no other. */
void sip_digest_server_keep_to_md5(struct sip_digest_server *server);
struct sip_digest_server *sip_digest_server_free(struct sip_digest_server *server);

#define SIP_DIGEST_NAME_SIZE 256
/* The sender of a request that has just come proves himself, or is asked to with `challenge` (401 or 407). Who `is_known` (his
 * connection has proved it) need not; what he shows must be right all the same. 0 with the proved name ("" where none was shown),
 * -EAGAIN: it was answered with the challenge; -EACCES: wrong credentials, not answered yet. */
int sip_digest_server_prove(struct sip_digest_server *server, struct sip_server_transaction *transaction,
			    unsigned challenge, bool is_known, char ret_name[static SIP_DIGEST_NAME_SIZE]);

/* The parts of that. */
enum sip_digest_verdict {
	SIP_DIGEST_OK,
	SIP_DIGEST_ABSENT, /* no credentials for our realm: challenge */
	SIP_DIGEST_STALE,  /* right secret, old nonce (or nc seen): challenge with stale=true */
	SIP_DIGEST_WRONG,  /* unknown user, wrong secret, malformed */
};
/* Checks Authorization or Proxy-Authorization, whichever is there for our realm. nc must rise.
 * `ret_name` is the proved user name, written on OK. */
enum sip_digest_verdict sip_digest_server_check(struct sip_digest_server *server, const struct sip_message *request,
						const struct net_address *sender,
						char ret_name[static SIP_DIGEST_NAME_SIZE]);
/* Adds WWW-Authenticate (401) or Proxy-Authenticate (407) headers with qop="auth": SHA-256, then MD5, as RFC 8760
 * wants it; what runs in browsers keeps the last challenge only, and knows MD5 only. */
int sip_digest_server_challenge(struct sip_digest_server *server, struct sip_message *response,
				const struct net_address *sender, bool stale);

/* --- as client --- */
struct sip_credentials {
	const char *realm; /* only this realm is ever answered; NULL: any realm of the peer the request was sent to */
	const char *username;
	const char *password;
};
/* Adds the answer to the best challenge of a 401/407 to `request` (a new one with a new CSeq). 0, -ENOENT when no
 * challenge fits realm and algorithms, -EACCES when `request` already holds an answer for the realm
 * and the challenge does not say that it was stale. Whoever builds the request anew counts the rounds. */
int sip_digest_answer(const struct sip_credentials *credentials, const struct sip_message *challenge,
		      struct sip_message *request);
