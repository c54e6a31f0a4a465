#include "media/srtp_backend.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

/* RFC 3711, section 4.3.2 */
enum { LABEL_CIPHER = 0, LABEL_AUTH = 1, LABEL_SALT = 2, LABELS_PER_KIND = 3 };

#define LABEL_AT 7 /* the label's place over the 14 bytes of salt: 48 bits of index follow it */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

/* PRF_n(k_master, x): the first bytes of AES-CM's key stream with IV = x * 2^16 (section 4.3.3). A salt of 12 bytes is
 * filled up with zeros on the right (RFC 7714, section 11). `cipher` has the master key. */
static bool derive(EVP_CIPHER_CTX *cipher, const struct srtp_suite *suite, const uint8_t *key_and_salt, int label,
		   uint8_t *ret_key, size_t bytes)
{
	uint8_t iv[16] = {0};
	int written;
	memcpy(iv, key_and_salt + suite->key_bytes, suite->salt_bytes);
	iv[LABEL_AT] ^= (uint8_t)label;
	memset(ret_key, 0, bytes);
	return EVP_EncryptInit_ex2(cipher, NULL, NULL, iv, NULL) == 1 &&
	       EVP_EncryptUpdate(cipher, ret_key, &written, ret_key, (int)bytes) == 1;
}

int media_srtp_derive_keys(const struct srtp_suite *suite, const uint8_t *key_and_salt, bool is_rtcp,
			   struct srtp_session_keys *ret_keys)
{
	struct srtp_session_keys keys = {0};
	int label = is_rtcp ? LABELS_PER_KIND : 0;
	g_autoptr(EVP_CIPHER_CTX) cipher = EVP_CIPHER_CTX_new();
	const EVP_CIPHER *algorithm = suite->key_bytes == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
	bool done = cipher && EVP_EncryptInit_ex2(cipher, algorithm, key_and_salt, NULL, NULL) == 1 &&
		    derive(cipher, suite, key_and_salt, label + LABEL_CIPHER, keys.cipher, suite->key_bytes) &&
		    derive(cipher, suite, key_and_salt, label + LABEL_AUTH, keys.auth, sizeof keys.auth) &&
		    derive(cipher, suite, key_and_salt, label + LABEL_SALT, keys.salt, suite->salt_bytes);
	if (done)
		*ret_keys = keys;
	else
		ERR_clear_error();
	OPENSSL_cleanse(&keys, sizeof keys);
	return done ? 0 : -EIO;
}
