#include "media/stun.h"
#include "crypto/digest.h"
#include "rtp/packet.h"
#include <string.h>

#define HEADER_BYTES	  20
#define ATTRIBUTE_BYTES	  4
#define COOKIE		  0x2112a442u
#define BINDING_REQUEST	  0x0001
#define BINDING_SUCCESS	  0x0101
#define ALLOCATE_SUCCESS  0x0103
#define DATA_INDICATION	  0x0017
#define DATA		  0x0013
#define CHANNEL_FIRST	  0x40
#define CHANNEL_LAST	  0x4f
#define USERNAME	  0x0006
#define MESSAGE_INTEGRITY 0x0008
#define XOR_MAPPED_ADDRESS 0x0020
#define FAMILY_IPV4	  0x01
#define FAMILY_IPV6	  0x02
#define INTEGRITY_BYTES	  20
#define MESSAGE_BYTES_MAX 1280 /* what libnice takes */

/* Where the attribute stands; 0: nowhere. */
static size_t find_attribute(const uint8_t *bytes, size_t length, uint16_t type, size_t *ret_value_bytes)
{
	size_t position = HEADER_BYTES;

	while (length - position >= ATTRIBUTE_BYTES) {
		size_t value_bytes = rtp_get_u16(bytes + position + 2);
		size_t padded = (value_bytes + 3) & ~(size_t)3;

		if (padded > length - position - ATTRIBUTE_BYTES)
			return 0;
		if (rtp_get_u16(bytes + position) == type) {
			*ret_value_bytes = value_bytes;
			return position;
		}
		position += ATTRIBUTE_BYTES + padded;
	}
	return 0;
}

static bool is_message(const uint8_t *bytes, size_t length, uint16_t type)
{
	return length >= HEADER_BYTES && rtp_get_u16(bytes) == type && rtp_get_u32(bytes + 4) == COOKIE &&
	       rtp_get_u16(bytes + 2) == length - HEADER_BYTES;
}

static bool is_authentic(const uint8_t *bytes, size_t length, uint16_t type, const char *password)
{
	uint8_t covered[MESSAGE_BYTES_MAX], digest[CRYPTO_DIGEST_BYTES_MAX];
	size_t position, value_bytes;

	if (length > MESSAGE_BYTES_MAX || !is_message(bytes, length, type))
		return false;
	position = find_attribute(bytes, length, MESSAGE_INTEGRITY, &value_bytes);
	if (position == 0 || value_bytes != INTEGRITY_BYTES)
		return false;
	/* The HMAC is of all before the attribute, with a length that ends with the attribute. */
	memcpy(covered, bytes, position);
	rtp_put_u16(covered + 2, (uint16_t)(position + ATTRIBUTE_BYTES + INTEGRITY_BYTES - HEADER_BYTES));
	return crypto_hmac(CRYPTO_SHA1, password, strlen(password), covered, position, digest) == 0 &&
	       crypto_equal(digest, bytes + position + ATTRIBUTE_BYTES, INTEGRITY_BYTES);
}

bool media_stun_is_answer(const uint8_t *bytes, size_t length, const char *password,
			  uint8_t ret_transaction[static MEDIA_STUN_TRANSACTION_BYTES])
{
	if (!is_authentic(bytes, length, BINDING_SUCCESS, password))
		return false;
	memcpy(ret_transaction, bytes + 8, MEDIA_STUN_TRANSACTION_BYTES);
	return true;
}

bool media_stun_is_check(const uint8_t *bytes, size_t length, const char *ufrag, const char *password)
{
	size_t position, value_bytes, ufrag_bytes = strlen(ufrag);
	const uint8_t *value;

	if (!is_authentic(bytes, length, BINDING_REQUEST, password))
		return false;
	position = find_attribute(bytes, length, USERNAME, &value_bytes);
	value = bytes + position + ATTRIBUTE_BYTES;
	return position > 0 && value_bytes > ufrag_bytes && memcmp(value, ufrag, ufrag_bytes) == 0 && value[ufrag_bytes] == ':';
}

/* RFC 8489, section 14.2: the cookie, and for IPv6 the transaction behind it, are laid over it. */
static bool read_address(const uint8_t *bytes, const uint8_t *value, size_t value_bytes, struct net_address *ret_address)
{
	struct net_address address = {0};
	size_t address_bytes = value_bytes - 4;
	bool is_ipv6 = value_bytes == 20 && value[1] == FAMILY_IPV6;
	uint8_t *to = is_ipv6 ? address.ipv6.sin6_addr.s6_addr : (uint8_t *)&address.ipv4.sin_addr;

	if (!is_ipv6 && (value_bytes != 8 || value[1] != FAMILY_IPV4))
		return false;
	address.any.sa_family = is_ipv6 ? AF_INET6 : AF_INET;
	address.length = is_ipv6 ? sizeof address.ipv6 : sizeof address.ipv4;
	for (size_t i = 0; i < address_bytes; i++)
		to[i] = value[4 + i] ^ bytes[4 + i];
	net_address_set_port(&address, rtp_get_u16(value + 2) ^ COOKIE >> 16);
	*ret_address = address;
	return true;
}

bool media_stun_allocated(const uint8_t *bytes, size_t length, struct net_address *ret_seen)
{
	size_t position, value_bytes;

	if (!is_message(bytes, length, ALLOCATE_SUCCESS))
		return false;
	position = find_attribute(bytes, length, XOR_MAPPED_ADDRESS, &value_bytes);
	return position > 0 && read_address(bytes, bytes + position + ATTRIBUTE_BYTES, value_bytes, ret_seen);
}

const uint8_t *media_stun_unwrap(const uint8_t *bytes, size_t *length)
{
	size_t position, value_bytes = 0;

	if (*length < ATTRIBUTE_BYTES)
		return bytes;
	if (bytes[0] >= CHANNEL_FIRST && bytes[0] <= CHANNEL_LAST) { /* number and length, as an attribute has them */
		value_bytes = rtp_get_u16(bytes + 2);
		position = 0;
	} else if (is_message(bytes, *length, DATA_INDICATION)) {
		position = find_attribute(bytes, *length, DATA, &value_bytes);
	} else {
		return bytes;
	}
	*length = MIN(value_bytes, *length - position - ATTRIBUTE_BYTES);
	return bytes + position + ATTRIBUTE_BYTES;
}
