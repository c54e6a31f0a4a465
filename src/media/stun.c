#include "media/stun.h"
#include "crypto/digest.h"
#include "rtp/packet.h"
#include <string.h>

#define HEADER_BYTES	  20
#define ATTRIBUTE_BYTES	  4
#define COOKIE		  0x2112a442u
#define BINDING_SUCCESS	  0x0101
#define MESSAGE_INTEGRITY 0x0008
#define INTEGRITY_BYTES	  20
#define MESSAGE_BYTES_MAX 1280 /* what libnice takes */

/* Where the MESSAGE-INTEGRITY attribute stands; 0: nowhere. */
static size_t find_integrity(const uint8_t *bytes, size_t length)
{
	size_t position = HEADER_BYTES;

	while (length - position >= ATTRIBUTE_BYTES) {
		size_t value_bytes = rtp_get_u16(bytes + position + 2);
		size_t padded = (value_bytes + 3) & ~(size_t)3;

		if (padded > length - position - ATTRIBUTE_BYTES)
			return 0;
		if (rtp_get_u16(bytes + position) == MESSAGE_INTEGRITY)
			return value_bytes == INTEGRITY_BYTES ? position : 0;
		position += ATTRIBUTE_BYTES + padded;
	}
	return 0;
}

bool media_stun_is_answer(const uint8_t *bytes, size_t length, const char *password,
			  uint8_t ret_transaction[static MEDIA_STUN_TRANSACTION_BYTES])
{
	uint8_t covered[MESSAGE_BYTES_MAX], digest[CRYPTO_DIGEST_BYTES_MAX];
	size_t position;

	if (length < HEADER_BYTES || length > MESSAGE_BYTES_MAX || rtp_get_u16(bytes) != BINDING_SUCCESS ||
	    rtp_get_u32(bytes + 4) != COOKIE || rtp_get_u16(bytes + 2) != length - HEADER_BYTES)
		return false;
	position = find_integrity(bytes, length);
	if (position == 0)
		return false;
	/* The HMAC is of all before the attribute, with a length that ends with the attribute. */
	memcpy(covered, bytes, position);
	rtp_put_u16(covered + 2, (uint16_t)(position + ATTRIBUTE_BYTES + INTEGRITY_BYTES - HEADER_BYTES));
	if (crypto_hmac(CRYPTO_SHA1, password, strlen(password), covered, position, digest) < 0 ||
	    !crypto_equal(digest, bytes + position + ATTRIBUTE_BYTES, INTEGRITY_BYTES))
		return false;
	memcpy(ret_transaction, bytes + 8, MEDIA_STUN_TRANSACTION_BYTES);
	return true;
}
