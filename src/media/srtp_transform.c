/* The shape is the one that costs least per packet:
 *
 * - AES-CM's key stream is made by encrypting counter blocks in ECB mode, so that no IV has to be set through EVP's
 *   re-initialisation, which costs more than the encryption of a voice packet.
 * - HMAC starts from the two SHA-1 states after the padded key. EVP cannot copy a digest's state without an allocation
 *   per copy, and EVP_MAC does the same underneath; the SHA1_ functions copy a plain struct. They are deprecated as an
 *   interface, not as code: this is their one use, and it needs nothing of what EVP adds (providers, engines). */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "media/srtp_transform.h"
#include "rtp/packet.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#define AES_BLOCK_BYTES	  16
#define KEY_STREAM_BLOCKS 32 /* made at once */
#define SHA1_BLOCK_BYTES  64
#define GCM_IV_BYTES	  12

static void put_u48(uint8_t *p, uint64_t value)
{
	rtp_put_u16(p, (uint16_t)(value >> 32));
	rtp_put_u32(p + 2, (uint32_t)value);
}

static void xor_into(uint8_t *data, const uint8_t *with, size_t length)
{
	size_t i = 0;
	for (; i + sizeof(uint64_t) <= length; i += sizeof(uint64_t)) {
		uint64_t a, b;
		memcpy(&a, data + i, sizeof a);
		memcpy(&b, with + i, sizeof b);
		a ^= b;
		memcpy(data + i, &a, sizeof a);
	}
	for (; i < length; i++)
		data[i] ^= with[i];
}

/* IV = (k_s * 2^16) XOR (SSRC * 2^64) XOR (i * 2^16) (RFC 3711, section 4.1.1) */
bool media_srtp_counter_mode(const struct srtp_transform *transform, uint32_t ssrc, uint64_t index, uint8_t *data,
			     size_t length)
{
	uint8_t iv[AES_BLOCK_BYTES] = {0};
	rtp_put_u32(iv + 4, ssrc);
	put_u48(iv + 8, index);
	xor_into(iv, transform->salt, sizeof iv);

	uint8_t stream[KEY_STREAM_BLOCKS * AES_BLOCK_BYTES];
	for (uint16_t block = 0; length > 0;) {
		size_t part = MIN(length, sizeof stream);
		size_t blocks = (part + AES_BLOCK_BYTES - 1) / AES_BLOCK_BYTES;
		for (size_t i = 0; i < blocks; i++) {
			memcpy(stream + i * AES_BLOCK_BYTES, iv, AES_BLOCK_BYTES);
			rtp_put_u16(stream + i * AES_BLOCK_BYTES + 14, block++);
		}
		int written;
		if (EVP_EncryptUpdate(transform->cipher, stream, &written, stream, (int)(blocks * AES_BLOCK_BYTES)) !=
		    1)
			return false;
		xor_into(data, stream, part);
		data += part;
		length -= part;
	}
	return true;
}

/* HMAC over the packet and, for RTP, the rollover counter behind it (section 4.2). */
void media_srtp_hmac(const struct srtp_transform *transform, const uint8_t *data, size_t length,
		     const uint32_t *rollover, uint8_t ret_mac[static SHA_DIGEST_LENGTH])
{
	SHA_CTX sha = transform->inner;
	SHA1_Update(&sha, data, length);
	if (rollover) {
		uint8_t bytes[4];
		rtp_put_u32(bytes, *rollover);
		SHA1_Update(&sha, bytes, sizeof bytes);
	}
	SHA1_Final(ret_mac, &sha);
	sha = transform->outer;
	SHA1_Update(&sha, ret_mac, SHA_DIGEST_LENGTH);
	SHA1_Final(ret_mac, &sha);
}

