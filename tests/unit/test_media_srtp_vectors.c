/* The SRTP transform against the vectors of the RFCs. */
#include "crypto/encoding.h"
#include "media/srtp_transform.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static size_t unhex(const char *hex, uint8_t *bytes)
{
	size_t n = strlen(hex) / 2;
	assert_int_equal(crypto_hex_decode(hex, bytes, n), 0);
	return n;
}

static void assert_hex(const void *data, const char *expected)
{
	char text[1024];
	crypto_hex_encode(data, strlen(expected) / 2, text);
	assert_string_equal(text, expected);
}

static void assert_derived(enum media_srtp_profile profile, const char *master, const char *cipher, const char *salt,
			   const char *auth)
{
	uint8_t key[MEDIA_SRTP_KEY_BYTES_MAX];
	struct srtp_session_keys keys;
	unhex(master, key);
	assert_int_equal(media_srtp_derive_keys(media_srtp_suite(profile), key, false, &keys), 0);
	assert_hex(keys.cipher, cipher);
	assert_hex(keys.salt, salt);
	assert_hex(keys.auth, auth);
}

static void test_derivation(void **state)
{
	/* RFC 3711, appendix B.3 */
	assert_derived(MEDIA_SRTP_AES_128_CM_SHA1_80,
		       "e1f97a0d3e018be0d64fa32c06de4139"
		       "0ec675ad498afeebb6960b3aabe6",
		       "c61e7a93744f39ee10734afe3ff7a087", "30cbbc08863d8c85d49db34a9ae1",
		       "cebe321f6ff7716b6fd4ab49af256a156d38baa4");
	/* RFC 6188, section 7.2 */
	assert_derived(MEDIA_SRTP_AES_256_CM_SHA1_80,
		       "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6"
		       "3b04803de51ee7c96423ab5b78d2",
		       "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
		       "fa31791685ca444a9e07c6c64e93", "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05");
}

static void transform_with(struct srtp_transform *transform, enum media_srtp_profile profile, const char *cipher,
			   const char *salt, const char *auth)
{
	struct srtp_session_keys keys = {0};
	unhex(cipher, keys.cipher);
	unhex(salt, keys.salt);
	unhex(auth, keys.auth);
	memset(transform, 0, sizeof *transform);
	assert_int_equal(media_srtp_transform_init(transform, media_srtp_suite(profile), &keys), 0);
}

static void assert_key_stream(enum media_srtp_profile profile, const char *key, const char *expected)
{
	struct srtp_transform transform;
	uint8_t stream[0xff02 * 16] = {0};
	transform_with(&transform, profile, key, "f0f1f2f3f4f5f6f7f8f9fafbfcfd", "");
	assert_true(media_srtp_counter_mode(&transform, 0, 0, stream, 3 * 16));
	assert_hex(stream, expected);
	/* the same stream in a long run, and cut in the middle of a block */
	uint8_t part[3 * 16];
	memcpy(part, stream, sizeof part);
	memset(stream, 0, sizeof stream);
	assert_true(media_srtp_counter_mode(&transform, 0, 0, stream, sizeof stream));
	assert_memory_equal(stream, part, sizeof part);
	if (profile == MEDIA_SRTP_AES_128_CM_SHA1_80)
		assert_hex(stream + 0xfeff * 16, "ec8cdf7398607cb0f2d21675ea9ea1e4"
						 "362b7c3c6773516318a077d7fc5073ae"
						 "6a2cc3787889374fbeb4c81b17ba6c44");
	memset(stream, 0, 20);
	assert_true(media_srtp_counter_mode(&transform, 0, 0, stream, 19));
	assert_memory_equal(stream, part, 19);
	assert_int_equal(stream[19], 0);
	media_srtp_transform_clear(&transform);
}

static void test_key_stream(void **state)
{
	/* RFC 3711, appendix B.2 */
	assert_key_stream(MEDIA_SRTP_AES_128_CM_SHA1_80, "2b7e151628aed2a6abf7158809cf4f3c",
			  "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab"
			  "41e95b3bb0a2e8dd477901e4fca894c0");
	/* RFC 6188, section 7.1 */
	assert_key_stream(MEDIA_SRTP_AES_256_CM_SHA1_80,
			  "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
			  "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac"
			  "63c4868b7096d88421b563b8c94c9a31");
}

