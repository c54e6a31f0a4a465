#include "rtp/rtcp.h"
#include <string.h>
#include <time.h>

#define SENDER_INFO_BYTES  20
#define REPORT_BLOCK_BYTES 24
#define SSRC_BYTES	   4
#define XR_HEADER_BYTES	   4
#define SDES_CNAME	   1
#define NTP_EPOCH_OFFSET_S 2208988800u /* 1900 to 1970 */

void rtcp_writer_init(struct rtcp_writer *writer, uint8_t *data, size_t capacity)
{
	*writer = (struct rtcp_writer){.data = data, .capacity = capacity};
}

int rtcp_writer_end(const struct rtcp_writer *writer, size_t *ret_length)
{
	if (writer->is_full)
		return -ENOSPC;
	*ret_length = writer->length;
	return 0;
}

/* A packet's header and room for its body, which is zeroed; NULL when it does not fit. */
static uint8_t *begin_packet(struct rtcp_writer *writer, uint8_t type, size_t count, size_t body_bytes)
{
	if (writer->is_full || body_bytes + RTCP_HEADER_BYTES > writer->capacity - writer->length) {
		writer->is_full = true;
		return NULL;
	}
	uint8_t *packet = writer->data + writer->length;
	writer->length += RTCP_HEADER_BYTES + body_bytes;
	packet[0] = (uint8_t)(RTP_VERSION << 6 | count);
	packet[1] = type;
	rtp_put_u16(packet + 2, (uint16_t)(body_bytes / 4));
	memset(packet + RTCP_HEADER_BYTES, 0, body_bytes);
	return packet + RTCP_HEADER_BYTES;
}

static void put_blocks(uint8_t *out, const struct rtcp_report_block *blocks, size_t n_blocks)
{
	for (size_t i = 0; i < n_blocks; i++, out += REPORT_BLOCK_BYTES) {
		rtp_put_u32(out, blocks[i].ssrc);
		rtp_put_u32(out + 4, (uint32_t)blocks[i].cumulative_lost & 0xffffff);
		out[4] = blocks[i].fraction_lost;
		rtp_put_u32(out + 8, blocks[i].highest_sequence);
		rtp_put_u32(out + 12, blocks[i].jitter);
		rtp_put_u32(out + 16, blocks[i].last_sender_report);
		rtp_put_u32(out + 20, blocks[i].delay_since_last_sender_report);
	}
}

void rtcp_write_sender_report(struct rtcp_writer *writer, uint32_t ssrc, const struct rtcp_sender_info *info,
			      const struct rtcp_report_block *blocks, size_t n_blocks)
{
	n_blocks = MIN(n_blocks, RTCP_REPORT_BLOCKS_MAX);
	uint8_t *body =
	    begin_packet(writer, RTCP_SR, n_blocks, SSRC_BYTES + SENDER_INFO_BYTES + n_blocks * REPORT_BLOCK_BYTES);
	if (!body)
		return;
	rtp_put_u32(body, ssrc);
	rtp_put_u32(body + 4, (uint32_t)(info->ntp_time >> 32));
	rtp_put_u32(body + 8, (uint32_t)info->ntp_time);
	rtp_put_u32(body + 12, info->rtp_timestamp);
	rtp_put_u32(body + 16, info->packets);
	rtp_put_u32(body + 20, info->octets);
	put_blocks(body + SSRC_BYTES + SENDER_INFO_BYTES, blocks, n_blocks);
}

void rtcp_write_receiver_report(struct rtcp_writer *writer, uint32_t ssrc, const struct rtcp_report_block *blocks,
				size_t n_blocks)
{
	n_blocks = MIN(n_blocks, RTCP_REPORT_BLOCKS_MAX);
	uint8_t *body = begin_packet(writer, RTCP_RR, n_blocks, SSRC_BYTES + n_blocks * REPORT_BLOCK_BYTES);
	if (!body)
		return;
	rtp_put_u32(body, ssrc);
	put_blocks(body + SSRC_BYTES, blocks, n_blocks);
}

