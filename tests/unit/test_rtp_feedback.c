/* Feedback packets, written and read back; what is kept to be sent again; what is missing. */
#include "rtp/history.h"
#include "rtp/missing.h"
#include "rtp/rtcp_feedback.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct rtcp_feedback read_back(const struct rtcp_writer *writer, uint8_t type, uint8_t format)
{
	struct rtcp_iterator iterator;
	struct rtcp_packet packet;
	struct rtcp_feedback feedback;
	size_t length = 0;
	assert_int_equal(rtcp_writer_end(writer, &length), 0);
	assert_int_equal(rtcp_compound_check(writer->data, length, true), 0);
	rtcp_start(writer->data, length, &iterator);
	assert_true(rtcp_next(&iterator, &packet));
	assert_int_equal(packet.type, type);
	assert_int_equal(packet.count, format);
	assert_true(rtcp_feedback(&packet, &feedback));
	return feedback;
}

static void test_nack_names_each_missing_packet(void **state)
{
	uint8_t data[512];
	struct rtcp_writer writer;
	static const uint16_t sequences[] = {65530, 65531, 65535, 0, 10, 11, 300};
	uint16_t first, following;
	rtcp_writer_init(&writer, data, sizeof data);
	rtcp_write_nack(&writer, 1, 2, sequences, G_N_ELEMENTS(sequences));
	struct rtcp_feedback feedback = read_back(&writer, RTCP_RTPFB, RTCP_RTPFB_NACK);
	assert_int_equal(feedback.sender, 1);
	assert_int_equal(feedback.media, 2);
	assert_int_equal(feedback.fci_bytes, 12);
	assert_true(rtcp_nack_entry(&feedback, 0, &first, &following));
	assert_int_equal(first, 65530);
	assert_int_equal(following, 1 << 0 | 1 << 4 | 1 << 5 | 1 << 15);
	assert_true(rtcp_nack_entry(&feedback, 1, &first, &following));
	assert_int_equal(first, 11);
	assert_int_equal(following, 0);
	assert_true(rtcp_nack_entry(&feedback, 2, &first, &following));
	assert_int_equal(first, 300);
	assert_false(rtcp_nack_entry(&feedback, 3, &first, &following));
}

static void test_nack_of_more_than_a_packet_can_say_is_cut(void **state)
{
	uint8_t data[512];
	struct rtcp_writer writer;
	uint16_t sequences[RTCP_NACK_ENTRIES_MAX + 5];
	for (size_t i = 0; i < G_N_ELEMENTS(sequences); i++)
		sequences[i] = (uint16_t)(i * 100);
	rtcp_writer_init(&writer, data, sizeof data);
	rtcp_write_nack(&writer, 1, 2, sequences, G_N_ELEMENTS(sequences));
	struct rtcp_feedback feedback = read_back(&writer, RTCP_RTPFB, RTCP_RTPFB_NACK);
	assert_int_equal(feedback.fci_bytes, RTCP_NACK_ENTRIES_MAX * 4);
	rtcp_writer_init(&writer, data, sizeof data);
	rtcp_write_nack(&writer, 1, 2, sequences, 0);
	assert_int_equal(writer.length, 0);
}

static void test_requests_for_key_frames(void **state)
{
	uint8_t data[64], number;
	uint32_t media;
	struct rtcp_writer writer;
	rtcp_writer_init(&writer, data, sizeof data);
	rtcp_write_pli(&writer, 7, 8);
	struct rtcp_feedback feedback = read_back(&writer, RTCP_PSFB, RTCP_PSFB_PLI);
	assert_int_equal(feedback.media, 8);
	assert_int_equal(feedback.fci_bytes, 0);
	assert_false(rtcp_fir_entry(&feedback, 0, &media, &number));
	rtcp_writer_init(&writer, data, sizeof data);
	rtcp_write_fir(&writer, 7, 8, 200);
	feedback = read_back(&writer, RTCP_PSFB, RTCP_PSFB_FIR);
	assert_true(rtcp_fir_entry(&feedback, 0, &media, &number));
	assert_int_equal(media, 8);
	assert_int_equal(number, 200);
	assert_false(rtcp_fir_entry(&feedback, 1, &media, &number));
}

