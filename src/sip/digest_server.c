/* A nonce is the time it was made, some random bits and a MAC over both and the address it was given to, so that only
 * nonces in use take memory: the nc seen last. When there are too many of those, all are forgotten and with them every
 * nonce made until then is stale: a client pays with one more round, nobody can replay. */
#include "crypto/encoding.h"
#include "crypto/random.h"
#include "sip/digest_internal.h"
#include <string.h>

#define NONCE_LIFE_US (INT64_C(300) * 1000000)
#define NONCES_IN_USE_MAX 16384
#define MAC_BYTES 16
#define KEY_BYTES 32

struct nonce {
	int64_t made_us;
	uint8_t random[8];
	uint8_t mac[MAC_BYTES];
};
_Static_assert(sizeof(struct nonce) == 16 + MAC_BYTES, "a nonce has no holes");

struct sip_digest_server {
	char *realm;
	sip_digest_find *find;
	void *user;
	char *before;	      /* another scheme's challenge; NULL */
	size_t first_offered; /* of the algorithms that challenges name */
	uint8_t key[KEY_BYTES];
	int64_t valid_from_us;
	GHashTable *counts; /* nonce -> nc seen last */
};

/* The better one first (RFC 8760 2.4). JsSIP and SIP.js keep only the last challenge and know only MD5. */
static const enum sip_digest_algorithm offered[] = {SIP_DIGEST_SHA256, SIP_DIGEST_MD5};

void sip_digest_server_keep_to_md5(struct sip_digest_server *server)
{
	server->first_offered = G_N_ELEMENTS(offered) - 1;
}

void sip_digest_server_offer_before(struct sip_digest_server *server, const char *challenge)
{
	g_free(server->before);
	server->before = g_strdup(challenge);
}

int sip_digest_server_new(const char *realm, sip_digest_find *find, void *user, struct sip_digest_server **ret_server)
{
	if (!*realm || strpbrk(realm, "\"\\\r\n") || strlen(realm) >= sizeof((struct sip_digest_fields *)0)->realm)
		return -EINVAL;
	struct sip_digest_server *server = g_new0(struct sip_digest_server, 1);
	server->realm = g_strdup(realm);
	server->find = find;
	server->user = user;
	server->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	crypto_random(server->key, sizeof server->key);
	*ret_server = server;
	return 0;
}

struct sip_digest_server *sip_digest_server_free(struct sip_digest_server *server)
{
	if (!server)
		return NULL;
	crypto_wipe(server->key, sizeof server->key);
	g_hash_table_destroy(server->counts);
	g_free(server->before);
	g_free(server->realm);
	g_free(server);
	return NULL;
}

/* The sender's host, not its port: a browser's next connection has another. */
static int nonce_mac(const struct sip_digest_server *server, const struct nonce *nonce, const struct net_address *sender,
		     uint8_t mac[static CRYPTO_DIGEST_BYTES_MAX])
{
	char text[offsetof(struct nonce, mac) + NET_ADDRESS_TEXT_MAX] = {0};
	memcpy(text, nonce, offsetof(struct nonce, mac));
	net_address_format_host(sender, text + offsetof(struct nonce, mac));
	return crypto_hmac(CRYPTO_SHA256, server->key, sizeof server->key, text, sizeof text, mac);
}

static bool is_fresh(const struct sip_digest_server *server, const char *text, const struct net_address *sender)
{
	struct nonce nonce;
	uint8_t mac[CRYPTO_DIGEST_BYTES_MAX];
	if (crypto_hex_decode(text, (uint8_t *)&nonce, sizeof nonce) < 0 || nonce_mac(server, &nonce, sender, mac) < 0 ||
	    !crypto_equal(mac, nonce.mac, sizeof nonce.mac))
		return false;
	return nonce.made_us >= server->valid_from_us && base_monotonic_us() - nonce.made_us <= NONCE_LIFE_US;
}

static gboolean is_over(void *key, void *value, void *data)
{
	struct nonce nonce;
	return crypto_hex_decode(key, (uint8_t *)&nonce, sizeof nonce) < 0 ||
	       base_monotonic_us() - nonce.made_us > NONCE_LIFE_US;
}

/* Whether the count is above all that came with this nonce. */
static bool count_rises(struct sip_digest_server *server, const struct sip_digest_fields *fields)
{
	unsigned count = (unsigned)g_ascii_strtoull(fields->nc, NULL, 16);
	if (count <= GPOINTER_TO_UINT(g_hash_table_lookup(server->counts, fields->nonce)))
		return false;
	if (g_hash_table_size(server->counts) >= NONCES_IN_USE_MAX)
		g_hash_table_foreach_remove(server->counts, is_over, NULL);
	if (g_hash_table_size(server->counts) >= NONCES_IN_USE_MAX) {
		g_hash_table_remove_all(server->counts);
		server->valid_from_us = base_monotonic_us();
	}
	g_hash_table_insert(server->counts, g_strdup(fields->nonce), GUINT_TO_POINTER(count));
	return true;
}

static bool is_offered(enum sip_digest_algorithm algorithm)
{
	for (size_t i = 0; i < G_N_ELEMENTS(offered); i++)
		if (offered[i] == algorithm)
			return true;
	return false;
}

static bool is_hex(const char *text, size_t length)
{
	return strlen(text) == length && strspn(text, "0123456789abcdefABCDEF") == length;
}

