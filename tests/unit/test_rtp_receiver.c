/* What a receiver counts. */
#include "rtp/receiver.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static enum rtp_receiver_verdict arrive(struct rtp_receiver *receiver, uint16_t sequence, uint32_t timestamp,
					int64_t arrival_us)
{
	struct rtp_packet packet = {.sequence = sequence, .timestamp = timestamp, .payload_bytes = 160};
	return rtp_receiver_update(receiver, &packet, 8000, arrival_us);
}

static void test_probation(void **state)
{
	struct rtp_receiver receiver;
	rtp_receiver_init(&receiver, 7, RTP_MIN_SEQUENTIAL);
	assert_int_equal(arrive(&receiver, 10, 0, 0), RTP_RECEIVER_PROBATION);
	assert_int_equal(arrive(&receiver, 20, 0, 0), RTP_RECEIVER_PROBATION);
	assert_int_equal(arrive(&receiver, 21, 0, 0), RTP_RECEIVER_VALID);
	assert_int_equal(arrive(&receiver, 22, 0, 0), RTP_RECEIVER_VALID);
	assert_int_equal(rtp_receiver_packets(&receiver), 2);
	rtp_receiver_init(&receiver, 7, 0);
	assert_int_equal(arrive(&receiver, 10, 0, 0), RTP_RECEIVER_VALID);
}

static void test_loss(void **state)
{
	struct rtp_receiver receiver;
	struct rtcp_report_block block;
	rtp_receiver_init(&receiver, 7, 0);
	/* across the wrap, every fourth is lost; the last is there */
	for (uint32_t i = 0; i <= 400; i++) {
		if (i % 4 != 3)
			assert_int_equal(arrive(&receiver, (uint16_t)(65400 + i), 160 * i, 20000 * i),
					 RTP_RECEIVER_VALID);
	}
	rtp_receiver_report(&receiver, 0, &block);
	assert_int_equal(block.ssrc, 7);
	assert_int_equal(block.highest_sequence, 65800);
	assert_int_equal(block.cumulative_lost, 100);
	assert_int_equal(block.fraction_lost, 100 * 256 / 401);
	assert_int_equal(rtp_receiver_lost(&receiver), 100);
	assert_int_equal(rtp_receiver_packets(&receiver), 301);
	assert_int_equal(rtp_receiver_octets(&receiver), 301 * 160);
	assert_int_equal(block.jitter, 0);
	/* the next interval stands alone; what came late makes up for losses, what came twice does not go below none */
	for (uint32_t i = 401; i <= 410; i++)
		arrive(&receiver, (uint16_t)(65400 + i), 160 * i, 20000 * i);
	arrive(&receiver, (uint16_t)(65400 + 399), 160 * 399, 20000 * 411);
	rtp_receiver_report(&receiver, 0, &block);
	assert_int_equal(block.fraction_lost, 0);
	assert_int_equal(block.cumulative_lost, 99);
	for (int i = 0; i < 200; i++)
		arrive(&receiver, (uint16_t)(65400 + 410), 160 * 410, 20000 * 411);
	rtp_receiver_report(&receiver, 0, &block);
	assert_int_equal(block.cumulative_lost, -101);
	assert_int_equal(rtp_receiver_lost(&receiver), 0);
}

static void test_restart(void **state)
{
	struct rtp_receiver receiver;
	struct rtcp_report_block block;
	rtp_receiver_init(&receiver, 7, 0);
	arrive(&receiver, 100, 0, 0);
	arrive(&receiver, 103, 0, 0); /* two lost */
	assert_int_equal(arrive(&receiver, 30000, 0, 0), RTP_RECEIVER_JUMPED);
	assert_int_equal(arrive(&receiver, 50000, 0, 0), RTP_RECEIVER_JUMPED); /* not the one after */
	assert_int_equal(arrive(&receiver, 104, 0, 0), RTP_RECEIVER_VALID);
	assert_int_equal(arrive(&receiver, 40000, 0, 0), RTP_RECEIVER_JUMPED);
	assert_int_equal(arrive(&receiver, 40001, 0, 0), RTP_RECEIVER_VALID);
	assert_int_equal(arrive(&receiver, 40002, 0, 0), RTP_RECEIVER_VALID);
	rtp_receiver_report(&receiver, 0, &block);
	assert_int_equal(block.highest_sequence, 40002);
	assert_int_equal(block.cumulative_lost, 2);
	assert_int_equal(rtp_receiver_packets(&receiver), 5);
	assert_int_equal(rtp_receiver_lost(&receiver), 2);
}

static void test_jitter(void **state)
{
	struct rtp_receiver receiver;
	rtp_receiver_init(&receiver, 7, 0);
	/* each second one 10 ms late: |D| is 10 ms = 80 every time, to which the filter converges */
	for (uint32_t i = 0; i < 400; i++)
		arrive(&receiver, (uint16_t)i, 160 * i, 20000 * i + (i % 2) * 10000);
	assert_in_range(rtp_receiver_jitter_us(&receiver), 9000, 10000);
	struct rtcp_report_block block;
	rtp_receiver_report(&receiver, 0, &block);
	assert_in_range(block.jitter, 72, 80);
	/* a packet without a clock and a long silence change nothing */
	uint32_t before = rtp_receiver_jitter_us(&receiver);
	struct rtp_packet event = {.sequence = 400, .timestamp = 1};
	rtp_receiver_update(&receiver, &event, 0, 400 * 20000);
	arrive(&receiver, 401, 12345678, 400 * 20000 + 60 * (int64_t)G_USEC_PER_SEC);
	assert_int_equal(rtp_receiver_jitter_us(&receiver), before);
	/* another clock: the same time in other units */
	struct rtp_packet wide = {.sequence = 402, .timestamp = 5};
	rtp_receiver_update(&receiver, &wide, 48000, 400 * 20000 + 61 * (int64_t)G_USEC_PER_SEC);
	assert_in_range(rtp_receiver_jitter_us(&receiver), before - 200, before + 200);
}

static void test_delay_since_sender_report(void **state)
{
	struct rtp_receiver receiver;
	struct rtcp_report_block block;
	rtp_receiver_init(&receiver, 7, 0);
	arrive(&receiver, 1, 0, 0);
	rtp_receiver_report(&receiver, 1000000, &block);
	assert_int_equal(block.last_sender_report, 0);
	assert_int_equal(block.delay_since_last_sender_report, 0);
	rtp_receiver_note_sender_report(&receiver, UINT64_C(0x1111222233334444), 1000000);
	rtp_receiver_report(&receiver, 3500000, &block);
	assert_int_equal(block.last_sender_report, 0x22223333);
	assert_int_equal(block.delay_since_last_sender_report, 65536 * 5 / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_probation),
	    cmocka_unit_test(test_loss),
	    cmocka_unit_test(test_restart),
	    cmocka_unit_test(test_jitter),
	    cmocka_unit_test(test_delay_since_sender_report),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
