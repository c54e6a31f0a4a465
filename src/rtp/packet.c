#include "rtp/packet.h"
#include <string.h>

#define EXTENSION_HEADER_BYTES	4
#define ONE_BYTE_ID_STOP	15 /* RFC 8285, section 4.2: ends the walk */
#define FIRST_RTCP_PAYLOAD_TYPE 64 /* RFC 5761, section 4: 64 to 95 with the marker bit is RTCP's 192 to 223 */
#define LAST_RTCP_PAYLOAD_TYPE	95

enum rtp_kind rtp_classify(const uint8_t *data, size_t length)
{
	if (length < 2)
		return RTP_KIND_UNKNOWN;
	uint8_t first = data[0];
	if (first <= 3)
		return RTP_KIND_STUN;
	if (first >= 16 && first <= 19)
		return RTP_KIND_ZRTP;
	if (first >= 20 && first <= 63)
		return RTP_KIND_DTLS;
	if (first >= 64 && first <= 79)
		return RTP_KIND_TURN_CHANNEL;
	if (first < 128 || first > 191)
		return RTP_KIND_UNKNOWN;
	uint8_t payload_type = data[1] & 0x7f;
	if (payload_type >= FIRST_RTCP_PAYLOAD_TYPE && payload_type <= LAST_RTCP_PAYLOAD_TYPE)
		return RTP_KIND_RTCP;
	return RTP_KIND_RTP;
}

int rtp_header_length(const uint8_t *data, size_t length, size_t *ret_bytes)
{
	if (length < RTP_HEADER_BYTES || data[0] >> 6 != RTP_VERSION)
		return -EBADMSG;
	size_t bytes = RTP_HEADER_BYTES + 4 * (size_t)(data[0] & 0x0f);
	if (data[0] & 0x10) {
		if (bytes + EXTENSION_HEADER_BYTES > length)
			return -EBADMSG;
		bytes += EXTENSION_HEADER_BYTES + 4 * (size_t)rtp_get_u16(data + bytes + 2);
	}
	if (bytes > length)
		return -EBADMSG;
	*ret_bytes = bytes;
	return 0;
}

int rtp_packet_parse(const uint8_t *data, size_t length, struct rtp_packet *ret_packet)
{
	size_t header_bytes;
	if (rtp_header_length(data, length, &header_bytes) < 0)
		return -EBADMSG;
	uint8_t padding_bytes = 0;
	if (data[0] & 0x20) {
		padding_bytes = data[length - 1];
		if (padding_bytes == 0 || padding_bytes > length - header_bytes)
			return -EBADMSG;
	}
	struct rtp_packet packet = {
	    .marker = data[1] & 0x80,
	    .payload_type = data[1] & 0x7f,
	    .sequence = rtp_get_u16(data + 2),
	    .timestamp = rtp_get_u32(data + 4),
	    .ssrc = rtp_get_u32(data + 8),
	    .n_csrc = data[0] & 0x0f,
	    .csrc = data + RTP_HEADER_BYTES,
	    .has_extension = data[0] & 0x10,
	    .payload = data + header_bytes,
	    .payload_bytes = length - header_bytes - padding_bytes,
	    .padding_bytes = padding_bytes,
	};
	if (packet.has_extension) {
		const uint8_t *extension = packet.csrc + 4 * (size_t)packet.n_csrc;
		packet.extension_profile = rtp_get_u16(extension);
		packet.extension = extension + EXTENSION_HEADER_BYTES;
		packet.extension_bytes = 4 * (size_t)rtp_get_u16(extension + 2);
	}
	*ret_packet = packet;
	return 0;
}

int rtp_packet_build(const struct rtp_packet *packet, uint8_t *data, size_t capacity, size_t *ret_length)
{
	if (packet->payload_type > 127 || packet->n_csrc > RTP_CSRC_MAX ||
	    (packet->has_extension && (packet->extension_bytes % 4 || packet->extension_bytes / 4 > UINT16_MAX)))
		return -EINVAL;
	size_t header_bytes = RTP_HEADER_BYTES + 4 * (size_t)packet->n_csrc;
	if (packet->has_extension)
		header_bytes += EXTENSION_HEADER_BYTES + packet->extension_bytes;
	if (header_bytes + packet->padding_bytes > capacity ||
	    packet->payload_bytes > capacity - header_bytes - packet->padding_bytes)
		return -ENOSPC;

	/* the payload first: it may overlap the place of the header */
	if (packet->payload_bytes > 0)
		memmove(data + header_bytes, packet->payload, packet->payload_bytes);
	data[0] = (uint8_t)(RTP_VERSION << 6 | (packet->padding_bytes ? 0x20 : 0) | (packet->has_extension ? 0x10 : 0) |
			    packet->n_csrc);
	data[1] = (uint8_t)((packet->marker ? 0x80 : 0) | packet->payload_type);
	rtp_put_u16(data + 2, packet->sequence);
	rtp_put_u32(data + 4, packet->timestamp);
	rtp_put_u32(data + 8, packet->ssrc);
	uint8_t *next = data + RTP_HEADER_BYTES;
	if (packet->n_csrc > 0)
		memmove(next, packet->csrc, 4 * (size_t)packet->n_csrc);
	next += 4 * (size_t)packet->n_csrc;
	if (packet->has_extension) {
		rtp_put_u16(next, packet->extension_profile);
		rtp_put_u16(next + 2, (uint16_t)(packet->extension_bytes / 4));
		if (packet->extension_bytes > 0)
			memmove(next + EXTENSION_HEADER_BYTES, packet->extension, packet->extension_bytes);
	}
	size_t length = header_bytes + packet->payload_bytes;
	if (packet->padding_bytes) {
		memset(data + length, 0, packet->padding_bytes);
		length += packet->padding_bytes;
		data[length - 1] = packet->padding_bytes;
	}
	*ret_length = length;
	return 0;
}

void rtp_extension_start(const struct rtp_packet *packet, struct rtp_extension_iterator *iterator)
{
	bool two_byte = (packet->extension_profile & 0xfff0) == RTP_EXTENSION_TWO_BYTE;
	bool is_known = packet->has_extension && (two_byte || packet->extension_profile == RTP_EXTENSION_ONE_BYTE);
	*iterator = (struct rtp_extension_iterator){
	    .data = packet->extension,
	    .left = is_known ? packet->extension_bytes : 0,
	    .two_byte = two_byte,
	};
}

bool rtp_extension_next(struct rtp_extension_iterator *iterator, struct rtp_extension_element *ret_element)
{
	while (iterator->left > 0 && iterator->data[0] == 0) { /* padding between elements */
		iterator->data++;
		iterator->left--;
	}
	size_t header_bytes = iterator->two_byte ? 2 : 1;
	if (iterator->left < header_bytes)
		return false;
	uint8_t id = iterator->two_byte ? iterator->data[0] : iterator->data[0] >> 4;
	size_t length = iterator->two_byte ? iterator->data[1] : (size_t)(iterator->data[0] & 0x0f) + 1;
	bool is_stop = !iterator->two_byte && (id == ONE_BYTE_ID_STOP || id == 0);
	if (is_stop || length > iterator->left - header_bytes) {
		iterator->left = 0;
		return false;
	}
	*ret_element = (struct rtp_extension_element){
	    .id = id,
	    .data = iterator->data + header_bytes,
	    .length = length,
	};
	iterator->data += header_bytes + length;
	iterator->left -= header_bytes + length;
	return true;
}
