/* Digits made into packets of telephone events, and read again from what of them arrives. */
#include "rtp/event_sender.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MS INT64_C(1000)

static struct rtp_event_sender sender;
static struct rtp_event_out out;
static struct rtp_event event;
static int64_t now_us;

static int set_up(void **state)
{
	now_us = 5000 * MS;
	rtp_event_sender_init(&sender, 8000, 0);
	return 0;
}

static int press(char digit, uint32_t duration_ms)
{
	struct rtp_digit one = {(uint8_t)rtp_event_code(digit), RTP_DIGIT_VOLUME, duration_ms};

	return rtp_digits_put(&sender.digits, &one);
}

static uint32_t stream_timestamp(void)
{
	return (uint32_t)(now_us * sender.clock_hz / 1000000);
}

/* The next packet, after so long. */
static bool next_after(int64_t ms)
{
	now_us += ms * MS;
	if (!rtp_event_sender_next(&sender, now_us, stream_timestamp(), &out))
		return false;
	assert_int_equal(rtp_event_parse(out.payload, sizeof out.payload, &event), 0);
	return true;
}

static void assert_event(uint16_t duration, bool is_end, bool marker)
{
	assert_int_equal(event.duration, duration);
	assert_int_equal(event.is_end, is_end);
	assert_int_equal(out.marker, marker);
}

static void test_a_digit_has_updates_and_three_ends_at_one_timestamp(void **state)
{
	uint32_t begun = stream_timestamp();

	assert_false(rtp_event_sender_is_busy(&sender));
	assert_int_equal(rtp_event_sender_due_us(&sender), INT64_MAX);
	press('#', 90);
	assert_true(rtp_event_sender_is_busy(&sender));
	assert_int_equal(rtp_event_sender_due_us(&sender), 0);
	assert_true(next_after(0));
	assert_event(160, false, true);
	assert_int_equal(event.code, 11);
	assert_int_equal(event.volume, RTP_DIGIT_VOLUME);
	assert_false(next_after(19));
	for (uint16_t duration = 320; duration < 720; duration += 160) {
		assert_true(next_after(duration == 320 ? 1 : 20));
		assert_event(duration, false, false);
	}
	for (int ends = 0; ends < RTP_EVENT_ENDS; ends++) {
		assert_true(next_after(20));
		assert_event(720, true, false);
		assert_int_equal(out.timestamp, begun);
	}
	/* 120 ms have passed; the gap ends 50 ms after the digit's 90 */
	assert_true(rtp_event_sender_is_busy(&sender));
	assert_int_equal(rtp_event_sender_due_us(&sender), (5000 + 140) * MS);
	assert_false(next_after(20));
	assert_false(rtp_event_sender_is_busy(&sender));
}

static void test_several_wait_for_their_turn(void **state)
{
	press('5', 40);
	press('5', 40);
	assert_true(next_after(0));
	assert_true(next_after(20));
	assert_event(320, true, false);
	assert_true(next_after(20));
	assert_true(next_after(20));
	assert_event(320, true, false);
	assert_false(next_after(29));
	assert_true(next_after(1));
	assert_event(160, false, true);
	assert_int_equal(out.timestamp, stream_timestamp());
	for (int i = 0; i < RTP_DIGITS_MAX - 1; i++)
		assert_int_equal(press('1', 100), 0);
	assert_int_equal(press('1', 100), -ENOBUFS);
	struct rtp_digit wrong = {17, 10, 100};
	assert_int_equal(rtp_digits_put(&sender.digits, &wrong), -EINVAL);
}

