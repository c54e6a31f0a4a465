/* Users who prove themselves by a signed token (RFC 8898) in place of a password. What a connection has proved so ends with the token; the
 * next one goes on. */
#include "registrar/internal.h"
#include "base/log.h"
#include "crypto/token.h"
#include <string.h>

#define BEARER "Bearer"

/* Of a connection. */
struct proof {
	struct registrar *registrar;
	char *user;
	char **groups;
	int64_t expires_us;
	struct sip_flow_watch watch;
};

static void proof_free(void *data)
{
	struct proof *proof = data;
	sip_flow_watch_stop(&proof->watch);
	g_strfreev(proof->groups);
	g_free(proof->user);
	g_free(proof);
}

const char *registrar_tokens_text(const struct registrar *registrar, const char *name)
{
	return config_string(registrar->config, "tokens", 0, name);
}

/* --- settings --- */

void registrar_tokens_check(const struct config_snapshot *snapshot, struct config_report *report)
{
	bool has_keys = config_string(snapshot, "tokens", 0, "key_file") || config_string(snapshot, "tokens", 0, "jwks_url");
	const char *server = config_string(snapshot, "tokens", 0, "authorization_server");
	if (server && strpbrk(server, "\"\\ \r\n"))
		config_complain(report, "tokens", 0, "authorization_server", "is no URL");
	registrar_token_keys_check(snapshot, report);
	if (!has_keys) {
		if (config_string(snapshot, "tokens", 0, "issuer") || config_string(snapshot, "tokens", 0, "audience"))
			config_complain(report, "tokens", 0, "key_file", "is missing, or jwks_url");
		return;
	}
	if (!config_string(snapshot, "tokens", 0, "audience"))
		config_warn(report, "tokens", 0, "audience", "is not written: a token that the issuer gave for something else is taken too");
	if (config_string(snapshot, "registrar", 0, "upstream"))
		config_complain(report, "tokens", 0, "key_file", "does not go with registrar.upstream, where users prove themselves to a trunk's peer");
}

static void offer_tokens(struct registrar *registrar)
{
	const char *server = registrar_tokens_text(registrar, "authorization_server");
	g_autofree char *challenge = registrar_token_keys_are_wanted(registrar->token_keys) && server
		? g_strdup_printf(BEARER " realm=\"%s\", authz_server=\"%s\"", registrar->domain, server) : NULL;
	sip_digest_server_offer_before(registrar->digest, challenge);
}

void registrar_tokens_begin(struct registrar *registrar)
{
	registrar->token_proofs = g_hash_table_new_full(NULL, NULL, NULL, proof_free);
	registrar->token_keys = registrar_token_keys_new(registrar);
	offer_tokens(registrar);
}

void registrar_tokens_load(struct registrar *registrar)
{
	registrar_token_keys_load(registrar->token_keys);
	offer_tokens(registrar);
}

void registrar_tokens_end(struct registrar *registrar)
{
	g_hash_table_unref(registrar->token_proofs);
	registrar->token_keys = registrar_token_keys_free(registrar->token_keys);
}

/* --- proofs --- */

static void flow_closed(void *data, struct sip_flow *flow)
{
	struct proof *proof = data;
	g_hash_table_remove(proof->registrar->token_proofs, flow);
}

static int64_t left_us(const struct proof *proof)
{
	return MAX(proof->expires_us - loop_now_us(proof->registrar->loop), 0);
}

static void remember(struct registrar *registrar, struct sip_flow *flow, struct crypto_token *token, int64_t left_s)
{
	struct proof *proof = g_new0(struct proof, 1);
	proof->registrar = registrar;
	proof->user = g_steal_pointer(&token->user);
	proof->groups = g_steal_pointer(&token->groups);
	proof->expires_us = loop_now_us(registrar->loop) + left_s * G_USEC_PER_SEC;
	g_hash_table_replace(registrar->token_proofs, flow, proof);
	sip_flow_watch_start(&proof->watch, flow, flow_closed, proof);
}

bool registrar_token_has_proved(const struct registrar *registrar, const struct sip_flow *flow, bool *ret_holds)
{
	const struct proof *proof = g_hash_table_lookup(registrar->token_proofs, flow);
	*ret_holds = proof && left_us(proof) > 0;
	return proof;
}

