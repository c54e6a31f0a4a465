/* Signed tokens: the RFCs' vectors, tokens signed here with fresh keys, and the usual attacks. */
#include "crypto/token_key.h"
#include "crypto/encoding.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#define JOE "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define JOE_RSA \
	"eyJhbGciOiJSUzI1NiJ9." JOE ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_" \
	"O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_" \
	"eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB" \
	"p0igcN_IoypGlUPQGe77Rw"
#define JOE_EC \
	"eyJhbGciOiJFUzI1NiJ9." JOE ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define RSA_JWK \
	"{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1" \
	"Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7" \
	"WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54" \
	"h4FRWyuXpoQ\""
#define EC_JWK \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""

static const struct crypto_token_rules joes = {.issuer = "joe", .user_claim = "iss", .now_s = 1300819000};

static struct crypto_token_keys *keys_of(const char *text)
{
	struct crypto_token_keys *keys;
	if (crypto_token_keys_read(text, strlen(text), &keys) < 0)
		fail_msg("%s", text);
	return keys;
}

static enum crypto_token_verdict verify(const struct crypto_token_keys *keys, const struct crypto_token_rules *rules, const char *text)
{
	struct crypto_token token = {0};
	enum crypto_token_verdict verdict = crypto_token_verify(keys, rules, text, &token);
	assert_int_equal(token.user != NULL, verdict == CRYPTO_TOKEN_OK);
	crypto_token_clear(&token);
	return verdict;
}

static void vectors(void **state)
{
	struct crypto_token_keys *set = keys_of("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}," EC_JWK ",\"kid\":\"e\"}," RSA_JWK "}]}");
	assert_int_equal(crypto_token_keys_count(set), 2);
	struct crypto_token token;
	assert_int_equal(crypto_token_verify(set, &joes, JOE_RSA, &token), CRYPTO_TOKEN_OK); /* RFC 7515, A.2 */
	assert_string_equal(token.user, "joe");
	assert_true(token.expires_s == 1300819380);
	crypto_token_clear(&token);
	assert_int_equal(verify(set, &joes, JOE_EC), CRYPTO_TOKEN_OK); /* A.3 */
	struct crypto_token_rules later = joes;
	later.now_s = 1300819380;
	assert_int_equal(verify(set, &later, JOE_EC), CRYPTO_TOKEN_EXPIRED);
	later.leeway_s = 1;
	assert_int_equal(verify(set, &later, JOE_EC), CRYPTO_TOKEN_OK);
	crypto_token_keys_free(set);
	struct crypto_token_keys *edwards = /* RFC 8037, A.4: its payload is no JSON */
	    keys_of("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}");
	static const char text[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
	struct crypto_token_signed what = {.algorithm = "EdDSA", .text = text, .text_length = strlen(text)};
	static const char encoded[] = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
	g_autofree uint8_t *signature = crypto_token_decode(encoded, strlen(encoded), &what.signature_length);
	what.signature = signature;
	assert_int_equal(crypto_token_keys_check(edwards, &what), CRYPTO_TOKEN_OK);
	signature[0] ^= 1;
	assert_int_equal(crypto_token_keys_check(edwards, &what), CRYPTO_TOKEN_BAD_SIGNATURE);
	crypto_token_keys_free(edwards);
}

/* --- tokens of our own --- */

static char *encode(const void *data, size_t length)
{
	char *text = g_malloc(CRYPTO_BASE64_SIZE(length));
	crypto_base64_encode(data, length, text);
	for (char *c = text; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c == '=' ? '\0' : *c;
	return text;
}

static char *sign(EVP_PKEY *key, const char *header, const char *claims)
{
	g_autofree char *first = encode(header, strlen(header)), *second = encode(claims, strlen(claims));
	g_autofree char *text = g_strdup_printf("%s.%s", first, second);
	uint8_t signature[512], raw[64];
	size_t length = sizeof signature;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const EVP_MD *digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
	assert_int_equal(EVP_DigestSignInit(context, NULL, digest, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(context, signature, &length, (const uint8_t *)text, strlen(text)), 1);
	EVP_MD_CTX_free(context);
	const uint8_t *shown = signature;
	if (EVP_PKEY_is_a(key, "EC")) {
		const uint8_t *cursor = signature;
		ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &cursor, (long)length);
		BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32);
		BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32);
		ECDSA_SIG_free(pair);
		shown = raw;
		length = sizeof raw;
	}
	g_autofree char *third = encode(shown, length);
	return g_strdup_printf("%s.%s", text, third);
}

static char *pem_of(EVP_PKEY *key)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *data;
	PEM_write_bio_PUBKEY(out, key);
	long length = BIO_get_mem_data(out, &data);
	char *text = g_strndup(data, (gsize)length);
	BIO_free(out);
	return text;
}

#define RIGHT "{\"sub\":\"alice\",\"iss\":\"https://id\",\"aud\":[\"x\",\"tandem\"],\"exp\":2000,\"groups\":[\"sales\",7,\"night\"]}"
static const struct crypto_token_rules rules = {.issuer = "https://id", .audience = "tandem", .user_claim = "sub", .now_s = 1000, .leeway_s = 10};

