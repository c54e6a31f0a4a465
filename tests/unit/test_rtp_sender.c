/* One identity towards a far end, whoever stands behind it. */
#include "rtp/receiver.h"
#include "rtp/sender.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MS INT64_C(1000)

static struct rtp_sender sender;
static struct rtp_sender_out out;

static int next_with(uint32_t ssrc, uint16_t sequence, uint32_t timestamp, uint32_t clock_hz, int64_t now_us)
{
	struct rtp_packet packet = {.ssrc = ssrc, .sequence = sequence, .timestamp = timestamp};
	return rtp_sender_next(&sender, &packet, clock_hz, now_us, &out);
}

static int next(uint32_t ssrc, uint16_t sequence, uint32_t timestamp, int64_t now_us)
{
	return next_with(ssrc, sequence, timestamp, 8000, now_us);
}

static void assert_next(uint32_t ssrc, uint16_t sequence, uint32_t timestamp, int64_t now_us,
			uint16_t expected_sequence, uint32_t expected_timestamp)
{
	assert_int_equal(next(ssrc, sequence, timestamp, now_us), 0);
	assert_int_equal(out.sequence, expected_sequence);
	assert_int_equal(out.timestamp, expected_timestamp);
}

static int set_up(void **state)
{
	rtp_sender_init(&sender, 99, 1000, 0xffffff00);
	return 0;
}

static void test_one_source(void **state)
{
	assert_next(1, 65534, 500, 0, 1000, 0xffffff00);
	assert_true(out.marker);
	assert_next(1, 65535, 660, 20 * MS, 1001, 0xffffffa0);
	assert_false(out.marker);
	/* a gap, and what fills it later, stay as they are */
	assert_next(1, 2, 660 + 480, 80 * MS, 1004, 0xffffffa0 + 480);
	assert_next(1, 0, 660 + 160, 81 * MS, 1002, 0xffffffa0 + 160);
	assert_next(1, 3, 660 + 640, 100 * MS, 1005, 0xffffffa0 + 640);
}

static void test_switch(void **state)
{
	assert_next(1, 100, 0, 0, 1000, 0xffffff00);
	assert_next(1, 101, 160, 20 * MS, 1001, 0xffffffa0);
	/* half a second of real time is 4,000 ticks */
	assert_next(2, 7, 77777, 520 * MS, 1002, 0xffffffa0 + 4000);
	assert_true(out.marker);
	assert_next(2, 8, 77777 + 160, 540 * MS, 1003, 0xffffffa0 + 4160);
	assert_false(out.marker);
	/* what the old source sent before the switch, and the new one before its first */
	assert_int_equal(next(1, 100, 0, 541 * MS), -ESTALE);
	assert_int_equal(next(2, 6, 77777 - 160, 541 * MS), -ESTALE);
	assert_next(2, 10, 77777 + 480, 580 * MS, 1005, 0xffffffa0 + 4480);
	assert_next(2, 9, 77777 + 320, 581 * MS, 1004, 0xffffffa0 + 4320);
	/* the old one comes back with new packets */
	assert_next(1, 102, 5000, 600 * MS, 1006, 0xffffffa0 + 4480 + 160);
}

/* There the marker is the end of a frame, and a frame must not end before all of it has come. */
static void test_the_marker_of_pictures_is_theirs(void **state)
{
	sender.marks_frames = true;
	assert_next(1, 100, 0, 0, 1000, 0xffffff00);
	assert_false(out.marker);
	assert_int_equal(next(2, 7, 0, 20 * MS), 0);
	assert_false(out.marker);
}

static void test_switch_without_time(void **state)
{
	assert_next(1, 100, 0, 0, 1000, 0xffffff00);
	assert_next(2, 5, 0, 0, 1001, 0xffffff01); /* a timestamp of its own all the same */
	assert_next(2, 6, 160, 20 * MS, 1002, 0xffffffa1);
	/* time that goes back does no harm */
	assert_next(3, 6, 160, 0, 1003, 0xffffffa2);
}

static void test_cut(void **state)
{
	assert_next(1, 100, 0, 0, 1000, 0xffffff00);
	rtp_sender_cut(&sender);
	assert_next(1, 5000, 900000, 1000 * MS, 1001, 0xffffff00 + 8000);
	assert_true(out.marker);
	/* back to a source from before the cut, with numbers it has used */
	rtp_sender_cut(&sender);
	assert_next(1, 100, 0, 2000 * MS, 1002, 0xffffff00 + 16000);
}

