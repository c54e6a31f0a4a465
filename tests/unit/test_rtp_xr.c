/* Extended reports: what is told of losses, and how it is written. */
#include "rtp/rtcp_xr.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A letter a packet: '.' has come, 'x' has not. */
static struct rtcp_voip_metrics told_of(const char *packets, uint16_t first)
{
	struct rtp_bursts bursts = {0};
	struct rtcp_voip_metrics metrics = {0};
	for (; *packets; packets++, first++)
		if (*packets == '.')
			rtp_bursts_note(&bursts, first);
	rtp_bursts_tell(&bursts, 20, &metrics);
	return metrics;
}

#define SIXTEEN "................"

static void test_losses_alone_are_of_the_gap(void **state)
{
	struct rtcp_voip_metrics metrics = told_of(SIXTEEN "x" SIXTEEN "x" SIXTEEN SIXTEEN, 65530);
	assert_int_equal(metrics.loss_rate, 2 * 256 / 66);
	assert_int_equal(metrics.gap_density, 2 * 256 / 66);
	assert_int_equal(metrics.burst_density, 0);
	assert_int_equal(metrics.burst_ms, 0);
	assert_int_equal(metrics.gap_ms, 66 * 20);
}

static void test_losses_close_together_are_a_burst(void **state)
{
	/* bursts of five packets with three lost, and of two, both lost; a loss that stands alone */
	struct rtcp_voip_metrics metrics = told_of(SIXTEEN "x.x.x" SIXTEEN "x" SIXTEEN SIXTEEN "xx" SIXTEEN, 0);
	assert_int_equal(metrics.burst_density, 5 * 256 / 7);
	assert_int_equal(metrics.gap_density, 256 / 81);
	assert_int_equal(metrics.burst_ms, 7 * 20 / 2);
	assert_int_equal(metrics.gap_ms, 81 * 20 / 3);
}

static void test_fifteen_in_a_row_do_not_end_a_burst(void **state)
{
	struct rtcp_voip_metrics metrics = told_of(SIXTEEN "x"
							   "..............."
							   "x" SIXTEEN,
						   0);
	assert_int_equal(metrics.burst_ms, 17 * 20);
	metrics = told_of(SIXTEEN "x" SIXTEEN "x" SIXTEEN, 0);
	assert_int_equal(metrics.burst_ms, 0);
}

static void test_a_new_count_is_no_loss(void **state)
{
	struct rtp_bursts bursts = {0};
	struct rtcp_voip_metrics metrics = {0};
	rtp_bursts_tell(&bursts, 20, &metrics);
	assert_int_equal(metrics.loss_rate, 0);
	rtp_bursts_note(&bursts, 100);
	rtp_bursts_note(&bursts, 30000);
	rtp_bursts_note(&bursts, 29999); /* late */
	rtp_bursts_note(&bursts, 30001);
	rtp_bursts_tell(&bursts, 20, &metrics);
	assert_int_equal(metrics.loss_rate, 0);
	assert_int_equal(metrics.gap_ms, 60);
}

static struct rtcp_xr_block block_of(const struct rtcp_writer *writer, uint32_t sender)
{
	struct rtcp_iterator iterator;
	struct rtcp_packet packet;
	struct rtcp_xr_block block;
	uint32_t ssrc;
	size_t length;
	assert_int_equal(rtcp_writer_end(writer, &length), 0);
	rtcp_start(writer->data, length, &iterator);
	assert_true(rtcp_next(&iterator, &packet));
	assert_int_equal(iterator.left, 0);
	assert_true(rtcp_sender_ssrc(&packet, &ssrc));
	assert_int_equal(ssrc, sender);
	assert_true(rtcp_xr_block(&packet, 0, &block));
	assert_false(rtcp_xr_block(&packet, 1, &block));
	return block;
}

static void test_blocks_are_as_the_rfc_has_them(void **state)
{
	uint8_t data[128];
	struct rtcp_writer writer;
	struct rtcp_voip_metrics metrics = {.ssrc = 8,
					    .loss_rate = 1,
					    .burst_density = 2,
					    .gap_density = 3,
					    .burst_ms = 400,
					    .gap_ms = 500,
					    .round_trip_ms = 600,
					    .rating = 93,
					    .mos_10 = 44};
	rtcp_writer_init(&writer, data, sizeof data);
	rtcp_write_voip_metrics(&writer, 7, &metrics);
	struct rtcp_xr_block block = block_of(&writer, 7);
	assert_int_equal(block.type, 7);
	assert_int_equal(block.bytes, 32);
	assert_int_equal(rtp_get_u32(block.content), 8);
	static const uint8_t rates[] = {1, 0, 2, 3};
	assert_memory_equal(block.content + 4, rates, 4);
	assert_int_equal(rtp_get_u16(block.content + 12), 600);
	assert_int_equal(block.content[19], 16);
	assert_int_equal(block.content[20], 93);
	assert_int_equal(block.content[23], 44);

	rtcp_writer_init(&writer, data, sizeof data);
	rtcp_write_loss_summary(&writer, 7, 8, 65530, 10, 3);
	block = block_of(&writer, 7);
	assert_int_equal(block.type, 6);
	assert_int_equal(block.specific, 0x80);
	assert_int_equal(block.bytes, 36);
	assert_int_equal(rtp_get_u16(block.content + 6), 10);
	assert_int_equal(rtp_get_u32(block.content + 8), 3);

	rtcp_writer_init(&writer, data, sizeof data);
	rtcp_write_dlrr(&writer, 7, 8, 0x00020003, 65536);
	block = block_of(&writer, 7);
	assert_int_equal(block.type, RTCP_XR_DLRR);
	assert_int_equal(block.bytes, 12);
	assert_int_equal(rtp_get_u32(block.content + 4), 0x00020003);

	uint64_t ntp_time;
	static const uint8_t time[8] = {0, 1, 0, 2, 0, 3, 0, 4};
	assert_true(rtcp_reference_time(&(struct rtcp_xr_block){RTCP_XR_RRTR, 0, time, 8}, &ntp_time));
	assert_int_equal(rtcp_ntp_middle(ntp_time), 0x00020003);
	assert_false(rtcp_reference_time(&(struct rtcp_xr_block){RTCP_XR_RRTR, 0, time, 4}, &ntp_time));
	assert_false(rtcp_reference_time(&(struct rtcp_xr_block){RTCP_XR_DLRR, 0, time, 8}, &ntp_time));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_losses_alone_are_of_the_gap),
	    cmocka_unit_test(test_losses_close_together_are_a_burst),
	    cmocka_unit_test(test_fifteen_in_a_row_do_not_end_a_burst),
	    cmocka_unit_test(test_a_new_count_is_no_loss),
	    cmocka_unit_test(test_blocks_are_as_the_rfc_has_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
