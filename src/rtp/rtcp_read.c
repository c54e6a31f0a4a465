#include "rtp/rtcp.h"

#define SENDER_INFO_BYTES  20
#define REPORT_BLOCK_BYTES 24
#define SSRC_BYTES	   4
#define XR_HEADER_BYTES	   4
#define SDES_CNAME	   1

void rtcp_start(const uint8_t *data, size_t length, struct rtcp_iterator *ret_iterator)
{
	*ret_iterator = (struct rtcp_iterator){data, length};
}

bool rtcp_next(struct rtcp_iterator *iterator, struct rtcp_packet *ret_packet)
{
	const uint8_t *data = iterator->data;
	if (iterator->left < RTCP_HEADER_BYTES || data[0] >> 6 != RTP_VERSION)
		return false;
	size_t bytes = 4 * ((size_t)rtp_get_u16(data + 2) + 1);
	if (bytes > iterator->left)
		return false;
	size_t body_bytes = bytes - RTCP_HEADER_BYTES;
	if (data[0] & 0x20) {
		size_t padding = data[bytes - 1];
		if (body_bytes == 0 || padding == 0 || padding % 4 || padding > body_bytes)
			return false;
		body_bytes -= padding;
	}
	*ret_packet = (struct rtcp_packet){
	    .type = data[1],
	    .count = data[0] & 0x1f,
	    .body = data + RTCP_HEADER_BYTES,
	    .body_bytes = body_bytes,
	};
	iterator->data += bytes;
	iterator->left -= bytes;
	return true;
}

int rtcp_compound_check(const uint8_t *data, size_t length, bool reduced_size)
{
	struct rtcp_iterator iterator;
	struct rtcp_packet packet;
	bool is_first = true;
	rtcp_start(data, length, &iterator);
	while (iterator.left > 0) {
		bool has_padding = iterator.data[0] & 0x20;
		if (!rtcp_next(&iterator, &packet))
			return -EBADMSG;
		if (is_first && !reduced_size && packet.type != RTCP_SR && packet.type != RTCP_RR)
			return -EBADMSG;
		if (has_padding && iterator.left > 0)
			return -EBADMSG;
		is_first = false;
	}
	return is_first ? -EBADMSG : 0;
}

bool rtcp_sender_ssrc(const struct rtcp_packet *packet, uint32_t *ret_ssrc)
{
	switch (packet->type) {
	case RTCP_SR:
	case RTCP_RR:
	case RTCP_APP:
	case RTCP_RTPFB:
	case RTCP_PSFB:
	case RTCP_XR:
		if (packet->body_bytes < SSRC_BYTES)
			return false;
		*ret_ssrc = rtp_get_u32(packet->body);
		return true;
	default:
		return false;
	}
}

bool rtcp_sender_info(const struct rtcp_packet *packet, struct rtcp_sender_info *ret_info)
{
	if (packet->type != RTCP_SR || packet->body_bytes < SSRC_BYTES + SENDER_INFO_BYTES)
		return false;
	const uint8_t *info = packet->body + SSRC_BYTES;
	*ret_info = (struct rtcp_sender_info){
	    .ntp_time = (uint64_t)rtp_get_u32(info) << 32 | rtp_get_u32(info + 4),
	    .rtp_timestamp = rtp_get_u32(info + 8),
	    .packets = rtp_get_u32(info + 12),
	    .octets = rtp_get_u32(info + 16),
	};
	return true;
}

