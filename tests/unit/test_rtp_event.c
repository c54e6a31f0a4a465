/* Telephone events: each digit once, however its packets come. */
#include "rtp/event.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct rtp_event_receiver receiver;
static struct rtp_event_change changes[RTP_EVENT_CHANGES_MAX];
static int64_t now_us;

static int set_up(void **state)
{
	receiver = (struct rtp_event_receiver){0};
	now_us = 1000000;
	return 0;
}

static size_t hear(uint32_t timestamp, uint8_t code, uint16_t duration, bool is_end)
{
	struct rtp_event event = {.code = code, .duration = duration, .is_end = is_end};
	now_us += 20000;
	return rtp_event_receiver_update(&receiver, timestamp, &event, now_us, changes);
}

static void assert_change(size_t at, enum rtp_event_change_kind kind, uint8_t code, uint32_t duration)
{
	assert_int_equal(changes[at].kind, kind);
	assert_int_equal(changes[at].code, code);
	assert_int_equal(changes[at].duration, duration);
}

static void test_payload(void **state)
{
	static const uint8_t payload[] = {11, 0x8a, 0x03, 0x20};
	struct rtp_event event;
	uint8_t again[RTP_EVENT_BYTES];
	assert_int_equal(rtp_event_parse(payload, sizeof payload, &event), 0);
	assert_int_equal(event.code, 11);
	assert_true(event.is_end);
	assert_int_equal(event.volume, 10);
	assert_int_equal(event.duration, 800);
	rtp_event_build(&event, again);
	assert_memory_equal(again, payload, sizeof payload);
	assert_int_equal(rtp_event_parse(payload, 3, &event), -EBADMSG);
	assert_int_equal(rtp_event_digit(11), '#');
	assert_int_equal(rtp_event_digit(15), 'D');
	assert_int_equal(rtp_event_digit(16), 0);
	assert_int_equal(rtp_event_code('*'), 10);
	assert_int_equal(rtp_event_code('a'), 12);
	assert_int_equal(rtp_event_code('x'), -EINVAL);
	assert_int_equal(rtp_event_code('\0'), -EINVAL);
}

static void test_whole(void **state)
{
	assert_int_equal(hear(1000, 5, 160, false), 1);
	assert_change(0, RTP_EVENT_STARTED, 5, 0);
	assert_int_equal(hear(1000, 5, 320, false), 0);
	assert_int_equal(hear(1000, 5, 160, false), 0); /* swapped */
	assert_int_equal(hear(1000, 5, 800, true), 1);
	assert_change(0, RTP_EVENT_ENDED, 5, 800);
	assert_int_equal(hear(1000, 5, 800, true), 0);
	assert_int_equal(hear(1000, 5, 800, true), 0);
	assert_int_equal(hear(1000, 5, 320, false), 0); /* late update */
	/* the same digit again */
	assert_int_equal(hear(3000, 5, 160, false), 1);
	assert_int_equal(hear(3000, 5, 640, true), 1);
	assert_int_equal(hear(1000, 5, 800, true), 0); /* very late end of the first */
}

static void test_lost_starts(void **state)
{
	assert_int_equal(hear(1000, 7, 800, true), 2);
	assert_change(0, RTP_EVENT_STARTED, 7, 0);
	assert_change(1, RTP_EVENT_ENDED, 7, 800);
	assert_int_equal(hear(1000, 7, 800, true), 0);
}

static void test_lost_ends(void **state)
{
	assert_int_equal(hear(1000, 1, 160, false), 1);
	assert_int_equal(hear(1000, 1, 480, false), 0);
	assert_int_equal(hear(4000, 2, 160, false), 2);
	assert_change(0, RTP_EVENT_ENDED, 1, 480);
	assert_change(1, RTP_EVENT_STARTED, 2, 0);
	assert_int_equal(hear(8000, 3, 800, true), 3);
	assert_change(0, RTP_EVENT_ENDED, 2, 160);
	assert_change(1, RTP_EVENT_STARTED, 3, 0);
	assert_change(2, RTP_EVENT_ENDED, 3, 800);

	assert_int_equal(hear(12000, 4, 160, false), 1);
	assert_false(rtp_event_receiver_expire(&receiver, now_us + RTP_EVENT_TIMEOUT_MS * 1000 - 1, changes));
	assert_true(rtp_event_receiver_expire(&receiver, now_us + RTP_EVENT_TIMEOUT_MS * 1000, changes));
	assert_change(0, RTP_EVENT_ENDED, 4, 160);
	assert_false(rtp_event_receiver_expire(&receiver, now_us + 10000000, changes));
	assert_int_equal(hear(12000, 4, 640, true), 0); /* the end after all: told already */
	/* and a segment of one that was given up too early */
	assert_int_equal(hear(20000, 4, 160, false), 1);
	assert_true(rtp_event_receiver_expire(&receiver, now_us + 400000, changes));
	assert_int_equal(hear(20000, 4, 65535, false), 0);
	assert_int_equal(hear(20000 + 65535, 4, 160, false), 0);
	assert_int_equal(hear(20000 + 65535, 4, 640, true), 0);
}

static void test_long_event(void **state)
{
	/* section 2.5.1.3: 65,535 units in one packet at most, then a new segment */
	assert_int_equal(hear(1000, 9, 60000, false), 1);
	assert_int_equal(hear(1000, 9, 65535, false), 0);
	assert_int_equal(hear(1000 + 65535, 9, 800, false), 0);
	assert_int_equal(hear(1000 + 65535, 9, 1600, true), 1);
	assert_change(0, RTP_EVENT_ENDED, 9, 65535 + 1600);
	assert_int_equal(hear(1000 + 65535, 9, 1600, true), 0);
	/* nothing of the second segment came */
	assert_int_equal(hear(500000, 9, 60000, false), 1);
	assert_int_equal(hear(500000 + 2 * 65535, 9, 160, false), 0);
	assert_int_equal(hear(500000 + 65535, 9, 65535, false), 0);
	assert_int_equal(hear(500000 + 2 * 65535, 9, 320, true), 1);
	assert_change(0, RTP_EVENT_ENDED, 9, 2 * 65535 + 320);
}

static void test_timestamp_wrap(void **state)
{
	assert_int_equal(hear(0xffffff00, 1, 160, false), 1);
	assert_int_equal(hear(0xffffff00, 1, 800, true), 1);
	assert_int_equal(hear(0x00000800, 2, 160, false), 1);
	assert_int_equal(hear(0x00000800, 2, 800, true), 1);
	/* a stream that begins anew, after a silence */
	now_us += 11000000;
	assert_int_equal(hear(0x90000000, 3, 160, false), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_payload, set_up),     cmocka_unit_test_setup(test_whole, set_up),
	    cmocka_unit_test_setup(test_lost_starts, set_up), cmocka_unit_test_setup(test_lost_ends, set_up),
	    cmocka_unit_test_setup(test_long_event, set_up),  cmocka_unit_test_setup(test_timestamp_wrap, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
