/* Digests, HMAC, encodings and random values against published vectors. */
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/random.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_digests(void **state)
{
	static const struct {
		enum crypto_digest algorithm;
		const char *text, *hex;
	} vectors[] = {
	    {CRYPTO_MD5, "", "d41d8cd98f00b204e9800998ecf8427e"},
	    {CRYPTO_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
	    {CRYPTO_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
	    {CRYPTO_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	    {CRYPTO_SHA512_256, "abc", "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"},
	    /* RFC 7616, section 3.9.1: A1 */
	    {CRYPTO_MD5, "Mufasa:http-auth@example.org:Circle of Life", "3d78807defe7de2157e2b0b6573a855f"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		char hex[CRYPTO_DIGEST_HEX_MAX];
		assert_int_equal(crypto_digest_hex(vectors[i].algorithm, vectors[i].text, strlen(vectors[i].text), hex),
				 0);
		assert_string_equal(hex, vectors[i].hex);
		assert_int_equal(strlen(hex), 2 * crypto_digest_bytes(vectors[i].algorithm));
	}
}

static void assert_hmac(enum crypto_digest algorithm, const char *key, const char *data, const char *expected)
{
	uint8_t mac[CRYPTO_DIGEST_BYTES_MAX];
	char hex[CRYPTO_DIGEST_HEX_MAX];
	assert_int_equal(crypto_hmac(algorithm, key, strlen(key), data, strlen(data), mac), 0);
	crypto_hex_encode(mac, crypto_digest_bytes(algorithm), hex);
	assert_string_equal(hex, expected);
}

static void test_hmac(void **state)
{
	/* RFC 2202 and RFC 4231, test case 2 */
	const char *data = "what do ya want for nothing?";
	assert_hmac(CRYPTO_MD5, "Jefe", data, "750c783e6ab0b503eaa86e310a5db738");
	assert_hmac(CRYPTO_SHA1, "Jefe", data, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	assert_hmac(CRYPTO_SHA256, "Jefe", data, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	/* a key longer than a block (test cases 6) */
	const char *key = "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa";
	char four[81], more[132];
	snprintf(four, sizeof four, "%s%s%s%s", key, key, key, key);
	snprintf(more, sizeof more, "%s%.51s", four, four);
	const char *larger = "Test Using Larger Than Block-Size Key - Hash Key First";
	assert_hmac(CRYPTO_SHA1, four, larger, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
	assert_hmac(CRYPTO_SHA256, more, larger, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	/* an empty key is a key */
	assert_hmac(CRYPTO_SHA256, "", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void test_equal(void **state)
{
	assert_true(crypto_equal("abc", "abc", 3));
	assert_false(crypto_equal("abc", "abd", 3));
	assert_true(crypto_equal(NULL, NULL, 0));
	assert_true(crypto_equal_text("secret", "secret"));
	assert_true(crypto_equal_text("", ""));
	assert_false(crypto_equal_text("secret", "secre"));
	assert_false(crypto_equal_text("secret", "secretsecret"));
	assert_false(crypto_equal_text("", "x"));
	assert_false(crypto_equal_text("x", ""));
	assert_false(crypto_equal_text(NULL, NULL));
}

static void test_base64(void **state)
{
	/* RFC 4648, section 10 */
	static const char *const vectors[][2] = {{"", ""},
						 {"f", "Zg=="},
						 {"fo", "Zm8="},
						 {"foo", "Zm9v"},
						 {"foob", "Zm9vYg=="},
						 {"fooba", "Zm9vYmE="},
						 {"foobar", "Zm9vYmFy"}};
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		char text[16];
		uint8_t data[8];
		size_t length;
		assert_true(CRYPTO_BASE64_SIZE(strlen(vectors[i][0])) == strlen(vectors[i][1]) + 1);
		crypto_base64_encode(vectors[i][0], strlen(vectors[i][0]), text);
		assert_string_equal(text, vectors[i][1]);
		assert_int_equal(crypto_base64_decode(text, strlen(text), data, sizeof data, &length), 0);
		assert_int_equal(length, strlen(vectors[i][0]));
		assert_memory_equal(data, vectors[i][0], length);
	}
	uint8_t data[8];
	size_t length = 99;
	assert_int_equal(crypto_base64_decode("Zm8", 3, data, sizeof data, &length), 0); /* no padding */
	assert_int_equal(length, 2);
	length = 99;
	static const char *const wrong[] = {"Z",      "Zg=",  "Zh==", "Zm9=",	  "Zm 9v",
					    "Zm9v\n", "====", "=",    "Zg==Zg==", "Zm-_"};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
		assert_int_equal(crypto_base64_decode(wrong[i], strlen(wrong[i]), data, sizeof data, &length), -EINVAL);
	assert_int_equal(crypto_base64_decode("Zm9vYmFyZm9v", 12, data, 8, &length), -ENOSPC);
	assert_int_equal(length, 99);
}

static void test_hex(void **state)
{
	uint8_t data[3] = {0};
	assert_int_equal(crypto_hex_decode("00aFfe", data, 3), 0);
	assert_memory_equal(data, "\x00\xaf\xfe", 3);
	assert_int_equal(crypto_hex_decode("00aF", data, 3), -EINVAL);
	assert_int_equal(crypto_hex_decode("00aFfe1", data, 3), -EINVAL);
	assert_int_equal(crypto_hex_decode("00aFfg", data, 3), -EINVAL);
}

static void test_random(void **state)
{
	char a[33], b[33];
	memset(a, '!', sizeof a);
	crypto_random_token(a, 32);
	crypto_random_token(b, 32);
	assert_int_equal(strlen(a), 32);
	assert_string_not_equal(a, b);
	assert_int_equal(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 32);
	crypto_random_ice_token(a, 24);
	assert_int_equal(strlen(a), 24);
	assert_int_equal(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"), 24);
	crypto_random_token(a, 0);
	assert_string_equal(a, "");
	assert_true(crypto_random_u64() != crypto_random_u64());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_digests), cmocka_unit_test(test_hmac), cmocka_unit_test(test_equal),
	    cmocka_unit_test(test_base64),  cmocka_unit_test(test_hex),	 cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