void rtcp_write_cname(struct rtcp_writer *writer, uint32_t ssrc, const char *cname)
{
	size_t length = strnlen(cname, RTCP_CNAME_BYTES_MAX);
	/* SSRC, type, length, text, one zero at least, up to a whole word (section 6.5) */
	size_t body_bytes = (SSRC_BYTES + 2 + length) / 4 * 4 + 4;
	uint8_t *body = begin_packet(writer, RTCP_SDES, 1, body_bytes);
	if (!body)
		return;
	rtp_put_u32(body, ssrc);
	body[4] = SDES_CNAME;
	body[5] = (uint8_t)length;
	memcpy(body + 6, cname, length);
}

void rtcp_write_bye(struct rtcp_writer *writer, uint32_t ssrc, const char *reason)
{
	size_t length = reason ? strnlen(reason, 255) : 0;
	size_t body_bytes = SSRC_BYTES + (reason ? (1 + length + 3) / 4 * 4 : 0);
	uint8_t *body = begin_packet(writer, RTCP_BYE, 1, body_bytes);
	if (!body)
		return;
	rtp_put_u32(body, ssrc);
	if (reason) {
		body[4] = (uint8_t)length;
		memcpy(body + 5, reason, length);
	}
}

void rtcp_write_feedback(struct rtcp_writer *writer, enum rtcp_type type, uint8_t format,
			 const struct rtcp_feedback *feedback)
{
	size_t fci_bytes = feedback->fci_bytes / 4 * 4;
	uint8_t *body = begin_packet(writer, (uint8_t)type, format & 0x1f, 2 * SSRC_BYTES + fci_bytes);
	if (!body)
		return;
	rtp_put_u32(body, feedback->sender);
	rtp_put_u32(body + SSRC_BYTES, feedback->media);
	if (fci_bytes)
		memcpy(body + 2 * SSRC_BYTES, feedback->fci, fci_bytes);
}

void rtcp_write_xr(struct rtcp_writer *writer, uint32_t ssrc, const struct rtcp_xr_block *block)
{
	size_t bytes = block->bytes / 4 * 4;
	uint8_t *body = begin_packet(writer, RTCP_XR, 0, SSRC_BYTES + XR_HEADER_BYTES + bytes);
	if (!body)
		return;
	rtp_put_u32(body, ssrc);
	body[4] = block->type;
	body[5] = block->specific;
	rtp_put_u16(body + 6, (uint16_t)(bytes / 4));
	memcpy(body + SSRC_BYTES + XR_HEADER_BYTES, block->content, bytes);
}

uint64_t rtcp_ntp_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	uint32_t seconds = (uint32_t)now.tv_sec + NTP_EPOCH_OFFSET_S; /* wraps in 2036, as NTP does */
	return (uint64_t)seconds << 32 | ((uint64_t)now.tv_nsec << 32) / 1000000000u;
}

void rtcp_round_trip_note(struct rtcp_round_trip *memory, uint64_t ntp_time, int64_t sent_us)
{
	unsigned slot = memory->n++ % RTCP_REPORTS_REMEMBERED;
	memory->reports[slot].middle = rtcp_ntp_middle(ntp_time);
	memory->reports[slot].sent_us = sent_us;
}

bool rtcp_round_trip_us(const struct rtcp_round_trip *memory, const struct rtcp_report_block *block, int64_t now_us,
			uint32_t *ret_us)
{
	if (block->last_sender_report == 0)
		return false;
	for (unsigned i = 0; i < MIN(memory->n, RTCP_REPORTS_REMEMBERED); i++) {
		if (memory->reports[i].middle != block->last_sender_report)
			continue;
		int64_t delay_us = (int64_t)block->delay_since_last_sender_report * 1000000 / 65536;
		int64_t round_trip_us = now_us - memory->reports[i].sent_us - delay_us;
		if (round_trip_us < 0 || round_trip_us > UINT32_MAX)
			return false;
		*ret_us = (uint32_t)round_trip_us;
		return true;
	}
	return false;
}