static void test_a_digit_still_pressed_ends_when_it_is_told(void **state)
{
	press('7', 0);
	assert_true(next_after(0));
	for (int i = 0; i < 20; i++)
		assert_true(next_after(20) && !event.is_end);
	assert_int_equal(event.duration, 21 * 160);
	rtp_digits_end(&sender.digits, 431);
	rtp_digits_end(&sender.digits, 1000); /* nothing is pressed any more */
	assert_true(next_after(20));
	assert_event(431 * 8, true, false);
	/* an end that is less than what has been told already */
	for (int i = 0; i < 2; i++)
		assert_true(next_after(20) && event.is_end);
	press('8', 0);
	assert_true(next_after(100));
	assert_true(next_after(20));
	assert_true(next_after(20));
	assert_true(next_after(20));
	rtp_digits_end(&sender.digits, 50);
	assert_true(next_after(20));
	assert_event(4 * 160, true, false);
	/* one whose end is never told */
	for (int i = 0; i < 2; i++)
		assert_true(next_after(20) && event.is_end);
	press('9', 0);
	int64_t begun_us = now_us + 100 * MS;
	assert_true(next_after(100));
	while (!event.is_end)
		assert_true(next_after(20));
	assert_in_range(now_us - begun_us, (RTP_DIGIT_MS_MAX - 20) * MS, RTP_DIGIT_MS_MAX * MS);
}

/* Its words come late, in bursts: nothing is told that was not, since it could not be taken back. */
static void test_a_digit_lasts_no_longer_than_it_is_known_to(void **state)
{
	press('7', 0);
	rtp_digits_go_on(&sender.digits, 1);
	assert_true(next_after(0));
	for (int i = 0; i < 10; i++)
		assert_true(next_after(20) && !event.is_end);
	assert_int_equal(event.duration, RTP_DIGIT_MS_MIN * 8);
	rtp_digits_go_on(&sender.digits, 80);
	rtp_digits_go_on(&sender.digits, 60);
	assert_true(next_after(20) && !event.is_end);
	assert_int_equal(event.duration, 80 * 8);
	rtp_digits_end(&sender.digits, 100);
	assert_true(next_after(20));
	assert_event(100 * 8, true, false);
	for (int i = 0; i < 2; i++)
		assert_true(next_after(20) && event.is_end);
	press('8', 0); /* what was known of the one before is not its */
	assert_true(next_after(100));
	for (int i = 0; i < 10; i++)
		assert_true(next_after(20));
	assert_int_equal(event.duration, 11 * 160);
}

/* --- both ways --- */

struct way {
	uint32_t clock_hz, update_ms;
	unsigned loss_percent;
	bool doubles, disorders;
	uint32_t seed;
	size_t n_sent, n_heard, n_missed, n_wrong, n_off; /* off: with another duration */
	uint8_t sent[16384];
	uint32_t sent_ms[16384];
	struct rtp_event_receiver receiver;
	struct rtp_event_out held;
	bool holds;
};

static uint32_t random_below(struct way *way, uint32_t limit)
{
	way->seed = way->seed * 1664525 + 1013904223;
	return (way->seed >> 8) % limit;
}

static void hear(struct way *way, const struct rtp_event_change *changes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (changes[i].kind != RTP_EVENT_ENDED)
			continue;
		/* one that was lost whole is passed over */
		while (way->loss_percent > 0 && way->n_heard < way->n_sent &&
		       way->sent[way->n_heard] != changes[i].code)
			way->n_heard++, way->n_missed++;
		if (way->n_heard >= way->n_sent || way->sent[way->n_heard] != changes[i].code)
			way->n_wrong++;
		else if (changes[i].duration != way->sent_ms[way->n_heard] * (way->clock_hz / 1000))
			way->n_off++;
		way->n_heard++;
	}
}

static void arrive(struct way *way, const struct rtp_event_out *packet)
{
	struct rtp_event_change changes[RTP_EVENT_CHANGES_MAX];
	struct rtp_event read;

	if (random_below(way, 100) < way->loss_percent)
		return;
	assert_int_equal(rtp_event_parse(packet->payload, RTP_EVENT_BYTES, &read), 0);
	for (int i = 0; i <= way->doubles; i++)
		hear(way, changes,
		     rtp_event_receiver_update(&way->receiver, packet->timestamp, &read, now_us, changes));
}

