/* RTCP, written and read back, and hostile compounds. */
#include "rtp/rtcp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const struct rtcp_report_block blocks[2] = {
    {0x11111111, 64, -5, 0x00012345, 77, 0xaabbccdd, 65536},
    {0x22222222, 0, 0x7fffff, 9, 8, 7, 6},
};

static void assert_block(const struct rtcp_report_block *a, const struct rtcp_report_block *b)
{
	assert_int_equal(a->ssrc, b->ssrc);
	assert_int_equal(a->fraction_lost, b->fraction_lost);
	assert_int_equal(a->cumulative_lost, b->cumulative_lost);
	assert_int_equal(a->highest_sequence, b->highest_sequence);
	assert_int_equal(a->jitter, b->jitter);
	assert_int_equal(a->last_sender_report, b->last_sender_report);
	assert_int_equal(a->delay_since_last_sender_report, b->delay_since_last_sender_report);
}

static void test_compound(void **state)
{
	uint8_t data[512];
	size_t length = 0, n = 0;
	struct rtcp_writer writer;
	struct rtcp_sender_info info = {UINT64_C(0x0102030405060708), 160, 10, 1600}, read_info;
	static const uint8_t fci[4] = {0, 100, 0, 3};
	const struct rtcp_feedback nack = {7, 8, fci, sizeof fci};
	rtcp_writer_init(&writer, data, sizeof data);
	rtcp_write_sender_report(&writer, 7, &info, blocks, 2);
	rtcp_write_cname(&writer, 7, "user@example");
	rtcp_write_feedback(&writer, RTCP_RTPFB, RTCP_RTPFB_NACK, &nack);
	rtcp_write_receiver_report(&writer, 9, blocks, 1);
	rtcp_write_bye(&writer, 7, "done");
	assert_int_equal(rtcp_writer_end(&writer, &length), 0);
	assert_int_equal(length, (28 + 48) + (4 + 20) + 16 + (8 + 24) + (8 + 8));
	assert_int_equal(rtcp_compound_check(data, length, false), 0);

	struct rtcp_iterator iterator;
	struct rtcp_packet p[8];
	rtcp_start(data, length, &iterator);
	while (rtcp_next(&iterator, &p[n]))
		n++;
	assert_int_equal(n, 5);
	uint32_t ssrc;
	struct rtcp_report_block block;
	assert_true(rtcp_sender_ssrc(&p[0], &ssrc));
	assert_int_equal(ssrc, 7);
	assert_true(rtcp_sender_info(&p[0], &read_info));
	assert_int_equal(read_info.ntp_time, info.ntp_time);
	assert_int_equal(read_info.rtp_timestamp, 160);
	assert_int_equal(read_info.packets, 10);
	assert_int_equal(read_info.octets, 1600);
	for (size_t i = 0; i < 2; i++) {
		assert_true(rtcp_report_block(&p[0], i, &block));
		assert_block(&block, &blocks[i]);
	}
	assert_false(rtcp_report_block(&p[0], 2, &block));
	const char *name;
	size_t name_length;
	assert_true(rtcp_cname(&p[1], &ssrc, &name, &name_length));
	assert_int_equal(name_length, 12);
	assert_memory_equal(name, "user@example", 12);
	struct rtcp_feedback feedback;
	assert_true(rtcp_feedback(&p[2], &feedback));
	assert_int_equal(p[2].count, RTCP_RTPFB_NACK);
	assert_int_equal(feedback.media, 8);
	assert_int_equal(feedback.fci_bytes, 4);
	assert_false(rtcp_sender_info(&p[3], &read_info));
	assert_true(rtcp_report_block(&p[3], 0, &block));
	assert_true(rtcp_bye_source(&p[4], 0, &ssrc));
	assert_false(rtcp_bye_source(&p[4], 1, &ssrc));

	/* no cut of it passes but one between packets, and nothing is read beyond it */
	for (size_t cut = 0; cut < length; cut++) {
		uint8_t *exact = g_memdup2(data, cut);
		bool is_whole = cut == 76 || cut == 100 || cut == 116 || cut == 148;
		assert_int_equal(rtcp_compound_check(exact, cut, false), is_whole ? 0 : -EBADMSG);
		for (rtcp_start(exact, cut, &iterator); rtcp_next(&iterator, &p[0]);)
			rtcp_cname(&p[0], &ssrc, &name, &name_length);
		g_free(exact);
	}
}

