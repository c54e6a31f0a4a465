/* The public keys of who signs tokens: out of a file, or fetched from where their owner keeps them (a JWK set, RFC 7517). */
#include "registrar/internal.h"
#include "base/log.h"
#include "net/fetch.h"
#include <string.h>

#define RETRY_MS	    30000 /* after a fetch that failed */
#define UNKNOWN_KEY_REST_MS 10000 /* so long are unknown keys no reason to look again */
#define FETCH_LIMIT_MS	    10000

struct registrar_token_keys {
	struct registrar *registrar;
	struct crypto_token_keys *keys; /* NULL: not there */
	char *url;			/* they are, or are to be, of this one; NULL: of a file */
	struct net_fetch *fetch;	/* the one under way; NULL */
	struct loop_timer refresh;
	int64_t begun_us; /* the last fetch */
};

/* --- out of a file --- */

static int read_file(const char *path, struct crypto_token_keys **ret_keys)
{
	g_autofree char *text = NULL;
	gsize length;
	if (!g_file_get_contents(path, &text, &length, NULL))
		return -ENOENT;
	return crypto_token_keys_read(text, length, ret_keys);
}

static void check_file(struct config_report *report, const char *path)
{
	struct crypto_token_keys *keys = NULL;
	int error = read_file(path, &keys);
	if (error == -ENOENT)
		config_complain(report, "tokens", 0, "key_file", "cannot be read: %s", path);
	else if (error < 0)
		config_complain(report, "tokens", 0, "key_file",
				"holds no public key (PEM or JWK set) of RSA with %d bits or more, P-256 or Ed25519: %s",
				CRYPTO_TOKEN_RSA_BITS_MIN, path);
	crypto_token_keys_free(keys);
}

void registrar_token_keys_check(const struct config_snapshot *snapshot, struct config_report *report)
{
	const char *path = config_string(snapshot, "tokens", 0, "key_file"), *url = config_string(snapshot, "tokens", 0, "jwks_url");
	if (path)
		check_file(report, path);
	if (path && url)
		config_complain(report, "tokens", 0, "jwks_url", "stands beside key_file: one of the two is enough");
	if (url && (!g_str_has_prefix(url, "https://") || strpbrk(url, "\"\\ \r\n")))
		config_complain(report, "tokens", 0, "jwks_url", "is no URL that begins with \"https://\"");
	if (!url && config_string(snapshot, "tokens", 0, "jwks_ca_file"))
		config_complain(report, "tokens", 0, "jwks_ca_file", "is of use with jwks_url only");
}

/* --- fetched --- */

static void fetched(void *user, const GString *text, const char *problem)
{
	struct registrar_token_keys *keys = user;
	struct crypto_token_keys *read = NULL;
	keys->fetch = NULL;
	if (!problem && crypto_token_keys_read(text->str, text->len, &read) < 0)
		problem = "it holds no public key of RSA, P-256 or Ed25519 for signatures";
	if (problem) {
		log_warning(NULL, "registrar: the keys for tokens at %s cannot be had: %s%s", keys->url, problem,
			    keys->keys ? "; those known before are kept" : "");
		loop_timer_start_ms(&keys->refresh, RETRY_MS);
		return;
	}
	if (!keys->keys)
		log_info(NULL, "registrar: %zu keys for tokens from %s", crypto_token_keys_count(read), keys->url);
	crypto_token_keys_free(keys->keys);
	keys->keys = read;
	loop_timer_start_ms(&keys->refresh, config_integer(keys->registrar->config, "tokens", 0, "jwks_seconds") * 1000);
}

static void start_fetch(void *data)
{
	struct registrar_token_keys *keys = data;
	struct net_fetch_settings settings = {
		.url = keys->url,
		.ca_file = registrar_tokens_text(keys->registrar, "jwks_ca_file"),
		.bytes_max = CRYPTO_TOKEN_KEYS_BYTES_MAX,
		.timeout_ms = FETCH_LIMIT_MS,
	};
	keys->begun_us = loop_now_us(keys->registrar->loop);
	if (!keys->fetch && net_fetch_start(keys->registrar->loop, &settings, fetched, keys, &keys->fetch) < 0)
		loop_timer_start_ms(&keys->refresh, RETRY_MS);
}

void registrar_token_keys_missed(struct registrar_token_keys *keys)
{
	if (keys->url && loop_now_us(keys->registrar->loop) - keys->begun_us >= UNKNOWN_KEY_REST_MS * INT64_C(1000))
		start_fetch(keys);
}

/* --- */

struct registrar_token_keys *registrar_token_keys_new(struct registrar *registrar)
{
	struct registrar_token_keys *keys = g_new0(struct registrar_token_keys, 1);
	keys->registrar = registrar;
	loop_timer_init(&keys->refresh, registrar->loop, start_fetch, keys);
	registrar_token_keys_load(keys);
	return keys;
}

struct registrar_token_keys *registrar_token_keys_free(struct registrar_token_keys *keys)
{
	if (!keys)
		return NULL;
	loop_timer_stop(&keys->refresh);
	net_fetch_abandon(keys->fetch);
	crypto_token_keys_free(keys->keys);
	g_free(keys->url);
	g_free(keys);
	return NULL;
}

void registrar_token_keys_load(struct registrar_token_keys *keys)
{
	const char *path = registrar_tokens_text(keys->registrar, "key_file"), *url = registrar_tokens_text(keys->registrar, "jwks_url");
	loop_timer_stop(&keys->refresh);
	keys->fetch = net_fetch_abandon(keys->fetch);
	if (!url || g_strcmp0(url, keys->url))
		keys->keys = crypto_token_keys_free(keys->keys);
	g_free(keys->url);
	keys->url = g_strdup(url);
	if (path && read_file(path, &keys->keys) < 0)
		log_warning(NULL, "registrar: no key for tokens in %s", path);
	if (url)
		start_fetch(keys);
}

bool registrar_token_keys_are_wanted(const struct registrar_token_keys *keys)
{
	return keys->keys || keys->url;
}

const struct crypto_token_keys *registrar_token_keys_get(const struct registrar_token_keys *keys)
{
	return keys->keys;
}