static void test_hmac(void **state)
{
	/* RFC 2202, test case 3 for SHA-1 */
	struct srtp_transform transform;
	uint8_t data[50], mac[SHA_DIGEST_LENGTH];
	memset(data, 0xdd, sizeof data);
	transform_with(&transform, MEDIA_SRTP_AES_128_CM_SHA1_80, "00", "00",
		       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	media_srtp_hmac(&transform, data, sizeof data, NULL, mac);
	assert_hex(mac, "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
	/* the counter is the last four bytes of what is covered */
	uint32_t rollover = 0xdddddddd;
	media_srtp_hmac(&transform, data, sizeof data - 4, &rollover, mac);
	assert_hex(mac, "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
	media_srtp_transform_clear(&transform);
}

#define GCM_128_KEY "000102030405060708090a0b0c0d0e0f"
#define GCM_256_KEY GCM_128_KEY "101112131415161718191a1b1c1d1e1f"
#define GCM_SALT    "517569642070726f2071756f"

static void assert_gcm(enum media_srtp_profile profile, const char *key, const char *expected)
{
	/* RFC 7714, section 16.1.1 and 16.2.1: "Gallia est omnis divisa in partes tres" */
	uint8_t packet[128];
	size_t length = unhex("8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e6973206469766973612069"
			      "6e207061727465732074726573",
			      packet);
	struct srtp_associated associated = {packet, 12, NULL};
	struct srtp_transform seal, open;
	transform_with(&seal, profile, key, GCM_SALT, "");
	transform_with(&open, profile, key, GCM_SALT, "");
	media_srtp_gcm_start(&seal, 0x5501a0b2, 0xf17b, &associated);
	assert_true(media_srtp_gcm_seal(&seal, packet + 12, length - 12, packet + length));
	assert_hex(packet + 12, expected);
	media_srtp_gcm_start(&open, 0x5501a0b2, 0xf17b, &associated);
	assert_true(media_srtp_gcm_open(&open, packet + 12, length - 12, packet + length));
	assert_memory_equal(packet + 12, "Gallia est omnis divisa in partes tres", length - 12);
	media_srtp_transform_clear(&seal);
	media_srtp_transform_clear(&open);
}

static void test_gcm(void **state)
{
	assert_gcm(MEDIA_SRTP_AEAD_AES_128_GCM, GCM_128_KEY,
		   "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
		   "899d7f27beb16a9152cf765ee4390cce");
	assert_gcm(MEDIA_SRTP_AEAD_AES_256_GCM, GCM_256_KEY,
		   "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
		   "7aa3db36dfffd6b0f9bb7878d7a76c13");
}

static void test_gcm_rtcp(void **state)
{
	/* RFC 7714, section 17.1 */
	uint8_t packet[128];
	size_t length = unhex("81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61"
			      "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef800005d4",
			      packet) -
			SRTCP_INDEX_BYTES;
	struct srtp_associated associated = {packet, SRTCP_HEADER_BYTES, packet + length};
	uint8_t tag[SRTP_GCM_TAG_BYTES];
	struct srtp_transform seal;
	transform_with(&seal, MEDIA_SRTP_AEAD_AES_128_GCM, GCM_128_KEY, GCM_SALT, "");
	media_srtp_gcm_start(&seal, 0x4d617273, 0x5d4, &associated);
	assert_true(media_srtp_gcm_seal(&seal, packet + SRTCP_HEADER_BYTES, length - SRTCP_HEADER_BYTES, tag));
	assert_hex(packet, "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32d"
			   "c676a5f1730d6fda4ce09b4686303ded0bb9275b");
	assert_hex(tag, "c84aa45896cf4d2fc5abf87245d9eade");
	media_srtp_transform_clear(&seal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_derivation), cmocka_unit_test(test_key_stream), cmocka_unit_test(test_hmac),
	    cmocka_unit_test(test_gcm),	       cmocka_unit_test(test_gcm_rtcp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
