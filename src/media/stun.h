/* STUN messages as such (RFC 8489), and the little of TURN (RFC 8656) that is looked at here; libnice speaks it. Pure; any
 * thread. */
#pragma once
#include "net/address.h"

#define MEDIA_STUN_HEADER_BYTES	     20
#define MEDIA_STUN_ATTRIBUTE_BYTES   4 /* its type and length, before the value */
#define MEDIA_STUN_TRANSACTION_BYTES 12
#define MEDIA_STUN_PADDED(bytes)     (((bytes) + 3) & ~(size_t)3)
#define MEDIA_STUN_CHANNEL_FIRST     0x40 /* first bytes of channel data (RFC 8656, section 12); of a message they are lower */
#define MEDIA_STUN_CHANNEL_LAST	     0x4f
#define MEDIA_STUN_ADDRESS_BYTES_MAX 20 /* of an address's value */

struct media_stun_attribute {
	uint16_t type;
	size_t value_bytes;
	const uint8_t *value; /* in the message */
	size_t begin, end;    /* where in the message it stands; the padding belongs to it */
};

/* Whether this is a whole message, by its header. */
bool media_stun_is_message(const uint8_t *bytes, size_t length);
/* Goes on from an attribute of a message to the next; from a zeroed one to the first. 1, 0: there is none, -EBADMSG: it is cut off. */
int media_stun_next(const uint8_t *bytes, size_t length, struct media_stun_attribute *attribute);

/* A header, but for the length, which its writer knows at the end. */
void media_stun_put_header(uint16_t type, const uint8_t transaction[static MEDIA_STUN_TRANSACTION_BYTES],
			   uint8_t ret_bytes[static MEDIA_STUN_HEADER_BYTES]);
/* The value of an XOR-MAPPED-ADDRESS (section 14.2) in a message with this header. Returns its length. */
size_t media_stun_put_address(const uint8_t header[static MEDIA_STUN_HEADER_BYTES], const struct net_address *address,
			      uint8_t ret_value[static MEDIA_STUN_ADDRESS_BYTES_MAX]);

/* Where a TURN server sees us who grants an allocation (RFC 8656, section 7.3). False for any other message. */
bool media_stun_allocated(const uint8_t *bytes, size_t length, struct net_address *ret_seen);

/* What a TURN server has wrapped in a Data indication or a channel's message (RFC 8656, sections 11 and 12); what is neither, as it
 * is. *length becomes its length. */
const uint8_t *media_stun_unwrap(const uint8_t *bytes, size_t *length);