static bool find_credentials(const struct sip_digest_server *server, const struct sip_message *request, const char *header,
			     struct sip_digest_fields *fields, bool *ret_is_malformed)
{
	const char *text;
	for (size_t i = 0; (text = sip_message_header(request, header, i)); i++) {
		if (sip_digest_fields_parse(text, fields) < 0)
			*ret_is_malformed = true;
		else if (!strcmp(fields->realm, server->realm))
			return true;
	}
	return false;
}

/* Everything but the nonce's age. An unknown name costs the same computation, so that time does not tell who exists. */
static bool proves_secret(const struct sip_digest_server *server, const struct sip_message *request,
			  const struct sip_digest_fields *fields, enum sip_digest_algorithm algorithm)
{
	char ha1[CRYPTO_DIGEST_HEX_MAX], given[CRYPTO_DIGEST_HEX_MAX], expected[CRYPTO_DIGEST_HEX_MAX];
	static const struct sip_credentials nobody = {.username = "", .password = ""};
	struct sip_credentials found = {0};
	bool is_known = server->find(server->user, fields->username, &found) && sip_credentials_fit(&found, algorithm);
	bool is_computed = !sip_credentials_ha1(is_known ? &found : &nobody, algorithm, server->realm, ha1) &&
			   !sip_digest_response(algorithm, ha1, fields, sip_message_method_name(request), NULL, expected);
	crypto_wipe(ha1, sizeof ha1);
	for (size_t i = 0; i < sizeof given; i++)
		given[i] = g_ascii_tolower(fields->response[i]);
	return is_computed && crypto_equal_text(expected, given) && is_known;
}

enum sip_digest_verdict sip_digest_server_check(struct sip_digest_server *server, const struct sip_message *request,
						const struct net_address *sender,
						char ret_name[static SIP_DIGEST_NAME_SIZE])
{
	struct sip_digest_fields fields;
	enum sip_digest_algorithm algorithm;
	bool is_malformed = false, is_session = false;
	if (!find_credentials(server, request, "Authorization", &fields, &is_malformed) &&
	    !find_credentials(server, request, "Proxy-Authorization", &fields, &is_malformed))
		return is_malformed ? SIP_DIGEST_WRONG : SIP_DIGEST_ABSENT;
	if (sip_digest_algorithm_of(&fields, &algorithm, &is_session) < 0 || !is_offered(algorithm) || is_session ||
	    g_ascii_strcasecmp(fields.qop, "auth") || !is_hex(fields.nc, 8) || !*fields.cnonce || !*fields.username ||
	    !*fields.uri)
		return SIP_DIGEST_WRONG;
	if (!proves_secret(server, request, &fields, algorithm))
		return SIP_DIGEST_WRONG;
	if (!is_fresh(server, fields.nonce, sender) || !count_rises(server, &fields))
		return SIP_DIGEST_STALE;
	base_copy_text(ret_name, SIP_DIGEST_NAME_SIZE, fields.username);
	return SIP_DIGEST_OK;
}

int sip_digest_server_challenge(struct sip_digest_server *server, struct sip_message *response,
				const struct net_address *sender, bool stale)
{
	const char *header = sip_message_status(response) == 401 ? "WWW-Authenticate" : "Proxy-Authenticate";
	struct nonce nonce = {.made_us = base_monotonic_us()};
	uint8_t mac[CRYPTO_DIGEST_BYTES_MAX];
	char text[2 * sizeof nonce + 1];
	crypto_random(nonce.random, sizeof nonce.random);
	int error = nonce_mac(server, &nonce, sender, mac);
	if (error < 0)
		return error;
	memcpy(nonce.mac, mac, sizeof nonce.mac);
	crypto_hex_encode(&nonce, sizeof nonce, text);
	if (server->before)
		error = sip_message_add_header(response, header, server->before);
	for (size_t i = server->first_offered; i < G_N_ELEMENTS(offered) && !error; i++)
		error = sip_message_add_header_format(response, header,
						      "Digest realm=\"%s\", nonce=\"%s\", algorithm=%s, qop=\"auth\"%s",
						      server->realm, text, sip_digest_algorithm_name(offered[i]),
						      stale ? ", stale=true" : "");
	return error;
}

static void answer_with_challenge(struct sip_digest_server *server, struct sip_server_transaction *transaction,
				  unsigned status, bool is_stale)
{
	struct sip_message *response = sip_response_new(sip_server_transaction_request(transaction), status, NULL, NULL);
	const struct net_address *sender = sip_flow_remote(sip_server_transaction_flow(transaction));
	if (sip_digest_server_challenge(server, response, sender, is_stale) == 0) {
		sip_server_transaction_respond(transaction, response);
		return;
	}
	sip_message_unref(response);
	sip_server_transaction_reply(transaction, 500, NULL, NULL);
}

int sip_digest_server_prove(struct sip_digest_server *server, struct sip_server_transaction *transaction,
			    unsigned challenge, bool is_known, char ret_name[static SIP_DIGEST_NAME_SIZE])
{
	const struct sip_message *request = sip_server_transaction_request(transaction);
	const struct net_address *sender = sip_flow_remote(sip_server_transaction_flow(transaction));
	enum sip_digest_verdict verdict = sip_digest_server_check(server, request, sender, ret_name);
	if (verdict == SIP_DIGEST_WRONG)
		return -EACCES;
	if (verdict == SIP_DIGEST_ABSENT && is_known)
		*ret_name = '\0';
	else if (verdict != SIP_DIGEST_OK) {
		answer_with_challenge(server, transaction, challenge, verdict == SIP_DIGEST_STALE);
		return -EAGAIN;
	}
	return 0;
}
