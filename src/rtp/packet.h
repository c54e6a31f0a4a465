/* RTP packets (RFC 3550, section 5.1), header extensions (RFC 8285), and what kind of packet a datagram is (RFC 7983).
 * Pure, no allocation; any thread. Nothing is read beyond the length given. */
#pragma once
#include "base/base.h"

#define RTP_VERSION	       2
#define RTP_HEADER_BYTES       12 /* without CSRCs and extension */
#define RTP_CSRC_MAX	       15
#define RTP_EXTENSION_ONE_BYTE 0xbede
#define RTP_EXTENSION_TWO_BYTE 0x1000 /* the low four bits are the application's */
#define RTP_PACKET_BYTES_MAX   2048   /* the largest datagram taken or sent */

static inline uint16_t rtp_get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t rtp_get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void rtp_put_u16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void rtp_put_u32(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 24);
	p[1] = (uint8_t)(value >> 16);
	p[2] = (uint8_t)(value >> 8);
	p[3] = (uint8_t)value;
}

/* How far `a` is ahead of `b`, around the end of the numbers; negative: behind. */
static inline int rtp_sequence_distance(uint16_t a, uint16_t b)
{
	return (int16_t)(uint16_t)(a - b);
}

static inline int32_t rtp_timestamp_distance(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/* What a datagram on a media port is, by its first bytes (RFC 7983; RTCP apart from RTP by RFC 5761, section 4). */
enum rtp_kind {
	RTP_KIND_UNKNOWN,
	RTP_KIND_STUN,
	RTP_KIND_ZRTP,
	RTP_KIND_DTLS,
	RTP_KIND_TURN_CHANNEL,
	RTP_KIND_RTP,
	RTP_KIND_RTCP
};
enum rtp_kind rtp_classify(const uint8_t *data, size_t length);

/* A parsed packet; the pointers are into the datagram. */
struct rtp_packet {
	bool marker;
	uint8_t payload_type;
	uint16_t sequence;
	uint32_t timestamp;
	uint32_t ssrc;
	uint8_t n_csrc;
	const uint8_t *csrc; /* four bytes each */
	bool has_extension;
	uint16_t extension_profile;
	const uint8_t *extension;
	size_t extension_bytes;
	const uint8_t *payload;
	size_t payload_bytes; /* without padding */
	uint8_t padding_bytes;
};

/* 0 or -EBADMSG. */
int rtp_packet_parse(const uint8_t *data, size_t length, struct rtp_packet *ret_packet);
/* Fixed header, CSRCs and extension together: what SRTP leaves in the clear. 0 or -EBADMSG. Looks at no padding, since
 * that may still be encrypted. */
int rtp_header_length(const uint8_t *data, size_t length, size_t *ret_bytes);
/* Writes the packet; `payload` may already stand at its place in `data`. padding_bytes counts its own last byte. 0,
 * -ENOSPC, or -EINVAL (extension not a multiple of four, payload type over 127, more than 15 CSRCs). */
int rtp_packet_build(const struct rtp_packet *packet, uint8_t *data, size_t capacity, size_t *ret_length);

/* The elements of a header extension of RFC 8285, one-byte or two-byte form by the profile. */
struct rtp_extension_element {
	uint8_t id; /* 1 to 14, or 1 to 255 */
	const uint8_t *data;
	size_t length;
};
struct rtp_extension_iterator {
	const uint8_t *data;
	size_t left;
	bool two_byte;
};
/* Ready for ..._next(), which gives nothing when the packet has no extension of RFC 8285. */
void rtp_extension_start(const struct rtp_packet *packet, struct rtp_extension_iterator *iterator);
/* False at the end, and at the first element that is not whole. */
bool rtp_extension_next(struct rtp_extension_iterator *iterator, struct rtp_extension_element *ret_element);