static void claims(void **state)
{
	static const struct { const char *claims; enum crypto_token_verdict verdict; } table[] = {
		{RIGHT, CRYPTO_TOKEN_OK},
		{"{\"sub\":\"alice\",\"iss\":\"https://id\",\"aud\":\"tandem\",\"exp\":1000.5,\"nbf\":1009}", CRYPTO_TOKEN_OK},
		{"{\"sub\":\"alice\",\"iss\":\"https://id\",\"aud\":\"tandem\",\"exp\":990}", CRYPTO_TOKEN_EXPIRED},
		{"{\"sub\":\"alice\",\"iss\":\"https://id\",\"aud\":\"tandem\",\"exp\":2000,\"nbf\":1011}", CRYPTO_TOKEN_TOO_EARLY},
		{"{\"sub\":\"alice\",\"iss\":\"https://id\",\"aud\":\"tandem\",\"exp\":2000,\"nbf\":\"1\"}", CRYPTO_TOKEN_MALFORMED},
		{"{\"sub\":\"alice\",\"iss\":\"https://id\",\"aud\":\"tandem\"}", CRYPTO_TOKEN_MALFORMED},
		{"{\"sub\":\"alice\",\"iss\":\"https://id\",\"aud\":\"tandem\",\"exp\":\"2000\"}", CRYPTO_TOKEN_MALFORMED},
		{"{\"sub\":\"alice\",\"iss\":\"https://id\",\"aud\":\"tandem\",\"exp\":1e300}", CRYPTO_TOKEN_MALFORMED},
		{"{\"sub\":\"alice\",\"iss\":\"https://id\",\"aud\":\"tandem\",\"exp\":-1}", CRYPTO_TOKEN_MALFORMED},
		{"{\"sub\":7,\"iss\":\"https://id\",\"aud\":\"tandem\",\"exp\":2000}", CRYPTO_TOKEN_MALFORMED},
		{"{\"iss\":\"https://id\",\"aud\":\"tandem\",\"exp\":2000}", CRYPTO_TOKEN_MALFORMED},
		{"{\"sub\":\"alice\",\"iss\":\"https://other\",\"aud\":\"tandem\",\"exp\":2000}", CRYPTO_TOKEN_NOT_FOR_US},
		{"{\"sub\":\"alice\",\"aud\":\"tandem\",\"exp\":2000}", CRYPTO_TOKEN_NOT_FOR_US},
		{"{\"sub\":\"alice\",\"iss\":\"https://id\",\"aud\":\"tandem2\",\"exp\":2000}", CRYPTO_TOKEN_NOT_FOR_US},
		{"{\"sub\":\"alice\",\"iss\":\"https://id\",\"exp\":2000}", CRYPTO_TOKEN_NOT_FOR_US},
		{"{\"sub\":\"alice\",\"sub\":\"bob\",\"iss\":\"https://id\",\"aud\":\"tandem\",\"exp\":2000}", CRYPTO_TOKEN_MALFORMED},
		{"[1]", CRYPTO_TOKEN_MALFORMED},
		{"{}x", CRYPTO_TOKEN_MALFORMED},
	};
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	g_autofree char *pem = pem_of(key);
	struct crypto_token_keys *keys = keys_of(pem);
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autofree char *text = sign(key, "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}", table[i].claims);
		enum crypto_token_verdict verdict = verify(keys, &rules, text);
		if (verdict != table[i].verdict)
			fail_msg("%s: %s", table[i].claims, crypto_token_verdict_text(verdict));
	}
	g_autofree char *text = sign(key, "{\"alg\":\"EdDSA\"}", RIGHT);
	struct crypto_token token;
	assert_int_equal(crypto_token_verify(keys, &rules, text, &token), CRYPTO_TOKEN_OK);
	assert_string_equal(token.groups[0], "sales");
	assert_string_equal(token.groups[1], "night");
	assert_null(token.groups[2]);
	crypto_token_clear(&token);
	crypto_token_keys_free(keys);
	EVP_PKEY_free(key);
}

static void every_algorithm(void **state)
{
	EVP_PKEY *pairs[] = {EVP_RSA_gen(2048), EVP_EC_gen("P-256"), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
	static const char *const names[] = {"RS256", "ES256", "EdDSA"};
	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		g_autofree char *pem = pem_of(pairs[i]);
		struct crypto_token_keys *keys = keys_of(pem);
		for (size_t k = 0; k < G_N_ELEMENTS(names); k++) {
			g_autofree char *header = g_strdup_printf("{\"alg\":\"%s\",\"kid\":\"any\"}", names[k]);
			g_autofree char *text = sign(pairs[i], header, RIGHT);
			assert_int_equal(verify(keys, &rules, text), i == k ? CRYPTO_TOKEN_OK : CRYPTO_TOKEN_UNKNOWN_KEY);
			if (i != k)
				continue;
			g_autofree char *other = sign(pairs[i], header, "{\"sub\":\"mallory\",\"iss\":\"https://id\",\"aud\":\"tandem\",\"exp\":2000}");
			g_autofree char *mixed = g_strdup_printf("%.*s%s", (int)(strrchr(text, '.') - text), text, strrchr(other, '.'));
			assert_int_equal(verify(keys, &rules, mixed), CRYPTO_TOKEN_BAD_SIGNATURE);
		}
		crypto_token_keys_free(keys);
		EVP_PKEY_free(pairs[i]);
	}
}