static void test_remb_keeps_the_order_of_magnitude(void **state)
{
	static const uint64_t rates[] = {0, 1, 262143, 262144, 1500000, 10000000000, UINT64_MAX};
	static const uint32_t ssrcs[] = {5, 6};
	for (size_t i = 0; i < G_N_ELEMENTS(rates); i++) {
		uint8_t data[64];
		uint64_t rate = 1;
		struct rtcp_writer writer;
		rtcp_writer_init(&writer, data, sizeof data);
		rtcp_write_remb(&writer, 7, rates[i], ssrcs, 2);
		struct rtcp_feedback feedback = read_back(&writer, RTCP_PSFB, RTCP_PSFB_REMB);
		assert_int_equal(feedback.media, 0);
		assert_true(rtcp_remb(&feedback, &rate));
		assert_true(rate <= rates[i] && rates[i] - rate <= rates[i] >> 17);
	}
	static const uint8_t other[8] = {'A', 'F', 'B', 'X'}, huge[8] = {'R', 'E', 'M', 'B', 0, 0xff, 0xff, 0xff};
	uint64_t rate = 9;
	assert_false(rtcp_remb(&(struct rtcp_feedback){.fci = other, .fci_bytes = 8}, &rate));
	assert_false(rtcp_remb(&(struct rtcp_feedback){.fci = huge, .fci_bytes = 4}, &rate));
	assert_int_equal(rate, 9);
	assert_true(rtcp_remb(&(struct rtcp_feedback){.fci = huge, .fci_bytes = 8}, &rate));
	assert_true(rate == UINT64_MAX);
}

/* Reads a packet of arrivals as the draft says: symbol by symbol. Only what ours uses: vectors of two bits. */
static size_t read_arrivals(const struct rtcp_feedback *feedback, int64_t ret_us[static RTCP_ARRIVALS_MAX])
{
	size_t n = rtp_get_u16(feedback->fci + 2), chunks = (n + 6) / 7, at = 8 + 2 * chunks;
	int64_t ticks = (int64_t)(rtp_get_u32(feedback->fci + 4) >> 8) * 256;
	for (size_t i = 0; i < n; i++) {
		uint16_t chunk = rtp_get_u16(feedback->fci + 8 + 2 * (i / 7));
		assert_int_equal(chunk >> 14, 3);
		unsigned symbol = chunk >> (12 - 2 * (i % 7)) & 3;
		assert_int_not_equal(symbol, 3);
		ticks += symbol == 1 ? feedback->fci[at] : symbol == 2 ? (int16_t)rtp_get_u16(feedback->fci + at) : 0;
		ret_us[i] = symbol ? ticks * 250 : 0;
		at += symbol;
	}
	assert_in_range(feedback->fci_bytes, at, at + 3);
	return n;
}

static struct rtcp_feedback write_arrivals(struct rtcp_arrivals *arrivals, uint8_t data[static 1200])
{
	struct rtcp_writer writer;
	rtcp_writer_init(&writer, data, 1200);
	rtcp_write_arrivals(&writer, 1, 2, arrivals);
	return read_back(&writer, RTCP_RTPFB, RTCP_RTPFB_TWCC);
}