static void carry(struct way *way, const struct rtp_event_out *packet)
{
	if (way->disorders && !way->holds && random_below(way, 4) == 0) {
		way->held = *packet;
		way->holds = true;
		return;
	}
	arrive(way, packet);
	if (way->holds)
		arrive(way, &way->held);
	way->holds = false;
}

static void run(struct way *way, size_t n_digits, uint32_t ms_max)
{
	struct rtp_event_change change;

	rtp_event_sender_init(&sender, way->clock_hz, way->update_ms);
	while (way->n_sent < n_digits || rtp_event_sender_is_busy(&sender)) {
		now_us += 10 * MS;
		if (way->n_sent < n_digits && sender.digits.n < RTP_DIGITS_MAX) {
			way->sent[way->n_sent] = (uint8_t)random_below(way, 16);
			way->sent_ms[way->n_sent] = RTP_DIGIT_MS_MIN + random_below(way, ms_max - RTP_DIGIT_MS_MIN);
			assert_int_equal(press(rtp_event_digit(way->sent[way->n_sent]), way->sent_ms[way->n_sent]), 0);
			way->n_sent++;
		}
		while (now_us >= rtp_event_sender_due_us(&sender) &&
		       rtp_event_sender_next(&sender, now_us, stream_timestamp(), &out))
			carry(way, &out);
		if (rtp_event_receiver_expire(&way->receiver, now_us, &change))
			hear(way, &change, 1);
	}
	if (rtp_event_receiver_expire(&way->receiver, now_us + 1000 * MS, &change))
		hear(way, &change, 1);
}

static void test_ten_thousand_digits_arrive_once_each(void **state)
{
	static const uint32_t clocks_hz[] = {8000, 16000, 48000}, updates_ms[] = {20, 50};
	static struct way way;

	for (size_t c = 0; c < G_N_ELEMENTS(clocks_hz); c++)
		for (size_t u = 0; u < G_N_ELEMENTS(updates_ms); u++) {
			way = (struct way){.clock_hz = clocks_hz[c], .update_ms = updates_ms[u], .doubles = c == 1};
			run(&way, 10000, 300);
			assert_int_equal(way.n_heard, 10000);
			assert_int_equal(way.n_wrong + way.n_off, 0);
		}
}

static void test_loss_and_disorder_make_no_digit_wrong_or_double(void **state)
{
	static struct way way;

	for (uint32_t seed = 1; seed < 4; seed++) {
		way = (struct way){.clock_hz = seed == 1 ? 8000 : 48000,
				   .update_ms = 20,
				   .loss_percent = 5,
				   .disorders = true,
				   .doubles = true,
				   .seed = seed};
		run(&way, 10000, 300);
		assert_int_equal(way.n_heard, 10000); /* a digit of 40 ms has four packets */
		assert_int_equal(way.n_wrong + way.n_missed, 0);
		assert_true(way.n_off <= 10);
	}
}

static void test_long_digits_go_over_several_segments(void **state)
{
	static struct way way;

	way = (struct way){.clock_hz = 48000, .update_ms = 20, .loss_percent = 3, .seed = 2};
	run(&way, 200, RTP_DIGIT_MS_MAX);
	assert_int_equal(way.n_heard, 200);
	assert_int_equal(way.n_wrong + way.n_off, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_a_digit_has_updates_and_three_ends_at_one_timestamp, set_up),
	    cmocka_unit_test_setup(test_several_wait_for_their_turn, set_up),
	    cmocka_unit_test_setup(test_a_digit_still_pressed_ends_when_it_is_told, set_up),
	    cmocka_unit_test_setup(test_a_digit_lasts_no_longer_than_it_is_known_to, set_up),
	    cmocka_unit_test_setup(test_ten_thousand_digits_arrive_once_each, set_up),
	    cmocka_unit_test_setup(test_loss_and_disorder_make_no_digit_wrong_or_double, set_up),
	    cmocka_unit_test_setup(test_long_digits_go_over_several_segments, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
