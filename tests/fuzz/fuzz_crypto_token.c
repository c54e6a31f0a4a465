/* Tokens and key sets of any text. The first line is the token, the rest the keys; where those are none, RFC 8037's. */
#include "crypto/token.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char known[] = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct crypto_token_rules rules = {.user_claim = "sub", .now_s = 1000};
	g_autofree char *text = g_strndup((const char *)data, size);
	char *end = strchr(text, '\n');
	struct crypto_token_keys *keys = NULL;
	if (!end || crypto_token_keys_read(end + 1, strlen(end + 1), &keys) < 0)
		crypto_token_keys_read(known, strlen(known), &keys);
	if (end)
		*end = '\0';
	struct crypto_token token = {0};
	if (crypto_token_verify(keys, &rules, text, &token) == CRYPTO_TOKEN_OK && !token.user)
		abort();
	crypto_token_clear(&token);
	crypto_token_keys_free(keys);
	return 0;
}
