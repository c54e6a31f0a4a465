#include "media/stun.h"
#include "rtp/packet.h"
#include <string.h>

#define COOKIE		   0x2112a442u
#define ALLOCATE_SUCCESS   0x0103
#define DATA_INDICATION	   0x0017
#define DATA		   0x0013
#define XOR_MAPPED_ADDRESS 0x0020
#define FAMILY_IPV4	   0x01
#define FAMILY_IPV6	   0x02

bool media_stun_is_message(const uint8_t *bytes, size_t length)
{
	return length >= MEDIA_STUN_HEADER_BYTES && length % 4 == 0 && rtp_get_u32(bytes + 4) == COOKIE &&
	       rtp_get_u16(bytes + 2) == length - MEDIA_STUN_HEADER_BYTES;
}

int media_stun_next(const uint8_t *bytes, size_t length, struct media_stun_attribute *attribute)
{
	size_t begin = attribute->end ? attribute->end : MEDIA_STUN_HEADER_BYTES;
	size_t value_bytes, padded;

	if (begin == length)
		return 0;
	if (length - begin < MEDIA_STUN_ATTRIBUTE_BYTES)
		return -EBADMSG;
	value_bytes = rtp_get_u16(bytes + begin + 2);
	padded = MEDIA_STUN_PADDED(value_bytes);
	if (padded > length - begin - MEDIA_STUN_ATTRIBUTE_BYTES)
		return -EBADMSG;
	*attribute = (struct media_stun_attribute){
		.type = rtp_get_u16(bytes + begin),
		.value_bytes = value_bytes,
		.value = bytes + begin + MEDIA_STUN_ATTRIBUTE_BYTES,
		.begin = begin,
		.end = begin + MEDIA_STUN_ATTRIBUTE_BYTES + padded,
	};
	return 1;
}

void media_stun_put_header(uint16_t type, const uint8_t transaction[static MEDIA_STUN_TRANSACTION_BYTES],
			   uint8_t ret_bytes[static MEDIA_STUN_HEADER_BYTES])
{
	rtp_put_u16(ret_bytes, type);
	rtp_put_u16(ret_bytes + 2, 0);
	rtp_put_u32(ret_bytes + 4, COOKIE);
	memcpy(ret_bytes + 8, transaction, MEDIA_STUN_TRANSACTION_BYTES);
}

/* --- addresses: the cookie, and for IPv6 the transaction behind it, are laid over them (section 14.2) --- */

static uint8_t *host_of(struct net_address *address, size_t *ret_bytes)
{
	bool is_ipv6 = net_address_is_ipv6(address);

	*ret_bytes = is_ipv6 ? sizeof address->ipv6.sin6_addr : sizeof address->ipv4.sin_addr;
	return is_ipv6 ? address->ipv6.sin6_addr.s6_addr : (uint8_t *)&address->ipv4.sin_addr;
}

size_t media_stun_put_address(const uint8_t header[static MEDIA_STUN_HEADER_BYTES], const struct net_address *address,
			      uint8_t ret_value[static MEDIA_STUN_ADDRESS_BYTES_MAX])
{
	struct net_address copy = *address;
	size_t host_bytes;
	const uint8_t *host = host_of(&copy, &host_bytes);

	ret_value[0] = 0;
	ret_value[1] = net_address_is_ipv6(address) ? FAMILY_IPV6 : FAMILY_IPV4;
	rtp_put_u16(ret_value + 2, (uint16_t)(net_address_port(address) ^ COOKIE >> 16));
	for (size_t i = 0; i < host_bytes; i++)
		ret_value[4 + i] = host[i] ^ header[4 + i];
	return 4 + host_bytes;
}

static bool read_address(const uint8_t *bytes, const struct media_stun_attribute *attribute, struct net_address *ret_address)
{
	const uint8_t *value = attribute->value;
	bool is_ipv6 = attribute->value_bytes == 20 && value[1] == FAMILY_IPV6;
	struct net_address address = {0};
	size_t host_bytes;
	uint8_t *host;

	if (!is_ipv6 && (attribute->value_bytes != 8 || value[1] != FAMILY_IPV4))
		return false;
	address.any.sa_family = is_ipv6 ? AF_INET6 : AF_INET;
	address.length = is_ipv6 ? sizeof address.ipv6 : sizeof address.ipv4;
	host = host_of(&address, &host_bytes);
	for (size_t i = 0; i < host_bytes; i++)
		host[i] = value[4 + i] ^ bytes[4 + i];
	net_address_set_port(&address, rtp_get_u16(value + 2) ^ COOKIE >> 16);
	*ret_address = address;
	return true;
}

/* --- of TURN --- */

static bool find(const uint8_t *bytes, size_t length, uint16_t message, uint16_t type, struct media_stun_attribute *ret_attribute)
{
	*ret_attribute = (struct media_stun_attribute){0};
	if (!media_stun_is_message(bytes, length) || rtp_get_u16(bytes) != message)
		return false;
	while (media_stun_next(bytes, length, ret_attribute) == 1)
		if (ret_attribute->type == type)
			return true;
	return false;
}

bool media_stun_allocated(const uint8_t *bytes, size_t length, struct net_address *ret_seen)
{
	struct media_stun_attribute attribute;

	return find(bytes, length, ALLOCATE_SUCCESS, XOR_MAPPED_ADDRESS, &attribute) && read_address(bytes, &attribute, ret_seen);
}

const uint8_t *media_stun_unwrap(const uint8_t *bytes, size_t *length)
{
	struct media_stun_attribute data;

	if (*length >= MEDIA_STUN_ATTRIBUTE_BYTES && bytes[0] >= MEDIA_STUN_CHANNEL_FIRST && bytes[0] <= MEDIA_STUN_CHANNEL_LAST) {
		/* Number and length, as an attribute has them. */
		*length = MIN((size_t)rtp_get_u16(bytes + 2), *length - MEDIA_STUN_ATTRIBUTE_BYTES);
		return bytes + MEDIA_STUN_ATTRIBUTE_BYTES;
	}
	if (!find(bytes, *length, DATA_INDICATION, DATA, &data))
		return bytes;
	*length = data.value_bytes;
	return data.value;
}