static void test_check(void **state)
{
	static const uint8_t pli[] = {0x81, 206, 0, 2, 0, 0, 0, 7, 0, 0, 0, 8};
	assert_int_equal(rtcp_compound_check(pli, sizeof pli, false), -EBADMSG);
	assert_int_equal(rtcp_compound_check(pli, sizeof pli, true), 0);
	/* padding only in the last one */
	static const uint8_t padded[] = {0xa0, 201, 0, 2, 0, 0, 0, 7, 0, 0, 0, 4, 0x80, 203, 0, 0};
	assert_int_equal(rtcp_compound_check(padded, 12, false), 0);
	assert_int_equal(rtcp_compound_check(padded, 16, false), -EBADMSG);
	uint8_t wrong[12];
	memcpy(wrong, padded, 12);
	static const uint8_t wrong_padding[] = {0, 3, 12, 255};
	for (size_t i = 0; i < 4; i++) {
		wrong[11] = wrong_padding[i];
		assert_int_equal(rtcp_compound_check(wrong, 12, false), -EBADMSG);
	}
	assert_int_equal(rtcp_compound_check(wrong, 0, true), -EBADMSG);
}

static void test_full_writer(void **state)
{
	uint8_t data[64];
	struct rtcp_writer writer;
	size_t length = 99;
	for (size_t capacity = 0; capacity < 8 + 12; capacity++) {
		uint8_t *exact = g_malloc(capacity);
		rtcp_writer_init(&writer, exact, capacity);
		rtcp_write_receiver_report(&writer, 1, NULL, 0);
		rtcp_write_cname(&writer, 1, "x");
		assert_int_equal(rtcp_writer_end(&writer, &length), -ENOSPC);
		g_free(exact);
	}
	assert_int_equal(length, 99);
	/* the text ends with a zero at least, whatever its length */
	for (size_t n = 0; n < 9; n++) {
		const char *name;
		size_t name_length;
		uint32_t ssrc;
		struct rtcp_iterator iterator;
		struct rtcp_packet packet;
		rtcp_writer_init(&writer, data, sizeof data);
		rtcp_write_cname(&writer, 1, "abcdefghi" + 9 - n);
		assert_int_equal(rtcp_writer_end(&writer, &length), 0);
		assert_int_equal(length % 4, 0);
		assert_int_equal(data[length - 1], 0);
		rtcp_start(data, length, &iterator);
		assert_true(rtcp_next(&iterator, &packet));
		assert_true(rtcp_cname(&packet, &ssrc, &name, &name_length));
		assert_int_equal(name_length, n);
	}
}

static void test_xr(void **state)
{
	static const uint8_t data[] = {0x80, 207, 0, 5, 0, 0, 0, 7, 4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 5, 9, 0, 0};
	struct rtcp_iterator iterator;
	struct rtcp_packet packet;
	struct rtcp_xr_block block;
	rtcp_start(data, sizeof data, &iterator);
	assert_true(rtcp_next(&iterator, &packet));
	assert_true(rtcp_xr_block(&packet, 0, &block));
	assert_int_equal(block.type, RTCP_XR_RRTR);
	assert_int_equal(block.bytes, 8);
	assert_true(rtcp_xr_block(&packet, 1, &block));
	assert_int_equal(block.type, RTCP_XR_DLRR);
	assert_int_equal(block.specific, 9);
	assert_false(rtcp_xr_block(&packet, 2, &block));
}

static void test_round_trip(void **state)
{
	struct rtcp_round_trip memory = {0};
	struct rtcp_report_block block = {.last_sender_report = 0x00020003,
					  .delay_since_last_sender_report = 65536 / 2};
	uint32_t us = 1;
	assert_false(rtcp_round_trip_us(&memory, &block, 2000000, &us));
	rtcp_round_trip_note(&memory, UINT64_C(0x0001000200030004), 1000000);
	assert_true(rtcp_round_trip_us(&memory, &block, 1000000 + 500000 + 30000, &us));
	assert_int_equal(us, 30000);
	/* it claims to have held the report longer than it has been out */
	assert_false(rtcp_round_trip_us(&memory, &block, 1400000, &us));
	block.last_sender_report = 0;
	assert_false(rtcp_round_trip_us(&memory, &block, 2000000, &us));
	for (unsigned i = 1; i <= RTCP_REPORTS_REMEMBERED; i++)
		rtcp_round_trip_note(&memory, (uint64_t)i << 16, 2000000 + i);
	block.last_sender_report = 0x00020003; /* forgotten by now */
	assert_false(rtcp_round_trip_us(&memory, &block, 3000000, &us));
	block.last_sender_report = RTCP_REPORTS_REMEMBERED;
	assert_true(rtcp_round_trip_us(&memory, &block, 3000000, &us));
}

static void test_ntp(void **state)
{
	uint64_t now = rtcp_ntp_now();
	assert_in_range((now >> 32) - 2208988800u, (uint64_t)time(NULL) - 1, (uint64_t)time(NULL) + 1);
	assert_int_equal(rtcp_ntp_middle(UINT64_C(0x1111222233334444)), 0x22223333);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_compound), cmocka_unit_test(test_check),	cmocka_unit_test(test_full_writer),
	    cmocka_unit_test(test_xr),	     cmocka_unit_test(test_round_trip), cmocka_unit_test(test_ntp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