static void test_arrivals_are_told_with_their_times(void **state)
{
	struct rtcp_arrivals arrivals = {0};
	uint8_t data[1200];
	int64_t told[RTCP_ARRIVALS_MAX];
	assert_true(rtcp_arrivals_is_empty(&arrivals));
	rtcp_arrivals_note(&arrivals, 65534, 1000000);
	rtcp_arrivals_note(&arrivals, 65535, 1000249);
	rtcp_arrivals_note(&arrivals, 3, 1500000); /* 2 comes after it; 0 and 1 do not */
	rtcp_arrivals_note(&arrivals, 2, 1500500);
	struct rtcp_feedback feedback = write_arrivals(&arrivals, data);
	assert_int_equal(rtp_get_u16(feedback.fci), 65534);
	assert_int_equal(read_arrivals(&feedback, told), 6);
	static const int64_t expected[] = {1000000, 1000000, 0, 0, 1500500, 1500000};
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(told[i], expected[i]);
	assert_true(rtcp_arrivals_is_empty(&arrivals));
	rtcp_arrivals_note(&arrivals, 1, 1600000); /* told about as lost */
	assert_true(rtcp_arrivals_is_empty(&arrivals));
	rtcp_arrivals_note(&arrivals, 5, 1600000);
	feedback = write_arrivals(&arrivals, data);
	assert_int_equal(rtp_get_u16(feedback.fci), 4);
	assert_int_equal(feedback.fci[7], 1); /* the second packet */
	assert_int_equal(read_arrivals(&feedback, told), 2);
	assert_int_equal(told[1], 1600000);
}

static void test_arrivals_that_do_not_fit_stay(void **state)
{
	struct rtcp_arrivals arrivals = {0};
	uint8_t data[1200];
	int64_t told[RTCP_ARRIVALS_MAX];
	rtcp_arrivals_note(&arrivals, 1, 1000000);
	rtcp_arrivals_note(&arrivals, 2, 11000000); /* more than a delta can say */
	struct rtcp_feedback feedback = write_arrivals(&arrivals, data);
	assert_int_equal(read_arrivals(&feedback, told), 1);
	feedback = write_arrivals(&arrivals, data);
	assert_int_equal(read_arrivals(&feedback, told), 1);
	assert_int_equal(told[0], 11000000);
	for (uint16_t i = 0; i < 1000; i++)
		rtcp_arrivals_note(&arrivals, (uint16_t)(3 + 37 * i), 12000000 + i);
	feedback = write_arrivals(&arrivals, data);
	assert_in_range(read_arrivals(&feedback, told), 1, RTCP_ARRIVALS_MAX);
}

/* --- what was sent --- */

static struct rtp_history *new_history(size_t packets, size_t bytes)
{
	return rtp_history_init(g_malloc(rtp_history_size(packets, bytes)), packets, bytes);
}

static bool has(struct rtp_history *history, uint16_t sequence, uint8_t value, int64_t now_us)
{
	size_t length;
	const uint8_t *data = rtp_history_take(history, sequence, now_us, 20000, &length);
	if (!data)
		return false;
	assert_int_equal(length, 100);
	assert_int_equal(data[0], value);
	assert_int_equal(data[99], value);
	return true;
}

static void put(struct rtp_history *history, uint16_t sequence, uint8_t value, int64_t now_us)
{
	uint8_t data[100];
	memset(data, value, sizeof data);
	rtp_history_put(history, sequence, data, sizeof data, now_us);
}

static void test_history_gives_what_is_asked_for(void **state)
{
	struct rtp_history *history = new_history(16, 1050);
	assert_false(has(history, 0, 0, 0));
	for (uint16_t i = 0; i < 40; i++)
		put(history, (uint16_t)(65520 + i), (uint8_t)i, i);
	for (uint16_t i = 0; i < 30; i++) /* ten fit; fifty bytes at the end of the ring are left free */
		assert_false(has(history, (uint16_t)(65520 + i), (uint8_t)i, 40));
	for (uint16_t i = 31; i < 40; i++)
		assert_true(has(history, (uint16_t)(65520 + i), (uint8_t)i, 40));
	g_free(history);
}