uint32_t registrar_token_left_s(const struct registrar *registrar, const struct sip_flow *flow)
{
	const struct proof *proof = g_hash_table_lookup(registrar->token_proofs, flow);
	return proof ? (uint32_t)MIN(left_us(proof) / G_USEC_PER_SEC, UINT32_MAX - 1) : UINT32_MAX;
}

const char *const *registrar_token_groups(const struct registrar *registrar, const char *user)
{
	const GPtrArray *endpoints = g_hash_table_lookup(registrar->endpoints, user);
	for (guint i = 0; endpoints && i < endpoints->len; i++) {
		const struct sip_flow *flow = registrar_endpoint_flow(endpoints->pdata[i]);
		const struct proof *proof = flow ? g_hash_table_lookup(registrar->token_proofs, flow) : NULL;
		if (proof && left_us(proof) > 0)
			return (const char *const *)proof->groups;
	}
	return NULL;
}

/* --- in --- */

/* What stands behind "Bearer" in the credentials; NULL. Clients know no better than Authorization for every request. */
static const char *find_token(const struct sip_message *request)
{
	for (const char *const *name = sip_credentials_headers; *name; name++) {
		const char *value;
		for (size_t i = 0; (value = sip_message_header(request, *name, i)); i++)
			if (!g_ascii_strncasecmp(value, BEARER " ", strlen(BEARER " ")))
				return value + strlen(BEARER " ") + strspn(value + strlen(BEARER " "), " ");
	}
	return NULL;
}

int registrar_token_prove(struct registrar *registrar, struct sip_server_transaction *transaction, const char *user,
			  const char **ret_wrong)
{
	bool are_taken = registrar_token_keys_are_wanted(registrar->token_keys);
	const char *text = are_taken ? find_token(sip_server_transaction_request(transaction)) : NULL;
	const struct crypto_token_keys *keys = registrar_token_keys_get(registrar->token_keys);
	if (!text)
		return -ENOENT;
	if (!keys) {
		registrar_token_keys_missed(registrar->token_keys);
		*ret_wrong = "the keys of its issuer are not here yet";
		return -EAGAIN;
	}
	struct crypto_token_rules rules = {
		.issuer = registrar_tokens_text(registrar, "issuer"),
		.audience = registrar_tokens_text(registrar, "audience"),
		.user_claim = registrar_tokens_text(registrar, "user_claim"),
		.now_s = (g_get_real_time() + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC, /* nothing outlives a token, not by a part of a second */
		.leeway_s = config_integer(registrar->config, "tokens", 0, "leeway_seconds"),
	};
	struct crypto_token token = {0};
	enum crypto_token_verdict verdict = crypto_token_verify(keys, &rules, text, &token);
	if (verdict == CRYPTO_TOKEN_UNKNOWN_KEY)
		registrar_token_keys_missed(registrar->token_keys); /* its owner may have changed them */
	bool is_his = verdict == CRYPTO_TOKEN_OK && !strcmp(token.user, user);
	if (is_his)
		remember(registrar, sip_server_transaction_flow(transaction), &token, token.expires_s + rules.leeway_s - rules.now_s);
	else
		*ret_wrong = verdict == CRYPTO_TOKEN_OK ? "it is another user's" : crypto_token_verdict_text(verdict);
	crypto_token_clear(&token);
	return is_his ? 0 : -EACCES;
}

void registrar_token_refuse(const struct registrar *registrar, struct sip_server_transaction *transaction, unsigned status)
{
	const char *server = registrar_tokens_text(registrar, "authorization_server");
	const struct sip_message *request = sip_server_transaction_request(transaction);
	if (!registrar_token_keys_get(registrar->token_keys)) {
		struct sip_message *later = sip_response_new(request, 503, "Keys Not Here Yet", NULL);
		sip_message_add_header(later, "Retry-After", "5");
		sip_server_transaction_respond(transaction, later);
		return;
	}
	struct sip_message *response = sip_response_new(request, status, "Invalid Token", NULL);
	sip_message_add_header_format(response, status == 401 ? "WWW-Authenticate" : "Proxy-Authenticate",
				      BEARER " realm=\"%s\"%s%s%s, error=\"invalid_token\"", registrar->domain,
				      server ? ", authz_server=\"" : "", server ? server : "", server ? "\"" : "");
	sip_server_transaction_respond(transaction, response);
}
