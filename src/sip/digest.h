/* Digest authentication (RFC 7616 with RFC 8760), both sides. Signalling thread. */
#pragma once
#include "crypto/digest.h"
#include "sip/transaction.h"

enum sip_digest_algorithm { SIP_DIGEST_MD5, SIP_DIGEST_SHA256, SIP_DIGEST_SHA512_256 }; /* the stronger the later */
#define SIP_DIGEST_ALGORITHMS (SIP_DIGEST_SHA512_256 + 1)

/* A name and what proves it: the password, or HA1 in lower-case hex for the algorithms that are to be possible. */
struct sip_credentials {
	const char *realm; /* only this realm is ever answered; NULL: any realm of the peer they are for */
	const char *username;
	const char *password;			/* NULL: */
	const char *ha1[SIP_DIGEST_ALGORITHMS]; /* of this username and realm; NULL: not with this algorithm */
};
/* Whether they can prove anything by this algorithm. */
bool sip_credentials_fit(const struct sip_credentials *credentials, enum sip_digest_algorithm algorithm);
/* HA1 for `realm`, from the password or as it is. 0 or -errno; -ENOENT: neither is there. */
int sip_credentials_ha1(const struct sip_credentials *credentials, enum sip_digest_algorithm algorithm, const char *realm,
			char ret_hex[static CRYPTO_DIGEST_HEX_MAX]);
/* Whether a text is HA1 as it stands in these: hex of the right length, in lower case. */
bool sip_digest_is_ha1(enum sip_digest_algorithm algorithm, const char *text);
bool sip_credentials_equal(const struct sip_credentials *a, const struct sip_credentials *b);

/* The secret of both sides (RFC 7616, section 3.4.2), in lower-case hex. 0 or -errno. */
int sip_digest_ha1(enum sip_digest_algorithm algorithm, const char *username, const char *realm, const char *password,
		   char ret_hex[static CRYPTO_DIGEST_HEX_MAX]);

/* Where credentials and where challenges stand: NULL-terminated. */
extern const char *const sip_credentials_headers[]; /* Authorization, Proxy-Authorization */
extern const char *const sip_challenge_headers[];   /* WWW-Authenticate, Proxy-Authenticate */

/* --- as server --- */
struct sip_digest_server;
/* The credentials of whoever has that name, borrowed until the next call; false: nobody has (the check then takes as long). */
typedef bool sip_digest_find(void *user, const char *name, struct sip_credentials *ret_credentials);
/* `realm` is copied. Nonces hold the time and are bound to the sender's address by a key of this process's life. */
int sip_digest_server_new(const char *realm, sip_digest_find *find, void *user, struct sip_digest_server **ret_server);
/* Challenges name MD5 alone from then on: for telephones, of which many read the first challenge only and know no other. */
void sip_digest_server_keep_to_md5(struct sip_digest_server *server);
/* Another scheme's challenge goes above ours; copied; NULL: none. */
void sip_digest_server_offer_before(struct sip_digest_server *server, const char *challenge);
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
#define SIP_DIGEST_ROUNDS_MAX 4 /* times one request is sent again for a challenge: several realms, nonces gone stale */
#define SIP_DIGEST_REALMS_MAX 8 /* that a client remembers */

/* Who we are to a peer, and by what we shall prove it next time: the nonces of its realms, with their counts. Whoever sends
 * requests as somebody has one; it must be shown only to the peer that the credentials are for. */
struct sip_digest_client;
/* All is copied. */
struct sip_digest_client *sip_digest_client_new(const struct sip_credentials *credentials);
struct sip_digest_client *sip_digest_client_free(struct sip_digest_client *client); /* accepts NULL; returns NULL */
const struct sip_credentials *sip_digest_client_credentials(const struct sip_digest_client *client);

/* A new request to `peer`: what that host has asked for lately is shown at once, each nonce with its next count (RFC 7616, section
 * 3.3), so that most requests are not challenged. Not for a realm without qop. `request` is complete. */
void sip_digest_client_prove(struct sip_digest_client *client, const struct net_address *peer, struct sip_message *request);

/* A request of ours that was answered with 401 or 407, for the `round`th time (0: the first). */
struct sip_digest_challenged {
	const struct net_address *peer;
	const struct sip_message *request, *response;
	unsigned round;
};
/* Adds to `request`, the same again with a new CSeq and complete, the answer to the best challenge of each realm, and shows to the
 * realms behind which it got that far what they want. 0; -ENOENT when no challenge fits realm and algorithms; -EACCES
 * when a right answer was refused (no stale=true), or there were too many rounds: then the credentials are wrong. */
int sip_digest_client_answer(struct sip_digest_client *client, const struct sip_digest_challenged *challenged,
			     struct sip_message *request);
/* A success: its Authentication-Info may name the next nonce. */
void sip_digest_client_learn(struct sip_digest_client *client, const struct net_address *peer,
			     const struct sip_message *request, const struct sip_message *response);