static void attacks(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	g_autofree char *pem = pem_of(key);
	struct crypto_token_keys *keys = keys_of(pem);
	g_autofree char *claims_text = encode(RIGHT, strlen(RIGHT));
	static const char *const none[] = {"{\"alg\":\"none\"}", "{\"alg\":\"None\"}", "{\"alg\":\"\"}", "{\"alg\":7}", "{}",
					   "{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}", "{\"alg\":\"RS256\",\"kid\":7}"};
	for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
		g_autofree char *header = encode(none[i], strlen(none[i]));
		g_autofree char *text = g_strdup_printf("%s.%s.", header, claims_text);
		assert_int_not_equal(verify(keys, &rules, text), CRYPTO_TOKEN_OK);
		g_autofree char *signed_text = sign(key, none[i], RIGHT);
		assert_int_not_equal(verify(keys, &rules, signed_text), CRYPTO_TOKEN_OK);
	}
	/* HS256, with the public key as the secret */
	g_autofree char *header = encode("{\"alg\":\"HS256\"}", 15);
	g_autofree char *text = g_strdup_printf("%s.%s", header, claims_text);
	uint8_t mac[32];
	unsigned mac_length;
	HMAC(EVP_sha256(), pem, (int)strlen(pem), (const uint8_t *)text, strlen(text), mac, &mac_length);
	g_autofree char *mac_text = encode(mac, mac_length);
	g_autofree char *confused = g_strdup_printf("%s.%s", text, mac_text);
	assert_int_equal(verify(keys, &rules, confused), CRYPTO_TOKEN_UNKNOWN_KEY);
	/* the form */
	g_autofree char *right = sign(key, "{\"alg\":\"RS256\"}", RIGHT);
	assert_int_equal(verify(keys, &rules, right), CRYPTO_TOKEN_OK);
	g_autofree char *padded = g_strconcat(right, "=", NULL), *longer = g_strconcat(right, ".x", NULL);
	g_autofree char *spaced = g_strconcat(" ", right, NULL), *huge_fill = g_strnfill(CRYPTO_TOKEN_BYTES_MAX, 'A');
	g_autofree char *huge = g_strconcat(right, huge_fill, NULL);
	const char *const malformed[] = {padded, longer, spaced, huge, "", ".", "..", "a.b", "a.b.c", "...."};
	for (size_t i = 0; i < G_N_ELEMENTS(malformed); i++)
		if (verify(keys, &rules, malformed[i]) != CRYPTO_TOKEN_MALFORMED)
			fail_msg("%.40s", malformed[i]);
	GString *nested = g_string_new("{\"alg\":");
	for (int i = 0; i < 2000; i++)
		g_string_append_c(nested, '[');
	g_autofree char *deep = sign(key, nested->str, RIGHT);
	assert_int_equal(verify(keys, &rules, deep), CRYPTO_TOKEN_MALFORMED);
	g_string_free(nested, TRUE);
	crypto_token_keys_free(keys);
	EVP_PKEY_free(key);
}

static void key_sets(void **state)
{
	static const char *const useless[] = {"", "{}", "[]", "x", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
					      RSA_JWK ",\"use\":\"enc\"}", RSA_JWK ",\"alg\":\"HS256\"}", RSA_JWK ",\"alg\":\"RS512\"}",
					      "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", EC_JWK ",\"alg\":\"RS256\"}",
					      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
					      "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", "-----BEGIN PUBLIC KEY-----\nAA\n"};
	struct crypto_token_keys *keys;
	for (size_t i = 0; i < G_N_ELEMENTS(useless); i++)
		if (crypto_token_keys_read(useless[i], strlen(useless[i]), &keys) != -EINVAL)
			fail_msg("%s", useless[i]);
	keys = keys_of("{\"keys\":[" RSA_JWK ",\"kid\":\"other\"}," EC_JWK ",\"kid\":\"e\"}]}");
	EVP_PKEY *key = EVP_EC_gen("P-256");
	g_autofree char *text = sign(key, "{\"alg\":\"ES256\",\"kid\":\"other\"}", RIGHT), *known = sign(key, "{\"alg\":\"ES256\",\"kid\":\"e\"}", RIGHT);
	assert_int_equal(verify(keys, &rules, text), CRYPTO_TOKEN_UNKNOWN_KEY); /* an RSA key's kid */
	assert_int_equal(verify(keys, &rules, known), CRYPTO_TOKEN_BAD_SIGNATURE);
	EVP_PKEY_free(key);
	crypto_token_keys_free(keys);
	assert_null(crypto_token_keys_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors), cmocka_unit_test(claims), cmocka_unit_test(every_algorithm), cmocka_unit_test(attacks),
		cmocka_unit_test(key_sets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
