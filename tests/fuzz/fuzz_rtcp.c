/* RTCP: everything that is read from a compound, whether it passes the check or not; what passes and is known is
 * written again and must read the same. */
#include "rtp/missing.h"
#include "rtp/rtcp_feedback.h"
#include "rtp/rtcp_xr.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static volatile uint8_t sink;

static void touch(const void *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sink ^= ((const uint8_t *)data)[i];
}

/* Reports, written with what was read, are the same bytes. */
static void write_again(const struct rtcp_packet *packet, uint32_t ssrc, const struct rtcp_report_block *blocks,
			size_t n)
{
	uint8_t out[RTCP_HEADER_BYTES + 24 + RTCP_REPORT_BLOCKS_MAX * 24];
	struct rtcp_writer writer;
	struct rtcp_sender_info info;
	size_t length = 0;
	rtcp_writer_init(&writer, out, sizeof out);
	if (rtcp_sender_info(packet, &info))
		rtcp_write_sender_report(&writer, ssrc, &info, blocks, n);
	else if (packet->type == RTCP_RR)
		rtcp_write_receiver_report(&writer, ssrc, blocks, n);
	else
		return;
	demand(rtcp_writer_end(&writer, &length) == 0);
	demand(length - RTCP_HEADER_BYTES <= packet->body_bytes);
	demand(memcmp(out + RTCP_HEADER_BYTES, packet->body, length - RTCP_HEADER_BYTES) == 0);
}

/* As a receiver of feedback does; and what comes as sequence numbers is noted and told again. */
static void read_feedback(const struct rtcp_feedback *feedback)
{
	uint8_t out[1500], number;
	uint16_t first, following, due[RTP_MISSING_MAX];
	uint32_t media;
	uint64_t rate;
	size_t length, entries = 0;
	struct rtp_missing missing = {0};
	struct rtcp_arrivals arrivals = {0};
	struct rtp_bursts bursts = {0};
	struct rtcp_voip_metrics metrics = {0};
	struct rtcp_writer writer;
	rtcp_writer_init(&writer, out, sizeof out);
	for (; rtcp_nack_entry(feedback, entries, &first, &following); entries++) {
		rtp_missing_note(&missing, first, 1000 * following);
		rtcp_arrivals_note(&arrivals, first, 1 + following);
		rtp_bursts_note(&bursts, first);
		rtp_bursts_tell(&bursts, following, &metrics);
		size_t n = rtp_missing_due(&missing, 1000 * first, following, due);
		rtcp_write_nack(&writer, 1, 2, due, n);
		if (writer.is_full)
			rtcp_writer_init(&writer, out, sizeof out);
	}
	demand(entries == feedback->fci_bytes / 4);
	while (!rtcp_arrivals_is_empty(&arrivals)) {
		rtcp_writer_init(&writer, out, sizeof out);
		rtcp_write_arrivals(&writer, 1, 2, &arrivals);
		demand(rtcp_writer_end(&writer, &length) == 0 && rtcp_compound_check(out, length, true) == 0);
	}
	for (size_t i = 0; rtcp_fir_entry(feedback, i, &media, &number); i++)
		demand(i < feedback->fci_bytes / 8);
	if (rtcp_remb(feedback, &rate)) {
		rtcp_writer_init(&writer, out, sizeof out);
		rtcp_write_remb(&writer, 1, rate, &media, 0);
		demand(rtcp_writer_end(&writer, &length) == 0);
	}
}

static void read_packet(const struct rtcp_packet *packet)
{
	struct rtcp_report_block blocks[RTCP_REPORT_BLOCKS_MAX];
	struct rtcp_feedback feedback;
	struct rtcp_xr_block xr;
	uint32_t ssrc = 0;
	const char *name;
	size_t length, n = 0;
	bool has_sender = rtcp_sender_ssrc(packet, &ssrc);
	while (n < RTCP_REPORT_BLOCKS_MAX && rtcp_report_block(packet, n, &blocks[n]))
		n++;
	demand(n == RTCP_REPORT_BLOCKS_MAX || !rtcp_report_block(packet, n, &blocks[n]));
	if (has_sender)
		write_again(packet, ssrc, blocks, n);
	struct rtcp_round_trip memory = {0};
	rtcp_round_trip_note(&memory, UINT64_C(0x0001000200030004), 1000);
	for (size_t i = 0; i < n; i++) {
		uint32_t us;
		rtcp_round_trip_us(&memory, &blocks[i], 5000000, &us);
	}
	if (rtcp_cname(packet, &ssrc, &name, &length))
		touch(name, length);
	for (size_t i = 0; rtcp_bye_source(packet, i, &ssrc); i++)
		demand(i < 31);
	if (rtcp_feedback(packet, &feedback))
		read_feedback(&feedback);
	for (size_t i = 0; rtcp_xr_block(packet, i, &xr); i++)
	{
		uint64_t ntp_time;
		rtcp_reference_time(&xr, &ntp_time);
		touch(xr.content, xr.bytes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtcp_iterator iterator;
	struct rtcp_packet packet;
	size_t packets = 0;
	int check = rtcp_compound_check(data, size, true);
	demand(rtcp_compound_check(data, size, false) < 0 || check == 0);
	for (rtcp_start(data, size, &iterator); rtcp_next(&iterator, &packet); packets++) {
		touch(packet.body, packet.body_bytes);
		read_packet(&packet);
	}
	demand(packets <= size / RTCP_HEADER_BYTES);
	demand(check < 0 || (packets > 0 && iterator.left == 0));
	return 0;
}