static void test_jump(void **state)
{
	assert_next(1, 100, 0, 0, 1000, 0xffffff00);
	assert_int_equal(next(1, 20000, 0, 20 * MS), -ESTALE); /* alone it means nothing */
	assert_next(1, 101, 160, 20 * MS, 1001, 0xffffffa0);
	assert_int_equal(next(1, 20000, 7, 40 * MS), -ESTALE);
	assert_next(1, 20001, 167, 60 * MS, 1002, 0xffffffa0 + 320);
	assert_true(out.marker);
	assert_next(1, 20002, 327, 80 * MS, 1003, 0xffffffa0 + 480);
	assert_int_equal(next(1, 101, 160, 81 * MS), -ESTALE);
}

static void test_timestamps_that_begin_anew(void **state)
{
	assert_next(1, 100, 1000000, 0, 1000, 0xffffff00);
	/* backwards with a higher sequence */
	assert_next(1, 101, 0, 20 * MS, 1001, 0xffffff00 + 160);
	assert_next(1, 102, 160, 40 * MS, 1002, 0xffffff00 + 320);
	/* far ahead of real time */
	assert_next(1, 103, 0x70000000, 60 * MS, 1003, 0xffffff00 + 480);
	/* an event's repeated timestamp stays, and so does a silence that follows real time */
	assert_next(1, 104, 0x70000000, 80 * MS, 1004, 0xffffff00 + 480);
	assert_next(1, 105, 0x70000000 + 60 * 8000, 60 * 1000 * MS, 1005, 0xffffff00 + 480 + 60 * 8000);
}

static void test_clock_change(void **state)
{
	assert_int_equal(next_with(1, 1, 0, 48000, 0), 0);
	assert_int_equal(out.timestamp, 0xffffff00);
	assert_int_equal(next_with(1, 2, 960, 48000, 20 * MS), 0);
	assert_int_equal(out.timestamp, 0xffffff00 + 960);
	assert_int_equal(next_with(1, 3, 50, 8000, 40 * MS), 0);
	assert_int_equal(out.sequence, 1002);
	assert_int_equal(out.timestamp, 0xffffff00 + 960 + 160);
}

static void test_rewrite(void **state)
{
	uint8_t data[] = {0x80, 0x80 | 111, 0, 5, 0, 0, 0, 9, 1, 2, 3, 4, 'a', 'b'};
	struct rtp_packet packet, again;
	struct rtcp_sender_info info;
	assert_false(rtp_sender_info(&sender, 0, 1, &info));
	assert_int_equal(rtp_packet_parse(data, sizeof data, &packet), 0);
	assert_int_equal(rtp_sender_rewrite(&sender, &packet, data, 8, 8000, 0), 0);
	assert_int_equal(rtp_packet_parse(data, sizeof data, &again), 0);
	assert_int_equal(again.payload_type, 8);
	assert_true(again.marker);
	assert_int_equal(again.sequence, 1000);
	assert_int_equal(again.timestamp, 0xffffff00);
	assert_int_equal(again.ssrc, 99);
	assert_memory_equal(again.payload, "ab", 2);
	assert_true(rtp_sender_info(&sender, 250 * MS, 77, &info));
	assert_int_equal(info.ntp_time, 77);
	assert_int_equal(info.rtp_timestamp, 0xffffff00 + 2000); /* of the report's moment */
	assert_int_equal(info.packets, 1);
	assert_int_equal(info.octets, 2);
}

/* Many sources in turn, each with losses and swaps: no outgoing number twice, no step back at a switch. */
static void test_no_number_twice(void **state)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(1);
	g_autofree uint8_t *seen = g_malloc0(65536);
	int64_t now_us = 0;
	int sent = 0;
	for (int source = 0; source < 200; source++) {
		uint16_t start = (uint16_t)g_rand_int(random);
		for (int i = 0; i < 100; i++) {
			now_us += 20 * MS;
			int at = i ^ (g_rand_int(random) % 8 == 0 ? 1 : 0); /* swapped, repeated or lost */
			if (next((uint32_t)source, (uint16_t)(start + at), (uint32_t)at * 160, now_us) < 0)
				continue;
			if (seen[out.sequence] == source % 2 + 1 && at == i)
				continue; /* the source's own repeat */
			assert_true(seen[out.sequence] == 0 || seen[out.sequence] == source % 2 + 1);
			seen[out.sequence] = (uint8_t)(source % 2 + 1);
			sent++;
		}
	}
	assert_true(sent > 15000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_one_source, set_up),
	    cmocka_unit_test_setup(test_switch, set_up),
	    cmocka_unit_test_setup(test_the_marker_of_pictures_is_theirs, set_up),
	    cmocka_unit_test_setup(test_switch_without_time, set_up),
	    cmocka_unit_test_setup(test_cut, set_up),
	    cmocka_unit_test_setup(test_jump, set_up),
	    cmocka_unit_test_setup(test_timestamps_that_begin_anew, set_up),
	    cmocka_unit_test_setup(test_clock_change, set_up),
	    cmocka_unit_test_setup(test_rewrite, set_up),
	    cmocka_unit_test_setup(test_no_number_twice, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