bool rtcp_report_block(const struct rtcp_packet *packet, size_t index, struct rtcp_report_block *ret_block)
{
	if ((packet->type != RTCP_SR && packet->type != RTCP_RR) || index >= packet->count)
		return false;
	size_t offset = SSRC_BYTES + (packet->type == RTCP_SR ? SENDER_INFO_BYTES : 0) + index * REPORT_BLOCK_BYTES;
	if (offset + REPORT_BLOCK_BYTES > packet->body_bytes)
		return false;
	const uint8_t *block = packet->body + offset;
	uint32_t lost = rtp_get_u32(block + 4) & 0xffffff;
	*ret_block = (struct rtcp_report_block){
	    .ssrc = rtp_get_u32(block),
	    .fraction_lost = block[4],
	    .cumulative_lost = lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost,
	    .highest_sequence = rtp_get_u32(block + 8),
	    .jitter = rtp_get_u32(block + 12),
	    .last_sender_report = rtp_get_u32(block + 16),
	    .delay_since_last_sender_report = rtp_get_u32(block + 20),
	};
	return true;
}

/* One chunk's items from `offset` on. Returns where the next chunk begins, or 0 when the chunk is not whole. */
static size_t walk_chunk(const struct rtcp_packet *packet, size_t offset, const char **ret_name, size_t *ret_length)
{
	const uint8_t *body = packet->body;
	while (offset < packet->body_bytes && body[offset] != 0) {
		if (offset + 2 > packet->body_bytes)
			return 0;
		size_t length = body[offset + 1];
		if (offset + 2 + length > packet->body_bytes)
			return 0;
		if (body[offset] == SDES_CNAME && !*ret_name) {
			*ret_name = (const char *)body + offset + 2;
			*ret_length = length;
		}
		offset += 2 + length;
	}
	/* one zero at least, up to the next word */
	return offset < packet->body_bytes ? (offset / 4 + 1) * 4 : 0;
}

bool rtcp_cname(const struct rtcp_packet *packet, uint32_t *ret_ssrc, const char **ret_name, size_t *ret_length)
{
	if (packet->type != RTCP_SDES)
		return false;
	size_t offset = 0;
	for (unsigned chunk = 0; chunk < packet->count; chunk++) {
		if (offset + SSRC_BYTES > packet->body_bytes)
			return false;
		uint32_t ssrc = rtp_get_u32(packet->body + offset);
		const char *name = NULL;
		size_t length = 0;
		offset = walk_chunk(packet, offset + SSRC_BYTES, &name, &length);
		if (offset == 0)
			return false;
		if (name) {
			*ret_ssrc = ssrc;
			*ret_name = name;
			*ret_length = length;
			return true;
		}
	}
	return false;
}

bool rtcp_bye_source(const struct rtcp_packet *packet, size_t index, uint32_t *ret_ssrc)
{
	if (packet->type != RTCP_BYE || index >= packet->count || (index + 1) * SSRC_BYTES > packet->body_bytes)
		return false;
	*ret_ssrc = rtp_get_u32(packet->body + index * SSRC_BYTES);
	return true;
}

bool rtcp_feedback(const struct rtcp_packet *packet, struct rtcp_feedback *ret_feedback)
{
	if ((packet->type != RTCP_RTPFB && packet->type != RTCP_PSFB) || packet->body_bytes < 2 * SSRC_BYTES)
		return false;
	*ret_feedback = (struct rtcp_feedback){
	    .sender = rtp_get_u32(packet->body),
	    .media = rtp_get_u32(packet->body + SSRC_BYTES),
	    .fci = packet->body + 2 * SSRC_BYTES,
	    .fci_bytes = packet->body_bytes - 2 * SSRC_BYTES,
	};
	return true;
}

bool rtcp_xr_block(const struct rtcp_packet *packet, size_t index, struct rtcp_xr_block *ret_block)
{
	if (packet->type != RTCP_XR)
		return false;
	for (size_t offset = SSRC_BYTES; offset + XR_HEADER_BYTES <= packet->body_bytes; index--) {
		const uint8_t *block = packet->body + offset;
		size_t bytes = 4 * (size_t)rtp_get_u16(block + 2);
		if (bytes > packet->body_bytes - offset - XR_HEADER_BYTES)
			return false;
		if (index == 0) {
			*ret_block = (struct rtcp_xr_block){block[0], block[1], block + XR_HEADER_BYTES, bytes};
			return true;
		}
		offset += XR_HEADER_BYTES + bytes;
	}
	return false;
}
