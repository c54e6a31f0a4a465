/* Inside of media/srtp: the ciphers and the authentication of one set of session keys, on OpenSSL. */
#pragma once
#include "media/srtp_backend.h"
#include <openssl/evp.h>
#include <openssl/modes.h>
#include <openssl/sha.h>

#define SRTP_GCM_TAG_BYTES 16

/* The keys of RTP or of RTCP, ready for use. */
struct srtp_transform {
	EVP_CIPHER_CTX *cipher; /* AES, ECB */
	GCM128_CONTEXT *gcm;	/* AEAD only; points back here */
	bool has_failed;	/* the cipher, inside GCM's callbacks */
	uint8_t salt[16];	/* zeros behind it */
	SHA_CTX inner, outer;	/* HMAC's, after the padded key */
};

/* Into a zeroed one, which stays where it is. 0 or -EIO; to be cleared either way. */
int media_srtp_transform_init(struct srtp_transform *transform, const struct srtp_suite *suite,
			      const struct srtp_session_keys *keys);
void media_srtp_transform_clear(struct srtp_transform *transform);

/* AES-CM, either way (RFC 3711, section 4.1.1). `index`: 2^16 * ROC + SEQ, or SRTCP's. */
bool media_srtp_counter_mode(const struct srtp_transform *transform, uint32_t ssrc, uint64_t index, uint8_t *data,
			     size_t length);
/* HMAC-SHA1 over the packet and, for RTP, the rollover counter behind it (RFC 3711, section 4.2); not cut yet. */
void media_srtp_hmac(const struct srtp_transform *transform, const uint8_t *data, size_t length,
		     const uint32_t *rollover, uint8_t ret_mac[static SHA_DIGEST_LENGTH]);

/* What AEAD covers without hiding it: one or two pieces of the packet. */
struct srtp_associated {
	const uint8_t *header;
	size_t header_bytes;
	const uint8_t *trailer; /* SRTCP's index word, or NULL */
};
/* RFC 7714: the IV and what is associated; then one of the other two. */
void media_srtp_gcm_start(struct srtp_transform *transform, uint32_t ssrc, uint64_t index,
			  const struct srtp_associated *associated);
bool media_srtp_gcm_seal(struct srtp_transform *transform, uint8_t *data, size_t length,
			 uint8_t ret_tag[static SRTP_GCM_TAG_BYTES]);
/* False also when the tag is wrong; the data is worthless then. */
bool media_srtp_gcm_open(struct srtp_transform *transform, uint8_t *data, size_t length,
			 const uint8_t tag[static SRTP_GCM_TAG_BYTES]);
