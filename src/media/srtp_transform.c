/* The shape is the one that costs least per packet. The only thing asked of EVP is AES in ECB mode on a run of counter
 * blocks:
 *
 * - An IV set through EVP's re-initialisation would cost more than the encryption of a voice packet; so AES-CM's and
 *   GCM's key streams are made of our own counter blocks, many at once.
 * - GCM's authentication is OpenSSL's CRYPTO_gcm128_*, the part below EVP_aes_128_gcm(), which is half the price
 *   without the layers above it.
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

static bool encrypt_blocks(const struct srtp_transform *transform, uint8_t *blocks, size_t n)
{
	int written;
	return EVP_EncryptUpdate(transform->cipher, blocks, &written, blocks, (int)(n * AES_BLOCK_BYTES)) == 1;
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
		if (!encrypt_blocks(transform, stream, blocks))
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

/* What OpenSSL's GCM calls for one block, and for a run of blocks that count in their last 32 bits. `key` is the
 * transform: never a const object, whatever the prototype says. */
static void gcm_block(const uint8_t in[AES_BLOCK_BYTES], uint8_t out[AES_BLOCK_BYTES], const void *key)
{
	struct srtp_transform *transform = (struct srtp_transform *)key;
	memmove(out, in, AES_BLOCK_BYTES);
	if (!encrypt_blocks(transform, out, 1))
		transform->has_failed = true;
}

static void gcm_blocks(const uint8_t *in, uint8_t *out, size_t blocks, const void *key,
		       const uint8_t first[AES_BLOCK_BYTES])
{
	struct srtp_transform *transform = (struct srtp_transform *)key;
	uint8_t stream[KEY_STREAM_BLOCKS * AES_BLOCK_BYTES];
	uint32_t counter = rtp_get_u32(first + GCM_IV_BYTES);
	while (blocks > 0) {
		size_t part = MIN(blocks, KEY_STREAM_BLOCKS), bytes = part * AES_BLOCK_BYTES;
		for (size_t i = 0; i < part; i++) {
			memcpy(stream + i * AES_BLOCK_BYTES, first, GCM_IV_BYTES);
			rtp_put_u32(stream + i * AES_BLOCK_BYTES + GCM_IV_BYTES, counter++);
		}
		if (!encrypt_blocks(transform, stream, part))
			transform->has_failed = true;
		if (out != in)
			memmove(out, in, bytes);
		xor_into(out, stream, bytes);
		in += bytes;
		out += bytes;
		blocks -= part;
	}
}

void media_srtp_gcm_start(struct srtp_transform *transform, uint32_t ssrc, uint64_t index,
			  const struct srtp_associated *associated)
{
	/* RFC 7714, section 8.1 and 9.1: the same layout, an SRTCP index being one of 31 bits */
	uint8_t iv[GCM_IV_BYTES] = {0};
	rtp_put_u32(iv + 2, ssrc);
	put_u48(iv + 6, index);
	xor_into(iv, transform->salt, sizeof iv);
	transform->has_failed = false;
	CRYPTO_gcm128_setiv(transform->gcm, iv, sizeof iv);
	CRYPTO_gcm128_aad(transform->gcm, associated->header, associated->header_bytes);
	if (associated->trailer)
		CRYPTO_gcm128_aad(transform->gcm, associated->trailer, SRTCP_INDEX_BYTES);
}

bool media_srtp_gcm_seal(struct srtp_transform *transform, uint8_t *data, size_t length,
			 uint8_t ret_tag[static SRTP_GCM_TAG_BYTES])
{
	int r = CRYPTO_gcm128_encrypt_ctr32(transform->gcm, data, data, length, gcm_blocks);
	CRYPTO_gcm128_tag(transform->gcm, ret_tag, SRTP_GCM_TAG_BYTES);
	return r == 0 && !transform->has_failed;
}

bool media_srtp_gcm_open(struct srtp_transform *transform, uint8_t *data, size_t length,
			 const uint8_t tag[static SRTP_GCM_TAG_BYTES])
{
	int r = CRYPTO_gcm128_decrypt_ctr32(transform->gcm, data, data, length, gcm_blocks);
	bool is_authentic = CRYPTO_gcm128_finish(transform->gcm, tag, SRTP_GCM_TAG_BYTES) == 0;
	return r == 0 && is_authentic && !transform->has_failed;
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

int media_srtp_transform_init(struct srtp_transform *transform, const struct srtp_suite *suite,
			      const struct srtp_session_keys *keys)
{
	const EVP_CIPHER *aes = suite->key_bytes == 32 ? EVP_aes_256_ecb() : EVP_aes_128_ecb();
	memcpy(transform->salt, keys->salt, suite->salt_bytes);
	transform->cipher = EVP_CIPHER_CTX_new();
	if (!transform->cipher || EVP_EncryptInit_ex2(transform->cipher, aes, keys->cipher, NULL, NULL) != 1)
		goto fail;
	EVP_CIPHER_CTX_set_padding(transform->cipher, 0);
	if (!suite->is_aead) {
		start_hmac(transform, keys->auth);
		return 0;
	}
	transform->gcm = CRYPTO_gcm128_new(transform, gcm_block); /* encrypts its first block now */
	if (!transform->gcm || transform->has_failed)
		goto fail;
	return 0;
fail:
	ERR_clear_error();
	return -EIO;
}

void media_srtp_transform_clear(struct srtp_transform *transform)
{
	CRYPTO_gcm128_release(transform->gcm);
	EVP_CIPHER_CTX_free(transform->cipher);
	OPENSSL_cleanse(transform, sizeof *transform);
}