static void test_history_sends_no_more_than_is_useful(void **state)
{
	struct rtp_history *history = new_history(16, 1600);
	put(history, 1, 1, 0);
	assert_true(has(history, 1, 1, 1000));
	assert_false(has(history, 1, 1, 2000)); /* as little as was sent: one */
	for (uint16_t i = 2; i < 16; i++)
		put(history, i, (uint8_t)i, 2000);
	assert_false(has(history, 1, 1, 20999));
	assert_true(has(history, 1, 1, 21000));
	for (int i = 2; i < RTP_HISTORY_REPEATS_MAX; i++)
		assert_true(has(history, 1, 1, 21000 + 20000 * i));
	assert_false(has(history, 1, 1, 1000000));
	assert_true(has(history, 2, 2, 2000 + RTP_HISTORY_AGE_US));
	assert_false(has(history, 3, 3, 2001 + RTP_HISTORY_AGE_US));
	uint8_t huge[2000] = {0};
	size_t length;
	rtp_history_put(history, 20, huge, sizeof huge, 3000);
	assert_null(rtp_history_take(history, 20, 3000, 0, &length));
	g_free(history);
}

/* --- what did not come --- */

static size_t due(struct rtp_missing *missing, int64_t now_us, uint16_t *ret_sequences)
{
	uint16_t sequences[RTP_MISSING_MAX];
	size_t n = rtp_missing_due(missing, now_us, 50000, sequences);
	memcpy(ret_sequences, sequences, n * sizeof *sequences);
	return n;
}

static void test_missing_packets_are_asked_for(void **state)
{
	struct rtp_missing missing = {0};
	uint16_t sequences[RTP_MISSING_MAX];
	assert_false(rtp_missing_note(&missing, 65533, 0));
	assert_true(rtp_missing_note(&missing, 1, 0)); /* 65534, 65535, 0 */
	assert_false(rtp_missing_note(&missing, 65535, 5000));
	assert_int_equal(due(&missing, 9999, sequences), 0);
	assert_int_equal(due(&missing, 10000, sequences), 2);
	assert_int_equal(sequences[0], 65534);
	assert_int_equal(sequences[1], 0);
	assert_int_equal(due(&missing, 59999, sequences), 0);
	assert_false(rtp_missing_note(&missing, 0, 59999));
	assert_int_equal(due(&missing, 60000, sequences), 1);
	assert_int_equal(sequences[0], 65534);
	size_t asks = 2;
	int64_t now_us = 60000;
	while (!rtp_missing_is_empty(&missing)) {
		asks += due(&missing, now_us += 50000, sequences);
		assert_in_range(asks, 2, RTP_MISSING_ASKS_MAX);
	}
	assert_int_equal(asks, RTP_MISSING_ASKS_MAX);
}

static void test_an_interruption_is_no_loss(void **state)
{
	struct rtp_missing missing = {0};
	assert_false(rtp_missing_note(&missing, 1, 0));
	assert_false(rtp_missing_note(&missing, 1 + RTP_MISSING_MAX + 1, 0));
	assert_true(rtp_missing_note(&missing, 1 + 2 * RTP_MISSING_MAX + 1, 0));  /* the longest */
	assert_false(rtp_missing_note(&missing, 3 + 2 * RTP_MISSING_MAX + 1, 0)); /* no room for one more */
	assert_true(rtp_missing_is_empty(&missing));
	assert_true(rtp_missing_note(&missing, 5 + 2 * RTP_MISSING_MAX + 1, 0));
	rtp_missing_reset(&missing);
	assert_true(rtp_missing_is_empty(&missing));
	assert_false(rtp_missing_note(&missing, 9, 0));
	assert_false(rtp_missing_note(&missing, 40000, 0)); /* far behind: a new count */
	assert_false(rtp_missing_note(&missing, 40001, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nack_names_each_missing_packet),
	    cmocka_unit_test(test_nack_of_more_than_a_packet_can_say_is_cut),
	    cmocka_unit_test(test_requests_for_key_frames),
	    cmocka_unit_test(test_remb_keeps_the_order_of_magnitude),
	    cmocka_unit_test(test_arrivals_are_told_with_their_times),
	    cmocka_unit_test(test_arrivals_that_do_not_fit_stay),
	    cmocka_unit_test(test_history_gives_what_is_asked_for),
	    cmocka_unit_test(test_history_sends_no_more_than_is_useful),
	    cmocka_unit_test(test_missing_packets_are_asked_for),
	    cmocka_unit_test(test_an_interruption_is_no_loss),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