bool media_srtp_gcm_start(const struct srtp_transform *transform, uint32_t ssrc, uint64_t index,
			  const struct srtp_associated *associated)
{
	/* RFC 7714, section 8.1 and 9.1: the same layout, an SRTCP index being one of 31 bits */
	uint8_t iv[GCM_IV_BYTES] = {0};
	int written;
	rtp_put_u32(iv + 2, ssrc);
	put_u48(iv + 6, index);
	xor_into(iv, transform->salt, sizeof iv);
	EVP_CIPHER_CTX *cipher = transform->cipher;
	if (EVP_CipherInit_ex(cipher, NULL, NULL, NULL, iv, -1) != 1 ||
	    EVP_CipherUpdate(cipher, NULL, &written, associated->header, (int)associated->header_bytes) != 1)
		return false;
	return !associated->trailer ||
	       EVP_CipherUpdate(cipher, NULL, &written, associated->trailer, SRTCP_INDEX_BYTES) == 1;
}

bool media_srtp_gcm_seal(const struct srtp_transform *transform, uint8_t *data, size_t length,
			 uint8_t ret_tag[static SRTP_GCM_TAG_BYTES])
{
	int written;
	return (length == 0 || EVP_EncryptUpdate(transform->cipher, data, &written, data, (int)length) == 1) &&
	       EVP_EncryptFinal_ex(transform->cipher, ret_tag, &written) == 1 &&
	       EVP_CIPHER_CTX_ctrl(transform->cipher, EVP_CTRL_AEAD_GET_TAG, SRTP_GCM_TAG_BYTES, ret_tag) == 1;
}

bool media_srtp_gcm_open(const struct srtp_transform *transform, uint8_t *data, size_t length,
			 uint8_t tag[static SRTP_GCM_TAG_BYTES])
{
	int written;
	return EVP_CIPHER_CTX_ctrl(transform->cipher, EVP_CTRL_AEAD_SET_TAG, SRTP_GCM_TAG_BYTES, tag) == 1 &&
	       (length == 0 || EVP_DecryptUpdate(transform->cipher, data, &written, data, (int)length) == 1) &&
	       EVP_DecryptFinal_ex(transform->cipher, data + length, &written) == 1;
}

static void start_hmac(struct srtp_transform *transform, const uint8_t key[static SRTP_AUTH_KEY_BYTES])
{
	uint8_t pad[SHA1_BLOCK_BYTES];
	memset(pad, 0x36, sizeof pad);
	xor_into(pad, key, SRTP_AUTH_KEY_BYTES);
	SHA1_Init(&transform->inner);
	SHA1_Update(&transform->inner, pad, sizeof pad);
	memset(pad, 0x5c, sizeof pad);
	xor_into(pad, key, SRTP_AUTH_KEY_BYTES);
	SHA1_Init(&transform->outer);
	SHA1_Update(&transform->outer, pad, sizeof pad);
	OPENSSL_cleanse(pad, sizeof pad);
}

static const EVP_CIPHER *cipher_of(const struct srtp_suite *suite)
{
	if (suite->is_aead)
		return suite->key_bytes == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
	return suite->key_bytes == 32 ? EVP_aes_256_ecb() : EVP_aes_128_ecb();
}

int media_srtp_transform_init(struct srtp_transform *transform, const struct srtp_suite *suite,
			      const struct srtp_session_keys *keys, enum media_srtp_direction direction)
{
	/* AES-CM always encrypts its counters */
	int is_encrypting = !suite->is_aead || direction == MEDIA_SRTP_SEND;
	memcpy(transform->salt, keys->salt, suite->salt_bytes);
	if (!suite->is_aead)
		start_hmac(transform, keys->auth);
	transform->cipher = EVP_CIPHER_CTX_new();
	if (!transform->cipher ||
	    EVP_CipherInit_ex2(transform->cipher, cipher_of(suite), keys->cipher, NULL, is_encrypting, NULL) != 1) {
		ERR_clear_error();
		return -EIO;
	}
	EVP_CIPHER_CTX_set_padding(transform->cipher, 0);
	return 0;
}

void media_srtp_transform_clear(struct srtp_transform *transform)
{
	EVP_CIPHER_CTX_free(transform->cipher);
	OPENSSL_cleanse(transform, sizeof *transform);
}
